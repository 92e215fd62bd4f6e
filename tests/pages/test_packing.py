"""Packing in a real browser: the proposal with its picture, a weight that is off, the slip."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from tests.pages.test_console import enter
from tests.pages.test_returns import stands

if TYPE_CHECKING:
    from tests.shop import Shop


@pytest.fixture
def shop(open_shop) -> Shop:
    return open_shop(2)


@pytest.mark.timeout(120)
def test_a_packer_packs_what_is_proposed(page: Page, site: str, shop: Shop, tmp_path: Path) -> None:
    from entrepot.warehouse import queries
    from entrepot.warehouse.commands.register import RegisterCarton, register_cartons
    from tests.http.test_packing import CARTONS
    from tests.shop import COMPANY, the_system

    register_cartons(
        the_system(shop.now), requests=[RegisterCarton(COMPANY, *one, 30_000, 100, 30) for one in CARTONS]
    )
    waits = queries.of_order(shop.one("picked"))[0]
    enter(page, "supervisor")
    page.goto("/")
    page.get_by_role("link", name="Ship", exact=True).click()
    page.wait_for_url("**/packing/")
    stands(page, "waiting", tmp_path)
    page.keyboard.type(waits.number)  # the scanner's field has the focus
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/packing/{waits.id}/")
    expect(page.locator("svg.carton").first).to_be_visible()
    stands(page, "proposal", tmp_path)

    scale = page.get_by_label("The scale says, in grams").first
    scale.fill("99000")
    page.get_by_role("button", name="Packed as shown").click()
    expect(page.get_by_text("Count what is in it.")).to_be_visible()
    stands(page, "off", tmp_path)
    for one in page.locator("input[name^=weight]").all():
        if one.is_visible():
            one.fill("")
    page.get_by_role("button", name="Packed as shown").click()
    expect(page.get_by_text(f"{waits.number} is packed.")).to_be_visible()
    expect(page.get_by_role("link", name="Packing slip")).to_be_visible()
    stands(page, "packed", tmp_path)

    page.get_by_role("button", name="The carrier has it").click()
    expect(page.get_by_text(f"{waits.number} has left.")).to_be_visible()
    page.get_by_role("button", name="Make the labels").click()
    expect(page.get_by_role("link", name="Labels as PDF")).to_be_visible()
    page.get_by_text("Void it").first.click()
    stands(page, "labeled", tmp_path)
    page.goto("/manifests/")
    stands(page, "manifests", tmp_path)
    page.get_by_role("button", name="Close it").first.click()
    expect(page.get_by_text("The manifest is closed.")).to_be_visible()
    expect(page.get_by_role("link", name="MF-")).to_be_visible()
    stands(page, "closed", tmp_path)


@pytest.mark.timeout(120)
def test_a_packer_sees_the_label_being_bought_and_then_the_label(
    page: Page, site: str, shop: Shop, tmp_path: Path
) -> None:
    from entrepot.kernel import sql, worker
    from entrepot.shipping.commands.buy import RecordPurchase, record_purchases
    from entrepot.shipping.live import Bought
    from entrepot.warehouse import queries
    from tests.shop import the_system

    sql.run("UPDATE carriage_service SET live = 'easypost:Post Slow'")
    waits = queries.of_order(shop.one("packed"))[0]
    enter(page, "supervisor")
    page.goto(f"/packing/{waits.id}/")
    expect(page.get_by_text("the labels are bought of easypost first")).to_be_visible()
    page.get_by_role("button", name="Let it leave").click()
    expect(page.get_by_text("its label is being bought")).to_be_visible()
    expect(page.get_by_role("button", name="It leaves on paper")).not_to_be_visible()
    stands(page, "label-asked", tmp_path)
    page.goto("/packing/")
    expect(page.get_by_role("heading", name="Waits for its labels")).to_be_visible()
    stands(page, "labels-awaited", tmp_path)
    page.get_by_role("link", name=waits.number).first.click()
    expect(page.get_by_text("its label is being bought")).to_be_visible()

    ((label,),) = sql.run("SELECT label_id FROM shipping_purchase")
    bought = Bought("shp_1", "PP100200300GB", 250, "GBP", "https://labels.example/1.png")
    record_purchases(the_system(shop.now), requests=[RecordPurchase(label, "buy", bought)])
    worker.serve_once({"labeled": worker.queues()["labeled"]})
    # The page looks by itself.
    expect(page.get_by_role("link", name="The carrier's own label")).to_be_visible(timeout=15_000)
    expect(page.locator(".head .state").first).to_have_text("shipped")
    stands(page, "label-bought", tmp_path)
