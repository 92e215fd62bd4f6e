"""Who takes a return back, and under which number."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.carriage.rules import Barred, Offer, Service, Surcharge, offer
from entrepot.kernel import ids
from entrepot.returns import labeling
from entrepot.returns.labeling import Goods, Mate, Way, apart, cheapest, number, parcel

HOME = Way("GB", "GB", "E1 6AN")


def service(
    code: str, price: int, currency: str = "GBP", zone: tuple[str, str] = ("GB", "GB"), **facts: object
) -> Service:
    tables = {zone: "z"}, {"z": [(5_000, price), (30_000, 2 * price)]}, currency
    return Service(ids.uuid7(), "Post", code, 2, 30_000, 0, *tables)._replace(**facts)


def goods(units: int = 1, weight_g: int = 400) -> Goods:
    return Goods(units, weight_g, 300, 200, 101)


def test_all_that_is_to_come_is_one_parcel():
    found = parcel([goods(2), Goods(1, 50, 900, 10, 10)], HOME, "GBP")
    assert (found.weight_g, found.volume_cm3, found.longest_mm) == (850, 2 * 6_060 + 90, 900)
    assert (found.origin, found.destination, found.postal_code, found.origin_postal_code) == HOME
    assert found.currency == "GBP"
    assert parcel([], HOME).weight_g == 1


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({}, ""),
        ({"place": "there"}, ""),
        ({"node": ids.uuid7()}, "they go to different nodes"),
        ({"customer": ids.uuid7()}, "they are of different customers"),
        ({"customer": None}, ""),
        ({"customer": None, "place": "there"}, "nobody knows whether they are of one customer"),
        ({"customer": None, "place": ""}, "nobody knows whether they are of one customer"),
        ({"origin": "SE"}, "they come from different countries"),
    ],
)
def test_returns_of_one_customer_or_from_one_address_come_in_one_parcel(other: dict[str, object], why: str):
    one = Mate(ids.uuid7(), ids.uuid7(), "GB", "here")
    two = one._replace(**other)
    assert apart(one, two).startswith(why) and apart(two, one).startswith(why)
    assert bool(why) == bool(apart(one, two))


def test_of_addresses_that_nobody_knows_none_is_another():
    one = Mate(ids.uuid7(), None, "GB", "")
    assert apart(one, one)


def test_the_cheapest_that_goes_that_way_takes_it():
    services = [
        service("fast", 900),
        service("slow", 300),
        service("out", 100, zone=("GB", "DE")),
    ]
    found = cheapest(services, [goods()], HOME, {})
    assert isinstance(found, Offer)
    assert (found.service.code, found.price_minor) == ("slow", 300)
    heavy = cheapest(services, [goods(20)], HOME, {})
    assert isinstance(heavy, Offer)
    assert heavy.price_minor == 600
    asked = cheapest(services, [goods()], HOME, {}, "fast")
    assert isinstance(asked, Offer)
    assert asked.service.code == "fast"


def test_who_takes_nothing_back_says_why():
    assert cheapest([service("out", 100, zone=("GB", "DE"))], [goods()], HOME, {}) == (
        Barred("out", "not_there", ("GB", "GB")),
    )
    assert cheapest([service("slow", 1)], [goods()], HOME, {}, "other") == ()


def test_prices_of_several_currencies_are_compared_by_what_they_are_worth():
    services = [service("krona", 2_000, "SEK"), service("pound", 300)]
    for rate, taken in (("0.08", "krona"), ("0.16", "pound")):
        found = cheapest(services, [goods()], HOME, {"GBP": Decimal(1), "SEK": Decimal(rate)})
        assert isinstance(found, Offer)
        assert found.service.code == taken
        assert found.price_minor == {"krona": 2_000, "pound": 300}[taken], "as its carrier asks"
    faster = service("fast", 160)._replace(transit_days=1)
    equal = cheapest([*services, faster], [goods()], HOME, {"GBP": Decimal(1), "SEK": Decimal("0.08")})
    assert isinstance(equal, Offer)
    assert equal.service.code == "fast"


def test_a_price_of_which_nobody_knows_the_worth_is_compared_with_none():
    services = [service("krona", 200, "SEK"), service("pound", 300)]
    found = cheapest(services, [goods()], HOME, {"GBP": Decimal(1)})
    assert isinstance(found, Offer)
    assert found.service.code == "pound"
    alone = cheapest(services[:1], [goods()], HOME, {})
    assert isinstance(alone, Offer)
    assert alone.service.code == "krona"
    euro = service("euro", 200, "EUR")
    assert cheapest([services[0], euro], [goods()], HOME, {"GBP": Decimal(1)}) == (
        Barred("krona", "no_exchange", ("SEK",)), Barred("euro", "no_exchange", ("EUR",)),
    )  # fmt: skip


def test_a_label_after_others_says_which_it_is():
    assert [number("RMA-7", before) for before in (0, 1, 2)] == ["RMA-7", "RMA-7-2", "RMA-7-3"]


@given(
    st.lists(st.tuples(st.integers(1, 5_000), st.integers(0, 400)), max_size=6),
    st.lists(st.tuples(st.integers(1, 9), st.integers(0, 4_000)), max_size=5),
    st.randoms(use_true_random=False),
)
def test_nobody_that_takes_it_is_cheaper_in_whatever_order_they_are_asked(prices, units, shuffle):
    services = [
        service(f"s{i}", price)._replace(surcharges=(Surcharge("fuel", per_10k=fuel),))
        for i, (price, fuel) in enumerate(prices)
    ]
    wanted = [goods(n, grams) for n, grams in units]
    found = cheapest(services, wanted, HOME, {})
    offers = [one for each in services if isinstance(one := offer(each, parcel(wanted, HOME)), Offer)]
    if isinstance(found, Offer):
        assert found.price_minor == min(one.price_minor for one in offers)
    else:
        assert not offers
        assert {one.service for one in found} == {one.code for one in services}
    shuffle.shuffle(services)
    again = cheapest(services, wanted, HOME, {})
    assert isinstance(again, Offer) == isinstance(found, Offer)
    if isinstance(again, Offer) and isinstance(found, Offer):
        assert again.service.code == found.service.code


@given(
    st.lists(st.builds(Goods, st.integers(1, 9), st.integers(0, 900), *[st.integers(0, 500)] * 3), max_size=5)
)
def test_goods_upon_each_other_hold_each_of_them_or_are_not_measured(goods):
    sides = labeling.box(goods)
    measured = bool(goods) and all(min(one[2:]) > 0 for one in goods)
    assert (min(sides) > 0) == measured
    if measured:
        volume = sum(one.units * one.length_mm * one.width_mm * one.height_mm for one in goods)
        assert sides[0] * sides[1] * sides[2] >= volume
