"""The console in a real browser: every page at two widths, light and dark, by mouse and by keyboard."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Page, Route, expect

from entrepot.kernel.errors import Refused

if TYPE_CHECKING:
    from tests.shop import Shop

HAND_MS = 2600
"""How long no hand may have been on a page before it renews itself."""
WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}

# Text that is too faint for its ground, by WCAG's formula: 4.5 to 1, or 3 to 1 where it is large.
TOO_FAINT = """
() => {
  const parse = (text) => {
    const found = text.match(/[\\d.]+/g).map(Number);
    return text.startsWith("color(") ? [found[0] * 255, found[1] * 255, found[2] * 255, found[3] ?? 1]
      : [found[0], found[1], found[2], found[3] ?? 1];
  };
  const over = (top, ground) => [0, 1, 2].map((i) => top[i] * top[3] + ground[i] * (1 - top[3])).concat(1);
  const light = (color) => {
    const part = (c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    const [r, g, b] = color.slice(0, 3).map((c) => part(c / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    const layers = [];
    for (let one = element; one; one = one.parentElement) layers.push(parse(getComputedStyle(one).backgroundColor));
    return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255, 1]);
  };
  const NOT_READ = ".hidden, script, [aria-hidden=true], button[disabled]";
  const faint = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const words = walker.currentNode.textContent.trim();
    if (!words || !element.checkVisibility({ checkOpacity: true }) || element.closest(NOT_READ)) continue;
    const style = getComputedStyle(element);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && parseInt(style.fontWeight) >= 700);
    const below = ground(element);
    const [one, other] = [light(over(parse(style.color), below)), light(below)].sort((a, b) => b - a);
    const ratio = (one + 0.05) / (other + 0.05);
    if (ratio < (large ? 3 : 4.5)) faint.push(`${words.slice(0, 40)}: ${ratio.toFixed(2)}`);
  }
  return [...new Set(faint)];
}
"""

# Fields and buttons that a screen reader could not name.
NAMELESS = """
() => [
  ...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary"),
].filter((element) => {
  const label = element.labels && [...element.labels].some((one) => one.textContent.trim());
  return !(element.textContent.trim() || label || element.getAttribute("aria-label"));
}).map((element) => element.outerHTML.slice(0, 120))
"""


@pytest.fixture
def shop(committed_db) -> Shop:
    from tests.shop import an_open_shop

    return an_open_shop(each=2)


@pytest.fixture
def console(page: Page, site: str, shop: Shop) -> Iterator[Page]:
    """A browser in which the operations lead has entered; nothing may complain, nothing may be asked elsewhere."""
    amiss: list[str] = []
    page.on("console", lambda one: amiss.append(one.text) if one.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: amiss.append(str(error)))
    page.on(
        "request",
        lambda one: None if one.url.startswith((site, "data:")) else amiss.append(f"asked {one.url}"),
    )
    page.set_viewport_size(WIDE)
    enter(page, "lead")
    yield page
    assert amiss == []


def enter(page: Page, name: str) -> None:
    from tests.shop import PASSWORD

    page.goto("/login/")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Enter").click()
    page.wait_for_url("**/")


def test_an_order_tells_what_was_noticed_and_how_its_addresses_are_compared(
    console: Page, shop: Shop, tmp_path: Path
):
    from entrepot.orders.commands.place import AddressGiven, BillingGiven, OrderLine, PlaceOrder, place
    from tests.shop import the_system

    there = AddressGiven("Ada King", "12, High St.", "Ockham", email="ada@example.com")
    billed = BillingGiven("King & Sons", "1 Rue de Rivoli", "Paris", "FR", "75001", email="books@example.com")
    line = OrderLine("LAMP-OAK", 1, Decimal(59))
    (one,) = place(
        the_system(shop.now),
        requests=[
            PlaceOrder(
                1, "web", "V1", (line,), "GBP", country="GB", postal_code="gu236nq", address=there,
                billing=billed, tax_number="FR1",
            )
        ],
    )  # fmt: skip
    assert not isinstance(one, Refused)
    for size in (WIDE, NARROW):
        console.set_viewport_size(size)
        console.goto(f"/orders/{one.order}/")
        expect(console.get_by_role("heading", name="Noticed, and let pass")).to_be_visible()
        for summary in console.get_by_text("How it is compared").all():
            summary.click()
        expect(console.get_by_text("GU23 6NQ")).to_be_visible()
        assert console.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert console.evaluate(NAMELESS) == []
        assert console.evaluate(TOO_FAINT) == []
        console.screenshot(path=tmp_path / f"noticed-{size['width']}.png", full_page=True)


def test_everything_can_be_done_from_the_keyboard(console: Page, shop: Shop):
    keys = console.keyboard
    for letter, path in (
        ("o", "/orders/"),
        ("r", "/returns/"),
        ("f", "/floor/"),
        ("d", "/packing/"),
        ("i", "/inbound/"),
        ("s", "/stock/"),
        ("w", "/work/"),
        ("b", "/books/"),
        ("p", "/policies/"),
        ("h", "/"),
    ):
        keys.press("Escape")  # out of the field that waits for a scan, where there is one
        keys.press("g")
        keys.press(letter)
        console.wait_for_url(f"**{path}")
        expect(console.locator(".areas [aria-current=page]")).to_have_attribute("href", path)

    keys.press("?")
    expect(console.locator("#help")).to_be_visible()
    keys.press("Escape")
    expect(console.locator("#help")).to_be_hidden()

    console.goto("/orders/")
    keys.press("Tab")
    assert console.evaluate("document.activeElement.className") == "skip"
    focused = "document.activeElement.closest('[data-row]')?.rowIndex"
    keys.press("j")
    keys.press("j")
    assert console.evaluate(focused) == 2
    keys.press("k")
    assert console.evaluate(focused) == 1
    keys.press("x")
    expect(console.locator(".bulk")).to_be_visible()
    expect(console.locator("[data-count]")).to_have_text("1 selected")
    keys.press("x")
    expect(console.locator(".bulk")).to_be_hidden()
    keys.press("Enter")
    console.wait_for_url(re.compile("/orders/.+/"))

    keys.press("/")
    keys.type("gob")  # letters in a field are letters
    assert console.evaluate("document.activeElement.value") == "gob"
    console.locator("#search").fill("lamp")
    keys.press("Enter")
    console.wait_for_url("**/stock/**")


def test_filters_act_at_once_and_can_be_gone_back_from(console: Page):
    console.goto("/orders/")
    rows = console.locator("tr[data-row]")
    expect(rows).to_have_count(22)
    console.get_by_label("Status").select_option("packed")
    console.wait_for_url("**status=packed**")
    expect(rows).to_have_count(2)
    console.go_back()
    expect(rows).to_have_count(22)
    expect(console.get_by_label("Status")).to_have_value("")


def test_a_mail_address_in_a_filter_goes_to_the_search_and_into_no_address(console: Page):
    asked: list[str] = []
    console.on("request", lambda one: asked.append(one.url))
    console.goto("/orders/")
    field = console.locator("#q")
    field.press_sequentially("ada@example.com", delay=5)
    console.wait_for_timeout(800)
    said = console.get_by_text("A mail address is not filtered by")
    expect(said).to_be_visible()
    console.get_by_label("Status").select_option("packed")
    console.wait_for_timeout(300)
    expect(said).to_be_visible()
    field.fill("SO-1")
    expect(said).to_be_hidden()
    field.fill("ada@example.com")
    field.press("Enter")
    console.wait_for_url("**/search/")
    expect(console.locator("#search")).to_have_value("ada@example.com")
    assert [one for one in asked if "example" in one or "%40" in one] == []


def test_a_code_that_may_be_a_mail_address_is_filtered_by(console: Page):
    console.goto("/stock/")
    console.locator("#q").fill("lamp@home")
    console.locator("#q").press("Enter")
    console.wait_for_url(re.compile(r"/stock/\?.*q=lamp(%40|@)home"))


def test_a_morning_at_six(console: Page):
    """The lead looks what is held, asks why, lets it go, and takes the item that is left."""
    console.get_by_role("link", name=re.compile("Fraud review")).first.click()
    console.locator("tr[data-row] th a").first.click()
    expect(console.get_by_text("The channel reports many orders in a short time.").first).to_be_visible()
    console.get_by_label("What was found out").fill("A customer of many years.")
    console.get_by_role("button", name="Release").click()
    expect(console.get_by_text("1 hold was released.")).to_be_visible()
    expect(console.locator(".head .state")).to_have_text("ready")

    console.goto("/work/?type=fraud+review")
    console.locator("tbody .pick label").first.click()
    console.get_by_role("button", name="Take").click()
    expect(console.get_by_text("1 item is yours.")).to_be_visible()
    expect(console.get_by_text("yours", exact=True)).to_be_visible()
    console.get_by_role("button", name="Dismiss").click()
    expect(console.locator(".message")).to_have_count(0)


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_many_items_are_put_aside_and_woken(console: Page, size: dict[str, int]):
    console.set_viewport_size(size)
    console.goto("/work/")
    count = console.locator("tr[data-row]").count()
    for box in console.locator("tbody .pick label").all()[:2]:
        box.click()
    console.get_by_text("Give away, put aside or escalate").click()
    assert console.evaluate("document.documentElement.scrollWidth <= innerWidth")
    console.get_by_label("For how long").select_option(label="for a day")
    console.get_by_role("button", name="Put aside").click()
    expect(console.get_by_text("2 items are put aside.")).to_be_visible()
    expect(console.locator("tr[data-row]")).to_have_count(count - 2)

    console.get_by_label("Show", exact=True).select_option(label="Put aside")
    expect(console.locator("tr[data-row]")).to_have_count(2)
    console.locator("tr[data-row] th a").first.click()
    console.get_by_role("button", name="Wake it").click()
    expect(console.get_by_text("1 item waits again.")).to_be_visible()


def test_colors_are_the_readers_choice(console: Page):
    console.locator(".person summary").click()
    console.get_by_role("button", name="Light or dark").click()
    assert console.evaluate("document.documentElement.dataset.theme") == "dark"
    console.goto("/orders/")
    assert console.evaluate("document.documentElement.dataset.theme") == "dark"


def test_the_board_keeps_itself_up_to_date(console: Page, shop: Shop):
    from entrepot.orders.commands.cancel import CancelOrder
    from entrepot.sourcing.commands.cancel import cancel
    from tests.shop import the_system

    ready = console.locator(".stage", has_text="Ready").locator("b")
    expect(ready).to_have_text("4")
    cancel(the_system(shop.now), requests=[CancelOrder(shop.one("ready"), "A test.")])
    renew(console)
    expect(ready).to_have_text("3")


def renew(page: Page) -> None:
    """Ask the page to renew itself, as it does by itself after a while without a hand on it."""
    page.locator("main").dispatch_event("live")


def test_a_queue_is_renewed_and_nothing_that_a_person_does_is_lost(console: Page, shop: Shop):
    from uuid import uuid4

    from entrepot.work import queries
    from entrepot.work.commands.open_items import OpenItem, open_items
    from entrepot.work.commands.resolve import ResolveItem, resolve
    from tests.shop import COMPANY, the_system

    system = the_system(shop.now)
    console.goto("/work/")
    rows = console.locator("table.rows tbody [data-row]", has=console.locator("[name=item]"))
    before = rows.count()
    chosen, note = rows.nth(0).locator("[name=item]"), console.locator("#bulk-note")
    chosen.check()
    rows.nth(1).locator("[name=item]").click(modifiers=["Shift"])
    expect(console.locator("[data-count]")).to_have_text("2 selected")
    gone = chosen.get_attribute("value")
    chosen = console.locator(f"[name=item][value='{gone}']")
    note.fill("Half a senten")
    link = rows.nth(2).locator("a").first
    link.focus()
    console.get_by_text("Give away, put aside or escalate").click()
    link.focus()
    named = link.get_attribute("href")

    (item,) = [one for one in queries.items(COMPANY) if str(one.id) == gone]
    resolve(system, requests=[ResolveItem(item.id, "no fault")])
    open_items(
        system,
        requests=[OpenItem(COMPANY, "test", "order", uuid4(), "Quite new", "operations lead", priority=99)],
    )
    console.wait_for_timeout(HAND_MS)
    renew(console)

    expect(console.get_by_text("Quite new")).to_be_visible()
    expect(rows).to_have_count(before + 1)  # what was chosen stays, and says that it is gone
    expect(console.locator("tr[data-gone]")).to_have_count(1)
    expect(chosen).to_be_checked()
    expect(note).to_have_value("Half a senten")
    assert console.evaluate("document.activeElement.getAttribute('href')") == named
    expect(console.locator(".bulk details[open]")).to_have_count(1)
    expect(console.locator("[data-count]")).to_have_text("2 selected")

    told = console.locator("#live-told")
    console.route(
        "**/work/", lambda route: route.fulfill(body="<p>Something between", content_type="text/html")
    )
    for _ in range(3):
        renew(console)
        console.wait_for_timeout(150)
    expect(told).to_contain_text("Not renewed since")
    console.unroute("**/work/")
    asked: list[str] = []
    console.on("request", lambda one: asked.append(one.url))
    console.evaluate("Object.defineProperty(document, 'hidden', { configurable: true, get: () => true })")
    renew(console)
    console.wait_for_timeout(150)
    assert asked == []
    console.evaluate("delete document.hidden")
    show = console.get_by_label("Show", exact=True)
    show.evaluate("one => { one.options[1].setAttribute('selected', ''); one.selectedIndex = 0; }")
    renew(console)
    expect(told).to_have_text("")
    expect(show.locator("option[selected]")).to_have_count(2)  # whoever chose the first option chose as well


STEP = """<div class="step"><form><input type="hidden" name="payout" value="P"><input type="hidden" name="line"
 value="{0}"><input type="text" name="why" aria-label="Why {0}" value=""></form></div>"""


def test_lines_of_one_document_are_told_apart_and_the_count_beside_them_is_renewed(console: Page, shop: Shop):
    """The first of two lines is explained by somebody else, while its reader writes at it."""
    console.goto("/work/")

    def answer(route: Route) -> None:
        text = route.fetch().text().replace("</main>", f"{STEP.format(2)}</main>")
        route.fulfill(
            body=re.sub(
                r'(href="/returns/".*?</span>)', r'\1<b class="count">7</b>', text, count=1, flags=re.DOTALL
            ),
            content_type="text/html",
        )

    steps = STEP.format(1) + STEP.format(2)
    console.locator("main").evaluate("(main, steps) => main.insertAdjacentHTML('beforeend', steps)", steps)
    console.get_by_label("Why 1").fill("A fee of")
    console.route("**/work/", answer)
    console.wait_for_timeout(HAND_MS)
    renew(console)
    expect(console.locator(".step[data-gone]")).to_have_count(1)
    expect(console.locator(".step[data-gone]").get_by_label("Why 1")).to_have_value("A fee of")
    expect(console.get_by_label("Why 2")).to_be_visible()
    expect(console.locator("nav.areas .count")).to_have_text("7")


def test_figures_of_a_dashboard_are_asked_for_again(console: Page):
    console.goto("/dashboard/")
    tiles = console.locator("section.tile")
    expect(console.locator(".tile .waits")).to_have_count(0)
    asked: list[str] = []
    console.on("request", lambda one: asked.append(one.url) if "/tile/" in one.url else None)
    renew(console)
    expect(console.locator(".tile .waits")).to_have_count(0)
    console.wait_for_load_state("networkidle")
    assert len(asked) == tiles.count() > 0


def test_all_that_match_stay_chosen_and_the_list_says_so(
    console: Page, shop: Shop, monkeypatch: pytest.MonkeyPatch
):
    from entrepot.web import listed
    from entrepot.work import queries
    from tests.shop import COMPANY

    monkeypatch.setattr(listed, "PAGE", 2)
    waiting = len(queries.items(COMPANY, awake_at=shop.now + timedelta(minutes=1)))
    assert waiting > 2
    console.goto("/work/")
    counted, told = console.locator("[data-count]"), console.locator("#live-told")
    everything, shown = console.locator("[data-all-matching]"), console.locator("tbody [name=item]")
    expect(everything).to_be_disabled()
    shown.first.focus()
    console.keyboard.press("x")
    expect(counted).to_have_text("1 selected")
    button = console.get_by_role("button", name="Select all that match")
    button.focus()
    console.keyboard.press("Enter")
    expect(counted).to_have_text("All that match are selected, 10,000 at most")
    expect(console.locator(".matching")).to_contain_text(f"{waiting} rows")
    expect(everything).to_be_enabled()
    assert all(box.is_checked() for box in shown.all())

    asked: list[str] = []
    console.on("request", lambda one: asked.append(one.url))
    renew(console)
    console.wait_for_timeout(150)
    assert asked == [], "the rows stay those that were seen"
    expect(told).to_have_text("Not renewed: all that match are chosen")
    assert told.get_attribute("data-is-stale") is None

    shown.first.uncheck()
    expect(counted).to_have_text("1 selected")
    expect(everything).to_be_disabled()
    expect(console.locator(".matching")).to_have_text("")
    renew(console)
    expect(told).to_have_text("")

    button.click()
    console.get_by_role("button", name="Take", exact=True).click()
    expect(console.locator(".toasts")).to_contain_text(f"{waiting} items are yours.")
    assert len(queries.items(COMPANY, owner="lead")) == waiting


def test_the_documents_of_the_api_open(console: Page):
    console.goto("/api/docs")
    console.locator("#operations-tag-availability").click()
    console.get_by_text("/api/v1/availability", exact=True).wait_for()


def test_pages_work_without_scripts(browser, site: str, shop: Shop):
    context = browser.new_context(base_url=site, java_script_enabled=False)
    page = context.new_page()
    enter(page, "lead")
    page.goto("/orders/")
    page.get_by_label("Status").select_option("packed")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("tr[data-row]")).to_have_count(2)
    context.close()


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_an_order_shows_what_is_sent_instead(console: Page, shop: Shop, tmp_path: Path, size: dict[str, int]):
    from entrepot.kernel import policies, sql
    from entrepot.orders.commands.place import OrderLine, PlaceOrder, place
    from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
    from entrepot.sourcing.rules import Profile
    from entrepot.sourcing.substitutes import Set, Substitutes
    from tests.shop import COMPANY, the_system

    system = the_system(shop.now)
    for kind, body in (
        ("sourcing.substitutes", Substitutes((Set(("MUG-BLUE",), ("MUG-SAND",)),))),
        ("sourcing.profile", Profile(substitutes="unless refused")),
    ):
        policies.set_policy(system, requests=[policies.SetPolicy(COMPANY, kind, body, shop.now)])
    sold_out = "UPDATE stock_position SET safety = sellable WHERE sku_id = %(sku)s RETURNING node_id"
    sql.run(sold_out, {"sku": shop.skus["MUG-BLUE"]})
    lines = (OrderLine("MUG-BLUE", 3, Decimal("14.50")), OrderLine("LAMP-OAK", 1, Decimal(89)))
    wanted = PlaceOrder(COMPANY, "web", "SUB-1", lines, "GBP", country="GB", postal_code="LS1 4AP")
    (placed,) = place(system, requests=[wanted])
    (answer,) = allocate(system, requests=[AllocateOrder(placed.order)])
    assert answer.substituted == 3

    console.set_viewport_size(size)
    console.goto(f"/orders/{placed.order}/")

    expect(console.get_by_text("3 sent as MUG-SAND, line 3")).to_be_visible()
    expect(console.get_by_text("sent instead of MUG-BLUE, line 1")).to_be_visible()
    expect(console.locator(".head .figures dd")).to_have_text("£126.50")
    console.get_by_text("Line by line").first.click()
    expect(console.get_by_text("3 of MUG-SAND are sent instead of MUG-BLUE")).to_be_visible()
    assert console.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert console.evaluate(TOO_FAINT) == []
    console.screenshot(path=tmp_path / f"instead-{size['width']}.png", full_page=True)


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_an_order_is_split_and_made_one_again(console: Page, shop: Shop, tmp_path: Path, size: Any):
    from entrepot.kernel import worker
    from entrepot.orders import queries as orders
    from entrepot.orders.commands.place import OrderLine, PlaceOrder, place
    from tests.floor import SYSTEM

    def look(name: str) -> None:
        assert console.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        assert console.evaluate(NAMELESS) == [], name
        assert console.evaluate(TOO_FAINT) == [], name
        console.screenshot(path=tmp_path / f"{name}-{size['width']}.png", full_page=True)

    console.set_viewport_size(size)
    like = orders.order(shop.one("ready"))
    sold = OrderLine(like.lines[0].sku_code, 5, like.lines[0].unit_price)
    request = PlaceOrder(
        like.company, like.channel, "SPLIT", (sold,), like.currency, customer="SPLIT", country=like.country,
        postal_code=like.postal_code,
    )  # fmt: skip
    (placed,) = place(SYSTEM, requests=[request])

    console.goto(f"/orders/{placed.order}/")
    console.get_by_text("Split the order").click()
    look("split")
    console.locator("details", has_text="Split the order").get_by_label("line 1: up to 5").fill("2")
    console.get_by_label("Why it is split").fill("the rest later")
    console.get_by_role("button", name="Split it").click()
    expect(console.get_by_text("Split from")).to_be_visible()
    expect(console.get_by_text("The order was split")).to_be_visible()
    look("new")

    console.get_by_label("Why they are merged").fill("one parcel after all")
    console.get_by_role("button", name="Make them one order").click()
    expect(console.get_by_text("The orders are one now.")).to_be_visible()
    look("merged")
    console.goto(f"/orders/{placed.order}/")
    expect(console.get_by_text("Merged into")).to_be_visible()
    look("empty")

    worker.serve_once({"republish": worker.queues()["republish"]})
    worker.sweep_once(worker.sweeps())
    console.goto(f"/stock/{shop.skus['LAMP-OAK']}/")
    expect(console.get_by_role("columnheader", name="Published")).to_have_count(1)
    look("sku")


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_a_kit_is_made_on_its_page_and_shown_whole_on_an_order(
    console: Page, shop: Shop, tmp_path: Path, size: dict[str, int]
):
    from entrepot.catalog.commands.register import RegisterSku, register_skus
    from entrepot.orders.commands.place import OrderLine, PlaceOrder, place
    from tests.shop import COMPANY, the_system

    system = the_system(shop.now)
    sku = RegisterSku(COMPANY, "BREAKFAST", "Breakfast for two", "kitchen", list_price=Decimal(40))
    (kit,) = register_skus(system, requests=[sku])
    console.set_viewport_size(size)
    console.context.clear_cookies()
    enter(console, "inventory")
    console.goto(f"/stock/{kit.id}/")
    console.get_by_text("Sell it as a kit").click()
    console.get_by_label("Components, one a line").fill("2 MUG-BLUE\nMUG-SAND")
    console.get_by_role("button", name="Set").first.click()
    expect(console.get_by_role("heading", name="Sold as a kit of")).to_be_visible()
    console.get_by_text("Availability explained: web").click()
    assert console.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert console.evaluate(TOO_FAINT) == []
    console.screenshot(path=tmp_path / f"kit-{size['width']}.png", full_page=True)

    lines = (OrderLine("BREAKFAST", 2, Decimal(40)), OrderLine("MUG-BLUE", 1, Decimal("14.50")))
    wanted = PlaceOrder(COMPANY, "web", "KIT-1", lines, "GBP", country="GB", postal_code="LS1 4AP")
    (placed,) = place(system, requests=[wanted])
    console.goto(f"/orders/{placed.order}/")
    expect(console.get_by_text("Kit, 2 × BREAKFAST")).to_be_visible()
    expect(console.get_by_text("2 in each BREAKFAST")).to_be_visible()
    assert console.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert console.evaluate(TOO_FAINT) == []
    console.screenshot(path=tmp_path / f"kit-order-{size['width']}.png", full_page=True)
