"""A provider's message in a race: however many take it at once, it is done once."""

from __future__ import annotations

from functools import partial

import pytest

from entrepot.kernel import ids, sql
from entrepot.payments import queries
from entrepot.payments.commands.authorize import Authorize, authorize
from entrepot.payments.commands.capture import Capture, capture
from entrepot.payments.commands.settle import Settle, settle
from entrepot.payments.commands.take_messages import TakeMessage, take_messages
from tests.floor import COMPANY, NOW, SYSTEM, a_floor, balance
from tests.stripe import dispute, event
from tests.together import at_once

pytestmark = [
    pytest.mark.usefixtures("committed_db"),
    pytest.mark.alone("kernel", "ledger", "payments", "work"),
]


def test_a_dispute_that_is_told_many_times_at_once_is_booked_once(committed_db: None):
    a_floor(skus=0, channels=())
    order = ids.uuid7()
    authorize(SYSTEM, requests=[Authorize(COMPANY, order, "stripe", "pi_1", "GBP", 1_000, NOW)])
    capture(SYSTEM, requests=[Capture(order, 1_000)])
    ((attempt,),) = sql.run("SELECT id FROM payments_attempt")
    settle(SYSTEM, requests=[Settle(attempt, ok=True, provider_reference="ch_1")])
    told = TakeMessage(COMPANY, event("evt_1", "charge.dispute.created", dispute("dp_1", "pi_1", 400)))

    answers = at_once([partial(take_messages, SYSTEM, requests=[told]) for _ in range(8)])

    assert sorted(one.done for (one,) in answers) == ["known"] * 7 + ["opened"]  # type: ignore[misc]
    assert (queries.of_order(order)[0].disputed_minor, balance(1160)) == (400, 400)
