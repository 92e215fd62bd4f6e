"""Second grade, for programs: what it is sold as, and what is done with what stands there."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router

from entrepot.returns import second_grade_queries
from entrepot.returns.commands.grade_skus import GradeSku, grade_skus
from entrepot.returns.commands.redispose import Redispose, redispose
from entrepot.web.api import named, parse
from entrepot.web.api.answers import READ, REFUSED, Company, IdempotencyKey, Limit, Many, as_list, give
from entrepot.web.api.return_schemas import ONE, _example
from entrepot.web.api.schemas import Code, Each, Moment, Named, Out, Own, Quantity, Reason, Strict

router = Router()


class SecondGradeIn(Strict):
    """What goods of a SKU are sold as when they come back in a grade; without `into` as nothing any more."""

    model_config = _example(sku="MUG", grade="B", into="MUG-OPEN-BOX")

    sku: Code
    grade: Literal["B", "C", "D"]
    into: Code | None = None
    key: Own = None


class SecondGradeSetOut(Out):
    sku: UUID
    grade: str
    into: UUID | None


class SecondGradeOut(Out):
    """`list_price` is that of `into`, in the company's currency."""

    sku: UUID
    sku_code: str
    grade: str
    into: UUID
    into_code: str
    into_name: str
    list_price: Decimal | None
    named_by: str
    named_at: datetime


class RedisposeIn(Strict):
    """Units of a disposition that stand in second grade, and what is done with them: `second_grade` sells them as the
    SKU that is named for them, from `bin` or its shelf. Units in quarantine whose customer wants them repaired go to
    their `repair`."""

    model_config = _example(disposition=ONE, quantity=2, instead="liquidate", reason="Nobody buys it.")

    disposition: UUID
    quantity: Quantity
    instead: Literal[
        "second_grade", "refurbish", "return_to_vendor", "liquidate", "donate", "dispose", "repair"
    ]
    reason: Reason
    bin: Named | None = None
    occurred_at: Moment | None = None
    key: Own = None


class RedisposedOut(Out):
    """`value_minor` is what they are worth as another SKU, or what left the house with them."""

    disposition_id: UUID
    instead: str
    value_minor: int


@router.get("/returns/second-grade", response={200: list[SecondGradeOut], **READ})
def list_second_grade(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    sku: Annotated[Code | None, Query(description="Only that of a SKU.")] = None,
    behind: Annotated[Code | None, Query(description="Only SKUs whose code comes behind this one.")] = None,
    limit: Limit = 50,
) -> Any:
    """What SKUs are sold as in second grade, by code and grade."""
    own = parse.company_of(company)
    return second_grade_queries.named(own, sku=sku or "", after=behind or "", limit=limit)


@router.post(
    "/returns/second-grade", response={200: SecondGradeSetOut | list[Each[SecondGradeSetOut]], **REFUSED}
)
def set_second_grade(
    request: HttpRequest,
    payload: SecondGradeIn | Annotated[list[SecondGradeIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Name the SKUs that goods of second grade are sold as. What stands there already is decided about again."""
    own = parse.company_of(company)
    return give(
        request, grade_skus, payload, idempotency_key,
        lambda one, key: GradeSku(own, one.sku, one.grade, one.into or "", key),
    )  # fmt: skip


@router.post(
    "/returns/dispositions/again", response={200: RedisposedOut | list[Each[RedisposedOut]], **REFUSED}
)
def dispose_again(
    request: HttpRequest,
    payload: RedisposeIn | Annotated[list[RedisposeIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Decide again about units that stand in second grade, while nothing followed it."""
    own = parse.company_of(company)
    bins = named.bins_at("disposition", ((one.disposition, one.bin) for one in as_list(payload)))

    def make(item: RedisposeIn, key: str) -> Redispose:
        return Redispose(
            own, item.disposition, item.quantity, item.instead, item.reason, bins.get((item.disposition, item.bin)),
            item.occurred_at, key,
        )  # fmt: skip

    return give(request, redispose, payload, idempotency_key, make)
