"""Stock at what it brings, other currencies, and the close: the pages and the API."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from entrepot.kernel import ids, sql
from entrepot.ledger import queries
from entrepot.ledger.commands.post import Posted, Posting, post
from tests.http.test_api import is_problem
from tests.http.test_packing import said
from tests.shop import COMPANY, the_system

pytestmark = pytest.mark.django_db
SKU = "MUG-BLUE"


def test_a_controller_writes_stock_down(shop, console, program):
    page, api = console("books"), program("books")
    node = str(
        sql.run(
            "SELECT node_id FROM ledger_valuation WHERE sku_id = %(sku)s AND quantity > 0 ORDER BY quantity DESC",
            {"sku": shop.skus[SKU]},
        )[0][0]
    )
    form = {"sku": SKU, "node": node, "unit": "0.01", "reason": "chipped"}
    assert "Say the SKU" in said(page.post("/books/valuation/write-down/", {**form, "sku": "NONE"}))[0]
    assert said(page.post("/books/valuation/write-down/", form)) == ["The stock is worth what it brings."]
    shown = page.get("/books/valuation/").content.decode()
    assert "Stock below cost" in shown
    assert "chipped" in shown
    assert page.get(f"/documents/{queries.write_downs(company=COMPANY)[0].id}/").status_code == 200

    (first,) = api.get("/api/v1/write-downs").json()["items"]
    assert first["written_minor"] == first["before_minor"] - first["after_minor"] > 0
    body = {"sku": str(shop.skus[SKU]), "node": node, "unit_minor": "1000000", "reason": "sought after"}
    again = api.post("/api/v1/write-downs", body).json()
    assert again == {
        "change_minor": first["written_minor"], "value_minor": first["before_minor"], "written_minor": 0,
    }  # fmt: skip
    assert is_problem(
        api.post("/api/v1/write-downs", {**body, "sku": node}, again="2"), 404, "kernel.not_found"
    )


def test_balances_in_another_currency_are_measured(shop, console, program):
    page, api = console("books"), program("books")
    now = timezone.now()
    before = {"currency": "eur", "day": str(now.date() - timedelta(days=1)), "rate": "0,80"}
    assert said(page.post("/books/currencies/rate/", before)) == ["The rate is in force from that day on."]
    assert "rate" in said(page.post("/books/currencies/rate/", {**before, "rate": "much"}))[0]
    (told,) = said(page.post("/books/currencies/rate/", {**before, "rate": "0.81"}))
    assert told.startswith("Nothing was recorded: EUR has the rate 0.8000 from")
    right = {**before, "rate": "0.79", "reason": "a digit off"}
    assert said(page.post("/books/currencies/rate/", right))[0].startswith("The rate is corrected.")
    back = {"currency": "EUR", "on_date": before["day"], "rate": "0.80", "reason": "it was right"}
    assert api.post("/api/v1/exchange-rates/corrections", back).json() == {
        "currency": "EUR", "on_date": before["day"], "was": "0.790000000", "rate": "0.80",
    }  # fmt: skip
    told = api.get("/api/v1/exchange-rates/corrections").json()["items"]
    assert [one["reason"] for one in told] == ["it was right", "a digit off"]
    page.post("/books/currencies/rate/", {**before, "currency": "JPY", "rate": "0.0051234"})
    first = api.get("/api/v1/exchange-rates?limit=1").json()
    assert [one["currency"] for one in first["items"]] == ["EUR"]
    (second,) = api.get(f"/api/v1/exchange-rates?after={first['next']}").json()["items"]
    assert (second["currency"], Decimal(second["rate"])) == ("JPY", Decimal("0.0051234"))
    for never in ("never", "2026-11-30", "2026-11-30.", "2026-11-30.eur", "2026-11-30.EUR.GBP"):
        assert is_problem(api.get(f"/api/v1/exchange-rates?after={never}"), 422, "kernel.invalid")
    assert "a digit off" in page.get("/books/currencies/").content.decode()
    shown = page.get("/books/currencies/").content.decode()
    assert ">0.0051234<" in shown and ">0.8000<" in shown
    body = {"currency": "EUR", "on_date": str(now.date()), "rate": "0.90"}
    assert api.post("/api/v1/exchange-rates", body).json()["fresh"]
    euros = Posting(
        COMPANY, "supplier.invoiced", "supplier_invoice", ids.uuid7(), "EUR", (("variance", 1_000),),
        now - timedelta(days=1),
    )  # fmt: skip
    assert isinstance(post(the_system(now), requests=[euros])[0], Posted)
    (told,) = api.get("/api/v1/currency-balances").json()["balances"]
    assert (told["account"], told["worth_minor"], told["unrealized_minor"]) == (2000, -900, -100)
    today = f"/books/currencies/?day={now.date()}"
    assert "Exchange differences, unrealized" in page.get(today).content.decode()
    assert said(page.post("/books/currencies/measure/", {})) == ["The balances are measured."]
    assert "Nothing to post" in page.get(today).content.decode()
    again = api.post("/api/v1/currency-balances", {"on_date": str(now.date())}).json()
    assert (again["unrealized_minor"], again["balances"]) == (0, 1)


def test_a_month_is_closed_or_it_is_said_what_stands_in_the_way(shop, program):
    api = program("books")
    told = api.get("/api/v1/closing").json()
    oldest = min(queries.months(company=COMPANY))  # its first goods came some days ago
    assert told["month"] == str(oldest)
    sold = shop.now.date().replace(day=1)
    told = api.get(f"/api/v1/closing?month={sold}").json()
    assert any(one["refuses"] for one in told["open"])
    refused = api.post("/api/v1/closing", {"year": sold.year, "month": sold.month})
    assert is_problem(refused, 409, "settlement.not_ready_to_close")
    closed = api.post("/api/v1/closing", {"year": 2020, "month": 2}, again="2").json()
    assert closed == {"company": COMPANY, "month": "2020-02-01"}


def test_rates_come_by_file_after_a_look(shop, console, program):
    page, api, day = console("books"), program("books"), timezone.now().date()
    text = f"date,currency,rate\n{day},SEK,0.07\n{day},NOK,0.08\n"
    looked = page.post("/books/currencies/look/", {"file": SimpleUploadedFile("rates.csv", text.encode())})
    shown = looked.content.decode()
    assert "New rates: 2." in shown
    assert "Record the new rates" in shown
    assert sql.run("SELECT 1 FROM ledger_rate WHERE currency = 'SEK'") == []
    assert said(page.post("/books/currencies/record/", {"text": text})) == [
        "The rates of the file are recorded."
    ]
    assert sql.run("SELECT rate FROM ledger_rate WHERE currency = 'SEK'") == [(Decimal("0.07"),)]
    other = text.replace("0.07", "0.06")
    again = page.post("/books/currencies/look/", {"file": SimpleUploadedFile("rates.csv", other.encode())})
    assert "Rates that differ from what stands: 1." in again.content.decode()
    assert "0.070000000" in again.content.decode()
    faulty = page.post("/books/currencies/look/", {"file": SimpleUploadedFile("rates.csv", b"date\n")})
    assert "expected the columns" in said(faulty)[0]
    assert "at most 2 MB" in said(page.post("/books/currencies/look/", {}))[0]

    told = api.post("/api/v1/exchange-rates/files", {"text": other, "dry_run": True}, again="d").json()
    assert (told["recorded"], told["known"], told["differ"]) == (0, 1, 1)
    assert told["otherwise"][0][:2] == ["SEK", str(day)]
    more = {"text": f"date,currency,rate\n{day},DKK,0.11\n"}
    assert api.post("/api/v1/exchange-rates/files", [more], again="r").json()[0]["recorded"] == 1
    answer = api.post("/api/v1/exchange-rates/files", {"text": "date\n"}, again="f")
    assert is_problem(answer, 422, "ledger.rate_file_faulty")
