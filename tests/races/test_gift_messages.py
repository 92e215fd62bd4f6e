"""Two who write on the same gifts at once: each says what one of them wrote, and nobody waits in a circle."""

from __future__ import annotations

import pytest

from entrepot.kernel import sql
from entrepot.parties.commands.gift_messages import GiftMessageKept, KeepGiftMessage, keep_gift_messages
from tests.floor import COMPANY, SYSTEM, Floor
from tests.together import all_at_once
from tests.walk import placed

pytestmark = pytest.mark.usefixtures("committed_db")


def test_messages_of_the_same_orders_replace_each_other_whole(house: Floor):
    orders = placed(house, 30, (0, 1))

    def say(words: str, step: int) -> list[KeepGiftMessage]:
        return [KeepGiftMessage(COMPANY, one, words) for one in orders[::step]]

    answers = all_at_once(
        keep_gift_messages, SYSTEM, say("from Ada", 1), say("from Bob", -1), say("", 1), say("from Cy", -1)
    )

    assert answers.count(GiftMessageKept(orders[0])) == 4
    found = sql.run("SELECT DISTINCT message FROM parties_giftmessage")
    assert len(found) <= 1, "one batch after the other"
