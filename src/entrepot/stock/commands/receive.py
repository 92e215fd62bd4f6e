"""Goods arrive from a supplier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from entrepot.catalog import queries as catalog
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Refused
from entrepot.kernel.events import Event
from entrepot.stock import errors
from entrepot.stock.commands.move import SUPPLIER, At, Move, Paid, move_units


@dataclass(frozen=True, slots=True)
class Receive:
    """Units of a SKU put into a bin; `cost_minor` is what all of them cost together, in the company's currency;
    `paid`: what that was in another; `plate`: they came on it."""

    company: int
    sku: UUID
    node: UUID
    bin: UUID
    quantity: int
    cost_minor: int
    document_kind: str
    document: UUID
    line: UUID | None = None
    lot: str = ""
    serial: str = ""
    expires_on: date | None = None
    status: str = "sellable"
    occurred_at: datetime | None = None
    key: str | None = None
    plate: UUID | None = None
    paid: Paid | None = None


@dataclass(frozen=True, slots=True)
class Received:
    quantity: int
    value_minor: int


@command("stock.receive")
def receive(cause: Cause, /, *, requests: Sequence[Receive]) -> list[Received | Refused]:
    """Units enter stock at their cost; the value is posted against goods received not invoiced.

    Locks: as `move_units`. Refuses: NotPlaceable, KitHasNoStock. Again: by key. About 10 statements.
    """
    answers: list[Received | Refused] = []
    moves = []
    documents: dict[tuple[UUID, str, int], int] = {}
    kits = catalog.kits_among({r.sku for r in requests})
    for r in requests:
        if r.sku in kits:
            answers.append(errors.KitHasNoStock(sku=kits[r.sku]))
            continue
        if r.quantity < 1 or r.cost_minor < 0 or (r.serial and r.quantity != 1):
            found = f"quantity {r.quantity}, cost {r.cost_minor}, serial {r.serial or 'none'}"
            expected = "units at no negative cost, one for each serial number"
            answers.append(errors.NotPlaceable(field="receipt", expected=expected, found=found))
            continue
        target = At(r.sku, r.node, r.bin, r.company, r.status, r.lot, r.serial)
        moves.append(
            Move(
                r.company,
                r.sku,
                r.quantity,
                SUPPLIER,
                target,
                "purchase",
                r.document_kind,
                r.document,
                r.occurred_at or cause.at,
                "stock.receipt.purchase",
                r.line,
                r.cost_minor,
                expires_on=r.expires_on,
                plate=r.plate,
                paid=r.paid,
            )
        )
        document = (r.document, r.document_kind, r.company)
        documents[document] = documents.get(document, 0) + r.quantity
        answers.append(Received(r.quantity, r.cost_minor))
    move_units(cause, moves)
    announce(
        cause,
        [
            Event(kind, document, company, payload={"units": units})
            for (document, kind, company), units in documents.items()
        ],
    )
    return answers
