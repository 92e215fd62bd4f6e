"""Background work of the queues: what nobody has dealt with in time goes to another role; messages that were given up
are asked about."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from procrastinate.contrib.django import app

from entrepot.access.queries import UNSENT
from entrepot.kernel import sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import Refused
from entrepot.work.commands.escalate import EscalateOverdue, escalate_overdue
from entrepot.work.commands.steering import TARGETS
from entrepot.work.commands.watch_dead_letters import ITEM, WatchDeadLetters, watch_dead_letters


@app.periodic(cron="* * * * *")
@app.task(name="work.escalate", queueing_lock="work.escalate")
def escalate_all(timestamp: int) -> None:  # noqa: ARG001  procrastinate says for when it was due
    """Every minute: what is overdue by more than its company bears."""
    escalate_all_at(timezone.now())


@app.periodic(cron="* * * * *")
@app.task(name="work.watch_dead_letters", queueing_lock="work.watch_dead_letters")
def watch_all_dead_letters(timestamp: int) -> None:  # noqa: ARG001  procrastinate says for when it was due
    """Every minute: what was given up, of every company that has such messages or mails, or had them."""
    now = timezone.now()
    companies = [company for (company,) in sql.run(_WITH_DEAD, {"type": ITEM, "now": now})]
    cause = Cause(Actor("system:work", everything=True), now, "messages given up")
    if companies:
        watch_dead_letters(cause, requests=[WatchDeadLetters(company) for company in companies])


def escalate_all_at(at: datetime) -> int:
    """Escalate the overdue items of every company that has set targets; returns how many there were."""
    companies = [company for (company,) in sql.run(_STEERED, {"kind": TARGETS})]
    cause = Cause(Actor("system:work", everything=True), at, "overdue")
    requests = [EscalateOverdue(company) for company in companies]
    return sum(
        one.items for one in escalate_overdue(cause, requests=requests) if not isinstance(one, Refused)
    )


_WITH_DEAD = f"""
SELECT DISTINCT company_id::int FROM kernel_delivery WHERE state = 'dead'
UNION SELECT DISTINCT company_id::int FROM kernel_inbox WHERE state IN ('dead', 'failed')
UNION SELECT DISTINCT s.company_id::int {UNSENT}
UNION SELECT DISTINCT company_id::int FROM work_item
WHERE (type = %(type)s::text OR subject_kind = 'message') AND state <> 'done'
"""

_STEERED = "SELECT DISTINCT company_id::int FROM kernel_policy WHERE kind = %(kind)s::text"
