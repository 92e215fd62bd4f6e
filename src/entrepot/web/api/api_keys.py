"""API keys, for programs: which there are, another for a program, and one that follows another without a break."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router
from pydantic import Field

from entrepot.access import queries as access
from entrepot.access.commands.issue_key import (
    IssueKey,
    RevokeKey,
    RotateKey,
    issue_key,
    revoke_key,
    rotate_keys,
)
from entrepot.access.lifetimes import DAYS_MAX
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, REFUSED, Company, IdempotencyKey, Many, as_list, give
from entrepot.web.api.schemas import Code, Each, Out, Own, Strict

router = Router()

Secret = Annotated[
    str,
    Field(
        pattern=r"^ek_[0-9a-f]{12}_[0-9a-zA-Z_-]{43}$",
        max_length=59,
        description="`ek_`, 6 random bytes as hex, `_`, and 32 random bytes as base64url without padding: made by the"
        " program that shall have it. The house keeps a digest; no answer says it.",
    ),
]
Days = Annotated[
    int | None,
    Field(
        ge=1,
        le=DAYS_MAX,
        description="How long it is in force; null: as long as the policy `access.keys` lets it, and no longer than the"
        " key that it follows was given.",
    ),
]
KEEPING = ("access.issue_key", "access.rotate_keys", "access.revoke_key")
"""Whoever may give one of these sees the keys of others as well."""


class ApiKeyIn(Strict):
    """A key that acts for a person, by their name. `roles`: those of its person that it acts with; `auditor`, which
    only reads, is open to whoever has any; null: it may do all that its person may."""

    person: Code
    name: Code
    secret: Secret
    days: Days = None
    roles: Annotated[list[Code] | None, Field(min_length=1, max_length=30)] = None
    key: Own = None


class ApiKeyRotateIn(Strict):
    """Another secret for the program of a key. The first one goes on for `overlap_days`, null: as long as the policy
    `access.keys` lets it."""

    id: UUID
    secret: Secret
    days: Days = None
    overlap_days: Annotated[int | None, Field(ge=0, le=DAYS_MAX)] = None
    key: Own = None


class ApiKeyRevokeIn(Strict):
    id: UUID
    key: Own = None


class ApiKeyIssuedOut(Out):
    """`expires_at` null: it has no end."""

    id: UUID
    prefix: str
    expires_at: datetime | None


class ApiKeyRotatedOut(Out):
    """The key that follows, and until when the first one opens something."""

    id: UUID
    prefix: str
    expires_at: datetime | None
    first_until: datetime


class ApiKeyRevokedOut(Out):
    id: UUID


class ApiKeyOut(Out):
    """A key without its secret. `state`: in force, expired or revoked; `follows`: the key whose place it takes;
    `used_at` and `used_from` are up to an hour old; `roles`: those that it acts with, null: all of its person."""

    id: UUID
    name: str
    prefix: str
    person: str
    state: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    follows: UUID | None
    used_at: datetime | None
    used_from: str
    roles: list[str] | None


@router.get("/api-keys", response={200: list[ApiKeyOut], **READ})
def list_api_keys(request: HttpRequest, company: Company = None) -> list[dict[str, Any]]:
    """Keys of people who belong to the company, or to all, the newest first. Who may neither issue nor rotate nor
    revoke keys sees those of their own person."""
    now, people, actor = timezone.now(), _people(company), parse.actor_of(request)
    if not any(map(actor.may, KEEPING)):
        people = {name: which for name, which in people.items() if name == actor.name}
    return [
        {
            "id": one.id, "name": one.name, "prefix": one.prefix, "person": one.person, "state": one.state(now),
            "created_at": one.created_at, "expires_at": one.expires_at, "revoked_at": one.revoked_at,
            "follows": one.follows, "used_at": one.used_at, "used_from": one.used_from,
            "roles": one.roles,
        }
        for one in access.api_keys() if one.person in people
    ]  # fmt: skip


@router.post("/api-keys", response={200: ApiKeyIssuedOut | list[Each[ApiKeyIssuedOut]], **REFUSED})
def issue_api_key(
    request: HttpRequest,
    payload: ApiKeyIn | Annotated[list[ApiKeyIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Keys that may do what their person may, or what some roles of theirs may. A key does no more than whoever issues
    it may."""
    people = _people(company)
    parse.known("person", {one.person for one in as_list(payload)}, people)
    return give(
        request, issue_key, payload, idempotency_key,
        lambda one, key: IssueKey(
            one.name, people[one.person], one.secret, one.days, _tuple(one.roles), key=key
        ),
        has_secret=True,
    )  # fmt: skip


@router.post("/api-keys/rotate", response={200: ApiKeyRotatedOut | list[Each[ApiKeyRotatedOut]], **REFUSED})
def rotate_api_key(
    request: HttpRequest,
    payload: ApiKeyRotateIn | Annotated[list[ApiKeyRotateIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Keys that follow others: both open the house until the first one's end."""
    _known(as_list(payload), company)
    return give(
        request, rotate_keys, payload, idempotency_key,
        lambda one, key: RotateKey(one.id, one.secret, one.days, one.overlap_days, key=key), has_secret=True,
    )  # fmt: skip


@router.post("/api-keys/revoke", response={200: ApiKeyRevokedOut | list[Each[ApiKeyRevokedOut]], **REFUSED})
def revoke_api_key(
    request: HttpRequest,
    payload: ApiKeyRevokeIn | Annotated[list[ApiKeyRevokeIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Keys that open nothing from the next request on, with all that follow them."""
    _known(as_list(payload), company)
    return give(request, revoke_key, payload, idempotency_key, lambda one, key: RevokeKey(one.id, key=key))


def _tuple(roles: list[str] | None) -> tuple[str, ...] | None:
    return None if roles is None else tuple(roles)


def _people(company: str | None) -> dict[str, int]:
    """People who belong to a company, or to all, by name."""
    of = parse.company_of(company)
    return {one.name: one.id for one in access.known() if not one.companies or of in one.companies}


def _known(wanted: Sequence[Any], company: str | None) -> None:
    """Refuse what is no key of somebody of the company."""
    people = _people(company)
    found = {str(one.id) for one in access.api_keys() if one.person in people}
    parse.known("API key", {str(one.id) for one in wanted}, found)
