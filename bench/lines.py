"""A million open lines of store replenishment against two hundred thousand stock rows, promised and written.

The lines stand in orders of two departments with SKUs of their own, so that two connections can work without waiting
for each other's positions. The same is done by hand-written SQL, and for some of the lines by a loop in PL/pgSQL: by
one over all orders, as such a loop is written, and by one for each department at once.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from bench import house

SQL = Path(__file__).with_name("sql") / "lines"
TEMPLATE, FEW = "bench_lines", "bench_lines_looped"
DEPARTMENTS, NODES, PER_ORDER = 2, 10, 50
LOOPED = 10_000
"""Lines that the loop over rows is given, in a house of their own: all of them would take it minutes, and of the first
ten thousand of a million none would be short."""


def furnish(lines: int, template: str = TEMPLATE) -> None:
    """The template: SKUs at ten nodes, a fiftieth as many as lines, and the orders."""
    from entrepot import postgres
    from entrepot.kernel import policies
    from entrepot.kernel.cause import Actor, Cause
    from entrepot.kernel.command import whole
    from entrepot.network.commands import register as network
    from entrepot.sourcing.rules import Profile

    house.fresh()
    cause = Cause(Actor("system:bench", everything=True), house.AT, "a benchmark")
    nodes = whole(network.register_nodes(cause, requests=[
        network.RegisterNode(house.COMPANY, f"D{i:02}", f"Depot {i}", "GB", priority=i) for i in range(NODES)
    ]))  # fmt: skip
    (channel,) = whole(network.register_channels(
        cause, requests=[network.RegisterChannel(house.COMPANY, "stores", "Stores", "GBP")]
    ))  # fmt: skip
    whole(network.serve_channels(cause, requests=[network.ServeChannel(channel.id, one.id) for one in nodes]))
    whole(policies.set_policy(cause, requests=[
        policies.SetPolicy(
            house.COMPANY, "sourcing.profile", Profile(choose_by="line"), house.AT, scope="stores"
        )
    ]))  # fmt: skip
    with house.connect() as connection:
        params = {
            "company": house.COMPANY, "at": house.AT, "channel": channel.id, "nodes": [one.id for one in nodes],
            "skus": lines // PER_ORDER, "orders": lines // PER_ORDER, "per_order": PER_ORDER,
            "departments": DEPARTMENTS,
        }  # fmt: skip
        connection.execute((SQL / "furnish.sql").read_text(), params)
    house.disconnect()
    postgres.recreate_database(template, house.DATABASE)
    with psycopg.connect(postgres.server_dsn(template), autocommit=True) as connection:
        connection.execute("VACUUM (FREEZE, ANALYZE)")


def departments() -> list[list[UUID]]:
    """The orders of each department."""
    with house.connect() as connection:
        rows = connection.execute(
            "SELECT array_agg(id ORDER BY id) FROM orders_order WHERE campaign <> '' GROUP BY campaign ORDER BY 1"
        ).fetchall()
    return [orders for (orders,) in rows]


class Took(NamedTuple):
    """Seconds on the clock, and those that the server and this process worked: others may use the machine."""

    seconds: float
    worked: float


def by_hand() -> Took:
    """What hand-written statements take for the orders of all departments, each by its own connection."""
    house.fresh(TEMPLATE)
    took = _together(partial(_run, "by_hand.sql"), departments())
    _check()
    return took


def in_a_loop(*, at_once: bool) -> Took:
    """What a loop over rows takes for all lines of the house of few, order by order, with all that is written of each:
    one loop, or one for each department `at_once`. Each line locks the positions of its SKU at all nodes, as who writes
    such a loop does."""
    house.fresh(FEW)
    parts = departments()
    took = _together(partial(_run, "loop.sql"), parts if at_once else [list(chain.from_iterable(parts))])
    _check()
    return took


def _run(script: str, orders: Sequence[UUID]) -> None:
    with house.connect() as connection:
        params = {"orders": list(orders), "at": house.AT, "correlation": UUID(int=1)}
        connection.execute(f"BEGIN;\n{(SQL / script).read_text()};\nCOMMIT", params)


def ours() -> Took:
    """What the command takes for the same, each department by its own connection."""
    from entrepot.kernel.cause import Actor, Cause
    from entrepot.kernel.command import whole
    from entrepot.sourcing.commands.allocate import AllocateOrder, allocate

    house.fresh(TEMPLATE)
    cause = Cause(Actor("system:bench", everything=True), house.AT, "a benchmark")

    def run(orders: Sequence[UUID]) -> None:
        try:
            whole(allocate(cause, requests=[AllocateOrder(order) for order in orders]))
        finally:
            house.disconnect()

    took = _together(run, departments())
    _check()
    return took


def _together(run: Callable[[Any], None], parts: Sequence[Any]) -> Took:
    with house.connect() as connection:
        server = _parent(connection.info.backend_pid)
    idle = time.process_time() + _worked(server)
    with ThreadPoolExecutor(len(parts)) as threads:
        began = time.perf_counter()
        list(threads.map(run, parts))
        seconds = time.perf_counter() - began
    time.sleep(0.5)  # until the server has noticed that its processes are gone
    return Took(seconds, time.process_time() + _worked(server) - idle)


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()


def _parent(pid: int) -> int:
    return int(_stat(pid)[1])


def _worked(server: int) -> float:
    """Seconds that the server's ended processes worked."""
    return sum(int(ticks) for ticks in _stat(server)[13:15]) / os.sysconf("SC_CLK_TCK")


def worked(pid: int) -> float:
    """Seconds that a process worked itself."""
    return sum(int(ticks) for ticks in _stat(pid)[11:13]) / os.sysconf("SC_CLK_TCK")


def _check() -> None:
    """Exactly as many units are promised as are wanted and there: of each SKU the lesser of both."""
    with house.connect() as connection:
        wrong = connection.execute((SQL / "check.sql").read_text()).fetchall()
    if wrong:
        raise SystemExit(f"Not all that is there went to whoever wants it: {wrong[:5]}")
