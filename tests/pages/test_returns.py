"""The way back in a real browser: asked for, received, inspected, refunded and approved, by different people."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from tests.pages.test_console import NAMELESS, NARROW, TOO_FAINT, WIDE, enter

if TYPE_CHECKING:
    from tests.shop import Shop


@pytest.fixture
def shop(open_shop) -> Shop:
    return open_shop(2)


def leave(page: Page, name: str) -> None:
    """Somebody else sits down."""
    page.context.clear_cookies()
    enter(page, name)


TWICE = """
() => { const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
  return [...new Set(ids.filter((one, place) => ids.indexOf(one) !== place))]; }
"""


def stands(page: Page, name: str, tmp_path: Path) -> None:
    """The page fits a screen and a phone, can be read, and is kept as a picture."""
    for size in (WIDE, NARROW):
        page.set_viewport_size(size)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
            f"{name} is wider than {size}"
        )
        assert page.evaluate(NAMELESS) == [], name
        assert page.evaluate(TOO_FAINT) == [], name
        assert page.evaluate(TWICE) == [], f"{name}: ids that stand twice"
        page.screenshot(path=tmp_path / f"{name}-{size['width']}.png", full_page=True)
    page.set_viewport_size(WIDE)


def state(page: Page) -> Any:
    return page.locator(".head .state").first


def paid_out() -> None:
    """Providers do what they were asked, and the workers note it."""
    from entrepot.kernel import relay, worker
    from entrepot.returns import tasks

    relay.relay_once(relay.destinations(), limit=100)
    worker.serve_once(tasks.QUEUES)


@pytest.mark.timeout(180)
def test_a_return_goes_from_desk_to_dock_to_bench_to_books(
    page: Page, site: str, shop: Shop, tmp_path: Path
) -> None:
    from tests.back import policy

    policy(approve_above_minor=100)
    paid_out()
    order = shop.one("delivered")
    page.set_viewport_size(WIDE)

    # Customer service writes the return.
    enter(page, "service")
    page.goto(f"/orders/{order}/")
    page.get_by_text("Take something back").click()
    page.get_by_label("Why", exact=True).select_option("poor_fit")
    page.get_by_label("In the customer's words").fill("too small")
    page.get_by_role("button", name="Write the return").click()
    expect(page.get_by_text("Nothing was selected")).to_be_visible()
    expect(page.get_by_label("In the customer's words")).to_have_value("too small")  # the form is kept
    page.locator("input[name^=units-]").first.fill("1")
    page.get_by_role("button", name="What would be answered").click()
    expect(page.locator("#considered")).to_contain_text("no fee")
    stands(page, "ask", tmp_path)
    page.get_by_role("button", name="Write the return").click()
    page.wait_for_url(re.compile("/returns/.+/"))
    expect(state(page)).to_have_text("authorized")
    address = page.url
    expect(page.get_by_text("The warehouse receives it when it comes.")).to_be_visible()
    expect(page.get_by_text("Nothing is due to be refunded yet")).to_be_visible()

    # The warehouse receives it.
    leave(page, "supervisor")
    page.goto("/returns/parcels/")
    page.get_by_role("link", name="It has no number").click()
    page.get_by_label("SKU, barcode or words 1").fill("a sock")
    page.get_by_role("button", name="Receive").click()
    expect(page.get_by_text("Customer service finds out what it is.")).to_be_visible()
    page.goto("/returns/parcels/?tracking=")
    stands(page, "parcels", tmp_path)
    page.goto(address)
    page.get_by_label("How it looks at the door").fill("box torn")
    page.get_by_text("Lot, serial number or weight").first.click()
    stands(page, "receive", tmp_path)
    page.get_by_role("button", name="Receive").click()
    expect(state(page)).to_have_text("received")

    at_the_station(page, tmp_path)

    # What is due is computed, and waits for somebody else.
    leave(page, "service")
    page.goto(address)
    page.get_by_text("Refund otherwise").click()
    stands(page, "otherwise", tmp_path)
    page.get_by_role("button", name="Refund what is due").click()
    expect(page.locator("section.card .state.held").first).to_have_text("waiting")
    expect(page.get_by_text("It can't be closed yet.")).to_be_visible()
    stands(page, "return", tmp_path)
    page.goto("/returns/refunds/")
    expect(page.get_by_text("A controller decides.")).to_be_visible()

    # The controller decides.
    leave(page, "books")
    expect(page.locator(".areas .count")).to_have_text(re.compile("^1"))
    page.goto("/returns/refunds/")
    stands(page, "refunds", tmp_path)
    page.get_by_label("Reason, needed to reject").press("Enter")  # neither yes nor no
    page.wait_for_timeout(300)
    expect(page.get_by_text("No refund waits")).to_have_count(0)
    page.get_by_role("button", name="Reject").click()
    expect(page.locator("#refused", has_text="rejecting needs a reason")).to_be_visible()
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("No refund waits")).to_be_visible()
    page.goto(address)
    expect(state(page)).to_have_text("disposed")  # the provider has not paid it out yet

    paid_out()
    page.reload()
    expect(state(page)).to_have_text("closed")
    stands(page, "done", tmp_path)
    page.goto("/returns/reasons/")
    expect(page.get_by_text("Does not fit")).to_be_visible()
    stands(page, "reasons", tmp_path)
    assert page.locator("#acts").count() == 0
    page.goto("/returns/?state=closed")
    expect(page.locator("tr[data-row]")).to_have_count(1)


def at_the_station(page: Page, tmp_path: Path) -> None:
    """The inspector finds the unit, grades it by a key, and does what is proposed."""
    leave(page, "inspector")
    page.goto("/returns/")
    stands(page, "list", tmp_path)
    page.get_by_role("link", name="Inspection station").click()
    page.wait_for_url("**/returns/station/")
    page.keyboard.press("f")
    expect(page.get_by_label("Scan a return")).to_be_focused()
    page.keyboard.type("nothing like that")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Nothing of nothing like that waits here.")
    stands(page, "missed", tmp_path)
    page.get_by_role("link", name="Go on with what waits longest").click()
    page.get_by_label("Defects, as words").fill("scratched")
    stands(page, "station", tmp_path)
    page.keyboard.press("Enter")  # in a field: no grade is meant
    page.locator("h1").click()
    page.keyboard.type("B0C5")  # a scanner: harmless
    page.wait_for_timeout(400)
    expect(page.get_by_role("button", name=re.compile("^B"))).to_be_visible()
    page.keyboard.press("b")
    expect(page.get_by_role("button", name="Second grade")).to_be_visible()
    stands(page, "disposition", tmp_path)
    expect(page.get_by_text("Something else is decided by a supervisor")).to_be_visible()
    page.locator("h1").click()
    page.keyboard.press("p")
    expect(page.get_by_text("Nothing waits for inspection")).to_be_visible()


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


def test_another_proposal_without_a_reason_is_refused_and_the_form_is_kept(
    page: Page, site: str, committed_db: None, tmp_path: Path
) -> None:
    from tests.back import asked, came, found, sold
    from tests.shop import everybody
    from tests.walk import a_house

    house = a_house()
    house.stock(0, 20)
    everybody()
    (order,) = sold(house, 1, (0, 1))
    found(came(asked(order, 1)))
    enter(page, "supervisor")
    page.goto("/returns/station/")
    page.get_by_text("Something else").click()
    page.get_by_label("What is done with it").select_option("donate")
    page.get_by_role("button", name="Propose that for all of it").click()
    expect(
        page.locator("#refused", has_text="donate instead needs a reason: restock was proposed.")
    ).to_be_visible()
    expect(page.get_by_label("What is done with it")).to_have_value("donate")
    stands(page, "no-reason", tmp_path)
    page.get_by_label("Why not what was proposed").fill("a gift")
    page.get_by_role("button", name="Propose that for all of it").click()
    expect(page.get_by_text("It is proposed instead.")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Donate"))).to_be_visible()


def test_a_lot_goes_from_a_form_to_its_invoice(
    page: Page, site: str, committed_db: None, tmp_path: Path
) -> None:
    """Gathered for a buyer, let leave with its tax, and settled for less by agreement."""
    from datetime import date
    from decimal import Decimal

    from entrepot.settlement import tasks
    from entrepot.tax.commands.register import register_rates
    from entrepot.tax.rules import RegisterRate
    from tests.floor import COMPANY, SYSTEM
    from tests.onward import disposed
    from tests.shop import everybody
    from tests.walk import a_house

    house = a_house()
    house.stock(0, 20)
    everybody()
    register_rates(SYSTEM, requests=[RegisterRate(COMPANY, "GB", Decimal("0.2"), date(2020, 1, 1))])
    disposed(house, "liquidate", 3, 2)
    enter(page, "inspector")
    page.goto("/returns/departures/")
    page.get_by_label("Buyer, by the customer's code").fill("JOB")
    page.get_by_label("Name on the invoice").fill("Jobber Ltd")
    page.get_by_label("Street").fill("2 Quay")
    page.get_by_label("Postal code").fill("HU1 1AA")
    page.get_by_label("City").fill("Hull")
    page.get_by_label("Tax number").fill("GB980780684")
    page.get_by_label("Price expected without tax, in GBP").fill("12.00")
    stands(page, "lots", tmp_path)
    page.get_by_role("button", name="Gather them").click()
    expect(page.get_by_role("heading", name="LOT-2026-000001")).to_be_visible()
    page.get_by_role("button", name="The goods have left").click()
    expect(page.get_by_text("Tax of £2.40: 20 % in GB.")).to_be_visible()
    which = UUID(page.url.rstrip("/").rsplit("/", 1)[1])

    tasks.serve_invoice(SYSTEM, [which])
    leave(page, "books")
    page.goto(f"/returns/departures/{which}/")
    expect(page.get_by_text("Jobber Ltd")).to_be_visible()
    stands(page, "lot", tmp_path)
    page.get_by_label("Number of their paper").fill("RM 7")
    page.get_by_label("Came, in GBP").fill("12.00")
    page.get_by_label("Why it differs").fill("A carton was wet.")
    page.get_by_role("button", name="Less was agreed").click()
    tasks.serve_invoice(SYSTEM, [which])
    page.goto(f"/returns/departures/{which}/")
    expect(page.get_by_text("£2.40 less by agreement, of them £0.40 of tax.")).to_be_visible()
    expect(page.get_by_text("CRN-2026-000001")).to_be_visible()
    stands(page, "lot-settled", tmp_path)
    page.goto("/books/invoices/")
    expect(page.get_by_role("link", name="LOT-2026-000001").first).to_be_visible()
    stands(page, "lot-invoices", tmp_path)


@pytest.mark.timeout(180)
def test_a_parcel_that_was_sent_again_goes_back_in_stock(
    page: Page, site: str, shop: Shop, tmp_path: Path
) -> None:
    """At the dock it is told by its number, and asked what it looks like; the list tells who was given twice."""
    from entrepot.kernel import sql
    from entrepot.shipping import queries as shipping
    from entrepot.shipping.commands.reship import Reship, reship
    from tests.shop import the_system

    def in_stock() -> int:
        return sql.run("SELECT sum(quantity)::int FROM stock_bucket WHERE status = 'sellable'")[0][0]

    gone = shipping.of_order(shop.one("delivered"))[0]
    (again,) = reship(the_system(shop.now), requests=[Reship(gone.id, "nobody has seen it")])
    page.set_viewport_size({"width": 360, "height": 740})
    enter(page, "supervisor")
    page.goto("/shipments/sent-again/")
    expect(page.locator("main")).to_contain_text(again.number)
    expect(page.locator("main")).to_contain_text("arrived")
    page.screenshot(path=tmp_path / "again.png", full_page=True)
    page.goto(f"/returns/parcels/?tracking={gone.tracking}")
    expect(page.locator("main")).to_contain_text(f"It was sent again with {again.number}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    before = in_stock()
    page.get_by_label("As new").first.fill("1")
    page.screenshot(path=tmp_path / "parcel.png", full_page=True)
    page.get_by_role("button", name="Put it back in stock").click()
    expect(page.locator("body")).to_contain_text("nobody is paid back")
    page.screenshot(path=tmp_path / "back.png", full_page=True)
    assert in_stock() == before + 1
