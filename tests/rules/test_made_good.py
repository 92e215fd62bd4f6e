"""What answers of suppliers to a claim move in the books."""

from __future__ import annotations

from itertools import product

from entrepot.purchasing.receiving import made_good
from entrepot.purchasing.states import CLAIM

CLAIMED = 1_000
ANSWERS = tuple(product(("agree", "credit", "replace", "refuse"), (None, 1, 700, CLAIMED)))


def test_what_is_receivable_is_what_was_agreed_and_not_credited():
    for steps in product(ANSWERS, repeat=3):
        state, agreed, receivable, recovered = "open", 0, 0, 0
        for answer, amount in steps:
            after = CLAIM.step(state, answer)
            if not isinstance(after, str):
                continue
            moved = made_good(answer, amount, CLAIMED, agreed)
            receivable += moved.recognized - moved.received
            recovered += moved.recognized
            state, agreed = after, moved.agreed
            assert 0 <= moved.credited <= moved.agreed <= CLAIMED
            assert (receivable, recovered) == (moved.agreed - moved.credited, moved.agreed)
        assert state in ("open", "agreed") or receivable == 0
