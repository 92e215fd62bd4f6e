"""Invoices that came before: the same file again, a longer one, or one that begins where another was cut off."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple, TypeAlias

from entrepot.channels.online_retail.parse import Book, Invoice, Row, SetAside
from entrepot.kernel import sql

Said: TypeAlias = Counter[tuple[str, int, Decimal]]
"""What rows say, whatever the format of their file: code, quantity and price, and how often."""

AT_ONCE = 5_000


class Compared(NamedTuple):
    """An invoice's name in the inbox, its rows that did not come before, and whether they can be taken as they are."""

    name: str
    fresh: list[Row]
    fits: bool = True


def compare(number: str, rows: Sequence[Row], parts: Mapping[str, Said]) -> Compared:
    """What of an invoice is new, where parts of it by name came before. Pure.

    All rows known: nothing. Others beside all that came before, or none of those: the rest of an invoice that was cut
    off, which becomes a part by its own name. Some the same and some not: another version, which a person looks at.
    """
    if not parts:
        return Compared(number, list(rows))
    now = said(rows)
    for name, part in parts.items():
        if now <= part:
            return Compared(name, [])
    before = sum(parts.values(), Counter())
    fresh = _those(rows, now - before)
    fits = before <= now or not now & before
    return Compared(f"{number} part {len(parts) + 1}" if fresh and fits else number, fresh, fits)


def said(rows: Iterable[Row]) -> Said:
    return Counter((row.code, row.quantity, row.price) for row in rows)


def _those(rows: Sequence[Row], wanted: Said) -> list[Row]:
    """So many rows as are wanted of each that says the same: the last ones, since those before came first."""
    found = []
    for row in reversed(rows):
        key = row.code, row.quantity, row.price
        if wanted[key]:
            wanted[key] -= 1
            found.append(row)
    return found[::-1]


def without_known(book: Book, company: int, source: str) -> tuple[Book, set[str]]:
    """The book with what did not come before, and the names of invoices of which nothing is new.

    3 statements for each 5,000 invoices, and 1 more for each part more that an invoice came in.
    """
    invoices: list[Invoice] = []
    set_aside = list(book.set_aside)
    known: set[str] = set()
    for start in range(0, len(book.invoices), AT_ONCE):
        some = book.invoices[start : start + AT_ONCE]
        parts = _parts(company, source, [one.number for one in some])
        for one in some:
            found = compare(one.number, one.rows, parts.get(one.number, {}))
            if not found.fresh:
                known.add(found.name)
            elif not found.fits:
                known.add(found.name)
                set_aside += [_aside(one, row) for row in found.fresh]
            else:
                one.rows = found.fresh
            one.number = found.name
            invoices.append(one)
    return Book(invoices, set_aside, book.rows), known


def _parts(company: int, source: str, numbers: Sequence[str]) -> dict[str, dict[str, Said]]:
    """What invoices said that came before: by number, then by name of the part."""
    found: dict[str, dict[str, Said]] = defaultdict(dict)
    names, part = {number: number for number in numbers}, 1
    while names:
        rows = sql.run(_KEPT, {"company": company, "source": source, "names": list(names)})
        for name, payload in rows:
            found[names[name]][name] = Counter(
                (code, quantity, Decimal(price))
                for _line, code, _text, quantity, _time, price in json.loads(payload)["rows"]
            )
        part += 1
        names = {f"{names[name]} part {part}": names[name] for name, _ in rows}
    return found


def _aside(invoice: Invoice, row: Row) -> SetAside:
    text = ",".join(map(str, (invoice.number, row.code, row.description, row.quantity, row.time, row.price)))
    return SetAside(row.line, f"invoice {invoice.number} came before with other rows", text)


_KEPT = """
SELECT external_id, payload FROM kernel_inbox
WHERE company_id = %(company)s::smallint AND source = %(source)s::text AND external_id = ANY(%(names)s::text[])
"""
