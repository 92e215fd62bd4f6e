"""Tell others something before the transaction that runs is through: how far a long job has come."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import connection

Tell = Callable[[str, Mapping[str, Any]], None]


@contextmanager
def aside() -> Iterator[Tell]:
    """A connection of its own, on which each statement is committed at once. What it changes must not be locked by the
    transaction that runs: that would wait for itself."""
    other = connection.copy()

    def tell(statement: str, params: Mapping[str, Any]) -> None:
        with other.cursor() as cursor:
            cursor.execute(statement, params)

    try:
        yield tell
    finally:
        other.close()
