"""Orders that have to leave by a day: who should look at what has not left before it and after it, and what may not
leave any more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused, Said
from entrepot.orders.commands import progress
from entrepot.orders.commands.cancel import CancelOrder, OrderCancelled
from entrepot.orders.window import ITEMS, Unsent, Windows, tell
from entrepot.sourcing.commands.cancel import cancel
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects

NOTE = "It may not leave any more: its last day is over."
OVER = "nothing of it is still to leave by that day"
"""The root cause of items that end by themselves; any other was given by somebody who decided."""
LOOKED_BACK = timedelta(days=60)
"""For how long after its day an order is looked for that nobody was told of."""


@dataclass(frozen=True, slots=True)
class WatchWindows:
    """The orders of a company."""

    company: int
    key: str | None = None


@dataclass(frozen=True, slots=True)
class WindowsWatched:
    """Orders that somebody is to look at, those of which units were cancelled, and items that were closed; over all
    companies that were asked for."""

    told: int
    cancelled: int
    closed: int


class _Order(NamedTuple):
    id: UUID
    company: int
    number: str
    channel: str
    priority: int
    promise_at: datetime | None
    total_minor: int
    ship_by: date | None
    cancel_after: date | None
    lines: tuple[tuple[UUID, int], ...]  # units by line that the house may still cancel by itself
    free: int
    under_way: int
    decided: frozenset[tuple[str, str]]
    """Types and days of the items about it that somebody closed."""

    @property
    def unsent(self) -> Unsent:
        return Unsent(self.ship_by, self.cancel_after, self.free, self.under_way)


@command("sourcing.watch_windows")
def watch_windows(cause: Cause, /, *, requests: Sequence[WatchWindows]) -> list[WindowsWatched | Refused]:
    """A work item for each order of which units have not left shortly before the last day on which they should, after
    it, and after the last day on which they may; items end with what they told of. What may not leave any more is
    cancelled where the policy `orders.windows` says so, but for what the warehouse or a supplier has. Of what somebody
    has closed for a day nobody is told again, unless the day moves.

    Locks: as `sourcing.cancel`. Refuses: nothing. Again: tells nothing anew. 3 statements; 2 where orders are told of,
    3 where items end, 2 and those of `sourcing.cancel` where units are cancelled.
    """
    companies = sorted({one.company for one in requests})
    in_force = policies.in_force_of(companies, Windows, cause.at)
    open_ = sql.run(_OPEN, {"companies": companies, "types": list(ITEMS)})
    seen = _unsent(companies, [order for order, *_ in open_], in_force, cause.at)

    seen, ends = _locked(seen, in_force, cause.at)
    gone = _cancel(cause, ends)
    told = {
        (one.id, kind): one
        for one in (one._replace(free=0) if one.id in gone else one for one in seen)
        if (kind := tell(one.unsent, _policy(in_force, one), cause.at))
    }
    items = [
        _item(one, kind) for (_, kind), one in told.items() if (kind, str(_day(one, kind))) not in one.decided
    ]
    if items:
        open_items(cause, requests=items)
    over = [
        ResolveSubject(company, kind, order, OVER)
        for order, company, kind in open_
        if (order, kind) not in told
    ]
    if over:
        resolve_subjects(cause, requests=over)
    return [WindowsWatched(len(items), len(gone), len(over)) for _ in requests]


_NOTHING_SAID = Windows()


def _policy(in_force: Mapping[int, Mapping[str, tuple[int, Windows]]], one: _Order) -> Windows:
    return policies.of_scope(in_force.get(one.company, {}), one.channel, _NOTHING_SAID)


def _unsent(
    companies: Sequence[int],
    told: Sequence[UUID],
    in_force: Mapping[int, Mapping[str, tuple[int, Windows]]],
    at: datetime,
) -> list[_Order]:
    """Orders of which units have not left and whose day comes or was, and those that somebody was told of."""
    said = [one.warn_days for of in in_force.values() for _, one in of.values()]
    ahead = timedelta(days=max([_NOTHING_SAID.warn_days, *said]))
    params = {
        "companies": list(companies), "told": list(told), "today": at.date(), "since": at.date() - LOOKED_BACK,
        "until": at.date() + ahead, "types": list(ITEMS), "over": OVER,
    }  # fmt: skip
    return [_order(row) for row in sql.run(_UNSENT, params)]


def _order(row: Sequence[Any]) -> _Order:
    *head, lines, units, free, under_way, types, days = row
    decided = frozenset(zip(types, days, strict=True))
    return _Order(*head, tuple(zip(lines, units, strict=True)), free, under_way, decided)  # type: ignore[call-arg]


def _locked(
    seen: Sequence[_Order], in_force: Mapping[int, Mapping[str, tuple[int, Windows]]], at: datetime
) -> tuple[list[_Order], list[_Order]]:
    """The orders, and those that may not leave any more and are to be cancelled for it: these are locked, and told as
    they are then. Somebody may have moved their day while nothing was locked. 2 statements, where there are some."""

    def ends(one: _Order) -> bool:
        return _policy(in_force, one).after_cancel == "cancel" and one.unsent.is_past(at)

    wanted = {one.id for one in seen if ends(one) and one.free}
    if not wanted:
        return list(seen), []
    progress.lock(wanted)
    now = _unsent([], sorted(wanted), in_force, at)
    return [*(one for one in seen if one.id not in wanted), *now], [one for one in now if ends(one)]


def _cancel(cause: Cause, ends: Sequence[_Order]) -> set[UUID]:
    """What nobody has begun of orders, which are locked, is cancelled: those where it was."""
    wanted = [CancelOrder(one.id, NOTE, one.lines) for one in ends if one.free]
    answers = cancel(cause, requests=wanted) if wanted else []
    return {one.order for one in answers if isinstance(one, OrderCancelled)}


def _day(one: _Order, kind: str) -> date | None:
    return one.cancel_after if kind == "past cancel-after" else one.ship_by


def _item(one: _Order, kind: str) -> OpenItem:
    day = _day(one, kind)
    units = one.free + one.under_way
    reason = Said("{0} units of {1} have not left; the last day to leave is {2}", units, one.number, day)
    if kind == "past cancel-after":
        reason = Said("{0} units of {1} may not leave any more: the last day was {2}", units, one.number, day)
    return OpenItem(
        one.company, kind, "order", one.id, reason, "operations lead",
        {"units": units, "under_way": one.under_way, "day": str(day)}, one.priority, due_in_hours=24,
        value_minor=one.total_minor, promise_at=one.promise_at,
    )  # fmt: skip


_OPEN = """
SELECT subject_id, company_id::int, type FROM work_item
WHERE company_id = ANY(%(companies)s::smallint[]) AND type = ANY(%(types)s::text[]) AND state <> 'done'
ORDER BY id
"""

# Each by an index of its own: few orders have such days.
_UNSENT = """
SELECT o.id, o.company_id::int, o.number, c.code, o.priority::int, o.promise_at, o.total_minor, o.ship_by,
       o.cancel_after, l.lines, l.units, l.free, l.under_way, i.types, i.days
FROM (
    SELECT id FROM orders_order WHERE company_id = ANY(%(companies)s::smallint[])
      AND ship_by BETWEEN %(since)s::date AND %(until)s::date
    UNION SELECT id FROM orders_order WHERE company_id = ANY(%(companies)s::smallint[])
      AND cancel_after BETWEEN %(since)s::date AND %(today)s::date
    UNION SELECT unnest(%(told)s::uuid[])
) AS these
JOIN orders_order AS o ON o.id = these.id AND o.commercial NOT IN ('cancelled', 'closed')
JOIN network_channel AS c ON c.id = o.channel_id
CROSS JOIN LATERAL (
    SELECT COALESCE(array_agg(id ORDER BY number) FILTER (WHERE units > 0), '{}') AS lines,
           COALESCE(array_agg(units ORDER BY number) FILTER (WHERE units > 0), '{}') AS units,
           COALESCE(sum(units), 0)::int AS free, COALESCE(sum(under_way), 0)::int AS under_way
    FROM (SELECT id, number, open + backordered + allocated AS units,
                 with_supplier + released + picked + packed AS under_way
          FROM orders_line WHERE order_id = o.id AND kind = 'goods') AS of_line
) AS l
CROSS JOIN LATERAL (
    SELECT COALESCE(array_agg(w.type), '{}') AS types, COALESCE(array_agg(w.facts ->> 'day'), '{}') AS days
    FROM work_item AS w
    WHERE w.subject_id = o.id AND w.type = ANY(%(types)s::text[]) AND w.state = 'done'
      AND w.root_cause <> %(over)s::text
) AS i
WHERE l.free + l.under_way > 0 ORDER BY o.id
"""
