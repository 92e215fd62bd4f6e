"""Who enters, approves or takes back the same at once does it once."""

from __future__ import annotations

from datetime import date

from entrepot.ledger.commands.decide_entries import DecideEntry, EntryDecided, decide_entries
from entrepot.ledger.commands.enter_entries import (
    EnterEntry,
    EntryEntered,
    ReverseEntry,
    enter_entries,
    reverse_entries,
)
from entrepot.ledger.errors import ReversedBefore
from entrepot.ledger.manual import EntryLine
from tests.floor import COMPANY, NOW, SYSTEM, a_floor, balance, someone
from tests.together import at_once

OTHER, THIRD = someone("controller two"), someone("controller three")


def test_what_many_decide_or_take_back_at_once_is_posted_once(committed_db):
    a_floor(skus=0)
    lines = (EntryLine(5550, 700), EntryLine(2250, -700))
    wanted = EnterEntry(COMPANY, "accrual", date(2026, 10, 31), lines, "rent", key="k")
    answers = at_once([lambda: enter_entries(SYSTEM, requests=[wanted])[0]] * 3)
    (which,) = {one.entry for one in answers if isinstance(one, EntryEntered)}
    told = at_once([
        lambda who=who, yes=yes: decide_entries(who, requests=[DecideEntry(which, yes, "" if yes else "no")])[0]
        for who, yes in ((OTHER, True), (THIRD, True), (OTHER, True))
    ])  # fmt: skip
    assert sum(isinstance(one, EntryDecided) for one in told) == 1
    assert balance(5550) == 700
    back = at_once(
        [lambda: reverse_entries(SYSTEM, requests=[ReverseEntry(which, NOW.date(), "billed")])[0]] * 3
    )
    assert sum(isinstance(one, EntryEntered) for one in back) == 1
    assert sum(isinstance(one, ReversedBefore) for one in back) == 2
