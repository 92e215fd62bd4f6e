"""Releasing a hold against itself, against what it waits for, and against the cancellation of its order."""

from __future__ import annotations

from entrepot.kernel import policies, ready, sql
from entrepot.kernel.errors import WrongState
from entrepot.orders import queries
from entrepot.orders.commands.cancel import CancelOrder, OrderCancelled, cancel
from entrepot.orders.commands.hold import HoldReleased, ReleaseHold, release_holds
from entrepot.orders.commands.place import PaymentGiven
from entrepot.orders.commands.take_payment import PaymentTaken, TakePayment, take_payment
from entrepot.orders.holding import Holding
from entrepot.sourcing.commands.expire_holds import ExpireHolds, expire_holds
from tests.selling import CAUSE, COMPANY, NOW, a_seller, an_order, placed, rows
from tests.together import all_at_once, at_once


def held(count: int, follower: str = "") -> list[queries.HoldRow]:
    """Holds of orders that lack 4.00 of 10.00, and the type that follows them."""
    a_seller()
    chain = policies.SetPolicy(COMPANY, "orders.holds", Holding(next=follower), NOW)
    policies.set_policy(CAUSE, requests=[chain])
    short = [PaymentGiven("fake", f"p{i}", 600, NOW) for i in range(count)]
    orders = placed(*(an_order(f"E{i}", payment=one) for i, one in enumerate(short)))
    return [hold for one in orders for hold in queries.order(one.order).holds]


def test_a_hold_is_released_once_and_followed_once_however_many_ask(committed_db):
    holds = held(6, "address hold")
    wanted = [ReleaseHold(one.id) for one in holds]

    answers = all_at_once(release_holds, CAUSE, wanted, wanted[::-1], wanted, wanted[::-1])

    assert sum(isinstance(one, HoldReleased) for one in answers) == len(holds)
    assert sum(isinstance(one, WrongState) for one in answers) == 3 * len(holds)
    assert {queries.order(one.order).status for one in holds} == {"address hold"}
    assert rows("orders_hold") == 2 * len(holds)


def test_a_payment_is_taken_once_and_lets_the_order_go_once(committed_db):
    holds = held(6)
    wanted = [TakePayment(one.order, PaymentGiven("fake", f"q{i}", 400, NOW)) for i, one in enumerate(holds)]
    releases = [ReleaseHold(one.id) for one in holds]

    first, second, released = at_once([
        lambda: take_payment(CAUSE, requests=wanted),
        lambda: take_payment(CAUSE, requests=wanted[::-1]),
        lambda: release_holds(CAUSE, requests=releases),
    ])  # fmt: skip

    assert sum(isinstance(one, PaymentTaken) for one in [*first, *second]) == len(holds)
    by_rule = sum(bool(one.released) for one in [*first, *second] if isinstance(one, PaymentTaken))
    assert by_rule + sum(isinstance(one, HoldReleased) for one in released) == len(holds)
    assert ready.waiting() == {"allocate": len(holds)}


def test_an_order_is_released_or_cancelled_and_its_hold_tells_which_came_first(committed_db):
    holds = held(6)
    cancelled, _ = at_once([
        lambda: cancel(CAUSE, requests=[CancelOrder(one.order, "not paid") for one in holds]),
        lambda: release_holds(CAUSE, requests=[ReleaseHold(one.id) for one in reversed(holds)]),
    ])  # fmt: skip
    assert all(isinstance(one, OrderCancelled) for one in cancelled)
    states = {hold.state for one in holds for hold in queries.order(one.order).holds}
    assert states <= {"released", "rejected"}


def test_what_expires_ends_once_however_many_look(committed_db):
    holds = held(6)
    sql.run("UPDATE orders_hold SET expires_at = opened_at, at_expiry = 'cancel'")
    sql.run("UPDATE orders_hold SET at_expiry = 'release' WHERE id = ANY(%(ids)s::uuid[])", {
        "ids": [one.id for one in holds[:3]]
    })  # fmt: skip

    *ends, released = at_once([
        lambda: expire_holds(CAUSE, requests=[ExpireHolds(COMPANY)])[0],
        lambda: expire_holds(CAUSE, requests=[ExpireHolds(COMPANY)])[0],
        lambda: release_holds(CAUSE, requests=[ReleaseHold(one.id) for one in reversed(holds)]),
    ])  # fmt: skip

    by_hand = sum(isinstance(one, HoldReleased) for one in released)
    assert sum(one.released + one.cancelled for one in ends) + by_hand == len(holds)
    assert {queries.order(one.order).status for one in holds} <= {"ready", "cancelled"}
