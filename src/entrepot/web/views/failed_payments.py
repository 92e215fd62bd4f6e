"""What payment providers refused: the list, and asking them again, from there and from wherever it is shown."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.insight import pages
from entrepot.payments import attempt_queries as attempts
from entrepot.payments.commands.retry import Retry, retry
from entrepot.web import format as fmt
from entrepot.web import lists_books
from entrepot.web.edge import Request, back, clean, console, give, page
from entrepot.web.listed import chosen, listed
from entrepot.work import queries as work
from entrepot.work.rules import UNPAID


@require_safe
@console
def told(request: Request) -> HttpResponse:
    """Attempts that failed and wait, the latest first."""
    kind = _kind(request)
    shown = listed(request, lists_books.FAILED_PAYMENTS, partial(_failed, request))
    if shown.answer:
        return shown.answer
    context: dict[str, Any] = {
        **shown.context(),
        "kind": kind or "",
        "kinds": attempts.ASKED_AGAIN,
        "sums": attempts.failed_sums(request.reader.company.id),
        "names": pages.names([row.subject for row in shown.rows]),
        "may": request.reader.actor.may("payments.retry"),
    }
    return page(request, "web/failed_payments.html", context, area="books")


@require_POST
@console
def ask_again(request: Request) -> HttpResponse:
    """Ask the provider again for the chosen attempts, or for all that the filter lets through."""
    which = chosen(request, "attempt", partial(_failed, request))
    results = give(request, retry, [Retry(one) for one in which], _asked)
    return back(request, reverse("failed-payments"), results)


def _kind(request: Request) -> str | None:
    found = clean(request.GET.get("kind"))
    return found if found in attempts.ASKED_AGAIN else None


def _failed(request: Request, after: UUID | None, limit: int) -> list[attempts.FailedRow]:
    return attempts.failed(request.reader.company.id, kind=_kind(request), after=after, limit=limit)


def _asked(n: int) -> str:
    return ngettext(
        "The provider is asked again for %(n)s payment.",
        "The provider is asked again for %(n)s payments.",
        n,
    ) % {"n": fmt.number(n)}


def of_item(item: work.Item) -> list[attempts.FailedRow]:
    """What still failed of what a work item stands for; nothing where it stands for something else."""
    if item.type not in UNPAID:
        return []
    return [one for one in attempts.failed_of([item.subject]) if item.type == f"payment {one.kind} failed"]
