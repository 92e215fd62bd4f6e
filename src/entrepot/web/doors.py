"""How people come in: a password, and the second factor of those who have one; and who must have one."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model, login, logout
from django.http import HttpRequest
from django.utils import timezone

from entrepot.access import queries as access
from entrepot.access.commands.count_tries import ForgetTries, Try, count_tries, forget_tries
from entrepot.access.commands.keep_own import UseFactor, use_factors
from entrepot.access.commands.keep_sessions import NoteSession, note_sessions
from entrepot.access.lifetimes import SEEN_EVERY, is_over
from entrepot.kernel import ids
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import Refused
from entrepot.parties import fingerprints

FACTOR = "factor"
"""The key of the session under which stands that its person came in with a second factor."""
PENDING = "pending"
"""The key under which stands whose password was right, until their code is."""
WITHIN = timedelta(minutes=5)
TRIES, MINUTES = 10, 15
ENTERED, SEEN = "entered", "seen"
"""The keys under which stands when somebody entered, and when they were last here."""
SESSION = "session"
"""The key under which stands the name of the session, by which it is listed and ended."""
SOURCE_TRIES = 100
"""Wrong passwords from one address in MINUTES, whatever the names: an office behind one address mistypes less."""
MAY = ("access.count_tries", "access.forget_tries", "access.use_factors", "access.note_sessions")
DOOR = Actor("door", frozenset(MAY))


def must_have_factor(request: HttpRequest, *, everything: bool) -> bool:
    """Whether whoever asks goes no further before they have a second factor."""
    wanted = settings.SECOND_FACTOR
    is_asked = wanted == "everybody" or (wanted == "administrators" and everything)
    return is_asked and not request.session.get(FACTOR)


def enter(request: HttpRequest, source: str) -> None:
    """Somebody has come in: their session ends a day's work from now, and they see it listed until then."""
    request.session[ENTERED] = timezone.now().isoformat()
    request.session[SESSION] = str(ids.uuid7())
    note_session(request, source)


def note_session(request: HttpRequest, source: str) -> None:
    """Write down under which key the session is kept from now on: a new password changes it."""
    which = session_of(request)
    if which and request.user.pk and request.session.session_key:
        wanted = NoteSession(
            which, int(request.user.pk), request.session.session_key, source,
            request.headers.get("User-Agent", "").replace("\x00", ""),
        )  # fmt: skip
        note_sessions(Cause(DOOR, timezone.now(), "somebody entered"), requests=[wanted])


def session_of(request: HttpRequest) -> UUID | None:
    """The name of the session that asks."""
    found = request.session.get(SESSION)
    return UUID(found) if found else None


def most() -> timedelta:
    """How long a session lasts."""
    return timedelta(seconds=settings.SESSION_COOKIE_AGE)


def is_in(request: HttpRequest) -> bool:
    """Whether whoever asks has entered, and not too long ago. A session that is over is gone with this."""
    if not request.user.is_authenticated:
        return False
    now, session = timezone.now(), request.session
    minutes = settings.IDLE_MINUTES_SCAN if request.path.startswith("/scan/") else settings.IDLE_MINUTES
    # One from before entries were kept has the time at which its person last entered.
    entered = _when(session.get(ENTERED)) or request.user.last_login or now
    seen = _when(session.get(SEEN)) or entered
    idle = timedelta(minutes=minutes) if minutes else None
    if is_over(entered, seen, now, most=most(), idle=idle):
        logout(request)
        return False
    does = "X-Live" not in request.headers
    if (settings.IDLE_MINUTES or settings.IDLE_MINUTES_SCAN) and does and now - seen >= SEEN_EVERY:
        session[SEEN] = now.isoformat()
    return True


def _when(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def has_factor(user: int) -> bool:
    found = access.factor(user)
    return found is not None and found.confirmed_at is not None


def wait_for_code(request: HttpRequest, user: int, hashed: str, target: str) -> None:
    """A password was right: nobody is in yet."""
    request.session.cycle_key()
    request.session[PENDING] = {
        "user": str(user), "hash": hashed, "at": timezone.now().isoformat(), "next": target,
    }  # fmt: skip


def waits_for_code(request: HttpRequest) -> bool:
    """Whether somebody's code is awaited, and not for too long."""
    return _pending(request) is not None


def come_in(request: HttpRequest, code: str) -> str | Refused | None:
    """With a code: where to go on; why not; or None where it came too late, or the password is another by now."""
    found = _pending(request)
    user = get_user_model().objects.filter(pk=found["user"], is_active=True).first() if found else None
    if found is None or user is None or user.get_session_auth_hash() != found["hash"]:
        request.session.pop(PENDING, None)
        return None
    if refused := counts_try("second factor", user.pk):
        return refused
    cause = Cause(DOOR, timezone.now(), "a second factor")
    (answer,) = use_factors(cause, requests=[UseFactor(user.get_username(), code)])
    if isinstance(answer, Refused):
        return answer
    forgets_tries("second factor", user.pk)
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    request.session.pop(PENDING, None)
    request.session[FACTOR] = True
    return found["next"]


def _pending(request: HttpRequest) -> dict[str, str] | None:
    found: dict[str, str] | None = request.session.get(PENDING)
    if found is None or timezone.now() - datetime.fromisoformat(found["at"]) > WITHIN:
        return None
    return found


def counts_try(door: str, user: int) -> Refused | None:
    """Why whoever is in may not guess any longer, by a stolen session for example."""
    cause = Cause(DOOR, timezone.now(), door)
    (counted,) = count_tries(cause, requests=[Try(door, fingerprint(user), TRIES, MINUTES)])
    return counted if isinstance(counted, Refused) else None


def forgets_tries(door: str, user: int) -> None:
    """Whoever was right did not guess."""
    forget_tries(Cause(DOOR, timezone.now(), door), requests=[ForgetTries(door, fingerprint(user))])


def counts_source(source: str) -> Refused | None:
    """Why nobody may try another name from an address: too many passwords from there were wrong."""
    who = fingerprints.of_visitor(source)
    (counted,) = count_tries(
        Cause(DOOR, timezone.now(), "login"), requests=[Try("login", who, SOURCE_TRIES, MINUTES)]
    )
    return counted if isinstance(counted, Refused) else None


def forgets_source(source: str) -> None:
    """Whoever was right has this one try back, and no other: they could guess at others between two."""
    who = fingerprints.of_visitor(source)
    forget_tries(Cause(DOOR, timezone.now(), "login"), requests=[ForgetTries("login", who, latest=1)])


def fingerprint(user: int) -> str:
    return hashlib.sha256(f"person {user}".encode()).hexdigest()[:32]


def nobody(*_: object) -> str:
    """What the log says of who failed to enter. The table of failed attempts, which administrators read, says more."""
    return "somebody"
