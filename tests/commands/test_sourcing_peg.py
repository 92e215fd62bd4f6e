"""sourcing.peg and purchasing.reschedule"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from uuid import UUID

import pytest

from entrepot.kernel import ids, ready, sql, worker
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.command import whole
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.sourcing import queries, rules, tasks
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from entrepot.sourcing.commands.cancel import cancel
from entrepot.sourcing.commands.peg import PegSku, SkuPegged, peg
from entrepot.sourcing.waiting import waiting_for
from entrepot.stock.commands.expect import Expect, expect
from tests.floor import COMPANY, NOW, SYSTEM, Floor, a_floor
from tests.sizes import SIZES
from tests.together import all_at_once

TODAY = NOW.date()


@pytest.fixture
def floor(db: None) -> Floor:
    return a_floor()


def coming(floor: Floor, quantity: int, days: int, line: UUID | None = None, sku: int = 0) -> UUID:
    """Units of a purchase line that come in so many days."""
    line = line or ids.uuid7()
    on = TODAY + timedelta(days=days)
    expect(
        SYSTEM,
        requests=[
            Expect(
                COMPANY, line, floor.skus[sku], floor.nodes[0], "purchase_order", ids.uuid7(), quantity, on
            )
        ],
    )
    return line


def waiting(floor: Floor, *lines: tuple[int, int], **facts: object) -> UUID:
    (order,) = all_waiting(floor, 1, *lines, **facts)
    return order


def all_waiting(floor: Floor, count: int, *lines: tuple[int, int], **facts: object) -> list[UUID]:
    orders = [one.order for one in floor.orders(count, *lines, **facts)]  # type: ignore[arg-type]
    allocate(SYSTEM, requests=[AllocateOrder(order) for order in orders])
    return orders


def pegged(floor: Floor, sku: int = 0, at: Cause = SYSTEM) -> SkuPegged:
    (answer,) = peg(at, requests=[PegSku(floor.skus[sku])])
    assert isinstance(answer, SkuPegged)
    return answer


def days(order: UUID) -> int:
    ((on,),) = sql.run(
        "SELECT promised_on FROM sourcing_backorder WHERE order_id = %(order)s", {"order": order}
    )
    return (on - TODAY).days


def freed(sku: UUID) -> list[UUID]:
    """The orders that are asked about again when units of a SKU are free, in turn."""
    return [order for order, *_ in waiting_for([sku], NOW)]


def items() -> list[tuple[str, str]]:
    return sql.run("SELECT type, state FROM work_item WHERE type = 'slipped promise'")  # type: ignore[return-value]


def told() -> list[tuple[str, str]]:
    return sql.run("SELECT destination, topic FROM kernel_delivery ORDER BY id")  # type: ignore[return-value]


def test_dates_follow_supply_in_order_of_fairness(floor: Floor) -> None:
    patient = waiting(floor, (0, 4), priority=1)
    urgent = waiting(floor, (0, 4), priority=9)
    coming(floor, 4, 2)
    coming(floor, 4, 6)

    assert pegged(floor) == SkuPegged(floor.skus[0], 2, 2, 0)
    assert (days(urgent), days(patient)) == (2, 6)


def test_whatever_changes_supply_or_backorders_asks_for_new_dates(floor: Floor) -> None:
    def asked() -> bool:
        return ready.claim("peg", 9) == [floor.skus[0]]

    order = waiting(floor, (0, 4))
    assert asked()
    line = coming(floor, 4, 2)
    assert asked()
    coming(floor, 0, 2, line)
    assert asked()
    cancel(SYSTEM, requests=[CancelOrder(order, "changed my mind")])
    assert asked()
    assert ready.claim("peg", 9) == []


def test_the_worker_serves_them(floor: Floor) -> None:
    order = waiting(floor, (0, 4))
    coming(floor, 4, 3)

    worker.queues()["peg"](SYSTEM, ready.claim("peg", 9))

    assert days(order) == 3


def test_a_date_that_slips_is_told_and_past_the_promise_becomes_work(floor: Floor) -> None:
    line = coming(floor, 4, 2)
    order = waiting(floor, (0, 4), promise_at=NOW + timedelta(days=3))
    pegged(floor)
    assert told() == []

    coming(floor, 4, 3, line)
    assert pegged(floor).slipped == 1
    assert told() == [("channels:shop", "order.promise_slipped")]
    assert items() == []

    coming(floor, 4, 5, line)
    assert pegged(floor).slipped == 1
    assert len(told()) == 2
    assert items() == [("slipped promise", "open")]
    assert sql.run(
        "SELECT count(*) FROM kernel_event WHERE command = 'sourcing.peg' AND subject_id = %(order)s",
        {"order": order},
    ) == [(2,)]

    coming(floor, 4, 1, line)
    assert pegged(floor).slipped == 0
    assert items() == [("slipped promise", "done")]


def test_work_about_a_slipped_promise_stays_while_another_sku_of_the_order_is_late(floor: Floor) -> None:
    bottles, corks = coming(floor, 4, 2), coming(floor, 4, 2, sku=1)
    waiting(floor, (0, 4), (1, 4), promise_at=NOW + timedelta(days=3))
    pegged(floor), pegged(floor, 1)
    coming(floor, 4, 5, bottles)
    coming(floor, 4, 6, corks, sku=1)
    pegged(floor), pegged(floor, 1)
    assert items() == [("slipped promise", "open")]

    coming(floor, 4, 1, bottles)
    pegged(floor)
    assert items() == [("slipped promise", "open")], "the corks still come late"

    peg(SYSTEM, requests=[PegSku(sku) for sku in floor.skus[:2]])
    assert items() == [("slipped promise", "open")], "also where both are looked at together"

    coming(floor, 4, 3, corks, sku=1)
    pegged(floor, 1)
    assert items() == [("slipped promise", "done")]


def test_work_about_a_slipped_promise_stays_while_nobody_has_dated_another_sku_of_the_order(
    floor: Floor,
) -> None:
    bottles = coming(floor, 4, 5)
    coming(floor, 4, 6, sku=1)
    waiting(floor, (0, 4), (1, 4), promise_at=NOW + timedelta(days=3))
    pegged(floor)
    coming(floor, 4, 1, bottles)
    pegged(floor)
    pegged(floor, 1)
    assert items() == [("slipped promise", "open")]


def test_work_about_a_slipped_promise_ends_with_the_late_sku_where_the_rest_comes_in_time(
    floor: Floor,
) -> None:
    coming(floor, 8, 5)
    coming(floor, 8, 2, sku=1)
    cancelled, served, late = (
        waiting(floor, (0, 4), (1, 2), promise_at=NOW + timedelta(days=promised)) for promised in (3, 3, 1)
    )
    pegged(floor), pegged(floor, 1)
    assert items() == [("slipped promise", "open")] * 3
    of_order = "SELECT state FROM work_item WHERE type = 'slipped promise' AND subject_id = %(order)s"

    def is_open(order: UUID) -> bool:
        return sql.run(of_order, {"order": order}) == [("open",)]

    def bottles(order: UUID) -> tuple[tuple[UUID, int], ...]:
        wanted = "SELECT line_id FROM sourcing_backorder WHERE order_id = %(order)s AND sku_id = %(sku)s"
        ((line,),) = sql.run(wanted, {"order": order, "sku": floor.skus[0]})
        return ((line, 4),)

    for order in (cancelled, late):
        cancel(SYSTEM, requests=[CancelOrder(order, "no bottles", lines=bottles(order))])
    assert (is_open(cancelled), is_open(late)) == (False, True)

    floor.stock(0, 4)
    allocate(SYSTEM, requests=[AllocateOrder(served)])
    assert not is_open(served)


def test_a_date_without_supply_stays_until_it_has_passed(floor: Floor) -> None:
    order = waiting(floor, (0, 4))
    pegged(floor)
    assert days(order) == rules.Profile().default_lead_days
    tomorrow = replace(SYSTEM, at=NOW + timedelta(days=1))
    after = replace(SYSTEM, at=NOW + timedelta(days=9))

    assert pegged(floor, at=tomorrow).slipped == 0
    assert (days(order), told()) == (7, [])
    assert pegged(floor, at=after).slipped == 1
    assert (days(order), len(told())) == (16, 1)


def test_a_date_by_supply_does_not_stay_when_the_supply_is_gone(floor: Floor) -> None:
    line = coming(floor, 4, 2)
    order = waiting(floor, (0, 4))
    pegged(floor)
    coming(floor, 0, 2, line)

    assert pegged(floor).slipped == 1
    assert days(order) == rules.Profile().default_lead_days


def test_a_first_date_past_the_promise_is_told_once(floor: Floor) -> None:
    line = coming(floor, 4, 5)
    order = waiting(floor, (0, 4), promise_at=NOW + timedelta(days=3))
    assert pegged(floor).slipped == 1
    assert told() == [("channels:shop", "order.promise_slipped")]
    assert items() == [("slipped promise", "open")]
    assert pegged(floor).slipped == 0
    ((wait,),) = (queries.waits(order=order),)
    assert ((wait.expected_on - TODAY).days, wait.covered, wait.late_days) == (5, 4, 2)

    coming(floor, 4, 2, line)
    assert (pegged(floor).slipped, len(told())) == (0, 1)
    assert items() == [("slipped promise", "done")]
    ((wait,),) = (queries.waits(order=order),)
    assert wait.late_days == 0


@pytest.mark.parametrize(
    ("country", "code", "late"),
    [("US", "98101", 1), ("GB", "SW1A 1AA", 0), ("AU", "2000", 0)],
)
def test_days_past_the_promise_are_those_of_where_it_goes(
    floor: Floor, country: str, code: str, late: int
) -> None:
    """The end of a day in Seattle is the next one in London, wherever the nodes are."""
    west = {"time_zone": "America/Los_Angeles", "nodes": floor.nodes}
    sql.run("UPDATE network_node SET time_zone = %(time_zone)s WHERE id = ANY(%(nodes)s) RETURNING id", west)
    promised = datetime.combine(TODAY + timedelta(days=3), time(7, 59), UTC)
    order = waiting(floor, (0, 4), promise_at=promised, country=country, postal_code=code)
    coming(floor, 4, 3)
    assert pegged(floor).slipped == late
    assert [one.late_days for one in queries.waits(order=order)] == [late]


def test_a_policy_tolerates_days(floor: Floor) -> None:
    body = {"tolerance_days": 4}
    set_policy(SYSTEM, requests=[SetPolicy(COMPANY, "sourcing.backorders", body, NOW - timedelta(days=1))])
    line = coming(floor, 4, 2)
    waiting(floor, (0, 4), promise_at=NOW + timedelta(days=3))
    pegged(floor)
    coming(floor, 4, 7, line)

    assert pegged(floor).slipped == 1
    assert items() == []


def test_supply_that_shrinks_or_is_cancelled_makes_the_least_urgent_wait(floor: Floor) -> None:
    line = coming(floor, 8, 2)
    urgent, patient = waiting(floor, (0, 4), priority=9), waiting(floor, (0, 4), priority=1)
    pegged(floor)
    assert (days(urgent), days(patient)) == (2, 2)

    coming(floor, 4, 2, line)
    assert pegged(floor) == SkuPegged(floor.skus[0], 2, 1, 1)
    assert (days(urgent), days(patient)) == (2, 7)


def test_after_midnight_late_supply_moves_what_waits_for_it(floor: Floor) -> None:
    coming(floor, 4, 1)
    order = waiting(floor, (0, 4))
    pegged(floor)
    ready.claim("peg", 9)
    later = NOW + timedelta(days=2)

    assert tasks.date_again_at(later) == 1
    assert pegged(floor, at=Cause(Actor("system:test", everything=True), later)).slipped == 1
    assert days(order) == 4
    assert tasks.date_again_at(NOW) == 0


def test_stock_that_comes_is_offered_in_order_of_fairness(floor: Floor) -> None:
    by_time = waiting(floor, (0, 1), occurred_at=NOW - timedelta(days=3))
    by_promise = waiting(floor, (0, 1), promise_at=NOW + timedelta(days=1))
    by_priority = waiting(floor, (0, 1), priority=9)

    assert freed(floor.skus[0]) == [by_priority, by_promise, by_time]


def test_nothing_waits_and_again(floor: Floor) -> None:
    assert pegged(floor) == SkuPegged(floor.skus[0], 0, 0, 0)
    waiting(floor, (0, 2))
    request = PegSku(floor.skus[0], key="p1")
    assert peg(SYSTEM, requests=[request]) == peg(SYSTEM, requests=[request])


def test_statements_do_not_grow_with_the_batch(floor: Floor, statements) -> None:
    counts = []
    for size in SIZES:
        all_waiting(floor, size, (0, 1), (1, 1))
        coming(floor, 5, 2)
        with statements() as ran:
            peg(SYSTEM, requests=[PegSku(sku) for sku in floor.skus])
        counts.append(len(ran))

    assert counts == [9, 9, 9], counts


def test_what_no_supply_covers_waits_as_its_channels_profile_says(floor: Floor) -> None:
    long = SetPolicy(COMPANY, "sourcing.profile", rules.Profile(default_lead_days=40), NOW, scope="market")
    whole(set_policy(SYSTEM, requests=[long]))
    here, there = waiting(floor, (0, 1)), waiting(floor, (0, 1), channel="market")

    pegged(floor)

    assert (days(here), days(there)) == (rules.Profile().default_lead_days, 40)


def test_two_that_peg_the_same_at_once_agree(committed_db: None) -> None:
    floor = a_floor()
    orders = [waiting(floor, (0, 2)) for _ in range(4)]
    coming(floor, 4, 2)
    coming(floor, 4, 6)

    all_at_once(peg, SYSTEM, *[[PegSku(sku) for sku in floor.skus]] * 6)

    assert [days(order) for order in orders] == [2, 2, 6, 6]
