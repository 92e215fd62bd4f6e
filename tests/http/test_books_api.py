"""The books for programs: trial balance, journal, payouts and their lines."""

from __future__ import annotations

import pytest
from django.utils import timezone

from entrepot.insight import pages
from entrepot.kernel import sql
from entrepot.ledger import queries
from entrepot.settlement.commands.take_payouts import TakePayout, take_payouts
from entrepot.settlement.rules import PayoutLine
from tests.shop import COMPANY, the_system

pytestmark = pytest.mark.django_db


def test_the_trial_balance_makes_up_zero_and_leads_to_its_lines(shop, program):
    api = program("books")
    ever = api.get("/api/v1/trial-balance").json()
    assert sum(one["balance_minor"] for one in ever) == 0
    last = max(queries.months(company=COMPANY))
    whole = api.get(f"/api/v1/trial-balance?month={last}&up_to=true").json()
    assert whole == ever
    one = max(ever, key=lambda one: one["debit_minor"])
    lines, before = [], ""
    while True:
        asked = f"/api/v1/journal?account={one['account']}&month={last}&up_to=true&limit=3{before}"
        told = api.get(asked).json()
        lines += told["items"]
        if told["next"] is None:
            break
        before = f"&before={told['next']}"
    assert len(lines) > 3
    assert len({line["id"] for line in lines}) == len(lines)
    assert sum(line["functional_minor"] for line in lines) == one["balance_minor"]
    first = lines[0]
    entry = api.get(f"/api/v1/journal?entry={first['entry']}").json()["items"]
    assert sum(line["amount_minor"] for line in entry) == 0
    document = api.get(f"/api/v1/journal?document={first['document']}&limit=200").json()["items"]
    assert first["id"] in {line["id"] for line in document}
    assert {line["document"] for line in document} == {first["document"]}


def test_of_a_month_its_lines_are_told_and_found_by_their_days(shop, program, monkeypatch):
    api = program("books")
    for month in queries.months(company=COMPANY):
        lines = api.get(f"/api/v1/journal?month={month}&limit=200").json()["items"]
        assert lines
        assert {line["occurred_at"][:7] for line in lines} == {f"{month:%Y-%m}"}
        assert lines == sorted(lines, key=lambda one: -one["id"])
    run, plan = sql.run, []
    run("SELECT set_config('enable_seqscan', 'off', TRUE)")
    with monkeypatch.context() as patched:
        patched.setattr(
            pages.sql, "run", lambda text, params: plan.extend(run(f"EXPLAIN {text}", params)) or []
        )
        pages.journal_lines(COMPANY, month=month)
    run("SELECT set_config('enable_seqscan', 'on', TRUE)")
    assert "ledger_line_occurred" in str(plan), "not back from the latest line of all"


def test_a_payout_tells_its_lines_page_by_page(shop, program):
    lines = (
        PayoutLine("fee", "", 0, 5),
        PayoutLine("charge", "nobody knows", 700, 0),
        PayoutLine("fee", "x", 0, 1),
    )
    at = timezone.now()
    (taken,) = take_payouts(
        the_system(at), requests=[TakePayout(COMPANY, "fake", "po_77", "GBP", 694, lines, at)]
    )
    api = program("books")
    (one,) = [one for one in api.get("/api/v1/payouts").json()["items"] if one["id"] == str(taken.payout)]
    assert (one["net_minor"], one["lines"], one["open_lines"]) == (694, 3, 1)
    told = api.get(f"/api/v1/payouts/{taken.payout}/lines?limit=2").json()
    assert [(row["kind"], row["state"]) for row in told["items"]][1] == ("charge", "unmatched")
    rest = api.get(f"/api/v1/payouts/{taken.payout}/lines?after={told['next']}").json()
    assert ([row["reference"] for row in rest["items"]], rest["next"]) == (["x"], None)
