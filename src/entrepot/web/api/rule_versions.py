"""Versions of posting rules, for programs: drafted, put in force from a day on, compared, tried on a month."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router
from pydantic import Field, StrictInt

from entrepot.ledger import version_queries as queries
from entrepot.ledger import versions
from entrepot.ledger.commands.keep_rules import (
    ActivateRules,
    DraftRules,
    WithdrawRules,
    activate_rules,
    draft_rules,
    withdraw_rules,
)
from entrepot.ledger.rules import REASON_MAX
from entrepot.ledger.versions import Change
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, REFUSED, Company, IdempotencyKey, Many, give
from entrepot.web.api.schemas import Code, DayOfBooks, Each, Out, Own, Strict, Text

router = Router()
NUMBER_MAX = 2**15 - 1
Account = Annotated[StrictInt, Field(ge=1, le=2**31 - 1)]
Number = Annotated[int, Query(ge=versions.FIRST, le=NUMBER_MAX)]
RuleVersion = Annotated[
    int | None,
    Query(
        ge=versions.FIRST, le=NUMBER_MAX, description="Of which version; without, of the one in force today."
    ),
]


def rule_version(company: int, asked: int | None) -> int:
    """The version that is asked for, or the one in force today."""
    if asked is None:
        return queries.on_day(company, timezone.now().astimezone(UTC).date())
    queries.known(company, asked)
    return asked


class RuleChangeIn(Strict):
    """The accounts that an amount of a kind goes to when an event happens, from the version on: for just a reason, or
    without one for any that no other rule names."""

    event: Code
    kind: Code
    debit: Account
    credit: Account
    reason: Annotated[str, Field(max_length=REASON_MAX)] = ""


class DraftRulesIn(Strict):
    """Only sides of income and expense can be changed: what the balance sheet holds is compared with records. What
    reports count goes to accounts that count as the same."""

    changes: Annotated[list[RuleChangeIn], Field(min_length=1, max_length=versions.CHANGES_MAX)]
    reason: Text
    key: Own = None


class RulesDraftedOut(Out):
    version: UUID
    number: int


class ActivateRulesIn(Strict):
    """`since`: a day in an open month, not before the version before it."""

    version: UUID
    since: DayOfBooks
    key: Own = None


class WithdrawRulesIn(Strict):
    """A draft, or a version whose day is to come."""

    version: UUID
    reason: Text
    key: Own = None


class RulesDecidedOut(Out):
    version: UUID
    number: int
    state: Literal["active", "withdrawn"]
    since: date | None


class RuleVersionOut(Out):
    """`since`: the day from which it is in force. Version 1 is that which the books opened with, and is not told."""

    id: UUID
    number: int
    state: Literal["draft", "active", "withdrawn"]
    since: date | None
    reason: str
    drafted_by: str
    drafted_at: datetime
    decided_by: str
    decided_at: datetime | None
    note: str
    changes: int


class RuleDifferenceOut(Out):
    """A rule as two versions have it: account debited and account credited."""

    event: str
    kind: str
    reason: str
    was: tuple[int, int]
    now: tuple[int, int]


class MovedOut(Out):
    """Lines of a month that the version would have posted to another account, and their sum, debits above zero."""

    event: str
    kind: str
    reason: str
    was: int
    was_name: str
    now: int
    now_name: str
    lines: int
    functional_minor: int


@router.get("/rule-versions", response={200: list[RuleVersionOut], **READ})
def list_rule_versions(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
) -> Any:
    """Versions of the posting rules, the latest first."""
    return queries.of_company(parse.company_of(company))


@router.post("/rule-versions", response={200: RulesDraftedOut | list[Each[RulesDraftedOut]], **REFUSED})
def draft_rule_versions(
    request: HttpRequest,
    payload: DraftRulesIn | Annotated[list[DraftRulesIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Draft a version of the posting rules; nothing is posted by it before it is in force."""
    which = parse.company_of(company)
    return give(
        request, draft_rules, payload, idempotency_key,
        lambda one, key: DraftRules(
            which,
            tuple(Change(each.event, each.kind, each.debit, each.credit, each.reason) for each in one.changes),
            one.reason, key,
        ),
    )  # fmt: skip


@router.post(
    "/rule-versions/activate", response={200: RulesDecidedOut | list[Each[RulesDecidedOut]], **REFUSED}
)
def activate_rule_versions(
    request: HttpRequest,
    payload: ActivateRulesIn | Annotated[list[ActivateRulesIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Put a draft in force from a day on. What was posted stays."""
    return give(
        request, activate_rules, payload, idempotency_key,
        lambda one, key: ActivateRules(one.version, one.since, key),
    )  # fmt: skip


@router.post(
    "/rule-versions/withdraw", response={200: RulesDecidedOut | list[Each[RulesDecidedOut]], **REFUSED}
)
def withdraw_rule_versions(
    request: HttpRequest,
    payload: WithdrawRulesIn | Annotated[list[WithdrawRulesIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Withdraw a draft, or the last version while its day is to come."""
    return give(
        request, withdraw_rules, payload, idempotency_key,
        lambda one, key: WithdrawRules(one.version, one.reason, key),
    )  # fmt: skip


@router.get("/rule-versions/differences", response={200: list[RuleDifferenceOut], **READ})
def compare_rule_versions(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    before: Number,
    after: Number,
    company: Company = None,
) -> Any:
    """The rules that differ between two versions."""
    of = parse.company_of(company)
    return queries.compare(of, rule_version(of, before), rule_version(of, after))


@router.get("/rule-versions/effect", response={200: list[MovedOut], **READ})
def tell_effect_of_rule_version(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    version: Number,
    month: Annotated[date, Query(description="A day of the month.")],
    company: Company = None,
) -> Any:
    """What was posted in a month and would have gone to another account by a version. Nothing is written."""
    of = parse.company_of(company)
    return queries.would_move(of, rule_version(of, version), month.replace(day=1))
