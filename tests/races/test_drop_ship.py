"""A supplier's notice, his refusal and our calling it off meet; and two workers pass on the last that he has."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from django.utils import timezone

from entrepot.channels.commands.route_drop_ships import RouteDropShip, route_drop_ships
from entrepot.channels.x12.purchase_order import Partner
from entrepot.insight import verify
from entrepot.kernel import relay, sql
from entrepot.kernel.command import whole
from entrepot.kernel.errors import Refused
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.orders.commands.place import AddressGiven
from entrepot.parties.commands.state_quantities import StateQuantity, state_quantities
from entrepot.purchasing import drop_ship_queries as queries
from entrepot.purchasing.commands.call_off_drop_ships import CallOffDropShip, call_off_drop_ships
from entrepot.purchasing.commands.confirm_drop_ships import ConfirmDropShip, confirm_drop_ships
from entrepot.purchasing.commands.drop_ship import DropShipOrder, OrderDropShipped, drop_ship
from entrepot.purchasing.commands.refuse_drop_ships import RefuseDropShip, refuse_drop_ships
from entrepot.purchasing.commands.tell_suppliers import SendDropShip, send_drop_ships
from entrepot.purchasing.drop_ship import DropShipMail
from entrepot.shipping.commands.ship_drop_ships import ShipDropShip, ship_drop_ships
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from entrepot.sourcing.rules import DropShip
from tests.catcher import catching
from tests.drop import NOTICES, a_supplier, asked, passed_on, profile
from tests.floor import COMPANY, NOW, SYSTEM, a_floor
from tests.receiver import receiving
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


class Kills(list):
    """As a supplier's side, that has taken what it got when the relay is killed."""

    relay: subprocess.Popen[bytes]

    def append(self, one: object) -> None:
        super().append(one)
        if len(self) == 1:
            os.kill(self.relay.pid, signal.SIGKILL)


def routed(kind: str, body: object) -> UUID:
    """A drop-ship order on its way to a supplier who is reached so."""
    floor = a_floor()
    a_supplier(floor)
    profile()
    whole(set_policy(SYSTEM, requests=[SetPolicy(COMPANY, kind, body, NOW)]))
    which = asked(passed_on(floor, (0, 1), address=AddressGiven("Ada Quince", "12 Fell Row", "London")))
    assert relay.relay_once(relay.destinations(), limit=1, at=NOW) == 1, "its way is found"
    sql.change(
        "UPDATE kernel_delivery SET next_try_at = %(at)s WHERE state = 'waiting'", {"at": timezone.now()}
    )
    return which


def kill_a_relay(got: Kills, **environment: str) -> None:
    """A relay of its own, until it is killed."""
    got.relay = subprocess.Popen(
        [sys.executable, "-m", "entrepot", "relay"], env=os.environ | environment, cwd=Path(__file__).parents[2],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert got.relay.wait(200) == -signal.SIGKILL


def became_of(which: UUID) -> list[tuple[str, str]]:
    sendings = queries.sendings_of([which])[which]
    relay.relay_once(relay.destinations(), at=timezone.now() + timedelta(hours=1))
    assert [one.state for one in sendings] == ["waiting"], "nobody noted it"
    return [(one.way, one.state) for one in queries.sendings_of([which])[which]]


def test_a_relay_that_is_killed_with_the_mail_out_sends_no_second(settings):
    with catching() as catcher:
        got = catcher.mails = Kills()
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", catcher.port
        which = routed("purchasing.drop_ship_mail", DropShipMail("desk@acme.example"))
        kill_a_relay(got, ENTREPOT_MAIL_HOST="127.0.0.1", ENTREPOT_MAIL_PORT=str(catcher.port))
        assert (became_of(which), len(got)) == ([("mail", "failed")], 1)


def test_a_relay_that_is_killed_with_the_document_out_posts_the_same_again(settings):
    settings.WEBHOOKS_LOCAL = True
    with receiving() as there:
        got = there.got = Kills()
        which = routed("channels.x12", Partner("HOUSE", "ZZ", "ACME", "ZZ", there.url))
        kill_a_relay(got, ENTREPOT_WEBHOOKS_LOCAL="1")
        assert became_of(which) == [("x12", "sent")]
    first, second = got
    assert first.body == second.body
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
