"""The way back in short words, for tests: a house whose orders were sent and paid, and each step of their return."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from entrepot.kernel import policies, sql
from entrepot.kernel.cause import Cause
from entrepot.orders.commands.place import PaymentGiven
from entrepot.orders.rules import GOODS
from entrepot.returns.commands.authorize import Authorize, Authorized, Item, authorize
from entrepot.returns.commands.dispose import Dispose, Disposed, dispose
from entrepot.returns.commands.inspect import Inspect, Inspected, inspect
from entrepot.returns.commands.receive import Receive, Received, receive
from entrepot.returns.rules import Policy
from tests.floor import COMPANY, NOW, SYSTEM, Floor, someone
from tests.walk import placed, shipped

ASKS, RECEIVES, INSPECTS, APPROVES = (someone(name) for name in ("ann", "rob", "ivy", "carl"))
"""Three people whose duties are apart, and an inspector."""


def sold(house: Floor, count: int, *lines: tuple[int, int], **facts: object) -> list[UUID]:
    """Orders alike that were sent and captured on account."""
    amount = sum(quantity for _, quantity in lines) * 999 + 10_000
    facts.setdefault("payment", PaymentGiven("account", "an account", amount, NOW))
    orders = placed(house, count, *lines, **facts)
    shipped(*orders)
    return orders


def lines_of(order: UUID) -> list[UUID]:
    """The order's lines of goods, in order."""
    statement = "SELECT id FROM orders_line WHERE order_id = %(order)s AND kind = %(kind)s ORDER BY number"
    return [line for (line,) in sql.run(statement, {"order": order, "kind": GOODS})]


def asked(
    order: UUID, *units: int, reason: str = "changed_mind", cause: Cause = ASKS, **facts: Any
) -> Authorized:
    """A return of so many units of the order's lines in turn; 0 leaves a line out."""
    items = tuple(
        Item(line, count, reason) for line, count in zip(lines_of(order), units, strict=False) if count
    )
    (answer,) = authorize(cause, requests=[Authorize(order, items, **facts)])
    assert isinstance(answer, Authorized), answer
    return answer


def came(one: Authorized, *units: int, cause: Cause = RECEIVES) -> list[Received]:
    """Receipts of so many units of the return's lines in turn; all that is expected without."""
    counts = units or [
        count
        for (count,) in sql.run(
            "SELECT quantity - received FROM returns_line WHERE return_id = %(id)s ORDER BY id",
            {"id": one.return_id},
        )
    ]
    wanted = [Receive(one.return_id, line, n) for line, n in zip(one.lines, counts, strict=False) if n]
    return _all(Received, receive(cause, requests=wanted))


def found(
    receipts: Sequence[Received], grade: str = "A", cause: Cause = INSPECTS
) -> list[tuple[Inspected, int]]:
    """Inspections of whole receipts, with their units."""
    quantities = dict(
        sql.run(
            "SELECT id, quantity FROM returns_receipt WHERE id = ANY(%(ids)s)",
            {"ids": [r.receipt for r in receipts]},
        )
    )
    wanted = [Inspect(one.receipt, quantities[one.receipt], grade) for one in receipts]
    answers = _all(Inspected, inspect(cause, requests=wanted))
    return [(answer, one.quantity) for answer, one in zip(answers, wanted, strict=True)]


def put(inspections: Iterable[tuple[Inspected, int]], disposition: str = "", cause: Cause = INSPECTS) -> None:
    """Dispositions of whole inspections: the one proposed, or another."""
    reason = "as I see it" if disposition else ""
    requests = [Dispose(one.inspection, n, disposition, reason=reason) for one, n in inspections]
    _all(Disposed, dispose(cause, requests=requests))


def back(one: Authorized, *units: int, grade: str = "A", disposition: str = "") -> None:
    """Receive, inspect and dispose."""
    put(found(came(one, *units), grade), disposition)


def policy(**facts: Any) -> None:
    """Set the policy of returns."""
    body = replace(Policy(), **facts)
    kept = policies.SetPolicy(COMPANY, "returns", body, NOW - timedelta(days=1))
    policies.set_policy(SYSTEM, requests=[kept])


def _all(kind: type, answers: Iterable[object]) -> list:
    answers = list(answers)
    assert all(isinstance(answer, kind) for answer in answers), answers
    return answers
