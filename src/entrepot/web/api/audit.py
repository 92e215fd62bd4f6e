"""The audit trail, for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router

from entrepot.insight import audit
from entrepot.insight.audit import Asked
from entrepot.kernel import seal
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
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
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
    """Events, the latest first: by document (id or number), actor, command, kind and time."""
    which = parse.company_of(company)
    return list(
        audit.entries(Asked(which, subject, actor, command, kind, since, until), before=before, limit=limit)
    )


@router.get("/audit/heads", response={200: list[HeadOut], **READ})
def list_audit_heads(request: HttpRequest) -> list[Any]:  # noqa: ARG001  ninja gives it by name
    """The heads of the sealed chains: of the event log and of both ledgers."""
    return list(seal.heads())
