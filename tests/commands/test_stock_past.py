"""Stock as of a past moment: what stood where, and what was promised then as far as that can be told."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from entrepot.insight.past import PromisedThen, promised_then
from entrepot.kernel import sql
from entrepot.kernel.command import whole
from entrepot.shipping.commands.ship import ShipFulfillment, ship
from entrepot.stock import past
from entrepot.stock.commands.adjust import Adjust
from entrepot.stock.commands.change_status import ChangeStatus, change_status
from entrepot.stock.commands.receive import Receive, receive
from entrepot.stock.commands.reserve import Reserve, reserve
from entrepot.stock.commands.transfer import (
    ReceiveTransfer,
    ShipTransfer,
    TransferUnits,
    receive_transfer,
    ship_transfer,
)
from entrepot.warehouse.commands.adjust import adjust
from tests import walk
from tests.floor import COMPANY, NOW, SYSTEM, Floor, a_floor
from tests.plans import count_anew, rows_read

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def at_(hours: float) -> datetime:
    return NOW + hours * HOUR


def cause_at(hours: float):
    return replace(SYSTEM, at=at_(hours))


def stood(at: datetime, **facts: Any) -> dict[tuple[str, str], dict[str, int]]:
    rows = past.standing(company=COMPANY, at=at, **facts)
    return {(one.sku_code, one.node_code): one.by_status for one in rows}


def stands() -> dict[tuple[str, str], dict[str, int]]:
    """As the buckets say now."""
    found: dict[tuple[str, str], dict[str, int]] = {}
    for sku, node, status, units in sql.run(
        "SELECT s.code, n.code, b.status, sum(b.quantity)::int FROM stock_bucket AS b"
        " JOIN catalog_sku AS s ON s.id = b.sku_id JOIN network_node AS n ON n.id = b.node_id"
        " WHERE b.quantity > 0 GROUP BY 1, 2, 3"
    ):
        found.setdefault((sku, node), {})[status] = units
    return found


def lies() -> set[tuple[object, ...]]:
    return set(
        sql.run(
            "SELECT n.code, COALESCE(x.code, ''), b.lot, b.serial, b.status, b.quantity FROM stock_bucket AS b"
            " JOIN network_node AS n ON n.id = b.node_id LEFT JOIN network_bin AS x ON x.id = b.bin_id"
            " JOIN catalog_sku AS s ON s.id = b.sku_id WHERE b.quantity > 0 AND s.code = 'SKU-000'"
        )
    )


def happens(floor: Floor, what: int, hours: float, chance: random.Random) -> None:
    """One of the ways in which units move, at a moment."""
    cause, sku, node = cause_at(hours), floor.skus[0], floor.nodes[0]
    match what:
        case 0:
            lot = chance.choice(("", "L1", "L2"))
            one = Receive(
                COMPANY, floor.skus[chance.randrange(2)], node, floor.bin(), 5, 500, "came", sku, lot=lot
            )
            whole(receive(cause, requests=[one]))
        case 1:
            whole(adjust(cause, requests=[Adjust(COMPANY, sku, node, floor.bin(), 2, "found")]))
        case 2:
            change = ChangeStatus(COMPANY, sku, node, floor.bin(), 1, "sellable", "damaged", "wet")
            whole(change_status(cause, requests=[change]))
        case _:
            lines = (TransferUnits(sku, floor.bin(), 1),)
            (sent,) = whole(ship_transfer(cause, requests=[ShipTransfer(COMPANY, *floor.nodes, lines)]))
            if what == 4:
                rest = "received" if chance.random() < 0.5 else "lost"
                taken = ReceiveTransfer(sent.transfer, rest=rest, reason="gone")
                whole(receive_transfer(cause_at(hours + 0.5), requests=[taken]))


@pytest.mark.parametrize("seed", range(4))
def test_what_stood_at_every_moment_is_what_the_buckets_said_then(seed: int) -> None:
    floor, chance = a_floor(), random.Random(seed)
    floor.stock(quantity=20)
    seen = [(at_(0.2), stands(), lies())]
    for i in range(1, 12):
        happens(floor, chance.randrange(5), 2.0 * i, chance)
        seen.append((at_(2 * i + 1), stands(), lies()))

    for at, units, where in seen:
        assert stood(at) == units
        told = past.buckets(company=COMPANY, sku=floor.skus[0], at=at)
        assert {(x.node_code, x.bin_code, x.lot, x.serial, x.status, x.quantity) for x in told} == where
    assert stood(at_(-1)) == {}
    assert past.buckets(company=COMPANY + 1, sku=floor.skus[0], at=at_(99)) == []


def test_what_is_recorded_late_counts_from_when_it_happened() -> None:
    floor = a_floor()
    floor.stock(quantity=4)
    late = Receive(
        COMPANY, floor.skus[0], floor.nodes[0], floor.bin(), 3, 300, "came", floor.skus[0], occurred_at=at_(2)
    )
    whole(receive(cause_at(72), requests=[late]))
    assert stood(at_(1)) == {("SKU-000", "N1"): {"sellable": 4}}
    assert stood(at_(3)) == {("SKU-000", "N1"): {"sellable": 7}}


def test_it_is_told_page_by_page_and_by_node_and_name() -> None:
    floor = a_floor()
    for sku in range(3):
        for node in range(2):
            floor.stock(sku=sku, node=node, quantity=sku + 1)
    whole_list, after = [], ""
    while rows := past.standing(company=COMPANY, at=at_(1), after=after, limit=2):
        whole_list += [(one.sku_code, one.node_code) for one in rows]
        after = f"{rows[-1].sku_code}|{rows[-1].node_code}"
    assert whole_list == [(f"SKU-00{sku}", f"N{node}") for sku in range(3) for node in (1, 2)]
    assert list(stood(at_(1), node=floor.nodes[1])) == [(f"SKU-00{sku}", "N2") for sku in range(3)]
    assert list(stood(at_(1), text="SKU-001")) == [("SKU-001", "N1"), ("SKU-001", "N2")]


def test_what_was_promised_then_is_told_as_far_as_it_can_be() -> None:
    house = walk.a_house()
    house.stock(quantity=20)
    first, second, third = (house.order((0, units)).order for units in (2, 3, 4))
    fulfillments = walk.packed(first)
    walk.allocated(second, third)
    cart = Reserve(
        COMPANY, "cart", house.skus[0], None, house.channels["shop"], 1, timezone.now() + timedelta(days=9)
    )
    now = replace(SYSTEM, at=timezone.now())
    whole(reserve(now, requests=[cart]))
    at = timezone.now() + timedelta(milliseconds=2)
    key = (house.skus[0], house.nodes[0])

    def then(moment: datetime) -> PromisedThen:
        return promised_then(company=COMPANY, skus={house.skus[0]}, at=moment)[key]

    assert then(at) == PromisedThen(still=9, reserved=1)
    assert then(at - timedelta(days=9_000)) == PromisedThen(), "nothing was placed then"

    later = replace(SYSTEM, at=at + HOUR)
    whole(ship(later, requests=[ShipFulfillment(one) for one in fulfillments]))
    assert then(at) == PromisedThen(still=7, sent=2, reserved=1)
    lost = Adjust(COMPANY, house.skus[0], house.nodes[0], house.bin(), -15, "lost")
    whole(adjust(later, requests=[lost]))
    assert then(at) == PromisedThen(still=3, sent=2, lost=4), "the cart, and then the least urgent order"
    assert promised_then(company=COMPANY, skus=(), at=at) == {}


def test_what_moved_before_is_not_read_nor_what_others_moved(statements) -> None:
    """Of many moves only those since, of what a page shows, are read."""
    floor = a_floor()
    floor.stock(quantity=9)
    sql.run(_MANY_MOVES, {"since": at_(-9_000), "rows": 20_000})
    floor.stock_all([0, 1], quantity=1)
    count_anew("stock_move", "stock_bucket", "catalog_sku")
    params = {
        "company": COMPANY, "text": "%", "node": None, "sku_after": "", "node_after": "", "at": at_(-1), "limit": 60,
    }  # fmt: skip
    assert rows_read(past.STANDING.format(behind=""), params, of="stock_move") < 100
    with statements() as ran:
        past.standing(company=COMPANY, at=at_(-1))
    assert len(ran) == 1


# From a place outside to another: of no bucket, and so nothing for the books of units.
_MANY_MOVES = """
INSERT INTO stock_move (company_id, sku_id, quantity, from_place, to_place, reason, document_kind, document_id,
                        occurred_at, recorded_at, correlation)
SELECT 1, s.id, 1, 'supplier', 'customer', 'old', 'test', s.id, at, at, s.id
FROM catalog_sku AS s, generate_series(1, %(rows)s::int / 3) AS i,
     LATERAL (SELECT %(since)s::timestamptz + i * interval '1 second' AS at) AS t
"""
