"""Invoices and credit notes of what was posted, with numbers that leave no gap."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import ids, policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.settlement import invoicing
from entrepot.settlement.invoice_queries import TOLD
from entrepot.settlement.invoicing import CREDIT_NOTE, INVOICE, KINDS, Detail, Line, Place, Seller

HOLD, LOT = "card_hold", "departure"
ALONE = (HOLD, LOT)
"""Sources whose credit notes correct their own invoices, and not all of an order."""


@dataclass(frozen=True, slots=True)
class IssueDocument:
    """The documents of a source: a shipment, an order (its services), a refund, a credit, a hold on a card of which
    something was taken, or a lot that was sold."""

    source: UUID
    key: str | None = None


@dataclass(frozen=True, slots=True)
class DocumentsIssued:
    """The numbers of all documents of the source; none where the channel writes them itself."""

    source: UUID
    numbers: tuple[str, ...]


class _Entry(NamedTuple):
    """An entry of the journal that a document tells of, with its amounts by kind."""

    company: int
    entry: UUID
    event: str
    source_kind: str
    source: UUID
    currency: str
    at: datetime
    amounts: dict[str, int]
    number: str | None  # of the document, where there is one

    @property
    def kind(self) -> str:
        return KINDS[self.event]


class _About(NamedTuple):
    """What a source belongs to."""

    order: UUID | None
    customer: UUID | None
    address: UUID | None
    country: str
    channel: str
    seller_country: str
    is_business: bool


class _Draft(NamedTuple):
    id: UUID
    number: str
    sequence: int
    entry: _Entry
    about: _About
    lines: list[Line]
    corrects: list[str]

    @property
    def net(self) -> int:
        return sum(one.net for one in self.lines)

    @property
    def tax(self) -> int:
        return sum(one.tax for one in self.lines)


@command("settlement.issue_documents")
def issue_documents(cause: Cause, /, *, requests: Sequence[IssueDocument]) -> list[DocumentsIssued | Refused]:
    """An invoice for each sale, each lot, and each amount that was taken of a hold; a credit note for each credit or
    refund, for what was given back of a hold, and for what a lot costs less by agreement; as they were posted for these
    sources, frozen, in the year's series of the company.

    Locks: the companies' series of the year. Refuses: NotFound (nothing was posted for it).
    Again: the same numbers, nothing new. 11 statements; 1 more where goods of a hold are told of.
    """
    sources = list({one.source for one in requests})
    year = cause.at.year
    last = {row[:2]: row[2] for row in sql.run(_LOCK, {"sources": sources, "year": year})}
    entries = _entries(sources)
    fresh = [one for one in entries if one.number is None]

    drafts = _drafts(fresh, last, year, cause.at) if fresh else []
    if drafts:
        _write(cause, drafts, last, year)
    numbers: dict[UUID, list[str]] = {one.source: [] for one in entries}
    for one in entries:
        if one.number:
            numbers[one.source].append(one.number)
    for draft in drafts:
        numbers[draft.entry.source].append(draft.number)
    return [
        DocumentsIssued(one.source, tuple(numbers[one.source]))
        if one.source in numbers
        else NotFound(what="posted sale, credit or refund", which=str(one.source))
        for one in requests
    ]


# ---- load


def _entries(sources: Sequence[UUID]) -> list[_Entry]:
    """In the order in which they were posted. 1 statement."""
    found: dict[UUID, _Entry] = {}
    for *facts, kind, amount, number in sql.run(_ENTRIES, {"sources": sources}):
        one = found.setdefault(facts[1], _Entry(*facts, {}, number))  # type: ignore[call-arg]
        # The journal has income on its credit side; a document says what is owed, or given back.
        one.amounts[kind] = -amount if one.kind == INVOICE else amount
    return list(found.values())


def _details(sources: Sequence[UUID]) -> dict[tuple[UUID, str], list[Detail]]:
    """By source and kind of document: a lot may have one of each."""
    found: dict[tuple[UUID, str], list[Detail]] = {}
    for source, kind, *detail in sql.run(_DETAILS, {"sources": sources}):
        found.setdefault((source, kind), []).append(Detail(*detail))
    return found


def _rates(companies: Collection[int]) -> dict[tuple[int, str], set[Decimal]]:
    """Rates by company and country, those of other times too: a fact may be posted late."""
    found: dict[tuple[int, str], set[Decimal]] = {}
    for company, country, rate in sql.run(_RATES, {"companies": list(companies)}):
        found.setdefault((company, country), set()).add(rate)
    return found


# ---- decide


def _drafts(
    fresh: Sequence[_Entry], last: dict[tuple[int, str], int], year: int, at: datetime
) -> list[_Draft]:
    sources = list({one.source for one in fresh})
    details, companies = _details(sources), {one.company for one in fresh}
    about = {source: _About(*facts) for source, *facts in sql.run(_ABOUT, {"sources": sources})}
    sellers = policies.in_force_of(sorted(companies), Seller, at)
    rates = _rates(companies)
    orders = [one.order for one in about.values() if one.order]
    holds = [one.source for one in fresh if one.source_kind == HOLD]
    goods = dict(sql.run(_HELD_GOODS, {"holds": holds})) if holds else {}
    invoices: dict[UUID, list[str]] = {}
    billed: dict[UUID, Decimal] = {}
    alone = [one.source for one in fresh if one.source_kind in ALONE]
    for order, source, number, rate in sql.run(_INVOICES, {"orders": orders, "alone": alone}):
        # What is given back of a hold corrects the invoice of that; a refund corrects the invoices of its order.
        of = source if source in alone else order
        invoices.setdefault(of, []).append(number)
        billed[of] = rate or billed.get(of, rate)

    drafts = []
    for entry in fresh:
        own = about[entry.source]
        seller = policies.of_scope(sellers.get(entry.company, {}), own.channel, Seller())
        if not seller.issues:
            continue
        of = entry.source if entry.source_kind in ALONE else own.order
        lines = invoicing.lines_of(
            details.get((entry.source, entry.kind), []),
            entry.amounts,
            rates.get((entry.company, own.country), set()),
            Place(own.seller_country, own.country, own.is_business),
            goods.get(entry.source, ""),
            billed.get(of, Decimal(0)) if of else Decimal(0),
        )
        if not lines:
            continue
        sequence = last[entry.company, entry.kind] = last[entry.company, entry.kind] + 1
        number = invoicing.number_of(entry.kind, year, sequence)
        corrects = list(invoices.get(of, [])) if of and entry.kind == CREDIT_NOTE else []
        if of and entry.kind == INVOICE:
            invoices.setdefault(of, []).append(number)
            billed[of] = invoicing.main_rate(lines) or billed.get(of, Decimal(0))
        drafts.append(_Draft(ids.uuid7(), number, sequence, entry, own, lines, corrects))
    return drafts


# ---- write


def _write(cause: Cause, drafts: Sequence[_Draft], last: Mapping[tuple[int, str], int], year: int) -> None:
    rows = [(company, kind, reached) for (company, kind), reached in last.items()]
    sql.run(_REACHED, sql.columns(("companies", "kinds", "reached"), rows) | {"year": year})
    sql.write("settlement_document", _DOCUMENT, [
        (
            one.id, one.entry.company, one.entry.kind, year, one.sequence, one.number, one.entry.entry,
            one.entry.source_kind, one.entry.source, one.about.order, one.about.customer, one.about.address,
            one.about.country, one.entry.currency, cause.at, one.entry.at, one.net, one.tax, one.net + one.tax,
            "{" + ",".join(one.corrects) + "}",
        )
        for one in drafts
    ])  # fmt: skip
    sql.write("settlement_documentline", _LINE, [
        (
            one.id, number, line.sku, line.description, line.quantity, line.gross, line.discount, line.shipping,
            line.net, line.tax, line.category, line.rate,
        )
        for one in drafts
        for number, line in enumerate(one.lines, 1)
    ])  # fmt: skip
    announce(cause, [
        Event(one.entry.kind, one.id, one.entry.company, "", "issued", cause.at,
              {"number": one.number, "source": one.entry.source, "total_minor": one.net + one.tax})
        for one in drafts
    ])  # fmt: skip


_DOCUMENT = (
    "id", "company_id", "kind", "year", "sequence", "number", "entry_id", "source_kind", "source_id", "order_id",
    "customer_id", "address_id", "country", "currency", "issued_at", "supplied_at", "net_minor", "tax_minor",
    "total_minor", "corrects",
)  # fmt: skip
_LINE = (
    "document_id", "number", "sku_code", "description", "quantity", "gross_minor", "discount_minor", "shipping_minor",
    "net_minor", "tax_minor", "category", "rate",
)  # fmt: skip

# A row that is there is locked as well as one that is made: whoever comes second waits here, and sees what was written.
_LOCK = """
INSERT INTO settlement_series (company_id, kind, year)
SELECT company_id, kind, %(year)s::smallint
FROM (SELECT DISTINCT company_id FROM ledger_line WHERE document_id = ANY(%(sources)s::uuid[])) AS c
CROSS JOIN (VALUES ('invoice'), ('credit_note')) AS k(kind)
ORDER BY 1, 2
ON CONFLICT (company_id, kind, year) DO UPDATE SET last = settlement_series.last
RETURNING company_id::int, kind, last
"""

_REACHED = """
UPDATE settlement_series AS s SET last = d.reached
FROM unnest(%(companies)s::smallint[], %(kinds)s::text[], %(reached)s::int[]) AS d(company, kind, reached)
WHERE s.company_id = d.company AND s.kind = d.kind AND s.year = %(year)s::smallint
"""

# A credit that is approved when its month is closed is posted later than it was given.
_ENTRIES = f"""
SELECT l.company_id::int, l.entry_id, l.event, l.document_kind, l.document_id, l.currency,
       COALESCE(c.credited_at, l.occurred_at),
       split_part(l.kind, '.', 2), sum(l.amount_minor)::bigint, d.number
FROM ledger_line AS l LEFT JOIN settlement_document AS d ON d.entry_id = l.entry_id
LEFT JOIN orders_credit AS c ON c.id = l.document_id AND l.document_kind = 'credit'
WHERE l.document_id = ANY(%(sources)s::uuid[]) AND {TOLD}
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 10 ORDER BY l.entry_id
"""

_NAME = "COALESCE(NULLIF(l.description, ''), k.name, '')"
"""What a line is called: as its channel named it when it was ordered, else as the catalog does."""

_DETAILS = f"""
SELECT s.shipment_id, 'invoice', l.sku_code, {_NAME}, s.quantity, s.goods_minor, s.discount_minor, s.shipping_minor,
       s.tax_minor
FROM shipping_shipmentline AS s JOIN orders_line AS l ON l.id = s.line_id LEFT JOIN catalog_sku AS k ON k.id = l.sku_id
WHERE s.shipment_id = ANY(%(sources)s::uuid[])
UNION ALL
SELECT f.refund_id, 'credit_note', l.sku_code, {_NAME}, f.units, f.goods_minor, 0, f.shipping_minor, f.tax_minor
FROM returns_refundline AS f JOIN returns_line AS r ON r.id = f.return_line_id JOIN orders_line AS l ON l.id = r.line_id
LEFT JOIN catalog_sku AS k ON k.id = l.sku_id
WHERE f.refund_id = ANY(%(sources)s::uuid[])
UNION ALL
SELECT credit_id, 'credit_note', sku_code, description, quantity, amount_minor, 0, 0, 0
FROM orders_creditline WHERE credit_id = ANY(%(sources)s::uuid[]) AND kind = 'goods'
UNION ALL
(SELECT i.departure_id, t.kind, k.code, k.name, i.quantity, t.net, 0, 0, t.tax
FROM returns_departureitem AS i JOIN catalog_sku AS k ON k.id = i.sku_id
CROSS JOIN LATERAL (VALUES ('invoice', i.price_minor, i.tax_minor),
                           ('credit_note', i.reduced_minor, i.reduced_tax_minor)) AS t(kind, net, tax)
WHERE i.departure_id = ANY(%(sources)s::uuid[]) AND (t.net <> 0 OR t.tax <> 0)
ORDER BY i.departure_id, i.disposition_id)
"""

_ABOUT = """
SELECT d.id, o.id, COALESCE(o.customer_id, c.customer_id, p.customer_id), a.id,
       COALESCE(NULLIF(o.country, ''), NULLIF(p.buyer_country, ''), y.country), COALESCE(h.code, ''), y.country,
       COALESCE(a.has_tax_number, false)
FROM unnest(%(sources)s::uuid[]) AS d(id)
LEFT JOIN shipping_shipment AS s ON s.id = d.id
LEFT JOIN returns_refund AS r ON r.id = d.id
LEFT JOIN returns_hold AS g ON g.id = d.id LEFT JOIN returns_return AS b ON b.id = g.return_id
LEFT JOIN orders_credit AS c ON c.id = d.id
LEFT JOIN returns_departure AS p ON p.id = d.id
LEFT JOIN orders_order AS o ON o.id = COALESCE(s.order_id, r.order_id, b.order_id, d.id)
LEFT JOIN network_channel AS h ON h.id = COALESCE(o.channel_id, c.channel_id)
LEFT JOIN parties_address AS a ON a.id = COALESCE(o.billing_id, o.address_id, p.buyer_id)
JOIN parties_company AS y ON y.id = COALESCE(o.company_id, c.company_id, p.company_id)
"""

_INVOICES = """
SELECT d.order_id, d.source_id, d.number, COALESCE((
    SELECT l.rate FROM settlement_documentline AS l
    WHERE l.document_id = d.id AND l.rate > 0 AND l.rate <= 1
    GROUP BY l.rate ORDER BY sum(l.tax_minor) DESC, l.rate DESC LIMIT 1), 0)
FROM settlement_document AS d
WHERE (d.order_id = ANY(%(orders)s::uuid[]) OR d.source_id = ANY(%(alone)s::uuid[])) AND d.kind = 'invoice'
ORDER BY d.id
"""

_HELD_GOODS = f"""
SELECT h.id, 'Goods that were not returned (' || r.number || '): '
       || string_agg(g.units || ' × ' || COALESCE(NULLIF({_NAME}, ''), l.sku_code), ', ' ORDER BY l.number)
FROM returns_hold AS h JOIN returns_return AS r ON r.id = h.return_id JOIN returns_holdline AS g ON g.hold_id = h.id
JOIN returns_line AS o ON o.id = g.return_line_id JOIN orders_line AS l ON l.id = o.line_id
LEFT JOIN catalog_sku AS k ON k.id = l.sku_id
WHERE h.id = ANY(%(holds)s::uuid[]) GROUP BY h.id, r.number
"""

_RATES = """
SELECT DISTINCT j.company_id::int, j.country, r.rate
FROM tax_jurisdiction AS j JOIN tax_rate AS r ON r.jurisdiction_id = j.id
WHERE j.company_id = ANY(%(companies)s::smallint[])
"""
