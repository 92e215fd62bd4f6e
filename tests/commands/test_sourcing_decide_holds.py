"""sourcing.decide_holds: a hold ended by the work item that asks about it"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from entrepot.kernel import ids, policies, sql
from entrepot.kernel.cause import Actor
from entrepot.kernel.errors import Invalid, NotFound, NotPermitted, WrongState
from entrepot.orders import errors, queries
from entrepot.orders.commands.hold import PlaceHold, place_hold
from entrepot.orders.holding import Holding
from entrepot.sourcing.commands.decide_holds import DecideHold, HoldDecided, decide_holds
from entrepot.sourcing.commands.expire_holds import ExpireHolds, expire_holds
from entrepot.work import queries as work
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.errors import OfAnotherRole
from tests import walk
from tests.floor import COMPANY, SYSTEM, Floor
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db) -> Floor:
    floor = walk.a_house()
    floor.stock(0, 5_000)
    return floor


def held(house: Floor, kind: str = "fraud review", **facts):
    """An order that is held, and the item that asks about it."""
    order = house.order((0, 1), **facts).order
    place_hold(SYSTEM, requests=[PlaceHold(order, kind, "odd")])
    return order, queries.order(order).holds[0].work_item


def decided(*requests: DecideHold) -> list[HoldDecided]:
    answers = decide_holds(SYSTEM, requests=requests)
    assert all(isinstance(one, HoldDecided) for one in answers), answers
    return answers


def test_a_release_ends_the_hold_and_its_item_in_one_act(house):
    order, item = held(house)

    (answer,) = decided(DecideHold(item, "release", "called them", "confirmed", "customer"))

    (hold,) = queries.order(order).holds
    assert (answer.hold, answer.order, answer.status) == (hold.id, order, "ready")
    assert (hold.state, hold.resolution, hold.note) == ("released", "confirmed", "called them")
    done = work.item(item)
    assert (done.state, done.root_cause) == ("done", "customer")
    walk.shipped(order)


def test_a_rejection_cancels_the_order_and_all_its_holds(house):
    order, item = held(house)
    place_hold(SYSTEM, requests=[PlaceHold(order, "tax hold", "odd too")])
    walk.allocated(order)
    other = queries.order(order).holds[1].work_item

    first, second = decided(
        DecideHold(item, "reject", "a stolen card", root_cause="customer"),
        DecideHold(other, "reject", "as well"),
    )

    view = queries.order(order)
    assert (first.status, second.status, view.commercial) == ("cancelled", "cancelled", "cancelled")
    assert {hold.state for hold in view.holds} == {"rejected"}
    assert {work.item(one).state for one in (item, other)} == {"done"}
    (cancelled,) = [one for one in queries.timeline(order) if "cancelled" in (one.payload or {})]
    assert cancelled.reason in ("a stolen card", "as well")


def test_without_a_root_cause_the_item_says_what_became_of_the_hold(house):
    _, item = held(house)
    decided(DecideHold(item, "release"))
    assert work.item(item).root_cause == "hold released"


def test_each_decision_needs_the_permission_of_its_own(house):
    _, item = held(house)
    _, other = held(house)
    who = replace(
        SYSTEM,
        actor=Actor(
            "ana", permissions=frozenset({"sourcing.decide_holds", "orders.release_holds", "work.assign"})
        ),
    )
    picker = replace(SYSTEM, actor=Actor("pia", permissions=who.actor.permissions - {"work.assign"}))
    assert isinstance(decide_holds(picker, requests=[DecideHold(item, "release")])[0], OfAnotherRole)
    answers = decide_holds(
        who,
        requests=[
            DecideHold(item, "reject", "no"),
            DecideHold(other, "release"),
            DecideHold(item, "release"),
        ],
    )
    assert answers[0] == NotPermitted(actor="ana", command="sourcing.cancel")
    assert [type(one) for one in answers[1:]] == [HoldDecided, HoldDecided]


def test_what_can_not_be_decided_is_refused_and_its_item_stays_open(house):
    order, item = held(house)
    _, fine = held(house)
    released, late = held(house, "exception")
    place_hold(SYSTEM, requests=[PlaceHold(released, "exception", "only shipping", ("ship",))])
    decided(DecideHold(late, "release"))
    walk.released(released)
    at_the_floor = next(one for one in queries.order(released).holds if one.state == "open").work_item
    unknown = house.order((0, 1)).order
    sql.run("UPDATE orders_line SET sku_id = NULL, sku_code = 'X' WHERE order_id = %(o)s", {"o": unknown})
    place_hold(SYSTEM, requests=[PlaceHold(unknown, "inventory hold", "what is X")])
    catalog = queries.order(unknown).holds[0].work_item
    (case,) = open_items(
        SYSTEM, requests=[OpenItem(COMPANY, "backorder", "order", order, "waits", "inventory manager")]
    )
    cases = [
        (DecideHold(ids.uuid7(), "release"), NotFound),
        (DecideHold(item, "wait"), Invalid),
        (DecideHold(item, "release", root_cause="the moon"), Invalid),
        (DecideHold(item, "release", code="cancelled"), Invalid),
        (DecideHold(case.item, "release"), Invalid),
        (DecideHold(late, "release"), WrongState),
        (DecideHold(at_the_floor, "reject", "no"), errors.TooLate),
        (DecideHold(catalog, "release"), errors.StillUnknown),
        (DecideHold(fine, "release"), HoldDecided),
        (DecideHold(fine, "release"), WrongState),
    ]
    answers = decide_holds(SYSTEM, requests=[one for one, _ in cases])
    assert [type(one) for one in answers] == [kind for _, kind in cases], answers
    assert {work.item(one).state for one in (item, at_the_floor, catalog, case.item)} == {"open"}
    assert f"The work item exception of order {queries.order(released).number} is done;" in str(answers[5])
    sql.run(
        "UPDATE orders_line SET sku_id = %(s)s, sku_code = %(c)s WHERE sku_code = 'X'",
        {"s": house.skus[0], "c": house.codes[0]},
    )


def test_a_rejection_says_why(house):
    _, item = held(house)
    (refused,) = decide_holds(SYSTEM, requests=[DecideHold(item, "reject")])
    assert isinstance(refused, Invalid)
    assert work.item(item).state == "open"


def test_an_item_that_was_escalated_is_not_asked_any_more(house):
    policies.set_policy(
        SYSTEM, requests=[policies.SetPolicy(COMPANY, "orders.holds", Holding(expires_hours=1), SYSTEM.at)]
    )
    order, item = held(house)
    expire_holds(replace(SYSTEM, at=SYSTEM.at + timedelta(hours=2)), requests=[ExpireHolds(COMPANY)])
    (refused,) = decide_holds(SYSTEM, requests=[DecideHold(item, "release")])
    assert isinstance(refused, WrongState)
    decided(DecideHold(queries.order(order).holds[0].work_item, "release"))


def test_again_by_key(house):
    _, item = held(house)
    request = DecideHold(item, "release", key="d")
    assert decided(request) == decided(request)


@pytest.mark.counts("sourcing.decide_holds")
@pytest.mark.parametrize(("decision", "count"), [("release", 12), ("reject", 20)])
def test_statements_do_not_grow_with_the_batch(house, statements, decision, count):
    counts = []
    for batch in SIZES:
        orders = walk.placed(house, batch, (0, 1))
        place_hold(SYSTEM, requests=[PlaceHold(one, "fraud review", "odd") for one in orders])
        items = [item for (item,) in sql.run("SELECT work_item FROM orders_hold WHERE state = 'open'")]
        with statements() as ran:
            decided(*(DecideHold(one, decision, "why") for one in items))
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert counts == [count] * 3
