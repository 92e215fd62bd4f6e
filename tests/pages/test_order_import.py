"""A long file of orders in a real browser: tried, placed from the same form, and the rest withdrawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from entrepot.channels import tasks
from entrepot.channels.commands import import_files, read_files
from entrepot.kernel import worker
from entrepot.orders import queries as orders
from entrepot.web.views import order_import
from tests.pages.test_console import console, shop  # noqa: F401  fixtures
from tests.shop import COMPANY

if TYPE_CHECKING:
    from tests.shop import Shop

LINES = [f"F-{number},NOTE-A5,1,9.95" for number in range(1, 5)]
FILE = "\n".join(["Order,SKU,Qty,Price", *LINES, "F-5,NOTE-A5,no,9.95"]).encode()


@pytest.fixture
def long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order_import, "LONG_FROM", 2)
    monkeypatch.setattr(read_files, "BATCH", 1)


def work(rounds: int) -> None:
    for _ in range(rounds):
        worker.serve_once({import_files.QUEUE: tasks.serve_files})


def test_a_long_file_shows_how_far_it_is_and_is_placed_and_withdrawn(
    console: Page,  # noqa: F811
    shop: Shop,  # noqa: F811
    long: None,
) -> None:
    console.goto("/orders/import/")
    console.get_by_label("Channel").select_option("web")
    console.get_by_label("File", exact=True).set_input_files(
        {"name": "orders.csv", "mimeType": "text/csv", "buffer": FILE}
    )
    console.get_by_role("button", name="Try it", exact=True).click()
    expect(console.get_by_text("The file is being read")).to_be_visible()
    work(1)
    expect(console.get_by_text("The orders are being tried")).to_be_visible(timeout=10_000)
    work(2)
    expect(console.get_by_text("2 of 4 orders")).to_be_visible(timeout=10_000)
    expect(console.get_by_role("progressbar")).to_have_attribute("value", "2")
    work(2)
    expect(console.get_by_text("4 orders would be placed.")).to_be_visible(timeout=10_000)

    console.get_by_role("button", name="Place 4 orders").click()
    expect(console.get_by_text("The file is being read")).to_be_visible()
    work(1)
    expect(console.get_by_text("The orders are being placed")).to_be_visible(timeout=10_000)
    work(1)
    expect(console.get_by_text("1 of 4 orders")).to_be_visible(timeout=10_000)
    console.get_by_role("button", name="Withdraw the rest").click()
    expect(console.get_by_text("It was withdrawn before 3 orders of it were looked at.")).to_be_visible()
    expect(console.get_by_text("1 order was placed.")).to_be_visible()
    work(2)
    assert [len(orders.orders_page(COMPANY, text=f"F-{one}")) for one in (1, 2)] == [1, 0]
