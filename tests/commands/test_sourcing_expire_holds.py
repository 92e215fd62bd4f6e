"""sourcing.expire_holds"""

from __future__ import annotations

from datetime import timedelta

import pytest

from entrepot.kernel import policies, ready, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.orders import queries
from entrepot.orders.commands.hold import PlaceHold, place_hold
from entrepot.orders.holding import Holding
from entrepot.sourcing.commands.expire_holds import ExpireHolds, HoldsExpired, expire_holds
from entrepot.work import queries as work
from tests.selling import CAUSE, COMPANY, NOW, a_line, a_seller, allocated, an_order, moved, placed

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def seller(db):
    a_seller()


def a_policy(scope: str = "", **fields) -> None:
    body = Holding(**{"expires_hours": 4} | fields)
    policies.set_policy(CAUSE, requests=[policies.SetPolicy(COMPANY, "orders.holds", body, NOW, scope)])


def expired(hours: int = 4) -> HoldsExpired:
    cause = Cause(Actor("system:sourcing", everything=True), NOW + timedelta(hours=hours))
    (answer,) = expire_holds(cause, requests=[ExpireHolds(COMPANY)])
    return answer


def resolutions() -> list[tuple[str, str]]:
    return sql.run("SELECT state, resolution FROM orders_hold ORDER BY id")


def test_what_expires_is_released_where_the_terms_say_so():
    a_policy(at_expiry="release")
    (order,) = placed(an_order(signals=("high_risk",)))
    assert expired(3) == HoldsExpired(0, 0, 0)

    assert expired() == HoldsExpired(1, 0, 0)

    assert queries.order(order.order).status == "ready"
    assert resolutions() == [("released", "expired")]
    assert ready.waiting() == {"allocate": 1}
    assert expired() == HoldsExpired(0, 0, 0)


def test_what_expires_cancels_its_order_where_the_terms_say_so():
    a_policy("payment hold", at_expiry="cancel")
    a_policy("tax hold", at_expiry="release")
    (order,) = placed()
    place_hold(CAUSE, requests=[PlaceHold(order.order, one, "why") for one in ("tax hold", "payment hold")])

    assert expired() == HoldsExpired(0, 1, 0)

    assert queries.order(order.order).status == "cancelled"
    assert resolutions() == [("rejected", "cancelled")] * 2
    event = next(one for one in queries.timeline(order.order) if one.payload and "cancelled" in one.payload)
    assert (event.reason, event.payload["code"]) == ("Nobody decided about it in time.", "payment")


def test_what_expires_is_otherwise_asked_of_the_lead_and_urgently():
    a_policy()
    (order,) = placed()
    place_hold(CAUSE, requests=[PlaceHold(order.order, "tax hold", "Check the exemption.")])

    assert expired() == HoldsExpired(0, 0, 1)

    (hold,) = queries.order(order.order).holds
    assert (hold.state, hold.owner_role) == ("open", "operations lead")
    before, now = work.of_subject(order.order)
    assert (before.state, before.root_cause) == ("done", "hold escalated")
    assert (now.role, now.priority, now.reason, hold.work_item) == (
        "operations lead", 90, "Check the exemption.", now.id,
    )  # fmt: skip
    assert expired(100) == HoldsExpired(0, 0, 0)


def test_an_order_too_far_on_to_be_cancelled_is_escalated():
    a_policy(at_expiry="cancel")
    (order,) = placed(an_order("E1", a_line("MUG")))
    allocated(order, {"MUG": 1})
    moved(order, "allocated", "released")
    place_hold(CAUSE, requests=[PlaceHold(order.order, "fraud review", "A tip.")])
    assert expired() == HoldsExpired(0, 0, 1)
    assert queries.order(order.order).status == "fraud review"
    moved(order, "released", "allocated")  # as the promises stand


def test_a_hold_that_can_not_be_released_is_escalated():
    a_policy(at_expiry="release")
    (order,) = placed(an_order("E1", a_line("NEW")))
    assert expired() == HoldsExpired(0, 0, 1)
    assert queries.order(order.order).status == "inventory hold"


def test_what_follows_an_expired_hold_has_terms_of_its_own():
    a_policy("tax hold", at_expiry="release", next="exception")
    a_policy("exception", expires_hours=None)
    (order,) = placed()
    place_hold(CAUSE, requests=[PlaceHold(order.order, "tax hold", "why")])
    assert expired() == HoldsExpired(1, 0, 0)
    assert queries.order(order.order).status == "exception"
    assert expired(1000) == HoldsExpired(0, 0, 0)


@pytest.mark.parametrize("count", [1, 10, 100])
def test_statements_do_not_grow_with_the_batch(statements, count):
    for kind, then in (("tax hold", "release"), ("payment hold", "cancel"), ("address hold", "escalate")):
        a_policy(kind, at_expiry=then)
        orders = placed(*(an_order(f"{kind}{i}") for i in range(count)))
        place_hold(CAUSE, requests=[PlaceHold(one.order, kind, "why") for one in orders])
    with statements() as ran:
        assert expired() == HoldsExpired(count, count, count)
    assert len([text for text in ran.texts if "SAVEPOINT" not in text]) == 33, ran
