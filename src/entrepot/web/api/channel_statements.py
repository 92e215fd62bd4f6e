"""What channels state against what we hold, for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import AwareDatetime, Field

from entrepot.channels import queries
from entrepot.channels.commands.comparing import TakeChannelStatement
from entrepot.channels.commands.mend_differences import (
    ExplainDifference,
    MendDifference,
    explain_differences,
    mend_differences,
)
from entrepot.channels.commands.take_statements import take_statements
from entrepot.channels.rules import KINDS
from entrepot.channels.statements import files
from entrepot.channels.statements.stated import KINDS as OF
from entrepot.channels.states import DIFFERENCE
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, REFUSED, Company, IdempotencyKey, Limit, Many, give, paged
from entrepot.web.api.schemas import Code, Each, Out, Own, Reason, Strict, Text

router = Router()
CONTENT_MAX = 2_000_000
STATES = DIFFERENCE.states


class ChannelStatementIn(Strict):
    """A channel's statement as it writes it: `content` is the text of its file or answer. Orders are compared that were
    placed from `since` until before `until`."""

    channel: Code
    kind: Literal[OF]  # type: ignore[valid-type]
    source: Literal[files.SOURCES]  # type: ignore[valid-type]
    name: Code
    since: AwareDatetime
    until: AwareDatetime
    content: Annotated[str, Field(max_length=CONTENT_MAX)]
    key: Own = None


class ChannelStatementTakenOut(Out):
    """`differing`: what it shows that is not as here; `fresh` of them were not known; `agreed` are over with it."""

    statement: UUID
    number: str
    stated: int
    held: int
    differing: int
    fresh: int
    agreed: int


class ChannelDifferenceOut(Out):
    """What a channel and we say differently of an order or a SKU (`name`). `mend`: what mending does about it."""

    id: UUID
    channel: str
    statement: str
    kind: str
    name: str
    subject: UUID | None
    theirs: str
    ours: str
    facts: dict[str, Any]
    state: str
    mend: str
    reason: str
    decided_by: str
    found_at: datetime
    changed_at: datetime


class ChannelDifferencesOut(Out):
    """A page. `next` is the cursor of the page behind it; null at the end."""

    items: list[ChannelDifferenceOut]
    next: UUID | None


class MendDifferenceIn(Strict):
    difference: UUID
    key: Own = None


class ExplainDifferenceIn(Strict):
    difference: UUID
    reason: Reason
    key: Own = None


class ChannelDifferenceNowOut(Out):
    """`order`: the order that was placed or cancelled here."""

    difference: UUID
    state: str
    order: UUID | None


@router.post(
    "/channel-statements",
    response={200: ChannelStatementTakenOut | list[Each[ChannelStatementTakenOut]], **REFUSED},
)
def take_channel_statement(
    request: HttpRequest,
    payload: ChannelStatementIn | Annotated[list[ChannelStatementIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Compare a channel's statement of its orders, or of the stock that it shows, with what we hold."""
    which = parse.company_of(company)
    return give(request, take_statements, payload, idempotency_key, lambda one, key: _taking(which, one, key))


def _taking(company: int, one: ChannelStatementIn, key: str | None) -> TakeChannelStatement:
    found = files.told(one.kind, one.source, one.content.encode("utf-8", "replace"))
    return TakeChannelStatement(
        company, one.channel, one.kind, one.source, one.name, one.since, one.until, found.orders, found.stock, key=key
    )  # fmt: skip


@router.get("/channel-differences", response={200: ChannelDifferencesOut, **READ})
def list_channel_differences(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    channel: Text = "",
    kind: Literal[KINDS] | None = None,  # type: ignore[valid-type]
    state: Literal[STATES] = "open",  # type: ignore[valid-type]
    after: Annotated[UUID | None, Query(description="The cursor: `next` of the page before.")] = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """What channels and we say differently, the latest first, a page at a time."""
    which = parse.company_of(company)
    rows = queries.differences(
        which, channel=channel, kind=kind or "", states=(state,), after=after, limit=limit + 1
    )
    return paged(rows, limit)


@router.post(
    "/channel-differences/mend",
    response={200: ChannelDifferenceNowOut | list[Each[ChannelDifferenceNowOut]], **REFUSED},
)
def mend_channel_difference(
    request: HttpRequest,
    payload: MendDifferenceIn | Annotated[list[MendDifferenceIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Place what is missing here, cancel what was cancelled there, or tell the channel what we hold."""
    return give(
        request, mend_differences, payload, idempotency_key,
        lambda one, key: MendDifference(one.difference, key=key),
    )  # fmt: skip


@router.post(
    "/channel-differences/explain",
    response={200: ChannelDifferenceNowOut | list[Each[ChannelDifferenceNowOut]], **REFUSED},
)
def explain_channel_difference(
    request: HttpRequest,
    payload: ExplainDifferenceIn | Annotated[list[ExplainDifferenceIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Say why a difference may stay."""
    return give(
        request, explain_differences, payload, idempotency_key,
        lambda one, key: ExplainDifference(one.difference, one.reason, key=key),
    )  # fmt: skip
