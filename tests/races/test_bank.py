"""Who takes or decides the same at once does it once."""

from __future__ import annotations

from entrepot.kernel.errors import WrongState
from entrepot.settlement import bank_queries
from entrepot.settlement.bank import BankLine
from entrepot.settlement.commands.decide_bank_lines import DecideBankLine
from entrepot.settlement.commands.split_bank_lines import BankLineSplit, SplitBankLine, split_bank_lines
from tests.commands.test_settlement_bank import DAY, a_statement, decide, take
from tests.floor import COMPANY, SYSTEM, balance
from tests.together import at_once
from tests.walk import a_house


def test_a_statement_is_taken_and_its_line_booked_once(committed_db):
    a_house()
    answers = at_once([lambda: take(a_statement("S1", BankLine(DAY, 400)))[0]] * 3)
    assert sorted(one.fresh for one in answers) == [False, False, True]
    wanted = DecideBankLine(answers[0].statement, 1, purpose="other", reason="interest")
    told = at_once([lambda: decide(wanted)[0]] * 3)
    assert sum(isinstance(one, WrongState) for one in told) == 2
    assert balance(1000) == 400


def test_a_line_is_split_one_after_the_other_and_its_parts_make_it(committed_db):
    a_house()
    (taken,) = take(a_statement("S1", BankLine(DAY, 400)))
    wanted = [SplitBankLine(taken.statement, 1, amounts) for amounts in ((100, 300), (150, 200, 50), (400,))]
    told = at_once([lambda one=one: split_bank_lines(SYSTEM, requests=[one])[0] for one in wanted])
    assert all(isinstance(one, BankLineSplit) for one in told)
    found = [one.amount_minor for one in bank_queries.lines(COMPANY, waiting=True)]
    assert tuple(found) in {one.amounts for one in wanted}
