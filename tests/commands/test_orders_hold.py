"""orders.place_hold and orders.release_holds"""

from __future__ import annotations

from datetime import timedelta

import pytest

from entrepot.catalog.commands.register import RegisterSku, register_skus
from entrepot.kernel import ready
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import Invalid, NotFound, NotPermitted, WrongState
from entrepot.kernel.ids import uuid7
from entrepot.orders import errors, queries, tasks
from entrepot.orders.commands.cancel import CancelOrder, cancel
from entrepot.orders.commands.escalate import AskAgain, Asked, ask_again, unasked
from entrepot.orders.commands.hold import HoldReleased, PlaceHold, ReleaseHold, place_hold, release_holds
from entrepot.work import queries as work
from entrepot.work.commands.resolve import ResolveItem, resolve
from tests.selling import CAUSE, COMPANY, NOW, a_line, a_seller, an_order, placed, rows
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def seller(db):
    a_seller()


def test_a_hold_stops_an_order_and_asks_somebody():
    (order,) = placed()

    (answer,) = place_hold(
        CAUSE, requests=[PlaceHold(order.order, "address hold", "The customer wrote: I moved.")]
    )

    view = queries.order(order.order)
    assert (view.status, view.commercial) == ("address hold", "placed")
    assert [hold.id for hold in queries.holds(COMPANY)] == [answer.hold]
    (item,) = work.of_subject(order.order)
    assert (item.role, item.reason) == ("customer service", "The customer wrote: I moved.")
    assert queries.blocked([order.order], "allocate") == {order.order}
    assert queries.demand([order.order]) == []
    assert [(one.before, one.after) for one in queries.timeline(order.order)] == [
        ("", "ready"),
        ("ready", "address hold"),
    ]


def test_a_hold_may_block_less_than_its_type_does():
    (order,) = placed()
    place_hold(CAUSE, requests=[PlaceHold(order.order, "tax hold", "Check the exemption.", blocks=("ship",))])
    assert (queries.blocked([order.order], "allocate"), queries.blocked([order.order], "ship")) == (
        set(),
        {order.order},
    )
    assert len(queries.demand([order.order])) == 1


def test_the_last_hold_released_hands_the_order_on():
    (order,) = placed(an_order(country="England", signals=("high_risk",)))
    address, fraud = sorted(queries.order(order.order).holds, key=lambda hold: hold.type)
    later = NOW + timedelta(hours=2)

    assert release_holds(CAUSE, requests=[ReleaseHold(fraud.id, "A loyal customer.")]) == [
        HoldReleased(fraud.id, order.order, "address hold")
    ]
    assert ready.waiting() == {}

    ada = Cause(Actor("ada", everything=True), later)
    (answer,) = release_holds(ada, requests=[ReleaseHold(address.id, occurred_at=later)])

    assert answer.status == "ready"
    assert ready.waiting() == {"allocate": 1}
    view = queries.order(order.order)
    assert (view.status, view.commercial) == ("ready", "confirmed")
    assert {(hold.type, hold.state, hold.closed_by) for hold in view.holds} == {
        ("fraud review", "released", "worker"), ("address hold", "released", "ada"),
    }  # fmt: skip
    assert [item.state for item in work.of_subject(order.order)] == ["done", "done"]


def test_a_hold_is_released_whose_item_a_person_has_closed_before():
    (order,) = placed(an_order(signals=("high_risk",)))
    (hold,) = queries.order(order.order).holds
    resolve(CAUSE, requests=[ResolveItem(hold.work_item, "no fault")])
    (answer,) = release_holds(CAUSE, requests=[ReleaseHold(hold.id)])
    assert answer.status == "ready"


def test_somebody_is_asked_again_about_a_hold_whose_item_was_closed():
    (order, other) = placed(an_order("E1", signals=("high_risk",)), an_order("E2", signals=("high_risk",)))
    (hold,) = queries.order(order.order).holds
    assert unasked() == []
    resolve(CAUSE, requests=[ResolveItem(hold.work_item, "no fault")])
    assert unasked() == [order.order]

    tasks.ask_again_about_holds(0)

    assert unasked() == []
    before, now = work.of_subject(order.order)
    assert (before.state, now.state, now.role, now.reason) == ("done", "open", hold.owner_role, hold.reason)
    assert queries.order(order.order).holds[0].work_item == now.id
    assert ask_again(CAUSE, requests=[AskAgain(order.order), AskAgain(other.order)]) == [
        Asked(order.order, 0), Asked(other.order, 0),
    ]  # fmt: skip
    release_holds(CAUSE, requests=[ReleaseHold(hold.id)])
    assert [one.state for one in work.of_subject(order.order)] == ["done", "done"]


@pytest.mark.counts("orders.ask_again")
@pytest.mark.parametrize("count", SIZES)
def test_statements_to_ask_again_do_not_grow_with_the_batch(statements, count):
    orders = placed(*(an_order(f"E{i}", signals=("high_risk",)) for i in range(count)))
    items = [queries.order(one.order).holds[0].work_item for one in orders]
    resolve(CAUSE, requests=[ResolveItem(one, "no fault") for one in items])
    with statements() as ran:
        answers = ask_again(CAUSE, requests=[AskAgain(one.order) for one in orders])
    assert {one.holds for one in answers} == {1}
    # the lock, the holds, their items and themselves, events
    assert len([text for text in ran.texts if "SAVEPOINT" not in text]) == 5, ran


def test_orders_of_services_are_handed_on_to_be_performed():
    (order,) = placed(an_order("E1", a_line("M", kind="manual"), signals=("high_risk",)))
    (hold,) = queries.order(order.order).holds
    release_holds(CAUSE, requests=[ReleaseHold(hold.id)])
    assert ready.waiting() == {"perform": 1}


def test_an_unknown_sku_must_be_registered_first_and_is_then_known():
    (order,) = placed(an_order("E1", a_line("NEW")))
    (hold,) = queries.order(order.order).holds

    assert release_holds(CAUSE, requests=[ReleaseHold(hold.id)]) == [errors.StillUnknown(skus="NEW")]
    assert queries.order(order.order).status == "inventory hold"

    register_skus(CAUSE, requests=[RegisterSku(COMPANY, "NEW", "A new one")])
    (answer,) = release_holds(CAUSE, requests=[ReleaseHold(hold.id)])
    assert answer.status == "ready"
    assert [one.order for one in queries.demand([order.order])] == [order.order]


def test_a_hold_is_released_once():
    (order,) = placed(an_order(signals=("high_risk",)))
    (hold,) = queries.order(order.order).holds
    first, second = release_holds(CAUSE, requests=[ReleaseHold(hold.id), ReleaseHold(hold.id)])
    assert isinstance(first, HoldReleased)
    assert isinstance(second, WrongState)
    assert second.message.startswith(f"The fraud review of order {order.number} is released; ")
    assert isinstance(release_holds(CAUSE, requests=[ReleaseHold(hold.id)])[0], WrongState)
    assert release_holds(CAUSE, requests=[ReleaseHold(missing := uuid7())]) == [
        NotFound(what="hold", which=str(missing))
    ]


def test_what_can_not_be_held_is_refused_and_nothing_is_written():
    order, gone = placed(an_order("E1"), an_order("E2"))
    cancel(CAUSE, requests=[CancelOrder(gone.order, "changed her mind")])
    answers = place_hold(
        CAUSE,
        requests=[
            PlaceHold(uuid7(), "tax hold", "why"),
            PlaceHold(order.order, "bad mood", "why"),
            PlaceHold(order.order, "tax hold", "why", blocks=("everything",)),
            PlaceHold(gone.order, "tax hold", "why"),
        ],
    )
    assert [type(one) for one in answers] == [NotFound, Invalid, Invalid, WrongState]
    assert (rows("orders_hold"), rows("work_item")) == (0, 0)


def test_a_key_gets_its_answer_again():
    (order,) = placed()
    request = PlaceHold(order.order, "tax hold", "why", key="k1")
    first = place_hold(CAUSE, requests=[request])
    assert place_hold(CAUSE, requests=[request]) == first
    (hold,) = queries.order(order.order).holds
    release = ReleaseHold(hold.id, key="k2")
    assert release_holds(CAUSE, requests=[release]) == release_holds(CAUSE, requests=[release])


def test_without_permission_nothing_is_written():
    (order,) = placed()
    (answer,) = place_hold(Cause(Actor("picker"), NOW), requests=[PlaceHold(order.order, "tax hold", "why")])
    assert isinstance(answer, NotPermitted)
    assert rows("orders_hold") == 0


@pytest.mark.counts("orders.place_hold", "orders.release_holds")
@pytest.mark.parametrize("count", SIZES)
def test_statements_do_not_grow_with_the_batch(statements, count):
    orders = placed(*(an_order(f"E{i}") for i in range(count)))
    with statements() as ran:
        holds = place_hold(
            CAUSE,
            requests=[
                PlaceHold(one.order, "inventory hold", "why", key=str(i)) for i, one in enumerate(orders)
            ],
        )
    # keys, lock, orders, policies, items, holds, stand, restate, events, remember keys
    assert len([text for text in ran.texts if "SAVEPOINT" not in text]) == 10, ran
    with statements() as ran:
        release_holds(CAUSE, requests=[ReleaseHold(one.hold, key=one.hold.hex) for one in holds])
    # keys, lock, holds, learn, unknown, close, items (2), stand, restate, events, ready, remember keys
    assert len([text for text in ran.texts if "SAVEPOINT" not in text]) == 13, ran
