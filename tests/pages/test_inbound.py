"""What comes in, in a real browser: an order, the receiving desk, a check, put-away, a proposal, suppliers."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from tests.pages.test_console import enter
from tests.pages.test_returns import stands

if TYPE_CHECKING:
    from uuid import UUID

    from tests.shop import Shop

SSCC = "376104250021234569"


@pytest.fixture
def shop(open_shop) -> Shop:
    return open_shop(2)


def bought(shop: Shop) -> UUID:
    """Forty jugs ordered, ten of them announced in a package; each delivery is looked at."""
    from django.utils import timezone

    from entrepot.catalog.commands.register import RegisterSku, register_skus
    from entrepot.kernel.cause import Actor, Cause
    from entrepot.kernel.policies import SetPolicy, set_policy
    from entrepot.network.commands.register import RegisterBin, register_bins
    from entrepot.parties.commands.register import (
        RegisterOffer,
        RegisterSupplier,
        register_offers,
        register_suppliers,
    )
    from entrepot.purchasing import queries
    from entrepot.purchasing.commands.order import OrderGoods, order
    from entrepot.purchasing.commands.take_notices import TakeNotice, take_notices
    from entrepot.purchasing.receiving import Plan, Quality
    from tests.shop import COMPANY, the_system

    now = timezone.now()
    system = the_system(now)
    (supplier,) = register_suppliers(system, requests=[RegisterSupplier(COMPANY, "mugs", "Mugs Ltd", "GBP")])
    (jug,) = register_skus(
        system, requests=[RegisterSku(COMPANY, "JUG", "A jug", lot_policy="lot", barcode="4006381333931")]
    )
    node = shop.nodes[0]
    register_bins(
        system,
        requests=[
            RegisterBin(COMPANY, node, "DOCK-1", "receiving", pick_sequence=1),
            RegisterBin(COMPANY, node, "Z-99", "pick", pick_sequence=99),
            RegisterBin(COMPANY, node, "Q-01", "quarantine", pick_sequence=90),
        ],
    )
    register_offers(system, requests=[RegisterOffer(supplier.id, jug.id, Decimal("2.50"), 12, 6)])
    quality = Quality((Plan(sku="JUG", sample_percent=20),))
    since = now - timedelta(days=1)
    set_policy(system, requests=[SetPolicy(COMPANY, "purchasing.quality", quality, since)])
    wanted = OrderGoods(COMPANY, supplier.id, node, "W12", ((jug.id, 40, Decimal("2.50")),))
    (made,) = order(Cause(Actor("bea", everything=True), now), requests=[wanted])
    (line,) = queries.lines(made.order)
    said = TakeNotice(COMPANY, "DN-7", now.date(), ((made.order, line.id, 10, SSCC, "L7"),), "UPS", "1Z")
    take_notices(system, requests=[said])
    return made.order


@pytest.mark.timeout(120)
def test_goods_come_in_and_are_put_away(page: Page, site: str, shop: Shop, tmp_path: Path) -> None:
    which = bought(shop)
    enter(page, "inventory")
    page.goto("/inbound/expected/")
    stands(page, "expected", tmp_path)
    page.get_by_role("link", name="AN-").click()
    page.wait_for_url("**/inbound/expected/*/")
    expect(page.get_by_role("heading", name="What it says")).to_be_visible()
    stands(page, "notice", tmp_path)

    page.goto("/inbound/receiving/")
    expect(page.get_by_label("Barcode")).to_be_focused()  # whoever scans touches no field
    page.keyboard.type("NOTHING")
    page.keyboard.press("Enter")
    expect(page.locator("#refused")).to_contain_text("No SKU and no package has barcode NOTHING")
    expect(page.get_by_label("Barcode")).to_be_focused()  # and of a scan that was refused, neither
    expect(page.get_by_label("Barcode")).to_have_accessible_description(re.compile("NOTHING"))
    page.keyboard.type(SSCC)
    page.keyboard.press("Enter")
    expect(page.get_by_text("10 units of JUG are received")).to_be_visible()
    stands(page, "receiving", tmp_path)

    page.goto(f"/inbound/orders/{which}/")
    page.get_by_label("Good units of JUG").fill("5")
    page.get_by_label("Damaged units of JUG").fill("1")
    page.get_by_label("Lot of JUG").fill("L8")
    page.get_by_label("What is damaged").fill("cracked")
    page.get_by_role("button", name="Receive").click()
    expect(page.get_by_text("What was counted is received.")).to_be_visible()
    stands(page, "order", tmp_path)
    page.goto("/inbound/")
    stands(page, "orders", tmp_path)

    page.goto("/inbound/quality/")
    stands(page, "quality", tmp_path)
    page.get_by_label("Bad units of QC-").first.fill("0")
    page.get_by_role("button", name="Decide").first.click()
    expect(page.get_by_text("The check is decided.")).to_be_visible()

    page.goto(f"/inbound/put-away/?node={shop.nodes[0]}")
    stands(page, "put-away", tmp_path)
    loose = page.get_by_role("region", name="To be put away")
    goes_to = loose.locator("td form b").first.inner_text().split("→ ")[1]
    scanned = loose.locator("input[name=scanned]").first
    scanned.fill("DOCK-1")
    scanned.press("Enter")
    expect(page.locator("#refused")).to_contain_text(f"This is bin DOCK-1, the goods go to {goes_to}.")
    scanned.fill(goes_to)
    scanned.press("Enter")
    expect(page.get_by_text("It is put away.")).to_be_visible()

    page.goto("/inbound/suppliers/?since=2020-01-01&until=2090-01-01")
    stands(page, "suppliers", tmp_path)
    page.goto("/inbound/reorder/")
    stands(page, "reorder", tmp_path)


@pytest.mark.timeout(180)
@pytest.mark.usefixtures("shop")
def test_a_buyer_sets_up_a_supplier_and_orders_from_it(page: Page, site: str, tmp_path: Path) -> None:
    enter(page, "inventory")
    page.goto("/inbound/suppliers/")
    page.get_by_label("Code").fill("POT")
    page.get_by_label("Name").fill("Pottery Ltd")
    page.get_by_role("button", name="Keep").click()
    expect(page.get_by_role("heading", name="Pottery Ltd")).to_be_visible()
    page.get_by_label("SKU").fill("MUG-BLUE")
    page.get_by_label("Unit cost").fill("3.10")
    page.get_by_role("button", name="Keep the offer").click()
    expect(page.get_by_role("cell", name="3.10 GBP")).to_be_visible()
    page.screenshot(path=tmp_path / "supplier.png", full_page=True)
    page.get_by_role("link", name="Order from it").click()
    page.get_by_label("SKU of line 1", exact=True).fill("MUG-BLUE")
    page.get_by_label("Units of line 1", exact=True).fill("24")
    page.screenshot(path=tmp_path / "order.png", full_page=True)
    page.get_by_role("button", name="Order", exact=True).click()
    expect(page.get_by_text("The order is written. Somebody else receives it.")).to_be_visible()
    expect(page.get_by_role("cell", name="3.10")).to_be_visible()
    page.set_viewport_size({"width": 360, "height": 740})
    addresses = {
        "suppliers": "/inbound/suppliers/",
        "new": "/inbound/orders/new/",
        "sent": "/stock/transfers/",
    }
    for name, address in addresses.items():
        page.goto(address)
        page.screenshot(path=tmp_path / f"{name}-phone.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, name


def test_the_form_that_was_refused_is_known_among_those_of_one_address(page: Page, shop: Shop) -> None:
    """The forms of a purchase order send to one address, each with a field called `action`."""
    which = bought(shop)
    enter(page, "inventory")
    page.goto(f"/inbound/orders/{which}/")
    form = page.locator("form:has([name=action][value=close])")
    form.evaluate("one => { one.noValidate = true; }")
    form.get_by_role("button").click()
    expect(page.locator(".message.error")).to_be_visible()
    expect(form.locator("[name=reason]")).to_be_focused()
    assert page.locator("#messages").get_attribute("data-refused") == f"/inbound/orders/{which}/act/"
