"""Many rows of a list: left to the worker, seen to go on by themselves, and withdrawn, in a real browser."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from entrepot.insight import answers
from entrepot.kernel import aside, jobs, policies, sql, worker
from entrepot.kernel.command import commands
from entrepot.returns.rules import Policy
from entrepot.web import edge, listed, tasks
from tests.pages.test_console import console, enter, shop  # noqa: F401  fixtures
from tests.pages.test_returns import stands
from tests.shop import COMPANY, the_system

if TYPE_CHECKING:
    from tests.shop import Shop

SERVED = {jobs.QUEUE: tasks.serve_jobs}


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(edge, "AT_ONCE", 1)
    monkeypatch.setattr(jobs, "BATCH", 1)
    monkeypatch.setattr(listed, "PAGE", 2)


def asked(console: Page) -> None:  # noqa: F811
    console.goto("/orders/?status=ready")
    console.locator("tbody input[type=checkbox]").first.check()
    console.get_by_role("button", name="Select all that match").click()
    console.locator(".bulk input[name=reason]").fill("Recalled")
    console.get_by_role("button", name="Cancel orders").click()
    console.get_by_role("button", name=re.compile(r"Cancel \d+ orders")).click()
    expect(console.get_by_role("heading", name="The worker is at it")).to_be_visible()


def test_what_a_page_asks_for_by_itself_says_so_and_what_a_person_does_says_nothing(
    console: Page,  # noqa: F811
    shop: Shop,  # noqa: F811
) -> None:
    with console.expect_request(lambda one: "format=totals" in one.url) as summed:
        console.goto("/orders/")
    with console.expect_request(lambda one: one.headers.get("hx-target") == "table") as filtered:
        console.locator("#q").fill("nothing")
    asked(console)
    with console.expect_request(lambda one: one.headers.get("hx-target") == "job") as polled:
        pass
    told = [one.value.headers.get("x-by-itself") for one in (summed, filtered, polled)]
    assert told == ["1", None, "1"]


def test_a_job_tells_how_far_it_is_by_itself(console: Page, shop: Shop) -> None:  # noqa: F811
    asked(console)
    ((wanted,),) = sql.run("SELECT wanted FROM kernel_job")
    assert wanted > 2
    expect(console.get_by_text(f"0 of {wanted} rows")).to_be_visible()
    worker.serve_once(SERVED)
    expect(console.get_by_text(f"1 of {wanted} rows")).to_be_visible(timeout=10_000)
    while worker.serve_once(SERVED):
        pass
    expect(console.get_by_role("heading", name="It is done")).to_be_visible(timeout=10_000)
    expect(console.locator("progress")).to_have_count(0)


def test_the_rest_of_a_job_is_withdrawn(console: Page, shop: Shop) -> None:  # noqa: F811
    asked(console)
    worker.serve_once(SERVED)
    console.get_by_role("button", name="Withdraw the rest").click()
    expect(console.get_by_text("The rest is withdrawn. What was done stays done.")).to_be_visible()
    expect(console.get_by_role("heading", name="It was withdrawn")).to_be_visible()
    expect(console.get_by_text("Not looked at")).to_be_visible()


def test_one_long_request_tells_its_steps_and_what_came_of_it(
    page: Page,
    site: str,
    shop: Shop,  # noqa: F811
    tmp_path: Path,
    monkeypatch,
) -> None:
    """Its page is looked at while the command runs, between two of its steps."""
    monkeypatch.setattr(answers, "LARGE", -2)
    system = the_system(shop.now)
    policy = policies.SetPolicy(COMPANY, "returns", Policy(expected_percent=Decimal(10)), system.at)
    policies.set_policy(system, requests=[policy])
    measured = commands["returns.estimate"]

    @wraps(measured)
    def told(cause, /, *, requests):
        aside.step(1, 4)
        done = measured(cause, requests=requests)
        expect(page.get_by_text("1 of 4 steps")).to_be_visible(timeout=10_000)
        stands(page, "job-running", tmp_path)
        return done

    enter(page, "books")
    page.goto("/books/expected-returns/")
    page.get_by_role("button", name="Measure now").click()
    expect(page.get_by_text("It begins as soon as the worker is free.")).to_be_visible()
    monkeypatch.setitem(commands, "returns.estimate", told)
    worker.serve_once(SERVED)
    expect(page.get_by_role("heading", name="It is done")).to_be_visible(timeout=10_000)
    expect(page.get_by_text("Refund liability")).to_be_visible()
    stands(page, "job-done", tmp_path)
