"""A node gives lines of an order back: it is too busy, can't find the goods, may not ship them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import ids, policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, offer
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said
from entrepot.kernel.events import Event
from entrepot.orders.commands import progress
from entrepot.orders.queries import SERVED_WITH
from entrepot.sourcing import errors, rules
from entrepot.sourcing.facts import profile_of
from entrepot.stock.commands import allocate as stock
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects


@dataclass(frozen=True, slots=True)
class RejectOrder:
    """A node gives back what it was to serve of an order: all that is not released yet, or those lines only."""

    order: UUID
    node: UUID
    reason: str
    lines: tuple[UUID, ...] = ()
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class OrderRejected:
    """Units that are open again; `exhausted` are lines that too many nodes have rejected, which a person looks at."""

    order: UUID
    units: int
    exhausted: int


class _Promise(NamedTuple):
    order: UUID
    node: UUID
    line: UUID
    units: int


class _Order(NamedTuple):
    id: UUID
    company: int
    number: str
    priority: int
    due: datetime
    channel: str


@command("sourcing.reject")
def reject(cause: Cause, /, *, requests: Sequence[RejectOrder]) -> list[OrderRejected | Refused]:
    """Lines of orders given back by a node; they are sourced again, without it for as long as the profile says.

    Locks: the orders in id order, then the positions of their promises in key order, then the promises.
    Refuses: NotFound; Invalid (no reason); NothingToReject (nothing of it is promised there and unreleased).
    Again: by key. 14 statements; 2 more where too many nodes have rejected a line.
    """
    return give_back(cause, requests, {})


def give_back(
    cause: Cause, requests: Sequence[RejectOrder], released: Mapping[tuple[UUID, UUID, UUID], int]
) -> list[OrderRejected | Refused]:
    """As `reject`, with what the floor has just let go: units by order, node and line that are promised there and not
    released any more, while their lines still count them as released."""
    order_ids = [request.order for request in requests]
    progress.lock(order_ids)
    stock.lock_promised(order_ids)
    orders = {row[0]: _Order(*row) for row in sql.run(_ORDERS, {"orders": order_ids})}
    nodes = dict(sql.run(_NODES, {"nodes": [request.node for request in requests]}))
    promises: dict[tuple[UUID, UUID], list[_Promise]] = {}
    for row in sql.run(_PROMISES, {"orders": order_ids}):
        promises.setdefault(row[:2], []).append(_Promise(*row))

    answers: list[OrderRejected | Refused] = []
    given_back: list[tuple[_Promise, RejectOrder]] = []
    for request in requests:
        answer = _answer(request, orders, nodes, promises)
        if isinstance(answer, Refused):
            answers.append(answer)
            continue
        given_back += [(one, request) for one in answer]
        answers.append(OrderRejected(request.order, sum(one.units for one in answer), 0))
    if not given_back:
        return answers

    attempts = _write(cause, given_back, orders, released)
    exhausted = _exhausted(cause, given_back, orders, attempts)
    return [
        OrderRejected(one.order, one.units, exhausted.get(one.order, 0))
        if isinstance(one, OrderRejected)
        else one
        for one in answers
    ]


def _answer(
    request: RejectOrder,
    orders: Mapping[UUID, _Order],
    nodes: Mapping[UUID, str],
    promises: dict[tuple[UUID, UUID], list[_Promise]],
) -> list[_Promise] | Refused:
    """What is given back, taken out of the promises, so that nothing is given back twice."""
    if request.order not in orders:
        return NotFound(what="order", which=str(request.order))
    if not request.reason.strip():
        return Invalid(field="reason", expected="why the node gives it back", found="nothing")
    key = (request.order, request.node)
    here = promises.get(key, [])
    found = [one for one in here if not request.lines or one.line in request.lines]
    if not found:
        node = nodes.get(request.node, str(request.node))
        return errors.NothingToReject(order=orders[request.order].number, node=node)
    promises[key] = [one for one in here if one not in found]
    return found


def _write(
    cause: Cause,
    given_back: Sequence[tuple[_Promise, RejectOrder]],
    orders: Mapping[UUID, _Order],
    released: Mapping[tuple[UUID, UUID, UUID], int],
) -> dict[UUID, int]:
    """Free the promises, open the lines, note the rejections; returns how many nodes have rejected each line."""
    stock.free(
        cause, requests=[stock.Free(one.order, one.line, one.units, one.node) for one, _ in given_back]
    )
    steps = []
    for one, _ in given_back:
        off = released.get((one.order, one.node, one.line), 0)
        for place, units in (("released", off), ("allocated", one.units - off)):
            if units:
                steps.append(progress.Progress(one.line, one.order, place, "open", units))
    return _record(cause, given_back, orders, steps)


def not_sent(cause: Cause, units: Sequence[NotSent]) -> None:
    """Units that suppliers were to send are open again, and sourced without them, as after `reject`.

    Called inside the commands of `purchasing`, which have locked the orders. 10 statements; 2 more where too many have
    rejected a line.
    """
    if not units:
        return
    orders = {
        row[0]: _Order(*row) for row in sql.run(_ORDERS, {"orders": list({one.order for one in units})})
    }
    rows = [
        (
            _Promise(one.order, one.supplier, one.line, one.units),
            RejectOrder(one.order, one.supplier, one.reason, occurred_at=one.at),
        )
        for one in units
    ]
    steps = [progress.Progress(one.line, one.order, "with_supplier", "open", one.units) for one in units]
    attempts = _record(cause, rows, orders, steps)
    _exhausted(cause, rows, orders, attempts)


class NotSent(NamedTuple):
    """Units of a line that a supplier does not send."""

    order: UUID
    line: UUID
    supplier: UUID
    units: int
    reason: str
    at: datetime


def _record(
    cause: Cause,
    given_back: Sequence[tuple[_Promise, RejectOrder]],
    orders: Mapping[UUID, _Order],
    steps: Sequence[progress.Progress],
) -> dict[UUID, int]:
    times = {one.order: request.occurred_at or cause.at for one, request in given_back}
    progress.progress(cause, requests=steps, times=times)
    rows = [
        (
            ids.uuid7(), orders[one.order].company, one.order, one.line, one.node, one.units, request.reason,
            times[one.order],
        )
        for one, request in given_back
    ]  # fmt: skip
    sql.write("sourcing_rejection", _REJECTION, rows)
    offer("allocate", [(order, orders[order].priority, orders[order].due) for order in times])
    by_order: dict[UUID, list[tuple[_Promise, RejectOrder]]] = {}
    for one, request in given_back:
        by_order.setdefault(one.order, []).append((one, request))
    announce(
        cause,
        [
            Event(
                "order", order, orders[order].company, occurred_at=times[order], reason=parts[0][1].reason,
                payload={"rejected": [(one.line, one.node, one.units) for one, _ in parts]},
            )
            for order, parts in by_order.items()
        ],
    )  # fmt: skip
    return dict(sql.run(_ATTEMPTS, {"orders": list(times)}))  # type: ignore[arg-type]


def _exhausted(
    cause: Cause,
    given_back: Sequence[tuple[_Promise, RejectOrder]],
    orders: Mapping[UUID, _Order],
    attempts: Mapping[UUID, int],
) -> dict[UUID, int]:
    """Open an item for each order of which a line has been rejected too often; returns the lines of each."""
    companies = sorted({orders[one.order].company for one, _ in given_back})
    versions = policies.in_force_of(companies, rules.Profile, cause.at)
    found: dict[UUID, set[UUID]] = {}
    for one, _ in given_back:
        order = orders[one.order]
        profile = profile_of(versions.get(order.company, {}), order.channel)
        if attempts.get(one.line, 0) >= profile.profile.rejections_max:
            found.setdefault(one.order, set()).add(one.line)
    items = [
        OpenItem(
            orders[order].company, "rejected by nodes", "order", order,
            Said(
                "{0} lines of {1} were rejected by as many nodes as may be asked", len(lines), orders[order].number
            ),
            "operations lead", {"lines": len(lines)}, due_in_hours=4, occurred_at=cause.at,
        )
        for order, lines in found.items()
    ]  # fmt: skip
    if items:
        open_items(cause, requests=items)
    return {order: len(lines) for order, lines in found.items()}


@dataclass(frozen=True, slots=True)
class AskAgain:
    """Nodes that rejected lines of an order may be asked again."""

    order: UUID
    key: str | None = None


@dataclass(frozen=True, slots=True)
class AskedAgain:
    """Rejections that no longer count."""

    order: UUID
    rejections: int


@command("sourcing.ask_again")
def ask_again(cause: Cause, /, *, requests: Sequence[AskAgain]) -> list[AskedAgain | Refused]:
    """Rejections of orders put aside, so that every node is asked once more.

    Locks: the orders in id order. Refuses: NotFound; NothingToAskAgain. Again: by key. 6 statements.
    """
    order_ids = [request.order for request in requests]
    progress.lock(order_ids)
    orders = {row[0]: _Order(*row) for row in sql.run(_ORDERS, {"orders": order_ids})}
    cleared = dict(sql.run(_CLEAR, {"orders": order_ids, "at": cause.at}))  # type: ignore[arg-type]
    answers: list[AskedAgain | Refused] = []
    for request in requests:
        if request.order not in orders:
            answers.append(NotFound(what="order", which=str(request.order)))
        elif request.order not in cleared:
            answers.append(errors.NothingToAskAgain(order=orders[request.order].number))
        else:
            answers.append(AskedAgain(request.order, cleared.pop(request.order)))
    told = [orders[answer.order] for answer in answers if isinstance(answer, AskedAgain)]
    if told:
        offer("allocate", [(one.id, one.priority, one.due) for one in told])
        announce(
            cause,
            [
                Event("order", one.id, one.company, reason="nodes that rejected it are asked again")
                for one in told
            ],
        )
        resolve_subjects(
            cause,
            requests=[
                ResolveSubject(one.company, "rejected by nodes", one.id, "nodes are asked again")
                for one in told
            ],
        )
    return answers


_REJECTION = ("id", "company_id", "order_id", "line_id", "node_id", "quantity", "reason", "rejected_at")

_ORDERS = f"""
SELECT o.id, o.company_id::int, o.number, {SERVED_WITH}, COALESCE(o.promise_at, o.placed_at), c.code
FROM orders_order AS o JOIN network_channel AS c ON c.id = o.channel_id WHERE o.id = ANY(%(orders)s::uuid[])
"""

_NODES = "SELECT id, code FROM network_node WHERE id = ANY(%(nodes)s::uuid[])"

_PROMISES = """
SELECT order_id, node_id, line_id, sum(quantity - released)::int FROM stock_allocation
WHERE order_id = ANY(%(orders)s::uuid[]) AND quantity > released GROUP BY 1, 2, 3 ORDER BY 1, 3
"""

_ATTEMPTS = """
SELECT line_id, count(DISTINCT node_id)::int FROM sourcing_rejection
WHERE order_id = ANY(%(orders)s::uuid[]) AND cleared_at IS NULL GROUP BY 1
"""

_CLEAR = """
WITH cleared AS (
    UPDATE sourcing_rejection SET cleared_at = %(at)s::timestamptz
    WHERE order_id = ANY(%(orders)s::uuid[]) AND cleared_at IS NULL RETURNING order_id
)
SELECT order_id, count(*)::int FROM cleared GROUP BY 1
"""
