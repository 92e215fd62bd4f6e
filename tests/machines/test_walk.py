"""Random walks of the whole house against a model of both ledgers in plain Python."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from entrepot.catalog.commands.register import RegisterSku, register_skus
from entrepot.catalog.commands.register_kits import Component, RegisterKit, register_kits
from entrepot.kernel import policies, sql
from entrepot.kernel.errors import NotFound, Refused
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.orders.commands.merge import MergeOrders
from entrepot.orders.commands.place import PaymentGiven
from entrepot.orders.commands.split import SplitOrder
from entrepot.parties.commands.register import RegisterCustomer, register_customers
from entrepot.payments import queries as payments
from entrepot.payments.commands.disputes import OpenDispute, open_disputes
from entrepot.payments.commands.follow_disputes import CloseDispute, close_disputes
from entrepot.purchasing.commands.call_off_drop_ships import CallOffDropShip, call_off_drop_ships
from entrepot.purchasing.commands.confirm_drop_ships import ConfirmDropShip, confirm_drop_ships
from entrepot.purchasing.commands.drop_ship import DropShipOrder, drop_ship
from entrepot.purchasing.commands.refuse_drop_ships import RefuseDropShip, refuse_drop_ships
from entrepot.returns.commands import authorize as returns
from entrepot.returns.commands.approve import Approve, approve
from entrepot.returns.commands.close import Close, close
from entrepot.returns.commands.dispose import Dispose, dispose
from entrepot.returns.commands.inspect import Inspect, inspect
from entrepot.returns.commands.receive import Receive, receive
from entrepot.returns.commands.refund import Refund, refund
from entrepot.returns.rules import DISPOSITIONS, REASONS
from entrepot.shipping.commands.ship import ShipFulfillment, ship
from entrepot.shipping.commands.ship_drop_ships import ShipDropShip, ship_drop_ships
from entrepot.sourcing import rules as sourcing
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from entrepot.sourcing.commands.cancel import cancel
from entrepot.sourcing.commands.regroup import merge, split
from entrepot.sourcing.substitutes import Set, Substitutes
from entrepot.stock.commands.adjust import Adjust, AdjustmentPolicy
from entrepot.stock.commands.transfer import (
    ArrivedUnits,
    ReceiveTransfer,
    ShipTransfer,
    TransferUnits,
    receive_transfer,
    ship_transfer,
)  # fmt: skip
from entrepot.stock.models import STATUSES
from entrepot.stock.plating import sscc
from entrepot.warehouse.commands.adjust import adjust
from entrepot.warehouse.commands.build_plates import BuildPlate, build_plates
from entrepot.warehouse.commands.move_plates import MovePlate, move_plates
from entrepot.warehouse.commands.pack import PackFulfillment, pack
from entrepot.warehouse.commands.pick import PickFulfillment, pick
from entrepot.warehouse.commands.release import ReleaseOrder, release
from entrepot.warehouse.commands.withdraw import withdraw
from tests.back import APPROVES, ASKS, INSPECTS, RECEIVES, policy
from tests.drop import NOTICES, a_supplier
from tests.floor import COMPANY, NOW, SYSTEM, Floor, a_floor, balance, units
from tests.undone import UndoneMachine

SKUS, NODES = 2, 2
PRICE = 999
KIT, IN_KIT = SKUS, 3
"""A kit stands behind the SKUs: one unit of the first, two of the second, at the price of three."""
SUPPLIED = KIT + 1
"""A SKU that no node keeps: a supplier sends it."""
LIMIT = 1500
"""Refunds above it wait for another person."""


@dataclass
class Model:
    """What the house should hold, kept by sums alone: it knows nothing of buckets, promises or entries."""

    units: dict[int, int] = field(
        default_factory=lambda: defaultdict(int)
    )  # of a SKU, wherever and in any status
    shipped: int = 0
    received_value: int = 0
    sold: dict[UUID, Sold] = field(default_factory=dict)  # by order line
    returns: list[Back] = field(default_factory=list)
    refunded: int = 0  # units whose money was given back
    disputed: dict[UUID, int] = field(default_factory=lambda: defaultdict(int))  # by order: open or lost
    open_disputes: int = 0
    lost_disputes: int = 0


@dataclass
class Sold:
    """A line of an order: units that left, and that were announced to come back."""

    order: UUID
    sku: int
    shipped: int = 0
    asked: int = 0


@dataclass
class Back:
    """A return of one line. Each count is of units that came at least as far."""

    id: UUID
    line: UUID
    sold: Sold
    quantity: int
    cancelled: int = 0
    received: int = 0
    inspected: int = 0
    disposed: int = 0
    refunded: int = 0


class House(UndoneMachine):
    """Every rule calls real commands; refusals are fine, wrong sums are not."""

    @initialize()
    def open_the_house(self) -> None:
        self.floor: Floor = a_floor(skus=SKUS)
        self.model = Model()
        self.orders: list = []
        self.fulfillments: list = []
        self.transfers: list = []
        self.plates: list[tuple[UUID, int]] = []
        for sku in range(SKUS):
            for node in range(NODES):
                self.receive_units(sku, node, 12, 1207)
        self.make_a_kit()
        register_customers(SYSTEM, requests=[RegisterCustomer(COMPANY, "shop:ann", "ann@example.com")])
        codes = tuple(self.floor.codes[:SKUS])
        instead = Substitutes((Set(codes, codes),))
        bodies = {
            "stock.adjustments": AdjustmentPolicy(None),
            "sourcing.substitutes": instead,
            "sourcing.profile": sourcing.Profile(
                substitutes="agreed",
                substitute_parts=True,
                drop_ship=(sourcing.DropShip("ACME"),),
                rejection_days=1,
            ),
        }
        policies.set_policy(
            SYSTEM, requests=[policies.SetPolicy(COMPANY, kind, body, NOW) for kind, body in bodies.items()]
        )
        policy(approve_above_minor=LIMIT)
        a_supplier(self.floor, skus=(SUPPLIED,))
        self.drop_ships: list[UUID] = []

    def make_a_kit(self) -> None:
        first, second = self.floor.codes
        register_skus(SYSTEM, requests=[RegisterSku(COMPANY, "KIT", "A thing")])
        parts = (Component(first), Component(second, IN_KIT - 1))
        (made,) = register_kits(SYSTEM, requests=[RegisterKit(COMPANY, "KIT", parts)])
        assert not isinstance(made, Refused), made
        wanted = [RegisterSku(COMPANY, code, "A thing") for code in ("KIT", "SUPPLIED")]
        for one in register_skus(SYSTEM, requests=wanted):
            assert not isinstance(one, Refused), one
            self.floor.skus.append(one.id)
            self.floor.codes.append(one.code)
        self.floor.prices[KIT] = Decimal(IN_KIT * PRICE) / 100

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
        lines=st.lists(st.tuples(st.integers(0, SUPPLIED), st.integers(1, 6)), min_size=1, max_size=3),
        policy=st.sampled_from(["ship_complete", "line_complete", "partial_backorder", "partial_cancel"]),
        priority=st.integers(0, 9),
        said=st.sampled_from(["agreed", ""]),
    )
    def place(self, lines: list[tuple[int, int]], policy: str, priority: int, said: str = "") -> None:
        units = sum(units * (IN_KIT if sku == KIT else 1) for sku, units in lines)
        paid = PaymentGiven("account", "an account", units * PRICE, NOW)
        placed = self.floor.order(
            *lines, policy=policy, priority=priority, payment=paid, customer="shop:ann", substitutes=said
        )
        self.orders.append(placed.order)
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
    @rule(n=st.integers(0, 99), wanted=st.lists(st.integers(0, 4), min_size=1, max_size=4))
    def split(self, n: int, wanted: list[int]) -> None:
        """Some units of each line go to another order."""
        order = self._some(self.orders, n)
        found = sql.run("SELECT id FROM orders_line WHERE order_id = %(id)s ORDER BY number", {"id": order})
        lines = tuple((line, units) for (line,), units in zip(found, wanted, strict=False) if units)
        (answer,) = split(SYSTEM, requests=[SplitOrder(order, lines, "later")])  # type: ignore[arg-type]
        if not isinstance(answer, Refused):
            self.orders.append(answer.new_order)

    @precondition(lambda self: len(self.orders) > 1)
    @rule(into=st.integers(0, 99), n=st.integers(0, 99))
    def merge(self, into: int, n: int) -> None:
        request = MergeOrders(self._some(self.orders, into), (self._some(self.orders, n),), "one parcel")  # type: ignore[arg-type]
        merge(SYSTEM, requests=[request])

    @precondition(lambda self: self.orders)
    @rule(n=st.integers(0, 99), units=st.integers(0, 3))
    def withdraw(self, n: int, units: int) -> None:
        """Cancel late: the whole order, or some units of its first line."""
        order = self._some(self.orders, n)
        lines = sql.run("SELECT id FROM orders_line WHERE order_id = %(id)s ORDER BY number", {"id": order})
        part = ((lines[0][0], units),) if units and lines else None  # of a merged order no line is left
        withdraw(SYSTEM, requests=[CancelOrder(order, "changed my mind", part)])  # type: ignore[arg-type]

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
        if not isinstance(answer, Refused):
            self._count_shipped("s.fulfillment_id", fulfillment)

    def _count_shipped(self, by: str, key: object, *, passed_through: bool = False) -> None:
        for order, line, sku_id, quantity in sql.run(
            "SELECT s.order_id, l.line_id, l.sku_id, l.quantity FROM shipping_shipmentline AS l"
            f" JOIN shipping_shipment AS s ON s.id = l.shipment_id WHERE {by} = %(id)s",
            {"id": key},
        ):
            sku = self.floor.skus.index(sku_id)
            if not passed_through:
                self.model.units[sku] -= quantity
            self.model.shipped += quantity
            self.model.sold.setdefault(line, Sold(order, sku)).shipped += quantity

    @precondition(lambda self: self.orders)
    @rule(n=st.integers(0, 99))
    def ask_the_supplier(self, n: int) -> None:
        """Of an order of which something was passed on to him, where there is one."""
        waiting = sql.run("SELECT DISTINCT order_id FROM sourcing_dropship WHERE taken_at IS NULL ORDER BY 1")
        order = waiting[n % len(waiting)][0] if waiting else self._some(self.orders, n)
        (answer,) = drop_ship(SYSTEM, requests=[DropShipOrder(order)])  # type: ignore[arg-type]
        if not isinstance(answer, Refused):
            self.drop_ships += [which for which, _ in answer.made]

    @precondition(lambda self: self.drop_ships)
    @rule(
        n=st.integers(0, 99),
        units=st.integers(0, 3),
        what=st.sampled_from(["ship", "ship", "refuse", "confirm"]),
    )
    def the_supplier_tells(self, n: int, units: int, what: str) -> None:
        """He sends, refuses or confirms: all of it, or some units of the first line."""
        which = self._some(self.drop_ships, n)
        part = ((1, units),) if units else None
        if what == "confirm":
            confirm_drop_ships(NOTICES, requests=[ConfirmDropShip(which)])  # type: ignore[arg-type]
        elif what == "refuse":
            refuse_drop_ships(NOTICES, requests=[RefuseDropShip(which, "sold out", part)])  # type: ignore[arg-type]
        else:
            (answer,) = ship_drop_ships(NOTICES, requests=[ShipDropShip(which, lines=part)])  # type: ignore[arg-type]
            if not isinstance(answer, Refused):
                self.model.received_value += answer.cost_minor
                self._count_shipped("s.id", answer.shipment, passed_through=True)

    @precondition(lambda self: self.drop_ships)
    @rule(n=st.integers(0, 99), gone=st.booleans())
    def call_off(self, n: int, gone: bool) -> None:
        which = self._some(self.drop_ships, n)
        call_off_drop_ships(SYSTEM, requests=[CallOffDropShip(which, "no more", cancel=gone)])  # type: ignore[arg-type]

    @rule(sku=st.integers(0, SKUS - 1), node=st.integers(0, NODES - 1), delta=st.integers(-4, 3).filter(bool))
    def lose_or_find(self, sku: int, node: int, delta: int) -> None:
        floor = self.floor
        request = Adjust(
            COMPANY, floor.skus[sku], floor.nodes[node], floor.bin(node), delta, "count", up_to=True
        )
        (answer,) = adjust(SYSTEM, requests=[request])
        if not isinstance(answer, Refused):
            self.model.units[sku] += answer.posted

    @rule(sku=st.integers(0, SKUS - 1), node=st.integers(0, NODES - 1), quantity=st.integers(1, 6))
    def build_a_plate(self, sku: int, node: int, quantity: int) -> None:
        """Picks, losses and transfers take off it later what they need."""
        floor, number = self.floor, sscc("7610425", 3, len(self.plates))
        wanted = BuildPlate(COMPANY, floor.bin(node), ((floor.skus[sku], quantity),), number)
        (answer,) = build_plates(SYSTEM, requests=[wanted])
        if not isinstance(answer, Refused):
            self.plates.append((answer.plate, node))

    @precondition(lambda self: self.plates)
    @rule(which=st.integers(0, 20), kind=st.sampled_from(("pick", "reserve", "receiving")))
    def move_a_plate(self, which: int, kind: str) -> None:
        plate, node = self.plates[which % len(self.plates)]
        (answer,) = move_plates(SYSTEM, requests=[MovePlate(plate, self.floor.bin(node, kind))])
        assert not isinstance(answer, NotFound)

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
        (answer,) = receive_transfer(SYSTEM, requests=[ReceiveTransfer(transfer, lines, reason="lost")])
        assert not isinstance(answer, Refused)
        self.model.units[sku] -= lost

    @invariant()
    def units_are_conserved(self) -> None:
        if not hasattr(self, "floor"):
            return
        for sku in (*range(SKUS), SUPPLIED):
            there = sum(units(self.floor.skus[sku], status) for status in STATUSES)
            assert there == self.model.units[sku]

    @invariant()
    def money_is_conserved(self) -> None:
        if not hasattr(self, "floor"):
            return
        assert balance(4000) == -self.model.shipped * PRICE
        assert balance(4100) == self.model.refunded * PRICE
        disputed = self.model.open_disputes + self.model.lost_disputes
        assert balance(1100) == (self.model.shipped - self.model.refunded) * PRICE - disputed
        assert (balance(1160), balance(5310)) == (self.model.open_disputes, self.model.lost_disputes)
        assert (balance(2100), balance(2300)) == (0, 0)
        assert balance(2050) == -self.model.received_value
        # Every penny of goods received is in stock, on its way, sold, lost, given away, or found without cost.
        places = (1200, 1210, 5000, 5100, 5110, 5320, 5410)
        assert sum(balance(account) for account in places) == self.model.received_value


class WholeHouse(House):
    """The way out and the way back. Here the model says what must be refused, too."""

    @initialize()
    def open_the_house(self) -> None:
        """With orders that were sent, so that there is something to come back."""
        super().open_the_house()
        self.receipts: list[list] = []  # [receipt, its return, units that wait]
        self.inspections: list[list] = []
        self.waiting: list[tuple[UUID, Back, int]] = []  # refunds that another person decides
        self.disputes: list[tuple[UUID, UUID, int]] = []  # dispute, order, amount
        for lines in ([(0, 4), (1, 2)], [(1, 3)]):
            self.place(lines, "partial_backorder", 9)
            self.hurry(-1, 4)
        self.place([(SUPPLIED, 4)], "partial_backorder", 9)
        self.ask_the_supplier(0)
        self.the_supplier_tells(0, 3, "ship")
        assert self.model.sold[next(reversed(self.model.sold))].shipped == 3

    @precondition(lambda self: self.model.sold)
    @rule(n=st.integers(0, 99), quantity=st.integers(1, 4), reason=st.sampled_from(list(REASONS)))
    def ask_back(self, n: int, quantity: int, reason: str) -> None:
        line, sold = self._some(list(self.model.sold.items()), n)  # type: ignore[misc]
        request = returns.Authorize(sold.order, (returns.Item(line, quantity, reason),))
        (answer,) = returns.authorize(ASKS, requests=[request])
        assert isinstance(answer, Refused) == (quantity > sold.shipped - sold.asked)
        if not isinstance(answer, Refused):
            sold.asked += quantity
            self.model.returns.append(Back(answer.return_id, answer.lines[0], sold, quantity))

    @precondition(lambda self: self.model.returns)
    @rule(n=st.integers(0, 99), quantity=st.integers(1, 4))
    def come_back(self, n: int, quantity: int) -> None:
        one = self._back(n)
        (answer,) = receive(RECEIVES, requests=[Receive(one.id, one.line, quantity)])
        assert isinstance(answer, Refused) == (quantity > one.quantity - one.cancelled - one.received)
        if not isinstance(answer, Refused):
            one.received += quantity
            self.model.units[one.sold.sku] += quantity
            self.receipts.append([answer.receipt, one, quantity])

    @precondition(lambda self: self.receipts)
    @rule(n=st.integers(0, 99), quantity=st.integers(1, 4), grade=st.sampled_from("ABCD"))
    def inspect(self, n: int, quantity: int, grade: str) -> None:
        found = self._some(self.receipts, n)
        receipt, one, left = found  # type: ignore[misc]
        (answer,) = inspect(INSPECTS, requests=[Inspect(receipt, quantity, grade)])
        assert isinstance(answer, Refused) == (quantity > left)
        if not isinstance(answer, Refused):
            found[2] -= quantity  # type: ignore[index]
            one.inspected += quantity
            self.inspections.append([answer.inspection, one, quantity])

    @precondition(lambda self: self.inspections)
    @rule(n=st.integers(0, 99), quantity=st.integers(1, 4), what=st.sampled_from(["", *DISPOSITIONS]))
    def dispose(self, n: int, quantity: int, what: str) -> None:
        found = self._some(self.inspections, n)
        inspection, one, left = found  # type: ignore[misc]
        (answer,) = dispose(INSPECTS, requests=[Dispose(inspection, quantity, what, reason="so")])
        assert isinstance(answer, Refused) == (quantity > left)
        if not isinstance(answer, Refused):
            found[2] -= quantity  # type: ignore[index]
            one.disposed += quantity
            if DISPOSITIONS[answer.disposition] is None:
                self.model.units[one.sold.sku] -= quantity

    @precondition(lambda self: self.model.returns)
    @rule(n=st.integers(0, 99), ahead=st.integers(0, 3))
    def refund(self, n: int, ahead: int) -> None:
        """What is due; or units ahead of it, because a person wants it."""
        one = self._back(n)
        possible = one.quantity - one.cancelled - one.refunded
        amount = ahead or max(0, one.disposed - one.refunded)
        lines = ((one.line, ahead),) if ahead else None
        (answer,) = refund(ASKS, requests=[Refund(one.id, lines)])
        enough = amount * PRICE <= self._left(one.sold.order)
        assert isinstance(answer, Refused) == (not (0 < amount <= possible and enough))
        if not isinstance(answer, Refused):
            assert answer.total_minor == amount * PRICE
            assert answer.state == ("waiting" if answer.total_minor > LIMIT else "paid")
            one.refunded += amount
            if answer.state == "paid":
                self.model.refunded += amount
            else:
                self.waiting.append((answer.refund, one, amount))

    @precondition(lambda self: self.waiting)
    @rule(n=st.integers(0, 99), agree=st.booleans())
    def decide(self, n: int, agree: bool) -> None:
        refund_id, one, amount = self.waiting[n % len(self.waiting)]
        left = self._left(one.sold.order)
        (answer,) = approve(APPROVES, requests=[Approve(refund_id, agree, "so")])
        assert isinstance(answer, Refused) == (agree and left < 0), "the bank has taken what it waited for"
        if isinstance(answer, Refused):
            return
        del self.waiting[n % len(self.waiting)]
        assert answer.state == ("paid" if agree else "rejected")  # type: ignore[union-attr]
        if agree:
            self.model.refunded += amount
        else:
            one.refunded -= amount

    @precondition(lambda self: self.model.returns)
    @rule(n=st.integers(0, 99), without=st.booleans())
    def give_up(self, n: int, without: bool) -> None:
        one = self._back(n)
        (answer,) = close(ASKS, requests=[Close(one.id, "the rest stays", without)])
        if not isinstance(answer, Refused):
            assert one.received == one.disposed
            assert one.refunded <= one.received
            one.sold.asked -= one.quantity - one.cancelled - one.received
            one.cancelled = one.quantity - one.received

    @precondition(lambda self: self.model.sold)
    @rule(
        n=st.integers(0, 99),
        quantity=st.integers(1, 2),
        grade=st.sampled_from("ABCD"),
        how_far=st.integers(2, 5),
    )
    def hurry_back(self, n: int, quantity: int, grade: str, how_far: int) -> None:
        """Take units as far on their way back as they go, or stop half way."""
        count = len(self.model.returns)
        self.ask_back(n, quantity, "changed_mind")
        if len(self.model.returns) == count:
            return
        self.come_back(-1, quantity)
        if how_far > 2:
            self.inspect(-1, quantity, grade)
        if how_far > 3:
            self.dispose(-1, quantity, "")
        if how_far > 4:
            self.refund(-1, 0)

    @precondition(lambda self: any(sold.shipped for sold in self.model.sold.values()))
    @rule(n=st.integers(0, 99), amount=st.integers(1, 3 * PRICE))
    def dispute(self, n: int, amount: int) -> None:
        """The bank of a customer takes something back, whatever was refunded already."""
        sold: Sold = self._some([one for one in self.model.sold.values() if one.shipped], n)  # type: ignore[assignment]
        paid, *others = payments.of_order(sold.order)
        if others:
            return  # of which of them the bank takes it decides what is left
        name = f"dp-{len(self.disputes)}-{n}-{amount}"
        (answer,) = open_disputes(SYSTEM, requests=[OpenDispute(paid.id, name, amount)])
        assert isinstance(answer, Refused) == (
            amount > self._captured(sold.order) - self.model.disputed[sold.order]
        )
        if not isinstance(answer, Refused) and answer.fresh:
            self.disputes.append((answer.dispute, sold.order, amount))
            self.model.disputed[sold.order] += amount
            self.model.open_disputes += amount

    @precondition(lambda self: self.disputes)
    @rule(n=st.integers(0, 99), won=st.booleans())
    def judge(self, n: int, won: bool) -> None:
        dispute, order, amount = self.disputes.pop(n % len(self.disputes))
        (answer,) = close_disputes(SYSTEM, requests=[CloseDispute(dispute, won)])
        assert not isinstance(answer, Refused)
        self.model.open_disputes -= amount
        if won:
            self.model.disputed[order] -= amount
        else:
            self.model.lost_disputes += amount

    def _captured(self, order: UUID) -> int:
        return sum(one.shipped for one in self.model.sold.values() if one.order == order) * PRICE

    def _left(self, order: UUID) -> int:
        """What can still be refunded of an order: not what was, what waits for it, or what a bank has taken."""
        given = sum(one.refunded for one in self.model.returns if one.sold.order == order) * PRICE
        waits = sum(amount for _, one, amount in self.waiting if one.sold.order == order) * PRICE
        return max(0, self._captured(order) - (given - waits) - self.model.disputed[order]) - waits

    def _back(self, n: int) -> Back:
        return self._some(self.model.returns, n)  # type: ignore[return-value]

    @invariant()
    def units_wait_where_the_model_says(self) -> None:
        if hasattr(self, "waiting"):
            waits = sum(one.received - one.disposed for one in self.model.returns)
            there = sum(units(sku, "pending_inspection") for sku in self.floor.skus)
            assert there == waits


def walk(examples: int, steps: int, **facts: object) -> None:
    run_state_machine_as_test(
        WholeHouse,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            phases=[Phase.explicit, Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
            **facts,  # type: ignore[arg-type]
        ),
    )


@pytest.mark.django_db
@pytest.mark.timeout(300)
def test_random_walks_keep_both_ledgers_right() -> None:
    walk(examples=20, steps=40)


@pytest.mark.soak
@pytest.mark.django_db
@pytest.mark.timeout(0)
def test_long_random_walks_keep_both_ledgers_right() -> None:
    """New walks until the time is over: SOAK_MINUTES, 10 without."""
    end = time.monotonic() + 60 * float(os.environ.get("SOAK_MINUTES", "10"))
    rounds = 0
    while time.monotonic() < end:
        walk(examples=20, steps=120, derandomize=False, database=None)
        rounds += 1
    print(f"{rounds * 20} walks of 120 steps")
