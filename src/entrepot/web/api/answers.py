"""What operations of the API share: their headers, the problems they may answer, one request or a list, pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Header, Query, Status
from pydantic import Field

from entrepot.kernel import jobs, wire
from entrepot.kernel.command import commands
from entrepot.kernel.errors import NotPermitted, Refused
from entrepot.kernel.exports import as_oneself
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
Behind = Annotated[str | None, Query(max_length=100, description="The cursor: `next` of the page before.")]
"""Where rows are known by several facts."""
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
    *,
    has_secret: bool = False,
) -> Status[Any] | HttpResponse:
    """One command for what was sent, one of it or a list; `make` gets each with its idempotency key.

    Who asks not to wait (`Prefer: respond-async`) is answered 202 with the job that it is left to. What holds a secret
    is carried out at once: a job keeps what it is to do.
    """
    items = as_list(payload)
    keys = parse.keys_of(request, key, items)
    requests = [make(item, own) for item, own in zip(items, keys, strict=True)]
    if not has_secret and _asks_not_to_wait(request) and (name := _left_to_jobs(request, command, requests)):
        return _job(request, name, requests, key, [parse.own_key(key, i, items) for i in range(len(items))])
    results = command(parse.cause_of(request), requests=requests)
    return _answer(request, results, is_list=isinstance(payload, list), done=done)


PREFER = "respond-async"
PARAMETER = {
    "in": "header",
    "name": "Prefer",
    "schema": {"type": "string", "examples": [PREFER]},
    "required": False,
    "description": "`respond-async`: do not wait, answer 202 with a job. Other preferences are passed over.",
}
"""Of every write."""
LEFT = {
    "description": "It is left to a job, whose address stands in `Location`.",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/JobNowOut"}}},
}
"""The answer of every write that is not waited for."""


def _asks_not_to_wait(request: HttpRequest) -> bool:
    """As RFC 7240 has it: one of several preferences, each with parameters of its own."""
    told = request.headers.get("Prefer", "").split(",")
    return any(one.partition(";")[0].strip().lower() == PREFER for one in told)


def _left_to_jobs(request: HttpRequest, command: Callable[..., list[Any]], requests: Sequence[Any]) -> str:
    """The name of a command that the worker can give and the caller may; '' of any other: it is carried out at once."""
    name = next((name for name, one in commands.items() if one is command), "")
    can = name and parse.actor_of(request).may(name) and jobs.can_wait(name, requests)
    return name if can else ""


def _job(
    request: HttpRequest, name: str, requests: Sequence[Any], key: str, names: Sequence[str]
) -> HttpResponse:
    code = request.GET.get("company")
    asked = jobs.AskJob(
        parse.company_of(code), name, tuple(requests), tuple(names),
        key=f"job:{name}:{parse.actor_of(request).name}:{key}",
    )  # fmt: skip
    (left,) = jobs.ask_jobs(as_oneself(parse.cause_of(request)), requests=[asked])
    if isinstance(left, Refused):
        return problems.refuse(request, left)
    response = HttpResponse(
        wire.dump({"job": left.job, "state": left.state, "done": left.done}),
        status=HTTPStatus.ACCEPTED, content_type="application/json",
    )  # fmt: skip
    query = f"?{urlencode({'company': code})}" if code else ""
    response["Location"] = f"/api/v1/jobs/{left.job}{query}"
    response["Preference-Applied"] = PREFER
    response["Retry-After"] = "1"
    return response


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


def paged(rows: Sequence[Any], limit: int, by: str = "id") -> dict[str, Any]:
    """A page out of rows that were read with one more than its limit, and the cursor of the page behind it."""
    return {"items": rows[:limit], "next": getattr(rows[limit - 1], by) if len(rows) > limit else None}
