"""Inspecting what came back, with a scanner: the thing, its grade at one tap, and what is done with it at another."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from entrepot.kernel.errors import Refused, Said
from entrepot.returns import inspection_queries, queries, rules
from entrepot.returns.commands.dispose import OVERRIDES, Dispose, dispose
from entrepot.returns.commands.inspect import Inspect, inspect
from entrepot.warehouse.rules import SERIAL_MAX
from entrepot.web.edge import Request, console
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
from entrepot.web.words import sentence, word
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
    task = next((row for row in _tasks(request) if which in (row.inspection, row.receipt)), None)
    if task is None:
        return over(request, "inspect", which, COMMANDS, "scan-inspect")
    subject = task.inspection or task.receipt
    if subject != which and request.method != "POST":
        return redirect("scan-inspect-one", subject)
    at = progress(request, "inspect", subject)
    left = [] if task.inspection or task.serial else inspection_queries.serials_left(task.receipt)
    if left and at.tokens:
        task = replace(task, quantity=1, serial=at.tokens[-1])

    def screen() -> Screen:
        if left and not at.tokens:
            return _number(task)
        may = request.reader.actor.may(OVERRIDES)
        others = [one for one in rules.DISPOSITIONS if one != task.proposed]
        return (
            _disposition(task, others if may else [])
            if task.inspection
            else replace(_grade(task), can_undo=bool(left))
        )

    def decide(scan: Scan, key: str) -> Outcome:
        if left and not at.tokens:
            return _read(request, task, left, at, scan, key)
        return (
            _dispose(request, task, scan, key) if task.inspection else _inspect(request, task, at, scan, key)
        )

    if request.method == "POST":
        return hear(request, at, COMMANDS, screen, decide)
    return show(request, screen())


def _facts(task: queries.Task) -> tuple[tuple[str, str], ...]:
    says = word(rules.REASONS[task.reason].says if task.reason in rules.REASONS else task.reason)
    facts = (
        (gettext("Return"), task.number), (gettext("Bin"), task.bin), (gettext("Serial"), task.serial),
        (gettext("Lot"), task.lot), (gettext("They say"), f"{says} {task.note}".strip()),
    )  # fmt: skip
    return tuple((label, value) for label, value in facts if value)


def _number(task: queries.Task) -> Screen:
    return Screen(
        task.number, gettext("Scan its serial number"), task.sku_code, task.name, facts=_facts(task),
        scans=gettext("Serial number"), at=str(task.receipt), back="scan-inspect",
    )  # fmt: skip


def _grade(task: queries.Task) -> Screen:
    taps = tuple(Tap(f"={grade}", f"{grade} · {sentence(words)}") for grade, words in rules.GRADES.items())
    return Screen(
        task.number, gettext("What is it like?"), f"{task.quantity} × {task.sku_code}", task.name,
        facts=_facts(task), taps=taps, at=str(task.receipt), back="scan-inspect",
    )  # fmt: skip


def _disposition(task: queries.Task, others: list[str]) -> Screen:
    taps = [Tap(f"={task.proposed}", sentence(task.proposed), "main")]
    taps += [Tap(f"={one}", sentence(one), "quiet") for one in others]
    return Screen(
        task.number, gettext("Grade %(grade)s. Proposed:") % {"grade": task.grade}, word(task.proposed),
        f"{task.quantity} × {task.sku_code} · {task.name}", note=sentence(task.why), facts=_facts(task),
        taps=tuple(taps), at=str(task.inspection), back="scan-inspect",
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


def _inspect(request: Request, task: queries.Task, at: Progress, scan: Scan, key: str) -> Outcome:
    grade = scan.text.removeprefix("=")
    wrong = _wrong(task, scan)
    if wrong:
        return wrong
    if grade not in rules.GRADES and (told := _not_asked(task, scan)):
        return told
    if grade not in rules.GRADES:
        return errors.ScanOutOfTurn(scanned=scan.shown, wanted=gettext("a grade: one of the buttons"))
    if at.tokens:
        asked = Inspect(task.receipt, 1, grade, serial=task.serial, key=key)
        answer = finish(request, at, inspect, asked)
    else:
        answer = give_one(request, inspect, Inspect(task.receipt, task.quantity, grade, key=key))
    return answer if isinstance(answer, Refused) else redirect("scan-inspect-one", answer.inspection)


def _dispose(request: Request, task: queries.Task, scan: Scan, key: str) -> Outcome:
    chosen = scan.text.removeprefix("=")
    wrong = _wrong(task, scan)
    if wrong:
        return wrong
    if told := _not_asked(task, scan):
        return told
    if chosen not in rules.DISPOSITIONS or task.inspection is None:
        return errors.ScanOutOfTurn(scanned=scan.shown, wanted=gettext("one of the buttons"))
    reason = "" if chosen == task.proposed else gettext("decided by the inspector with the goods in hand")
    wanted = Dispose(task.inspection, task.quantity, chosen, reason=reason, key=key)
    answer = give_one(request, dispose, wanted)
    if isinstance(answer, Refused):
        return answer
    messages.success(request, gettext("%(code)s: %(what)s.") % {"code": task.sku_code, "what": word(chosen)})
    return redirect("scan-inspect")
