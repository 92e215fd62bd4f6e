"""Who takes or decides the same at once does it once."""

from __future__ import annotations

from uuid import UUID

from entrepot.insight import verify
from entrepot.kernel.errors import WrongState
from entrepot.settlement import carrier_queries
from entrepot.settlement.carriers import Billed
from entrepot.settlement.commands.decide_charges import DecideCharge, decide_charges
from entrepot.settlement.commands.question_voided import QuestionVoided, question_voided
from entrepot.shipping.commands.label import PrintLabels, print_labels
from entrepot.shipping.commands.relabel import Relabel, Relabeled, relabel
from tests.commands.test_settlement_carriers import an_invoice, numbers, take
from tests.floor import COMPANY, SYSTEM, Floor, balance
from tests.together import at_once
from tests.walk import a_house, placed, shipped


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


def test_what_was_billed_for_a_label_that_is_void_is_asked_back_once(committed_db):
    house = a_house()
    house.stock(0, 10)
    shipment, number = a_voided_one(house)
    assert balance(1170) == 0
    wanted = [QuestionVoided(shipment)]
    answers = at_once([lambda: question_voided(SYSTEM, requests=wanted)[0]] * 4)
    assert sorted(one.question_minor for one in answers) == [0, 0, 0, 900]
    assert (balance(2150), balance(1170)) == (-300, 900)
    (charge,) = carrier_queries.charges(COMPANY, in_question=True)
    assert (charge.shipment, charge.tracking, charge.difference_minor) == (shipment, number, 900)
    assert verify.discrepancies() == []


def a_voided_one(house: Floor) -> tuple[UUID, str]:
    """A shipment that was billed with the dear service and goes with the cheap one, and the number that was billed."""
    (shipment,) = shipped(*placed(house, 1, (0, 1), service="fast"))
    print_labels(SYSTEM, requests=[PrintLabels(shipment, ("AA-1",))])
    take(an_invoice("F-1", Billed("AA-1", 900)))
    (done,) = relabel(SYSTEM, requests=[Relabel(shipment, "late", "slow")])
    assert isinstance(done, Relabeled)
    return shipment, "AA-1"
