"""Anomalies of demand: surges and silences among many SKUs, and a bound on false ones."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.insight import anomalies
from entrepot.insight.anomalies import Series
from entrepot.kernel import ids

WEEKS = 8
SEASON = (1.0, 0.8, 0.9, 1.0, 1.3, 1.6, 0.4)


def poisson(chance: random.Random, mean: float) -> int:
    """Of a Poisson; of a large mean by its normal."""
    if mean > 50:
        return max(0, round(chance.gauss(mean, math.sqrt(mean))))
    limit, drawn, product = math.exp(-mean), 0, chance.random()
    while product > limit:
        drawn, product = drawn + 1, product * chance.random()
    return drawn


def house(skus: int, seed: int, turned: dict[int, float] | None = None) -> list[Series]:
    """Series with a week's season; the last day of some is sold so many times as usual."""
    chance = random.Random(seed)
    found = []
    for n in range(skus):
        mean = chance.choice((0.2, 1.0, 4.0, 15.0, 60.0))
        days = [poisson(chance, mean * SEASON[day % 7]) for day in range(7 * WEEKS)]
        last = poisson(chance, mean * SEASON[0] * (turned or {}).get(n, 1.0))
        found.append(Series(ids.uuid7(), "shop", (*days, last)))
    return found


def test_planted_surges_are_found_and_little_else():
    surged = dict.fromkeys(range(0, 3000, 50), 8.0)
    series = house(3000, 11, surged)
    found = anomalies.anomalies(series)
    planted = {series[n].sku for n in surged}
    large = {series[n].sku for n in surged if sum(series[n].units[:-1]) >= 7 * WEEKS}
    told = {one.sku for one in found}
    assert len(told & large) / len(large) >= 0.9, "recall"
    assert len(told - planted) / max(1, len(told)) <= 0.1, "false ones"
    assert all(one.is_surge for one in found if one.sku in planted)


def test_planted_silences_of_what_sells_are_found():
    silent = dict.fromkeys(range(0, 2000, 20), 0.0)
    series = house(2000, 5, silent)
    found = {one.sku for one in anomalies.anomalies(series) if not one.is_surge}
    large = {series[n].sku for n in silent if sum(series[n].units[:-1]) >= 10 * 7 * WEEKS}
    assert len(found & large) / len(large) >= 0.9
    assert len(found - {series[n].sku for n in silent}) <= 0.1 * len(found)


def test_of_twenty_thousand_skus_as_usual_hardly_one_is_told():
    assert sum(len(anomalies.anomalies(house(4000, seed))) for seed in range(5)) <= 5


def test_demand_in_fits_and_starts_does_not_cry_wolf():
    """Days that vary far more than a Poisson: what is as unlikely more often than reckoned is as likely as often."""
    chance = random.Random(3)
    series = [
        Series(ids.uuid7(), "shop", tuple(int(chance.expovariate(1 / mean)) for _ in range(7 * WEEKS + 1)))
        for mean in (0.5, 4.0, 15.0, 60.0)
        for _ in range(500)
    ]
    assert len(anomalies.anomalies(series)) <= 2


@given(st.lists(st.floats(0, 1), max_size=30), st.lists(st.floats(0, 1), max_size=60))
def test_a_chance_is_never_less_than_what_came_before(chances, before):
    found = anomalies.as_often_before(chances, sorted(before))
    assert all(new >= old and 0 < new <= 1 for new, old in zip(found, chances, strict=True))
    assert sorted(chances, reverse=True) == [
        one for _, one in sorted(zip(found, chances, strict=True), reverse=True)
    ]


def test_a_day_is_compared_with_its_own_weekday():
    """Saturday sells five times as much: on a Saturday that is usual, on a Monday it is not."""
    week = (40, 40, 40, 40, 40, 200, 40)
    usual = Series(ids.uuid7(), "shop", (*(week[5:] + week[:5]) * WEEKS, 200))
    surge = Series(ids.uuid7(), "shop", (*week * WEEKS, 200))
    (found,) = anomalies.anomalies([usual, surge])
    assert (found.sku, found.seen, found.expected, found.by) == (surge.sku, 200, 40, "median")


def test_an_earlier_spike_does_not_hide_the_next():
    days = [2, 1, 2, 3, 1, 2, 2] * WEEKS
    days[10] = 90
    (found,) = anomalies.anomalies([Series(ids.uuid7(), "shop", (*days, 30))])
    assert found.is_surge and found.by == "Poisson" and 1 < found.expected < 3


def test_a_silence_where_nothing_was_to_be_sold_is_explained():
    (found,) = anomalies.anomalies([Series(ids.uuid7(), "shop", (*[40] * 7 * WEEKS, 0))])
    assert not found.is_surge
    assert anomalies.told_by_stock(found, {(found.sku, "shop"): True})
    assert not anomalies.told_by_stock(found, {(found.sku, "market"): True})


def test_histories_that_are_no_whole_weeks_are_left_out():
    assert anomalies.anomalies([Series(ids.uuid7(), "shop", (*[3] * 40, 90))]) == []
    assert anomalies.anomalies([]) == []


@given(st.lists(st.floats(0, 1), max_size=40))
def test_the_doubt_is_the_bound_of_benjamini_and_hochberg(chances):
    doubts = anomalies.doubted(chances)
    ordered = sorted(chances)
    for limit in (0.05, 0.2):
        ranks = [i for i, one in enumerate(ordered, 1) if one * len(chances) / i <= limit]
        told = sorted(one for one, doubt in zip(chances, doubts, strict=True) if doubt <= limit)
        assert told == ordered[: ranks[-1] if ranks else 0]


@given(st.integers(0, 30), st.floats(0.5, 200), st.floats(0.01, 1))
def test_both_tails_together_are_all_there_is(units, shape, odds):
    below = anomalies.at_most(units - 1, shape, odds) if units else 0.0
    assert anomalies.at_least(units, shape, odds) + below == pytest.approx(1, abs=1e-6)


@given(
    st.lists(st.lists(st.integers(0, 40), min_size=29, max_size=29), min_size=1, max_size=6),
    st.randoms(use_true_random=False),
)
def test_what_is_told_does_not_depend_on_the_order_of_skus(all_, chance):  # fmt: skip
    series = [Series(ids.uuid7(), "shop", tuple(units)) for units in all_]
    turned = list(series)
    chance.shuffle(turned)
    assert anomalies.anomalies(series) == anomalies.anomalies(turned)
