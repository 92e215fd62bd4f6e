"""The search in the head and the menus of a phone, in a real browser."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from tests.shop import Shop


@pytest.fixture
def shop(open_shop) -> Shop:
    return open_shop(1)


@pytest.fixture
def console(page: Page, shop: Shop) -> Page:
    from tests.shop import PASSWORD

    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/login/")
    page.get_by_label("Name").fill("supervisor")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Enter").click()
    page.wait_for_url("**/")
    return page


def test_anything_is_found_without_the_mouse_and_a_list_is_made_ones_own(console: Page):
    keys, field = console.keyboard, console.get_by_role("combobox", name="Search")
    keys.press("Control+k")
    expect(field).to_be_focused()
    expect(console.get_by_role("option", name="Propose a wave")).to_be_visible()
    keys.type("so-1")
    options = console.get_by_role("option")
    expect(options.first).to_contain_text("SO-1")
    expect(options.first).to_have_attribute("aria-selected", "true")
    keys.press("ArrowDown")
    chosen = options.nth(1)
    expect(field).to_have_attribute("aria-activedescendant", str(chosen.get_attribute("id")))
    number = chosen.locator("b").inner_text()
    keys.press("Escape")
    expect(console.get_by_role("listbox")).to_be_hidden()
    field.fill(number)
    expect(options.first.locator("b")).to_have_text(number)
    keys.press("Enter")
    console.wait_for_url(re.compile("/orders/.+/"))

    expect(console.locator(".areas a:visible")).to_have_count(5)
    console.locator(".further-areas summary").click()
    console.locator(".further-areas").get_by_role("link", name="Orders").click()
    console.wait_for_url("**/orders/")
    assert console.evaluate("document.documentElement.scrollWidth <= innerWidth")

    console.get_by_text("Columns", exact=True).click()
    console.get_by_role("checkbox", name="Customer").uncheck()
    console.get_by_role("button", name="Show these").click()
    expect(console.locator("td[data-name=Channel]").first).to_be_visible()
    expect(console.locator("td[data-name=Customer]")).to_have_count(0)
    console.get_by_text("Views", exact=True).click()
    console.get_by_label("Save what is shown as").fill("Without customers")
    console.get_by_role("button", name="Save the view").click()
    expect(console.get_by_text("The view is saved.")).to_be_visible()
    console.goto("/orders/")
    console.get_by_text("Views", exact=True).click()
    console.get_by_role("link", name="Without customers").click()
    expect(console.locator("td[data-name=Customer]")).to_have_count(0)
