"""What is done with inspected units: the shelf, second grade, repair, the vendor, a lot, a gift, or the bin."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, NotPermitted, Refused, Said, one_of
from entrepot.kernel.events import Event
from entrepot.returns import errors, repairing, rules
from entrepot.returns.commands.gathering import take_whole
from entrepot.returns.commands.left import serials_gone
from entrepot.returns.commands.lock import Line, Return, lock_inspected, offer_refunds, store
from entrepot.returns.commands.regrade import Into, Regrade, named_for, regrade
from entrepot.returns.refusing import OPEN, REFUSED, SEND_BACK
from entrepot.returns.regrading import FROM
from entrepot.stock.commands.move import CUSTOMER, SCRAP, At, Bucket
from entrepot.stock.commands.take_back import SetDown, lock_pending, pending, set_down
from entrepot.stock.errors import NotThere

OVERRIDES = "returns.override_dispositions"


@dataclass(frozen=True, slots=True)
class Dispose:
    """The disposition of units of an inspection: '' for the one proposed; another needs a reason, and somebody who may
    override.

    `bin` is where they are put: by default they stay, and what is restocked goes to the shelf of its SKU.
    """

    inspection: UUID
    quantity: int
    disposition: str = ""
    bin: UUID | None = None
    reason: str = ""
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Disposed:
    disposition_id: UUID
    disposition: str


class _Waiting(NamedTuple):
    """Units of an inspection, and where they stand."""

    return_id: UUID
    line: UUID
    left: int
    proposed: str
    node: UUID
    bin: UUID
    lot: str
    serial: str
    grade: str
    verdict: str
    read: str  # the serial number on the unit, as the inspector read it
    into: Into | None = None
    shelf: UUID | None = None

    @property
    def is_sold(self) -> bool:
        """Whether goods of its grade are sold as another SKU, and have a place for it."""
        return self.into is not None and self.shelf is not None

    @property
    def is_going_back(self) -> bool:
        """Whether its customer was told that he gets them again."""
        return self.verdict == REFUSED and self.proposed == SEND_BACK


class _Decided(NamedTuple):
    """A disposition that will be written."""

    id: UUID
    of: Return
    line: Line
    request: Dispose
    units: _Waiting
    disposition: str
    to_bin: UUID
    at: datetime

    @property
    def sold_as(self) -> Into | None:
        """What units of second grade become at once."""
        return self.units.into if self.disposition == FROM and self.units.is_sold else None


@command("returns.dispose")
def dispose(cause: Cause, /, *, requests: Sequence[Dispose]) -> list[Disposed | Refused]:
    """Units moved to where their disposition sends them; what is sellable again serves those who wait for it. Second
    grade is sold at once as the SKU that is named for it (`returns.grade_skus`), where there is one.

    What somebody has to decide about first, and another disposition than the proposed one, is for those who may give
    `returns.override_dispositions`.

    Locks: the orders in id order, then as `stock.set_down`.
    Refuses: NotFound; Invalid (quantity, disposition); NotPermitted (another than proposed);
    returns.more_than_waits; returns.reason_needed; returns.in_doubt;
    returns.no_bin; stock.not_there. Again: by key. 34 statements at most; 3 more where units are
    sent back, 27 where second grade is sold.
    """
    wanted = [one.inspection for one in requests]
    found = lock_inspected(wanted)
    waiting = {row[0]: _Waiting(*row[1:]) for row in sql.run(_WAITING, {"inspections": wanted})}
    left = {inspection: one.left for inspection, one in waiting.items()}
    shelves, nodes = _bins(found, requests)
    waiting = _sold_as(found, waiting, requests)
    keys = {which: _bucket(found[one.return_id], one) for which, one in waiting.items()}
    aims = {
        keys[request.inspection]._replace(bin=aim, status=status)
        for request in requests
        if (units := waiting.get(request.inspection))
        and (status := rules.EVERY.get(request.disposition or units.proposed))
        and (aim := _place(request, units, keys[request.inspection].sku, shelves))
    }
    aims |= {_sold_from(keys[which], one, None) for which, one in waiting.items() if one.is_sold}
    buckets = lock_pending({*keys.values(), *aims})
    there = {key: bucket.quantity - bucket.committed for key, bucket in buckets.items()}

    answers: list[Disposed | Refused] = []
    decided: list[_Decided] = []
    for request in requests:
        units = waiting.get(request.inspection)
        if units is None:
            answers.append(NotFound(what="inspection", which=str(request.inspection)))
            continue
        one = found[units.return_id]
        line = one.lines[units.line]
        bucket = _bucket(one, units)
        where = _decide(cause, request, units, left[request.inspection], one, line, shelves, nodes)
        if not isinstance(where, Refused) and there.get(bucket, 0) < request.quantity:
            where = NotThere(
                wanted=request.quantity,
                sku=str(line.sku),
                where=Said("bin {0}", units.bin),
                found=there.get(bucket, 0),
            )
        if isinstance(where, Refused):
            answers.append(where)
            continue
        disposition = request.disposition or units.proposed
        left[request.inspection] -= request.quantity
        there[bucket] -= request.quantity
        line.disposed += request.quantity
        at = request.occurred_at or cause.at
        decided.append(_Decided(ids.uuid7(), one, line, request, units, disposition, where, at))
        answers.append(Disposed(decided[-1].id, disposition))
    if decided:
        _write(cause, decided, buckets)
    return answers


def _bucket(one: Return, units: _Waiting) -> At:
    return pending(one.company, one.lines[units.line].sku, units.node, units.bin, units.lot, units.serial)


def _sold_as(
    found: Mapping[UUID, Return], waiting: Mapping[UUID, _Waiting], requests: Sequence[Dispose]
) -> dict[UUID, _Waiting]:
    """What goods of second grade are sold as, and from where. 2 statements at most, none where there are none."""
    second = {
        request.inspection: units
        for request in requests
        if (units := waiting.get(request.inspection)) and (request.disposition or units.proposed) == FROM
    }
    sku_of = {which: found[one.return_id].lines[one.line].sku for which, one in second.items()}
    named = named_for(set(sku_of.values())) if second else {}
    into = {
        which: named[key] for which, one in second.items() if (key := (sku_of[which], one.grade)) in named
    }
    if not into:
        return dict(waiting)
    shelves = shelves_of({(second[which].node, one.sku) for which, one in into.items()})
    sold = {
        which: second[which]._replace(
            into=one,
            shelf=shelf_of(shelves, second[which].node, one.sku),
        )
        for which, one in into.items()
    }
    return {**waiting, **sold}


def _sold_from(bucket: At, units: _Waiting, bin_id: UUID | None) -> At:
    """Where units of second grade are sold from: the bin that was named, or the shelf of what they are sold as."""
    assert units.into
    return bucket._replace(sku=units.into.sku, bin=bin_id or units.shelf, status="sellable")


def _bins(
    found: Mapping[UUID, Return], requests: Sequence[Dispose]
) -> tuple[dict[tuple[UUID, UUID | None], UUID], dict[UUID, UUID]]:
    """Shelves by (node, SKU), and by node alone; the nodes of bins that were named. 2 statements at most."""
    pairs = {(one.node, line.sku) for one in found.values() for line in one.lines.values()}
    return shelves_of(pairs), nodes_of({one.bin for one in requests if one.bin})


def shelves_of(pairs: Collection[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID | None], UUID]:
    """Shelves for SKUs at nodes, by (node, SKU) and by node alone. 1 statement."""
    shelves: dict[tuple[UUID, UUID | None], UUID] = {}
    for node, sku, bin_id in sql.run(_SHELVES, sql.columns(("nodes", "skus"), sorted(pairs))):
        shelves.setdefault((node, sku), bin_id)
    return shelves


def shelf_of(shelves: Mapping[tuple[UUID, UUID | None], UUID], node: UUID, sku: UUID) -> UUID | None:
    """The shelf of a SKU at a node, or one of the node."""
    return shelves.get((node, sku)) or shelves.get((node, None))


def nodes_of(bins: Collection[UUID]) -> dict[UUID, UUID]:
    """The nodes of bins. 1 statement; none for none."""
    return dict(sql.run(_NODES, {"bins": list(bins)})) if bins else {}  # type: ignore[arg-type]


def _decide(
    cause: Cause,
    request: Dispose,
    units: _Waiting,
    left: int,
    of: Return,
    line: Line,
    shelves: Mapping[tuple[UUID, UUID | None], UUID],
    nodes: Mapping[UUID, UUID],
) -> UUID | Refused:
    """The bin that the units go to."""
    disposition = request.disposition or units.proposed
    # What stays its customer's is so because he was told, and not because somebody chooses it here.
    known = (*rules.DISPOSITIONS, *((rules.REPAIR,) if of.asked == rules.REPAIR else ()), units.proposed)
    if disposition not in known:
        return Invalid(field="disposition", expected=one_of(rules.DISPOSITIONS), found=disposition)
    refused = units.verdict == REFUSED
    if his := repairing.misfit_his(disposition, of.asked, refused=refused, left=line.undecided):
        return his
    if units.is_going_back and disposition != SEND_BACK:
        expected = "send_back, which its customer was told; or accept the units first"
        return Invalid(field="disposition", expected=expected, found=disposition)
    if request.quantity < 1:
        return Invalid(field="quantity", expected="1 or more", found=request.quantity)
    if request.quantity > left:
        return errors.MoreThanWaits(wanted=request.quantity, step="disposed of", left=left)
    if units.verdict == OPEN and not cause.actor.may(OVERRIDES):
        return errors.InDoubt(number=of.number, units=units.left)
    if disposition != units.proposed and not cause.actor.may(OVERRIDES):
        return NotPermitted(actor=cause.actor.name, command=OVERRIDES)
    if disposition != units.proposed and not request.reason:
        why = f"{units.proposed} was proposed"
        return errors.ReasonNeeded(step=Said("{0} instead", disposition), why=why)
    if request.bin:
        if nodes.get(request.bin) != units.node:
            return errors.NoBin(node=str(units.node), kind="such", bin=f" {request.bin}")
        return request.bin
    return _place(request, units, line.sku, shelves) or errors.NoBin(
        node=str(units.node), kind="pick", bin=""
    )


def _place(
    request: Dispose, units: _Waiting, sku: UUID, shelves: Mapping[tuple[UUID, UUID | None], UUID]
) -> UUID | None:
    """The bin that was named, or else the shelf of what is sold again; other units stay where they are."""
    if request.bin or (request.disposition or units.proposed) != "restock":
        return request.bin or units.bin
    return shelf_of(shelves, units.node, sku)


def _write(cause: Cause, decided: Sequence[_Decided], buckets: dict[At, Bucket]) -> None:
    who = cause.actor.name
    values = set_down(cause, [_set_down(one) for one in decided], buckets)
    sql.write("returns_disposition", _DISPOSITION, [
        (
            one.id, one.of.id, one.line.id, one.request.inspection, one.request.quantity, one.disposition, one.to_bin,
            one.request.reason, who, one.at, value,
        )
        for one, value in zip(decided, values, strict=True)
    ])  # fmt: skip
    counts: dict[UUID, int] = defaultdict(int)
    for one in decided:
        counts[one.request.inspection] += one.request.quantity
    sql.run(_COUNT, sql.columns(("inspections", "units"), list(counts.items())))
    hand_back(
        (one.of.order, one.line, one.request.quantity, one.units.read or one.units.serial)
        for one in decided
        if one.disposition == SEND_BACK
    )
    announce(cause, [
        Event("return", one.of.id, one.of.company, "", "", one.at,
              {"disposition": one.disposition, "units": one.request.quantity}, one.request.reason)
        for one in decided
    ])  # fmt: skip
    _sell(cause, [one for one in decided if one.sold_as])
    changed = {one.of.id: one.of for one in decided}
    times = {one.of.id: one.at for one in decided}
    store(cause, changed.values(), times)
    offer_refunds(cause, "disposed", changed.values(), times)


def hand_back(units: Iterable[tuple[UUID, Line, int, str]]) -> None:
    """Units of orders' lines, with their serial numbers, are their customer's again: he may return them once more, and
    the numbers are out. 3 statements at most, none for none."""
    gone = list(units)
    if gone:
        sql.run(
            _NOT_BACK, sql.columns(("lines", "units"), [(line.line, count) for _, line, count, _ in gone])
        )
        serials_gone((order, line.sku, serial) for order, line, _, serial in gone)


def never_back(units: Iterable[tuple[UUID, int]]) -> None:
    """Units of order lines, that were handed back, have not become their customer's after all. 1 statement, none for
    none."""
    lost = [(line, -count) for line, count in units]
    if lost:
        sql.run(_NOT_BACK, sql.columns(("lines", "units"), lost))


def _sell(cause: Cause, sold: Sequence[_Decided]) -> None:
    """Units of second grade become what they are sold as."""
    if sold:
        take_whole((one.id, one.request.quantity) for one in sold)
        regrade(cause, [_regrade(one) for one in sold])


def _regrade(one: _Decided) -> Regrade:
    assert one.units.into
    bucket = _bucket(one.of, one.units)
    return Regrade(
        one.id, one.of.id, one.of.company, one.of.home, one.units.grade, one.request.quantity,
        bucket._replace(bin=one.to_bin, status=FROM), _sold_from(bucket, one.units, one.request.bin), one.units.into,
        one.at, one.line.reason,
    )  # fmt: skip


def _set_down(one: _Decided) -> SetDown:
    units = one.units
    return SetDown(
        one.of.company, one.line.sku, units.node, units.bin, units.lot, units.serial, one.request.quantity,
        one.disposition, rules.EVERY[one.disposition], one.to_bin, rules.LEAVES.get(one.disposition, ""),
        one.of.id, one.line.line, one.at, CUSTOMER if one.disposition == SEND_BACK else SCRAP,
        one.line.reason,
    )  # fmt: skip


_DISPOSITION: tuple[Any, ...] = (
    "id", "return_id", "return_line_id", "inspection_id", "quantity", "disposition", "bin_id", "reason", "decided_by",
    "decided_at", "value_minor",
)  # fmt: skip

_WAITING = """
SELECT i.id, i.return_id, i.return_line_id, i.quantity - i.disposed, i.proposed, r.node_id, r.bin_id, r.lot, r.serial,
       i.grade, i.verdict, i.serial
FROM returns_inspection AS i JOIN returns_receipt AS r ON r.id = i.receipt_id
WHERE i.id = ANY(%(inspections)s::uuid[])
"""

# First where most of the SKU stands on a shelf; for a SKU that stands on none, the first shelf on the way.
_SHELVES = """
SELECT d.node, d.sku, (
    SELECT b.bin_id FROM stock_bucket AS b JOIN network_bin AS n ON n.id = b.bin_id AND n.kind = 'pick'
    WHERE b.sku_id = d.sku AND b.node_id = d.node AND b.status = 'sellable' ORDER BY b.quantity DESC, b.id LIMIT 1)
FROM unnest(%(nodes)s::uuid[], %(skus)s::uuid[]) AS d(node, sku)
UNION ALL
SELECT n.node_id, NULL, (array_agg(n.id ORDER BY n.pick_sequence, n.id))[1] FROM network_bin AS n
WHERE n.node_id = ANY(%(nodes)s::uuid[]) AND n.kind = 'pick' GROUP BY n.node_id
"""

_NODES = """
SELECT id, node_id FROM network_bin WHERE id = ANY(%(bins)s::uuid[]) AND kind NOT IN ('blocked', 'retired')
"""

_NOT_BACK = """
UPDATE returns_sold AS s SET authorized = s.authorized - d.units, received = s.received - d.units
FROM (SELECT line, sum(units)::int AS units FROM unnest(%(lines)s::uuid[], %(units)s::int[]) AS d(line, units)
      GROUP BY line) AS d
WHERE s.line_id = d.line
"""

_COUNT = """
UPDATE returns_inspection AS i SET disposed = i.disposed + d.units
FROM unnest(%(inspections)s::uuid[], %(units)s::int[]) AS d(inspection, units) WHERE i.id = d.inspection
"""
