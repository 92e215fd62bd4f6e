"""Two companies in one house, with the same codes: each promises by its own policies, from its own stock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import pytest

from entrepot.kernel import ids, sql
from entrepot.kernel.errors import Refused
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.orders import queries as orders
from entrepot.sourcing import queries
from entrepot.sourcing.commands.allocate import AllocateOrder, OrderAllocated, allocate
from entrepot.sourcing.commands.peg import PegSku, peg
from entrepot.stock import availability_queries
from entrepot.stock.commands.expect import Expect, expect
from entrepot.stock.commands.reserve import Reserve, reserve
from tests import floor
from tests.commands.test_returns_companies import ABROAD, HOME, a_house_abroad
from tests.floor import NOW, SYSTEM, Floor, a_floor

pytestmark = pytest.mark.django_db
EARLIER = NOW - timedelta(days=1)


@contextmanager
def of(company: int) -> Iterator[None]:
    """The helpers of tests work for this company."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(floor, "COMPANY", company)
        yield


@pytest.fixture
def houses(db: None) -> tuple[Floor, Floor]:
    here, there = a_floor(), a_house_abroad()
    here.stock(0, 6)
    with of(ABROAD):
        there.stock(0, 2)
    return here, there


def placed(houses: tuple[Floor, Floor], units: int, **facts: object) -> list[UUID]:
    """An order of each company for the SKU of the same code, on the channel of the same code."""
    found = []
    for company, house in zip((HOME, ABROAD), houses, strict=True):
        with of(company):
            found.append(house.order((0, units), **facts).order)
    return found


def allocated(*which: UUID) -> list[tuple[int, int]]:
    answers = allocate(SYSTEM, requests=[AllocateOrder(one) for one in which])
    assert all(isinstance(one, OrderAllocated) for one in answers), answers
    return [(one.allocated, one.backordered) for one in answers]  # type: ignore[union-attr]


def shown(company: int) -> int:
    (one,) = availability_queries.availability(company=company, channel="shop", skus=["SKU-000"], at=NOW)
    return one.quantity


def test_one_batch_takes_of_each_company_its_own(houses: tuple[Floor, Floor]) -> None:
    assert [shown(HOME), shown(ABROAD)] == [6, 2]
    assert allocated(*placed(houses, 4)) == [(4, 0), (2, 2)]
    assert [shown(HOME), shown(ABROAD)] == [2, 0]
    assert [len(queries.backorders(company=one)) for one in (HOME, ABROAD)] == [0, 1]


@pytest.mark.parametrize("choose_by", ["preference", "cost", "line"])
def test_a_profile_steers_the_orders_of_its_company(houses: tuple[Floor, Floor], choose_by: str) -> None:
    body = {"excluded_nodes": ["N1", "X1"], "choose_by": choose_by}
    set_policy(SYSTEM, requests=[SetPolicy(HOME, "sourcing.profile", body, EARLIER)])
    assert allocated(*placed(houses, 2)) == [(0, 2), (2, 0)]


def test_how_good_a_plan_is_is_told_of_each_company_by_itself(houses: tuple[Floor, Floor]) -> None:
    for company, handling in ((HOME, 7), (ABROAD, 1_000)):
        body = {"choose_by": "cost", "handling_minor": handling}
        set_policy(SYSTEM, requests=[SetPolicy(company, "sourcing.profile", body, EARLIER)])
    both = [*placed(houses, 1), *placed(houses, 1)]
    allocated(*both)
    plans = [queries.explained(order=one)[0].explanation.together for one in both]
    assert [(plan.orders, plan.cost_minor) for plan in plans if plan] == [
        (2, 2 * 7),
        (2, 2 * (1_000 + 300)),
    ] * 2


def test_what_holds_an_order_is_the_policy_of_its_company(houses: tuple[Floor, Floor]) -> None:
    body = {"payment_required": True}
    (answer,) = set_policy(
        SYSTEM, requests=[SetPolicy(HOME, "orders.validation", body, EARLIER, scope="shop")]
    )
    assert not isinstance(answer, Refused)
    mine, theirs = (orders.order(one) for one in placed(houses, 1))
    assert mine
    assert theirs
    assert ([one.type for one in mine.holds], theirs.holds) == (["payment hold"], ())


def test_dates_follow_the_supply_and_the_tolerance_of_the_company(houses: tuple[Floor, Floor]) -> None:
    mine, theirs = placed(houses, 9, promise_at=NOW + timedelta(days=1))
    allocated(mine, theirs)
    for company, house, days in ((HOME, houses[0], 3), (ABROAD, houses[1], 5)):
        on = NOW.date() + timedelta(days=days)
        line = Expect(
            company, ids.uuid7(), house.skus[0], house.nodes[0], "purchase_order", ids.uuid7(), 20, on
        )
        expect(SYSTEM, requests=[line])
    body = {"tolerance_days": 9}
    set_policy(SYSTEM, requests=[SetPolicy(ABROAD, "sourcing.backorders", body, EARLIER)])
    peg(SYSTEM, requests=[PegSku(house.skus[0]) for house in houses])
    assert [[one.late_days for one in queries.waits(order=which)] for which in (mine, theirs)] == [[2], [4]]
    late = "SELECT company_id::int FROM work_item WHERE type = 'slipped promise'"
    assert sql.run(late) == [(HOME,)]


def test_a_cart_of_one_company_holds_nothing_of_the_other(houses: tuple[Floor, Floor]) -> None:
    for company, house in zip((HOME, ABROAD), houses, strict=True):
        wanted = Reserve(
            company, "cart", house.skus[0], None, house.channels["shop"], 1, NOW + timedelta(days=9_999)
        )  # fmt: skip
        reserve(SYSTEM, requests=[wanted])
    assert [shown(HOME), shown(ABROAD)] == [5, 1]
    mine, theirs = placed(houses, 2, reservation="cart")
    assert allocated(mine) == [(2, 0)]
    assert [shown(HOME), shown(ABROAD)] == [4, 1], (
        "the other company's cart of the same name still holds its unit"
    )
    assert allocated(theirs) == [(2, 0)]
