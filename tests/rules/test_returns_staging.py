"""How long units may stand in returns staging."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from entrepot.returns.staging import StagingPolicy, due_at

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
HOURS = st.dictionaries(st.sampled_from("abc"), st.integers(0, 10_000))


def test_what_is_named_counts_and_of_both_the_shorter():
    policy = StagingPolicy(72, {"food": 4, "lighting": 200}, {"recalled": 8})
    hours = [
        (due_at(policy, category, reason, NOW) - NOW) / timedelta(hours=1)
        for category, reason in (("paper", "style"), ("food", "style"), ("food", "recalled"), ("lighting", "recalled"),
                                 ("lighting", "style"))
    ]  # fmt: skip
    assert hours == [72, 4, 4, 8, 200]


@given(hours=st.integers(0, 10_000), categories=HOURS, reasons=HOURS)
def test_nothing_is_due_before_it_came(hours: int, categories: dict[str, int], reasons: dict[str, int]):
    assert due_at(StagingPolicy(hours, categories, reasons), "a", "b", NOW) >= NOW
