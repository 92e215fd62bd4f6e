"""The workbench of clearing accounts, for people and programs."""

from __future__ import annotations

import io
import json

import pytest
from openpyxl import load_workbook

from entrepot.kernel import ids, sql
from entrepot.ledger.commands.post import Posting, post
from tests.floor import COMPANY, NOW, SYSTEM, balance
from tests.http.test_packing import said

pytestmark = pytest.mark.django_db


@pytest.fixture
def lines(shop) -> list[int]:
    """Accruals of 100 and 60, and 30 back, of documents of their own."""
    post(SYSTEM, requests=[
        Posting(COMPANY, "shipping.accrued", "test", ids.uuid7(), "GBP", (("carriage", one),), NOW)
        for one in (10_000, 6_000, -3_000)
    ])  # fmt: skip
    newest = "SELECT line_id FROM ledger_clearingitem WHERE account = 2150 ORDER BY line_id DESC LIMIT 3"
    return [line for (line,) in reversed(sql.run(newest))]


def test_a_controller_matches_splits_explains_and_gives_up_and_another_one_approves(console, lines, shop):
    page, where = console("books"), "/books/clearing/lines/?account=2150"
    shown = page.get("/books/clearing/").content.decode()
    assert "Carrier accrual" in shown
    one, two, back = lines
    selected = {
        "line": [f"-{one} GBP", f"{back} GBP"],
        f"part-{one}": "30.00",
        "reason": "of one week",
        "next": where,
    }
    assert said(page.post("/books/clearing/act/", selected | {"action": "match", f"part-{one}": "29"})) == [
        "The lines are off by 1.00 GBP. Choose others, take a part of one, or write the rest off."
    ]
    assert said(page.post("/books/clearing/act/", selected | {"action": "match", f"part-{one}": "x"}))[0]
    assert said(page.post("/books/clearing/act/", selected | {"action": "match"})) == [
        "The lines are matched."
    ]
    assert "of one week" in page.get(where).content.decode()
    note = {
        "line": [f"-{two} GBP"],
        "action": "note",
        "code": "invoice not in",
        "reason": "asked",
        "next": where,
    }
    assert said(page.post("/books/clearing/act/", note)) == ["1 line is explained."]
    gone = {
        "line": [f"-{one} GBP"],
        "action": "write_off",
        "code": "other",
        "reason": "given up",
        "next": where,
    }
    assert said(page.post("/books/clearing/act/", gone)) == [
        "It is written off, or waits for another person to approve it."
    ]
    ((waiting,),) = sql.run("SELECT id FROM settlement_writeoff")
    assert "Another person approves it" in page.get("/books/clearing/").content.decode()
    decide = {"write_off": str(waiting), "action": "approve"}
    before = balance(5510)
    page.post("/books/clearing/decide/", decide)
    assert balance(5510) == before
    console("root").post("/books/clearing/decide/", decide)
    assert balance(5510) == before - 7_000
    assert said(page.post("/books/clearing/act/", {"action": "match"})) == [
        "Nothing was selected, so nothing was done."
    ]
    page.post("/books/clearing/undo/", {"match": str(ids.uuid7()), "why": "no"})
    assert "found" in said(page.post("/books/clearing/rules/", {}))[0]


def test_what_is_open_is_filtered_and_exported(console, lines):
    page = console("auditor")
    where = "/books/clearing/lines/?account=2150&side=debit&older=30&noted=no&currency=GBP"
    assert page.get(where).status_code == 200
    assert page.get("/books/clearing/lines/").status_code == 200
    assert page.get("/books/clearing/lines/?account=1000").status_code == 404
    rows = page.get("/books/clearing/lines/?account=2150&format=csv").getvalue().decode().splitlines()
    assert rows[0].startswith("line,entry,account")
    assert len(rows) > 3

    book = load_workbook(io.BytesIO(page.get("/books/clearing/lines/?account=2150&format=xlsx").content))
    assert book.active.max_row == len(rows)


def test_programs_do_the_same(program, lines):
    ask = program("books")
    found = ask.get("/api/v1/clearing")
    assert [one["state"] for one in found.json() if one["account"] == 2150]
    one, _, back = lines
    parts = [{"line": one, "amount_minor": -3_000}, {"line": back}]
    answer = ask.post("/api/v1/clearing/matches", {"parts": parts, "why": "one week"})
    assert answer.status_code == 200, answer.content
    match = answer.json()["match"]
    listed = ask.get("/api/v1/clearing/matches?account=2150").json()["items"]
    assert json.dumps(match) in json.dumps(listed)
    assert (
        ask.post("/api/v1/clearing/matches/undo", {"match": match, "why": "no"}, again="u").json()["lines"]
        == 2
    )
    assert ask.post("/api/v1/clearing", {}, again="r").json()["company"] == COMPANY
    assert len(ask.get("/api/v1/clearing/lines?account=2150&limit=2").json()["items"]) == 2


def test_a_file_of_a_list_and_everything_of_a_person_are_noted(console, shop):
    page = console("books")
    page.get("/books/clearing/lines/?account=2150&format=csv")
    ((number,),) = sql.run("SELECT number FROM orders_order WHERE address_id IS NOT NULL LIMIT 1")
    page.post("/books/privacy/export/", {"who": number})
    told = sql.run(
        "SELECT payload->>'what', payload->>'about' FROM kernel_event WHERE command = 'kernel.note_exports'"
    )
    assert [what for what, _ in told] == ["clearing", "everything of a person"]
    assert told[1][1]
