"""Exchanges and store credit, for programs."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import Field

from entrepot.kernel.errors import NotFound
from entrepot.payments import credit_queries
from entrepot.returns import exchange_queries
from entrepot.returns.commands.exchange import Exchange, exchange
from entrepot.returns.commands.withdraw_exchanges import WithdrawExchange, withdraw_exchanges
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, REFUSED, After, Company, IdempotencyKey, Limit, Many, give, paged
from entrepot.web.api.return_schemas import ONE, OTHER, _example
from entrepot.web.api.schemas import Code, Each, Moment, Out, Own, Price, Quantity, Reason, Strict, Text

router = Router()


class ExchangeIn(Strict):
    """Units of a return line that are replaced by as many of a SKU. Of the same list price it is an even exchange, at
    the price as sold; another costs its list price, or `unit_price`, which needs a reason."""

    model_config = _example(return_id=ONE, line=OTHER, quantity=1, sku="MUG-SAND")

    return_id: UUID
    line: UUID
    quantity: Quantity
    sku: Code
    unit_price: Price | None = None
    reason: Text = ""
    occurred_at: Moment | None = None
    key: Own = None


class ExchangedOut(Out):
    """The refund that pays for it, what that is worth, and what the replacement costs: more is to be paid for its
    order, less is given back. `order` is null where it is placed later."""

    refund: UUID
    number: str
    worth_minor: int
    costs_minor: int
    even: bool
    order: UUID | None
    order_number: str


class WithdrawExchangeIn(Strict):
    """An exchange that will not be, by its refund."""

    model_config = _example(refund=ONE, reason="The customer wants the money.")

    refund: UUID
    reason: Reason
    key: Own = None


class ExchangeWithdrawnOut(Out):
    refund: UUID
    order: UUID | None


class ExchangeOut(Out):
    """What replaces units of a return: `agreed`, `settled` or `withdrawn`. It is sent when what comes back is
    `send_at`; what has not come until `due_at` is not exchanged."""

    refund: UUID
    number: str
    line: UUID
    quantity: int
    sku_code: str
    even: bool
    unit_price: Decimal
    worth_minor: int
    costs_minor: int
    currency: str
    send_at: str
    state: str
    reason: str
    order: UUID | None
    order_number: str
    order_status: str
    agreed_by: str
    agreed_at: datetime
    due_at: datetime


class StoreCreditOut(Out):
    """The store credit of a customer: the balance, what orders hold of it, and what is a bonus; `expires_at` is when
    the next of it ends."""

    id: UUID
    customer: str
    currency: str
    balance_minor: int
    held_minor: int
    bonus_minor: int
    expires_at: datetime | None


class StoreCreditsOut(Out):
    """A page. `next` is the cursor of the page behind it; null at the end."""

    items: list[StoreCreditOut]
    next: UUID | None


class CreditMoveOut(Out):
    """A line of the account: `issued`, `used`, `returned` or `expired`, of value or of a bonus; `order` is what it
    paid."""

    id: int
    kind: str
    of: str
    amount_minor: int
    order: UUID | None
    occurred_at: datetime


@router.post("/returns/exchange", response={200: ExchangedOut | list[Each[ExchangedOut]], **REFUSED})
def exchange_returns(
    request: HttpRequest,
    payload: ExchangeIn | Annotated[list[ExchangeIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Send something else for what comes back: an order of its own, sent when that is there."""

    def make(item: ExchangeIn, key: str) -> Exchange:
        price = None if item.unit_price is None else Decimal(item.unit_price)
        return Exchange(
            item.return_id, item.line, item.quantity, item.sku, price, item.reason, item.occurred_at, key
        )

    return give(request, exchange, payload, idempotency_key, make)


@router.post(
    "/returns/exchange/withdraw",
    response={200: ExchangeWithdrawnOut | list[Each[ExchangeWithdrawnOut]], **REFUSED},
)
def withdraw_exchange(
    request: HttpRequest,
    payload: WithdrawExchangeIn | Annotated[list[WithdrawExchangeIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Give up exchanges that are not settled: their replacements are cancelled."""
    return give(
        request, withdraw_exchanges, payload, idempotency_key,
        lambda one, key: WithdrawExchange(one.refund, one.reason, key),
    )  # fmt: skip


@router.get("/returns/{return_id}/exchanges", response={200: list[ExchangeOut], **READ})
def list_exchanges(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    return_id: UUID,
    company: Company = None,
) -> Any:
    """What replaces units of a return."""
    parse.own("return", return_id, company)
    return exchange_queries.of_return(return_id)


@router.get("/store-credits", response={200: StoreCreditsOut, **READ})
def list_store_credits(
    request: HttpRequest,  # noqa: ARG001
    company: Company = None,
    customer: Annotated[Code | None, Query(None, description="Only that of a customer, by code.")] = None,
    after: After = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Store credit by customer and currency, a page at a time."""
    rows = credit_queries.accounts(
        parse.company_of(company), text=customer or "", after=after, limit=limit + 1
    )
    return paged(rows, limit)


@router.get("/store-credits/{credit}/moves", response={200: list[CreditMoveOut], **READ})
def list_credit_moves(
    request: HttpRequest,  # noqa: ARG001
    credit: UUID,
    company: Company = None,
    before: Annotated[
        int | None, Field(ge=1, le=2**62), Query(None, description="Only moves before this one.")
    ] = None,
) -> Any:
    """What was issued, used, returned and expired of a store credit, the latest first: up to 100."""
    if credit_queries.account(parse.company_of(company), credit) is None:
        raise NotFound(what="store credit", which=str(credit))
    return credit_queries.moves(credit, before=before)
