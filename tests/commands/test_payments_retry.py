"""payments.retry, and what payments tell the rooms above about refunds"""

from __future__ import annotations

from uuid import UUID

import msgspec
import psycopg
import pytest
from django.db import transaction

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import NotFound, NotPermitted, RequestReused, WrongState
from entrepot.payments import errors, queries
from entrepot.payments.commands.authorize import Authorize, authorize
from entrepot.payments.commands.capture import Capture, Void, capture, void
from entrepot.payments.commands.disputes import OpenDispute, open_disputes
from entrepot.payments.commands.refund import Refund, Refunded, refund
from entrepot.payments.commands.retry import Retried, Retry, retry
from entrepot.payments.commands.settle import Settle, Settled, settle
from entrepot.payments.providers import Asked
from entrepot.payments.queries import RefundsOf
from tests.floor import COMPANY, NOW, SYSTEM, a_floor, balance
from tests.sizes import SIZES
from tests.walk import queued

pytestmark = [pytest.mark.alone("kernel", "ledger", "payments", "work")]


@pytest.fixture
def house(db: None) -> None:
    a_floor(skus=0, channels=())


def paid(amount: int = 1000, order: UUID | None = None) -> UUID:
    """An order captured by a provider that answers later."""
    order = order or ids.uuid7()
    authorize(SYSTEM, requests=[Authorize(COMPANY, order, "fake", "card", "GBP", amount, NOW)])
    capture(SYSTEM, requests=[Capture(order, amount)])
    answered(ok=True)
    return order


def waiting() -> list[UUID]:
    return [row[0] for row in sql.run("SELECT id FROM payments_attempt WHERE state = 'waiting' ORDER BY id")]


def answered(*, ok: bool) -> list[UUID]:
    """The provider's answer to everything that it was asked; what it was asked."""
    asked = waiting()
    settle(SYSTEM, requests=[Settle(one, ok, "ref", "" if ok else "card expired") for one in asked])
    return asked


def failed_refund(order: UUID, amount: int = 1000, document: UUID | None = None) -> UUID:
    (answer,) = refund(SYSTEM, requests=[Refund(order, amount, document=document)])
    assert answer == Refunded(amount)
    (attempt,) = answered(ok=False)
    return attempt


def items() -> list[tuple[str, str]]:
    return sql.run("SELECT type, state FROM work_item ORDER BY id")


def told_provider() -> set[UUID]:
    """Attempts that stand in messages to the provider."""
    bodies = sql.run("SELECT body::text FROM kernel_delivery")
    return {msgspec.json.decode(body, type=Asked).attempt for (body,) in bodies}


def refund_waits(order: UUID) -> bool:
    """Whether the room above is told of the order; it is served then."""
    waits = order in queued("refund")
    sql.run("DELETE FROM kernel_ready WHERE queue = 'refund'")
    return waits


def test_a_refund_that_failed_is_asked_again_and_paid(house: None):
    order, document = paid(), ids.uuid7()
    refund_waits(order)
    attempt = failed_refund(order, 600, document)
    assert refund_waits(order), "it failed: the room above is told"
    assert items() == [("payment refund failed", "open")]
    assert queries.refund_states([document]) == {document: (0, 0, 600)}
    assert queries.refunds_of([order]) == {order: RefundsOf(600, 0, 600)}

    (again,) = retry(SYSTEM, requests=[Retry(attempt)])

    assert isinstance(again, Retried)
    assert waiting() == [again.attempt]
    assert refund_waits(order), "it waits again"
    assert items() == [("payment refund failed", "done")]
    assert queries.refund_states([document]) == {document: (600, 0, 0)}
    assert queries.refunds_of([order]) == {order: RefundsOf(600, 0, 0)}
    assert again.attempt in told_provider(), "under a key of its own"

    answered(ok=True)
    assert refund_waits(order), "it is done: the room above is told"
    assert queries.refund_states([document]) == {document: (0, 600, 0)}
    assert queries.refunds_of([order]) == {order: RefundsOf(600, 600, 0)}
    assert (balance(1100), balance(2300)) == (400, 600)


def test_it_may_fail_and_be_asked_again_any_number_of_times(house: None):
    order, document = paid(), ids.uuid7()
    attempt = failed_refund(order, 600, document)
    for _ in range(3):
        (again,) = retry(SYSTEM, requests=[Retry(attempt)])
        assert answered(ok=False) == [again.attempt]
        attempt = again.attempt

    assert queries.refund_states([document]) == {document: (0, 0, 600)}, "600, not four times 600"
    assert queries.refunds_of([order]) == {order: RefundsOf(600, 0, 600)}
    assert [state for _, state in items()] == ["done", "done", "done", "open"]
    assert refund(SYSTEM, requests=[Refund(order, 1000)]) == [Refunded(1000)], (
        "nothing is kept for what failed"
    )


def test_only_what_failed_is_asked_again_and_once(house: None):
    order = paid()
    refund(SYSTEM, requests=[Refund(order, 100)])
    (asked,) = waiting()
    (early,) = retry(SYSTEM, requests=[Retry(asked)])
    assert isinstance(early, WrongState)
    answered(ok=True)
    (paid_already,) = retry(SYSTEM, requests=[Retry(asked)])
    assert isinstance(paid_already, WrongState)

    attempt = failed_refund(order, 200)
    once, twice, unknown = retry(SYSTEM, requests=[Retry(attempt), Retry(attempt), Retry(ids.uuid7())])
    assert isinstance(once, Retried)
    assert isinstance(twice, WrongState)
    assert isinstance(unknown, NotFound)
    assert len(waiting()) == 1
    with pytest.raises(psycopg.errors.UniqueViolation), transaction.atomic():
        sql.run(
            "INSERT INTO payments_attempt (id, company_id, payment_id, kind, amount_minor, state, occurred_at,"
            " asked_at, retry_of) SELECT %(new)s::uuid, company_id, payment_id, kind, amount_minor, 'waiting',"
            " occurred_at, asked_at, id FROM payments_attempt WHERE id = %(id)s::uuid",
            {"new": ids.uuid7(), "id": attempt},
        )


def test_a_late_answer_to_what_was_asked_again_changes_nothing(house: None):
    order = paid()
    attempt = failed_refund(order)
    retry(SYSTEM, requests=[Retry(attempt)])

    assert settle(SYSTEM, requests=[Settle(attempt, ok=True)]) == [Settled(attempt, "failed")]
    assert queries.refunds_of([order]) == {order: RefundsOf(1000, 0, 0)}
    assert balance(1100) == 1000


def test_what_went_elsewhere_meanwhile_is_not_refunded_twice(house: None):
    order = paid()
    attempt = failed_refund(order, 600)
    refund(SYSTEM, requests=[Refund(order, 500)])

    refused = errors.ExceedsCaptured(order=str(order), wanted="6.00 GBP", left="5.00 GBP")
    assert retry(SYSTEM, requests=[Retry(attempt)]) == [refused]
    assert [state for _, state in items()] == ["open"]

    answered(ok=True)
    (payment,) = queries.of_order(order)
    open_disputes(SYSTEM, requests=[OpenDispute(payment.id, "dp_1", 1)])
    assert retry(SYSTEM, requests=[Retry(attempt)]) == [
        errors.ExceedsCaptured(order=str(order), wanted="6.00 GBP", left="4.99 GBP")
    ]


def test_two_failed_refunds_of_one_payment_see_each_other(house: None):
    order = paid()
    first, second = failed_refund(order, 600), failed_refund(order, 600)

    one, other = retry(SYSTEM, requests=[Retry(first), Retry(second)])

    assert isinstance(one, Retried)
    assert other == errors.ExceedsCaptured(order=str(order), wanted="6.00 GBP", left="4.00 GBP")
    assert [state for _, state in items()] == ["open", "open"], "one of them still waits for a person"


def test_it_is_asked_of_the_tender_that_failed(house: None):
    """Two tenders: the latest first, each capped; what fails of one is not moved to the other by itself."""
    order, document = paid(300), ids.uuid7()
    paid(700, order)
    refund(SYSTEM, requests=[Refund(order, 800, document=document)])
    by_amount = dict(sql.run("SELECT amount_minor, id FROM payments_attempt WHERE state = 'waiting'"))
    assert set(by_amount) == {700, 100}
    settle(SYSTEM, requests=[Settle(by_amount[700], ok=True), Settle(by_amount[100], ok=False)])
    assert queries.refund_states([document]) == {document: (0, 700, 100)}

    retry(SYSTEM, requests=[Retry(by_amount[100])])
    answered(ok=True)

    assert [one.refunded_minor for one in queries.of_order(order)] == [100, 700]
    assert queries.refund_states([document]) == {document: (0, 800, 0)}


def test_a_capture_that_failed_is_asked_again_while_the_authorization_holds(house: None):
    order = ids.uuid7()
    authorize(SYSTEM, requests=[Authorize(COMPANY, order, "fake", "card", "GBP", 1000, NOW)])
    capture(SYSTEM, requests=[Capture(order, 600)])
    (attempt,) = answered(ok=False)

    (again,) = retry(SYSTEM, requests=[Retry(attempt)])
    assert isinstance(again, Retried)
    assert answered(ok=False) == [again.attempt]
    void(SYSTEM, requests=[Void(order)])

    (payment,) = queries.of_order(order)
    refused = errors.ExceedsAuthorized(payment=str(payment.id), wanted="6.00 GBP", left="0.00 GBP")
    assert retry(SYSTEM, requests=[Retry(again.attempt)]) == [refused]

    (asked,) = answered(ok=False)
    assert isinstance(retry(SYSTEM, requests=[Retry(asked)])[0], Retried), "a void can be asked again too"


def test_a_key_gets_its_answer_again_and_none_for_other_content(house: None):
    order = paid()
    attempt, other = failed_refund(order, 100), failed_refund(order, 100)
    first = retry(SYSTEM, requests=[Retry(attempt, key="k")])

    assert retry(SYSTEM, requests=[Retry(attempt, key="k")]) == first
    assert len(waiting()) == 1
    reused = retry(SYSTEM, requests=[Retry(other, key="k")])
    assert reused == [RequestReused(key="k", command="payments.retry")]
    (refused,) = retry(Cause(Actor("nobody"), NOW, "a test"), requests=[Retry(other)])
    assert isinstance(refused, NotPermitted)


def test_what_nobody_asked_for_is_nothing(house: None):
    unknown = ids.uuid7()
    assert queries.refunds_of([unknown]) == {unknown: RefundsOf(0, 0, 0)}
    assert queries.refund_states([unknown]) == {unknown: (0, 0, 0)}
    assert queries.refunds_of([]) == queries.refund_states([]) == {}


def test_refunds_in_one_batch_see_each_other_on_either_tender(house: None):
    order = paid(300)
    paid(700, order)

    answers = refund(SYSTEM, requests=[Refund(order, one) for one in (400, 400, 201, 200, 1)])

    left = [
        errors.ExceedsCaptured(order=str(order), wanted=wanted, left=at)
        for wanted, at in (("2.01 GBP", "2.00 GBP"), ("0.01 GBP", "0.00 GBP"))
    ]
    assert answers == [Refunded(400), Refunded(400), left[0], Refunded(200), left[1]]
    amounts = sql.run(
        "SELECT p.authorized_minor, array_agg(a.amount_minor ORDER BY a.id) FROM payments_attempt AS a"
        " JOIN payments_payment AS p ON p.id = a.payment_id WHERE a.kind = 'refund' GROUP BY p.id ORDER BY p.id"
    )
    assert amounts == [(300, [100, 200]), (700, [400, 300])]


@pytest.mark.counts("payments.refund", "payments.retry", "payments.settle")
def test_statements_do_not_grow_with_the_batch(house: None, statements):
    counts = []
    for size in SIZES:
        orders = [ids.uuid7() for _ in range(size)]
        authorize(
            SYSTEM, requests=[Authorize(COMPANY, one, "fake", "card", "GBP", 100, NOW) for one in orders]
        )
        capture(SYSTEM, requests=[Capture(one, 100) for one in orders])
        answered(ok=True)
        ran_by = []
        with statements() as ran:
            refund(SYSTEM, requests=[Refund(one, 60, document=one, key=f"r{one}") for one in orders])
        ran_by.append(len(ran))
        asked = waiting()
        with statements() as ran:
            settle(SYSTEM, requests=[Settle(one, ok=False, key=f"s{one}") for one in asked])
        ran_by.append(len(ran))
        with statements() as ran:
            answers = retry(SYSTEM, requests=[Retry(one, key=f"t{one}") for one in asked])
        ran_by.append(len(ran))
        assert all(isinstance(one, Retried) for one in answers)
        with statements() as ran:
            settle(SYSTEM, requests=[Settle(one, ok=True) for one in waiting()])
        ran_by.append(len(ran) - 1)
        with statements() as ran:
            queries.refunds_of(orders)
            queries.refund_states(orders)
        ran_by.append(len(ran))
        counts.append(ran_by)
    assert counts[0] == counts[1] == counts[2]
    assert counts[0][-1] == 2
