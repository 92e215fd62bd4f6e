"""Journal entries by hand, for people and programs."""

from __future__ import annotations

import pytest
from django.utils import timezone

from entrepot.kernel import sql
from tests.floor import balance
from tests.http.test_packing import said

pytestmark = pytest.mark.django_db


def form(**changes: str) -> dict[str, str]:
    filled = {
        "kind": "accrual", "on": timezone.now().date().isoformat(), "reason": "rent", "reference": "lease 7",
        "account-1": "5550", "debit-1": "700.00", "account-3": "2250", "credit-3": "700.00",
    }  # fmt: skip
    return filled | changes


def test_a_controller_enters_and_another_one_approves_and_takes_back(console, shop):
    page, other = console("books"), console("root")
    assert 'name="credit-12"' in page.get("/books/by-hand/new/").content.decode()
    longer = page.post("/books/by-hand/enter/", form(rows="12", more="1", reason=""))
    assert longer.url == "/books/by-hand/new/?rows=24#lines"
    filled = page.get("/books/by-hand/new/?rows=24").content.decode()
    assert 'name="credit-24"' in filled
    assert 'name="rows" value="24"' in filled
    assert filled.count('value="700.00"') == 2
    assert '<option value="2250" selected>' in filled
    assert 'name="more"' not in page.get("/books/by-hand/new/?rows=500").content.decode()
    late = page.post("/books/by-hand/enter/", form(**{"rows": "24", "credit-24": "x"}))
    assert late.url == "/books/by-hand/new/?rows=24"
    assert 'value="x"' in page.get(late.url).content.decode()
    wrong = page.post("/books/by-hand/enter/", form(**{"credit-3": "699.00"}))
    assert "1.00 GBP more debits than credits" in said(wrong)[0]
    kept = page.get("/books/by-hand/new/").content.decode()
    assert 'value="699.00"' in kept
    assert '<option value="2250" selected>' in kept
    for changes in ({"debit-1": "x"}, {"on": "soon"}, {"rate": "x"}, {"debit-1": "-5"}):
        assert page.post("/books/by-hand/enter/", form(**changes)).url == "/books/by-hand/new/"
    stock = page.post("/books/by-hand/enter/", form(**{"account-1": "1200"}))
    assert "Instead, count, receive or adjust the stock" in said(stock)[0]
    assert sql.run("SELECT 1 FROM ledger_manualentry") == []

    entered = page.post("/books/by-hand/enter/", form())
    ((which, number),) = sql.run("SELECT id, number FROM ledger_manualentry")
    assert entered.url == f"/books/by-hand/{which}/"
    assert "Another person approves it" in page.get(entered.url).content.decode()
    assert number in other.get("/books/by-hand/?state=waiting").content.decode()
    assert "Journal entries to approve" in page.get("/").content.decode()
    decide = {"entry": str(which), "action": "approve"}
    before = balance(5550)
    page.post("/books/by-hand/decide/", decide)
    assert balance(5550) == before
    other.post("/books/by-hand/decide/", decide)
    assert balance(5550) == before + 70_000
    ((journal,),) = sql.run(
        "SELECT DISTINCT entry_id FROM ledger_line WHERE document_id = %(id)s", {"id": which}
    )
    assert number in page.get(f"/books/entries/{journal}/").content.decode()
    assert number in page.get("/books/accounts/5550/").content.decode()
    assert page.get(f"/documents/{which}/").status_code in (200, 302)
    taken = page.post(
        "/books/by-hand/reverse/", {"entry": str(which), "on": form()["on"], "reason": "billed"}
    )
    shown = page.get(taken.url).content.decode()
    assert number in shown
    assert page.post("/books/by-hand/reverse/", {"entry": str(which), "on": "x"}).url == entered.url
    assert page.get("/books/by-hand/?format=csv").getvalue().decode().count("JE-") >= 2
    page.post("/books/by-hand/reverse/", {})
    page.post("/books/by-hand/decide/", {})


def test_an_auditor_reads_and_enters_nothing(console, shop):
    page = console("auditor")
    assert "A controller enters" in page.get("/books/by-hand/new/").content.decode()
    page.post("/books/by-hand/enter/", form())
    assert page.get("/books/by-hand/").status_code == 200
    assert page.get("/books/by-hand/00000000-0000-7000-8000-000000000000/").status_code == 404
    assert sql.run("SELECT 1 FROM ledger_manualentry") == []


def test_programs_do_the_same(program, shop):
    ask, other = program("books"), program("root")
    lines = [{"account": 5550, "amount_minor": 700}, {"account": 2250, "amount_minor": -700}]
    wanted = {"kind": "accrual", "on": form()["on"], "lines": lines, "reason": "rent"}
    answer = ask.post("/api/v1/journal-entries", wanted | {"currency": "USD", "rate": "0.5"}, again="e")
    assert answer.status_code == 200, answer.content
    which = answer.json()["entry"]
    (one,) = ask.get("/api/v1/journal-entries").json()["items"]
    assert (one["id"], one["state"], one["lines"][0]["account_name"]) == (which, "waiting", "Other expenses")
    approve = {"entry": which, "approve": True}
    assert ask.post("/api/v1/journal-entries/decide", approve, again="d").status_code == 403
    told = other.post("/api/v1/journal-entries/decide", approve, again="d").json()
    assert told["state"] == "posted"
    back = {"entry": which, "on": form()["on"], "reason": "billed"}
    reversal = ask.post("/api/v1/journal-entries/reverse", [back], again="r").json()[0]
    whole = ask.get("/api/v1/journal-entries?show=all&limit=1").json()
    assert (whole["items"][0]["reverses"], whole["items"][0]["id"]) == (which, reversal["entry"])
    assert (
        ask.get(f"/api/v1/journal-entries?show=all&after={whole['next']}").json()["items"][0]["id"] == which
    )
    unknown = ask.post("/api/v1/journal-entries", wanted | {"kind": "whim"}, again="x")
    assert unknown.status_code == 422
