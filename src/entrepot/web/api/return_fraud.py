"""Suspected returns, for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import Field

from entrepot.kernel.errors import NotFound
from entrepot.returns import fraud_queries
from entrepot.returns.commands.decide_fraud import DecideFraud, decide_fraud
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, REFUSED, Company, IdempotencyKey, Limit, Many, give
from entrepot.web.api.return_schemas import ONE, _example
from entrepot.web.api.schemas import Each, Moment, Out, Own, Strict, Text

router = Router()


class FraudDecisionIn(Strict):
    """What a suspected return is: `clear`, then it goes on; `confirm`, then nothing of it is refunded; `reopen`."""

    model_config = _example(return_id=ONE, outcome="clear", reason="A gift for three children.")

    return_id: UUID
    outcome: Literal["clear", "confirm", "reopen"]
    reason: Annotated[Text, Field(min_length=1)]
    key: Own = None


class FraudDecidedOut(Out):
    return_id: UUID
    state: str


class SuspectedOut(Out):
    """A return that a rule found something about; `state` is that of its review, `clean` where a rule only warned."""

    return_id: UUID
    number: str
    order: UUID
    order_number: str
    customer: str | None
    channel: str
    tier: str
    country: str
    return_state: str
    asked: str
    currency: str
    value_minor: int
    state: str
    rules: list[str]
    opened_at: datetime | None
    decided_by: str
    decided_at: datetime | None
    note: str


class SuspicionOut(Out):
    """What a rule found, with the facts that it saw."""

    rule: str
    stage: str
    mode: str
    reason: str
    facts: dict[str, Any]
    policy_version: int
    found_at: datetime


class ComparedOut(Out):
    """Another return: of the same `customer`, or that shares an `address` or `email`."""

    by: list[str]
    return_id: UUID
    number: str
    customer: str | None
    state: str
    review: str
    asked_at: datetime
    units: int
    value_minor: int
    currency: str
    grades: list[str]


class FraudReviewOut(Out):
    head: SuspectedOut
    suspicions: list[SuspicionOut]
    others: list[ComparedOut]


class FraudRuleOut(Out):
    """How often a rule found something, and how right it was: of what was decided, the share that was confirmed."""

    rule: str
    found: int
    warned: int
    open: int
    confirmed: int
    cleared: int
    hit_rate: float | None


class FraudGroupOut(Out):
    """A group's judged returns: flagged for a person, and what was decided; shares of those decided."""

    group: str
    judged: int
    flagged: int
    confirmed: int
    cleared: int
    flagged_share: float
    confirmed_share: float | None
    cleared_share: float | None


Since = Annotated[Moment, Query(..., description="Returns that were judged from this moment on.")]


@router.get("/returns/fraud", response={200: list[SuspectedOut], **READ})
def list_suspected(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    state: Annotated[
        Literal["clean", "open", "cleared", "confirmed"],
        Query("open", description="Only reviews in a state; `clean` is what rules only warned of."),
    ] = "open",
    limit: Limit = 50,
) -> list[fraud_queries.Suspected]:
    """Suspected returns; of those that are open, what waits longest first."""
    return fraud_queries.suspected(parse.company_of(company), state=state, limit=limit)


@router.get("/returns/fraud/rules", response={200: list[FraudRuleOut], **READ})
def list_fraud_rules(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    since: Since,
    company: Company = None,
) -> list[fraud_queries.RuleRow]:
    """What each rule found, and how right it was."""
    return fraud_queries.by_rule(parse.company_of(company), since)


@router.get("/returns/fraud/groups", response={200: list[FraudGroupOut], **READ})
def list_fraud_groups(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    since: Since,
    by: Literal["tier", "country", "channel"] = "tier",
    company: Company = None,
) -> list[fraud_queries.GroupRow]:
    """Whom the rules hit: by the tier, country or channel that the returns had when they were judged."""
    return fraud_queries.by_group(parse.company_of(company), by, since)


@router.post(
    "/returns/fraud/decide", response={200: FraudDecidedOut | list[Each[FraudDecidedOut]], **REFUSED}
)
def decide_suspected(
    request: HttpRequest,
    payload: FraudDecisionIn | Annotated[list[FraudDecisionIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Say what suspected returns are. Whoever asked for a return does not decide about it."""

    def make(item: FraudDecisionIn, key: str) -> DecideFraud:
        return DecideFraud(item.return_id, item.outcome, item.reason, key)

    return give(request, decide_fraud, payload, idempotency_key, make)


@router.get("/returns/fraud/{return_id}", response={200: FraudReviewOut, **READ})
def get_fraud_review(
    request: HttpRequest,  # noqa: ARG001
    return_id: UUID,
    company: Company = None,
) -> fraud_queries.Review:
    """A judged return with all that was seen."""
    parse.own("return", return_id, company)
    found = fraud_queries.review(return_id)
    if found is None:
        raise NotFound(what="review of a return", which=str(return_id))
    return found
