"""A payout of Stripe from its balance transactions."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from entrepot.settlement import stripe_report as report
from entrepot.settlement.rules import PayoutLine, misfit
from tests.stripe import example

NET = 10_000 - 310 - 2500 - 1500 - 1500 + 700 - 200


def row(kind: str, source: str, amount: int, fee: int = 0, **facts: Any) -> dict[str, Any]:
    return example(
        "balance_transaction",
        **{
            "id": f"txn_{source}", "type": kind, "reporting_category": kind, "source": source, "amount": amount,
            "fee": fee, "net": amount - fee, "currency": "gbp", "available_on": 1_767_225_600,
        } | facts,
    )  # fmt: skip


ROWS = [
    row("payout", "po_1", -NET),
    row("charge", "ch_1", 10_000, 310),
    row("refund", "re_1", -2500),
    row("adjustment", "dp_1", -1500, 1500, reporting_category="dispute"),
    row("adjustment", "re_2", 700, reporting_category="refund_failure"),
    row("stripe_fee", "fee_1", -200, reporting_category="fee"),
]


def told(rows: list[dict[str, Any]], **facts: Any) -> str:
    return json.dumps({"object": "list", "has_more": False, "data": rows} | facts)


def test_what_stripe_holds_back_and_releases_is_a_reserve():
    rows = [
        row("payout", "po_1", -70), row("charge", "ch_1", 100), row("reserve_transaction", "a", -50),
        row("adjustment", "b", 20, reporting_category="risk_reserved_funds"),
    ]  # fmt: skip
    assert report.read(told(rows)).lines[1:] == (
        PayoutLine("reserve_held", "txn_a", 50),
        PayoutLine("reserve_released", "txn_b", 20),
    )


def test_each_transaction_is_a_line_and_they_make_the_payout():
    found = report.read(told(ROWS))
    assert found[:4] == ("po_1", "GBP", NET, datetime(2026, 1, 1, tzinfo=UTC))
    assert found.lines == (
        PayoutLine("charge", "ch_1", 10_000, 310),
        PayoutLine("refund", "re_1", 2500, 0),
        PayoutLine("chargeback", "dp_1", 1500, 1500),
        PayoutLine("refund_reversal", "re_2", 700, 0),
        PayoutLine("fee", "txn_fee_1", 0, 200),
    )
    assert misfit(found.external_id, found.lines, found.net_minor, found.currency) is None
    assert report.read(json.dumps(ROWS)) == found


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[", "no JSON"),
        ("3", "no list"),
        (told(ROWS, has_more=True), "goes on"),
        (told(ROWS[1:]), "found 0"),
        (told(ROWS[:-1]), "is the list whole"),
        (told([*ROWS, row("charge", "ch_2", 5, currency="eur")]), "one currency"),
        (told([*ROWS, row("charge", "ch_2", 5, net=4)]), "is not net"),
        (told([*ROWS, row("charge", "", 5)]), "without source"),
        (told([*ROWS, row("charge", "ch_2", 5) | {"amount": "5"}]), "without amount"),
    ],
)
def test_what_is_no_whole_payout_is_refused(text: str, why: str):
    with pytest.raises(report.UnreadableError, match=why):
        report.read(text)


def test_amounts_are_read_as_stripe_counts_them():
    """Shillings of Uganda have no cents, and are counted with two digits."""
    rows = [
        row("payout", "po_1", -97_500, currency="ugx"),
        row("charge", "ch_1", 100_000, 2_500, currency="ugx"),
    ]
    found = report.read(told(rows))
    assert (found.currency, found.net_minor) == ("UGX", 975)
    assert found.lines == (PayoutLine("charge", "ch_1", 1_000, 25),)
    rows[1] |= {"amount": 99_950, "net": 97_450}
    with pytest.raises(report.UnreadableError, match="txn_ch_1: 99950 is no amount of UGX"):
        report.read(told(rows))
