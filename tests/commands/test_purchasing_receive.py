"""purchasing.receive"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest
from django.db import transaction

from entrepot.access.errors import DutiesApart
from entrepot.kernel import sql
from entrepot.kernel.errors import Invalid, NotFound, RequestReused, WrongState
from entrepot.kernel.ids import uuid7
from entrepot.purchasing import queries
from entrepot.purchasing.commands.cancel import CancelOrder, cancel
from entrepot.purchasing.commands.order import OrderGoods, order
from entrepot.purchasing.commands.receive import GoodsReceived, ReceiveOrder, receive
from entrepot.purchasing.errors import ExceedsOrdered, LotNeeded, NoBin
from tests.retailer import BUYER, CLERK, NOW, Retailer, a_retailer
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db


@pytest.fixture
def house() -> Retailer:
    return a_retailer(skus=3)


def ordered(house: Retailer, *lines: tuple[int, str], skus: list[UUID] | None = None) -> UUID:
    """An order of (quantity, unit cost) for one SKU after another."""
    asked = tuple(
        (sku, quantity, Decimal(cost))
        for sku, (quantity, cost) in zip(skus or house.skus, lines, strict=False)
    )
    (answer,) = order(BUYER, requests=[OrderGoods(house.company, house.supplier, house.node, "", asked)])
    return answer.order


def line_ids(order_id: UUID) -> list[UUID]:
    return [line.id for line in queries.lines(order_id)]


def units(house: Retailer) -> list[tuple]:
    return sql.run(
        "SELECT sku_id, bin_id, lot, quantity FROM stock_bucket WHERE quantity > 0 ORDER BY sku_id, lot"
    )


def balance(house: Retailer, account: int) -> int:
    return sql.run(
        "SELECT coalesce(sum(functional_minor), 0)::bigint FROM ledger_line"
        " WHERE company_id = %(company)s::smallint AND account = %(account)s::int",
        {"company": house.company, "account": account},
    )[0][0]


def test_all_that_was_ordered_comes_in_at_its_cost(house):
    one = ordered(house, (10, "1.2345"), (3, "0.333"))

    (answer,) = receive(CLERK, requests=[ReceiveOrder(one, occurred_at=NOW + timedelta(days=2))])

    assert isinstance(answer, GoodsReceived)
    assert answer.number.startswith("GR-")
    assert (answer.state, answer.quantity, answer.value_minor) == ("received", 13, 1235 + 100)
    assert units(house) == [(house.skus[0], house.receiving, "", 10), (house.skus[1], house.receiving, "", 3)]
    assert (balance(house, 1200), balance(house, 2050)) == (1335, -1335)
    (receipt,) = queries.receipts(one)
    assert (receipt.received_by, receipt.received_at) == ("dan", NOW + timedelta(days=2))
    assert (receipt.quantity, receipt.value_minor) == (13, 1335)


def test_portions_of_a_line_sum_to_its_value(house):
    one = ordered(house, (3, "0.335"))  # 1.005: a penny and a half a unit, rounded once
    (line,) = line_ids(one)

    states = [receive(CLERK, requests=[ReceiveOrder(one, ((line, 1),))])[0] for _ in range(3)]

    assert [answer.state for answer in states] == ["part_received", "part_received", "received"]
    assert sum(answer.value_minor for answer in states) == 101
    assert balance(house, 1200) == 101


def test_two_receipts_of_one_order_in_one_batch(house):
    one = ordered(house, (10, "1"))
    (line,) = line_ids(one)
    first, second, third = receive(
        CLERK, requests=[ReceiveOrder(one, ((line, 4),)), ReceiveOrder(one), ReceiveOrder(one)]
    )
    assert (first.quantity, first.state, second.quantity, second.state) == (4, "part_received", 6, "received")
    assert isinstance(third, WrongState)


def test_goods_go_to_the_bin_that_is_named(house):
    one = ordered(house, (10, "1"))
    receive(CLERK, requests=[ReceiveOrder(one, bin=house.pick)])
    assert units(house) == [(house.skus[0], house.pick, "", 10)]


def test_lots_are_kept_apart(house):
    one = ordered(house, (10, "1"), skus=[house.perishable])
    (line,) = line_ids(one)

    refused = receive(CLERK, requests=[ReceiveOrder(one), ReceiveOrder(one, ((line, 4, "A"),))])
    assert [type(answer) for answer in refused] == [LotNeeded, LotNeeded]
    receive(
        CLERK,
        requests=[ReceiveOrder(one, ((line, 4, "A", date(2027, 1, 1)), (line, 6, "B", date(2027, 2, 1))))],
    )

    assert [row[2:] for row in units(house)] == [("A", 4), ("B", 6)]


def test_nobody_receives_what_they_ordered(house):
    one = ordered(house, (10, "1"))
    (answer,) = receive(BUYER, requests=[ReceiveOrder(one)])
    ((number,),) = sql.run("SELECT number FROM purchasing_order")
    assert answer == DutiesApart(person="bea", pair="order×receive×accept", document=number, side="receive")
    assert nothing_received(house, one)


def test_the_database_refuses_it_too(house):
    one = ordered(house, (10, "1"))
    columns = ("document", "pair", "side", "person", "taken_at")
    with pytest.raises(psycopg.errors.ExclusionViolation), transaction.atomic():
        sql.write("access_duty", columns, [(one, "order×receive×accept", "receive", "bea", NOW)])


def test_a_receipt_without_the_duty_is_refused_by_the_database(house):
    one = ordered(house, (10, "1"))
    columns = ("id", "number", "company_id", "order_id", "node_id", "received_by", "received_at")
    with pytest.raises(psycopg.IntegrityError, match="must have taken the duty"), transaction.atomic():
        sql.write(
            "purchasing_receipt", columns, [(uuid7(), "R-1", house.company, one, house.node, "bea", NOW)]
        )


def nothing_received(house: Retailer, one: UUID) -> bool:
    found = queries.order(one)
    return (found.state, found.received, queries.receipts(one), units(house)) == ("open", 0, [], [])


def test_refusals_change_nothing(house):
    one = ordered(house, (10, "1"), (5, "1"))
    line, _ = line_ids(one)
    answers = receive(
        CLERK,
        requests=[
            ReceiveOrder(uuid7()),
            ReceiveOrder(one, ((line, 11),)),
            ReceiveOrder(one, ((line, 0),)),
            ReceiveOrder(one, ()),
            ReceiveOrder(one, ((uuid7(), 1),)),
            ReceiveOrder(one, bin=uuid7()),
            ReceiveOrder(one, bin=house.elsewhere),
        ],
    )
    refusals = [NotFound, ExceedsOrdered, Invalid, Invalid, NotFound, NoBin, NoBin]
    assert [type(answer) for answer in answers] == refusals
    assert nothing_received(house, one)


def test_received_and_cancelled_orders_are_over(house):
    done, ended = ordered(house, (1, "1")), ordered(house, (1, "1"))
    receive(CLERK, requests=[ReceiveOrder(done)])
    cancel(BUYER, requests=[CancelOrder(ended, "late")])
    answers = receive(CLERK, requests=[ReceiveOrder(done), ReceiveOrder(ended)])
    assert [type(answer) for answer in answers] == [WrongState, WrongState]


def test_a_key_gets_its_answer_again_and_refuses_other_content(house):
    one = ordered(house, (10, "1"))
    (line,) = line_ids(one)
    request = ReceiveOrder(one, ((line, 4),), key="dock-1")

    first = receive(CLERK, requests=[request])

    assert receive(CLERK, requests=[request]) == first
    other = replace(request, lines=((line, 5),))
    assert receive(CLERK, requests=[other]) == [RequestReused(key="dock-1", command="purchasing.receive")]
    assert queries.order(one).received == 4


def test_free_goods_are_received_without_value(house):
    one = ordered(house, (10, "0"))
    (answer,) = receive(CLERK, requests=[ReceiveOrder(one)])
    assert (answer.quantity, answer.value_minor) == (10, 0)
    assert balance(house, 1200) == 0


@pytest.mark.counts("purchasing.receive")
@pytest.mark.parametrize("lines", [1, 5])
def test_statements_do_not_grow_with_the_batch(statements, house, lines):
    receive(CLERK, requests=[ReceiveOrder(ordered(house, (1, "1")))])  # the SKU's first units make its rows
    counts = {}
    for count in SIZES:
        orders = [ordered(house, *[(10, "1.5")] * lines, skus=house.skus[:1] * lines) for _ in range(count)]
        with statements() as ran:
            answers = receive(CLERK, requests=[ReceiveOrder(one, key=str(one)) for one in orders])
        assert all(isinstance(answer, GoodsReceived) for answer in answers)
        counts[count] = len([text for text in ran.texts if "SAVEPOINT" not in text])
    assert len(set(counts.values())) == 1, counts
