"""Clearing accounts, for programs: what each holds, what belongs together, and what is given up or explained."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router
from pydantic import Field, StrictBool, StrictInt

from entrepot.ledger import clearing_queries as matches
from entrepot.ledger.clearing import Part
from entrepot.ledger.commands.match_lines import MatchLines, UndoMatch, match_lines, undo_matches
from entrepot.settlement import clearing_queries as queries
from entrepot.settlement.clearing import CODES
from entrepot.settlement.clearing_queries import Wanted
from entrepot.settlement.commands.clear_accounts import ClearAccounts, clear_accounts
from entrepot.settlement.commands.note_lines import NoteLine, note_lines
from entrepot.settlement.commands.write_off import DecideWriteOff, WriteOff, decide_write_offs, write_off
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, REFUSED, After, Company, IdempotencyKey, Limit, Many, give, paged
from entrepot.web.api.schemas import Each, Key, Out, Own, Strict, Text

router = Router()
PARTS_MAX = 5_000
AccountCode = Annotated[int, Query(ge=1, le=2**31 - 1, description="The number of the account.")]
LineNumber = Annotated[StrictInt, Field(ge=1, le=2**63 - 1)]
Amount = Annotated[StrictInt, Field(ge=-(10**15), le=10**15)]
Reason = Literal[CODES]  # type: ignore[valid-type]


class ClearingReasonOut(Out):
    """What is open on a side of an account, and what that means."""

    means: str
    lines: int
    amount_minor: int


class ClearingAccountOut(Out):
    """A clearing account in a currency: `zero`, or why not. `by_age`: lines open to 30, 60, 90 days, and longer."""

    account: int
    name: str
    currency: str
    state: str
    balance_minor: int
    reasons: list[ClearingReasonOut]
    since: datetime | None
    old: int
    explained: int
    by_age: list[int]


class ClearingLineOut(Out):
    """An open line; `open_minor` is what nothing is matched with yet, debit above zero."""

    line: int
    entry: UUID
    account: int
    currency: str
    amount_minor: int
    open_minor: int
    since: datetime
    event: str
    document_kind: str
    document: UUID
    counterparty: str
    code: str
    note: str
    role: str
    due_on: date | None


class ClearingLinesOut(Out):
    """A page. `next` is the line behind which the next page begins; null at the end."""

    items: list[ClearingLineOut]
    next: int | None


class ClearingMatchOut(Out):
    id: UUID
    account: int
    currency: str
    how: str
    why: str
    document: UUID | None
    matched_by: str
    matched_at: datetime
    undone_by: str
    undone_at: datetime | None
    undone_why: str
    lines: int
    amount_minor: int


class ClearingMatchesOut(Out):
    items: list[ClearingMatchOut]
    next: UUID | None


class ClearingPartIn(Strict):
    """A line, and how much of it: all that is open where no amount is said."""

    line: LineNumber
    amount_minor: Amount | None = None

    def part(self) -> Part:
        return Part(self.line, self.amount_minor)


Parts = Annotated[list[ClearingPartIn], Field(min_length=1, max_length=PARTS_MAX)]


class MatchLinesIn(Strict):
    """Parts of lines of one account and currency that make up zero."""

    parts: Parts
    why: Text
    key: Own = None


class LinesMatchedOut(Out):
    match: UUID


class UndoMatchIn(Strict):
    match: UUID
    why: Text
    key: Own = None


class MatchUndoneOut(Out):
    match: UUID
    lines: int


class ClearAccountsIn(Strict):
    """Nothing has to be said."""

    key: Key | None = Field(None, description="Idempotency key; else the header's.")


class AccountsClearedOut(Out):
    company: int
    matches: int
    lines: int


class ClearingWriteOffIn(Strict):
    """Parts of lines of one account: what they make together is given up."""

    parts: Parts
    code: Reason
    reason: Text
    key: Own = None


class WrittenOffOut(Out):
    """`waiting`: another person has to approve it."""

    write_off: UUID
    number: str
    state: str
    amount_minor: int


class DecideWriteOffIn(Strict):
    """A note is needed to decline."""

    write_off: UUID
    approve: StrictBool
    note: Text = ""
    key: Own = None


class WriteOffDecidedOut(Out):
    write_off: UUID
    state: str


class ClearingWriteOffOut(Out):
    id: UUID
    number: str
    account: int
    currency: str
    amount_minor: int
    code: str
    reason: str
    state: str
    asked_by: str
    asked_at: datetime
    decided_by: str
    decided_at: datetime | None
    note: str


class ClearingWriteOffsOut(Out):
    items: list[ClearingWriteOffOut]
    next: UUID | None


class NoteLineIn(Strict):
    """Why a line stays open, until when, and which role sees to it."""

    line: LineNumber
    code: Reason
    note: Text
    due_on: date
    role: Text = "controller"
    key: Own = None


class LineNotedOut(Out):
    note: UUID
    line: int


@router.get("/clearing", response={200: list[ClearingAccountOut], **READ})
def list_clearing_accounts(request: HttpRequest, company: Company = None) -> list[Any]:  # noqa: ARG001
    """Every clearing account: at zero, or why not."""
    return [
        {
            "account": one.account, "name": one.name, "currency": one.currency, "state": one.state,
            "balance_minor": one.balance_minor,
            "reasons": [
                {"means": means, "lines": n, "amount_minor": amount} for means, n, amount in one.reasons
            ],
            "since": one.since, "old": one.old, "explained": one.explained, "by_age": one.by_age,
        }
        for one in queries.accounts(parse.company_of(company), timezone.now())
    ]  # fmt: skip


@router.post("/clearing", response={200: AccountsClearedOut, **REFUSED})
def match_by_rule(
    request: HttpRequest, payload: ClearAccountsIn, idempotency_key: IdempotencyKey, company: Company = None
) -> Any:
    """Have the rules match what belongs together; they do so every hour."""
    chosen = parse.company_of(company)
    return give(
        request, clear_accounts, payload, idempotency_key, lambda _one, key: ClearAccounts(chosen, key)
    )


@router.get("/clearing/lines", response={200: ClearingLinesOut, **READ})
def list_clearing_lines(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    account: AccountCode,
    limit: Limit,
    company: Company = None,
    side: Literal["", "debit", "credit"] = "",
    older_than: Annotated[int | None, Query(ge=0, le=10_000, description="Days.")] = None,
    counterparty: Annotated[str, Query(max_length=100)] = "",
    after: Annotated[int | None, Query(ge=0, le=2**63 - 1)] = None,
) -> Any:
    """What is open of an account, the oldest posting first."""
    wanted = Wanted(account, side=side, older_than=older_than, counterparty=counterparty)
    rows = queries.items(parse.company_of(company), wanted, timezone.now(), after=after, limit=limit + 1)
    return paged(rows, limit, by="line")


@router.get("/clearing/matches", response={200: ClearingMatchesOut, **READ})
def list_clearing_matches(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    account: AccountCode,
    limit: Limit,
    after: After = None,
    company: Company = None,
) -> Any:
    """What was matched on an account and why, the latest first."""
    rows = matches.matches(parse.company_of(company), account, before=after, limit=limit + 1)
    return paged(rows, limit)


@router.post("/clearing/matches", response={200: LinesMatchedOut | list[Each[LinesMatchedOut]], **REFUSED})
def match_clearing_lines(
    request: HttpRequest,
    payload: MatchLinesIn | Annotated[list[MatchLinesIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Match lines by hand: many with many, and parts of them."""
    chosen = parse.company_of(company)
    return give(
        request, match_lines, payload, idempotency_key,
        lambda one, key: MatchLines(chosen, tuple(part.part() for part in one.parts), one.why, key=key),
    )  # fmt: skip


@router.post("/clearing/matches/undo", response={200: MatchUndoneOut | list[Each[MatchUndoneOut]], **REFUSED})
def undo_clearing_matches(
    request: HttpRequest,
    payload: UndoMatchIn | Annotated[list[UndoMatchIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Take matches apart: their lines are open again."""
    return give(
        request, undo_matches, payload, idempotency_key,
        lambda one, key: UndoMatch(one.match, one.why, key),
    )  # fmt: skip


@router.post("/clearing/notes", response={200: LineNotedOut | list[Each[LineNotedOut]], **REFUSED})
def note_clearing_lines(
    request: HttpRequest,
    payload: NoteLineIn | Annotated[list[NoteLineIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Say why lines stay open; each becomes a work item of the role."""
    chosen = parse.company_of(company)
    return give(
        request, note_lines, payload, idempotency_key,
        lambda one, key: NoteLine(chosen, one.line, one.code, one.note, one.due_on, one.role, key),
    )  # fmt: skip


@router.get("/clearing/write-offs", response={200: ClearingWriteOffsOut, **READ})
def list_clearing_write_offs(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    limit: Limit,
    after: After = None,
    company: Company = None,
    show: Literal["waiting", "all"] = "waiting",
) -> Any:
    """What waits to be written off, or all of it, the latest first."""
    rows = queries.write_offs(
        parse.company_of(company), waiting=show == "waiting", before=after, limit=limit + 1
    )
    return paged(rows, limit)


@router.post("/clearing/write-offs", response={200: WrittenOffOut | list[Each[WrittenOffOut]], **REFUSED})
def write_clearing_off(
    request: HttpRequest,
    payload: ClearingWriteOffIn | Annotated[list[ClearingWriteOffIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Give up what is left of lines, at once or when another person approves it."""
    chosen = parse.company_of(company)
    return give(
        request, write_off, payload, idempotency_key,
        lambda one, key: WriteOff(chosen, tuple(part.part() for part in one.parts), one.code, one.reason, key),
    )  # fmt: skip


@router.post(
    "/clearing/write-offs/decide",
    response={200: WriteOffDecidedOut | list[Each[WriteOffDecidedOut]], **REFUSED},
)
def decide_clearing_write_offs(
    request: HttpRequest,
    payload: DecideWriteOffIn | Annotated[list[DecideWriteOffIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Approve or decline write-offs that another person asked for."""
    return give(
        request, decide_write_offs, payload, idempotency_key,
        lambda one, key: DecideWriteOff(one.write_off, one.approve, one.note, key),
    )  # fmt: skip
