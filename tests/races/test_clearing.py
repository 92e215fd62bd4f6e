"""Who matches, gives up or approves the same at once does it once."""

from __future__ import annotations

from entrepot.kernel import ids, sql
from entrepot.ledger.clearing import Part
from entrepot.ledger.commands.match_lines import (
    LinesMatched,
    MatchLines,
    UndoMatch,
    match_lines,
    undo_matches,
)
from entrepot.ledger.commands.post import Posting, post
from entrepot.settlement.commands.clear_accounts import ClearAccounts, clear_accounts
from entrepot.settlement.commands.note_lines import NoteLine, note_lines
from entrepot.settlement.commands.write_off import (
    DecideWriteOff,
    WriteOff,
    WriteOffDecided,
    WrittenOff,
    decide_write_offs,
    write_off,
)
from tests.floor import COMPANY, NOW, SYSTEM, a_floor, balance, someone
from tests.together import at_once

OTHER = someone("controller two")


def open_lines() -> list[tuple[int, int]]:
    found = "SELECT line_id, open_minor FROM ledger_clearingitem WHERE open_minor <> 0 ORDER BY line_id"
    return [tuple(row) for row in sql.run(found)]


def test_of_what_many_want_at_once_each_part_is_taken_once(committed_db):
    """Two debits of one work order against one credit; people and the rule ask for the same, in any order."""
    a_floor(skus=0)
    document, other = ids.uuid7(), ids.uuid7()
    post(SYSTEM, requests=[
        Posting(COMPANY, "refurbishment.worked", "work order", which, "GBP", (("expensed", amount),), NOW)
        for which, amount in ((document, -60), (document, 100), (document, -70), (other, 900))
    ])  # fmt: skip
    (one, _), (credit, _), (two, _), (rest, _) = open_lines()
    ways = (
        (Part(one), Part(credit, -60)),
        (Part(credit, -70), Part(two)),
        (Part(two, 10), Part(one, 50), Part(credit, -60)),
    )
    answers = at_once([
        *(lambda parts=parts: match_lines(SYSTEM, requests=[MatchLines(COMPANY, parts, "equal")])[0] for parts in ways),
        lambda: clear_accounts(SYSTEM, requests=[ClearAccounts(COMPANY)])[0],
    ])  # fmt: skip
    assert sum(open_ for _, open_ in open_lines()) == balance(2160) == -870
    done = [one.match for one in answers if isinstance(one, LinesMatched)]
    for match in done:
        at_once([lambda which=match: undo_matches(SYSTEM, requests=[UndoMatch(which, "no")])[0]] * 2)
    assert sum(open_ for _, open_ in open_lines()) == -870

    due = NOW.date()
    at_once([lambda: note_lines(SYSTEM, requests=[NoteLine(COMPANY, rest, "other", "soon", due)])[0]] * 3)
    asked = at_once(
        [lambda: write_off(SYSTEM, requests=[WriteOff(COMPANY, (Part(rest, -900),), "other", "old")])[0]] * 2
    )
    assert all(isinstance(each, WrittenOff) for each in asked)  # both wait, and one of them can be approved
    approved = at_once([
        lambda which=which: decide_write_offs(OTHER, requests=[DecideWriteOff(which, True)])[0]
        for which in (asked[0].write_off, asked[1].write_off, asked[0].write_off)
    ])  # fmt: skip
    assert sum(isinstance(each, WriteOffDecided) for each in approved) == 1
    assert balance(2160) == 30
