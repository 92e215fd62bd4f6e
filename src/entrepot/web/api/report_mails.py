"""Reports by mail, for programs: those of the person whose key it is; those that did not go out are everybody's to
know, as on the page."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router
from pydantic import Field

from entrepot.access import mailing
from entrepot.access import queries as access
from entrepot.access.commands.subscribe import (
    EndSubscription,
    RetryMailing,
    SubscribeReport,
    end_subscriptions,
    retry_mailings,
    subscribe_reports,
)
from entrepot.insight import kpis
from entrepot.languages import LANGUAGES
from entrepot.web import report_mail
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, REFUSED, Company, IdempotencyKey, Many, give
from entrepot.web.api.schemas import Code, Each, Out, Own, Strict

router = Router()

if TYPE_CHECKING:
    Report: TypeAlias = str
    Language: TypeAlias = str
    File: TypeAlias = str
else:
    Report, Language = Literal[tuple(kpis.KPIS)], Literal[tuple(LANGUAGES)]
    File = Literal[mailing.FILES]
Filter = Code | Literal[""]


class ReportMailIn(Strict):
    """A report by mail at an hour of a zone: of the day, the week or the month before, with the filters given.

    `file`: its figures and the rows behind them come attached, as workbooks or as CSV, or not.
    """

    report: Report
    rhythm: Literal["daily", "weekly", "monthly"]
    hour: Annotated[int, Field(ge=0, le=23)]
    zone: Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9_+/-]+$")] = "UTC"
    by: Literal["", "channel", "node", "kind"] = ""
    channel: Filter = ""
    node: Filter = ""
    language: Language = "en"
    file: File = "xlsx"
    key: Own = None


class ReportMailMadeOut(Out):
    id: UUID
    next_at: datetime


class ReportMailOut(Out):
    """`state` is what became of the last mail: sending, sent, failed or doubtful; '' before the first."""

    id: UUID
    report: str
    query: str
    rhythm: str
    hour: int
    zone: str
    file: str
    next_at: datetime
    state: str
    error: str


class ReportMailEndIn(Strict):
    id: UUID
    key: Own = None


class ReportMailEndedOut(Out):
    id: UUID


class UnsentMailOut(Out):
    """`state`: failed (as often as it is tried), doubtful (it may have arrived), or sending (its sender never told of
    it)."""

    id: UUID
    person: str
    report: str
    query: str
    period: str
    state: str
    attempts: int
    error: str
    taken_at: datetime


class MailAgainIn(Strict):
    mailing: UUID
    key: Own = None


class MailAgainOut(Out):
    mailing: UUID


@router.get("/report-mails", response={200: list[ReportMailOut], **READ})
def list_report_mails(request: HttpRequest, company: Company = None) -> list[Any]:
    """Reports that the person of the key gets by mail."""
    return list(access.subscriptions(parse.company_of(company), parse.actor_of(request).name))


@router.get("/report-mails/unsent", response={200: list[UnsentMailOut], **READ})
def list_unsent_mails(request: HttpRequest, company: Company = None) -> list[Any]:  # noqa: ARG001
    """Mails of reports that did not go out, whoever's they are, the oldest first."""
    return list(access.unsent(parse.company_of(company), timezone.now()))


@router.post("/report-mails/retry", response={200: MailAgainOut | list[Each[MailAgainOut]], **REFUSED})
def retry_mails(
    request: HttpRequest,
    payload: MailAgainIn | Annotated[list[MailAgainIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Try mails anew that did not go out; one that is doubtful may arrive twice."""
    which = parse.company_of(company)
    return give(
        request, retry_mailings, payload, idempotency_key,
        lambda one, key: RetryMailing(which, one.mailing, key=key),
    )  # fmt: skip


@router.post("/report-mails", response={200: ReportMailMadeOut | list[Each[ReportMailMadeOut]], **REFUSED})
def subscribe_report(
    request: HttpRequest,
    payload: ReportMailIn | Annotated[list[ReportMailIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Subscribe to reports; the same report with the same filters again changes its rhythm."""
    which = parse.company_of(company)
    return give(
        request, subscribe_reports, payload, idempotency_key,
        lambda one, key: SubscribeReport(
            which, one.report, one.rhythm, one.hour, one.zone,
            report_mail.kept({"by": one.by, "channel": one.channel, "node": one.node}), one.language, one.file,
            key=key,
        ),
    )  # fmt: skip


@router.post(
    "/report-mails/end", response={200: ReportMailEndedOut | list[Each[ReportMailEndedOut]], **REFUSED}
)
def end_report_mail(
    request: HttpRequest,
    payload: ReportMailEndIn | Annotated[list[ReportMailEndIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """End reports by mail."""
    return give(
        request,
        end_subscriptions,
        payload,
        idempotency_key,
        lambda one, key: EndSubscription(one.id, key=key),
    )
