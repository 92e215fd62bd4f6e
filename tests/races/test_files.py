"""Files in races with erasures: what was read before somebody was erased is never kept after."""

from __future__ import annotations

import threading
from io import BytesIO

import pytest
from django.db import transaction

from entrepot.kernel import files, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.files import DropFiles, FileMade, Made, MakeFile, drop_files, make_files
from entrepot.web import tasks
from tests.selling import COMPANY, NOW
from tests.together import at_once, until_someone_waits

ADA = Cause(Actor("ada", everything=True), NOW)
WAIT_S = 30


@pytest.fixture
def pages(committed_db, monkeypatch):
    """A page that reads, and then waits until it may go on; how often it was read."""
    read, go_on, times = threading.Event(), threading.Event(), []

    def make(cause: Cause, one: MakeFile) -> Made:
        times.append(one.address)
        content = BytesIO(f"read {len(times)}".encode())
        read.set()
        assert go_on.wait(WAIT_S)
        return Made("orders", "csv", 1, "orders.csv", "text/csv", content)

    monkeypatch.setitem(tasks.MAKERS, files.PAGE, make)
    return read, go_on, times


def contents() -> list[bytes]:
    return [bytes(one) for (one,) in sql.run("SELECT content FROM kernel_filepart")]


def test_a_file_that_is_through_while_somebody_is_being_erased_waits_and_is_made_anew(pages):
    read, go_on, times = pages

    def making():
        (made,) = make_files(ADA, requests=[MakeFile(COMPANY, "/orders/")])
        assert isinstance(made, FileMade)

    def erasing():
        assert read.wait(WAIT_S)
        with transaction.atomic():
            drop_files(ADA, requests=[DropFiles(COMPANY)])
            go_on.set()
            until_someone_waits("advisory")

    at_once([making, erasing])
    assert (len(times), contents()) == (2, [b"read 2"])


def test_an_erasure_that_comes_as_a_file_is_being_kept_waits_and_drops_it(pages):
    _, go_on, _ = pages
    go_on.set()
    kept = threading.Event()

    def making():
        with transaction.atomic():
            make_files(ADA, requests=[MakeFile(COMPANY, "/orders/")])
            kept.set()
            until_someone_waits("advisory")

    def erasing():
        assert kept.wait(WAIT_S)
        return drop_files(ADA, requests=[DropFiles(COMPANY)])[0].files

    assert at_once([making, erasing])[1] == 1
    assert contents() == []
