"""The way back in races: no unit comes back twice, no penny is given back twice, no duty goes to the wrong person."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest
from django.db import transaction

from entrepot.access.errors import DutiesApart
from entrepot.insight import verify
from entrepot.kernel import policies, sql
from entrepot.kernel.errors import Refused
from entrepot.payments import queries as payments
from entrepot.returns import errors, fraud_queries, queries
from entrepot.returns.commands.approve import Approve, Decided, approve
from entrepot.returns.commands.authorize import Authorize, Authorized, Item, authorize
from entrepot.returns.commands.decide_fraud import DecideFraud, FraudDecided, decide_fraud
from entrepot.returns.commands.estimate import Estimate, estimate
from entrepot.returns.commands.receive import Receive, Received, receive
from entrepot.returns.commands.refund import Refund, Refunded, refund
from entrepot.returns.fraud import FraudPolicy
from tests.back import APPROVES, ASKS, RECEIVES, asked, back, lines_of, policy, sold
from tests.floor import COMPANY, NOW, SYSTEM, Floor, balance, someone, units
from tests.together import at_once
from tests.walk import a_house

pytestmark = pytest.mark.usefixtures("committed_db")

THREADS = 16


@pytest.fixture
def house(committed_db: None) -> Floor:
    house = a_house()
    house.stock(0, 500)
    return house


def test_sixteen_at_once_get_the_last_five_units_and_no_more(house: Floor):
    (order,) = sold(house, 1, (0, 8))
    asked(order, 3)
    (line,) = lines_of(order)

    answers = at_once([lambda: authorize(ASKS, requests=[Authorize(order, (Item(line, 1),))])[0]] * THREADS)

    refused = [one for one in answers if isinstance(one, Refused)]
    assert len(refused) == THREADS - 5
    assert all(isinstance(one, errors.MoreThanSold) for one in refused)
    assert queries.returnable(order)[0].left == 0
    assert verify.discrepancies() == []


def _naive(order: UUID) -> int:
    """How shops refund twice: read what is left, think, write."""
    paid, units_left = sql.run(
        "SELECT paid, units FROM naive_left WHERE id = %(order)s::uuid", {"order": order}
    )[0]
    if not units_left:
        return 0
    sql.run("SELECT pg_sleep(0.01)")
    sql.run(
        "INSERT INTO naive_refund VALUES (%(order)s::uuid, %(amount)s::int)", {"order": order, "amount": paid}
    )
    sql.run("UPDATE naive_left SET units = units - 1 WHERE id = %(order)s::uuid", {"order": order})
    return paid


def test_refunds_at_once_give_no_unit_and_no_penny_back_twice(house: Floor, owner):
    """Sixteen ask for the same four units, one in each return; beside it the same where nobody takes care."""
    policy(refund_at="authorized")
    (order,) = sold(house, 1, (0, 4), shipping_minor=101, tax_minor=83)
    returns = [asked(order, 1, reason="defective").return_id for _ in range(4)]
    owner.execute("CREATE TABLE naive_left AS SELECT %s::uuid AS id, 1045 AS paid, 4 AS units", [order])
    owner.execute("CREATE TABLE naive_refund (id uuid, amount int)")
    owner.execute("GRANT ALL ON naive_left, naive_refund TO PUBLIC")

    naive = at_once([lambda: _naive(order)] * THREADS)
    answers = at_once([
        lambda one=one: refund(ASKS, requests=[Refund(one)])[0] for one in returns * (THREADS // 4)
    ])  # fmt: skip

    (tender,) = payments.of_order(order)
    assert sum(naive) > tender.captured_minor, "the race must bite, or it proves nothing"
    paid = [one for one in answers if isinstance(one, Refunded)]
    assert len(paid) == 4
    assert all(isinstance(one, Refunded | errors.NothingToRefund) for one in answers)
    assert sum(one.total_minor for one in paid) == tender.captured_minor == tender.refunded_minor
    assert verify.discrepancies() == []


def test_gifts_at_once_never_exceed_what_was_captured(house: Floor):
    """Each alone is within what was paid; together they are not."""
    policy(refund_at="authorized", approve_above_minor=None)
    (order,) = sold(house, 1, (0, 4))
    returns = [asked(order, 1).return_id for _ in range(4)]
    gift = {"adjustment_minor": 800, "adjustment_reason": "so sorry"}

    answers = at_once([lambda one=one: refund(ASKS, requests=[Refund(one, **gift)])[0] for one in returns])

    (tender,) = payments.of_order(order)
    assert sum(isinstance(one, Refunded) for one in answers) == 2, "of 39.96, 17.99 fit in twice"
    assert sum(isinstance(one, errors.NotThatMuch) for one in answers) == 2
    assert tender.refunded_minor == 2 * 1799
    assert verify.discrepancies() == []


def test_a_refund_is_approved_or_rejected_not_both(house: Floor):
    policy(refund_at="authorized", approve_above_minor=0)
    returns = [asked(order, 1).return_id for order in sold(house, 8, (0, 1))]
    waits = [one.refund for one in refund(ASKS, requests=[Refund(one) for one in returns])]
    other = someone("clara")

    for one in waits:
        agreed, rejected = at_once(
            [
                lambda one=one: approve(APPROVES, requests=[Approve(one)])[0],
                lambda one=one: approve(other, requests=[Approve(one, agree=False, reason="no")])[0],
            ]
        )
        won, lost = (agreed, rejected) if isinstance(agreed, Decided) else (rejected, agreed)
        assert isinstance(won, Decided)
        assert isinstance(lost, Refused)
        assert queries.refund(one).state == won.state
    assert verify.discrepancies() == []


def test_past_all_commands_the_limit_of_a_return_is_not_given_twice_at_once(house: Floor):
    """Two refunds of 9.99, each within 15.00, by plain SQL at the same instant: the second sees the first."""
    policy(approve_above_minor=900)
    update = (
        "UPDATE returns_refund SET state = %(state)s, approve_above_minor = %(most)s"
        " WHERE id = ANY(%(ids)s::uuid[]) RETURNING 1"
    )
    for order in sold(house, 8, (0, 2)):
        one = asked(order, 2)
        back(one)
        waits = [
            refund(ASKS, requests=[Refund(one.return_id, ((one.lines[0], 1),))])[0].refund for _ in range(2)
        ]
        answers: list[str] = []

        def gives(which: UUID, answers: list[str] = answers) -> None:
            try:
                with transaction.atomic():
                    sql.run(update, {"state": "approved", "most": 1_500, "ids": [which]})
                answers.append("given")
            except psycopg.errors.CheckViolation as error:
                answers.append(str(error.diag.constraint_name))

        at_once([lambda which=which: gives(which) for which in waits])

        assert sorted(answers) == ["given", "returns_refund_limit_of_the_return"]
        assert len(sql.run(update, {"state": "waiting", "most": 900, "ids": waits})) == 2


def test_two_docks_receive_the_same_return_once(house: Floor):
    one = asked(sold(house, 1, (0, 3))[0], 3)
    docks = [RECEIVES, someone("rita")] * 4

    answers = at_once([
        lambda cause=cause: receive(cause, requests=[Receive(one.return_id, one.lines[0], 3)])[0]
        for cause in docks
    ])  # fmt: skip

    assert sum(isinstance(answer, Received) for answer in answers) == 1
    assert sum(isinstance(answer, errors.MoreThanAuthorized) for answer in answers) == 7
    assert units(house.skus[0], "pending_inspection") == 3
    assert verify.discrepancies() == []


def test_one_person_does_not_receive_and_approve_however_fast(house: Floor):
    policy(refund_at="authorized", approve_above_minor=0)
    both = someone("bo")
    for order in sold(house, 12, (0, 1)):
        one = asked(order, 1)
        (waits,) = refund(ASKS, requests=[Refund(one.return_id)])

        received, approved = at_once(
            [
                lambda one=one: receive(both, requests=[Receive(one.return_id, one.lines[0], 1)])[0],
                lambda waits=waits: approve(both, requests=[Approve(waits.refund)])[0],
            ]
        )

        assert isinstance(received, Received) != isinstance(approved, Decided)
        assert isinstance(received, DutiesApart) or isinstance(approved, DutiesApart)
        assert len({side for side, who in queries.whole(one.return_id).duties if who == "bo"}) == 1
    assert verify.discrepancies() == []


@contextlib.contextmanager
def refused_by_the_database(answers: list[str], name: str) -> Iterator[None]:
    try:
        with transaction.atomic():
            yield
        answers.append(name)
    except psycopg.errors.ExclusionViolation as error:
        assert error.diag.constraint_name == "access_duty_apart"
        answers.append("refused")
    except psycopg.errors.DeadlockDetected:
        answers.append(
            "refused"
        )  # each waited for the other's row; a command would be tried again, and refused


def test_past_all_commands_the_database_refuses_one_of_two_duties(house: Floor):
    """Both sides by plain SQL as the application's role, at the same instant."""
    take = (
        "INSERT INTO access_duty (document, pair, side, person, taken_at)"
        " VALUES (%(id)s::uuid, 'request×receive×approve', %(side)s::text, 'bo', now())"
    )
    for order in sold(house, 12, (0, 1)):
        one = asked(order, 1)
        answers: list[str] = []

        def take_side(side: str, one: Authorized = one, answers: list[str] = answers) -> None:
            with refused_by_the_database(answers, side):
                sql.run(take, {"id": one.return_id, "side": side})

        at_once([lambda: take_side("receive"), lambda: take_side("approve")])

        assert sorted(answers) in (["receive", "refused"], ["approve", "refused"])
        assert ("refused" in answers) == (len(queries.whole(one.return_id).duties) == 2)


def test_the_steps_of_a_return_while_the_others_walk(house: Floor):
    """All at work on returns of the same orders and SKU: nobody waits in a circle, and every sum is in order."""
    policy(refund_at="disposed")
    orders = sold(house, 6, (0, 4))

    def way_back(order: UUID) -> None:
        for _ in range(2):
            one = asked(order, 1)
            back(one)
            refund(ASKS, requests=[Refund(one.return_id)])

    at_once([lambda order=order: way_back(order) for order in orders * 2])

    assert queries.by_state(COMPANY) == {"closed": 24}
    assert units(house.skus[0]) == 500
    assert verify.discrepancies() == []


def test_what_is_expected_is_posted_once_by_whoever_measures_at_once(house: Floor):
    policy(expected_percent=Decimal(10))
    sold(house, 10, (0, 1))
    answers = at_once([lambda: estimate(SYSTEM, requests=[Estimate(COMPANY)])[0]] * 4)
    assert sorted(one.changed_minor for one in answers) == [0, 0, 0, 999]
    assert (balance(2310), balance(1220)) == (-999, 100)


def test_a_review_is_decided_once_and_never_refunded_before(house: Floor):
    policy(refund_at="received")
    body = FraudPolicy(velocity="enforce", velocity_max=0)
    policies.set_policy(SYSTEM, requests=[policies.SetPolicy(COMPANY, "returns.fraud", body, NOW)])
    one = asked(sold(house, 1, (0, 2), customer="C1")[0], 2)
    receive(RECEIVES, requests=[Receive(one.return_id, one.lines[0], 2)])

    def confirms() -> FraudDecided | Refused:
        return decide_fraud(APPROVES, requests=[DecideFraud(one.return_id, "confirm", "no parcel")])[0]

    def refunds() -> Refunded | Refused:
        return refund(ASKS, requests=[Refund(one.return_id)])[0]

    answers = at_once([confirms, refunds] * 4)

    assert sum(isinstance(answer, FraudDecided) for answer in answers) == 1
    assert not any(isinstance(answer, Refunded) for answer in answers)
    assert fraud_queries.review(one.return_id).head.state == "confirmed"
    assert verify.discrepancies() == []
