"""Drafts of policies, for programs: kept, tried, made the next version from a day on, or put away."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import Field

from entrepot.kernel import drafts
from entrepot.kernel.drafts import (
    ActivateDraft,
    DraftPolicy,
    DropDraft,
    TryDraft,
    activate_draft,
    draft_policy,
    drop_draft,
    try_draft,
)
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, REFUSED, Company, IdempotencyKey, Many, give
from entrepot.web.api.policies import Body, Scope, read_body, whole_body
from entrepot.web.api.schemas import CODE_MAX, NO_NUL, Each, Moment, Out, Own, Reason, Strict, Text

router = Router()

Kind = Annotated[str, Field(max_length=CODE_MAX, pattern=NO_NUL, examples=["sourcing.profile"])]


class PolicyDraftIn(Strict):
    """What might become a version of a policy for a scope. What `body` leaves out is as by default. The draft is called
    by its `note`."""

    kind: Kind
    body: Body
    scope: Scope = ""
    note: Text = ""
    key: Own = None


class PolicyTriedIn(Strict):
    """What came out when a draft was tried. Of a sourcing profile a trial tells that itself, and nobody else: `POST
    /trials`."""

    draft: UUID
    summary: Reason
    key: Own = None


class PolicyActivatedIn(Strict):
    """`in_force_from` has not passed; without it, from the next second on."""

    draft: UUID
    in_force_from: Moment | None = None
    key: Own = None


class PolicyDroppedIn(Strict):
    draft: UUID
    reason: Reason
    key: Own = None


class PolicyDraftNowOut(Out):
    """A draft, its state (draft, tried, active, dropped), and the version that it became."""

    draft: UUID
    state: str
    version: int | None


class PolicyDraftOut(Out):
    """A draft: `summary` is what came out of its last trial, `tried_by` how it was tried (`word`: a person says
    so), `report` the trial that has the rest, where there is one."""

    id: UUID
    kind: str
    scope: str
    state: str
    note: str
    author: str
    drafted_at: datetime
    summary: str
    tried_by: str
    report: UUID | None
    version: int | None
    body: dict[str, Any]


@router.get("/policy-drafts", response={200: list[PolicyDraftOut], **READ})
def list_policy_drafts(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    kind: Annotated[
        str,
        Query("", max_length=CODE_MAX, pattern=NO_NUL, description="Such as `sourcing.profile`; '': all."),
    ],
    company: Company = None,
    state: Literal["draft", "tried", "active", "dropped"] | None = None,
    limit: Annotated[int, Query(50, ge=1, le=200)] = 50,
) -> list[dict[str, Any]]:
    """Drafts of a kind of policy, or of all, the newest first."""
    rows = drafts.drafts(parse.company_of(company), kind, limit=limit, state=state or "")
    return [
        {name: getattr(one, name) for name in PolicyDraftOut.model_fields} | {"body": read_body(one.body)}
        for one in rows
    ]


@router.post(
    "/policy-drafts",
    response={201: PolicyDraftNowOut, 200: PolicyDraftNowOut | list[Each[PolicyDraftNowOut]], **REFUSED},
)
def draft_policies(
    request: HttpRequest,
    payload: PolicyDraftIn | Annotated[list[PolicyDraftIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Keep drafts. None of them is in force."""
    of = parse.company_of(company)

    def make(one: PolicyDraftIn, key: str) -> DraftPolicy:
        return DraftPolicy(of, one.kind, whole_body(one.kind, one.body), one.scope, one.note, key)

    return give(request, draft_policy, payload, idempotency_key, make, 201)


@router.post(
    "/policy-drafts/try", response={200: PolicyDraftNowOut | list[Each[PolicyDraftNowOut]], **REFUSED}
)
def try_policy_drafts(
    request: HttpRequest,
    payload: PolicyTriedIn | Annotated[list[PolicyTriedIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Say what came out when drafts were tried: then they may be activated. Drafts of a kind that the house can try
    (`sourcing.profile`) are refused."""
    return give(
        request, try_draft, payload, idempotency_key,
        lambda one, key: TryDraft(one.draft, one.summary, key=key),
    )  # fmt: skip


@router.post(
    "/policy-drafts/activate", response={200: PolicyDraftNowOut | list[Each[PolicyDraftNowOut]], **REFUSED}
)
def activate_policy_drafts(
    request: HttpRequest,
    payload: PolicyActivatedIn | Annotated[list[PolicyActivatedIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Have tried drafts come into force, at once or from a moment on; a version that begins later keeps its day."""
    return give(
        request, activate_draft, payload, idempotency_key,
        lambda one, key: ActivateDraft(one.draft, one.in_force_from, key),
    )  # fmt: skip


@router.post(
    "/policy-drafts/drop", response={200: PolicyDraftNowOut | list[Each[PolicyDraftNowOut]], **REFUSED}
)
def drop_policy_drafts(
    request: HttpRequest,
    payload: PolicyDroppedIn | Annotated[list[PolicyDroppedIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Put drafts away for good."""
    return give(
        request, drop_draft, payload, idempotency_key, lambda one, key: DropDraft(one.draft, one.reason, key)
    )
