"""Versions of the posting rules, for people and programs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta

import pytest
from django.utils import timezone

from entrepot.kernel import sql
from entrepot.settlement.commands.take_payouts import TakePayout, take_payouts
from entrepot.settlement.rules import PayoutLine
from tests.asking import a_program
from tests.floor import COMPANY, SYSTEM
from tests.http.test_packing import said
from tests.http.test_valuation import is_problem
from tests.shop import a_person

pytestmark = pytest.mark.django_db
FEE = {"event": "payment.paid_out", "kind": "fee", "debit": 5200, "credit": 1100}


def test_a_controller_drafts_a_version_and_puts_it_in_force(console, shop):
    page = console("books")
    first = page.get("/books/rules/").content.decode()
    assert "The rules are those that the books opened with" in first
    assert "payment.paid_out fee" in first
    assert 'value="sale sale.tax"' not in first, "the tax account is compared with what was turned over"
    assert 'value="sale sale.goods"' not in first, "key figures take it for what was sold"
    wrong = page.post("/books/rules/draft/", {"rule-1": "sale sale.tax", "account-1": "4020", "reason": "x"})
    assert wrong.url == "/books/rules/"
    assert "Choose a rule" in said(wrong)[0]
    form = {"rule-1": "payment.paid_out fee", "account-1": "5200", "reason": "fees are what selling costs"}
    assert said(page.post("/books/rules/draft/", form)) == ["The version is drafted."]

    ((which,),) = sql.run("SELECT id FROM ledger_ruleversion")
    shown = page.get("/books/rules/?version=2").content.decode()
    assert "Version 2 beside version 1" in shown
    assert "Put it in force" not in shown, "who drafted it does not"
    assert "somebody else puts it in force" in shown
    assert "fees are what selling costs" in shown
    assert "5200" in page.get("/books/preview/?event=payment.paid_out&version=2").content.decode()
    decide = {"which": str(which), "version": "2"}
    since = (timezone.now().date() + timedelta(days=2)).isoformat()
    page.post("/books/rules/decide/", decide | {"since": since, "action": "activate"})
    assert sql.run("SELECT state FROM ledger_ruleversion") == [("draft",)]
    page = console(a_person("second", "controller").username)
    assert "Put it in force" in page.get("/books/rules/?version=2").content.decode()
    assert page.post("/books/rules/decide/", decide | {"since": "soon"}).url == "/books/rules/?version=2"
    done = said(page.post("/books/rules/decide/", decide | {"since": since, "action": "activate"}))
    assert done == ["The version is in force from that day on. What was posted stays."]
    assert "Withdraw it" in page.get("/books/rules/?version=2&against=2&month=2020-01").content.decode()
    gone = page.post("/books/rules/decide/", decide | {"action": "withdraw", "reason": "not agreed"})
    assert said(gone) == ["The version is withdrawn."]
    page.post("/books/rules/decide/", {})
    assert sql.run("SELECT state, note FROM ledger_ruleversion") == [("withdrawn", "not agreed")]


def test_a_rule_is_drafted_for_a_reason_and_previewed_by_it(console, program, shop):
    page = console("books")
    assert '<option value="stolen">' in page.get("/books/rules/").content.decode()
    form = {"rule-1": "stock.write_off cost", "account-1": "5550", "why-1": "stolen", "reason": "insured"}
    assert said(page.post("/books/rules/draft/", form)) == ["The version is drafted."]
    assert "stolen" in page.get("/books/rules/?version=2").content.decode()
    address = "/books/preview/?event=stock.write_off&version=2&amount_cost=9&reason="
    by_reason = page.get(f"{address}stolen").content.decode()
    assert "for the reason “stolen”, by version 2" in by_reason
    assert "5550" in by_reason
    otherwise = page.get(f"{address}broken").content.decode()
    assert "for any reason, by version 1" in otherwise
    assert "5550" not in otherwise
    ask = program("books")
    preview = "/api/v1/posting-preview?event=stock.write_off&amount=cost:100&version=2&reason="
    assert {one["account"] for one in ask.get(f"{preview}stolen").json()} == {5550, 1200}
    assert {one["account"] for one in ask.get(f"{preview}broken").json()} == {5100, 1200}
    told = ask.get("/api/v1/posting-rules?event=stock.write_off&version=2").json()
    assert [(one["reason"], one["debit"]) for one in told] == [("", 5100), ("stolen", 5550)]
    sales = {"changes": [FEE | {"reason": "urgent"}], "reason": "x"}
    assert is_problem(ask.post("/api/v1/rule-versions", sales, again="r"), 422, "kernel.invalid")


def test_an_auditor_reads_and_drafts_nothing(console, shop):
    page = console("auditor")
    page.post("/books/rules/draft/", {"rule-1": "payment.paid_out fee", "account-1": "5200", "reason": "x"})
    assert "Draft a version" not in page.get("/books/rules/").content.decode()
    assert sql.run("SELECT 1 FROM ledger_ruleversion") == []


def test_an_entry_says_by_which_version_it_was_made(console, shop):
    ((entry,),) = sql.run("SELECT entry_id FROM ledger_line LIMIT 1")
    assert (
        "by version 1 of the posting rules"
        in console("books").get(f"/books/entries/{entry}/").content.decode()
    )


def test_programs_do_the_same(program, shop):
    ask, now = program("books"), timezone.now()
    kept = TakePayout(COMPANY, "fake", "po_1", "GBP", -30, (PayoutLine("fee", "", 0, 30),), now)
    take_payouts(replace(SYSTEM, at=now), requests=[kept])
    wanted = {"changes": [FEE], "reason": "fees are what selling costs"}
    drafted = ask.post("/api/v1/rule-versions", wanted, again="d").json()
    assert drafted["number"] == 2
    (told,) = ask.get("/api/v1/rule-versions").json()
    assert (told["state"], told["changes"], told["since"]) == ("draft", 1, None)
    differences = ask.get("/api/v1/rule-versions/differences?before=1&after=2").json()
    assert differences == [
        {"event": "payment.paid_out", "kind": "fee", "reason": "", "was": [5210, 1100], "now": [5200, 1100]}
    ]
    effect = "/api/v1/rule-versions/effect?version=2&month="
    (moved,) = ask.get(f"{effect}{now.astimezone(UTC).date()}").json()
    assert (moved["was"], moved["now"], moved["functional_minor"]) == (5210, 5200, 30)
    by_draft = ask.get("/api/v1/posting-preview?event=payment.paid_out&amount=fee:100&version=2").json()
    assert {one["account"] for one in by_draft} == {5200, 1100}
    (rule,) = (
        one
        for one in ask.get("/api/v1/posting-rules?event=payment.paid_out&version=2").json()
        if one["kind"] == "fee"
    )
    assert (rule["debit"], rule["version"]) == (5200, 2)
    assert is_problem(ask.get("/api/v1/posting-rules?version=9"), 404, "kernel.not_found")

    today = timezone.now().date()
    put = {"version": drafted["version"], "since": (today + timedelta(days=3)).isoformat()}
    own = ask.post("/api/v1/rule-versions/activate", put, again="o")
    assert is_problem(own, 403, "access.duties_apart")
    ask = a_program(a_person("second", "controller"))
    assert ask.post("/api/v1/rule-versions/activate", [put], again="a").json()[0]["state"] == "active"
    again = ask.post("/api/v1/rule-versions/activate", put, again="b")
    assert is_problem(again, 409, "kernel.wrong_state")
    gone = {"version": drafted["version"], "reason": "not agreed"}
    assert ask.post("/api/v1/rule-versions/withdraw", gone, again="w").json()["state"] == "withdrawn"
    stock = {"changes": [FEE | {"debit": 1200}], "reason": "x"}
    assert is_problem(ask.post("/api/v1/rule-versions", stock, again="x"), 422, "kernel.invalid")
