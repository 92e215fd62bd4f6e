"""Payouts of payment providers, for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import Field, StrictInt

from entrepot.kernel.errors import Invalid
from entrepot.settlement import payout_reports, stripe_report
from entrepot.settlement import queries as settlement
from entrepot.settlement.commands.take_payouts import TakePayout, take_payouts
from entrepot.settlement.rules import SIGNS, PayoutLine
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, REFUSED, After, Company, IdempotencyKey, Limit, Many, give, paged
from entrepot.web.api.schemas import MINOR_MAX, Code, Currency, Each, Minor, Moment, Out, Own, Strict, Text

router = Router()
FILE_MAX = 2_000_000
REPORT_MAX = 16_000_000
LINES_MAX = 10_000
Signed = Annotated[StrictInt, Field(ge=-MINOR_MAX, le=MINOR_MAX)]


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
    brought more, `reason` why it waits or what explained it."""

    number: int
    kind: str
    reference: str
    known: UUID | None
    amount_minor: int
    fee_minor: int
    state: str
    difference_minor: int
    reason: str


class PayoutLinesOut(Out):
    items: list[PayoutLineOut]
    next: int | None


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
