"""Limits and fees of policies are in the company's own currency, whatever an order was paid in."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from entrepot.insight import campaigns, profit, profit_facts
from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.ledger import queries as ledger
from entrepot.ledger.commands.record_rates import RecordRate, record_rates
from entrepot.orders.commands.place import OrderLine, PaymentGiven, PlaceOrder, PromotionGiven, place
from entrepot.payments.commands.accept_disputes import AcceptDispute, accept_disputes
from entrepot.payments.commands.disputes import OpenDispute, open_disputes
from entrepot.payments.rules import DisputePolicy
from entrepot.returns import cohort_queries
from entrepot.returns.admission import Admission, Rule
from entrepot.returns.commands.approve import Approve, approve
from entrepot.returns.commands.authorize import Authorize, Item, authorize
from entrepot.returns.commands.estimate import Estimate, estimate
from entrepot.returns.commands.note_arrivals import NoteArrival, note_arrivals
from entrepot.returns.commands.refund import Refund, Refunded, refund
from entrepot.returns.commands.repairs import (
    AnswerRepair,
    RepairSettled,
    SettleRepair,
    answer_repairs,
    settle_repairs,
)
from entrepot.returns.commands.send_back import SendBack, send_back
from entrepot.returns.errors import NotAllowed
from entrepot.returns.refunding import RefundPolicy
from entrepot.returns.rules import Policy
from tests.asking import a_browser
from tests.back import APPROVES, ASKS, HOME, asked, came, found, lines_of, no_consumers, policy, put
from tests.commands.test_returns_repairs import OFFERS, kept, offered, worked
from tests.floor import COMPANY, NOW, SYSTEM, Floor, balance
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
    labeled = Admission((Rule("with a label", label=True),), business_tiers=("",))
    set_policy(
        SYSTEM, requests=[SetPolicy(COMPANY, "returns.authorization", labeled, NOW - timedelta(days=1))]
    )
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
@pytest.mark.parametrize("limit", [0, None])
def test_goods_are_taken_back_at_what_they_were_sold_for(house: Floor, currency: str, limit: int | None):
    """£50.00 by the rate of the sale, £100.00 by that of the refund: what is more is a loss of exchange."""
    policy(refund_at="received", approve_above_minor=limit)
    one = asked(sold(house, currency), 1)
    came(one)
    tomorrow = NOW + timedelta(days=1)
    (answer,) = refund(ASKS, requests=[Refund(one.return_id, occurred_at=tomorrow)])
    if limit is not None:
        approve(Cause(APPROVES.actor, tomorrow), requests=[Approve(answer.refund)])  # type: ignore[union-attr]
    assert (balance(4000), balance(4100), balance(5700), balance(2300)) == (-5_000, 5_000, 5_000, 0)
    assert balance(1100) == -5_000, "captured at the one rate, given back at the other"
    assert ledger.discrepancies() == []


@pytest.mark.parametrize("currency", RATES)
def test_what_is_expected_to_come_back_is_what_it_is_worth_at_home(house: Floor, currency: str):
    """20 at £50.00, a tenth of which is expected: then one of them is back, at another rate."""
    policy(refund_at="received", approve_above_minor=None, expected_percent=Decimal(10), window_days=30)
    order = sold(house, currency, units=20)
    (at_first,) = estimate(SYSTEM, requests=[Estimate(COMPANY)])
    one = asked(order, 1)
    came(one)
    refund(ASKS, requests=[Refund(one.return_id, occurred_at=NOW)])
    (later,) = estimate(SYSTEM, requests=[Estimate(COMPANY)])
    assert (at_first.liability_minor, later.liability_minor) == (10_000, 5_000)  # type: ignore[union-attr]
    assert (at_first.asset_minor, later.asset_minor) == (200, 100)  # type: ignore[union-attr]

    sold(house, "GBP", "50.00", units=20)
    observing = replace(Policy(), expected_by="observed", window_days=5, observed_months=3)
    over = NOW + timedelta(days=40)
    basis = cohort_queries.bases({COMPANY: observing}, {COMPANY: over})[COMPANY]
    assert basis.percent == Decimal("2.5"), "£50.00 of £2,000.00"
    margin = profit.profit(COMPANY, profit.Asked(date(2026, 11, 1), date(2026, 12, 1)), "channel", NOW)
    (of_shop,) = [one for one in margin.groups() if one.name]
    rate = Decimal(1) / 40
    assert of_shop.at_risk_minor == pytest.approx(float(rate * (195_000 - 3_900)), abs=1)


@pytest.mark.parametrize(("days", "is_looked_up"), [(0, True), (365, False)])
def test_the_rate_of_what_can_t_come_back_any_more_is_not_looked_up(
    house: Floor, days: int, is_looked_up: bool
):
    sold(house, "USD")
    asked = profit.Asked(date(2026, 11, 1), date(2026, 12, 1))
    params = profit._params(COMPANY, asked, NOW + timedelta(days=days))
    statement = profit_facts.UNITS.format(name="''", asked="TRUE")
    plan = [line for (line,) in sql.run(f"EXPLAIN (ANALYZE, TIMING OFF) {statement}", params)]
    (rate,) = [line for line in plan if " on ledger_line" in line and "Bitmap Index" not in line]
    assert ("never executed" not in rate) == is_looked_up, "\n".join(plan)


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


def test_a_campaign_adds_up_discounts_and_refunds_in_the_companys_own_currency(house: Floor) -> None:
    """£50.00 each, £5.00 off; of each currency one leaves and comes back, and one has not left."""
    policy(refund_at="received", approve_above_minor=None)
    for currency, off in (("JPY", 1_000), ("KWD", 2_000), ("USD", 6_25)):
        line = OrderLine(house.codes[0], 1, Decimal(PRICES[currency]))
        promotions = (PromotionGiven("SPEND", off),)
        answers = place(SYSTEM, requests=[
            PlaceOrder(
                COMPANY, "shop", f"{currency}{n}", (line,), currency, NOW, country="GB", postal_code="SW1A 1AA",
                address=HOME, payment=PaymentGiven("account", f"{currency}{n}", 10_000_000, NOW), discount_minor=off,
                campaign="spring", promotions=promotions,
            )
            for n in range(2)
        ])  # fmt: skip
        shipped(answers[0].order)  # type: ignore[union-attr]
        given_back(answers[0].order)  # type: ignore[union-attr]
    since, until = NOW - timedelta(days=1), NOW + timedelta(days=2)
    for asks_for in (campaigns.campaigns, campaigns.promotions):
        (told,) = asks_for(COMPANY, since=since, until=until)
        assert (told.orders, told.units_shipped, told.given_minor) == (6, 3, 6 * 5_00)
        assert (told.sales_minor, told.refunded_minor, told.units_returned) == (3 * 45_00, 3 * 45_00, 3)
    # What was given back of goods of which no sale was posted counts at the rate of the day of the order.
    sql.run(
        "INSERT INTO returns_sold (line_id, order_id, company_id, shipped, authorized, refunded, goods_minor)"
        " SELECT l.id, l.order_id, o.company_id, 1, 1, 1, 9 * o.discount_minor"
        " FROM orders_line AS l JOIN orders_order AS o ON o.id = l.order_id"
        " WHERE l.shipped + l.delivered = 0 RETURNING 1"
    )
    (told,) = campaigns.campaigns(COMPANY, since=since, until=until)
    assert (told.given_minor, told.refunded_minor) == (6 * 5_00, 6 * 45_00)
    sql.run("DELETE FROM returns_sold WHERE received = 0 RETURNING 1")


@pytest.mark.parametrize("currency", RATES)
def test_a_price_that_is_owed_no_more_goes_at_the_rate_at_which_it_was_owed(house: Floor, currency: str):
    """A pound is worth half as much the next day: of what was charged nothing stays."""
    kept("returns.authorization", OFFERS)
    one = asked(sold(house, currency), 1, reason="changed_mind", asked="repair")
    put(found(came(one), "C"))
    (disposition,) = sql.run("SELECT id FROM returns_disposition WHERE disposition = 'repair'")[0]
    repair = offered(disposition, payer="customer", price_minor=1_000).repair
    answer_repairs(ASKS, requests=[AnswerRepair(repair, agrees=True)])
    worked(repair)
    send_back(ASKS, requests=[SendBack(one.return_id, "Parcel Post", "PP1")])
    before = sql.run("SELECT sum(amount_minor)::bigint FROM ledger_line WHERE account = 1150")[0][0]
    note_arrivals(SYSTEM, requests=[NoteArrival(COMPANY, "PP1", lost=True)])
    tomorrow = Cause(ASKS.actor, NOW + timedelta(days=1))
    (settled,) = settle_repairs(tomorrow, requests=[SettleRepair(repair, "refund", "it was lost")])
    assert isinstance(settled, RepairSettled)
    assert before == 1_000
    assert (balance(1150), balance(4040)) == (0, 0)
    assert ledger.discrepancies() == []
