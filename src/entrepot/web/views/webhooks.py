"""Where carriers, go-betweens and payment providers send what happened: signed, kept as it came, answered at once."""

from __future__ import annotations

import hashlib
import hmac
from http import HTTPStatus

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import Refused
from entrepot.kernel.messages import KeepUnread, keep_unread
from entrepot.parties import queries as parties
from entrepot.payments.commands.take_messages import TakeMessage, take_messages
from entrepot.payments.errors import NotAMessage
from entrepot.payments.providers.stripe import parse as payments
from entrepot.shipping.commands.take_tracking import TakeTracking, take_tracking
from entrepot.shipping.easypost.parse import SOURCE

SIGNATURE = "X-Hmac-Signature"
PREFIX = "hmac-sha256-hex="


@csrf_exempt
@require_POST
def easypost(request: HttpRequest, company: str) -> HttpResponse:
    """A message of EasyPost for a company; only with the signature of the secret that both know."""
    found = next((one for one in parties.companies() if one.code == company), None)
    if found is None or not settings.EASYPOST_SECRET:
        raise Http404
    if not _is_signed(request):
        return HttpResponse(
            "The signature does not fit.", status=HTTPStatus.FORBIDDEN, content_type="text/plain"
        )
    may = frozenset({"shipping.take_tracking", "kernel.keep_unread"})
    actor = Actor(f"carrier:{SOURCE}", may)
    cause = Cause(actor, timezone.now(), "a carrier's message")
    text = request.body.decode("utf-8", "replace")
    (answer,) = take_tracking(cause, requests=[TakeTracking(found.id, SOURCE, text)])
    if isinstance(answer, Refused):
        keep_unread(cause, requests=[KeepUnread(found.id, SOURCE, text, answer.message)])
        return HttpResponse(answer.message, status=HTTPStatus.UNPROCESSABLE_ENTITY, content_type="text/plain")
    return HttpResponse(status=HTTPStatus.OK)


@csrf_exempt
@require_POST
def stripe(request: HttpRequest, company: str) -> HttpResponse:
    """A message of Stripe for a company; only with the signature of the secret that both know."""
    found = next((one for one in parties.companies() if one.code == company), None)
    if found is None or not settings.STRIPE_SECRET:
        raise Http404
    now = timezone.now()
    said = request.headers.get("Stripe-Signature", "")
    if not payments.is_signed(said, request.body, settings.STRIPE_SECRET, now):
        return HttpResponse(
            "The signature does not fit.", status=HTTPStatus.FORBIDDEN, content_type="text/plain"
        )
    actor = Actor(f"provider:{payments.SOURCE}", frozenset({"payments.take_messages", "kernel.keep_unread"}))
    cause = Cause(actor, now, "a message of the payment provider")
    message = TakeMessage(found.id, request.body.decode("utf-8", "replace"))
    (answer,) = take_messages(cause, requests=[message])
    if isinstance(answer, NotAMessage):
        unread = KeepUnread(found.id, payments.SOURCE, message.payload, answer.message)
        keep_unread(cause, requests=[unread])
    if isinstance(answer, Refused):
        return HttpResponse(answer.message, status=HTTPStatus.UNPROCESSABLE_ENTITY, content_type="text/plain")
    return HttpResponse(status=HTTPStatus.OK)


def _is_signed(request: HttpRequest) -> bool:
    said = request.headers.get(SIGNATURE, "")
    right = hmac.new(settings.EASYPOST_SECRET.encode(), request.body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(said.removeprefix(PREFIX).encode(), right.encode())
