"""returns.claim_parcels, returns.claim_by_policy: what carriers shall pay for on the ways of a return"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from entrepot.kernel import ids, sql
from entrepot.kernel.errors import Invalid, NotFound
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.returns import claim_queries, recovery_queries, tasks
from entrepot.returns.claiming import QUEUE, Claims
from entrepot.returns.commands.authorize import Authorized
from entrepot.returns.commands.claims import (
    ClaimParcel,
    ClaimParcels,
    ParcelsClaimed,
    _amount,
    _Found,
    claim_by_policy,
    claim_parcels,
)
from entrepot.returns.commands.dispose import Dispose, dispose
from entrepot.returns.commands.expire import Expire, expire
from entrepot.returns.commands.inspect import Inspect, inspect
from entrepot.returns.commands.labels import LabelMade, MakeLabel, make_labels
from entrepot.returns.commands.lock import lock_returns
from entrepot.returns.commands.note_arrivals import NoteArrival, note_arrivals
from entrepot.returns.commands.note_scans import NoteScan, note_scans
from entrepot.returns.commands.note_troubles import TROUBLE, NoteTrouble, note_troubles
from entrepot.returns.commands.send_back import SendBack, send_back
from entrepot.returns.commands.verdicts import RefuseUnits, refuse_units
from entrepot.returns.expiring import ExpiryPolicy
from entrepot.shipping import errors
from entrepot.shipping.commands.claim import AdvanceClaim, ClaimOpened, OpenClaim, advance_claims, open_claims
from entrepot.work import queries as work
from tests.back import ASKS, HOME, INSPECTS, asked_all, came, found, policy, sold
from tests.floor import COMPANY, NOW, SYSTEM, Floor, balance, someone
from tests.live import a_live_house
from tests.sizes import MANY
from tests.walk import queued

pytestmark = pytest.mark.django_db
SERVES = someone("cass")


@pytest.fixture
def house(db: None) -> Floor:
    house = a_live_house()
    house.stock(0, 3_000)
    return house


def kept(kind: str, body: Any) -> None:
    set_policy(SYSTEM, requests=[SetPolicy(COMPANY, kind, body, NOW - timedelta(days=1))])


def with_label(house: Floor, count: int = 1, units: int = 2, tracking: str = "BACK") -> list[Authorized]:
    """Returns whose parcels bear labels of ours, by numbers that their carrier gave."""
    orders = sold(house, count, (0, units), address=HOME)
    found = asked_all(orders, units, reason="damaged_in_transit")
    made = make_labels(ASKS, requests=[
        MakeLabel(one.return_id, tracking=f"{tracking}{place}") for place, one in enumerate(found)
    ])  # fmt: skip
    assert all(isinstance(one, LabelMade) for one in made), made
    return found


def claims(one: Authorized | UUID) -> list[tuple[str, str, int, str]]:
    which = one.return_id if isinstance(one, Authorized) else one
    return [
        (claim.subject_kind, claim.kind, claim.amount_minor, claim.state)
        for claim in claim_queries.of_return(COMPANY, which)
    ]


def served() -> None:
    """What waits in the queue, as the worker would."""
    tasks.serve_claim_return(SYSTEM, queued(QUEUE))
    sql.run("DELETE FROM kernel_ready WHERE queue = %(queue)s RETURNING 1", {"queue": QUEUE})


def test_a_lost_parcel_of_a_label_is_claimed_once_and_dropped_when_it_comes(house: Floor):
    (one,) = with_label(house)
    note_troubles(
        SYSTEM, requests=[NoteTrouble(COMPANY, "BACK0", "lost"), NoteTrouble(COMPANY, "BACK0", "exception")]
    )
    served()
    assert claims(one) == [("return_label", "lost", 2 * 999, "open")]
    assert claim_by_policy(SYSTEM, requests=[ClaimParcels(one.return_id)]) == [ParcelsClaimed(one.return_id)]
    (claim,) = claim_queries.of_return(COMPANY, one.return_id)
    (item,) = work.of_subject(claim.id)
    assert (item.type, claim.number in item.reason, "BACK0" in item.reason) == ("claim to file", True, True)
    (open_one,) = recovery_queries.owed(COMPANY, NOW, kind="carrier_claim")
    assert (open_one.number, open_one.claimed_minor) == (claim.number, 2 * 999)
    note_scans(SYSTEM, requests=[NoteScan(COMPANY, "BACK0", NOW + timedelta(days=3), delivered=True)])
    served()
    assert claims(one) == [("return_label", "lost", 2 * 999, "dropped")]


def test_goods_that_are_here_end_the_claim_and_the_trouble_without_a_word_of_the_carrier(house: Floor):
    (one,) = with_label(house)
    note_troubles(SYSTEM, requests=[NoteTrouble(COMPANY, "BACK0", "lost")])
    served()
    assert [item.type for item in work.of_subject(one.return_id) if item.state != "done"] == [TROUBLE]
    came(one)
    assert [item.type for item in work.of_subject(one.return_id) if item.state != "done"] == []
    served()
    assert claims(one) == [("return_label", "lost", 2 * 999, "dropped")]


def test_a_claim_that_was_dropped_bars_no_other(house: Floor):
    (one,) = with_label(house)
    wanted = ClaimParcel(one.return_id, "BACK0", "lost")
    (made,) = claim_parcels(SERVES, requests=[wanted])
    assert isinstance(made, ClaimOpened)
    assert isinstance(claim_parcels(SERVES, requests=[wanted])[0], errors.ParcelClaimed)
    advance_claims(SYSTEM, requests=[AdvanceClaim(made.claim, "drop", reason="by mistake")])
    assert isinstance(claim_parcels(SERVES, requests=[wanted])[0], ClaimOpened)


def test_one_that_was_filed_is_work_when_the_parcel_comes(house: Floor):
    (one,) = with_label(house)
    note_troubles(SYSTEM, requests=[NoteTrouble(COMPANY, "BACK0", "lost")])
    served()
    (claim,) = claim_queries.of_return(COMPANY, one.return_id)
    advance_claims(SYSTEM, requests=[AdvanceClaim(claim.id, "file"), AdvanceClaim(claim.id, "agree", 1_500)])
    assert (balance(1180), balance(5520)) == (1_500, -1_500)
    note_scans(SYSTEM, requests=[NoteScan(COMPANY, "BACK0", delivered=True)])
    served()
    assert [item.type for item in work.of_subject(claim.id) if item.state != "done"] == [
        "claim of what arrived"
    ]
    advance_claims(SYSTEM, requests=[AdvanceClaim(claim.id, "credit", 1_500)])
    assert (balance(1180), balance(5520)) == (0, -1_500)


def test_damage_that_an_inspection_confirms_is_claimed_of_who_brought_it_out(house: Floor):
    (one,) = with_label(house)
    found(came(one), "C")
    assert queued(QUEUE) == [one.return_id]
    served()
    served()
    assert claims(one) == [("shipment", "damaged", 2 * 999, "open")]
    # What the shipment was worth is claimed for once, by whoever claims first.
    (other,) = with_label(house, tracking="MORE")
    ((shipment,),) = sql.run(
        "SELECT h.id FROM shipping_shipment AS h JOIN returns_return AS r ON r.order_id = h.order_id"
        " WHERE r.id = %(id)s::uuid", {"id": other.return_id},
    )  # fmt: skip
    open_claims(SYSTEM, requests=[OpenClaim(shipment, "damaged")])
    found(came(other), "D")
    served()
    assert claims(other) == []


def test_a_defect_of_the_way_back_is_claimed_of_who_brought_it_here(house: Floor):
    kept("returns.claims", {"reasons": [], "defects": ["crushed"], "worth": "cost", "within_days": 10})
    (one,) = with_label(house)
    receipts = came(one)
    inspect(
        INSPECTS,
        requests=[Inspect(receipts[0].receipt, 1, "B", ("crushed",)), Inspect(receipts[0].receipt, 1, "A")],
    )
    served()
    cost = sql.run("SELECT cost_minor FROM returns_receipt")[0][0]
    assert claims(one) == [("return_label", "damaged", cost // 2, "open")]
    (claim,) = claim_queries.of_return(COMPANY, one.return_id)
    made_at = sql.run("SELECT made_at FROM returns_label")[0][0]
    assert claim.due_on == made_at.date() + timedelta(days=10)
    (unmoved,) = asked_all(sold(house, 1, (0, 1), address=HOME), 1)
    inspect(INSPECTS, requests=[Inspect(came(unmoved)[0].receipt, 1, "B", ("crushed",))])
    served()
    assert claims(unmoved) == [], "its customer sent it, and no carrier owes us anything"


def test_what_a_carrier_had_and_never_came_is_lost(house: Floor):
    policy(refund_at="scanned", approve_above_minor=None)
    kept("returns.expiry", replace(ExpiryPolicy(), days=30, days_after_scan=20))
    (one,) = with_label(house)
    note_scans(SYSTEM, requests=[NoteScan(COMPANY, "BACK0")])
    tasks.serve_decide_refund(SYSTEM, [one.return_id])
    for days in (25, 40):
        expire(replace(SYSTEM, at=NOW + timedelta(days=days)), requests=[Expire(one.return_id)])
    assert queued(QUEUE) == [one.return_id]
    served()
    assert claims(one) == [("return_label", "lost", 2 * 999, "open")]


def test_a_parcel_that_went_back_and_was_lost_is_claimed(house: Floor):
    one = asked_all(sold(house, 1, (0, 1), address=HOME), 1)[0]
    ((inspection, count),) = found(came(one), "B")
    refuse_units(SERVES, requests=[RefuseUnits(inspection.inspection, "swapped", "It is another one.")])
    dispose(INSPECTS, requests=[Dispose(inspection.inspection, count)])
    send_back(SERVES, requests=[SendBack(one.return_id, "Parcel Post", "PP9")])
    note_arrivals(SYSTEM, requests=[NoteArrival(COMPANY, "PP9", lost=True)])
    served()
    assert claims(one) == [("sent_back", "lost", 999, "open")]
    note_arrivals(SYSTEM, requests=[NoteArrival(COMPANY, "PP9")])
    served()
    assert claims(one) == [("sent_back", "lost", 999, "dropped")]


def test_returns_in_one_parcel_are_claimed_for_together(house: Floor):
    one, other = asked_all(sold(house, 2, (0, 1), address=HOME), 1, reason="damaged_in_transit")
    make_labels(ASKS, requests=[MakeLabel(one.return_id, tracking="BOTH", together=(other.return_id,))])
    note_troubles(SYSTEM, requests=[NoteTrouble(COMPANY, "BOTH", "lost")])
    served()
    assert sorted(claims(one) + claims(other)) == [("return_label", "lost", 2 * 999, "open")]


def test_each_return_of_a_parcel_is_claimed_for_in_one_batch(house: Floor):
    kept("returns.claims", {"reasons": [], "defects": ["crushed"]})
    one, other = asked_all(sold(house, 2, (0, 1), address=HOME), 1, reason="damaged_in_transit")
    make_labels(ASKS, requests=[MakeLabel(one.return_id, tracking="BOTH", together=(other.return_id,))])
    first, second = claim_parcels(SERVES, requests=[
        ClaimParcel(each.return_id, "BOTH", "delayed", 100) for each in (one, other)
    ])  # fmt: skip
    assert (type(first), type(second)) == (ClaimOpened, ClaimOpened)
    for each in (one, other):
        inspect(INSPECTS, requests=[Inspect(came(each)[0].receipt, 1, "B", ("crushed",))])
    done = claim_by_policy(SYSTEM, requests=[ClaimParcels(each.return_id) for each in (one, other)])
    assert [len(each.opened) for each in done if isinstance(each, ParcelsClaimed)] == [1, 1]


def test_what_is_claimed_is_counted_in_the_currency_of_the_label(house: Floor):
    one, other = asked_all(sold(house, 2, (0, 1), address=HOME), 1, reason="damaged_in_transit")
    make_labels(ASKS, requests=[MakeLabel(one.return_id, tracking="BOTH", together=(other.return_id,))])
    returns = lock_returns([one.return_id, other.return_id])
    of = returns[other.return_id]
    label = returns[one.return_id]
    label.currency, label.rate = "CHF", Decimal("0.5")
    damage = _Found(ids.uuid7(), of.id, "", "B", "", 4_000, 1_000, None)
    assert _amount(damage, of, Claims(), of) == 4_000
    assert _amount(damage, of, Claims(), label) == 8_000


def test_one_is_opened_by_hand_for_a_parcel_of_the_return(house: Floor):
    (one,) = with_label(house)
    wanted = ClaimParcel(one.return_id, "back 0", "delayed", 500, key="k")
    (made,) = claim_parcels(SERVES, requests=[wanted])
    assert isinstance(made, ClaimOpened)
    assert claim_parcels(SERVES, requests=[wanted]) == [made]
    answers = claim_parcels(SERVES, requests=[
        replace(wanted, key=None, amount_minor=None), replace(wanted, key=None, kind="sad"),
        replace(wanted, key=None, tracking="XX"), replace(wanted, key=None, return_id=ids.uuid7()),
        replace(wanted, key=None, kind="lost", amount_minor=0), replace(wanted, key=None, amount_minor=2 * 999 - 500),
        replace(wanted, key=None, amount_minor=1),
    ])  # fmt: skip
    assert [type(answer) for answer in answers] == [
        errors.ParcelClaimed, Invalid, NotFound, NotFound, Invalid, ClaimOpened, errors.ParcelClaimed,
    ]  # fmt: skip
    assert isinstance(claim_by_policy(SYSTEM, requests=[ClaimParcels(ids.uuid7())])[0], NotFound)


@pytest.mark.counts("returns.claim_by_policy")
def test_statements_do_not_grow_with_the_batch(house: Floor, statements) -> None:
    counts = []
    for place, size in enumerate((1, 10, MANY)):
        returns = with_label(house, size, tracking=f"S{place}-")
        note_troubles(SYSTEM, requests=[
            NoteTrouble(COMPANY, f"S{place}-{n}", "lost") for n in range(size)
        ])  # fmt: skip
        with statements() as ran:
            claim_by_policy(SYSTEM, requests=[ClaimParcels(one.return_id) for one in returns])
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert counts == [counts[0]] * 3


@pytest.mark.counts("returns.claim_parcels")
def test_statements_by_hand_do_not_grow_with_the_batch(house: Floor, statements) -> None:
    counts = []
    for place, size in enumerate((1, 10, MANY)):
        returns = with_label(house, size, tracking=f"H{place}-")
        requests = [ClaimParcel(one.return_id, f"H{place}-{n}", "lost") for n, one in enumerate(returns)]
        with statements() as ran:
            claim_parcels(SERVES, requests=requests)
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert counts == [counts[0]] * 3
