"""stock.set_preorder: what is sold before it may leave, from taking the order to its day"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest

from entrepot.insight import availability
from entrepot.kernel import ids, policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import whole
from entrepot.kernel.errors import NotFound
from entrepot.orders import queries as orders
from entrepot.orders.commands import progress
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.orders.commands.hold import ReleaseHold, release_holds
from entrepot.orders.commands.split import SplitOrder
from entrepot.sourcing import rules, tasks
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from entrepot.sourcing.commands.cancel import cancel
from entrepot.sourcing.commands.peg import PegSku, peg
from entrepot.sourcing.commands.regroup import split
from entrepot.stock import availability_queries
from entrepot.stock import errors as stock_errors
from entrepot.stock import queries as stock
from entrepot.stock.commands.expect import Expect, expect
from entrepot.stock.commands.reserve import Reserve, reserve
from entrepot.stock.commands.set_preorder import PreorderSet, SetPreorder, set_preorder
from entrepot.warehouse import errors
from entrepot.warehouse.commands.release import OrderReleased, ReleaseOrder, release
from entrepot.work import queries as work
from tests.floor import COMPANY, NOW, SYSTEM, Floor
from tests.sizes import MANY, SIZES
from tests.walk import a_house, allocated, placed, queued

pytestmark = pytest.mark.django_db
TODAY = NOW.date()
OPENING = TODAY + timedelta(days=20)
LATER = Cause(SYSTEM.actor, NOW + timedelta(hours=1), "a test")
ON_THE_DAY = Cause(SYSTEM.actor, NOW + timedelta(days=20), "a test")


@pytest.fixture
def house(db: None) -> Floor:
    return a_house()


def ahead(
    house: Floor, limit: int = 0, on: date | None = OPENING, sku: int = 0, cause: Cause = SYSTEM
) -> PreorderSet:
    (answer,) = set_preorder(cause, requests=[SetPreorder(COMPANY, house.skus[sku], on, limit)])
    assert isinstance(answer, PreorderSet)
    return answer


def comes(house: Floor, units: int, days: int) -> None:
    request = Expect(
        COMPANY, ids.uuid7(), house.skus[0], house.nodes[0], "purchase_order", ids.uuid7(), units,
        TODAY + timedelta(days=days),
    )  # fmt: skip
    expect(SYSTEM, requests=[request])


def asked(house: Floor, days: int = 30) -> availability.Promise:
    found = availability_queries.availability(company=COMPANY, channel="shop", skus=house.codes[:1], at=NOW)
    (one,) = availability.promises(found, company=COMPANY, today=TODAY, days=days)
    return one


def steered(**facts: object) -> None:
    body = rules.Profile(**facts)  # type: ignore[arg-type]
    policies.set_policy(SYSTEM, requests=[policies.SetPolicy(COMPANY, "sourcing.profile", body, SYSTEM.at)])


def waiting(house: Floor, units: int) -> UUID:
    order = house.order((0, units)).order
    allocate(SYSTEM, requests=[AllocateOrder(order)])
    return order


def test_nothing_is_shown_before_its_day_and_then_what_will_have_come(house: Floor) -> None:
    house.stock(0, 4)
    comes(house, 6, days=10)
    ahead(house)

    one = asked(house)

    assert (one.now.quantity, one.now.free) == (0, 4)
    assert (one.on(OPENING - timedelta(days=1)), one.on(OPENING)) == (0, 10)
    assert one.ahead == availability.Ahead(OPENING, 10, 0, 0)


def test_the_limit_counts_what_was_sold_over_all_channels(house: Floor) -> None:
    steered(preorder_limit="off")
    comes(house, 50, days=10)
    ahead(house, limit=12)
    allocate(SYSTEM, requests=[AllocateOrder(house.order((0, 5), channel="market").order)])
    waiting(house, 3)

    assert asked(house).ahead == availability.Ahead(OPENING, 4, 8, 12)
    waiting(house, 9)
    assert asked(house).ahead == availability.Ahead(OPENING, 0, 17, 12)


def test_days_reach_as_far_as_its_day(house: Floor) -> None:
    house.stock(0, 4)
    ahead(house)

    assert asked(house, days=7).ahead == availability.Ahead(OPENING, 4, 0, 0)


def test_a_backorder_is_promised_for_no_earlier_day(house: Floor) -> None:
    comes(house, 5, days=3)
    ahead(house)
    waiting(house, 5)
    peg(SYSTEM, requests=[PegSku(house.skus[0])])

    assert sql.run("SELECT promised_on FROM sourcing_backorder") == [(OPENING,)]

    ahead(house, on=None)
    assert queued("peg") == [house.skus[0]]
    peg(SYSTEM, requests=[PegSku(house.skus[0])])
    assert sql.run("SELECT promised_on FROM sourcing_backorder") == [(TODAY + timedelta(days=3),)]


def slips(order: UUID) -> list[str]:
    return [one.reason for one in orders.timeline(order) if one.reason.startswith("What it waits for")]


def test_who_is_promised_units_is_told_when_their_day_is_moved(house: Floor) -> None:
    house.stock(0, 4)
    house.stock(1, 4)
    ahead(house)
    one, other = house.order((0, 2), promise_at=NOW + timedelta(days=25)).order, house.order((1, 1)).order
    allocated(one, other)

    def pegged() -> int:
        (answer,) = peg(SYSTEM, requests=[PegSku(house.skus[0])])
        return answer.slipped  # type: ignore[union-attr]

    assert pegged() == 0, "it was ordered for that day"
    ahead(house, on=OPENING + timedelta(days=2), cause=LATER)
    ahead(house, on=OPENING + timedelta(days=9), cause=LATER)
    assert (pegged(), pegged()) == (1, 0)
    later, before = OPENING + timedelta(days=9), OPENING
    assert slips(one)[-1] == f"What it waits for is expected on {later} and not on {before}"
    assert slips(other) == []
    sent = sql.run(
        "SELECT body::jsonb FROM kernel_delivery WHERE topic = 'order.promise_slipped' ORDER BY id DESC LIMIT 1"
    )
    assert [(line["from"], line["to"]) for line in sent[0][0]["lines"]] == [(str(before), str(later))]
    (item,) = work.of_subject(one)
    assert (item.type, item.state) == ("slipped promise", "open")

    ahead(house, on=OPENING, cause=LATER)
    assert pegged() == 0
    assert [item.state for item in work.of_subject(one)] == ["done"], "it is in time again"


def slipped(house: Floor) -> UUID:
    """An order that is promised what ships past its customer's promise now."""
    house.stock(0, 4)
    order = house.order((0, 2), promise_at=NOW + timedelta(days=3)).order
    allocated(order)
    ahead(house, cause=LATER)
    peg(LATER, requests=[PegSku(house.skus[0])])
    assert items(order) == [("slipped promise", "open")]
    return order


def items(order: UUID) -> list[tuple[str, str]]:
    return [(one.type, one.state) for one in work.of_subject(order)]


def test_who_orders_after_the_day_was_moved_is_not_told_that_it_slipped(house: Floor) -> None:
    before = slipped(house)
    ahead(house, on=OPENING + timedelta(days=5), cause=LATER)
    after = house.order((0, 2), occurred_at=NOW + timedelta(hours=2)).order
    allocated(after)
    (answer,) = peg(LATER, requests=[PegSku(house.skus[0])])
    assert answer.slipped == 1  # type: ignore[union-attr]
    assert (len(slips(before)), slips(after)) == (2, [])


def test_each_is_told_of_the_day_that_they_know_where_it_is_moved_twice_before_anybody_hears(
    house: Floor,
) -> None:
    house.stock(0, 8)
    ahead(house)
    first = house.order((0, 2)).order
    ahead(house, on=OPENING + timedelta(days=5), cause=LATER)
    between, earlier = (house.order((0, 2), occurred_at=NOW + timedelta(hours=2)).order for _ in range(2))
    allocated(first, between, earlier)
    later = replace(LATER, at=NOW + timedelta(hours=3))
    ahead(house, on=OPENING + timedelta(days=3), cause=later)
    (answer,) = peg(later, requests=[PegSku(house.skus[0])])
    assert answer.slipped == 1  # type: ignore[union-attr]
    assert (len(slips(first)), slips(between)) == (1, []), "it comes sooner than they know"

    ahead(house, on=OPENING + timedelta(days=4), cause=later)
    ahead(house, on=OPENING + timedelta(days=9), cause=replace(LATER, at=NOW + timedelta(hours=4)))
    peg(later, requests=[PegSku(house.skus[0])])
    told = f"What it waits for is expected on {OPENING + timedelta(days=9)} and not on {OPENING + timedelta(days=3)}"
    assert (slips(first)[-1], slips(between)[-1]) == (told, told)


def test_an_order_that_is_promised_some_meanwhile_is_not_touched_without_its_lock(
    house: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.stock(0, 4)
    ahead(house)
    first, meanwhile = house.order((0, 2)).order, house.order((0, 1)).order
    allocated(first)
    ahead(house, on=OPENING + timedelta(days=5), cause=LATER)
    lock = progress.lock

    def slow(wanted: list[UUID]) -> None:
        monkeypatch.undo()
        lock(wanted)
        allocated(meanwhile)

    monkeypatch.setattr(progress, "lock", slow)
    peg(LATER, requests=[PegSku(house.skus[0])])
    assert (len(slips(first)), slips(meanwhile)) == (1, [])


def test_work_about_a_slipped_promise_ends_when_it_ships_at_once(house: Floor) -> None:
    order = slipped(house)
    ahead(house, on=None, cause=LATER)
    assert stock.preorder(sku=house.skus[0]) is None
    (answer,) = peg(LATER, requests=[PegSku(house.skus[0])])
    assert answer.slipped == 0  # type: ignore[union-attr]
    assert items(order) == [("slipped promise", "done")]
    assert sql.run("SELECT FROM stock_preorder") == [], "when they know, nothing is kept"


def test_work_about_a_slipped_promise_ends_with_the_order(house: Floor) -> None:
    order = slipped(house)
    ((line,),) = sql.run("SELECT id FROM orders_line WHERE order_id = %(order)s", {"order": order})
    cancel(SYSTEM, requests=[CancelOrder(order, "one less", lines=((line, 1),))])
    assert items(order) == [("slipped promise", "open")], "the other one still waits"
    cancel(SYSTEM, requests=[CancelOrder(order, "changed my mind")])
    assert items(order) == [("slipped promise", "done")]


def test_work_about_a_slipped_promise_ends_when_it_leaves(house: Floor) -> None:
    order = slipped(house)
    release(ON_THE_DAY, requests=[ReleaseOrder(order)])
    assert items(order) == [("slipped promise", "done")]


def test_work_about_a_slipped_promise_stays_with_what_is_still_promised(house: Floor) -> None:
    """Also where another part of the order goes."""
    house.stock(0, 4)
    order = house.order((0, 2), (1, 1), promise_at=NOW + timedelta(days=3)).order
    allocate(SYSTEM, requests=[AllocateOrder(order)])
    ahead(house, cause=LATER)
    peg(LATER, requests=[PegSku(house.skus[0])])
    split(SYSTEM, requests=[SplitOrder(order, ((waited_line(order), 1),), "apart")])
    assert ("slipped promise", "open") in items(order)


def test_work_about_a_slipped_promise_goes_with_the_line_that_is_late(house: Floor) -> None:
    """Promised or waited for: what stays is in time, and what goes is not; or the other way round."""
    for sku in (0, 1):
        house.stock(sku, 3)
    ahead(house, on=TODAY + timedelta(days=1), sku=1)
    wanted = [house.order((0, 2), (1, 1), promise_at=NOW + timedelta(days=3)).order for _ in range(2)]
    allocate(SYSTEM, requests=[AllocateOrder(order) for order in wanted])
    ahead(house, cause=LATER)
    peg(LATER, requests=[PegSku(house.skus[0])])
    for order, sku, stays, goes in (
        (wanted[0], 0, "done", "open"),
        (wanted[1], 1, "open", "done"),
    ):
        (line,) = [one.id for one in orders.order(order).lines if one.sku_code == house.codes[sku]]
        (answer,) = split(LATER, requests=[SplitOrder(order, ((line, 2 - sku),), "apart")])
        slipped = [
            [state for kind, state in items(one) if kind == "slipped promise"]
            for one in (order, answer.new_order)  # type: ignore[union-attr]
        ]
        assert slipped == [[stays], [goes]]


def test_work_about_a_slipped_promise_stays_when_stock_comes_for_another_line(house: Floor) -> None:
    house.stock(0, 4)
    order = house.order((0, 2), (1, 1), promise_at=NOW + timedelta(days=3)).order
    allocate(SYSTEM, requests=[AllocateOrder(order)])
    ahead(house, cause=LATER)
    peg(LATER, requests=[PegSku(house.skus[0])])
    house.stock(1, 1)
    allocate(LATER, requests=[AllocateOrder(order)])
    assert sorted(items(order)) == [("backorder", "done"), ("slipped promise", "open")]


def waited_line(order: UUID) -> UUID:
    ((line,),) = sql.run(
        "SELECT line_id FROM sourcing_backorder WHERE order_id = %(order)s", {"order": order}
    )
    return line  # type: ignore[no-any-return]


def test_many_are_told_of_a_moved_day_in_as_many_statements_as_one(house: Floor, statements) -> None:
    house.stock(0, 200)
    ahead(house)
    counts = []
    for days, size in enumerate((1, 10, 100), 1):
        allocated(*(house.order((0, 1)).order for _ in range(size)))
        ahead(house, on=OPENING + timedelta(days=days), cause=LATER)
        with statements() as ran:
            (answer,) = peg(SYSTEM, requests=[PegSku(house.skus[0])])
        assert answer.slipped >= size  # type: ignore[union-attr]
        counts.append(len(ran))
    assert len(set(counts)) == 1


def test_what_is_sold_past_the_limit_is_somebodys_work(house: Floor) -> None:
    steered(preorder_limit="warn")
    ahead(house, limit=5)
    waiting(house, 5)
    peg(SYSTEM, requests=[PegSku(house.skus[0])])
    assert work.of_subject(house.skus[0]) == []

    waiting(house, 2)
    peg(SYSTEM, requests=[PegSku(house.skus[0])])
    (item,) = work.of_subject(house.skus[0])
    assert (item.type, item.reason) == ("sold past limit", "7 of SKU-000 are sold ahead, the limit is 5")

    ahead(house, limit=9)
    peg(SYSTEM, requests=[PegSku(house.skus[0])])
    assert [item.state for item in work.of_subject(house.skus[0])] == ["done"]


def test_what_is_promised_leaves_on_its_day_and_not_before(house: Floor) -> None:
    house.stock(0, 4)
    ahead(house)
    order = house.order((0, 2)).order
    allocated(order)

    (early,) = release(SYSTEM, requests=[ReleaseOrder(order)])
    assert isinstance(early, errors.ShipsLater)
    assert str(OPENING) in early.message
    sql.run("DELETE FROM kernel_ready WHERE queue = 'release'")

    assert tasks.release_preorders_at(ON_THE_DAY.at - timedelta(days=1)) == 0
    assert tasks.release_preorders_at(ON_THE_DAY.at) == 1
    assert queued("release") == [order]
    sql.run("DELETE FROM kernel_ready WHERE queue = 'release'")
    assert tasks.release_preorders_at(ON_THE_DAY.at + timedelta(days=40)) == 0
    assert tasks.release_preorders_at(ON_THE_DAY.at + timedelta(days=3)) == 1, "nobody was at work on the day"
    assert queued("release") == [order]
    (answer,) = release(ON_THE_DAY, requests=[ReleaseOrder(order)])
    assert isinstance(answer, OrderReleased)
    assert answer.units == 2


@pytest.mark.parametrize(("policy", "units"), [("partial_backorder", 1), ("ship_complete", 0)])
def test_the_rest_of_an_order_goes_ahead_unless_it_ships_complete(
    house: Floor, policy: str, units: int
) -> None:
    house.stock(0, 4)
    house.stock(1, 4)
    ahead(house)
    order = house.order((0, 2), (1, 1), policy=policy).order
    allocated(order)

    (answer,) = release(SYSTEM, requests=[ReleaseOrder(order)])

    assert (answer.units if isinstance(answer, OrderReleased) else 0) == units
    (rest,) = release(ON_THE_DAY, requests=[ReleaseOrder(order)])
    assert isinstance(rest, OrderReleased)
    assert rest.units == 3 - units


def test_an_earlier_day_or_none_offers_what_may_leave_now(house: Floor) -> None:
    house.stock(0, 4)
    ahead(house)
    order = house.order((0, 2)).order
    allocated(order)
    sql.run("DELETE FROM kernel_ready")

    ahead(house, on=OPENING - timedelta(days=1))
    assert queued("release") == []
    ahead(house, on=TODAY)
    assert queued("release") == [order]
    sql.run("DELETE FROM kernel_ready")
    ahead(house, on=None)
    assert queued("release") == [order]
    assert stock.preorder(sku=house.skus[0]) is None


def test_what_makes_no_sense_is_refused_and_its_neighbors_are_not(house: Floor) -> None:
    unknown = ids.uuid7()
    answers = set_preorder(
        SYSTEM,
        requests=[
            SetPreorder(COMPANY, unknown, OPENING),
            SetPreorder(COMPANY, house.skus[0], OPENING, -1),
            SetPreorder(COMPANY, house.skus[1], OPENING, 5),
        ],
    )

    assert answers[0] == NotFound(what="SKU", which=str(unknown))
    assert isinstance(answers[1], stock_errors.NotPlaceable)
    assert answers[2] == PreorderSet(house.skus[1], OPENING)
    assert sql.run("SELECT sku_id, units_max FROM stock_preorder") == [(house.skus[1], 5)]


def test_the_same_key_is_answered_once(house: Floor) -> None:
    request = SetPreorder(COMPANY, house.skus[0], OPENING, key="p")

    assert set_preorder(SYSTEM, requests=[request]) == set_preorder(SYSTEM, requests=[request])


@pytest.mark.counts("stock.set_preorder")
def test_statements_do_not_grow_with_the_batch(db: None, statements) -> None:
    house = a_house(skus=MANY + 11)
    counts = []
    for some in (house.skus[:1], house.skus[1:11], house.skus[11:]):
        with statements() as ran:
            set_preorder(SYSTEM, requests=[SetPreorder(COMPANY, sku, OPENING) for sku in some])
        counts.append(len(ran))
    assert counts == [4 + 2] * 3  # two write the events and offer the SKUs


# ---- the limit, when orders come in


def held(order: UUID) -> list[tuple[str, str]]:
    return [(one.type, one.reason) for one in orders.order(order).holds if one.state == "open"]


def test_an_order_past_the_limit_is_held_and_one_within_it_is_not(house: Floor) -> None:
    ahead(house, limit=5)
    first, second, third = waiting(house, 4), house.order((0, 2), (1, 1)).order, house.order((0, 1)).order
    house.stock(1, 5)
    sql.run("DELETE FROM kernel_ready")

    answers = allocate(SYSTEM, requests=[AllocateOrder(second), AllocateOrder(third)])

    why = "Sold ahead past the limit: 6 of SKU-000 with this order, the limit is 5."
    assert (answers[0].outcome, answers[0].why) == ("held", why)
    assert held(second) == [("exception", why)]
    assert orders.order(second).status == "exception"
    assert [line.places for line in orders.order(second).lines] == [{"open": 2}, {"open": 1}]
    assert (held(first), held(third)) == ([], [])
    assert [line.places for line in orders.order(third).lines] == [{"backordered": 1}]
    assert queued("allocate") == []


def test_who_lets_it_go_has_decided_for_the_order(house: Floor) -> None:
    ahead(house, limit=5)
    order = waiting(house, 6)
    (hold,) = orders.order(order).holds
    release_holds(SYSTEM, requests=[ReleaseHold(hold.id, "we can get more", "waived")])

    (answer,) = allocate(SYSTEM, requests=[AllocateOrder(order)])

    assert answer.outcome == "backordered"
    assert held(order) == []
    assert held(waiting(house, 1))


def test_what_is_cancelled_can_be_sold_again(house: Floor) -> None:
    ahead(house, limit=5)
    first = waiting(house, 5)
    assert held(waiting(house, 1))
    cancel(SYSTEM, requests=[CancelOrder(first, "changed my mind")])
    assert not held(waiting(house, 5))


def test_what_waits_already_is_not_counted_twice(house: Floor) -> None:
    ahead(house, limit=5)
    order = waiting(house, 5)
    allocate(SYSTEM, requests=[AllocateOrder(order)])
    assert not held(order)


@pytest.mark.parametrize("mode", ["warn", "off"])
def test_a_policy_may_only_note_it_or_leave_it(house: Floor, mode: str) -> None:
    steered(preorder_limit=mode)
    ahead(house, limit=5)
    order = waiting(house, 6)
    assert not held(order)
    assert [line.places for line in orders.order(order).lines] == [{"backordered": 6}]
    warnings = [one.command for one in orders.timeline(order) if (one.payload or {}).get("warnings")]
    assert warnings == (["sourcing.allocate"] if mode == "warn" else [])


def test_on_its_day_and_without_a_limit_nothing_is_held(house: Floor) -> None:
    ahead(house, limit=0)
    assert not held(waiting(house, 50))
    ahead(house, limit=5)
    order = house.order((0, 9)).order
    allocate(ON_THE_DAY, requests=[AllocateOrder(order)])
    assert not held(order)


def test_statements_of_the_limit_do_not_grow_with_the_batch(house: Floor, statements) -> None:
    ahead(house, limit=1)
    counts = []
    for batch in SIZES:
        waits = placed(house, batch, (0, 2))
        with statements() as ran:
            answers = allocate(SYSTEM, requests=[AllocateOrder(one) for one in waits])
        assert all(one.outcome == "held" for one in answers)
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert counts == [16] * 3


# ---- limits and carts


def reserved(house: Floor, holder: str, sku: int, units: int) -> None:
    request = Reserve(
        COMPANY,
        holder,
        house.skus[sku],
        house.nodes[0],
        house.channels["shop"],
        units,
        NOW + timedelta(hours=1),
    )
    whole(reserve(SYSTEM, requests=[request]))


def in_carts() -> int:
    return sum(units for (units,) in sql.run("SELECT quantity FROM stock_reservation"))


def test_an_order_that_a_limit_keeps_keeps_what_its_cart_holds(house: Floor) -> None:
    house.stock(1, 3)
    reserved(house, "cart-1", 1, 3)
    ahead(house, limit=1)
    order = house.order((0, 2), (1, 3), reservation="cart-1").order

    (answer,) = allocate(SYSTEM, requests=[AllocateOrder(order)])

    assert (answer.outcome, in_carts()) == ("held", 3)  # type: ignore[union-attr]
    other = house.order((1, 3)).order
    (answer,) = allocate(SYSTEM, requests=[AllocateOrder(other)])
    assert answer.allocated == 0, "nobody else gets it"  # type: ignore[union-attr]
    (hold,) = orders.order(order).holds  # type: ignore[union-attr]
    release_holds(SYSTEM, requests=[ReleaseHold(hold.id, "let it be")])
    (answer,) = allocate(SYSTEM, requests=[AllocateOrder(order)])
    assert (answer.allocated, in_carts()) == (3, 0)  # type: ignore[union-attr]


def test_what_a_cart_holds_counts_once_for_a_limit(house: Floor) -> None:
    """Also where two orders name the cart: one of them gets it."""
    house.stock(0, 3)
    reserved(house, "cart-1", 0, 3)
    ahead(house, limit=5)
    first, second = (house.order((0, 3), reservation="cart-1").order for _ in range(2))

    answers = allocate(SYSTEM, requests=[AllocateOrder(first), AllocateOrder(second)])

    assert [answer.outcome for answer in answers] == ["allocated", "held"]  # type: ignore[union-attr]
    waiting(house, 2)
    assert asked(house).ahead == availability.Ahead(OPENING, 0, 5, 5)
