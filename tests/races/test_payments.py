"""Payments in races: no penny is given back twice, no chargeback booked twice, nothing asked for again twice."""

from __future__ import annotations

from functools import partial
from uuid import UUID

import pytest

from entrepot.insight import verify
from entrepot.kernel import ids, sql
from entrepot.kernel.errors import WrongState
from entrepot.payments import dispute_queries, errors, queries
from entrepot.payments.commands.accept_disputes import AcceptDispute, accept_disputes
from entrepot.payments.commands.answer_disputes import Answered, SubmitEvidence, submit_evidence
from entrepot.payments.commands.authorize import Authorize, authorize
from entrepot.payments.commands.capture import Capture, capture
from entrepot.payments.commands.disputes import DisputeOpened, OpenDispute, open_disputes
from entrepot.payments.commands.follow_disputes import CloseDispute, DisputeClosed, close_disputes
from entrepot.payments.commands.refund import Refund, Refunded, refund
from entrepot.payments.commands.retry import Retried, Retry, retry
from entrepot.payments.commands.settle import Settle, Settled, settle
from tests.floor import COMPANY, NOW, SYSTEM, a_floor, balance
from tests.together import at_once

ROOMS = ("kernel", "ledger", "payments", "work", "settlement")
pytestmark = [pytest.mark.usefixtures("committed_db"), pytest.mark.alone(*ROOMS)]

THREADS = 16


@pytest.fixture(autouse=True)
def house(committed_db: None) -> None:
    a_floor(skus=0, channels=())


def paid(*tenders: int, provider: str = "account") -> UUID:
    """An order captured over so many tenders."""
    order = ids.uuid7()
    for amount in tenders:
        authorize(SYSTEM, requests=[Authorize(COMPANY, order, provider, "card", "GBP", amount, NOW)])
    capture(SYSTEM, requests=[Capture(order, sum(tenders))])
    settle(SYSTEM, requests=[Settle(one, ok=True, provider_reference=str(one)) for one in waiting()])
    return order


def waiting() -> list[UUID]:
    return [row[0] for row in sql.run("SELECT id FROM payments_attempt WHERE state = 'waiting' ORDER BY id")]


def refunded(order: UUID) -> int:
    return sum(one.refunded_minor for one in queries.of_order(order))


def test_sixteen_at_once_never_refund_more_than_was_captured(house: None):
    """Two tenders, in batches of two: 1,000 hold 99 ten times."""
    order = paid(300, 700)

    answers = at_once([lambda: refund(SYSTEM, requests=[Refund(order, 99)] * 2)] * THREADS)

    given = [one for batch in answers for one in batch if isinstance(one, Refunded)]
    assert len(given) == 10
    assert all(isinstance(one, Refunded | errors.ExceedsCaptured) for batch in answers for one in batch)
    assert refunded(order) == 990
    assert verify.discrepancies(ROOMS) == []


def _naive(order: UUID) -> int:
    """How shops refund too much: read what is left, think, write."""
    ((left,),) = sql.run(
        "SELECT captured - refunded FROM naive_payment WHERE id = %(id)s::uuid", {"id": order}
    )
    sql.run("SELECT pg_sleep(0.1)")
    if left < 99:
        return 0
    sql.run("UPDATE naive_payment SET refunded = refunded + 99 WHERE id = %(id)s::uuid", {"id": order})
    return 99


def test_the_same_race_refunds_too_much_where_nobody_takes_care(house: None, owner):
    order = paid(200)
    owner.execute(
        "CREATE TABLE naive_payment AS SELECT %s::uuid AS id, 200 AS captured, 0 AS refunded", [order]
    )
    owner.execute("GRANT ALL ON naive_payment TO PUBLIC")

    naive = at_once([lambda: _naive(order)] * THREADS)
    at_once([lambda: refund(SYSTEM, requests=[Refund(order, 99)])] * THREADS)

    assert sum(naive) > 200, "the race must bite, or it proves nothing"
    assert refunded(order) == 198


def test_refunds_and_a_bank_at_once_take_it_all_and_no_refund_beyond(house: None):
    """The bank is not refused, and no refund is given of what it has taken by then."""
    order = paid(1000)
    (payment,) = queries.of_order(order)
    jobs = [lambda: refund(SYSTEM, requests=[Refund(order, 100)])[0]] * (THREADS - 2)
    jobs[7:7] = [
        lambda name=name: open_disputes(SYSTEM, requests=[OpenDispute(payment.id, name, 400)])[0]
        for name in ("dp_1", "dp_2")
    ]

    answers = at_once(jobs)

    assert sum(isinstance(one, DisputeOpened) for one in answers) == 2
    (after,) = queries.of_order(order)
    assert after.disputed_minor == 800
    assert after.refunded_minor == 100 * sum(isinstance(one, Refunded) for one in answers)
    assert 200 <= after.refunded_minor <= 1000
    assert balance(1100) == 200 - after.refunded_minor
    assert verify.discrepancies(ROOMS) == []


def test_a_chargeback_reported_sixteen_times_is_booked_once(house: None):
    order = paid(1000)
    (payment,) = queries.of_order(order)

    answers = at_once(
        [lambda: open_disputes(SYSTEM, requests=[OpenDispute(payment.id, "dp_1", 400)])[0]] * THREADS
    )

    assert len({one.dispute for one in answers}) == 1
    assert sum(one.fresh for one in answers) == 1
    assert balance(1160) == 400


def test_one_name_for_chargebacks_of_sixteen_payments_is_taken_once(house: None):
    """The payments lock nothing in common, so the name itself does."""
    payments = [queries.of_order(paid(1000))[0].id for _ in range(THREADS)]

    answers = at_once([
        lambda one=one: open_disputes(SYSTEM, requests=[OpenDispute(one, "dp_1", 400)])[0] for one in payments
    ])  # fmt: skip

    assert sum(isinstance(one, DisputeOpened) for one in answers) == 1
    assert sum(isinstance(one, errors.KnownOtherwise) for one in answers) == THREADS - 1
    assert balance(1160) == 400


def test_a_dispute_that_is_won_stays_won_however_many_say_so(house: None):
    """A bank may reverse a loss, never a win: what is said last counts until it is won."""
    order = paid(10_000)
    (payment,) = queries.of_order(order)
    for n in range(6):
        (one,) = open_disputes(SYSTEM, requests=[OpenDispute(payment.id, f"dp_{n}", 100)])

        answers = at_once([
            lambda won=won, one=one: close_disputes(SYSTEM, requests=[CloseDispute(one.dispute, won=won)])[0]
            for won in (True, False) * 4
        ])  # fmt: skip

        said = [answer.state for answer in answers if isinstance(answer, DisputeClosed)]
        assert said.count("won") == 4
        assert sum(isinstance(answer, WrongState) for answer in answers) == 8 - len(said)
        assert {one.state for one in dispute_queries.of_order(order)} == {"won"}
    assert (balance(1160), balance(5310), balance(1100)) == (0, 0, 10_000)
    assert verify.discrepancies(ROOMS) == []


def test_what_failed_is_asked_again_once_however_many_ask(house: None):
    order = paid(1000, provider="fake")
    refund(SYSTEM, requests=[Refund(order, 600)])
    (attempt,) = waiting()
    settle(SYSTEM, requests=[Settle(attempt, ok=False)])

    answers = at_once([lambda: retry(SYSTEM, requests=[Retry(attempt)])[0]] * THREADS)

    assert sum(isinstance(one, Retried) for one in answers) == 1
    assert sum(isinstance(one, WrongState) for one in answers) == THREADS - 1
    assert len(waiting()) == 1
    assert verify.discrepancies(ROOMS) == []


def test_asked_again_and_refunded_otherwise_at_once_stay_within_the_capture(house: None):
    for _ in range(4):
        order = paid(1000, provider="fake")
        refund(SYSTEM, requests=[Refund(order, 600)])
        (attempt,) = waiting()
        settle(SYSTEM, requests=[Settle(attempt, ok=False)])

        answers = at_once([
            lambda attempt=attempt: retry(SYSTEM, requests=[Retry(attempt)])[0],
            *[lambda order=order: refund(SYSTEM, requests=[Refund(order, 500)])[0]] * 3,
        ])  # fmt: skip

        assert any(isinstance(one, Retried | Refunded) for one in answers)
        settle(SYSTEM, requests=[Settle(one, ok=True) for one in waiting()])
        assert refunded(order) in (600, 1000)
        (tender,) = queries.of_order(order)
        assert tender.refunded_minor <= tender.captured_minor
    assert verify.discrepancies(ROOMS) == []


def test_the_first_of_sixteen_contrary_answers_counts(house: None):
    order = paid(1000, provider="fake")
    refund(SYSTEM, requests=[Refund(order, 600)])
    (attempt,) = waiting()

    answers = at_once([
        lambda ok=ok: settle(SYSTEM, requests=[Settle(attempt, ok=ok)])[0] for ok in (True, False) * (THREADS // 2)
    ])  # fmt: skip

    assert len({one.state for one in answers if isinstance(one, Settled)}) == 1
    assert refunded(order) == (600 if answers[0].state == "done" else 0)
    assert verify.discrepancies(ROOMS) == []


def test_a_dispute_has_one_answer_however_many_give_one_at_once(committed_db: None):
    a_floor(skus=0, channels=())
    order = ids.uuid7()
    (one,) = authorize(SYSTEM, requests=[Authorize(COMPANY, order, "fake", "ref", "GBP", 1_000, NOW)])
    capture(SYSTEM, requests=[Capture(order, 1_000)])
    ((attempt,),) = sql.run("SELECT id FROM payments_attempt")
    settle(SYSTEM, requests=[Settle(attempt, ok=True)])
    (told,) = open_disputes(SYSTEM, requests=[OpenDispute(one.payment, "dp_1", 400)])
    fields = (("uncategorized_text", "It arrived."),)
    contest = partial(submit_evidence, SYSTEM, requests=[SubmitEvidence(told.dispute, fields)])
    accept = partial(accept_disputes, SYSTEM, requests=[AcceptDispute(told.dispute, "Fine.")])
    give = partial(refund, SYSTEM, requests=[Refund(order, 150)])

    answers = at_once([contest, accept, give] * 4)

    given = [answer for (answer,) in answers]
    assert sum(isinstance(answer, Answered) for answer in given) == 1
    assert sum(isinstance(answer, errors.AnsweredBefore) for answer in given) == 7
    assert sum(isinstance(answer, Refunded) for answer in given) == 4, "what the dispute leaves"
    assert sql.run("SELECT count(*) FROM payments_disputeanswer") == [(1,)]
