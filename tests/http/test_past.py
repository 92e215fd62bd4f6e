"""Stock as of a past moment: the pages, the file, and the API."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from urllib.parse import quote
from uuid import uuid4

import pytest
from django.utils import timezone

from entrepot.kernel import sql
from entrepot.stock import past, queries
from entrepot.stock.commands.adjust import Adjust
from entrepot.warehouse.commands.adjust import adjust
from tests.shop import COMPANY, the_system

pytestmark = pytest.mark.django_db
API, PAGE, SKU = "/api/v1/stock/past", "/stock/past/", "MUG-BLUE"


@pytest.fixture
def before(shop) -> datetime:
    """A moment, after which seven units of a SKU are lost."""
    at = timezone.now() + timedelta(seconds=1)
    found = sql.run(
        "SELECT node_id, bin_id FROM stock_bucket WHERE sku_id = %(sku)s AND status = 'sellable' AND quantity > 7"
        " ORDER BY id LIMIT 1",
        {"sku": shop.skus[SKU]},
    )
    lost = Adjust(COMPANY, shop.skus[SKU], *found[0], -7, "lost")
    adjust(the_system(at + timedelta(seconds=1)), requests=[lost])
    return at


@pytest.fixture
def later(monkeypatch, before):
    """A minute is over since."""
    now = before + timedelta(minutes=1)
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)
    return now


def units(rows: list) -> int:
    return sum(one["by_status"].get("sellable", 0) for one in rows)


def test_programs_read_what_stood_where_at_a_moment(program, shop, before, later):
    call = program("auditor")

    def told(at: datetime) -> list:
        items, after = [], ""
        while True:
            page = call.get(f"{API}?at={quote(at.isoformat())}&limit=3{after}").json()
            items += page["items"]
            if page["next"] is None:
                return items
            after = f"&after={quote(page['next'])}"

    then, now = told(before), told(later)
    assert units(then) - units(now) == 7
    assert [one["sku_code"] for one in then] == sorted(one["sku_code"] for one in then)
    assert sum(one["still_promised"] for one in now) > 0
    standing = {(one.sku_code, one.node_code): one.by_status for one in queries.standing(company=COMPANY)}
    assert {(one["sku_code"], one["node_code"]): one["by_status"] for one in now} == standing

    at = quote(before.isoformat())
    bins = call.get(f"{API}/{SKU}?at={at}").json()
    assert sum(one["quantity"] for one in bins if one["status"] == "sellable") == units(
        [one for one in then if one["sku_code"] == SKU]
    )
    assert {"node_code", "bin_code", "lot", "serial", "status", "quantity"} == set(bins[0])
    here = call.get(f"{API}?at={at}&node={bins[0]['node_code']}").json()["items"]
    assert {one["node_code"] for one in here} == {bins[0]["node_code"]}
    for wrong, status in (
        ("", 422), ("?at=2026-01-01T00:00:00", 422), (f"?at={quote((later + timedelta(days=1)).isoformat())}", 422),
        (f"?at={at}&node=TYPO", 404), (f"/TYPO?at={at}", 404),
    ):  # fmt: skip
        assert call.get(API + wrong).status_code == status, wrong


def test_pages_tell_the_same_and_say_what_can_not_be_told(console, shop, before, later):
    page, at = console("auditor"), quote(before.isoformat())
    text = page.get(f"{PAGE}?at={at}&q={SKU}").content.decode()
    assert "can&#x27;t be told" in text or "can't be told" in text
    rows = past.standing(company=COMPANY, at=before, text=SKU)
    assert all(one.sku_code in text for one in rows)
    of_file = list(
        csv.DictReader(page.get(f"{PAGE}?at={at}&format=csv").content.decode("utf-8-sig").splitlines())
    )
    told = past.standing(company=COMPANY, at=before)
    assert [int(one["sellable"]) for one in of_file] == [one.by_status.get("sellable", 0) for one in told]

    which = shop.skus[SKU]
    of_sku = page.get(f"/stock/{which}/past/?at={at}").content.decode()
    bins = past.buckets(company=COMPANY, sku=which, at=before)
    assert all(one.bin_code in of_sku for one in bins)
    assert f"{sum(one.quantity for one in bins)} units at" in of_sku
    assert page.get(f"/stock/{uuid4()}/past/").status_code == 404


def test_a_moment_that_is_none_or_has_not_been_is_said_and_now_is_shown(console, shop):
    page = console("auditor")
    assert "That is no moment" in page.get(f"{PAGE}?at=soon").content.decode()
    assert "has not been yet" in page.get(f"{PAGE}?at=2999-01-01T00:00").content.decode()
    assert SKU in page.get(PAGE).content.decode()
    assert "Nothing stood there" in page.get(f"{PAGE}?at=1999-01-01T00:00").content.decode()
    assert (
        "Nothing stood there"
        in page.get(f"/stock/{shop.skus[SKU]}/past/?at=1999-01-01T00:00").content.decode()
    )
