"""A table as a file that spreadsheets open."""

from __future__ import annotations

import csv
from collections.abc import Generator, Iterable, Sequence
from io import StringIO
from itertools import chain
from typing import Any

from django.http import HttpResponse

from entrepot.channels.spreadsheet.write import inert

CSV = "text/csv; charset=utf-8"


def as_csv(name: str, columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> HttpResponse:
    """Rows under a head of column names; text is made inert, so that nothing in it is computed where it is opened."""
    response = HttpResponse(b"".join(csv_written(columns, [rows])), content_type=CSV)
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def csv_written(columns: Sequence[str], batches: Iterable[Iterable[Iterable[Any]]]) -> Generator[bytes]:
    """The same, a piece for each batch of rows."""
    head: list[Iterable[Any]] = [columns]
    for batch in chain([head], batches):
        out = StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerows([inert(cell) if isinstance(cell, str) else cell for cell in row] for row in batch)
        yield out.getvalue().encode()
