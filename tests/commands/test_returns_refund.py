"""returns.refund"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from django.db import transaction

from entrepot.kernel import ids, policies, sql
from entrepot.kernel.errors import NotFound, RequestReused, WrongState
from entrepot.ledger import queries as ledger
from entrepot.orders.commands.cancel import CancelOrder, OrderCancelled
from entrepot.orders.commands.place import PromotionGiven
from entrepot.orders.promoting import PromotionPolicy, Promotions
from entrepot.parties.commands.register import register_customers
from entrepot.parties.rules import RegisterCustomer
from entrepot.payments import queries as payments
from entrepot.payments.commands.disputes import OpenDispute, open_disputes
from entrepot.payments.commands.follow_disputes import CloseDispute, close_disputes
from entrepot.payments.commands.refund import Refund as PaymentRefund
from entrepot.payments.commands.refund import refund as payments_refund
from entrepot.returns import errors, queries
from entrepot.returns.admission import Admission, Rule
from entrepot.returns.commands.approve import Approve, approve
from entrepot.returns.commands.authorize import Authorize, Authorized, Item, authorize
from entrepot.returns.commands.refund import Refund, Refunded, refund
from entrepot.returns.refunding import RefundPolicy
from entrepot.returns.tasks import serve_refund
from entrepot.settlement import invoice_queries
from entrepot.settlement.commands.issue_documents import IssueDocument, issue_documents
from entrepot.sourcing.commands.cancel import cancel
from entrepot.work import queries as work
from tests.back import APPROVES, ASKS, asked, asked_all, back, lines_of, no_consumers, policy, sold
from tests.floor import COMPANY, NOW, SYSTEM, Floor, balance
from tests.sizes import SIZES
from tests.walk import a_house, queued

pytestmark = pytest.mark.django_db

LATE = NOW + timedelta(days=40)


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 5000)
    house.stock(1, 5000)
    return house


def came_back(house: Floor, *units: int, reason: str = "changed_mind", **facts: Any) -> Authorized:
    """A return of all of an order with so many units of each line."""
    (order,) = sold(house, 1, *enumerate(units), **facts)
    one = asked(order, *units, reason=reason)
    back(one)
    return one


def refunded(one: Authorized, **facts: Any) -> Refunded:
    (answer,) = refund(ASKS, requests=[Refund(one.return_id, **facts)])
    assert isinstance(answer, Refunded), answer
    return answer


def kinds() -> dict[str, int]:
    return {kind: amount for kind, amount in ledger.sums_by_kind(company=COMPANY).items() if "return" in kind}


def test_what_was_paid_is_given_back_and_posted_by_its_parts(house: Floor):
    policy(fee_percent=10)
    no_consumers()
    one = came_back(house, 1, 1, tax_minor=100, shipping_minor=300, discount_minor=98)
    at = NOW + timedelta(days=2)

    answer = refunded(one, adjustment_minor=50, adjustment_reason="for the trouble", occurred_at=at)

    row = queries.refund(answer.refund)
    parts = (row.goods_minor, row.tax_minor, row.shipping_minor, row.fee_minor, row.adjustment_minor)
    assert parts == (1900, 100, 300, 190, 50)
    assert (row.number, row.state, row.total_minor) == (answer.number, "paid", 2160)
    assert (row.requested_by, row.requested_at, row.decided_at) == ("ann", at, at)
    assert row.reasons == ["all of the order came back, so all of its shipping", "a fee of 10 % is kept"]
    assert kinds() == {
        "return.goods": -1900, "return.tax": -100, "return.shipping": -300, "return.fee": 190,
        "return.adjustment": -50,
    }  # fmt: skip
    assert balance(2300) == 0, "owed, and paid at once on account"
    (payment,) = payments.of_order(row.order)
    assert payment.refunded_minor == 2160
    assert queries.return_(one.return_id).state == "closed"


def test_units_are_due_from_the_milestone_of_the_policy_on(house: Floor):
    policy(refund_at="received")
    (order,) = sold(house, 1, (0, 3))
    one = asked(order, 3)
    (early,) = refund(ASKS, requests=[Refund(one.return_id)])
    assert early == errors.NothingToRefund(number=one.number, refunded=0, due=0, milestone="received")
    back(one, 2)
    assert refunded(one).total_minor == 2 * 999
    named = refunded(one, lines=((one.lines[0], 1),))
    assert named.total_minor == 999, "a person may refund what has not come"


def test_above_the_limit_it_waits_for_another_person(house: Floor):
    policy(approve_above_minor=998)
    one = came_back(house, 1)
    answer = refunded(one)
    assert (answer.state, kinds(), balance(2300)) == ("waiting", {}, 0)
    (item,) = work.items(COMPANY, kind="refund to approve")
    assert (item.subject, item.role, item.facts["total_minor"]) == (answer.refund, "controller", 999)
    assert queries.return_(one.return_id).state == "disposed"


def test_what_the_law_gives_bears_no_fee_of_any_kind(house: Floor):
    """Within the days of withdrawal, as the customer was told, whatever the policies keep by now."""
    policy(fee_percent=10)
    refunds_policy(handling_minor=120)
    one = came_back(house, 1)
    policy(fee_percent=30)
    assert queries.refund(refunded(one).refund).fee_minor == 0


def test_the_fee_is_the_one_that_the_customer_was_told(house: Floor):
    policy(fee_percent=10)
    no_consumers()
    one = came_back(house, 1)
    policy(fee_percent=30)
    assert queries.refund(refunded(one).refund).fee_minor == 100


def test_a_fee_of_everything_refunds_nothing_and_is_paid(house: Floor):
    policy(fee_percent=100)
    no_consumers()
    one = came_back(house, 1)
    answer = refunded(one)
    assert (answer.state, answer.total_minor) == ("paid", 0)
    assert queries.return_(one.return_id).state == "closed"


def test_refusals_leave_everything_as_it_was(house: Floor):
    one, other, unknown = came_back(house, 2), came_back(house, 1), ids.uuid7()
    late = asked(sold(house, 1, (0, 1))[0], 1, occurred_at=LATE)
    (line,), number = one.lines, one.number

    answers = refund(
        ASKS,
        requests=[
            Refund(unknown),
            Refund(late.return_id),
            Refund(one.return_id, adjustment_minor=-5),
            Refund(one.return_id, ((other.lines[0], 1),)),
            Refund(one.return_id, ((line, 0),)),
            Refund(one.return_id, ((line, 3),)),
            Refund(one.return_id, ((line, 1), (line, 2))),
            Refund(one.return_id, adjustment_minor=20_000, adjustment_reason="a gift"),
            Refund(one.return_id, adjustment_minor=-1999, adjustment_reason="none for him"),
        ],
    )

    assert answers[0] == NotFound(what="return", which=str(unknown))
    assert isinstance(answers[1], WrongState)
    assert answers[2:] == [
        errors.ReasonNeeded(step="an adjustment", why="it differs from what was paid"),
        NotFound(what=f"line in return {number}", which=str(other.lines[0])),
        errors.NotThatMuch(number=number, what="units", wanted=0, left=2),
        errors.NotThatMuch(number=number, what="units", wanted=3, left=2),
        errors.NotThatMuch(number=number, what="units", wanted=2, left=1),
        errors.NotThatMuch(number=number, what="money", wanted="219.98 GBP", left="19.98 GBP"),
        errors.NotThatMuch(number=number, what="money", wanted="-0.01 GBP", left="19.98 GBP"),
    ]
    assert queries.refunds_page(COMPANY) == []
    assert kinds() == {}


def test_never_more_than_was_captured_is_promised(house: Floor):
    """What waits for approval is spent."""
    policy(approve_above_minor=1_000)
    one = came_back(house, 2)
    first = refunded(one, lines=((one.lines[0], 1),), adjustment_minor=900, adjustment_reason="a gift")
    assert (first.state, first.total_minor) == ("waiting", 1899)
    (second,) = refund(ASKS, requests=[Refund(one.return_id)])
    assert second == errors.NotThatMuch(number=one.number, what="money", wanted="9.99 GBP", left="0.99 GBP")


def test_what_the_customer_was_told_is_given_back_and_the_difference_is_an_adjustment(house: Floor):
    one = came_back(house, 1)
    told = {"total_minor": 900, "adjustment_reason": "as told"}
    (unsaid,) = refund(ASKS, requests=[Refund(one.return_id, total_minor=900)])
    assert isinstance(unsaid, errors.ReasonNeeded)
    row = queries.refund(refunded(one, **told).refund)
    assert (row.total_minor, row.goods_minor, row.adjustment_minor) == (900, 999, -99)
    exactly = queries.refund(refunded(came_back(house, 1), total_minor=999).refund)
    assert (exactly.total_minor, exactly.adjustment_minor) == (999, 0)


def test_up_to_what_is_left_of_what_was_captured(house: Floor):
    one = came_back(house, 1)
    wanted = {"total_minor": 1_500, "adjustment_reason": "as told"}
    (refused,) = refund(ASKS, requests=[Refund(one.return_id, **wanted)])
    assert refused == errors.NotThatMuch(number=one.number, what="money", wanted="15.00 GBP", left="9.99 GBP")
    assert refunded(one, up_to=True, **wanted).total_minor == 999


def test_what_a_bank_claims_is_neither_refunded_nor_given_up(house: Floor):
    """4.00 of 9.99 are disputed: as long as that is open, nothing says who has them in the end."""
    one = came_back(house, 1)
    order = queries.return_(one.return_id).order
    (tender,) = payments.of_order(order)
    open_disputes(SYSTEM, requests=[OpenDispute(tender.id, "dp_1", 400)])
    for facts in ({}, {"up_to": True}):
        (refused,) = refund(ASKS, requests=[Refund(one.return_id, **facts)])
        assert refused == errors.UnderDispute(
            number=one.number, wanted="9.99 GBP", disputed="4.00 GBP", left="5.99 GBP"
        )
    within = refund(
        ASKS, requests=[Refund(one.return_id, total_minor=599, adjustment_reason="the rest is the bank's")]
    )
    assert [each.state for each in within] == ["paid"]

    other = came_back(house, 1)
    (tender,) = payments.of_order(queries.return_(other.return_id).order)
    (lost,) = open_disputes(SYSTEM, requests=[OpenDispute(tender.id, "dp_2", 400)])
    close_disputes(SYSTEM, requests=[CloseDispute(lost.dispute, won=False)])
    assert refunded(other, up_to=True).total_minor == 599, "the customer has the rest of his bank"


def test_a_dispute_is_the_cause_only_where_there_would_be_enough_without_it(house: Floor):
    one = came_back(house, 1, 1)
    (tender,) = payments.of_order(queries.return_(one.return_id).order)
    open_disputes(SYSTEM, requests=[OpenDispute(tender.id, "dp_1", 5)])
    (refused,) = refund(
        ASKS, requests=[Refund(one.return_id, total_minor=50_000, adjustment_reason="for the trouble")]
    )
    assert refused == errors.NotThatMuch(
        number=one.number, what="money", wanted="500.00 GBP", left="19.93 GBP"
    )
    (above,) = refund(ASKS, requests=[Refund(one.return_id, total_minor=50_000, up_to=True)])
    assert isinstance(above, errors.UnderDispute), "0.05 would be given up"

    # Other refunds that wait use up what is left, with or without what the bank claims.
    policy(approve_above_minor=0)
    (first, second) = one.lines
    assert (
        refunded(one, lines=((first, 1),), total_minor=1_993, adjustment_reason="for the trouble").state
        == "waiting"
    )
    (refused,) = refund(ASKS, requests=[Refund(one.return_id, lines=((second, 1),))])
    assert isinstance(refused, errors.NotThatMuch)


def test_what_was_given_back_past_the_return_is_not_given_back_again(house: Floor):
    one = came_back(house, 1)
    order = queries.return_(one.return_id).order
    payments_refund(SYSTEM, requests=[PaymentRefund(order, 600)])
    (refused,) = refund(ASKS, requests=[Refund(one.return_id)])
    assert refused == errors.NotThatMuch(number=one.number, what="money", wanted="9.99 GBP", left="3.99 GBP")
    row = queries.refund(refunded(one, up_to=True).refund)
    assert (row.total_minor, row.adjustment_minor) == (399, -600)
    assert row.adjustment_reason == "no more was left of what was captured"


def test_the_same_order_several_times_in_a_batch(house: Floor):
    (order,) = sold(house, 1, (0, 3), shipping_minor=100, tax_minor=50)
    returns = [asked(order, 1) for _ in range(3)]
    for one in returns:
        back(one)
    answers = refund(ASKS, requests=[Refund(one.return_id) for one in (*returns, returns[0])])
    assert [isinstance(answer, Refunded) for answer in answers] == [True, True, True, False]
    assert isinstance(answers[3], errors.NothingToRefund)
    assert [answer.total_minor for answer in answers[:3]] == [1016, 1016, 1115]


def test_a_key_gets_its_answer_again_and_none_for_other_content(house: Floor):
    one = came_back(house, 2)
    lines = ((one.lines[0], 1),)
    first = refund(ASKS, requests=[Refund(one.return_id, lines, key="k")])
    assert refund(ASKS, requests=[Refund(one.return_id, lines, key="k")]) == first
    again = refund(ASKS, requests=[Refund(one.return_id, key="k")])
    assert again == [RequestReused(key="k", command="returns.refund")]
    assert queries.return_(one.return_id).refunded_minor == 999


def test_statements_do_not_grow_with_the_batch(house: Floor, statements):
    policy(refund_at="authorized", approve_above_minor=1500)
    counts = []
    for size in SIZES:
        small, large = (asked_all(sold(house, size, (0, 2), tax_minor=17), n) for n in (1, 2))
        requests = [Refund(one.return_id, key=str(one.return_id)) for one in (*small, *large)]
        with statements() as ran:
            answers = refund(ASKS, requests=requests)
        assert [one.state for one in answers] == ["paid"] * size + ["waiting"] * size
        counts.append([text for text in ran.texts if "SAVEPOINT" not in text])
    assert [len(one) for one in counts] == [34] * 3


def test_the_limit_holds_for_a_return_and_not_for_each_of_its_refunds(house: Floor):
    """Units that are put away one by one are refunded one by one: above the limit another person agrees as well."""
    policy(approve_above_minor=2_000)
    (order,) = sold(house, 1, (0, 4))
    one = asked(order, 4)
    states = []
    for _ in range(4):
        back(one, 1)
        states.append(refunded(one).state)
    assert states == ["paid", "paid", "waiting", "waiting"], "9.99 each"
    waits = queries.refunds_page(COMPANY, state="waiting")
    assert {(row.approve_above_minor, row.before_minor) for row in waits} == {(2_000, 1_998)}
    (item, _) = work.items(COMPANY, kind="refund to approve")
    assert item.reason.endswith(": with the 19.98 GBP refunded before, it is above 20.00 GBP.")
    (other,) = sold(house, 1, (0, 1))
    two = asked(other, 1)
    back(two)
    assert refunded(two).state == "paid", "of another return nothing was given yet"


def test_by_every_path_the_database_holds_to_the_limit_of_the_return(house: Floor):
    """Each by itself is within it."""
    policy(approve_above_minor=1_500)
    (order,) = sold(house, 1, (0, 3))
    one = asked(order, 3)
    back(one)
    answers = [refund(ASKS, requests=[Refund(one.return_id, ((one.lines[0], 1),))])[0] for _ in range(2)]
    assert [each.state for each in answers] == ["paid", "waiting"]
    paid, waits = (each.refund for each in answers)
    add = (
        "INSERT INTO returns_refund SELECT (jsonb_populate_record(f, jsonb_build_object("
        " 'id', gen_random_uuid(), 'number', 'RF-X'))).* FROM returns_refund AS f WHERE f.id = %(id)s::uuid RETURNING 1"
    )
    give = "UPDATE returns_refund SET state = 'paid' WHERE id = %(id)s::uuid RETURNING 1"
    for statement, which in ((give, waits), (add, paid)):
        with pytest.raises(psycopg.errors.CheckViolation) as refused, transaction.atomic():
            sql.run(statement, {"id": which})
        assert refused.value.diag.constraint_name == "returns_refund_limit_of_the_return"

    policy(approve_above_minor=500)
    (third,) = refund(ASKS, requests=[Refund(one.return_id, ((one.lines[0], 1),))])
    assert third.state == "waiting", "what was given within the limit of then stays"
    assert sql.run(give, {"id": paid}) == [(1,)]
    decided = approve(APPROVES, requests=[Approve(waits), Approve(third.refund)])
    assert [each.state for each in decided] == ["paid", "paid"]


def refunds_policy(**facts: Any) -> None:
    """Set the policy of what is kept and given back."""
    kept = policies.SetPolicy(COMPANY, "returns.refunds", RefundPolicy(**facts), NOW - timedelta(days=1))
    (answer,) = policies.set_policy(SYSTEM, requests=[kept])
    assert isinstance(answer, policies.PolicySet), answer


def test_fees_with_their_tax_and_a_lost_promotion_are_kept_posted_and_explained(house: Floor):
    policy(fee_percent=10)
    no_consumers()
    refunds_policy(
        handling_minor=120,
        fee_tax_percent=Decimal(20),
        broken_promotions="clawback",
        thresholds={"TWO": 1_500},
    )
    facts = {"discount_minor": 400, "tax_minor": 200, "promotions": (PromotionGiven("TWO", 400),)}
    (order,) = sold(house, 1, (0, 1), (1, 1), **facts)
    one = asked(order, 1)
    back(one)

    row = queries.refund(refunded(one).refund)

    parts = (row.goods_minor, row.tax_minor, row.fee_minor, row.fee_tax_minor, row.flat_fee_minor)
    assert parts == (799, 100, 200, 33, 120)
    assert (row.clawback_minor, row.clawback_tax_minor, row.total_minor) == (225, 25, 799 + 100 - 200 - 225)
    assert kinds() == {
        "return.goods": -799, "return.tax": -100, "return.fee": 167, "return.fee_tax": 33, "return.clawback": 200,
        "return.clawback_tax": 25,
    }  # fmt: skip
    assert [(step["what"], step["minor"]) for step in row.steps] == [
        ("goods", 799), ("tax", 100), ("promotion", -225), ("fee", -80), ("fee", -120),
    ]  # fmt: skip

    issue_documents(SYSTEM, requests=[IssueDocument(row.id)])
    (note,) = invoice_queries.documents(COMPANY, kind="credit_note")
    assert (note.net_minor, note.tax_minor) == (799 - 167 - 200, 100 - 33 - 25), "the tax of the books"
    assert {one.description for one in invoice_queries.lines(note.id)} >= {"Return fee", "Promotion lost"}

    rest = asked(order, 0, 1)
    back(rest)
    last = queries.refund(refunded(rest).refund)
    assert (last.clawback_minor, last.clawback_tax_minor) == (-225, -25), "nothing is kept that bears it"
    assert last.total_minor == 799 + 100 - 200 + 225


def promotions_policy(days_ago: int, **facts: Any) -> None:
    body = Promotions({"BOGO": PromotionPolicy(**facts)})
    kept = policies.SetPolicy(COMPANY, "orders.promotions", body, NOW - timedelta(days=days_ago))
    (answer,) = policies.set_policy(SYSTEM, requests=[kept])
    assert isinstance(answer, policies.PolicySet), answer


def test_a_promotion_is_lost_by_what_it_was_given_for_when_the_order_was_placed_and_by_nothing_else(
    house: Floor,
):
    no_consumers()
    two = {"least_units": 2, "skus": (house.codes[0],), "each_time": True}
    promotions_policy(2, given_for="quantity", when_broken="clawback", **two)
    promotion = (PromotionGiven("BOGO", 1_000),)
    (order,) = sold(house, 1, (0, 2), (1, 1), discount_minor=1_000, promotions=promotion)
    promotions_policy(
        1, given_for="quantity", when_broken="keep", **two
    )  # for orders that are placed from now on

    other = asked(order, 0, 1)
    back(other)
    assert queries.refund(refunded(other).refund).clawback_minor == 0, "both of the pair are kept"
    one = asked(order, 1)
    back(one)
    row = queries.refund(refunded(one).refund)
    assert row.clawback_minor > 0
    assert "BOGO" in row.steps[-1]["why"]
    rest = asked(order, 1)
    back(rest)
    assert queries.refund(refunded(rest).refund).clawback_minor == -row.clawback_minor


def test_customers_of_some_tiers_pay_no_fee(house: Floor):
    policy(fee_percent=10)
    no_consumers("gold")
    refunds_policy(waived_tiers=("gold",), handling_minor=100)
    register_customers(SYSTEM, requests=[RegisterCustomer(COMPANY, "C-GOLD", tier="gold")])
    one = came_back(house, 1, customer="C-GOLD")
    assert queries.refund(refunded(one).refund).fee_minor == 0
    other = came_back(house, 1)
    assert queries.refund(refunded(other).refund).fee_minor == 200


def test_invariant_4_shipping_is_given_back_when_the_rest_of_the_order_is_cancelled(house: Floor):
    policy(approve_above_minor=None)
    (order,) = sold(house, 1, (0, 1), (2, 1), policy="partial_backorder", shipping_minor=301)
    one = asked(order, 1)
    back(one)
    assert refunded(one).total_minor == 999
    assert queries.shipping_left([order]) == []

    (answer,) = cancel(SYSTEM, requests=[CancelOrder(order, "no more", ((lines_of(order)[1], 1),))])
    assert isinstance(answer, OrderCancelled), answer
    assert queued("refund") == [order]
    serve_refund(SYSTEM, [order])
    serve_refund(SYSTEM, [order])

    (payment,) = payments.of_order(order)
    assert payment.refunded_minor == payment.captured_minor == 999 + 151, "all of it, once"
    rest = queries.refunds_page(COMPANY)[0]
    assert (rest.goods_minor, rest.shipping_minor, rest.total_minor) == (0, 151, 151)
    assert rest.steps == [{"what": "shipping", "minor": 151, "why": "because all of the order came back"}]


def test_two_items_of_one_order_line_bear_each_the_fee_that_was_told_for_it(house: Floor):
    """Opened and sealed ones of one line, in one return: each on its own terms, together or one after the other."""
    opened = Rule("opened", conditions=("opened",), fee_percent=20, label=True)
    body = Admission((opened,), business_tiers=("",))
    kept = policies.SetPolicy(COMPANY, "returns.authorization", body, NOW - timedelta(days=1))
    policies.set_policy(SYSTEM, requests=[kept])
    refunds_policy(handling_minor=100, label_minor=50)
    policy(refund_at="authorized")
    for units in (((0, 1), (1, 1)), ((0, 1),), ((1, 1),)):
        (order,) = sold(house, 1, (0, 2))
        line = lines_of(order)[0]
        items = (Item(line, 1, "changed_mind", condition="opened"), Item(line, 1, "changed_mind"))
        (one,) = authorize(ASKS, requests=[Authorize(order, items)])
        assert isinstance(one, Authorized), one
        first = refunded(one, lines=tuple((one.lines[item], n) for item, n in units))
        if len(units) == 1:
            refunded(one)
        sums = "SELECT sum(fee_minor)::int, sum(flat_fee_minor)::int FROM returns_refund WHERE order_id = %(order)s"
        assert sql.run(sums, {"order": order}) == [(200 + 150, 150)]
        if units == ((1, 1),):
            assert queries.refund(first.refund).fee_minor == 100, (
                "handling alone: no label was promised for it"
            )
