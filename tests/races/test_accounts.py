"""Whoever keeps an account at once with others keeps it once, and none is closed while something is posted to it."""

from __future__ import annotations

from datetime import timedelta

from entrepot.kernel import sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import Refused
from entrepot.ledger.commands.decide_entries import DecideEntry, decide_entries
from entrepot.ledger.commands.enter_entries import EnterEntry, EntryEntered, enter_entries
from entrepot.ledger.commands.keep_accounts import AccountKept, KeepAccount, keep_accounts
from entrepot.ledger.commands.keep_rules import DraftRules, RulesDrafted, draft_rules
from entrepot.ledger.manual import EntryLine
from entrepot.ledger.versions import Change
from tests.floor import COMPANY, NOW, SYSTEM, a_floor
from tests.together import at_once

EVE = Cause(Actor("eve", everything=True), NOW + timedelta(minutes=1))
ABROAD = KeepAccount(COMPANY, 40_001, "Sales abroad", "income", 4000)
CLOSE = KeepAccount(COMPANY, 40_001, closed=True)


def test_an_account_is_added_once(committed_db):
    a_floor(skus=0, channels=())
    answers = at_once([lambda: keep_accounts(SYSTEM, requests=[ABROAD])[0]] * 4)
    assert sorted(one.change for one in answers if isinstance(one, AccountKept)) == ["", "", "", "added"]


def test_an_account_is_closed_or_named_but_never_both(committed_db):
    a_floor(skus=0, channels=())
    keep_accounts(SYSTEM, requests=[ABROAD])
    draft = DraftRules(COMPANY, (Change("sale", "sale.goods", 2100, 40_001),), "abroad")
    told = at_once([
        lambda: keep_accounts(SYSTEM, requests=[CLOSE])[0], lambda: draft_rules(SYSTEM, requests=[draft])[0],
    ])  # fmt: skip
    assert sum(isinstance(one, (AccountKept, RulesDrafted)) for one in told) == 1
    assert sum(isinstance(one, Refused) for one in told) == 1


def test_an_account_is_closed_or_posted_to_but_never_both(committed_db):
    a_floor(skus=0, channels=())
    keep_accounts(SYSTEM, requests=[ABROAD])
    lines = (EntryLine(3100, 5), EntryLine(40_001, -5))
    (entry,) = enter_entries(
        SYSTEM, requests=[EnterEntry(COMPANY, "other", NOW.date(), lines, "a sale abroad")]
    )
    assert isinstance(entry, EntryEntered)
    told = at_once([
        lambda: keep_accounts(SYSTEM, requests=[CLOSE])[0],
        lambda: decide_entries(EVE, requests=[DecideEntry(entry.entry, approve=True)])[0],
    ])  # fmt: skip
    assert isinstance(told[0], Refused), "it waits for its approval, or was posted"
    assert sql.run("SELECT closed FROM ledger_account WHERE code = 40001") == [(False,)]
