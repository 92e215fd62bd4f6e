"""The style sheet's variables: read as they stand, and every tone can be read in light and dark."""

from __future__ import annotations

import pytest

from entrepot.web import style_sheet
from entrepot.web.views.style import MEANINGS, sheet


def test_contrast_is_that_of_wcag():
    assert style_sheet.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert style_sheet.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_every_tone_means_something_and_can_be_read():
    tones = style_sheet.tones(sheet())
    assert {one.name for one in tones} == set(MEANINGS)
    for one in tones:
        assert min(one.contrast_light, one.contrast_dark) >= 4.5, one.name


def test_both_ways_to_dark_say_the_same():
    """By the system's wish and by the reader's choice."""
    wished = sheet().partition("prefers-color-scheme: dark")[2].partition("} }")[0]
    assert dict(style_sheet._VARIABLE.findall(wished)) == style_sheet.variables(sheet())[1]


def test_colors_and_sizes_are_told_apart():
    assert {"paper", "ink", "bad", "bad-bg"} <= {one.name for one in style_sheet.colors(sheet())}
    assert {"font", "top", "gap"} <= set(style_sheet.others(sheet()))
    assert style_sheet.others(sheet())["side"] == "12.5rem", "as on a desk"
