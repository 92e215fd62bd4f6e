"""returns.receive_pallets, returns.count_packages and returns.close_pallets"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from entrepot.kernel import ids
from entrepot.kernel.errors import Invalid, NotFound, RequestReused, WrongState
from entrepot.returns import errors, pallet_queries
from entrepot.returns.commands.announce import AnnounceParcel, announce_parcels
from entrepot.returns.commands.count_packages import (
    ClosePallet,
    CountPackage,
    PackageCounted,
    PalletCounted,
    close_pallets,
    count_packages,
)
from entrepot.returns.commands.receive_pallets import PalletReceived, ReceivePallet, receive_pallets
from entrepot.returns.commands.receive_parcels import Content, ReceiveParcel, receive_parcels
from entrepot.work import queries as work
from tests.back import ASKS, INSPECTS, RECEIVES, asked, sold
from tests.floor import COMPANY, NOW, Floor
from tests.sizes import SIZES
from tests.walk import a_house

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 200)
    return house


def pallet(house: Floor, number: str = "P1", *manifest: str, **facts: Any) -> ReceivePallet:
    return ReceivePallet(COMPANY, house.nodes[0], number, "Post", manifest, **facts)


def taken(house: Floor, *manifest: str, **facts: Any) -> UUID:
    (answer,) = receive_pallets(RECEIVES, requests=[pallet(house, "P1", *manifest, **facts)])
    assert isinstance(answer, PalletReceived), answer
    return answer.pallet


def seen(which: UUID, *trackings: str) -> list[str]:
    answers = count_packages(RECEIVES, requests=[CountPackage(which, one) for one in trackings])
    return [one.was for one in answers if isinstance(one, PackageCounted)]


def opened(house: Floor, *trackings: str, pallet: UUID | None = None) -> None:
    content = (Content(house.codes[0], 1),)
    receive_parcels(RECEIVES, requests=[
        ReceiveParcel(COMPANY, house.nodes[0], content, one, pallet=pallet) for one in trackings
    ])  # fmt: skip


def row(which: UUID) -> pallet_queries.PalletRow:
    found = pallet_queries.pallet(COMPANY, which, NOW)
    assert found
    return found


def open_work(which: UUID) -> list[str]:
    return sorted(one.type for one in work.of_subject(which) if one.state != "done")


def test_a_mixed_pallet_is_counted_against_its_manifest_and_opened_parcel_by_parcel(house: Floor):
    for order, tracking in zip(sold(house, 2, (0, 2)), ("A1", "B2"), strict=True):
        announce_parcels(ASKS, requests=[AnnounceParcel(asked(order, 2).return_id, tracking)])
    (answer,) = receive_pallets(
        RECEIVES, requests=[pallet(house, "(00)340123450000000017", "a1", "B2", "gone", "A1")]
    )
    due = NOW + timedelta(hours=72)
    assert answer == PalletReceived(answer.pallet, "340123450000000017", 3, 4, due)
    which = answer.pallet
    assert open_work(which) == ["pallet of returns to open"]
    assert seen(which, "A1", "x9", "a 1", "B2") == ["listed", "extra", "again", "listed"]
    (closed,) = close_pallets(RECEIVES, requests=[ClosePallet(which)])
    assert closed == PalletCounted(
        which, "counted", 3, 3, ("GONE",), ("X9",), "not on it: GONE; not in the manifest: X9"
    )
    assert open_work(which) == ["pallet of returns differs", "pallet of returns to open"]
    found = row(which)
    assert (found.to_come, found.staged, found.returns, found.orders, found.extra) == (4, 0, 2, 2, 1)
    opened(house, "A1")
    assert (row(which).to_come, row(which).staged, row(which).opened) == (2, 1, 1)
    opened(house, "B2", "X9")
    assert row(which).state == "done"
    assert open_work(which) == ["pallet of returns differs"]
    assert pallet_queries.pallets(COMPANY, NOW) == []
    assert isinstance(
        receive_pallets(RECEIVES, requests=[pallet(house, "340123450000000017", "Z")])[0], PalletReceived
    )


def test_a_pallet_of_which_only_the_count_is_known(house: Floor):
    which = taken(house, packages=3)
    counted = count_packages(RECEIVES, requests=[CountPackage(which, count=2), CountPackage(which, "T1")])
    assert [(one.was, one.seen) for one in counted] == [("counted", 2), ("counted", 3)]
    (closed,) = close_pallets(RECEIVES, requests=[ClosePallet(which)])
    assert (closed.says, closed.state) == ("", "counted")
    opened(house, "", "T1", pallet=which)
    assert (row(which).opened, row(which).state) == (2, "counted")
    opened(house, "", pallet=which)
    assert row(which).state == "done"
    assert pallet_queries.pallets(COMPANY, NOW + timedelta(days=9), state="any")[0].overdue is False


def test_a_pallet_lies_about_no_longer_than_the_policy_says(house: Floor):
    which = taken(house, "A")
    (late,) = pallet_queries.pallets(COMPANY, NOW + timedelta(hours=73))
    assert (late.id, late.overdue) == (which, True)


def test_refusals_leave_everything_as_it_was(house: Floor):
    which, unknown = taken(house, "A"), ids.uuid7()
    answers = receive_pallets(RECEIVES, requests=[
        pallet(house, " ", "A"), pallet(house, "P2"), pallet(house, "p1", "B"), pallet(house, "P3", packages=0),
        pallet(house, "P4", "A", bin=unknown), pallet(house, "P5", "A"), pallet(house, "P5", "A"),
    ])  # fmt: skip
    assert [type(one) for one in answers] == [
        Invalid, Invalid, errors.PalletHere, Invalid, errors.NoBin, PalletReceived, errors.PalletHere,
    ]  # fmt: skip
    counted = count_packages(
        RECEIVES, requests=[CountPackage(unknown), CountPackage(which, count=0), CountPackage(which, "A", 2)]
    )
    assert [type(one) for one in counted] == [NotFound, Invalid, Invalid]
    closed = close_pallets(RECEIVES, requests=[ClosePallet(unknown), ClosePallet(which), ClosePallet(which)])
    assert [type(one) for one in closed] == [NotFound, PalletCounted, WrongState]
    assert [type(one) for one in count_packages(RECEIVES, requests=[CountPackage(which, "A")])] == [
        WrongState
    ]


def test_a_key_gets_its_answer_again(house: Floor):
    first = receive_pallets(RECEIVES, requests=[pallet(house, "P1", "A", key="k")])
    assert receive_pallets(RECEIVES, requests=[pallet(house, "P1", "A", key="k")]) == first
    which = first[0].pallet  # type: ignore[union-attr]
    blank = [CountPackage(which, count=2, key="b")]
    assert count_packages(RECEIVES, requests=blank) == count_packages(RECEIVES, requests=blank)
    assert row(which).seen == 2
    other = count_packages(RECEIVES, requests=[CountPackage(which, count=3, key="b")])
    assert other == [RequestReused(key="b", command="returns.count_packages")]
    closing = [ClosePallet(which, key="c")]
    assert close_pallets(INSPECTS, requests=closing) == close_pallets(INSPECTS, requests=closing)


@pytest.mark.counts("returns.receive_pallets", "returns.count_packages", "returns.close_pallets")
def test_statements_do_not_grow_with_the_batch(house: Floor, statements):
    counts = []
    for size in SIZES:
        with statements() as ran:
            came = receive_pallets(
                RECEIVES, requests=[pallet(house, f"P{size}-{i}", "A", "B") for i in range(size)]
            )
            count_packages(RECEIVES, requests=[CountPackage(one.pallet, "A") for one in came])
            done = close_pallets(RECEIVES, requests=[ClosePallet(one.pallet) for one in came])
        assert all(isinstance(one, PalletCounted) for one in done)
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert counts == [counts[0]] * 3
