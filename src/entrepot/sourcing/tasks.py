"""Background work of sourcing: allocate what is ready, free what was reserved for too long."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.utils import timezone
from procrastinate.contrib.django import app

from entrepot.kernel.cause import Actor, Cause
from entrepot.parties import queries as parties
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from entrepot.sourcing.commands.expire_reservations import ExpireReservations, expire_reservations


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


QUEUES = {"allocate": serve_allocate}
