"""Which orders are asked for: conditions of a statement on orders `o`, each only where it is asked for, so that the
plan of a statement is that of what is asked."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from entrepot.orders.lapsing import ITEM, RULE
from entrepot.orders.queries import LAPSING
from entrepot.orders.rules import ENDED, HOLDS
from entrepot.orders.window import over_before


@dataclass(frozen=True, slots=True)
class Asked:
    """What the orders of a list have in common; what is empty is not asked for.

    Times are from the first on and before the last; totals are those of orders in `currency`, both included.
    """

    statuses: tuple[str, ...] = ()
    channel: str = ""
    text: str = ""
    """A number, an external id, or a customer's code."""
    late: bool = False
    past_ship_by: bool = False
    lapsing: bool = False
    """The authorization ends before it leaves, as the house was last told."""
    placed_from: datetime | None = None
    placed_before: datetime | None = None
    promised_from: datetime | None = None
    promised_before: datetime | None = None
    nodes: tuple[str, ...] = ()
    sku: str = ""
    carrier: str = ""
    """Who takes or took a package of it."""
    service: str = ""
    """Asked for with the order, or the one that a package of it is sent by."""
    country: str = ""
    currency: str = ""
    total_from_minor: int | None = None
    total_to_minor: int | None = None
    hold: str = ""
    """The type of a hold that is open on it."""
    tier: str = ""


def narrowed(nodes: Collection[str] = (), channel: str = "") -> str:
    """The orders of any of some nodes and of a channel, as far as they are named; '' for all."""
    return where(Asked(nodes=tuple(nodes), channel=channel))


def where(asked: Asked) -> str:
    """The conditions of all that is asked for, joined by AND; '' for all orders. Their values are `params`."""
    parts = [_CONDITIONS[name] for name, value in asdict(asked).items() if _is_asked(value)]
    # No index has the status of orders, and those that a hold or a backorder names are few.
    if asked.statuses and set(asked.statuses) <= HOLDS.keys():
        parts.append(_STOPPED)
    return " AND ".join(part for part in parts if part)


def params(asked: Asked, *, company: int, now: datetime) -> dict[str, Any]:
    """The values of the conditions."""
    return asdict(asked) | {
        "company": company, "now": now, "ended": list(ENDED), "over_before": over_before(now),
        "statuses": list(asked.statuses), "nodes": list(asked.nodes), "lapse_rule": RULE, "lapse_item": ITEM,
    }  # fmt: skip


def _is_asked(value: object) -> bool:
    """A total of nothing is one."""
    return value is not None and value is not False and value not in ("", ())


def _of_company(table: str, code: str) -> str:
    return f"SELECT id FROM {table} WHERE company_id = %(company)s::smallint AND code = {code}"


_PROMISE = "COALESCE(o.promise_at, 'infinity'::timestamptz)"  # as the index has it
_NODES = _of_company("network_node", "ANY(%(nodes)s::text[])")
_CHANNEL = _of_company("network_channel", "%(channel)s::text")
_SERVICE = _of_company("carriage_service", "%(service)s::text")
_OWN = "company_id = %(company)s::smallint"

# Where a row of another table speaks for an order, each branch is looked up by an index of its own; as one condition
# they would be looked for in every order there is.
_CONDITIONS = {
    "statuses": "o.status = ANY(%(statuses)s::text[])",
    "channel": f"o.channel_id = ({_CHANNEL})",
    "text": f"""o.id IN (
    SELECT id FROM orders_order WHERE number = upper(%(text)s::text)
    UNION ALL SELECT id FROM orders_order
    WHERE {_OWN} AND external_id = %(text)s::text
      AND channel_id IN (SELECT id FROM network_channel WHERE {_OWN})
    UNION ALL SELECT id FROM orders_order WHERE customer_id IN (
        {_of_company("parties_customer", "%(text)s::text")}))""",
    "late": f"{_PROMISE} < %(now)s::timestamptz AND o.status <> ALL(%(ended)s::text[])",
    "past_ship_by": "o.ship_by < %(over_before)s::date AND o.status <> ALL(%(ended)s::text[])",
    "lapsing": f"o.id IN ({LAPSING})",
    "placed_from": "o.placed_at >= %(placed_from)s::timestamptz",
    "placed_before": "o.placed_at < %(placed_before)s::timestamptz",
    "promised_from": f"o.promise_at IS NOT NULL AND {_PROMISE} >= %(promised_from)s::timestamptz",
    "promised_before": f"{_PROMISE} < %(promised_before)s::timestamptz",
    # Promised there and not gone yet, or given to its floor.
    "nodes": f"""o.id IN (
    SELECT order_id FROM stock_allocation WHERE node_id IN ({_NODES})
    UNION ALL SELECT order_id FROM warehouse_fulfillment WHERE state <> 'cancelled' AND node_id IN ({_NODES}))""",
    "sku": f"""o.id IN (
    SELECT order_id FROM orders_line WHERE sku_id IN (
        {_of_company("catalog_sku", "ANY(ARRAY[%(sku)s::text, upper(%(sku)s::text)])")}))""",
    "carrier": f"""o.id IN (
    SELECT order_id FROM shipping_shipment WHERE {_OWN} AND carrier = %(carrier)s::text
    UNION ALL SELECT order_id FROM shipping_consignment WHERE {_OWN} AND carrier = %(carrier)s::text)""",
    "service": f"""o.id IN (
    SELECT id FROM orders_order WHERE {_OWN} AND service = %(service)s::text
    UNION ALL SELECT order_id FROM shipping_shipment WHERE service_id = ({_SERVICE})
    UNION ALL SELECT order_id FROM shipping_consignment WHERE service_id = ({_SERVICE}))""",
    "country": "o.country = upper(%(country)s::text)",
    "currency": "o.currency = %(currency)s::text",
    "total_from_minor": "o.total_minor >= %(total_from_minor)s::bigint",
    "total_to_minor": "o.total_minor <= %(total_to_minor)s::bigint",
    "hold": f"""o.id IN (
    SELECT order_id FROM orders_hold WHERE {_OWN} AND state = 'open' AND type = %(hold)s::text)""",
    "tier": f"o.customer_id IN (SELECT id FROM parties_customer WHERE {_OWN} AND tier = %(tier)s::text)",
}

_STOPPED = f"""o.id IN (
    SELECT order_id FROM orders_hold WHERE {_OWN} AND state = 'open'
    UNION ALL SELECT order_id FROM sourcing_backorder WHERE {_OWN})"""
