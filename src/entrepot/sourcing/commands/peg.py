"""Promise backorders for when their supply comes, and tell the orders whose date slips."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import delivery, policies, ready, sql, wire
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Refused, Said
from entrepot.kernel.events import Event
from entrepot.network.destinations import promised_day
from entrepot.orders.commands import progress
from entrepot.sourcing import pegging, rules
from entrepot.sourcing.commands.end_slipped import COMES, IS_UNDATED
from entrepot.sourcing.facts import profile_of
from entrepot.sourcing.queries import PROMISED
from entrepot.stock import queries as stock
from entrepot.stock.commands.set_preorder import were_told
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects


@dataclass(frozen=True, slots=True)
class PegSku:
    """A SKU whose supply or whose backorders have changed."""

    sku: UUID
    key: str | None = None


@dataclass(frozen=True, slots=True)
class SkuPegged:
    """Lines that wait for the SKU, how many of them supply is expected for, and how many dates have slipped."""

    sku: UUID
    waiting: int
    covered: int
    slipped: int


class _Line(NamedTuple):
    sku: UUID
    waiting: pegging.Waiting
    promised_on: date
    was_pegged: bool
    number: str
    external_id: str
    channel: str
    ships_on: date | None
    units_max: int  # sold ahead of that day; 0: any
    sku_code: str
    promise_on: date | None  # of the customer's promise, where the order goes
    company: int

    def was_known(self) -> date | None:
        """The day that the order was told last: that of the first date is the promise itself."""
        return self.promised_on if self.was_pegged else self.promise_on


@command("sourcing.peg")
def peg(cause: Cause, /, *, requests: Sequence[PegSku]) -> list[SkuPegged | Refused]:
    """Give expected supply to backorders by fairness, and date each for when its last unit comes.

    An order whose date slips, or whose first date is past the customer's promise, is told: an event, a message to its
    channel, and a work item where the new date is past the promise by more than the policy tolerates. So are orders
    that are promised a SKU that is sold ahead, and were placed before the day was moved from which it ships.
    Locks: the orders that wait for the SKUs, or are promised one whose day was moved, in id order. Refuses: nothing.
    Again: pegs the same, and tells nobody twice.
    8 statements; 2 more where a day was moved, 3 where a date slips, 1 where a SKU is sold ahead up to a limit, and 3
    to open or end items about that.
    """
    skus = {"skus": list({request.sku for request in requests})}
    found_orders = sql.run(_ORDERS, skus)
    orders = sorted({order for order, _ in found_orders if order})
    progress.lock(orders)
    rows = sql.run(_LINES, skus | {"orders": orders})
    companies = sorted({row[-1] for row in rows})
    profiles = policies.in_force_of(companies, rules.Profile, cause.at)
    found = policies.of_companies(companies, pegging.Backorders, cause.at)
    steering = {company: policy for company, (_, policy) in found.items()}
    lines = _lines(rows, profiles)
    supply: dict[UUID, list[pegging.Supply]] = defaultdict(list)
    for sku, *coming in sql.run(_SUPPLY, skus):
        supply[sku].append(pegging.Supply(*coming))

    promises = {
        sku: pegging.peg(
            [one.waiting for one in waiting], supply[sku], cause.at.date(),
            steering[waiting[0].company], waiting[0].ships_on,
        )
        for sku, waiting in lines.items()
    }  # fmt: skip

    dated = [one for of_sku in promises.values() for one in of_sku]
    if dated:
        rows = [(one.line, wire.dump([given._asdict() for given in one.pegs]), one.on) for one in dated]
        sql.change(_DATE, sql.columns(("lines", "pegs", "dates"), rows) | {"at": cause.at})
    new = {one.line: one.on for one in dated}
    all_lines = [one for of_sku in lines.values() for one in of_sku]
    if any(was_moved for _, was_moved in found_orders):
        moved = _moved(skus | {"orders": orders}, cause.at.date())
        new |= {one.waiting.line: one.ships_on for one in moved if one.ships_on}
        all_lines += moved
        more = policies.of_companies(
            {one.company for one in moved} - steering.keys(), pegging.Backorders, cause.at
        )
        steering |= {company: policy for company, (_, policy) in more.items()}
    late = [one for one in all_lines if (was := one.was_known()) and new[one.waiting.line] > was]
    _tell(cause, late, new)
    _look_after(cause, all_lines, new, steering)
    _limit(cause, lines)
    ready.drop("peg", skus["skus"])
    return [
        SkuPegged(
            one.sku, len(promises.get(one.sku, ())), sum(p.covered for p in promises.get(one.sku, ())),
            sum(each.sku == one.sku for each in late),
        )
        for one in requests
    ]  # fmt: skip


def _lines(
    rows: Sequence[tuple[Any, ...]], profiles: Mapping[int, Mapping[str, tuple[int, rules.Profile]]]
) -> dict[UUID, list[_Line]]:
    """By SKU. What no supply covers waits as long as the profile of its channel says."""
    lines: dict[UUID, list[_Line]] = defaultdict(list)
    for sku, line, order, units, priority, promise_at, ordered_at, nodes, *facts in rows:
        *of_line, told, _at, country, postal_code, home, company = facts
        *_, channel, _ships_on, _units_max, _code = of_line
        lead_days = profile_of(profiles.get(company, {}), channel).profile.default_lead_days
        waiting = pegging.Waiting(
            line, order, units, priority, promise_at, ordered_at, frozenset(nodes), lead_days, told
        )
        promise_on = promised_day(promise_at, country, postal_code, home)
        lines[sku].append(_Line(sku, waiting, *of_line, promise_on, company))  # type: ignore[call-arg]
    return lines


def _moved(skus: Mapping[str, Any], today: date) -> list[_Line]:
    """Lines that are promised SKUs whose day was moved, and are told of it now: it is the date of those that wait for
    nothing else. 2 statements."""
    days: dict[UUID, date | None] = {}
    moved = []
    for sku, ships_on, moved_from, line, order, units, promise_at, ordered_at, *facts in sql.run(
        _MOVED, skus
    ):
        days[sku] = ships_on
        if line is None:
            continue
        number, external_id, channel, units_max, code, told_at, country, postal_code, home, company = facts
        waiting = pegging.Waiting(line, order, units, 0, promise_at, ordered_at, frozenset(), 0)
        on = promised_day(told_at, country, postal_code, home)
        moved.append(_Line(
            sku, waiting, moved_from, True, number, external_id, channel, max(ships_on or today, today),
            units_max, code, on, company,
        ))  # fmt: skip
    were_told(list(days.items()))
    return moved


def _tell(cause: Cause, slipped: Sequence[_Line], new: dict[UUID, date]) -> None:
    """One event and one message for each order, with its lines that come later than they were promised for."""
    by_order: dict[UUID, list[_Line]] = defaultdict(list)
    for line in slipped:
        by_order[line.waiting.order].append(line)
    messages, events = [], []
    for order, lines in by_order.items():
        first = lines[0]
        later = [
            {
                "line": one.waiting.line, "units": one.waiting.quantity, "from": one.was_known(),
                "to": new[one.waiting.line],
            }
            for one in lines
        ]  # fmt: skip
        body = {"number": first.number, "external_id": first.external_id, "lines": later}
        messages.append(
            delivery.Message(f"channels:{first.channel}", "order.promise_slipped", order, first.company, body)
        )
        was, becomes = (
            max(filter(None, (one.was_known() for one in lines))),
            max(new[one.waiting.line] for one in lines),
        )
        events.append(
            Event(
                "order", order, first.company, payload={"lines": later},
                reason=Said("What it waits for is expected on {0} and not on {1}", becomes, was),
            )
        )  # fmt: skip
    announce(cause, events)
    delivery.send(cause, messages)


def _look_after(
    cause: Cause,
    lines: Sequence[_Line],
    new: dict[UUID, date],
    steering: Mapping[int, pegging.Backorders],
) -> None:
    """An item for each order that will be late now; ended for those of which all comes within the promise again."""
    late: dict[UUID, _Line] = {}
    still: set[UUID] = set()
    for one in lines:
        on, known = new[one.waiting.line], one.was_known()
        if not pegging.is_late(on, one.promise_on, steering[one.company]):
            continue
        still.add(one.waiting.order)
        if known and on > known:
            latest = late.setdefault(one.waiting.order, one)
            late[one.waiting.order] = max(latest, one, key=lambda each: new[each.waiting.line])
    if late:
        open_items(
            cause,
            requests=[
                OpenItem(
                    one.company, "slipped promise", "order", order,
                    Said("Expected on {0}, promised to the customer for {1}", new[one.waiting.line], one.promise_on),
                    "customer service", due_in_hours=24, promise_at=one.waiting.promise_at,
                )
                for order, one in late.items()
            ],
        )  # fmt: skip
    in_time = {one.waiting.order: one for one in lines if one.waiting.order not in still}
    there = _items_of(in_time, lines) if in_time else {}
    ended = [
        in_time[order]
        for order, on in there.items()
        if on is None or not pegging.is_late(on, in_time[order].promise_on, steering[in_time[order].company])
    ]
    if ended:
        resolve_subjects(
            cause,
            requests=[
                ResolveSubject(one.company, "slipped promise", one.waiting.order, "expected in time again")
                for one in ended
            ],
        )


def _items_of(orders: Collection[UUID], lines: Sequence[_Line]) -> dict[UUID, date | None]:
    """Of orders that have an item, and no backorder that nobody has dated yet, the last day for which other lines than
    these wait, None where none does. 1 statement."""
    mine = [one.waiting.line for one in lines if one.waiting.order in orders]
    return dict(sql.run(_ITEMS_OF, {"orders": list(orders), "lines": mine}))


def _limit(cause: Cause, lines: dict[UUID, list[_Line]]) -> None:
    """An item for each SKU of which more was sold ahead than its limit; ended where it is within it again."""
    limited = {
        sku: of_sku[0]
        for sku, of_sku in lines.items()
        if of_sku[0].units_max and of_sku[0].ships_on and of_sku[0].ships_on > cause.at.date()
    }
    if not limited:
        return
    taken = stock.taken(skus=limited)
    sold = {sku: taken.get(sku, 0) + sum(one.waiting.quantity for one in lines[sku]) for sku in limited}
    over = [sku for sku, one in limited.items() if sold[sku] > one.units_max]
    if over:
        open_items(
            cause,
            requests=[
                OpenItem(
                    one.company, "sold past limit", "sku", sku,
                    Said("{0} of {1} are sold ahead, the limit is {2}", sold[sku], one.sku_code, one.units_max),
                    "inventory manager", due_in_hours=48,
                )
                for sku, one in limited.items()
                if sku in over
            ],
        )  # fmt: skip
    if within := [(sku, one.company) for sku, one in limited.items() if sku not in over]:
        resolve_subjects(
            cause,
            requests=[
                ResolveSubject(company, "sold past limit", sku, "within the limit") for sku, company in within
            ],
        )


# With those that are promised a SKU whose day was moved; without an order where nobody is.
_ORDERS = """
SELECT order_id, false FROM sourcing_backorder WHERE sku_id = ANY(%(skus)s::uuid[])
UNION
SELECT a.order_id, true FROM stock_preorder AS y
LEFT JOIN stock_allocation AS a ON a.sku_id = y.sku_id AND a.quantity > a.released
 AND a.ordered_at < y.moved_at[cardinality(y.moved_at)]
WHERE y.sku_id = ANY(%(skus)s::uuid[]) AND y.moved_from IS NOT NULL
"""

# What also waits for stock is dated by that. Each knows the day from which it was moved first since they ordered.
_MOVED = f"""
SELECT y.sku_id, y.ships_on,
       y.moved_from[1 + (SELECT count(*)::int FROM unnest(y.moved_at) AS m(at) WHERE m.at <= a.ordered_at)],
       a.line_id, a.order_id, a.units, o.promise_at, o.placed_at,
       o.number, o.external_id, c.code, y.units_max, s.code, {PROMISED}, y.company_id::int
FROM stock_preorder AS y JOIN catalog_sku AS s ON s.id = y.sku_id
LEFT JOIN (SELECT sku_id, line_id, order_id, min(ordered_at) AS ordered_at,
                  sum(quantity - released)::int AS units
           FROM stock_allocation AS a
           WHERE sku_id = ANY(%(skus)s::uuid[]) AND order_id = ANY(%(orders)s::uuid[]) AND quantity > released
             AND NOT EXISTS (SELECT FROM sourcing_backorder AS b WHERE b.line_id = a.line_id)
           GROUP BY 1, 2, 3) AS a ON a.sku_id = y.sku_id
      AND a.ordered_at < y.moved_at[cardinality(y.moved_at)]
LEFT JOIN orders_order AS o ON o.id = a.order_id LEFT JOIN network_channel AS c ON c.id = o.channel_id
WHERE y.sku_id = ANY(%(skus)s::uuid[]) AND y.moved_from IS NOT NULL
"""

# Backorders change under the lock of their order only; one that came since then has offered its SKU again.
_LINES = f"""
SELECT b.sku_id, b.line_id, b.order_id, b.quantity, b.priority::int, o.promise_at, b.ordered_at,
       ARRAY(SELECT cn.node_id FROM network_channelnode AS cn WHERE cn.channel_id = o.channel_id),
       b.promised_on, b.pegged_at IS NOT NULL, o.number, o.external_id, c.code,
       y.ships_on, COALESCE(y.units_max, 0), s.code, CASE WHEN b.pegged_at IS NOT NULL AND b.quantity > COALESCE((
           SELECT sum((one ->> 'quantity')::int) FROM jsonb_array_elements(b.pegs) AS one), 0) THEN b.promised_on END,
       {PROMISED}, b.company_id::int
FROM sourcing_backorder AS b JOIN orders_order AS o ON o.id = b.order_id JOIN catalog_sku AS s ON s.id = b.sku_id
LEFT JOIN stock_preorder AS y ON y.sku_id = b.sku_id
JOIN network_channel AS c ON c.id = o.channel_id
WHERE b.sku_id = ANY(%(skus)s::uuid[]) AND b.order_id = ANY(%(orders)s::uuid[])
"""

# Item by item, by index, whatever number of them was expected.
_ITEMS_OF = f"""
SELECT w.subject_id, waits.comes_on FROM work_item AS w
CROSS JOIN LATERAL (
    SELECT max(comes_on) AS comes_on FROM ({COMES}) AS each WHERE line_id NOT IN (SELECT unnest(%(lines)s::uuid[]))
) AS waits
WHERE w.subject_id = ANY(%(orders)s::uuid[]) AND w.type = 'slipped promise' AND w.state <> 'done'
  AND NOT {IS_UNDATED}
"""

_SUPPLY = """
SELECT sku_id, line_id, node_id, quantity, expected_on FROM stock_supply WHERE sku_id = ANY(%(skus)s::uuid[])
"""

_DATE = """
UPDATE sourcing_backorder AS b SET promised_on = d.promised_on, pegs = d.pegs::jsonb, pegged_at = %(at)s::timestamptz
FROM unnest(%(lines)s::uuid[], %(pegs)s::text[], %(dates)s::date[]) AS d(line, pegs, promised_on)
WHERE b.line_id = d.line
"""
