"""Feeds that have stopped as work: one item for each, closed when it speaks again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import NAMESPACE_URL, UUID, uuid5

from entrepot.insight import feeds
from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused, Said
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects

ITEM = "feed stopped"
SUBJECT = "feed"
ROLE = "integration engineer"
PRIORITY = 60
OVER = "it says something again, or its silence is no work any more"


@dataclass(frozen=True, slots=True)
class WatchFeeds:
    """The feeds of a company."""

    company: int
    key: str | None = None


@dataclass(frozen=True, slots=True)
class FeedsWatched:
    """Feeds that have stopped; how many items are new, and how many are closed."""

    company: int
    stopped: int
    opened: int
    closed: int


@command("insight.watch_feeds")
def watch_feeds(cause: Cause, /, *, requests: Sequence[WatchFeeds]) -> list[FeedsWatched | Refused]:
    """An item for each feed that is silent by the policy `insight.feeds`, until it says something again.

    Locks: the items. Refuses: nothing. Again: nothing changes. 8 statements at most.
    """
    companies = list(dict.fromkeys(one.company for one in requests))
    known = {
        (company, subject_of(company, one)): one
        for company, found in feeds.of_companies(companies, cause.at).items()
        for one in found
    }
    stopped = {which for which, one in known.items() if one.freshness == "silent" and one.is_work}
    standing = {tuple(row) for row in sql.run(_STANDING, {"companies": companies, "type": ITEM})}
    # One that is not among the latest at all any more has not spoken either.
    fresh, over = sorted(stopped - standing), sorted((standing & known.keys()) - stopped)
    open_items(cause, requests=[_item(company, which, known[company, which]) for company, which in fresh])
    if over:
        resolve_subjects(
            cause, requests=[ResolveSubject(company, ITEM, which, "gone", OVER) for company, which in over]
        )
    counted = [[company for company, _ in some] for some in (stopped, fresh, over)]
    return [FeedsWatched(one.company, *(some.count(one.company) for some in counted)) for one in requests]


def subject_of(company: int, feed: feeds.Feed) -> UUID:
    """What the item of a feed is about: the same id for the same feed."""
    return uuid5(NAMESPACE_URL, f"entrepot:feed:{company}:{feed.kind}:{feed.name}")


def _item(company: int, which: UUID, one: feeds.Feed) -> OpenItem:
    facts = {"feed": one.name, "kind": one.kind, "last": one.last_at.isoformat()}
    return OpenItem(company, ITEM, SUBJECT, which, _told(one), ROLE, facts, PRIORITY)


def _told(one: feeds.Feed) -> str:
    last = _minute(one.last_at)
    if one.kind == "orders":
        return Said(
            "no order of {0} since {1}: see whether its shop takes orders, and whether they reach us",
            one.name,
            last,
        )
    if one.kind == "in":
        return Said(
            "no message from {0} since {1}: see whether it sends, and whether its messages reach us",
            one.name,
            last,
        )
    return Said("no message to {0} since {1}: see whether something keeps them from leaving", one.name, last)


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


_STANDING = """
SELECT company_id::int, subject_id FROM work_item
WHERE company_id = ANY(%(companies)s::smallint[]) AND type = %(type)s::text AND state <> 'done'
"""
