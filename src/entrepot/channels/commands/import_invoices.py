"""Take invoices of an Online Retail file through the whole house, a batch in one transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.channels.online_retail import codes, contract
from entrepot.channels.online_retail.parse import Invoice, Row
from entrepot.kernel import inbox, wire
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import AllOrNothing, Refused
from entrepot.kernel.money import extend
from entrepot.ledger.commands.post import Posting, post
from entrepot.orders.commands.credit import Credited, CreditItem, CreditWithoutSale, credit
from entrepot.orders.commands.place import OrderLine, PaymentGiven, Placed, PlaceOrder, place
from entrepot.shipping.commands.perform import PerformServices, perform
from entrepot.shipping.commands.ship import ShipFulfillment, ship
from entrepot.sourcing.commands.allocate import AllocateOrder, OrderAllocated, allocate
from entrepot.stock.commands.adjust import Adjust, Adjusted
from entrepot.warehouse.commands.adjust import adjust
from entrepot.warehouse.commands.pack import PackFulfillment, pack
from entrepot.warehouse.commands.pick import PickFulfillment, pick
from entrepot.warehouse.commands.release import OrderReleased, ReleaseOrder, release
from entrepot.work.commands.open_items import OpenItem, open_items


class Shop(NamedTuple):
    """The company that a file's invoices belong to, and where each of its SKUs stands."""

    company: int
    currency: str
    skus: dict[str, UUID]
    nodes: tuple[UUID, ...]
    bins: dict[UUID, UUID]

    def node_of(self, code: str) -> UUID:
        return self.nodes[codes.shelf_of(code, len(self.nodes))]


@dataclass(frozen=True, slots=True)
class ImportInvoice:
    """One invoice as it was read."""

    invoice: Invoice
    shop: Shop
    key: str | None = None


@dataclass(frozen=True, slots=True)
class InvoiceImported:
    """False where the invoice came before."""

    fresh: bool


@command("channels.import_invoices")
def import_invoices(cause: Cause, /, *, requests: Sequence[ImportInvoice]) -> list[InvoiceImported | Refused]:
    """Invoices become orders, walked to the last posting; credits, bad debts and stock corrections with them.

    Each step bears the invoice's own time. Locks, statements: those of the commands that it calls, for any number.
    Again: an invoice that came before is passed over, by the inbox.
    """
    if not requests:
        return []
    shop = requests[0].shop
    fresh = _receive(cause, [request.invoice for request in requests], shop)
    invoices = [request.invoice for request in requests if request.invoice.number in fresh]
    _sell(cause, [invoice for invoice in invoices if invoice.of("sale")], shop)
    _credit(cause, [invoice for invoice in invoices if invoice.use == "credit"], shop)
    _write_off_debts(cause, [invoice for invoice in invoices if invoice.use == "bad_debt"], shop, fresh)
    _correct_stock(cause, invoices, shop)
    return [InvoiceImported(request.invoice.number in fresh) for request in requests]


def _receive(cause: Cause, invoices: Sequence[Invoice], shop: Shop) -> dict[str, UUID]:
    messages = [
        inbox.Incoming(shop.company, contract.SOURCE, invoice.number, invoice.use, wire.dump(_raw(invoice)))
        for invoice in invoices
    ]
    return inbox.receive(cause, messages, "done")


def _raw(invoice: Invoice) -> list[Any]:
    """The invoice's rows as they stood in the file, with their line numbers."""
    return [
        [
            row.line,
            row.code,
            row.description,
            row.quantity,
            row.time,
            str(row.price),
            invoice.customer,
            invoice.country,
        ]
        for row in invoice.rows
    ]


# ---- sales


def _sell(cause: Cause, invoices: Sequence[Invoice], shop: Shop) -> None:
    times = {}
    placed = _all(place(cause, requests=[_order(invoice, shop) for invoice in invoices]), Placed)
    for invoice, order in zip(invoices, placed, strict=True):
        times[order.order] = invoice.at
    with_goods = {
        order.order
        for invoice, order in zip(invoices, placed, strict=True)
        if any(row.kind == "goods" for row in invoice.of("sale"))
    }
    walk(cause, [order.order for order in placed if order.order in with_goods], times)
    services = [PerformServices(o.order, times[o.order]) for o in placed if o.order not in with_goods]
    if services:
        perform(cause, requests=services)


def walk(cause: Cause, orders: Sequence[UUID], times: dict[UUID, Any]) -> None:
    """Orders from allocation to the door, as far as stock goes."""
    if not orders:
        return
    allocated = allocate(cause, requests=[AllocateOrder(order, times[order]) for order in orders])
    served = [a.order for a in allocated if isinstance(a, OrderAllocated) and a.allocated]
    if not served:
        return
    released = release(cause, requests=[ReleaseOrder(order, times[order]) for order in served])
    due = {f: times[r.order] for r in released if isinstance(r, OrderReleased) for f in r.fulfillments}
    pick(cause, requests=[PickFulfillment(one, occurred_at=at) for one, at in due.items()])
    pack(cause, requests=[PackFulfillment(one, occurred_at=at) for one, at in due.items()])
    ship(cause, requests=[ShipFulfillment(one, occurred_at=at) for one, at in due.items()])


def _order(invoice: Invoice, shop: Shop) -> PlaceOrder:
    lines = tuple(
        OrderLine(row.code, row.quantity, row.price, row.kind, row.description) for row in invoice.of("sale")
    )
    total = sum(extend(line.quantity, line.unit_price, shop.currency) for line in lines)
    return PlaceOrder(
        company=shop.company,
        channel=contract.SOURCE,
        external_id=invoice.number,
        lines=lines,
        currency=shop.currency,
        occurred_at=invoice.at,
        customer=invoice.customer or None,
        country=codes.country_of(invoice.country),
        payment=PaymentGiven("account", invoice.number, total, invoice.at),
    )


def _all(answers: Sequence[Any], kind: type) -> list[Any]:
    """All answers are of the kind, or the batch is undone: what validation does not take was set aside before."""
    refusals = [answer for answer in answers if not isinstance(answer, kind)]
    if refusals:
        raise AllOrNothing(refusals)
    return list(answers)


# ---- what is no sale


def _credit(cause: Cause, invoices: Sequence[Invoice], shop: Shop) -> None:
    requests = [
        CreditWithoutSale(
            shop.company,
            contract.SOURCE,
            invoice.number,
            tuple(
                CreditItem(row.kind, row.code, -row.quantity, row.price, row.description)
                for row in invoice.rows
            ),
            shop.currency,
            invoice.at,
            invoice.customer or None,
        )
        for invoice in invoices
        if invoice.of("credit")
    ]
    if requests:
        _all(credit(cause, requests=requests), Credited)


def _write_off_debts(cause: Cause, invoices: Sequence[Invoice], shop: Shop, ids: dict[str, UUID]) -> None:
    postings = [
        Posting(
            shop.company,
            "bad_debt",
            "invoice",
            ids[invoice.number],
            shop.currency,
            [("bad_debt", sum(extend(row.quantity, row.price, shop.currency) for row in invoice.rows))],
            invoice.at,
        )
        for invoice in invoices
    ]
    if postings:
        post(cause, requests=postings)


def _correct_stock(cause: Cause, invoices: Sequence[Invoice], shop: Shop) -> None:
    rows = [
        (invoice, row) for use in ("found", "write_off") for invoice in invoices for row in invoice.of(use)
    ]
    if not rows:
        return
    requests = [_correction(invoice, row, shop) for invoice, row in rows]
    missing: dict[UUID, list[Any]] = defaultdict(list)
    for (invoice, row), answer in zip(rows, adjust(cause, requests=requests), strict=True):
        if isinstance(answer, Adjusted) and answer.missing:
            missing[shop.skus[row.code]].append(
                (invoice.number, row.line, row.code, answer.missing, invoice.at)
            )
    if missing:
        open_items(cause, requests=[_not_there(shop, sku, found) for sku, found in missing.items()])


def _correction(invoice: Invoice, row: Row, shop: Shop) -> Adjust:
    node = shop.node_of(row.code)
    usual = "found" if row.quantity > 0 else "written off without a reason"
    return Adjust(
        shop.company,
        shop.skus[row.code],
        node,
        shop.bins[node],
        row.quantity,
        row.description or usual,
        note=f"invoice {invoice.number}, line {row.line}",
        up_to=True,
        occurred_at=invoice.at,
    )


def _not_there(shop: Shop, sku: UUID, found: Sequence[tuple[str, int, str, int, Any]]) -> OpenItem:
    units = sum(one[3] for one in found)
    return OpenItem(
        company=shop.company,
        type="write-off of nothing",
        subject_kind="sku",
        subject=sku,
        reason=f"{units} units of {found[0][2]} were to be written off and were not there",
        role="inventory manager",
        facts=[[number, line, missing] for number, line, _, missing, _ in found],
        occurred_at=found[0][4],
        dedupe=f"{sku}:{found[0][0]}",
    )
