"""returns.settle_refunds"""

from __future__ import annotations

from uuid import UUID

import pytest

from entrepot.kernel import ids, sql
from entrepot.kernel.errors import RequestReused
from entrepot.orders.commands.place import PaymentGiven
from entrepot.payments.commands import settle as payments
from entrepot.returns import queries
from entrepot.returns.commands.refund import Refund, Refunded, refund
from entrepot.returns.commands.settle import Settle, Settled, settle
from tests.back import ASKS, asked, asked_all, back, came_all, found, put, sold
from tests.floor import NOW, SYSTEM, Floor, balance
from tests.sizes import SIZES
from tests.walk import a_house, queued

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 5000)
    return house


def answered(kind: str, *, ok: bool = True) -> int:
    """The provider's answers to everything of a kind that it was asked."""
    statement = "SELECT id FROM payments_attempt WHERE kind = %(kind)s::text AND state = 'waiting'"
    wanted = [payments.Settle(attempt, ok, "ref") for (attempt,) in sql.run(statement, {"kind": kind})]
    payments.settle(SYSTEM, requests=wanted)
    return len(wanted)


def by_card(house: Floor, count: int = 1, quantity: int = 1) -> list[UUID]:
    """Orders paid by a provider that answers later, and captured."""
    orders = sold(
        house, count, (0, quantity), payment=PaymentGiven("fake", "a card", quantity * 999 + 1000, NOW)
    )
    answered("capture")
    return orders


def asked_for(order: UUID) -> tuple[UUID, Refunded]:
    """A unit that came back, and its refund that the provider was asked for."""
    one = asked(order, 1)
    back(one)
    (answer,) = refund(ASKS, requests=[Refund(one.return_id)])
    assert answer.state == "approved"
    return one.return_id, answer


def test_a_refund_is_paid_when_its_provider_says_so(house: Floor):
    (order,) = by_card(house)
    one, answer = asked_for(order)
    assert balance(2300) == -999, "posted, and owed until it is paid"
    assert queries.return_(one).state == "disposed"
    assert settle(SYSTEM, requests=[Settle(order)]) == [Settled(order, 0)]

    answered("refund")
    assert queued("refund") == [order]
    assert settle(SYSTEM, requests=[Settle(order)]) == [Settled(order, 1)]

    assert queries.refund(answer.refund).state == "paid"
    assert queries.return_(one).state == "closed"
    assert balance(2300) == 0
    assert settle(SYSTEM, requests=[Settle(order)]) == [Settled(order, 0)]


def test_a_refund_that_its_provider_refuses_has_failed(house: Floor):
    (order,) = by_card(house)
    one, answer = asked_for(order)
    answered("refund", ok=False)

    assert settle(SYSTEM, requests=[Settle(order)]) == [Settled(order, 1)]

    assert queries.refund(answer.refund).state == "failed"
    assert queries.return_(one).state == "disposed"
    assert balance(2300) == -999, "it is still owed"


def test_unknown_orders_and_the_same_order_twice(house: Floor):
    (order,), unknown = by_card(house, quantity=2), ids.uuid7()
    asked_for(order)
    asked_for(order)
    answered("refund")
    answers = settle(SYSTEM, requests=[Settle(unknown), Settle(order), Settle(order)])
    assert answers == [Settled(unknown, 0), Settled(order, 2), Settled(order, 2)]


def test_a_key_gets_its_answer_again_and_none_for_other_content(house: Floor):
    (order, other) = by_card(house, 2)
    asked_for(order)
    answered("refund")
    first = settle(SYSTEM, requests=[Settle(order, key="k")])
    assert settle(SYSTEM, requests=[Settle(order, key="k")]) == first == [Settled(order, 1)]
    again = settle(SYSTEM, requests=[Settle(other, key="k")])
    assert again == [RequestReused(key="k", command="returns.settle_refunds")]


@pytest.mark.counts("returns.settle_refunds")
def test_statements_do_not_grow_with_the_batch(house: Floor, statements):
    counts = []
    for size in SIZES:
        orders = by_card(house, size)
        returns = asked_all(orders, 1)
        put(found(came_all(returns)))
        refund(ASKS, requests=[Refund(one.return_id) for one in returns])
        assert answered("refund") == size
        with statements() as ran:
            answers = settle(SYSTEM, requests=[Settle(order, key=str(order)) for order in orders])
        assert [one.changed for one in answers] == [1] * size
        counts.append([text for text in ran.texts if "SAVEPOINT" not in text])
    assert [len(one) for one in counts] == [16] * 3
