"""Commands of the unit ledger: each with its refusals, repetition, and count of statements."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from django.db import transaction

from entrepot.access.errors import DutiesApart
from entrepot.access.queries import duties_of
from entrepot.kernel import ids, policies, sql
from entrepot.kernel.errors import AllOrNothing, NotFound, Refused
from entrepot.ledger.commands.close_month import CloseMonth, close_month
from entrepot.network.commands.register import (
    RegisterChannel,
    RegisterNode,
    register_channels,
    register_nodes,
)
from entrepot.stock import availability_queries, errors, queries
from entrepot.stock.commands.adjust import (
    Adjust,
    Adjusted,
    AdjustmentPolicy,
    DecideAdjustment,
    adjust,
    approve_adjustment,
)  # fmt: skip
from entrepot.stock.commands.allocate import Allocated, Free, Freed, allocate, free
from entrepot.stock.commands.change_status import ChangeStatus, StatusChanged, change_status
from entrepot.stock.commands.move import At
from entrepot.stock.commands.receive import Receive, Received, receive
from entrepot.stock.commands.reserve import GiveBack, GivenBack, Reserve, Reserved, give_back, reserve
from entrepot.stock.commands.set_floor import FloorSet, SetRingFence, SetSafety, set_ring_fence, set_safety
from entrepot.stock.commands.transfer import (
    ArrivedUnits,
    ReceiveTransfer,
    ShipTransfer,
    TransferUnits,
    receive_transfer,
    ship_transfer,
)  # fmt: skip
from tests.floor import COMPANY, NOW, SYSTEM, Floor, a_floor, balance, someone, units
from tests.sizes import SIZES

pytestmark = [pytest.mark.django_db, pytest.mark.alone("kernel", "ledger", "stock", "access")]


@pytest.fixture
def floor() -> Floor:
    return a_floor()


def state() -> list[tuple]:
    """Everything that a refused request must leave as it was."""
    return [
        sql.run("SELECT count(*), max(id) FROM stock_move")[0],
        sql.run("SELECT count(*) FROM ledger_line")[0],
        *sql.run(
            "SELECT sku_id, node_id, sellable, reserved, allocated, safety, fenced FROM stock_position ORDER BY 1, 2"
        ),
    ]


# ---- receive


def a_receipt(floor: Floor, quantity: int = 10, cost: int = 1000, **facts: object) -> Receive:
    node = floor.nodes[0]
    return Receive(COMPANY, floor.skus[0], node, floor.bin(), quantity, cost, "receipt", ids.uuid7(), **facts)


def test_received_units_are_sellable_valued_and_posted(floor: Floor) -> None:
    assert receive(SYSTEM, requests=[a_receipt(floor)]) == [Received(10, 1000)]

    (available,) = availability_queries.availability(
        company=COMPANY, channel="shop", skus=floor.codes[:1], at=NOW
    )
    assert available.quantity == 10
    assert (balance(1200), balance(2050)) == (1000, -1000)


@pytest.mark.parametrize(
    "facts", [{"quantity": 0}, {"quantity": -1}, {"cost": -1}, {"quantity": 2, "serial": "A1"}]
)
def test_a_receipt_that_makes_no_sense_is_refused(floor: Floor, facts: dict) -> None:
    before = state()

    (answer,) = receive(SYSTEM, requests=[a_receipt(floor, **facts)])

    assert isinstance(answer, errors.NotPlaceable)
    assert state() == before


def test_a_receipt_with_the_same_key_counts_once(floor: Floor) -> None:
    request = a_receipt(floor, key="r1")

    assert receive(SYSTEM, requests=[request]) == receive(SYSTEM, requests=[request])
    assert units(floor.skus[0]) == 10


# ---- allocate and free


def test_promises_take_what_is_free_and_refuse_what_is_not(floor: Floor) -> None:
    floor.stock(quantity=10)

    first, second, third = allocate(SYSTEM, requests=[floor.wants(6), floor.wants(5), floor.wants(4)])

    assert isinstance(first, Allocated)
    node = f"node {floor.nodes[0]}"
    assert second == errors.Insufficient(sku=str(floor.skus[0]), node=node, wanted=5, free=4)
    assert f"asked for at {node}, 4 free" in second.message
    assert isinstance(third, Allocated)


def test_a_node_without_stock_and_a_quantity_of_nothing_are_refused(floor: Floor) -> None:
    floor.stock(quantity=10)
    before = state()

    nowhere, nothing = allocate(SYSTEM, requests=[floor.wants(1, node=1), floor.wants(0)])

    assert (nowhere.code, nothing.code) == ("stock.insufficient", "stock.not_placeable")
    assert state() == before


def test_the_same_key_promises_once(floor: Floor) -> None:
    floor.stock(quantity=10)
    request = floor.wants(3)._replace(key="a1")

    assert allocate(SYSTEM, requests=[request]) == allocate(SYSTEM, requests=[request])
    assert sql.run("SELECT allocated FROM stock_position") == [(3,)]


def test_freed_units_can_be_promised_again(floor: Floor) -> None:
    floor.stock(quantity=10)
    request = floor.wants(10)
    allocate(SYSTEM, requests=[request])

    assert free(SYSTEM, requests=[Free(request.order, request.line, 4)]) == [Freed(4)]
    assert isinstance(allocate(SYSTEM, requests=[floor.wants(4)])[0], Allocated)
    assert free(SYSTEM, requests=[Free(request.order, request.line, 99)]) == [Freed(6)]
    assert free(SYSTEM, requests=[Free(request.order, request.line, 1)]) == [Freed(0)]


# ---- floors


def test_safety_stock_is_promised_to_nobody(floor: Floor) -> None:
    floor.stock(quantity=10)
    set_safety(SYSTEM, requests=[SetSafety(COMPANY, floor.skus[0], floor.nodes[0], 3)])

    refused, promised = allocate(SYSTEM, requests=[floor.wants(8), floor.wants(7)])

    assert refused.facts["free"] == 7
    assert isinstance(promised, Allocated)


def test_a_ring_fence_is_for_its_channel_alone_and_comes_back_when_freed(floor: Floor) -> None:
    floor.stock(quantity=10)
    fence = SetRingFence(COMPANY, floor.skus[0], floor.nodes[0], floor.channels["market"], 4)
    assert set_ring_fence(SYSTEM, requests=[fence]) == [FloorSet(4)]

    market = floor.wants(6, channel="market")
    refused, promised = allocate(SYSTEM, requests=[floor.wants(7), market])
    assert refused.facts["free"] == 6
    assert isinstance(promised, Allocated)
    assert sql.run("SELECT fenced FROM stock_position") == [(0,)]

    free(SYSTEM, requests=[Free(market.order, market.line, 3)])
    assert sql.run("SELECT fenced FROM stock_position") == [(1,)]
    assert allocate(SYSTEM, requests=[floor.wants(7)])[0].facts["free"] == 6


def test_a_floor_below_zero_is_refused(floor: Floor) -> None:
    fence = SetRingFence(COMPANY, floor.skus[0], floor.nodes[0], floor.channels["market"], -1)

    assert isinstance(set_ring_fence(SYSTEM, requests=[fence])[0], errors.NotPlaceable)
    assert isinstance(
        set_safety(SYSTEM, requests=[SetSafety(COMPANY, floor.skus[0], floor.nodes[0], -1)])[0],
        errors.NotPlaceable,
    )


# ---- reserve


def a_reservation(floor: Floor, quantity: int = 4, minutes: int = 15, holder: str = "cart-1") -> Reserve:
    return Reserve(
        COMPANY,
        holder,
        floor.skus[0],
        floor.nodes[0],
        floor.channels["shop"],
        quantity,
        NOW + timedelta(minutes=minutes),
    )


def test_reserved_units_are_free_again_when_they_expire(floor: Floor) -> None:
    floor.stock(quantity=5)
    assert isinstance(reserve(SYSTEM, requests=[a_reservation(floor)])[0], Reserved)
    assert reserve(SYSTEM, requests=[a_reservation(floor, holder="cart-2")])[0].facts["free"] == 1

    later = replace(SYSTEM, at=NOW + timedelta(minutes=16))
    assert isinstance(
        reserve(later, requests=[a_reservation(floor, minutes=30, holder="cart-3")])[0], Reserved
    )


def test_reservations_are_given_back_and_only_once(floor: Floor) -> None:
    floor.stock(quantity=5)
    reserve(SYSTEM, requests=[a_reservation(floor)])

    assert give_back(SYSTEM, requests=[GiveBack("cart-1")]) == [GivenBack(4)]
    assert isinstance(give_back(SYSTEM, requests=[GiveBack("cart-1")])[0], errors.NothingReserved)


def test_a_reservation_in_the_past_is_refused(floor: Floor) -> None:
    floor.stock(quantity=5)

    assert isinstance(reserve(SYSTEM, requests=[a_reservation(floor, minutes=0)])[0], errors.NotPlaceable)


# ---- adjust


def a_loss(floor: Floor, delta: int = -3, **facts: object) -> Adjust:
    usual = {"reason": "damaged on the shelf"}
    return Adjust(COMPANY, floor.skus[0], floor.nodes[0], floor.bin(), delta, **(usual | facts))


def test_a_small_loss_is_posted_at_the_average_cost(floor: Floor) -> None:
    floor.stock(quantity=10, cost=1005)

    (answer,) = adjust(SYSTEM, requests=[a_loss(floor)])

    assert isinstance(answer, Adjusted)
    assert (answer.state, answer.posted, units(floor.skus[0])) == ("posted", -3, 7)
    assert balance(5100) == 302  # round(1005 × 3 ÷ 10), a half up


def test_found_units_come_in_at_the_average_cost(floor: Floor) -> None:
    floor.stock(quantity=10, cost=1000)

    adjust(SYSTEM, requests=[a_loss(floor, 2, reason="found")])

    assert (units(floor.skus[0]), balance(1200), balance(5110)) == (12, 1200, -200)


def test_more_than_is_there_is_refused_or_taken_as_far_as_it_goes(floor: Floor) -> None:
    floor.stock(quantity=2)
    before = state()
    (refused,) = adjust(SYSTEM, requests=[a_loss(floor)])
    assert isinstance(refused, errors.NotThere)
    assert state() == before

    (answer,) = adjust(SYSTEM, requests=[a_loss(floor, up_to=True)])
    assert (answer.posted, answer.missing) == (-2, 1)

    (nothing,) = adjust(SYSTEM, requests=[a_loss(floor, up_to=True)])
    assert (nothing.posted, nothing.missing, nothing.adjustment) == (0, 3, None)


def test_a_loss_below_what_is_promised_displaces_the_least_urgent(floor: Floor) -> None:
    floor.stock(quantity=10)
    urgent, patient = floor.wants(5, priority=9), floor.wants(5, priority=1)
    allocate(SYSTEM, requests=[urgent, patient])

    (answer,) = adjust(SYSTEM, requests=[a_loss(floor)])

    (displaced,) = answer.displaced
    assert (displaced.line, displaced.quantity, displaced.was_released) == (patient.line, 3, False)


def test_carts_lose_their_units_before_orders_do(floor: Floor) -> None:
    floor.stock(quantity=5)
    order = floor.wants(3)
    allocate(SYSTEM, requests=[order])
    reserve(SYSTEM, requests=[a_reservation(floor, 2)])

    (answer,) = adjust(SYSTEM, requests=[a_loss(floor, -2)])

    assert answer.displaced == ()
    assert sql.run("SELECT sellable, reserved, allocated FROM stock_position") == [(3, 0, 3)]


def test_what_can_not_be_posted_is_not_moved(floor: Floor) -> None:
    floor.stock(quantity=5)
    later = replace(SYSTEM, at=NOW + timedelta(days=30))
    close_month(later, requests=[CloseMonth(COMPANY, NOW.date().replace(day=1))])
    before = state()

    with pytest.raises(AllOrNothing, match="is closed"):
        adjust(SYSTEM, requests=[a_loss(floor, -2)])

    assert state() == before


def test_a_large_loss_waits_for_another_person(floor: Floor) -> None:
    floor.stock(quantity=10, cost=1_000_000)
    clerk, lead = someone("clerk"), someone("lead")

    (asked,) = adjust(clerk, requests=[a_loss(floor)])
    assert isinstance(asked, Adjusted)
    assert (asked.state, units(floor.skus[0])) == ("waiting", 10)
    decision = DecideAdjustment(asked.adjustment, approve=True)
    (own,) = approve_adjustment(clerk, requests=[decision])
    assert isinstance(own, DutiesApart)
    assert own.facts["document"] == asked.number
    with pytest.raises(psycopg.IntegrityError, match="must have taken the duty"), transaction.atomic():
        sql.run(
            "UPDATE stock_adjustment SET state = 'posted', decided_by = requested_by, decided_at = now() RETURNING 1"
        )
    assert units(floor.skus[0]) == 10
    assert [one.side for one in duties_of(asked.adjustment)] == ["adjust"], "who is refused has done nothing"

    (approved,) = approve_adjustment(lead, requests=[decision])
    assert (approved.state, units(floor.skus[0])) == ("posted", 7)
    (again,) = approve_adjustment(someone("other"), requests=[decision])
    assert isinstance(again, errors.AlreadyDecided)


def test_a_rejected_loss_moves_nothing(floor: Floor) -> None:
    floor.stock(quantity=10, cost=1_000_000)
    (asked,) = adjust(someone("clerk"), requests=[a_loss(floor)])

    (answer,) = approve_adjustment(
        someone("lead"), requests=[DecideAdjustment(asked.adjustment, approve=False)]
    )

    assert (answer.state, units(floor.skus[0])) == ("rejected", 10)


def test_who_approves_what_has_left_meanwhile_has_decided_nothing(floor: Floor) -> None:
    floor.stock(quantity=10, cost=1_000_000)
    (asked,) = adjust(someone("clerk"), requests=[a_loss(floor)])
    policy = policies.SetPolicy(COMPANY, "stock.adjustments", AdjustmentPolicy(None), NOW)
    policies.set_policy(SYSTEM, requests=[policy])
    adjust(SYSTEM, requests=[a_loss(floor, -9)])

    (gone,) = approve_adjustment(someone("lead"), requests=[DecideAdjustment(asked.adjustment, approve=True)])

    assert isinstance(gone, errors.NotThere)
    assert [one.side for one in duties_of(asked.adjustment)] == ["adjust"]


def test_losses_approved_together_take_no_more_than_is_there(floor: Floor) -> None:
    floor.stock(quantity=10, cost=1_000_000)
    clerk, lead = someone("clerk"), someone("lead")
    asked = [adjust(clerk, requests=[a_loss(floor, -6)])[0] for _ in range(2)]

    first, second = approve_adjustment(
        lead, requests=[DecideAdjustment(one.adjustment, approve=True) for one in asked]
    )

    assert (first.state, first.posted, units(floor.skus[0])) == ("posted", -6, 4)
    assert isinstance(second, errors.NotThere)
    assert (second.facts["wanted"], second.facts["found"]) == (6, 4)
    (rejected,) = approve_adjustment(lead, requests=[DecideAdjustment(asked[1].adjustment, approve=False)])
    assert rejected.state == "rejected", "it waited on"


def test_deciding_what_is_not_there_is_refused(floor: Floor) -> None:
    assert isinstance(approve_adjustment(SYSTEM, requests=[DecideAdjustment(ids.uuid7(), True)])[0], NotFound)


def test_without_a_threshold_nothing_waits(floor: Floor) -> None:
    floor.stock(quantity=10, cost=1_000_000)
    policy = policies.SetPolicy(COMPANY, "stock.adjustments", AdjustmentPolicy(None), NOW)
    policies.set_policy(SYSTEM, requests=[policy])

    assert adjust(SYSTEM, requests=[a_loss(floor)])[0].state == "posted"


@pytest.mark.parametrize("facts", [{"delta": 0}, {"reason": ""}])
def test_an_adjustment_needs_units_and_a_reason(floor: Floor, facts: dict) -> None:
    assert isinstance(adjust(SYSTEM, requests=[a_loss(floor, **facts)])[0], Refused)


# ---- change status


def test_damaged_units_leave_what_can_be_promised_but_not_the_books(floor: Floor) -> None:
    floor.stock(quantity=10)
    request = ChangeStatus(
        COMPANY, floor.skus[0], floor.nodes[0], floor.bin(), 4, "sellable", "damaged", "forklift",
        to_bin=floor.bin(kind="quarantine"),
    )  # fmt: skip

    (answer,) = change_status(SYSTEM, requests=[request])

    assert isinstance(answer, StatusChanged)
    assert (units(floor.skus[0]), units(floor.skus[0], "damaged"), balance(1200)) == (6, 4, 1000)
    assert isinstance(change_status(SYSTEM, requests=[replace(request, quantity=7)])[0], errors.NotThere)
    assert isinstance(
        change_status(SYSTEM, requests=[replace(request, to_status="lost in space")])[0], errors.NotPlaceable
    )


# ---- transfer


def a_transfer(floor: Floor, quantity: int = 6) -> ShipTransfer:
    lines = (TransferUnits(floor.skus[0], floor.bin(), quantity),)
    return ShipTransfer(COMPANY, floor.nodes[0], floor.nodes[1], lines)


def test_goods_on_their_way_are_the_destinations_at_the_origins_cost(floor: Floor) -> None:
    floor.stock(quantity=10, cost=1234)
    (shipped,) = ship_transfer(SYSTEM, requests=[a_transfer(floor)])
    assert (balance(1200), balance(1210)) == (494, 740)

    arrived = ArrivedUnits(floor.skus[0], floor.bin(1), received=4)
    (part,) = receive_transfer(SYSTEM, requests=[ReceiveTransfer(shipped.transfer, (arrived,))])
    assert (part.state, units(floor.skus[0], "in_transit")) == ("in_transit", 2)

    rest = ArrivedUnits(floor.skus[0], floor.bin(1), received=1, lost=1)
    (last,) = receive_transfer(SYSTEM, requests=[ReceiveTransfer(shipped.transfer, (rest,), reason="gone")])
    assert (last.state, balance(1210)) == ("received", 0)
    assert balance(1200) + balance(5100) == 1234

    (over,) = receive_transfer(SYSTEM, requests=[ReceiveTransfer(shipped.transfer, (rest,), reason="gone")])
    assert isinstance(over, errors.TransferClosed)


def test_promised_units_are_not_sent_away(floor: Floor) -> None:
    floor.stock(quantity=10)
    allocate(SYSTEM, requests=[floor.wants(5)])
    before = state()

    (answer,) = ship_transfer(SYSTEM, requests=[a_transfer(floor)])

    assert isinstance(answer, errors.Insufficient)
    assert state() == before


def test_a_transfer_to_the_same_node_or_of_nothing_is_refused(floor: Floor) -> None:
    floor.stock(quantity=10)
    request = a_transfer(floor)

    for wrong in (replace(request, to_node=floor.nodes[0]), replace(request, lines=()), a_transfer(floor, 0)):
        assert isinstance(ship_transfer(SYSTEM, requests=[wrong])[0], errors.NotPlaceable)
    assert isinstance(receive_transfer(SYSTEM, requests=[ReceiveTransfer(ids.uuid7(), ())])[0], NotFound)


# ---- counts of statements


@pytest.mark.counts(
    "stock.adjust",
    "stock.allocate",
    "stock.change_status",
    "stock.free",
    "stock.receive",
    "stock.ship_transfer",
)
def test_statements_do_not_grow_with_the_batch(floor: Floor, statements) -> None:
    floor.stock(quantity=100_000)
    counts: dict[str, list[int]] = {}

    def count(name: str, run) -> None:
        with statements() as ran:
            run()
        counts.setdefault(name, []).append(len(ran))

    for size in (1, *SIZES):  # the first of all makes the buckets and positions that the others find
        many = range(size)
        wants = [floor.wants(1) for _ in many]
        loss = a_loss(floor, -1)
        count("receive", lambda many=many: receive(SYSTEM, requests=[a_receipt(floor) for _ in many]))
        count("allocate", lambda wants=wants: allocate(SYSTEM, requests=wants))
        count("free", lambda wants=wants: free(SYSTEM, requests=[Free(w.order, w.line, 1) for w in wants]))
        count("adjust", lambda many=many, loss=loss: adjust(SYSTEM, requests=[loss for _ in many]))
        count("reserve", lambda many=many: reserve(SYSTEM, requests=[a_reservation(floor, 1) for _ in many]))
        count("give back", lambda: give_back(SYSTEM, requests=[GiveBack("cart-1")]))
        count(
            "ship transfer",
            lambda many=many: ship_transfer(SYSTEM, requests=[a_transfer(floor, 1) for _ in many]),
        )
        damage = ChangeStatus(
            COMPANY,
            floor.skus[0],
            floor.nodes[0],
            floor.bin(),
            1,
            "sellable",
            "damaged",
            "wet",
            floor.bin(kind="quarantine"),
        )
        count(
            "change status",
            lambda many=many, damage=damage: change_status(SYSTEM, requests=[damage for _ in many]),
        )

    grown = {name: sizes for name, sizes in counts.items() if len(set(sizes[1:])) > 1}
    assert not grown, counts


def test_availability_tells_the_rows_that_it_comes_from(floor: Floor) -> None:
    floor.stock(quantity=10)
    floor.stock(quantity=4, node=1)
    set_safety(SYSTEM, requests=[SetSafety(COMPANY, floor.skus[0], floor.nodes[1], 9)])
    allocate(SYSTEM, requests=[floor.wants(3)])

    (available,) = availability_queries.availability(
        company=COMPANY, channel="shop", skus=[floor.codes[0], "unknown"], at=NOW
    )

    assert available.quantity == 7  # the short node counts as nothing, not as minus five
    assert [(node.node_code, node.sellable, node.promised, node.free) for node in available.nodes] == [
        ("N1", 10, 3, 7), ("N2", 4, 0, 0),
    ]  # fmt: skip


def test_a_channel_is_shown_none_below_its_threshold_and_no_more_than_its_cap(floor: Floor) -> None:
    floor.stock(quantity=10)
    shop = RegisterChannel(COMPANY, "shop", "Shop", "GBP", buffer=1, threshold=9, shown_at_most=4)
    register_channels(SYSTEM, requests=[shop])
    code = floor.codes[0]

    (capped,) = availability_queries.availability(company=COMPANY, channel="shop", skus=[code], at=NOW)
    register_channels(SYSTEM, requests=[replace(shop, threshold=10)])
    (below,) = availability_queries.availability(company=COMPANY, channel="shop", skus=[code], at=NOW)

    assert (capped.free, capped.quantity, below.free, below.quantity) == (9, 4, 9, 0)
    both = availability_queries.availability_by_channel(company=COMPANY, sku=code, at=NOW)
    assert [(one.channel, one.quantity) for one in both] == [("market", 10), ("shop", 0)]


def test_a_sku_whose_nodes_are_closed_is_known_and_has_none(floor: Floor) -> None:
    floor.stock(quantity=10)
    closed = [RegisterNode(COMPANY, f"N{i}", f"Node {i}", "GB", priority=i, active=False) for i in (1, 2)]
    register_nodes(SYSTEM, requests=closed)

    (available,) = availability_queries.availability(
        company=COMPANY, channel="shop", skus=floor.codes[:1], at=NOW
    )

    assert (available.quantity, available.nodes) == (0, ())


def test_a_bucket_key_names_what_stands_where(floor: Floor) -> None:
    floor.stock(quantity=10)

    (row,) = queries.buckets(sku=floor.skus[0])

    assert (row.node_code, row.bin_code, row.status, row.quantity, row.committed) == (
        "N1",
        "PICK",
        "sellable",
        10,
        0,
    )
    assert floor.at() == At(floor.skus[0], floor.nodes[0], floor.bin(), COMPANY)


def test_a_kit_has_no_stock_of_its_own(floor: Floor) -> None:
    kit = floor.skus[floor.kit("SET", (0, 2))]
    bin_ = floor.bin()
    comes = Receive(COMPANY, kit, floor.nodes[0], bin_, 1, 100, "receipt", ids.uuid7())
    found = Adjust(COMPANY, kit, floor.nodes[0], bin_, 1, "found")
    beside = Adjust(COMPANY, floor.skus[0], floor.nodes[0], bin_, 1, "found")

    (received,) = receive(SYSTEM, requests=[comes])
    adjusted, fine = adjust(SYSTEM, requests=[found, beside])

    assert received == adjusted == errors.KitHasNoStock(sku="SET")
    assert "components" in received.message
    assert fine.posted == 1
    assert sql.run("SELECT DISTINCT sku_id FROM stock_bucket") == [(floor.skus[0],)]
