"""A delivery that was held is sold, or is not, by what was found in its sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, whole
from entrepot.kernel.errors import Invalid, NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.purchasing.commands.arriving import NewClaim, open_claims
from entrepot.purchasing.receiving import Verdict, judge
from entrepot.purchasing.states import CHECK
from entrepot.stock.commands.allocate import lock_positions
from entrepot.stock.commands.change_status import ChangeStatus, change_status
from entrepot.stock.commands.move import At, lock_buckets
from entrepot.stock.errors import NotThere
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects

BECOMES = ("sellable", "damaged", "quarantined")
"""What units that were held may be afterwards."""


@dataclass(frozen=True, slots=True)
class DecideCheck:
    """How many units of a check's sample were bad, with a note where some were. The goods are those that wait for a
    check where they came, and then elsewhere at the node if they were moved since; or all in the `bin` that is said."""

    check: UUID
    defects: int
    note: str = ""
    bin: UUID | None = None
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class CheckDecided:
    """Units that may be sold now, that are damaged, and that wait in quarantine for the supplier's answer."""

    check: UUID
    state: str
    passed: int
    damaged: int
    quarantined: int
    why: str


class _Check(NamedTuple):
    id: UUID
    number: str
    company: int
    receipt: UUID
    order: UUID
    order_number: str
    supplier: UUID
    sku: UUID
    node: UUID
    bin: UUID
    lot: str
    quantity: int
    sample: int
    defects_max: int
    state: str
    line_quantity: int
    value_minor: int


class _Decided(NamedTuple):
    check: _Check
    request: DecideCheck
    verdict: Verdict
    state: str
    places: list[tuple[At, int]]
    at: datetime


@command("purchasing.decide_checks")
def decide_checks(cause: Cause, /, *, requests: Sequence[DecideCheck]) -> list[CheckDecided | Refused]:
    """The held units change their status: sold where the sample was good enough, else damaged and in quarantine, and
    claimed from the supplier. Orders that waited for what passed are ready for sourcing again.

    Locks: the checks in id order, then as `stock.change_status`.
    Refuses: NotFound; WrongState (decided before); Invalid (more bad units than were looked at, or no note);
    stock.not_there (fewer wait for a check at the node, or in the bin that was said).
    Again: by key. 9 statements and those of `stock.change_status`; 3 more where a claim is opened.
    """
    checks = {row[0]: _Check(*row) for row in sql.run(_LOCK, {"ids": [one.check for one in requests]})}
    lock_positions((check.company, check.sku) for check in checks.values())
    places = _places(checks, requests)
    ends = {
        at._replace(status=status)
        for found in places.values()
        for at in found
        for status in (at.status, *BECOMES)
    }
    left = {at: bucket.quantity - bucket.committed for at, bucket in lock_buckets(ends).items()}

    answers: list[CheckDecided | Refused] = []
    decided: list[_Decided] = []
    for one in requests:
        found = _decide(cause, one, checks, places, left)
        if isinstance(found, Refused):
            answers.append(found)
            continue
        checks[one.check] = found.check._replace(state=found.state)
        for at, units in found.places:
            left[at] -= units
        decided.append(found)
        verdict = found.verdict
        answers.append(
            CheckDecided(
                one.check, found.state, verdict.passed, verdict.damaged, verdict.quarantined, verdict.why
            )
        )

    if decided:
        _write(cause, decided)
    return answers


def _places(checks: dict[UUID, _Check], requests: Sequence[DecideCheck]) -> dict[UUID, list[At]]:
    """Where goods like those of each check wait, where they came first; or where it is said that they are. 1
    statement."""
    found: dict[UUID, list[At]] = {}
    for check, bin_id in sql.run(_HELD, {"ids": sorted(checks)}):
        found.setdefault(check, []).append(_at(checks[check], bin_id))
    said = {one.check: one.bin for one in requests if one.bin and one.check in checks}
    return found | {which: [_at(checks[which], bin_id)] for which, bin_id in said.items()}


def _at(check: _Check, bin_id: UUID) -> At:
    return At(check.sku, check.node, bin_id, check.company, "pending_inspection", check.lot)


def _take(places: Sequence[At], left: dict[At, int], wanted: int) -> list[tuple[At, int]]:
    """As many units of each place as are wanted still; too few in all where they are not there."""
    taken = []
    for at in places:
        units = min(wanted, max(0, left.get(at, 0)))
        if units:
            taken.append((at, units))
        wanted -= units
    return taken


def _decide(
    cause: Cause,
    one: DecideCheck,
    checks: dict[UUID, _Check],
    places: dict[UUID, list[At]],
    left: dict[At, int],
) -> _Decided | Refused:
    check = checks.get(one.check)
    if check is None:
        return NotFound(what="quality check", which=str(one.check))
    verdict = judge(check.quantity, check.sample, one.defects, check.defects_max)
    if isinstance(verdict, Refused):
        return verdict
    state = CHECK.step(check.state, "pass" if verdict.passed else "fail")
    if isinstance(state, Refused):
        return state
    if one.defects and not one.note:
        return Invalid(field="note", expected="what is wrong with the bad units", found="nothing")
    taken = _take(places.get(one.check, []), left, check.quantity)
    there = sum(units for _, units in taken)
    if there < check.quantity:
        return NotThere(
            wanted=check.quantity, sku=str(check.sku), where="where they wait for a check", found=there
        )
    return _Decided(check, one, verdict, state, taken, one.occurred_at or cause.at)


def _write(cause: Cause, decided: Sequence[_Decided]) -> None:
    rows = [
        (
            one.check.id, one.state, one.request.defects, one.verdict.passed, one.request.note,
            cause.actor.name, one.at,
        )
        for one in decided
    ]  # fmt: skip
    names = ("ids", "states", "defects", "passed", "notes", "people", "times")
    sql.run(_DECIDE, sql.columns(names, rows))
    whole(change_status(cause, requests=[move for one in decided for move in _moves(one)]))
    open_claims(cause, [_claim(one) for one in decided if one.verdict.damaged or one.verdict.quarantined])
    resolve_subjects(
        cause,
        requests=[
            ResolveSubject(one.check.company, "quality check", one.check.id, note=one.verdict.why)
            for one in decided
        ],
    )
    announce(
        cause,
        [
            Event(
                "quality_check", one.check.id, one.check.company, "waiting", one.state, one.at,
                {"number": one.check.number, "passed": one.verdict.passed}, one.verdict.why,
            )
            for one in decided
        ],
    )  # fmt: skip


def _moves(one: _Decided) -> list[ChangeStatus]:
    check, verdict = one.check, one.verdict
    left = dict(one.places)
    moves = []
    became = zip(BECOMES, (verdict.passed, verdict.damaged, verdict.quarantined), strict=True)
    for status, units in became:
        for at, some in _take(list(left), left, units):
            left[at] -= some
            assert at.bin
            moves.append(ChangeStatus(
                check.company, check.sku, check.node, at.bin, some, "pending_inspection", status,
                f"quality check {check.number}", lot=check.lot, occurred_at=one.at,
            ))  # fmt: skip
    return moves


def _claim(one: _Decided) -> NewClaim:
    """The units that can't be sold, at their share of what the delivery is worth."""
    check = one.check
    units = one.verdict.damaged + one.verdict.quarantined
    value = check.value_minor * units // check.line_quantity
    return NewClaim(
        check.company, check.supplier, check.order, check.order_number, check.receipt, check.sku, units, value,
        "failed check", one.request.note, one.at,
    )  # fmt: skip


_LOCK = """
SELECT c.id, c.number, c.company_id::int, c.receipt_id, c.order_id, bought.number, bought.supplier_id, c.sku_id,
       c.node_id, c.bin_id, c.lot, c.quantity, c.sample, c.defects_max, c.state, line.quantity, line.value_minor
FROM purchasing_check AS c JOIN purchasing_order AS bought ON bought.id = c.order_id
JOIN purchasing_receiptline AS line ON line.id = c.line_id
WHERE c.id = ANY(%(ids)s::uuid[]) ORDER BY c.id FOR UPDATE OF c
"""

_HELD = """
SELECT c.id, b.bin_id
FROM purchasing_check AS c
JOIN stock_bucket AS b ON b.sku_id = c.sku_id AND b.node_id = c.node_id AND b.owner_id = c.company_id
 AND b.status = 'pending_inspection' AND b.lot = c.lot AND b.serial = '' AND b.quantity > b.committed
WHERE c.id = ANY(%(ids)s::uuid[]) ORDER BY c.id, b.bin_id <> c.bin_id, b.id
"""

_DECIDE = """
UPDATE purchasing_check AS c
SET state = d.state, defects = d.defects, passed = d.passed, note = d.note, decided_by = d.person, decided_at = d.at
FROM unnest(%(ids)s::uuid[], %(states)s::text[], %(defects)s::int[], %(passed)s::int[], %(notes)s::text[],
            %(people)s::text[], %(times)s::timestamptz[]) AS d(id, state, defects, passed, note, person, at)
WHERE c.id = d.id
"""
