"""Who closes a month at once closes it once, and it stays closed."""

from __future__ import annotations

from entrepot.kernel import sql
from entrepot.ledger import queries
from entrepot.ledger.commands.close_month import MonthClosed
from tests.commands.test_settlement_close import MONTH, close
from tests.floor import COMPANY, a_floor
from tests.together import at_once


def test_a_month_is_closed_once(committed_db):
    a_floor(skus=0)
    answers = at_once([lambda: close(MONTH)[0]] * 3)
    assert answers == [MonthClosed(COMPANY, MONTH)] * 3
    assert sql.run("SELECT count(*) FROM kernel_event WHERE subject_kind = 'month'") == [(1,)]


def test_a_month_that_was_opened_behind_its_back_is_named(committed_db, owner):
    a_floor(skus=0)
    assert close(MONTH) == [MonthClosed(COMPANY, MONTH)]
    assert queries.discrepancies() == []
    ((row,),) = sql.run("SELECT to_jsonb(p)::text FROM ledger_period AS p")
    owner.execute("SET session_replication_role = replica")
    owner.execute("DELETE FROM ledger_period")
    assert queries.discrepancies() == [f"month 2026-11 of company {COMPANY} was closed, and is open again"]
    owner.execute(
        "INSERT INTO ledger_period SELECT * FROM jsonb_populate_record(NULL::ledger_period, %s)", [row]
    )
