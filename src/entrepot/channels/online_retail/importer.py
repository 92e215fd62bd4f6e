"""Import a file: set up the retailer, then week by week its stock and its invoices."""

from __future__ import annotations

import gzip
import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import IO
from uuid import UUID

from django.utils import timezone

from entrepot import Problem
from entrepot.catalog.commands.register import RegisterSku, register_skus
from entrepot.channels.commands.import_invoices import ImportInvoice, Shop, import_invoices
from entrepot.channels.commands.set_aside import SetAsideRow, set_aside
from entrepot.channels.commands.stock_week import StockWeek, stock_week
from entrepot.channels.online_retail import contract
from entrepot.channels.online_retail.parse import Book, Invoice, UnknownHeader, parse
from entrepot.kernel import policies, seal
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.command import whole
from entrepot.ledger.commands.open_books import OpenBooks, open_books
from entrepot.network.commands import register as network
from entrepot.parties import queries as parties
from entrepot.parties.commands.register import (
    RegisterCompany,
    RegisterSupplier,
    register_companies,
    register_suppliers,
)  # fmt: skip
from entrepot.progress import Progress
from entrepot.stock.commands.adjust import AdjustmentPolicy

INVOICES_PER_BATCH, ROWS_PER_BATCH = 400, 8_000
NODES = 3
BIN_KINDS = ("pick", "staging", "receiving")


def run(path: Path, *, stock: str = "ample", currency: str = "GBP") -> int:
    """Import a file and return its company. Again, or after a kill, it goes on where it stopped."""
    book = _read(path)
    cause = Cause(Actor("system:importer", everything=True), timezone.now(), f"import of {path.name}")
    shop, supplier = _open_shop(cause, book, currency)
    _set_aside(cause, shop, book)
    costs = _costs(book)
    earlier = ""
    with Progress("Importing", total=book.rows, unit="rows") as bar:
        for name, invoices in _weeks(book.invoices):
            percent = contract.TIGHT_PERCENT if stock == "tight" else 100
            week = StockWeek(
                shop, supplier, name, _opening(invoices), _demand(invoices), costs, percent,
                earlier if percent < 100 else "",
            )  # fmt: skip
            whole(stock_week(cause, requests=[week]))
            earlier = name
            for batch in _batches(invoices):
                whole(import_invoices(cause, requests=[ImportInvoice(invoice, shop) for invoice in batch]))
                bar.advance(sum(len(invoice.rows) for invoice in batch))
    seal.seal(cause)
    return shop.company


# ---- the file


def _read(path: Path) -> Book:
    try:
        with _lines(path) as lines:
            return parse(lines)
    except UnknownHeader as error:
        raise Problem(f"{path.name} is no Online Retail file: {error}") from error
    except (UnicodeDecodeError, gzip.BadGzipFile, EOFError) as error:
        raise Problem(f"{path.name} can't be read as text in UTF-8, plain or gzipped: {error}") from error


@contextmanager
def _lines(path: Path) -> Iterator[IO[str]]:
    with path.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    with (
        gzip.open(path, "rt", encoding="utf-8-sig", newline="")
        if zipped
        else path.open(encoding="utf-8-sig", newline="") as lines
    ):
        yield lines  # type: ignore[misc]


def _costs(book: Book) -> dict[str, Decimal]:
    """What the supplier asks for each SKU: a share of its median price in the file."""
    prices: dict[str, list[Decimal]] = defaultdict(list)
    for invoice in book.invoices:
        for row in invoice.rows:
            if row.kind == "goods":
                prices[row.code] += [row.price] if row.price else []
    share = Decimal(contract.COST_SHARE)
    return {code: round(median(found) * share, 6) if found else Decimal(0) for code, found in prices.items()}


def _weeks(invoices: Sequence[Invoice]) -> Iterator[tuple[str, list[Invoice]]]:
    """Invoices by ISO week; a week's name holds its first invoice, so that the other half of it, in another file, is
    another week."""
    weeks: dict[tuple[int, int], list[Invoice]] = {}
    for invoice in invoices:
        year, week, _ = invoice.at.isocalendar()
        weeks.setdefault((year, week), []).append(invoice)
    for (year, week), found in weeks.items():
        yield f"{year}-W{week:02}:{found[0].number}", found


def _opening(invoices: Sequence[Invoice]) -> datetime:
    """Monday at six, or an hour before the first invoice where that is earlier."""
    first = invoices[0].at
    monday = datetime.combine(first.date() - timedelta(days=first.weekday()), time(6), first.tzinfo)
    return min(monday, first - timedelta(hours=1))


def _demand(invoices: Sequence[Invoice]) -> tuple[tuple[str, int], ...]:
    units: dict[str, int] = defaultdict(int)
    for invoice in invoices:
        for row in invoice.rows:
            if row.kind == "goods" and row.use in ("sale", "write_off"):
                units[row.code] += abs(row.quantity)
    return tuple(sorted(units.items()))


def _batches(invoices: Sequence[Invoice]) -> Iterator[list[Invoice]]:
    batch: list[Invoice] = []
    rows = 0
    for invoice in invoices:
        if batch and (len(batch) == INVOICES_PER_BATCH or rows + len(invoice.rows) > ROWS_PER_BATCH):
            yield batch
            batch, rows = [], 0
        batch.append(invoice)
        rows += len(invoice.rows)
    if batch:
        yield batch


# ---- the retailer


def _open_shop(cause: Cause, book: Book, currency: str) -> tuple[Shop, UUID]:
    """The company of this currency, with its nodes, channel, supplier and SKUs; made where it isn't there."""
    code = contract.SOURCE if currency == "GBP" else f"{contract.SOURCE}-{currency.lower()}"
    companies = {one.code: one.id for one in parties.companies()}
    company = companies.get(code) or 1 + max(companies.values(), default=0)
    whole(
        register_companies(cause, requests=[RegisterCompany(company, code, "Online Retail", currency, "GB")])
    )
    if code not in companies:
        whole(open_books(cause, requests=[OpenBooks(company)]))
        policy = policies.SetPolicy(
            company,
            "stock.adjustments",
            AdjustmentPolicy(None),
            cause.at,
            note="a recorded past needs no approval",
        )
        whole(policies.set_policy(cause, requests=[policy]))
    nodes, bins = _nodes(cause, company, currency)
    supplier = whole(
        register_suppliers(cause, requests=[RegisterSupplier(company, "WHOLESALE", "Wholesaler", currency)])
    )[0]
    return Shop(company, currency, _skus(cause, company, book), nodes, bins), supplier.id


def _nodes(cause: Cause, company: int, currency: str) -> tuple[tuple[UUID, ...], dict[UUID, UUID]]:
    """The nodes, and the bin of each that goods are put in."""
    requests = [
        network.RegisterNode(company, f"WH{i}", f"Warehouse {i}", "GB", priority=i)
        for i in range(1, NODES + 1)
    ]
    nodes = tuple(node.id for node in whole(network.register_nodes(cause, requests=requests)))
    shelves = [network.RegisterBin(company, node, kind.upper(), kind) for node in nodes for kind in BIN_KINDS]
    made = whole(network.register_bins(cause, requests=shelves))
    channel = network.RegisterChannel(company, contract.SOURCE, "Online Retail", currency, kind="import")
    (sold,) = whole(network.register_channels(cause, requests=[channel]))
    whole(network.serve_channels(cause, requests=[network.ServeChannel(sold.id, node) for node in nodes]))
    bins = {shelf.node: bin_.id for shelf, bin_ in zip(shelves, made, strict=True) if shelf.kind == "pick"}
    return nodes, bins


def _skus(cause: Cause, company: int, book: Book) -> dict[str, UUID]:
    names: dict[str, str] = {}
    for invoice in book.invoices:
        for row in invoice.rows:
            if row.kind == "goods" and (row.use == "sale" or row.code not in names):
                names.setdefault(row.code, row.description or row.code)
    requests = [RegisterSku(company, code, name) for code, name in names.items()]
    return {sku.code: sku.id for sku in whole(register_skus(cause, requests=requests))} if requests else {}


def _set_aside(cause: Cause, shop: Shop, book: Book) -> None:
    requests = [
        SetAsideRow(
            shop.company, row.line, row.why, row.text, hashlib.sha256(row.text.encode()).hexdigest()[:16]
        )
        for row in book.set_aside
    ]
    if requests:
        whole(set_aside(cause, requests=requests))
