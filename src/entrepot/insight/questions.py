"""Questions whose answers are kept in a large house (`answers`), each by the function that works it out."""

# ruff: noqa: ARG001  each is given the moment, whether or not it needs one

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from entrepot.insight import (
    advice_facts,
    campaigns,
    kpis,
    making,
    pace,
    pages,
    profit,
    promises,
    return_times,
    tax_report,
    urgency,
)
from entrepot.insight.answers import question, question_of_reports, question_of_work
from entrepot.kernel import queries as kernel
from entrepot.returns import asked_queries, cohort_queries
from entrepot.settlement import carrier_queries, clearing_queries, closing_queries, invoice_queries
from entrepot.settlement import queries as settlement
from entrepot.settlement.closing import Checked
from entrepot.warehouse import labor, shelf_queries, task_times


@question_of_reports
def kpi_total(company: int, at: datetime, kpi: str, asked: kpis.Asked) -> kpis.Figure:
    return kpis.total(kpis.KPIS[kpi], company, at, asked)


@question_of_reports
def kpi_over_time(
    company: int,
    at: datetime,
    kpi: str,
    asked: kpis.Asked,
    period: str,
) -> list[kpis.Figure]:
    return kpis.over_time(kpis.KPIS[kpi], company, at, asked, period)


@question_of_reports
def kpi_by(company: int, at: datetime, kpi: str, asked: kpis.Asked, side: str) -> list[kpis.Figure]:
    return kpis.by(kpis.KPIS[kpi], company, at, asked, side)


@question_of_reports
def kpi_rows(company: int, at: datetime, kpi: str, asked: kpis.Asked, limit: int) -> list[kpis.Row]:
    return kpis.rows(kpis.KPIS[kpi], company, at, asked, limit=limit)


@question_of_reports
def promises_kept(company: int, at: datetime, by: str, asked: promises.Asked) -> list[promises.Kept]:
    return promises.kept(company, by, asked)


@question
def item_durations(company: int, at: datetime) -> dict[str, list[float]]:
    """How many hours finished work items of each type took of late, in order."""
    return urgency.durations_of(advice_facts.closed(company, at - making.CLOSED_FOR))


@question
def campaigned(company: int, at: datetime, part: str, days: int) -> list[campaigns.Campaigned]:
    """Campaigns ('') or promotions of the orders placed in so many days."""
    ask = campaigns.promotions if part == "promotions" else campaigns.campaigns
    return ask(company, since=at - timedelta(days=days), until=at)


@question_of_reports
def profit_told(
    company: int, at: datetime, asked: profit.Asked, side: str
) -> tuple[profit.Told, list[profit.Tied]]:
    """With the accounts' balances of the same moment, so that no month differs for having been looked at later."""
    told = profit.profit(company, asked, side, at)
    return told, profit.ties(company, asked, told)


@question_of_reports
def profit_narrowed(
    company: int, at: datetime, asked: profit.Asked, side: str, limit: int
) -> tuple[profit.Told, list[profit.OfLine]]:
    return profit.with_lines(company, asked, side, at, limit)


@question_of_reports
def return_times_by(
    company: int,
    at: datetime,
    asked: return_times.Asked,
    by: return_times.Side | None,
) -> list[return_times.Times]:
    return return_times.times(company, asked, by)


@question_of_reports
def return_weeks(
    company: int,
    at: datetime,
    asked: return_times.Asked,
    stage: str,
) -> list[return_times.Times]:
    return return_times.over_time(company, asked, stage)


@question_of_reports
def return_ways(
    company: int,
    at: datetime,
    asked: return_times.Asked,
    limit: int,
) -> list[return_times.Way]:
    return return_times.ways(company, asked, limit=limit)


@question_of_work
def outlooks(company: int, at: datetime) -> list[task_times.NodeOutlook]:
    return task_times.outlooks(company=company, at=at)


@question_of_work
def flow(company: int, at: datetime, nodes: tuple[str, ...], channel: str) -> dict[str, pages.Stage]:
    return pages.flow(company=company, now=at, nodes=nodes, channel=channel)


@question_of_work
def late_orders(company: int, at: datetime, nodes: tuple[str, ...], channel: str) -> list[pages.OrderRow]:
    return pages.late_orders(company=company, now=at, nodes=nodes, channel=channel)


@question
def pulse(company: int, at: datetime, hours: int, nodes: tuple[str, ...], channel: str) -> list[pages.Pulse]:
    return pages.pulse(
        company=company, since=at - timedelta(hours=hours - 1), until=at, nodes=nodes, channel=channel
    )


@question
def bins_used(company: int, at: datetime, node: str, days: int) -> list[shelf_queries.BinUse]:
    """The bins of a node, by its id, with what was picked from them in so many days and stands in them."""
    return shelf_queries.bins_used(company=company, node=UUID(node), since=at - timedelta(days=days))


@question_of_work
def passed(company: int, at: datetime, hours: int, nodes: tuple[str, ...], channel: str) -> list[pace.Passed]:
    return pace.passed(
        company=company, since=at - timedelta(hours=hours), until=at, nodes=nodes, channel=channel
    )


@question
def sent_since(company: int, at: datetime, days: int) -> int:
    """Units that left in so many days."""
    return sum(row.units for row in asked_queries.sent(company, at - timedelta(days=days), at))


@question_of_work
def open_clearing(company: int, at: datetime) -> list[settlement.Clearing]:
    return settlement.open_clearing(company)


@question_of_work
def closing_checklist(company: int, at: datetime, month: date) -> list[Checked]:
    return closing_queries.checklist(company, month, at)


@question_of_work
def month_report(company: int, at: datetime, month: date) -> closing_queries.MonthReport:
    return closing_queries.month_report(company, month, at)


@question_of_work
def tax(company: int, at: datetime, since: date, until: date) -> tax_report.TaxReport:
    return tax_report.report(company, since, until)


@question_of_work
def tax_entries(
    company: int, at: datetime, month: date, country: str, rate: Decimal | None, region: str
) -> list[tax_report.TaxEntry]:
    return tax_report.entries(company, month, country, rate, region=region)


@question_of_work
def clearing_accounts(company: int, at: datetime) -> list[clearing_queries.AccountRow]:
    return clearing_queries.accounts(company, at)


@question_of_work
def throughput(company: int, at: datetime, days: int) -> list[labor.Throughput]:
    """How much was done in so many days."""
    return task_times.throughput(company=company, since=at - timedelta(days=days), until=at)


@question_of_work
def expected_returns(
    company: int, at: datetime, until: datetime | None, percent: Decimal | None
) -> cohort_queries.Outlook:
    """As of the end of a month, or of the moment of asking."""
    return cohort_queries.outlook(company, until or at, percent)


@question_of_work
def unbilled(company: int, at: datetime) -> list[carrier_queries.Unbilled]:
    return carrier_queries.unbilled(company)


@question_of_work
def untold(company: int, at: datetime, days: int, most: int) -> int:
    """Entries of so many days that no document tells of; no more than so many are counted."""
    return len(invoice_queries.untold(company, at - timedelta(days=days), at + timedelta(days=1), most))


@question_of_work
def standing(company: int, at: datetime) -> list[kernel.Standing]:
    return kernel.standing(company)
