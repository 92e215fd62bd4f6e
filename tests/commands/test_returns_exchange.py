"""returns.exchange, returns.settle_exchanges, returns.withdraw_exchanges"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import transaction

from entrepot.access.errors import DutiesApart
from entrepot.catalog.commands.register import RegisterSku, register_skus
from entrepot.kernel import ids, policies, ready, sql
from entrepot.kernel.command import whole
from entrepot.kernel.errors import AllOrNothing, Invalid, NotFound, WrongState
from entrepot.ledger import queries as ledger
from entrepot.orders import queries as orders
from entrepot.orders.commands.cancel import CancelOrder, foresee
from entrepot.orders.commands.place import PaymentGiven
from entrepot.orders.commands.split import SplitOrder, split
from entrepot.orders.commands.take_payment import TakePayment, take_payment
from entrepot.payments import queries as payments
from entrepot.payments.commands.capture import Capture, capture
from entrepot.payments.commands.disputes import OpenDispute, open_disputes
from entrepot.payments.commands.follow_disputes import CloseDispute, close_disputes
from entrepot.payments.commands.refund import Refund as RefundPayment
from entrepot.payments.commands.refund import refund as refund_payment
from entrepot.returns import errors, exchange_queries, queries
from entrepot.returns.commands.approve import Approve, approve
from entrepot.returns.commands.authorize import Authorized
from entrepot.returns.commands.close import Close, Closed, close
from entrepot.returns.commands.exchange import Exchange, Exchanged, exchange
from entrepot.returns.commands.give_back import GiveBack, give_back
from entrepot.returns.commands.refund import Refund, Refunded, refund
from entrepot.returns.commands.settle_exchanges import ExchangeSettled, SettleExchange, settle_exchanges
from entrepot.returns.commands.withdraw_exchanges import (
    ExchangeWithdrawn,
    WithdrawExchange,
    withdraw_exchanges,
)
from entrepot.returns.rules import ExchangePolicy
from entrepot.returns.tasks import look_at_exchanges, serve_end_exchange, serve_exchange, serve_replacement
from entrepot.sourcing.commands.cancel import cancel
from entrepot.work import queries as work
from tests.back import APPROVES, ASKS, asked, back, came, lines_of, policy, sold
from tests.floor import COMPANY, NOW, SYSTEM, Floor, balance, someone
from tests.walk import a_house, queued, shipped

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    """Three SKUs: the first two cost 9.99, the third 14.99."""
    house = a_house()
    prices = ("9.99", "9.99", "14.99")
    register_skus(SYSTEM, requests=[
        RegisterSku(COMPANY, code, code, list_price=Decimal(price), weight_g=200)
        for code, price in zip(house.codes, prices, strict=True)
    ])  # fmt: skip
    for sku in range(3):
        house.stock(sku, 3000)
    return house


def exchanges(**facts: Any) -> None:
    body = replace(ExchangePolicy(), **facts)
    kept = policies.SetPolicy(COMPANY, "returns.exchanges", body, NOW - timedelta(days=1))
    policies.set_policy(SYSTEM, requests=[kept])


def wanted(house: Floor, *units: int, **facts: Any) -> Authorized:
    """A return of so many units of each line of an order, to be exchanged."""
    (order,) = sold(house, 1, *((i, n) for i, n in enumerate(units)), **facts)
    return asked(order, *units, asked="exchange")


def exchanged(
    house: Floor, one: Authorized, sku: int = 1, units: int = 1, line: int = 0, **facts: Any
) -> Exchanged:
    (answer,) = exchange(
        ASKS, requests=[Exchange(one.return_id, one.lines[line], units, house.codes[sku], **facts)]
    )
    assert isinstance(answer, Exchanged), answer
    return answer


def settled(one: Exchanged) -> ExchangeSettled:
    (answer,) = settle_exchanges(SYSTEM, requests=[SettleExchange(one.refund)])
    assert isinstance(answer, ExchangeSettled), answer
    return answer


def tenders(order: Any) -> list[tuple[int, int]]:
    return [(one.captured_minor, one.refunded_minor) for one in payments.of_order(order)]


def sales() -> dict[str, int]:
    found = ledger.sums_by_kind(company=COMPANY)
    return {kind: amount for kind, amount in found.items() if amount}


def test_an_even_exchange_keeps_the_price_as_sold_and_leaves_no_return_in_the_books(house: Floor):
    one = wanted(house, 2, discount_minor=199, tax_minor=333, shipping_minor=501)
    sold_ = sales()
    order = queries.return_(one.return_id).order

    new = exchanged(house, one, units=2)

    assert (new.worth_minor, new.costs_minor, new.even) == (2633, 2633, True)
    view = orders.order(new.order)
    assert (view.status, view.head.demand if hasattr(view, "head") else "exchange") == (
        "payment hold",
        "exchange",
    )
    assert queued("allocate") == [new.order], "reserved at once"
    assert tenders(new.order) == []
    assert queries.refund(new.refund).state == "agreed"
    came(one)
    assert queued("exchange") == [one.return_id]
    serve_exchange(SYSTEM, [one.return_id])
    row = queries.refund(new.refund)
    assert (row.state, row.outcome, row.applied_minor) == ("paid", "exchange", 2633)
    assert orders.order(new.order).status == "ready"
    assert tenders(order) == [(0, 0)]
    assert tenders(new.order) == [(2633, 0)]
    shipped(new.order)
    assert not work.items(COMPANY, kind="not paid")
    after = sales()
    assert {k: v for k, v in after.items() if k.startswith("return.")} == {
        "return.exchanged": -1799, "return.tax": -333, "return.shipping": -501,
    }  # fmt: skip
    net = sum(after.values())
    assert net == sum(sold_.values()), "the house earned nothing by it, and lost nothing"
    assert (balance(2100), balance(2300), balance(4100)) == (0, 0, 0)


def test_something_dearer_waits_for_the_difference_and_something_cheaper_gives_it_back(house: Floor):
    one = wanted(house, 1, 1, 1)
    (dear,) = exchange(ASKS, requests=[Exchange(one.return_id, one.lines[0], 1, house.codes[2])])
    assert (dear.worth_minor, dear.costs_minor, dear.even) == (999, 1499, False)
    cheap = exchanged(house, one, 0, line=1, unit_price=Decimal("4.00"), reason="a scratch")
    assert (cheap.worth_minor, cheap.costs_minor) == (999, 400)
    came(one)

    first, second = settled(dear), settled(cheap)

    assert (first.applied_minor, first.back_minor) == (999, 0)
    assert orders.order(dear.order).status == "payment hold"
    paid = PaymentGiven("account", "the difference", 500, NOW)
    (answer,) = take_payment(SYSTEM, requests=[TakePayment(dear.order, paid)])
    assert answer.status == "ready"
    assert (second.applied_minor, second.back_minor, second.state) == (400, 599, "paid")
    shipped(dear.order, cheap.order)
    assert tenders(dear.order) == [(999, 0), (500, 0)]
    assert (balance(2100), balance(2300)) == (0, 0)
    assert sales()["return.goods"] == -2 * 999


def test_what_was_exchanged_and_comes_back_gives_no_more_than_was_paid(house: Floor):
    """Twice exchanged, then refunded: the card gets what it paid, and no more."""
    policy(approve_above_minor=None)
    one = wanted(house, 1, tax_minor=100, shipping_minor=250)
    first = queries.return_(one.return_id).order
    new = exchanged(house, one)
    back(one)
    settled(new)
    shipped(new.order)
    again = asked(new.order, 1, asked="exchange")
    newer = exchanged(house, again, 0)
    back(again)
    settled(newer)
    shipped(newer.order)
    last = asked(newer.order, 1)
    back(last)

    (answer,) = refund(ASKS, requests=[Refund(last.return_id)])

    assert isinstance(answer, Refunded)
    assert answer.total_minor == 999 + 100 + 250
    assert [tenders(order) for order in (first, new.order, newer.order)] == [
        [(0, 0)],
        [(0, 0)],
        [(1349, 1349)],
    ]
    assert sum(v for k, v in sales().items()) == 0
    assert (balance(2100), balance(2300)) == (0, 0)
    for which in (one, again, last):
        assert queries.return_(which.return_id).state == "closed"


def test_replacements_are_placed_when_they_are_sent_where_the_policy_does_not_reserve(house: Floor):
    exchanges(reserve=False, send_at="disposed")
    one = wanted(house, 2)
    new = exchanged(house, one, units=2)
    assert (new.order, queued("allocate")) == (None, [])
    came(one, 1)
    (early,) = settle_exchanges(SYSTEM, requests=[SettleExchange(new.refund)])
    assert early == errors.NotDueYet(number=new.number, units=2, milestone="disposed", reached=0)
    back(one, 1)
    (early,) = settle_exchanges(SYSTEM, requests=[SettleExchange(new.refund)])
    assert isinstance(early, errors.NotDueYet)


def test_a_unit_that_came_is_for_one_exchange(house: Floor):
    one = wanted(house, 2)
    first, second = exchanged(house, one), exchanged(house, one, 2)
    came(one, 1)
    serve_exchange(SYSTEM, [one.return_id])
    assert {row.refund: row.state for row in exchange_queries.of_return(one.return_id)} == {
        first.refund: "settled", second.refund: "agreed",
    }  # fmt: skip


def test_an_exchange_that_is_given_up_cancels_its_order_and_frees_units_and_money(house: Floor):
    one = wanted(house, 1)
    new = exchanged(house, one)
    (answer,) = withdraw_exchanges(ASKS, requests=[WithdrawExchange(new.refund, "changed her mind")])
    assert answer == ExchangeWithdrawn(new.refund, new.order)
    assert orders.order(new.order).status == "cancelled"
    assert queries.refund(new.refund).state == "rejected"
    again = exchanged(house, one, 2)
    back(one)
    assert settled(again).applied_minor == 999


def looked(days: float) -> None:
    cause = replace(SYSTEM, at=NOW + timedelta(days=days))
    look_at_exchanges(cause)
    serve_end_exchange(cause, ready.claim("end_exchange", 9))


def test_what_does_not_come_in_time_is_not_exchanged(house: Floor):
    one = wanted(house, 1)
    new = exchanged(house, one)
    looked(29)
    assert queries.refund(new.refund).state == "agreed"
    looked(31)
    assert queries.refund(new.refund).state == "rejected"
    assert orders.order(new.order).status == "cancelled"
    (answer,) = close(ASKS, requests=[Close(one.return_id, "it never came")])
    assert answer == Closed(one.return_id, "cancelled")


def test_where_the_replacement_was_cancelled_it_is_a_refund_and_needs_another_person_above_the_limit(
    house: Floor,
):
    policy(approve_above_minor=1500)
    one, other = wanted(house, 2), wanted(house, 1)
    much, little = exchanged(house, one, units=2), exchanged(house, other)
    cancel(SYSTEM, requests=[CancelOrder(each.order, "no longer made") for each in (much, little)])
    back(one)
    back(other)
    assert (settled(much).state, settled(little).state) == ("waiting", "paid")
    row = queries.refund(much.refund)
    assert (row.outcome, row.applied_minor, row.approve_above_minor) == ("money", 0, 1500)
    assert [item.subject for item in work.items(COMPANY, kind="refund to approve")] == [much.refund]
    assert sales()["return.goods"] == -999


def test_what_a_replacement_cancelled_in_part_leaves_is_not_given_above_the_limit(house: Floor):
    """Three of four that were to be sent are cancelled: 29.97 would go back past whoever agrees above 15.00."""
    policy(approve_above_minor=1_500)
    one, other = wanted(house, 4), wanted(house, 2)
    much, little = exchanged(house, one, units=4), exchanged(house, other, units=2)
    for each, units in ((much, 3), (little, 1)):
        cancel(SYSTEM, requests=[CancelOrder(each.order, "fewer", lines=((lines_of(each.order)[0], units),))])
    came(one)
    came(other)

    answers = settle_exchanges(SYSTEM, requests=[SettleExchange(each.refund) for each in (much, little)])
    refused, settled_ = answers
    assert isinstance(refused, errors.TooMuchBack) and "29.97 GBP" in refused.message
    assert (settled_.state, settled_.back_minor) == ("paid", 999)
    (item,) = work.items(COMPANY, kind="exchange to decide")
    assert item.subject == one.return_id and "29.97 GBP would go back" in item.reason
    assert sales().get("return.goods", 0) == 0, (
        "an even exchange is no return, and of the other nothing went back"
    )

    withdraw_exchanges(ASKS, requests=[WithdrawExchange(much.refund, "one is enough")])
    assert not work.items(COMPANY, kind="exchange to decide")
    (paid,) = refund(ASKS, requests=[Refund(one.return_id, ((one.lines[0], 4),))])
    assert paid.state == "waiting", "as any refund above the limit"


def test_what_exchanges_give_back_counts_for_the_limit_of_their_return(house: Floor):
    """What costs 5.00 less gives that back; a refund of 9.99 with it is above 14.00."""
    policy(approve_above_minor=1_400)
    one = wanted(house, 4)
    less = {"unit_price": Decimal("4.99"), "reason": "as told"}
    first, second = (exchanged(house, one, **less) for _ in range(2))
    came(one)
    assert settled(first).back_minor == 500
    cancel(SYSTEM, requests=[CancelOrder(second.order, "no longer made")])
    (gift,) = exchange(
        ASKS, requests=[Exchange(one.return_id, one.lines[0], 1, house.codes[1], Decimal(0), "a gift")]
    )
    assert isinstance(gift, errors.NotExchangeable), "5.00, 5.00 and 9.99"
    assert settled(second).state == "waiting", "5.00 and 9.99"
    assert queries.refund(second.refund).before_minor == 500
    exchanged(house, one, **less)
    (paid,) = refund(ASKS, requests=[Refund(one.return_id, ((one.lines[0], 1),))])
    assert paid.state == "waiting", "5.00, 5.00 and 9.99"
    both = wanted(house, 2)
    fourth, fifth = exchanged(house, both), exchanged(house, both)
    cancel(SYSTEM, requests=[CancelOrder(each.order, "no longer made") for each in (fourth, fifth)])
    came(both)
    answers = settle_exchanges(SYSTEM, requests=[SettleExchange(each.refund) for each in (fourth, fifth)])
    assert [each.state for each in answers] == ["paid", "waiting"], "9.99 and 9.99"


def test_exchanges_of_a_return_that_settle_together_are_held_to_its_limit_together(house: Floor):
    """9.99 of a replacement that was cancelled and the 5.00 that the other costs less are above 14.00."""
    policy(approve_above_minor=1_400)
    for later in (False, True):
        one = wanted(house, 2)
        gone = exchanged(house, one)
        less = exchanged(house, one, unit_price=Decimal("4.99"), reason="as told")
        cancel(SYSTEM, requests=[CancelOrder(gone.order, "no longer made")])
        came(one)
        both = [less, gone] if later else [gone, less]
        answers = settle_exchanges(SYSTEM, requests=[SettleExchange(each.refund) for each in both])
        states = {answer.refund: (answer.state, answer.back_minor) for answer in answers}
        assert states == {gone.refund: ("waiting", 999), less.refund: ("paid", 500)}
        assert queries.refund(gone.refund).before_minor == 500
        assert gone.refund in {item.subject for item in work.items(COMPANY, kind="refund to approve")}


def test_by_every_path_the_database_counts_what_exchanges_give_back(house: Floor):
    """The replacement of one is made cheaper past the command: with the refund it is above the limit."""
    policy(approve_above_minor=1_400)
    one = wanted(house, 2)
    new = exchanged(house, one)
    came(one)
    (paid,) = refund(ASKS, requests=[Refund(one.return_id, ((one.lines[0], 1),))])
    assert paid.state == "paid"
    cheaper = "UPDATE returns_exchange SET total_minor = %(minor)s WHERE refund_id = %(id)s RETURNING 1"
    with pytest.raises(psycopg.errors.CheckViolation) as refused, transaction.atomic():
        sql.run(cheaper, {"id": new.refund, "minor": 500})
    assert refused.value.diag.constraint_name == "returns_refund_limit_of_the_return"
    with transaction.atomic():
        assert sql.run(cheaper, {"id": new.refund, "minor": 999 - 401}) == [(1,)], "9.99 and 4.01"
        transaction.set_rollback(True)
    states = "UPDATE returns_exchange SET state = %(state)s, settled_at = now() WHERE refund_id = %(id)s RETURNING 1"
    with pytest.raises(psycopg.errors.CheckViolation) as refused, transaction.atomic():
        sql.run(states, {"id": new.refund, "state": "settled"})
    assert refused.value.diag.constraint_name == "returns_refund_limit_of_the_return", (
        "nothing is applied yet"
    )
    assert settled(new).back_minor == 0
    applies = "UPDATE returns_refund SET applied_minor = %(minor)s WHERE id = %(id)s RETURNING 1"
    with pytest.raises(psycopg.errors.CheckViolation) as refused, transaction.atomic():
        sql.run(applies, {"id": new.refund, "minor": 999 - 402})
    assert refused.value.diag.constraint_name == "returns_refund_limit_of_the_return"
    with transaction.atomic():
        assert sql.run(applies, {"id": new.refund, "minor": 999 - 401}) == [(1,)]
        transaction.set_rollback(True)


def test_more_that_a_replacement_gives_back_is_held_to_the_limit_of_now(house: Floor):
    """Of two units one is cancelled: 9.99 is above the limit of when it was agreed, and below that of now."""
    policy(approve_above_minor=500)
    one = wanted(house, 2)
    new = exchanged(house, one, units=2)
    cancel(SYSTEM, requests=[CancelOrder(new.order, "one", lines=((lines_of(new.order)[0], 1),))])
    came(one)
    policy(approve_above_minor=1_000)
    assert (settled(new).state, settled_of(new)) == ("paid", (999, 1_000))


def test_an_exchange_that_settles_after_all_is_not_to_be_decided_any_more(house: Floor):
    policy(approve_above_minor=500)
    one = wanted(house, 2)
    new = exchanged(house, one, units=2)
    cancel(SYSTEM, requests=[CancelOrder(new.order, "one", lines=((lines_of(new.order)[0], 1),))])
    came(one)
    (refused,) = settle_exchanges(SYSTEM, requests=[SettleExchange(new.refund)])
    assert isinstance(refused, errors.TooMuchBack)
    assert [item.subject for item in work.items(COMPANY, kind="exchange to decide")] == [one.return_id]

    policy(approve_above_minor=1_000)
    assert settled(new).state == "paid"
    assert not work.items(COMPANY, kind="exchange to decide")


def replaced(house: Floor, units: int, *, in_hand: bool = True, **facts: Any) -> tuple[Authorized, Exchanged]:
    """An even exchange of units at 9.99 that is settled, its replacement ready; not `in_hand`: before goods came."""
    if not in_hand:
        exchanges(send_at="authorized")
    one = wanted(house, units, **facts)
    new = exchanged(house, one, units=units)
    if in_hand:
        came(one)
    assert settled(new).state == "paid"
    return one, new


def test_what_paid_for_a_cancelled_replacement_goes_back_within_the_limit_of_its_return(house: Floor):
    """Two of three are cancelled, then the third: 19.98 goes back at once, 9.99 more is above 25.00."""
    policy(approve_above_minor=2_500)
    _, new = replaced(house, 3, in_hand=False)
    line = lines_of(new.order)[0]
    before = balance(1100)
    (gone,) = cancel(SYSTEM, requests=[CancelOrder(new.order, "fewer", lines=((line, 2),))])
    assert gone.refunded_minor == 0, "that is for its return"
    assert queued("replacement") == [new.order]
    serve_replacement(SYSTEM, [new.order])
    (told,) = foresee([CancelOrder(new.order, "none")])
    assert (told.refunded_minor, told.by_return_minor) == (0, 999), "what went back is not told again"
    assert tenders(new.order) == [(2997, 1998)]
    assert balance(1100) == before - 1998

    cancel(SYSTEM, requests=[CancelOrder(new.order, "none", lines=((line, 1),))])
    serve_replacement(SYSTEM, [new.order])
    serve_replacement(SYSTEM, [new.order])
    assert tenders(new.order) == [(2997, 1998)], "it waits, once"
    (item,) = work.items(COMPANY, kind="refund to approve")
    row = queries.refund(item.subject)
    assert (row.state, row.outcome, row.total_minor, row.before_minor) == (
        "waiting",
        "replacement",
        999,
        1998,
    )

    (answer,) = approve(APPROVES, requests=[Approve(row.id)])
    assert answer.state == "paid"
    assert tenders(new.order) == [(2997, 2997)]
    assert balance(2100) == balance(2300) == 0


def test_a_cancelled_replacement_counts_for_what_else_its_return_gives(house: Floor):
    policy(approve_above_minor=1_500)
    one = wanted(house, 2)
    new = exchanged(house, one)
    came(one)
    settled(new)
    cancel(SYSTEM, requests=[CancelOrder(new.order, "no longer made")])
    serve_replacement(SYSTEM, [new.order])
    assert tenders(new.order) == [(999, 999)]
    (paid,) = refund(ASKS, requests=[Refund(one.return_id, ((one.lines[0], 1),))])
    assert paid.state == "waiting", "9.99 and 9.99"


def test_a_refusal_keeps_what_paid_for_a_replacement_with_its_order(house: Floor):
    policy(approve_above_minor=500)
    _, new = replaced(house, 1, in_hand=False)
    cancel(SYSTEM, requests=[CancelOrder(new.order, "the goods never came")])
    (given,) = give_back(SYSTEM, requests=[GiveBack(new.order)])
    assert given.state == "waiting"
    (answer,) = approve(APPROVES, requests=[Approve(given.refund, agree=False, reason="they never came")])
    assert answer.state == "rejected"
    (again,) = give_back(SYSTEM, requests=[GiveBack(new.order)])
    assert again.refund is None, "a person said no"
    assert tenders(new.order) == [(999, 0)]
    nothing = ids.uuid7()
    (unknown,) = give_back(SYSTEM, requests=[GiveBack(nothing)])
    assert isinstance(unknown, NotFound)


def paid_on_top(order: UUID, minor: int) -> None:
    """The customer pays so much of a replacement himself, and it is taken."""
    take_payment(SYSTEM, requests=[TakePayment(order, PaymentGiven("account", "on top", minor, NOW))])
    capture(SYSTEM, requests=[Capture(order, minor)])


def test_what_the_customer_paid_on_top_of_an_exchange_goes_back_at_once(house: Floor):
    policy(approve_above_minor=500)
    one = wanted(house, 1)
    new = exchanged(house, one, sku=2)
    paid_on_top(new.order, 500)
    came(one)
    assert settled(new).applied_minor == 999
    (told,) = foresee([CancelOrder(new.order, "no longer made")])
    assert (told.refunded_minor, told.by_return_minor) == (500, 999)
    (gone,) = cancel(SYSTEM, requests=[CancelOrder(new.order, "no longer made")])
    assert gone.refunded_minor == 500
    (given,) = give_back(SYSTEM, requests=[GiveBack(new.order)])
    assert (given.state, given.total_minor) == ("waiting", 999)
    (answer,) = approve(APPROVES, requests=[Approve(given.refund)])
    assert answer.state == "paid"
    assert sum(back for _, back in tenders(new.order)) == 1499
    assert balance(2100) == balance(2300) == 0


def test_what_the_customer_paid_goes_back_at_once_where_nothing_was_settled(house: Floor):
    policy(approve_above_minor=0)
    new = exchanged(house, wanted(house, 1), sku=2)
    paid_on_top(new.order, 500)
    (gone,) = cancel(SYSTEM, requests=[CancelOrder(new.order, "no longer made")])
    assert gone.refunded_minor == 500
    assert queued("replacement") == []


def test_a_part_of_a_replacement_that_was_paid_by_itself_goes_back_at_once(house: Floor):
    new = exchanged(house, wanted(house, 2), units=2)
    (part,) = split(SYSTEM, requests=[SplitOrder(new.order, ((lines_of(new.order)[0], 1),), "in two")])
    paid_on_top(part.new_order, 999)
    (gone,) = cancel(SYSTEM, requests=[CancelOrder(part.new_order, "no longer made")])
    assert gone.refunded_minor == 999
    assert queued("replacement") == []


def test_a_replacement_that_no_exchange_is_known_for_is_seen(house: Floor):
    with pytest.raises(AllOrNothing):
        serve_replacement(SYSTEM, [ids.uuid7()])


def test_what_a_bank_disputes_of_a_replacement_waits_and_goes_back_when_it_is_won(house: Floor):
    policy(approve_above_minor=None)
    _, new = replaced(house, 2)
    (tender,) = payments.of_order(new.order)
    (opened,) = open_disputes(SYSTEM, requests=[OpenDispute(tender.id, "dp1", 1000)])
    cancel(SYSTEM, requests=[CancelOrder(new.order, "no longer made")])
    (given,) = give_back(SYSTEM, requests=[GiveBack(new.order)])
    assert (given.state, given.total_minor) == ("paid", 998), "nobody disputes that"
    assert queued("replacement") == [new.order]
    serve_replacement(SYSTEM, [new.order])
    serve_replacement(SYSTEM, [new.order])
    (item,) = work.items(COMPANY, kind="refund to approve")
    row = queries.refund(item.subject)
    assert (row.state, row.total_minor) == ("waiting", 1000)
    (early,) = approve(APPROVES, requests=[Approve(row.id)])
    assert isinstance(early, errors.NotThatMuch)
    close_disputes(SYSTEM, requests=[CloseDispute(opened.dispute, True)])
    (answer,) = approve(APPROVES, requests=[Approve(row.id)])
    assert answer.state == "paid"
    assert tenders(new.order) == [(1998, 1998)]


def test_what_went_back_of_a_replacement_otherwise_is_not_given_again(house: Floor):
    _, new = replaced(house, 2)
    whole(refund_payment(SYSTEM, requests=[RefundPayment(new.order, 1500)]))
    cancel(SYSTEM, requests=[CancelOrder(new.order, "no longer made")])
    (given,) = give_back(SYSTEM, requests=[GiveBack(new.order)])
    assert (given.state, given.total_minor) == ("paid", 498)


def test_whoever_sold_or_cancelled_what_a_replacement_is_of_does_not_agree_to_give_it_back(house: Floor):
    policy(approve_above_minor=0)
    one, new = replaced(house, 1)
    cancel(APPROVES, requests=[CancelOrder(new.order, "no longer made")])
    (given,) = give_back(SYSTEM, requests=[GiveBack(new.order)])
    seller, other = someone("sam"), someone("olga")
    for order in (queries.return_(one.return_id).order, new.order):
        with transaction.atomic():
            sql.run(
                "INSERT INTO kernel_event (occurred_at, recorded_at, actor, command, company_id, subject_kind,"
                " subject_id, correlation) SELECT now(), now(), 'sam', 'orders.edit', company_id, 'order',"
                " id, id FROM orders_order WHERE id = %(order)s",
                {"order": order},
            )
            (refused,) = approve(seller, requests=[Approve(given.refund)])
            assert isinstance(refused, DutiesApart)
            with pytest.raises(psycopg.errors.CheckViolation), transaction.atomic():
                sql.run(
                    "UPDATE returns_refund SET decided_by = 'sam' WHERE id = %(id)s", {"id": given.refund}
                )
            transaction.set_rollback(True)
    (refused,) = approve(APPROVES, requests=[Approve(given.refund)])
    assert isinstance(refused, DutiesApart), "he cancelled it"
    with pytest.raises(psycopg.errors.CheckViolation), transaction.atomic():
        sql.run("UPDATE returns_refund SET decided_by = 'carl' WHERE id = %(id)s", {"id": given.refund})
    (answer,) = approve(other, requests=[Approve(given.refund)])
    assert answer.state == "paid"


def settled_of(one: Exchanged) -> tuple[int, int | None]:
    row = queries.refund(one.refund)
    return row.applied_minor, row.approve_above_minor


def test_money_that_went_elsewhere_since_is_not_paid_twice(house: Floor):
    one = wanted(house, 1)
    new = exchanged(house, one)
    sql.run(
        "UPDATE returns_refund SET goods_minor = 90000, total_minor = 90000, steps = %(steps)s::jsonb"
        " WHERE id = %(id)s",
        {"id": new.refund, "steps": '[{"what": "goods", "minor": 90000, "why": ""}]'},
    )
    came(one)
    (answer,) = settle_exchanges(SYSTEM, requests=[SettleExchange(new.refund)])
    assert isinstance(answer, errors.NotThatMuch)
    assert [item.subject for item in work.items(COMPANY, kind="exchange to decide")] == [one.return_id]
    sql.run(
        "UPDATE returns_refund SET goods_minor = 999, total_minor = 999, steps = %(steps)s::jsonb"
        " WHERE id = %(id)s",
        {"id": new.refund, "steps": '[{"what": "goods", "minor": 999, "why": ""}]'},
    )


def test_refusals_leave_everything_as_it_was(house: Floor):
    policy(approve_above_minor=900)
    one, unknown = wanted(house, 1), ids.uuid7()
    (line,), number = one.lines, one.number
    code = house.codes[1]
    register_skus(SYSTEM, requests=[RegisterSku(COMPANY, "NOPRICE", "No price")])

    answers = exchange(ASKS, requests=[
        Exchange(unknown, line, 1, code),
        Exchange(one.return_id, unknown, 1, code),
        Exchange(one.return_id, line, 2, code),
        Exchange(one.return_id, line, 0, code),
        Exchange(one.return_id, line, 1, "NONE"),
        Exchange(one.return_id, line, 1, code, Decimal(-1), "why"),
        Exchange(one.return_id, line, 1, code, Decimal(1)),
        Exchange(one.return_id, line, 1, "NOPRICE"),
        Exchange(one.return_id, line, 1, code, Decimal("0.50"), "as good as given"),
    ])  # fmt: skip

    assert answers[:6] == [
        NotFound(what="return", which=str(unknown)),
        NotFound(what=f"line in return {number}", which=str(unknown)),
        errors.NotThatMuch(number=number, what="units", wanted=2, left=1),
        errors.NotThatMuch(number=number, what="units", wanted=0, left=1),
        NotFound(what="SKU", which="NONE"),
        Invalid(field="unit_price", expected="0 or more", found="-1"),
    ]
    assert [type(one) for one in answers[6:]] == [
        errors.ReasonNeeded,
        errors.NotExchangeable,
        errors.NotExchangeable,
    ]
    assert queries.whole(one.return_id).refunds == []
    new = exchanged(house, one)
    gone = [
        *settle_exchanges(SYSTEM, requests=[SettleExchange(unknown)]),
        *withdraw_exchanges(
            SYSTEM, requests=[WithdrawExchange(unknown, "x"), WithdrawExchange(new.refund, " ")]
        ),
    ]
    assert [type(one) for one in gone] == [NotFound, NotFound, errors.ReasonNeeded]
    came(one)
    settled(new)
    twice = [
        *settle_exchanges(SYSTEM, requests=[SettleExchange(new.refund)]),
        *withdraw_exchanges(SYSTEM, requests=[WithdrawExchange(new.refund, "x")]),
        *exchange(ASKS, requests=[Exchange(one.return_id, line, 1, code)]),
    ]
    assert [type(one) for one in twice] == [WrongState, WrongState, errors.NotThatMuch]


def test_the_same_key_gets_the_same_answer(house: Floor):
    one = wanted(house, 1)
    request = Exchange(one.return_id, one.lines[0], 1, house.codes[1], key="once")
    first, second = exchange(ASKS, requests=[request]), exchange(ASKS, requests=[request])
    assert first == second
    assert len(exchange_queries.of_return(one.return_id)) == 1
    came(one)
    settle = SettleExchange(first[0].refund, key="s")
    assert settle_exchanges(SYSTEM, requests=[settle]) == settle_exchanges(SYSTEM, requests=[settle])
