"""Views of lists: kept under a name, opened by an address that stays, forgotten."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import UUID

from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.access import queries as access
from entrepot.access.commands.save_view import DropView, SaveView, drop_view, save_view
from entrepot.kernel.errors import Refused
from entrepot.web.edge import Request, Undo, back, clean, console, give
from entrepot.web.lists import BOARDS, LISTS

OF_A_PAGE = ("after", "before", "format")
"""What an address says of one page of a list, and a view does not keep."""


@require_POST
@console
def save(request: Request, of: str) -> HttpResponse:
    """What the list shows now, under a name."""
    listing = LISTS.get(of)
    if listing is None:
        raise Http404
    said = request.POST.get("query")
    address = request.POST.get("next", "") if said is None else f"?{said}"
    name, query = clean(request.POST.get("name")), _query(address)
    if listing is BOARDS:
        query = _called(name, query)
    wanted = SaveView(request.reader.company.id, of, name, query, clean(request.POST.get("role")))
    told = (
        gettext("The board is kept. It stands above the key figures.")
        if listing is BOARDS
        else gettext("The view is saved. It stands under Views.")
    )
    (answer,) = give(request, save_view, [wanted], lambda _: told)
    if listing is BOARDS and not isinstance(answer, Refused):
        return redirect(f"{reverse(BOARDS.url)}?{query}")
    return back(request, "/" if listing.name == "journal" else reverse(listing.url))


@require_safe
@console
def go(request: Request, which: UUID) -> HttpResponse:
    """To the list as it was saved."""
    found = access.view(request.reader.company.id, which, request.reader.name, request.reader.roles)
    if found is None or found.list not in LISTS:
        raise Http404
    query = QueryDict(found.query, mutable=True)
    account = query.pop("account", [""])[-1]
    if found.list == "journal":
        address = (
            reverse("account", args=[account]) if account and str(account).isdigit() else reverse("books")
        )
    else:
        address = reverse(LISTS[found.list].url)
    return redirect(f"{address}?{query.urlencode()}" if query else address)


@require_POST
@console
def drop(request: Request, which: UUID) -> HttpResponse:
    found = access.view(request.reader.company.id, which, request.reader.name, request.reader.roles)

    def keep(_: list[Any]) -> Undo:
        assert found
        said = [("name", found.name), ("query", found.query), ("role", found.role)]
        return Undo("access.save_view", reverse("view-save", args=[found.list]), said)

    given = lambda _: gettext("The view is forgotten.")  # noqa: E731
    give(request, drop_view, [DropView(which)], given, undo=keep if found else None)
    return back(request, "/")


def _called(name: str, query: str) -> str:
    """What a board says, with the name that it is kept under: it stands at its head, whatever it was called before."""
    return urlencode([("name", name), *(one for one in parse_qsl(query) if one[0] != "name")])


def _query(address: str) -> str:
    """What an address says, without what belongs to one page of the list; of an account, also which."""
    parts = urlsplit(address)
    said = [(name, value) for name, values in QueryDict(parts.query).lists() for value in values]
    kept = [(name, str(value)) for name, value in said if name not in OF_A_PAGE and value]
    account = parts.path.removeprefix("/books/accounts/").strip("/") if "/accounts/" in parts.path else ""
    return urlencode(kept + ([("account", account)] if account.isdigit() else []))
