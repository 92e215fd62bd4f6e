"""What everybody keeps of their own access: the password and a second factor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth import get_user_model, update_session_auth_hash
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from entrepot.access import factors, queries
from entrepot.access.commands.keep_own import (
    OWN,
    ChangePassword,
    ConfirmFactor,
    OfferFactor,
    RemoveFactor,
    change_passwords,
    confirm_factors,
    offer_factors,
    remove_factors,
)
from entrepot.access.commands.keep_sessions import EndSessions, end_sessions
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import Refused
from entrepot.web import doors, papers, words
from entrepot.web.edge import Request, console, page, source_of, uuid_in
from entrepot.web.once import show_once, shown_once, unkept

PASSWORD_MAX = 4096


@require_safe
@console
def own(request: Request) -> HttpResponse:
    """My password and my second factor."""
    said, found = shown_once(request), queries.factor(_user(request).pk)
    context: dict[str, Any] = {
        "factor": found if found and found.confirmed_at else None,
        "must": doors.must_have_factor(request, everything=request.reader.actor.everything),
        "papers": said.get("papers", "").split(),
        "sessions": queries.sessions(_user(request).pk, timezone.now(), doors.most()),
        "this_session": doors.session_of(request),
    }  # fmt: skip
    if found and not found.confirmed_at:
        address = factors.address(found.secret, request.reader.company.name, request.reader.name)
        context |= {"secret": found.secret, "drawn": papers.scan_code(address)}
    response = page(request, "web/own.html", context, area="home")
    return unkept(response, {"": "shown"} if context.get("secret") else said)


@require_POST
@sensitive_post_parameters()
@console
def change_password(request: Request) -> HttpResponse:
    """Another password; whoever has the present one elsewhere is out."""
    user, new = _user(request), request.POST.get("new", "")[:PASSWORD_MAX]
    wrong = _wrong_password(request, user) or _wrong_new(new, request.POST.get("again", ""), user)
    if wrong:
        messages.error(request, wrong)
        return redirect("own")
    wanted = [ChangePassword(request.reader.name, make_password(new))]
    if _give(request, change_passwords, wanted, gettext("The password is changed. Elsewhere you are out.")):
        update_session_auth_hash(request, get_user_model().objects.get(pk=user.pk))
        doors.note_session(request, source_of(request))
    return redirect("own")


@require_POST
@sensitive_post_parameters()
@console
def offer(request: Request) -> HttpResponse:
    """A secret for my phone, once I gave my password."""
    if wrong := _wrong_password(request, _user(request)):
        messages.error(request, wrong)
        return redirect("own")
    wanted = [OfferFactor(request.reader.name, factors.fresh())]
    _give(request, offer_factors, wanted, gettext("Scan the code with your phone, and type what it shows."))
    return redirect("own")


@require_POST
@sensitive_post_parameters()
@console
def confirm(request: Request) -> HttpResponse:
    """My phone has the secret: it counts from now on, and I get codes on paper."""
    if refused := doors.counts_try("own factor", _user(request).pk):
        messages.error(request, words.refusal(refused))
        return redirect("own")
    on_paper = factors.on_paper()
    wanted = [ConfirmFactor(request.reader.name, request.POST.get("code", "")[:40], on_paper)]
    if not _give(
        request, confirm_factors, wanted, gettext("From now on you enter with a code of your phone.")
    ):
        return redirect("own")
    doors.forgets_tries("own factor", _user(request).pk)
    request.session[doors.FACTOR] = True
    return show_once(request, reverse("own"), papers=" ".join(on_paper))


@require_POST
@sensitive_post_parameters()
@console
def remove(request: Request) -> HttpResponse:
    """No second factor any more."""
    if refused := doors.counts_try("own factor", _user(request).pk):
        messages.error(request, words.refusal(refused))
        return redirect("own")
    wanted = [RemoveFactor(request.reader.name, request.POST.get("code", "")[:40])]
    if _give(request, remove_factors, wanted, gettext("Your password alone lets you in again.")):
        doors.forgets_tries("own factor", _user(request).pk)
        request.session.pop(doors.FACTOR, None)
    return redirect("own")


@require_POST
@console
def end_session(request: Request) -> HttpResponse:
    """One of my sessions ends, or all of them but this one."""
    which, this = uuid_in(request.POST.get("session")), doors.session_of(request)
    wanted = EndSessions(request.reader.name, which) if which else EndSessions(request.reader.name, but=this)
    done = gettext("Whoever was in with it is out.") if which else gettext("Elsewhere you are out.")
    _give(request, end_sessions, [wanted], done)
    return redirect("own")


def _give(request: Request, command: Callable[..., list[Any]], wanted: list[Any], done: str) -> bool:
    """A command about oneself, which needs no role."""
    cause = Cause(Actor(request.reader.name, frozenset(OWN)), timezone.now(), "")
    (answer,) = command(cause, requests=wanted)
    if isinstance(answer, Refused):
        messages.error(request, words.refusal(answer))
        return False
    messages.success(request, done)
    return True


def _user(request: Request) -> Any:
    return request.user


def _wrong_password(request: Request, user: Any) -> str | None:
    """Why the present password is not right. A try is counted first: after too many not even the right one is taken."""
    if refused := doors.counts_try("own password", user.pk):
        return words.refusal(refused)
    if not user.check_password(request.POST.get("password", "")[:PASSWORD_MAX]):
        return gettext("That is not your present password.")
    doors.forgets_tries("own password", user.pk)
    return None


def _wrong_new(new: str, again: str, user: Any) -> str | None:
    if new != again:
        return gettext("The two new passwords are not the same.")
    try:
        validate_password(new, user)
    except ValidationError as error:
        return " ".join(error.messages)
    return None
