"""purchasing.order and purchasing.cancel"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from entrepot.access import queries as access
from entrepot.kernel import sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import Invalid, NotFound, NotPermitted, RequestReused, WrongState
from entrepot.kernel.ids import uuid7
from entrepot.purchasing import queries
from entrepot.purchasing.commands.cancel import CancelOrder, OrderCancelled, cancel
from entrepot.purchasing.commands.order import GoodsOrdered, OrderGoods, order
from entrepot.purchasing.errors import Duplicate
from tests.retailer import BUYER, NOW, Retailer, a_retailer
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db


@pytest.fixture
def house() -> Retailer:
    return a_retailer(skus=3)


def goods(house: Retailer, **changes) -> OrderGoods:
    lines = ((house.skus[0], 10, Decimal("1.2345")), (house.skus[1], 5, Decimal("0.5")))
    return replace(OrderGoods(house.company, house.supplier, house.node, "", lines), **changes)


def nothing_written() -> bool:
    return sql.run("SELECT count(*) FROM purchasing_order")[0][0] == 0 and not sql.run(
        "SELECT FROM access_duty"
    )


def test_an_order_is_open_with_its_lines_and_its_number(house):
    (answer,) = order(BUYER, requests=[goods(house, external_ref="W12", occurred_at=NOW - timedelta(days=3))])

    assert isinstance(answer, GoodsOrdered)
    assert answer.number.startswith("PO-")
    found = queries.order(answer.order)
    assert (found.number, found.state, found.external_ref, found.ordered_by) == (
        answer.number,
        "open",
        "W12",
        "bea",
    )
    assert (found.ordered_at, found.quantity, found.received) == (NOW - timedelta(days=3), 15, 0)
    assert [
        (line.number, line.sku, line.quantity, line.unit_cost) for line in queries.lines(answer.order)
    ] == [
        (1, house.skus[0], 10, Decimal("1.2345")),
        (2, house.skus[1], 5, Decimal("0.5")),
    ]
    assert queries.by_external_ref(house.company, ["W12", "W13"]) == {"W12": (answer.order, "open")}
    assert [one.id for one in queries.orders(house.company)] == [answer.order]


def test_whoever_orders_takes_that_duty(house):
    (answer,) = order(BUYER, requests=[goods(house)])
    (held,) = access.duties_of(answer.order)
    assert (held.pair, held.side, held.person) == ("order×receive×accept", "order", "bea")


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"supplier": uuid7()}, NotFound),
        ({"node": uuid7()}, NotFound),
        ({"company": 99}, NotFound),
        ({"lines": ()}, Invalid),
        ({"lines": ((uuid7(), 1, Decimal(1)),)}, NotFound),
    ],
)
def test_what_does_not_exist_is_refused_and_nothing_is_written(house, changes, refusal):
    (answer,) = order(BUYER, requests=[goods(house, **changes)])
    assert isinstance(answer, refusal)
    assert nothing_written()


def test_units_and_costs_must_make_sense(house):
    lines = [((house.skus[0], 0, Decimal(1)),), ((house.skus[0], 1, Decimal(-1)),)]
    answers = order(BUYER, requests=[goods(house, lines=one) for one in lines])
    assert [type(answer) for answer in answers] == [Invalid, Invalid]
    assert nothing_written()


def test_an_order_is_in_the_currency_of_its_supplier(house):
    (answer,) = order(BUYER, requests=[goods(house, supplier=house.foreign_supplier)])
    assert isinstance(answer, GoodsOrdered)
    found = queries.order(answer.order)
    assert found and found.currency == "EUR"


def test_a_reference_is_ordered_once(house):
    (first,) = order(BUYER, requests=[goods(house, external_ref="W12")])

    again, within, fresh = order(
        BUYER,
        requests=[goods(house, external_ref=ref) for ref in ("W12", "W13", "W13")],
    )[:3]

    assert again == Duplicate(external_ref="W12", number=first.number)
    assert isinstance(within, GoodsOrdered)
    assert fresh == Duplicate(external_ref="W13", number=within.number)
    assert queries.checked()["purchase order lines"] == 4


def test_orders_without_a_reference_are_never_duplicates(house):
    answers = order(BUYER, requests=[goods(house), goods(house)])
    assert len({answer.order for answer in answers}) == 2


def test_a_key_gets_its_answer_again_and_refuses_other_content(house):
    one = goods(house, key="k")
    first = order(BUYER, requests=[one])
    assert order(BUYER, requests=[one]) == first
    other = replace(one, external_ref="X")
    assert order(BUYER, requests=[other]) == [RequestReused(key="k", command="purchasing.order")]
    assert queries.checked()["purchase orders"] == 1


def test_the_auditor_orders_nothing(house):
    (answer,) = order(Cause(Actor("auditor"), NOW), requests=[goods(house)])
    assert isinstance(answer, NotPermitted)
    assert nothing_written()


def test_cancelling_ends_an_order(house):
    (made,) = order(BUYER, requests=[goods(house)])

    answers = cancel(
        BUYER,
        requests=[
            CancelOrder(made.order, ""),
            CancelOrder(made.order, "supplier is out"),
            CancelOrder(made.order, "twice"),
            CancelOrder(uuid7(), "unknown"),
        ],
    )

    assert [type(answer) for answer in answers] == [Invalid, OrderCancelled, WrongState, NotFound]
    assert queries.order(made.order).state == "cancelled"


@pytest.mark.counts("purchasing.order")
@pytest.mark.parametrize("count", SIZES)
def test_statements_do_not_grow_with_the_batch(statements, house, count):
    with statements() as ran:
        order(BUYER, requests=[goods(house, external_ref=f"R{i}", key=f"k{i}") for i in range(count)])
    # keys, numbers, 3 look-ups, orders, lines, expected supply, 2 for duties, events, offers, remember keys
    assert len([text for text in ran.texts if "SAVEPOINT" not in text]) == 14, ran
