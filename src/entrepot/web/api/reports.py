"""Key figures, for programs: what there is, what each says of a time and of the time before, and the rows behind it.

Each is worked out anew: a program's times end at any moment, so that none of its answers would be asked for again.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Path, Query, Router

from entrepot.insight import kpis
from entrepot.insight.kpis import Asked, Kpi
from entrepot.kernel.errors import Invalid
from entrepot.web import format as fmt
from entrepot.web import kpi_words
from entrepot.web.api import parse
from entrepot.web.api.answers import READ, Company, Limit
from entrepot.web.api.schemas import Code, Moment, Out

router = Router()

if TYPE_CHECKING:
    Report: TypeAlias = str
else:
    Report = Literal[tuple(kpis.BY_SLUG)]

Which = Annotated[Report, Path(..., description="A report, as `GET /api/v1/reports` names it.")]
Since = Annotated[Moment, Query(..., description="What happened from this moment on.")]
Until = Annotated[Moment, Query(..., description="What happened before this moment.")]
Zone = Annotated[
    str, Query("UTC", max_length=60, description="Days, weeks and months are those of this time zone.")
]
Channel = Annotated[Code | None, Query(None, description="Only of a channel.")]
Node = Annotated[Code | None, Query(None, description="Only of a node.")]
Kind = Annotated[str, Query("", max_length=200, description="Only facts of a kind, as `by=kind` names them.")]


class ReportOut(Out):
    """A key figure: what it says in words, what its facts are one of, and in which unit it is.

    `share` (0 to 1), `ratio` and `rate` (an hour) are `good` by `of`; `hours` the mean of `good`; `days` are such
    quotients of each part, added. `better`: high, low or zero. `kind` is what facts are told apart by beside channel
    and node, '' where by nothing. `target` is what the best reach, by `source`.
    """

    report: str
    title: str
    says: str
    facts: str
    unit: str
    better: str
    kind: str
    target: float | None
    source: str


class FigureOut(Out):
    """A figure of so many facts; `value` is none where there are none. `median` and `late` (the 95th percentile) are of
    hours alone. `name`: of what it is, the first day of a day, week or month; '' of all."""

    name: str
    facts: int
    good: float
    of: float
    value: float | None
    median: float | None
    late: float | None


class FiguresOut(Out):
    """The figure of a time, and of as many days before; by day, week or month, or by what tells its facts apart."""

    report: str
    now: FigureOut
    before: FigureOut
    figures: list[FigureOut]


class FactOut(Out):
    """One of the facts that a figure is made of; `document` is the order, shipment, return, item or task that it is of,
    where there is one."""

    at: datetime
    channel: str
    node: str
    kind: str
    document: UUID | None
    name: str
    good: float
    of: float


@router.get("/reports", response={200: list[ReportOut], **READ})
def list_reports(request: HttpRequest) -> list[dict[str, Any]]:  # noqa: ARG001  ninja gives it by name
    """The key figures that there are, in the order of an order's life."""
    return [_report(which, one) for which, one in kpis.BY_SLUG.items()]


def _report(which: str, kpi: Kpi) -> dict[str, Any]:
    words = kpi_words.WORDS[kpi.name]
    return {
        "report": which, "title": str(words.title), "says": str(words.says), "facts": str(words.facts),
        "unit": kpi.unit, "better": kpi.better, "kind": kpi.kind, "target": kpi.target,
        "source": kpi_words.source(kpi),
    }  # fmt: skip


def _asked(since: datetime, until: datetime, zone: str, *said: str | None) -> Asked:
    if until <= since:
        raise Invalid(field="until", expected="a moment after `since`", found=until.isoformat())
    if str(fmt.zone_of(zone)) != zone:
        raise Invalid(field="zone", expected="a time zone, such as Europe/Berlin", found=zone)
    channel, node, kind = (one or "" for one in said)
    return Asked(since, until, channel, node, kind, zone)


@router.get("/reports/{report}", response={200: FiguresOut, **READ})
def tell_report(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    report: Which,
    since: Since,
    until: Until,
    zone: Zone,
    by: Annotated[
        Literal["day", "week", "month", "channel", "node", "kind"],
        Query("day", description="What the figure is told by."),
    ],
    channel: Channel,
    node: Node,
    kind: Kind,
    company: Company = None,
) -> Any:
    """A key figure: of a time, of as many days before, and over time or by what tells its facts apart."""
    own, at, kpi = parse.company_of(company), timezone.now(), kpis.BY_SLUG[report]
    asked = _asked(since, until, zone, channel, node, kind)
    told = kpis.over_time if by in kpis.PERIODS else kpis.by
    return {
        "report": report, "now": kpis.total(kpi, own, at, asked),
        "before": kpis.total(kpi, own, at, asked.earlier), "figures": told(kpi, own, at, asked, by),
    }  # fmt: skip


@router.get("/reports/{report}/rows", response={200: list[FactOut], **READ})
def list_report_rows(
    request: HttpRequest,  # noqa: ARG001  ninja gives it by name
    report: Which,
    since: Since,
    until: Until,
    channel: Channel,
    node: Node,
    kind: Kind,
    limit: Limit,
    company: Company = None,
) -> Any:
    """The facts behind a key figure, those that speak against the house first."""
    asked = _asked(since, until, "UTC", channel, node, kind)
    return kpis.rows(kpis.BY_SLUG[report], parse.company_of(company), timezone.now(), asked, limit=limit)
