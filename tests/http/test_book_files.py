"""The books as files: asked for on a page or by a program, made by the worker, taken by whoever asked."""

from __future__ import annotations

import pytest

from entrepot.kernel import sql
from entrepot.web import making
from tests.http.test_long_files import job_at, link, served, text
from tests.shop import Shop, an_open_shop


@pytest.fixture
def shop(committed_db, monkeypatch) -> Shop:
    """Committed: the worker reads the books on a connection of its own."""
    monkeypatch.setattr(making, "LOOKED_S", 0.05)
    return an_open_shop(each=2)


@pytest.mark.parametrize(
    ("kind", "begins"), [("beancount", 'option "title"'), ("journal", "entry,line,date"), ("saft", "<?xml")]
)
def test_a_file_is_made_by_the_worker_and_noted(kind, begins, shop, console):
    page = console("auditor")
    assert "/books/files/saft/" in page.get("/books/files/").content.decode()
    told = page.get(f"/books/files/{kind}/?year={shop.now.year}")
    assert told.status_code == 302
    assert page.get(f"/books/files/{kind}/?year={shop.now.year}")["Location"] == told["Location"], (
        "it waits already"
    )
    served()
    assert job_at(told["Location"]).state == "done"
    file = page.get(link(page.get(told["Location"]).content.decode()))
    assert text(file).startswith(begins)
    assert f"-{kind}-{shop.now.year}-" in file["Content-Disposition"]
    ((what, form, rows),) = sql.run(
        "SELECT payload ->> 'what', payload ->> 'format', (payload ->> 'rows')::int FROM kernel_event"
        " WHERE command = 'kernel.note_exports' ORDER BY seq DESC LIMIT 1"
    )
    assert (what, form) == ("journal", kind)
    assert rows > 0
    assert page.get(f"/books/files/{kind}/?year=1492").status_code == 404
    assert page.get("/books/files/ledger/").status_code == 404


def test_programs_ask_for_one_and_nobody_else_takes_it(shop, program):
    ask = program("books")
    body = {"format": "journal"}
    job = ask.post("/api/v1/book-files", body, again="f").json()["job"]
    assert ask.post("/api/v1/book-files", body, again="f").json()["job"] == job
    served()
    answer = ask.get(f"/api/v1/jobs/{job}").json()["answer"]
    ((lines,),) = sql.run("SELECT count(*)::int FROM ledger_line WHERE company_id = 1")
    assert answer["rows"] == lines
    file = ask.get(f"/api/v1/files/{answer['file']}")
    assert len(file.content.decode().splitlines()) == lines + 1
    assert program("root").get(f"/api/v1/files/{answer['file']}").status_code == 404
    assert ask.post("/api/v1/book-files", {"format": "pdf"}, again="g").status_code == 422
