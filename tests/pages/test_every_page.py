"""Every page of the console, the scan screens and the portal: nobody is shut out of it, it fits, and it is light."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import axe_playwright_python
import pytest
from playwright.sync_api import Page

from docs import screenshots, walk
from tests.pages.test_console import NAMELESS, TOO_FAINT

if TYPE_CHECKING:
    from tests.leavings import Committed
    from tests.shop import Shop

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text() + ";null"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
WHOLE: dict[str, Any] = {"runOnly": [*WCAG, "best-practice"]}
LESS: dict[str, Any] = {"runOnly": WCAG, "rules": {"color-contrast": {"enabled": False}}}
"""Without the rule that takes most of axe's time: TOO_FAINT asks the same, and `make slow` asks axe too."""
BY_WIDTH: dict[str, Any] = {
    "runOnly": {
        "type": "rule",
        "values": ["button-name", "label", "link-name", "summary-name", "target-size", "aria-hidden-focus",
                   "scrollable-region-focusable"],
    }
}  # fmt: skip
"""What may be otherwise on a phone than on a desk."""
GRAVE = ("serious", "critical")
HEAVIEST = 250_000
"""Bytes that a page may load with all that belongs to it, before anything is compressed."""
SETTINGS: list[tuple[dict[str, int], Any]] = [(screenshots.WIDE, "light"), (screenshots.PHONE, "dark")]

RUN = """async (asked) => {
  const found = await axe.run(document, { ...asked, resultTypes: ["violations"] });
  return found.violations.flatMap((one) => one.nodes.map((node) => [one.impact, one.id, node.html.slice(0, 140)]));
}"""
LOADED = """() => {
  const all = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
  return [all.reduce((sum, one) => sum + one.decodedBodySize, 0), all.map((one) => one.name)];
}"""

DOUBLE = """() => {
  const all = [...document.querySelectorAll("[id]")].map((one) => one.id);
  return [...new Set(all.filter((one, place) => all.indexOf(one) !== place))];
}"""
SMALL = """() => [...document.querySelectorAll("a, button, input:not([type=hidden])")].filter((one) => {
  const { width, height } = one.getBoundingClientRect();
  return width > 1 && (width < 48 || height < 48) && !one.matches(".skip, .hidden, .hidden *");
}).map((one) => one.outerHTML.slice(0, 100))"""
"""What is too small for a gloved thumb."""
WIDTHS = (360, 820, 1100, 1280)
"""A small phone, a tablet upright, one across, and a small desk: no page is wider than any."""

QUICK = {
    "home", "report", "orders", "draft", "order", "packing", "station", "refunds", "return", "receiving", "sku",
    "floor", "counts", "work", "work-item", "books", "closing", "preview", "audit", "policy-draft",
    "style", "scan", "scan-walk", "portal-start", "portal-order",
}  # fmt: skip
"""Pages that differ in how they are built; `make slow` walks all."""


@pytest.fixture
def shop(committed_db: None, committed: Committed) -> Shop:
    return committed.standing("furnished shop", a_furnished_shop)


def a_furnished_shop() -> Shop:
    from docs.furnishing import furnish
    from entrepot.returns.commands.authorize import Authorize, Item, authorize
    from tests.back import lines_of
    from tests.shop import an_open_shop, the_system

    shop = an_open_shop(each=1)
    furnish()
    line = lines_of(shop.one("delivered"))[0]
    authorize(
        the_system(shop.now),
        requests=[Authorize(shop.one("delivered"), (Item(line, 1, "changed_mind"),))],
    )
    return shop


@pytest.fixture(params=SETTINGS, ids=["desk", "phone"])
def opened(request: pytest.FixtureRequest, browser, site: str, shop: Shop) -> Iterator[Page]:
    """A browser in which somebody has entered who may see everything."""
    size, scheme = request.param
    context = screenshots.entered(browser, site, "root", size, scheme)
    yield context.new_page()
    context.close()


def amiss(page: Page, stop: walk.Stop, asked: dict[str, Any]) -> list[str]:
    """What is wrong with a page."""
    answer = page.goto(stop.address)
    assert answer
    if not answer.ok:
        return [f"{stop.name}: answers {answer.status}"]
    page.evaluate(AXE)
    found = [
        f"{stop.name}: {rule}: {html}" for impact, rule, html in page.evaluate(RUN, asked) if impact in GRAVE
    ]
    found += [f"{stop.name}: too faint: {one}" for one in page.evaluate(TOO_FAINT)]
    found += [f"{stop.name}: without a name: {one}" for one in page.evaluate(NAMELESS)]
    found += [f"{stop.name}: has this id twice: {one}" for one in page.evaluate(DOUBLE)]
    size = page.viewport_size
    assert size
    for width in (size["width"], *(WIDTHS if size == screenshots.WIDE else ())):
        page.set_viewport_size({"width": width, "height": size["height"]})
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append(f"{stop.name}: is wider than {width}")
        if stop.name.startswith("scan"):
            found += [f"{stop.name}: too small at {width}: {one}" for one in page.evaluate(SMALL)]
    page.set_viewport_size(size)
    weight, names = page.evaluate(LOADED)
    if weight > HEAVIEST:
        found.append(f"{stop.name}: loads {weight} bytes")
    home = page.evaluate("location.origin")
    return found + [f"{stop.name}: asks {one}" for one in names if not one.startswith((home, "data:"))]


def test_the_pages_of_each_kind_are_open_to_everybody_and_light(opened: Page):
    stops = [stop for stop in walk.stops() if stop.name in QUICK]
    assert {stop.name for stop in stops} == QUICK
    asked = LESS if opened.viewport_size == screenshots.WIDE else BY_WIDTH
    assert [one for stop in stops for one in amiss(opened, stop, asked)] == []


TURNED = "() => { document.documentElement.dir = 'rtl'; }"
PAST_THE_EDGE = """() => [...document.querySelectorAll("main *, .top *")].filter((one) => {
  const box = one.getBoundingClientRect();
  const unseen = "svg, .hidden, .skip, table.plot, [hidden], details:not([open]) > :not(summary)";
  if (!box.width || one.closest(unseen)) return false;
  const scrolls = [];
  for (let up = one; up; up = up.parentElement) {
    if (["auto", "scroll", "hidden", "clip"].includes(getComputedStyle(up).overflowX)) scrolls.push(up);
  }
  return scrolls.length === 0 && (box.left < -1 || box.right > innerWidth + 1);
}).map((one) => one.outerHTML.slice(0, 120))"""
TURNS = ("home", "orders", "work", "books", "return", "sku", "policies", "people", "scan")


@pytest.mark.slow
def test_nothing_breaks_where_people_read_from_right_to_left(opened: Page):
    wrong = []
    for stop in walk.stops():
        if stop.name not in TURNS:
            continue
        opened.goto(stop.address)
        opened.evaluate(TURNED)
        opened.wait_for_timeout(50)
        if opened.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wrong.append(f"{stop.name}: is wider than the screen")
        wrong += [f"{stop.name}: past the edge: {one}" for one in opened.evaluate(PAST_THE_EDGE)]
        starts = opened.evaluate(
            "() => [...document.querySelectorAll('main h1')].map((one) => getComputedStyle(one).textAlign)"
        )
        wrong += [
            f"{stop.name}: a title is {one}" for one in starts if one not in ("start", "right", "center")
        ]
    assert wrong == []


MOVING = """() => [...document.querySelectorAll("*")].filter((one) => {
  const style = getComputedStyle(one);
  const lasts = (text) => text.split(",").some((part) => parseFloat(part) > 0);
  return (style.animationName !== "none" && lasts(style.animationDuration)) || lasts(style.transitionDuration);
}).map((one) => one.outerHTML.slice(0, 120))"""


@pytest.mark.slow
def test_nothing_moves_for_who_wants_it_still(opened: Page):
    opened.emulate_media(reduced_motion="no-preference")
    opened.goto("/work/")
    assert opened.evaluate(MOVING) != []
    opened.emulate_media(reduced_motion="reduce")
    moving = []
    for stop in walk.stops():
        if stop.name in TURNS:
            opened.goto(stop.address)
            moving += [f"{stop.name}: {one}" for one in opened.evaluate(MOVING)]
    assert moving == []


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_page_is_open_to_everybody_and_light(opened: Page):
    assert [one for stop in walk.stops() for one in amiss(opened, stop, WHOLE)] == []


def test_the_walk_knows_every_page():
    known = {*walk.WHICH, *walk.GIVEN, *walk.OF_THE_PORTAL}
    unknown = {name for name, arguments in walk.shown().items() if arguments} - known
    assert unknown == set(), "say in docs/walk.py how one of these is found"
    assert known - {*walk.shown()} == set(), "these are no pages any more"
