"""Background work of the queues: what nobody has dealt with in time goes to another role."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from procrastinate.contrib.django import app

from entrepot.kernel import sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import Refused
from entrepot.work.commands.escalate import EscalateOverdue, escalate_overdue
from entrepot.work.commands.steering import TARGETS


@app.periodic(cron="* * * * *")
@app.task(name="work.escalate", queueing_lock="work.escalate")
def escalate_all(timestamp: int) -> None:  # noqa: ARG001  procrastinate says for when it was due
    """Every minute: what is overdue by more than its company bears."""
    escalate_all_at(timezone.now())


def escalate_all_at(at: datetime) -> int:
    """Escalate the overdue items of every company that has set targets; returns how many there were."""
    companies = [company for (company,) in sql.run(_STEERED, {"kind": TARGETS})]
    cause = Cause(Actor("system:work", everything=True), at, "overdue")
    requests = [EscalateOverdue(company) for company in companies]
    return sum(
        one.items for one in escalate_overdue(cause, requests=requests) if not isinstance(one, Refused)
    )


_STEERED = "SELECT DISTINCT company_id::int FROM kernel_policy WHERE kind = %(kind)s::text"
