"""A return in a customer's hand: from the order's number to the slip for the parcel, on a phone."""

from __future__ import annotations

import random
import struct
import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.pages.test_console import NARROW
from tests.pages.test_returns import stands

if TYPE_CHECKING:
    from tests.shop import Shop


@pytest.fixture
def shop(open_shop) -> Shop:
    return open_shop(1)


TAP_MS, KEY_MS, READ_MS, CHOOSE_MS = 1_100, 280, 2_000, 1_500
"""A tap with finding its target, a key on glass, a look at a new page, and choosing a picture that is there: by the
keystroke-level model, with the slower numbers for phones."""


class Hand:
    """A thumb on a phone: what it does is counted, and takes as long as it takes people."""

    def __init__(self, page: Page) -> None:
        self.page, self.taps, self.ms, self.started = page, 0, 0, time.monotonic()

    def tap(self, target: Locator) -> None:
        box = target.bounding_box()
        assert box and box["height"] >= 44, f"{target} is {box} high: too small for a thumb"
        target.tap()
        self._tapped()

    def write(self, target: Locator, text: str) -> None:
        self.tap(target)
        target.fill(text)
        self.ms += KEY_MS * len(text)

    def choose(self, target: Locator, value: str) -> None:
        """Open a list, and tap one of its rows."""
        self.tap(target)
        target.select_option(value)
        self._tapped()

    def picture(self, target: Locator, content: bytes) -> None:
        self.tap(target.locator("xpath=.."))
        target.set_input_files({"name": "it.png", "mimeType": "image/png", "buffer": content})
        self.ms += CHOOSE_MS

    def read(self) -> None:
        self.ms += READ_MS

    def _tapped(self) -> None:
        self.taps += 1
        self.ms += TAP_MS

    @property
    def seconds(self) -> float:
        """Of the hand and of the pages together."""
        return self.ms / 1_000 + time.monotonic() - self.started


@pytest.mark.timeout(180)
def test_a_return_is_started_within_a_minute_on_a_phone(
    browser: Browser, site: str, shop: Shop, tmp_path: Path
) -> None:
    """With a photo, and something else chosen instead, at 360 px: every tap counted, every key timed."""
    from entrepot.kernel import policies, relay, sql
    from entrepot.orders import queries as orders
    from entrepot.returns import queries
    from entrepot.returns.portal_queries import Portal, returns_of
    from tests.rules.test_returns_photos import png
    from tests.shop import COMPANY, the_system

    body = Portal(is_open=True, name="Hearth & Home")
    wanted = policies.SetPolicy(COMPANY, "returns.portal", body, shop.now)
    policies.set_policy(the_system(shop.now), requests=[wanted])
    relay.relay_once(relay.destinations())  # what was sent is paid for
    sql.run(
        "UPDATE catalog_sku SET category = 'gifts', list_price = 20 WHERE company_id = %(c)s", {"c": COMPANY}
    )
    order = orders.order(shop.one("delivered"))
    assert order
    line = next(one for one in queries.returnable(order.id) if one.left)

    phone = browser.new_context(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    page = phone.new_page()
    page.goto(f"{site}/portal/hearth/web/")
    hand = Hand(page)
    hand.read()
    hand.write(page.get_by_label("Number of the order"), order.external_id)
    hand.write(page.get_by_label("Your mail address"), order.postal_code)
    hand.tap(page.get_by_role("button", name="Show my order"))

    hand.read()
    units = page.locator(f"#units-{line.line}")
    if line.left > 1:
        hand.choose(units, "1")
    elif not units.is_checked():
        hand.tap(page.locator(f"label[for='units-{line.line}']"))
    hand.choose(page.locator(f"#reason-{line.line}"), "changed_mind")
    page.screenshot(path=tmp_path / "order-360.png", full_page=True)
    hand.tap(page.get_by_role("button", name="See what happens next"))

    hand.read()
    instead = page.locator(f"#instead-{line.line}")
    expect(instead).to_be_hidden()
    hand.tap(page.locator("label.choice", has_text="Something else instead"))
    other = instead.locator("option").nth(2)
    code, chosen = other.get_attribute("value"), (other.text_content() or "").strip()
    assert code and chosen
    hand.choose(instead, code)
    hand.picture(page.locator("#photos"), png())
    page.screenshot(path=tmp_path / "answer-360.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    hand.tap(page.get_by_role("button", name="Yes, send it back"))

    expect(page.get_by_role("heading", name="What to do now")).to_be_visible()
    expect(page.get_by_text("We wait for it until")).to_be_visible()
    expect(page.get_by_text("We have 1 photo of it.")).to_be_visible()
    expect(page.locator("#instead ~ ul")).to_contain_text(chosen)
    page.screenshot(path=tmp_path / "return-360.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert hand.taps <= 13, f"{hand.taps} taps"
    assert hand.seconds < 60, f"{hand.seconds:.0f} s with {hand.taps} taps"
    assert len(returns_of(order.id)) == 1
    phone.close()


@pytest.mark.timeout(180)
def test_a_customer_sends_something_back(page: Page, site: str, shop: Shop, tmp_path: Path) -> None:
    from entrepot.kernel import policies
    from entrepot.orders import queries as orders
    from entrepot.returns import queries
    from entrepot.returns.portal_queries import Portal
    from tests.shop import COMPANY, the_system

    body = Portal(is_open=True, name="Hearth & Home", help="mailto:help@example.com", accent="#7a1f3d")
    wanted = policies.SetPolicy(COMPANY, "returns.portal", body, shop.now)
    assert isinstance(policies.set_policy(the_system(shop.now), requests=[wanted])[0], policies.PolicySet)
    order = orders.order(shop.one("delivered"))
    assert order
    line = next(one for one in queries.returnable(order.id) if one.left)

    page.set_viewport_size(NARROW)
    page.goto(f"{site}/portal/hearth/web/")
    stands(page, "start", tmp_path)
    page.set_viewport_size(NARROW)
    page.get_by_label("Number of the order").fill(order.external_id)
    page.get_by_label("Your mail address").fill(order.postal_code)
    page.get_by_role("button", name="Show my order").click()

    expect(page.get_by_role("heading", name=f"Order {order.external_id}")).to_be_visible()
    expect(page.get_by_text("Delivered on")).to_be_visible()
    why = page.locator(f"#reason-{line.line}")
    expect(why).to_be_hidden()
    units = page.locator(f"#units-{line.line}")
    units.select_option("1") if line.left > 1 else units.check()
    why.select_option("changed_mind")
    stands(page, "order", tmp_path)
    page.set_viewport_size(NARROW)
    page.get_by_role("button", name="See what happens next").click()

    expect(page.get_by_text("Accepted at once.").first).to_be_visible()
    stands(page, "answer", tmp_path)
    page.set_viewport_size(NARROW)
    page.get_by_role("radio", name="Money back").check()
    page.get_by_role("button", name="Yes, send it back").click()

    expect(page.get_by_role("heading", name="What to do now")).to_be_visible()
    expect(page.locator(".way .at")).to_have_text("Accepted")
    stands(page, "return", tmp_path)
    page.get_by_role("button", name="Leave").click()
    expect(page.get_by_role("heading", name="You have left")).to_be_visible()


@pytest.mark.timeout(180)
def test_a_label_is_at_hand_on_a_phone(browser: Browser, site: str, shop: Shop, tmp_path: Path) -> None:
    """Where the house pays the way back: a code that a parcel shop scans, and a PDF, at 360 px."""
    from entrepot.kernel import policies
    from entrepot.orders import queries as orders
    from entrepot.returns import label_queries, queries
    from entrepot.returns.portal_queries import Portal, returns_of
    from tests.shop import COMPANY, the_system

    wanted = policies.SetPolicy(
        COMPANY, "returns.portal", Portal(is_open=True, name="Hearth & Home"), shop.now
    )
    policies.set_policy(the_system(shop.now), requests=[wanted])
    order = orders.order(shop.one("delivered"))
    assert order
    line = next(one for one in queries.returnable(order.id) if one.left)

    phone = browser.new_context(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    page = phone.new_page()
    page.goto(f"{site}/portal/hearth/web/")
    page.get_by_label("Number of the order").fill(order.external_id)
    page.get_by_label("Your mail address").fill(order.postal_code)
    page.get_by_role("button", name="Show my order").tap()
    units = page.locator(f"#units-{line.line}")
    if line.left > 1:
        units.select_option("1")
    elif not units.is_checked():
        page.locator(f"label[for='units-{line.line}']").tap()
    page.locator(f"#reason-{line.line}").select_option("defective")
    page.get_by_role("button", name="See what happens next").tap()
    page.get_by_role("radio", name="Money back").check()
    page.get_by_role("button", name="Yes, send it back").tap()

    expect(page.get_by_text("Show this code where you hand the parcel in.")).to_be_visible()
    seen = returns_of(order.id)[0]
    label = label_queries.of_return(seen.id)
    assert label
    expect(page.locator("figure.code b")).to_have_text(label.tracking)
    code, link = page.locator("figure.code svg"), page.get_by_role("link", name="Label to print (PDF)")
    box, touch = code.bounding_box(), link.bounding_box()
    assert box and box["width"] >= 150, "a scanner reads it from a phone"
    assert touch and touch["height"] >= 44
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    got = phone.request.get(site + (link.get_attribute("href") or ""))
    assert (got.status, got.headers["content-type"], got.body()[:5]) == (200, "application/pdf", b"%PDF-")
    stands(page, "label", tmp_path)
    phone.close()


def _noise(side: int) -> bytes:
    """A PNG that nothing makes smaller: three random bytes for each of its pixels."""
    rows = b"".join(b"\x00" + random.Random(n).randbytes(3 * side) for n in range(side))
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows, 0)),
        (b"IEND", b""),
    )
    chunks = (
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.timeout(180)
def test_photos_are_made_small_and_stay_where_the_form_is_refused(
    browser: Browser, site: str, shop: Shop, tmp_path: Path
) -> None:
    """One of 6.9 MB, which is refused as it is, and one that is none. Days are in the zone of the browser."""
    from entrepot.kernel import policies
    from entrepot.orders import queries as orders
    from entrepot.returns import photos, queries
    from entrepot.returns.portal_queries import Portal, returns_of
    from tests.shop import COMPANY, the_system

    body = Portal(is_open=True, name="Hearth & Home")
    policies.set_policy(
        the_system(shop.now), requests=[policies.SetPolicy(COMPANY, "returns.portal", body, shop.now)]
    )
    order = orders.order(shop.one("delivered"))
    assert order
    line = next(one for one in queries.returnable(order.id) if one.left)
    large = _noise(1_520)
    assert len(large) > photos.BYTES_MAX

    phone = browser.new_context(viewport={"width": 360, "height": 740}, timezone_id="Pacific/Auckland")
    page = phone.new_page()
    wrong: list[str] = []
    page.on(
        "console",
        lambda said: wrong.append(said.text) if said.type == "error" and "422" not in said.text else None,
    )
    page.goto(f"{site}/portal/hearth/web/")
    zones = [one["value"] for one in phone.cookies() if one["name"] == "zone"]
    assert zones == ["Pacific/Auckland"]
    page.get_by_label("Number of the order").fill(order.external_id)
    page.get_by_label("Your mail address").fill(order.postal_code)
    page.get_by_role("button", name="Show my order").click()
    units = page.locator(f"#units-{line.line}")
    units.select_option("1") if line.left > 1 else units.check()
    page.locator(f"#reason-{line.line}").select_option("changed_mind")
    page.get_by_role("button", name="See what happens next").click()

    chosen = page.locator("#photos")
    chosen.set_input_files([
        {"name": "it.png", "mimeType": "image/png", "buffer": large},
        {"name": "none.png", "mimeType": "image/png", "buffer": b"none"},
    ])  # fmt: skip
    expect(page.locator(".thumbs canvas")).to_have_count(1)
    (size, kind) = chosen.evaluate("(field) => [field.files[0].size, field.files[0].type]")
    assert (size < photos.BYTES_MAX, kind) == (True, "image/jpeg")
    page.get_by_role("radio", name="Money back").check()
    page.get_by_role("button", name="Yes, send it back").click()
    expect(page.get_by_role("alert")).to_contain_text("A photo can't be used")
    expect(page.get_by_role("radio", name="Money back")).to_be_checked()
    expect(page.locator(".thumbs canvas")).to_have_count(1)
    assert page.locator("#photos").evaluate("(field) => field.files.length") == 2, "they stay chosen"
    page.screenshot(path=tmp_path / "refused-360.png", full_page=True)

    page.locator("#photos").set_input_files([{"name": "it.png", "mimeType": "image/png", "buffer": large}])
    page.get_by_role("button", name="Yes, send it back").click()
    expect(page.get_by_text("We have 1 photo of it.")).to_be_visible(timeout=30_000)
    assert len(returns_of(order.id)) == 1
    assert wrong == []
    phone.close()
