"""Whoever belongs to one company of a house: what the other has is neither shown nor changed, by page, search, file,
API, report by mail or job."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from docs import walk
from entrepot.access.commands.keep_people import SetCompanies, set_companies
from entrepot.access.commands.subscribe import (
    SubscribeReport,
    TakeDueReports,
    subscribe_reports,
    take_due_reports,
)
from entrepot.access.queries import actor_named
from entrepot.access.rules import ROLES
from entrepot.insight import owners
from entrepot.kernel import jobs, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.errors import NotFound
from entrepot.ledger.commands.open_books import OpenBooks, open_books
from entrepot.orders.commands.hold import PlaceHold
from entrepot.parties.commands.register import RegisterCompany, register_companies
from entrepot.web.tasks import serve_jobs
from tests.asking import Program, a_browser, a_program
from tests.http.test_permissions import called, inside, operations, real_things, thing_of
from tests.shop import COMPANY, a_person, the_system

pytestmark = pytest.mark.django_db

OTHER = COMPANY + 1


@pytest.fixture
def two(shop):
    """Two legal entities, each with books in its own currency; `abroad` has every role and belongs to the second."""
    system = the_system(shop.now)
    register_companies(system, requests=[RegisterCompany(OTHER, "other", "Other GmbH", "EUR", "DE")])
    open_books(system, requests=[OpenBooks(OTHER)])
    shop.people["abroad"] = a_person("abroad", *ROLES)
    set_companies(system, requests=[SetCompanies("abroad", (OTHER,))])
    return shop


@pytest.fixture
def browser(two) -> Client:
    return a_browser("abroad")


@pytest.fixture
def program(two) -> Program:
    return a_program(two.people["abroad"])


def marks() -> re.Pattern[str]:
    """What tells of a document of the first company: keys, numbers, codes of goods and suppliers, and its name."""
    found = {"Hearth &amp; Home", "Hearth & Home"}
    for table in owners.tables():
        for (which,) in sql.run(f"SELECT id FROM {table} WHERE company_id = {COMPANY} LIMIT 40"):
            found.add(str(which))
    for table, column in sql.run(_NAMED):
        if table not in ("parties_company", "network_node", "network_bin"):
            statement = f"SELECT {column} FROM {table} WHERE company_id = {COMPANY} LIMIT 40"
            found |= {text for (text,) in sql.run(statement) if text and len(text) > 5 and not text.isalpha()}
    assert len(found) > 100
    return re.compile("|".join(map(re.escape, sorted(found, key=len, reverse=True))))


_NAMED = """
SELECT c.table_name, c.column_name FROM information_schema.columns AS c
JOIN information_schema.columns AS o ON o.table_name = c.table_name AND o.column_name = 'company_id'
WHERE c.table_schema = 'public' AND c.data_type = 'text'
  AND c.column_name IN ('number', 'code', 'tracking', 'external_id', 'email')
  AND c.table_name NOT LIKE 'access%%' AND c.table_name IN (
      SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE')
"""


def leaks(marks: re.Pattern[str], asked: str, content: bytes) -> list[str]:
    """What of the other company stands in an answer and not in what was asked."""
    told = content.decode(errors="replace")
    return sorted({found for found in marks.findall(told) if found not in asked})[:4]


@pytest.mark.timeout(600)  # it asks for every page twice
def test_no_page_and_no_file_shows_anything_of_another_company(two, browser):
    known, wrong, seen, files = marks(), [], 0, 0
    for stop in walk.stops():
        if stop.name.startswith("portal-"):
            continue
        answer = browser.get(stop.address)
        assert answer.status_code in (200, 302, 403, 404), stop
        seen += answer.status_code == 200
        wrong += [(stop.name, one) for one in leaks(known, stop.address, answer.content)]
        answer = browser.get(f"{stop.address}{'&' if '?' in stop.address else '?'}format=csv")
        content = b"".join(answer) if answer.streaming else answer.content
        files += "csv" in answer.headers.get("Content-Type", "")
        wrong += [(stop.name, "csv", one) for one in leaks(known, stop.address, content)]
    assert wrong == []
    assert seen > 80 and files > 30


def test_no_search_finds_anything_of_another_company(two, browser):
    known = marks()
    numbers = [
        row[0] for row in sql.run(f"SELECT number FROM orders_order WHERE company_id = {COMPANY} LIMIT 3")
    ]
    codes = [row[0] for row in sql.run(f"SELECT code FROM catalog_sku WHERE company_id = {COMPANY} LIMIT 3")]
    for asked in (*numbers, *codes, "SO-", "RMA-", "MUG", "Ada Byron", str(two.one("shipped"))):
        for address in (reverse("find"), reverse("orders")):
            for answer in (browser.get(address, {"q": asked}), browser.post(address, {"q": asked})):
                if answer.status_code == 200:
                    assert leaks(known, asked, answer.content) == [], (address, asked)


def test_no_company_is_chosen_that_one_does_not_belong_to(two, browser):
    browser.post(reverse("company"), {"company": COMPANY})
    page = browser.get(reverse("home")).content.decode()
    assert "Other GmbH" in page or "Hearth" not in page
    assert browser.get(reverse("order", args=[two.one("ready")])).status_code == 404


class TheFirst:
    """What would change if anything of the first company were changed. It is read anew only when somebody has written
    to its tables in this transaction, which few of hundreds of requests have."""

    def __init__(self) -> None:
        self.tables = sorted({"kernel_event", *(table for table, _ in sql.run(_NAMED))})
        self.written, self.found = self._written(), self._found()

    def changed(self) -> list[str]:
        """What is another than when this was asked for the last time."""
        if (written := self._written()) == self.written:
            return []
        before, self.written, self.found = self.found, written, self._found()
        return sorted(set(map(str, self.found)) - set(map(str, before)))

    def _written(self) -> int:
        ((rows,),) = sql.run(_ROWS_WRITTEN, {"tables": self.tables})
        return int(rows)

    def _found(self) -> list[Any]:
        rows = sql.run(f"SELECT count(*), max(seq) FROM kernel_event WHERE company_id = {COMPANY}")
        for table in self.tables:
            if table != "kernel_event":
                rows += sql.run(
                    f"SELECT '{table}', md5(string_agg(t::text, ';' ORDER BY t::text)) FROM {table} AS t"
                    f" WHERE company_id = {COMPANY}"
                )
        return list(rows)


_ROWS_WRITTEN = """
SELECT sum(pg_stat_get_xact_tuples_inserted(one) + pg_stat_get_xact_tuples_updated(one)
           + pg_stat_get_xact_tuples_deleted(one))
FROM unnest(%(tables)s::regclass[]) AS one
"""


def test_what_changes_something_of_the_first_company_is_seen(two):
    first = TheFirst()
    assert first.changed() == []
    sql.run("UPDATE catalog_sku SET code = code || '-2' WHERE code = 'MUG-BLUE'")
    assert [one for one in first.changed() if "catalog_sku" in one] != []
    assert first.changed() == []


@pytest.mark.timeout(600)
def test_no_form_changes_anything_of_another_company(two, browser):
    found, wrong, first = real_things(), [], TheFirst()
    (number,) = sql.run(f"SELECT number FROM orders_order WHERE company_id = {COMPANY} LIMIT 1")[0]
    said = {
        "reason": "a reason", "name": "a name", "note": "a note", "sku": "MUG-BLUE", "code": "MUG-BLUE",
        "number": number, "order": str(two.one("ready")), "quantity": "1", "company": str(COMPANY), "amount": "1",
    }  # fmt: skip
    for one in inside():
        if one.method == "GET":
            continue
        url = one.url(thing_of(one, found))
        for sent in (said, {name: text for name, text in said.items() if name != "order"}):
            answer = browser.post(url, sent)
            assert answer.status_code < 500, url
            if changed := first.changed():
                wrong.append((one.name, changed[:3]))
    assert wrong == []


@pytest.mark.timeout(600)
def test_no_operation_shows_or_changes_anything_of_another_company(two, program):
    known, wrong, first = marks(), [], TheFirst()
    key = {"X-API-Key": program.key}
    for one in operations():
        answer = called(Client(), one, key)
        assert answer.status_code < 500, one.path
        content = b"".join(answer) if answer.streaming else answer.content
        wrong += [(one.path, found) for found in leaks(known, "", content)]
        if one.method != "get" and (changed := first.changed()):
            wrong.append((one.path, changed[:3]))
    assert wrong == []


def test_every_operation_says_that_the_other_company_is_not_there(two, program):
    wrong = []
    for one in operations():
        if not any(told["name"] == "company" for told in one.told.get("parameters", ())):
            continue
        named = one._replace(path=f"{one.path}?company=hearth" if "?" not in one.path else one.path)
        answer = called_for(program, named)
        if answer.status_code not in (404, 422) or "hearth" not in answer.content.decode():
            wrong.append((one.method, one.path, answer.status_code, answer.content[:120]))
    assert [one for one in wrong if one[2] < 400] == []


def called_for(program: Program, one: Any) -> Any:
    path, _, query = one.path.partition("?")
    return called(_With(query), one._replace(path=path), {"X-API-Key": program.key})


class _With(Client):
    """A client that adds to the query of each address."""

    def __init__(self, query: str) -> None:
        super().__init__()
        self.query = query

    def generic(self, method: str, path: str, *args: Any, **kwargs: Any) -> Any:
        return super().generic(method, f"{path}{'&' if '?' in path else '?'}{self.query}", *args, **kwargs)

    def get(self, path: str, *args: Any, **kwargs: Any) -> Any:
        return super().get(f"{path}{'&' if '?' in path else '?'}{self.query}", *args, **kwargs)


def test_a_job_changes_nothing_of_a_company_that_its_person_was_taken_out_of(two):
    system, order = the_system(two.now), two.one("ready")
    set_companies(system, requests=[SetCompanies("abroad", (COMPANY,))])
    mine = Cause(actor_named("abroad"), two.now, "many")
    asked = jobs.AskJob(
        COMPANY, "orders.place_hold", (PlaceHold(order, "fraud review", "odd"),), ("SO",), "many"
    )
    (left,) = jobs.ask_jobs(system_named(mine), requests=[asked])
    set_companies(system, requests=[SetCompanies("abroad", (OTHER,))])
    serve_jobs(system, [left.job])
    told = jobs.job(left.job)
    assert (told.state, told.done, told.refused) == ("done", 1, 1)
    assert told.denied[0].refusal == NotFound(what="company", which=str(COMPANY))


def system_named(cause: Cause) -> Cause:
    from entrepot.kernel.exports import as_oneself

    return as_oneself(cause)


def test_no_command_is_given_for_another_company_and_the_others_of_a_batch_are(two):
    mine = Cause(actor_named("abroad"), two.now)
    report = {"report": "perfect order", "rhythm": "daily", "hour": 6, "zone": "UTC", "language": "en"}
    wanted = [SubscribeReport(one, **report) for one in (COMPANY, OTHER)]
    theirs, ours = subscribe_reports(everything_of(mine), requests=wanted)
    assert theirs == NotFound(what="company", which=str(COMPANY))
    assert type(ours).__name__ == "ReportSubscribed"


def everything_of(cause: Cause) -> Cause:
    from dataclasses import replace

    return replace(cause, actor=replace(cause.actor, everything=True))


def test_no_report_of_another_company_is_mailed(two):
    system = the_system(two.now)
    set_companies(system, requests=[SetCompanies("abroad", ())])
    mine = everything_of(Cause(actor_named("abroad"), two.now))
    report = {"report": "perfect order", "rhythm": "daily", "hour": 6, "zone": "UTC", "language": "en"}
    subscribe_reports(mine, requests=[SubscribeReport(one, **report) for one in (COMPANY, OTHER)])
    set_companies(system, requests=[SetCompanies("abroad", (OTHER,))])
    later = the_system(two.now + timedelta(days=2))
    (taken,) = take_due_reports(later, requests=[TakeDueReports()])
    assert [one.company for one in taken.reports] == [OTHER]
