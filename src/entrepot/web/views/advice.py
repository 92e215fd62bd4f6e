"""Advice: what the house suggests, with its sums; whoever may give the command that follows accepts or declines."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from entrepot.insight import answers, suggestions
from entrepot.insight.advising import KINDS
from entrepot.insight.commands.advise import Advise, advise
from entrepot.insight.commands.decide_suggestions import (
    AcceptSuggestion,
    DeclineSuggestion,
    accept_suggestions,
    decline_suggestions,
)
from entrepot.returns.commands.correct_reasons import CorrectReason, correct_reasons
from entrepot.web import advice_words, lists_insight
from entrepot.web import format as fmt
from entrepot.web.edge import Request, back, clean, console, give, ids_in, page
from entrepot.web.listed import chosen, listed

STATES = {"": _("Open"), "accepted": _("Accepted"), "declined": _("Declined"), "expired": _("Expired")}
LOOKED_BACK = timedelta(days=90)


@require_safe
@console
def told(request: Request) -> HttpResponse:
    """Suggestions of the kinds that the reader decides on, the surest first; and what each kind was worth."""
    shown = listed(request, lists_insight.ADVICE, partial(_suggestions, request))
    if shown.answer:
        return shown.answer
    company = request.reader.company
    mine = advice_words.kinds_of(request.reader.actor)
    fitted = {one.kind: one for one in suggestions.fittings(company.id)}
    followed = suggestions.followed(company.id, fmt.reading().now - LOOKED_BACK)
    context: dict[str, Any] = {
        **shown.context(),
        "rows": advice_words.told(shown.rows, request.reader.actor, company.currency),
        "kinds": {kind: name for kind, name in advice_words.NAMES.items() if kind in mine},
        "names": advice_words.NAMES,
        "kind": clean(request.GET.get("kind")),
        "states": STATES,
        "state": _state(request),
        "worth": [
            (one, fitted.get(one.kind), advice_words.worth(fitted[one.kind]) if one.kind in fitted else "")
            for one in followed
        ],
        "looked_back": LOOKED_BACK.days,
    }
    return page(request, "web/advice.html", context, area="work")


def _state(request: Request) -> str:
    asked = clean(request.GET.get("state"))
    return asked if asked in STATES else ""


def _suggestions(request: Request, after: UUID | None, limit: int) -> list[suggestions.Suggestion]:
    asked = clean(request.GET.get("kind"))
    kinds = (asked,) if asked in KINDS else advice_words.kinds_of(request.reader.actor)
    state = _state(request) or "open"
    return suggestions.suggestions(
        request.reader.company.id, kinds=kinds, state=state, after=after, limit=limit
    )


@require_POST
@console
def make(request: Request) -> HttpResponse:
    """Make all advice anew now, as every night."""
    wanted = [Advise(request.reader.company.id, kind) for kind in KINDS]
    results = give(request, advise, wanted, _made, long=answers.is_large())
    return back(request, reverse("advice"), results)


@require_POST
@console
def act(request: Request) -> HttpResponse:
    """Accept or decline the chosen suggestions."""
    which = chosen(request, "suggestion", partial(_suggestions, request))
    reason = clean(request.POST.get("reason"))
    match request.POST.get("action"):
        case "accept":
            give(request, accept_suggestions, [AcceptSuggestion(one, reason) for one in which], _accepted)
        case "decline":
            give(request, decline_suggestions, [DeclineSuggestion(one, reason) for one in which], _declined)
    return back(request, reverse("advice"))


@require_POST
@console
def correct(request: Request, which: UUID) -> HttpResponse:
    """Correct the reason of lines of a return by hand."""
    reason, note = clean(request.POST.get("reason")), clean(request.POST.get("note"))
    lines = ids_in(request.POST.getlist("line"))
    wanted = [CorrectReason(which, one, reason, note) for one in lines]
    return back(request, reverse("return", args=[which]), give(request, correct_reasons, wanted, _corrected))


def _made(_n: int) -> str:
    return gettext("All advice is made anew.")


def _accepted(n: int) -> str:
    return ngettext("%(n)s suggestion is accepted.", "%(n)s suggestions are accepted.", n) % {"n": n}


def _declined(n: int) -> str:
    return ngettext("%(n)s suggestion is declined.", "%(n)s suggestions are declined.", n) % {"n": n}


def _corrected(n: int) -> str:
    return ngettext("%(n)s reason is corrected.", "%(n)s reasons are corrected.", n) % {"n": n}
