"""Two people give the same barcode to different SKUs at once, or attach one that was reported."""

from __future__ import annotations

import pytest

from entrepot.catalog import aliases, queries
from entrepot.catalog.commands.keep_aliases import AddAlias, AliasAdded, add_aliases
from entrepot.catalog.commands.register import register_skus
from entrepot.catalog.commands.report_barcodes import (
    AttachBarcode,
    BarcodeAttached,
    ReportBarcode,
    attach_barcodes,
    report_barcodes,
)
from entrepot.catalog.rules import RegisterSku
from entrepot.kernel import sql
from entrepot.kernel.errors import Refused, WrongState
from tests import walk
from tests.floor import COMPANY, SYSTEM, Floor
from tests.together import all_at_once, at_once

BARCODE = "4006381333931"


@pytest.fixture
def house(committed_db: None) -> Floor:
    return walk.a_house()


def test_a_barcode_that_two_give_at_once_stands_on_one_sku(house: Floor):
    wanted = [[AddAlias(COMPANY, code, name)] for code in house.codes for name in (BARCODE, f"0{BARCODE}")]
    answers = all_at_once(add_aliases, SYSTEM, *wanted)
    assert {type(one) for one in answers} == {AliasAdded, aliases.BarcodeTaken}
    assert sql.run("SELECT count(DISTINCT sku_id) FROM catalog_alias") == [(1,)]
    assert queries.discrepancies() == []


def test_a_barcode_is_an_alias_or_somebodys_own(house: Floor):
    own = RegisterSku(COMPANY, house.codes[0], "x", barcode=BARCODE)
    answers = at_once([
        lambda: register_skus(SYSTEM, requests=[own])[0],
        lambda: add_aliases(SYSTEM, requests=[AddAlias(COMPANY, house.codes[1], BARCODE)])[0],
    ])  # fmt: skip
    assert [isinstance(one, Refused) for one in answers].count(True) == 1, answers
    assert queries.discrepancies() == []


def test_a_report_is_resolved_once(house: Floor):
    (opened,) = report_barcodes(SYSTEM, requests=[ReportBarcode(COMPANY, house.nodes[0], BARCODE, "pick")])
    answers = all_at_once(
        attach_barcodes, SYSTEM, *[[AttachBarcode(opened.item, code)] for code in house.codes]
    )
    kinds = sorted(type(one).__name__ for one in answers)
    assert kinds.count("BarcodeAttached") == 1, kinds
    assert {type(one) for one in answers} <= {BarcodeAttached, WrongState, aliases.BarcodeTaken}
    assert sql.run("SELECT count(*) FROM catalog_alias") == [(1,)]
