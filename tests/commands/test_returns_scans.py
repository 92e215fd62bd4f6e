"""returns.note_scans, and refunds from there"""

from __future__ import annotations

from datetime import timedelta

import pytest

from entrepot.kernel import sql
from entrepot.kernel.errors import Invalid
from entrepot.returns import parcel_queries, queries
from entrepot.returns.commands.announce import AnnounceParcel, announce_parcels
from entrepot.returns.commands.authorize import Authorized
from entrepot.returns.commands.note_scans import NoteScan, ScanNoted, note_scans
from entrepot.returns.tasks import serve_decide_refund
from tests.back import ASKS, asked, asked_all, came, policy, sold
from tests.floor import COMPANY, NOW, SYSTEM, Floor
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
    names = [f"T{n}" for n in range(1011)]
    announced(house, *names)
    counts = []
    for part in (names[:1], names[1:11], names[11:]):
        with statements() as ran:
            note_scans(SYSTEM, requests=[NoteScan(COMPANY, name, NOW) for name in part])
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert counts == [counts[0]] * 3
