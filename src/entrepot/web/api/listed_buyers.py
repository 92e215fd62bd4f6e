"""Whom the house blocks and trusts, for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import Field, model_validator

from entrepot.orders import listing_queries
from entrepot.orders.commands.list_buyers import ListBuyer, UnlistBuyer, entry_of, list_buyers, unlist_buyers
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, REFUSED, After, Company, IdempotencyKey, Limit, Many, give, paged
from entrepot.web.api.schemas import CODE_MAX, NO_NUL, Code, Each, Out, Own, Reason, Strict

router = Router()

Side = Literal["blocked", "trusted"]
Text = Annotated[str, Field(max_length=CODE_MAX, pattern=NO_NUL)]


class ListBuyerIn(Strict):
    """One to block or to trust: a `customer` by their code, a mail address (`email`), a `card` by its provider's token,
    or a `fingerprint` as an order's page shows it. Mail addresses and tokens are kept as fingerprints alone. `order`
    is where it was seen."""

    side: Side
    reason: Reason
    customer: Text = ""
    email: Text = ""
    card: Text = ""
    fingerprint: Text = ""
    order: UUID | None = None
    key: Own = None

    @model_validator(mode="after")
    def is_one(self) -> ListBuyerIn:
        given = sum(map(bool, (self.customer, self.email, self.card, self.fingerprint)))
        if given != 1:
            raise ValueError(f"expected one of customer, email, card and fingerprint, found {given}")
        if self.email and "@" not in self.email:
            raise ValueError("expected an email address with an @")
        return self

    @property
    def entry(self) -> str:
        return self.fingerprint or entry_of(self.customer, self.email, self.card)


class BuyerListedOut(Out):
    listing: UUID
    side: str
    entry: str


class UnlistBuyerIn(Strict):
    """A listing that counts no more."""

    listing: UUID
    reason: Reason
    key: Own = None


class ListingOut(Out):
    """Somebody who is blocked or trusted: `entry` is `customer:` and a code, or a fingerprint. `ended_at` is when
    that was taken back."""

    id: UUID
    side: str
    entry: str
    reason: str
    order: UUID | None
    order_number: str
    listed_by: str
    listed_at: datetime
    ended_at: datetime | None
    ended_by: str
    ended_because: str


class ListingsOut(Out):
    """A page. `next` is the cursor of the page behind it; null at the end."""

    items: list[ListingOut]
    next: UUID | None


@router.get("/buyers/listed", response={200: ListingsOut, **READ})
def list_listed_buyers(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    side: Annotated[Side | None, Query(None, description="Only who is blocked, or trusted.")] = None,
    entry: Annotated[Code | None, Query(None, description="A part of an entry.")] = None,
    ended: Annotated[bool, Query(description="Those that were taken back, instead.")] = False,
    after: After = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Who is blocked and trusted, the latest first, a page at a time."""
    rows = listing_queries.listings(
        parse.company_of(company),
        side=side or "",
        text=entry or "",
        ended=ended,
        after=after,
        limit=limit + 1,
    )
    return paged(rows, limit)


@router.post(
    "/buyers/listed",
    response={201: BuyerListedOut, 200: BuyerListedOut | list[Each[BuyerListedOut]], **REFUSED},
)
def list_buyers_by_program(
    request: HttpRequest,
    payload: ListBuyerIn | Annotated[list[ListBuyerIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Block or trust customers, cards, addresses and mail addresses: orders that come from now on are asked."""
    of = parse.company_of(company)
    return give(
        request, list_buyers, payload, idempotency_key,
        lambda one, key: ListBuyer(of, one.side, one.entry, one.reason, one.order, key), 201,
    )  # fmt: skip


@router.post("/buyers/listed/end", response={200: BuyerListedOut | list[Each[BuyerListedOut]], **REFUSED})
def end_listings(
    request: HttpRequest,
    payload: UnlistBuyerIn | Annotated[list[UnlistBuyerIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Take listings back; they stay to be read."""
    return give(
        request, unlist_buyers, payload, idempotency_key,
        lambda one, key: UnlistBuyer(one.listing, one.reason, key),
    )  # fmt: skip
