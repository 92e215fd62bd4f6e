"""payments.follow_disputes, .expire_disputes, .submit_evidence, .accept_disputes, .withdraw_acceptances,
.settle_answers"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from django.db import transaction

from entrepot.access.errors import DutiesApart
from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import Invalid, NotFound, RequestReused, WrongState
from entrepot.payments import dispute_queries, errors, queries
from entrepot.payments.commands.accept_disputes import (
    PROPOSED,
    AcceptDispute,
    WithdrawAcceptance,
    accept_disputes,
    withdraw_acceptances,
)
from entrepot.payments.commands.answer_disputes import (
    FAILED,
    Answered,
    SettleAnswer,
    SubmitEvidence,
    settle_answers,
    submit_evidence,
)
from entrepot.payments.commands.authorize import Authorize, authorize
from entrepot.payments.commands.capture import Capture, capture
from entrepot.payments.commands.disputes import DisputeOpened, OpenDispute, open_disputes
from entrepot.payments.commands.follow_disputes import (
    CloseDispute,
    DisputeClosed,
    DisputeFollowed,
    DisputesExpired,
    ExpireDisputes,
    FollowDispute,
    close_disputes,
    expire_disputes,
    follow_disputes,
)
from entrepot.payments.commands.refund import Refund, Refunded, refund
from entrepot.payments.commands.settle import Settle, settle
from entrepot.work import queries as work
from tests.floor import COMPANY, NOW, SYSTEM, a_floor, balance
from tests.sizes import SIZES

pytestmark = [pytest.mark.alone("kernel", "ledger", "payments", "work", "access")]

TEXT = (("uncategorized_text", "It arrived."),)


def by(name: str) -> Cause:
    return Cause(Actor(name, everything=True), NOW, "a test")


@pytest.fixture
def house(db: None) -> None:
    a_floor(skus=0, channels=())


def paid(amount: int = 20_000, provider: str = "fake", count: int = 1) -> list[tuple[UUID, UUID]]:
    orders = [ids.uuid7() for _ in range(count)]
    given = authorize(
        SYSTEM, requests=[Authorize(COMPANY, one, provider, "ref", "GBP", amount, NOW) for one in orders]
    )
    capture(SYSTEM, requests=[Capture(one, amount) for one in orders])
    waits = sql.run("SELECT id FROM payments_attempt WHERE state = 'waiting'")
    settle(SYSTEM, requests=[Settle(attempt, ok=True, provider_reference="ch") for (attempt,) in waits])
    return [(order, one.payment) for order, one in zip(orders, given, strict=True)]


def opened(payment: UUID, amount: int = 1_000, name: str = "dp_1", **facts: object) -> UUID:
    (answer,) = open_disputes(SYSTEM, requests=[OpenDispute(payment, name, amount, **facts)])
    assert isinstance(answer, DisputeOpened), answer
    return answer.dispute


def a_dispute(amount: int = 1_000, provider: str = "fake", **facts: object) -> tuple[UUID, UUID]:
    ((order, payment),) = paid(provider=provider)
    return order, opened(payment, amount, **facts)


def told(dispute: UUID) -> dispute_queries.DisputeRow:
    found = dispute_queries.dispute(COMPANY, dispute)
    assert found
    return found


# ---- as banks go on


def test_an_inquiry_takes_nothing_and_a_refund_may_end_it(house: None):
    order, dispute = a_dispute(inquiry=True, evidence_due_at=NOW + timedelta(days=5))
    assert (balance(1160), queries.of_order(order)[0].disputed_minor) == (0, 0)
    assert "asks about 10.00 GBP" in work.of_subject(dispute)[0].reason
    assert refund(SYSTEM, requests=[Refund(order, 20_000)]) == [Refunded(20_000)]

    assert close_disputes(SYSTEM, requests=[CloseDispute(dispute, won=True)]) == [
        DisputeClosed(dispute, "won")
    ]
    assert (balance(1160), balance(5220)) == (0, 0)


def test_an_inquiry_that_becomes_a_chargeback_is_booked_with_its_fee_once(house: None):
    order, dispute = a_dispute(inquiry=True)
    later = FollowDispute(dispute, withdrawn=True, fee_minor=1_500, evidence_due_at=NOW + timedelta(days=9))

    assert follow_disputes(SYSTEM, requests=[later]) == [
        DisputeFollowed(dispute, "needs_response", changed=True)
    ]
    assert follow_disputes(SYSTEM, requests=[replace(later, review=True)]) == [
        DisputeFollowed(dispute, "under_review", changed=True)
    ]
    assert follow_disputes(SYSTEM, requests=[later]) == [
        DisputeFollowed(dispute, "under_review", changed=False)
    ]
    assert (balance(1160), balance(5220), balance(1100)) == (1_000, 1_500, 17_500)
    assert queries.of_order(order)[0].disputed_minor == 1_000
    assert work.of_subject(dispute)[0].state == "done", "somebody answered at the provider's own page"

    close_disputes(SYSTEM, requests=[CloseDispute(dispute, won=True, fee_returned_minor=1_500)])
    assert (balance(1160), balance(5220), balance(1100)) == (0, 0, 20_000)


def test_what_is_lost_and_was_never_told_as_withdrawn_is_withdrawn(house: None):
    _, dispute = a_dispute(withdrawn=False)
    assert balance(1160) == 0
    close_disputes(SYSTEM, requests=[CloseDispute(dispute, won=False)])
    assert (balance(1160), balance(5310), balance(1100)) == (0, 1_000, 19_000)


def test_what_can_not_be_is_refused(house: None):
    order, dispute = a_dispute(inquiry=True)
    refund(SYSTEM, requests=[Refund(order, 1)])
    unknown = ids.uuid7()
    answers = follow_disputes(SYSTEM, requests=[
        FollowDispute(unknown), FollowDispute(dispute, withdrawn=True, fee_minor=-1),
    ])  # fmt: skip
    assert answers == [
        NotFound(what="dispute", which=str(unknown)),
        errors.NotAPayment(field="fee", expected="0 or more", found="-0.01 GBP"),
    ]
    (payment,) = queries.of_order(order)
    opened(payment.id, 19_500, "dp_2")
    (beyond,) = follow_disputes(SYSTEM, requests=[FollowDispute(dispute, withdrawn=True)])
    assert beyond == errors.NotAPayment(
        field="amount", expected="above 0, at most 5.00 GBP", found="10.00 GBP"
    )
    (lost,) = close_disputes(SYSTEM, requests=[CloseDispute(dispute, won=False)])
    assert lost == beyond, "no more is lost than was captured and is not disputed by another"
    (fee,) = close_disputes(SYSTEM, requests=[CloseDispute(dispute, won=True, fee_returned_minor=-1)])
    assert fee == errors.NotAPayment(field="fee", expected="0 or more", found="-0.01 GBP")
    (early,) = open_disputes(SYSTEM, requests=[OpenDispute(payment.id, "dp_3", 1, inquiry=True, fee_minor=1)])
    assert early == errors.NotAPayment(field="fee", expected="0 while nothing is withdrawn", found="0.01 GBP")


def test_what_nobody_answers_in_time_expires_and_can_still_be_decided(house: None):
    _, dispute = a_dispute(evidence_due_at=NOW)
    other = opened(paid()[0][1], 1_000, "dp_2", evidence_due_at=NOW)
    submit_evidence(SYSTEM, requests=[SubmitEvidence(other, TEXT)])

    assert expire_disputes(SYSTEM, requests=[ExpireDisputes(COMPANY)]) == [DisputesExpired(COMPANY, 1)]
    assert expire_disputes(SYSTEM, requests=[ExpireDisputes(COMPANY)]) == [DisputesExpired(COMPANY, 0)]
    assert (told(dispute).state, told(other).state) == ("expired", "needs_response")
    assert work.of_subject(dispute)[0].state == "open", "somebody has to see it"
    close_disputes(SYSTEM, requests=[CloseDispute(dispute, won=False)])
    assert balance(5310) == 1_000


@pytest.mark.parametrize("won", [True, False])
def test_a_fee_that_was_never_booked_does_not_come_back(house: None, won: bool):
    """Disputes of before fees were booked: what Stripe gives back of it comes with the payout."""
    _, dispute = a_dispute()
    (answer,) = close_disputes(SYSTEM, requests=[CloseDispute(dispute, won=won, fee_returned_minor=1_500)])
    assert answer == DisputeClosed(dispute, "won" if won else "lost")
    assert (told(dispute).fee_returned_minor, balance(5220)) == (0, 0)


@pytest.mark.parametrize("accepted", [True, False])
def test_a_bank_may_reverse_a_loss_later_but_not_by_an_older_word(house: None, accepted: bool):
    order, dispute = a_dispute(withdrawn=True, fee_minor=500)
    if accepted:
        (answer,) = accept_disputes(by("anna"), requests=[AcceptDispute(dispute, "It never arrived.")])
        settle_answers(SYSTEM, requests=[SettleAnswer(answer.answer, ok=True)])  # type: ignore[union-attr]
    else:
        close_disputes(SYSTEM, requests=[CloseDispute(dispute, won=False)])
    before = (balance(1160), balance(5310), balance(1100), told(dispute).state)
    assert before == (0, 1_000, 18_500, "accepted" if accepted else "lost")

    older = CloseDispute(dispute, won=True, occurred_at=NOW - timedelta(days=1))
    assert close_disputes(SYSTEM, requests=[older]) == [DisputeClosed(dispute, before[3])]
    later = CloseDispute(dispute, won=True, occurred_at=NOW + timedelta(hours=1), fee_returned_minor=500)
    assert close_disputes(SYSTEM, requests=[later, later]) == [DisputeClosed(dispute, "won")] * 2
    assert (balance(1160), balance(5310), balance(1100), balance(5220)) == (0, 0, 20_000, 0)
    assert told(dispute).closed_at == NOW + timedelta(hours=1)
    assert refund(SYSTEM, requests=[Refund(order, 20_000)]) == [Refunded(20_000)]
    stale = CloseDispute(dispute, won=False, occurred_at=NOW)
    assert close_disputes(SYSTEM, requests=[stale]) == [DisputeClosed(dispute, "won")], "told late"
    assert (balance(5310), told(dispute).state) == (0, "won")
    last = CloseDispute(dispute, won=False, occurred_at=NOW + timedelta(hours=2))
    (again,) = close_disputes(SYSTEM, requests=[last])
    assert isinstance(again, WrongState), "what a bank takes once more has a name of its own"


def test_of_two_decisions_told_at_once_the_older_does_not_count(house: None):
    _, dispute = a_dispute(withdrawn=True, fee_minor=500)
    won = CloseDispute(dispute, won=True, occurred_at=NOW + timedelta(hours=1))
    lost = CloseDispute(dispute, won=False, occurred_at=NOW)
    assert close_disputes(SYSTEM, requests=[won, lost]) == [DisputeClosed(dispute, "won")] * 2
    assert (balance(1160), balance(5310), told(dispute).closed_at) == (0, 0, won.occurred_at)


def test_a_proposal_ends_with_the_banks_decision_and_does_not_keep_a_dispute_from_expiring(house: None):
    _, dispute = a_dispute(6_000, evidence_due_at=NOW)
    accept_disputes(by("anna"), requests=[AcceptDispute(dispute, "It never arrived.")])

    assert expire_disputes(SYSTEM, requests=[ExpireDisputes(COMPANY)]) == [DisputesExpired(COMPANY, 1)]
    assert [one.state for one in dispute_queries.answers(dispute)] == ["proposed"], "it can still be accepted"
    close_disputes(SYSTEM, requests=[CloseDispute(dispute, won=True)])

    assert [one.state for one in dispute_queries.answers(dispute)] == ["withdrawn"]
    assert [one.state for one in work.of_subject(dispute)] == ["done", "done"]
    (late,) = accept_disputes(by("bert"), requests=[AcceptDispute(dispute, "I agree.")])
    assert isinstance(late, WrongState)


# ---- the database holds it


def test_the_database_itself_refuses_a_refund_of_what_is_disputed(house: None):
    order, _ = a_dispute(15_000)
    for column in ("refunded_minor", "refunding_minor", "credited_minor"):
        with pytest.raises(psycopg.errors.CheckViolation) as refused, transaction.atomic():
            sql.run(
                f"UPDATE payments_payment SET {column} = {column} + 5001 WHERE order_id = %(order)s",
                {"order": order},
            )
        assert refused.value.diag.constraint_name == "payments_payment_not_refunded_under_dispute"
    assert refund(SYSTEM, requests=[Refund(order, 5_000)]) == [Refunded(5_000)]


def test_a_bank_may_still_take_what_was_refunded(house: None):
    ((order, payment),) = paid()
    refund(SYSTEM, requests=[Refund(order, 20_000)])
    dispute = opened(payment, 20_000)
    assert (told(dispute).given_back_minor, balance(1160)) == (20_000, 20_000)


# ---- evidence


def test_evidence_goes_out_once_and_is_under_review_when_it_was_taken(house: None):
    _, dispute = a_dispute()
    request = SubmitEvidence(dispute, TEXT, "by hand", key="k")

    (answer,) = submit_evidence(by("anna"), requests=[request])
    assert isinstance(answer, Answered)
    assert submit_evidence(by("anna"), requests=[request]) == [answer]
    (reused,) = submit_evidence(by("anna"), requests=[replace(request, note="other")])
    assert reused == RequestReused(key="k", command="payments.submit_evidence")
    (again,) = submit_evidence(by("anna"), requests=[replace(request, key=None)])
    assert again == errors.AnsweredBefore(external_id="dp_1", found="waiting")
    ((destination, topic, body),) = sql.run(
        "SELECT destination, topic, body FROM kernel_delivery WHERE topic LIKE 'dispute%'"
    )
    assert (destination, topic) == ("disputes.fake", "dispute.submit")
    assert body["answer"] == str(answer.answer)
    assert told(dispute).state == "needs_response"

    settled = settle_answers(SYSTEM, requests=[SettleAnswer(answer.answer, ok=True)])
    assert settled == [Answered(dispute, answer.answer, "done")]
    assert settle_answers(SYSTEM, requests=[SettleAnswer(answer.answer, ok=False, error="no")]) == settled
    assert told(dispute).state == "under_review"
    assert work.of_subject(dispute)[0].state == "done"
    (late,) = submit_evidence(by("anna"), requests=[SubmitEvidence(dispute, TEXT)])
    assert isinstance(late, WrongState)


def test_what_a_provider_refuses_is_a_work_item_and_may_be_said_again(house: None):
    _, dispute = a_dispute()
    (answer,) = submit_evidence(SYSTEM, requests=[SubmitEvidence(dispute, TEXT)])
    settle_answers(SYSTEM, requests=[SettleAnswer(answer.answer, ok=False, error="too late")])
    (item,) = work.items(COMPANY, kind=FAILED)
    assert item.reason == "fake did not take the evidence: too late"
    assert told(dispute).state == "needs_response"
    (again,) = submit_evidence(SYSTEM, requests=[SubmitEvidence(dispute, TEXT)])
    assert again.state == "waiting"  # type: ignore[union-attr]
    assert work.items(COMPANY, kind=FAILED) == [], "it is said again"
    settle_answers(SYSTEM, requests=[SettleAnswer(again.answer, ok=False)])  # type: ignore[union-attr]
    assert len(work.items(COMPANY, kind=FAILED)) == 1
    close_disputes(SYSTEM, requests=[CloseDispute(dispute, won=False)])
    assert work.items(COMPANY, kind=FAILED) == [], "nobody can say anything any more"
    unknown = ids.uuid7()
    assert settle_answers(SYSTEM, requests=[SettleAnswer(unknown, ok=True)]) == [
        NotFound(what="answer to a dispute", which=str(unknown))
    ]


def test_no_evidence_and_no_dispute_are_refused(house: None):
    _, dispute = a_dispute()
    unknown = ids.uuid7()
    empty, missing = submit_evidence(
        SYSTEM, requests=[SubmitEvidence(dispute, ()), SubmitEvidence(unknown, TEXT)]
    )
    assert isinstance(empty, Invalid)
    assert missing == NotFound(what="dispute", which=str(unknown))


def test_what_the_bank_decided_meanwhile_stays_decided(house: None):
    _, dispute = a_dispute()
    (answer,) = submit_evidence(SYSTEM, requests=[SubmitEvidence(dispute, TEXT)])
    close_disputes(SYSTEM, requests=[CloseDispute(dispute, won=True)])
    settle_answers(SYSTEM, requests=[SettleAnswer(answer.answer, ok=True)])
    assert told(dispute).state == "won"


def test_what_a_provider_refuses_after_the_decision_is_nobodys_work(house: None):
    _, dispute = a_dispute()
    (answer,) = submit_evidence(SYSTEM, requests=[SubmitEvidence(dispute, TEXT)])
    close_disputes(SYSTEM, requests=[CloseDispute(dispute, won=False)])
    settle_answers(SYSTEM, requests=[SettleAnswer(answer.answer, ok=False, error="closed")])
    assert work.items(COMPANY, kind=FAILED) == []


def test_whoever_is_refused_has_taken_no_duty(house: None):
    _, dispute = a_dispute(6_000)
    (empty,) = submit_evidence(by("anna"), requests=[SubmitEvidence(dispute, ())])
    assert isinstance(empty, Invalid)
    accept_disputes(by("bert"), requests=[AcceptDispute(dispute, "Hopeless.")])
    (accepted,) = accept_disputes(by("anna"), requests=[AcceptDispute(dispute, "I agree.")])
    assert accepted.state == "waiting"  # type: ignore[union-attr]


# ---- acceptance


def test_a_small_dispute_is_accepted_by_one_person_and_lost_when_the_provider_knows(house: None):
    order, dispute = a_dispute(5_000)
    (answer,) = accept_disputes(by("anna"), requests=[AcceptDispute(dispute, "It never arrived.")])
    assert answer == Answered(dispute, answer.answer, "waiting")  # type: ignore[union-attr]
    assert (told(dispute).state, balance(5310)) == ("needs_response", 0)

    settle_answers(SYSTEM, requests=[SettleAnswer(answer.answer, ok=True)])  # type: ignore[union-attr]
    assert (told(dispute).state, balance(5310), balance(1160)) == ("accepted", 5_000, 0)
    assert queries.of_order(order)[0].disputed_minor == 5_000, "the customer has it"
    assert close_disputes(SYSTEM, requests=[CloseDispute(dispute, won=False)]) == [
        DisputeClosed(dispute, "accepted")
    ]
    assert balance(5310) == 5_000


def test_a_large_dispute_takes_two_who_did_not_contest_it(house: None):
    _, dispute = a_dispute(5_001)
    (proposed,) = accept_disputes(by("anna"), requests=[AcceptDispute(dispute, "It never arrived.")])
    assert proposed.state == "proposed"  # type: ignore[union-attr]
    (item,) = work.items(COMPANY, kind=PROPOSED)
    assert "anna proposes to accept dispute dp_1 over 50.01 GBP: It never arrived." in item.reason
    assert sql.run("SELECT 1 FROM kernel_delivery WHERE topic LIKE 'dispute%'") == []

    (alone,) = accept_disputes(by("anna"), requests=[AcceptDispute(dispute, "Again.")])
    assert isinstance(alone, DutiesApart)
    (accepted,) = accept_disputes(by("bert"), requests=[AcceptDispute(dispute, "I agree.")])
    assert (accepted.state, accepted.answer) == ("waiting", proposed.answer)  # type: ignore[union-attr]
    assert work.items(COMPANY, kind=PROPOSED) == []
    with pytest.raises(psycopg.errors.CheckViolation), transaction.atomic():
        sql.run("UPDATE payments_disputeanswer SET approved_by = made_by")
    with pytest.raises(psycopg.errors.CheckViolation), transaction.atomic():
        sql.run("UPDATE payments_disputeanswer SET approved_by = 'carl'")


def test_who_submitted_evidence_does_not_accept_the_loss_above_the_limit(house: None):
    _, dispute = a_dispute(6_000)
    (answer,) = submit_evidence(by("anna"), requests=[SubmitEvidence(dispute, TEXT)])
    settle_answers(SYSTEM, requests=[SettleAnswer(answer.answer, ok=False)])
    accept_disputes(by("bert"), requests=[AcceptDispute(dispute, "Hopeless.")])

    (apart,) = accept_disputes(by("anna"), requests=[AcceptDispute(dispute, "Hopeless.")])
    assert isinstance(apart, DutiesApart)
    with pytest.raises(psycopg.errors.CheckViolation, match="duty to answer"), transaction.atomic():
        sql.run(
            "INSERT INTO payments_disputeanswer (id, company_id, dispute_id, kind, state, fields, made_by, made_at)"
            " VALUES (gen_random_uuid(), 1, gen_random_uuid(), 'submit', 'waiting', '{}', 'carl', now())"
        )


def test_a_proposal_can_be_withdrawn_and_the_dispute_contested(house: None):
    _, dispute = a_dispute(6_000)
    accept_disputes(by("anna"), requests=[AcceptDispute(dispute, "It never arrived.")])
    (found, none, unknown) = withdraw_acceptances(by("bert"), requests=[
        WithdrawAcceptance(dispute), WithdrawAcceptance(dispute), WithdrawAcceptance(ids.uuid7()),
    ])  # fmt: skip
    assert isinstance(found, Answered)
    assert none == errors.NothingProposed(external_id="dp_1")
    assert isinstance(unknown, NotFound)
    assert work.items(COMPANY, kind=PROPOSED) == []
    assert isinstance(submit_evidence(by("bert"), requests=[SubmitEvidence(dispute, TEXT)])[0], Answered)
    assert isinstance(accept_disputes(by("bert"), requests=[AcceptDispute(dispute, " ")])[0], Invalid)


def test_a_provider_without_an_outside_takes_every_answer_at_once(house: None):
    _, dispute = a_dispute(500, "account")
    (answer,) = accept_disputes(by("anna"), requests=[AcceptDispute(dispute, "Fine.")])
    assert (answer.state, told(dispute).state, balance(5310)) == ("done", "accepted", 500)  # type: ignore[union-attr]


@pytest.mark.counts(
    "payments.follow_disputes", "payments.expire_disputes", "payments.submit_evidence", "payments.accept_disputes",
    "payments.withdraw_acceptances", "payments.settle_answers",
)  # fmt: skip
def test_statements_do_not_grow_with_the_batch(house: None, statements):
    counts = []
    for size in SIZES:
        payments = [payment for _, payment in paid(count=min(size, 20))]
        many = [payments[i % len(payments)] for i in range(size)]
        disputes = [
            one.dispute
            for one in open_disputes(SYSTEM, requests=[
                OpenDispute(payment, f"dp_{size}_{i}", 1, evidence_due_at=NOW, inquiry=True)
                for i, payment in enumerate(many)
            ])
        ]  # fmt: skip
        found = []
        with statements() as ran:
            follow_disputes(
                SYSTEM, requests=[FollowDispute(one, withdrawn=True, fee_minor=1) for one in disputes]
            )
        found.append(len(ran))
        with statements() as ran:
            expire_disputes(
                SYSTEM, requests=[ExpireDisputes(COMPANY, key=f"e{size}_{i}") for i in range(size)]
            )
        found.append(len(ran))
        with statements() as ran:
            answers = submit_evidence(by("anna"), requests=[SubmitEvidence(one, TEXT) for one in disputes])
        found.append(len(ran))
        with statements() as ran:
            settle_answers(SYSTEM, requests=[SettleAnswer(one.answer, ok=False) for one in answers])  # type: ignore[union-attr]
        found.append(len(ran))
        with statements() as ran:
            taken = accept_disputes(by("bert"), requests=[AcceptDispute(one, "Fine.") for one in disputes])
        assert all(isinstance(one, Answered) for one in taken)
        found.append(len(ran))
        with statements() as ran:
            withdraw_acceptances(SYSTEM, requests=[WithdrawAcceptance(one) for one in disputes])
        found.append(len(ran))
        counts.append(found)
    assert counts[0] == counts[1] == counts[2]
