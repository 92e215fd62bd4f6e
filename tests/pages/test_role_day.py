"""One order through a whole day, each step by the role whose work it is, through the pages that the role is led to."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from tests.pages.test_console import NARROW, WIDE, enter
from tests.pages.test_returns import paid_out
from tests.pages.test_scan import HANDHELD, reads, verb

if TYPE_CHECKING:
    from tests.shop import Shop

NUMBER = "W-77001"
POSTCODE = "LS1 4AP"
SEEN = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
"""A photo of one point, as PNG."""


@pytest.fixture
def shop(committed_db) -> Shop:
    """The house with everybody of the day, and one order that an address hold keeps back."""
    from tests.shop import a_person, a_shop, everybody

    found = a_shop()
    found.people = everybody() | {
        "picker": a_person("picker", "picker"),
        "packer": a_person("packer", "packer"),
    }
    found.orders["held"] = [an_order_on_hold(found)]
    return found


def an_order_on_hold(shop: Shop) -> UUID:
    from datetime import timedelta

    from entrepot.orders.commands.hold import PlaceHold, place_hold
    from entrepot.orders.commands.place import (
        AddressGiven,
        OrderLine,
        PaymentGiven,
        Placed,
        PlaceOrder,
        place,
    )
    from tests.shop import COMPANY, the_system

    at = shop.now - timedelta(hours=2)
    wanted = PlaceOrder(
        COMPANY, "web", NUMBER, (OrderLine("MUG-BLUE", 2, Decimal("12.50"), description="Stoneware mug, river blue"),),
        "GBP", at, "C-0001", "GB", POSTCODE, AddressGiven("Ada Byron", "3 Mill Lane", "Leeds"), shipping_minor=495,
        payment=PaymentGiven("fake", "pi_day", 2995, at, at + timedelta(days=6)),
    )  # fmt: skip
    (placed,) = place(the_system(at), requests=[wanted])
    assert isinstance(placed, Placed)
    held = PlaceHold(placed.order, "address hold", "The carrier doesn't know the street.")
    place_hold(the_system(at), requests=[held])
    return placed.order


def served() -> None:
    """What the workers and the relay do by themselves."""
    from entrepot.kernel import worker

    for _ in range(4):
        paid_out()
        worker.serve_once(worker.queues())


def sits_down(page: Page, name: str, size: dict[str, int]) -> None:
    page.context.clear_cookies()
    page.set_viewport_size(size)  # type: ignore[arg-type]
    enter(page, name)


def to(page: Page, area: str) -> None:
    """An area by the navigation, which on a phone keeps the rarer ones under "More"."""
    links = page.locator("nav.areas a, nav.further-areas a").filter(has_text=area)
    if not links.first.is_visible():
        page.locator("nav.further-areas summary").click()
    links.locator("visible=true").first.click()


def tab(page: Page, name: str) -> None:
    page.locator("nav.tabs a, nav.tabs summary").filter(has_text=name).locator("visible=true").first.click()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("size", [WIDE, pytest.param(NARROW, marks=pytest.mark.slow)], ids=["desk", "phone"])
def test_an_order_held_at_six_is_reconciled_at_night(
    page: Page, site: str, shop: Shop, tmp_path: Path, size: dict[str, int]
) -> None:
    from tests.back import policy

    policy(approve_above_minor=100)
    open_the_portal(shop)
    customer_service_releases(page, size)
    served()
    the_picker_picks_by_scan(page)
    the_packer_packs_and_ships(page)
    it_arrives(shop)
    the_customer_sends_it_back(page, site, tmp_path)
    the_inspector_receives_and_inspects(page, size, tmp_path)
    served()
    the_controller_approves_and_reconciles(page, shop, size, tmp_path)
    nothing_is_left_over()


def open_the_portal(shop: Shop) -> None:
    from entrepot.kernel import policies
    from entrepot.returns.portal_queries import Portal
    from tests.shop import COMPANY, the_system

    body = Portal(is_open=True, name="Hearth & Home", help="mailto:help@example.com", accent="#7a1f3d")
    policies.set_policy(
        the_system(shop.now), requests=[policies.SetPolicy(COMPANY, "returns.portal", body, shop.now)]
    )


def customer_service_releases(page: Page, size: dict[str, int]) -> None:
    sits_down(page, "service", size)
    to(page, "Orders")
    page.locator("tr[data-row] a").first.click()
    expect(page.locator(".head .state").first).to_have_text("address hold")
    page.get_by_role("button", name="Release", exact=True).click()
    expect(page.locator(".head .state").first).to_have_text("ready")


def the_picker_picks_by_scan(page: Page) -> None:
    sits_down(page, "picker", HANDHELD)
    page.get_by_role("link", name="Fulfillments to pick").click()
    page.locator(".choices a").first.click()
    expect(verb(page)).to_have_text("Go to bin")
    reads(page, page.locator(".what").inner_text())
    expect(verb(page)).to_have_text("Take")
    reads(page, "MUG-BLUE", "MUG-BLUE")
    expect(page.get_by_text("Bring it to the packing station.")).to_be_visible()


def the_packer_packs_and_ships(page: Page) -> None:
    sits_down(page, "packer", HANDHELD)
    page.get_by_role("link", name="Fulfillments to pack").click()
    page.locator(".choices a").first.click()
    expect(verb(page)).to_have_text("Scan every unit")
    reads(page, "MUG-BLUE", "MUG-BLUE")
    expect(verb(page)).to_have_text("All is right. Pack it into")
    page.get_by_role("button", name="Packed as shown").click()
    expect(page.locator(".said.right")).to_contain_text("is packed")
    page.get_by_role("link", name="label it and hand it over").click()
    page.get_by_role("button", name="The carrier has it").click()
    expect(page.locator(".head .state").first).to_have_text("shipped")


def it_arrives(shop: Shop) -> None:
    from entrepot.kernel import sql
    from entrepot.shipping.commands.deliver import Delivered, deliver
    from tests.shop import the_system

    ((shipment,),) = sql.run("SELECT id FROM shipping_shipment")
    deliver(the_system(shop.now), requests=[Delivered(shipment, shop.now)])
    served()


def the_customer_sends_it_back(page: Page, site: str, folder: Path) -> None:
    page.context.clear_cookies()
    page.set_viewport_size(NARROW)
    page.goto(f"{site}/portal/hearth/web/")
    page.get_by_label("Number of the order").fill(NUMBER)
    page.get_by_label("Your mail address").fill(POSTCODE)
    page.get_by_role("button", name="Show my order").click()
    page.locator("select[id^=units-]").first.select_option("1")
    page.locator("select[id^=reason-]").first.select_option("poor_fit")
    page.get_by_role("button", name="See what happens next").click()
    page.get_by_role("radio", name="Money back").check()
    page.get_by_role("button", name="Yes, send it back").click()
    expect(page.get_by_role("heading", name="What to do now")).to_be_visible()
    page.get_by_label("Add photos").set_input_files(a_photo(folder))
    page.get_by_role("button", name="Send the photos").click()
    expect(page.get_by_text("We have 1 photo of it.")).to_be_visible()


def a_photo(folder: Path) -> Path:
    from base64 import b64decode

    file = folder / "mug.png"
    file.write_bytes(b64decode(SEEN))
    return file


def the_inspector_receives_and_inspects(page: Page, size: dict[str, int], folder: Path) -> None:
    sits_down(page, "inspector", size)
    to(page, "Returns")
    page.locator("tr[data-row] a").first.click()
    page.get_by_role("button", name="Receive", exact=True).click()
    expect(page.locator(".head .state").first).to_have_text("received")
    page.get_by_role("link", name="To the inspection station").click()
    page.get_by_role("button", name=re.compile("^D")).click()
    page.get_by_label("Photos of it").set_input_files(a_photo(folder))
    page.get_by_role("button", name="Keep them").click()
    expect(page.locator("img").first).to_be_visible()
    page.locator("button.main.big").click()
    expect(page.get_by_text("That was the last of RMA-100001.")).to_be_visible()


def the_controller_approves_and_reconciles(
    page: Page, shop: Shop, size: dict[str, int], folder: Path
) -> None:
    sits_down(page, "books", size)
    page.get_by_role("link", name="Refunds to approve").first.click()
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("No refund waits")).to_be_visible()
    served()
    net = the_provider_pays_out(shop)
    to(page, "Books")
    tab(page, "Payouts")
    page.get_by_label("Why it differs").fill("a rounding of theirs")
    page.get_by_role("button", name="Book the difference").click()
    expect(page.get_by_label("Why it differs")).to_have_count(0)
    tab(page, "Bank")
    file = folder / "bank.csv"
    file.write_text(f"date,amount,text\n{shop.now:%Y-%m-%d},{net / 100:.2f},payout po_day\n")
    page.get_by_label("File (CAMT.053 or CSV)").set_input_files(file)
    page.get_by_label("Account", exact=True).fill("GB-1")
    page.get_by_label("Name of the statement").fill("day")
    page.get_by_role("button", name="Take it in").click()
    expect(page.get_by_text("The statement is taken in.")).to_be_visible()
    expect(page.get_by_text("Lines that wait")).to_have_count(0)


def nothing_is_left_over() -> None:
    from entrepot.kernel import sql
    from tests.floor import balance

    assert sql.run("SELECT state FROM returns_return") == [("closed",)]
    assert sql.run("SELECT state FROM settlement_bankstatement") == [("matched",)]
    assert balance(1100) == 0, "all that the provider held is at the bank, or explained"
    assert not sql.run("SELECT type FROM work_item WHERE state <> 'done' AND type <> 'return photos'")


def the_provider_pays_out(shop: Shop) -> int:
    """The provider's report of the day: what it captured, and what it gave back, a penny more than we know."""
    from entrepot.kernel import sql
    from entrepot.payments.providers import fake
    from entrepot.settlement.commands.take_payouts import PayoutTaken, TakePayout, take_payouts
    from entrepot.settlement.rules import PayoutLine
    from tests.shop import COMPANY, the_system

    ours = {one for (one,) in sql.run("SELECT id FROM payments_attempt")}
    settled = [one for one in fake.client.settled() if one[0].attempt in ours]
    lines = [PayoutLine(*line) for line in fake.payout(settled)]
    lines = [one._replace(amount_minor=one.amount_minor + (one.kind == "refund")) for one in lines]
    gross = sum(one.amount_minor * (-1 if one.kind == "refund" else 1) for one in lines)
    net = gross - sum(one.fee_minor for one in lines)
    report = TakePayout(COMPANY, "fake", "po_day", "GBP", net, tuple(lines), shop.now)
    (taken,) = take_payouts(the_system(shop.now), requests=[report])
    assert isinstance(taken, PayoutTaken), taken
    return net
