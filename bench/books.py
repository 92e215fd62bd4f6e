"""The books of a large month: proved line by line and closed; and what the log of events, the imprints of rows and
their sealing add to the work of a walk and of its way back."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

import psycopg

from bench import house, month, walk, way_back
from bench.lines import worked


class Took(NamedTuple):
    """Seconds on the clock, and those that this process and its server process worked: others may use the machine."""

    seconds: float
    worked: float


def proved() -> Took:
    """What it takes to prove every entry, balance and month of the ledger; stops here where anything is amiss."""
    from entrepot.ledger import queries

    return _took(lambda: _prove(queries))


def verified(batch: int) -> dict[str, tuple[Took, int]]:
    """By room, what `entrepot verify` takes for all that it looks at where everything was sent and came back, sealed;
    and how many rows that is. The chains and imprints are the kernel's. Stops here where anything is amiss."""
    from entrepot.insight import verify
    from entrepot.kernel import seal

    way_back.run(way_back.Ours, batch)
    seal.seal(_cause())
    return {
        room: (_took(lambda queries=queries: _prove(queries)), sum(verify.looked_at(room, queries).values()))
        for room, queries in verify.self_checking()
    }


def _prove(queries: Any) -> None:
    from entrepot.kernel import sql

    with sql.whole_tables():
        found = queries.discrepancies()
    if found:
        raise SystemExit(f"The house is not in order: {found[:3]}")


def closed() -> dict[str, Took]:
    """What it takes to measure a month's returns and currencies, to look at all that may be open in it, and to close
    it."""
    from entrepot.kernel.command import whole
    from entrepot.ledger.commands.revalue import Revalue, revalue
    from entrepot.returns.commands.estimate import Estimate, estimate
    from entrepot.settlement.closing_queries import checklist
    from entrepot.settlement.commands.close_books import CloseBooks, close_books

    cause = _cause(month.CLOSED_AT)

    def measure_returns() -> None:
        (told,) = whole(estimate(cause, requests=[Estimate(house.COMPANY, month.ENDS)]))
        if not told.liability_minor or not told.asset_minor:
            raise SystemExit(f"Something of the month's sales is expected back, found {told}")

    def measure_currencies() -> None:
        (told,) = whole(revalue(cause, requests=[Revalue(house.COMPANY, month.LAST)]))
        if not told.balances or not told.unrealized_minor:
            raise SystemExit(f"Balances of the month in another currency differ, found {told}")

    def look() -> None:
        if wrong := [one for one in checklist(house.COMPANY, month.MONTH, month.CLOSED_AT) if one.refuses]:
            raise SystemExit(f"Nothing should stand in the way of closing the month, found {wrong}")

    def close() -> None:
        whole(close_books(cause, requests=[CloseBooks(house.COMPANY, month.MONTH)]))

    steps = {
        "returns measured": measure_returns,
        "currencies measured": measure_currencies,
        "looked at": look,
        "closed": close,
    }
    return {step: _took(do) for step, do in steps.items()}


class Audited(NamedTuple):
    """Seconds worked for each batch with events and imprints, for each without, and to seal those of each with."""

    told: list[float]
    bare: list[float]
    sealed: list[float]

    def logged(self) -> float:
        """What events and imprints add, as a share of the work without them."""
        return self._share(self.told) - 1

    def sealing(self) -> float:
        """What it takes to seal them after the commit, as such a share."""
        return self._share(self.sealed)

    def _share(self, seconds: list[float]) -> float:
        return statistics.median(seconds) / statistics.median(self.bare)


def audited(orders: int, batch: int) -> tuple[Audited, Audited]:
    """What events, imprints and their sealing add to the work of the walk and of its way back: batches go with and
    without them by turns."""
    house.fresh()
    out = walk.Ours(orders, batch)
    sent = _by_turns(lambda i: walk.go_through(out, [i]), len(out.requests))
    way_back.send(orders)
    house.fresh(way_back.SENT)
    batches = way_back.content(batch)
    back = way_back.Ours(batches)
    return sent, _by_turns(lambda i: [getattr(back, step)(i) for step in way_back.STEPS], len(batches))


def _by_turns(do: Callable[[int], object], batches: int) -> Audited:
    """The first batch warms up; so do the next two, the first of their kind, where there are more."""
    from entrepot.kernel import events, seal

    write = events.write
    found = Audited([], [], [])
    seal.seal(_cause())  # what was there before
    for i in range(batches):
        is_bare = bool(i % 2)
        _imprints("DISABLE" if is_bare else "ENABLE")
        events.write = _nothing if is_bare else write
        try:
            took = _took(lambda i=i: do(i)).worked
        finally:
            events.write = write
        sealed = 0.0 if is_bare else _took(lambda: seal.seal(_cause())).worked
        if i > 2 or (i and batches < 6):
            (found.bare if is_bare else found.told).append(took)
            found.sealed.extend([] if is_bare else [sealed])
    _imprints("ENABLE")
    return found


def _nothing(_cause: object, _by_command: object) -> None:
    """In place of what writes the events of a command."""


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


def _cause(at: datetime = house.AT) -> Any:
    from entrepot.kernel.cause import Actor, Cause

    return Cause(Actor("system:bench", everything=True), at, "a benchmark")
