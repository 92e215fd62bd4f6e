"""Random sequences of what gives money back: no customer ends with more than he paid, and no unit comes of nothing.

Beside refunds and approvals there are exchanges, store credit, cancellations and chargebacks, of orders with two
tenders; what replaces goods is returned and exchanged in turn.
"""

from __future__ import annotations

import os
import time
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule, run_state_machine_as_test

from entrepot.kernel import policies, ready, sql
from entrepot.orders.commands.cancel import REPLACEMENT, CancelOrder
from entrepot.orders.commands.place import OrderLine, PaymentGiven, Placed, PlaceOrder, place
from entrepot.orders.rules import Frozen
from entrepot.payments.commands.disputes import OpenDispute, open_disputes
from entrepot.payments.commands.follow_disputes import CloseDispute, close_disputes
from entrepot.returns.admission import Admission, Rule
from entrepot.returns.commands.approve import Approve, approve
from entrepot.returns.commands.authorize import Authorize, Item, authorize
from entrepot.returns.commands.exchange import Exchange, exchange
from entrepot.returns.commands.give_back import GiveBack, give_back
from entrepot.returns.commands.receive import Receive, receive
from entrepot.returns.commands.refund import Refund, refund
from entrepot.returns.commands.settle_exchanges import SettleExchange, settle_exchanges
from entrepot.returns.commands.withdraw_exchanges import WithdrawExchange, withdraw_exchanges
from entrepot.returns.rules import REASONS
from entrepot.sourcing.commands.cancel import cancel
from tests.back import APPROVES, ASKS, RECEIVES, policy
from tests.floor import COMPANY, NOW, SYSTEM, units
from tests.undone import UndoneMachine
from tests.walk import a_house, allocated, shipped

PRICE, STOCK = 999, 60


class MoneyBack(UndoneMachine):
    """Every rule calls real commands of one customer; refusals are fine, a gain is not."""

    @initialize(paid=st.integers(0, 3 * PRICE + 400))
    def sell(self, paid: int) -> None:
        self.house = a_house()
        self.house.stock(0, STOCK)
        policy(refund_at="received", approve_above_minor=1_500)
        body = Admission(rules=(Rule("credit", bonus_percent=10),), business_tiers=("",))
        policies.set_policy(
            SYSTEM, requests=[policies.SetPolicy(COMPANY, "returns.authorization", body, NOW)]
        )
        self.orders = 0
        self.place(3, 0, paid)

    @rule(quantity=st.integers(1, 2), credit=st.integers(0, 2 * PRICE), paid=st.integers(0, 2 * PRICE))
    def place(self, quantity: int, credit: int, paid: int) -> None:
        """An order of this customer, part of it on store credit, a part beforehand, and the rest on account."""
        self.orders += 1
        total = quantity * PRICE + 400 + 61
        line = (OrderLine(self.house.codes[0], quantity, Decimal("9.99")),)
        request = PlaceOrder(
            COMPANY, "shop", f"M{self.orders}", line, "GBP", customer="C1", country="GB", postal_code="SW1A 1AA",
            shipping_minor=400, tax_minor=61, store_credit_minor=min(credit, total),
            payment=PaymentGiven("account", f"a{self.orders}", total, NOW),
        )  # fmt: skip
        (one,) = place(SYSTEM, requests=[request])
        assert isinstance(one, Placed)
        if not one.holds and paid % 2 == 0:
            shipped(one.order)

    @rule(n=st.integers(0, 9), units_=st.integers(1, 2), kind=st.sampled_from(["refund", "exchange", "store_credit"]),
          reason=st.sampled_from(sorted(REASONS)), comes=st.booleans())  # fmt: skip
    def ask(self, n: int, units_: int, kind: str, reason: str, comes: bool) -> None:
        lines = sql.run("SELECT order_id, id FROM orders_line WHERE shipped + delivered > 0 ORDER BY id")
        if not lines:
            return
        order, line = lines[n % len(lines)]
        (one,) = authorize(ASKS, requests=[Authorize(order, (Item(line, units_, reason),), kind)])
        if comes and hasattr(one, "lines"):
            receive(RECEIVES, requests=[Receive(one.return_id, one.lines[0], units_)])

    @rule(
        n=st.integers(0, 9),
        outcome=st.sampled_from(["", "money", "store_credit"]),
        gift=st.sampled_from([0, 0, 900]),
    )
    def refund(self, n: int, outcome: str, gift: int) -> None:
        if one := self._one("returns_return", n):
            refund(ASKS, requests=[Refund(one, None, gift, "so sorry" * bool(gift), outcome=outcome)])

    @rule(n=st.integers(0, 9), units_=st.integers(1, 2), price=st.sampled_from([None, None, "4.00", "14.00"]))
    def exchange(self, n: int, units_: int, price: str | None) -> None:
        lines = sql.run("SELECT return_id, id FROM returns_line ORDER BY id")
        if lines:
            of, line = lines[n % len(lines)]
            own = None if price is None else Decimal(price)
            exchange(ASKS, requests=[Exchange(of, line, units_, self.house.codes[0], own, "as agreed")])

    @rule(n=st.integers(0, 9), how=st.sampled_from(["settle", "settle", "withdraw", "approve", "reject"]))
    def decide(self, n: int, how: str) -> None:
        one = self._one("returns_refund", n)
        if one is None:
            return
        if how == "settle":
            settle_exchanges(SYSTEM, requests=[SettleExchange(one)])
        elif how == "withdraw":
            withdraw_exchanges(ASKS, requests=[WithdrawExchange(one, "no")])
        else:
            approve(APPROVES, requests=[Approve(one, how == "approve", "so")])

    @rule(n=st.integers(0, 9), units_=st.integers(0, 1))
    def cancel(self, n: int, units_: int) -> None:
        lines = sql.run("SELECT order_id, id FROM orders_line ORDER BY id")
        order, line = lines[n % len(lines)]
        cancel(SYSTEM, requests=[CancelOrder(order, "so", ((line, units_),) if units_ else None)])

    @rule(again=st.booleans())
    def give_back(self, again: bool) -> None:
        """What pays for cancelled replacements, as the queue does it, also twice."""
        if cancelled := ready.claim(REPLACEMENT, 10):
            for _ in range(1 + again):
                give_back(SYSTEM, requests=[GiveBack(order) for order in cancelled])

    @rule(n=st.integers(0, 9))
    def ship(self, n: int) -> None:
        """Replacements that wait for nothing, and orders that did not leave."""
        ready = sql.run("SELECT id FROM orders_order WHERE status = 'ready' AND held_by = '' ORDER BY id")
        if ready:
            order = ready[n % len(ready)][0]
            allocated(order)
            shipped(order)

    @rule(n=st.integers(0, 9), amount=st.integers(1, 3 * PRICE), won=st.booleans())
    def dispute(self, n: int, amount: int, won: bool) -> None:
        one = self._one("payments_payment", n)
        if one and sql.run(
            "SELECT FROM payments_payment WHERE id = %(id)s AND provider = 'account'", {"id": one}
        ):
            count = sql.run("SELECT count(*) FROM payments_dispute")[0][0]
            (opened,) = open_disputes(SYSTEM, requests=[OpenDispute(one, f"dp{count}", amount)])
            if hasattr(opened, "dispute"):
                close_disputes(SYSTEM, requests=[CloseDispute(opened.dispute, won)])

    @invariant()
    def no_customer_gains(self) -> None:
        """What he has of what left, at all that it bears, and with the house, is no more than the money that he paid
        and did not get back; but for a bonus, and what was given him as a gift."""
        cash, credit, bonus, gifts = sql.run(_SUMS)[0]
        has = sum(
            Frozen(*amounts).of_units(quantity, 0, gone).total - refunded
            for quantity, gone, refunded, *amounts in sql.run(_LINES)
        )
        assert cash >= 0
        assert has + credit <= cash + bonus + gifts, (has, credit, cash, bonus, gifts)

    @invariant()
    def no_unit_comes_of_nothing(self) -> None:
        there = units(self.house.skus[0]) + units(self.house.skus[0], "pending_inspection")
        gone, came = sql.run(
            "SELECT (SELECT COALESCE(sum(shipped + delivered), 0) FROM orders_line),"
            " (SELECT COALESCE(sum(received), 0) FROM returns_line)"
        )[0]
        assert there == STOCK - gone + came

    def _one(self, table: str, n: int) -> UUID | None:
        found = sql.run(f"SELECT id FROM {table} ORDER BY id")
        return found[n % len(found)][0] if found else None


_SUMS = """
SELECT (SELECT COALESCE(sum(captured_minor - refunded_minor), 0) FROM payments_payment
        WHERE provider <> 'store_credit'),
       (SELECT COALESCE(sum(balance_minor), 0) FROM payments_credit),
       (SELECT COALESCE(sum(amount_minor), 0) FROM payments_creditgrant WHERE kind = 'bonus'),
       (SELECT COALESCE(sum(adjustment_minor), 0) FROM returns_refund WHERE state <> 'rejected')
"""

_LINES = """
SELECT l.quantity, l.shipped + l.delivered, COALESCE(s.goods_minor + s.tax_minor + s.shipping_minor, 0),
       l.gross_minor, l.discount_minor, l.shipping_minor, l.tax_minor
FROM orders_line AS l LEFT JOIN returns_sold AS s ON s.line_id = l.id
"""


def walk(examples: int, **facts: object) -> None:
    run_state_machine_as_test(
        MoneyBack,
        settings=settings(
            max_examples=examples, stateful_step_count=8, deadline=None,
            phases=[Phase.explicit, Phase.generate, Phase.shrink], suppress_health_check=list(HealthCheck),
            **facts,  # type: ignore[arg-type]
        ),
    )  # fmt: skip


@pytest.mark.django_db
@pytest.mark.timeout(300)
def test_no_sequence_of_up_to_eight_calls_gains_money_or_units() -> None:
    walk(examples=12)


@pytest.mark.soak
@pytest.mark.django_db
@pytest.mark.timeout(0)
def test_no_long_search_finds_a_sequence_that_gains() -> None:
    """New sequences of up to eight calls until the time is over: SOAK_MINUTES, 10 without."""
    end = time.monotonic() + 60 * float(os.environ.get("SOAK_MINUTES", "10"))
    rounds = 0
    while time.monotonic() < end:
        walk(examples=50, derandomize=False, database=None)
        rounds += 1
    print(f"{rounds * 50} sequences of up to 8 calls")
