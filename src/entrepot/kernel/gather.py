"""Requests of many threads for one command, committed as one batch: threads that would queue for the same row.

Sixteen threads that change one row wait for each other's commits, and do less than half of what one of them does
alone. So whoever comes first leads: it commits what has gathered, and those who came meanwhile are the next batch,
led by the first of them. A request that comes alone is served at once, by its own thread.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from entrepot.kernel.cause import Cause
from entrepot.kernel.command import Request
from entrepot.kernel.errors import Unavailable

MOST = 2_000
"""Requests in a batch: enough that the commit weighs little, few enough that nobody waits long for it."""


class _Waiting:
    """What one thread has asked for."""

    __slots__ = ("answers", "asleep", "cause", "error", "leads", "requests")

    def __init__(self, cause: Cause, requests: Sequence[Any]) -> None:
        self.cause, self.requests = cause, requests
        self.answers: list[Any] = []
        # Until it has answers: a leader that is interrupted must leave nobody without either.
        self.error: Exception | None = Unavailable("The batch that this was part of was interrupted.")
        self.leads = False
        self.asleep = threading.Lock()  # an Event would take ten times as long
        self.asleep.acquire()

    def keys(self) -> set[str]:
        return {one.key for one in self.requests if one.key is not None}


class Gathered:
    """A command whose requests are committed together with those of the process's other threads.

    It is called as the command is, gives the answers that the command gives, and must be the outermost. A batch has
    one actor; its Cause is that of the latest request, so that what has expired for one has expired for all.
    """

    def __init__(self, command: Callable[..., list[Any]]) -> None:
        self._command = command
        self._lock = threading.Lock()
        self._queue: deque[_Waiting] = deque()
        self._is_led = False

    def __call__(self, cause: Cause, /, *, requests: Sequence[Request]) -> list[Any]:
        mine = _Waiting(cause, requests)
        with self._lock:
            self._queue.append(mine)
            mine.leads, self._is_led = not self._is_led, True
        if not mine.leads:
            mine.asleep.acquire()
        if mine.leads:
            self._lead()
        if mine.error is not None:
            raise mine.error
        return mine.answers

    def _lead(self) -> None:
        """Serve what has gathered behind the first of the queue, and let the first of the rest lead."""
        with self._lock:
            batch = self._take()
        try:
            self._serve(batch)
        finally:
            with self._lock:
                heir = self._queue[0] if self._queue else None
                self._is_led = heir is not None
            if heir is not None:
                heir.leads = True
                heir.asleep.release()
            for one in batch[1:]:
                one.asleep.release()

    def _take(self) -> list[_Waiting]:
        """The first of the queue and those who may share its batch: of one actor, no key twice, MOST at most."""
        first = self._queue.popleft()
        batch, keys, count = [first], first.keys(), len(first.requests)
        left: deque[_Waiting] = deque()
        while self._queue:
            one = self._queue.popleft()
            fits = one.cause.actor == first.cause.actor and count + len(one.requests) <= MOST
            if fits and keys.isdisjoint(own := one.keys()):
                batch.append(one)
                keys |= own
                count += len(one.requests)
            else:
                left.append(one)
        self._queue = left
        return batch

    def _serve(self, batch: Sequence[_Waiting]) -> None:
        cause = max((one.cause for one in batch), key=lambda cause: cause.at)
        try:
            answers = self._command(cause, requests=[request for one in batch for request in one.requests])
        except Exception as error:  # noqa: BLE001  told to those whose request it was
            if len(batch) == 1:
                batch[0].error = error
                return
            for one in batch:  # nothing was written: only who caused it shall fail
                self._serve([one])
            return
        start = 0
        for one in batch:
            one.answers, one.error = answers[start : start + len(one.requests)], None
            start += len(one.requests)
