"""Background work of sourcing: allocate what is ready."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from entrepot.kernel.cause import Cause
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate


def serve_allocate(cause: Cause, subjects: Sequence[UUID]) -> None:
    """Orders ready for allocation."""
    allocate(cause, requests=[AllocateOrder(order) for order in subjects])


QUEUES = {"allocate": serve_allocate}
