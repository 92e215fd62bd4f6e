"""catalog.register_skus"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from entrepot.catalog import queries
from entrepot.catalog.barcodes import Scan
from entrepot.catalog.commands.register import RegisterSku, SkuRegistered, register_skus
from entrepot.catalog.commands.register_packagings import RegisterPackaging, register_packagings
from entrepot.kernel import sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import Invalid, NotPermitted
from entrepot.sourcing.facts import sizes_of
from tests.registers import (
    CAUSE,
    COMPANY,
    NOW,
    answers_its_key,
    content,
    counts,
    done,
    refuses,
    stands_when_repeated,
)
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db

MUG = RegisterSku(
    COMPANY, "MUG", "A mug", "kitchen", weight_g=310, length_mm=120, width_mm=95, height_mm=100,
    barcode="5012345678900", serial_policy="at_ship", hs_code="691110", list_price=Decimal("12.95"),
    standard_cost=Decimal("5.123456"),
)  # fmt: skip
PEN = RegisterSku(COMPANY, "PEN", "A pen")


def test_a_scan_finds_a_sku_by_barcode_in_any_spelling_and_by_code():
    mug, pen = done(register_skus, MUG, PEN)
    scans = [
        Scan("", ("05012345678900", "5012345678900")), Scan("", ("PEN",)), Scan("", ("?",)), Scan("", ()),
    ]  # fmt: skip

    found = queries.by_scan(company=COMPANY, scans=scans)
    assert [[sku.id for sku in skus] for skus in found] == [[mug.id], [pen.id], [], []]


def test_a_barcode_of_a_case_is_refused_and_one_of_several_skus_is_asked_when_it_is_scanned():
    done(register_skus, MUG, PEN)
    (case,) = register_packagings(
        CAUSE, requests=[RegisterPackaging(COMPANY, "MUG", "case", 6, "15012345678907")]
    )
    assert case.kind == "case"
    own, other, fine = register_skus(
        CAUSE,
        requests=[
            replace(MUG, barcode="15012345678907"),
            replace(PEN, barcode="15012345678907"),
            replace(PEN, barcode=MUG.barcode),
        ],
    )
    for one in (own, other):
        assert isinstance(one, Invalid) and "a case of MUG bears it" in one.message
    assert isinstance(fine, SkuRegistered)
    (both,) = queries.by_scan(company=COMPANY, scans=[Scan("", (MUG.barcode,))])
    assert [sku.code for sku in both] == ["MUG", "PEN"], "whoever scans it is asked which one it is"
    (shared,) = register_packagings(
        CAUSE, requests=[RegisterPackaging(COMPANY, "PEN", "case", 6, MUG.barcode)]
    )
    assert isinstance(shared, Invalid)


def test_a_sku_stands_as_given():
    mug, pen = done(register_skus, MUG, PEN)

    found = queries.skus(company=COMPANY, codes=["MUG", "PEN", "TIN"])
    assert {code: sku.id for code, sku in found.items()} == {"MUG": mug.id, "PEN": pen.id}
    assert queries.sku_by_id(mug.id) == found["MUG"]
    assert queries.skus_by_id([pen.id]) == {pen.id: found["PEN"]}
    assert queries.by_barcode(company=COMPANY, barcodes=["5012345678900", ""]) == {
        "5012345678900": [found["MUG"]]
    }
    for name in (
        "name",
        "category",
        "weight_g",
        "length_mm",
        "serial_policy",
        "hs_code",
        "list_price",
        "standard_cost",
    ):
        assert getattr(found["MUG"], name) == getattr(MUG, name)
    assert (found["PEN"].list_price, found["PEN"].status) == (None, "active")


def test_a_changed_sku_keeps_its_id_and_the_log_names_what_changed():
    (first,) = done(register_skus, MUG)
    (second,) = done(register_skus, replace(MUG, name="A large mug", weight_g=350))

    assert second == first
    assert queries.sku_by_id(first.id).name == "A large mug"
    told = sql.run(
        "SELECT state_before, state_after, payload::text FROM kernel_event WHERE subject_kind = 'sku' ORDER BY seq"
    )
    assert told == [
        ("", "registered", None),
        ("registered", "registered", '{"changed": ["name", "weight_g"]}'),
    ]


def test_list_prices_are_kept_from_the_moment_that_they_changed():
    later = Cause(CAUSE.actor, NOW + timedelta(days=1))
    (mug,) = done(register_skus, MUG)
    done(register_skus, MUG, PEN, replace(MUG, code="TIN", list_price=None))
    register_skus(later, requests=[replace(MUG, list_price=Decimal(14))])
    register_skus(later, requests=[replace(MUG, list_price=Decimal(15), name="A larger mug")])

    told = sql.run("SELECT sku_id, since, list_price FROM catalog_listprice ORDER BY since")
    assert told == [(mug.id, NOW, Decimal("12.95")), (mug.id, later.at, Decimal(15))]


def test_the_same_code_in_another_company_is_another_sku():
    mine, yours = done(register_skus, MUG, replace(MUG, company=2))
    assert mine.id != yours.id


def test_of_two_with_one_code_in_one_list_the_later_stands():
    first, second = done(register_skus, MUG, replace(MUG, name="The later"))
    assert first == second == SkuRegistered(first.id, "MUG")
    assert queries.sku_by_id(first.id).name == "The later"


@pytest.mark.parametrize(
    "change",
    [
        {"code": ""}, {"code": " MUG"}, {"status": "gone"}, {"lot_policy": "lots"}, {"serial_policy": "ever"},
        {"weight_g": -1}, {"height_mm": 100_001}, {"weight_g": 10_000_001}, {"minimum_age": -1},
        {"category": " kitchen"}, {"list_price": Decimal("-0.01")}, {"standard_cost": Decimal("0.0000001")},
        {"list_price": Decimal("NaN")},
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_and_nothing_is_written(change):
    refuses(register_skus, replace(MUG, **change), Invalid, PEN, "catalog_sku")


def test_the_largest_sku_that_may_stand_is_no_harm_to_whoever_sources_it():
    (found,) = done(
        register_skus,
        replace(MUG, length_mm=100_000, width_mm=100_000, height_mm=100_000, weight_g=10_000_000),
    )
    assert sizes_of([found.id]) == {found.id: (10_000_000, 10**12)}


def test_registering_again_changes_nothing():
    stands_when_repeated(register_skus, [MUG, PEN], "catalog_sku")


def test_a_key_gets_its_answer_again():
    answers_its_key(register_skus, MUG, PEN, "catalog_sku")


def test_who_may_not_is_refused():
    before = content("catalog_sku")
    (answer,) = register_skus(Cause(Actor("eve"), NOW), requests=[MUG])
    assert isinstance(answer, NotPermitted)
    assert content("catalog_sku") == before


def test_nothing_asked_is_nothing_done(statements):
    with statements() as ran:
        assert register_skus(CAUSE, requests=[]) == []
    assert len(ran) == 0


@pytest.mark.counts("catalog.register_skus")
def test_statements_do_not_grow_with_the_batch(statements):
    batches = [[replace(MUG, code=f"{n}-{i}") for i in range(n)] for n in SIZES]
    assert counts(statements, register_skus, batches) == [
        6,
        6,
        6,
    ]  # lock barcodes, who bears them, lock and load, write, list prices, events
