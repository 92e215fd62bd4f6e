"""Policies, for programs: what steers the house, and new versions of it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any

import msgspec
from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router
from pydantic import AfterValidator, Field

from entrepot.kernel import policies, wire
from entrepot.kernel.policies import SetPolicy, SetUntried, set_policy, set_untried
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, REFUSED, Company, IdempotencyKey, Many, give
from entrepot.web.api.schemas import CODE_MAX, NO_NUL, Each, Moment, Out, Own, Reason, Strict, Text

router = Router()

BODY_MAX = 1_000_000
Scope = Annotated[
    str,
    Field(
        max_length=CODE_MAX,
        pattern=NO_NUL,
        description="What it is narrowed to, as a channel's code; '': for all.",
    ),
]


def _fits(body: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps(body)
    if "\\u0000" in text or len(text) > BODY_MAX:
        raise ValueError(f"expected no NUL and at most {BODY_MAX} characters")
    return body


Body = Annotated[dict[str, Any], AfterValidator(_fits)]
"""Of a policy: its fields."""


class PolicyIn(Strict):
    """A new version of a policy for a scope. What `body` leaves out is as by default. It is in force from
    `in_force_from`, a moment that is over: at once. `note` says why."""

    kind: Annotated[str, Field(max_length=CODE_MAX, pattern=NO_NUL, examples=["orders.validation"])]
    body: Body
    in_force_from: Moment
    scope: Scope = ""
    note: Text = ""
    key: Own = None


class PolicyUntriedIn(Strict):
    """As a new version of a policy is set, of a kind that is tried before it comes into force; `reason` says why this
    one is not."""

    kind: Annotated[str, Field(max_length=CODE_MAX, pattern=NO_NUL, examples=["sourcing.profile"])]
    body: Body
    in_force_from: Moment
    reason: Reason
    scope: Scope = ""
    key: Own = None


class PolicySetOut(Out):
    kind: str
    scope: str
    version: int


class PolicyOut(Out):
    """A version of a policy; `is_in_force`: whether it steers its scope now."""

    kind: str
    scope: str
    version: int
    in_force_from: datetime
    author: str
    note: str
    body: dict[str, Any]
    is_in_force: bool


@router.get("/policies", response={200: list[PolicyOut], **READ})
def list_policies(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    kind: Annotated[
        str, Query(max_length=CODE_MAX, pattern=NO_NUL, description="Such as `orders.validation`.")
    ],
    company: Company = None,
) -> list[dict[str, Any]]:
    """Versions of a kind of policy, by scope, the newest first. A scope without one is steered by that for all, else by
    the defaults."""
    rows = policies.versions(parse.company_of(company), kind)
    current = {scope: row.version for (_, scope), row in policies.holding(rows, timezone.now()).items()}
    return [
        {name: getattr(one, name) for name in PolicyOut.model_fields if name != "is_in_force"}
        | {"body": read_body(one.body), "is_in_force": current.get(one.scope) == one.version}
        for one in rows
    ]


@router.post(
    "/policies", response={201: PolicySetOut, 200: PolicySetOut | list[Each[PolicySetOut]], **REFUSED}
)
def set_policies(
    request: HttpRequest,
    payload: PolicyIn | Annotated[list[PolicyIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Put new versions of policies in force, as with one rule of validation switched for a channel. One of a kind that
    the house can try (`sourcing.profile`) is refused: `POST /policy-drafts` and `POST /trials`, or `POST
    /policies/untried`."""
    of = parse.company_of(company)

    def make(one: PolicyIn, key: str) -> SetPolicy:
        body = whole_body(one.kind, one.body)
        return SetPolicy(of, one.kind, body, one.in_force_from, one.scope, one.note, key)

    return give(request, set_policy, payload, idempotency_key, make, 201)


@router.post(
    "/policies/untried", response={201: PolicySetOut, 200: PolicySetOut | list[Each[PolicySetOut]], **REFUSED}
)
def set_policies_untried(
    request: HttpRequest,
    payload: PolicyUntriedIn | Annotated[list[PolicyUntriedIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Put new versions of policies in force without the trial that their kind has, as when a node burns. It takes a
    permission of its own."""
    of = parse.company_of(company)

    def make(one: PolicyUntriedIn, key: str) -> SetUntried:
        body = whole_body(one.kind, one.body)
        return SetUntried(of, one.kind, body, one.in_force_from, one.reason, one.scope, key)

    return give(request, set_untried, payload, idempotency_key, make, 201)


def whole_body(kind: str, body: dict[str, Any]) -> Any:
    """With what it leaves out; as it came where it does not fit, which the command says."""
    if policies.misfit(kind, body):
        return body
    return wire.load(wire.dump(body), policies.bodies[kind])


def read_body(body: Any) -> Any:
    return msgspec.json.decode(body) if isinstance(body, (str, bytes)) else body
