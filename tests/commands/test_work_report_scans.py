"""work.report_scans"""

from __future__ import annotations

from dataclasses import replace

import pytest

from entrepot.kernel.ids import uuid7
from entrepot.work import queries
from entrepot.work.commands.report_scans import ReportScan, report_scans
from tests.floor import COMPANY, someone
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db
ADA = someone("ada")


def test_the_same_find_at_a_node_is_one_item(db):
    here, there = uuid7(), uuid7()
    finds = [
        ReportScan(COMPANY, node, "expired", "5012345600001", "pick", "Expired on 2026-11-01")
        for node in (here, there)
    ]
    first = report_scans(ADA, requests=finds)
    again = report_scans(ADA, requests=[finds[0]])
    assert [one.fresh for one in (*first, *again)] == [True, True, False]
    assert again[0].item == first[0].item
    (item,) = queries.of_subject(here)
    assert (item.type, item.role, item.facts) == (
        "expired on the floor", "inventory manager", {"barcode": "5012345600001", "flow": "pick"},
    )  # fmt: skip


def test_a_find_that_is_reported_again_tells_its_item_what_that_lacked(db):
    node = uuid7()
    bare = ReportScan(COMPANY, node, "unknown", "4006381333931", "count", "nobody knows it")
    report_scans(ADA, requests=[bare])
    report_scans(ADA, requests=[replace(bare, place="A-01")])
    report_scans(ADA, requests=[replace(bare, place="B-02", expected="MUG")])
    (item,) = queries.of_subject(node)
    assert item.facts == {"barcode": "4006381333931", "flow": "count", "place": "A-01", "expected": "MUG"}


def test_a_find_that_is_reported_again_by_key_is_answered_as_before(db):
    find = ReportScan(COMPANY, uuid7(), "unknown", "4006381333931", "count", "nobody knows it", key="k")
    assert report_scans(ADA, requests=[find]) == report_scans(ADA, requests=[find])


@pytest.mark.counts("work.report_scans")
def test_statements_do_not_grow_with_the_batch(db, statements):
    counts = []
    for size in SIZES:
        node = uuid7()
        wanted = [
            ReportScan(COMPANY, node, "unknown", f"{i:013}", "count", "nobody knows it") for i in range(size)
        ]
        with statements() as ran:
            report_scans(ADA, requests=wanted)
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert len(set(counts)) == 1, counts
