"""The portal of customers: where is my order, what may come back, and how far is my return.

Nobody enters here as a person of the house. Who knows the number of an order and its mail address, or has a link that
customer service made, sees this one order for half an hour; everything else is as if it were not there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import wraps
from http import HTTPStatus
from itertools import groupby
from typing import Any, Concatenate, NamedTuple, ParamSpec
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import messages
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from entrepot.access import queries as access
from entrepot.access.commands.count_tries import ForgetTries, Try, count_tries, forget_tries
from entrepot.access.commands.withdraw_links import WithdrawLinks, withdraw_links
from entrepot.access.errors import TooManyTries
from entrepot.catalog import queries as catalog
from entrepot.insight import pages
from entrepot.kernel import ids
from entrepot.kernel import queries as kernel
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import AllOrNothing, Refused, RequestReused, WrongState
from entrepot.network import queries as network
from entrepot.network.destinations import promised_day, zone_of
from entrepot.orders import queries as orders
from entrepot.parties import fingerprints
from entrepot.returns import (
    asked_queries,
    errors,
    exchange_queries,
    expiry_queries,
    inspection_queries,
    label_queries,
    photos,
    portal_queries,
    queries,
    refusing,
    repair_queries,
    verdict_queries,
)
from entrepot.returns.admission import CONDITIONS
from entrepot.returns.commands.add_return_photos import AddReturnPhoto, add_return_photos
from entrepot.returns.commands.announce import AnnounceParcel, announce_parcels
from entrepot.returns.commands.authorize import Authorize, Authorized, Item, authorize, consider
from entrepot.returns.commands.exchange import Exchange, exchange
from entrepot.returns.commands.labels import LabelMade, MakeLabel, make_labels
from entrepot.returns.commands.repairs import AnswerRepair, answer_repairs
from entrepot.returns.portal import REPAIR_STEPS, STEPS, bare
from entrepot.returns.portal_queries import Door
from entrepot.returns.rules import ASKED
from entrepot.sourcing import queries as sourcing
from entrepot.web import format as fmt
from entrepot.web import papers, told, words
from entrepot.web.edge import (
    Request,
    back,
    clean,
    console,
    give,
    guard,
    ids_in,
    reading_of,
    source_of,
    units_in,
    uuid_in,
)
from entrepot.web.views import return_labels

P = ParamSpec("P")

PATH = "/portal/"
VISIT = "portal"
"""The cookie of a visit, and the salt of its signature; links are signed with another."""
LINK = "portal link"
VISIT_SECONDS = 30 * 60
TRIES_MINUTES = 15
TRIES_OF_SOURCE = 30
TRIES_OF_ORDER = 10
ASKS_OF_ORDER = 40
ORDERS_MOST = 5
"""That a visit remembers: what of several orders is sent back may come in one parcel."""
PARCELS_MOST = 5
"""That a customer tells of for one return."""
MAY = frozenset(
    {
        "access.count_tries",
        "access.forget_tries",
        "returns.authorize",
        "returns.add_return_photos",
        "returns.announce_parcels",
        "returns.exchange",
        "returns.make_labels",
        "returns.answer_repairs",
    }
)
"""All that the portal can do for whoever visits it."""
PHOTOS = {"most": photos.OF_CUSTOMER_MAX, "types": ",".join(photos.TYPES.values())}
"""What a field for photos says."""


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody who proved that an order is theirs, and `others` before it."""

    door: Door
    order: orders.OrderView
    others: tuple[UUID, ...] = ()

    def knows(self, order: UUID) -> bool:
        """Whether they proved that an order is theirs."""
        return order == self.order.id or order in self.others

    @property
    def cause(self) -> Cause:
        return Cause(Actor(f"portal {self.order.number}", MAY), fmt.reading().now)


def _read(view: Callable[P, HttpResponseBase]) -> Callable[P, HttpResponseBase]:
    """A page for its reader's locale and zone, kept by no cache and framed by nobody."""

    @wraps(view)
    def call(*args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        request: Any = args[0]
        one = reading_of(request)
        with fmt.read_by(one), timezone.override(one.zone):
            response = view(*args, **kwargs)
        guard(response)
        return response

    return never_cache(call)


def visited(
    view: Callable[Concatenate[HttpRequest, Visit, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """A page of one order: for whoever proved that it is theirs, within the last half hour."""

    @wraps(view)
    def call(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        visit = _visit(request)
        if visit is None:
            return _ended(request)
        with _where_it_goes(request, visit):
            response = view(request, visit, *args, **kwargs)
        return _enter(response, visit.order.id, visit.others)

    return _read(call)  # type: ignore[return-value]


@contextmanager
def _where_it_goes(request: HttpRequest, visit: Visit) -> Iterator[None]:
    """Days as they are where the order goes, for a reader whose browser names no zone."""
    there, named = zone_of(visit.order.country, visit.order.postal_code), request.COOKIES.get("zone")
    if not there or str(fmt.zone_of(named)) == named:  # browsers that hide theirs say Etc/Unknown
        yield
        return
    one = replace(fmt.reading(), zone=ZoneInfo(there))
    with fmt.read_by(one), timezone.override(one.zone):
        yield


def _visit(request: HttpRequest) -> Visit | None:
    order_id, *others = _signed(request.COOKIES.get(VISIT, ""), VISIT, VISIT_SECONDS) or (None,)
    door = portal_queries.door_of(order_id, fmt.reading().now) if order_id else None
    order = orders.order(order_id) if door and order_id else None
    return Visit(door, order, tuple(one for one in others if one)) if door and order else None


def _signed(text: str, salt: str, seconds: int | None) -> tuple[UUID, ...]:
    try:
        return tuple(UUID(one) for one in signing.loads(text, salt=salt, max_age=seconds).split())
    except (signing.BadSignature, ValueError, AttributeError):
        return ()


def _linked(token: str, seconds: int | None) -> tuple[UUID | None, int]:
    """The order that a link leads to, and the number that stood when it was made; 0 where none is in it."""
    try:
        said = signing.loads(token, salt=LINK, max_age=seconds)
        which, number = (said, 0) if isinstance(said, str) else said
        return UUID(which), int(number)
    except (signing.BadSignature, ValueError, TypeError, AttributeError):
        return None, 0


def _enter(response: HttpResponseBase, order: UUID, others: Sequence[UUID] = ()) -> HttpResponseBase:
    """In for half an hour, with the order that is looked at first and those before it behind."""
    seen = list(dict.fromkeys((order, *others)))[:ORDERS_MOST]
    response.set_cookie(
        VISIT, signing.dumps(" ".join(map(str, seen)), salt=VISIT), max_age=VISIT_SECONDS, path=PATH,
        httponly=True, samesite="Lax", secure=settings.BEHIND_TLS,
    )  # fmt: skip
    return response


def _before(request: HttpRequest) -> tuple[UUID, ...]:
    """The orders that a visit has proved already."""
    return _signed(request.COOKIES.get(VISIT, ""), VISIT, VISIT_SECONDS)


def _door_left(request: HttpRequest) -> Door | None:
    """The door of a visit, however old its cookie is."""
    seen = _signed(request.COOKIES.get(VISIT, ""), VISIT, None)
    return portal_queries.door_of(seen[0], fmt.reading().now) if seen else None


def _ended(request: HttpRequest) -> HttpResponse:
    """The visit is over. Whose door it was the cookie still tells, however old it is."""
    door = _door_left(request)
    return render(request, "portal/ended.html", {"door": door}, status=HTTPStatus.FORBIDDEN)


# ---- in and out


@require_http_methods(["GET", "HEAD", "POST"])
@_read
def start(request: HttpRequest, company: str, channel: str) -> HttpResponseBase:
    """The number of an order and its mail address. What is wrong of them is not told, and guessing is stopped."""
    door = _door(company, channel)
    greeting = door.portal.greeting_in(get_language() or "")
    if request.method != "POST":
        return render(request, "portal/start.html", {"door": door, "greeting": greeting})
    number, said = clean(request.POST.get("number")), clean(request.POST.get("proof"))
    cause = Cause(Actor("portal", MAY), fmt.reading().now)
    tries = (
        fingerprints.of_visitor(source_of(request)),
        fingerprints.of_visitor(f"{company} {channel} {bare(number)}"),
    )
    wanted = [
        Try(VISIT, who, most, TRIES_MINUTES)
        for who, most in zip(tries, (TRIES_OF_SOURCE, TRIES_OF_ORDER), strict=True)
    ]
    refused = next((one for one in count_tries(cause, requests=wanted) if isinstance(one, Refused)), None)
    order = None if refused else portal_queries.proved(door, number, said)
    if order is None:
        says = told.to_customer(refused) if refused else gettext(
            "We find no order with this number and address. Look at the confirmation of your order for both."
        )  # fmt: skip
        status = HTTPStatus.TOO_MANY_REQUESTS if refused else HTTPStatus.UNPROCESSABLE_ENTITY
        context = {
            "door": door,
            "greeting": greeting,
            "refused": says,
            "unknown": not refused,
            "number": number,
        }
        return render(request, "portal/start.html", context, status=status)
    # The source has this one try back and no other: many customers come from one address, and whoever owns one order
    # could guess at others between two looks at his own.
    given_back = [ForgetTries(VISIT, tries[0], latest=1), ForgetTries(VISIT, tries[1])]
    forget_tries(cause, requests=given_back)
    return _enter(redirect("portal-order"), order, _before(request))


def _door(company: str, channel: str) -> Door:
    door = portal_queries.door(company, channel, fmt.reading().now)
    if door is None:
        raise Http404
    return door


def link_to(request: HttpRequest, order: UUID) -> str:
    """An address that lets whoever has it see this order, for as many days as the portal's policy says, or until the
    links of the order are withdrawn."""
    token = signing.dumps([str(order), access.link_number(order)], salt=LINK, compress=True)
    return request.build_absolute_uri(reverse("portal-link", args=[token]))


@require_POST
@console
def make_link(request: Request, which: UUID) -> HttpResponse:
    """A link for the customer of an order, told on the order's page."""
    if not request.reader.actor.may("returns.authorize"):
        raise PermissionDenied(gettext("Customer service makes links for customers."))
    door = portal_queries.door_of(which, fmt.reading().now)
    if door is None:
        messages.error(
            request, gettext("The portal of this channel is shut. The policy returns.portal opens it.")
        )
    else:
        facts = {"days": door.portal.link_days, "link": link_to(request, which)}
        messages.success(request, gettext("For the customer, good for %(days)s days: %(link)s") % facts)
    return back(request, reverse("order", args=[which]))


@require_POST
@console
def withdraw(request: Request, which: UUID) -> HttpResponse:
    """The links of an order open nothing any more: one went astray."""
    wanted = WithdrawLinks(request.reader.company.id, "order", which)
    give(request, withdraw_links, [wanted] if orders.order(which) else [], lambda _n: gettext(
        "The links that were made for this order open nothing any more. Who is looking at it sees it for half an hour"
        " from their last page."
    ))  # fmt: skip
    return back(request, reverse("order", args=[which]))


@require_safe
@_read
def follow(request: HttpRequest, token: str) -> HttpResponseBase:
    """A link that customer service made; the address that is shown from then on has nothing of it."""
    order_id, number = _linked(token, None)
    door = portal_queries.door_of(order_id, fmt.reading().now) if order_id else None
    days = door.portal.link_days if door else 0
    if (
        order_id is None or door is None or number != access.link_number(order_id)
        or _linked(token, days * 86_400)[0] is None
    ):  # fmt: skip
        return render(request, "portal/ended.html", {"door": door}, status=HTTPStatus.FORBIDDEN)
    return _enter(redirect("portal-order"), order_id, _before(request))


@require_POST
@_read
def leave(request: HttpRequest) -> HttpResponseBase:
    """Out: whoever has the device next sees nothing."""
    door = _door_left(request)
    response = render(request, "portal/ended.html", {"door": door, "left": True})
    response.delete_cookie(VISIT, path=PATH)
    return response


@require_safe
def theme(request: HttpRequest, company: str, channel: str) -> HttpResponse:  # noqa: ARG001  Django gives it
    """The retailer's color, as a style sheet: the page itself may hold none."""
    door = portal_queries.door(company, channel, timezone.now())
    if door is None:
        raise Http404
    response = HttpResponse(f":root {{ --accent: {door.portal.accent}; }}\n", content_type="text/css")
    response["Cache-Control"] = "public, max-age=300"
    return response


# ---- one order


@require_safe
@visited
def order(request: HttpRequest, visit: Visit) -> HttpResponseBase:
    """Where the order is, what may still come back, and the returns there are."""
    return _order(request, visit)


def _order(request: HttpRequest, visit: Visit, refused: str = "") -> HttpResponse:
    """The page of the order; with the form as it was filled in and why it was refused, where it was."""
    now, of_order = fmt.reading().now, visit.order.id
    lines = [one for one in queries.returnable(of_order) if one.left > 0]
    context = {
        "door": visit.door,
        "order": visit.order,
        "promised_on": _promised_on(visit, visit.order.promise_at),
        "shipments": [(one, _promised_on(visit, one.promised_at)) for one in pages.shipments(order=of_order)],
        "waits": sourcing.waits(order=of_order),
        "lines": lines,
        "only": sum(one.left for one in lines) == 1,
        "reasons": {
            line: _under_heads([one for one in found if one.code != NEVER_CAME])
            for line, found in asked_queries.reasons_by_line(visit.order.company, of_order, now).items()
        },
        "conditions": CONDITIONS,
        "returns": portal_queries.returns_of(of_order),
        "fresh": ids.uuid7(),
        "refused": refused,
        "kept": {"form": "portal-answer", "fields": request.POST.dict()} if refused else {},
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if refused else HTTPStatus.OK
    return render(request, "portal/order.html", context, status=status)


def _promised_on(visit: Visit, at: datetime | None) -> date | None:
    return promised_day(at, visit.order.country, visit.order.postal_code, str(fmt.reading().zone))


HEADS = {
    "carrier": gettext_lazy("The way to me"), "quality": gettext_lazy("The thing itself"),
    "content": gettext_lazy("What was said of it"), "fulfillment": gettext_lazy("What was sent"),
    "fit": gettext_lazy("Size and style"), "remorse": gettext_lazy("I thought again"),
    "unknown": gettext_lazy("Something else"),
}  # fmt: skip
"""Root causes as customers look for a reason."""
NEVER_CAME = "undeliverable"
"""Of what came back by itself: whoever has the goods in his hands does not choose it."""
FEW = 8
"""So many reasons are read at a glance."""


def _under_heads(
    reasons: Sequence[asked_queries.ReasonOffered],
) -> list[tuple[str, list[asked_queries.ReasonOffered]]]:
    """Reasons under heads, where they are many and stand by root cause; else all of them under none."""
    groups = [(group, list(found)) for group, found in groupby(reasons, key=lambda one: one.group)]
    if len(reasons) <= FEW or len(dict(groups)) < len(groups):
        return [("", list(reasons))]
    return [(str(HEADS[group]), found) for group, found in groups]


@require_POST
@visited
def answer(request: HttpRequest, visit: Visit) -> HttpResponseBase:
    """What the rules say to a return, at once: each outcome that is offered, with its terms. Nothing is written."""
    return _choices(request, visit, _items(request), _too_often(visit))


def _choices(
    request: HttpRequest,
    visit: Visit,
    items: tuple[Item, ...],
    refused: Refused | None,
    *,
    chose: bool = False,
) -> HttpResponse:
    """What is offered for the things, with what was chosen of it before, where that was refused; else the order's form
    as it was filled in, with why."""
    if isinstance(refused, TooManyTries) and chose and items:
        return _again(request, visit, items, refused)
    said, offered = _said(request, fresh=isinstance(refused, RequestReused)), []
    context: dict[str, Any] = {"door": visit.door, "order": visit.order, "said": said}
    if items and (refused is None or chose):
        answers = consider(visit.cause, [Authorize(visit.order.id, items, one) for one in ASKED])
        offered = [
            (one, found) for one, found in zip(ASKED, answers, strict=True) if isinstance(found, Authorized)
        ]
        refused = refused or (None if offered else next(one for one in answers if isinstance(one, Refused)))
    if refused or chose or not items:
        context["rest"] = _rest(visit, items, refused, said)
        if not (offered or context["rest"]):
            return _order(request, visit, _says(visit, refused))
        context["refused"] = _says(visit, refused)
    if offered:
        context |= {"offered": offered, "items": _named(visit, items), **PHOTOS}
        context["instead"] = _instead(visit, items) if any(one == "exchange" for one, _ in offered) else []
        context["mates"] = _mates(visit, offered[0][1])
        context["chosen"] = _chosen_before(request, [one for one, _ in offered]) if chose else {}
        context["wished"] = _wishes(request, items)
        context["photos_again"] = bool(request.FILES)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if "refused" in context else HTTPStatus.OK
    return render(request, "portal/answer.html", context, status=status)


def _again(request: HttpRequest, visit: Visit, items: tuple[Item, ...], refused: Refused) -> HttpResponse:
    """What was said and chosen, to be sent later: nothing is asked of the rules for who asks too often."""
    chosen = _chosen_before(request, ASKED)
    context: dict[str, Any] = {
        "door": visit.door, "order": visit.order, "again": True, "items": _named(visit, items),
        "said": [
            *_said(request), ("asked", chosen["asked"]), *(("together", str(one)) for one in chosen["together"]),
            *((f"instead-{line}", code) for line, code in _wishes(request, items).items()),
        ],
        **PHOTOS, "photos_again": bool(request.FILES), "refused": _says(visit, refused),
    }  # fmt: skip
    return render(request, "portal/answer.html", context, status=HTTPStatus.UNPROCESSABLE_ENTITY)


def _chosen_before(request: HttpRequest, offered: Sequence[str]) -> dict[str, Any]:
    """What a form that was refused had chosen of what is offered still."""
    asked = clean(request.POST.get("asked"))
    together = ids_in(request.POST.getlist("together"))
    return {"asked": asked if asked in offered else "", "together": together}


def _rest(
    visit: Visit, items: tuple[Item, ...], refused: Refused | None, said: list[tuple[str, str]]
) -> list[tuple[str, str]]:
    """The fields of a form without the one thing that can't come back; none where that is all, or it is unknown."""
    facts = refused.facts if refused else {}
    codes = {str(one.line): one.sku_code for one in queries.returnable(visit.order.id)}
    lines = {str(one.line) for one in items}
    out = {one for one in lines if facts.get("line") == one or facts.get("sku") == codes.get(one, "")}
    if not out or out == lines:
        return []
    return [(name, text) for name, text in said if not name.endswith(tuple(out))]


@require_POST
@visited
def ask(request: HttpRequest, visit: Visit) -> HttpResponseBase:
    """The return is written. The key that the form carries makes a second tap the same return."""
    key, asked = uuid_in(request.POST.get("key")), clean(request.POST.get("asked"))
    asked = asked if asked in ASKED else ""
    items, pictures = _items(request), _pictures(request)
    written = f"portal {visit.order.id} {key}"
    refused = _too_often(visit) or _unfit(pictures)
    chosen = _chosen(request, visit, items, written) if asked == "exchange" and not refused else {}
    if isinstance(chosen, Refused):
        refused, chosen = chosen, {}
    items = tuple(_wishing(one, chosen.get(one.line, "")) for one in items)
    if refused is None and items and key:
        wanted = Authorize(visit.order.id, items, asked, key=written)
        found = authorize(visit.cause, requests=[wanted])[0]
        if not isinstance(found, Refused):
            add_return_photos(
                visit.cause, requests=[AddReturnPhoto(found.return_id, one) for one in pictures]
            )
            _exchange(visit, found, items, chosen)
            _label(visit, found, ids_in(request.POST.getlist("together")))
            return redirect("portal-return", number=found.number)
        refused = found
    return _choices(request, visit, items, refused, chose=True)


@require_POST
@visited
def show(request: HttpRequest, visit: Visit, number: str) -> HttpResponseBase:
    """More photos of a return whose goods have not come yet."""
    seen, pictures = _seen(visit, number), _pictures(request)
    refused = _too_often(visit)
    if refused is None and pictures:
        wanted = [AddReturnPhoto(seen.id, one) for one in pictures]
        answers = add_return_photos(visit.cause, requests=wanted)
        refused = next((one for one in answers if isinstance(one, Refused)), None)
        if refused is None:
            return redirect("portal-return", number=number)
    says = told.to_customer(refused) if refused else gettext("Choose a photo first.")
    return _one_return(request, visit, seen, says)


@require_POST
@visited
def announce(request: HttpRequest, visit: Visit, number: str) -> HttpResponseBase:
    """The number on the parcel: whoever opens it knows what is in it, and its customer sees that it is on its way."""
    seen, tracking = _seen(visit, number), clean(request.POST.get("tracking"))
    refused = _too_often(visit)
    if refused is None and len(portal_queries.parcels_of(seen.id)) >= PARCELS_MOST:
        return _one_return(request, visit, seen, gettext("You have told us of enough parcels. Write to us."))
    if refused is None:
        mates = portal_queries.mates(visit.order.id, visit.others, seen.node_id)
        also = [one.id for one in mates if one.id in ids_in(request.POST.getlist("together"))]
        wanted = [AnnounceParcel(one, tracking) for one in (seen.id, *also)]
        found = announce_parcels(visit.cause, requests=wanted)[0]
        if not isinstance(found, Refused):
            return redirect("portal-return", number=number)
        refused = found
    return _one_return(request, visit, seen, told.to_customer(refused))


def _says(visit: Visit, refused: Refused | None) -> str:
    """Why nothing is sent back, with the things as the customer knows them."""
    if refused is None:
        return gettext("Choose what you send back.")
    lines = queries.returnable(visit.order.id)
    names = [
        (name, one.description or one.sku_code) for one in lines for name in (str(one.line), one.sku_code)
    ]
    return told.to_customer(refused, dict(names))


def _pictures(request: HttpRequest) -> list[bytes]:
    """The photos of a form; one more than allowed, and of each one byte more, is enough for the refusal."""
    files = request.FILES.getlist("photos")[: photos.OF_CUSTOMER_MAX + 1]
    return [one.read(photos.BYTES_MAX + 1) for one in files]


def _unfit(pictures: list[bytes]) -> Refused | None:
    """Why photos can't be sent: told before anything is written."""
    if len(pictures) > photos.OF_CUSTOMER_MAX:
        return errors.TooManyPhotos(most=photos.OF_CUSTOMER_MAX)
    return next((found for one in pictures if isinstance(found := photos.read(one), Refused)), None)


class Choice(NamedTuple):
    """What a customer may have instead of units of a line."""

    line: UUID
    name: str
    others: list[exchange_queries.Instead]


def _instead(visit: Visit, items: tuple[Item, ...]) -> list[Choice]:
    found = exchange_queries.instead_of([one.line for one in items], timezone.now())
    names = _names(visit)
    return [
        Choice(one.line, names.get(one.line, ""), others)
        for one in items
        if (others := [other for other in found.get(one.line, ()) if other.free >= one.quantity])
    ]


def _wishes(request: HttpRequest, items: tuple[Item, ...]) -> dict[UUID, str]:
    """What the form says is wanted instead, by line; '' leaves it to customer service."""
    return {one.line: clean(request.POST.get(f"instead-{one.line}")) for one in items}


def _chosen(
    request: HttpRequest, visit: Visit, items: tuple[Item, ...], written: str
) -> dict[UUID, str] | Refused:
    """The SKU that is wanted instead, by line: one of those that were offered. What was `written` under this key took
    its units: whether there are more does not matter to who presses twice."""
    chosen = {line: code for line, code in _wishes(request, items).items() if code}
    if not chosen or kernel.is_answered(written, ["returns.authorize"]):
        return chosen
    offered = {one.line: {other.sku_code for other in one.others} for one in _instead(visit, items)}
    for line, code in chosen.items():
        if code not in offered.get(line, ()):
            return errors.NotExchangeable(
                sku=code, number=visit.order.number, why="it is not to be had any more"
            )
    return chosen


def _wishing(item: Item, code: str) -> Item:
    """The wish stands with the item, for whoever decides about a return that waits for a person."""
    return replace(item, note=f"{item.note[:140]} → {code}".strip()) if code else item


def _exchange(visit: Visit, made: Authorized, items: tuple[Item, ...], chosen: dict[UUID, str]) -> None:
    """What is accepted at once is exchanged at once. Where that is refused, customer service finds the wish."""
    if made.state != "authorized" or not chosen:
        return
    wanted = [
        Exchange(made.return_id, line, item.quantity, chosen[item.line], key=f"portal {line}")
        for line, item in zip(made.lines, items, strict=True)
        if item.line in chosen
    ]
    exchange(visit.cause, requests=wanted)


def _label(visit: Visit, made: Authorized, together: Collection[UUID]) -> None:
    """What is accepted at once has its label at once, one for all that comes in its parcel. Where none can be made, its
    page says so."""
    if made.state != "authorized":
        return
    chosen = [one for one in _mates(visit, made) if one.id in together]
    own = any(one.label for one in made.terms)
    found = _make_label(visit, made.return_id, [one.id for one in chosen]) if own or chosen else None
    if chosen and own and isinstance(found, Refused):
        _make_label(visit, made.return_id)


def _mates(visit: Visit, answer: Authorized) -> list[portal_queries.Mate]:
    """Returns of this visit's other orders that may come in the parcel of one, where a label is promised for it."""
    mates = portal_queries.mates(visit.order.id, visit.others, answer.node)
    own = any(one.label for one in answer.terms)
    return [one for one in mates if own or one.label]


def _make_label(visit: Visit, which: UUID, together: Sequence[UUID] = ()) -> LabelMade | Refused:
    """What the books refuse (no rate of a currency, a closed month) is no more than a label that can't be made here."""
    try:
        return make_labels(visit.cause, requests=[MakeLabel(which, together=tuple(together))])[0]
    except AllOrNothing as refused:
        return refused.refusals[0]


def _too_often(visit: Visit) -> Refused | None:
    who = fingerprints.of_visitor(str(visit.order.id))
    found = count_tries(visit.cause, requests=[Try("portal asks", who, ASKS_OF_ORDER, TRIES_MINUTES)])[0]
    return found if isinstance(found, Refused) else None


def _items(request: HttpRequest) -> tuple[Item, ...]:
    """Units by line, each with its own reason, note and condition."""
    return tuple(
        Item(
            line, units, clean(request.POST.get(f"reason-{line}")) or "not_given",
            note=clean(request.POST.get(f"note-{line}")), condition=clean(request.POST.get(f"condition-{line}")),
            lot=clean(request.POST.get(f"lot-{line}")), serial=clean(request.POST.get(f"serial-{line}")),
        )
        for line, units in units_in(request)
    )  # fmt: skip


SAID = ("units-", "reason-", "note-", "condition-", "lot-", "serial-")


def _said(request: HttpRequest, *, fresh: bool = False) -> list[tuple[str, str]]:
    """The fields of the form, to be sent again with the choice of an outcome; under a `fresh` key where its own stands
    for something else."""
    key = "" if fresh else clean(request.POST.get("key"))
    said = [(name, clean(str(text))) for name, text in request.POST.items() if name.startswith(SAID)]
    return [*said, ("key", key or str(ids.uuid7()))]


def _names(visit: Visit) -> dict[UUID, str]:
    """What the order's lines are called, as the form called them."""
    return {one.line: one.description or one.sku_code for one in queries.returnable(visit.order.id)}


def _named(visit: Visit, items: tuple[Item, ...]) -> list[tuple[int, str]]:
    of_line = _names(visit)
    return [(one.quantity, of_line.get(one.line, "")) for one in items]


# ---- one return


@require_safe
@visited
def one_return(request: HttpRequest, visit: Visit, number: str) -> HttpResponseBase:
    """How far a return has come, what to do next, and the code that its parcel bears."""
    return _one_return(request, visit, _seen(visit, number))


def _one_return(
    request: HttpRequest, visit: Visit, seen: portal_queries.Seen, refused: str = ""
) -> HttpResponse:
    exchanges, label = exchange_queries.of_return(seen.id), label_queries.of_return(seen.id)
    ways = REPAIR_STEPS if seen.asked == "repair" and seen.step in REPAIR_STEPS else STEPS
    promised = label is not None or label_queries.is_promised(seen.id)
    with_it = {key for _, key in label.returns} if label else set()
    mates = portal_queries.mates(visit.order.id, visit.others, seen.node_id)
    context = {
        "door": visit.door,
        "order": visit.order,
        "one": seen,
        "steps": ways,
        "reached": ways.index(seen.step) if seen.step in ways else -1,
        "to_send": seen.step in ("accepted", "on its way"),
        "code": papers.scan_code(label.tracking if label and label.is_ready else seen.number),
        "send_to": label_queries.send_to(label, fmt.reading().now) if label else _send_to(visit, seen),
        "label": label,
        "prints": label is not None and visit.knows(label.order),
        "promised": promised,
        "whens": words.when_to_customer(asked_queries.terms_of(seen.id).values(), seen.asked),
        "mates": [one for one in mates if one.id not in with_it],
        "share": [one for one in mates if one.id not in with_it and (promised or one.label)],
        "whole": queries.whole(seen.id),
        "exchanges": exchanges,
        "names": catalog.skus(company=visit.door.company, codes=[one.sku_code for one in exchanges])
        if exchanges
        else {},
        "refunds": portal_queries.refunds_of(seen.id),
        "refusals": verdict_queries.refusals_of(seen.id),
        "repairs": repair_queries.repairs(visit.door.company, return_id=seen.id),
        "sent_back": repair_queries.sent_back(seen.id),
        "refusal_reasons": refusing.REASONS,
        "parcels": portal_queries.parcels_of(seen.id),
        "until": expiry_queries.until(seen.id, visit.door.company, fmt.reading().now),
        "photos": len(inspection_queries.photos_of_customer(seen.id)),
        **PHOTOS,
        "refused": refused,
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if refused else HTTPStatus.OK
    return render(request, "portal/return.html", context, status=status)


@require_POST
@visited
def answer_repair(request: HttpRequest, visit: Visit, number: str) -> HttpResponseBase:
    """Whether the price of a repair is agreed to; of this return's alone."""
    seen = _seen(visit, number)
    repair = uuid_in(request.POST.get("repair"))
    own = {one.id for one in repair_queries.repairs(visit.door.company, return_id=seen.id)}
    refused = _too_often(visit)
    if refused is None and repair in own:
        says = AnswerRepair(repair, request.POST.get("agrees") == "1")  # type: ignore[arg-type]
        (answer,) = answer_repairs(visit.cause, requests=[says])
        # Another tap, or the house, was quicker: the page says how it stands.
        refused = None if isinstance(answer, WrongState) or not isinstance(answer, Refused) else answer
    if refused is None:
        return redirect("portal-return", number=number)
    return _one_return(request, visit, seen, told.to_customer(refused))


@require_POST
@visited
def ask_label(request: HttpRequest, visit: Visit, number: str) -> HttpResponseBase:
    """The label that the terms promise, where it was not made with the return; again, it is the same one."""
    seen = _seen(visit, number)
    refused = _too_often(visit)
    if refused is None:
        mates = portal_queries.mates(visit.order.id, visit.others, seen.node_id)
        together = [one.id for one in mates if one.id in ids_in(request.POST.getlist("together"))]
        found = _make_label(visit, seen.id, together)
        if not isinstance(found, Refused):
            return redirect("portal-return", number=number)
        refused = found
    return _one_return(request, visit, seen, told.to_customer(refused))


@require_safe
@visited
def label(request: HttpRequest, visit: Visit, number: str) -> HttpResponseBase:  # noqa: ARG001  Django gives it
    """The label for the parcel, as PDF: for whoever showed that the order is theirs whose address is on it."""
    seen = _seen(visit, number)
    found = label_queries.of_return(seen.id)
    if found is None or not visit.knows(found.order):
        raise Http404
    return return_labels.printed(found)


@require_safe
@visited
def slip(request: HttpRequest, visit: Visit, number: str) -> HttpResponseBase:  # noqa: ARG001  Django gives it
    """What is laid into the parcel, as PDF."""
    seen = _seen(visit, number)
    whole = queries.whole(seen.id)
    assert whole
    lines = [
        papers.SlipLine(one.sku_code, one.description, one.quantity - one.cancelled) for one in whole.lines
    ]
    slip_ = papers.ReturnSlip(visit.door.name, seen.number, visit.order.number, _send_to(visit, seen), lines)
    return papers.to_print(papers.return_slip(slip_), f"{seen.number}.pdf")


def _seen(visit: Visit, number: str) -> portal_queries.Seen:
    found = next((one for one in portal_queries.returns_of(visit.order.id) if one.number == number), None)
    if found is None:
        raise Http404
    return found


def _send_to(visit: Visit, seen: portal_queries.Seen) -> list[str]:
    """The lines of the address that a return is sent to; without any the policy names none."""
    given = visit.door.portal.send_to.get(seen.node)
    if given:
        return list(given)
    node = next(one for one in network.nodes(company=visit.door.company) if one.code == seen.node)
    lines = (visit.door.name, node.name, node.postal_code, fmt.country(node.country))
    return [text for text in lines if text]
