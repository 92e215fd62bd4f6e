"""Webhooks in races: paused while a message to them is sent."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

from django.db import connection

from entrepot.kernel import delivery, ids, relay, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.delivery import Claimed, Message
from entrepot.kernel.errors import Away
from tests.together import until_someone_waits

NOW = datetime.now(UTC)
BY = Cause(Actor("ines", everything=True), NOW)


def test_what_waits_is_put_by_while_one_of_it_is_sent_and_nobody_answers(committed_db):
    to = f"webhook:{ids.uuid7()}"
    for _ in range(2):
        delivery.send(BY, [Message(to, "order.shipped", ids.uuid7(), 1, {"id": "m", "sent": {}})])
    # The second is sent first: so whoever puts them by holds the first, and waits for the second.
    sql.run("UPDATE kernel_delivery SET next_try_at = next_try_at - id * interval '1 s'")

    def put_by() -> None:
        try:
            delivery.put_by([to], "paused")
        finally:
            connection.close()

    seen: list[str] = []
    pausing = threading.Thread(target=put_by)

    def sender(_cause: Cause, _message: Claimed) -> None:
        pausing.start()
        until_someone_waits("transactionid")
        seen.append("a wait")
        raise Away("nobody answers")

    assert relay.relay_once({"webhook": sender}, limit=1, at=NOW + timedelta(minutes=1)) == 0
    pausing.join()
    assert seen == ["a wait"], "what goes wrong in a sender is only told as a failed attempt"
    found = sql.run("SELECT state, attempts, last_error FROM kernel_delivery ORDER BY id")
    assert found == [("kept", 0, "paused"), ("kept", 1, "paused")]
