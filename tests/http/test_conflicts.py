"""The page that tells who lost what was promised, and who is passed over."""

from __future__ import annotations

import csv
from datetime import timedelta

import pytest
from django.utils import timezone

from entrepot.insight import conflicts
from entrepot.kernel import sql
from entrepot.stock.commands.adjust import Adjust
from entrepot.warehouse.commands.adjust import adjust
from tests.shop import COMPANY, the_system

pytestmark = pytest.mark.django_db


@pytest.fixture
def loss(shop) -> None:
    """All sellable units of a promised SKU burn."""
    ((sku, node),) = sql.run(
        "SELECT sku_id, node_id FROM stock_allocation WHERE released = 0 ORDER BY id LIMIT 1"
    )
    shelves = sql.run(
        "SELECT bin_id, lot, quantity - committed FROM stock_bucket WHERE sku_id = %(sku)s AND node_id = %(node)s"
        " AND status = 'sellable' AND quantity > committed",
        {"sku": sku, "node": node},
    )
    losses = [Adjust(COMPANY, sku, node, shelf, -units, "fire", lot=lot) for shelf, lot, units in shelves]
    answers = adjust(the_system(timezone.now()), requests=losses)
    assert all(answer.posted for answer in answers)


def test_the_page_tells_the_cause_and_the_order(console, loss):
    found = conflicts.displaced(COMPANY, since=timezone.now() - timedelta(days=1))
    shown = console("auditor").get("/orders/conflicts/", {"days": "7"}).content.decode()

    assert found
    assert "Fire" in shown
    assert all(one.order_number in shown for one in found)


def test_the_files_have_the_rows_of_the_lists(console, loss):
    page = console("auditor")
    lost = page.get("/orders/conflicts/", {"format": "csv", "list": "displaced"})
    rows = list(csv.DictReader(lost.content.decode().splitlines()))
    assert {row["reason"] for row in rows} == {"fire"}
    assert all(
        int(row["units"]) == int(row["waiting"]) + int(row["cancelled"]) + int(row["served"]) for row in rows
    )
    assert lost["Content-Disposition"].startswith('attachment; filename="displaced-')
    over = page.get("/orders/conflicts/", {"format": "csv", "list": "passed_over"})
    assert over.content.decode().startswith("order,order_number,channel,")


def test_nothing_displaced_is_said(console):
    assert "Nothing was displaced" in console("auditor").get("/orders/conflicts/").content.decode()
