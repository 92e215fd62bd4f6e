"""What operations of the API share: their headers, the problems they may answer, one answer or a list of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from django.http import HttpResponse
from ninja import Header, Query, Status

from entrepot.kernel.errors import NotPermitted, Refused
from entrepot.web.api import problems
from entrepot.web.api.schemas import Code, Key, Problem

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


def answer(results: Sequence[Any], *, is_list: bool, done: int = 200) -> Status[Any] | HttpResponse:
    """One result or its problem; for a list 200 with a result or problem for each, in order."""
    refusals = [one for one in results if isinstance(one, Refused)]
    if refusals and (not is_list or all(isinstance(one, NotPermitted) for one in results)):
        return problems.respond(problems.of_refusal(refusals[0]))
    if not is_list:
        return Status(done, results[0])
    return Status(200, [problems.of_refusal(one) if isinstance(one, Refused) else one for one in results])
