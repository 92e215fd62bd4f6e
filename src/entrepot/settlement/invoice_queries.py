"""What is asked of invoices and credit notes, and whether their numbers and sums are in order."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from entrepot.kernel import policies, sql
from entrepot.ledger.rules import SETTLEMENT_ACCOUNTS, TOLD_BY_A_DOCUMENT
from entrepot.parties import queries as parties
from entrepot.settlement.invoicing import INVOICE, KINDS, TAXES, TAXES_WITHIN, Line, Seller
from entrepot.settlement.ubl import Paper, Party

ERASED = "Customer"
"""Who a document is for, where nobody is known, or no more."""


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """An invoice or credit note, without whom it is for."""

    id: UUID
    number: str
    kind: str
    source_kind: str
    source: UUID
    order: UUID | None
    order_number: str
    currency: str
    issued_at: datetime
    supplied_at: datetime
    net_minor: int
    tax_minor: int
    total_minor: int
    corrects: tuple[str, ...]
    company: int


def documents(
    company: int,
    *,
    kind: str = "",
    order: UUID | None = None,
    source: UUID | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> list[DocumentRow]:
    """Invoices and credit notes, or those of an order or source, the latest first, behind `after`. 1 statement."""
    params = {
        "company": company, "kind": kind, "order": order, "source": source, "after": after, "limit": limit,
    }  # fmt: skip
    return [_row(row) for row in sql.run(_LIST, params)]


def document(which: UUID) -> DocumentRow | None:
    """One by its id. 1 statement."""
    return next((_row(row) for row in sql.run(_ONE, {"id": which})), None)


def _row(row: tuple[object, ...]) -> DocumentRow:
    *facts, corrects, company = row
    return DocumentRow(*facts, tuple(corrects), company)  # type: ignore[call-arg, arg-type]


def lines(which: UUID) -> list[Line]:
    """Of a document, in order. 1 statement."""
    return [Line(*row) for row in sql.run(_LINES, {"id": which})]


def paper(one: DocumentRow, *, with_buyer: bool = True) -> Paper:
    """A document to be rendered, with its buyer out of the vault only for those who may see it. 4 statements."""
    ((code, name, country, address_id, to_country, channel, due_on, home, tax, paid),) = sql.run(
        _PARTIES, {"id": one.id}
    )
    sellers = policies.in_force(one.company, Seller, one.issued_at)
    seller = policies.of_scope(sellers, channel, Seller())
    found = parties.address(address_id) if address_id and with_buyer else None
    buyer = Party(ERASED, to_country)
    if found:
        buyer = Party(
            found.name or ERASED, found.country or to_country, found.line1, found.line2, found.city,
            found.postal_code, found.region, found.tax_number,
        )  # fmt: skip
    return Paper(
        one.kind, one.number, one.issued_at.date(), one.supplied_at.date(), one.currency, one.order_number,
        one.corrects,
        Party(name, country, seller.line1, "", seller.city, seller.postal_code, "", seller.tax_number, code,
              seller.registration),
        buyer, "" if due_on and seller.terms == Seller().terms else seller.terms, lines(one.id), due_on,
        (home, tax) if home != one.currency and one.tax_minor else None, paid,
    )  # fmt: skip


def untold(company: int, since: datetime, until: datetime, limit: int = 500) -> list[tuple[UUID, str, int]]:
    """What was posted in a time and we have not told of: source, its kind and the amount. 2 statements."""
    params = {"company": company, "since": since, "until": until, "limit": limit} | issuing([company], until)
    return sql.run(_UNTOLD, params)  # type: ignore[return-value]


def issuing(companies: Collection[int], at: datetime) -> dict[str, Any]:
    """For WE_ISSUE: who writes the documents of each channel. 1 statement."""
    found = policies.in_force_of(sorted(companies), Seller, at)
    rows = [(company, scope, one.issues) for company, own in found.items() for scope, (_, one) in own.items()]
    return sql.columns(("issuers", "scopes", "issue"), rows)


def checked() -> dict[str, int]:
    """Rows that `discrepancies` looks at."""
    tables = ("settlement_series", "settlement_document", "settlement_documentline")
    return {table: sql.run(f"SELECT count(*) FROM {table}")[0][0] for table in tables}


def discrepancies() -> list[str]:
    """Sentences about numbers that leave a gap, and documents that say other than their lines or the journal."""
    return [
        sentence
        for statement in (_GAPS, _SUMS, _UNLIKE_THE_JOURNAL, _UNLIKE_THE_LOT)
        for (sentence,) in sql.run(statement)
    ]


_COLUMNS = """
SELECT d.id, d.number, d.kind, d.source_kind, d.source_id, d.order_id, COALESCE(o.number, p.number, ''),
       d.currency::text,
       d.issued_at, d.supplied_at, d.net_minor, d.tax_minor, d.total_minor, d.corrects, d.company_id::int
FROM settlement_document AS d LEFT JOIN orders_order AS o ON o.id = d.order_id
LEFT JOIN returns_departure AS p ON p.id = d.source_id AND d.source_kind = 'departure'
"""

_LIST = f"""
{_COLUMNS}
WHERE d.company_id = %(company)s::smallint AND (%(after)s::uuid IS NULL OR d.id < %(after)s::uuid)
  AND (%(kind)s::text = '' OR d.kind = %(kind)s::text) AND (%(order)s::uuid IS NULL OR d.order_id = %(order)s::uuid)
  AND (%(source)s::uuid IS NULL OR d.source_id = %(source)s::uuid)
ORDER BY d.id DESC LIMIT %(limit)s::int
"""

_ONE = f"{_COLUMNS} WHERE d.id = %(id)s::uuid"

_LINES = """
SELECT sku_code, description, quantity, gross_minor, discount_minor, shipping_minor, tax_minor, category, rate
FROM settlement_documentline WHERE document_id = %(id)s::uuid ORDER BY number
"""

_KINDS = ", ".join(f"('{event}', '{prefix.rstrip('.')}')" for event, prefix in TOLD_BY_A_DOCUMENT.items())
_INVOICED = ", ".join(f"'{event}'" for event, kind in KINDS.items() if kind == INVOICE)

TOLD = f"""
(l.event, split_part(l.kind, '.', 1)) IN ({_KINDS})
AND l.account NOT IN ({", ".join(map(str, sorted(SETTLEMENT_ACCOUNTS)))})
"""
"""Lines of the journal of which a document tells: what was sold, credited, or taken and given back for goods."""

IS_TAX = f"split_part(l.kind, '.', 2) IN ({', '.join(map(repr, TAXES))})"

SIGN = f"CASE WHEN l.event IN ({_INVOICED}) THEN -1 ELSE 1 END"
"""Income stands on the journal's credit side; a document says what is owed, or given back."""

BESIDE = f"""EXISTS (
    SELECT FROM settlement_documentline AS t
    WHERE t.document_id = d.id AND t.description IN ({", ".join(map(repr, TAXES_WITHIN))}))"""
"""Of a document `d` of before: it tells the tax in a fee as a line beside it, and not as tax."""

ON_ACCOUNT = "account"
"""The provider of who pays later."""

PAID = f"""
CASE WHEN d.kind <> '{INVOICE}' OR d.source_kind = 'departure' THEN 0
WHEN d.source_kind = 'card_hold' THEN d.total_minor
ELSE LEAST(d.total_minor, GREATEST(0, (
    SELECT COALESCE(sum(t.captured_minor + t.capturing_minor - COALESCE((
        SELECT sum(a.amount_minor) FROM payments_attempt AS a
        WHERE a.payment_id = t.id AND a.kind = 'moved' AND a.amount_minor < 0), 0)), 0)
    FROM payments_payment AS t
    WHERE t.order_id = d.order_id AND t.currency = d.currency AND t.provider <> '{ON_ACCOUNT}' AND NOT t.is_hold
) - (
    SELECT COALESCE(sum(e.total_minor), 0) FROM settlement_document AS e
    WHERE e.order_id = d.order_id AND e.kind = '{INVOICE}' AND e.source_kind NOT IN ('card_hold', 'departure')
      AND e.id < d.id
)))::bigint END
"""
"""Of a document `d`: what of an invoice is paid, as its order's tenders are taken for one invoice after the other; what
was passed on to another order since has paid here all the same. Of what somebody pays on account nothing is."""

# What a foreign currency's tax is at home, as it was booked: the law of most countries wants it on the document.
_PARTIES = f"""
SELECT y.code, y.name, y.country, d.address_id, d.country, COALESCE(h.code, ''), p.due_on, y.currency::text,
       CASE WHEN y.currency = d.currency THEN d.tax_minor ELSE (
           SELECT COALESCE(sum({SIGN} * l.functional_minor), 0)::bigint FROM ledger_line AS l
           WHERE l.document_id = d.source_id AND l.entry_id = d.entry_id AND {TOLD}
             AND {IS_TAX} AND (l.kind LIKE '%%.tax' OR NOT {BESIDE})) END,
       {PAID}
FROM settlement_document AS d JOIN parties_company AS y ON y.id = d.company_id
LEFT JOIN orders_order AS o ON o.id = d.order_id LEFT JOIN network_channel AS h ON h.id = o.channel_id
LEFT JOIN returns_departure AS p ON p.id = d.source_id AND d.source_kind = 'departure'
WHERE d.id = %(id)s::uuid
"""

WE_ISSUE = """
COALESCE((
    SELECT s.issues
    FROM unnest(%(issuers)s::smallint[], %(scopes)s::text[], %(issue)s::boolean[]) AS s(company, scope, issues)
    WHERE s.company = l.company_id AND (s.scope = '' OR s.scope = (
        SELECT h.code FROM network_channel AS h WHERE h.id = COALESCE(
            (SELECT o.channel_id FROM orders_order AS o WHERE o.id = COALESCE(
                (SELECT order_id FROM shipping_shipment WHERE id = l.document_id),
                (SELECT order_id FROM returns_refund WHERE id = l.document_id),
                (SELECT r.order_id FROM returns_hold AS g JOIN returns_return AS r ON r.id = g.return_id
                 WHERE g.id = l.document_id), l.document_id)),
            (SELECT channel_id FROM orders_credit WHERE id = l.document_id))))
    ORDER BY s.scope DESC LIMIT 1), TRUE)
"""
"""Whether the documents of a line's source are ours to write, and not its channel's."""

_UNTOLD = f"""
SELECT l.document_id, l.document_kind, sum({SIGN} * l.amount_minor)::bigint
FROM ledger_line AS l
WHERE l.company_id = %(company)s::smallint AND {TOLD}
  AND l.occurred_at >= %(since)s::timestamptz AND l.occurred_at < %(until)s::timestamptz
  AND NOT EXISTS (SELECT FROM settlement_document AS d WHERE d.entry_id = l.entry_id)
  AND {WE_ISSUE}
GROUP BY 1, 2 HAVING count(*) > 0 ORDER BY 1 LIMIT %(limit)s::int
"""

# invariant 12: numbers of a series leave no gap
_GAPS = """
SELECT format('company %s: %s %s of %s have been issued, the last number is %s and the series stands at %s',
              s.company_id, count(d.id), s.kind, s.year, COALESCE(max(d.sequence), 0), s.last)
FROM settlement_series AS s
LEFT JOIN settlement_document AS d ON d.company_id = s.company_id AND d.kind = s.kind AND d.year = s.year
GROUP BY s.company_id, s.kind, s.year, s.last
HAVING count(d.id) <> s.last OR COALESCE(max(d.sequence), 0) <> s.last
"""

# invariant 13: a document is the sum of its lines
_SUMS = """
SELECT format('document %s says %s and tax of %s, its lines make %s and %s', d.number, d.net_minor, d.tax_minor,
              COALESCE(l.net, 0), COALESCE(l.tax, 0))
FROM settlement_document AS d
LEFT JOIN (SELECT document_id, sum(net_minor) AS net, sum(tax_minor) AS tax
           FROM settlement_documentline GROUP BY 1) AS l ON l.document_id = d.id
WHERE (d.net_minor, d.tax_minor) IS DISTINCT FROM (COALESCE(l.net, 0), COALESCE(l.tax, 0))
"""

# invariant 14: a document says what the journal says
_UNLIKE_THE_JOURNAL = f"""
SELECT format('document %s says %s and tax of %s, the journal %s and %s', d.number, d.net_minor, d.tax_minor,
              COALESCE(j.net, 0), COALESCE(j.tax, 0))
FROM settlement_document AS d
LEFT JOIN (
    SELECT l.entry_id,
           sum({SIGN} * l.amount_minor) FILTER (WHERE NOT {IS_TAX}) AS net,
           sum({SIGN} * l.amount_minor) FILTER (WHERE {IS_TAX}) AS tax
    FROM ledger_line AS l WHERE {TOLD}
    GROUP BY 1) AS j ON j.entry_id = d.entry_id
WHERE (d.net_minor, d.tax_minor) IS DISTINCT FROM (COALESCE(j.net, 0), COALESCE(j.tax, 0))
  AND NOT (d.total_minor = COALESCE(j.net, 0) + COALESCE(j.tax, 0) AND {BESIDE})
"""

# invariant 28: documents of a lot say what it was sold for, and what it costs less by agreement
_UNLIKE_THE_LOT = """
SELECT format('document %s says %s and tax of %s, lot %s says %s and tax of %s', d.number, d.total_minor, d.tax_minor,
              COALESCE(p.number, 'that is not there'), t.total, t.tax)
FROM settlement_document AS d
LEFT JOIN returns_departure AS p ON p.id = d.source_id AND p.kind = 'liquidation'
CROSS JOIN LATERAL (
    SELECT CASE d.kind WHEN 'invoice' THEN p.owed_minor ELSE p.reduced_minor END AS total,
           CASE d.kind WHEN 'invoice' THEN p.tax_minor ELSE p.reduced_tax_minor END AS tax) AS t
WHERE d.source_kind = 'departure' AND (d.total_minor, d.tax_minor) IS DISTINCT FROM (t.total, t.tax)
"""
