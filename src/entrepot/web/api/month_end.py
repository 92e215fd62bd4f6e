"""The end of a month, for programs: stock at what it brings, other currencies at the rate of the day, and the close."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router
from pydantic import Field, StrictBool, StrictInt

from entrepot.kernel.errors import Refused
from entrepot.ledger import currency_queries, queries
from entrepot.ledger.commands.correct_rates import CorrectRate, correct_rates
from entrepot.ledger.commands.record_rate_files import RateFile, record_rate_files
from entrepot.ledger.commands.record_rates import RecordRate, record_rates
from entrepot.ledger.commands.revalue import Revalue, revalue
from entrepot.ledger.commands.write_down import WriteDown, write_down
from entrepot.settlement import closing, closing_queries
from entrepot.settlement.closing import TASK_MAX, Checked
from entrepot.settlement.commands.close_books import CloseBooks, close_books
from entrepot.settlement.commands.tick_tasks import NOTE_MAX, TickTask, tick_tasks
from entrepot.web.api import named, parse
from entrepot.web.api.answers import (
    READ,
    REFUSED,
    After,
    Behind,
    Company,
    IdempotencyKey,
    Limit,
    Many,
    as_list,
    give,
    paged,
)
from entrepot.web.api.schemas import NO_NUL, DayOfBooks, Each, Named, Out, Own, Strict, Text

router = Router()
RATE_FILE_MAX = 2_000_000
"""Characters of a file of rates."""


class WriteDownIn(Strict):
    """What a unit of a SKU at a node brings when it is sold, less what selling it costs, in minor units. `on`: the day
    to whose end it is posted, in an open month; now without."""

    sku: Named
    node: Named
    unit_minor: Annotated[Decimal, Field(ge=0, le=10**12, decimal_places=6)]
    reason: Text
    on: DayOfBooks | None = None
    key: Own = None


class WrittenDownOut(Out):
    """`change_minor` above zero: written up again."""

    change_minor: int
    value_minor: int
    written_minor: int


class WriteDownOut(Out):
    """Stock that was brought to what it can still be sold for, or back towards its cost."""

    id: UUID
    sku: UUID
    node: UUID
    quantity: int
    unit_minor: Decimal
    before_minor: int
    after_minor: int
    written_minor: int
    reason: str
    decided_by: str
    decided_at: datetime


class WriteDownsOut(Out):
    """A page. `next` is the cursor of the page behind it; null at the end."""

    items: list[WriteDownOut]
    next: UUID | None


class CurrencyBalanceOut(Out):
    """A balance in another currency: what it was carried at, what settling brought, and what it is worth."""

    account: int
    currency: str
    amount_minor: int
    carried_minor: int
    worth_minor: int
    realized_minor: int
    unrealized_minor: int


class CurrencyBalancesOut(Out):
    """As of the end of a day; `refused`: why they can't be measured, empty where they can."""

    on_date: date
    balances: list[CurrencyBalanceOut]
    refused: str


class RevalueIn(Strict):
    """Post the differences as of the end of a day."""

    on_date: DayOfBooks
    key: Own = None


class RevaluedOut(Out):
    company: int
    realized_minor: int
    unrealized_minor: int
    balances: int


class ExchangeRateIn(Strict):
    """Units of the company's currency for one of another, from a day on. The first rate of a day stands."""

    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    on_date: DayOfBooks
    rate: Annotated[Decimal, Field(gt=0, lt=10**9, decimal_places=9)]
    key: Own = None


class ExchangeRateOut(Out):
    currency: str
    on_date: date
    fresh: bool
    rate: Decimal


class ExchangeRateRowOut(Out):
    """Units of the company's currency for one of another, in force from a day until the next one that is known."""

    currency: str
    on_date: date
    rate: Decimal


class ExchangeRatesOut(Out):
    items: list[ExchangeRateRowOut]
    next: str | None


class CorrectRateIn(Strict):
    """What is in force in place of the rate of a day, and why. What was posted stays."""

    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    on_date: DayOfBooks
    rate: Annotated[Decimal, Field(gt=0, lt=10**9, decimal_places=9)]
    reason: Annotated[str, Field(min_length=1, max_length=500)]
    key: Own = None


class RateCorrectedOut(Out):
    """`was`: the rate that stood before; the same where nothing changed."""

    currency: str
    on_date: date
    was: Decimal
    rate: Decimal


class RateCorrectionOut(RateCorrectedOut):
    id: UUID
    reason: str
    corrected_by: str
    corrected_at: datetime


class RateCorrectionsOut(Out):
    items: list[RateCorrectionOut]
    next: UUID | None


class OpenOut(Out):
    """What is open of a kind at the end of a month, of one currency ('' where nothing is), and whether it stands in the
    way of closing it."""

    kind: str
    count: int
    amount_minor: int
    currency: str
    about: str
    refuses: bool
    state: Literal["passed", "told", "in the way"]


class ClosingOut(Out):
    """A month, by its first day; null where every month with bookings is closed."""

    month: date | None
    open: list[OpenOut]


class ClosingAccountOut(Out):
    """What a month posted to an account, and what it holds at its end; debit above zero."""

    account: int
    name: str
    type: str
    debit_minor: int
    credit_minor: int
    end_minor: int


class MonthReportOut(Out):
    """What was looked at, kinds with nothing open too; the accounts; and who closed the month when, where somebody
    did. `kept`: as it was when the month was closed, by that version of the policy (0: nobody has set one); else as it
    stands."""

    month: date
    closed_by: str
    closed_at: datetime | None
    kept: bool
    policy_version: int
    result_minor: int
    looked_at: list[OpenOut]
    accounts: list[ClosingAccountOut]


class TickOut(Out):
    """Who has done a task, and what they say of it."""

    done_by: str
    done_at: datetime
    note: str


class ClosingTaskOut(Out):
    """A task of the end of a month, by the policy `settlement.closing`; `tick` is null until somebody has done it."""

    task: str
    tick: TickOut | None


class TickTaskIn(Strict):
    """A task that is done, with what was done or found; or, not `done`, that it is not after all, and why."""

    year: Annotated[StrictInt, Field(ge=1990, le=2200)]
    month: Annotated[StrictInt, Field(ge=1, le=12)]
    task: Annotated[str, Field(min_length=1, max_length=TASK_MAX, pattern=NO_NUL)]
    note: Annotated[str, Field(min_length=1, max_length=NOTE_MAX, pattern=NO_NUL)]
    done: StrictBool = True
    key: Own = None


class TaskTickedOut(Out):
    month: date
    task: str
    done: bool


class ClosedMonthRowOut(Out):
    """A month that is closed; what it earned and by which version of the policy, where its report was kept."""

    month: date
    closed_by: str
    closed_at: datetime
    policy_version: int | None
    result_minor: int | None


class ClosedMonthsOut(Out):
    items: list[ClosedMonthRowOut]
    next: date | None


class CloseMonthIn(Strict):
    """Close a month for good, by its year and number."""

    year: Annotated[StrictInt, Field(ge=1990, le=2200)]
    month: Annotated[StrictInt, Field(ge=1, le=12)]
    key: Own = None


class MonthClosedOut(Out):
    company: int
    month: date


@router.get("/write-downs", response={200: WriteDownsOut, **READ})
def list_write_downs(request: HttpRequest, limit: Limit, after: After = None, company: Company = None) -> Any:  # noqa: ARG001
    """Write-downs of stock and their reversals, the latest first."""
    found = queries.write_downs(company=parse.company_of(company), after=after, limit=limit + 1)
    return paged(found, limit)


@router.post("/write-downs", response={200: WrittenDownOut | list[Each[WrittenDownOut]], **REFUSED})
def write_stock_down(
    request: HttpRequest,
    payload: WriteDownIn | Annotated[list[WriteDownIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Value stock at the lower of its cost and what it brings."""
    chosen, items = parse.company_of(company), as_list(payload)
    skus = named.skus(chosen, (one.sku for one in items))
    nodes = named.nodes(chosen, (one.node for one in items))
    return give(
        request, write_down, payload, idempotency_key,
        lambda one, key: WriteDown(chosen, skus[one.sku], nodes[one.node], one.unit_minor, one.reason, one.on, key),
    )  # fmt: skip


@router.get("/currency-balances", response={200: CurrencyBalancesOut, **READ})
def tell_currency_balances(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    on_date: Annotated[
        date | None, Query(description="As of the end of this day; today's so far without.")
    ] = None,
    company: Company = None,
) -> Any:
    """Balances in other currencies as they would be measured. Nothing is posted."""
    chosen, now = parse.company_of(company), timezone.now()
    today = now.astimezone(UTC).date()
    day = min(on_date or today, today)
    found = currency_queries.measure({chosen: day}, now)[chosen]
    return {
        "on_date": day, "refused": str(found.refused) if isinstance(found.refused, Refused) else "",
        "balances": [
            {
                "account": one.account, "currency": one.currency, "amount_minor": one.now.amount,
                "carried_minor": one.carried.worth, "worth_minor": one.now.worth, "realized_minor": one.realized,
                "unrealized_minor": one.unrealized,
            }
            for one in found.measured
        ],
    }  # fmt: skip


@router.post("/currency-balances", response={200: RevaluedOut | list[Each[RevaluedOut]], **REFUSED})
def measure_currencies(
    request: HttpRequest,
    payload: RevalueIn | Annotated[list[RevalueIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Post what settling brought, and what the rate of a day brings to what is open."""
    chosen = parse.company_of(company)
    return give(
        request, revalue, payload, idempotency_key, lambda one, key: Revalue(chosen, one.on_date, key)
    )


class RateFileIn(Strict):
    """`text`: CSV with the columns `date`, `currency` and `rate` (units of the company's currency for one of it), or
    what one euro is in others, CSV or XML of the European Central Bank. With `dry_run` nothing is recorded."""

    text: Annotated[str, Field(min_length=1, max_length=RATE_FILE_MAX, pattern=NO_NUL)]
    dry_run: StrictBool = False
    key: Own = None


class RateFileTakenOut(Out):
    """Rates that are recorded, or would be; that stood so before; and that differ from what stands. This stays until it
    is corrected. `otherwise` tells the first of them: currency, day, what stands, what the file says."""

    recorded: int
    known: int
    differ: int
    otherwise: list[tuple[str, date, Decimal, Decimal]]


@router.post("/exchange-rates", response={200: ExchangeRateOut | list[Each[ExchangeRateOut]], **REFUSED})
def record_exchange_rates(
    request: HttpRequest,
    payload: ExchangeRateIn | Annotated[list[ExchangeRateIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Rates of exchange from a day on."""
    chosen = parse.company_of(company)
    return give(
        request, record_rates, payload, idempotency_key,
        lambda one, key: RecordRate(chosen, one.currency, one.on_date, one.rate, key),
    )  # fmt: skip


@router.post(
    "/exchange-rates/files", response={200: RateFileTakenOut | list[Each[RateFileTakenOut]], **REFUSED}
)
def record_files_of_exchange_rates(
    request: HttpRequest,
    payload: RateFileIn | Annotated[list[RateFileIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Rates of exchange of a file: one a row, or as the European Central Bank publishes them."""
    chosen = parse.company_of(company)
    return give(
        request, record_rate_files, payload, idempotency_key,
        lambda one, key: RateFile(chosen, one.text, one.dry_run, key),
    )  # fmt: skip


@router.get("/exchange-rates", response={200: ExchangeRatesOut, **READ})
def list_exchange_rates(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    limit: Limit,
    currency: Annotated[str, Query(pattern=r"^[A-Z]{3}$")] | None = None,
    after: Behind = None,
    company: Company = None,
) -> Any:
    """Rates of exchange, the latest first."""
    behind = parse.behind(after, date.fromisoformat, parse.currency)
    found = queries.rates(
        company=parse.company_of(company), currency=currency or "", after=behind, limit=limit + 1
    )
    return paged(found, limit)


@router.get("/exchange-rates/corrections", response={200: RateCorrectionsOut, **READ})
def list_rate_corrections(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    limit: Limit,
    after: After = None,
    company: Company = None,
) -> Any:
    """Rates that were wrong and what stands in their place, the latest first."""
    return paged(
        queries.rate_corrections(company=parse.company_of(company), after=after, limit=limit + 1), limit
    )


@router.post(
    "/exchange-rates/corrections", response={200: RateCorrectedOut | list[Each[RateCorrectedOut]], **REFUSED}
)
def correct_exchange_rates(
    request: HttpRequest,
    payload: CorrectRateIn | Annotated[list[CorrectRateIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Put other rates in the place of wrong ones. What was posted stays; measuring again posts the difference."""
    chosen = parse.company_of(company)
    return give(
        request, correct_rates, payload, idempotency_key,
        lambda one, key: CorrectRate(chosen, one.currency, one.on_date, one.rate, one.reason, key),
    )  # fmt: skip


@router.get("/closing", response={200: ClosingOut, **READ})
def tell_closing(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    month: Annotated[
        date | None, Query(description="A day of the month; without, the oldest that is open.")
    ] = None,
    company: Company = None,
) -> Any:
    """What is open at the end of a month, what stands in the way of closing it first."""
    chosen = parse.company_of(company)
    which = month.replace(day=1) if month else closing_queries.to_close(chosen)
    return {
        "month": which,
        "open": [
            _open(one)
            for one in (closing_queries.checklist(chosen, which, timezone.now()) if which else [])
        ],
    }  # fmt: skip


@router.get("/closing/tasks", response={200: list[ClosingTaskOut], **READ})
def list_closing_tasks(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    month: Annotated[date, Query(description="A day of the month.")],
    company: Company = None,
) -> Any:
    """Tasks of the end of a month that people do outside, and who has done them."""
    return closing_queries.tasks(parse.company_of(company), month.replace(day=1), timezone.now())


@router.post("/closing/tasks", response={200: TaskTickedOut | list[Each[TaskTickedOut]], **REFUSED})
def tick_a_task(
    request: HttpRequest,
    payload: TickTaskIn | Annotated[list[TickTaskIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Say that tasks of the end of a month are done, or are not after all."""
    chosen = parse.company_of(company)
    return give(
        request, tick_tasks, payload, idempotency_key,
        lambda one, key: TickTask(chosen, date(one.year, one.month, 1), one.task, one.note, one.done, key),
    )  # fmt: skip


@router.get("/closing/months", response={200: ClosedMonthsOut, **READ})
def list_closed_months(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    limit: Limit,
    after: Annotated[date | None, Query(description="The cursor: `next` of the page before.")] = None,
    company: Company = None,
) -> Any:
    """Months that are closed, the latest first, with what each earned where its report was kept."""
    found = closing_queries.closed_months(parse.company_of(company), before=after, limit=limit + 1)
    return paged(found, limit, by="month")


@router.get("/closing/report", response={200: MonthReportOut, **READ})
def report_month(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    month: Annotated[date, Query(description="A day of the month.")],
    company: Company = None,
) -> Any:
    """The report of a month: as it was kept when it was closed, or as it stands."""
    found = closing_queries.month_report(parse.company_of(company), month.replace(day=1), timezone.now())
    return {
        "month": found.month, "closed_by": found.closed_by, "closed_at": found.closed_at, "kept": found.kept,
        "policy_version": found.policy_version,
        "result_minor": found.result_minor, "looked_at": [_open(one) for one in found.checked],
        "accounts": [
            {
                "account": one.account, "name": one.name, "type": one.type, "debit_minor": one.debit_minor,
                "credit_minor": one.credit_minor, "end_minor": one.end_minor,
            }
            for one in found.accounts
        ],
    }  # fmt: skip


def _open(one: Checked) -> dict[str, Any]:
    return {
        "kind": one.open.kind, "count": one.open.count, "amount_minor": one.open.amount_minor,
        "currency": one.open.currency, "about": one.open.about, "refuses": one.refuses,
        "state": closing.state(one),
    }  # fmt: skip


@router.post("/closing", response={200: MonthClosedOut | list[Each[MonthClosedOut]], **REFUSED})
def close_a_month(
    request: HttpRequest,
    payload: CloseMonthIn | Annotated[list[CloseMonthIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Close months for good; refused with what stands in the way."""
    chosen = parse.company_of(company)
    return give(
        request, close_books, payload, idempotency_key,
        lambda one, key: CloseBooks(chosen, date(one.year, one.month, 1), key),
    )  # fmt: skip
