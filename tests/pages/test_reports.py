"""The board of key figures and one of them, on a screen and a phone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from tests.pages.test_console import enter
from tests.pages.test_returns import stands

if TYPE_CHECKING:
    from tests.shop import Shop


@pytest.fixture
def shop(open_shop) -> Shop:
    return open_shop(3)


@pytest.mark.timeout(180)
def test_the_figures_come_one_by_one_and_lead_to_their_rows(
    page: Page, site: str, shop: Shop, tmp_path: Path
) -> None:
    enter(page, "lead")
    page.goto("/reports/")
    expect(page.locator(".tile .figure")).to_have_count(page.locator(".tile").count())
    stands(page, "board", tmp_path)
    page.get_by_role("link", name="Held orders").click()
    page.get_by_label("By", exact=True).select_option("kind")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("link", name="Address hold").click()
    expect(page.get_by_role("heading", name="The rows behind it")).to_be_visible()
    stands(page, "report", tmp_path)
    page.locator("tbody th a").last.click()
    expect(page.get_by_text("address hold").first).to_be_visible()
