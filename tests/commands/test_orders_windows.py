"""When orders may leave and how much of them must go: sourcing.allocate, warehouse.release, warehouse.redate"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from entrepot.kernel import policies, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.command import whole
from entrepot.orders import queries as orders
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.orders.commands.edit import AddLine, EditOrder
from entrepot.orders.window import ITEMS, Windows
from entrepot.shipping.commands.ship import FulfillmentShipped, ShipFulfillment, ship
from entrepot.sourcing import queries
from entrepot.sourcing.commands.allocate import AllocateOrder, OrderAllocated, allocate
from entrepot.sourcing.commands.cancel import cancel
from entrepot.sourcing.commands.edit import edit
from entrepot.sourcing.commands.watch_windows import WatchWindows, WindowsWatched, watch_windows
from entrepot.sourcing.rules import Profile
from entrepot.sourcing.tasks import release_windows_at
from entrepot.stock.commands.adjust import Adjust
from entrepot.stock.commands.reserve import Reserve, reserve
from entrepot.stock.commands.set_preorder import SetPreorder, set_preorder
from entrepot.warehouse import errors
from entrepot.warehouse.commands.adjust import adjust
from entrepot.warehouse.commands.redate import RedateOrder, redate
from entrepot.warehouse.commands.release import OrderReleased, ReleaseOrder, release
from entrepot.warehouse.commands.stream import stream
from entrepot.warehouse.commands.watch_floor import WatchFloor, watch_floor
from entrepot.warehouse.commands.waves import ReleaseWave, release_wave
from entrepot.warehouse.task_times import outlooks
from entrepot.work.commands.resolve import ResolveItem, resolve
from tests import walk, waves
from tests.floor import COMPANY, NOW, SYSTEM, Floor
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db

TODAY = NOW.date()


@pytest.fixture
def house(db: None) -> Floor:
    return walk.a_house()


def at(moment: datetime) -> Cause:
    return Cause(Actor("system:test", everything=True), moment)


def allocated(*wanted: UUID, cause: Cause = SYSTEM) -> list[OrderAllocated]:
    return whole(allocate(cause, requests=[AllocateOrder(order) for order in wanted]))  # type: ignore[return-value]


def released(order: UUID, cause: Cause = SYSTEM) -> Any:
    return release(cause, requests=[ReleaseOrder(order)])[0]


def places(order: UUID) -> list[dict[str, int]]:
    return [line.places for line in orders.order(order).lines]


def why(order: UUID) -> str:
    return queries.explained(order=order)[-1].decision.reasons["why"]


# ---- the least part


@pytest.mark.parametrize("policy", ["partial_backorder", "partial_cancel", "line_complete"])
def test_below_its_least_part_nothing_of_an_order_is_promised_and_all_of_it_waits(
    house: Floor, policy: str
) -> None:
    house.stock(0, 8)
    order = house.order((0, 8), (1, 2), policy=policy, min_fill_percent=90).order

    (answer,) = allocated(order)

    assert (answer.outcome, answer.allocated, answer.backordered, answer.cancelled) == (
        "backordered",
        0,
        10,
        0,
    )
    assert answer.why == "only 8 of its 10 units are free, and fewer than 9 are not sent"
    assert places(order) == [{"backordered": 8}, {"backordered": 2}]

    house.stock(1, 1)
    (answer,) = allocated(order)
    if policy != "line_complete":
        assert answer.allocated == 9
        assert isinstance(released(order), OrderReleased)
    else:
        assert answer.allocated == 0  # the one of the second line does not go without the other


def test_what_has_its_goods_counts_for_the_least_part_and_what_is_cancelled_does_not(house: Floor) -> None:
    house.stock(0, 9)
    order = house.order((0, 10), min_fill_percent=90).order
    assert allocated(order)[0].allocated == 9
    house.stock(0, 1)
    assert allocated(order)[0].allocated == 1
    other = house.order((0, 10), min_fill_percent=50).order
    house.stock(0, 4)
    (line,) = orders.order(other).lines
    whole(cancel(SYSTEM, requests=[CancelOrder(other, "fewer", ((line.id, 2),))]))
    assert allocated(other)[0].allocated == 4


def test_what_is_below_its_least_part_does_not_go_to_the_floor(house: Floor) -> None:
    house.stock(0, 8)
    order = house.order((0, 10)).order
    allocated(order)
    whole(edit(SYSTEM, requests=[EditOrder(order, "all of it", min_fill_percent=100)]))

    assert released(order) == below(order, 8, of=10)
    house.stock(0, 2)
    allocated(order)
    assert isinstance(released(order), OrderReleased)


def below(order: UUID, found: int, of: int) -> errors.BelowFill:
    return errors.BelowFill(order=orders.order(order).number, expected=of, ordered=of, found=found)


def test_what_ships_later_does_not_count_for_the_least_part_before_its_day(house: Floor) -> None:
    house.stock(0, 6)
    house.stock(1, 4)
    opens = SetPreorder(COMPANY, house.skus[1], TODAY + timedelta(days=5), 0)
    whole(set_preorder(SYSTEM, requests=[opens]))
    order = house.order((0, 6), (1, 4), min_fill_percent=100).order
    enough = house.order((0, 6), (1, 4), min_fill_percent=60).order
    house.stock(0, 6)
    house.stock(1, 4)
    allocated(order, enough)

    assert released(order) == below(order, 6, of=10)
    assert released(enough).units == 6
    assert released(enough, at(NOW + timedelta(days=5))).units == 4  # enough is on its way: any part follows
    assert released(order, at(NOW + timedelta(days=5))).units == 10


def at_two_nodes(house: Floor, **facts: object) -> UUID:
    """An order of which the first node has six units, the second four."""
    house.stock(0, 6)
    house.stock(1, 4, node=1)
    order = house.order((0, 6), (1, 4), **facts).order
    allocated(order)
    return order


def test_what_one_node_has_goes_with_the_rest_where_it_is_too_little_alone(house: Floor) -> None:
    alone, together = at_two_nodes(house, min_fill_percent=60), at_two_nodes(house, min_fill_percent=100)
    asked = [ReleaseOrder(order, node=node) for order in (alone, together) for node in house.nodes[:2]]

    first, second, both, nothing = release(SYSTEM, requests=asked)

    assert [first.units, second.units, both.units, len(both.fulfillments)] == [6, 4, 10, 2]  # type: ignore[union-attr]
    assert isinstance(nothing, errors.NothingToRelease)
    named = "SELECT node_id FROM warehouse_fulfillment WHERE id = %(id)s::uuid"
    assert sql.run(named, {"id": both.fulfillments[0]}) == [(house.nodes[0],)]  # type: ignore[union-attr]


def test_where_the_last_day_is_over_at_one_node_the_other_does_not_send_too_little(house: Floor) -> None:
    order = at_two_nodes(house, min_fill_percent=100, cancel_after=TODAY)
    sql.run(
        "UPDATE network_node SET time_zone = 'Asia/Tokyo' WHERE id = %(id)s::uuid", {"id": house.nodes[1]}
    )
    evening = at(NOW.replace(hour=20))

    assert released(order, evening) == below(order, 6, of=10)
    assert released(order, at(NOW.replace(hour=1))).units == 10


def test_what_stands_in_no_bin_does_not_count_for_the_least_part(house: Floor) -> None:
    order = at_two_nodes(house, min_fill_percent=100)
    sql.run("UPDATE network_bin SET kind = 'receiving' WHERE node_id = %(id)s::uuid", {"id": house.nodes[1]})

    assert released(order) == errors.NotPickable(order=orders.order(order).number, missing=4)
    assert sql.run("SELECT count(*) FROM warehouse_fulfillment") == [(0,)]


def test_a_wave_takes_what_may_go_of_all_nodes_and_counts_nothing_else_as_work(house: Floor) -> None:
    for node in ("N1", "N2"):
        waves.gathers(node)
    late = TODAY - timedelta(days=1)
    goes = at_two_nodes(house, min_fill_percent=100, ship_by=late)
    stays = at_two_nodes(house, ship_by=late)
    at_two_nodes(house, ship_not_before=TODAY + timedelta(days=1))
    past = at_two_nodes(house, ship_by=late)
    sql.run(
        "UPDATE orders_order SET cancel_after = %(day)s::date WHERE id = %(id)s::uuid",
        {"day": late, "id": past},
    )
    stream(SYSTEM, requests=[ReleaseOrder(order) for (order,) in sql.run("SELECT id FROM orders_order")])
    more = AddLine(house.codes[0], 90, like=orders.order(stays).lines[0].id)
    whole(edit(SYSTEM, requests=[EditOrder(stays, "more", add=(more,), min_fill_percent=100)]))

    assert to_pick() == 2
    assert waits_for_waves() == 2
    wave = waves.proposed(house)
    assert wave.orders == 1
    (answer,) = whole(release_wave(SYSTEM, requests=[ReleaseWave(wave.wave)]))
    assert (answer.orders, places(goes)) == (1, [{"released": 6}, {"released": 4}])
    assert waits_for_waves() == 0


def to_pick() -> int:
    """Lines that the page of labor counts as work."""
    found = outlooks(company=COMPANY, at=NOW)
    return sum(max(step.lines for step in node.steps if step.step == "pick") for node in found)


def waits_for_waves() -> int:
    """Nodes of which somebody is told that orders wait there that should be on the floor."""
    (watched,) = watch_floor(at(NOW), requests=[WatchFloor(COMPANY)])
    return watched.waiting  # type: ignore[union-attr]


def test_the_least_part_is_asked_of_lines_that_are_served_one_by_one_as_well(house: Floor) -> None:
    body = Profile(choose_by="line")
    whole(
        policies.set_policy(
            SYSTEM, requests=[policies.SetPolicy(COMPANY, "sourcing.profile", body, SYSTEM.at)]
        )
    )
    house.stock(0, 8)
    few, any_part = (house.order((0, 6), **more).order for more in ({"min_fill_percent": 100}, {}))
    allocated(few, any_part)
    assert places(few) == [{"allocated": 6}]
    assert places(any_part) == [{"backordered": 4, "allocated": 2}]


def test_what_a_cart_had_reserved_stays_reserved_until_the_least_part_is_there(house: Floor) -> None:
    house.stock(0, 5)
    held = Reserve(
        COMPANY, "cart-1", house.skus[0], None, house.channels["shop"], 3, NOW + timedelta(hours=1)
    )
    whole(reserve(SYSTEM, requests=[held]))
    order = house.order((0, 3), (1, 1), min_fill_percent=100, reservation="cart-1").order
    other = house.order((0, 4)).order

    assert [one.allocated for one in allocated(order, other)] == [0, 2]
    assert sql.run("SELECT order_id, quantity FROM stock_reservation") == [(order, 3)]
    house.stock(1, 1)
    assert allocated(order)[0].allocated == 4
    assert sql.run("SELECT count(*) FROM stock_reservation") == [(0,)]


def test_what_was_reserved_for_an_order_whose_last_day_is_over_stays_so(house: Floor) -> None:
    house.stock(0, 5)
    held = Reserve(
        COMPANY, "cart-1", house.skus[0], None, house.channels["shop"], 3, NOW + timedelta(hours=1)
    )
    whole(reserve(SYSTEM, requests=[held]))
    order = house.order((0, 3), cancel_after=TODAY, reservation="cart-1").order

    assert allocated(order, cause=days(1))[0].allocated == 0
    assert sql.run("SELECT order_id, quantity FROM stock_reservation") == [(order, 3)]


def test_what_is_called_back_of_a_kit_does_not_count_for_the_least_part(house: Floor) -> None:
    kit = house.kit("KIT", (0, 2), (1, 1))
    house.stock(0, 2)
    house.stock(1, 1)
    house.stock(2, 5)
    order = house.order((kit, 1), (2, 7), min_fill_percent=80).order
    assert allocated(order)[0].allocated == 8
    lost = Adjust(COMPANY, house.skus[1], house.nodes[0], house.bin(), -1, "damage")
    whole(adjust(SYSTEM, requests=[lost]))
    house.stock(2, 1)

    (answer,) = allocated(order)  # seven have their goods, of which two come back; one would be free

    assert (answer.allocated, answer.why) == (
        0, "only 6 of its 10 units are free, and fewer than 8 are not sent",
    )  # fmt: skip


# ---- days


def test_what_may_not_leave_before_a_day_stays_until_then(house: Floor) -> None:
    house.stock(0, 5)
    day = TODAY + timedelta(days=3)
    order = house.order((0, 1), ship_not_before=day).order
    allocated(order)

    assert released(order) == errors.NotBefore(order=orders.order(order).number, on=str(day))
    assert isinstance(released(order, at(NOW + timedelta(days=3))), OrderReleased)


def test_after_its_last_day_nothing_is_promised_or_released(house: Floor) -> None:
    house.stock(0, 5)
    late, promised = (
        house.order((0, 1), cancel_after=TODAY, policy="partial_cancel").order for _ in range(2)
    )
    allocated(promised)
    after = at(NOW + timedelta(days=3))

    (answer,) = allocated(late, cause=after)

    assert (answer.outcome, answer.backordered) == ("backordered", 1)
    assert answer.why == f"it may not leave after {TODAY}, and that day is over"
    refused = released(promised, after)
    assert refused == errors.PastCancelAfter(order=orders.order(promised).number, on=str(TODAY))


@pytest.mark.parametrize(("zone", "goes"), [("America/Los_Angeles", True), ("Asia/Tokyo", False)])
def test_the_last_day_ends_where_the_goods_are(house: Floor, zone: str, goes: bool) -> None:
    house.stock(0, 5)
    order = house.order((0, 1), cancel_after=date(2026, 3, 8)).order
    allocated(order, cause=at(datetime.fromisoformat("2026-03-08T12:00:00Z")))
    sql.run("UPDATE network_node SET time_zone = %(zone)s::text", {"zone": zone})

    # 2026-03-08 is 23 hours long in Los Angeles, and over in Tokyo.
    assert (
        isinstance(released(order, at(datetime.fromisoformat("2026-03-09T06:59:00Z"))), OrderReleased) == goes
    )


def test_what_is_packed_does_not_leave_after_its_last_day_until_another_is_agreed(house: Floor) -> None:
    house.stock(0, 5)
    order = house.order((0, 1), cancel_after=TODAY).order
    allocated(order)
    (fulfillment,) = walk.packed(order)
    number = orders.order(order).number

    def left(cause: Cause, **facts: Any) -> Any:
        return ship(cause, requests=[ShipFulfillment(fulfillment, **facts)])[0]

    assert left(days(1)) == errors.PastCancelAfter(order=number, on=str(TODAY))
    assert places(order) == [{"packed": 1}]
    whole(edit(days(1), requests=[EditOrder(order, "agreed", cancel_after=TODAY + timedelta(days=1))]))
    assert isinstance(left(days(1)), FulfillmentShipped)


def test_what_left_in_time_is_told_of_later(house: Floor) -> None:
    house.stock(0, 5)
    order = house.order((0, 1), cancel_after=TODAY).order
    allocated(order)
    (fulfillment,) = walk.packed(order)

    told = ShipFulfillment(fulfillment, occurred_at=NOW + timedelta(hours=3))
    assert isinstance(ship(days(2), requests=[told])[0], FulfillmentShipped)


def test_a_day_to_leave_by_bounds_what_a_promise_says(house: Floor) -> None:
    house.stock(0, 5)
    promise = NOW + timedelta(days=30)
    bound, free = (
        house.order((0, 1), promise_at=promise, **more).order
        for more in ({"ship_by": TODAY + timedelta(days=1)}, {})
    )
    alone = house.order((0, 1), ship_by=TODAY + timedelta(days=1)).order
    allocated(bound, free, alone)
    for order in (bound, free, alone):
        assert isinstance(released(order), OrderReleased)

    found = leave_by()
    assert found[bound].date() <= TODAY + timedelta(days=1) < found[free].date()
    assert found[alone] == found[bound]
    whole(edit(SYSTEM, requests=[EditOrder(bound, "later", ship_by=TODAY + timedelta(days=4))]))
    redate(SYSTEM, requests=[RedateOrder(bound)])
    assert found[bound] < leave_by()[bound] < found[free]


def leave_by() -> dict[UUID, datetime]:
    return dict(sql.run("SELECT order_id, leave_by FROM warehouse_fulfillment"))  # type: ignore[arg-type]


@pytest.mark.counts("sourcing.allocate", "warehouse.release")
def test_statements_do_not_grow_with_the_batch(house: Floor, statements: Any) -> None:
    house.stock(0, 9_000)
    last = TODAY + timedelta(days=5)
    for size in SIZES:
        made = house.orders(size, (0, 2), min_fill_percent=90, ship_by=TODAY, cancel_after=last)
        wanted = [one.order for one in made]
        with statements():
            whole(allocate(SYSTEM, requests=[AllocateOrder(one) for one in wanted]))
        with statements():
            whole(release(SYSTEM, requests=[ReleaseOrder(one) for one in wanted]))


# ---- who is told


def watched(cause: Cause = SYSTEM) -> WindowsWatched:
    (answer,) = watch_windows(cause, requests=[WatchWindows(COMPANY)])
    assert isinstance(answer, WindowsWatched)
    return answer


def items(order: UUID) -> list[tuple[str, str]]:
    types = "SELECT type, state FROM work_item WHERE subject_id = %(order)s::uuid AND type = ANY(%(types)s::text[])"
    return sql.run(types + " ORDER BY id", {"order": order, "types": list(ITEMS)})  # type: ignore[return-value]


def days(count: int) -> Cause:
    return at(NOW.replace(hour=13) + timedelta(days=count))


def test_somebody_is_told_before_an_order_has_to_leave_and_after_it_and_never_twice(house: Floor) -> None:
    house.stock(0, 9)
    day = TODAY + timedelta(days=5)
    order = house.order((0, 1), ship_by=day, cancel_after=day + timedelta(days=2)).order
    house.order((0, 1))

    assert watched(days(2)) == WindowsWatched(0, 0, 0)
    assert watched(days(3)).told == watched(days(4)).told == 1
    assert items(order) == [("ship-by near", "open")]
    assert watched(days(6)) == WindowsWatched(1, 0, 1)
    assert items(order) == [("ship-by near", "done"), ("past ship-by", "open")]
    assert watched(days(8)) == WindowsWatched(1, 0, 1)
    assert items(order)[2:] == [("past cancel-after", "open")]
    later = EditOrder(
        order, "agreed", ship_by=day + timedelta(days=60), cancel_after=day + timedelta(days=60)
    )
    whole(edit(SYSTEM, requests=[later]))
    assert watched(days(8)) == WindowsWatched(0, 0, 1)


def test_what_may_not_leave_any_more_is_cancelled_where_the_policy_says_so_but_not_what_the_floor_has(
    house: Floor,
) -> None:
    body = Windows(after_cancel="cancel")
    whole(
        policies.set_policy(SYSTEM, requests=[policies.SetPolicy(COMPANY, "orders.windows", body, SYSTEM.at)])
    )
    house.stock(0, 2)
    order, other = (house.order((0, 3), cancel_after=TODAY).order for _ in range(2))
    allocated(order)
    assert isinstance(released(order), OrderReleased)

    assert watched() == WindowsWatched(0, 0, 0)
    assert watched(days(1)) == WindowsWatched(1, 2, 0)

    assert places(order) == [{"released": 2, "cancelled": 1}]
    assert items(order) == [("past cancel-after", "open")]
    assert (orders.order(other).status, items(other)) == ("cancelled", [])
    assert watched(days(1)) == WindowsWatched(1, 0, 0)


def test_what_opens_on_a_day_is_offered_to_the_floor_on_it_or_when_somebody_is_at_work_again(
    house: Floor,
) -> None:
    house.stock(0, 5)
    day = TODAY + timedelta(days=3)
    allocated(house.order((0, 1), ship_not_before=day).order, house.order((0, 1)).order)
    assert release_windows_at(NOW + timedelta(days=2)) == 0
    assert release_windows_at(NOW + timedelta(days=3)) == 1
    assert release_windows_at(NOW + timedelta(days=7)) == 1
    assert release_windows_at(NOW + timedelta(days=60)) == 0


def test_a_least_part_is_not_offered_before_its_day(house: Floor) -> None:
    house.stock(0, 5)
    allocated(
        house.order((0, 1), min_fill_percent=100, ship_not_before=TODAY + timedelta(days=3)).order,
        house.order((0, 1), min_fill_percent=100).order,
    )
    assert release_windows_at(NOW + timedelta(days=2)) == 1
    assert release_windows_at(NOW + timedelta(days=3)) == 2


def test_what_somebody_has_closed_for_a_day_comes_again_only_for_another(house: Floor) -> None:
    order = house.order((0, 1), ship_by=TODAY).order
    watched(days(1))
    closes(order)

    assert watched(days(1)).told == watched(days(2)).told == 0
    assert items(order) == [("past ship-by", "done")]
    whole(edit(SYSTEM, requests=[EditOrder(order, "agreed", ship_by=TODAY + timedelta(days=4))]))
    assert watched(days(4)).told == 1
    assert items(order)[1:] == [("ship-by near", "open")]


def test_what_ended_by_itself_comes_again_when_its_day_does(house: Floor) -> None:
    order = house.order((0, 1), ship_by=TODAY + timedelta(days=2)).order
    watched(days(1))
    for day in (60, 2):
        later = EditOrder(order, "agreed", ship_by=TODAY + timedelta(days=day))
        whole(edit(SYSTEM, requests=[later]))
        watched(days(1))
    assert items(order) == [("ship-by near", "done"), ("ship-by near", "open")]


def closes(order: UUID) -> None:
    (item,) = sql.run(
        "SELECT id FROM work_item WHERE subject_id = %(o)s::uuid AND state <> 'done'", {"o": order}
    )[0]
    whole(resolve(SYSTEM, requests=[ResolveItem(item, "customer", "it waits")]))


@pytest.mark.counts("sourcing.watch_windows")
def test_to_watch_takes_as_many_statements_for_any_number(house: Floor, statements: Any) -> None:
    body = Windows(after_cancel="cancel")
    whole(
        policies.set_policy(SYSTEM, requests=[policies.SetPolicy(COMPANY, "orders.windows", body, SYSTEM.at)])
    )
    for size in SIZES:
        house.orders(size, (0, 2), cancel_after=TODAY)
        house.orders(size, (0, 2), ship_by=TODAY)
        with statements():
            watch_windows(days(1), requests=[WatchWindows(COMPANY)] * size)


def test_to_watch_again_by_key_tells_the_first_answer(house: Floor) -> None:
    house.order((0, 1), ship_by=TODAY)
    request = WatchWindows(COMPANY, key="hourly")
    first = watch_windows(days(1), requests=[request])
    house.order((0, 1), ship_by=TODAY)
    assert watch_windows(days(1), requests=[request]) == first
