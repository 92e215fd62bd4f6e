"""Take in invoices of a history: orders walk their whole way, credits and corrections are posted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from entrepot.channels.commands.take_back import take_back
from entrepot.channels.commands.walk import walk
from entrepot.kernel import inbox
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, whole
from entrepot.kernel.errors import Refused, Said
from entrepot.kernel.events import Event
from entrepot.kernel.money import extend
from entrepot.ledger.commands.post import Posting, post
from entrepot.orders.commands.place import OrderLine, PaymentGiven, Placed, PlaceOrder, place
from entrepot.orders.rules import GOODS
from entrepot.shipping.commands.perform import PerformServices, perform
from entrepot.stock.commands.adjust import Adjust, Adjusted
from entrepot.warehouse.commands.adjust import adjust
from entrepot.work.commands.open_items import OpenItem, open_items


class InvoiceLine(NamedTuple):
    """Goods by SKU code, or a charge of another kind. On a credit, quantities are of what is given back, and goods come
    back to a node (None: to where the order last left from) in the condition of a grade of `returns`."""

    kind: str
    sku: str
    description: str
    quantity: int
    unit_price: Decimal
    node: UUID | None = None
    grade: str = "A"


class Correction(NamedTuple):
    """Units of a SKU found (above zero) or written off in a bin, with the reason that was given."""

    sku: UUID
    node: UUID
    bin: UUID
    quantity: int
    reason: str


@dataclass(frozen=True, slots=True)
class ImportInvoice:
    """An invoice as its source wrote it. `use` is sale, credit or bad_debt; `payload` its raw rows as JSON."""

    company: int
    channel: str
    number: str
    use: str
    occurred_at: datetime
    currency: str
    lines: tuple[InvoiceLine, ...]
    corrections: tuple[Correction, ...]
    payload: str
    customer: str | None = None
    country: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class InvoiceImported:
    """`fresh` is False where the invoice had been taken in before: nothing was done."""

    number: str
    fresh: bool


@command("channels.import_invoices")
def import_invoices(cause: Cause, /, *, requests: Sequence[ImportInvoice]) -> list[InvoiceImported | Refused]:
    """Invoices taken in, each at its own time: its order placed, sourced, picked, packed, shipped and posted as far as
    stock goes, its credit returned and refunded as far as sales are found for it, its bad debt posted, its finds and
    losses booked. What can't be done is a work item.

    Locks: the inbox's new rows, then as the commands inside.
    Refuses: nothing by itself; a month that is closed undoes the whole call.
    Again: an invoice in the inbox is left alone. As many statements as the commands inside.
    """
    messages = [inbox.Incoming(r.company, r.channel, r.number, r.use, r.payload) for r in requests]
    new = inbox.receive(cause, messages, state="done")
    fresh = [request for request in requests if request.number in new]

    _correct(cause, fresh, new, found=True)
    _sell(cause, fresh, new)
    _credit(cause, fresh)
    _write_off_debts(cause, fresh, new)
    _correct(cause, fresh, new, found=False)

    announce(
        cause,
        [
            Event("message", new[r.number], r.company, "", "done", r.occurred_at, {"invoice": r.number})
            for r in fresh
        ],
    )
    return [InvoiceImported(request.number, request.number in new) for request in requests]


def _sell(cause: Cause, requests: Sequence[ImportInvoice], messages: dict[str, UUID]) -> None:
    sales = [request for request in requests if request.use == "sale" and request.lines]
    if not sales:
        return
    placed = place(cause, requests=[_order(request) for request in sales])
    goods: dict[UUID, datetime] = {}
    services: dict[UUID, datetime] = {}
    refused: list[tuple[ImportInvoice, Refused]] = []
    for request, answer in zip(sales, placed, strict=True):
        if isinstance(answer, Placed):
            has_goods = any(line.kind == GOODS for line in request.lines)
            if not answer.holds:
                (goods if has_goods else services)[answer.order] = request.occurred_at
        else:
            refused.append((request, answer))
    if goods:
        walk(cause, goods)
    if services:
        whole(perform(cause, requests=[PerformServices(order, at) for order, at in services.items()]))
    if refused:
        _ask_about(cause, refused, messages)


def _order(request: ImportInvoice) -> PlaceOrder:
    lines = tuple(
        OrderLine(line.sku, line.quantity, line.unit_price, line.kind, line.description)
        for line in request.lines
    )
    total = sum(extend(line.quantity, line.unit_price, request.currency) for line in lines)
    return PlaceOrder(
        company=request.company, channel=request.channel, external_id=request.number, lines=lines,
        currency=request.currency, occurred_at=request.occurred_at, customer=request.customer,
        country=request.country, payment=PaymentGiven("account", request.number, total, request.occurred_at),
    )  # fmt: skip


def _ask_about(
    cause: Cause, refused: Sequence[tuple[ImportInvoice, Refused]], messages: dict[str, UUID]
) -> None:
    inbox.mark([messages[request.number] for request, _ in refused], "set_aside", "the order was refused")
    open_items(
        cause,
        requests=[
            OpenItem(
                company=request.company, type="invoice refused", subject_kind="message",
                subject=messages[request.number], reason=Said("Invoice {0}: {1}", request.number, refusal.message),
                role="integration engineer", facts={"invoice": request.number, "code": refusal.code},
                occurred_at=request.occurred_at,
            )
            for request, refusal in refused
        ],
    )  # fmt: skip


def _credit(cause: Cause, requests: Sequence[ImportInvoice]) -> None:
    wanted = [request for request in requests if request.use == "credit" and request.lines]
    if wanted:
        take_back(cause, wanted)


def _write_off_debts(cause: Cause, requests: Sequence[ImportInvoice], messages: dict[str, UUID]) -> None:
    postings = [
        Posting(
            request.company, "bad_debt", "message", messages[request.number], request.currency,
            [("bad_debt", extend(line.quantity, line.unit_price, request.currency)) for line in request.lines],
            request.occurred_at,
        )
        for request in requests
        if request.use == "bad_debt" and request.lines
    ]  # fmt: skip
    if postings:
        whole(post(cause, requests=postings))


def _correct(
    cause: Cause, requests: Sequence[ImportInvoice], messages: dict[str, UUID], *, found: bool
) -> None:
    """Book finds, before the orders that may need them, or losses, after; a loss of what isn't there is asked about."""
    wanted = [
        (request, one) for request in requests for one in request.corrections if (one.quantity > 0) == found
    ]
    if not wanted:
        return
    answers = adjust(
        cause,
        requests=[
            Adjust(
                company=request.company, sku=one.sku, node=one.node, bin=one.bin, delta=one.quantity,
                reason=one.reason or NO_REASON, note=f"invoice {request.number}", up_to=True,
                occurred_at=request.occurred_at,
            )
            for request, one in wanted
        ],
    )  # fmt: skip
    missing = [
        (request, one, answer.missing)
        for (request, one), answer in zip(wanted, whole(answers), strict=True)
        if isinstance(answer, Adjusted) and answer.missing
    ]
    if missing:
        open_items(
            cause,
            requests=[
                OpenItem(
                    company=request.company, type="write-off", subject_kind="sku", subject=one.sku,
                    reason=Said(
                        "{0} of {1} units to be written off are not there: {2}",
                        units, -one.quantity, one.reason or NO_REASON,
                    ),
                    role="inventory manager", dedupe=f"{messages[request.number]}:{one.sku}:{n}",
                    facts={"invoice": request.number, "units": units, "node": one.node},
                    occurred_at=request.occurred_at,
                )
                for n, (request, one, units) in enumerate(missing)
            ],
        )  # fmt: skip


NO_REASON = "no reason given"
