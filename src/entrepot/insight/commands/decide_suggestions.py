"""Follow a suggestion, or decline it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from entrepot.insight import advising
from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import NotFound, Refused, Said
from entrepot.kernel.events import Event
from entrepot.purchasing.commands.reorder import ReviewReorders, review_reorders
from entrepot.returns.commands.correct_reasons import CorrectReason, correct_reasons
from entrepot.work.commands.open_items import ItemOpened, OpenItem, open_items
from entrepot.work.commands.raise_items import RaiseItem, raise_items


@dataclass(frozen=True, slots=True)
class AcceptSuggestion:
    """A suggestion that is followed, with what whoever does so knows beside."""

    suggestion: UUID
    reason: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class SuggestionAccepted:
    """The suggestion, the command that was given for it, and the document that came of it or was changed."""

    suggestion: UUID
    command: str
    document: UUID


@dataclass(frozen=True, slots=True)
class DeclineSuggestion:
    """A suggestion that is not followed, and why."""

    suggestion: UUID
    reason: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class SuggestionDeclined:
    suggestion: UUID
    kind: str


class Locked(NamedTuple):
    """A suggestion as it was found."""

    id: UUID
    company: int
    kind: str
    subject: UUID
    document: UUID
    about: str
    suggested: Mapping[str, Any]
    reasons: Mapping[str, Any]
    state: str
    named: str


@command("insight.accept_suggestions")
def accept_suggestions(
    cause: Cause, /, *, requests: Sequence[AcceptSuggestion]
) -> list[SuggestionAccepted | Refused]:
    """The suggestions, followed by the commands that people give for the same: a reason is corrected, a SKU is
    looked at to be ordered again, a work item is opened or made more urgent. Where that command refuses, the suggestion
    stays open.

    Locks: the suggestions in id order, then as those commands do. Refuses: NotFound; WrongState (decided before, or the
    item is done); NotPermitted (whoever accepts may not give the command); and as those commands. Again: by key.
    2 statements and those of the commands.
    """
    found = _lock([one.suggestion for one in requests])
    answers, going = _sort(cause, "accept", found, requests)
    done: dict[UUID, SuggestionAccepted | Refused] = {}
    for kind, follow in _FOLLOW.items():
        ones = [
            (found[one.suggestion], one.reason)
            for one in going.values()
            if _way(found[one.suggestion]) == kind
        ]
        if ones:
            done |= follow(cause, ones)
    taken = {which: one for which, one in going.items() if not isinstance(done[which], Refused)}
    _decide(cause, "accepted", found, taken, {which: done[which] for which in taken})
    return [answer or done[one.suggestion] for one, answer in zip(requests, answers, strict=True)]


@command("insight.decline_suggestions")
def decline_suggestions(
    cause: Cause, /, *, requests: Sequence[DeclineSuggestion]
) -> list[SuggestionDeclined | Refused]:
    """The suggestions, declined; for the days of the policy they are not made again.

    Locks: the suggestions in id order. Refuses: NotFound; WrongState (decided before); Invalid (no reason);
    NotPermitted (whoever declines may not follow it either). Again: by key. 2 statements.
    """
    found = _lock([one.suggestion for one in requests])
    answers, going = _sort(cause, "decline", found, requests)
    _decide(cause, "declined", found, going, {})
    return [
        answer or SuggestionDeclined(one.suggestion, found[one.suggestion].kind)
        for one, answer in zip(requests, answers, strict=True)
    ]


def _lock(wanted: Sequence[UUID]) -> dict[UUID, Locked]:
    found = {}
    for row in sql.run(_LOCK, {"ids": list(wanted)}):
        values = list(row)
        for place in (6, 7):
            values[place] = msgspec.json.decode(row[place])
        found[row[0]] = Locked(*values)
    return found


def _sort(
    cause: Cause, event: str, found: Mapping[UUID, Locked], requests: Sequence[Any]
) -> tuple[list[Refused | None], dict[UUID, Any]]:
    """The refusal of each request, and those that go on, each suggestion once."""
    answers: list[Refused | None] = []
    going: dict[UUID, Any] = {}
    after_it = str(advising.SUGGESTION.step("open", event))
    for one in requests:
        was = found.get(one.suggestion)
        if was is None:
            answers.append(NotFound(what="suggestion", which=str(one.suggestion)))
            continue
        state = after_it if one.suggestion in going else was.state
        after = advising.decide(
            event, state, was.kind, was.suggested, cause.actor.name, cause.actor.may, one.reason
        )
        answers.append(after if isinstance(after, Refused) else None)
        if not isinstance(after, Refused):
            going[one.suggestion] = one
    return answers, going


def _decide(
    cause: Cause,
    state: str,
    found: Mapping[UUID, Locked],
    taken: Mapping[UUID, Any],
    done: Mapping[UUID, Any],
) -> None:
    if not taken:
        return
    rows = [(which, one.reason) for which, one in sorted(taken.items())]
    params = {"state": state, "who": cause.actor.name, "at": cause.at}
    sql.run(_DECIDE, sql.columns(("ids", "reasons"), rows) | params)
    announce(
        cause,
        [
            Event(
                "suggestion", which, found[which].company, "open", state, None,
                {"kind": found[which].kind, "subject": found[which].subject}
                | ({"command": done[which].command} if which in done else {}),
                one.reason,
            )
            for which, one in sorted(taken.items())
        ],
    )  # fmt: skip


# ---- what following it means


Ones = Sequence[tuple[Locked, str]]
Followed = dict[UUID, SuggestionAccepted | Refused]


def _way(one: Locked) -> str:
    return f"{one.kind} {one.suggested['anomaly']}" if one.kind == advising.DEMAND else one.kind


def _correct(cause: Cause, ones: Ones) -> Followed:
    requests = [CorrectReason(one.document, one.subject, one.suggested["reason"], note) for one, note in ones]
    return _answered(ones, correct_reasons(cause, requests=requests), "returns.correct_reasons")


def _reorder(cause: Cause, ones: Ones) -> Followed:
    """Have the SKUs looked at: what they need is proposed by the rules of ordering, and decided there."""
    skus: dict[int, list[UUID]] = {}
    for one, _ in ones:
        skus.setdefault(one.company, []).append(one.subject)
    wanted = [ReviewReorders(company, tuple(sorted(set(of)))) for company, of in sorted(skus.items())]
    review_reorders(cause, requests=wanted)
    return _answered(ones, [None] * len(ones), "purchasing.review_reorders")


def _open(make: Callable[[Locked], OpenItem]) -> Callable[[Cause, Ones], Followed]:
    def follow(cause: Cause, ones: Ones) -> Followed:
        opened = open_items(cause, requests=[make(one) for one, _ in ones])
        return _answered(ones, opened, "work.open")

    return follow


def _silence(one: Locked) -> OpenItem:
    told, about = one.suggested, one.reasons
    reason = Said(
        "{0} units of {1} were asked for on {2} in {3}, where {4} are usual.",
        told["units"], one.named, told["day"], told["channel"], about["expected"],
    )  # fmt: skip
    return OpenItem(
        one.company, "demand anomaly", "sku", one.subject, reason, "inventory manager",
        {"day": told["day"], "channel": told["channel"], "expected": about["expected"]},
        dedupe=f"{one.subject} {one.about}",
    )  # fmt: skip


def _staff(one: Locked) -> OpenItem:
    told = one.suggested
    reason = Said(
        "{0} people are expected to be needed for {1} at {2} on {3}, shift {4} ({5} to {6}).",
        told["people"], told["step"], one.named, told["day"], told["shift"], told["low"], told["high"],
    )  # fmt: skip
    return OpenItem(
        one.company, "staffing", "node", one.subject, reason, "warehouse supervisor",
        {name: told[name] for name in ("step", "day", "shift", "people")}, dedupe=f"{one.subject} {one.about}",
    )  # fmt: skip


def _raise(cause: Cause, ones: Ones) -> Followed:
    requests = [RaiseItem(one.subject, one.suggested["priority"], note) for one, note in ones]
    return _answered(ones, raise_items(cause, requests=requests), "work.raise_items")


def _answered(ones: Ones, results: Iterable[Any], name: str) -> Followed:
    return {
        one.id: result
        if isinstance(result, Refused)
        else SuggestionAccepted(one.id, name, result.item if isinstance(result, ItemOpened) else one.subject)
        for (one, _), result in zip(ones, results, strict=True)
    }


_FOLLOW: Mapping[str, Callable[[Cause, Ones], Followed]] = {
    advising.REASON: _correct,
    f"{advising.DEMAND} {advising.SURGE}": _reorder,
    f"{advising.DEMAND} {advising.SILENCE}": _open(_silence),
    advising.LABOR: _open(_staff),
    advising.PRIORITY: _raise,
}
"""By kind, and by what was found of demand."""

_LOCK = """
SELECT s.id, s.company_id::int, s.kind, s.subject_id,
       COALESCE((SELECT l.return_id FROM returns_line AS l
                 WHERE s.subject_kind = 'return_line' AND l.id = s.subject_id), s.subject_id),
       s.about, s.suggested::text, s.reasons::text, s.state,
       COALESCE((SELECT k.code FROM catalog_sku AS k WHERE s.subject_kind = 'sku' AND k.id = s.subject_id),
                (SELECT n.code FROM network_node AS n WHERE s.subject_kind = 'node' AND n.id = s.subject_id), '')
FROM insight_suggestion AS s WHERE s.id = ANY(%(ids)s::uuid[]) ORDER BY s.id FOR UPDATE OF s
"""

_DECIDE = """
UPDATE insight_suggestion AS s
SET state = %(state)s::text, decided_by = %(who)s::text, decided_at = %(at)s::timestamptz, why = d.reason
FROM unnest(%(ids)s::uuid[], %(reasons)s::text[]) AS d(id, reason) WHERE s.id = d.id
"""
