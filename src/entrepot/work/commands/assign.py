"""Give work items to a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.access import queries as access
from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Refused
from entrepot.kernel.events import Event
from entrepot.work import rules
from entrepot.work.commands.claim import Locked, lock


@dataclass(frozen=True, slots=True)
class AssignItem:
    """A person has the item from now on. `expected_owner`: who should have it now, '' for nobody, None for whoever."""

    item: UUID
    person: str
    note: str = ""
    expected_owner: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ItemAssigned:
    item: UUID
    owner: str


@command("work.assign")
def assign(cause: Cause, /, *, requests: Sequence[AssignItem]) -> list[ItemAssigned | Refused]:
    """The items, each owned by the person it was given to; what is newly given sleeps no longer.

    Of several requests for one item the last one counts.
    Locks: the items, in the order of their ids.
    Refuses: NotFound (item, or nobody of that name who may take work); WrongState (done); ChangedMeanwhile (another
    owner than was expected).
    Again: whoever has the item already keeps it, and nothing is told. 3 statements.
    """
    found = lock([one.item for one in requests])
    people = access.able("work.claim")
    answers: list[ItemAssigned | Refused] = []
    given: dict[UUID, tuple[Locked, AssignItem]] = {}
    for one in requests:
        before = found.get(one.item)
        after = rules.decide_assign(one.item, before.state if before else None, one.person, people)
        if before and before.owner != one.person and not isinstance(after, Refused):
            after = before.misfit_owner(one.item, one.expected_owner) or after
        if isinstance(after, Refused):
            answers.append(after)
            continue
        answers.append(ItemAssigned(one.item, one.person))
        if before:
            given[one.item] = (before, one)

    given = {item: (was, one) for item, (was, one) in given.items() if was.owner != one.person}
    if given:
        rows = [(item, one.person) for item, (_, one) in given.items()]
        sql.run(_ASSIGN, sql.columns(("items", "owners"), rows))
    announce(
        cause,
        (
            Event("work_item", item, was.company, was.state, "claimed", None, {"owner": one.person}, one.note)
            for item, (was, one) in given.items()
        ),
    )
    return answers


_ASSIGN = """
UPDATE work_item SET state = 'claimed', owner = one.owner, snoozed_until = NULL
FROM unnest(%(items)s::uuid[], %(owners)s::text[]) AS one(id, owner) WHERE work_item.id = one.id
"""
