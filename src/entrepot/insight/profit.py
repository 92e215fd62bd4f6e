"""Profit to the shipped unit: income and expense of the books by SKU, channel, reason, month or order line."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.insight import margins, profit_facts
from entrepot.insight.margins import Eroded, Profit, Risk
from entrepot.kernel import policies, sql
from entrepot.kernel.shapes import shape
from entrepot.network import queries as network
from entrepot.returns.rules import Policy as Returns
from entrepot.warehouse import task_times
from entrepot.warehouse.waves import Waves

RATE_DAYS = 365
"""Days back of now from which rates of return are taken."""
SIDES = tuple(profit_facts.SIDES)
Sums = dict[str, dict[str, int]]
"""Amounts by component, by the name of a group."""


@shape("insight.profit")
@dataclass(frozen=True, slots=True)
class Handling:
    """What no account holds: what an hour of picking and packing costs, in minor units; 0: it is not counted."""

    labor_minor_per_hour: int = 0


class Asked(NamedTuple):
    """Months from `since` to before `until`, by their first days, and a SKU, a channel or a reason; '' for any."""

    since: date
    until: date
    sku: str = ""
    channel: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """Profit of groups month by month, looked up once, from which all else is told."""

    side: str
    by_month: tuple[tuple[str, Profit], ...]

    def groups(self) -> list[Profit]:
        """Over all months: those that earned most first, months in order. '' is what belongs to no unit."""
        merged = margins.merged(one for _, one in self.by_month)
        if self.side == "month":
            return sorted(merged, key=lambda one: one.name)
        return sorted(merged, key=lambda one: (not one.name, -one.profit_minor, one.name))

    def erosion(self, largest: int = 6) -> list[Eroded]:
        """By month, what returns took of the margin, by the groups that lost most."""
        return margins.erosion(self.by_month, largest)


def profit(company: int, asked: Asked, side: str, at: datetime) -> Told:
    """Profit by `side`, one of SIDES. 9 statements."""
    params = _params(company, asked, at)
    return _told(side, _sums(_named(side), params), params)


def with_lines(company: int, asked: Asked, side: str, at: datetime, limit: int) -> tuple[Told, list[OfLine]]:
    """Profit by `side`, and the order lines that it is made of, as `lines` tells them. 11 statements."""
    params = _params(company, asked, at)
    groups: Sums = defaultdict(lambda: defaultdict(int))
    lines: Sums = defaultdict(lambda: defaultdict(int))
    for name, amounts in _sums(f"{_named(side)} || ' ' || {profit_facts.SIDES['line']}", params).items():
        group, _, line = name.rpartition(" ")
        for component, amount in amounts.items():
            groups[group][component] += amount
            lines[f"{name[:7]} {line}"][component] += amount
    return _told(side, groups, params), _of_lines(_told("line", lines, params), limit)


def _named(side: str) -> str:
    """The name of a group: its month, then what `side` says."""
    return f"{profit_facts.SIDES['month']} || ' ' || {profit_facts.SIDES[side]}"


def _sums(name: str, params: dict[str, Any]) -> Sums:
    """What the books hold, shared out, by the name of the group and by component."""
    sums: Sums = defaultdict(lambda: defaultdict(int))
    statement = profit_facts.FACTS + profit_facts.SUMS.format(name=name.format(row="f"), asked=_where("f"))
    for group, account, event, kind, amount in sql.run(statement, params):
        sums[group][margins.component(account, event, kind)] += amount
    return sums


def _told(side: str, sums: Sums, params: dict[str, Any]) -> Told:
    units, returned, risks = _units(_named(side), params)
    return Told(side, tuple(
        (group[:7], Profit(group[8:], units[group], returned[group], dict(sums[group]), risks[group]))
        for group in sorted({*sums, *units, *returned})
        if units[group] or returned[group] or any(sums[group].values())
    ))  # fmt: skip


class Tied(NamedTuple):
    """A month's profit by the units' rows and by the accounts' balances."""

    month: date
    told_minor: int
    books_minor: int

    @property
    def difference_minor(self) -> int:
        return self.told_minor - self.books_minor


def ties(company: int, asked: Asked, told: Told) -> list[Tied]:
    """By month, whether the sums of what was told of all SKUs, channels and reasons are the books'. 1 statement."""
    params = {"company": company, "since": asked.since, "until": asked.until}
    sums: dict[str, int] = defaultdict(int)
    for month, one in told.by_month:
        sums[month] += one.booked_minor
    return [
        Tied(month, sums[f"{month:%Y-%m}"], minor) for month, minor in sql.run(profit_facts.BOOKS, params)
    ]


@dataclass(frozen=True, slots=True)
class OfLine:
    """An order line in the profit of its units."""

    profit: Profit
    order: UUID
    number: str
    sku_code: str
    channel: str
    shipped_at: datetime | None
    quantity: int

    def units(self) -> list[dict[str, int]]:
        """The amounts of each unit, which sum to those of the line."""
        return margins.of_each_unit(self.profit.amounts, self.quantity) if self.quantity else []


def lines(company: int, asked: Asked, at: datetime, limit: int | None) -> list[OfLine]:
    """Order lines by profit, those that lost most first; without a limit all of them. 10 statements."""
    return _of_lines(profit(company, asked, "line", at), limit)


def _of_lines(told: Told, limit: int | None) -> list[OfLine]:
    found = [one for one in told.groups() if one.name]
    chosen = {
        UUID(one.name): one for one in sorted(found, key=lambda one: (one.profit_minor, one.name))[:limit]
    }
    rows = {row[0]: row[1:] for row in sql.run(profit_facts.LINES, {"lines": list(chosen)})}
    return [OfLine(one, *rows[which]) for which, one in chosen.items() if which in rows]


def _units(name: str, params: dict[str, Any]) -> tuple[dict[str, int], dict[str, int], dict[str, int]]:
    """Units that left and came back by group, and what is at risk."""
    rates, overall = _rates(params)
    recovered = margins.recovered_share(*sql.run(profit_facts.RECOVERED, params)[0])
    units: dict[str, int] = defaultdict(int)
    returned: dict[str, int] = defaultdict(int)
    risks: dict[str, int] = defaultdict(int)
    statement = profit_facts.UNITS.format(name=name.format(row="u"), asked=_where("u"))
    for group, sku, left, back, sold, cost in sql.run(statement, params):
        units[group] += left
        returned[group] += back
        rate = margins.return_rate(*rates.get(sku, (0, 0)), overall)
        risks[group] += margins.at_risk(Risk(sold, cost), rate, recovered)
    return units, returned, risks


def _rates(params: dict[str, Any]) -> tuple[dict[UUID, tuple[int, int]], Fraction]:
    """Units that came back and that left, by SKU; and the share of all."""
    found = {sku: (min(back, left), left) for sku, left, back in sql.run(profit_facts.RATES, params)}
    left = sum(one[1] for one in found.values())
    return found, Fraction(sum(one[0] for one in found.values()), left) if left else Fraction(0)


def _where(row: str) -> str:
    """What narrows the rows; a parameter without a value narrows nothing."""
    wanted = {
        "sku": "COALESCE(k.code, '')",
        "channel": "COALESCE(c.code, '')",
        "reason": f"COALESCE({row}.reason, '')",
    }
    return " AND ".join(
        f"(%({name})s::text = '' OR {what} = %({name})s::text)" for name, what in wanted.items()
    )


def _params(company: int, asked: Asked, at: datetime) -> dict[str, Any]:
    _, returns = policies.of_company(company, Returns, at)
    _, handling = policies.of_company(company, Handling, at)
    return {
        "company": company, "since": asked.since, "until": asked.until, "sku": asked.sku, "channel": asked.channel,
        "reason": asked.reason, "hour_minor": handling.labor_minor_per_hour,
        "open_since": at - timedelta(days=returns.window_days), "rates_since": at - timedelta(days=RATE_DAYS),
        **sql.columns(("nodes", "fixed", "per_line", "per_piece", "per_unit"), _seconds(company, at)),
    }  # fmt: skip


def _seconds(company: int, at: datetime) -> list[tuple[UUID, float, float, float, float]]:
    """By node, how long a parcel takes to pick and pack: in any case, for each line, for each piece picked, and for
    each unit packed. As fitted from history, else as the policy `warehouse.waves` says."""
    waves = policies.in_force(company, Waves, at)
    fitted = {(one.node, one.step): one.standard for one in task_times.standards(company=company)}
    rows = []
    for node in network.nodes(company=company):
        wave = policies.of_scope(waves, node.code, Waves())
        pick, pack = (
            fitted.get((node.id, step)) or task_times.by_policy(step, wave) for step in ("pick", "pack")
        )
        rows.append(
            (node.id, pick.fixed_s + pack.fixed_s, pick.line_s + pack.line_s, pick.unit_s, pack.unit_s)
        )
    return rows
