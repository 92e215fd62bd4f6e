"""payments.open_disputes, payments.close_disputes"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from django.db import transaction

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import AllOrNothing, NotFound, NotPermitted, RequestReused, WrongState
from entrepot.ledger.commands.close_month import CloseMonth, close_month
from entrepot.payments import dispute_queries, errors, queries
from entrepot.payments.commands.authorize import Authorize, authorize
from entrepot.payments.commands.capture import Capture, capture
from entrepot.payments.commands.disputes import DisputeOpened, OpenDispute, open_disputes
from entrepot.payments.commands.follow_disputes import (
    CloseDispute,
    DisputeClosed,
    FollowDispute,
    close_disputes,
    follow_disputes,
)
from entrepot.payments.commands.refund import Refund, Refunded, refund
from entrepot.payments.commands.settle import Settle, settle
from entrepot.work import queries as work
from tests.floor import COMPANY, NOW, SYSTEM, a_floor, balance
from tests.sizes import SIZES

pytestmark = [pytest.mark.alone("kernel", "ledger", "payments", "work")]


@pytest.fixture
def house(db: None) -> None:
    a_floor(skus=0, channels=())


def paid(amount: int = 1000, order: UUID | None = None, provider: str = "account") -> tuple[UUID, UUID]:
    """An order and its payment, captured."""
    order = order or ids.uuid7()
    (answer,) = authorize(SYSTEM, requests=[Authorize(COMPANY, order, provider, "ref", "GBP", amount, NOW)])
    capture(SYSTEM, requests=[Capture(order, amount)])
    waits = sql.run("SELECT id FROM payments_attempt WHERE state = 'waiting'")
    settle(SYSTEM, requests=[Settle(attempt, ok=True) for (attempt,) in waits])
    return order, answer.payment


def opened(payment: UUID, amount: int, name: str = "dp_1", **facts: object) -> UUID:
    (answer,) = open_disputes(SYSTEM, requests=[OpenDispute(payment, name, amount, **facts)])
    assert isinstance(answer, DisputeOpened), answer
    return answer.dispute


def disputed(order: UUID) -> list[int]:
    return [one.disputed_minor for one in queries.of_order(order)]


def test_what_a_bank_takes_is_booked_at_once_and_waits_for_the_controller(house: None):
    order, payment = paid()

    dispute = opened(payment, 400, reason="fraudulent", evidence_due_at=NOW + timedelta(hours=36))

    assert disputed(order) == [400]
    assert (balance(1160), balance(1100)) == (400, 600)
    (item,) = work.of_subject(dispute)
    assert (item.type, item.role, item.priority) == ("dispute", "controller", 80)
    assert item.due_at == NOW + timedelta(hours=36)
    assert "4.00 GBP: fraudulent" in item.reason


def test_disputes_of_an_order_are_found_by_its_payments_however_many_there_are(house: None):
    (order, first), (other, second) = paid(), paid()
    known = opened(first, 1_500, others=(second,))
    assert [one.id for of in (order, other) for one in dispute_queries.of_order(of)] == [known, known]
    sql.run("SET LOCAL enable_seqscan = off")
    plan = sql.run("EXPLAIN " + dispute_queries._ROWS + dispute_queries._OF_ORDER, {"order": order})
    assert not [line for (line,) in plan if "Seq Scan" in line or " OR " in line], plan


@pytest.mark.parametrize("way", ["withdrawn", "lost"])
def test_an_inquiry_is_claimed_of_what_its_parts_have_left_when_the_bank_takes_it(house: None, way: str):
    (order, first), (other, second) = paid(), paid()
    asked, beyond = (opened(first, 1_200, name, inquiry=True, others=(second,)) for name in ("dp_1", "dp_2"))
    opened(first, 500, "dp_3")
    for which in (asked, beyond):
        (answer,) = (
            follow_disputes(SYSTEM, requests=[FollowDispute(which, withdrawn=True)])
            if way == "withdrawn"
            else close_disputes(SYSTEM, requests=[CloseDispute(which, won=False)])
        )
        assert isinstance(answer, errors.NotAPayment) is (which == beyond)
        assert (disputed(order), disputed(other)) == ([1_000], [700])
    assert dispute_queries.claimed([order, other]) == (
        {order: 1_000, other: 700} if way == "withdrawn" else {order: 500}
    )
    assert queries.discrepancies() == []


def test_the_item_is_due_before_the_bank_stops_to_listen_however_late_we_hear_of_it(house: None):
    _, payment = paid()
    before, until = NOW - timedelta(days=2), NOW + timedelta(hours=5, minutes=30)

    heard_late = opened(payment, 100, "dp_1", occurred_at=before, evidence_due_at=until)
    too_late = opened(payment, 100, "dp_2", evidence_due_at=NOW - timedelta(days=1))

    (item,), (missed,) = work.of_subject(heard_late), work.of_subject(too_late)
    assert item.due_at == NOW + timedelta(hours=5)
    assert missed.due_at == NOW


def test_what_is_disputed_can_not_be_refunded_as_well(house: None):
    order, payment = paid()
    dispute = opened(payment, 700)

    too_much, rest = refund(SYSTEM, requests=[Refund(order, 301), Refund(order, 300)])
    assert too_much == errors.UnderDispute(
        order=str(order), wanted="3.01 GBP", disputed="7.00 GBP", left="3.00 GBP"
    )
    assert rest == Refunded(300)

    close_disputes(SYSTEM, requests=[CloseDispute(dispute, won=True)])
    assert refund(SYSTEM, requests=[Refund(order, 700)]) == [Refunded(700)]
    assert balance(1100) == 0


def test_a_bank_may_take_what_was_given_back_already(house: None):
    """The truth is not refused: it is urgent, and what can be refunded never falls below nothing."""
    order, payment = paid()
    refund(SYSTEM, requests=[Refund(order, 800)])

    dispute = opened(payment, 900)

    (item,) = work.of_subject(dispute)
    assert (item.type, item.priority) == ("disputed after refund", 95)
    assert "7.00 GBP of them were refunded already" in item.reason
    assert balance(1100) == -700, "they have our money twice"
    refused = errors.UnderDispute(order=str(order), wanted="0.01 GBP", disputed="9.00 GBP", left="0.00 GBP")
    assert refund(SYSTEM, requests=[Refund(order, 1)]) == [refused]

    close_disputes(SYSTEM, requests=[CloseDispute(dispute, won=True)])
    assert work.of_subject(dispute)[0].state == "done"
    assert (balance(1100), balance(1160)) == (200, 0)


def test_two_tenders_are_disputed_apart(house: None):
    order, _ = paid(300)
    _, second = paid(700, order)

    opened(second, 600)

    assert disputed(order) == [0, 600]
    assert refund(SYSTEM, requests=[Refund(order, 350)]) == [Refunded(350)]
    assert [one.refunded_minor for one in queries.of_order(order)] == [250, 100], (
        "the latest first, as far as it goes"
    )


def test_more_than_was_captured_is_no_chargeback(house: None):
    _, payment = paid()
    answers = open_disputes(SYSTEM, requests=[
        OpenDispute(payment, "a", 600), OpenDispute(payment, "b", 401), OpenDispute(payment, "c", 0),
        OpenDispute(payment, "d", 400), OpenDispute(ids.uuid7(), "e", 1),
    ])  # fmt: skip

    assert answers[1] == errors.NotAPayment(
        field="amount", expected="above 0, at most 4.00 GBP", found="4.01 GBP"
    )
    assert answers[2] == errors.NotAPayment(
        field="amount", expected="above 0, at most 4.00 GBP", found="0.00 GBP"
    )
    assert isinstance(answers[4], NotFound)
    assert sum(isinstance(one, DisputeOpened) for one in answers) == 2
    with pytest.raises(psycopg.errors.CheckViolation), transaction.atomic():
        sql.run("UPDATE payments_payment SET disputed_minor = 1001")


def test_the_providers_name_stands_for_one_dispute(house: None):
    (_, payment), (_, other) = paid(), paid()
    first = OpenDispute(payment, "dp_1", 400, key="k")
    (fresh,) = open_disputes(SYSTEM, requests=[first])

    assert open_disputes(SYSTEM, requests=[first]) == [fresh]
    again, elsewhere, more = open_disputes(SYSTEM, requests=[
        OpenDispute(payment, "dp_1", 400), OpenDispute(other, "dp_1", 400), OpenDispute(payment, "dp_1", 500),
    ])  # fmt: skip

    assert again == DisputeOpened(fresh.dispute, fresh=False)
    assert elsewhere == errors.KnownOtherwise(
        external_id="dp_1", field="payment", expected=str(payment), found=str(other)
    )
    assert more == errors.KnownOtherwise(
        external_id="dp_1", field="amount", expected="4.00 GBP", found="5.00 GBP"
    )
    reused = open_disputes(SYSTEM, requests=[OpenDispute(payment, "dp_2", 1, key="k")])
    assert reused == [RequestReused(key="k", command="payments.open_disputes")]
    assert balance(1160) == 400


def test_two_providers_may_use_the_same_name(house: None):
    (_, payment), (_, other) = paid(), paid(provider="fake")

    assert opened(payment, 100, "dp_1") != opened(other, 100, "dp_1")


@pytest.mark.parametrize(
    ("won", "state", "loss", "clearing"), [(True, "won", 0, 1000), (False, "lost", 400, 600)]
)
def test_the_bank_decides_once(house: None, won, state, loss, clearing):
    order, payment = paid()
    dispute = opened(payment, 400)
    request = CloseDispute(dispute, won=won, key="k")

    assert close_disputes(SYSTEM, requests=[request]) == [DisputeClosed(dispute, state)]
    assert close_disputes(SYSTEM, requests=[request]) == [DisputeClosed(dispute, state)]
    same, contrary, unknown = close_disputes(SYSTEM, requests=[
        CloseDispute(dispute, won=won), CloseDispute(dispute, won=not won), CloseDispute(ids.uuid7(), won=won),
    ])  # fmt: skip

    assert same == DisputeClosed(dispute, state)
    assert isinstance(unknown, NotFound)
    if won:
        assert isinstance(contrary, WrongState)
    else:
        assert contrary == DisputeClosed(dispute, "won"), "a bank may reverse a loss"
        loss, clearing = 0, 1000
    assert (balance(1160), balance(5310), balance(1100)) == (0, loss, clearing)
    assert disputed(order) == [loss]
    assert work.of_subject(dispute)[0].state == "done"
    reused = close_disputes(SYSTEM, requests=[CloseDispute(dispute, won=not won, key="k")])
    assert reused == [RequestReused(key="k", command="payments.close_disputes")]


def test_one_batch_decides_once(house: None):
    _, payment = paid()
    dispute = opened(payment, 400)

    won, lost, again = close_disputes(
        SYSTEM, requests=[CloseDispute(dispute, won=one) for one in (True, False, True)]
    )

    assert won == again == DisputeClosed(dispute, "won")
    assert isinstance(lost, WrongState)
    assert balance(1160) == 0


def test_a_closed_month_refuses_the_batch_in_words(house: None):
    _, payment = paid()
    before = NOW.replace(month=10)
    close_month(SYSTEM, requests=[CloseMonth(COMPANY, before.date().replace(day=1))])

    with pytest.raises(AllOrNothing, match="closed"), transaction.atomic():
        open_disputes(SYSTEM, requests=[OpenDispute(payment, "dp_1", 1, occurred_at=before)])
    assert balance(1160) == 0


def test_whoever_may_not_is_told_so(house: None):
    nobody = Cause(Actor("nobody"), NOW, "a test")
    (refused,) = open_disputes(nobody, requests=[OpenDispute(ids.uuid7(), "dp_1", 1)])
    assert isinstance(refused, NotPermitted)
    (refused,) = close_disputes(nobody, requests=[CloseDispute(ids.uuid7(), won=True)])
    assert isinstance(refused, NotPermitted)


@pytest.mark.counts("payments.close_disputes", "payments.open_disputes")
def test_statements_do_not_grow_with_the_batch(house: None, statements):
    counts = []
    for size in SIZES:
        payments = [paid()[1] for _ in range(min(size, 20))]
        requests = [
            OpenDispute(payments[i % len(payments)], f"dp_{size}_{i}", 1, key=f"o{size}_{i}")
            for i in range(size)
        ]
        with statements() as ran:
            answers = open_disputes(SYSTEM, requests=requests)
        opening = len(ran)
        with statements() as ran:
            closed = close_disputes(SYSTEM, requests=[
                CloseDispute(one.dispute, won=bool(i % 2), key=f"c{size}_{i}") for i, one in enumerate(answers)
            ])  # fmt: skip
        assert all(isinstance(one, DisputeClosed) for one in closed)
        counts.append((opening, len(ran)))
    assert counts[0] == counts[1] == counts[2]
