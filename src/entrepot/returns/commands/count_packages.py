"""Parcels of a pallet are counted off, one scan each or so many at once; then what differs is told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said, WrongState
from entrepot.kernel.events import Event
from entrepot.returns.commands.announce import tracking_of
from entrepot.returns.commands.opened import finish
from entrepot.returns.pallets import MOST, Differences, Package, compare
from entrepot.work.commands.open_items import OpenItem, open_items

DIFFERS = "pallet of returns differs"


@dataclass(frozen=True, slots=True)
class CountPackage:
    """A parcel of a pallet by the number on it; without a number, `count` that have none."""

    pallet: UUID
    tracking: str = ""
    count: int = 1
    key: str | None = None


@dataclass(frozen=True, slots=True)
class PackageCounted:
    """How many of the pallet were seen now. `was`: `listed` in the manifest, `extra` (not in it), `again` (seen
    before), or `counted` where there is no manifest. `expected`: units that are announced in it."""

    pallet: UUID
    was: str
    seen: int
    announced: int
    expected: int


@dataclass(frozen=True, slots=True)
class ClosePallet:
    """All parcels of a pallet were counted off."""

    pallet: UUID
    key: str | None = None


@dataclass(frozen=True, slots=True)
class PalletCounted:
    """`says` is what differs from what was announced, '' for nothing."""

    pallet: UUID
    state: str
    counted: int
    announced: int
    missing: tuple[str, ...]
    extra: tuple[str, ...]
    says: str


@dataclass(slots=True)
class _Pallet:
    """A locked pallet with its packages by number; those without one are `blank`."""

    id: UUID
    company: int
    number: str
    carrier: str
    state: str
    announced: int
    packages: dict[str, Package] = field(default_factory=dict)
    blank: int = 0
    unopened: int = 0

    @property
    def has_manifest(self) -> bool:
        return any(one.listed for one in self.packages.values())

    @property
    def seen(self) -> int:
        return self.blank + sum(one.seen for one in self.packages.values())

    @property
    def all(self) -> list[Package]:
        return [*self.packages.values(), *[Package("", listed=False, seen=True)] * self.blank]


def _locked(pallets: Collection[UUID]) -> dict[UUID, _Pallet]:
    """Pallets by id, locked in their order. 2 statements."""
    params = {"pallets": list(pallets)}
    found = {row[0]: _Pallet(*row) for row in sql.run(_LOCK, params)}
    for pallet, tracking, listed, seen, opened in sql.run(_PACKAGES, params):
        one = found[pallet]
        one.unopened += seen and not opened
        if tracking:
            one.packages[tracking] = Package(tracking, listed, seen)
        else:
            one.blank += 1
    return found


@command("returns.count_packages")
def count_packages(cause: Cause, /, *, requests: Sequence[CountPackage]) -> list[PackageCounted | Refused]:
    """Parcels seen on pallets; what a manifest does not name is taken, too, and told when the pallet is closed.

    Locks: the pallets in id order. Refuses: NotFound; Invalid (count); WrongState (all were counted). Again: a number
    is seen once; others by key. 6 statements.
    """
    found = _locked({one.pallet for one in requests})
    answers: list[PackageCounted | Refused] = []
    seen: list[tuple[UUID, UUID, int, str]] = []
    fresh: list[tuple[UUID, str]] = []
    for request in requests:
        one, tracking = found.get(request.pallet), tracking_of(request.tracking)
        refused = _misfit(request, one, tracking)
        if refused or one is None:
            answers.append(refused or NotFound(what="pallet", which=str(request.pallet)))
            continue
        was = _see(one, tracking, request.count)
        if was != "again":
            fresh.append((one.id, tracking))
            times = 1 if tracking else request.count
            seen += [(ids.uuid7(), one.id, one.company, tracking) for _ in range(times)]
        answers.append(PackageCounted(one.id, was, one.seen, one.announced, 0))
    if seen:
        columns = sql.columns(("ids", "pallets", "companies", "trackings"), seen)
        sql.run(_SEE, {**columns, "who": cause.actor.name, "at": cause.at})
        counts: dict[UUID, int] = defaultdict(int)
        for _, pallet, _, _ in seen:
            counts[pallet] += 1
        announce(cause, [
            Event("pallet", key, found[key].company, "", "", None, {"seen": n}) for key, n in counts.items()
        ])  # fmt: skip
    return _with_expected(requests, answers)


def _misfit(request: CountPackage, one: _Pallet | None, tracking: str) -> Refused | None:
    if one is None:
        return NotFound(what="pallet", which=str(request.pallet))
    if one.state != "open":
        return WrongState(subject="pallet", found=one.state, event="count", expected="open")
    if request.count < 1 or (tracking and request.count != 1) or one.seen + request.count > MOST:
        expected = f"1 for a number, else 1 or more, and at most {MOST} on a pallet"
        return Invalid(field="count", expected=expected, found=request.count)
    return None


def _see(one: _Pallet, tracking: str, count: int) -> str:
    """Count it; what it was."""
    before = one.packages.get(tracking)
    if tracking and before and before.seen:
        return "again"
    if tracking:
        one.packages[tracking] = Package(tracking, bool(before and before.listed), seen=True)
    else:
        one.blank += count
    if not one.has_manifest:
        return "counted"
    return "listed" if before and before.listed else "extra"


def _with_expected(
    requests: Sequence[CountPackage], answers: Sequence[PackageCounted | Refused]
) -> list[PackageCounted | Refused]:
    rows = [
        (i, str(a.pallet), tracking_of(r.tracking))
        for i, (r, a) in enumerate(zip(requests, answers, strict=True))
        if isinstance(a, PackageCounted)
    ]
    expected = dict(sql.run(_EXPECTED, sql.columns(("places", "pallets", "trackings"), rows))) if rows else {}
    return [
        PackageCounted(a.pallet, a.was, a.seen, a.announced, expected.get(i, 0))
        if isinstance(a, PackageCounted)
        else a
        for i, a in enumerate(answers)
    ]


@command("returns.close_pallets")
def close_pallets(cause: Cause, /, *, requests: Sequence[ClosePallet]) -> list[PalletCounted | Refused]:
    """Pallets whose parcels are counted off. What differs from the manifest, or from the count, is told, and is a work
    item of customer service. A pallet is done when its last parcel is opened.

    Locks: the pallets in id order. Refuses: NotFound; WrongState. Again: by key. 12 statements at most.
    """
    found = _locked({one.pallet for one in requests})
    answers: list[PalletCounted | Refused] = []
    closed: list[tuple[_Pallet, Differences]] = []
    for request in requests:
        one = found.get(request.pallet)
        if one is None:
            answers.append(NotFound(what="pallet", which=str(request.pallet)))
            continue
        if one.state != "open":
            answers.append(WrongState(subject="pallet", found=one.state, event="close", expected="open"))
            continue
        told = compare(one.announced, one.all)
        one.state = "counted" if one.unopened else "done"
        closed.append((one, told))
        answers.append(
            PalletCounted(
                one.id, one.state, told.counted, told.announced, told.missing, told.extra, told.says
            )
        )
    if closed:
        _write(cause, closed)
    return answers


def _write(cause: Cause, closed: Sequence[tuple[_Pallet, Differences]]) -> None:
    rows = [(one.id, one.state, told.says) for one, told in closed]
    columns = sql.columns(("ids", "states", "differs"), rows)
    sql.run(_CLOSE, {**columns, "who": cause.actor.name, "at": cause.at})
    announce(cause, [
        Event("pallet", one.id, one.company, "open", one.state, None,
              {"counted": told.counted, "announced": told.announced, "missing": len(told.missing),
               "extra": len(told.extra)})
        for one, told in closed
    ])  # fmt: skip
    wrong = [(one, told) for one, told in closed if not told.is_right]
    if wrong:
        open_items(cause, requests=[
            OpenItem(
                company=one.company, type=DIFFERS, subject_kind="pallet", subject=one.id, role="customer service",
                reason=(
                    Said("Pallet {0} of {1}: {2}.", one.number, one.carrier, told.says)
                    if one.carrier
                    else Said("Pallet {0}: {1}.", one.number, told.says)
                ),
                facts={"pallet": one.id, "missing": list(told.missing), "extra": list(told.extra)},
            )
            for one, told in wrong
        ])  # fmt: skip
    finish(cause, [(one.id, one.company) for one, _ in closed if one.state == "done"])


_LOCK = """
SELECT id, company_id::int, number, carrier, state, announced FROM returns_pallet
WHERE id = ANY(%(pallets)s::uuid[]) ORDER BY id FOR UPDATE
"""

_PACKAGES = """
SELECT pallet_id, tracking, listed, seen_at IS NOT NULL, opened_at IS NOT NULL FROM returns_palletpackage
WHERE pallet_id = ANY(%(pallets)s::uuid[]) ORDER BY pallet_id, id
"""

_SEE = """
INSERT INTO returns_palletpackage AS k (id, pallet_id, company_id, tracking, listed, seen_by, seen_at)
SELECT id, pallet, company, tracking, FALSE, %(who)s, %(at)s::timestamptz
FROM unnest(%(ids)s::uuid[], %(pallets)s::uuid[], %(companies)s::smallint[], %(trackings)s::text[])
     AS d(id, pallet, company, tracking)
ON CONFLICT (pallet_id, tracking) WHERE NOT tracking = '' DO UPDATE
SET seen_by = excluded.seen_by, seen_at = excluded.seen_at
"""

_EXPECTED = """
SELECT d.place, sum(l.quantity - l.cancelled - l.missing - l.received)::int
FROM unnest(%(places)s::int[], %(pallets)s::uuid[], %(trackings)s::text[]) AS d(place, pallet, tracking)
JOIN returns_pallet AS k ON k.id = d.pallet
JOIN returns_parcel AS p ON p.company_id = k.company_id AND p.tracking = d.tracking
JOIN returns_return AS r ON r.id = p.return_id AND r.state IN ('authorized', 'received', 'inspected', 'disposed')
JOIN returns_line AS l ON l.return_id = r.id
GROUP BY 1
"""

_CLOSE = """
UPDATE returns_pallet AS p SET state = d.state, differs = d.differs, counted_by = %(who)s,
       counted_at = %(at)s::timestamptz
FROM unnest(%(ids)s::uuid[], %(states)s::text[], %(differs)s::text[]) AS d(id, state, differs) WHERE p.id = d.id
"""
