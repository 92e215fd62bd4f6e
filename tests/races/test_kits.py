"""Kits in races: kits and loose units of what they are made of share stock, and no unit is promised twice."""

from __future__ import annotations

from entrepot.kernel import sql
from entrepot.sourcing.commands.allocate import AllocateOrder, OrderAllocated, allocate
from tests import walk
from tests.floor import SYSTEM
from tests.together import at_once


def test_fifty_threads_on_kits_and_loose_components_promise_exactly_what_is_there(committed_db: None) -> None:
    """Kits of two and one, kits of one and one, and loose units, of ten units of each SKU."""
    house = walk.a_house()
    first, second = house.kit("FIRST", (0, 2), (1, 1)), house.kit("SECOND", (0, 1), (1, 1))
    house.stock(0, 10)
    house.stock(1, 10)
    wanted = [
        order
        for sku, count in ((first, 17), (second, 17), (0, 8), (1, 8))
        for order in walk.placed(house, count, (sku, 1))
    ]

    answers = at_once(
        [lambda order=order: allocate(SYSTEM, requests=[AllocateOrder(order)])[0] for order in wanted]
    )

    assert all(isinstance(answer, OrderAllocated) for answer in answers), answers
    assert sql.run("SELECT count(*) FROM stock_position WHERE allocated > sellable") == [(0,)]
    promised = "SELECT sku_id, sum(quantity)::int FROM stock_allocation GROUP BY 1"
    taken = "SELECT sku_id, sum(allocated)::int FROM orders_line GROUP BY 1 HAVING sum(allocated) > 0"
    assert sorted(sql.run(promised)) == sorted(sql.run(taken))
    assert sql.run("SELECT count(*) FROM orders_line WHERE allocated NOT IN (0, quantity)") == [(0,)]
    kits = (
        "SELECT count(DISTINCT allocated / kit_units) FROM orders_line WHERE kit_number > 0 GROUP BY order_id"
    )
    assert set(sql.run(kits)) == {(1,)}, "a component was promised without the rest of its kit"
    left = dict(sql.run("SELECT sku_id, (sellable - allocated)::int FROM stock_position"))
    loose = "SELECT DISTINCT sku_code FROM orders_line WHERE kit_number = 0 AND backordered > 0"
    waits = {code for (code,) in sql.run(loose)}
    assert left[house.skus[0]] == 0 or (left[house.skus[1]] == 0 and house.codes[0] not in waits)
    assert left[house.skus[1]] == 0 or (left[house.skus[0]] == 0 and house.codes[1] not in waits)
