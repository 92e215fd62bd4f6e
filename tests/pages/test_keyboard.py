"""The console without a mouse: where the focus goes, and where it comes back to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from tests.pages.test_console import WIDE, enter
from tests.pages.test_every_page import AXE, GRAVE, RUN, WHOLE

if TYPE_CHECKING:
    from tests.shop import Shop

AT = "document.activeElement"


@pytest.fixture
def shop(open_shop) -> Shop:
    return open_shop(1)


@pytest.fixture
def console(page: Page, shop: Shop) -> Page:
    page.set_viewport_size(WIDE)
    enter(page, "lead")
    return page


def test_the_search_gives_the_focus_back(console: Page) -> None:
    console.goto("/orders/")
    console.keyboard.press("j")
    console.keyboard.press("j")
    row = console.evaluate(f"{AT}.getAttribute('href')")
    for opens in ("Control+k", "/"):
        console.keyboard.press(opens)
        expect(console.locator("#search")).to_be_focused()
        expect(console.get_by_role("listbox")).to_be_visible()
        console.keyboard.press("Escape")
        expect(console.get_by_role("listbox")).to_be_hidden()
        assert console.evaluate(f"{AT}.getAttribute('href')") == row


def test_menus_open_close_and_give_the_focus_back(console: Page) -> None:
    console.goto("/orders/")
    person, sheet = console.locator(".person summary"), console.locator(".person .sheet")
    person.focus()
    console.keyboard.press("Enter")
    expect(sheet).to_be_visible()
    console.keyboard.press("Tab")
    console.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    expect(person).to_be_focused()

    console.keyboard.press("Enter")
    console.keyboard.press("Shift+Tab")
    expect(sheet).to_be_hidden()

    person.focus()
    console.keyboard.press("Enter")
    button = console.get_by_role("button", name="Keyboard shortcuts")
    button.focus()
    console.keyboard.press("Enter")
    expect(console.locator("#help")).to_be_visible()
    assert console.evaluate(f"{AT}.closest('dialog') !== null")
    console.keyboard.press("Escape")
    expect(console.locator("#help")).to_be_hidden()
    expect(person).to_be_focused()


def test_a_press_on_a_word_of_a_menu_leaves_it_open(console: Page) -> None:
    console.goto("/orders/")
    menu = console.locator("details.menu", has=console.get_by_text("Columns", exact=True))
    console.get_by_text("Columns", exact=True).click()
    labels = menu.locator("label:has(input[type=checkbox])")
    before = [labels.nth(n).locator("input").is_checked() for n in (0, 1)]
    for n in (0, 1):
        label = labels.nth(n).bounding_box()
        assert label
        labels.nth(n).click(position={"x": label["width"] - 4, "y": label["height"] / 2})
        expect(menu.locator(".sheet")).to_be_visible()
    assert [labels.nth(n).locator("input").is_checked() for n in (0, 1)] == [not one for one in before]


def test_messages_are_dismissed_one_after_the_other(console: Page) -> None:
    console.goto("/work/")
    console.locator("tbody .pick label").first.click()
    console.get_by_role("button", name="Take").click()
    dismiss = console.get_by_role("button", name="Dismiss")
    expect(dismiss).to_have_count(1)
    console.evaluate("""() => {
      const one = document.querySelector("#messages .message");
      for (const said of ["second", "third"]) {
        const more = one.cloneNode(true);
        more.querySelector("p").textContent = said;
        one.parentElement.append(more);
      }
    }""")
    dismiss.nth(1).focus()
    console.keyboard.press("Enter")
    expect(console.get_by_text("second", exact=True)).to_have_count(0)
    assert console.evaluate(f"{AT}.closest('.message').querySelector('p').innerText") == "third"
    console.keyboard.press("Enter")
    expect(dismiss).to_have_count(1)
    expect(dismiss).to_be_focused()
    console.keyboard.press("Enter")
    expect(dismiss).to_have_count(0)
    assert console.evaluate(f"{AT}.id") == "main"


def test_the_board_is_arranged_without_losing_ones_place(console: Page) -> None:
    console.goto("/dashboard/?arrange=1")
    names = console.locator(".arrange li > span:first-child")
    first, second = (names.nth(at).inner_text() for at in (0, 1))
    button = console.locator(".arrange li").nth(1).get_by_role("button").first
    button.focus()
    console.keyboard.press("Enter")
    expect(names.nth(0)).to_have_text(second)
    expect(names.nth(1)).to_have_text(first)
    expect(console.locator(".arrange li").nth(0).locator(":focus")).to_have_count(1)

    count = names.count()
    console.locator(".arrange li").nth(0).get_by_role("button").last.focus()
    console.keyboard.press("Enter")
    expect(names).to_have_count(count - 1)
    expect(console.locator(".arrange li").nth(0).locator(":focus")).to_have_count(1)


UNSEEN = """() => {
  const at = document.activeElement, box = at.getBoundingClientRect();
  if (at === document.body || !box.width) return null;
  const found = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
  return found && (at.contains(found) || found.contains(at)) ? null : at.outerHTML.slice(0, 100);
}"""


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("path", ["/orders/", "/work/"])
def test_what_has_the_focus_is_seen(console: Page, path: str, width: int) -> None:
    """Under no bar and no other part, and also what a phone shows otherwise than a desk."""
    console.set_viewport_size({"width": width, "height": 740})
    console.goto(path)
    unseen = []
    for _ in range(60):
        console.keyboard.press("Tab")
        unseen.append(console.evaluate(UNSEEN))
    assert [one for one in unseen if one] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_opens_only_by_a_press_is_open_to_everybody(console: Page, scheme: str) -> None:
    console.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    found = []

    def look(state: str) -> None:
        console.wait_for_timeout(150)
        console.evaluate(AXE)
        found.extend(
            f"{state}: {rule}: {html}"
            for impact, rule, html in console.evaluate(RUN, WHOLE)
            if impact in GRAVE
        )

    console.goto("/orders/")
    console.keyboard.press("Control+k")
    expect(console.get_by_role("option").first).to_be_visible()
    look("search, nothing typed")
    console.keyboard.type("so-1")
    expect(console.get_by_role("option", name="SO-1").first).to_be_visible()
    look("search")
    console.keyboard.type(" nowhere at all")
    expect(console.locator("#found > p")).to_be_visible()
    look("search, nothing found")
    console.keyboard.press("Escape")
    console.keyboard.press("?")
    look("help")
    console.keyboard.press("Escape")
    console.locator(".person summary").click()
    look("person")
    console.keyboard.press("Escape")
    for menu in ("Views", "Columns", "File"):
        console.get_by_text(menu, exact=True).click()
        look(menu)
        console.keyboard.press("Escape")
    console.goto("/work/")
    for box in console.locator("tbody .pick label").all()[:2]:
        box.click()
    console.get_by_text("Give away, put aside or escalate").click()
    look("selection")
    console.get_by_role("button", name="Take").click()
    look("message")
    assert found == []
