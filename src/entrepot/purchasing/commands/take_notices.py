"""Suppliers say what is on its way, package by package; and that nothing more comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said
from entrepot.kernel.events import Event
from entrepot.purchasing import errors
from entrepot.purchasing.commands.scheduling import (
    Coming,
    expect_lines,
    give_schedules_back,
    set_on_notices,
)
from entrepot.purchasing.confirming import NoticedLine, misfit_notice
from entrepot.purchasing.dock import standing_notices
from entrepot.purchasing.rules import Line
from entrepot.purchasing.states import NOTICE, ORDER
from entrepot.work.commands.open_items import OpenItem, open_items

__all__ = [
    "CloseNotice",
    "NoticeClosed",
    "NoticeTaken",
    "NoticedLine",
    "TakeNotice",
    "close_notices",
    "take_notices",
]


@dataclass(frozen=True, slots=True)
class TakeNotice:
    """An advance ship notice under the supplier's own number; each line (order, line, quantity[, SSCC[, lot[, expiry[,
    serial numbers[, SSCC of the pallet]]]]]). `replaces`: where the supplier gave one of this number before, this one
    stands in its place."""

    company: int
    external_ref: str
    expected_on: date
    lines: tuple[NoticedLine | tuple[Any, ...], ...]
    carrier: str = ""
    tracking: str = ""
    occurred_at: datetime | None = None
    replaces: bool = False
    key: str | None = None


@dataclass(frozen=True, slots=True)
class NoticeTaken:
    """The notice, and the order lines of which more is on its way than is to come."""

    notice: UUID
    number: str
    packages: int
    units: int
    beyond: tuple[str, ...]


@dataclass(slots=True)
class _Order:
    id: UUID
    number: str
    company: int
    supplier: UUID
    node: UUID
    state: str
    lines: dict[UUID, Line] = field(default_factory=dict)


@dataclass(slots=True)
class _Taken:
    id: UUID
    number: str
    request: TakeNotice
    order: _Order
    lines: list[NoticedLine]
    beyond: tuple[str, ...]
    instead_of: UUID | None = None


class _Standing(NamedTuple):
    """What a supplier announced under a number before, and what came of it."""

    id: UUID
    number: str
    state: str
    taken_at: datetime
    received: int


@command("purchasing.take_notices")
def take_notices(cause: Cause, /, *, requests: Sequence[TakeNotice]) -> list[NoticeTaken | Refused]:
    """Notices of what is on its way. Where one brings the whole rest of an order line, the line is expected on its day.
    More than is to come of a line is work for a buyer before it stands at the dock. What replaces a notice of which
    nothing came stands in its place, and the old one stays to be read.

    Locks: the orders, also of notices that are replaced, in the order of their ids; then the notices replaced by id.
    Refuses: NotFound (order, line); WrongState (received or cancelled; a notice to be replaced that is closed); Invalid
    (lines, packages, orders of two suppliers or nodes); purchasing.noticed_before; purchasing.notice_begun and
    purchasing.notice_overtaken (where one is to be replaced).
    Again: by key, and by the supplier's number. 9 statements; 1 more where a number is taken, 1 where
    a buyer is asked, and 4 where some are to be replaced, with 3 where these had stood in the place of a schedule.
    """
    asked = [[NoticedLine(*line) for line in one.lines] for one in requests]
    orders = _lock({line.order for lines in asked for line in lines} | _orders_replaced(requests, asked))
    standing = _standing(requests, asked, orders)
    numbers = iter(ids.numbers("AN", len(requests)))

    answers: list[NoticeTaken | Refused] = []
    taken: list[_Taken] = []
    for one, lines in zip(requests, asked, strict=True):
        refusal = misfit_notice(lines, one.external_ref) or _misfit(one, lines, orders)
        old = standing.get((orders[lines[0].order].supplier, one.external_ref)) if not refusal else None
        if old and one.replaces:
            refusal = _fixed(old, one, cause.at)
        if refusal:
            answers.append(refusal)
            continue
        found = _Taken(ids.uuid7(), next(numbers), one, orders[lines[0].order], lines, _beyond(lines, orders))
        if old and one.replaces:
            # The next of the batch that would replace it finds this one there.
            found.instead_of = standing.pop((found.order.supplier, one.external_ref)).id
        taken.append(found)
        packages = len({line.sscc for line in lines if line.sscc})
        units = sum(line.quantity for line in lines)
        answers.append(NoticeTaken(found.id, found.number, packages, units, found.beyond))

    taken.sort(key=lambda one: one.instead_of is None)
    _replace(cause, [one for one in taken if one.instead_of])
    made = _insert(cause, taken)
    refused = _duplicates([one for one in taken if one.id not in made])
    taken = [one for one in taken if one.id in made]
    if taken:
        _write(cause, taken, orders)
    return [refused.get(one.notice, one) if isinstance(one, NoticeTaken) else one for one in answers]


def _lock(wanted: set[UUID]) -> dict[UUID, _Order]:
    """The orders with their lines, locked. 2 statements."""
    orders = {row[0]: _Order(*row) for row in sql.run(_LOCK, {"ids": sorted(wanted)})}
    for order, *row in sql.run(_LINES, {"ids": list(orders)}):
        orders[order].lines[row[0]] = Line(*row)
    return orders


def _misfit(one: TakeNotice, lines: Sequence[NoticedLine], orders: dict[UUID, _Order]) -> Refused | None:
    for line in lines:
        order = orders.get(line.order)
        if order is None or order.company != one.company:
            return NotFound(what="purchase order", which=str(line.order))
        if line.line not in order.lines:
            return NotFound(what=Said("line of {0}", order.number), which=str(line.line))
        if isinstance(refused := ORDER.step(order.state, "receive_rest"), Refused):
            return refused
    if len({(orders[line.order].supplier, orders[line.order].node) for line in lines}) > 1:
        return Invalid(field="lines", expected="orders of one supplier for one node", found="several")
    return None


def _orders_replaced(requests: Sequence[TakeNotice], asked: Sequence[Sequence[NoticedLine]]) -> set[UUID]:
    """Orders of the notices that some shall replace: they are locked as well, so that nothing of them comes meanwhile.
    1 statement, where some shall."""
    wanted = [
        (lines[0].order, one.external_ref)
        for one, lines in zip(requests, asked, strict=True)
        if one.replaces and lines
    ]
    if not wanted:
        return set()
    return {order for (order,) in sql.run(_REPLACED_ORDERS, sql.columns(("orders", "refs"), wanted))}


def _standing(
    requests: Sequence[TakeNotice], asked: Sequence[Sequence[NoticedLine]], orders: dict[UUID, _Order]
) -> dict[tuple[UUID, str], _Standing]:
    """What stands under the numbers of those that replace, locked. 1 statement, where some do."""
    wanted = [
        (orders[lines[0].order].supplier, one.external_ref)
        for one, lines in zip(requests, asked, strict=True)
        if one.replaces and lines and lines[0].order in orders
    ]
    if not wanted:
        return {}
    rows = sql.run(_STANDING, sql.columns(("suppliers", "refs"), wanted))
    return {(supplier, ref): _Standing(*row) for supplier, ref, *row in rows}


def _fixed(old: _Standing, one: TakeNotice, now: datetime) -> Refused | None:
    """Why a notice stays as it is."""
    if old.received:
        return errors.NoticeBegun(number=old.number, received=old.received)
    if isinstance(refused := NOTICE.step(old.state, "replace"), Refused):
        return refused
    if old.taken_at > (one.occurred_at or now):
        return errors.NoticeOvertaken(external_ref=one.external_ref, number=old.number)
    return None


def _replace(cause: Cause, taken: Sequence[_Taken]) -> None:
    """Notices that others stand in the place of. 2 statements, where there are some, and those of expecting what stood
    before them."""
    if not taken:
        return
    old = [one.instead_of for one in taken if one.instead_of]
    sql.run(_REPLACE, {"ids": old, "at": cause.at})
    give_schedules_back(cause, old)
    announce(
        cause,
        [
            Event(
                "notice", one.instead_of, one.request.company, "expected", "replaced", one.request.occurred_at,
                {"by": one.number},
            )
            for one in taken
            if one.instead_of
        ],
    )  # fmt: skip


def _beyond(lines: Sequence[NoticedLine], orders: dict[UUID, _Order]) -> tuple[str, ...]:
    """Of which lines more is on its way than is to come."""
    units: dict[tuple[UUID, UUID], int] = {}
    for line in lines:
        units[line.order, line.line] = units.get((line.order, line.line), 0) + line.quantity
    return tuple(
        Said("line {0} of {1}: {2} of {3} to come", found.number, orders[order].number, count, found.to_come)
        for (order, which), count in units.items()
        if count > (found := orders[order].lines[which]).to_come
    )


def _insert(cause: Cause, taken: Sequence[_Taken]) -> set[UUID]:
    rows = [
        (
            one.id, one.number, one.request.company, one.order.supplier, one.order.node, one.request.external_ref,
            one.request.carrier, one.request.tracking, one.request.expected_on, cause.actor.name,
            one.request.occurred_at or cause.at,
        )
        for one in taken
    ]  # fmt: skip
    return {row[0] for row in sql.run(_INSERT, sql.columns(_INSERTED, rows))} if rows else set()


def _duplicates(taken: Sequence[_Taken]) -> dict[UUID, Refused]:
    if not taken:
        return {}
    found = standing_notices({(one.order.supplier, one.request.external_ref) for one in taken})
    return {
        one.id: errors.NoticedBefore(
            external_ref=one.request.external_ref,
            number=found[one.order.supplier, one.request.external_ref].number,
        )
        for one in taken
    }


def _write(cause: Cause, taken: Sequence[_Taken], orders: dict[UUID, _Order]) -> None:
    rows = [
        (
            ids.uuid7(), one.id, one.request.company, line.order, line.line,
            orders[line.order].lines[line.line].sku, line.sscc, line.pallet, line.lot, line.expires_on,
            line.quantity,
        )
        for one in taken
        for line in one.lines
    ]  # fmt: skip
    serials = [list(line.serials) for one in taken for line in one.lines]
    sql.run(_INSERT_LINES, _line_columns(rows, serials))
    coming: dict[UUID, tuple[_Order, Line, int, date]] = {}
    for one in taken:
        for line in one.lines:
            order, found = orders[line.order], orders[line.order].lines[line.line]
            before = coming[found.id][2] if found.id in coming else 0
            coming[found.id] = (order, found, before + line.quantity, one.request.expected_on)
    whole_lines = [line.id for _, line, units, _ in coming.values() if units >= line.expected]
    if whole_lines:
        set_on_notices(whole_lines, [one.id for one in taken])
    expect_lines(
        cause,
        [
            Coming(
                order.company, order.id, order.node, line.id, line.sku, line.received, line.expected,
                day if units >= line.expected else None,
            )
            for order, line, units, day in coming.values()
            if line.expected
        ],
    )  # fmt: skip
    open_items(
        cause,
        requests=[
            OpenItem(
                one.request.company, "announced beyond the order", "notice", one.id,
                Said(
                    "{0}: more is on its way than is to come of {1}",
                    one.number, "; ".join(one.beyond),
                ), "inventory manager",
                {"beyond": list(one.beyond)},
            )
            for one in taken
            if one.beyond
        ],
    )  # fmt: skip
    announce(
        cause,
        [
            Event(
                "notice", one.id, one.request.company, "", "expected", one.request.occurred_at,
                {"number": one.number, "reference": one.request.external_ref},
            )
            for one in taken
        ],
    )  # fmt: skip


def _line_columns(rows: Sequence[tuple[Any, ...]], serials: Sequence[list[str]]) -> dict[str, Any]:
    """Rows as arrays; the serial numbers of all in one, with the place of their line beside each."""
    columns: dict[str, Any] = sql.columns(_LINE, rows)
    columns["places"] = [place for place, of_line in enumerate(serials, 1) for _ in of_line]
    columns["texts"] = [one for of_line in serials for one in of_line]
    return columns


@dataclass(frozen=True, slots=True)
class CloseNotice:
    """Nothing more comes of a notice, and why. `whole`: only where nothing of it came."""

    notice: UUID
    reason: str
    whole: bool = False
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class NoticeClosed:
    """Units that were announced and did not come."""

    notice: UUID
    missing: int


@command("purchasing.close_notices")
def close_notices(cause: Cause, /, *, requests: Sequence[CloseNotice]) -> list[NoticeClosed | Refused]:
    """The notices, closed with what came. What is missing is still to come of the orders, by the schedule that a notice
    stood in the place of.

    Locks: the orders of such notices in the order of their ids, the notices in id order.
    Refuses: NotFound; WrongState (received, closed or replaced); Invalid (no reason);
    purchasing.notice_begun (some came, and it was to be closed as a whole).
    Again: by key. 5 statements; 3 more where a schedule stands again.
    """
    sql.run(_LOCK_SCHEDULED, {"ids": [one.notice for one in requests]})
    found = {row[0]: row[1:] for row in sql.run(_LOCK_NOTICES, {"ids": [one.notice for one in requests]})}
    answers: list[NoticeClosed | Refused] = []
    closed: dict[UUID, CloseNotice] = {}
    for one in requests:
        if one.notice not in found:
            answers.append(NotFound(what="advance ship notice", which=str(one.notice)))
            continue
        _, state, missing, number, received = found[one.notice]
        after = NOTICE.step("closed" if one.notice in closed else state, "close")
        if one.whole and received:
            answers.append(errors.NoticeBegun(number=number, received=received))
        elif isinstance(after, Refused):
            answers.append(after)
        elif not one.reason:
            answers.append(Invalid(field="reason", expected="why nothing more comes", found="nothing"))
        else:
            closed[one.notice] = one
            answers.append(NoticeClosed(one.notice, missing))
    if closed:
        times = [one.occurred_at or cause.at for one in closed.values()]
        sql.run(_CLOSE, {"ids": list(closed), "times": times})
        give_schedules_back(cause, list(closed))
        announce(
            cause,
            [
                Event(
                    "notice",
                    one.notice,
                    found[one.notice][0],
                    "expected",
                    "closed",
                    one.occurred_at,
                    reason=one.reason,
                )
                for one in closed.values()
            ],
        )
    return answers


_LINE = (
    "ids", "notices", "companies", "orders", "lines", "skus", "packages", "pallets", "lots", "expiries",
    "units",
)  # fmt: skip

_INSERTED = (
    "ids", "numbers", "companies", "suppliers", "nodes", "refs", "carriers", "trackings", "days", "people", "times",
)  # fmt: skip

_LOCK = """
SELECT id, number, company_id::int, supplier_id, node_id, state FROM purchasing_order
WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE
"""

_LINES = """
SELECT order_id, id, number, sku_id, quantity, received, unit_cost, 'none', '', '', over, short, confirmed
FROM purchasing_orderline
WHERE order_id = ANY(%(ids)s::uuid[]) ORDER BY order_id, number
"""

# DO NOTHING waits for whoever takes the same notice, and leaves the batch whole.
_INSERT = """
INSERT INTO purchasing_notice (id, number, company_id, supplier_id, node_id, external_ref, carrier, tracking,
                               expected_on, state, taken_by, taken_at)
SELECT id, number, company, supplier, node, ref, carrier, tracking, day, 'expected', person, at
FROM unnest(%(ids)s::uuid[], %(numbers)s::text[], %(companies)s::smallint[], %(suppliers)s::uuid[], %(nodes)s::uuid[],
            %(refs)s::text[], %(carriers)s::text[], %(trackings)s::text[], %(days)s::date[], %(people)s::text[],
            %(times)s::timestamptz[])
     AS one(id, number, company, supplier, node, ref, carrier, tracking, day, person, at)
ON CONFLICT (company_id, supplier_id, external_ref) WHERE state <> 'replaced' DO NOTHING
RETURNING id
"""

_INSERT_LINES = """
INSERT INTO purchasing_noticeline (id, notice_id, company_id, order_id, line_id, sku_id, sscc, pallet, lot, expires_on,
                                   serials, quantity, received)
SELECT one.id, notice, company, bought, line, sku, package, pallet, lot, expiry, COALESCE(s.serials, '{}'), units, 0
FROM unnest(%(ids)s::uuid[], %(notices)s::uuid[], %(companies)s::smallint[], %(orders)s::uuid[], %(lines)s::uuid[],
            %(skus)s::uuid[], %(packages)s::text[], %(pallets)s::text[], %(lots)s::text[], %(expiries)s::date[],
            %(units)s::int[])
     WITH ORDINALITY AS one(id, notice, company, bought, line, sku, package, pallet, lot, expiry, units, place)
LEFT JOIN (SELECT place, array_agg(serial) AS serials
           FROM unnest(%(places)s::int[], %(texts)s::text[]) AS t(place, serial) GROUP BY 1) AS s ON s.place = one.place
"""

_REPLACED_ORDERS = """
SELECT DISTINCT l.order_id
FROM unnest(%(orders)s::uuid[], %(refs)s::text[]) AS d(bought, ref)
JOIN purchasing_order AS o ON o.id = d.bought
JOIN purchasing_notice AS n
  ON n.company_id = o.company_id AND n.supplier_id = o.supplier_id AND n.external_ref = d.ref AND n.state <> 'replaced'
JOIN purchasing_noticeline AS l ON l.notice_id = n.id
"""

_STANDING = """
SELECT n.supplier_id, n.external_ref, n.id, n.number, n.state, n.taken_at,
       (SELECT COALESCE(sum(received), 0)::int FROM purchasing_noticeline WHERE notice_id = n.id)
FROM purchasing_notice AS n
WHERE (n.supplier_id, n.external_ref) IN (SELECT * FROM unnest(%(suppliers)s::uuid[], %(refs)s::text[]))
  AND n.state <> 'replaced'
ORDER BY n.id FOR UPDATE OF n
"""

_REPLACE = """
UPDATE purchasing_notice SET state = 'replaced', closed_at = %(at)s::timestamptz WHERE id = ANY(%(ids)s::uuid[])
"""

_LOCK_SCHEDULED = """
SELECT id FROM purchasing_order
WHERE id IN (SELECT order_id FROM purchasing_noticeline
             WHERE notice_id = ANY(%(ids)s::uuid[]) AND instead_of IS NOT NULL)
ORDER BY id FOR UPDATE
"""

_LOCK_NOTICES = """
SELECT n.id, n.company_id::int, n.state,
       (SELECT COALESCE(sum(quantity - received), 0)::int FROM purchasing_noticeline WHERE notice_id = n.id), n.number,
       (SELECT COALESCE(sum(received), 0)::int FROM purchasing_noticeline WHERE notice_id = n.id)
FROM purchasing_notice AS n WHERE n.id = ANY(%(ids)s::uuid[]) ORDER BY n.id FOR UPDATE OF n
"""

_CLOSE = """
UPDATE purchasing_notice AS n SET state = 'closed', closed_at = d.at
FROM unnest(%(ids)s::uuid[], %(times)s::timestamptz[]) AS d(id, at) WHERE n.id = d.id
"""
