"""shipping.perform"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from entrepot.kernel import ids
from entrepot.kernel.errors import NotFound
from entrepot.ledger import queries as ledger
from entrepot.orders import queries as orders
from entrepot.orders.commands.hold import PlaceHold, place_hold
from entrepot.orders.commands.place import OrderLine, PaymentGiven, PlaceOrder, place
from entrepot.shipping import errors
from entrepot.shipping.commands.perform import PerformServices, ServicesPerformed, perform
from entrepot.shipping.tasks import serve_perform
from tests.floor import COMPANY, NOW, SYSTEM, Floor, balance
from tests.sizes import SIZES
from tests.walk import a_house, queued

pytestmark = pytest.mark.django_db

FEE = OrderLine("AMAZONFEE", 1, Decimal("120.50"), kind="fee.marketplace")
CORRECTION = OrderLine("M", 2, Decimal("-1.25"), kind="manual")


@pytest.fixture
def house(db: None) -> Floor:
    return a_house()


def orders_of(house: Floor, count: int, *lines: OrderLine, **facts: object) -> list:
    first, house.placed = house.placed, house.placed + count
    wanted = [
        PlaceOrder(
            COMPANY, "shop", f"S-{first + i}", lines, "GBP", country="GB", postal_code="SW1A 1AA", **facts
        )
        for i in range(count)
    ]
    return [answer.order for answer in place(SYSTEM, requests=wanted)]


def test_an_order_of_services_alone_is_delivered_at_once(house: Floor):
    (order,) = orders_of(house, 1, FEE, CORRECTION, payment=PaymentGiven("account", "c", 11800, NOW))
    assert queued("perform") == [order]

    (answer,) = perform(SYSTEM, requests=[PerformServices(order, NOW + timedelta(hours=1))])

    assert answer == ServicesPerformed(order, 12050 - 250)
    assert orders.order(order).status == "delivered"
    assert ledger.sums_by_kind(company=COMPANY) == {"sale.fee.marketplace": 12050, "sale.manual": -250}
    assert (balance(5200), balance(4090), balance(2100), balance(1100)) == (-12050, 250, 0, 11800)
    assert queued("perform") == []


def test_refusals_leave_everything_as_it_was(house: Floor):
    (held,) = orders_of(house, 1, FEE)
    place_hold(SYSTEM, requests=[PlaceHold(held, "fraud review", "looks odd")])
    (mixed,) = orders_of(house, 1, OrderLine("SKU-000", 3, Decimal(1)), FEE)
    plain = house.order((0, 1)).order
    unknown = ids.uuid7()

    answers = perform(SYSTEM, requests=[PerformServices(order) for order in (held, mixed, plain, unknown)])

    assert answers == [
        errors.OnHold(order=orders.order(held).number, hold="fraud review"),
        errors.GoodsFirst(order=orders.order(mixed).number, units=3),
        errors.NothingToPerform(order=orders.order(plain).number),
        NotFound(what="order", which=str(unknown)),
    ]
    assert balance(5200) == 0


def test_services_are_performed_once_by_key_or_without(house: Floor):
    (order,) = orders_of(house, 1, FEE)
    refusal = errors.NothingToPerform(order=orders.order(order).number)
    first, twice = perform(SYSTEM, requests=[PerformServices(order, key="k"), PerformServices(order)])
    assert twice == refusal
    assert perform(SYSTEM, requests=[PerformServices(order, key="k")]) == [first]
    assert perform(SYSTEM, requests=[PerformServices(order)]) == [refusal]
    assert balance(5200) == -12050


def test_the_worker_serves_the_queue(house: Floor):
    wanted = orders_of(house, 3, FEE)
    serve_perform(SYSTEM, wanted)
    assert {orders.order(order).status for order in wanted} == {"delivered"}


@pytest.mark.counts("shipping.perform")
def test_statements_do_not_grow_with_the_batch(house: Floor, statements):
    counts = []
    for size in SIZES:
        wanted = orders_of(house, size, FEE, payment=PaymentGiven("account", "c", 12050, NOW))
        with statements() as ran:
            perform(SYSTEM, requests=[PerformServices(order, key=str(order)) for order in wanted])
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert counts[0] == counts[1] == counts[2], counts
