"""Units turn out to be damaged, expired, quarantined, or sellable again: they change status in their bin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.kernel import ids
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Refused, Said
from entrepot.kernel.events import Event
from entrepot.stock import errors
from entrepot.stock.commands.allocate import Loss, lock_what_losses_touch
from entrepot.stock.commands.move import At, Displaced, Move, lock_buckets, move_units
from entrepot.stock.models import STATUSES


@dataclass(frozen=True, slots=True)
class ChangeStatus:
    """Units of a bin that are now something else, and why; `to_bin` where they are put elsewhere at the same node."""

    company: int
    sku: UUID
    node: UUID
    bin: UUID
    quantity: int
    status: str
    to_status: str
    reason: str
    to_bin: UUID | None = None
    lot: str = ""
    serial: str = ""
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class StatusChanged:
    document: UUID
    displaced: tuple[Displaced, ...]


@command("stock.change_status")
def change_status(cause: Cause, /, *, requests: Sequence[ChangeStatus]) -> list[StatusChanged | Refused]:
    """Move units between statuses, or bins, of one node. Promises that sellable stock can't keep come back displaced.

    Locks: positions in key order, the promises that may break, buckets of both ends in id order, then as `move_units`.
    Refuses: NotPlaceable, NotThere. Again: by key. About 9 statements.
    """
    lock_what_losses_touch([Loss(r.company, r.sku, r.node, r.quantity) for r in requests if _is_felt(r)])
    buckets = lock_buckets(end for r in requests for end in (_source(r), _target(r)))
    left = {key: bucket.quantity - bucket.committed for key, bucket in buckets.items()}
    answers: list[StatusChanged | Refused] = []
    moves = []
    for r in requests:
        source, target = _source(r), _target(r)
        if r.quantity < 1 or not r.reason or source == target or r.to_status not in STATUSES or not r.bin:
            expected = "some units, another status or bin, and a reason"
            answers.append(errors.NotPlaceable(field="change of status", expected=expected, found=str(r)))
        elif left.get(source, 0) < r.quantity:
            found = left.get(source, 0)
            answers.append(
                errors.NotThere(wanted=r.quantity, sku=str(r.sku), where=Said("bin {0}", r.bin), found=found)
            )
        else:
            left[source] -= r.quantity
            document, at = ids.uuid7(), r.occurred_at or cause.at
            moves.append(
                Move(r.company, r.sku, r.quantity, source, target, r.reason, "status change", document, at)
            )
            announce(
                cause,
                [Event("status change", document, r.company, r.status, r.to_status, at, reason=r.reason)],
            )
            answers.append(StatusChanged(document, ()))
    displaced = move_units(cause, moves, buckets).displaced
    for i, answer in enumerate(answers):
        if isinstance(answer, StatusChanged):
            own = tuple(
                one for one in displaced if (one.sku, one.node) == (requests[i].sku, requests[i].node)
            )
            displaced = [one for one in displaced if one not in own]
            answers[i] = StatusChanged(answer.document, own)
    return answers


def _is_felt(r: ChangeStatus) -> bool:
    """Whether what can be promised changes."""
    return (r.status == "sellable") != (r.to_status == "sellable")


def _source(r: ChangeStatus) -> At:
    return At(r.sku, r.node, r.bin, r.company, r.status, r.lot, r.serial)


def _target(r: ChangeStatus) -> At:
    return At(r.sku, r.node, r.to_bin or r.bin, r.company, r.to_status, r.lot, r.serial)
