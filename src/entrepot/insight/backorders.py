"""Who waits for stock, until when, and which supply it waits for; and what each SKU holds up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.network.destinations import promised_day
from entrepot.sourcing.queries import PROMISED

LIMIT = 10_000
"""Lines that one answer has at most, the most urgent."""


@dataclass(frozen=True, slots=True)
class Supplied:
    """Units of an expected supply that are meant for a line, and the day on which they are expected."""

    document_kind: str
    document: UUID
    number: str
    units: int
    on: date

    def __str__(self) -> str:
        return f"{self.number}: {self.units} on {self.on}"


@dataclass(frozen=True, slots=True)
class Waiting:
    """Units of an order line that wait for stock.

    `promised_on` is the customer's day where the order goes, `expected_on` the day on which the last of the units is
    expected, `late_days` how much later that is. Of the units `covered` have a supply that is meant for them;
    `ships_on` is the day from which what is sold ahead ships.
    """

    order: UUID
    order_number: str
    channel: str
    priority: int
    line: UUID
    line_number: int
    sku: UUID
    sku_code: str
    sku_name: str
    units: int
    covered: int
    value_minor: int
    currency: str
    ordered_at: datetime
    promised_on: date | None
    expected_on: date | None
    late_days: int
    ships_on: date | None
    supplies: tuple[Supplied, ...]

    @property
    def uncovered(self) -> int:
        return self.units - self.covered


@dataclass(frozen=True, slots=True)
class HeldUp:
    """What waits for one SKU: lines and units, those of them that come after the promise, and those that no supply is
    expected for; the first and the last day on which some are expected, and since when the first of them waits."""

    sku: UUID
    sku_code: str
    sku_name: str
    lines: int
    units: int
    late: int
    uncovered: int
    first_on: date | None
    last_on: date | None
    since: datetime


class Waits(NamedTuple):
    """Lines that wait, and whether there are more of them than one answer has."""

    lines: list[Waiting]
    cut_off: bool


def waiting(company: int, *, view: str = "", channel: str = "", sku: str = "", limit: int = LIMIT) -> Waits:
    """Lines that wait for stock, in the order in which they are served: priority, promise, time of the order. Of the
    `view` all ('') or those that are expected `late`, lack supply (`uncovered`) or are sold `ahead`. 2 statements."""
    params = {"company": company, "channel": channel, "sku": sku, "view": view, "limit": limit + 1}
    found = sql.run(_WAITING, params)
    rows = found[:limit]
    supplies: dict[UUID, list[Supplied]] = defaultdict(list)
    for line, *supplied in sql.run(_SUPPLIES, {"lines": [row[4] for row in rows]}):
        supplies[line].append(Supplied(*supplied))
    told = [_told(row, supplies) for row in rows]
    # The customer's day hangs on where the order goes: the statement leaves some in that come on the very day.
    return Waits([one for one in told if view != "late" or one.late_days], len(found) > limit)


def _told(row: Sequence[Any], supplies: dict[UUID, list[Supplied]]) -> Waiting:
    *facts, expected_on, ships_on, promise_at, country, postal_code, home = row
    promised_on = promised_day(promise_at, country, postal_code, home)
    late_days = (expected_on - promised_on).days if expected_on and promised_on else 0
    return Waiting(
        *facts, promised_on, expected_on, max(0, late_days), ships_on, tuple(supplies[row[4]])  # type: ignore[call-arg]
    )  # fmt: skip


def held_up(rows: Sequence[Waiting]) -> list[HeldUp]:
    """The same lines by SKU, the one with most units first."""
    of: dict[UUID, list[Waiting]] = defaultdict(list)
    for row in rows:
        of[row.sku].append(row)
    found = [
        HeldUp(
            sku, some[0].sku_code, some[0].sku_name, len(some), sum(one.units for one in some),
            sum(one.units for one in some if one.late_days), sum(one.uncovered for one in some),
            min((by.on for one in some for by in one.supplies), default=None),
            max((one.expected_on for one in some if one.expected_on), default=None),
            min(one.ordered_at for one in some),
        )
        for sku, some in of.items()
    ]  # fmt: skip
    return sorted(found, key=lambda one: (-one.units, one.sku_code))


# Urgency as in `stock.rules.urgency`.
_WAITING = f"""
SELECT b.order_id, o.number, c.code, b.priority::int, b.line_id, l.number::int, b.sku_id, s.code,
       COALESCE(NULLIF(l.description, ''), s.name, ''), b.quantity,
       covered.units, ((l.gross_minor - l.discount_minor) * b.quantity / l.quantity)::bigint, o.currency::text,
       b.ordered_at, b.promised_on, y.ships_on, {PROMISED}
FROM sourcing_backorder AS b JOIN orders_order AS o ON o.id = b.order_id JOIN orders_line AS l ON l.id = b.line_id
JOIN network_channel AS c ON c.id = o.channel_id JOIN catalog_sku AS s ON s.id = b.sku_id
LEFT JOIN stock_preorder AS y ON y.sku_id = b.sku_id
CROSS JOIN LATERAL (SELECT COALESCE(sum((one ->> 'quantity')::int), 0)::int AS units
                    FROM jsonb_array_elements(b.pegs) AS one) AS covered
WHERE b.company_id = %(company)s::smallint AND CASE %(view)s::text
    WHEN 'uncovered' THEN covered.units < b.quantity
    WHEN 'ahead' THEN y.ships_on IS NOT NULL
    WHEN 'late' THEN b.promised_on >= (o.promise_at AT TIME ZONE 'UTC')::date
    ELSE b.quantity > 0 END
  AND (%(channel)s::text = '' OR c.code = %(channel)s::text) AND (%(sku)s::text = '' OR s.code = %(sku)s::text)
ORDER BY b.priority DESC, COALESCE(o.promise_at, 'infinity'), b.ordered_at, b.order_id, l.number LIMIT %(limit)s::int
"""

_SUPPLIES = """
SELECT b.line_id, y.document_kind, y.document_id, COALESCE(p.number, t.number, ''), (one ->> 'quantity')::int,
       (one ->> 'on')::date
FROM sourcing_backorder AS b CROSS JOIN LATERAL jsonb_array_elements(b.pegs) AS one
JOIN stock_supply AS y ON y.line_id = (one ->> 'supply')::uuid
LEFT JOIN purchasing_order AS p ON p.id = y.document_id LEFT JOIN stock_transfer AS t ON t.id = y.document_id
WHERE b.line_id = ANY(%(lines)s::uuid[]) ORDER BY b.line_id, 6, 4
"""
