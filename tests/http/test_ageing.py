"""Age and expiry of stock: the page, its file, and the API."""

from __future__ import annotations

import csv
from datetime import timedelta

import pytest
from django.utils import timezone

from entrepot.kernel import sql
from entrepot.stock import ageing
from tests.shop import COMPANY

pytestmark = pytest.mark.django_db


def test_the_page_its_file_and_the_api_tell_the_same(shop, console, program):
    rows = ageing.aged(company=COMPANY, at=timezone.now())
    browser = console("auditor")
    shown = browser.get("/stock/ageing/").content.decode()
    assert all(row.sku_code in shown for row in rows)
    assert "No lot expires in these days" in browser.get("/stock/ageing/?list=lots").content.decode()

    told = list(csv.DictReader(browser.get("/stock/ageing/?format=csv").content.decode().splitlines()))
    assert [row["sku_code"] for row in told] == [row.sku_code for row in rows]

    answer = program("inventory").get("/api/v1/stock/ageing?limit=2").json()
    assert sum(one["units"] for one in answer["spans"]) == sum(row.units for row in rows)
    assert sum(one["value_minor"] for one in answer["spans"]) == sum(row.value_minor for row in rows)
    assert [one["sku_code"] for one in answer["oldest"]] == [row.sku_code for row in rows[:2]]


def test_lots_that_expire_are_listed(shop, console, program):
    day = timezone.now().date() + timedelta(days=5)
    key = "(SELECT id FROM stock_bucket WHERE quantity > 10 AND status = 'sellable' ORDER BY id LIMIT 1)"
    sql.run(f"UPDATE stock_bucket SET lot = 'L77', expires_on = %(day)s WHERE id = {key}", {"day": day})
    assert "L77" in console("auditor").get("/stock/ageing/?list=lots&days=7").content.decode()
    (lot,) = program("inventory").get(f"/api/v1/stock/expiring?until={day}").json()
    assert (lot["lot"], lot["expires_on"]) == ("L77", str(day))
