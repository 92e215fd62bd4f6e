"""Units in returns staging, and how long returns take: by query, page, file and API."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from entrepot.insight import return_times
from entrepot.insight.return_times import Asked, Times
from entrepot.returns import staging_queries
from entrepot.returns.commands.approve import Approve, approve
from entrepot.returns.commands.authorize import Authorized
from entrepot.returns.commands.dispose import Dispose, dispose
from entrepot.returns.commands.inspect import Inspect, inspect
from entrepot.returns.commands.receive import Receive, receive
from entrepot.returns.commands.refund import Refund, Refunded, refund
from tests.asking import a_browser, a_program
from tests.back import APPROVES, ASKS, INSPECTS, RECEIVES, asked, policy, sold
from tests.floor import COMPANY, NOW, Floor
from tests.http.test_returns_pages import text_of
from tests.shop import everybody
from tests.walk import a_house

WINDOW = Asked(NOW - timedelta(days=1), NOW + timedelta(days=30))
DAYS = f"since={(NOW - timedelta(days=9)):%Y-%m-%d}&until={(NOW + timedelta(days=30)):%Y-%m-%d}"


def walked(house: Floor, hours: int, reason: str) -> Authorized:
    """A return of two units that takes so many hours for each step."""
    one = asked(sold(house, 1, (0, 2))[0], 2, reason=reason)
    came, seen, put, paid = (NOW + timedelta(hours=hours * n) for n in (1, 2, 3, 4))
    (receipt,) = receive(RECEIVES, requests=[Receive(one.return_id, one.lines[0], 2, occurred_at=came)])
    (found,) = inspect(INSPECTS, requests=[Inspect(receipt.receipt, 2, "A", occurred_at=seen)])
    dispose(INSPECTS, requests=[Dispose(found.inspection, 2, occurred_at=put)])
    refund(ASKS, requests=[Refund(one.return_id, occurred_at=paid)])
    return one


@pytest.fixture
def walks(db: None) -> list[Authorized]:
    house = a_house()
    house.stock(0, 50)
    policy(approve_above_minor=None)
    quick, slow = walked(house, 1, "defective"), walked(house, 11, "changed_mind")
    waits = asked(sold(house, 1, (0, 2))[0], 2)
    receive(RECEIVES, requests=[Receive(waits.return_id, waits.lines[0], 1)])
    return [quick, slow, waits]


def test_each_stage_has_its_hours_from_asked_to_closure(walks: list[Authorized]) -> None:
    told = {one.stage: one for one in return_times.times(COMPANY, WINDOW)}
    assert list(told) == list(return_times.STAGES)
    assert told["asked to authorized"] == Times("asked to authorized", "", 3, 0, 0, 0)
    assert told["authorized to received"] == Times("authorized to received", "", 2, 6, 10, 11)
    assert told["received to refunded"] == Times("received to refunded", "", 2, 18, 30, 33)
    assert told["refunded to paid"] == Times("refunded to paid", "", 2, 0, 0, 0)
    assert told["authorized to closed"] == Times("authorized to closed", "", 2, 24, 40, 44)

    by = {(one.stage, one.group): one.median for one in return_times.times(COMPANY, WINDOW, "reason")}
    assert by["authorized to closed", "defective"] == 4
    assert by["authorized to closed", "changed_mind"] == 44
    (week,) = return_times.over_time(COMPANY, WINDOW, "authorized to closed")
    assert (week.returns, week.median) == (2, 24)
    ways = {one.return_id: one for one in return_times.ways(COMPANY, WINDOW)}
    assert ways[walks[2].return_id].received_at is None, "half of it is not all of it"
    assert ways[walks[1].return_id].closed_at == NOW + timedelta(hours=44)
    later = Asked(NOW + timedelta(hours=12), WINDOW.until, reason="changed_mind")
    assert [one.stage for one in return_times.times(COMPANY, later)] == list(return_times.STAGES[2:])


def test_what_waits_for_another_person_is_not_refunded_yet(db: None) -> None:
    """Of two refunds of a return the one was given at once, and the other is above the limit."""
    house = a_house()
    house.stock(0, 50)
    policy(approve_above_minor=1_500, refund_at="received")
    one = asked(sold(house, 1, (0, 2))[0], 2)
    receive(
        RECEIVES, requests=[Receive(one.return_id, one.lines[0], 2, occurred_at=NOW + timedelta(hours=1))]
    )
    for hours in (2, 3):
        (answer,) = refund(ASKS, requests=[
            Refund(one.return_id, ((one.lines[0], 1),), occurred_at=NOW + timedelta(hours=hours))
        ])  # fmt: skip
    assert isinstance(answer, Refunded)
    assert answer.state == "waiting"
    assert "received to refunded" not in {each.stage for each in return_times.times(COMPANY, WINDOW)}
    approve(replace(APPROVES, at=NOW + timedelta(hours=9)), requests=[Approve(answer.refund)])
    told = {each.stage: each for each in return_times.times(COMPANY, WINDOW)}
    assert told["received to refunded"].median == 8


def test_people_and_programs_see_both(walks: list[Authorized]) -> None:
    people = everybody()
    lead, program = a_browser("lead"), a_program(people["lead"])
    times = text_of(lead.get(f"/returns/times/?{DAYS}&by=channel"))
    assert "Authorized to financial closure" in times
    assert walks[1].number in times
    file = lead.get(f"/returns/times/?{DAYS}&format=csv").content.decode().splitlines()
    assert file[0] == "stage,group,returns,median,p90,longest"
    rows = lead.get(f"/returns/times/?{DAYS}&rows=csv").content.decode().splitlines()
    assert len(rows) == 4
    assert "No stage ended" in text_of(lead.get("/returns/times/?since=2020-01-01&until=2020-02-01"))

    staging = text_of(lead.get("/returns/staging/?by=reason"))
    assert walks[2].number in staging
    assert walks[0].number not in staging
    assert "Overdue" in staging
    assert len(lead.get("/returns/staging/?format=csv").content.decode().splitlines()) == 2

    (unit,) = program.get("/api/v1/returns/staging").json()
    assert (unit["number"], unit["to_inspect"], unit["reason"]) == (walks[2].number, 1, "changed_mind")
    window = "&".join(
        f"{name}={at.isoformat().replace('+', '%2B')}"
        for name, at in (("since", WINDOW.since), ("until", WINDOW.until))
    )
    told = program.get(f"/api/v1/returns/times?{window}&by=node").json()
    assert [one["returns"] for one in told if one["stage"] == "authorized to closed"] == [2]


def test_the_page_of_staging_has_what_is_due_first_and_stays_small(
    walks: list[Authorized], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engineer expects 120 kB at most of a page; its file has all of it."""
    (unit,) = staging_queries.staged(COMPANY, at=datetime.now(UTC), limit=9)
    many = [replace(unit, name="A name as long as those of things in shops are")] * 300
    monkeypatch.setattr(staging_queries, "staged", lambda *_, limit, **__: many[:limit])
    everybody()
    lead = a_browser("lead")
    page = lead.get("/returns/staging/").content.decode()
    assert page.count(f">{unit.number}</a>") == 50
    assert "The 50 that are due first are shown" in page
    assert len(page.encode()) < 120_000
    assert len(lead.get("/returns/staging/?format=csv").content.decode().splitlines()) == 301
