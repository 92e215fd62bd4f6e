"""What comes back on the trading day: goods brought to the counter, each by the people whose duties these are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.errors import Refused
from entrepot.returns import rules
from entrepot.returns.commands.approve import Approve, approve
from entrepot.returns.commands.authorize import Authorize, Authorized, Item, authorize
from entrepot.returns.commands.dispose import Dispose, dispose
from entrepot.returns.commands.inspect import Inspect, Inspected, inspect
from entrepot.returns.commands.receive import Receive, Received, receive

if TYPE_CHECKING:
    from entrepot.simulation.day import Day

SHARE = 0.09
"""Of the shipped orders, those of which something comes back on the same day."""

REASONS = {
    "changed_mind": 30, "poor_fit": 22, "not_as_described": 12, "damaged_in_transit": 10, "defective": 10,
    "ordered_by_mistake": 9, "wrong_item": 7,
}  # fmt: skip
VERDICTS = (
    ("A", "restock"), ("B", "second_grade"), ("C", "refurbish"), ("D", "dispose"),
    ("B", "liquidate"), ("C", "return_to_vendor"), ("D", "donate"), ("A", "quarantine"),
    *[("A", "restock")] * 4, ("A", ""), ("B", "second_grade"), *[("A", "restock")] * 4, ("B", "second_grade"),
    ("A", "restock"), ("C", "refurbish"),
)  # fmt: skip
"""Grades that the inspector finds in turn, and what becomes of the units; "" waits for tomorrow. By turns and not by
chance, so that even a quiet day shows every disposition."""


class _Line(NamedTuple):
    order: UUID
    line: UUID
    units: int


def take_back(day: Day, at: datetime) -> None:
    """Some customers bring something back; most of it is through by the evening, some waits for tomorrow."""
    asked = _authorize(day, at)
    # A few have announced a parcel that is still on its way.
    here = [one for one in asked if day.chance.random() < 0.9]
    receipts = _receive(day, at + timedelta(minutes=10), here)
    looked_at = [one for one in receipts if day.chance.random() < 0.93]
    _inspect(day, at + timedelta(minutes=25), looked_at)


def decide_refunds(day: Day, at: datetime) -> None:
    """The controller goes through what waits for approval: most is agreed to, a little rejected, the last waits."""
    waiting = [row[0] for row in sql.run("SELECT id FROM returns_refund WHERE state = 'waiting' ORDER BY id")]
    decided = waiting[: max(0, len(waiting) - 2)]
    requests = [
        Approve(one, agree=agreed, reason="" if agreed else "the goods show long use")
        for one, agreed in zip(decided, (day.chance.random() < 0.85 for _ in decided), strict=False)
    ]
    approve(day.cause("controller", at, "refunds of the day"), requests=requests)


def _authorize(day: Day, at: datetime) -> list[Authorized]:
    lines: dict[UUID, list[_Line]] = {}
    for row in sql.run(_SHIPPED, {"orders": day.sent}):
        lines.setdefault(row[0], []).append(_Line(*row))
    day.sent.clear()
    requests = []
    for order, own in lines.items():
        if day.chance.random() > SHARE:
            continue
        chosen = own if day.chance.random() < 0.4 else day.chance.sample(own, 1)
        (reason,) = day.chance.choices(list(REASONS), list(REASONS.values()))
        items = tuple(Item(one.line, day.chance.randint(1, one.units), reason) for one in chosen)
        requests.append(Authorize(order, items, occurred_at=at))
    answers = authorize(day.cause("service", at, "the customer is at the counter"), requests=requests)
    return [one for one in answers if isinstance(one, Authorized)]


def _receive(day: Day, at: datetime, returns: Iterable[Authorized]) -> list[tuple[Received, int]]:
    units = dict(sql.run(_EXPECTED, {"returns": [one.return_id for one in returns]}))
    requests = [
        Receive(one.return_id, line, units[line], condition="handed in", occurred_at=at)  # type: ignore[index]
        for one in returns
        for line in one.lines
    ]
    answers = receive(day.cause("supervisor", at, "returns counter"), requests=requests)
    return [
        (answer, request.quantity)
        for answer, request in zip(answers, requests, strict=True)
        if isinstance(answer, Received)
    ]


def _inspect(day: Day, at: datetime, receipts: Sequence[tuple[Received, int]]) -> None:
    inspector = day.cause("inspector", at, "inspection")
    verdicts = [VERDICTS[(day.inspected + i) % len(VERDICTS)] for i in range(len(receipts))]
    day.inspected += len(receipts)
    found = inspect(
        inspector,
        requests=[
            Inspect(receipt.receipt, units, grade, occurred_at=at)
            for (receipt, units), (grade, _) in zip(receipts, verdicts, strict=True)
        ],
    )
    dispositions = [
        _dispose(answer, units, grade, chosen, at + timedelta(minutes=10))
        for answer, (_, units), (grade, chosen) in zip(found, receipts, verdicts, strict=True)
        if isinstance(answer, Inspected) and chosen
    ]
    # What was not proposed is for somebody who may decide against the rules.
    otherwise = [one for one in dispositions if one.reason]
    done = [
        *dispose(inspector, requests=[one for one in dispositions if not one.reason]),
        *dispose(day.cause("supervisor", at, "inspection"), requests=otherwise),
    ]
    refused = [one for one in done if isinstance(one, Refused)]
    assert not refused, refused


def _dispose(found: Inspected, units: int, grade: str, chosen: str, at: datetime) -> Dispose:
    """What the policy proposes, or another disposition with its reason."""
    if chosen == found.proposed:
        return Dispose(found.inspection, units, occurred_at=at)
    reason = f"{rules.GRADES[grade]}, and better so"
    return Dispose(found.inspection, units, chosen, reason=reason, occurred_at=at)


_SHIPPED = """
SELECT l.order_id, l.id, l.shipped + l.delivered FROM orders_line AS l
WHERE l.order_id = ANY(%(orders)s::uuid[]) AND l.sku_id IS NOT NULL AND l.shipped + l.delivered > 0
ORDER BY l.order_id, l.number
"""

_EXPECTED = "SELECT id, quantity FROM returns_line WHERE return_id = ANY(%(returns)s::uuid[])"
