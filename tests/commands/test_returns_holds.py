"""returns.place_holds, returns.settle_holds, returns.decide_holds, payments.hold"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from entrepot.catalog.commands.register import RegisterSku, register_skus
from entrepot.kernel import ids, policies, ready, relay, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import whole
from entrepot.kernel.errors import Invalid, NotFound, WrongState
from entrepot.ledger import queries as ledger
from entrepot.ledger.commands.record_rates import RecordRate, record_rates
from entrepot.orders import queries as orders
from entrepot.orders.commands.place import OrderLine, PaymentGiven, PlaceOrder, place
from entrepot.payments import errors as payment_errors
from entrepot.payments import queries as payments
from entrepot.payments.commands.hold import AmountAsked, HoldAmount, hold
from entrepot.payments.commands.retry import Retry, retry
from entrepot.payments.tasks import DESTINATIONS
from entrepot.returns import errors, expiry_queries, hold_queries, queries
from entrepot.returns.commands.announce import AnnounceParcel, announce_parcels
from entrepot.returns.commands.authorize import Authorized
from entrepot.returns.commands.decide_holds import DecideHold, HoldDecided, decide_holds
from entrepot.returns.commands.exchange import Exchange, Exchanged, exchange
from entrepot.returns.commands.expect_sent_back import ExpectSentBack, expect_sent_back
from entrepot.returns.commands.inspect import Inspect, inspect
from entrepot.returns.commands.place_holds import HoldAsked, PlaceHold, place_holds
from entrepot.returns.commands.receive import Received
from entrepot.returns.commands.receive_parcels import Content, ReceiveParcel, receive_parcels
from entrepot.returns.commands.settle_holds import HoldsSettled, SettleHolds, settle_holds
from entrepot.returns.commands.take_comebacks import BOTH
from entrepot.returns.commands.verdicts import AcceptUnits, accept_units
from entrepot.returns.fraud import FraudPolicy
from entrepot.returns.holding import InstantPolicy
from entrepot.returns.rules import ExchangePolicy
from entrepot.returns.tasks import (
    QUEUES,
    look_at_holds,
    look_at_what_does_not_come,
    serve_exchange,
    serve_hold,
    serve_refund,
)
from entrepot.settlement import invoice_queries, tasks
from entrepot.shipping.commands.reship import Reship, reship
from entrepot.work import queries as work
from tests.back import APPROVES, ASKS, HOME, RECEIVES, asked, asked_all, back, came, found, policy, put, sold
from tests.floor import COMPANY, NOW, SYSTEM, Floor, balance
from tests.sizes import MANY
from tests.walk import a_house, queued, shipped

pytestmark = pytest.mark.django_db

TOTAL = 2 * 999


@pytest.fixture
def house(db: None) -> Floor:
    """Two SKUs at 9.99; refunds and exchanges are given at once, and no limit asks for another person."""
    house = a_house()
    register_skus(SYSTEM, requests=[
        RegisterSku(COMPANY, code, code, list_price=Decimal("9.99"), weight_g=200) for code in house.codes
    ])  # fmt: skip
    for sku in range(2):
        house.stock(sku, 3000)
    policy(approve_above_minor=None)
    instant()
    return house


def instant(**facts: Any) -> None:
    body = replace(InstantPolicy(refunds=True, exchanges=True, earlier_orders=0), **facts)
    kept = policies.SetPolicy(COMPANY, "returns.instant", body, NOW - timedelta(days=1))
    policies.set_policy(SYSTEM, requests=[kept])


def later(days: float) -> Cause:
    return replace(SYSTEM, at=NOW + timedelta(days=days))


def relayed(at: Cause = SYSTEM) -> None:
    """What the relay and the workers do until nothing waits: providers asked, and what they said acted on."""
    for _ in range(4):
        relay.relay_once(DESTINATIONS, at=at.at + timedelta(hours=1))
        serve_refund(at, [row[0] for row in sql.run("SELECT DISTINCT order_id FROM payments_payment")])
        serve_hold(at, [row[0] for row in sql.run("SELECT id FROM returns_return")])


def looked(queue: str, at: Cause) -> None:
    """What the hourly look finds at that time, and the worker does about it."""
    look_at_holds(at)
    look_at_what_does_not_come(at, COMPANY)
    QUEUES[queue](at, ready.claim(queue, 99))


def paid(house: Floor, reference: str = "card", units: int = 2, **facts: Any) -> UUID:
    (order,) = sold(house, 1, (0, units), payment=PaymentGiven("fake", reference, 11_998, NOW), **facts)
    relay.relay_once(DESTINATIONS, at=NOW + timedelta(hours=1))
    return order


def held(house: Floor, reference: str = "card", units: int = 2) -> Authorized:
    """A return that was refunded when it was authorized."""
    one = asked(paid(house, reference, units), units)
    assert queued("hold") == [one.return_id]
    relayed()
    return one


def the_hold(one: Authorized) -> hold_queries.HoldRow:
    (row,) = hold_queries.of_return(one.return_id)
    return row


def refunds(one: Authorized) -> list[tuple[str, int]]:
    return [(row.state, row.total_minor) for row in queries.whole(one.return_id).refunds]


def test_a_refund_is_given_when_the_amount_is_held_and_what_comes_back_lets_it_go(house: Floor):
    one = held(house)
    row = the_hold(one)
    assert (row.state, row.kind, row.amount_minor, row.units) == ("placed", "refund", TOTAL, 2)
    assert (row.due_at, row.expires_at) == (NOW + timedelta(days=21), NOW + timedelta(days=7, hours=1))
    assert refunds(one) == [("paid", TOTAL)]
    assert hold_queries.sums(COMPANY) == [("GBP", 1, TOTAL)]
    back(one)
    relayed()
    row = the_hold(one)
    assert (row.state, row.taken_minor, row.why) == ("released", 0, "all is back, as it should be")
    assert [p.state for p in payments.of_order(row.id)] == ["voided"]
    assert refunds(one) == [("paid", TOTAL)], "once"
    assert queries.return_(one.return_id).state == "closed"
    assert balance(2100) == balance(2300) == 0


def test_what_is_not_back_in_time_is_taken_and_what_comes_after_all_is_given_back(house: Floor):
    instant(before_expiry="renew", due_days=5)
    one = held(house)
    first = came(one, 1)
    relayed()
    assert the_hold(one).state == "placed"
    looked("hold", later(6))
    assert the_hold(one).state == "placed", "what came is not inspected yet"
    found(first)
    looked("hold", later(6))
    relayed(later(6))
    row = the_hold(one)
    assert (row.state, row.taken_minor, row.why) == ("taken", 999, "not back in time")
    assert balance(1100) == TOTAL - TOTAL + 999
    assert balance(2100) == balance(2300) == 0
    found(came(one, 1))
    relayed(later(9))
    row = the_hold(one)
    assert (row.taken_minor, row.returned_minor) == (999, 999)
    assert balance(1100) == 0
    assert balance(2100) == balance(2300) == 0
    relayed(later(10))
    assert the_hold(one).returned_minor == 999, "once"
    assert row.id in queued("invoice"), "it is told of after the transaction"
    tasks.serve_invoice(later(10), [row.id])
    tasks.serve_invoice(later(10), [row.id])
    credit, invoice = (one for one in invoice_queries.documents(COMPANY) if one.source == row.id)
    assert (invoice.kind, invoice.total_minor, credit.kind, credit.total_minor) == (
        "invoice", 999, "credit_note", 999,
    )  # fmt: skip
    assert (invoice.order, credit.corrects) == (row.order, (invoice.number,))
    (line,) = invoice_queries.lines(invoice.id)
    assert line.description.startswith(f"Goods that were not returned ({row.return_number}): 2 ×")


def test_what_is_taken_of_a_card_abroad_undoes_its_refund_at_the_rate_of_the_sale(house: Floor):
    """£50.00 when it was sold and refunded, £100.00 when it is taken: what is more is a gain of exchange, and lost
    again where it is given back."""
    instant(before_expiry="renew", due_days=5)
    rates = [(0, "0.8"), (6, "1.6")]
    record_rates(SYSTEM, requests=[
        RecordRate(COMPANY, "USD", NOW.date() + timedelta(days=day), Decimal(rate)) for day, rate in rates
    ])  # fmt: skip
    line, card = OrderLine(house.codes[0], 1, Decimal("62.50")), PaymentGiven("fake", "card", 11_998, NOW)
    (order,) = place(SYSTEM, requests=[PlaceOrder(
        COMPANY, "shop", "USD-1", (line,), "USD", country="GB", postal_code="SW1A 1AA", payment=card,
    )])  # fmt: skip
    shipped(order.order)
    relay.relay_once(DESTINATIONS, at=NOW + timedelta(hours=1))
    one = asked(order.order, 1)
    relayed()
    assert (refunds(one), balance(4100), balance(5700)) == ([("paid", 6_250)], 5_000, 0)

    looked("hold", later(6))
    relayed(later(6))
    assert (the_hold(one).taken_minor, balance(4100), balance(5700)) == (6_250, 0, -5_000)
    found(came(one, 1))
    relayed(later(9))
    assert (the_hold(one).returned_minor, balance(4100), balance(5700)) == (6_250, 5_000, 0)
    assert (balance(2100), balance(2300), ledger.discrepancies()) == (0, 0, [])


def test_what_comes_back_wrong_or_empty_is_taken_in_part(house: Floor):
    one = held(house)
    found(came(one, 1), "A")
    found(came(one, 1), "D")
    relayed()
    row = the_hold(one)
    assert (row.state, row.taken_minor, row.why) == ("taken", 999, "not back as it should be")
    assert [(p.captured_minor, p.authorized_minor) for p in payments.of_order(row.id)] == [(999, 999)]


def test_nothing_is_taken_or_let_go_while_somebody_has_to_decide(house: Floor):
    """Another serial number, of the worst grade, and one that is as new and not ours."""
    one = held(house)
    receipts = [*came(one, 1), *came(one, 1)]
    codes = (("D", "serial_swap"), ("A", "not_ours"))
    looks = [
        Inspect(each.receipt, 1, grade, (code,)) for each, (grade, code) in zip(receipts, codes, strict=True)
    ]
    first, second = (each.inspection for each in whole(inspect(SYSTEM, requests=looks)))
    relayed()
    assert (the_hold(one).state, the_hold(one).taken_minor) == ("placed", 0)
    whole(accept_units(APPROVES, requests=[AcceptUnits(first, "our list was wrong")]))
    relayed()
    assert the_hold(one).state == "placed", "the other one is open"
    whole(accept_units(APPROVES, requests=[AcceptUnits(second, "it is ours")]))
    relayed()
    assert (the_hold(one).state, the_hold(one).why) == ("released", "all is back, as it should be")


def test_a_person_takes_what_is_in_doubt_and_it_is_given_back_when_it_is_accepted(house: Floor):
    one = held(house, units=1)
    (got,) = came(one)
    (seen,) = whole(inspect(SYSTEM, requests=[Inspect(got.receipt, 1, "A", ("not_ours",))]))
    (answer,) = decide_holds(SYSTEM, requests=[DecideHold(the_hold(one).id, "take", "it is not ours")])
    assert isinstance(answer, HoldDecided)
    relayed()
    assert (the_hold(one).state, the_hold(one).returned_minor) == ("taken", 0)
    whole(accept_units(APPROVES, requests=[AcceptUnits(seen.inspection, "it is ours")]))
    relayed()
    assert the_hold(one).returned_minor == the_hold(one).taken_minor > 0


def test_a_declined_hold_leaves_the_return_to_its_usual_milestone(house: Floor):
    one = held(house, "unheld")
    assert (the_hold(one).state, the_hold(one).why) == ("declined", "card declined")
    assert refunds(one) == []
    assert work.items(COMPANY, kind="payment hold failed") == []
    back(one)
    assert queued("decide_refund") == [one.return_id]


def test_a_hold_that_ends_is_placed_anew_and_the_old_one_let_go(house: Floor):
    one = held(house)
    looked("hold", later(5))
    assert the_hold(one).state == "placed"
    soon = later(6.5)
    looked("hold", soon)
    assert the_hold(one).state == "renewing"
    relayed(soon)
    assert the_hold(one).state == "placed"
    assert sorted(p.state for p in payments.of_order(the_hold(one).id)) == ["authorized", "voided"]
    assert refunds(one) == [("paid", TOTAL)]


@pytest.mark.parametrize(("rule", "state"), [("take", "taken"), ("release", "released")])
def test_a_hold_that_is_not_placed_anew_is_taken_or_let_go_by_rule(house: Floor, rule: Any, state: str):
    instant(not_renewed=rule)
    one = held(house)
    sql.run("UPDATE payments_payment SET reference = 'unheld' WHERE reference = 'card'")
    relayed(later(6.5))
    looked("hold", later(6.6))
    relayed(later(6.6))
    assert (the_hold(one).state, the_hold(one).taken_minor) == (state, TOTAL if rule == "take" else 0)


def test_a_hold_that_the_bank_ended_is_a_question(house: Floor):
    one = held(house)
    looked("hold", later(8))
    assert the_hold(one).state == "lapsed"
    (item,) = work.items(COMPANY, kind="hold lapsed")
    assert the_hold(one).number in item.reason


def test_a_capture_that_is_refused_waits_and_is_asked_again(house: Floor):
    one = held(house)
    sql.run("UPDATE payments_payment SET reference = 'declined' WHERE is_hold")
    found(came(one), "D")
    relayed()
    assert the_hold(one).state == "failed"
    (item,) = work.items(COMPANY, kind="payment capture failed")
    assert (item.subject_kind, item.subject) == ("card_hold", the_hold(one).id)
    sql.run("UPDATE payments_payment SET reference = 'better' WHERE is_hold")
    ((attempt,),) = sql.run("SELECT id FROM payments_attempt WHERE state = 'failed'")
    retry(SYSTEM, requests=[Retry(attempt)])
    relayed()
    assert (the_hold(one).state, the_hold(one).taken_minor) == ("taken", TOTAL)


def test_a_replacement_is_sent_when_the_amount_is_held(house: Floor):
    kept = policies.SetPolicy(
        COMPANY, "returns.exchanges", ExchangePolicy(send_at="secured"), NOW - timedelta(days=1)
    )
    policies.set_policy(SYSTEM, requests=[kept])
    one = asked(paid(house), 2, asked="exchange")
    (new,) = exchange(ASKS, requests=[Exchange(one.return_id, one.lines[0], 2, house.codes[1])])
    assert isinstance(new, Exchanged)
    assert queued("exchange") == [], "not unsecured"
    relayed()
    assert queued("exchange") == [one.return_id]
    serve_exchange(SYSTEM, [one.return_id])
    assert orders.order(new.order).status == "ready"
    relayed()
    assert the_hold(one).state == "placed"
    found(came(one), "A")
    relayed()
    assert the_hold(one).state == "released"


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"refunds": False}, "gives no refund"),
        ({"tiers": ("gold",)}, "tier none is not one of gold"),
        ({"most_minor": {"GBP": 1000}}, "are above"),
        ({"earlier_orders": 1}, "0 earlier orders"),
    ],
)
def test_the_policy_says_for_whom(house: Floor, facts: dict[str, Any], why: str):
    one = asked(paid(house), 2)
    instant(**facts)
    (answer,) = place_holds(SYSTEM, requests=[PlaceHold(one.return_id)])
    assert isinstance(answer, errors.NotSecured)
    assert why in str(answer)
    assert hold_queries.of_return(one.return_id) == []


def test_what_can_not_be_held_is_refused(house: Floor):
    (on_account,) = sold(house, 1, (0, 1))
    first, second = asked(on_account, 1), asked(paid(house), 2)
    unknown = ids.uuid7()
    answers = place_holds(SYSTEM, requests=[
        PlaceHold(first.return_id), PlaceHold(unknown), PlaceHold(second.return_id),
        PlaceHold(second.return_id, unknown),
    ])  # fmt: skip
    assert isinstance(answers[0], errors.NotSecured)
    assert "not paid by card" in str(answers[0])
    assert isinstance(answers[1], NotFound)
    assert isinstance(answers[2], HoldAsked)
    assert isinstance(answers[3], errors.NotSecured)
    again = place_holds(SYSTEM, requests=[PlaceHold(second.return_id)])
    assert "asked for before" in str(again[0])
    assert settle_holds(SYSTEM, requests=[SettleHolds(unknown)]) == [
        NotFound(what="return", which=str(unknown))
    ]
    amounts = hold(SYSTEM, requests=[
        HoldAmount(on_account, unknown, 5, "GBP"), HoldAmount(on_account, unknown, 0, "GBP")
    ])  # fmt: skip
    assert [type(one) for one in amounts] == [payment_errors.NoCard, payment_errors.NotAPayment]


def test_nothing_is_held_or_given_while_fraud_is_suspected(house: Floor):
    suspects = FraudPolicy(velocity="enforce", velocity_max=0)
    policies.set_policy(SYSTEM, requests=[policies.SetPolicy(COMPANY, "returns.fraud", suspects, NOW)])
    order = paid(house, customer="C1")
    one = asked(order, 2)
    relayed()
    assert place_holds(SYSTEM, requests=[PlaceHold(one.return_id)]) == [
        errors.UnderReview(number=queries.whole(one.return_id).head.number)
    ]
    assert (hold_queries.of_return(one.return_id), refunds(one)) == ([], [])


def test_repeated_with_its_key_nothing_happens_twice(house: Floor):
    order = paid(house)
    one = asked(order, 2)
    asking = [PlaceHold(one.return_id, key="k")]
    assert place_holds(SYSTEM, requests=asking) == place_holds(SYSTEM, requests=asking)
    relayed()
    settling = [SettleHolds(one.return_id, key="s")]
    assert settle_holds(SYSTEM, requests=settling) == settle_holds(SYSTEM, requests=settling)
    assert settle_holds(SYSTEM, requests=[SettleHolds(one.return_id)]) == [HoldsSettled(one.return_id, 0)]
    which = the_hold(one).id
    deciding = [DecideHold(which, "take", "never sent", key="d")]
    assert decide_holds(SYSTEM, requests=deciding) == decide_holds(SYSTEM, requests=deciding)
    amount = [HoldAmount(order, ids.uuid7(), 5, "GBP", key="h")]
    assert isinstance(hold(SYSTEM, requests=amount)[0], AmountAsked)
    assert len({str(hold(SYSTEM, requests=amount)) for _ in range(2)}) == 1
    relayed()
    assert the_hold(one).taken_minor == TOTAL


def test_a_person_takes_no_more_than_is_owed_and_lets_go_for_a_reason(house: Floor):
    one = held(house)
    which = the_hold(one).id

    def decide(what: Any, reason: str = "as I see it", minor: int | None = None) -> object:
        return decide_holds(SYSTEM, requests=[DecideHold(which, what, reason, minor)])[0]

    assert isinstance(decide("release", " "), errors.ReasonNeeded)
    assert isinstance(decide("take", minor=TOTAL + 1), errors.NotThatMuch)
    assert isinstance(decide("take", minor=0), errors.NotThatMuch)
    assert isinstance(decide_holds(SYSTEM, requests=[DecideHold(ids.uuid7(), "take", "so")])[0], NotFound)
    assert isinstance(decide("keep"), Invalid)
    assert decide("take", minor=500) == HoldDecided(which, "taking", 500)
    assert isinstance(decide("release"), WrongState)
    relayed()
    assert (the_hold(one).state, the_hold(one).taken_minor, the_hold(one).why) == (
        "taken",
        500,
        "as I see it",
    )


@pytest.mark.counts("returns.place_holds", "returns.settle_holds", "returns.decide_holds", "payments.hold")
@pytest.mark.slow
def test_statements_do_not_grow_with_the_batch(house: Floor, statements) -> None:
    orders_ = sold(house, MANY + 11, (0, 1), payment=PaymentGiven("fake", "card", 11_998, NOW))
    for _ in range(12):
        relay.relay_once(DESTINATIONS, at=NOW + timedelta(hours=1))
    returns = [one.return_id for one in asked_all(orders_, 1)]
    counts = []
    parts = (slice(0, 1), slice(1, 11), slice(11, MANY + 11))
    for part in parts:
        with statements() as ran:
            place_holds(SYSTEM, requests=[PlaceHold(one) for one in returns[part]])
        counts.append(len(ran.texts))
    for _ in range(12):
        relay.relay_once(DESTINATIONS, at=NOW + timedelta(hours=1))
    for part in parts:
        with statements() as ran:
            settle_holds(SYSTEM, requests=[SettleHolds(one) for one in returns[part]])
        counts.append(len(ran.texts))
    for part in parts:
        with statements() as ran:
            settle_holds(SYSTEM, requests=[SettleHolds(one) for one in returns[part]])
        counts.append(len(ran.texts))
    holds = [row[0] for row in sql.run("SELECT id FROM returns_hold ORDER BY id")]
    for part in parts:
        with statements() as ran:
            decide_holds(SYSTEM, requests=[DecideHold(one, "release", "so") for one in holds[part]])
        counts.append(len(ran.texts))
    for part in parts:
        with statements() as ran:
            hold(SYSTEM, requests=[HoldAmount(one, ids.uuid7(), 5, "GBP") for one in orders_[part]])
        counts.append(len(ran.texts))
    assert counts == [each for each in counts[::3] for _ in parts]


def test_what_was_taken_of_the_card_pays_for_goods_that_never_come_and_is_given_back_when_they_do(
    house: Floor,
):
    instant(due_days=5)
    one = held(house)
    announce_parcels(ASKS, requests=[AnnounceParcel(one.return_id, "JD7")])
    for days in (6, 50):
        looked("hold", later(days))
        relayed(later(days))
        looked("expire", later(days))
        assert (the_hold(one).state, queries.return_(one.return_id).state) == ("taken", "authorized")
    looked("expire", later(65))
    assert queries.return_(one.return_id).state == "closed"
    (row,) = expiry_queries.given_up(COMPANY)
    assert (row.missing, row.paid_minor, row.taken_minor, row.lost_minor) == (2, TOTAL, TOTAL, 0)
    assert work.of_subject(one.return_id) == []

    parcel = ReceiveParcel(COMPANY, house.nodes[0], (Content(house.codes[0], 2),), "JD7")
    (came_late,) = receive_parcels(replace(RECEIVES, at=later(70).at), requests=[parcel])
    assert came_late.received == 2
    receipts = [Received(receipt.id, 0, NOW) for receipt in queries.whole(one.return_id).receipts]
    put(found(receipts))
    relayed(later(71))
    assert the_hold(one).returned_minor == TOTAL
    assert queries.return_(one.return_id).state == "closed"


def test_what_is_held_for_a_return_whose_goods_are_sent_again_is_work(house: Floor):
    """The return can't end while an amount is asked of the card: customer service agrees which of both it is."""
    (shipment,) = (one for (one,) in sql.run(
        "SELECT id FROM shipping_shipment WHERE order_id = %(id)s", {"id": paid(house, address=HOME)}
    ))  # fmt: skip
    (one,) = expect_sent_back(SYSTEM, requests=[ExpectSentBack(shipment)])
    (asked_for,) = place_holds(SYSTEM, requests=[PlaceHold(one.return_id)])
    assert isinstance(asked_for, HoldAsked), asked_for
    (again,) = reship(SYSTEM, requests=[Reship(shipment, "the street was wrong")])
    expect_sent_back(SYSTEM, requests=[ExpectSentBack(shipment)])
    assert queries.return_(one.return_id).state == "authorized"
    (item,) = work.items(COMPANY, kind=BOTH)
    assert item.subject == shipment
    assert one.number in item.reason and again.number in item.reason
