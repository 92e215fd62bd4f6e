"""Online Retail CSV → invoices. Pure: text lines in, frozen rows out.

Every row is read alone. What can't be read, or makes no sense on its invoice, is set aside with its line number and
the reason; the rest goes on.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from sys import intern
from typing import NamedTuple

from entrepot.channels.online_retail import codes, contract


class Row(NamedTuple):
    """One row of a file.

    `use`: sale, credit, bad_debt, write_off, found, or note (a charge of nothing: no units and no money).
    """

    line: int
    use: str
    kind: str
    code: str
    description: str
    quantity: int
    price: Decimal
    time: str


class SetAside(NamedTuple):
    """A row that can't be taken, with its place in the file, why, and what it said."""

    line: int
    why: str
    text: str


@dataclass(slots=True)
class Invoice:
    """All rows of an invoice number, with the time, customer and country of the first."""

    number: str
    use: str
    at: datetime
    customer: str
    country: str
    rows: list[Row] = field(default_factory=list)

    def of(self, use: str) -> list[Row]:
        return [row for row in self.rows if row.use == use]


@dataclass(slots=True)
class Book:
    """A file as it was read: invoices by time, and the rows that were set aside."""

    invoices: list[Invoice]
    set_aside: list[SetAside]
    rows: int


class UnknownHeader(ValueError):  # noqa: N818  a fact about the file
    """The file's first line does not name the columns."""


class _Broken(ValueError):  # noqa: N818  a fact about the row
    """Why a row can't be taken."""


def parse(lines: Iterable[str]) -> Book:
    """Read a file's lines, its header first. Invoices come in the order of their times, then of their first rows."""
    records = _records(lines)
    places, width = _places(next(records, (1, [], ""))[1])
    reader = _Reader()
    for line, fields, text in records:
        reader.take(line, fields, text, places, width)
    invoices = sorted(reader.invoices.values(), key=lambda invoice: invoice.at)
    return Book(invoices, reader.set_aside, reader.rows)


def use_of(invoice: str, kind: str, quantity: int, price: Decimal) -> str:
    """What a row is for. Raises ValueError with the reason where it makes no sense."""
    if quantity == 0:
        raise _Broken("a quantity of zero")
    if invoice == "bad_debt":
        return "bad_debt"
    if invoice == "credit":
        if price < 0:
            raise _Broken("a negative price on a credit invoice")
        return "credit"
    if price < 0:
        raise _Broken("a negative price on an invoice that is no bad-debt entry")
    if price > 0:
        if quantity < 0:
            raise _Broken("a negative quantity at a price on an invoice that is no credit")
        return "sale"
    if kind != "goods":
        return "note"
    return "found" if quantity > 0 else "write_off"


def invoice_use(number: str) -> str:
    """C invoices are credits, A invoices bad-debt entries, all others sales and stock corrections."""
    return {"C": "credit", "A": "bad_debt"}.get(number[:1].upper(), "sale")


# ---- one row


class _Reader:
    """Gathers rows by invoice; every text, price and time is kept once, so that a year fits into little memory."""

    def __init__(self) -> None:
        self.invoices: dict[str, Invoice] = {}
        self.set_aside: list[SetAside] = []
        self.rows = 0
        self._prices: dict[str, Decimal] = {}
        self._times: dict[str, datetime] = {}
        self._quantities: dict[str, int] = {}

    def take(self, line: int, fields: Sequence[str], text: str, places: Sequence[int], width: int) -> None:
        self.rows += 1
        try:
            self._take(line, fields, places, width)
        except _Broken as broken:
            self.set_aside.append(SetAside(line, str(broken), text))

    def _take(self, line: int, fields: Sequence[str], places: Sequence[int], width: int) -> None:
        if len(fields) != width:
            raise _Broken(f"{len(fields)} fields where the header names {width}")
        number, code, description, quantity_text, time_text, price_text, customer, country = (
            fields[place] for place in places
        )
        number, code = number.strip(), code.strip()
        if not number:
            raise _Broken("no invoice number")
        if not code:
            raise _Broken("no stock code")
        if "\0" in number or "\0" in code or "\0" in description or "\0" in customer or "\0" in country:
            raise _Broken("a NUL character")
        quantity = self._quantity(quantity_text)
        price = self._price(price_text)
        at = self._time(time_text)
        invoice = self.invoices.get(number)
        use = invoice.use if invoice else invoice_use(number)
        kind = codes.kind_of(code)
        row = Row(
            line, use_of(use, kind, quantity, price), kind, intern(code), intern(description.strip()), quantity,
            price, intern(time_text),
        )  # fmt: skip
        if invoice is None:
            customer = intern(customer.strip().removesuffix(".0"))
            invoice = Invoice(intern(number), use, at, customer, intern(country.strip()))
            self.invoices[number] = invoice
        invoice.rows.append(row)

    def _quantity(self, text: str) -> int:
        quantity = self._quantities.get(text)
        if quantity is None:
            if not _WHOLE.fullmatch(text.strip()):
                raise _Broken(f"Quantity: expected a whole number, found {text!r}")
            quantity = int(Decimal(text.strip()))
            if abs(quantity) > contract.QUANTITY_MAX:
                raise _Broken(f"Quantity: expected at most {contract.QUANTITY_MAX}, found {text!r}")
            self._quantities[text] = quantity
        return quantity

    def _price(self, text: str) -> Decimal:
        price = self._prices.get(text)
        if price is None:
            match = _PRICE.fullmatch(text.strip())
            if not match:
                raise _Broken(f"UnitPrice: expected a number with at most six decimals, found {text!r}")
            price = self._prices[text] = Decimal(text.strip())
        return price

    def _time(self, text: str) -> datetime:
        at = self._times.get(text)
        if at is None:
            at = self._times[text] = read_time(text.strip())
        return at


_WHOLE = re.compile(r"[+-]?[0-9]{1,12}(\.0+)?")
_PRICE = re.compile(
    rf"[+-]?[0-9]{{1,{contract.PRICE_DIGITS_MAX}}}(\.[0-9]{{0,{contract.PRICE_DECIMALS_MAX}}}0*)?"
)


def read_time(text: str) -> datetime:
    """A moment in UTC. Raises ValueError with the reason."""
    try:
        at = datetime.fromisoformat(text) if "-" in text else _by_format(text)
    except (ValueError, OverflowError):
        at = None
    if at is None:
        raise _Broken(f"InvoiceDate: expected a date and time such as 2010-12-01 08:26:00, found {text!r}")
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _by_format(text: str) -> datetime | None:
    for form in contract.DATE_FORMATS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None


# ---- lines of text


def _places(header: Sequence[str]) -> tuple[list[int], int]:
    """Where each column stands, and how many there are."""
    names = [name.strip().strip("\ufeff") for name in header]
    missing = [name for name in contract.COLUMNS if name not in names]
    if missing:
        found = ", ".join(names) or "nothing"
        raise UnknownHeader(f"the first line must name the columns {', '.join(missing)}; it has: {found}")
    return [names.index(name) for name in contract.COLUMNS], len(names)


JOINED_MAX = 20
"""Lines that a quoted field may run over. A quote that is never closed must not swallow the file."""


def _records(lines: Iterable[str]) -> Iterator[tuple[int, list[str], str]]:
    """Each record with the number of its first line, its fields and its text. Empty lines are passed over."""
    pending: list[tuple[int, str]] = []
    source = enumerate(lines, 1)
    while True:
        number, line = pending.pop(0) if pending else next(source, (0, ""))
        if not number:
            return
        text = line.rstrip("\r\n")
        if '"' not in text:
            if text.strip():
                yield number, text.split(","), text
            continue
        joined = [(number, line)]
        while (fields := _quoted("".join(part for _, part in joined))) is None and len(joined) < JOINED_MAX:
            following = pending.pop(0) if pending else next(source, (0, ""))
            if not following[0]:
                break
            joined.append(following)
        if fields is None:  # never closed: only the first line is broken
            pending = joined[1:] + pending
            yield number, [text], text
        else:
            yield number, fields, "".join(part for _, part in joined).rstrip("\r\n")


def _quoted(text: str) -> list[str] | None:
    """The fields of a record with quotes; None where a quote is still open."""
    try:
        records = list(csv.reader(text.splitlines(keepends=True), strict=True))
    except csv.Error:
        return None
    return records[0] if len(records) == 1 else None
