"""catalog.register_packagings, and what cases and pallets do on the floor."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.catalog import barcodes, queries
from entrepot.catalog.commands.register_packagings import (
    PackagingRegistered,
    RegisterPackaging,
    register_packagings,
)
from entrepot.catalog.packagings import Packaging, pieces
from entrepot.kernel import sql
from entrepot.kernel.errors import Invalid, NotFound
from entrepot.warehouse import queries as warehouse
from entrepot.warehouse import shelf_queries, task_times
from entrepot.warehouse.commands.pick_lists import PickList, TakeList, pick_lists, take_lists
from entrepot.warehouse.commands.replenish import ReviewFaces, SetPickFace, review_faces, set_pick_faces
from entrepot.warehouse.rules import pieces_handled
from tests.floor import COMPANY, NOW, SYSTEM, Floor, someone
from tests.registers import answers_its_key, counts, done, refuses, stands_when_repeated
from tests.sizes import MANY
from tests.walk import a_house, allocated, released
from tests.waves import gathers, on_lists, proposed, waiting

pytestmark = pytest.mark.django_db
TABLE = "catalog_packaging"


@pytest.fixture
def house(db: None) -> Floor:
    return a_house()


def a_case(house: Floor, units: int = 12, sku: int = 0, barcode: str = "") -> RegisterPackaging:
    return RegisterPackaging(COMPANY, house.codes[sku], "case", units, barcode)


def in_cases(house: Floor) -> None:
    done(register_packagings, a_case(house), replace(a_case(house, 48), kind="pallet"))


def picks(order: object) -> dict[str, int]:
    return dict(
        sql.run(
            "SELECT b.code, sum(t.quantity)::int FROM warehouse_picktask AS t JOIN network_bin AS b ON b.id = t.bin_id"
            " WHERE t.order_id = %(order)s GROUP BY 1",
            {"order": order},
        )
    )


def test_a_sku_comes_in_cases_and_on_pallets_until_it_does_not(house: Floor):
    sku = house.skus[0]
    (case, _) = done(
        register_packagings, a_case(house, 12, 0, "15012345678907"), replace(a_case(house, 48), kind="pallet")
    )
    assert case == PackagingRegistered(sku, "case")
    both = (Packaging("case", 12, "15012345678907"), Packaging("pallet", 48))
    assert queries.packagings([sku]) == {sku: both}
    scan = barcodes.read("15012345678907", NOW.date())
    ((found,),) = queries.by_scan(company=COMPANY, scans=[scan])
    assert (found.id, found.scanned_units) == (sku, 12)

    done(register_packagings, a_case(house, 0))
    assert queries.packagings([sku]) == {sku: both[1:]}
    told = sql.run("SELECT payload::text FROM kernel_event WHERE subject_id = %(s)s ORDER BY seq", {"s": sku})
    assert [text for (text,) in told][-2:] == ['{"changed": ["packagings"]}'] * 2


def test_what_makes_no_sense_changes_nothing(house: Floor):
    done(register_packagings, a_case(house, 12, 1, "15012345678907"))
    good = a_case(house)
    for change, refusal in (
        ({"sku": "none"}, NotFound), ({"kind": "box"}, Invalid), ({"barcode": "15012345678907"}, Invalid),
        ({"company": 9}, NotFound),
    ):  # fmt: skip
        refuses(register_packagings, replace(good, **change), refusal, good, TABLE)
    pallet = replace(good, kind="pallet", units=30)
    assert isinstance(register_packagings(SYSTEM, requests=[pallet])[0], Invalid), "no whole cases of 12"


def test_registering_again_changes_nothing_and_a_key_gets_its_answer(house: Floor):
    stands_when_repeated(register_packagings, [a_case(house)], TABLE)
    answers_its_key(register_packagings, a_case(house, 6, 1), a_case(house, 7, 2), TABLE)


def test_barcodes_are_locked_before_skus_as_where_skus_are_registered(statements, house: Floor):
    with statements() as ran:
        done(register_packagings, RegisterPackaging(COMPANY, "SKU-000", "case", 12, "15012345678907"))
    barcodes_at = next(i for i, text in enumerate(ran.texts) if "barcodes/" in text)
    skus_at = next(i for i, text in enumerate(ran.texts) if "FOR UPDATE OF s" in text)
    assert barcodes_at < skus_at


@pytest.mark.counts("catalog.register_packagings")
def test_statements_do_not_grow_with_the_batch(statements):
    house = a_house(MANY + 11)
    numbers = ((0, 1), (1, 11), (11, MANY + 11))
    batches = [[a_case(house, 12, i) for i in range(first, last)] for first, last in numbers]
    assert len(set(counts(statements, register_packagings, batches))) == 1


def test_whole_cases_and_pallets_are_picked_from_reserve_and_the_rest_from_the_pick_face(house: Floor):
    in_cases(house)
    house.stock(0, 40)
    house.stock(0, 100, kind="reserve")
    orders = [house.order((0, units)).order for units in (5, 63, 26)]
    allocated(*orders)
    released(*orders)
    assert [picks(order) for order in orders] == [
        {"PICK": 5},
        {"RESERVE": 60, "PICK": 3},
        {"RESERVE": 24, "PICK": 2},
    ]


def test_what_is_broken_already_serves_when_the_pick_face_is_empty(house: Floor):
    in_cases(house)
    house.stock(0, 3)
    house.stock(0, 14, kind="reserve")
    order = house.order((0, 17)).order
    allocated(order)
    released(order)
    assert picks(order) == {"RESERVE": 14, "PICK": 3}


def test_a_list_says_how_many_cases(house: Floor):
    in_cases(house)
    gathers()
    house.stock(0, 40)
    house.stock(0, 100, kind="reserve")
    (one,) = on_lists(house, 1, (0, 63)).lists
    told = {row.bin_code: [tuple(piece) for piece in row.pieces] for row in warehouse.list_stops(one)}
    assert told == {"PICK": [("", 3, 1)], "RESERVE": [("pallet", 1, 48), ("case", 1, 12)]}


def test_a_pick_face_of_which_nobody_said_more_is_filled_by_the_cases_of_the_catalog(house: Floor):
    in_cases(house)
    house.stock(0, 2)
    house.stock(0, 100, kind="reserve")
    set_pick_faces(SYSTEM, requests=[SetPickFace(COMPANY, house.skus[0], house.bin(), 10, 40)])
    review_faces(SYSTEM, requests=[ReviewFaces(house.nodes[0])])
    (one,) = shelf_queries.replenishments(company=COMPANY)
    assert (one.quantity, [tuple(piece) for piece in one.pieces]) == (36, [("case", 3, 12)])


def test_the_time_of_a_wave_counts_a_case_and_a_pallet_as_one_piece(house: Floor):
    """63 units of reserve are a pallet of 48, a case of 12 and 3 loose: 5 pieces, where 63 units would be 63."""
    in_cases(house)
    house.stock(0, 200, kind="reserve")
    gathers(mm_per_line=0, seconds_per_stop=0, seconds_per_list=0, seconds_per_unit=3)
    wave = on_lists(house, 1, (0, 63))
    told = warehouse.wave(wave.wave)
    assert told is not None
    assert (told.seconds, told.units, told.figures["pieces"]) == (15, 63, 5)

    house.stock(1, 100)
    loose = on_lists(house, 1, (1, 63))
    told = warehouse.wave(loose.wave)
    assert told is not None
    assert (told.seconds, told.figures["pieces"]) == (189, 63), "without cases each unit is a piece"


def test_what_is_on_the_floor_and_what_was_done_counts_pieces_too(house: Floor):
    in_cases(house)
    house.stock(0, 200, kind="reserve")
    gathers(pickers=1, packing_stations=9, mm_per_line=0, seconds_per_stop=0, seconds_per_unit=60)
    wave = on_lists(house, 1, (0, 63))
    (outlook, *_) = (one for one in task_times.outlooks(company=COMPANY, at=NOW) if one.node_code == "N1")
    assert next(one.needed_s for one in outlook.steps if one.step == "pick" and one.orders) == 5 * 60
    waiting(house, 1, (0, 12))
    assert proposed(house, ahead_minutes=6).orders == 1, "5 of 6 minutes are taken, a case takes one"

    person = someone("pia")
    take_lists(person, requests=[TakeList(wave.lists[0])])
    pick_lists(replace(person, at=NOW + timedelta(seconds=300)), requests=[PickList(wave.lists[0])])
    (seen,) = task_times.observed(company=COMPANY, since=NOW, until=NOW + timedelta(hours=1), idle_max_s=1800)
    assert (seen.step, seen.units, seen.pieces, seen.seconds) == ("pick", 63, 5, 300)


@given(st.integers(0, 500), st.sampled_from(((), (6,), (12,), (48,), (12, 48), (6, 24))))
def test_pieces_are_counted_alike_everywhere(units: int, sizes: tuple[int, ...]):
    kinds = ("case", "pallet") if len(sizes) == 2 or sizes != (48,) else ("pallet",)
    packagings = [Packaging(kind, size) for kind, size in zip(kinds, sizes, strict=False)]
    assert pieces_handled(units, sizes) == sum(one.number for one in pieces(units, packagings))


def test_the_database_counts_pieces_alike(house: Floor):
    in_cases(house)
    done(register_packagings, a_case(house, 6, sku=1), replace(a_case(house, 40, sku=2), kind="pallet"))
    sizes = {house.skus[0]: (12, 48), house.skus[1]: (6,), house.skus[2]: (40,)}
    statement = f"""SELECT u, handled.pieces FROM generate_series(0, 200) AS u
                    {shelf_queries.pieces_in("u", "%(sku)s::uuid", "%(reserve)s::boolean")}"""
    for sku, known in sizes.items():
        found = dict(sql.run(statement, {"sku": sku, "reserve": True}))
        assert found == {units: pieces_handled(units, known) for units in range(201)}
        assert dict(sql.run(statement, {"sku": sku, "reserve": False})) == {
            units: units for units in range(201)
        }
