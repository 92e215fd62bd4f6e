"""Who approves, declines and cancels the same orders at once: each is decided once, and expected where it is open."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from entrepot.insight import verify
from entrepot.kernel import sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.command import whole
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.purchasing import queries
from entrepot.purchasing.commands.cancel import CancelOrder, cancel
from entrepot.purchasing.commands.decide_orders import DecideOrder, OrderDecided, decide_orders
from entrepot.purchasing.commands.order import GoodsOrdered, OrderGoods, order
from tests.retailer import BUYER, CLERK, NOW, a_retailer
from tests.together import at_once

pytestmark = pytest.mark.usefixtures("committed_db")


def test_what_several_decide_at_once_is_decided_once() -> None:
    house = a_retailer(skus=2)
    body, at = {"alone_up_to_minor": 0}, NOW - timedelta(days=1)
    whole(set_policy(CLERK, requests=[SetPolicy(house.company, "purchasing.approval", body, at)]))
    lines = tuple((sku, 3, Decimal(2)) for sku in house.skus)
    made = order(
        BUYER, requests=[OrderGoods(house.company, house.supplier, house.node, "", lines) for _ in range(6)]
    )
    which = [one.order for one in made if isinstance(one, GoodsOrdered)]

    def decide(i: int) -> list:
        person = Cause(Actor(f"controller {i}", everything=True), NOW)
        wanted = [DecideOrder(one, approve=i % 2 == 0, note="too much") for one in which]
        return decide_orders(person, requests=wanted if i % 3 else wanted[::-1])

    def give_up() -> list:
        return cancel(BUYER, requests=[CancelOrder(one, "no") for one in which[:2]])

    answers: list = at_once([*(lambda i=i: decide(i) for i in range(6)), give_up])

    decided = [one for some in answers for one in some if isinstance(one, OrderDecided)]
    assert len({one.order for one in decided}) == len(decided)
    found = {one.id: one.state for one in queries.orders(house.company)}
    assert set(found) == set(which)
    assert set(found.values()) <= {"open", "cancelled"}
    opened = {one for one, state in found.items() if state == "open"}
    assert {one for (one,) in sql.run("SELECT DISTINCT document_id FROM stock_supply")} == opened
    assert sql.run(
        "SELECT count(*) FROM work_item WHERE type = 'purchase order to approve' AND state <> 'done'"
    ) == [(0,)]
    assert verify.discrepancies() == []
