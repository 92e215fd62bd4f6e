"""The list of orders, narrowed: on the page, its file and its form, and by the API."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import transaction

from entrepot.access import queries as access
from entrepot.insight import order_filters, pages
from entrepot.insight.order_filters import Asked
from entrepot.kernel import sql
from tests.plans import count_anew, rows_read
from tests.shop import COMPANY

HTMX = {"HX-Request": "true"}
ORDERS = "/api/v1/orders"


def ids_of(statement: str, **params: Any) -> set[Any]:
    return {one for (one,) in sql.run(statement, params)}


def facts(shop) -> dict[str, tuple[str, str]]:
    """By parameter: a value that some orders of the shop have, and the statement that finds those by another way."""
    sku, node, carrier, service = sql.run("""
        SELECT l.sku_code, n.code, s.carrier, v.code
        FROM shipping_shipment AS s JOIN orders_line AS l ON l.order_id = s.order_id
        JOIN network_node AS n ON n.id = s.node_id JOIN carriage_service AS v ON v.id = s.service_id
        WHERE l.sku_id IS NOT NULL ORDER BY s.id LIMIT 1""")[0]
    sql.run("""
        UPDATE parties_customer SET tier = 'gold'
        WHERE id = (SELECT customer_id FROM orders_order WHERE customer_id IS NOT NULL ORDER BY id LIMIT 1)""")
    sql.run(
        "UPDATE orders_order SET country = 'NO' WHERE id = (SELECT max(id::text)::uuid FROM orders_order)"
    )
    every = "SELECT o.id FROM orders_order AS o WHERE o.company_id = 1 AND "
    line = "EXISTS (SELECT FROM orders_line AS l WHERE l.order_id = o.id AND l.sku_code = %(value)s::text)"
    at = """(EXISTS (SELECT FROM stock_allocation AS a JOIN network_node AS n ON n.id = a.node_id
                     WHERE a.order_id = o.id AND n.code = %(value)s::text)
          OR EXISTS (SELECT FROM warehouse_fulfillment AS f JOIN network_node AS n ON n.id = f.node_id
                     WHERE f.order_id = o.id AND n.code = %(value)s::text AND f.state <> 'cancelled'))"""
    by = """EXISTS (SELECT FROM shipping_shipment AS s LEFT JOIN carriage_service AS v ON v.id = s.service_id
                    WHERE s.order_id = o.id AND %(value)s::text IN (s.carrier, v.code))"""
    hold = """EXISTS (SELECT FROM orders_hold AS h
                      WHERE h.order_id = o.id AND h.state = 'open' AND h.type = %(value)s::text)"""
    tier = (
        "EXISTS (SELECT FROM parties_customer AS c WHERE c.id = o.customer_id AND c.tier = %(value)s::text)"
    )
    return {
        "sku": (sku, every + line), "node": (node, every + at), "carrier": (carrier, every + by),
        "service": (service, f"{every} (o.service = %(value)s::text OR {by})"),
        "country": ("NO", every + "o.country = %(value)s::text"),
        "hold": ("fraud review", every + hold), "tier": ("gold", every + tier),
    }  # fmt: skip


def shown(browser, **said: str) -> set[str]:
    """Numbers of the orders of the page's file."""
    text = browser.get("/orders/", said | {"format": "csv"}).content.decode()
    return {row["number"] for row in csv.DictReader(io.StringIO(text))}


def told(caller, **said: str) -> set[str]:
    answer = caller.get(f"{ORDERS}?{urlencode(said | {'limit': 200})}")
    assert answer.status_code == 200, answer.content
    return {one["number"] for one in answer.json()["items"]}


def numbers(found: set[Any]) -> set[str]:
    rows = sql.run("SELECT number FROM orders_order WHERE id = ANY(%(ids)s::uuid[])", {"ids": list(found)})
    return {number for (number,) in rows}


def test_each_filter_lets_through_what_another_way_finds(console, program, shop):
    browser, caller = console("lead"), program("auditor")
    everything = shown(browser)
    for name, (value, statement) in facts(shop).items():
        expected = numbers(ids_of(statement, value=value))
        assert expected and expected < everything, name
        assert shown(browser, **{name: value}) == expected, name
        assert told(caller, **{name: value}) == expected, name
        assert not shown(browser, **{name: "no such"}), name
        page = browser.get("/orders/", {name: value}).content.decode()
        assert page.count("<tr data-row>") == min(len(expected), 50), name
        assert '<details class="further" open>' in page, "a filter that is used is not folded away"
    assert '<details class="further">' in browser.get("/orders/").content.decode()
    assert shown(browser, sku="mug-blue") == shown(browser, sku="MUG-BLUE") > set()


def test_filters_are_all_asked_together(console, program, shop):
    found = facts(shop)
    both = numbers(
        ids_of(found["sku"][1], value=found["sku"][0]) & ids_of(found["node"][1], value=found["node"][0])
    )
    said = {name: found[name][0] for name in ("sku", "node")}
    assert shown(console("lead"), **said) == told(program("auditor"), **said) == both > set()


def test_days_are_those_of_the_reader_with_the_last(console, program, shop):
    rows = sql.run("SELECT number, placed_at, promise_at FROM orders_order WHERE company_id = 1")
    browser, caller = console("lead"), program("auditor")
    for side, place in (("placed", 1), ("promised", 2)):
        times = sorted(row[place] for row in rows if row[place])
        since, before = times[len(times) // 3], times[2 * len(times) // 3]
        expected = {row[0] for row in rows if row[place] and since <= row[place] < before}
        asked = {f"{side}_from": since.isoformat(), f"{side}_before": before.isoformat()}
        assert told(caller, **asked) == expected, side
        wide = {
            f"{side}_from": str((times[0] - timedelta(days=1)).date()),
            f"{side}_to": str((times[-1] + timedelta(days=1)).date()),
        }
        assert shown(browser, **wide) == {row[0] for row in rows if row[place]}, side
        assert not shown(browser, **{f"{side}_to": str((times[0] - timedelta(days=2)).date())}), side
    day = shop.now - timedelta(days=400)
    sql.run(
        "UPDATE orders_order SET placed_at = %(at)s::timestamptz WHERE id = %(order)s::uuid",
        {"at": day, "order": shop.one("packed")},
    )
    one = numbers({shop.one("packed")})
    assert one <= shown(
        browser,
        placed_from=str(day.date() - timedelta(days=1)),
        placed_to=str(day.date() + timedelta(days=1)),
    )
    assert shown(browser, placed_to="9999-12-31") == shown(browser)


def test_totals_are_compared_within_one_currency(console, program, shop):
    rows = sql.run("SELECT number, total_minor, currency FROM orders_order WHERE company_id = 1")
    (own,) = {currency for _, _, currency in rows}
    totals = sorted(total for _, total, _ in rows)
    low, high = totals[len(totals) // 3], totals[2 * len(totals) // 3]
    other = sql.run("""
        UPDATE orders_order SET currency = 'JPY' WHERE total_minor = (SELECT max(total_minor) FROM orders_order)
        RETURNING number""")
    between = {number for number, total, _ in rows if low <= total <= high} - {one for (one,) in other}
    browser, caller = console("lead"), program("auditor")
    assert shown(browser, total_from=f"{low / 100:.2f}", total_to=f"{high / 100:.2f}") == between
    assert told(caller, total_from_minor=str(low), total_to_minor=str(high)) == between
    assert told(caller, total_from_minor="0", currency="JPY") == {one for (one,) in other}
    assert told(caller, total_from_minor="0", currency=own) == shown(browser, total_from="0")
    assert not shown(browser, total_from="much"), "an amount that is none lets nothing through"


@pytest.mark.parametrize(
    "said",
    [
        "placed_from=2026-01-01",
        "country=Norway",
        "total_from_minor=-1",
        "currency=pounds",
        "sku=",
        "color=red",
    ],
)
def test_the_api_refuses_what_it_can_not_read(program, said):
    assert program("auditor").get(f"{ORDERS}?{said}").status_code == 422


def test_a_view_and_a_form_over_all_that_match_keep_the_filters(console, shop):
    browser = console("lead")
    value, statement = facts(shop)["hold"]
    held = ids_of(statement, value=value)
    browser.post("/views/orders/save/", {"name": "To review", "next": f"/orders/?hold={value}&tier="})
    (view,) = access.views(1, "orders", "lead", [])
    assert "hold=fraud+review" in browser.get(f"/views/{view.id}/")["Location"]
    page = browser.get("/orders/", {"hold": value}).content.decode()
    assert "/orders/act/?hold=fraud+review" in page or "hold=fraud%20review" in page
    code = browser.get("/orders/").context["reader"].company.code
    said = {"all": code, "action": "release", "reason": "looked at", "kind": value}
    browser.post(f"/orders/act/?hold={value}", said)
    assert not ids_of(statement, value=value), "those on the other pages too"
    assert held


def test_more_filters_take_no_more_statements(console, shop, statements):
    browser = console("lead")
    browser.get("/orders/")
    with statements() as few:
        browser.get("/orders/", headers=HTMX)
    said = {name: value for name, (value, _) in facts(shop).items()}
    with statements() as many:
        browser.get("/orders/", said | {"total_from": "1", "placed_from": "2020-01-01"}, headers=HTMX)
    assert len(many) <= len(few)


COPIES = 20_000
NARROW = {
    "a day": {"placed_from", "placed_before"},
    "promised days": {"promised_from", "promised_before"},
    "a SKU": {"sku"},
    "a node": {"nodes"},
    "a country": {"country"},
    "a total": {"total_from_minor", "currency"},
    "a hold": {"hold"},
    "a tier": {"tier"},
    "held": {"statuses"},
}


def many_orders(shop) -> Asked:
    """As many orders as a plan cares about, of which those of the shop alone are what is asked for."""
    facts(shop)
    sql.run("SET LOCAL ROLE NONE")
    columns = {
        table: [
            name
            for (name,) in sql.run(
                "SELECT column_name FROM information_schema.columns WHERE table_name = %(table)s",
                {"table": table},
            )
        ]
        for table in ("orders_order", "orders_line")
    }
    past = {
        "id": "gen_random_uuid()", "number": "'OLD-' || g", "external_id": "'OLD-' || g", "customer_id": "NULL",
        "placed_at": "placed_at - interval '2 years' - g * interval '1 minute'", "country": "'DE'",
        "promise_at": "placed_at - interval '2 years' - g * interval '1 minute'", "status": "'closed'",
        "total_minor": "0", "goods_minor": "0", "discount_minor": "0", "shipping_minor": "0", "tax_minor": "0",
    }  # fmt: skip
    _copy("orders_order", columns["orders_order"], past, "(SELECT * FROM orders_order ORDER BY id LIMIT 1)")
    line = {"id": "gen_random_uuid()", "order_id": "o.id", "sku_id": "gen_random_uuid()"}
    said = ", ".join(line.get(one, f'l."{one}"') for one in columns["orders_line"])
    names = ", ".join(f'"{one}"' for one in columns["orders_line"])
    sql.run(f"""
        INSERT INTO orders_line ({names}) SELECT {said} FROM orders_order AS o,
            (SELECT * FROM orders_line WHERE kind = 'goods' ORDER BY id LIMIT 1) AS l
        WHERE o.number LIKE 'OLD-%%'""")
    count_anew("orders_order", "orders_line")
    return Asked(
        statuses=("fraud review", "payment hold"),
        placed_from=shop.now - timedelta(days=90), placed_before=shop.now + timedelta(days=1),
        promised_from=shop.now - timedelta(days=90), promised_before=shop.now + timedelta(days=90),
        nodes=("LDN",), sku="MUG-BLUE", country="NO", currency="GBP", total_from_minor=1, hold="fraud review",
        tier="gold",
    )  # fmt: skip


def _copy(table: str, columns: list[str], other: dict[str, str], of: str) -> None:
    names = ", ".join(f'"{one}"' for one in columns)
    said = ", ".join(other.get(one, f't."{one}"') for one in columns)
    sql.run(
        f"INSERT INTO {table} ({names}) SELECT {said} FROM {of} AS t, generate_series(1, %(copies)s::int) AS g",
        {"copies": COPIES},
    )


def test_what_has_an_index_is_not_looked_for_in_every_order(shop):
    before = transaction.savepoint()
    try:
        _read_little(shop, many_orders(shop))
    finally:
        transaction.savepoint_rollback(before)


def _read_little(shop, asked: Asked) -> None:
    nothing = Asked()
    for name, fields in NARROW.items():
        one = replace(nothing, **{field: getattr(asked, field) for field in fields})
        statement = pages.orders_statement(one)
        params = order_filters.params(one, company=COMPANY, now=shop.now) | {"limit": 50, "after": None}
        rows = sql.run(statement, params)
        assert rows, name
        assert not any(row[1].startswith("OLD-") for row in rows), name
        assert rows_read(statement, params, "orders_order") < COPIES / 10, name
        assert rows_read(statement, params, "orders_line") < COPIES / 10, name


def test_a_filter_that_can_not_be_read_lets_nothing_through(shop, console):
    browser = console("lead")
    assert "SO-" in browser.get("/orders/?total_from=").content.decode()
    for asked in ("total_from=1o0", "placed_from=yesterday", "total_to=1.005"):
        rows = browser.get(f"/orders/?{asked}", headers=HTMX).content.decode()
        assert "data-row" not in rows, asked
