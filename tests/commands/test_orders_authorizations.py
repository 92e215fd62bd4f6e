"""Authorizations that end before what they pay for has left: orders.watch_authorizations, warehouse.release"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from entrepot.insight import order_filters, pages
from entrepot.insight.order_filters import Asked
from entrepot.kernel import policies, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.command import whole
from entrepot.orders import queries as orders
from entrepot.orders import tasks
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.orders.commands.hold import ReleaseHold, release_holds
from entrepot.orders.commands.place import PaymentGiven
from entrepot.orders.commands.take_payment import TakePayment, take_payment
from entrepot.orders.commands.watch_authorizations import (
    HELD,
    OVER,
    AuthorizationsWatched,
    WatchAuthorizations,
    watch_authorizations,
)
from entrepot.orders.lapsing import ITEM, Authorizations
from entrepot.payments.commands.capture import Capture, capture
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from entrepot.sourcing.commands.cancel import cancel
from entrepot.warehouse import errors
from entrepot.warehouse.commands.release import OrderReleased, ReleaseOrder, release
from entrepot.work.commands.resolve import ResolveItem, resolve
from tests import walk
from tests.floor import COMPANY, NOW, SYSTEM, Floor
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def house(db: None) -> Floor:
    return walk.a_house()


def at(moment: datetime) -> Cause:
    return Cause(Actor("system:test", everything=True), moment)


def enforced(scope: str = "", **fields: Any) -> None:
    body = Authorizations("enforce", **fields)
    whole(
        policies.set_policy(
            SYSTEM, requests=[policies.SetPolicy(COMPANY, "orders.authorizations", body, NOW, scope)]
        )
    )


def paid(
    house: Floor, expires: datetime | None, units: int = 1, provider: str = "fake", **changes: Any
) -> UUID:
    """An order of units of the first SKU with an authorization that covers it."""
    given = PaymentGiven(provider, f"p{house.placed}", units * 999, NOW - DAY, expires)
    return house.order((0, units), payment=given, **changes).order


def pays(order: UUID, moment: datetime, amount: int = 999, expires: datetime | None = None) -> str:
    given = PaymentGiven("fake", "another", amount, moment, expires)
    (answer,) = whole(take_payment(at(moment), requests=[TakePayment(order, given)]))
    return answer.status


def watched(moment: datetime = NOW) -> AuthorizationsWatched:
    (answer,) = whole(watch_authorizations(at(moment), requests=[WatchAuthorizations(COMPANY)]))
    return answer


def items(order: UUID) -> list[tuple[str, str]]:
    return sql.run(
        "SELECT state, root_cause FROM work_item WHERE subject_id = %(o)s::uuid AND type = %(t)s::text ORDER BY id",
        {"o": order, "t": ITEM},
    )


def released(order: UUID, moment: datetime = NOW) -> Any:
    return release(at(moment), requests=[ReleaseOrder(order)])[0]


def status(order: UUID) -> str:
    return orders.order(order).status  # type: ignore[union-attr]


def listed(**asked: Any) -> set[UUID]:
    return {one.id for one in pages.orders(company=COMPANY, now=NOW, asked=Asked(**asked))}


# ---- told


def test_customer_service_is_told_of_what_has_not_left_when_its_authorization_ends(house: Floor) -> None:
    soon, later, never = (paid(house, end) for end in (NOW + 5 * HOUR, NOW + 3 * DAY, None))
    late = paid(house, NOW + 3 * DAY, promise_at=NOW + 4 * DAY)

    assert watched() == AuthorizationsWatched(2, 0, 0)

    assert [items(one) for one in (soon, later, never, late)] == [[("open", "")], [], [], [("open", "")]]
    assert listed(lapsing=True) == {soon, late}
    asked = Asked(lapsing=True)
    said = order_filters.params(asked, company=COMPANY, now=NOW)
    paged = orders.orders_page(COMPANY, narrowed=order_filters.where(asked), said=said)
    assert {one.id for one in paged} == {soon, late}
    assert {one.id for one in orders.orders_page(COMPANY)} == {soon, later, never, late}
    reasons = sql.run("SELECT reason, role FROM work_item WHERE type = %(t)s::text ORDER BY id", {"t": ITEM})
    assert reasons == [
        ("The authorization expires in less than 24 hours, and the order has not left.", "customer service"),
        ("The authorization expires before the order is to leave.", "customer service"),
    ]
    assert watched(NOW + HOUR) == AuthorizationsWatched(2, 0, 0)  # as a second one, of the same items
    assert items(soon) == [("open", "")]


def test_an_item_ends_with_a_new_authorization_or_with_the_order(house: Floor) -> None:
    first, second = (paid(house, NOW + HOUR) for _ in range(2))
    watched()
    pays(first, NOW, expires=NOW + 7 * DAY)
    assert items(first) == [("done", OVER)]
    whole(cancel(SYSTEM, requests=[CancelOrder(second, "no more")]))

    assert watched() == AuthorizationsWatched(0, 0, 1)
    assert items(first) == items(second) == [("done", OVER)]
    assert listed(lapsing=True) == set()


def test_an_authorization_that_is_as_short_ends_no_item(house: Floor) -> None:
    order = paid(house, NOW + HOUR)
    watched()
    pays(order, NOW, expires=NOW + 2 * HOUR)
    assert items(order) == [("open", "")]


def test_what_left_or_is_captured_is_nobodys_concern(house: Floor) -> None:
    house.stock(0, 5)
    captured, sent = paid(house, NOW + HOUR), paid(house, NOW + HOUR)
    whole(capture(SYSTEM, requests=[Capture(captured, 999)]))
    walk.shipped(sent)
    assert watched(NOW + 2 * HOUR) == AuthorizationsWatched(0, 0, 0)


def test_what_somebody_has_closed_comes_again_only_for_another_end(house: Floor) -> None:
    order = paid(house, NOW + HOUR)
    watched()
    ((item,),) = sql.run("SELECT id FROM work_item WHERE type = %(t)s::text", {"t": ITEM})
    whole(resolve(SYSTEM, requests=[ResolveItem(item, "customer", "it leaves at once")]))

    assert watched().told == watched(NOW + 2 * HOUR).told == 0
    pays(order, NOW, expires=NOW + 3 * HOUR)
    assert watched().told == 1


def test_a_policy_may_say_nothing_for_a_channel(house: Floor) -> None:
    paid(house, NOW + HOUR)
    body = Authorizations("off")
    channel = next(iter(house.channels))
    whole(
        policies.set_policy(
            SYSTEM, requests=[policies.SetPolicy(COMPANY, "orders.authorizations", body, NOW, channel)]
        )
    )
    assert watched() == AuthorizationsWatched(0, 0, 0)


# ---- held


def test_what_is_enforced_holds_the_order_until_a_new_authorization_comes(house: Floor) -> None:
    enforced()
    order = paid(house, NOW + HOUR)

    assert watched() == AuthorizationsWatched(0, 1, 0)
    assert watched(NOW + HOUR) == AuthorizationsWatched(0, 0, 0)

    (hold,) = orders.holds_of(order)
    assert (hold.type, hold.waits_for, status(order)) == ("payment hold", "payment", "payment hold")
    assert listed(lapsing=True) == {order}
    assert pays(order, NOW, 998) == "payment hold"
    given = PaymentGiven("fake", "third", 1, NOW)
    (answer,) = whole(take_payment(SYSTEM, requests=[TakePayment(order, given)]))
    assert (answer.status, watched(NOW + 2 * HOUR)) == ("ready", AuthorizationsWatched(0, 0, 0))


def test_work_that_becomes_a_hold_says_so(house: Floor) -> None:
    order = paid(house, NOW + HOUR)
    assert watched().told == 1
    enforced()
    assert watched() == AuthorizationsWatched(0, 1, 1)
    assert items(order) == [("done", HELD)]


def test_what_was_captured_counts_beside_the_new_authorization(house: Floor) -> None:
    enforced()
    order = paid(house, NOW + HOUR, units=3, provider="account")
    whole(capture(SYSTEM, requests=[Capture(order, 999)]))
    watched()
    assert pays(order, NOW + DAY, 1998) == "ready"


def test_what_a_person_lets_go_is_not_held_again_for_the_same_end(house: Floor) -> None:
    enforced()
    house.stock(0, 5)
    order = paid(house, NOW + HOUR)
    watched()
    (hold,) = orders.holds_of(order)
    whole(release_holds(SYSTEM, requests=[ReleaseHold(hold.id, "the bank says it lasts", "waived")]))
    whole(allocate(SYSTEM, requests=[AllocateOrder(order)]))

    assert watched(NOW + 2 * HOUR) == AuthorizationsWatched(0, 0, 0)
    assert isinstance(released(order, NOW + 2 * HOUR), OrderReleased)


def test_what_the_floor_has_is_held_only_once_its_authorization_is_over(house: Floor) -> None:
    enforced()
    house.stock(0, 5)
    order = paid(house, NOW + HOUR)
    whole(allocate(SYSTEM, requests=[AllocateOrder(order)]))
    assert isinstance(released(order), OrderReleased)

    assert watched() == AuthorizationsWatched(1, 0, 0)
    assert watched(NOW + HOUR) == AuthorizationsWatched(0, 1, 1)
    assert status(order) == "payment hold"


def test_nothing_is_released_whose_authorization_is_over(house: Floor) -> None:
    enforced()
    house.stock(0, 5)
    gone, good = paid(house, NOW + HOUR), paid(house, NOW + DAY)
    whole(allocate(SYSTEM, requests=[AllocateOrder(one) for one in (gone, good)]))

    refused = released(gone, NOW + 2 * HOUR)
    assert (refused.code, refused.facts["hold"]) == ("warehouse.on_hold", "payment hold")
    assert isinstance(released(good, NOW + 2 * HOUR), OrderReleased)

    assert status(gone) == "payment hold"
    assert isinstance(released(gone, NOW + 2 * HOUR), errors.OnHold)
    assert len(orders.holds_of(gone)) == 1
    assert pays(gone, NOW + 3 * HOUR) == "ready"
    assert isinstance(released(gone, NOW + 3 * HOUR), OrderReleased)


def test_where_it_is_not_enforced_it_is_released_all_the_same(house: Floor) -> None:
    house.stock(0, 5)
    order = paid(house, NOW + HOUR)
    whole(allocate(SYSTEM, requests=[AllocateOrder(order)]))
    assert isinstance(released(order, NOW + 2 * HOUR), OrderReleased)


def test_what_is_over_is_captured_last(house: Floor) -> None:
    order = paid(house, NOW + HOUR)
    pays(order, NOW + 2 * HOUR)
    whole(capture(at(NOW + 3 * HOUR), requests=[Capture(order, 999)]))
    assert sql.run("SELECT reference, capturing_minor FROM payments_payment ORDER BY id") == [
        ("p0", 0),
        ("another", 999),
    ]


# ---- as commands are


@pytest.mark.counts("orders.watch_authorizations")
def test_to_watch_takes_as_many_statements_for_any_number(house: Floor, statements: Any) -> None:
    web, other = list(house.channels)[:2]
    enforced(web)
    for size in SIZES:
        for channel in (web, other):
            house.orders(
                size,
                (0, 1),
                channel=channel,
                payment=PaymentGiven("fake", f"{channel}{size}", 999, NOW, NOW + HOUR),
            )
        with statements():
            watch_authorizations(SYSTEM, requests=[WatchAuthorizations(COMPANY)] * size)


def test_to_watch_again_by_key_tells_the_first_answer(house: Floor) -> None:
    paid(house, NOW + HOUR)
    request = WatchAuthorizations(COMPANY, key="hourly")
    first = watch_authorizations(SYSTEM, requests=[request])
    paid(house, NOW + HOUR)
    assert watch_authorizations(SYSTEM, requests=[request]) == first


def test_the_house_watches_every_hour(house: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    order = paid(house, NOW + HOUR)
    monkeypatch.setattr(tasks.timezone, "now", lambda: NOW)
    tasks.watch_all_authorizations(0)
    assert items(order) == [("open", "")]
