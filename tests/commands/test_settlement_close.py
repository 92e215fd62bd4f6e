"""settlement.close_books"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest
from django.db import transaction

from entrepot.kernel import ids, sql
from entrepot.kernel.errors import Invalid
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.ledger.commands.close_month import CloseMonth, MonthClosed, close_month
from entrepot.ledger.commands.post import Posting, post
from entrepot.ledger.commands.record_rates import RecordRate, record_rates
from entrepot.ledger.commands.revalue import Revalue, revalue
from entrepot.returns.commands.estimate import Estimate, estimate
from entrepot.settlement import closing, closing_queries, errors
from entrepot.settlement.bank import BankLine, Statement
from entrepot.settlement.closing import KINDS, Closing
from entrepot.settlement.commands.close_books import CloseBooks, close_books
from entrepot.settlement.commands.decide_bank_lines import DecideBankLine, decide_bank_lines
from entrepot.settlement.commands.take_payouts import TakePayout, take_payouts
from entrepot.settlement.commands.take_statements import TakeStatement
from entrepot.settlement.rules import PayoutLine
from tests.back import policy
from tests.commands.test_settlement_bank import DAY, a_statement, take
from tests.commands.test_settlement_invoices import issue
from tests.floor import COMPANY, NOW, SYSTEM, a_floor, balance
from tests.sizes import SIZES
from tests.walk import a_house, placed, shipped

pytestmark = pytest.mark.django_db
MONTH = date(2026, 11, 1)
LATER = replace(SYSTEM, at=NOW + timedelta(days=20))


def close(*months: date, cause=LATER) -> list:
    return close_books(cause, requests=[CloseBooks(COMPANY, one) for one in months])


def test_a_month_is_closed_when_what_stands_in_the_way_is_settled():
    house = a_house()
    house.stock(0, 10)
    (shipment,) = shipped(*placed(house, 1, (0, 1)))
    take(a_statement("S1", BankLine(DAY, 5)))
    assert closing_queries.to_close(COMPANY) == MONTH

    (refused,) = close(MONTH)

    assert refused == errors.NotReadyToClose(month="2026-11", found="bank lines: 1, documents: 1")
    checked = closing_queries.checklist(COMPANY, MONTH, LATER.at)
    told = [(one.open.kind, one.open.about, one.open.amount_minor) for one in checked]
    assert told[:2] == [("bank lines", "", 5), ("documents", "", 999)]
    assert ("clearing", "2150 Carrier accrual", -300) in told
    issue(shipment)
    assert isinstance(close(MONTH)[0], errors.NotReadyToClose)
    set_policy(SYSTEM, requests=[SetPolicy(COMPANY, "settlement.closing", Closing(bank_lines=False), NOW)])
    assert close(MONTH, MONTH) == [MonthClosed(COMPANY, MONTH)] * 2
    assert close(MONTH) == [MonthClosed(COMPANY, MONTH)]
    assert closing_queries.to_close(COMPANY) is None


def test_other_currencies_and_expected_returns_are_measured_as_of_the_end_first():
    """A fee in euros and a month of sales of which a tenth comes back; the month before stays open."""
    house = a_house()
    house.stock(0, 10)
    policy(expected_percent=Decimal(10))
    (shipment,) = shipped(*placed(house, 1, (0, 1)))
    issue(shipment)
    rate = Decimal("0.85")
    record_rates(SYSTEM, requests=[RecordRate(COMPANY, "EUR", NOW.date(), rate)])
    fee = (PayoutLine("fee", "", 0, 1_000),)
    take_payouts(SYSTEM, requests=[TakePayout(COMPANY, "fake", "po_1", "EUR", -1_000, fee, NOW)])
    estimate(SYSTEM, requests=[Estimate(COMPANY)])
    early = NOW - timedelta(days=40)
    post(
        SYSTEM,
        requests=[
            Posting(COMPANY, "shipping.accrued", "test", ids.uuid7(), "GBP", (("carriage", 5),), early)
        ],
    )

    (refused,) = close(MONTH)

    assert refused == errors.NotReadyToClose(
        month="2026-11", found="exchange differences: 1, expected returns: 1, earlier months: 1"
    )
    december = replace(LATER, at=LATER.at + timedelta(hours=1))
    revalue(december, requests=[Revalue(COMPANY, december.at.date())])
    estimate(december, requests=[Estimate(COMPANY)])
    assert close(MONTH) == [refused], "measured in December, which says nothing of the end of November"
    last = date(2026, 11, 30)
    revalue(LATER, requests=[Revalue(COMPANY, last)])
    estimate(LATER, requests=[Estimate(COMPANY, datetime(2026, 11, 30, 23, tzinfo=UTC))])
    assert close(early.date().replace(day=1)) == [MonthClosed(COMPANY, early.date().replace(day=1))]
    assert close(MONTH) == [MonthClosed(COMPANY, MONTH)]
    report = closing_queries.month_report(COMPANY, MONTH, LATER.at)
    assert (report.closed_by, report.closed_at) == (LATER.actor.name, LATER.at)
    assert {one.open.kind for one in report.checked} == set(KINDS)
    assert {one.account: one.end_minor for one in report.accounts}[2150] == -305
    assert report.kept and {closing.state(one) for one in report.checked} == {"passed", "told"}
    assert report.result_minor == 5 - sum(balance(one) for one in range(4000, 6000))  # 5 were of October


def test_the_report_of_a_closed_month_stays_as_it_was():
    """Whatever is told, settled or decided about it later; a month that was closed without is told as it stands."""
    house = a_house()
    house.stock(0, 10)
    (shipment,) = shipped(*placed(house, 1, (0, 1)))
    issue(shipment)
    version = Closing(bank_lines=False)
    (set_,) = set_policy(SYSTEM, requests=[SetPolicy(COMPANY, "settlement.closing", version, NOW)])
    (statement,) = take(a_statement("S1", BankLine(DAY, 5)))
    october = date(2026, 10, 1)
    close_month(LATER, requests=[CloseMonth(COMPANY, october)])
    assert close(october, MONTH) == [MonthClosed(COMPANY, october), MonthClosed(COMPANY, MONTH)]
    before = closing_queries.month_report(COMPANY, MONTH, LATER.at)
    assert before.kept and before.policy_version == set_.version
    told = {one.open.kind: (closing.state(one), one.refuses) for one in before.checked}
    assert (told["bank lines"], told["documents"]) == (("told", False), ("passed", True))

    later = replace(LATER, at=LATER.at + timedelta(days=1))
    decide_bank_lines(
        later, requests=[DecideBankLine(statement.statement, 1, purpose="other", reason="interest")]
    )
    set_policy(later, requests=[SetPolicy(COMPANY, "settlement.closing", Closing(), later.at)])
    assert close(MONTH, cause=later) == [MonthClosed(COMPANY, MONTH)]
    assert closing_queries.month_report(COMPANY, MONTH, later.at) == before
    assert not closing_queries.month_report(COMPANY, october, later.at).kept, (
        "nobody looked when it was closed"
    )
    first, second = closing_queries.closed_months(COMPANY)
    assert (first.month, first.result_minor, first.policy_version) == (
        MONTH,
        before.result_minor,
        set_.version,
    )
    assert (second.month, second.result_minor, second.policy_version) == (october, None, None)
    assert closing_queries.closed_months(COMPANY, before=MONTH) == [second]
    with pytest.raises(psycopg.errors.InsufficientPrivilege), transaction.atomic():
        sql.run("UPDATE settlement_closedaccount SET end_minor = 0")
    assert closing_queries.discrepancies() == []
    with transaction.atomic():
        sql.run(
            "INSERT INTO settlement_closedaccount SELECT company_id, month, 1, 'x', 'asset', FALSE, 7, 0, 7"
            " FROM settlement_closedmonth"
        )
        (sentence,) = closing_queries.discrepancies()
        transaction.set_rollback(True)
    assert "account 1 was debited 7 and credited 0, the journal 0 and 0" in sentence


def test_amounts_of_two_currencies_are_not_added_up():
    a_floor(skus=0)
    take(
        a_statement("S1", BankLine(DAY, 500), BankLine(DAY, -9)),
        TakeStatement(COMPANY, Statement("DE89", "S2", "EUR", None, None, (BankLine(DAY, 70_000),))),
    )
    checked = closing_queries.checklist(COMPANY, MONTH, LATER.at)
    told = [(one.open.count, one.open.amount_minor, one.open.currency) for one in checked]
    assert told[:2] == [(1, 70_000, "EUR"), (2, 491, "GBP")]
    assert close(MONTH) == [errors.NotReadyToClose(month="2026-11", found="bank lines: 3")]


def test_what_has_not_ended_is_not_closed():
    a_floor(skus=0)
    answers = close(MONTH, date(2026, 10, 2), cause=SYSTEM)
    assert [type(one) for one in answers] == [Invalid, Invalid]


@pytest.mark.counts("settlement.close_books")
def test_statements_do_not_grow_with_the_batch(statements):
    a_floor(skus=0)
    first, counts = date(1900, 1, 1), []
    for size in SIZES:
        months = [date(first.year + i // 12, i % 12 + 1, 1) for i in range(size)]
        first = first.replace(year=first.year - 100)
        with statements() as ran:
            answers = close(*months)
        assert all(isinstance(one, MonthClosed) for one in answers)
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert len(set(counts)) == 1
