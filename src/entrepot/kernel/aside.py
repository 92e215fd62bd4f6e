"""Tell others something before the transaction that runs is through: how far a long job has come."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db import connection

from entrepot.kernel import sql

Tell = Callable[[str, Mapping[str, Any]], None]
Heard = Callable[[int, int], None]
"""Is told how much is done, and of how much."""

TOLD_EVERY_S = 0.5
"""Whoever waits looks once a second: what is told more often nobody sees."""


class Unwanted(Exception):  # noqa: N818  not an error: whoever asked for what runs has withdrawn it
    """Ends what runs, and undoes it."""


_heard: ContextVar[Heard | None] = ContextVar("heard", default=None)


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


@contextmanager
def watched(told: str, wanted: str, about: Mapping[str, Any]) -> Iterator[Heard]:
    """What runs in here is told by its steps, and ended once nobody wants it: `told` is a statement with `done` and
    `of`, committed at once; `wanted` asks whether it is to go on. Both are about the same."""
    with aside() as tell:
        last = float("-inf")

        def heard(done: int, of: int) -> None:
            nonlocal last
            if time.monotonic() - last < TOLD_EVERY_S and done < of:
                return
            last = time.monotonic()
            tell(told, {**about, "done": done, "of": of})
            ((is_wanted,),) = sql.run(wanted, about)
            if not is_wanted:
                raise Unwanted

        before = _heard.set(heard)
        try:
            yield heard
        finally:
            _heard.reset(before)


def step(done: int, of: int) -> None:
    """A command that may take long says how far it is. Where nobody waits for it, that does nothing."""
    heard = _heard.get()
    if heard is not None:
        heard(done, of)
