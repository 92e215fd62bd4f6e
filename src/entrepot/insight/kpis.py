"""Key figures with one definition each: over time, by what tells them apart, and the rows that they are made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Literal, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from entrepot.insight import kpi_facts as facts
from entrepot.kernel import policies, sql
from entrepot.warehouse.labor import Labor

Unit = Literal["share", "ratio", "rate", "hours", "days"]


@dataclass(frozen=True, slots=True)
class Kpi:
    """A key figure. `share`, `ratio` and `rate` (by hour) are Σ good ÷ Σ of; of `hours` mean, median and 95th
    percentile are told; `days` are such quotients of each kind, added, those of what is owed taken off.

    `target` is what the best reach, by `source`; None where nobody has published one. `kind` says what the facts are
    told apart by beside channel and node, and is '' where by nothing. `zero`: neither more nor less is the best.
    """

    name: str
    statement: str
    unit: Unit
    better: Literal["high", "low", "zero"]
    kind: str = ""
    target: float | None = None
    source: str = ""

    def is_better(self, now: float, before: float) -> bool:
        """Whether a figure is better than another that it differs from."""
        if self.better == "zero":
            return abs(now) < abs(before)
        return (now > before) == (self.better == "high")

    @property
    def sides(self) -> tuple[str, ...]:
        """What it can be told by."""
        return tuple(one for one in SIDES if one != "kind" or self.kind)


WERC = "WERC DC Measures 2020"

KPIS = {
    one.name: one
    for one in (
        Kpi("perfect order", facts.PERFECT_ORDER, "share", "high", "outcome"),
        Kpi("order cycle time", facts.CYCLE_TIME, "hours", "low", "carrier"),
        Kpi("net cycle time", facts.NET_CYCLE_TIME, "hours", "low", "carrier"),
        Kpi("shipped complete", facts.SHIPPED_COMPLETE, "share", "high", "carrier", 0.9956, WERC),
        Kpi("shipped on time", facts.ON_TIME_SHIPPING, "share", "high", "carrier", 0.997, WERC),
        Kpi("delivered on time", facts.ON_TIME_DELIVERY, "share", "high", "carrier", 0.9948, WERC),
        Kpi("delivered as promised", facts.DELIVERED_AS_PROMISED, "share", "high", "carrier"),
        Kpi("fill rate", facts.FILL_RATE, "share", "high"),
        Kpi("lines filled", facts.LINES_FILLED, "share", "high"),
        Kpi("orders filled", facts.ORDERS_FILLED, "share", "high"),
        Kpi("split rate", facts.SPLIT_RATE, "ratio", "low"),
        Kpi("cancelled units", facts.CANCELLED, "share", "low"),
        Kpi("oversold lines", facts.OVERSOLD, "share", "low", "cause"),
        Kpi("held orders", facts.HELD, "share", "low", "hold"),
        Kpi("pick accuracy", facts.PICK_ACCURACY, "share", "high", "category", 0.999, WERC),
        Kpi("free of damage", facts.DAMAGE_FREE, "share", "high", "carrier", 0.997, WERC),
        Kpi("documents correct", facts.DOCUMENTS_CORRECT, "share", "high", "outcome", 0.998, WERC),
        Kpi("record accuracy", facts.RECORD_ACCURACY, "share", "high", "class", 0.98, "practice"),
        Kpi("units off", facts.UNITS_OFF, "ratio", "low", "class"),
        Kpi("units more", facts.UNITS_MORE, "ratio", "zero", "class"),
        Kpi("dock to stock", facts.DOCK_TO_STOCK, "hours", "low", "category", 3.5, "WERC DC Measures 2025"),
        Kpi("lines received", facts.LINES_RECEIVED, "rate", "high", "step", 68.9, WERC),
        Kpi("orders packed", facts.ORDERS_PACKED, "rate", "high", "step", 35, WERC),
        Kpi("return rate", facts.RETURN_RATE, "share", "low", "category", 0.176, "online"),
        Kpi("value returned", facts.VALUE_RETURNED, "share", "low", "category"),
        Kpi("return times", facts.RETURN_STAGES, "hours", "low", "stage"),
        Kpi("value kept", facts.VALUE_KEPT, "share", "high", "outcome"),
        Kpi("cost recovered", facts.RECOVERED, "ratio", "high", "disposition"),
        Kpi("net recovery", facts.NET_RECOVERED, "ratio", "high", "part"),
        Kpi("cleared in time", facts.CLEARED, "share", "high", "account", 0.9999, "Stripe"),
        Kpi("left to clear", facts.LEFT_TO_CLEAR, "share", "low", "account"),
        Kpi("cash to cash", facts.CASH_TO_CASH, "days", "low", "part"),
        Kpi("time to resolve", facts.ITEM_HOURS, "hours", "low", "item"),
        Kpi("resolved in time", facts.ITEMS_IN_TIME, "share", "high", "item"),
        Kpi("advice accepted", facts.ADVICE_ACCEPTED, "share", "high", "advice"),
        Kpi("advice right", facts.ADVICE_RIGHT, "share", "high", "advice"),
    )
}  # fmt: skip
"""By name, in the order of an order's life."""


def slug(name: str) -> str:
    """A key figure's name as it stands in addresses."""
    return name.replace(" ", "-")


BY_SLUG = {slug(name): one for name, one in KPIS.items()}

PERIODS = ("day", "week", "month")
SIDES = ("channel", "node", "kind")

_ALL = "''"

_PARTS = " + ".join(
    f"COALESCE({sign}sum(good) FILTER (WHERE kind = '{kind}') / sum(of) FILTER (WHERE kind = '{kind}'), 0)"
    for kind, sign in (("stock", ""), ("receivable", ""), ("payable", "-"))
)
_DAYS = f"CASE WHEN count(*) > 0 THEN {_PARTS} END"


@dataclass(frozen=True, slots=True)
class Asked:
    """What happened from `since` to before `until`; of a channel or node by code, and of one `kind`, '' for any. Days,
    weeks and months are those of `zone`."""

    since: datetime
    until: datetime
    channel: str = ""
    node: str = ""
    kind: str = ""
    zone: str = "UTC"

    @property
    def earlier(self) -> Asked:
        """The same of as many days before, also where clocks were changed meanwhile."""
        since, until = (one.astimezone(ZoneInfo(self.zone)) for one in (self.since, self.until))
        days = until.replace(tzinfo=None) - since.replace(tzinfo=None)
        return replace(self, since=since - days, until=self.since)


class Figure(NamedTuple):
    """A KPI of so many facts. `value` is what it says; None where there was nothing to look at. `median` and `late`
    (the 95th percentile) are of hours alone."""

    name: str
    facts: int
    good: float
    of: float
    value: float | None
    median: float | None
    late: float | None


class Row(NamedTuple):
    """One of the facts that a figure is made of."""

    at: datetime
    channel: str
    node: str
    kind: str
    document: UUID | None
    name: str
    good: float
    of: float

    @property
    def share(self) -> float | None:
        """What it is alone, as the figure is of all."""
        return self.good / self.of if self.of else None


def total(kpi: Kpi, company: int, at: datetime, asked: Asked) -> Figure:
    """The figure of a window, as it is known at a moment. 1 statement; 1 more by the hour."""
    return _figures(kpi, company, at, asked, _ALL)[0]


def over_time(kpi: Kpi, company: int, at: datetime, asked: Asked, period: str) -> list[Figure]:
    """The figure by day, week or month of the zone, the first one first, named by its first day. Books have months of
    UTC. 1 statement; 1 more by the hour."""
    assert period in PERIODS
    named = f"to_char(date_trunc('{period}', at AT TIME ZONE %(zone)s::text), 'YYYY-MM-DD')"
    return _figures(kpi, company, at, asked, named)


def by(kpi: Kpi, company: int, at: datetime, asked: Asked, side: str) -> list[Figure]:
    """The figure by channel, node or kind, by name. 1 statement; 1 more by the hour."""
    assert side in SIDES
    return _figures(kpi, company, at, asked, side)


def rows(kpi: Kpi, company: int, at: datetime, asked: Asked, *, limit: int = 200) -> list[Row]:
    """Facts of a window: those that speak against the house first, the latest of them first. 1 statement; 1
    more by the hour."""
    return [Row(*row) for row in sql.run(*_listed(kpi, company, at, asked, limit))]


def every_row(kpi: Kpi, company: int, at: datetime, asked: Asked) -> Iterator[Row]:
    """The same, all of them, as they are read, in a transaction until then. 1 statement; 1 more by the hour."""
    with sql.one_moment():
        yield from (Row(*row) for row in sql.stream(*_listed(kpi, company, at, asked, None)))


def days_of(period: str, first: date) -> tuple[date, date]:
    """The first and the last day of the day, week or month that begins with a day."""
    if period == "month":
        return first, (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    return first, first + timedelta(days=6 if period == "week" else 0)


def _listed(
    kpi: Kpi, company: int, at: datetime, asked: Asked, limit: int | None
) -> tuple[str, dict[str, object]]:
    worst = "good" if kpi.unit in ("ratio", "hours") else "good / NULLIF(of, 0)"
    worst = f"abs({worst})" if kpi.better == "zero" else worst
    order = f"{worst} {'ASC' if kpi.better == 'high' else 'DESC'} NULLS LAST, at DESC, document"
    statement = f"{_facts(kpi)} SELECT * FROM facts ORDER BY {order} LIMIT %(rows)s::int"
    return statement, {**_params(kpi, company, at, asked), "rows": limit}


def _figures(kpi: Kpi, company: int, at: datetime, asked: Asked, name: str) -> list[Figure]:
    value = {"hours": "avg(good)", "days": _DAYS}.get(kpi.unit, "sum(good) / NULLIF(sum(of), 0)")
    spread = [
        f"percentile_cont({share}) WITHIN GROUP (ORDER BY good)" if kpi.unit == "hours" else "NULL::float8"
        for share in (0.5, 0.95)
    ]
    statement = f"""
{_facts(kpi)}
SELECT {name} AS told, count(*)::int, COALESCE(sum(good), 0)::float8, COALESCE(sum(of), 0)::float8, ({value})::float8,
       {", ".join(spread)}
FROM facts {"" if name == _ALL else "GROUP BY 1 ORDER BY 1"}
"""
    return [Figure(*row) for row in sql.run(statement, _params(kpi, company, at, asked))]


def _facts(kpi: Kpi) -> str:
    return f"""
WITH told ({facts.FACT}) AS ({kpi.statement}), facts AS (
    SELECT * FROM told
    WHERE %(channel)s::text IN ('', channel) AND %(node)s::text IN ('', node) AND %(kind)s::text IN ('', kind)
)"""


def _params(kpi: Kpi, company: int, at: datetime, asked: Asked) -> dict[str, object]:
    since, until, zone = asked.since, asked.until, asked.zone
    if kpi.unit == "days":  # books have months of UTC: the reader's days are taken for days of theirs
        there = ZoneInfo(zone)
        since, until = (one.astimezone(there).replace(tzinfo=UTC) for one in (since, until))
        zone = "UTC"
    told: dict[str, object] = {
        "company": company, "now": at, "since": since, "until": until, "zone": zone, "channel": asked.channel,
        "node": asked.node, "kind": asked.kind,
    }  # fmt: skip
    if kpi.unit == "rate":  # what people reported, by the same pauses as the page of labor, and all of it
        work = policies.of_company(company, Labor, asked.until)[1]
        told |= {"idle": work.idle_max_s, "limit": None}
    return told
