"""work.keep_scans"""

from __future__ import annotations

import pytest

from entrepot.kernel.errors import Invalid
from entrepot.kernel.ids import uuid7
from entrepot.work import queries
from entrepot.work.commands.keep_scans import SCANS_MAX, KeepScans, ScansKept, keep_scans
from entrepot.work.errors import ScanMoved
from tests.floor import COMPANY, someone
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db
ADA, BEN = someone("ada"), someone("ben")


def kept(cause, subject, *scans: str, version: int = 0, key: str | None = None, flow: str = "pick"):
    return keep_scans(cause, requests=[KeepScans(COMPANY, flow, subject, scans, version, key)])[0]


def test_a_person_is_found_again_at_the_same_step():
    task = uuid7()
    first = kept(ADA, task, "bin")
    assert isinstance(first, ScansKept)
    second = kept(ADA, task, "bin", "item|1|S 1", version=first.version)
    assert queries.scanned("ada", "pick") == queries.Scanned(
        task, ("bin", "item|1|S 1"), second.version, ADA.at
    )
    assert queries.scanned("ben", "pick") is None
    assert kept(ADA, task, version=second.version).version == second.version + 1
    assert queries.scanned("ada", "pick").scans == ()


def test_another_task_begins_anew_and_others_are_left_alone():
    one, other = uuid7(), uuid7()
    kept(ADA, one, "bin")
    kept(BEN, one, "bin")
    kept(ADA, other, "bin", flow="pack")
    assert isinstance(kept(ADA, other), ScansKept)
    assert queries.scanned("ada", "pick").subject == other
    assert queries.scanned("ben", "pick").scans == ("bin",)
    assert queries.scanned("ada", "pack").scans == ("bin",)


def test_a_screen_that_is_behind_is_told_so():
    task = uuid7()
    first = kept(ADA, task, "bin")
    kept(ADA, task, "bin", "item|1|", version=first.version)
    assert type(kept(ADA, task, "bin", "item|1|", version=first.version)) is ScanMoved
    assert queries.scanned("ada", "pick").scans == ("bin", "item|1|")
    assert type(kept(ADA, task, *["item|1|"] * (SCANS_MAX + 1))) is Invalid


def test_a_scan_that_is_sent_again_counts_once():
    task = uuid7()
    assert kept(ADA, task, "bin", key="k") == kept(ADA, task, "bin", key="k")
    assert queries.scanned("ada", "pick").scans == ("bin",)


@pytest.mark.counts("work.keep_scans")
@pytest.mark.parametrize("count", SIZES)
def test_statements_do_not_grow_with_the_batch(statements, count):
    requests = [KeepScans(COMPANY, f"flow {i}", uuid7(), ("bin",)) for i in range(count)]
    with statements() as ran:
        answers = keep_scans(ADA, requests=requests)
    assert all(isinstance(one, ScansKept) for one in answers)
    assert len([text for text in ran.texts if "SAVEPOINT" not in text]) == 3, ran
