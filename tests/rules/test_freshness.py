"""What a silence of a feed means."""

from __future__ import annotations

from datetime import timedelta

import pytest

from entrepot.insight.freshness import FEW, judge


@pytest.mark.parametrize(
    ("minutes", "usual_s", "count", "said"),
    [
        (179, 3600, 50, "fresh"),
        (181, 3600, 50, "late"),
        (601, 3600, 50, "silent"),
        (601, 3600, FEW - 1, "unknown"),
        (601, None, 1, "unknown"),
        (14, 0.0, 500, "fresh"),  # an import at one moment: its gaps say nothing about minutes
        (16, 0.0, 500, "late"),
    ],
)
def test_a_silence_is_measured_by_the_usual_gap(minutes, usual_s, count, said):
    assert judge(timedelta(minutes=minutes), usual_s, count) == said
