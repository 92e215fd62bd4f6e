"""The page that tells who waits for stock, and what programs are told of it."""

from __future__ import annotations

import csv
from datetime import timedelta

import pytest
from django.utils import timezone

from entrepot.insight import backorders
from entrepot.kernel import ids, sql
from entrepot.sourcing.commands.peg import PegSku, peg
from entrepot.stock.commands.expect import Expect, expect
from tests.shop import COMPANY, the_system

pytestmark = pytest.mark.django_db
PAGE, ASKED = "/orders/backorders/", "/api/v1/backorders"


@pytest.fixture
def waiting(shop) -> tuple[str, str]:
    """The number of an order of the shop that waits, for a supply that comes after its promise; and the SKU."""
    ((order, number, sku, code),) = sql.run(
        "SELECT o.id, o.number, s.id, s.code FROM sourcing_backorder AS b JOIN orders_order AS o ON o.id = b.order_id"
        " JOIN catalog_sku AS s ON s.id = b.sku_id ORDER BY b.line_id LIMIT 1"
    )
    now = timezone.now()
    sql.run(
        "UPDATE orders_order SET promise_at = %(at)s::timestamptz WHERE id = %(order)s::uuid",
        {"order": order, "at": now + timedelta(days=2)},
    )
    comes = Expect(
        COMPANY, ids.uuid7(), sku, shop.nodes[0], "purchase_order", ids.uuid7(), 100,
        now.date() + timedelta(days=9),
    )  # fmt: skip
    expect(the_system(now), requests=[comes])
    peg(the_system(now), requests=[PegSku(sku)])
    return number, code


def test_the_page_tells_who_waits_until_when_and_that_it_is_late(console, waiting):
    number, code = waiting
    shown = console("inventory").get(PAGE).content.decode()
    assert number in shown
    assert "days late" in shown
    assert number in console("inventory").get(PAGE, {"view": "late"}).content.decode()

    by_sku = console("inventory").get(PAGE, {"list": "skus"}).content.decode()
    assert code in by_sku
    assert "After the promise" in by_sku


def test_that_the_list_is_cut_off_is_said(console, waiting, monkeypatch):
    assert "than are looked at once" not in console("inventory").get(PAGE).content.decode()
    found = backorders.waiting(COMPANY)
    monkeypatch.setattr(backorders, "waiting", lambda *_, **__: found._replace(cut_off=True))
    assert "than are looked at once" in console("inventory").get(PAGE).content.decode()


def test_what_nobody_waits_for_is_said(console, waiting):
    nothing = console("auditor").get(PAGE, {"sku": "none of ours"}).content.decode()
    assert "Nothing like that waits" in nothing
    odd = console("auditor").get(PAGE, {"view": "moon"}).content.decode()
    assert waiting[0] in odd


def test_the_first_page_leads_there(console, waiting):
    assert f'href="{PAGE}"' in console("inventory").get("/").content.decode()


def test_the_files_have_the_rows_of_the_lists(console, waiting):
    number, code = waiting
    page = console("auditor")
    rows = list(csv.DictReader(page.get(PAGE, {"format": "csv"}).content.decode().splitlines()))
    late = [row for row in rows if int(row["late_days"]) > 0]
    assert number in {row["order_number"] for row in late}
    skus = list(
        csv.DictReader(page.get(PAGE, {"format": "csv", "list": "skus"}).content.decode().splitlines())
    )
    assert sum(int(row["units"]) for row in skus) == sum(int(row["units"]) for row in rows)
    assert code in {row["sku_code"] for row in skus}


def test_programs_are_told_the_same(program, waiting):
    number, code = waiting
    told = program("inventory").get(f"{ASKED}?sku={code}").json()
    (line,) = [one for one in told["lines"] if one["order_number"] == number]
    assert line["late_days"] > 0
    assert line["uncovered"] == 0
    assert sum(one["units"] for one in line["supplies"]) == line["units"]
    assert (told["total"], told["cut_off"]) == (len(told["lines"]), False)
    (sku,) = told["skus"]
    assert (sku["sku_code"], sku["units"]) == (code, sum(one["units"] for one in told["lines"]))
    late = program("inventory").get(f"{ASKED}?view=late").json()
    assert number in {one["order_number"] for one in late["lines"]}
    assert program("inventory").get(f"{ASKED}?view=moon").status_code == 422
