"""Statements of channels: read, and compared with what we hold."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.channels import rules
from entrepot.channels.amazon import parse as amazon
from entrepot.channels.rules import Before, Found, OurOrder, OurStock, Reconciling
from entrepot.channels.shopify import parse as shopify
from entrepot.channels.statements import files, table
from entrepot.channels.statements.stated import StatedLine, StatedOrder, StatedStock, UnreadableError, minor
from entrepot.kernel.errors import Invalid

SAMPLE = Path("/work/shared/data/payloads/shopify_rest/order.json")
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
SINCE, UNTIL, AT = NOON - timedelta(days=1), NOON + timedelta(days=1), NOON + timedelta(days=2)
BY = Reconciling()
STATED = StatedOrder("A-1", NOON, "GBP", (StatedLine("MUG", 2, Decimal("10.00")),), "77", False, 2000, 2, 500)
HELD = OurOrder("A-1", NOON, "GBP", False, 2000, {"MUG": 2}, 2, NOON, 500)


def kinds(stated: list[StatedOrder], held: list[OurOrder], by: Reconciling = BY) -> list[str]:
    found = rules.compare_orders(stated, held, by, since=SINCE, until=UNTIL, at=AT)
    return [one.kind for one in found if not one.is_young]


def test_both_sides_agree_by_either_name() -> None:
    assert kinds([STATED], [HELD]) == []
    assert kinds([STATED], [HELD._replace(name="77")]) == []


@pytest.mark.parametrize(
    ("stated", "held", "kind"),
    [
        (STATED, None, "missing here"),
        (None, HELD, "missing there"),
        (replace(STATED, is_cancelled=True), HELD, "cancelled there"),
        (STATED, HELD._replace(is_cancelled=True), "cancelled here"),
        (STATED, HELD._replace(shipped=1), "shipped there"),
        (replace(STATED, shipped=0), HELD, "shipped here"),
        (STATED, HELD._replace(units={"MUG": 1, "CUP": 1}), "quantity"),
        (STATED, HELD._replace(total_minor=1999), "amount"),
        (STATED, HELD._replace(currency="EUR"), "amount"),
        (STATED, HELD._replace(refunded_minor=0), "refunded there"),
        (STATED, HELD._replace(refunded_minor=2000), "refunded here"),
    ],
)
def test_each_difference_is_told_by_its_kind(
    stated: StatedOrder | None, held: OurOrder | None, kind: str
) -> None:
    found = rules.compare_orders(
        [stated] if stated else [], [held] if held else [], BY, since=SINCE, until=UNTIL, at=AT
    )
    assert [one.kind for one in found] == [kind] and found[0].name == "A-1"
    assert found[0].theirs != found[0].ours


@pytest.mark.parametrize(
    ("stated", "held"),
    [
        (replace(STATED, is_cancelled=True), None),  # cancelled before it came
        (replace(STATED, placed_at=AT - timedelta(minutes=5)), None),  # may be on its way
        (replace(STATED, placed_at=SINCE - timedelta(days=9)), None),  # of another period
        (None, HELD._replace(placed_at=AT - timedelta(minutes=5))),
        (None, HELD._replace(is_cancelled=True)),
        (replace(STATED, shipped=0), HELD._replace(shipped_at=AT - timedelta(minutes=5))),
        (replace(STATED, total_minor=None, shipped=None, refunded_minor=None), HELD._replace(total_minor=1)),
        (STATED, HELD._replace(total_minor=9, units={"MUG": 9}, is_merged=True)),
        (replace(STATED, is_cancelled=True, total_minor=None), HELD._replace(is_cancelled=True)),
    ],
)
def test_what_is_young_untold_or_merged_is_no_difference(
    stated: StatedOrder | None, held: OurOrder | None
) -> None:
    assert kinds([stated] if stated else [], [held] if held else []) == []


@pytest.mark.parametrize(
    ("stated", "held", "when"),
    [
        (STATED, HELD._replace(is_cancelled=True), "changed_at"),
        (STATED, HELD._replace(units={"MUG": 1}), "changed_at"),
        (STATED, HELD._replace(total_minor=1999), "changed_at"),
        (STATED, HELD._replace(refunded_minor=2000), "refunded_at"),
        (replace(STATED, shipped=0), HELD, "shipped_at"),
    ],
)
def test_what_changed_here_within_the_grace_is_young_and_is_told_after_it(
    stated: StatedOrder, held: OurOrder, when: str
) -> None:
    young = AT - timedelta(hours=BY.grace_hours)
    assert kinds([stated], [held._replace(**{when: young})]) == []  # type: ignore[arg-type]
    assert len(kinds([stated], [held._replace(**{when: young - timedelta(seconds=1)})])) == 1  # type: ignore[arg-type]
    (found,) = rules.compare_orders(
        [stated],
        [held._replace(**{when: young})],
        BY,
        since=SINCE,
        until=UNTIL,
        at=AT,  # type: ignore[arg-type]
    )
    assert found.is_young and found.theirs != found.ours


def test_amounts_may_differ_by_the_tolerance() -> None:
    near = HELD._replace(total_minor=2003, refunded_minor=503)
    assert kinds([STATED], [near], Reconciling(tolerance_minor=3)) == []
    assert kinds([STATED], [near], Reconciling(tolerance_minor=2)) == ["amount", "refunded here"]


def test_stock_differs_where_another_figure_is_shown_than_was_told() -> None:
    stated = [StatedStock("A", 5), StatedStock("B", 1), StatedStock("C", 0), StatedStock("D", 4)]
    ours = [OurStock("A", 5), OurStock("B", 3), OurStock("D", 9, is_on_way=True)]
    assert [(one.name, one.theirs, one.ours) for one in rules.compare_stock(stated, ours)] == [
        ("B", "1", "3")
    ]
    assert [one.name for one in rules.compare_stock([StatedStock("X", 1)], [])] == ["X"]


@given(
    st.lists(st.tuples(st.sampled_from("ABC"), st.integers(0, 3)), max_size=6, unique_by=lambda row: row[0])
)
def test_what_a_channel_was_told_is_never_a_difference(rows: list[tuple[str, int]]) -> None:
    stated, ours = [StatedStock(*row) for row in rows], [OurStock(*row) for row in rows]
    assert rules.compare_stock(stated, ours) == []


def test_what_was_explained_stays_so_until_a_side_says_something_else() -> None:
    found = Found("amount", "A-1", "20.00 GBP", "19.99 GBP", {})
    assert rules.state_after(None, found) == "open"
    assert rules.state_after(Before("mended", found.theirs, found.ours), found) == "open"
    assert rules.state_after(Before("explained", found.theirs, found.ours), found) == "explained"
    assert rules.state_after(Before("explained", "21.00 GBP", found.ours), found) == "open"


def test_every_kind_has_its_mend() -> None:
    assert set(rules.MENDS.values()) == {"import", "cancel", "tell", ""}
    assert Reconciling().asks == rules.KINDS


# ---- as channels write it


SHOP = {
    "id": 9, "name": "#1009", "created_at": "2026-11-20T12:00:00+01:00", "currency": "GBP", "total_price": "22.40",
    "total_tax": "0.00", "total_discounts": "2.00", "cancelled_at": None, "email": "a@example.com",
    "line_items": [
        {"id": 1, "sku": "MUG", "quantity": 2, "price": "10.00", "total_discount": "0.00",
         "fulfillment_status": "partial", "fulfillable_quantity": 1, "current_quantity": 2, "title": "Mug"},
        {"id": 2, "sku": "CUP", "quantity": 1, "price": "1.40", "fulfillment_status": "fulfilled"},
    ],
    "shipping_lines": [{"price": "3.00"}],
    "refunds": [{"transactions": [{"kind": "refund", "status": "success", "amount": "1.40"},
                                  {"kind": "refund", "status": "failure", "amount": "9.00"}]}],
    "shipping_address": {"name": "Ann", "address1": "1 Lane", "city": "Leeds", "zip": "LS1", "country_code": "GB"},
}  # fmt: skip


def test_an_order_of_shopify_is_read() -> None:
    (one,) = shopify.orders(json.dumps({"orders": [SHOP, SHOP | {"test": True}]}))
    assert (one.name, one.also, one.total_minor, one.shipped, one.refunded_minor) == (
        "#1009",
        "9",
        2240,
        2,
        140,
    )
    assert (one.discount_minor, one.shipping_minor, one.tax_minor, one.units()) == (
        200,
        300,
        0,
        {"MUG": 2, "CUP": 1},
    )
    assert one.address and (one.address.name, one.country, one.postal_code) == ("Ann", "GB", "LS1")
    goods = sum(int(line.quantity * line.unit_price * 100) - line.discount_minor for line in one.lines)
    assert goods - one.discount_minor + one.shipping_minor + one.tax_minor == one.total_minor


def test_a_tax_within_prices_is_no_amount_beside_them() -> None:
    (one,) = shopify.orders(json.dumps([SHOP | {"taxes_included": True, "total_tax": "3.50"}]))
    assert one.tax_minor == 0


@pytest.mark.parametrize(
    "text",
    ["", "{}", '{"orders": [1]}', '{"orders": [{"name": "#1"}]}', '[{"name": "x", "currency": "GBP"}]'],
)
def test_what_shopify_does_not_write_is_unreadable(text: str) -> None:
    with pytest.raises(UnreadableError):
        shopify.orders(text)


@pytest.mark.parametrize("page", ["<html>Closed for now</html>", '{"errors": "none"}', '{"orders": 1}'])
def test_pages_that_are_no_list_are_unreadable_together(page: str) -> None:
    with pytest.raises(UnreadableError):
        shopify.together(['{"orders": []}', page])
    assert shopify.together(['{"orders": [1]}', '{"orders": [2]}']) == '{"orders": [1, 2]}'


@pytest.mark.skipif(not SAMPLE.exists(), reason="the shared data is not here")
def test_shopifys_own_sample_is_read() -> None:
    (one,) = shopify.orders(json.dumps({"orders": [json.loads(SAMPLE.read_text())["order"]]}))
    assert one.units() == {"IPOD2008GREEN": 1, "IPOD2008RED": 1, "IPOD2008BLACK": 1}
    assert (one.name, one.refunded_minor, one.country, one.address and one.address.city) == (
        "#1001", None, "US", "Louisville",
    )  # fmt: skip


AMAZON = (
    "amazon-order-id\tmerchant-order-id\tpurchase-date\torder-status\tfulfillment-channel\tsku\titem-status\tquantity"
    "\tcurrency\titem-price\titem-tax\tshipping-price\tshipping-tax\titem-promotion-discount\tship-country\n"
    "1-1\tM1\t2026-11-20T12:00:00+00:00\tShipped\tMerchant\tMUG\tShipped\t3\tGBP\t10.00\t2.00\t1.00\t0.20\t0.50\tGB\n"
    "1-1\tM1\t2026-11-20T12:00:00+00:00\tShipped\tMerchant\tCUP\tUnshipped\t1\tGBP\t1.00\t0.20\t\t\t\tGB\n"
    "1-2\t\t2026-11-20T12:00:00+00:00\tCancelled\tMerchant\tMUG\tCancelled\t0\t\t\t\t\t\t\tGB\n"
    "1-3\t\t2026-11-20T12:00:00+00:00\tShipped\tAmazon\tMUG\tShipped\t1\tGBP\t5.00\t\t\t\t\tGB\n"
)


def test_amazons_report_is_read_without_what_amazon_sends_itself() -> None:
    one, gone = files.told("orders", "amazon", AMAZON.encode()).orders
    assert (one.name, one.also, one.total_minor, one.shipped, one.refunded_minor) == (
        "1-1",
        "M1",
        1390,
        3,
        None,
    )
    assert one.lines[0] == StatedLine("MUG", 3, Decimal("3.333333"), 50)
    assert (gone.is_cancelled, gone.total_minor, gone.lines) == (True, None, ())


def test_a_table_is_read_and_what_it_leaves_out_is_not_compared() -> None:
    text = (
        "Order,Ordered_at,Currency,SKU,Quantity,Total\n"
        "X1,2026-11-20T12:00Z,gbp,MUG,2,20.00\nX1,2026-11-20T12:00Z,gbp,CUP,1,\nX2,2026-11-20,GBP,CUP,1,\n"
    )
    one, other = files.told("orders", "table", text.encode()).orders
    assert (one.units(), one.total_minor, one.shipped, one.refunded_minor) == (
        {"MUG": 2, "CUP": 1},
        2000,
        None,
        None,
    )
    assert other.total_minor is None
    assert files.told("orders", "table", text.encode()).period() == (
        datetime(2026, 11, 20, tzinfo=UTC), NOON + timedelta(microseconds=1),
    )  # fmt: skip


def test_shown_stock_is_read_from_our_columns_and_amazons() -> None:
    assert files.told("stock", "table", b"sku,quantity\nA,3\nA,2\nB,0\n").stock == (
        StatedStock("A", 5), StatedStock("B", 0),
    )  # fmt: skip
    assert files.told("stock", "amazon", b"seller-sku\tasin\tprice\tquantity\nA\tB0\t1.0\t\n").stock == (
        StatedStock("A", 0),
    )


@pytest.mark.parametrize(
    ("kind", "source", "text"),
    [
        ("orders", "table", "order,sku\nX,Y\n"),
        ("orders", "table", "order,ordered_at,currency,sku,quantity\nX,never,GBP,A,1\n"),
        ("orders", "table", "order,ordered_at,currency,sku,quantity\nX,2026-11-20,GBP,A,many\n"),
        ("orders", "table", "order,ordered_at,currency,sku,quantity,total\nX,2026-11-20,GBP,A,1,dear\n"),
        ("orders", "amazon", "order,sku\nX,Y\n"),
        ("orders", "shopify", "no json"),
        ("stock", "table", "sku,quantity\n,4\n"),
        ("orders", "carrier pigeon", "x"),
    ],
)
def test_a_file_that_makes_no_sense_says_where(kind: str, source: str, text: str) -> None:
    with pytest.raises(Invalid) as refused:
        files.told(kind, source, text.encode())
    assert refused.value.facts["field"] == "file" and refused.value.facts["found"]


def test_an_amount_is_told_in_minor_units_of_its_currency() -> None:
    assert (minor("12.345", "GBP", ""), minor(12, "JPY", ""), minor("-1.5", "KWD", "")) == (1235, 12, -1500)
    with pytest.raises(UnreadableError):
        minor("NaN", "GBP", "here")


def test_columns_of_the_table_are_documented() -> None:
    assert set(table.ORDERS).isdisjoint(table.MORE)
    assert amazon.REQUIRED
