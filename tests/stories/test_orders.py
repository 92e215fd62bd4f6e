"""A day at the order desk."""

from __future__ import annotations

from datetime import timedelta

import pytest

from entrepot.catalog.commands.register import RegisterSku, register_skus
from entrepot.kernel import ready
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.orders import queries
from entrepot.orders.commands.cancel import CancelOrder, cancel
from entrepot.orders.commands.hold import PlaceHold, ReleaseHold, place_hold, release_holds
from entrepot.orders.commands.place import PaymentGiven, place
from entrepot.orders.validation import Validation
from entrepot.payments import queries as payments
from entrepot.work import queries as work
from tests.selling import CAUSE, COMPANY, NOW, a_line, a_seller, allocated, an_order, moved, placed

pytestmark = [pytest.mark.django_db, pytest.mark.alone("orders", "payments", "work")]


def test_a_day_at_the_order_desk():
    # The house sells on its own shop, where every order must come with its payment.
    a_seller()
    policy = Validation(payment_required=True, review_total_minor=1_000_00)
    set_policy(
        CAUSE, requests=[SetPolicy(COMPANY, "orders.validation", policy, NOW, scope="shop", note="spring")]
    )

    # Five orders come in at once: one is fine, one is large, one is not paid, one wants what nobody knows,
    # and one is a webhook that was sent twice.
    def paid(amount: int) -> PaymentGiven:
        return PaymentGiven("fake", "auth", amount, NOW, NOW + timedelta(days=7))

    fine, large, unpaid, unknown, twice = place(
        CAUSE,
        requests=[
            an_order(
                "E1",
                a_line("MUG", 3, "9.99"),
                a_line("PEN", 2, "1.25"),
                shipping_minor=4_99,
                payment=paid(37_46),
            ),
            an_order("E2", a_line("TIN", 100, "15.00"), payment=paid(1_500_00)),
            an_order("E3"),
            an_order("E4", a_line("JUG"), payment=paid(10_00)),
            an_order(
                "E1",
                a_line("MUG", 3, "9.99"),
                a_line("PEN", 2, "1.25"),
                shipping_minor=4_99,
                payment=paid(37_46),
            ),
        ],
    )
    assert [one.status for one in (fine, large, unpaid, unknown)] == [
        "ready", "fraud review", "payment hold", "inventory hold",
    ]  # fmt: skip
    assert twice.code == "orders.duplicate"
    assert ready.waiting() == {"allocate": 1}

    # Each exception is at somebody's desk, the most urgent first.
    first, *others = [item.type for item in work.items(COMPANY)]
    assert (first, sorted(others)) == ("fraud review", ["inventory hold", "payment hold"])
    holds = {hold.type: hold for hold in queries.holds(COMPANY)}

    # The large order is from a school; the jug is new and gets into the catalog; the third one never pays.
    register_skus(CAUSE, requests=[RegisterSku(COMPANY, "JUG", "Jug")])
    release_holds(
        CAUSE,
        requests=[
            ReleaseHold(holds["fraud review"].id, "A school."),
            ReleaseHold(holds["inventory hold"].id, "New."),
        ],
    )
    cancel(CAUSE, requests=[CancelOrder(unpaid.order, "not paid")])
    assert queries.by_status(COMPANY) == {"ready": 3, "cancelled": 1}
    assert work.items(COMPANY) == []

    # Stock is promised to the first order. The customer no longer wants two of the mugs, then moves house.
    allocated(fine, {"MUG": 3, "PEN": 2})
    mug, _ = queries.order(fine.order).lines
    cancel(CAUSE, requests=[CancelOrder(fine.order, "one is enough", lines=((mug.id, 2),))])
    (hold,) = place_hold(CAUSE, requests=[PlaceHold(fine.order, "address hold", "She moves house.")])
    assert queries.order(fine.order).status == "address hold"
    release_holds(CAUSE, requests=[ReleaseHold(hold.hold, "New address noted.")])
    assert ready.waiting()["release"] == 1

    # What the mug that ships bears of the order was settled when it was placed.
    money = queries.line_money([mug.id])[mug.id]
    assert money.of_next(1).total == 9_99 + 1_54

    moved(fine, "allocated", "shipped")
    moved(fine, "shipped", "delivered")
    assert queries.order(fine.order).status == "delivered"
    assert [one.after for one in queries.timeline(fine.order)] == [
        "ready", "", "address hold", "ready", "shipped", "delivered",
    ]  # fmt: skip

    # Nothing was voided but the payment of what was cancelled whole: it had none.
    assert [one.state for one in payments.of_order(fine.order)] == ["authorized"]
    assert placed(an_order("E5", payment=paid(10_00)))[0].number > fine.number
    assert queries.discrepancies() == []
