"""What waits for its labels, looked after: those of packages that were opened are given back, and nothing is forgotten
that has all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, offer
from entrepot.kernel.errors import Refused
from entrepot.kernel.events import Event
from entrepot.shipping.commands.consign import NOT_SHIPPED, OPENED, leave_without
from entrepot.shipping.consigning import lock_awaited
from entrepot.shipping.queries import LABELED
from entrepot.shipping.states import CONSIGNMENT
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


class _Waiting(NamedTuple):
    """What is labeled, under lock; `is_closed`: some package of it is."""

    id: UUID
    company: int
    fulfillment: UUID
    is_closed: bool


@command("shipping.stop_consignments")
def stop_consignments(
    cause: Cause, /, *, requests: Sequence[StopConsignments]
) -> list[ConsignmentsStopped | Refused]:
    """Awaited labels of packages that were opened are void, and what was bought is given back; of what is packed anew
    by now the others go on. What waits for nothing any more is offered to the queue `labeled` once more: whatever kept
    it may be over.

    Locks: the orders with their fulfillments, their awaited labels in id order. Refuses nothing. Again: nothing is left
    to void. 2 statements; 6 more where some were opened, and those of `shipping.void_labels`.
    """
    params = {"companies": sorted({one.company for one in requests})}
    found = [fulfillment for (fulfillment,) in sql.run(_OPENED, params)]
    void = _take_back(cause, found) if found else {}
    offer("labeled", [(fulfillment, 5, cause.at) for (fulfillment,) in sql.run(_LABELED, params)])
    return [ConsignmentsStopped(one.company, tuple(void.pop(one.company, ()))) for one in requests]


def _take_back(cause: Cause, found: Sequence[UUID]) -> dict[int, list[UUID]]:
    """The labels that are void now, by company."""
    lock_fulfillments(found)
    awaited = lock_awaited(found)
    waiting = {row[2]: _Waiting(*row) for row in sql.run(_WAITING, {"ids": found})}
    opened = [one for one in awaited if one.is_opened and one.fulfillment in waiting]
    stands = {one.fulfillment for one in awaited if not one.is_opened}
    over = {one.fulfillment for one in opened} | {
        one.fulfillment for one in waiting.values() if not one.is_closed
    }
    leave_without(cause, [], [one.id for one in opened])
    _stop(cause, [one for one in waiting.values() if one.fulfillment in over - stands])
    void: dict[int, list[UUID]] = {}
    for one in opened:
        void.setdefault(waiting[one.fulfillment].company, []).append(one.id)
    return void


def _stop(cause: Cause, stopped: Sequence[_Waiting]) -> None:
    if not stopped:
        return
    sql.run(_STOP, {"ids": [one.id for one in stopped]})
    announce(cause, [
        Event("consignment", one.id, one.company, "labeling", str(CONSIGNMENT.step("labeling", "stop")), cause.at,
              {"fulfillment": one.fulfillment}, OPENED)
        for one in stopped
    ])  # fmt: skip
    resolve_subjects(cause, requests=[
        ResolveSubject(one.company, NOT_SHIPPED, one.fulfillment, "went on", OPENED) for one in stopped
    ])  # fmt: skip


# Also what has no label any more: somebody voided them before it was opened.
_OPENED = """
SELECT c.fulfillment_id FROM shipping_consignment AS c
WHERE c.company_id = ANY(%(companies)s::smallint[]) AND c.state = 'labeling'
  AND (EXISTS (SELECT FROM shipping_label AS l JOIN warehouse_package AS p ON p.id = l.package_id
               WHERE l.shipment_id = c.id AND l.state = 'awaited' AND p.voided_at IS NOT NULL)
       OR NOT EXISTS (SELECT FROM warehouse_package AS p
                      WHERE p.fulfillment_id = c.fulfillment_id AND p.voided_at IS NULL))
ORDER BY c.fulfillment_id
"""

# After the lock: what left or was packed anew while we waited for it is seen here.
_WAITING = """
SELECT c.id, c.company_id::int, c.fulfillment_id,
       EXISTS (SELECT FROM warehouse_package AS p WHERE p.fulfillment_id = c.fulfillment_id AND p.voided_at IS NULL)
FROM shipping_consignment AS c WHERE c.fulfillment_id = ANY(%(ids)s::uuid[]) AND c.state = 'labeling' ORDER BY c.id
"""

_LABELED = f"""
SELECT c.fulfillment_id FROM shipping_consignment AS c
WHERE c.company_id = ANY(%(companies)s::smallint[]) AND {LABELED} ORDER BY c.id
"""

_STOP = "UPDATE shipping_consignment SET state = 'stopped' WHERE id = ANY(%(ids)s::uuid[])"
