"""orders.take_payment, orders.release_satisfied, and holds that follow others"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction

from entrepot.catalog.commands.register import RegisterSku, register_skus
from entrepot.kernel import ids, policies, ready, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import NotFound, WrongState
from entrepot.network.commands.register import (
    RegisterBin,
    RegisterNode,
    ServeChannel,
    register_bins,
    register_nodes,
    serve_channels,
)
from entrepot.orders import errors, queries, tasks
from entrepot.orders.commands.cancel import CancelOrder, cancel
from entrepot.orders.commands.edit import AddLine, EditOrder, edit
from entrepot.orders.commands.hold import PlaceHold, ReleaseHold, place_hold, release_holds
from entrepot.orders.commands.place import PaymentGiven
from entrepot.orders.commands.satisfy import ReleaseSatisfied, Satisfied, release_satisfied, stocked_again
from entrepot.orders.commands.take_payment import PaymentTaken, TakePayment, take_payment
from entrepot.orders.holding import Holding
from entrepot.orders.validation import Validation
from entrepot.payments.errors import UnknownProvider
from entrepot.stock.commands.receive import Receive, receive
from entrepot.work import queries as work
from tests.selling import CAUSE, COMPANY, NOW, a_line, a_seller, allocated, an_order, placed, rows
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db

LATER = Cause(Actor("worker", everything=True), NOW + timedelta(hours=2))


@pytest.fixture(autouse=True)
def seller(db):
    a_seller()


def a_payment(amount: int, reference: str = "p1", **changes) -> PaymentGiven:
    return PaymentGiven("fake", reference, amount, NOW, **changes)


def a_policy(scope: str, **fields) -> None:
    policies.set_policy(
        CAUSE, requests=[policies.SetPolicy(COMPANY, "orders.holds", Holding(**fields), NOW, scope)]
    )


def received(*codes: str) -> None:
    """A unit of each SKU on a shelf that serves every channel."""
    (node,) = register_nodes(CAUSE, requests=[RegisterNode(COMPANY, "N1", "Node", "GB")])
    channels = [channel for (channel,) in sql.run("SELECT id FROM network_channel")]
    serve_channels(CAUSE, requests=[ServeChannel(channel, node.id) for channel in channels])
    (shelf,) = register_bins(CAUSE, requests=[RegisterBin(COMPANY, node.id, "A-01", "pick")])
    skus = dict(sql.run("SELECT code, id FROM catalog_sku"))
    receive(
        CAUSE,
        requests=[
            Receive(COMPANY, skus[code], node.id, shelf.id, 1, 300, "receipt", ids.uuid7()) for code in codes
        ],
    )


# ---- payments


def test_an_order_that_becomes_cheap_enough_for_its_payment_goes():
    orders = placed(
        *(an_order(f"E{n}", a_line("MUG", 2, "10.00"), payment=a_payment(10_00, f"p{n}")) for n in range(3))
    )
    first, second, third = (one.order for one in orders)
    lines = {one: queries.order(one).lines[0].id for one in (first, second, third)}
    assert queries.order(first).status == "payment hold"

    (cancelled,) = cancel(CAUSE, requests=[CancelOrder(first, "one is enough", ((lines[first], 1),))])
    (changed,) = edit(CAUSE, requests=[EditOrder(second, "one is enough", remove=((lines[second], 1),))])

    assert (cancelled.status, changed.status) == ("ready", "ready")
    assert [(one.state, one.resolution) for one in queries.holds_of(second)] == [("released", "satisfied")]
    (gone,) = cancel(CAUSE, requests=[CancelOrder(third, "none at all")])
    assert gone.status == "cancelled"
    assert [one.resolution for one in queries.holds_of(third)] == ["cancelled"]


def test_what_was_added_and_taken_out_again_needs_no_payment():
    (order,) = placed(an_order("E1", a_line("MUG", 1, "10.00"), payment=a_payment(10_00)))
    (line,) = queries.order(order.order).lines
    more = AddLine("MUG", 1, like=line.id)
    (held,) = edit(CAUSE, requests=[EditOrder(order.order, "one more", add=(more,))])
    (again,) = edit(CAUSE, requests=[EditOrder(order.order, "no", remove=((held.added[0], 1),))])
    assert (held.status, again.status) == ("payment hold", "ready")


def test_who_paid_too_much_waits_for_a_person():
    checks = Validation(payment_differs_max_minor=0)
    policies.set_policy(CAUSE, requests=[policies.SetPolicy(COMPANY, "orders.validation", checks, NOW)])
    (order,) = placed(an_order("E1", a_line("MUG", 1, "10.00"), payment=a_payment(11_00)))
    (hold,) = queries.holds_of(order.order)
    assert (hold.type, hold.waits_for) == ("payment hold", "nothing")

    (taken,) = take_payment(CAUSE, requests=[TakePayment(order.order, a_payment(10_00, "p2"))])
    assert (taken.released, taken.status) == ((), "payment hold")


def test_a_payment_that_covers_the_order_lets_it_go():
    (order,) = placed(an_order(payment=a_payment(600)))
    assert order.status == "payment hold"

    (answer,) = take_payment(LATER, requests=[TakePayment(order.order, a_payment(400, "p2"))])

    (hold,) = queries.order(order.order).holds
    assert answer == PaymentTaken(order.order, answer.payment, (hold.id,), "ready")
    assert (hold.state, hold.closed_by) == ("released", "worker")
    assert sql.run("SELECT resolution, note FROM orders_hold") == [
        ("satisfied", "The payment covers the order.")
    ]
    assert ready.waiting() == {"allocate": 1}
    assert [item.state for item in work.of_subject(order.order)] == ["done"]


def test_a_payment_that_does_not_suffice_leaves_the_hold():
    (order,) = placed(an_order(payment=a_payment(600)))
    (answer,) = take_payment(LATER, requests=[TakePayment(order.order, a_payment(399, "p2"))])
    assert (answer.released, answer.status) == ((), "payment hold")
    assert rows("payments_payment") == 2


def test_an_authorization_that_had_expired_is_made_up_for_by_a_new_one():
    old = a_payment(1000, expires_at=NOW - timedelta(days=1))
    (order,) = placed(an_order(payment=old))
    later = PaymentGiven("fake", "p2", 1000, LATER.at)
    (answer,) = take_payment(LATER, requests=[TakePayment(order.order, later)])
    assert answer.status == "ready"


def test_a_hold_that_a_person_placed_waits_for_a_person():
    (order,) = placed(an_order(payment=a_payment(1000)))
    place_hold(CAUSE, requests=[PlaceHold(order.order, "payment hold", "The bank called.")])
    (answer,) = take_payment(LATER, requests=[TakePayment(order.order, a_payment(1000, "p2"))])
    assert (answer.released, answer.status) == ((), "payment hold")


def test_what_can_not_be_taken_is_refused():
    order, gone = placed(an_order("E1", payment=a_payment(600)), an_order("E2"))
    cancel(CAUSE, requests=[CancelOrder(gone.order, "changed her mind")])
    missing = ids.uuid7()
    answers = take_payment(
        LATER,
        requests=[
            TakePayment(missing, a_payment(1)),
            TakePayment(gone.order, a_payment(1)),
            TakePayment(order.order, a_payment(1, "p1")),
            TakePayment(order.order, PaymentGiven("a friend", "p3", 1, NOW)),
            TakePayment(order.order, a_payment(400, "p2")),
            TakePayment(order.order, a_payment(400, "p2")),
        ],
    )
    assert answers[0] == NotFound(what="order", which=str(missing))
    assert isinstance(answers[1], WrongState)
    assert answers[2] == errors.PaymentKnown(reference="p1", provider="fake", order=str(order.order))
    assert isinstance(answers[3], UnknownProvider)
    assert answers[4].status == "ready"
    assert isinstance(answers[5], errors.PaymentKnown)


def test_a_payment_is_taken_once():
    (order,) = placed(an_order(payment=a_payment(600)))
    request = TakePayment(order.order, a_payment(400, "p2"), key="k1")
    assert take_payment(LATER, requests=[request]) == take_payment(LATER, requests=[request])
    assert rows("payments_payment") == 2


# ---- stock


def test_orders_held_for_stock_go_when_it_has_come():
    policies.set_policy(
        CAUSE,
        requests=[policies.SetPolicy(COMPANY, "orders.validation", {"inventory": "enforce"}, NOW)],
    )
    order, other = placed(an_order("E1", a_line("MUG"), a_line("PEN")), an_order("E2", a_line("TIN")))
    assert order.status == other.status == "inventory hold"
    tasks.release_stocked(0)
    assert queries.order(order.order).status == "inventory hold"

    received("MUG")
    tasks.release_stocked(0)

    assert queries.order(order.order).status == "ready"
    assert queries.order(other.order).status == "inventory hold"
    assert queries.timeline(order.order)[-1].actor == "system:orders"


def test_what_the_catalog_did_not_know_goes_when_it_is_known_and_there():
    (order,) = placed(an_order("E1", a_line("NEW")))
    register_skus(CAUSE, requests=[RegisterSku(COMPANY, "NEW", "A new one")])
    assert stocked_again(NOW) == []
    received("NEW")
    assert stocked_again(NOW) == [order.order]
    (answer,) = release_satisfied(CAUSE, requests=[ReleaseSatisfied(order.order)])
    assert answer.status == "ready"
    assert [one.order for one in queries.demand([order.order])] == [order.order]
    assert release_satisfied(CAUSE, requests=[ReleaseSatisfied(order.order)]) == [
        Satisfied(order.order, (), "")
    ]


def test_what_is_promised_already_is_there():
    (order,) = placed(an_order("E1", a_line("MUG", 2)))
    allocated(order, {"MUG": 2})
    place_hold(CAUSE, requests=[PlaceHold(order.order, "inventory hold", "Together.", waits_for="stock")])
    assert stocked_again(NOW) == [order.order]
    (answer,) = release_satisfied(CAUSE, requests=[ReleaseSatisfied(order.order)])
    assert answer.status == "ready"
    assert ready.waiting()["release"] == 1


# ---- holds that follow


def test_the_next_hold_opens_when_one_is_released():
    a_policy("fraud review", next="address hold", role="controller", due_hours=2)
    (order,) = placed(an_order(signals=("high_risk",)))
    (hold,) = queries.order(order.order).holds
    (item,) = work.of_subject(order.order)
    assert (hold.owner_role, item.role, item.due_at - item.opened_at) == (
        "controller", "controller", timedelta(hours=2),
    )  # fmt: skip

    (answer,) = release_holds(CAUSE, requests=[ReleaseHold(hold.id, "A known customer.", "confirmed")])

    assert answer.status == "address hold"
    assert ready.waiting() == {}
    _, follower = queries.order(order.order).holds
    assert (follower.id, follower.reason) == (answer.next, "It follows the fraud review: A known customer.")
    assert sql.run("SELECT follows, resolution FROM orders_hold ORDER BY id") == [
        (None, "confirmed"), (hold.id, ""),
    ]  # fmt: skip
    assert [one.state for one in work.of_subject(order.order)] == ["done", "open"]

    (answer,) = release_holds(CAUSE, requests=[ReleaseHold(follower.id)])
    assert (answer.status, answer.next) == ("ready", None)


def test_a_chain_that_would_come_back_ends():
    a_policy("tax hold", next="exception")
    a_policy("exception", next="tax hold")
    (order,) = placed()
    place_hold(CAUSE, requests=[PlaceHold(order.order, "tax hold", "why")])
    for _ in range(2):
        hold = next(one for one in queries.order(order.order).holds if one.state == "open")
        (answer,) = release_holds(CAUSE, requests=[ReleaseHold(hold.id)])
    assert answer.status == "ready"
    assert rows("orders_hold") == 2


def test_terms_stay_as_they_were_when_the_hold_opened():
    (order,) = placed(an_order(signals=("high_risk",)))
    a_policy("fraud review", next="address hold")
    (hold,) = queries.order(order.order).holds
    (answer,) = release_holds(CAUSE, requests=[ReleaseHold(hold.id)])
    assert answer.status == "ready"


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ("UPDATE orders_hold SET follows = id", "which is open"),
        ("UPDATE orders_order SET commercial = 'closed', status = 'closed'", "a fraud review is still open"),
    ],
)
def test_discrepancies_are_found(wrong, sentence):
    placed(an_order(signals=("high_risk",)))
    with transaction.atomic():
        sql.run(wrong)
        assert any(sentence in one for one in queries.discrepancies())
        transaction.set_rollback(True)


@pytest.mark.counts("orders.take_payment")
@pytest.mark.parametrize("count", SIZES)
def test_statements_do_not_grow_with_the_batch(statements, count):
    a_policy("payment hold", next="address hold")
    orders = placed(*(an_order(f"E{i}", payment=a_payment(600, f"p{i}")) for i in range(count)))
    with statements() as ran:
        take_payment(
            LATER,
            requests=[
                TakePayment(one.order, a_payment(400, f"q{i}"), key=str(i)) for i, one in enumerate(orders)
            ],
        )
    # keys; three to look, payments, told; three to look, tenders; lock, holds, close, items (2), policies,
    # items, holds, stand, restate; events, remember keys
    assert len([text for text in ran.texts if "SAVEPOINT" not in text]) == 22, ran
