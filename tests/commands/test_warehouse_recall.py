"""warehouse.recall: of kits whole ones only, also after a loss"""

from __future__ import annotations

from uuid import UUID

import pytest

from entrepot.kernel import ids, sql, worker
from entrepot.kernel.command import whole
from entrepot.kernel.errors import NotFound
from entrepot.orders import queries as orders
from entrepot.orders import rules
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.orders.commands.place import PaymentGiven
from entrepot.payments.commands.capture import Capture, capture
from entrepot.shipping.commands.ship import ShipFulfillment, ship
from entrepot.sourcing.commands.cancel import cancel
from entrepot.stock.commands.adjust import Adjust
from entrepot.warehouse import queries
from entrepot.warehouse.commands.adjust import adjust
from entrepot.warehouse.commands.pack import PackFulfillment, pack
from entrepot.warehouse.commands.pick import PickFulfillment, pick
from entrepot.warehouse.commands.recall import KitsRecalled, RecallKits, recall
from tests import walk
from tests.floor import COMPANY, NOW, SYSTEM, Floor
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db

KIT = 3
"""The number of the kit's SKU: two of SKU 0 and one of SKU 1."""


@pytest.fixture
def house(db: None) -> Floor:
    house = walk.a_house()
    house.kit("KIT", (0, 2), (1, 1))
    house.stock(0, 4)
    house.stock(1, 2)
    return house


def work() -> None:
    """What the worker does until nothing is left to source or to call back."""
    served = {name: serve for name, serve in worker.queues().items() if name in ("allocate", "recall")}
    while worker.serve_once(served):
        pass


def lose(house: Floor, sku: int = 1, units: int = 1) -> None:
    lost = Adjust(COMPANY, house.skus[sku], house.nodes[0], house.bin(), -units, "damage")
    whole(adjust(SYSTEM, requests=[lost]))
    work()


def places(order: UUID) -> list[dict[str, int]]:
    return [line.places for line in orders.order(order).lines if line.kind == "goods"]


def free(house: Floor, sku: int) -> int:
    statement = "SELECT sum(sellable - allocated)::int FROM stock_position WHERE sku_id = %(sku)s"
    return sql.run(statement, {"sku": house.skus[sku]})[0][0]


def test_the_rest_of_a_kit_is_called_back_and_waits_with_what_was_lost(house: Floor) -> None:
    (order,) = walk.placed(house, 1, (KIT, 2))
    walk.allocated(order)

    lose(house)

    assert places(order) == [{"allocated": 2, "backordered": 2}, {"allocated": 1, "backordered": 1}]
    assert free(house, 0) == 2
    house.stock(1, 1)
    walk.freed_is_offered()
    work()
    assert places(order) == [{"allocated": 4}, {"allocated": 2}]


def short_pick(house: Floor, fulfillment: UUID) -> None:
    """A pen is missing where it is picked."""
    missing = tuple(
        (task.id, task.quantity - 1)
        for task in queries.tasks([fulfillment])
        if task.sku_code == house.codes[1]
    )
    whole(pick(SYSTEM, requests=[PickFulfillment(fulfillment, missing)]))
    work()


def test_after_a_short_pick_picked_units_are_put_back(house: Floor) -> None:
    (order,) = walk.placed(house, 1, (KIT, 2))
    short_pick(house, walk.released(order)[0])

    assert places(order) == [{"picked": 2, "backordered": 2}, {"picked": 1, "backordered": 1}]
    ((reason,),) = sql.run("SELECT reason FROM work_item WHERE type = 'put back'")
    assert reason.startswith("2 units of ")
    assert free(house, 0) == 2


@pytest.fixture
def apart(db: None) -> Floor:
    """The mugs of the kit at one node, its pens at another."""
    house = walk.a_house()
    house.kit("KIT", (0, 2), (1, 1))
    house.stock(0, 4)
    house.stock(1, 2, node=1)
    return house


def packed_and_short(house: Floor, *, shipped: bool = False) -> UUID:
    """An order for two kits, of which one node has packed or shipped the mugs, and the other misses a pen."""
    (order,) = walk.placed(house, 1, (KIT, 2))
    by_node = {queries.fulfillment(one).node_code: one for one in walk.released(order)}
    mugs, pens = by_node["N1"], by_node["N2"]
    whole(pick(SYSTEM, requests=[PickFulfillment(mugs)]))
    whole(pack(SYSTEM, requests=[PackFulfillment(mugs)]))
    if shipped:
        whole(ship(SYSTEM, requests=[ShipFulfillment(mugs)]))
    short_pick(house, pens)
    return order


def test_a_packed_carton_is_opened(apart: Floor) -> None:
    order = packed_and_short(apart)
    assert places(order) == [{"picked": 2, "backordered": 2}, {"picked": 1, "backordered": 1}]
    assert sql.run("SELECT count(*) FROM warehouse_package WHERE voided_at IS NOT NULL") == [(1,)]


def test_what_has_shipped_stays_shipped_and_what_is_missing_of_it_waits(apart: Floor) -> None:
    order = packed_and_short(apart, shipped=True)
    assert places(order) == [{"shipped": 4}, {"picked": 1, "backordered": 1}]
    answer = recall(SYSTEM, requests=[RecallKits(order, key="k")])
    assert answer == recall(SYSTEM, requests=[RecallKits(order, key="k")]) == [KitsRecalled(order, 0)]


def test_another_node_that_has_the_component_makes_the_kit_whole(house: Floor) -> None:
    house.stock(1, 5, node=1)
    (order,) = walk.placed(house, 1, (KIT, 2))
    walk.allocated(order)
    lose(house)
    assert places(order) == [{"allocated": 4}, {"allocated": 2}]
    assert sql.run("SELECT DISTINCT node_id FROM stock_allocation WHERE quantity = 1 AND node_id = %(n)s",
                   {"n": house.nodes[1]})  # fmt: skip


@pytest.mark.parametrize("kits", [1, 2])
def test_by_its_policy_the_whole_kit_is_cancelled_and_its_money_goes_back(house: Floor, kits: int) -> None:
    paid = PaymentGiven("account", "an account", 100_00, NOW)
    (order,) = walk.placed(house, 1, (KIT, kits), policy="partial_cancel", tax_minor=2_00, payment=paid)
    total = orders.order(order).total_minor
    walk.allocated(order)
    whole(capture(SYSTEM, requests=[Capture(order, total)]))

    lose(house, units=1 if kits == 2 else 2)

    if kits == 2:
        assert places(order) == [{"allocated": 2, "cancelled": 2}, {"allocated": 1, "cancelled": 1}]
    else:
        assert places(order) == [{"cancelled": 2}, {"cancelled": 1}]
        assert orders.order(order).status == "cancelled"
    assert refunded(order) == total - borne(order)
    assert borne(order) == 0 if kits == 1 else abs(borne(order) - total // 2) <= 1
    assert free(house, 0) == (2 if kits == 2 else 4)


def borne(order: UUID) -> int:
    """What the units that are not cancelled cost."""
    return sum(
        rules.Frozen(line.gross_minor, line.discount_minor, line.shipping_minor, line.tax_minor)
        .of_units(line.quantity, 0, line.quantity - line.places.get("cancelled", 0))
        .total
        for line in orders.order(order).lines
    )


def refunded(order: UUID) -> int:
    statement = """SELECT COALESCE(sum(amount_minor), 0)::int FROM payments_attempt
                   WHERE document_id = %(order)s AND kind = 'refund'"""
    return sql.run(statement, {"order": order})[0][0]


def test_what_was_cancelled_of_one_component_calls_nothing_back(house: Floor) -> None:
    (order,) = walk.placed(house, 1, (KIT, 2))
    walk.allocated(order)
    _, pens = orders.order(order).lines
    whole(cancel(SYSTEM, requests=[CancelOrder(order, "has one", ((pens.id, 1),))]))
    work()
    assert recall(SYSTEM, requests=[RecallKits(order)]) == [KitsRecalled(order, 0)]
    assert places(order) == [{"allocated": 4}, {"allocated": 1, "cancelled": 1}]


def test_unknown(house: Floor) -> None:
    unknown = ids.uuid7()
    assert recall(SYSTEM, requests=[RecallKits(unknown)]) == [NotFound(what="order", which=str(unknown))]


@pytest.mark.counts("warehouse.recall")
def test_statements_do_not_grow_with_the_batch(db: None, statements) -> None:
    house = walk.a_house()
    house.kit("KIT", (0, 2), (1, 1))
    house.stock(0, 2_022)
    counts = []
    for size in SIZES:
        house.stock(1, size)
        wanted = walk.placed(house, size, (KIT, 1))
        work_of = walk.released(*wanted)
        pens = {one.fulfillment: one for one in queries.tasks(work_of) if one.sku_code == house.codes[1]}
        whole(pick(SYSTEM, requests=[PickFulfillment(one, ((pens[one].id, 0),)) for one in work_of]))
        walk.allocated(*wanted)
        with statements() as ran:
            answers = recall(SYSTEM, requests=[RecallKits(order) for order in wanted])
        assert answers == [KitsRecalled(order, 2, 0, 2) for order in wanted]
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
        walk.allocated(*wanted)
    assert counts == [counts[0]] * 3, counts
