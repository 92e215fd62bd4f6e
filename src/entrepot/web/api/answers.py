"""What operations of the API share: their headers, the problems they may answer, one request or a list, pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Header, Query, Status
from pydantic import Field

from entrepot.kernel.errors import NotPermitted, Refused
from entrepot.web.api import parse, problems
from entrepot.web.api.schemas import BATCH_MAX, Code, Key, Problem

Company = Annotated[
    Code | None, Query(None, description="The code of a company. Needed where there are several.")
]
IdempotencyKey = Annotated[
    Key,
    Header(
        ..., alias="Idempotency-Key", description="The same key with the same content gets the first answer."
    ),
]
REFUSED = dict.fromkeys((400, 401, 403, 404, 409, 422, 503), Problem)
READ = dict.fromkeys((401, 403, 404, 422, 503), Problem)
Many = Field(min_length=1, max_length=BATCH_MAX)
"""How many may be sent in a list."""
After = Annotated[UUID | None, Query(None, description="The cursor: `next` of the page before.")]
Limit = Annotated[int, Query(50, ge=1, le=200)]


def as_list(payload: Any) -> list[Any]:
    """What was sent, one of it or a list, as a list."""
    return payload if isinstance(payload, list) else [payload]


def give(
    request: HttpRequest,
    command: Callable[..., list[Any]],
    payload: Any,
    key: str,
    make: Callable[[Any, str], Any],
    done: int = 200,
) -> Status[Any] | HttpResponse:
    """One command for what was sent, one of it or a list; `make` gets each with its idempotency key."""
    items = as_list(payload)
    keys = parse.keys_of(request, key, items)
    requests = [make(item, own) for item, own in zip(items, keys, strict=True)]
    results = command(parse.cause_of(request), requests=requests)
    return _answer(request, results, is_list=isinstance(payload, list), done=done)


def _answer(
    request: HttpRequest, results: Sequence[Any], *, is_list: bool, done: int = 200
) -> Status[Any] | HttpResponse:
    """One result or its problem; for a list 200 with a result or problem for each, in order."""
    refusals = [one for one in results if isinstance(one, Refused)]
    if refusals and (not is_list or all(isinstance(one, NotPermitted) for one in results)):
        return problems.refuse(request, refusals[0])
    if not is_list:
        return Status(done, results[0])
    told = iter(problems.of_refusals(request, refusals))
    return Status(200, [next(told) if isinstance(one, Refused) else one for one in results])


def paged(rows: Sequence[Any], limit: int) -> dict[str, Any]:
    """A page out of rows that were read with one more than its limit, and the cursor of the page behind it."""
    return {"items": rows[:limit], "next": rows[limit - 1].id if len(rows) > limit else None}
