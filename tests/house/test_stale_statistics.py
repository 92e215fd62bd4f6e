"""A thousand orders at once go out and come back while PostgreSQL still believes that every table is empty.

So it is on the first day, and whenever a table was counted in a quiet hour: a plan that reads a "table of one row" once
for each of a thousand others then takes minutes, with every lock held.
"""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from entrepot import postgres
from entrepot.kernel import ids, ready, sql
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.orders.commands.place import PaymentGiven
from entrepot.returns.commands.approve import Approve, approve
from entrepot.returns.commands.authorize import Authorize, Item, authorize
from entrepot.returns.commands.receive import Receive, receive
from entrepot.returns.commands.refund import Refund, refund
from entrepot.sourcing.commands.cancel import cancel
from entrepot.warehouse.commands.withdraw import withdraw
from tests.back import APPROVES, ASKS, RECEIVES, found, policy, put, sold
from tests.floor import NOW, SYSTEM
from tests.walk import a_house, allocated, picked, placed

SIZE = 1_000
SLOW_S = 60  # about 10 s on two cores; minutes with plans that compare all rows with all


@pytest.fixture
def counted_as_empty(committed_db) -> None:
    with psycopg.connect(postgres.server_dsn()) as connection:
        connection.execute(
            "UPDATE pg_class SET relpages = 1, reltuples = 0"
            " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )


@pytest.mark.timeout(SLOW_S)
def test_a_large_batch_does_not_wait_for_fresh_statistics(counted_as_empty):
    house = a_house()
    house.stock(0, 2 * SIZE)
    policy(approve_above_minor=0)

    orders = sold(house, SIZE, (0, 1), payment=PaymentGiven("account", "an account", 2_000, NOW))
    lines = dict(
        sql.run(
            "SELECT order_id, id FROM orders_line WHERE order_id = ANY(%(orders)s::uuid[])",
            {"orders": orders},
        )
    )
    asked = authorize(ASKS, requests=[Authorize(one, (Item(lines[one], 1),)) for one in orders])
    put(found(receive(RECEIVES, requests=[Receive(one.return_id, one.lines[0], 1) for one in asked])))
    refunds = refund(ASKS, requests=[Refund(one.return_id) for one in asked])
    decided = approve(APPROVES, requests=[Approve(one.refund) for one in refunds])

    assert {one.state for one in decided} == {"paid"}


@pytest.mark.timeout(SLOW_S)
def test_nor_does_a_large_cancellation(counted_as_empty):
    house = a_house()
    house.stock(0, 2 * SIZE)
    early, late = placed(house, SIZE, (0, 1)), placed(house, SIZE, (0, 1))
    allocated(*early)
    picked(*late)

    answers = cancel(SYSTEM, requests=[CancelOrder(one, "the shop is closed") for one in early])
    answers += withdraw(SYSTEM, requests=[CancelOrder(one, "the shop is closed") for one in late])

    assert {one.status for one in answers} == {"cancelled"}


def test_a_worker_claims_no_more_than_it_asked_for(counted_as_empty):
    offers = [ready.Offer("q", ids.uuid7(), n % 7, NOW + timedelta(minutes=n * 37 % 101)) for n in range(300)]
    ready.put(reversed(offers))

    claims = [ready.claim("q", 20) for _ in range(15)]

    assert [len(one) for one in claims] == [20] * 15
    urgent = sorted(offers, key=lambda one: (-one.priority, one.due_at))
    assert [subject for one in claims for subject in one] == [one.subject for one in urgent]
