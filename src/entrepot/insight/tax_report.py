"""Tax by jurisdiction: what was collected and refunded, by place, rate and month, as the account of output tax says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from entrepot.kernel import sql
from entrepot.ledger.manual import OF_NO_RETURN
from entrepot.ledger.rules import TOLD_BY_A_DOCUMENT
from entrepot.parties import queries as parties
from entrepot.settlement.invoice_queries import BESIDE
from entrepot.settlement.invoicing import TAXES_WITHIN


@dataclass(frozen=True, slots=True)
class TaxRow:
    """A place, rate and month, in the company's currency. `rate` is one that is known there, where it is within a
    twentieth of a percent of what an invoice's amounts make (many units, each rounded), else to a tenth of a percent.
    None where no paper tells it, as of what has none yet."""

    month: date
    country: str
    region: str
    rate: Decimal | None
    sold_minor: int
    collected_minor: int
    returned_minor: int
    refunded_minor: int

    @property
    def net_minor(self) -> int:
        """What of the tax is owed."""
        return self.collected_minor - self.refunded_minor

    @property
    def base_minor(self) -> int:
        return self.sold_minor - self.returned_minor

    @property
    def jurisdiction(self) -> str:
        return f"{self.country}-{self.region}" if self.region else self.country


@dataclass(frozen=True, slots=True)
class TaxReport:
    """The rows, and what account 2200 says of the same months. Input tax (1240) stands beside it: it has no place."""

    rows: list[TaxRow]
    account_minor: int
    input_minor: int

    @property
    def net_minor(self) -> int:
        return sum(one.net_minor for one in self.rows)

    @property
    def off_minor(self) -> int:
        """What the rows don't tell of the account; 0, or something was posted to it by hand."""
        return self.account_minor - self.net_minor


def report(company: int, since: date, until: date) -> TaxReport:
    """Of the months from one to another, by their first days. 2 statements; 1 more where places have regions."""
    found = sql.run(_REPORT, {"company": company, "since": since, "until": until})
    regions = _regions(address for _, _, address, *_ in found if address)
    sums: dict[tuple[date, str, str, Decimal | None], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for month, country, address, rate, *amounts in found:
        held = sums[month, country, regions.get(address, ""), rate]
        for place, amount in enumerate(amounts):
            held[place] += amount
    last = Decimal(-1)  # what no invoice tells stands behind the rates
    keys = sorted(sums, key=lambda one: (*one[:3], one[3] is None, one[3] or last))
    ((output, input_),) = sql.run(_ACCOUNTS, {"company": company, "since": since, "until": until})
    return TaxReport([TaxRow(*key, *sums[key]) for key in keys], output, input_)


@dataclass(frozen=True, slots=True)
class TaxEntry:
    """An entry behind a row of the report."""

    entry: UUID
    event: str
    document_kind: str
    document: UUID
    occurred_at: datetime
    invoice: str
    region: str
    base_minor: int
    tax_minor: int


def entries(
    company: int, month: date, country: str, rate: Decimal | None, *, region: str = "", limit: int = 200
) -> list[TaxEntry]:
    """What a row is made of, the latest first; refunds below zero. 1 statement; 1 more where places have regions."""
    params = {
        "company": company, "since": month, "until": month, "country": country, "rate": rate, "limit": limit,
    }  # fmt: skip
    found = sql.run(_ENTRIES, params)
    regions = _regions(row[6] for row in found if row[6])
    rows = [
        TaxEntry(*row[:6], regions.get(row[6], ""), *row[7:])  # type: ignore[call-arg]
        for row in found
    ]  # fmt: skip
    return [one for one in rows if one.region == region]


def _regions(addresses: Iterable[UUID]) -> dict[UUID, str]:
    """Regions stand sealed with the addresses: they are read only of countries whose tax asks for them."""
    wanted = set(addresses)
    return {key: one.region for key, one in parties.addresses(wanted).items()} if wanted else {}


_TAX = " OR ".join(
    f"(l.event = '{event}' AND l.kind = '{kind}tax')" for event, kind in TOLD_BY_A_DOCUMENT.items()
)
_KEPT = "l.kind IN ({})".format(", ".join(f"'return.{kind}'" for kind in TAXES_WITHIN))
_OF_NO_RETURN = ", ".join(f"'manual.{kind}'" for kind in OF_NO_RETURN)
_TOLD_BY_A_DOCUMENT = "({})".format(
    " OR ".join(
        f"(l.event = '{event}' AND l.kind LIKE '{kind}%%')" for event, kind in TOLD_BY_A_DOCUMENT.items()
    )
)
# Each entry that bears tax or might have: what was taxed and the tax in the company's currency, above zero where it was
# collected; split over the rates of its invoice, the rest of rounding with the first.
_TOLD = f"""
WITH entry AS (
    SELECT l.company_id, l.entry_id, l.month, l.event, l.document_kind, l.document_id,
           min(l.occurred_at) AS occurred_at,
           COALESCE(-sum(l.functional_minor) FILTER (WHERE l.account <> 2200), 0)::bigint AS base,
           COALESCE(-sum(l.functional_minor) FILTER (WHERE l.account = 2200 AND {_TAX}), 0)::bigint AS tax,
           COALESCE(-sum(l.functional_minor) FILTER (WHERE l.account = 2200 AND {_KEPT}), 0)::bigint AS kept,
           COALESCE(-sum(l.functional_minor) FILTER (
               WHERE l.account = 2200 AND NOT ({_TAX}) AND NOT {_KEPT}), 0)::bigint AS other
    FROM ledger_line AS l
    WHERE l.company_id = %(company)s::smallint AND l.month BETWEEN %(since)s::date AND %(until)s::date
      AND l.occurred_at >= %(since)s::date::timestamp AT TIME ZONE 'UTC'
      AND l.occurred_at < (%(until)s::date + interval '1 month') AT TIME ZONE 'UTC'
      AND (l.account = 2200 AND l.kind NOT IN ({_OF_NO_RETURN}) OR {_TOLD_BY_A_DOCUMENT})
    GROUP BY 1, 2, 3, 4, 5, 6
), placed AS (
    SELECT e.entry_id, e.month, e.event, e.document_kind, e.document_id, e.occurred_at, e.base,
           e.tax + CASE WHEN k.is_told THEN e.kept ELSE 0 END AS tax,
           e.other + CASE WHEN k.is_told THEN 0 ELSE e.kept END AS other,
           d.id AS document, COALESCE(d.number, '') AS number, d.net_minor, d.tax_minor,
           COALESCE(NULLIF(o.country, ''), NULLIF(w.buyer_country, ''), y.country) AS country,
           CASE WHEN COALESCE(NULLIF(o.country, ''), NULLIF(w.buyer_country, ''), y.country) IN (
               SELECT country FROM tax_jurisdiction AS j WHERE j.company_id = e.company_id AND j.region <> '')
               THEN COALESCE(o.address_id, w.buyer_id) END AS address
    FROM entry AS e JOIN parties_company AS y ON y.id = e.company_id
    LEFT JOIN settlement_document AS d ON d.entry_id = e.entry_id
    CROSS JOIN LATERAL (SELECT d.id IS NOT NULL AND NOT {BESIDE} AS is_told) AS k
    LEFT JOIN shipping_shipment AS s ON s.id = e.document_id AND e.document_kind = 'shipment'
    LEFT JOIN returns_refund AS r ON r.id = e.document_id AND e.document_kind = 'refund'
    LEFT JOIN returns_hold AS h ON h.id = e.document_id AND e.document_kind = 'card_hold'
    LEFT JOIN returns_return AS hr ON hr.id = h.return_id
    LEFT JOIN returns_repair AS rr ON rr.id = e.document_id AND e.document_kind = 'repair'
    LEFT JOIN returns_return AS rp ON rp.id = rr.return_id
    LEFT JOIN returns_departure AS w ON w.id = e.document_id AND e.document_kind = 'departure'
    LEFT JOIN orders_order AS o ON o.id = COALESCE(s.order_id, r.order_id, hr.order_id, rp.order_id, e.document_id)
), told AS (
    SELECT p.*, g.rate, g.place,
           CASE WHEN p.net_minor = 0 THEN 0 ELSE round(p.base::numeric * g.net / p.net_minor)::bigint END AS base_part,
           CASE WHEN p.tax_minor = 0 THEN 0 ELSE round(p.tax::numeric * g.tax / p.tax_minor)::bigint END AS tax_part
    FROM placed AS p
    JOIN LATERAL (SELECT rate, sum(net_minor) AS net, sum(tax_minor) AS tax, row_number() OVER (ORDER BY rate) AS place
                  FROM settlement_documentline WHERE document_id = p.document GROUP BY rate) AS g ON TRUE
), parts AS (
    SELECT entry_id, month, event, document_kind, document_id, occurred_at, number, country, address, rate,
           base_part + CASE place WHEN 1 THEN base - sum(base_part) OVER (PARTITION BY entry_id) ELSE 0 END AS base,
           tax_part + CASE place WHEN 1 THEN tax - sum(tax_part) OVER (PARTITION BY entry_id) ELSE 0 END AS tax
    FROM told
    UNION ALL
    SELECT entry_id, month, event, document_kind, document_id, occurred_at, number, country, address, NULL, base, tax
    FROM placed WHERE document IS NULL AND (base <> 0 OR tax <> 0)
    UNION ALL
    SELECT entry_id, month, event, document_kind, document_id, occurred_at, number, country, address, NULL, 0, other
    FROM placed WHERE other <> 0
)
"""

# An invoice says which rate its amounts make, where no rate that is known fits to the penny. One row is told of all
# that a reader could not tell apart: the known rate that is so near, or the rate to a tenth of a percent.
_NEAR = """
CASE WHEN rate IS NULL OR rate = 0 THEN rate ELSE COALESCE(
    (SELECT k.rate FROM known AS k WHERE k.country = {of}.country AND abs(k.rate - {of}.rate) <= 0.0005
     ORDER BY abs(k.rate - {of}.rate), k.rate LIMIT 1), round(rate, 3)) END
"""
_KNOWN = """
, known AS MATERIALIZED (
    SELECT DISTINCT j.country, r.rate FROM tax_jurisdiction AS j JOIN tax_rate AS r ON r.jurisdiction_id = j.id
    WHERE j.company_id = %(company)s::smallint AND r.rate > 0
)
"""

_REPORT = f"""
{_TOLD}{_KNOWN}
SELECT month, country, address, {_NEAR.format(of="g")}, sold, collected, returned, refunded FROM (
SELECT month, country, address, rate, COALESCE(sum(base) FILTER (WHERE collects), 0)::bigint AS sold,
       COALESCE(sum(tax) FILTER (WHERE collects), 0)::bigint AS collected,
       COALESCE(-sum(base) FILTER (WHERE NOT collects), 0)::bigint AS returned,
       COALESCE(-sum(tax) FILTER (WHERE NOT collects), 0)::bigint AS refunded
FROM (SELECT p.*, event IN ('sale', 'card_hold.taken', 'liquidation.sold', 'repair.charged') AS collects
      FROM parts AS p) AS p
GROUP BY 1, 2, 3, 4) AS g
"""

_ENTRIES = f"""
{_TOLD}{_KNOWN}
SELECT entry_id, event, document_kind, document_id, occurred_at, number, address, sum(base)::bigint, sum(tax)::bigint
FROM parts WHERE country = %(country)s::text AND {_NEAR.format(of="parts")} IS NOT DISTINCT FROM %(rate)s::numeric
GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY occurred_at DESC, entry_id LIMIT %(limit)s::int
"""

# By the balances, not by the lines that the report reads; without what was declared, or brought along from elsewhere.
_ACCOUNTS = f"""
SELECT COALESCE(-sum(functional_minor) FILTER (WHERE account = 2200), 0)::bigint,
       COALESCE(sum(functional_minor) FILTER (WHERE account = 1240), 0)::bigint
FROM (
    SELECT account, functional_minor FROM ledger_balance
    WHERE company_id = %(company)s::smallint AND account IN (1240, 2200)
      AND month BETWEEN %(since)s::date AND %(until)s::date
    UNION ALL
    SELECT l.account, -l.functional_minor FROM ledger_manualentry AS m
    JOIN ledger_line AS l ON l.document_id = m.id AND l.account IN (1240, 2200) AND l.kind IN ({_OF_NO_RETURN})
    WHERE m.company_id = %(company)s::smallint AND m.state = 'posted'
      AND l.month BETWEEN %(since)s::date AND %(until)s::date
) AS b
"""
