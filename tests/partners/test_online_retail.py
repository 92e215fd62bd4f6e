"""Online Retail files: what is read, what is set aside, and what the house holds after an import."""

from __future__ import annotations

import gzip
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from entrepot.channels.online_retail import importer
from entrepot.channels.online_retail.parse import Book, UnknownHeader, parse
from entrepot.insight import reports
from entrepot.kernel import sql
from entrepot.kernel.money import extend

YEAR = Path(__file__).parents[3] / "shared/data/transactions/online_retail_2010-12_2011-08.csv.gz"
real = pytest.mark.skipif(not YEAR.exists(), reason="the shared data folder is not beside the repository")
HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
ROWS = """536365,85123A,WHITE HEART,6,2010-12-01 08:26:00,2.55,17850,United Kingdom
536365,85123A,WHITE HEART,6,2010-12-01 08:26:00,2.55,17850,United Kingdom
536365,POST,POSTAGE,1,2010-12-01 08:26:00,18.00,17850,United Kingdom
536366,22633,HAND WARMER,3,2010-12-01 08:28:00,1.855,,France
C536379,D,Discount,-1,2010-12-01 09:41:00,27.50,14527,United Kingdom
C536380,22633,HAND WARMER,-1,2010-12-01 09:45:00,1.855,17850,United Kingdom
A563185,B,Adjust bad debt,1,2010-12-02 14:50:00,110.62,,United Kingdom
A563186,B,Adjust bad debt,1,2010-12-02 14:51:00,-110.62,,United Kingdom
536400,22633,thrown away,-2,2010-12-02 10:00:00,0.0,,United Kingdom
536401,22633,found,5,2010-12-02 10:05:00,0.0,,United Kingdom
536402,85123A,WHITE HEART,many,2010-12-02 11:00:00,2.55,17850,United Kingdom
536403,85123A,WHITE HEART,1,someday,2.55,17850,United Kingdom
536404,85123A,WHITE HEART,1
536500,22633,HAND WARMER,4,2010-12-08 10:00:00,1.855,17850,United Kingdom
"""


def figures() -> dict[str, object]:
    ((company,),) = sql.run("SELECT id::int FROM parties_company")
    found = reports.of_import(company=company, source="online-retail").as_json(seconds=0, peak_rss_mb=0)
    return {name: value for name, value in found.items() if name not in ("seconds", "peak_rss_mb")}


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str], Path]:
    def write(rows: str, name: str = "orders.csv") -> Path:
        path = tmp_path / name
        path.write_text(HEADER + rows)
        return path

    return write


def test_a_file_becomes_orders_credits_debts_and_corrections(committed_db: None, file) -> None:
    importer.run(file(ROWS))

    assert figures() == {
        "rows": 14, "orders": 3, "lines": 5, "gross_sales": "61.59", "cancelled_value": "-29.36",
        "net_all_rows": "32.23", "net_by_month": {"2010-12": "32.23"}, "units_shipped": 19, "units_returned": 1,
        "unmatched_credits": 2, "work_items": 5, "stock_moves": figures()["stock_moves"], "shipments": 3,
        "rows_set_aside": 3, "returns_matched_exact": 0, "returns_matched_latest": 0, "price_adjustments": "0.00",
        "credits_without_sale": 2,
    }  # fmt: skip
    reasons = [
        reason
        for (reason,) in sql.run(
            "SELECT reason FROM work_item WHERE type LIKE '%%set aside%%' OR reason LIKE '%%line%%'"
        )
    ]
    assert len([reason for reason in reasons if "12" in reason or "13" in reason or "14" in reason]) == 3


def test_importing_twice_changes_nothing(committed_db: None, file) -> None:
    importer.run(file(ROWS))
    first = figures()
    events = sql.run("SELECT count(*) FROM stock_move")

    importer.run(file(ROWS))

    assert figures() == first
    assert sql.run("SELECT count(*) FROM stock_move") == events


def test_an_import_that_dies_between_batches_ends_the_same(committed_db: None, file, monkeypatch) -> None:
    real_import, calls = importer.import_invoices, []

    def dying(*args: object, **facts: object) -> object:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real_import(*args, **facts)

    monkeypatch.setattr(importer, "import_invoices", dying)
    with pytest.raises(KeyboardInterrupt):
        importer.run(file(ROWS))
    monkeypatch.undo()
    importer.run(file(ROWS))

    assert figures()["gross_sales"] == "61.59"
    assert figures()["units_shipped"] == 19
    assert figures()["shipments"] == 3


def test_tight_stock_makes_backorders_that_the_next_receipt_serves(committed_db: None, file) -> None:
    week = "".join(
        f"6000{i:02},22633,HAND WARMER,10,2010-12-0{1 + i % 3} 10:{i:02}:00,2.00,17850,United Kingdom\n"
        for i in range(10)
    )
    importer.run(
        file(week + "600100,22633,HAND WARMER,5,2010-12-08 10:00:00,2.00,17850,United Kingdom\n"),
        stock="tight",
    )

    ((waited,),) = sql.run("SELECT count(*) FROM sourcing_decision WHERE outcome LIKE '%%backordered'")
    assert waited >= 1
    assert figures()["units_shipped"] >= 100


def test_a_file_without_the_columns_is_refused() -> None:
    with pytest.raises(UnknownHeader, match="StockCode"):
        parse(["Invoice,Code\n", "1,2\n"])


@pytest.fixture(scope="module")
def book() -> Book:
    with gzip.open(YEAR, "rt", encoding="utf-8", newline="") as lines:
        return parse(lines)


@real
@pytest.mark.slow
def test_the_real_year_sums_to_the_known_figures(book: Book) -> None:
    sums: dict[str, int] = defaultdict(int)
    months: dict[str, int] = defaultdict(int)
    for invoice in book.invoices:
        for row in invoice.rows:
            amount = extend(row.quantity, row.price, "GBP")
            sums[invoice.use] += amount
            months[f"{invoice.at:%Y-%m}"] += amount

    assert book.rows == 320_705
    assert book.set_aside == []
    assert (sums["sale"], sums["credit"], sum(sums.values())) == (629_376_400, -52_077_056, 576_193_138)
    assert months == {
        "2010-12": 74_895_702, "2011-01": 56_000_026, "2011-02": 49_806_265, "2011-03": 68_326_708,
        "2011-04": 49_320_712, "2011-05": 72_333_351, "2011-06": 69_112_312, "2011-07": 68_130_011,
        "2011-08": 68_268_051,
    }  # fmt: skip


@real
def test_the_first_days_of_the_real_year_reach_the_ledger_to_the_penny(
    committed_db: None, tmp_path: Path
) -> None:
    with gzip.open(YEAR, "rt", encoding="utf-8", newline="") as lines:
        slice_ = [line for line, _ in zip(lines, range(2_000), strict=False)]
    path = tmp_path / "slice.csv"
    path.write_text("".join(slice_))
    expected = sum(
        extend(row.quantity, row.price, "GBP") for invoice in parse(slice_).invoices for row in invoice.rows
    )

    importer.run(path)

    assert Decimal(str(figures()["net_all_rows"])) * 100 == expected
