"""What channels state against what we hold: what differs, mended by one click or explained."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.channels import pulling, queries
from entrepot.channels.commands.comparing import TakeChannelStatement
from entrepot.channels.commands.mend_differences import (
    ExplainDifference,
    MendDifference,
    explain_differences,
    mend_differences,
)
from entrepot.channels.commands.take_statements import take_statements
from entrepot.channels.rules import KINDS
from entrepot.channels.spreadsheet import contract
from entrepot.channels.statements import files, stated, table
from entrepot.channels.states import DIFFERENCE
from entrepot.kernel.errors import NotPermitted, Refused, Unavailable
from entrepot.network import queries as network
from entrepot.web import format as fmt
from entrepot.web import lists_insight, words
from entrepot.web.edge import (
    Request,
    back,
    cause_of,
    clean,
    console,
    day_in,
    give,
    page,
    uuid_in,
)
from entrepot.web.listed import chosen, listed

HOME = "channel-differences"


@require_safe
@console
def told(request: Request) -> HttpResponse:
    """Differences that wait, by channel and kind, and the statements that were taken."""
    company = request.reader.company
    channel, kind, state = _asked(request)
    shown = listed(request, lists_insight.DIFFERENCES, partial(_fetch, request))
    if shown.answer:
        return shown.answer
    channels = [one.code for one in network.channels(company=company.id).values()]
    context = {
        **shown.context(), "standing": queries.standing(company.id), "statements": queries.statements(company.id),
        "channel": channel, "kind": kind, "state": state, "kinds": KINDS, "states": DIFFERENCE.states,
        "may_decide": state in (DIFFERENCE.initial, "mended")
        and request.reader.actor.may("channels.explain_differences"),
        "channels": channels, "sources": files.SOURCES, "of": stated.KINDS,
        "columns": (*table.ORDERS, *table.MORE),
        "shops": [code for code in channels if pulling.shop_of(company.code, code)],
    }  # fmt: skip
    return page(request, "web/channel_differences.html", context, area="integration")


def _asked(request: Request) -> tuple[str, str, str]:
    """The channel and kind that the address names, or '', and the state."""
    state = request.GET.get("state", "")
    return (
        clean(request.GET.get("channel")), clean(request.GET.get("kind")),
        state if state in DIFFERENCE.states else DIFFERENCE.initial,
    )  # fmt: skip


def _fetch(request: Request, after: UUID | None, limit: int) -> list[queries.DifferenceRow]:
    channel, kind, state = _asked(request)
    return queries.differences(
        request.reader.company.id, channel=channel, kind=kind, states=(state,), after=after, limit=limit
    )


@require_POST
@console
def take(request: Request) -> HttpResponse:
    """A statement by its file, compared at once."""
    file, where = request.FILES.get("file"), reverse(HOME)
    if file is None or (file.size or 0) > contract.BYTES_MAX:
        messages.error(request, gettext("Choose a file of at most 20 MB."))
        return back(request, where, [])
    kind, source = clean(request.POST.get("kind")), clean(request.POST.get("source"))
    try:
        found = files.told(kind, source, file.read())
    except Refused as refused:
        messages.error(request, words.refusal(refused))
        return back(request, where, [])
    since, until = _period(request, found)
    wanted = TakeChannelStatement(
        request.reader.company.id, clean(request.POST.get("channel")), kind, source, clean(file.name), since, until,
        found.orders, found.stock,
    )  # fmt: skip
    results = give(request, take_statements, [wanted], lambda _: gettext("The statement is compared."))
    return back(request, where, results)


def _period(request: Request, found: files.Told) -> tuple[datetime, datetime]:
    """From the first day until the end of the last one of the form; else what the file reaches over."""
    zone, now = fmt.reading().zone, cause_of(request).at
    first, last = day_in(request.POST.get("since")), day_in(request.POST.get("until"))
    since, until = found.period() or (now - timedelta(seconds=1), now)
    if first is not None:
        since = datetime.combine(first, datetime.min.time(), zone)
    if last is not None:
        until = datetime.combine(last + timedelta(days=1), datetime.min.time(), zone)
    return since, until


@require_POST
@console
def pull(request: Request) -> HttpResponse:
    """The shop asked for its statement now."""
    actor, company, where = request.reader.actor, request.reader.company, reverse(HOME)
    if not actor.may("channels.take_statements"):
        raise NotPermitted(actor=actor.name, command="channels.take_statements")
    channel = network.channels(company=company.id).get(clean(request.POST.get("channel")))
    shop = pulling.shop_of(company.code, channel.code) if channel else None
    if channel is None or shop is None:
        messages.error(request, gettext("No shop is set up for this channel."))
        return back(request, where, [])
    try:
        answer: Any = pulling.pull(cause_of(request, "a statement asked for"), company.id, channel, shop)
    except Unavailable as error:
        messages.error(request, gettext("No statement came: %(why)s.") % {"why": error})
        return back(request, where, [])
    if isinstance(answer, Refused):
        messages.error(request, words.refusal(answer))
    else:
        messages.success(request, gettext("The statement is compared."))
    return back(request, where, [answer])


@require_POST
@console
def decide(request: Request) -> HttpResponse:
    """Differences that were chosen, all that match, or the one of a button: mended, or explained for a reason."""
    alone = uuid_in(request.POST.get("mend"))
    which = [alone] if alone else chosen(request, "difference", partial(_fetch, request))
    where = reverse(HOME)
    if alone or request.POST.get("do") == "mend":
        wanted = [MendDifference(one) for one in which]
        return back(request, where, give(request, mend_differences, wanted, _mended))
    reason = clean(request.POST.get("reason"))
    explained = [ExplainDifference(one, reason) for one in which]
    return back(request, where, give(request, explain_differences, explained, _explained))


def _mended(n: int) -> str:
    said = ngettext("%(n)s difference is mended.", "%(n)s differences are mended.", n) % {"n": n}
    return said + " " + gettext("The next statement shows whether both sides agree.")


def _explained(n: int) -> str:
    return ngettext("%(n)s difference is explained.", "%(n)s differences are explained.", n) % {"n": n}
