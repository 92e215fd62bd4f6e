"""What can be promised on a date, from what is free, what is expected and what waits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from entrepot.insight import availability
from entrepot.kernel import ids, sql
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from entrepot.stock import availability_queries
from entrepot.stock.commands.expect import Expect, expect
from entrepot.stock.commands.set_preorder import SetPreorder, set_preorder
from tests.floor import COMPANY, NOW, SYSTEM, Floor, a_floor

pytestmark = pytest.mark.django_db
TODAY = NOW.date()
DAY = max(TODAY, datetime.now(UTC).date()) + timedelta(days=3)
"""After today by any clock."""


@pytest.fixture
def floor() -> Floor:
    return a_floor()


def arrives(floor: Floor, quantity: int, days: int, node: int = 0) -> Expect:
    day = TODAY + timedelta(days=days)
    return Expect(
        COMPANY, ids.uuid7(), floor.skus[0], floor.nodes[node], "purchase", ids.uuid7(), quantity, day
    )


def asked(floor: Floor, days: int = 7) -> availability.Promise:
    available = availability_queries.availability(
        company=COMPANY, channel="shop", skus=floor.codes[:1], at=NOW
    )
    (one,) = availability.promises(available, company=COMPANY, today=TODAY, days=days)
    return one


def test_the_promise_grows_with_what_arrives_and_tells_its_rows(floor: Floor) -> None:
    floor.stock(quantity=4)
    overdue, soon, later = arrives(floor, 50, -1), arrives(floor, 6, 2, node=1), arrives(floor, 9, 30)
    expect(SYSTEM, requests=[overdue, soon, later])

    one = asked(floor)

    assert one.shown == (4, 4, 10, 10, 10, 10, 10)
    assert one.on(TODAY + timedelta(days=2)) == 10
    assert one.steps() == [(TODAY, 4), (TODAY + timedelta(days=2), 10)]
    assert [(row.document, row.node_code, row.counted) for row in one.inbound] == [
        (overdue.document, "N1", False), (soon.document, "N2", True),
    ]  # fmt: skip


def test_each_node_tells_what_it_alone_can_have_ready(floor: Floor) -> None:
    floor.stock(quantity=4)
    expect(SYSTEM, requests=[arrives(floor, 50, -1), arrives(floor, 6, 2, node=1), arrives(floor, 3, 4)])

    one = asked(floor)

    assert one.from_nodes(TODAY) == {"N1": 4}, "the other has none, and knows of none"
    assert one.from_nodes(TODAY + timedelta(days=3)) == {"N1": 4, "N2": 6}
    assert one.from_nodes(TODAY + timedelta(days=4)) == {"N1": 7, "N2": 6}

    placed = floor.order((0, 11))
    allocate(SYSTEM, requests=[AllocateOrder(placed.order)])
    one = asked(floor)
    last = TODAY + timedelta(days=4)
    assert (one.on(last), max(one.from_nodes(last).values())) == (2, 2), "never more than may be promised"


def test_who_waits_at_other_nodes_takes_nothing_of_the_channels(floor: Floor) -> None:
    for channel, node in (("shop", 1), ("market", 0)):
        sql.run(
            "DELETE FROM network_channelnode WHERE channel_id = %(channel)s AND node_id = %(node)s",
            {"channel": floor.channels[channel], "node": floor.nodes[node]},
        )
    expect(SYSTEM, requests=[arrives(floor, 5, 2)])
    placed = floor.order((0, 3), channel="market")
    allocate(SYSTEM, requests=[AllocateOrder(placed.order)])

    one = asked(floor)

    assert (one.shown[2], one.owed) == (5, ())


def test_of_what_is_sold_ahead_all_that_wait_count_wherever_they_do(floor: Floor) -> None:
    sql.run(
        "DELETE FROM network_channelnode WHERE channel_id = %(channel)s AND node_id = %(node)s",
        {"channel": floor.channels["market"], "node": floor.nodes[0]},
    )
    sql.run(
        "DELETE FROM network_channelnode WHERE channel_id = %(channel)s AND node_id = %(node)s",
        {"channel": floor.channels["shop"], "node": floor.nodes[1]},
    )
    expect(SYSTEM, requests=[arrives(floor, 5, 2)])
    set_preorder(SYSTEM, requests=[SetPreorder(COMPANY, floor.skus[0], DAY, 4)])
    placed = floor.order((0, 3), channel="market")
    allocate(SYSTEM, requests=[AllocateOrder(placed.order)])

    one = asked(floor)

    assert one.owed == ()
    assert one.ahead == availability.Ahead(DAY, 1, 3, 4)


def test_what_orders_wait_for_is_promised_to_nobody_else(floor: Floor) -> None:
    expect(SYSTEM, requests=[arrives(floor, 5, 2)])
    placed = floor.order((0, 3))
    allocate(SYSTEM, requests=[AllocateOrder(placed.order)])

    one = asked(floor)

    assert one.shown == (0, 0, 2, 2, 2, 2, 2)
    assert [(row.order, row.quantity) for row in one.owed] == [(placed.order, 3)]
