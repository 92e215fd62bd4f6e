"""ledger.match_lines, ledger.undo_matches, settlement.clear_accounts, write_off, decide_write_offs, note_lines"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from django.db import transaction

from entrepot.access.errors import DutiesApart
from entrepot.access.queries import duties_of
from entrepot.kernel import ids, sql
from entrepot.kernel.errors import Invalid, NotFound, WrongState
from entrepot.ledger import clearing_queries as ledger
from entrepot.ledger.clearing import Part
from entrepot.ledger.commands.match_lines import (
    LinesMatched,
    MatchLines,
    MatchUndone,
    UndoMatch,
    match_lines,
    undo_matches,
)
from entrepot.ledger.commands.post import Posting, post
from entrepot.ledger.errors import DoesNotClear, NotOpen
from entrepot.settlement import clearing_queries as queries
from entrepot.settlement import errors
from entrepot.settlement.clearing_queries import Wanted
from entrepot.settlement.commands.clear_accounts import AccountsCleared, ClearAccounts, clear_accounts
from entrepot.settlement.commands.note_lines import LineNoted, NoteLine, note_lines
from entrepot.settlement.commands.write_off import (
    DecideWriteOff,
    WriteOff,
    WriteOffDecided,
    WrittenOff,
    decide_write_offs,
    write_off,
)
from tests.floor import COMPANY, NOW, SYSTEM, a_floor, balance, someone
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db
OTHER = someone("controller two")
ACCRUAL = 2150


@pytest.fixture(autouse=True)
def books(db: None) -> None:
    a_floor(skus=0)


def accrued(*amounts: int, document: UUID | None = None) -> list[int]:
    """Lines of the carriers' accrual, credit above zero; each of a document of its own."""
    post(SYSTEM, requests=[
        Posting(COMPANY, "shipping.accrued", "test", document or ids.uuid7(), "GBP", (("carriage", one),), NOW)
        for one in amounts
    ])  # fmt: skip
    found = sql.run(
        "SELECT line_id FROM ledger_clearingitem WHERE account = 2150 ORDER BY line_id DESC LIMIT %(n)s",
        {"n": len(amounts)},
    )
    return [line for (line,) in reversed(found)]


def open_of(*lines: int) -> list[int]:
    found = dict(sql.run("SELECT line_id, open_minor FROM ledger_clearingitem"))
    return [found[one] for one in lines]


def match(*parts: Part, why: str = "they belong together", **facts) -> object:
    return match_lines(SYSTEM, requests=[MatchLines(COMPANY, parts, why, **facts)])[0]


def test_lines_are_matched_many_to_many_and_in_part_and_taken_apart_again():
    """Credits of 100 and 60 against debits of 30 and 110: 20 of the second credit stay open."""
    one, two, back, more = accrued(100, 60, -30, -110)
    answer = match(Part(one), Part(two, -40), Part(back), Part(more))
    assert isinstance(answer, LinesMatched)
    assert open_of(one, two, back, more) == [0, -20, 0, 0]
    (row,) = ledger.matches(COMPANY, ACCRUAL)
    assert (row.how, row.why, row.lines, row.amount_minor) == ("hand", "they belong together", 4, 140)
    assert [one.amount_minor for one in queries.parts([row.id])] == [-100, -40, 30, 110]
    other = match(*(Part(line) for line in accrued(5, -5)))
    shown = queries.parts([row.id, other.match], limit=2)  # type: ignore[attr-defined]
    assert sorted(one.amount_minor for one in shown) == [-100, -40, -5, 5], "each match its first lines"
    assert match(Part(two), Part(one)) == NotOpen(line=one, expected="0.00 GBP", found="0.00 GBP")

    undo = UndoMatch(answer.match, "of another carrier", "u1")
    assert undo_matches(SYSTEM, requests=[undo]) == [MatchUndone(answer.match, 4)]
    assert open_of(one, two, back, more) == [-100, -60, 30, 110]
    assert (
        undo_matches(SYSTEM, requests=[undo, replace(undo, key=None)]) == [MatchUndone(answer.match, 4)] * 2
    )
    assert ledger.matches(COMPANY, ACCRUAL)[-1].undone_why == "of another carrier"


def test_what_does_not_make_zero_is_not_matched_and_nothing_changes():
    one, back = accrued(100, -30)
    (other,) = sql.run("SELECT max(line_id) + 100 FROM ledger_clearingitem")[0]
    assert match(Part(one), Part(back)) == DoesNotClear(off="-0.70 GBP")
    assert isinstance(match(Part(one, 30), Part(back)), NotOpen)
    assert isinstance(match(Part(one), Part(other)), NotFound)
    assert [type(match(*parts, **facts)) for parts, facts in (
        ((Part(one, -15), Part(one, -15), Part(back)), {}), ((), {}), ((Part(one, -30), Part(back)), {"why": " "}),
        ((Part(one, -30), Part(back)), {"how": "magic"}),
    )] == [Invalid] * 4  # fmt: skip
    assert isinstance(match_lines(SYSTEM, requests=[MatchLines(2, (Part(one),), "another's")])[0], NotFound)
    assert open_of(one, back) == [-100, 30]
    assert isinstance(undo_matches(SYSTEM, requests=[UndoMatch(ids.uuid7(), "why")])[0], NotFound)


def test_the_database_itself_refuses_a_match_that_is_not_zero():
    (line,) = accrued(100)
    answer = match(Part(line), Part(*accrued(-100)))
    assert isinstance(answer, LinesMatched)
    with (
        pytest.raises(psycopg.errors.CheckViolation, match="a match must be written whole"),
        transaction.atomic(),
    ):
        sql.write(
            "ledger_matchpart", ("match_id", "line_id", "amount_minor"), [(answer.match, accrued(5)[0], -5)]
        )


def test_rules_match_what_is_settled_on_a_document_and_leave_alone_what_a_person_took_apart():
    document = ids.uuid7()
    post(SYSTEM, requests=[
        Posting(COMPANY, "refurbishment.worked", "work order", document, "GBP", (("expensed", amount),), NOW)
        for amount in (70, -50)
    ])  # fmt: skip
    cleared = clear_accounts(SYSTEM, requests=[ClearAccounts(COMPANY)])
    assert cleared == [AccountsCleared(COMPANY, 1, 2)]
    assert (
        clear_accounts(SYSTEM, requests=[ClearAccounts(COMPANY)] * 2) == [AccountsCleared(COMPANY, 0, 0)] * 2
    )
    (row,) = ledger.matches(COMPANY, 2160)
    assert (row.how, row.why, row.document, row.amount_minor) == ("rule", "one work order", document, 50)
    (item,) = queries.items(COMPANY, Wanted(2160), NOW)
    assert (item.amount_minor, item.open_minor) == (-70, -20)
    undo_matches(SYSTEM, requests=[UndoMatch(row.id, "no")])
    assert clear_accounts(SYSTEM, requests=[ClearAccounts(COMPANY)]) == [AccountsCleared(COMPANY, 0, 0)]


def test_a_little_is_written_off_at_once_and_more_when_another_person_approves():
    small, large, back = accrued(300, 2_000, -1_000)
    (answer,) = write_off(
        SYSTEM, requests=[WriteOff(COMPANY, (Part(small),), "invoice not in", "never billed", "k")]
    )
    assert isinstance(answer, WrittenOff)
    assert (answer.state, answer.amount_minor, balance(5510)) == ("posted", -300, -300)
    assert open_of(small) == [0]
    assert balance(ACCRUAL) == -1_000
    assert write_off(
        SYSTEM, requests=[WriteOff(COMPANY, (Part(small),), "invoice not in", "never billed", "k")]
    ) == [answer]
    (row,) = ledger.matches(COMPANY, ACCRUAL)
    assert isinstance(undo_matches(SYSTEM, requests=[UndoMatch(row.id, "no")])[0], Invalid)

    rest = WriteOff(COMPANY, (Part(large), Part(back)), "in dispute", "the carrier waives it")
    (waiting,) = write_off(SYSTEM, requests=[rest])
    assert isinstance(waiting, WrittenOff)
    assert (waiting.state, waiting.amount_minor, open_of(large, back)) == ("waiting", -1_000, [-2_000, 1_000])
    assert [one.number for one in queries.write_offs(COMPANY, waiting=True)] == [waiting.number]
    approve = DecideWriteOff(waiting.write_off, True)
    assert isinstance(decide_write_offs(SYSTEM, requests=[approve])[0], DutiesApart)
    assert decide_write_offs(OTHER, requests=[approve]) == [WriteOffDecided(waiting.write_off, "posted")]
    assert (open_of(large, back), balance(ACCRUAL)) == ([0, 0], 0)
    assert isinstance(decide_write_offs(OTHER, requests=[approve])[0], WrongState)
    assert {one.state for one in queries.accounts(COMPANY, NOW)} == {"zero"}


def test_a_write_off_is_declined_with_a_note_or_found_matched_since():
    one, two, back = accrued(900, 900, -900)
    asked = [WriteOff(COMPANY, (Part(line),), "other", "old") for line in (one, two)]
    first, second = write_off(SYSTEM, requests=asked)
    no = DecideWriteOff(first.write_off, False)
    assert isinstance(decide_write_offs(OTHER, requests=[no])[0], Invalid)
    answers = decide_write_offs(OTHER, requests=[replace(no, note="ask the carrier")])
    assert answers == [WriteOffDecided(first.write_off, "declined")]
    match(Part(two), Part(back))
    assert isinstance(decide_write_offs(OTHER, requests=[DecideWriteOff(second.write_off, True)])[0], NotOpen)
    assert isinstance(decide_write_offs(OTHER, requests=[DecideWriteOff(ids.uuid7(), True)])[0], NotFound)


def test_whoever_is_refused_to_approve_has_taken_no_duty():
    (one, back) = accrued(900, -900)
    (asked,) = write_off(SYSTEM, requests=[WriteOff(COMPANY, (Part(one),), "other", "old")])
    match(Part(one), Part(back))
    (refused,) = decide_write_offs(OTHER, requests=[DecideWriteOff(asked.write_off, True)])
    assert isinstance(refused, NotOpen)
    assert [one.side for one in duties_of(asked.write_off)] == ["enter"]


def test_slices_of_a_line_are_judged_together():
    (line,) = accrued(10_000)
    slices = [WriteOff(COMPANY, (Part(line, -part),), "other", "old") for part in (400, 400)]
    first, second = write_off(SYSTEM, requests=slices)
    assert (first.state, second.state) == ("posted", "waiting")
    assert write_off(SYSTEM, requests=[slices[0]])[0].state == "waiting"


def test_what_cannot_be_written_off():
    (line, back, much) = accrued(100, -100, 2_000_000)
    post(SYSTEM, requests=[
        Posting(COMPANY, "claim.agreed", "claim", ids.uuid7(), "GBP", (("claim", amount),), NOW) for amount in (70, -70)
    ])  # fmt: skip
    claim, _ = queries.items(COMPANY, Wanted(1180), NOW)
    good = WriteOff(COMPANY, (Part(line),), "other", "old")
    for request, refusal in (
        (replace(good, parts=(Part(line), Part(back))), Invalid), (replace(good, code="?"), Invalid),
        (replace(good, reason=" "), Invalid), (replace(good, parts=(Part(line, 5),)), NotOpen),
        (replace(good, parts=(Part(10**9),)), NotFound), (replace(good, company=2), NotFound),
        (replace(good, parts=(Part(claim.line),)), errors.SettledElsewhere),
        (replace(good, parts=(Part(much),)), errors.TooMuch),
        (replace(good, parts=(Part(line), Part(claim.line))), Invalid),
    ):  # fmt: skip
        assert isinstance(write_off(SYSTEM, requests=[request])[0], refusal)
    assert open_of(line, back) == [-100, 100]


def test_what_stays_open_is_explained_until_a_day_and_is_somebodys_work():
    line, later = accrued(400, 500)
    at = replace(SYSTEM, at=NOW + timedelta(days=40))
    day = at.at.date()
    (account,) = [one for one in queries.accounts(COMPANY, at.at) if one.held.credits]
    assert (account.state, account.old, account.by_age) == ("unexplained", 2, [0, 2, 0, 0])
    assert account.reasons == [("sent, not billed by the carrier yet", 2, -900)]
    good = NoteLine(COMPANY, line, "invoice not in", "asked on Monday", day + timedelta(days=7))
    answers = note_lines(at, requests=[good, replace(good, line=later, role="customer service")])
    assert [type(one) for one in answers] == [LineNoted] * 2
    (account,) = [one for one in queries.accounts(COMPANY, at.at) if one.held.credits]
    assert account.state == "explained"
    assert [one.note for one in queries.items(COMPANY, Wanted(ACCRUAL, noted="yes"), at.at)] == [
        "asked on Monday"
    ] * 2
    assert queries.items(COMPANY, Wanted(ACCRUAL, noted="no"), at.at) == []
    (again,) = note_lines(at, requests=[replace(good, note="they will send it")])
    assert again.note != answers[0].note
    for request, refusal in (
        (replace(good, code="?"), Invalid), (replace(good, note=""), Invalid), (replace(good, role="?"), Invalid),
        (replace(good, due_on=day - timedelta(days=1)), Invalid), (replace(good, line=10**9), NotFound),
        (replace(good, company=2), NotFound),
    ):  # fmt: skip
        assert isinstance(note_lines(at, requests=[request])[0], refusal)
    items = "SELECT state FROM work_item WHERE type = 'clearing remainder' ORDER BY id"
    assert [state for (state,) in sql.run(items)] == ["done", "open", "open"]
    match(Part(line), Part(accrued(-400)[0]))
    clear_accounts(at, requests=[ClearAccounts(COMPANY)])
    assert [state for (state,) in sql.run(items)] == ["done", "open", "done"]
    assert queries.items(COMPANY, Wanted(ACCRUAL, side="credit", older_than=30), at.at)[0].line == later
    assert queries.by_counterparty(COMPANY, ACCRUAL)[0].lines == 1


@pytest.mark.counts(
    "ledger.match_lines", "ledger.undo_matches", "settlement.write_off", "settlement.decide_write_offs",
    "settlement.note_lines",
)  # fmt: skip
def test_statements_do_not_grow_with_the_batch(statements):
    due = NOW.date() + timedelta(days=3)
    for size in SIZES:
        debits, credits_, given = accrued(*[-700] * size), accrued(*[700] * size), accrued(*[900] * size)
        with statements():
            matched = match_lines(SYSTEM, requests=[
                MatchLines(COMPANY, (Part(one), Part(two)), "equal") for one, two in zip(debits, credits_, strict=True)
            ])  # fmt: skip
            undo_matches(SYSTEM, requests=[UndoMatch(one.match, "no") for one in matched])
            note_lines(SYSTEM, requests=[NoteLine(COMPANY, one, "other", "soon", due) for one in debits])
            asked = write_off(
                SYSTEM, requests=[WriteOff(COMPANY, (Part(one),), "other", "old") for one in given]
            )
            answers = decide_write_offs(
                OTHER, requests=[DecideWriteOff(one.write_off, True) for one in asked]
            )
        assert {type(one) for one in answers} == {WriteOffDecided}


@pytest.mark.counts("settlement.clear_accounts")
def test_statements_of_clearing_do_not_grow(statements):
    for size in SIZES:
        for _ in range(2):
            document = ids.uuid7()
            post(SYSTEM, requests=[
                Posting(COMPANY, event, "claim", document, "GBP", (("claim", 5),), NOW)
                for event in ("claim.agreed", "claim.credited")
            ])  # fmt: skip
        with statements():
            answers = clear_accounts(SYSTEM, requests=[ClearAccounts(COMPANY)] * size)
        assert answers[0].matches == 2
