"""Write to an order what agreements, calls and letters said; correct that, and take it back, with a trace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.orders import noting, states


@dataclass(frozen=True, slots=True)
class WriteNote:
    """Something to be known of an order."""

    order: UUID
    text: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class CorrectNote:
    """What a note should have said: it stands in its place."""

    note: UUID
    text: str
    reason: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class WithdrawNote:
    """A note that counts no more, and why."""

    note: UUID
    reason: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class NoteNow:
    """`note` is the new one where one was corrected."""

    order: UUID
    note: UUID
    state: str


class _Note(NamedTuple):
    id: UUID
    company: int
    order: UUID
    state: str


@command("orders.write_notes")
def write_notes(cause: Cause, /, *, requests: Sequence[WriteNote]) -> list[NoteNow | Refused]:
    """Notes with the orders that they are about, whatever has become of those. The log says that there is one, never
    what it says.

    Refuses: NotFound; Invalid (nothing said, or too much). Again: by key. 2 statements.
    """
    companies: dict[UUID, int] = dict(sql.run(_ORDERS, {"orders": sorted({one.order for one in requests})}))  # type: ignore[arg-type]
    answers: list[NoteNow | Refused] = []
    rows, happened = [], []
    for one in requests:
        refused = noting.misfit_text(one.text)
        if one.order not in companies:
            refused = NotFound(what="order", which=str(one.order))
        if refused is not None:
            answers.append(refused)
            continue
        made, company = ids.uuid7(), companies[one.order]
        rows.append((made, company, one.order, one.text.strip(), None))
        happened.append(Event("order", one.order, company, "", "", payload={"note": made}))
        answers.append(NoteNow(one.order, made, noting.STANDING))
    _write(cause, rows)
    announce(cause, happened)
    return answers


@command("orders.correct_notes")
def correct_notes(cause: Cause, /, *, requests: Sequence[CorrectNote]) -> list[NoteNow | Refused]:
    """Notes in the place of others, which stay to be read.

    Locks: the notes in id order. Refuses: NotFound; Invalid (nothing said, or too much; no reason; a note twice);
    WrongState (corrected or withdrawn already). Again: by key. 3 statements.
    """
    found = _lock([one.note for one in requests])
    answers: list[NoteNow | Refused] = []
    rows, ended, happened, seen = [], [], [], set()
    for one in requests:
        was = found.get(one.note)
        refused = _not_to_end(one, was, "correct", one.note in seen) or noting.misfit_text(one.text)
        seen.add(one.note)
        if refused is not None or was is None:
            answers.append(refused or NotFound(what="note", which=str(one.note)))
            continue
        made = ids.uuid7()
        rows.append((made, was.company, was.order, one.text.strip(), was.id))
        ended.append((was.id, noting.CORRECTED, one.reason.strip()))
        happened.append(
            Event("order", was.order, was.company, "", "", payload={"note": made, "corrects": was.id})
        )
        answers.append(NoteNow(was.order, made, noting.STANDING))
    _end(cause, ended)
    _write(cause, rows)
    announce(cause, happened)
    return answers


@command("orders.withdraw_notes")
def withdraw_notes(cause: Cause, /, *, requests: Sequence[WithdrawNote]) -> list[NoteNow | Refused]:
    """Notes that count no more; they stay to be read, with who took them back and why.

    Locks: the notes in id order. Refuses: NotFound; Invalid (no reason; a note twice); WrongState (corrected or
    withdrawn already). Again: by key. 2 statements.
    """
    found = _lock([one.note for one in requests])
    answers: list[NoteNow | Refused] = []
    ended, happened, seen = [], [], set()
    for one in requests:
        was = found.get(one.note)
        refused = _not_to_end(one, was, "withdraw", one.note in seen)
        seen.add(one.note)
        if refused is not None or was is None:
            answers.append(refused or NotFound(what="note", which=str(one.note)))
            continue
        ended.append((was.id, noting.WITHDRAWN, one.reason.strip()))
        happened.append(Event("order", was.order, was.company, "", "", payload={"note": was.id}))
        answers.append(NoteNow(was.order, was.id, noting.WITHDRAWN))
    _end(cause, ended)
    announce(cause, happened)
    return answers


def _lock(which: Sequence[UUID]) -> dict[UUID, _Note]:
    return {row[0]: _Note(*row) for row in sql.run(_LOCK, {"ids": sorted(set(which))})}


def _not_to_end(
    one: CorrectNote | WithdrawNote,
    was: _Note | None,
    event: str,
    is_again: bool,  # noqa: FBT001
) -> Refused | None:
    if was is None:
        return NotFound(what="note", which=str(one.note))
    if is_again:
        return Invalid(field="note", expected="each once in a call", found=str(one.note))
    if refused := noting.misfit_reason(one.reason):
        return refused
    state = states.NOTE.step(was.state, event)
    return state if isinstance(state, Refused) else None


def _write(cause: Cause, rows: Sequence[tuple[UUID, int, UUID, str, UUID | None]]) -> None:
    if rows:
        params = sql.columns(("ids", "companies", "orders", "texts", "corrects"), rows)
        sql.run(_INSERT, params | {"by": cause.actor.name, "at": cause.at})


def _end(cause: Cause, ended: Sequence[tuple[UUID, str, str]]) -> None:
    if ended:
        params = sql.columns(("ids", "states", "reasons"), ended)
        sql.change(_END, params | {"by": cause.actor.name, "at": cause.at})


_ORDERS = "SELECT id, company_id::int FROM orders_order WHERE id = ANY(%(orders)s::uuid[])"

_LOCK = """
SELECT id, company_id::int, order_id, state FROM orders_note WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE
"""

_INSERT = """
INSERT INTO orders_note (id, company_id, order_id, text, corrects, written_by, written_at)
SELECT d.id, d.company, d.order_id, d.text, d.corrects, %(by)s::text, %(at)s::timestamptz
FROM unnest(%(ids)s::uuid[], %(companies)s::smallint[], %(orders)s::uuid[], %(texts)s::text[], %(corrects)s::uuid[])
     AS d(id, company, order_id, text, corrects)
"""

_END = """
UPDATE orders_note AS n SET state = d.state, ended_at = %(at)s::timestamptz, ended_by = %(by)s::text,
       ended_because = d.reason
FROM unnest(%(ids)s::uuid[], %(states)s::text[], %(reasons)s::text[]) AS d(id, state, reason) WHERE n.id = d.id
"""
