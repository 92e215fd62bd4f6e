"""Send something else instead of units that were ordered: a line of its own, at the amounts that the rule gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import delivery, imprint, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce
from entrepot.kernel.errors import Said
from entrepot.kernel.events import Event
from entrepot.orders import rules
from entrepot.orders.commands import cancel, progress
from entrepot.orders.commands.place import LINE_COLUMNS
from entrepot.orders.rules import GOODS, Frozen, PriceRule


class Substitute(NamedTuple):
    """Units of a line, by the places where they stand, that are exchanged for another SKU; `by` is the new line."""

    order: UUID
    line: UUID
    by: UUID
    sku: UUID
    price: PriceRule
    units: tuple[tuple[str, int], ...]

    @property
    def quantity(self) -> int:
        return sum(units for _, units in self.units)


class _Line(NamedTuple):
    """A line that is exchanged, with its order's names, and the SKU that is sent instead."""

    company: int
    number: str
    external_id: str
    channel: str
    is_import: bool
    currency: str
    lines: int
    code: str
    quantity: int
    cancelled: int
    unit_price: Decimal
    frozen: Frozen
    by_code: str
    by_name: str
    list_price: Decimal | None

    def amounts(self, one: Substitute) -> Frozen:
        """What the new line bears: by its rule what the units that are cancelled for it bore, the last of the line."""
        first = self.quantity - self.cancelled - one.quantity
        bore = self.frozen.of_units(self.quantity, first, one.quantity)
        return rules.freeze_substitute(bore, one.price, one.quantity, self.list_price, self.currency)


def substitute(
    cause: Cause, *, requests: Sequence[Substitute], times: Mapping[UUID, datetime]
) -> dict[UUID, int]:
    """New lines for what is sent instead, open; the units that they stand for are cancelled. By order, what was given
    back of what was captured, where the substitute costs less.

    Called inside a command that has locked the orders; a line is exchanged once in a call. The channel is told.
    10 statements; at most 12 more where something was captured.
    """
    if not requests:
        return {}
    known = _load(requests)
    places: dict[UUID, int] = {}
    rows, grown = [], []
    for one in requests:
        line = known[one.line]
        amounts = line.amounts(one)
        places[one.order] = places.get(one.order, line.lines) + 1
        rows.append((
            one.by, one.order, line.company, places[one.order], GOODS, one.sku, line.by_code, line.by_name,
            one.quantity, line.unit_price, *amounts, one.quantity, one.line,
        ))  # fmt: skip
        grown.append((one.order, *amounts))
    sql.write("orders_line", (*LINE_COLUMNS, "instead_of"), rows)
    imprint.put_in("orders_line", [one.by for one in requests])
    sql.change(_GROW, sql.columns(("orders", "goods", "discounts", "shippings", "taxes"), grown))
    back = _cancel(cause, requests, times)
    announce(cause, [_event(order, of_order, known, times[order], back.get(order, 0))
                     for order, of_order in _by_order(requests).items()])  # fmt: skip
    delivery.send(
        cause,
        [
            _message(order, of_order, known, back.get(order, 0))
            for order, of_order in _by_order(requests).items()
            if not known[of_order[0].line].is_import
        ],
    )
    return back


def _load(requests: Sequence[Substitute]) -> dict[UUID, _Line]:
    wanted = sql.columns(("lines", "skus"), [(one.line, one.sku) for one in requests])
    return {
        line: _Line(*row[:11], Frozen(*row[11:15]), *row[15:])  # type: ignore[call-arg]
        for line, *row in sql.run(_LINES, wanted)
    }


def _by_order(requests: Sequence[Substitute]) -> dict[UUID, list[Substitute]]:
    found: dict[UUID, list[Substitute]] = {}
    for one in requests:
        found.setdefault(one.order, []).append(one)
    return found


def _cancel(cause: Cause, requests: Sequence[Substitute], times: Mapping[UUID, datetime]) -> dict[UUID, int]:
    """The units that are exchanged are cancelled, and what was captured beyond the rest is given back."""
    plan = cancel.look(one.order for one in requests)
    for order, of_order in _by_order(requests).items():
        steps = [(one.line, place, units) for one in of_order for place, units in one.units]
        plan.decided[order] = (
            cancel.CancelOrder(order, "something else is sent", occurred_at=times[order]), steps
        )  # fmt: skip
    moved = [
        progress.Progress(line, order, place, "cancelled", units)
        for order, (_, steps) in plan.decided.items()
        for line, place, units in steps
    ]
    progress.progress(cause, requests=moved, times=times)
    return cancel.give_back(cause, plan)


def _event(
    order: UUID, of_order: Sequence[Substitute], known: Mapping[UUID, _Line], at: datetime, back: int
) -> Event:
    said = [
        Said("{0} of {1} instead of {2}", one.quantity, known[one.line].by_code, known[one.line].code)
        for one in of_order
    ]
    payload: dict[str, Any] = {"instead": [[one.line, one.by, one.quantity] for one in of_order]}
    if back:
        payload["refunded_minor"] = back
    company = known[of_order[0].line].company
    return Event("order", order, company, occurred_at=at, payload=payload, reason=", ".join(said))


def _message(
    order: UUID, of_order: Sequence[Substitute], known: Mapping[UUID, _Line], back: int
) -> delivery.Message:
    """What the channel must know to tell the customer, and to understand the shipment of a line it did not order."""
    first = known[of_order[0].line]
    body = {
        "number": first.number, "external_id": first.external_id, "refunded_minor": back,
        "lines": [
            {
                "line": one.line, "sku": known[one.line].code, "quantity": one.quantity, "by_line": one.by,
                "by_sku": known[one.line].by_code, "total_minor": known[one.line].amounts(one).total,
            }
            for one in of_order
        ],
    }  # fmt: skip
    return delivery.Message(f"channels:{first.channel}", "order.substituted", order, first.company, body)


_LINES = """
SELECT l.id, o.company_id::int, o.number, o.external_id, c.code, c.kind = 'import', o.currency::text, o.line_count,
       l.sku_code, l.quantity, l.cancelled, l.unit_price, l.gross_minor, l.discount_minor, l.shipping_minor,
       l.tax_minor, s.code, s.name, s.list_price
FROM unnest(%(lines)s::uuid[], %(skus)s::uuid[]) AS d(line, sku)
JOIN orders_line AS l ON l.id = d.line
JOIN orders_order AS o ON o.id = l.order_id
JOIN network_channel AS c ON c.id = o.channel_id
JOIN catalog_sku AS s ON s.id = d.sku
"""

_GROW = """
UPDATE orders_order AS o SET
    goods_minor = o.goods_minor + d.goods, discount_minor = o.discount_minor + d.discount,
    shipping_minor = o.shipping_minor + d.shipping, tax_minor = o.tax_minor + d.tax,
    total_minor = o.total_minor + d.goods - d.discount + d.shipping + d.tax, line_count = o.line_count + d.lines
FROM (SELECT id, sum(goods)::bigint AS goods, sum(discount)::bigint AS discount, sum(shipping)::bigint AS shipping,
             sum(tax)::bigint AS tax, count(*)::int AS lines
      FROM unnest(%(orders)s::uuid[], %(goods)s::bigint[], %(discounts)s::bigint[], %(shippings)s::bigint[],
                  %(taxes)s::bigint[]) AS d(id, goods, discount, shipping, tax) GROUP BY id) AS d
WHERE o.id = d.id
"""
