"""Commands of payments: what is authorized, taken, given back; by local and remote providers."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from django.db import transaction
from django.utils import timezone

from entrepot.kernel import delivery, ids, relay, sql
from entrepot.kernel.errors import NotFound, Refused
from entrepot.payments import errors, queries
from entrepot.payments.commands.authorize import Authorize, Authorized, authorize
from entrepot.payments.commands.capture import Capture, Captured, Void, Voided, capture, void
from entrepot.payments.commands.refund import Refund, Refunded, refund
from entrepot.payments.commands.settle import Settle, Settled, settle
from entrepot.payments.providers import fake
from entrepot.payments.tasks import DESTINATIONS
from tests.floor import COMPANY, NOW, SYSTEM, a_floor, balance
from tests.sizes import SIZES
from tests.together import all_at_once

pytestmark = [pytest.mark.alone("kernel", "ledger", "payments", "work")]


@pytest.fixture
def order(db: None) -> UUID:
    a_floor(skus=0, channels=())
    return ids.uuid7()


def authorized(order: UUID, amount: int = 1000, provider: str = "account", reference: str = "ref") -> UUID:
    request = Authorize(COMPANY, order, provider, reference, "GBP", amount, NOW)
    (answer,) = authorize(SYSTEM, requests=[request])
    assert isinstance(answer, Authorized)
    return answer.payment


def amounts(order: UUID) -> list[tuple[int, int, int, str]]:
    return [
        (p.authorized_minor, p.captured_minor, p.refunded_minor, p.state) for p in queries.of_order(order)
    ]


# ---- on account: settled at once


def test_what_is_captured_is_posted_at_once(order: UUID) -> None:
    authorized(order)

    assert capture(SYSTEM, requests=[Capture(order, 600)]) == [Captured(600, 0)]
    assert amounts(order) == [(1000, 600, 0, "captured")]
    assert (balance(1100), balance(2100)) == (600, -600)


def test_money_goes_back_to_the_providers_that_are_named_first(order: UUID) -> None:
    authorized(order, 500, reference="first")
    authorized(order, 500, "fake", reference="second")
    capture(SYSTEM, requests=[Capture(order, 1000)])
    relay.relay_once(DESTINATIONS)
    refund(SYSTEM, requests=[Refund(order, 600, first=("account",))])
    relay.relay_once(DESTINATIONS)
    assert [one[1:3] for one in amounts(order)] == [(500, 500), (500, 100)]


def test_more_than_is_authorized_is_taken_as_far_as_it_goes(order: UUID) -> None:
    authorized(order, 1000)

    assert capture(SYSTEM, requests=[Capture(order, 1500)]) == [Captured(1000, 500)]
    assert capture(SYSTEM, requests=[Capture(order, 1)]) == [Captured(0, 1)]


def test_two_tenders_are_captured_oldest_first_and_refunded_latest_first(order: UUID) -> None:
    authorized(order, 300, reference="gift card")
    authorized(order, 700, reference="card")

    capture(SYSTEM, requests=[Capture(order, 800)])
    assert [row[1] for row in amounts(order)] == [300, 500]
    refund(SYSTEM, requests=[Refund(order, 550)])
    assert [row[2:] for row in amounts(order)] == [(50, "part_refunded"), (500, "refunded")]
    assert (balance(1100), balance(2300)) == (250, 550)


def test_more_than_is_captured_is_not_refunded(order: UUID) -> None:
    authorized(order)
    capture(SYSTEM, requests=[Capture(order, 600)])

    first, second = refund(SYSTEM, requests=[Refund(order, 400), Refund(order, 201)])

    assert first == Refunded(400)
    assert second == errors.ExceedsCaptured(order=str(order), wanted="2.01 GBP", left="2.00 GBP")
    assert amounts(order) == [(1000, 600, 400, "part_refunded")]


def test_the_database_refuses_what_the_command_would(order: UUID) -> None:
    payment = authorized(order)

    for wrong in ("captured_minor = 1001", "refunded_minor = 1"):
        with pytest.raises(psycopg.errors.CheckViolation), transaction.atomic():
            sql.run(f"UPDATE payments_payment SET {wrong} WHERE id = %(id)s::uuid", {"id": payment})


def test_what_is_not_captured_is_voided_once(order: UUID) -> None:
    authorized(order)
    capture(SYSTEM, requests=[Capture(order, 600)])

    assert void(SYSTEM, requests=[Void(order)]) == [Voided(400)]
    assert void(SYSTEM, requests=[Void(order)]) == [Voided(0)]
    assert amounts(order) == [(600, 600, 0, "captured")]


def test_a_voided_payment_can_not_be_captured(order: UUID) -> None:
    authorized(order)
    void(SYSTEM, requests=[Void(order)])

    assert amounts(order) == [(0, 0, 0, "voided")]
    assert capture(SYSTEM, requests=[Capture(order, 1)]) == [Captured(0, 1)]


def test_nonsense_is_refused_and_changes_nothing(order: UUID) -> None:
    authorized(order)
    before = amounts(order)

    answers = [
        *authorize(SYSTEM, requests=[Authorize(COMPANY, order, "piggy bank", "x", "GBP", 1, NOW)]),
        *authorize(SYSTEM, requests=[Authorize(COMPANY, order, "account", "x", "GBP", -1, NOW)]),
        *capture(SYSTEM, requests=[Capture(order, -1)]),
        *refund(SYSTEM, requests=[Refund(order, 0)]),
        *settle(SYSTEM, requests=[Settle(ids.uuid7(), ok=True)]),
    ]

    assert [answer.code for answer in answers if isinstance(answer, Refused)] == [
        "payments.unknown_provider", "payments.not_a_payment", "payments.not_a_payment", "payments.not_a_payment",
        NotFound.code,
    ]  # fmt: skip
    assert amounts(order) == before


@pytest.mark.parametrize(
    ("command", "request_of"),
    [
        (capture, lambda order: Capture(order, 100, key="k")),
        (refund, lambda order: Refund(order, 100, key="k")),
        (void, lambda order: Void(order, key="k")),
        (authorize, lambda order: Authorize(COMPANY, order, "account", "r", "GBP", 5, NOW, key="k")),
    ],
)
def test_the_same_key_has_one_effect(order: UUID, command, request_of) -> None:
    authorized(order)
    capture(SYSTEM, requests=[Capture(order, 500)])
    first = command(SYSTEM, requests=[request_of(order)])
    after_first = amounts(order)

    assert command(SYSTEM, requests=[request_of(order)]) == first
    assert amounts(order) == after_first


# ---- a remote provider


def relayed(times: int = 1) -> None:
    """Run the relay; messages that failed are due again at once."""
    for _ in range(times):
        sql.run(
            "UPDATE kernel_delivery SET next_try_at = %(now)s::timestamptz",
            {"now": timezone.now() - timedelta(days=1)},
        )
        relay.relay_once(DESTINATIONS)


def test_a_remote_capture_is_posted_when_the_provider_confirms(order: UUID) -> None:
    authorized(order, provider="fake", reference="card-1")
    assert capture(SYSTEM, requests=[Capture(order, 600)]) == [Captured(600, 0)]
    assert amounts(order) == [(1000, 0, 0, "authorized")]
    assert balance(1100) == 0

    relayed()

    assert amounts(order) == [(1000, 600, 0, "captured")]
    assert balance(1100) == 600


def test_what_was_asked_for_is_not_asked_for_twice(order: UUID) -> None:
    authorized(order, provider="fake", reference="card-2")
    capture(SYSTEM, requests=[Capture(order, 700)])

    assert capture(SYSTEM, requests=[Capture(order, 700)]) == [Captured(300, 400)]


def test_a_provider_that_times_out_is_asked_again_with_the_same_key(order: UUID) -> None:
    authorized(order, provider="fake", reference="slow2-card")
    capture(SYSTEM, requests=[Capture(order, 600)])
    asked_before = len(fake.client.asked)

    relayed(times=3)

    asked = fake.client.asked[asked_before:]
    assert len(asked) == 3
    assert len({one.attempt for one in asked}) == 1
    assert amounts(order) == [(1000, 600, 0, "captured")]
    assert delivery.claim(timezone.now(), 10) == []


def test_a_declined_capture_is_free_again_and_opens_a_work_item(order: UUID) -> None:
    authorized(order, provider="fake", reference="declined-card")
    capture(SYSTEM, requests=[Capture(order, 600)])

    relayed()

    assert amounts(order) == [(1000, 0, 0, "authorized")]
    assert sql.run("SELECT type, role FROM work_item") == [("payment capture failed", "controller")]
    assert capture(SYSTEM, requests=[Capture(order, 600)]) == [Captured(600, 0)]


def test_the_first_answer_of_a_provider_counts(order: UUID) -> None:
    authorized(order, provider="fake", reference="card-3")
    capture(SYSTEM, requests=[Capture(order, 600)])
    ((attempt,),) = sql.run("SELECT id FROM payments_attempt")

    for ok in (True, True, False, True, False):
        assert settle(SYSTEM, requests=[Settle(attempt, ok=ok)]) == [Settled(attempt, "done")]

    assert amounts(order) == [(1000, 600, 0, "captured")]
    assert balance(1100) == 600


# ---- at once, and many


def test_refunds_at_once_never_exceed_what_was_captured(committed_db: None) -> None:
    a_floor(skus=0, channels=())
    order = ids.uuid7()
    authorized(order)
    capture(SYSTEM, requests=[Capture(order, 1000)])

    answers = all_at_once(refund, SYSTEM, *[[Refund(order, 99)]] * 20)

    assert sum(isinstance(answer, Refunded) for answer in answers) == 10
    assert amounts(order) == [(1000, 1000, 990, "part_refunded")]


@pytest.mark.counts("payments.authorize", "payments.capture", "payments.void")
@pytest.mark.parametrize("provider", ["account", "fake"])
def test_statements_do_not_grow_with_the_batch(order: UUID, provider: str, statements) -> None:
    counts = []
    for size in SIZES:
        orders = [ids.uuid7() for _ in range(size)]
        ran_by_command = []
        for command, requests in (
            (authorize, [Authorize(COMPANY, one, provider, "r", "GBP", 100, NOW) for one in orders]),
            (capture, [Capture(one, 60) for one in orders]),
            (void, [Void(one) for one in orders]),
        ):
            with statements() as ran:
                command(SYSTEM, requests=requests)  # type: ignore[operator]
            ran_by_command.append(len(ran))
        counts.append(ran_by_command)

    assert counts[0] == counts[1] == counts[2]
