"""A table as a file that spreadsheets open."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from io import TextIOWrapper
from tempfile import SpooledTemporaryFile
from typing import IO, Any, cast

from django.http import FileResponse, HttpResponse

from entrepot.channels.spreadsheet.write import inert
from entrepot.kernel import files

CSV = "text/csv; charset=utf-8"
IN_MEMORY = 1_000_000
"""Bytes of a file that are kept in memory; what is longer is written to the disk, and sent from there."""


def as_csv(name: str, columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> HttpResponse:
    """Rows under a head of column names, which a browser keeps."""
    return sent(csv_of(columns, rows), f"{name}.csv", CSV)


def csv_of(columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> IO[bytes]:
    """A file of rows under a head; text is made inert, so that nothing in it is computed where it is opened."""
    file = new_file()
    text = TextIOWrapper(file, "utf-8", newline="")
    writer = csv.writer(text, lineterminator="\n")
    try:
        writer.writerow(columns)
        for row in rows:
            writer.writerow([inert(cell) if isinstance(cell, str) else cell for cell in row])
    except BaseException:
        text.close()  # half a file is nobody's
        raise
    text.detach()
    return file


def new_file() -> IO[bytes]:
    """A file without a name, gone when it is closed."""
    return SpooledTemporaryFile(IN_MEMORY)


def sent_kept(kept: files.KeptFile) -> HttpResponse:
    """An answer with a file that the worker made."""
    file = new_file()
    for part in files.content(kept.id):
        file.write(part)
    return sent(file, kept.name, kept.type)


def sent(file: IO[bytes], name: str, type_: str) -> HttpResponse:
    """An answer with what was written to a file, which a browser keeps; a long one is read block by block.

    A file is whole before its first byte leaves: what goes wrong while it is made is an error, and never half a file.
    """
    size = file.tell()
    file.seek(0)
    if size <= IN_MEMORY:
        response = HttpResponse(file.read(), content_type=type_)
        file.close()
    else:  # to a view both are what it answers
        response = cast("HttpResponse", FileResponse(file, content_type=type_))
        response["Content-Length"] = str(size)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
