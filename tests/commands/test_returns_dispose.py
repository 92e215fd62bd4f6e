"""returns.dispose"""

from __future__ import annotations

from datetime import timedelta

import pytest

from entrepot.kernel import ids, sql
from entrepot.kernel.errors import Invalid, NotFound, Refused, RequestReused
from entrepot.returns import errors, queries
from entrepot.returns.commands.authorize import Authorized
from entrepot.returns.commands.dispose import Dispose, Disposed, dispose
from entrepot.returns.commands.inspect import Inspected
from entrepot.stock.commands.change_status import ChangeStatus, change_status
from entrepot.stock.errors import NotThere
from tests.back import INSPECTS, asked, asked_all, came, came_all, found, policy, sold
from tests.floor import COMPANY, NOW, SYSTEM, Floor, balance, units
from tests.walk import a_house, allocated, freed_is_offered, placed, queued

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 5000)
    return house


def inspected(house: Floor, quantity: int = 1, grade: str = "A") -> tuple[Authorized, Inspected]:
    one = asked(sold(house, 1, (0, quantity))[0], quantity)
    ((inspection, _),) = found(came(one), grade)
    return one, inspection


def where(sku: int, status: str, house: Floor) -> dict[str, int]:
    """Units of a SKU by the kind of the bin they stand in."""
    statement = """
        SELECT n.kind, sum(b.quantity)::int FROM stock_bucket AS b JOIN network_bin AS n ON n.id = b.bin_id
        WHERE b.sku_id = %(sku)s AND b.status = %(status)s AND b.quantity > 0 GROUP BY 1"""
    return dict(sql.run(statement, {"sku": house.skus[sku], "status": status}))


def test_what_is_as_new_goes_back_to_its_shelf(house: Floor):
    one, inspection = inspected(house, 2)
    at = NOW + timedelta(hours=5)

    (answer,) = dispose(INSPECTS, requests=[Dispose(inspection.inspection, 2, occurred_at=at)])

    assert answer.disposition == "restock"
    assert where(0, "sellable", house) == {"pick": 5000}
    assert units(house.skus[0], "pending_inspection") == 0
    (row,) = queries.whole(one.return_id).dispositions
    assert (row.id, row.disposition, row.quantity, row.bin) == (answer.disposition_id, "restock", 2, "PICK")
    assert (row.decided_by, row.decided_at) == ("ivy", at)
    assert queries.return_(one.return_id).state == "disposed"
    assert queued("decide_refund") == [one.return_id]


def test_other_than_proposed_for_a_reason_and_into_a_bin(house: Floor):
    one, inspection = inspected(house, 3)
    wanted = [
        Dispose(inspection.inspection, 1, "second_grade", reason="the box is torn"),
        Dispose(inspection.inspection, 1, "refurbish", house.bin(0, "reserve"), "a button is missing"),
        Dispose(inspection.inspection, 1, "restock", house.bin(0, "reserve")),
    ]

    answers = dispose(INSPECTS, requests=wanted)

    assert [answer.disposition for answer in answers] == ["second_grade", "refurbish", "restock"]
    assert where(0, "second_grade", house) == {"quarantine": 1}, "it stays where it is"
    assert where(0, "refurbish", house) == {"reserve": 1}
    assert where(0, "sellable", house) == {"pick": 4997, "reserve": 1}
    assert [row.reason for row in queries.whole(one.return_id).dispositions] == [
        "the box is torn",
        "a button is missing",
        "",
    ]


def test_what_leaves_the_house_takes_its_value_with_it(house: Floor):
    stock = balance(1200)
    _, inspection = inspected(house, 3, "D")
    gift = Dispose(inspection.inspection, 1, "donate", reason="still warm")
    dispose(INSPECTS, requests=[gift, Dispose(inspection.inspection, 2)])
    assert (balance(5410), balance(5320), balance(1200)) == (100, 200, stock - 300)
    assert units(house.skus[0], "pending_inspection") == 0


def test_what_can_be_sold_again_serves_those_who_wait_for_it(house: Floor):
    house.stock(1, 1)
    one = asked(sold(house, 1, (1, 1))[0], 1)
    (waits,) = placed(house, 1, (1, 1))
    allocated(waits)
    assert waits not in queued("allocate")
    ((inspection, _),) = found(came(one))

    dispose(INSPECTS, requests=[Dispose(inspection.inspection, 1)])
    freed_is_offered()

    assert waits in queued("allocate")


def test_refusals_leave_everything_as_it_was(house: Floor):
    one, inspection = inspected(house, 2)
    which, unknown, elsewhere = inspection.inspection, ids.uuid7(), house.bin(1)

    answers = dispose(
        INSPECTS,
        requests=[
            Dispose(unknown, 1),
            Dispose(which, 1, "burn"),
            Dispose(which, 0),
            Dispose(which, 3),
            Dispose(which, 1, "donate"),
            Dispose(which, 1, bin=elsewhere),
            Dispose(which, 1, bin=unknown),
        ],
    )

    assert answers[0] == NotFound(what="inspection", which=str(unknown))
    assert (answers[1].code, answers[1].facts["field"]) == ("kernel.invalid", "disposition")
    assert answers[2:] == [
        Invalid(field="quantity", expected="1 or more", found=0),
        errors.MoreThanWaits(wanted=3, step="disposed of", left=2),
        errors.ReasonNeeded(step="donate instead", why="restock was proposed"),
        errors.NoBin(node=str(house.nodes[0]), kind="such", bin=f" {elsewhere}"),
        errors.NoBin(node=str(house.nodes[0]), kind="such", bin=f" {unknown}"),
    ]
    assert queries.whole(one.return_id).dispositions == []
    assert units(house.skus[0], "pending_inspection") == 2


def test_units_that_somebody_took_meanwhile_are_not_there(house: Floor):
    _, inspection = inspected(house, 2)
    at = house.at(0, kind="quarantine")
    fell = ChangeStatus(COMPANY, at.sku, at.node, at.bin, 1, "pending_inspection", "damaged", "it fell")
    (gone,) = change_status(SYSTEM, requests=[fell])
    assert not isinstance(gone, Refused), gone

    refused, taken = dispose(
        INSPECTS, requests=[Dispose(inspection.inspection, 2), Dispose(inspection.inspection, 1)]
    )

    assert isinstance(refused, NotThere)
    assert (refused.facts["wanted"], refused.facts["found"]) == (2, 1)
    assert isinstance(taken, Disposed)


def test_the_same_inspection_several_times_in_a_batch(house: Floor):
    _, inspection = inspected(house, 3)
    answers = dispose(INSPECTS, requests=[Dispose(inspection.inspection, n) for n in (2, 2, 1, 1)])
    assert [isinstance(answer, Disposed) for answer in answers] == [True, False, True, False]
    assert units(house.skus[0]) == 5000


def test_a_key_gets_its_answer_again_and_none_for_other_content(house: Floor):
    one, inspection = inspected(house, 2)
    wanted = Dispose(inspection.inspection, 1, key="k")
    first = dispose(INSPECTS, requests=[wanted])
    assert dispose(INSPECTS, requests=[wanted]) == first
    again = dispose(INSPECTS, requests=[Dispose(inspection.inspection, 2, key="k")])
    assert again == [RequestReused(key="k", command="returns.dispose")]
    assert len(queries.whole(one.return_id).dispositions) == 1


def test_statements_do_not_grow_with_the_batch(house: Floor, statements):
    policy(refund_at="disposed")
    counts = []
    for size in (1, 10, 100):
        receipts = came_all(asked_all(sold(house, size, (0, 3)), 3))
        requests = [
            Dispose(one.inspection, 1, what, house.bin(0, "reserve"), "so", key=f"{one.inspection}{what}")
            for one, _ in found(receipts)
            for what in ("restock", "liquidate", "donate")
        ]
        with statements() as ran:
            answers = dispose(INSPECTS, requests=requests)
        assert all(isinstance(one, Disposed) for one in answers)
        counts.append([text for text in ran.texts if "SAVEPOINT" not in text])
    assert [len(one) for one in counts] == [34, 31, 31], "the first makes the buckets"
