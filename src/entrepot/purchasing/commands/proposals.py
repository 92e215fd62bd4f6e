"""Decide on what was proposed to be ordered: accepted, it becomes purchase orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from entrepot.access.commands.take_duty import Duty, take_duty
from entrepot.access.rules import apart
from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, whole
from entrepot.kernel.errors import Invalid, NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.purchasing.commands.order import GoodsOrdered, OrderGoods, order
from entrepot.purchasing.rules import QUANTITY_MAX, OrderedLine
from entrepot.purchasing.states import PROPOSAL


@dataclass(frozen=True, slots=True)
class AcceptProposal:
    """A proposal that is to be ordered, with other units than proposed where somebody knows better."""

    proposal: UUID
    quantity: int | None = None
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ProposalOrdered:
    """The purchase order that the proposal became a line of."""

    proposal: UUID
    order: UUID
    number: str


@dataclass(frozen=True, slots=True)
class RejectProposal:
    """A proposal that is not to be ordered, and why."""

    proposal: UUID
    reason: str
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ProposalRejected:
    proposal: UUID
    number: str


class Wanted(NamedTuple):
    """A proposal as it was found; `quantity` is what is to be ordered."""

    id: UUID
    number: str
    company: int
    sku: UUID
    node: UUID
    supplier: UUID
    quantity: int
    unit_cost: Decimal
    state: str
    proposed_by: str


@command("purchasing.accept_proposals")
def accept_proposals(
    cause: Cause, /, *, requests: Sequence[AcceptProposal]
) -> list[ProposalOrdered | Refused]:
    """Purchase orders, one for each supplier and node of what is accepted together. Whoever accepts has ordered, and
    does not receive; what a person has proposed another one accepts.

    Locks: the proposals in id order.
    Refuses: NotFound; WrongState (decided before); Invalid (units); access.duties_apart; and as `purchasing.order`.
    Again: by key. 5 statements and those of `purchasing.order`.
    """
    found = _lock([one.proposal for one in requests])
    answers: list[ProposalOrdered | Refused | None] = [None] * len(requests)
    wanted: dict[UUID, Wanted] = {}
    for i, one in enumerate(requests):
        refusal = _refusal(cause, one, found.get(one.proposal), wanted)
        if refusal:
            answers[i] = refusal
            continue
        proposal = found[one.proposal]
        wanted[one.proposal] = proposal._replace(
            quantity=proposal.quantity if one.quantity is None else one.quantity
        )
    placed = order_wanted(cause, list(wanted.values()), "") if wanted else {}
    return [
        answer or _answer(one.proposal, placed[one.proposal])
        for one, answer in zip(requests, answers, strict=True)
    ]


def _answer(proposal: UUID, placed: GoodsOrdered | Refused) -> ProposalOrdered | Refused:
    if isinstance(placed, Refused):
        return placed
    return ProposalOrdered(proposal, placed.order, placed.number)


def _refusal(
    cause: Cause, one: AcceptProposal, proposal: Wanted | None, wanted: dict[UUID, Wanted]
) -> Refused | None:
    if proposal is None:
        return NotFound(what="reorder proposal", which=str(one.proposal))
    state = PROPOSAL.step("ordered" if one.proposal in wanted else proposal.state, "order")
    if isinstance(state, Refused):
        return state
    if one.quantity is not None and not 0 < one.quantity <= QUANTITY_MAX:
        return Invalid(field="quantity", expected="units", found=one.quantity)
    if proposal.proposed_by == cause.actor.name:
        return apart(Duty(proposal.id, "propose×approve", "approve", cause.actor.name, proposal.number))
    return None


def order_wanted(cause: Cause, wanted: Sequence[Wanted], reason: str) -> dict[UUID, GoodsOrdered | Refused]:
    """Order proposals, those for one supplier and node together; by rule where there is a reason. Called inside the
    command that decided so. 3 statements and those of `purchasing.order`; 2 more where a person decided."""
    groups: dict[tuple[int, UUID, UUID], list[Wanted]] = {}
    for one in wanted:
        groups.setdefault((one.company, one.supplier, one.node), []).append(one)
    requests = [
        OrderGoods(
            company,
            supplier,
            node,
            "",
            tuple(OrderedLine(one.sku, one.quantity, one.unit_cost) for one in group),
        )
        for (company, supplier, node), group in groups.items()
    ]
    placed = order(cause, requests=requests)
    answers = {one.id: answer for group, answer in zip(groups.values(), placed, strict=True) for one in group}
    done = [(one, answer) for one in wanted if isinstance(answer := answers[one.id], GoodsOrdered)]
    if not reason:
        sides = (("propose", lambda one: one.proposed_by), ("approve", lambda _: cause.actor.name))
        whole(
            take_duty(
                cause,
                requests=[
                    Duty(one.id, "propose×approve", side, person(one), one.number)
                    for one, _ in done
                    for side, person in sides
                ],
            )
        )
    rows = [(one.id, one.quantity, answer.order, cause.actor.name, cause.at, reason) for one, answer in done]
    sql.run(_ORDERED, sql.columns(("ids", "units", "orders", "people", "times", "reasons"), rows))
    announce(
        cause,
        [
            Event(
                "reorder_proposal", one.id, one.company, "proposed", "ordered",
                payload={"order": answer.order, "units": one.quantity}, reason=reason,
            )
            for one, answer in done
        ],
    )  # fmt: skip
    return answers


@command("purchasing.reject_proposals")
def reject_proposals(
    cause: Cause, /, *, requests: Sequence[RejectProposal]
) -> list[ProposalRejected | Refused]:
    """The proposals, rejected; for the policy's days they are not made again.

    Locks: the proposals in id order. Refuses: NotFound; WrongState (decided before); Invalid (no reason).
    Again: by key. 3 statements.
    """
    found = _lock([one.proposal for one in requests])
    answers: list[ProposalRejected | Refused] = []
    rejected: dict[UUID, RejectProposal] = {}
    for one in requests:
        proposal = found.get(one.proposal)
        if proposal is None:
            answers.append(NotFound(what="reorder proposal", which=str(one.proposal)))
            continue
        state = PROPOSAL.step("rejected" if one.proposal in rejected else proposal.state, "reject")
        if isinstance(state, Refused):
            answers.append(state)
        elif not one.reason:
            answers.append(Invalid(field="reason", expected="why it is not ordered", found="nothing"))
        else:
            rejected[one.proposal] = one
            answers.append(ProposalRejected(one.proposal, proposal.number))
    if rejected:
        rows = [(which, cause.actor.name, cause.at, one.reason) for which, one in rejected.items()]
        sql.run(_REJECT, sql.columns(("ids", "people", "times", "reasons"), rows))
        announce(
            cause,
            [
                Event(
                    "reorder_proposal", which, found[which].company, "proposed", "rejected", reason=one.reason
                )
                for which, one in rejected.items()
            ],
        )
    return answers


def _lock(wanted: Sequence[UUID]) -> dict[UUID, Wanted]:
    return {row[0]: Wanted(*row) for row in sql.run(_LOCK, {"ids": list(wanted)})}


_LOCK = """
SELECT id, number, company_id::int, sku_id, node_id, supplier_id, quantity, unit_cost, state, proposed_by
FROM purchasing_proposal WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE
"""

_ORDERED = """
UPDATE purchasing_proposal AS p
SET state = 'ordered', quantity = d.units, order_id = d.bought, decided_by = d.person, decided_at = d.at,
    reason = d.reason
FROM unnest(%(ids)s::uuid[], %(units)s::int[], %(orders)s::uuid[], %(people)s::text[], %(times)s::timestamptz[],
            %(reasons)s::text[]) AS d(id, units, bought, person, at, reason)
WHERE p.id = d.id
"""

_REJECT = """
UPDATE purchasing_proposal AS p SET state = 'rejected', decided_by = d.person, decided_at = d.at, reason = d.reason
FROM unnest(%(ids)s::uuid[], %(people)s::text[], %(times)s::timestamptz[], %(reasons)s::text[])
     AS d(id, person, at, reason)
WHERE p.id = d.id
"""
