"""Approve journal entries that people entered, or say why they are not posted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from uuid import UUID

from entrepot.access import queries as access
from entrepot.access.commands.take_duty import Duty, take_duty
from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, whole
from entrepot.kernel.errors import Invalid, NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.ledger import manual, manual_queries
from entrepot.ledger.commands.as_of import end_of, hold_closed, in_closed
from entrepot.ledger.commands.enter_entries import ITEM
from entrepot.ledger.commands.lock_entries import Locked, lock_entries, on_closed_accounts
from entrepot.ledger.commands.post import Posted, Posting, post
from entrepot.ledger.manual import DOCUMENT, DUTY
from entrepot.ledger.states import MANUAL_ENTRY
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects


@dataclass(frozen=True, slots=True)
class DecideEntry:
    """Approved, or rejected with a note."""

    entry: UUID
    approve: bool
    note: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class EntryDecided:
    """`posted_as`: the entry of the journal."""

    entry: UUID
    state: str
    posted_as: UUID | None = None


class _Decision(NamedTuple):
    of: Locked
    state: str
    note: str


@command("ledger.decide_entries")
def decide_entries(cause: Cause, /, *, requests: Sequence[DecideEntry]) -> list[EntryDecided | Refused]:
    """Entries that wait, posted as of their day, or rejected. Who entered one does not approve it.

    Locks: the entries in id order; the months against closing; the balances. Refuses: NotFound; WrongState; Invalid
    (rejected without a note); access.duties_apart; ledger.month_closed; ledger.account_closed (of a line). Again: by
    key. 17 statements at most.
    """
    found = lock_entries(one.entry for one in requests)
    closed = hold_closed(one.company for one in found.values())
    approving = {one.entry for one in requests if one.approve and one.entry in found}
    duties = {
        which: Duty(which, DUTY, "approve", cause.actor.name, found[which].number)
        for which in sorted(approving)
        if found[which].state == "waiting"
    }
    told = zip(duties, access.apart(list(duties.values())), strict=True)
    apart = on_closed_accounts(found.values()) | {which: refused for which, refused in told if refused}
    answers: list[EntryDecided | Refused] = []
    decided: dict[UUID, _Decision] = {}
    for request in requests:
        answer = _decide(request, found.get(request.entry), closed, apart)
        if isinstance(answer, Refused):
            answers.append(answer)
            continue
        decided[answer.of.id] = answer
        found[answer.of.id] = answer.of._replace(state=answer.state)
        answers.append(EntryDecided(answer.of.id, answer.state))
    posted = _post(cause, [one.of for one in decided.values() if one.state == "posted"], duties)
    _store(cause, list(decided.values()), posted)
    return [
        EntryDecided(one.entry, one.state, posted.get(one.entry)) if isinstance(one, EntryDecided) else one
        for one in answers
    ]


def _decide(
    request: DecideEntry, of: Locked | None, closed: set[tuple[int, date]], apart: dict[UUID, Refused]
) -> _Decision | Refused:
    if of is None:
        return NotFound(what="journal entry", which=str(request.entry))
    state = MANUAL_ENTRY.step(of.state, "approve" if request.approve else "reject")
    if isinstance(state, Refused):
        return state
    note = request.note.strip()
    if not request.approve and not note:
        return Invalid(field="note", expected="why it is rejected", found="nothing")
    refused = (apart.get(of.id) or in_closed(of.company, of.on, closed)) if request.approve else None
    return refused or _Decision(of, state, note)


def _post(cause: Cause, entries: Sequence[Locked], duties: dict[UUID, Duty]) -> dict[UUID, UUID]:
    """Each as it stands in the journal now."""
    if not entries:
        return {}
    whole(take_duty(cause, requests=[duties[one.id] for one in entries]))
    lines = manual_queries.lines_of([one.id for one in entries])
    answers = post(cause, requests=[
        Posting(
            one.company, manual.EVENT, DOCUMENT, one.id, one.currency, (), end_of(one.on, cause.at), rate=one.rate,
            given=tuple((line.account, f"manual.{one.kind}", line.amount_minor) for line in lines[one.id]),
        )
        for one in entries
    ])  # fmt: skip
    whole(answers)
    return {
        one.id: answer.entry
        for one, answer in zip(entries, answers, strict=True)
        if isinstance(answer, Posted) and answer.entry
    }


def _store(cause: Cause, decided: Sequence[_Decision], posted: dict[UUID, UUID]) -> None:
    if not decided:
        return
    rows = [(one.of.id, one.state, one.note, posted.get(one.of.id)) for one in decided]
    names = ("ids", "states", "notes", "entries")
    sql.run(_DECIDE, {**sql.columns(names, rows), "who": cause.actor.name, "at": cause.at})
    announce(cause, [
        Event(DOCUMENT, one.of.id, one.of.company, one.of.state, one.state, cause.at,
              {"number": one.of.number, "entry": posted.get(one.of.id)}, one.note)
        for one in decided
    ])  # fmt: skip
    resolve_subjects(cause, requests=[
        ResolveSubject(one.of.company, ITEM, one.of.id, one.state, one.note, cause.at) for one in decided
    ])  # fmt: skip


_DECIDE = """
UPDATE ledger_manualentry AS m SET state = d.state, note = d.note, posted_as = d.entry, decided_by = %(who)s::text,
       decided_at = %(at)s::timestamptz
FROM unnest(%(ids)s::uuid[], %(states)s::text[], %(notes)s::text[], %(entries)s::uuid[]) AS d(id, state, note, entry)
WHERE m.id = d.id
"""
