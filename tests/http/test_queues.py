"""Queues are read to their end, in their own order and in any that a head asks for."""

from __future__ import annotations

import csv

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from entrepot.kernel import sql
from entrepot.orders import queries as orders
from entrepot.settlement import bank_queries, privacy_queries
from entrepot.settlement.commands.hold_data import HoldData, ReleaseData, hold_data, release_data
from entrepot.settlement.privacy import KINDS
from entrepot.warehouse import queries as warehouse
from entrepot.web import listed
from entrepot.web.views import backorders, bank, drafts, jobs, packing, privacy
from tests.asking import walked
from tests.http.test_drafts import FORM
from tests.shop import COMPANY, the_system

pytestmark = pytest.mark.django_db


def rows_of(browser, address: str, **asked: str) -> list[list[str]]:
    response = browser.get(address, asked | {"format": "csv"})
    return list(csv.reader(response.content.decode().splitlines()))[1:]


def one_by_one(browser, address: str, **asked: str) -> list[str]:
    """What stands on pages of one row, which are as many as the file has rows, each row once."""
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    pages = walked(browser, f"{address}?{query}" if query else address)
    titles = [one for page in pages for one in page]
    assert [len(page) for page in pages] == [1] * len(rows_of(browser, address, **asked)), address
    return titles


def test_what_waits_to_be_packed_is_read_to_its_end(console, shop, monkeypatch):
    monkeypatch.setattr(packing, "PAGE", 1)
    browser = console("lead")
    waiting = [one.number for one in warehouse.waiting("pack", company=COMPANY)]
    assert len(waiting) > 1
    assert one_by_one(browser, "/packing/") == waiting
    assert one_by_one(browser, "/packing/", sort="-number") == sorted(waiting, reverse=True)
    assert f"{len(waiting)} rows" in browser.get("/packing/?format=totals").content.decode()
    assert f"{len(waiting)} rows" in browser.get("/packing/?sort=number").content.decode(), (
        "not those of a page"
    )


def test_behind_a_row_that_is_gone_a_queue_begins_anew(console, shop, monkeypatch):
    monkeypatch.setattr(packing, "PAGE", 1)
    browser = console("lead")
    first, *_, last = warehouse.waiting("pack", company=COMPANY)
    gone = {"sort": "number", "after": str(shop.nodes[0])}
    for asked in ({"after": str(last.id)}, {"after": str(shop.nodes[0])}, gone, {"after": "nonsense"}):
        assert first.number in browser.get("/packing/", asked).content.decode(), asked


def test_an_order_that_a_head_asks_for_has_a_bound_which_is_said(console, shop, monkeypatch):
    monkeypatch.setattr(packing, "PAGE", 1)
    monkeypatch.setattr(listed, "SUMMED_MAX", 1)
    browser = console("lead")
    assert "The first 1 rows of more" in browser.get("/packing/?sort=number").content.decode()
    assert len(rows_of(browser, "/packing/", sort="number")) > 1, "the file has all"
    assert len(walked(browser, "/packing/")) > 1, "and so has its own order"


def test_backorders_are_read_to_their_end_by_line_and_by_sku(console, shop, monkeypatch):
    monkeypatch.setattr(backorders, "SHOWN", 1)
    for asked in ({}, {"list": "skus"}, {"sort": "-units"}):
        assert len(one_by_one(console("lead"), "/orders/backorders/", **asked)) > 1


def test_drafts_are_read_to_their_end(console, shop, monkeypatch):
    monkeypatch.setattr(drafts, "PAGE", 1)
    client = console("service")
    for _ in range(3):
        client.post(reverse("draft-new"), FORM | {"do": "save"})
    numbers = [one.number for one in orders.drafts(COMPANY)]
    assert one_by_one(client, "/orders/drafts/") == numbers
    assert one_by_one(client, "/orders/drafts/", sort="number") == sorted(numbers)


def test_jobs_are_read_to_their_end(console, shop, monkeypatch):
    monkeypatch.setattr(jobs, "SHOWN", 1)
    sql.run(
        """INSERT INTO kernel_job (id, company_id, command, wanted, done, denied, state, asked_by, asked_at,
                                   ended_at)
           SELECT uuidv7(), 1, 'orders.cancel', n, n, '[]', 'done', 'lead', now(), now()
           FROM unnest(ARRAY[1, 2]) AS n
           RETURNING 1"""
    )
    for asked in ({}, {"sort": "done"}):
        assert len(one_by_one(console("lead"), "/work/jobs/", **asked)) == 2


def test_people_s_data_is_read_to_its_end(console, shop, monkeypatch):
    monkeypatch.setattr(privacy, "PAGE", 1)
    browser, system = console("books"), the_system(shop.now)
    held = [
        HoldData(COMPANY, f"Case {n}", order=shop.one(one))
        for n, one in enumerate(("packed", "ready", "held"))
    ]
    holds = hold_data(system, requests=held)
    release_data(system, requests=[ReleaseData(holds[2].hold, "over")])
    where = "/books/privacy/"
    assert len(one_by_one(browser, where, list="holds")) == len(privacy_queries.holds(COMPANY)) == 3
    assert [one.reason for one in privacy_queries.holds(COMPANY)][-1] == "Case 2", "what is over comes last"
    sql.run(
        """INSERT INTO settlement_retentionrun (company_id, kind, gone, kept, policy_version, run_at)
           SELECT 1, kind, 0, 0, 1, now() FROM unnest(%(kinds)s::text[]) AS kind RETURNING 1""",
        {"kinds": list(KINDS[:3])},
    )
    assert len(one_by_one(browser, where, list="runs")) == 3
    assert walked(browser, where)[0] is not None


def test_lines_of_the_bank_are_read_to_their_end_and_decided_there(console, shop, monkeypatch):
    monkeypatch.setattr(bank, "WAITING_SHOWN_MAX", 2)
    page = console("books")
    rows = "date,amount,text\n2026-11-23,1.00,one\n2026-11-24,2.00,two\n2026-11-25,3.00,three\n"
    file = SimpleUploadedFile("s", rows.encode())
    page.post("/books/bank/take/", {"file": file, "account": "A", "external_id": "1"})
    _, second, third = bank_queries.lines(COMPANY, waiting=True)
    shown = page.get("/books/bank/").content.decode()
    assert "£2.00" in shown and "£3.00" not in shown and "Further lines" in shown
    behind = f"{second.booked_on}~{second.statement}~{second.number}"
    further = page.get("/books/bank/", {"lines_after": behind}).content.decode()
    assert "£3.00" in further and "£2.00" not in further and "Further lines" not in further
    form = {"statement": third.statement, "line": third.number, "purpose": "other", "reason": "interest"}
    page.post("/books/bank/decide/", form | {"amount_minor": third.amount_minor})
    assert "£1.00" in page.get("/books/bank/", {"lines_after": behind}).content.decode(), "it begins anew"
    assert "£1.00" in page.get("/books/bank/", {"lines_after": "x~y~z"}).content.decode()
