"""What reports tell can be taken as a workbook and as text, with the same rows, and the audit trail says who did."""

from __future__ import annotations

import csv
import io

import openpyxl
import pytest

from entrepot.insight import audit
from tests.shop import COMPANY

pytestmark = pytest.mark.django_db

REPORTS = {
    "/books/profit/": "format",
    "/books/profit/?by=channel": "lines",
    "/books/expected-returns/": "format",
    "/orders/promises/": "format",
    "/books/duties/": "format",
    "/floor/counts/accuracy/": "format",
    "/books/": "format",
}


@pytest.mark.parametrize(("address", "name"), REPORTS.items())
def test_a_report_is_taken_as_a_workbook_and_as_text(console, shop, address, name):
    browser, before = console("lead"), len(audit.entries(audit.Asked(COMPANY, kind="export"), limit=9))
    where = f"{address}{'&' if '?' in address else '?'}{name}="
    text = list(csv.reader(io.StringIO(browser.get(f"{where}csv").content.decode())))
    book = openpyxl.load_workbook(io.BytesIO(browser.get(f"{where}xlsx").content), read_only=True)
    rows = [[str(cell) for cell in row] for row in book.active.values]
    assert rows[0] == text[0] and len(rows) == len(text)
    assert len(audit.entries(audit.Asked(COMPANY, kind="export"), limit=9)) == before + 2
    assert browser.get(f"{where}moon")["Content-Type"].startswith("text/html"), "no such kind of file"


def test_the_file_of_how_right_records_are_has_all_tables_of_the_page(console, shop, monkeypatch):
    from entrepot.warehouse import counted
    from entrepot.warehouse.counting import Accuracy

    monkeypatch.setattr(counted, "accuracy", lambda **asked: [Accuracy(asked["by"], 4, 3, 40, 2, 0, -700)])
    rows = list(
        csv.DictReader(
            console("lead").get("/floor/counts/accuracy/?format=csv").content.decode().splitlines()
        )
    )
    assert [one["by"] for one in rows] == ["node", "zone", "bin", "class", "why", "cause"]
    assert {(one["records"], one["right"], one["right of all"]) for one in rows} == {("4", "3", "0.75")}
