"""What a call releases is chosen by running sums in the database: the same as the pure rule, promise by promise."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entrepot.catalog.commands.register_packagings import RegisterPackaging, register_packagings
from entrepot.kernel import ids, sql
from entrepot.orders import queries as orders
from entrepot.stock.commands.fulfill import look_at_pickable
from entrepot.stock.commands.receive import Receive, receive
from entrepot.warehouse import errors, queries
from entrepot.warehouse.commands.release import OrderReleased, ReleaseOrder, release
from entrepot.warehouse.commands.shelves import Shelves, sizes_of
from tests.floor import COMPANY, NOW, SYSTEM, Floor
from tests.walk import a_house, allocated

pytestmark = pytest.mark.django_db


class Goods(NamedTuple):
    sku: int
    node: int
    kind: str
    days: int | None
    units: int


goods = st.builds(
    Goods,
    st.integers(0, 2),
    st.integers(0, 1),
    # What is not put away yet is promised, and stands in no bin to pick from.
    st.sampled_from(["pick", "pick", "reserve", "receiving"]),
    st.sampled_from([None, None, -2, 0, 5, 30]),
    st.integers(1, 6),
)
carts = st.lists(st.tuples(st.integers(0, 2), st.integers(1, 4)), min_size=1, max_size=4)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(goods, min_size=1, max_size=14),
    st.lists(carts, min_size=1, max_size=8),
    st.randoms(),
    st.booleans(),
)
def test_bins_and_lots_are_those_of_the_rule(db, there, wanted, dice, by_node):
    with transaction.atomic():
        _bins_and_lots_are_those_of_the_rule(there, wanted, dice, by_node)
        transaction.set_rollback(True)


def _bins_and_lots_are_those_of_the_rule(there, wanted, dice, by_node):
    house = a_house()
    in_cases = [
        RegisterPackaging(COMPANY, house.codes[0], kind, units)
        for kind, units in (("case", 2), ("pallet", 4))
    ]
    register_packagings(SYSTEM, requests=in_cases)
    _receive(house, there)
    placed = [house.order(*lines).order for lines in wanted]
    allocated(*placed)
    dice.shuffle(placed)
    requests = [
        ReleaseOrder(order, node=node)
        for order in placed
        for node in (dice.sample(house.nodes, 2) if by_node else [None])
    ]
    expected, missing = _by_the_rule(requests)

    answers = release(SYSTEM, requests=requests)

    tasks = sql.run(
        "SELECT allocation_id, bucket_id, sum(quantity)::int FROM warehouse_picktask GROUP BY 1, 2"
    )
    assert {row[:2]: row[2] for row in tasks} == expected
    for request, answer in zip(requests, answers, strict=True):
        lacks = missing.get((request.order, request.node), 0)
        if isinstance(answer, OrderReleased):
            assert answer.not_pickable == lacks
        elif isinstance(answer, errors.NotPickable):
            assert answer == errors.NotPickable(order=orders.order(request.order).number, missing=lacks)
        else:
            assert isinstance(answer, errors.NothingToRelease)
    assert queries.discrepancies() == []


def _receive(house: Floor, there: list[Goods]) -> None:
    receive(SYSTEM, requests=[
        Receive(
            COMPANY, house.skus[one.sku], house.nodes[one.node], house.bin(one.node, one.kind), one.units, 100,
            "test receipt", ids.uuid7(), lot="" if one.days is None else f"L{i}",
            expires_on=None if one.days is None else (NOW + timedelta(one.days)).date(),
        )
        for i, one in enumerate(there)
    ])  # fmt: skip


def _by_the_rule(
    requests: list[ReleaseOrder],
) -> tuple[dict[tuple[UUID, UUID], int], dict[tuple[UUID, UUID | None], int]]:
    """Units by promise and bucket, and those that stand nowhere by request."""
    promises = sql.run("SELECT id, order_id, node_id, sku_id, quantity FROM stock_allocation ORDER BY id")
    pairs, sizes = {(sku, node) for *_, node, sku, _ in promises}, sizes_of({row[3] for row in promises})
    shelves = Shelves(pairs, NOW.date(), look_at_pickable, sizes)
    taken: dict[tuple[UUID, UUID], int] = {}
    missing: dict[tuple[UUID, UUID | None], int] = defaultdict(int)
    for request in requests:
        nodes: dict[UUID, list[tuple[UUID, UUID, int]]] = defaultdict(list)
        for promise, order, node, sku, units in promises:
            if order == request.order and request.node in (None, node):
                nodes[node].append((promise, sku, units))
        for node, mine in nodes.items():
            planned = [(promise, *shelves.plan(sku, node, units)) for promise, sku, units in mine]
            nowhere = sum(short for *_, short in planned)
            missing[request.order, request.node] += nowhere
            for promise, picks, _ in planned:
                if nowhere:
                    for shelf, units in picks:
                        shelves.left[shelf.bucket] += units
                else:
                    taken |= {(promise, shelf.bucket): units for shelf, units in picks}
    return taken, missing
