"""Cases of customer service: what customers ask about, apart from the exceptions of fulfillment, linked to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Refused
from entrepot.kernel.events import Event
from entrepot.work import rules
from entrepot.work.commands.claim import lock
from entrepot.work.commands.open_items import ItemOpened, OpenItem, open_items


@dataclass(frozen=True, slots=True)
class OpenCase:
    """A customer asks about a document; `topic` is one of `rules.TOPICS`."""

    company: int
    subject_kind: str
    subject: UUID
    topic: str
    reason: str
    priority: int = 60
    value_minor: int | None = None
    promise_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class CaseOpened:
    """The case; `fresh` is False where one on this topic was open already: what was said is added to its history."""

    item: UUID
    fresh: bool


@dataclass(frozen=True, slots=True)
class LinkItems:
    """Two items belong together; which is said first makes no difference."""

    one: UUID
    other: UUID
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ItemsLinked:
    one: UUID
    other: UUID


@command("work.open_case")
def open_case(cause: Cause, /, *, requests: Sequence[OpenCase]) -> list[CaseOpened | Refused]:
    """A case for customer service about each document, linked to the unfinished exceptions about the same. Where one is
    open already, what the customer says now is told in it.

    Locks: the cases that are open already, in the order of (company, type, dedupe).
    Refuses: Invalid (topic). Again: by key; a document has one unfinished case of a topic.
    2 statements; 1 more where a company steers its work by policy, and 1 where some are open already.
    """
    answers: list[CaseOpened | Refused] = []
    asked = [(one, rules.misfit_topic(one.topic)) for one in requests]
    opened = iter(open_items(cause, requests=[_item(one) for one, refusal in asked if refusal is None]))
    for _, refusal in asked:
        item = refusal or next(opened)
        answers.append(CaseOpened(item.item, item.fresh) if isinstance(item, ItemOpened) else item)

    cases = [one.item for one in answers if isinstance(one, CaseOpened)]
    if cases:
        rows = sql.run(_LINK_SUBJECTS, {"cases": cases, "at": cause.at, "by": cause.actor.name})
        _tell(cause, rows)
    said = [
        (answer.item, one.reason)
        for (one, _), answer in zip(asked, answers, strict=True)
        if isinstance(answer, CaseOpened) and not answer.fresh
    ]
    if said:
        _tell_more(cause, said)
    return answers


@command("work.link")
def link(cause: Cause, /, *, requests: Sequence[LinkItems]) -> list[ItemsLinked | Refused]:
    """The items, each shown on the page of the other.

    Locks: the items, in the order of their ids.
    Refuses: NotFound; Invalid (the same item; one of another company).
    Again: linked items stay linked, and nothing is told. 2 statements.
    """
    found = lock([item for one in requests for item in (one.one, one.other)])
    answers: list[ItemsLinked | Refused] = []
    pairs: dict[tuple[UUID, UUID], None] = {}
    for one in requests:
        companies = [found[item].company if item in found else None for item in (one.one, one.other)]
        refusal = rules.misfit_link((one.one, one.other), companies)
        answers.append(refusal or ItemsLinked(one.one, one.other))
        if refusal is None:
            pairs[min(one.one, one.other), max(one.one, one.other)] = None

    if pairs:
        params = sql.columns(("firsts", "seconds"), list(pairs)) | {"at": cause.at, "by": cause.actor.name}
        _tell(
            cause,
            (
                (one, other, found[one].company, found[one].state, found[other].state)
                for one, other in sql.run(_LINK, params)
            ),
        )
    return answers


def _item(one: OpenCase) -> OpenItem:
    return OpenItem(
        one.company, one.topic, one.subject_kind, one.subject, one.reason, "customer service", priority=one.priority,
        value_minor=one.value_minor, promise_at=one.promise_at, kind="case",
    )  # fmt: skip


def _tell(cause: Cause, linked: Iterable[tuple[Any, ...]]) -> None:
    """An event of each of two items: their company, and the state that each keeps."""
    announce(
        cause,
        (
            Event("work_item", item, company, state, state, None, {"linked": other})
            for one, second, company, state_of_one, state_of_second in linked
            for item, state, other in ((one, state_of_one, second), (second, state_of_second, one))
        ),
    )


def _tell_more(cause: Cause, said: Sequence[tuple[UUID, str]]) -> None:
    """What customers say again, in the history of cases that stand as they are. 1 statement."""
    found = lock([case for case, _ in said])
    announce(
        cause,
        [
            Event(
                "work_item", case, found[case].company, found[case].state, found[case].state, None, {}, reason
            )
            for case, reason in said
        ],
    )


_LINK_SUBJECTS = """
WITH pairs AS (
    SELECT one.id AS case_id, one.company_id, other.id AS exception_id, other.state, one.state AS case_state
    FROM unnest(%(cases)s::uuid[]) AS wanted(id) JOIN work_item AS one ON one.id = wanted.id
    JOIN work_item AS other ON other.subject_id = one.subject_id AND other.company_id = one.company_id
    WHERE other.kind = 'exception' AND other.state <> 'done'
), linked AS (
    INSERT INTO work_link (first_id, second_id, linked_at, linked_by)
    SELECT DISTINCT least(case_id, exception_id), greatest(case_id, exception_id), %(at)s::timestamptz, %(by)s::text
    FROM pairs ORDER BY 1, 2
    ON CONFLICT DO NOTHING RETURNING first_id, second_id)
SELECT DISTINCT case_id, exception_id, company_id::int, case_state, state FROM pairs
JOIN linked ON (first_id, second_id) = (least(case_id, exception_id), greatest(case_id, exception_id))
"""

_LINK = """
INSERT INTO work_link (first_id, second_id, linked_at, linked_by)
SELECT first_id, second_id, %(at)s::timestamptz, %(by)s::text
FROM unnest(%(firsts)s::uuid[], %(seconds)s::uuid[]) AS pair(first_id, second_id) ORDER BY 1, 2
ON CONFLICT DO NOTHING RETURNING first_id, second_id
"""
