"""What suppliers send to customers themselves: passed on, asked, confirmed, refused, called off, sent, come back."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from entrepot.access.errors import DutiesApart
from entrepot.kernel import ids, ready, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import whole
from entrepot.kernel.errors import Invalid, NotFound, WrongState
from entrepot.ledger.commands.close_month import CloseMonth, close_month
from entrepot.ledger.errors import MonthClosed
from entrepot.orders import queries as sales
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.orders.commands.edit import EditOrder
from entrepot.orders.commands.hold import PlaceHold, ReleaseHold, place_hold, release_holds
from entrepot.orders.commands.place import OrderLine, PaymentGiven, PlaceOrder, place
from entrepot.orders.errors import EditTooLate, TooLate
from entrepot.parties.commands import state_quantities as parties
from entrepot.parties.commands.state_quantities import QuantityStated, StateQuantity
from entrepot.payments import queries as payments
from entrepot.purchasing import drop_ship_queries as queries
from entrepot.purchasing.commands.call_off_drop_ships import (
    CallOffDropShip,
    DropShipCalledOff,
    call_off_drop_ships,
)
from entrepot.purchasing.commands.confirm_drop_ships import (
    ConfirmDropShip,
    DropShipConfirmed,
    confirm_drop_ships,
)
from entrepot.purchasing.commands.drop_ship import DropShipOrder, OrderDropShipped, drop_ship
from entrepot.purchasing.commands.refuse_drop_ships import (
    DropShipRefused,
    RefuseDropShip,
    refuse_drop_ships,
)
from entrepot.purchasing.commands.watch_drop_ships import (
    DropShipsWatched,
    WatchDropShips,
    watch_drop_ships,
)
from entrepot.purchasing.errors import (
    BelowFill,
    MoreThanAsked,
    NotBefore,
    NothingPassed,
    OrderHeld,
    PastCancelAfter,
)
from entrepot.returns.commands import authorize as returns
from entrepot.returns.commands.receive import Receive, receive
from entrepot.shipping import queries as shipping
from entrepot.shipping.commands.reship import Reship, reship
from entrepot.shipping.commands.ship_drop_ships import DropShipShipped, ShipDropShip, ship_drop_ships
from entrepot.shipping.commands.take_tracking import TakeTracking, TrackingTaken, take_tracking
from entrepot.shipping.errors import InPart, TrackingMisread
from entrepot.sourcing import queries as sourcing
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from entrepot.sourcing.commands.cancel import cancel
from entrepot.sourcing.commands.edit import edit
from entrepot.sourcing.commands.state_quantities import state_quantities
from entrepot.sourcing.rules import DropShip
from entrepot.sourcing.tasks import release_windows_at
from entrepot.work import queries as work
from tests.drop import NOTICES, a_supplier, asked, balance, passed_on, places, profile
from tests.floor import COMPANY, NOW, SYSTEM, Floor, a_floor, someone
from tests.rules.test_easypost import a_message, detail
from tests.sizes import SIZES
from tests.walk import freed_is_offered

pytestmark = pytest.mark.django_db
UNKNOWN = ids.uuid7()


@pytest.fixture
def floor(db: None) -> Floor:
    floor = a_floor()
    floor.stock(sku=1, quantity=5000)
    a_supplier(floor, skus=(0,))
    profile()
    return floor


def sent(which: UUID, **told: object) -> DropShipShipped:
    (answer,) = whole(ship_drop_ships(NOTICES, requests=[ShipDropShip(which, **told)]))  # type: ignore[arg-type]
    return answer


def numbers() -> list[str]:
    return [one for (one,) in sql.run("SELECT tracking FROM shipping_parcel ORDER BY 1")]


def queued(queue: str) -> list[UUID]:
    return [one for (one,) in sql.run("SELECT subject FROM kernel_ready WHERE queue = %(q)s", {"q": queue})]


def messages(destination: str) -> list[tuple[str, dict]]:
    rows = sql.run(
        "SELECT topic, body::text FROM kernel_delivery WHERE destination = %(to)s ORDER BY id",
        {"to": destination},
    )
    return [(topic, json.loads(body)) for topic, body in rows]


# ---- sourcing


def test_what_no_node_has_stands_with_the_supplier(floor: Floor) -> None:
    order = passed_on(floor, (0, 3), (1, 2))

    assert places(order) == [{"with_supplier": 3}, {"allocated": 2}]
    assert sales.order(order).status == "ready"  # the warehouse has its part to do
    (told,) = sourcing.explained(order=order)
    assert told.decision.outcome == "split"
    assert told.explanation.lines[0].suppliers == (("ACME", 3, 3),)
    assert told.explanation.candidates[0].verdict == "chosen"
    assert queued("drop_ship") == [order]
    assert sourcing.backorders(company=COMPANY) == []


def test_what_may_not_leave_yet_is_ordered_from_its_supplier_when_the_day_comes(floor: Floor) -> None:
    day = NOW.date() + timedelta(days=3)
    order = passed_on(floor, (0, 3), ship_not_before=day)
    number = sales.order(order).number

    assert drop_ship(SYSTEM, requests=[DropShipOrder(order)]) == [NotBefore(order=number, on=str(day))]
    assert queued("drop_ship") == []
    release_windows_at(NOW + timedelta(days=4))
    assert queued("drop_ship") == [order]
    whole(drop_ship(later(4), requests=[DropShipOrder(order)]))
    assert release_windows_at(NOW + timedelta(days=4)) == 0


def test_after_its_last_day_nothing_of_an_order_is_ordered_from_a_supplier(floor: Floor) -> None:
    order = passed_on(floor, (0, 3), cancel_after=NOW.date())
    number = sales.order(order).number

    (refused,) = drop_ship(later(3), requests=[DropShipOrder(order)])

    assert refused == PastCancelAfter(order=number, on=str(NOW.date()))
    whole(edit(later(3), requests=[EditOrder(order, "agreed", cancel_after=NOW.date() + timedelta(days=9))]))
    whole(drop_ship(later(3), requests=[DropShipOrder(order)]))


def test_below_its_least_part_nothing_of_an_order_is_ordered_from_a_supplier(floor: Floor) -> None:
    order = passed_on(floor, (0, 3), (1, 2), min_fill_percent=100)
    number = sales.order(order).number
    stands = "UPDATE orders_line SET allocated = %(a)s, backordered = 2 - %(a)s WHERE sku_id = %(sku)s::uuid"
    sql.run(stands, {"a": 1, "sku": floor.skus[1]})
    (refused,) = drop_ship(SYSTEM, requests=[DropShipOrder(order)])
    sql.run(stands, {"a": 2, "sku": floor.skus[1]})

    assert refused == BelowFill(order=number, expected=5, ordered=5, found=4)
    assert release_windows_at(NOW) == 2  # for the floor, and for the supplier
    whole(drop_ship(SYSTEM, requests=[DropShipOrder(order)]))


def later(days: int) -> Cause:
    return Cause(SYSTEM.actor, NOW + timedelta(days=days))


def test_where_he_is_asked_first_the_rest_is_planned_by_cost(floor: Floor) -> None:
    """Two nodes, of which each has much of what the other has least of; by preference one would send both."""
    profile(
        DropShip("ACME", ask="first"),
        choose_by="cost",
        scarcity_minor=500,
        split_minor=0,
        nodes_per_order_max=3,
    )
    for sku, node, units in ((0, 0, 9), (1, 1, 1), (2, 0, 1), (2, 1, 100)):
        floor.stock(sku=sku, node=node, quantity=units)

    order = passed_on(floor, (0, 1), (1, 1), (2, 1))

    assert places(order) == [{"with_supplier": 1}, {"allocated": 1}, {"allocated": 1}]
    given = dict(sql.run("SELECT sku_id, node_id FROM stock_allocation"))
    assert given == {floor.skus[1]: floor.nodes[0], floor.skus[2]: floor.nodes[1]}
    ((why,),) = sql.run("SELECT reasons ->> 'why' FROM sourcing_decision")
    assert why.endswith("together are the cheapest plan; ACME sends 1 unit to the customer")


def test_what_waited_is_passed_on_once_a_supplier_is_named(floor: Floor) -> None:
    profile(DropShip("NOBODY"))
    order = passed_on(floor, (0, 3))
    assert places(order) == [{"backordered": 3}]
    profile()
    (answer,) = allocate(SYSTEM, requests=[AllocateOrder(order)])
    assert (answer.outcome, answer.passed, answer.backordered) == ("drop-shipped", 3, 0)
    assert places(order) == [{"with_supplier": 3}]
    assert work.of_subject(order)[0].state == "done"
    assert sales.order(order).status == "with supplier"


def test_he_is_asked_for_what_he_said_that_he_has_and_no_more(floor: Floor) -> None:
    (supplier,) = sql.run("SELECT id FROM parties_supplier")[0]
    profile(DropShip("ACME", stated_only=True))
    silent = passed_on(floor, (0, 1))
    assert places(silent) == [{"backordered": 1}]

    assert state_quantities(SYSTEM, requests=[StateQuantity(supplier, floor.skus[0], 5)]) == [
        QuantityStated(supplier, floor.skus[0])
    ]
    freed_is_offered()
    assert queued("allocate") == [silent]  # who waits is asked about again
    orders = [floor.order((0, 3)).order for _ in range(2)]
    answers = whole(allocate(SYSTEM, requests=[AllocateOrder(order) for order in orders]))
    assert sorted((one.passed, one.backordered) for one in answers) == [(2, 1), (3, 0)]
    assert places(passed_on(floor, (0, 1))) == [{"backordered": 1}]

    later = SYSTEM.__class__(SYSTEM.actor, NOW + timedelta(hours=1), "his list of the hour")
    whole(state_quantities(later, requests=[StateQuantity(supplier, floor.skus[0], 1)]))
    assert places(passed_on(floor, (0, 1))) == [{"with_supplier": 1}]


def test_why_he_is_not_asked_is_told_of_what_is_short_after_him(floor: Floor) -> None:
    (supplier,) = sql.run("SELECT id FROM parties_supplier")[0]
    profile(DropShip("ACME", stated_only=True))
    whole(state_quantities(SYSTEM, requests=[StateQuantity(supplier, floor.skus[0], 3)]))
    part = passed_on(floor, (0, 5))
    assert places(part) == [{"backordered": 2, "with_supplier": 3}]
    assert not_asked(part) == [()], "he was asked, and sends what he has"

    profile(nodes_per_order_max=9)
    held = passed_on(floor, (2, 1), (0, 1), policy="ship_complete")
    assert not_asked(held) == [(("ACME", "goods"),), (("ACME", "complete"),)]
    profile(nodes_per_order_max=1)
    split = passed_on(floor, (1, 1), (0, 1), policy="ship_complete")
    assert not_asked(split) == [(("ACME", "goods"),), (("ACME", "shipments"),)]


def not_asked(order: UUID) -> list[tuple[tuple[str, str], ...]]:
    """By line, who was not asked, and why."""
    (told,) = sourcing.explained(order=order)
    return [line.not_passed for line in told.explanation.lines]


def test_a_quantity_is_of_an_offer_and_not_below_nothing(floor: Floor) -> None:
    (supplier,) = sql.run("SELECT id FROM parties_supplier")[0]
    answers = state_quantities(
        SYSTEM,
        requests=[StateQuantity(supplier, floor.skus[1], 5), StateQuantity(supplier, floor.skus[0], -1)],
    )
    assert answers == [
        NotFound(what="offer of the supplier", which=str(floor.skus[1])),
        Invalid(field="available", expected="units, or nothing", found=-1),
    ]
    whole(state_quantities(SYSTEM, requests=[StateQuantity(supplier, floor.skus[0], 4)]))
    whole(state_quantities(SYSTEM, requests=[StateQuantity(supplier, floor.skus[0], None)]))
    assert sql.run("SELECT available, stated_at FROM parties_offer") == [(None, None)]


# ---- asking him


def test_each_supplier_of_an_order_is_asked_once(floor: Floor) -> None:
    bolt = a_supplier(floor, "BOLT", skus=(2,), cost="7")
    profile(DropShip("ACME"), DropShip("BOLT"))
    order = passed_on(floor, (0, 3), (2, 1), (0, 1))

    (answer,) = drop_ship(SYSTEM, requests=[DropShipOrder(order)])
    assert isinstance(answer, OrderDropShipped)
    found = {one.supplier_code: one for one in queries.of_order(order)}
    assert sorted((one.number, one.id) for one in found.values()) == sorted(
        (number, which) for which, number in answer.made
    )
    assert found["BOLT"].supplier == bolt
    assert {code: (one.state, one.quantity, one.due_on) for code, one in found.items()} == {
        "ACME": ("asked", 4, date(2026, 11, 26)),
        "BOLT": ("asked", 1, date(2026, 11, 26)),
    }
    lines = queries.lines_of([found["ACME"].id])[found["ACME"].id]
    assert [(one.number, one.quantity, one.unit_cost) for one in lines] == [
        (1, 3, Decimal("4.105")), (2, 1, Decimal("4.105")),
    ]  # fmt: skip
    ((topic, body),) = messages("suppliers:BOLT")
    assert (topic, body["number"], body["lines"]) == (
        "drop_ship.asked", found["BOLT"].number,
        [{"line": 1, "sku": floor.codes[2], "quantity": 1, "unit_cost": "7.000000"}],
    )  # fmt: skip
    assert body["address"] == sales.order(order).address_id  # None here: only the vault's key is ever told
    assert queued("drop_ship") == []
    assert drop_ship(SYSTEM, requests=[DropShipOrder(order), DropShipOrder(UNKNOWN)]) == [
        NothingPassed(order=sales.order(order).number),
        NotFound(what="order", which=str(UNKNOWN)),
    ]


def test_what_is_held_waits_until_the_hold_ends(floor: Floor) -> None:
    order = passed_on(floor, (0, 1))
    (held,) = whole(place_hold(SYSTEM, requests=[PlaceHold(order, "fraud review", "odd", occurred_at=NOW)]))
    (answer,) = drop_ship(SYSTEM, requests=[DropShipOrder(order)])
    assert answer == OrderHeld(order=sales.order(order).number, hold="fraud review")
    assert queries.of_order(order) == []
    whole(release_holds(SYSTEM, requests=[ReleaseHold(held.hold, "fine")]))
    assert queued("drop_ship") == [order]
    asked(order)


def test_he_confirms_with_his_reference_and_day(floor: Floor) -> None:
    which = asked(passed_on(floor, (0, 1)))
    request = ConfirmDropShip(which, "A-77", date(2026, 12, 1), key="c")
    assert confirm_drop_ships(NOTICES, requests=[request]) == [DropShipConfirmed(which, date(2026, 12, 1))]
    assert confirm_drop_ships(NOTICES, requests=[request]) == [DropShipConfirmed(which, date(2026, 12, 1))]
    found = queries.drop_ship(which)
    assert (found.state, found.reference, found.due_on) == ("confirmed", "A-77", date(2026, 12, 1))
    again, unknown = confirm_drop_ships(NOTICES, requests=[ConfirmDropShip(which), ConfirmDropShip(UNKNOWN)])
    assert isinstance(again, WrongState)
    assert unknown == NotFound(what="drop-ship order", which=str(UNKNOWN))


# ---- he refuses, or we call it off


def test_what_he_refuses_is_sourced_again_without_him(floor: Floor) -> None:
    order = passed_on(floor, (0, 3))
    which = asked(order)
    (answer,) = refuse_drop_ships(NOTICES, requests=[RefuseDropShip(which, "sold out", ((1, 2),), key="r")])
    assert answer == DropShipRefused(which, 2, "asked")
    assert places(order) == [{"open": 2, "with_supplier": 1}]
    assert queued("allocate") == [order]
    (again,) = allocate(SYSTEM, requests=[AllocateOrder(order)])
    assert (again.passed, again.backordered) == (0, 2)
    assert [(one.node_code, one.quantity) for one in sourcing.rejections(order=order)] == [("ACME", 2)]

    assert refuse_drop_ships(NOTICES, requests=[RefuseDropShip(which, "all gone")]) == [
        DropShipRefused(which, 1, "refused")
    ]
    assert places(order) == [{"open": 1, "backordered": 2}]
    assert refuse_drop_ships(NOTICES, requests=[RefuseDropShip(which, "sold out", ((1, 2),), key="r")]) == [
        DropShipRefused(which, 2, "asked")
    ]


def test_a_person_looks_where_too_many_have_refused(floor: Floor) -> None:
    profile(rejections_max=1)
    order = passed_on(floor, (0, 1))
    whole(refuse_drop_ships(NOTICES, requests=[RefuseDropShip(asked(order), "no")]))
    assert [item.type for item in work.of_subject(order)] == ["rejected by nodes"]


def test_what_can_t_be_refused(floor: Floor) -> None:
    which = asked(passed_on(floor, (0, 1)))
    whole(refuse_drop_ships(NOTICES, requests=[RefuseDropShip(which, "no")]))
    other = asked(passed_on(floor, (0, 1)))
    answers = refuse_drop_ships(
        NOTICES,
        requests=[
            RefuseDropShip(which, "no"), RefuseDropShip(UNKNOWN, "no"), RefuseDropShip(other, " "),
            RefuseDropShip(other, "no", ((1, 2),)), RefuseDropShip(other, "no", ((2, 1),)),
        ],
    )  # fmt: skip
    assert [type(one) for one in answers] == [WrongState, NotFound, Invalid, MoreThanAsked, NotFound]
    assert queries.drop_ship(other).left == 1


def test_what_the_customer_does_not_want_is_called_off_and_cancelled(floor: Floor) -> None:
    paid = PaymentGiven("account", "card", 2997, NOW)
    order = passed_on(floor, (0, 2), (1, 1), payment=paid)
    which = asked(order)
    number = queries.drop_ship(which).number
    (late,) = cancel(SYSTEM, requests=[CancelOrder(order, "no more")])
    assert isinstance(late, TooLate)

    (answer,) = call_off_drop_ships(
        SYSTEM, requests=[CallOffDropShip(which, "no more", cancel=True, key="k")]
    )
    assert answer == DropShipCalledOff(which, 2, 0)
    assert places(order) == [{"cancelled": 2}, {"allocated": 1}]
    topic, body = messages("suppliers:ACME")[1]
    assert (topic, body["number"], body["reason"]) == ("drop_ship.called_off", number, "no more")
    assert call_off_drop_ships(
        SYSTEM, requests=[CallOffDropShip(which, "no more", cancel=True, key="k")]
    ) == [answer]
    whole(cancel(SYSTEM, requests=[CancelOrder(order, "no more")]))
    assert sales.order(order).status == "cancelled"


def test_with_all_of_its_goods_called_off_an_order_is_cancelled(floor: Floor) -> None:
    paid = PaymentGiven("account", "card", 2498, NOW)
    lines = (
        OrderLine(floor.codes[0], 2, Decimal("9.99")),
        OrderLine("WRAP", 1, Decimal("5.00"), kind="packaging"),
    )
    (placed,) = whole(
        place(SYSTEM, requests=[PlaceOrder(COMPANY, "shop", "G-1", lines, "GBP", country="GB", payment=paid)])
    )
    whole(allocate(SYSTEM, requests=[AllocateOrder(placed.order)]))
    which = asked(placed.order)
    whole(call_off_drop_ships(SYSTEM, requests=[CallOffDropShip(which, "no more", cancel=True)]))
    assert sales.order(placed.order).status == "cancelled"
    assert [one.state for one in payments.of_order(placed.order)] == ["voided"]


def test_what_takes_too_long_is_called_off_and_sourced_again(floor: Floor) -> None:
    a_supplier(floor, "BOLT", skus=(0,), cost="7")
    profile(DropShip("ACME"), DropShip("BOLT"))
    order = passed_on(floor, (0, 2))
    whole(call_off_drop_ships(SYSTEM, requests=[CallOffDropShip(asked(order), "no answer")]))
    assert places(order) == [{"open": 2}]
    whole(allocate(SYSTEM, requests=[AllocateOrder(order)]))
    assert queries.drop_ship(asked(order)).supplier_code == "BOLT"


def test_what_can_t_be_called_off(floor: Floor) -> None:
    which, other = asked(passed_on(floor, (0, 1))), asked(passed_on(floor, (0, 1)))
    whole(confirm_drop_ships(NOTICES, requests=[ConfirmDropShip(which)]))
    answers = call_off_drop_ships(
        SYSTEM,
        requests=[
            CallOffDropShip(which, "no"), CallOffDropShip(UNKNOWN, "no"), CallOffDropShip(other, ""),
            CallOffDropShip(other, "no", code="whim"),
        ],
    )  # fmt: skip
    assert [type(one) for one in answers] == [WrongState, NotFound, Invalid, Invalid]
    assert [queries.drop_ship(one).state for one in (which, other)] == ["confirmed", "asked"]


def test_what_he_has_is_not_edited_away(floor: Floor) -> None:
    order = passed_on(floor, (0, 2))
    asked(order)
    (line,) = sales.order(order).lines
    (taken,) = edit(SYSTEM, requests=[EditOrder(order, "smaller", remove=((line.id, 1),))])
    assert isinstance(taken, TooLate)
    (moved,) = edit(SYSTEM, requests=[EditOrder(order, "moved", postal_code="N1 9GU")])
    assert isinstance(moved, EditTooLate)


# ---- he has sent it


def test_his_notice_is_a_shipment_paid_booked_and_told(floor: Floor) -> None:
    paid = PaymentGiven("account", "card", 2997, NOW)
    order = passed_on(floor, (0, 3), payment=paid)
    which = asked(order)
    there = sql.run("SELECT sum(quantity) FROM stock_bucket")
    stock_minor = balance(1200)

    request = ShipDropShip(which, "UPS", "1Z 999 AA1 01 2345 6784", key="n")
    (answer,) = ship_drop_ships(NOTICES, requests=[request])
    assert isinstance(answer, DropShipShipped)
    assert (answer.amount_minor, answer.cost_minor, answer.state, answer.doubt) == (2997, 1232, "shipped", "")
    assert places(order) == [{"shipped": 3}]
    assert sales.order(order).status == "shipped"
    (shipment,) = shipping.of_order(order)
    assert (shipment.carrier, shipment.tracking, shipment.node_code, shipment.fulfillment, shipment.drop_ship) == (
        "UPS", "1Z999AA10123456784", "ACME", None, which,
    )  # fmt: skip
    moves = sql.run(
        "SELECT from_place, to_place, quantity, value_minor, document_id FROM stock_move WHERE reason = 'drop_ship'"
    )
    assert moves == [("supplier", "customer", 3, 1232, shipment.id)]
    assert sql.run("SELECT sum(quantity) FROM stock_bucket") == there
    # 3 × 4.105, sold at 29.97: owed to the supplier, never in stock
    assert (balance(5000), balance(1200)) == (1232, stock_minor)
    assert -sql.run("SELECT sum(functional_minor)::bigint FROM ledger_line WHERE account = 2050 AND document_kind = "
                    "'shipment'")[0][0] == 1232  # fmt: skip
    assert [one.captured_minor for one in payments.of_order(order)] == [2997]
    ((topic, body),) = messages("channels:shop")[-1:]
    assert (topic, body["carrier"], body["tracking"]) == ("order.shipped", "UPS", "1Z999AA10123456784")

    assert ship_drop_ships(NOTICES, requests=[request]) == [answer]
    told = a_message(shipment.tracking, detail("delivered", NOW + timedelta(days=2)))
    assert take_tracking(SYSTEM, requests=[TakeTracking(COMPANY, "easypost", told)]) == [
        TrackingTaken("done", 1, 1)
    ]
    assert sales.order(order).status == "delivered"


def test_he_sends_in_parts_and_refuses_the_rest(floor: Floor) -> None:
    order = passed_on(floor, (0, 5))
    which = asked(order)
    whole(confirm_drop_ships(NOTICES, requests=[ConfirmDropShip(which)]))
    first = sent(which, lines=((1, 2),))
    assert (first.state, first.cost_minor, sales.order(order).status) == (
        "part_shipped",
        821,
        "partly shipped",
    )
    second = sent(which, lines=((1, 1),))
    assert (second.state, first.cost_minor + second.cost_minor) == ("part_shipped", 1232)  # as 3 at once
    whole(refuse_drop_ships(NOTICES, requests=[RefuseDropShip(which, "sold out")]))
    assert queries.drop_ship(which).state == "shipped"
    assert places(order) == [{"open": 2, "shipped": 3}]


def test_two_notices_of_one_order_in_a_call(floor: Floor) -> None:
    order = passed_on(floor, (0, 2))
    which = asked(order)
    requests = [ShipDropShip(which, lines=((1, 1),)), ShipDropShip(which), ShipDropShip(which)]
    first, second, third = ship_drop_ships(NOTICES, requests=requests)
    assert (first.state, second.state, third.code) == ("part_shipped", "shipped", "kernel.wrong_state")
    assert first.number != second.number
    assert (first.amount_minor + second.amount_minor, places(order)) == (1998, [{"shipped": 2}])


def test_a_freight_bill_s_number_beside_a_parcel_s_own_holds_up_nothing(floor: Floor) -> None:
    which = asked(passed_on(floor, (0, 1)))
    answer = sent(which, carrier="UPS", tracking="PRO4711", parcels=("1Z999AA10123456784",))
    (shipment,) = shipping.of_order(queries.drop_ship(which).order)
    assert (shipment.tracking, numbers()) == ("1Z999AA10123456784", ["1Z999AA10123456784"])
    assert "PRO4711" not in answer.doubt and answer.doubt.startswith("it has no form of ups's numbers")


def test_a_parcel_with_a_number_of_another_carrier_is_kept_and_a_carton_s_own_id_is_not(floor: Floor) -> None:
    which = asked(passed_on(floor, (0, 1)))
    answer = sent(which, carrier="UPS", tracking="1Z999AA10123456784", parcels=("986578788855", "17"))
    assert numbers() == ["986578788855"]
    assert "looks like a number of fedex" in answer.doubt


def test_of_a_suppliers_parcels_some_are_not_sent_again(floor: Floor) -> None:
    which = asked(passed_on(floor, (0, 2)))
    sent(which, carrier="UPS", parcels=("1Z999AA10123456784", "1Z999AA10123456793"))
    (shipment,) = shipping.of_order(queries.drop_ship(which).order)
    take_tracking(
        SYSTEM,
        requests=[
            TakeTracking(COMPANY, "easypost", a_message("1Z999AA10123456793", detail("delivered", NOW)))
        ],
    )
    (answer,) = reship(SYSTEM, requests=[Reship(shipment.id, "lost")])
    assert isinstance(answer, InPart)
    assert answer.facts["missing"] == "1Z999AA10123456784"


def test_what_is_on_hold_and_has_left_is_taken_note_of(floor: Floor) -> None:
    order = passed_on(floor, (0, 1))
    which = asked(order)
    whole(place_hold(SYSTEM, requests=[PlaceHold(order, "fraud review", "odd", occurred_at=NOW)]))
    assert sent(which).state == "shipped"
    assert places(order) == [{"shipped": 1}]


def test_notices_that_are_refused(floor: Floor) -> None:
    which = asked(passed_on(floor, (0, 2)))
    answers = ship_drop_ships(
        NOTICES,
        requests=[
            ShipDropShip(UNKNOWN),
            ShipDropShip(which, "UPS", "1Z999AA10123456785"),
            ShipDropShip(which, lines=((1, 3),)),
            ShipDropShip(which, lines=()),
        ],
    )
    assert [type(one) for one in answers] == [NotFound, TrackingMisread, MoreThanAsked, Invalid]
    assert isinstance(ship_drop_ships(SYSTEM, requests=[ShipDropShip(which)])[0], DutiesApart)
    whole(refuse_drop_ships(NOTICES, requests=[RefuseDropShip(which, "no")]))
    assert isinstance(ship_drop_ships(NOTICES, requests=[ShipDropShip(which)])[0], WrongState)
    assert shipping.totals(COMPANY)["shipments"] == 0


def test_a_closed_month_takes_no_notice(floor: Floor) -> None:
    which = asked(passed_on(floor, (0, 1)))
    before = NOW - timedelta(days=40)
    whole(close_month(someone("books"), requests=[CloseMonth(COMPANY, before.date().replace(day=1))]))
    (answer,) = ship_drop_ships(NOTICES, requests=[ShipDropShip(which, occurred_at=before)])
    assert isinstance(answer, MonthClosed)


# ---- late, and back


def test_what_is_late_is_work_until_it_is_over(floor: Floor) -> None:
    which = asked(passed_on(floor, (0, 2)))
    assert watch_drop_ships(SYSTEM, requests=[WatchDropShips(COMPANY)]) == [DropShipsWatched(COMPANY, 0)]
    later = SYSTEM.__class__(SYSTEM.actor, NOW + timedelta(days=4), "the morning")
    for _ in range(2):
        assert watch_drop_ships(later, requests=[WatchDropShips(COMPANY)]) == [DropShipsWatched(COMPANY, 1)]
    (item,) = work.of_subject(which)
    assert (item.type, item.state) == ("drop-ship overdue", "open")
    sent(which)
    assert work.of_subject(which)[0].state == "done"


def test_what_he_sent_comes_back_to_a_node_of_ours_at_its_cost(floor: Floor) -> None:
    order = passed_on(floor, (0, 2))
    sent(asked(order))
    (line,) = sales.order(order).lines
    item = returns.Item(line.id, 1, "changed_mind")
    (back,) = whole(returns.authorize(SYSTEM, requests=[returns.Authorize(order, (item,))]))
    ((node, part),) = sql.run(
        "SELECT r.node_id, l.id FROM returns_return AS r JOIN returns_line AS l ON l.return_id = r.id"
        " WHERE r.id = %(id)s", {"id": back.return_id},
    )  # fmt: skip
    assert node == floor.nodes[0]
    before = balance(1200)
    whole(receive(someone("dock"), requests=[Receive(back.return_id, part, 1)]))
    assert balance(1200) - before == 411  # half of 8.21, which both cost


# ---- sizes


def many(floor: Floor, count: int, group: str) -> list[UUID]:
    requests = [
        PlaceOrder(
            COMPANY, "shop", f"{group}-{i}", (OrderLine(floor.codes[0], 2, Decimal("9.99")),), "GBP", country="GB"
        )
        for i in range(count)
    ]  # fmt: skip
    orders = [one.order for one in whole(place(SYSTEM, requests=requests))]
    whole(allocate(SYSTEM, requests=[AllocateOrder(order) for order in orders]))
    ready.drop("allocate", orders)
    return orders


@pytest.mark.counts(
    "purchasing.drop_ship", "purchasing.confirm_drop_ships", "purchasing.refuse_drop_ships",
    "purchasing.call_off_drop_ships", "purchasing.watch_drop_ships", "shipping.ship_drop_ships",
    "parties.state_quantities",
    "sourcing.state_quantities",
)  # fmt: skip
def test_statements_do_not_grow_with_the_batch(floor: Floor, statements) -> None:
    (supplier,) = sql.run("SELECT id FROM parties_supplier")[0]
    for size in SIZES:
        groups = [many(floor, size, f"{group}-{size}") for group in "abc"]
        with statements():
            sends, refuses, forgets = (
                [
                    one.made[0][0]
                    for one in whole(drop_ship(SYSTEM, requests=[DropShipOrder(order) for order in orders]))
                ]
                for orders in groups
            )
            stated = [StateQuantity(supplier, floor.skus[0], 7)] * size
            whole(state_quantities(SYSTEM, requests=stated))
            whole(parties.state_quantities(SYSTEM, requests=stated))
            whole(confirm_drop_ships(NOTICES, requests=[ConfirmDropShip(one) for one in sends]))
            whole(refuse_drop_ships(NOTICES, requests=[RefuseDropShip(one, "no") for one in refuses]))
            whole(call_off_drop_ships(SYSTEM, requests=[CallOffDropShip(one, "no") for one in forgets]))
            later = SYSTEM.__class__(SYSTEM.actor, NOW + timedelta(days=9), "the morning")
            whole(watch_drop_ships(later, requests=[WatchDropShips(COMPANY)] * size))
            whole(ship_drop_ships(NOTICES, requests=[ShipDropShip(one) for one in sends]))
