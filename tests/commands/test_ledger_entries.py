"""ledger.enter_entries, ledger.decide_entries, ledger.reverse_entries"""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest
from django.db import transaction

from entrepot.access.commands.take_duty import Duty, take_duty
from entrepot.access.errors import DutiesApart
from entrepot.access.queries import duties_of
from entrepot.insight import beancount, ledger_export, tax_report
from entrepot.kernel import ids, sql
from entrepot.kernel.command import whole
from entrepot.kernel.errors import Invalid, NotFound, WrongState
from entrepot.ledger import manual, queries
from entrepot.ledger import manual_queries as told
from entrepot.ledger.commands.close_month import CloseMonth, close_month
from entrepot.ledger.commands.decide_entries import DecideEntry, EntryDecided, decide_entries
from entrepot.ledger.commands.enter_entries import (
    EnterEntry,
    EntryEntered,
    ReverseEntry,
    enter_entries,
    reverse_entries,
)
from entrepot.ledger.commands.keep_accounts import KeepAccount, keep_accounts
from entrepot.ledger.commands.post import Posting, post
from entrepot.ledger.errors import AccountClosed, MonthClosed, MovedElsewhere, ReversedBefore
from entrepot.ledger.manual import EntryLine
from entrepot.settlement import closing_queries
from entrepot.settlement.commands.close_books import CloseBooks, close_books
from tests.floor import COMPANY, NOW, SYSTEM, a_floor, balance, someone
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db
OTHER = someone("controller two")
OCTOBER = date(2026, 10, 1)
RENT = EnterEntry(
    COMPANY, "accrual", date(2026, 10, 31), (EntryLine(5550, 70_000), EntryLine(2250, -70_000)), "rent of October",
    "lease 7",
)  # fmt: skip


@pytest.fixture(autouse=True)
def books(db: None) -> None:
    a_floor(skus=0)


def entered(*requests: EnterEntry) -> list[UUID]:
    answers = enter_entries(SYSTEM, requests=requests or [RENT])
    assert all(isinstance(one, EntryEntered) for one in answers), answers
    return [one.entry for one in answers]  # type: ignore[union-attr]


def approved(*which: UUID) -> list[EntryDecided]:
    answers = decide_entries(OTHER, requests=[DecideEntry(one, True) for one in which])
    assert all(isinstance(one, EntryDecided) for one in answers), answers
    return answers  # type: ignore[return-value]


def items() -> list[str]:
    found = "SELECT state FROM work_item WHERE type = 'journal entry to approve' ORDER BY id"
    return [state for (state,) in sql.run(found)]


def test_what_one_person_enters_is_posted_when_another_one_approves_it():
    wanted = replace(RENT, key="k")
    (answer,) = enter_entries(SYSTEM, requests=[wanted])
    assert isinstance(answer, EntryEntered)
    assert (answer.state, answer.number[:3], balance(5550)) == ("waiting", "JE-", 0)
    assert enter_entries(SYSTEM, requests=[wanted]) == [answer]
    assert items() == ["open"]

    approve = DecideEntry(answer.entry, True, key="a")
    assert isinstance(decide_entries(SYSTEM, requests=[replace(approve, key=None)])[0], DutiesApart)
    (done,) = decide_entries(OTHER, requests=[approve])
    assert (done.state, balance(5550), balance(2250)) == ("posted", 70_000, -70_000)
    assert decide_entries(OTHER, requests=[approve]) == [done]
    assert isinstance(decide_entries(OTHER, requests=[replace(approve, key=None)])[0], WrongState)
    assert items() == ["done"]
    assert {(one.side, one.person) for one in duties_of(answer.entry)} == {
        ("enter", SYSTEM.actor.name), ("approve", OTHER.actor.name),
    }  # fmt: skip
    lines = queries.lines(company=COMPANY, entry=done.posted_as)
    assert {(one.account, one.amount_minor, one.kind, one.event, one.document) for one in lines} == {
        (5550, 70_000, "manual.accrual", "manual.posted", answer.entry),
        (2250, -70_000, "manual.accrual", "manual.posted", answer.entry),
    }
    assert {one.occurred_at.date() for one in lines} == {date(2026, 10, 31)}
    (row,) = told.entries(COMPANY)
    assert (row.posted_as, row.amount_minor, row.decided_by) == (done.posted_as, 70_000, OTHER.actor.name)
    events = "SELECT state_after FROM kernel_event WHERE subject_id = %(id)s ORDER BY seq"
    assert [state for (state,) in sql.run(events, {"id": answer.entry})] == ["waiting", "posted"]


def test_what_is_rejected_says_why_and_is_not_posted():
    (which,) = entered()
    no = DecideEntry(which, False)
    assert isinstance(decide_entries(SYSTEM, requests=[no])[0], Invalid)
    assert decide_entries(SYSTEM, requests=[replace(no, note="twice")]) == [EntryDecided(which, "rejected")]
    (row,) = told.entries(COMPANY, state="rejected")
    assert (row.note, balance(5550), items()) == ("twice", 0, ["done"])
    assert isinstance(reverse_entries(SYSTEM, requests=[ReverseEntry(which, NOW.date(), "x")])[0], WrongState)
    assert isinstance(decide_entries(OTHER, requests=[DecideEntry(ids.uuid7(), True)])[0], NotFound)


def test_what_does_not_fit_is_not_entered():
    tomorrow = NOW.date() + timedelta(days=1)
    for request, refusal in (
        (replace(RENT, company=77), NotFound), (replace(RENT, kind="x"), Invalid), (replace(RENT, reason=" "), Invalid),
        (replace(RENT, on=tomorrow), Invalid), (replace(RENT, lines=RENT.lines[:1]), Invalid),
        (replace(RENT, lines=(EntryLine(5550, 5), EntryLine(2250, -6))), Invalid),
        (replace(RENT, lines=(EntryLine(5551, 5), EntryLine(2250, -5))), Invalid),
        (replace(RENT, currency="USD"), Invalid), (replace(RENT, rate=Decimal(2)), Invalid),
        (replace(RENT, rate=Decimal(0)), Invalid), (replace(RENT, currency="USD", rate=Decimal("1E-10")), Invalid),
        (replace(RENT, currency="USD", rate=manual.RATE_MAX,
                 lines=(EntryLine(5550, manual.AMOUNT_MAX), EntryLine(2250, -manual.AMOUNT_MAX))), Invalid),
        (replace(RENT, lines=(EntryLine(1200, 5), EntryLine(3000, -5)), kind="opening"), MovedElsewhere),
        (replace(RENT, lines=(EntryLine(1000, 5), EntryLine(3000, -5))), MovedElsewhere),
    ):  # fmt: skip
        assert isinstance(enter_entries(SYSTEM, requests=[request])[0], refusal), request
    assert told.entries(COMPANY) == []


def test_a_closed_month_takes_none_and_one_that_waits_keeps_it_open():
    (which,) = entered()
    (refused,) = close_books(SYSTEM, requests=[CloseBooks(COMPANY, OCTOBER)])
    assert "journal entries" in str(refused)
    report = closing_queries.month_report(COMPANY, OCTOBER, NOW)
    first = report.checked[0].open
    assert (first.kind, first.count, first.amount_minor) == ("journal entries", 1, 70_000)
    close_month(SYSTEM, requests=[CloseMonth(COMPANY, OCTOBER)])
    assert isinstance(decide_entries(OTHER, requests=[DecideEntry(which, True)])[0], MonthClosed)
    assert isinstance(enter_entries(SYSTEM, requests=[RENT])[0], MonthClosed)
    assert [one.side for one in duties_of(which)] == ["enter"]


def test_what_was_posted_is_taken_back_once_by_its_mirror():
    foreign = replace(
        RENT, currency="USD", rate=Decimal("0.7777"),
        lines=(EntryLine(5550, 33), EntryLine(5400, 34), EntryLine(5550, 1), EntryLine(2250, -68)),
    )  # fmt: skip
    (which,) = entered(foreign)
    approved(which)
    assert balance(5550) + balance(5400) + balance(2250) == 0
    assert (balance(2250), queries.trial_balance(company=COMPANY)[0].account) == (-53, 2250)
    back = ReverseEntry(which, date(2026, 11, 1), "billed", "r")
    assert isinstance(reverse_entries(SYSTEM, requests=[replace(back, on=OCTOBER, key=None)])[0], Invalid)
    assert isinstance(reverse_entries(SYSTEM, requests=[replace(back, reason="", key=None)])[0], Invalid)
    late = replace(back, on=NOW.date() + timedelta(days=1), key=None)
    assert isinstance(reverse_entries(SYSTEM, requests=[late])[0], Invalid)
    (answer,) = reverse_entries(SYSTEM, requests=[back])
    assert reverse_entries(SYSTEM, requests=[back]) == [answer]
    assert isinstance(reverse_entries(SYSTEM, requests=[replace(back, key=None)])[0], ReversedBefore)
    assert isinstance(
        reverse_entries(SYSTEM, requests=[ReverseEntry(ids.uuid7(), OCTOBER, "x")])[0], NotFound
    )
    decide_entries(OTHER, requests=[DecideEntry(answer.entry, False, "not billed")])
    (again,) = reverse_entries(SYSTEM, requests=[replace(back, key=None)])
    approved(again.entry)
    assert {balance(account) for account in (5550, 5400, 2250)} == {0}
    first, _, last = sorted(told.entries(COMPANY), key=lambda one: one.id)
    assert (first.reversed_by_number, last.reverses_number) == (last.number, first.number)


def test_balances_to_begin_with_are_entered_and_the_bank_with_them():
    """What a house moves in with: the bank, what customers and it itself owe, taxes; the rest is its equity."""
    lines = (
        EntryLine(1000, 500_000), EntryLine(1150, 20_000), EntryLine(2000, -30_000), EntryLine(2200, -9_000),
        EntryLine(2050, -4_000), EntryLine(3000, -477_000),
    )  # fmt: skip
    (which,) = entered(replace(RENT, kind="opening", lines=lines, reason="as of our move"))
    approved(which)
    assert (balance(1000), balance(3000)) == (500_000, -477_000)
    report = tax_report.report(COMPANY, OCTOBER, OCTOBER)
    assert (report.rows, report.account_minor) == ([], 0), "brought along, not turned over"
    assert isinstance(
        reverse_entries(SYSTEM, requests=[ReverseEntry(which, NOW.date(), "wrong")])[0], EntryEntered
    )


def test_taxes_that_are_declared_leave_the_report_of_their_month_as_it_was():
    declared = replace(RENT, kind="tax", lines=(EntryLine(2200, 900), EntryLine(2210, -900)))
    corrected = replace(RENT, kind="correction", lines=(EntryLine(2200, 50), EntryLine(4000, -50)))
    approved(*entered(declared, corrected))
    report = tax_report.report(COMPANY, OCTOBER, OCTOBER)
    assert (report.account_minor, report.net_minor, report.off_minor) == (-50, -50, 0)


def test_every_account_that_no_record_holds_can_be_moved_and_all_rooms_still_agree():
    """What `discrepancies()` of all rooms says is looked at when the test is over."""
    codes = [one.code for one in told.chart(COMPANY) if one.code not in manual.INSTEAD and one.code != 3000]
    approved(*entered(*(
        replace(RENT, lines=(EntryLine(code, 100 + code), EntryLine(3000, -100 - code))) for code in codes
    )))  # fmt: skip
    assert [balance(code) for code in codes] == [100 + code for code in codes]


def test_files_of_the_books_carry_what_was_entered():
    (which,) = entered()
    approved(which)
    of = ledger_export.span(COMPANY, 2026)
    for write in (
        beancount.export,
        lambda out: ledger_export.journal(out, of),
        lambda out: ledger_export.audit_file(out, of, NOW),
    ):
        out = io.StringIO()
        write(out)
        text = out.getvalue()
        assert str(which) in text
        assert "700.00" in text
        assert "2026-10-31" in text


def test_the_database_itself_refuses_what_one_person_would_post_and_what_does_not_balance():
    (which,) = entered()
    posts = (
        "UPDATE ledger_manualentry SET state = 'posted', decided_by = 'system:test', decided_at = now(),"
        " posted_as = gen_random_uuid() RETURNING id"
    )
    with pytest.raises(psycopg.errors.CheckViolation, match="duty to approve"), transaction.atomic():
        sql.run(posts)
    at_once = (
        "INSERT INTO ledger_manualentry (id, number, company_id, kind, on_date, currency, reason, state, entered_by,"
        " entered_at, decided_by, decided_at, posted_as) SELECT d.document, 'JE-1', company_id, kind, on_date,"
        " currency, reason, 'posted', d.person, now(), d.person, now(), gen_random_uuid()"
        " FROM ledger_manualentry, access_duty AS d WHERE d.document = %(new)s RETURNING 1"
    )
    new = ids.uuid7()
    take_duty(SYSTEM, requests=[Duty(new, manual.DUTY, "enter", SYSTEM.actor.name, "JE-1")])
    with pytest.raises(psycopg.errors.CheckViolation, match="duty to approve"), transaction.atomic():
        sql.run(at_once, {"new": new})
    with pytest.raises(psycopg.errors.CheckViolation, match="whole and balanced"), transaction.atomic():
        rows = [(which, 3, 5550, 5), (which, 4, 2250, -4)]
        sql.write("ledger_manualline", ("manual_id", "number", "account", "amount_minor"), rows)
    with (
        pytest.raises(psycopg.errors.InsufficientPrivilege, match="ledger_manualline"),
        transaction.atomic(),
    ):
        sql.run("UPDATE ledger_manualline SET amount_minor = 2 * amount_minor RETURNING 1")


def test_verify_tells_what_the_journal_does_not_have():
    (which,) = entered()
    approved(which)
    with transaction.atomic():
        sql.run("UPDATE ledger_manualentry SET on_date = '2026-10-30' RETURNING 1")
        found = sorted(one for one in queries.discrepancies() if "journal entry" in one)
        sql.run("UPDATE ledger_manualentry SET on_date = '2026-10-31' RETURNING 1")
    assert len(found) == 2
    assert "as of 2026-10-30, the books have 70000 on 5550 as of 2026-10-31" in found[0]


def test_verify_tells_of_an_entry_that_moves_what_other_records_hold():
    """Written past the command, which refuses it; the bank's opening is none."""
    with transaction.atomic():
        for kind, account in (("manual.other", 1000), ("manual.opening", 1000), ("manual.other", 1200)):
            given = ((account, kind, 7), (3000, kind, -7))
            post(SYSTEM, requests=[
                Posting(COMPANY, manual.EVENT, manual.DOCUMENT, ids.uuid7(), "GBP", (), NOW, given=given)
            ])  # fmt: skip
        told_of = [one for one in told.discrepancies() if "which other records hold" in one]
        transaction.set_rollback(True)
    assert [one.split(" moves ")[1] for one in sorted(told_of, key=lambda one: one[-40:])] == [
        "account 1000 by 7, which other records hold", "account 1200 by 7, which other records hold",
    ]  # fmt: skip


def test_of_many_only_the_one_on_a_closed_account_is_refused():
    added = KeepAccount(COMPANY, 22_900, "Loan of the bank", "liability")
    whole(keep_accounts(SYSTEM, requests=[added]))
    loan = replace(RENT, lines=(EntryLine(5550, 100), EntryLine(22_900, -100)))
    which, back = entered(loan, replace(loan, lines=(EntryLine(5550, -100), EntryLine(22_900, 100))))
    approved(which, back)
    (asked,) = reverse_entries(SYSTEM, requests=[ReverseEntry(which, NOW.date(), "paid")])
    assert isinstance(asked, EntryEntered), asked
    sql.run("UPDATE ledger_account SET closed = TRUE WHERE code = 22900 RETURNING 1")
    (fine,) = entered()
    refused, posted = decide_entries(
        OTHER, requests=[DecideEntry(asked.entry, True), DecideEntry(fine, True)]
    )
    assert refused == AccountClosed(account=22_900, company=COMPANY)
    assert isinstance(posted, EntryDecided) and posted.state == "posted"
    (again,) = reverse_entries(SYSTEM, requests=[ReverseEntry(back, NOW.date(), "paid")])
    assert again == AccountClosed(account=22_900, company=COMPANY)
    sql.run("UPDATE ledger_account SET closed = FALSE WHERE code = 22900 RETURNING 1")


@pytest.mark.counts("ledger.enter_entries", "ledger.decide_entries", "ledger.reverse_entries")
def test_statements_do_not_grow_with_the_batch(statements):
    for size in SIZES:
        with statements():
            which = entered(*[RENT] * size)
            approved(*which)
            back = reverse_entries(
                SYSTEM, requests=[ReverseEntry(one, NOW.date(), "billed") for one in which]
            )
        assert {type(one) for one in back} == {EntryEntered}
