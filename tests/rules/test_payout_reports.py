"""Reports of payouts in the forms of Amazon and Shopify."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.settlement import amazon_report, payout_reports
from entrepot.settlement.rules import PayoutLine, misfit
from entrepot.settlement.stripe_report import UnreadableError
from tests.rules.test_stripe_report import ROWS, told

HEADINGS = (
    "settlement-id", "settlement-start-date", "settlement-end-date", "deposit-date", "total-amount", "currency",
    "transaction-type", "order-id", "merchant-order-id", "adjustment-id", "shipment-id", "marketplace-name",
    "amount-type", "amount-description", "amount", "fulfillment-id", "posted-date", "sku", "quantity-purchased",
)  # fmt: skip


def amazon(total: str, *rows: tuple[str, ...], head: dict[str, str] | None = None) -> str:
    """A report over a total; rows as (transaction, order, shipment or adjustment, amount type, description, amount)."""
    first = {
        "settlement-id": "18203", "deposit-date": "2026-11-25 08:11:02 UTC", "total-amount": total, "currency": "GBP",
    } | (head or {})  # fmt: skip
    lines = ["\t".join(HEADINGS), "\t".join(first.get(name, "") for name in HEADINGS)]
    for transaction, order, part, kind, what, amount in rows:
        own = "shipment-id" if transaction == "Order" else "adjustment-id"
        cells = {
            "settlement-id": first["settlement-id"], "transaction-type": transaction, "order-id": order, own: part,
            "amount-type": kind, "amount-description": what, "amount": amount, "sku": "MUG \"blue\"",
        }  # fmt: skip
        lines.append("\t".join(cells.get(name, "") for name in HEADINGS))
    return "\n".join(lines) + "\n"


SOLD = (
    ("Order", "026-1", "S1", "ItemPrice", "Principal", "20.00"),
    ("Order", "026-1", "S1", "ItemPrice", "Shipping", "3.00"),
    ("Order", "026-1", "S1", "Promotion", "Shipping", "-3.00"),
    ("Order", "026-1", "S1", "ItemPrice", "Tax", "4.00"),
    ("Order", "026-1", "S1", "ItemFees", "Commission", "-3.60"),
    ("Order", "026-1", "S2", "ItemPrice", "Principal", "10.00"),
    ("Order", "026-1", "S2", "ItemFees", "Commission", "-1.50"),
    ("Refund", "026-1", "A1", "ItemPrice", "Principal", "-10.00"),
    ("Refund", "026-1", "A1", "ItemFees", "RefundCommission", "-0.30"),
    ("Refund", "026-1", "A1", "ItemFees", "Commission", "1.50"),
)
REST = (
    ("ServiceFee", "", "", "Cost of Advertising", "TransactionTotalAmount", "-2.10"),
    ("other-transaction", "", "", "other-transaction", "Subscription Fee", "-25.00"),
    ("other-transaction", "", "", "other-transaction", "Current Reserve Amount", "-30.00"),
    ("other-transaction", "", "", "other-transaction", "Previous Reserve Amount Balance", "45.00"),
    ("other-transaction", "", "", "FBA Inventory Reimbursement", "WAREHOUSE_DAMAGE", "7.00"),
    ("Transfer", "", "", "other-transaction", "Payable to Amazon", "-1.00"),
)


def test_a_settlement_of_amazon_is_a_line_for_each_shipment_and_refund():
    provider, found = payout_reports.read("\ufeff" + amazon("14.00", *SOLD, *REST)) or ("", None)
    assert provider == "amazon" and found
    assert found[:4] == ("18203", "GBP", 1400, datetime(2026, 11, 25, 8, 11, 2, tzinfo=UTC))
    assert found.lines == (
        PayoutLine("charge", "026-1", 2400, 360),
        PayoutLine("charge", "026-1", 1000, 150),
        PayoutLine("refund", "026-1", 1000, -120),
        PayoutLine("fee", "TransactionTotalAmount", 0, 210),
        PayoutLine("fee", "Subscription Fee", 0, 2500),
        PayoutLine("reserve_held", "Current Reserve Amount", 3000),
        PayoutLine("reserve_released", "Previous Reserve Amount Balance", 4500),
        PayoutLine("charge", "WAREHOUSE_DAMAGE", 700),
        PayoutLine("refund", "Payable to Amazon", 100),
    )
    assert misfit("18203", found.lines, 1400, "GBP") is None


def test_amounts_and_days_of_other_marketplaces_are_read_as_they_write_them():
    own = {"currency": "EUR", "deposit-date": "25.11.2026 08:11:02 UTC"}
    found = amazon_report.read(
        amazon("17,50", ("Order", "302-1", "S1", "ItemPrice", "Principal", "17,50"), head=own)
    )
    assert found.lines == (PayoutLine("charge", "302-1", 1750),)
    assert found.arrived_at == datetime(2026, 11, 25, 8, 11, 2, tzinfo=UTC)


def test_what_nobody_here_has_a_document_of_waits_under_its_own_name():
    rows = (
        ("A-to-z Guarantee Refund", "026-1", "A9", "ItemPrice", "Principal", "-5.00"),
        ("Order", "026-2", "S1", "ItemPrice", "Principal", "-1.00"),
        ("Order_Retrocharge", "026-3", "S1", "ItemPrice", "Tax", "0.50"),
        ("Order", "026-4", "S1", "ItemPrice", "Principal", "0.00"),
    )
    assert amazon_report.read(amazon("-5.50", *rows)).lines == (
        PayoutLine("chargeback", "026-1", 500), PayoutLine("refund", "026-2 Order", 100),
        PayoutLine("charge", "026-3 Order_Retrocharge", 50),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (amazon("99.00", *SOLD), "is the list whole"),
        (amazon("14.00").replace("amount-description", "what"), "no column amount-description"),
        (amazon("", *SOLD), "no settlement or no total"),
        (
            amazon("1.00", ("Order", "026-1", "S1", "ItemPrice", "Principal", "1.001")),
            "row 3: an amount in GBP",
        ),
        (amazon("1.00", ("Order", "026-1", "S1", "ItemPrice", "Principal", "much")), "found much"),
        (amazon("1.00", head={"currency": "QQQ"}), "found QQQ"),
        (amazon("1.00", head={"deposit-date": "soon"}), "found soon"),
        (amazon("23.00", *SOLD) + amazon("1.00", head={"settlement-id": "2"}), "another settlement"),
    ],
)
def test_what_is_no_settlement_is_told(text: str, why: str):
    with pytest.raises(UnreadableError, match=why):
        payout_reports.read(text)


def shopify(
    kind: str, amount: str, fee: str = "0.00", order: int | None = None, **facts: Any
) -> dict[str, Any]:
    return {
        "id": abs(hash((kind, amount, order))) % 10**9, "type": kind, "payout_id": 623721858, "currency": "GBP",
        "amount": amount, "fee": fee, "net": "0", "source_id": 7, "source_order_id": order,
        "processed_at": "2026-11-25T08:00:00+00:00",
    } | facts  # fmt: skip


PAID = [
    shopify("payout", "-41.90"), shopify("charge", "44.52", "1.32", 450), shopify("refund", "-3.54", "-0.23", 450),
    shopify("dispute", "-5.00", "15.00", source_id=35982383), shopify("dispute", "5.00", "-15.00", source_id=35982383),
    shopify("reserve", "-2.00", id=1), shopify("reserve", "2.00", id=2), shopify("adjustment", "2.13", "0.12", id=3),
]  # fmt: skip


def test_a_payout_of_shopify_knows_orders_by_their_ids():
    provider, found = payout_reports.read(json.dumps({"transactions": PAID})) or ("", None)
    assert provider == "shopify" and found
    assert found[:4] == ("623721858", "GBP", 4190, datetime(2026, 11, 25, 8, tzinfo=UTC))
    assert found.lines == (
        PayoutLine("charge", "450", 4452, 132), PayoutLine("refund", "450", 354, -23),
        PayoutLine("chargeback", "35982383", 500, 1500), PayoutLine("chargeback_reversal", "35982383", 500, -1500),
        PayoutLine("reserve_held", "1", 200), PayoutLine("reserve_released", "2", 200),
        PayoutLine("charge", "3", 213, 12),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (PAID[1:], "one transaction of type payout"), (PAID[:2], "is the list whole"), (3, "no list"),
        ([*PAID, shopify("charge", "1.00", currency="EUR")], "one currency"),
        ([PAID[0], shopify("charge", "much", id=9)], "9: amount in GBP is expected, found much"),
        ([shopify("payout", "0", processed_at="soon")], "found soon"),
        ([shopify("payout", "0", payout_id=None)], "without payout_id"),
    ],
)  # fmt: skip
def test_what_is_no_payout_of_shopify_is_told(rows: Any, why: str):
    with pytest.raises(UnreadableError, match=why):
        payout_reports.read(json.dumps({"transactions": rows}))


def test_a_report_is_told_by_what_it_holds():
    assert (payout_reports.read(told(ROWS)) or ("",))[0] == "stripe"
    assert payout_reports.read("kind,amount\ncharge,1.00\n") is None
    with pytest.raises(UnreadableError):
        payout_reports.read("{")


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_no_text_breaks_it(text: str):
    for one in (
        text,
        amazon("1.00") + text,
        "\t".join(HEADINGS) + "\n" + text,
        json.dumps({"transactions": text}),
    ):
        try:
            payout_reports.read(one)
        except UnreadableError:
            continue
