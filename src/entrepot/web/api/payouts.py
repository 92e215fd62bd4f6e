"""Payouts of payment providers, for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Path, Query, Router
from pydantic import Field, StrictInt

from entrepot.kernel.errors import Invalid, NotFound
from entrepot.settlement import fit_queries, payout_reports, stripe_report
from entrepot.settlement import queries as settlement
from entrepot.settlement.commands.explain import Explain, explain
from entrepot.settlement.commands.split_payout_lines import SplitPayoutLine, split_payout_lines
from entrepot.settlement.commands.take_payouts import TakePayout, take_payouts
from entrepot.settlement.rules import PARTS_MAX, SIGNS, PayoutLine
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, REFUSED, After, Company, IdempotencyKey, Limit, Many, give, paged
from entrepot.web.api.schemas import MINOR_MAX, Code, Currency, Each, Minor, Moment, Out, Own, Strict, Text

router = Router()
FILE_MAX = 2_000_000
REPORT_MAX = 16_000_000
LINES_MAX = 10_000
Signed = Annotated[StrictInt, Field(ge=-MINOR_MAX, le=MINOR_MAX)]
LineNumber = Annotated[StrictInt, Field(ge=1, le=10**6)]


class StripePayoutIn(Strict):
    """The balance transactions of one payout, as Stripe's `GET /v1/balance_transactions?payout=po_…` gives them."""

    transactions: Annotated[str, Field(min_length=1, max_length=FILE_MAX)]
    key: Own = None


class PayoutReportIn(Strict):
    """The settlement report of Amazon (flat file V2), or the balance transactions of one payout as Shopify's
    `shopify_payments/balance/transactions.json?payout_id=…` or Stripe gives them: the whole text."""

    report: Annotated[str, Field(min_length=1, max_length=REPORT_MAX)]
    key: Own = None


class PayoutLineIn(Strict):
    """A line as the provider or marketplace reports it; amounts in minor units, from 0."""

    kind: Literal[tuple(SIGNS)]  # type: ignore[valid-type]
    reference: Text = ""
    amount_minor: Minor = 0
    fee_minor: Signed = 0


class PayoutIn(Strict):
    """A payout under the provider's own name for it: what came to the bank, and the lines that make it."""

    provider: Code
    external_id: Code
    currency: Currency
    net_minor: Signed
    arrived_at: Moment | None = None
    lines: Annotated[list[PayoutLineIn], Field(min_length=1, max_length=LINES_MAX)]
    key: Own = None


class ReserveOut(Out):
    """What a provider holds back of its payouts."""

    provider: str
    currency: str
    reserve_minor: int


class PayoutTakenOut(Out):
    """The payout; `open_lines` wait for a person, `fresh` is false where it was known."""

    payout: UUID
    number: str
    state: str
    open_lines: int
    fresh: bool


class PayoutOut(Out):
    """A payout, and how many of its lines wait to be explained."""

    id: UUID
    number: str
    provider: str
    external_id: str
    currency: str
    gross_minor: int
    fee_minor: int
    net_minor: int
    state: str
    arrived_at: datetime
    lines: int
    open_lines: int


class PayoutsOut(Out):
    items: list[PayoutOut]
    next: UUID | None


class PayoutLineOut(Out):
    """A line of a payout; `known` is the attempt or dispute that it settles, `difference_minor` what it should have
    brought more, `reason` why it waits or what explained it. Of a part, `whole_minor` is what its line is over."""

    number: int
    kind: str
    reference: str
    known: UUID | None
    amount_minor: int
    fee_minor: int
    state: str
    difference_minor: int
    reason: str
    whole_minor: int | None


class PayoutLinesOut(Out):
    items: list[PayoutLineOut]
    next: int | None


class PayoutFitOut(Out):
    """A charge, refund or dispute that a line may be, under its provider's `reference`, and the order it was paid
    for."""

    id: UUID
    kind: str
    reference: str
    amount_minor: int
    at: datetime
    order: UUID
    order_number: str


class ExplainLineIn(Strict):
    """A line: `known` is the charge, refund or dispute that it is; `reason` says why it differs from that, or belongs
    to nothing, and books the difference."""

    payout: UUID
    line: LineNumber
    known: UUID | None = None
    reason: Text = ""
    key: Own = None


class LineExplainedOut(Out):
    """The payout's state: matched when none of its lines waits."""

    payout: UUID
    state: str


class SplitPayoutLineIn(Strict):
    """A line that waits, and the amounts of its parts, which make what waits of it; one puts it together again."""

    payout: UUID
    line: LineNumber
    amounts_minor: Annotated[list[Minor], Field(min_length=1, max_length=PARTS_MAX)]
    key: Own = None


class PayoutLineSplitOut(Out):
    payout: UUID
    lines: list[int]


@router.post("/payouts/stripe", response={200: PayoutTakenOut | list[Each[PayoutTakenOut]], **REFUSED})
def take_stripe_payout(
    request: HttpRequest,
    payload: StripePayoutIn | Annotated[list[StripePayoutIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Take a payout of Stripe in: each transaction to the capture, refund or dispute that it settles, the rest into a
    queue."""
    which = parse.company_of(company)

    def make(one: StripePayoutIn, key: str) -> TakePayout:
        found = _read(one.transactions)
        return TakePayout(
            which, "stripe", found.external_id, found.currency, found.net_minor, found.lines, found.arrived_at, key
        )  # fmt: skip

    return give(request, take_payouts, payload, idempotency_key, make)


@router.post("/payouts/reports", response={200: PayoutTakenOut | list[Each[PayoutTakenOut]], **REFUSED})
def take_payout_report(
    request: HttpRequest,
    payload: PayoutReportIn | Annotated[list[PayoutReportIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Take a payout of Amazon, Shopify or Stripe in by its own report, with its fees and with what it holds back."""
    which = parse.company_of(company)

    def make(one: PayoutReportIn, key: str) -> TakePayout:
        by, found = _report(one.report)
        return TakePayout(
            which, by, found.external_id, found.currency, found.net_minor, found.lines, found.arrived_at, key
        )

    return give(request, take_payouts, payload, idempotency_key, make)


@router.post("/payouts", response={200: PayoutTakenOut | list[Each[PayoutTakenOut]], **REFUSED})
def take_payout(
    request: HttpRequest,
    payload: PayoutIn | Annotated[list[PayoutIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Take a payout of any provider or marketplace in, with its fees and with what it holds back and releases."""
    which = parse.company_of(company)

    def make(one: PayoutIn, key: str) -> TakePayout:
        lines = tuple(
            PayoutLine(row.kind, row.reference, row.amount_minor, row.fee_minor) for row in one.lines
        )
        return TakePayout(
            which, one.provider, one.external_id, one.currency, one.net_minor, lines, one.arrived_at, key
        )  # fmt: skip

    return give(request, take_payouts, payload, idempotency_key, make)


@router.get("/payouts", response={200: PayoutsOut, **READ})
def list_payouts(request: HttpRequest, limit: Limit, after: After = None, company: Company = None) -> Any:  # noqa: ARG001
    """What providers paid out, the latest first, with how many of its lines nobody has explained."""
    return paged(settlement.payouts(parse.company_of(company), after=after, limit=limit + 1), limit)


@router.get("/payouts/{payout}/lines", response={200: PayoutLinesOut, **READ})
def list_payout_lines(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    payout: UUID,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 200,
    after: Annotated[
        int, Query(ge=0, le=2**31 - 1, description="The cursor: `next` of the page before.")
    ] = 0,
    company: Company = None,
) -> Any:
    """Lines of a payout in its own order, each with what it settles and why it differs or what explained it."""
    parse.own("payout", payout, company)
    rows = settlement.lines(payout, after=after, limit=limit + 1)
    return paged(rows, limit, by="number")


@router.get("/payouts/{payout}/lines/{line}/fits", response={200: list[PayoutFitOut], **READ})
def list_payout_fits(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    payout: UUID,
    line: Annotated[int, Path(ge=1, le=10**6)],
    said: Annotated[
        str, Query(max_length=100, description="A reference, or an order's number or name.")
    ] = "",
    amount_minor: Annotated[int, Query(ge=0, le=MINOR_MAX, description="Of another amount.")] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    company: Company = None,
) -> Any:
    """What a line of a payout may be: what is open of its provider by its reference or amount, or by what you look for;
    the likeliest first."""
    which = parse.company_of(company)
    if fit_queries.line(which, payout, line) is None:
        raise NotFound(what="line of a payout", which=f"{line} of {payout}")
    asked, amounts = [said] if said else [], [amount_minor] if amount_minor else []
    return fit_queries.fits(which, [(payout, line)], said=asked, amounts=amounts, limit=limit)[payout, line]


@router.post(
    "/payouts/lines/explain", response={200: LineExplainedOut | list[Each[LineExplainedOut]], **REFUSED}
)
def explain_payout_line(
    request: HttpRequest,
    payload: ExplainLineIn | Annotated[list[ExplainLineIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Say what lines of payouts are, or why they differ or belong to nothing."""
    return give(
        request, explain, payload, idempotency_key,
        lambda one, key: Explain(one.payout, one.line, one.reason, one.known, key=key),
    )  # fmt: skip


@router.post(
    "/payouts/lines/split", response={200: PayoutLineSplitOut | list[Each[PayoutLineSplitOut]], **REFUSED}
)
def split_payout_line(
    request: HttpRequest,
    payload: SplitPayoutLineIn | Annotated[list[SplitPayoutLineIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Split lines of payouts that are several charges or refunds into parts, each of which is explained by itself."""
    return give(
        request, split_payout_lines, payload, idempotency_key,
        lambda one, key: SplitPayoutLine(one.payout, one.line, tuple(one.amounts_minor), key),
    )  # fmt: skip


@router.get("/payouts/reserves", response={200: list[ReserveOut], **READ})
def list_reserves(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
) -> Any:
    """What providers hold back, by provider and currency."""
    return settlement.reserves(parse.company_of(company))


def _report(text: str) -> tuple[str, stripe_report.Report]:
    expected = "a settlement report of Amazon, or balance transactions of Shopify or Stripe"
    try:
        found = payout_reports.read(text)
    except stripe_report.UnreadableError as error:
        raise Invalid(field="report", expected=expected, found=str(error)) from error
    if found is None:
        raise Invalid(field="report", expected=expected, found="something else")
    return found


def _read(text: str) -> stripe_report.Report:
    try:
        return stripe_report.read(text)
    except stripe_report.UnreadableError as error:
        expected = "the balance transactions of one payout"
        raise Invalid(field="transactions", expected=expected, found=str(error)) from error
