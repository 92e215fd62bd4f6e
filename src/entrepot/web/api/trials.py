"""Trials of sourcing profiles, for programs: a draft over recorded orders, beside what is in force."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Router
from pydantic import Field

from entrepot.kernel.errors import NotFound
from entrepot.simulation import queries
from entrepot.simulation.commands.try_profiles import AskTrial, ask_trials
from entrepot.simulation.commands.withdraw_trials import WithdrawTrial, withdraw_trials
from entrepot.simulation.whatif import Report, whole_days
from entrepot.web.api import parse
from entrepot.web.api.answers import (
    READ,
    REFUSED,
    After,
    Company,
    IdempotencyKey,
    Limit,
    Many,
    give,
    paged,
)
from entrepot.web.api.schemas import EARLIEST, LATEST, Each, Out, Own, Strict

router = Router()

Day = Annotated[date, Field(ge=EARLIEST.date(), le=LATEST.date())]


class TrialIn(Strict):
    """A draft of `sourcing.profile`, and the days (UTC) whose orders are decided anew, both of which count in full."""

    draft: UUID
    since: Day
    until: Day
    key: Own = None


class TrialWithdrawnIn(Strict):
    trial: UUID
    key: Own = None


class TrialNowOut(Out):
    """A trial, and its state: asked, done, failed or withdrawn."""

    trial: UUID
    state: str


class TrialOut(Out):
    """A trial: `summary` is what came out in a sentence, or why it failed. Of `to_decide` decisions of both sides so
    many are `decided`; 0 before it begins. `draft` is null where the profile came from a file."""

    id: UUID
    draft: UUID | None
    scope: str
    since: date
    until: date
    state: str
    summary: str
    asked_by: str
    asked_at: datetime
    done_at: datetime | None
    decided: int
    to_decide: int


class TrialFiguresOut(Out):
    """What became of orders: `splits` are shipments ÷ shipped − 1, `parcels` the orders by their shipments, `cost` is
    by term and in all in minor units, of what is sent; `late` orders are expected after their promise, or not served;
    `backordered` units ever waited, `waiting` units still do."""

    orders: int
    shipped: int
    shipments: int
    splits: float
    parcels: dict[str, int]
    units: int
    cost: dict[str, int]
    cost_minor: int
    cost_of_unit: int
    unpriced: int
    promised: int
    late: int
    late_days: int
    lateness: dict[str, int]
    backordered: int
    unit_days: float
    waiting: int
    cancelled: int
    substituted: int
    held: int


class TrialLoadOut(Out):
    """What a node had to send: orders and units in all, on a mean day, and on its busiest."""

    node: str
    orders: int
    units: int
    orders_a_day: float
    units_a_day: float
    peak_orders: int
    peak_units: int
    peak_day: date | None


class TrialSideOut(Out):
    """What one profile makes of the window: in all, by channel, and for each node. `gap` is the part of the cost of
    what was planned together that better plans could save at most; null where nothing was."""

    figures: TrialFiguresOut
    channels: dict[str, TrialFiguresOut]
    nodes: list[TrialLoadOut]
    gap: float | None


class TrialTrustOut(Out):
    """Of how many `orders` the replay of what is in force finds the `same` nodes as really served them; `by_another`
    of them another version had decided."""

    orders: int
    same: int
    by_another: int
    share: float


class TrialChangedOut(Out):
    """An order that goes another way: the nodes that serve it, the units that don't come, and why."""

    order: UUID
    number: str
    channel: str
    before: list[str]
    after: list[str]
    lacks_before: int
    lacks_after: int
    why: str


class TrialReportOut(Out):
    """`before` is the profile in force, of this `version` (0: the defaults), `after` the draft. Both are priced by the
    same `rates`, those of `measured_by`. `strangers` are names in the draft that nothing has; `concerns` says to how
    many orders it may matter what the record does not tell. Up to 2,000 of the `changed_count` orders are in `changed`.
    """

    version: int
    waiting: int
    measured_by: str
    rates: dict[str, float]
    strangers: list[str]
    concerns: dict[str, int]
    trust: TrialTrustOut
    before: TrialSideOut
    after: TrialSideOut
    changed: list[TrialChangedOut]
    changed_count: int


class TrialWholeOut(TrialOut):
    """With the profile that was tried, and the report once it is done."""

    profile: dict[str, Any]
    report: TrialReportOut | None


class TrialsOut(Out):
    """A page. `next` is the cursor of the page behind it; null at the end."""

    items: list[TrialOut]
    next: UUID | None


@router.get("/trials", response={200: TrialsOut, **READ})
def list_trials(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    company: Company = None,
    after: After = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Trials, the newest first, a page at a time."""
    found = paged(queries.trials(company=parse.company_of(company), after=after, limit=limit + 1), limit)
    return found | {"items": [_told(one) for one in found["items"]]}


@router.post("/trials", response={201: TrialNowOut, 200: TrialNowOut | list[Each[TrialNowOut]], **REFUSED})
def ask_for_trials(
    request: HttpRequest,
    payload: TrialIn | Annotated[list[TrialIn], Many],
    idempotency_key: IdempotencyKey,
    company: Company = None,
) -> Any:
    """Have the worker replay what was decided in these days, by what is in force and by the draft. Nothing changes but
    that a report is kept, at `GET /trials/{trial}`."""
    of = parse.company_of(company)

    def make(one: TrialIn, key: str) -> AskTrial:
        return AskTrial(of, one.draft, *whole_days(one.since, one.until), key)

    return give(request, ask_trials, payload, idempotency_key, make, 201)


@router.post("/trials/withdraw", response={200: TrialNowOut | list[Each[TrialNowOut]], **REFUSED})
def withdraw_asked_trials(
    request: HttpRequest,
    payload: TrialWithdrawnIn | Annotated[list[TrialWithdrawnIn], Many],
    idempotency_key: IdempotencyKey,
) -> Any:
    """Nobody waits for the report any more: a replay that runs ends where it is."""
    return give(
        request, withdraw_trials, payload, idempotency_key, lambda one, key: WithdrawTrial(one.trial, key)
    )


@router.get("/trials/{trial}", response={200: TrialWholeOut, **READ})
def get_trial(
    request: HttpRequest,  # noqa: ARG001
    trial: UUID,
    company: Company = None,
) -> dict[str, Any]:
    """A trial and its report."""
    parse.own("trial", trial, company)
    found = queries.trial(trial)
    if found is None:
        raise NotFound(what="trial", which=str(trial))
    report = queries.report(trial)
    return _told(found) | {"profile": found.profile, "report": _reported(report) if report else None}


def _told(one: queries.TrialRow) -> dict[str, Any]:
    last = (one.until - timedelta(microseconds=1)).astimezone(UTC).date()
    told = {name: getattr(one, name) for name in TrialOut.model_fields}
    return told | {"since": one.since.astimezone(UTC).date(), "until": last}


def _reported(report: Report) -> dict[str, Any]:
    found = report.found
    told = {
        name: getattr(report, name)
        for name in ("version", "waiting", "measured_by", "rates", "strangers", "concerns")
    }
    return told | {
        name: getattr(found, name) for name in ("trust", "before", "after", "changed", "changed_count")
    }
