"""Exchanges and store credit in races: no unit is given something for twice, and no credit is spent twice."""

from __future__ import annotations

import threading
from decimal import Decimal

import pytest
from django.db import transaction

from entrepot.insight import verify
from entrepot.kernel.errors import Refused
from entrepot.orders import queries as orders
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.orders.commands.place import OrderLine, Placed, PlaceOrder, place
from entrepot.payments import credit_queries, queries
from entrepot.returns.commands.exchange import Exchange, Exchanged, exchange
from entrepot.returns.commands.give_back import GiveBack, give_back
from entrepot.returns.commands.refund import Refund, Refunded, refund
from entrepot.returns.commands.settle_exchanges import ExchangeSettled, SettleExchange, settle_exchanges
from entrepot.returns.commands.withdraw_exchanges import (
    ExchangeWithdrawn,
    WithdrawExchange,
    withdraw_exchanges,
)
from entrepot.sourcing.commands.cancel import cancel
from tests.back import ASKS, asked, back, came, policy, sold
from tests.floor import COMPANY, SYSTEM
from tests.together import at_once, until_someone_waits
from tests.walk import a_house, queued

pytestmark = pytest.mark.usefixtures("committed_db")


def test_units_are_exchanged_refunded_or_given_up_once_and_credit_is_spent_once(committed_db: None):
    house = a_house()
    house.stock(0, 500)
    policy(refund_at="received", approve_above_minor=None)
    code = house.codes[0]

    # Eight want to exchange the same three units, and eight to refund them.
    (order,) = sold(house, 1, (0, 3), customer="C1")
    one = asked(order, 3)
    came(one)
    answers = at_once([
        job
        for _ in range(8)
        for job in (
            lambda: exchange(ASKS, requests=[Exchange(one.return_id, one.lines[0], 1, code)])[0],
            lambda: refund(ASKS, requests=[Refund(one.return_id, ((one.lines[0], 1),))])[0],
        )
    ])  # fmt: skip
    assert sum(isinstance(each, Exchanged | Refunded) for each in answers) == 3

    # Each exchange is settled or given up, not both.
    (order,) = sold(house, 1, (0, 4))
    other = asked(order, 4, asked="exchange")
    came(other)
    agreed = exchange(ASKS, requests=[Exchange(other.return_id, other.lines[0], 1, code)] * 4)
    for new in agreed:
        ends = at_once([
            lambda new=new: settle_exchanges(SYSTEM, requests=[SettleExchange(new.refund)])[0],
            lambda new=new: withdraw_exchanges(ASKS, requests=[WithdrawExchange(new.refund, "no")])[0],
        ])  # fmt: skip
        assert sum(isinstance(each, ExchangeSettled | ExchangeWithdrawn) for each in ends) == 1
        assert sum(isinstance(each, Refused) for each in ends) == 1
        (tenders, status) = queries.of_order(new.order), orders.order(new.order).status
        settled = isinstance(ends[0], ExchangeSettled)
        assert (sum(each.captured_minor for each in tenders), status == "cancelled") == (
            999 * settled,
            not settled,
        )

    # Sixteen orders want the same store credit.
    (order,) = sold(house, 1, (0, 2), customer="C2")
    last = asked(order, 2, asked="store_credit")
    back(last)
    refund(ASKS, requests=[Refund(last.return_id)])
    line = (OrderLine(code, 1, Decimal("9.99")),)
    placed = at_once([
        lambda n=n: place(SYSTEM, requests=[
            PlaceOrder(COMPANY, "shop", f"W{n}", line, "GBP", customer="C2", country="GB", store_credit_minor=600)
        ])[0]
        for n in range(16)
    ])  # fmt: skip
    assert all(isinstance(each, Placed) for each in placed)
    assert sorted(each.store_credit_minor for each in placed)[-4:] == [198, 600, 600, 600]
    (account,) = credit_queries.accounts(COMPANY, text="C2")
    assert (account.balance_minor, account.held_minor) == (1998, 1998)
    assert verify.discrepancies() == []


def test_cancelled_replacements_of_a_return_give_back_no_more_than_its_limit_at_once(committed_db: None):
    """Three replacements at 9.99 are cancelled, and 9.99 is refunded, all at once: 20.00 are given by one person."""
    house = a_house()
    house.stock(0, 500)
    policy(refund_at="received", approve_above_minor=2_000)
    (order,) = sold(house, 1, (0, 4))
    one = asked(order, 4, asked="exchange")
    agreed = exchange(ASKS, requests=[Exchange(one.return_id, one.lines[0], 1, house.codes[0])] * 3)
    came(one)
    settle_exchanges(SYSTEM, requests=[SettleExchange(new.refund) for new in agreed])

    def gone(which: Exchanged) -> str:
        cancel(SYSTEM, requests=[CancelOrder(which.order, "no longer made")])
        return give_back(SYSTEM, requests=[GiveBack(which.order)])[0].state

    states = at_once([
        *(lambda new=new: gone(new) for new in agreed),
        lambda: refund(ASKS, requests=[Refund(one.return_id, ((one.lines[0], 1),))])[0].state,
        *(lambda new=new: give_back(SYSTEM, requests=[GiveBack(new.order)])[0].state for new in agreed),
    ])  # fmt: skip
    assert sorted(state for state in states if state) == ["paid", "paid", "waiting", "waiting"]
    assert verify.discrepancies() == []


@pytest.mark.parametrize("first", ["settle", "cancel"])
def test_a_replacement_is_paid_for_or_cancelled_first_and_nothing_stays_with_it(
    committed_db: None, first: str
):
    """Whoever comes second waits for the other's end, and sees it."""
    house = a_house()
    house.stock(0, 500)
    policy(refund_at="received", approve_above_minor=None)
    (order,) = sold(house, 1, (0, 2))
    one = asked(order, 2, asked="exchange")
    (new,) = exchange(ASKS, requests=[Exchange(one.return_id, one.lines[0], 2, house.codes[0])])
    came(one)
    jobs = {
        "settle": lambda: settle_exchanges(SYSTEM, requests=[SettleExchange(new.refund)]),
        "cancel": lambda: cancel(SYSTEM, requests=[CancelOrder(new.order, "no longer made")]),
    }
    began, answers = threading.Event(), {}

    def before() -> None:
        with transaction.atomic():
            answers[first] = jobs[first]()
            began.set()
            until_someone_waits("transactionid")

    def after() -> None:
        began.wait()
        (second,) = jobs.keys() - {first}
        answers[second] = jobs[second]()

    at_once([before, after])
    assert not any(isinstance(answer, Refused) for found in answers.values() for answer in found), answers
    give_back(SYSTEM, requests=[GiveBack(which) for which in queued("replacement")])
    (tender,) = [
        each for which in (new.order, order) for each in queries.of_order(which) if each.captured_minor
    ]
    assert (tender.captured_minor, tender.refunded_minor) == (1998, 1998)
    assert verify.discrepancies() == []
