"""Payouts of payment providers, for programs."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Router
from pydantic import Field

from entrepot.kernel.errors import Invalid
from entrepot.settlement import stripe_report
from entrepot.settlement.commands.take_payouts import TakePayout, take_payouts
from entrepot.web.api import parse
from entrepot.web.api.answers import REFUSED, Company, IdempotencyKey, Many, give
from entrepot.web.api.schemas import Each, Out, Own, Strict

router = Router()
FILE_MAX = 2_000_000


class StripePayoutIn(Strict):
    """The balance transactions of one payout, as Stripe's `GET /v1/balance_transactions?payout=po_…` gives them."""

    transactions: Annotated[str, Field(min_length=1, max_length=FILE_MAX)]
    key: Own = None


class PayoutTakenOut(Out):
    """The payout; `open_lines` wait for a person, `fresh` is false where it was known."""

    payout: UUID
    number: str
    state: str
    open_lines: int
    fresh: bool


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


def _read(text: str) -> stripe_report.Report:
    try:
        return stripe_report.read(text)
    except stripe_report.UnreadableError as error:
        expected = "the balance transactions of one payout"
        raise Invalid(field="transactions", expected=expected, found=str(error)) from error
