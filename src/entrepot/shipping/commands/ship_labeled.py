"""What waited for its labels leaves: by itself when they are bought, or on paper where a person says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Invalid, Refused, Said
from entrepot.shipping.commands.consign import NOT_SHIPPED
from entrepot.shipping.commands.ship import FulfillmentShipped, ShipFulfillment, ship
from entrepot.shipping.consigning import not_asked
from entrepot.shipping.queries import LABELED
from entrepot.work.commands.open_items import OpenItem, open_items


@dataclass(frozen=True, slots=True)
class ShipLabeled:
    """A fulfillment whose labels were bought."""

    fulfillment: UUID
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ShipOnPaper:
    """A packed fulfillment that leaves without a label of the service that would sell it one, and why; with the
    `service` of a code where one is named."""

    fulfillment: UUID
    reason: str
    service: str = ""
    occurred_at: datetime | None = None
    key: str | None = None


@command("shipping.ship_labeled")
def ship_labeled(cause: Cause, /, *, requests: Sequence[ShipLabeled]) -> list[FulfillmentShipped | Refused]:
    """Shipments of what has the labels of all its packages by now, as `shipping.ship` books them. What may not leave
    all the same is work for the supervisor: its labels are paid.

    Locks: as `shipping.ship`. Refuses: shipping.labels_awaited (not all are there); what `shipping.ship` refuses.
    Again: by key; without one it has left. 1 statement, those of `shipping.ship`, 3 more where some may not leave.
    """
    found = _ready([one.fulfillment for one in requests])
    leaving = [one.fulfillment for one in requests if one.fulfillment in found]
    # Without buying: a label that somebody voids while we wait for its lock was not to be bought again.
    wanted = [ShipFulfillment(one, buys=False) for one in leaving]
    told = ship(cause, requests=wanted) if wanted else []
    refused = [
        (one, answer) for one, answer in zip(leaving, told, strict=True) if isinstance(answer, Refused)
    ]
    # Under the lock of its order: what has left while we waited for that, or was opened, is no work.
    stays = _ready([one for one, _ in refused]) if refused else {}
    open_items(cause, requests=[
        OpenItem(
            stays[one][0], NOT_SHIPPED, "fulfillment", one,
            Said("The labels of {0} are bought, and it may not leave: {1}", stays[one][1], answer.message),
            "warehouse supervisor",
        )
        for one, answer in refused
        if one in stays
    ])  # fmt: skip
    answers = iter(told)
    return [
        next(answers) if one.fulfillment in found else not_asked(str(one.fulfillment), "-")
        for one in requests
    ]


def _ready(fulfillments: Sequence[UUID]) -> dict[UUID, tuple[int, str]]:
    """The company and number of those that have all their labels."""
    return {one: (company, number) for one, company, number in sql.run(_READY, {"ids": list(fulfillments)})}


@command("shipping.ship_on_paper")
def ship_on_paper(cause: Cause, /, *, requests: Sequence[ShipOnPaper]) -> list[FulfillmentShipped | Refused]:
    """Shipments without a label that was bought: what was asked for is void, what was bought for some packages stays,
    unless another service is named. Labels of our own are printed for the others, or those of the carrier's numbers.

    Locks: as `shipping.ship`. Refuses: Invalid (no reason); what `shipping.ship` refuses. Again: by key. The statements
    of `shipping.ship`.
    """
    asked = [one for one in requests if one.reason.strip()]
    told = iter(ship(cause, requests=[
        ShipFulfillment(
            one.fulfillment, occurred_at=one.occurred_at, service=one.service, reason=one.reason, on_paper=True
        )
        for one in asked
    ]) if asked else ())  # fmt: skip
    return [
        next(told)
        if one.reason.strip()
        else Invalid(
            field="reason", expected="why it leaves without a label that was bought", found="nothing"
        )
        for one in requests
    ]


_READY = f"""
SELECT c.fulfillment_id, c.company_id::int, c.number FROM shipping_consignment AS c
WHERE c.fulfillment_id = ANY(%(ids)s::uuid[]) AND {LABELED}
"""
