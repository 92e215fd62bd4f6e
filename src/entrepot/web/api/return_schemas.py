"""What the API takes and answers about returns and refunds."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, StrictInt

from entrepot.returns import admission, arrivals, comebacks, refusing, rules
from entrepot.web.api.schemas import (
    CODE_MAX,
    LINES_MAX,
    MINOR_MAX,
    NO_NUL,
    Code,
    FileContent,
    Moment,
    Named,
    Out,
    Own,
    Quantity,
    Reason,
    Strict,
    Text,
)

ONE, OTHER = "019aa0f2-6f0c-7c11-9f6e-0d3c5f1b7a01", "019aa0f2-6f0c-7c11-9f6e-0d3c5f1b7a02"
"""Keys of documents, in examples."""


def _example(**facts: Any) -> ConfigDict:
    """What a request looks like, for the document of the API."""
    return ConfigDict(json_schema_extra={"examples": [facts]})


# ---- in


class ReturnItemIn(Strict):
    """Units of an order line that shall come back, and why: a code of `GET /returns/reasons`, or another system's, as
    `amazon:DEFECTIVE`, `shopify:too-tight` or `x12:WG`. Lot and serial number are what stands on it."""

    line: UUID
    quantity: Quantity
    reason: Annotated[str, Field(max_length=CODE_MAX, pattern=NO_NUL)] = "not_given"
    note: Text = ""
    condition: Literal[("", *admission.CONDITIONS)] = ""  # type: ignore[valid-type]
    lot: Annotated[str, Field(max_length=CODE_MAX, pattern=NO_NUL)] = ""
    serial: Annotated[str, Field(max_length=CODE_MAX, pattern=NO_NUL)] = ""


class AuthorizeIn(Strict):
    """A request to send something back. `insist` says why it is taken although the policy says otherwise."""

    model_config = _example(
        order=ONE,
        items=[{"line": OTHER, "quantity": 1, "reason": "poor_fit", "note": "Too small."}],
        asked="refund",
        external_id="R-1001",
    )

    order: UUID
    items: Annotated[list[ReturnItemIn], Field(min_length=1, max_length=LINES_MAX)]
    asked: Literal[rules.ASKED] = "refund"  # type: ignore[valid-type]
    node: Named | None = None
    insist: Text = ""
    external_id: Annotated[str, Field(max_length=CODE_MAX, pattern=NO_NUL)] = ""
    occurred_at: Moment | None = None
    key: Own = None


class CorrectReasonIn(Strict):
    """The reason, a code of the house, for which the units of a line of a return really came back."""

    model_config = _example(return_id=ONE, line=ONE, reason="defective", note="The motor is broken.")

    return_id: UUID
    line: UUID
    reason: Code
    note: Text = ""
    key: Own = None


class CorrectedReasonOut(Out):
    line: UUID
    reason: str
    was: str


class ReviewIn(Strict):
    """Take a return that waits for a person, or decline it with a reason."""

    model_config = _example(return_id=ONE, accept=False, reason="It was taken back after half a year.")

    return_id: UUID
    accept: bool
    reason: Text = ""
    key: Own = None


class ReceiveIn(Strict):
    """Units of a return's line that came. Without a bin they go to the node's quarantine."""

    model_config = _example(return_id=ONE, line=OTHER, quantity=1, condition="The box is torn.")

    return_id: UUID
    line: UUID
    quantity: Quantity
    bin: Named | None = None
    condition: Text = ""
    lot: Annotated[str, Field(max_length=CODE_MAX, pattern=NO_NUL)] = ""
    serial: Annotated[str, Field(max_length=CODE_MAX, pattern=NO_NUL)] = ""
    weight_g: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    occurred_at: Moment | None = None
    key: Own = None


class AnnounceIn(Strict):
    """A return is on its way in a parcel; returns of several orders in one have its number."""

    model_config = _example(return_id=ONE, tracking="JD014600003828392837", carrier="Post")

    return_id: UUID
    tracking: Annotated[str, Field(min_length=1, max_length=CODE_MAX, pattern=NO_NUL)]
    carrier: Annotated[str, Field(max_length=CODE_MAX, pattern=NO_NUL)] = ""
    key: Own = None


class ParcelScanIn(Strict):
    """A carrier had a parcel in its hands."""

    model_config = _example(tracking="JD014600003828392837")

    tracking: Annotated[str, Field(min_length=1, max_length=CODE_MAX, pattern=NO_NUL)]
    occurred_at: Moment | None = None
    key: Own = None


class ScanNotedOut(Out):
    """How many returns are in the parcel that nobody had told of before."""

    tracking: str
    returns: int


class ContentIn(Strict):
    """Units alike: the code or barcode of their SKU, or words where nobody can tell."""

    said: Annotated[str, Field(min_length=1, max_length=200, pattern=NO_NUL)]
    quantity: Quantity
    lot: Annotated[str, Field(max_length=CODE_MAX, pattern=NO_NUL)] = ""
    serial: Annotated[str, Field(max_length=CODE_MAX, pattern=NO_NUL)] = ""
    condition: Text = ""
    weight_g: Annotated[int, Field(ge=0, lt=2**31)] | None = None


class ParcelIn(Strict):
    """All that was in a parcel, at a node; without a number where there is none on it."""

    model_config = _example(
        node="LEEDS",
        tracking="JD014600003828392837",
        content=[{"said": "MUG-1", "quantity": 2, "condition": "sealed"}],
    )

    node: Named
    content: Annotated[list[ContentIn], Field(min_length=1, max_length=LINES_MAX)]
    tracking: Annotated[str, Field(max_length=CODE_MAX, pattern=NO_NUL)] = ""
    bin: Named | None = None
    occurred_at: Moment | None = None
    pallet: UUID | None = None
    key: Own = None


class ComebackUnitsIn(Strict):
    """Units alike: by the code or barcode of their SKU, and what they look like. What is `as new` goes back on sale."""

    said: Annotated[str, Field(min_length=1, max_length=200, pattern=NO_NUL)]
    quantity: Quantity
    condition: Literal[tuple(comebacks.CONDITIONS)]  # type: ignore[valid-type]
    lot: Annotated[str, Field(max_length=CODE_MAX, pattern=NO_NUL)] = ""
    serial: Annotated[str, Field(max_length=CODE_MAX, pattern=NO_NUL)] = ""


class ComebackIn(Strict):
    """A parcel that was sent again and came back: by the number on it, or that of the shipment."""

    model_config = _example(
        node="LEEDS", tracking="1Z999AA10123456784", content=[{"said": "MUG-1", "quantity": 2, "condition": "as new"}]
    )  # fmt: skip

    node: Named
    tracking: Named
    content: Annotated[list[ComebackUnitsIn], Field(min_length=1, max_length=LINES_MAX)]
    bin: Named | None = None
    occurred_at: Moment | None = None
    key: Own = None


class ComebackOut(Out):
    """`units` are back, `out` are not; `again` is the order that sent the goods again, and `twice` what its customer
    has twice: `goods`, `money`, or nothing."""

    shipment: UUID
    number: str
    units: int
    out: int
    again: str
    again_state: str
    twice: str


class SentAgainOut(Out):
    """A shipment that was sent again: units of the first parcel that are back, and of the second that left."""

    shipment: UUID
    number: str
    tracking: str
    order_number: str
    customer: str
    again: UUID
    again_number: str
    again_state: str
    reason: str
    placed_at: datetime
    arrived: bool
    sent: int
    back: int
    again_out: int
    currency: str
    paid_back_minor: int
    twice: str


class SentAgainsOut(Out):
    """A page. `next` is the cursor of the page behind it; null at the end."""

    items: list[SentAgainOut]
    next: UUID | None


class StrayIn(Strict):
    """What a stray turned out to be; other than `matched` needs a reason."""

    model_config = _example(stray=ONE, outcome="matched", return_id=OTHER)

    stray: UUID
    outcome: Literal[arrivals.OUTCOMES]  # type: ignore[valid-type]
    return_id: UUID | None = None
    reason: Text = ""
    key: Own = None


class InspectIn(Strict):
    """What was found of units of a receipt."""

    model_config = _example(
        receipt=ONE, quantity=1, grade="B", codes=["opened", "no_box"], note="Complete and clean."
    )

    receipt: UUID
    quantity: Quantity
    grade: Literal[("", *rules.GRADES)] = ""  # type: ignore[valid-type]
    codes: Annotated[list[Annotated[str, Field(pattern=r"^[a-z0-9_]{1,40}$")]], Field(max_length=20)] = []
    note: Text = ""
    answers: Annotated[dict[Code, Text], Field(max_length=100)] = {}
    weight_g: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    serial: Text = ""
    lot: Text = ""
    occurred_at: Moment | None = None
    key: Own = None


class OverrideIn(Strict):
    """Another disposition than the rules proposed, for all units of an inspection that wait for theirs."""

    model_config = _example(
        inspection=ONE, instead="return_to_vendor", reason="The vendor takes them until Friday."
    )

    inspection: UUID
    instead: Literal[tuple(rules.DISPOSITIONS)]  # type: ignore[valid-type]
    reason: Text
    key: Own = None


class PhotoIn(Strict):
    """A picture of what was found: JPEG, PNG or WebP, told by its bytes."""

    model_config = _example(
        inspection=ONE,
        content="iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
    )

    inspection: UUID
    content: FileContent
    key: Own = None


class DisposeIn(Strict):
    """What is done with inspected units: what was proposed, or something else for a reason."""

    model_config = _example(
        inspection=ONE, quantity=1, disposition="liquidate", reason="Nobody buys this color any more."
    )

    inspection: UUID
    quantity: Quantity
    disposition: Literal[tuple(rules.DISPOSITIONS)] | None = None  # type: ignore[valid-type]
    bin: Named | None = None
    reason: Text = ""
    occurred_at: Moment | None = None
    key: Own = None


class RefundLineIn(Strict):
    line: UUID
    quantity: Quantity


class RefundIn(Strict):
    """Refund what is due of a return, or units of its lines; an adjustment needs its reason. Without an outcome it is
    given as was asked for."""

    model_config = _example(
        return_id=ONE,
        lines=[{"line": OTHER, "quantity": 1}],
        adjustment_minor=-250,
        adjustment_reason="A strap is missing.",
    )

    return_id: UUID
    lines: Annotated[list[RefundLineIn], Field(min_length=1, max_length=LINES_MAX)] | None = None
    adjustment_minor: Annotated[StrictInt, Field(ge=-MINOR_MAX, le=MINOR_MAX)] = 0
    adjustment_reason: Text = ""
    outcome: Literal["", "money", "store_credit"] = ""
    occurred_at: Moment | None = None
    key: Own = None


class ApproveIn(Strict):
    """Agree to a refund that waits, or reject it with a reason."""

    model_config = _example(refund=ONE, agree=True)

    refund: UUID
    agree: bool
    reason: Text = ""
    occurred_at: Moment | None = None
    key: Own = None


class CloseIn(Strict):
    """Give up what has not come; `without_refund` also the money for what has, `without_goods` also
    what was refunded."""

    model_config = _example(return_id=ONE, reason="The customer keeps it.")

    return_id: UUID
    reason: Code
    without_refund: bool = False
    without_goods: bool = False
    key: Own = None


# ---- out


class LineTermsOut(Out):
    """What is offered for a line, the part of the goods that is kept, what a store credit is raised by, whether the
    house sends a label, what units have to have reached to be refunded and a replacement to be sent, and whether its
    customer may withdraw by law, or claims by law that it does not conform; or `claims` so and has to show it. `until`
    is the last day of the days for it, as they are counted now; null where they are over."""

    line: UUID
    outcomes: list[str]
    fee_percent: int
    bonus_percent: int
    label: bool
    refund_at: str
    send_at: str
    withdraws: bool
    conforms: bool
    claims: bool
    until: date | None


class AuthorizedOut(Out):
    return_id: UUID
    number: str
    state: str
    lines: list[UUID]
    reasons: list[str]
    node: UUID
    terms: list[LineTermsOut]


class ConsideredOut(Out):
    """What would be answered: `authorized` or `requested`, with the terms of each line as the items stand."""

    state: str
    reasons: list[str]
    node: UUID
    terms: list[LineTermsOut]


class ReasonOut(Out):
    """A reason to give, its root cause, and what X12 (RDR02), Shopify and Amazon call it: `shopify` is the value of its
    enum of old, `shopify_handle` the handle of its definition."""

    code: str
    says: str
    group: str
    x12: str
    shopify: str
    amazon: str
    shopify_handle: str


class StateOut(Out):
    """A return and where it stands now."""

    return_id: UUID
    state: str


class ReceivedOut(Out):
    receipt: UUID
    cost_minor: int
    due_at: datetime


class AnnouncedOut(Out):
    return_id: UUID
    tracking: str


class ParcelOut(Out):
    """Units received of announced returns, units that are missing, the returns, and what nobody announced."""

    received: int
    missing: int
    returns: list[UUID]
    strays: list[UUID]


class StrayDecidedOut(Out):
    stray: UUID
    outcome: str


class StrayCandidateOut(Out):
    """A return that goods may belong to, and what speaks for it: `number` of the parcel or slip, `serial`, or `sku`."""

    return_id: UUID
    number: str
    order_number: str
    why: str


class StrayOut(Out):
    """Goods that nobody announced: why (`unknown`, `unannounced`, `late`, `more`, `other`), and where they are;
    of open ones the returns that they may belong to, the likeliest first."""

    id: UUID
    node: str
    bin: str
    tracking: str
    sku_code: str
    said: str
    quantity: int
    lot: str
    serial: str
    condition: str
    why: str
    state: str
    return_id: UUID | None
    reason: str
    received_by: str
    received_at: datetime
    candidates: list[StrayCandidateOut]


class SumOut(Out):
    """What a way is expected to bring of one unit: total = gross - fee - work - holding."""

    disposition: str
    gross_minor: int
    fee_minor: int
    work_minor: int
    holding_minor: int
    total_minor: int


class InspectedOut(Out):
    inspection: UUID
    proposed: str
    why: str
    sums: list[SumOut]
    grade: str
    codes: list[str]


class QuestionOut(Out):
    """A question of a checklist; which answers bring which grade at most, and which code."""

    code: str
    asks: str
    kind: str
    choices: list[str]
    least: int | None
    most: int | None
    caps: dict[str, str]
    codes: dict[str, str]
    required: bool


class OverriddenOut(Out):
    inspection: UUID
    proposed: str
    instead: str


class PhotoOut(Out):
    photo: UUID
    digest: str


class DisposedOut(Out):
    disposition_id: UUID
    disposition: str


class RefundedOut(Out):
    refund: UUID
    number: str
    state: str
    total_minor: int


class DecidedOut(Out):
    refund: UUID
    state: str


class ReturnRowOut(Out):
    """A return as it stands in a list."""

    id: UUID
    number: str
    order: UUID
    order_number: str
    channel: str
    customer: str | None
    node: str
    asked: str
    state: str
    currency: str
    units: int
    received: int
    disposed: int
    refunded: int
    refunded_minor: int
    requested_by: str
    requested_at: datetime


class ReturnsOut(Out):
    """A page. `next` is the cursor of the page behind it; null at the end."""

    items: list[ReturnRowOut]
    next: UUID | None


class ReturnLineOut(Out):
    id: UUID
    line: UUID
    sku_code: str
    reason: str
    note: str
    quantity: int
    cancelled: int
    received: int
    inspected: int
    disposed: int
    refunded: int
    missing: int
    refused: int
    repaired: int


class ReceiptOut(Out):
    id: UUID
    line: UUID
    bin: str
    lot: str
    serial: str
    quantity: int
    inspected: int
    condition: str
    received_by: str
    received_at: datetime


class FindingOut(Out):
    """An answer to a question of the checklist, or what a check said: with the grade it brings at most."""

    question: str
    asks: str
    answer: str
    cap: str
    code: str


class RefuseUnitsIn(Strict):
    """All units of an inspection are not taken back. `goods` go back to the customer or are kept; without, the policy
    `returns.refusals` says so."""

    model_config = _example(
        inspection=ONE, reason="swapped", told="The serial number is not the one we sent you."
    )

    inspection: UUID
    reason: Literal[tuple(refusing.REASONS)]  # type: ignore[valid-type]
    told: Reason
    goods: Literal["back", "keep"] | None = None
    note: Text = ""
    key: Own = None


class AcceptUnitsIn(Strict):
    """All units of an inspection are taken back, and why."""

    model_config = _example(inspection=ONE, note="Our own list of serial numbers was wrong.")

    inspection: UUID
    note: Reason
    key: Own = None


class VerdictOut(Out):
    """`goods` is what becomes of refused ones."""

    inspection: UUID
    outcome: Literal["accepted", "refused"]
    goods: str


class InspectionOut(Out):
    id: UUID
    line: UUID
    receipt: UUID
    quantity: int
    disposed: int
    grade: str
    codes: str
    note: str
    proposed: str
    why: str
    inspected_by: str
    inspected_at: datetime
    answers: list[FindingOut]
    weight_g: int | None
    serial: str
    photos: list[UUID]
    verdict: Literal["", "open", "accepted", "refused"]


class DispositionOut(Out):
    id: UUID
    line: UUID
    inspection: UUID
    quantity: int
    disposition: str
    bin: str
    reason: str
    decided_by: str
    decided_at: datetime


class StepOut(Out):
    """A line of the derivation of a refund; kept amounts are below zero."""

    what: str
    minor: int
    why: str


class RefundOut(Out):
    """A refund: total = goods + shipping + tax − fee − clawback + adjustment. `steps` say why it is this amount, line
    by line. The fee and what a lost promotion costs (`clawback`) include their tax. It is given as its `outcome` says:
    `applied_minor` of it as store credit, raised by `bonus_minor`, or to pay for a replacement; the rest is money."""

    id: UUID
    number: str
    return_id: UUID
    return_number: str
    order: UUID
    order_number: str
    currency: str
    state: str
    goods_minor: int
    shipping_minor: int
    tax_minor: int
    fee_minor: int
    fee_tax_minor: int
    flat_fee_minor: int
    clawback_minor: int
    clawback_tax_minor: int
    adjustment_minor: int
    adjustment_reason: str
    total_minor: int
    approve_above_minor: int | None
    reasons: list[str]
    steps: list[StepOut]
    requested_by: str
    requested_at: datetime
    decided_by: str
    decided_at: datetime | None
    note: str
    outcome: str
    applied_minor: int
    bonus_minor: int
    before_minor: int


class RefundsOut(Out):
    """A page. `next` is the cursor of the page behind it; null at the end."""

    items: list[RefundOut]
    next: UUID | None


class DutyOut(Out):
    """A person took a side: `request`, `receive` or `approve`. Nobody takes two sides of one return."""

    side: str
    person: str


class ReturnOut(ReturnRowOut):
    """A return with all of its facts: what was asked, what came, what was found, done and paid, and by whom."""

    reasons: list[str]
    duties: list[DutyOut]
    lines: list[ReturnLineOut]
    receipts: list[ReceiptOut]
    inspections: list[InspectionOut]
    dispositions: list[DispositionOut]
    refunds: list[RefundOut]


class ReturnableOut(Out):
    """A line of goods, and how many of its units may still come back."""

    line: UUID
    sku_code: str
    description: str
    quantity: int
    left: int
    unit_paid_minor: int
    final_sale: bool
