"""Forget by what returns were compared: with the person, and when no policy can ask for it any more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused


@dataclass(frozen=True, slots=True)
class ForgetMarks:
    """Fingerprints of the returns of a company's orders, or of those that were asked for before a moment."""

    company: int
    orders: tuple[UUID, ...] = ()
    before: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class MarksForgotten:
    company: int


@command("returns.forget_marks")
def forget_marks(cause: Cause, /, *, requests: Sequence[ForgetMarks]) -> list[MarksForgotten | Refused]:
    """Fingerprints gone for good; judgments stand, since they name nobody.

    No event: whoever asks for it leaves one. Refuses nothing. Again: finds none. 1 statement.
    """
    orders = sorted({order for one in requests for order in one.orders})
    old = [(one.company, one.before) for one in requests if one.before is not None]
    sql.run(_FORGET, sql.columns(("companies", "before"), old) | {"orders": orders})
    return [MarksForgotten(one.company) for one in requests]


_FORGET = """
WITH named AS (DELETE FROM returns_mark WHERE order_id = ANY(%(orders)s::uuid[]))
DELETE FROM returns_mark AS m USING unnest(%(companies)s::smallint[], %(before)s::timestamptz[]) AS d(company, before)
WHERE m.company_id = d.company AND m.asked_at < d.before AND m.order_id <> ALL(%(orders)s::uuid[])
"""
