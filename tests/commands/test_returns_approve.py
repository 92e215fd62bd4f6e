"""returns.approve_refunds"""

from __future__ import annotations

from datetime import timedelta

import pytest

from entrepot.access.errors import DutiesApart
from entrepot.kernel import ids, sql
from entrepot.kernel.errors import NotFound, RequestReused, WrongState
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.payments.commands import refund as payments
from entrepot.returns import approval_queries, errors, queries
from entrepot.returns.commands.approve import Approve, Decided, approve
from entrepot.returns.commands.authorize import Authorized
from entrepot.returns.commands.refund import Refund, Refunded, refund
from entrepot.returns.refunding import RefundPolicy
from entrepot.work import queries as work
from tests.back import APPROVES, ASKS, RECEIVES, asked, asked_all, back, came, no_consumers, policy, sold
from tests.floor import COMPANY, NOW, SYSTEM, Floor, balance
from tests.sizes import SIZES
from tests.walk import a_house

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 5000)
    policy(approve_above_minor=0)
    return house


def waiting(house: Floor, quantity: int = 1) -> tuple[Authorized, Refunded]:
    """A return that came, and its refund that waits."""
    one = asked(sold(house, 1, (0, quantity))[0], quantity)
    back(one)
    (answer,) = refund(ASKS, requests=[Refund(one.return_id)])
    assert answer.state == "waiting"
    return one, answer


def test_what_another_person_agrees_to_is_posted_and_paid(house: Floor):
    one, waits = waiting(house)
    at = NOW + timedelta(days=1)

    (answer,) = approve(APPROVES, requests=[Approve(waits.refund, reason="fine", occurred_at=at)])

    assert answer == Decided(waits.refund, "paid")
    row = queries.refund(waits.refund)
    assert (row.state, row.decided_by, row.decided_at, row.note) == ("paid", "carl", at, "fine")
    assert (balance(4100), balance(2300)) == (999, 0)
    assert queries.whole(one.return_id).head.state == "closed"
    assert ("approve", "carl") in queries.whole(one.return_id).duties
    assert [item.state for item in work.of_subject(waits.refund)] == ["done"]


def test_what_is_kept_in_the_end_is_the_same_whatever_was_rejected(house: Floor):
    """Half of 9.99 each: 5.00 and 4.99. The unit that was to keep 5.00 and is rejected keeps it when it comes again."""
    no_consumers()
    policy(approve_above_minor=0, fee_percent=50)
    (order,) = sold(house, 1, (0, 2))
    first, second = asked(order, 1), asked(order, 1)
    back(first)
    back(second)
    waits = [refund(ASKS, requests=[Refund(one.return_id)])[0] for one in (first, second)]
    approve(
        APPROVES, requests=[Approve(waits[0].refund, agree=False, reason="worn"), Approve(waits[1].refund)]
    )
    (again,) = refund(ASKS, requests=[Refund(first.return_id)])
    fees = sql.run("SELECT id, fee_minor FROM returns_refund WHERE state <> 'rejected' ORDER BY number")
    assert fees == [(waits[1].refund, 499), (again.refund, 500)]


def test_a_fee_that_was_waived_when_it_was_refunded_is_not_made_up_for(house: Floor):
    no_consumers()
    policy(fee_percent=50)
    waives = RefundPolicy(waived_reasons=("poor_fit",))
    set_policy(SYSTEM, requests=[SetPolicy(COMPANY, "returns.refunds", waives, NOW - timedelta(days=1))])
    (order,) = sold(house, 1, (0, 2))
    for kept in (0, 499):
        one = asked(order, 1, reason="poor_fit")
        back(one)
        (done,) = refund(ASKS, requests=[Refund(one.return_id)])
        assert queries.refund(done.refund).total_minor == 999 - kept
        usual = SetPolicy(COMPANY, "returns.refunds", RefundPolicy(), NOW - timedelta(hours=1))
        set_policy(SYSTEM, requests=[usual])


def test_what_is_rejected_is_not_posted_and_its_units_may_be_refunded_again(house: Floor):
    one, waits = waiting(house, 2)

    (answer,) = approve(APPROVES, requests=[Approve(waits.refund, agree=False, reason="worn")])

    assert answer == Decided(waits.refund, "rejected")
    assert (balance(4100), queries.return_(one.return_id).refunded) == (0, 0)
    assert queries.return_(one.return_id).state == "disposed"
    assert [item.state for item in work.of_subject(waits.refund)] == ["done"]
    assert queries.whole(one.return_id).duties == [("receive", "rob"), ("request", "ann")], "no duty taken"
    (again,) = refund(ASKS, requests=[Refund(one.return_id)])
    assert (again.state, again.total_minor) == ("waiting", 1998)


def test_refusals_leave_everything_as_it_was(house: Floor):
    (_, waits), (_, done), unknown = waiting(house), waiting(house), ids.uuid7()
    approve(APPROVES, requests=[Approve(done.refund)])
    wrong = {"subject": "refund", "found": "paid", "expected": "waiting"}

    answers = approve(
        APPROVES,
        requests=[
            Approve(unknown),
            Approve(done.refund),
            Approve(done.refund, agree=False, reason="no"),
            Approve(waits.refund, agree=False),
        ],
    )
    for person in (ASKS, RECEIVES):
        answers += approve(person, requests=[Approve(waits.refund)])

    assert answers[:4] == [
        NotFound(what="refund", which=str(unknown)),
        WrongState(event="approve", **wrong),
        WrongState(event="reject", **wrong),
        errors.ReasonNeeded(step="rejecting", why="somebody asked for it"),
    ]
    assert all(isinstance(answer, DutiesApart) for answer in answers[4:])
    assert queries.refund(waits.refund).state == "waiting"


def test_money_that_went_elsewhere_meanwhile_is_not_promised_again(house: Floor):
    one, waits = waiting(house, 2)
    order = queries.return_(one.return_id).order
    payments.refund(SYSTEM, requests=[payments.Refund(order, 500)])

    (refused,) = approve(APPROVES, requests=[Approve(waits.refund)])
    (rejected,) = approve(APPROVES, requests=[Approve(waits.refund, agree=False, reason="paid by hand")])

    assert refused == errors.NotThatMuch(
        number=one.number, what="money", wanted="19.98 GBP", left="14.98 GBP"
    )
    assert rejected == Decided(waits.refund, "rejected")


def test_the_same_refund_several_times_in_a_batch_is_decided_once(house: Floor):
    _, waits = waiting(house)
    reject = Approve(waits.refund, agree=False, reason="worn")
    answers = approve(APPROVES, requests=[Approve(waits.refund), Approve(waits.refund), reject])
    assert answers[0] == Decided(waits.refund, "paid")
    assert [one.facts["found"] for one in answers[1:]] == ["approved", "approved"]


def test_refunds_of_one_return_one_approved_one_rejected_in_a_batch(house: Floor):
    one = asked(sold(house, 1, (0, 2))[0], 2)
    back(one)
    part = Refund(one.return_id, ((one.lines[0], 1),))
    first, second = refund(ASKS, requests=[part, part])

    answers = approve(
        APPROVES, requests=[Approve(first.refund), Approve(second.refund, agree=False, reason="worn")]
    )

    assert answers == [Decided(first.refund, "paid"), Decided(second.refund, "rejected")]
    found = queries.return_(one.return_id)
    assert (found.refunded, found.refunded_minor, found.state) == (1, 999, "disposed")


def test_a_key_gets_its_answer_again_and_none_for_other_content(house: Floor):
    _, waits = waiting(house)
    first = approve(APPROVES, requests=[Approve(waits.refund, key="k")])
    assert approve(APPROVES, requests=[Approve(waits.refund, key="k")]) == first
    again = approve(APPROVES, requests=[Approve(waits.refund, agree=False, reason="no", key="k")])
    assert again == [RequestReused(key="k", command="returns.approve_refunds")]


def test_statements_do_not_grow_with_the_batch(house: Floor, statements):
    policy(approve_above_minor=0, refund_at="authorized")
    counts = []
    for size in SIZES:
        orders = sold(house, 2 * size, (0, 1), tax_minor=17)
        waits = refund(ASKS, requests=[Refund(one.return_id) for one in asked_all(orders, 1)])
        requests = [Approve(one.refund, i < size, "so", key=str(i + size)) for i, one in enumerate(waits)]
        with statements() as ran:
            answers = approve(APPROVES, requests=requests)
        assert [one.state for one in answers] == ["paid"] * size + ["rejected"] * size
        counts.append([text for text in ran.texts if "SAVEPOINT" not in text])
    assert [len(one) for one in counts] == [34] * 3


def test_what_stands_behind_a_refund_is_told_with_it(house: Floor):
    """The order and its tenders, the customer's other returns, goods that have not come, and what was noted."""
    policy(refund_at="authorized", approve_above_minor=0)
    first, second = sold(house, 2, (0, 2), customer="C1")
    (before,) = refund(ASKS, requests=[Refund(asked(first, 1).return_id)])
    approve(APPROVES, requests=[Approve(before.refund)])
    one = asked(second, 2)
    came(one, 1)
    (waits,) = refund(ASKS, requests=[Refund(one.return_id)])

    told = approval_queries.behind([waits.refund])[waits.refund]

    assert (told.customer, told.orders, told.returns, told.ahead) == ("C1", 2, 1, 1)
    assert told.refunded_minor == before.total_minor
    assert [(tender.provider, tender.refunded_minor) for tender in told.tenders] == [("account", 0)]
    assert (told.doors, told.noted, told.photos) == ((), (), ())
    assert approval_queries.behind([]) == {}
