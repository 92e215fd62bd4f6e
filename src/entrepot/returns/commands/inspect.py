"""An inspector looks at what came, and the rules propose what is done with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import ids, money, policies, sql, wire
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, offer
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said, one_of
from entrepot.kernel.events import Event
from entrepot.returns import checklists, errors, proposing, recovery, rules
from entrepot.returns.claiming import QUEUE as CLAIMS
from entrepot.returns.claiming import Claims
from entrepot.returns.commands.judging import judge
from entrepot.returns.commands.left import BUCKETS, UNKNOWN, serials_back
from entrepot.returns.commands.lock import Line, Return, lock_returns, offer_refunds, store
from entrepot.returns.fraud import FraudPolicy
from entrepot.returns.refusing import OPEN, Refusals
from entrepot.work.commands.open_items import OpenItem, open_items


@dataclass(frozen=True, slots=True)
class Inspect:
    """What was found of units of a receipt: a grade (`rules.GRADES`), codes of defects, a note.

    `answers` are those to the checklist of the category, by the codes of its questions. They may lower the grade; with
    '' it is the best that they allow. `weight_g` is of all units together, `serial` is read on the unit,
    and `lot` on what has one: without it the lot of the receipt holds.
    What was inspected and has `gone` its way before the house knew of it can go without.
    """

    receipt: UUID
    quantity: int
    grade: str = ""
    codes: tuple[str, ...] = ()
    note: str = ""
    answers: dict[str, str] = field(default_factory=dict)
    weight_g: int | None = None
    serial: str = ""
    lot: str = ""
    occurred_at: datetime | None = None
    key: str | None = None
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Inspected:
    """The inspection, the disposition that the rules propose, and why; where the expected recovery decides, what each
    way brings of a unit. `grade` is the one that stands, `codes` are those of answers and checks too."""

    inspection: UUID
    proposed: str
    why: str
    sums: tuple[recovery.Sum, ...] = ()
    grade: str = ""
    codes: tuple[str, ...] = ()


class _Found(NamedTuple):
    """An inspection that will be written."""

    id: UUID
    of: Return
    line: Line
    request: Inspect
    checked: _Checked
    proposed: str
    why: str
    sums: tuple[recovery.Sum, ...]
    at: datetime


class _Checked(NamedTuple):
    """What the answers and checks say: the grade that stands, why it is lower, and all codes."""

    grade: str
    lowered: str
    codes: tuple[str, ...]
    found: tuple[checklists.Finding, ...]
    version: int
    doubted: tuple[str, ...] = ()
    """Codes that somebody has to decide about."""


class _Waiting(NamedTuple):
    """Units of a receipt that wait for an inspection, and what is known of them."""

    return_id: UUID
    line: UUID
    left: int
    category: str
    price: int
    cost: int
    sold_at: datetime | None
    weight_g: int
    lot: str
    serial: str
    lots: list[str]
    serials: list[str]
    unknown: int
    listed: Decimal | None
    sku: str
    hazardous: bool
    condition: str
    suppliers: list[str]


@command("returns.inspect")
def inspect(cause: Cause, /, *, requests: Sequence[Inspect]) -> list[Inspected | Refused]:
    """Inspections, each with a proposed disposition; the units stay where they are until it is decided.

    A serial number that did not leave with the order is a swap where the numbers of all its units are known: somebody
    is asked about it, and about what else the policy `returns.refusals` doubts; it is not refunded before.
    Locks: the orders in id order. Refuses: NotFound; Invalid (quantity, grade, codes, answers, weight, serial);
    returns.more_than_waits; returns.answers_missing; returns.serial_needed; returns.inspected_already (a serial number
    of the return). Again: by key. 19 statements at most; 13 more where returns are judged.
    """
    wanted = [one.receipt for one in requests]
    found = lock_returns([row[0] for row in sql.run(_RETURNS_OF, {"receipts": wanted})])
    waiting = {row[0]: _Waiting(*row[1:]) for row in sql.run(_WAITING, {"receipts": wanted})}
    left = {receipt: one.left for receipt, one in waiting.items()}
    seen = {tuple(row) for row in sql.run(_SEEN, {"returns": list(found)})}
    companies = {one.company for one in found.values()}
    in_force = policies.InForce(companies, _SHAPES, cause.at)

    answers: list[Inspected | Refused] = []
    inspections: list[_Found] = []
    for request in requests:
        units = waiting.get(request.receipt)
        if units is None:
            answers.append(NotFound(what="receipt", which=str(request.receipt)))
            continue
        one = found[units.return_id]
        unit = (one.id, one.lines[units.line].sku, request.serial or units.serial)
        checked = (
            _misfit(request, left[request.receipt])
            or (unit in seen and errors.InspectedAlready(serial=unit[2], number=one.number))
            or _check(request, units, *in_force.of(one.company, checklists.Checklists))
        )
        if isinstance(checked, Refused):
            answers.append(checked)
            continue
        seen |= {unit} if unit[2] else set()
        checked = checked._replace(
            doubted=tuple(in_force.of(one.company, Refusals)[1].doubted(checked.codes))
            if not request.gone
            else ()
        )
        left[request.receipt] -= request.quantity
        line = one.lines[units.line]
        line.inspected += request.quantity
        at = request.occurred_at or cause.at
        proposal = _propose(in_force, one, line, units, checked, at)
        inspections.append(_Found(ids.uuid7(), one, line, request, checked, *proposal, at))
        answers.append(Inspected(inspections[-1].id, *proposal, checked.grade, checked.codes))
    if inspections:
        _write(cause, inspections, in_force)
    return answers


def _check(
    request: Inspect, units: _Waiting, version: int, policy: checklists.Checklists
) -> _Checked | Refused:
    """What the checklist of the category, the weight and the serial number say of the grade."""
    questions = policy.of(units.category)
    if not request.grade and not questions:
        return Invalid(field="grade", expected=one_of(rules.GRADES), found="none")
    answered = checklists.answered(questions, request.answers)
    if isinstance(answered, Refused):
        return answered
    serial = request.serial or units.serial
    unknown = request.quantity if request.gone else units.unknown
    lot = request.lot or units.lot
    matched = checklists.matched(policy, serial, units.serials, unknown, lot, units.lots)
    if isinstance(matched, Refused):
        return matched
    if units.serials and not unknown and request.quantity != 1:
        return Invalid(field="quantity", expected="1 of goods with serial numbers", found=request.quantity)
    found = (
        *answered,
        *checklists.weighed(policy, units.weight_g, request.weight_g, request.quantity),
        *matched,
    )
    grade, lowered = checklists.capped(request.grade, found)
    codes = tuple(dict.fromkeys((*request.codes, *checklists.codes_of(found))))
    return _Checked(grade, lowered, codes, found, version if questions else 0)


def _goods(grade: str, at: datetime, units: _Waiting, of: Return) -> recovery.Goods:
    """What was paid was paid in the order's currency; cost and list price are in the company's own."""
    age = max(0, (at - units.sold_at).days) if units.sold_at else 0
    paid = money.in_own(units.price, of.rate, of.currency, of.home)
    price = money.extend(1, units.listed, of.home) if units.listed else paid
    return recovery.Goods(grade, units.category, price, units.cost, age)


def _propose(
    in_force: policies.InForce, of: Return, line: Line, units: _Waiting, checked: _Checked, at: datetime
) -> proposing.Proposal:
    """What the rules propose, with what lowered the grade."""
    unit = proposing.Unit(
        _goods(checked.grade, at, units, of), units.sku, line.reason, units.condition, checked.codes,
        tuple(units.suppliers), units.hazardous, of.asked == "repair",
    )  # fmt: skip
    found = proposing.propose(
        in_force.of(of.company, rules.Policy)[1],
        in_force.of(of.company, proposing.Dispositions)[1],
        in_force.of(of.company, recovery.Recovery)[1],
        unit,
    )
    return found._replace(why=f"{found.why}; {checked.lowered}") if checked.lowered else found


def _misfit(request: Inspect, left: int) -> Refused | None:
    if request.grade and request.grade not in rules.GRADES:
        return Invalid(field="grade", expected=one_of(rules.GRADES), found=request.grade)
    if request.quantity < 1:
        return Invalid(field="quantity", expected="1 or more", found=request.quantity)
    if any(" " in code or not code for code in request.codes):
        return Invalid(field="codes", expected="words without spaces", found=", ".join(request.codes))
    if request.weight_g is not None and not 0 <= request.weight_g < 2**31:
        return Invalid(field="weight_g", expected="grams, 0 or more", found=request.weight_g)
    if request.serial and request.quantity != 1:
        return Invalid(field="quantity", expected="1 with a serial number", found=request.quantity)
    if request.quantity > left:
        return errors.MoreThanWaits(wanted=request.quantity, step="inspected", left=left)
    return None


def _write(cause: Cause, inspections: Sequence[_Found], in_force: policies.InForce) -> None:
    who = cause.actor.name
    sql.write("returns_inspection", _INSPECTION, [
        (
            one.id, one.of.id, one.line.id, one.request.receipt, one.request.quantity, 0, one.checked.grade,
            " ".join(one.checked.codes), one.request.note, one.proposed, one.why,
            wire.dump([each._asdict() for each in one.sums]), one.checked.version,
            wire.dump([each._asdict() for each in one.checked.found]), one.request.weight_g, one.request.serial,
            OPEN if one.checked.doubted else "", who, one.at,
        )
        for one in inspections
    ])  # fmt: skip
    serials_back((one.of.order, one.line.sku, one.request.serial) for one in inspections)
    counts: dict[UUID, int] = defaultdict(int)
    for one in inspections:
        counts[one.request.receipt] += one.request.quantity
    sql.run(_COUNT, sql.columns(("receipts", "units"), list(counts.items())))
    announce(cause, [
        Event("return", one.of.id, one.of.company, "", "", one.at,
              {"inspection": one.id, "grade": one.checked.grade, "units": one.request.quantity})
        for one in inspections
    ])  # fmt: skip
    store(
        cause,
        {one.of.id: one.of for one in inspections}.values(),
        {one.of.id: one.at for one in inspections},
    )
    judge(
        cause,
        "inspected",
        {one.of.id: one.of.company for one in inspections},
        in_force,
        [one.id for one in inspections],
    )
    offer_refunds(
        cause,
        "inspected",
        {one.of.id: one.of for one in inspections}.values(),
        {one.of.id: one.at for one in inspections},
        in_force,
    )
    offer(CLAIMS, [
        (one.of.id, 0, one.at)
        for one in inspections
        if in_force.of(one.of.company, Claims)[1].way_of_damage(
            one.line.reason, one.checked.grade, one.checked.codes
        )
    ])  # fmt: skip
    # Whoever writes the code by hand has read no number that differs.
    swapped = [one for one in inspections if checklists.SWAPPED in checklists.codes_of(one.checked.found)]
    doubted = [one for one in inspections if one.checked.doubted and one not in swapped]
    if swapped or doubted:
        questions = [*(_question(one) for one in swapped), *(_to_decide(one) for one in doubted)]
        open_items(cause, requests=questions)


def _question(one: _Found) -> OpenItem:
    told = next(each.answer for each in one.checked.found if each.code == checklists.SWAPPED)
    return OpenItem(
        company=one.of.company, type="swapped serial number", subject_kind="return", subject=one.of.id,
        reason=Said("Return {0}: serial number {1}.", one.of.number, told), role="customer service",
        facts={"return": one.of.id, "inspection": one.id},
    )  # fmt: skip


def _to_decide(one: _Found) -> OpenItem:
    return OpenItem(
        company=one.of.company, type="finding to decide", subject_kind="return", subject=one.of.id,
        reason=Said(
            "Return {0}: {1}. Accept the units or refuse them: they are not refunded before.", one.of.number,
            ", ".join(one.checked.doubted),
        ),
        role="customer service", facts={"return": one.of.id, "inspection": one.id},
    )  # fmt: skip


_SHAPES = (
    Refusals,
    rules.Policy,
    proposing.Dispositions,
    recovery.Recovery,
    checklists.Checklists,
    FraudPolicy,
    Claims,
)

_INSPECTION = (
    "id", "return_id", "return_line_id", "receipt_id", "quantity", "disposed", "grade", "codes", "note", "proposed",
    "why", "sums", "checklist", "answers", "weight_g", "serial", "verdict", "inspected_by", "inspected_at",
)  # fmt: skip

_RETURNS_OF = "SELECT DISTINCT return_id FROM returns_receipt WHERE id = ANY(%(receipts)s::uuid[])"

_SEEN = """
SELECT i.return_id, c.sku_id, COALESCE(NULLIF(i.serial, ''), c.serial)
FROM returns_inspection AS i JOIN returns_receipt AS c ON c.id = i.receipt_id
WHERE i.return_id = ANY(%(returns)s::uuid[]) AND COALESCE(NULLIF(i.serial, ''), c.serial) <> ''
"""

# Of one unit: what was paid for it without tax, and what it had cost. What left is looked at only for SKUs that have
# lots or serial numbers.
_WAITING = f"""
SELECT r.id, r.return_id, r.return_line_id, r.quantity - r.inspected, k.category,
       ((o.gross_minor - o.discount_minor) / o.quantity)::bigint, (r.cost_minor / r.quantity)::bigint,
       (SELECT max(h.shipped_at) FROM shipping_shipment AS h WHERE h.order_id = l.order_id),
       k.weight_g, r.lot, r.serial, COALESCE(w.lots, '{{}}'), COALESCE(w.serials, '{{}}'),
       COALESCE(w.unknown, 0), k.list_price, k.code, k.hazardous, COALESCE(t.condition, ''),
       ARRAY(SELECT DISTINCT s.code FROM parties_offer AS f JOIN parties_supplier AS s ON s.id = f.supplier_id
             WHERE f.sku_id = r.sku_id)
FROM returns_receipt AS r
JOIN returns_line AS l ON l.id = r.return_line_id
JOIN orders_line AS o ON o.id = l.line_id
JOIN catalog_sku AS k ON k.id = r.sku_id
LEFT JOIN returns_terms AS t ON t.return_line_id = l.id
LEFT JOIN LATERAL (
    SELECT array_agg(DISTINCT b.lot) FILTER (WHERE b.lot <> '') AS lots,
           array_agg(DISTINCT b.serial) FILTER (WHERE b.serial <> '') AS serials,
           {UNKNOWN} AS unknown
    FROM ({BUCKETS}) AS m JOIN stock_bucket AS b ON b.id = m.bucket
) AS w ON k.lot_policy <> 'none' OR k.serial_policy <> 'none'
WHERE r.id = ANY(%(receipts)s::uuid[])
"""

_COUNT = """
UPDATE returns_receipt AS r SET inspected = r.inspected + d.units
FROM unnest(%(receipts)s::uuid[], %(units)s::int[]) AS d(receipt, units) WHERE r.id = d.receipt
"""
