"""Goods that never come, and pallets of parcels, in races: a return is given up once, or its goods come; a pallet is
taken in, counted off and closed once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from entrepot.insight import verify
from entrepot.kernel import policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.errors import Refused, WrongState
from entrepot.returns import errors, pallet_queries, queries
from entrepot.returns.commands.announce import AnnounceParcel, announce_parcels
from entrepot.returns.commands.count_packages import (
    ClosePallet,
    CountPackage,
    PackageCounted,
    PalletCounted,
    close_pallets,
    count_packages,
)
from entrepot.returns.commands.expire import Expire, Expired, expire
from entrepot.returns.commands.labels import (
    LabelMade,
    LabelVoided,
    MakeLabel,
    VoidLabel,
    make_labels,
    void_labels,
)
from entrepot.returns.commands.receive_pallets import PalletReceived, ReceivePallet, receive_pallets
from entrepot.returns.commands.receive_parcels import Content, ReceiveParcel, receive_parcels
from entrepot.returns.commands.refund import Refund, refund
from entrepot.returns.commands.reopen import Reopen, Reopened, reopen
from entrepot.returns.expiring import ExpiryPolicy
from tests.back import ASKS, RECEIVES, asked, asked_all, policy, sold
from tests.floor import COMPANY, NOW, SYSTEM, Floor, someone, units
from tests.together import all_at_once, at_once
from tests.walk import a_house

pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture
def house(committed_db: None) -> Floor:
    house = a_house()
    house.stock(0, 500)
    policy(refund_at="authorized", approve_above_minor=None)
    body = ExpiryPolicy(days=30, remind_days=7, days_after_scan=20, late="stray")
    kept = policies.SetPolicy(COMPANY, "returns.expiry", body, NOW - timedelta(days=1))
    policies.set_policy(SYSTEM, requests=[kept])
    return house


def later(days: float) -> Cause:
    return replace(SYSTEM, at=NOW + timedelta(days=days))


def test_returns_are_reminded_of_and_given_up_once_however_many_look(house: Floor):
    returns = asked_all(sold(house, 6, (0, 2)), 1)
    wanted = [Expire(one.return_id) for one in returns]
    orders = [wanted, wanted[::-1]] * 4

    reminded = all_at_once(expire, later(23), *orders)
    assert sum(one.did == "remind" for one in reminded if isinstance(one, Expired)) == len(returns)
    told = "SELECT count(*) FROM kernel_delivery WHERE topic = 'return.reminder'"
    assert sql.run(told) == [(len(returns),)]

    ended = all_at_once(expire, later(31), *orders)
    assert sum(one.did == "close" for one in ended if isinstance(one, Expired)) == len(returns)
    assert all(isinstance(one, Expired | WrongState) for one in ended)
    assert [line.left for one in returns for line in queries.returnable(queries.return_(one.return_id).order)] == [
        2
    ] * len(returns), "free again, and once"  # fmt: skip
    assert verify.discrepancies() == []


def test_goods_come_or_are_given_up_not_both(house: Floor):
    returns = asked_all(sold(house, 8, (0, 2)), 2)
    refund(ASKS, requests=[Refund(one.return_id) for one in returns])
    announce_parcels(ASKS, requests=[AnnounceParcel(one.return_id, f"T{one.number}") for one in returns])
    expire(later(23), requests=[Expire(one.return_id) for one in returns])
    docks = replace(RECEIVES, at=later(31).at)

    came = 0
    for one in returns:
        parcel = ReceiveParcel(COMPANY, house.nodes[0], (Content(house.codes[0], 2),), f"T{one.number}")
        arrived, ended = at_once([
            lambda parcel=parcel: receive_parcels(docks, requests=[parcel])[0],
            lambda one=one: expire(later(31), requests=[Expire(one.return_id)])[0],
        ])  # fmt: skip
        (line,) = queries.whole(one.return_id).lines
        assert (line.received, line.missing) in ((2, 0), (0, 2))
        assert bool(arrived.strays) == bool(line.missing)  # type: ignore[attr-defined]
        assert isinstance(ended, Expired)
        assert (ended.did == "close") == bool(line.missing)
        came += line.received
    assert units(house.skus[0], "pending_inspection") == came
    assert verify.discrepancies() == []


def test_what_was_given_up_is_opened_again_once(house: Floor):
    one = asked(sold(house, 1, (0, 2))[0], 2)
    for days in (23, 31):
        expire(later(days), requests=[Expire(one.return_id)])
    answers = at_once([lambda: reopen(ASKS, requests=[Reopen(one.return_id, "he sends it")])[0]] * 8)
    assert sum(isinstance(answer, Reopened) for answer in answers) == 1
    assert sum(isinstance(answer, WrongState) for answer in answers) == 7
    assert queries.returnable(queries.return_(one.return_id).order)[0].left == 0
    assert verify.discrepancies() == []


def test_a_pallet_is_taken_in_counted_off_and_closed_once(house: Floor):
    docks = [RECEIVES, someone("rita")] * 4
    manifest = tuple(f"T{i}" for i in range(12))
    ask = ReceivePallet(COMPANY, house.nodes[0], "P1", "Post", manifest)

    taken = at_once([lambda cause=cause: receive_pallets(cause, requests=[ask])[0] for cause in docks])
    (pallet,) = [one for one in taken if isinstance(one, PalletReceived)]
    assert sum(isinstance(one, errors.PalletHere) for one in taken) == 7

    scans = [CountPackage(pallet.pallet, one) for one in (*manifest[:-1], "X9")]
    counted = all_at_once(count_packages, RECEIVES, *[scans, scans[::-1]] * 4)
    was = [one.was for one in counted if isinstance(one, PackageCounted)]
    assert (was.count("listed"), was.count("extra"), was.count("again")) == (11, 1, 7 * 12)

    def close() -> PalletCounted | Refused:
        return close_pallets(RECEIVES, requests=[ClosePallet(pallet.pallet)])[0]

    def count() -> PackageCounted | Refused:
        return count_packages(RECEIVES, requests=[CountPackage(pallet.pallet, "late")])[0]

    ended = at_once([close, count] * 4)
    (told,) = [one for one in ended if isinstance(one, PalletCounted)]
    assert all(isinstance(one, PalletCounted | PackageCounted | WrongState) for one in ended)
    late = any(isinstance(one, PackageCounted) for one in ended)
    assert told.missing == ("T11",)
    assert sorted(told.extra) == (["LATE", "X9"] if late else ["X9"])
    assert len(pallet_queries.pallets(COMPANY, NOW)) == 1
    assert verify.discrepancies() == []


def test_a_label_is_made_once_and_voided_once(house: Floor):
    one = asked(sold(house, 1, (0, 2))[0], 2, reason="defective")
    made = at_once([lambda: make_labels(ASKS, requests=[MakeLabel(one.return_id)])[0]] * 8)
    assert len({label.label for label in made if isinstance(label, LabelMade)}) == 1
    assert [label.fresh for label in made if isinstance(label, LabelMade)].count(True) == 1
    gone = at_once([lambda: void_labels(ASKS, requests=[VoidLabel(one.return_id, "lost")])[0]] * 8)
    assert sum(isinstance(answer, LabelVoided) for answer in gone) == 1
    assert verify.discrepancies() == []
