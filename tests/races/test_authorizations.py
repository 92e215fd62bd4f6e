"""Watching authorizations at once, and beside payments that come."""

from __future__ import annotations

from datetime import timedelta
from threading import Event

from django.db import transaction

from entrepot.kernel import policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import whole
from entrepot.orders import queries
from entrepot.orders.commands.place import PaymentGiven
from entrepot.orders.commands.take_payment import TakePayment, take_payment
from entrepot.orders.commands.watch_authorizations import WatchAuthorizations, watch_authorizations
from entrepot.orders.lapsing import Authorizations
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from entrepot.warehouse.commands.release import ReleaseOrder, release
from tests import walk
from tests.floor import COMPANY, NOW, SYSTEM, Floor
from tests.together import at_once, until_someone_waits


def a_strict_house() -> Floor:
    body = Authorizations("enforce")
    house = walk.a_house()
    whole(
        policies.set_policy(
            SYSTEM, requests=[policies.SetPolicy(COMPANY, "orders.authorizations", body, NOW)]
        )
    )
    return house


def test_an_order_is_held_once_however_many_look(committed_db):
    house = a_strict_house()
    house.stock(0, 50)
    given = PaymentGiven("fake", "p", 999, NOW, NOW + timedelta(hours=1))
    late = [one.order for one in house.orders(6, (0, 1), payment=given)]
    whole(allocate(SYSTEM, requests=[AllocateOrder(order) for order in late]))

    after = Cause(SYSTEM.actor, NOW + timedelta(hours=2))
    at_once([
        lambda: watch_authorizations(after, requests=[WatchAuthorizations(COMPANY)]),
        lambda: release(after, requests=[ReleaseOrder(order) for order in late]),
        lambda: watch_authorizations(after, requests=[WatchAuthorizations(COMPANY)]),
        lambda: release(after, requests=[ReleaseOrder(order) for order in late[::-1]]),
    ])  # fmt: skip

    assert sql.run(
        "SELECT order_id, count(*)::int FROM orders_hold WHERE state = 'open' GROUP BY 1 ORDER BY 1"
    ) == [(order, 1) for order in sorted(late)]


def test_who_pays_while_somebody_looks_is_not_held(committed_db):
    house = a_strict_house()
    given = PaymentGiven("fake", "p", 999, NOW, NOW + timedelta(hours=1))
    pays, late = (one.order for one in house.orders(2, (0, 1), payment=given))
    is_paid = Event()

    def paying() -> None:
        with transaction.atomic():
            whole(take_payment(SYSTEM, requests=[TakePayment(pays, PaymentGiven("fake", "q", 999, NOW))]))
            is_paid.set()
            until_someone_waits("transactionid")

    def watching() -> object:
        is_paid.wait(60)
        return watch_authorizations(SYSTEM, requests=[WatchAuthorizations(COMPANY)])

    _, (answer,) = at_once([paying, watching])  # type: ignore[misc]

    assert [queries.order(order).status for order in (pays, late)] == ["ready", "payment hold"]
    assert answer.held == 1
