"""A count in a real browser: asked for and entered with a phone, decided at a desk; and the pages of age and labor."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from tests.pages.test_console import NARROW, WIDE, enter
from tests.pages.test_returns import stands

if TYPE_CHECKING:
    from tests.shop import Shop


@pytest.fixture
def shop(committed_db) -> Shop:
    from entrepot.kernel.cause import Actor, Cause
    from entrepot.network import queries as network
    from entrepot.warehouse.commands.fit_standards import FitStandards, fit_standards
    from entrepot.warehouse.commands.put_away import PutAway, put_away
    from tests.shop import COMPANY, an_open_shop

    shop = an_open_shop(each=3)
    bins = {one.code: one.id for one in network.bins(nodes=[shop.nodes[1]])}
    cause = Cause(Actor("pia", everything=True), datetime.now(UTC) - timedelta(minutes=30))
    for minute in range(10):
        move = PutAway(COMPANY, shop.skus["MUG-BLUE"], bins["A-01"], bins["R-01"], 1)
        put_away(replace(cause, at=cause.at + timedelta(minutes=minute)), requests=[move])
    fit_standards(replace(cause, at=datetime.now(UTC)), requests=[FitStandards(COMPANY)])
    return shop


@pytest.mark.timeout(240)
def test_a_bin_is_counted_twice_and_decided(page: Page, site: str, shop: Shop, tmp_path: Path) -> None:
    for person in ("supervisor", "inventory"):
        enter(page, person)
        page.set_viewport_size(NARROW)
        page.goto("/floor/counts/")
        if person == "supervisor":
            page.get_by_role("region", name="Have bins counted").get_by_label("Node").select_option(
                label="MAN"
            )
            page.get_by_label("Bin, by code").fill("A-01")
            page.get_by_label("Only one SKU, by code").fill("TEA-ASSAM")
            page.get_by_role("button", name="Ask").click()
            expect(page.locator(".message.success")).to_contain_text("will be counted")
        stands(page, f"counts-{person}", tmp_path)
        page.locator("section[aria-labelledby=tasks] tbody a").first.click()
        page.get_by_role("button", name="Begin to count").click()
        page.get_by_label("Units of TEA-ASSAM").fill("70")
        stands(page, f"desk-{person}", tmp_path)
        page.get_by_role("button", name="This is all").click()
        expect(page.locator(".message.success")).to_contain_text("It is counted")
        page.context.clear_cookies()

    enter(page, "books")
    page.set_viewport_size(WIDE)
    page.goto("/floor/counts/")
    page.get_by_label("Choose TEA-ASSAM").check()
    page.get_by_label("Root cause").select_option(label="Stolen")
    stands(page, "differences", tmp_path)
    page.get_by_role("button", name="Post the difference").click()
    expect(page.locator(".message.success")).to_contain_text("Decided: 1.")
    page.goto("/floor/counts/?done=1")
    page.locator("section[aria-labelledby=tasks] tbody a").first.click()
    expect(page.locator("section[aria-labelledby=lines] .state")).to_have_text("posted")
    stands(page, "counted", tmp_path)
    for address, name in (
        ("/floor/counts/accuracy/", "accuracy"), ("/stock/ageing/", "ageing"), ("/floor/labor/", "labor"),
    ):  # fmt: skip
        page.goto(address)
        stands(page, name, tmp_path)
