"""Background work of stock: publish what each channel may sell."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.utils import timezone
from procrastinate.contrib.django import app

from entrepot.kernel.cause import Cause
from entrepot.stock.commands.publish import (
    ChangesPublished,
    PublishChanges,
    RepublishPlace,
    mark_shipping,
    publish,
    republish,
)


def serve_republish(cause: Cause, subjects: Sequence[UUID]) -> None:
    """Channels and nodes of which something changed that all their figures depend on."""
    republish(cause, requests=[RepublishPlace(place) for place in subjects])


def sweep_changes(cause: Cause) -> int:
    """SKUs whose positions have changed."""
    (answer,) = publish(cause, requests=[PublishChanges()])
    assert isinstance(answer, ChangesPublished), answer
    return answer.marks


@app.periodic(cron="1 0 * * *")
@app.task(name="stock.show_what_ships", queueing_lock="stock.show_what_ships")
def show_what_ships(timestamp: int) -> None:  # noqa: ARG001  procrastinate says for when it was due
    """After midnight: what ships from today on is shown from today on."""
    mark_shipping(timezone.now().date())


QUEUES = {"republish": serve_republish}
SWEEPS = {"publish": sweep_changes}
