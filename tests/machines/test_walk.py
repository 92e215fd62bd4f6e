"""Random walks of the whole house against a model of both ledgers in plain Python."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from entrepot.insight import verify
from entrepot.kernel import policies, sql
from entrepot.kernel.errors import Refused
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.shipping.commands.ship import ShipFulfillment, ship
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from entrepot.sourcing.commands.cancel import cancel
from entrepot.stock.commands.adjust import Adjust, AdjustmentPolicy
from entrepot.stock.commands.transfer import (
    ArrivedUnits,
    ReceiveTransfer,
    ShipTransfer,
    TransferUnits,
    receive_transfer,
    ship_transfer,
)  # fmt: skip
from entrepot.warehouse.commands.adjust import adjust
from entrepot.warehouse.commands.pack import PackFulfillment, pack
from entrepot.warehouse.commands.pick import PickFulfillment, pick
from entrepot.warehouse.commands.release import ReleaseOrder, release
from tests.floor import COMPANY, NOW, SYSTEM, Floor, a_floor, balance, units

SKUS, NODES = 2, 2
PRICE = 999


@dataclass
class Model:
    """What the house should hold, kept by sums alone: it knows nothing of buckets, promises or entries."""

    units: dict[int, int] = field(
        default_factory=lambda: defaultdict(int)
    )  # of a SKU, wherever and in any status
    shipped: int = 0
    received_value: int = 0


class House(RuleBasedStateMachine):
    """Every rule calls real commands; refusals are fine, wrong sums are not."""

    def __init__(self) -> None:
        super().__init__()
        self.transaction = transaction.atomic()
        self.transaction.__enter__()

    def teardown(self) -> None:
        try:
            assert verify.discrepancies() == []
        finally:
            transaction.set_rollback(True)
            self.transaction.__exit__(None, None, None)

    @initialize()
    def open_the_house(self) -> None:
        self.floor: Floor = a_floor(skus=SKUS)
        self.model = Model()
        self.orders: list = []
        self.fulfillments: list = []
        self.transfers: list = []
        for sku in range(SKUS):
            for node in range(NODES):
                self.receive_units(sku, node, 12, 1207)
        policies.set_policy(
            SYSTEM, requests=[policies.SetPolicy(COMPANY, "stock.adjustments", AdjustmentPolicy(None), NOW)]
        )

    def receive_units(self, sku: int, node: int, quantity: int, cost: int) -> None:
        self.floor.stock(sku=sku, node=node, quantity=quantity, cost=cost)
        self.model.units[sku] += quantity
        self.model.received_value += cost

    @rule(
        sku=st.integers(0, SKUS - 1),
        node=st.integers(0, NODES - 1),
        quantity=st.integers(1, 9),
        cost=st.integers(0, 999),
    )
    def receive(self, sku: int, node: int, quantity: int, cost: int) -> None:
        self.receive_units(sku, node, quantity, cost)

    @rule(
        lines=st.lists(st.tuples(st.integers(0, SKUS - 1), st.integers(1, 6)), min_size=1, max_size=3),
        policy=st.sampled_from(["ship_complete", "line_complete", "partial_backorder", "partial_cancel"]),
        priority=st.integers(0, 9),
    )
    def place(self, lines: list[tuple[int, int]], policy: str, priority: int) -> None:
        self.orders.append(self.floor.order(*lines, policy=policy, priority=priority).order)
        if priority:
            allocate(SYSTEM, requests=[AllocateOrder(self.orders[-1])])

    def _some(self, things: list, n: int) -> object:
        return things[n % len(things)]

    @precondition(lambda self: self.orders)
    @rule(n=st.integers(0, 99))
    def allocate(self, n: int) -> None:
        allocate(SYSTEM, requests=[AllocateOrder(self._some(self.orders, n))])  # type: ignore[arg-type]

    @precondition(lambda self: self.orders)
    @rule(n=st.integers(0, 99))
    def cancel(self, n: int) -> None:
        cancel(SYSTEM, requests=[CancelOrder(self._some(self.orders, n), "changed my mind")])  # type: ignore[arg-type]

    @precondition(lambda self: self.orders)
    @rule(n=st.integers(0, 99))
    def release(self, n: int) -> None:
        (answer,) = release(SYSTEM, requests=[ReleaseOrder(self._some(self.orders, n))])  # type: ignore[arg-type]
        if not isinstance(answer, Refused):
            self.fulfillments += answer.fulfillments

    @precondition(lambda self: self.fulfillments)
    @rule(n=st.integers(0, 99), shorted=st.integers(0, 3), found=st.integers(0, 2))
    def pick(self, n: int, shorted: int, found: int) -> None:
        fulfillment = self._some(self.fulfillments, n)
        tasks = sql.run(
            "SELECT id, quantity FROM warehouse_picktask WHERE fulfillment_id = %(id)s AND state = 'open' ORDER BY id",
            {"id": fulfillment},
        )
        shorts = (
            tuple((task, min(found, quantity - 1)) for task, quantity in tasks[:1]) if shorted == 0 else ()
        )
        pick(SYSTEM, requests=[PickFulfillment(fulfillment, shorts)])  # type: ignore[arg-type]

    @precondition(lambda self: self.orders)
    @rule(n=st.integers(0, 99), how_far=st.integers(1, 4))
    def hurry(self, n: int, how_far: int) -> None:
        """Take one order as far through the house as it goes, or stop half way."""
        (answer,) = release(SYSTEM, requests=[ReleaseOrder(self._some(self.orders, n))])  # type: ignore[arg-type]
        if isinstance(answer, Refused):
            return
        for fulfillment in answer.fulfillments:
            self.fulfillments.append(fulfillment)
            if how_far > 1:
                pick(SYSTEM, requests=[PickFulfillment(fulfillment)])
            if how_far > 2:
                pack(SYSTEM, requests=[PackFulfillment(fulfillment)])
            if how_far > 3:
                self._ship(fulfillment)

    @precondition(lambda self: self.fulfillments)
    @rule(n=st.integers(0, 99))
    def pack(self, n: int) -> None:
        pack(SYSTEM, requests=[PackFulfillment(self._some(self.fulfillments, n))])  # type: ignore[arg-type]

    @precondition(lambda self: self.fulfillments)
    @rule(n=st.integers(0, 99))
    def ship(self, n: int) -> None:
        self._ship(self._some(self.fulfillments, n))

    def _ship(self, fulfillment: object) -> None:
        (answer,) = ship(SYSTEM, requests=[ShipFulfillment(fulfillment)])  # type: ignore[arg-type]
        if isinstance(answer, Refused):
            return
        for sku, quantity in sql.run(
            "SELECT l.sku_id, l.quantity FROM shipping_shipmentline AS l"
            " JOIN shipping_shipment AS s ON s.id = l.shipment_id WHERE s.fulfillment_id = %(id)s",
            {"id": fulfillment},
        ):
            self.model.units[self.floor.skus.index(sku)] -= quantity
            self.model.shipped += quantity

    @rule(sku=st.integers(0, SKUS - 1), node=st.integers(0, NODES - 1), delta=st.integers(-4, 3).filter(bool))
    def lose_or_find(self, sku: int, node: int, delta: int) -> None:
        floor = self.floor
        request = Adjust(
            COMPANY, floor.skus[sku], floor.nodes[node], floor.bin(node), delta, "count", up_to=True
        )
        (answer,) = adjust(SYSTEM, requests=[request])
        if not isinstance(answer, Refused):
            self.model.units[sku] += answer.posted

    @rule(sku=st.integers(0, SKUS - 1), node=st.integers(0, NODES - 1), quantity=st.integers(1, 4))
    def send(self, sku: int, node: int, quantity: int) -> None:
        floor = self.floor
        lines = (TransferUnits(floor.skus[sku], floor.bin(node), quantity),)
        request = ShipTransfer(COMPANY, floor.nodes[node], floor.nodes[1 - node], lines)
        (answer,) = ship_transfer(SYSTEM, requests=[request])
        if not isinstance(answer, Refused):
            self.transfers.append((answer.transfer, sku, 1 - node, quantity))

    @precondition(lambda self: self.transfers)
    @rule(lost=st.integers(0, 1))
    def arrive(self, lost: int) -> None:
        transfer, sku, node, quantity = self.transfers.pop()
        floor = self.floor
        lines = (ArrivedUnits(floor.skus[sku], floor.bin(node), quantity - lost, lost),)
        (answer,) = receive_transfer(SYSTEM, requests=[ReceiveTransfer(transfer, lines)])
        assert not isinstance(answer, Refused)
        self.model.units[sku] -= lost

    @invariant()
    def units_are_conserved(self) -> None:
        if not hasattr(self, "floor"):
            return
        for sku in range(SKUS):
            there = sum(
                units(self.floor.skus[sku], status) for status in ("sellable", "researching", "in_transit")
            )
            assert there == self.model.units[sku]

    @invariant()
    def money_is_conserved(self) -> None:
        if not hasattr(self, "floor"):
            return
        assert balance(4000) == -self.model.shipped * PRICE
        assert balance(2050) == -self.model.received_value
        # Every penny of goods received is in stock, on its way, sold, lost, or found without cost.
        assert (
            sum(balance(account) for account in (1200, 1210, 5000, 5100, 5110)) == self.model.received_value
        )


def walk(examples: int, steps: int) -> None:
    run_state_machine_as_test(
        House,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            phases=[Phase.explicit, Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.django_db
@pytest.mark.timeout(300)
def test_random_walks_keep_both_ledgers_right() -> None:
    walk(examples=25, steps=40)


@pytest.mark.soak
@pytest.mark.django_db
@pytest.mark.timeout(0)
def test_long_random_walks_keep_both_ledgers_right() -> None:
    walk(examples=1000, steps=80)
