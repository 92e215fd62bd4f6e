"""Advice, for programs: what the house suggests and why, and deciding on it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router

from entrepot.insight import suggestions
from entrepot.insight.advising import KINDS
from entrepot.insight.commands.advise import Advise, advise
from entrepot.insight.commands.decide_suggestions import (
    AcceptSuggestion,
    DeclineSuggestion,
    accept_suggestions,
    decline_suggestions,
)
from entrepot.kernel.errors import NotFound
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, REFUSED, After, Company, IdempotencyKey, Limit, Many, give, paged
from entrepot.web.api.schemas import Each, Out, Own, Reason, Strict, Text

router = Router()

Kind = Literal[KINDS]  # type: ignore[valid-type]


class SuggestionOut(Out):
    """A suggestion: what is suggested about which subject, how sure it is (0 to 1), and the facts and sums that it
    comes from. `version`, `fitted_on` and `measured` are of the making that it comes from. `outcome` is right or wrong
    once it is known what came."""

    id: UUID
    kind: str
    subject_kind: str
    subject: UUID
    document: UUID
    number: str
    about: str
    suggested: dict[str, Any]
    confidence: float
    reasons: dict[str, Any]
    version: str
    fitted_on: dict[str, Any]
    measured: dict[str, Any]
    made_at: datetime
    expires_at: datetime
    state: str
    decided_by: str
    decided_at: datetime | None
    why: str
    outcome: str


class SuggestionsOut(Out):
    items: list[SuggestionOut]
    next: UUID | None


class AdviceWorthOut(Out):
    """What became of the suggestions of a kind: `accepted_share` of those decided, `precision` of those of which it is
    known what came; null where there are none. `measured` is what its latest making was worth on what it had not
    seen."""

    kind: str
    open: int
    accepted: int
    declined: int
    expired: int
    right: int
    wrong: int
    accepted_share: float | None
    precision: float | None
    version: str | None
    fitted_on: dict[str, Any] | None
    measured: dict[str, Any] | None
    made_at: datetime | None


class AdviseIn(Strict):
    """All that would be suggested of a kind now."""

    kind: Kind
    key: Own = None


class AdvisedOut(Out):
    """Suggestions of the kind that stand open, and those that expired."""

    kind: str
    suggestions: int
    expired: int


class AcceptAdviceIn(Strict):
    """A suggestion to be followed, with what is known beside."""

    suggestion: UUID
    reason: Text = ""
    key: Own = None


class AcceptedAdviceOut(Out):
    """The command that was given for it, and the document that came of it or was changed."""

    suggestion: UUID
    command: str
    document: UUID


class DeclineAdviceIn(Strict):
    """A suggestion that is not followed, and why."""

    suggestion: UUID
    reason: Reason
    key: Own = None


class DeclinedAdviceOut(Out):
    suggestion: UUID
    kind: str


@router.get("/advice", response={200: SuggestionsOut, **READ})
def list_advice(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    kind: Annotated[Kind | None, Query(None, description="Only suggestions of a kind.")] = None,
    state: Literal["open", "accepted", "declined", "expired"] = "open",
    after: After = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Suggestions, the surest first, a page at a time."""
    rows = suggestions.suggestions(
        parse.company_of(company), kinds=(kind,) if kind else KINDS, state=state, after=after, limit=limit + 1
    )
    return paged(rows, limit)


@router.get("/advice/worth", response={200: list[AdviceWorthOut], **READ})
def tell_advice_worth(
    request: HttpRequest,  # noqa: ARG001
    days: Annotated[int, Query(90, ge=1, le=730)],
    company: Company = None,
) -> list[dict[str, Any]]:
    """What became of the suggestions of the last days by kind, and what their making was worth."""
    own = parse.company_of(company)
    fitted = {one.kind: one for one in suggestions.fittings(own)}
    return [
        one._asdict()
        | {"accepted_share": one.accepted_share, "precision": one.precision}
        | {
            name: getattr(fitted.get(one.kind), name, None)
            for name in ("version", "fitted_on", "measured", "made_at")
        }
        for one in suggestions.followed(own, timezone.now() - timedelta(days=days))
    ]


@router.post("/advice", response={200: AdvisedOut | list[Each[AdvisedOut]], **REFUSED})
def make_advice(
    request: HttpRequest,
    payload: AdviseIn | Annotated[list[AdviseIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Make advice of a kind anew, or of a list of kinds, as every night."""
    own = parse.company_of(company)
    return give(request, advise, payload, idempotency_key, lambda one, key: Advise(own, one.kind, key=key))


@router.post("/advice/accept", response={200: AcceptedAdviceOut | list[Each[AcceptedAdviceOut]], **REFUSED})
def accept_advice(
    request: HttpRequest,
    payload: AcceptAdviceIn | Annotated[list[AcceptAdviceIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Follow suggestions, by the command that people give for the same."""
    return give(
        request, accept_suggestions, payload, idempotency_key,
        lambda one, key: AcceptSuggestion(one.suggestion, one.reason, key=key),
    )  # fmt: skip


@router.post("/advice/decline", response={200: DeclinedAdviceOut | list[Each[DeclinedAdviceOut]], **REFUSED})
def decline_advice(
    request: HttpRequest,
    payload: DeclineAdviceIn | Annotated[list[DeclineAdviceIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Decline suggestions. For the policy's days they are not made again."""
    return give(
        request, decline_suggestions, payload, idempotency_key,
        lambda one, key: DeclineSuggestion(one.suggestion, one.reason, key=key),
    )  # fmt: skip


# Behind the others, whose addresses its ids would match.
@router.get("/advice/{suggestion}", response={200: SuggestionOut, **READ})
def get_advice(
    request: HttpRequest,  # noqa: ARG001
    suggestion: UUID,
    company: Company = None,
) -> suggestions.Suggestion:
    """One suggestion, decided or not."""
    parse.own("suggestion", suggestion, company)
    found = suggestions.suggestion(suggestion)
    if found is None:
        raise NotFound(what="suggestion", which=str(suggestion))
    return found
