"""From a draft to its report and into force, in a real browser."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from playwright.sync_api import Page, expect

from entrepot.kernel import policies
from entrepot.sourcing.rules import Profile
from tests.pages.test_console import console, shop  # noqa: F401  fixtures
from tests.trying import serve_trials

if TYPE_CHECKING:
    from tests.shop import Shop


def test_a_profile_is_drafted_tried_and_switched_on(console: Page, shop: Shop) -> None:  # noqa: F811
    console.goto("/policies/")
    console.get_by_role("link", name="Sourcing: profile").click()
    console.get_by_role("link", name="Draft a change").click()
    console.get_by_role("textbox", name="Why", description="The draft is called by it.").fill(
        "London is rebuilt"
    )
    console.get_by_label("Excluded nodes").fill("LDN")
    closed = console.get_by_role("group", name="Offline")
    for day in ("2031-12-24", "2031-12-25", "2031-12-26"):  # one more than there are empty rows
        if closed.get_by_label("Since").last.input_value():
            closed.get_by_role("button", name="Another row").click()
        place = [one.input_value() for one in closed.get_by_label("Node").all()].index("")
        closed.get_by_label("Node").nth(place).fill("MAN")
        closed.get_by_label("Since").nth(place).fill(day)
    console.get_by_role("button", name="Keep the draft").click()
    expect(console.get_by_text("The draft is kept. It is not in force.")).to_be_visible()

    console.get_by_role("link", name="Try it on recorded orders").click()
    console.get_by_role("button", name="Try it").click()
    expect(console.get_by_text("The orders are being replayed")).to_be_visible()
    serve_trials(shop)
    # By itself: the page asks again until the report is there.
    expect(console.get_by_role("heading", name="How far to trust it")).to_be_visible(timeout=10_000)
    assert console.locator("svg.pair").count() > 10
    expect(console.get_by_text("LDN is excluded").first).to_be_visible()

    console.get_by_role("button", name="Activate with these figures").click()
    expect(console.get_by_text("The draft has become version 1.")).to_be_visible()
    in_force = policies.in_force(1, Profile, shop.now + timedelta(hours=1))
    assert in_force[""][1].excluded_nodes == ("LDN",)
    days = [(one.node, one.since.day, one.until) for one in in_force[""][1].offline]
    assert days == [("MAN", 24, None), ("MAN", 25, None), ("MAN", 26, None)]
