"""The search in the head of every page: documents, pages and what one can do, as they are typed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.http import HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from entrepot.access import queries as access
from entrepot.access.rules import sees_buyers
from entrepot.insight import finding, kpis
from entrepot.web import kpi_words, words
from entrepot.web.areas import ACTIONS, AREAS
from entrepot.web.edge import Request, console, searched
from entrepot.web.views.things import address_of

OF_EACH = 6
"""Documents of a kind that are offered."""
PLACES_MAX = 8


@require_http_methods(["GET", "HEAD", "POST"])
@console
def find(request: Request) -> HttpResponse:
    """What `q` may mean, the likeliest first; what one can do where nothing is typed."""
    text, is_sent = searched(request)
    may = request.reader.actor.may
    groups = []
    if text:
        found = finding.find(
            company=request.reader.company.id,
            text=text,
            limit=OF_EACH,
            sees_buyers=is_sent and sees_buyers(may),
        )
        groups.append((gettext("Documents"), [_told(one) for one in found]))
        groups.append((gettext("People"), _people(text)))
    places = [{"name": name, "kind": area, "more": "", "url": url} for name, area, url in _places(text, may)]
    groups.append((gettext("Pages and actions"), places[:PLACES_MAX]))
    if text and places and _begins(places[0]["name"], text):
        groups.reverse()
    return JsonResponse({"groups": [{"name": name, "rows": rows} for name, rows in groups if rows]})


def _told(one: finding.Found) -> dict[str, Any]:
    kind = words.sentence(one.kind)
    return {"name": one.name, "kind": kind, "more": words.spoken(one.more), "url": address_of(one)}


def _people(text: str) -> list[dict[str, Any]]:
    """Those who work here whose name begins with the text."""
    return [
        {"name": one.name, "kind": gettext("Person"), "more": ", ".join(map(words.word, one.roles)),
         "url": reverse("person", args=[one.id])}
        for one in access.beginning(text, OF_EACH)
    ]  # fmt: skip


def _places(text: str, may: Callable[[str], bool]) -> list[tuple[str, str, str]]:
    """Pages and actions whose words begin with those typed; those that begin with the text itself come first."""
    said = text.casefold().split()
    fitting = [one for one in _known(may, pages=bool(text)) if fits(f"{one[0]} {one[1]}", said)]
    return sorted(fitting, key=lambda one: not _begins(one[0], text))


def _known(may: Callable[[str], bool], *, pages: bool) -> Iterator[tuple[str, str, str]]:
    for action in ACTIONS:
        if not action.needs or may(action.needs):
            yield str(action.title), gettext("Do"), reverse(action.url) + action.query
    for area in AREAS if pages else ():
        for one in area.pages:
            if not one.needs or may(one.needs):
                yield str(one.title), str(area.title), reverse(one.url)
    for name, said in kpi_words.WORDS.items() if pages else ():
        yield str(said.title), gettext("Report"), reverse("report", args=[kpis.slug(name)])


def fits(title: str, said: list[str]) -> bool:
    """Whether each word that was said begins one of a title."""
    known = title.casefold().split()
    return all(any(word.startswith(one) for word in known) for one in said)


def _begins(title: str, text: str) -> bool:
    return title.casefold().startswith(text.casefold())
