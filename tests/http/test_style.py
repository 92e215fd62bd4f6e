"""The style page is for administrators, and shows what there is."""

from __future__ import annotations

import pytest

from entrepot.web import words
from entrepot.web.icons import PATHS

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
