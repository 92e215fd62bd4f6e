"""Credits of a history become returns of the sales that they belong to; the rest are credits without a sale."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple, Protocol, TypeAlias
from uuid import UUID

from entrepot.kernel import ready, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.command import whole
from entrepot.kernel.errors import Refused, Said
from entrepot.kernel.money import extend, of_units
from entrepot.orders.commands.approve_credits import ApproveCredit, approve_credits
from entrepot.orders.commands.credit import CreditItem, CreditWithoutSale, credit
from entrepot.orders.rules import GOODS
from entrepot.returns.commands.approve import Approve, approve
from entrepot.returns.commands.authorize import Authorize, Authorized, Item, authorize
from entrepot.returns.commands.dispose import Dispose, dispose
from entrepot.returns.commands.inspect import Inspect, inspect
from entrepot.returns.commands.receive import Receive, receive
from entrepot.returns.commands.refund import Refund, refund
from entrepot.returns.rules import Sale, after, match
from entrepot.work.commands.open_items import OpenItem, open_items

DESK, DOCK, CONTROLLER = "import:returns-desk", "import:returns-dock", "import:controller"
"""Who asks for a return neither receives it nor approves its refund: three actors for the three duties."""

OTHER_PRICE = "credited at another price than it was sold at"
BEYOND = "beyond what was captured of the sale"
NOT_REFUNDED = "credit not refunded"
"""The work item for a return whose refund was refused."""


class CreditLine(Protocol):
    """Goods or a charge that a credit gives back; quantity and price above zero. Goods come back to a node (None: to
    where the order last left from) in the condition of a grade."""

    @property
    def kind(self) -> str: ...
    @property
    def sku(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def quantity(self) -> int: ...
    @property
    def unit_price(self) -> Decimal: ...
    @property
    def node(self) -> UUID | None: ...
    @property
    def grade(self) -> str: ...


class CreditInvoice(Protocol):
    """A credit as its source wrote it."""

    @property
    def company(self) -> int: ...
    @property
    def channel(self) -> str: ...
    @property
    def number(self) -> str: ...
    @property
    def occurred_at(self) -> datetime: ...
    @property
    def currency(self) -> str: ...
    @property
    def customer(self) -> str | None: ...
    @property
    def lines(self) -> Sequence[CreditLine]: ...


class _Part(NamedTuple):
    """Units of a credit's line that came back of an order line, in which condition, and what was credited for them."""

    item: Item
    grade: str
    credited: int


class _Back(NamedTuple):
    """What one credit gives back of one order to one node; a credit has a name for each return of an order."""

    invoice: CreditInvoice
    order: UUID
    node: UUID | None
    name: str
    parts: list[_Part]


def take_back(cause: Cause, invoices: Sequence[CreditInvoice]) -> None:
    """Credits, each at its own time: returned, inspected, restocked and refunded as far as their sales are found; the
    rest is entered and approved as a credit without a sale. A refund that is refused, as what a bank disputes, is a
    work item of its return.

    Called inside a command. As many statements as the commands inside, whatever the number of credits.
    """
    backs, rest = _match(invoices, _sales(invoices))
    beyond = _return(cause, backs) if backs else {}
    wanted = [_credit(one, rest.get(one.number, []), beyond.get(one.number, 0)) for one in invoices]
    wanted = [one for one in wanted if one.lines]
    if wanted:
        entered = whole(credit(_as(cause, DESK), requests=wanted))
        agreed = [
            ApproveCredit(one.credit, occurred_at=asked.occurred_at)
            for one, asked in zip(entered, wanted, strict=True)
        ]
        whole(approve_credits(_as(cause, CONTROLLER), requests=agreed))


def _as(cause: Cause, name: str) -> Cause:
    return replace(cause, actor=Actor(name, everything=True))


# ---- which sales


_Key: TypeAlias = tuple[int, str, str]
"""Company, customer, SKU code."""


def _sales(invoices: Sequence[CreditInvoice]) -> dict[_Key, list[Sale]]:
    """What customers have bought of what they are credited for. One statement."""
    wanted = {
        (one.company, one.customer, line.sku)
        for one in invoices
        for line in one.lines
        if one.customer and line.kind == GOODS
    }
    found: dict[_Key, list[Sale]] = defaultdict(list)
    if wanted:
        params = sql.columns(("companies", "customers", "skus"), list(wanted))
        for company, customer, sku, *sale in sql.run(_SALES, params):
            found[company, customer, sku].append(Sale(*sale))
    return found


def _match(
    invoices: Sequence[CreditInvoice], sales: dict[_Key, list[Sale]]
) -> tuple[list[_Back], dict[str, list[CreditItem]]]:
    """What goes back to which order, and what belongs to no sale, by invoice; earlier credits choose first."""
    backs: dict[tuple[str, UUID], dict[UUID | None, _Back]] = defaultdict(dict)
    rest: dict[str, list[CreditItem]] = defaultdict(list)
    for invoice in sorted(invoices, key=lambda one: one.occurred_at):
        for line in invoice.lines:
            key = (invoice.company, invoice.customer or "", line.sku)
            possible = sales.get(key, []) if line.kind == GOODS else []
            matches = match(line.quantity, line.unit_price, invoice.occurred_at, possible)
            if matches:
                sales[key] = after(possible, matches)
            value, matched = extend(line.quantity, line.unit_price, invoice.currency), 0
            for sale, units, found_by in matches:
                of_order = backs[invoice.number, sale.order]
                name = invoice.number if not of_order else f"{invoice.number}/{len(of_order) + 1}"
                back = of_order.setdefault(line.node, _Back(invoice, sale.order, line.node, name, []))
                item = Item(sale.line, units, _REASON, line.description, found_by)
                back.parts.append(_Part(item, line.grade, of_units(value, line.quantity, matched, units)))
                matched += units
            if matched < line.quantity:
                left = line.quantity - matched
                amount = of_units(value, line.quantity, matched, left)
                rest[invoice.number].append(
                    CreditItem(line.kind, line.sku, left, line.unit_price, line.description, amount)
                )
    return [back for of_order in backs.values() for back in of_order.values()], rest


_REASON = "not_given"


# ---- the way back


def _return(cause: Cause, backs: Sequence[_Back]) -> dict[str, int]:
    """Take goods back and refund them; by invoice, the amounts that exceed what was captured of their sales."""
    desk, dock = _as(cause, DESK), _as(cause, DOCK)
    returns: list[Authorized] = list(whole(authorize(desk, requests=[_authorize(one) for one in backs])))
    of_line = [
        (line, part, back.invoice.occurred_at, one.return_id)
        for one, back in zip(returns, backs, strict=True)
        for line, part in zip(one.lines, back.parts, strict=True)
    ]
    receipts = whole(receive(dock, requests=[
        Receive(rma, line, part.item.quantity, occurred_at=at) for line, part, at, rma in of_line
    ]))  # fmt: skip
    found = whole(inspect(dock, requests=[
        Inspect(one.receipt, part.item.quantity, part.grade, note=part.item.note, occurred_at=at, gone=True)
        for one, (_, part, at, _) in zip(receipts, of_line, strict=True)
    ]))  # fmt: skip
    whole(dispose(dock, requests=[
        Dispose(one.inspection, part.item.quantity, occurred_at=at)
        for one, (_, part, at, _) in zip(found, of_line, strict=True)
    ]))  # fmt: skip
    credited = [sum(part.credited for part in one.parts) for one in backs]
    refunds = refund(desk, requests=[
        Refund(one.return_id, adjustment_reason=OTHER_PRICE, total_minor=amount, up_to=True,
               occurred_at=back.invoice.occurred_at)
        for one, back, amount in zip(returns, backs, credited, strict=True)
    ])  # fmt: skip
    ready.drop("decide_refund", [one.return_id for one in returns])  # it is decided, or a person's to decide
    waiting: list[Approve] = []
    items: list[OpenItem] = []
    beyond: dict[str, int] = defaultdict(int)
    for back, of, one, amount in zip(backs, returns, refunds, credited, strict=True):
        if isinstance(one, Refused):
            items.append(_not_refunded(back, of.return_id, one, amount))
            continue
        if one.state == "waiting":
            waiting.append(Approve(one.refund, occurred_at=back.invoice.occurred_at))
        beyond[back.invoice.number] += amount - one.total_minor
    whole(approve(_as(cause, CONTROLLER), requests=waiting))
    if items:
        open_items(cause, requests=items)
    return beyond


def _not_refunded(back: _Back, which: UUID, why: Refused, amount: int) -> OpenItem:
    return OpenItem(
        company=back.invoice.company, type=NOT_REFUNDED, subject_kind="return", subject=which,
        reason=Said("Credit {0} is not refunded: {1}", back.name, why.message), role="controller",
        facts={"credit": back.name, "amount_minor": amount, "code": why.code},
        occurred_at=back.invoice.occurred_at, value_minor=amount,
    )  # fmt: skip


def _authorize(back: _Back) -> Authorize:
    return Authorize(
        back.order, tuple(part.item for part in back.parts), node=back.node, insist="it came back, in a history",
        external_id=back.name, occurred_at=back.invoice.occurred_at,
    )  # fmt: skip


def _credit(invoice: CreditInvoice, items: Iterable[CreditItem], beyond: int) -> CreditWithoutSale:
    lines = tuple(items)
    if beyond:
        lines += (CreditItem("manual", "", 1, Decimal(0), BEYOND, beyond),)
    return CreditWithoutSale(
        company=invoice.company, channel=invoice.channel, external_id=invoice.number, lines=lines,
        currency=invoice.currency, occurred_at=invoice.occurred_at, customer=invoice.customer,
    )  # fmt: skip


_SALES = """
SELECT d.company::int, d.customer, d.sku, o.id, l.id, l.unit_price, o.placed_at,
       l.shipped + l.delivered - COALESCE(s.authorized, 0)
FROM unnest(%(companies)s::smallint[], %(customers)s::text[], %(skus)s::text[]) AS d(company, customer, sku)
JOIN parties_customer AS u ON u.company_id = d.company AND u.code = d.customer
JOIN orders_order AS o ON o.customer_id = u.id AND o.company_id = d.company
JOIN orders_line AS l ON l.order_id = o.id AND l.sku_code = d.sku AND l.sku_id IS NOT NULL
LEFT JOIN returns_sold AS s ON s.line_id = l.id
WHERE l.shipped + l.delivered > COALESCE(s.authorized, 0)
"""
