"""A customer wants to send something back: may he, and where to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.access.commands.take_duty import Duty, take_duty
from entrepot.kernel import ids, sql, wire
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, offer, whole
from entrepot.kernel.errors import Invalid, NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.orders.commands.note_returns import note_returns
from entrepot.orders.commands.progress import lock
from entrepot.returns import errors, rules
from entrepot.returns.commands.lock import axes, in_force
from entrepot.returns.models import DUTY
from entrepot.work.commands.open_items import OpenItem, open_items


@dataclass(frozen=True, slots=True)
class Item:
    """Units of an order line that shall come back, and why (`rules.REASONS`).

    `found_by` says how a credit of a history found its sale: exact, latest.
    """

    line: UUID
    quantity: int
    reason: str = "not_given"
    note: str = ""
    found_by: str = ""


@dataclass(frozen=True, slots=True)
class Authorize:
    """A request to return. `node` is where it comes to (by default where the order last left
    from; where only suppliers sent it, the first node of its channel); `insist` is why a
    late one is taken all the same; `external_id` is the channel's own name for the return."""

    order: UUID
    items: tuple[Item, ...]
    asked: str = "refund"
    node: UUID | None = None
    insist: str = ""
    external_id: str = ""
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Authorized:
    """The return, its state (authorized, or requested where a person decides), and its lines as the items stand."""

    return_id: UUID
    number: str
    state: str
    lines: tuple[UUID, ...]
    reasons: tuple[str, ...]


class _Order(NamedTuple):
    company: int
    number: str
    channel: UUID
    customer: UUID | None
    currency: str
    node: UUID | None
    arrived_at: datetime | None


class _Line(NamedTuple):
    order: UUID
    sku: UUID
    shipped: int
    left: int


class _Draft(NamedTuple):
    """A return that will be written."""

    id: UUID
    number: str
    request: Authorize
    order: _Order
    node: UUID
    state: str
    reasons: tuple[str, ...]
    at: datetime
    version: int
    offer: bool
    lines: tuple[tuple[UUID, Item, _Line], ...]


@command("returns.authorize")
def authorize(cause: Cause, /, *, requests: Sequence[Authorize]) -> list[Authorized | Refused]:
    """Returns of units that left, authorized by the policy of the day; a late one is decided by a person, or declined.

    Whoever asks for it here neither receives it nor approves its refunds.
    Locks: the orders in id order. Refuses: NotFound (order, line, node); Invalid (reason, quantity, asked);
    returns.more_than_sold; returns.too_late; returns.duplicate. Again: by key, and by the channel's own name.
    15 statements at most.
    """
    orders, lines, known = _load(requests)
    nodes = _nodes(requests)
    versions = in_force(cause, (one.company for one in orders.values()))
    numbers = iter(ids.numbers("RMA", len(requests)))
    left = {line: one.left for line, one in lines.items()}

    answers: list[Authorized | Refused] = []
    drafts: list[_Draft] = []
    for request in requests:
        order = orders.get(request.order)
        if order and request.node and nodes.get(request.node) != order.company:
            answers.append(NotFound(what="node of the company", which=str(request.node)))
            continue
        decided = _decide(cause, request, order, lines, left, known, versions, numbers)
        if isinstance(decided, Refused):
            answers.append(decided)
            continue
        for item in request.items:
            left[item.line] -= item.quantity
        drafts.append(decided)
        answers.append(
            Authorized(
                decided.id, decided.number, decided.state, tuple(line for line, *_ in decided.lines),
                decided.reasons,
            )
        )  # fmt: skip
    if drafts:
        _write(cause, drafts)
    return answers


# ---- load


def _load(
    requests: Sequence[Authorize],
) -> tuple[dict[UUID, _Order], dict[UUID, _Line], dict[tuple[UUID, str], str]]:
    wanted = list({request.order for request in requests})
    lock(wanted)
    orders = {row[0]: _Order(*row[1:]) for row in sql.run(_ORDERS, {"orders": wanted})}
    asked = list({item.line for request in requests for item in request.items})
    lines = {row[0]: _Line(*row[1:]) for row in sql.run(_LINES, {"lines": asked})}
    external = [request.order for request in requests if request.external_id]
    known = {row[:2]: row[2] for row in sql.run(_KNOWN, {"orders": external})} if external else {}
    return orders, lines, known  # type: ignore[return-value]


def _nodes(requests: Sequence[Authorize]) -> dict[UUID, int]:
    """The companies of nodes that were named. 1 statement, none where none was."""
    named = [request.node for request in requests if request.node]
    return dict(sql.run(_NODES, {"nodes": named})) if named else {}  # type: ignore[arg-type]


# ---- decide


def _decide(
    cause: Cause,
    request: Authorize,
    order: _Order | None,
    lines: dict[UUID, _Line],
    left: dict[UUID, int],
    known: dict[tuple[UUID, str], str],
    versions: dict[int, tuple[int, rules.Policy]],
    numbers: Iterable[str],
) -> _Draft | Refused:
    if order is None:
        return NotFound(what="order", which=str(request.order))
    if request.asked not in rules.ASKED:
        return Invalid(field="asked", expected=f"one of {', '.join(rules.ASKED)}", found=request.asked)
    name = (request.order, request.external_id)
    if request.external_id and name in known:
        return errors.DuplicateReturn(external_id=request.external_id, order=order.number, number=known[name])
    for item in request.items:
        if item.line not in lines or lines[item.line].order != request.order:
            return NotFound(what=f"line of goods in order {order.number}", which=str(item.line))
    version, policy = versions[order.company]
    at = request.occurred_at or cause.at
    days = max(0, (at - order.arrived_at).days) if order.arrived_at else 0
    wanted = [rules.Wanted(item.line, item.quantity, item.reason, left[item.line]) for item in request.items]
    decision = rules.authorize(policy, order.number, wanted, days, request.insist)
    if isinstance(decision, Refused):
        return decision
    node = request.node or order.node
    if node is None:
        expected = "where it comes to: suppliers sent the order, and its channel has no node"
        return Invalid(field="node", expected=expected, found="none")
    number = next(iter(numbers))
    if request.external_id:
        known[name] = number
    offered = (
        decision.state == "authorized" and policy.refund_at == "authorized" and request.asked == "refund"
    )
    return _Draft(
        ids.uuid7(), number, request, order, node, decision.state, decision.reasons, at, version, offered,
        tuple((ids.uuid7(), item, lines[item.line]) for item in request.items),
    )  # fmt: skip


# ---- write


def _write(cause: Cause, drafts: Sequence[_Draft]) -> None:
    who = cause.actor.name
    whole(take_duty(cause, requests=[Duty(one.id, DUTY, "request", who) for one in drafts]))
    sql.write("returns_return", _RETURN, [_row(cause, one) for one in drafts])
    sql.write("returns_line", _LINE, [
        (
            key, one.id, one.request.order, item.line, line.sku, item.quantity, 0, 0, 0, 0, 0, item.reason, item.note,
            item.found_by,
        )
        for one in drafts
        for key, item, line in one.lines
    ])  # fmt: skip
    _count(drafts)
    announce(cause, [
        Event("return", one.id, one.order.company, "", one.state, one.at,
              {"order": one.request.order, "number": one.number, "units": sum(i.quantity for _, i, _ in one.lines)})
        for one in drafts
    ])  # fmt: skip
    times = {one.request.order: one.at for one in drafts}
    note_returns(cause, axes(times), times)
    review = [one for one in drafts if one.state == "requested"]
    if review:
        open_items(cause, requests=[_item(one) for one in review])
    offer("decide_refund", [(one.id, 0, one.at) for one in drafts if one.offer])


def _row(cause: Cause, one: _Draft) -> tuple[Any, ...]:
    order, request = one.order, one.request
    return (
        one.id, one.number, order.company, request.order, order.channel, order.customer, request.external_id,
        order.currency, one.node, request.asked, one.state, wire.dump(one.reasons), one.version,
        cause.actor.name, one.at, one.at,
    )  # fmt: skip


def _count(drafts: Sequence[_Draft]) -> None:
    sums: dict[UUID, list[Any]] = {}
    for one in drafts:
        for _, item, line in one.lines:
            row = sums.setdefault(item.line, [item.line, line.order, one.order.company, line.shipped, 0])
            row[4] += item.quantity
    sql.run(
        _AUTHORIZED, sql.columns(("lines", "orders", "companies", "shipped", "units"), list(sums.values()))
    )


def _item(one: _Draft) -> OpenItem:
    return OpenItem(
        company=one.order.company, type="return to review", subject_kind="return", subject=one.id,
        reason=f"Return {one.number} of order {one.order.number}: {one.reasons[0]}", role="customer service",
        facts={"order": one.request.order, "return": one.id}, occurred_at=one.at,
    )  # fmt: skip


_RETURN = (
    "id", "number", "company_id", "order_id", "channel_id", "customer_id", "external_id", "currency", "node_id",
    "asked", "state", "reasons", "policy_version", "requested_by", "requested_at", "changed_at",
)  # fmt: skip
_LINE = (
    "id", "return_id", "order_id", "line_id", "sku_id", "quantity", "cancelled", "received", "inspected", "disposed",
    "refunded", "reason", "note", "found_by",
)  # fmt: skip

_ORDERS = """
SELECT o.id, o.company_id::int, o.number, o.channel_id, o.customer_id, o.currency, COALESCE(
           (SELECT h.node_id FROM shipping_shipment AS h
            WHERE h.order_id = o.id AND h.node_id IS NOT NULL ORDER BY h.id DESC LIMIT 1),
           (SELECT n.id FROM network_channelnode AS cn JOIN network_node AS n ON n.id = cn.node_id AND n.active
            WHERE cn.channel_id = o.channel_id ORDER BY n.priority + cn.priority, n.code LIMIT 1)), s.at
FROM orders_order AS o LEFT JOIN LATERAL (
    SELECT COALESCE(h.delivered_at, h.shipped_at) AS at FROM shipping_shipment AS h
    WHERE h.order_id = o.id ORDER BY h.id DESC LIMIT 1) AS s ON TRUE
WHERE o.id = ANY(%(orders)s::uuid[])
"""

_LINES = """
SELECT l.id, l.order_id, l.sku_id, l.shipped + l.delivered, l.shipped + l.delivered - COALESCE(s.authorized, 0)
FROM orders_line AS l LEFT JOIN returns_sold AS s ON s.line_id = l.id
WHERE l.id = ANY(%(lines)s::uuid[]) AND l.sku_id IS NOT NULL
"""

_NODES = "SELECT id, company_id::int FROM network_node WHERE id = ANY(%(nodes)s::uuid[])"

_KNOWN = """
SELECT order_id, external_id, number FROM returns_return
WHERE order_id = ANY(%(orders)s::uuid[]) AND external_id <> ''
"""

_AUTHORIZED = """
INSERT INTO returns_sold AS s (line_id, order_id, company_id, shipped, authorized, received, refunded, goods_minor,
                               tax_minor, shipping_minor)
SELECT line, owner, company, shipped, units, 0, 0, 0, 0, 0
FROM unnest(%(lines)s::uuid[], %(orders)s::uuid[], %(companies)s::smallint[], %(shipped)s::int[], %(units)s::int[])
     AS d(line, owner, company, shipped, units)
ORDER BY line
ON CONFLICT (line_id) DO UPDATE SET authorized = s.authorized + excluded.authorized, shipped = excluded.shipped
"""
