"""stock.set_preorder: what is sold before it may leave, from taking the order to its day"""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest

from entrepot.insight import availability
from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.errors import NotFound
from entrepot.sourcing import tasks
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from entrepot.sourcing.commands.peg import PegSku, peg
from entrepot.stock import errors as stock_errors
from entrepot.stock import queries as stock
from entrepot.stock.commands.expect import Expect, expect
from entrepot.stock.commands.set_preorder import PreorderSet, SetPreorder, set_preorder
from entrepot.warehouse import errors
from entrepot.warehouse.commands.release import OrderReleased, ReleaseOrder, release
from entrepot.work import queries as work
from tests.floor import COMPANY, NOW, SYSTEM, Floor
from tests.walk import a_house, allocated, queued

pytestmark = pytest.mark.django_db
TODAY = NOW.date()
OPENING = TODAY + timedelta(days=20)
ON_THE_DAY = Cause(SYSTEM.actor, NOW + timedelta(days=20), "a test")


@pytest.fixture
def house(db: None) -> Floor:
    return a_house()


def ahead(house: Floor, limit: int = 0, on: date | None = OPENING, sku: int = 0) -> PreorderSet:
    (answer,) = set_preorder(SYSTEM, requests=[SetPreorder(COMPANY, house.skus[sku], on, limit)])
    assert isinstance(answer, PreorderSet)
    return answer


def comes(house: Floor, units: int, days: int) -> None:
    request = Expect(
        COMPANY, ids.uuid7(), house.skus[0], house.nodes[0], "purchase_order", ids.uuid7(), units,
        TODAY + timedelta(days=days),
    )  # fmt: skip
    expect(SYSTEM, requests=[request])


def asked(house: Floor, days: int = 30) -> availability.Promise:
    found = stock.availability(company=COMPANY, channel="shop", skus=house.codes[:1])
    (one,) = availability.promises(found, company=COMPANY, today=TODAY, days=days)
    return one


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


def test_what_is_sold_past_the_limit_is_somebodys_work(house: Floor) -> None:
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
    house = a_house(skus=1011)
    counts = []
    for some in (house.skus[:1], house.skus[1:11], house.skus[11:]):
        with statements() as ran:
            set_preorder(SYSTEM, requests=[SetPreorder(COMPANY, sku, OPENING) for sku in some])
        counts.append(len(ran))
    assert counts == [3 + 2] * 3  # two write the events and offer the SKUs
