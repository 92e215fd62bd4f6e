"""What stock is worth, by which method, and what was added to its cost, for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import Field, StrictBool, StrictInt

from entrepot.kernel.errors import Invalid, NotFound, Refused
from entrepot.ledger import queries, version_queries
from entrepot.ledger.commands.choose_costing import ChooseCosting, choose_costing
from entrepot.ledger.rules import REASON_MAX
from entrepot.purchasing import landing_queries
from entrepot.purchasing.commands.land_costs import LandCost, land_costs
from entrepot.web import rehearsing
from entrepot.web.api import named, parse
from entrepot.web.api.answers import READ, REFUSED, After, Company, IdempotencyKey, Limit, Many, give, paged
from entrepot.web.api.rule_versions import RuleVersion, rule_version
from entrepot.web.api.schemas import NO_NUL, Code, Each, Moment, Out, Own, Strict, Text

router = Router()
AMOUNT_DIGITS = 15


class LandCostIn(Strict):
    """A bill in the company's currency for bringing the goods of some receipts; a credit below zero."""

    kind: Literal["freight", "duty", "insurance", "handling"]
    payee: Code
    external_id: Code
    amount_minor: Annotated[StrictInt, Field(ge=-(10**12), le=10**12)]
    basis: Literal["value", "weight", "quantity", "volume"] = "value"
    receipts: Annotated[list[UUID], Field(min_length=1, max_length=1_000)]
    occurred_at: Moment | None = None
    key: Own = None


class CostLandedOut(Out):
    cost: UUID
    number: str
    lines: int
    stock_minor: int
    gone_minor: int
    fresh: bool


class LandedCostOut(Out):
    """A bill; what of it stock bears, and what the cost of sales."""

    id: UUID
    number: str
    kind: str
    payee: str
    external_id: str
    basis: str
    amount_minor: int
    stock_minor: int
    gone_minor: int
    lines: int
    landed_by: str
    landed_at: datetime


class LandedCostsOut(Out):
    """A page. `next` is the cursor of the page behind it; null at the end."""

    items: list[LandedCostOut]
    next: UUID | None


class LandedPartOut(Out):
    """What a line of a receipt bears: `on_hand` of its units were still there."""

    receipt: UUID
    receipt_number: str
    sku: UUID
    sku_code: str
    quantity: int
    on_hand: int
    amount_minor: int
    stock_minor: int
    gone_minor: int


class ChooseCostingIn(Strict):
    """`average` or `fifo`. With stock on hand it takes `revalue`."""

    method: Literal["average", "fifo"]
    reason: Text
    revalue: StrictBool = False
    key: Own = None


class CostingChosenOut(Out):
    company: int
    method: str
    quantity: int
    value_minor: int
    fresh: bool


class CostingOut(Out):
    """A method that was chosen, and what stood there then."""

    method: str
    chosen_at: datetime
    chosen_by: str
    reason: str
    quantity: int
    value_minor: int


class LayerOut(Out):
    """What is left of units that came together."""

    id: int
    sku: UUID
    node: UUID
    pool: str
    acquired_at: datetime
    document: UUID
    quantity: int
    value_minor: int


class PostingRuleOut(Out):
    """Where an amount of a kind goes when an event happens; a negative amount swaps the sides. `version` says it. One
    with a reason is for just that; one without, for all others."""

    event: str
    kind: str
    reason: str
    debit: int
    debit_name: str
    credit: int
    credit_name: str
    version: int


class PreviewLineOut(Out):
    """A line that would be written, debit positive."""

    account: int
    account_name: str
    kind: str
    amount_minor: int


class StepIn(Strict):
    """A step of a document, by its number: of a packed fulfillment, a refund, or a credit."""

    step: Literal[tuple(rehearsing.STEPS)]  # type: ignore[valid-type]
    number: Code


class StepLineOut(Out):
    """A line that a step would post, debit positive, in the currency of its entry and in the company's."""

    entry: UUID
    event: str
    account: int
    account_name: str
    kind: str
    amount_minor: int
    functional_minor: int
    currency: str


@router.get("/posting-rules", response={200: list[PostingRuleOut], **READ})
def list_posting_rules(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    event: Annotated[str, Query(max_length=100)] = "",
    version: RuleVersion = None,
) -> list[Any]:
    """The posting rules of an event, or of all."""
    of = parse.company_of(company)
    return version_queries.rules_of(of, rule_version(of, version), event=event)


@router.get("/posting-preview", response={200: list[PreviewLineOut], **READ})
def preview_posting(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    event: Annotated[str, Query(max_length=100)],
    amount: Annotated[
        list[str], Query(description="`kind:minor units`, once for each kind: `cost:1250`", max_length=100)
    ],
    company: Company = None,
    version: RuleVersion = None,
    reason: Annotated[str, Query(max_length=REASON_MAX, description="Why it happened.")] = "",
) -> list[Any]:
    """The entry that an event with these amounts would be, in the company's currency. Nothing is written."""
    amounts = [_amount(one) for one in amount]
    of = parse.company_of(company)
    answer = version_queries.preview(of, rule_version(of, version), event, amounts, reason)
    if isinstance(answer, Refused):
        raise answer
    return answer


@router.post("/posting-preview/step", response={200: list[StepLineOut], **REFUSED})
def preview_step(
    request: HttpRequest,
    payload: StepIn,
    company: Company = None,
) -> list[Any]:
    """What a step of a document would post as things stand: it is taken and undone. Nothing is written."""
    found = rehearsing.would_post(
        parse.company_of(company), payload.step, payload.number, parse.actor_of(request)
    )
    if isinstance(found, Refused):
        raise found
    return list(found)


def _amount(text: str) -> tuple[str, int]:
    kind, _, amount = text.rpartition(":")
    if not kind or not amount.removeprefix("-").isdecimal() or len(amount) > AMOUNT_DIGITS:
        raise Invalid(field="amount", expected="kind:minor units, as cost:1250", found=text)
    return kind, int(amount)


@router.post("/landed-costs", response={200: CostLandedOut | list[Each[CostLandedOut]], **REFUSED})
def land_cost(
    request: HttpRequest,
    payload: LandCostIn | Annotated[list[LandCostIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Spread a bill over receipt lines: to stock for what is there, to the cost of sales for what is gone."""
    which = parse.company_of(company)
    return give(
        request, land_costs, payload, idempotency_key,
        lambda one, key: LandCost(
            which, one.kind, one.payee, one.external_id, one.amount_minor, one.basis, tuple(one.receipts),
            one.occurred_at, key=key,
        ),
    )  # fmt: skip


@router.get("/landed-costs", response={200: LandedCostsOut, **READ})
def list_landed_costs(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    after: After = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Bills that were spread, the latest first, a page at a time."""
    return paged(landing_queries.costs(parse.company_of(company), after=after, limit=limit + 1), limit)


@router.get("/landed-costs/{cost}/parts", response={200: list[LandedPartOut], **READ})
def list_landed_parts(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    cost: UUID,
    company: Company = None,
) -> list[Any]:
    """What each receipt line bears of a bill."""
    found = landing_queries.parts(parse.company_of(company), cost)
    if not found:  # a bill has parts from its first moment
        raise NotFound(what="landed cost", which=str(cost))
    return found


@router.post("/costing", response={200: CostingChosenOut | list[Each[CostingChosenOut]], **REFUSED})
def choose_method(
    request: HttpRequest,
    payload: ChooseCostingIn | Annotated[list[ChooseCostingIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Choose how stock is valued from now on."""
    which = parse.company_of(company)
    return give(
        request, choose_costing, payload, idempotency_key,
        lambda one, key: ChooseCosting(which, one.method, one.reason, one.revalue, key=key),
    )  # fmt: skip


@router.get("/costing", response={200: list[CostingOut], **READ})
def list_methods(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
) -> list[Any]:
    """The methods that were chosen, the one in force first; none: the moving average."""
    return queries.costings(company=parse.company_of(company))


@router.get("/layers", response={200: list[LayerOut], **READ})
def list_layers(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    sku: Annotated[str | None, Query(max_length=100, pattern=NO_NUL, description="A code, or an id.")] = None,
    after: Annotated[int | None, Query(ge=0)] = None,
    limit: Limit = 50,
) -> list[Any]:
    """Layers that stand: of a SKU by age, or of all, behind the layer `after`."""
    of = parse.company_of(company)
    which = named.skus(of, [sku]).get(sku)
    return queries.layers(company=of, sku=which, after=after, limit=limit)
