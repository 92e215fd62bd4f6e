"""Background work of sourcing: allocate what is ready, date what waits, end what was reserved or held too long."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone
from procrastinate.contrib.django import app

from entrepot.kernel import ready, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.policies import in_force_of
from entrepot.orders.queries import SERVED_WITH
from entrepot.parties import queries as parties
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from entrepot.sourcing.commands.expire_holds import ExpireHolds, expire_holds
from entrepot.sourcing.commands.expire_reservations import ExpireReservations, expire_reservations
from entrepot.sourcing.commands.peg import PegSku, peg
from entrepot.sourcing.commands.rebalance import (
    ProposeTransfers,
    ReviewStock,
    propose_transfers,
    review_stock,
)
from entrepot.sourcing.commands.replan import ReplanOrder, barred_pairs, replan
from entrepot.sourcing.commands.watch_windows import WatchWindows, WindowsWatched, watch_windows
from entrepot.sourcing.rules import Profile
from entrepot.sourcing.waiting import waiting_beside, waiting_for


def serve_allocate(cause: Cause, subjects: Sequence[UUID]) -> None:
    """Orders ready for allocation; with them those that wait for what has just become free of the same SKUs, so that
    the more urgent get it."""
    others = ready.claim_named("allocate", waiting_beside(subjects, cause.at))
    orders = dict.fromkeys([*subjects, *others])
    allocate(cause, requests=[AllocateOrder(order) for order in orders])


@app.periodic(cron="* * * * *")
@app.task(name="sourcing.expire", queueing_lock="sourcing.expire")
def expire_all(timestamp: int) -> None:  # noqa: ARG001  procrastinate says for when it was due
    """Every minute: what carts no longer hold goes to the orders that wait for it."""
    cause = Cause(Actor("system:sourcing", everything=True), timezone.now(), "reservations that expired")
    companies = parties.companies()
    expire_reservations(cause, requests=[ExpireReservations(company.id) for company in companies])


@app.periodic(cron="* * * * *")
@app.task(name="sourcing.expire_holds", queueing_lock="sourcing.expire_holds")
def expire_all_holds(timestamp: int) -> None:  # noqa: ARG001  procrastinate says for when it was due
    """Every minute: what nobody decided about in time ends as its terms say."""
    cause = Cause(Actor("system:sourcing", everything=True), timezone.now(), "holds that expired")
    expire_holds(cause, requests=[ExpireHolds(company.id) for company in parties.companies()])


def serve_peg(cause: Cause, subjects: Sequence[UUID]) -> None:
    """SKUs whose supply or backorders have changed."""
    peg(cause, requests=[PegSku(sku) for sku in subjects])


def serve_freed(cause: Cause, subjects: Sequence[UUID]) -> None:
    """SKUs of which more may be promised than before, however that came: who waits for them is asked about again."""
    ready.put([ready.Offer("allocate", *row) for row in waiting_for(subjects, cause.at)])


@app.periodic(cron="5 0 * * *")
@app.task(name="sourcing.date_again", queueing_lock="sourcing.date_again")
def date_again(timestamp: int) -> None:  # noqa: ARG001  procrastinate says for when it was due
    """After midnight: who waits for supply that is late now is told, what ships from today on may leave, and who waits
    although something is free is asked about again."""
    at = timezone.now()
    date_again_at(at)
    release_preorders_at(at)
    release_windows_at(at)
    serve_waiting()


def date_again_at(at: datetime) -> int:
    """Offer the SKUs that wait for supply whose day has passed; returns how many there are."""
    late = [ready.Offer("peg", sku, 5, at) for (sku,) in sql.run(_LATE, {"today": at.date()})]
    ready.put(late)
    return len(late)


LOOKED_BACK = timedelta(days=14)
"""For how long after its first day an order is offered again: on that day nobody may have been at work."""


def release_preorders_at(at: datetime) -> int:
    """Offer for release what is promised of SKUs that ship from today on, or did of late; returns how many orders there
    are."""
    days = {"today": at.date(), "since": at.date() - LOOKED_BACK}
    may_leave = [ready.Offer("release", *row) for row in sql.run(_MAY_LEAVE, days)]
    ready.put(may_leave)
    return len(may_leave)


def release_windows_at(at: datetime) -> int:
    """Offer what is promised of orders that may leave now, and could not of late: for release, and to suppliers what
    they send. Their first day has come, or they have a least part, which a change may have given them. Returns how many
    offers there are."""
    days = {"today": at.date(), "since": at.date() - LOOKED_BACK}
    may_leave = [ready.Offer(*row) for row in sql.run(_WINDOWS_OPEN, days)]
    ready.put(may_leave)
    return len(may_leave)


@app.periodic(cron="25 * * * *")
@app.task(name="sourcing.watch_windows", queueing_lock="sourcing.watch_windows")
def watch_all_windows(timestamp: int) -> None:  # noqa: ARG001  procrastinate says for when it was due
    """Every hour: orders that have to leave by a day, before it and after it."""
    watch_windows_at(timezone.now())


def watch_windows_at(at: datetime) -> int:
    """Look at the orders of all companies; returns of how many somebody is told."""
    cause = Cause(Actor("system:sourcing", everything=True), at, "days by which orders have to leave")
    answers = watch_windows(cause, requests=[WatchWindows(company.id) for company in parties.companies()])
    return max((one.told for one in answers if isinstance(one, WindowsWatched)), default=0)


def serve_waiting() -> int:
    """Offer the orders that wait for a SKU of which units are free: a floor was lowered since, or a profile changed.

    Returns how many there are.
    """
    waiting = [ready.Offer("allocate", *row) for row in sql.run(_COULD_BE_SERVED)]
    ready.put(waiting)
    return len(waiting)


def serve_rebalance(cause: Cause, subjects: Sequence[UUID]) -> None:
    """SKUs whose stock is to be balanced between nodes."""
    propose_transfers(cause, requests=[ProposeTransfers(sku) for sku in subjects])


@app.periodic(cron="30 2 * * *")
@app.task(name="sourcing.review_stock", queueing_lock="sourcing.review_stock")
def review_all(timestamp: int) -> None:  # noqa: ARG001  procrastinate says for when it was due
    """Every night: what should go from one node to another."""
    cause = Cause(Actor("system:sourcing", everything=True), timezone.now(), "the nightly review of stock")
    review_stock(cause, requests=[ReviewStock(company.id) for company in parties.companies()])


def serve_replan(cause: Cause, subjects: Sequence[UUID]) -> None:
    """Promised orders that are to be planned again, as far as their profiles go of themselves."""
    replan(cause, requests=[ReplanOrder(order, by_itself=True) for order in subjects])


REPLANNED_AT_ONCE = 2_000
"""Orders that are offered to be planned again each time, the most urgent first: their release waits behind them."""


@app.periodic(cron="*/10 * * * *")
@app.task(name="sourcing.replan_barred", queueing_lock="sourcing.replan_barred")
def replan_barred(timestamp: int) -> None:  # noqa: ARG001  procrastinate says for when it was due
    """Every ten minutes: nodes went out of use or offline, or a profile that excludes them came into force."""
    offer_barred_at(timezone.now())


def offer_barred_at(at: datetime) -> int:
    """Offer the orders that are promised something by nodes that may not serve them any more, where another one has
    some of it; returns how many there are."""
    barred = barred_pairs(at)
    params = sql.columns(("nodes", "channels"), barred) | {"most": REPLANNED_AT_ONCE}
    found = [ready.Offer("replan", *row) for row in sql.run(_BARRED, params)] if barred else []
    ready.put(found)
    return len(found)


@app.periodic(cron="15 1 * * *")
@app.task(name="sourcing.replan_all", queueing_lock="sourcing.replan_all")
def replan_all(timestamp: int) -> None:  # noqa: ARG001  procrastinate says for when it was due
    """Every night: what profiles have planned again for a better plan."""
    offer_replans_at(timezone.now())


def offer_replans_at(at: datetime) -> int:
    """Offer promised orders of companies with a profile that looks for better plans, those of several shipments first;
    returns how many there are."""
    companies = [
        company
        for company, versions in in_force_of([one.id for one in parties.companies()], Profile, at).items()
        if any(profile.replan == "better" for _, profile in versions.values())
    ]
    params = {"companies": companies, "most": REPLANNED_AT_ONCE}
    found = [ready.Offer("replan", *row) for row in sql.run(_REPLANNABLE, params)] if companies else []
    ready.put(found)
    return len(found)


QUEUES = {
    "allocate": serve_allocate,
    "peg": serve_peg,
    "serve": serve_freed,
    "rebalance": serve_rebalance,
    "replan": serve_replan,
}

_BARRED = """
WITH promised AS (
    SELECT a.order_id, a.priority, COALESCE(a.promise_at, a.ordered_at) AS due, a.sku_id, a.channel_id, a.node_id,
           a.owner_id
    FROM unnest(%(nodes)s::uuid[], %(channels)s::uuid[]) AS d(node, channel)
    JOIN stock_allocation AS a ON a.node_id = d.node AND a.channel_id = d.channel AND a.released = 0
)
SELECT p.order_id, max(p.priority)::int, min(p.due) FROM promised AS p
WHERE EXISTS (
    SELECT FROM stock_position AS s JOIN network_channelnode AS cn ON cn.node_id = s.node_id
    JOIN network_node AS n ON n.id = s.node_id AND n.active
    WHERE s.sku_id = p.sku_id AND s.owner_id = p.owner_id AND cn.channel_id = p.channel_id AND s.node_id <> p.node_id
      AND s.sellable > s.reserved + s.allocated + s.safety)
GROUP BY 1 ORDER BY 2 DESC, 3, 1 LIMIT %(most)s::int
"""

_REPLANNABLE = """
SELECT order_id, max(priority)::int, min(COALESCE(promise_at, ordered_at)) FROM stock_allocation
WHERE company_id = ANY(%(companies)s::smallint[])
GROUP BY 1 HAVING max(released) = 0 ORDER BY count(DISTINCT node_id) DESC, 2 DESC, 3, 1 LIMIT %(most)s::int
"""

_LATE = "SELECT DISTINCT sku_id FROM sourcing_backorder WHERE promised_on < %(today)s::date"

_COULD_BE_SERVED = """
SELECT o.id, b.priority::int, COALESCE(o.promise_at, o.placed_at)
FROM (SELECT order_id, max(priority) AS priority FROM sourcing_backorder AS b
      WHERE EXISTS (SELECT FROM stock_position AS p
                    WHERE p.sku_id = b.sku_id AND p.sellable > p.reserved + p.allocated) GROUP BY 1) AS b
JOIN orders_order AS o ON o.id = b.order_id
"""

# First days by an index of their own, which few orders have; a least part is asked of what waits to go on.
_WINDOWS_OPEN = f"""
WITH waiting AS MATERIALIZED (
    SELECT DISTINCT 'release' AS queue, order_id FROM stock_allocation WHERE quantity > released
    UNION ALL SELECT DISTINCT 'drop_ship', order_id FROM sourcing_dropship WHERE taken_at IS NULL
)
SELECT w.queue, o.id, {SERVED_WITH}, COALESCE(o.promise_at, o.placed_at)
FROM waiting AS w JOIN orders_order AS o ON o.id = w.order_id
WHERE o.id IN (
    SELECT id FROM orders_order WHERE ship_not_before BETWEEN %(since)s::date AND %(today)s::date
    UNION ALL SELECT f.id FROM waiting AS v JOIN orders_order AS f ON f.id = v.order_id
    WHERE f.min_fill_percent > 0 AND COALESCE(f.ship_not_before <= %(today)s::date, true))
ORDER BY 1, 2
"""

_MAY_LEAVE = """
SELECT DISTINCT ON (a.order_id) a.order_id, a.priority::int, COALESCE(a.promise_at, a.ordered_at)
FROM stock_preorder AS p JOIN stock_allocation AS a ON a.sku_id = p.sku_id AND a.quantity > a.released
WHERE p.ships_on BETWEEN %(since)s::date AND %(today)s::date ORDER BY a.order_id, a.priority DESC
"""
