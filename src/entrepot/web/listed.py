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
    count: int | None = None
    """Rows that the sums are of, where they are more than this page has."""

    def context(self, rows: str = "rows") -> dict[str, Any]:
        """For the template, with the rows under a name of its own."""
        return {
            "listing": self.listing, rows: self.rows, "next": self.next, "list_sums": self.sums,
            "list_count": len(self.rows) if self.count is None else self.count, "more": self.more,
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


def in_pages(
    request: Request,
    listing: Listing,
    rows: Sequence[Any],
    *,
    size: int,
    key: Callable[[Any], Any] = by_id,
    read: Callable[[str | None], Any] = uuid_in,
    more: bool = False,
) -> Shown:
    """A page of rows that are all in hand, in any order that a head asks for. Behind a row that is gone meanwhile it
    begins anew: nothing is passed over. `more` says that there are others, which no page shows."""
    if is_file(request):
        return listed_whole(request, listing, rows)
    ordered, after = in_order(rows, order_of(request, listing)), read(request.GET.get("after"))
    place = next((n for n, one in enumerate(ordered, 1) if key(one) == after), 0) if after else 0
    page = ordered[place : place + size]
    behind = key(page[-1]) if place + size < len(ordered) else None
    sums = sums_of(listing, ordered, request.reader.company.currency)
    return Shown(listing, None, page, behind, sums, more, len(ordered))


def listed_queue(
    request: Request,
    listing: Listing,
    fetch: Fetch,
    *,
    size: int,
    key: Callable[[Any], Any] = by_id,
    read: Callable[[str | None], Any] = uuid_in,
) -> Shown:
    """A page of a queue, which is read page by page in its own order, to its end; in another that a head asks for, the
    first SUMMED_MAX rows of it are. Where nothing is left behind the last row of a page, it begins anew.

    One statement; two where it begins anew.
    """
    if order_of(request, listing) != listing.order:
        most = 0 if is_file(request) else SUMMED_MAX
        rows = fetch(None, at_most(request, most))
        if is_file(request):
            return listed_whole(request, listing, rows)
        return in_pages(request, listing, rows[:most], size=size, key=key, read=read, more=len(rows) > most)

    def behind(after: Any, limit: int) -> Sequence[Any]:
        rows = fetch(after, limit)
        return rows or (fetch(None, limit) if after and not is_file(request) else rows)

    return listed(request, listing, behind, key=key, read=read, size=size)


def place_of(*values: Any) -> str:
    """Where a row stands in an order by several values, for an address; `place_in` reads it."""
    return "~".join("" if one is None else str(one) for one in values)


def place_in(text: str | None, *reads: Callable[[str], Any]) -> tuple[Any, ...] | None:
    """What `place_of` wrote, each value read by one of `reads`, '' as None; None where it is no such place."""
    parts = (text or "").split("~")
    if len(parts) != len(reads):
        return None
    try:
        return tuple(read(part) if part else None for read, part in zip(reads, parts, strict=True))
    except ValueError:
        return None


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
