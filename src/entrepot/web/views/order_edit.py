"""Change, split and merge placed orders by the forms on their page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from entrepot.kernel import money
from entrepot.network.destinations import end_of_day
from entrepot.orders import queries as orders
from entrepot.orders import rules
from entrepot.orders.commands.edit import AddLine, EditOrder, OrderEdited
from entrepot.orders.commands.merge import MergeOrders, OrdersMerged
from entrepot.orders.commands.place import AddressGiven, BillingGiven
from entrepot.orders.commands.split import OrderSplit, SplitOrder
from entrepot.orders.kits import Left, kits_left
from entrepot.orders.window import DAYS
from entrepot.parties import address as formats
from entrepot.parties import queries as parties
from entrepot.sourcing.commands.edit import edit, reprice
from entrepot.sourcing.commands.regroup import merge, split
from entrepot.web import address_form, words
from entrepot.web import format as fmt
from entrepot.web.edge import Request, back, clean, console, day_in, give, ids_in, int_in, minor_in
from entrepot.web.reasons import reason


class KitOf(NamedTuple):
    """A kit of an order: one of its lines, and how many of it are left."""

    code: str
    line: UUID
    left: int


def kits_of(found: orders.OrderView) -> dict[int, KitOf]:
    """The kits of an order by their number."""
    parts: dict[int, list[orders.LineRow]] = {}
    for line in found.lines:
        if line.kit_number:
            parts.setdefault(line.kit_number, []).append(line)
    return {
        number: KitOf(
            lines[0].kit_code,
            lines[0].id,
            kits_left(Left(one.id, one.kit_units, one.quantity - one.cancelled) for one in lines),
        )
        for number, lines in parts.items()
    }


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
    if (moved and address_form.lacks(request)) or _is_misread(request, _misread(request, found)):
        return back(request, f"/orders/{which}/", [])
    may_price = request.reader.actor.may("sourcing.reprice")
    results = give(
        request,
        reprice if may_price else edit,
        [_edit(request, found, AddressGiven(**moved) if moved else None)],
        lambda _: gettext("The order was changed."),
    )
    for one in results:
        if isinstance(one, OrderEdited):
            _say_money(request, found, one)
            for noticed in one.warnings:
                messages.warning(request, reason(noticed.reason))
            if one.holds:
                holds = ", ".join(map(words.word, one.holds))
                messages.warning(request, gettext("It is held now: %(holds)s.") % {"holds": holds})
            if one.released:
                holds = ", ".join(map(words.word, one.released))
                told = gettext("Put right, and held by it no more: %(holds)s.")
                messages.info(request, told % {"holds": holds})
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
    if _is_misread(request, _misread_units(request, found)):
        return back(request, f"/orders/{which}/", [])
    units = ((line.id, int_in(clean(request.POST.get(f"units-{line.id}")))) for line in found.lines)
    wanted = SplitOrder(which, tuple((line, n) for line, n in units if n), clean(request.POST.get("reason")))
    results = give(request, split, [wanted], lambda _: gettext("The order was split: this is the new one."))
    for one in results:
        if isinstance(one, OrderSplit):
            _say_unpaid(request, one.uncovered_minor, found.currency)
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
            _say_unpaid(request, one.uncovered_minor, orders.currency_of(which))
    return back(request, f"/orders/{which}/", results)


def _is_misread(request: Request, told: Sequence[str]) -> bool:
    """Whether something that was entered can't be read, which is told: nothing is changed by half of a form."""
    for text in told:
        messages.error(request, text)
    return bool(told)


def _misread(request: Request, found: orders.OrderView) -> list[str]:
    """What the form says that is no number, amount or day."""
    said = {
        name: clean(request.POST.get(name)) for name in ("sku", "quantity", "price", "priority", "promise_at")
    }
    told = _misread_units(request, found) + _misbilled(request)
    if said["quantity"] and not int_in(said["quantity"]):
        told.append(gettext("Write the units to add as a whole number from 1."))
    elif said["quantity"] and not said["sku"]:
        told.append(gettext("Name the SKU to add."))
    if said["price"] and minor_in(said["price"], found.currency) is None:
        told.append(gettext("Write the price as an amount, with at most the decimals of its currency."))
    charge = clean(request.POST.get("charge"))
    if charge and not minor_in(charge, found.currency):
        told.append(gettext("Write the charge as an amount, with at most the decimals of its currency."))
    if said["priority"] and int_in(said["priority"]) is None:
        told.append(gettext("Write the priority as a whole number from 0 to 99."))
    told += _misread_window(request)
    promised = _promise(said["promise_at"], found)
    if said["promise_at"] and promised is None:
        told.append(gettext("Write the promise as a day, such as 2026-12-24."))
    elif promised and promised < fmt.reading().now:
        told.append(gettext("Write the promise as a day to come: that day is over."))
    return told


def _misread_window(request: Request) -> list[str]:
    days = [clean(request.POST.get(name)) for name in DAYS]
    told = []
    if any(text and day_in(text) is None for text in days):
        told.append(gettext("Write the days of shipping as days, such as 2026-12-24."))
    percent = clean(request.POST.get("min_fill_percent"))
    if percent and int_in(percent) is None:
        told.append(gettext("Write the least part to send as a whole number from 0 to 100."))
    return told


def _misread_units(request: Request, found: orders.OrderView) -> list[str]:
    said = [clean(request.POST.get(f"units-{line.id}")) for line in found.lines]
    said += [clean(request.POST.get(f"kits-{number}")) for number in kits_of(found)]
    if any(text and int_in(text) is None for text in said):
        return [gettext("Write units as whole numbers.")]
    return []


def _say_money(request: Request, found: orders.OrderView, one: OrderEdited) -> None:
    if one.refunded_minor:
        say_given_back(request, one.refunded_minor, found.currency)
    if one.total_minor == one.before_minor:
        return
    more = one.total_minor - one.before_minor
    text = (
        gettext("It comes to %(now)s, %(difference)s more than before.")
        if more > 0
        else gettext("It comes to %(now)s, %(difference)s less than before.")
    )
    difference = fmt.money(abs(more), found.currency)
    messages.info(
        request, text % {"now": fmt.money(one.total_minor, found.currency), "difference": difference}
    )


def _say_unpaid(request: Request, minor: int, currency: str) -> None:
    """What no payment covers of an order that was made of others, or of a part of one: it is held for it."""
    if minor:
        told = gettext("No payment covers %(amount)s of it: it is held until one does.")
        messages.warning(request, told % {"amount": fmt.money(minor, currency)})


def say_given_back(request: Request, minor: int, currency: str) -> None:
    """What a cancellation or a change gave back of what was captured."""
    told = gettext("%(amount)s of what was captured is given back.")
    messages.info(request, told % {"amount": fmt.money(minor, currency)})


def _edit(request: Request, found: orders.OrderView, address: AddressGiven | None) -> EditOrder:
    """What the form says that the order does not."""
    said, billing = request.POST, _billing(request)
    add: list[AddLine] = []
    remove: list[tuple[UUID, int]] = []
    for line in (one for one in found.lines if one.kind == rules.GOODS):
        more = _more(said, f"units-{line.id}", line.quantity - line.cancelled)
        if more > 0:
            add.append(AddLine(line.sku_code, more, like=line.id))
        elif more < 0:
            remove.append((line.id, -more))
    out: list[tuple[int, int]] = []
    for number, kit in kits_of(found).items():
        more = _more(said, f"kits-{number}", kit.left)
        if more > 0:
            add.append(AddLine(kit.code, more, like=kit.line))
        elif more < 0:
            out.append((number, -more))
    sku = clean(said.get("sku"))
    if sku:
        minor = minor_in(said.get("price"), found.currency)
        price = None if minor is None else Decimal(minor).scaleb(-money.exponent(found.currency))
        add.append(AddLine(sku, int_in(clean(said.get("quantity"))) or 1, price))
    charge = minor_in(said.get("charge"), found.currency)
    if charge:
        price = Decimal(charge).scaleb(-money.exponent(found.currency))
        kind, description = clean(said.get("charge_kind")) or "manual", clean(said.get("charge_for"))[:200]
        add.append(AddLine("", 1, price, kind=kind, description=description))
    code, service, priority = (clean(said.get(part)) for part in ("postal_code", "service", "priority"))
    country = clean(said.get("country")).upper()
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
        country=country if country and country != found.country else None,
        billing=billing,
        tax_number=clean(said.get("tax_number"))[:40],
        retax=bool(said.get("retax")),
        remove_kits=tuple(out),
        **_window(said, found),
    )


def _more(said: Mapping[str, Any], field: str, left: int) -> int:
    """How many more than are left a field asks for; below nothing, how many fewer."""
    asked = int_in(clean(said.get(field)))
    return 0 if asked is None else asked - left


def _window(said: Mapping[str, Any], found: orders.OrderView) -> dict[str, Any]:
    """When it may leave and how much of it must go, as far as the form says something else."""
    days = {name: day_in(clean(said.get(name))) for name in DAYS}
    told: dict[str, Any] = {name: day for name, day in days.items() if day and day != getattr(found, name)}
    # What is emptied is taken away. The fields are not there where it is too late for other days.
    told["clear"] = tuple(name for name in DAYS if name in said and not days[name] and getattr(found, name))
    percent = int_in(clean(said.get("min_fill_percent")))
    if percent is not None and percent != found.min_fill_percent:
        told["min_fill_percent"] = percent
    return told


def _billing(request: Request) -> BillingGiven | None:
    """Who is billed from now on, where the form says it."""
    said = {part: clean(request.POST.get(f"bill_{part}"))[:200] for part in BILLED}
    if not any(said.values()):
        return None
    return BillingGiven(
        **said | {"country": said["country"].upper()[:2], "postal_code": said["postal_code"][:20]}
    )


BILLED = ("name", "line1", "city", "country", "postal_code", "region", "email")


def _misbilled(request: Request) -> list[str]:
    billing = _billing(request)
    if billing is None or (
        all((billing.name, billing.line1, billing.city)) and formats.is_country(billing.country)
    ):
        return []
    return [
        gettext("Of whom to bill write name, street, city and the country by its two letters, or nothing.")
    ]


def _promise(text: str | None, found: orders.OrderView) -> datetime | None:
    """The end of a day where the order goes; where that is not known, where the reader is."""
    day = day_in(clean(text))
    return end_of_day(day, found.country, found.postal_code, str(fmt.reading().zone)) if day else None
