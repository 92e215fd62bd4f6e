"""Background work of the web: reports by mail."""

from __future__ import annotations

from django.utils import timezone
from procrastinate.contrib.django import app

from entrepot.web import report_mail


@app.periodic(cron="* * * * *")
@app.task(name="web.mail_reports", queueing_lock="web.mail_reports")
def mail_reports(timestamp: int) -> None:  # noqa: ARG001  procrastinate says for when it was due
    """Every minute: reports that are due to whoever subscribed to them."""
    report_mail.send_due(timezone.now())
