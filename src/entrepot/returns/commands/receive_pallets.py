"""A pallet of returned parcels comes: it is taken in whole, and its parcels are counted off and opened afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import ids, policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, Refused, Said
from entrepot.kernel.events import Event
from entrepot.returns import errors
from entrepot.returns.commands.announce import tracking_of
from entrepot.returns.commands.opened import TO_OPEN
from entrepot.returns.commands.receive_parcels import bins_of
from entrepot.returns.pallets import MOST, number_of
from entrepot.returns.staging import StagingPolicy
from entrepot.work.commands.open_items import OpenItem, open_items


@dataclass(frozen=True, slots=True)
class ReceivePallet:
    """A pallet by its number (an SSCC or a license plate), with the parcels that its carrier's `manifest` names, or
    only how many there are (`packages`). `bin` is where it stands: by default where goods wait for inspection."""

    company: int
    node: UUID
    number: str
    carrier: str = ""
    manifest: tuple[str, ...] = ()
    packages: int | None = None
    bin: UUID | None = None
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class PalletReceived:
    """`expected`: units that are announced in the parcels of its manifest. `due_at`: by when they are opened."""

    pallet: UUID
    number: str
    packages: int
    expected: int
    due_at: datetime


class _Draft(NamedTuple):
    id: UUID
    request: ReceivePallet
    number: str
    trackings: tuple[str, ...]
    bin: UUID
    at: datetime
    due: datetime

    @property
    def announced(self) -> int:
        return len(self.trackings) if self.request.packages is None else self.request.packages


@command("returns.receive_pallets")
def receive_pallets(cause: Cause, /, *, requests: Sequence[ReceivePallet]) -> list[PalletReceived | Refused]:
    """Pallets taken in at once: nothing of them is in stock or refunded, and each is work with a due time (policy
    `returns.staging`) until all of its parcels are opened.

    Locks: the numbers, in their order. Refuses: Invalid (number, packages); returns.no_bin; returns.pallet_here.
    Again: by key. 9 statements at most.
    """
    numbers = sorted({(one.company, number_of(one.number)) for one in requests})
    sql.run(_LOCK, sql.columns(("companies", "numbers"), numbers))
    here = set(sql.run(_HERE, sql.columns(("companies", "numbers"), numbers)))
    usual, owners = bins_of(one.node for one in requests)
    staging = policies.of_companies((one.company for one in requests), StagingPolicy, cause.at)
    answers: list[PalletReceived | Refused] = []
    drafts: list[_Draft] = []
    for request in requests:
        number, owner = number_of(request.number), (request.company, request.node)
        bin_id = request.bin or usual.get(owner)
        refused = _misfit(request, number, here)
        if refused:
            answers.append(refused)
        elif bin_id is None or owners.get(bin_id) != owner:
            answers.append(errors.NoBin(node=str(request.node), kind="quarantine or receiving", bin=""))
        else:
            here.add((request.company, number))
            at = request.occurred_at or cause.at
            trackings = tuple(dict.fromkeys(filter(None, map(tracking_of, request.manifest))))
            due = at + timedelta(hours=staging[request.company][1].hours)
            drafts.append(_Draft(ids.uuid7(), request, number, trackings, bin_id, at, due))
            answers.append(PalletReceived(drafts[-1].id, number, drafts[-1].announced, 0, due))
    expected = _write(cause, drafts) if drafts else {}
    return [
        PalletReceived(a.pallet, a.number, a.packages, expected.get(a.pallet, 0), a.due_at)
        if isinstance(a, PalletReceived)
        else a
        for a in answers
    ]


def _misfit(request: ReceivePallet, number: str, here: set[tuple[int, str]]) -> Refused | None:
    if not number:
        return Invalid(field="number", expected="the number on the pallet", found="nothing")
    count = len(request.manifest) if request.packages is None else request.packages
    if not max(1, len(request.manifest)) <= max(count, len(request.manifest)) <= MOST or count < 1:
        expected = f"a manifest, or 1 to {MOST} packages"
        return Invalid(field="packages", expected=expected, found=str(count))
    if (request.company, number) in here:
        return errors.PalletHere(number=number)
    return None


def _write(cause: Cause, drafts: Sequence[_Draft]) -> dict[UUID, int]:
    """Write pallets with their manifests and the work of opening them; units expected in each."""
    sql.write("returns_pallet", _PALLET, [
        (
            one.id, one.request.company, one.request.node, one.bin, one.number, one.request.carrier.strip(),
            one.announced, "open", one.due, cause.actor.name, one.at,
        )
        for one in drafts
    ])  # fmt: skip
    rows = [(ids.uuid7(), one.id, one.request.company, t, True) for one in drafts for t in one.trackings]
    if rows:
        sql.write("returns_palletpackage", _PACKAGE, rows)
    announce(cause, [
        Event("pallet", one.id, one.request.company, "", "open", one.at, {"packages": one.announced})
        for one in drafts
    ])  # fmt: skip
    open_items(cause, requests=[
        OpenItem(
            company=one.request.company, type=TO_OPEN, subject_kind="pallet", subject=one.id,
            reason=Said("Pallet {0}: {1} parcels of returns to count off and open.", one.number, one.announced),
            role="returns inspector", facts={"pallet": one.id, "packages": one.announced},
            due_in_hours=max(1, round((one.due - cause.at) / timedelta(hours=1))), occurred_at=one.at,
        )
        for one in drafts
    ])  # fmt: skip
    return dict(sql.run(_EXPECTED, {"pallets": [one.id for one in drafts]}))


_PALLET = (
    "id", "company_id", "node_id", "bin_id", "number", "carrier", "announced", "state", "due_at", "received_by",
    "received_at",
)  # fmt: skip
_PACKAGE = ("id", "pallet_id", "company_id", "tracking", "listed")

_LOCK = """
SELECT pg_advisory_xact_lock(hashtextextended('returns.pallet ' || company || ' ' || number, 0))
FROM unnest(%(companies)s::int[], %(numbers)s::text[]) AS d(company, number)
"""

_HERE = """
SELECT p.company_id::int, p.number
FROM unnest(%(companies)s::smallint[], %(numbers)s::text[]) AS d(company, number)
JOIN returns_pallet AS p ON p.company_id = d.company AND p.number = d.number AND p.state <> 'done'
"""

_EXPECTED = """
SELECT k.pallet_id, sum(l.quantity - l.cancelled - l.missing - l.received)::int
FROM returns_palletpackage AS k
JOIN returns_parcel AS p ON p.company_id = k.company_id AND p.tracking = k.tracking
JOIN returns_return AS r ON r.id = p.return_id AND r.state IN ('authorized', 'received', 'inspected', 'disposed')
JOIN returns_line AS l ON l.return_id = r.id
WHERE k.pallet_id = ANY(%(pallets)s::uuid[]) AND k.tracking <> '' GROUP BY 1
"""
