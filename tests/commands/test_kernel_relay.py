"""The relay: what it sends, sends again, and keeps."""

from __future__ import annotations

import json

import pytest
from django.db import OperationalError

from entrepot.kernel import delivery, ids, relay, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.delivery import Claimed, Message
from entrepot.kernel.errors import Unavailable
from tests.floor import COMPANY, NOW, SYSTEM

pytestmark = pytest.mark.django_db


def states() -> list[tuple]:
    return sql.run("SELECT state, attempts, last_error FROM kernel_delivery ORDER BY id")


def test_messages_of_one_subject_go_out_in_order_and_one_that_fails_holds_back_only_its_own() -> None:
    first, second = ids.uuid7(), ids.uuid7()
    for subject, body in ((first, 1), (first, 2), (second, 3)):
        delivery.send(SYSTEM, [Message("post:a", "topic", subject, COMPANY, body)])
    seen: list[str] = []

    def sender(_cause: Cause, message: Claimed) -> None:
        seen.append(message.body)
        if message.body == "1" and seen.count("1") == 1:
            raise Unavailable("try later")

    relay.relay_once({"post": sender}, at=NOW)
    assert seen == ["1", "3"]
    later = NOW + delivery.RETRY_AFTER[0]
    relay.relay_once({"post": sender}, at=later)

    assert seen == ["1", "3", "1", "2"]
    assert [state for state, *_ in states()] == ["delivered"] * 3


def test_after_the_last_wait_a_message_is_dead() -> None:
    delivery.send(SYSTEM, [Message("post:a", "topic", ids.uuid7(), COMPANY, {})])

    def sender(_cause: Cause, _message: Claimed) -> None:
        raise Unavailable("nobody there")

    at = NOW
    for wait in (*delivery.RETRY_AFTER, delivery.RETRY_AFTER[-1]):
        relay.relay_once({"post": sender}, at=at)
        at += wait

    assert states() == [("dead", len(delivery.RETRY_AFTER) + 1, "nobody there")]


def test_what_nobody_can_send_yet_is_kept_and_not_tried_again() -> None:
    delivery.send(SYSTEM, [Message("channels:shop", "order.shipped", ids.uuid7(), COMPANY, {})])

    assert relay.relay_once({}, at=NOW) == 0
    assert relay.relay_once({}, at=NOW) == 0

    assert states() == [("kept", 0, "no connector sends to channels:shop yet")]


def test_a_bug_in_a_sender_is_a_failed_attempt_of_its_message_and_stops_no_other() -> None:
    for body in ({"no": 1}, {"id": 2}):
        delivery.send(SYSTEM, [Message("post:a", "topic", ids.uuid7(), COMPANY, body)])

    def sender(_cause: Cause, message: Claimed) -> None:
        sql.run("UPDATE kernel_delivery SET topic = 'half done' WHERE id = %(id)s", {"id": message.id})
        _ = json.loads(message.body)["id"]

    assert relay.relay_once({"post": sender}, at=NOW) == 1
    assert states() == [("waiting", 1, "a fault of ours: KeyError: 'id'"), ("delivered", 1, "")]
    assert sql.run("SELECT topic FROM kernel_delivery ORDER BY id") == [("topic",), ("half done",)]
    assert relay.relay_once({"post": sender}, at=NOW) == 0, "it has a wait of its own"


def test_a_database_that_is_away_is_no_attempt() -> None:
    delivery.send(SYSTEM, [Message("post:a", "topic", ids.uuid7(), COMPANY, {})])

    def sender(_cause: Cause, _message: Claimed) -> None:
        raise OperationalError("it is gone")

    with pytest.raises(OperationalError):
        relay.relay_once({"post": sender}, at=NOW)
    assert states() == [("waiting", 0, "")]


@pytest.mark.parametrize(
    ("lane", "index"),
    [
        (delivery.WITHIN, "kernel_delivery_waiting_within"),
        (delivery.WEBHOOKS, "kernel_delivery_waiting_hooks"),
        (delivery.MAILS, "kernel_delivery_waiting_within"),
    ],
)
def test_a_lane_is_claimed_by_an_index_of_its_own(lane: str, index: str) -> None:
    kinds = ("post:{}", "webhook:{}", "suppliers.mail")
    places = [kinds[i % 3].format(i % 7) for i in range(4_000)]
    delivery.send(SYSTEM, [Message(to, "topic", ids.uuid7(), COMPANY, {}) for to in places])
    sql.run("UPDATE kernel_delivery SET next_try_at = next_try_at - id * interval '1 s'")
    sql.run("ANALYZE kernel_delivery")
    plan = sql.run(f"EXPLAIN {delivery._CLAIMS[lane]}", {"at": NOW, "limit": 1})
    assert any(index in line for (line,) in plan), plan
    (claimed,) = delivery.claim(NOW, 1, lane)
    assert claimed.destination.startswith("webhook:") == (lane == delivery.WEBHOOKS)
    assert claimed.destination.endswith(".mail") == (lane == delivery.MAILS)


class Killed(BaseException):
    """As nobody catches it, so nobody catches a kill."""


def test_one_that_goes_once_is_told_where_an_attempt_may_have_arrived() -> None:
    delivery.send(SYSTEM, [Message("post:a", "topic", ids.uuid7(), COMPANY, {}, once=True)])
    seen: list[bool] = []
    then: list[BaseException] = [
        Unavailable("it was not taken"),
        Killed(),
        KeyError("a bug"),
        Unavailable("away"),
    ]

    def sender(_cause: Cause, message: Claimed) -> None:
        seen.append(message.is_again)
        if then:
            raise then.pop(0)

    at = NOW
    relay.relay_once({"post": sender}, at=at)
    at += delivery.RETRY_AFTER[0]
    with pytest.raises(Killed):
        relay.relay_once({"post": sender}, at=at)
    assert relay.relay_once({"post": sender}, at=at + delivery.LEASE / 2) == 0, "he may be at it still"
    for wait in (delivery.LEASE, delivery.RETRY_AFTER[1], delivery.RETRY_AFTER[2]):
        at += wait
        relay.relay_once({"post": sender}, at=at)
    assert seen == [False, False, True, True, True]
    assert [state for state, *_ in states()] == ["delivered"]


def test_one_that_goes_once_is_noted_before_it_is_sent_and_only_once() -> None:
    delivery.send(SYSTEM, [Message("post:a", "topic", ids.uuid7(), COMPANY, {}, once=True)])
    noted: list[object] = []

    def sender(_cause: Cause, _message: Claimed) -> None:
        noted.extend(sql.run("SELECT begun_at, next_try_at FROM kernel_delivery")[0])

    assert relay.relay_once({"post": sender}, at=NOW) == 1
    assert noted == [NOW, NOW + delivery.LEASE]


def test_whoever_stood_still_longer_than_his_lease_does_not_send_what_another_has_begun() -> None:
    delivery.send(SYSTEM, [Message("post:a", "topic", ids.uuid7(), COMPANY, {}, once=True)])
    (first,) = delivery.claim(NOW, 1)
    delivery.begin(NOW, first)
    later = NOW + delivery.LEASE
    (second,) = delivery.claim(later, 1)
    delivery.begin(later, second)
    assert (first.is_again, second.is_again) == (False, True)
    assert not delivery.claim_begun(NOW, first)
    assert delivery.claim_begun(later, second)
    delivery.failed(later, second, "it was not taken")
    assert not delivery.claim_begun(NOW, first)
