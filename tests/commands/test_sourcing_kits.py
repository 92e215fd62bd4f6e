"""sourcing.allocate with kits, what channels may promise of them, and what comes back of them"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from entrepot.insight import availability
from entrepot.kernel import policies, sql
from entrepot.kernel.command import whole
from entrepot.orders import queries as orders
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.orders.commands.edit import AddLine, EditOrder
from entrepot.orders.commands.place import PaymentGiven
from entrepot.payments import queries as payments
from entrepot.returns.commands.refund import Refund, refund
from entrepot.sourcing import queries, rules
from entrepot.sourcing.commands.allocate import AllocateOrder, OrderAllocated, allocate
from entrepot.sourcing.commands.cancel import cancel
from entrepot.sourcing.commands.edit import edit
from entrepot.sourcing.commands.reject import RejectOrder, reject
from entrepot.sourcing.substitutes import Set, Substitutes
from entrepot.stock import availability_queries
from entrepot.stock.commands.set_preorder import SetPreorder, set_preorder
from tests import back, walk
from tests.commands.test_sourcing_peg import coming, freed
from tests.floor import COMPANY, NOW, SYSTEM, Floor
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db

KIT = 3
"""The number of the kit's SKU: two of SKU 0 and one of SKU 1."""


@pytest.fixture
def house(db: None) -> Floor:
    house = walk.a_house()
    assert house.kit("KIT", (0, 2), (1, 1)) == KIT
    return house


def allocated(*wanted: UUID) -> list[OrderAllocated]:
    return whole(allocate(SYSTEM, requests=[AllocateOrder(order) for order in wanted]))  # type: ignore[return-value]


def places(order: UUID) -> list[dict[str, int]]:
    return [line.places for line in orders.order(order).lines]


def a_policy(kind: str, body: object) -> None:
    whole(policies.set_policy(SYSTEM, requests=[policies.SetPolicy(COMPANY, kind, body, SYSTEM.at)]))


# ---- allocation


def test_only_whole_kits_are_allocated_and_the_others_wait_with_all_of_their_components(house: Floor) -> None:
    house.stock(0, 5)
    house.stock(1, 9)
    order = house.order((KIT, 3)).order

    (answer,) = allocated(order)

    assert (answer.outcome, answer.allocated, answer.backordered) == ("part backordered", 6, 3)
    assert places(order) == [{"backordered": 2, "allocated": 4}, {"backordered": 1, "allocated": 2}]
    assert sql.run("SELECT sku_id, quantity FROM sourcing_backorder ORDER BY quantity DESC") == [
        (house.skus[0], 2), (house.skus[1], 1),
    ]  # fmt: skip
    assert queries.discrepancies() == orders.discrepancies() == []


def test_when_the_missing_component_comes_the_kit_is_made_whole(house: Floor) -> None:
    house.stock(0, 9)
    order = house.order((KIT, 1)).order
    allocated(order)
    assert places(order) == [{"backordered": 2}, {"backordered": 1}]

    house.stock(1, 1)
    assert freed(house.skus[1]) == [order]
    allocated(order)
    assert places(order) == [{"allocated": 2}, {"allocated": 1}]
    assert sql.run("SELECT count(*) FROM sourcing_backorder") == [(0,)]


def test_a_kit_that_comes_by_a_change_is_promised_whole_and_one_that_goes_gives_its_promises_back(
    house: Floor,
) -> None:
    sql.run("UPDATE catalog_sku SET list_price = 20 WHERE code = 'KIT'")
    house.stock(0, 5)
    house.stock(1, 2)
    order = house.order((KIT, 1)).order
    allocated(order)

    more = EditOrder(order, "two more", add=(AddLine("KIT", 2),))
    whole(edit(SYSTEM, requests=[more]))
    (answer,) = allocated(order)
    assert (answer.allocated, answer.backordered) == (3, 3)
    assert places(order)[2:] == [{"backordered": 2, "allocated": 2}, {"backordered": 1, "allocated": 1}]

    (less,) = whole(edit(SYSTEM, requests=[EditOrder(order, "all but one", remove_kits=((1, 1), (2, 1)))]))
    assert less.cancelled == 6
    assert places(order)[2:] == [{"allocated": 2, "cancelled": 2}, {"allocated": 1, "cancelled": 1}]
    assert sql.run("SELECT sum(allocated)::int FROM stock_position") == [(3,)]
    assert sql.run("SELECT count(*) FROM sourcing_backorder") == [(0,)]


@pytest.mark.counts("sourcing.edit")
def test_kits_that_come_and_go_take_as_many_statements_for_any_number(house: Floor, statements) -> None:
    sql.run("UPDATE catalog_sku SET list_price = 20 WHERE code = 'KIT'")
    house.stock(0, 9_000)
    house.stock(1, 9_000)
    counts = []
    for size in SIZES:
        wanted = [one.order for one in house.orders(size, (KIT, 2))]
        allocated(*wanted)
        changes = [
            EditOrder(one, "others", add=(AddLine("KIT", 1),), remove_kits=((1, 1),)) for one in wanted
        ]
        with statements() as ran:
            whole(edit(SYSTEM, requests=changes))
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert len(set(counts)) == 1, counts


def test_a_kit_and_its_loose_component_never_take_the_same_unit(house: Floor) -> None:
    house.stock(0, 3)
    house.stock(1, 3)
    order = house.order((0, 2), (KIT, 1), (KIT, 1)).order

    (answer,) = allocated(order)

    assert places(order)[0] == {"allocated": 2}
    assert places(order)[1:] == [{"backordered": 2}, {"backordered": 1}] * 2
    assert answer.allocated == 2
    assert sql.run("SELECT sum(sellable - allocated)::int FROM stock_position") == [(4,)]


def test_partial_cancel_gives_up_whole_kits(house: Floor) -> None:
    house.stock(0, 3)
    house.stock(1, 9)
    order = house.order((KIT, 2), policy="partial_cancel").order
    (answer,) = allocated(order)
    assert places(order) == [{"allocated": 2, "cancelled": 2}, {"allocated": 1, "cancelled": 1}]
    assert (answer.allocated, answer.cancelled) == (3, 3)


def test_what_a_node_gives_back_of_a_kit_is_looked_for_elsewhere(house: Floor) -> None:
    for node in (0, 1):
        house.stock(0, 9, node=node)
        house.stock(1, 9, node=node)
    order = house.order((KIT, 2)).order
    allocated(order)
    whole(reject(SYSTEM, requests=[RejectOrder(order, house.nodes[0], "no hands")]))
    (answer,) = allocated(order)
    assert (answer.allocated, answer.backordered) == (6, 0)


def test_without_a_component_that_is_cancelled_the_rest_of_the_kit_goes(house: Floor) -> None:
    house.stock(0, 4)
    order = house.order((KIT, 2)).order
    allocated(order)
    _, second = orders.order(order).lines

    whole(cancel(SYSTEM, requests=[CancelOrder(order, "keeps the rest", ((second.id, 1),))]))
    allocated(order)

    assert places(order) == [{"backordered": 2, "allocated": 2}, {"backordered": 1, "cancelled": 1}]


def test_components_are_never_sent_as_something_else_nor_is_a_kit_sent_instead(house: Floor) -> None:
    a_policy("sourcing.profile", rules.Profile(substitutes="unless refused"))
    a_policy("sourcing.substitutes", Substitutes((Set(("SKU-001",), ("KIT", "SKU-002")),)))
    for sku in (0, 2):
        house.stock(sku, 9)
    in_kit, loose = house.order((KIT, 1)).order, house.order((1, 1)).order

    kit, single = allocated(in_kit, loose)

    assert (kit.substituted, kit.backordered, single.substituted) == (0, 3, 1)
    assert [line.sku_code for line in orders.order(loose).lines] == ["SKU-001", "SKU-002"]


def test_by_cost_a_kit_goes_whole_from_the_cheapest_node_or_waits(house: Floor) -> None:
    a_policy("sourcing.profile", rules.Profile(choose_by="cost"))
    house.stock(0, 9)
    house.stock(0, 9, node=1)
    house.stock(1, 3, node=1)
    first, second = (house.order((KIT, 2)).order for _ in range(2))
    answers = allocated(first, second)
    assert sorted((one.allocated, one.backordered) for one in answers) == [(3, 3), (6, 0)]
    assert places(first)[1] in ({"allocated": 2}, {"allocated": 1, "backordered": 1})


def test_kits_take_no_statement_more(house: Floor, statements) -> None:
    house.stock(0, 5000)
    house.stock(1, 5000)
    counts = []
    for n in SIZES:
        for lines in (((0, 1), (1, 1)), ((KIT, 1),)):
            wanted = walk.placed(house, n, *lines)
            with statements() as ran:
                allocated(*wanted)
            counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert len(set(counts)) == 1, counts


# ---- the walk, and the way back


def test_a_component_comes_back_for_its_share_of_the_kit(house: Floor) -> None:
    house.stock(0, 9)
    house.stock(1, 9)
    paid = PaymentGiven("account", "an account", 500_00, NOW)
    (order,) = walk.placed(house, 1, (KIT, 1), tax_minor=2_00, payment=paid)
    mugs, pen = orders.order(order).lines
    assert [line.gross_minor for line in (mugs, pen)] == [6_66, 3_33]  # no list prices: by units
    walk.shipped(order)
    assert [payment.captured_minor for payment in payments.of_order(order)] == [11_99]

    rma = back.asked(order, 1, 1)
    back.back(rma)
    (answer,) = refund(back.ASKS, requests=[Refund(rma.return_id)])

    assert answer.total_minor == 3_33 + 67 + pen.gross_minor + pen.tax_minor  # type: ignore[union-attr]
    assert mugs.tax_minor + pen.tax_minor == 2_00


# ---- what can be promised


def promised(code: str = "KIT") -> availability_queries.Availability:
    (one,) = availability_queries.availability(company=COMPANY, channel="shop", skus=[code], at=NOW)
    return one


def test_of_a_kit_as_many_may_be_promised_as_the_scarcest_component_makes(house: Floor, statements) -> None:
    assert (promised().quantity, promised().free) == (0, 0)
    house.stock(0, 3)
    house.stock(0, 4, node=1)
    house.stock(1, 5)
    with statements() as ran:
        found = promised()

    assert len(ran) == 1
    assert (found.sku_code, found.quantity, found.free, found.nodes) == ("KIT", 3, 3, ())
    assert [(one.units, one.available.sku_code, one.available.free) for one in found.components] == [
        (2, "SKU-000", 7), (1, "SKU-001", 5),
    ]  # fmt: skip
    assert [at.node_code for at in found.components[0].available.nodes] == ["N1", "N2"]
    assert [
        one.quantity
        for one in availability_queries.availability_by_channel(company=COMPANY, sku="KIT", at=NOW)
    ] == [
        3,
        3,
    ]
    both = availability_queries.availability(
        company=COMPANY, channel="shop", skus=["SKU-001", "KIT", "SKU-000"], at=NOW
    )
    assert [(one.sku_code, one.quantity) for one in both] == [("SKU-001", 5), ("KIT", 3), ("SKU-000", 7)]


def test_what_is_promised_of_a_kit_is_promised_of_its_components(house: Floor) -> None:
    house.stock(0, 6)
    house.stock(1, 6)
    allocated(house.order((KIT, 2)).order)
    assert (promised().quantity, promised("SKU-000").quantity, promised("SKU-001").quantity) == (1, 2, 4)


def test_on_later_days_what_is_expected_of_its_components_counts(house: Floor) -> None:
    house.stock(0, 2)
    house.stock(1, 9)
    coming(house, 5, 3)
    today = NOW.date()
    (one,) = availability.promises([promised()], company=COMPANY, today=today)
    assert one.steps() == [(today, 1), (today + timedelta(days=3), 3)]
    assert [part.now.sku_code for part in one.parts] == ["SKU-000", "SKU-001"]


def test_a_kit_with_a_component_that_ships_later_is_not_sold_before(house: Floor) -> None:
    house.stock(0, 9)
    house.stock(1, 9)
    today = sql.run("SELECT (now() AT TIME ZONE 'UTC')::date")[0][0]
    day = today + timedelta(days=5)
    whole(set_preorder(SYSTEM, requests=[SetPreorder(COMPANY, house.skus[1], day, 0)]))
    (refused,) = set_preorder(SYSTEM, requests=[SetPreorder(COMPANY, house.skus[KIT], day, 0)])
    assert "a kit ships when its components do" in refused.message  # type: ignore[union-attr]
    found = promised()
    assert (found.quantity, found.free) == (0, 4)
    (one,) = availability.promises([found], company=COMPANY, today=today)
    assert (one.on(today), one.on(day)) == (0, 4)
