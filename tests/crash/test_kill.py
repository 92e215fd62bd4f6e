"""kill -9 of server and application in the middle of load: nothing acknowledged is lost, nothing happens twice."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from entrepot import postgres

LOADERS = 2
CYCLES = int(os.environ.get("CYCLES", "20"))


class Yard:
    """A server of its own, with the shipped settings but fsync on, and processes that load it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.server = postgres.Server(home, home / "s")
        self.url = f"postgresql://{postgres.OWNER}@/crash?host={self.server.socket}&port={postgres.PORT}"
        self.environment = os.environ | {"DATABASE_URL": self.url, "ENTREPOT_HOME": str(home)}
        for name in ("ENTREPOT_DB_ROLE", "ENTREPOT_DATABASE"):
            self.environment.pop(name, None)

    def dsn(self, name: str) -> str:
        return f"host={self.server.socket} port={postgres.PORT} user={postgres.OWNER} dbname={name}"

    def build(self) -> None:
        self.server.start()
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE crash")
        program = (
            "from entrepot.cli.session import opened\n"
            "with opened():\n"
            "    from tests.floor import a_floor\n"
            "    from tests.back import policy\n"
            "    floor = a_floor()\n"
            "    policy(approve_above_minor=1_080)\n"  # so that refunds with shipping wait
            "    for sku in range(3):\n"
            "        for node in range(2):\n"
            "            floor.stock(sku=sku, node=node, quantity=100_000)\n"
        )
        self.run("-c", program)

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments], env=self.environment, cwd=Path(__file__).parents[2], text=True,
            capture_output=True, timeout=100,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[:6000] + done.stderr[-3000:]
        return done.stdout

    def load(self, file: Path, seed: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.crash.load", str(file), seed, "walk"], env=self.environment,
            cwd=Path(__file__).parents[2], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip


@pytest.fixture
def yard() -> Iterator[Yard]:
    home = Path(tempfile.mkdtemp(prefix="entrepot-crash-"))
    home.chmod(0o711)
    yard = Yard(home)
    yield yard
    yard.server.stop()
    shutil.rmtree(home, ignore_errors=True)


def _kill_server(server: postgres.Server) -> None:
    assert server.process is not None
    server.process.kill()
    server.process.wait()


def cycle(yard: Yard, number: int) -> tuple[int, int]:
    """Load, kill, recover, repeat everything that was tried; returns acknowledged and unknown outcomes."""
    files = [yard.home / f"load-{number}-{i}" for i in range(LOADERS)]
    loaders = [yard.load(file, f"c{number}l{i}") for i, file in enumerate(files)]
    _wait_for_load(files)
    if number % 3 != 1:
        _kill_server(yard.server)
    for loader in loaders:
        loader.kill()
        loader.wait()
    if not yard.server.is_running():
        yard.server.start()

    acknowledged = unknown = 0
    for i, file in enumerate(files):
        tried, done, _ = _read(file)
        orders = 1 + max(int(key.split("-")[1]) for key in tried)
        yard.run("-m", "tests.crash.load", str(file), f"c{number}l{i}", str(orders))
        _, done, again = _read(file)
        lost = {key: (answer, again.get(key)) for key, answer in done.items() if again.get(key) != answer}
        assert not lost, f"acknowledged, then answered otherwise: {list(lost.items())[:3]}"
        acknowledged += len(done)
        unknown += len(tried) - len(done)
        _assert_each_order_once(yard, f"c{number}l{i}", orders)
    return acknowledged, unknown


def _wait_for_load(files: list[Path], answers: int = 60) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if all(file.exists() and file.read_text().count("done ") >= answers for file in files):
            return
        time.sleep(0.05)
    raise AssertionError("the load did not get going")


def _read(file: Path) -> tuple[list[str], dict[str, str], dict[str, str]]:
    tried: list[str] = []
    answers: dict[str, dict[str, str]] = {"done": {}, "again": {}}
    for line in file.read_text().splitlines():
        word, _, rest = line.partition(" ")
        if word == "try":
            tried.append(rest)
        elif word in answers:
            key, _, answer = rest.partition(" ")
            answers[word][key] = answer
    return tried, answers["done"], answers["again"]


ONCE = {
    "shipping_shipment": "fulfillment_id", "returns_return": "order_id", "returns_receipt": "return_id",
    "returns_inspection": "return_id", "returns_disposition": "return_id", "returns_refund": "return_id",
    "payments_attempt": "payment_id, kind",
}  # fmt: skip
"""What the load does once to each, however often it was killed and asked again."""


def _assert_each_order_once(yard: Yard, seed: str, orders: int) -> None:
    with psycopg.connect(yard.dsn("crash")) as connection:
        found = connection.execute(
            "SELECT count(*), count(DISTINCT external_id) FROM orders_order WHERE external_id LIKE %s",
            [f"{seed}-%"],
        ).fetchone()
        twice = {
            table: connection.execute(f"SELECT count(*) - count(DISTINCT ({key})) FROM {table}").fetchone()
            for table, key in ONCE.items()
        }
    assert found == (orders, orders)
    assert set(twice.values()) == {(0,)}, twice


def _walk_the_yard(yard: Yard, cycles: int) -> None:
    yard.build()
    for number in range(cycles):
        acknowledged, _ = cycle(yard, number)
        assert acknowledged >= 60 * LOADERS
    verdict = yard.run("-m", "entrepot", "verify")
    assert "All in order" in verdict
    with psycopg.connect(yard.dsn("crash")) as connection:
        refunds = connection.execute("SELECT DISTINCT state FROM returns_refund").fetchall()
    assert {"paid", "rejected"} <= {state for (state,) in refunds}, "the load was mixed"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_three_kills_lose_nothing_and_repeat_nothing(yard: Yard) -> None:
    _walk_the_yard(yard, 3)


@pytest.mark.crash
@pytest.mark.timeout(0)
def test_many_kills_lose_nothing_and_repeat_nothing(yard: Yard) -> None:
    _walk_the_yard(yard, CYCLES)
