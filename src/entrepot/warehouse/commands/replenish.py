"""Keep pick faces filled from reserve: the faces, what is to be brought, and what was brought."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.catalog.register import Register, put, sieve, tell
from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said
from entrepot.kernel.events import Event
from entrepot.network.rules import bin_out
from entrepot.stock.commands.move import At
from entrepot.stock.commands.plates import OnPlate, Plate, hold_plates, lock_content
from entrepot.warehouse import replenishing
from entrepot.warehouse.commands.move_plates import MovePlate, PlateMoved, move_plates
from entrepot.warehouse.commands.put_away import PutAway, UnitsPutAway, put_away
from entrepot.warehouse.errors import PlateUnfit
from entrepot.warehouse.replenishing import DEMAND, Face, Filling, SetPickFace
from entrepot.warehouse.rules import in_pick_order
from entrepot.warehouse.states import REPLENISHMENT
from entrepot.work.commands.open_items import OpenItem, open_items

__all__ = ["SetPickFace", "replenish", "review_faces", "set_pick_faces"]

URGENT, USUAL = 80, 40
"""Priorities of what promises wait for, and of what only keeps a face filled."""


@dataclass(frozen=True, slots=True)
class PickFaceSet:
    id: UUID


@dataclass(frozen=True, slots=True)
class ReviewFaces:
    """The pick faces of a node."""

    node: UUID
    key: str | None = None


@dataclass(frozen=True, slots=True)
class FacesReviewed:
    """How many replenishments were made, and how many dropped because what they ask for is gone."""

    node: UUID
    made: int
    dropped: int


@dataclass(frozen=True, slots=True)
class Replenish:
    """A replenishment was carried out: all of it, or as many units as were found; or by a whole `plate`, with the units
    that stand on it. `rest_later`: the others are there, and are brought another time."""

    replenishment: UUID
    quantity: int | None = None
    key: str | None = None
    plate: UUID | None = None
    rest_later: bool = False


@dataclass(frozen=True, slots=True)
class Replenished:
    replenishment: UUID
    quantity: int


class _Task(NamedTuple):
    id: UUID
    number: str
    company: int
    node: UUID
    sku: UUID
    from_bin: UUID
    to_bin: UUID
    lot: str
    serial: str
    quantity: int
    state: str

    def ends(self) -> tuple[At, At]:
        """The buckets that units go from and to."""
        source = At(self.sku, self.node, self.from_bin, self.company, "sellable", self.lot, self.serial)
        return source, source._replace(bin=self.to_bin)


class _Reserve(NamedTuple):
    """Units in reserve that no pick and no replenishment has a claim on."""

    bucket: UUID
    sku: UUID
    node: UUID
    bin: UUID
    bin_kind: str
    pick_sequence: int
    lot: str
    serial: str
    expires_on: date | None
    free: int


@command("warehouse.set_pick_faces")
def set_pick_faces(cause: Cause, /, *, requests: Sequence[SetPickFace]) -> list[PickFaceSet | Refused]:
    """Pick faces by bin and SKU, new or changed to stand as given.

    Locks: the faces that exist, in the order of bin and SKU. Refuses: Invalid (units; a bin that is none to pick from);
    NotFound (SKU); network.bin_out. Again: what stands already is left alone. 3 statements.
    """
    known = {row[0]: row[1:] for row in sql.run(_KNOWN_BINS, {"ids": [one.bin for one in requests]})}
    skus: dict[UUID, int] = dict(sql.run(_KNOWN_SKUS, {"ids": [one.sku for one in requests]}))  # type: ignore[arg-type]
    refused, fit = sieve(requests, [_misfit(one, known, skus) for one in requests])
    names = {place: (one.bin, one.sku) for place, one in fit}
    standing = put(
        _FACES,
        (
            ((one.bin, one.sku), (one.company, known[one.bin][1], one.minimum, one.maximum, one.case_units))
            for _, one in fit
        ),
    )
    tell(cause, _FACES, {names[place]: one.company for place, one in fit}, standing)
    return [refused.get(place) or PickFaceSet(standing[names[place]].id) for place in range(len(requests))]


def _misfit(one: SetPickFace, bins: Mapping[UUID, tuple[Any, ...]], skus: dict[UUID, int]) -> Refused | None:
    company, _, kind, code = bins.get(one.bin, (0, one.bin, "", ""))
    if skus.get(one.sku) != one.company:
        return NotFound(what="SKU", which=str(one.sku))
    if company == one.company and (out := bin_out(code, kind)):
        return out
    if company != one.company or kind != "pick":
        return Invalid(field="bin", expected="a bin of kind pick", found=kind or "none")
    return replenishing.misfit(one)


@command("warehouse.review_faces")
def review_faces(cause: Cause, /, *, requests: Sequence[ReviewFaces]) -> list[FacesReviewed | Refused]:
    """Replenishments for the faces of nodes that need them; open ones whose units have gone are dropped.

    Locks: the faces of the nodes, in id order: one review at a time. Refuses: nothing.
    Again: finds what it made as coming, and makes no more. 5 statements; 2 more where something is made.
    """
    nodes = list({one.node for one in requests})
    sql.run(_LOCK_FACES, {"nodes": nodes})
    dropped = [
        (key, company, node) for key, company, node in sql.run(_DROP, {"nodes": nodes, "at": cause.at})
    ]
    faces = [Face(*row) for row in sql.run(_LOAD_FACES, {"nodes": nodes})]
    shelves: dict[tuple[UUID, UUID], list[_Reserve]] = defaultdict(list)
    for row in sql.run(_RESERVE, {"nodes": nodes}):
        shelf = _Reserve(*row)
        shelves[shelf.sku, shelf.node].append(shelf)
    today = cause.at.date()
    in_order = {pair: in_pick_order(found, today) for pair, found in shelves.items()}
    left = {shelf.bucket: shelf.free for found in shelves.values() for shelf in found}
    fillings = replenishing.plan(faces, in_order, left)

    _write(cause, fillings)
    announce(cause, [Event("replenishment", key, company, "open", "dropped") for key, company, _ in dropped])
    made = Counter(filling.face.node for filling in fillings)
    gone = Counter(node for *_, node in dropped)
    # Of several requests for one node, the first says what was made.
    return [FacesReviewed(one.node, made.pop(one.node, 0), gone.pop(one.node, 0)) for one in requests]


def _write(cause: Cause, fillings: Sequence[Filling]) -> None:
    if not fillings:
        return
    rows, happened = [], []
    for one, number in zip(fillings, ids.numbers("RP", len(fillings)), strict=True):
        face, shelf, key = one.face, one.shelf, ids.uuid7()
        assert isinstance(shelf, _Reserve)
        rows.append((
            key, number, face.company, face.node, face.sku, shelf.bucket, shelf.bin, face.bin, shelf.lot, shelf.serial,
            one.units, one.why, URGENT if one.why == DEMAND else USUAL, cause.at,
        ))  # fmt: skip
        happened.append(
            Event(
                "replenishment", key, face.company, "", "open", payload={"units": one.units}, reason=one.why
            )
        )
    sql.write("warehouse_replenishment", _COLUMNS, rows)
    announce(cause, happened)


@command("warehouse.replenish")
def replenish(cause: Cause, /, *, requests: Sequence[Replenish]) -> list[Replenished | Refused]:
    """The units stand in the pick face. Where fewer were found, the rest is not asked for again by this one, and a work
    item asks why; not where a whole plate was brought that holds less, or the rest comes later: the next review asks
    for that.

    Locks: the replenishments in id order, the numbers of plates, then the buckets of both ends of all in id order.
    Refuses: NotFound; WrongState; Invalid (quantity); warehouse.plate_unfit; as `warehouse.put_away` and
    `warehouse.move_plates`. Again: by key; it is done once.
    10 statements; 1 or 2 more where fewer were found; 5 and those of `warehouse.move_plates` where whole plates were
    brought.
    """
    found = {row[0]: _Task(*row) for row in sql.run(_LOCK, {"ids": [one.replenishment for one in requests]})}
    ends = {end for task in found.values() for end in task.ends()}
    plates, on_plates = _content({one.plate for one in requests if one.plate}, ends)
    refusals: dict[int, Refused] = {}
    going: dict[int, tuple[_Task, int]] = {}
    for place, one in enumerate(requests):
        task = found.get(one.replenishment)
        refused = _refusal(one, task) or (_misfit_plate(one, task, plates, on_plates) if task else None)
        if refused or task is None:
            refusals[place] = refused or NotFound(what="replenishment", which=str(one.replenishment))
            continue
        going[place] = (task, _units(one, task, on_plates))
        found[task.id] = task._replace(state="done")
    documents: dict[int, UUID | None] = dict.fromkeys(going)
    for place, answer in _brought(cause, requests, going).items():
        if isinstance(answer, Refused):
            refusals[place] = answer
            del going[place], documents[place]
        else:
            documents[place] = answer
    _close(cause, [(*going[place], documents[place]) for place in going])
    # A plate that holds less than was asked for is no lack in reserve, nor is what comes later.
    found_out = [going[place] for place in going if not (requests[place].plate or requests[place].rest_later)]
    open_items(cause, requests=[_short(task, units) for task, units in found_out if units < task.quantity])
    return [
        refusals.get(place) or Replenished(one.replenishment, going[place][1])
        for place, one in enumerate(requests)
    ]


def _content(plates: set[UUID], ends: set[At]) -> tuple[dict[UUID, Plate], dict[UUID, list[OnPlate]]]:
    """Plates with what stands on them, locked with the buckets of all replenishments, those without a plate too. 5
    statements; none for none."""
    if not plates:
        return {}, {}
    found = hold_plates(plates)
    return found, lock_content(found, also=ends)


def _misfit_plate(
    one: Replenish, task: _Task, plates: Mapping[UUID, Plate], on_plates: Mapping[UUID, Sequence[OnPlate]]
) -> Refused | None:
    """Why a whole plate can't be brought: other goods stand on it, or elsewhere, or more than is asked for."""
    if one.plate is None:
        return None
    wanted = (task.sku, task.from_bin, task.lot, task.serial, "sellable")
    parts = [part.at for part in on_plates.get(one.plate, ())]
    if not parts or any((at.sku, at.bin, at.lot, at.serial, at.status) != wanted for at in parts):
        plate = plates.get(one.plate)
        return PlateUnfit(plate=plate.number if plate else str(one.plate), number=task.number)
    units = _units(one, task, on_plates)
    if one.quantity not in (None, units) or units > task.quantity:
        expected = Said("all {0} units of the plate, and {1} at most", units, task.quantity)
        return Invalid(field="quantity", expected=expected, found=one.quantity or units)
    return None


def _units(one: Replenish, task: _Task, on_plates: Mapping[UUID, Sequence[OnPlate]]) -> int:
    if one.plate is not None:
        return sum(part.units for part in on_plates[one.plate])
    return task.quantity if one.quantity is None else one.quantity


def _brought(
    cause: Cause, requests: Sequence[Replenish], going: Mapping[int, tuple[_Task, int]]
) -> dict[int, UUID | Refused]:
    """By place, the document that the units' move names, or why they could not be brought."""
    plates = {place: one.plate for place, one in enumerate(requests) if place in going and one.plate}
    found: dict[int, UUID | Refused] = {}
    if plates:
        wanted = [
            MovePlate(plate, going[place][0].to_bin, why="replenish") for place, plate in plates.items()
        ]
        for place, moved in zip(plates, move_plates(cause, requests=wanted), strict=True):
            found[place] = moved.documents[0] if isinstance(moved, PlateMoved) else moved
    loose = {place: (task, units) for place, (task, units) in going.items() if units and place not in plates}
    answers = put_away(cause, requests=[_carried(task, units) for task, units in loose.values()])
    for place, answer in zip(loose, answers, strict=True):
        found[place] = answer.document if isinstance(answer, UnitsPutAway) else answer
    return found


def _refusal(one: Replenish, task: _Task | None) -> Refused | None:
    if task is None:
        return NotFound(what="replenishment", which=str(one.replenishment))
    step = REPLENISHMENT.step(task.state, "carry_out")
    if isinstance(step, Refused):
        return step
    if one.quantity is not None and not 0 <= one.quantity <= task.quantity:
        return Invalid(field="quantity", expected=Said("0 to {0}", task.quantity), found=one.quantity)
    return None


def _carried(task: _Task, units: int) -> PutAway:
    return PutAway(
        task.company, task.sku, task.from_bin, task.to_bin, units, lot=task.lot, serial=task.serial, why="replenish"
    )  # fmt: skip


def _close(cause: Cause, done: Sequence[tuple[_Task, int, UUID | None]]) -> None:
    if not done:
        return
    rows = [(task.id, units, document) for task, units, document in done]
    params = sql.columns(("ids", "units", "documents"), rows)
    sql.run(_DONE, {**params, "at": cause.at, "person": cause.actor.name})
    announce(
        cause,
        [
            Event("replenishment", task.id, task.company, "open", "done", payload={"units": units})
            for task, units, _ in done
        ],
    )


def _short(task: _Task, units: int) -> OpenItem:
    reason = Said(
        "{0}: {1} of {2} units were not in reserve", task.number, task.quantity - units, task.quantity
    )
    facts = {"units": task.quantity - units, "sku": task.sku, "bin": task.from_bin}
    return OpenItem(
        task.company, "short replenishment", "replenishment", task.id, reason, "warehouse supervisor", facts,
        due_in_hours=8,
    )  # fmt: skip


_FACES = Register(
    "warehouse_pickface",
    ("bin_id", "sku_id"),
    ("company_id", "node_id", "minimum", "maximum", "case_units"),
    kind="pick_face",
)

_COLUMNS = (
    "id", "number", "company_id", "node_id", "sku_id", "from_bucket_id", "from_bin_id", "to_bin_id", "lot", "serial",
    "quantity", "why", "priority", "made_at",
)  # fmt: skip

_KNOWN_BINS = (
    "SELECT id, company_id::int, node_id, kind, code FROM network_bin WHERE id = ANY(%(ids)s::uuid[])"
)

_KNOWN_SKUS = "SELECT id, company_id::int FROM catalog_sku WHERE id = ANY(%(ids)s::uuid[])"

_LOCK_FACES = "SELECT 1 FROM warehouse_pickface WHERE node_id = ANY(%(nodes)s::uuid[]) ORDER BY id FOR UPDATE"

# What they ask for has been picked or moved, or nobody wants the face filled any more.
_DROP = """
UPDATE warehouse_replenishment AS r SET state = 'dropped', done_at = %(at)s::timestamptz
FROM stock_bucket AS b
WHERE b.id = r.from_bucket_id AND r.node_id = ANY(%(nodes)s::uuid[]) AND r.state = 'open'
  AND (b.quantity - b.committed < r.quantity
       OR NOT EXISTS (SELECT FROM warehouse_pickface AS f WHERE f.bin_id = r.to_bin_id AND f.sku_id = r.sku_id
                        AND f.maximum > 0))
RETURNING r.id, r.company_id::int, r.node_id
"""

# A face of which nobody said how many units come in a case goes by the catalog.
_LOAD_FACES = """
SELECT f.id, f.company_id::int, f.node_id, f.bin_id, f.sku_id, f.minimum, f.maximum,
       CASE WHEN f.case_units > 1 THEN f.case_units ELSE COALESCE(p.units, 1) END,
       COALESCE(b.there, 0)::int, COALESCE(b.free, 0)::int, COALESCE(r.coming, 0)::int, COALESCE(a.demand, 0)::int
FROM warehouse_pickface AS f
JOIN network_bin AS n ON n.id = f.bin_id
LEFT JOIN catalog_packaging AS p ON p.sku_id = f.sku_id AND p.kind = 'case'
LEFT JOIN LATERAL (SELECT sum(quantity) AS there, sum(quantity - committed) FILTER (WHERE status = 'sellable') AS free
    FROM stock_bucket WHERE sku_id = f.sku_id AND node_id = f.node_id AND bin_id = f.bin_id) AS b ON true
LEFT JOIN LATERAL (SELECT sum(quantity) AS coming FROM warehouse_replenishment
    WHERE node_id = f.node_id AND to_bin_id = f.bin_id AND sku_id = f.sku_id AND state = 'open') AS r ON true
LEFT JOIN LATERAL (SELECT sum(quantity - released) AS demand FROM stock_allocation
    WHERE sku_id = f.sku_id AND node_id = f.node_id) AS a ON true
WHERE f.node_id = ANY(%(nodes)s::uuid[]) AND f.maximum > 0 ORDER BY f.node_id, f.sku_id, n.pick_sequence, f.id
"""

_RESERVE = """
SELECT b.id, b.sku_id, b.node_id, b.bin_id, n.kind, n.pick_sequence, b.lot, b.serial, b.expires_on,
       (b.quantity - b.committed - COALESCE(r.taken, 0))::int
FROM (SELECT DISTINCT sku_id, node_id FROM warehouse_pickface WHERE node_id = ANY(%(nodes)s::uuid[])
        AND maximum > 0) AS f
JOIN stock_bucket AS b ON b.sku_id = f.sku_id AND b.node_id = f.node_id AND b.status = 'sellable'
  AND b.quantity > b.committed
JOIN network_bin AS n ON n.id = b.bin_id AND n.kind = 'reserve'
LEFT JOIN LATERAL (SELECT sum(quantity) AS taken FROM warehouse_replenishment
    WHERE node_id = b.node_id AND from_bucket_id = b.id AND state = 'open') AS r ON true
"""

_LOCK = """
SELECT id, number, company_id::int, node_id, sku_id, from_bin_id, to_bin_id, lot, serial, quantity, state
FROM warehouse_replenishment WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE
"""

_DONE = """
UPDATE warehouse_replenishment AS r
SET state = 'done', moved = d.units, document_id = d.document, done_at = %(at)s::timestamptz, done_by = %(person)s::text
FROM unnest(%(ids)s::uuid[], %(units)s::int[], %(documents)s::uuid[]) AS d(id, units, document) WHERE r.id = d.id
"""
