"""Bank statements: the page with its file and decisions, and the API."""

from __future__ import annotations

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from entrepot.settlement import bank_queries
from tests.http.test_api import is_problem
from tests.http.test_packing import said
from tests.http.test_returns_pages import said as all_said
from tests.rules.test_bank import BOMB, CAMT
from tests.shop import COMPANY

pytestmark = pytest.mark.django_db


def test_a_file_is_taken_and_its_lines_are_decided(shop, console):
    page = console("books")

    def send(text: str, **fields: str) -> list[str]:
        file = SimpleUploadedFile("statement", text.encode(), "application/octet-stream")
        return said(page.post("/books/bank/take/", {**fields, "file": file}))

    assert send(BOMB) == ["The file can't be read: it declares a document type, which no statement needs."]
    assert "say the account" in send("date,amount\n2026-11-23,1.00\n")[0]
    assert send(CAMT) == ["The statement is taken in."]
    assert send("date,amount\n2026-11-23,1.00\n2026-11-24,2.00\n", account="A", external_id="1") == [
        "The statement is taken in."
    ]

    (known,) = send(CAMT)
    assert re.fullmatch(
        r"Statement BS-\d+ was taken in before, with all its lines. Nothing has changed.", known
    )
    (other,) = send("date,amount\n2026-11-23,1.00\n2026-11-24,2.00\n", account="A", external_id="2")
    assert re.search(r"statement 2: all its lines were taken as BS-\d+, under the name 1\.", other)

    shown = page.get("/books/bank/").content.decode()
    assert "Lines that wait" in shown
    line = bank_queries.lines(COMPANY, waiting=True)[0]
    form = {"statement": line.statement, "line": line.number, "purpose": "other", "reason": "interest"}
    assert said(page.post("/books/bank/decide/", form)) == ["The line is decided."]
    assert page.get(f"/documents/{line.statement}/").status_code == 200
    assert "A controller decides it." in console("supervisor").get("/books/bank/").content.decode()


def test_a_line_is_split_on_the_page_and_each_part_decided(shop, console):
    page = console("books")
    file = SimpleUploadedFile("s", b"date,amount,text\n2026-11-23,-900.00,two bills\n2026-11-24,5.00,x\n")
    page.post("/books/bank/take/", {"file": file, "account": "A", "external_id": "1"})
    line = bank_queries.lines(COMPANY, waiting=True)[0]
    form = {"statement": line.statement, "line": line.number}

    def split(amounts: str) -> list[str]:
        return said(page.post("/books/bank/split/", form | {"amounts": amounts}))

    assert split("-500.00\nfour hundred") == [
        "An amount in GBP is expected on each line, found four hundred."
    ]
    (wrong,) = split("-500.00\n-300.00")
    assert "parts other than 0 that make -900.00 GBP" in wrong
    assert "found -500.00 GBP + -300.00 GBP" in wrong
    assert split("-500.00\n\n-400.00") == ["The line is split; its parts wait."]
    shown = page.get("/books/bank/").content.decode()
    assert "It is several things" in shown
    assert shown.count("of a line over -900.00 GBP") == 2
    stale = form | {"amount_minor": "-90000", "known": line.statement}
    (told,) = said(page.post("/books/bank/decide/", stale))
    assert (
        "it was split since" in told and '<input type="hidden" name="amount_minor" value="-50000">' in shown
    )
    other = {
        "statement": line.statement,
        "line": 3,
        "amount_minor": "-40000",
        "purpose": "charges",
        "reason": "the second",
    }
    assert said(page.post("/books/bank/decide/", other)) != ["The line is decided."], (
        "400.00 is beyond the limit"
    )
    assert "It is several things" not in console("supervisor").get("/books/bank/").content.decode()


def test_programs_send_statements(shop, program):
    api = program("books")
    taken = api.post("/api/v1/bank-statements", {"camt": CAMT}).json()
    assert (taken["lines"], taken["waiting"], taken["fresh"]) == (2, 2, True)
    assert is_problem(api.post("/api/v1/bank-statements", {"camt": BOMB}, again="2"), 422, "kernel.invalid")
    assert is_problem(api.post("/api/v1/bank-statements", {"csv": "a"}, again="3"), 422, "kernel.invalid")
    first, second = api.get("/api/v1/bank-lines").json()["items"]
    page = api.get("/api/v1/bank-lines?limit=1").json()
    assert page["items"] == [first]
    rest = api.get(f"/api/v1/bank-lines?limit=1&after={page['next']}").json()
    assert rest == {"items": [second], "next": None}
    assert api.get("/api/v1/bank-lines?after=2026-11-23.x.1").status_code == 422
    body = {
        "statement": first["statement"],
        "line": first["number"],
        "purpose": "other",
        "reason": "sold a van",
    }
    stale = body | {"amount_minor": first["amount_minor"] + 1}
    assert is_problem(api.post("/api/v1/bank-lines/decide", stale, again="7"), 422, "kernel.invalid")
    body["amount_minor"] = first["amount_minor"]
    assert api.post("/api/v1/bank-lines/decide", body, again="4").json()["state"] == "booked"
    assert len(api.get("/api/v1/bank-lines?show=all").json()["items"]) == 2
    (waits,) = api.get("/api/v1/bank-lines").json()["items"]
    parts = {"statement": waits["statement"], "line": waits["number"], "amounts_minor": [-1_500, -500]}
    split = api.post("/api/v1/bank-lines/split", parts, again="5").json()
    assert split == {"statement": waits["statement"], "lines": [2, 3]}
    assert [one["whole_minor"] for one in api.get("/api/v1/bank-lines").json()["items"]] == [-2_000, -2_000]
    parts["line"] = first["number"]
    assert is_problem(api.post("/api/v1/bank-lines/split", parts, again="6"), 409, "kernel.wrong_state")


def test_several_lines_are_booked_for_one_reason_and_each_refusal_is_told_by_its_line(shop, console):
    page = console("books")
    rows = "date,amount,text\n2026-11-23,1.00,a\n2026-11-24,2.00,b\n2026-11-25,3.00,c\n"
    file = SimpleUploadedFile("s", rows.encode())
    page.post("/books/bank/take/", {"file": file, "account": "A", "external_id": "1"})
    one, two, three = bank_queries.lines(COMPANY, waiting=True)
    shown = page.get("/books/bank/").content.decode()
    assert 'id="together"' in shown and 'data-tick="together"' in shown
    boxes = re.findall(r'name="row" value="([^"]+)" form="together"', shown)
    assert boxes == [f"{line.statement}/{line.number}/{line.amount_minor}" for line in (one, two, three)]
    names = re.findall(r'form="together" aria-label="([^"]+)"', shown)
    assert len(set(names)) == 3 and f"{one.statement_number}, line {one.number}, with others" in names
    stale = f"{two.statement}/{two.number}/999"
    form = {"row": [boxes[0], stale, boxes[2], boxes[2]], "purpose": "other", "reason": "interest"}
    refused, done = sorted(all_said(page.post("/books/bank/decide/", form)), key=len, reverse=True)
    assert done == "2 lines are decided." and refused.startswith(f"{two.statement_number} · £2.00: ")
    assert [left.number for left in bank_queries.lines(COMPANY, waiting=True)] == [two.number]
    told = said(
        page.post("/books/bank/decide/", {"row": ["x/1/2", f"{one.statement}/y"], "purpose": "other"})
    )
    assert told == ["Nothing was selected, so nothing was done."]
