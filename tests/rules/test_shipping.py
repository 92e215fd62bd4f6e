"""With whom a parcel goes, and what units that leave are worth."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from entrepot.carriage.rules import Barred, Leaves, Parcel, Service, choose_service
from entrepot.network.rules import Calendar
from entrepot.orders.rules import Frozen
from entrepot.shipping.collecting import Collecting, passed
from entrepot.shipping.rules import all_bought, amounts_of_sale, first_step, may_perform, worth

MONDAY, TUESDAY, FRIDAY = date(2026, 11, 23), date(2026, 11, 24), date(2026, 11, 27)
PARCEL = Parcel(800, 2_000, "GB", "GB")


def a_service(code: str, days: int, price: int, most: int = 30_000) -> Service:
    return Service(
        UUID(int=days), "Post", code, days, most, 5000, {("GB", "*"): "all"}, {"all": [(most, price)]}, "GBP"
    )


SLOW, FAST = a_service("slow", 4, 300), a_service("fast", 1, 900)


def test_the_cheapest_within_the_promise():
    assert choose_service([SLOW, FAST], PARCEL, "", Leaves(MONDAY), FRIDAY).taken.service is SLOW
    choice = choose_service([SLOW, FAST], PARCEL, "", Leaves(MONDAY), TUESDAY)
    assert (choice.taken.service, choice.late) == (FAST, False)
    assert (choice.runner_up.service, choice.barred) == (SLOW, ())


def test_the_service_asked_for_goes_before_the_cheapest():
    assert choose_service([SLOW, FAST], PARCEL, "fast", Leaves(MONDAY), None).taken.service is FAST


def test_a_service_asked_for_that_does_not_carry_it_gives_way():
    small = a_service("small", 1, 100, most=500)
    choice = choose_service([SLOW, small], PARCEL, "small", Leaves(MONDAY), None)
    assert choice.taken.service is SLOW
    assert choice.barred == (Barred("small", "too_heavy", (500, 800)),)


def test_nobody_carries_it():
    assert choose_service([SLOW], Parcel(99_000, 1, "GB", "GB"), "", Leaves(MONDAY), None).taken is None


def test_amounts_stand_under_the_kind_of_their_line():
    goods, post = Frozen(1000, 100, 50, 190), Frozen(495, 0, 0, 0)
    assert dict(amounts_of_sale([("goods", goods), ("shipping", post)])) == {
        "sale.goods": 1000, "sale.discount": -100, "sale.shipping": 545, "sale.tax": 190,
    }  # fmt: skip
    assert amounts_of_sale([("goods", Frozen(0, 0, 0, 0))]) == []
    assert amounts_of_sale([("manual", Frozen(5, 0, 0, 0)), ("manual", Frozen(-5, 0, 0, 0))]) == []


def test_services_wait_for_goods_unless_something_left_or_nothing_will():
    assert [may_perform(0, 0), may_perform(3, 0), may_perform(3, 1)] == [True, False, True]


amounts = st.integers(-100_000, 100_000)


@given(amounts, amounts, amounts, amounts, st.lists(st.integers(1, 20), min_size=1, max_size=10))
def test_any_sequence_of_shipments_bears_what_was_frozen(
    gross: int, discount: int, shipping: int, tax: int, parts: list[int]
):
    frozen, quantity = Frozen(gross, discount, shipping, tax), sum(parts)
    gone, borne = 0, [0, 0, 0, 0]
    for count in parts:
        borne = [a + b for a, b in zip(borne, worth(frozen, quantity, gone, count), strict=True)]
        gone += count
    assert Frozen(*borne) == frozen


@given(amounts, amounts, amounts, amounts)
def test_amounts_of_a_sale_sum_to_what_the_customer_owes(gross: int, discount: int, shipping: int, tax: int):
    frozen = Frozen(gross, discount, shipping, tax)
    assert sum(amount for _, amount in amounts_of_sale([("goods", frozen)])) == frozen.total


def test_a_collection_is_over_some_time_after_its_cut_off_by_the_carriers_own_week():
    week, own = dict.fromkeys(range(7), time(15)), dict.fromkeys(range(7), time(17))
    policy = Collecting(missed_after_minutes=60)
    four, six = datetime(2026, 11, 23, 16, 30, tzinfo=UTC), datetime(2026, 11, 23, 18, 30, tzinfo=UTC)
    assert passed(four, "UTC", Calendar(week), None, policy) == datetime(2026, 11, 23, 15, tzinfo=UTC)
    assert passed(four, "UTC", Calendar(week), own, policy) == datetime(2026, 11, 22, 17, tzinfo=UTC)
    assert passed(six, "UTC", Calendar(week), own, policy) == datetime(2026, 11, 23, 17, tzinfo=UTC)
    shut = Calendar(week, {date(2026, 11, 23)})
    assert passed(six, "UTC", shut, own, policy) == datetime(2026, 11, 22, 17, tzinfo=UTC), (
        "nobody came on a holiday"
    )


# ---- labels first

BOUGHT = st.sampled_from(["", "asked", "failed", "in doubt", "bought", "void asked"])


def test_labels_are_bought_before_it_leaves():
    assert first_step([], is_sold=True, otherwise=False) == "buy"
    assert first_step(["bought", ""], is_sold=True, otherwise=False) == "buy"
    assert first_step(["bought", "asked"], is_sold=True, otherwise=False) == "wait"
    assert first_step(["failed"], is_sold=True, otherwise=False) == "wait"
    assert first_step(["bought", "bought"], is_sold=True, otherwise=False) == "leave"
    assert first_step([], is_sold=False, otherwise=False) == "leave"


@given(st.lists(BOUGHT, max_size=5), st.booleans(), st.booleans())
def test_nothing_leaves_without_its_labels_unless_somebody_says_so(
    purchases: list[str], is_sold: bool, otherwise: bool
):
    step = first_step(purchases, is_sold=is_sold, otherwise=otherwise)
    if step == "leave":
        assert not is_sold or otherwise or (purchases and set(purchases) == {"bought"})
    if step == "buy":
        assert not purchases or "" in purchases
    if step == "wait":
        assert all(purchases) and not all_bought(purchases)
