"""stock.publish, stock.republish: what each channel was told that it may sell"""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta

import pytest

from entrepot.catalog.commands.register_kits import Component, KitRegistered, RegisterKit, register_kits
from entrepot.kernel import sql, worker
from entrepot.kernel.cause import Cause
from entrepot.network.commands import register as network
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.sourcing.commands.cancel import cancel
from entrepot.sourcing.commands.expire_reservations import ExpireReservations, expire_reservations
from entrepot.stock import availability_queries
from entrepot.stock import queries as stock
from entrepot.stock.commands.publish import ChangesPublished, PublishChanges, publish
from entrepot.stock.commands.reserve import GiveBack, Reserve, give_back, reserve
from entrepot.stock.commands.set_floor import SetRingFence, SetSafety, set_ring_fence, set_safety
from entrepot.stock.commands.set_preorder import SetPreorder, set_preorder
from tests import walk
from tests.floor import COMPANY, NOW, SYSTEM, Floor

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db) -> Floor:
    floor = walk.a_house()
    sql.run("DELETE FROM kernel_ready")
    return floor


def published() -> ChangesPublished:
    (answer,) = publish(SYSTEM, requests=[PublishChanges()])
    return answer


def told(house: Floor, sku: int = 0) -> dict[str, int]:
    return {
        code: one.quantity for code, one in availability_queries.published_of(sku=house.skus[sku]).items()
    }


def messages() -> list[tuple[str, dict]]:
    rows = sql.run(
        "SELECT destination, body FROM kernel_delivery WHERE topic = 'availability.changed' ORDER BY id"
    )
    return [(where, body if isinstance(body, dict) else json.loads(body)) for where, body in rows]


def test_what_came_is_published_to_every_channel_once(house):
    house.stock(0, 10)

    answer = published()

    assert (answer.skus, answer.changed) == (1, 2)
    assert told(house) == {"market": 10, "shop": 10}
    assert sorted((where, body["sku"], body["before"], body["quantity"]) for where, body in messages()) == [
        ("channels:market", house.codes[0], 0, 10), ("channels:shop", house.codes[0], 0, 10),
    ]  # fmt: skip
    assert published() == ChangesPublished(0, 0, 0)
    assert len(messages()) == 2


def test_every_change_of_what_may_be_sold_is_published(house):
    house.stock(0, 10)
    where = (COMPANY, house.skus[0], house.nodes[0])
    held = Reserve(COMPANY, "c", house.skus[0], None, house.channels["shop"], 2, NOW.replace(year=2030))
    steps = [
        (lambda: walk.allocated(*walk.placed(house, 1, (0, 3))), {"market": 7, "shop": 7}),
        (lambda: reserve(SYSTEM, requests=[held]), {"market": 5, "shop": 5}),
        (lambda: give_back(SYSTEM, requests=[GiveBack("c")]), {"market": 7, "shop": 7}),
        (lambda: set_safety(SYSTEM, requests=[SetSafety(*where, 1)]), {"market": 6, "shop": 6}),
        (lambda: set_ring_fence(SYSTEM, requests=[SetRingFence(*where, house.channels["shop"], 4)]),
         {"market": 2, "shop": 6}),
        (lambda: set_preorder(SYSTEM, requests=[SetPreorder(COMPANY, house.skus[0], NOW.date() + timedelta(90))]),
         {"market": 0, "shop": 0}),
        (lambda: set_preorder(SYSTEM, requests=[SetPreorder(COMPANY, house.skus[0], None)]), {"market": 2, "shop": 6}),
    ]  # fmt: skip
    for step, expected in steps:
        step()
        published()
        assert told(house) == expected
        assert stock.discrepancies() == []


def test_what_leaves_to_those_whom_it_was_promised_changes_no_figure(house):
    house.stock(0, 10)
    (order,) = walk.placed(house, 1, (0, 3))
    walk.allocated(order)
    published()
    walk.shipped(order)
    assert published().marks == 0
    assert told(house) == {"market": 7, "shop": 7}


def test_what_is_cancelled_or_expires_is_shown_again(house):
    house.stock(0, 10)
    (order,) = walk.placed(house, 1, (0, 3))
    walk.allocated(order)
    reserve(
        SYSTEM,
        requests=[
            Reserve(COMPANY, "c", house.skus[0], None, house.channels["shop"], 2, NOW + timedelta(minutes=5))
        ],
    )
    published()
    assert told(house) == {"market": 5, "shop": 5}
    cancel(SYSTEM, requests=[CancelOrder(order, "no")])
    later = Cause(SYSTEM.actor, NOW + timedelta(minutes=6), "a test")
    expire_reservations(later, requests=[ExpireReservations(COMPANY)])
    published()
    assert told(house) == {"market": 10, "shop": 10}


def test_what_a_channel_is_shown_at_most_is_an_event_of_the_channel(house):
    house.stock(0, 10)
    published()
    network.register_channels(
        SYSTEM, requests=[network.RegisterChannel(COMPANY, "shop", "Shop", "GBP", buffer=1, shown_at_most=4)]
    )
    assert walk.queued("republish") == [house.channels["shop"]]
    worker.serve_once({"republish": worker.queues()["republish"]})
    assert worker.sweep_once(worker.sweeps()) == 1
    assert told(house) == {"market": 10, "shop": 4}
    network.register_nodes(
        SYSTEM, requests=[network.RegisterNode(COMPANY, "N1", "Node 1", "GB", priority=1, active=False)]
    )
    worker.serve_once({"republish": worker.queues()["republish"]})
    worker.sweep_once(worker.sweeps())
    assert told(house) == {"market": 0, "shop": 0}
    assert stock.discrepancies() == []


def test_an_import_is_told_nothing(house):
    network.register_channels(
        SYSTEM, requests=[network.RegisterChannel(COMPANY, "history", "History", "GBP", kind="import")]
    )
    house.stock(0, 10)
    published()
    assert set(told(house)) == {"market", "shop"}


def test_a_figure_that_was_never_published_is_a_discrepancy(house):
    house.stock(0, 10)
    assert stock.discrepancies() == []
    sql.run("DELETE FROM stock_unpublished")
    assert len(stock.discrepancies()) == 2
    sql.run("INSERT INTO stock_unpublished (sku_id) VALUES (%(s)s)", {"s": house.skus[0]})


def test_who_follows_a_channel_misses_nothing_and_can_compare(house):
    for sku in range(3):
        house.stock(sku, 10 + sku)
    published()
    first = availability_queries.published(company=COMPANY, channel="shop", limit=2)
    rest = availability_queries.published(company=COMPANY, channel="shop", since=first[-1].version)
    assert sorted(one.quantity for one in first + rest) == [10, 11, 12]
    walk.allocated(*walk.placed(house, 1, (1, 11)))
    published()
    (changed,) = availability_queries.published(company=COMPANY, channel="shop", since=rest[-1].version)
    assert (changed.sku_code, changed.quantity) == (house.codes[1], 0)
    have = {house.codes[0]: 10, house.codes[2]: 12}
    lines = "".join(f"{code}:{units}\n" for code, units in sorted(have.items()))
    digest = availability_queries.published_digest(company=COMPANY, channel="shop")
    assert digest == (2, 22, hashlib.sha256(lines.encode()).hexdigest(), changed.version)


def test_a_thousand_orders_are_one_computation(house, statements):
    house.stock(0, 5_000)
    published()
    orders = walk.placed(house, 1000, (0, 1))
    walk.allocated(*orders)
    assert availability_queries.unpublished() == 1

    with statements() as ran:
        answer = published()

    assert answer == ChangesPublished(1, 1, 2)
    assert len([text for text in ran.texts if "SAVEPOINT" not in text]) == 4
    assert told(house) == {"market": 4_000, "shop": 4_000}
    for order in walk.placed(house, 5, (0, 1)):
        walk.allocated(order)
    assert published() == ChangesPublished(5, 1, 2)


def test_statements_do_not_grow_with_the_skus(db, statements):
    house = walk.a_house(skus=300)
    counts = []
    for some in (range(1), range(1, 11), range(11, 300)):
        for sku in some:
            house.stock(sku, 5)
        with statements() as ran:
            assert published().skus == len(some)
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert counts == [6] * 3  # two of them look for what was freed, and offer it


def test_a_kit_is_published_by_its_scarcest_component_whenever_one_of_them_changes(house):
    mug, pen, kit = house.codes
    offered = {"republish": worker.queues()["republish"]}
    parts = (Component(mug, 4), Component(pen, 1))
    (made,) = register_kits(SYSTEM, requests=[RegisterKit(COMPANY, kit, parts)])
    assert isinstance(made, KitRegistered)
    house.stock(0, 10)
    house.stock(1, 5)
    worker.serve_once(offered)
    assert published().skus == 3
    assert told(house, 2) == {"market": 2, "shop": 2}

    house.stock(0, 10)
    published()
    assert told(house, 2) == {"market": 5, "shop": 5}
    set_preorder(SYSTEM, requests=[SetPreorder(COMPANY, house.skus[1], NOW.date() + timedelta(days=9))])
    published()
    assert told(house, 2) == {"market": 0, "shop": 0}

    register_kits(SYSTEM, requests=[RegisterKit(COMPANY, kit, (Component(mug, 10),))])
    worker.serve_once(offered)
    published()
    assert told(house, 2) == {"market": 2, "shop": 2}
    shown = availability_queries.availability(company=COMPANY, channel="shop", skus=[kit], at=NOW)
    assert [one.quantity for one in shown] == [2]
