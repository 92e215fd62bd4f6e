"""The navigation: what a phone's bar and a row of tabs have room for."""

from __future__ import annotations

import pytest

from entrepot.access.rules import ROLES
from entrepot.web import areas
from entrepot.web.areas import AREAS, AT_HAND, FIRST, MOST_TABS, Area, Page, at_hand, tabs_beside

NAMES = [area.name for area in AREAS]


def everything(_command: str) -> bool:
    return True


def test_no_key_leads_to_two_areas_and_no_page_stands_in_two():
    keys = [area.key for area in AREAS]
    urls = [page.url for area in AREAS for page in area.pages]
    assert len(set(keys)) == len(keys)
    assert len(set(urls)) == len(urls)


def test_every_role_has_as_many_areas_at_hand_as_a_phone_shows():
    assert sorted(FIRST) == sorted(ROLES)
    for role, names in FIRST.items():
        assert set(names) <= set(NAMES), role
        assert at_hand([role]) == set(names), role
        assert len(names) == AT_HAND, role


def test_several_roles_share_the_bar_in_turn():
    assert at_hand(["packer", "controller"]) == {"ship", "home", "floor", "books", "orders"}
    assert at_hand([]) == set(FIRST["operations lead"])
    assert len(at_hand(sorted(ROLES))) == AT_HAND


@pytest.mark.parametrize("area", AREAS, ids=NAMES)
def test_no_row_of_tabs_is_longer_than_it_may_be(area: Area):
    for page in area.pages:
        tabs = tabs_beside(page.url, everything)
        assert len(tabs.row) <= MOST_TABS
        if len(area.pages) > 1:
            assert {*tabs.row, *tabs.rest} == set(area.pages)
            assert page in tabs.row


def test_what_the_row_has_no_room_for_stands_under_more(monkeypatch: pytest.MonkeyPatch):
    pages = tuple(Page(f"p{i}", f"P{i}", "some.command" if i == 1 else "") for i in range(10))
    monkeypatch.setattr(areas, "AREAS", (Area("many", "Many", "box", "m", "Many", pages),))

    tabs = tabs_beside("p0", everything)
    assert [one.url for one in tabs.row] == ["p0", "p1", "p2", "p3", "p4", "p5", "p6"]
    assert [one.url for one in tabs.rest] == ["p7", "p8", "p9"]
    tabs = tabs_beside("p8", everything)
    assert [one.url for one in tabs.row] == ["p0", "p1", "p2", "p3", "p4", "p5", "p8"]
    assert [one.url for one in tabs.rest] == ["p6", "p7", "p9"]
    assert "p1" not in [one.url for one in tabs_beside("p0", lambda _: False).row]
    assert tabs_beside("elsewhere", everything) == areas.Tabs()
