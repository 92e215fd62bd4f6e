"""The same order from several senders at once is one order."""

from __future__ import annotations

from entrepot.orders import errors
from entrepot.orders.commands.place import Placed, place
from tests.selling import CAUSE, a_seller, an_order, rows
from tests.together import all_at_once


def test_the_same_webhook_five_times_makes_one_order(committed_db):
    a_seller()
    answers = all_at_once(place, CAUSE, *([an_order("E1", key=f"k{i}")] for i in range(5)))
    assert sum(isinstance(one, Placed) for one in answers) == 1
    assert sum(isinstance(one, errors.Duplicate) for one in answers) == 4
    assert (rows("orders_order"), rows("orders_line")) == (1, 1)


def test_batches_that_overlap_place_each_order_once(committed_db):
    a_seller()
    batches = [[an_order(f"E{i}") for i in range(start, start + 60)] for start in (0, 20, 40, 10)]
    batches[1].reverse()
    batches[3].reverse()
    answers = all_at_once(place, CAUSE, *batches)
    assert sum(isinstance(one, Placed) for one in answers) == 100
    assert (rows("orders_order"), rows("orders_line")) == (100, 100)
