"""Scan screens in a real browser, as a handheld shows them: 360 pixels wide, with a scanner that types."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from playwright.sync_api import Page, Route, expect

from tests.pages.test_console import NAMELESS, TOO_FAINT, enter

if TYPE_CHECKING:
    from tests.shop import Shop

HANDHELD = {"width": 360, "height": 740}
SMALL_TARGETS = """
() => [...document.querySelectorAll("a[href], button, input:not([type=hidden])")]
  .filter((one) => one.checkVisibility() && !one.closest(".hidden"))
  .filter((one) => { const box = one.getBoundingClientRect(); return box.height < 48 || box.width < 48; })
  .map((one) => one.outerHTML.slice(0, 80))
"""


@pytest.fixture
def shop(open_shop) -> Shop:
    return open_shop(2)


@pytest.fixture
def handheld(page: Page, site: str, shop: Shop) -> Page:
    page.set_viewport_size(HANDHELD)
    enter(page, "supervisor")
    return page


def reads(page: Page, *codes: str, end: str = "Enter") -> None:
    """The scanner types, wherever the focus is."""
    for code in codes:
        page.keyboard.type(code)
        page.keyboard.press(end)


def fits(page: Page, name: str, folder: Path) -> None:
    """The screen is no wider than the handheld, can be read in glare and hit with gloves."""
    page.screenshot(path=folder / f"{name}.png")
    assert page.evaluate("document.documentElement.scrollWidth") <= HANDHELD["width"], name
    assert page.evaluate(TOO_FAINT) == [], name
    assert page.evaluate(NAMELESS) == [], name
    assert page.evaluate(SMALL_TARGETS) == [], name


def verb(page: Page):
    return page.locator(".verb")


@pytest.mark.timeout(180)
def test_a_picker_is_told_what_is_wrong_and_loses_no_scan(handheld: Page, shop: Shop, tmp_path: Path) -> None:
    from entrepot.warehouse import floor_queries, queries

    page = handheld
    one = queries.of_order(shop.one("released"))[0]
    first, *_ = [row.stop for row in floor_queries.stops(fulfillment=one.id)]
    page.goto("/scan/")
    fits(page, "home", tmp_path)
    page.get_by_role("link", name="Pick").click()
    fits(page, "lists", tmp_path)
    reads(page, one.number.lower())
    expect(verb(page)).to_have_text("Go to bin")
    fits(page, "bin", tmp_path)

    reads(page, "A-02")
    expect(page.get_by_role("alert")).to_contain_text("Wrong bin: this is A-02. Go to A-01.")
    fits(page, "wrong", tmp_path)
    reads(page, "A-01", end="Tab")
    expect(verb(page)).to_have_text("Take")
    expect(page.get_by_role("alert")).to_have_count(0)
    fits(page, "item", tmp_path)
    page.reload()
    expect(verb(page)).to_have_text("Take")

    # The connection is gone: what is scanned waits, also through a reload, and counts once when it is back.
    page.context.set_offline(True)
    reads(page, *[first.item.code] * first.item.quantity)
    expect(page.locator("#unsent")).to_contain_text(f"Not sent yet: {first.item.quantity}.")
    fits(page, "offline", tmp_path)
    page.context.set_offline(False)
    page.reload()
    expect(page.locator("#unsent")).to_be_hidden()
    expect(page.locator(".said.right")).to_contain_text("picked.")
    task = queries.tasks([one.id])[0]
    assert (task.state, task.picked) == ("done", first.item.quantity)


@pytest.mark.timeout(180)
def test_what_comes_after_a_wrong_scan_is_not_used(handheld: Page, shop: Shop, tmp_path: Path) -> None:
    from entrepot.warehouse import queries

    page = handheld
    one = queries.of_order(shop.one("released"))[0]
    page.goto(f"/scan/pick/order/{one.id}/")
    page.context.set_offline(True)
    reads(page, "A-02", "MUG-BLUE")
    page.context.set_offline(False)
    expect(page.get_by_role("alert")).to_contain_text("Wrong bin")
    expect(page.locator("#unsent")).to_contain_text("were not used: 1.")
    assert queries.fulfillment(one.id).state == "released"
    assert page.evaluate("Object.keys(localStorage).filter(name => name.startsWith('entrepot.scans'))") == []


CAMERA = """
window.BarcodeDetector = class { async detect() { return window.sees ? [{ rawValue: window.sees }] : []; } };
Object.defineProperty(navigator, "mediaDevices", { value: {
  getUserMedia: async () => {
    if (!window.sees) throw new DOMException("", "NotAllowedError");
    const picture = document.createElement("canvas");
    picture.getContext("2d").fillRect(0, 0, 9, 9);
    return picture.captureStream();
  } } });
"""


@pytest.mark.timeout(180)
def test_the_camera_reads_where_it_can_and_says_so_where_not(
    handheld: Page, shop: Shop, tmp_path: Path
) -> None:
    from entrepot.warehouse import queries

    page = handheld
    one = queries.of_order(shop.one("released"))[0]
    page.goto(f"/scan/pick/order/{one.id}/")
    page.evaluate("delete window.BarcodeDetector")
    camera = page.get_by_role("button", name="Scan with the camera")
    camera.click()
    expect(page.locator("#unsent")).to_contain_text("This browser can not read barcodes by camera.")
    fits(page, "blind", tmp_path)
    page.evaluate(CAMERA)
    camera.click()
    expect(page.locator("#unsent")).to_contain_text("Allow it for this site")
    page.evaluate("window.sees = 'A-01'")
    camera.click()
    expect(verb(page)).to_have_text("Take")
    expect(page.locator("video")).to_be_hidden()


@pytest.mark.timeout(180)
def test_an_order_is_packed_at_the_handheld(handheld: Page, shop: Shop, tmp_path: Path) -> None:
    from entrepot.warehouse import floor_queries, queries

    page = handheld
    one = queries.of_order(shop.one("picked"))[0]
    page.goto("/scan/pack/")
    fits(page, "packs", tmp_path)
    reads(page, one.number)
    expect(verb(page)).to_have_text("Scan every unit")
    for row in floor_queries.picked([one.id]):
        reads(page, row.code)
        if row.units > 1:
            fits(page, f"pack-{row.code}", tmp_path)
            page.get_by_role("button", name=f"of {row.code}").click()
            expect(page.get_by_role("button", name=f"of {row.code}")).to_have_count(0)
    expect(verb(page)).to_have_text("All is right. Pack it into")
    fits(page, "carton", tmp_path)
    page.get_by_role("button", name="Packed as shown").click()
    expect(page.locator(".said.right")).to_contain_text(f"{one.number} is packed")
    fits(page, "packed", tmp_path)


@pytest.mark.timeout(180)
def test_pick_faces_are_set_at_a_desk_and_filled_with_a_handheld(
    page: Page, site: str, shop: Shop, tmp_path: Path
) -> None:
    from entrepot.kernel import ids, sql
    from entrepot.stock.commands.receive import Receive, receive
    from tests.pages.test_returns import stands
    from tests.shop import COMPANY, the_system

    node = shop.nodes[0]
    bins = dict(sql.run("SELECT code, id FROM network_bin WHERE node_id = %(n)s", {"n": node}))
    came = [
        Receive(
            COMPANY, shop.skus["MUG-BLUE"], node, bins[code], 300, 30_000, "receipt", ids.uuid7(), lot=lot
        )
        for code, lot in (("R-01", "L-2026-11"), ("IN", ""))
    ]
    receive(the_system(shop.now), requests=came)
    enter(page, "supervisor")
    page.goto("/floor/replenishment/")
    for label, text in (("Bin", "A-01"), ("SKU", "MUG-BLUE"), ("Minimum", "150"), ("Maximum; 0 ends it", "200"),
                        ("Units in a case; 1: as the catalog says", "6")):  # fmt: skip
        page.get_by_label(label, exact=True).fill(text)
    page.get_by_role("button", name="Set it").click()
    page.get_by_role("button", name="Look now").click()
    expect(page.locator(".message.success")).to_contain_text("1 replenishment was made.")
    stands(page, "replenishment", tmp_path)

    page.set_viewport_size(HANDHELD)
    page.goto("/scan/replenish/")
    fits(page, "faces", tmp_path)
    reads(page, "R-01")
    expect(verb(page)).to_have_text("Go to bin")
    reads(page, "R-01")
    expect(verb(page)).to_have_text("Take")
    reads(page, "MUG-BLUE")
    expect(verb(page)).to_have_text("Take more, or put it into")
    fits(page, "carry", tmp_path)
    page.get_by_role("button", name="All ").click()
    expect(verb(page)).to_have_text("Put it into")
    reads(page, "A-01")
    expect(page.locator(".said.right")).to_contain_text("stand in A-01.")

    page.goto("/scan/put-away/")
    fits(page, "received", tmp_path)
    sql.run("UPDATE catalog_sku SET barcode = '5012345678900' WHERE code = 'MUG-BLUE'")
    page.keyboard.type("]C101050123456789003712")
    page.keyboard.press("Control+]")  # FNC1, as many scanners type it
    reads(page, "10L1")
    expect(verb(page)).to_have_text("Take more, or put it into")
    expect(page.locator(".units b")).to_have_text("12")
    fits(page, "put-away", tmp_path)
    page.goto("/scan/move/")
    reads(page, "A-01")
    expect(page.locator(".what")).to_have_text("A-01")
    fits(page, "in-bin", tmp_path)


@pytest.mark.timeout(180)
def test_the_other_flows_fit_a_handheld(handheld: Page, shop: Shop, tmp_path: Path) -> None:
    from decimal import Decimal

    from entrepot.kernel import sql
    from entrepot.parties.commands.register import RegisterSupplier, register_suppliers
    from entrepot.purchasing.commands.order import OrderedLine, OrderGoods, order
    from entrepot.returns import queries as returns
    from entrepot.stock.commands.transfer import ShipTransfer, TransferUnits, ship_transfer
    from entrepot.warehouse.commands.plan_counts import AskCount, ask_counts
    from tests import back
    from tests.shop import COMPANY, the_system

    page, system, node = handheld, the_system(shop.now), shop.nodes[0]
    sql.run("UPDATE catalog_sku SET lot_policy = 'lot_expiry' WHERE code = 'TEA-ASSAM'")
    (supplier,) = register_suppliers(
        system, requests=[RegisterSupplier(COMPANY, "POT", "Pottery Ltd", "GBP")]
    )
    lines = [OrderedLine(shop.skus[code], 24, Decimal("3.10")) for code in ("MUG-BLUE", "TEA-ASSAM")]
    order(system, requests=[OrderGoods(COMPANY, supplier.id, node, "DN-77", lines)])
    bins = dict(sql.run("SELECT code, id FROM network_bin WHERE node_id = %(n)s", {"n": node}))
    ask_counts(system, requests=[AskCount(bins["A-01"], None)])
    back.came(back.asked(shop.one("delivered"), 1))

    page.goto("/scan/")
    fits(page, "all-flows", tmp_path)
    page.goto("/scan/receive/")
    fits(page, "orders", tmp_path)
    reads(page, "dn-77")
    expect(verb(page)).to_have_text("Scan everything that came")
    fits(page, "receive", tmp_path)
    reads(page, "MUG-BLUE", "20")
    expect(page.locator(".what")).to_have_text("20 × MUG-BLUE")
    reads(page, "TEA-ASSAM")
    expect(verb(page)).to_have_text("Type or scan its lot")
    fits(page, "lot", tmp_path)
    reads(page, "L-7", "2029-06-30")
    expect(verb(page)).to_have_text("Came")
    fits(page, "came", tmp_path)
    page.get_by_role("button", name="Receive 1").click()
    expect(page.locator(".said.right")).to_contain_text("1 unit of TEA-ASSAM")

    shelf = sql.run(
        "SELECT id FROM network_bin WHERE node_id = %(n)s AND code = 'A-01'", {"n": shop.nodes[1]}
    )
    back_here = TransferUnits(shop.skus["MUG-BLUE"], shelf[0][0], 6)
    (sent,) = ship_transfer(system, requests=[ShipTransfer(COMPANY, shop.nodes[1], node, (back_here,))])
    page.goto("/scan/receive/")
    reads(page, sent.number)
    expect(verb(page)).to_have_text("Scan everything that came")
    fits(page, "transfer", tmp_path)
    reads(page, "MUG-BLUE", "2")
    expect(page.locator(".what")).to_have_text("2 × MUG-BLUE")
    page.get_by_role("button", name="These are lost").click()
    expect(verb(page)).to_have_text("Type why they do not come")
    reads(page, "the box is torn")
    expect(page.get_by_role("button", name="Write off 2")).to_be_visible()
    fits(page, "lost", tmp_path)
    page.get_by_role("button", name="Write off 2").click()
    expect(page.locator(".said.right")).to_contain_text("2 × MUG-BLUE are written off")
    page.get_by_role("button", name="All the rest is lost").click()
    reads(page, "nobody has it")
    expect(verb(page)).to_have_text("Is this right?")
    fits(page, "rest", tmp_path)

    page.goto("/scan/count/")
    fits(page, "counts", tmp_path)
    reads(page, "A-01")
    expect(verb(page)).to_have_text("Go to bin")
    reads(page, "A-01")
    expect(verb(page)).to_have_text("Scan everything in the bin")
    fits(page, "count", tmp_path)
    reads(page, "MUG-BLUE", "17")
    expect(page.locator(".what")).to_have_text("17 × MUG-BLUE")
    page.get_by_role("button", name="No more is here").click()
    expect(verb(page)).to_have_text("This stands in")
    fits(page, "counted", tmp_path)

    page.context.clear_cookies()
    enter(page, "inspector")
    page.goto("/scan/inspect/")
    fits(page, "returns", tmp_path)
    reads(page, returns.tasks(COMPANY)[0].number)
    expect(verb(page)).to_have_text("What is it like?")
    fits(page, "grade", tmp_path)
    page.get_by_role("button", name="A · ").click()
    expect(verb(page)).to_have_text("Grade A. Proposed:")
    fits(page, "disposition", tmp_path)


def types(page: Page, *codes: str) -> None:
    """A wedge: each key at once, and the next scan before the answer to the one before."""
    for code in codes:
        page.keyboard.type(code, delay=0)
        page.keyboard.press("Enter")


@pytest.mark.timeout(180)
def test_a_scanner_is_quicker_than_the_house_and_nothing_is_lost_or_doubled(
    handheld: Page, shop: Shop
) -> None:
    """The list, the bin and every unit in one go, while each answer takes its time."""
    from entrepot.warehouse import floor_queries, queries

    page = handheld
    one = queries.of_order(shop.one("released"))[0]
    stops = [row.stop for row in floor_queries.stops(fulfillment=one.id)]
    codes = [one.number]
    for stop in stops:
        codes += [stop.bin.code, *[stop.item.code] * stop.item.quantity]
    page.goto("/scan/pick/")
    asked: list[str] = []

    def slowly(route: Route) -> None:
        if route.request.method == "POST":
            asked.append(route.request.post_data or "")
            page.wait_for_timeout(200)
        route.continue_()

    page.route("**/scan/pick/**", slowly)
    types(page, *codes)
    expect(page.locator(".said.right").last).to_contain_text(
        "Bring it to the packing station.", timeout=60_000
    )
    expect(page.get_by_role("alert")).to_have_count(0)
    tasks = queries.tasks([one.id])
    assert [(task.state, task.picked) for task in tasks] == [("done", stop.item.quantity) for stop in stops]
    assert len(asked) == len(codes), "each scan is sent once"
    assert page.evaluate("Object.keys(localStorage).filter(name => name.startsWith('entrepot.scans'))") == []


_HURRIED = """
    const within = AbortSignal.timeout.bind(AbortSignal);
    window.waited = [];
    AbortSignal.timeout = (ms) => { waited.push(ms); return within(ms / 4); };
    window.told = [];
    addEventListener("DOMContentLoaded", () => {
        const unsent = document.querySelector("#unsent");
        new MutationObserver(() => told.push(unsent.textContent)).observe(unsent, { childList: true });
    });
"""
"""The browser's clock for what nobody answers runs four times as fast; how long it was to wait is kept, and what was
told meanwhile, as the words are gone again before a slow machine has looked."""


@pytest.mark.timeout(180)
def test_an_answer_that_never_comes_is_asked_for_again_and_counts_once(handheld: Page, shop: Shop) -> None:
    """First the house never hears of the scan; then it does, and its answer is lost."""
    from entrepot.warehouse import floor_queries, queries

    page = handheld
    page.add_init_script(_HURRIED)
    one = queries.of_order(shop.one("released"))[0]
    stop = floor_queries.stops(fulfillment=one.id)[0].stop
    page.goto(f"/scan/pick/order/{one.id}/")
    lost: list[str] = []

    def swallowed(route: Route) -> None:
        if route.request.method != "POST" or len(lost) == 2:
            route.continue_()
            return
        lost.append("never sent" if not lost else "answer lost")
        if len(lost) == 2:
            route.fetch()
            route.abort("connectionreset")

    page.route("**/scan/pick/order/**", swallowed)
    expect(verb(page)).to_have_text("Go to bin")
    types(page, stop.bin.code)
    expect(verb(page)).to_have_text("Take", timeout=30_000)
    assert lost == ["never sent", "answer lost"]
    told = page.evaluate("told")
    assert "Not sent yet: 1." in told[0], told
    assert told[-1] == "", "nothing waits any more"
    assert set(page.evaluate("waited")) == {8000}, "what nobody answers is given up after eight seconds"
    types(page, *[stop.item.code] * stop.item.quantity)
    expect(page.locator(".said.right")).to_contain_text("picked.")
    task = queries.tasks([one.id])[0]
    assert (task.state, task.picked) == ("done", stop.item.quantity)


@pytest.mark.timeout(180)
def test_a_reload_in_the_middle_of_scans_loses_none(handheld: Page, shop: Shop) -> None:
    from entrepot.warehouse import floor_queries, queries

    page = handheld
    one = queries.of_order(shop.one("released"))[0]
    stop = floor_queries.stops(fulfillment=one.id)[0].stop
    page.goto("/scan/pick/")
    page.route(
        "**/scan/pick/**",
        lambda route: route.abort() if route.request.method == "POST" else route.continue_(),
    )
    types(page, one.number, stop.bin.code, *[stop.item.code] * stop.item.quantity)
    expect(page.locator("#unsent")).to_contain_text("Not sent yet:")
    page.unroute("**/scan/pick/**")
    page.reload()
    expect(page.locator(".said.right")).to_contain_text("picked.")
    expect(page.get_by_role("alert")).to_have_count(0)
    task = queries.tasks([one.id])[0]
    assert (task.state, task.picked) == ("done", stop.item.quantity)


@pytest.mark.timeout(180)
def test_scans_that_wait_as_they_were_kept_before_are_sent_once(handheld: Page, shop: Shop) -> None:
    """A handheld that was offline over the upgrade, on which one name held the scans of whoever scanned."""
    from entrepot.warehouse import queries

    page = handheld
    one = queries.of_order(shop.one("released"))[0]
    page.goto("/scan/pick/")
    page.evaluate(
        """scan => localStorage.setItem("entrepot.scans", JSON.stringify({
          person: document.body.dataset.person,
          scans: [{ url: "/scan/pick/", key: "kept-before", scan, at: "", tapped: false, follows: false }] }))""",
        one.number,
    )
    page.reload()
    expect(page).to_have_url(re.compile("/scan/pick/.+/"))
    assert page.evaluate("Object.keys(localStorage).filter(name => name.startsWith('entrepot.scans'))") == []


@pytest.mark.timeout(180)
def test_a_scan_that_the_server_fails_over_does_not_hold_up_the_handheld(handheld: Page, shop: Shop) -> None:
    page = handheld
    page.goto("/scan/pick/")
    status = [500]
    page.route(
        "**/scan/pick/",
        lambda route: (
            route.fulfill(status=status[0]) if route.request.method == "POST" else route.continue_()
        ),
    )
    types(page, "what breaks it", "and what follows")
    expect(page.locator("#unsent")).to_contain_text("Not sent yet: 2")
    expect(page.locator("#unsent")).to_have_text(
        "The server could not answer. Scan again. Scans after the wrong one were not used: 1. Scan them again.",
        timeout=20_000,
    )
    status[0] = 503  # the database is away: what was scanned waits, however long
    types(page, "what waits")
    page.wait_for_timeout(8_000)
    expect(page.locator("#unsent")).to_contain_text("Not sent yet: 1")
    page.unroute("**/scan/pick/")
    expect(page.get_by_role("alert")).to_contain_text("what waits", timeout=15_000)
    types(page, "nothing")
    expect(page.get_by_role("alert")).to_contain_text("nothing")


@pytest.mark.timeout(180)
def test_two_handhelds_at_one_order_pick_it_once(handheld: Page, site: str, shop: Shop) -> None:
    """The slower one is told loud that it went on elsewhere; what he scanned did nothing."""
    from entrepot.warehouse import floor_queries, queries

    first = handheld
    one = queries.of_order(shop.one("released"))[0]
    stop = floor_queries.stops(fulfillment=one.id)[0].stop
    assert first.context.browser
    other = first.context.browser.new_context(viewport=HANDHELD, base_url=site).new_page()
    enter(other, "root")
    address = f"/scan/pick/order/{one.id}/"
    for page in (first, other):
        page.goto(address)
        types(page, stop.bin.code)
        expect(verb(page)).to_have_text("Take")
    units = [stop.item.code] * stop.item.quantity
    types(first, *units)
    expect(first.locator(".said.right")).to_contain_text("picked.")
    types(other, *units)
    expect(other.get_by_role("alert")).to_contain_text("Stop.")
    task = queries.tasks([one.id])[0]
    assert (task.state, task.picked) == ("done", stop.item.quantity)
    other.context.close()


@pytest.mark.timeout(180)
def test_two_handhelds_at_one_count_count_it_once(handheld: Page, site: str, shop: Shop) -> None:
    from entrepot.warehouse import counted

    first = handheld
    shop_bin = a_count(shop)
    (row,) = [one for one in counted.counts(company=1) if one.bin_code == shop_bin]
    assert first.context.browser
    other = first.context.browser.new_context(viewport=HANDHELD, base_url=site).new_page()
    enter(other, "root")
    for page in (first, other):
        page.goto(f"/scan/count/{row.id}/")
        expect(verb(page)).to_have_text("Go to bin")
    types(first, shop_bin)
    expect(verb(first)).not_to_have_text("Go to bin")
    types(first, "MUG-BLUE")
    expect(first.locator(".what")).to_have_text("1 × MUG-BLUE")
    types(other, shop_bin)
    expect(other.get_by_role("alert")).to_contain_text(
        "supervisor is at it. Scan A-01 again only if you take it over"
    )
    assert whose(row.id) == ("counting", "supervisor")
    types(other, shop_bin)
    expect(verb(other)).to_have_text("Scan everything in the bin")
    assert whose(row.id) == ("counting", "root")
    # Who had it before is told, and what he scanned of it counts no more.
    types(first, "MUG-BLUE")
    expect(first.get_by_role("alert")).to_contain_text("Stop.")
    types(first, shop_bin)
    expect(first.get_by_role("alert")).to_contain_text("root is at it.")
    types(first, shop_bin)
    expect(verb(first)).to_have_text("Scan everything in the bin")
    assert whose(row.id) == ("counting", "supervisor")
    other.context.close()


def whose(count: UUID) -> tuple[str, str]:
    from entrepot.warehouse import counted

    now = counted.one_count(count)
    assert now
    return now.state, now.counter


def a_count(shop: Shop) -> str:
    """A bin that is to be counted."""
    from entrepot.network import queries as network
    from entrepot.warehouse.commands.plan_counts import AskCount, ask_counts
    from tests.shop import COMPANY, the_system

    node = network.nodes(company=COMPANY)[0]
    first = next(one for one in network.bins(nodes=[node.id]) if one.code == "A-01")
    ask_counts(the_system(shop.now), requests=[AskCount(first.id)])
    return first.code


@pytest.mark.timeout(180)
def test_a_button_that_is_tapped_twice_is_tapped_once_and_a_scan_presses_none(
    handheld: Page, shop: Shop
) -> None:
    from entrepot.kernel import sql
    from entrepot.warehouse import counted
    from entrepot.warehouse.commands.plan_counts import AskCount, ask_counts
    from tests.shop import COMPANY, the_system

    page = handheld
    bins = dict(sql.run("SELECT code, id FROM network_bin WHERE node_id = %(n)s", {"n": shop.nodes[0]}))
    ask_counts(the_system(shop.now), requests=[AskCount(bins["A-01"], shop.skus["MUG-BLUE"])])
    page.goto("/scan/count/")
    reads(page, "A-01")
    expect(verb(page)).to_have_text("Go to bin")
    reads(page, "A-01")
    expect(verb(page)).to_have_text("Scan every unit of these")
    page.get_by_role("button", name="No more is here").dblclick()
    expect(verb(page)).to_have_text("This stands in")
    expect(page.locator(".said")).to_have_count(0)
    assert [one.state for one in counted.counts(company=COMPANY)] == ["counting"], "nothing is reported"

    page.get_by_role("button", name="Yes, report it").focus()
    reads(page, "MUG-BLUE")
    expect(page.locator(".said.wrong")).to_contain_text("one of the buttons")
    assert [one.state for one in counted.counts(company=COMPANY)] == ["counting"], (
        "the scan pressed no button"
    )
    page.get_by_role("button", name="Yes, report it").click()
    expect(page.locator(".said.right")).to_contain_text("A-01 is counted")


@pytest.mark.timeout(180)
def test_lists_of_the_handheld_are_renewed_and_what_is_typed_stays(handheld: Page, shop: Shop) -> None:
    from entrepot.kernel import sql
    from entrepot.warehouse.commands.plan_counts import AskCount, ask_counts
    from tests.shop import the_system

    page = handheld
    page.goto("/scan/")
    waits = page.get_by_role("link", name=re.compile("^Count")).locator(".count")
    before = int(re.findall(r"\d+", waits.inner_text())[0])
    rows = sql.run(
        "SELECT b.bin_id FROM stock_bucket AS b WHERE b.node_id = %(node)s AND b.quantity > 0 AND b.bin_id IS NOT NULL"
        " AND NOT EXISTS (SELECT FROM warehouse_countline AS l WHERE l.sku_id = b.sku_id) LIMIT 1",
        {"node": shop.nodes[0]},
    )
    ask_counts(the_system(shop.now), requests=[AskCount(rows[0][0])])
    page.locator("main").dispatch_event("live")
    expect(waits).not_to_contain_text(re.compile(rf"^{before}\b"))

    page.goto("/scan/pick/")
    page.locator("#code").fill("RL-1")
    page.locator("main").dispatch_event("live")
    page.wait_for_timeout(500)
    expect(page.locator("#code")).to_have_value("RL-1")
    expect(page.locator("#code")).to_be_focused()
