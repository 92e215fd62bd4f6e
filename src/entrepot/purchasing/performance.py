"""How suppliers keep their word: on time, in full, in order, and how long they take; from what was recorded."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, datetime
from uuid import UUID

from entrepot.kernel import sql


@dataclass(frozen=True, slots=True)
class Performance:
    """Of a supplier's order lines that were due in a time: how many came, how, and how long they took.

    A line is due on the day that the supplier confirmed first since that day was asked for, or else on the day that was
    asked for. It is on time when something came by then, in full when all came, both when all came by then, by the days
    of the node that it came to. One whose day is not over counts as soon as all of it came. One of which nothing came,
    and that was cancelled or given up, counts where that was done after its day: it was not kept. Bad units came
    damaged or failed their check.
    """

    supplier: UUID
    code: str
    name: str
    lines: int
    came: int
    on_time: int
    in_full: int
    both: int
    units: int
    bad: int
    lead_days: float | None
    lead_deviation: float | None

    @property
    def on_time_share(self) -> float | None:
        return self.on_time / self.lines if self.lines else None

    @property
    def in_full_share(self) -> float | None:
        return self.in_full / self.lines if self.lines else None

    @property
    def both_share(self) -> float | None:
        return self.both / self.lines if self.lines else None

    @property
    def good_share(self) -> float | None:
        return 1 - self.bad / self.units if self.units else None


@dataclass(frozen=True, slots=True)
class DueLine:
    """An order line that was due on a day: what of it came, by then and in all, and how much of that was bad."""

    order: UUID
    order_number: str
    sku: UUID
    sku_code: str
    ordered_at: datetime
    due_on: date
    quantity: int
    came: int
    by_then: int
    bad: int
    first_at: datetime | None

    @property
    def lead_days(self) -> float | None:
        return (self.first_at - self.ordered_at).total_seconds() / 86_400 if self.first_at else None


def of_suppliers(company: int, *, since: date, until: date, today: date) -> list[Performance]:
    """Every supplier of which a line was due from `since` up to before `until`, by code. 1 statement."""
    params = {"company": company, "since": since, "until": until, "today": today}
    return [Performance(*row) for row in sql.run(_PERFORMANCE, params)]


def of_supplier(
    company: int, supplier: UUID, *, since: date, until: date, today: date, limit: int = 60
) -> tuple[Performance | None, list[DueLine]]:
    """The figures of a supplier as `of_suppliers` has them, None where nothing was due, and the latest due of the lines
    behind them. 1 statement."""
    params = {
        "company": company, "supplier": supplier, "since": since, "until": until, "today": today, "limit": limit,
    }  # fmt: skip
    rows = sql.run(_OF_SUPPLIER, params)
    figures = Performance(*rows[0][_LINE:]) if rows else None
    return figures, [DueLine(*row[:_LINE]) for row in rows]


_DUE = """
WITH due AS (
    SELECT bought.supplier_id, bought.id AS order_id, bought.number, bought.ordered_at, line.id, line.sku_id,
           line.quantity,
           COALESCE((SELECT c.expected_on FROM purchasing_confirmation AS c WHERE c.line_id = line.id AND c.quantity > 0
                       AND (line.day_asked IS NULL OR c.id > line.day_asked)
                     ORDER BY c.id LIMIT 1), line.wanted_on) AS day,
           CASE WHEN line.received = 0 AND (bought.state = 'cancelled' OR line.short >= line.quantity) THEN
               (SELECT max((e.occurred_at AT TIME ZONE node.time_zone)::date) FROM kernel_event AS e
                WHERE e.subject_id = bought.id
                  AND (line.short < line.quantity AND e.state_after = 'cancelled' AND e.state_before <> 'cancelled'
                       OR line.short >= line.quantity AND e.payload -> 'lines' @> to_jsonb(line.id::text)))
           END AS ended_on
    FROM purchasing_order AS bought JOIN purchasing_orderline AS line ON line.order_id = bought.id
    JOIN network_node AS node ON node.id = bought.node_id
    WHERE bought.company_id = %(company)s::smallint
      -- What nobody approved never went to him.
      AND (bought.approved_by <> '' OR COALESCE(bought.home_minor, 9223372036854775807) <= bought.alone_minor)
      {whose}
), came AS (
    SELECT due.*, sums.first_at, COALESCE(sums.units, 0) AS units, COALESCE(sums.by_then, 0) AS by_then,
           COALESCE((SELECT sum(c.quantity) FROM purchasing_receiptline AS r
                     JOIN purchasing_claim AS c ON c.receipt_id = r.receipt_id AND c.sku_id = r.sku_id
                     WHERE r.line_id = due.id
                       AND r.id = (SELECT min(one.id::text)::uuid FROM purchasing_receiptline AS one
                                   WHERE one.line_id = due.id AND one.receipt_id = r.receipt_id)), 0) AS bad
    FROM due
    LEFT JOIN LATERAL (
        SELECT min(receipt.received_at) AS first_at, sum(r.quantity) AS units,
               sum(r.quantity) FILTER (
                   WHERE (receipt.received_at AT TIME ZONE node.time_zone)::date <= due.day) AS by_then
        FROM purchasing_receiptline AS r JOIN purchasing_receipt AS receipt ON receipt.id = r.receipt_id
        JOIN network_node AS node ON node.id = receipt.node_id
        WHERE r.line_id = due.id) AS sums ON true
    WHERE due.day >= %(since)s::date AND due.day < %(until)s::date
      AND (due.day < %(today)s::date OR sums.units >= due.quantity)
      AND (due.ended_on IS NULL OR due.ended_on > due.day)
)
"""

_PERFORMANCE = (
    _DUE.replace("{whose}", "")
    + """
SELECT supplier.id, supplier.code, supplier.name, count(*)::int, count(first_at)::int,
       count(*) FILTER (WHERE by_then > 0)::int, count(*) FILTER (WHERE units >= quantity)::int,
       count(*) FILTER (WHERE by_then >= quantity)::int, sum(units)::bigint, LEAST(sum(bad), sum(units))::bigint,
       avg(EXTRACT(epoch FROM first_at - ordered_at) / 86400)::float8,
       stddev_samp(EXTRACT(epoch FROM first_at - ordered_at) / 86400)::float8
FROM came JOIN parties_supplier AS supplier ON supplier.id = came.supplier_id
GROUP BY supplier.id ORDER BY supplier.code
"""
)

_LINE = len(fields(DueLine))

# Summed over all lines, told beside each that is shown: so both are worked out once.
_OF_SUPPLIER = (
    _DUE.replace("{whose}", "AND bought.supplier_id = %(supplier)s::uuid")
    + """
SELECT l.order_id, l.number, l.sku_id, sku.code, l.ordered_at, l.day, l.quantity, l.units::int, l.by_then::int,
       LEAST(l.bad, l.units)::int, l.first_at, supplier.id, supplier.code, supplier.name, l.lines, l.came, l.on_time,
       l.in_full, l.both, l.all_units, l.all_bad, l.lead_days, l.lead_deviation
FROM (
    SELECT came.*, (count(*) OVER w)::int AS lines, (count(first_at) OVER w)::int AS came,
           (count(*) FILTER (WHERE by_then > 0) OVER w)::int AS on_time,
           (count(*) FILTER (WHERE units >= quantity) OVER w)::int AS in_full,
           (count(*) FILTER (WHERE by_then >= quantity) OVER w)::int AS both,
           (sum(units) OVER w)::bigint AS all_units, LEAST(sum(bad) OVER w, sum(units) OVER w)::bigint AS all_bad,
           (avg(EXTRACT(epoch FROM first_at - ordered_at) / 86400) OVER w)::float8 AS lead_days,
           (stddev_samp(EXTRACT(epoch FROM first_at - ordered_at) / 86400) OVER w)::float8 AS lead_deviation
    FROM came WINDOW w AS () ORDER BY day DESC, number DESC, id LIMIT %(limit)s::int) AS l
JOIN catalog_sku AS sku ON sku.id = l.sku_id JOIN parties_supplier AS supplier ON supplier.id = l.supplier_id
ORDER BY l.day DESC, l.number DESC, sku.code
"""
)
