"""returns.estimate"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations

import pytest
from django.db import transaction

from entrepot.insight import profit_facts
from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import whole
from entrepot.kernel.errors import Invalid, NotFound, RequestReused
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.ledger import errors
from entrepot.ledger.commands.close_month import CloseMonth, close_month
from entrepot.ledger.commands.post import Posted, Posting, post
from entrepot.orders.commands.place import PaymentGiven
from entrepot.parties.commands.register import RegisterCompany, register_companies
from entrepot.returns import cohort_queries, expecting
from entrepot.returns.admission import Admission, Rule
from entrepot.returns.commands.close import Close, close
from entrepot.returns.commands.estimate import Estimate, Estimated, estimate
from entrepot.returns.commands.exchange import Exchange, exchange
from entrepot.returns.commands.refund import Refund, refund
from entrepot.returns.commands.review import Review, review
from entrepot.returns.rules import Policy
from entrepot.returns.tasks import serve_decide_refund, serve_exchange, serve_refund
from entrepot.shipping.commands.ship import ShipFulfillment, ship
from tests.back import ARRIVED, ASKS, asked, back, came, found, policy, put, sold
from tests.floor import COMPANY, NOW, SYSTEM, Floor, balance
from tests.sizes import MANY
from tests.walk import a_house, packed, placed, shipped

pytestmark = pytest.mark.django_db
NOVEMBER_ENDS = datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC)


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 5000)
    policy(expected_percent=Decimal(10), window_days=60)
    return house


def estimated(occurred_at: datetime | None = None) -> Estimated:
    """Now, or as of a moment that has been."""
    since = Cause(SYSTEM.actor, max(NOW, occurred_at or NOW))
    (answer,) = estimate(since, requests=[Estimate(COMPANY, occurred_at)])
    assert isinstance(answer, Estimated), answer
    return answer


def books() -> tuple[int, int, int, int]:
    return balance(2310), balance(4110), balance(1220), balance(5010)


def test_nothing_is_expected_where_nothing_was_sold(house: Floor):
    assert estimated() == Estimated(COMPANY, 0, 0, 0)
    assert books() == (0, 0, 0, 0)


def test_what_is_expected_stands_in_contra_accounts(house: Floor):
    sold(house, 10, (0, 1))
    assert estimated() == Estimated(COMPANY, 999, 100, 999)
    assert books() == (-999, 999, 100, -100)
    sold(house, 10, (0, 1))
    assert estimated() == Estimated(COMPANY, 1998, 200, 999)
    assert books() == (-1998, 1998, 200, -200)


def test_what_came_back_is_not_expected_any_more(house: Floor):
    order, *_ = sold(house, 20, (0, 1))
    estimated()
    one = asked(order, 1)
    back(one)
    refund(ASKS, requests=[Refund(one.return_id)])
    assert estimated() == Estimated(COMPANY, 999, 100, -999)
    assert books() == (-999, 999, 100, -100)


def test_what_its_customer_keeps_is_not_expected_any_more(house: Floor):
    rule = Admission((Rule("not worth its way", outcomes=("keep",)),))
    before = NOW - timedelta(hours=1)
    set_policy(SYSTEM, requests=[SetPolicy(COMPANY, "returns.authorization", rule, before)])
    order, *_ = sold(house, 20, (0, 1))
    estimated()
    serve_decide_refund(SYSTEM, [asked(order, 1, asked="keep").return_id])
    assert estimated() == Estimated(COMPANY, 999, 100, -999)
    assert books() == (-999, 999, 100, -100)


def test_what_is_exchanged_for_its_like_is_no_return(house: Floor):
    """IFRS 15, B26: as many may still come back as before, the replacement among them."""
    order, other, *_ = sold(house, 20, (0, 1))
    before = estimated()
    one = asked(order, 1, asked="exchange")
    (new,) = exchange(ASKS, requests=[Exchange(one.return_id, one.lines[0], 1, house.codes[0])])
    came(one)
    assert estimated() == Estimated(COMPANY, 1898, 190, -100), "19 with their customers"
    serve_exchange(SYSTEM, [one.return_id])
    shipped(new.order)
    assert estimated() == replace(before, changed_minor=100)
    january = NOW + timedelta(days=60)
    observing = Policy(expected_by="observed", window_days=20, observed_months=3)
    assert cohort_queries.bases({COMPANY: observing}, {COMPANY: january})[COMPANY].percent == 0
    dearer = asked(other, 1, asked="exchange")
    exchange(ASKS, requests=[
        Exchange(dearer.return_id, dearer.lines[0], 1, house.codes[0], unit_price=Decimal(15), reason="dearer")
    ])  # fmt: skip
    came(dearer)
    assert estimated().liability_minor == 999, "something else for it is a return, and a sale"


def test_what_left_before_the_window_is_not_expected(house: Floor):
    sold(house, 10, (0, 1))
    estimated()
    assert estimated(occurred_at=NOW + timedelta(days=61)) == Estimated(COMPANY, 0, 0, -999)
    assert books() == (0, 0, 0, 0)


def test_what_is_asked_back_stays_owed_beyond_the_window_until_it_is_refunded(house: Floor):
    """In time, or late and taken all the same: and in the end nothing stands."""
    early, late, *_ = sold(house, 10, (0, 2))
    estimated()
    in_time = asked(early, 1)
    after = ARRIVED + timedelta(days=61)
    assert estimated(occurred_at=after) == Estimated(COMPANY, 999, 100, 999 - 1998)
    policy(expected_percent=Decimal(10), window_days=60, late="review")
    as_a_favor = asked(late, 2, occurred_at=after)
    whole(review(ASKS, requests=[Review(as_a_favor.return_id, accept=True)]))
    assert estimated(occurred_at=after) == Estimated(COMPANY, 2997, 300, 1998)
    assert books() == (-2997, 2997, 300, -300)
    measured = next(one for one in cohort_queries.measures(COMPANY) if one.stands)
    assert (measured.sold_minor, measured.asked_minor, measured.asked_cost_minor) == (0, 2997, 300)

    receipts = came(in_time)
    assert estimated(occurred_at=after).asset_minor == 200, "it is here"
    put(found(receipts))
    back(as_a_favor)
    whole(refund(ASKS, requests=[Refund(one.return_id) for one in (in_time, as_a_favor)]))
    later = after + timedelta(days=1)
    assert estimated(occurred_at=later) == Estimated(COMPANY, 0, 0, -2997)
    assert (books(), balance(4100)) == ((0, 0, 0, 0), 2997)


def test_a_month_that_is_measured_later_knows_what_was_owed_at_its_end(house: Floor):
    given_up, paid, *_ = sold(house, 10, (0, 2))
    one, other = asked(given_up, 2), asked(paid, 1)
    receipts = came(other)
    the_end = NOW + timedelta(days=61)
    owed = estimated(occurred_at=the_end)
    assert (owed.liability_minor, owed.asset_minor) == (2997, 200)
    since = Cause(ASKS.actor, the_end + timedelta(days=3))
    put(found(receipts))
    whole(close(since, requests=[Close(one.return_id, "never sent")]))
    whole(refund(since, requests=[Refund(other.return_id)]))
    serve_refund(since, [paid])
    states = sql.run("SELECT state FROM returns_return ORDER BY state")
    assert states == [("cancelled",), ("closed",)]
    assert estimated(occurred_at=the_end) == replace(owed, changed_minor=0)
    assert estimated(occurred_at=since.at) == Estimated(COMPANY, 0, 0, -2997)


def test_what_is_asked_back_is_owed_whatever_is_expected(house: Floor):
    order, *_ = sold(house, 10, (0, 1))
    policy(expected_percent=Decimal(0), window_days=60)
    asked(order, 1)
    after = NOW + timedelta(days=61)
    assert estimated(occurred_at=after) == Estimated(COMPANY, 999, 100, 999)
    outlook = cohort_queries.outlook(COMPANY, after)
    assert expecting.sums(outlook.measured) == (outlook.liability_minor, outlook.asset_minor) == (999, 100)


def test_a_line_that_left_in_two_months_comes_back_once(house: Floor):
    policy(expected_percent=Decimal(100), window_days=60)
    house.stock(1, 1)
    house.stock(1, 1, node=1)
    (order,) = placed(house, 1, (1, 2), payment=PaymentGiven("account", "an account", 9_999, NOW))
    november, december = packed(order)
    next_month = NOW + timedelta(days=10)
    sent = [ShipFulfillment(november, occurred_at=NOW), ShipFulfillment(december, occurred_at=next_month)]
    ship(SYSTEM, requests=sent)
    assert estimated(occurred_at=next_month) == Estimated(COMPANY, 1998, 200, 1998)

    one = asked(order, 1, occurred_at=next_month)
    back(one)
    refund(ASKS, requests=[Refund(one.return_id)])
    assert estimated(occurred_at=next_month) == Estimated(COMPANY, 999, 100, -999)


def sold_on(house: Floor, at: datetime, orders: int = 5) -> None:
    """Orders of 9.99 each that leave at a moment."""
    wanted = placed(house, orders, (0, 1), payment=PaymentGiven("account", "an account", 99_999, NOW))
    ship(SYSTEM, requests=[ShipFulfillment(one, occurred_at=at) for one in packed(*wanted)])


def books_as_of(at: datetime) -> tuple[int, int, int, int]:
    """Accounts 2310, 4110, 1220 and 5010 as they stood at a moment."""
    ((found),) = sql.run(
        "SELECT COALESCE(sum(functional_minor) FILTER (WHERE account = 2310), 0)::int,"
        " COALESCE(sum(functional_minor) FILTER (WHERE account = 4110), 0)::int,"
        " COALESCE(sum(functional_minor) FILTER (WHERE account = 1220), 0)::int,"
        " COALESCE(sum(functional_minor) FILTER (WHERE account = 5010), 0)::int"
        " FROM ledger_line WHERE occurred_at <= %(at)s",
        {"at": at},
    )
    return found  # type: ignore[return-value]


def test_a_month_that_is_measured_after_the_next_began_ends_with_what_was_expected_then(house: Floor):
    """invariant_20: a look of December comes before November is measured as of its end."""
    sold(house, 10, (0, 1))
    assert estimated().liability_minor == 999
    sold_on(house, NOVEMBER_ENDS - timedelta(days=1), 10)
    sold_on(house, NOVEMBER_ENDS + timedelta(hours=20), 5)
    look = NOVEMBER_ENDS + timedelta(days=1)
    assert estimated(occurred_at=look) == Estimated(COMPANY, 2498, 250, 1499)
    outlook = cohort_queries.outlook(COMPANY, NOVEMBER_ENDS)
    assert (outlook.liability_minor, outlook.asset_minor, outlook.since) == (999, 100, look)

    assert estimated(occurred_at=NOVEMBER_ENDS) == Estimated(COMPANY, 1998, 200, 999)

    assert books_as_of(NOVEMBER_ENDS) == (-1998, 1998, 200, -200)
    assert books_as_of(look) == books() == (-2498, 2498, 250, -250)
    assert cohorts() == [
        ("12", "11", 19980, 1998, 200, True), ("12", "12", 4995, 500, 50, True),
        ("11", "11", 19980, 1998, 200, False),
    ]  # fmt: skip
    documents = sql.run(
        "SELECT document_id, count(DISTINCT entry_id) FROM ledger_line WHERE event = 'return.expected' GROUP BY 1"
    )
    assert sorted(n for _, n in documents) == [1, 1, 2], "what is taken back names what it takes back"
    assert (
        estimated(occurred_at=look).changed_minor == estimated(occurred_at=NOVEMBER_ENDS).changed_minor == 0
    )


@pytest.mark.parametrize("order", list(permutations(range(4)))[::3])
def test_in_whatever_order_moments_are_measured_each_has_what_was_expected_then(
    house: Floor, order: tuple[int, ...]
):
    moments = [NOVEMBER_ENDS + timedelta(days=days) for days in (-5, 0, 9, 40)]
    for days in (-6, -2, 5, 30):
        sold_on(house, NOVEMBER_ENDS + timedelta(days=days))
    for which in order:
        estimated(occurred_at=moments[which])
    for which, at in enumerate(moments):
        expected = expecting.sums(cohort_queries.outlook(COMPANY, at).measured)
        assert expected[0] >= 499
        liability, revenue, asset, cost = books_as_of(at)
        assert (-liability, asset) == (revenue, -cost) == expected, which


def test_nothing_is_measured_whose_difference_can_not_be_taken_back(house: Floor):
    sold(house, 10, (0, 1))
    look = NOVEMBER_ENDS + timedelta(days=1)
    sold_on(house, look)
    estimated(occurred_at=look)
    january = Cause(SYSTEM.actor, NOVEMBER_ENDS + timedelta(days=40))
    close_month(january, requests=[CloseMonth(COMPANY, look.date().replace(day=1))])
    (refused,) = estimate(january, requests=[Estimate(COMPANY, NOVEMBER_ENDS)])
    assert refused == errors.MonthClosed(company=COMPANY, month="2026-12")
    assert books_as_of(NOVEMBER_ENDS) == (0, 0, 0, 0)
    close_month(january, requests=[CloseMonth(COMPANY, NOW.date().replace(day=1))])
    (refused,) = estimate(january, requests=[Estimate(COMPANY, NOVEMBER_ENDS)])
    assert refused == errors.MonthClosed(company=COMPANY, month="2026-11")
    assert books_as_of(look)[0] == books()[0] == -1499


def test_refusals_leave_everything_as_it_was(house: Floor):
    sold(house, 10, (0, 1))
    december = Cause(SYSTEM.actor, NOW + timedelta(days=10))
    close_month(december, requests=[CloseMonth(COMPANY, NOW.date().replace(day=1))])
    answers = estimate(SYSTEM, requests=[Estimate(99), Estimate(COMPANY)])
    assert answers[0] == NotFound(what="company", which="99")
    assert answers[1].code == "ledger.month_closed"
    assert sql.run("SELECT count(*) FROM kernel_event WHERE subject_kind = 'estimate'") == [(0,)]
    assert books() == (0, 0, 0, 0)


def test_the_same_company_twice_in_a_batch_is_estimated_once(house: Floor):
    sold(house, 10, (0, 1))
    answers = estimate(SYSTEM, requests=[Estimate(COMPANY), Estimate(COMPANY)])
    assert answers == [Estimated(COMPANY, 999, 100, 999), Estimated(COMPANY, 999, 100, 0)]
    assert books() == (-999, 999, 100, -100)


def noted() -> list[tuple[object, ...]]:
    return sql.run("SELECT as_of, recorded_at FROM ledger_measurement WHERE subject = 'returns'")


def test_nothing_is_measured_as_of_a_moment_to_come(house: Floor):
    """It would stand from then on: what is measured before has its difference taken back there."""
    sold(house, 10, (0, 1))
    to_come = NOW + timedelta(microseconds=1)
    answers = estimate(SYSTEM, requests=[Estimate(COMPANY, to_come), Estimate(COMPANY, NOW)])
    assert isinstance(answers[0], Invalid)
    assert answers[0].facts["field"] == "occurred_at"
    assert answers[1] == Estimated(COMPANY, 999, 100, 999)
    assert noted() == [(NOW, NOW)]
    (refused,) = estimate(SYSTEM, requests=[Estimate(COMPANY, datetime(2027, 6, 1, tzinfo=UTC))])
    assert isinstance(refused, Invalid)
    assert noted() == [(NOW, NOW)]


def test_a_company_is_measured_as_of_one_moment_in_a_batch(house: Floor):
    sold(house, 10, (0, 1))
    earlier = NOW - timedelta(seconds=1)
    wanted = [Estimate(COMPANY, earlier), Estimate(COMPANY), Estimate(COMPANY, earlier)]
    first, other, again = estimate(SYSTEM, requests=wanted)
    assert first == again == Estimated(COMPANY, 0, 0, 0), "nothing had been sold"
    assert isinstance(other, Invalid)
    assert noted() == [(earlier, NOW)]
    assert books() == (0, 0, 0, 0)


def test_a_closed_month_keeps_its_cohorts_where_the_sums_are_the_same(house: Floor):
    """Two months of sales that change by as much, one up and one down, make no entry; and were written over."""
    sold(house, 10, (0, 1))
    estimated()
    december = Cause(SYSTEM.actor, NOW + timedelta(days=10))
    close_month(december, requests=[CloseMonth(COMPANY, NOW.date().replace(day=1))])
    sql.run("UPDATE returns_cohort SET sold_minor = 1 RETURNING 1")
    before = (cohort_queries.measures(COMPANY), noted())
    (answer,) = estimate(december, requests=[Estimate(COMPANY, NOW)])
    assert answer == Estimated(COMPANY, 999, 100, 0)
    assert (cohort_queries.measures(COMPANY), noted()) == before


def test_a_key_gets_its_answer_again_and_none_for_other_content(house: Floor):
    sold(house, 10, (0, 1))
    first = estimate(SYSTEM, requests=[Estimate(COMPANY, key="k")])
    assert estimate(SYSTEM, requests=[Estimate(COMPANY, key="k")]) == first
    again = estimate(SYSTEM, requests=[Estimate(COMPANY, NOW, key="k")])
    assert again == [RequestReused(key="k", command="returns.estimate")]


def cohorts() -> list[tuple[object, ...]]:
    return [
        (
            f"{one.measured:%m}",
            f"{one.month:%m}",
            one.sold_minor,
            one.liability_minor,
            one.asset_minor,
            one.stands,
        )
        for one in cohort_queries.measures(COMPANY)
    ]


def test_each_month_of_sales_has_its_part_and_keeps_what_was_measured(house: Floor):
    """invariant_20"""
    sold(house, 10, (0, 1))
    estimated()
    assert cohorts() == [("11", "11", 9990, 999, 100, True)]
    december = NOW + timedelta(days=10)
    sold_later = placed(house, 5, (0, 1), payment=PaymentGiven("account", "an account", 99_999, NOW))
    ship(SYSTEM, requests=[ShipFulfillment(one, occurred_at=december) for one in packed(*sold_later)])
    assert estimated(occurred_at=december).liability_minor == 999 + 500
    assert cohorts() == [
        ("12", "11", 9990, 999, 100, True), ("12", "12", 4995, 500, 50, True), ("11", "11", 9990, 999, 100, False),
    ]  # fmt: skip
    policy(expected_percent=Decimal(0))
    assert estimated(occurred_at=december) == Estimated(COMPANY, 0, 0, -1499)
    assert not any(one[-1] for one in cohorts())


def test_by_what_was_observed_of_sales_whose_window_is_over(house: Floor):
    orders = sold(house, 10, (0, 1))
    policy(expected_percent=Decimal(7), expected_by="observed", window_days=20, observed_months=3)
    assert estimated().liability_minor == 699, "nothing is over yet: the policy's percentage"
    one = asked(orders[0], 1)
    back(one, grade="D", disposition="dispose")
    refund(ASKS, requests=[Refund(one.return_id)])
    january = NOW + timedelta(days=60)
    later = placed(house, 20, (0, 1), payment=PaymentGiven("account", "an account", 99_999, NOW))
    ship(SYSTEM, requests=[ShipFulfillment(which, occurred_at=january) for which in packed(*later)])
    found = cohort_queries.outlook(COMPANY, january)
    assert (found.basis.percent, found.basis.recovered, found.basis.cohorts) == (10, 0, 1)
    # A tenth came back, and was thrown away: what comes back is worth nothing.
    assert estimated(occurred_at=january) == Estimated(COMPANY, 1998, 0, 1998 - 699)
    assert books() == (-1998, 1998, 0, 0)
    what_if = cohort_queries.outlook(COMPANY, january, Decimal(50))
    assert (what_if.measured[0].liability, what_if.liability_minor) == (9990, 1998)


def test_what_recovering_costs_lowers_the_right_to_the_goods(house: Floor):
    """IFRS 15, B25: by the policy."""
    policy(expected_percent=Decimal(10), expected_recovery_percent=Decimal(60), window_days=60)
    sold(house, 10, (0, 1))
    assert estimated() == Estimated(COMPANY, 999, 60, 999)
    assert books() == (-999, 999, 60, -60)


@pytest.mark.parametrize(
    ("event", "document", "kind", "lost"),
    [
        ("stock.disposed", "disposal", "cost", 30),
        ("stock.donated", "disposal", "cost", 30),
        ("liquidation.sold", "departure", "cost", 30),
        ("vendor_return.shipped", "departure", "difference", -30),
        ("vendor_return.credited", "departure", "difference", -30),
        ("refurbishment.worked", "work_order", "expensed", 30),
        ("stock.work_used", "work_order", "cost", 30),
        ("shipping.accrued", "return_label", "carriage", 30),
    ],
)
def test_what_was_lost_of_goods_that_came_back_is_not_recovered(
    house: Floor, event: str, document: str, kind: str, lost: int
):
    orders = sold(house, 10, (0, 1))
    one = asked(orders[0], 1)
    back(one)
    policy(expected_by="observed", window_days=20, observed_months=3)
    january = NOW + timedelta(days=60)
    assert cohort_queries.outlook(COMPANY, january).basis.recovered == 100
    sale = Posting(COMPANY, "shipping.accrued", "shipment", ids.uuid7(), "GBP", (("carriage", 50),), NOW)
    loss = Posting(COMPANY, event, document, ids.uuid7(), "GBP", ((kind, lost),), NOW)
    with transaction.atomic():
        assert all(isinstance(answer, Posted) for answer in post(SYSTEM, requests=[sale, loss]))
        assert cohort_queries.outlook(COMPANY, january).basis.recovered == 70
        params = {"company": COMPANY, "rates_since": NOW - timedelta(days=1)}
        assert sql.run(profit_facts.RECOVERED, params) == [(100, 30)]
        transaction.set_rollback(True)


def test_what_comes_back_after_the_moment_is_not_counted(house: Floor):
    orders = sold(house, 10, (0, 1))
    one = asked(orders[0], 1)
    back(one)
    refund(ASKS, requests=[Refund(one.return_id)])
    earlier = NOW - timedelta(seconds=1)
    ((sold_then, _),) = [(row.sold, row) for row in cohort_queries.cohorts({COMPANY: (NOW, 60)})[COMPANY]]
    assert sold_then == 9990
    assert cohort_queries.cohorts({COMPANY: (earlier, 60)})[COMPANY] == []


@pytest.mark.counts("returns.estimate")
def test_statements_grow_neither_with_the_batch_nor_with_companies(house: Floor, statements):
    register_companies(SYSTEM, requests=[RegisterCompany(2, "other", "Other Ltd", "GBP", "GB")])
    counts = []
    for size, companies in ((1, 1), (10, 1), (MANY, 1), (20, 2)):
        sold(house, size, (0, 1))
        requests = [Estimate(1 + i % companies, key=f"{size}-{companies}-{i}") for i in range(size)]
        with statements() as ran:
            answers = estimate(SYSTEM, requests=requests)
        assert answers[0].changed_minor
        counts.append([text for text in ran.texts if "SAVEPOINT" not in text])
    assert [len(one) for one in counts] == [14] * 4
