"""What paid for a replacement that was cancelled goes back: it counts for the limit of the return that it was for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import ids, money, sql, wire
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, offer
from entrepot.kernel.errors import NotFound, Refused, Said
from entrepot.kernel.events import Event
from entrepot.kernel.policies import of_companies
from entrepot.orders.commands.cancel import REPLACEMENT, unused
from entrepot.payments.commands import take
from entrepot.returns.commands.facts import Limit, given_alone
from entrepot.returns.commands.lock import Return, in_force, lock_returns, store
from entrepot.returns.commands.pay import Paid, Payable, pay, refundable
from entrepot.returns.commands.refund import REFUND, above
from entrepot.returns.refunding import RefundPolicy, Step
from entrepot.work.commands.open_items import OpenItem, open_items


@dataclass(frozen=True, slots=True)
class GiveBack:
    """Something of a replacement may have been cancelled that is paid for, by its order."""

    order: UUID
    key: str | None = None


@dataclass(frozen=True, slots=True)
class GivenBack:
    """The refund and its state: as `Refunded`. None where nothing is to be given back."""

    order: UUID
    refund: UUID | None = None
    state: str = ""
    total_minor: int = 0


class _Draft(NamedTuple):
    id: UUID
    number: str
    order: UUID
    replaced: str
    of: Return
    cancelled_by: str
    total: int
    free: int  # what may be refunded of the order now
    limit: Limit
    version: int

    @property
    def waits(self) -> bool:
        return self.limit.exceeded(self.total) or self.total > self.free or self.of.held_back() is not None

    @property
    def why(self) -> Said:
        return Said("what replaced goods, order {0}, was cancelled", self.replaced)


@command("returns.give_back")
def give_back(cause: Cause, /, *, requests: Sequence[GiveBack]) -> list[GivenBack | Refused]:
    """What was paid for units of replacements that were cancelled is given back, as a refund of the return that they
    were for: also where its goods never came. Above the limit of the return, while a suspicion of fraud stands, and
    where a bank disputes what is to be given, it waits for another person: what nobody disputes is given first, and the
    order comes again.

    Locks: the orders, those of the returns as well, then their payments, in id order. Refuses: NotFound (no exchange
    is paid for with that order). Again: gives nothing more. 35 statements at most.
    """
    asked = {"orders": [one.order for one in requests]}
    exchanges = {order: tuple(facts) for order, *facts in sql.run(_EXCHANGES, asked)}
    found = lock_returns({of for of, *_ in exchanges.values()}, list(exchanges))
    policies = in_force(cause, {one.company for one in found.values()})
    alone = given_alone(list(found))
    due = unused(list(exchanges))
    for order, given in sql.run(_GIVEN, asked):
        due[order] = due.get(order, 0) - given
    tenders, left = take.lock_of_orders(exchanges), refundable(list(exchanges))
    numbers = iter(ids.numbers("RF", len(requests)))
    drafts: dict[UUID, _Draft] = {}
    for order, (return_id, number, by) in exchanges.items():
        one, free = found[return_id], left.get(order, 0)
        # What a bank disputes may be given once that is decided; what went back otherwise is gone.
        rest = min(due.get(order, 0), free + sum(tender.disputed for tender in tenders.get(order, ())))
        total = min(rest, free) if free > 0 else rest
        if total < rest:
            offer(REPLACEMENT, [(order, 0, cause.at)])
        if total > 0:
            version, policy = policies[one.company]
            limit = Limit(one.in_its(policy.approve_above_minor), alone.get(one.id, 0))
            draft = _Draft(ids.uuid7(), next(numbers), order, number, one, by, total, free, limit, version)
            alone[one.id] = limit.before + (0 if draft.waits else total)
            drafts[order] = draft
    states = _write(cause, list(drafts.values())) if drafts else {}
    return [_answer(one.order, exchanges, drafts.get(one.order), states) for one in requests]


def _answer(
    order: UUID, exchanges: Collection[UUID], draft: _Draft | None, states: Mapping[UUID, str]
) -> GivenBack | Refused:
    if order not in exchanges:
        return NotFound(what="exchange", which=str(order))
    return GivenBack(order, draft.id, states[draft.id], draft.total) if draft else GivenBack(order)


def _write(cause: Cause, drafts: Sequence[_Draft]) -> dict[UUID, str]:
    paid = {one.id: Paid("waiting") for one in drafts}
    refunds = of_companies({one.of.company for one in drafts}, RefundPolicy, cause.at)
    paid |= pay(cause, [_payable(cause, one) for one in drafts if not one.waits], refunds)
    states = {one.id: paid[one.id].state for one in drafts}
    sql.write("returns_refund", REFUND, [_row(cause, one, states[one.id]) for one in drafts])
    announce(cause, [
        Event("refund", one.id, one.of.company, "", states[one.id], cause.at,
              {"return": one.of.id, "number": one.number, "total_minor": one.total, "order": one.order})
        for one in drafts
    ])  # fmt: skip
    for one in drafts:
        one.of.open_refunds += states[one.id] != "paid"
    store(cause, {one.of.id: one.of for one in drafts}.values(), {})
    items = [_item(cause, one) for one in drafts if one.waits]
    if items:
        open_items(cause, requests=items)
    return states


def _payable(cause: Cause, one: _Draft) -> Payable:
    return Payable(
        one.id, one.of.company, one.order, one.of.currency, 0, 0, 0, 0, 0, 0, 0, one.total, one.total, cause.at,
        "replacement",
    )  # fmt: skip


def _row(cause: Cause, one: _Draft, state: str) -> tuple[object, ...]:
    return (
        one.id, one.number, one.of.company, one.of.id, one.order, one.of.currency, state, 0, 0, 0, 0, 0, 0, 0, 0,
        one.total, one.why, one.total, one.limit.most, "replacement", 0, 0, wire.dump([]),
        wire.dump([Step("replacement", one.total, one.why)._asdict()]), one.version,
        one.cancelled_by or cause.actor.name, cause.at, "", None if one.waits else cause.at,
    )  # fmt: skip


def _item(cause: Cause, one: _Draft) -> OpenItem:
    reason = (
        above(one.number, one.of, one.limit)
        if one.limit.before and one.limit.exceeded(one.total)
        else Said(
            "Refund {0} for return {1}: {2} paid for order {3}, which was cancelled.",
            one.number, one.of.number, money.told(one.total, one.of.currency), one.replaced,
        )
    )  # fmt: skip
    return OpenItem(
        company=one.of.company, type="refund to approve", subject_kind="refund", subject=one.id, reason=reason,
        role="controller", priority=60, occurred_at=cause.at, value_minor=one.total,
        facts={"return": one.of.id, "total_minor": one.total, "currency": one.of.currency},
    )  # fmt: skip


# Whoever cancelled last has asked for it, and agrees to none of it.
_EXCHANGES = """
SELECT x.replacement_id, x.return_id, o.number, COALESCE((
           SELECT e.actor FROM kernel_event AS e
           WHERE e.subject_id = o.id AND e.subject_kind = 'order' AND e.payload ? 'cancelled'
           ORDER BY e.seq DESC LIMIT 1
       ), '')
FROM returns_exchange AS x JOIN orders_order AS o ON o.id = x.replacement_id
WHERE x.replacement_id = ANY(%(orders)s::uuid[]) ORDER BY x.replacement_id
"""

# One that a person said no to is not asked for again.
_GIVEN = """
SELECT order_id, sum(total_minor)::bigint FROM returns_refund
WHERE order_id = ANY(%(orders)s::uuid[]) AND outcome = 'replacement' GROUP BY 1
"""
