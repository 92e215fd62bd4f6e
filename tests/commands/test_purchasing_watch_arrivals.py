"""purchasing.watch_arrivals: what should have come, from suppliers and from other nodes"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from entrepot.kernel import sql
from entrepot.parties.commands.register import RegisterSupplier, register_suppliers
from entrepot.purchasing.commands.order import OrderGoods, order
from entrepot.purchasing.commands.watch_arrivals import ArrivalsWatched, WatchArrivals, watch_arrivals
from entrepot.stock.commands.transfer import (
    ReceiveTransfer,
    ShipTransfer,
    TransferUnits,
    receive_transfer,
    ship_transfer,
)
from tests.floor import COMPANY, NOW, SYSTEM, Floor, a_floor
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db


@pytest.fixture
def floor(db: None) -> Floor:
    return a_floor()


def watched(days: int = 0) -> ArrivalsWatched:
    cause = replace(SYSTEM, at=NOW + timedelta(days=days))
    (answer,) = watch_arrivals(cause, requests=[WatchArrivals(COMPANY)])
    return answer


def items(state: str = "open") -> list[tuple[str, str, str]]:
    return sql.run("SELECT type, role, reason FROM work_item WHERE state = %(s)s ORDER BY type", {"s": state})


def bought(floor: Floor, wanted: date, count: int = 1) -> None:
    (supplier,) = register_suppliers(SYSTEM, requests=[RegisterSupplier(COMPANY, "S9", "Pots", "GBP")])
    requests = [
        OrderGoods(
            COMPANY, supplier.id, floor.nodes[0], "", ((floor.skus[0], 6, Decimal(2)),), wanted_on=wanted
        )
        for _ in range(count)
    ]
    order(SYSTEM, requests=requests)


def sent(floor: Floor) -> tuple[ReceiveTransfer, str]:
    floor.stock(quantity=10)
    wanted = ShipTransfer(
        COMPANY,
        floor.nodes[0],
        floor.nodes[1],
        (TransferUnits(floor.skus[0], floor.bin(), 4),),
        NOW + timedelta(1),
    )
    (answer,) = ship_transfer(SYSTEM, requests=[wanted])
    return ReceiveTransfer(answer.transfer, rest="received"), answer.number


def test_what_is_late_is_work_once_and_what_came_is_none(floor: Floor) -> None:
    bought(floor, NOW.date() + timedelta(days=1))
    came, number = sent(floor)
    assert watched() == watched(1) == ArrivalsWatched(COMPANY, 0, 0), "on its day it is not late"

    assert watched(2) == watched(2) == ArrivalsWatched(COMPANY, 2, 0)
    (of_order, of_transfer) = items()
    assert (
        of_order[:2] == ("purchase order overdue", "inventory manager")
        and "from Pots: 6 units" in of_order[2]
    )
    assert of_transfer[:2] == ("transfer overdue", "warehouse supervisor")
    assert of_transfer[2].startswith(f"{number} from N1: 4 units")

    receive_transfer(SYSTEM, requests=[came])
    assert watched(2) == ArrivalsWatched(COMPANY, 1, 1)
    assert [kind for kind, _, _ in items()] == ["purchase order overdue"]
    assert [kind for kind, _, _ in items("done")] == ["transfer overdue"]
    sql.run("UPDATE stock_supply SET expected_on = expected_on + 9 RETURNING line_id")
    assert watched(2) == ArrivalsWatched(COMPANY, 0, 1), "a later day was said"


@pytest.mark.counts("purchasing.watch_arrivals")
def test_statements_do_not_grow_with_what_is_late(floor: Floor, statements) -> None:
    counts = []
    for size in SIZES:
        bought(floor, NOW.date(), min(size, 100))
        cause = replace(SYSTEM, at=NOW + timedelta(days=1))
        with statements() as made:
            watch_arrivals(cause, requests=[WatchArrivals(COMPANY)] * size)
        counts.append(len(made))
    assert counts == [counts[0]] * 3, counts
