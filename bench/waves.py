"""A wave released whole: its pick tasks with their bins and lots, what they reserve, the orders and what is told of it,
and the lists with their ways. Hand-written SQL does the same but for the lists, which it does not know how to make."""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import psycopg

from bench import house
from bench.lines import worked

SQL = Path(__file__).with_name("sql") / "wave"
TEMPLATE = "bench_wave"
WAVE = UUID(int=7)
ORDERS_PER_LINE, LINES_PER_SKU, AISLES = 0.4, 50, 40
"""Orders have one to four lines, in turn."""


def furnish(lines: int) -> None:
    """The template: a node with goods in pick bins and reserve, and a proposed wave of so many lines."""
    from entrepot import postgres
    from entrepot.kernel import policies
    from entrepot.kernel.cause import Actor, Cause
    from entrepot.kernel.command import whole
    from entrepot.network import queries
    from entrepot.network.commands import register as network
    from entrepot.warehouse.waves import Waves

    house.fresh()
    cause = Cause(Actor("system:bench", everything=True), house.AT, "a benchmark")
    skus = lines // LINES_PER_SKU
    (node,) = whole(network.register_nodes(
        cause, requests=[network.RegisterNode(house.COMPANY, "WAVES", "Waves", "GB")]
    ))  # fmt: skip
    whole(network.register_layouts(cause, requests=[
        network.RegisterLayout(node.id, tuple(range(0, 3 * AISLES, 3)), (0, 2 + skus // AISLES))
    ]))  # fmt: skip
    whole(policies.set_policy(cause, requests=[
        policies.SetPolicy(house.COMPANY, "warehouse.waves", Waves(mode="waves"), house.AT, "WAVES")
    ]))  # fmt: skip
    params = {
        "company": house.COMPANY, "at": house.AT, "channel": queries.channels(company=house.COMPANY)["shop"].id,
        "node": node.id, "skus": skus, "orders": round(lines * ORDERS_PER_LINE), "wave": WAVE,
    }  # fmt: skip
    with house.connect() as connection:
        connection.execute((SQL / "furnish.sql").read_text(), params)
    house.disconnect()
    postgres.recreate_database(TEMPLATE, house.DATABASE)
    with psycopg.connect(postgres.server_dsn(TEMPLATE), autocommit=True) as connection:
        connection.execute("VACUUM (FREEZE, ANALYZE)")


class Took(NamedTuple):
    """Seconds on the clock, and those that this process and the server worked."""

    seconds: float
    here: float
    server: float

    def told(self) -> str:
        return f"{self.seconds:.1f} s ({self.here:.1f} worked here, {self.server:.1f} by the server)"


def ours() -> tuple[Took, str]:
    """What the command takes for the wave, and what stands in the tables then."""
    from django.db import connection

    from entrepot.kernel.cause import Actor, Cause
    from entrepot.kernel.command import whole
    from entrepot.warehouse.commands.waves import ReleaseWave, WaveReleased, release_wave

    house.fresh(TEMPLATE)
    cause = Cause(Actor("system:bench", everything=True), house.AT, "a benchmark")
    connection.ensure_connection()
    server = connection.connection.info.backend_pid
    idle = worked(server), time.process_time(), time.perf_counter()
    (released,) = whole(release_wave(cause, requests=[ReleaseWave(WAVE)]))
    took = Took(time.perf_counter() - idle[2], time.process_time() - idle[1], worked(server) - idle[0])
    assert isinstance(released, WaveReleased)
    assert released.left_out == 0
    return took, told()


def by_hand() -> tuple[Took, str]:
    """The same of hand-written statements."""
    house.fresh(TEMPLATE)
    with house.connect() as connection:
        server = connection.info.backend_pid
        idle = worked(server), time.process_time(), time.perf_counter()
        params = {"wave": WAVE, "at": house.AT, "correlation": UUID(int=1)}
        connection.execute(f"BEGIN;\n{(SQL / 'by_hand.sql').read_text()};\nCOMMIT", params)
        took = Took(time.perf_counter() - idle[2], time.process_time() - idle[1], worked(server) - idle[0])
    return took, told()


def told() -> str:
    """Which units are to be picked where for which line, and how orders, promises and bins stand: the same for whoever
    did it. Stops here where it is not exactly what was wanted."""
    with house.connect() as connection:
        wrong, found = connection.execute((SQL / "check.sql").read_text()).fetchone() or (["nothing"], "")
    if wrong:
        raise SystemExit(f"Not all that was wanted is to be picked once: {wrong}")
    return str(found)
