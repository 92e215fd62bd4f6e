"""Random calls that give money back, some of them at once: no customer ends with more than he paid.

As `test_money_back`, but the calls of a sequence meet: what nobody would do one after the other is done by several
people, programs and providers in the same moment.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from entrepot.insight import verify
from entrepot.kernel import ids, policies, sql
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.orders.commands.place import OrderLine, PaymentGiven, Placed, PlaceOrder, place
from entrepot.orders.rules import Frozen
from entrepot.payments.commands.disputes import OpenDispute, open_disputes
from entrepot.payments.commands.follow_disputes import CloseDispute, close_disputes
from entrepot.returns.admission import Admission, Rule
from entrepot.returns.commands.approve import Approve, approve
from entrepot.returns.commands.authorize import Authorize, Authorized, Item, authorize
from entrepot.returns.commands.exchange import Exchange, exchange
from entrepot.returns.commands.receive import Receive, receive
from entrepot.returns.commands.refund import Refund, refund
from entrepot.returns.commands.settle_exchanges import SettleExchange, settle_exchanges
from entrepot.returns.commands.withdraw_exchanges import WithdrawExchange, withdraw_exchanges
from entrepot.sourcing.commands.cancel import cancel
from tests.back import APPROVES, ASKS, RECEIVES, policy
from tests.floor import COMPANY, NOW, SYSTEM, Floor, units
from tests.together import at_once
from tests.walk import a_house, shipped

PRICE, STOCK, CALLS = 999, 1_000_000, 8


@dataclass
class Customer:
    """One who buys twice, and the calls about his orders; each looks for what it is about when it is made."""

    house: Floor
    chance: random.Random
    code: str

    def buys(self, *, credit: int) -> None:
        total = 3 * PRICE + 400 + 61
        paid = PaymentGiven("account", f"a{self.code}", total, NOW)
        line = (OrderLine(self.house.codes[0], 3, Decimal("9.99")),)
        (one,) = place(SYSTEM, requests=[PlaceOrder(
            COMPANY, "shop", f"{self.code}-{ids.uuid7()}", line, "GBP", customer=self.code, country="GB",
            postal_code="SW1A 1AA", shipping_minor=400, tax_minor=61, store_credit_minor=min(credit, total),
            payment=paid,
        )])  # fmt: skip
        assert isinstance(one, Placed)
        if not one.holds and self.chance.random() < 0.8:
            shipped(one.order)

    def calls(self, many: int) -> list[Callable[[], Any]]:
        kinds = (self.asks, self.asks, self.refunded, self.refunded, self.exchanged, self.decided, self.cancelled,
                 self.disputed)  # fmt: skip
        return [self.chance.choice(kinds)() for _ in range(many)]

    def one(self, table: str, where: str = "TRUE", columns: str = "x.id") -> tuple[Any, ...] | None:
        """One of the rows of a table that belong to his orders."""
        found = sql.run(
            f"SELECT {columns} FROM {table} AS x JOIN orders_order AS o ON o.id = x.order_id"
            f" JOIN parties_customer AS c ON c.id = o.customer_id WHERE c.code = %(code)s AND {where} ORDER BY x.id",
            {"code": self.code},
        )
        return self.chance.choice(found) if found else None

    def asks(self, wish: str = "") -> Callable[[], Any]:
        kind = wish or self.chance.choice(("refund", "exchange", "store_credit"))
        many, reason = (
            self.chance.randint(1, 2),
            self.chance.choice(("changed_mind", "defective", "poor_fit")),
        )

        def call() -> None:
            line = self.one("orders_line", "x.shipped + x.delivered > 0", "x.order_id, x.id")
            if line:
                request = Authorize(line[0], (Item(line[1], many, reason),), kind)
                (one,) = authorize(ASKS, requests=[request])
                if isinstance(one, Authorized):
                    receive(RECEIVES, requests=[Receive(one.return_id, one.lines[0], many)])

        return call

    def refunded(self) -> Callable[[], Any]:
        outcome, gift = self.chance.choice(("", "money", "store_credit")), self.chance.choice((0, 0, 900))

        def call() -> None:
            if one := self.one("returns_return"):
                refund(ASKS, requests=[Refund(one[0], None, gift, "so sorry" * bool(gift), outcome=outcome)])

        return call

    def exchanged(self) -> Callable[[], Any]:
        price = self.chance.choice((None, None, Decimal("4.00"), Decimal("14.00")))

        def call() -> None:
            if line := self.one("returns_line", columns="x.return_id, x.id"):
                request = Exchange(line[0], line[1], 1, self.house.codes[0], price, "as agreed")
                exchange(ASKS, requests=[request])

        return call

    def decided(self) -> Callable[[], Any]:
        how = self.chance.choice(("settle", "settle", "withdraw", "approve", "reject"))

        def call() -> None:
            one = self.one("returns_refund")
            if one is None:
                return
            if how == "settle":
                settle_exchanges(SYSTEM, requests=[SettleExchange(one[0])])
            elif how == "withdraw":
                withdraw_exchanges(ASKS, requests=[WithdrawExchange(one[0], "no")])
            else:
                approve(APPROVES, requests=[Approve(one[0], how == "approve", "so")])

        return call

    def cancelled(self) -> Callable[[], Any]:
        part = self.chance.random() < 0.5

        def call() -> None:
            if line := self.one("orders_line", columns="x.order_id, x.id"):
                cancel(SYSTEM, requests=[CancelOrder(line[0], "so", ((line[1], 1),) if part else None)])

        return call

    def disputed(self) -> Callable[[], Any]:
        amount, won = self.chance.randint(1, 3 * PRICE), self.chance.random() < 0.5

        def call() -> None:
            if one := self.one("payments_payment", "x.provider = 'account'"):
                (opened,) = open_disputes(SYSTEM, requests=[OpenDispute(one[0], str(ids.uuid7()), amount)])
                if hasattr(opened, "dispute"):
                    close_disputes(SYSTEM, requests=[CloseDispute(opened.dispute, won)])

        return call

    def has_no_more_than_he_paid(self) -> None:
        cash, credit, bonus, gifts = sql.run(_SUMS, {"code": self.code})[0]
        has = sum(
            Frozen(*amounts).of_units(quantity, 0, gone).total - refunded
            for quantity, gone, refunded, *amounts in sql.run(_LINES, {"code": self.code})
        )
        assert cash >= 0
        assert has + credit <= cash + bonus + gifts, (has, credit, cash, bonus, gifts)


def sequence(house: Floor, seed: int) -> None:
    """Up to eight calls about one customer: some one after the other, then all others at once. Every other one has
    asked for an exchange before, which is then among them: by chance alone there would be next to none."""
    chance = random.Random(seed)
    one = Customer(house, chance, f"C{seed}-{ids.uuid7()}")
    for credit in (0, chance.choice((0, 2 * PRICE))):
        one.buys(credit=credit)
    before = chance.randint(0, 4)
    for call in one.calls(before):
        call()
    exchanges = seed % 2
    for _ in range(exchanges):
        one.asks("exchange")()
    at_once([one.exchanged() for _ in range(exchanges)] + one.calls(CALLS - before - 2 * exchanges))
    try:
        one.has_no_more_than_he_paid()
        _no_unit_comes_of_nothing(house.skus[0])
        assert verify.discrepancies() == []
    except AssertionError as error:
        error.add_note(f"seed {seed}")
        raise


def _no_unit_comes_of_nothing(sku: UUID) -> None:
    there = units(sku) + units(sku, "pending_inspection")
    ((gone, came),) = sql.run(
        "SELECT (SELECT COALESCE(sum(shipped + delivered), 0) FROM orders_line),"
        " (SELECT COALESCE(sum(received), 0) FROM returns_line)"
    )
    assert there == STOCK - gone + came


@pytest.fixture
def house(committed_db: None) -> Floor:
    house = a_house()
    house.stock(0, STOCK)
    policy(refund_at="received", approve_above_minor=1_500)
    body = Admission(rules=(Rule("credit", bonus_percent=10),), business_tiers=("",))
    policies.set_policy(SYSTEM, requests=[policies.SetPolicy(COMPANY, "returns.authorization", body, NOW)])
    return house


@pytest.mark.timeout(300)
def test_no_calls_at_once_gain_money_or_units(house: Floor) -> None:
    for seed in range(10):
        sequence(house, seed)
    ((refunds, exchanges, disputes),) = sql.run(
        "SELECT (SELECT count(*) FROM returns_refund), (SELECT count(*) FROM returns_exchange),"
        " (SELECT count(*) FROM payments_dispute)"
    )
    assert min(refunds, exchanges, disputes) > 0, "the calls must do something, or they prove nothing"


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_no_long_search_finds_calls_at_once_that_gain(house: Floor) -> None:
    """New sequences of up to eight calls until the time is over: SOAK_MINUTES, 10 without."""
    end = time.monotonic() + 60 * float(os.environ.get("SOAK_MINUTES", "10"))
    rounds, first = 0, random.SystemRandom().randrange(10**9)
    while time.monotonic() < end:
        sequence(house, first + rounds)
        rounds += 1
    print(f"{rounds} sequences of up to {CALLS} calls, some at once")


_OF = """
JOIN orders_order AS o ON o.id = x.order_id JOIN parties_customer AS c ON c.id = o.customer_id AND c.code = %(code)s
"""

_SUMS = f"""
SELECT (SELECT COALESCE(sum(x.captured_minor - x.refunded_minor), 0) FROM payments_payment AS x {_OF}
        WHERE x.provider <> 'store_credit'),
       (SELECT COALESCE(sum(x.balance_minor), 0) FROM payments_credit AS x
        JOIN parties_customer AS c ON c.id = x.customer_id AND c.code = %(code)s),
       (SELECT COALESCE(sum(g.amount_minor), 0) FROM payments_creditgrant AS g JOIN payments_credit AS x
        ON x.id = g.credit_id JOIN parties_customer AS c ON c.id = x.customer_id AND c.code = %(code)s
        WHERE g.kind = 'bonus'),
       (SELECT COALESCE(sum(x.adjustment_minor), 0) FROM returns_refund AS x {_OF} WHERE x.state <> 'rejected')
"""

_LINES = f"""
SELECT x.quantity, x.shipped + x.delivered, COALESCE(s.goods_minor + s.tax_minor + s.shipping_minor, 0),
       x.gross_minor, x.discount_minor, x.shipping_minor, x.tax_minor
FROM orders_line AS x {_OF} LEFT JOIN returns_sold AS s ON s.line_id = x.id
"""
