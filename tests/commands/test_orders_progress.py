"""Units of lines go from place to place, and statuses follow."""

from __future__ import annotations

import pytest
from django.db import transaction
from psycopg.errors import CheckViolation

from entrepot.kernel import sql
from entrepot.orders import queries
from entrepot.orders.commands.progress import Progress
from entrepot.orders.rules import Frozen
from tests.selling import COMPANY, NOW, a_line, a_seller, an_order, move_on, moved, placed
from tests.sizes import SIZES

# Units are moved here without the rooms that would have them in hand.
pytestmark = [pytest.mark.django_db, pytest.mark.alone("orders", "work")]


@pytest.fixture(autouse=True)
def seller(db):
    a_seller()


def test_the_walk_of_an_order():
    (order,) = placed(an_order("E1", a_line("MUG", 2), a_line("PEN", 1), a_line("POST", kind="shipping")))
    statuses = []
    for source, target in [
        ("open", "allocated"), ("allocated", "released"), ("released", "picked"), ("picked", "packed"),
        ("packed", "shipped"), ("shipped", "delivered"),
    ]:  # fmt: skip
        moved(order, source, target, {"MUG": 2, "PEN": 1})
        statuses.append(queries.order(order.order).status)
    assert statuses == ["ready", "warehouse release", "picked", "packed", "shipped", "delivered"]
    assert [(one.before, one.after) for one in queries.timeline(order.order)] == [
        ("", "ready"), ("ready", "warehouse release"), ("warehouse release", "picked"), ("picked", "packed"),
        ("packed", "shipped"), ("shipped", "delivered"),
    ]  # fmt: skip


def test_lines_go_their_own_way():
    (order,) = placed(an_order("E1", a_line("MUG", 3), a_line("PEN", 2)))
    moved(order, "open", "backordered", {"MUG": 3, "PEN": 1})
    assert queries.order(order.order).status == "ready"
    moved(order, "open", "shipped", {"PEN": 1})
    assert queries.order(order.order).status == "partly shipped"
    moved(order, "backordered", "cancelled", {"MUG": 3, "PEN": 1})
    assert queries.order(order.order).status == "shipped"


def test_several_ways_of_one_line_go_in_one_call():
    (order,) = placed(an_order("E1", a_line("MUG", 6)))
    (line,) = queries.order(order.order).lines

    step = move_on(
        Progress(line.id, order.order, "open", "backordered", 4),
        Progress(line.id, order.order, "open", "allocated", 2),
        Progress(line.id, order.order, "backordered", "allocated", 1),
    )

    assert step == {}  # ready before, ready after
    assert queries.order(order.order).lines[0].places == {"backordered": 3, "allocated": 3}


def test_only_orders_whose_status_changed_have_an_event():
    one, other = placed(an_order("E1", a_line("MUG", 2)), an_order("E2"))
    moved(one, "open", "allocated")
    steps = moved(other, "open", "shipped")
    assert steps == {other.order: (COMPANY, "ready", "shipped")}
    assert (len(queries.timeline(one.order)), len(queries.timeline(other.order))) == (1, 2)


def test_invariant_2_no_more_leaves_a_place_than_is_there():
    (order,) = placed(an_order("E1", a_line("MUG", 2)))
    with (
        pytest.raises(CheckViolation, match="orders_line_no_place_holds_less_than_nothing"),
        transaction.atomic(),
    ):
        moved(order, "allocated", "released", {"MUG": 1})
    assert queries.order(order.order).lines[0].places == {"open": 2}


def test_invariant_2_every_unit_stands_somewhere():
    (order,) = placed(an_order("E1", a_line("MUG", 2)))
    statement = "UPDATE orders_line SET open = 1 WHERE order_id = %(id)s::uuid"
    with pytest.raises(CheckViolation, match="orders_line_every_unit_stands_somewhere"), transaction.atomic():
        sql.run(statement, {"id": order.order})


def test_shipping_asks_what_the_next_units_of_a_line_bear():
    (order,) = placed(an_order("E1", a_line("MUG", 3, "1.00"), tax_minor=50, shipping_minor=1))
    (line,) = queries.order(order.order).lines
    first = queries.line_money([line.id])[line.id].of_next(1)
    moved(order, "open", "shipped", {"MUG": 1})
    rest = queries.line_money([line.id])[line.id].of_next(2)
    assert (first, rest) == (Frozen(100, 0, 1, 17), Frozen(200, 0, 0, 33))


def test_services_wait_to_be_performed():
    (order,) = placed(an_order("E1", a_line("MUG"), a_line("POST", 2, kind="shipping")))
    (service,) = queries.services([order.order])[order.order]
    assert (service.kind, service.of_next(2)) == ("shipping", Frozen(20_00, 0, 0, 0))
    moved(order, "open", "shipped", {"POST": 2})
    assert queries.services([order.order]) == {}


def test_demand_is_what_nobody_has_promised():
    one, _ = placed(
        an_order("E1", a_line("MUG", 2), a_line("PEN"), a_line("POST", kind="shipping")), an_order("E2")
    )
    moved(one, "open", "backordered", {"MUG": 1})
    moved(one, "open", "allocated", {"PEN": 1})
    (mug,) = queries.demand([one.order])
    assert (mug.order, mug.open, mug.backordered, mug.policy, mug.placed_at) == (
        one.order,
        1,
        1,
        "partial_backorder",
        NOW,
    )


def test_pages_of_orders_go_on_behind_the_last_one():
    orders = placed(*(an_order(f"E{i}", customer=f"C{i % 2}") for i in range(5)))
    moved(orders[0], "open", "shipped")
    newest = [one.id for one in queries.orders_page(COMPANY, limit=3)]
    assert newest == [one.order for one in reversed(orders[2:])]
    assert [one.id for one in queries.orders_page(COMPANY, after=newest[-1])] == [
        orders[1].order,
        orders[0].order,
    ]
    assert [one.id for one in queries.orders_page(COMPANY, status="shipped")] == [orders[0].order]
    assert [one.id for one in queries.orders_page(COMPANY, channel="shop", text="E3")] == [orders[3].order]
    assert [one.id for one in queries.orders_page(COMPANY, text=orders[2].number.lower())] == [
        orders[2].order
    ]
    assert [one.customer for one in queries.orders_page(COMPANY, text="C1")] == ["C1", "C1"]
    assert queries.orders_page(COMPANY, channel="elsewhere") == queries.orders_page(2) == []
    assert queries.by_status(COMPANY) == {"ready": 4, "shipped": 1}
    assert queries.ids_of(COMPANY, "shop", ["E1", "E9"]) == {"E1": orders[1].order}


@pytest.mark.parametrize("count", SIZES)
def test_statements_do_not_grow_with_the_batch(statements, count):
    orders = placed(*(an_order(f"E{i}") for i in range(count)))
    found = sql.run("SELECT id, order_id FROM orders_line")
    with statements() as ran:
        steps = move_on(*(Progress(line, order, "open", "delivered", 1) for line, order in found))
    assert len(steps) == len(orders)
    texts = [text for text in ran.texts if "SAVEPOINT" not in text]
    assert len(texts) == 4, ran  # lock, lines and sums, statuses, events


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ("UPDATE orders_line SET gross_minor = 1", "its lines sum to (1,0,0,0,1)"),
        ("UPDATE orders_order SET status = 'shipped'", "its status is shipped, its lines say ready"),
        ("UPDATE orders_order SET held_by = 'tax hold', status = 'tax hold'", 'its open holds say ""'),
        ("DELETE FROM orders_order", "belongs to no order"),
    ],
)
def test_discrepancies_are_found(wrong, sentence):
    placed()
    with transaction.atomic():
        savepoint = transaction.savepoint()
        sql.run(wrong)
        (found,) = queries.discrepancies()
        transaction.savepoint_rollback(savepoint)
    assert sentence in found
