"""What follows a disposition, in races: no unit is in two documents, none leaves twice, no credit is taken twice."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import psycopg
import pytest

from entrepot.insight import verify
from entrepot.kernel import sql
from entrepot.kernel.command import whole
from entrepot.returns import departure_queries, errors
from entrepot.returns.commands.add_papers import AddPaper, PaperAdded, add_papers
from entrepot.returns.commands.finish_work import FinishWork, WorkFinished, finish_work
from entrepot.returns.commands.grade_skus import GradeSku, grade_skus
from entrepot.returns.commands.leave_departures import DepartureLeft, LeaveDeparture, leave_departures
from entrepot.returns.commands.open_departures import DepartureOpened, OpenDeparture, open_departures
from entrepot.returns.commands.redispose import Redispose, Redisposed, redispose
from entrepot.returns.commands.settle_departures import DepartureSettled, SettleDeparture, settle_departures
from entrepot.returns.commands.withdraw_departures import (
    DepartureWithdrawn,
    WithdrawDeparture,
    withdraw_departures,
)
from entrepot.returns.commands.work_orders import (
    OpenWorkOrder,
    StartWork,
    WorkOrderOpened,
    open_work_orders,
    start_work,
)
from entrepot.returns.onward import Outcome, Part
from entrepot.settlement import invoice_queries
from entrepot.settlement.commands.issue_documents import IssueDocument, issue_documents
from entrepot.tax.commands.register import register_rates
from entrepot.tax.rules import RegisterRate
from tests.back import APPROVES, INSPECTS
from tests.floor import COMPANY, NOW, SYSTEM, Floor, balance, units
from tests.onward import JOBBER, disposed
from tests.together import all_at_once, at_once
from tests.walk import a_house

pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture
def house(committed_db: None) -> Floor:
    house = a_house()
    house.stock(0, 500)
    return house


def test_a_file_that_many_keep_at_once_is_kept_once(house: Floor):
    (lot,) = disposed(house, "liquidate", 5)
    wanted = OpenDeparture(COMPANY, "liquidation", ((lot, 2),), buyer=JOBBER, expected_minor=150)
    (made,) = open_departures(INSPECTS, requests=[wanted])
    assert isinstance(made, DepartureOpened)
    content = b"%PDF-1.7\n1 0 obj\n%%EOF\n"
    answers = all_at_once(add_papers, INSPECTS, *[[AddPaper(made.departure, content)]] * 6)
    assert {type(one) for one in answers} == {PaperAdded}
    assert len(departure_queries.papers(made.departure)) == 1


def test_a_lot_is_gathered_sold_and_paid_once_however_many_try(house: Floor):
    (lot,) = disposed(house, "liquidate", 5)
    asks = OpenDeparture(COMPANY, "liquidation", ((lot, 2),), buyer=JOBBER, expected_minor=150)

    made = [
        one
        for one in all_at_once(open_departures, INSPECTS, *[[asks]] * 8)
        if isinstance(one, DepartureOpened)
    ]

    assert len({one.number for one in made}) == 2, "of five units two lots of two are made"
    first, second = made
    leave = LeaveDeparture(first.departure)
    drop = [WithdrawDeparture(second.departure, "no")]
    answers = at_once([
        *[lambda: leave_departures(INSPECTS, requests=[leave, LeaveDeparture(second.departure)])] * 4,
        *[lambda: withdraw_departures(INSPECTS, requests=drop)] * 4,
    ])  # fmt: skip
    ended = [one for batch in answers for one in batch if isinstance(one, DepartureLeft | DepartureWithdrawn)]  # type: ignore[attr-defined]
    assert len(ended) == 2, "each lot leaves or stays, once"
    gone = [one for one in departure_queries.departures(COMPANY) if one.state == "gone"]
    assert units(house.skus[0], "liquidation") == 5 - 2 * len(gone)

    pay = [SettleDeparture(first.departure, reference="INV 9")]
    answers = all_at_once(settle_departures, APPROVES, *[pay] * 8)
    assert sum(isinstance(one, DepartureSettled) for one in answers) == 1
    assert balance(1150) == 150 + _owed_by_customers()
    assert verify.discrepancies() == []


def test_a_lot_has_one_invoice_and_one_credit_note_however_many_write_them(house: Floor):
    """Four lots of 100 with 20 of tax, each paid with 90 by agreement, while eight workers write what there is."""
    rate = RegisterRate(COMPANY, "GB", Decimal("0.2"), date(2020, 1, 1))
    register_rates(SYSTEM, requests=[rate])
    asks = [
        OpenDeparture(COMPANY, "liquidation", ((one, 1),), buyer=JOBBER)
        for one in disposed(house, "liquidate", 1, 1, 1, 1)
    ]
    made = all_at_once(open_departures, INSPECTS, *[[one] for one in asks])
    which = [one.departure for one in made if isinstance(one, DepartureOpened)]
    all_at_once(leave_departures, INSPECTS, *[[LeaveDeparture(one, 100)] for one in which] * 2)
    less = [[SettleDeparture(one, 90, "x", "broken", agreed=True)] for one in which]

    at_once([
        *[lambda of=of: settle_departures(APPROVES, requests=of) for of in less],
        *[lambda: issue_documents(SYSTEM, requests=[IssueDocument(one) for one in which])] * 4,
        *[lambda: issue_documents(SYSTEM, requests=[IssueDocument(one) for one in reversed(which)])] * 4,
    ])  # fmt: skip
    issue_documents(SYSTEM, requests=[IssueDocument(one) for one in which])

    found = [row for one in which for row in invoice_queries.documents(COMPANY, source=one)]
    assert sorted((row.number, row.total_minor, row.tax_minor) for row in found) == [
        *((f"CRN-{NOW.year}-{n:06}", 30, 5) for n in range(1, 5)),
        *((f"INV-{NOW.year}-{n:06}", 120, 20) for n in range(1, 5)),
    ]
    assert (balance(1196), balance(2200)) == (0, -60)
    assert sql.run("SELECT count(*) FROM parties_customer WHERE code = 'JOB'") == [(1,)]
    assert verify.discrepancies() == []


def _owed_by_customers() -> int:
    """What customers owe: the account is shared."""
    rows = sql.run(
        "SELECT COALESCE(sum(amount_minor), 0)::bigint FROM ledger_line"
        " WHERE account = 1150 AND document_kind <> 'departure'"
    )
    return int(rows[0][0])


def test_work_ends_once(house: Floor):
    (which,) = disposed(house, "refurbish", 2)
    (made,) = open_work_orders(INSPECTS, requests=[OpenWorkOrder(COMPANY, which, 2, "mend")])
    start_work(INSPECTS, requests=[StartWork(made.work_order)])  # type: ignore[union-attr]
    end = [FinishWork(made.work_order, scrapped=2, parts_minor=10)]  # type: ignore[union-attr]

    answers = all_at_once(finish_work, INSPECTS, *[end] * 8)

    assert sum(isinstance(one, WorkFinished) for one in answers) == 1
    assert (balance(5340), balance(1230), units(house.skus[0], "refurbish")) == (10, 0, 0)
    assert verify.discrepancies() == []


def test_the_last_parts_go_into_one_work_order(house: Floor):
    """Eight work orders want two of five parts each, while the shelf may not go below zero."""
    house.stock(1, 5)
    opened = open_work_orders(INSPECTS, requests=[
        OpenWorkOrder(COMPANY, one, 1, "mend") for one in disposed(house, "refurbish", *[1] * 8)
    ])  # fmt: skip
    which = [one.work_order for one in opened if isinstance(one, WorkOrderOpened)]
    start_work(INSPECTS, requests=[StartWork(one) for one in which])
    parts = (Part(house.skus[1], 2),)
    ends = [[FinishWork(one, (Outcome(1, "A"),), parts=parts)] for one in which]

    answers = all_at_once(finish_work, INSPECTS, *ends)

    assert sum(isinstance(one, WorkFinished) for one in answers) == 2
    assert sum(isinstance(one, errors.NoParts) for one in answers) == 6
    assert (units(house.skus[1]), balance(1230)) == (1, 0)
    assert verify.discrepancies() == []


def test_past_all_commands_the_database_wants_the_duty(house: Floor):
    (lot,) = disposed(house, "liquidate", 1)
    (made,) = open_departures(
        INSPECTS, requests=[OpenDeparture(COMPANY, "liquidation", ((lot, 1),), buyer=JOBBER)]
    )
    for column in ("left_by", "settled_by"):
        statement = f"UPDATE returns_departure SET {column} = 'bo' WHERE id = %(id)s::uuid"
        with pytest.raises(psycopg.errors.CheckViolation, match="must have taken the duty"):
            sql.run(statement, {"id": made.departure})  # type: ignore[union-attr]


def test_second_grade_is_decided_about_once_however_many_try(house: Floor):
    (which,) = disposed(house, "second_grade", 5)
    whole(grade_skus(SYSTEM, requests=[GradeSku(COMPANY, "SKU-000", "C", "SKU-001")]))
    wanted = [[Redispose(COMPANY, which, 2, way, "so")] for way in ("second_grade", "donate", "liquidate")]
    answers = all_at_once(redispose, SYSTEM, *wanted * 3)
    assert sum(isinstance(one, Redisposed) for one in answers) == 2, (
        "of five units two are decided about twice"
    )
    assert units(house.skus[0], "second_grade") == 1
