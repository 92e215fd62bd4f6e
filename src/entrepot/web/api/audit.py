"""The audit trail, for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router

from entrepot.insight import audit, trail
from entrepot.insight.audit import Asked
from entrepot.kernel import seal
from entrepot.kernel.errors import NotFound
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, Company
from entrepot.web.api.schemas import Moment, Out, Text

router = Router()


class AuditEntryOut(Out):
    """One event: what a command did to a document. Times are when it happened and when it was recorded."""

    seq: int
    occurred_at: datetime
    recorded_at: datetime
    actor: str
    command: str
    kind: str
    subject: UUID
    before: str
    after: str
    reason: str
    payload: Any
    correlation: UUID
    is_sealed: bool


class HeadOut(Out):
    """The last link of a chain: keep it elsewhere, and compare it later."""

    chain: str
    last: int
    rows: int
    digest: str
    sealed_at: datetime


@router.get("/audit", response={200: list[AuditEntryOut], **READ})
def list_audit(
    request: HttpRequest,
    company: Company = None,
    subject: Text = "",
    actor: Text = "",
    command: Text = "",
    kind: Text = "",
    since: Moment | None = None,
    until: Moment | None = None,
    before: Annotated[
        int | None, Query(ge=1, le=2**62, description="The `seq` of the last one of the page before.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> list[Any]:
    """Events, the latest first: by document (id or number), actor, command, kind and time. Whoever sees all companies
    sees with them what is of none, such as the roles of people."""
    of_house = parse.actor_of(request).companies is None
    asked = Asked(parse.company_of(company), subject, actor, command, kind, since, until, of_house)
    return list(audit.entries(asked, before=before, limit=limit))


class TrailStepOut(Out):
    """An event; `duty`: the sides of the pair that its person took on the return."""

    seq: int
    occurred_at: datetime
    recorded_at: datetime
    actor: str
    command: str
    kind: str
    subject: UUID
    before: str
    after: str
    reason: str
    payload: Any
    is_sealed: bool
    duty: list[str]


class TrailDecidedOut(Out):
    """What rules said, by which version of which policy; version 0 is the one that was delivered."""

    about: str
    policy: str
    version: int
    author: str
    in_force_from: datetime | None
    answer: str
    because: str


class TrailLineOut(Out):
    """A line of the journal, debit positive."""

    entry: UUID
    number: int
    account: int
    account_name: str
    amount_minor: int
    currency: str
    kind: str
    event: str
    document: UUID
    occurred_at: datetime
    recorded_at: datetime


class RefundTrailOut(Out):
    """A refund from its request to its posting."""

    refund: UUID
    number: str
    state: str
    currency: str
    total_minor: int
    return_id: UUID
    return_number: str
    order_id: UUID
    order_number: str
    steps: list[TrailStepOut]
    decided: list[TrailDecidedOut]
    journal: list[TrailLineOut]


@router.get("/audit/refunds/{uuid:refund}", response={200: RefundTrailOut, **READ})
def read_refund_trail(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    refund: UUID,
    company: Company = None,
) -> Any:
    """One refund from its request to its posting: who, what, when, why, before, after, and by which rules."""
    found = trail.of_refund(parse.company_of(company), refund)
    if found is None:
        raise NotFound(what="refund", which=str(refund))
    return found


@router.get("/audit/heads", response={200: list[HeadOut], **READ})
def list_audit_heads(request: HttpRequest) -> list[Any]:  # noqa: ARG001  ninja gives it by name
    """The heads of the sealed chains: of the event log and of both ledgers."""
    return list(seal.heads())
