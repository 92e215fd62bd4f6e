"""A report as a mail: its figure, its table, the way to the page, and its files. It tells of no person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from smtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException
from typing import Any
from urllib.parse import urlencode

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.http import QueryDict
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation

from entrepot.access import queries as access
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
from entrepot.kernel import sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import Said
from entrepot.kernel.exports import NoteExport, as_oneself, note_exports
from entrepot.parties import queries as parties
from entrepot.web import format as fmt
from entrepot.web import report_tables
from entrepot.web.as_csv import CSV, csv_of
from entrepot.web.as_file import AT_ONCE, XLSX, xlsx_of
from entrepot.web.kpi_words import WORDS

log = structlog.get_logger("entrepot.mail")

FILTERS = ("by", "channel", "node", "kind")
"""What a subscription keeps of a report's address; its days are those of its period."""
ROWS_MAX = 62
FILES_MAX = 5_000_000
"""Bytes that one mail carries as files: most servers take the third more that they are on the way. What is longer stays
on the page, and the mail has the way there."""
LONG = AT_ONCE
"""Rows of a file that goes by mail: those of one that a person would wait for."""
TYPES = {"csv": CSV, "xlsx": XLSX}
TOO_LARGE = 552
"""What a mail server says that takes smaller mails only."""
SENT_MAX = 50
"""Mails that one run sends; the next one is a minute later."""


def kept(query: QueryDict | dict[str, str]) -> str:
    """The filters of a report, as they stand behind its address and with a subscription."""
    return urlencode([(name, value) for name in FILTERS if (value := str(query.get(name) or ""))])


def send_due(at: datetime) -> int:
    """Send what is due now; returns how many mails went out.

    A mail is first taken, in a transaction that is over before it is sent: whoever is killed in between leaves it
    taken, and nobody sends it a second time. Each is taken when its turn has come, so that whoever has lost their roles
    meanwhile gets none, and no other is left behind with one that was broken off.
    """
    if not access.sends_mail():
        return 0
    cause = Cause(Actor("system:mail", everything=True), at, "reports by mail")
    sent = 0
    for _ in range(SENT_MAX):
        (answer,) = take_due_reports(cause, requests=[TakeDueReports(1)])
        assert isinstance(answer, DueTaken), answer
        if not answer.reports:
            break
        for due in answer.reports:
            outcome, error = _send(due, at)
            record_mailings(cause, requests=[RecordMailing(due.mailing, outcome, error)])
            sent += outcome == "sent"
    return sent


def _send(due: DueReport, at: datetime) -> tuple[Outcome, str]:
    """What came of one mail. Where the server can't be reached or says no, the mail is not on its way for certain; else
    its files are noted as taken by whom it is for."""
    try:
        mail, files = written(due)
    except Exception as error:  # a report that can't be made must not stop the others
        log.exception("a report could not be made", report=due.report)
        return "failed", type(error).__name__
    connection: BaseEmailBackend = get_connection()
    try:
        connection.open()
    except (OSError, SMTPException) as error:
        return "failed", Said("the mail server can't be reached: {0}", error)
    try:
        outcome, why, code = _handed_over(connection, mail)
        if code == TOO_LARGE and files:
            mail, files = written(due, most=0)
            outcome, why, _ = _handed_over(connection, mail)
    finally:
        connection.close()
    if files and outcome != "failed":
        wanted = [NoteExport(due.company, one.what, due.file, one.rows) for one in files]
        note_exports(as_oneself(Cause(Actor(due.person), at, "reports by mail")), requests=wanted)
    return outcome, why


def _handed_over(connection: BaseEmailBackend, mail: EmailMultiAlternatives) -> tuple[Outcome, str, int]:
    """What came of it, why, and the code with which the server says no."""
    try:
        connection.send_messages([mail])
    except (SMTPResponseException, SMTPRecipientsRefused) as error:
        code = error.smtp_code if isinstance(error, SMTPResponseException) else 0
        why = code or "the recipient is refused"
        return "failed", Said("the mail server says no: {0}", why), code
    except (OSError, SMTPException) as error:
        return "doubtful", Said("the mail server broke off: {0}", type(error).__name__), 0
    return "sent", "", 0


@dataclass(frozen=True, slots=True)
class Told:
    """What a mail says."""

    kpi: Kpi
    now: Figure
    before: Figure
    figures: list[Figure]
    side: str
    link: str

    @property
    def shown(self) -> list[Figure]:
        return self.figures[:ROWS_MAX]

    @property
    def more(self) -> int:
        return len(self.figures) - len(self.shown)


@dataclass(frozen=True, slots=True)
class Attached:
    """A table of a report as a file; without `content` it is too long for a mail, and stands at `link`."""

    what: str
    name: str
    rows: int
    link: str
    content: bytes | None


def written(due: DueReport, most: int = FILES_MAX) -> tuple[EmailMultiAlternatives, list[Attached]]:
    """The mail of a report that is due, and the files that are attached to it: of `most` bytes together."""
    zone = fmt.zone_of(due.zone)
    reading = fmt.Reading(fmt.locale_of("", due.language), zone, timezone.now())
    with (
        fmt.read_by(reading), timezone.override(zone), translation.override(due.language), sql.one_moment()
    ):  # fmt: skip
        told = _told(due)
        files = _files(due, told, most)
        attached = [one for one in files if one.content is not None]
        company = next(one for one in parties.companies() if one.id == due.company)
        words = WORDS[told.kpi.name]
        context = {
            "due": due,
            "told": told,
            "words": words,
            "company": company,
            "manage": _url(reverse("reports")),
            "attached": attached,
            "too_long": [one for one in files if one.content is None],
        }
        subject = f"{words.title} · {company.name} · {_days(due)}"
        mail = EmailMultiAlternatives(
            subject, render_to_string("web/mail/report.txt", context), to=[due.address],
            headers={
                "Message-ID": f"<report.{due.mailing}@{host()}>", "Auto-Submitted": "auto-generated",
                "List-Unsubscribe": f"<{_url(reverse('reports'))}>",
            },
        )  # fmt: skip
        mail.attach_alternative(render_to_string("web/mail/report.html", context), "text/html")
        for one in attached:
            mail.attach(one.name, one.content, TYPES[due.file])
        return mail, attached


def _told(due: DueReport) -> Told:
    kpi, query = kpis.KPIS[due.report], QueryDict(due.query)
    asked, side = _asked(due), str(query.get("by") or "")
    side = side if side in kpi.sides else "time"
    at = fmt.reading().now
    figures = report_tables.figures(kpi, due.company, at, asked, side, "day")
    now, before = (kpis.total(kpi, due.company, at, one) for one in (asked, asked.earlier))
    link = _url(reverse("report", args=[kpis.slug(kpi.name)])) + "?" + urlencode(
        [("since", due.since.isoformat()), ("until", due.until.isoformat())]
    )  # fmt: skip
    return Told(kpi, now, before, figures, side, f"{link}&{due.query}" if due.query else link)


def _asked(due: DueReport) -> Asked:
    return report_tables.asked_of(due.since, due.until, QueryDict(due.query))


def _files(due: DueReport, told: Told, most: int) -> list[Attached]:
    """The two tables that the page gives as files, where it was asked for them and there is something in them."""
    if due.file not in TYPES or not told.figures:
        return []
    slug, link = kpis.slug(told.kpi.name), f"{told.link}&period=day"
    rows = kpis.rows(told.kpi, due.company, fmt.reading().now, _asked(due), limit=LONG + 1)
    tables = (
        (slug, report_tables.FIGURES, told.figures, f"{link}&format={due.file}"),
        (f"{slug}-rows", report_tables.ROWS, list(report_tables.cells(rows)), f"{link}&rows={due.file}"),
    )  # fmt: skip
    found: list[Attached] = []
    for what, columns, lines, there in tables:
        name = f"{what}-{due.period}.{due.file}"
        content = _content(due.file, what, columns, lines) if len(lines) <= LONG else None
        if content is not None and len(content) > most:
            content = None
        most -= len(content or b"")
        if lines:
            found.append(Attached(what, name, len(lines), there, content))
    return found


def _content(kind: str, name: str, columns: Sequence[str], lines: Sequence[Sequence[Any]]) -> bytes:
    file = csv_of(columns, lines) if kind == "csv" else xlsx_of(name, columns, lines)
    with file:
        file.seek(0)
        return file.read()


def _days(due: DueReport) -> str:
    return fmt.day(due.since) if due.since == due.until else f"{fmt.day(due.since)} – {fmt.day(due.until)}"


def _url(path: str) -> str:
    return f"{settings.PUBLIC_URL}{path}"


def host() -> str:
    """What the ids of mails end with."""
    return str(settings.PUBLIC_URL).partition("://")[2].partition("/")[0].partition(":")[0] or "localhost"
