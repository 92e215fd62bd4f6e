"""Labor, for control rooms: which cut-offs the backlog will miss, how much is done, how long it takes."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router

from entrepot.kernel.cause import Cause
from entrepot.network import queries as network
from entrepot.warehouse import performance_queries, task_times
from entrepot.warehouse.commands.fit_standards import FitStandards, fit_standards
from entrepot.warehouse.commands.show_performance import note_look
from entrepot.warehouse.performance import day_began
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, REFUSED, Company, IdempotencyKey, give
from entrepot.web.api.schemas import Code, Out, Own, Strict

router = Router()


class LaborStepOut(Out):
    """What a step has to do up to a cut-off, with all that is due before, against the time that its people have.

    `late_s` is how long they need beyond it; `orders_late` are those that will miss it.
    """

    step: str
    cutoff_at: datetime
    orders: int
    lines: int
    units: int
    people: int
    needed_s: int
    capacity_s: int
    late_s: int
    orders_late: int


class LaborWaitsOut(Out):
    """Work of a step that no cut-off waits for; `needed_s` is how long one person takes, null where no standard time
    was fitted."""

    step: str
    tasks: int
    lines: int
    units: int
    needed_s: int | None


class IntakeOut(Out):
    """What is to be received and put away on a day: what is expected, with what is overdue today, `announced` of it by
    notices and transfers, and units that stand at the dock. `receive_s` and `put_away_s` are how long one person takes
    by what was measured, null where nothing was; `left_s` is what the people whom the policy names do not manage that
    day, with what was left of the days before."""

    day: date
    documents: int
    lines: int
    units: int
    announced: int
    dock_units: int
    receive_s: int | None
    put_away_s: int | None
    left_s: int | None


class OutlookOut(Out):
    """A node; `fitted` are the steps whose times come from history. `other` work waits there beside; `inbound` is what
    comes in by day."""

    node: UUID
    node_code: str
    fitted: list[str]
    steps: list[LaborStepOut]
    other: list[LaborWaitsOut]
    inbound: list[IntakeOut]


class ThroughputOut(Out):
    """What was done of a kind of work in a shift, and the seconds that it took in all."""

    step: str
    node: str
    shift: str
    profile: str
    tasks: int
    lines: int
    units: int
    seconds: int
    lines_an_hour: float
    units_an_hour: float


class StandardOut(Out):
    """Seconds of a step for each task, line, piece (`unit_s`: a unit, or a case or pallet picked whole) and meter;
    `error_s` is how far a task is off on average."""

    node: UUID
    node_code: str
    step: str
    fixed_s: float
    line_s: float
    unit_s: float
    meter_s: float
    tasks: int
    error_s: float
    since: datetime
    fitted_at: datetime


class PersonOut(Out):
    """What a person did of a step today; `seconds` is what it took and `norm_s` what it should have, null where nobody
    knows. `lists` and `stops` are what is open at hand; `reported_at` is null where nothing was reported today."""

    person: str
    step: str
    tasks: int
    lines: int
    units: int
    seconds: int
    norm_s: int | None
    lists: int
    stops: int
    reported_at: datetime | None
    lines_an_hour: float
    units_an_hour: float
    norm_percent: float | None


class BeforePackingOut(Out):
    """What waits before the packing stations: orders, and the first of them to leave."""

    orders: int
    lines: int
    leaves_at: datetime | None
    stations: int


class PeopleTodayOut(Out):
    """The people of a node since its day began."""

    node: str
    since: datetime
    people: list[PersonOut]
    before_packing: BeforePackingOut


class FitIn(Strict):
    """Fit the standard times of all nodes."""

    key: Own = None


class FittedOut(Out):
    """Steps of nodes that have a new standard, and the tasks that they come from."""

    standards: int
    tasks: int


@router.get("/labor/outlook", response={200: list[OutlookOut], **READ})
def tell_outlook(request: HttpRequest, company: Company = None) -> Any:  # noqa: ARG001
    """What is queued at each node against its next cut-offs, and what will miss them; and what comes in by day."""
    return task_times.outlooks(company=parse.company_of(company), at=timezone.now())


@router.get("/labor/throughput", response={200: list[ThroughputOut], **READ})
def tell_throughput(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    days: Annotated[int, Query(7, ge=1, le=90)],
    company: Company = None,
    node: Code | None = None,
) -> Any:
    """What was done in the last days by step, node, shift and kind of work; of all nodes or one."""
    now, own = timezone.now(), parse.company_of(company)
    parse.nodes_of(own, {node} if node else ())
    rows = task_times.throughput(company=own, since=now - timedelta(days=days), until=now)
    return [one for one in rows if node in (None, one.node)]


@router.get("/labor/performance", response={200: PeopleTodayOut, **READ})
def tell_performance(request: HttpRequest, node: Code, company: Company = None) -> Any:
    """What each person of a node did today, by the clock of the node. It takes the right `warehouse.show_performance`,
    and who asked is noted, once a day."""
    now, own = timezone.now(), parse.company_of(company)
    which = parse.nodes_of(own, {node})[node]
    found = next(one for one in network.nodes(company=own) if one.id == which)
    note_look(Cause(parse.actor_of(request), now), own, found)
    return {
        "node": node,
        "since": day_began(now, found.time_zone),
        "people": performance_queries.people_of(company=own, node=found, at=now),
        "before_packing": performance_queries.before_packing(company=own, node=found, at=now),
    }


@router.get("/labor/standards", response={200: list[StandardOut], **READ})
def list_standards(request: HttpRequest, company: Company = None) -> Any:  # noqa: ARG001
    """The standard times in force."""
    return task_times.standards(company=parse.company_of(company))


@router.post("/labor/standards", response={200: FittedOut, **REFUSED})
def fit_standard_times(
    request: HttpRequest, payload: FitIn, idempotency_key: IdempotencyKey, company: Company = None
) -> Any:
    """Fit the standard times to what people did, as every night does."""
    chosen = parse.company_of(company)
    return give(request, fit_standards, payload, idempotency_key, lambda _, key: FitStandards(chosen, key))
