"""Drafts and quotes: made, changed with their totals and availability in sight, placed or discarded."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date, datetime, time
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_safe

from entrepot.access.rules import sees_buyers
from entrepot.carriage import queries as carriage
from entrepot.catalog import queries as catalog
from entrepot.kernel import money
from entrepot.kernel.errors import Invalid, Said
from entrepot.network import queries as network
from entrepot.network.destinations import end_of_day, promised_day
from entrepot.orders import queries as orders
from entrepot.orders import quoting, rules
from entrepot.orders.commands.draft import (
    DiscardDraft,
    DraftSaved,
    PlaceDraft,
    RestoreDraft,
    SaveDraft,
    discard_draft,
    draft,
    place_draft,
    restore_draft,
    total_of,
)
from entrepot.orders.commands.place import OrderLine, Placed, PlaceOrder, PromotionGiven
from entrepot.orders.window import DAYS
from entrepot.stock import availability_queries
from entrepot.tax.rules import Expected
from entrepot.web import address_form, letters, lists_floor, quote_paper, words
from entrepot.web import format as fmt
from entrepot.web.edge import Request, Undo, clean, console, day_in, decimal_in, give, int_in, minor_in, page
from entrepot.web.listed import listed_queue

BLANK, MORE = 3, 12
"""Empty lines beneath those that are filled in, and where somebody asks for more."""
LINES_MAX = 1_000
PAGE = 200
QUANTITY_MAX = 1_000_000
PRICE_LIMIT = 10**9
NO_PRICE = Decimal(-PRICE_LIMIT)
"""Of a line that has none yet: it is not saved."""
PRIORITY_MAX = 99


class Known(NamedTuple):
    """What a draft is read and told by: the channels of its company, and the goods of its lines, by their codes."""

    channels: Mapping[str, network.Channel]
    goods: Mapping[str, catalog.Sku]


@require_safe
@console
def drafts_list(request: Request) -> HttpResponse:
    def fetch(after: UUID | None, limit: int) -> list[orders.DraftRow]:
        return orders.drafts(request.reader.company.id, after=after, limit=limit)

    shown = listed_queue(request, lists_floor.DRAFTS, fetch, size=PAGE)
    if shown.answer:
        return shown.answer
    context = {**shown.context("drafts"), "now": fmt.reading().now}
    return page(request, "web/drafts.html", context, area="orders")


@require_http_methods(["GET", "HEAD", "POST"])
@console
def one(request: Request, which: UUID | None = None) -> HttpResponse:
    """A draft, new or known. Its form saves, places, discards, or (by htmx) only shows what it comes to."""
    found = orders.draft(which) if which else None
    if which and found is None:
        raise Http404
    if request.method != "POST":
        order = quote_paper.whole(found) if found else None
        known = _known(request, {line.sku for line in order.lines} if order else set())
        context = _context(request, found, order, known, _due(order, known))
        return page(request, "web/draft.html", context, area="orders")
    do = request.POST.get("do")
    if do == "restore" and found:
        give(request, restore_draft, [RestoreDraft(found.id)], lambda _: gettext("The draft goes on."))
        return redirect("draft", found.id)
    if do == "discard" and found:
        told = gettext("The draft was discarded.")
        gone = DiscardDraft(found.id, clean(request.POST.get("why"))[:200])
        give(request, discard_draft, [gone], lambda _: told, undo=_restored)
        return redirect("drafts")
    known = _known(request, {clean(sku) for sku in request.POST.getlist("sku")[:LINES_MAX]})
    kept = quote_paper.whole(found) if found else None
    order = _order(request, known, kept)
    if kept and not _sees_buyers(request):  # the form does not have whom it is for
        order = replace(order, address=kept.address, tax_number=kept.tax_number)
    due = _due(order, known)
    order = _taxed(request, order, due)

    def shown(draft: orders.DraftRow | None, template: str = "web/draft.html") -> HttpResponse:
        return page(request, template, _context(request, draft, order, known, due), area="orders")

    if request.htmx:
        return shown(found, "web/parts/draft_total.html")
    lacks = do == "more" or _prices_lack(request, order) or _days_lack(request)
    if lacks or address_form.lacks(request):
        return shown(found)
    wanted = SaveDraft(order, which, _valid_until(request, found))
    saved = give(request, draft, [wanted], lambda _: gettext("The draft was saved."))
    if not isinstance(saved[0], DraftSaved):
        return shown(found)
    if do == "place":
        to_place = PlaceDraft(saved[0].draft, gift_message=_gift_message(request))
        placed = give(request, place_draft, [to_place], lambda _: gettext("The order was placed."))
        if isinstance(placed[0], Placed):
            _tell_missing(request, to_place.gift_message)
            return redirect("order", placed[0].order)
        return shown(orders.draft(saved[0].draft))
    return redirect("draft", saved[0].draft)


def _restored(done: list[Any]) -> Undo:
    """What takes a discarded draft back."""
    ((request, _),) = done
    return Undo("orders.restore_draft", reverse("draft", args=[request.draft]), [("do", "restore")])


def _known(request: Request, codes: Collection[str]) -> Known:
    company = request.reader.company.id
    return Known(network.channels(company=company), catalog.skus(company=company, codes=codes))


def _context(
    request: Request,
    found: orders.DraftRow | None,
    order: PlaceOrder | None,
    known: Known,
    due: Expected | None,
) -> dict[str, Any]:
    company = request.reader.company
    lines = order.lines if order else ()
    channel = order.channel if order else next(iter(known.channels), "")
    codes = [line.sku for line in lines]
    free = {
        row.sku_code: row.quantity
        for row in availability_queries.availability(
            company=company.id, channel=channel, skus=codes, at=timezone.now()
        )
    }
    # The tax hangs on the region and the tax number, so it is worked out before they are taken away.
    seen = order if order is None or _sees_buyers(request) else replace(order, address=None, tax_number="")
    return {
        "draft": found,
        "order": seen,
        "lines": [
            (line, known.goods.get(line.sku), free.get(line.sku, 0), _has_price(line)) for line in lines
        ],
        "rows": [
            *((line, _has_price(line)) for line in lines),
            *[(None, False)] * (MORE if request.POST.get("do") == "more" else BLANK),
        ],
        "kinds": rules.KINDS,
        "policies": rules.POLICIES,
        "services": carriage.named(company=company.id),
        "promised_on": _promised_on(order),
        "channels": known.channels.values(),
        "channel": channel,
        "total": total_of(order) if order and _is_priced(order) else None if lines else 0,
        "parts": _parts(order),
        "due": due,
        "tax": _tax_shown(order, due),
        "currency": order.currency if order else company.currency,
        "demands": rules.ASKED_FOR,
        "open": found is None or found.state == "draft",
        "said": _said(request, seen) | {"gift_message": _gift_message(request)},
        "number": quoting.number_of(seen) if seen else None,
        "sees_buyer": _sees_buyers(request),
        "gift_message_max": rules.GIFT_MESSAGE_MAX,
    }


def _order(request: Request, known: Known, kept: PlaceOrder | None) -> PlaceOrder:
    """What the form says, and what it does not ask as the draft has it. Its amounts are in the currency of the draft,
    as long as that stays in its channel."""
    said, company = request.POST, request.reader.company
    channel = clean(said.get("channel"))
    of_channel = known.channels.get(channel)
    currency = of_channel.currency if of_channel else company.currency
    if kept and kept.channel == channel:
        currency = kept.currency
    discount = minor_in(said.get("discount"), currency) or 0
    order = replace(
        kept or PlaceOrder(company.id, channel, "", (), currency), channel=channel, currency=currency
    )
    return replace(
        order, lines=_lines(request, known, order), customer=clean(said.get("customer")) or None,
        country=clean(said.get("country")).upper()[:2], postal_code=clean(said.get("postal_code"))[:20],
        discount_minor=discount, promotions=_still_given(order.promotions, discount),
        shipping_minor=minor_in(said.get("shipping"), currency) or 0,
        tax_minor=minor_in(said.get("tax"), currency) or 0, demand=clean(said.get("demand")) or "sale",
        campaign=clean(said.get("campaign")), substitutes=clean(said.get("substitutes")),
        address=address_form.given(request), tax_number=clean(said.get("tax_number"))[:40],
        region=clean(said.get("region"))[:100], **_fulfilled(request, order),
    )  # fmt: skip


def _lines(request: Request, known: Known, order: PlaceOrder) -> tuple[OrderLine, ...]:
    """Lines of the form: goods by SKU, charges and allowances by their kind. A row that names neither is not there.
    Each is given for the promotions of its SKU and kind in the draft."""
    company, currency = request.reader.company, order.currency
    rows = len(request.POST.getlist("sku")[:LINES_MAX])
    names = ("sku", "quantity", "price", "line_discount", "kind", "description")
    of_line = ([*request.POST.getlist(name)[:rows], *[""] * rows][:rows] for name in names)
    left = list(order.lines)
    lines = []
    for sku, quantity, price, discount, kind, description in zip(
        *map(partial(map, clean), of_line), strict=True
    ):
        of_kind = kind or rules.GOODS
        if not sku and (of_kind == rules.GOODS or not (description or price)):
            continue
        listed = quoting.list_price(known.goods.get(sku), currency, company.currency)
        less = minor_in(discount, currency) or 0
        before = next((one for one in left if (one.sku, one.kind) == (sku, of_kind)), None)
        if before:
            left.remove(before)
        lines.append(
            OrderLine(
                sku, min(int_in(quantity) or 0, QUANTITY_MAX),
                _price(price, listed if of_kind == rules.GOODS else None, of_kind), of_kind, description[:200],
                less, _still_given(before.promotions, less) if before else (),
            )
        )  # fmt: skip
    return tuple(lines)


def _still_given(promotions: tuple[PromotionGiven, ...], discount: int) -> tuple[PromotionGiven, ...]:
    """What a discount was given for, as long as it is that much: parts of it can't be more than all of it."""
    return promotions if sum(one.amount_minor for one in promotions) <= discount else ()


def _fulfilled(request: Request, kept: PlaceOrder) -> dict[str, Any]:
    """How and when it is to be sent; what the form does not ask stays."""
    said = request.POST
    told: dict[str, Any] = {}
    if "service" in said:
        told["service"] = clean(said.get("service"))[:100]
    if "policy" in said:
        told["policy"] = clean(said.get("policy"))
    if "priority" in said:
        priority = int_in(clean(said.get("priority")))
        told["priority"] = None if priority is None else max(0, min(priority, PRIORITY_MAX))
    if "promise_at" in said:
        day = day_in(clean(said.get("promise_at")))
        if day is None or day != _promised_on(kept):  # the same day keeps its hour
            here = str(fmt.reading().zone)
            country, code = clean(said.get("country")).upper()[:2], clean(said.get("postal_code"))[:20]
            told["promise_at"] = end_of_day(day, country, code, here) if day else None
    for name in DAYS:
        if name in said:
            told[name] = day_in(clean(said.get(name)))
    if "min_fill_percent" in said:
        told["min_fill_percent"] = int_in(clean(said.get("min_fill_percent")))
    return told


def _promised_on(order: PlaceOrder | None) -> date | None:
    if order is None:
        return None
    return promised_day(order.promise_at, order.country, order.postal_code, str(fmt.reading().zone))


def _days_lack(request: Request) -> bool:
    """Whether what stands as the promised day, or as one of shipping, is none, which is told."""
    said = {name: clean(request.POST.get(name)) for name in ("promise_at", *DAYS)}
    wrong = [name for name, text in said.items() if text and day_in(text) is None]
    if "promise_at" in wrong:
        messages.error(request, gettext("Write the promise as a day, such as 2026-12-24."))
    elif wrong:
        messages.error(request, gettext("Write the days of shipping as days, such as 2026-12-24."))
    return bool(wrong)


def _price(text: str, listed: Decimal | None, kind: str) -> Decimal:
    """What the form says a unit costs; where it says nothing, the catalog does. Allowances may be below nothing."""
    found = decimal_in(text) if text else listed
    least = 0 if kind == rules.GOODS else -PRICE_LIMIT + 1
    return found if found is not None and least <= found < PRICE_LIMIT else NO_PRICE


def _has_price(line: OrderLine) -> bool:
    return line.unit_price != NO_PRICE


def _is_priced(order: PlaceOrder) -> bool:
    return bool(order.lines) and all(map(_has_price, order.lines))


def _prices_lack(request: Request, order: PlaceOrder) -> bool:
    """Whether a line has no price, which is told: nobody gives goods away by leaving a field empty."""
    lacking = [line for line in order.lines if not _has_price(line)]
    typed = _typed_prices(request) if lacking else {}
    found = [
        Invalid(
            field=Said("price of {0}", name),
            expected=Said("one in {0}: the catalog has none", order.currency)
            if not text and line.kind == rules.GOODS
            else "a number from 0 on"
            if line.kind == rules.GOODS
            else "a number",
            found=text or "nothing",
        )
        for line in lacking
        for name in [line.sku or line.description or line.kind]
        for text in [typed.get((line.sku, line.description), "")]
    ]
    for one in found:
        messages.error(request, words.refusal(one))
    return bool(found)


def _typed_prices(request: Request) -> dict[tuple[str, str], str]:
    """What was typed as the price of each SKU and description."""
    said = request.POST
    skus = said.getlist("sku")
    described = [*said.getlist("description"), *[""] * len(skus)]
    return {
        (clean(sku), clean(description)[:200]): clean(price)
        for sku, price, description in zip(skus, said.getlist("price"), described, strict=False)
    }


def _due(order: PlaceOrder | None, known: Known) -> Expected | None:
    """The tax that a draft should bear; None of one that can't be told, since a price lacks."""
    if order is None or not _is_priced(order):
        return None
    channel = known.channels.get(order.channel)
    return quoting.tax_due(order, known.goods, channel.kind if channel else "", fmt.reading().now)


def _taxed(request: Request, order: PlaceOrder, due: Expected | None) -> PlaceOrder:
    """The draft with the tax that it should bear, where the form says none."""
    return order if due is None or clean(request.POST.get("tax")) else replace(order, tax_minor=due.tax_minor)


def _tax_shown(order: PlaceOrder | None, due: Expected | None) -> int | None:
    """What stands in the field of the tax: nothing where it is what the rates say."""
    said = order.tax_minor if order else 0
    return said if said != (due.tax_minor if due else 0) else None


def _parts(order: PlaceOrder | None) -> list[tuple[str, int]]:
    """What makes up the total, in the order in which people add it up."""
    if order is None or not _is_priced(order):
        return []
    goods = sum(money.extend(one.quantity, one.unit_price, order.currency) for one in order.lines)
    less = order.discount_minor + sum(one.discount_minor for one in order.lines)
    parts = [
        (gettext("Goods"), goods), (gettext("Discount"), -less), (gettext("Shipping"), order.shipping_minor),
        (gettext("Tax"), order.tax_minor),
    ]  # fmt: skip
    return [(name, amount) for name, amount in parts if amount or name in (parts[0][0], parts[-1][0])]


def _sees_buyers(request: Request) -> bool:
    return sees_buyers(request.reader.actor.may)


def _said(request: Request, order: PlaceOrder | None) -> dict[str, str]:
    """What stands in the fields of whom it is for: what was typed, else what is kept."""
    if request.method == "POST":
        return address_form.typed(request)
    address = order.address if order else None
    return {part: getattr(address, part) if address else "" for part in address_form.WHO}


def _tell_missing(request: Request, message: str) -> None:
    """Whoever writes a gift message with letters that no slip has is told so at once."""
    if missing := letters.missing(message):
        told = gettext(
            "The packing slip has no letters for %(letters)s: the packer is asked to write the message by hand."
        )
        messages.warning(request, told % {"letters": " ".join(missing)})


def _gift_message(request: Request) -> str:
    """As it was written, line by line; a browser sends its lines with a carriage return."""
    said = request.POST.get("gift_message", "").replace("\r\n", "\n")
    return "\n".join(clean(line) for line in said.split("\n")).strip()


def _valid_until(request: Request, found: orders.DraftRow | None) -> datetime | None:
    """The end of the day that the form names, where the reader is; the same day as before keeps its hour."""
    zone = fmt.reading().zone
    try:
        day = parse_date(clean(request.POST.get("valid_until")))
    except ValueError:
        return None
    if day and found and found.valid_until and found.valid_until.astimezone(zone).date() == day:
        return found.valid_until
    return datetime.combine(day, time.max, zone) if day else None
