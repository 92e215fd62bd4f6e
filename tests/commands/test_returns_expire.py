"""returns.expire, returns.reopen, and what else becomes of goods that never come"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from entrepot.kernel import ids, policies, ready, relay, sql, worker
from entrepot.kernel.cause import Cause
from entrepot.kernel.errors import NotFound, RequestReused, WrongState
from entrepot.orders.commands.place import PaymentGiven
from entrepot.payments.commands import settle as payments
from entrepot.payments.commands.retry import Retry, retry
from entrepot.payments.tasks import DESTINATIONS
from entrepot.returns import cohort_queries, errors, expiry_queries, parcel_queries, queries, tasks
from entrepot.returns.commands.announce import AnnounceParcel, announce_parcels
from entrepot.returns.commands.close import Close, Closed, close
from entrepot.returns.commands.expire import Expire, Expired, expire
from entrepot.returns.commands.note_scans import NoteScan, note_scans
from entrepot.returns.commands.receive import Received
from entrepot.returns.commands.receive_parcels import Content, ReceiveParcel, receive_parcels
from entrepot.returns.commands.refund import Refund, refund
from entrepot.returns.commands.reopen import Reopen, Reopened, reopen
from entrepot.returns.expiring import ExpiryPolicy
from entrepot.work import queries as work
from tests.back import ASKS, RECEIVES, asked, asked_all, back, came, found, policy, put, sold
from tests.floor import COMPANY, NOW, SYSTEM, Floor
from tests.sizes import SIZES
from tests.walk import a_house, queued

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 5000)
    policy(refund_at="authorized", approve_above_minor=None)
    waits()
    return house


def waits(**facts: Any) -> None:
    body = replace(ExpiryPolicy(days=30, remind_days=7, days_after_scan=20), **facts)
    policies.set_policy(
        SYSTEM, requests=[policies.SetPolicy(COMPANY, "returns.expiry", body, NOW - timedelta(days=1))]
    )


def later(days: float) -> Cause:
    return replace(SYSTEM, at=NOW + timedelta(days=days))


def look(*days: float) -> None:
    for day in days:
        tasks.look_at_what_does_not_come(later(day), COMPANY)
        tasks.serve_expire(later(day), ready.claim("expire", 99))


def state(one: Any) -> str:
    return queries.return_(one.return_id).state


def reminders() -> list[dict[str, Any]]:
    return [
        body
        for (body,) in sql.run("SELECT body FROM kernel_delivery WHERE topic = 'return.reminder' ORDER BY id")
    ]


def refunded_ahead(house: Floor, units: int = 2) -> Any:
    """A return that was refunded and has not come, in a parcel that its carrier has told of."""
    one = asked(sold(house, 1, (0, 2))[0], units)
    refund(ASKS, requests=[Refund(one.return_id)])
    announce_parcels(ASKS, requests=[AnnounceParcel(one.return_id, f"T{one.number}")])
    return one


def comes(house: Floor, one: Any, units: int, at: Cause = RECEIVES) -> Any:
    content = (Content(house.codes[0], units),)
    request = ReceiveParcel(COMPANY, house.nodes[0], content, f"T{one.number}")
    return receive_parcels(replace(RECEIVES, at=at.at), requests=[request])[0]


def test_what_never_comes_is_reminded_of_and_then_given_up(house: Floor):
    one, fresh = refunded_ahead(house), asked(sold(house, 1, (0, 1))[0], 1)
    look(22)
    assert reminders() == []
    look(23, 24, 29)
    told = {body["number"]: body for body in reminders()}
    assert sorted(told) == sorted([one.number, fresh.number])
    assert told[one.number]["until"] == (NOW + timedelta(days=30)).date().isoformat()
    assert [line["quantity"] for line in told[one.number]["lines"]] == [2]
    assert told[one.number]["trackings"] == [f"T{one.number}".upper()]
    assert state(one) == "authorized"
    look(30.1)
    assert (state(one), state(fresh)) == ("closed", "cancelled")
    (line,) = queries.whole(one.return_id).lines
    assert (line.missing, line.cancelled, line.to_come) == (2, 0, 0)
    assert parcel_queries.expected(COMPANY, f"T{one.number}") == []
    (item,) = work.of_subject(one.return_id)
    assert (item.type, item.role) == ("return never came", "customer service")
    rows = {row.number: row for row in expiry_queries.given_up(COMPANY)}
    lost = queries.whole(one.return_id).refunds[0].total_minor
    assert (rows[one.number].missing, rows[one.number].lost_minor, rows[one.number].by_clock) == (
        2,
        lost,
        True,
    )
    assert (rows[fresh.number].cancelled, rows[fresh.number].lost_minor) == (1, 0)
    assert queries.returnable(queries.return_(fresh.return_id).order)[0].left == 1
    (month,) = expiry_queries.sums(COMPANY, NOW)
    assert (month.returns, month.missing, month.cancelled, month.lost_minor) == (2, 2, 1, lost)
    look(31, 60)
    assert len(reminders()) == 2


def test_a_scan_of_the_carrier_gives_it_more_time(house: Floor):
    one = refunded_ahead(house)
    note_scans(SYSTEM, requests=[NoteScan(COMPANY, f"T{one.number}", NOW + timedelta(days=25))])
    (row,) = expiry_queries.to_come(COMPANY, NOW)
    assert (row.units, row.refunded, row.due_at) == (2, 2, NOW + timedelta(days=45))
    assert expiry_queries.until(one.return_id, COMPANY, NOW) == NOW + timedelta(days=45)
    look(30.1, 38.1, 44)
    assert (state(one), len(reminders())) == ("authorized", 1)
    look(45.2)
    assert state(one) == "closed"


def test_what_something_is_to_be_done_with_here_is_not_given_up(house: Floor):
    policy(refund_at="disposed", approve_above_minor=None)
    part, unpaid = (asked(sold(house, 1, (0, 2))[0], 2) for _ in range(2))
    receipts = came(part, 1)
    back(unpaid, 1)
    look(50, 60, 70)
    assert (state(part), state(unpaid)) == ("received", "disposed")
    put(found(receipts))
    (answer,) = expire(later(80), requests=[Expire(part.return_id)])
    assert answer == Expired(part.return_id, "wait", "disposed")


def test_goods_that_come_late_open_their_return_again(house: Floor):
    one = refunded_ahead(house)
    look(23, 31)
    answer = comes(house, one, 1, later(60))
    assert (answer.received, answer.missing, answer.strays) == (1, 0, ())
    assert state(one) == "received"
    (line,) = queries.whole(one.return_id).lines
    assert (line.missing, line.received, line.refunded) == (1, 1, 2)
    assert [item.state for item in work.of_subject(one.return_id)] == ["done"]
    receipt = queries.whole(one.return_id).receipts[0].id
    put(found([Received(receipt, 0, NOW)]))
    assert state(one) == "closed"
    assert expiry_queries.given_up(COMPANY)[0].reopened_at == NOW + timedelta(days=60)
    assert len(queries.whole(one.return_id).refunds) == 1


def test_goods_that_come_too_late_are_a_blind_package(house: Floor):
    one, other = refunded_ahead(house), refunded_ahead(house)
    look(23, 31)
    waits(late="stray")
    answer = comes(house, one, 2, later(40))
    assert (answer.received, len(answer.strays)) == (0, 1)
    assert parcel_queries.strays(COMPANY)[0].why == "late"
    waits(late_days=5)
    assert comes(house, other, 2, later(40)).received == 0
    assert state(one) == state(other) == "closed"


def test_one_bad_return_stops_none_of_the_others_and_is_seen(house: Floor, monkeypatch: pytest.MonkeyPatch):
    """The worker serves what the hourly look found, and halves a batch that fails until the culprit stands alone."""
    good, bad, fine = refunded_ahead(house), refunded_ahead(house), refunded_ahead(house)
    look(23)

    def breaks(cause: Cause, /, *, requests: list[Expire]) -> object:
        if bad.return_id in {one.return_id for one in requests}:
            raise KeyError("a bug")
        return expire(later(31), requests=requests)

    monkeypatch.setattr(tasks, "expire", breaks)
    tasks.look_at_what_does_not_come(later(31), COMPANY)
    for _ in range(4):
        worker.serve_once({"expire": tasks.serve_expire})
    assert [state(one) for one in (good, bad, fine)] == ["closed", "authorized", "closed"]
    assert (queued("expire"), queued("expire.failed")) == ([], [bad.return_id])


def test_a_bug_that_one_company_meets_stops_no_look_at_the_others(monkeypatch: pytest.MonkeyPatch):
    seen: list[tuple[str, int]] = []

    def breaks(_cause: Cause, company: int) -> None:
        seen.append(("breaks", company))
        if company == 1:
            raise KeyError("a bug")

    looks = (breaks, lambda _cause, company: seen.append(("goes on", company)))
    monkeypatch.setattr(tasks, "LOOKS", looks)
    monkeypatch.setattr(tasks.parties, "companies", lambda: [SimpleNamespace(id=1), SimpleNamespace(id=2)])
    with pytest.raises(ExceptionGroup) as failed:
        tasks.watch_all(0)
    assert [type(one) for one in failed.value.exceptions] == [KeyError], "the job fails, and so it is seen"
    assert seen == [("breaks", 1), ("breaks", 2), ("goes on", 1), ("goes on", 2)]


def test_a_refund_of_what_was_given_up_that_bounces_waits_for_no_goods(house: Floor):
    (order,) = sold(house, 1, (0, 2), payment=PaymentGiven("fake", "card", 11_998, NOW))
    relayed(order)
    one = asked(order, 2)
    refund(ASKS, requests=[Refund(one.return_id)])
    announce_parcels(ASKS, requests=[AnnounceParcel(one.return_id, f"T{one.number}")])
    relayed(order)
    look(23, 31)
    assert state(one) == "closed"
    ((first,),) = sql.run("SELECT id FROM payments_attempt WHERE kind = 'refund'")
    payments.settle(SYSTEM, requests=[payments.Settle(first, ok=False, error="closed", bounced=True)])
    tasks.serve_refund(SYSTEM, [order])
    assert state(one) == "disposed", "the money is owed again, and no goods are waited for"
    assert expiry_queries.to_come(COMPANY, NOW) == expiry_queries.due(COMPANY, NOW + timedelta(days=99)) == []
    assert comes(house, one, 1, later(60)).received == 1, "it is theirs, closed or not"
    assert state(one) == "received"
    retry(SYSTEM, requests=[Retry(first)])
    relayed(order)
    put(found([Received(queries.whole(one.return_id).receipts[0].id, 0, NOW)]))
    assert state(one) == "closed"


def relayed(order: UUID) -> None:
    relay.relay_once(DESTINATIONS, at=NOW + timedelta(hours=1))
    tasks.serve_refund(SYSTEM, [order])


def test_a_person_closes_without_the_goods_and_opens_again_for_a_reason(house: Floor):
    one = refunded_ahead(house)
    refused, closed = close(
        ASKS, requests=[Close(one.return_id, "lost"), Close(one.return_id, "lost", without_goods=True)]
    )
    assert isinstance(refused, errors.NotDone)
    assert closed == Closed(one.return_id, "closed")
    assert reopen(ASKS, requests=[Reopen(one.return_id, "it was found", key="k")]) == [
        Reopened(one.return_id, "authorized", 2)
    ]
    again = reopen(ASKS, requests=[Reopen(one.return_id, "it was found", key="k")])
    assert again == [Reopened(one.return_id, "authorized", 2)]
    other = reopen(ASKS, requests=[Reopen(one.return_id, "other", key="k")])
    assert other == [RequestReused(key="k", command="returns.reopen")]
    back(one)
    assert state(one) == "closed"


def test_what_was_asked_for_anew_is_not_waited_for_twice(house: Floor):
    policy()
    (order,) = sold(house, 1, (0, 2))
    first = asked(order, 2)
    close(ASKS, requests=[Close(first.return_id, "kept")])
    asked(order, 1)
    assert reopen(ASKS, requests=[Reopen(first.return_id, "he sends it")]) == [
        Reopened(first.return_id, "authorized", 1)
    ]


def test_refusals_leave_everything_as_it_was(house: Floor):
    one, done, unknown = refunded_ahead(house), refunded_ahead(house), ids.uuid7()
    back(done)
    answers = reopen(ASKS, requests=[
        Reopen(unknown, "x"), Reopen(one.return_id, "x"), Reopen(done.return_id, ""), Reopen(done.return_id, "x"),
    ])  # fmt: skip
    assert [type(answer) for answer in answers] == [NotFound, WrongState, errors.ReasonNeeded, WrongState]
    answers = expire(
        later(1), requests=[Expire(unknown), Expire(done.return_id), Expire(one.return_id, key="k")]
    )
    assert [type(answer) for answer in answers] == [NotFound, WrongState, Expired]
    assert expire(later(1), requests=[Expire(one.return_id, key="k")]) == answers[2:]


def test_the_estimate_expects_no_goods_that_are_missing(house: Floor):
    policy(refund_at="authorized", approve_above_minor=None, expected_percent=Decimal(100))
    one = refunded_ahead(house)
    before = cohort_queries.outlook(COMPANY, NOW + timedelta(days=1))
    close(ASKS, requests=[Close(one.return_id, "lost", without_goods=True)])
    after = cohort_queries.outlook(COMPANY, NOW + timedelta(days=1))
    assert sum(row.asset for row in before.measured) > 0
    assert (sum(row.asset for row in after.measured), sum(row.liability for row in after.measured)) == (0, 0)


@pytest.mark.counts("returns.expire", "returns.reopen")
def test_statements_do_not_grow_with_the_batch(sold_house: Floor, statements):
    counts = []
    waits()
    for size in SIZES:
        returns = asked_all(sold(sold_house, size, (0, 2)), 1)
        wanted = [Expire(one.return_id) for one in returns]
        ran = []
        for cause in (later(23), later(31)):
            with statements() as these:
                assert all(isinstance(one, Expired) for one in expire(cause, requests=wanted))
            ran.append(len([text for text in these.texts if "SAVEPOINT" not in text]))
        with statements() as these:
            answers = reopen(ASKS, requests=[Reopen(one.return_id, "after all") for one in returns])
        assert all(isinstance(one, Reopened) for one in answers)
        counts.append([*ran, len([text for text in these.texts if "SAVEPOINT" not in text])])
    assert counts == [counts[0]] * 3
