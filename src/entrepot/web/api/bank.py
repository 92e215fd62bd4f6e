"""Bank statements, for programs."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Path, Query, Router
from pydantic import Field, StrictInt

from entrepot.kernel.errors import Invalid, NotFound
from entrepot.settlement import bank_files, bank_queries
from entrepot.settlement.bank import AMOUNT_MAX, PURPOSES, Statement
from entrepot.settlement.bank_files import UnreadableError
from entrepot.settlement.commands.decide_bank_lines import DecideBankLine, decide_bank_lines
from entrepot.settlement.commands.split_bank_lines import SplitBankLine, split_bank_lines
from entrepot.settlement.commands.take_statements import TakeStatement, take_statements
from entrepot.settlement.rules import PARTS_MAX
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, REFUSED, Behind, Company, IdempotencyKey, Many, give, paged
from entrepot.web.api.schemas import Code, Currency, Each, Out, Own, Strict, Text

router = Router()
FILE_MAX = 2_000_000


class StatementIn(Strict):
    """A bank statement: a `camt` file of one statement, or a `csv` with the account, a name and the currency."""

    camt: Annotated[str, Field(max_length=FILE_MAX)] = ""
    csv: Annotated[str, Field(max_length=FILE_MAX)] = ""
    account: Code | None = None
    external_id: Code | None = None
    currency: Currency | None = None
    key: Own = None


class StatementTakenOut(Out):
    statement: UUID
    number: str
    state: str
    lines: int
    waiting: int
    fresh: bool


class BankLineOut(Out):
    """A line of a statement, what it belongs to, or why it waits. Amounts are below zero where money left; of a part,
    `whole_minor` is what its line is over."""

    statement: UUID
    statement_number: str
    number: int
    currency: str
    booked_on: date
    amount_minor: int
    reference: str
    text: str
    state: str
    known_kind: str
    known: UUID | None
    purpose: str
    why: str
    whole_minor: int | None


class BankLinesOut(Out):
    items: list[BankLineOut]
    next: str | None


class DecideBankLineIn(Strict):
    """A line: `known` is the payout, invoice or order on account that it belongs to; or `purpose` and `reason` book
    it. Where `amount_minor` says what the line was over when you saw it, one that was split since is refused."""

    statement: UUID
    line: Annotated[StrictInt, Field(ge=1, le=10**6)]
    known: UUID | None = None
    purpose: Literal[PURPOSES] | None = None  # type: ignore[valid-type]
    reason: Text = ""
    amount_minor: Annotated[StrictInt, Field(ge=-AMOUNT_MAX, le=AMOUNT_MAX)] | None = None
    key: Own = None


class BankLineDecidedOut(Out):
    statement: UUID
    line: int
    state: str
    statement_state: str


class BankFitOut(Out):
    """What a line may belong to, and since when it is expected; `amount_minor` is below zero where money leaves."""

    kind: str
    id: UUID
    number: str
    external_id: str
    currency: str
    amount_minor: int
    on: date


class SplitBankLineIn(Strict):
    """A line that waits, and the amounts of its parts, which make what waits of it."""

    statement: UUID
    line: Annotated[StrictInt, Field(ge=1, le=10**6)]
    amounts_minor: Annotated[
        list[Annotated[StrictInt, Field(ge=-AMOUNT_MAX, le=AMOUNT_MAX)]],
        Field(min_length=1, max_length=PARTS_MAX),
    ]
    key: Own = None


class BankLineSplitOut(Out):
    statement: UUID
    lines: list[int]


@router.post("/bank-statements", response={200: StatementTakenOut | list[Each[StatementTakenOut]], **REFUSED})
def take_bank_statement(
    request: HttpRequest,
    payload: StatementIn | Annotated[list[StatementIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Take a bank statement in: each line to the payout or invoice it belongs to, the rest into a queue."""
    which = parse.company_of(company)
    return give(
        request,
        take_statements,
        payload,
        idempotency_key,
        lambda one, key: TakeStatement(which, _read(one), key),
    )


def _read(one: StatementIn) -> Statement:
    try:
        if one.camt:
            found = bank_files.camt(one.camt.encode())
            if len(found) == 1:
                return found[0]
            raise UnreadableError(f"one statement is expected in a file, found {len(found)}")
        if one.account and one.external_id and one.currency:
            return bank_files.table(one.csv, one.account, one.external_id, one.currency)
    except UnreadableError as error:
        field = "camt" if one.camt else "csv"
        raise Invalid(field=field, expected="a readable statement", found=str(error)) from error
    raise Invalid(field="csv", expected="account, external_id and currency beside it", found="less")


@router.get("/bank-lines", response={200: BankLinesOut, **READ})
def list_bank_lines(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    statement: UUID | None = None,
    show: Literal["waiting", "all"] = "waiting",
    limit: Annotated[int, Query(ge=1, le=1_000)] = 200,
    after: Behind = None,
) -> dict[str, Any]:
    """Lines of bank statements that wait, or all; the oldest first, a page at a time."""
    which, behind = parse.company_of(company), parse.behind(after, date.fromisoformat, UUID, parse.small)
    found = bank_queries.lines(which, statement, waiting=show == "waiting", after=behind, limit=limit + 1)
    return paged(found, limit)


@router.get("/bank-lines/{statement}/{line}/fits", response={200: list[BankFitOut], **READ})
def list_bank_fits(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    statement: UUID,
    line: Annotated[int, Path(ge=1, le=10**6)],
    said: Annotated[
        str, Query(max_length=100, description="A number or another name, or a part of it.")
    ] = "",
    amount_minor: Annotated[
        int | None, Query(ge=-AMOUNT_MAX, le=AMOUNT_MAX, description="Of another amount.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    company: Company = None,
) -> Any:
    """What a line of a bank statement may belong to: what fits it, or what you look for by its name or amount."""
    which = parse.company_of(company)
    one = bank_queries.line(which, statement, line)
    if one is None:
        raise NotFound(what="line", which=f"{line} of {statement}")
    if said or amount_minor is not None:
        return bank_queries.found(which, one.currency, said, amount_minor, limit=limit)
    return bank_queries.fits(which, [one], limit=limit)[0]


@router.post(
    "/bank-lines/decide", response={200: BankLineDecidedOut | list[Each[BankLineDecidedOut]], **REFUSED}
)
def decide_bank_line(
    request: HttpRequest,
    payload: DecideBankLineIn | Annotated[list[DecideBankLineIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Say what lines of bank statements belong to, or book them."""
    return give(
        request, decide_bank_lines, payload, idempotency_key,
        lambda one, key: DecideBankLine(
            one.statement, one.line, one.known, one.purpose or "", one.reason, one.amount_minor, key
        ),
    )  # fmt: skip


@router.post("/bank-lines/split", response={200: BankLineSplitOut | list[Each[BankLineSplitOut]], **REFUSED})
def split_bank_line(
    request: HttpRequest,
    payload: SplitBankLineIn | Annotated[list[SplitBankLineIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Split lines of bank statements that are several things into parts, each of which is decided by itself."""
    return give(
        request, split_bank_lines, payload, idempotency_key,
        lambda one, key: SplitBankLine(one.statement, one.line, tuple(one.amounts_minor), key),
    )  # fmt: skip
