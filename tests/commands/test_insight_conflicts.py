"""insight.conflicts: who lost what was promised, what became of it, and who waits behind somebody less urgent"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from entrepot.insight import conflicts
from entrepot.kernel import sql
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from entrepot.sourcing.commands.cancel import cancel
from entrepot.sourcing.commands.reject import RejectOrder, reject
from entrepot.sourcing.rules import Offline, Profile
from entrepot.stock.commands.adjust import Adjust
from entrepot.stock.commands.set_floor import SetRingFence, set_ring_fence
from entrepot.warehouse.commands.adjust import adjust
from entrepot.warehouse.commands.pick import PickFulfillment, pick
from tests.floor import COMPANY, NOW, SYSTEM, Floor
from tests.walk import a_house, allocated, released

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    return a_house()


def lost(house: Floor, units: int, reason: str = "water damage", node: int = 0) -> UUID | None:
    request = Adjust(COMPANY, house.skus[0], house.nodes[node], house.bin(node), -units, reason)
    (answer,) = adjust(SYSTEM, requests=[request])
    assert answer.posted == -units
    return answer.adjustment


def displaced(days: int = 1) -> list[conflicts.Displaced]:
    return conflicts.displaced(COMPANY, since=NOW - timedelta(days=days))


def over() -> list[tuple[UUID, UUID, int, str]]:
    return [(one.order, one.served, one.waiting, one.why) for one in conflicts.passed_over(COMPANY, at=NOW)]


def test_a_loss_tells_who_lost_and_what_took_it(house: Floor) -> None:
    house.stock(0, 5)
    urgent, patient = house.order((0, 3), priority=9).order, house.order((0, 2)).order
    allocated(urgent, patient)

    adjustment = lost(house, 1)

    (one,) = displaced()
    assert (one.order, one.line_number, one.node_code, one.units, one.was_released) == (
        patient,
        1,
        "N1",
        1,
        False,
    )
    assert (one.reason, one.document_kind, one.document) == ("water damage", "adjustment", adjustment)
    assert (one.waiting, one.cancelled, one.served, one.served_at) == (1, 0, 0, "")
    assert conflicts.displaced(COMPANY, since=NOW + timedelta(seconds=1)) == []


def test_what_was_lost_is_served_again_elsewhere_waits_or_is_cancelled(house: Floor) -> None:
    house.stock(0, 6)
    house.stock(0, 2, node=1)
    order = house.order((0, 6)).order
    allocated(order)

    lost(house, 5)
    allocated(order)
    (one,) = displaced()
    assert (one.units, one.waiting, one.cancelled, one.served, one.served_at) == (5, 3, 0, 2, "N1 N2")

    cancel(SYSTEM, requests=[CancelOrder(order, "customer")])
    (one,) = displaced()
    assert (one.waiting, one.cancelled, one.served) == (0, 5, 0)


def test_a_short_pick_is_one_too_and_causes_are_added_up(house: Floor) -> None:
    house.stock(0, 4)
    order = house.order((0, 4)).order
    allocated(order)
    lost(house, 1, "count")
    (fulfillment,) = released(order)
    ((task,),) = sql.run("SELECT id FROM warehouse_picktask")

    pick(SYSTEM, requests=[PickFulfillment(fulfillment, shorts=((task, 1),))])

    short, counted = displaced()
    assert (short.reason, short.document, short.units, short.was_released) == (
        "short_pick",
        fulfillment,
        2,
        True,
    )
    assert (counted.reason, counted.units) == ("count", 1)
    assert [(one.reason, one.times, one.orders, one.units, one.waiting) for one in conflicts.by_cause(displaced())] == [
        ("short_pick", 1, 1, 2, 2), ("count", 1, 1, 1, 1),
    ]  # fmt: skip


def test_what_a_node_gave_back_is_told_with_it(house: Floor) -> None:
    house.stock(0, 4)
    order = house.order((0, 3)).order
    allocated(order)
    reject(SYSTEM, requests=[RejectOrder(order, house.nodes[0], "too busy")])
    allocated(order)

    (one,) = displaced()

    assert (one.reason, one.node_code, one.units, one.waiting) == ("rejected by the node", "N1", 3, 3)
    patient = house.order((0, 4)).order
    allocated(patient)
    assert over() == [(order, patient, 3, "node")]


def test_who_came_later_is_told_that_the_promise_was_there_before(house: Floor) -> None:
    house.stock(0, 3)
    first = house.order((0, 3)).order
    allocate(SYSTEM, requests=[AllocateOrder(first, NOW - timedelta(minutes=1))])
    urgent = house.order((0, 2), priority=9).order
    allocated(urgent)

    assert over() == [(urgent, first, 2, "came before")]


def test_a_less_urgent_order_is_no_conflict_the_other_way_round(house: Floor) -> None:
    house.stock(0, 3)
    urgent = house.order((0, 3), priority=9).order
    patient = house.order((0, 2)).order
    allocated(urgent, patient)

    assert over() == []


def test_ring_fences_nodes_and_policies_explain(house: Floor) -> None:
    house.stock(0, 3)
    set_ring_fence(
        SYSTEM, requests=[SetRingFence(COMPANY, house.skus[0], house.nodes[0], house.channels["market"], 3)]
    )
    urgent = house.order((0, 2), priority=9).order
    fenced = house.order((0, 2), channel="market").order
    allocated(urgent, fenced)
    assert over() == [(urgent, fenced, 2, "ring-fence")]

    house.stock(1, 3)
    whole = house.order((1, 4), policy="ship_complete", priority=9).order
    part = house.order((1, 2)).order
    allocated(whole, part)
    assert (whole, part, 4, "takes all or none") in over()

    sql.run("DELETE FROM network_channelnode WHERE channel_id = %(one)s", {"one": house.channels["shop"]})
    assert (whole, part, 4, "node") in over()


@pytest.mark.parametrize(
    ("profile", "rule"),
    [
        (Profile(kinds_refused=("warehouse",)), "kind"),
        (Profile(offline=(Offline("N1", NOW.date()),)), "offline"),
        (Profile(minimum_stock={"N1": 3}), "minimum"),
    ],
)
def test_a_rule_of_the_profile_that_kept_the_node_is_named(house: Floor, profile: Profile, rule: str) -> None:
    house.stock(0, 3)
    set_policy(SYSTEM, requests=[SetPolicy(COMPANY, "sourcing.profile", profile, NOW, scope="shop")])
    urgent = house.order((0, 2), priority=9).order
    served = house.order((0, 2), channel="market").order
    allocated(urgent, served)

    (one,) = conflicts.passed_over(COMPANY, at=NOW)
    assert (one.order, one.served, one.why, one.rule) == (urgent, served, "rule", rule)


def test_goods_of_a_shipment_too_many_are_no_conflict_that_nothing_explains(house: Floor) -> None:
    house.stock(0, 1, node=0)
    house.stock(1, 1, node=1)
    steer = SetPolicy(COMPANY, "sourcing.profile", Profile(nodes_per_order_max=1), NOW, scope="shop")
    set_policy(SYSTEM, requests=[steer])
    urgent = house.order((0, 1), (1, 1), priority=9).order
    served = house.order((1, 1), channel="market").order
    allocated(urgent, served)

    (one,) = conflicts.passed_over(COMPANY, at=NOW)
    assert (one.order, one.served, one.why, one.rule) == (urgent, served, "rule", "shipments")


def test_nodes_are_excluded_by_the_profile_of_the_channel(house: Floor) -> None:
    """That for all excludes the node, that of the channel does not: it is no reason there."""
    house.stock(0, 3)
    house.stock(1, 1, node=1)
    steer = [
        SetPolicy(COMPANY, "sourcing.profile", Profile(excluded_nodes=("N1",)), NOW),
        SetPolicy(COMPANY, "sourcing.profile", Profile(), NOW, scope="shop"),
        SetPolicy(COMPANY, "sourcing.profile", Profile(), NOW, scope="market"),
    ]
    set_policy(SYSTEM, requests=steer)
    whole = house.order((0, 4), policy="ship_complete", priority=9).order
    part = house.order((0, 2), channel="market").order
    allocated(whole, part)

    assert over() == [(whole, part, 4, "takes all or none")]


def test_as_many_statements_for_many(house: Floor, statements) -> None:
    house.stock(0, 30)
    many = [house.order((0, 1)).order for _ in range(30)]
    allocated(*many)
    counts = []
    for units in (1, 10):
        lost(house, units)
        with statements() as ran:
            displaced()
            over()
        counts.append(len(ran))
    assert counts == [3, 3]


def test_who_waits_for_the_rest_of_a_kit_is_no_conflict(house):
    kit = house.kit("KIT", (1, 1), (2, 1))
    house.stock(1, 3)
    waits, served = house.order((kit, 1), priority=9).order, house.order((1, 1), priority=1).order
    allocated(waits, served)
    assert (waits, served, 1, "takes all or none") in over()
