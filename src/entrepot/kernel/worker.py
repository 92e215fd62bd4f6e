"""The worker: takes what is ready, queue by queue, and has its room serve it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from entrepot.kernel import ready, seal
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import Said
from entrepot.kernel.sql import DATABASE_AWAY

log = structlog.get_logger("entrepot.worker")

BATCH = 500
IDLE_S = 1.0
SEAL_EVERY_S = 10.0
THREADS = 3
"""Each with a connection of its own: while the server works for one, Python makes the batch of the next. More of them
wait for each other's locks."""

Serve = Callable[[Cause, Sequence[UUID]], object]
Sweep = Callable[[Cause], int]
"""Takes what a room has noted in a table of its own, and says how much it was."""


def queues() -> dict[str, Serve]:
    """Every queue with the function that serves it: the `QUEUES` of each room's tasks.py."""
    return _of_rooms("QUEUES")


def sweeps() -> dict[str, Sweep]:
    """Every sweep by its name: the `SWEEPS` of each room's tasks.py."""
    return _of_rooms("SWEEPS")


def as_written() -> dict[str, str]:
    """Destinations and sources whose messages nobody may edit, and why: the `AS_WRITTEN` of each room's tasks.py."""
    return _of_rooms("AS_WRITTEN")


def at_once() -> dict[str, int]:
    """Queues of which fewer than `BATCH` subjects are served in one transaction, as each is much work: the `AT_ONCE` of
    each room's tasks.py."""
    return _of_rooms("AT_ONCE")


def makers() -> dict[str, Any]:
    """What makes files for those who don't wait for them: the `MAKERS` of each room's tasks.py."""
    return _of_rooms("MAKERS")


def _of_rooms(name: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for room in settings.ROOMS:
        if find_spec(f"entrepot.{room}.tasks"):
            found |= getattr(import_module(f"entrepot.{room}.tasks"), name, {})
    return found


def run() -> None:
    """Serve all queues, and seal what was done, until SIGTERM or SIGINT; what is in hand is finished first."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    served, swept = queues(), sweeps()
    threads = [threading.Thread(target=_keep, args=(stop, _serve, served, swept)) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    log.info("worker started", queues=sorted(served), threads=THREADS)
    _keep(stop, _seal)
    for thread in threads:
        thread.join()


def _keep(stop: threading.Event, do: Callable[..., None], *arguments: Any) -> None:
    """Do it again and again until the end, whatever becomes of the database meanwhile. A bug here ends them all."""
    try:
        while not stop.is_set():
            try:
                do(stop, *arguments)
            except DATABASE_AWAY:
                log.warning("database away, trying again", exc_info=True)
                connection.close()
                stop.wait(IDLE_S)
    finally:
        stop.set()
        connection.close()


def _serve(stop: threading.Event, served: dict[str, Serve], swept: dict[str, Sweep]) -> None:
    if not serve_once(served) + sweep_once(swept):
        _wait_for_work(stop)


def _seal(stop: threading.Event) -> None:
    stop.wait(SEAL_EVERY_S)
    seal.seal(_cause("seal"))


def serve_once(served: dict[str, Serve]) -> int:
    """One round over the queues, a batch of each; returns how many subjects were served."""
    count, few = 0, at_once()
    for queue, serve in served.items():
        count += _serve_batch(queue, serve, few.get(queue, BATCH))
    return count


def sweep_once(swept: dict[str, Sweep]) -> int:
    """One round over the sweeps; returns how much was taken. A bug in one stops neither the others nor the queues."""
    count = 0
    for name, sweep in swept.items():
        try:
            with transaction.atomic():
                count += sweep(_cause(name))
        except DATABASE_AWAY:
            raise
        except Exception:
            log.exception("a sweep failed", sweep=name)
    return count


def _serve_batch(queue: str, serve: Serve, limit: int = BATCH) -> int:
    try:
        with transaction.atomic():
            subjects = ready.claim(queue, limit)
            if subjects:
                serve(_cause(queue), subjects)
        return len(subjects)
    except DATABASE_AWAY:
        raise
    except Exception:
        # A bug in one subject must not stop its queue: the batch is halved until the culprit stands alone.
        log.exception("a batch failed", queue=queue, subjects=len(subjects))
        if limit > 1:
            return _serve_batch(queue, serve, max(1, min(limit, len(subjects)) // 2))
        _postpone(queue, subjects)
        return 0


def _postpone(queue: str, subjects: Sequence[UUID]) -> None:
    """A subject that can't be served goes to the queue of failures, where a person sees it."""
    with transaction.atomic():
        ready.drop(queue, subjects)
        ready.put([ready.Offer(f"{queue}.failed", subject, 0, timezone.now()) for subject in subjects])


def _wait_for_work(stop: threading.Event) -> None:
    """Sleep until a NOTIFY or the next poll. Notifications are a hint: a missed one costs a second."""
    connection.ensure_connection()
    wire = connection.connection
    assert wire is not None
    wire.execute("LISTEN ready")
    for _ in wire.notifies(timeout=IDLE_S, stop_after=1):
        return
    stop.wait(0)


def _cause(queue: str) -> Cause:
    return Cause(Actor(f"system:{queue}", everything=True), timezone.now(), Said("ready queue {0}", queue))
