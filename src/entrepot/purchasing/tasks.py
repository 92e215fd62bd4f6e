"""Background work of purchasing: what should be ordered again, and what suppliers are to send themselves."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.utils import timezone
from procrastinate.contrib.django import app

from entrepot.kernel.cause import Actor, Cause
from entrepot.parties import queries as parties
from entrepot.purchasing.commands.drop_ship import DropShipOrder, drop_ship
from entrepot.purchasing.commands.reorder import (
    ProposeOrders,
    ReviewReorders,
    propose_orders,
    review_reorders,
)
from entrepot.purchasing.commands.watch_arrivals import WatchArrivals, watch_arrivals
from entrepot.purchasing.commands.watch_drop_ships import WatchDropShips, watch_drop_ships


def serve_drop_ship(cause: Cause, orders: Sequence[UUID]) -> None:
    """Order what suppliers send of orders. What is held is offered again by whoever releases the hold,
    and what may not leave yet on its day."""
    drop_ship(cause, requests=[DropShipOrder(order) for order in orders])


@app.periodic(cron="15 6 * * *")
@app.task(name="purchasing.watch_drop_ships", queueing_lock="purchasing.watch_drop_ships")
def watch_all(timestamp: int) -> None:  # noqa: ARG001  procrastinate says for when it was due
    """Every morning: a work item for each drop-ship order that was due and is not sent, and for what was due and has
    not come."""
    companies = [company.id for company in parties.companies()]
    cause = Cause(Actor("system:purchasing", everything=True), timezone.now(), "what is late")
    watch_drop_ships(cause, requests=[WatchDropShips(company) for company in companies])
    watch_arrivals(cause, requests=[WatchArrivals(company) for company in companies])


def serve_reorder(cause: Cause, subjects: Sequence[UUID]) -> None:
    """SKUs whose stock is to be looked at."""
    propose_orders(cause, requests=[ProposeOrders(sku) for sku in subjects])


@app.periodic(cron="10 3 * * *")
@app.task(name="purchasing.reorder", queueing_lock="purchasing.reorder")
def reorder(timestamp: int) -> None:  # noqa: ARG001  procrastinate says for when it was due
    """Every night: what should be ordered."""
    cause = Cause(Actor("system:reorder", everything=True), timezone.now(), "every night")
    review_reorders(cause, requests=[ReviewReorders(company.id) for company in parties.companies()])


QUEUES = {"drop_ship": serve_drop_ship, "reorder": serve_reorder}
