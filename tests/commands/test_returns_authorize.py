"""returns.authorize"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from entrepot.kernel import ids
from entrepot.kernel.errors import Invalid, NotFound, RequestReused, Said
from entrepot.orders import queries as orders
from entrepot.returns import errors, queries
from entrepot.returns.commands.authorize import Authorize, Authorized, Item, authorize
from entrepot.work import queries as work
from tests.back import ARRIVED, ASKS, lines_of, policy, sold
from tests.floor import COMPANY, Floor
from tests.sizes import SIZES
from tests.walk import a_house, placed, queued

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 5000)
    house.stock(1, 5000)
    return house


def wants(order: UUID, quantity: int = 1, reason: str = "poor_fit", **facts: Any) -> Authorize:
    """Units of the order's first line."""
    return Authorize(order, (Item(lines_of(order)[0], quantity, reason),), **facts)


def test_units_that_left_may_come_back_to_where_they_left_from(house: Floor):
    (order,) = sold(house, 1, (0, 3), (1, 1))
    first, second = lines_of(order)
    items = (Item(first, 2, "poor_fit", "too small"), Item(second, 1))

    (answer,) = authorize(ASKS, requests=[Authorize(order, items, occurred_at=ARRIVED + timedelta(days=3))])

    assert (answer.state, answer.reasons) == ("authorized", ("3 of 30 days",))
    found = queries.whole(answer.return_id)
    assert (found.head.number, found.head.node, found.head.asked) == (answer.number, "N1", "refund")
    assert found.head.requested_at == ARRIVED + timedelta(days=3)
    assert [(line.id, line.quantity, line.reason, line.note) for line in found.lines] == [
        (answer.lines[0], 2, "poor_fit", "too small"),
        (answer.lines[1], 1, "not_given", ""),
    ]
    assert found.duties == [("request", "ann")]
    assert [one.left for one in queries.returnable(order)] == [1, 0]
    assert orders.order(order).returns == "requested"
    assert queued("decide_refund") == []


def test_it_may_come_to_another_node(house: Floor):
    (order,) = sold(house, 1, (0, 1))
    (answer,) = authorize(ASKS, requests=[wants(order, node=house.nodes[1])])
    assert queries.return_(answer.return_id).node == "N2"


def test_refusals_leave_everything_as_it_was(house: Floor):
    order, other = sold(house, 2, (0, 2), shipping_minor=300)
    (waits,) = placed(house, 1, (0, 1))
    unknown, number = ids.uuid7(), orders.order(order).number
    (line,), (foreign,), (unsent,) = (lines_of(one) for one in (order, other, waits))

    answers = authorize(
        ASKS,
        requests=[
            Authorize(unknown, (Item(line, 1),)),
            Authorize(order, (Item(foreign, 1),)),
            wants(order, asked="revenge"),
            wants(order, reason="bored"),
            wants(order, 0),
            Authorize(order, ()),
            wants(order, 3),
            wants(waits),
            wants(order, node=unknown),
        ],
    )

    assert answers[:3] == [
        NotFound(what="order", which=str(unknown)),
        NotFound(what=f"line of goods in order {number}", which=str(foreign)),
        Invalid(
            field="asked", expected="one of refund, exchange, store_credit, repair, keep", found="revenge"
        ),
    ]
    assert answers[3].facts["field"] == "reason"
    assert answers[4:] == [
        Invalid(field="quantity", expected="1 or more", found=0),
        Invalid(field="items", expected="at least one line", found="none"),
        errors.MoreThanSold(line=str(line), wanted=3, left=2),
        errors.MoreThanSold(line=str(unsent), wanted=1, left=0),
        NotFound(what="node of the company", which=str(unknown)),
    ]
    assert queries.returns_page(COMPANY) == []
    assert orders.order(order).returns == "none"


def test_a_late_one_waits_for_a_person(house: Floor):
    (order,) = sold(house, 1, (0, 2))
    (answer,) = authorize(ASKS, requests=[wants(order, occurred_at=ARRIVED + timedelta(days=31))])
    assert answer.state == "requested"
    (item,) = work.items(COMPANY, kind="return to review")
    assert (item.subject, item.role) == (answer.return_id, "customer service")
    assert queries.returnable(order)[0].left == 1, "its units are spoken for"


def test_a_late_one_is_declined_where_the_policy_says_so_unless_somebody_insists(house: Floor):
    policy(late="decline", window_days=10)
    (order,) = sold(house, 1, (0, 2))
    late = ARRIVED + timedelta(days=15)
    refused, taken = authorize(
        ASKS, requests=[wants(order, occurred_at=late), wants(order, occurred_at=late, insist="was ill")]
    )
    assert refused == errors.TooLate(
        order=orders.order(order).number, since=Said("it arrived {0} days ago", 15), days=15, window=10
    )
    assert (taken.state, taken.reasons) == ("authorized", ("15 days, beyond 10: was ill",))


def test_what_is_refunded_when_it_is_authorized_is_ready_for_it(house: Floor):
    policy(refund_at="authorized")
    (order,) = sold(house, 1, (0, 3))
    money, _goods = authorize(ASKS, requests=[wants(order), wants(order, asked="exchange")])
    assert queued("decide_refund") == [money.return_id]


def test_the_same_order_several_times_in_a_batch(house: Floor):
    (order,) = sold(house, 1, (0, 3))
    answers = authorize(ASKS, requests=[wants(order, 2), wants(order, 2), wants(order, 1), wants(order, 1)])
    assert [isinstance(one, Authorized) for one in answers] == [True, False, True, False]
    assert answers[1].facts["left"] == 1
    assert queries.returnable(order)[0].left == 0


def test_the_channels_own_name_is_taken_once(house: Floor):
    (order,) = sold(house, 1, (0, 3))
    first, again = authorize(
        ASKS, requests=[wants(order, external_id="R-1"), wants(order, external_id="R-1")]
    )
    (later,) = authorize(ASKS, requests=[wants(order, external_id="R-1")])
    assert again == later
    assert later == errors.DuplicateReturn(
        external_id="R-1", order=orders.order(order).number, number=first.number
    )
    assert len(queries.returns_page(COMPANY)) == 1


def test_a_key_gets_its_answer_again_and_none_for_other_content(house: Floor):
    (order,) = sold(house, 1, (0, 3))
    first = authorize(ASKS, requests=[wants(order, key="k")])
    assert authorize(ASKS, requests=[wants(order, key="k")]) == first
    assert authorize(ASKS, requests=[wants(order, 2, key="k")]) == [
        RequestReused(key="k", command="returns.authorize")
    ]
    assert queries.returnable(order)[0].left == 2


@pytest.mark.counts("returns.authorize")
def test_statements_do_not_grow_with_the_batch(sold_house: Floor, statements):
    counts = []
    for size in SIZES:
        requests = [
            wants(order, key=str(order), external_id="R", node=sold_house.nodes[1], occurred_at=late)
            for i, order in enumerate(sold(sold_house, size, (0, 2)))
            for late in [ARRIVED + timedelta(days=31 if i == 0 else 0)]
        ]
        with statements() as ran:
            answers = authorize(ASKS, requests=requests)
        assert all(isinstance(one, Authorized) for one in answers)
        counts.append([text for text in ran.texts if "SAVEPOINT" not in text])
    assert [len(one) for one in counts] == [19] * 3
