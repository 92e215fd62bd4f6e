"""Threads that start together, for races."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause

PATIENCE_S = 5.0
"""How long the others may go on when one has failed: who waits for it would wait for ever."""
LONGEST_S = 90.0


def at_once(jobs: Sequence[Callable[[], object]]) -> list[object]:
    """Run jobs in threads that start together; their answers in order. An error in one is raised."""
    start = threading.Barrier(len(jobs))
    answers: list[object] = [None] * len(jobs)
    errors: list[BaseException] = []
    ended: queue.SimpleQueue[int] = queue.SimpleQueue()

    def run(i: int, job: Callable[[], object]) -> None:
        try:
            start.wait()
            answers[i] = job()
        except BaseException as error:  # noqa: BLE001  raised again below
            errors.append(error)
        finally:
            connection.close()
            ended.put(i)

    for i, job in enumerate(jobs):
        threading.Thread(target=run, args=(i, job), daemon=True).start()
    waiting, latest = set(range(len(jobs))), time.monotonic() + LONGEST_S
    while waiting:
        latest = min(latest, time.monotonic() + PATIENCE_S) if errors else latest
        try:
            waiting.remove(ended.get(timeout=max(latest - time.monotonic(), 0)))
        except queue.Empty:
            break
    if errors:
        if waiting:
            errors[0].add_note(f"Jobs {sorted(waiting)} were still waiting when this one had failed.")
        raise errors[0]
    assert not waiting, f"jobs {sorted(waiting)} did not end within {LONGEST_S:.0f} s"
    return answers


def all_at_once(command: Callable[..., list[Any]], cause: Cause, *batches: Sequence[Any]) -> list[Any]:
    """The answers of a command that is given each batch by a thread of its own, in the order of the batches."""
    jobs = [lambda batch=batch: command(cause, requests=batch) for batch in batches]
    return [answer for answers in at_once(jobs) for answer in answers]  # type: ignore[attr-defined]


def until_someone_waits(kind: str) -> None:
    """Until another connection waits for a lock of a kind, as `pg_locks` names it. What it shows is no snapshot of the
    transaction, as that of `pg_stat_activity` is."""
    deadline = time.monotonic() + 20
    while not sql.run("SELECT 1 FROM pg_locks WHERE locktype = %(kind)s AND NOT granted", {"kind": kind}):
        assert time.monotonic() < deadline, "nobody waits"
        time.sleep(0.005)


def until_earlier_ones_ended() -> None:
    """Until every transaction has ended that had begun, in any database of the server: another worker's tests among
    them."""
    (now,) = sql.run("SELECT pg_current_xact_id()::text")[0]
    ended = "SELECT pg_snapshot_xmin(pg_current_snapshot()) >= %(now)s::text::xid8"
    deadline = time.monotonic() + 60
    while not sql.run(ended, {"now": now})[0][0]:
        assert time.monotonic() < deadline, "a transaction goes on and on"
        time.sleep(0.005)
