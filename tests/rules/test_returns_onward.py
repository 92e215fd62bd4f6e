"""What follows a disposition: what is owed, what work made, what a file is."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.kernel import pictures
from entrepot.kernel.errors import Invalid, Refused
from entrepot.returns import errors, onward
from entrepot.returns.onward import Onward, Outcome, Part, Settled, Stands, Waits, Worked, settle

ONE, TWO = UUID(int=1), UUID(int=2)


def waits(which: UUID = ONE, disposition: str = "liquidate", **facts: object) -> Waits:
    one = Waits(which, 1, disposition, 3, 1, UUID(int=8), UUID(int=9), UUID(int=10), "", "", "GBP")
    return one._replace(**facts)  # type: ignore[arg-type]


def test_numbers_tell_what_they_are_of():
    told = [onward.number(kind, 2026, 7) for kind in onward.PREFIXES]
    assert told == [
        "VR-2026-000007",
        "LOT-2026-000007",
        "DON-2026-000007",
        "DSP-2026-000007",
        "WO-2026-000007",
        "RP-2026-000007",
    ]


def test_the_policy_says_when_each_kind_is_due():
    policy = Onward(credit_days=1, payment_days=2, certificate_days=3)
    assert [policy.days(kind) for kind in onward.KINDS] == [1, 2, 3, 3]
    with pytest.raises(ValueError, match="0 or more"):
        Onward(credit_days=-1)


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ([(ONE, 2)], None),
        ([], "kernel.invalid"),
        ([(ONE, 1), (ONE, 1)], "kernel.invalid"),
        ([(ONE, 0)], "kernel.invalid"),
        ([(ONE, 3)], "returns.more_than_waits"),
    ],
)
def test_invariant_13_no_more_is_gathered_than_waits(wanted, code):
    refused = onward.misfit_units(wanted, {ONE: waits()})
    assert (refused.code if refused else None) == code


@pytest.mark.parametrize(
    ("kind", "found", "says"),
    [
        ("liquidation", [waits(), waits(TWO)], None),
        ("gift", [waits()], "kind"),
        ("donation", [waits()], "disposition"),
        ("liquidation", [waits(company=2)], "company"),
        ("liquidation", [waits(), waits(TWO, node=TWO)], "items"),
    ],
)
def test_what_leaves_together_is_alike(kind, found, says):
    refused = onward.misfit_together(kind, 1, found)
    assert (refused.facts["field"] if refused else None) == says


@pytest.mark.parametrize(
    ("amount", "final", "expected"),
    [
        (None, True, Settled(100, 70, 0, True)),
        (70, True, Settled(100, 70, 0, True)),
        (50, True, Settled(80, 50, -20, True)),
        (90, True, Settled(120, 90, 20, True)),
        (0, True, Settled(30, 0, -70, True)),
        (20, False, Settled(50, 20, 0, False)),
    ],
)
def test_what_comes_is_taken_off_and_the_rest_is_a_loss_or_gain(amount, final, expected):
    assert settle(100, 30, amount, "GBP", final=final) == expected


@pytest.mark.parametrize(("amount", "final"), [(-1, True), (0, False), (70, False), (None, False)])
def test_what_can_not_have_come(amount, final):
    assert isinstance(settle(100, 30, amount, "GBP", final=final), Invalid)


def test_an_amount_that_can_not_have_come_is_told_as_people_read_it():
    refused = settle(10_000, 3_000, 8_000, "EUR", final=False)
    assert refused == Invalid(
        field="amount_minor",
        expected="above 0 and less than 70.00 EUR, since more is to come",
        found="80.00 EUR",
    )


@given(owed=st.integers(0, 500), amounts=st.lists(st.integers(0, 600), min_size=1, max_size=5))
def test_invariant_14_what_is_owed_is_received_or_lost_to_the_penny(owed, amounts):
    credited = received = difference = 0
    for i, amount in enumerate(amounts):
        found = settle(owed, credited, amount, "GBP", final=i == len(amounts) - 1)
        if isinstance(found, Refused):
            assert i < len(amounts) - 1, "what ends the matter may be any amount"
            continue
        credited, received, difference = found.credited, received + found.received, found.difference
    assert credited == received
    assert received == owed + difference


@pytest.mark.parametrize(
    ("outcomes", "scrapped", "fits"),
    [
        ([Outcome(2, "A")], 1, True),
        ([Outcome(1, "A"), Outcome(1, "B", "second_grade")], 1, True),
        ([], 3, True),
        ([Outcome(2, "A")], 0, False),
        ([Outcome(0, "A"), Outcome(3, "A")], 0, False),
        ([Outcome(4, "A")], -1, False),
        ([Outcome(3, "Z")], 0, False),
        ([Outcome(3, "A", "damaged")], 0, False),
    ],
)
def test_every_unit_of_a_work_order_becomes_something(outcomes, scrapped, fits):
    assert (onward.misfit_outcomes(outcomes, scrapped, 3) is None) == fits


def test_labor_is_paid_by_the_minute():
    assert [onward.labor(minutes, 2_000) for minutes in (0, 60, 45, 1)] == [0, 2_000, 1_500, 33]


@given(total=st.integers(0, 10_000), units=st.lists(st.integers(1, 50), max_size=6))
def test_invariant_17_the_parts_of_a_cost_are_the_whole(total, units):
    shares = onward.spread(total, units)
    assert sum(shares) == (total if units else 0)
    assert all(share >= 0 for share in shares)


BINS = [UUID(int=i) for i in range(3)]


@given(
    stands=st.lists(
        st.builds(Stands, st.sampled_from(BINS), st.sampled_from(["", "L1"]), st.just(""), st.integers(0, 4)),
        max_size=6,
    ),
    part=st.builds(
        Part, st.just(BINS[0]), st.integers(1, 9), st.sampled_from([None, *BINS]), st.sampled_from(["", "L1"])
    ),
)
def test_invariant_27_parts_are_drawn_from_what_stands_there_and_is_meant(stands: list[Stands], part: Part):
    drawn = onward.draw(part, stands)
    fit = [one for one in stands if part.bin in (None, one.bin) and part.lot in ("", one.lot)]
    assert sum(units for _, units in drawn) == min(part.quantity, sum(one.units for one in fit))
    assert all(0 < units <= stands[place].units and stands[place] in fit for place, units in drawn)
    assert [place for place, _ in drawn] == sorted({place for place, _ in drawn})
    assert all(units == stands[place].units for place, units in drawn[:-1]), (
        "one bin is emptied before the next"
    )


def test_what_work_is_in_the_books():
    assert Worked(30, 20, capitalized=True).amounts == (("capitalized", 30), ("own", 20))
    assert Worked(30, 20, capitalized=False).amounts == (("expensed", 30),)
    assert Worked(0, 0, capitalized=True).amounts == ()


def test_a_file_is_told_by_its_bytes():
    pdf = b"%PDF-1.7\n...\n%%EOF\n"
    assert pictures.read_paper(pdf).kind == "pdf"
    assert pictures.read_paper(pdf).digest == pictures.read_paper(bytes(pdf)).digest
    for bad in (b"", b"%PDF-1.7 cut off", b"<html>%%EOF", b"MZ" + pdf, b"%PDF-" + b"x" * 5_000_001):
        assert isinstance(pictures.read_paper(bad), Invalid)


def test_refusals_say_what_to_do():
    assert "Name who gets the goods" in errors.NoReceiver(kind="donation", expected="a receiver").message
    assert "Mugs Ltd" in errors.NotOfVendor(sku="x", vendor="Mugs Ltd").message
