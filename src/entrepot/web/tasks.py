"""Background work of the web: reports by mail, and papers that go to the outside."""

from __future__ import annotations

from django.utils import timezone
from procrastinate.contrib.django import app

from entrepot.kernel.cause import Cause
from entrepot.kernel.delivery import Claimed
from entrepot.payments.providers import fake
from entrepot.payments.providers.stripe import client as stripe
from entrepot.web import dispute_paper, report_mail


@app.periodic(cron="* * * * *")
@app.task(name="web.mail_reports", queueing_lock="web.mail_reports")
def mail_reports(timestamp: int) -> None:  # noqa: ARG001  procrastinate says for when it was due
    """Every minute: reports that are due to whoever subscribed to them."""
    report_mail.send_due(timezone.now())


def answer_fake(cause: Cause, message: Claimed) -> None:
    """Send an answer to a dispute to the recorded provider."""
    dispute_paper.send(cause, message, fake.client)


def answer_stripe(cause: Cause, message: Claimed) -> None:
    """Send an answer to a dispute to Stripe."""
    dispute_paper.send(cause, message, stripe.client())


AS_WRITTEN = dict.fromkeys(("disputes.fake", "disputes.stripe"), "it answers a bank, which only commands do")
DESTINATIONS = {"disputes.fake": answer_fake, "disputes.stripe": answer_stripe}
