"""Who calls: a program by its API key, or a person by the session of the console."""

from __future__ import annotations

from contextvars import ContextVar

from django.http import HttpRequest
from ninja.errors import HttpError
from ninja.security import APIKeyHeader, SessionAuth
from ninja.utils import check_csrf

from entrepot.access import queries as access
from entrepot.kernel.cause import Actor
from entrepot.web import doors

ASKED_BY: ContextVar[Actor | None] = ContextVar("asked_by", default=None)
"""Whoever asks now: which companies are there for them."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class ApiKey(APIKeyHeader):
    """The header X-API-Key. A key that is unknown or revoked is not asked for a session as well."""

    param_name = "X-API-Key"

    def authenticate(self, request: HttpRequest, key: str | None) -> Actor | None:  # noqa: ARG002
        actor = access.actor_of_key(key) if key else None
        ASKED_BY.set(actor)
        return actor


class Session(SessionAuth):
    """The console's session, with its CSRF token on writes."""

    def __call__(self, request: HttpRequest) -> Actor | None:
        if "X-API-Key" in request.headers or not request.user.is_authenticated:
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
