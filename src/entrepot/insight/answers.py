"""Answers kept: what pages ask of a whole year is worked out beside them, and only where the house is large.

A house with few events works everything out anew for every page. In a large one the answer to a question is kept, and
already in one of middling size that of a report over months, which has a row for each unit sold. It is kept with the
event up to which it tells; the worker renews every few minutes what was asked of late and has changed since, by the
same function, so that a page waits for none of it and says how old its figures are.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeVar, TypeVarTuple, get_type_hints

import msgspec
import structlog
from django.db import transaction

from entrepot.kernel import sql, wire

log = structlog.get_logger("entrepot.insight")

T = TypeVar("T")
Given = TypeVarTuple("Given")
Question = Callable[..., Any]

LARGE = 50_000
"""Events, as the database's statistics have them, from which answers are kept."""
LARGE_FOR_REPORTS = 5_000
"""The same of reports: what they read grows with each unit sold, and a page of a year takes 130 ms then."""
OLDEST = timedelta(hours=1)
"""An answer that nobody has renewed for so long is not told any more."""
ASKED_WITHIN = timedelta(days=3)
"""What nobody has asked for so long is renewed no more, and forgotten."""
MARKED_AGAIN = timedelta(hours=1)
"""How often it is written down at most that somebody asked."""

questions: dict[str, Question] = {}
"""By name; each is given the company, the moment of asking, and then its own arguments."""
_NEVER = datetime.min.replace(tzinfo=UTC)
_oldest: ContextVar[datetime | None] = ContextVar("oldest", default=None)
_acted: ContextVar[datetime] = ContextVar("acted", default=_NEVER)


class _Known(NamedTuple):
    is_large: bool
    answer: str | None
    told_at: datetime | None
    asked_at: datetime | None


def question(ask: Callable[[int, datetime, *Given], T]) -> Callable[[int, datetime, *Given], T]:
    """A question whose answers may be kept: its arguments are plain data, and so is what it answers."""
    name = _named(ask)

    def told(company: int, at: datetime, *given: *Given) -> T:
        return _told(name, company, at, given, since=_NEVER, large=LARGE)  # type: ignore[no-any-return]

    return told


def question_of_reports(ask: Callable[[int, datetime, *Given], T]) -> Callable[[int, datetime, *Given], T]:
    """As `question`, of what was over months: its answers are kept from fewer events on."""
    name = _named(ask)

    def told(company: int, at: datetime, *given: *Given) -> T:
        return _told(name, company, at, given, since=_NEVER, large=LARGE_FOR_REPORTS)  # type: ignore[no-any-return]

    return told


def question_of_work(ask: Callable[[int, datetime, *Given], T]) -> Callable[[int, datetime, *Given], T]:
    """As `question`, of what the reader works on: an answer from before they did something is not told to them."""
    name = _named(ask)

    def told(company: int, at: datetime, *given: *Given) -> T:
        return _told(name, company, at, given, since=_acted.get(), large=LARGE)  # type: ignore[no-any-return]

    return told


def _named(ask: Question) -> str:
    name = f"{ask.__module__.removeprefix('entrepot.')}.{ask.__name__}"
    questions[name] = ask
    return name


def is_large() -> bool:
    """Whether the house is so large that answers are kept, and what looks at all of it is left to the worker.
    1 statement."""
    return bool(sql.run(_IS_LARGE, {"large": LARGE})[0][0])


def begin(acted: datetime) -> None:
    """A page begins of somebody who did something last then: nothing was told yet."""
    _oldest.set(None)
    _acted.set(acted)


def oldest() -> datetime | None:
    """When the oldest answer was worked out that this page was given since `begin`; None where all are new."""
    return _oldest.get()


def renew(at: datetime) -> int:
    """Work out again what was asked of late and has changed since, the oldest first; returns how many.

    One that can't be worked out is forgotten, and told in the log: the next page that asks for it shows why.
    2 statements and those of the questions, and 3 for each.
    """
    sql.change(
        "DELETE FROM insight_answer WHERE asked_at < %(since)s::timestamptz", {"since": at - ASKED_WITHIN}
    )
    rows = sql.run(_STALE)
    for key, company, name, arguments in rows:
        try:
            with transaction.atomic():
                if name in questions:
                    _work_out(key, name, company, at, _read(questions[name], arguments))
                else:  # of a version before this one
                    _forget(key)
        except sql.DATABASE_AWAY:
            raise
        except Exception:
            log.exception("an answer can't be renewed", question=name, company=company)
            _forget(key)
    return len(rows)


def _forget(key: bytes) -> None:
    sql.change("DELETE FROM insight_answer WHERE key = %(key)s::bytea", {"key": key})


def _told(
    name: str, company: int, at: datetime, given: tuple[Any, ...], *, since: datetime, large: int
) -> Any:
    key = wire.fingerprint((name, company, given))
    known = _Known(*sql.run(_KNOWN, {"key": key, "large": large})[0])
    if not known.is_large:
        return questions[name](company, at, *given)
    if known.answer is None or known.told_at is None or known.told_at < max(at - OLDEST, since):
        return _work_out(key, name, company, at, given)
    try:
        answer = wire.load(known.answer, get_type_hints(questions[name])["return"])
    except msgspec.DecodeError:  # kept by a version before this one, in another shape
        return _work_out(key, name, company, at, given)
    if known.asked_at is None or known.asked_at < at - MARKED_AGAIN:
        sql.change(_ASKED, {"key": key, "at": at})
    _oldest.set(min(filter(None, (_oldest.get(), known.told_at))))
    return answer


def _work_out(key: bytes, name: str, company: int, at: datetime, given: tuple[Any, ...]) -> Any:
    """The answer, kept. The last event is looked up first: what comes while it is worked out is not taken for told."""
    sql.run(_ANEW)
    (up_to,) = sql.run(_UP_TO)[0]
    answer = questions[name](company, at, *given)
    sql.change(_KEEP, {
        "key": key, "company": company, "question": name, "arguments": wire.dump(given), "answer": wire.dump(answer),
        "up_to": up_to, "at": at,
    })  # fmt: skip
    return answer


def _read(ask: Question, arguments: str) -> tuple[Any, ...]:
    """The arguments as they were given, by the types that the question names."""
    hints = get_type_hints(ask)
    names = ask.__code__.co_varnames[2 : ask.__code__.co_argcount]
    of: Any = tuple[*(hints[name] for name in names)]  # type: ignore[misc]
    return tuple(wire.load(arguments, of))


_IS_LARGE = "SELECT reltuples >= %(large)s::int FROM pg_class WHERE oid = 'kernel_event'::regclass"

_KNOWN = """
SELECT c.reltuples >= %(large)s::int, a.answer, a.told_at, a.asked_at
FROM pg_class AS c LEFT JOIN insight_answer AS a ON a.key = %(key)s::bytea WHERE c.oid = 'kernel_event'::regclass
"""

# Who is connected is read once in a transaction: who came since then would not be seen.
_ANEW = "SELECT pg_stat_clear_snapshot()"

# Numbers are not handed out in the order of commits: while another transaction writes, one below the last may still
# come, and the answer is taken for stale. A snapshot does not list those that are younger than the last commit.
_UP_TO = """
SELECT COALESCE(max(seq), 0) - EXISTS (
    SELECT FROM pg_locks
    WHERE locktype = 'transactionid' AND mode = 'ExclusiveLock' AND granted AND pid <> pg_backend_pid()
      AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database()))::int
FROM kernel_event
"""

_STALE = """
SELECT key, company_id, question, arguments::text FROM insight_answer
WHERE up_to < (SELECT max(seq) FROM kernel_event) ORDER BY told_at, key
"""

_ASKED = "UPDATE insight_answer SET asked_at = %(at)s::timestamptz WHERE key = %(key)s::bytea"

_KEEP = """
INSERT INTO insight_answer (key, company_id, question, arguments, answer, up_to, told_at, asked_at)
VALUES (%(key)s::bytea, %(company)s::smallint, %(question)s::text, %(arguments)s::jsonb, %(answer)s::text,
        %(up_to)s::bigint, %(at)s::timestamptz, %(at)s::timestamptz)
ON CONFLICT (key) DO UPDATE SET answer = EXCLUDED.answer, up_to = EXCLUDED.up_to, told_at = EXCLUDED.told_at
"""
