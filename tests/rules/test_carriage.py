"""What carriage costs, and which service is taken."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from entrepot.carriage.rules import (
    Barred,
    Leaves,
    Offer,
    Parcel,
    Service,
    Surcharge,
    Zone,
    arrival,
    arrives_on,
    charged_weight_g,
    choose,
    lane_of,
    leave_by,
    leaves,
    letters_that_count,
    longest_days,
    offer,
    offer_for,
    that_go,
    zone_of,
    zoned,
)
from entrepot.kernel.ids import uuid7
from entrepot.network.rules import Calendar

MONDAY = date(2026, 3, 2)
PARCEL = Parcel(800, 3000, "GB", "GB")  # 600 g by its size


def a_service(code: str = "post", days: int = 3, price: int = 300, **changes) -> Service:
    """Up to 2 kg at the price, up to 20 kg at three times the price, within the country."""
    rates = {"UK": [(2000, price), (20_000, 3 * price)]}
    facts = Service(uuid7(), "carrier", code, days, 20_000, 5000, {("GB", "GB"): "UK"}, rates, "GBP")
    return facts._replace(**changes)


def codes(*offers: Offer | None) -> list[str | None]:
    return [one and one.service.code for one in offers]


def test_a_bulky_parcel_is_charged_by_its_size_rounded_up():
    assert charged_weight_g(Parcel(800, 3000, "GB", "GB"), 5000) == 800
    assert charged_weight_g(Parcel(800, 6001, "GB", "GB"), 5000) == 1201
    assert charged_weight_g(Parcel(800, 6001, "GB", "GB"), 0) == 800


@given(st.integers(0, 10**6), st.integers(0, 10**7), st.integers(1, 10_000))
def test_the_charged_weight_is_the_least_that_covers_both(weight, volume, divisor):
    charged = charged_weight_g(Parcel(weight, volume, "GB", "GB"), divisor)
    assert charged >= weight
    assert charged * divisor >= volume * 1000
    assert charged == weight or (charged - 1) * divisor < volume * 1000


def test_the_most_exact_zone_counts():
    zones = {("GB", "GB"): "exact", ("*", "GB"): "to", ("GB", "*"): "from", ("*", "*"): "any"}
    one = a_service(zones=zones)
    assert [zone_of(one, *pair) for pair in (("GB", "GB"), ("DE", "GB"), ("GB", "DE"), ("DE", "FR"))] == [
        "exact", "to", "from", "any",
    ]  # fmt: skip
    assert zone_of(a_service(), "GB", "FR") is None


def test_the_longest_beginning_of_a_postal_code_counts_and_the_destination_before_the_origin():
    rows = [
        Zone("US", "US", "8"), Zone("US", "US", "5", "", "9"), Zone("US", "US", "2", "", "902", 1),
        Zone("US", "US", "7", "021"), Zone("US", "US", "6", "021", "9", 4), Zone("*", "CA", "north", transit_days=9),
    ]  # fmt: skip
    one = zoned(a_service(rates={row.zone: [(20_000, 100)] for row in rows}), rows)

    def goes(here: str, there: str, country: str = "US") -> tuple[str, int]:
        found = offer(one, Parcel(800, 0, "US", country, postal_code=there, origin_postal_code=here))
        assert isinstance(found, Offer)
        return found.zone, found.service.transit_days

    assert goes("10001", "90210") == goes("02139", "90210-1234") == ("2", 1)
    assert goes("10001", "91000") == ("5", 3), "without days of its own it takes those of the service"
    assert goes("02139", "91000") == ("6", 4)
    assert goes("02139", "33101") == ("7", 3)
    assert goes("02139", "9") == ("6", 4) and goes("02", "") == ("8", 3), "not so much is known of it"
    assert goes("02139", "K1A 0B1", "CA") == ("north", 9)
    assert offer(one, Parcel(800, 0, "", "", postal_code="US902")) == Barred("post", "not_there", ("", ""))
    assert (longest_days(one), letters_that_count([one, a_service()])) == (9, (3, 3))
    assert letters_that_count([]) == letters_that_count([a_service()]) == (0, 0)
    remote = a_service(surcharges=[Surcharge("remote", 100, postal_code="IV 27")])
    assert letters_that_count([remote]) == (0, 4)


BEGINS = st.text("012", max_size=3)
PLACES = st.just(("*", "")) | st.tuples(st.sampled_from(["US", "CA"]), BEGINS)
ZONES = st.lists(
    st.tuples(PLACES, PLACES, st.none() | st.integers(0, 9)).map(
        lambda one: Zone(one[0][0], one[1][0], "UK", one[0][1], one[1][1], one[2])
    ),
    max_size=12, unique_by=lambda one: one.lane,
)  # fmt: skip
COUNTRY, CODE = st.sampled_from(["US", "CA", "MX"]), st.text("012", max_size=5)


def covers(row: Zone, way: tuple[str, str, str, str]) -> bool:
    origin, here, destination, there = way
    return (
        row.origin in ("*", origin) and here.startswith(row.origin_postal_code)
        and row.destination in ("*", destination) and there.startswith(row.destination_postal_code)
    )  # fmt: skip


def exact(row: Zone) -> tuple[int, int]:
    return (
        (row.destination != "*") + len(row.destination_postal_code), (row.origin != "*") + len(row.origin_postal_code)
    )  # fmt: skip


@given(ZONES, COUNTRY, CODE, COUNTRY, CODE)
def test_of_the_rows_that_cover_a_way_the_most_exact_counts(rows, origin, here, destination, there):
    """The table, against looking at every row by hand."""
    one = zoned(a_service(), rows)
    best = max(
        (row for row in rows if covers(row, (origin, here, destination, there))), key=exact, default=None
    )
    lane = lane_of(one, origin, destination, here, there)
    if best is None:
        assert lane is None and that_go([one], "", origin, destination, here, there) == []
        return
    assert lane == (best.origin + best.origin_postal_code, best.destination + best.destination_postal_code)
    days = 3 if best.transit_days is None else best.transit_days
    (going,) = that_go([one], "", origin, destination, here, there)
    assert going.transit_days == days <= longest_days(one)
    parcel = Parcel(800, 0, origin, destination, postal_code=there, origin_postal_code=here)
    assert arrives_on(choose([one], parcel, Leaves(MONDAY), None).taken.service, Leaves(MONDAY)) == (
        MONDAY + timedelta(days=days)
    )
    begins, ends = letters_that_count([one])
    assert lane_of(one, origin, destination, here[:begins], there[:ends]) == lane, (
        "more letters change nothing"
    )


@given(ZONES, ZONES, COUNTRY, CODE, COUNTRY, CODE, st.randoms())
def test_rows_of_other_areas_and_their_order_change_nothing(
    rows, others, origin, here, destination, there, random
):
    way = (origin, here, destination, there)
    elsewhere = [row for row in others if not covers(row, way) and row.lane not in {one.lane for one in rows}]
    more = random.sample([*rows, *elsewhere], len(rows) + len(elsewhere))
    asked = (origin, destination, here, there)
    assert lane_of(zoned(a_service(), rows), *asked) == lane_of(zoned(a_service(), more), *asked)


def test_an_order_may_leave_later_to_where_a_service_is_faster():
    """A day at home, four to Spain; promised for Friday."""
    rows = [Zone("DE", "DE", "home", transit_days=1), Zone("DE", "ES", "far", transit_days=4)]
    one = zoned(a_service(), rows)
    friday, week = MONDAY + timedelta(days=4), Calendar({day: time(17) for day in range(5)})
    home, far = (leave_by(that_go([one], "", "DE", to), friday, "UTC", week, {}) for to in ("DE", "ES"))
    assert (home.date(), far.date()) == (MONDAY + timedelta(days=3), MONDAY)


def test_the_price_is_that_of_the_first_step_that_holds_the_weight():
    one = a_service()
    steps = [(2000, 300), (2001, 900), (20_000, 900)]
    for weight, price in steps:
        answer = offer(one, PARCEL._replace(weight_g=weight))
        assert (answer.price_minor, answer.zone, answer.charged_g) == (price, "UK", weight)


def test_a_service_that_does_not_carry_it_says_why():
    def told(parcel: Parcel, **service) -> str:
        return offer(a_service(**service), parcel).said()

    assert offer(a_service(), PARCEL._replace(destination="FR")) == Barred("post", "not_there", ("GB", "FR"))
    assert told(PARCEL._replace(destination="FR")) == "post does not go from GB to FR"
    assert told(PARCEL._replace(weight_g=20_001)) == "post carries up to 20000 g, charged for 20001 g"
    assert told(PARCEL._replace(currency="EUR")) == "post asks in GBP, not in EUR"
    assert told(PARCEL, rates={"UK": [(500, 1)]}) == "post has no rate for 800 g in zone UK"


def test_the_cheapest_that_keeps_the_promise_is_taken_and_the_next_is_remembered():
    slow, fast, dear = a_service("slow", 3, 300), a_service("fast", 1, 500), a_service("dear", 1, 800)
    choice = choose([dear, slow, fast], PARCEL, Leaves(MONDAY), MONDAY + timedelta(days=2))
    assert (codes(choice.taken, choice.runner_up), choice.late) == (["fast", "dear"], False)
    assert choice.barred == ()


def test_without_a_promise_the_cheapest_of_all_is_taken():
    choice = choose([a_service("fast", 1, 500), a_service("slow", 3, 300)], PARCEL, Leaves(MONDAY), None)
    assert (codes(choice.taken, choice.runner_up), choice.late) == (["slow", "fast"], False)


def test_of_equals_the_faster_is_taken_then_the_first_by_code():
    choice = choose([a_service("b"), a_service("c", 2), a_service("a")], PARCEL, Leaves(MONDAY), None)
    assert codes(choice.taken, choice.runner_up) == ["c", "a"]


def test_where_none_keeps_the_promise_the_fastest_is_taken_and_the_choice_says_that_it_is_late():
    choice = choose([a_service("slow", 5, 100), a_service("fast", 2, 500)], PARCEL, Leaves(MONDAY), MONDAY)
    assert (codes(choice.taken, choice.runner_up), choice.late) == (["fast", "slow"], True)


def test_a_late_service_may_be_the_runner_up_but_never_the_first():
    choice = choose(
        [a_service("late", 5, 1), a_service("fast", 1, 500)],
        PARCEL,
        Leaves(MONDAY),
        MONDAY + timedelta(days=1),
    )
    assert codes(choice.taken, choice.runner_up) == ["fast", "late"]


def test_where_nobody_carries_it_nothing_is_taken_and_everybody_says_why():
    choice = choose([a_service()], PARCEL._replace(destination="FR"), Leaves(MONDAY), None)
    assert (choice.taken, choice.runner_up, choice.late) == (None, None, False)
    assert choice.barred == (Barred("post", "not_there", ("GB", "FR")),)
    assert choose([], PARCEL, Leaves(MONDAY), None).taken is None


def test_a_carrier_that_has_come_already_takes_it_on_its_next_day():
    """At 17:30 in Leeds the post has been there, whose time would do; the courier comes at 19:00."""
    post, courier = a_service("post", 1, 300), a_service("courier", 1, 900)._replace(carrier="courier")
    weekdays = {day: time(19) for day in range(5)}
    at = datetime(2026, 3, 2, 17, 30, tzinfo=UTC)
    gone = leaves(
        at, "Europe/London", Calendar(weekdays), {post.carrier: {day: time(17) for day in range(5)}}
    )
    assert (gone.with_("courier"), gone.with_(post.carrier)) == (MONDAY, MONDAY + timedelta(days=1))
    tomorrow = MONDAY + timedelta(days=1)
    assert codes(choose([post, courier], PARCEL, Leaves(MONDAY), tomorrow).taken) == ["post"]
    assert codes(choose([post, courier], PARCEL, gone, tomorrow).taken) == ["courier"]
    assert codes(choose([post, courier], PARCEL, gone, MONDAY).taken) == [
        "courier"
    ]  # late both, it comes first
    assert gone.after(2).with_(post.carrier) == MONDAY + timedelta(days=3)


def test_where_a_node_is_closed_no_carrier_takes_anything():
    at, shut = datetime(2026, 3, 2, 9, tzinfo=UTC), Calendar({}, {MONDAY})
    assert leaves(at, "UTC", shut, {"van": {0: time(17), 1: time(12)}}) == Leaves(
        MONDAY + timedelta(days=1), (("van", MONDAY + timedelta(days=1)),)
    )


def test_days_of_leaving_are_those_of_the_node():
    at = datetime(2026, 3, 3, 2, tzinfo=UTC)  # the evening of Monday in Los Angeles
    assert leaves(at, "America/Los_Angeles", Calendar(), {}) == Leaves(MONDAY)
    assert leaves(at, "UTC", Calendar(), {}) == Leaves(MONDAY + timedelta(days=1))


OFFERED = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 5), st.booleans()), max_size=6).map(
    lambda rows: [
        a_service(f"s{i}", days, price, **({} if goes else {"zones": {}}))
        for i, (days, price, goes) in enumerate(rows)
    ]
)
PROMISES = st.none() | st.integers(-1, 9).map(lambda days: MONDAY + timedelta(days=days))


@given(OFFERED, PROMISES)
def test_nothing_offered_is_better_than_what_is_taken(services, promised):
    """The cheapest in time, against looking at every service by hand."""
    choice = choose(services, PARCEL, Leaves(MONDAY), promised)
    able = [one for one in services if one.zones]
    in_time = [one for one in able if promised is None or arrival(MONDAY, one.transit_days) <= promised]
    if not able:
        assert choice.taken is None
        return
    taken = choice.taken.service
    assert choice.late == (not in_time)
    if in_time:
        assert taken in in_time
        assert choice.taken.price_minor == min(one.rates["UK"][0][1] for one in in_time)
    else:
        assert taken.transit_days == min(one.transit_days for one in able)


@given(OFFERED, PROMISES)
def test_every_service_is_accounted_for_and_without_the_first_the_runner_up_is_taken(services, promised):
    choice = choose(services, PARCEL, Leaves(MONDAY), promised)
    carried = {one.code for one in services} - {one.service for one in choice.barred}
    assert carried == {one.code for one in services if isinstance(offer(one, PARCEL), Offer)}
    if choice.taken:
        rest = [one for one in services if one is not choice.taken.service]
        assert choose(rest, PARCEL, Leaves(MONDAY), promised).taken == choice.runner_up


@given(OFFERED, PROMISES, st.randoms())
def test_the_order_of_the_services_does_not_matter(services, promised, random):
    shuffled = random.sample(services, len(services))
    assert (
        choose(shuffled, PARCEL, Leaves(MONDAY), promised).taken
        == choose(services, PARCEL, Leaves(MONDAY), promised).taken
    )


@given(st.integers(0, 20_000), st.integers(0, 20_000))
def test_a_heavier_parcel_never_costs_less(weight, more):
    one = a_service()
    heavier = offer(one, PARCEL._replace(weight_g=weight + more))
    if isinstance(heavier, Offer):
        assert offer(one, PARCEL._replace(weight_g=weight)).price_minor <= heavier.price_minor


def test_parcels_that_go_together_are_charged_one_by_one_and_all_carried_or_none():
    one = a_service()
    alone = offer(one, PARCEL)
    together = offer_for(one, [PARCEL, PARCEL])
    assert (together.price_minor, together.charged_g) == (2 * alone.price_minor, 2 * alone.charged_g)
    assert offer_for(one, [PARCEL, PARCEL._replace(weight_g=20_001)]) == offer(
        one, PARCEL._replace(weight_g=20_001)
    )
    assert choose([one], PARCEL, Leaves(MONDAY), None, [PARCEL]).taken == together


# ---- by when an order leaves


def test_an_order_leaves_by_the_last_cut_off_that_keeps_its_promise():
    """Promised for Friday: two days before, on Wednesday at 17:00, or with the carrier that comes at noon a day
    before."""
    slow, fast = _going("slow", "Post", 2), _going("fast", "Swift", 1)
    friday, week = MONDAY + timedelta(days=4), Calendar({day: time(17) for day in range(5)})

    def by(*going, closed=(), carriers=None):
        return leave_by(going, friday, "UTC", Calendar(week.week, frozenset(closed)), carriers or {})

    assert by(slow) == datetime.combine(MONDAY + timedelta(days=2), time(17), UTC)
    assert by(slow, fast) == datetime.combine(MONDAY + timedelta(days=3), time(17), UTC)
    assert by(fast, carriers={"Swift": {3: time(12)}}) == datetime.combine(
        MONDAY + timedelta(days=3), time(12), UTC
    )
    assert by(slow, closed={MONDAY + timedelta(days=2)}) == datetime.combine(
        MONDAY + timedelta(days=1), time(17), UTC
    )
    assert by(fast, carriers={"Swift": {}}) == datetime.combine(MONDAY + timedelta(days=3), time.max, UTC), (
        "a carrier without hours takes all day"
    )
    assert by() is None


def test_an_order_goes_by_the_service_that_it_asks_for_if_that_goes_there():
    slow, fast = _going("slow", "Post", 2), _going("fast", "Swift", 1)
    assert that_go([slow, fast], "slow", "GB", "GB") == [slow]
    assert that_go([slow, fast], "", "GB", "GB") == [slow, fast]
    assert that_go([slow, fast], "gone", "GB", "GB") == [slow, fast]
    assert that_go([slow, fast], "slow", "GB", "US") == []


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 60))
def test_whoever_leaves_by_it_arrives_in_time_and_no_slower_service_leaves_later(one, other, day):
    promised = MONDAY + timedelta(days=day)
    week = Calendar({day: time(17) for day in range(5)})
    first, second = (leave_by([_going("s", "C", days)], promised, "UTC", week, {}) for days in (one, other))
    assert first and second
    assert first.date() + timedelta(days=one) <= promised
    assert (first >= second) if one <= other else (first <= second)


def _going(code: str, carrier: str, days: int) -> Service:
    return a_service(code, days, carrier=carrier)
