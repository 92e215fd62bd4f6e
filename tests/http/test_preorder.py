"""SKUs that are sold ahead: the form on their page, and what programs are told."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.messages import get_messages
from django.utils import timezone

from entrepot.kernel import sql
from entrepot.stock import queries as stock

pytestmark = pytest.mark.django_db


@pytest.fixture
def day():
    return timezone.localdate() + timedelta(days=20)


def said(response) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)][-1:]


def test_the_day_is_set_shown_and_taken_back_on_the_page_of_the_sku(console, shop, day):
    page, sku = console("inventory"), shop.skus["LAMP-OAK"]
    form = f"/stock/{sku}/preorder/"

    assert said(page.post(form, {"ships_on": "soon"})) == ["That is no day."]
    assert said(page.post(form, {"ships_on": day.isoformat(), "units_max": "7"})) == [
        "The day of shipping is set."
    ]
    assert stock.preorder(sku=sku) == stock.PreorderRow(day, 7)
    assert "at most 7 units" in page.get(f"/stock/{sku}/").content.decode()
    page.post(form, {"ships_on": ""})
    assert stock.preorder(sku=sku) is None


def test_who_may_not_is_told_and_sees_no_form(console, shop, day):
    page, sku = console("auditor"), shop.skus["LAMP-OAK"]

    refused = page.post(f"/stock/{sku}/preorder/", {"ships_on": day.isoformat()})

    assert "may not do stock.set_preorder" in said(refused)[0]
    assert f'action="/stock/{sku}/preorder/' not in page.get(f"/stock/{sku}/").content.decode()


def test_programs_are_told_how_many_may_be_sold_ahead(console, program, shop, day):
    ask = "/api/v1/availability?channel=web&sku=LAMP-OAK"
    before = program("inventory").get(ask).json()["items"][0]
    sku = shop.skus["LAMP-OAK"]
    console("inventory").post(f"/stock/{sku}/preorder/", {"ships_on": day.isoformat(), "units_max": "100000"})

    (item,) = program("inventory").get(ask).json()["items"]

    assert "preorder" not in before
    assert (item["quantity"], item["preorder"]["ships_on"]) == (0, day.isoformat())
    assert item["preorder"]["quantity"] <= item["free"]
    assert item["preorder"]["units_max"] == 100_000


def test_an_order_that_waits_for_the_day_says_so(console, shop, day):
    ((order, sku),) = sql.run(
        "SELECT order_id, sku_id FROM stock_allocation WHERE released = 0 ORDER BY id LIMIT 1"
    )
    told = rf"<small>from [^<]*\b{day.day}\b[^<]*</small>"
    assert not re.search(told, console("auditor").get(f"/orders/{order}/").content.decode())

    console("inventory").post(f"/stock/{sku}/preorder/", {"ships_on": day.isoformat()})

    assert re.search(told, console("auditor").get(f"/orders/{order}/").content.decode())
