"""Watching the days of orders at once, and beside whoever promises their goods."""

from __future__ import annotations

from datetime import timedelta

from entrepot.kernel import policies, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.command import whole
from entrepot.orders import queries
from entrepot.orders.window import Windows
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from entrepot.sourcing.commands.watch_windows import WatchWindows, watch_windows
from tests import walk
from tests.floor import COMPANY, NOW, SYSTEM
from tests.together import at_once


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
