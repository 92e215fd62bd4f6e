"""warehouse.put_away, warehouse.adjust, warehouse.approve_adjustment, warehouse.change_status"""

from __future__ import annotations

import pytest

from entrepot.kernel import ids, policies, sql
from entrepot.kernel.errors import Invalid, NotFound
from entrepot.orders import queries as orders
from entrepot.stock import adjustments
from entrepot.stock import queries as stock
from entrepot.stock.commands.adjust import Adjust, AdjustmentPolicy, DecideAdjustment
from entrepot.stock.commands.change_status import ChangeStatus, StatusChanged
from entrepot.stock.errors import NotThere, SerialElsewhere
from entrepot.warehouse.commands.adjust import adjust, approve_adjustment, change_status
from entrepot.warehouse.commands.put_away import PutAway, UnitsPutAway, put_away
from entrepot.work import queries as work
from tests.floor import COMPANY, NOW, SYSTEM, Floor, someone, units
from tests.sizes import SIZES
from tests.walk import a_house, allocated, queued, released

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    return a_house()


def test_put_away_moves_units_and_touches_no_promise(house: Floor):
    house.stock(0, 5, kind="receiving")
    order = house.order((0, 2)).order
    allocated(order)

    (answer,) = put_away(
        SYSTEM, requests=[PutAway(COMPANY, house.skus[0], house.bin(0, "receiving"), house.bin(0), 3)]
    )

    assert isinstance(answer, UnitsPutAway)
    rows = {row.bin_code: row.quantity for row in stock.buckets(sku=house.skus[0])}
    assert rows == {"RECEIVING": 2, "PICK": 3}
    assert sql.run("SELECT sellable, allocated FROM stock_position") == [(5, 2)]
    assert queued("release") == [order]


def test_put_away_refuses_what_is_not_there_or_makes_no_sense(house: Floor):
    house.stock(0, 5)
    released(house.order((0, 2)).order)
    pick, reserve, other, nowhere = house.bin(0), house.bin(0, "reserve"), house.bin(1), ids.uuid7()
    sku = house.skus[0]

    answers = put_away(
        SYSTEM,
        requests=[
            PutAway(COMPANY, sku, pick, reserve, 4),  # two of the five have a picker on the way
            PutAway(COMPANY, sku, pick, other, 1),
            PutAway(COMPANY, sku, pick, pick, 1),
            PutAway(COMPANY, sku, pick, reserve, 0),
            PutAway(COMPANY, sku, pick, nowhere, 1),
        ],
    )

    assert answers[0] == NotThere(wanted=4, sku=str(sku), where=f"bin {pick}", found=3)
    assert [type(answer) for answer in answers[1:]] == [Invalid, Invalid, Invalid, NotFound]
    assert {row.bin_code: row.quantity for row in stock.buckets(sku=sku)} == {"PICK": 5}


@pytest.mark.counts("warehouse.put_away")
def test_put_away_has_a_key_and_as_many_statements_for_many(house: Floor, statements):
    house.stock(0, 5000, kind="receiving")
    wanted = PutAway(COMPANY, house.skus[0], house.bin(0, "receiving"), house.bin(0), 1, key="k")
    first = put_away(SYSTEM, requests=[wanted])
    assert put_away(SYSTEM, requests=[wanted]) == first
    assert units(house.skus[0]) == 5000
    counts = []
    for size in SIZES:
        requests = [
            PutAway(COMPANY, house.skus[0], house.bin(0, "receiving"), house.bin(0), 1) for _ in range(size)
        ]
        with statements() as ran:
            put_away(SYSTEM, requests=requests)
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert len(set(counts)) == 1


def test_a_loss_under_a_promise_opens_the_line_again(house: Floor):
    house.stock(0, 3)
    order = house.order((0, 3)).order
    allocated(order)

    (answer,) = adjust(
        SYSTEM, requests=[Adjust(COMPANY, house.skus[0], house.nodes[0], house.bin(0), -2, "water damage")]
    )

    assert answer.posted == -2
    (line,) = orders.order(order).lines
    assert line.places == {"allocated": 1, "open": 2} or line.places == {"open": 3}
    assert [item.type for item in work.of_subject(order)] == ["displaced"]
    assert order in queued("allocate")


def test_an_order_that_lost_its_promise_is_sourced_by_the_priority_that_it_was_served_with(house: Floor):
    house.stock(0, 3)
    order = house.order((0, 3), priority=5).order
    allocated(order)
    sql.change("UPDATE stock_allocation SET priority = 35", {})

    adjust(
        SYSTEM, requests=[Adjust(COMPANY, house.skus[0], house.nodes[0], house.bin(0), -3, "water damage")]
    )

    ranked = "SELECT priority::int FROM kernel_ready WHERE queue = 'allocate' AND subject = %(order)s::uuid"
    assert sql.run(ranked, {"order": order}) == [(35,)]


def test_a_loss_that_needs_approval_opens_the_line_when_it_is_approved(house: Floor):
    house.stock(0, 1000, cost=100_000_00)
    order = house.order((0, 1000)).order
    allocated(order)

    (asked,) = adjust(
        someone("ann"), requests=[Adjust(COMPANY, house.skus[0], house.nodes[0], house.bin(0), -900, "theft")]
    )
    assert asked.state == "waiting"
    assert orders.order(order).lines[0].places == {"allocated": 1000}

    approve_adjustment(someone("bob"), requests=[DecideAdjustment(asked.adjustment, approve=True)])
    assert orders.order(order).lines[0].open >= 900
    assert [item.type for item in work.of_subject(order)] == ["displaced"]


# ---- what a person may say


def correction(house: Floor, delta: int, **said) -> Adjust:
    given = {"node": house.nodes[0], "bin": house.bin(0), "reason": "lost", **said}
    return Adjust(COMPANY, house.skus[0], delta=delta, **given)


def test_what_can_not_be_is_refused_and_its_neighbours_are_corrected(house: Floor):
    house.stock(0, 5)
    found = correction(house, 1, serial="S-1")
    answers = adjust(SYSTEM, requests=[
        correction(house, 2), correction(house, 1, node=house.nodes[1]), correction(house, 1, status="in_transit"),
        correction(house, 2, serial="S-2"), correction(house, -1, reason="by the wind", coded=True), found,
    ])  # fmt: skip
    assert [type(one) for one in answers[1:5]] == [NotFound, Invalid, Invalid, Invalid]
    assert (answers[0].posted, answers[5].posted) == (2, 1)
    assert answers[4].facts["field"] == "reason"
    assert isinstance(adjust(SYSTEM, requests=[found])[0], SerialElsewhere), "a serial is found once"
    assert units(house.skus[0]) == 8


def all_wait(house: Floor) -> None:
    limit = policies.SetPolicy(COMPANY, "stock.adjustments", AdjustmentPolicy(None, 0), NOW)
    policies.set_policy(SYSTEM, requests=[limit])


def test_a_serial_is_found_once_in_a_batch(house: Floor):
    a, b = house.bin(0), house.bin(0, "reserve")
    first, second, other = adjust(SYSTEM, requests=[
        correction(house, 1, bin=a, serial="S-1"), correction(house, 1, bin=b, serial="S-1"),
        correction(house, 1, bin=b, serial="S-2"),
    ])  # fmt: skip
    assert (first.posted, other.posted, units(house.skus[0])) == (1, 1, 2)
    assert isinstance(second, SerialElsewhere) and second.facts["where"] == "PICK"


def test_a_find_that_is_refused_does_not_stand_in_the_way_of_the_right_one(house: Floor):
    refused, found = adjust(SYSTEM, requests=[
        correction(house, 1, reason="by the wind", coded=True, serial="S-1"),
        correction(house, 1, reason="found", coded=True, serial="S-1"),
    ])  # fmt: skip
    assert isinstance(refused, Invalid) and refused.facts["field"] == "reason"
    assert (found.posted, units(house.skus[0])) == (1, 1)


@pytest.mark.parametrize("together", [True, False])
def test_a_serial_that_two_have_found_is_approved_once(house: Floor, together: bool):
    all_wait(house)
    asked = [
        adjust(someone(name), requests=[correction(house, 1, bin=bin_, serial="S-1")])[0]
        for name, bin_ in (("ann", house.bin(0)), ("ben", house.bin(0, "reserve")))
    ]
    assert [one.state for one in asked] == ["waiting", "waiting"]
    decisions = [DecideAdjustment(one.adjustment, approve=True) for one in asked]
    batches = [decisions] if together else [[one] for one in decisions]
    posted, refused = (
        answer for some in batches for answer in approve_adjustment(someone("bob"), requests=some)
    )
    assert (posted.posted, units(house.skus[0])) == (1, 1)
    assert isinstance(refused, SerialElsewhere) and refused.facts["where"] == "PICK"


def test_what_was_found_in_a_bin_that_was_blocked_since_is_not_approved_but_may_be_rejected(house: Floor):
    all_wait(house)
    (asked,) = adjust(someone("ann"), requests=[correction(house, 1)])
    sql.change(
        "UPDATE network_bin SET kind = 'blocked', was = kind WHERE id = %(bin)s::uuid", {"bin": house.bin(0)}
    )
    (refused,) = approve_adjustment(
        someone("bob"), requests=[DecideAdjustment(asked.adjustment, approve=True)]
    )
    assert isinstance(refused, Invalid) and refused.facts["field"] == "bin"
    (rejected,) = approve_adjustment(
        someone("bob"), requests=[DecideAdjustment(asked.adjustment, approve=False)]
    )
    assert (rejected.state, units(house.skus[0])) == ("rejected", 0)


def test_units_that_a_picker_is_on_the_way_to_are_not_taken(house: Floor):
    house.stock(0, 5)
    released(house.order((0, 4)).order)
    (refused,) = adjust(SYSTEM, requests=[correction(house, -2)])
    assert isinstance(refused, NotThere) and refused.facts["found"] == 1
    (less,) = adjust(SYSTEM, requests=[correction(house, -2, up_to=True)])
    assert (less.posted, less.missing, units(house.skus[0])) == (-1, 1, 4)


def test_many_units_wait_whatever_they_are_worth(house: Floor):
    house.stock(0, 50, cost=50)
    limit = policies.SetPolicy(COMPANY, "stock.adjustments", AdjustmentPolicy(None, 10), NOW)
    policies.set_policy(SYSTEM, requests=[limit])
    few, many = adjust(someone("ann"), requests=[correction(house, -10), correction(house, -11)])
    assert (few.state, many.state, units(house.skus[0])) == ("posted", "waiting", 40)
    (row,) = adjustments.adjustments(company=COMPANY, state="waiting")
    assert (row.id, row.delta, row.free, row.is_short) == (many.adjustment, -11, 40, False)
    adjust(someone("ann"), requests=[correction(house, -10) for _ in range(3)])
    assert adjustments.adjustment(row.id).is_short, "fewer are there by now than are to be taken"


def marked(house: Floor, quantity: int, **said) -> ChangeStatus:
    given = {
        "node": house.nodes[0],
        "bin": house.bin(0),
        "status": "sellable",
        "to_status": "damaged",
        **said,
    }
    return ChangeStatus(COMPANY, house.skus[0], quantity=quantity, reason="wet", **given)


def test_goods_are_marked_damaged_and_sold_again(house: Floor):
    house.stock(0, 5)
    order = house.order((0, 4)).order
    allocated(order)
    (answer,) = change_status(SYSTEM, requests=[marked(house, 3)])
    assert isinstance(answer, StatusChanged) and answer.displaced
    assert sql.run("SELECT sellable, allocated FROM stock_position") == [(2, 0)] or sql.run(
        "SELECT sellable FROM stock_position"
    ) == [(2,)]
    assert order in queued("allocate") and [one.type for one in work.of_subject(order)] == ["displaced"]
    change_status(SYSTEM, requests=[marked(house, 3, status="damaged", to_status="sellable")])
    assert sql.run("SELECT sellable FROM stock_position") == [(5,)]
    assert units(house.skus[0]) == 5


def test_a_status_is_refused_where_it_can_not_be(house: Floor):
    house.stock(0, 5)
    requests = [
        marked(house, 6), marked(house, 1, to_status="blocked"), marked(house, 1, status="in_transit"),
        marked(house, 1, node=house.nodes[1]), marked(house, 2, serial="S"), marked(house, 0),
    ]  # fmt: skip
    kinds = [type(one).__name__ for one in change_status(SYSTEM, requests=requests)]
    assert kinds == ["NotThere", "Invalid", "Invalid", "NotFound", "Invalid", "NotPlaceable"]
    assert sql.run("SELECT sellable FROM stock_position") == [(5,)]


@pytest.mark.counts("warehouse.adjust", "warehouse.change_status")
def test_corrections_have_a_key_and_as_many_statements_for_many(house: Floor, statements):
    house.stock(0, 5000)
    for command, one in (
        (adjust, correction(house, -1, key="a")),
        (change_status, marked(house, 1, key="b")),
    ):
        assert command(SYSTEM, requests=[one]) == command(SYSTEM, requests=[one])
    assert (units(house.skus[0]), sql.run("SELECT sellable FROM stock_position")) == (4998, [(4998,)])
    for command, make in ((adjust, lambda: correction(house, -1)), (change_status, lambda: marked(house, 1))):
        counts = []
        for size in SIZES:
            with statements() as ran:
                command(SYSTEM, requests=[make() for _ in range(size)])
            counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
        assert len(set(counts)) == 1, counts
