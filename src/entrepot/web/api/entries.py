"""Journal entries that people enter, for programs: what waits, what was posted, and what takes it back."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Router
from pydantic import Field, StrictBool, StrictInt

from entrepot.ledger import manual_queries as queries
from entrepot.ledger.commands.decide_entries import DecideEntry, decide_entries
from entrepot.ledger.commands.enter_entries import EnterEntry, ReverseEntry, enter_entries, reverse_entries
from entrepot.ledger.manual import AMOUNT_MAX, KINDS, LINES_MAX, RATE_MAX, EntryLine
from entrepot.ledger.states import MANUAL_ENTRY
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, REFUSED, After, Company, IdempotencyKey, Limit, Many, give, paged
from entrepot.web.api.schemas import DayOfBooks, Each, Out, Own, Strict, Text

router = Router()
Kind = Literal[KINDS]  # type: ignore[valid-type]
Shown = Literal[("all", *MANUAL_ENTRY.states)]  # type: ignore[valid-type]


class EntryLineIn(Strict):
    """An account, and an amount in the entry's currency: debit above zero, credit below."""

    account: Annotated[StrictInt, Field(ge=1, le=2**31 - 1)]
    amount_minor: Annotated[StrictInt, Field(ge=-AMOUNT_MAX, le=AMOUNT_MAX)]


class JournalEntryIn(Strict):
    """Lines that make zero, as of a day; in another currency than the company's, `rate` says what one of it is in the
    company's."""

    kind: Kind
    on: DayOfBooks
    lines: Annotated[list[EntryLineIn], Field(min_length=2, max_length=LINES_MAX)]
    reason: Text
    reference: Text = ""
    currency: Annotated[str, Field(max_length=3)] = ""
    rate: Annotated[Decimal | None, Field(gt=0, le=RATE_MAX, max_digits=18, decimal_places=9)] = None
    key: Own = None


class JournalEntryEnteredOut(Out):
    """It waits for another person."""

    entry: UUID
    number: str
    state: str


class DecideJournalEntryIn(Strict):
    """A note is needed to reject."""

    entry: UUID
    approve: StrictBool
    note: Text = ""
    key: Own = None


class JournalEntryDecidedOut(Out):
    """`posted_as`: the entry of the journal."""

    entry: UUID
    state: str
    posted_as: UUID | None


class ReverseJournalEntryIn(Strict):
    """An entry that was posted, and the day as of which it is taken back."""

    entry: UUID
    on: DayOfBooks
    reason: Text
    key: Own = None


class JournalEntryLineOut(Out):
    """Debit above zero, in the entry's currency."""

    number: int
    account: int
    account_name: str
    amount_minor: int


class JournalEntryOut(Out):
    """`amount_minor` is what one side makes; `posted_as` the entry of the journal; `reverses` the one that it takes
    back, and `reversed_by` the one that takes it back, also while that waits."""

    id: UUID
    number: str
    kind: str
    on_date: date
    currency: str
    rate: Decimal | None
    reason: str
    reference: str
    state: str
    amount_minor: int
    entered_by: str
    entered_at: datetime
    decided_by: str
    decided_at: datetime | None
    note: str
    posted_as: UUID | None
    reverses: UUID | None
    reversed_by: UUID | None
    lines: list[JournalEntryLineOut]


class JournalEntriesOut(Out):
    items: list[JournalEntryOut]
    next: UUID | None


@router.get("/journal-entries", response={200: JournalEntriesOut, **READ})
def list_journal_entries(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    limit: Limit,
    after: After = None,
    company: Company = None,
    show: Shown = "waiting",
) -> Any:
    """What people entered by hand: what waits, what was posted or rejected, or all of it, the latest first."""
    chosen = parse.company_of(company)
    rows = queries.entries(chosen, state="" if show == "all" else show, before=after, limit=limit + 1)
    page = paged(rows, limit)
    lines: dict[UUID, list[queries.ManualLineRow]] = {}
    for line in queries.lines(chosen, [one.id for one in page["items"]]):
        lines.setdefault(line.manual, []).append(line)
    return page | {"items": [_told(one, lines[one.id]) for one in page["items"]]}


def _told(one: queries.ManualRow, lines: list[queries.ManualLineRow]) -> dict[str, Any]:
    names = [name for name in JournalEntryOut.model_fields if name != "lines"]
    return {name: getattr(one, name) for name in names} | {"lines": lines}


@router.post(
    "/journal-entries", response={200: JournalEntryEnteredOut | list[Each[JournalEntryEnteredOut]], **REFUSED}
)
def enter_journal_entries(
    request: HttpRequest,
    payload: JournalEntryIn | Annotated[list[JournalEntryIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Enter journal entries by hand; each waits until another person approves it."""
    chosen = parse.company_of(company)
    return give(
        request, enter_entries, payload, idempotency_key,
        lambda one, key: EnterEntry(
            chosen, one.kind, one.on, tuple(EntryLine(line.account, line.amount_minor) for line in one.lines),
            one.reason, one.reference, one.currency, one.rate, key,
        ),
    )  # fmt: skip


@router.post(
    "/journal-entries/decide",
    response={200: JournalEntryDecidedOut | list[Each[JournalEntryDecidedOut]], **REFUSED},
)
def decide_journal_entries(
    request: HttpRequest,
    payload: DecideJournalEntryIn | Annotated[list[DecideJournalEntryIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Approve or reject entries that another person entered."""
    return give(
        request, decide_entries, payload, idempotency_key,
        lambda one, key: DecideEntry(one.entry, one.approve, one.note, key),
    )  # fmt: skip


@router.post(
    "/journal-entries/reverse",
    response={200: JournalEntryEnteredOut | list[Each[JournalEntryEnteredOut]], **REFUSED},
)
def reverse_journal_entries(
    request: HttpRequest,
    payload: ReverseJournalEntryIn | Annotated[list[ReverseJournalEntryIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Take posted entries back by others that mirror them, which wait for approval as well."""
    return give(
        request, reverse_entries, payload, idempotency_key,
        lambda one, key: ReverseEntry(one.entry, one.on, one.reason, key),
    )  # fmt: skip
