"""Writes of the API that nobody waits for: left to a job, looked up, answered by their keys, withdrawn."""

from __future__ import annotations

import pytest

from entrepot.insight import pages
from entrepot.insight.order_filters import Asked
from entrepot.kernel import jobs, sql, worker
from entrepot.web import tasks
from entrepot.web.api import answers
from entrepot.web.api.webhooks import NAMES
from tests.shop import COMPANY

SERVED = {jobs.QUEUE: tasks.serve_jobs}
LATER = {"Prefer": "respond-async, wait=10"}


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(jobs, "BATCH", 2)


def ready(shop) -> list[dict[str, str]]:
    found = pages.orders(company=COMPANY, now=shop.now, asked=Asked(statuses=("ready",)))
    return [{"order": str(one.id), "reason": "Recalled"} for one in found]


def served() -> None:
    while worker.serve_once(SERVED):
        pass


def test_a_list_is_left_to_a_job_and_answered_by_its_key(program, shop):
    api, wanted = program("lead"), ready(shop)
    assert len(wanted) > 2

    left = api.post("/api/v1/orders/cancel", wanted, "recall", **LATER)

    assert (left.status_code, left["Preference-Applied"], left["Retry-After"]) == (202, "respond-async", "1")
    address = left["Location"]
    assert left.json() == {"job": address.rpartition("/")[2], "state": "asked", "done": 0}
    again = api.post("/api/v1/orders/cancel", wanted, "recall", **LATER)
    assert again.json() == left.json(), "the same key is the same job"

    worker.serve_once(SERVED)
    told = api.get(address).json()
    assert (told["state"], told["done"], told["wanted"], told["asked_by"]) == (
        "asked",
        2,
        len(wanted),
        "lead",
    )
    served()
    told = api.get(address).json()
    assert (told["state"], told["done"], told["refused"]) == ("done", len(wanted), 0)
    assert ready(shop) == []

    answer = api.post("/api/v1/orders/cancel", wanted, "recall")
    assert answer.status_code == 200 and len(answer.json()) == len(wanted)
    assert {one["order"] for one in answer.json()} == {one["order"] for one in wanted}
    assert [one["id"] for one in api.get("/api/v1/jobs").json()["items"]] == [left.json()["job"]]


def test_a_key_with_other_content_is_refused(program, shop):
    api, wanted = program("lead"), ready(shop)
    api.post("/api/v1/orders/cancel", wanted, "recall", **LATER)
    other = api.post("/api/v1/orders/cancel", wanted[1:], "recall", **LATER)
    assert (other.status_code, other.json()["code"]) == (422, "kernel.request_reused")


def test_the_job_tells_what_was_refused_by_its_key(program, shop):
    api, wanted = program("lead"), ready(shop)[:2]
    wanted[1] = {"order": "00000000-0000-7000-8000-000000000001", "reason": "Recalled", "key": "mine"}
    address = api.post("/api/v1/orders/cancel", wanted, "recall", **LATER)["Location"]
    served()
    told = api.get(address).json()
    assert (told["state"], told["done"], told["refused"]) == ("done", 2, 1)
    ((refused,)) = told["refusals"]
    assert (refused["key"], refused["problem"]["status"]) == ("mine", 404)


def test_one_request_has_its_answer_in_the_job(program, shop):
    api, (wanted, *_) = program("lead"), ready(shop)
    address = api.post("/api/v1/orders/cancel", wanted, "one", **LATER)["Location"]
    assert api.get(address).json()["answer"] is None
    served()
    assert api.get(address).json()["answer"]["order"] == wanted["order"]


def test_the_rest_is_withdrawn_by_who_may(program, shop):
    api, wanted = program("lead"), ready(shop)
    job = api.post("/api/v1/orders/cancel", wanted, "recall", **LATER).json()["job"]
    worker.serve_once(SERVED)
    assert program("books").post("/api/v1/jobs/withdraw", {"job_id": job}).status_code == 403
    done = api.post("/api/v1/jobs/withdraw", {"job_id": job})
    assert (done.status_code, done.json()["state"], done.json()["done"]) == (200, "withdrawn", 2)
    served()
    assert len(ready(shop)) == len(wanted) - 2
    again = api.post("/api/v1/jobs/withdraw", {"job_id": job}, "two")
    assert (again.status_code, again.json()["code"]) == (409, "kernel.wrong_state")


def test_a_list_of_jobs_is_withdrawn_in_as_many_statements_as_one(program, shop, statements):
    api, wanted = program("lead"), ready(shop)
    left = [api.post("/api/v1/orders/cancel", wanted, f"k{n}", **LATER).json()["job"] for n in range(5)]
    ran = []
    for some in (left[:1], left[1:]):
        with statements() as told:
            done = api.post("/api/v1/jobs/withdraw", [{"job_id": one} for one in some], some[0])
        assert {one["state"] for one in done.json()} == {"withdrawn"}
        ran.append(len([text for text in told.texts if "FROM kernel_job" in text]))
    assert ran[0] == ran[1]


def test_what_the_caller_may_not_is_refused_and_never_left(program, shop):
    answer = program("books").post("/api/v1/orders/cancel", ready(shop), "recall", **LATER)
    assert answer.status_code == 403 and "Preference-Applied" not in answer
    assert jobs.jobs_of(COMPANY, limit=9) == []


def test_what_no_worker_could_give_is_carried_out_at_once(program, shop):
    """A rehearsal is no command: its answer is wanted, and nothing of it stays."""
    (order,) = sql.run("SELECT id::text FROM orders_order WHERE status = 'ready' LIMIT 1")
    answer = program("lead").post("/api/v1/jobs/withdraw", {"job_id": order[0]}, **LATER)
    assert answer.status_code == 404 and "Preference-Applied" not in answer
    assert not jobs.can_wait("orders.place", [object()])


def test_a_secret_that_is_left_to_a_job_stands_nowhere_in_clear(program, shop):
    secret = "whsec_QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo="
    wanted = {
        "name": "till",
        "url": "https://hooks.example.com/in",
        "events": [NAMES[0]],
        "secret": secret,
    }
    left = program("engineer").post("/api/v1/webhooks", wanted, **LATER)
    assert left.status_code == 202, left.content
    ((kept,),) = sql.run("SELECT j::text FROM kernel_job AS j")
    assert secret not in kept and "hooks.example" not in kept


def test_a_preference_is_read_as_the_rfc_has_it(rf):
    for told, asks in (
        ("respond-async", True), ("wait=10, Respond-Async", True), ('respond-async; foo="bar"', True),
        ("return=minimal", False), ("", False), ("no-respond-async", False),
    ):  # fmt: skip
        assert answers._asks_not_to_wait(rf.post("/", headers={"Prefer": told})) is asks


def test_jobs_come_page_by_page_and_those_of_others_are_told(program, shop):
    api, wanted = program("lead"), ready(shop)
    for n, one in enumerate(wanted[:3]):
        api.post("/api/v1/orders/cancel", one, f"k{n}", **LATER)
    first = api.get("/api/v1/jobs?limit=2").json()
    rest = api.get(f"/api/v1/jobs?limit=2&after={first['next']}").json()
    assert (len(first["items"]), len(rest["items"]), rest["next"]) == (2, 1, None)
    books = program("books")
    assert len(books.get("/api/v1/jobs").json()["items"]) == 3
    assert books.get("/api/v1/jobs?mine=true").json()["items"] == []


def test_a_job_of_nobody_is_not_there(program, shop):
    assert program("lead").get("/api/v1/jobs/00000000-0000-7000-8000-000000000001").status_code == 404
