"""Enter a journal entry by hand, or one that takes another back: each waits until another person approves it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from entrepot.access.commands.take_duty import Duty, take_duty
from entrepot.kernel import ids, money, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, whole
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said, WrongState
from entrepot.kernel.events import Event
from entrepot.ledger import errors, manual, manual_queries
from entrepot.ledger.commands.as_of import hold_closed, misfit_day
from entrepot.ledger.commands.lock_entries import Locked, lock_entries, on_closed_accounts
from entrepot.ledger.manual import DOCUMENT, DUTY, EntryLine
from entrepot.work.commands.open_items import OpenItem, open_items

ITEM = "journal entry to approve"


@dataclass(frozen=True, slots=True)
class EnterEntry:
    """An entry of lines that make zero, as of a day that is over or today, in a month that is open.

    `currency` is the company's own where none is said; of another one `rate` says what one of it is in the company's.
    """

    company: int
    kind: str
    on: date
    lines: tuple[EntryLine, ...]
    reason: str
    reference: str = ""
    currency: str = ""
    rate: Decimal | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class EntryEntered:
    """It waits for another person."""

    entry: UUID
    number: str
    state: str


class _Draft(NamedTuple):
    id: UUID
    number: str
    of: EnterEntry
    currency: str
    reverses: UUID | None = None

    @property
    def sum(self) -> int:
        return sum(max(0, one.amount_minor) for one in self.of.lines)


@command("ledger.enter_entries")
def enter_entries(cause: Cause, /, *, requests: Sequence[EnterEntry]) -> list[EntryEntered | Refused]:
    """Entries as people enter them; nothing is posted before another person approves them (ledger.decide_entries).

    Locks: the closing of months. Refuses: NotFound (company); Invalid (kind, day, lines, reason, currency, rate);
    ledger.month_closed; ledger.moved_elsewhere. Again: by key. 12 statements at most.
    """
    books = _books({one.company for one in requests})
    closed = hold_closed(books)
    answers: list[EntryEntered | Refused] = []
    drafts: list[_Draft] = []
    numbers = iter(ids.numbers("JE", len(requests)))
    for one in requests:
        refused = _misfit(one, books.get(one.company), closed, cause)
        if refused:
            answers.append(refused)
            continue
        draft = _Draft(ids.uuid7(), next(numbers), one, one.currency or books[one.company].currency)
        drafts.append(draft)
        answers.append(EntryEntered(draft.id, draft.number, "waiting"))
    _write(cause, drafts)
    return answers


class _Books(NamedTuple):
    """A company's currency and its accounts."""

    currency: str
    chart: frozenset[int]


def _books(companies: set[int]) -> dict[int, _Books]:
    rows = sql.run(_BOOKS, {"companies": sorted(companies)})
    return {company: _Books(currency, frozenset(chart)) for company, currency, chart in rows}


def _misfit(
    one: EnterEntry, books: _Books | None, closed: set[tuple[int, date]], cause: Cause
) -> Refused | None:
    if books is None:
        return NotFound(what="company", which=str(one.company))
    currency = one.currency or books.currency
    return (
        manual.misfit(one.kind, one.lines, one.reason, books.chart)
        or manual.misfit_currency(currency, one.rate, books.currency)
        or manual.too_much(one.lines, currency, one.rate, books.currency)
        or manual.off(one.lines, currency)
        or misfit_day(one.company, one.on, cause.at, closed)
    )


def _write(cause: Cause, drafts: Sequence[_Draft]) -> None:
    if not drafts:
        return
    who = cause.actor.name
    whole(take_duty(cause, requests=[Duty(one.id, DUTY, "enter", who, one.number) for one in drafts]))
    sql.write("ledger_manualentry", _COLUMNS, [
        (
            one.id, one.number, one.of.company, one.of.kind, one.of.on, one.currency, one.of.rate,
            one.of.reason.strip(), one.of.reference.strip(), one.reverses, "waiting", who, cause.at,
        )
        for one in drafts
    ])  # fmt: skip
    sql.write("ledger_manualline", ("manual_id", "number", "account", "amount_minor"), [
        (one.id, number, *line) for one in drafts for number, line in enumerate(one.of.lines, 1)
    ])  # fmt: skip
    announce(cause, [
        Event(DOCUMENT, one.id, one.of.company, "", "waiting", cause.at,
              {"number": one.number, "kind": one.of.kind, "on": one.of.on, "currency": one.currency,
               "amount_minor": one.sum}, one.of.reason.strip())
        for one in drafts
    ])  # fmt: skip
    open_items(cause, requests=[
        OpenItem(
            company=one.of.company, type=ITEM, subject_kind=DOCUMENT, subject=one.id, role="controller", priority=50,
            reason=Said(
                "{0} entered {1} over {2} as of {3}: {4}", who, one.number, money.told(one.sum, one.currency),
                str(one.of.on), one.of.reason.strip(),
            ), occurred_at=cause.at,
        )
        for one in drafts
    ])  # fmt: skip


# ---- what takes an entry back


@dataclass(frozen=True, slots=True)
class ReverseEntry:
    """An entry that was posted, taken back as of a day by one that mirrors it."""

    entry: UUID
    on: date
    reason: str
    key: str | None = None


@command("ledger.reverse_entries")
def reverse_entries(cause: Cause, /, *, requests: Sequence[ReverseEntry]) -> list[EntryEntered | Refused]:
    """Entries that mirror what was posted, in its currency and at its rate; each waits as any other.

    Locks: the entries in id order; the closing of months. Refuses: NotFound; WrongState (not posted); Invalid (day,
    reason); ledger.month_closed; ledger.account_closed (of a line); ledger.reversed_before. Again: by key. 15
    statements at most.
    """
    found = lock_entries(one.entry for one in requests)
    lines = manual_queries.lines_of(list(found))
    taken: dict[UUID, str] = dict(sql.run(_REVERSED, {"ids": list(found)}))
    closed = hold_closed(one.company for one in found.values())
    shut = on_closed_accounts(found.values())
    answers: list[EntryEntered | Refused] = []
    drafts: list[_Draft] = []
    numbers = iter(ids.numbers("JE", len(requests)))
    for one in requests:
        of = found.get(one.entry)
        if of is None:
            answers.append(NotFound(what="journal entry", which=str(one.entry)))
            continue
        refused = _misfit_reversal(one, of, taken, closed, cause) or shut.get(of.id)
        if refused:
            answers.append(refused)
            continue
        mirrored = EnterEntry(
            of.company,
            of.kind,
            one.on,
            manual.mirror(lines[of.id]),
            one.reason,
            of.number,
            of.currency,
            of.rate,
        )
        draft = _Draft(ids.uuid7(), next(numbers), mirrored, of.currency, of.id)
        taken[of.id] = draft.number
        drafts.append(draft)
        answers.append(EntryEntered(draft.id, draft.number, "waiting"))
    _write(cause, drafts)
    return answers


def _misfit_reversal(
    one: ReverseEntry,
    of: Locked,
    taken: dict[UUID, str],
    closed: set[tuple[int, date]],
    cause: Cause,
) -> Refused | None:
    if of.state != "posted":
        return WrongState(subject="journal entry", found=of.state, event="reverse", expected="posted")
    if of.id in taken:
        return errors.ReversedBefore(number=of.number, by=taken[of.id])
    if not one.reason.strip():
        return Invalid(field="reason", expected="why it is taken back", found="nothing")
    if one.on < of.on:
        return Invalid(field="on", expected=Said("a day from {0} on", str(of.on)), found=str(one.on))
    return misfit_day(of.company, one.on, cause.at, closed)


_COLUMNS = (
    "id", "number", "company_id", "kind", "on_date", "currency", "rate", "reason", "reference", "reverses_id", "state",
    "entered_by", "entered_at",
)  # fmt: skip

_BOOKS = """
SELECT c.id::int, c.currency::text, COALESCE(array_agg(a.code) FILTER (WHERE a.code IS NOT NULL), '{}')::int[]
FROM parties_company AS c LEFT JOIN ledger_account AS a ON a.company_id = c.id AND NOT a.closed
WHERE c.id = ANY(%(companies)s::smallint[]) GROUP BY c.id, c.currency
"""

_REVERSED = """
SELECT reverses_id, number FROM ledger_manualentry WHERE reverses_id = ANY(%(ids)s::uuid[]) AND state <> 'rejected'
"""
