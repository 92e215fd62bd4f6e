"""A week with a payment provider, told as it happens: what it took, gave back, lost, and paid out."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from entrepot.insight import verify
from entrepot.kernel import relay, sql
from entrepot.orders.commands.place import PaymentGiven
from entrepot.payments import queries as payments
from entrepot.payments.commands.disputes import OpenDispute, open_disputes
from entrepot.payments.commands.follow_disputes import CloseDispute, close_disputes
from entrepot.payments.commands.retry import Retry, retry
from entrepot.payments.providers import Outcome, fake
from entrepot.payments.tasks import DESTINATIONS
from entrepot.returns import queries as returns
from entrepot.returns.commands.refund import Refund, Refunded, refund
from entrepot.returns.commands.settle import Settle, settle
from entrepot.settlement import queries
from entrepot.settlement.commands.explain import Explain, explain
from entrepot.settlement.commands.take_payouts import PayoutTaken, TakePayout, take_payouts
from entrepot.settlement.rules import PayoutLine, gross
from entrepot.work import queries as work
from tests.back import ASKS, asked, back, sold
from tests.floor import COMPANY, NOW, SYSTEM, Floor, balance
from tests.walk import a_house, queued

pytestmark = pytest.mark.django_db

PRICE = 999


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 50)
    return house


def the_provider_answers() -> None:
    """The relay asks the provider whatever waits for it, whenever it was to be asked."""
    long_ago = timezone.now() - timedelta(days=1)
    sql.run("UPDATE kernel_delivery SET next_try_at = %(at)s::timestamptz", {"at": long_ago})
    while relay.relay_once(DESTINATIONS):
        pass


def the_room_above_hears() -> None:
    """Returns serve what payments have offered."""
    settle(SYSTEM, requests=[Settle(order) for order in queued("refund")])


def attempts(kind: str, state: str) -> list[UUID]:
    statement = "SELECT id FROM payments_attempt WHERE kind = %(kind)s AND state = %(state)s ORDER BY id"
    return [row[0] for row in sql.run(statement, {"kind": kind, "state": state})]


def told_so_far() -> list[PayoutLine]:
    """What the provider says it has done for us, and no payout has brought."""
    ours = {row[0] for row in sql.run("SELECT id FROM payments_attempt")}
    brought = {row[0] for row in sql.run("SELECT reference FROM settlement_payoutline")}
    lines = fake.payout([one for one in fake.client.settled() if one[0].attempt in ours])
    return [PayoutLine(*line) for line in lines if line[1] not in brought]


def pays_out(name: str, lines: list[PayoutLine]) -> PayoutTaken:
    net = gross(lines) - sum(line.fee_minor for line in lines)
    (answer,) = take_payouts(
        SYSTEM, requests=[TakePayout(COMPANY, "fake", name, "GBP", net, tuple(lines), NOW)]
    )
    assert isinstance(answer, PayoutTaken), answer
    return answer


def held() -> int:
    """What account 1100 holds, which is the sum of what we can name one by one."""
    entries = queries.open_entries(COMPANY, "GBP")
    assert sum(one.amount_minor for one in entries) == balance(1100)
    return balance(1100)


def test_a_week_with_a_payment_provider(house: Floor):
    # Monday: three customers pay by card; the money stands with the provider.
    orders = sold(house, 3, (0, 2), payment=PaymentGiven("fake", "a card", 2 * PRICE, NOW))
    the_provider_answers()
    assert held() == 6 * PRICE
    assert [one.charges for one in queries.open_clearing(COMPANY)] == [3]

    # Tuesday: one sends a unit back. The refund is asked for, and the card is not there any more.
    one = asked(orders[0], 1)
    back(one)
    (owed,) = refund(ASKS, requests=[Refund(one.return_id)])
    assert isinstance(owed, Refunded)
    (attempt,) = attempts("refund", "waiting")
    fake.client.answers[attempt] = Outcome(False, "", "card expired")
    the_provider_answers()
    the_room_above_hears()
    assert returns.refund(owed.refund).state == "failed"
    assert payments.refund_states([owed.refund]) == {owed.refund: (0, 0, PRICE)}
    (item,) = [item for item in work.of_subject(orders[0]) if item.type == "payment refund failed"]
    assert "card expired" in item.reason
    assert (held(), balance(2300)) == (6 * PRICE, -PRICE), "it is still owed"

    # The customer names his new card; the controller asks again, for the same refund.
    retry(SYSTEM, requests=[Retry(attempt)])
    the_room_above_hears()
    assert returns.refund(owed.refund).state == "approved"
    the_provider_answers()
    the_room_above_hears()
    assert returns.refund(owed.refund).state == "paid"
    assert (held(), balance(2300)) == (5 * PRICE, 0)
    assert [item.state for item in work.of_subject(orders[0])] == ["done"]

    # Wednesday: the first payout. It settles all of it, to the cent, less its fees.
    first = pays_out("po_wednesday", told_so_far())
    fees = 3 * (2 * PRICE * 14 // 1000 + 20)
    assert first.state == "matched"
    assert (held(), balance(5210), balance(1000)) == (0, fees, 5 * PRICE - fees)

    # Thursday: the banks of two customers take their money back, of one that had half of it already.
    (of_first,), (of_second,) = payments.of_order(orders[0]), payments.of_order(orders[1])
    won, lost = (
        answer.dispute
        for answer in open_disputes(SYSTEM, requests=[
            OpenDispute(of_first.id, "dp_1", 2 * PRICE, "credit not processed"),
            OpenDispute(of_second.id, "dp_2", 2 * PRICE, "fraudulent"),
        ])
    )  # fmt: skip
    assert held() == -4 * PRICE
    assert [item.type for item in work.of_subject(won)] == ["disputed after refund"]
    assert [item.type for item in work.of_subject(lost)] == ["dispute"]

    # Friday: the second payout takes them, one under a name that nobody told us, and keeps more than it says.
    second = pays_out("po_friday", [
        PayoutLine("chargeback", "dp_1", 2 * PRICE), PayoutLine("chargeback", "txn_42", 2 * PRICE),
        PayoutLine("fee", "disputes", 0, 3_000), PayoutLine("charge", "correction", 7),
    ])  # fmt: skip
    assert (second.state, second.open_lines) == ("open", 2)
    (item,) = work.of_subject(second.payout)
    assert (item.role, item.state) == ("controller", "open")
    held()

    # The controller finds what they are.
    explain(SYSTEM, requests=[
        Explain(second.payout, 2, known=lost), Explain(second.payout, 4, "rounding of last week, says their support"),
    ])  # fmt: skip
    assert held() == 0
    assert [item.state for item in work.of_subject(second.payout)] == ["done"]

    # The banks have decided: one sees the proof of the refund, the other does not believe us.
    close_disputes(SYSTEM, requests=[CloseDispute(won, won=True), CloseDispute(lost, won=False)])
    assert (held(), balance(1160), balance(5310)) == (2 * PRICE, 0, 2 * PRICE)
    third = pays_out("po_monday", [PayoutLine("chargeback_reversal", "dp_1", 2 * PRICE)])
    assert third.state == "matched"

    # Nothing is left with the provider, and the bank has what was paid less what was given back, lost and kept.
    assert held() == 0
    assert queries.open_clearing(COMPANY) == []
    assert balance(1000) == 6 * PRICE - PRICE - 2 * PRICE - fees - 3_000 + 7
    assert balance(5210) == fees + 3_000 - 7
    assert verify.discrepancies() == []
