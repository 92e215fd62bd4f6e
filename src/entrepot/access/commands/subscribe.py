"""Reports by mail: subscribed to, taken when they are due, and what became of each mail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, NamedTuple
from uuid import UUID

from entrepot.access import mailing, queries
from entrepot.access.errors import NoMailAddress, NoMailServer
from entrepot.access.queries import REACHED, UNSENT
from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import NotFound, Refused


@dataclass(frozen=True, slots=True)
class SubscribeReport:
    """`query` is what stands behind the address of the report; `hour` is one of the `zone`; `file` is what is attached,
    one of `mailing.FILES`."""

    company: int
    report: str
    rhythm: str
    hour: int
    zone: str
    query: str = ""
    language: str = "en"
    file: str = mailing.FILES[0]
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ReportSubscribed:
    id: UUID
    next_at: datetime


@dataclass(frozen=True, slots=True)
class EndSubscription:
    id: UUID
    key: str | None = None


@dataclass(frozen=True, slots=True)
class SubscriptionEnded:
    id: UUID


@dataclass(frozen=True, slots=True)
class TakeDueReports:
    """What is due now, `most` of it at most."""

    most: int = 50
    key: str | None = None


@dataclass(frozen=True, slots=True)
class DueReport:
    """One mail that must be written and sent, by whoever took it and nobody else."""

    mailing: UUID
    company: int
    person: str
    address: str
    report: str
    query: str
    language: str
    zone: str
    period: str
    since: date
    until: date
    file: str


@dataclass(frozen=True, slots=True)
class DueTaken:
    reports: tuple[DueReport, ...]


Outcome = Literal["sent", "failed", "doubtful"]


@dataclass(frozen=True, slots=True)
class RecordMailing:
    """`failed`: the mail is certainly not on its way, and is tried again; `doubtful`: it may be, and is not."""

    mailing: UUID
    outcome: Outcome
    error: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class MailingRecorded:
    mailing: UUID
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class RetryMailing:
    company: int
    mailing: UUID
    key: str | None = None


@dataclass(frozen=True, slots=True)
class MailingRetried:
    mailing: UUID


@command("access.subscribe_reports")
def subscribe_reports(
    cause: Cause, /, *, requests: Sequence[SubscribeReport]
) -> list[ReportSubscribed | Refused]:
    """Reports that the person who asks will get by mail. The same report with the same filters is subscribed to once:
    again, its rhythm and its file change, and nothing that was sent is sent anew.

    Refuses: NoMailAddress, Invalid (report, rhythm, hour, zone, file or filters). Again: the same subscription; by key.
    2 statements.
    """
    has_address = bool(sql.run(_ADDRESS, {"person": cause.actor.name}))
    refusals = [_refusal(cause, one, has_address=has_address) for one in requests]
    wanted = {
        (one.company, one.report, one.query): one
        for one, refusal in zip(requests, refusals, strict=True)
        if refusal is None
    }
    rows = [
        (
            ids.uuid7(), *key, one.rhythm, one.hour, one.zone, one.language, one.file,
            mailing.next_due(one.rhythm, one.hour, one.zone, cause.at),
        )
        for key, one in sorted(wanted.items())
    ]  # fmt: skip
    names = (
        "ids",
        "companies",
        "reports",
        "queries",
        "rhythms",
        "hours",
        "zones",
        "languages",
        "files",
        "dues",
    )
    params = sql.columns(names, rows) | {"person": cause.actor.name, "at": cause.at}
    made = {tuple(key): ReportSubscribed(which, due) for which, due, *key in sql.run(_SUBSCRIBE, params)}
    return [
        refusal or made[one.company, one.report, one.query]
        for one, refusal in zip(requests, refusals, strict=True)
    ]


def _refusal(cause: Cause, one: SubscribeReport, *, has_address: bool) -> Refused | None:
    if not has_address:
        return NoMailAddress(person=cause.actor.name)
    return mailing.misfit(one.report, one.rhythm, one.hour, one.zone, one.query, one.file)


@command("access.end_subscriptions")
def end_subscriptions(
    cause: Cause, /, *, requests: Sequence[EndSubscription]
) -> list[SubscriptionEnded | Refused]:
    """Reports that the person who asks does not want any more.

    Refuses: NotFound (also where it is another person's, or has ended). Again: NotFound; by key. 1 statement.
    """
    wanted = {"ids": [one.id for one in requests], "person": cause.actor.name}
    ended = {which for (which,) in sql.run(_END, wanted)}
    return [
        SubscriptionEnded(one.id) if one.id in ended else NotFound(what="subscription of yours", which=one.id)
        for one in requests
    ]


class _Due(NamedTuple):
    subscription: UUID
    rhythm: str
    hour: int
    zone: str


@command("access.take_due_reports")
def take_due_reports(cause: Cause, /, *, requests: Sequence[TakeDueReports]) -> list[DueTaken | Refused]:
    """Mails that are due, each for whoever takes it and nobody else: once this is committed it is sent by its taker or
    not at all. After a long rest only the last period of each subscription is due. What failed is taken again when
    its time has come.

    Locks: subscriptions and mailings that are due, passing by those that another takes now. Again: finds what is left.
    5 statements; 2 where nothing is due, as in most minutes.
    """
    params = {"at": cause.at, "limit": sum(one.most for one in requests)}
    due = [_Due(*row) for row in sql.run(_TAKE_DUE, params)]
    again = [which for (which,) in sql.run(_AGAIN, params | {"tries": mailing.TRIES})]
    which = [*(_begin(cause, due) if due else ()), *again]
    taken = [DueReport(*row) for row in sql.run(_TAKEN, {"ids": which})] if which else []
    return [DueTaken(tuple(taken) if i == 0 else ()) for i in range(len(requests))]


def _begin(cause: Cause, due: Sequence[_Due]) -> list[UUID]:
    """The mailings of subscriptions that are due, which are due again in their next period. 2 statements."""
    rows = []
    for one in due:
        last = mailing.last_due(one.rhythm, one.hour, one.zone, cause.at)
        period = mailing.period_of(one.rhythm, one.zone, last)
        following = mailing.next_due(one.rhythm, one.hour, one.zone, cause.at)
        rows.append((ids.uuid7(), one.subscription, *period, following))
    batch = sql.columns(("ids", "subscriptions", "periods", "sinces", "untils", "dues"), rows)
    sql.run(_MOVE_ON, batch)
    return [which for (which,) in sql.run(_BEGIN, batch | {"at": cause.at})]


@command("access.record_mailings")
def record_mailings(cause: Cause, /, *, requests: Sequence[RecordMailing]) -> list[MailingRecorded | Refused]:
    """What became of mails that were taken.

    Refuses: NotFound (nobody is sending it). Again: NotFound; by key. 1 statement.
    """
    rows = {one.mailing: (one.mailing, one.outcome, one.error[:500]) for one in requests}
    params = sql.columns(("ids", "states", "errors"), list(rows.values()))
    known = {
        which for (which,) in sql.run(_RECORD, params | {"at": cause.at, "next": cause.at + mailing.RETRY})
    }
    return [
        MailingRecorded(one.mailing, one.outcome)
        if one.mailing in known
        else NotFound(what="mail that is being sent", which=one.mailing)
        for one in requests
    ]


@command("access.retry_mailings")
def retry_mailings(cause: Cause, /, *, requests: Sequence[RetryMailing]) -> list[MailingRetried | Refused]:
    """Mails that did not go out, or of which nobody knows, are tried from now on, as often as new ones. Whoever says
    so bears that a doubtful one may arrive twice.

    Refuses: NoMailServer; NotFound (none of the company's that `queries.unsent` tells: it was sent, is still tried, or
    nobody is reached by it any more). Again: NotFound; by key. 1 statement.
    """
    if not queries.sends_mail():
        return [NoMailServer() for _ in requests]
    rows = sorted({(one.company, one.mailing) for one in requests})
    params = sql.columns(("companies", "ids"), rows) | {"now": cause.at}
    again = {which for (which,) in sql.run(_RETRY, params)}
    return [
        MailingRetried(one.mailing)
        if one.mailing in again
        else NotFound(what="mail that did not go out", which=one.mailing)
        for one in requests
    ]


# What was taken meanwhile is on its way.
_RETRY = f"""
UPDATE access_mailing AS m SET state = 'failed', attempts = 0, next_try_at = %(now)s::timestamptz
FROM (SELECT s.company_id, m.* {UNSENT}) AS u
JOIN unnest(%(companies)s::smallint[], %(ids)s::uuid[]) AS d(company, id) ON (d.company, d.id) = (u.company_id, u.id)
WHERE m.id = u.id AND (m.state, m.attempts, m.taken_at) = (u.state, u.attempts, u.taken_at)
RETURNING m.id
"""

_ADDRESS = "SELECT 1 FROM auth_user WHERE username = %(person)s::text AND is_active AND email <> ''"

_SUBSCRIBE = f"""
INSERT INTO access_subscription AS s
    (id, company_id, person, report, query, rhythm, hour, zone, language, file, next_at, made_at)
SELECT ids, companies, %(person)s::text, reports, queries, rhythms, hours, zones, languages, files, dues,
       %(at)s::timestamptz
FROM {
    sql.unnest(
        "one", ids="uuid", companies="smallint", reports="text", queries="text", rhythms="text", hours="smallint",
        zones="text", languages="text", files="text", dues="timestamptz",
    )
}
ON CONFLICT (company_id, person, report, query) DO UPDATE
SET rhythm = excluded.rhythm, hour = excluded.hour, zone = excluded.zone, language = excluded.language,
    file = excluded.file, next_at = excluded.next_at
RETURNING id, next_at, company_id::int, report, query
"""  # fmt: skip

_END = "DELETE FROM access_subscription WHERE id = ANY(%(ids)s::uuid[]) AND person = %(person)s::text RETURNING id"

_TAKE_DUE = f"""
SELECT id, rhythm, hour::int, zone FROM access_subscription AS s
WHERE next_at <= %(at)s::timestamptz AND {REACHED}
ORDER BY next_at, id LIMIT %(limit)s::int FOR UPDATE SKIP LOCKED
"""

_MOVE_ON = """
UPDATE access_subscription AS s SET next_at = d.due
FROM unnest(%(subscriptions)s::uuid[], %(dues)s::timestamptz[]) AS d(id, due) WHERE s.id = d.id
"""

# A period that has a mail gets no second one: also where the rhythm was changed and changed back.
_BEGIN = """
INSERT INTO access_mailing (id, subscription_id, period, since, until, state, attempts, taken_at)
SELECT d.id, d.subscription, d.period, d.since, d.until, 'sending', 1, %(at)s::timestamptz
FROM unnest(%(ids)s::uuid[], %(subscriptions)s::uuid[], %(periods)s::text[], %(sinces)s::date[], %(untils)s::date[])
     AS d(id, subscription, period, since, until)
ON CONFLICT (subscription_id, period) DO NOTHING
RETURNING id
"""

_AGAIN = f"""
UPDATE access_mailing SET state = 'sending', attempts = attempts + 1, taken_at = %(at)s::timestamptz
WHERE id = ANY(ARRAY(SELECT m.id FROM access_mailing AS m JOIN access_subscription AS s ON s.id = m.subscription_id
                     WHERE m.state = 'failed' AND m.attempts < %(tries)s::int AND m.next_try_at <= %(at)s::timestamptz
                       AND {REACHED}
                     ORDER BY m.next_try_at, m.id LIMIT %(limit)s::int FOR UPDATE OF m SKIP LOCKED))
RETURNING id
"""

_TAKEN = """
SELECT m.id, s.company_id::int, s.person, u.email, s.report, s.query, s.language, s.zone, m.period, m.since, m.until,
       s.file
FROM access_mailing AS m JOIN access_subscription AS s ON s.id = m.subscription_id
JOIN auth_user AS u ON u.username = s.person
WHERE m.id = ANY(%(ids)s::uuid[]) ORDER BY m.id
"""

_RECORD = """
UPDATE access_mailing AS m SET state = d.state, error = d.error, next_try_at = %(next)s::timestamptz,
       done_at = CASE WHEN d.state = 'sent' THEN %(at)s::timestamptz END
FROM unnest(%(ids)s::uuid[], %(states)s::text[], %(errors)s::text[]) AS d(id, state, error)
WHERE m.id = d.id AND m.state = 'sending'
RETURNING m.id
"""
