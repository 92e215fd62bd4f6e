"""Reports of payouts taken in by their files, after a look at what they would settle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from entrepot.kernel import money
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import rehearse
from entrepot.kernel.errors import Refused
from entrepot.settlement import payout_csv, payout_reports
from entrepot.settlement import queries as settlement
from entrepot.settlement.commands.take_payouts import PayoutTaken, TakePayout, take_payouts
from entrepot.settlement.stripe_report import UnreadableError
from entrepot.web import format as fmt
from entrepot.web import words
from entrepot.web.edge import Request, back, cause_of, clean, console, day_in, give, minor_in, moment_in, page

FILE_MAX = 2_000_000
FAULTS_SHOWN_MAX = 8
HOME = "payouts"


class Looked(NamedTuple):
    """What a report would do: the answer, and its lines that a person would have to explain."""

    taken: PayoutTaken
    waits: list[settlement.OpenLine]


@require_POST
@console
def take(request: Request) -> HttpResponse:
    """A report as CSV, or as Stripe, Shopify and Amazon give it: looked at first, then taken in."""
    text = _text(request)
    wanted = _report(request, text) if text else None
    if wanted is None:
        return back(request, reverse(HOME), [])
    if request.POST.get("do") != "look":
        results = give(
            request, take_payouts, [wanted], lambda _: gettext("The payout is taken in."), known=_known
        )
        return back(request, reverse(HOME), results)
    (answer,) = rehearse(_look, cause_of(request), [wanted])
    if isinstance(answer, Refused):
        messages.error(request, words.refusal(answer))
        return back(request, reverse(HOME), [answer])
    context: dict[str, Any] = {
        "wanted": wanted,
        "looked": answer,
        "text": text,
        "matched": len(wanted.lines) - len(answer.waits),
        "net": clean(request.POST.get("net")),
    }
    return page(request, "web/payout_look.html", context, area="books")


def _look(cause: Cause, *, requests: Sequence[TakePayout]) -> list[Looked | Refused]:
    answers: list[Looked | Refused] = []
    for one in take_payouts(cause, requests=requests):
        lines = [] if isinstance(one, Refused) else settlement.open_lines([one.payout])
        answers.append(one if isinstance(one, Refused) else Looked(one, lines))
    return answers


def _known(answer: PayoutTaken) -> str:
    return gettext("This payout was taken in before, as %(number)s.") % {"number": answer.number}


def _text(request: Request) -> str:
    """What the file holds; after a look, what it held."""
    file, said = request.FILES.get("file"), request.POST.get("text", "")
    if file is None and not said:
        messages.error(request, gettext("Choose the file of the report."))
        return ""
    if (file.size or 0 if file else len(said)) > FILE_MAX:
        messages.error(request, gettext("The file is larger than 2 MB. Send it by the API."))
        return ""
    return file.read().decode("utf-8", "replace") if file else said


def _report(request: Request, text: str) -> TakePayout | None:
    company = request.reader.company
    try:
        known = payout_reports.read(text)
    except UnreadableError as error:
        messages.error(request, gettext("The file can't be read: %(why)s.") % {"why": error})
        return None
    if known:
        by, found = known
        return TakePayout(
            company.id, by, found.external_id, found.currency, found.net_minor, found.lines, found.arrived_at
        )
    provider, external = (clean(request.POST.get(name)) for name in ("provider", "external_id"))
    currency = clean(request.POST.get("currency")).upper() or company.currency
    net = _net(request, currency)
    if not provider or not external or net is None:
        messages.error(
            request,
            gettext("Say who paid out, their name for the payout, its currency, and what came to the bank."),
        )
        return None
    sheet = payout_csv.read(text, currency)
    for fault in sheet.faults[:FAULTS_SHOWN_MAX]:
        messages.error(request, gettext("Line %(line)s, %(column)s: %(message)s.") % fault._asdict())
    if sheet.faults:
        return None
    day = day_in(request.POST.get("day"))
    arrived = moment_in(request.POST.get("arrived")) or (fmt.start_of(day) if day else None)
    return TakePayout(company.id, provider, external, currency, net, sheet.lines, arrived)


def _net(request: Request, currency: str) -> int | None:
    """What came to the bank; below zero where the provider took from it."""
    if currency not in money.CURRENCIES:
        return None
    return minor_in(request.POST.get("net", ""), currency)
