"""The way back of one return, ten and a thousand takes the same statements at every step."""

from __future__ import annotations

import pytest

from entrepot.kernel import sql
from entrepot.orders.commands.place import PaymentGiven
from entrepot.returns.commands.approve import Approve, approve
from entrepot.returns.commands.authorize import Authorize, Item, authorize
from entrepot.returns.commands.dispose import Dispose, dispose
from entrepot.returns.commands.inspect import Inspect, inspect
from entrepot.returns.commands.receive import Receive, receive
from entrepot.returns.commands.refund import Refund, refund
from tests.back import APPROVES, ASKS, INSPECTS, RECEIVES, policy, sold
from tests.floor import NOW
from tests.sizes import SIZES
from tests.walk import a_house

pytestmark = pytest.mark.django_db


@pytest.mark.counts(
    "returns.approve_refunds", "returns.dispose", "returns.inspect", "returns.receive", "returns.refund"
)
def test_statements_of_every_step_are_equal_at_1_10_and_many(db: None, statements):
    house = a_house()
    house.stock(0, 2_000)
    policy(approve_above_minor=0)
    counts = []
    for size in (1, *SIZES):  # the first one makes the buckets that the others find
        orders = sold(house, size, (0, 1), payment=PaymentGiven("account", "an account", 2_000, NOW))
        lines = dict(
            sql.run(
                "SELECT order_id, id FROM orders_line WHERE order_id = ANY(%(orders)s::uuid[])",
                {"orders": orders},
            )
        )
        with statements() as ran:
            asked = authorize(ASKS, requests=[Authorize(one, (Item(lines[one], 1),)) for one in orders])
            came = receive(RECEIVES, requests=[Receive(one.return_id, one.lines[0], 1) for one in asked])
            found = inspect(INSPECTS, requests=[Inspect(one.receipt, 1, "A") for one in came])
            dispose(INSPECTS, requests=[Dispose(one.inspection, 1) for one in found])
            refunds = refund(ASKS, requests=[Refund(one.return_id) for one in asked])
            decided = approve(APPROVES, requests=[Approve(one.refund) for one in refunds])
        assert {one.state for one in decided} == {"paid"}
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))

    assert counts[1:] == [counts[1]] * 3
