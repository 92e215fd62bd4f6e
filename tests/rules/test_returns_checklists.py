"""What the answers of an inspector, the weight and the serial number say of the grade."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.kernel.errors import Invalid
from entrepot.returns import errors
from entrepot.returns.checklists import (
    Checklists,
    Finding,
    Question,
    answered,
    capped,
    codes_of,
    matched,
    weighed,
)

CLEAN = Question("clean", "Is it clean?", caps={"no": "C"}, codes={"no": "dirty"})
WEAR = Question("wear", "How worn?", "choice", ("none", "some", "much"), caps={"some": "B", "much": "D"})
LENGTH = Question(
    "length", "Length in mm", "number", least=90, most=110, caps={"below": "D"}, codes={"above": "too_long"}
)
MORE = Question("more", "Anything else?", "text", codes={"given": "see_answer"}, required=False)
ALL = (CLEAN, WEAR, LENGTH, MORE)
FINE = {"clean": "yes", "wear": "none", "length": "100"}
GRADE = st.sampled_from("ABCD")


def test_answers_bring_grades_and_codes_in_the_order_of_the_questions():
    found = answered(ALL, {**FINE, "length": " 111 ", "clean": "no", "more": "a stain"})
    assert found == (
        Finding("clean", "Is it clean?", "no", "C", "dirty"), Finding("wear", "How worn?", "none"),
        Finding("length", "Length in mm", "111", "", "too_long"),
        Finding("more", "Anything else?", "a stain", "", "see_answer"),
    )  # fmt: skip
    assert codes_of(found) == ("dirty", "too_long", "see_answer")


@pytest.mark.parametrize(
    ("length", "cap"), [("89", "D"), ("90", ""), ("110", ""), ("111", ""), ("-5", "D"), ("0", "D")]
)
def test_numbers_are_below_within_or_above_their_bounds(length: str, cap: str):
    assert answered(ALL, {**FINE, "length": length})[2].cap == cap


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        ({**FINE, "clean": ""}, errors.AnswersMissing(codes="clean")),
        ({}, errors.AnswersMissing(codes="clean, wear, length")),
        ({**FINE, "clean": "maybe"}, Invalid(field="clean", expected="one of yes, no", found="maybe")),
        ({**FINE, "wear": "a lot"}, Invalid(field="wear", expected="one of none, some, much", found="a lot")),
        ({**FINE, "length": "1.5"}, Invalid(field="length", expected="a whole number", found="1.5")),
        ({**FINE, "length": "--1"}, Invalid(field="length", expected="a whole number", found="--1")),
        ({**FINE, "length": "²"}, Invalid(field="length", expected="a whole number", found="²")),
        (
            {**FINE, "color": "red"},
            Invalid(field="answers", expected="of clean, wear, length, more", found="color"),
        ),
        (
            {**FINE, "more": "x" * 501},
            Invalid(field="more", expected="at most 500 characters", found="501 characters"),
        ),
    ],
)
def test_what_is_no_answer_is_refused(said: dict[str, str], refused: object):
    assert answered(ALL, said) == refused


def test_no_question_takes_no_answer():
    assert answered((), {}) == ()
    assert isinstance(answered((), {"clean": "yes"}), Invalid)


@given(GRADE, st.lists(st.sampled_from(["", *"ABCD"])))
def test_the_grade_is_the_worst_of_all_and_never_better_than_the_inspectors(grade: str, caps: list[str]):
    found = [Finding("q", "asks", "answer", cap) for cap in caps]
    stands, why = capped(grade, found)
    assert stands == max([grade, *filter(None, caps)])
    assert bool(why) == (stands != grade)
    assert capped("", found)[0] == max(["A", *filter(None, caps)])


@pytest.mark.parametrize(
    ("found_g", "code", "cap"),
    [(1800, "", ""), (1799, "lighter_than_sold", "D"), (2200, "", ""), (2201, "heavier_than_sold", "")],
)
def test_a_box_that_is_too_light_is_told_by_its_weight(found_g: int, code: str, cap: str):
    (one,) = weighed(Checklists(weight_tolerance_percent=10), 1000, found_g, 2)
    assert (one.code, one.cap, one.answer) == (code, cap, f"{found_g} g, expected 2000 g")


def test_nothing_is_said_of_a_weight_that_is_not_known():
    policy = Checklists(weight_tolerance_percent=10)
    assert weighed(policy, 0, 10, 1) == weighed(policy, 10, None, 1) == weighed(Checklists(), 10, 1, 1) == ()


def test_a_swap_is_told_apart():
    policy = Checklists(swap_cap="C")
    (same,) = matched(policy, "S-1", ["S-1", "S-2"], 0, "", [])
    (swap,) = matched(policy, "S-9", ["S-1", "S-2"], 0, "", [])
    assert (same.code, same.cap) == ("", "")
    assert (swap.code, swap.cap, swap.answer) == ("serial_swap", "C", "S-9 did not leave with the order")
    assert matched(policy, "", ["S-1"], 0, "", []) == errors.SerialNeeded(left=1)
    assert matched(policy, "", [], 0, "", ["L-1"]) == matched(policy, "S-1", [], 0, "L", []) == ()
    (lot,) = matched(policy, "", [], 0, "L-2", ["L-1"])
    assert (lot.code, lot.cap) == ("other_lot", "C")


def test_where_not_all_numbers_are_known_another_is_no_swap():
    policy = Checklists(swap_cap="C")
    assert matched(policy, "", ["S-1"], 1, "", []) == matched(policy, "S-9", ["S-1"], 1, "", []) == ()
    (same,) = matched(policy, "S-1", ["S-1"], 1, "", [])
    assert (same.code, same.answer) == ("", "S-1 left with the order")


@pytest.mark.parametrize(
    "facts",
    [
        {"code": "", "asks": "Why?"}, {"code": "two words", "asks": "Why?"},
        {"code": "q", "asks": "Which?", "kind": "choice"}, {"code": "q", "asks": "Is it?", "choices": ("a",)},
        {"code": "q", "asks": "How long?", "kind": "number", "least": 2, "most": 1},
        {"code": "q", "asks": "Is it?", "caps": {"maybe": "B"}}, {"code": "q", "asks": "Is it?", "caps": {"no": "E"}},
        {"code": "q", "asks": "Is it?", "codes": {"no": "two words"}},
    ],
)  # fmt: skip
def test_a_question_that_can_t_be_one(facts: dict):
    with pytest.raises(ValueError, match=r"expected|choices"):
        Question(**facts)


def test_a_policy_that_can_t_be_one():
    for facts in (
        {"by_category": {"shoes": (CLEAN, CLEAN)}},
        {"swap_cap": "E"},
        {"weight_tolerance_percent": 101},
    ):
        with pytest.raises(ValueError, match="expected"):
            Checklists(**facts)


def test_a_category_has_its_own_questions_or_those_of_all_others():
    policy = Checklists({"shoes": (WEAR,), "*": (CLEAN,)})
    assert (policy.of("shoes"), policy.of("books"), Checklists().of("shoes")) == ((WEAR,), (CLEAN,), ())
