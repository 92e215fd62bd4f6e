"""`entrepot export journal` and `saft`: the journal of a company as CSV, and as a standard audit file. Streamed."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple, TextIO

from entrepot.insight import saft, saft_sources
from entrepot.insight.saft import Row
from entrepot.insight.saft_sources import InvoiceLine, MoveLine, PaidLine
from entrepot.kernel import money, policies, sql
from entrepot.settlement.invoicing import Seller

CSV_COLUMNS = (
    "entry", "line", "date", "month", "account", "account_name", "debit", "credit", "currency", "functional_debit",
    "functional_credit", "functional_currency", "kind", "event", "document_kind", "document", "external_account",
)  # fmt: skip


PAYMENTS = (
    "payment.captured", "payment.refunded", "payment.refund_bounced", "payment.disputed", "payment.dispute_won",
    "payment.paid_out", "bank.booked",
)  # fmt: skip
"""Events by which money moves between the house and somebody else, or its own accounts with them."""
ONE_DAY = timedelta(days=1)


class Span(NamedTuple):
    """A company's journal from one day to the one before another."""

    company: int
    since: date
    until: date

    @property
    def of_a_year(self) -> bool:
        return self.until.year - self.since.year == 1


def span(company: int, year: int | None = None) -> Span:
    """Of a year, or of all time."""
    return Span(company, date(year or 1900, 1, 1), date(year + 1 if year else 2200, 1, 1))


def journal(out: TextIO, of: Span) -> int:
    """The lines as CSV, one a line, in the order of recording; at the end of each the number of its account in the
    chart of whoever they are handed to. Returns how many. 3 statements."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    count = 0
    with sql.one_moment():
        home = _company(of)[2]
        numbers = dict(sql.run(_EXTERNAL, {"company": of.company}))
        for line in _lines(of):
            count += 1
            writer.writerow((
                line.entry, line.number, line.on_date, f"{line.on_date:%Y-%m}", line.account, line.account_name,
                *_sides(line.amount_minor, line.currency), line.currency, *_sides(line.functional_minor, home), home,
                line.kind, line.event, line.document_kind, line.document, numbers.get(line.account, ""),
            ))  # fmt: skip
    return count


def _sides(minor: int, currency: str) -> tuple[str, str]:
    text = money.text(abs(minor), currency)
    return (text, "") if minor >= 0 else ("", text)


def audit_file(out: TextIO, of: Span, at: datetime) -> int:
    """The journal and the documents behind it in the structure of SAF-T (OECD 2.0), without personal data: customers by
    their code. Returns the number of entries. 14 statements.

    Accounts that stand open with what they closed the year before with. Income and expenses begin each year with
    nothing: what they made before is the result of earlier years.
    """
    with sql.one_moment():
        code, name, currency, country = _company(of)
        _, seller = policies.of_company(of.company, Seller, at)
        ((entries, debit, credit, first, last),) = sql.run(_TOTALS, of._asdict())
        since, until = (
            (of.since, of.until - ONE_DAY) if of.of_a_year else (first or at.date(), last or at.date())
        )
        header = saft.Header(
            code, name, currency, country, since, until, at, seller.registration, seller.tax_number,
            (seller.line1, seller.city, seller.postal_code),
        )  # fmt: skip
        out.writelines(saft.head(header))
        out.writelines(saft.accounts(currency, sql.run(_ACCOUNTS, of._asdict())))
        out.writelines(saft.parties("Customers", "Customer", sql.stream(_CUSTOMERS, of._asdict())))
        out.writelines(saft.parties("Suppliers", "Supplier", sql.run(_SUPPLIERS, of._asdict())))
        out.writelines(saft.taxes(sql.run(_TAXES, of._asdict())))
        out.writelines(saft_sources.products(sql.stream(_PRODUCTS, of._asdict())))
        out.writelines(saft.entries_head(entries, debit, credit, currency))
        for _, lines in groupby(_lines(of), key=attrgetter("entry")):
            out.writelines(saft.entry(list(lines), currency))
        out.writelines(saft.entries_foot())
        _sources(out, of, currency)
        out.writelines(saft.foot())
    return int(entries)


def _sources(out: TextIO, of: Span, currency: str) -> None:
    """Invoices by the day that they were issued on, so that a year has its series whole; payments and goods by the day
    that they moved on."""
    out.write("<SourceDocuments>\n")
    _invoices(out, of, currency)
    _payments(out, of, currency)
    _movements(out, of, currency)
    out.write("</SourceDocuments>\n")


def _invoices(out: TextIO, of: Span, currency: str) -> None:
    params = of._asdict() | {"home": currency}
    count, debit, credit = sql.run(_INVOICES_SUM, params)[0]
    out.writelines(saft.group("SalesInvoices", count, debit, credit, currency))
    lines = (InvoiceLine(*row) for row in sql.stream(_INVOICES, params))
    for _, some in groupby(lines, key=attrgetter("number")):
        out.writelines(saft_sources.invoice(list(some), currency))
    out.write("</SalesInvoices>\n")


def _payments(out: TextIO, of: Span, currency: str) -> None:
    params = of._asdict() | {"events": list(PAYMENTS)}
    count, debit, credit = sql.run(_PAYMENTS_SUM, params)[0]
    out.writelines(saft.group("Payments", count, debit, credit, currency))
    lines = (PaidLine(Row(*row), method) for *row, method in sql.stream(_PAYMENTS, params))
    for _, some in groupby(lines, key=attrgetter("row.entry")):
        out.writelines(saft_sources.payment(list(some), currency))
    out.write("</Payments>\n")


def _movements(out: TextIO, of: Span, currency: str) -> None:
    out.writelines(saft_sources.movements_head(*sql.run(_MOVES_SUM, of._asdict())[0]))
    lines = (MoveLine(*row) for row in sql.stream(_MOVES, of._asdict()))
    for _, some in groupby(lines, key=attrgetter("document", "reason", "on_date")):
        out.writelines(saft_sources.movement(list(some), currency))
    out.write("</MovementOfGoods>\n")


def _company(of: Span) -> tuple[str, str, str, str]:
    rows = sql.run(
        "SELECT code, name, currency, country FROM parties_company WHERE id = %(id)s", {"id": of.company}
    )
    return rows[0]  # type: ignore[return-value]


def _lines(of: Span) -> Iterable[Row]:
    return (Row(*row) for row in sql.stream(_LINES, of._asdict()))


def company_of(code: str) -> int | None:
    """A company by its code; without one the first."""
    rows: list[tuple[Any, ...]] = sql.run("SELECT id::int, code FROM parties_company ORDER BY id")
    return next((which for which, own in rows if code in ("", own)), None)


_WITHIN = """
l.company_id = %(company)s::smallint AND l.occurred_at >= %(since)s::date::timestamp AT TIME ZONE 'UTC'
AND l.occurred_at < %(until)s::date::timestamp AT TIME ZONE 'UTC'
"""

_LINES = f"""
SELECT l.entry_id, l.number, l.account::int, a.name, l.amount_minor, l.currency, l.functional_minor, l.kind, l.event,
       l.document_kind, l.document_id, (l.occurred_at AT TIME ZONE 'UTC')::date, l.recorded_at
FROM ledger_line AS l JOIN ledger_account AS a ON a.company_id = l.company_id AND a.code = l.account
WHERE {_WITHIN} ORDER BY l.entry_id, l.number
"""

_SIDES = """
SELECT count(DISTINCT l.entry_id), COALESCE(sum(l.functional_minor) FILTER (WHERE l.functional_minor > 0), 0)::bigint,
       COALESCE(-sum(l.functional_minor) FILTER (WHERE l.functional_minor < 0), 0)::bigint
"""

_TOTALS = f"""{_SIDES},
       (min(l.occurred_at) AT TIME ZONE 'UTC')::date, (max(l.occurred_at) AT TIME ZONE 'UTC')::date
FROM ledger_line AS l WHERE {_WITHIN}
"""

_EXTERNAL = """
SELECT code::int, external FROM ledger_account WHERE company_id = %(company)s::smallint AND external <> ''
"""

_ACCOUNTS = """
WITH sums AS (
    SELECT a.code, a.name, a.external, a.type, a.type IN ('income', 'expense') AS of_a_year,
           COALESCE(sum(l.functional_minor)
                    FILTER (WHERE l.occurred_at < %(since)s::date::timestamp AT TIME ZONE 'UTC'), 0) AS before,
           COALESCE(sum(l.functional_minor)
                    FILTER (WHERE l.occurred_at < %(until)s::date::timestamp AT TIME ZONE 'UTC'), 0) AS after
    FROM ledger_account AS a LEFT JOIN ledger_line AS l ON l.company_id = a.company_id AND l.account = a.code
    WHERE a.company_id = %(company)s::smallint GROUP BY a.code, a.name, a.external, a.type
)
SELECT code::text, name, external, type, CASE WHEN of_a_year THEN 0 ELSE before END::bigint,
       CASE WHEN of_a_year THEN after - before ELSE after END::bigint
FROM sums
UNION ALL
SELECT 'RESULT', 'Result of earlier years', '', 'equity', sum(before)::bigint, sum(before)::bigint
FROM sums WHERE of_a_year HAVING sum(before) <> 0
ORDER BY 1
"""

_CUSTOMERS = "SELECT code, '' FROM parties_customer WHERE company_id = %(company)s::smallint ORDER BY code"
_SUPPLIERS = "SELECT code, name FROM parties_supplier WHERE company_id = %(company)s::smallint ORDER BY code"

_TAXES = """
SELECT j.code, j.country, r.category, r.valid_from, r.rate
FROM tax_jurisdiction AS j JOIN tax_rate AS r ON r.jurisdiction_id = j.id
WHERE j.company_id = %(company)s::smallint ORDER BY 1, 3, 4
"""

_PRODUCTS = "SELECT code, name FROM catalog_sku WHERE company_id = %(company)s::smallint ORDER BY code"

# What a line makes at home is what its entry has for what was traded, which a credit may take back at the rate of its
# sale: neither what settles it nor the difference to that rate says so. Looked at once for each document, and not at
# all where it is in the company's own currency. The total is of the same rounded amounts as the lines.
_TOLD = """
WITH told AS MATERIALIZED (
    SELECT d.*, CASE WHEN d.currency = %(home)s::text THEN 1 ELSE w.worth END AS worth
    FROM settlement_document AS d
    LEFT JOIN LATERAL (
        SELECT sum(abs(j.functional_minor)) / NULLIF(sum(abs(j.amount_minor)), 0) AS worth FROM ledger_line AS j
        WHERE d.currency <> %(home)s::text AND j.entry_id = d.entry_id AND j.kind NOT IN ('settlement', 'difference')
    ) AS w ON true
    WHERE d.company_id = %(company)s::smallint AND d.issued_at >= %(since)s::date::timestamp AT TIME ZONE 'UTC'
      AND d.issued_at < %(until)s::date::timestamp AT TIME ZONE 'UTC'
)
"""

_INVOICED = """
FROM told AS d
JOIN settlement_documentline AS l ON l.document_id = d.id
CROSS JOIN LATERAL (
    SELECT round(l.net_minor * d.worth)::bigint AS net, round(l.tax_minor * d.worth)::bigint AS tax
) AS h
"""

_INVOICES_SUM = f"""{_TOLD}
SELECT count(DISTINCT d.id), COALESCE(sum(abs(h.net)) FILTER (WHERE (d.kind = 'invoice') <> (h.net >= 0)), 0)::bigint,
       COALESCE(sum(abs(h.net)) FILTER (WHERE (d.kind = 'invoice') = (h.net >= 0)), 0)::bigint
{_INVOICED}
"""

_INVOICES = f"""{_TOLD}
SELECT d.number, d.kind, (d.issued_at AT TIME ZONE 'UTC')::date, (d.supplied_at AT TIME ZONE 'UTC')::date, d.entry_id,
       COALESCE((SELECT c.code FROM parties_customer AS c WHERE c.id = d.customer_id), ''), d.country,
       d.currency::text, d.corrects, l.number, l.sku_code, l.description, l.quantity, l.net_minor, l.category, l.rate,
       h.net, h.tax
{_INVOICED} ORDER BY d.kind, d.year, d.sequence, l.number
"""

_PAID = f"{_WITHIN} AND l.event = ANY(%(events)s::text[])"
_PAYMENTS_SUM = f"{_SIDES} FROM ledger_line AS l WHERE {_PAID}"

_PAYMENTS = f"""
SELECT l.entry_id, l.number, l.account::int, '', l.amount_minor, l.currency, l.functional_minor, l.kind, l.event,
       l.document_kind, l.document_id, (l.occurred_at AT TIME ZONE 'UTC')::date, l.recorded_at,
       COALESCE((SELECT p.provider FROM payments_payment AS p WHERE p.id = l.document_id),
                (SELECT o.provider FROM settlement_payout AS o WHERE o.id = l.document_id), 'bank')
FROM ledger_line AS l WHERE {_PAID} ORDER BY l.entry_id, l.number
"""

# Between bins and nodes of the house, goods are where they were.
_MOVED = """
FROM stock_move AS m
WHERE m.company_id = %(company)s::smallint AND (m.from_place = 'node') <> (m.to_place = 'node')
  AND m.occurred_at >= %(since)s::date::timestamp AT TIME ZONE 'UTC'
  AND m.occurred_at < %(until)s::date::timestamp AT TIME ZONE 'UTC'
"""

_MOVES_SUM = f"""
SELECT count(*), COALESCE(sum(m.quantity) FILTER (WHERE m.to_place = 'node'), 0)::bigint,
       COALESCE(sum(m.quantity) FILTER (WHERE m.from_place = 'node'), 0)::bigint
{_MOVED}
"""

_MOVES = f"""
SELECT m.document_kind, m.document_id, m.reason, (m.occurred_at AT TIME ZONE 'UTC')::date, m.recorded_at, m.id,
       (SELECT s.code FROM catalog_sku AS s WHERE s.id = m.sku_id), m.quantity, m.to_place = 'node', abs(m.value_minor)
{_MOVED} ORDER BY m.document_id, m.reason, 4, m.id
"""
