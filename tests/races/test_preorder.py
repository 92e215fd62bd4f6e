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
from tests.together import all_at_once, at_once


def test_no_more_is_sold_ahead_than_the_limit_however_many_ask(committed_db):
    house = walk.a_house()
    opening = NOW.date() + timedelta(days=20)
    set_preorder(SYSTEM, requests=[SetPreorder(COMPANY, house.skus[0], opening, 3)])
    orders = walk.placed(house, 8, (0, 1))

    answers = all_at_once(allocate, SYSTEM, *([AllocateOrder(order)] for order in orders))

    assert sorted(one.outcome for one in answers) == ["backordered"] * 3 + ["held"] * 5
    statuses = sorted(queries.order(order).status for order in orders)
    assert statuses == ["exception"] * 5 + ["inventory hold"] * 3


def test_who_notes_that_preorders_were_told_waits_for_nobody(committed_db):
    """Whoever moves one has its row, and may wait for the marks that are ours."""
    house = walk.a_house()
    first, second = sorted(house.skus[:2])
    opening = NOW.date() + timedelta(days=20)
    set_preorder(SYSTEM, requests=[SetPreorder(COMPANY, sku, opening) for sku in (first, second)])
    locked, told = threading.Event(), threading.Event()

    def move():
        with transaction.atomic():
            sql.run("SELECT FROM stock_preorder WHERE sku_id = %(sku)s FOR UPDATE", {"sku": first})
            locked.set()
            assert told.wait(20), "it waits for us"

    def tell():
        locked.wait()
        with transaction.atomic():
            were_told([(second, opening), (first, opening)])
        told.set()

    at_once([move, tell])
    assert sql.run("SELECT sku_id, moved_from FROM stock_preorder ORDER BY sku_id") == [
        (first, [NOW.date()]), (second, None),
    ]  # fmt: skip
