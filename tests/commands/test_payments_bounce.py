"""A refund that was done and comes back: owed again, asked for again, and matched by payouts"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from entrepot.kernel import relay, sql
from entrepot.orders.commands.place import PaymentGiven
from entrepot.payments.commands.retry import Retried, Retry, retry
from entrepot.payments.commands.settle import Settle, Settled, settle
from entrepot.payments.tasks import DESTINATIONS
from entrepot.returns import queries as returns
from entrepot.returns.commands.refund import Refund, refund
from entrepot.returns.tasks import serve_refund
from entrepot.settlement import queries
from entrepot.settlement.commands.take_payouts import TakePayout, take_payouts
from entrepot.settlement.rules import PayoutLine
from entrepot.work import queries as work
from tests.back import asked, back, policy, sold
from tests.floor import COMPANY, NOW, SYSTEM, Floor, balance
from tests.walk import a_house

pytestmark = pytest.mark.django_db

TOTAL = 2 * 999


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 20)
    policy(approve_above_minor=None)
    return house


def relayed(order: UUID) -> None:
    relay.relay_once(DESTINATIONS, at=NOW + timedelta(hours=1))
    serve_refund(SYSTEM, [order])


def refunds() -> list[tuple[UUID, str]]:
    """The attempts at refunds, the oldest first, with the provider's name for each."""
    return list(
        sql.run("SELECT id, provider_reference FROM payments_attempt WHERE kind = 'refund' ORDER BY id")
    )


def test_a_refund_that_comes_back_opens_its_return_again_until_it_was_paid(house: Floor):
    (order,) = sold(house, 1, (0, 2), payment=PaymentGiven("fake", "card", 11_998, NOW))
    relayed(order)
    one = asked(order, 2)
    back(one)
    refund(SYSTEM, requests=[Refund(one.return_id)])
    relayed(order)
    assert returns.return_(one.return_id).state == "closed"
    ((first, _),) = refunds()

    bounce = Settle(first, ok=False, error="account closed", bounced=True)
    assert settle(SYSTEM, requests=[bounce, bounce]) == [Settled(first, "failed")] * 2
    serve_refund(SYSTEM, [order])
    serve_refund(SYSTEM, [order])
    assert [row.state for row in returns.whole(one.return_id).refunds] == ["failed"]
    assert returns.return_(one.return_id).state == "disposed"
    assert (balance(1100), balance(2300)) == (TOTAL, -TOTAL), "it is owed again"
    assert (
        work.items(COMPANY, kind="payment refund failed")[0].reason
        == "fake took back the refund: account closed"
    )

    (again,) = retry(SYSTEM, requests=[Retry(first)])
    assert isinstance(again, Retried)
    relayed(order)
    assert [row.state for row in returns.whole(one.return_id).refunds] == ["paid"]
    assert returns.return_(one.return_id).state == "closed"
    assert balance(1100) == balance(2300) == 0

    ((_, old), (_, new)) = refunds()
    ((charge,),) = sql.run("SELECT provider_reference FROM payments_attempt WHERE kind = 'capture'")
    lines = (
        PayoutLine("charge", charge, TOTAL), PayoutLine("refund", old, TOTAL),
        PayoutLine("refund_reversal", old, TOTAL), PayoutLine("refund", new, TOTAL),
    )  # fmt: skip
    (payout,) = take_payouts(SYSTEM, requests=[TakePayout(COMPANY, "fake", "po_1", "GBP", 0, lines)])
    assert payout.open_lines == 0  # type: ignore[union-attr]
    assert queries.open_clearing(COMPANY) == []
