"""Forms over more rows than anybody waits for: left to the worker, told, withdrawn."""

from __future__ import annotations

import re
from uuid import UUID

import pytest
from django.urls import reverse

from entrepot.insight import answers, pages
from entrepot.insight.order_filters import Asked
from entrepot.kernel import jobs, sql, worker
from entrepot.kernel.errors import Refused, Said
from entrepot.stock.errors import NotThere
from entrepot.web import edge, tasks
from tests.asking import sure
from tests.floor import SYSTEM
from tests.shop import COMPANY, Shop

SERVED = {jobs.QUEUE: tasks.serve_jobs}


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(edge, "AT_ONCE", 1)
    monkeypatch.setattr(jobs, "BATCH", 2)


def ready(shop: Shop) -> list[str]:
    return [
        str(one.id) for one in pages.orders(company=COMPANY, now=shop.now, asked=Asked(statuses=("ready",)))
    ]


def cancelling(browser, which: list[str]) -> str:
    """The address of the job."""
    told = {"order": which, "action": "cancel", "reason": "Recalled", "next": "/orders/"}
    answer = sure(browser, browser.post(reverse("orders-act"), told))
    assert re.fullmatch(r"/work/jobs/[0-9a-f-]{36}/", answer["Location"])
    return str(answer["Location"])


def test_many_rows_are_left_to_the_worker_and_told_as_they_are_done(console, shop):
    browser, which = console("lead"), ready(shop)
    assert len(which) > 2
    address = cancelling(browser, which)

    page = browser.get(address).content.decode()
    assert f"0 of {len(which)} rows" in page and "every 1s" in page and "Withdraw the rest" in page
    assert "asked for by lead" in page

    worker.serve_once(SERVED)
    page = browser.get(address).content.decode()
    assert f"2 of {len(which)} rows" in page and 'value="2"' in page

    while worker.serve_once(SERVED):
        pass
    page = browser.get(address).content.decode()
    assert "It is done" in page and "every 1s" not in page and "Withdraw the rest" not in page
    assert ready(shop) == []
    assert f'href="{address}"' in browser.get(reverse("jobs")).content.decode()


def test_what_is_refused_stands_on_the_page_of_the_job_with_a_link(console, shop):
    browser, which = console("lead"), ready(shop)
    address = cancelling(browser, which[:2])
    browser.post(reverse("order-cancel", args=[which[0]]), {"reason": "Gone before the worker came"})
    done = sql.run("SELECT id::text, number FROM orders_order WHERE id = %(o)s::uuid", {"o": which[0]})[0]
    while worker.serve_once(SERVED):
        pass
    page = browser.get(address).content.decode()
    assert "What was refused" in page
    assert f'href="/orders/{done[0]}/">{done[1]}</a>' in page


def test_a_refusal_says_codes_as_a_form_does(console, shop, statements):
    """Refusals of commands that tell of things by their ids; all of a job are called by their names at once."""
    browser, which = console("lead"), ready(shop)
    address = cancelling(browser, which)
    job = UUID(address.split("/")[3])
    ((sku, code),) = sql.run("SELECT id, code FROM catalog_sku ORDER BY code LIMIT 1")
    short = NotThere(wanted=2, sku=str(sku), where=Said("lot {0}", sku), found=1)

    def refuse(*refused: Refused) -> None:
        told = tuple(jobs.denied("", one) for one in refused)
        jobs.note_jobs(SYSTEM, requests=[jobs.NoteJob(job, len(told), told)])

    refuse(NotThere(wanted=3, sku="NOWHERE", where="no bin", found=0))
    with statements() as before:
        browser.get(address)
    refuse(short, short)
    with statements() as after:
        page = browser.get(address).content.decode()
    assert page.count(f"2 units of SKU {code} were to leave lot {code}, 1 are there") == 2
    assert "3 units of SKU NOWHERE were to leave no bin, 0 are there" in page
    assert str(sku) not in page
    assert len(after.texts) == len(before.texts) + 1, "names are asked for once, where there are ids"


def test_a_few_rows_are_done_while_their_person_waits(console, shop):
    browser = console("lead")
    asked = browser.post(
        reverse("orders-act"),
        {"order": ready(shop)[:1], "action": "cancel", "reason": "x", "next": "/orders/"},
    )
    answer = sure(browser, asked)
    assert answer["Location"] == "/orders/"
    assert jobs.jobs_of(COMPANY, limit=9) == []


def test_the_rest_is_withdrawn_by_who_asked_and_nobody_who_may_not_do_it(console, shop):
    browser, which = console("lead"), ready(shop)
    address = cancelling(browser, which)
    worker.serve_once(SERVED)
    assert console("books").post(f"{address}withdraw/").status_code == 404
    assert "Withdraw the rest" not in console("books").get(address).content.decode()

    page = browser.post(f"{address}withdraw/", follow=True).content.decode()

    assert "The rest is withdrawn. What was done stays done." in page
    assert "It was withdrawn" in page and "Not looked at" in page
    worker.serve_once(SERVED)
    assert len(ready(shop)) == len(which) - 2
    assert "is withdrawn" in browser.post(f"{address}withdraw/", follow=True).content.decode()


def test_who_may_not_give_the_command_is_refused_at_once(console, shop):
    told = {"order": ready(shop), "action": "cancel", "reason": "x", "next": "/orders/"}
    page = console("books").post(reverse("orders-act"), told, follow=True).content.decode()
    assert "may not" in page
    assert jobs.jobs_of(COMPANY, limit=9) == []


def test_a_job_of_nobody_is_not_there(console):
    assert console("lead").get("/work/jobs/00000000-0000-7000-8000-000000000000/").status_code == 404
    assert "No job yet" in console("lead").get(reverse("jobs")).content.decode()


LONG = {
    "/books/clearing/rules/": {},
    "/books/currencies/measure/": {"day": "2026-01-31"},
    "/books/expected-returns/measure/": {},
    "/floor/labor/fit/": {},
    "/books/closing/close/": {"month": "2020-01"},
}


@pytest.mark.parametrize("address", LONG)
def test_what_looks_at_all_of_a_large_house_is_left_to_the_worker_and_says_what_came_of_it(
    address, console, shop, monkeypatch
):
    monkeypatch.setattr(answers, "LARGE", -2)
    browser = console("root")
    told = browser.post(address, LONG[address])
    assert re.fullmatch(r"/work/jobs/[0-9a-f-]{36}/", told["Location"])

    page = browser.get(told["Location"]).content.decode()
    assert "The worker is at it" in page and "Withdraw it" in page and "1 row" not in page

    while worker.serve_once(SERVED):
        pass
    page = browser.get(told["Location"]).content.decode()
    assert "every 1s" not in page and "Withdraw it" not in page
    (job,) = jobs.jobs_of(COMPANY, limit=9)
    assert (job.state, job.wanted, job.done) == ("done", 1, 1)
    assert ("It was refused" if job.refused else "It is done") in page
    assert bool(job.answer) is not bool(job.refused)


def test_a_small_house_does_it_while_its_person_waits(console, shop):
    console("root").post("/books/clearing/rules/", {})
    assert jobs.jobs_of(COMPANY, limit=9) == []


def test_one_long_request_is_withdrawn_before_the_worker_takes_it(console, shop, monkeypatch):
    monkeypatch.setattr(answers, "LARGE", -2)
    browser = console("root")
    address = browser.post("/books/clearing/rules/", {})["Location"]
    answer = browser.post(f"{address}withdraw/", {}, follow=True).content.decode()
    assert "It is withdrawn. Nothing of it stays." in answer and "It was withdrawn" in answer
    assert worker.serve_once(SERVED) in (0, 1)
    assert jobs.jobs_of(COMPANY, limit=9)[0].done == 0
