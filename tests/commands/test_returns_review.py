"""returns.review"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from entrepot.kernel import ids
from entrepot.kernel.errors import NotFound, RequestReused, WrongState
from entrepot.orders import queries as orders
from entrepot.returns import errors, queries
from entrepot.returns.commands.review import Review, Reviewed, review
from entrepot.work import queries as work
from tests.back import ASKS, asked, asked_all, policy, sold
from tests.floor import COMPANY, NOW, Floor
from tests.sizes import SIZES
from tests.walk import a_house, queued

pytestmark = pytest.mark.django_db

LATE = NOW + timedelta(days=40)


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 5000)
    return house


def late(order: UUID, units: int = 1) -> UUID:
    """A return that a person has to decide."""
    return asked(order, units, occurred_at=LATE).return_id


def test_a_person_takes_it(house: Floor):
    policy(refund_at="authorized")
    (order,) = sold(house, 1, (0, 1))
    one = late(order)

    (answer,) = review(ASKS, requests=[Review(one, accept=True)])

    assert answer == Reviewed(one, "authorized")
    assert queries.return_(one).state == "authorized"
    assert queued("decide_refund") == [one]
    assert work.items(COMPANY) == []


def test_a_person_declines_it_and_its_units_may_be_asked_for_again(house: Floor):
    (order,) = sold(house, 1, (0, 1))
    one = late(order)
    assert orders.order(order).returns == "requested"

    (answer,) = review(ASKS, requests=[Review(one, accept=False, reason="worn for months")])

    assert answer == Reviewed(one, "declined")
    assert orders.order(order).returns == "none"
    assert [(item.state, item.root_cause) for item in work.of_subject(one)] == [("done", "declined")]
    assert late(order) != one


def test_refusals_leave_everything_as_it_was(house: Floor):
    (order,) = sold(house, 1, (0, 2))
    one, taken, unknown = late(order), asked(order, 1).return_id, ids.uuid7()

    answers = review(
        ASKS,
        requests=[Review(unknown, accept=True), Review(one, accept=False), Review(taken, accept=True)],
    )

    assert answers == [
        NotFound(what="return", which=str(unknown)),
        errors.ReasonNeeded(step="declining a return", why="the customer is told"),
        WrongState(subject="return", found="authorized", event="authorize", expected="requested"),
    ]
    assert queries.by_state(COMPANY) == {"authorized": 1, "requested": 1}


def test_the_same_return_twice_in_a_batch_is_decided_once(house: Floor):
    (order,) = sold(house, 1, (0, 2))
    one = late(order, 2)
    first, second = review(
        ASKS, requests=[Review(one, accept=False, reason="no"), Review(one, accept=False, reason="no")]
    )
    assert first == Reviewed(one, "declined")
    assert second == WrongState(subject="return", found="declined", event="decline", expected="requested")
    assert queries.returnable(order)[0].left == 2


def test_a_key_gets_its_answer_again_and_none_for_other_content(house: Floor):
    one = late(sold(house, 1, (0, 1))[0])
    first = review(ASKS, requests=[Review(one, accept=True, key="k")])
    assert review(ASKS, requests=[Review(one, accept=True, key="k")]) == first
    again = review(ASKS, requests=[Review(one, accept=False, reason="no", key="k")])
    assert again == [RequestReused(key="k", command="returns.review")]


@pytest.mark.counts("returns.review")
@pytest.mark.parametrize("accept", [True, False])
def test_statements_do_not_grow_with_the_batch(sold_house: Floor, statements, accept: bool):
    policy(refund_at="authorized")
    counts = []
    for size in SIZES:
        requests = [
            Review(one.return_id, accept, "because", key=str(one.return_id))
            for one in asked_all(sold(sold_house, size, (0, 2)), 1, occurred_at=LATE)
        ]
        with statements() as ran:
            answers = review(ASKS, requests=requests)
        assert all(isinstance(one, Reviewed) for one in answers)
        counts.append([text for text in ran.texts if "SAVEPOINT" not in text])
    assert [len(one) for one in counts] == [16] * 3
