"""Random sequences over the whole way back: no customer gains, no unit comes of nothing, none is lost.

As `test_money_back`, with what happens to goods on their way: parcels and strays, inspection, disposition and a second
one, returns that are given up and waited for again, goods that leave for others, and amounts held on cards.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule, run_state_machine_as_test

from entrepot.kernel import policies, relay, sql
from entrepot.kernel.errors import Refused
from entrepot.orders.commands.place import OrderLine, PaymentGiven, Placed, PlaceOrder, place
from entrepot.payments.tasks import DESTINATIONS
from entrepot.returns.commands.authorize import Authorize, Authorized, Item, authorize
from entrepot.returns.commands.decide_holds import DecideHold, decide_holds
from entrepot.returns.commands.decide_strays import DecideStray, decide_strays
from entrepot.returns.commands.dispose import Dispose, dispose
from entrepot.returns.commands.expire import Expire, expire
from entrepot.returns.commands.inspect import Inspect, inspect
from entrepot.returns.commands.leave_departures import LeaveDeparture, leave_departures
from entrepot.returns.commands.open_departures import OpenDeparture, open_departures
from entrepot.returns.commands.place_holds import PlaceHold, place_holds
from entrepot.returns.commands.receive_parcels import Content, ReceiveParcel, receive_parcels
from entrepot.returns.commands.redispose import Redispose, redispose
from entrepot.returns.commands.reopen import Reopen, reopen
from entrepot.returns.commands.settle_holds import SettleHolds, settle_holds
from entrepot.returns.holding import InstantPolicy
from entrepot.returns.lots import Buyer
from entrepot.returns.regrading import AGAIN
from entrepot.returns.rules import DISPOSITIONS, GRADES, LEAVES
from entrepot.returns.tasks import serve_hold, serve_refund
from tests.back import APPROVES, ASKS, INSPECTS, RECEIVES, policy
from tests.floor import COMPANY, NOW, SYSTEM
from tests.machines.test_money_back import PRICE, STOCK, MoneyBack
from tests.walk import shipped

BUYER = Buyer("B1", "Bulk Ltd", "GB")
LATER = replace(SYSTEM, at=NOW + timedelta(days=90))


class WayBack(MoneyBack):
    """Refusals are fine here, too; each rule takes up what stands open, whichever that is."""

    def __init__(self) -> None:
        super().__init__()
        self.done: Counter[str] = Counter()  # what the commands did that were not refused
        self.told: list[tuple[str, object]] = []

    @initialize(paid=st.integers(0, 3 * PRICE + 400))
    def sell(self, paid: int) -> None:
        """Beside what the other walk sells, an order by card, whose return is secured and has come."""
        super().sell(paid)
        policy(refund_at="received", approve_above_minor=2_500)
        self.house.stock(1, STOCK)
        body = InstantPolicy(refunds=True, exchanges=True, earlier_orders=0, taken_most=9)
        policies.set_policy(SYSTEM, requests=[policies.SetPolicy(COMPANY, "returns.instant", body, NOW)])
        self.sell_by_card(1, "holds")
        self.parcel(0, 1, known=True)
        self.inspect(0, 1, "B", "second_grade")

    def notes(self, what: str, answers: Sequence[object]) -> None:
        self.done[what] += sum(not isinstance(one, Refused) for one in answers)
        self.told += [(what, one) for one in answers]

    @rule(quantity=st.integers(1, 2), then=st.sampled_from(["keeps", "asks", "holds"]))
    def sell_by_card(self, quantity: int, then: str) -> None:
        """An order of two SKUs by card, of which units come back, maybe against an amount that is held."""
        self.orders += 1
        lines = tuple(OrderLine(self.house.codes[sku], quantity, Decimal("9.99")) for sku in (0, 1))
        (one,) = place(SYSTEM, requests=[PlaceOrder(
            COMPANY, "shop", f"C{self.orders}", lines, "GBP", customer="C1", country="GB", postal_code="SW1A 1AA",
            payment=PaymentGiven("fake", f"card {self.orders}", 2 * quantity * PRICE, NOW),
        )])  # fmt: skip
        assert isinstance(one, Placed)
        if one.holds:
            return
        shipped(one.order)
        self.tell()
        if then == "keeps":
            return
        found = sql.run("SELECT id FROM orders_line WHERE order_id = %(o)s ORDER BY number", {"o": one.order})
        items = tuple(Item(line, quantity, "changed_mind") for (line,) in found)
        (back,) = authorize(ASKS, requests=[Authorize(one.order, items)])
        assert isinstance(back, Authorized), back
        if then == "holds":
            self.notes("held", place_holds(SYSTEM, requests=[PlaceHold(back.return_id)]))
            self.tell()

    def tell(self) -> None:
        """Providers are asked, and what they say is acted on."""
        for _ in range(3):
            relay.relay_once(DESTINATIONS, at=NOW + timedelta(hours=1))
            serve_refund(
                SYSTEM, [row[0] for row in sql.run("SELECT DISTINCT order_id FROM payments_payment")]
            )
            serve_hold(SYSTEM, [row[0] for row in sql.run(_SECURED)])

    @precondition(lambda self: self.some(_SECURED))
    @rule(n=st.integers(0, 9), late=st.booleans())
    def settle_hold(self, n: int, late: bool) -> None:
        answers = settle_holds(LATER if late else SYSTEM, requests=[SettleHolds(self.some(_SECURED, n))])
        self.notes("settled", answers)
        self.tell()

    @precondition(lambda self: self.some(_OPEN_HOLD))
    @rule(n=st.integers(0, 9), take=st.booleans(), minor=st.sampled_from([None, 1, 500]))
    def decide_hold(self, n: int, take: bool, minor: int | None) -> None:
        hold = self.some(_OPEN_HOLD, n)
        asked = DecideHold(hold, "take" if take else "release", "as I see it", minor if take else None)
        self.notes("taken" if take else "let go", decide_holds(APPROVES, requests=[asked]))
        self.tell()

    @rule(n=st.integers(0, 9), units_=st.integers(1, 3), known=st.booleans())
    def parcel(self, n: int, units_: int, known: bool) -> None:
        """Units in a parcel with the number of a return, or with none; maybe more than are expected."""
        of = (
            self.some("SELECT number FROM returns_return WHERE state <> 'closed' ORDER BY id", n)
            if known
            else ""
        )
        content = tuple(Content(code, units_) for code in self.house.codes[: 1 + n % 2])
        came = ReceiveParcel(COMPANY, self.house.nodes[0], content, of or "")
        self.notes("parcels", receive_parcels(RECEIVES, requests=[came]))

    @precondition(lambda self: self.some(_STRAY))
    @rule(n=st.integers(0, 9), outcome=st.sampled_from(["matched", "sent_back", "kept"]))
    def decide_stray(self, n: int, outcome: str) -> None:
        of = self._one("returns_return", n) if outcome == "matched" else None
        asked = DecideStray(self.some(_STRAY, n), outcome, of, "" if of else "as I see it")
        self.notes("strays", decide_strays(RECEIVES, requests=[asked]))

    @precondition(lambda self: self.some(_TO_INSPECT))
    @rule(n=st.integers(0, 9), units_=st.integers(1, 2), grade=st.sampled_from(sorted(GRADES)),
          what=st.sampled_from(["", "", *DISPOSITIONS]))  # fmt: skip
    def inspect(self, n: int, units_: int, grade: str, what: str) -> None:
        """Units that came are inspected, and what was inspected of any is disposed of."""
        self.notes(
            "inspected", inspect(INSPECTS, requests=[Inspect(self.some(_TO_INSPECT, n), units_, grade)])
        )
        if found := self.some(_TO_DISPOSE, n):
            asked = Dispose(found, units_, what, reason="as I see it")
            self.notes("disposed", dispose(INSPECTS, requests=[asked]))

    @precondition(lambda self: self.some(_AGAIN))
    @rule(n=st.integers(0, 9), what=st.sampled_from(AGAIN))
    def dispose_again(self, n: int, what: str) -> None:
        asked = Redispose(COMPANY, self.some(_AGAIN, n), 1, what, "as I see it")
        self.notes("disposed again", redispose(INSPECTS, requests=[asked]))

    @precondition(lambda self: self.some(_WAITS_TO_LEAVE))
    @rule(n=st.integers(0, 9), leaves=st.booleans())
    def gather(self, n: int, leaves: bool) -> None:
        """Goods that were given to a liquidator are gathered, and leave."""
        asked = OpenDeparture(
            COMPANY, "liquidation", ((self.some(_WAITS_TO_LEAVE, n), 1),), buyer=BUYER, expected_minor=100
        )
        (one,) = open_departures(INSPECTS, requests=[asked])
        self.notes("gathered", [one])
        if leaves and not isinstance(one, Refused):
            self.notes("left", leave_departures(INSPECTS, requests=[LeaveDeparture(one.departure)]))

    @rule(n=st.integers(0, 9), days=st.sampled_from([90, 180]), again=st.booleans())
    def give_up(self, n: int, days: int, again: bool) -> None:
        if one := self._one("returns_return", n):
            self.notes(
                "given up", expire(replace(SYSTEM, at=NOW + timedelta(days=days)), requests=[Expire(one)])
            )
            if again:
                self.notes("waited for again", reopen(ASKS, requests=[Reopen(one, "it was found")]))

    def some(self, statement: str, n: int = 0) -> Any:
        """The nth of what a statement finds; None of nothing."""
        found = sql.run(statement)
        return found[n % len(found)][0] if found else None

    @invariant()
    def no_unit_comes_of_nothing(self) -> None:
        """Of each SKU: in whatever status they stand, the house has what it had, less what left for customers or, by
        decision, for others, and what came back. Strays are in no stock."""
        for sku in self.house.skus[:2]:
            (there,) = sql.run(
                "SELECT COALESCE(sum(quantity), 0)::int FROM stock_bucket WHERE sku_id = %(s)s", {"s": sku}
            )[0]
            gone, came, left, departed = sql.run(_UNITS, {"s": sku, "leaves": list(LEAVES)})[0]
            assert there == STOCK - gone + came - left - departed, (there, gone, came, left, departed)

    @invariant()
    def no_more_is_taken_of_a_card_than_was_given(self) -> None:
        for number, held, captured, refunded, given in sql.run(_HELD):
            assert 0 <= captured <= held, (number, captured, held)
            assert captured - refunded <= given, (number, captured, refunded, given)


_SECURED = "SELECT DISTINCT return_id FROM returns_hold ORDER BY 1"
_OPEN_HOLD = "SELECT id FROM returns_hold WHERE closed_at IS NULL ORDER BY id"
_STRAY = "SELECT id FROM returns_stray WHERE state = 'open' ORDER BY id"
_TO_INSPECT = "SELECT id FROM returns_receipt WHERE inspected < quantity ORDER BY id"
_TO_DISPOSE = "SELECT id FROM returns_inspection WHERE disposed < quantity ORDER BY id"
_AGAIN = "SELECT id FROM returns_disposition WHERE disposition IN ('second_grade', 'quarantine') ORDER BY id"
_WAITS_TO_LEAVE = "SELECT id FROM returns_disposition WHERE disposition = 'liquidate' ORDER BY id"

_UNITS = """
SELECT (SELECT COALESCE(sum(shipped + delivered), 0) FROM orders_line WHERE sku_id = %(s)s),
       (SELECT COALESCE(sum(received), 0) FROM returns_line WHERE sku_id = %(s)s),
       (SELECT COALESCE(sum(d.quantity), 0) FROM returns_disposition AS d
        JOIN returns_line AS l ON l.id = d.return_line_id
        WHERE l.sku_id = %(s)s AND d.disposition = ANY(%(leaves)s)),
       (SELECT COALESCE(sum(i.quantity), 0) FROM returns_departureitem AS i
        JOIN returns_departure AS d ON d.id = i.departure_id
        WHERE i.sku_id = %(s)s AND d.left_at IS NOT NULL AND d.kind IN ('liquidation', 'vendor_return'))
"""

# By return, what was held and taken on cards for it, and what was given of it.
_HELD = """
SELECT r.number, sum(h.amount_minor), sum(COALESCE(p.captured_minor, 0)), sum(COALESCE(p.refunded_minor, 0)),
       (SELECT COALESCE(sum(f.total_minor), 0) FROM returns_refund AS f
        WHERE f.return_id = r.id AND f.state <> 'rejected')
FROM returns_hold AS h JOIN returns_return AS r ON r.id = h.return_id
LEFT JOIN payments_payment AS p ON p.id = h.payment_id
GROUP BY r.id
"""


def walk(examples: int, **facts: object) -> None:
    run_state_machine_as_test(
        WayBack,
        settings=settings(
            max_examples=examples, stateful_step_count=16, deadline=None,
            phases=[Phase.explicit, Phase.generate, Phase.shrink], suppress_health_check=list(HealthCheck),
            **facts,  # type: ignore[arg-type]
        ),
    )  # fmt: skip


@pytest.mark.django_db
@pytest.mark.timeout(300)
def test_no_sequence_of_the_way_back_gains_money_or_units() -> None:
    walk(examples=12)


@pytest.mark.django_db
def test_every_rule_of_the_walk_does_something_when_its_time_has_come() -> None:
    """Where all calls were refused, the walk would prove nothing."""
    one = WayBack()
    try:
        one.sell(0)
        one.settle_hold(0, late=False)
        one.decide_hold(0, take=True, minor=500)
        one.dispose_again(0, "liquidate")
        one.gather(0, leaves=True)
        one.parcel(1, 2, known=False)
        one.decide_stray(0, "kept")
        one.sell_by_card(1, "holds")
        one.decide_hold(1, take=False, minor=None)
        one.sell_by_card(1, "asks")
        one.give_up(2, 90, again=False)
        one.give_up(2, 180, again=True)
        one.no_customer_gains()
        one.no_unit_comes_of_nothing()
        one.no_more_is_taken_of_a_card_than_was_given()
        assert not {what for what, times in one.done.items() if not times}, one.told
    finally:
        one.teardown()


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.timeout(0)
def test_nor_does_any_of_many_more() -> None:
    walk(examples=300)
