"""insight.backorders: who waits for stock, until when, for which supply; and what each SKU holds up"""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest

from entrepot.insight import backorders
from entrepot.kernel import ids
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from entrepot.sourcing.commands.peg import PegSku, peg
from entrepot.stock.commands.expect import Expect, expect
from entrepot.stock.commands.set_preorder import SetPreorder, set_preorder
from tests.floor import COMPANY, NOW, SYSTEM, Floor, a_floor

pytestmark = pytest.mark.django_db


@pytest.fixture
def floor(db: None) -> Floor:
    return a_floor()


def day(days: int) -> date:
    return NOW.date() + timedelta(days=days)


def coming(floor: Floor, quantity: int, days: int, sku: int = 0) -> UUID:
    document = ids.uuid7()
    wanted = Expect(
        COMPANY, ids.uuid7(), floor.skus[sku], floor.nodes[0], "purchase_order", document, quantity, day(days)
    )
    expect(SYSTEM, requests=[wanted])
    return document


def waits(floor: Floor, *lines: tuple[int, int], **facts: object) -> UUID:
    order = floor.order(*lines, **facts).order
    allocate(SYSTEM, requests=[AllocateOrder(order)])
    return order


def pegged(floor: Floor) -> None:
    peg(SYSTEM, requests=[PegSku(sku) for sku in floor.skus])


def test_a_line_tells_its_days_its_supply_and_what_lacks_one(floor: Floor) -> None:
    urgent = waits(floor, (0, 3), priority=9, promise_at=NOW + timedelta(days=4))
    patient = waits(floor, (0, 5), channel="market", promise_at=NOW + timedelta(days=9))
    soon, later = coming(floor, 4, 2), coming(floor, 2, 6)
    pegged(floor)

    first, second = backorders.waiting(COMPANY).lines

    assert (first.order, first.units, first.covered, first.uncovered) == (urgent, 3, 3, 0)
    assert (first.promised_on, first.expected_on, first.late_days) == (day(4), day(2), 0)
    assert [(one.document, one.units, one.on) for one in first.supplies] == [(soon, 3, day(2))]
    assert (second.order, second.channel, second.units, second.uncovered) == (patient, "market", 5, 2)
    assert [(one.document, one.units) for one in second.supplies] == [(soon, 1), (later, 2)]
    assert (first.value_minor, first.currency) == (2_997, "GBP")


def test_views_and_filters_choose_lines(floor: Floor) -> None:
    late = waits(floor, (0, 2), promise_at=NOW + timedelta(days=1))
    ahead = waits(floor, (1, 2), channel="market")
    coming(floor, 2, 5)
    coming(floor, 2, 5, sku=1)
    set_preorder(SYSTEM, requests=[SetPreorder(COMPANY, floor.skus[1], day(9))])
    lacks = waits(floor, (2, 1))
    pegged(floor)

    def seen(**asked: str) -> list[UUID]:
        return [one.order for one in backorders.waiting(COMPANY, **asked).lines]

    assert sorted(seen()) == sorted([late, ahead, lacks])
    assert seen(view="late") == [late]
    assert seen(view="ahead") == [ahead]
    assert seen(view="uncovered") == [lacks]
    assert seen(channel="market") == [ahead]
    assert seen(sku=floor.codes[2]) == [lacks]
    assert seen(sku="none of ours") == []


def test_what_a_view_looks_for_is_found_behind_more_urgent_lines(floor: Floor) -> None:
    """Each view has as many of its own lines as an answer can have, and says so where there are more."""
    waits(floor, (0, 2), priority=9, promise_at=NOW + timedelta(days=9))
    coming(floor, 2, 5)
    late = waits(floor, (1, 1), promise_at=NOW + timedelta(days=1))
    coming(floor, 1, 5, sku=1)
    lacks = waits(floor, (2, 1), promise_at=NOW + timedelta(days=60))
    waits(floor, (2, 1), promise_at=NOW + timedelta(days=61))
    pegged(floor)

    def first(view: str) -> tuple[list[UUID], bool]:
        found = backorders.waiting(COMPANY, view=view, limit=1)
        return [one.order for one in found.lines], found.cut_off

    assert first("late") == ([late], False)
    assert first("uncovered") == ([lacks], True)
    assert first("ahead") == ([], False)
    assert first("")[1]


def test_skus_add_up_what_they_hold_up(floor: Floor) -> None:
    waits(floor, (0, 2), priority=9, promise_at=NOW + timedelta(days=1))
    waits(floor, (0, 4), promise_at=NOW + timedelta(days=30))
    waits(floor, (1, 1))
    coming(floor, 3, 3)
    pegged(floor)

    most, least = backorders.held_up(backorders.waiting(COMPANY).lines)

    assert (most.sku_code, most.lines, most.units, most.late, most.uncovered) == (floor.codes[0], 2, 6, 2, 3)
    assert (most.first_on, most.since) == (day(3), NOW)
    assert (least.sku_code, least.units, least.first_on) == (floor.codes[1], 1, None)


def test_what_is_served_waits_no_more(floor: Floor) -> None:
    order = waits(floor, (0, 2))
    floor.stock(0, 2)
    allocate(SYSTEM, requests=[AllocateOrder(order)])

    assert backorders.waiting(COMPANY) == ([], False)


def test_the_number_of_statements_does_not_grow(floor: Floor, statements) -> None:
    for orders in (1, 30):
        for placed in floor.orders(orders, (0, 1)):
            allocate(SYSTEM, requests=[AllocateOrder(placed.order)])
        coming(floor, orders, 2)
        pegged(floor)
        with statements() as ran:
            assert backorders.waiting(COMPANY).lines
        assert len(ran) == 2
