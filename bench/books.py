"""The books of a large month: proved line by line and closed; and what the log of events and the imprints of rows
add to the work of a walk and of its way back."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

from bench import house, walk, way_back
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


def imprinted(orders: int, batch: int) -> tuple[float, float]:
    """What imprints add to the work of the walk and of its way back, as shares of the work without them: batches go
    with and without the triggers by turns."""
    house.fresh()
    out = walk.Ours(orders, batch)
    sent = _imprints_add(lambda i: walk.go_through(out, [i]), range(len(out.requests)))
    way_back.send(orders)
    house.fresh(way_back.SENT)
    batches = way_back.content(batch)
    back = way_back.Ours(batches)
    return sent, _imprints_add(
        lambda i: [getattr(back, step)(i) for step in way_back.STEPS], range(len(batches))
    )


def _imprints_add(do: Callable[[int], object], batches: range) -> float:
    by_turns: tuple[list[float], list[float]] = ([], [])
    for i in batches:
        _imprints("DISABLE" if i % 2 else "ENABLE")
        took = _took(lambda i=i: do(i))
        if i:  # the first warms up
            by_turns[i % 2].append(took.worked)
    whole, bare = map(statistics.median, by_turns)
    return whole / bare - 1


def _imprints(what: str) -> None:
    """`ENABLE` or `DISABLE` the triggers that leave imprints, as the owner of the tables."""
    from entrepot import postgres

    house.disconnect()
    with psycopg.connect(postgres.server_dsn(house.DATABASE), autocommit=True) as connection:
        for (statement,) in connection.execute(SWITCHED, {"what": what}).fetchall():
            connection.execute(statement)


SWITCHED = r"""
SELECT format('ALTER TABLE %%s %%s TRIGGER %%I', tgrelid::regclass, %(what)s::text, tgname)
FROM pg_trigger WHERE tgname LIKE 'pgtrigger\_imprint\_%%'
"""


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
