"""The end of a month in the console."""

from __future__ import annotations

import pytest

from tests.http.test_packing import said

pytestmark = pytest.mark.django_db


def test_the_page_tells_what_is_open_and_refuses_what_has_not_ended(shop, console):
    page = console("books")
    month = f"{shop.now:%Y-%m}"
    shown = page.get(f"/books/closing/?month={month}").content.decode()
    assert "Bookings without a document" in shown
    assert "still open" in said(page.post("/books/closing/close/", {"month": month}))[0]
    assert said(page.post("/books/closing/close/", {"month": "?"})) == ["Choose a month."]
    assert page.get("/books/closing/").status_code == 200
    assert "/books/currencies/?day=2024-02-29" in page.get("/books/closing/?month=2024-02").content.decode()
    report = f"/books/closing/report/?month={month}"
    assert "Report of the month" in page.get(report).content.decode()
    rows = page.get(f"{report}&format=csv").content.decode().splitlines()
    assert rows[0] == "part,what,kind,count,stands in the way,debit,credit,amount,currency"
    assert any(one.startswith("account,2150") for one in rows)
    assert page.get(f"{report}&format=xlsx").status_code == 200
