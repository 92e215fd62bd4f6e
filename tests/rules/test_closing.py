"""What stands in the way of closing a month."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entrepot.settlement.closing import KINDS, Closing, Open, check, looked_at, reasons


def test_what_stands_in_the_way_comes_first_and_is_the_reason():
    found = [
        Open("clearing", 1, 500, "2050 Goods", "GBP"),
        Open("bank lines", 3, -7, "", "GBP"),
        Open("refunds", 0, 0, "", "GBP"),
    ]
    checked = check(found, Closing())
    assert [(one.open.kind, one.refuses) for one in checked] == [("bank lines", True), ("clearing", False)]
    assert reasons(checked) == "bank lines: 3"
    assert reasons(check([*found, Open("bank lines", 2, 9, "", "EUR")], Closing())) == "bank lines: 5"
    assert reasons(check(found, Closing(bank_lines=False))) is None


@given(st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 3)), max_size=8), st.booleans())
@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
def test_a_month_is_ready_where_nothing_that_refuses_is_open(pairs, strict):
    policy = Closing(carrier_charges=strict, clearing=strict)
    checked = check([Open(kind, count, 0, "", "GBP") for kind, count in pairs], policy)
    assert len(checked) == sum(count > 0 for _, count in pairs)
    assert (reasons(checked) is None) == (not any(count and policy.refuses(kind) for kind, count in pairs))


def test_a_report_names_every_kind_that_was_looked_at():
    found = [
        Open("clearing", 1, 500, "2050 Goods", "GBP"),
        Open("clearing", 1, 5, "2150 Carriers", "GBP"),
        Open("refunds", 0, 0, "", "GBP"),
    ]
    told = looked_at(found, Closing())
    assert {one.open.kind for one in told} == set(KINDS)
    assert [one.open.about for one in told if one.open.count] == ["2050 Goods", "2150 Carriers"]


def test_what_was_kept_before_amounts_had_a_currency_is_not_read_as_if_they_had_one():
    """A kept answer that does not decode is asked for again; one without a currency told amounts of none."""
    with pytest.raises(msgspec.ValidationError, match="currency"):
        msgspec.json.decode(b'{"kind": "refunds", "count": 1, "amount_minor": 500, "about": ""}', type=Open)
