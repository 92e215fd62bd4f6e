"""Background work of the warehouse: orders that sourcing has promised go to the floor."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.utils import timezone
from procrastinate.contrib.django import app

from entrepot.kernel import sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.warehouse import errors
from entrepot.warehouse.commands.release import ReleaseOrder, not_pickable
from entrepot.warehouse.commands.slots import ClassifySkus, classify_skus
from entrepot.warehouse.commands.stream import stream
from entrepot.work.commands.open_items import open_items


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


@app.periodic(cron="50 1 * * *")
@app.task(name="warehouse.classify", queueing_lock="warehouse.classify")
def classify(timestamp: int) -> None:  # noqa: ARG001  procrastinate says for when it was due
    """Every night: which SKUs are picked most, for where they are put."""
    cause = Cause(Actor("system:warehouse", everything=True), timezone.now(), "every night")
    nodes = sql.run("SELECT id FROM network_node WHERE active ORDER BY id")
    classify_skus(cause, requests=[ClassifySkus(node) for (node,) in nodes])


QUEUES = {"release": serve_release}

_ORDERS = (
    "SELECT id, company_id::int, number, priority::int FROM orders_order WHERE id = ANY(%(ids)s::uuid[])"
)
