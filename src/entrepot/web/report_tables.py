"""The two tables of a report as they go into a file: its figures, and the rows that they are made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

from django.http import QueryDict

from entrepot.insight import kpis
from entrepot.insight.kpis import Asked, Figure, Kpi
from entrepot.web import format as fmt
from entrepot.web.edge import clean
from entrepot.web.listing import plain

FIGURES = ("name", "facts", "good", "of", "value", "median", "late")
ROWS = kpis.Row._fields


def asked_of(since: date, until: date, query: QueryDict) -> Asked:
    """What is told of these days of the reader, as the filters in a report's address say."""
    channel, node, kind = (clean(query.get(name)) for name in ("channel", "node", "kind"))
    end = fmt.start_of(until + timedelta(days=1))
    return Asked(fmt.start_of(since), end, channel, node, kind, str(fmt.reading().zone))


def figures(kpi: Kpi, company: int, at: datetime, asked: Asked, side: str, period: str) -> list[Figure]:
    """Told by channel, node or kind, or by day, week or month where `side` is none of these. 1 statement."""
    if side in kpi.sides:
        return kpis.by(kpi, company, at, asked, side)
    return kpis.over_time(kpi, company, at, asked, period)


def cells(rows: Iterable[kpis.Row]) -> Iterator[list[Any]]:
    """Rows as a file can hold them."""
    return ([plain(value) for value in row] for row in rows)
