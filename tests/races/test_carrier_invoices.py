"""Who takes or decides the same at once does it once."""

from __future__ import annotations

from entrepot.kernel.errors import WrongState
from entrepot.settlement.carriers import Billed
from entrepot.settlement.commands.decide_charges import DecideCharge, decide_charges
from tests.commands.test_settlement_carriers import an_invoice, numbers, take
from tests.floor import SYSTEM, balance
from tests.together import at_once
from tests.walk import a_house


def test_an_invoice_is_taken_and_its_charge_decided_once(committed_db):
    house = a_house()
    house.stock(0, 10)
    (number,) = numbers(house)
    answers = at_once([lambda: take(an_invoice("F-1", Billed(number, 400)))[0]] * 3)
    assert sorted(one.fresh for one in answers) == [False, False, True]
    assert (balance(2150), balance(1170)) == (0, 100)

    wanted = DecideCharge(answers[0].invoice, 1, "accept", "fine")
    told = at_once([lambda: decide_charges(SYSTEM, requests=[wanted])[0]] * 3)
    assert sum(isinstance(one, WrongState) for one in told) == 2
    assert (balance(1170), balance(5510)) == (0, 100)
