"""The books of a company as files: which there are, and of which time."""

from __future__ import annotations

from datetime import datetime
from typing import TextIO

from entrepot.insight import beancount, ledger_export
from entrepot.insight.ledger_export import Span

FORMATS = {"beancount": "beancount", "journal": "csv", "saft": "xml"}
"""What the books can be written as, and how a name of such a file ends."""
YEARS = (1900, 2199)
"""Of which there may be books: a file of another year would be empty, and look like one of a house without any."""


def write(kind: str, out: TextIO, of: Span, at: datetime) -> int:
    """One of FORMATS. Returns how many lines or entries are in it."""
    if kind == "beancount":
        return beancount.export(out, of)
    return ledger_export.journal(out, of) if kind == "journal" else ledger_export.audit_file(out, of, at)
