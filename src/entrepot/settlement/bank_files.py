"""Bank statements as files: CAMT.053 and CSV, read without trust. Pure."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import date
from typing import NamedTuple
from xml.etree import ElementTree as ET
from xml.parsers import expat

from entrepot.settlement.amounts import as_programs_write, minor_of, what_was_found
from entrepot.settlement.bank import AMOUNT_MAX, LINES_MAX, BankLine, Statement

TEXT_MAX = 300
COLUMNS = {
    "date": ("date", "booking date", "booked on", "transaction date", "value date"),
    "amount": ("amount", "value", "transaction amount"),
    "text": ("text", "description", "details", "remittance information", "purpose", "narrative"),
    "reference": ("reference", "bank reference", "transaction id", "id"),
}
"""Names that banks give to columns."""


class UnreadableError(ValueError):
    """What is wrong with a file, as a sentence."""


class _Amount(NamedTuple):
    minor: int
    currency: str


def camt(content: bytes) -> list[Statement]:
    """The statements of a CAMT.053 file, with their booked entries."""
    root = _tree(content)
    found = [_statement(one) for one in root.iter("Stmt")]
    if not found:
        raise UnreadableError("no statement (Stmt) is in it: a CAMT.053 file is expected")
    return found


def _tree(content: bytes) -> ET.Element:
    """The elements by their local names. A file that declares a document type is refused: entities come by it."""
    builder = ET.TreeBuilder()
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True

    def doctype(*_of: object) -> None:
        raise UnreadableError("it declares a document type, which no statement needs")

    parser.StartDoctypeDeclHandler = doctype
    parser.StartElementHandler = lambda name, attributes: builder.start(name.rpartition("}")[2], attributes)
    parser.EndElementHandler = lambda name: builder.end(name.rpartition("}")[2])
    parser.CharacterDataHandler = builder.data
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, LookupError, UnicodeError) as error:
        raise UnreadableError(f"this is no XML: {error}") from error
    return builder.close()


def _statement(one: ET.Element) -> Statement:
    account = _text(one, "Acct/Id/IBAN") or _text(one, "Acct/Id/Othr/Id")
    name = _text(one, "Id")
    if not account or not name:
        raise UnreadableError("a statement has no account (Acct/Id) or no name (Id)")
    balances: dict[str, _Amount] = {}
    for balance in one.findall("Bal"):
        balances.setdefault(_text(balance, "Tp/CdOrPrtry/Cd"), _amount(balance))
    entries = [entry for entry in one.findall("Ntry") if _status(entry) == "BOOK"]
    amounts = [_amount(entry) for entry in entries]
    opening, closing = balances.get("OPBD") or balances.get("PRCD"), balances.get("CLBD")
    currencies = {amount.currency for amount in (*amounts, *filter(None, (opening, closing)))}
    currencies |= {_text(one, "Acct/Ccy")} - {""}
    if len(currencies) != 1:
        raise UnreadableError(f"one currency is expected, found {', '.join(sorted(currencies)) or 'none'}")
    lines = [_line(entry, amount) for entry, amount in zip(entries, amounts, strict=True)]
    if sum(max(1, len(line.parts)) for line in lines) > LINES_MAX:
        raise UnreadableError(f"more than {LINES_MAX} entries; ask the bank for it in parts")
    return Statement(
        account, name, currencies.pop(), opening.minor if opening else None, closing.minor if closing else None,
        tuple(lines),
    )  # fmt: skip


def _text(one: ET.Element, path: str) -> str:
    return (one.findtext(path) or "").strip()


def _status(entry: ET.Element) -> str:
    return _text(entry, "Sts/Cd") or _text(entry, "Sts")


def _amount(one: ET.Element) -> _Amount:
    """With its sign: a reversal of a debit is a credit, which the indicator says already."""
    amount, way = one.find("Amt"), _text(one, "CdtDbtInd")
    currency = amount.get("Ccy", "") if amount is not None else ""
    minor = _minor((amount.text or "") if amount is not None else "", currency)
    if minor is None or minor < 0 or way not in ("CRDT", "DBIT"):
        raise UnreadableError("an amount is missing, too fine for its currency, or neither CRDT nor DBIT")
    return _Amount(minor if way == "CRDT" else -minor, currency)


def _day(entry: ET.Element) -> date:
    text = _text(entry, "BookgDt/Dt") or _text(entry, "BookgDt/DtTm")[:10]
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UnreadableError(f"a day such as 2026-11-23 is expected, found {text or 'nothing'}") from error


def _line(entry: ET.Element, amount: _Amount) -> BankLine:
    """An entry; with each of many payments that a bank booked at once, where they make its amount."""
    day, reference = _day(entry), _text(entry, "AcctSvcrRef") or _text(entry, "NtryRef")
    details = entry.findall("NtryDtls/TxDtls")
    parts = [_part(one, _text(entry, "CdtDbtInd"), amount.currency) for one in details]
    line = BankLine(day, amount.minor, reference[:TEXT_MAX], _said(entry))
    if len(parts) < 2 or not all(parts) or sum(filter(None, parts)) != amount.minor:
        return line
    return line._replace(parts=tuple(
        BankLine(
            day, part or 0, (_text(one, "Refs/AcctSvcrRef") or reference)[:TEXT_MAX],
            _said(one, _text(entry, "AddtlNtryInf")),
        )
        for one, part in zip(details, parts, strict=True)
    ))  # fmt: skip


def _part(one: ET.Element, way: str, currency: str) -> int | None:
    """What a payment within an entry is over, with its sign; None where that is not said in the entry's currency."""
    for path in ("Amt", "AmtDtls/TxAmt/Amt"):
        amount = one.find(path)
        if amount is not None and amount.get("Ccy") == currency:
            minor = _minor(amount.text or "", currency)
            sign = {"CRDT": 1, "DBIT": -1}.get(_text(one, "CdtDbtInd") or way)
            return minor * sign if minor is not None and sign else None
    return None


def _said(one: ET.Element, beside: str = "") -> str:
    """What was written to it, without the names of people: those are in other elements, and stay there."""
    return " ".join((*_pieces(one), *beside.split()))[:TEXT_MAX]


def _pieces(entry: ET.Element) -> Iterator[str]:
    for path in ("EndToEndId", "InstrId", "Ustrd", "AddtlNtryInf"):
        for one in entry.iter(path):
            text = " ".join((one.text or "").split())
            if text and text != "NOTPROVIDED":
                yield text
    for path, name in (("CdtrRefInf", "Ref"), ("RfrdDocInf", "Nb")):
        for one in entry.iter(path):
            if _text(one, name):
                yield _text(one, name)


def _minor(text: str, currency: str) -> int | None:
    return minor_of(text.strip(), currency, -AMOUNT_MAX, AMOUNT_MAX)


def table(text: str, account: str, external_id: str, currency: str) -> Statement:
    """The statement of a CSV file: a day, an amount below zero where money left, and what was written."""
    plain = text.lstrip("\ufeff").replace("\x00", "")
    first = plain.partition("\n")[0]
    try:
        rows = list(csv.reader(io.StringIO(plain), delimiter=max(",;\t", key=first.count)))
    except csv.Error as error:
        raise UnreadableError(f"this is no CSV: {error}") from error
    names = [name.strip().lower().replace("_", " ") for name in rows[0]] if rows else []
    places = {
        field: next((names.index(one) for one in known if one in names), None)
        for field, known in COLUMNS.items()
    }
    for field in ("date", "amount"):
        if places[field] is None:
            raise UnreadableError(f"no column {field}; the file has {', '.join(names) or 'none'}")
    if len(rows) - 1 > LINES_MAX:
        raise UnreadableError(f"more than {LINES_MAX} lines; take it in parts")
    lines = [
        _row(number, row, places, currency)
        for number, row in enumerate(rows[1:], 2)
        if any(cell.strip() for cell in row)
    ]
    return Statement(account, external_id, currency, None, None, tuple(lines))


def _written_day(text: str) -> date | None:
    """A day as ISO writes it, or with points, where the day stands first. With slashes nobody can tell."""
    found = re.fullmatch(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", text)
    try:
        return date(int(found[3]), int(found[2]), int(found[1])) if found else date.fromisoformat(text)
    except ValueError:
        return None


def _row(number: int, row: list[str], places: dict[str, int | None], currency: str) -> BankLine:
    def cell(field: str) -> str:
        place = places[field]
        return row[place].strip() if place is not None and place < len(row) else ""

    amount = _minor(as_programs_write(cell("amount"), currency), currency)
    if amount is None:
        raise UnreadableError(
            f"line {number}: an amount in {currency} such as -7.42 is expected,"
            f" found {what_was_found(cell('amount'), currency)}"
        )
    day = _written_day(cell("date"))
    if day is None:
        raise UnreadableError(
            f"line {number}: a day such as 2026-11-23 or 23.11.2026 is expected, found {cell('date') or 'nothing'}"
        )
    return BankLine(day, amount, cell("reference")[:TEXT_MAX], cell("text")[:TEXT_MAX])
