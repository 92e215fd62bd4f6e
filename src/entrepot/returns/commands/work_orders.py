"""Refurbishing is planned, begun, or given up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.returns import errors, onward
from entrepot.returns.commands.gathering import counted, draw, lock_waiting, take
from entrepot.returns.commands.repair_work import RepairWorked, tell_worked
from entrepot.returns.onward import Waits
from entrepot.returns.states import WORK_ORDER


@dataclass(frozen=True, slots=True)
class OpenWorkOrder:
    """Units of a disposition `refurbish`, and what is to be done with them."""

    company: int
    disposition: UUID
    quantity: int
    plan: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class WorkOrderOpened:
    work_order: UUID
    number: str


class Planned(NamedTuple):
    """Units of a locked disposition that were taken for work, and what is to be done with them."""

    of: Waits
    quantity: int
    plan: str


@dataclass(frozen=True, slots=True)
class StartWork:
    work_order: UUID
    key: str | None = None


@dataclass(frozen=True, slots=True)
class WorkStarted:
    work_order: UUID


@dataclass(frozen=True, slots=True)
class WithdrawWork:
    """The work order, and why nothing is done."""

    work_order: UUID
    reason: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class WorkWithdrawn:
    work_order: UUID


@command("returns.open_work_orders")
def open_work_orders(
    cause: Cause, /, *, requests: Sequence[OpenWorkOrder]
) -> list[WorkOrderOpened | Refused]:
    """Work orders with their numbers. The units stay where they are.

    Locks: the dispositions in id order, then the series of numbers.
    Refuses: NotFound; Invalid (quantity, no plan, no disposition to refurbish); returns.more_than_waits.
    Again: by key. 6 statements.
    """
    waits = lock_waiting([one.disposition for one in requests])
    refused: dict[int, Refused] = {}
    opened: dict[int, Planned] = {}
    for place, request in enumerate(requests):
        misfit = _misfit(request, waits)
        if misfit:
            refused[place] = misfit
            continue
        one = waits[request.disposition]
        waits[one.id] = one._replace(taken=one.taken + request.quantity)
        opened[place] = Planned(one, request.quantity, request.plan.strip())
    if opened:
        take(counted((one.of.id, one.quantity) for one in opened.values()))
    made = dict(zip(opened, plan_work(cause, list(opened.values())), strict=True))
    return [refused.get(place) or made[place] for place in range(len(requests))]


def _misfit(request: OpenWorkOrder, waits: Mapping[UUID, Waits]) -> Refused | None:
    one = waits.get(request.disposition)
    if one is None or one.company != request.company:
        return NotFound(what="disposition", which=str(request.disposition))
    if not one.is_to_refurbish:
        return Invalid(field="disposition", expected="refurbish", found=one.disposition)
    if not request.plan.strip():
        return Invalid(field="plan", expected="what is to be done", found="nothing")
    return onward.misfit_units([(one.id, request.quantity)], {one.id: one})


def plan_work(cause: Cause, planned: Sequence[Planned]) -> list[WorkOrderOpened]:
    """Work orders for units that were taken. 5 statements, none for none."""
    if not planned:
        return []
    numbers = draw(cause, [(one.of.company, onward.WORK) for one in planned])
    opened = [WorkOrderOpened(ids.uuid7(), number.text) for number in numbers]
    who = cause.actor.name
    sql.write("returns_workorder", _WORK_ORDER, [
        (
            made.work_order, number.text, of.company, number.year, number.sequence, of.id, of.sku, of.node, of.bin,
            of.lot, of.serial, of.currency, quantity, plan, "planned", who, cause.at,
        )
        for made, (of, quantity, plan), number in zip(opened, planned, numbers, strict=True)
    ])  # fmt: skip
    announce(cause, [
        Event("work_order", made.work_order, one.of.company, "", "planned", None, {"units": one.quantity}, one.plan)
        for made, one in zip(opened, planned, strict=True)
    ])  # fmt: skip
    return opened


@command("returns.start_work")
def start_work(cause: Cause, /, *, requests: Sequence[StartWork]) -> list[WorkStarted | Refused]:
    """Work orders that somebody works on.

    Locks: the work orders in id order. Refuses: NotFound; WrongState. Again: by key. 3 statements.
    """
    found = _lock([one.work_order for one in requests])
    answers: list[WorkStarted | Refused] = []
    rows: list[UUID] = []
    for request in requests:
        step = _step(found, request.work_order, "start")
        if isinstance(step, Refused):
            answers.append(step)
            continue
        rows.append(request.work_order)
        answers.append(WorkStarted(request.work_order))
    if rows:
        sql.run(_START, {"ids": rows, "who": cause.actor.name, "at": cause.at})
        announce(
            cause, [Event("work_order", which, found[which].company, "planned", "started") for which in rows]
        )
    return answers


@command("returns.withdraw_work")
def withdraw_work(cause: Cause, /, *, requests: Sequence[WithdrawWork]) -> list[WorkWithdrawn | Refused]:
    """Work orders that are given up: their units wait for another one; a repair for a customer failed by it. Their
    numbers stay, so that none is missing.

    Locks: the work orders, then their dispositions, in id order. Refuses: NotFound; WrongState (finished);
    returns.reason_needed. Again: by key. 5 statements; 8 more where repairs fail.
    """
    found = _lock([one.work_order for one in requests])
    before = dict(found)
    answers: list[WorkWithdrawn | Refused] = []
    rows: list[tuple[UUID, str]] = []
    for request in requests:
        if not request.reason.strip():
            answers.append(errors.ReasonNeeded(step="to give up work", why="it was planned"))
            continue
        step = _step(found, request.work_order, "withdraw")
        if isinstance(step, Refused):
            answers.append(step)
            continue
        rows.append((request.work_order, request.reason.strip()))
        answers.append(WorkWithdrawn(request.work_order))
    if rows:
        given_up = [before[which] for which, _ in rows]
        freed = counted((one.disposition, -one.quantity) for one in given_up if not one.repairs)
        lock_waiting(list(freed))
        take(freed)
        tell_worked(cause, [RepairWorked(one.id, "failed", "", cause.at) for one in given_up if one.repairs])
        params = {"who": cause.actor.name, "at": cause.at}
        sql.run(_WITHDRAW, {**sql.columns(("ids", "reasons"), rows), **params})
        announce(cause, [
            Event("work_order", one.id, one.company, one.state, "withdrawn", reason=reason)
            for one, (_, reason) in zip(given_up, rows, strict=True)
        ])  # fmt: skip
    return answers


class _Found(NamedTuple):
    """A work order under lock; `repairs` units for their customer, or makes goods of the house good again."""

    id: UUID
    company: int
    state: str
    disposition: UUID
    quantity: int
    repairs: bool


def _lock(work_orders: Sequence[UUID]) -> dict[UUID, _Found]:
    return {row[0]: _Found(*row) for row in sql.run(_LOCK, {"ids": work_orders})}


def _step(found: dict[UUID, _Found], which: UUID, event: str) -> str | Refused:
    """The state after the event, which what comes next in the batch finds."""
    if which not in found:
        return NotFound(what="work order", which=str(which))
    step = WORK_ORDER.step(found[which].state, event)
    if not isinstance(step, Refused):
        found[which] = found[which]._replace(state=step)
    return step


_WORK_ORDER = (
    "id", "number", "company_id", "year", "sequence", "disposition_id", "sku_id", "node_id", "bin_id", "lot", "serial",
    "currency", "quantity", "plan", "state", "opened_by", "opened_at",
)  # fmt: skip

_LOCK = """
SELECT w.id, w.company_id::int, w.state, w.disposition_id, w.quantity,
       EXISTS (SELECT FROM returns_repair AS r WHERE r.work_order_id = w.id)
FROM returns_workorder AS w WHERE w.id = ANY(%(ids)s::uuid[]) ORDER BY w.id FOR UPDATE OF w
"""

_START = """
UPDATE returns_workorder SET state = 'started', started_by = %(who)s::text, started_at = %(at)s::timestamptz
WHERE id = ANY(%(ids)s::uuid[])
"""

_WITHDRAW = """
UPDATE returns_workorder AS w SET state = 'withdrawn', note = d.reason, ended_by = %(who)s::text,
       ended_at = %(at)s::timestamptz
FROM unnest(%(ids)s::uuid[], %(reasons)s::text[]) AS d(id, reason) WHERE w.id = d.id
"""
