"""What stands in second grade is decided about again: sold as a SKU of its own, or sent on otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said, WrongState, one_of
from entrepot.kernel.events import Event
from entrepot.returns import errors, regrading, rules
from entrepot.returns.commands.dispose import nodes_of, shelf_of, shelves_of
from entrepot.returns.commands.gathering import counted, lock_waiting, take
from entrepot.returns.commands.regrade import Into, Regrade, named_for, regrade
from entrepot.returns.onward import Waits
from entrepot.stock.commands.allocate import lock_positions
from entrepot.stock.commands.move import SCRAP, At, Move, lock_buckets, move_units
from entrepot.stock.errors import NotThere


@dataclass(frozen=True, slots=True)
class Redispose:
    """Units of a disposition that stand in second grade, and what is done with them now, of `regrading.AGAIN`; or those
    in quarantine whose customer wants them repaired, and `repair`.

    `second_grade` sells them as the SKU that is named for them, from `bin` or the shelf of that SKU; all else leaves
    them in their bin, or takes them out of the house.
    """

    company: int
    disposition: UUID
    quantity: int
    instead: str
    reason: str
    bin: UUID | None = None
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Redisposed:
    """The new disposition; the earlier one where its units are sold as another SKU, at `value_minor`."""

    disposition_id: UUID
    instead: str
    value_minor: int


class _About(NamedTuple):
    """What else is known of a disposition."""

    return_id: UUID
    return_line: UUID
    line: UUID
    inspection: UUID
    grade: str
    sku: UUID
    sku_code: str
    node: UUID
    reason: str


class _Decided(NamedTuple):
    id: UUID
    request: Redispose
    of: Waits
    about: _About
    source: At
    target: At | None
    into: Into | None
    at: datetime


@command("returns.redispose")
def redispose(cause: Cause, /, *, requests: Sequence[Redispose]) -> list[Redisposed | Refused]:
    """Units of second grade, that nothing follows yet, sold as a SKU of their own or sent another way; and units from
    quarantine to their repair.

    Locks: the dispositions in id order, then positions and buckets as `stock.move_units`.
    Refuses: NotFound; Invalid (instead, quantity); WrongState (no second grade); returns.reason_needed;
    returns.more_than_waits; returns.no_second_grade; returns.no_bin; stock.not_there. Again: by key.
    45 statements at most.
    """
    which = [one.disposition for one in requests]
    found = lock_waiting(which)
    about = {row[0]: _About(*row[1:]) for row in sql.run(_ABOUT, {"ids": which})}
    into = named_for({one.sku for one in found.values()})
    targets = {into[key].sku for one in about.values() if (key := (one.sku, one.grade)) in into}
    shelves = shelves_of({(one.node, sku) for one in found.values() for sku in targets})
    nodes = nodes_of({one.bin for one in requests if one.bin})
    owned = {(one.company, one.sku) for one in found.values()}
    lock_positions(owned | {(one.company, sku) for one in found.values() for sku in targets})
    buckets = lock_buckets(_stands(one) for one in found.values())
    there = {key: bucket.quantity - bucket.committed for key, bucket in buckets.items()}
    answers: list[Redisposed | Refused] = []
    decided: list[_Decided] = []
    for request in requests:
        one = found.get(request.disposition)
        refused = _misfit(request, one, there)
        if refused or one is None:
            answers.append(refused or NotFound(what="disposition", which=str(request.disposition)))
            continue
        named = into.get((one.sku, about[one.id].grade))
        target = _target(request, one, about[one.id], named, shelves, nodes)
        if isinstance(target, Refused):
            answers.append(target)
            continue
        there[_stands(one)] -= request.quantity
        found[one.id] = one._replace(taken=one.taken + request.quantity)
        sold = named if request.instead == regrading.FROM else None
        at = request.occurred_at or cause.at
        decided.append(_Decided(ids.uuid7(), request, one, about[one.id], _stands(one), target, sold, at))
        answers.append(Redisposed(one.id if sold else decided[-1].id, request.instead, 0))
    values = iter(_write(cause, decided) if decided else ())
    return [
        Redisposed(one.disposition_id, one.instead, next(values)) if isinstance(one, Redisposed) else one
        for one in answers
    ]


def _stands(one: Waits) -> At:
    status = rules.EVERY.get(one.disposition) or "second_grade"
    return At(one.sku, one.node, one.bin, one.company, status, one.lot, one.serial)


def _misfit(request: Redispose, one: Waits | None, there: dict[At, int]) -> Refused | None:
    if one is None or one.company != request.company:
        return NotFound(what="disposition", which=str(request.disposition))
    repairs = one.disposition == rules.QUARANTINE and one.asked == rules.REPAIR
    ways = (rules.REPAIR,) if repairs else regrading.AGAIN
    if request.instead not in ways:
        return Invalid(field="instead", expected=one_of(ways), found=request.instead)
    if one.disposition != regrading.FROM and not repairs:
        return WrongState(
            subject="disposition", found=one.disposition, event="decide again", expected=regrading.FROM
        )
    if not request.reason.strip():
        return errors.ReasonNeeded(step=request.instead, why=Said("{0} was decided", one.disposition))
    if request.quantity < 1:
        return Invalid(field="quantity", expected="1 or more", found=request.quantity)
    if request.quantity > (left := one.quantity - one.taken):
        return errors.MoreThanWaits(wanted=request.quantity, step="decided about again", left=left)
    if request.quantity > (stands := there.get(_stands(one), 0)):
        where = Said("bin {0}", one.bin)
        return NotThere(wanted=request.quantity, sku=str(one.sku), where=where, found=stands)
    return None


def _target(
    request: Redispose,
    one: Waits,
    about: _About,
    named: Into | None,
    shelves: dict[tuple[UUID, UUID | None], UUID],
    nodes: dict[UUID, UUID],
) -> At | Refused | None:
    """Where the units stand from then on; None where they leave the house."""
    if request.bin and nodes.get(request.bin) != one.node:
        return errors.NoBin(node=str(one.node), kind="such", bin=f" {request.bin}")
    source = _stands(one)
    if request.instead != regrading.FROM:
        status = rules.EVERY[request.instead]
        return source._replace(status=status, bin=request.bin or one.bin) if status else None
    if named is None:
        return errors.NoSecondGrade(sku=about.sku_code, grade=about.grade)
    place = request.bin or shelf_of(shelves, one.node, named.sku)
    if place is None:
        return errors.NoBin(node=str(one.node), kind="pick", bin="")
    return source._replace(sku=named.sku, bin=place, status="sellable")


def _write(cause: Cause, decided: Sequence[_Decided]) -> list[int]:
    """The value of each: as what it is sold as, or what left the house with it; 0 of what stays."""
    take(counted((one.of.id, one.request.quantity) for one in decided))
    sold = [one for one in decided if one.into]
    values = dict(zip((one.id for one in sold), regrade(cause, [_regrade(one) for one in sold]), strict=True))
    others = [one for one in decided if not one.into]
    gone = move_units(cause, [_move(one) for one in others]).values
    values |= {one.id: worth for one, worth in zip(others, gone, strict=True)}
    who = cause.actor.name
    if others:
        sql.write("returns_disposition", _DISPOSITION, [
            (
                one.id, one.about.return_id, one.about.return_line, one.about.inspection, one.request.quantity,
                one.request.instead, one.target.bin if one.target else one.of.bin, one.of.id,
                one.request.reason.strip(), who, one.at, values[one.id],
            )
            for one in others
        ])  # fmt: skip
    announce(cause, [
        Event("return", one.about.return_id, one.of.company, "", "", one.at,
              {"disposition": one.request.instead, "before": one.of.disposition, "units": one.request.quantity},
              one.request.reason.strip())
        for one in decided
    ])  # fmt: skip
    return [values[one.id] for one in decided]


def _regrade(one: _Decided) -> Regrade:
    assert one.into and one.target
    return Regrade(
        one.of.id, one.about.return_id, one.of.company, one.of.currency, one.about.grade, one.request.quantity,
        one.source, one.target, one.into, one.at, one.about.reason,
    )  # fmt: skip


def _move(one: _Decided) -> Move:
    return Move(
        one.of.company, one.of.sku, one.request.quantity, one.source, one.target or SCRAP, one.request.instead,
        "return", one.about.return_id, one.at, rules.LEAVES.get(one.request.instead, ""), one.about.line,
        why=one.about.reason,
    )  # fmt: skip


_DISPOSITION = (
    "id", "return_id", "return_line_id", "inspection_id", "quantity", "disposition", "bin_id", "earlier_id", "reason",
    "decided_by", "decided_at", "value_minor",
)  # fmt: skip

_ABOUT = """
SELECT d.id, d.return_id, d.return_line_id, l.line_id, d.inspection_id, i.grade, l.sku_id, s.code, c.node_id, l.reason
FROM returns_disposition AS d JOIN returns_inspection AS i ON i.id = d.inspection_id
JOIN returns_receipt AS c ON c.id = i.receipt_id
JOIN returns_line AS l ON l.id = d.return_line_id JOIN catalog_sku AS s ON s.id = l.sku_id
WHERE d.id = ANY(%(ids)s::uuid[])
"""
