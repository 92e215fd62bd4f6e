"""CSV that a spreadsheet opens as what it is: text."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence

from entrepot.channels.spreadsheet.parse import Wrong


def errors_csv(wrong: Sequence[Wrong], told: Callable[[str], str] = str) -> str:
    """What is wrong, as CSV, its facts as they are `told`. A cell that a spreadsheet would compute is kept text."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(("row", "column", "order", "expected", "found"))
    for one in wrong:
        writer.writerow([one.row, *map(inert, (one.column, one.order, told(one.expected), told(one.found)))])
    return out.getvalue()


def inert(text: str) -> str:
    """A cell that a spreadsheet would take for a formula, as the text that it is."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
