"""Refurbishing ends: what each unit became, what the work cost, and what that made of their value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.catalog import queries as catalog
from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, whole
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said
from entrepot.kernel.events import Event
from entrepot.ledger.commands.post import Posting, post
from entrepot.returns import errors, onward, repairing
from entrepot.returns.commands.dispose import nodes_of, shelf_of, shelves_of
from entrepot.returns.commands.gathering import in_force
from entrepot.returns.commands.parts import Shelves, places_of
from entrepot.returns.commands.repair_work import RepairWorked, costs, lock_repairs, tell_worked
from entrepot.returns.onward import Onward, Outcome, Part, Worked
from entrepot.returns.repairing import Repairs
from entrepot.returns.states import WORK_ORDER
from entrepot.stock.commands.allocate import lock_positions
from entrepot.stock.commands.move import ADJUSTMENT, SCRAP, At, Bucket, Move, lock_buckets, move_units
from entrepot.stock.errors import NotThere


@dataclass(frozen=True, slots=True)
class FinishWork:
    """What became of every unit: `outcomes`, and units `scrapped`; of a repair for a customer, all units `repaired` or
    all `failed`, with what he is `told`. `parts` are units out of stock that it used up,
    `parts_minor` what others cost that were bought for it, `labor_minutes` how long it took; an hour's price is in the
    policy `returns.onward`."""

    work_order: UUID
    outcomes: tuple[Outcome, ...] = ()
    scrapped: int = 0
    parts_minor: int = 0
    labor_minutes: int = 0
    note: str = ""
    occurred_at: datetime | None = None
    key: str | None = None
    parts: tuple[Part, ...] = ()
    repaired: int = 0
    failed: int = 0
    told: str = ""


@dataclass(frozen=True, slots=True)
class WorkFinished:
    """What the work cost, and how much of that became value of the units."""

    work_order: UUID
    cost_minor: int
    capitalized_minor: int


class _WorkOrder(NamedTuple):
    id: UUID
    company: int
    state: str
    sku: UUID
    node: UUID
    bin: UUID
    lot: str
    serial: str
    quantity: int
    currency: str
    payer: str  # of a repair for a customer; '' where the units are the house's

    @property
    def at(self) -> At:
        return At(self.sku, self.node, self.bin, self.company, "refurbish", self.lot, self.serial)


class _Done(NamedTuple):
    of: _WorkOrder
    request: FinishWork
    targets: list[At]
    parts: list[tuple[At, int]]
    labor: int
    worked: Worked
    at: datetime
    cost: str  # the kind of what a repair for a customer costs, '' of other work

    @property
    def became(self) -> str:
        """What became of units that stay their customer's."""
        return "repaired" if self.request.repaired else "failed"


class _Made(NamedTuple):
    """Value of each outcome before the work, then that of what was scrapped and of each part; and what the outcomes are
    worth now."""

    before: list[int]
    scrapped: int
    used: list[int]
    after: list[int]

    @property
    def capitalized(self) -> int:
        return sum(self.after) - sum(self.before)


class _Facts:
    """What outcomes and parts may name: SKUs with their company, code and whether they are kits, shelves, nodes of
    bins, and where parts stand."""

    def __init__(self, found: Mapping[UUID, _WorkOrder], requests: Sequence[FinishWork]) -> None:
        outcomes = [(found.get(one.work_order), each) for one in requests for each in one.outcomes]
        named = {each.sku for _, each in outcomes if each.sku}
        self.parts = [
            (of, part) for one in requests if (of := found.get(one.work_order)) for part in one.parts
        ]
        skus = list(named | {part.sku for _, part in self.parts})
        self.skus: dict[UUID, tuple[int, str]] = {
            key: (own, code) for key, own, code in sql.run(_SKUS, {"skus": skus})
        }
        self.kits = catalog.kits_among(named)
        self.shelves = shelves_of({(of.node, each.sku or of.sku) for of, each in outcomes if of})
        self.nodes = nodes_of({each.bin for _, each in outcomes if each.bin})


@command("returns.finish_work")
def finish_work(cause: Cause, /, *, requests: Sequence[FinishWork]) -> list[WorkFinished | Refused]:
    """Units in the grade, SKU and status that the work made of them, and those scrapped out of the house at their
    value. Parts out of stock leave it at theirs. Parts and labor add to the value of what was made, or are an expense,
    by the policy `returns.onward`; where nothing was made they always are. Units that are repaired for their customer
    stay where they are until they are sent back, and what it costs is borne as their repair says.

    Locks: the work orders in id order, their repairs, then positions, buckets and balances as `stock.move_units`.
    Refuses: NotFound; WrongState; Invalid (units that don't add up, a grade, status, cost, or SKU); returns.no_bin;
    returns.no_parts; stock.not_there. Again: by key. 50 statements at most.
    """
    found = {
        row[0]: _WorkOrder(*row) for row in sql.run(_LOCK, {"ids": [one.work_order for one in requests]})
    }
    lock_repairs([one.id for one in found.values() if one.payer])
    facts = _Facts(found, requests)
    policies = in_force(cause, {one.company for one in found.values()})
    bears = costs(cause, {one.company for one in found.values() if one.payer})
    skus = {(one.company, one.sku) for one in found.values()}
    positions = lock_positions(skus | {(company, sku) for sku, (company, _) in facts.skus.items()})
    places = places_of((of.node, of.company, part) for of, part in facts.parts)
    aims = [
        _target(found[one.work_order], outcome, facts)
        for one in requests
        if one.work_order in found
        for outcome in one.outcomes
    ]
    buckets = lock_buckets(
        [
            *(one.at for one in found.values()),
            *(at for of in places.values() for at in of),
            *(aim for aim in aims if isinstance(aim, At)),
        ]
    )
    there = {key: bucket.quantity - bucket.committed for key, bucket in buckets.items()}
    shelves = Shelves(places, positions, there, facts.skus)
    answers: list[WorkFinished | Refused] = []
    done: list[_Done] = []
    for request in requests:
        decided = _decide(cause, request, found, facts, policies, shelves, bears)
        if isinstance(decided, Refused):
            answers.append(decided)
            continue
        done.append(decided)
        answers.append(WorkFinished(decided.of.id, 0, 0))
    ended = _write(cause, done, buckets) if done else {}
    return [ended[one.work_order] if isinstance(one, WorkFinished) else one for one in answers]


def _decide(
    cause: Cause,
    request: FinishWork,
    found: dict[UUID, _WorkOrder],
    facts: _Facts,
    policies: Mapping[int, Onward],
    shelves: Shelves,
    bears: Mapping[int, Repairs],
) -> _Done | Refused:
    one = found.get(request.work_order)
    if one is None:
        return NotFound(what="work order", which=str(request.work_order))
    step = WORK_ORDER.step(one.state, "finish")
    if isinstance(step, Refused):
        return step
    refused = _misfit(request, one)
    if refused:
        return refused
    targets = []
    for outcome in request.outcomes:
        target = _target(one, outcome, facts)
        if isinstance(target, Refused):
            return target
        targets.append(target)
    if (left := shelves.there.get(one.at, 0)) < one.quantity:
        where = Said("bin {0}", one.bin)
        return NotThere(wanted=one.quantity, sku=str(one.sku), where=where, found=left)
    parts = shelves.draw(one.company, one.node, request.parts)
    if isinstance(parts, Refused):
        return parts
    shelves.there[one.at] -= one.quantity
    found[one.id] = one._replace(state=step)
    policy = policies[one.company]
    labor = onward.labor(request.labor_minutes, policy.labor_minor_per_hour)
    own = labor if policy.labor_by == "own" else 0
    worked = Worked(request.parts_minor + labor - own, own, policy.capitalize and bool(request.outcomes))
    cost = bears[one.company].cost(one.payer) if one.payer else ""
    return _Done(one, request, targets, parts, labor, worked, request.occurred_at or cause.at, cost)


def _misfit(request: FinishWork, one: _WorkOrder) -> Refused | None:
    if min(request.parts_minor, request.labor_minutes) < 0:
        return Invalid(field="cost", expected="parts and minutes of 0 or more", found="fewer")
    if one.payer:
        return repairing.misfit_worked(
            request.outcomes, request.scrapped, request.repaired, request.failed, one.quantity
        )
    if request.repaired or request.failed:
        return Invalid(field="repaired", expected="outcomes, for the units are the house's", found="a repair")
    return onward.misfit_outcomes(request.outcomes, request.scrapped, one.quantity)


def _target(one: _WorkOrder, outcome: Outcome, facts: _Facts) -> At | Refused:
    """Where units of an outcome stand from then on."""
    sku = outcome.sku or one.sku
    if outcome.sku and facts.skus.get(outcome.sku, (0, ""))[0] != one.company:
        return NotFound(what="SKU", which=str(outcome.sku))
    if outcome.sku in facts.kits:
        return Invalid(field="sku", expected="a SKU that has stock", found="a kit")
    bin_id: UUID | None = outcome.bin or one.bin
    if outcome.bin and facts.nodes.get(outcome.bin) != one.node:
        return errors.NoBin(node=str(one.node), kind="such", bin=f" {outcome.bin}")
    if not outcome.bin and outcome.status == "sellable":
        bin_id = shelf_of(facts.shelves, one.node, sku)
    if bin_id is None:
        return errors.NoBin(node=str(one.node), kind="pick", bin="")
    return At(sku, one.node, bin_id, one.company, outcome.status, one.lot, one.serial)


def _write(cause: Cause, done: Sequence[_Done], buckets: dict[At, Bucket]) -> dict[UUID, WorkFinished]:
    who = cause.actor.name
    made = _move(cause, done, buckets)
    rows = [
        (
            one.of.id, one.request.parts_minor, sum(worth.used), one.request.labor_minutes, one.labor,
            worth.capitalized, sum(worth.before) + worth.scrapped, one.request.note.strip(), one.at,
        )
        for one, worth in zip(done, made, strict=True)
    ]  # fmt: skip
    names = ("ids", "parts", "used", "minutes", "labor", "capitalized", "values", "notes", "times")
    sql.run(_FINISH, {**sql.columns(names, rows), "who": who})
    sql.write("returns_workresult", _RESULT, [
        row for one, worth in zip(done, made, strict=True) for row in _results(one, worth)
    ])  # fmt: skip
    parts = [
        (one.of.id, place, at.sku, at.bin, at.lot, at.serial, units, value)
        for one, worth in zip(done, made, strict=True)
        for place, ((at, units), value) in enumerate(zip(one.parts, worth.used, strict=True), 1)
    ]
    if parts:
        sql.write("returns_workpart", _PART, parts)
    postings = [posting for one in done if (posting := _posting(one))]
    if postings:
        whole(post(cause, requests=postings))
    ended = {
        one.of.id: WorkFinished(
            one.of.id, one.request.parts_minor + one.labor + sum(worth.used), worth.capitalized
        )
        for one, worth in zip(done, made, strict=True)
    }
    tell_worked(cause, [
        RepairWorked(one.of.id, one.became, one.request.told.strip(), one.at) for one in done if one.of.payer
    ])  # fmt: skip
    announce(cause, [
        Event("work_order", one.of.id, one.of.company, "started", "finished", one.at,
              {"cost_minor": ended[one.of.id].cost_minor, "capitalized_minor": ended[one.of.id].capitalized_minor,
               "scrapped": one.request.scrapped},
              one.request.note.strip())
        for one in done
    ])  # fmt: skip
    return ended


def _posting(one: _Done) -> Posting | None:
    """What the work is in the books, beside its parts out of stock; None where it is nothing."""
    event, amounts = "refurbishment.worked", one.worked.amounts
    if one.cost:
        event, amounts = "repair.worked", tuple((one.cost, amount) for _, amount in amounts)
    if not amounts:
        return None
    return Posting(one.of.company, event, "work order", one.of.id, one.of.currency, amounts, one.at)


def _results(one: _Done, worth: _Made) -> list[tuple[object, ...]]:
    if one.of.payer:
        return [(one.of.id, 1, one.of.quantity, "", one.became, one.of.sku, one.of.bin, 0)]
    rows: list[tuple[object, ...]] = [
        (one.of.id, place, each.quantity, each.grade, each.status, at.sku, at.bin, value)
        for place, (each, at, value) in enumerate(
            zip(one.request.outcomes, one.targets, worth.after, strict=True), 1
        )
    ]
    if one.request.scrapped:
        last = len(rows) + 1
        rows.append(
            (one.of.id, last, one.request.scrapped, "", "scrapped", one.of.sku, one.of.bin, worth.scrapped)
        )
    return rows


def _move(cause: Cause, done: Sequence[_Done], buckets: dict[At, Bucket]) -> list[_Made]:
    """Take the units out of stock at their value, and put what was made of them in with the work that was added."""
    out: list[Move] = []
    for one in done:
        out += [_out(one, each.quantity, ADJUSTMENT, "stock.work_taken") for each in one.request.outcomes]
        if one.request.scrapped:
            out.append(_out(one, one.request.scrapped, SCRAP, "stock.disposed"))
        out += [_part(one, at, units) for at, units in one.parts]
    values = iter(move_units(cause, out, buckets).values)
    made = []
    back: list[Move] = []
    for one in done:
        before = [next(values) for _ in one.request.outcomes]
        scrapped = next(values) if one.request.scrapped else 0
        used = [next(values) for _ in one.parts]
        added = one.worked.billed + one.worked.own + sum(used) if one.worked.capitalized else 0
        shares = onward.spread(added, [each.quantity for each in one.request.outcomes])
        after = [worth + share for worth, share in zip(before, shares, strict=True)]
        made.append(_Made(before, scrapped, used, after))
        for each, target, value in zip(one.request.outcomes, one.targets, after, strict=True):
            back.append(Move(
                one.of.company, target.sku, each.quantity, ADJUSTMENT, target, "refurbished", "work order", one.of.id,
                one.at, "stock.work_returned", None, value,
            ))  # fmt: skip
    move_units(cause, back)
    return made


def _out(one: _Done, quantity: int, place: str, event: str) -> Move:
    reason = "scrapped in refurbishment" if place == SCRAP else "refurbished"
    return Move(
        one.of.company, one.of.sku, quantity, one.of.at, place, reason, "work order", one.of.id, one.at, event
    )


def _part(one: _Done, at: At, units: int) -> Move:
    event = "stock.work_taken" if one.worked.capitalized else "stock.work_used"
    if one.cost:
        event = repairing.part_event(one.cost)
    return Move(
        one.of.company,
        at.sku,
        units,
        at,
        ADJUSTMENT,
        "used as a part",
        "work order",
        one.of.id,
        one.at,
        event,
    )


_PART = ("work_order_id", "place", "sku_id", "bin_id", "lot", "serial", "quantity", "value_minor")
_RESULT = ("work_order_id", "place", "quantity", "grade", "status", "sku_id", "bin_id", "value_minor")

_LOCK = """
SELECT w.id, w.company_id::int, w.state, w.sku_id, w.node_id, w.bin_id, w.lot, w.serial, w.quantity,
       w.currency::text, COALESCE((SELECT r.payer FROM returns_repair AS r WHERE r.work_order_id = w.id), '')
FROM returns_workorder AS w WHERE w.id = ANY(%(ids)s::uuid[]) ORDER BY w.id FOR UPDATE OF w
"""

_SKUS = "SELECT id, company_id::int, code FROM catalog_sku WHERE id = ANY(%(skus)s::uuid[])"

_FINISH = """
UPDATE returns_workorder AS w SET state = 'finished', parts_minor = d.parts, used_minor = d.used,
       labor_minutes = d.minutes, labor_minor = d.labor, capitalized_minor = d.capitalized, value_minor = d.value,
       note = d.note, ended_by = %(who)s::text, ended_at = d.at
FROM unnest(%(ids)s::uuid[], %(parts)s::bigint[], %(used)s::bigint[], %(minutes)s::int[], %(labor)s::bigint[],
            %(capitalized)s::bigint[], %(values)s::bigint[], %(notes)s::text[], %(times)s::timestamptz[])
     AS d(id, parts, used, minutes, labor, capitalized, value, note, at)
WHERE w.id = d.id
"""
