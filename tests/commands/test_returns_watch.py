"""returns.watch"""

from __future__ import annotations

from datetime import timedelta

import pytest

from entrepot.kernel import policies
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import RequestReused
from entrepot.returns import staging_queries
from entrepot.returns.commands.authorize import Authorized
from entrepot.returns.commands.refund import Refund, refund
from entrepot.returns.commands.watch import Watch, Watched, watch
from entrepot.returns.staging import StagingPolicy
from entrepot.work import queries as work
from tests.back import ASKS, asked, asked_all, back, came, came_all, found, policy, put, sold
from tests.floor import COMPANY, NOW, SYSTEM, Floor
from tests.sizes import SIZES
from tests.walk import a_house

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 5000)
    return house


def later(hours: int) -> Cause:
    return Cause(Actor("system:returns", everything=True), NOW + timedelta(hours=hours))


def a_return(house: Floor) -> Authorized:
    return asked(sold(house, 1, (0, 2))[0], 2)


def test_nothing_stalls_in_silence(house: Floor):
    announced, arrived, seen, done = (a_return(house) for _ in range(4))
    came(arrived)
    found(came(seen, 1))
    back(done)

    assert watch(later(48), requests=[Watch(COMPANY)]) == [Watched(COMPANY, 0)]
    assert watch(later(49), requests=[Watch(COMPANY)]) == [Watched(COMPANY, 3)]

    items = {item.subject: item for item in work.items(COMPANY)}
    assert {key: item.type for key, item in items.items()} == {
        arrived.return_id: "return to inspect",
        seen.return_id: "return to dispose of",
        done.return_id: "return to refund",
    }
    assert items[arrived.return_id].role == "returns inspector"
    assert items[done.return_id].role == "customer service"
    assert (
        items[arrived.return_id].reason
        == f"Return {arrived.number}: units wait for inspection since 49 hours."
    )
    assert announced.return_id not in items, "what has not come is the customer's"


def test_an_item_stands_once_and_is_closed_when_it_went_on(house: Floor):
    one = a_return(house)
    receipts = came(one)
    for hours in (49, 50, 51):
        watch(later(hours), requests=[Watch(COMPANY)])
    assert len(work.items(COMPANY)) == 1

    put(found(receipts))
    refund(ASKS, requests=[Refund(one.return_id)])
    assert watch(later(52), requests=[Watch(COMPANY)]) == [Watched(COMPANY, 0)]
    assert [(item.state, item.root_cause) for item in work.of_subject(one.return_id)] == [("done", "went on")]


def test_the_policy_says_how_long_is_too_long(house: Floor):
    policy(wait_hours=2)
    came(a_return(house))
    assert watch(later(2), requests=[Watch(COMPANY)])[0].late == 0
    assert watch(later(3), requests=[Watch(COMPANY)])[0].late == 1


def test_units_in_staging_have_a_due_time_by_reason_and_category(house: Floor):
    policy(wait_hours=500)
    body = StagingPolicy(hours=72, hours_by_category={"": 60}, hours_by_reason={"defective": 6})
    kept = policies.SetPolicy(COMPANY, "returns.staging", body, NOW - timedelta(days=1))
    policies.set_policy(SYSTEM, requests=[kept])
    broken, usual = (asked(sold(house, 1, (0, 2))[0], 2, reason=why) for why in ("defective", "changed_mind"))
    receipts = [came(one, 1)[0] for one in (broken, usual)]
    assert [one.due_at - NOW for one in receipts] == [timedelta(hours=6), timedelta(hours=60)]

    assert watch(later(6), requests=[Watch(COMPANY)])[0].late == 0
    assert watch(later(7), requests=[Watch(COMPANY)])[0].late == 1
    (item,) = work.items(COMPANY)
    assert (item.type, item.subject) == ("return to inspect", broken.return_id)
    assert item.reason.endswith(f"since 7 hours; they were due at {receipts[0].due_at:%Y-%m-%d %H:%M} UTC.")

    at = NOW + timedelta(hours=61)
    assert [row.number for row in staging_queries.staged(COMPANY, at=at)] == [broken.number, usual.number]
    late = staging_queries.staged(COMPANY, at=NOW + timedelta(hours=7), overdue=True)
    assert [(row.to_inspect, row.to_dispose, row.reason) for row in late] == [(1, 0, "defective")]
    ages = {age.group: age[1:8] for age in staging_queries.ages(COMPANY, at=at, by="reason")}
    assert ages == {"defective": (1, 0, 0, 1, 0, 0, 1), "changed_mind": (1, 0, 0, 1, 0, 0, 1)}
    put(found(receipts))
    assert watch(later(99), requests=[Watch(COMPANY)]) == [Watched(COMPANY, 0)]
    assert staging_queries.staged(COMPANY, at=at) == []


def test_companies_that_have_none_and_the_same_twice(house: Floor):
    came(a_return(house))
    answers = watch(later(99), requests=[Watch(7), Watch(COMPANY), Watch(COMPANY)])
    assert answers == [Watched(7, 0), Watched(COMPANY, 1), Watched(COMPANY, 1)]
    assert len(work.items(COMPANY)) == 1


def test_a_key_gets_its_answer_again_and_none_for_other_content(house: Floor):
    came(a_return(house))
    first = watch(later(49), requests=[Watch(COMPANY, key="k")])
    came(a_return(house))
    assert watch(later(49), requests=[Watch(COMPANY, key="k")]) == first
    assert watch(later(49), requests=[Watch(7, key="k")]) == [RequestReused(key="k", command="returns.watch")]


@pytest.mark.counts("returns.watch")
def test_statements_do_not_grow_with_what_waits(sold_house: Floor, statements):
    counts = []
    waiting = [a_return(sold_house)]
    receipts = came(waiting[0])
    watch(later(49), requests=[Watch(COMPANY)])
    for size in SIZES:
        put(found(receipts))  # these go on
        refund(ASKS, requests=[Refund(one.return_id) for one in waiting])
        waiting = asked_all(sold(sold_house, size, (0, 2)), 1)
        receipts = came_all(waiting)
        with statements() as ran:
            answers = watch(later(49), requests=[Watch(COMPANY, key=f"{size}-{i}") for i in range(size)])
        assert answers[0].late == size
        counts.append([text for text in ran.texts if "SAVEPOINT" not in text])
    assert [len(one) for one in counts] == [9] * 3
