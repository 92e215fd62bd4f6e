"""What a provider that takes steps of a currency is asked for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from entrepot.payments.rules import Standing

PARTS = st.lists(st.integers(1, 3_000), min_size=1, max_size=8)


@given(PARTS, st.sampled_from([1, 10, 100]))
def test_parts_of_an_amount_make_it_at_the_provider_as_well(parts: list[int], step: int):
    own = Standing()
    for part in [*parts, -sum(parts) % step]:
        assert own.ask(part, step) % step == 0
        assert abs(own.asked - own.amount) * 2 <= step, "never further off than half a step"
    assert own.asked == own.amount


@given(PARTS, st.lists(st.booleans(), min_size=8, max_size=8), st.integers(0, 20))
def test_whatever_fails_no_more_is_asked_back_than_was_taken(parts: list[int], fails: list[bool], less: int):
    taken = max(0, round(sum(parts), -1) - less * 10)
    own, again = Standing(), []
    for part, failed in zip(parts, fails, strict=False):
        asked = own.ask(part, 10, taken)
        if failed:
            own.amount, own.asked = own.amount - part, own.asked - asked
            again.append(part)
        assert 0 <= own.asked <= taken
    for part in again:
        own.ask(part, 10, taken)
        assert 0 <= own.asked <= taken
    if not less and again:
        assert own.asked == (sum(parts) + 5) // 10 * 10 or own.asked == taken


def test_what_failed_is_asked_for_with_what_stands():
    own = Standing()
    assert (own.ask(504, 10, 1_010), own.ask(504, 10, 1_010)) == (500, 510)
    own = Standing(504, 510)  # the first of them bounced
    assert own.ask(504, 10, 1_010) == 500
