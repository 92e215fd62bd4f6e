"""The first page: what it tells each role, in one statement."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from entrepot.insight.waiting import SIGNALS, counted
from tests.shop import PEOPLE


def lines(page: str) -> dict[str, int]:
    return {
        title: int(count.replace(",", ""))
        for title, count in re.findall(r"<span>([^<]+)</span><b[^>]*>([\d,]+)</b></a></li>", page)
    }


@pytest.mark.parametrize("name", sorted(PEOPLE))
def test_each_role_is_told_what_matters_to_it(console, shop, name):
    with CaptureQueriesContext(connection) as few:
        page = console(name).get("/").content.decode()
    assert "Waits for you" in page
    assert 'hx-get="/reports/' in page
    assert len(few) <= 20


def test_the_counts_are_those_of_the_floor(console, shop):
    page = lines(console("supervisor").get("/").content.decode())
    assert page["Fulfillments to pack"] == len(shop.orders["picked"])
    assert page["Packed, not handed over"] == len(shop.orders["packed"])
    assert page["Not packed, cut-off passed"] <= page["Fulfillments to pack"]


def test_everything_is_counted_at_once_and_of_one_company(shop):
    asked = {"person": "lead", "roles": ["operations lead"], "now": shop.now + timedelta(days=30)}
    with CaptureQueriesContext(connection) as one:
        here = counted(SIGNALS, company=1, **asked)
    assert len(one) <= 1
    assert here["held"] > 0
    assert here["to pack"] >= here["pack late"]
    elsewhere = counted(SIGNALS, company=2, **asked)
    of_the_house = {"dead letters", "undelivered", "served by the house"}
    assert {name for name, count in elsewhere.items() if count} <= of_the_house
    assert counted([], company=1, **asked) == {}
