"""Anomalies of demand in the orders of a real retailer (Online Retail): what is told of its days."""

from __future__ import annotations

import csv
import gzip
from collections import Counter, defaultdict
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from statistics import median

import pytest

from entrepot.insight import anomalies
from entrepot.insight.anomalies import Series
from entrepot.kernel import ids

ORDERS = Path("/work/shared/data/transactions/online_retail_2010-12_2011-08.csv.gz")
WEEKS = 8
pytestmark = pytest.mark.skipif(not ORDERS.exists(), reason="the orders of Online Retail are not here")


@cache
def sales() -> dict[str, Counter[date]]:
    """How often each SKU was ordered on each day. Units are a wholesaler's: one order may be of thousands."""
    found: dict[str, Counter[date]] = defaultdict(Counter)
    with gzip.open(ORDERS, "rt", encoding="utf-8", errors="replace") as file:
        for row in csv.DictReader(file):
            if (
                row["StockCode"][:5].isdigit()
                and int(row["Quantity"]) > 0
                and row["InvoiceNo"][0] not in "CA"
            ):
                found[row["StockCode"]][date.fromisoformat(row["InvoiceDate"][:10])] += 1
    return found


@cache
def keys() -> dict[str, object]:
    return {code: ids.uuid7() for code in sorted(sales())}


def day_of(day: date) -> list[Series]:
    first = day - timedelta(days=7 * WEEKS)
    days = [first + timedelta(days=n) for n in range(7 * WEEKS + 1)]
    return [
        Series(keys()[code], "shop", tuple(of[one] for one in days))  # type: ignore[arg-type]
        for code, of in sales().items()
        if any(of[one] for one in days)
    ]


def working_days() -> list[date]:
    """Days of the first half of June on which anything was sold."""
    sold = {day for of in sales().values() for day in of}
    return sorted(day for day in sold if date(2011, 6, 1) <= day <= date(2011, 6, 15))


def test_few_of_three_thousand_skus_are_told_on_a_day():
    told = [len(anomalies.anomalies(day_of(day))) for day in working_days()]
    assert median(told) <= 15, "nobody reads more"
    assert max(told) <= 150, told


def test_each_that_is_told_is_far_from_all_days_of_its_weekday():
    for day in working_days()[:8]:
        series = {one.sku: one.units for one in day_of(day)}
        for one in anomalies.anomalies(day_of(day)):
            same = series[one.sku][:-1][(len(series[one.sku]) - 1) % 7 :: 7]
            if one.is_surge:
                assert one.seen > sorted(same)[-2], "more than on all but one of them"


@pytest.mark.parametrize(("times", "share"), [(6, 0.25), (10, 0.9)])
def test_surges_planted_in_real_days_are_found(times, share):
    """Of SKUs that are ordered once a day or more, a fiftieth is ordered so many times as often. There
    six times as often is no rare day; ten times is."""
    found, planted = 0, 0
    for day in working_days()[:6]:
        usual = day_of(day)
        often = [i for i, one in enumerate(usual) if sum(one.units[:-1]) >= 7 * WEEKS][::50]
        for i in often:
            mean = sum(usual[i].units[:-1]) / (5 * WEEKS)
            usual[i] = usual[i]._replace(units=(*usual[i].units[:-1], round(times * mean)))
        told = {one.sku for one in anomalies.anomalies(usual)}
        found += sum(usual[i].sku in told for i in often)
        planted += len(often)
    assert planted > 20 and found / planted >= share
