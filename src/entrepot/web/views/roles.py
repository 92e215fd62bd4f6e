"""What each role may do, in words and by room."""

from __future__ import annotations

from collections.abc import Iterable

from django.http import HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from entrepot.access import queries
from entrepot.access.rules import EVERYBODY, ROLES
from entrepot.web.edge import Request, console, page

ROOMS: dict[str, Promise] = {
    "orders": _("Orders"),
    "sourcing": _("Sourcing"),
    "stock": _("Stock"),
    "warehouse": _("Warehouse"),
    "shipping": _("Shipping"),
    "returns": _("Returns"),
    "purchasing": _("Purchasing"),
    "payments": _("Payments"),
    "settlement": _("Settlement"),
    "ledger": _("Books"),
    "tax": _("Taxes"),
    "catalog": _("Catalog"),
    "network": _("Nodes and channels"),
    "carriage": _("Carriers"),
    "parties": _("Customers and suppliers"),
    "channels": _("Channels"),
    "simulation": _("Trials"),
    "work": _("Work"),
    "access": _("Access"),
    "insight": _("Reports and advice"),
    "kernel": _("Policies and messages"),
}
"""What the rooms are called whose commands a role may give, in the order in which they are read."""


@require_safe
@console
def told(request: Request) -> HttpResponse:
    """Every role with who has it, and its commands by room; and what all but the auditor may."""
    people = queries.known()
    roles = [
        (
            role,
            [one for one in people if role in one.roles and one.may_enter],
            by_room(set(commands) - set(EVERYBODY)),
        )
        for role, commands in sorted(ROLES.items())
    ]
    context = {"roles": roles, "everybody": by_room(EVERYBODY)}
    return page(request, "web/roles.html", context, area="policies")


def by_room(commands: Iterable[str]) -> list[tuple[Promise, list[str]]]:
    """Commands by what their room is called, each by its name."""
    rooms: dict[str, list[str]] = {}
    for one in sorted(commands):
        rooms.setdefault(one.partition(".")[0], []).append(one)
    return [(name, rooms[room]) for room, name in ROOMS.items() if room in rooms]
