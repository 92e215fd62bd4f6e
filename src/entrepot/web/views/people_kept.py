"""People, their roles, what these bring together, and the API keys that act for them."""

from __future__ import annotations

import secrets
from typing import Any
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.access import duties, keys, queries
from entrepot.access.commands.issue_key import (
    IssueKey,
    KeyIssued,
    KeyRotated,
    RevokeKey,
    RotateKey,
    issue_key,
    revoke_key,
    rotate_keys,
)
from entrepot.access.commands.keep_own import ResetFactor, reset_factors
from entrepot.access.commands.keep_people import (
    AddPerson,
    AdmitPerson,
    PasswordRenewed,
    PersonAdded,
    RenewPassword,
    SetCompanies,
    SetRoles,
    add_people,
    admit_people,
    renew_passwords,
    set_companies,
    set_roles,
    subject_of,
)
from entrepot.access.commands.keep_sessions import EndSessions, end_sessions
from entrepot.access.commands.set_mails import SetMail, set_mails
from entrepot.access.rules import ROLES, roles_of_key
from entrepot.kernel import queries as kernel
from entrepot.parties import queries as parties
from entrepot.web import doors, lists_insight
from entrepot.web.edge import Request, Undo, back, clean, console, give, int_in, page, uuid_in
from entrepot.web.listed import listed_whole
from entrepot.web.once import show_once, shown_once, unkept


@require_safe
@console
def everybody(request: Request) -> HttpResponse:
    """Everybody whom the house knows, and the form that lets somebody in."""
    shown = listed_whole(request, lists_insight.PEOPLE, queries.known())
    if shown.answer:
        return shown.answer
    roles = _roles_in(request)
    context = {
        **shown.context(), "roles": sorted(ROLES), "chosen": roles, "asked": request.GET,
        "brought": duties.brought_together((), roles), "companies": _several(request),
    }  # fmt: skip
    return page(request, "web/people.html", context, area="policies")


@require_POST
@console
def add(request: Request) -> HttpResponse:
    """Let somebody in. The password is made here and shown once, on their page."""
    password = secrets.token_urlsafe(12)
    wanted = AddPerson(
        clean(request.POST.get("name")), make_password(password), tuple(request.POST.getlist("role")),
        clean(request.POST.get("email")), tuple(request.POST.getlist("accepts")),
        _companies_in(request, "company"),
    )  # fmt: skip
    answers = give(request, add_people, [wanted], lambda _n: gettext("They may enter."))
    added = answers[0]
    if not isinstance(added, PersonAdded):
        return back(request, reverse("people"), answers)
    return show_once(request, reverse("person", args=[added.id]), password=password)


@require_safe
@console
def one(request: Request, person: int) -> HttpResponse:
    """Somebody with their roles and keys; and what other roles, which the address says, would change."""
    found, said = _known(person), shown_once(request)
    return unkept(_person(request, found, said), said)


@require_POST
@console
def give_roles(request: Request, person: int) -> HttpResponse:
    found = _known(person)
    roles, accepts, had = (tuple(request.POST.getlist(name)) for name in ("role", "accepts", "had"))
    wanted = SetRoles(found.name, roles, accepts, tuple(filter(None, had)) if had else None)
    give(request, set_roles, [wanted], lambda _n: gettext("The roles are changed."))
    return back(request, reverse("person", args=[person]))


@require_POST
@console
def give_companies(request: Request, person: int) -> HttpResponse:
    """The companies that somebody belongs to; none: all."""
    wanted = SetCompanies(
        _known(person).name, _companies_in(request, "company"),
        _companies_in(request, "had") if "had" in request.POST else None,
    )  # fmt: skip
    give(request, set_companies, [wanted], lambda _n: gettext("The companies are changed."))
    return back(request, reverse("person", args=[person]))


@require_POST
@console
def set_mail(request: Request, person: int) -> HttpResponse:
    """Where somebody gets mail; nothing, where it is left empty."""
    wanted = SetMail(_known(person).name, clean(request.POST.get("email")))
    answers = give(request, set_mails, [wanted], lambda _n: gettext("The address of mail is kept."))
    return back(request, reverse("person", args=[person]), answers)


@require_POST
@console
def admit(request: Request, person: int) -> HttpResponse:
    """Shut somebody out, or let them in again."""
    may_enter = request.POST.get("may_enter") == "yes"
    done = (
        gettext("They may enter.")
        if may_enter
        else gettext("They may not enter, and their keys open nothing.")
    )
    fields = [("may_enter", "no" if may_enter else "yes")]
    undo = Undo("access.admit_people", reverse("person-admit", args=[person]), fields)
    wanted = [AdmitPerson(_known(person).name, may_enter)]
    give(request, admit_people, wanted, lambda _n: done, undo=lambda _told: undo)
    return back(request, reverse("person", args=[person]))


@require_POST
@console
def renew(request: Request, person: int) -> HttpResponse:
    """A new password for somebody who lost theirs, made here and shown once, on their page."""
    password, target = secrets.token_urlsafe(12), reverse("person", args=[person])
    wanted = RenewPassword(_known(person).name, make_password(password))
    answers = give(
        request, renew_passwords, [wanted], lambda _n: gettext("The old password opens nothing any more.")
    )
    if not isinstance(answers[0], PasswordRenewed):
        return back(request, target)
    return show_once(request, target, password=password)


@require_POST
@console
def issue(request: Request, person: int) -> HttpResponse:
    """An API key that acts for somebody, shown once, on their page."""
    found, raw, target = _known(person), keys.fresh(), reverse("person", args=[person])
    days = int_in(request.POST.get("days"))
    roles = tuple(clean(role) for role in request.POST.getlist("role")) or None
    wanted = IssueKey(clean(request.POST.get("name")) or found.name, found.id, raw, days, roles)
    answers = give(request, issue_key, [wanted], lambda _n: gettext("The key is issued."))
    if not isinstance(answers[0], KeyIssued):
        return back(request, target)
    return show_once(request, target, raw=raw)


@require_POST
@console
def rotate(request: Request, person: int) -> HttpResponse:
    """Another key that follows one of somebody's, shown once, on their page. The first one goes on for a while."""
    raw, target = keys.fresh(), reverse("person", args=[person])
    which = _key_in(request, person)
    wanted = [RotateKey(which, raw, int_in(request.POST.get("days")))] if which else []
    done = gettext(
        "The key that follows is issued. Give it to the program; the first one goes on for a while."
    )
    answers = give(request, rotate_keys, wanted, lambda _n: done)
    if not answers or not isinstance(answers[0], KeyRotated):
        return back(request, target)
    return show_once(request, target, raw=raw)


@require_POST
@console
def reset(request: Request, person: int) -> HttpResponse:
    """The second factor of somebody who lost it, taken away."""
    done = gettext("Their password alone lets them in until they set up another.")
    give(request, reset_factors, [ResetFactor(_known(person).name)], lambda _n: done)
    return back(request, reverse("person", args=[person]))


@require_POST
@console
def end_all_sessions(request: Request, person: int) -> HttpResponse:
    """Whoever is in as somebody is out: a device was lost, or left open."""
    wanted = EndSessions(_known(person).name)
    give(request, end_sessions, [wanted], lambda _n: gettext("They are out everywhere, and enter anew."))
    return back(request, reverse("person", args=[person]))


@require_POST
@console
def revoke(request: Request, person: int) -> HttpResponse:
    which = _key_in(request, person)
    wanted = [RevokeKey(which)] if which else []
    give(
        request,
        revoke_key,
        wanted,
        lambda _n: gettext("The key opens nothing any more, nor does any that follows it."),
    )
    return back(request, reverse("person", args=[person]))


def _known(person: int) -> queries.Known:
    found = queries.known_person(person) if person < 2**31 else None
    if found is None:
        raise Http404
    return found


def _keys_of(person: queries.Known) -> list[queries.ApiKey]:
    return [key for key in queries.api_keys() if key.person == person.name]


def _key_in(request: Request, person: int) -> UUID | None:
    """The key that a form names, where it is one of that person's."""
    which = uuid_in(request.POST.get("key"))
    return which if which in [key.id for key in _keys_of(_known(person))] else None


def _several(request: Request) -> list[parties.Company]:
    """The companies of the house, where there is a choice."""
    return [*request.reader.companies] if len(request.reader.companies) > 1 else []


def _companies_in(request: Request, name: str) -> tuple[int, ...]:
    known = {str(one.id): one.id for one in request.reader.companies}
    return tuple(known[text] for text in request.POST.getlist(name) if text in known)


def _roles_in(request: Request) -> list[str]:
    return [role for role in request.GET.getlist("role") if role in ROLES]


def _person(request: Request, found: queries.Known, said: dict[str, str]) -> HttpResponse:
    has = [role for role in found.roles if role in ROLES]
    chosen = _roles_in(request) if "see" in request.GET else has
    commands = {name for role in has for name in ROLES[role]}
    now = timezone.now()
    own = [(key, key.state(now)) for key in _keys_of(found)]
    subject: UUID = subject_of(found.id)
    context: dict[str, Any] = {
        "one": found, "roles": sorted(ROLES), "has": has, "chosen": chosen,
        "is_self": found.name == request.reader.name,
        "given": sorted(set(chosen) - set(has)), "taken": sorted(set(has) - set(chosen)),
        "brought": duties.brought_together(has, chosen),
        "both": [pair for pair in duties.CONFLICTS if duties.sides(pair, commands) == duties.BOTH],
        "sessions": queries.sessions(found.id, now, doors.most())
        if request.reader.actor.may("access.end_sessions") else [],
        "narrowable": roles_of_key(found.roles, everything=found.superuser),
        "keys": own, "acting": [key for key, state in own if state == "in force"],
        "companies": _several(request), "factor": doors.has_factor(found.id),
        "events": kernel.timeline(subjects=[subject], kind="person")[-20:], **said,
    }  # fmt: skip
    return page(request, "web/person.html", context, area="policies")
