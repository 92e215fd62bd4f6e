"""Drafts and quotes, for programs."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router
from pydantic import Field, StrictInt, model_validator

from entrepot.access.rules import sees_buyers
from entrepot.kernel.errors import NotFound
from entrepot.orders import queries as orders
from entrepot.orders import rules
from entrepot.orders.commands.draft import (
    DiscardDraft,
    PlaceDraft,
    RestoreDraft,
    SaveDraft,
    discard_draft,
    draft,
    place_draft,
    restore_draft,
)
from entrepot.orders.commands.place import AddressGiven, BillingGiven, PaymentGiven, PlaceOrder
from entrepot.parties.rules import SAID_OF_SUBSTITUTES
from entrepot.web import quote_paper
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, REFUSED, Company, IdempotencyKey, Limit, Many, give
from entrepot.web.api.schemas import (
    CODE_MAX,
    LINES_MAX,
    NO_NUL,
    AddressIn,
    BillingIn,
    CancelAfter,
    Code,
    Country,
    Currency,
    Each,
    GiftMessage,
    LineIn,
    MinFill,
    Minor,
    Moment,
    NotBefore,
    Out,
    Own,
    PaymentIn,
    PlacedOut,
    PromotionIn,
    ShipBy,
    Strict,
    TaxNumber,
    Text,
    must_fit,
)

router = Router()


class DraftIn(Strict):
    """An order that nobody has agreed to yet; with `draft`, all that one says from now on. How it is paid, who is
    billed where that is somebody else, and its gift message come when it is placed. Its tax goes by its region too."""

    draft: UUID | None = None
    channel: Code
    currency: Currency
    lines: Annotated[list[LineIn], Field(min_length=1, max_length=LINES_MAX)]
    customer: Code | None = None
    country: Country = ""
    region: Annotated[str, Field(max_length=CODE_MAX, pattern=NO_NUL, examples=["CA"])] = ""
    postal_code: Annotated[str, Field(max_length=20, pattern=NO_NUL)] = ""
    address: AddressIn | None = None
    tax_number: TaxNumber = ""
    discount_minor: Minor = 0
    shipping_minor: Minor = 0
    tax_minor: Minor = 0
    demand: Literal[rules.ASKED_FOR] = "sale"  # type: ignore[valid-type]
    campaign: Annotated[str, Field(max_length=CODE_MAX, pattern=NO_NUL)] = ""
    policy: Literal[rules.POLICIES] | None = None  # type: ignore[valid-type]
    priority: Annotated[StrictInt, Field(ge=0, le=99)] | None = None
    promise_at: Moment | None = None
    service: Annotated[str, Field(max_length=CODE_MAX, pattern=NO_NUL)] = ""
    substitutes: Literal[SAID_OF_SUBSTITUTES] = ""  # type: ignore[valid-type]
    promotions: Annotated[list[PromotionIn], Field(max_length=20)] = []
    valid_until: Moment | None = None
    ship_not_before: NotBefore = None
    ship_by: ShipBy = None
    cancel_after: CancelAfter = None
    min_fill_percent: MinFill = None
    key: Own = None

    @model_validator(mode="after")
    def is_payable(self) -> DraftIn:
        must_fit(self.currency, self.lines)
        return self


class DraftSavedOut(Out):
    draft: UUID
    number: str
    total_minor: int


class PlaceDraftIn(Strict):
    """The customer agreed. Without an address or a tax number, those of the draft."""

    draft: UUID
    address: AddressIn | None = None
    billing: BillingIn | None = None
    payment: PaymentIn | None = None
    tax_number: TaxNumber = ""
    gift_message: GiftMessage = ""
    key: Own = None


class DiscardDraftIn(Strict):
    draft: UUID
    reason: Text = ""
    key: Own = None


class RestoreDraftIn(Strict):
    draft: UUID
    key: Own = None


class DraftDiscardedOut(Out):
    draft: UUID


class DraftOut(Out):
    """A draft; `order_id` is the order that it became."""

    id: UUID
    number: str
    channel: str
    customer: str
    currency: str
    total_minor: int
    valid_until: datetime | None
    state: str
    order_id: UUID | None
    saved_by: str
    saved_at: datetime


class PromotedOut(Out):
    """What part of a discount was given for."""

    code: str
    amount_minor: int


class DraftLineOut(Out):
    """A line as it was quoted."""

    sku: str
    quantity: int
    unit_price: str
    kind: str
    description: str
    discount_minor: int
    promotions: list[PromotedOut]


class DraftWholeOut(DraftOut):
    """A draft with all that was quoted. `has_address`: whether the vault knows whom it is for. `due_minor` is the tax
    that the rates in force make of it, and `due_because` why."""

    country: str
    region: str
    has_address: bool
    due_minor: int
    due_because: str
    postal_code: str
    discount_minor: int
    shipping_minor: int
    tax_minor: int
    demand: str
    campaign: str
    policy: str
    priority: int | None
    promise_at: datetime | None
    service: str
    substitutes: str
    ship_not_before: date | None
    ship_by: date | None
    cancel_after: date | None
    min_fill_percent: int | None
    promotions: list[PromotedOut]
    lines: list[DraftLineOut]


@router.get("/drafts", response={200: list[DraftOut], **READ})
def list_drafts(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    state: Annotated[Literal["draft", "placed", "discarded"], Query("draft")] = "draft",
    limit: Limit = 50,
) -> Any:
    """Drafts in a state, the latest first."""
    return orders.drafts(parse.company_of(company), state=state, limit=limit)


@router.post(
    "/drafts", response={201: DraftSavedOut, 200: DraftSavedOut | list[Each[DraftSavedOut]], **REFUSED}
)
def save_drafts(
    request: HttpRequest,
    payload: DraftIn | Annotated[list[DraftIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Make a draft or change one, or a list of them. Nothing of it is promised, validated or frozen yet."""
    of = parse.company_of(company)
    return give(request, draft, payload, idempotency_key, lambda item, key: _save(of, item, key), 201)


def _save(company: int, item: DraftIn, key: str) -> SaveDraft:
    order = PlaceOrder(
        company, item.channel, "", parse.order_lines(item.lines), item.currency, customer=item.customer,
        country=item.country, postal_code=item.postal_code, discount_minor=item.discount_minor,
        shipping_minor=item.shipping_minor, tax_minor=item.tax_minor, demand=item.demand, campaign=item.campaign,
        region=item.region, address=AddressGiven(**item.address.model_dump()) if item.address else None,
        tax_number=item.tax_number, policy=item.policy or "", priority=item.priority, promise_at=item.promise_at,
        service=item.service, substitutes=item.substitutes, promotions=parse.promotions_of(item.promotions),
        **parse.window_of(item),
    )  # fmt: skip
    return SaveDraft(order, item.draft, item.valid_until, key)


@router.post("/drafts/place", response={201: PlacedOut, 200: PlacedOut | list[Each[PlacedOut]], **REFUSED})
def place_drafts(
    request: HttpRequest,
    payload: PlaceDraftIn | Annotated[list[PlaceDraftIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Make an order of a draft, or of a list of them, at the prices that were quoted. One past its day is refused."""
    return give(request, place_draft, payload, idempotency_key, _place, 201)


def _place(item: PlaceDraftIn, key: str) -> PlaceDraft:
    return PlaceDraft(
        item.draft,
        AddressGiven(**item.address.model_dump()) if item.address else None,
        PaymentGiven(**item.payment.model_dump()) if item.payment else None,
        BillingGiven(**item.billing.model_dump()) if item.billing else None,
        item.tax_number,
        item.gift_message,
        key,
    )


@router.post("/drafts/discard", response={200: DraftDiscardedOut | list[Each[DraftDiscardedOut]], **REFUSED})
def discard_drafts(
    request: HttpRequest,
    payload: DiscardDraftIn | Annotated[list[DiscardDraftIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Drafts that come to nothing. They stay to be read."""

    def make(item: DiscardDraftIn, key: str) -> DiscardDraft:
        return DiscardDraft(item.draft, item.reason, key)

    return give(request, discard_draft, payload, idempotency_key, make)


@router.post("/drafts/restore", response={200: DraftSavedOut | list[Each[DraftSavedOut]], **REFUSED})
def restore_drafts(
    request: HttpRequest,
    payload: RestoreDraftIn | Annotated[list[RestoreDraftIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Drafts that were discarded and go on after all, as they stood."""

    def make(item: RestoreDraftIn, key: str) -> RestoreDraft:
        return RestoreDraft(item.draft, key)

    return give(request, restore_draft, payload, idempotency_key, make)


@router.get("/drafts/{which}", response={200: DraftWholeOut, **READ})
def get_draft(request: HttpRequest, which: UUID, company: Company = None) -> dict[str, Any]:  # noqa: ARG001
    """One draft with its lines, also one that was placed or discarded."""
    of = parse.company_of(company)
    found = _found(which, of)
    said = quote_paper.whole(found)
    told = {name: getattr(found, name) for name in DraftOut.model_fields}
    due = quote_paper.tax_due(found, said)
    told |= {"has_address": said.address is not None, "due_minor": due.tax_minor, "due_because": due.reason}
    told |= {name: getattr(said, name) for name in DraftWholeOut.model_fields if name not in {*told, "lines"}}
    lines = [
        {name: getattr(line, name) for name in DraftLineOut.model_fields}
        | {"unit_price": f"{line.unit_price:f}"}
        for line in said.lines
    ]
    return told | {"lines": lines}


class QuoteOut(Out):
    """The paper of a draft or quote: its `pdf` on A4, in base64, in the language of where it goes."""

    number: str
    pdf: str


@router.get("/drafts/{which}/paper", response={200: QuoteOut, **READ})
def get_quote(request: HttpRequest, which: UUID, company: Company = None) -> dict[str, Any]:
    """A quote as a paper: who sells, who asked, lines, tax, until when it is valid. Whom it is for stands on it where
    the key's person may see buyers."""
    found = _found(which, parse.company_of(company))
    sees = sees_buyers(parse.actor_of(request).may)
    told = quote_paper.quote_of(found, with_buyer=sees, zone=UTC, at=timezone.now())
    return {"number": found.number, "pdf": b64encode(quote_paper.pdf(told)).decode()}


def _found(which: UUID, company: int) -> orders.DraftRow:
    found = orders.draft(which)
    if found is None or found.company != company:
        raise NotFound(what="draft", which=str(which))
    return found
