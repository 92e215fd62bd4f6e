"""How people come in: a password, and the second factor of those who have one; and who must have one."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth import get_user_model, login
from django.http import HttpRequest
from django.utils import timezone

from entrepot.access import queries as access
from entrepot.access.commands.count_tries import ForgetTries, Try, count_tries, forget_tries
from entrepot.access.commands.keep_own import UseFactor, use_factors
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import Refused

FACTOR = "factor"
"""The key of the session under which stands that its person came in with a second factor."""
PENDING = "pending"
"""The key under which stands whose password was right, until their code is."""
WITHIN = timedelta(minutes=5)
TRIES, MINUTES = 10, 15
DOOR = Actor("door", frozenset({"access.count_tries", "access.forget_tries", "access.use_factors"}))


def must_have_factor(request: HttpRequest, *, everything: bool) -> bool:
    """Whether whoever asks goes no further before they have a second factor."""
    wanted = settings.SECOND_FACTOR
    is_asked = wanted == "everybody" or (wanted == "administrators" and everything)
    return is_asked and not request.session.get(FACTOR)


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


def fingerprint(user: int) -> str:
    return hashlib.sha256(f"person {user}".encode()).hexdigest()[:32]


def nobody(*_: object) -> str:
    """What the log says of who failed to enter. The table of failed attempts, which administrators read, says more."""
    return "somebody"
