"""Drop-ship orders: what suppliers send to customers, with what they tell of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple
from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.access.rules import sees_addresses
from entrepot.orders.rules import CANCEL_REASONS
from entrepot.parties import queries as parties
from entrepot.parties.queries import Address
from entrepot.purchasing import drop_ship_queries as queries
from entrepot.purchasing.commands.call_off_drop_ships import CallOffDropShip, call_off_drop_ships
from entrepot.purchasing.commands.confirm_drop_ships import ConfirmDropShip, confirm_drop_ships
from entrepot.purchasing.commands.refuse_drop_ships import RefuseDropShip, refuse_drop_ships
from entrepot.purchasing.commands.tell_suppliers import SendDropShip, send_drop_ships
from entrepot.purchasing.drop_ship import CALLED_OFF, Units
from entrepot.purchasing.states import COMING, DROP_SHIP
from entrepot.shipping.commands.ship_drop_ships import ShipDropShip, ship_drop_ships
from entrepot.web import format as fmt
from entrepot.web import lists_floor
from entrepot.web.edge import Request, back, clean, console, day_in, give, int_in, page
from entrepot.web.listed import listed
from entrepot.web.views.packing import tell_doubt


@require_safe
@console
def drop_ships_list(request: Request) -> HttpResponse:
    company, state = request.reader.company.id, clean(request.GET.get("state", "coming"))

    def fetch(after: UUID | None, limit: int) -> list[queries.DropShipRow]:
        return queries.drop_ships(company, state=state, after=after, limit=limit)

    shown = listed(request, lists_floor.DROP_SHIPS, fetch)
    if shown.answer:
        return shown.answer
    context = {
        **shown.context(),
        "drop_ships": cards(shown.rows, request.reader.actor.may),
        "state": state,
        "states": DROP_SHIP.states,
        **around(),
    }
    return page(request, "web/drop_ships.html", context, area="orders")


class Card(NamedTuple):
    """A drop-ship order with its lines, what its supplier was told of it, and, for those who may see it, whom it goes
    to."""

    row: queries.DropShipRow
    lines: list[queries.DropShipLineRow]
    sendings: list[queries.SendingRow]
    to: Address | None


def cards(rows: list[queries.DropShipRow], may: Callable[[str], bool]) -> list[Card]:
    """3 statements."""
    which = [one.id for one in rows]
    lines, sendings = queries.lines_of(which), queries.sendings_of(which)
    wanted = {one.address for one in rows if one.address}
    to = parties.addresses(wanted) if wanted and sees_addresses(may) else {}
    return [Card(one, lines[one.id], sendings[one.id], to.get(one.address)) for one in rows]  # type: ignore[arg-type]


def around() -> dict[str, Any]:
    """What the row of a drop-ship order needs beside it."""
    return {
        "coming": COMING,
        "tellable": (*COMING, CALLED_OFF),
        "cancel_reasons": CANCEL_REASONS,
        "today": fmt.reading().now.date(),
    }


@require_POST
@console
def tell(request: Request, which: UUID) -> HttpResponse:
    """What the supplier said, what he is to be told again, or what we do not want any more; of all, or of the units
    named by line."""
    reason = clean(request.POST.get("reason"))
    match request.POST.get("action"):
        case "confirm":
            due_on = day_in(request.POST.get("due_on"))
            told = ConfirmDropShip(which, clean(request.POST.get("reference")), due_on)
            results = give(request, confirm_drop_ships, [told], _confirmed)
        case "refuse":
            refusal = RefuseDropShip(which, reason, _lines(request))
            results = give(request, refuse_drop_ships, [refusal], _refused)
        case "ship":
            parcels = tuple(filter(None, map(clean, request.POST.get("tracking", "").splitlines())))
            carrier = clean(request.POST.get("carrier"))
            sent = ShipDropShip(which, carrier, lines=_lines(request), parcels=parcels)
            results = give(request, ship_drop_ships, [sent], _sent)
            tell_doubt(request, results)
        case "send":
            results = give(request, send_drop_ships, [SendDropShip(which)], _told)
        case "call-off" | "cancel" as act:
            code = clean(request.POST.get("code")) or "customer"
            wanted = CallOffDropShip(which, reason, act == "cancel", code)
            results = give(request, call_off_drop_ships, [wanted], _called_off)
        case _:
            results = []
    return back(request, "/orders/drop-ships/", results)


def _lines(request: Request) -> tuple[Units, ...] | None:
    """The units named by line; None where all lines are left as they stand, which means all of them."""
    named = {
        number: int_in(str(text)) or 0
        for name, text in request.POST.items()
        if name.startswith("units-") and (number := int_in(name.removeprefix("units-"))) is not None
    }
    return tuple((number, units) for number, units in named.items() if units) if named else None


def _confirmed(_: int) -> str:
    return gettext("The supplier has confirmed it.")


def _refused(_: int) -> str:
    return gettext("What the supplier refuses is sourced again, without him.")


def _sent(_: int) -> str:
    return gettext("It is on its way to the customer.")


def _told(_: int) -> str:
    return gettext("It is on its way to the supplier.")


def _called_off(n: int) -> str:
    return ngettext("%(n)s order is called off.", "%(n)s orders are called off.", n) % {"n": n}
