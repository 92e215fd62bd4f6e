"""API keys that end soon as work: one item for each, closed when another key follows or it is revoked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from entrepot.access import lifetimes
from entrepot.access import queries as access
from entrepot.access.lifetimes import KeyPolicy
from entrepot.kernel import policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused, Said
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects

ITEM = "API key ends"
SUBJECT = "api_key"
ROLE = "integration engineer"
PRIORITY = 50

WHY = {
    "revoked": "the key is revoked",
    "left": "its person may not enter any more",
    "followed": "another key follows it",
    "": "it is not told here any more: the policy tells it later, or its person belongs elsewhere",
}
"""Why nobody has to look at a key any more, by what it came to."""


@dataclass(frozen=True, slots=True)
class WatchKeys:
    """The keys of people of a company; `of_all`: of those who belong to all companies as well, about whom one company
    is asked. Who belongs to several is told where they belong first."""

    company: int
    of_all: bool = False
    key: str | None = None


@dataclass(frozen=True, slots=True)
class KeysWatched:
    """Keys that end soon or have ended; how many items are new, and how many are closed."""

    company: int
    ending: int
    opened: int
    closed: int


@command("work.watch_keys")
def watch_keys(cause: Cause, /, *, requests: Sequence[WatchKeys]) -> list[KeysWatched | Refused]:
    """An item for each key that ends within the days that the policy `access.keys` tells before, or has ended, until
    it is rotated or revoked.

    Locks: the items. Refuses: nothing. Again: nothing changes. 8 statements at most.
    """
    set_by = policies.everywhere(KeyPolicy, cause.at)
    earliest = timedelta(days=lifetimes.strictest((), set_by).told_days)
    ending = [
        one
        for one in access.keys_ending(cause.at + earliest)
        if lifetimes.is_told(lifetimes.strictest(one.companies, set_by), one.expires_at, cause.at)
    ]
    asked = {one.company for one in requests}
    of_all = next((one.company for one in requests if one.of_all), None)
    told = [
        (company, one)
        for one in ending
        if (company := one.companies[0] if one.companies else of_all) in asked
    ]
    opened = open_items(cause, requests=[_item(cause, company, one) for company, one in told])
    fresh = [
        company
        for (company, _), answer in zip(told, opened, strict=True)
        if not isinstance(answer, Refused) and answer.fresh
    ]
    closed = _close(cause, asked, {(company, one.id) for company, one in told})
    ends = [company for company, _ in told]
    return [
        KeysWatched(one.company, *(counted.count(one.company) for counted in (ends, fresh, closed)))
        for one in requests
    ]


def _item(cause: Cause, company: int, one: access.KeyEnding) -> OpenItem:
    told = _told(one, is_over=one.expires_at <= cause.at)
    facts = {
        "key": one.prefix,
        "name": one.name,
        "person": one.person,
        "expires": f"{one.expires_at:%Y-%m-%d}",
    }
    left = max(1, (one.expires_at - cause.at) // timedelta(hours=1))
    return OpenItem(company, ITEM, SUBJECT, one.id, told, ROLE, facts, PRIORITY, due_in_hours=left)


def _told(one: access.KeyEnding, *, is_over: bool) -> str:
    used = "no use of it is known"
    if one.used_at:
        used = Said("it was used last on {0}", one.used_at.date())
    facts = (one.name, one.prefix, one.person, one.expires_at.date(), used)
    if is_over:
        return Said(
            "the key {0} ({1}) of {2} ended on {3}; {4}: rotate it, and give its program the new one, or revoke it",
            *facts,
        )
    return Said(
        "the key {0} ({1}) of {2} ends on {3}; {4}: rotate it, and give its program the new one, or revoke it",
        *facts,
    )


def _close(cause: Cause, companies: Iterable[int], told: set[tuple[int, UUID]]) -> list[int]:
    """Close items about keys that nobody has to look at any more; the companies of each."""
    standing = sql.run(_STANDING, {"companies": sorted(companies), "type": ITEM})
    over = [(company, subject) for company, subject in standing if (company, subject) not in told]
    if over:
        came_to = access.keys_came_to({subject for _, subject in over})
        closing = [
            ResolveSubject(company, ITEM, subject, "gone", WHY[came_to.get(subject, "")])
            for company, subject in over
        ]
        resolve_subjects(cause, requests=closing)
    return [company for company, _ in over]


_STANDING = """
SELECT company_id::int, subject_id FROM work_item
WHERE company_id = ANY(%(companies)s::smallint[]) AND type = %(type)s::text AND state <> 'done' ORDER BY 2
"""
