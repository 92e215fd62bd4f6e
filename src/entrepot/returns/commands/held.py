"""Holds with all that decides about them, under the lock of their orders."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.errors import Refused
from entrepot.kernel.policies import of_companies
from entrepot.payments import hold_queries
from entrepot.returns import holding
from entrepot.returns.commands.lock import lock_returns
from entrepot.returns.holding import InstantPolicy, Line, Move, Standing
from entrepot.returns.states import HOLD, HOLD_STANDING


@dataclass(slots=True)
class Held:
    """A hold that is not done with; it changes as a batch is decided."""

    id: UUID
    number: str
    company: int
    return_id: UUID
    return_number: str
    order: UUID
    refund: UUID | None
    kind: str
    currency: str
    amount: int
    taken: int
    returned: int
    weights: tuple[int, int, int]
    payment: UUID
    state: str
    renewable: bool
    due_at: datetime
    expires_at: datetime | None
    given: int
    refund_state: str
    why: str
    lines: list[tuple[UUID, int, int]] = field(default_factory=list)
    payments: list[hold_queries.Held] = field(default_factory=list)
    before: str = ""
    is_fresh: bool = False  # it stands since now
    released: bool = False
    renews: bool = False
    booking: int = 0  # taken now, or below zero given back
    outdated: list[UUID] = field(default_factory=list)

    @property
    def latest(self) -> hold_queries.Held:
        return self.payments[-1]

    @property
    def wanted(self) -> tuple[tuple[UUID, int], ...]:
        return tuple((line, units) for line, units, _ in self.lines)

    @property
    def is_closed(self) -> bool:
        return self.state not in HOLD_STANDING

    def step(self, event: str) -> None:
        after = HOLD.step(self.state, event)
        assert not isinstance(after, Refused), after
        self.before, self.state = self.before or self.state, after


class Known:
    """Returns with their holds that are not done with, locked. 10 statements."""

    def __init__(self, cause: Cause, returns: Collection[UUID]) -> None:
        self.returns = lock_returns(returns)
        params = {"returns": list(self.returns), "states": list(HOLD_STANDING)}
        self.holds = [_held(row) for row in sql.run(_OPEN, params)]
        self.policies = of_companies({one.company for one in self.returns.values()}, InstantPolicy, cause.at)
        by_id = {one.id: one for one in self.holds}
        for owner, *line in sql.run(_LINES, {"holds": list(by_id)}):
            by_id[owner].lines.append(tuple(line))  # type: ignore[arg-type]
        for document, payments in hold_queries.held(by_id).items():
            by_id[document].payments = payments
        self.found: dict[UUID, list[tuple[str, str, int]]] = defaultdict(list)
        for line, *inspected in sql.run(_FOUND, params):
            self.found[line].append(tuple(inspected))  # type: ignore[arg-type]

    def standing(self, one: Held) -> Standing:
        """What decides about a hold."""
        gone = one.refund is None or one.refund_state == "rejected"
        given, settled = (0, False) if gone else (one.given, one.refund_state == "paid")
        refundable = sum(each.refundable_minor for each in one.payments)
        return Standing(
            one.state, [self._line(one, *line) for line in one.lines], given, settled, gone,
            # What a bank has taken back of it is the customer's already.
            min(one.taken, refundable + one.returned), one.returned, one.due_at, one.expires_at, one.renewable,
        )  # fmt: skip

    def _line(self, one: Held, which: UUID, units: int, minor: int) -> Line:
        line = self.returns[one.return_id].lines[which]
        good = self.policies[one.company][1].passing_grades
        passed = failed = 0
        for grade, verdict, found in self.found[which]:
            as_it_should = holding.passes(grade, verdict, good)
            passed += found * (as_it_should is True)
            failed += found * (as_it_should is False)
        expected = line.quantity - line.cancelled
        return Line(units, minor, expected, line.received, passed, failed)

    def move(self, one: Held, at: datetime) -> Move:
        return holding.decide(self.standing(one), self.policies[one.company][1], at)

    def of(self, hold: UUID) -> Held | None:
        return next((one for one in self.holds if one.id == hold), None)


def _held(row: tuple) -> Held:  # type: ignore[type-arg]
    return Held(*row[:12], tuple(row[12:15]), *row[15:])  # type: ignore[call-arg]


_OPEN = """
SELECT h.id, h.number, h.company_id::int, h.return_id, r.number, r.order_id, h.refund_id, h.kind, h.currency::text,
       h.amount_minor, h.taken_minor, h.returned_minor, h.goods_minor, h.shipping_minor, h.tax_minor, h.payment_id,
       h.state, h.renewable, h.due_at, h.expires_at, COALESCE(f.total_minor, 0), COALESCE(f.state, ''), h.why
FROM returns_hold AS h
JOIN returns_return AS r ON r.id = h.return_id
LEFT JOIN returns_refund AS f ON f.id = h.refund_id
WHERE h.return_id = ANY(%(returns)s::uuid[])
  AND h.state = ANY(%(states)s::text[])
ORDER BY h.id
"""

_LINES = """
SELECT hold_id, return_line_id, units, minor FROM returns_holdline WHERE hold_id = ANY(%(holds)s::uuid[])
ORDER BY hold_id, return_line_id
"""

_FOUND = """
SELECT return_line_id, grade, verdict, sum(quantity)::int FROM returns_inspection
WHERE return_id = ANY(%(returns)s::uuid[]) GROUP BY 1, 2, 3
"""
