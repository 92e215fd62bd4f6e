"""kernel: make_files, drop_files"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from uuid import UUID

import psycopg
import pytest
from django.db import transaction

from entrepot.kernel import files, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import NotFound, NotPermitted
from entrepot.kernel.files import (
    DropFiles,
    ErasedMeanwhile,
    FileMade,
    Made,
    MakeFile,
    drop_files,
    make_files,
)
from entrepot.web import tasks
from tests.selling import COMPANY, NOW
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db

ADA = Cause(Actor("ada", everything=True), NOW)
NEVER = NOW + timedelta(days=365)


@pytest.fixture(autouse=True)
def pages(monkeypatch) -> list[str]:
    """Pages that answer their own address as a file, but for `/none/`; the names of who asked."""
    asked: list[str] = []

    def make(cause: Cause, one: MakeFile) -> Made | NotFound:
        asked.append(cause.actor.name)
        if one.address == "/none/":
            return NotFound(what="page", which="/none/")
        return Made("orders", "csv", 3, "orders.csv", "text/csv", BytesIO(one.address.encode()))

    monkeypatch.setitem(tasks.MAKERS, files.PAGE, make)
    return asked


def made(*addresses: str, cause: Cause = ADA, key: str | None = None) -> list[FileMade]:
    found = make_files(cause, requests=[MakeFile(COMPANY, one, key=key) for one in addresses])
    assert all(isinstance(one, FileMade) for one in found), found
    return found


def there() -> list[tuple[str, int]]:
    return sql.run("SELECT asked_by, size::int FROM kernel_file ORDER BY id")


def bytes_of(which: UUID) -> bytes:
    return b"".join(files.content(which))


def parts() -> int:
    return sql.run("SELECT count(*)::int FROM kernel_filepart")[0][0]


def test_a_file_is_kept_for_a_day_for_who_asked(pages):
    (one,) = made("/orders/")
    assert (one.rows, one.size, one.until, pages) == (3, 8, NOW + timedelta(days=1), ["ada"])
    found = files.kept(COMPANY, one.file, by="ada", now=NOW)
    assert found == files.KeptFile(one.file, "orders.csv", "text/csv", 3, 8, one.until)
    assert bytes_of(one.file) == b"/orders/"
    nobody = [
        files.kept(COMPANY, one.file, by="eve", now=NOW),
        files.kept(COMPANY + 1, one.file, by="ada", now=NOW),
        files.kept(COMPANY, one.file, by="ada", now=one.until),
    ]
    assert nobody == [None, None, None], "another person, another company, a day later"


def test_the_trail_tells_it_as_a_file_that_is_taken_at_once():
    (one,) = made("/orders/")
    trail = "SELECT command, actor, state_after, payload FROM kernel_event WHERE subject_id = %(file)s"
    told = sql.run(trail, {"file": one.file})
    payload = {"what": "orders", "format": "csv", "rows": 3, "about": None}
    assert told == [("kernel.note_exports", "ada", "exported", payload)]


def test_a_long_file_is_kept_in_parts(monkeypatch):
    monkeypatch.setattr(files, "PART", 3)
    monkeypatch.setattr(files, "PARTS_AT_ONCE", 2)
    one, other = made("/orders/0123456789", "/sku/")
    assert (bytes_of(one.file), bytes_of(other.file)) == (b"/orders/0123456789", b"/sku/")
    assert (parts(), there()) == (8, [("ada", 18), ("ada", 5)])


def test_what_the_page_refuses_leaves_nothing_and_its_neighbor_is_made():
    none, one = make_files(ADA, requests=[MakeFile(COMPANY, "/none/"), MakeFile(COMPANY, "/orders/")])
    assert isinstance(none, NotFound) and isinstance(one, FileMade)
    assert (parts(), len(there())) == (1, 1)


def test_who_may_nothing_makes_nothing():
    asked = [MakeFile(COMPANY, "/orders/")]
    assert isinstance(make_files(Cause(Actor("eve"), NOW), requests=asked)[0], NotPermitted)
    assert isinstance(drop_files(Cause(Actor("eve"), NOW), requests=[DropFiles(COMPANY)])[0], NotPermitted)


def test_again_by_key_is_the_same_file(pages):
    first = made("/orders/", key="a")
    assert made("/orders/", key="a") == first
    assert (pages, len(there())) == (["ada"], 1)
    assert made("/orders/")[0].file != first[0].file, "without a key it is a file of its own"
    dropped = [DropFiles(COMPANY, key="d")]
    assert drop_files(ADA, requests=dropped) == drop_files(ADA, requests=dropped)


def test_files_go_after_their_day_with_their_bytes():
    made("/old/")
    made("/new/", cause=replace(ADA, at=NOW + timedelta(hours=1)))
    later = replace(ADA, at=NOW + timedelta(days=1))

    elsewhere, here = drop_files(later, requests=[DropFiles(COMPANY + 1), DropFiles(COMPANY, later.at)])

    assert (elsewhere.files, here.files, parts()) == (0, 1, 1)
    assert there() == [("ada", 5)]
    gone = sql.run("SELECT state_before, state_after FROM kernel_event WHERE command = 'kernel.drop_files'")
    assert gone == [("exported", "dropped")]


def test_all_of_a_company_go_where_they_may_name_somebody():
    made("/one/", "/two/")
    assert drop_files(ADA, requests=[DropFiles(COMPANY)])[0].files == 2
    assert (there(), parts()) == ([], 0)
    assert drop_files(ADA, requests=[DropFiles(COMPANY)])[0].files == 0


def erasing(monkeypatch, times: int) -> list[str]:
    """Pages that tell how often they were asked; somebody is erased while they are read, so many times."""
    told: list[str] = []

    def make(cause: Cause, one: MakeFile) -> Made:
        told.append(f"{one.address}{len(told)}")
        if len(told) <= times:
            drop_files(cause, requests=[DropFiles(COMPANY)])
        return Made("orders", "csv", 3, "orders.csv", "text/csv", BytesIO(told[-1].encode()))

    monkeypatch.setitem(tasks.MAKERS, files.PAGE, make)
    return told


def test_what_was_read_before_somebody_was_erased_is_made_anew(monkeypatch):
    erasing(monkeypatch, 1)
    (one,) = made("/orders/")
    assert (bytes_of(one.file), len(there()), parts()) == (b"/orders/1", 1, 1)


def test_a_file_beside_one_that_took_longer_is_made_anew_as_well(monkeypatch):
    told = erasing(monkeypatch, 2)
    one, other = made("/a/", "/b/")
    assert told == ["/a/0", "/b/1", "/a/2", "/b/3"], "both were read before the second was erased"
    assert (bytes_of(one.file), bytes_of(other.file)) == (b"/a/2", b"/b/3")


def test_other_companies_and_old_files_make_nothing_anew(monkeypatch):
    told: list[str] = []

    def make(cause: Cause, one: MakeFile) -> Made:
        told.append(one.address)
        drop_files(cause, requests=[DropFiles(COMPANY + 1), DropFiles(COMPANY, cause.at)])
        return Made("orders", "csv", 3, "orders.csv", "text/csv", BytesIO(b"x"))

    monkeypatch.setitem(tasks.MAKERS, files.PAGE, make)
    made("/orders/")
    assert told == ["/orders/"]


def test_where_people_are_erased_all_the_time_nothing_is_kept(monkeypatch):
    told = erasing(monkeypatch, files.TRIES)
    (refused,) = make_files(ADA, requests=[MakeFile(COMPANY, "/orders/")])
    assert isinstance(refused, ErasedMeanwhile) and "3 times in a row" in str(refused.message)
    assert (len(told), there(), parts()) == (files.TRIES, [], 0)
    assert sql.run("SELECT count(*) FROM kernel_event WHERE command = 'kernel.note_exports'") == [(0,)]


def test_the_database_keeps_no_file_for_longer():
    (one,) = made("/orders/")
    with (
        pytest.raises(psycopg.errors.CheckViolation, match="kernel_file_is_not_kept_for_long"),
        transaction.atomic(),
    ):
        sql.run(
            "UPDATE kernel_file SET until = until + interval '1 s' WHERE id = %(file)s", {"file": one.file}
        )


@pytest.mark.counts("kernel.make_files", "kernel.drop_files")
def test_statements_do_not_grow_with_the_batch(statements):
    counts = []
    for size in SIZES:
        with statements() as making:
            make_files(ADA, requests=[MakeFile(COMPANY, "") for _ in range(size)])
        with statements() as dropping:
            drop_files(ADA, requests=[DropFiles(COMPANY, NEVER)] * size)
        counts.append((len(making.texts), len(dropping.texts)))
    assert counts[0] == counts[1] == counts[2], counts
