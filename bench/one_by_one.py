"""Orders placed one at a time through the command, against pgbench running the identical statements.

The statements are recorded from a real call with their parameters, and given to pgbench as a script: prepared
statements between BEGIN and COMMIT, one client, each answered before the next is sent. The command is measured in the
same way, and as it really runs, sending ahead. Keys differ from order to order on both sides.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from psycopg.adapt import PyFormat, Transformer

from bench import house, walk

WARM_UP = 200
FIRST = 10**11  # so that every counter has twelve digits: the length of a UUID's last group
HOLE = "@" * 12  # where a counter goes


def in_turn(orders: int) -> float:
    """As `ours`, but no statement is sent before the one ahead of it is answered."""
    from entrepot.kernel import sql
    from entrepot.kernel.pipeline import Pipeline, Row

    class InTurn(Pipeline):
        __slots__ = ("_rows",)
        _rows: list[Row]

        def send(self, statement: str, params: Mapping[str, Any] | None = None) -> None:
            super().send(statement, params)
            self._rows = super().receive()

        def _send(self, text: bytes, values: list[bytes | None]) -> None:
            super()._send(text, values)
            if text == b"BEGIN":
                self._drain()
                self._pgconn.enter_pipeline_mode()
                self.pending = True

        def receive(self) -> list[Row]:
            return self._rows

    sql.Pipeline = InTurn  # type: ignore[misc]
    try:
        return ours(orders)
    finally:
        sql.Pipeline = Pipeline  # type: ignore[misc]


def ours(orders: int) -> float:
    """Orders per second through `orders.place` with one request each."""
    from entrepot.orders.commands.place import place

    house.fresh()
    one = walk.Ours(orders, size=1)
    warm_up, *rest = one.requests
    for request in warm_up:
        place(one.cause, requests=[request])
    began = time.perf_counter()
    for request in rest:
        place(one.cause, requests=request)
    return orders / (time.perf_counter() - began)


def pgbench(orders: int) -> float:
    """Transactions per second of the same statements."""
    house.fresh()
    script, variables = _script(_recorded())
    _run(script, variables | {"n": str(FIRST)}, WARM_UP)
    output = _run(script, variables | {"n": str(FIRST + WARM_UP)}, orders)
    found = re.search(r"^tps = ([\d.]+)", output, re.MULTILINE)
    assert found, output
    return float(found[1])


Recorded = list[tuple[str, Mapping[str, Any]]]


def _recorded() -> Recorded:
    """The statements of a typical call, with parameters that have holes where keys stand."""
    from entrepot.kernel.pipeline import Pipeline
    from entrepot.orders.commands.place import place

    one = walk.Ours(0, size=1)
    recorded: Recorded = []
    send = Pipeline.send

    def recording(pipeline: Pipeline, statement: str, params: Mapping[str, Any] | None = None) -> None:
        if statement != "COMMIT":
            recorded.append((statement, params or {}))
        send(pipeline, statement, params)

    first, second = one.requests[0][:2]
    place(one.cause, requests=[first])  # what a process asks only once is not typical
    Pipeline.send = recording  # type: ignore[method-assign]
    began_ms = time.time_ns() // 1_000_000
    try:
        place(one.cause, requests=[second])
    finally:
        Pipeline.send = send  # type: ignore[method-assign]
    return _with_holes(recorded, second.external_id, began_ms)


def _with_holes(recorded: Recorded, name: str, began_ms: int) -> Recorded:
    """Names and new keys replaced; what was there before the call, such as SKUs, stays as it is.

    A key begins with the milliseconds in which it was made; a call may take several.
    """
    new: dict[str, str] = {}

    def hollow(text: str) -> str:
        for found in re.findall(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", text):
            if int(found[:8] + found[9:13], 16) >= began_ms and found not in new:
                new[found] = f"{found[:19]}{len(new):04x}-{HOLE}"
            text = text.replace(found, new.get(found, found))
        return text.replace(f'"{name}"', f'"{HOLE}"')

    def value(given: Any) -> Any:
        if isinstance(given, list):
            return [value(one) for one in given]
        if isinstance(given, UUID):
            return hollow(str(given))
        if isinstance(given, str):
            return HOLE if given == name else hollow(given)
        return given

    return [(statement, {key: value(one) for key, one in params.items()}) for statement, params in recorded]


def _script(recorded: Recorded) -> tuple[str, dict[str, str]]:
    """A pgbench script, and its variables: it knows no list, so each parameter is the text of its value."""
    variables: dict[str, str] = {}
    lines = [r"\set n :n + 1", "BEGIN;"]
    texts = Transformer()
    for i, (statement, params) in enumerate(recorded):
        parts = {}
        for key, given in params.items():
            dumped = (
                given
                if isinstance(given, str)
                else bytes(texts.get_dumper(given, PyFormat.TEXT).dump(given)).decode()
            )
            name = f"p{i}_{key}"
            variables[name] = dumped
            parts[key] = f"replace(:{name}, '{HOLE}', :n)" if HOLE in dumped else f":{name}"
        # `::type` binds closer than a call ends, so no parentheses are needed.
        lines.append(re.sub(r"\s+", " ", statement % parts).strip() + ";")
    return "\n".join([*lines, "COMMIT;"]), variables


def _run(script: str, variables: Mapping[str, str], transactions: int) -> str:
    from entrepot import postgres

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "place.sql"
        file.write_text(script)
        done = subprocess.run(
            [
                postgres.find_pg_bindir() / "pgbench", "-n", "-M", "prepared", "-c", "1", "-j", "1",
                "-t", str(transactions), "-f", file,
                *(part for name, text in variables.items() for part in ("-D", f"{name}={text}")),
                postgres.server_dsn(house.DATABASE),
            ],
            capture_output=True, text=True, env=os.environ | {"PGOPTIONS": f"-c role={postgres.APP_ROLE}"},
        )  # fmt: skip
    assert done.returncode == 0 and " 0 (0.000%)" in done.stdout, done.stdout + done.stderr
    return done.stdout
