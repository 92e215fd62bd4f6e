"""A wave in a real browser: proposed and released at a desk, walked with a phone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from tests.pages.test_console import NARROW, enter
from tests.pages.test_returns import stands

if TYPE_CHECKING:
    from tests.shop import Shop


@pytest.fixture
def shop(committed_db) -> Shop:
    from tests.shop import an_open_shop
    from tests.waves import a_shop_that_gathers

    shop = an_open_shop(each=3)
    a_shop_that_gathers(shop)
    return shop


@pytest.mark.timeout(180)
def test_a_wave_goes_from_the_desk_to_the_floor(page: Page, site: str, shop: Shop, tmp_path: Path) -> None:
    enter(page, "supervisor")
    page.keyboard.press("g")
    page.keyboard.press("f")
    page.wait_for_url("**/floor/")
    stands(page, "floor", tmp_path)
    page.get_by_role("button", name="Propose").click()
    page.wait_for_url("**/floor/waves/**")
    expect(page.locator(".head .state")).to_have_text("proposed")
    stands(page, "proposed", tmp_path)
    page.get_by_role("button", name="Release").click()
    expect(page.locator(".head .state")).to_have_text("released")
    stands(page, "released", tmp_path)
    page.goto("/floor/")
    stands(page, "floor-with-lists", tmp_path)
    page.locator("#lists ~ table, section[aria-labelledby=lists] a").first.click()
    page.wait_for_url("**/floor/lists/**")
    stands(page, "list", tmp_path)

    page.set_viewport_size(NARROW)
    page.get_by_role("button", name="Take it").click()
    expect(page.get_by_role("button", name="Give it back")).to_be_visible()
    page.locator("input[name^=found-]").first.fill("0")
    page.get_by_role("button", name="All of it is picked").click()
    expect(page.locator(".message.success")).to_contain_text("The list is picked")
    expect(page.locator("tbody .state", has_text="short")).to_have_count(1)
    stands(page, "picked", tmp_path)
