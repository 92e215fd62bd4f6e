"""Lists too long to wait for: the worker makes their file, for whoever asked for it alone."""

from __future__ import annotations

import io
import re
import time
from datetime import UTC, datetime
from uuid import UUID

import openpyxl
import pytest
from django.contrib.auth.models import User
from django.test import Client

from entrepot.insight import audit
from entrepot.kernel import aside, files, jobs, sql, worker
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.files import DropFiles, drop_files
from entrepot.web import as_file, making, tasks
from tests.asking import a_browser
from tests.shop import COMPANY, Shop, an_open_shop
from tests.together import at_once

SERVED = {jobs.QUEUE: tasks.serve_jobs}
SAID = "the worker makes the file. It will be here, for you alone, for a day."


@pytest.fixture
def shop(committed_db) -> Shop:
    """Committed: the worker reads a list on a connection of its own."""
    return an_open_shop(each=2)


@pytest.fixture
def lead(shop: Shop, monkeypatch) -> Client:
    monkeypatch.setattr(as_file, "AT_ONCE", 3)
    monkeypatch.setattr(as_file, "STEP", 5)
    monkeypatch.setattr(making, "LOOKED_S", 0.05)
    return a_browser("lead")


def asked(browser: Client, address: str = "/orders/?format=csv", **headers: str) -> str:
    """The address of the job."""
    told = browser.get(address, headers=headers)
    assert told.status_code == 302, told.content
    assert re.fullmatch(r"/work/jobs/[0-9a-f-]{36}/", told["Location"])
    return str(told["Location"])


def served() -> None:
    while worker.serve_once(SERVED):
        pass


def link(page: str) -> str:
    (found,) = re.findall(r'href="(/work/files/[0-9a-f-]{36}/)"', page)
    return str(found)


def text(response) -> str:
    return response.content.decode()


def job_at(address: str) -> jobs.JobRow:
    found = jobs.job(UUID(address.split("/")[3]))
    assert found
    return found


def kept() -> tuple[int, int]:
    """Files and their parts."""
    ((whole, parts),) = sql.run(
        "SELECT (SELECT count(*) FROM kernel_file)::int, (SELECT count(*) FROM kernel_filepart)::int"
    )
    return whole, parts


def withdrawn(address: str) -> None:
    at_once([lambda: jobs.withdraw_jobs(ROOT, requests=[jobs.WithdrawJob(job_at(address).id)])])


ROOT = Cause(Actor("root", everything=True), datetime(2026, 3, 2, tzinfo=UTC))


def test_a_long_list_is_left_to_the_worker_and_taken_once_it_is_made(lead, monkeypatch):
    address = asked(lead, "/orders/?format=csv&sort=-placed_at")
    page = text(lead.get(address))
    assert SAID in page and "more than 3 rows" in page
    assert "The worker is at it" in page and "Withdraw it" in page and "orders.csv" in page
    assert kept() == (0, 0)

    served()

    page = text(lead.get(address))
    assert "It is done" in page and "kept for you alone until" in page and "<dt>Rows</dt><dd>22</dd>" in page
    taken = lead.get(link(page))
    monkeypatch.setattr(as_file, "AT_ONCE", 100)
    at_once_ = lead.get("/orders/?format=csv&sort=-placed_at")
    assert taken.content == at_once_.content
    assert taken["Content-Disposition"] == at_once_["Content-Disposition"]
    assert taken["Content-Type"] == "text/csv; charset=utf-8"
    told = [one.payload for one in audit.entries(audit.Asked(COMPANY, kind="export"), limit=9)]
    assert [(one["what"], one["rows"]) for one in told] == [("orders", 22)] * 2, "noted once each"


def test_a_workbook_is_written_in_the_zone_and_filter_of_who_asked(lead, monkeypatch):
    lead.cookies["zone"] = "Pacific/Auckland"
    monkeypatch.setattr(as_file, "AT_ONCE", 1)
    where = "/orders/?format=xlsx&status=ready&sort=total&show=total"
    address = asked(lead, where)
    served()
    taken = lead.get(link(text(lead.get(address))))
    monkeypatch.setattr(as_file, "AT_ONCE", 100)
    books = [openpyxl.load_workbook(io.BytesIO(one.content)) for one in (taken, lead.get(where))]
    rows = [list(one.active.values) for one in books]
    assert rows[0] == rows[1] and 2 < len(rows[0]) < 22


def test_who_asks_again_meanwhile_waits_for_the_same(lead):
    first = asked(lead)
    assert asked(lead) == first
    others = {asked(lead, "/orders/?format=xlsx"), asked(lead, "/orders/?format=csv&sort=placed_at")}
    others.add(asked(a_browser("auditor")))
    assert len(others | {first}) == 4, "another format, another filter, another person"
    served()
    assert asked(lead) != first, "it is through: a new one tells of now"


def test_a_short_list_is_a_file_at_once(lead):
    assert lead.get("/orders/?format=csv&status=packed").status_code == 200
    assert jobs.jobs_of(COMPANY, limit=9) == []


def test_nobody_else_takes_it_not_even_an_administrator(lead):
    address = asked(lead)
    served()
    where = link(text(lead.get(address)))
    for name in ("books", "root"):
        other = a_browser(name)
        assert other.get(where).status_code == 404
        page = text(other.get(address))
        assert "Only who asked for the file can take it." in page and where not in page
    assert Client().get(where).status_code == 302, "to the door"
    assert lead.get("/work/files/00000000-0000-7000-8000-000000000000/").status_code == 404


def test_after_a_day_it_is_gone_and_the_page_says_so(lead):
    address = asked(lead)
    served()
    where = link(text(lead.get(address)))
    sql.run("UPDATE kernel_file SET made_at = made_at - interval '1 day', until = until - interval '1 day'")
    assert lead.get(where).status_code == 404, "even before it is removed"
    assert "The file is not kept any more" in text(lead.get(address))
    tasks.drop_files(0)
    assert kept() == (0, 0)


SO_FAR = "3 rows so far"


def test_it_is_told_as_it_is_written_and_withdrawn_in_the_middle(lead, monkeypatch):
    """The writing waits behind its third row until it is stopped."""
    address, seen = asked(lead), []
    heard = as_file.Making.heard

    def waits(self, rows):
        heard(self, rows)
        if rows == 3:
            until = time.monotonic() + 30
            while not (seen and SO_FAR in seen[-1]) and time.monotonic() < until:
                # In a thread of its own: who writes the file reads the house as it was when they began.
                at_once([lambda: seen.append(text(a_browser("lead").get(address)))])
            withdrawn(address)
            assert self.stop.wait(30)

    monkeypatch.setattr(as_file.Making, "heard", waits)
    worker.serve_once(SERVED)

    assert SO_FAR in seen[-1]
    assert (job_at(address).state, kept()) == ("withdrawn", (0, 0))
    page = text(lead.get(address))
    assert "It was withdrawn" in page and "Nothing of it stays." in page and "/work/files/" not in page
    assert audit.entries(audit.Asked(COMPANY, kind="export"), limit=9) == []
    assert worker.serve_once(SERVED) == 0


def test_a_worker_that_dies_in_the_middle_leaves_nothing_and_the_next_begins_anew(lead, monkeypatch):
    address = asked(lead)
    with monkeypatch.context() as broken:
        broken.setattr(aside, "step", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            worker.serve_once(SERVED)
    assert (job_at(address).state, kept()) == ("asked", (0, 0))
    served()
    assert (job_at(address).state, kept()) == ("done", (1, 1))


def test_what_is_erased_meanwhile_takes_the_files_along(lead):
    address = asked(lead)
    served()
    drop_files(ROOT, requests=[DropFiles(COMPANY)])
    assert "whenever a person is erased" in text(lead.get(address))


@pytest.mark.parametrize("change", ["is_active = false", "username = 'someone'"])
def test_who_may_not_enter_any_more_gets_no_file(lead, change):
    address = asked(lead)
    sql.run(f"UPDATE auth_user SET {change} WHERE username = 'lead'")
    served()
    found = job_at(address)
    assert (found.state, found.refused, found.denied[0].code, kept()) == (
        "done", 1, "kernel.not_permitted", (0, 0),
    )  # fmt: skip


def test_who_has_lost_their_roles_gets_no_file(lead):
    address = asked(lead)
    User.objects.get(username="lead").groups.clear()
    served()
    assert [one.code for one in job_at(address).denied] == ["kernel.not_permitted"]


def test_a_bug_in_a_page_refuses_its_job(lead, monkeypatch):
    address = asked(lead)
    monkeypatch.setattr(as_file, "as_csv", lambda *_: 1 / 0)
    served()
    assert [one.code for one in job_at(address).denied] == ["kernel.request_broken"]
    assert "fault of the program" in text(lead.get(address))


def test_a_list_in_memory_has_a_bound_that_the_job_tells(lead, monkeypatch):
    monkeypatch.setattr(as_file, "AT_ONCE", 1)
    address = asked(lead, "/stock/ageing/?format=csv")
    served()
    assert "/work/files/" in text(lead.get(address))

    monkeypatch.setattr(as_file, "IN_HAND_MAX", 1)
    address = asked(lead, "/stock/ageing/?format=csv")
    served()
    page = text(lead.get(address))
    assert "It was refused" in page and "too many for a file. Filter it first." in page


def test_rows_behind_a_figure_are_a_file_of_the_worker_as_well(lead):
    address = asked(lead, "/reports/held-orders/?rows=csv&since=2020-01-01&until=2030-01-01")
    served()
    taken = lead.get(link(text(lead.get(address))))
    assert len(text(taken).splitlines()) > 4
    (told,) = audit.entries(audit.Asked(COMPANY, kind="export"), limit=9)
    assert (told.payload["what"], told.payload["format"]) == ("held-orders-rows", "csv")
    assert job_at(address).command == files.MAKE
