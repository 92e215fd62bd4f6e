"""Make work items more urgent, because somebody says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec

from entrepot.kernel import sql, wire
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Refused
from entrepot.kernel.events import Event
from entrepot.work import rules
from entrepot.work.commands.claim import Locked, lock


@dataclass(frozen=True, slots=True)
class RaiseItem:
    """The item should stand where one of so many points does, its waiting apart."""

    item: UUID
    points: int
    note: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ItemRaised:
    """The item and its points now: more than was asked for where it had more."""

    item: UUID
    points: int


@command("work.raise_items")
def raise_items(cause: Cause, /, *, requests: Sequence[RaiseItem]) -> list[ItemRaised | Refused]:
    """The items, as urgent as all their points together come to what is asked. Their other terms and their due time
    stay, and none becomes less urgent.

    Locks: the items, in the order of their ids. Refuses: NotFound; OfAnotherRole; WrongState (done).
    Again: by key; one that has the points keeps them. 3 statements.
    """
    found = lock([one.item for one in requests])
    terms = {
        item: tuple(rules.Term(*one) for one in msgspec.json.decode(kept))
        for item, kept in sql.run(_TERMS, {"items": sorted(found)})
    }
    answers: list[ItemRaised | Refused] = []
    raised: dict[UUID, tuple[Locked, int]] = {}
    happened = []
    for one in requests:
        before = found.get(one.item)
        after = rules.decide_step(one.item, before.state if before else None, "raise")
        refused = after if isinstance(after, Refused) else None
        if before and not refused:
            refused = before.misfit(one.item, cause.actor)
        if refused or not before:
            answers.append(refused)  # type: ignore[arg-type]
            continue
        was = rules.points_of(terms[one.item])
        terms[one.item] = rules.raised(terms[one.item], one.points)
        now = rules.points_of(terms[one.item])
        answers.append(ItemRaised(one.item, now))
        if now != was:
            raised[one.item] = (before, now)
            told = {"points": now, "was": was}
            happened.append(
                Event("work_item", one.item, before.company, before.state, before.state, None, told, one.note)
            )
    if raised:
        rows = [
            (item, rules.urgency_of(terms[item]), points, wire.dump(terms[item]))
            for item, (_, points) in sorted(raised.items())
        ]
        sql.run(_RAISE, sql.columns(("items", "priorities", "points", "terms"), rows))
    announce(cause, happened)
    return answers


_TERMS = "SELECT id, terms::text FROM work_item WHERE id = ANY(%(items)s::uuid[])"

_RAISE = """
UPDATE work_item AS w SET priority = d.priority, points = d.points, terms = d.terms,
                          ranked_at = w.opened_at - make_interval(hours => d.points)
FROM unnest(%(items)s::uuid[], %(priorities)s::int[], %(points)s::int[], %(terms)s::text[]::jsonb[])
     AS d(id, priority, points, terms) WHERE w.id = d.id
"""
