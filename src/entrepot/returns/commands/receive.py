"""Returned goods arrive: they are ours again, at the cost they had left with, and wait for inspection."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.access.commands.take_duty import take_duty
from entrepot.kernel import ids, policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, offer, whole
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said
from entrepot.kernel.events import Event
from entrepot.returns import errors, rules
from entrepot.returns.claiming import QUEUE as CLAIMS
from entrepot.returns.commands.judging import judge
from entrepot.returns.commands.left import Costs, serials_back
from entrepot.returns.commands.lock import Line, Return, lock_returns, offer_refunds, store, taken_in
from entrepot.returns.commands.note_troubles import arrived
from entrepot.returns.fraud import FraudPolicy
from entrepot.returns.staging import StagingPolicy, due_at
from entrepot.returns.states import RETURN
from entrepot.stock.commands.take_back import PENDING, TakenBack, take_back


@dataclass(frozen=True, slots=True)
class Receive:
    """Units of a return's line that came, put into a bin (by default the node's quarantine bin). `weight_g` is what
    they weigh together, where somebody weighed them."""

    return_id: UUID
    line: UUID
    quantity: int
    bin: UUID | None = None
    condition: str = ""
    lot: str = ""
    serial: str = ""
    occurred_at: datetime | None = None
    weight_g: int | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """The receipt; `due_at` is by when its units are done with (policy `returns.staging`)."""

    receipt: UUID
    cost_minor: int
    due_at: datetime


class _Receipt(NamedTuple):
    """A receipt that will be written."""

    id: UUID
    of: Return
    line: Line
    request: Receive
    bin: UUID
    cost: int
    at: datetime
    due: datetime


class _Facts:
    """What the house knows of the goods: the costs they left at, units received before, how long they may stand, and
    bins."""

    def __init__(self, cause: Cause, found: Mapping[UUID, Return]) -> None:
        companies = {one.company for one in found.values()}
        self.in_force = policies.InForce(companies, (rules.Policy, StagingPolicy, FraudPolicy), cause.at)
        lines = {line.line for one in found.values() for line in one.lines.values()}
        self.costs = Costs({one.order for one in found.values()}, lines)
        nodes = list({one.node for one in found.values()})
        self.bins: dict[UUID, UUID] = {}
        self.nodes: dict[UUID, UUID] = {}
        for bin_id, node, is_usual in sql.run(_BINS, {"nodes": nodes}):
            self.nodes[bin_id] = node
            if is_usual:
                self.bins.setdefault(node, bin_id)


@command("returns.receive")
def receive(cause: Cause, /, *, requests: Sequence[Receive]) -> list[Received | Refused]:
    """Units in stock again, pending inspection, at the cost they left with. Nothing is refunded by it.

    Whoever receives has neither asked for the return nor approves its refunds.
    Locks: the orders in id order, then as `stock.take_back`.
    Refuses: NotFound; WrongState; Invalid (quantity, weight); returns.more_than_authorized; returns.no_bin;
    access.duties_apart. Again: by key. 33 statements at most; 9 more where the units are weighed and judged, 3
    where goods of a return waited, 1 where a serial number is said.
    """
    found = lock_returns([one.return_id for one in requests])
    facts = _Facts(cause, found)
    answers: list[Received | Refused] = []
    receipts: list[_Receipt] = []
    for request in requests:
        decided = _decide(cause, request, found.get(request.return_id), facts)
        if isinstance(decided, Refused):
            answers.append(decided)
            continue
        receipts.append(decided)
        answers.append(Received(decided.id, decided.cost, decided.due))
    if receipts:
        _write(cause, receipts, facts.in_force)
    return answers


def _decide(cause: Cause, request: Receive, one: Return | None, facts: _Facts) -> _Receipt | Refused:
    if one is None or request.line not in one.lines:
        which = str(request.return_id if one is None else request.line)
        return NotFound(what="return" if one is None else Said("line in return {0}", one.number), which=which)
    step = RETURN.step(one.state, "receive")
    if isinstance(step, Refused):
        return step
    refused = one.apart("receive", cause.actor.name)
    if refused:
        return refused
    if request.quantity < 1 or (request.serial and request.quantity != 1):
        return Invalid(field="quantity", expected="1 or more, 1 with a serial number", found=request.quantity)
    if request.weight_g is not None and not 0 <= request.weight_g < 2**31:
        return Invalid(field="weight_g", expected="grams, 0 or more", found=request.weight_g)
    line = one.lines[request.line]
    expected = line.to_come
    if request.quantity > expected:
        return errors.MoreThanAuthorized(
            number=one.number, line=str(line.id), found=request.quantity, left=expected
        )
    bin_id = request.bin or facts.bins.get(one.node)
    if bin_id is None or facts.nodes.get(bin_id) != one.node:
        named = f" {request.bin}" if request.bin else ""
        return errors.NoBin(node=str(one.node), kind="quarantine or receiving", bin=named)
    cost = facts.costs.take(line.line, request.quantity)
    line.received += request.quantity
    at = request.occurred_at or cause.at
    due = due_at(
        facts.in_force.of(one.company, StagingPolicy)[1],
        facts.costs.categories.get(line.line, ""),
        line.reason,
        at,
    )
    return _Receipt(ids.uuid7(), one, line, request, bin_id, cost, at, due)


def _write(cause: Cause, receipts: Sequence[_Receipt], in_force: policies.InForce) -> None:
    who = cause.actor.name
    changed = list({receipt.of.id: receipt.of for receipt in receipts}.values())
    # Refused only where somebody took the other duty since we looked.
    whole(take_duty(cause, requests=[one.duty("receive", who) for one in changed]))
    sql.write("returns_receipt", _RECEIPT, [
        (
            r.id, r.of.id, r.line.id, r.of.company, r.line.sku, r.of.node, r.bin, r.request.lot, r.request.serial,
            r.request.quantity, 0, r.request.condition, r.cost, r.request.weight_g, r.due, who, r.at,
        )
        for r in receipts
    ])  # fmt: skip
    rows: dict[UUID, int] = defaultdict(int)
    for r in receipts:
        rows[r.line.line] += r.request.quantity
    sql.run(_COUNT, sql.columns(("lines", "units"), list(rows.items())))
    serials_back((r.of.order, r.line.sku, r.request.serial) for r in receipts)
    take_back(cause, [
        TakenBack(r.of.company, r.line.sku, r.of.node, r.bin, PENDING, r.request.lot, r.request.serial,
                  r.request.quantity, r.cost, "return", r.of.id, r.line.line, r.at)
        for r in receipts
    ])  # fmt: skip
    announce(cause, [
        Event("return", r.of.id, r.of.company, "", "", r.at, {"receipt": r.id, "units": r.request.quantity})
        for r in receipts
    ])  # fmt: skip
    times = {r.of.id: r.at for r in receipts}
    taken_in(cause, changed, times, "received")
    store(cause, changed, times)
    weighed = [r for r in receipts if r.request.weight_g is not None]
    judge(cause, "received", {r.of.id: r.of.company for r in weighed}, in_force, [r.id for r in weighed])
    offer_refunds(cause, "received", changed, times, in_force)
    _end_troubles(cause, [one.id for one in changed if not any(line.to_come for line in one.lines.values())])


def _end_troubles(cause: Cause, whole_here: Sequence[UUID]) -> None:
    """All of these returns is here, whatever carriers told of their parcels, or did not tell: nobody is asked where
    they are, and what was claimed for them is looked at. 4 statements at most, none for none."""
    if not whole_here:
        return
    rows = sql.run(_TROUBLED, {"returns": list(whole_here)})
    arrived(cause, [(company, key, tracking) for company, key, tracking in rows])
    offer(CLAIMS, [(key, 0, cause.at) for key in sorted({key for _, key, _ in rows})])


_RECEIPT = (
    "id", "return_id", "return_line_id", "company_id", "sku_id", "node_id", "bin_id", "lot", "serial", "quantity",
    "inspected", "condition", "cost_minor", "weight_g", "due_at", "received_by", "received_at",
)  # fmt: skip

_BINS = """
SELECT id, node_id, kind IN ('quarantine', 'receiving') FROM network_bin
WHERE node_id = ANY(%(nodes)s::uuid[]) AND kind NOT IN ('blocked', 'retired')
ORDER BY kind <> 'quarantine', pick_sequence, id
"""

# Parcels that their carrier told trouble of, or that were given up.
_TROUBLED = """
SELECT p.company_id::int, p.return_id, p.tracking FROM returns_parcel AS p
WHERE p.return_id = ANY(%(returns)s::uuid[])
  AND (cardinality(p.troubles) > 0 OR EXISTS (SELECT FROM returns_expiry AS e WHERE e.return_id = p.return_id))
ORDER BY p.id
"""

_COUNT = """
UPDATE returns_sold AS s SET received = s.received + d.units
FROM unnest(%(lines)s::uuid[], %(units)s::int[]) AS d(line, units) WHERE s.line_id = d.line
"""
