"""What becomes of parcels in trouble, and the money of claims."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from entrepot.shipping.rules import EVENT_KINDS
from entrepot.shipping.trouble import Answer, Trouble, answer, claim_by, move

POLICY = Trouble()
AGAIN = replace(POLICY, reship=("lost", "damaged"))


def test_what_is_lost_is_claimed_and_sent_again_where_the_policy_says_so():
    assert answer(["in transit", "lost"], 2_000, arrived=False, policy=POLICY) == Answer(("lost",), "")
    assert answer(["lost"], 2_000, arrived=False, policy=AGAIN) == Answer(("lost",), "lost")
    assert answer(["lost"], 10_001, arrived=False, policy=AGAIN) == Answer(("lost",), "")
    assert answer(["lost", "delayed"], 2_000, arrived=True, policy=AGAIN) == Answer((), "")
    assert answer(["damaged"], 2_000, arrived=True, policy=AGAIN) == Answer(("damaged",), "damaged")
    assert claim_by(date(2026, 11, 23), POLICY) == date(2027, 1, 22)


@given(st.sets(st.sampled_from(EVENT_KINDS)), st.integers(0, 20_000), st.booleans())
def test_nothing_is_claimed_or_sent_again_that_the_policy_does_not_name(kinds, goods, arrived):
    told = answer(kinds, goods, arrived=arrived, policy=AGAIN)
    assert set(told.claims) <= kinds & set(AGAIN.claim)
    assert told.reship in ("", *kinds & set(AGAIN.reship))
    assert not (told.reship and goods > AGAIN.reship_up_to_minor)


STEPS = st.lists(
    st.tuples(st.sampled_from(["agree", "credit", "refuse"]), st.none() | st.integers(1, 900)), max_size=4
)


@given(STEPS)
def test_the_receivable_is_what_was_agreed_and_not_credited_whatever_the_steps(steps):
    agreed = credited = recognized = received = 0
    for step, amount in steps:
        moved = move(step, amount, 900, agreed)
        agreed, credited = moved.agreed, moved.credited
        recognized, received = recognized + moved.recognized, received + moved.received
        assert recognized == agreed
        if step in ("credit", "refuse"):
            break  # the states end there
    assert recognized - received == agreed - credited
