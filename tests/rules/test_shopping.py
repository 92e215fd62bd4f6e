"""Which service takes a parcel, by label, surcharges and what lateness is expected to cost."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from entrepot.carriage.rules import Leaves, Offer, Parcel, Surcharge, choose, offer, surcharges
from entrepot.kernel.money import round_half_away
from entrepot.shipping.shopping import NOTHING, Known, Quote, Shopped, Shopping, late_per_10k, shop, slip
from tests.rules.test_carriage import MONDAY, PARCEL, a_service

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
POLICY = Shopping()
COUNTS = st.dictionaries(st.integers(-5, 15), st.integers(1, 500), max_size=5)


def shopped(
    services, promised=None, known=None, quotes=None, wanted="", policy=POLICY, parcels=(PARCEL,)
) -> Shopped:
    return shop(services, parcels, wanted, Leaves(MONDAY), promised, policy, known or {}, quotes or {}, AT)


def order(one: Shopped) -> list[str]:
    return [candidate.service for candidate in one.candidates]


def test_surcharges_are_added_by_kind_and_fuel_comes_on_all_of_them():
    due = (
        Surcharge("fuel", per_10k=1_000), Surcharge("remote", 400, postal_code="IV"), Surcharge("residential", 150),
        Surcharge("oversize", 900, above=1_000), Surcharge("oversize", 2_000, above=1_500),
        Surcharge("overweight", 700, above=5_000), Surcharge("fuel", 5, zone="elsewhere"),
    )  # fmt: skip
    one = a_service(surcharges=due)
    assert offer(one, PARCEL).surcharges == (("fuel", 30),)
    far = PARCEL._replace(postal_code="iv27 4nn", residential=True, longest_mm=1_600)
    found = offer(one, far)
    assert found.surcharges == (("remote", 400), ("residential", 150), ("oversize", 2_000), ("fuel", 285))
    assert (found.label_minor, found.price_minor) == (300, 3_135)
    assert offer(one, PARCEL._replace(weight_g=6_000)).surcharges == (("overweight", 700), ("fuel", 160))


def test_a_parcel_that_is_too_long_is_not_carried():
    one = a_service(max_length_mm=1_200)
    told = offer(one, PARCEL._replace(longest_mm=1_201))
    assert told.said() == "post carries up to 1200 mm, its longest side is 1201 mm"
    assert isinstance(offer(one, PARCEL._replace(longest_mm=1_200)), Offer)


@given(st.integers(0, 10**6), st.lists(st.integers(0, 10_000), max_size=3), st.integers(0, 3_000))
def test_a_surcharge_never_makes_a_parcel_cheaper(base, shares, longest):
    due = tuple(Surcharge("fuel", per_10k=share, zone=str(i)) for i, share in enumerate(shares))
    added = surcharges(a_service(surcharges=due), PARCEL._replace(longest_mm=longest), "0", 800, base)
    assert all(amount > 0 for _, amount in added)


def test_the_days_that_a_parcel_came_late_are_counted_within_bounds():
    assert slip(MONDAY, MONDAY + timedelta(days=5), 3) == 2
    assert slip(MONDAY, MONDAY, 9) == -5
    assert slip(MONDAY, MONDAY + timedelta(days=90), 3) == 15


def test_without_history_the_expectation_of_the_policy_stands():
    assert [late_per_10k(days, NOTHING, POLICY) for days in (-1, 0, 1, 2)] == [10_000, 500, 250, 125]


def test_a_lane_is_known_by_the_service_until_it_has_parcels_of_its_own():
    service = {0: 60, 1: 40}
    young, old = Known({}, service), Known({0: 9_900, 1: 100}, service)
    assert late_per_10k(0, young, POLICY) == 3_417  # the 1 expected of 20 and 40 of 100
    assert late_per_10k(0, old, POLICY) == 107


@given(COUNTS, COUNTS, st.integers(-3, 10))
def test_a_chance_is_one_and_falls_with_the_days_to_spare(lane, service, spare):
    known = Known(lane, service)
    chance = late_per_10k(spare, known, POLICY)
    assert 0 <= late_per_10k(spare + 1, known, POLICY) <= chance <= 10_000


@given(COUNTS, st.integers(0, 5), st.integers(1, 1_000))
def test_another_late_parcel_never_makes_a_lane_look_better(lane, spare, more):
    worse = {**lane, 15: lane.get(15, 0) + more}
    assert late_per_10k(spare, Known(worse, {}), POLICY) >= late_per_10k(spare, Known(lane, {}), POLICY)


def test_a_cheap_service_that_is_often_late_loses_and_the_runner_up_says_so():
    cheap, sure = a_service("cheap", 2, 300), a_service("sure", 2, 420)
    promised = MONDAY + timedelta(days=2)
    known = {
        (cheap.id, "UK", "table"): Known({0: 50, 1: 50}, {0: 50, 1: 50}),
        (sure.id, "UK", "table"): Known({0: 100}, {0: 100}),
    }

    one = shopped([cheap, sure], promised, known)

    assert (order(one), one.why) == (["sure", "cheap"], "least")
    taken, runner_up = one.candidates
    assert (taken.late_minor, runner_up.late_minor) == (1, 244)
    assert runner_up.total_minor == 300 + 244
    assert one.choice.runner_up.service.code == "cheap"
    assert (
        order(shopped([cheap, sure], promised, known, policy=replace(POLICY, late_penalty_minor=0)))[0]
        == "cheap"
    )
    assert order(shopped([cheap, sure], None, known))[0] == "cheap"


def test_what_was_late_by_a_quoted_day_says_nothing_of_the_days_of_the_table():
    """A day is quoted for a street, and is missed by one as a rule; the table's, for a country, is kept."""
    one = a_service("post", 4, 300, live="easypost:USPS Priority")
    known = {
        (one.id, "UK", "easypost"): Known({1: 90}, {1: 90}),
        (one.id, "UK", "table"): Known({-1: 90}, {-1: 90}),
    }
    quote, promised = Quote("easypost", 300, "GBP", AT, days=4), MONDAY + timedelta(days=4)

    def late(quote: Quote) -> tuple[str, int, int]:
        (found,) = shopped([one], promised, known, {one.id: quote}).candidates
        return found.timed_by, found.late_per_10k, found.seen

    quoted, failed, untimed = (
        late(quote),
        late(quote._replace(problem="503")),
        late(quote._replace(days=None)),
    )
    assert (quoted[0], failed, quoted[2]) == ("easypost", untimed, 90)
    assert (failed[0], failed[2]) == ("table", 90)
    assert quoted[1] > 8_000 > 100 > failed[1]


def test_the_promise_comes_before_the_price_and_the_order_before_both():
    slow, fast, dear = a_service("slow", 4, 100), a_service("fast", 1, 900), a_service("dear", 1, 2_000)
    promised = MONDAY + timedelta(days=2)
    assert order(shopped([slow, dear, fast], promised)) == ["fast", "dear", "slow"]
    late = shopped([slow, a_service("fast", 3, 900)], promised)
    assert (late.why, late.choice.late, order(late)[0]) == ("fastest", True, "fast")
    asked = shopped([slow, fast], promised, wanted="slow")
    assert (asked.why, asked.choice.late, order(asked)) == ("asked_for", True, ["slow", "fast"])
    assert shopped([slow], None).why == "only_one"
    assert shopped([slow, fast], promised).why == "only_in_time"
    nobody = shopped([slow._replace(zones={})])
    assert (nobody.choice.taken, nobody.why, nobody.candidates) == (None, "none", ())
    assert nobody.reasons()["barred"] == [("slow", "not_there", "GB", "GB")]
    assert shopped([]).why == "own_means"


def test_a_quote_takes_the_place_of_the_table_and_a_failure_does_not():
    one = a_service("post", 3, 300, live="easypost:USPS Priority")
    quote = Quote("easypost", 742, "GBP", AT)

    def told(quote: Quote | None) -> tuple[str, int, tuple[str, ...]]:
        (found,) = shopped([one], quotes={one.id: quote} if quote else {}).candidates
        return found.source, found.label_minor, found.note

    assert told(quote) == ("easypost", 742, ())
    assert told(None) == ("table", 300, ("not_asked", "easypost"))
    assert told(quote._replace(problem="HTTP 503")) == ("table", 300, ("problem", "easypost", "HTTP 503"))
    old = quote._replace(quoted_at=AT - timedelta(minutes=241))
    assert told(old) == ("table", 300, ("too_old", "easypost"))
    other = ("other_currency", "easypost", "USD", "GBP")
    assert told(quote._replace(currency="USD")) == ("table", 300, other)
    (sooner,) = shopped([one], MONDAY + timedelta(days=2), quotes={one.id: quote._replace(days=2)}).candidates
    (later,) = shopped([one], MONDAY + timedelta(days=2), quotes={one.id: quote}).candidates
    assert (sooner.days, sooner.late, later.days, later.late) == (2, False, 3, True)
    assert (sooner.timed_by, later.timed_by) == ("easypost", "table")
    only_live = one._replace(rates={}, zones={}, currency="")
    (found,) = shopped([only_live], quotes={one.id: quote._replace(currency="USD")}).candidates
    assert (found.source, found.label_minor) == ("easypost", 742)


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2_000)), min_size=1, max_size=6),
    st.integers(-1, 6) | st.none(),
    st.randoms(use_true_random=False),
)
def test_without_a_penalty_it_is_the_choice_of_the_tables_in_whatever_order(offers, days, chance):
    services = [a_service(f"s{i}", *one) for i, one in enumerate(offers)]
    promised = None if days is None else MONDAY + timedelta(days=days)
    free = replace(POLICY, late_penalty_minor=0)
    told = shopped(services, promised, policy=free).choice
    chance.shuffle(services)
    mixed = shopped(services, promised, policy=free).choice
    table = choose(services, PARCEL, Leaves(MONDAY), promised)
    assert (told.taken, told.late, told.runner_up) == (table.taken, table.late, table.runner_up)
    assert (mixed.taken, mixed.runner_up) == (told.taken, told.runner_up)


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2_000)), min_size=1, max_size=6),
    st.integers(0, 5_000),
)
def test_nothing_that_is_in_time_costs_less_in_all(offers, penalty):
    services = [a_service(f"s{i}", *one) for i, one in enumerate(offers)]
    one = shopped(services, MONDAY + timedelta(days=2), policy=replace(POLICY, late_penalty_minor=penalty))
    in_time = [candidate for candidate in one.candidates if not candidate.late]
    assert all(one.candidates[0].total_minor <= other.total_minor for other in in_time)
    assert all(
        c.total_minor == c.label_minor + sum(a for _, a in c.surcharges) + c.late_minor
        for c in one.candidates
    )


def test_several_parcels_are_priced_each_by_itself():
    one = a_service(surcharges=(Surcharge("residential", 50),))
    home = PARCEL._replace(residential=True)
    (found,) = shopped([one], parcels=(home, Parcel(6_000, 0, "GB", "GB", residential=True))).candidates
    assert (found.label_minor, found.surcharges) == (1_200, (("residential", 100),))


def test_prices_of_several_currencies_are_compared_in_the_company_s_own():
    """1500 yen are some 8 pounds, and not 15 euros; what a late parcel costs is told in the service's currency."""
    yen = a_service("yen", 1, 1_500, currency="JPY")
    euro = a_service("euro", 1, 1_100, currency="EUR")
    pound = a_service("pound", 1, 900)
    worth = {"GBP": Decimal(1), "EUR": Decimal("0.85"), "JPY": Decimal("0.5")}

    def told(services, worth=worth, **facts) -> Shopped:
        return shop(services, (PARCEL,), "", Leaves(MONDAY), None, POLICY, {}, {}, AT, worth=worth, **facts)

    found = told([pound, euro, yen])
    assert order(found) == ["yen", "pound", "euro"]
    assert [one.compared_minor for one in found.candidates] == [750, 900, 935]
    assert [one.total_minor for one in found.candidates] == [1_500, 900, 1_100]
    unknown = told([pound, euro], {"GBP": Decimal(1)})
    assert (order(unknown), unknown.choice.barred[0].why) == (["pound"], "no_exchange")
    promised = MONDAY + timedelta(days=1)
    policy = Shopping(late_penalty_minor=1_000, prior_late_per_10k=5_000)
    late = shop([yen], (PARCEL,), "", Leaves(MONDAY), promised, policy, {}, {}, AT, worth=worth)
    assert [one.late_minor for one in late.candidates] == [1_000]  # 5 pounds
    assert late.candidates[0].compared_minor == 750 + 500
    assert order(told([pound, yen], hazards={"yen"})) == ["pound"]


@given(
    st.lists(st.tuples(st.sampled_from("ABC"), st.integers(0, 5_000)), min_size=1, max_size=6),
    st.fixed_dictionaries({code: st.decimals("0.01", 100, places=2) for code in "ABC"}),
)
def test_the_service_taken_costs_the_least_in_the_company_s_own_currency(prices, worth):
    services = [a_service(str(i), 1, price, currency=code) for i, (code, price) in enumerate(prices)]
    found = shop(services, (PARCEL,), "", Leaves(MONDAY), None, POLICY, {}, {}, AT, worth=worth)
    assert found.candidates[0].compared_minor == min(
        round_half_away(price * worth[code]) for code, price in prices
    )
