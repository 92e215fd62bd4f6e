"""Who closes the same month at once closes it once, with one report."""

from __future__ import annotations

from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.ledger.commands.close_month import MonthClosed
from entrepot.settlement import closing_queries
from entrepot.settlement.bank import BankLine
from entrepot.settlement.closing import Closing
from entrepot.settlement.commands.tick_tasks import TaskTicked, TickTask, tick_tasks
from tests.commands.test_settlement_bank import DAY, a_statement, take
from tests.commands.test_settlement_close import LATER, MONTH, close
from tests.floor import COMPANY, NOW, SYSTEM
from tests.together import at_once
from tests.walk import a_house


def test_a_month_is_closed_and_its_report_kept_once(committed_db):
    a_house()
    take(a_statement("S1", BankLine(DAY, 5)))
    set_policy(SYSTEM, requests=[SetPolicy(COMPANY, "settlement.closing", Closing(bank_lines=False), NOW)])
    answers = at_once([lambda: close(MONTH)[0]] * 3)
    assert answers == [MonthClosed(COMPANY, MONTH)] * 3
    assert [one.month for one in closing_queries.closed_months(COMPANY)] == [MONTH]
    assert closing_queries.discrepancies() == []


def test_a_task_is_ticked_once_and_not_while_its_month_is_closed(committed_db):
    a_house()
    set_policy(SYSTEM, requests=[SetPolicy(COMPANY, "settlement.closing", Closing(tasks=("cash",)), NOW)])
    wanted = [TickTask(COMPANY, MONTH, "cash", "done")]
    told = at_once([lambda: tick_tasks(LATER, requests=wanted)[0]] * 3)
    assert sum(isinstance(one, TaskTicked) for one in told) == 1
    back = [TickTask(COMPANY, MONTH, "cash", "not done", done=False)]
    answer, closed = at_once([lambda: tick_tasks(LATER, requests=back)[0], lambda: close(MONTH)[0]])
    assert isinstance(answer, TaskTicked) != isinstance(closed, MonthClosed), (
        "either it is open, or it stays ticked"
    )
