"""Orders from a file: tried out first, then placed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_http_methods

from entrepot.channels import queries as channels
from entrepot.channels.commands.save_mapping import SaveMapping, save_mapping
from entrepot.channels.spreadsheet import contract, importer, parse, read, write
from entrepot.kernel.errors import NotPermitted, Refused
from entrepot.network import queries as network
from entrepot.web import words
from entrepot.web.edge import Request, cause_of, clean, console, page

SHOWN_MAX, REPEATED_MAX = 200, 20


@require_http_methods(["GET", "HEAD", "POST"])
@console
def orders(request: Request) -> HttpResponse:
    """The form, and beneath it what became of its file. The file stays in the browser: nothing of it is kept."""
    company = request.reader.company
    context: dict[str, Any] = {"channels": network.channels(company=company.id).values()}
    if request.method == "POST":
        try:
            answer = _carry_out(request, context)
        except Refused as refused:
            answer, context["refused"] = None, words.refusal(refused)
        if answer is not None:
            return answer
    template = "web/parts/import_report.html" if request.htmx else "web/order_import.html"
    return page(request, template, context, area="orders")


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
    sheet = read.read(file.read())
    remembered = channels.mapping(company=company, channel=channel.code) or {}
    mapping = parse.propose(sheet.header, remembered)
    if request.POST.get("mapped") == file.name:
        chosen = ((name, clean(request.POST.get(f"column-{name}"))) for name in contract.FIELDS)
        mapping = {name: column for name, column in chosen if column in sheet.header}
    cause = cause_of(request, f"import of {file.name}")
    if do == "place" and parse.misfit_mapping(mapping) is None:
        save_mapping(cause, requests=[SaveMapping(company, channel.code, tuple(mapping.items()))])
    report = importer.run(
        cause, company=company, channel=channel.code, currency=channel.currency, sheet=sheet, mapping=mapping,
        tries=do != "place",
    )  # fmt: skip
    if do == "errors":
        response = HttpResponse(
            write.errors_csv(report.wrong, words.told), content_type="text/csv; charset=utf-8"
        )
        response["Content-Disposition"] = 'attachment; filename="errors.csv"'
        return response
    context |= {
        "report": report, "file_name": file.name, "header": sheet.header, "shown_max": SHOWN_MAX,
        "wrong": report.wrong[:SHOWN_MAX], "outcomes": report.outcomes[:SHOWN_MAX],
        "fields": [(name, one.required, mapping.get(name, "")) for name, one in contract.FIELDS.items()],
        "said": _said(report), "repeated": _rows(report.repeated),
    }  # fmt: skip
    return None


def _rows(numbers: Sequence[int]) -> str:
    more = len(numbers) - REPEATED_MAX
    return ", ".join(map(str, numbers[:REPEATED_MAX])) + (" …" if more > 0 else "")


def _said(report: importer.Report) -> str:
    n = report.placed
    if report.tried:
        return ngettext("%(n)s order would be placed.", "%(n)s orders would be placed.", n) % {"n": n}
    return ngettext("%(n)s order was placed.", "%(n)s orders were placed.", n) % {"n": n}
