"""Watching the days of orders at once, and beside whoever promises their goods."""

from __future__ import annotations

from datetime import timedelta
from threading import Event

from django.db import transaction

from entrepot.kernel import policies, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.command import whole
from entrepot.orders import queries
from entrepot.orders.commands.edit import EditOrder
from entrepot.orders.window import Windows
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from entrepot.sourcing.commands.edit import edit
from entrepot.sourcing.commands.watch_windows import WatchWindows, watch_windows
from tests import walk
from tests.floor import COMPANY, NOW, SYSTEM
from tests.together import at_once, until_someone_waits


def test_what_may_not_leave_any_more_is_cancelled_once_however_many_look(committed_db):
    house = walk.a_house()
    house.stock(0, 50)
    body = Windows(after_cancel="cancel")
    whole(
        policies.set_policy(SYSTEM, requests=[policies.SetPolicy(COMPANY, "orders.windows", body, SYSTEM.at)])
    )
    late = [one.order for one in house.orders(6, (0, 2), cancel_after=NOW.date())]
    after = Cause(Actor("system:test", everything=True), NOW + timedelta(days=2))

    at_once([
        lambda: watch_windows(after, requests=[WatchWindows(COMPANY)]),
        lambda: allocate(SYSTEM, requests=[AllocateOrder(order) for order in late]),
        lambda: watch_windows(after, requests=[WatchWindows(COMPANY)]),
        lambda: allocate(SYSTEM, requests=[AllocateOrder(order) for order in late[::-1]]),
    ])  # fmt: skip
    watch_windows(after, requests=[WatchWindows(COMPANY)])

    assert {queries.order(order).status for order in late} == {"cancelled"}
    assert sql.run("SELECT sum(allocated)::int FROM stock_position") == [(0,)]
    assert sql.run(
        "SELECT count(*)::int FROM work_item WHERE type = 'past cancel-after' AND state <> 'done'"
    ) == [(0,)]


def test_whose_last_day_is_moved_while_somebody_looks_stays(committed_db):
    house = walk.a_house()
    body = Windows(after_cancel="cancel")
    whole(
        policies.set_policy(SYSTEM, requests=[policies.SetPolicy(COMPANY, "orders.windows", body, SYSTEM.at)])
    )
    moved, late = (house.order((0, 2), cancel_after=NOW.date()).order for _ in range(2))
    after = Cause(Actor("system:test", everything=True), NOW + timedelta(days=2))
    is_moved = Event()

    def moving() -> None:
        with transaction.atomic():
            later = EditOrder(moved, "agreed", cancel_after=NOW.date() + timedelta(days=30))
            whole(edit(SYSTEM, requests=[later]))
            is_moved.set()
            until_someone_waits("transactionid")

    def watching() -> object:
        is_moved.wait(60)
        return watch_windows(after, requests=[WatchWindows(COMPANY)])

    _, (answer,) = at_once([moving, watching])  # type: ignore[misc]

    assert [queries.order(order).status for order in (moved, late)] == ["ready", "cancelled"]
    assert answer.cancelled == 1
    assert sql.run("SELECT count(*)::int FROM work_item WHERE subject_id = %(o)s::uuid", {"o": moved}) == [
        (0,)
    ]
