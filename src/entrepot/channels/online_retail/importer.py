"""`entrepot import online-retail FILE`: reads the file, sets the house up for it, and gives its weeks to commands."""

from __future__ import annotations

import hashlib
import statistics
import zlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from entrepot import Problem
from entrepot.catalog import queries as catalog
from entrepot.catalog.commands.register import RegisterSku, register_skus
from entrepot.channels.commands.import_invoices import Correction, ImportInvoice, InvoiceLine, import_invoices
from entrepot.channels.commands.receive_supply import ReceiveSupply, Supply, receive_supply
from entrepot.channels.commands.set_aside import SetRowAside, set_aside
from entrepot.channels.history import (
    Imported,
    Place,
    by_week,
    chunks,
    company_number,
    set_up_carriage,
    set_up_network,
    stopping,
    unpacked,
)
from entrepot.channels.online_retail import again, codes, contract, parse
from entrepot.channels.online_retail.parse import Book, Invoice, Row
from entrepot.kernel import policies, seal, wire
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.command import whole
from entrepot.kernel.errors import Refused
from entrepot.ledger.commands.open_books import OpenBooks, open_books
from entrepot.network.commands import register as network
from entrepot.parties import queries as parties
from entrepot.parties.commands import register as people
from entrepot.parties.rules import RegisterCompany, RegisterCustomer, RegisterSupplier
from entrepot.progress import Progress
from entrepot.purchasing import queries as purchasing
from entrepot.returns import rules as returns
from entrepot.stock.commands.adjust import AdjustmentPolicy

INVOICES_MAX, LINES_MAX = 400, 8_000
"""Of a batch: one transaction. Large enough that a batch costs little, small enough to be lost to a crash."""

ROWS_MAX = 1_000
ACTOR = Actor("import:online-retail", everything=True)
NODES = (("north", "North"), ("middle", "Middle"), ("south", "South"))
T = TypeVar("T")


def run(
    file: Path,
    *,
    stock: str = "ample",
    currency: str = "GBP",
    report: str = "text",  # noqa: ARG001  the verb writes the report, from what the house then holds
    at: datetime | None = None,
) -> Imported:
    """Bring in a file; what it brought before is left alone. Works in transactions of a week's supply and of a batch
    of invoices each, so that a run that is stopped goes on where it was."""
    cause = Cause(ACTOR, at or datetime.now(UTC), f"import of {file.name}")
    book = read(file)
    house = _House(cause, currency)
    house.open()
    book, known = again.without_known(book, house.company, contract.SOURCE)
    with stopping():
        _set_aside(cause, house.company, book)
        _import(cause, house, book, known, contract.TIGHT_PERCENT if stock == "tight" else 100)
    seal.seal(cause)
    return Imported(house.company, contract.SOURCE)


def read(file: Path) -> Book:
    """The whole file, gzipped or not."""
    try:
        with unpacked(file, is_gzip=_is_gzip(file)) as lines:
            return parse.parse(lines)
    except parse.UnknownHeader as error:
        raise Problem(f"{file} is no Online Retail file: {error}.") from error


def _is_gzip(file: Path) -> bool:
    with file.open("rb") as start:
        return start.read(2) == b"\x1f\x8b"


# ---- the house that the history happened in


class _House:
    """The company of a currency, with its channel, nodes, bins and supplier; SKUs and customers as they come."""

    def __init__(self, cause: Cause, currency: str) -> None:
        self.cause, self.currency = cause, currency
        self.company = 0
        self.supplier = UUID(int=0)
        self.places: list[Place] = []
        self.skus: dict[str, UUID] = {}
        self.customers: set[str] = set()

    def open(self) -> None:
        """Set up what is missing. Each step leaves alone what stands."""
        cause = self.cause
        code = contract.SOURCE if self.currency == "GBP" else f"{contract.SOURCE}-{self.currency.lower()}"
        self.company = company_number(code)
        name = "Online Retail" if self.currency == "GBP" else f"Online Retail {self.currency}"
        _done(
            people.register_companies(
                cause, requests=[RegisterCompany(self.company, code, name, self.currency, "GB")]
            )
        )
        _done(open_books(cause, requests=[OpenBooks(self.company)]))
        self._set_policies()
        self.places = set_up_network(
            cause,
            [
                network.RegisterNode(self.company, node, name_of, "GB", priority=i)
                for i, (node, name_of) in enumerate(NODES, 1)
            ],
            network.RegisterChannel(self.company, contract.SOURCE, "Online Retail", self.currency, "import"),
        )
        (supplier,) = _done(
            people.register_suppliers(
                cause, requests=[RegisterSupplier(self.company, "wholesale", "Wholesale", self.currency)]
            )
        )
        self.supplier = supplier.id
        set_up_carriage(cause, self.company, self.currency)
        self.skus = {code: sku.id for code, sku in catalog.skus(company=self.company).items()}

    def _set_policies(self) -> None:
        """What the retailer wrote off then, it had approved; whatever came back, however late, it took."""
        since = datetime(1970, 1, 1, tzinfo=UTC)
        for kind, body in (
            ("stock.adjustments", AdjustmentPolicy(approve_above_minor=None)),
            ("returns", returns.Policy(window_days=100 * 365)),
        ):
            if not policies.in_force(self.company, type(body), self.cause.at):
                kept = policies.SetPolicy(self.company, kind, body, since, note="a history")
                _done(policies.set_policy(self.cause, requests=[kept]))

    def place_of(self, code: str) -> Place:
        return self.places[place_of(code)]

    def register(self, skus: Mapping[str, RegisterSku], customers: Mapping[str, datetime]) -> None:
        """Put SKUs and customers that are new into the catalog and the register."""
        new = [sku for code, sku in skus.items() if code not in self.skus]
        if new:
            self.skus |= {one.code: one.id for one in _done(register_skus(self.cause, requests=new))}
        unseen = customers.keys() - self.customers
        if unseen:
            # One who is registered is a customer since their first order, whichever file that was in.
            known = parties.customers(company=self.company, codes=unseen)
            fresh = [
                RegisterCustomer(self.company, code, since=at)
                for code, at in customers.items()
                if code in unseen and code not in known
            ]
            _done(people.register_customers(self.cause, requests=fresh))
            self.customers |= unseen


def place_of(code: str) -> int:
    """The number of the node that stocks a SKU: the same in every run and on every machine."""
    return zlib.crc32(code.encode()) % len(NODES)


# ---- the run


class _Catalog:
    """What the file tells of its SKUs: name, usual price, and so cost."""

    def __init__(self, house: _House, invoices: Iterable[Invoice]) -> None:
        prices: dict[str, list[Decimal]] = defaultdict(list)
        self.names: dict[str, str] = {}
        codes_seen: dict[str, None] = {}
        for invoice in invoices:
            for row in invoice.rows:
                if row.kind != "goods":
                    continue
                codes_seen[row.code] = None
                if row.use == "sale":
                    prices[row.code].append(row.price)
                    if row.description:
                        self.names.setdefault(row.code, row.description)
        self.median = {code: statistics.median(of_code) for code, of_code in prices.items()}
        share = Decimal(contract.COST_SHARE)
        self.cost = {code: round(median * share, 6) for code, median in self.median.items()}
        self.of: dict[str, RegisterSku] = {
            code: RegisterSku(
                house.company, code, self.names.get(code, code), list_price=self.median.get(code),
                standard_cost=self.cost.get(code),
            )
            for code in codes_seen
        }  # fmt: skip


def _import(cause: Cause, house: _House, book: Book, known: Collection[str], percent: int) -> None:
    goods = _Catalog(house, book.invoices)
    weeks = list(by_week(book.invoices))
    supplied = purchasing.by_external_ref(
        house.company, [_ref(start, code, of) for start, of in weeks for code, _ in NODES]
    )
    with Progress("Importing", total=book.rows - len(book.set_aside), unit="rows") as bar:
        for start, invoices in weeks:
            fresh = [invoice for invoice in invoices if invoice.number not in known]
            if fresh:
                _register(house, goods, fresh)
                _supply(cause, house, goods, start, invoices, fresh, supplied, percent)
            for batch in batches(invoices):
                wanted = [_request(house, one) for one in batch if one.number not in known]
                if wanted:
                    whole(import_invoices(cause, requests=wanted))
                bar.advance(sum(len(one.rows) for one in batch))
        if weeks:
            _supply_rest(cause, house, supplied, weeks[-1][0] + WEEK)


def _register(house: _House, goods: _Catalog, invoices: Sequence[Invoice]) -> None:
    skus: dict[str, RegisterSku] = {}
    customers: dict[str, datetime] = {}
    for invoice in invoices:
        if invoice.customer:
            customers.setdefault(invoice.customer, invoice.at)
        for row in invoice.rows:
            if row.kind == "goods":
                skus[row.code] = goods.of[row.code]
    house.register(skus, customers)


def _supply(
    cause: Cause,
    house: _House,
    goods: _Catalog,
    start: datetime,
    invoices: Sequence[Invoice],
    fresh: Sequence[Invoice],
    supplied: dict[str, tuple[UUID, str]],
    percent: int,
) -> None:
    """Receive what the week's fresh invoices sell and write off, and first what is still to come of earlier weeks."""
    refs = [_ref(start, code, invoices) for code, _ in NODES]
    if any(ref in supplied for ref in refs):
        return
    wanted = demand(fresh)
    supplies = []
    for number, ref in enumerate(refs):
        place = house.places[number]
        lines = tuple(
            (house.skus[code], units, goods.cost.get(code, _NOTHING))
            for code, units in sorted(wanted.items())
            if place_of(code) == number
        )
        if lines:
            supplies.append(Supply(house.supplier, place.node, place.bin, ref, lines, percent))
    if supplies:
        rest = _still_to_come(house, supplied)
        whole(receive_supply(cause, requests=[ReceiveSupply(house.company, start, rest, tuple(supplies))]))
        supplied |= purchasing.by_external_ref(house.company, [one.external_ref for one in supplies])
        _note_received(supplied, rest)


def _supply_rest(cause: Cause, house: _House, supplied: dict[str, tuple[UUID, str]], at: datetime) -> None:
    """A week after the last one, what is still to come arrives, so that nobody waits for ever."""
    rest = _still_to_come(house, supplied)
    if rest:
        whole(receive_supply(cause, requests=[ReceiveSupply(house.company, at, rest)]))


def _still_to_come(house: _House, supplied: Mapping[str, tuple[UUID, str]]) -> tuple[tuple[UUID, UUID], ...]:
    bins = {code: place.bin for (code, _), place in zip(NODES, house.places, strict=True)}
    return tuple(
        (order, bins[ref.split()[1]])
        for ref, (order, state) in sorted(supplied.items())
        if state in ("open", "part_received")
    )


def _note_received(supplied: dict[str, tuple[UUID, str]], rest: Iterable[tuple[UUID, UUID]]) -> None:
    done = {order for order, _ in rest}
    for ref, (order, _state) in supplied.items():
        if order in done:
            supplied[ref] = (order, "received")


_NOTHING = Decimal(0)
WEEK = timedelta(days=7)


def demand(invoices: Iterable[Invoice]) -> Counter[str]:
    """Units that invoices sell or write off, by SKU code."""
    units: Counter[str] = Counter()
    for invoice in invoices:
        for row in invoice.rows:
            if row.kind == "goods" and row.use in ("sale", "write_off"):
                units[row.code] += abs(row.quantity)
    return units


def batches(invoices: Sequence[Invoice]) -> Iterator[list[Invoice]]:
    """A week's invoices in batches that depend on the file alone, so that a second run finds the same."""
    batch: list[Invoice] = []
    lines = 0
    for invoice in invoices:
        if batch and (len(batch) == INVOICES_MAX or lines + len(invoice.rows) > LINES_MAX):
            yield batch
            batch, lines = [], 0
        batch.append(invoice)
        lines += len(invoice.rows)
    if batch:
        yield batch


def _ref(start: datetime, node: str, invoices: Sequence[Invoice]) -> str:
    """The name of a week's purchase order: its Monday, node, and first invoice in the file."""
    return f"{start:%Y-%m-%d} {node} {invoices[0].number}"


def _request(house: _House, invoice: Invoice) -> ImportInvoice:
    sign = -1 if invoice.use == "credit" else 1
    return ImportInvoice(
        company=house.company, channel=contract.SOURCE, number=invoice.number, use=invoice.use,
        occurred_at=invoice.at, currency=house.currency,
        lines=tuple(
            InvoiceLine(
                row.kind, row.code, row.description, sign * row.quantity, row.price, *_comes_back(house, row)
            )
            for row in invoice.rows
            if row.use == invoice.use
        ),
        corrections=tuple(
            Correction(house.skus[row.code], *house.place_of(row.code), row.quantity, row.description)
            for row in invoice.rows
            if row.use in ("write_off", "found")
        ),
        payload=payload(invoice), customer=invoice.customer or None, country=codes.country_of(invoice.country),
    )  # fmt: skip


def _comes_back(house: _House, row: Row) -> tuple[UUID | None, str]:
    """Where to and as what goods come back that a row credits: to the shelf of their SKU."""
    if row.use != "credit" or row.kind != "goods":
        return None, "A"
    return house.place_of(row.code).node, codes.grade_of(row.description)


def payload(invoice: Invoice) -> str:
    """The invoice as it stood in the file: its rows, each with its line number."""
    return wire.dump(
        {
            "customer": invoice.customer,
            "country": invoice.country,
            "rows": [_raw(row) for row in invoice.rows],
        }
    )


def _raw(row: Row) -> tuple[Any, ...]:
    return (row.line, row.code, row.description, row.quantity, row.time, str(row.price))


def _set_aside(cause: Cause, company: int, book: Book) -> None:
    for rows in chunks(book.set_aside, ROWS_MAX):
        requests = [
            SetRowAside(
                company, contract.SOURCE, _row_name(row), row.line, row.why, row.text.replace("\0", "")
            )
            for row in rows
        ]
        _done(set_aside(cause, requests=requests))


def _row_name(row: parse.SetAside) -> str:
    """A row's name in the inbox: the same line with the same text is the same row."""
    return f"line {row.line} {hashlib.blake2b(row.text.encode(), digest_size=8).hexdigest()}"


def _done(answers: Sequence[T | Refused]) -> list[T]:
    """The answers of a step that has no business being refused."""
    return list(whole(answers))
