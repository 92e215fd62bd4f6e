"""Who closes a month at once closes it once."""

from __future__ import annotations

from entrepot.kernel import sql
from entrepot.ledger.commands.close_month import MonthClosed
from tests.commands.test_settlement_close import MONTH, close
from tests.floor import COMPANY, a_floor
from tests.together import at_once


def test_a_month_is_closed_once(committed_db):
    a_floor(skus=0)
    answers = at_once([lambda: close(MONTH)[0]] * 3)
    assert answers == [MonthClosed(COMPANY, MONTH)] * 3
    assert sql.run("SELECT count(*) FROM kernel_event WHERE subject_kind = 'month'") == [(1,)]
