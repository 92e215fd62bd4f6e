"""returns.grade_skus, returns.redispose, and second grade in returns.dispose"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from entrepot.catalog.commands.register import RegisterSku, register_skus
from entrepot.kernel import ids, policies, sql
from entrepot.kernel.command import whole
from entrepot.kernel.errors import Invalid, NotFound, RequestReused, WrongState
from entrepot.ledger.commands.choose_costing import ChooseCosting, choose_costing
from entrepot.returns import departure_queries, errors, second_grade_queries
from entrepot.returns.commands.dispose import Dispose, Disposed, dispose
from entrepot.returns.commands.grade_skus import GradeSku, SkuGraded, grade_skus
from entrepot.returns.commands.receive import Receive, receive
from entrepot.returns.commands.redispose import Redispose, Redisposed, redispose
from entrepot.returns.regrading import SecondGrade
from entrepot.stock.commands.change_status import ChangeStatus, change_status
from entrepot.stock.commands.receive import Receive as Got
from entrepot.stock.commands.receive import receive as receive_stock
from entrepot.stock.errors import NotThere
from tests.back import INSPECTS, RECEIVES, asked_all, came_all, found, sold
from tests.floor import COMPANY, NOW, SYSTEM, Floor, balance, units
from tests.onward import UNKNOWN, disposed, opened
from tests.sizes import SIZES
from tests.walk import a_house, allocated, freed_is_offered, placed, queued

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 5000)
    return house


def named(grade: str = "B", sku: str = "SKU-000", into: str = "SKU-001") -> None:
    whole(grade_skus(SYSTEM, requests=[GradeSku(COMPANY, sku, grade, into)]))


def priced(code: str, price: str) -> None:
    whole(register_skus(SYSTEM, requests=[RegisterSku(COMPANY, code, code, list_price=Decimal(price))]))


def costs(**facts: object) -> None:
    kept = policies.SetPolicy(COMPANY, "returns.second_grade", SecondGrade(**facts), NOW - timedelta(days=1))
    policies.set_policy(SYSTEM, requests=[kept])


def graded(house: Floor, *lines_: tuple[int, int], grade: str = "B") -> list[UUID]:
    """Inspections of so many units of a SKU each, that wait for their disposition."""
    orders = [sold(house, 1, line)[0] for line in lines_]
    receipts = [
        r for order, (_, n) in zip(orders, lines_, strict=True) for r in came_all(asked_all([order], n))
    ]
    return [one.inspection for one, _ in found(receipts, grade)]


def valued(sku: int, house: Floor) -> tuple[int, int]:
    """Units of a SKU in the books, and what they are worth there."""
    rows = sql.run(
        "SELECT sum(quantity)::int, sum(value_minor)::bigint FROM ledger_valuation WHERE sku_id = %(sku)s",
        {"sku": house.skus[sku]},
    )
    return rows[0]


def written(house: Floor, inspection: UUID, quantity: int) -> second_grade_queries.RegradedRow:
    (answer,) = dispose(INSPECTS, requests=[Dispose(inspection, quantity)])
    assert isinstance(answer, Disposed), answer
    ((which,),) = sql.run("SELECT return_id FROM returns_inspection WHERE id = %(id)s", {"id": inspection})
    (row,) = second_grade_queries.regraded(which)
    assert row.disposition == answer.disposition_id
    return row


def test_second_grade_is_sold_as_its_sku_at_what_it_will_bring(house: Floor):
    """Two units that cost 100 each: their SKU of second grade costs 0.60, of which a tenth goes to selling."""
    named()
    priced("SKU-001", "0.60")
    costs(sell_percent=10)
    house.stock(1, 3, cost=40)
    stock = balance(1200)
    (inspection,) = graded(house, (0, 2))
    before = valued(0, house)

    row = written(house, inspection, 2)

    assert (row.sku_code, row.into_code, row.grade, row.quantity) == ("SKU-000", "SKU-001", "B", 2)
    assert (row.cost_minor, row.value_minor) == (200, 108)
    assert (units(house.skus[0], "second_grade"), units(house.skus[1])) == (0, 5)
    assert valued(0, house) == (before[0] - 2, before[1] - 200), "the average of the others is as it was"
    assert valued(1, house) == (5, 40 + 108)
    assert (balance(5330), balance(1230), balance(1200)) == (92, 0, stock - 92)
    assert departure_queries.waiting(COMPANY) == []


def test_without_a_price_of_its_own_by_a_percentage_of_what_it_was(house: Floor):
    named("C")
    priced("SKU-000", "1.50")
    priced_none = RegisterSku(COMPANY, "SKU-001", "SKU-001")
    whole(register_skus(SYSTEM, requests=[priced_none]))
    costs(percents={"C": 40})
    (inspection,) = graded(house, (0, 1), grade="C")
    (answer,) = dispose(SYSTEM, requests=[Dispose(inspection, 1, "second_grade", reason="it sells so")])
    assert isinstance(answer, Disposed)
    assert balance(5330) == 40, "of 1.50 it brings 0.60, and it had cost 1.00"


def test_a_lot_expires_on_its_day_as_what_it_is_sold_as_too(house: Floor):
    named()
    day = date(2027, 1, 31)
    place = house.bins[house.nodes[0], "pick"]
    got = Got(COMPANY, house.skus[0], house.nodes[0], place, 1, 100, "receipt", ids.uuid7(), lot="L-1",
              expires_on=day)  # fmt: skip
    whole(receive_stock(SYSTEM, requests=[got]))
    (one,) = asked_all(sold(house, 1, (0, 1)), 1)
    (came,) = whole(receive(RECEIVES, requests=[Receive(one.return_id, one.lines[0], 1, lot="L-1")]))
    ((seen, _),) = found([came], "B")
    written(house, seen.inspection, 1)
    rows = sql.run(
        "SELECT lot, expires_on FROM stock_bucket WHERE sku_id = %(sku)s AND status = 'sellable' AND quantity > 0",
        {"sku": house.skus[1]},
    )
    assert rows == [("L-1", day)]


def test_what_brings_more_than_it_cost_keeps_its_cost(house: Floor):
    named()
    priced("SKU-001", "90")
    (inspection,) = graded(house, (0, 2))
    row = written(house, inspection, 2)
    assert (row.cost_minor, row.value_minor, balance(5330)) == (200, 200, 0)


def test_layers_of_both_skus_keep_their_value(house: Floor):
    choose_costing(SYSTEM, requests=[ChooseCosting(COMPANY, "fifo", "as we are asked to", revalue=True)])
    named()
    priced("SKU-001", "0.60")
    house.stock(1, 3, cost=40)
    (inspection,) = graded(house, (0, 2))
    before = valued(0, house)
    row = written(house, inspection, 2)
    assert valued(0, house) == (before[0] - 2, before[1] - row.cost_minor)
    assert valued(1, house) == (5, 40 + 120)


def test_it_serves_who_waits_for_it(house: Floor):
    named()
    house.stock(1, 1)
    allocated(*placed(house, 1, (1, 1)))
    (waits,) = placed(house, 1, (1, 1))
    allocated(waits)
    (inspection,) = graded(house, (0, 1))
    dispose(INSPECTS, requests=[Dispose(inspection, 1)])
    freed_is_offered()
    assert waits in queued("allocate")


def test_where_nothing_is_named_it_stands_and_waits(house: Floor):
    named("C")
    (inspection,) = graded(house, (0, 2))
    dispose(INSPECTS, requests=[Dispose(inspection, 2)])
    assert units(house.skus[0], "second_grade") == 2
    assert [(one.kind, one.units) for one in departure_queries.waiting(COMPANY)] == [("second_grade", 2)]


def test_what_stands_there_goes_on_in_every_way(house: Floor):
    (which,) = disposed(house, "second_grade", 9)
    named("C")
    stock = balance(1200)

    answers = redispose(SYSTEM, requests=[
        Redispose(COMPANY, which, 2, "second_grade", "it has a name now"),
        *(Redispose(COMPANY, which, 1, way, "nobody buys it") for way in (
            "liquidate", "donate", "dispose", "refurbish", "return_to_vendor"
        )),
    ])  # fmt: skip

    assert all(isinstance(one, Redisposed) for one in answers), answers
    assert answers[0] == Redisposed(which, "second_grade", 200)
    assert [one.value_minor for one in answers[2:4]] == [100, 100], "what left the house"
    assert units(house.skus[1]) == 2
    assert {status: units(house.skus[0], status) for status in (
        "second_grade", "liquidation", "refurbish", "vendor_return"
    )} == {"second_grade": 2, "liquidation": 1, "refurbish": 1, "vendor_return": 1}  # fmt: skip
    assert (balance(5410), balance(5320), balance(1200)) == (100, 100, stock - 200)
    assert sorted((one.kind, one.units) for one in departure_queries.waiting(COMPANY)) == [
        ("dispose", 1), ("donate", 1), ("liquidate", 1), ("refurbish", 1), ("return_to_vendor", 1), ("second_grade", 2),
    ]  # fmt: skip
    opened("liquidation", (answers[1].disposition_id, 1))


def test_refusals(house: Floor):
    (which,) = disposed(house, "second_grade", 3)
    (lot,) = disposed(house, "liquidate", 1)
    one = Redispose(COMPANY, which, 1, "donate", "so")
    answers = redispose(SYSTEM, requests=[
        Redispose(COMPANY, UNKNOWN, 1, "donate", "so"), Redispose(COMPANY + 1, which, 1, "donate", "so"),
        Redispose(COMPANY, which, 1, "restock", "so"), Redispose(COMPANY, lot, 1, "donate", "so"),
        Redispose(COMPANY, which, 1, "donate", " "), Redispose(COMPANY, which, 0, "donate", "so"),
        Redispose(COMPANY, which, 4, "donate", "so"), Redispose(COMPANY, which, 1, "second_grade", "so"),
        Redispose(COMPANY, which, 1, "liquidate", "so", house.bin(1)),
    ])  # fmt: skip
    assert [type(answer) for answer in answers] == [
        NotFound, NotFound, Invalid, WrongState, errors.ReasonNeeded, Invalid, errors.MoreThanWaits,
        errors.NoSecondGrade, errors.NoBin,
    ]  # fmt: skip
    at = house.at(kind="quarantine", status="second_grade")
    fell = ChangeStatus(COMPANY, at.sku, at.node, at.bin, 3, at.status, "damaged", "it fell")
    whole(change_status(SYSTEM, requests=[fell]))
    assert isinstance(redispose(SYSTEM, requests=[one])[0], NotThere)


def test_units_are_decided_about_once(house: Floor):
    (which,) = disposed(house, "second_grade", 3)
    wanted = Redispose(COMPANY, which, 2, "donate", "so", key="k")
    first = redispose(SYSTEM, requests=[wanted])
    assert redispose(SYSTEM, requests=[wanted]) == first
    other = Redispose(COMPANY, which, 1, "donate", "so", key="k")
    assert redispose(SYSTEM, requests=[other]) == [RequestReused(key="k", command="returns.redispose")]
    again = redispose(SYSTEM, requests=[Redispose(COMPANY, which, 1, "donate", "so") for _ in range(2)])
    assert [type(one) for one in again] == [Redisposed, errors.MoreThanWaits]


def test_naming(house: Floor):
    kit = house.kit("KIT", (0, 1))
    answers = grade_skus(SYSTEM, requests=[
        GradeSku(COMPANY, "SKU-000", "B", "SKU-001"), GradeSku(COMPANY, "SKU-000", "A", "SKU-001"),
        GradeSku(COMPANY, "SKU-000", "B", "NONE"), GradeSku(COMPANY, "NONE", "B", "SKU-001"),
        GradeSku(COMPANY, "SKU-000", "B", "SKU-000"), GradeSku(COMPANY, "SKU-000", "C", "KIT"),
        GradeSku(COMPANY, "", "C", "SKU-001"), GradeSku(COMPANY, "SKU-000", "B", "SKU-002", "k"),
    ])  # fmt: skip
    assert kit
    assert [type(one) for one in answers] == [
        SkuGraded, Invalid, NotFound, NotFound, Invalid, Invalid, NotFound, SkuGraded,
    ]  # fmt: skip
    (row,) = second_grade_queries.named(COMPANY)
    assert (row.sku_code, row.grade, row.into_code) == ("SKU-000", "B", "SKU-002")
    assert grade_skus(SYSTEM, requests=[GradeSku(COMPANY, "SKU-000", "B", "SKU-002", "k")]) == answers[-1:]
    whole(grade_skus(SYSTEM, requests=[GradeSku(COMPANY, "SKU-000", "B")]))
    assert second_grade_queries.named(COMPANY) == []


@pytest.mark.counts("returns.grade_skus")
def test_naming_takes_as_many_statements_for_many(house: Floor, statements):
    counts = []
    for take, size in enumerate((1, *SIZES)):
        codes = [f"M-{take}-{n}" for n in range(size)]
        whole(register_skus(SYSTEM, requests=[RegisterSku(COMPANY, code, code) for code in codes]))
        with statements() as ran:
            whole(grade_skus(SYSTEM, requests=[GradeSku(COMPANY, code, "B", "SKU-001") for code in codes]))
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert len(set(counts)) == 1, counts


def test_second_grade_sold_at_once_takes_as_many_statements_for_many(house: Floor, statements):
    named()
    counts = []
    for size in (1, *SIZES):
        receipts = came_all(asked_all(sold(house, size, (0, 1)), 1))
        wanted = [Dispose(one.inspection, n) for one, n in found(receipts, "B")]
        with statements() as ran:
            answers = dispose(INSPECTS, requests=wanted)
        assert all(isinstance(one, Disposed) for one in answers)
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert counts[-1] <= counts[0] <= 60, counts


@pytest.mark.counts("returns.redispose")
def test_statements_do_not_grow_with_the_batch(house: Floor, statements):
    counts = []
    for size in (1, *SIZES):
        whole(grade_skus(SYSTEM, requests=[GradeSku(COMPANY, "SKU-000", "C")]))
        which = disposed(house, "second_grade", *([2] * size))
        named("C")
        for way in ("donate", "second_grade"):
            wanted = [Redispose(COMPANY, one, 1, way, "so") for one in which]
            with statements() as ran:
                answers = redispose(SYSTEM, requests=wanted)
            assert all(isinstance(one, Redisposed) for one in answers)
            counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert max(counts) <= 45 and counts[-1] <= counts[1], counts
