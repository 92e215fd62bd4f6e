"""A page of a list: its rows, its file, its sums, and the rows that a form chose."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext

from entrepot.web.as_file import IN_HAND_MAX, as_file, in_hand_max, is_file, rows_as_file, too_long
from entrepot.web.edge import Request, clean, ids_in, uuid_in
from entrepot.web.listing import Listing, Sum, in_order, sums_of

PAGE = 50
SUMMED_MAX = 2_000
"""Rows that the sums of a filter are made of; where it lets through more, the sums say so."""
AT_ONCE_MAX = 10_000
"""Rows that one form acts on where it asks for all that match."""

Fetch = Callable[[Any, int], Sequence[Any]]
"""So many rows behind the one whose key is given, None for the first."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page of a list shows; `answer` is a file or the sums, where the address asks for those instead."""

    listing: Listing
    answer: HttpResponse | None = None
    rows: list[Any] = field(default_factory=list)
    next: Any = None
    sums: list[Sum] | None = None
    """Of all rows that the filter lets through, where this page has them all; else they are asked for later."""
    more: bool = False
    """Whether there are more rows, which no further page shows; then the sums are those of these."""

    def context(self, rows: str = "rows") -> dict[str, Any]:
        """For the template, with the rows under a name of its own."""
        return {
            "listing": self.listing, rows: self.rows, "next": self.next, "list_sums": self.sums,
            "list_count": len(self.rows), "more": self.more,
        }  # fmt: skip


def by_id(row: Any) -> Any:
    return row.id


def part_of(request: Request, *listings: Listing) -> Listing:
    """Which of the lists of a page its address asks for: one is shown at a time, each with all that a list has."""
    asked = request.GET.get("list", "")
    return next((one for one in listings if one.part == asked), listings[0])


def order_of(request: Request, listing: Listing) -> str:
    return listing.ordered(clean(request.GET.get("sort")))


def listed(
    request: Request,
    listing: Listing,
    fetch: Fetch,
    *,
    key: Callable[[Any], Any] = by_id,
    read: Callable[[str | None], Any] = uuid_in,
    size: int = 0,
    name: str = "after",
) -> Shown:
    """A page of a list that is read page by page, `size` rows of them; `name` is what the address calls the last one.

    One statement.
    """
    if file := as_file(request, listing, fetch, key):
        return Shown(listing, answer=file)
    if request.GET.get("format") == "totals":
        return Shown(listing, answer=_totals(request, listing, fetch(None, SUMMED_MAX + 1)))
    after = read(request.GET.get(name)) or None
    size = size or PAGE
    rows = list(fetch(after, size + 1))
    more = len(rows) > size
    whole = None if more or after else sums_of(listing, rows, request.reader.company.currency)
    return Shown(listing, None, rows[:size], key(rows[size - 1]) if more else None, whole)


def at_most(request: Request, size: int) -> int:
    """Rows to be read where a page shows the first `size`: one more, which tells that there are more, or a file's."""
    return (in_hand_max(request) if is_file(request) else size) + 1


def listed_whole(request: Request, listing: Listing, rows: Sequence[Any], *, size: int = 0) -> Shown:
    """A list that is never long, or the first `size` rows of it (see at_most), in any order that a head asks for."""
    wants_file = is_file(request)
    if wants_file and (left := too_long(request, listing, len(rows))):
        return Shown(listing, answer=left)
    if wants_file and len(rows) > in_hand_max(request):
        told = gettext("The list has more than %(rows)s rows, which is too many for a file. Filter it first.")
        messages.error(request, told % {"rows": f"{IN_HAND_MAX:,}"})
        wants_file = False
    more = 0 < size < len(rows) and not wants_file
    ordered = in_order(rows[:size] if more else rows, order_of(request, listing))
    if wants_file and (file := rows_as_file(request, listing, ordered)):
        return Shown(listing, answer=file)
    sums = sums_of(listing, ordered, request.reader.company.currency)
    return Shown(listing, None, ordered, None, sums, more)


def _totals(request: Request, listing: Listing, rows: Sequence[Any]) -> HttpResponse:
    kept = rows[:SUMMED_MAX]
    context = {
        "list_count": len(kept), "list_sums": sums_of(listing, kept, request.reader.company.currency),
        "more": len(rows) > len(kept),
    }  # fmt: skip
    return render(request, "web/parts/list_totals.html", context)


Read = Callable[[Iterable[str]], list[Any]]
"""The keys of rows among what boxes say."""


def chosen(request: Request, field: str, fetch: Fetch, *, read: Read = ids_in) -> list[Any]:
    """The rows that a form chose by their boxes, or all that the filter in its address lets through, to a bound.

    A form that asks for all names the company that it was shown for: once another one is open, it chooses nothing.
    """
    shown_for, company = request.POST.get("all"), request.reader.company
    if not shown_for:
        return read(request.POST.getlist(field))
    if shown_for == company.code:
        return [one.id for one in fetch(None, AT_ONCE_MAX)]
    told = gettext(
        "The list was not that of %(company)s, which is open now. Look at it again and select there."
    )
    messages.error(request, told % {"company": company.name})
    return []
