"""The books for programs: the trial balance and the journal."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router

from entrepot.insight import pages
from entrepot.ledger import queries
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, Company, Limit, paged
from entrepot.web.api.schemas import BIGINT_MAX, Out

router = Router()
ACCOUNT_MAX = 2**31 - 1

Month = Annotated[date | None, Query(description="A day of the month; without, of all months.")]
UpTo = Annotated[bool, Query(description="With all months before it.")]


class TrialLineOut(Out):
    """An account's sums in the company's currency; the balance is debits less credits."""

    account: int
    name: str
    type: str
    clearing: bool
    debit_minor: int
    credit_minor: int
    balance_minor: int


class JournalLineOut(Out):
    """A line of the journal, debit above zero, in its currency and in the company's; the lines of an entry share its
    id and make up zero."""

    id: int
    entry: UUID
    number: int
    account: int
    account_name: str
    amount_minor: int
    functional_minor: int
    currency: str
    kind: str
    event: str
    document_kind: str
    document: UUID
    occurred_at: datetime
    recorded_at: datetime


class JournalOut(Out):
    items: list[JournalLineOut]
    next: int | None


@router.get("/trial-balance", response={200: list[TrialLineOut], **READ})
def tell_trial_balance(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    month: Month = None,
    up_to: UpTo = False,
    company: Company = None,
) -> Any:
    """Accounts with what was posted to them: in a month, up to and with it, or ever."""
    chosen: dict[str, date | None] = _of(month, up_to)
    return queries.trial_balance(company=parse.company_of(company), **chosen)


@router.get("/journal", response={200: JournalOut, **READ})
def list_journal(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    limit: Limit,
    account: Annotated[int | None, Query(ge=0, le=ACCOUNT_MAX)] = None,
    entry: UUID | None = None,
    document: UUID | None = None,
    month: Month = None,
    up_to: UpTo = False,
    before: Annotated[
        int | None, Query(ge=0, le=BIGINT_MAX, description="The cursor: `next` of the page before.")
    ] = None,
    company: Company = None,
) -> Any:
    """Lines of the journal, the latest first: of an account, an entry, a document, a month, or all."""
    rows = pages.journal_lines(
        parse.company_of(company), account=account, entry=entry, document=document, before=before,
        limit=limit + 1, **_of(month, up_to),
    )  # fmt: skip
    return paged(rows, limit)


def _of(month: date | None, up_to: bool) -> dict[str, date | None]:  # noqa: FBT001
    first = month and month.replace(day=1)
    return {"up_to": first} if up_to else {"month": first}
