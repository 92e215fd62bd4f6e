"""Which charge a line of a payout settles."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.settlement import errors, rules
from entrepot.settlement.rules import Known, PayoutLine, gross, match, misfit

A, B = UUID(int=1), UUID(int=2)
KNOWN = {("charge", "ch_1"): Known(A, 1000), ("refund", "re_1"): Known(B, 300)}


def test_a_line_settles_what_bears_its_reference_once():
    lines = [
        PayoutLine("charge", "ch_1", 1000, 34),
        PayoutLine("refund", "re_1", 300),
        PayoutLine("charge", "ch_1", 1000),
    ]

    found = match(lines, KNOWN, set())

    assert [(one.state, one.known, one.difference) for one in found] == [
        ("matched", A, 0),
        ("matched", B, 0),
        ("unmatched", None, -1000),
    ]
    assert found[2].why == "ch_1 was paid out before"


def test_another_amount_differs_and_what_nobody_knows_is_unmatched():
    found = match([PayoutLine("charge", "ch_1", 990), PayoutLine("refund", "re_9", 50)], KNOWN, set())

    assert [(one.state, one.difference) for one in found] == [("differs", 10), ("unmatched", 50)]


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
    assert type(misfit("po_1", lines, net)) is refusal


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
    st.builds(Known, st.uuids(), st.integers(1, 5000)),
)


@given(LINES, CHARGES)
def test_what_lines_bring_is_what_they_settle_less_their_differences(lines, known):
    found = match(lines, known, set())

    settled = sum(
        rules.SIGNS[one.line.kind] * known[one.line.kind, one.line.reference].amount_minor
        for one in found
        if one.known
    )
    assert gross(lines) == settled - sum(one.difference for one in found)


@given(LINES, CHARGES)
def test_nothing_is_settled_twice(lines, known):
    found = match(lines, known, set())

    settled = [(one.known, one.line.kind) for one in found if one.known]
    assert len(settled) == len(set(settled))
