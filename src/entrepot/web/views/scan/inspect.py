"""Inspecting what came back, with a scanner: the thing, its grade at one tap, and what is done with it at another."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_http_methods

from entrepot.kernel.errors import Refused, Said
from entrepot.returns import inspection_queries, photos, queries, rules
from entrepot.returns.checklists import Question, answered
from entrepot.returns.commands.add_photos import AddPhoto, add_photos
from entrepot.returns.commands.dispose import OVERRIDES, Dispose, dispose
from entrepot.returns.commands.inspect import Inspect, inspect
from entrepot.warehouse.rules import SERIAL_MAX
from entrepot.web.edge import Request, cause_of, clean, console
from entrepot.web.views.scan.screen import (
    Choice,
    Outcome,
    Progress,
    Screen,
    Tap,
    finish,
    give_one,
    hear,
    keep,
    node_of,
    over,
    progress,
    show,
)
from entrepot.web.words import refusal, sentence, word
from entrepot.work import errors
from entrepot.work.scanning import Keep, Scan, astray

COMMANDS = ("returns.inspect", "returns.dispose")
LOOKED_THROUGH = 200
SHOWN = 20


def _tasks(request: Request) -> list[queries.Task]:
    node = node_of(request)
    return queries.tasks(request.reader.company.id, node=node.code, limit=LOOKED_THROUGH) if node else []


@require_http_methods(["GET", "HEAD", "POST"])
@console
def waiting(request: Request) -> HttpResponse:
    """What waits for an inspector; a scan of a return, an order, a SKU or a serial opens it."""
    rows = _tasks(request)

    def screen() -> Screen:
        return Screen(
            gettext("Inspect returns"),
            gettext("Scan what you look at") if rows else gettext("Nothing waits for inspection"),
            note="" if rows else gettext("It appears here when returned goods are received."),
            choices=tuple(_choice(one) for one in rows[:SHOWN]),
            scans=gettext("Return, item or serial"),
        )

    if request.method == "POST":
        at = Progress("inspect jobs", UUID(int=0), (), 0)
        return hear(request, at, (), screen, lambda scan, _: _open(request, rows, scan))
    return show(request, screen())


def _address(one: queries.Task) -> str:
    return reverse("scan-inspect-one", args=[one.inspection or one.receipt])


def _choice(one: queries.Task) -> Choice:
    return Choice(_address(one), f"{one.quantity} × {one.sku_code}", f"{one.number} · {one.bin}")


def _open(request: Request, rows: list[queries.Task], scan: Scan) -> Outcome:
    codes = {item.code for item in scan.items}
    text = scan.text.casefold()
    # A number opens the return with whose order it left: in another of the SKU it would be a swap.
    numbered = inspection_queries.left_with(
        scan.serial or scan.text, [one.receipt for one in rows if not one.inspection and not one.serial]
    )
    for one in sorted(rows, key=lambda one: one.receipt not in numbered):
        names = {one.number.casefold(), one.order_number.casefold(), one.serial.casefold()} - {""}
        if text in names or one.sku_code in codes or one.receipt in numbered:
            return redirect(_address(one))
    before = queries.returns_page(request.reader.company.id, text=scan.text.upper(), limit=1)
    inspected = {one.number for one in before if one.state in ("inspected", "closed")}
    return astray(scan, gettext("something that waits for inspection"), ("item", "name"), inspected)


@require_http_methods(["GET", "HEAD", "POST"])
@console
def one(request: Request, which: UUID) -> HttpResponse:
    """The grade of a receipt's units, one by one where they left with serial numbers, or what is done with those of an
    inspection."""
    task = _named(_tasks(request), which)
    if task is None:
        return over(request, "inspect", which, COMMANDS, "scan-inspect")
    subject = task.inspection or task.receipt
    if subject != which and request.method != "POST":
        return redirect("scan-inspect-one", subject)
    at = progress(request, "inspect", subject)
    if request.method == "POST" and request.FILES:
        return _photographed(request, task)
    step = _disposing(request, task, at) if task.inspection else _looking(request, task, at)
    if request.method == "POST":
        return hear(request, at, COMMANDS, step.screen, step.decide)
    return show(request, step.screen())


def _named(rows: list[queries.Task], which: UUID) -> queries.Task | None:
    """The units of an address: of a receipt those that nobody has looked at, else those of an inspection of it."""
    own = (row for row in rows if which == (row.inspection or row.receipt))
    return next(own, next((row for row in rows if row.receipt == which), None))


class _Step(NamedTuple):
    """What is shown, and what is made of a scan."""

    screen: Callable[[], Screen]
    decide: Callable[[Scan, str], Outcome]


PART, LOT, ANSWER, INSTEAD = "#", "~", "?", "!"
"""With what is remembered begins: how many of the units are meant, the lot on them, an answer, another disposition."""
SOME = "=some"
NO_LOT = "=no lot"
SKIP = "=="
"""With this, and the code of its question, a button says that there is no answer."""
LOT_MAX = 100
TAPS_MOST = 9
"""Numbers of units that have buttons; more are typed."""


class _Said(NamedTuple):
    """What was said of units so far: the number on the one in hand, how many are meant ('' while that is asked for),
    the lot on them ('' where none is to be read), and the answers by question."""

    serial: str | None
    part: str | None
    lot: str | None
    answers: dict[str, str]


def _said(tokens: Sequence[str], *, numbered: bool) -> _Said:
    serial, rest = (tokens[0], tokens[1:]) if numbered and tokens else (None, tokens)
    parts = [one[1:] for one in rest if one.startswith(PART)]
    lots = [one[1:] for one in rest if one.startswith(LOT)]
    answers = (one[1:].partition(" ") for one in rest if one.startswith(ANSWER))
    return _Said(
        serial, parts[-1] if parts else None, lots[-1] if lots else None,
        {code: text for code, _, text in answers},
    )  # fmt: skip


def _looking(request: Request, task: queries.Task, at: Progress) -> _Step:
    """What is asked of units that nobody has looked at: the number on one, or how many are alike, and then of these."""
    left = [] if task.serial else inspection_queries.serials_left(task.receipt)
    said = _said(at.tokens, numbered=bool(left))
    if left and said.serial is None:
        return _Step(lambda: _number(task), lambda scan, key: _read(request, task, left, at, scan, key))
    if said.serial is not None:
        task = replace(task, quantity=1, serial=said.serial)
    if said.part == "":
        return _Step(lambda: _part(task), lambda scan, _: _units(task, scan))
    many = task.quantity > 1 and said.part is None
    if said.part:
        task = replace(task, quantity=min(int(said.part), task.quantity))
    step = _alike(request, task, at, said)
    return _or_some(step, task.quantity) if many else step


def _alike(request: Request, task: queries.Task, at: Progress, said: _Said) -> _Step:
    """What is asked of units that are alike: the lot on them, what the checklist asks, and the grade."""
    can_undo = bool(at.tokens)
    lots = _lots(task) if said.lot is None else []
    if lots:
        return _Step(
            lambda: replace(_lot(task), can_undo=can_undo),
            lambda scan, key: _read_lot(request, task, lots, at, scan, key),
        )
    task = replace(task, lot=said.lot or task.lot)
    questions = inspection_queries.questions(request.reader.company.id, task.category, timezone.now())
    unasked = next((one for one in questions if one.code not in said.answers), None)
    if unasked:
        return _Step(
            lambda: replace(_question(task, unasked), can_undo=can_undo),
            lambda scan, _: _answer(request, task, unasked, scan),
        )
    return _Step(
        lambda: replace(_grade(task), can_undo=can_undo),
        lambda scan, key: _inspect(request, task, at, said, scan, key),
    )


def _or_some(step: _Step, units: int) -> _Step:
    """The same with a button for who finds that the units differ."""
    button = Tap(SOME, gettext("Only some of the %(n)s") % {"n": units}, "quiet")

    def screen() -> Screen:
        shown = step.screen()
        return replace(shown, taps=(*shown.taps, button))

    return _Step(screen, lambda scan, key: Keep(PART) if scan.text == SOME else step.decide(scan, key))


def _disposing(request: Request, task: queries.Task, at: Progress) -> _Step:
    """What is done with units that were looked at; why, where it is not what the rules propose."""
    instead = next((one[1:] for one in at.tokens if one.startswith(INSTEAD)), "")
    if instead:
        return _Step(
            lambda: _why(task, instead), lambda scan, key: _overridden(request, task, at, instead, scan, key)
        )
    may = request.reader.actor.may(OVERRIDES)
    others = [one for one in rules.DISPOSITIONS if one != task.proposed] if may else []
    return _Step(lambda: _disposition(task, others), lambda scan, key: _dispose(request, task, scan, key))


def _photographed(request: Request, task: queries.Task) -> HttpResponse:
    """Pictures of what was looked at; one byte more than allowed is enough for the refusal."""
    files = request.FILES.getlist("photos")[: photos.PHOTOS_MAX + 1]
    wanted = (
        [AddPhoto(task.inspection, one.read(photos.BYTES_MAX + 1)) for one in files]
        if task.inspection
        else []
    )
    answers = add_photos(cause_of(request), requests=wanted)
    refused = next((one for one in answers if isinstance(one, Refused)), None)
    if refused:
        messages.error(request, refusal(refused))
    kept = sum(not isinstance(one, Refused) for one in answers)
    if kept:
        messages.success(
            request, ngettext("%(n)s photo is kept.", "%(n)s photos are kept.", kept) % {"n": kept}
        )
    return redirect(request.path)


def _facts(task: queries.Task) -> tuple[tuple[str, str], ...]:
    says = word(rules.REASONS[task.reason].says if task.reason in rules.REASONS else task.reason)
    facts = (
        (gettext("Return"), task.number), (gettext("Bin"), task.bin), (gettext("Serial"), task.serial),
        (gettext("Lot"), task.lot), (gettext("Photos"), str(len(task.photos) or "")),
        (gettext("They say"), f"{says} {task.note}".strip()),
    )  # fmt: skip
    return tuple((label, value) for label, value in facts if value)


def _number(task: queries.Task) -> Screen:
    return Screen(
        task.number, gettext("Scan its serial number"), task.sku_code, task.name, facts=_facts(task),
        scans=gettext("Serial number"), at=str(task.receipt), back="scan-inspect",
    )  # fmt: skip


def _lots(task: queries.Task) -> list[str]:
    """The lots that left, where the one that came back is asked for: nobody noted it when it came."""
    return inspection_queries.lots_left(task.receipt) if task.has_lots and not task.lot else []


def _lot(task: queries.Task) -> Screen:
    taps = (Tap(NO_LOT, gettext("There is none to be read"), "quiet"),)
    return Screen(
        task.number, gettext("Scan the lot on it"), f"{task.quantity} × {task.sku_code}", task.name,
        facts=_facts(task), taps=taps, scans=gettext("Lot"), at=str(task.receipt), back="scan-inspect",
    )  # fmt: skip


def _grade(task: queries.Task) -> Screen:
    taps = tuple(Tap(f"={grade}", f"{grade} · {sentence(words)}") for grade, words in rules.GRADES.items())
    return Screen(
        task.number, gettext("What is it like?"), f"{task.quantity} × {task.sku_code}", task.name,
        facts=_facts(task), taps=taps, at=str(task.receipt), back="scan-inspect",
    )  # fmt: skip


def _part(task: queries.Task) -> Screen:
    taps = tuple(Tap(f"={n}", str(n)) for n in range(1, min(task.quantity - 1, TAPS_MOST) + 1))
    return Screen(
        task.number, gettext("How many of them are alike?"), f"{task.quantity} × {task.sku_code}", task.name,
        facts=_facts(task), taps=taps, scans=gettext("A number of units"), at=str(task.receipt), can_undo=True,
        back="scan-inspect",
    )  # fmt: skip


def _question(task: queries.Task, asked: Question) -> Screen:
    written = asked.kind in ("number", "text")
    # A page that was left behind still has its buttons: each says of which question it is.
    taps = () if written else tuple(Tap(f"={asked.code} {one}", sentence(one)) for one in asked.verdicts)
    if not asked.required:
        taps += (Tap(f"{SKIP}{asked.code}", gettext("No answer"), "quiet"),)
    return Screen(
        task.number, asked.asks, f"{task.quantity} × {task.sku_code}", task.name, facts=_facts(task), taps=taps,
        scans=(gettext("A number") if asked.kind == "number" else gettext("The answer")) if written else "",
        at=str(task.receipt), back="scan-inspect",
    )  # fmt: skip


def _why(task: queries.Task, instead: str) -> Screen:
    return Screen(
        task.number, gettext("Why, and not %(proposed)s?") % {"proposed": word(task.proposed)}, word(instead),
        f"{task.quantity} × {task.sku_code} · {task.name}", facts=_facts(task), scans=gettext("Your reason"),
        at=str(task.inspection), can_undo=True, back="scan-inspect",
    )  # fmt: skip


def _disposition(task: queries.Task, others: list[str]) -> Screen:
    taps = [Tap(f"={task.proposed}", sentence(task.proposed), "main")]
    taps += [Tap(f"={one}", sentence(one), "quiet") for one in others]
    return Screen(
        task.number, gettext("Grade %(grade)s. Proposed:") % {"grade": task.grade}, word(task.proposed),
        f"{task.quantity} × {task.sku_code} · {task.name}", note=sentence(task.why), facts=_facts(task),
        taps=tuple(taps), at=str(task.inspection), pictures=",".join(photos.TYPES.values()), back="scan-inspect",
    )  # fmt: skip


def _wrong(task: queries.Task, scan: Scan) -> Refused | None:
    """Why what was scanned is not what is looked at."""
    if scan.items and all(one.code != task.sku_code for one in scan.items):
        return errors.ScanWrongItem(scanned=scan.shown, wanted=task.sku_code)
    if task.serial and scan.serial and scan.serial != task.serial:
        return errors.ScanWrongSerial(scanned=scan.serial, wanted=task.serial)
    if task.lot and scan.lot and scan.lot != task.lot:
        return errors.ScanWrongLot(scanned=scan.lot, wanted=task.lot)
    return None


def _not_asked(task: queries.Task, scan: Scan) -> Refused | str:
    """What is said to a scan where a button is asked for: that it is what is looked at, or that nothing is known of it;
    '' for a button, and for a bin."""
    names = {name.upper() for name in (task.serial, task.number, task.order_number) if name}
    if any(one.code == task.sku_code for one in scan.items) or scan.text.upper() in names:
        return gettext("Yes, it is %(code)s of %(number)s.") % {"code": task.sku_code, "number": task.number}
    if scan.bin or scan.text.startswith("="):
        return ""
    return errors.ScanUnknown(scanned=scan.shown, wanted=task.sku_code)


def _read(
    request: Request, task: queries.Task, left: Collection[str], at: Progress, scan: Scan, key: str
) -> Outcome:
    """The number on the unit in hand, remembered for its grade. One that did not leave is told at once: it may be
    misread, and is a swap otherwise."""
    if scan.text in left:
        return Keep(scan.text)
    number = scan.serial or scan.text
    wanted = Said("its serial number")
    if scan.text.startswith("=") or scan.bin:
        return errors.ScanOutOfTurn(scanned=scan.shown.removeprefix("="), wanted=wanted)
    if wrong := _wrong(task, scan):
        return wrong
    if not scan.serial and isinstance(_not_asked(task, scan), str):
        return errors.ScanUnread(scanned=scan.shown, wanted=wanted)
    if len(number) > SERIAL_MAX:
        return errors.ScanUnknown(scanned=number, wanted=wanted)
    if number in left:
        return Keep(number)
    refused = keep(request, at, (number,), key)
    if refused:
        return refused
    messages.error(
        request,
        gettext(
            "%(serial)s did not leave with this order. Undo it if you misread it, or go on: it is a swap."
        )
        % {"serial": number},
    )
    return redirect(request.path)


def _read_lot(
    request: Request,
    task: queries.Task,
    left: Collection[str],
    at: Progress,
    scan: Scan,
    key: str,
) -> Outcome:
    """The lot on the units in hand, typed or read of a barcode that says it. One that did not leave is told at once."""
    lot, wanted = scan.lot or scan.text, Said("the lot on it")
    if scan.text == NO_LOT or lot in left:
        return Keep(LOT if scan.text == NO_LOT else f"{LOT}{lot}")
    if scan.text.startswith("=") or scan.bin:
        return errors.ScanOutOfTurn(scanned=scan.shown.removeprefix("="), wanted=wanted)
    if wrong := _wrong(task, scan):
        return wrong
    if not scan.lot and isinstance(_not_asked(task, scan), str):
        return errors.ScanUnread(scanned=scan.shown, wanted=wanted)
    if len(lot) > LOT_MAX:
        return errors.ScanUnknown(scanned=lot, wanted=wanted)
    refused = keep(request, at, (*at.tokens, f"{LOT}{lot}"), key)
    if refused:
        return refused
    told = gettext("Lot %(lot)s did not leave with this order. Undo it if you misread it, or go on.")
    messages.error(request, told % {"lot": lot})
    return redirect(request.path)


def _units(task: queries.Task, scan: Scan) -> Outcome:
    """How many units are meant by what is said next."""
    said = scan.text.removeprefix("=")
    if said.isascii() and said.isdigit() and 0 < int(said) < task.quantity:
        return Keep(f"{PART}{int(said)}")
    wanted = Said("1 to {0} units", task.quantity - 1)
    return errors.ScanOutOfTurn(scanned=scan.shown.removeprefix("="), wanted=wanted)


def _answer(request: Request, task: queries.Task, asked: Question, scan: Scan) -> Outcome:
    """An answer to what the checklist asks: a button, or what is typed."""
    if not asked.required and scan.text == f"{SKIP}{asked.code}":
        return Keep(f"{ANSWER}{asked.code} ")
    written, tapped = asked.kind in ("number", "text"), scan.text.startswith("=")
    of, _, text = scan.text.removeprefix("=").partition(" ")
    if tapped and (written or of != asked.code):
        wanted = Said("the answer to this: {0}", asked.asks)
        return errors.ScanOutOfTurn(scanned=text or of.removeprefix("="), wanted=wanted)
    if written:
        text = clean(request.POST.get("scan"))
    elif not tapped:
        return _wrong(task, scan) or _not_asked(task, scan) or _button(scan)
    checked = answered([asked], {asked.code: text})
    return checked if isinstance(checked, Refused) else Keep(f"{ANSWER}{asked.code} {text}")


def _button(scan: Scan) -> Refused:
    return errors.ScanOutOfTurn(scanned=scan.shown, wanted=gettext("one of the buttons"))


def _inspect(
    request: Request, task: queries.Task, at: Progress, said: _Said, scan: Scan, key: str
) -> Outcome:
    grade = scan.text.removeprefix("=")
    wrong = _wrong(task, scan)
    if wrong:
        return wrong
    if grade not in rules.GRADES and (told := _not_asked(task, scan)):
        return told
    if grade not in rules.GRADES:
        return errors.ScanOutOfTurn(scanned=scan.shown, wanted=gettext("a grade: one of the buttons"))
    answers = {code: text for code, text in said.answers.items() if text}
    asked = Inspect(
        task.receipt,
        task.quantity,
        grade,
        answers=answers,
        serial=said.serial or "",
        lot=said.lot or "",
        key=key,
    )
    answer = finish(request, at, inspect, asked) if at.tokens else give_one(request, inspect, asked)
    return answer if isinstance(answer, Refused) else redirect("scan-inspect-one", answer.inspection)


def _dispose(request: Request, task: queries.Task, scan: Scan, key: str) -> Outcome:
    chosen = scan.text.removeprefix("=")
    wrong = _wrong(task, scan)
    if wrong:
        return wrong
    if told := _not_asked(task, scan):
        return told
    if chosen not in (*rules.DISPOSITIONS, task.proposed) or task.inspection is None:
        return _button(scan)
    if chosen != task.proposed:
        return Keep(f"{INSTEAD}{chosen}") if request.reader.actor.may(OVERRIDES) else _button(scan)
    return _done(
        request, task, give_one(request, dispose, Dispose(task.inspection, task.quantity, chosen, key=key))
    )


def _overridden(
    request: Request, task: queries.Task, at: Progress, instead: str, scan: Scan, key: str
) -> Outcome:
    """The inspector's own reason for another way than the rules propose. A barcode is none."""
    assert task.inspection
    if scan.items or scan.bin or scan.text.startswith("="):
        return errors.ScanOutOfTurn(
            scanned=scan.shown.removeprefix("="), wanted=Said("your reason, in words")
        )
    reason = clean(request.POST.get("scan"))
    wanted = Dispose(task.inspection, task.quantity, instead, reason=reason, key=key)
    return _done(request, replace(task, proposed=instead), finish(request, at, dispose, wanted))


def _done(request: Request, task: queries.Task, answer: Any) -> Outcome:
    if isinstance(answer, Refused):
        return answer
    what = word(task.proposed)
    messages.success(request, gettext("%(code)s: %(what)s.") % {"code": task.sku_code, "what": what})
    return redirect("scan-inspect")
