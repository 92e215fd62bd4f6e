"""A report as a mail: its figure, its table and the way to the page. It tells of no person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from smtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException
from urllib.parse import urlencode

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.http import QueryDict
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation

from entrepot.access.commands.subscribe import (
    DueReport,
    DueTaken,
    Outcome,
    RecordMailing,
    TakeDueReports,
    record_mailings,
    take_due_reports,
)
from entrepot.insight import kpis
from entrepot.insight.kpis import Asked, Figure, Kpi
from entrepot.kernel.cause import Actor, Cause
from entrepot.parties import queries as parties
from entrepot.web import format as fmt
from entrepot.web.kpi_words import WORDS

log = structlog.get_logger("entrepot.mail")

FILTERS = ("by", "channel", "node", "kind")
"""What a subscription keeps of a report's address; its days are those of its period."""
ROWS_MAX = 62


def kept(query: QueryDict | dict[str, str]) -> str:
    """The filters of a report, as they stand behind its address and with a subscription."""
    return urlencode([(name, value) for name in FILTERS if (value := str(query.get(name) or ""))])


def is_set_up() -> bool:
    """Whether this house can send mail."""
    return bool(settings.EMAIL_HOST) or "smtp" not in settings.EMAIL_BACKEND


def send_due(at: datetime) -> int:
    """Send what is due now; returns how many mails went out.

    A mail is first taken, in a transaction that is over before it is sent: whoever is killed in between leaves it
    taken, and nobody sends it a second time.
    """
    if not is_set_up():
        return 0
    cause = Cause(Actor("system:mail", everything=True), at, "reports by mail")
    (answer,) = take_due_reports(cause, requests=[TakeDueReports()])
    assert isinstance(answer, DueTaken), answer
    sent = 0
    for due in answer.reports:
        outcome, error = _send(due)
        record_mailings(cause, requests=[RecordMailing(due.mailing, outcome, error)])
        sent += outcome == "sent"
    return sent


def _send(due: DueReport) -> tuple[Outcome, str]:
    """What came of one mail. Where the server can't be reached or says no, the mail is not on its way for certain."""
    try:
        mail = written(due)
    except Exception as error:  # a report that can't be made must not stop the others
        log.exception("a report could not be made", report=due.report)
        return "failed", type(error).__name__
    connection: BaseEmailBackend = get_connection()
    try:
        connection.open()
    except (OSError, SMTPException) as error:
        return "failed", f"the mail server can't be reached: {error}"
    try:
        connection.send_messages([mail])
    except (SMTPResponseException, SMTPRecipientsRefused) as error:
        return "failed", f"the mail server says no: {_without_address(error)}"
    except (OSError, SMTPException) as error:
        return "doubtful", f"the mail server broke off: {type(error).__name__}"
    finally:
        connection.close()
    return "sent", ""


def _without_address(error: SMTPException) -> str:
    if isinstance(error, SMTPResponseException):
        return str(error.smtp_code)
    return "the recipient is refused"


@dataclass(frozen=True, slots=True)
class Told:
    """What a mail says."""

    kpi: Kpi
    now: Figure
    before: Figure
    figures: list[Figure]
    side: str
    more: int
    link: str


def written(due: DueReport) -> EmailMultiAlternatives:
    """The mail of a report that is due."""
    zone = fmt.zone_of(due.zone)
    reading = fmt.Reading(fmt.locale_of("", due.language), zone, timezone.now())
    with fmt.read_by(reading), timezone.override(zone), translation.override(due.language):
        told = _told(due)
        company = next(one for one in parties.companies() if one.id == due.company)
        words = WORDS[told.kpi.name]
        context = {
            "due": due,
            "told": told,
            "words": words,
            "company": company,
            "manage": _url(reverse("reports")),
        }
        subject = f"{words.title} · {company.name} · {_days(due)}"
        mail = EmailMultiAlternatives(
            subject, render_to_string("web/mail/report.txt", context), to=[due.address],
            headers={
                "Message-ID": f"<report.{due.mailing}@{_host()}>", "Auto-Submitted": "auto-generated",
                "List-Unsubscribe": f"<{_url(reverse('reports'))}>",
            },
        )  # fmt: skip
        mail.attach_alternative(render_to_string("web/mail/report.html", context), "text/html")
        return mail


def _told(due: DueReport) -> Told:
    kpi, query = kpis.KPIS[due.report], QueryDict(due.query)
    said = [str(query.get(name) or "") for name in ("channel", "node", "kind")]
    asked = Asked(fmt.start_of(due.since), fmt.start_of(due.until + timedelta(days=1)), *said)
    side = str(query.get("by") or "")
    if side in kpi.sides:
        figures = kpis.by(kpi, due.company, asked, side)
    else:
        side, figures = "time", kpis.over_time(kpi, due.company, asked, "day")
    now, before = kpis.total(kpi, due.company, asked), kpis.total(kpi, due.company, asked.earlier)
    link = _url(reverse("report", args=[kpis.slug(kpi.name)])) + "?" + urlencode(
        [("since", due.since.isoformat()), ("until", due.until.isoformat())]
    )  # fmt: skip
    return Told(
        kpi, now, before, figures[:ROWS_MAX], side, max(0, len(figures) - ROWS_MAX),
        f"{link}&{due.query}" if due.query else link,
    )  # fmt: skip


def _days(due: DueReport) -> str:
    return fmt.day(due.since) if due.since == due.until else f"{fmt.day(due.since)} – {fmt.day(due.until)}"


def _url(path: str) -> str:
    return f"{settings.PUBLIC_URL}{path}"


def _host() -> str:
    return str(settings.PUBLIC_URL).partition("://")[2].partition("/")[0].partition(":")[0] or "localhost"
