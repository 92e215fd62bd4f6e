"""The relay: what it sends, sends again, and keeps."""

from __future__ import annotations

import pytest

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
