"""What a step of a real document would post: the step is taken, its entries are read, and it is undone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.utils import timezone

from entrepot.access.rules import READS
from entrepot.insight import rehearsed
from entrepot.insight.rehearsed import PostedLine
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.command import rehearse
from entrepot.kernel.errors import AllOrNothing, NotFound, NotPermitted, Refused
from entrepot.orders.commands.approve_credits import ApproveCredit, approve_credits
from entrepot.returns.commands.approve import Approve, approve
from entrepot.shipping.commands.ship import ShipFulfillment, ship

BY = Actor("system:preview", everything=True)
"""Who may see what a step would post need not be who takes it; nothing of it stays."""
OF_BOOKS = "ledger.draft_rules"
"""Whoever may say what is posted may see it, besides those who may take the step, and auditors."""


class Step(NamedTuple):
    """A command, the table of its documents, and how it is asked of one. No label is bought for it."""

    name: str
    command: Callable[..., list[Any]]
    table: str
    ask: Callable[[UUID], Any]


STEPS = {
    "ship": Step(
        "shipping.ship", ship, "warehouse_fulfillment", lambda which: ShipFulfillment(which, buys=False)
    ),
    "approve refund": Step("returns.approve_refunds", approve, "returns_refund", Approve),
    "approve credit": Step("orders.approve_credits", approve_credits, "orders_credit", ApproveCredit),
}
"""The steps that are shown: those that people take and that post."""


def would_post(company: int, step: str, number: str, actor: Actor) -> list[PostedLine] | Refused:
    """The lines that a step of a document would post, entry by entry; or why it can't be taken, or not be seen."""
    of = STEPS[step]
    if not (actor.may(OF_BOOKS) or actor.may(of.name) or READS in actor.roles):
        return NotPermitted(command=of.name, actor=actor.name)
    which = rehearsed.document(company, of.table, number)
    if which is None:
        return NotFound(what="document of this step", which=number)
    cause = Cause(BY, timezone.now(), "a preview")

    def take(_cause: Cause, *, requests: Sequence[Any]) -> list[list[PostedLine] | Refused]:
        last = rehearsed.last_line()
        (answer,) = of.command(_cause, requests=requests)
        return [answer if isinstance(answer, Refused) else rehearsed.posted(company, last, _cause.at)]

    try:
        (found,) = rehearse(take, cause, [of.ask(which)])
    except AllOrNothing as refused:
        return refused.refusals[0]
    return found
