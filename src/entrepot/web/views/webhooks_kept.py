"""Webhooks: which addresses are told of events, whether they hear it, and what they were told."""

from __future__ import annotations

import base64
import secrets
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.channels import webhook_queries, webhooks
from entrepot.channels.commands.keep_webhooks import (
    AddWebhook,
    ChangeWebhook,
    RenewSecret,
    SwitchWebhook,
    WebhookNow,
    add_webhooks,
    change_webhooks,
    renew_secrets,
    switch_webhooks,
)
from entrepot.channels.commands.tell_webhooks import SendAgain, TryWebhook, send_again, try_webhooks
from entrepot.kernel import queries as kernel
from entrepot.kernel.errors import Refused
from entrepot.web import format as fmt
from entrepot.web import lists_insight
from entrepot.web.edge import Request, Undo, back, clean, console, give, int_in, misread, page
from entrepot.web.listed import listed_whole
from entrepot.web.once import show_once, shown_once, unkept

SECRET_SIZE = 32
LATE = timedelta(minutes=1)
"""After which the page says that events are not told yet; most are within seconds."""
STEPS = ("open", "pause", "remove")


@require_safe
@console
def told(request: Request) -> HttpResponse:
    """Webhooks of the company, and the form that adds one."""
    shown = listed_whole(request, lists_insight.WEBHOOKS, webhook_queries.webhooks(request.reader.company.id))
    if shown.answer:
        return shown.answer
    context = {**shown.context(), "events": _events([])}
    return page(request, "web/webhooks.html", context, area="integration")


@require_POST
@console
def add(request: Request) -> HttpResponse:
    """An address that is told; its secret is made here and shown once, on its page."""
    secret = _secret()
    wanted = AddWebhook(
        request.reader.company.id, clean(request.POST.get("name")), _url(request),
        tuple(request.POST.getlist("event")), secret,
    )  # fmt: skip
    answers = give(
        request, add_webhooks, [wanted], lambda _n: gettext("It is told of what happens from now on.")
    )
    added = answers[0]
    if not isinstance(added, WebhookNow):
        return back(request, reverse("webhooks"), answers)
    return show_once(request, reverse("webhook", args=[added.webhook]), secret=secret)


@require_safe
@console
def one(request: Request, which: UUID) -> HttpResponse:
    """A webhook with what it was told lately."""
    found, said = _known(request, which), shown_once(request)
    shown = listed_whole(
        request, lists_insight.TOLD, webhook_queries.latest(request.reader.company.id, which)
    )
    if shown.answer:
        return shown.answer
    now, since = fmt.reading().now, webhook_queries.untold_since(which)
    context: dict[str, Any] = {
        **shown.context(), "one": found, "events": _events(found.events), "said": said,
        "former_until": found.former_until if found.former_until and found.former_until > now else None,
        "untold_since": since if since and now - since > LATE else None,
        "timeline": kernel.timeline(subjects=[which])[-20:],
        "may": request.reader.actor.may("channels.change_webhooks"),
    }  # fmt: skip
    return unkept(page(request, "web/webhook.html", context, area="integration"), said)


@require_POST
@console
def change(request: Request, which: UUID) -> HttpResponse:
    """Another name, address or choice of events."""
    wanted = ChangeWebhook(
        request.reader.company.id, which, clean(request.POST.get("name")), _url(request),
        tuple(request.POST.getlist("event")),
    )  # fmt: skip
    answers = give(request, change_webhooks, [wanted], lambda _n: gettext("The webhook is changed."))
    return back(request, reverse("webhook", args=[which]), answers)


@require_POST
@console
def renew(request: Request, which: UUID) -> HttpResponse:
    """A new secret, shown once; for a day the former one signs as well."""
    _known(request, which)
    secret, target = _secret(), reverse("webhook", args=[which])
    wanted = RenewSecret(request.reader.company.id, which, secret)
    said = gettext("For a day messages bear the signatures of both secrets.")
    answers = give(request, renew_secrets, [wanted], lambda _n: said)
    if isinstance(answers[0], Refused):
        return back(request, target)
    return show_once(request, target, secret=secret)


@require_POST
@console
def switch(request: Request, which: UUID) -> HttpResponse:
    """Open it, pause it, or remove it."""
    _known(request, which)
    step = request.POST.get("step", "")
    if step not in STEPS:
        raise Http404
    wanted = SwitchWebhook(request.reader.company.id, which, step, clean(request.POST.get("why")))  # type: ignore[arg-type]
    done = {
        "open": gettext("It is told of what happens from now on, and of what was kept for it."),
        "pause": gettext("It is told nothing until it is opened. What waits for it is kept."),
        "remove": gettext("The webhook is removed."),
    }
    opens = Undo("channels.switch_webhooks", reverse("webhook-switch", args=[which]), [("step", "open")])
    undo = (lambda _told: opens) if step == "pause" else None
    answers = give(request, switch_webhooks, [wanted], lambda _n: done[step], undo=undo)
    is_gone = step == "remove" and not isinstance(answers[0], Refused)
    return back(request, reverse("webhooks") if is_gone else reverse("webhook", args=[which]))


@require_POST
@console
def send(request: Request, which: UUID) -> HttpResponse:
    """A message that says nothing, or one of the last once more."""
    _known(request, which)
    company, target = request.reader.company.id, reverse("webhook", args=[which])
    on_its_way = gettext("It is on its way. What becomes of it is seen here in a moment.")
    if "test" in request.POST:
        give(request, try_webhooks, [TryWebhook(company, which)], lambda _n: on_its_way)
        return back(request, target)
    message = int_in(request.POST.get("again"))
    if message is None:
        misread(request, "again", gettext("Choose the message that shall be sent again."))
        return back(request, target)
    give(request, send_again, [SendAgain(company, which, message)], lambda _n: on_its_way)
    return back(request, target)


def _known(request: Request, which: UUID) -> webhook_queries.Webhook:
    found = webhook_queries.webhook(request.reader.company.id, which)
    if found is None:
        raise Http404
    return found


def _events(chosen: list[str]) -> list[tuple[str, str, bool]]:
    """Every event with what it tells, and whether it is chosen."""
    return [(name, one.tells, name in chosen) for name, one in webhooks.EVENTS.items()]


def _secret() -> str:
    return webhooks.PREFIX + base64.b64encode(secrets.token_bytes(SECRET_SIZE)).decode()


def _url(request: Request) -> str:
    return request.POST.get("url", "").strip()[: webhooks.URL_MAX + 1]
