"""What is asked of the sales that may still come back: their cohorts, the rates observed, and what was measured."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from entrepot.kernel import policies, sql
from entrepot.ledger.chart import plays
from entrepot.returns import rules
from entrepot.returns.expecting import Basis, Cohort, Measured, measure, observed
from entrepot.returns.states import LOOKED_AT, TO_COME


def cohorts(windows: Mapping[int, tuple[datetime, int]]) -> dict[int, list[Cohort]]:
    """By company, with a moment and days of window: what was sold in each month of it and came back by then.
    1 statement; none for none."""
    found: dict[int, list[Cohort]] = {one: [] for one in windows}
    if windows:
        rows = [(company, *window) for company, window in windows.items()]
        for company, *cohort in sql.run(_COHORTS, sql.columns(("companies", "times", "days"), rows)):
            found[company].append(Cohort(*cohort))
    return found


def bases(policies_of: Mapping[int, rules.Policy], times: Mapping[int, datetime]) -> dict[int, Basis]:
    """By company, by what it measures at a moment. 2 statements where some observe, else none."""
    found = {
        company: Basis(one.expected_percent, one.expected_recovery_percent)
        for company, one in policies_of.items()
    }
    asked = [
        (company, times[company], one.window_days, one.observed_months)
        for company, one in policies_of.items()
        if one.expected_by == "observed"
    ]
    if asked:
        params = sql.columns(("companies", "times", "days", "months"), asked)
        over: dict[int, list[tuple[int, int]]] = {}
        for company, sold, returned in sql.run(_OVER, params):
            over.setdefault(company, []).append((sold, returned))
        for company, taken_back, lost in sql.run(_RECOVERED, params):
            found[company] = observed(over.get(company, ()), taken_back, lost) or found[company]
    return found


@dataclass(frozen=True, slots=True)
class Outlook:
    """A company's cohorts as they would be measured at a moment, by what, and what the books hold as of then. `since`:
    the first later moment as of which it was measured; there a difference is taken back."""

    basis: Basis
    measured: tuple[Measured, ...]
    liability_minor: int
    asset_minor: int
    since: datetime | None = None


def outlook(company: int, at: datetime, percent: Decimal | None = None) -> Outlook:
    """What measuring would find, by the policy in force or by another percentage; nothing is posted. 5 statements."""
    _, policy = policies.of_company(company, rules.Policy, at)
    basis = bases({company: policy}, {company: at})[company]
    if percent is not None:
        basis = Basis(percent, basis.recovered)
    found = cohorts({company: (at, policy.window_days)})[company]
    held = books({company: at}).get(company) or Held("", 0, 0)
    return Outlook(basis, tuple(measure(found, basis)), held.liability, held.asset, held.since)


@dataclass(slots=True)
class Held:
    """A company's currency, refund liability and right-of-return asset as the books have them at a moment; and the
    first later one as of which they were measured. `closed`: the first of their months that takes no line any more."""

    currency: str
    liability: int
    asset: int
    since: datetime | None = None
    closed: date | None = None


def books(times: Mapping[int, datetime]) -> dict[int, Held]:
    """By company, what its books hold at a moment. 1 statement."""
    rows = sql.run(_BOOKS, sql.columns(("companies", "times"), times.items()))
    return {company: Held(*held) for company, *held in rows}


@dataclass(frozen=True, slots=True)
class CohortRow:
    """A cohort as it was last measured in a month; those that stand make up the books."""

    measured: date
    month: date
    sold_minor: int
    cost_minor: int
    returned_minor: int
    returned_cost_minor: int
    percent: Decimal
    recovered: Decimal
    liability_minor: int
    asset_minor: int
    stands: bool
    measured_at: datetime
    asked_minor: int
    asked_cost_minor: int


def measures(company: int, *, limit: int = 240) -> list[CohortRow]:
    """What was measured, the latest month first, and its cohorts by month of sale. 1 statement."""
    return [CohortRow(*row) for row in sql.run(_MEASURES, {"company": company, "limit": limit})]


def _listed(states: Collection[str]) -> str:
    return ", ".join(f"'{one}'" for one in states)


# What one unit of a sale's currency was worth when its entry was posted: estimates are in the company's own currency.
# Those who read it have `h`, a shipment, `o`, its order, and `c`, the company.
RATE = """
CASE WHEN o.currency = c.currency THEN 1 ELSE COALESCE((
    SELECT sum(e.functional_minor)::numeric / NULLIF(sum(e.amount_minor), 0) FROM ledger_line AS e
    WHERE e.document_id = h.id AND e.event = 'sale' AND e.account = 2100), 0) END
"""

# Refunds and receipts are looked for by their return, shipments by their order: by a line alone they have no index.
# Of a line of a return (`l`) what was refunded by a moment, and what was exchanged for its like, which is no return:
# its replacement is a sale of its own, and may come back itself.
_PAID = """
SELECT COALESCE(sum(p.goods_minor) FILTER (WHERE x.refund_id IS NULL), 0) AS refunded,
       COALESCE(sum(p.goods_minor) FILTER (WHERE x.refund_id IS NOT NULL), 0) AS exchanged,
       COALESCE(sum(p.units) FILTER (WHERE x.refund_id IS NOT NULL), 0) AS exchanged_units,
       COALESCE(sum(p.units), 0) AS units
FROM returns_refund AS f JOIN returns_refundline AS p ON p.refund_id = f.id AND p.return_line_id = l.id
LEFT JOIN returns_exchange AS x ON x.refund_id = f.id AND x.even AND f.outcome = 'exchange'
WHERE f.return_id = l.return_id AND f.state <> 'rejected' AND f.requested_at <= {at}
"""

# Of a return that was agreed to, whether it was open at a moment; as the partial indexes have it.
_OPEN_RETURN = f"""
r.state IN ({_listed(TO_COME)}) OR r.state IN ({_listed(LOOKED_AT)})
OR (r.closed_at IS NOT NULL AND r.closed_at > w.at AND r.state <> 'declined')
"""

# Of sales that left before the window, what open returns will still give back and bring: their window is over, and what
# was asked for is owed all the same. Before a return was given up, nothing of it was cancelled or missing. Units that
# are exchanged are a sale of their own.
_ASKED = f"""
SELECT company_id, month, round(sum(l.to_refund * worth / units))::bigint AS asked,
       round(sum(l.to_come * cost / units))::bigint AS asked_cost
FROM (
    SELECT r.company_id, w.at, w.days, r.order_id, l.id, l.line_id,
           l.quantity - gone.cancelled - i.units - l.refused - l.repaired AS to_refund,
           l.quantity - gone.cancelled - gone.missing - came.units AS to_come
    FROM w JOIN returns_return AS r ON r.company_id = w.company AND r.requested_at <= w.at
      AND ({_OPEN_RETURN}) AND r.asked IN ('refund', 'store_credit')
    LEFT JOIN returns_expiry AS e ON e.return_id = r.id AND e.closed_at > w.at
    JOIN returns_line AS l ON l.return_id = r.id
    CROSS JOIN LATERAL (SELECT CASE WHEN e.return_id IS NULL THEN l.cancelled ELSE 0 END AS cancelled,
                               CASE WHEN e.return_id IS NULL THEN l.missing ELSE 0 END AS missing) AS gone
    CROSS JOIN LATERAL ({_PAID.format(at="w.at")}) AS i
    CROSS JOIN LATERAL (SELECT COALESCE(sum(c.quantity), 0) AS units FROM returns_receipt AS c
                        WHERE c.return_id = r.id AND c.return_line_id = l.id AND c.received_at <= w.at) AS came
    WHERE e.return_id IS NOT NULL OR NOT r.without_refund
) AS l
CROSS JOIN LATERAL (
    SELECT date_trunc('month', min(h.shipped_at), 'UTC')::date AS month, max(h.shipped_at) AS left_at,
           sum((s.goods_minor - s.discount_minor) * {RATE}) AS worth, sum(s.quantity) AS units,
           sum((SELECT COALESCE(sum(m.value_minor), 0) FROM stock_move AS m
                WHERE m.document_id = h.id AND m.line_id = s.line_id AND m.to_place = 'customer')) AS cost
    FROM shipping_shipment AS h JOIN shipping_shipmentline AS s ON s.shipment_id = h.id AND s.line_id = l.line_id
    JOIN orders_order AS o ON o.id = h.order_id JOIN parties_company AS c ON c.id = h.company_id
    WHERE h.order_id = l.order_id AND h.shipped_at <= l.at
) AS sale
WHERE left_at <= l.at - make_interval(days => l.days) AND (l.to_refund > 0 OR l.to_come > 0)
GROUP BY company_id, month
"""

# By the month in which the first units of a line left: what they sold for and cost, and what of both has come back.
# What was refunded and never came is not expected any more, nor what its customer keeps; where its price was taken of
# the card, it was bought.
_COHORTS = f"""
WITH w AS (
    SELECT * FROM unnest(%(companies)s::smallint[], %(times)s::timestamptz[], %(days)s::int[]) AS w(company, at, days)
),
sold AS (
    SELECT h.company_id, w.at, date_trunc('month', h.shipped_at, 'UTC')::date AS month, l.line_id,
           l.goods_minor - l.discount_minor AS charged, (l.goods_minor - l.discount_minor) * {RATE} AS sold,
           (SELECT COALESCE(sum(m.value_minor), 0) FROM stock_move AS m
            WHERE m.document_id = h.id AND m.line_id = l.line_id AND m.to_place = 'customer') AS cost
    FROM w JOIN shipping_shipment AS h ON h.company_id = w.company
      AND h.shipped_at > w.at - make_interval(days => w.days) AND h.shipped_at <= w.at
    JOIN shipping_shipmentline AS l ON l.shipment_id = h.id
    JOIN orders_order AS o ON o.id = h.order_id JOIN parties_company AS c ON c.id = h.company_id
),
lines AS (
    SELECT company_id, at, min(month) AS month, line_id, sum(charged) AS charged, sum(sold) AS sold, sum(cost) AS cost
    FROM sold GROUP BY company_id, at, line_id
),
told AS (
    SELECT s.company_id, s.month, s.sold, s.cost,
           COALESCE(b.exchanged, 0) * y.rate AS exchanged, COALESCE(b.exchanged_cost, 0) AS exchanged_cost,
           COALESCE(b.refunded, 0) * y.rate AS returned, COALESCE(b.returned_cost, 0) AS returned_cost
    FROM lines AS s CROSS JOIN LATERAL (SELECT COALESCE(s.sold / NULLIF(s.charged, 0), 0) AS rate) AS y
    LEFT JOIN LATERAL (
        SELECT sum(i.refunded - COALESCE(h.goods, 0)) AS refunded, sum(i.exchanged) AS exchanged,
               round(s.cost * sum(i.exchanged_units) / max(q.shipped)) AS exchanged_cost,
               sum(round(COALESCE(r.cost, 0) * greatest(0, r.units - i.exchanged_units) / r.units))
               + round(s.cost * sum(CASE WHEN t.asked = 'keep' THEN i.units
                                         WHEN e.return_id IS NULL THEN 0
                                         ELSE l.missing - h.units END) / max(q.shipped)) AS returned_cost
        FROM returns_line AS l JOIN returns_sold AS q ON q.line_id = l.line_id
        JOIN returns_return AS t ON t.id = l.return_id
        CROSS JOIN LATERAL ({_PAID.format(at="s.at")}) AS i
        CROSS JOIN LATERAL (SELECT sum(r.cost_minor) AS cost, greatest(sum(r.quantity), 1) AS units
                            FROM returns_receipt AS r
                            WHERE r.return_id = l.return_id AND r.return_line_id = l.id AND r.received_at <= s.at) AS r
        LEFT JOIN returns_expiry AS e ON l.missing > 0 AND e.return_id = l.return_id AND e.closed_at <= s.at
        LEFT JOIN LATERAL (
            SELECT COALESCE(sum(round(y.minor::numeric * (k.taken_minor - k.returned_minor) * k.goods_minor
                                      / NULLIF(k.amount_minor::numeric ^ 2, 0))), 0) AS goods,
                   COALESCE(sum(round(y.units::numeric * (k.taken_minor - k.returned_minor)
                                      / NULLIF(k.amount_minor, 0))), 0) AS units
            FROM returns_holdline AS y JOIN returns_hold AS k ON k.id = y.hold_id AND k.state = 'taken'
            WHERE y.return_line_id = l.id) AS h ON e.return_id IS NOT NULL
        WHERE l.line_id = s.line_id
    ) AS b ON EXISTS (SELECT FROM returns_sold WHERE line_id = s.line_id)
)
SELECT company_id::int, month, COALESCE(c.sold, 0), COALESCE(c.cost, 0), COALESCE(c.returned, 0),
       COALESCE(c.returned_cost, 0), COALESCE(a.asked, 0), COALESCE(a.asked_cost, 0)
FROM (
    SELECT company_id, month, round(sum(sold - exchanged))::bigint AS sold, sum(cost - exchanged_cost)::bigint AS cost,
           round(sum(returned))::bigint AS returned, sum(returned_cost)::bigint AS returned_cost
    FROM told GROUP BY company_id, month
) AS c
FULL JOIN ({_ASKED}) AS a USING (company_id, month)
ORDER BY company_id, month
"""

# Months that ended before the window began; what came back of a sale that was rejected or is asked for later is not.
_OVER = f"""
SELECT w.company::int,
       round(sum((s.goods_minor - s.discount_minor - COALESCE(b.exchanged, 0)) * y.rate))::bigint,
       round(sum(COALESCE(b.returned, 0) * y.rate))::bigint
FROM unnest(%(companies)s::smallint[], %(times)s::timestamptz[], %(days)s::int[], %(months)s::int[])
     AS w(company, at, days, months)
CROSS JOIN LATERAL (SELECT date_trunc('month', w.at - make_interval(days => w.days), 'UTC') AS until) AS m
JOIN shipping_shipment AS h ON h.company_id = w.company AND h.shipped_at < m.until
 AND h.shipped_at >= m.until - make_interval(months => w.months)
JOIN orders_order AS o ON o.id = h.order_id JOIN parties_company AS c ON c.id = h.company_id
JOIN shipping_shipmentline AS s ON s.shipment_id = h.id
CROSS JOIN LATERAL (SELECT {RATE} AS rate) AS y
LEFT JOIN LATERAL (
    SELECT sum(i.refunded * s.quantity / q.shipped) AS returned, sum(i.exchanged * s.quantity / q.shipped) AS exchanged
    FROM returns_sold AS q JOIN returns_line AS l ON l.line_id = q.line_id
    CROSS JOIN LATERAL ({_PAID.format(at="w.at")}) AS i
    WHERE q.line_id = s.line_id
) AS b ON TRUE
GROUP BY w.company, date_trunc('month', h.shipped_at, 'UTC')
"""

# Of goods that came back (`l`, a line of the journal): what they had cost; and what was lost of it, in the bin, with a
# vendor, by a lot, as a gift, in repair or in second grade, with what their way back cost. Another write-down is of a
# SKU at a node, whatever of it had been sold before, and says nothing of them.
TAKEN_BACK = f"l.event IN ('stock.return', 'stock.sent_back') AND {plays('l', 5000)}"
LOST = f"""
({plays("l", 5320, 5340, 5350)} OR {plays("l", 5410)} AND l.event = 'stock.donated'
 OR {plays("l", 5500)} AND l.document_kind = 'return_label'
 OR {plays("l", 5330)} AND l.event = 'second_grade.written_down')
"""

# The months of the window are found by the BRIN index of the journal on `occurred_at`, in which they stand together:
# read are their lines, and no others, however long a house's journal is.
_RECOVERED = f"""
SELECT w.company::int,
       COALESCE(-sum(l.functional_minor) FILTER (WHERE {TAKEN_BACK}), 0)::bigint,
       COALESCE(sum(l.functional_minor) FILTER (WHERE {LOST}), 0)::bigint
FROM unnest(%(companies)s::smallint[], %(times)s::timestamptz[], %(days)s::int[], %(months)s::int[])
     AS w(company, at, days, months)
LEFT JOIN ledger_line AS l ON l.company_id = w.company AND l.occurred_at <= w.at
 AND l.occurred_at > w.at - make_interval(months => w.months) AND ({TAKEN_BACK} OR {LOST})
GROUP BY w.company
"""

# What there is, less what was posted behind the moment: of that there is little.
_BOOKS = """
SELECT c.id::int, c.currency::text, (h.liability - p.liability)::bigint, (h.asset - p.asset)::bigint, n.since,
       (SELECT min(q.month) FROM ledger_period AS q
        WHERE q.company_id = c.id AND q.state = 'closed'
          AND q.month IN (date_trunc('month', w.at, 'UTC'), date_trunc('month', n.since, 'UTC')))
FROM unnest(%(companies)s::smallint[], %(times)s::timestamptz[]) AS w(company, at)
JOIN parties_company AS c ON c.id = w.company
CROSS JOIN LATERAL (
    SELECT COALESCE(sum(b.credit_minor - b.debit_minor) FILTER (WHERE b.account = 2310), 0) AS liability,
           COALESCE(sum(b.debit_minor - b.credit_minor) FILTER (WHERE b.account = 1220), 0) AS asset
    FROM ledger_balance AS b WHERE b.company_id = c.id AND b.account IN (2310, 1220)
) AS h
CROSS JOIN LATERAL (
    SELECT COALESCE(-sum(l.functional_minor) FILTER (WHERE l.account = 2310), 0) AS liability,
           COALESCE(sum(l.functional_minor) FILTER (WHERE l.account = 1220), 0) AS asset
    FROM ledger_line AS l WHERE l.company_id = c.id AND l.account IN (2310, 1220) AND l.occurred_at > w.at
) AS p
CROSS JOIN LATERAL (SELECT min(m.as_of) AS since FROM ledger_measurement AS m
                    WHERE m.company_id = c.id AND m.subject = 'returns' AND m.as_of > w.at) AS n
"""

_MEASURES = """
SELECT measured, month, sold_minor, cost_minor, returned_minor, returned_cost_minor, percent, recovered,
       liability_minor, asset_minor, stands, measured_at, asked_minor, asked_cost_minor
FROM returns_cohort WHERE company_id = %(company)s::smallint
ORDER BY measured DESC, month LIMIT %(limit)s::int
"""

# invariant 20: the cohorts that were measured last make up what the books hold, and those that were measured last in a
# month that is open what they held then
CHECK = """
SELECT format('company %s: cohorts expect %s back and goods worth %s, accounts 2310 and 1220 hold %s and %s',
              c.company_id, c.liability, c.asset, COALESCE(b.liability, 0), COALESCE(b.asset, 0))
FROM (
    SELECT k.company_id, sum(k.liability_minor) AS liability, sum(k.asset_minor) AS asset
    FROM returns_cohort AS k WHERE k.stands GROUP BY k.company_id
) AS c
LEFT JOIN (
    SELECT company_id, sum(credit_minor - debit_minor) FILTER (WHERE account = 2310) AS liability,
           sum(debit_minor - credit_minor) FILTER (WHERE account = 1220) AS asset
    FROM ledger_balance WHERE account IN (2310, 1220) GROUP BY company_id
) AS b USING (company_id)
WHERE (c.liability, c.asset) <> (COALESCE(b.liability, 0), COALESCE(b.asset, 0))
UNION ALL
SELECT format('company %s: as of %s %s was expected back and goods worth %s, accounts 2310 and 1220 held %s and %s',
              m.company_id, m.as_of, k.liability, k.asset, b.liability, b.asset)
FROM (
    SELECT company_id, max(as_of) AS as_of FROM ledger_measurement
    WHERE subject = 'returns' GROUP BY company_id, date_trunc('month', as_of, 'UTC')
) AS m
CROSS JOIN LATERAL (
    SELECT COALESCE(sum(liability_minor), 0) AS liability, COALESCE(sum(asset_minor), 0) AS asset
    FROM returns_cohort
    WHERE company_id = m.company_id AND measured = date_trunc('month', m.as_of, 'UTC') AND measured_at = m.as_of
) AS k
CROSS JOIN LATERAL (
    SELECT COALESCE(-sum(functional_minor) FILTER (WHERE account = 2310), 0) AS liability,
           COALESCE(sum(functional_minor) FILTER (WHERE account = 1220), 0) AS asset
    FROM (
        SELECT account, functional_minor FROM ledger_balance
        WHERE company_id = m.company_id AND account IN (2310, 1220) AND month < date_trunc('month', m.as_of, 'UTC')
        UNION ALL
        SELECT account, functional_minor FROM ledger_line
        WHERE company_id = m.company_id AND account IN (2310, 1220) AND occurred_at <= m.as_of
          AND occurred_at >= date_trunc('month', m.as_of, 'UTC')
    ) AS l
) AS b
WHERE (k.liability, k.asset) <> (b.liability, b.asset)
  AND NOT EXISTS (SELECT FROM ledger_period AS p WHERE p.company_id = m.company_id AND p.state = 'closed'
                  AND p.month = date_trunc('month', m.as_of, 'UTC'))
"""
