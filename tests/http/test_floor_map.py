"""The floor from above, and a SKU over time."""

from __future__ import annotations

import csv
import re
from datetime import timedelta

from django.urls import reverse
from django.utils import timezone

from entrepot.kernel import sql
from entrepot.network import queries as network
from entrepot.stock import queries as stock
from entrepot.warehouse import shelf_queries
from tests.shop import COMPANY


def used(days: int = 7):
    node = network.nodes(company=COMPANY)[0]
    since = timezone.now() - timedelta(days=days)
    return shelf_queries.bins_used(company=COMPANY, node=node.id, since=since)


def test_the_map_shows_each_place_as_hot_as_it_is_used_and_the_list_says_the_same(shop, console):
    browser = console("lead")
    rows = list(
        csv.DictReader(browser.get(reverse("floor-map"), {"format": "csv"}).content.decode().splitlines())
    )
    bins = used()
    assert sorted(row["code"] for row in rows) == sorted(one.code for one in bins)
    assert sum(int(row["picked"]) for row in rows) == sum(one.picked for one in bins) > 0
    page = browser.get(reverse("floor-map")).content.decode()
    assert page.count("<title>") == 1 + len(re.findall(r'<rect class="heat\d" x=', page)), (
        "the page's, and one a place"
    )
    assert 'class="heat5"' in page
    assert 'style="' not in page
    top = max(bins, key=lambda one: one.picked)
    assert re.search(r'<th scope="row" class="title">([^<]+)</th>', page)[1] == top.code, "the busiest first"


def test_a_bin_is_counted_for_the_days_that_are_asked_and_what_stands_in_it_now(shop):
    (((picked, units)),) = sql.run(
        "SELECT (SELECT sum(picked)::int FROM warehouse_picktask WHERE node_id = %(node)s),"
        " (SELECT sum(quantity)::int FROM stock_bucket WHERE node_id = %(node)s AND bin_id IS NOT NULL)",
        {"node": network.nodes(company=COMPANY)[0].id},
    )
    assert (sum(one.picked for one in used()), sum(one.units for one in used())) == (picked, units)
    assert sum(one.picked for one in used(days=-1)) == 0, "tasks that will be made"
    other = shelf_queries.bins_used(
        company=COMPANY + 1,
        node=network.nodes(company=COMPANY)[0].id,
        since=timezone.now() - timedelta(days=9),
    )
    assert {(one.picked, one.units) for one in other} == {(0, 0)}, "goods of somebody else in the same bins"


def test_the_map_shows_what_is_asked_for_and_takes_no_other(shop, console):
    browser = console("lead")
    page = browser.get(reverse("floor-map"), {"of": "units", "days": "28", "node": "MAN"}).content.decode()
    assert "MAN from above: Units in stock" in page
    page = browser.get(reverse("floor-map"), {"of": "code", "days": "9", "node": "X"}).content.decode()
    assert "from above: Units picked" in page


def test_a_sku_over_time_ends_at_what_there_is(shop, console):
    (((which, units)),) = sql.run(
        "SELECT sku_id, sum(quantity)::int FROM stock_bucket GROUP BY sku_id ORDER BY sum(quantity) DESC LIMIT 1"
    )
    today = timezone.now().date()
    levels = stock.levels(
        sku=which, since=today - timedelta(days=30), until=today + timedelta(days=1), zone="UTC"
    )
    assert levels[-1][1] == units
    page = console("lead").get(reverse("sku", args=[which])).content.decode()
    assert "Over time" in page and "<polyline" in page and "As a table" in page
