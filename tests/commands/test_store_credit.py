"""Store credit: given for returns, spent on orders, back from them, and payments.expire_credits"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from entrepot.kernel import policies, sql
from entrepot.orders import queries as orders
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.orders.commands.place import OrderLine, PaymentGiven, Placed, PlaceOrder, place
from entrepot.orders.commands.take_payment import TakePayment, take_payment
from entrepot.payments import credit_queries, errors
from entrepot.payments import queries as payments
from entrepot.payments.commands.store_credit import CreditsExpired, ExpireCredits, expire_credits
from entrepot.payments.rules import CreditPolicy
from entrepot.returns import errors as returns_errors
from entrepot.returns import queries
from entrepot.returns.admission import Admission, Rule
from entrepot.returns.commands.approve import Approve, approve
from entrepot.returns.commands.authorize import Authorize, Item, authorize
from entrepot.returns.commands.refund import Refund, Refunded, refund
from entrepot.returns.tasks import serve_decide_refund
from entrepot.sourcing.commands.cancel import cancel
from tests.back import APPROVES, ASKS, asked, back, lines_of, policy, sold
from tests.floor import COMPANY, NOW, SYSTEM, Floor, balance
from tests.sizes import SIZES
from tests.walk import a_house, queued, shipped

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(days=400)


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 3000)
    return house


def bonus(percent: int) -> None:
    body = Admission(rules=(Rule("credit", bonus_percent=percent),), business_tiers=("",))
    kept = policies.SetPolicy(COMPANY, "returns.authorization", body, NOW - timedelta(days=1))
    policies.set_policy(SYSTEM, requests=[kept])


def credited(house: Floor, units: int = 1, customer: str = "C1", **facts: Any) -> Refunded:
    """A return whose customer asked for store credit, and got it."""
    (order,) = sold(house, 1, (0, units), customer=customer, **facts)
    one = asked(order, units, asked="store_credit")
    back(one)
    (answer,) = refund(ASKS, requests=[Refund(one.return_id)])
    assert isinstance(answer, Refunded), answer
    return answer


def bought(house: Floor, credit: int, units: int = 1, pay: int | None = None, **facts: Any) -> Placed:
    """An order of which so much is to be paid with store credit, and the rest on account."""
    house.placed += 1
    rest = units * 999 - credit if pay is None else pay
    paid = PaymentGiven("account", f"rest {house.placed}", rest, NOW) if rest > 0 else None
    facts.setdefault("customer", "C1")
    request = PlaceOrder(
        COMPANY, "shop", f"C-{house.placed}", (OrderLine(house.codes[0], units, Decimal("9.99")),), "GBP",
        country="GB", postal_code="SW1A 1AA", payment=paid, store_credit_minor=credit, **facts,
    )  # fmt: skip
    (answer,) = place(SYSTEM, requests=[request])
    assert isinstance(answer, Placed), answer
    return answer


def account() -> credit_queries.CreditRow:
    (one,) = credit_queries.accounts(COMPANY, text="C1")
    return one


def tenders(order: UUID) -> list[tuple[str, int, int]]:
    return [(one.provider, one.captured_minor, one.refunded_minor) for one in payments.of_order(order)]


def test_a_return_is_given_as_store_credit_with_a_bonus(house: Floor):
    bonus(10)
    policy(approve_above_minor=None)

    answer = credited(house, 2, tax_minor=200)

    row = queries.refund(answer.refund)
    assert (answer.state, row.outcome, row.total_minor, row.applied_minor, row.bonus_minor) == (
        "paid", "store_credit", 2198, 2198, 220,
    )  # fmt: skip
    one = account()
    assert (one.balance_minor, one.held_minor, one.bonus_minor) == (2418, 0, 220)
    assert one.expires_at == NOW + timedelta(days=365), "the bonus ends, what was paid does not"
    assert (balance(2410), balance(4120), balance(2300)) == (-2418, 220, 0)
    assert tenders(row.order) == [("account", 2198, 0)], "no money went back"
    assert queries.return_(row.return_id).state == "closed"
    assert queued("decide_refund") == [row.return_id], "by itself, when the milestone is reached"
    serve_decide_refund(SYSTEM, [row.return_id])
    assert account().balance_minor == 2418


def test_above_the_limit_it_waits_and_is_given_when_another_agrees(house: Floor):
    bonus(5)
    policy(approve_above_minor=500)
    answer = credited(house)
    assert (answer.state, queries.refund(answer.refund).bonus_minor) == ("waiting", 50)
    assert credit_queries.accounts(COMPANY) == []
    (decided,) = approve(APPROVES, requests=[Approve(answer.refund)])
    assert decided.state == "paid"
    assert account().balance_minor == 1049
    other = credited(house)
    approve(APPROVES, requests=[Approve(other.refund, agree=False, reason="no")])
    assert account().balance_minor == 1049
    assert queries.refund(other.refund).bonus_minor == 0


def test_an_order_is_paid_with_it_and_the_rest_otherwise(house: Floor):
    credited(house)
    order = bought(house, 600)
    assert (order.status, order.store_credit_minor) == ("ready", 600)
    assert (account().balance_minor, account().held_minor) == (999, 600)
    more = bought(house, 5_000, pay=600)
    assert more.store_credit_minor == 399, "no more than is left"
    assert bought(house, 1, pay=998).holds == ("payment hold",), "nothing is left"
    shipped(order.order)
    assert tenders(order.order) == [("account", 399, 0), ("store_credit", 600, 0)]
    assert (account().balance_minor, account().held_minor, balance(2410), balance(2100)) == (
        399,
        399,
        -399,
        0,
    )
    cancel(SYSTEM, requests=[CancelOrder(more.order, "changed her mind")])
    assert (account().balance_minor, account().held_minor) == (399, 0), "what is held is free again"


def test_a_batch_spends_what_is_there_once(house: Floor):
    credited(house)
    line = (OrderLine(house.codes[0], 1, Decimal("9.99")),)
    requests = [
        PlaceOrder(COMPANY, "shop", f"B{i}", line, "GBP", country="GB", customer="C1", store_credit_minor=700)
        for i in range(2)
    ]
    first, second = place(SYSTEM, requests=requests)
    assert (first.store_credit_minor, second.store_credit_minor) == (700, 299)
    (again,) = place(SYSTEM, requests=[requests[0]])
    assert again.code == "orders.duplicate"
    assert account().held_minor == 999


def test_it_comes_back_as_store_credit_first_and_a_bonus_never_as_money(house: Floor):
    bonus(50)
    policy(approve_above_minor=None)
    credited(house)  # 999, and a bonus of 500
    order = bought(house, 1_200, units=2)  # of 1998
    shipped(order.order)
    assert account().balance_minor == 299
    one = asked(order.order, 1)
    back(one)
    (half,) = refund(ASKS, requests=[Refund(one.return_id)])
    assert half.total_minor == 999
    assert tenders(order.order) == [("account", 798, 0), ("store_credit", 1200, 999)]
    last = asked(order.order, 1)
    back(last)
    refund(ASKS, requests=[Refund(last.return_id)])
    assert tenders(order.order) == [("account", 798, 798), ("store_credit", 1200, 1200)]
    assert (account().balance_minor, account().bonus_minor) == (1499, 500)


def test_what_was_paid_with_it_is_not_raised_a_second_time(house: Floor):
    bonus(50)
    policy(approve_above_minor=None)
    credited(house)
    order = bought(house, 499)  # and 500 on account
    shipped(order.order)
    one = asked(order.order, 1, asked="store_credit")
    back(one)
    (answer,) = refund(ASKS, requests=[Refund(one.return_id)])
    row = queries.refund(answer.refund)
    assert (row.total_minor, row.applied_minor, row.bonus_minor, row.state) == (999, 500, 250, "paid")
    assert account().balance_minor == 999 + 500 + 500 + 250


def test_what_is_over_is_income_and_a_bonus_is_undone(house: Floor):
    bonus(10)
    body = CreditPolicy(days=100, bonus_days=50)
    policies.set_policy(SYSTEM, requests=[
        policies.SetPolicy(COMPANY, "payments.store_credit", body, NOW - timedelta(days=1))
    ])  # fmt: skip
    credited(house)
    order = bought(house, 300)
    (early,) = expire_credits(SYSTEM, requests=[ExpireCredits(COMPANY)])
    assert early == CreditsExpired(COMPANY, 0, ())
    assert credit_queries.companies_with_due(LATER) == [COMPANY]

    (gone,) = expire_credits(replace(SYSTEM, at=LATER), requests=[ExpireCredits(COMPANY)])

    assert gone == CreditsExpired(COMPANY, 1, (("GBP", 799),)), "what an order holds stays"
    assert (account().balance_minor, account().held_minor, account().bonus_minor) == (300, 300, 0)
    assert (balance(4120), balance(4020), balance(2410)) == (0, -699, -300)
    shipped(order.order)
    one = asked(order.order, 1)
    back(one)
    refund(ASKS, requests=[Refund(one.return_id)])
    assert account().balance_minor == 300
    assert account().expires_at >= NOW + timedelta(days=30), "what comes back is good for a while"


def test_nobody_pays_with_what_is_no_account_of_his(house: Floor):
    credited(house)
    order = bought(house, 0, pay=100)
    given = PaymentGiven("store_credit", str(account().id), 899, NOW)
    (refused,) = take_payment(SYSTEM, requests=[TakePayment(order.order, given)])
    assert isinstance(refused, errors.UnknownProvider)
    other = bought(house, 500, customer="C2", pay=999)
    assert other.store_credit_minor == 0
    (nobody,) = sold(house, 1, (0, 1))
    request = Authorize(nobody, (Item(lines_of(nobody)[0], 1),), "store_credit")
    (answer,) = authorize(ASKS, requests=[request])
    assert answer == returns_errors.NoCustomer(order=orders.order(nobody).number)
    one = asked(nobody, 1)
    back(one)
    (answer,) = refund(ASKS, requests=[Refund(one.return_id, outcome="store_credit")])
    assert isinstance(answer, returns_errors.NoCustomer)


def test_the_ledger_of_an_account_says_what_for(house: Floor):
    credited(house)
    order = bought(house, 300)
    shipped(order.order)
    one = account()
    assert [(row.kind, row.of, row.amount_minor, row.order) for row in credit_queries.moves(one.id)] == [
        ("used", "value", -300, order.order), ("issued", "value", 999, None),
    ]  # fmt: skip
    (grant,) = credit_queries.grants(one.id)
    assert (grant.amount_minor, grant.left_minor, grant.expires_at) == (999, 699, None)
    assert credit_queries.account(COMPANY, one.id) == one


@pytest.mark.counts("payments.expire_credits")
def test_statements_do_not_grow_with_the_companies(house: Floor, statements):
    counts = []
    for size in SIZES:
        credited(house)
        sql.run("UPDATE payments_creditgrant SET expires_at = %(at)s", {"at": NOW})
        with statements() as ran:
            expire_credits(SYSTEM, requests=[ExpireCredits(n + 1) for n in range(size)])
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert counts == [11] * 3
