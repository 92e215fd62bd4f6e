"""Fit standard times from what people did."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from entrepot.kernel import ids, policies, sql
from entrepot.kernel.aside import step
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.warehouse import labor, task_times


@dataclass(frozen=True, slots=True)
class FitStandards:
    """The standard times of a company's nodes, from the days of history that its policy names."""

    company: int
    key: str | None = None


@dataclass(frozen=True, slots=True)
class StandardsFitted:
    """How many steps of nodes have a new standard, from how many tasks; the others had too few."""

    company: int
    standards: int
    tasks: int


@command("warehouse.fit_standards")
def fit_standards(cause: Cause, /, *, requests: Sequence[FitStandards]) -> list[StandardsFitted | Refused]:
    """A standard for each step of each node that has enough tasks in its history; the earlier ones are kept.

    Locks: none. Refuses: NotFound (a company without nodes). Again: fitted anew. 3 statements, 1 more for each company.
    """
    companies = sorted({one.company for one in requests})
    nodes = task_times.nodes_of(companies)
    rules = policies.of_companies(companies, labor.Labor, cause.at)
    known = {company for company, _ in nodes.values()}
    rows: list[tuple[object, ...]] = []
    done: dict[int, StandardsFitted] = {}
    for company in sorted(known):
        since = cause.at - timedelta(days=rules[company][1].history_days)
        made = _fit(cause, company, since, rules[company][1], nodes)
        rows += made
        done[company] = StandardsFitted(company, len(made), sum(row[8] for row in made))  # type: ignore[misc]
    sql.write("warehouse_standardtime", _COLUMNS, rows)
    announce(
        cause,
        [Event("standard time", row[0], row[1], after="fitted") for row in rows],  # type: ignore[arg-type]
    )
    return [
        done.get(one.company) or NotFound(what="company with nodes", which=one.company) for one in requests
    ]


def _fit(
    cause: Cause, company: int, since: datetime, policy: labor.Labor, nodes: Mapping[str, tuple[int, UUID]]
) -> list[tuple[object, ...]]:
    found: dict[tuple[str, str], list[labor.Observation]] = defaultdict(list)
    observed = task_times.observed(company=company, since=since, until=cause.at, idle_max_s=policy.idle_max_s)
    for one in observed:
        found[one.node, one.step].append(one)
    rows: list[tuple[object, ...]] = []
    for number, ((code, kind), tasks) in enumerate(sorted(found.items())):
        step(number, len(found))
        place = nodes.get(f"{company}/{code}")
        standard = labor.fit(tasks)
        if place and standard:
            times = (standard.fixed_s, standard.line_s, standard.unit_s, standard.meter_s)
            rows.append(
                (
                    ids.uuid7(), company, place[1], kind, *times, standard.tasks, standard.error_s, since, cause.at,
                )
            )  # fmt: skip
    return rows


_COLUMNS = (
    "id", "company_id", "node_id", "step", "fixed_s", "line_s", "unit_s", "meter_s", "tasks", "error_s", "since",
    "fitted_at",
)  # fmt: skip
