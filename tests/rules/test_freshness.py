"""What a silence of a feed means."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.insight.freshness import FEW, FeedPolicy, Gaps, judge

NIGHT_S = 9 * 3600.0


@pytest.mark.parametrize(
    ("minutes", "usual_s", "longest_s", "count", "said"),
    [
        (179, 3600, 3600, 50, "fresh"),
        (181, 3600, 3600, 50, "late"),
        (601, 3600, 3600, 50, "silent"),
        (601, 3600, 3600, FEW - 1, "unknown"),
        (601, None, None, 1, "unknown"),
        (14, 0.0, 0.0, 500, "fresh"),  # an import at one moment: its gaps say nothing about minutes
        (16, 0.0, 0.0, 500, "silent"),
        (16, 60.0, NIGHT_S, 500, "late"),
        (539, 60.0, NIGHT_S, 500, "late"),  # a night
        (541, 60.0, NIGHT_S, 500, "silent"),
    ],
)
def test_a_silence_is_measured_by_the_gaps_of_late(minutes, usual_s, longest_s, count, said):
    assert judge(timedelta(minutes=minutes), Gaps(usual_s, longest_s, count), FeedPolicy()) == said


def test_a_policy_says_how_many_times_the_usual_gap():
    gaps, hour = Gaps(600.0, 600.0, 50), timedelta(hours=1)
    assert judge(hour, gaps, FeedPolicy()) == "late"
    assert judge(hour, gaps, FeedPolicy(late=2, silent=5)) == "silent"
    assert judge(hour, gaps, FeedPolicy(patience_minutes=90, silent=2)) == "fresh"


ORDER = ("fresh", "late", "silent")


@given(
    st.floats(0, 10**5), st.floats(0, 10**6), st.integers(FEW, 5_000), st.integers(0, 10**6), st.integers(0, 10**6),
    st.builds(
        FeedPolicy, late=st.integers(1, 50), silent=st.integers(50, 500), patience_minutes=st.integers(1, 600)
    ),
)  # fmt: skip
def test_a_longer_silence_is_never_better_news(usual, more, count, one, other, policy):
    gaps = Gaps(usual, usual + more, count)
    shorter, longer = sorted((one, other))
    before, after = (judge(timedelta(seconds=each), gaps, policy) for each in (shorter, longer))
    assert ORDER.index(before) <= ORDER.index(after)
    assert judge(timedelta(seconds=gaps.longest_s or 0), gaps, policy) != "silent", (
        "it was silent so long before"
    )
