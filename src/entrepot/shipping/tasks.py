"""Background work of shipping: orders without goods are performed as soon as they may."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from entrepot.kernel.cause import Cause
from entrepot.shipping.commands.perform import PerformServices, perform


def serve_perform(cause: Cause, orders: Sequence[UUID]) -> None:
    """Perform the services of orders. What is held is offered again by whoever releases the hold."""
    perform(cause, requests=[PerformServices(order) for order in orders])


QUEUES = {"perform": serve_perform}
