"""Profit: the page with its plot and lines, its files, and the API."""

from __future__ import annotations

import csv
from datetime import date, timedelta

import pytest
from django.utils import timezone

from entrepot.insight import margins, profit
from tests.http.test_api import is_problem
from tests.shop import COMPANY

pytestmark = pytest.mark.django_db


def test_the_page_its_files_and_the_api_tell_the_same(shop, console, program):
    today = timezone.now().date()
    behind = (today.replace(day=28) + timedelta(days=4)).replace(day=1)
    asked = profit.Asked((today.replace(day=1) - timedelta(days=1)).replace(day=1), behind)
    groups = profit.profit(COMPANY, asked, "sku", timezone.now()).groups()
    assert any(one.units for one in groups)
    browser = console("auditor")
    shown = browser.get("/books/profit/").content.decode()
    assert all(one.name in shown for one in groups)
    assert "differs from the books" not in shown

    told = list(csv.DictReader(browser.get("/books/profit/?format=csv").content.decode().splitlines()))
    assert [(row["name"], int(row["profit"])) for row in told] == [
        (one.name, one.profit_minor) for one in groups
    ]

    sold = next(one for one in groups if one.units and one.name)
    page = browser.get(f"/books/profit/?sku={sold.name}&by=reason").content.decode()
    assert "Order lines, those that lost most first" in page
    assert "Unit 1" in page
    rows = list(
        csv.DictReader(browser.get(f"/books/profit/?sku={sold.name}&lines=csv").content.decode().splitlines())
    )
    assert sum(int(row["profit"]) for row in rows) == sold.profit_minor

    machine = program("books")
    answer = machine.get(f"/api/v1/profit?since={asked.since}&until={today}").json()
    assert [(one["name"], one["profit_minor"]) for one in answer["groups"]] == [
        (one.name, one.profit_minor) for one in groups
    ]
    assert {one["difference_minor"] for one in answer["ties"]} == {0}
    lines = machine.get(f"/api/v1/profit/lines?since={asked.since}&until={today}&sku={sold.name}").json()
    assert sum(one["profit"]["profit_minor"] for one in lines) == sold.profit_minor
    eroded = machine.get(f"/api/v1/profit/erosion?since={asked.since}&until={today}").json()
    whole = margins.total(groups)
    assert sum(one["taken_minor"] for one in eroded) == -whole.returns_minor
    assert is_problem(
        machine.get(f"/api/v1/profit?since={today}&until={date(2001, 1, 1)}"), 422, "kernel.invalid"
    )
