"""How each supplier is reached who is to send goods to a customer: by X12, by mail, or by nobody but a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.access import queries as access
from entrepot.channels.x12.purchase_order import Partner
from entrepot.kernel import ids, policies
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command, whole
from entrepot.kernel.errors import NotFound, Refused
from entrepot.purchasing import drop_ship_queries as queries
from entrepot.purchasing.commands.tell_suppliers import (
    NoteDropShipSending,
    Route,
    note_drop_ship_sendings,
    route,
)
from entrepot.purchasing.drop_ship import BY_MAIL, BY_X12, DropShipMail
from entrepot.purchasing.drop_ship_queries import Unrouted

NO_CHANNEL = (
    "no policy says how he is reached: set channels.x12 with an address, or purchasing.drop_ship_mail, for {0}, and"
    " send it again; or tell him yourself"
)
NO_MAIL = "no mail server is set (ENTREPOT_MAIL_HOST)"


@dataclass(frozen=True, slots=True)
class RouteDropShip:
    """What a supplier is to be told, by its sending."""

    sending: UUID
    key: str | None = None


@dataclass(frozen=True, slots=True)
class DropShipRouted:
    """`way` is x12 or mail; '' where there is none, which is work for a buyer."""

    sending: UUID
    way: str


@command("channels.route_drop_ships")
def route_drop_ships(cause: Cause, /, *, requests: Sequence[RouteDropShip]) -> list[DropShipRouted | Refused]:
    """Each sending goes as an X12 document where the policy `channels.x12` has an address of its supplier, else by mail
    where `purchasing.drop_ship_mail` has one; what goes by neither is told to a buyer.

    Locks: nothing. Refuses: NotFound (none whose way is to be found). Again: NotFound; by key.
    4 statements; 1 more where some go by X12, 3 more where some go nowhere.
    """
    found = queries.unrouted({one.sending for one in requests})
    in_force = policies.InForce({one.company for one in found.values()}, [Partner, DropShipMail], cause.at)
    routes = {
        which: chosen for which, one in found.items() if isinstance(chosen := _chosen(one, in_force), Route)
    }
    by_x12 = [which for which, one in routes.items() if one.way == BY_X12]
    for which, number in zip(by_x12, ids.numbers("ED", len(by_x12)), strict=True):
        routes[which] = routes[which]._replace(number=number)
    if routes:
        route(cause, list(routes.values()))
    nowhere = {which: _why(one, in_force) for which, one in found.items() if which not in routes}
    if nowhere:
        noting = [NoteDropShipSending(which, "no_channel", why) for which, why in nowhere.items()]
        whole(note_drop_ship_sendings(cause, requests=noting))
    return [
        DropShipRouted(one.sending, routes[one.sending].way if one.sending in routes else "")
        if one.sending in found
        else NotFound(what="message that waits for its way", which=str(one.sending))
        for one in requests
    ]


def _chosen(one: Unrouted, in_force: policies.InForce) -> Route | None:
    partner = in_force.of(one.company, Partner, one.supplier)[1]
    if partner.own_id and partner.url:
        return Route(one.id, one.company, one.purpose, BY_X12, partner.url)
    mail = in_force.of(one.company, DropShipMail, one.supplier)[1]
    if mail.address and access.sends_mail():
        return Route(
            one.id, one.company, one.purpose, BY_MAIL, mail.address, mail.language, mail.packing_note
        )
    return None


def _why(one: Unrouted, in_force: policies.InForce) -> str:
    has_address = in_force.of(one.company, DropShipMail, one.supplier)[1].address
    return NO_MAIL if has_address else NO_CHANNEL.format(one.supplier)
