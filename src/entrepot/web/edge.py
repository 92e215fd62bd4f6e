"""Between a request and the house: who asks, for which company, and the one command that a form calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, fields
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from functools import wraps
from http import HTTPStatus
from typing import Any, Concatenate, NamedTuple, ParamSpec
from urllib.parse import urlsplit
from uuid import UUID

from babel.numbers import NumberFormatError, parse_decimal
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import resolve, reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext, ngettext

from entrepot.access import queries as access
from entrepot.insight import answers, owners, pages
from entrepot.kernel import jobs, money
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.command import commands
from entrepot.kernel.errors import NotPermitted, Refused
from entrepot.kernel.exports import as_oneself
from entrepot.orders.rules import ENDED
from entrepot.parties import queries as parties
from entrepot.web import doors, words
from entrepot.web import format as fmt
from entrepot.web.areas import AREAS, RENEWED_S, area_of, at_hand, tabs_beside
from entrepot.web.listing import Listing
from entrepot.web.refusals import named

P = ParamSpec("P")

REFUSALS_SHOWN_MAX = 5
AT_ONCE = 300
"""Rows that a form acts on while its person waits: a second or so. The worker does more."""
LANGUAGE = settings.LANGUAGE_COOKIE_NAME
"""The cookie that keeps the language that was chosen over the browser's."""
COMPANY = "company"
"""The key of the session under which the chosen company stands."""
UNDO = "undo"
"""The key of the session under which the form stands that takes back what was just done."""
ACTED = "acted"
"""The key of the session under which stands when its person last did something."""
SOUGHT = "sought"
"""The key of the session under which stands what is looked for, where an address must not say it, until it is shown."""
KEPT = "kept"
"""The key of the session under which a refused form stands until its page has shown it again."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads a page, what they may do, and for which company."""

    actor: Actor
    roles: tuple[str, ...]
    company: parties.Company
    companies: tuple[parties.Company, ...]

    @property
    def name(self) -> str:
        return self.actor.name


class Request(HttpRequest):
    """A request of somebody who has entered."""

    reader: Reader
    htmx: Any
    nodes: Any
    """The company's, once a scan has asked for them."""
    given: list[Any] | None = None
    """What the commands of a form answered; None where none was asked."""
    misread: str = ""
    """The field of a form that could not be read."""
    job: UUID | None = None
    """What a form's command was left to, where nobody waits for it: it is for many rows, or about the whole house."""


class Undo(NamedTuple):
    """The form that takes back what was done: the command behind it, its address, and its fields."""

    needs: str
    address: str
    fields: list[tuple[str, str]]


def console(
    view: Callable[Concatenate[Request, P], HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """A page of the console: for people who have entered and have a role; written in their locale and zone."""

    @wraps(view)
    def call(request: Request, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        one = reading_of(request)
        answers.begin(_acted(request))
        with fmt.read_by(one), timezone.override(one.zone):
            request.reader = _reader(request)
            if _is_kept_out(request):
                return redirect("own")
            if not request.reader.companies and _here(request) not in FOR_EMPTY:
                return _empty_house(request)
            if _has_mail(request):
                return _looked_for(request)
            _is_own(request, kwargs.get("which"))
            try:
                response = view(request, *args, **kwargs)
            except NotPermitted as refused:  # before a command was asked: a page says it as where one was
                raise PermissionDenied(words.refusal(refused)) from refused
        guard(response)
        patch_vary_headers(response, ["Cookie", "Accept-Language", "HX-Request"])
        return response

    @wraps(view)
    def entered(request: Request, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        return call(request, *args, **kwargs) if doors.is_in(request) else _to_the_door(request)

    return entered


def _to_the_door(request: Request) -> HttpResponseBase:
    """Whoever is out enters first, and comes to the page again that they were on: a form is sent anew from there, and
    part of a page is not put into the place of another."""
    if request.htmx:
        response = HttpResponse()
        where = redirect_to_login(request.htmx.current_url_abs_path or "/")
        response["HX-Redirect"] = where["Location"]
        guard(response)
        patch_vary_headers(response, ["Cookie", "HX-Request"])
        return response
    if request.method in ("GET", "HEAD"):
        return redirect_to_login(request.get_full_path())
    if referrer := _sent_from(request):
        return redirect_to_login(referrer)
    steps = request.path.split("/")
    above = ("/".join([*steps[:n], ""]) for n in range(len(steps) - 1, 0, -1))
    return redirect_to_login(came_from(request, next(one for one in above if _is_shown(request, one))))


def _sent_from(request: HttpRequest) -> str:
    """The page of ours that a form stands on; '' where the browser does not say, or no address shows it: an answer to
    another form is none."""
    _, host, path, query, _ = urlsplit(request.headers.get("Referer", ""))
    is_ours = host == request.get_host() and url_has_allowed_host_and_scheme(path, allowed_hosts=None)
    return (f"{path}?{query}" if query else path) if is_ours and _is_shown(request, path) else ""


def _is_shown(request: HttpRequest, path: str) -> bool:
    """Whether an address shows a page: some take forms alone. Whoever is out gets no further than the door there."""
    asked = copy(request)
    asked.method = "GET"
    asked.user = AnonymousUser()
    try:
        found = resolve(path)
        answer: HttpResponseBase = found.func(asked, *found.args, **found.kwargs)
    except Exception:  # noqa: BLE001  whatever is wrong there, nobody is led to it
        return False
    return answer.status_code != HTTPStatus.METHOD_NOT_ALLOWED


FOR_ALL = frozenset(
    {"own", "own-password", "own-factor", "own-factor-confirm", "own-factor-remove", "own-session-end"}
)
"""Addresses that are open also to who must set up a second factor first."""


def _here(request: HttpRequest) -> str:
    """The name of the address that is asked for."""
    return (request.resolver_match and request.resolver_match.url_name) or ""


def _is_kept_out(request: Request) -> bool:
    """Whether whoever asks has to set up a second factor before anything else."""
    return _here(request) not in FOR_ALL and doors.must_have_factor(
        request, everything=request.reader.actor.everything
    )


NOWHERE = parties.Company(0, "", "", "", "")
"""The company of a house that has none yet: no row is its own."""
FOR_EMPTY = FOR_ALL | {"company-add"}
"""Addresses that are there also in a house without a company."""


def _empty_house(request: Request) -> HttpResponse:
    """What stands at every other address while there is no company: for who may, the form that sets up the first."""
    may = request.reader.actor.may("ledger.set_up_companies")
    response = render(request, "web/empty_house.html", {"may": may, "kept": kept(request)})
    guard(response)
    return response


FINDS_BUYERS = frozenset({"orders", "returns", "taxes", "store-credits", "listed-buyers"})
"""Addresses whose `q` somebody may fill with a mail address; elsewhere a code of goods may have an @."""


def _has_mail(request: Request) -> bool:
    return request.method == "GET" and "@" in request.GET.get("q", "") and _here(request) in FINDS_BUYERS


def _looked_for(request: Request) -> HttpResponse:
    """A mail address is looked for by the search, whose address does not say it. Our pages send it there in a form;
    this is for browsers without scripts, and for links that others made."""
    request.session[SOUGHT] = clean(request.GET.get("q"))
    if request.htmx:
        response = HttpResponse()
        response["HX-Redirect"] = reverse("search")
        return response
    return redirect("search")


def _acted(request: HttpRequest) -> datetime:
    """When whoever asks last did something; long ago where they have done nothing since they entered."""
    return datetime.fromisoformat(request.session.get(ACTED, "0001-01-01T00:00:00+00:00"))


def _is_own(request: Request, which: object) -> None:
    """What another company has is not there: whatever the address names, and whatever a form does."""
    named = [which] if isinstance(which, UUID) else []
    posted = (text.partition("/")[0] for name in request.POST for text in request.POST.getlist(name))
    if owners.others([*named, *ids_in(posted)], company=request.reader.company.id):
        raise Http404


def source_of(request: HttpRequest) -> str:
    """The address that a request came from; behind our proxy, the one that the proxy saw."""
    told = request.META.get("HTTP_X_FORWARDED_FOR", "") if settings.BEHIND_TLS else ""
    return told.rpartition(",")[2].strip() or request.META.get("REMOTE_ADDR", "")


def reading_of(request: HttpRequest) -> fmt.Reading:
    """How whoever asks for a page reads."""
    return fmt.Reading(
        fmt.locale_of(request.headers.get("Accept-Language", ""), request.COOKIES.get(LANGUAGE, "")),
        fmt.zone_of(request.COOKIES.get("zone")),
        timezone.now(),
    )


def guard(response: HttpResponseBase) -> None:
    """A page of ours is its reader's, and asked for anew each time."""
    response.headers.setdefault("Cache-Control", "private, no-cache")


def _reader(request: HttpRequest) -> Reader:
    actor = access.actor_of(request.user)  # type: ignore[arg-type]
    if not actor.roles and not actor.everything and not actor.permissions:
        raise PermissionDenied(gettext("You have no role yet. Ask an administrator to give you one."))
    known = parties.companies()
    companies = tuple(one for one in known if actor.is_of(one.id))
    if known and not companies:
        raise PermissionDenied(gettext("You belong to no company that is here. Ask an administrator."))
    chosen = request.session.get(COMPANY)
    first = companies[0] if companies else NOWHERE
    company = next((one for one in companies if one.id == chosen), first)
    return Reader(actor, tuple(sorted(actor.roles)), company, companies)


def page(
    request: Request, template: str, context: dict[str, Any], *, area: str, status: int = 200
) -> HttpResponse:
    """Render a page of an area of the console."""
    around: dict[str, Any] = {
        "reader": request.reader,
        "area": area,
        "ended": ENDED,
        "told_at": answers.oldest(),
    }
    if not request.htmx:
        around |= _frame(request, area) | {"was_refused": kept(request), "kept": kept(request)}
    if listing := context.get("listing"):
        around |= _of_list(request, listing)
    return render(request, template, {**around, **context}, status=status)


def _frame(request: Request, area: str) -> dict[str, Any]:
    """What stands around a whole page: the areas, those at hand on a phone, and the tabs."""
    reader, here = request.reader, _here(request)
    own, near, is_live = area_of(here), at_hand(reader.roles), "X-Live" in request.headers
    return {
        "waits": _waits(reader), "areas": AREAS, "near": near, "here": here, "area": own.name if own else area,
        "further": [one for one in AREAS if one.name not in near],
        "tabs": tabs_beside(here, reader.actor.may), "undo": None if is_live else _undo_left(request),
        "is_live": is_live, "renewed_s": RENEWED_S.get(here),
    }  # fmt: skip


def _of_list(request: Request, listing: Listing) -> dict[str, Any]:
    """The columns that the reader left out, the order, and the views of the list; no views for further rows alone."""
    shown, reader = request.GET.getlist("show"), request.reader
    left_out = {name for name in listing.columns if name not in shown} if shown else set()
    around = {"left_out": left_out, "order": listing.ordered(clean(request.GET.get("sort")))}
    if request.htmx and request.GET.get("after"):
        return around
    views = access.views(reader.company.id, listing.name, reader.name, reader.roles)
    return around | {"saved_views": views, "orders_told": _orders_told(listing)}


def _orders_told(listing: Listing) -> list[tuple[str, str]]:
    """The orders that a list can be put in, each both ways, in words."""
    heads = [one for one in listing.heads if one.by]
    ways = (("", gettext("%(column)s, up")), ("-", gettext("%(column)s, down")))
    return [(f"{sign}{one.by}", told % {"column": one.title}) for one in heads for sign, told in ways]


def _waits(reader: Reader) -> int:
    """Returns and refunds that wait for the reader: what the navigation counts."""
    inspects = any(map(reader.actor.may, ("returns.inspect", "returns.dispose")))
    approves = reader.actor.may("returns.approve_refunds")
    if not inspects and not approves:
        return 0
    found = pages.returns_waiting(company=reader.company.id)
    return inspects * found.tasks + approves * found.refunds


def cause_of(request: Request, reason: str = "") -> Cause:
    """The Cause of what a person does now."""
    return Cause(request.reader.actor, timezone.now(), reason)


def file_of(content: bytes, type_: str, name: str, *, shown: bool = True) -> HttpResponse:
    """A file that somebody sent us, as it was sent: the browser may show or keep it, and do nothing else with it."""
    response = HttpResponse(content, content_type=type_)
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Content-Disposition"] = f'{"inline" if shown else "attachment"}; filename="{name}"'
    return response


def give(
    request: Request,
    command: Callable[..., list[Any]],
    requests: Sequence[Any],
    done: Callable[[int], str],
    *,
    reason: str = "",
    names: Sequence[str] = (),
    known: Callable[[Any], str] | None = None,
    undo: Callable[[list[Any]], Undo | None] | None = None,
    long: bool = False,
) -> list[Any]:
    """Call one command for a form and say on the next page what became of it, of each by its name where given.

    `known` says of an answer that is not `fresh` what was there already: it is not told as done.
    `long` says that its person would wait for some seconds: it is left to the worker as many rows are.
    `undo` is told the requests that were done with their answers, and says what takes them back, if anything does.
    """
    if not requests:
        request.given = getattr(request, "given", None) or []
        messages.info(request, gettext("Nothing was selected, so nothing was done."))
        return []
    if (long or is_many(len(requests))) and (
        left := _left_to_worker(request, command, requests, reason, names)
    ):
        return [left]
    results = command(cause_of(request, reason), requests=requests)
    request.given = [*(getattr(request, "given", None) or ()), *results]
    request.session[ACTED] = timezone.now().isoformat()
    refusals = {i: one for i, one in enumerate(results) if isinstance(one, Refused)}
    refusals = dict(zip(refusals, named(request.reader.company.id, list(refusals.values())), strict=True))
    left_out = set(refusals)
    if known is not None:
        again = {i: known(one) for i, one in enumerate(results) if i not in refusals and not one.fresh}
        for text in again.values():
            messages.info(request, text)
        left_out |= again.keys()
    if len(left_out) < len(results):
        told = [pair for i, pair in enumerate(zip(requests, results, strict=True)) if i not in left_out]
        way_back = undo(told) if undo is not None else None
        offered = way_back is not None and _offer(request, way_back)
        messages.success(request, done(len(told)), extra_tags=UNDO if offered else "")
    _say(
        request,
        [f"{names[i]}: {words.refusal(one)}" if names else words.refusal(one) for i, one in refusals.items()],
    )
    return results


def is_many(rows: int) -> bool:
    """Whether what is done to so many rows is left to the worker."""
    return rows > AT_ONCE


def _left_to_worker(
    request: Request,
    command: Callable[..., list[Any]],
    requests: Sequence[Any],
    reason: str,
    names: Sequence[str],
) -> jobs.JobNow | None:
    """Have the worker give a command in the name of the reader; None where they may not give it."""
    name = next(name for name, one in commands.items() if one is command)
    if not request.reader.actor.may(name):
        return None
    about = tuple(names) or tuple(_about(one) for one in requests)
    asked = jobs.AskJob(request.reader.company.id, name, tuple(requests), about, reason)
    (left,) = jobs.ask_jobs(as_oneself(cause_of(request, reason)), requests=[asked])
    assert isinstance(left, jobs.JobNow)
    request.session[ACTED] = timezone.now().isoformat()
    request.job = left.job
    return left


def _about(asked: Any) -> str:
    """The document that a request is about: the first key that it names."""
    values = (getattr(asked, field.name) for field in fields(asked))
    return next((str(one) for one in values if isinstance(one, UUID)), "")


def _offer(request: Request, undo: Undo) -> bool:
    """Keep an undo for the next page, where the reader may give its command."""
    if request.reader.actor.may(undo.needs):
        request.session[UNDO] = {"address": undo.address, "fields": undo.fields}
        return True
    return False


def _undo_left(request: Request) -> dict[str, Any] | None:
    found: dict[str, Any] | None = request.session.get(UNDO)
    if found is not None:
        del request.session[UNDO]
    return found


def _say(request: Request, refusals: Sequence[str]) -> None:
    sentences = list(dict.fromkeys(refusals))
    for sentence in sentences[:REFUSALS_SHOWN_MAX]:
        messages.error(request, sentence)
    rest = len(sentences) - REFUSALS_SHOWN_MAX
    if rest > 0:
        messages.error(
            request, ngettext("%(n)s more was refused.", "%(n)s more were refused.", rest) % {"n": rest}
        )


def misread(request: HttpRequest, field: str, text: str) -> None:
    """Say that a field of a form could not be read: `back` leads to it."""
    request.given, request.misread = [], field  # type: ignore[attr-defined]
    messages.error(request, text)


def is_too_many(request: HttpRequest, field: str, found: int, most: int) -> bool:
    """Whether more files were chosen than are taken at once: it is said, and none of them is to be kept."""
    if found <= most:
        return False
    text = gettext(
        "At most %(most)s files are taken at once, and %(found)s were chosen. None of them is kept."
    )
    misread(request, field, text % {"most": most, "found": found})
    return True


def back(
    request: HttpRequest, otherwise: str, results: Sequence[Any] | None = None, *, field: str = ""
) -> HttpResponse:
    """To the page that the form came from, where it is one of ours.

    What was left to the worker is shown how far it is. Where some of the `results` are refusals, or there is none, that
    page gets the form as it was filled in; a form that was refused as a whole stays on the page where it was sent,
    wherever it would have led. `field` is the one that could not be read, where no command was asked. Without `results`
    they are what `give` was answered, if it was asked.
    """
    if job := getattr(request, "job", None):
        return redirect("job", which=job)
    target = came_from(request, otherwise)
    if results is None:
        results = getattr(request, "given", None)
    if results is not None:
        refusals = [one for one in results if isinstance(one, Refused)]
        if refusals or not results:
            is_whole = len(refusals) == len(results)
            target = (is_whole and _sent_from(request)) or target
            field = field or getattr(request, "misread", "")
            _keep(request, target, refusals[0] if refusals else None, field, is_whole=is_whole)
    return redirect(target)


def anew(request: HttpRequest, target: str) -> HttpResponse:
    """To a page that has another form of this kind, filled in as this one was."""
    _keep(request, target, None, "", is_whole=False)
    return redirect(target)


def came_from(request: HttpRequest, otherwise: str) -> str:
    """The page that a form came from, where it is one of ours."""
    target = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return target if is_ours else otherwise


def _keep(request: HttpRequest, target: str, refused: Refused | None, field: str, *, is_whole: bool) -> None:
    assert request.resolver_match
    said = {
        name: _storable(str(text)).strip()[:KEPT_MAX]
        for name, text in request.POST.items()
        if name not in NOT_KEPT
    }
    request.session[KEPT] = {
        "page": urlsplit(target).path, "form": request.resolver_match.url_name, "address": request.path,
        "refused": refused.code if refused else "", "whole": is_whole, "fields": said,
        "field": _refused_field(refused, request.POST) if refused else field,
    }  # fmt: skip


def _refused_field(refused: Refused, said: QueryDict) -> str:
    """The field of a form that a refusal is about: the one that it names, or the only one that says what it found; ''
    where none is. Of a field for each row none is told apart, and a bare number may stand anywhere."""
    if told := words.named(str(refused.facts.get("field", ""))):
        return told if told in said else IN_FORMS.get(told, told)
    found = {
        name: str(fact) for name, fact in refused.facts.items() if name in FOUND and fact not in ("", None)
    }

    def says(name: str, text: str) -> bool:
        return text in found.values() and (found.get(name) == text or not _is_number(text))

    saying = [name for name, (text, *more) in said.lists() if not more and says(name, text.strip())]
    return saying[0] if len(saying) == 1 else ""


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).replace(",", "", 1).removeprefix("-").isdecimal()


IN_FORMS = {"quantity": "units", "entry": "value"}
"""Fields of commands that forms call otherwise."""
FOUND = frozenset({"found", "wanted", "text", "code", "sku", "barcode"})
"""Facts of a refusal that say what was found in a field; others tell how the house stands."""


NOT_KEPT = ("csrfmiddlewaretoken", "next")
KEPT_MAX = 50_000
"""Characters of a field that stand there again: lines that were pasted too."""


def kept(request: HttpRequest) -> dict[str, Any]:
    """The form that was refused on this page just now: `form`, its `address`, `refused` (a code), the `field` that it
    is about, where there is one, whether it was refused as a `whole`, `fields`; {} where none was. Whatever asks within
    one request gets the same."""
    found: dict[str, Any]
    if (found := getattr(request, "kept_form", {})) or "X-Live" in request.headers:
        return found
    found = request.session.get(KEPT, {})
    if found.get("page") != request.path:
        return {}
    del request.session[KEPT]
    request.kept_form = found  # type: ignore[attr-defined]
    return found


# ---- what a form or an address may say


TEXT_MAX = 200
BIGINT_MAX = 2**63 - 1
MINOR_MAX = 10**15


def units_in(request: HttpRequest) -> list[tuple[UUID, int]]:
    """Units by line, as the fields `units-<line>` say; 0 and nothing leave a line out."""
    found = []
    for name, text in request.POST.items():
        line = uuid_in(name.removeprefix("units-")) if name.startswith("units-") else None
        units = int_in(str(text))
        if line and units:
            found.append((line, units))
    return found


def clean(text: str | None) -> str:
    """Text that somebody typed: without what no database can keep, and not without end."""
    return _storable(text).strip()[:TEXT_MAX]


def searched(request: HttpRequest) -> tuple[str, bool]:
    """What somebody looks for, and whether it was sent in a form: a mail address does not belong into the address of a
    page, which stands in the logs of proxies and the history of browsers."""
    if sought := request.session.pop(SOUGHT, ""):
        return sought, True
    is_sent = request.method == "POST"
    return clean((request.POST if is_sent else request.GET).get("q")), is_sent


def verbatim(text: str | None) -> str:
    """As `clean`, with the blanks around it: they count where it is looked for in other text. Blanks alone are none."""
    return (_storable(text) if (text or "").strip() else "")[:TEXT_MAX]


def _storable(text: str | None) -> str:
    return (text or "").replace("\x00", "").encode("utf-8", "ignore").decode()


def uuid_in(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None


def ids_in(texts: Iterable[str]) -> list[UUID]:
    """The keys among what a form sent, each once."""
    return list(dict.fromkeys(found for text in texts if (found := uuid_in(text))))


class RowIn(NamedTuple):
    """A row that a box of a form names, as document/number/what else its page said of it."""

    document: UUID
    number: int
    also: str


def rows_in(request: HttpRequest) -> list[RowIn]:
    """The rows that the boxes of a form name, each once."""
    found: dict[tuple[UUID, int], RowIn] = {}
    for text in request.POST.getlist("row"):
        document, number, also, *_ = *text.split("/", 2), "", ""
        which, place = uuid_in(document), int_in(number)
        if which and place is not None:
            found.setdefault((which, place), RowIn(which, place, also))
    return [*found.values()]


def names_of(rows: Sequence[RowIn], shown: Mapping[tuple[UUID, int], str]) -> list[str]:
    """What rows are called when they are refused, as their page shows them by document and number; one that it shows no
    more by its number alone."""
    return [shown.get((one.document, one.number), f"{one.number}") for one in rows]


def int_in(text: str | None, *, most: int = BIGINT_MAX) -> int | None:
    """A whole number from 0 to `most`, which a bigint can hold."""
    if not text or not text.isascii() or not text.isdigit():
        return None
    found = int(text[:20])
    return found if found <= most else None


def decimal_in(text: str | None) -> Decimal | None:
    """A number as the reader writes it; None where it is none, or one that can't be computed with."""
    try:
        found = parse_decimal(clean(text), locale=fmt.reading().locale, strict=True)
        return found if abs(found).is_finite() else None  # `NaN` and `Infinity` are numbers to babel
    except (NumberFormatError, ArithmeticError):
        return None


def minor_in(text: str | None, currency: str) -> int | None:
    """An amount as the reader writes it, in minor units; None where it is none, or has too many digits."""
    found = decimal_in(text)
    if found is None or abs(found) > MINOR_MAX:
        return None
    minor = found.scaleb(money.exponent(currency))
    return int(minor) if minor == minor.to_integral_value() and abs(minor) <= MINOR_MAX else None


def amounts_in(request: HttpRequest, field: str, currency: str) -> tuple[int, ...] | None:
    """The amounts of a text, one on each line, in minor units; None where one is none, which is said."""
    said = [text for text in request.POST.get(field, "").splitlines() if text.strip()]
    amounts = [minor_in(text, currency) for text in said]
    for text, amount in zip(said, amounts, strict=True):
        if amount is None:
            told = gettext("An amount in %(currency)s is expected on each line, found %(found)s.")
            messages.error(request, told % {"currency": currency, "found": clean(text)})
            return None
    return tuple(one for one in amounts if one is not None)


def day_in(text: str | None) -> date | None:
    """A day written as 2011-03-09."""
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None


def moment_in(text: str | None, zone: tzinfo | None = None) -> datetime | None:
    """A moment with its zone, as our own pages write it; without one it is that of `zone`, where that is given."""
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    found = found if found.tzinfo else found.replace(tzinfo=zone)
    return found if found.tzinfo else None


def beginning_in(text: str | None) -> datetime:
    """The beginning of a later day, in the reader's zone; of none, or of a day that has begun, the next second.

    What comes into force "at once" does so a moment after it is decided: a version does not change the past.
    """
    reading, day = fmt.reading(), day_in(text)
    if day and day > reading.now.astimezone(reading.zone).date():
        return datetime.combine(day, time.min, reading.zone)
    return timezone.now() + timedelta(seconds=1)


def month_in(text: str | None) -> date | None:
    """A month written as 2011-03."""
    try:
        return date.fromisoformat(f"{text or ''}-01")
    except ValueError:
        return None
