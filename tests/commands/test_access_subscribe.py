"""access.subscribe_reports, end_subscriptions, take_due_reports and record_mailings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Group, User

from entrepot.access import queries
from entrepot.access.commands.subscribe import (
    EndSubscription,
    MailingRecorded,
    RecordMailing,
    RetryMailing,
    SubscribeReport,
    TakeDueReports,
    end_subscriptions,
    record_mailings,
    retry_mailings,
    subscribe_reports,
    take_due_reports,
)
from entrepot.access.errors import NoMailAddress
from entrepot.access.mailing import RETRY, TRIES
from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import Invalid, NotFound
from tests.sizes import SIZES
from tests.together import at_once

NOW = datetime(2026, 11, 27, 6, 30, tzinfo=UTC)


def by(name: str, at: datetime = NOW) -> Cause:
    return Cause(Actor(name, everything=True), at)


def wanted(report: str = "fill rate", hour: int = 7, rhythm: str = "daily", **more) -> SubscribeReport:
    return SubscribeReport(1, report, rhythm, hour, "UTC", **more)


def taken(at: datetime):
    (answer,) = take_due_reports(by("system:mail", at), requests=[TakeDueReports()])
    return list(answer.reports)


def people() -> None:
    ada = User.objects.create(username="ada", email="ada@example.com")
    ada.groups.add(Group.objects.get_or_create(name="controller")[0])
    User.objects.create(username="ben")


@pytest.fixture
def house(db) -> None:
    people()


def test_a_report_is_due_at_its_hour_and_taken_once_a_period(house):
    (made,) = subscribe_reports(by("ada"), requests=[wanted(query="by=channel", language="de")])
    assert made.next_at == NOW.replace(hour=7, minute=0)
    assert taken(NOW) == []
    (due,) = taken(made.next_at)
    assert (due.address, due.report, due.query, due.language, due.period) == (
        "ada@example.com", "fill rate", "by=channel", "de", "2026-11-26",
    )  # fmt: skip
    assert due.since == due.until and str(due.since) == "2026-11-26"
    assert taken(made.next_at) == []
    assert due.file == "xlsx"
    # Another hour of the same day is the same period: nothing is sent anew.
    subscribe_reports(by("ada"), requests=[wanted(hour=9, query="by=channel", file="csv")])
    assert taken(NOW.replace(hour=10)) == []
    # Days of rest: the last period alone.
    (late,) = taken(NOW + timedelta(days=5, hours=4))
    assert (late.period, late.file) == ("2026-12-01", "csv")


def test_what_failed_is_taken_again_later_and_what_may_have_been_sent_is_not(house):
    subscribe_reports(by("ada"), requests=[wanted(), wanted("split rate"), wanted("held orders")])
    at = NOW.replace(hour=7)
    due = {one.report: one.mailing for one in taken(at)}
    outcomes = {"fill rate": "failed", "split rate": "doubtful", "held orders": "sent"}
    requests = [RecordMailing(due[name], outcome, "why") for name, outcome in outcomes.items()]
    answers = record_mailings(by("system:mail", at), requests=requests)
    assert answers == [MailingRecorded(one.mailing, one.outcome) for one in requests]
    assert [type(one) for one in record_mailings(by("system:mail", at), requests=requests)] == [NotFound] * 3
    told = {one.report: one.state for one in queries.subscriptions(1, "ada")}
    assert told == outcomes
    assert taken(at) == []
    for _ in range(TRIES - 1):
        at += RETRY
        assert [one.mailing for one in taken(at)] == [due["fill rate"]]
        record_mailings(by("system:mail", at), requests=[RecordMailing(due["fill rate"], "failed", "why")])
    assert taken(at + RETRY) == [], "after the last try the next period is waited for"


def test_refusals_change_nothing(house):
    assert isinstance(subscribe_reports(by("ben"), requests=[wanted()])[0], NoMailAddress)
    assert isinstance(subscribe_reports(by("ada"), requests=[wanted(hour=24)])[0], Invalid)
    assert isinstance(subscribe_reports(by("ada"), requests=[wanted(file="pdf")])[0], Invalid)
    (made,) = subscribe_reports(by("ada"), requests=[wanted()])
    assert isinstance(end_subscriptions(by("ben"), requests=[EndSubscription(made.id)])[0], NotFound)
    assert len(queries.subscriptions(1, "ada")) == 1 and queries.subscriptions(2, "ada") == []
    end_subscriptions(by("ada"), requests=[EndSubscription(made.id)])
    assert isinstance(end_subscriptions(by("ada"), requests=[EndSubscription(made.id)])[0], NotFound)
    assert isinstance(record_mailings(by("x"), requests=[RecordMailing(ids.uuid7(), "sent")])[0], NotFound)


def test_whoever_has_left_gets_nothing_and_the_same_key_the_same_answer(house):
    once, again = (subscribe_reports(by("ada"), requests=[wanted(key="k")]) for _ in range(2))
    assert once == again
    User.objects.filter(username="ada").update(is_active=False)
    assert taken(NOW + timedelta(days=1)) == []
    User.objects.filter(username="ada").update(is_active=True)
    Group.objects.get(name="controller").user_set.clear()
    assert taken(NOW + timedelta(days=1)) == []


def test_two_workers_take_each_mail_once(committed_db):
    people()
    subscribe_reports(by("ada"), requests=[wanted(), wanted("split rate")])
    answers = at_once([lambda: [one.report for one in taken(NOW.replace(hour=8))]] * 4)
    assert sorted(name for names in answers for name in names) == ["fill rate", "split rate"]


@pytest.mark.counts(
    "access.subscribe_reports",
    "access.end_subscriptions",
    "access.take_due_reports",
    "access.record_mailings",
    "access.retry_mailings",
)
def test_statements_do_not_grow_with_the_batch(house, statements):
    day = NOW
    with statements():
        for n in SIZES:
            made = subscribe_reports(by("ada", day), requests=[wanted(f"r{n}-{i}") for i in range(n)])
            day += timedelta(days=1)
            answers = take_due_reports(by("system:mail", day), requests=[TakeDueReports()] * n)
            due = answers[0].reports
            assert len(due) == n
            failed = [RecordMailing(one.mailing, "failed") for one in due]
            record_mailings(by("system:mail", day), requests=failed)
            sql.run("UPDATE access_mailing SET attempts = 5 WHERE state = 'failed'")
            retry_mailings(by("ada", day), requests=[RetryMailing(1, one.mailing) for one in due])
            take_due_reports(by("system:mail", day), requests=[TakeDueReports()] * n)
            record_mailings(
                by("system:mail", day), requests=[RecordMailing(one.mailing, "sent") for one in due]
            )
            assert sql.run("SELECT count(*)::int FROM access_mailing WHERE state = 'sending'") == [(0,)]
            end_subscriptions(by("ada", day), requests=[EndSubscription(one.id) for one in made])
