"""The two tables of a report as they go into a file: its figures, and the rows that they are made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from entrepot.insight import kpis
from entrepot.insight.kpis import Asked, Figure, Kpi
from entrepot.web.listing import plain

FIGURES = ("name", "facts", "good", "of", "value", "median", "late")
ROWS = kpis.Row._fields


def figures(kpi: Kpi, company: int, at: datetime, asked: Asked, side: str, period: str) -> list[Figure]:
    """Told by channel, node or kind, or by day, week or month where `side` is none of these. 1 statement."""
    if side in kpi.sides:
        return kpis.by(kpi, company, at, asked, side)
    return kpis.over_time(kpi, company, at, asked, period)


def cells(rows: Iterable[kpis.Row]) -> Iterator[list[Any]]:
    """Rows as a file can hold them."""
    return ([plain(value) for value in row] for row in rows)
