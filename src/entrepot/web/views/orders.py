"""Orders: the list with its actions, and one order with all that became of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from functools import partial
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.access.rules import sees_addresses, stands_for
from entrepot.carriage import queries as carriage
from entrepot.carriage import tracing
from entrepot.catalog import queries as catalog
from entrepot.insight import order_filters, pages
from entrepot.kernel import queries as kernel
from entrepot.kernel.errors import Refused
from entrepot.network import queries as network
from entrepot.network.destinations import promised_day
from entrepot.orders import listing_queries, rules
from entrepot.orders import queries as orders
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.orders.commands.hold import PlaceHold, ReleaseHold, place_hold, release_holds
from entrepot.orders.commands.place import PaymentGiven
from entrepot.orders.commands.take_payment import TakePayment, take_payment
from entrepot.parties import address as formats
from entrepot.parties import queries as parties
from entrepot.payments import attempt_queries
from entrepot.payments import queries as payments
from entrepot.payments.commands.authorize import KNOWN as PROVIDERS
from entrepot.purchasing import drop_ship_queries as drop_ships
from entrepot.returns import asked_queries
from entrepot.returns import queries as returns
from entrepot.returns.admission import CONDITIONS
from entrepot.returns.rules import ASKED
from entrepot.shipping import queries as shipping
from entrepot.sourcing import queries as sourcing
from entrepot.sourcing.commands.reject import AskAgain, RejectOrder, ask_again, reject
from entrepot.sourcing.commands.replan import ReplanOrder, replan
from entrepot.warehouse.commands.reject import reject as reject_on_floor
from entrepot.web import format as fmt
from entrepot.web import lists, standing, words
from entrepot.web.edge import (
    Request,
    Undo,
    back,
    clean,
    console,
    day_in,
    give,
    ids_in,
    int_in,
    minor_in,
    misread,
    page,
    uuid_in,
)
from entrepot.web.listed import chosen, listed, order_of
from entrepot.web.timeline import steps
from entrepot.web.views import order_edit, order_notes
from entrepot.web.views.customers import customer_of
from entrepot.web.views.drop_ships import around, cards
from entrepot.web.views.order_cancel import cancel_many, cancelled, may_cancel, may_withdraw
from entrepot.web.views.return_asking import answers_of
from entrepot.work import queries as work
from entrepot.work.rules import TOPICS

PLACES = rules.PLACES
GROUPS = {"held": tuple(rules.HOLDS)}
"""Names that stand for several statuses."""


@require_safe
@console
def orders_list(request: Request) -> HttpResponse:
    company, asked = request.reader.company.id, _asked(request)
    shown = listed(request, lists.ORDERS, partial(_fetch, request, asked))
    if shown.answer:
        return shown.answer
    context: dict[str, Any] = {
        **shown.context("orders"),
        **asked,
        "filtered": any(value not in ("", None, False) for value in asked.values()),
        "hold_types": rules.HOLDS,
    }
    if request.htmx and request.GET.get("after"):
        return page(request, "web/parts/order_rows.html", context, area="orders")
    if request.htmx:
        return page(request, "web/parts/order_table.html", context, area="orders")
    context |= {
        "statuses": rules.STATUSES,
        "channels": network.channels(company=company).values(),
        "nodes": network.nodes(company=company),
        "carriers": carriage.carriers(company=company),
        "unfolded": any(asked[name] not in ("", None) for name in FURTHER),
        **{f"{name}_said": clean(request.GET.get(name)) for name in TOTALS},  # as it was written
    }
    return page(request, "web/orders.html", context, area="orders")


WORDS = ("status", "channel", "node", "sku", "carrier", "service", "country", "hold", "tier")
DAYS = ("placed_from", "placed_to", "promised_from", "promised_to")
TOTALS = ("total_from", "total_to")
FURTHER = (*WORDS[2:], *DAYS, *TOTALS)
"""The filters that are folded away until one of them is used."""


def _asked(request: Request) -> dict[str, Any]:
    """What the filters of the list say; a day or an amount that is none says nothing."""
    currency = request.reader.company.currency
    return {
        **{name: clean(request.GET.get(name)) for name in WORDS},
        **{name: day_in(request.GET.get(name)) for name in DAYS},
        **{name: minor_in(request.GET.get(name), currency) for name in TOTALS},
        "text": clean(request.GET.get("q")),
        "late": request.GET.get("late") == "1",
        "past_ship_by": request.GET.get("past_ship_by") == "1",
        "lapsing": request.GET.get("lapsing") == "1",
    }


def _misread(request: Request, asked: dict[str, Any]) -> bool:
    """Whether a filter says something that is no day or amount: then nothing fits, lest all does."""
    return any(asked[name] is None and clean(request.GET.get(name)) for name in (*DAYS, *TOTALS))


def _fetch(request: Request, asked: dict[str, Any], after: UUID | None, limit: int) -> list[pages.OrderRow]:
    if _misread(request, asked):
        return []
    return pages.orders(
        company=request.reader.company.id, now=fmt.reading().now, asked=_sought(request, asked),
        order=order_of(request, lists.ORDERS), after=after, limit=limit,
    )  # fmt: skip


def _sought(request: Request, asked: dict[str, Any]) -> order_filters.Asked:
    """Days are the reader's, and totals those of orders in the company's currency."""
    status, totals = asked["status"], [asked[name] for name in TOTALS]
    return order_filters.Asked(
        statuses=GROUPS.get(status, (status,) if status else ()),
        nodes=(asked["node"],) if asked["node"] else (),
        placed_from=_begin_of(asked["placed_from"]), placed_before=_end_of(asked["placed_to"]),
        promised_from=_begin_of(asked["promised_from"]), promised_before=_end_of(asked["promised_to"]),
        currency="" if totals == [None, None] else request.reader.company.currency,
        total_from_minor=totals[0], total_to_minor=totals[1],
        **{
            name: asked[name]
            for name in (
                "channel", "text", "late", "past_ship_by", "lapsing", "sku", "carrier", "service", "country", "hold",
                "tier",
            )
        },
    )  # fmt: skip


def _begin_of(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, time.min, fmt.reading().zone)


def _end_of(day: date | None) -> datetime | None:
    return None if day is None or day == date.max else _begin_of(day + timedelta(days=1))


@require_POST
@console
def act(request: Request) -> HttpResponse:
    """Many orders, one command: those chosen, or all that the filters let through."""
    which = chosen(request, "order", partial(_fetch, request, _asked(request)))
    if request.POST.get("action") == "cancel":
        return cancel_many(request, which)
    if request.POST.get("action") == "release":
        reason = clean(request.POST.get("reason"))
        kind = clean(request.POST.get("kind"))
        holds = pages.open_holds(orders=which, kind=kind)
        if which and not holds:
            messages.info(request, gettext("None of the selected orders is held by that."))
        else:
            wanted = [ReleaseHold(one, reason) for one, _ in holds]
            _release(request, wanted, [number for _, number in holds])
    return back(request, "/orders/")


@require_POST
@console
def cancel_order(request: Request, which: UUID) -> HttpResponse:
    """What can still be cancelled: all of it, or what has not left yet."""
    found = orders.order(which)
    if found is None:
        raise Http404
    said = {line.id: text for line in found.lines if (text := clean(request.POST.get(f"cancel-{line.id}")))}
    numbers = {line: int_in(text) for line, text in said.items()}
    lines = [(line, n) for line, n in numbers.items() if n]
    if said and (None in numbers.values() or not lines):
        messages.error(request, gettext("Write the units to cancel as whole numbers, of one line at least."))
        return back(request, f"/orders/{which}/", [])
    # What is charged beside the goods goes with the last of them, and not before.
    goods = [line for line in found.lines if line.kind == rules.GOODS]
    left = [(line.id, units) for line in goods if (units := _can(request, line))]
    if not said and sum(n for _, n in left) < sum(line.quantity - line.cancelled for line in goods):
        lines = left
    code = clean(request.POST.get("code")) or "other"
    reason = rules.why_cancelled(code, clean(request.POST.get("reason")))
    wanted = CancelOrder(which, reason, tuple(lines) or None, code=code)
    results = cancelled(request, [wanted], in_part=bool(lines))
    for one in results:
        if not isinstance(one, Refused) and one.refunded_minor:
            order_edit.say_given_back(request, one.refunded_minor, found.currency)
    return back(request, f"/orders/{which}/", results)


@require_POST
@console
def release(request: Request) -> HttpResponse:
    note, code = clean(request.POST.get("note")), clean(request.POST.get("code")) or "other"
    _release(request, [ReleaseHold(one, note, code) for one in ids_in(request.POST.getlist("hold"))])
    return back(request, "/orders/")


@require_POST
@console
def hold(request: Request, which: UUID) -> HttpResponse:
    waits_for = clean(request.POST.get("waits_for")) or "nothing"
    blocks = tuple(map(clean, request.POST.getlist("blocks"))) or None
    wanted = PlaceHold(
        which, clean(request.POST.get("type")), clean(request.POST.get("reason")), blocks, waits_for
    )
    kind = rules.HOLDS.get(wanted.type)
    actor = request.reader.actor
    undo = _let_go if kind and stands_for(actor.may, kind.role, actor.roles) else None
    give(request, place_hold, [wanted], lambda _: gettext("The order is held."), undo=undo)
    return back(request, f"/orders/{which}/")


def _let_go(done: list[Any]) -> Undo:
    holds = [("hold", str(answer.hold)) for _, answer in done]
    note = ("note", gettext("Undone at once."))
    return Undo("orders.release_holds", reverse("holds-release"), [*holds, note])


@require_POST
@console
def pay(request: Request, which: UUID) -> HttpResponse:
    """A payment that came for the order."""
    found = orders.order(which)
    if found is None:
        raise Http404
    amount, results = minor_in(request.POST.get("amount"), found.currency), []
    if amount is None:
        text = gettext("Write the amount as a number, with at most the decimals of its currency.")
        misread(request, "amount", text)
    else:
        provider, reference = clean(request.POST.get("provider")), clean(request.POST.get("reference"))
        given = PaymentGiven(provider, reference, amount, fmt.reading().now)
        results = give(
            request, take_payment, [TakePayment(which, given)], lambda _: gettext("The payment is taken.")
        )
    return back(request, f"/orders/{which}/", results)


@require_POST
@console
def reject_order(request: Request, which: UUID) -> HttpResponse:
    """A node gives back what it was to serve; for whoever may, also what is on its floor and nobody has begun."""
    node = uuid_in(request.POST.get("node"))
    if node is None:
        raise Http404
    wanted = RejectOrder(which, node, clean(request.POST.get("reason")))
    command = reject_on_floor if request.reader.actor.may("warehouse.reject") else reject
    results = give(request, command, [wanted], lambda _: gettext("It is sourced again, without that node."))
    return back(request, f"/orders/{which}/", results)


@require_POST
@console
def ask_nodes_again(request: Request, which: UUID) -> HttpResponse:
    give(request, ask_again, [AskAgain(which)], lambda _: gettext("Every node is asked once more."))
    return back(request, f"/orders/{which}/")


@require_POST
@console
def replan_order(request: Request, which: UUID) -> HttpResponse:
    """Plan what is promised of an order again: it comes from elsewhere, or it is told why it stays."""
    wanted = ReplanOrder(which, clean(request.POST.get("reason")))
    results = give(
        request, replan, [wanted], lambda _: gettext("It comes from elsewhere now; below stands why."),
        known=lambda one: str(words.STAYS[one.why]),
    )  # fmt: skip
    return back(request, f"/orders/{which}/", results)


def _rejectable(
    request: Request, promises: Sequence[pages.PromiseRow], fulfillments: Sequence[pages.FulfillmentRow]
) -> dict[str, UUID]:
    """Nodes that can give back something of an order, by their codes."""
    can = {one.node_code: one.node for one in promises if one.released < one.quantity}
    if request.reader.actor.may("warehouse.reject"):
        waits = {one.node_code for one in fulfillments if one.state == "released"}
        can |= {one.node_code: one.node for one in promises if one.node_code in waits}
    return can


def _can(request: Request, line: orders.LineRow) -> int:
    """Units of a line that the reader can cancel."""
    places = rules.CANCELLED_FROM + (rules.ON_THE_FLOOR if may_withdraw(request) else ())
    return sum(getattr(line, place) for place in places)


def _release(request: Request, wanted: list[ReleaseHold], names: Sequence[str] = ()) -> None:
    give(
        request, release_holds, wanted,
        lambda n: ngettext("%(n)s hold was released.", "%(n)s holds were released.", n) % {"n": n}, names=names,
    )  # fmt: skip


def _sourced(
    request: Request, which: UUID, promises: Sequence[Any], fulfillments: Sequence[Any]
) -> dict[str, Any]:
    """Where an order comes from, why, and what may still be asked of that."""
    return {
        "decisions": sourcing.explained_with_costs(order=which),
        "promises": promises,
        "replannable": bool(promises) and not any(one.released for one in promises),
        "rejectable": _rejectable(request, promises, fulfillments),
        "rejections": sourcing.rejections(order=which),
    }


@require_safe
@console
def order(request: Request, which: UUID) -> HttpResponse:
    found = orders.order(which)
    if found is None:
        raise Http404
    fulfillments = pages.fulfillments(order=which)
    packages = pages.packages(order=which)
    shipments = pages.shipments(order=which)
    paid = payments.of_order(which)
    by_suppliers = drop_ships.of_order(which)
    promises = pages.promises(order=which, at=fmt.reading().now)
    hanging: list[Any] = [*found.holds, *fulfillments, *packages, *shipments, *by_suppliers, *paid]
    parts = [which, *(one.id for one in hanging)]
    journal = pages.journal(company=found.company, documents=parts)
    actor = request.reader.actor
    may_see_address = sees_addresses(actor.may)
    events = kernel.timeline(subjects=parts)
    context: dict[str, Any] = {
        "order": found,
        "skus": catalog.skus(
            company=found.company,
            codes={code for line in found.lines if line.sku_id for code in (line.sku_code, line.kit_code)},
        ),
        "kits": _kits(found),
        "progress": _progress(found),
        "stands_minor": _stands(found),
        "cancelled_minor": found.total_minor - _stands(found),
        "by_line": {line.id: line for line in found.lines},
        "sent_for": _sent_for(found),
        "open_holds": [one for one in found.holds if one.state == "open"],
        "closed_holds": [one for one in found.holds if one.state != "open"],
        **_sourced(request, which, promises, fulfillments),
        **_awaited(found),
        "draft": orders.draft_of(which) if found.external_id.startswith("QT-") else None,
        "fulfillments": _on_the_floor(fulfillments, packages, shipments),
        "drop_ships": cards(by_suppliers, actor.may),
        "shipments": shipments,
        **_tracked(shipments),
        **around(),
        "payments": paid,
        "failed": attempt_queries.failed_of([which]),
        "entries": pages.entries(journal),
        "steps": steps(events, which, pages.names(event.subject for event in events)),
        "items": work.of_subject(which),
        "topics": TOPICS,
        "address": parties.address(found.address_id) if found.address_id and may_see_address else None,
        "billing": parties.address(found.billing_id) if found.billing_id and may_see_address else None,
        "address_hidden": bool(found.address_id or found.billing_id) and not may_see_address,
        "hold_types": rules.HOLDS,
        "transitions": rules.TRANSITIONS,
        "resolutions": rules.RESOLUTIONS,
        "providers": PROVIDERS,
        "cancelled_for": rules.CANCELLED_FOR,
        "returns": returns.returns_page(found.company, order=which),
        "returnable": [one for one in returns.returnable(which) if one.left],
        "return_reasons": asked_queries.reasons_offered(
            found.company, asked_queries.categories_of(which), fmt.reading().now
        ),
        "conditions": CONDITIONS,
        "asks": ASKED,
        **_cancellable(request, found),
        "captured_minor": sum(one.captured_minor - one.refunded_minor for one in paid),
        **_editable(request, found),
        "relatives": orders.relatives(which),
        **_splittable(request, found, paid),
        **(_mergeable(which) if actor.may("sourcing.merge") else {}),
        "may_cancel": may_cancel(request),
        "alive": found.status not in rules.ENDED,
        **listing_of(request, which),
        **order_notes.noted(which),
        **customer_of(request, found),
    }
    context |= _standing(request, context)
    return page(request, "web/order.html", context, area="orders")


def _tracked(shipments: Sequence[pages.ShipmentRow]) -> dict[str, Any]:
    """What carriers said of shipments, and where they tell more of their numbers."""
    return {
        "told": shipping.last_told([one.id for one in shipments]),
        "traces": {number: tracing.page(number, one.carrier) for one in shipments for number in one.numbers},
    }


def listing_of(request: Request, order: UUID) -> dict[str, Any]:
    """What the form offers that blocks or trusts who ordered, for whoever may."""
    if not request.reader.actor.may("orders.list_buyers"):
        return {}
    return {"listable": listing_queries.listable(order), "listed_order": order}


def _on_the_floor(
    fulfillments: Sequence[pages.FulfillmentRow],
    packages: Sequence[pages.PackageRow],
    shipments: Sequence[pages.ShipmentRow],
) -> list[tuple[pages.FulfillmentRow, list[pages.PackageRow], list[pages.ShipmentRow]]]:
    """Each with its packages and shipments."""
    return [
        (
            one,
            [package for package in packages if package.fulfillment == one.id],
            [shipment for shipment in shipments if shipment.fulfillment == one.id],
        )
        for one in fulfillments
    ]


def _standing(request: Request, known: dict[str, Any]) -> dict[str, Any]:
    """Where it is and what can still be done, as whoever is asked about it says it."""
    may = {command: request.reader.actor.may(command) for command in standing.COMMANDS}
    may |= {"sourcing.cancel": known["may_cancel"]}
    units = {place: units for place, units, _, _ in known["progress"]}
    last = known["comes_last"]
    asked = standing.Asked(
        known["alive"], known["edits"], known["cancellable"], sum(one.left for one in known["returnable"]),
        units.get("shipped", 0) + units.get("delivered", 0), known["captured_minor"] > 0, may,
        answers_of(request, known["order"].id, known["returnable"]),
    )  # fmt: skip
    holds = [one.type for one in known["open_holds"]]
    later = [one.ships_on for one in known["promises"] if one.ships_on and one.released < one.quantity]
    told = standing.where(
        units, known["shipments"], holds, last.expected_on if last else None, max(later, default=None)
    )
    return {"where": told, "possible": standing.possible(asked)}


def _splittable(
    request: Request, found: orders.OrderView, paid: Sequence[payments.PaymentRow]
) -> dict[str, Any]:
    if not request.reader.actor.may("sourcing.split"):
        return {"splittable": []}
    taken = sum(one.captured_minor - one.refunded_minor for one in paid)
    parts, why = order_edit.splittable(found, taken, _stands(found))
    return {"splittable": parts, "why_no_split": why}


def _mergeable(which: UUID) -> dict[str, Any]:
    """The customer's other orders: those that can become part of it, and why the others can't."""
    why, others = orders.beside(which)
    can = [] if why else [one for one in others if not one.why_not]
    apart = [one for one in others if one.why_not and not why]
    return {"mergeable": can, "apart": apart, "why_no_merge": why if others else ""}


def _awaited(order: orders.OrderView) -> dict[str, Any]:
    """What waits for stock, by line, what comes last of it, and the day that was promised where that is another one."""
    found = sourcing.waits(order=order.id)
    dated = [one for one in found if one.expected_on]
    return {
        "awaited": {one.line: one for one in found},
        "comes_last": max(dated, key=attrgetter("expected_on"), default=None),
        "promised_on": _promised_elsewhere(order),
    }


def _stands(found: orders.OrderView) -> int:
    """What the units that are not cancelled cost."""
    return sum(
        rules.Frozen(line.gross_minor, line.discount_minor, line.shipping_minor, line.tax_minor)
        .of_units(line.quantity, 0, line.quantity - line.cancelled)
        .total
        for line in found.lines
    )


def _kits(found: orders.OrderView) -> dict[int, dict[str, Any]]:
    """The kits of an order by their number: how many, and what they cost after their discount."""
    kits: dict[int, dict[str, Any]] = {}
    for line in found.lines:
        if line.kit_number:
            kit = kits.setdefault(
                line.kit_number, {"quantity": line.quantity // line.kit_units, "net_minor": 0}
            )
            kit["net_minor"] += line.gross_minor - line.discount_minor
    return kits


def _sent_for(found: orders.OrderView) -> dict[UUID, list[orders.LineRow]]:
    """What is sent instead, by the line that was ordered."""
    sent: dict[UUID, list[orders.LineRow]] = {}
    for line in found.lines:
        if line.instead_of:
            sent.setdefault(line.instead_of, []).append(line)
    return sent


def _promised_elsewhere(found: orders.OrderView) -> date | None:
    """The day of the promise where the order goes, if it is another one than that of the reader."""
    here = str(fmt.reading().zone)
    there = promised_day(found.promise_at, found.country, found.postal_code, here)
    return there if there != promised_day(found.promise_at, "", "", here) else None


def _editable(request: Request, found: orders.OrderView) -> dict[str, Any]:
    """What the form offers that changes the order."""
    may = request.reader.actor.may("sourcing.edit")
    return {
        "edits": order_edit.allowed(found),
        "kits_to_change": order_edit.kits_of(found),
        "window_days": [
            ("ship_not_before", gettext("Not to leave before"), found.ship_not_before or ""),
            ("ship_by", gettext("To leave by"), found.ship_by or ""),
            ("cancel_after", gettext("Not to leave after"), found.cancel_after or ""),
        ],
        "may_edit": may,
        "services": carriage.named(company=found.company) if may else {},
        "needs_country": not formats.is_country(found.country),
        "charge_kinds": [kind for kind in rules.KINDS if kind != rules.GOODS],
    }


def _cancellable(request: Request, found: orders.OrderView) -> dict[str, Any]:
    """What the reader can cancel of it, by line, and how: '' not at all, `late` with what the warehouse has of it."""
    can = [(line, n) for line in found.lines if line.kind == rules.GOODS and (n := _can(request, line))]
    on_floor = any(getattr(line, place) for line in found.lines for place in rules.ON_THE_FLOOR)
    how = "late" if on_floor and may_withdraw(request) else "early"
    return {"can_cancel": can, "cancellable": how if can else ""}


def _progress(found: orders.OrderView) -> list[tuple[str, int, float, float]]:
    """Units of goods by place, with their share of all and where it begins: the bar at the head of the page."""
    goods = [line for line in found.lines if line.kind == rules.GOODS] or list(found.lines)
    total = sum(line.quantity for line in goods) or 1
    parts, start = [], 0.0
    for place in reversed(PLACES):
        units = sum(getattr(line, place) for line in goods)
        if units:
            share = units / total * 100
            parts.append((place, units, share, start))
            start += share
    return parts
