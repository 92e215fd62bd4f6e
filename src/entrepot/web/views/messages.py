"""Messages: those that stand still, why, and what they say; sent on their way again, mended, or dropped; and those
that arrived."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import MAXYEAR, MINYEAR, date, datetime, time, timedelta
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib import messages as notes
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from entrepot.access.rules import sees_buyers
from entrepot.channels import webhook_queries
from entrepot.insight import feeds, questions
from entrepot.kernel import masking, messages
from entrepot.kernel import queries as kernel
from entrepot.kernel.messages import DropMessage, ReplayMessage, drop_messages, replay_messages
from entrepot.settlement import privacy_queries
from entrepot.web import format as fmt
from entrepot.web import lists_books, lists_insight
from entrepot.web.edge import Request, back, clean, console, day_in, give, page, uuid_in, verbatim
from entrepot.web.listed import chosen, listed, listed_whole, part_of

SIDES = ("out", "in")
NEED = {"out": ("dead", "kept"), "in": ("dead", "failed", "set_aside")}
"""What stands until a person does something, by side: the page shows it where nothing else is asked for."""
STATES = {side: (*messages.STANDING[side], "dropped", messages.ARRIVED[side]) for side in SIDES}
"""What a message may be in that the page looks for, by side."""
ANY = "any"
"""Whatever became of it."""


@require_safe
@console
def told(request: Request) -> HttpResponse:
    """Messages of a side by state, place, topic, day and name, the latest first; where nothing is asked for, those that
    need a person."""
    company, asked = request.reader.company.id, _asked(request)
    side, state, place = asked.side, asked.state, asked.place

    def read(text: str | None) -> str:
        return text if text and messages.is_id(side, text) else ""

    shown = listed(request, lists_books.MESSAGES, partial(_fetch, request), read=read, name="before")
    if shown.answer:
        return shown.answer
    context = {
        **shown.context(),
        "side": side, "state": state, "place": place, "standing": questions.standing(company, fmt.reading().now),
        "states": STATES[side], "ways_in": messages.ways_in(),
        "topic": asked.topic, "named": asked.named, "day": asked.shown_day, "any": ANY,
        "may_act": state not in ("dropped", messages.ARRIVED[side]),
        "may": any(map(request.reader.actor.may, ("kernel.replay_messages", "kernel.drop_messages"))),
        "places": _webhooks(company),
    }  # fmt: skip
    return page(request, "web/messages.html", context, area="integration")


def _webhooks(company: int) -> dict[str, str]:
    """What the destinations are called that are webhooks."""
    told = gettext("webhook %(name)s")
    known = webhook_queries.webhooks(company)
    return {webhook_queries.destination_of(one.id): told % {"name": one.name} for one in known}


class _Asked(NamedTuple):
    """What an address asks for. `named`: the name under which a message came, or the order or id that one is about."""

    side: str
    state: str
    place: str
    topic: str
    named: str
    day: date | None

    @property
    def is_past(self) -> bool:
        """Whether it is among all messages that it is looked for, and not only among those that stand."""
        return bool(self.named or self.day) or self.state in (ANY, messages.ARRIVED[self.side])

    @property
    def shown_day(self) -> date | None:
        """The day of which messages are shown: today where no other is asked for, and none where a name is."""
        if self.named or not self.is_past:
            return self.day
        return self.day or fmt.reading().now.astimezone(fmt.reading().zone).date()


def _asked(request: Request) -> _Asked:
    side = request.GET.get("side", "")
    place, topic, named = (clean(request.GET.get(name)) for name in ("place", "topic", "named"))
    return _Asked(
        side if side in SIDES else "out", request.GET.get("state", ""), place, topic, named,
        _day(request.GET.get("day")),
    )  # fmt: skip


def _day(text: str | None) -> date | None:
    """A day that has one before and one behind it, in every zone."""
    day = day_in(text)
    return day if day and MINYEAR < day.year < MAXYEAR else None


def _fetch(request: Request, before: str | None, limit: int) -> list[kernel.MessageRow]:
    asked, company = _asked(request), request.reader.company.id
    side = asked.side
    if not asked.is_past:
        return kernel.messages(
            company, side, states=(asked.state,) if asked.state in STATES[side] else NEED[side], place=asked.place,
            topic=asked.topic, before=before or "", limit=limit,
        )  # fmt: skip
    since = until = subject = None
    if asked.named and side == "out":
        subject = uuid_in(asked.named) or privacy_queries.order_named(company, asked.named)
    elif not asked.named and (day := asked.shown_day):
        since, until = (
            datetime.combine(one, time.min, fmt.reading().zone) for one in (day, day + timedelta(days=1))
        )
    return kernel.archive(
        company, side, states=(asked.state,) if asked.state in STATES[side] else (), place=asked.place,
        topic=asked.topic, since=since, until=until, named=asked.named, subject=subject, before=before or "",
        limit=limit,
    )  # fmt: skip


@require_safe
@console
def one(request: Request, side: str, which: str) -> HttpResponse:
    """One message with what it says; what may tell of a person is masked for those who may not see people."""
    if side not in SIDES or not messages.is_id(side, which):
        raise Http404
    found = kernel.message(request.reader.company.id, side, which)
    if found is None:
        raise Http404
    row, content = found
    shown, fixed = (
        masking.shown(content, sees_people=_sees(request)),
        messages.why_fixed(row.place),
    )
    context = {
        "place": _webhooks(request.reader.company.id).get(row.place, ""),
        "one": row, "side": side, "content": shown.content, "hides": shown.hides, "fixed": fixed,
        "is_edited_here": not shown.hides and not fixed,
        "may_replay": row.state in messages.STANDING[side] and (side == "out" or row.place in messages.ways_in()),
        "may_drop": row.state in messages.STANDING[side],
        "events": kernel.timeline(subjects=[UUID(which) if side == "in" else row.subject or UUID(int=0)])[-20:],
    }  # fmt: skip
    return page(request, "web/message.html", context, area="integration")


@require_POST
@console
def act(request: Request) -> HttpResponse:
    """Messages that were selected, or all that match, or the one of a page: replayed, as they are or mended, or
    dropped."""
    company, side = request.reader.company.id, request.POST.get("side", "")
    side = side if side in SIDES else "out"
    which = chosen(request, "message", partial(_fetch, request), read=partial(_ids, side))
    reason = clean(request.POST.get("reason"))
    home = reverse("messages") + f"?side={side}"
    if request.POST.get("do") == "drop":
        drops = [DropMessage(company, side, text, reason) for text in which]  # type: ignore[arg-type]
        return back(request, home, give(request, drop_messages, drops, _dropped))
    anyway = request.POST.get("anyway") == "yes"
    replaces, by = verbatim(request.POST.get("replaces")), verbatim(request.POST.get("by"))
    if replaces:
        which = _shown_whole(request, side, which)
    content = _edited(request, company, side, which[0]) if len(which) == 1 and not replaces else None
    replays = [
        ReplayMessage(company, side, text, reason, content, anyway, replaces, by, sees_people=_sees(request))  # type: ignore[arg-type]
        for text in which
    ]
    return back(request, home, give(request, replay_messages, replays, _replayed))


@require_safe
@console
def flows(request: Request) -> HttpResponse:
    """Whether each source and channel is fresh, or whether channels have what we would tell them."""
    company, now = request.reader.company.id, fmt.reading().now
    listing = part_of(request, lists_insight.FEEDS, lists_insight.SHELVES)
    rows: Sequence[Any] = feeds.shelves(company, now.date()) if listing.part else feeds.feeds(company, now)
    shown = listed_whole(request, listing, rows)
    context = {**shown.context(), "parts": {"": _("Freshness"), "shelves": _("Published stock")}}
    return shown.answer or page(request, "web/flows.html", context, area="integration")


def _ids(side: str, texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(text for text in texts if messages.is_id(side, text)))


def _shown_whole(request: Request, side: str, which: list[str]) -> list[str]:
    """Those of some messages that the reader is shown all of; that the others are not theirs to mend, they are told."""
    if _sees(request):
        return which
    said = kernel.contents(request.reader.company.id, side, which)
    whole = [one for one in which if one in said and not masking.shown(said[one], sees_people=False).hides]
    if len(whole) < len(which):
        told = ngettext(
            "%(n)s message is masked for you in part. Only who may see buyers mends it.",
            "%(n)s messages are masked for you in part. Only who may see buyers mends them.",
            len(which) - len(whole),
        )
        notes.error(request, told % {"n": len(which) - len(whole)})
    return whole


def _sees(request: Request) -> bool:
    return sees_buyers(request.reader.actor.may)


def _edited(request: Request, company: int, side: str, which: str) -> str | None:
    """What a message shall say instead; None where nothing was changed, or the reader was not shown all of it."""
    said = request.POST.get("content")
    found = kernel.message(company, side, which) if said is not None else None
    if said is None or found is None:
        return None
    said = said.replace("\r\n", "\n")
    if said in (masking.readable(found[1]), found[1]):
        return None
    return None if masking.shown(found[1], sees_people=_sees(request)).hides else said


def _dropped(n: int) -> str:
    return ngettext("%(n)s message will have no effect.", "%(n)s messages will have no effect.", n) % {"n": n}


def _replayed(n: int) -> str:
    said = ngettext("%(n)s message is on its way again.", "%(n)s messages are on their way again.", n)
    return said % {"n": n} + " " + gettext("What becomes of it is seen here in a moment.")
