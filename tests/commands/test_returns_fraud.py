"""returns.decide_fraud, returns.forget_marks, and what authorizing, receiving and inspecting judge"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import transaction

from entrepot.access.commands.take_duty import Duty, take_duty
from entrepot.access.errors import DutiesApart
from entrepot.kernel import ids, policies, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.command import whole
from entrepot.kernel.errors import Invalid, NotFound, RequestReused, WrongState
from entrepot.orders.commands.cancel import CancelOrder
from entrepot.orders.commands.place import AddressGiven, PaymentGiven
from entrepot.returns import errors, fraud_queries, queries
from entrepot.returns.commands.approve import Approve, approve
from entrepot.returns.commands.authorize import Authorized
from entrepot.returns.commands.close import Close, close
from entrepot.returns.commands.decide_fraud import DecideFraud, FraudDecided, decide_fraud
from entrepot.returns.commands.exchange import Exchange, exchange
from entrepot.returns.commands.forget_marks import ForgetMarks, forget_marks
from entrepot.returns.commands.give_back import GiveBack, give_back
from entrepot.returns.commands.inspect import Inspect, inspect
from entrepot.returns.commands.receive import Receive, receive
from entrepot.returns.commands.refund import Refund, Refunded, refund
from entrepot.returns.commands.review import Review, review
from entrepot.returns.commands.settle_exchanges import SettleExchange, settle_exchanges
from entrepot.returns.fraud import FraudPolicy
from entrepot.returns.rules import DUTY, ExchangePolicy
from entrepot.returns.tasks import forget_old_marks
from entrepot.settlement import privacy_queries
from entrepot.settlement.commands.erase_people import ErasePerson, PersonErased, erase_people
from entrepot.shipping.commands.deliver import Delivered, deliver
from entrepot.sourcing.commands.cancel import cancel
from entrepot.work import queries as work
from tests.back import APPROVES, ASKS, INSPECTS, RECEIVES, asked, asked_all, came, policy, put, sold
from tests.floor import COMPANY, NOW, SYSTEM, Floor
from tests.sizes import SIZES
from tests.walk import a_house, queued

pytestmark = pytest.mark.django_db

HOME = AddressGiven("Ada Byron", "1 High Street", "Leeds", email="ada@example.org")


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 500)
    policy(refund_at="received")
    return house


def rules(**modes: Any) -> None:
    body = replace(FraudPolicy(), **modes)
    policies.set_policy(
        SYSTEM, requests=[policies.SetPolicy(COMPANY, "returns.fraud", body, NOW - timedelta(days=1))]
    )


def returned(
    house: Floor, customer: str | None = "C1", address: AddressGiven | None = HOME, **facts: Any
) -> Authorized:
    return asked(sold(house, 1, (0, 1), customer=customer, address=address)[0], 1, **facts)


def suspicious(house: Floor) -> Authorized:
    """A return that is under review."""
    rules(velocity="enforce", velocity_max=0)
    one = returned(house)
    assert state(one) == "open"
    return one


def state(one: Authorized) -> str:
    found = fraud_queries.review(one.return_id)
    return found.head.state if found else ""


def found_of(one: Authorized) -> dict[str, str]:
    review = fraud_queries.review(one.return_id)
    return {each.rule: each.mode for each in review.suspicions} if review else {}


def decided(one: Authorized, outcome: str, cause: Cause = APPROVES) -> list[Any]:
    return decide_fraud(cause, requests=[DecideFraud(one.return_id, outcome, "I rang the customer")])


def test_nothing_of_a_replacement_goes_back_while_its_return_is_under_review(house: Floor):
    ahead = replace(ExchangePolicy(), send_at="authorized")
    kept = policies.SetPolicy(COMPANY, "returns.exchanges", ahead, NOW - timedelta(days=1))
    policies.set_policy(SYSTEM, requests=[kept])
    one = returned(house, asked="exchange")
    (new,) = exchange(ASKS, requests=[Exchange(one.return_id, one.lines[0], 1, house.codes[0])])
    settle_exchanges(SYSTEM, requests=[SettleExchange(new.refund)])
    rules(empty_box="enforce")
    receive(RECEIVES, requests=[Receive(one.return_id, one.lines[0], 1, weight_g=1)])
    assert state(one) == "open"
    cancel(SYSTEM, requests=[CancelOrder(new.order, "no longer made")])
    (given,) = give_back(SYSTEM, requests=[GiveBack(new.order)])
    assert given.state == "waiting"
    (held,) = approve(APPROVES, requests=[Approve(given.refund)])
    assert isinstance(held, errors.UnderReview)


def test_nobody_is_judged_where_no_policy_says_so(house: Floor):
    one = returned(house)
    assert fraud_queries.review(one.return_id) is None
    assert sql.run("SELECT count(*) FROM returns_mark")[0][0] == 0, "and nobody's fingerprints are kept"


def test_a_suspected_return_waits_for_a_person_and_nothing_of_it_is_refunded(house: Floor):
    one = suspicious(house)
    came(one)

    held = errors.UnderReview(number=one.number)
    assert refund(ASKS, requests=[Refund(one.return_id)]) == [held]
    assert exchange(ASKS, requests=[Exchange(one.return_id, one.lines[0], 1, house.codes[0])]) == [held]
    (item,) = work.items(COMPANY)
    assert (item.type, item.subject, item.role) == ("suspected return", one.return_id, "operations lead")
    assert item.reason == f"Return {one.number}: 1 return of one customer within 30 days."

    assert decided(one, "clear") == [FraudDecided(one.return_id, "cleared")]
    assert work.items(COMPANY) == []
    assert queued("decide_refund") == [one.return_id]
    assert isinstance(refund(ASKS, requests=[Refund(one.return_id)])[0], Refunded)


def test_what_only_warns_is_kept_and_lets_nobody_wait(house: Floor):
    rules(velocity="warn", velocity_max=0)
    one = returned(house)
    assert (state(one), found_of(one)) == ("clean", {"velocity": "warn"})
    came(one)
    assert isinstance(refund(ASKS, requests=[Refund(one.return_id)])[0], Refunded)
    assert [row.number for row in fraud_queries.suspected(COMPANY, state="clean")] == [one.number]


def test_what_is_confirmed_is_not_refunded_until_it_is_opened_again(house: Floor):
    one = suspicious(house)
    came(one)
    assert decided(one, "confirm") == [FraudDecided(one.return_id, "confirmed")]
    assert refund(ASKS, requests=[Refund(one.return_id)]) == [errors.FraudConfirmed(number=one.number)]
    assert decided(one, "reopen") == [FraudDecided(one.return_id, "open")]
    assert [item.subject for item in work.items(COMPANY)] == [one.return_id]
    assert decided(one, "clear") == [FraudDecided(one.return_id, "cleared")]
    review = fraud_queries.review(one.return_id).head
    assert (review.decided_by, review.note) == ("carl", "I rang the customer")


def test_a_refund_that_waits_for_another_waits_for_the_review_as_well(house: Floor):
    policy(refund_at="received", approve_above_minor=0)
    rules(serial_swap="off", wardrobing="enforce", wardrobing_repeats=1)
    one = returned(house)
    (receipt,) = came(one)
    (waiting,) = refund(ASKS, requests=[Refund(one.return_id)])
    assert waiting.state == "waiting"
    inspect(INSPECTS, requests=[Inspect(receipt.receipt, 1, "C")])

    assert found_of(one) == {"wardrobing": "enforce"}
    assert approve(APPROVES, requests=[Approve(waiting.refund)]) == [errors.UnderReview(number=one.number)]
    whole(take_duty(SYSTEM, requests=[Duty(one.return_id, DUTY, "approve", "zed")]))
    with pytest.raises(psycopg.errors.CheckViolation, match="under review for fraud"), transaction.atomic():
        sql.run("UPDATE returns_refund SET state = 'approved', decided_by = 'zed', decided_at = requested_at")
    decided(one, "clear")
    assert approve(APPROVES, requests=[Approve(waiting.refund)])[0].state == "paid"


def test_refusals_leave_everything_as_it_was(house: Floor):
    one, unknown = suspicious(house), ids.uuid7()
    rules()
    other = returned(house, "C2")
    answers = decide_fraud(
        APPROVES,
        requests=[
            DecideFraud(unknown, "clear", "x"),
            DecideFraud(one.return_id, "forget", "x"),
            DecideFraud(one.return_id, "clear", " "),
            DecideFraud(other.return_id, "clear", "x"),
            DecideFraud(one.return_id, "reopen", "x"),
        ],
    )
    assert answers == [
        NotFound(what="return", which=str(unknown)),
        Invalid(field="outcome", expected="one of clear, confirm, reopen", found="forget"),
        errors.ReasonNeeded(step="deciding about fraud", why="later returns are judged by it"),
        errors.NotSuspicious(number=other.number),
        WrongState(subject="suspicion", found="open", event="reopen", expected="cleared or confirmed"),
    ]
    (refused,) = decided(one, "clear", ASKS)
    assert isinstance(refused, DutiesApart)
    assert state(one) == "open"


def test_a_key_gets_its_answer_again(house: Floor):
    one = suspicious(house)
    wanted = DecideFraud(one.return_id, "confirm", "no parcel was handed in", key="k")
    first = decide_fraud(APPROVES, requests=[wanted])
    assert decide_fraud(APPROVES, requests=[wanted]) == first
    again = decide_fraud(APPROVES, requests=[replace(wanted, outcome="clear")])
    assert again == [RequestReused(key="k", command="returns.decide_fraud")]


def test_decisions_come_back_into_later_judgments(house: Floor):
    rules(velocity="enforce", velocity_max=1, repeat="enforce")
    returned(house)
    second = returned(house)
    assert found_of(second) == {"velocity": "enforce"}
    decided(second, "clear")
    third = returned(house)
    assert (state(third), found_of(third)) == ("clean", {"velocity": "warn"}), "cleared of the habit"
    neighbor = returned(house, "C2")
    assert state(neighbor) == "clean"
    decided(second, "reopen"), decided(second, "confirm")
    rules(repeat="enforce")
    assert found_of(returned(house)) == {"repeat": "enforce"}
    same_home = returned(house, "C3")
    assert fraud_queries.review(same_home.return_id).suspicions[0].facts["confirmed_shared"] >= 1
    rates = {row.rule: row.hit_rate for row in fraud_queries.by_rule(COMPANY, NOW - timedelta(days=1))}
    assert rates == {"velocity": 1.0, "repeat": None}


def test_customers_are_compared_by_fingerprints_and_nothing_plain_is_kept(house: Floor):
    rules(cluster="enforce")
    first, second = (returned(house, name) for name in ("C1", "C2"))
    third = returned(house, None, replace(HOME, name="A. B.", email="ada+9@example.org"))
    assert [state(one) for one in (first, second, third)] == ["clean", "clean", "open"]
    review = fraud_queries.review(third.return_id)
    assert {one["kind"]: one["customers"] for one in review.suspicions[0].facts["shared"]} == {
        "address": 3,
        "email": 3,
    }
    assert {(other.number, *other.by) for other in review.others} == {
        (one.number, "address", "email") for one in (first, second)
    }
    kept = str(sql.run("SELECT * FROM returns_mark")) + str(sql.run("SELECT * FROM returns_suspicion"))
    assert not [word for word in ("Ada", "High Street", "example.org") if word in kept]
    elsewhere = returned(house, "C9", AddressGiven("Joan", "9 Low Street", "York", email="joan@example.org"))
    assert state(elsewhere) == "clean"


def guest(house: Floor, units: int = 1, **facts: Any) -> Authorized:
    """A return of all of a guest's order, of whom nothing is known but the mailbox."""
    (order,) = sold(house, 1, (0, units), customer=None, address=HOME)
    return asked(order, units, **facts)


def test_a_guests_returns_that_never_came_count_for_nothing(house: Floor):
    rules(velocity="enforce", velocity_max=2)
    given_up, declined = guest(house), guest(house, occurred_at=NOW + timedelta(days=40))
    close(ASKS, requests=[Close(given_up.return_id, "he kept it")])
    review(APPROVES, requests=[Review(declined.return_id, accept=False, reason="too late")])
    assert [queries.return_(one.return_id).state for one in (given_up, declined)] == ["cancelled", "declined"]
    assert [state(guest(house)) for _ in range(3)] == ["clean", "clean", "open"]


def test_a_guest_is_known_by_the_mailbox_to_every_rule_about_habits(house: Floor):
    rules(value="enforce", value_min_minor=1_500, value_orders_min=2, value_percent=60, wardrobing="enforce",
          wardrobing_repeats=2, wardrobing_end_days=0)  # fmt: skip
    first, second = guest(house), guest(house)
    assert (state(first), state(second)) == ("clean", "open"), "all of what was bought comes back"
    assert list(found_of(second)) == ["value"]
    other = returned(house, None, replace(HOME, email="joan@example.org"))
    assert state(other) == "clean", "who lives there is not who ordered"
    for one in (first, second):
        (receipt,) = came(one)
        inspect(INSPECTS, requests=[Inspect(receipt.receipt, 1, "B")])
    assert "wardrobing" in found_of(second)
    decided(second, "clear")
    third = guest(house)
    assert (state(third), found_of(third)) == ("clean", {"value": "warn"}), "of that the guest is cleared"


def test_who_types_a_customers_mailbox_is_not_trusted_as_they_are(house: Floor):
    """A customer who bought much and was cleared, and a guest of the same mailbox, which nobody has verified."""
    rules(value="enforce", value_min_minor=1_500, value_orders_min=2, value_percent=60)
    first, second = (returned(house, "C1", HOME) for _ in range(2))
    assert [state(one) for one in (first, second)] == ["clean", "open"]
    decided(second, "clear")
    assert state(returned(house, "C1", HOME)) == "clean", "of that the customer is cleared"
    sold(house, 6, (0, 2), customer="C1", address=HOME)
    assert [state(guest(house)) for _ in range(3)] == ["clean", "open", "open"]


def test_customers_who_share_a_telephone_alone_are_a_cluster(house: Floor):
    rules(cluster="enforce")
    ends = []
    for place in range(3):
        where = AddressGiven(
            f"P{place}",
            f"{place} Low Street",
            "York",
            email=f"p{place}@example.org",
            phone="+44 20 7946 0999",
        )
        ends.append(returned(house, f"C{place}", where))
    assert [state(one) for one in ends] == ["clean", "clean", "open"]
    assert fraud_queries.review(ends[2].return_id).suspicions[0].reason == (
        "Of those who returned in 90 days, 3 customers share a telephone."
    )
    kept = str(sql.run("SELECT * FROM returns_mark"))
    assert "7946" not in kept, "by its fingerprint alone"


def test_who_is_erased_is_compared_with_nobody_any_more(house: Floor):
    rules(velocity="enforce", velocity_max=0, cluster="enforce")
    one = returned(house)
    came(one)
    decided(one, "confirm")
    put([(answer, 1) for answer in inspect(INSPECTS, requests=[
        Inspect(row.id, 1, "A") for row in queries.whole(one.return_id).receipts
    ])])  # fmt: skip
    close(SYSTEM, requests=[Close(one.return_id, "done", without_refund=True)])
    shipments = sql.run("SELECT id FROM shipping_shipment")
    deliver(SYSTEM, requests=[Delivered(shipment, NOW) for (shipment,) in shipments])
    assert sql.run("SELECT count(*) FROM returns_mark")[0][0] == 2
    told = privacy_queries.everything_of(COMPANY, customer="C1")
    assert len(told["return_fingerprints"]) == 2
    assert [each["rule"] for each in told["return_suspicions"]] == ["velocity"]

    later = Cause(Actor("pat", everything=True), NOW + timedelta(days=900), "a letter")
    (erased,) = erase_people(later, requests=[ErasePerson(COMPANY, "a letter of 1 May", customer="C1")])

    assert isinstance(erased, PersonErased), erased
    assert sql.run("SELECT count(*) FROM returns_mark")[0][0] == 0
    assert state(one) == "confirmed", "the judgment names nobody, and stands"


def test_what_no_policy_can_ask_for_any_more_is_forgotten(house: Floor):
    rules(cluster="enforce")
    returned(house)
    old = ForgetMarks(COMPANY, before=NOW)
    assert forget_marks(SYSTEM, requests=[old])[0].company == COMPANY
    assert sql.run("SELECT count(*) FROM returns_mark")[0][0] == 2
    forget_old_marks(replace(SYSTEM, at=NOW + timedelta(days=365)), COMPANY)
    assert sql.run("SELECT count(*) FROM returns_mark")[0][0] == 2
    forget_old_marks(replace(SYSTEM, at=NOW + timedelta(days=366)), COMPANY)
    assert sql.run("SELECT count(*) FROM returns_mark")[0][0] == 0


def test_a_box_that_is_too_light_at_the_door(house: Floor):
    rules(empty_box="enforce", empty_box_min_g=1)
    sql.run("UPDATE catalog_sku SET weight_g = 500 WHERE id = %(sku)s", {"sku": house.skus[0]})
    light, heavy = returned(house), returned(house)
    answers = receive(RECEIVES, requests=[
        Receive(light.return_id, light.lines[0], 1, weight_g=120),
        Receive(heavy.return_id, heavy.lines[0], 1, weight_g=480),
        Receive(heavy.return_id, heavy.lines[0], 1, weight_g=-1),
    ])  # fmt: skip
    assert [state(one) for one in (light, heavy)] == ["open", "clean"]
    assert fraud_queries.review(light.return_id).suspicions[0].facts["weighed"][0]["weight_g"] == 120
    assert answers[2] == Invalid(field="weight_g", expected="grams, 0 or more", found=-1)


def test_groups_show_whom_the_rules_hit(house: Floor):
    rules(velocity="enforce", velocity_max=1)
    for customer in ("C1", "C1", "C2"):
        last = returned(house, customer)
    assert state(last) == "clean"
    (flagged,) = fraud_queries.suspected(COMPANY)
    decide_fraud(APPROVES, requests=[DecideFraud(flagged.return_id, "clear", "gifts")])
    for side, name in (("channel", "shop"), ("country", "GB"), ("tier", "")):
        (row,) = fraud_queries.by_group(COMPANY, side, NOW - timedelta(days=1))
        assert (row.group, row.judged, row.flagged, row.confirmed, row.cleared) == (name, 3, 1, 0, 1)
        assert (row.flagged_share, row.confirmed_share, row.cleared_share) == (1 / 3, 0, 1)


@pytest.mark.counts("returns.decide_fraud", "returns.forget_marks")
def test_statements_do_not_grow_with_the_batch(house: Floor, statements):
    """Of some customers everything is known, of the others nothing."""
    modes = dict.fromkeys(("velocity", "value", "cluster", "repeat", "empty_box", "wardrobing"), "enforce")
    rules(**modes, velocity_max=0, wardrobing_repeats=1, hit_rate_min_percent=1, trust_days=0)
    house.stock(0, 2_000)
    paid, counts = PaymentGiven("account", "an account", 2_000, NOW), []
    for size in (1, *SIZES):
        known = sold(house, 1, (0, 1), customer="C1", address=HOME, payment=paid)
        orders = known + (sold(house, size - 1, (0, 1), payment=paid) if size > 1 else [])
        with statements() as ran:
            asked_ = asked_all(orders, 1)
            weighed = [Receive(one.return_id, one.lines[0], 1, weight_g=5) for one in asked_]
            graded = [Inspect(one.receipt, 1, "C", weight_g=5) for one in receive(RECEIVES, requests=weighed)]
            inspect(INSPECTS, requests=graded)
            wanted = [DecideFraud(one.return_id, "clear", "fine") for one in asked_]
            answers = decide_fraud(APPROVES, requests=wanted)
            forget_marks(SYSTEM, requests=[ForgetMarks(COMPANY, (order,)) for order in orders])
        assert {type(one) for one in answers} == {FraudDecided}
        counts.append([text for text in ran.texts if "SAVEPOINT" not in text])
    assert [len(one) for one in counts[1:]] == [len(counts[1])] * 3
