"""ledger.keep_accounts"""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import date
from typing import Any

import psycopg
import pytest
from django.db import transaction

from entrepot.insight import beancount, ledger_export, profit
from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import Invalid, NotFound, Refused, RequestReused
from entrepot.ledger import manual_queries, queries
from entrepot.ledger.commands.close_month import CloseMonth, close_month
from entrepot.ledger.commands.decide_entries import DecideEntry, decide_entries
from entrepot.ledger.commands.enter_entries import EnterEntry, EntryEntered, enter_entries
from entrepot.ledger.commands.keep_accounts import AccountKept, KeepAccount, keep_accounts
from entrepot.ledger.commands.keep_rules import (
    ActivateRules,
    DraftRules,
    RulesDrafted,
    activate_rules,
    draft_rules,
)
from entrepot.ledger.commands.open_books import OpenBooks, open_books
from entrepot.ledger.commands.post import Posted, Posting, post
from entrepot.ledger.errors import AccountClosed, AccountInUse
from entrepot.ledger.manual import EntryLine
from entrepot.ledger.versions import Change
from tests.floor import COMPANY, NOW, SYSTEM, a_floor, balance
from tests.sizes import SIZES

pytestmark = [pytest.mark.django_db, pytest.mark.alone("ledger")]
EVE = Cause(Actor("eve", everything=True), NOW)
TODAY, OCTOBER = NOW.date(), date(2026, 10, 1)
ABROAD = KeepAccount(COMPANY, 40_001, "Sales abroad", "income", 4000, "8338")
MONTH = profit.Asked(TODAY.replace(day=1), date(2026, 12, 1))
LOAN = KeepAccount(COMPANY, 22_900, "Loan of the bank", "liability")


@pytest.fixture(autouse=True)
def books(db: None) -> None:
    a_floor(skus=0, channels=())


def keep(request: KeepAccount, **facts: Any) -> AccountKept:
    (answer,) = keep_accounts(SYSTEM, requests=[replace(request, **facts)])
    assert isinstance(answer, AccountKept), answer
    return answer


def refused(request: KeepAccount, **facts: Any) -> Refused:
    (answer,) = keep_accounts(SYSTEM, requests=[replace(request, **facts)])
    assert isinstance(answer, Refused), answer
    return answer


def account(number: int) -> manual_queries.AccountRow | None:
    return next((one for one in manual_queries.chart(COMPANY) if one.code == number), None)


def only(number: int, **facts: Any) -> KeepAccount:
    return KeepAccount(COMPANY, number, **facts)


def rule(*changes: Change, since: date = TODAY) -> None:
    (drafted,) = draft_rules(SYSTEM, requests=[DraftRules(COMPANY, changes, "as our accountant wants it")])
    assert isinstance(drafted, RulesDrafted), drafted
    activate_rules(EVE, requests=[ActivateRules(drafted.version, since)])


def sold(amount: int = 100) -> None:
    posting = Posting(COMPANY, "sale", "shipment", ids.uuid7(), "GBP", [("sale.goods", amount)], NOW)
    assert isinstance(post(SYSTEM, requests=[posting])[0], Posted)


def entered(*lines: EntryLine, on: date = TODAY) -> EntryEntered:
    (answer,) = enter_entries(
        SYSTEM, requests=[EnterEntry(COMPANY, "other", on, lines, "a loan was paid out")]
    )
    assert isinstance(answer, EntryEntered), answer
    return answer


def test_an_account_is_added_renamed_numbered_closed_and_opened():
    assert keep(ABROAD) == AccountKept(
        40_001, "Sales abroad", "income", 4000, "8338", closed=False, change="added"
    )
    assert keep(ABROAD).change == "", "it stands so already"
    assert keep(only(40_001, name="Sales to Ireland")).change == "changed"
    assert keep(only(40_001, external="")).external == ""
    assert keep(only(40_001, closed=True)).change == "closed"
    assert keep(only(40_001, closed=False)).change == "opened"
    assert keep(only(1200, name="Goods for sale", external="3980")).role == 1200
    found = account(40_001)
    assert found is not None
    assert (found.name, found.type, found.role, found.external, found.closed) == (
        "Sales to Ireland", "income", 4000, "", False,
    )  # fmt: skip
    told = sql.run("SELECT state_before, state_after, payload->>'change' FROM kernel_event"
                   " WHERE command = 'ledger.keep_accounts' AND payload->>'number' = '40001' ORDER BY seq")  # fmt: skip
    assert told == [
        ("", "open", "added"), ("open", "open", "changed"), ("open", "open", "changed"), ("open", "closed", "closed"),
        ("closed", "open", "opened"),
    ]  # fmt: skip
    open_books(SYSTEM, requests=[OpenBooks(COMPANY)])
    goods = account(1200)
    assert goods is not None
    assert (goods.name, goods.external) == ("Goods for sale", "3980"), "what the house named stays"


def test_what_does_not_fit_is_refused_and_its_neighbours_are_kept():
    answers = keep_accounts(SYSTEM, requests=[
        replace(ABROAD, company=77), replace(ABROAD, number=4001), replace(ABROAD, role=1000), ABROAD,
        only(40_001, type="expense"),
    ])  # fmt: skip
    assert [type(one) for one in answers] == [NotFound, Invalid, Invalid, AccountKept, Invalid]
    assert account(40_001) is not None


def test_a_rule_posts_to_an_account_that_counts_as_another_and_reports_count_it_so():
    keep(ABROAD)
    sold(100)
    rule(Change("sale", "sale.goods", 2100, 40_001))
    sold(70)
    assert (balance(4000), balance(40_001)) == (-100, -70)
    rent = keep(only(55_510, name="Rent", type="expense"))
    paid = entered(EntryLine(rent.number, 30), EntryLine(2250, -30))
    decide_entries(EVE, requests=[DecideEntry(paid.entry, approve=True)])
    (told,) = profit.profit(COMPANY, MONTH, "month", NOW).groups()
    assert dict(told.amounts) == {"goods": 170, "other expenses": -30}
    (tied,) = profit.ties(COMPANY, MONTH, profit.profit(COMPANY, MONTH, "sku", NOW))
    assert tied.told_minor == tied.books_minor == 140
    assert queries.discrepancies() == []


def test_an_account_at_zero_that_nothing_names_is_closed_and_takes_no_line():
    keep(LOAN)
    entry = entered(EntryLine(3100, 500), EntryLine(22_900, -500))
    assert refused(only(22_900, closed=True)).code == "ledger.account_in_use"
    decide_entries(EVE, requests=[DecideEntry(entry.entry, approve=True)])
    assert balance(22_900) == -500
    assert refused(only(22_900, closed=True)) == AccountInUse(
        account=22_900,
        why="it is not at zero; of income and expense that is said of the months that are open",
    )
    back = entered(EntryLine(3100, -500), EntryLine(22_900, 500))
    decide_entries(EVE, requests=[DecideEntry(back.entry, approve=True)])
    assert keep(only(22_900, closed=True)).closed
    (answer,) = enter_entries(
        SYSTEM,
        requests=[EnterEntry(COMPANY, "other", TODAY, (EntryLine(3100, 5), EntryLine(22_900, -5)), "x")],
    )
    assert isinstance(answer, Invalid)
    given = Posting(
        COMPANY, "manual.posted", "manual_entry", ids.uuid7(), "GBP", (), NOW,
        given=[(3100, "manual.other", 5), (22_900, "manual.other", -5)],
    )  # fmt: skip
    assert post(SYSTEM, requests=[given]) == [AccountClosed(account=22_900, company=COMPANY)]
    keep(only(22_900, closed=False))
    assert entered(EntryLine(3100, 5), EntryLine(22_900, -5)).state == "waiting"


def test_the_database_takes_no_line_of_a_closed_account():
    keep(LOAN)
    keep(only(22_900, closed=True))
    with pytest.raises(psycopg.errors.CheckViolation, match="the account is closed"), transaction.atomic():
        sql.write(
            "ledger_line",
            ("company_id", "entry_id", "number", "account", "amount_minor", "functional_minor", "currency", "kind",
             "event", "document_kind", "document_id", "month", "occurred_at", "recorded_at"),
            [(COMPANY, entry, number, code, amount, amount, "GBP", "manual.other", "manual.posted", "manual_entry",
              entry, TODAY.replace(day=1), NOW, NOW)
             for entry in [ids.uuid7()] for number, code, amount in ((1, 3100, 5), (2, 22_900, -5))],
        )  # fmt: skip


def test_an_account_that_a_rule_names_is_not_closed_even_by_a_draft():
    keep(ABROAD)
    assert refused(only(5100, closed=True)).facts["why"] == (
        "a posting rule names it, of a version that is in force, was, or is drafted"
    )
    draft_rules(
        SYSTEM, requests=[DraftRules(COMPANY, (Change("sale", "sale.goods", 2100, 40_001),), "abroad")]
    )
    assert isinstance(refused(only(40_001, closed=True)), AccountInUse)


def test_income_of_closed_months_does_not_keep_an_account_open():
    keep(ABROAD)
    first = entered(EntryLine(3100, 500), EntryLine(40_001, -500), on=date(2026, 10, 20))
    decide_entries(EVE, requests=[DecideEntry(first.entry, approve=True)])
    assert isinstance(refused(only(40_001, closed=True)), AccountInUse)
    close_month(SYSTEM, requests=[CloseMonth(COMPANY, OCTOBER)])
    assert keep(only(40_001, closed=True)).closed
    assert queries.discrepancies() == []


def test_a_draft_names_no_closed_account():
    keep(ABROAD)
    keep(only(40_001, closed=True))
    change = Change("sale", "sale.goods", 2100, 40_001)
    (answer,) = draft_rules(SYSTEM, requests=[DraftRules(COMPANY, (change,), "abroad")])
    assert isinstance(answer, Invalid)


def test_files_of_the_books_tell_names_and_numbers():
    keep(ABROAD)
    rule(Change("sale", "sale.goods", 2100, 40_001))
    sold(70)
    of = ledger_export.span(COMPANY)
    out = io.StringIO()
    ledger_export.journal(out, of)
    rows = list(csv.DictReader(io.StringIO(out.getvalue())))
    assert [(one["account"], one["account_name"], one["external_account"]) for one in rows] == [
        ("2100", "Contract liability", ""), ("40001", "Sales abroad", "8338"),
    ]  # fmt: skip
    out = io.StringIO()
    ledger_export.audit_file(out, of, NOW)
    told = "<AccountDescription>Sales abroad</AccountDescription><StandardAccountID>8338</StandardAccountID>"
    assert f"<AccountID>40001</AccountID>{told}" in out.getvalue()
    out = io.StringIO()
    beancount.export(out, of)
    assert '40001-Sales-abroad\n  external: "8338"\n' in out.getvalue()


def test_a_key_gets_its_answer_again_and_none_for_other_content():
    first = keep(ABROAD, key="k")
    assert keep(ABROAD, key="k") == first
    assert refused(ABROAD, name="Sales", key="k") == RequestReused(key="k", command="ledger.keep_accounts")


@pytest.mark.counts("ledger.keep_accounts")
def test_statements_do_not_grow_with_the_batch(statements):
    for size in SIZES:
        with statements():
            made = [replace(ABROAD, number=size * 10_000 + one) for one in range(size)]
            assert all(isinstance(one, AccountKept) for one in keep_accounts(SYSTEM, requests=made))
            gone = [only(one.number, closed=True) for one in made]
            assert all(isinstance(one, AccountKept) for one in keep_accounts(SYSTEM, requests=gone))


def test_what_is_behind_the_command_is_told():
    """invariant_20, invariant_21"""
    keep(ABROAD)
    with transaction.atomic():
        sql.run("UPDATE ledger_account SET closed = TRUE WHERE code = 5100")
        sql.run("UPDATE ledger_account SET type = 'expense' WHERE code = 40001")
        told = queries.discrepancies()
        transaction.set_rollback(True)
    assert len(told) == 2, told
    assert any("5100" in one and "is closed" in one for one in told)
    assert any("40001" in one and "counts as 4000" in one for one in told)
    for change in (
        "role = 4010 WHERE code = 4000", "role = NULL WHERE code = 4000",
        "role = 1200, type = 'asset' WHERE code = 40001",
    ):  # fmt: skip
        with pytest.raises(psycopg.errors.CheckViolation), transaction.atomic():
            sql.run(f"UPDATE ledger_account SET {change}")
