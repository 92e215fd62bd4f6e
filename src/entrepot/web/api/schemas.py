"""What the API takes and answers. What it takes is strict: bounded, without NUL, and without fields it doesn't know."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictInt,
    model_validator,
)

from entrepot.kernel import money, pictures
from entrepot.orders import rules
from entrepot.orders.holding import Waits
from entrepot.parties.rules import SAID_OF_SUBSTITUTES
from entrepot.sourcing.commands.decide_holds import DECISIONS

NO_NUL = r"^[^\x00]*$"
CODE_MAX, TEXT_MAX, NOTE_MAX = 100, 200, 500
LINES_MAX, BATCH_MAX, SKUS_MAX = 1_000, 1_000, 200
MINOR_MAX = 10**15
"""Largest amount of an order in minor units: so that sums of many of them still fit into a bigint."""
QUANTITY_MAX = 1_000_000
BIGINT_MAX = 2**63 - 1
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)

Code = Annotated[str, Field(min_length=1, max_length=CODE_MAX, pattern=NO_NUL)]
MAY_BE_ID = object()
"""Said of the type of a field that is text, and in which an id may stand."""
Named = Annotated[
    str,
    Field(min_length=1, max_length=CODE_MAX, pattern=NO_NUL, description="A code, or an id."),
    MAY_BE_ID,
]
Text = Annotated[str, Field(max_length=TEXT_MAX, pattern=NO_NUL)]
FileContent = Annotated[
    str, Field(max_length=(pictures.BYTES_MAX + 2) // 3 * 4, pattern=r"^[A-Za-z0-9+/]+={0,2}$")
]
"""A picture or paper in base64."""
Reason = Annotated[str, Field(min_length=1, max_length=NOTE_MAX, pattern=NO_NUL)]
Key = Annotated[str, Field(min_length=1, max_length=TEXT_MAX, pattern=r"^[\x21-\x7e]+$")]
Own = Annotated[
    Key | None, Field(description="Idempotency key of this one of a list; else the header's and its place.")
]
Minor = Annotated[StrictInt, Field(ge=0, le=MINOR_MAX)]
Quantity = Annotated[StrictInt, Field(ge=1, le=QUANTITY_MAX)]
Units = Annotated[StrictInt, Field(ge=0, le=QUANTITY_MAX)]
Price = Annotated[str, Field(pattern=r"^-?[0-9]{1,9}(\.[0-9]{1,6})?$", examples=["12.50"])]
"""A decimal as a string: a JSON number would pass through binary fractions."""
Country = Annotated[str, Field(pattern=r"^([A-Z]{2})?$", examples=["GB"])]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", examples=["GBP"])]
DayOfBooks = Annotated[date, Field(ge=date(1990, 1, 1), le=date(2200, 1, 1))]
"""A day of which books tell: they may be older than what is traded."""


def _is_text(value: Any) -> Any:
    if not isinstance(value, str) or "T" not in value.upper():
        raise ValueError("expected a date and time with zone as text, such as 2026-03-02T09:00:00Z")
    return value


Moment = Annotated[AwareDatetime, Field(ge=EARLIEST, le=LATEST), BeforeValidator(_is_text)]


class Strict(BaseModel):
    """Takes no field that it does not know."""

    model_config = ConfigDict(extra="forbid")


class Out(BaseModel):
    """Reads the fields of what a command or query answers.

    Not ninja's Schema, which looks every field up by Python, as Django's templates do: for a list of a hundred that
    takes longer than the command.
    """

    model_config = ConfigDict(from_attributes=True)


# ---- in


class PromotionIn(Strict):
    """What part of a discount was given for."""

    code: Code
    amount_minor: Minor


class LineIn(Strict):
    """Goods by SKU, or a charge or allowance of another kind."""

    sku: Annotated[str, Field(max_length=CODE_MAX, pattern=NO_NUL)] = ""
    quantity: Quantity
    unit_price: Price
    kind: Literal[rules.KINDS] = "goods"  # type: ignore[valid-type]
    description: Text = ""
    discount_minor: Minor = 0
    promotions: Annotated[list[PromotionIn], Field(max_length=20)] = []
    final_sale: Annotated[bool, Field(description="Sold as not to come back, as its customer was told.")] = (
        False
    )


class AddressIn(Strict):
    """Where to send it. Kept in the vault of personal data; never answered."""

    name: Code
    line1: Code
    line2: Text = ""
    city: Code
    region: Text = ""
    email: Text = ""
    phone: Text = ""


class BillingIn(AddressIn):
    """Who is billed, where it is not whom it is sent to. Kept in the vault as well; never answered."""

    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$", examples=["GB"])]
    postal_code: Annotated[str, Field(max_length=20, pattern=NO_NUL)] = ""


class PaymentIn(Strict):
    """An authorization that came with the order."""

    provider: Code
    reference: Code
    amount_minor: Minor
    authorized_at: Moment
    expires_at: Moment | None = None
    currency: Annotated[
        str, Field(pattern=r"^([A-Z]{3})?$", description="Without it, that of the order.")
    ] = ""
    card: Annotated[
        str,
        Field(
            max_length=CODE_MAX,
            pattern=NO_NUL,
            description="The provider's token of the card, the same each time that it pays; never its number.",
        ),
    ] = ""


TaxNumber = Annotated[
    str,
    Field(
        max_length=40,
        pattern=NO_NUL,
        description="The buyer's, such as a VAT number or an EIN. Kept in the vault; never answered.",
    ),
]
GiftMessage = Annotated[
    str,
    Field(
        max_length=rules.GIFT_MESSAGE_MAX,
        pattern=NO_NUL,
        description="Words to whoever gets it, on the packing slip. Kept in the vault; never answered.",
    ),
]


NotBefore = Annotated[date | None, Field(description="The first day on which it may leave.")]
ShipBy = Annotated[date | None, Field(description="The last day on which it should leave.")]
CancelAfter = Annotated[
    date | None, Field(description="What has not left by the end of that day may not leave.")
]
MinFill = Annotated[
    StrictInt | None,
    Field(
        ge=0, le=100,
        description="Percent of its units of which less is not sent; without it, as the policy of its channel says.",
    ),
]  # fmt: skip


class OrderIn(Strict):
    """An order of a channel. `external_id` is the channel's own name for it, once for ever."""

    channel: Code
    external_id: Code
    currency: Currency
    lines: Annotated[list[LineIn], Field(min_length=1, max_length=LINES_MAX)]
    occurred_at: Moment | None = None
    customer: Code | None = None
    country: Country = ""
    postal_code: Annotated[str, Field(max_length=20, pattern=NO_NUL)] = ""
    address: AddressIn | None = None
    discount_minor: Minor = 0
    shipping_minor: Minor = 0
    tax_minor: Minor = 0
    policy: Literal[rules.POLICIES] | None = None  # type: ignore[valid-type]
    demand: Literal[rules.ASKED_FOR] = "sale"  # type: ignore[valid-type]
    campaign: Annotated[str, Field(max_length=CODE_MAX, pattern=NO_NUL)] = ""
    reservation: Annotated[
        str,
        Field(
            max_length=CODE_MAX, pattern=NO_NUL, description="The holder whose reserved units it takes over."
        ),
    ] = ""
    substitutes: Literal[SAID_OF_SUBSTITUTES] = Field(  # type: ignore[valid-type]
        "", description="Whether something else may be sent where nothing is left of what was ordered."
    )
    promotions: Annotated[list[PromotionIn], Field(max_length=20)] = []
    priority: Annotated[StrictInt, Field(ge=0, le=99)] | None = None
    promise_at: Moment | None = None
    service: Annotated[str, Field(max_length=CODE_MAX, pattern=NO_NUL)] = ""
    payment: PaymentIn | None = None
    store_credit_minor: Annotated[
        Minor, Field(description="To be paid with the customer's store credit, as far as it is there.")
    ] = 0
    signals: Annotated[list[Code], Field(max_length=20)] = []
    billing: BillingIn | None = None
    tax_number: TaxNumber = ""
    gift_message: GiftMessage = ""
    priced_at: Annotated[
        Moment | None, Field(description="When its prices were quoted; else, when it was placed.")
    ] = None
    ship_not_before: NotBefore = None
    ship_by: ShipBy = None
    cancel_after: CancelAfter = None
    min_fill_percent: MinFill = None
    key: Own = None

    @model_validator(mode="after")
    def is_payable(self) -> OrderIn:
        must_fit(self.currency, self.lines)
        return self


def must_fit(currency: str, lines: Sequence[LineIn]) -> None:
    """The sum of an order fits where sums are kept."""
    digits = money.exponent(currency)
    worth = sum(abs(Decimal(line.unit_price)) * line.quantity for line in lines).scaleb(digits)  # type: ignore[union-attr]
    if worth > MINOR_MAX:
        raise ValueError(f"expected lines worth at most {MINOR_MAX} minor units together, found {worth}")


class CancelLineIn(Strict):
    line: UUID
    quantity: Quantity


class CancelIn(Strict):
    """A whole order, or some units of its lines. Without a `reason` the `code` says why, unless it is `other`."""

    order: UUID
    reason: Annotated[str, Field(max_length=NOTE_MAX, pattern=NO_NUL)] = ""
    code: Literal[tuple(rules.CANCEL_REASONS)] = "other"  # type: ignore[valid-type]
    lines: Annotated[list[CancelLineIn], Field(min_length=1, max_length=LINES_MAX)] | None = None
    key: Own = None


class HoldIn(Strict):
    """A reason why an order must not go on. Without `blocks` it blocks all that its type does."""

    order: UUID
    type: Literal[tuple(rules.HOLDS)]  # type: ignore[valid-type]
    reason: Reason
    blocks: Annotated[list[Literal[rules.TRANSITIONS]], Field(min_length=1, max_length=3)] | None = None  # type: ignore[valid-type]
    waits_for: Waits = "nothing"
    key: Own = None


class DecideHoldIn(Strict):
    """A work item that asks about a hold, and the decision: `reject` cancels the order, and needs a note."""

    item: UUID
    decision: Literal[tuple(DECISIONS)]  # type: ignore[valid-type]
    note: Annotated[str, Field(max_length=TEXT_MAX, pattern=NO_NUL)] = ""
    code: Literal[tuple(rules.RESOLUTIONS)] = "other"  # type: ignore[valid-type]
    root_cause: Annotated[str, Field(max_length=CODE_MAX, pattern=NO_NUL)] = Field(
        "", description="Why it arose, by the list for the item's type."
    )
    key: Own = None


class ReleaseIn(Strict):
    """A hold whose reason is gone."""

    hold: UUID
    code: Literal[tuple(rules.RESOLUTIONS)] = "other"  # type: ignore[valid-type]
    note: Annotated[str, Field(max_length=NOTE_MAX, pattern=NO_NUL)] = ""
    key: Own = None


class TakePaymentIn(Strict):
    """An authorization for an order that was placed without enough of one."""

    order: UUID
    payment: PaymentIn
    key: Own = None


class RejectIn(Strict):
    """What a node gives back of an order: all of it that is not released, or those lines only."""

    order: UUID
    node: Code
    reason: Reason
    lines: Annotated[list[UUID], Field(min_length=1, max_length=LINES_MAX)] | None = None
    key: Own = None


class AskAgainIn(Strict):
    """An order whose nodes may be asked again."""

    order: UUID
    key: Own = None


class ReplanIn(Strict):
    """A promised order that is planned again, without the nodes that are to be left; `reason` is for its history."""

    order: UUID
    reason: Text = ""
    leave: Annotated[list[Code], Field(max_length=100)] = []
    key: Own = None


class LeaveNodeIn(Strict):
    """A node whose promises are to go elsewhere, so many orders at once."""

    node: Code
    reason: Reason
    limit: Annotated[int, Field(ge=1, le=5_000)] = 500
    key: Own = None


class AddLineIn(Strict):
    """Goods that come to an order, a kit as lines of its components. Without a price, that of the line they are `like`,
    or of its kit where that is what comes, else the catalog's. Of another `kind` a charge with its price, or below
    nothing an allowance."""

    sku: Annotated[str, Field(max_length=CODE_MAX, pattern=NO_NUL)] = ""
    quantity: Quantity
    unit_price: Price | None = None
    like: UUID | None = None
    discount_minor: Minor = 0
    tax_minor: Minor | None = None
    kind: Literal[rules.KINDS] = "goods"  # type: ignore[valid-type]
    description: Text = ""
    final_sale: Annotated[bool, Field(description="Sold as not to come back, as its customer was told.")] = (
        False
    )


class RemoveKitsIn(Strict):
    """Kits that go, by their number within the order, with what is left of all of their components."""

    kit: Annotated[StrictInt, Field(ge=1, le=LINES_MAX)]
    quantity: Quantity


class EditIn(Strict):
    """What changes of an order; what is left out stays. `country` is for an order that came without one; `retax` has
    its tax worked out anew by the rates of where it goes, with the difference owed or given back. Of the days on which
    it may leave, what is null is taken away."""

    order: UUID
    reason: Reason
    add: Annotated[list[AddLineIn], Field(max_length=LINES_MAX)] = []
    remove: Annotated[list[CancelLineIn], Field(max_length=LINES_MAX)] = []
    remove_kits: Annotated[list[RemoveKitsIn], Field(max_length=LINES_MAX)] = []
    address: AddressIn | None = None
    postal_code: Annotated[str, Field(max_length=20, pattern=NO_NUL)] | None = None
    service: Annotated[str, Field(max_length=CODE_MAX, pattern=NO_NUL)] | None = None
    priority: Annotated[StrictInt, Field(ge=0, le=99)] | None = None
    promise_at: Moment | None = None
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$", examples=["GB"])] | None = None
    billing: BillingIn | None = None
    tax_number: TaxNumber = ""
    retax: bool = False
    ship_not_before: NotBefore = None
    ship_by: ShipBy = None
    cancel_after: CancelAfter = None
    min_fill_percent: MinFill = None
    key: Own = None


class SplitIn(Strict):
    """Units of an order that go to a new order."""

    order: UUID
    lines: Annotated[list[CancelLineIn], Field(min_length=1, max_length=LINES_MAX)]
    reason: Reason
    key: Own = None


class MergeIn(Strict):
    """Orders that become part of another one."""

    into: UUID
    orders: Annotated[list[UUID], Field(min_length=1, max_length=100)]
    reason: Reason
    key: Own = None


# ---- out


class FieldError(Out):
    """One thing that is wrong with a request, and where."""

    where: list[str | int]
    message: str


class Problem(Out):
    """Problem details (RFC 9457). `code` is stable; `detail` says what was expected, what was found, what to do."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    facts: dict[str, Any] | None = None
    errors: list[FieldError] | None = None


T = TypeVar("T", bound=Out)
Each = Annotated[T | Problem, Field(union_mode="left_to_right")]
"""What a list answers for each that was sent. To ask which of the two fits best takes three times as long."""


class WarningOut(Out):
    """What a rule of validation noticed that only warns."""

    rule: str
    reason: str


class PlacedOut(Out):
    """The order; `holds` are the types of what keeps it, `reasons` why each does, `warnings` what its policy only
    notes."""

    order: UUID
    number: str
    status: str
    holds: list[str]
    reasons: list[str]
    warnings: list[WarningOut]
    store_credit_minor: int


class CancelledOut(Out):
    order: UUID
    units: int
    freed: int
    status: str
    refunded_minor: int


class RejectedOut(Out):
    """Units that are open again, and the lines that too many nodes have rejected."""

    order: UUID
    units: int
    exhausted: int


class ReplannedOut(Out):
    """Units that come from elsewhere now, and `why` they do (`barred`: their node may not serve any more; `better`: the
    new plan is), or why nothing moves (`same`, `not better`, `nobody else`, `more urgent wait`)."""

    order: UUID
    units: int
    why: str


class NodeLeftOut(Out):
    """Orders and units that come from elsewhere now; orders that stay, by why; and those that the limit left out."""

    node: UUID
    orders: int
    units: int
    stay: dict[str, int]
    left: int


class ReplannedFromOut(Out):
    """What was promised before a decision that planned an order again: `before` by line, node and units, `barred` the
    nodes that may not keep it, with the rule, and what both plans cost where cost decided."""

    because: str
    reason: str
    before: list[tuple[int, str, int]]
    barred: dict[str, str]
    costs_minor: tuple[int, int] | None = None


class AskedAgainOut(Out):
    """Rejections that no longer count."""

    order: UUID
    rejections: int


class EditedOut(Out):
    """What the order's units cost before and now, how much of it no authorization covers, and what was given back of
    what was captured."""

    order: UUID
    status: str
    added: list[UUID]
    cancelled: int
    freed: int
    before_minor: int
    total_minor: int
    uncovered_minor: int
    refunded_minor: int
    holds: list[str]
    released: list[str]
    warnings: list[WarningOut]


class HoldDecidedOut(Out):
    """The hold that ended, and the status of its order now."""

    item: UUID
    hold: UUID
    order: UUID
    decision: str
    status: str


class SplitOut(Out):
    """The new order, what its units bear, how much of it no authorization covers, and the status of both."""

    order: UUID
    new_order: UUID
    number: str
    units: int
    total_minor: int
    uncovered_minor: int
    status: str
    new_status: str


class MergedOut(Out):
    """What the orders are now, and how much of it no authorization covers."""

    order: UUID
    merged: list[UUID]
    lines: int
    total_minor: int
    status: str
    uncovered_minor: int


class MergeableOut(Out):
    """An order that could become part of another, or the other of it; `why_not` says what keeps it from that now."""

    id: UUID
    number: str
    external_id: str
    status: str
    currency: str
    total_minor: int
    line_count: int
    placed_at: datetime
    why_not: str


class OrderRowOut(Out):
    """An order as it stands in a list."""

    id: UUID
    number: str
    channel: str
    external_id: str
    customer: str | None
    country: str
    status: str
    currency: str
    total_minor: int
    line_count: int
    placed_at: datetime


class OrdersAsked(BaseModel):
    """What else orders of a list have in common."""

    placed_from: Moment | None = Field(None, description="Only those placed at this moment or later.")
    placed_before: Moment | None = Field(None, description="Only those placed before this moment.")
    promised_from: Moment | None = Field(None, description="Only those promised for this moment or later.")
    promised_before: Moment | None = Field(None, description="Only those promised for before this moment.")
    node: Code | None = Field(
        None, description="Only those that a node, by its code, is to serve or has on its floor, or sent."
    )
    sku: Code | None = Field(None, description="Only those with a line of a SKU, by its code.")
    carrier: Code | None = Field(None, description="Only those of which a carrier takes or took a package.")
    service: Code | None = Field(
        None, description="Only those that ask for a carrier's service, or of which a package goes by it."
    )
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = Field(
        None, description="Only those that go to a country."
    )
    currency: Currency | None = Field(
        None,
        description="Only those in a currency; where a total is asked for, that of the company if none is said.",
    )
    total_from_minor: Annotated[int, Field(ge=0, le=MINOR_MAX)] | None = Field(
        None, description="Only those of this total or more, in minor units of the currency."
    )
    total_to_minor: Annotated[int, Field(ge=0, le=MINOR_MAX)] | None = Field(
        None, description="Only those of this total or less, in minor units of the currency."
    )
    hold: Code | None = Field(
        None, description="Only those on which a hold of this type is open, such as `fraud review`."
    )
    tier: Code | None = Field(None, description="Only those of customers of a tier.")


class OrdersOut(Out):
    """A page. `next` is the cursor of the page behind it; null at the end."""

    items: list[OrderRowOut]
    next: UUID | None


class OfKitOut(Out):
    """The kit that a line is a component of: its code, its number within the order, and the line's units in one kit."""

    sku: str
    number: int
    units: int


class LineOut(Out):
    """A line with its amounts, and where its units stand; `instead_of` is the line whose units it is sent for."""

    id: UUID
    number: int
    kind: str
    sku: str
    description: str
    quantity: int
    unit_price: str
    gross_minor: int
    discount_minor: int
    shipping_minor: int
    tax_minor: int
    units: dict[str, int]
    instead_of: UUID | None
    kit: OfKitOut | None
    final_sale: bool


class PromotionTermsOut(Out):
    """What a promotion was given for when the order was placed (policy `orders.promotions`): so much that was spent, so
    many units that were bought, or as a gift with these; amounts in the company's own currency. `skus` qualified: none
    says that all goods do. `when_broken`: what becomes of it when less is kept."""

    given_for: str
    least_minor: int
    least_units: int
    each_time: bool
    skus: list[str] | None
    when_broken: str


class PromotionOut(Out):
    """A promotion that a discount was given for: of a line by its number, or of the whole order."""

    code: str
    amount_minor: int
    line: int | None
    terms: PromotionTermsOut | None


class HoldOut(Out):
    """What keeps an order from going on. `owner` is who has taken it; `follows` is the type of hold that came before.
    `work_item` asks about it: by that it is taken and decided.

    By itself it goes when what it `waits_for` has come, or at `expires_at` as `at_expiry` says; released, it is
    followed by a hold of the type `next`.
    """

    id: UUID
    type: str
    reason: str
    facts: dict[str, Any]
    state: str
    owner_role: str
    owner: str
    work_item: UUID | None
    blocks: list[str]
    opened_at: datetime
    due_at: datetime | None
    waits_for: str
    expires_at: datetime | None
    at_expiry: str
    next: str
    follows: str | None
    closed_at: datetime | None
    closed_by: str
    resolution: str
    note: str


class HoldRowOut(HoldOut):
    """An open hold with its order."""

    order: UUID
    order_number: str


class HoldsOut(Out):
    """A page. `next` is the cursor of the page behind it; null at the end."""

    items: list[HoldRowOut]
    next: UUID | None


class HoldPlacedOut(Out):
    hold: UUID
    order: UUID


class ReleasedOut(Out):
    """The order's status afterwards, and the hold that followed."""

    hold: UUID
    order: UUID
    status: str
    next: UUID | None


class PaymentTakenOut(Out):
    """The payment, the holds that it released, and the order's status now."""

    order: UUID
    payment: UUID
    released: list[UUID]
    status: str


class ShipmentOut(Out):
    """`drop_ship` is the drop-ship order by which a supplier sent it; null where it left a node. `numbers` are what
    its parcels bear for the carrier."""

    id: UUID
    number: str
    carrier: str
    service: str
    tracking: str
    state: str
    shipped_at: datetime
    delivered_at: datetime | None
    drop_ship: UUID | None
    numbers: list[str]


class FlipOut(Out):
    """A change after which one node would have served it all; of a decision or a line, the nearest one.

    Without the `rule` that kept it from serving, with `units` more there, or a place `before` another, or `minor` less
    cost than it had.
    """

    node: str
    units: int
    before: str
    minor: int
    rule: str


class CandidateOut(Out):
    """A node that was looked at: the units that it could have served, those it lacked, and what became of it.

    `verdict` is chosen, runner_up, later (it comes after the chosen one), short, or refused by `rule`.
    Distance and costs, by term in minor units for all of it, are there where they were known. `could` are the units
    that it could have served but for the rule, where that was more. `needs` is all that it would have taken for this
    node to serve it alone; null of the one that does, and of the nodes of a line. Costs of a line are what it adds
    while the others come from where they do.
    """

    node: str
    units: int
    lacks: int
    verdict: str
    rule: str
    km: int | None
    costs: dict[str, int] | None
    could: int
    needs: FlipOut | None


class ServedOut(Out):
    """Units of a line that a node serves."""

    node: str
    units: int


class SentOut(Out):
    """Units that are sent of another SKU than was ordered, and the rule for what they cost: ordered or lower."""

    ordered: str
    by: str
    units: int
    price: str


class SuppliedOut(Out):
    """Units that a supplier sends himself, so many days after he is asked."""

    supplier: str
    units: int
    days: int


class NotAskedOut(Out):
    """A supplier of the profile who was not asked for what is short of a line, and why: country (he does not send
    there), goods (he does not send such), kit, rejected (he refused it), too few (he has not said that he has so many),
    fewest (he does not send so few), another (another supplier sends a part of it), complete (the order ships complete,
    and something else of it is missing), or shipments (he would be one too many)."""

    supplier: str
    why: str


class SourcedLineOut(Out):
    """A line: units wanted, who serves them, every node that was looked at, the nearest change that flips it, what is
    sent instead, and what suppliers send themselves."""

    number: int
    units: int
    served: list[ServedOut]
    candidates: list[CandidateOut]
    flip: FlipOut | None
    instead: list[SentOut]
    suppliers: list[SuppliedOut]
    suppliers_not_asked: list[NotAskedOut]


class LimitedOut(Out):
    """The shipments that the order may be split into, `by` shipments (of any order), its worth, or its `goods` (a
    category or SKU), and the nodes that have some of what is short and were not asked for it because of that."""

    most: int
    by: str
    goods: str
    nodes: list[str]


class TogetherOut(Out):
    """The plan that was made for an order and those that were allocated with it: how many, what the plan costs with its
    penalties for units that it leaves out, what no plan costs less than, and `gap`, the part of its cost that a better
    one could save at most; 0: none is better. `solver` is exact, priced (too large to be proven) or greedy. `followed`:
    whether this order went that way; else goods were gone by its turn, it was split too far, or no node had a whole
    line."""

    orders: int
    cost_minor: int
    bound_minor: int
    gap: float
    solver: str
    followed: bool


class SourcingOut(Out):
    """A decision on where an order comes from, with the nodes in order of preference.

    `profile_scope` is the channel whose profile decided, '' where that for all did; `priority` is what the order was
    served with, where its customer's tier or its margin added to its own, else 0, and `priority_terms` is what it is
    made of (own, tier, margin). `softened`: whether soft rules were
    dropped, as those who keep every rule left something out. `together` is there where costs decide, `limited` where
    another shipment would have served more, `replanned` where it took the place of what was promised. `costs_decided`:
    whether the costs are those by which it was decided; else costs of the newest decision are told by today's tables of
    carriers, and no flip knows of them.
    Where lines are served one by one, each says what was left at the nodes when its turn came.
    """

    outcome: str
    why: str
    policy: str
    profile_version: int
    profile_scope: str
    priority: int
    priority_terms: dict[str, int]
    softened: bool
    together: TogetherOut | None
    costs_decided: bool
    limited: LimitedOut | None
    replanned: ReplannedFromOut | None
    decided_at: datetime
    candidates: list[CandidateOut]
    flip: FlipOut | None
    lines: list[SourcedLineOut]


class WaitOut(Out):
    """Units of a line that wait for stock. `covered` of them have supply that is expected; without, the day is by the
    lead time of the channel. `late_days` are days past the promise; `ships_on` is of what is sold ahead."""

    line: UUID
    sku: str = Field(validation_alias="sku_code")
    quantity: int
    expected_on: date | None
    covered: int
    late_days: int
    ships_on: date | None


class OrderOut(Out):
    """One order: four axes of state, amounts as they were frozen, lines, holds, shipments."""

    id: UUID
    number: str
    channel: str
    external_id: str
    customer: str | None
    currency: str
    country: str
    postal_code: str
    placed_at: datetime
    promise_at: datetime | None
    priority: int
    policy: str
    service: str
    demand: str
    campaign: str
    substitutes: str
    ship_not_before: date | None
    ship_by: date | None
    cancel_after: date | None
    min_fill_percent: int = Field(description="Percent of its units of which less is not sent.")
    signals: list[str] = Field(description="What the channel said about risk and proof when it was placed.")
    status: str
    commercial: str
    payment: str
    returns: str
    goods_minor: int
    discount_minor: int
    shipping_minor: int
    tax_minor: int
    total_minor: int
    origin: UUID | None = Field(description="The order that it was split from.")
    merged_into: UUID | None
    lines: list[LineOut]
    promotions: list[PromotionOut]
    holds: list[HoldOut]
    warnings: list[WarningOut]
    waits: list[WaitOut]
    shipments: list[ShipmentOut]
