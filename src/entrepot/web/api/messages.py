"""Messages in and out that stand still, and feeds, for programs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router
from pydantic import Field

from entrepot.access.rules import sees_buyers
from entrepot.insight import feeds
from entrepot.kernel import masking
from entrepot.kernel import queries as kernel
from entrepot.kernel.errors import Invalid, NotFound
from entrepot.kernel.messages import (
    ARRIVED,
    CONTENT_MAX,
    DropMessage,
    ReplayMessage,
    drop_messages,
    is_id,
    replay_messages,
)
from entrepot.settlement import privacy_queries
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, REFUSED, Company, IdempotencyKey, Limit, Many, give, paged
from entrepot.web.api.schemas import NO_NUL, Each, Moment, Out, Own, Reason, Strict, Text

router = Router()

Side = Literal["in", "out"]
State = Literal[
    "received", "set_aside", "failed", "dead", "kept", "waiting", "dropped", "done", "delivered", "any"
]  # fmt: skip
LONGEST = timedelta(days=7)
"""Of a time in which messages are looked for."""
MessageId = Annotated[str, Field(min_length=1, max_length=36, pattern=r"^[0-9a-f-]+$")]


class MessageOut(Out):
    """A message. `place` is a destination or a source."""

    side: str
    id: str
    place: str
    about: str
    state: str
    attempts: int
    at: datetime
    error: str


class MessagesOut(Out):
    """A page. `next` is the cursor of the page behind it; null at the end."""

    items: list[MessageOut]
    next: str | None


class MessageContentOut(Out):
    """What a message says; `is_masked`: parts of it may tell of a person, and stand as dots."""

    side: str
    id: str
    state: str
    content: str
    is_masked: bool


class MessageReplayIn(Strict):
    """`content`: what it shall say, without it what it says; or `replaces`, wherever it says that, `by` something else.
    `anyway`: also where a later one has arrived."""

    side: Side
    message: MessageId
    reason: Reason
    content: Annotated[str, Field(max_length=CONTENT_MAX, pattern=NO_NUL)] | None = None
    anyway: bool = False
    replaces: Text = ""
    by: Text = ""
    key: Own = None


class MessageDropIn(Strict):
    """A message that shall have no effect."""

    side: Side
    message: MessageId
    reason: Reason
    key: Own = None


class MessageNowOut(Out):
    side: str
    message: str
    state: str


class FeedOut(Out):
    """`usual_s`: the gap in seconds that 19 of 20 stay below."""

    kind: str
    name: str
    last_at: datetime
    day: int
    usual_s: float | None
    freshness: str


@router.get("/messages", response={200: MessagesOut, **READ})
def list_messages(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    side: Side = "out",
    state: State = "dead",
    place: Text = "",
    topic: Annotated[Text, Query("", description="A topic, or the kind of what came in.")] = "",
    named: Annotated[
        Text, Query("", description="The name under which it came; of the outbox the order it is about.")
    ] = "",
    since: Annotated[Moment | None, Query(None, description="From when, with `until`.")] = None,
    until: Annotated[
        Moment | None, Query(None, description="Until before when, at most a week after `since`.")
    ] = None,
    after: Annotated[MessageId | None, Query(description="The cursor: `next` of the page before.")] = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Messages of a side in a state, the latest first, a page at a time. Those that had their effect (`done`,
    `delivered`, and whatever became of them: `any`) are asked for by `named`, or by a time: without one it is the last
    24 hours."""
    if after is not None and not is_id(side, after):
        raise Invalid(field="after", expected="`next` of the page before", found=after)
    which = parse.company_of(company)
    if not (named or since or until or state in (*ARRIVED.values(), "any")):
        rows = kernel.messages(
            which, side, states=(state,), place=place, topic=topic, before=after or "", limit=limit + 1
        )
        return paged(rows, limit)
    end = until or (since + LONGEST if since else timezone.now())
    begin = since or end - timedelta(days=1)
    if not timedelta() < end - begin <= LONGEST:
        raise Invalid(field="until", expected="at most a week after `since`", found=end.isoformat())
    subject = (_uuid(named) or privacy_queries.order_named(which, named)) if named and side == "out" else None
    rows = kernel.archive(
        which, side, states=() if state == "any" else (state,), place=place, topic=topic,
        since=None if named else begin, until=None if named else end, named=named, subject=subject,
        before=after or "", limit=limit + 1,
    )  # fmt: skip
    return paged(rows, limit)


def _uuid(text: str) -> UUID | None:
    return UUID(text) if is_id("in", text) else None


@router.get("/messages/content", response={200: MessageContentOut, **READ})
def get_message_content(
    request: HttpRequest, side: Side, message: MessageId, company: Company = None
) -> dict[str, Any]:
    """What a message says, masked for whoever may not see buyers."""
    found = kernel.message(parse.company_of(company), side, message) if is_id(side, message) else None
    if found is None:
        raise NotFound(what="message", which=message)
    row, content = found
    shown = masking.shown(content, sees_people=_sees(request))
    told = shown.content if shown.hides else content
    return {"side": side, "id": row.id, "state": row.state, "content": told, "is_masked": shown.hides}


def _sees(request: HttpRequest) -> bool:
    return sees_buyers(parse.actor_of(request).may)


@router.get("/feeds", response={200: list[FeedOut], **READ})
def list_feeds(request: HttpRequest, company: Company = None) -> list[Any]:  # noqa: ARG001
    """Whether each source, channel and destination is as lively as it usually is."""
    return list(feeds.feeds(parse.company_of(company), timezone.now()))


@router.post("/messages/replay", response={200: MessageNowOut | list[Each[MessageNowOut]], **REFUSED})
def replay_message(
    request: HttpRequest,
    payload: MessageReplayIn | Annotated[list[MessageReplayIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Send messages on their way again, as they are or edited: one that is masked for you only as it is."""
    which, sees = parse.company_of(company), _sees(request)
    return give(
        request, replay_messages, payload, idempotency_key,
        lambda one, key: ReplayMessage(
            which, one.side, one.message, one.reason, one.content, one.anyway, one.replaces, one.by,
            sees_people=sees, key=key,
        ),
    )  # fmt: skip


@router.post("/messages/drop", response={200: MessageNowOut | list[Each[MessageNowOut]], **REFUSED})
def drop_message(
    request: HttpRequest,
    payload: MessageDropIn | Annotated[list[MessageDropIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Drop messages, each for a reason; what they said stays to be read."""
    which = parse.company_of(company)
    return give(
        request, drop_messages, payload, idempotency_key,
        lambda one, key: DropMessage(which, one.side, one.message, one.reason, key=key),
    )  # fmt: skip
