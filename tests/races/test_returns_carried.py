"""What carriers bring back and what they sell for it, told by several at once."""

from __future__ import annotations

import threading
from uuid import UUID

import pytest

from entrepot.carriage.commands.register import register_services
from entrepot.insight import verify
from entrepot.kernel import sql
from entrepot.kernel.errors import Refused, WrongState
from entrepot.returns.commands.announce import AnnounceParcel, announce_parcels
from entrepot.returns.commands.bought_labels import (
    LabelPurchaseRecorded,
    RecordLabelPurchase,
    record_label_purchases,
)
from entrepot.returns.commands.claims import ClaimParcels, claim_by_policy
from entrepot.returns.commands.close import Close, Closed, close
from entrepot.returns.commands.expect_sent_back import ExpectSentBack, SentBackExpected, expect_sent_back
from entrepot.returns.commands.labels import LabelMade, MakeLabel, VoidLabel, make_labels, void_labels
from entrepot.returns.commands.note_scans import NoteScan, note_scans
from entrepot.returns.commands.note_troubles import NoteTrouble, note_troubles
from entrepot.returns.commands.take_comebacks import (
    ComebackTaken,
    ComebackUnits,
    TakeComeback,
    take_comebacks,
)
from entrepot.returns.errors import NotOut
from entrepot.shipping.commands.reship import Reship, reship
from entrepot.shipping.live import Bought
from tests.back import ASKS, HOME, RECEIVES, asked_all, sent, sold, trackings
from tests.commands.test_returns_bought_labels import LIVE
from tests.floor import COMPANY, SYSTEM, Floor, balance
from tests.together import at_once, until_someone_waits
from tests.walk import a_house

pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture
def house(committed_db: None) -> Floor:
    house = a_house()
    house.stock(0, 500)
    return house


def test_what_a_carrier_brings_back_is_expected_once(house: Floor):
    shipments = sent(house, 6)

    def told(step: int) -> list:
        return expect_sent_back(SYSTEM, requests=[ExpectSentBack(one) for one in shipments[::step]])

    answers = [one for got in at_once([lambda s=s: told(s) for s in (1, -1, 1, -1)]) for one in got]

    assert all(isinstance(one, SentBackExpected) for one in answers), answers
    assert sorted(one.shipment for one in answers if one.number) == sorted(shipments)
    found = "SELECT count(*)::int, count(DISTINCT order_id)::int FROM returns_return"
    assert sql.run(found) == [(6, 6)]
    beyond = """
    SELECT count(*)::int FROM returns_sold AS s JOIN orders_line AS l ON l.id = s.line_id
    WHERE s.authorized > l.shipped + l.delivered
    """
    assert sql.run(beyond) == [(0,)]
    assert verify.discrepancies() == []


def test_one_parcels_trouble_is_told_once_however_many_tell(house: Floor):
    (one,) = asked_all(sold(house, 1, (0, 2)), 2)
    announce_parcels(ASKS, requests=[AnnounceParcel(one.return_id, "JD01")])

    def told() -> list:
        note_scans(SYSTEM, requests=[NoteScan(COMPANY, "JD01", delivered=False)])
        return note_troubles(SYSTEM, requests=[NoteTrouble(COMPANY, "JD01", "lost")])

    answers = [answer for got in at_once([told] * 4) for answer in got]
    assert sorted(answer.returns for answer in answers) == [0, 0, 0, 1]
    assert sql.run("SELECT troubles FROM returns_parcel") == [(["lost"],)]


def test_a_lost_parcel_is_claimed_once_however_many_look(house: Floor):
    """Also where its returns, of two orders, are looked at at the same time."""
    register_services(SYSTEM, requests=[LIVE])
    one, other = asked_all(sold(house, 2, (0, 1), address=HOME), 1, reason="damaged_in_transit")
    made = make_labels(
        ASKS, requests=[MakeLabel(one.return_id, tracking="BOTH", together=(other.return_id,))]
    )
    assert isinstance(made[0], LabelMade)
    note_troubles(SYSTEM, requests=[NoteTrouble(COMPANY, "BOTH", "lost")])

    def look(which: UUID) -> list:
        return claim_by_policy(SYSTEM, requests=[ClaimParcels(which)])

    answers = at_once([lambda w=w: look(w) for w in (one.return_id, other.return_id) * 3])
    assert sum(len(answer.opened) for got in answers for answer in got) == 1
    assert sql.run("SELECT count(*)::int FROM shipping_claim") == [(1,)]


def test_a_label_that_is_bought_while_it_is_voided_is_used_or_given_back(house: Floor):
    register_services(SYSTEM, requests=[LIVE])
    wanted = [
        MakeLabel(one.return_id)
        for one in asked_all(sold(house, 8, (0, 1), address=HOME), 1, reason="damaged_in_transit")
    ]
    made = make_labels(ASKS, requests=wanted)
    assert all(isinstance(one, LabelMade) for one in made), made
    labels = [one.label for one in made]

    def buy(step: int) -> list:
        told = [(one, Bought(f"shp_{i}", f"T{i}", 300, "GBP", "")) for i, one in enumerate(labels)]
        return record_label_purchases(
            SYSTEM, requests=[RecordLabelPurchase(one, "buy", bought) for one, bought in told[::step]]
        )

    def void() -> list:
        return void_labels(ASKS, requests=[VoidLabel(one.return_id, "not needed") for one in made[:4]])

    first, second, gone, third = at_once([lambda: buy(1), lambda: buy(-1), void, lambda: buy(1)])

    answers = [one for got in (first, second, third) for one in got]
    assert sum(isinstance(one, LabelPurchaseRecorded) for one in answers) == 8
    assert sum(isinstance(one, WrongState) for one in answers) == 16
    assert not any(isinstance(one, Refused) for one in gone), gone
    states = dict(sql.run("SELECT bought, count(*)::int FROM returns_label GROUP BY 1"))
    assert states == {"bought": 4, "void asked": 4}
    assert balance(2150) == -(8 + 4) * 300, "the parcels that went, and the labels that are used"
    assert verify.discrepancies() == []


def test_what_was_sent_again_comes_back_once(house: Floor):
    shipments = sent(house, 6)
    reship(SYSTEM, requests=[Reship(one, "lost") for one in shipments])
    numbers = trackings(shipments)

    def opened(step: int) -> list:
        units = (ComebackUnits("SKU-000", 2, "as new"),)
        return take_comebacks(
            RECEIVES, requests=[TakeComeback(COMPANY, house.nodes[0], one, units) for one in numbers[::step]]
        )

    answers = [one for got in at_once([lambda s=s: opened(s) for s in (1, -1, 1, -1)]) for one in got]

    assert sum(isinstance(one, ComebackTaken) for one in answers) == 6
    assert sum(isinstance(one, NotOut) for one in answers) == 18
    assert sql.run("SELECT sum(quantity)::int FROM returns_comeback") == [(12,)]
    assert verify.discrepancies() == []


def test_returns_are_put_into_one_parcel_from_all_sides_and_have_one_label(house: Floor):
    returns = asked_all(sold(house, 4, (0, 1), address=HOME), 1, reason="damaged_in_transit")
    keys = [one.return_id for one in returns]

    def together(first: int) -> list:
        turned = keys[first:] + keys[:first]
        return make_labels(ASKS, requests=[MakeLabel(turned[0], together=tuple(turned[1:]))])

    answers = [one for got in at_once([lambda i=i: together(i) for i in range(4)]) for one in got]

    assert all(isinstance(one, LabelMade) and set(one.returns) == set(keys) for one in answers), answers
    assert len({one.label for one in answers}) == 1
    assert balance(2150) == -(4 * 300 + 300), "the parcels that went, and one that comes"
    assert verify.discrepancies() == []


def test_a_label_is_void_when_all_that_come_with_it_end_at_the_same_time(house: Floor):
    one, other = asked_all(sold(house, 2, (0, 1), address=HOME), 1, reason="damaged_in_transit")
    (label,) = make_labels(ASKS, requests=[MakeLabel(one.return_id, together=(other.return_id,))])
    assert isinstance(label, LabelMade), label
    begun = threading.Event()

    def end(which: UUID) -> list:
        return close(ASKS, requests=[Close(which, "it stays there")])

    def first() -> list:
        with sql.transaction():
            answers = end(one.return_id)
            begun.set()
            until_someone_waits("transactionid")
        return answers

    def second() -> list:
        begun.wait()
        return end(other.return_id)

    answers = [answer for got in at_once([first, second]) for answer in got]

    assert all(isinstance(answer, Closed) for answer in answers), answers
    assert sql.run("SELECT state FROM returns_label") == [("voided",)]
    assert balance(2150) == -2 * 300, "the parcels that went, and none that comes"
    assert verify.discrepancies() == []
