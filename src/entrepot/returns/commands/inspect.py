"""An inspector looks at what came, and the rules propose what is done with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import ids, policies, sql, wire
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.returns import errors, recovery, rules
from entrepot.returns.commands.lock import Line, Return, in_force, lock_returns, store

policies.shape("returns.recovery")(recovery.Recovery)


@dataclass(frozen=True, slots=True)
class Inspect:
    """What was found of units of a receipt: a grade (`rules.GRADES`), codes of defects, a note."""

    receipt: UUID
    quantity: int
    grade: str
    codes: tuple[str, ...] = ()
    note: str = ""
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Inspected:
    """The inspection, the disposition that the rules propose, and why; where the expected recovery decides, what each
    way brings of a unit."""

    inspection: UUID
    proposed: str
    why: str
    sums: tuple[recovery.Sum, ...] = ()


class _Found(NamedTuple):
    """An inspection that will be written."""

    id: UUID
    of: Return
    line: Line
    request: Inspect
    proposed: str
    why: str
    sums: tuple[recovery.Sum, ...]
    at: datetime


@command("returns.inspect")
def inspect(cause: Cause, /, *, requests: Sequence[Inspect]) -> list[Inspected | Refused]:
    """Inspections, each with a proposed disposition; the units stay where they are until it is decided.

    Locks: the orders in id order. Refuses: NotFound; Invalid (quantity, grade); returns.more_than_waits.
    Again: by key. 14 statements at most.
    """
    wanted = [one.receipt for one in requests]
    found = lock_returns([row[0] for row in sql.run(_RETURNS_OF, {"receipts": wanted})])
    waiting = {row[0]: row[1:] for row in sql.run(_WAITING, {"receipts": wanted})}
    left = {receipt: row[2] for receipt, row in waiting.items()}
    companies = {one.company for one in found.values()}
    usual = in_force(cause, companies)
    recoveries = policies.of_companies(companies, recovery.Recovery, cause.at)

    answers: list[Inspected | Refused] = []
    inspections: list[_Found] = []
    for request in requests:
        refused = _misfit(request, left.get(request.receipt))
        if refused:
            answers.append(refused)
            continue
        return_id, line_id, _, *goods = waiting[request.receipt]
        left[request.receipt] -= request.quantity
        one = found[return_id]
        line = one.lines[line_id]
        line.inspected += request.quantity
        at = request.occurred_at or cause.at
        sums = recovery.sums(recoveries[one.company][1], _goods(request.grade, at, *goods))
        proposed, why = _propose(usual[one.company][1], request.grade, sums)
        inspections.append(_Found(ids.uuid7(), one, line, request, proposed, why, sums, at))
        answers.append(Inspected(inspections[-1].id, proposed, why, sums))
    if inspections:
        _write(cause, inspections)
    return answers


def _goods(
    grade: str, at: datetime, category: str, price: int, cost: int, sold_at: datetime | None
) -> recovery.Goods:
    age = max(0, (at - sold_at).days) if sold_at else 0
    return recovery.Goods(grade, category, price, cost, age)


def _propose(policy: rules.Policy, grade: str, sums: tuple[recovery.Sum, ...]) -> tuple[str, str]:
    """What brings the most, where that decides; what the policy says for the grade otherwise."""
    if not sums:
        return rules.propose(policy, grade)
    return sums[0].disposition, recovery.told(sums, f"grade {grade} ({rules.GRADES[grade]})")


def _misfit(request: Inspect, left: int | None) -> Refused | None:
    if left is None:
        return NotFound(what="receipt", which=str(request.receipt))
    if request.grade not in rules.GRADES:
        return Invalid(field="grade", expected=f"one of {', '.join(rules.GRADES)}", found=request.grade)
    if request.quantity < 1:
        return Invalid(field="quantity", expected="1 or more", found=request.quantity)
    if any(" " in code or not code for code in request.codes):
        return Invalid(field="codes", expected="words without spaces", found=", ".join(request.codes))
    if request.quantity > left:
        return errors.MoreThanWaits(wanted=request.quantity, step="inspected", left=left)
    return None


def _write(cause: Cause, inspections: Sequence[_Found]) -> None:
    who = cause.actor.name
    sql.write("returns_inspection", _INSPECTION, [
        (
            one.id, one.of.id, one.line.id, one.request.receipt, one.request.quantity, 0, one.request.grade,
            " ".join(one.request.codes), one.request.note, one.proposed, one.why,
            wire.dump([each._asdict() for each in one.sums]), who, one.at,
        )
        for one in inspections
    ])  # fmt: skip
    counts: dict[UUID, int] = defaultdict(int)
    for one in inspections:
        counts[one.request.receipt] += one.request.quantity
    sql.run(_COUNT, sql.columns(("receipts", "units"), list(counts.items())))
    announce(cause, [
        Event("return", one.of.id, one.of.company, "", "", one.at,
              {"inspection": one.id, "grade": one.request.grade, "units": one.request.quantity})
        for one in inspections
    ])  # fmt: skip
    store(
        cause,
        {one.of.id: one.of for one in inspections}.values(),
        {one.of.id: one.at for one in inspections},
    )


_INSPECTION = (
    "id", "return_id", "return_line_id", "receipt_id", "quantity", "disposed", "grade", "codes", "note", "proposed",
    "why", "sums", "inspected_by", "inspected_at",
)  # fmt: skip

_RETURNS_OF = "SELECT DISTINCT return_id FROM returns_receipt WHERE id = ANY(%(receipts)s::uuid[])"

# Of one unit: what was paid for it without tax, and what it had cost.
_WAITING = """
SELECT r.id, r.return_id, r.return_line_id, r.quantity - r.inspected, k.category,
       ((o.gross_minor - o.discount_minor) / o.quantity)::bigint, (r.cost_minor / r.quantity)::bigint,
       (SELECT max(h.shipped_at) FROM shipping_shipment AS h WHERE h.order_id = l.order_id)
FROM returns_receipt AS r
JOIN returns_line AS l ON l.id = r.return_line_id
JOIN orders_line AS o ON o.id = l.line_id
JOIN catalog_sku AS k ON k.id = r.sku_id
WHERE r.id = ANY(%(receipts)s::uuid[])
"""

_COUNT = """
UPDATE returns_receipt AS r SET inspected = r.inspected + d.units
FROM unnest(%(receipts)s::uuid[], %(units)s::int[]) AS d(receipt, units) WHERE r.id = d.receipt
"""
