"""returns.close"""

from __future__ import annotations

import pytest

from entrepot.kernel import ids
from entrepot.kernel.errors import NotFound, RequestReused, WrongState
from entrepot.orders import queries as orders
from entrepot.returns import errors, queries
from entrepot.returns.commands.authorize import Authorized
from entrepot.returns.commands.close import Close, Closed, close
from entrepot.returns.commands.refund import Refund, refund
from entrepot.returns.states import RETURN
from tests.back import ASKS, asked, asked_all, back, came, found, policy, sold
from tests.floor import NOW, Floor
from tests.sizes import SIZES
from tests.walk import a_house

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 5000)
    return house


def a_return(house: Floor, quantity: int = 2) -> Authorized:
    return asked(sold(house, 1, (0, quantity))[0], quantity)


def refunded(one: Authorized, **facts: object) -> str:
    (answer,) = refund(ASKS, requests=[Refund(one.return_id, **facts)])  # type: ignore[arg-type]
    return answer.state


def test_a_return_that_never_came_is_cancelled(house: Floor):
    one = a_return(house)
    order = queries.return_(one.return_id).order
    assert close(ASKS, requests=[Close(one.return_id, "he kept it")]) == [Closed(one.return_id, "cancelled")]
    assert orders.order(order).returns == "none"
    assert queries.returnable(order)[0].left == 2


def test_what_came_and_was_refunded_ends_it_without_the_others(house: Floor):
    one = a_return(house, 3)
    order = queries.return_(one.return_id).order
    back(one, 1)
    refunded(one)
    assert close(ASKS, requests=[Close(one.return_id, "one was in it")]) == [Closed(one.return_id, "closed")]
    assert [line.cancelled for line in queries.whole(one.return_id).lines] == [2]
    assert queries.returnable(order)[0].left == 2
    assert orders.order(order).returns == "returned"


def test_the_money_can_be_given_up(house: Floor):
    one = a_return(house)
    back(one)
    answers = close(
        ASKS,
        requests=[
            Close(one.return_id, "an exchange"),
            Close(one.return_id, "an exchange", without_refund=True),
        ],
    )
    what = "2 units are not refunded; refund them, or close it without"
    assert answers == [errors.NotDone(number=one.number, what=what), Closed(one.return_id, "closed")]


def test_refusals_leave_everything_as_it_was(house: Floor):
    policy(approve_above_minor=0)
    fresh, unknown = a_return(house), ids.uuid7()
    late = asked(sold(house, 1, (0, 1))[0], 1, occurred_at=NOW.replace(year=2027))
    gone = a_return(house)
    close(ASKS, requests=[Close(gone.return_id, "kept")])

    answers = close(
        ASKS,
        requests=[
            Close(unknown, "why not"),
            Close(late.return_id, "why not"),
            Close(gone.return_id, "why not"),
            Close(fresh.return_id, ""),
        ],
    )

    assert answers[0] == NotFound(what="return", which=str(unknown))
    assert [(type(one), one.facts["found"]) for one in answers[1:3]] == [
        (WrongState, "requested"),
        (WrongState, "cancelled"),
    ]
    assert answers[1] == RETURN.step("requested", "close"), "as the machine says"
    assert next(one for one in RETURN.transitions if one.event == "close").needs_reason
    assert answers[3] == errors.ReasonNeeded(step="closing a return", why="it gives something up")
    assert queries.return_(fresh.return_id).state == "authorized"


def test_a_return_that_something_is_to_be_done_with_is_not_closed(house: Floor):
    policy(approve_above_minor=0)
    arrived, seen, waits, ahead = (a_return(house) for _ in range(4))
    came(arrived, 1)
    found(came(seen, 1))
    back(waits)
    assert refunded(waits) == "waiting"
    policy(approve_above_minor=None)
    assert refunded(ahead, lines=((ahead.lines[0], 1),)) == "paid"

    answers = close(
        ASKS,
        requests=[
            Close(one.return_id, "away with it", without_refund=True) for one in (arrived, seen, waits, ahead)
        ],
    )

    said = ("1 units wait for inspection or disposition",) * 2
    said += (
        "1 refunds are not paid yet",
        "units that were refunded have not come; close it without them where they never will",
    )
    assert answers == [
        errors.NotDone(number=one.number, what=what)
        for one, what in zip((arrived, seen, waits, ahead), said, strict=True)
    ]


def test_the_same_return_twice_in_a_batch_is_closed_once(house: Floor):
    one = a_return(house)
    first, second = close(ASKS, requests=[Close(one.return_id, "kept"), Close(one.return_id, "kept")])
    assert first == Closed(one.return_id, "cancelled")
    assert isinstance(second, WrongState)


def test_a_key_gets_its_answer_again_and_none_for_other_content(house: Floor):
    one = a_return(house)
    first = close(ASKS, requests=[Close(one.return_id, "kept", key="k")])
    assert close(ASKS, requests=[Close(one.return_id, "kept", key="k")]) == first
    again = close(ASKS, requests=[Close(one.return_id, "lost", key="k")])
    assert again == [RequestReused(key="k", command="returns.close")]


@pytest.mark.counts("returns.close")
def test_statements_do_not_grow_with_the_batch(sold_house: Floor, statements):
    counts = []
    for size in SIZES:
        returns = asked_all(sold(sold_house, size, (0, 2)), 1)
        requests = [Close(one.return_id, "kept", key=str(one.return_id)) for one in returns]
        with statements() as ran:
            answers = close(ASKS, requests=requests)
        assert all(isinstance(one, Closed) for one in answers)
        counts.append([text for text in ran.texts if "SAVEPOINT" not in text])
    assert [len(one) for one in counts] == [15] * 3
