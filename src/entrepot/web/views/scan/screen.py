"""What all scan screens do: show one step, hear a scan once, keep it, and say loud where it is wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext

from entrepot.catalog.barcodes import Unreadable
from entrepot.catalog.commands.report_barcodes import ReportBarcode, report_barcodes
from entrepot.kernel import ids, pictures
from entrepot.kernel import queries as kernel
from entrepot.kernel.command import all_or_none
from entrepot.kernel.errors import Refused, RequestInFlight
from entrepot.network import queries as network
from entrepot.network.rules import local_day
from entrepot.purchasing.errors import UnknownBarcode
from entrepot.stock.errors import SerialElsewhere
from entrepot.warehouse import packing, shelf_queries
from entrepot.warehouse.errors import SerialIsOut
from entrepot.web.edge import Request, cause_of, clean, page
from entrepot.web.views.scan.reading import read
from entrepot.web.words import refusal
from entrepot.work import errors
from entrepot.work import queries as work
from entrepot.work.commands.keep_scans import KeepScans, keep_scans
from entrepot.work.commands.report_scans import ReportScan, report_scans
from entrepot.work.scanning import OF_SERIALS, Keep, Scan, find_of

NODE = "scan_node"
"""The key of the session under which the node stands where somebody works."""
UNDO = "=undo"
REPORT = "=report|"
"""What the button begins with that reports a code; behind it stands the code."""


EVERYWHERE = ("work.keep_scans", "catalog.report_barcodes")
"""The commands that a scan may have come to on any screen, beside those of its flow."""


@dataclass(frozen=True, slots=True)
class Tap:
    """A button that says something instead of a barcode."""

    says: str
    label: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """A task that can be opened by one tap."""

    url: str
    label: str
    note: str = ""


class Goods(NamedTuple):
    """Goods are scanned here, so that a code nobody knows can be reported: the bin or document, and the SKU wanted."""

    place: str = ""
    expected: str = ""
    skus: tuple[UUID, ...] = ()
    """The SKUs that a serial number may be of, where it is read without their barcode."""


@dataclass(frozen=True, slots=True)
class Screen:
    """One step: what is asked (`ask`), of what (`what`, in the largest type), and what may be scanned or tapped."""

    title: str
    ask: str
    what: str = ""
    name: str = ""
    note: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    units: tuple[int, int] | None = None
    steps: tuple[int, int] | None = None
    taps: tuple[Tap, ...] = ()
    choices: tuple[Choice, ...] = ()
    scans: str = ""
    """What the field is for; '' where nothing is scanned."""
    at: str = ""
    can_undo: bool = False
    pictures: str = ""
    """The types of pictures that may be taken of it; '' where none are."""
    back: str = "scan"
    goods: Goods | None = None


class Progress(NamedTuple):
    """What the reader has scanned so far of the task at hand."""

    flow: str
    subject: UUID
    tokens: tuple[str, ...]
    version: int


def node_of(request: Request) -> network.Node | None:
    """The node where the reader works: the one that they chose, or the company's first. 1 statement, once in a
    request: a scan is read, judged and answered by it."""
    if not hasattr(request, "nodes"):
        request.nodes = network.nodes(company=request.reader.company.id)
    nodes = request.nodes
    chosen = request.session.get(NODE)
    return next((one for one in nodes if str(one.id) == chosen), nodes[0] if nodes else None)


def today_of(node: network.Node | None) -> date:
    """The day that it is where somebody works."""
    now = timezone.now()
    return local_day(now, node.time_zone) if node else now.date()


def progress(request: Request, flow: str, subject: UUID) -> Progress:
    found = work.scanned(request.reader.name, flow)
    if found is None or found.subject != subject:
        return Progress(flow, subject, (), 0)
    return Progress(flow, subject, found.scans, found.version)


def show(request: Request, screen: Screen, refused: Refused | None = None) -> HttpResponse:
    """The page of one step; `refused` is what was wrong with the last scan."""
    context: dict[str, Any] = {"screen": screen, "refused": refused, "key": ids.uuid7(), "undo": UNDO}
    if refused and screen.goods and (text := _reportable(request, refused)):
        context |= {"report": REPORT + text, "pictures": ",".join(pictures.TYPES.values())}
    status = 503 if isinstance(refused, RequestInFlight) else 200
    return page(request, "web/scan/screen.html", context, area="scan", status=status)


Outcome = Keep | Refused | HttpResponse | str
"""What a flow makes of a scan: remember it, refuse it, go elsewhere, or say what was done."""


def hear(
    request: Request,
    done: Progress,
    commands: Sequence[str],
    screen: Callable[[], Screen],
    decide: Callable[[Scan, str], Outcome],
) -> HttpResponse:
    """Take one scan: once, however often it is sent. What is wrong is shown on the same step, and changes nothing."""
    key = clean(request.POST.get("key"))
    if not key or kernel.is_answered(key, [*EVERYWHERE, *commands]):
        return redirect(request.path)
    outcome = _outcome(request, done, key, screen, decide)
    if isinstance(outcome, Keep):
        outcome = keep(request, done, (*done.tokens, outcome.token), key) or redirect(request.path)
    if isinstance(outcome, Refused):
        shown = screen()
        _report(request, done.flow, shown, outcome)
        return show(request, shown, outcome)
    if isinstance(outcome, str):
        messages.success(request, outcome)
        return redirect(request.path)
    return outcome


def over(
    request: Request, flow: str, subject: object, commands: Sequence[str], then: str, told: str = ""
) -> HttpResponse:
    """Off a task that is done, to its list. A scan that came for it later, as from another handheld, did nothing, and
    is told so."""
    key = clean(request.POST.get("key"))
    if request.method == "POST" and not (key and kernel.is_answered(key, [*EVERYWHERE, *commands])):
        messages.error(request, refusal(errors.ScanMoved(flow=flow, subject=str(subject))))
    elif told:
        messages.success(request, told)
    return redirect(then)


def _report(request: Request, flow: str, shown: Screen, refused: Refused) -> None:
    """Have a person decide about what was found, where whoever scans can't."""
    text, node = clean(request.POST.get("scan")), node_of(request)
    goods = shown.goods or Goods()
    place = goods.place
    known: tuple[tuple[str, str], ...] = ()
    of_goods = flow == "count" or (flow == "pick" and shown.goods is not None)
    find = SEEN.get(type(refused)) or find_of(refused, text, of_goods=of_goods)
    if find in OF_SERIALS:
        told = {name: str(fact) for name, fact in refused.facts.items()}
        place, text, known = goods.place or shown.title, told.pop("serial"), tuple(told.items())
    if find and node:
        company = request.reader.company.id
        wanted = ReportScan(company, node.id, find, text, flow, refused.message, place, goods.expected, known)
        give_one(request, report_scans, wanted)


TAKEN_OUT = ("count", "pick")
"""Flows in which a code that nobody knows is reported by its scan."""
SEEN: dict[type[Refused], str] = {SerialIsOut: "out", SerialElsewhere: "elsewhere"}
"""What was found, by what the records say of a serial number."""
NOT_THIS_ONE = (errors.ScanWrongSerial, errors.ScanUnknown, errors.ScanOutOfTurn, errors.ScanWrongItem)
"""Refusals after which a serial number may be one that the records know of somewhere else."""


def _seen(goods: Goods | None, scan: Scan, refused: Refused) -> Refused:
    """Why a unit was refused, by what the records say of its serial number: it went to a customer, or stands in another
    bin. 1 statement, where one was read."""
    if goods is None or not isinstance(refused, NOT_THIS_ONE) or scan.bin or scan.text.startswith("="):
        return refused
    serial = scan.serial or ("" if scan.items else scan.text)
    skus = {one.id for one in scan.items} if scan.serial else set(goods.skus)
    if not serial or not skus:
        return refused
    found = packing.elsewhere([(sku, serial) for sku in skus]).values()
    return next((one for one in found if one.facts.get("where") != goods.place), refused)


OF_THE_CODE = (errors.ScanUnknown, errors.ScanWrongItem, UnknownBarcode, Unreadable)
"""Refusals after which the code itself may be to blame."""


def _reportable(request: Request, refused: Refused) -> str:
    """The code that was scanned, where it can be reported; '' where something else is wrong."""
    text = clean(request.POST.get("scan"))
    is_scanned = isinstance(refused, OF_THE_CODE) and not text.startswith("=")
    return text if is_scanned and request.reader.actor.may("catalog.report_barcodes") else ""


def _reported(request: Request, done: Progress, key: str, goods: Goods, text: str) -> Outcome:
    """Make work of a code that somebody says is wrong, with a picture of it where one was taken."""
    node = node_of(request)
    if node is None:
        return errors.ScanUnknown(scanned=text, wanted=gettext("a barcode"))
    photo = request.FILES.get("photo")
    content = photo.read(pictures.BYTES_MAX + 1) if photo else None  # one byte more is enough for the refusal
    wanted = ReportBarcode(
        request.reader.company.id, node.id, text, done.flow, goods.place, goods.expected, content, key
    )
    answer = give_one(request, report_barcodes, wanted)
    if isinstance(answer, Refused):
        return answer
    told = gettext("%(code)s is reported. Put the goods aside and go on.")
    known = gettext("%(code)s was reported before. Put the goods aside and go on.")
    # Who counts or picks has reported it by the scan already: the tap adds what is said or shown beside.
    return (told if answer.fresh or done.flow in TAKEN_OUT else known) % {"code": text}


def _outcome(
    request: Request,
    done: Progress,
    key: str,
    screen: Callable[[], Screen],
    decide: Callable[[Scan, str], Outcome],
) -> Outcome:
    at, text = clean(request.POST.get("at")), clean(request.POST.get("scan"))
    if at and at != str(done.subject):
        return errors.ScanMoved(flow=done.flow, subject=at)
    if not text:
        return errors.ScanUnknown(scanned=gettext("nothing"), wanted=gettext("a barcode"))
    if text == UNDO:
        refused = keep(request, done, done.tokens[:-1], key)
        return refused or gettext("The last scan is taken back.")
    if text.startswith(REPORT):
        return _reported(request, done, key, screen().goods or Goods(), text.removeprefix(REPORT))
    node = node_of(request)
    found = read(request.reader.company.id, node.id if node else None, text, today_of(node))
    if isinstance(found, Refused):
        return found
    outcome = decide(found, key)
    return _seen(screen().goods, found, outcome) if isinstance(outcome, NOT_THIS_ONE) else outcome


def keep(request: Request, done: Progress, tokens: Sequence[str], key: str | None) -> Refused | None:
    """Remember the scans of a task; why they can't be, where that is so."""
    wanted = KeepScans(request.reader.company.id, done.flow, done.subject, tuple(tokens), done.version, key)
    (answer,) = keep_scans(cause_of(request), requests=[wanted])
    return answer if isinstance(answer, Refused) else None


def give_one(request: Request, command: Callable[..., list[Any]], wanted: Any) -> Any:
    """Give one command for a scan; its answer."""
    (answer,) = command(cause_of(request), requests=[wanted])
    return answer


def finish(
    request: Request, done: Progress, command: Callable[..., list[Any]], wanted: Any, then: Sequence[str] = ()
) -> Any:
    """Give the command that the remembered scans come to, and in its transaction forget them, or remember `then` in
    their place: what was done is never at hand to be done again."""
    answers = all_or_none(lambda: give_one(request, command, wanted), lambda: keep(request, done, then, None))
    return answers if isinstance(answers, Refused) else answers[0]


TAKEN_OVER = "taken over"
"""Remembered of whoever scanned the bin of something that another is at."""


def is_warned(done: Progress) -> bool:
    """Whether somebody has been told that another is at it, and has done nothing since."""
    return done.tokens == (TAKEN_OVER,)


def warn(request: Request, done: Progress, person: str, scanned: str, key: str) -> Refused:
    """Say that another is at it; whoever scans the same again takes it over."""
    return keep(request, done, (TAKEN_OVER,), key) or errors.ScanTaken(person=person, scanned=scanned)


LATELY = timedelta(hours=12)
"""Whoever scans what was finished within a shift hears that it is done already, not that it is wrong."""


def brought_of_late(node: network.Node | None, reason: str, scan: Scan) -> set[str]:
    """What of a scan was brought to where it belongs a short while ago."""
    if node is None:
        return set()
    return shelf_queries.brought_of_late(
        node=node.id, reason=reason, since=timezone.now() - LATELY, skus=[one.id for one in scan.items],
        bin_id=scan.bin.id if scan.bin else None, serial="" if scan.items or scan.bin else scan.text,
    )  # fmt: skip


def kind_of(scan: Scan) -> str:
    """The kind of the bin that was scanned."""
    found = shelf_queries.bin_by_id(scan.bin.id) if scan.bin else None
    return found.kind if found else ""
