"""Buyers at once of the last units that may be sold ahead."""

from __future__ import annotations

from datetime import timedelta

from entrepot.orders import queries
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from entrepot.stock.commands.set_preorder import SetPreorder, set_preorder
from tests import walk
from tests.floor import COMPANY, NOW, SYSTEM
from tests.together import all_at_once


def test_no_more_is_sold_ahead_than_the_limit_however_many_ask(committed_db):
    house = walk.a_house()
    opening = NOW.date() + timedelta(days=20)
    set_preorder(SYSTEM, requests=[SetPreorder(COMPANY, house.skus[0], opening, 3)])
    orders = walk.placed(house, 8, (0, 1))

    answers = all_at_once(allocate, SYSTEM, *([AllocateOrder(order)] for order in orders))

    assert sorted(one.outcome for one in answers) == ["backordered"] * 3 + ["held"] * 5
    statuses = sorted(queries.order(order).status for order in orders)
    assert statuses == ["exception"] * 5 + ["inventory hold"] * 3
