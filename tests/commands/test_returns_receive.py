"""returns.receive"""

from __future__ import annotations

from datetime import timedelta

import pytest

from entrepot.access.errors import DutiesApart
from entrepot.kernel import ids
from entrepot.kernel.errors import Invalid, NotFound, RequestReused, WrongState
from entrepot.returns import errors, queries
from entrepot.returns.commands.receive import Receive, Received, receive
from tests.back import ASKS, RECEIVES, asked, asked_all, came, policy, sold
from tests.floor import NOW, Floor, balance, someone, units
from tests.sizes import SIZES
from tests.walk import a_house, queued

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 1000, cost=100_300)
    house.stock(1, 5000)
    return house


def test_units_are_ours_again_at_the_cost_they_left_with_but_not_for_sale(house: Floor):
    (order,) = sold(house, 1, (0, 3))
    house.stock(0, 1000, cost=900_000)  # what is bought since costs more: that is not theirs
    one, sales, stock = asked(order, 3), balance(5000), balance(1200)
    at = NOW + timedelta(days=9)

    (answer,) = receive(
        RECEIVES, requests=[Receive(one.return_id, one.lines[0], 2, condition="open", occurred_at=at)]
    )

    cost = answer.cost_minor
    assert cost == 201  # of three that left with 301
    assert (sales - balance(5000), balance(1200) - stock) == (cost, cost)
    assert (units(house.skus[0], "pending_inspection"), units(house.skus[0])) == (2, 1997)
    found = queries.whole(one.return_id)
    assert (found.head.state, found.head.received) == ("received", 2)
    (row,) = found.receipts
    assert (row.id, row.bin, row.quantity, row.condition) == (answer.receipt, "QUARANTINE", 2, "open")
    assert (row.received_by, row.received_at) == ("rob", at)
    assert found.duties == [("receive", "rob"), ("request", "ann")]
    assert [one.cost_minor for one in came(one)] == [301 - cost]


def test_units_may_come_into_a_bin_by_serial_number(house: Floor):
    one = asked(sold(house, 1, (0, 2))[0], 2)
    wanted = [
        Receive(one.return_id, one.lines[0], 1, house.bin(0, "staging"), lot="L1", serial=serial)
        for serial in ("S1", "S2")
    ]
    assert all(isinstance(answer, Received) for answer in receive(RECEIVES, requests=wanted))
    rows = queries.whole(one.return_id).receipts
    assert [(row.bin, row.lot, row.serial) for row in rows] == [
        ("STAGING", "L1", "S1"),
        ("STAGING", "L1", "S2"),
    ]


def test_refusals_leave_everything_as_it_was(house: Floor):
    policy(late="review")
    mine, other = (asked(order, 2) for order in sold(house, 2, (0, 2)))
    waits = asked(sold(house, 1, (0, 1))[0], 1, occurred_at=NOW + timedelta(days=99))
    number, line, unknown = mine.number, mine.lines[0], ids.uuid7()
    elsewhere = house.bin(1, "quarantine")

    answers = receive(
        RECEIVES,
        requests=[
            Receive(unknown, line, 1),
            Receive(mine.return_id, other.lines[0], 1),
            Receive(waits.return_id, waits.lines[0], 1),
            Receive(mine.return_id, line, 0),
            Receive(mine.return_id, line, 2, serial="S1"),
            Receive(mine.return_id, line, 3),
            Receive(mine.return_id, line, 1, elsewhere),
        ],
    )
    (asker,) = receive(ASKS, requests=[Receive(mine.return_id, line, 1)])

    expected = "1 or more, 1 with a serial number"
    assert answers[:2] == [
        NotFound(what="return", which=str(unknown)),
        NotFound(what=f"line in return {number}", which=str(other.lines[0])),
    ]
    assert isinstance(answers[2], WrongState)
    assert answers[2].facts["found"] == "requested"
    assert answers[3:] == [
        Invalid(field="quantity", expected=expected, found=0),
        Invalid(field="quantity", expected=expected, found=2),
        errors.MoreThanAuthorized(number=number, line=str(line), found=3, left=2),
        errors.NoBin(node=str(house.nodes[0]), kind="quarantine or receiving", bin=f" {elsewhere}"),
    ]
    assert isinstance(asker, DutiesApart)
    assert f" on {number}, " in str(asker), "people know a return by its number"
    assert units(house.skus[0], "pending_inspection") == 0
    assert queries.return_(mine.return_id).state == "authorized"


def test_the_same_return_several_times_in_a_batch(house: Floor):
    one = asked(sold(house, 1, (0, 3))[0], 3)
    line = one.lines[0]
    answers = receive(RECEIVES, requests=[Receive(one.return_id, line, n) for n in (1, 3, 2, 1)])
    assert [isinstance(answer, Received) for answer in answers] == [True, False, True, False]
    assert answers[1].facts["left"] == 2
    assert sum(a.cost_minor for a in answers if isinstance(a, Received)) == 301
    assert len(queries.whole(one.return_id).receipts) == 2


def test_what_is_refunded_when_it_comes_is_ready_for_it(house: Floor):
    policy(refund_at="received")
    one = asked(sold(house, 1, (0, 1))[0], 1)
    assert queued("decide_refund") == []
    came(one)
    assert queued("decide_refund") == [one.return_id]


def test_two_people_may_receive_parts_of_it(house: Floor):
    one = asked(sold(house, 1, (0, 2))[0], 2)
    came(one, 1)
    came(one, 1, cause=someone("rita"))
    assert [row.received_by for row in queries.whole(one.return_id).receipts] == ["rob", "rita"]


def test_a_key_gets_its_answer_again_and_none_for_other_content(house: Floor):
    one = asked(sold(house, 1, (0, 3))[0], 3)
    line = one.lines[0]
    first = receive(RECEIVES, requests=[Receive(one.return_id, line, 1, key="k")])
    assert receive(RECEIVES, requests=[Receive(one.return_id, line, 1, key="k")]) == first
    again = receive(RECEIVES, requests=[Receive(one.return_id, line, 2, key="k")])
    assert again == [RequestReused(key="k", command="returns.receive")]
    assert units(house.skus[0], "pending_inspection") == 1


def test_statements_do_not_grow_with_the_batch(house: Floor, statements):
    policy(refund_at="received")
    house.stock(0, 5000)
    counts = []
    for size in SIZES:
        returns = asked_all(sold(house, size, (0, 1), (1, 1)), 1, 1)
        requests = [Receive(one.return_id, line, 1, key=str(line)) for one in returns for line in one.lines]
        with statements() as ran:
            answers = receive(RECEIVES, requests=requests)
        assert all(isinstance(one, Received) for one in answers)
        counts.append([text for text in ran.texts if "SAVEPOINT" not in text])
    assert [len(one) for one in counts] == [33, 31, 31], "the first makes the buckets"
