"""Orders from a file: tried out first, then placed; a file with many rows by the worker, batch by batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from entrepot.channels import queries as channels
from entrepot.channels.commands.import_files import (
    AskImport,
    ImportNow,
    WithdrawImport,
    ask_imports,
    withdraw_imports,
)
from entrepot.channels.commands.save_mapping import SaveMapping, save_mapping
from entrepot.channels.spreadsheet import contract, importer, parse, read, write
from entrepot.kernel.cause import Cause
from entrepot.kernel.errors import NotPermitted, Refused
from entrepot.network import queries as network
from entrepot.web import words
from entrepot.web.edge import Request, cause_of, clean, console, give, page

SHOWN_MAX, REPEATED_MAX = 200, 20
LONG_FROM = 1_000
"""Rows from which a file is left to the worker, reading it too: fewer are read and placed in some seconds."""
FILES_SHOWN = 5
AS_REMEMBERED = "*"
"""Instead of a sheet, where the one that is remembered is not in the file: no sheet can be called so."""


@require_http_methods(["GET", "HEAD", "POST"])
@console
def orders(request: Request) -> HttpResponse:
    """The form, and beneath it what became of its file, which stays in the browser. Nothing of it is kept, unless it is
    long: then what the worker has not come to yet."""
    company = request.reader.company
    context: dict[str, Any] = {"channels": network.channels(company=company.id).values(), "in_form": True}
    if request.method == "POST":
        try:
            answer = _carry_out(request, context)
        except Refused as refused:
            answer, context["refused"] = None, words.refusal(refused)
        if answer is not None:
            return answer
    if not request.htmx:
        context["files"] = channels.file_imports(company.id, limit=FILES_SHOWN)
    template = "web/parts/import_report.html" if request.htmx else "web/order_import.html"
    return page(request, template, context, area="orders")


@require_safe
@console
def file(request: Request, which: UUID) -> HttpResponse:
    """How far the worker is with reading a file and with its orders, then what became of it; all that is wrong in it as
    CSV with `format=csv`. With `in=form` it is part of the form, from which the same file can be placed."""
    found = _of_reader(request, which)
    if request.GET.get("format") == "csv":
        return _errors(channels.file_faults(which))
    context = _of_file(found) | {"in_form": request.GET.get("in") == "form"}
    return page(request, "web/order_import_file.html", context, area="orders")


@require_POST
@console
def withdraw(request: Request, which: UUID) -> HttpResponse:
    """The rest of a file is not wanted any more; what was placed of it stays."""
    wanted = [WithdrawImport(_of_reader(request, which).id)]
    give(
        request,
        withdraw_imports,
        wanted,
        lambda _: gettext("The rest of the file is withdrawn. What was placed stays."),
    )
    return redirect("orders-import-file", which=which)


def _of_reader(request: Request, which: UUID) -> channels.FileRow:
    found = channels.file_import(which)
    if found is None or found.company != request.reader.company.id:
        raise Http404
    return found


def _of_file(found: channels.FileRow) -> dict[str, Any]:
    context: dict[str, Any] = {"file": found, "channel": found.channel}
    if found.runs:
        return context
    if found.refusal:
        return context | {"refused": words.refusal(found.refusal)}
    return context | {
        "report": found, "file_name": found.name, "header": found.header, "shown_max": SHOWN_MAX,
        "wrong": channels.file_faults(found.id, limit=SHOWN_MAX),
        "outcomes": channels.file_outcomes(found.id, limit=SHOWN_MAX),
        "fields": _fields(found.columns), "said": _said(found), "repeated": _rows(found.repeated),
    }  # fmt: skip


def _carry_out(request: Request, context: dict[str, Any]) -> HttpResponse | None:
    """Put the report into the context; where the faults were asked for as a file, that is the answer."""
    actor, company, do = request.reader.actor, request.reader.company.id, request.POST.get("do")
    if not actor.may("orders.place"):
        raise NotPermitted(actor=actor.name, command="orders.place")
    channel = network.channels(company=company).get(clean(request.POST.get("channel")))
    file = request.FILES.get("file")
    if channel is None or file is None:
        context["refused"] = gettext("Choose a channel and a file.")
        return None
    context["channel"] = channel.code
    if file.size is None or file.size > contract.BYTES_MAX:
        context["refused"] = gettext("The file is too large.")
        return None
    if do != "try" and "mapped" in request.POST and not _is_mapped(request, file.name):
        do, context["is_other"] = "try", True
    cause = cause_of(request, f"import of {file.name}")
    content = file.read()
    if read.is_long(content, LONG_FROM):
        ask = AskImport(
            company, channel.code, file.name or "", do != "place", content, tuple(_chosen(request, file.name).items()),
            _chosen_sheet(request, file.name),
        )  # fmt: skip
        asked = _left_to_worker(cause, ask)
        context |= {"file": channels.file_import(asked), "in_form": True}
        return None if request.htmx else redirect("orders-import-file", which=asked)
    remembered, usual = channels.mapping(company=company, channel=channel.code)
    picked = _chosen_sheet(request, file.name)
    wanted = usual if picked is None else picked
    sheet = read.read(content, wanted=picked or "", usual=wanted)
    mapping = parse.propose(sheet.header, remembered)
    if _is_mapped(request, file.name):
        chosen = _chosen(request, file.name)
        mapping = {name: column for name, column in chosen.items() if column in sheet.header}
    if do == "place" and parse.misfit_mapping(mapping) is None:
        kept = tuple((mapping | parse.lost(mapping, remembered, sheet.header)).items())
        save_mapping(cause, requests=[SaveMapping(company, channel.code, kept, sheet=wanted)])
    report = importer.run(
        cause, company=company, channel=channel.code, currency=channel.currency, sheet=sheet, mapping=mapping,
        remembered=remembered, usual=wanted, tries=do != "place",
    )  # fmt: skip
    if do == "errors":
        return _errors(report.wrong)
    context |= {
        "report": report, "file_name": file.name, "header": sheet.header, "shown_max": SHOWN_MAX,
        "wrong": report.wrong[:SHOWN_MAX], "outcomes": report.outcomes[:SHOWN_MAX],
        "fields": _fields(mapping),
        "said": _said(report), "repeated": _rows(report.repeated),
    }  # fmt: skip
    return None


def _is_mapped(request: Request, name: str | None) -> bool:
    """Whether columns were chosen, for this file and channel and for the sheet that is to be read: those of the last
    trial."""
    said = request.POST
    return _is_of_trial(request, name) and said.get("sheet", "") == said.get("sheet_read", "")


def _is_of_trial(request: Request, name: str | None) -> bool:
    said = request.POST
    return (said.get("mapped"), said.get("mapped_for")) == (name, said.get("channel"))


def _chosen_sheet(request: Request, name: str | None) -> str | None:
    """The sheet that somebody chose of this file, '': the first that can hold orders; None where nobody chose."""
    sheet = request.POST.get("sheet") if _is_of_trial(request, name) else None
    return None if sheet == AS_REMEMBERED else sheet


def _chosen(request: Request, file: str | None) -> dict[str, str]:
    """Field → column, of those that somebody chose."""
    if not _is_mapped(request, file):
        return {}
    chosen = {name: clean(request.POST.get(f"column-{name}")) for name in contract.FIELDS}
    return {name: column for name, column in chosen.items() if column}


def _left_to_worker(cause: Cause, ask: AskImport) -> UUID:
    """Have the worker read the file and take it in."""
    (answer,) = ask_imports(cause, requests=[ask])
    if isinstance(answer, ImportNow):
        return answer.file
    raise answer


def _errors(wrong: Sequence[parse.Wrong]) -> HttpResponse:
    response = HttpResponse(write.errors_csv(wrong, words.told), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="errors.csv"'
    return response


def _fields(mapping: Mapping[str, str]) -> list[tuple[str, bool, str]]:
    return [(name, one.required, mapping.get(name, "")) for name, one in contract.FIELDS.items()]


def _rows(numbers: Sequence[int]) -> str:
    more = len(numbers) - REPEATED_MAX
    return ", ".join(map(str, numbers[:REPEATED_MAX])) + (" …" if more > 0 else "")


def _said(report: importer.Report | channels.FileRow) -> str:
    n = report.placed
    if report.tried:
        return ngettext("%(n)s order would be placed.", "%(n)s orders would be placed.", n) % {"n": n}
    return ngettext("%(n)s order was placed.", "%(n)s orders were placed.", n) % {"n": n}
