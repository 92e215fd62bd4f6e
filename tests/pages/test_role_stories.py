"""Short stories of roles that work with each other, through the pages that each is led to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from tests.pages.test_console import WIDE, shop  # noqa: F401  a fixture
from tests.pages.test_role_day import sits_down, to
from tests.trying import serve_trials

if TYPE_CHECKING:
    from tests.shop import Shop


@pytest.mark.timeout(180)
def test_the_lead_decides_what_the_supervisor_can_not_and_gives_it_back(page: Page, shop: Shop) -> None:  # noqa: F811
    a_bin_that_does_not_add_up(shop)

    sits_down(page, "supervisor", WIDE)
    page.get_by_role("link", name="Work for your role that nobody took").click()
    page.locator("tr[data-row] a").filter(has_text="Count variance").first.click()
    page.get_by_role("button", name="Take it").click()
    expect(page.get_by_text("It is yours.")).to_be_visible()
    page.get_by_label("Somebody else, or later").fill("May I close the aisle for a count?")
    page.get_by_role("button", name="Escalate").click()

    sits_down(page, "lead", WIDE)
    page.get_by_role("link", name="Work for your role that nobody took").click()
    page.locator("tr[data-row] a").filter(has_text="Count variance").first.click()
    expect(page.get_by_text("May I close the aisle for a count?")).to_be_visible()
    page.get_by_label("Person").select_option("supervisor")
    page.get_by_label("Somebody else, or later").fill("Yes, after six.")
    page.get_by_role("button", name="Give to").click()

    sits_down(page, "supervisor", WIDE)
    to(page, "Work")
    page.locator("tr[data-row] a").filter(has_text="Count variance").first.click()
    expect(page.get_by_text("Yes, after six.")).to_be_visible()
    expect(page.get_by_text("It is yours.")).to_be_visible()
    page.get_by_label("Why did it arise?").select_option(index=1)
    page.get_by_label("What was done").fill("Counted the aisle: it had been put into the next bin.")
    page.get_by_role("button", name="Resolve").click()
    expect(page.locator(".message.success")).to_be_visible()
    assert state_of("count variance") == ["done"]


def a_bin_that_does_not_add_up(shop: Shop) -> None:  # noqa: F811
    from entrepot.work.commands.open_items import OpenItem, open_items
    from tests.shop import COMPANY, the_system

    open_items(the_system(shop.now), requests=[
        OpenItem(
            COMPANY, "count variance", "order", shop.one("waiting"), "A bin holds less than it should.",
            "warehouse supervisor", priority=80, due_in_hours=4, dedupe="aisle 7",
        )
    ])  # fmt: skip


def state_of(kind: str) -> list[str]:
    from entrepot.kernel import sql

    return [one for (one,) in sql.run("SELECT state FROM work_item WHERE type = %(type)s", {"type": kind})]


@pytest.mark.timeout(180)
def test_the_engineer_mends_a_dead_letter_and_sends_it_on_its_way_again(page: Page, shop: Shop) -> None:  # noqa: F811
    message = a_dead_letter(shop)

    sits_down(page, "engineer", WIDE)
    page.get_by_role("link", name="Messages given up").first.click()
    page.locator("tr[data-row] a").filter(has_text="stock.told").first.click()
    expect(page.get_by_text("the shop knows no such SKU")).to_be_visible()
    content = page.get_by_label("Content")
    content.fill(content.input_value().replace("MUG-BLEU", "MUG-BLUE"))
    page.get_by_label("Why", exact=True).fill("the SKU was misspelt")
    page.get_by_role("button", name="Send on its way again").click()
    expect(page.locator(".message.success")).to_be_visible()
    assert as_it_stands(message) == ("waiting", {"sku": "MUG-BLUE", "units": 7})


def a_dead_letter(shop: Shop) -> int:  # noqa: F811
    from entrepot.kernel import delivery, ids, sql
    from entrepot.kernel.delivery import Message
    from tests.shop import COMPANY, the_system

    told = Message("channels:web", "stock.told", ids.uuid7(), COMPANY, {"sku": "MUG-BLEU", "units": 7})
    delivery.send(the_system(shop.now), [told])
    return sql.run(
        "UPDATE kernel_delivery SET state = 'dead', last_error = 'the shop knows no such SKU'"
        " WHERE topic = 'stock.told' RETURNING id"
    )[0][0]


def as_it_stands(message: int) -> tuple[str, object]:
    from entrepot.kernel import sql

    return sql.run("SELECT state, body FROM kernel_delivery WHERE id = %(id)s", {"id": message})[0]  # type: ignore[return-value]


@pytest.mark.timeout(180)
def test_what_the_administrator_changes_is_what_the_auditor_finds(page: Page, shop: Shop) -> None:  # noqa: F811
    sits_down(page, "root", WIDE)
    duties_that_meet_are_shown_and_accepted(page)
    a_draft_is_tried_and_comes_into_force(page, shop)

    sits_down(page, "auditor", WIDE)
    to(page, "Month end")
    page.wait_for_url("**/books/**")
    page.locator(".beside summary").filter(has_text="More").click()
    page.get_by_role("link", name="Audit", exact=True).click()
    page.get_by_role("textbox", name="Who").fill("root")
    page.get_by_role("button", name="Show").click()
    happened = page.locator("section[aria-labelledby=happened]")
    expect(happened.locator("tr[data-row]").filter(has_text="Manchester is rebuilt")).not_to_have_count(0)
    page.locator(".beside summary").filter(has_text="More").click()
    page.get_by_role("link", name="Duties", exact=True).click()
    both = page.locator("td[data-name='People with both']").filter(has_text="service")
    expect(both).not_to_have_count(0)


def duties_that_meet_are_shown_and_accepted(page: Page) -> None:
    page.goto("/people/")
    page.get_by_role("link", name="service", exact=True).click()
    page.get_by_role("checkbox", name="Controller").check()
    page.get_by_role("button", name="See what that changes").click()
    expect(page.get_by_text("That brings together what ought to be two people's:")).to_be_visible()
    for one in page.locator("input[name=accepts]").all():
        one.check()
    page.get_by_role("button", name="Change the roles").click()
    expect(page.locator(".head .lead")).to_contain_text("controller")
    expect(page.get_by_role("heading", name="Both sides of")).to_be_visible()


def a_draft_is_tried_and_comes_into_force(page: Page, shop: Shop) -> None:  # noqa: F811
    page.goto("/policies/")
    page.get_by_role("link", name="Sourcing: profile").click()
    page.get_by_role("link", name="Draft a change").click()
    why = page.get_by_role("textbox", name="Why", description="The draft is called by it.")
    why.fill("Manchester is rebuilt")
    page.get_by_label("Excluded nodes").fill("MAN")
    page.get_by_role("button", name="Keep the draft").click()
    page.get_by_role("link", name="Try it on recorded orders").click()
    page.get_by_role("button", name="Try it").click()
    expect(page.get_by_text("The orders are being replayed")).to_be_visible()
    serve_trials(shop)
    expect(page.get_by_role("heading", name="How far to trust it")).to_be_visible(timeout=10_000)
    page.get_by_role("button", name="Activate with these figures").click()
    expect(page.get_by_text("The draft has become version 1.")).to_be_visible()
