"""@command: one transaction, one permission, one request log for every operation that changes something."""

from __future__ import annotations

import contextlib
import gc
import inspect
import threading
import time
import typing
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, ParamSpec, Protocol, TypeVar
from uuid import UUID

import psycopg
import structlog

from entrepot.kernel import events, ready, sql, wire
from entrepot.kernel.cause import Cause
from entrepot.kernel.errors import (
    AllOrNothing,
    KeyRepeated,
    NotFound,
    NotPermitted,
    Refused,
    RequestInFlight,
    RequestReused,
)

log = structlog.get_logger("entrepot.command")

P = ParamSpec("P")
R = TypeVar("R")


class Request(Protocol):
    """What every request of a command has: its own idempotency key, or None where repetition is harmless."""

    @property
    def key(self) -> str | None: ...


@dataclass(slots=True)
class _Running:
    """What the outermost command writes at its end, for itself and for the commands inside it."""

    command: str
    events: dict[str, list[events.Event]] = field(default_factory=dict)


_running: ContextVar[_Running | None] = ContextVar("running", default=None)
_name: ContextVar[str] = ContextVar("command", default="")

ATTEMPTS = 4
"""Times that a command is tried when it loses a race, before the caller is told."""

commands: dict[str, Callable[..., Any]] = {}
"""Every command by name; a command's name is also the permission that it needs."""


def command(name: str) -> Callable[[Callable[P, list[R]]], Callable[P, list[R]]]:
    """Make `def f(cause, /, *, requests, …) -> list[Answer | Refused]` a command called `name`.

    The outermost command holds the transaction, the permission and the request log; inside another one it is the
    plain function. Results stand in the order of the requests. A request whose key was answered before gets that
    answer; one that was refused left nothing behind, so its key may be used again.
    """

    def declare(function: Callable[P, list[R]]) -> Callable[P, list[R]]:
        body: Callable[..., list[Any]] = function

        @wraps(function)
        def call(cause: Cause, /, *, requests: Sequence[Any], **options: Any) -> list[Any]:
            named = _name.set(name)
            try:
                if _running.get() is not None:
                    return body(cause, requests=requests, **options)
                return _outermost(name, body, cause, requests, options)
            finally:
                _name.reset(named)

        commands[name] = call
        return call  # type: ignore[return-value]

    return declare


def announce(_cause: Cause, happened: Iterable[events.Event]) -> None:
    """Record events of the running command; they are written with its transaction."""
    running = _running.get()
    assert running is not None, "announce is called inside a command"
    running.events.setdefault(_name.get(), []).extend(happened)


def offer(queue: str, work: Iterable[tuple[UUID, int, Any]]) -> None:
    """Make subjects ready for a queue as (subject, priority, due): whoever serves the queue claims them."""
    held = ready.held.get()
    assert held is not None, "offer is called inside a command"
    for one in work:
        held.setdefault((queue, one[0]), ready.Offer(queue, *one))


class _Undo(Exception):  # noqa: N818  not an error: the end of a rehearsal
    """Leaves the transaction of a rehearsal, so that nothing of it stays."""


def rehearse(function: Callable[..., list[R]], cause: Cause, requests: Sequence[Any]) -> list[R]:
    """What a command would answer: it is carried out whole, and undone. Only numbers that it drew are gone."""
    answers: list[R] = []
    try:
        with sql.transaction():
            answers = function(cause, requests=requests)
            raise _Undo
    except _Undo:
        return answers


class _Refusal(Exception):  # noqa: N818  not an error: why the steps before are undone
    def __init__(self, refused: Refused) -> None:
        self.refused = refused


def all_or_none(*steps: Callable[[], Any]) -> list[Any] | Refused:
    """Commands one after the other in one transaction: all answers, or the first refusal and nothing done.

    What the first one opens where it refuses, such as a work item, stays.
    """
    answers: list[Any] = []
    try:
        with sql.transaction():
            for step in steps:
                answer = step()
                if isinstance(answer, Refused) and not answers:
                    return answer
                if isinstance(answer, Refused):
                    raise _Refusal(answer)
                answers.append(answer)
    except _Refusal as found:
        return found.refused
    return answers


def tried(step: Callable[[], None]) -> list[Refused]:
    """Do a step of the running command, or undo it alone where it is refused whole (AllOrNothing): what it wrote,
    announced and offered. The refusals; none where it is done."""
    running, held = _running.get(), ready.held.get()
    assert running is not None and held is not None, "tried is called inside a command"
    told, offered = {name: len(said) for name, said in running.events.items()}, dict(held)
    try:
        with sql.transaction():
            step()
    except AllOrNothing as refused:
        for name, said in running.events.items():
            del said[told.get(name, 0) :]
        held.clear()
        held.update(offered)
        return refused.refusals
    return []


def whole(results: Sequence[Any]) -> Sequence[Any]:
    """The results, or AllOrNothing where one is refused: for a caller who wants all of a batch or none."""
    refusals = [result for result in results if isinstance(result, Refused)]
    if refusals:
        raise AllOrNothing(refusals)
    return results


def _outermost(
    name: str, body: Callable[..., list[Any]], cause: Cause, requests: Sequence[Any], options: dict[str, Any]
) -> list[Any]:
    if not cause.actor.may(name):
        return [NotPermitted(actor=cause.actor.name, command=name) for _ in requests]
    if not requests:
        return []
    if elsewhere := _elsewhere(cause, requests):
        own = [one for i, one in enumerate(requests) if i not in elsewhere]
        done = iter(_outermost(name, body, cause, own, options))
        return [elsewhere[i] if i in elsewhere else next(done) for i in range(len(requests))]
    started = time.perf_counter()
    for attempts_left in reversed(range(ATTEMPTS)):
        try:
            with _no_collections():
                results = _attempt(name, body, cause, requests, options)
            break
        except psycopg.errors.UniqueViolation as error:
            # Someone answered the same key between our look and our lock: now the answer can be seen.
            if error.diag.constraint_name != "kernel_request_pkey" or not attempts_left:
                raise
        except (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure, _LostRace):
            # Nothing was written, and the other one is through by now.
            if not attempts_left:
                raise
    log.debug(
        name, actor=cause.actor.name, requests=len(requests), correlation=str(cause.correlation),
        refused=sum(isinstance(result, Refused) for result in results),
        milliseconds=round((time.perf_counter() - started) * 1000, 2),
    )  # fmt: skip
    return results


def _elsewhere(cause: Cause, requests: Sequence[Any]) -> dict[int, Refused]:
    """Requests for companies that are not there for who asks. What a request names by id, the edges look at."""
    if cause.actor.companies is None:
        return {}
    named = ((i, getattr(one, "company", None)) for i, one in enumerate(requests))
    return {
        i: NotFound(what="company", which=str(company))
        for i, company in named
        if isinstance(company, int) and not cause.actor.is_of(company)
    }


def _attempt(
    name: str, body: Callable[..., list[Any]], cause: Cause, requests: Sequence[Any], options: dict[str, Any]
) -> list[Any]:
    running = _Running(name)
    token = _running.set(running)
    held = ready.held.set({})
    try:
        with sql.transaction():
            answers, fresh = _seen_before(name, body, requests)
            prints = _fingerprints(requests, fresh)
            done = body(cause, requests=[requests[i] for i in fresh], **options) if fresh else []
            assert len(done) == len(fresh), f"{name} answers {len(done)} of {len(fresh)} requests"
            _refuse_to_lose(name, requests, fresh, done)
            _flush(cause, running)
            _remember(name, cause, requests, fresh, done, prints)
    finally:
        _running.reset(token)
        ready.held.reset(held)
    answers.update(zip(fresh, done, strict=True))
    return [answers[i] for i in range(len(requests))]


@contextlib.contextmanager
def _no_collections() -> Iterator[None]:
    """What a command makes lives until it ends and has no cycles: of a batch of a million the collector looked through
    gigabytes, again and again, and found nothing. It rests from the first of commands that overlap to the last."""
    with _resting.lock:
        if not _resting.commands:
            _resting.was_on = gc.isenabled()
            gc.disable()
        _resting.commands += 1
    try:
        yield
    finally:
        with _resting.lock:
            _resting.commands -= 1
            if _resting.was_on and not _resting.commands:
                gc.enable()


@dataclass(slots=True)
class _Resting:
    """Commands of this process's threads for which the collector rests."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    commands: int = 0
    was_on: bool = True


_resting = _Resting()


def _flush(cause: Cause, running: _Running) -> None:
    events.write(cause, running.events)
    ready.write((ready.held.get() or {}).values())


def _seen_before(
    name: str, body: Callable[..., list[Any]], requests: Sequence[Any]
) -> tuple[dict[int, Any], list[int]]:
    """Answers already known by position, and the positions that are still to be done."""
    places: dict[str, int] = {}
    answers: dict[int, Any] = {}
    for i, request in enumerate(requests):
        if request.key is None:
            continue
        if request.key in places:
            answers[i] = KeyRepeated(key=request.key)
        else:
            places[request.key] = i
    if not places:
        return answers, [i for i in range(len(requests)) if i not in answers]
    for key, mine, kept, answer in sql.run(_CLAIM, {"command": name, "keys": list(places)}):
        i = places[key]
        if kept is not None:
            same = kept == wire.fingerprint(requests[i])
            answers[i] = (
                wire.load(answer, _answer_type(body)) if same else RequestReused(key=key, command=name)
            )
        elif not mine:
            answers[i] = RequestInFlight(key=key)
    return answers, [i for i in range(len(requests)) if i not in answers]


class _LostRace(Exception):  # noqa: N818  tried again, and then the other's answer can be seen
    """A request was refused because its own key had had its effect between our look and our lock."""


def _refuse_to_lose(name: str, requests: Sequence[Any], fresh: list[int], done: Sequence[Any]) -> None:
    """Raise where something refused has an answer by now. 1 statement where something with a key is refused."""
    keys = [
        requests[i].key
        for i, answer in zip(fresh, done, strict=True)
        if isinstance(answer, Refused) and requests[i].key is not None
    ]
    if keys and sql.run(_ANSWERED, {"command": name, "keys": keys}):
        raise _LostRace


def _fingerprints(requests: Sequence[Any], fresh: list[int]) -> list[bytes | None]:
    """Of what is to be done, before it locks anything: nobody shall wait for them."""
    return [None if requests[i].key is None else wire.fingerprint(requests[i]) for i in fresh]


def _remember(
    name: str,
    cause: Cause,
    requests: Sequence[Any],
    fresh: list[int],
    done: Sequence[Any],
    prints: list[bytes | None],
) -> None:
    rows = [
        (name, requests[i].key, fingerprint, wire.dump(answer), cause.at)
        for i, answer, fingerprint in zip(fresh, done, prints, strict=True)
        if fingerprint is not None and not isinstance(answer, Refused)
    ]
    sql.write("kernel_request", ("command", "key", "fingerprint", "answer", "at"), rows)


def _answer_type(body: Callable[..., Any]) -> Any:
    """The dataclass in `-> list[Answer | Refused]`."""
    (item,) = typing.get_args(typing.get_type_hints(inspect.unwrap(body))["return"])
    kinds = [kind for kind in (typing.get_args(item) or (item,)) if kind is not Refused]
    assert len(kinds) == 1, f"{body.__qualname__} must return list[Answer | Refused]"
    return kinds[0]


# The lock is held to the end of the transaction, so that a second sender of the same key is told to wait. The LIMIT
# keeps the look-up by key: a plan from before a burst would read all that the command was ever asked, for each batch.
_CLAIM = """
SELECT asked.key, pg_try_advisory_xact_lock(hashtextextended(%(command)s || asked.key, 0)),
       before.fingerprint, before.answer::text
FROM unnest(%(keys)s::text[]) AS asked(key)
LEFT JOIN LATERAL (
    SELECT r.fingerprint, r.answer FROM kernel_request AS r
    WHERE r.command = %(command)s AND r.key = asked.key LIMIT 1
) AS before ON true
"""

_ANSWERED = "SELECT key FROM kernel_request WHERE command = %(command)s AND key = ANY(%(keys)s::text[])"
