"""shipping.ship"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from entrepot.carriage.commands.register import RegisterService, register_services
from entrepot.kernel import ids, sql
from entrepot.kernel.errors import NotFound, WrongState
from entrepot.ledger import queries as ledger
from entrepot.ledger.commands.close_month import CloseMonth, close_month
from entrepot.ledger.errors import MonthClosed
from entrepot.orders import queries as orders
from entrepot.orders.commands.hold import PlaceHold, place_hold
from entrepot.orders.commands.place import OrderLine, PaymentGiven, PlaceOrder, place
from entrepot.shipping import errors, queries
from entrepot.shipping.commands.ship import FulfillmentShipped, ShipFulfillment, ship
from entrepot.stock import queries as stock
from entrepot.warehouse import queries as warehouse
from entrepot.warehouse.commands.pack import PackFulfillment, pack
from entrepot.work import queries as work
from tests.floor import COMPANY, NOW, SYSTEM, Floor, balance, units
from tests.sizes import SIZES
from tests.walk import a_house, packed, picked, placed, queued, shipped

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 5000)
    house.stock(1, 5000)
    return house


def an_order(house: Floor, *lines: OrderLine, **facts: object) -> UUID:
    house.placed += 1
    request = PlaceOrder(
        COMPANY, "shop", f"X-{house.placed}", lines, "GBP", country="GB", postal_code="SW1A 1AA", **facts
    )
    (answer,) = place(SYSTEM, requests=[request])  # type: ignore[arg-type]
    return answer.order


def kinds() -> dict[str, int]:
    return {kind: amount for kind, amount in ledger.sums_by_kind(company=COMPANY).items() if amount}


def test_goods_leave_and_the_books_say_so(house: Floor):
    paid = PaymentGiven("account", "card 1", 5000, NOW)
    order = an_order(
        house,
        OrderLine("SKU-000", 2, Decimal("9.99")),
        OrderLine("SKU-001", 1, Decimal(20)),
        discount_minor=399, shipping_minor=450, tax_minor=800, payment=paid,
    )  # fmt: skip
    (work_,) = packed(order)
    left_at = NOW + timedelta(hours=6)

    (answer,) = ship(SYSTEM, requests=[ShipFulfillment(work_, "1Z 999", left_at)])

    assert isinstance(answer, FulfillmentShipped)
    assert (answer.service, answer.cost_minor, answer.amount_minor) == (
        "slow",
        300,
        1998 + 2000 - 399 + 450 + 800,
    )
    (row,) = queries.of_order(order)
    assert (row.carrier, row.service, row.zone, row.tracking, row.state) == (
        "Post",
        "slow",
        "inland",
        "1Z 999",
        "shipped",
    )
    assert (row.units, row.amount_minor, row.shipped_at) == (3, answer.amount_minor, left_at)
    assert (row.reasons["late"], row.reasons["why"]) == (False, "least")
    assert row.reasons["barred"] == []
    assert [(one["service"], one["total_minor"]) for one in row.reasons["candidates"]] == [
        ("slow", 300),
        ("fast", 900),
    ]
    assert warehouse.of_order(order)[0].state == "shipped"
    assert orders.order(order).status == "shipped"
    assert orders.order(order).payment == "captured"
    # Stock, promise and staging are empty of it, its cost is posted.
    assert (units(house.skus[0]), units(house.skus[1])) == (4998, 4999)
    assert sql.run("SELECT count(*) FROM stock_allocation") == [(0,)]
    assert [move.target for move in stock.moves(document=answer.shipment)] == ["customer", "customer"]
    assert balance(5000) == 300
    # Revenue by kind, at the time it left; carriage accrued; the customer owes nothing more.
    assert (balance(4000), balance(4090), balance(4010), balance(2200)) == (-3998, 399, -450, -800)
    assert (balance(5500), balance(2150)) == (300, -300)
    assert (balance(1100), balance(2100)) == (answer.amount_minor, 0)
    assert sql.run("SELECT DISTINCT occurred_at FROM ledger_line WHERE document_kind = 'shipment'") == [
        (left_at,)
    ]
    assert queued("ship") == []


def test_the_channel_is_told(house: Floor):
    order = an_order(house, OrderLine("SKU-000", 1, Decimal(5)))
    shipped(order)

    ((destination, topic, subject, body),) = sql.run(
        "SELECT destination, topic, subject_id, body::text FROM kernel_delivery"
    )

    assert (destination, topic, subject) == ("channels:shop", "order.shipped", order)
    told = json.loads(body)
    assert told["order"] == f"X-{house.placed}"
    assert (told["carrier"], [line["quantity"] for line in told["lines"]]) == ("Post", [1])


def test_the_faster_service_is_taken_where_the_promise_needs_it(house: Floor):
    shipped(an_order(house, OrderLine("SKU-000", 1, Decimal(5)), promise_at=NOW + timedelta(days=2)))
    shipped(an_order(house, OrderLine("SKU-000", 1, Decimal(5)), service="fast"))
    assert [row.service for row in queries.shipments(COMPANY)] == ["fast", "fast"]


def test_without_any_service_set_up_goods_leave_by_own_means(house: Floor):
    sql.run("UPDATE carriage_service SET active = false")
    order = an_order(house, OrderLine("SKU-000", 1, Decimal(5)))
    shipped(order)
    (row,) = queries.of_order(order)
    assert (row.carrier, row.service, row.cost_minor) == ("", "", 0)
    assert row.tracking == row.number


def test_partial_shipments_bear_together_what_was_frozen(house: Floor):
    house.stock(2, 2, node=0)
    house.stock(2, 5, node=1)
    order = an_order(
        house, OrderLine("SKU-002", 7, Decimal("1.43")), discount_minor=100, shipping_minor=99, tax_minor=101
    )
    work_ = packed(order)
    assert len(work_) == 2

    answers = ship(SYSTEM, requests=[ShipFulfillment(one) for one in work_])

    (line,) = orders.order(order).lines
    parts = [queries.lines(answer.shipment)[0] for answer in answers]
    assert sum(part.quantity for part in parts) == 7
    for amount in ("discount_minor", "shipping_minor", "tax_minor"):
        assert sum(getattr(part, amount) for part in parts) == getattr(line, amount)
    assert sum(part.goods_minor for part in parts) == line.gross_minor == 1001
    assert orders.order(order).status == "shipped"


def test_an_order_shipped_in_part_says_so(house: Floor):
    house.stock(2, 2)
    order = house.order((2, 3)).order
    shipped(order)
    assert orders.order(order).status == "partly shipped"
    house.stock(2, 1)
    shipped(order)
    assert orders.order(order).status == "shipped"
    assert balance(4000) == -2997


def test_services_are_performed_with_the_first_shipment_and_once(house: Floor):
    house.stock(2, 1)
    order = an_order(
        house,
        OrderLine("SKU-002", 2, Decimal(10)),
        OrderLine("POST", 1, Decimal("4.95"), kind="shipping"),
        OrderLine("D", 1, Decimal("-3.00"), kind="discount"),
    )
    shipped(order)
    assert kinds() | {"sale.goods": 0} == {"sale.goods": 0, "sale.shipping": 495, "sale.discount": -300}
    house.stock(2, 1)
    shipped(order)
    assert kinds() == {"sale.goods": 2000, "sale.shipping": 495, "sale.discount": -300}


def test_what_no_authorization_covers_is_a_work_item(house: Floor):
    order = an_order(
        house, OrderLine("SKU-000", 1, Decimal(50)), payment=PaymentGiven("account", "c", 5000, NOW)
    )
    sql.run("UPDATE payments_payment SET authorized_minor = 4000")

    shipped(order)

    (item,) = work.of_subject(order)
    assert (item.type, item.role, item.facts) == ("not paid", "controller", {"amount_minor": 1000})
    assert balance(1100) == 4000


def test_refusals_leave_everything_as_it_was(house: Floor):
    held, early, heavy, fine = (house.order((0, 1)).order for _ in range(4))
    (held_work,), (early_work,), (fine_work,) = packed(held), picked(early), packed(fine)
    (heavy_work,) = picked(heavy)
    pack(SYSTEM, requests=[PackFulfillment(heavy_work, "PALLET", 40_000, weight_note="a stone in it")])
    place_hold(SYSTEM, requests=[PlaceHold(held, "fraud review", "looks odd")])
    last_month = datetime(2026, 10, 5, tzinfo=UTC)
    close_month(SYSTEM, requests=[CloseMonth(COMPANY, last_month.date().replace(day=1))])
    unknown = ids.uuid7()

    answers = ship(
        SYSTEM,
        requests=[
            ShipFulfillment(unknown),
            ShipFulfillment(held_work),
            ShipFulfillment(early_work),
            ShipFulfillment(heavy_work),
            ShipFulfillment(fine_work, occurred_at=last_month),
        ],
    )

    assert answers == [
        NotFound(what="fulfillment", which=str(unknown)),
        errors.OnHold(order=orders.order(held).number, hold="fraud review"),
        WrongState(subject="fulfillment", found="picked", event="ship", expected="packed"),
        errors.NoService(
            fulfillment=warehouse.fulfillment(heavy_work).number,
            reasons="; ".join(
                f"{one} carries up to 30000 g, charged for 300000 g" for one in ("fast", "slow")
            ),
        ),
        MonthClosed(company=COMPANY, month="2026-10"),
    ]
    assert queries.totals(COMPANY) == {"shipments": 0, "units": 0, "carriage_minor": 0}
    assert units(house.skus[0]) == 5000
    assert (balance(4000), balance(5000)) == (0, 0)


def with_ups(house: Floor) -> None:
    """Two services as ever, and one that is cheaper, of a carrier whose numbers are known."""
    register_services(
        SYSTEM,
        requests=[
            RegisterService(
                COMPANY, "UPS", "ground", "Ground", 3, 30_000, "GBP", (("GB", "GB", "inland"),),
                (("inland", 30_000, 100),),
            )
        ],
    )  # fmt: skip


def test_a_tracking_number_that_the_carrier_can_not_have_given_is_refused(house: Floor):
    with_ups(house)
    order = house.order((0, 1)).order
    (work_,) = packed(order)
    number = warehouse.fulfillment(work_).number

    wrong = ship(SYSTEM, requests=[ShipFulfillment(work_, "1Z5R89390357567128")])
    assert wrong == [
        errors.TrackingMisread(
            tracking="1Z5R89390357567128", fulfillment=number, carrier="UPS",
            problem="its check digit is wrong for ups: it was mistyped or misread",
        )
    ]  # fmt: skip
    (other,) = ship(SYSTEM, requests=[ShipFulfillment(work_, "hello")])
    assert isinstance(other, errors.TrackingMisread)
    assert queries.of_order(order) == []

    (gone,) = ship(SYSTEM, requests=[ShipFulfillment(work_, " 1Z 5R8 939 03 5756 7127 ")])
    assert isinstance(gone, FulfillmentShipped)
    assert (queries.of_order(order)[0].tracking, gone.doubt) == ("1Z5R89390357567127", "")


def test_of_a_carrier_that_nobody_knows_a_doubt_is_told(house: Floor):
    (work_,) = packed(house.order((0, 1)).order)
    (gone,) = ship(SYSTEM, requests=[ShipFulfillment(work_, "PP 77")])
    assert isinstance(gone, FulfillmentShipped)
    assert gone.doubt == "no known carrier's numbers look like it"


def test_a_refusal_does_not_hold_back_its_neighbours(house: Floor):
    (fine,), (early,) = packed(house.order((0, 1)).order), picked(house.order((0, 1)).order)
    answers = ship(SYSTEM, requests=[ShipFulfillment(early), ShipFulfillment(fine), ShipFulfillment(fine)])
    assert [type(answer) for answer in answers] == [WrongState, FulfillmentShipped, WrongState]
    assert units(house.skus[0]) == 4999


def test_a_key_gets_its_answer_again(house: Floor):
    (work_,) = packed(house.order((0, 1)).order)
    first = ship(SYSTEM, requests=[ShipFulfillment(work_, key="k")])
    assert ship(SYSTEM, requests=[ShipFulfillment(work_, key="k")]) == first
    assert units(house.skus[0]) == 4999


@pytest.mark.counts("shipping.ship")
def test_statements_do_not_grow_with_the_batch(house: Floor, statements):
    counts = []
    paid = PaymentGiven("account", "c", 3000, NOW)
    for size in SIZES:
        work_ = packed(*placed(house, size, (0, 2), (1, 1), payment=paid))
        with statements() as ran:
            ship(SYSTEM, requests=[ShipFulfillment(one, key=str(one)) for one in work_])
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert counts[0] == counts[1] == counts[2], counts
