"""catalog.add_aliases, drop_aliases, report_barcodes, attach_barcodes"""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from entrepot.catalog import aliases, barcodes, queries
from entrepot.catalog.commands.keep_aliases import (
    AddAlias,
    AliasAdded,
    AliasDropped,
    DropAlias,
    add_aliases,
    drop_aliases,
)
from entrepot.catalog.commands.register import register_skus
from entrepot.catalog.commands.register_packagings import RegisterPackaging, register_packagings
from entrepot.catalog.commands.report_barcodes import (
    PHOTOS_MAX,
    AttachBarcode,
    BarcodeAttached,
    ReportBarcode,
    attach_barcodes,
    report_barcodes,
)
from entrepot.catalog.rules import RegisterSku
from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import Invalid, NotFound, WrongState
from entrepot.work import queries as work
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.errors import OfAnotherRole
from tests.floor import COMPANY, NOW, SYSTEM, Floor
from tests.registers import answers_its_key, counts, done, refuses, stands_when_repeated
from tests.rules.test_returns_photos import png
from tests.sizes import SIZES
from tests.walk import a_house

pytestmark = pytest.mark.django_db
TABLES = ("catalog_alias", "catalog_barcodephoto", "work_item")
OTHER = "4006381333931"
PNG = png()


@pytest.fixture
def house(db: None) -> Floor:
    return a_house()


def alias(house: Floor, sku: int = 0, barcode: str = OTHER) -> AddAlias:
    return AddAlias(COMPANY, house.codes[sku], barcode)


def scanned(text: str) -> list[UUID]:
    said = barcodes.read(text, NOW.date())
    assert isinstance(said, barcodes.Scan)
    return [one.id for one in queries.by_scan(company=COMPANY, scans=[said])[0]]


def test_a_sku_is_known_by_a_further_barcode_in_all_spellings_until_it_is_dropped(house: Floor):
    assert done(add_aliases, alias(house)) == [AliasAdded(house.skus[0], OTHER)]
    assert scanned(OTHER) == scanned(f"0{OTHER}") == scanned(f"(01)0{OTHER}(10)L1") == [house.skus[0]]
    assert [one.barcode for one in queries.aliases(sku=house.skus[0])] == [OTHER]

    done(drop_aliases, DropAlias(COMPANY, OTHER))

    assert scanned(OTHER) == []
    (answer,) = drop_aliases(SYSTEM, requests=[DropAlias(COMPANY, OTHER)])
    assert answer == NotFound(what="alias", which=OTHER)


@pytest.mark.parametrize("wrong", ["", " 1", "=yes", "4006381333932", "106141412345678908"])
def test_what_can_be_no_barcode_is_refused(house: Floor, wrong: str):
    refuses(add_aliases, alias(house, barcode=wrong), Invalid, alias(house), *TABLES)


def test_a_barcode_of_another_sku_is_refused_with_whose_it_is(house: Floor):
    sku = queries.skus_by_id([house.skus[1]])[house.skus[1]]
    done(register_skus, RegisterSku(COMPANY, sku.code, sku.name, barcode=OTHER))
    for taken in (OTHER, f"0{OTHER}", house.codes[2]):
        refuses(add_aliases, alias(house, 0, taken), aliases.BarcodeTaken, alias(house, 1), *TABLES)
    case = RegisterPackaging(COMPANY, house.codes[2], "case", 12, "15012345678907")
    done(register_packagings, case)
    refuses(add_aliases, alias(house, 0, case.barcode), aliases.BarcodeTaken, alias(house, 1), *TABLES)
    refuses(add_aliases, replace(alias(house), sku="none"), NotFound, alias(house, 1), *TABLES)


def test_of_two_skus_in_one_batch_the_first_gets_it(house: Floor):
    first, second = add_aliases(SYSTEM, requests=[alias(house, 0), alias(house, 1)])
    assert isinstance(first, AliasAdded)
    assert second == aliases.BarcodeTaken(barcode=OTHER, sku=house.codes[1], other=house.codes[0])


def test_a_further_barcode_becomes_nobodys_own_and_no_cases(house: Floor):
    done(add_aliases, alias(house))
    (own,) = register_skus(SYSTEM, requests=[RegisterSku(COMPANY, house.codes[1], "x", barcode=OTHER)])
    (case,) = register_packagings(
        SYSTEM, requests=[RegisterPackaging(COMPANY, house.codes[0], "case", 12, OTHER)]
    )
    assert isinstance(own, Invalid) and house.codes[0] in own.message
    assert isinstance(case, Invalid)


@pytest.mark.parametrize("number", [OTHER, f"0{OTHER}"])
def test_the_skus_own_barcode_is_no_further_one_and_the_sku_is_registered_again(house: Floor, number: str):
    own = RegisterSku(COMPANY, house.codes[0], "x", barcode=OTHER)
    done(register_skus, own)
    (stands,) = done(add_aliases, alias(house, barcode=number))
    assert (stands.sku, stands.barcode, stands.fresh) == (house.skus[0], number, False)
    assert done(add_aliases, alias(house, barcode=house.codes[0]))[0].fresh is False
    assert queries.aliases(sku=house.skus[0]) == []
    done(register_skus, replace(own, name="y"))


def test_a_further_barcode_becomes_the_skus_own_and_stands_but_once(house: Floor):
    done(add_aliases, alias(house))
    (again,) = done(add_aliases, alias(house, barcode=f"0{OTHER}"))
    assert not again.fresh
    done(register_skus, RegisterSku(COMPANY, house.codes[0], "x", barcode=f"0{OTHER}"))
    assert [one.barcode for one in queries.aliases(sku=house.skus[0])] == [OTHER]
    assert scanned(OTHER) == [house.skus[0]]


def test_a_further_barcode_is_taken_in_all_spellings_also_for_codes(house: Floor):
    done(add_aliases, alias(house))
    for number in (OTHER, f"0{OTHER}"):
        (own,) = register_skus(SYSTEM, requests=[RegisterSku(COMPANY, house.codes[1], "x", barcode=number)])
        (code,) = register_skus(SYSTEM, requests=[RegisterSku(COMPANY, number, "x")])
        (case,) = register_packagings(
            SYSTEM, requests=[RegisterPackaging(COMPANY, house.codes[1], "case", 12, number)]
        )
        for refused, field in ((own, "barcode"), (code, "code"), (case, "barcode")):
            assert isinstance(refused, Invalid) and refused.message.startswith(field), refused
        assert house.codes[0] in own.message and house.codes[0] in code.message
    done(register_packagings, RegisterPackaging(COMPANY, house.codes[2], "case", 12, "5012345678900"))
    (unit,) = register_skus(
        SYSTEM, requests=[RegisterSku(COMPANY, house.codes[1], "x", barcode="05012345678900")]
    )
    assert isinstance(unit, Invalid)


def test_a_further_barcode_is_dropped_off_the_sku_that_is_named(house: Floor):
    done(add_aliases, alias(house))
    (wrong,) = drop_aliases(SYSTEM, requests=[DropAlias(COMPANY, OTHER, sku=house.codes[1])])
    assert wrong == NotFound(what="alias", which=OTHER)
    wrong, right = drop_aliases(SYSTEM, requests=[
        DropAlias(COMPANY, OTHER, sku=house.codes[1]), DropAlias(COMPANY, OTHER, sku=house.codes[0])
    ])  # fmt: skip
    assert isinstance(wrong, NotFound) and right == AliasDropped(house.skus[0], OTHER)


def test_aliases_stand_when_repeated_and_a_key_gets_its_answer(house: Floor):
    stands_when_repeated(add_aliases, [alias(house)], *TABLES)
    answers_its_key(add_aliases, alias(house, 0, "5012345678900"), alias(house, 1), *TABLES)


@pytest.mark.counts("catalog.add_aliases")
def test_statements_of_adding_do_not_grow_with_the_batch(house: Floor, statements):
    batches = [[alias(house, i % 2, f"L{size}-{i}") for i in range(size)] for size in SIZES]
    assert len(set(counts(statements, add_aliases, batches))) == 1


@pytest.mark.counts("catalog.drop_aliases")
def test_statements_of_dropping_do_not_grow_with_the_batch(house: Floor, statements):
    names = [[f"L{size}-{i}" for i in range(size)] for size in SIZES]
    for some in names:
        done(add_aliases, *[alias(house, 0, name) for name in some])
    batches = [[DropAlias(COMPANY, name) for name in some] for some in names]
    assert len(set(counts(statements, drop_aliases, batches))) == 1


# ---- reported on the floor


def report(house: Floor, scanned: str = OTHER, **more: object) -> ReportBarcode:
    return replace(ReportBarcode(COMPANY, house.nodes[0], scanned, "pick", "A-01", house.codes[0]), **more)  # type: ignore[arg-type]


def test_an_unknown_code_is_work_with_its_place_and_its_first_photos(house: Floor):
    (opened,) = done(report_barcodes, report(house, photo=PNG))
    (again,) = done(report_barcodes, report(house, photo=PNG))
    (item,) = work.of_subject(house.nodes[0])

    assert (opened.fresh, again.fresh, again.item) == (True, False, item.id)
    assert (item.type, item.role) == ("unknown barcode", "inventory manager")
    assert item.facts == {"barcode": OTHER, "flow": "pick", "place": "A-01", "expected": house.codes[0]}
    (digest,) = queries.photos_of(item=item.id)
    assert queries.photo(item=item.id, digest=digest) == ("png", PNG)
    for _ in range(PHOTOS_MAX):
        done(report_barcodes, report(house))
    assert len(queries.photos_of(item=item.id)) == 1


def test_a_code_of_other_goods_is_told_apart_and_a_right_one_is_no_report(house: Floor):
    done(add_aliases, alias(house, 1))
    done(report_barcodes, report(house))
    (item,) = work.of_subject(house.nodes[0])
    assert item.type == "wrong barcode"
    assert house.codes[1] in item.reason
    refuses(
        report_barcodes,
        report(house, expected=house.codes[1]),
        aliases.NotReportable,
        report(house),
        "work_item",
    )


@pytest.mark.parametrize(
    "wrong", [{"scanned": ""}, {"scanned": "=yes"}, {"scanned": "1" * 401}, {"photo": b"text"}]
)
def test_what_nobody_scanned_and_what_is_no_photo_is_refused(house: Floor, wrong: dict[str, object]):
    refuses(report_barcodes, replace(report(house), **wrong), Invalid, report(house), *TABLES)  # type: ignore[arg-type]


def test_a_report_that_is_sent_again_by_key_is_answered_as_before(house: Floor):
    answers_its_key(report_barcodes, report(house), report(house, "5012345678900"), *TABLES)


@pytest.mark.counts("catalog.report_barcodes")
def test_statements_of_reporting_do_not_grow_with_the_batch(house: Floor, statements):
    batches = [[report(house, f"R{size}-{i}", photo=PNG) for i in range(size)] for size in SIZES]
    assert len(set(counts(statements, report_barcodes, batches))) == 1


# ---- looked up


def reported(house: Floor, *codes: str) -> list[UUID]:
    return [one.item for one in done(report_barcodes, *[report(house, code) for code in codes])]


def test_a_code_that_was_reported_is_attached_and_its_item_ends(house: Floor):
    (item,) = reported(house, f"(01)0{OTHER}(10)L1")

    (answer,) = done(attach_barcodes, AttachBarcode(item, house.codes[0], "new label of the supplier"))

    assert answer == BarcodeAttached(item, house.skus[0], f"0{OTHER}")
    found = work.item(item)
    assert found is not None
    assert (found.state, found.root_cause) == ("done", "catalog")
    assert scanned(OTHER) == [house.skus[0]]
    (late,) = attach_barcodes(SYSTEM, requests=[AttachBarcode(item, house.codes[1])])
    assert isinstance(late, WrongState)


def test_what_can_not_be_attached_leaves_its_item_open(house: Floor):
    good, taken, misread = reported(house, "X-1", OTHER, "4006381333932")
    done(add_aliases, alias(house, 1))
    (about,) = done(open_items, OpenItem(COMPANY, "weight off", "package", ids.uuid7(), "x", "picker"))
    fit = AttachBarcode(good, house.codes[0])
    for wrong, refusal in (
        (AttachBarcode(taken, house.codes[0]), aliases.BarcodeTaken), (AttachBarcode(good, "none"), NotFound),
        (AttachBarcode(ids.uuid7(), house.codes[0]), NotFound), (AttachBarcode(misread, house.codes[0]), Invalid),
        (AttachBarcode(about.item, house.codes[0]), aliases.NoBarcodeAsked),
    ):  # fmt: skip
        (answer,) = attach_barcodes(SYSTEM, requests=[wrong])
        assert type(answer) is refusal and "?" not in answer.message
    answers = attach_barcodes(SYSTEM, requests=[AttachBarcode(taken, house.codes[0]), fit])
    assert [type(one) for one in answers] == [aliases.BarcodeTaken, BarcodeAttached]
    (still,) = work.these([taken])
    assert still.state == "open"


def test_whoever_may_not_decide_about_the_item_attaches_nothing(house: Floor):
    (item,) = reported(house, OTHER)
    (answer,) = attach_barcodes(
        Cause(Actor("pia", frozenset({"catalog.attach_barcodes"})), NOW),
        requests=[AttachBarcode(item, house.codes[0])],
    )
    assert isinstance(answer, OfAnotherRole)
    assert scanned(OTHER) == []


def test_attaching_again_by_key_is_answered_as_before(house: Floor):
    first, second = reported(house, "X-1", "X-2")
    answers_its_key(
        attach_barcodes, AttachBarcode(first, house.codes[0]), AttachBarcode(second, house.codes[0]), *TABLES
    )


@pytest.mark.counts("catalog.attach_barcodes")
def test_statements_of_attaching_do_not_grow_with_the_batch(house: Floor, statements):
    batches = [
        [
            AttachBarcode(item, house.codes[0])
            for item in reported(house, *[f"A{size}-{i}" for i in range(size)])
        ]
        for size in SIZES
    ]
    assert len(set(counts(statements, attach_barcodes, batches))) == 1


def test_nothing_of_it_contradicts_itself(house: Floor):
    done(add_aliases, alias(house))
    assert queries.discrepancies() == []
    sql.run(
        "UPDATE catalog_sku SET barcode = %(b)s WHERE id = %(s)s RETURNING id",
        {"b": f"0{OTHER}", "s": house.skus[1]},
    )
    assert [text.split(" of ")[0] for text in queries.discrepancies()] == [f"alias {OTHER}"]
    (code,) = sql.run(
        "UPDATE catalog_sku SET barcode = '', code = %(b)s WHERE id = %(s)s RETURNING code",
        {"b": f"0{OTHER}", "s": house.skus[1]},
    )[0]
    assert queries.discrepancies() == [f"alias {OTHER} of SKU {house.codes[0]} is the code of SKU {code}"]
    sql.run(
        "UPDATE catalog_sku SET code = %(c)s WHERE id = %(s)s RETURNING id",
        {"c": house.codes[1], "s": house.skus[1]},
    )
