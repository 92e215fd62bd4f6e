"""settlement.close_books"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from entrepot.kernel.errors import Invalid
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.ledger.commands.close_month import MonthClosed
from entrepot.settlement import closing_queries, errors
from entrepot.settlement.bank import BankLine
from entrepot.settlement.closing import Closing
from entrepot.settlement.commands.close_books import CloseBooks, close_books
from tests.commands.test_settlement_bank import DAY, a_statement, take
from tests.commands.test_settlement_invoices import issue
from tests.floor import COMPANY, NOW, SYSTEM, a_floor
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

    assert refused == errors.NotReadyToClose(month="2026-11", found="1 bank lines, 1 documents")
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


def test_what_has_not_ended_is_not_closed():
    a_floor(skus=0)
    answers = close(MONTH, date(2026, 10, 2), cause=SYSTEM)
    assert [type(one) for one in answers] == [Invalid, Invalid]


@pytest.mark.counts("settlement.close_books")
def test_statements_do_not_grow_with_the_batch(statements):
    a_floor(skus=0)
    first, counts = date(1900, 1, 1), []
    for size in (1, 10, 1000):
        months = [date(first.year + i // 12, i % 12 + 1, 1) for i in range(size)]
        first = first.replace(year=first.year - 100)
        with statements() as ran:
            answers = close(*months)
        assert all(isinstance(one, MonthClosed) for one in answers)
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert len(set(counts)) == 1
