"""Drop-ship orders: what suppliers send to customers, with what they tell of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST, require_safe

from entrepot.orders.rules import CANCEL_REASONS
from entrepot.purchasing import drop_ship_queries as queries
from entrepot.purchasing.commands.call_off_drop_ships import CallOffDropShip, call_off_drop_ships
from entrepot.purchasing.commands.confirm_drop_ships import ConfirmDropShip, confirm_drop_ships
from entrepot.purchasing.commands.refuse_drop_ships import RefuseDropShip, refuse_drop_ships
from entrepot.purchasing.drop_ship import Units
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
        "drop_ships": with_lines(shown.rows),
        "state": state,
        "states": DROP_SHIP.states,
        **around(),
    }
    return page(request, "web/drop_ships.html", context, area="orders")


def with_lines(rows: list[queries.DropShipRow]) -> list[tuple[queries.DropShipRow, list[Any]]]:
    lines = queries.lines_of([one.id for one in rows])
    return [(one, lines[one.id]) for one in rows]


def around() -> dict[str, Any]:
    """What the row of a drop-ship order needs beside it."""
    return {
        "coming": COMING,
        "cancel_reasons": CANCEL_REASONS,
        "today": fmt.reading().now.date(),
    }


@require_POST
@console
def tell(request: Request, which: UUID) -> HttpResponse:
    """What the supplier said, or what we do not want any more; of all, or of the units named by line."""
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


def _called_off(n: int) -> str:
    return ngettext("%(n)s order is called off.", "%(n)s orders are called off.", n) % {"n": n}
