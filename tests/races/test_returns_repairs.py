"""Repairs in races: a unit is offered once, a price is answered once, and it goes back in one parcel; and what is in
repair is not refunded."""

from __future__ import annotations

import pytest

from entrepot.insight import verify
from entrepot.kernel import sql
from entrepot.returns.commands.note_arrivals import ArrivalNoted, NoteArrival, note_arrivals
from entrepot.returns.commands.refund import Refund, Refunded, refund
from entrepot.returns.commands.repairs import (
    AnswerRepair,
    OfferRepair,
    RepairAnswered,
    RepairOffered,
    RepairSettled,
    SettleRepair,
    answer_repairs,
    offer_repairs,
    settle_repairs,
)
from entrepot.returns.commands.send_back import PartsSent, SendBack, send_back
from tests.commands.test_returns_repairs import OFFERS, kept, to_repair
from tests.floor import COMPANY, SYSTEM, Floor
from tests.together import all_at_once, at_once
from tests.walk import a_house

pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture
def house(committed_db: None) -> Floor:
    house = a_house()
    house.stock(0, 500)
    kept("returns.authorization", OFFERS)
    return house


def test_every_step_of_a_repair_is_taken_once(house: Floor):
    ((one, disposition),) = to_repair(house, reason="changed_mind")
    offer = OfferRepair(COMPANY, disposition, 1, "a new coil", price_minor=900)
    offers = all_at_once(offer_repairs, SYSTEM, *[[offer]] * 4)
    (made,) = [answer for answer in offers if isinstance(answer, RepairOffered)]
    answers = all_at_once(answer_repairs, SYSTEM, *[[AnswerRepair(made.repair, False)]] * 3)
    assert len([answer for answer in answers if isinstance(answer, RepairAnswered)]) == 1
    settles = SettleRepair(made.repair, "refund", "he wants his money")
    parcels = [SendBack(one.return_id, "Post", f"P{i}", (made.repair,)) for i in range(2)]
    ends = at_once([
        lambda: settle_repairs(SYSTEM, requests=[settles])[0],
        *(lambda parcel=parcel: send_back(SYSTEM, requests=[parcel])[0] for parcel in parcels),  # type: ignore[misc]
    ])  # fmt: skip
    assert len([end for end in ends if isinstance(end, (RepairSettled, PartsSent))]) == 1
    ((state,),) = sql.run("SELECT state FROM returns_repair")
    if state == "sent":
        ((tracking,),) = sql.run("SELECT tracking FROM returns_sentback")
        noted = all_at_once(note_arrivals, SYSTEM, *[[NoteArrival(COMPANY, tracking)]] * 3)
        assert sum(one.parcels for one in noted if isinstance(one, ArrivalNoted)) == 1
    assert verify.discrepancies() == []


def test_units_of_a_return_are_offered_a_repair_or_something_else_is_agreed_on_but_not_both(house: Floor):
    for _ in range(5):
        ((one, disposition),) = to_repair(house, units_=2, reason="changed_mind")
        offer = OfferRepair(COMPANY, disposition, 1, "a new coil", price_minor=900)
        (made,) = offer_repairs(SYSTEM, requests=[offer])
        assert isinstance(made, RepairOffered)
        answer_repairs(SYSTEM, requests=[AnswerRepair(made.repair, False)])
        settles = SettleRepair(made.repair, "refund", "he wants his money")
        again, settled = at_once([
            lambda offer=offer: offer_repairs(SYSTEM, requests=[offer])[0],  # type: ignore[misc]
            lambda settles=settles: settle_repairs(SYSTEM, requests=[settles])[0],  # type: ignore[misc]
        ])  # fmt: skip
        assert isinstance(again, RepairOffered) != isinstance(settled, RepairSettled)
        ((asked, open_),) = sql.run(
            "SELECT r.asked, (SELECT count(*)::int FROM returns_repair AS p WHERE p.return_id = r.id"
            " AND p.state = 'offered') FROM returns_return AS r WHERE r.id = %(id)s",
            {"id": one.return_id},
        )
        assert (asked, open_) in (("repair", 1), ("refund", 0))


def test_a_unit_is_repaired_or_refunded_but_not_both(house: Floor):
    for _ in range(3):
        ((one, disposition),) = to_repair(house)
        offer = OfferRepair(COMPANY, disposition, 1, "a new coil")
        made, paid = at_once([
            lambda offer=offer: offer_repairs(SYSTEM, requests=[offer])[0],  # type: ignore[misc]
            lambda which=one.return_id: refund(SYSTEM, requests=[Refund(which)])[0],  # type: ignore[misc]
        ])  # fmt: skip
        assert isinstance(made, RepairOffered) != isinstance(paid, Refunded)
    assert verify.discrepancies() == []
