"""Packages that were opened while their labels were bought: the labels are given back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, whole
from entrepot.kernel.errors import Refused, Said
from entrepot.kernel.events import Event
from entrepot.shipping.commands.consign import NOT_SHIPPED
from entrepot.shipping.commands.label import VoidLabel, void_labels
from entrepot.warehouse.commands.lock import lock_fulfillments
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects


@dataclass(frozen=True, slots=True)
class StopConsignments:
    """What a company has bought labels for, and what was opened or cancelled since."""

    company: int
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ConsignmentsStopped:
    """The labels that are void now."""

    company: int
    labels: tuple[UUID, ...]


@command("shipping.stop_consignments")
def stop_consignments(
    cause: Cause, /, *, requests: Sequence[StopConsignments]
) -> list[ConsignmentsStopped | Refused]:
    """Awaited labels of packages that were opened are void, and what was bought is given back; of what is packed anew
    by now the others go on.

    Locks: the orders with their fulfillments, the labels in id order. Refuses nothing. Again: nothing is left to void.
    1 statement; 5 more where some were opened, and those of `shipping.void_labels`.
    """
    params = {"companies": sorted({one.company for one in requests})}
    found = [fulfillment for (fulfillment,) in sql.run(_OPENED, params)]
    rows = []
    if found:
        lock_fulfillments(found)
        rows = sql.run(_AWAITED, {"ids": found})
    void: dict[int, list[UUID]] = {}
    stopped: dict[UUID, tuple[int, UUID]] = {}
    for company, fulfillment, which, label, stands in rows:
        void.setdefault(company, []).append(label)
        if not stands:
            stopped[which] = (company, fulfillment)
    why = Said("its package was opened")
    if void:
        whole(void_labels(cause, requests=[VoidLabel(one, why) for some in void.values() for one in some]))
    if stopped:
        _stop(cause, stopped, why)
    return [ConsignmentsStopped(one.company, tuple(void.pop(one.company, ()))) for one in requests]


def _stop(cause: Cause, stopped: dict[UUID, tuple[int, UUID]], why: Said) -> None:
    sql.run(_STOP, {"ids": list(stopped)})
    announce(cause, [
        Event("consignment", which, company, "labeling", "stopped", cause.at, {"fulfillment": fulfillment}, why)
        for which, (company, fulfillment) in stopped.items()
    ])  # fmt: skip
    resolve_subjects(cause, requests=[
        ResolveSubject(company, NOT_SHIPPED, fulfillment, "went on", why) for company, fulfillment in stopped.values()
    ])  # fmt: skip


_OPENED = """
SELECT DISTINCT c.fulfillment_id FROM shipping_consignment AS c
JOIN shipping_label AS l ON l.shipment_id = c.id AND l.state = 'awaited'
JOIN warehouse_package AS p ON p.id = l.package_id AND p.voided_at IS NOT NULL
WHERE c.company_id = ANY(%(companies)s::smallint[]) AND c.state = 'labeling'
"""

# After the lock: what left or was opened while we waited for it is seen here.
_AWAITED = """
SELECT c.company_id::int, c.fulfillment_id, c.id, l.id,
       EXISTS (SELECT FROM shipping_label AS x JOIN warehouse_package AS w ON w.id = x.package_id
               WHERE x.shipment_id = c.id AND x.state = 'awaited' AND w.voided_at IS NULL)
FROM shipping_consignment AS c
JOIN shipping_label AS l ON l.shipment_id = c.id AND l.state = 'awaited'
JOIN warehouse_package AS p ON p.id = l.package_id AND p.voided_at IS NOT NULL
WHERE c.fulfillment_id = ANY(%(ids)s::uuid[]) AND c.state = 'labeling' ORDER BY l.id
"""

_STOP = "UPDATE shipping_consignment SET state = 'stopped' WHERE id = ANY(%(ids)s::uuid[])"
