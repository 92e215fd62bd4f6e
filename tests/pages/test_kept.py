"""A form whose person was out when it was sent: nothing that was typed is lost."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from tests.pages.test_console import WIDE, enter

if TYPE_CHECKING:
    from tests.shop import Shop

TYPED = "Asked the carrier; they look until noon."


@pytest.fixture
def shop(open_shop) -> Shop:
    return open_shop(1)


@pytest.fixture
def console(page: Page, shop: Shop) -> Page:
    page.set_viewport_size(WIDE)
    enter(page, "lead")
    return page


def half_filled(console: Page) -> str:
    """A form with a text typed into it whose person is out by now; answers the address of its page."""
    console.goto("/work/?type=fraud+review")
    console.locator("tr[data-row] th a").first.click()
    console.wait_for_url(re.compile("/work/.+/"))
    note = console.locator("main form textarea, main form input[name=note]").first
    note.evaluate(
        "one => { for (let up = one.closest('details'); up; up = up.parentElement.closest('details')) up.open = true; }"
    )
    note.fill(TYPED)
    console.context.clear_cookies(name="sessionid")
    note.evaluate("one => one.form.querySelector('button:not([hidden])').click()")
    console.wait_for_url("**/login/**")
    return str(note)


def come_in(console: Page, name: str) -> None:
    from tests.shop import PASSWORD

    console.get_by_label("Name").fill(name)
    console.get_by_label("Password").fill(PASSWORD)
    console.get_by_role("button", name="Enter").click()


def test_what_was_typed_stands_there_again_after_entering(console: Page) -> None:
    half_filled(console)
    come_in(console, "lead")
    console.wait_for_url(re.compile("/work/.+/"))

    expect(console.get_by_text("What you sent was not taken")).to_be_visible()
    values = console.evaluate(
        "[...document.querySelectorAll('main textarea, main input')].map((one) => one.value)"
    )
    assert TYPED in values
    console.reload()
    expect(console.get_by_text("What you sent was not taken")).to_have_count(0)


def test_it_is_not_shown_to_somebody_else(console: Page) -> None:
    half_filled(console)
    come_in(console, "supervisor")
    console.wait_for_url(re.compile("/work/.+/"))

    expect(console.get_by_text("What you sent was not taken")).to_have_count(0)
    assert TYPED not in console.content()
    assert console.evaluate("sessionStorage.getItem('sent')") is None


def test_a_form_of_before_the_last_entering_is_led_back_to(console: Page) -> None:
    console.goto("/work/?type=fraud+review")
    console.locator("tr[data-row] th a").first.click()
    console.wait_for_url(re.compile("/work/.+/"))
    note = console.locator("main form textarea, main form input[name=note]").first
    note.evaluate(
        "one => { for (let up = one.closest('details'); up; up = up.parentElement.closest('details')) up.open = true; }"
    )
    note.fill(TYPED)
    console.context.clear_cookies(name="csrftoken")
    note.evaluate("one => one.form.querySelector('button:not([hidden])').click()")
    expect(console.get_by_role("heading", name="This form has gone stale")).to_be_visible()
    console.get_by_role("link", name="Back to what you typed").click()
    expect(console.get_by_text("What you sent was not taken")).to_be_visible()
    values = console.evaluate(
        "[...document.querySelectorAll('main textarea, main input')].map((one) => one.value)"
    )
    assert TYPED in values


def test_what_was_taken_is_not_kept(console: Page) -> None:
    console.goto("/work/")
    console.locator("tbody .pick label").first.click()
    console.get_by_role("button", name="Take").click()
    expect(console.get_by_text("1 item is yours.")).to_be_visible()
    assert console.evaluate("sessionStorage.getItem('sent')") is None
    console.reload()
    expect(console.get_by_text("What you sent was not taken")).to_have_count(0)


def test_part_of_a_page_is_not_taken_for_the_door(console: Page) -> None:
    console.goto("/orders/")
    console.context.clear_cookies(name="sessionid")
    console.get_by_label("Status").select_option("packed")
    console.wait_for_url(re.compile(r"/login/\?next=/orders/"))
    expect(console.get_by_role("button", name="Enter")).to_be_visible()


def test_what_met_no_answer_stands_there_again(console: Page) -> None:
    console.goto("/work/?type=fraud+review")
    console.locator("tr[data-row] th a").first.click()
    console.wait_for_url(re.compile("/work/.+/"))
    address = console.url
    console.locator("#why").fill(TYPED)
    console.context.set_offline(True)
    console.get_by_role("button", name="Put aside").click()
    console.wait_for_url("chrome-error://**")
    console.context.set_offline(False)
    console.goto(address)
    expect(console.get_by_text("What you sent was not taken")).to_be_visible()
    expect(console.locator("#why")).to_have_value(TYPED)

    console.get_by_role("button", name="Put aside").click()
    expect(console.get_by_text("1 item is put aside.")).to_be_visible()
    console.goto(address)
    expect(console.get_by_text("What you sent was not taken")).to_have_count(0)


def test_a_form_that_is_answered_by_a_file_is_none_that_was_lost(console: Page) -> None:
    """It leaves its page where it is: what is done there next is about something else."""
    console.goto("/work/")
    console.route("**/search/", lambda route: route.fulfill(status=204))
    console.locator("#search").fill("lamp")
    console.evaluate("document.querySelector('form.search').requestSubmit()")
    console.wait_for_timeout(300)
    console.locator("main h1").click()
    console.goto("/orders/")
    console.goto("/work/")
    expect(console.get_by_text("What you sent was not taken")).to_have_count(0)
    expect(console.locator("#search")).to_have_value("")
