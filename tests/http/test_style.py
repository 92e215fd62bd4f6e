"""The style page is for administrators, and shows what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from entrepot import web
from entrepot.web import style_sheet, words
from entrepot.web.icons import PATHS, TOWARD
from entrepot.web.templatetags import console as console_tags

pytestmark = pytest.mark.django_db


def test_it_shows_every_icon_state_and_color_to_administrators_alone(console, shop):
    text = console("root").get("/style/").content.decode()
    for name in PATHS:
        assert f"<code>{name}</code>" in text
    for tone, states in words.TONES.items():
        assert text.count(f'class="state {tone}"') >= len(states)
    assert "<code>--bad-bg</code>" in text
    assert console("lead").get("/style/").status_code == 403
    assert "/style/" not in console("lead").get("/").content.decode()


SHEETS = Path(web.__file__).parent / "static" / "web"
ROOT = re.compile(r"^:root[^{]*\{.*?\}", re.DOTALL | re.MULTILINE)
LETTERS = re.compile(r"(?<![\w-])font-size: (?!var\()([^;}]+)|(?<![\w-])font: \d+ (?!var\()([^;}]+)")
ROOM = re.compile(r"(?<![\w-])(?:gap|row-gap|column-gap|(?:padding|margin)(?:-[a-z]+)*): ([^;}]+)")
REM = re.compile(r"(?<![\w.])\d*\.?\d+rem")
OF_LAYOUT = 2.0
"""Rem from which room is a measure of the layout: for an icon in a field, for the bar of a phone."""
ELSE = {".875em", "11px"}
"""Letters that are of the size of those around them, or of a drawing."""


@pytest.mark.parametrize("name", ["style.css", "portal.css"])
def test_letters_and_room_are_of_the_scales_and_none_stands_by_itself(name):
    body = ROOT.sub("", (SHEETS / name).read_text())
    letters = {one or other for one, other in LETTERS.findall(body)} - ELSE
    assert letters == set(), "a size of letters is one of --text-1 to --text-11"
    room = ROOM.findall(body)
    odd = {one for value in room for one in REM.findall(value) if float(one[:-3]) < OF_LAYOUT}
    assert odd == set(), "room is one of --space-1 to --space-11, or a measure of the layout"


def test_a_page_with_less_room_has_other_values_of_the_same_scales():
    sheet = (SHEETS / "style.css").read_text()
    own = dict(
        style_sheet._VARIABLE.findall(re.search(r"^:root \{(.*?)\n\}", sheet, re.DOTALL | re.MULTILINE)[1])
    )
    less = re.search(r'^:root\[data-density="compact"\] \{(.*?)\n\}', sheet, re.DOTALL | re.MULTILINE)[1]
    for which, value in style_sheet._VARIABLE.findall(less):
        assert float(value.removesuffix("rem")) < float(own[which].removesuffix("rem")), which


def test_nothing_is_said_of_left_and_right_where_a_page_may_run_the_other_way():
    sheets = "".join((SHEETS / name).read_text() for name in ("style.css", "portal.css", "scan.css"))
    assert re.findall(r"(?:margin|padding|border)-(?:left|right)\b|(?<![\w-])(?:left|right): ", sheets) == []
    assert re.findall(r"inset -?\d+px 0", sheets) == [], "a mark at the start of a line is turned with it"
    assert set(PATHS) >= TOWARD
    assert 'class="icon toward"' in console_tags.icon("next") and "toward" not in console_tags.icon("down")
