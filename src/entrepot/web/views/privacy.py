"""People's data: what there is of somebody, erased where they ask for it, held, and how long each kind is kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib import messages
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from entrepot.kernel import policies
from entrepot.kernel.errors import NotPermitted, Refused
from entrepot.settlement import privacy_queries
from entrepot.settlement.commands.erase_people import ErasePerson, erase_people
from entrepot.settlement.commands.hold_data import HoldData, ReleaseData, hold_data, release_data
from entrepot.settlement.privacy import KINDS, Retention
from entrepot.web import format as fmt
from entrepot.web import lists_books, words
from entrepot.web.as_file import note
from entrepot.web.edge import Request, back, clean, console, give, int_in, misread, page, uuid_in
from entrepot.web.listed import by_id, listed_queue, part_of, place_in, place_of

WHERE = "/books/privacy/"
PAGE = 100


class _Read(NamedTuple):
    """What a list of the page is read by: rows of a company, so many, behind one; and where a row stands in it."""

    fetch: Callable[[int, int, Any], Sequence[Any]]
    key: Callable[[Any], Any]
    read: Callable[[str | None], Any]


def _hold_place(one: privacy_queries.HoldRow) -> str:
    return place_of(int(one.released_at is not None), one.id)


def _holds(company: int, limit: int, after: str | None) -> Sequence[privacy_queries.HoldRow]:
    place = place_in(after, int, UUID)
    return privacy_queries.holds(company, limit, (bool(place[0]), place[1]) if place and place[1] else None)


FOUND = {
    lists_books.ERASURES.part: _Read(privacy_queries.erasures, by_id, uuid_in),
    lists_books.LEGAL_HOLDS.part: _Read(_holds, _hold_place, clean),
    lists_books.RETENTION.part: _Read(privacy_queries.runs, by_id, int_in),
}


@require_safe
@console
def told(request: Request) -> HttpResponse:
    """Erasures, legal holds, or what the retention rules did; and these rules."""
    company, now = request.reader.company.id, fmt.reading().now
    listing = part_of(request, lists_books.ERASURES, lists_books.LEGAL_HOLDS, lists_books.RETENTION)
    found = FOUND[listing.part]

    def fetch(after: Any, limit: int) -> Sequence[Any]:
        return found.fetch(company, limit, after)

    shown = listed_queue(request, listing, fetch, size=PAGE, key=found.key, read=found.read)
    if shown.answer:
        return shown.answer
    version, rules = _rules(company, now)
    context = {
        **shown.context(),
        "parts": {"": _("Erased"), "holds": _("Legal holds"), "runs": _("What the rules did")},
        "version": version,
        "rules": [(kind, rules.before(kind, now)) for kind in KINDS],
    }
    return page(request, "web/privacy.html", context, area="books")


def _rules(company: int, at: datetime) -> tuple[int, Retention]:
    return policies.of_companies({company}, Retention, at)[company]


def _named(request: Request, text: str) -> dict[str, object]:
    """What was typed: the number of an order of ours, else the code of a customer."""
    found = privacy_queries.order_named(request.reader.company.id, text)
    return {"order": found} if found else {"customer": text}


@require_POST
@console
def decide(request: Request) -> HttpResponse:
    """Somebody erased, or held."""
    company, reason = request.reader.company.id, clean(request.POST.get("reason"))
    who = _named(request, clean(request.POST.get("who")))
    if request.POST.get("what") == "hold":
        wanted = [HoldData(company, reason, **who)]  # type: ignore[arg-type]
        results = give(request, hold_data, wanted, lambda _n: gettext("It is held."))
        return back(request, f"{WHERE}?list={lists_books.LEGAL_HOLDS.part}", results)
    asked = [ErasePerson(company, reason, **who)]  # type: ignore[arg-type]
    results = give(request, erase_people, asked, lambda _n: gettext("They are erased; the proof is below."))
    return back(request, WHERE, results)


@require_POST
@console
def release(request: Request) -> HttpResponse:
    """A legal hold is over."""
    hold = uuid_in(request.POST.get("hold"))
    if hold is None:
        messages.error(request, gettext("Choose a legal hold."))
        return back(request, WHERE, [])
    wanted = [ReleaseData(hold, clean(request.POST.get("reason")))]
    return back(
        request, WHERE, give(request, release_data, wanted, lambda _n: gettext("The hold is released."))
    )


@require_POST
@console
def export(request: Request) -> HttpResponse:
    """Everything about somebody as a file, for them to be given. Who may erase people may read it."""
    command = "settlement.erase_people"
    if not request.reader.actor.may(command):
        messages.error(request, words.refusal(NotPermitted(actor=request.reader.actor.name, command=command)))
        return back(request, WHERE, [])
    who = _named(request, clean(request.POST.get("who")))
    try:
        found = privacy_queries.everything_of(request.reader.company.id, **who)  # type: ignore[arg-type]
    except Refused as why:
        messages.error(request, words.refusal(why))
        return back(request, WHERE, [])
    if found is None:
        misread(request, "who", gettext("There is no customer and no order of that name."))
        return back(request, WHERE, [])
    about = privacy_queries.stands_for(request.reader.company.id, **who)  # type: ignore[arg-type]
    note(request, "everything of a person", "json", 1, about)
    answer = HttpResponse(json.dumps(found, cls=DjangoJSONEncoder, indent=1), content_type="application/json")
    answer["Content-Disposition"] = 'attachment; filename="person.json"'
    answer["Cache-Control"] = "no-store"
    return answer
