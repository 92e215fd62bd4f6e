"""Units in returns staging, and how long returns take, for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router

from entrepot.insight import return_times
from entrepot.returns import staging_queries
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, Company, Limit
from entrepot.web.api.schemas import Code, Moment, Out

router = Router()


class StagedOut(Out):
    """Units of a receipt that wait for inspection or disposition, and by when they should be done with."""

    receipt: UUID
    return_id: UUID
    number: str
    sku_code: str
    name: str
    category: str
    reason: str
    node: str
    bin: str
    to_inspect: int
    to_dispose: int
    received_at: datetime
    due_at: datetime | None


class ReturnTimesOut(Out):
    """Hours of a stage: half of the returns took at most `median`, nine of ten `p90`."""

    stage: str
    group: str
    returns: int
    median: float
    p90: float
    longest: float


@router.get("/returns/staging", response={200: list[StagedOut], **READ})
def list_staged(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    node: Annotated[Code | None, Query(None, description="Only units at a node.")] = None,
    overdue: Annotated[bool, Query(False, description="Only units whose due time has passed.")] = False,
    limit: Limit = 50,
) -> list[staging_queries.Staged]:
    """Units in returns staging, what is due first at the top."""
    own, now = parse.company_of(company), timezone.now()
    return staging_queries.staged(own, at=now, node=node or "", overdue=overdue, limit=limit)


@router.get("/returns/times", response={200: list[ReturnTimesOut], **READ})
def list_return_times(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    since: Annotated[Moment, Query(..., description="Stages that ended from this moment on.")],
    until: Annotated[Moment, Query(..., description="Stages that ended before this moment.")],
    company: Company = None,
    by: Annotated[
        Literal["node", "channel", "reason"] | None,
        Query(None, description="What returns are told apart by."),
    ] = None,
    node: Annotated[Code | None, Query(None, description="Only returns to a node.")] = None,
    channel: Annotated[Code | None, Query(None, description="Only returns of a channel.")] = None,
    reason: Annotated[Code | None, Query(None, description="Only returns with a line of a reason.")] = None,
) -> list[return_times.Times]:
    """How long each stage of a return takes, from asked to financial closure, in the order of the stages."""
    asked = return_times.Asked(since, until, node or "", channel or "", reason or "")
    return return_times.times(parse.company_of(company), asked, by)
