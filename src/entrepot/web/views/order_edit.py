"""Change, split and merge placed orders by the forms on their page."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.utils.dateparse import parse_date
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from entrepot.kernel import money
from entrepot.network.destinations import end_of_day
from entrepot.orders import queries as orders
from entrepot.orders import rules
from entrepot.orders.commands.edit import AddLine, EditOrder, OrderEdited
from entrepot.orders.commands.merge import MergeOrders, OrdersMerged
from entrepot.orders.commands.place import AddressGiven
from entrepot.orders.commands.split import OrderSplit, SplitOrder
from entrepot.parties import queries as parties
from entrepot.sourcing.commands.edit import edit, reprice
from entrepot.sourcing.commands.regroup import merge, split
from entrepot.web import address_form
from entrepot.web import format as fmt
from entrepot.web.edge import Request, back, clean, console, give, ids_in, int_in, minor_in


def allowed(found: orders.OrderView) -> list[tuple[str, str]]:
    """Each kind of change, and why it is not allowed any more; '' where it is."""
    goods = [line for line in found.lines if line.kind == rules.GOODS]
    totals = rules.Totals(*(sum(getattr(line, place) for line in goods) for place in rules.PLACES))
    return [(kind, rules.why_no_edit(kind, found.commercial, totals)) for kind in rules.EDITS]


@require_POST
@console
def change(request: Request, which: UUID) -> HttpResponse:
    found = orders.order(which)
    if found is None:
        raise Http404
    home = parties.address(found.address_id) if found.address_id else None
    moved = address_form.moved(request, home)
    if moved and address_form.lacks(request):
        return back(request, f"/orders/{which}/", [])
    may_price = request.reader.actor.may("sourcing.reprice")
    results = give(
        request,
        reprice if may_price else edit,
        [_edit(request, found, AddressGiven(**moved) if moved else None)],
        lambda _: gettext("The order was changed."),
    )
    for one in results:
        if isinstance(one, OrderEdited) and one.total_minor != one.before_minor:
            _say_money(request, found, one)
    return back(request, f"/orders/{which}/", results)


def splittable(
    found: orders.OrderView, taken_minor: int, stands_minor: int
) -> tuple[list[tuple[orders.LineRow, int]], str]:
    """Lines of which units can go to another order, and how many; where none can, why not."""
    goods = [line for line in found.lines if line.kind == rules.GOODS]
    if found.commercial in ("cancelled", "closed"):
        return [], ""
    # What is sent instead stays with what was ordered, and a kit stays whole.
    alone = (line for line in goods if not line.instead_of and not line.kit_number)
    can = ((line, line.open + line.backordered + line.allocated) for line in alone)
    parts = [(line, units) for line, units in can if units]
    totals = rules.Totals(*(sum(getattr(line, place) for line in goods) for place in rules.PLACES))
    why = rules.why_no_split(totals, len(parts), taken_minor, stands_minor)
    return ([], why) if why else (parts, "")


@require_POST
@console
def split_off(request: Request, which: UUID) -> HttpResponse:
    """Units of the order's lines to a new order; then to that order."""
    found = orders.order(which)
    if found is None:
        raise Http404
    units = ((line.id, int_in(request.POST.get(f"units-{line.id}"))) for line in found.lines)
    wanted = SplitOrder(which, tuple((line, n) for line, n in units if n), clean(request.POST.get("reason")))
    results = give(request, split, [wanted], lambda _: gettext("The order was split: this is the new one."))
    new = next((one.new_order for one in results if isinstance(one, OrderSplit)), which)
    return back(request, f"/orders/{new}/", results)


@require_POST
@console
def merge_in(request: Request, which: UUID) -> HttpResponse:
    """Other orders of the customer become part of this one."""
    wanted = MergeOrders(
        which, tuple(ids_in(request.POST.getlist("order"))), clean(request.POST.get("reason"))
    )
    results = give(request, merge, [wanted], lambda _: gettext("The orders are one now."))
    for one in results:
        if isinstance(one, OrdersMerged):
            messages.info(request, gettext("It has %(n)s lines.") % {"n": one.lines})
    return back(request, f"/orders/{which}/", results)


def _say_money(request: Request, found: orders.OrderView, one: OrderEdited) -> None:
    text = gettext("It comes to %(now)s, %(difference)s to what it was.")
    difference = fmt.money(one.total_minor - one.before_minor, found.currency)
    messages.info(
        request, text % {"now": fmt.money(one.total_minor, found.currency), "difference": difference}
    )


def _edit(request: Request, found: orders.OrderView, address: AddressGiven | None) -> EditOrder:
    """What the form says that the order does not."""
    said = request.POST
    add: list[AddLine] = []
    remove: list[tuple[UUID, int]] = []
    for line in found.lines:
        stands = line.quantity - line.cancelled
        wanted = int_in(said.get(f"units-{line.id}"))
        if line.kind != rules.GOODS or wanted is None or wanted == stands:
            continue
        if wanted > stands:
            add.append(AddLine(line.sku_code, wanted - stands, like=line.id))
        else:
            remove.append((line.id, stands - wanted))
    sku = clean(said.get("sku"))
    if sku:
        minor = minor_in(said.get("price"), found.currency)
        price = None if minor is None else Decimal(minor).scaleb(-money.exponent(found.currency))
        add.append(AddLine(sku, int_in(said.get("quantity")) or 1, price))
    code, service, priority = (clean(said.get(part)) for part in ("postal_code", "service", "priority"))
    return EditOrder(
        found.id,
        clean(said.get("reason")),
        tuple(add),
        tuple(remove),
        address,
        code if code and code != clean(found.postal_code) else None,
        # The field is not there where it is too late for another service.
        service if "service" in said and service != clean(found.service) else None,
        int_in(priority) if priority and priority != str(found.priority) else None,
        _promise(said.get("promise_at"), found),
    )


def _promise(text: str | None, found: orders.OrderView) -> datetime | None:
    """The end of a day where the order goes; where that is not known, where the reader is."""
    try:
        day = parse_date(clean(text))
    except ValueError:
        return None
    return end_of_day(day, found.country, found.postal_code, str(fmt.reading().zone)) if day else None
