"""The way back in a real browser: asked for, received, inspected, refunded and approved, by different people."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Page, expect

from tests.pages.test_console import NAMELESS, NARROW, TOO_FAINT, WIDE, enter

if TYPE_CHECKING:
    from tests.shop import Shop


@pytest.fixture
def shop(committed_db) -> Shop:
    from tests.shop import an_open_shop

    return an_open_shop(each=2)


def leave(page: Page, name: str) -> None:
    """Somebody else sits down."""
    page.context.clear_cookies()
    enter(page, name)


def stands(page: Page, name: str, tmp_path: Path) -> None:
    """The page fits a screen and a phone, can be read, and is kept as a picture."""
    for size in (WIDE, NARROW):
        page.set_viewport_size(size)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
            f"{name} is wider than {size}"
        )
        assert page.evaluate(NAMELESS) == [], name
        assert page.evaluate(TOO_FAINT) == [], name
        page.screenshot(path=tmp_path / f"{name}-{size['width']}.png", full_page=True)
    page.set_viewport_size(WIDE)


def state(page: Page) -> Any:
    return page.locator(".head .state").first


@pytest.mark.timeout(180)
def test_a_return_goes_from_desk_to_dock_to_bench_to_books(
    page: Page, site: str, shop: Shop, tmp_path: Path
) -> None:
    from entrepot.kernel import relay
    from tests.back import policy

    policy(approve_above_minor=100)
    relay.relay_once(relay.destinations(), limit=100)  # the providers have captured
    order = shop.one("delivered")
    page.set_viewport_size(WIDE)

    # Customer service writes the return.
    enter(page, "service")
    page.goto(f"/orders/{order}/")
    page.get_by_text("Take something back").click()
    page.locator("input[name^=units-]").first.fill("1")
    page.get_by_label("Why", exact=True).select_option("poor_fit")
    page.get_by_label("In the customer's words").fill("too small")
    stands(page, "ask", tmp_path)
    page.get_by_role("button", name="Write the return").click()
    page.wait_for_url(re.compile("/returns/.+/"))
    expect(state(page)).to_have_text("authorized")
    address = page.url
    expect(page.get_by_text("The warehouse receives it when it comes.")).to_be_visible()

    # The warehouse receives it.
    leave(page, "supervisor")
    page.goto(address)
    page.get_by_label("How it looks at the door").fill("box torn")
    stands(page, "receive", tmp_path)
    page.get_by_role("button", name="Receive").click()
    expect(state(page)).to_have_text("received")

    # The inspector works at the station.
    leave(page, "inspector")
    page.goto("/returns/")
    stands(page, "list", tmp_path)
    page.get_by_role("link", name="Inspection station").click()
    page.get_by_label("Defects, as words").fill("scratched")
    stands(page, "station", tmp_path)
    page.get_by_role("button", name=re.compile("^B")).click()
    expect(page.get_by_role("button", name="Second grade")).to_be_visible()
    stands(page, "disposition", tmp_path)
    page.get_by_text("Something else").click()
    page.get_by_label("What is done with it").select_option("liquidate")
    page.get_by_role("button", name="Do that").click()
    expect(page.get_by_text("liquidate instead needs a reason")).to_be_visible()
    page.get_by_role("button", name="Second grade").click()
    expect(page.get_by_text("Nothing waits for inspection")).to_be_visible()

    # What is due is computed, and waits for somebody else.
    leave(page, "service")
    page.goto(address)
    page.get_by_role("button", name="Refund what is due").click()
    expect(page.locator("section.card .state.held").first).to_have_text("waiting")
    stands(page, "return", tmp_path)

    # The controller decides.
    leave(page, "books")
    page.goto("/returns/refunds/")
    stands(page, "refunds", tmp_path)
    page.get_by_role("button", name="Reject").click()
    expect(page.get_by_text("rejecting needs a reason")).to_be_visible()
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("No refund waits")).to_be_visible()
    page.goto(address)
    expect(state(page)).to_have_text("disposed")  # the provider has not paid it out yet
    stands(page, "done", tmp_path)


def test_whoever_asked_is_told_why_he_may_not_receive(page: Page, site: str, shop: Shop) -> None:
    order = shop.one("delivered")
    enter(page, "root")
    page.goto(f"/orders/{order}/")
    page.get_by_text("Take something back").click()
    page.locator("input[name^=units-]").first.fill("1")
    page.get_by_role("button", name="Write the return").click()
    page.wait_for_url(re.compile("/returns/.+/"))

    expect(page.get_by_text("somebody else receives it")).to_be_visible()
    expect(page.get_by_role("button", name="Receive")).to_have_count(0)
