"""Forget who bought: what orders and drafts know of a buyer beside the vault."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused


@dataclass(frozen=True, slots=True)
class ForgetBuyer:
    """Orders that are done with, and the codes of customers whose drafts are placed or discarded."""

    company: int
    orders: tuple[UUID, ...]
    customers: tuple[str, ...] = ()
    key: str | None = None


@dataclass(frozen=True, slots=True)
class BuyerForgotten:
    orders: int


@command("orders.forget_buyers")
def forget_buyers(_cause: Cause, /, *, requests: Sequence[ForgetBuyer]) -> list[BuyerForgotten | Refused]:
    """Postal codes, fingerprints and codes in drafts are gone; amounts, goods, dates and country stay.

    No event: whoever asks for it leaves one.

    Locks: the orders in id order. Refuses: nothing. Again: changes nothing. 3 statements.
    """
    orders = sorted({order for one in requests for order in one.orders})
    codes = sorted({(one.company, code) for one in requests for code in one.customers})
    sql.run(_ORDERS, {"orders": orders})
    sql.run(_FINGERPRINTS, {"orders": orders})
    sql.run(_DRAFTS, sql.columns(("companies", "codes"), codes))
    return [BuyerForgotten(len(set(one.orders))) for one in requests]


_ORDERS = """
UPDATE orders_order SET postal_code = ''
FROM (SELECT id FROM orders_order WHERE id = ANY(%(orders)s::uuid[]) ORDER BY id FOR UPDATE) AS locked
WHERE orders_order.id = locked.id AND postal_code <> ''
"""

_FINGERPRINTS = "DELETE FROM orders_fingerprint WHERE order_id = ANY(%(orders)s::uuid[])"

_DRAFTS = """
UPDATE orders_draft AS d SET customer = '', body = d.body || '{"customer": null, "postal_code": ""}'
FROM unnest(%(companies)s::smallint[], %(codes)s::text[]) AS c(company, code)
WHERE d.company_id = c.company AND d.customer = c.code AND d.state <> 'draft'
"""
