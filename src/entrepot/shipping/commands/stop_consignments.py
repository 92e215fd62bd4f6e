"""Packages that were opened while their labels were bought: the labels are given back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, whole
from entrepot.kernel.errors import NotFound, Refused, Said
from entrepot.kernel.events import Event
from entrepot.shipping.commands.consign import NOT_SHIPPED
from entrepot.shipping.commands.label import VoidLabel, void_labels
from entrepot.warehouse.commands.lock import lock_fulfillments
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects


@dataclass(frozen=True, slots=True)
class StopConsignment:
    """A fulfillment of which packages were opened."""

    fulfillment: UUID
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ConsignmentStopped:
    """The labels that are void now."""

    fulfillment: UUID
    labels: tuple[UUID, ...]


@command("shipping.stop_consignments")
def stop_consignments(
    cause: Cause, /, *, requests: Sequence[StopConsignment]
) -> list[ConsignmentStopped | Refused]:
    """Awaited labels of packages that were opened are void, and what was bought is given back; of what is packed anew
    by now the others go on.

    Locks: the orders with their fulfillments, the labels in id order. Refuses: NotFound. Again: nothing is left to
    void. 2 statements, 2 more where some waited, and those of `shipping.void_labels`.
    """
    locked = lock_fulfillments([one.fulfillment for one in requests])
    void: dict[UUID, list[UUID]] = {}
    stopped: dict[UUID, tuple[int, UUID]] = {}
    for fulfillment, company, which, label, stands in sql.run(_OPENED, {"ids": list(locked)}):
        void.setdefault(fulfillment, []).append(label)
        if not stands:
            stopped[fulfillment] = (company, which)
    why = Said("its package was opened")
    labels = [label for some in void.values() for label in some]
    if labels:
        whole(void_labels(cause, requests=[VoidLabel(label, why) for label in labels]))
    if stopped:
        sql.run(_STOP, {"ids": [which for _, which in stopped.values()]})
        announce(cause, [
            Event("consignment", which, company, "labeling", "stopped", cause.at, {"fulfillment": fulfillment}, why)
            for fulfillment, (company, which) in stopped.items()
        ])  # fmt: skip
        resolve_subjects(cause, requests=[
            ResolveSubject(company, NOT_SHIPPED, fulfillment, "went on", why)
            for fulfillment, (company, _) in stopped.items()
        ])  # fmt: skip
    return [
        ConsignmentStopped(one.fulfillment, tuple(void.get(one.fulfillment, ())))
        if one.fulfillment in locked
        else NotFound(what="fulfillment", which=str(one.fulfillment))
        for one in requests
    ]


_OPENED = """
SELECT c.fulfillment_id, c.company_id::int, c.id, l.id,
       EXISTS (SELECT FROM shipping_label AS x JOIN warehouse_package AS w ON w.id = x.package_id
               WHERE x.shipment_id = c.id AND x.state = 'awaited' AND w.voided_at IS NULL)
FROM shipping_consignment AS c
JOIN shipping_label AS l ON l.shipment_id = c.id AND l.state = 'awaited'
JOIN warehouse_package AS p ON p.id = l.package_id AND p.voided_at IS NOT NULL
WHERE c.fulfillment_id = ANY(%(ids)s::uuid[]) AND c.state = 'labeling' ORDER BY l.id
"""

_STOP = "UPDATE shipping_consignment SET state = 'stopped' WHERE id = ANY(%(ids)s::uuid[])"
