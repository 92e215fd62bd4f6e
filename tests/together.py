"""Threads that start together, for races."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection

from entrepot.kernel.cause import Cause


def at_once(jobs: Sequence[Callable[[], object]]) -> list[object]:
    """Run jobs in threads that start together; their answers in order. An error in one is raised."""
    start = threading.Barrier(len(jobs))
    answers: list[object] = [None] * len(jobs)
    errors: list[BaseException] = []

    def run(i: int, job: Callable[[], object]) -> None:
        try:
            start.wait()
            answers[i] = job()
        except BaseException as error:  # noqa: BLE001  raised again below
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(i, job)) for i, job in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return answers


def all_at_once(command: Callable[..., list[Any]], cause: Cause, *batches: Sequence[Any]) -> list[Any]:
    """The answers of a command that is given each batch by a thread of its own, in the order of the batches."""
    jobs = [lambda batch=batch: command(cause, requests=batch) for batch in batches]
    return [answer for answers in at_once(jobs) for answer in answers]  # type: ignore[attr-defined]
