"""Quotes on paper: for whoever works here, and by a link for whoever asked for the price."""

from __future__ import annotations

from hashlib import sha256
from http import HTTPStatus
from uuid import UUID

from django.contrib import messages
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from entrepot.access.rules import sees_buyers
from entrepot.orders import queries as orders
from entrepot.web import format as fmt
from entrepot.web import papers, quote_paper
from entrepot.web.edge import Request, console, guard, reading_of

LINK = "quote"
"""What a link to a quote is signed for, and nothing else."""


@require_safe
@console
def as_pdf(request: Request, which: UUID) -> HttpResponse:
    """The paper of a draft or quote, whatever became of it; whom it is for only for who may see the vault."""
    found = _draft(which)
    sees = sees_buyers(request.reader.actor.may)
    told = quote_paper.quote_of(found, with_buyer=sees, zone=fmt.reading().zone, at=fmt.reading().now)
    return papers.to_print(quote_paper.pdf(told), f"{found.number}.pdf")


@require_POST
@console
def make_link(request: Request, which: UUID) -> HttpResponse:
    """A link for whoever asked for the price, told on the draft's page; good for as long as the quote is for them."""
    if not request.reader.actor.may("orders.draft"):
        raise PermissionDenied(gettext("Customer service makes links for customers."))
    found = _draft(which)
    if found.valid_until is None or found.state != "draft":
        messages.error(
            request, gettext("Only a quote has a link: set a day until which it is valid, and save it.")
        )
    else:
        zone = getattr(fmt.reading().zone, "key", "UTC")
        token = signing.dumps([str(which), zone, _for_whom(found)], salt=LINK, compress=True)
        link = request.build_absolute_uri(reverse("portal-quote", args=[token]))
        told = {"day": fmt.day(found.valid_until), "link": link}
        messages.success(request, gettext("For the customer, good until %(day)s: %(link)s") % told)
    return redirect("draft", which)


@require_safe
@never_cache
def follow(request: HttpRequest, token: str) -> HttpResponse:
    """A link that customer service made: the paper, as the quote stands now, as long as it is valid."""
    with fmt.read_by(reading_of(request)):
        found, zone = _linked(token)
        if found is None or found.valid_until is None or found.valid_until < timezone.now():
            response = render(request, "portal/ended.html", {"quote": True}, status=HTTPStatus.FORBIDDEN)
            guard(response)
            return response
        told = quote_paper.quote_of(found, with_buyer=True, zone=fmt.zone_of(zone), at=fmt.reading().now)
        response = papers.to_print(quote_paper.pdf(told), f"{found.number}.pdf")
        guard(response)
        return response


def _draft(which: UUID) -> orders.DraftRow:
    found = orders.draft(which)
    if found is None:
        raise Http404
    return found


def _linked(token: str) -> tuple[orders.DraftRow | None, str]:
    """The quote that a link leads to, as long as nobody placed or discarded it and it is for the same buyer, and the
    zone of who made the link."""
    try:
        which, zone, whom = signing.loads(token, salt=LINK)
        found = orders.draft(UUID(which))
    except (signing.BadSignature, ValueError, TypeError):
        return None, ""
    is_theirs = found is not None and found.state == "draft" and _for_whom(found) == whom
    return (found if is_theirs else None), zone


def _for_whom(found: orders.DraftRow) -> str:
    """What changes once a quote is for somebody else, or for another address of theirs; it tells nobody who."""
    return sha256(f"{found.customer} {found.address_id or ''}".encode()).hexdigest()[:16]
