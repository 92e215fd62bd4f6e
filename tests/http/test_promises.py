"""The page that tells what was promised against what came."""

from __future__ import annotations

import csv

import pytest

from entrepot.kernel import sql

pytestmark = pytest.mark.django_db
HEADER = ["", "orders", "on_time", "rate", "on_day", "rate_by_day", "days", "days_late"]


@pytest.fixture
def promised(shop):
    """Every order of the shop was promised a week after it was placed."""
    sql.run("UPDATE orders_order SET promise_at = placed_at + interval '7 days' WHERE promise_at IS NULL")


@pytest.mark.parametrize("by", ["month", "channel", "region", "carrier", "service", "lane"])
def test_orders_are_told_by_what_is_asked(console, promised, by):
    shown = console("auditor").get("/orders/promises/", {"by": by}).content.decode()
    assert f'<option value="{by}" selected>' in shown
    assert shown.count("data-row") >= 2

    answer = console("auditor").get("/orders/promises/", {"by": by, "format": "csv"})
    rows = list(csv.reader(answer.content.decode().splitlines()))
    assert rows[0] == [by, *HEADER[1:]]
    assert rows[-1][0] == ""
    assert int(rows[-1][1]) == sum(int(row[1]) for row in rows[1:-1])
    assert answer["Content-Disposition"] == 'attachment; filename="promises.csv"'


def test_what_nobody_asked_for_is_nothing(console, promised):
    shown = console("auditor").get(
        "/orders/promises/", {"country": "ZZ", "since": "2001-01", "until": "2001-12", "by": "moon"}
    )
    assert "Nothing to tell" in shown.content.decode()
    assert 'value="2001-12"' in shown.content.decode()
