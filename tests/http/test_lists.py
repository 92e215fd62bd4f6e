"""What the lists of the console share: columns left out, views kept, files of all rows."""

from __future__ import annotations

import csv
import io
import operator
import re
import tracemalloc
from datetime import datetime
from typing import NamedTuple

import openpyxl
import pytest
from django.core.signals import request_finished
from django.db import close_old_connections
from django.urls import reverse

from entrepot.access import queries as access
from entrepot.insight import audit, pages
from entrepot.insight.order_filters import Asked
from entrepot.kernel import sql
from entrepot.warehouse import queries as warehouse
from entrepot.web import as_csv, as_file, listed, xlsx
from entrepot.web.lists import BOARDS, JOURNAL, LISTS
from entrepot.web.lists_insight import TOLD
from entrepot.web.views import ageing
from tests.asking import sure

LONG = ("/orders/", "/returns/", "/work/", "/stock/", "/inbound/", "/books/accounts/1200/")


class Numbered(NamedTuple):
    id: int
    text: str


def read(response) -> list[list]:
    book = openpyxl.load_workbook(io.BytesIO(response.content), read_only=True)
    return [list(row) for row in book.active.values]


@pytest.mark.parametrize("address", LONG)
def test_every_list_is_a_page_and_two_kinds_of_file(console, shop, address):
    browser = console("lead")
    text = browser.get(address).content.decode()
    assert "Save what is shown as" in text
    rows = list(csv.reader(io.StringIO(browser.get(address, {"format": "csv"}).content.decode())))
    book = read(browser.get(address, {"format": "xlsx"}))
    assert len(rows) == len(book)
    assert rows[0] == book[0]
    assert text.count("<tr data-row>") == min(len(rows) - 1, 100)


def test_a_file_has_all_rows_of_the_filter_however_they_are_fetched(console, shop, monkeypatch):
    browser = console("lead")
    everything = read(browser.get("/orders/", {"format": "xlsx"}))
    assert len(everything) == 23
    monkeypatch.setattr(as_file, "STEP", 5)
    assert read(browser.get("/orders/", {"format": "xlsx"})) == everything
    assert len(table(browser, "/orders/")) == 23
    monkeypatch.setattr(xlsx, "ROWS_MAX", 23)
    assert read(browser.get("/orders/", {"format": "xlsx"})) == everything, "it is full, and none is left out"
    monkeypatch.setattr(xlsx, "ROWS_MAX", 9)
    short = read(browser.get("/orders/", {"format": "xlsx"}))
    assert short[:8] == everything[:8]
    assert [row[0] for row in short[8:]] == [
        "There are more rows than a workbook holds. The file as CSV has all of them."
    ]
    monkeypatch.undo()
    assert [one.payload["rows"] for one in audit.entries(audit.Asked(1, kind="export"), limit=2)] == [7, 22]

    (head, *packed) = read(browser.get("/orders/", {"format": "xlsx", "status": "packed"}))
    assert len(packed) == 2
    assert {row[head.index("status")] for row in packed} == {"packed"}
    assert isinstance(packed[0][head.index("placed_at")], datetime)
    assert isinstance(packed[0][head.index("total")], int | float)


def test_a_file_of_many_rows_is_written_to_the_disk_and_sent_block_by_block(console, shop, monkeypatch):
    browser = console("lead")
    whole = browser.get("/orders/", {"format": "csv"})
    monkeypatch.setattr(as_csv, "IN_MEMORY", 100)
    told = browser.get("/orders/", {"format": "csv"})
    assert told.streaming and not whole.streaming
    assert b"".join(told.streaming_content) == whole.content
    assert told["Content-Length"] == str(len(whole.content))
    assert told["Content-Disposition"] == whole["Content-Disposition"]
    book = browser.get("/orders/", {"format": "xlsx"})
    content = io.BytesIO(b"".join(book.streaming_content))
    assert len(list(openpyxl.load_workbook(content, read_only=True).active.values)) == 23


@pytest.mark.parametrize(("make", "least"), [(as_csv.as_csv, 5_400_000), (as_file.as_xlsx, 200_000)])
def test_memory_does_not_grow_with_the_rows_of_a_file(monkeypatch, make, least):
    rows = 60_000

    def fetch(after: int | None, limit: int) -> list[Numbered]:
        first = (after or 0) + 1
        return [Numbered(one, "x" * 90) for one in range(first, min(first + limit, rows + 1))]

    monkeypatch.setattr(as_csv, "IN_MEMORY", 10_000)
    tracemalloc.start()
    told = make("many", ("id", "text"), as_file._all(fetch, operator.attrgetter("id")))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    size = int(told["Content-Length"])
    assert (sum(map(len, told.streaming_content)), size > least) == (size, True)
    request_finished.disconnect(
        close_old_connections
    )  # as the test client does: there may be one of another test
    try:
        told.close()
    finally:
        request_finished.connect(close_old_connections)
    assert most < 4_000_000


def test_no_text_of_a_file_is_a_formula(console, shop):
    sql.run("UPDATE catalog_sku SET name = E'=1+1\\x07' WHERE code = 'LAMP-OAK' RETURNING 1")
    response = console("lead").get("/stock/", {"format": "xlsx", "q": "LAMP-OAK"})
    sheet = openpyxl.load_workbook(io.BytesIO(response.content)).active
    assert sheet["B2"].value == "=1+1"
    assert sheet["B2"].data_type != "f"


def test_columns_are_left_out_and_stay_so(console, shop):
    browser = console("auditor")
    page = browser.get("/orders/?show=total&show=customer&status=packed").content.decode()
    assert '<th scope="col">Customer</th>' in page
    assert "Channel</th>" not in page
    assert 'data-name="Placed"' not in page
    assert page.count('<input type="hidden" name="show"') == 2  # in the form of the filters
    assert "Save what is shown as" not in page  # an auditor changes nothing


def test_a_view_is_saved_opened_shared_and_forgotten(console, shop):
    lead, other = console("lead"), console("service")
    told = {"name": "Packed", "role": "operations lead", "next": "/orders/?status=packed&show=total&after=1"}
    assert lead.post("/views/orders/save/", told)["Location"] == told["next"]
    (one,) = access.views(1, "orders", "lead", [])
    assert lead.get(f"/views/{one.id}/")["Location"] == "/orders/?status=packed&show=total"
    assert re.search(rf'href="/views/{one.id}/">Packed', lead.get("/orders/").content.decode())
    assert other.get(f"/views/{one.id}/").status_code == 404

    refused = lead.post("/views/orders/save/", {"next": "/orders/"}, follow=True).content.decode()
    assert 'class="message error"' in refused
    assert lead.post("/views/nothing/save/", told).status_code == 404
    other.post(f"/views/{one.id}/drop/")
    assert access.views(1, "orders", "lead", []) == [one]
    lead.post(f"/views/{one.id}/drop/")
    assert access.views(1, "orders", "lead", []) == []


def test_a_view_of_an_account_leads_back_to_it(console, shop):
    browser = console("books")
    browser.post("/views/journal/save/", {"name": "Stock", "next": "/books/accounts/1200/?month=2026-03"})
    (one,) = access.views(1, "journal", "books", [])
    assert browser.get(f"/views/{one.id}/")["Location"] == "/books/accounts/1200/?month=2026-03"


def table(browser, address: str, **asked: str) -> list[list[str]]:
    text = browser.get(address, {"format": "csv", **asked}).content.decode()
    return list(csv.reader(io.StringIO(text)))


def test_each_list_has_a_file_its_sums_and_each_of_its_orders(console, standing_shop):
    browser = console("root")
    for one in LISTS.values():
        if one in (JOURNAL, TOLD, BOARDS):
            continue
        address, part = reverse(one.url), {"list": one.part} if one.part else {}
        (head, *rows) = table(browser, address, **part)
        assert head == list(one.cells), one.name
        page = browser.get(address, part).content.decode()
        if rows:
            assert "Save what is shown as" in page, one.name
            assert 'class="totals"' in page, one.name
        for by in sorted(one.orders if len(rows) > 1 else ()):
            again = table(browser, address, sort=f"-{by}", **part)[1:]
            assert sorted(again) == sorted(rows), (one.name, by)


def test_a_page_of_several_lists_shows_one_with_all_that_a_list_has(console, standing_shop):
    browser = console("root")
    first, second = (browser.get(f"/stock/ageing/{asked}").content.decode() for asked in ("", "?list=lots"))
    assert "Units by age" in first and "Expires in 30 days" not in first
    assert "Expires in 30 days" in second and "Units by age" not in second
    assert re.search(r'href="\?list=lots">Lots that expire', first)
    for page, name in ((first, "ageing"), (second, "expiring")):
        assert f'action="/views/{name}/save/"' in page
    told = {"name": "Soon", "next": "/stock/ageing/?list=lots&days=7"}
    browser.post("/views/expiring/save/", told)
    (one,) = access.views(1, "expiring", "root", [])
    assert browser.get(f"/views/{one.id}/")["Location"] == "/stock/ageing/?list=lots&days=7"


def test_an_order_of_a_list_that_is_cut_is_that_of_all_its_rows(console, standing_shop, monkeypatch):
    monkeypatch.setattr(ageing, "SHOWN", 1)
    browser = console("root")
    rows = table(browser, "/stock/ageing/", sort="-units")[1:]
    page = browser.get("/stock/ageing/", {"sort": "-units"}).content.decode()
    assert "The first 1 rows of more" in page
    assert (
        re.search(r'<small>(.+?)</small></span></th><td class="n" data-name="Days">', page)[1] == rows[0][1]
    )
    assert int(rows[0][2]) == max(int(row[2]) for row in rows)


def test_the_trial_balance_is_a_statement_with_its_sums_and_files(console, standing_shop):
    browser = console("books")
    (head, *rows) = read(browser.get("/books/", {"format": "xlsx"}))
    assert sum(row[head.index("balance_minor")] for row in rows) == 0
    page = browser.get("/books/").content.decode()
    assert 'class="totals"' in page and "Save what is shown as" in page and "<tfoot>" in page
    month = re.search(r'<option value="(\d{4}-\d\d)"', page)[1]
    of_month = read(browser.get("/books/", {"format": "xlsx", "month": month}))
    assert of_month[0] == head and len(of_month) <= len(rows) + 1


def numbers(page: str) -> list[str]:
    return re.findall(r'class="title[^"]*"><a href="/orders/[^"]+">([^<]+)</a>', page)


def pages_of(browser, order: str) -> list[str]:
    found, after = [], ""
    while True:
        page = browser.get("/orders/", {"sort": order, "after": after}).content.decode()
        found += numbers(page)
        behind = re.search(r'hx-get="/orders/[^"]*after=([0-9a-f-]{36})', page)
        if not behind:
            return found
        after = behind[1]


def test_every_order_of_a_list_goes_through_all_pages_and_none_is_told_twice(console, shop, monkeypatch):
    monkeypatch.setattr(listed, "PAGE", 5)
    browser = console("lead")
    for order in ("placed_at", "promise_at"):
        up, down = pages_of(browser, order), pages_of(browser, f"-{order}")
        assert len(up) == len(set(up)) == 22
        assert down == up[::-1]
    assert pages_of(browser, "total_minor") == pages_of(browser, "-placed_at")  # no index, so not its order
    page = browser.get("/orders/?sort=-promise_at").content.decode()
    assert re.search(r'aria-sort="descending"><a class="by" href="\?sort=promise_at">Promise', page)


def test_the_sums_are_those_of_the_filter_and_say_where_they_end(console, shop, monkeypatch):
    browser = console("lead")
    told = browser.get("/orders/?status=packed&format=totals").content.decode()
    assert "2 rows" in told
    sold = sum(
        one.total_minor for one in pages.orders(company=1, now=shop.now, asked=Asked(statuses=("packed",)))
    )
    assert f"{sold / 100:,.2f}" in told
    monkeypatch.setattr(listed, "SUMMED_MAX", 1)
    assert "The first 1 rows of more" in browser.get("/orders/?status=packed&format=totals").content.decode()


def test_a_form_acts_on_all_that_match_and_on_nothing_else(console, shop, monkeypatch):
    browser = console("lead")
    before = {one.id for one in pages.orders(company=1, now=shop.now, asked=Asked(statuses=("cancelled",)))}
    ready = {one.id for one in pages.orders(company=1, now=shop.now, asked=Asked(statuses=("ready",)))}
    assert ready
    monkeypatch.setattr(listed, "PAGE", 1)
    company = re.search(r'name="all" value="([^"]+)"', browser.get("/orders/?status=ready").content.decode())
    told = {"all": company[1], "action": "cancel", "reason": "Test", "next": "/orders/"}
    sure(browser, browser.post("/orders/act/?status=ready", told))
    after = {one.id for one in pages.orders(company=1, now=shop.now, asked=Asked(statuses=("cancelled",)))}
    assert after - before == ready


def test_all_that_match_of_a_company_that_is_not_open_now_are_nothing(console, shop):
    events = sql.run("SELECT count(*) FROM kernel_event")
    told = {"all": "other", "action": "cancel", "reason": "Test", "next": "/orders/"}
    page = console("lead").post("/orders/act/?status=ready", told, follow=True).content.decode()
    assert "Look at it again and select there." in page
    assert sql.run("SELECT count(*) FROM kernel_event") == events


def test_a_list_that_is_whole_stands_in_a_file_once(console, shop, monkeypatch):
    monkeypatch.setattr(as_file, "STEP", 1)
    book = read(console("lead").get("/packing/", {"format": "xlsx"}))
    assert len(book) == 1 + len(warehouse.waiting("pack", company=1)) > 2
