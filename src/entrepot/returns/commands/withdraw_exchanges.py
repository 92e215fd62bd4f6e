"""What was agreed to be exchanged is given up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.returns import errors
from entrepot.returns.commands.lock import store
from entrepot.returns.commands.pay import count_refunded
from entrepot.returns.commands.settle_exchanges import Known, OpenExchange, decided
from entrepot.returns.states import EXCHANGE
from entrepot.sourcing.commands.cancel import cancel


@dataclass(frozen=True, slots=True)
class WithdrawExchange:
    """An exchange that will not be, by its refund, and why: its units may be refunded, or exchanged for another."""

    refund: UUID
    reason: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ExchangeWithdrawn:
    refund: UUID
    order: UUID | None


@command("returns.withdraw_exchanges")
def withdraw_exchanges(
    cause: Cause, /, *, requests: Sequence[WithdrawExchange]
) -> list[ExchangeWithdrawn | Refused]:
    """Exchanges given up before they were settled: the replacement is cancelled, and what paid for it is free again.

    Locks: the orders in id order; as `sourcing.cancel`. Refuses: NotFound; WrongState; returns.reason_needed.
    Again: by key. 48 statements at most.
    """
    known = Known([one.refund for one in requests])
    answers: list[ExchangeWithdrawn | Refused] = []
    gone: dict[UUID, tuple[OpenExchange, str]] = {}
    for request in requests:
        one = known.open.get(request.refund)
        if one is None:
            answers.append(NotFound(what="exchange", which=str(request.refund)))
            continue
        step = EXCHANGE.step("withdrawn" if one.refund in gone else one.state, "withdraw")
        if isinstance(step, Refused):
            answers.append(step)
        elif not request.reason.strip():
            answers.append(errors.ReasonNeeded(step="giving up an exchange", why="the customer counts on it"))
        else:
            gone[one.refund] = (one, request.reason.strip())
            answers.append(ExchangeWithdrawn(one.refund, one.order))
    if gone:
        _withdraw(cause, gone, known)
    return answers


def _withdraw(cause: Cause, gone: Mapping[UUID, tuple[OpenExchange, str]], known: Known) -> None:
    rows = [(refund, why) for refund, (_, why) in gone.items()]
    sql.run(_REJECT, {**sql.columns(("ids", "notes"), rows), "who": cause.actor.name, "at": cause.at})
    sql.run(_WITHDRAW, {"ids": list(gone)})
    sums: dict[UUID, list[int]] = {}
    for line, *amounts in sql.run(_AMOUNTS, {"refunds": list(gone)}):
        sums[line] = [a - b for a, b in zip(sums.get(line, [0] * 4), amounts, strict=True)]
    count_refunded([(line, *amounts) for line, amounts in sums.items()])
    for one, _ in gone.values():
        line, on = known.line(one), known.returns[one.return_id]
        line.refunded -= one.quantity
        line.exchanged -= one.quantity
        on.open_refunds -= 1
    announce(cause, [
        Event("refund", one.refund, known.returns[one.return_id].company, "agreed", "rejected", None,
              {"order": one.order}, why)
        for one, why in gone.values()
    ])  # fmt: skip
    store(cause, {one.return_id: known.returns[one.return_id] for one, _ in gone.values()}.values(), {})
    decided(cause, known, [(one, "given up") for one, _ in gone.values()])
    # One that was cancelled before is refused, and that is all right.
    cancel(
        cause, requests=[CancelOrder(one.order, why, code="other") for one, why in gone.values() if one.order]
    )


_REJECT = """
UPDATE returns_refund AS f SET state = 'rejected', note = d.note, decided_by = %(who)s, decided_at = %(at)s::timestamptz
FROM unnest(%(ids)s::uuid[], %(notes)s::text[]) AS d(id, note) WHERE f.id = d.id
"""

_WITHDRAW = "UPDATE returns_exchange SET state = 'withdrawn' WHERE refund_id = ANY(%(ids)s::uuid[])"

_AMOUNTS = """
SELECT l.line_id, p.units, p.goods_minor, p.tax_minor, p.shipping_minor
FROM returns_refundline AS p JOIN returns_line AS l ON l.id = p.return_line_id
WHERE p.refund_id = ANY(%(refunds)s::uuid[])
"""
