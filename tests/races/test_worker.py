"""The worker's threads share the queues, stop together, and leave nothing behind."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest
from django.db import connection

from entrepot.kernel import ready, sql, worker
from tests.floor import Floor


@pytest.fixture(autouse=True)
def same_signals_afterwards():
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


def stop_when(is_done) -> threading.Thread:
    """Send this process SIGTERM once something is so, or after a minute and a half."""

    def watch() -> None:
        until = time.monotonic() + 90
        try:
            while not is_done() and time.monotonic() < until:
                time.sleep(0.05)
        finally:  # or the worker would run for ever
            connection.close()
            os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


def test_orders_placed_before_and_meanwhile_are_all_released(house: Floor, monkeypatch):
    monkeypatch.setattr(worker, "BATCH", 5)  # so that all threads get some
    orders = [house.order((0, 1), (1, 1)).order for _ in range(30)]

    watcher = stop_when(lambda: ready.waiting().get("pick", 0) == len(orders))
    worker.run()
    watcher.join()

    assert ready.waiting() == {"pick": 30}
    assert sql.run("SELECT status, count(*)::int FROM orders_order GROUP BY 1") == [("warehouse release", 30)]
    assert sql.run("SELECT sum(allocated)::int FROM stock_position") == [(60,)]


def test_a_bug_outside_of_the_rooms_ends_all_threads(committed_db: None, monkeypatch):
    def broken(_served: object) -> int:
        raise LookupError("a slip of the worker's own")

    monkeypatch.setattr(worker, "serve_once", broken)
    monkeypatch.setattr(worker, "SEAL_EVERY_S", 60.0)  # what the others wait for where nobody stops them
    monkeypatch.setattr(threading, "excepthook", lambda _: None)

    began = time.monotonic()
    worker.run()

    assert time.monotonic() - began < worker.SEAL_EVERY_S
