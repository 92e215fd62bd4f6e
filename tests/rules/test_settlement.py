"""Which charge a line of a payout settles."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.settlement import errors, rules
from entrepot.settlement.rules import RESERVES, Known, PayoutLine, gross, match, misfit

A, B = UUID(int=1), UUID(int=2)
KNOWN = {("charge", "ch_1"): [Known(A, 1000, 1000)], ("refund", "re_1"): [Known(B, 300, 300)]}


def test_a_line_settles_what_bears_its_reference_once():
    lines = [
        PayoutLine("charge", "ch_1", 1000, 34),
        PayoutLine("refund", "re_1", 300),
        PayoutLine("charge", "ch_1", 1000),
    ]

    found = match(lines, KNOWN, set(), "GBP")

    assert [(one.state, one.known, one.difference) for one in found] == [
        ("matched", A, 0),
        ("matched", B, 0),
        ("unmatched", None, -1000),
    ]
    assert found[2].why == "ch_1 was paid out before"


def test_another_amount_differs_and_what_nobody_knows_is_unmatched():
    found = match([PayoutLine("charge", "ch_1", 990), PayoutLine("refund", "re_9", 50)], KNOWN, set(), "GBP")

    assert [(one.state, one.difference) for one in found] == [("differs", 10), ("unmatched", 50)]
    assert found[0].why == "we know 10.00 GBP, the payout says 9.90 GBP"


@pytest.mark.parametrize(
    ("lines", "net", "refusal"),
    [
        ([], 0, errors.NotALine),
        ([PayoutLine("gift", "x", 1)], 1, errors.NotALine),
        ([PayoutLine("charge", "x", -1)], -1, errors.NotALine),
        ([PayoutLine("fee", "", 5, 5)], -5, errors.NotALine),
        ([PayoutLine("charge", "x", 100, 3)], 98, errors.DoesNotAddUp),
    ],
)
def test_a_report_that_can_not_be_one(lines, net, refusal):
    assert type(misfit("po_1", lines, net, "GBP")) is refusal


LINES = st.lists(
    st.builds(
        PayoutLine,
        st.sampled_from(["charge", "refund", "chargeback", "chargeback_reversal"]),
        st.sampled_from(["a", "b", "c", "d"]),
        st.integers(0, 5000),
        st.integers(0, 50),
    )
)
CHARGES = st.dictionaries(
    st.tuples(st.sampled_from(["charge", "refund", "chargeback"]), st.sampled_from(["a", "b", "c"])),
    st.lists(st.builds(Known, st.uuids(), st.integers(1, 5000)), max_size=3),
)


@st.composite
def reports(draw) -> tuple[list[PayoutLine], dict[tuple[str, str], list[Known]]]:
    """Lines, many of which are what is known, to the cent or nearly."""
    lines, known = draw(LINES), draw(CHARGES)
    for (kind, reference), found in known.items():
        for one in found:
            off = draw(st.sampled_from([None, 0, 0, 0, 1, -1]))
            if off is not None:
                lines.append(PayoutLine(kind, reference, one.amount_minor + off, draw(st.integers(0, 50))))
    return draw(st.permutations(lines)), known


def amounts(known) -> dict[UUID, int]:
    return {one.id: one.amount_minor for found in known.values() for one in found}


def test_of_those_that_share_a_reference_the_exact_amount_chooses_first():
    """A capture in two parts, which the provider names alike; and a line that differs comes first."""
    known = {("charge", "ch_1"): [Known(A, 1000, 1000), Known(B, 300, 300)]}
    lines = [PayoutLine("charge", "ch_1", 290), PayoutLine("charge", "ch_1", 1000)]

    assert [(one.state, one.known, one.difference) for one in match(lines, known, set(), "GBP")] == [
        ("differs", B, 10),
        ("matched", A, 0),
    ]


def test_what_was_asked_in_steps_explains_what_was_paid_out():
    """Also of an amount on the step, after parts of its payment failed; what was not asked is a person's."""
    known = {("refund", "re_1"): [Known(A, 1_010, 1_000)], ("refund", "re_2"): [Known(B, 1_010, 1_000)]}
    lines = [PayoutLine("refund", "re_1", 1_000), PayoutLine("refund", "re_2", 990)]
    found = match(lines, known, set(), "KWD", step=10)
    assert [(one.state, one.difference) for one in found] == [("explained", -10), ("differs", -20)]


def test_no_more_is_released_of_a_reserve_than_was_held_back():
    lines = [PayoutLine("reserve_released", "", amount) for amount in (60, 60, 90)] + [
        PayoutLine("reserve_held", "", 90)
    ]
    found = match(lines, {}, set(), "GBP", 100)
    assert [(one.state, one.difference, one.reserved) for one in found] == [
        ("matched", 0, -60), ("matched", 0, -60), ("differs", -20, -70), ("matched", 0, 90),
    ]  # fmt: skip
    assert found[2].why == "0.70 GBP were held back, 0.90 GBP are released"


def test_what_one_payout_holds_and_releases_leaves_nothing_held():
    held, released = PayoutLine("reserve_held", "", 90), PayoutLine("reserve_released", "", 90)
    for lines in ([held, released], [released, held]):
        found = match(lines, {}, set(), "GBP")
        assert [one.state for one in found] == ["matched", "matched"]
        assert sum(one.reserved for one in found) == 0


@given(st.integers(0, 500), st.lists(st.tuples(st.sampled_from(RESERVES), st.integers(0, 300)), max_size=6))
def test_invariant_27_a_reserve_opens_with_what_it_closes_less_what_was_held(opening, pairs):
    """Opening reserve + lines = disbursement + closing reserve; what is released beyond it is to be explained."""
    lines = [PayoutLine("charge", "ch_1", 10_000), *(PayoutLine(kind, "", amount) for kind, amount in pairs)]
    found = match(lines, {}, set(), "GBP", opening)
    closing = opening + sum(one.reserved for one in found)
    beyond = -sum(one.difference for one in found[1:])
    assert opening + 10_000 + beyond == gross(lines) + closing
    assert 0 <= closing <= opening + sum(amount for _, amount in pairs)
    assert beyond >= 0


def test_what_earlier_payouts_brought_is_not_chosen_again():
    known = {("charge", "ch_1"): [Known(A, 1000, 1000), Known(B, 300, 300)]}
    paid_out = {(A, "charge")}

    first, second = match(
        [PayoutLine("charge", "ch_1", 1000), PayoutLine("charge", "ch_1", 300)], known, paid_out, "GBP"
    )

    assert (first.state, first.difference, first.why) == ("unmatched", -1000, "ch_1 was paid out before")
    assert (second.state, second.known) == ("matched", B)
    assert paid_out == {(A, "charge"), (B, "charge")}


def test_a_chargeback_and_its_reversal_are_two_sides_of_one_dispute():
    known = {
        ("chargeback", "dp_1"): [Known(A, 500, 500)],
        ("chargeback_reversal", "dp_1"): [Known(A, 500, 500)],
    }
    lines = [PayoutLine("chargeback", "dp_1", 500), PayoutLine("chargeback_reversal", "dp_1", 500)]

    assert [(one.state, one.known) for one in match(lines, known, set(), "GBP")] == [
        ("matched", A),
        ("matched", A),
    ]


@pytest.mark.parametrize(
    ("kind", "known", "paid", "less"),
    [
        ("charge", 1000, 990, 10),
        ("refund", 300, 310, 10),
        ("chargeback", 300, 290, -10),
        ("chargeback_reversal", 300, 290, 10),
        ("fee", 0, 0, 0),
    ],
)
def test_a_difference_is_what_we_got_less_than_we_should_have(kind, known, paid, less):
    assert rules.difference(kind, known, paid) == less


@given(reports())
def test_what_lines_bring_is_what_they_settle_less_their_differences(report):
    """Invariant 6: matched and unmatched together are the whole payout, and nothing is lost between them."""
    lines, known = report
    found = match(lines, known, set(), "GBP")

    settled = sum(rules.SIGNS[one.line.kind] * amounts(known)[one.known] for one in found if one.known)
    assert gross(lines) == settled - sum(one.difference for one in found)
    assert [one.line for one in found] == lines
    matched = sum(
        rules.SIGNS[one.line.kind] * one.line.amount_minor for one in found if one.state == "matched"
    )
    waiting = sum(
        rules.SIGNS[one.line.kind] * one.line.amount_minor for one in found if one.state != "matched"
    )
    assert matched + waiting == gross(lines)
    assert all((one.state == "matched") == (one.difference == 0 and one.known is not None) or
               not one.line.amount_minor for one in found)  # fmt: skip


@given(reports())
def test_nothing_is_settled_twice_in_one_payout_or_the_next(report):
    """Invariant 3."""
    lines, known = report
    paid_out: set[tuple[UUID, str]] = set()
    found = match(lines, known, paid_out, "GBP")
    again = match(lines, known, paid_out, "GBP")

    settled = [(one.known, one.line.kind) for one in (*found, *again) if one.known]
    assert len(settled) == len(set(settled)) == len(paid_out)


@given(reports(), st.randoms())
def test_the_order_of_the_lines_does_not_matter(report, chance):
    """Invariant 7: and neither does the order in which we know what is known."""
    lines, known = report
    other = list(lines)
    chance.shuffle(other)
    turned = {key: found[::-1] for key, found in reversed(known.items())}

    def told(found):
        return sorted((tuple(one.line), one.state, str(one.known), one.difference, one.why) for one in found)

    assert told(match(lines, known, set(), "GBP")) == told(match(other, turned, set(), "GBP"))
