"""The books of a large month: proved line by line and closed; and what the log of events adds to the work of a walk."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from bench import house, walk
from bench.lines import worked

SQL = Path(__file__).with_name("sql") / "books"
MONTH = date(2026, 10, 1)


class Took(NamedTuple):
    """Seconds on the clock, and those that this process and its server process worked: others may use the machine."""

    seconds: float
    worked: float


def furnish(lines: int) -> None:
    """A month that has ended, with so many lines in its journal."""
    house.fresh()
    with house.connect() as connection:
        connection.execute((SQL / "furnish.sql").read_text(), {"company": house.COMPANY, "lines": lines})


def proved() -> Took:
    """What it takes to prove every entry, balance and month of the ledger; stops here where anything is amiss."""
    from entrepot.kernel import sql
    from entrepot.ledger import queries

    def prove() -> None:
        with sql.whole_tables():
            found = queries.discrepancies()
        if found:
            raise SystemExit(f"The books are not in order: {found[:3]}")

    return _took(prove)


def closed() -> Took:
    """What it takes to look at all that may be open in the month, and to close it."""
    from entrepot.kernel.command import whole
    from entrepot.settlement.commands.close_books import CloseBooks, close_books

    requests = [CloseBooks(house.COMPANY, MONTH)]
    return _took(lambda: whole(close_books(_cause(), requests=requests)))


class Audited(NamedTuple):
    """Seconds worked for a walk, for its events alone, and for the chain that seals them afterwards."""

    walk: float
    events: float
    seal: float
    count: int


def audited(orders: int, batch: int) -> Audited:
    """The walk, and its events written once more by themselves: the share of the log in what the walk works."""
    from entrepot.kernel import events, seal, sql

    house.fresh()
    written: list[tuple[Any, Any]] = []
    write = events.write

    def noted(cause: Any, by_command: Any) -> None:
        written.append((cause, by_command))
        write(cause, by_command)

    one = walk.Ours(orders, batch)
    walk.go_through(one, [0])
    events.write = noted
    try:
        whole = _took(lambda: walk.go_through(one, range(1, len(one.requests))))
    finally:
        events.write = write

    def again() -> None:
        with sql.transaction():
            for cause, by_command in written:
                write(cause, by_command)

    alone, sealed = _took(again), _took(lambda: seal.seal(_cause()))
    count = sum(len(found) for _, by_command in written for found in by_command.values())
    return Audited(
        whole.worked, alone.worked, sealed.worked / 2, count
    )  # half of what is sealed was written again


def _took(do: Callable[[], object]) -> Took:
    from django.db import connection

    connection.ensure_connection()
    server = connection.connection.info.backend_pid
    idle = time.process_time() + worked(server)
    began = time.perf_counter()
    do()
    return Took(time.perf_counter() - began, time.process_time() + worked(server) - idle)


def _cause() -> Any:
    from entrepot.kernel.cause import Actor, Cause

    return Cause(Actor("system:bench", everything=True), house.AT, "a benchmark")
