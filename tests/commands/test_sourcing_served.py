"""Whoever waits for stock is asked about again as soon as some of it is free, however that came."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from entrepot.kernel import ready, sql
from entrepot.kernel.command import whole
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.orders.commands.edit import EditOrder
from entrepot.sourcing import queries, tasks
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from entrepot.sourcing.commands.cancel import cancel
from entrepot.sourcing.commands.edit import edit
from entrepot.sourcing.commands.give_back import give_back
from entrepot.sourcing.commands.reject import RejectOrder, reject
from entrepot.stock.commands import reserve as stock
from entrepot.stock.commands.adjust import Adjust
from entrepot.stock.commands.reserve import GiveBack, GivenBack, Reserve
from entrepot.stock.commands.set_floor import SetSafety, set_safety
from entrepot.warehouse.commands.adjust import adjust
from entrepot.warehouse.commands.release import ReleaseOrder, release
from entrepot.warehouse.commands.withdraw import withdraw
from tests.floor import COMPANY, NOW, SYSTEM, Floor, a_floor


def sourced(floor: Floor, units: int) -> UUID:
    order = floor.order((0, units)).order
    whole(allocate(SYSTEM, requests=[AllocateOrder(order)]))
    return order


def line_of(order: UUID) -> UUID:
    return sql.run("SELECT id FROM orders_line WHERE order_id = %(order)s", {"order": order})[0][0]


def by_cancelling(floor: Floor, order: UUID) -> None:
    whole(cancel(SYSTEM, requests=[CancelOrder(order, "changed her mind")]))


def by_fewer_units(floor: Floor, order: UUID) -> None:
    whole(edit(SYSTEM, requests=[EditOrder(order, "fewer", remove=((line_of(order), 2),))]))


def by_withdrawing(floor: Floor, order: UUID) -> None:
    whole(release(SYSTEM, requests=[ReleaseOrder(order)]))
    whole(withdraw(SYSTEM, requests=[CancelOrder(order, "too late, yet in time")]))


def by_rejecting(floor: Floor, order: UUID) -> None:
    whole(reject(SYSTEM, requests=[RejectOrder(order, floor.nodes[0], "no hands today")]))


def by_finding(floor: Floor, _order: UUID) -> None:
    whole(adjust(SYSTEM, requests=[Adjust(COMPANY, floor.skus[0], floor.nodes[0], floor.bin(), 2, "found")]))


@pytest.mark.parametrize(
    "freed",
    [by_cancelling, by_fewer_units, by_withdrawing, by_rejecting, by_finding],
    ids=lambda one: one.__name__,
)
def test_what_is_freed_is_offered_to_who_waits(db: None, freed: Callable[[Floor, UUID], None]) -> None:
    floor = a_floor()
    floor.stock(quantity=3)
    served = sourced(floor, 3)
    waits = sourced(floor, 2)
    assert queries.backorders(company=COMPANY)[0].order == waits
    ready.drop("allocate", [served, waits])

    freed(floor, served)

    assert waits in ready.claim("allocate", 9)


def test_a_cart_that_gives_back_serves_who_waits(db: None) -> None:
    floor = a_floor()
    floor.stock(quantity=3)
    hold = Reserve(
        COMPANY, "cart", floor.skus[0], floor.nodes[0], floor.channels["shop"], 3, NOW + timedelta(hours=1)
    )
    whole(stock.reserve(SYSTEM, requests=[hold]))
    waits = sourced(floor, 2)
    ready.drop("allocate", [waits])

    (answer,) = give_back(SYSTEM, requests=[GiveBack("cart", key="once")])

    assert answer == GivenBack(3, (floor.skus[0],))
    assert ready.claim("allocate", 9) == [waits]
    assert give_back(SYSTEM, requests=[GiveBack("cart", key="once")]) == [answer]
    assert ready.claim("allocate", 9) == []


def test_after_midnight_who_waits_beside_free_stock_is_asked_about_again(db: None) -> None:
    """A floor that was lowered frees units without a change of stock."""
    floor = a_floor()
    floor.stock(quantity=3)
    whole(set_safety(SYSTEM, requests=[SetSafety(COMPANY, floor.skus[0], floor.nodes[0], 3)]))
    waits = sourced(floor, 2)
    ready.drop("allocate", [waits])
    whole(set_safety(SYSTEM, requests=[SetSafety(COMPANY, floor.skus[0], floor.nodes[0], 0)]))

    assert tasks.serve_waiting() == 1
    assert ready.claim("allocate", 9) == [waits]

    whole(allocate(SYSTEM, requests=[AllocateOrder(waits)]))
    assert tasks.serve_waiting() == 0
