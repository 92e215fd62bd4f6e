"""Limits and fees of policies are in the company's own currency, whatever an order was paid in."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from entrepot.kernel import sql
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.ledger.commands.record_rates import RecordRate, record_rates
from entrepot.orders.commands.place import OrderLine, PaymentGiven, PlaceOrder, PromotionGiven, place
from entrepot.payments.commands.accept_disputes import AcceptDispute, accept_disputes
from entrepot.payments.commands.disputes import OpenDispute, open_disputes
from entrepot.payments.rules import DisputePolicy
from entrepot.returns.admission import Admission, Rule
from entrepot.returns.commands.authorize import Authorize, Item, authorize
from entrepot.returns.commands.refund import Refund, Refunded, refund
from entrepot.returns.errors import NotAllowed
from entrepot.returns.refunding import RefundPolicy
from tests.asking import a_browser
from tests.back import APPROVES, ASKS, HOME, asked, came, lines_of, no_consumers, policy
from tests.floor import COMPANY, NOW, SYSTEM, Floor
from tests.http.test_returns_pages import text_of
from tests.shop import everybody
from tests.walk import a_house, shipped

pytestmark = pytest.mark.django_db
RATES = {"JPY": Decimal("0.005"), "KWD": Decimal("2.5"), "USD": Decimal("0.8")}
"""Pounds for one of them."""
PRICES = {"JPY": "10000", "KWD": "20.000", "USD": "62.50"}
"""All of them £50.00."""


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 200)
    no_consumers()
    days = (NOW.date(), NOW.date() + timedelta(days=1))
    record_rates(SYSTEM, requests=[
        RecordRate(COMPANY, currency, day, rate * more)
        for currency, rate in RATES.items() for day, more in zip(days, (1, 2), strict=True)
    ])  # fmt: skip
    return house


def sold(house: Floor, currency: str, price: str = "", units: int = 1, off: int = 0) -> UUID:
    promotions = (PromotionGiven("SPEND", off),) if off else ()
    line = OrderLine(house.codes[0], units, Decimal(price or PRICES[currency]))
    paid = PaymentGiven("account", currency, 10_000_000, NOW)
    (one,) = place(SYSTEM, requests=[PlaceOrder(
        COMPANY, "shop", f"{currency}-{price}", (line,), currency, country="GB", postal_code="SW1A 1AA", address=HOME,
        payment=paid, discount_minor=off, promotions=promotions,
    )])  # fmt: skip
    shipped(one.order)
    return one.order


def given_back(order: UUID) -> Refunded:
    one = asked(order, 1)
    came(one)
    (answer,) = refund(ASKS, requests=[Refund(one.return_id)])
    assert isinstance(answer, Refunded), answer
    return answer


@pytest.mark.parametrize("currency", RATES)
@pytest.mark.parametrize(("limit", "state"), [(4_999, "waiting"), (5_000, "paid")])
def test_above_the_limit_is_by_what_it_is_worth_at_home(house: Floor, currency: str, limit: int, state: str):
    policy(refund_at="received", approve_above_minor=limit)
    order = sold(house, currency)
    assert given_back(order).state == state


def test_what_nobody_knows_the_worth_of_waits_for_another_person(house: Floor):
    policy(refund_at="received", approve_above_minor=10_000)
    order = sold(house, "USD", "1.00")
    sql.run("DELETE FROM ledger_rate")
    one = asked(order, 1)
    came(one)
    (answer,) = refund(ASKS, requests=[Refund(one.return_id)])
    assert answer.state == "waiting"  # type: ignore[union-attr]


@pytest.mark.parametrize(("currency", "kept"), [("JPY", 400), ("KWD", 800), ("USD", 250)])
def test_fees_that_are_amounts_are_kept_at_the_rate_of_the_order(house: Floor, currency: str, kept: int):
    """£2.00, at the rate of the day of the order: tomorrow's changes nothing of it."""
    policy(refund_at="received", approve_above_minor=None)
    body = RefundPolicy(handling_minor=160, label_minor=40)
    set_policy(SYSTEM, requests=[SetPolicy(COMPANY, "returns.refunds", body, NOW - timedelta(days=1))])
    order = sold(house, currency, units=2)
    answer = given_back(order)
    ((goods, fee),) = sql.run("SELECT goods_minor, fee_minor FROM returns_refund")
    assert (fee, answer.total_minor) == (kept, goods - kept)


@pytest.mark.parametrize(("threshold", "lost"), [(5_001, 500), (5_000, 0)])
def test_what_had_to_be_bought_for_a_promotion_is_what_it_is_worth_at_home(
    house: Floor, threshold: int, lost: int
):
    """Two things of ¥10,000, which are £50.00 each: one is kept, with half of the promotion."""
    policy(refund_at="received", approve_above_minor=None)
    no_consumers()
    body = RefundPolicy(broken_promotions="clawback", thresholds={"SPEND": threshold})
    set_policy(SYSTEM, requests=[SetPolicy(COMPANY, "returns.refunds", body, NOW - timedelta(days=1))])
    given_back(sold(house, "JPY", units=2, off=1_000))
    ((kept,),) = sql.run("SELECT clawback_minor FROM returns_refund")
    assert kept == lost


@pytest.mark.parametrize("currency", RATES)
def test_rules_compare_values_at_home(house: Floor, currency: str):
    rules = (
        Rule("dear", value_from_minor=5_001, answer="ask"),
        Rule("cheap", value_below_minor=5_000, answer="ask"),
        Rule("as dear as that", value_from_minor=5_000, value_below_minor=5_001, answer="no"),
    )
    body = Admission(rules, business_tiers=("",))
    set_policy(SYSTEM, requests=[SetPolicy(COMPANY, "returns.authorization", body, NOW - timedelta(hours=1))])
    order = sold(house, currency)
    (line,) = lines_of(order)
    (refused,) = authorize(ASKS, requests=[Authorize(order, (Item(line, 1, "changed_mind"),))])
    assert isinstance(refused, NotAllowed) and refused.facts["why"] == "as dear as that"


@pytest.mark.parametrize(("limit", "state"), [(4_999, "proposed"), (5_000, "waiting")])
def test_a_dispute_is_accepted_by_one_person_up_to_what_it_is_worth_at_home(
    house: Floor, limit: int, state: str
):
    body = DisputePolicy(accept_alone_up_to_minor=limit)
    set_policy(SYSTEM, requests=[SetPolicy(COMPANY, "payments.disputes", body, NOW - timedelta(hours=1))])
    order = sold(house, "JPY")
    ((payment,),) = sql.run("SELECT id FROM payments_payment WHERE order_id = %(order)s", {"order": order})
    (opened,) = open_disputes(SYSTEM, requests=[OpenDispute(payment, "dp_1", 10_000)])
    (answer,) = accept_disputes(APPROVES, requests=[AcceptDispute(opened.dispute, "it is true")])  # type: ignore[union-attr]
    assert answer.state in (state, "done"), answer  # type: ignore[union-attr]


def test_the_page_says_the_limit_in_the_companys_own_currency(house: Floor):
    policy(approve_above_minor=10_000)
    one = asked(sold(house, "JPY"), 1)
    everybody()
    assert "needed above £100.00" in text_of(a_browser("service").get(f"/returns/{one.return_id}/"))
