"""Amounts on cards in races: nothing is held, given, taken or let go twice."""

from __future__ import annotations

from datetime import timedelta

import pytest

from entrepot.insight import verify
from entrepot.kernel import ids, policies, relay, sql
from entrepot.orders.commands.place import PaymentGiven
from entrepot.payments import queries as payments
from entrepot.payments.commands.hold import AmountAsked, HoldAmount, hold
from entrepot.payments.tasks import DESTINATIONS
from entrepot.returns import hold_queries, queries
from entrepot.returns.commands.decide_holds import DecideHold, HoldDecided, decide_holds
from entrepot.returns.commands.place_holds import HoldAsked, PlaceHold, place_holds
from entrepot.returns.commands.settle_holds import HoldsSettled, SettleHolds, settle_holds
from entrepot.returns.holding import InstantPolicy
from tests.back import asked, policy, sold
from tests.floor import COMPANY, NOW, SYSTEM
from tests.together import at_once
from tests.walk import a_house

pytestmark = pytest.mark.usefixtures("committed_db")


def test_a_return_is_held_for_given_and_decided_about_once(committed_db: None):
    house = a_house()
    house.stock(0, 50)
    policy(approve_above_minor=None)
    body = InstantPolicy(refunds=True, earlier_orders=0)
    policies.set_policy(
        SYSTEM, requests=[policies.SetPolicy(COMPANY, "returns.instant", body, NOW - timedelta(days=1))]
    )
    (order,) = sold(house, 1, (0, 2), payment=PaymentGiven("fake", "card", 11_998, NOW))
    relay.relay_once(DESTINATIONS, at=NOW + timedelta(hours=1))
    one = asked(order, 2)

    answers = at_once([lambda: place_holds(SYSTEM, requests=[PlaceHold(one.return_id)])[0]] * 8)
    assert sum(isinstance(each, HoldAsked) for each in answers) == 1
    relay.relay_once(DESTINATIONS, at=NOW + timedelta(hours=1))

    answers = at_once([lambda: settle_holds(SYSTEM, requests=[SettleHolds(one.return_id)])[0]] * 8)
    assert sum(isinstance(each, HoldsSettled) and each.changed for each in answers) == 1
    assert [each.total_minor for each in queries.whole(one.return_id).refunds] == [1998]
    relay.relay_once(DESTINATIONS, at=NOW + timedelta(hours=1))
    sql.run("UPDATE returns_refund SET state = 'paid'")

    (row,) = hold_queries.of_return(one.return_id)
    answers = at_once([
        lambda what=what: decide_holds(SYSTEM, requests=[DecideHold(row.id, what, "so")])[0]
        for what in ("take", "release") * 4
    ])  # fmt: skip
    (decided,) = [each for each in answers if isinstance(each, HoldDecided)]
    relay.relay_once(DESTINATIONS, at=NOW + timedelta(hours=1))
    settle_holds(SYSTEM, requests=[SettleHolds(one.return_id)])
    (held,) = payments.of_order(row.id)
    assert held.captured_minor == decided.taken_minor == (1998 if decided.state == "taking" else 0)

    # One key is one hold.
    document = ids.uuid7()
    wanted = [HoldAmount(order, document, 5, "GBP", key="one")]
    answers = at_once([lambda: hold(SYSTEM, requests=wanted)[0]] * 4)
    assert len({each for each in answers if isinstance(each, AmountAsked)}) == 1
    assert len(payments.of_order(document)) == 1
    assert verify.discrepancies() == []
