"""Whose data may be erased, when, and how long each kind of record is kept. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from entrepot.kernel.shapes import shape

BUYERS, BUSINESS_BUYERS, CAME, WENT, NOTES = (
    "buyers",
    "business buyers",
    "messages in",
    "messages out",
    "notes",
)
KINDS = (BUYERS, BUSINESS_BUYERS, CAME, WENT, NOTES)
"""Kinds of records that are not kept for ever. Ledgers, events, documents and orders are, without a name in them."""

YEAR = timedelta(days=365.25)


@shape(
    "settlement.retention",
    buyers_years=(1, 100),
    business_buyers_years=(1, 100),
    notes_years=(1, 100),
    messages_in_days=(1, 36_500),
    messages_out_days=(1, 36_500),
    return_days=(0, 3_650),
)
@dataclass(frozen=True, slots=True)
class Retention:
    """For how long what is personal is kept: years after the last order of a buyer was done with, or after the invoice
    of a business; days for what messages said. Without a number it is kept until somebody asks for its erasure."""

    buyers_years: int | None = 10
    """Of a person who bought nothing since: their key is destroyed then."""

    business_buyers_years: int | None = 10
    """The name, address and tax number on the invoices of a business, which an erasure by request leaves until then."""

    messages_in_days: int | None = 400
    messages_out_days: int | None = 400

    notes_years: int | None = 10
    """What people typed, and what banks and carriers said, beside the fields that mean something."""

    return_days: int = 30
    """After delivery, an order may still come back: for so long nobody of it is erased by request."""

    def before(self, kind: str, at: datetime) -> datetime | None:
        """What is older than this goes; None where it stays."""
        years = {
            BUYERS: self.buyers_years,
            BUSINESS_BUYERS: self.business_buyers_years,
            NOTES: self.notes_years,
        }
        if kind in years:
            number = years[kind]
            return None if number is None else at - number * YEAR
        days = self.messages_in_days if kind == CAME else self.messages_out_days
        return None if days is None else at - timedelta(days=days)


class Open(NamedTuple):
    """Something that is not done with: what it is, and its number."""

    kind: str
    which: str


def reasons(found: Collection[Open], shown: int = 5) -> str:
    """Why somebody can't be erased yet, as a sentence's end."""
    listed = sorted(set(found))
    texts = [f"{one.kind} {one.which}".strip() for one in listed[:shown]]
    more = len(listed) - shown
    return ", ".join(texts) + (f" and {more} more" if more > 0 else "")


def words(addresses: Iterable[tuple[str, str, str, str]], codes: Iterable[str]) -> list[str]:
    """Of (name, street, mail, telephone) of addresses, and codes: what nobody else is called, to be searched for.

    What is short, or a name of one word, would be found in what is said of others; a code of a few digits is looked for
    as the whole of a field. A middle name may be left out.
    """
    long = [code for code in codes if len(code) >= _CODE_MIN]
    found = {f'"{code}"' if code.isdecimal() and len(code) < _WORD_MIN else code for code in long}
    for name, street, mail, telephone in addresses:
        found.update(text for text in (street, mail, telephone) if len(text) >= _WORD_MIN)
        names = name.split()
        if len(names) > 1:
            found.update(text for text in (name, f"{names[0]} {names[-1]}") if len(text) >= _WORD_MIN)
    return sorted(found)


_WORD_MIN = 6
_CODE_MIN = 4
