"""Background work of insight: every night the house proves its sums and makes its advice, and kept answers are
renewed."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

import structlog
from django.utils import timezone
from procrastinate.contrib.django import app

from entrepot.insight import answers, questions  # noqa: F401  which answers.renew finds by name
from entrepot.insight.advising import KINDS
from entrepot.insight.commands.advise import Advise, advise
from entrepot.insight.commands.watch_feeds import WatchFeeds, watch_feeds
from entrepot.insight.verify import discrepancies
from entrepot.kernel import ids
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.sql import DATABASE_AWAY
from entrepot.parties import queries as parties
from entrepot.work.commands.open_items import OpenItem, open_items

log = structlog.get_logger("entrepot.insight")

SHOWN_MAX = 50
"""Discrepancies of a night that become work items; beyond that something larger is wrong, and these will show it."""


@app.periodic(cron="*/5 * * * *")
@app.task(name="insight.renew", queueing_lock="insight.renew")
def renew(timestamp: int) -> None:  # noqa: ARG001  procrastinate says for when it was due
    """Every five minutes: answers that a large house keeps tell what has happened since."""
    answers.renew(timezone.now())


@app.periodic(cron="*/10 * * * *")
@app.task(name="insight.watch_feeds", queueing_lock="insight.watch_feeds")
def watch_all_feeds(timestamp: int) -> None:  # noqa: ARG001  procrastinate says for when it was due
    """Every ten minutes: feeds that have stopped, and those that speak again."""
    watch_feeds_at(timezone.now())


def watch_feeds_at(at: datetime) -> None:
    cause = Cause(Actor("system:insight", frozenset({"insight.watch_feeds"})), at, "feeds that have stopped")
    watch_feeds(cause, requests=[WatchFeeds(one.id) for one in parties.companies()])


@app.periodic(cron="15 2 * * *")
@app.task(name="insight.prove", queueing_lock="insight.prove")
def prove(timestamp: int) -> None:  # noqa: ARG001  procrastinate says for when it was due
    """At a quarter past two: a work item for each sum that is not in order."""
    prove_at(timezone.now())


@app.periodic(cron="10 4 * * *")
@app.task(name="insight.advise", queueing_lock="insight.advise")
def advise_nightly(timestamp: int) -> None:  # noqa: ARG001  procrastinate says for when it was due
    """At ten past four: what the house would suggest is made anew."""
    advise_at(timezone.now())


def advise_at(at: datetime) -> None:
    """Advice of each kind for each company, one at a time: none waits for another, and where one can't be made the
    others are. The log tells which."""
    for company in parties.companies():
        for kind in KINDS:
            cause = Cause(Actor("system:advise", everything=True), at, "nightly advice")
            try:
                advise(cause, requests=[Advise(company.id, kind)])
            except DATABASE_AWAY:
                raise
            except Exception:
                log.exception("advice can't be made", company=company.id, kind=kind)


def prove_at(at: datetime) -> int:
    """Check all rooms and open an item for each discrepancy; returns how many there are."""
    found = discrepancies()
    companies = parties.companies()
    if found and companies:
        cause = Cause(Actor("system:prove", everything=True), at, "nightly proof")
        items = [
            OpenItem(
                company=companies[0].id, type="discrepancy", subject_kind="house", subject=ids.uuid7(), reason=sentence,
                role="controller", priority=95, dedupe=sha256(sentence.encode()).hexdigest(),
            )
            for sentence in found[:SHOWN_MAX]
        ]  # fmt: skip
        open_items(cause, requests=items)
    return len(found)
