"""A supplier's notice, his refusal and our calling it off meet; and two workers pass on the last that he has."""

from __future__ import annotations

import pytest

from entrepot.channels.commands.route_drop_ships import RouteDropShip, route_drop_ships
from entrepot.insight import verify
from entrepot.kernel import sql
from entrepot.kernel.command import whole
from entrepot.kernel.errors import Refused
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.parties.commands.state_quantities import StateQuantity, state_quantities
from entrepot.purchasing.commands.call_off_drop_ships import CallOffDropShip, call_off_drop_ships
from entrepot.purchasing.commands.confirm_drop_ships import ConfirmDropShip, confirm_drop_ships
from entrepot.purchasing.commands.drop_ship import DropShipOrder, OrderDropShipped, drop_ship
from entrepot.purchasing.commands.refuse_drop_ships import RefuseDropShip, refuse_drop_ships
from entrepot.purchasing.commands.tell_suppliers import SendDropShip, send_drop_ships
from entrepot.purchasing.drop_ship import DropShipMail
from entrepot.shipping.commands.ship_drop_ships import ShipDropShip, ship_drop_ships
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from entrepot.sourcing.rules import DropShip
from tests.drop import NOTICES, a_supplier, passed_on, profile
from tests.floor import COMPANY, NOW, SYSTEM, a_floor
from tests.together import at_once

pytestmark = pytest.mark.usefixtures("committed_db")


def test_what_is_told_of_the_same_orders_at_once_becomes_of_each_one_thing():
    floor = a_floor()
    a_supplier(floor)
    profile()
    orders = [passed_on(floor, (0, 2)) for _ in range(12)]

    def order(turn: int) -> list:
        return drop_ship(SYSTEM, requests=[DropShipOrder(one) for one in orders[::turn]])

    made = [one for answers in at_once([lambda t=t: order(t) for t in (1, -1, 1)]) for one in answers]
    which = [one.made[0][0] for one in made if isinstance(one, OrderDropShipped)]
    assert len(which) == 12

    def tell(kind: str, turn: int) -> list:
        some = which[::turn]
        match kind:
            case "ship":
                return ship_drop_ships(NOTICES, requests=[ShipDropShip(one) for one in some])
            case "refuse":
                return refuse_drop_ships(NOTICES, requests=[RefuseDropShip(one, "no") for one in some])
            case "confirm":
                confirm_drop_ships(NOTICES, requests=[ConfirmDropShip(one) for one in some])
                return []
        return call_off_drop_ships(SYSTEM, requests=[CallOffDropShip(one, "no", cancel=True) for one in some])

    kinds = [("ship", 1), ("refuse", -1), ("call off", 1), ("confirm", -1), ("ship", -1)]
    told = at_once([lambda kind=kind, turn=turn: tell(kind, turn) for kind, turn in kinds])
    assert sum(not isinstance(one, Refused) for answers in told for one in answers) == 12
    assert (
        sql.run("SELECT DISTINCT state FROM purchasing_dropship WHERE state IN ('asked', 'confirmed')") == []
    )
    assert verify.discrepancies() == []


def test_what_is_sent_again_at_once_goes_out_once_and_by_one_way():
    floor = a_floor()
    a_supplier(floor)
    profile()
    orders = [passed_on(floor, (0, 1)) for _ in range(6)]
    which = [
        one.made[0][0] for one in whole(drop_ship(SYSTEM, requests=[DropShipOrder(one) for one in orders]))
    ]
    sql.change("UPDATE purchasing_dropshipsending SET state = 'failed', done_at = asked_at", {})

    def again(turn: int) -> list:
        return whole(send_drop_ships(NOTICES, requests=[SendDropShip(one) for one in which[::turn]]))

    told = [one for answers in at_once([lambda t=t: again(t) for t in (1, -1, 1, -1)]) for one in answers]
    sendings = {one.sending for one in told}
    assert len(sendings) == len({one.drop_ship for one in told}) == 6

    def route(turn: int) -> list:
        return route_drop_ships(SYSTEM, requests=[RouteDropShip(one) for one in sorted(sendings)[::turn]])

    mail = DropShipMail("desk@acme.example")
    whole(set_policy(SYSTEM, requests=[SetPolicy(COMPANY, "purchasing.drop_ship_mail", mail, NOW)]))
    at_once([lambda t=t: route(t) for t in (1, -1, 1)])
    rows = sql.run(
        "SELECT destination, count(*)::int FROM kernel_delivery WHERE destination LIKE '%%.mail' GROUP BY 1"
    )
    assert rows == [("drop_ships.mail", 6)]
    assert verify.discrepancies() == []


def test_the_last_that_he_has_is_passed_on_once():
    floor = a_floor()
    supplier = a_supplier(floor)
    profile(DropShip("ACME", stated_only=True))
    whole(state_quantities(SYSTEM, requests=[StateQuantity(supplier, floor.skus[0], 5)]))
    orders = [floor.order((0, 1)).order for _ in range(12)]

    at_once([lambda o=o: allocate(SYSTEM, requests=[AllocateOrder(one) for one in o])
             for o in (orders[:3], orders[3:6], orders[6:9], orders[9:])])  # fmt: skip
    assert sql.run("SELECT sum(quantity)::int FROM sourcing_dropship") == [(5,)]
    assert verify.discrepancies() == []
