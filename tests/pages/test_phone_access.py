"""The portal and the pages of receiving on a phone: read by headings and landmarks, driven by keys, hit by a thumb."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from docs import screenshots, walk
from tests.pages.test_console import NAMELESS, TOO_FAINT
from tests.pages.test_every_page import a_furnished_shop

if TYPE_CHECKING:
    from tests.leavings import Committed
    from tests.shop import Shop

PHONE = {"width": 360, "height": 740}
RECEIVING = {
    "receiving", "expected", "quality", "put-away", "notice", "purchase-order", "return-parcels", "return-pallets",
    "return-pallet", "return-staging", "scan", "scan-receive", "scan-receive-one", "scan-receive-transfer",
    "scan-put-away", "scan-put-away-one", "scan-pallets", "scan-pallet-one",
}  # fmt: skip

# One heading of the first level, and none that skips a level on the way down.
HEADINGS = """() => {
  const all = [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].filter((one) => one.checkVisibility());
  const levels = all.map((one) => Number(one.localName[1]));
  const wrong = all.filter((_, i) => levels[i] > (levels[i - 1] ?? 0) + 1).map((one) => one.outerHTML.slice(0, 100));
  const firsts = levels.filter((level) => level === 1).length;
  return firsts === 1 ? wrong : [`${levels.join(" ")}: expected one h1`, ...wrong];
}"""
# What is said stands in a landmark, and there is one main part; the language of the page is named.
LANDMARKS = """() => {
  const found = document.documentElement.lang ? [] : ["no language"];
  if (document.querySelectorAll("main").length !== 1) found.push("not one main");
  const inside = "main, nav, header, footer, aside, [role=search], [role=status], [role=alert], .skip, dialog, script";
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const one = walker.currentNode.parentElement;
    const says = walker.currentNode.textContent.trim() && one.checkVisibility();
    if (says && !one.closest(inside)) found.push(one.outerHTML.slice(0, 100));
  }
  return found;
}"""
# WCAG 2.5.8: 24 px each way, or as much room around; links within a sentence are free of it.
SMALL = """() => [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary")]
  .filter((one) => one.checkVisibility() && !one.closest(".hidden, .skip"))
  .filter((one) => getComputedStyle(one).display !== "inline")
  .filter((one) => {
    const box = (one.closest("label") ?? one).getBoundingClientRect();
    return box.width > 1 && (box.height < 24 || box.width < 24);
  }).map((one) => one.outerHTML.slice(0, 100))"""
# What has the focus and looks as it does without: nobody who uses keys would know where they are.
UNSEEN_FOCUS = """() => {
  const marks = (one) => {
    const is = getComputedStyle(one);
    return [is.outlineStyle, is.outlineWidth, is.boxShadow, is.borderColor, is.backgroundColor].join();
  };
  const seen = [];
  for (const one of document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary")) {
    if (!one.checkVisibility() || one.disabled || one.closest(".hidden")) continue;
    document.activeElement?.blur();
    const ring = one.closest("label") ?? one;
    const before = marks(one) + marks(ring);
    one.focus({ focusVisible: true, preventScroll: true });
    if (document.activeElement === one && marks(one) + marks(ring) === before) seen.push(one.outerHTML.slice(0, 100));
  }
  return seen;
}"""


@pytest.fixture
def shop(committed_db: None, committed: Committed) -> Shop:
    return committed.standing("furnished shop", a_furnished_shop)


@pytest.fixture
def phone(browser, site: str, shop: Shop) -> Iterator[Page]:
    context = screenshots.entered(browser, site, "root", PHONE, "light")
    yield context.new_page()
    context.close()


def amiss(page: Page) -> list[str]:
    """What shuts somebody out of a page."""
    asked = {"headings": HEADINGS, "landmarks": LANDMARKS, "small": SMALL, "unseen focus": UNSEEN_FOCUS,
             "nameless": NAMELESS, "faint": TOO_FAINT}  # fmt: skip
    found = [f"{what}: {one}" for what, script in asked.items() for one in page.evaluate(script)]
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found.append("wider than the phone")
    return found


@pytest.mark.timeout(300)
def test_the_portal_and_receiving_are_open_to_everybody_on_a_phone(phone: Page) -> None:
    stops = [one for one in walk.stops() if one.name in RECEIVING or one.name in walk.OF_THE_PORTAL]
    assert {one.name for one in stops} >= {*walk.OF_THE_PORTAL, "receiving", "scan-receive"}
    found = []
    for stop in stops:
        answer = phone.goto(stop.address)
        assert answer and answer.ok, stop
        found += [f"{stop.name}: {one}" for one in amiss(phone)]
    assert found == []


def test_a_form_of_the_portal_that_is_refused_ties_what_was_wrong_to_its_field(phone: Page) -> None:
    start = next(one for one in walk.stops() if one.name == "portal-start")
    phone.goto(start.address)
    phone.get_by_label("Number of the order").fill("SO-0")
    phone.get_by_label("Your mail address").fill("nobody@example.com")
    phone.get_by_role("button", name="Show my order").click()
    told = phone.get_by_role("alert")
    expect(told).to_be_visible()
    assert amiss(phone) == []
    field = phone.get_by_label("Number of the order")
    expect(field).to_have_attribute("aria-invalid", "true")
    assert told.get_attribute("id") in (field.get_attribute("aria-describedby") or "").split()
