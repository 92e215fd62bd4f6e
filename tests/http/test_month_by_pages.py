"""A month closed by a controller with the console alone, from what stands in the way to its report."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import psycopg
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from django.utils import timezone

from entrepot.kernel import ids, sql
from entrepot.ledger import errors
from entrepot.ledger.commands.post import Posted, Posting, post
from entrepot.ledger.commands.record_rates import RecordRate, record_rates
from entrepot.returns.commands.refund import Refund, refund
from entrepot.settlement import bank_queries, clearing_queries, closing_queries
from tests.asking import a_browser
from tests.back import ASKS, asked, back, policy, sold
from tests.floor import COMPANY, NOW, SYSTEM, Floor, balance
from tests.http.test_packing import said
from tests.shop import everybody
from tests.walk import a_house

pytestmark = pytest.mark.django_db
MONTH = date(2026, 11, 1)
DECEMBER = datetime(2026, 12, 3, 10, tzinfo=UTC)
COPY_AN_ENTRY = """
WITH one AS MATERIALIZED (SELECT gen_random_uuid() AS id)
INSERT INTO ledger_line (company_id, entry_id, number, account, amount_minor, functional_minor, currency, kind, event,
                         document_kind, document_id, month, occurred_at, recorded_at)
SELECT company_id, one.id, number, account, amount_minor, functional_minor, currency, kind, event, document_kind,
       one.id, month, occurred_at, now()
FROM ledger_line, one
WHERE entry_id = (SELECT entry_id FROM ledger_line ORDER BY id LIMIT 1) RETURNING 1
"""
CLOSE, PAGE = {"month": "2026-11"}, "/books/closing/"


@pytest.fixture
def house(db: None, monkeypatch: pytest.MonkeyPatch) -> Floor:
    """A house that sold in November, on the third of December."""
    house = a_house()
    house.stock(0, 50)
    policy(expected_percent=Decimal(7), expected_by="observed", window_days=20, observed_months=3)
    orders = sold(house, 10, (0, 1))
    one = asked(orders[0], 1)
    back(one)
    refund(ASKS, requests=[Refund(one.return_id)])
    everybody()
    monkeypatch.setattr(timezone, "now", lambda: DECEMBER)
    return house


def owed(currency: str, rate: str, amount: int) -> None:
    """A bill of a supplier in another currency, and what it was worth then."""
    record_rates(SYSTEM, requests=[RecordRate(COMPANY, currency, NOW.date(), Decimal(rate))])
    one = Posting(
        COMPANY, "supplier.invoiced", "supplier_invoice", ids.uuid7(), currency, (("variance", amount),), NOW
    )
    assert isinstance(post(SYSTEM, requests=[one])[0], Posted)


def in_the_way() -> dict[str, int]:
    checked = closing_queries.checklist(COMPANY, MONTH, DECEMBER)
    return {one.open.kind: one.open.count for one in checked if one.refuses}


@pytest.fixture
def books(house: Floor) -> Callable[..., list[str]]:
    browser = a_browser("books")

    def send(address: str, **form: object) -> list[str]:
        return said(browser.post(address, form))

    return send


def test_november_is_closed_by_pages_and_takes_nothing_more(house: Floor, books) -> None:
    page: Client = a_browser("books")
    owed("EUR", "0.80", 10_000)
    owed("USD", "0.75", 20_000)
    csv_file = SimpleUploadedFile("bank.csv", b"date,amount,text\n2026-11-28,-12.50,fees\n", "text/csv")
    assert books("/books/bank/take/", account="GB33", external_id="2026-11", file=csv_file)
    assert set(in_the_way()) == {"bank lines", "documents", "exchange differences", "expected returns"}
    shown = page.get(PAGE).content.decode()
    assert "Month end: November 2026" in shown
    assert "be closed, there are still open: bank lines: 1, documents: 11" in shown, "as the refusal says"
    (refused,) = books(f"{PAGE}close/", **CLOSE)
    assert refused.startswith(
        "2026-11 can't be closed, there are still open: bank lines: 1, documents: 11, ex"
    )

    # What the bank took, and the documents that nobody has written yet.
    (line,) = bank_queries.lines(COMPANY, waiting=True)
    form = {
        "statement": line.statement,
        "line": line.number,
        "purpose": "charges",
        "reason": "fees of the account",
    }
    assert books("/books/bank/decide/", **form) == ["The line is decided."]
    assert books("/books/invoices/issue/")

    # A gain in one currency and a loss in the other, as of the last day.
    for currency, rate in (("EUR", "0.90"), ("USD", "0.70")):
        told = books("/books/currencies/rate/", currency=currency, day="2026-11-30", rate=rate)
        assert told == ["The rate is in force from that day on."]
    assert books("/books/currencies/measure/", day="2026-11-30") == ["The balances are measured."]
    assert (balance(5710), balance(2000)) == (1_000 - 1_000, -9_000 - 14_000)
    rows = sql.run(
        "SELECT currency, functional_minor::int, occurred_at::date FROM ledger_line WHERE account = 5710 ORDER BY 1"
    )
    assert rows == [("EUR", 1_000, date(2026, 11, 30)), ("USD", -1_000, date(2026, 11, 30))]
    assert books("/books/currencies/measure/", day="2026-11-30") == ["The balances are measured."]
    assert sql.run("SELECT count(*) FROM ledger_line WHERE account = 5710") == [(2,)]

    # What is expected to come back, as of the last moment of the month; by what was observed of months that are over.
    assert "7" in page.get("/books/expected-returns/?month=2026-11").content.decode()
    measured = books("/books/expected-returns/measure/", month="2026-11")
    assert measured == ["What is expected to come back is measured."]
    rows = sql.run("SELECT measured, month, percent, measured_at::date FROM returns_cohort")
    assert rows == [(MONTH, MONTH, 7, date(2026, 11, 30))]

    # Stock at what it brings.
    node = str(house.nodes[0])
    told = books(
        "/books/valuation/write-down/", sku=house.codes[0], node=node, unit="0.60", reason="scratched"
    )
    assert told == ["The stock is worth what it brings."]
    value = sql.run(
        "SELECT sum(value_minor)::int, sum(quantity)::int FROM ledger_valuation WHERE pool = 'stock'"
    )
    assert value == [(41 * 60, 41)]
    assert balance(1200) == 41 * 60

    # Clearing accounts reach zero, or somebody says why not.
    captured = clearing_queries.Wanted(1100)
    clearing = clearing_queries.items(COMPANY, captured, DECEMBER, limit=200)
    assert clearing, "captures that no payout has brought yet"
    assert "1100" in page.get(PAGE).content.decode()
    lines = [f"{one.line} {one.currency}" for one in clearing]
    form = {"line": lines, "code": "payment not in", "reason": "paid out in December", "due_on": "2026-12-15"}
    told = said(page.post("/books/clearing/act/", {"action": "note", **form}))
    assert told == [f"{len(lines)} lines are explained."]
    assert {one.note for one in clearing_queries.items(COMPANY, captured, DECEMBER)} == {
        "paid out in December"
    }

    assert in_the_way() == {}
    assert 'name="month" value="2026-11"' in page.get(PAGE).content.decode()
    clerk = a_browser("supervisor")
    assert "A controller closes it." in clerk.get(PAGE).content.decode()
    assert clerk.post(f"{PAGE}close/", CLOSE).status_code in (302, 403)
    assert closing_queries.to_close(COMPANY) == MONTH
    assert books(f"{PAGE}close/", **CLOSE) == ["The month is closed."]

    # Nothing goes in any more: neither by a command nor by the hand of whoever has the database.
    late = Posting(COMPANY, "shipping.accrued", "test", ids.uuid7(), "GBP", (("carriage", 5),), NOW)
    assert post(replace(SYSTEM, at=DECEMBER), requests=[late]) == [
        errors.MonthClosed(company=1, month="2026-11")
    ]
    with pytest.raises(psycopg.Error, match="closed"), transaction.atomic():
        sql.run(COPY_AN_ENTRY)
    with pytest.raises(psycopg.Error), transaction.atomic():
        sql.run("DELETE FROM ledger_period RETURNING 1")

    report = page.get(f"{PAGE}report/?month=2026-11")
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", report.content.decode()))
    assert "Closed by books" in text
    rows = list(
        csv.DictReader(
            page.get(f"{PAGE}report/", {"month": "2026-11", "format": "csv"}).content.decode().splitlines()
        )
    )
    accounts = {one["what"].split()[0]: Decimal(one["amount"]) for one in rows if one["part"] == "account"}
    assert sum(accounts.values()) == 0
    assert accounts["2000"] == Decimal("-230.00")
    assert all(one["count"] == "0" for one in rows if one["stands in the way"] == "yes")
