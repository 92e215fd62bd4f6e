"""A return in a customer's hand: from the order's number to the slip for the parcel, on a phone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from tests.pages.test_console import NARROW
from tests.pages.test_returns import stands

if TYPE_CHECKING:
    from tests.shop import Shop


@pytest.fixture
def shop(committed_db) -> Shop:
    from tests.shop import an_open_shop

    return an_open_shop(each=1)


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
    page.locator(f"#units-{line.line}").select_option("1")
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
    expect(page.locator(".way .at")).to_have_text("On its way")
    stands(page, "return", tmp_path)
    page.get_by_role("button", name="Leave").click()
    expect(page.get_by_role("heading", name="You have left")).to_be_visible()
