"""orders.cancel: its reason, and what was captured for units that are cancelled"""

from __future__ import annotations

import pytest

from entrepot.kernel.errors import Invalid
from entrepot.orders import queries
from entrepot.orders.commands.cancel import CancelOrder, cancel
from entrepot.orders.commands.place import PaymentGiven
from entrepot.payments import queries as payments
from entrepot.payments.commands.capture import Capture, capture
from tests.floor import balance
from tests.selling import CAUSE, NOW, a_line, a_seller, an_order, placed
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def seller(db):
    a_seller()


def paid(captured: int, provider: str = "account", authorized: int = 35_00):
    payment = PaymentGiven(provider, "P", authorized, NOW)
    (order,) = placed(an_order("E1", a_line("MUG", 3), tax_minor=5_00, payment=payment))
    capture(CAUSE, requests=[Capture(order.order, captured)])
    return order.order


def test_what_was_captured_for_cancelled_units_is_given_back_by_their_frozen_amounts():
    order = paid(35_00)
    (line,) = queries.order(order).lines

    (first,) = cancel(CAUSE, requests=[CancelOrder(order, "one less", ((line.id, 1),), code="customer")])
    (rest,) = cancel(CAUSE, requests=[CancelOrder(order, "all of it")])

    assert (first.refunded_minor, rest.refunded_minor) == (11_66, 23_34)
    (payment,) = payments.of_order(order)
    assert (payment.captured_minor, payment.refunded_minor, payment.state) == (35_00, 35_00, "refunded")
    assert [balance(account) for account in (1100, 2100, 2300)] == [0, 0, 0]
    codes = [moment.payload.get("code") for moment in queries.timeline(order) if moment.payload]
    assert "customer" in codes


def test_a_remote_provider_is_asked_once():
    order = paid(35_00, "fake")
    (answer,) = cancel(CAUSE, requests=[CancelOrder(order, "all of it")])
    assert answer.refunded_minor == 0  # the capture itself is not confirmed yet


def test_what_was_captured_for_units_that_stay_is_kept():
    order = paid(10_00)
    (line,) = queries.order(order).lines
    (answer,) = cancel(CAUSE, requests=[CancelOrder(order, "two less", ((line.id, 2),))])
    assert answer.refunded_minor == 0
    (rest,) = cancel(CAUSE, requests=[CancelOrder(order, "all of it")])
    assert rest.refunded_minor == 10_00


def test_an_unknown_code_is_refused():
    order = paid(0)
    (refused,) = cancel(CAUSE, requests=[CancelOrder(order, "why", code="weather")])
    assert isinstance(refused, Invalid)


def test_statements_do_not_grow_with_the_batch(statements):
    counts = []
    for batch in SIZES:
        payment = PaymentGiven("account", "P", 10_00, NOW)
        orders = placed(*(an_order(f"{batch}-{i}", payment=payment) for i in range(batch)))
        capture(CAUSE, requests=[Capture(one.order, 10_00) for one in orders])
        with statements() as ran:
            cancel(CAUSE, requests=[CancelOrder(one.order, "why") for one in orders])
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert counts == [22] * 3
