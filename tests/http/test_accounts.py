"""The chart of accounts, for people and programs."""

from __future__ import annotations

import pytest

from entrepot.kernel import sql
from tests.http.test_packing import said
from tests.http.test_valuation import is_problem

pytestmark = pytest.mark.django_db
ABROAD = {
    "number": "40001", "name": "Sales abroad", "type": "income", "role": "4000", "external": "8338", "action": "add",
}  # fmt: skip


def test_a_controller_adds_an_account_that_a_rule_then_names(console, shop):
    page = console("books")
    first = page.get("/books/chart/").content.decode()
    assert "Add an account" in first
    assert 'value="sale sale.goods"' not in page.get("/books/rules/").content.decode()
    assert said(page.post("/books/chart/keep/", ABROAD)) == ["The account is kept."]
    assert said(page.post("/books/chart/keep/", ABROAD | {"number": "4001"}))[0].startswith(
        "number: expected"
    )
    assert page.post("/books/chart/keep/", ABROAD | {"number": "many"}).url == "/books/chart/"
    shown = page.get("/books/chart/?number=40001").content.decode()
    assert "8338" in shown
    assert "Close it" in shown
    rules = page.get("/books/rules/").content.decode()
    assert 'value="sale sale.goods"' in rules, "an account of its own stands for sales of goods"
    assert '<option value="40001">' in rules
    form = {"rule-1": "sale sale.goods", "account-1": "40001", "reason": "as our accountant counts"}
    assert said(page.post("/books/rules/draft/", form)) == ["The version is drafted."]


def test_an_account_is_renamed_closed_and_opened(console, shop):
    page = console("books")
    page.post("/books/chart/keep/", ABROAD)
    change = {"number": "40001", "name": "Sales to Ireland", "external": "", "action": "change"}
    answer = page.post("/books/chart/keep/", change)
    assert answer.url == "/books/chart/?number=40001"
    assert sql.run("SELECT name, external, closed FROM ledger_account WHERE code = 40001") == [
        ("Sales to Ireland", "", False)
    ]
    page.post("/books/chart/keep/", {"number": "40001", "name": "", "action": "close"})
    assert "Open it again" in page.get("/books/chart/?number=40001").content.decode()
    assert "takes no lines" in page.get("/books/chart/").content.decode()
    assert '<option value="40001">' not in page.get("/books/entries/new/").content.decode()
    page.post("/books/chart/keep/", {"number": "40001", "action": "open"})
    assert sql.run("SELECT closed FROM ledger_account WHERE code = 40001") == [(False,)]
    kept = said(page.post("/books/chart/keep/", {"number": "1200", "action": "close"}))[0]
    assert "can't be closed" in kept


def test_an_auditor_reads_and_changes_nothing(console, shop):
    page = console("auditor")
    page.post("/books/chart/keep/", ABROAD)
    assert "Add an account" not in page.get("/books/chart/").content.decode()
    assert "A controller keeps the chart" in page.get("/books/chart/?number=1200").content.decode()
    assert sql.run("SELECT 1 FROM ledger_account WHERE code = 40001") == []


def test_programs_do_the_same(program, shop):
    ask = program("books")
    wanted = {"number": 40001, "name": "Sales abroad", "type": "income", "role": 4000, "external": "8338"}
    kept = ask.post("/api/v1/accounts", wanted, again="a").json()
    assert kept == wanted | {"closed": False, "change": "added"}
    changed = [{"number": 40001, "closed": True}, {"number": 1200, "closed": True}, {"number": 77}]
    first, second, third = ask.post("/api/v1/accounts", changed, again="b").json()
    assert (first["change"], first["closed"]) == ("closed", True)
    assert second["code"] == "ledger.account_in_use"
    assert third["code"] == "kernel.invalid"
    (told,) = (one for one in ask.get("/api/v1/accounts").json() if one["code"] == 40001)
    assert (told["role"], told["closed"], told["clearing"]) == (4000, True, False)
    assert is_problem(
        ask.post("/api/v1/accounts", {"number": 50001, "name": "X", "type": "rent"}, again="c"),
        422,
        "http.422",
    )
