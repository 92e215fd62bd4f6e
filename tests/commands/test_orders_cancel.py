"""orders.cancel"""

from __future__ import annotations

import pytest

from entrepot.kernel import ready, sql
from entrepot.kernel.errors import Invalid, NotFound, WrongState
from entrepot.kernel.ids import uuid7
from entrepot.orders import errors, queries
from entrepot.orders.commands.cancel import CancelOrder, OrderCancelled, cancel
from entrepot.orders.commands.place import PaymentGiven
from entrepot.payments import queries as payments
from entrepot.work import queries as work
from tests.selling import CAUSE, NOW, a_line, a_seller, allocated, an_order, moved, placed
from tests.sizes import SIZES

pytestmark = [pytest.mark.django_db, pytest.mark.alone("orders", "payments", "stock", "ledger", "work")]


@pytest.fixture(autouse=True)
def seller(db):
    a_seller()


def places(order):
    return [line.places for line in queries.order(order.order).lines]


def test_a_whole_order_is_cancelled_with_its_promises_holds_and_payment():
    payment = PaymentGiven("fake", "a1", 60_00, NOW)
    (order,) = placed(
        an_order("E1", a_line("MUG", 2), a_line("PEN", 3), a_line("POST", kind="shipping"), payment=payment)
    )
    allocated(order, {"MUG": 2, "PEN": 1})
    assert sql.run("SELECT sum(allocated)::int FROM stock_position") == [(3,)]

    (answer,) = cancel(CAUSE, requests=[CancelOrder(order.order, "changed her mind")])

    assert answer == OrderCancelled(order.order, 6, 3, "cancelled")
    view = queries.order(order.order)
    assert (view.status, view.commercial) == ("cancelled", "cancelled")
    assert places(order) == [{"cancelled": 2}, {"cancelled": 3}, {"cancelled": 1}]
    assert sql.run("SELECT sum(allocated)::int FROM stock_position") == [(0,)]
    assert sql.run("SELECT count(*) FROM stock_allocation") == [(0,)]
    assert [one.state for one in payments.of_order(order.order)] == ["voided"]
    assert ready.waiting() == {}
    assert queries.timeline(order.order)[-1].reason == "changed her mind"


def test_a_held_order_that_is_cancelled_has_its_holds_rejected_and_their_items_closed():
    (order,) = placed(an_order(signals=("high_risk",)))
    cancel(CAUSE, requests=[CancelOrder(order.order, "fraud")])
    view = queries.order(order.order)
    assert (view.status, [hold.state for hold in view.holds]) == ("cancelled", ["rejected"])
    assert [item.state for item in work.of_subject(order.order)] == ["done"]


def test_some_units_are_cancelled_and_the_rest_goes_on():
    (order,) = placed(an_order("E1", a_line("MUG", 5)))
    allocated(order, {"MUG": 3})
    (line,) = queries.order(order.order).lines

    (answer,) = cancel(CAUSE, requests=[CancelOrder(order.order, "too many", lines=((line.id, 4),))])

    assert answer == OrderCancelled(order.order, 4, 2, "ready")
    assert places(order) == [{"allocated": 1, "cancelled": 4}]
    assert queries.order(order.order).commercial == "confirmed"


def test_units_that_wait_for_stock_are_named_so_that_sourcing_forgets_them():
    (order,) = placed(an_order("E1", a_line("MUG", 5)))
    moved(order, "open", "backordered")
    (line,) = queries.order(order.order).lines
    (answer,) = cancel(CAUSE, requests=[CancelOrder(order.order, "took too long")])
    assert answer.backordered == ((line.id, 5),)


def test_what_is_released_is_too_late_and_nothing_is_changed():
    (order,) = placed(an_order("E1", a_line("MUG", 2), a_line("PEN", 2)))
    allocated(order, {"MUG": 2})
    moved(order, "allocated", "released")
    _, pen = queries.order(order.order).lines

    assert cancel(CAUSE, requests=[CancelOrder(order.order, "why")]) == [
        errors.TooLate(order=queries.order(order.order).number, late=2)
    ]
    assert places(order) == [{"released": 2}, {"open": 2}]

    (answer,) = cancel(CAUSE, requests=[CancelOrder(order.order, "why", lines=((pen.id, 2),))])
    assert answer.status == "warehouse release"
    moved(order, "released", "allocated")  # the promise stands: as a warehouse that gives work back


def test_what_can_not_be_cancelled_is_refused():
    order, gone = placed(an_order("E1"), an_order("E2"))
    cancel(CAUSE, requests=[CancelOrder(gone.order, "why")])
    (line,) = queries.order(order.order).lines
    answers = cancel(
        CAUSE,
        requests=[
            CancelOrder(uuid7(), "why"),
            CancelOrder(gone.order, "why"),
            CancelOrder(order.order, ""),
            CancelOrder(order.order, "why", lines=((line.id, 2),)),
            CancelOrder(order.order, "why", lines=((uuid7(), 1),)),
            CancelOrder(order.order, "why"),
            CancelOrder(order.order, "why"),
        ],
    )
    expected = [
        NotFound,
        WrongState,
        Invalid,
        errors.MoreThanThereIs,
        errors.MoreThanThereIs,
        OrderCancelled,
        Invalid,
    ]
    assert [type(one) for one in answers] == expected


def test_a_key_gets_its_answer_again():
    (order,) = placed()
    request = CancelOrder(order.order, "why", key="k1")
    assert cancel(CAUSE, requests=[request]) == cancel(CAUSE, requests=[request])


@pytest.mark.counts("orders.cancel")
@pytest.mark.parametrize("count", SIZES)
def test_statements_do_not_grow_with_the_batch(statements, count):
    payment = PaymentGiven("fake", "a1", 60_00, NOW)
    orders = placed(
        *(
            an_order(f"E{i}", a_line("MUG", 2), a_line("PEN"), payment=payment, signals=("high_risk",))
            for i in range(count)
        )
    )
    with statements() as ran:
        cancel(CAUSE, requests=[CancelOrder(one.order, "why", key=str(i)) for i, one in enumerate(orders)])
    texts = [text for text in ran.texts if "SAVEPOINT" not in text]
    # keys, lock, load, lines, statuses, two for holds, two for items, four for payments, stand, restate, ready,
    # events, remember keys
    assert len(texts) == 18, ran
