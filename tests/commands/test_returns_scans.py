"""returns.note_scans, and refunds from there"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from entrepot.kernel import sql
from entrepot.kernel.errors import Invalid
from entrepot.kernel.messages import KeepUnread, ReplayMessage, keep_unread, replay_messages
from entrepot.returns import parcel_queries, queries
from entrepot.returns.commands.announce import AnnounceParcel, announce_parcels
from entrepot.returns.commands.authorize import Authorized
from entrepot.returns.commands.note_scans import NoteScan, ScanNoted, note_scans
from entrepot.returns.commands.note_troubles import NoteTrouble, TroubleNoted, note_troubles
from entrepot.returns.tasks import serve_decide_refund, serve_scanned
from entrepot.shipping import told
from entrepot.shipping.commands.take_tracking import (
    SCANNED,
    RetakeTracking,
    TakeTracking,
    retake_tracking,
    take_tracking,
)
from entrepot.shipping.rules import BEFORE_A_SCAN, EVENT_KINDS, EXCEPTIONS, IN_HAND
from entrepot.work import queries as work
from tests.back import ASKS, asked, asked_all, came, policy, sold
from tests.floor import COMPANY, NOW, SYSTEM, Floor
from tests.rules.test_easypost import a_message, detail
from tests.sizes import MANY
from tests.walk import a_house, queued

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 3000)
    policy(refund_at="scanned", approve_above_minor=None)
    return house


def announced(house: Floor, *trackings: str) -> list[Authorized]:
    found = asked_all(sold(house, len(trackings), (0, 2)), 2)
    announce_parcels(ASKS, requests=[
        AnnounceParcel(one.return_id, tracking) for one, tracking in zip(found, trackings, strict=True)
    ])  # fmt: skip
    return found


def test_what_the_carrier_has_is_refunded_and_the_first_scan_counts(house: Floor):
    one, other = announced(house, "JD 01", "JD02")
    assert queued("decide_refund") == []
    early, late = NOW - timedelta(hours=2), NOW
    answers = note_scans(SYSTEM, requests=[
        NoteScan(COMPANY, "jd01", late), NoteScan(COMPANY, "JD01", early), NoteScan(COMPANY, "XX9"),
        NoteScan(COMPANY, " "), NoteScan(COMPANY + 1, "JD02"),
    ])  # fmt: skip
    assert answers[:3] == [ScanNoted("JD01", 1), ScanNoted("JD01", 1), ScanNoted("XX9", 0)]
    assert isinstance(answers[3], Invalid)
    assert answers[4] == ScanNoted("JD02", 0)
    assert queued("decide_refund") == [one.return_id]
    assert (parcel_queries.is_scanned(one.return_id), parcel_queries.is_scanned(other.return_id)) == (
        True,
        False,
    )
    serve_decide_refund(SYSTEM, [one.return_id, other.return_id])
    assert [each.total_minor for each in queries.whole(one.return_id).refunds] == [2 * 999]
    assert not queries.whole(other.return_id).refunds
    note_scans(SYSTEM, requests=[NoteScan(COMPANY, "JD01", NOW, key="k")] * 2)
    assert sql.run("SELECT scanned_at FROM returns_parcel WHERE tracking = 'JD01'") == [(early,)]


def test_what_nobody_scanned_is_refunded_when_it_comes(house: Floor):
    (order,) = sold(house, 1, (0, 2))
    one = asked(order, 2)
    came(one, 1)
    assert queued("decide_refund") == [one.return_id]
    serve_decide_refund(SYSTEM, [one.return_id])
    assert [each.total_minor for each in queries.whole(one.return_id).refunds] == [999]


@pytest.mark.counts("returns.note_scans")
def test_statements_do_not_grow_with_the_batch(house: Floor, statements) -> None:
    names = [f"T{n}" for n in range(MANY + 11)]
    announced(house, *names)
    counts = []
    for part in (names[:1], names[1:11], names[11:]):
        with statements() as ran:
            note_scans(SYSTEM, requests=[NoteScan(COMPANY, name, NOW) for name in part])
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert counts == [counts[0]] * 3


def test_a_parcel_that_comes_back_is_scanned_however_the_message_came(house: Floor):
    one, other = announced(house, "JD01", "JD02")
    pushed, planned, stranger = (
        a_message("JD01", detail("in_transit"), name="a"), a_message("JD02", detail("pre_transit"), name="b"),
        a_message("XX9", detail("in_transit"), name="c"),
    )  # fmt: skip
    requests = [TakeTracking(COMPANY, "easypost", text) for text in (pushed, planned, stranger)]
    take_tracking(SYSTEM, requests=requests)
    assert len(queued(SCANNED)) == 2, "what says nothing of where a parcel is, is no scan"
    serve_scanned(SYSTEM, queued(SCANNED))
    assert [parcel_queries.is_scanned(each.return_id) for each in (one, other)] == [True, False]
    states = dict(sql.run("SELECT external_id, state FROM kernel_inbox"))
    assert sorted(states.values()) == ["done", "set_aside", "set_aside"]

    # A message that could not be read is mended and taken again: it is the scan all the same.
    (kept,) = keep_unread(SYSTEM, requests=[KeepUnread(COMPANY, "easypost", "{", "no JSON")])
    sql.run("DELETE FROM kernel_ready WHERE queue = %(queue)s RETURNING 1", {"queue": SCANNED})
    mended = a_message("JD02", detail("in_transit"), name="d")
    replay_messages(SYSTEM, requests=[ReplayMessage(COMPANY, "in", kept.message, "mended", mended)])
    retake_tracking(SYSTEM, requests=[RetakeTracking(UUID(kept.message))])
    serve_scanned(SYSTEM, queued(SCANNED))
    assert parcel_queries.is_scanned(other.return_id)
    sql.run("UPDATE kernel_inbox SET payload = '{}' RETURNING 1")
    serve_scanned(SYSTEM, queued(SCANNED))  # what was erased meanwhile is passed over


def says(kind: str, tracking: str = "JD01", at: datetime = NOW) -> None:
    """A carrier's word, by whatever program, from the message to what becomes of it."""
    take_tracking(SYSTEM, requests=[
        TakeTracking(COMPANY, told.SOURCE, told.message(tracking, "Post", kind, at, f"it is {kind}", "Leeds"))
    ])  # fmt: skip
    serve_scanned(SYSTEM, queued(SCANNED))
    sql.run("DELETE FROM kernel_ready WHERE queue = %(queue)s RETURNING 1", {"queue": SCANNED})


def asked_about(one: Authorized) -> list[str]:
    items = [item for item in work.of_subject(one.return_id) if item.state != "done"]
    return sorted(item.facts["kind"] for item in items if item.type == "return parcel in trouble")


@pytest.mark.parametrize("kind", EVENT_KINDS)
def test_only_what_a_carrier_has_in_its_hands_is_refunded(house: Floor, kind: str):
    (one,) = announced(house, "JD01")
    says(kind)
    assert parcel_queries.is_scanned(one.return_id) is (kind in IN_HAND)
    assert queued("decide_refund") == ([one.return_id] if kind in IN_HAND else [])
    assert asked_about(one) == ([kind] if kind in EXCEPTIONS else [])
    known = sql.run("SELECT state FROM kernel_inbox")
    assert known == [("set_aside" if kind in BEFORE_A_SCAN else "done",)]


def test_what_goes_back_to_its_sender_is_no_scan_and_does_not_arrive(house: Floor):
    one, other = announced(house, "JD01", "JD02")
    message = a_message("JD01", detail("in_transit"), detail("return_to_sender", NOW + timedelta(hours=1)))
    take_tracking(SYSTEM, requests=[TakeTracking(COMPANY, "easypost", message)])
    serve_scanned(SYSTEM, queued(SCANNED))
    says("delivered")
    assert not parcel_queries.is_scanned(one.return_id)
    assert (queued("decide_refund"), asked_about(one)) == ([], ["returned to sender"])
    says("lost", "JD02")
    says("damaged", "JD02")
    assert asked_about(other) == ["damaged", "lost"]
    says("delivered", "JD02", NOW + timedelta(days=1))
    assert (parcel_queries.is_scanned(other.return_id), asked_about(other)) == (True, ["damaged"])
    says("delayed", "JD02", NOW + timedelta(days=2))
    assert asked_about(other) == ["damaged"], "it is here"


def test_trouble_of_a_kind_is_told_once(house: Floor):
    one, other = announced(house, "JD01", "JD01")
    requests = [
        NoteTrouble(COMPANY, "jd 01", "lost", key="k"), NoteTrouble(COMPANY, "JD01", "lost"),
        NoteTrouble(COMPANY, "XX", "lost"), NoteTrouble(COMPANY, " ", "lost"),
        NoteTrouble(COMPANY, "JD01", "in transit"),
    ]  # fmt: skip
    first, same, stranger, nameless, none = note_troubles(SYSTEM, requests=requests)
    assert [first, same, stranger] == [
        TroubleNoted("JD01", 2),
        TroubleNoted("JD01", 2),
        TroubleNoted("XX", 0),
    ]
    assert isinstance(nameless, Invalid)
    assert isinstance(none, Invalid)
    assert note_troubles(SYSTEM, requests=requests[:2]) == [TroubleNoted("JD01", 2), TroubleNoted("JD01", 0)]
    assert (asked_about(one), asked_about(other)) == (["lost"], ["lost"])
    assert sql.run("SELECT DISTINCT troubles FROM returns_parcel") == [(["lost"],)]


def test_trouble_with_what_has_come_is_nobodys_work(house: Floor):
    (one,) = announced(house, "JD01")
    came(one, 2)
    says("lost")
    assert asked_about(one) == []


@pytest.mark.counts("returns.note_troubles")
def test_statements_about_trouble_do_not_grow_with_the_batch(house: Floor, statements) -> None:
    names = [f"T{n}" for n in range(MANY + 11)]
    announced(house, *names)
    counts = []
    for part in (names[:1], names[1:11], names[11:]):
        with statements() as ran:
            note_troubles(SYSTEM, requests=[NoteTrouble(COMPANY, name, "lost") for name in part])
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert counts == [counts[0]] * 3
