"""Repairs in races: a unit is offered once, a price is answered once, and it goes back in one parcel."""

from __future__ import annotations

import pytest

from entrepot.insight import verify
from entrepot.kernel import sql
from entrepot.returns.commands.note_arrivals import ArrivalNoted, NoteArrival, note_arrivals
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
