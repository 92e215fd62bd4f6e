"""Exchanging of one, ten and a thousand takes the same statements; so does giving it up."""

from __future__ import annotations

import pytest

from entrepot.orders.commands.cancel import CancelOrder
from entrepot.returns.commands.exchange import Exchange, Exchanged, exchange
from entrepot.returns.commands.give_back import GiveBack, give_back
from entrepot.returns.commands.settle_exchanges import ExchangeSettled, SettleExchange, settle_exchanges
from entrepot.returns.commands.withdraw_exchanges import (
    ExchangeWithdrawn,
    WithdrawExchange,
    withdraw_exchanges,
)
from entrepot.sourcing.commands.cancel import cancel
from tests.back import ASKS, asked_all, came_all, policy, sold
from tests.floor import SYSTEM
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db


@pytest.mark.counts(
    "returns.exchange", "returns.settle_exchanges", "returns.withdraw_exchanges", "returns.give_back"
)
def test_statements_are_equal_at_1_10_and_many(sold_house, statements):
    policy(approve_above_minor=None)
    counts = []
    for size in (1, *SIZES):  # the first one makes the rows that the others find
        asked = asked_all(sold(sold_house, size, (0, 2)), 2, asked="exchange")
        came_all(asked)
        with statements() as ran:
            given = exchange(
                ASKS, requests=[Exchange(r.return_id, r.lines[0], 1, sold_house.codes[0]) for r in asked]
            )
            assert {type(one) for one in given} == {Exchanged}
            done = settle_exchanges(SYSTEM, requests=[SettleExchange(one.refund) for one in given])
            assert {type(one) for one in done} == {ExchangeSettled}
            other = exchange(
                ASKS, requests=[Exchange(r.return_id, r.lines[0], 1, sold_house.codes[0]) for r in asked]
            )
            gone = withdraw_exchanges(ASKS, requests=[WithdrawExchange(one.refund, "no") for one in other])
            assert {type(one) for one in gone} == {ExchangeWithdrawn}
        cancel(SYSTEM, requests=[CancelOrder(one.order, "no longer made") for one in given])
        with statements() as back:
            answers = give_back(SYSTEM, requests=[GiveBack(one.order) for one in given])
            assert {one.state for one in answers} == {"paid"}
        ran.texts += back.texts
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert counts[1:] == [counts[1]] * 3
