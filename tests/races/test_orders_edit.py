"""Changing an order against itself and against its cancellation; placing a draft against itself."""

from __future__ import annotations

from entrepot.kernel import sql
from entrepot.kernel.errors import WrongState
from entrepot.orders import queries
from entrepot.orders.commands.draft import PlaceDraft, SaveDraft, draft, place_draft
from entrepot.orders.commands.edit import AddLine, EditOrder, OrderEdited
from entrepot.orders.commands.place import Placed
from entrepot.sourcing.commands.edit import edit
from tests import walk
from tests.floor import SYSTEM
from tests.selling import CAUSE, a_seller, an_order, rows
from tests.together import all_at_once


def test_units_are_taken_out_once_however_many_ask(committed_db):
    house = walk.a_house()
    house.stock(0, 100)
    orders = [house.order((0, 2), (1, 1)).order for _ in range(6)]
    walk.allocated(*orders)
    lines = {order: queries.order(order).lines[0].id for order in orders}
    wanted = [
        EditOrder(order, "less", add=(AddLine(house.codes[0], 1, like=line),), remove=((line, 2),))
        for order, line in lines.items()
    ]

    answers = all_at_once(edit, SYSTEM, wanted, wanted[::-1], wanted)

    assert sum(isinstance(one, OrderEdited) for one in answers) == len(orders)
    for order in orders:
        first, _, added = queries.order(order).lines
        assert (first.cancelled, added.open) == (2, 1)


def test_promises_and_backorders_are_as_urgent_as_their_orders_whoever_changes_them_last(committed_db):
    house = walk.a_house()
    house.stock(0, 9)
    orders = [house.order((0, 2), priority=5).order for _ in range(6)]
    walk.allocated(*orders)
    wanted = [[EditOrder(order, "vip", priority=priority) for order in orders] for priority in (1, 9, 70)]

    answers = all_at_once(edit, SYSTEM, wanted[0], wanted[1][::-1], wanted[2])

    assert all(isinstance(one, OrderEdited) for one in answers)
    told = sql.run("""
        SELECT o.priority - w.priority FROM orders_order AS o
        JOIN (SELECT order_id, priority FROM stock_allocation
              UNION ALL SELECT order_id, priority FROM sourcing_backorder) AS w ON w.order_id = o.id
    """)
    assert len(told) == 7 and set(told) == {(0,)}


def test_a_draft_is_placed_once_however_many_ask(committed_db):
    a_seller()
    (saved,) = draft(CAUSE, requests=[SaveDraft(an_order(""))])
    answers = all_at_once(place_draft, SYSTEM, *([PlaceDraft(saved.draft)] for _ in range(4)))
    assert sum(isinstance(one, Placed) for one in answers) == 1
    assert sum(isinstance(one, WrongState) for one in answers) == 3
    assert rows("orders_order") == 1
