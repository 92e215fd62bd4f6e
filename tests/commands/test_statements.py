"""Statements of commands that have no longer test of their own: as many for a thousand requests as for one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from entrepot.access.commands.sync_roles import SyncRoles, sync_roles
from entrepot.channels.commands.import_invoices import ImportInvoice, InvoiceLine, import_invoices
from entrepot.channels.commands.import_sales import ImportSale, import_sales
from entrepot.channels.commands.receive_supply import ReceiveSupply, Supply, SupplyReceived, receive_supply
from entrepot.channels.commands.set_aside import SetRowAside, set_aside
from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.errors import Refused
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.orders.commands.edit import AddLine, EditOrder
from entrepot.orders.commands.hold import PlaceHold, place_hold
from entrepot.orders.commands.merge import MergeOrders, merge
from entrepot.orders.commands.place import OrderLine, Placed, PlaceOrder, place
from entrepot.orders.commands.satisfy import ReleaseSatisfied, release_satisfied
from entrepot.orders.commands.split import SplitOrder, split
from entrepot.orders.holding import Holding
from entrepot.orders.validation import Validation
from entrepot.purchasing import queries as purchase_orders
from entrepot.purchasing.commands import cancel as purchasing
from entrepot.purchasing.commands.order import OrderedLine, OrderGoods, order
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from entrepot.sourcing.commands.cancel import cancel
from entrepot.sourcing.commands.edit import edit, reprice
from entrepot.sourcing.commands.expire_holds import ExpireHolds, expire_holds
from entrepot.sourcing.commands.expire_reservations import ExpireReservations, expire_reservations
from entrepot.sourcing.commands.peg import PegSku, peg
from entrepot.sourcing.commands.rebalance import (
    ProposeTransfers,
    ReviewStock,
    propose_transfers,
    review_stock,
)
from entrepot.sourcing.commands.transfers import (
    AcceptTransfer,
    RejectTransfer,
    SendTransfer,
    accept_transfers,
    reject_transfers,
    send_transfers,
)
from entrepot.sourcing.queries import proposals
from entrepot.sourcing.rebalancing import Rebalancing
from entrepot.stock.commands.adjust import Adjust, AdjustmentPolicy, DecideAdjustment
from entrepot.stock.commands.adjust import adjust as propose_adjustments
from entrepot.stock.commands.adjust import approve_adjustment as approve_in_stock
from entrepot.stock.commands.expect import Expect, expect
from entrepot.stock.commands.publish import PublishChanges, RepublishPlace, publish, republish
from entrepot.stock.commands.receive import Receive, receive
from entrepot.stock.commands.reserve import GiveBack, Reserve, give_back, reserve
from entrepot.stock.commands.set_floor import SetRingFence, SetSafety, set_ring_fence, set_safety
from entrepot.stock.commands.transfer import (
    ReceiveTransfer,
    ShipTransfer,
    TransferUnits,
    receive_transfer,
    ship_transfer,
)
from entrepot.warehouse.commands.adjust import adjust, approve_adjustment
from entrepot.work.commands.escalate import EscalateOverdue, escalate_overdue
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.rules import Targets
from tests.floor import COMPANY, NOW, SYSTEM, Floor, a_floor, someone
from tests.retailer import BUYER, a_retailer
from tests.sizes import MANY, SIZES
from tests.walk import a_house

LATER = Cause(SYSTEM.actor, NOW + timedelta(days=1))
OTHER = someone("olga")


@pytest.fixture
def counted(statements) -> Callable[..., None]:
    """Give a command requests while its statements are counted, and see that it refuses nothing."""

    def count(command: Callable[..., list[Any]], requests: Sequence[Any], cause: Any = SYSTEM) -> list[Any]:
        with statements():
            answers = command(cause, requests=requests)
        assert len(answers) == len(requests)
        assert not [answer for answer in answers if isinstance(answer, Refused)]
        return answers

    return count


def placed(floor: Floor, count: int, name: str = "") -> list[UUID]:
    """Orders of one unit each; of so many SKUs as there are, if there are as many."""
    requests = [
        PlaceOrder(
            COMPANY, "shop", f"{name} {count} {i}",
            (OrderLine(floor.codes[i % len(floor.codes)], 1, Decimal(5)),), "GBP", country="GB",
        )
        for i in range(count)
    ]  # fmt: skip
    answers = place(SYSTEM, requests=requests)
    return [answer.order for answer in answers if isinstance(answer, Placed)]


def sourced(orders: Sequence[UUID]) -> Sequence[UUID]:
    allocate(SYSTEM, requests=[AllocateOrder(one) for one in orders])
    return orders


# ---- kernel, access, work


@pytest.mark.counts("access.sync_roles")
def test_sync_roles(db: None, counted):
    for size in SIZES:
        counted(sync_roles, [SyncRoles()] * size)


@pytest.mark.counts("kernel.set_policy")
def test_set_policy(db: None, counted):
    for size in SIZES:
        counted(
            set_policy,
            [SetPolicy(COMPANY, "orders.validation", Validation(), NOW, f"{size}-{i}") for i in range(size)],
        )


@pytest.mark.counts("work.escalate_overdue")
def test_escalate_overdue(db: None, counted):
    targets = Targets(escalate_after_hours=1)
    companies = range(1, 1001)
    set_policy(SYSTEM, requests=[SetPolicy(one, "work.targets", targets, NOW) for one in companies])
    for size in SIZES:
        late = [
            OpenItem(one, "short pick", "task", ids.uuid7(), "bin empty", "picker", due_in_hours=1)
            for one in companies[:size]
        ]
        open_items(SYSTEM, requests=late)
        answers = counted(escalate_overdue, [EscalateOverdue(one) for one in companies[:size]], LATER)
        assert all(answer.items == 1 for answer in answers)


# ---- stock


@pytest.mark.counts("stock.set_safety", "stock.set_ring_fence")
def test_floors_of_positions(db: None, counted):
    house = a_floor(skus=MANY)
    for size in SIZES:
        some = house.skus[:size]
        counted(set_safety, [SetSafety(COMPANY, sku, house.nodes[0], size) for sku in some])
        fence = house.channels["shop"]
        counted(set_ring_fence, [SetRingFence(COMPANY, sku, house.nodes[0], fence, size) for sku in some])


@pytest.mark.counts("stock.expect")
def test_expect(db: None, counted):
    house = a_floor(skus=1)
    for size in SIZES:
        lines = [ids.uuid7() for _ in range(size)]
        document = ids.uuid7()
        counted(
            expect,
            [
                Expect(
                    COMPANY, line, house.skus[0], house.nodes[0], "purchase_order", document, 5, NOW.date()
                )
                for line in lines
            ],
        )


@pytest.mark.counts("stock.give_back", "sourcing.expire_reservations")
def test_reservations(db: None, counted):
    house = a_floor(skus=1)
    house.stock(quantity=10_000)

    def carts(size: int, name: str) -> list[Reserve]:
        return [
            Reserve(
                COMPANY, f"{name} {size} {i}", house.skus[0], house.nodes[0], house.channels["shop"], 1,
                NOW + timedelta(hours=1),
            )
            for i in range(size)
        ]  # fmt: skip

    for size in SIZES:
        mine = carts(size, "back")
        reserve(SYSTEM, requests=mine)
        counted(give_back, [GiveBack(one.holder) for one in mine])
        reserve(SYSTEM, requests=carts(size, "left"))
        answers = counted(expire_reservations, [ExpireReservations(COMPANY)] * size, LATER)
        assert {answer.skus for answer in answers} == {1}


@pytest.mark.counts(
    "stock.approve_adjustment", "stock.receive_transfer", "warehouse.adjust", "warehouse.approve_adjustment",
)  # fmt: skip
def test_adjustments_and_transfers(db: None, counted):
    house = a_house()
    house.stock(quantity=100_000)
    policy = AdjustmentPolicy(approve_above_minor=0)
    loss = Adjust(COMPANY, house.skus[0], house.nodes[0], house.bin(), -1, "damaged")

    def waiting(size: int) -> list[DecideAdjustment]:
        answers = propose_adjustments(SYSTEM, requests=[loss] * size)
        assert {one.state for one in answers} == {"waiting"}
        return [DecideAdjustment(one.adjustment, approve=True) for one in answers]

    def on_the_way(size: int) -> list[ReceiveTransfer]:
        line = TransferUnits(house.skus[0], house.bin(), 1)
        request = ShipTransfer(COMPANY, house.nodes[0], house.nodes[1], (line,))
        answers = ship_transfer(SYSTEM, requests=[request] * size)
        return [ReceiveTransfer(one.transfer, rest="received") for one in answers]

    for size in (1, *SIZES):  # the first of all makes the buckets that the others find
        counted(receive_transfer, on_the_way(size))
        counted(adjust, [loss] * size)
    set_policy(SYSTEM, requests=[SetPolicy(COMPANY, "stock.adjustments", policy, NOW)])
    for size in SIZES:
        counted(approve_in_stock, waiting(size), OTHER)
        counted(approve_adjustment, waiting(size), OTHER)


@pytest.mark.counts("stock.publish", "stock.republish")
def test_published_figures(db: None, counted):
    house = a_floor(skus=MANY)
    for size in SIZES:
        some = house.skus[:size]
        receive(SYSTEM, requests=[
            Receive(COMPANY, sku, house.nodes[0], house.bin(), 5, 500, "receipt", ids.uuid7()) for sku in some
        ])  # fmt: skip
        answers = counted(publish, [PublishChanges()] * size)
        assert answers[0].skus == answers[0].changed // 2 == size
        counted(republish, [RepublishPlace(house.channels["shop"])] * size)


# ---- orders and sourcing


@pytest.mark.counts("orders.split", "orders.merge")
def test_parts_of_orders(db: None, counted):
    """Alone they leave backorders behind: `sourcing.split` and `sourcing.merge` call them."""
    house = a_floor(skus=2)
    for size in SIZES:
        requests = [
            PlaceOrder(
                COMPANY, "shop", f"{size} {i}", tuple(OrderLine(code, 1, Decimal(5)) for code in house.codes),
                "GBP", customer="C-1", country="GB",
            )
            for i in range(size)
        ]  # fmt: skip
        orders = [one.order for one in place(SYSTEM, requests=requests)]
        lines = dict(sql.run(
            "SELECT order_id, id FROM orders_line WHERE order_id = ANY(%(orders)s::uuid[]) AND number = 1",
            {"orders": orders},
        ))  # fmt: skip
        parts = counted(split, [SplitOrder(one, ((lines[one], 1),), "apart") for one in orders])
        counted(merge, [MergeOrders(one.order, (one.new_order,), "one parcel") for one in parts])


@pytest.mark.counts("sourcing.cancel", "sourcing.edit", "sourcing.reprice")
def test_changes_of_orders(db: None, counted):
    house = a_floor(skus=1)
    house.stock(quantity=4_000)
    for size in SIZES:
        orders = sourced(placed(house, size))
        cheaper = (AddLine(house.codes[0], 1, Decimal(4)),)
        counted(edit, [EditOrder(one, "sooner", service="express") for one in orders])
        counted(reprice, [EditOrder(one, "one for less", cheaper) for one in orders])
        counted(cancel, [CancelOrder(one, "changed my mind") for one in orders])


@pytest.mark.counts("sourcing.peg", "sourcing.review_stock")
def test_pegging_and_reviewing(db: None, counted):
    house = a_floor(skus=MANY)
    day = NOW.date() + timedelta(days=3)
    supply = [
        Expect(COMPANY, ids.uuid7(), sku, house.nodes[0], "purchase_order", ids.uuid7(), 5, day)
        for sku in house.skus
    ]
    expect(SYSTEM, requests=supply)
    sourced(placed(house, MANY))
    for size in SIZES:
        counted(peg, [PegSku(sku) for sku in house.skus[-size:]])
        counted(review_stock, [ReviewStock(COMPANY)] * size)


@pytest.mark.counts("sourcing.reject_transfers", "sourcing.send_transfers")
def test_proposed_transfers(db: None, counted):
    house = a_house(skus=2 * (MANY + 11))
    set_policy(
        SYSTEM,
        requests=[
            SetPolicy(
                COMPANY, "sourcing.rebalancing", Rebalancing(cost_max_percent=100), NOW - timedelta(days=1)
            )
        ],
    )
    start = 0
    for size in SIZES:
        some = range(start, start + 2 * size)
        start += 2 * size
        pick = house.at().bin
        receive(SYSTEM, requests=[
            Receive(COMPANY, house.skus[sku], house.nodes[0], pick, 30, 3_000, "receipt", ids.uuid7()) for sku in some
        ])  # fmt: skip
        set_safety(SYSTEM, requests=[SetSafety(COMPANY, house.skus[sku], house.nodes[1], 10) for sku in some])
        propose_transfers(SYSTEM, requests=[ProposeTransfers(house.skus[sku]) for sku in some])
        keys = [row.id for row in proposals(company=COMPANY, limit=3000) if row.state == "proposed"]
        assert len(keys) == 2 * size
        counted(reject_transfers, [RejectTransfer(key, "no van") for key in keys[:size]])
        accept_transfers(SYSTEM, requests=[AcceptTransfer(key) for key in keys[size:]])
        counted(send_transfers, [SendTransfer(key) for key in keys[size:]])


@pytest.mark.counts("orders.release_satisfied", "sourcing.expire_holds")
def test_holds_that_end_by_themselves(db: None, counted):
    house = a_floor(skus=1)
    house.stock(quantity=4_000)
    for kind, end in (("tax hold", "release"), ("fraud review", "cancel"), ("address hold", "escalate")):
        set_policy(
            SYSTEM,
            requests=[SetPolicy(COMPANY, "orders.holds", Holding(expires_hours=4, at_expiry=end), NOW, kind)],
        )
    for size in SIZES:
        waiting = placed(house, size, "waits")
        place_hold(
            SYSTEM, requests=[PlaceHold(one, "inventory hold", "why", None, "stock") for one in waiting]
        )
        answers = counted(release_satisfied, [ReleaseSatisfied(one) for one in waiting])
        assert all(answer.holds for answer in answers)
        part = min(size, 160)  # it ends 500 at a time
        for kind in ("tax hold", "fraud review", "address hold"):
            held = placed(house, part, kind)
            place_hold(SYSTEM, requests=[PlaceHold(one, kind, "why") for one in held])
        assert counted(expire_holds, [ExpireHolds(COMPANY)] * size, LATER)[0].cancelled


# ---- purchasing and channels


@pytest.mark.counts("purchasing.cancel")
def test_purchase_orders(db: None, counted):
    house = a_retailer(skus=1)
    lines = (OrderedLine(house.skus[0], 1, Decimal(1)),)
    for size in SIZES:
        ordered = order(
            BUYER,
            requests=[OrderGoods(house.company, house.supplier, house.node, "", lines) for _ in range(size)],
        )
        counted(purchasing.cancel, [purchasing.CancelOrder(one.order, "too late") for one in ordered])


@pytest.mark.counts("channels.receive_supply", sizes=(1,))
def test_supply_takes_as_many_statements_for_a_thousand_lines(db: None, statements):
    """One request is all that comes at one time: its purchase orders and lines are many."""
    house = a_retailer(skus=MANY)
    ran_of = []
    for size in (1, *SIZES):  # the first of all makes what the others find
        orders = min(size, 10)
        lines = tuple((sku, 2, Decimal(1)) for sku in house.skus[: size // orders])
        half = [
            Supply(house.supplier, house.node, house.pick, f"{ids.uuid7()}", lines, 50) for _ in range(orders)
        ]
        receive_supply(SYSTEM, requests=[ReceiveSupply(1, NOW, (), tuple(half))])
        rest = [
            (one.id, house.pick)
            for one in purchase_orders.orders(company=1, state="part_received", limit=200)
        ]
        whole = Supply(house.supplier, house.node, house.pick, f"{ids.uuid7()}", lines)
        with statements() as ran:
            (answer,) = receive_supply(SYSTEM, requests=[ReceiveSupply(1, NOW, tuple(rest), (whole,))])
        assert isinstance(answer, SupplyReceived)
        assert (len(rest), answer.units) == (orders, size + 2 * len(lines))
        ran_of.append(len(ran))
    assert len(set(ran_of[1:])) == 1, ran_of


@pytest.mark.counts("channels.set_aside")
def test_rows_set_aside(db: None, counted):
    a_floor()
    for size in SIZES:
        counted(
            set_aside,
            [SetRowAside(COMPANY, "a file", f"{size}-{i}", i, "no number", "a;b") for i in range(size)],
        )


@pytest.mark.counts("channels.import_sales", "channels.import_invoices")
def test_histories(db: None, counted):
    house = a_house()
    house.stock(quantity=4_000)
    thing = house.codes[0]
    for size in (1, *SIZES):  # the first of all makes the buckets that the others find
        sales = [
            ImportSale(
                PlaceOrder(
                    COMPANY, "shop", f"{size} {ids.uuid7()}", (OrderLine(thing, 1, Decimal(5)),), "GBP", NOW,
                    country="GB",
                ),
                "[]",
                sent_at=NOW,
                delivered_at=NOW + timedelta(days=1),
            )
            for _ in range(size)
        ]  # fmt: skip
        counted(import_sales, sales)
        sold = (InvoiceLine("goods", thing, "a thing", 1, Decimal(5)),)
        counted(
            import_invoices,
            [
                ImportInvoice(COMPANY, "shop", f"{ids.uuid7()}", "sale", NOW, "GBP", sold, (), "[]")
                for _ in range(size)
            ],
        )
