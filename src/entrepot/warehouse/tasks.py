"""Background work of the warehouse: promised orders go to the floor, and pick faces are kept filled."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import structlog
from django.utils import timezone
from procrastinate.contrib.django import app

from entrepot.kernel import policies, ready, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import Refused
from entrepot.orders.queries import SERVED_WITH
from entrepot.parties import queries as parties
from entrepot.warehouse import errors, waves
from entrepot.warehouse.commands.expire_lots import ExpireLots, expire_lots
from entrepot.warehouse.commands.fit_standards import FitStandards, fit_standards
from entrepot.warehouse.commands.pace import PaceNode, pace
from entrepot.warehouse.commands.plan_counts import PlanCounts, ask_by_trigger, plan_counts
from entrepot.warehouse.commands.recall import RecallKits, recall
from entrepot.warehouse.commands.redate import RedateOrder, redate
from entrepot.warehouse.commands.release import ReleaseOrder, not_pickable
from entrepot.warehouse.commands.replenish import ReviewFaces, review_faces
from entrepot.warehouse.commands.slots import ClassifySkus, classify_skus
from entrepot.warehouse.commands.stream import stream
from entrepot.warehouse.commands.watch_floor import WatchFloor, watch_floor
from entrepot.work.commands.open_items import open_items

log = structlog.get_logger("entrepot.warehouse")


def serve_release(cause: Cause, orders: Sequence[UUID]) -> None:
    """Release orders, but for what waits for a wave; where no unit can be picked, ask for it to be put away. What was
    held or cancelled meanwhile is offered again by whoever lets it go on."""
    answers = stream(cause, requests=[ReleaseOrder(order) for order in orders])
    stuck = {
        order: answer.facts["missing"]
        for order, answer in zip(orders, answers, strict=True)
        if isinstance(answer, errors.NotPickable)
    }
    if stuck:
        facts = sql.run(_ORDERS, {"ids": list(stuck)})
        requests = [
            not_pickable(company, order, number, stuck[order], priority)
            for order, company, number, priority in facts
        ]
        open_items(cause, requests=requests)


def serve_recall(cause: Cause, orders: Sequence[UUID]) -> None:
    """Orders of which kits are not whole any more."""
    recall(cause, requests=[RecallKits(order) for order in orders])


def serve_hasten(cause: Cause, orders: Sequence[UUID]) -> None:
    """Orders that became more or less urgent while the floor has them, by promise, service or priority: their work
    takes its new place in its queue."""
    redate(cause, requests=[RedateOrder(order) for order in orders])
    ready.rank([ready.Offer(*row) for row in sql.run(_ON_FLOOR, {"orders": list(orders)})])


def serve_redate(cause: Cause, nodes: Sequence[UUID]) -> None:  # noqa: ARG001  what it offers is served by others
    """Nodes of which the calendar or the cut-offs of their carriers are others now: what they have not sent is due
    anew."""
    ready.put([ready.Offer("hasten", *row) for row in sql.run(_UNFINISHED, {"nodes": list(nodes)})])


def serve_count(cause: Cause, tasks: Sequence[UUID]) -> None:
    """Pick tasks that did not find all of their units: their bins are counted, where the policy says so."""
    places = sql.run(_BINS_OF_TASKS, {"ids": list(tasks)})
    ask_by_trigger(cause, "short pick", [(bin_, sku) for bin_, sku in places])


@app.periodic(cron="30 3 * * *")
@app.task(name="warehouse.plan_counts", queueing_lock="warehouse.plan_counts")
def plan_all_counts(timestamp: int) -> None:  # noqa: ARG001  procrastinate says for when it was due
    """Every night: what is to be counted next."""
    cause = Cause(Actor("system:warehouse", everything=True), timezone.now(), "the nightly plan of counts")
    plan_counts(cause, requests=[PlanCounts(company.id) for company in parties.companies()])


@app.periodic(cron="45 3 * * *")
@app.task(name="warehouse.fit_standards", queueing_lock="warehouse.fit_standards")
def fit_all_standards(timestamp: int) -> None:  # noqa: ARG001  procrastinate says for when it was due
    """Every night: how long work takes, by the days before."""
    cause = Cause(
        Actor("system:warehouse", everything=True), timezone.now(), "the nightly fit of standard times"
    )
    fit_standards(cause, requests=[FitStandards(company.id) for company in parties.companies()])


@app.periodic(cron="10 * * * *")
@app.task(name="warehouse.expire_lots", queueing_lock="warehouse.expire_lots")
def expire_all_lots(timestamp: int) -> None:  # noqa: ARG001  procrastinate says for when it was due
    """Every hour, since the day ends at each node in its own: what has expired is not sold any more."""
    cause = Cause(Actor("system:warehouse", everything=True), timezone.now(), "lots whose day has come")
    expire_lots(cause, requests=[ExpireLots(company.id) for company in parties.companies()])


QUEUES = {
    "release": serve_release, "count": serve_count, "recall": serve_recall, "hasten": serve_hasten,
    "redate": serve_redate,
}  # fmt: skip

_UNFINISHED = f"""
SELECT DISTINCT ON (o.id) o.id, {SERVED_WITH}, COALESCE(o.promise_at, o.placed_at)
FROM warehouse_fulfillment AS f JOIN orders_order AS o ON o.id = f.order_id
WHERE f.node_id = ANY(%(nodes)s::uuid[]) AND f.state IN ('released', 'picking', 'picked', 'packed') ORDER BY o.id
"""

_ON_FLOOR = f"""
SELECT q.name, f.id, {SERVED_WITH}, COALESCE(f.leave_by, o.promise_at, o.placed_at)
FROM orders_order AS o JOIN warehouse_fulfillment AS f ON f.order_id = o.id
JOIN (VALUES ('released', 'pick'), ('picking', 'pick'), ('picked', 'pack'), ('packed', 'ship')) AS q(state, name)
  ON q.state = f.state
WHERE o.id = ANY(%(orders)s::uuid[])
"""

_BINS_OF_TASKS = "SELECT bin_id, sku_id FROM warehouse_picktask WHERE id = ANY(%(ids)s::uuid[])"


@app.periodic(cron="*/5 * * * *")
@app.task(name="warehouse.review_faces", queueing_lock="warehouse.review_faces")
def review_all(timestamp: int) -> None:  # noqa: ARG001  procrastinate says for when it was due
    """Every five minutes: pick faces that promises have emptied, or will, are filled from reserve."""
    review_all_at(timezone.now())


def review_all_at(at: datetime) -> int:
    """Review the pick faces of every node that has some; returns how many replenishments were made."""
    cause = Cause(Actor("system:warehouse", everything=True), at, "pick faces")
    requests = [ReviewFaces(node) for (node,) in sql.run(_NODES_WITH_FACES)]
    return sum(one.made for one in review_faces(cause, requests=requests) if not isinstance(one, Refused))


@app.periodic(cron="* * * * *")
@app.task(name="warehouse.pace", queueing_lock="warehouse.pace")
def pace_all(timestamp: int) -> None:  # noqa: ARG001  procrastinate says for when it was due
    """Every minute: nodes that pace their work get what there is time for, and what waits too long becomes work."""
    now = timezone.now()
    pace_all_at(now)
    watch_all_at(now)


def pace_all_at(at: datetime) -> int:
    """Pace every node whose policy says so; returns how many orders went to the floor."""
    nodes = sql.run("SELECT id, company_id::int, code FROM network_node WHERE active ORDER BY id")
    in_force = policies.InForce([company for _, company, _ in nodes], [waves.Waves], at)
    requests = [
        PaceNode(node)
        for node, company, code in nodes
        if in_force.of(company, waves.Waves, code)[1].mode == "paced"
    ]
    cause = Cause(Actor("system:warehouse", everything=True), at, "as there is time for it")
    answers = pace(cause, requests=requests) if requests else []
    for one, answer in zip(requests, answers, strict=True):
        if isinstance(answer, Refused):
            log.warning("a node is not paced", node=str(one.node), why=answer.message)
    return sum(one.orders for one in answers if not isinstance(one, Refused))


def watch_all_at(at: datetime) -> int:
    """Look at what does not go on; returns at how many nodes orders are about to miss their cut-off, or are late."""
    cause = Cause(Actor("system:warehouse", everything=True), at, "what does not go on at the floor")
    answers = watch_floor(cause, requests=[WatchFloor(company.id) for company in parties.companies()])
    return sum(one.waiting + one.late for one in answers if not isinstance(one, Refused))


@app.periodic(cron="50 1 * * *")
@app.task(name="warehouse.classify", queueing_lock="warehouse.classify")
def classify(timestamp: int) -> None:  # noqa: ARG001  procrastinate says for when it was due
    """Every night: which SKUs are picked most, for where they are put."""
    cause = Cause(Actor("system:warehouse", everything=True), timezone.now(), "every night")
    nodes = sql.run("SELECT id FROM network_node WHERE active ORDER BY id")
    classify_skus(cause, requests=[ClassifySkus(node) for (node,) in nodes])


_ORDERS = f"""
SELECT o.id, o.company_id::int, o.number, {SERVED_WITH} FROM orders_order AS o WHERE o.id = ANY(%(ids)s::uuid[])
"""

_NODES_WITH_FACES = "SELECT DISTINCT node_id FROM warehouse_pickface WHERE maximum > 0 ORDER BY 1"
