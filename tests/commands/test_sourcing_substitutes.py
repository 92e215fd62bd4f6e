"""sourcing.allocate where something else is sent: the lines, the money, the goods, and who is told"""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from entrepot.catalog.commands.register import RegisterSku, register_skus
from entrepot.insight.campaigns import campaigns
from entrepot.kernel import policies, sql
from entrepot.kernel.command import whole
from entrepot.orders import queries as orders
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.orders.commands.place import PaymentGiven
from entrepot.parties.commands.register import RegisterCustomer, register_customers
from entrepot.payments import queries as payments
from entrepot.payments.commands.capture import Capture, capture
from entrepot.returns.commands.refund import Refund, refund
from entrepot.sourcing import queries, rules
from entrepot.sourcing.commands.allocate import AllocateOrder, OrderAllocated, allocate
from entrepot.sourcing.commands.cancel import cancel
from entrepot.sourcing.commands.reject import RejectOrder, reject
from entrepot.sourcing.explain import Sent
from entrepot.sourcing.substitutes import Set, Substitutes
from entrepot.stock.commands.set_preorder import SetPreorder, set_preorder
from tests import back, walk
from tests.commands.test_sourcing_peg import freed
from tests.floor import COMPANY, NOW, SYSTEM, Floor, balance
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db

ON_ACCOUNT = PaymentGiven("account", "an account", 500_00, NOW)


@pytest.fixture
def house(db: None) -> Floor:
    """SKU-000 may be served by SKU-001, then SKU-002, which is cheaper than the 9.99 at which all are sold."""
    house = walk.a_house()
    prices = (("SKU-000", "9.99"), ("SKU-001", "12.00"), ("SKU-002", "7.50"))
    register_skus(SYSTEM, requests=[
        RegisterSku(COMPANY, code, f"Thing {code}", "things", weight_g=250, length_mm=100, width_mm=100, height_mm=50,
                    list_price=Decimal(price))
        for code, price in prices
    ])  # fmt: skip
    sets(Set(("SKU-000",), ("SKU-001", "SKU-002"), "lower"))
    profile()
    return house


def sets(*given: Set, scope: str = "") -> None:
    _in_force("sourcing.substitutes", Substitutes(given), scope)


def profile(scope: str = "", **facts: Any) -> None:
    _in_force("sourcing.profile", rules.Profile(**{"substitutes": "unless refused", **facts}), scope)


def _in_force(kind: str, body: object, scope: str) -> None:
    wanted = policies.SetPolicy(COMPANY, kind, body, SYSTEM.at, scope=scope)
    whole(policies.set_policy(SYSTEM, requests=[wanted]))


def allocated(*wanted: UUID) -> list[OrderAllocated]:
    return whole(allocate(SYSTEM, requests=[AllocateOrder(order) for order in wanted]))  # type: ignore[return-value]


def lines(order: UUID) -> list[tuple[str, dict[str, int]]]:
    return [(line.sku_code, line.places) for line in orders.order(order).lines]


def told() -> list[tuple[str, dict[str, Any]]]:
    rows = sql.run(
        "SELECT destination, body::text FROM kernel_delivery WHERE topic = 'order.substituted' ORDER BY id"
    )
    return [(destination, json.loads(body)) for destination, body in rows]


# ---- what is sent for nothing


def test_what_ships_later_is_sent_for_nothing_else(house: Floor) -> None:
    """It would wait for its day, and whoever ordered it would wait behind."""
    house.stock(1, 9)
    house.stock(2, 9)
    later = NOW.date() + timedelta(days=9)
    set_preorder(SYSTEM, requests=[SetPreorder(COMPANY, house.skus[1], later, 1)])

    order = house.order((0, 2)).order
    allocated(order)

    assert lines(order) == [("SKU-000", {"cancelled": 2}), ("SKU-002", {"allocated": 2})]


def test_what_is_not_for_sale_is_sent_for_nothing_whoever_else_is_served(house: Floor) -> None:
    """Also where an order of the same batch still wants it."""
    house.stock(1, 9)
    ordered, other = house.order((0, 2)).order, house.order((1, 1)).order
    sql.run("UPDATE catalog_sku SET status = 'discontinued' WHERE code = 'SKU-001'")

    assert [one.outcome for one in allocated(ordered, other)] == ["backordered", "allocated"]


# ---- the way of a substitute


def test_what_is_sent_instead_is_a_line_of_its_own_at_the_frozen_amounts(house: Floor) -> None:
    house.stock(1, 9)
    order = house.order((0, 3), (2, 1), discount_minor=4_00, shipping_minor=3_00, tax_minor=7_99).order
    house.stock(2, 9)
    ordered, other = orders.order(order).lines

    (answer,) = allocated(order)

    assert (answer.outcome, answer.allocated, answer.substituted) == ("allocated", 4, 3)
    assert answer.why.endswith("with SKU-001 instead of SKU-000")
    assert lines(order) == [
        ("SKU-000", {"cancelled": 3}), ("SKU-002", {"allocated": 1}), ("SKU-001", {"allocated": 3}),
    ]  # fmt: skip
    view = orders.order(order)
    by = view.lines[2]
    amounts = ("gross_minor", "discount_minor", "shipping_minor", "tax_minor", "unit_price")
    assert [getattr(by, name) for name in amounts] == [getattr(ordered, name) for name in amounts]
    assert (by.instead_of, by.description) == (ordered.id, "Thing SKU-001")
    assert view.lines[1].gross_minor == other.gross_minor
    bore = by.gross_minor - by.discount_minor + by.shipping_minor + by.tax_minor
    assert view.total_minor - bore == 39_96 - 4_00 + 3_00 + 7_99, (
        "as before, of which the cancelled units bear as much"
    )
    assert (view.status, view.commercial) == ("ready", "confirmed")


def test_the_goods_go_out_at_their_own_cost_for_the_amounts_that_were_agreed(house: Floor) -> None:
    house.stock(1, 9, cost=9 * 420)
    (order,) = walk.placed(house, 1, (0, 3), tax_minor=6_00, payment=ON_ACCOUNT)

    walk.shipped(order)

    assert lines(order) == [("SKU-000", {"cancelled": 3}), ("SKU-001", {"shipped": 3})]
    assert balance(5000) == 3 * 420
    assert (balance(4000), balance(2200)) == (-29_97, -6_00)
    (payment,) = payments.of_order(order)
    assert payment.captured_minor == 35_97
    (left,) = sql.run("SELECT sku_id, quantity FROM shipping_shipmentline")
    assert left == (house.skus[1], 3)


def test_a_cheaper_substitute_costs_less_and_what_was_captured_beyond_is_given_back(house: Floor) -> None:
    house.stock(2, 9)
    prepaid = PaymentGiven("account", "an account", 35_97, NOW)
    (order,) = walk.placed(house, 1, (0, 3), tax_minor=6_00, payment=prepaid)
    whole(capture(SYSTEM, requests=[Capture(order, 35_97)]))

    allocated(order)

    by = orders.order(order).lines[1]
    assert (by.gross_minor, by.discount_minor, by.tax_minor) == (29_97, 29_97 - 22_50, 4_50)
    (payment,) = payments.of_order(order)
    assert payment.refunded_minor == 35_97 - 27_00
    walk.shipped(order)
    (payment,) = payments.of_order(order)
    assert (payment.captured_minor, payment.refunded_minor) == (35_97, 8_97)
    assert [balance(account) for account in (1100, 2100, 4000, 4090)] == [27_00, 0, -29_97, 7_47]


def test_a_substitute_comes_back_for_what_was_paid_for_it(house: Floor) -> None:
    house.stock(2, 9)
    (order,) = walk.placed(house, 1, (0, 3), tax_minor=6_00, payment=ON_ACCOUNT)
    walk.shipped(order)
    by = orders.order(order).lines[1]

    rma = back.asked(order, 0, 2)
    back.back(rma)
    (answer,) = refund(back.ASKS, requests=[Refund(rma.return_id)])

    assert answer.total_minor == 2 * 9_00, "two of three units that cost 22.50 and 4.50 of tax"  # type: ignore[union-attr]
    assert orders.order(order).lines[1].id == by.id
    assert sql.run(
        "SELECT DISTINCT s.code FROM returns_line AS l JOIN catalog_sku AS s ON s.id = l.sku_id"
    ) == [("SKU-002",)]


def test_the_channel_the_timeline_and_the_decision_tell_it(house: Floor) -> None:
    house.stock(2, 9, node=1)
    order = house.order((0, 3)).order
    allocated(order)
    ordered, by = orders.order(order).lines

    ((destination, body),) = told()
    assert (destination, body["external_id"], body["refunded_minor"]) == ("channels:shop", "T-1", 0)
    assert body["lines"] == [{
        "line": str(ordered.id), "sku": "SKU-000", "quantity": 3, "by_line": str(by.id), "by_sku": "SKU-002",
        "total_minor": 22_50,
    }]  # fmt: skip
    assert "3 of SKU-002 instead of SKU-000" in [one.reason for one in orders.timeline(order)]
    (one,) = queries.explained(order=order)
    (line,) = one.explanation.lines
    assert line.instead == (Sent("SKU-000", "SKU-002", 3, "lower"),)
    assert line.served == (("N2", 3),)
    assert [(node.node, node.units) for node in line.candidates] == [("N1", 0), ("N2", 0)]
    assert (line.flip.node, line.flip.units) == ("N1", 3)


def test_a_campaign_counts_what_was_ordered_once(house: Floor) -> None:
    house.stock(2, 9)
    walk.shipped(*walk.placed(house, 1, (0, 3), discount_minor=2_97, campaign="spring", payment=ON_ACCOUNT))
    (told,) = campaigns(COMPANY, since=NOW - timedelta(days=1), until=NOW + timedelta(days=1))
    assert (told.units, told.units_shipped, told.given_minor, told.sales_minor) == (3, 3, 2_97, 22_50)


# ---- whether


def test_the_order_the_customer_and_the_channel_decide_whether(house: Floor) -> None:
    house.stock(1, 99)
    whole(register_customers(SYSTEM, requests=[
        RegisterCustomer(COMPANY, "likes", substitutes="agreed"),
        RegisterCustomer(COMPANY, "hates", substitutes="refused"),
    ]))  # fmt: skip
    profile("market", substitutes="agreed")

    def sent(**facts: Any) -> int:
        return allocated(house.order((0, 1), **facts).order)[0].substituted

    assert [sent(), sent(substitutes="refused"), sent(customer="hates"), sent(customer="new")] == [1, 0, 0, 1]
    assert sent(customer="hates", substitutes="agreed") == 1, "the order's word goes before the customer's"
    market: dict[str, Any] = {"channel": "market"}
    assert [sent(**market), sent(**market, customer="likes"), sent(**market, substitutes="agreed")] == [
        0,
        1,
        1,
    ]
    profile(substitutes="never")
    assert sent(substitutes="agreed") == 0


def test_an_order_says_nothing_else_about_substitutes(house: Floor) -> None:
    with pytest.raises(AssertionError, match="substitutes"):
        house.order((0, 1), substitutes="maybe")
    assert sql.run("SELECT count(*) FROM orders_order") == [(0,)]


def test_a_channel_has_sets_of_its_own_and_what_is_not_for_sale_is_not_sent(house: Floor) -> None:
    house.stock(1, 9)
    house.stock(2, 9)
    sets(Set(("SKU-000",), ("SKU-002",)), scope="market")
    orders_ = [house.order((0, 1), channel=channel).order for channel in ("shop", "market")]
    allocated(*orders_)
    assert [lines(order)[1][0] for order in orders_] == ["SKU-001", "SKU-002"]

    whole(register_skus(SYSTEM, requests=[RegisterSku(COMPANY, "SKU-001", "Thing", status="discontinued")]))
    order = house.order((0, 1)).order
    allocated(order)
    assert lines(order)[1][0] == "SKU-002"


def test_a_substitute_is_not_exchanged_again(house: Floor) -> None:
    house.stock(1, 9)
    house.stock(2, 9)
    sets(Set(("SKU-000", "SKU-001"), ("SKU-001", "SKU-002")))
    order = house.order((0, 1)).order
    allocated(order)
    assert lines(order)[1] == ("SKU-001", {"allocated": 1})
    whole(reject(SYSTEM, requests=[RejectOrder(order, house.nodes[0], "not found")]))
    allocated(order)
    assert lines(order) == [("SKU-000", {"cancelled": 1}), ("SKU-001", {"backordered": 1})]


# ---- what waits, what is given up, what is taken back


def test_what_waited_is_served_by_a_substitute_and_waits_no_more(house: Floor) -> None:
    order = house.order((0, 3)).order
    (answer,) = allocated(order)
    assert answer.backordered == 3
    house.stock(1, 9)

    (answer,) = allocated(order)

    assert (answer.substituted, answer.backordered) == (3, 0)
    assert lines(order) == [("SKU-000", {"cancelled": 3}), ("SKU-001", {"allocated": 3})]
    assert queries.backorders(company=COMPANY) == []
    assert sql.run("SELECT state, root_cause FROM work_item") == [("done", "something else is sent")]


def test_who_waits_is_sourced_again_when_what_may_be_sent_instead_comes(house: Floor) -> None:
    waits, other = house.order((0, 1)).order, house.order((2, 1)).order
    allocated(waits, other)
    assert freed(house.skus[1]) == [waits]
    assert freed(house.skus[0]) == [waits], "and when it comes itself"
    assert freed(house.skus[2]) == [waits, other]
    sets()
    assert freed(house.skus[1]) == []


def test_part_of_a_line_may_be_sent_as_ordered_and_the_rest_instead(house: Floor) -> None:
    house.stock(0, 1)
    house.stock(1, 9, node=1)
    profile(substitute_parts=True)
    order = house.order((0, 3), policy="partial_cancel", tax_minor=1_00).order
    (answer,) = allocated(order)

    assert (answer.allocated, answer.substituted, answer.cancelled) == (3, 2, 0)
    assert lines(order) == [("SKU-000", {"allocated": 1, "cancelled": 2}), ("SKU-001", {"allocated": 2})]
    by = orders.order(order).lines[1]
    assert (by.gross_minor, by.tax_minor) == (19_98, 66), "what the last two of three units bore"


def test_cancelling_a_substitute_gives_back_what_it_cost(house: Floor) -> None:
    house.stock(2, 9)
    (order,) = walk.placed(house, 1, (0, 3), payment=ON_ACCOUNT)
    whole(capture(SYSTEM, requests=[Capture(order, 29_97)]))
    allocated(order)
    (answer,) = cancel(SYSTEM, requests=[CancelOrder(order, "changed my mind")])
    assert (answer.refunded_minor, answer.status) == (22_50, "cancelled")  # type: ignore[union-attr]
    (payment,) = payments.of_order(order)
    assert payment.refunded_minor == 29_97


def test_orders_of_one_batch_do_not_take_the_same_substitute(house: Floor) -> None:
    house.stock(1, 3)
    house.stock(2, 2)
    wanted = [house.order((0, 2)).order for _ in range(3)]
    answers = allocated(*wanted)
    assert [answer.substituted for answer in answers] == [2, 2, 0]
    assert [lines(order)[-1][0] for order in wanted] == ["SKU-001", "SKU-002", "SKU-000"]


def test_statements_do_not_grow_with_the_batch(house: Floor, statements) -> None:
    house.stock(2, 100_000)
    counts = []
    for size in SIZES:
        wanted = walk.placed(house, size, (0, 1), payment=ON_ACCOUNT)
        whole(capture(SYSTEM, requests=[Capture(order, 9_99) for order in wanted]))
        with statements() as ran:
            allocated(*wanted)
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert len(set(counts)) == 1, counts
