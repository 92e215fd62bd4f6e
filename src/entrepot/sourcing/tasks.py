"""Background work of sourcing: allocate what is ready, date what waits, free what was reserved for too long."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.utils import timezone
from procrastinate.contrib.django import app

from entrepot.kernel import ready, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.parties import queries as parties
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from entrepot.sourcing.commands.expire_reservations import ExpireReservations, expire_reservations
from entrepot.sourcing.commands.peg import PegSku, peg


def serve_allocate(cause: Cause, subjects: Sequence[UUID]) -> None:
    """Orders ready for allocation."""
    allocate(cause, requests=[AllocateOrder(order) for order in subjects])


@app.periodic(cron="* * * * *")
@app.task(name="sourcing.expire", queueing_lock="sourcing.expire")
def expire_all(timestamp: int) -> None:  # noqa: ARG001  procrastinate says for when it was due
    """Every minute: what carts no longer hold goes to the orders that wait for it."""
    cause = Cause(Actor("system:sourcing", everything=True), timezone.now(), "reservations that expired")
    companies = parties.companies()
    expire_reservations(cause, requests=[ExpireReservations(company.id) for company in companies])


def serve_peg(cause: Cause, subjects: Sequence[UUID]) -> None:
    """SKUs whose supply or backorders have changed."""
    peg(cause, requests=[PegSku(sku) for sku in subjects])


@app.periodic(cron="5 0 * * *")
@app.task(name="sourcing.date_again", queueing_lock="sourcing.date_again")
def date_again(timestamp: int) -> None:  # noqa: ARG001  procrastinate says for when it was due
    """After midnight: supply that was due is late now, and who waits for it is told."""
    date_again_at(timezone.now())


def date_again_at(at: datetime) -> int:
    """Offer the SKUs that wait for supply whose day has passed; returns how many there are."""
    late = [ready.Offer("peg", sku, 5, at) for (sku,) in sql.run(_LATE, {"today": at.date()})]
    ready.put(late)
    return len(late)


QUEUES = {"allocate": serve_allocate, "peg": serve_peg}

_LATE = "SELECT DISTINCT sku_id FROM sourcing_backorder WHERE promised_on < %(today)s::date"
