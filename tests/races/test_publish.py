"""What is published, while everybody changes stock and several publish: never what is not so any more."""

from __future__ import annotations

import random
from datetime import timedelta

from entrepot.kernel import sql
from entrepot.network.commands import register as network
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from entrepot.sourcing.commands.cancel import cancel
from entrepot.stock import availability_queries, tasks
from entrepot.stock import queries as stock
from entrepot.stock.commands.publish import PublishChanges, publish
from entrepot.stock.commands.reserve import GiveBack, Reserve, give_back, reserve
from entrepot.stock.commands.set_floor import SetRingFence, SetSafety, set_ring_fence, set_safety
from entrepot.stock.commands.set_preorder import SetPreorder, set_preorder
from tests import walk
from tests.floor import COMPANY, NOW, SYSTEM
from tests.together import at_once


def changes(house, orders, chance: random.Random) -> list:
    """Commands that change what may be sold, in no order."""
    until = NOW + timedelta(days=1500)

    def one(i: int):
        sku, node = house.skus[chance.randrange(3)], house.nodes[chance.randrange(2)]
        where, order = (COMPANY, sku, node), orders[i % len(orders)]
        held = Reserve(COMPANY, f"c{i % 4}", sku, None, house.channels["shop"], 1, until)
        fence = SetRingFence(*where, house.channels["market"], chance.randrange(5))
        later = NOW.date() + timedelta(days=400) if chance.random() < 0.5 else None
        return chance.choice([
            lambda: allocate(SYSTEM, requests=[AllocateOrder(order)]),
            lambda: cancel(SYSTEM, requests=[CancelOrder(order, "no")]),
            lambda: reserve(SYSTEM, requests=[held]),
            lambda: give_back(SYSTEM, requests=[GiveBack(f"c{i % 4}")]),
            lambda: set_safety(SYSTEM, requests=[SetSafety(*where, chance.randrange(5))]),
            lambda: set_ring_fence(SYSTEM, requests=[fence]),
            lambda: set_preorder(SYSTEM, requests=[SetPreorder(COMPANY, sku, later)]),
            lambda: house.stock(i % 3, 1 + i % 4, i % 2),
        ])  # fmt: skip

    return [one(i) for i in range(60)]


def test_what_is_published_is_so_whatever_happened_meanwhile(house):
    house.stock(2, 30)
    orders = walk.placed(house, 12, (0, 2), (1, 1), (2, 3))
    todo = changes(house, orders, random.Random(7))
    done = []

    def change(which: list):
        try:
            for one in which:
                one()
        finally:  # also when it failed: who publishes would go on for ever, and hide why
            done.append(True)

    def keep_publishing():
        while len(done) < 3:
            publish(SYSTEM, requests=[PublishChanges(marks_max=3)])

    at_once([*(lambda part=todo[i::3]: change(part) for i in range(3)), keep_publishing, keep_publishing])
    sql.run("DELETE FROM kernel_ready WHERE queue = 'republish'")
    while availability_queries.unpublished():
        publish(SYSTEM, requests=[PublishChanges()])

    assert stock.discrepancies() == []
    for sku, code in zip(house.skus, house.codes, strict=True):
        shown = {
            one.channel: one.quantity
            for one in availability_queries.availability_by_channel(company=COMPANY, sku=code, at=NOW)
        }
        told = {channel: one.quantity for channel, one in availability_queries.published_of(sku=sku).items()}
        assert {channel: told.get(channel, 0) for channel in shown} == shown


def test_a_channel_that_changes_while_its_goods_do_is_published_as_it_is(house):
    def close():
        network.register_channels(
            SYSTEM, requests=[network.RegisterChannel(COMPANY, "shop", "Shop", "GBP", buffer=2, threshold=3)]
        )

    at_once([close, lambda: house.stock(0, 5), lambda: publish(SYSTEM, requests=[PublishChanges()])])
    tasks.serve_republish(SYSTEM, [house.channels["shop"]])
    sql.run("DELETE FROM kernel_ready WHERE queue = 'republish'")
    publish(SYSTEM, requests=[PublishChanges()])
    assert stock.discrepancies() == []
