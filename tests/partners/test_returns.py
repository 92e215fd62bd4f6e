"""Credits of an Online Retail file become returns of the sales that they belong to."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest

from entrepot.channels.online_retail import importer
from entrepot.insight import beancount, verify
from entrepot.kernel import sql
from tests.partners.test_online_retail import HEADER, figures

SALES = """600001,22633,HAND WARMER,5,2010-12-01 09:00:00,2.00,17850,United Kingdom
600001,85123A,WHITE HEART,3,2010-12-01 09:00:00,2.55,17850,United Kingdom
600002,22633,HAND WARMER,4,2010-12-02 09:00:00,1.90,17850,United Kingdom
600003,22633,HAND WARMER,9,2010-12-02 10:00:00,2.00,13000,United Kingdom
"""
CREDITS = """C600010,22633,HAND WARMER,-2,2010-12-09 09:00:00,2.00,17850,United Kingdom
C600011,22633,HAND WARMER,-6,2010-12-10 09:00:00,1.90,17850,United Kingdom
C600012,22633,HAND WARMER,-3,2010-12-10 10:00:00,2.00,17850,United Kingdom
C600012,POST,POSTAGE,-1,2010-12-10 10:00:00,3.50,17850,United Kingdom
C600013,85123A,WHITE HEART,-1,2010-12-10 11:00:00,9.99,,United Kingdom
"""


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str, str], Path]:
    def write(rows: str, name: str = "orders.csv") -> Path:
        path = tmp_path / name
        path.write_text(HEADER + rows)
        return path

    return write


def returned() -> list[tuple[object, ...]]:
    """Each line of a return: credit, invoice of the sale, units, how it was found, and what became of it."""
    return sql.run(
        "SELECT r.external_id, o.external_id, l.quantity, l.found_by, l.disposed, l.refunded, r.state"
        " FROM returns_line AS l JOIN returns_return AS r ON r.id = l.return_id"
        " JOIN orders_order AS o ON o.id = r.order_id"
        " ORDER BY r.external_id, l.found_by, o.external_id"
    )


def credits_() -> list[tuple[object, ...]]:
    return sql.run("SELECT external_id, total_minor::int, state FROM orders_credit ORDER BY 1")


def test_a_credit_finds_its_sale_by_price_and_else_the_latest(committed_db: None, file) -> None:
    importer.run(file(SALES + CREDITS))

    assert returned() == [
        ("C600010", "600001", 2, "exact", 2, 2, "closed"),
        # Six at 1.90: four were sold at that price; two more come off the other sale, at another price.
        ("C600011", "600002", 4, "exact", 4, 4, "closed"),
        ("C600011", "600001", 2, "latest", 2, 2, "closed"),
        # Of three, one is left that was sold.
        ("C600012", "600001", 1, "exact", 1, 1, "closed"),
    ]
    found = figures()
    assert (found["returns_matched_exact"], found["returns_matched_latest"]) == (3, 1)
    assert found["price_adjustments"] == "0.20", "two were sold at 2.00 and credited at 1.90"
    assert found["cancelled_value"] == "-34.89"
    assert found["units_returned"] == 2 + 6 + 3 + 1
    assert credits_() == [("C600012", 7_50, "unmatched"), ("C600013", 9_99, "unmatched")]
    assert found["credits_without_sale"] == 2
    assert verify.discrepancies() == []


def test_three_actors_share_the_duties(committed_db: None, file) -> None:
    dear = SALES.replace(",2.00,17850", ",99.00,17850")
    importer.run(file(dear + "C600010,22633,HAND WARMER,-2,2010-12-09 09:00:00,99.00,17850,United Kingdom\n"))

    (row,) = sql.run(
        "SELECT r.requested_by, c.received_by, f.decided_by, f.state FROM returns_return AS r"
        " JOIN returns_receipt AS c ON c.return_id = r.id JOIN returns_refund AS f ON f.return_id = r.id"
    )
    assert row == ("import:returns-desk", "import:returns-dock", "import:controller", "paid")


def test_a_return_in_a_second_file_finds_its_sale_in_the_first(committed_db: None, file) -> None:
    importer.run(file(SALES + CREDITS))
    whole, lines, no_sale = figures(), returned(), credits_()
    cut = (SALES + CREDITS).splitlines(keepends=True)

    from django.db import connections

    from entrepot import postgres
    from tests.conftest import DATABASE, TEMPLATE

    for place in (2, 5):
        connections.close_all()
        postgres.recreate_database(DATABASE, TEMPLATE)
        importer.run(file("".join(cut[:place]), "first.csv"))
        importer.run(file("".join(cut[place:]), "second.csv"))

        again = figures()
        assert returned() == lines
        assert credits_() == no_sale
        for name in ("cancelled_value", "returns_matched_exact", "price_adjustments", "units_returned"):
            assert again[name] == whole[name]


def test_an_independent_sum_of_the_export_equals_the_report(committed_db: None, file) -> None:
    """The export is read as plain text, by what each posting's `kind` says; nothing of the house is asked."""
    importer.run(file(SALES + CREDITS))
    out = StringIO()
    beancount.export(out)
    text = out.getvalue()
    by_kind: dict[str, Decimal] = defaultdict(Decimal)
    by_month: dict[str, Decimal] = defaultdict(Decimal)
    month = ""
    lines = text.splitlines()
    for i, line in enumerate(lines):
        if found := re.match(r"(\d{4}-\d{2})-\d{2} \*", line):
            month = found[1]
        posting = re.match(r"\s+\S+\s+(-?[\d.]+) GBP", line)
        kind = re.search(r'kind: "([^"]+)"', lines[i + 1] if i + 1 < len(lines) else "")
        if posting and kind and re.match(r"(sale|credit|return)\.|bad_debt$", kind[1]):
            by_kind[kind[1]] -= Decimal(posting[1])
            by_month[month] -= Decimal(posting[1])
    report = figures()

    def of(prefix: str) -> Decimal:
        return sum((amount for kind, amount in by_kind.items() if kind.startswith(prefix)), Decimal())

    assert f"{of('sale.'):.2f}" == report["gross_sales"]
    assert f"{of('credit.') + of('return.'):.2f}" == report["cancelled_value"]
    assert f"{by_kind['return.adjustment']:.2f}" == report["price_adjustments"]
    assert f"{sum(by_kind.values()):.2f}" == report["net_all_rows"]
    assert {name: f"{amount:.2f}" for name, amount in by_month.items()} == report["net_by_month"]
