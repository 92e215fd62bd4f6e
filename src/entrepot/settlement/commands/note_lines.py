"""Say why a line of a clearing account stays open, until when, and whose it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from entrepot.access.rules import ROLES
from entrepot.kernel import ids, money, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said, one_of
from entrepot.kernel.events import Event
from entrepot.ledger.clearing import Item
from entrepot.ledger.commands.match_lines import lock_items
from entrepot.settlement.clearing import CODES
from entrepot.settlement.commands.clear_accounts import ITEM
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects

DUE_DAYS_MAX = 366


@dataclass(frozen=True, slots=True)
class NoteLine:
    """A line of a clearing account that stays open: why, until when, and which role sees to it."""

    company: int
    line: int
    code: str
    note: str
    due_on: date
    role: str = "controller"
    key: str | None = None


@dataclass(frozen=True, slots=True)
class LineNoted:
    note: UUID
    line: int


@command("settlement.note_lines")
def note_lines(cause: Cause, /, *, requests: Sequence[NoteLine]) -> list[LineNoted | Refused]:
    """Lines of clearing accounts explained until a day, each with a work item for the role; a note that was there
    before is done with.

    Locks: the items of the lines in their order. Refuses: NotFound (no such line, or nothing of it is open); Invalid
    (unknown reason or role, no note, a day that is past or too far). Again: by key. 6 statements.
    """
    items = lock_items(one.line for one in requests)
    answers: list[LineNoted | Refused] = []
    noted: dict[int, tuple[UUID, NoteLine]] = {}
    for one in requests:
        item = items.get(one.line)
        refused = _misfit(cause, one)
        if item is None or item.company != one.company or not item.open:
            refused = NotFound(what="open line of a clearing account", which=str(one.line))
        if refused:
            answers.append(refused)
            continue
        noted[one.line] = (ids.uuid7(), one)  # of two in a batch, the last counts
        answers.append(LineNoted(noted[one.line][0], one.line))
    if noted:
        _write(cause, noted, items)
    return [LineNoted(noted[one.line][0], one.line) if isinstance(one, LineNoted) else one for one in answers]


def _misfit(cause: Cause, one: NoteLine) -> Refused | None:
    today = cause.at.astimezone(UTC).date()
    last = today + timedelta(days=DUE_DAYS_MAX)
    for field, fits, expected, found in (
        ("code", one.code in CODES, one_of(CODES), one.code),
        ("note", bool(one.note.strip()), "why it stays open", "nothing"),
        ("due_on", today <= one.due_on <= last, f"from {today} to {last}", str(one.due_on)),
        ("role", one.role in ROLES, one_of(sorted(ROLES)), one.role),
    ):
        if not fits:
            return Invalid(field=field, expected=expected, found=found)
    return None


def _write(cause: Cause, noted: dict[int, tuple[UUID, NoteLine]], items: dict[int, Item]) -> None:
    before = sql.run(_END, {"lines": list(noted), "at": cause.at})
    sql.write("settlement_clearingnote", _COLUMNS, [
        (which, one.company, one.line, one.code, one.note.strip(), one.role, one.due_on, cause.actor.name, cause.at)
        for which, one in noted.values()
    ])  # fmt: skip
    announce(cause, [
        Event("clearing_note", which, one.company, "", "open", cause.at,
              {"line": one.line, "account": items[one.line].account, "open_minor": items[one.line].open,
               "due_on": str(one.due_on)}, f"{one.code}: {one.note.strip()}")
        for which, one in noted.values()
    ])  # fmt: skip
    resolve_subjects(cause, requests=[
        ResolveSubject(company, ITEM, note, "noted anew", "another note says otherwise", cause.at)
        for note, company in before
    ])  # fmt: skip
    open_items(cause, requests=[_item(cause, which, one, items[one.line]) for which, one in noted.values()])


def _item(cause: Cause, which: UUID, one: NoteLine, item: Item) -> OpenItem:
    due = datetime.combine(one.due_on + timedelta(days=1), time(), UTC)
    return OpenItem(
        company=one.company, type=ITEM, subject_kind="clearing_note", subject=which, role=one.role, priority=40,
        reason=Said(
            "{0} is open on account {1}: {2}. {3}",
            money.told(item.open, item.currency), item.account, one.code, one.note.strip(),
        ),
        facts={"account": item.account, "line": one.line},
        due_in_hours=max(1, int((due - cause.at).total_seconds()) // 3600), occurred_at=cause.at,
    )  # fmt: skip


_COLUMNS = ("id", "company_id", "line_id", "code", "note", "role", "due_on", "noted_by", "noted_at")

_END = """
UPDATE settlement_clearingnote SET ended_at = %(at)s::timestamptz
WHERE line_id = ANY(%(lines)s::bigint[]) AND ended_at IS NULL RETURNING id, company_id::int
"""
