"""warehouse.set_slots, warehouse.classify_skus, what is suggested from them, and a wrong bin at put-away"""

from __future__ import annotations

import pytest

from entrepot.kernel import ids, sql
from entrepot.kernel.errors import Invalid, NotFound
from entrepot.network.commands.register import RegisterBin, register_bins
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from entrepot.stock.commands.receive import Receive, receive
from entrepot.warehouse import storing
from entrepot.warehouse.commands.pick import PickFulfillment, pick
from entrepot.warehouse.commands.put_away import PutAway, UnitsPutAway, put_away
from entrepot.warehouse.commands.release import ReleaseOrder, release
from entrepot.warehouse.commands.slots import (
    ClassifySkus,
    SetSlot,
    SkusClassified,
    SlotSet,
    classify_skus,
    set_slots,
)
from entrepot.warehouse.errors import WrongBin
from tests.floor import COMPANY, SYSTEM, Floor, a_floor, units
from tests.sizes import MANY

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    return a_floor(skus=3)


def a_bin(house: Floor, code: str, kind: str = "pick", sequence: int = 50):
    (made,) = register_bins(
        SYSTEM, requests=[RegisterBin(COMPANY, house.nodes[0], code, kind, pick_sequence=sequence)]
    )
    return made.id


def suggested(house: Floor) -> list[tuple[str, list[tuple[str, int, str]], int]]:
    return [
        (one.sku_code, [(c.code, c.quantity, c.rule) for c in one.choices], one.left)
        for one in storing.to_put_away(node=house.nodes[0])
    ]


def test_what_stands_at_the_dock_has_a_suggestion_with_its_reason(house):
    house.stock(0, 5, kind="pick")
    house.stock(0, 10, kind="receiving")
    house.stock(1, 4, kind="receiving")
    house.stock(2, 1, kind="receiving")
    set_slots(SYSTEM, requests=[SetSlot(a_bin(house, "OWN"), sku=house.skus[1], volume_ml=1000)])

    assert suggested(house) == [
        ("SKU-000", [("PICK", 10, "same SKU")], 0),
        ("SKU-001", [("OWN", 2, "fixed"), ("RESERVE", 2, "nearest")], 0),
        ("SKU-002", [], 1),
    ]


def test_what_cannot_be_sold_goes_to_quarantine_and_not_among_what_can(house):
    damaged = [
        Receive(
            COMPANY, sku, house.nodes[0], house.bin(kind="receiving"), 2, 200, "test receipt", ids.uuid7(),
            status="damaged",
        )
        for sku in house.skus[:2]
    ]  # fmt: skip
    receive(SYSTEM, requests=damaged)
    assert suggested(house) == [
        ("SKU-000", [("QUARANTINE", 2, "nearest")], 0), ("SKU-001", [("QUARANTINE", 2, "nearest")], 0),
    ]  # fmt: skip


def test_a_slot_is_set_and_changed_and_nonsense_is_refused(house):
    where = a_bin(house, "OWN")
    answers = set_slots(
        SYSTEM,
        requests=[
            SetSlot(where, velocity="D"), SetSlot(ids.uuid7()), SetSlot(where, sku=ids.uuid7()),
            SetSlot(where, velocity="A", volume_ml=900),
        ],
    )  # fmt: skip
    assert [type(one) for one in answers] == [Invalid, NotFound, NotFound, SlotSet]
    set_slots(SYSTEM, requests=[SetSlot(where, sku=house.skus[0])])
    (slot,) = storing.slots(node=house.nodes[0])
    assert (slot.bin_code, slot.sku_code, slot.velocity, slot.volume_ml) == ("OWN", "SKU-000", "", 0)
    before = sql.run("SELECT count(*) FROM kernel_event")
    assert set_slots(SYSTEM, requests=[SetSlot(where, sku=house.skus[0])]) == [SlotSet(where)]
    assert sql.run("SELECT count(*) FROM kernel_event") == before


def picked(house: Floor, *skus: int) -> None:
    for sku in skus:
        house.stock(sku, 1)
        order = house.order((sku, 1)).order
        allocate(SYSTEM, requests=[AllocateOrder(order)])
        release(SYSTEM, requests=[ReleaseOrder(order)])
    waiting = sql.run("SELECT id FROM warehouse_fulfillment WHERE state = 'released'")
    pick(SYSTEM, requests=[PickFulfillment(one) for (one,) in waiting])


def test_skus_are_told_apart_by_their_picks_and_free_bins_of_their_class_come_first(house):
    picked(house, *[0] * 4, 1)

    answer, unknown = classify_skus(
        SYSTEM, requests=[ClassifySkus(house.nodes[0]), ClassifySkus(ids.uuid7())]
    )

    assert answer == SkusClassified(house.nodes[0], 1, 1, 0)
    assert isinstance(unknown, NotFound)
    house.stock(0, 3, kind="receiving")
    set_slots(SYSTEM, requests=[SetSlot(a_bin(house, "FAR", sequence=99), velocity="A")])
    assert suggested(house) == [("SKU-000", [("FAR", 3, "velocity")], 0)]


def test_a_wrong_bin_is_told_apart_and_nothing_moves(house):
    house.stock(0, 5, kind="receiving")

    def put(scanned: str) -> PutAway:
        return PutAway(COMPANY, house.skus[0], house.bin(kind="receiving"), house.bin(), 5, scanned=scanned)

    wrong, none = put_away(SYSTEM, requests=[put("RESERVE"), put("X-99")])
    assert wrong == WrongBin(found="RESERVE", expected="PICK")
    assert none == NotFound(what="bin of this node", which="X-99")
    assert units(house.skus[0]) == 5
    assert len(suggested(house)) == 1

    (right,) = put_away(SYSTEM, requests=[put("PICK ")])
    assert isinstance(right, UnitsPutAway)
    assert suggested(house) == []


@pytest.mark.counts("warehouse.set_slots", "warehouse.classify_skus")
def test_statements_do_not_grow_with_the_batch(house, statements):
    nodes = house.nodes[:1]
    bins = [
        one.id
        for one in register_bins(
            SYSTEM, requests=[RegisterBin(COMPANY, house.nodes[0], f"B{i}", "pick") for i in range(MANY + 11)]
        )
    ]
    counts: dict[int, list[int]] = {}
    for some in (bins[:1], bins[1:11], bins[11:]):
        with statements() as ran:
            set_slots(SYSTEM, requests=[SetSlot(one, velocity="B") for one in some])
        counts[len(some)] = [len([text for text in ran.texts if "SAVEPOINT" not in text])]
        with statements() as ran:
            classify_skus(SYSTEM, requests=[ClassifySkus(node) for node in nodes * len(some)])
        counts[len(some)].append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert counts[1] == counts[10] == counts[MANY], counts
