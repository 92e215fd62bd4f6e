"""What is asked of whom the house blocks and trusts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.kernel import sql
from entrepot.orders import listing
from entrepot.parties import queries as parties


@dataclass(frozen=True, slots=True)
class ListingRow:
    """A buyer whom somebody blocked or trusted; `ended_at` is when that was taken back."""

    id: UUID
    company: int
    side: str
    entry: str
    reason: str
    order: UUID | None
    order_number: str
    listed_by: str
    listed_at: datetime
    ended_at: datetime | None
    ended_by: str
    ended_because: str

    @property
    def kind(self) -> str:
        return listing.kind_of(self.entry)

    @property
    def name(self) -> str:
        """What stands behind the kind: a customer's code, or the digits of a fingerprint."""
        return self.entry.partition(":")[2]


@dataclass(frozen=True, slots=True)
class Listable:
    """Something that an order names, and how it is listed now, if it is."""

    kind: str
    entry: str
    listed: ListingRow | None


def listings(
    company: int,
    *,
    side: str = "",
    text: str = "",
    ended: bool = False,
    after: UUID | None = None,
    limit: int = 50,
) -> list[ListingRow]:
    """Who is blocked and trusted, or was (`ended`), the latest first, behind `after`. `text` is a part of an entry.
    1 statement."""
    params = {
        "company": company, "side": side, "text": listing.plain(text), "ended": ended, "after": after,
        "limit": limit,
    }  # fmt: skip
    return [ListingRow(*row) for row in sql.run(_LISTINGS, params)]


def listable(order: UUID) -> list[Listable]:
    """What of an order can be listed, each once: its customer, card, addresses and mail addresses, as far as they are
    known still. 3 statements."""
    rows = sql.run(_NAMED, {"order": order})
    if not rows:
        return []
    ((company, customer, address, billing, prints),) = rows
    kept = parties.addresses({one for one in (address, billing) if one})
    entries = [listing.of_customer(customer)] if customer else []
    entries += prints
    entries += [one for which in (address, billing) if which in kept for one in kept[which].fingerprints]
    named = sorted(dict.fromkeys(entries), key=lambda one: listing.KINDS.index(listing.kind_of(one)))
    standing = of_entries(company, named)
    return [Listable(listing.kind_of(one), one, standing.get(listing.plain(one))) for one in named]


def of_entries(company: int, entries: Sequence[str]) -> dict[str, ListingRow]:
    """How entries are listed now, by the entry in lower case. 1 statement."""
    params = {"company": company, "entries": [listing.plain(one) for one in entries]}
    return {listing.plain(row[3]): ListingRow(*row) for row in sql.run(_OF_ENTRIES, params)}


def on_sides(entries: Sequence[tuple[int, str]]) -> dict[tuple[int, str], str]:
    """Sides of entries that are listed now, by company and the entry in lower case. 1 statement."""
    params = sql.columns(
        ("companies", "entries"), [(company, listing.plain(one)) for company, one in entries]
    )
    return {(company, entry): side for company, entry, side in sql.run(_SIDES, params)}


_ROW = """
SELECT t.id, t.company_id::int, t.side, t.entry, t.reason, t.order_id, COALESCE(o.number, ''), t.listed_by, t.listed_at,
       t.ended_at, t.ended_by, t.ended_because
FROM orders_listing AS t LEFT JOIN orders_order AS o ON o.id = t.order_id
"""

_LISTINGS = f"""
{_ROW}
WHERE t.company_id = %(company)s::smallint AND (t.ended_at IS NOT NULL) = %(ended)s::boolean
  AND (%(side)s::text = '' OR t.side = %(side)s::text) AND strpos(t.plain, %(text)s::text) > 0
  AND (%(after)s::uuid IS NULL OR t.id < %(after)s::uuid)
ORDER BY t.id DESC LIMIT %(limit)s::int
"""

_OF_ENTRIES = f"""
{_ROW}
WHERE t.company_id = %(company)s::smallint AND t.plain = ANY(%(entries)s::text[]) AND t.ended_at IS NULL
"""

_SIDES = """
SELECT d.company::int, d.entry, t.side
FROM unnest(%(companies)s::smallint[], %(entries)s::text[]) AS d(company, entry)
JOIN orders_listing AS t ON t.company_id = d.company AND t.plain = d.entry AND t.ended_at IS NULL
"""

_NAMED = """
SELECT o.company_id::int, COALESCE(k.code, ''), o.address_id, o.billing_id,
       ARRAY(SELECT f.fingerprint FROM orders_fingerprint AS f WHERE f.order_id = o.id ORDER BY 1)
FROM orders_order AS o LEFT JOIN parties_customer AS k ON k.id = o.customer_id WHERE o.id = %(order)s::uuid
"""
