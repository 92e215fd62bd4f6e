"""Buyers at once of the last units that may be sold ahead."""

from __future__ import annotations

import threading
from datetime import timedelta

from django.db import transaction

from entrepot.kernel import sql
from entrepot.orders import queries
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from entrepot.stock.commands.set_preorder import SetPreorder, set_preorder, were_told
from tests import walk
from tests.floor import COMPANY, NOW, SYSTEM
from tests.together import all_at_once, at_once, until_someone_waits


def test_no_more_is_sold_ahead_than_the_limit_however_many_ask(committed_db):
    house = walk.a_house()
    opening = NOW.date() + timedelta(days=20)
    set_preorder(SYSTEM, requests=[SetPreorder(COMPANY, house.skus[0], opening, 3)])
    orders = walk.placed(house, 8, (0, 1))

    answers = all_at_once(allocate, SYSTEM, *([AllocateOrder(order)] for order in orders))

    assert sorted(one.outcome for one in answers) == ["backordered"] * 3 + ["held"] * 5
    statuses = sorted(queries.order(order).status for order in orders)
    assert statuses == ["exception"] * 5 + ["inventory hold"] * 3


def test_preorders_are_locked_in_the_order_of_their_keys(committed_db):
    """As by those who count what is sold ahead."""
    house = walk.a_house()
    first, second = sorted(house.skus[:2])
    opening = NOW.date() + timedelta(days=20)
    set_preorder(SYSTEM, requests=[SetPreorder(COMPANY, sku, opening) for sku in (first, second)])
    lock = "SELECT FROM stock_preorder WHERE sku_id = %(sku)s FOR UPDATE NOWAIT"
    counted = threading.Event()

    def count():
        with transaction.atomic():
            sql.run(lock, {"sku": first})
            counted.set()
            until_someone_waits("transactionid")
            sql.run(lock, {"sku": second})

    def tell():
        counted.wait()
        with transaction.atomic():
            were_told([(second, opening), (first, opening)])

    at_once([count, tell])
    assert sql.run("SELECT moved_from FROM stock_preorder") == [(None,)] * 2
