"""Who calls: a program by its API key, or a person by the session of the console."""

from __future__ import annotations

from contextvars import ContextVar
from datetime import datetime, timedelta
from uuid import UUID

import psycopg
import structlog
from django.db import Error
from django.http import HttpRequest
from django.utils import timezone
from ninja.errors import HttpError
from ninja.security import APIKeyHeader, SessionAuth
from ninja.utils import check_csrf

from entrepot.access import queries as access
from entrepot.access.commands.issue_key import NoteUse, note_uses
from entrepot.access.lifetimes import wants_note
from entrepot.kernel.cause import Actor, Cause
from entrepot.web import doors
from entrepot.web.edge import source_of

ASKED_BY: ContextVar[Actor | None] = ContextVar("asked_by", default=None)
"""Whoever asks now: which companies are there for them."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


NOTING = Actor("door", frozenset({"access.note_uses"}))
LATER = timedelta(minutes=1)
"""How long nobody tries again to write down the use of a key, where that failed."""
_failed: dict[UUID, datetime] = {}

log = structlog.get_logger("entrepot.api")


def actor_by_key(request: HttpRequest, raw: str) -> Actor | None:
    """For whom a request's key acts; None where it opens nothing. Its use is written down where the last one that is
    known is an hour old."""
    now = timezone.now()
    found = access.key_in_force(raw, now)
    if found is None:
        return None
    if wants_note(found.used_at, now):
        _note(found.id, source_of(request), now)
    return found.actor


def _note(key: UUID, source: str, now: datetime) -> None:
    """Write down that a key was used. What is asked for does not depend on it: a database that takes no writes may
    still answer a question."""
    failed = _failed.get(key)
    if failed is not None and now - failed < LATER:
        return
    try:
        note_uses(Cause(NOTING, now, "a key was used"), requests=[NoteUse(key, source)])
        _failed.pop(key, None)
    except (psycopg.Error, Error) as error:
        _failed[key] = now
        log.warning("use_not_noted", key=str(key), error=str(error))


class ApiKey(APIKeyHeader):
    """The header X-API-Key. A key that is unknown, revoked or over is not asked for a session as well."""

    param_name = "X-API-Key"

    def authenticate(self, request: HttpRequest, key: str | None) -> Actor | None:
        actor = actor_by_key(request, key) if key else None
        ASKED_BY.set(actor)
        return actor


class Session(SessionAuth):
    """The console's session, with its CSRF token on writes."""

    def __call__(self, request: HttpRequest) -> Actor | None:
        if "X-API-Key" in request.headers or not doors.is_in(request):
            return None
        if request.method not in SAFE_METHODS and check_csrf(request):
            raise HttpError(403, "A write by session needs the header X-CSRFToken. Programs use X-API-Key.")
        actor = access.actor_of(request.user)  # type: ignore[arg-type]
        if not (actor.everything or actor.permissions or actor.roles):
            raise HttpError(403, "You have no role yet. Ask an administrator to give you one.")
        if doors.must_have_factor(request, everything=actor.everything):
            raise HttpError(
                403, "This house wants a second factor. Set it up in the console, under My access."
            )
        ASKED_BY.set(actor)
        return actor


AUTH = [ApiKey(), Session()]
