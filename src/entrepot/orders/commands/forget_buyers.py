"""Forget who bought: what orders and drafts know of a buyer beside the vault."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused
from entrepot.kernel.masking import MASK
from entrepot.orders import listing


@dataclass(frozen=True, slots=True)
class ForgetBuyer:
    """Orders that are done with, and the codes of customers whose drafts are placed or discarded."""

    company: int
    orders: tuple[UUID, ...]
    customers: tuple[str, ...] = ()
    key: str | None = None


@dataclass(frozen=True, slots=True)
class BuyerForgotten:
    orders: int


@command("orders.forget_buyers")
def forget_buyers(cause: Cause, /, *, requests: Sequence[ForgetBuyer]) -> list[BuyerForgotten | Refused]:
    """Postal codes, signals of channels, fingerprints, what notes say, files with their names, and codes in drafts and
    on lists are gone; amounts, goods, dates and country stay. A fingerprint that somebody blocked or trusted stays: it
    names nobody. So do the digests of files, and a file that is kept with somebody else's order too.

    No event: whoever asks for it leaves one.

    Locks: the orders in id order, then the contents in the order of their files' ids. Refuses: nothing. Again: changes
    nothing. 8 statements.
    """
    orders = sorted({order for one in requests for order in one.orders})
    codes = sorted({(one.company, code) for one in requests for code in one.customers})
    sql.run(_ORDERS, {"orders": orders})
    sql.run(_FINGERPRINTS, {"orders": orders})
    sql.run(_NOTES, {"orders": orders, "mask": MASK})
    sql.run(_LOCK_CONTENTS, {"orders": orders})
    sql.run(_CONTENTS, {"orders": orders})
    sql.run(_NAMES, {"orders": orders, "mask": MASK})
    named = sql.columns(("companies", "codes"), codes)
    sql.run(_DRAFTS, named)
    listed = sql.columns(
        ("companies", "entries"),
        [(company, listing.plain(listing.of_customer(code))) for company, code in codes],
    )
    sql.run(_LISTINGS, listed | {"at": cause.at, "by": cause.actor.name})
    return [BuyerForgotten(len(set(one.orders))) for one in requests]


def forget_files(company: int, before: datetime | None, kept: Sequence[UUID], limit: int) -> int:
    """Bytes of files of a company go that no order was given since a moment, and none of the orders `kept` has; None
    takes none. Returns how many; at most `limit` at once. Locks: the contents in the order of their files' ids.
    2 statements."""
    params = {"company": company, "before": before, "kept": list(kept), "limit": limit}
    files = [which for (which,) in sql.run(_LOCK_OLD, params)] if before is not None else []
    return int(sql.run(_DELETE_OLD, params | {"files": files})[0][0]) if files else 0


_ORDERS = """
UPDATE orders_order SET postal_code = '', signals = '{}'
FROM (SELECT id FROM orders_order WHERE id = ANY(%(orders)s::uuid[]) ORDER BY id FOR UPDATE) AS locked
WHERE orders_order.id = locked.id AND (postal_code <> '' OR signals <> '{}')
"""

_FINGERPRINTS = "DELETE FROM orders_fingerprint WHERE order_id = ANY(%(orders)s::uuid[])"

_NOTES = """
UPDATE orders_note
SET text = %(mask)s::text, ended_because = CASE WHEN ended_because = '' THEN '' ELSE %(mask)s::text END
WHERE order_id = ANY(%(orders)s::uuid[])
"""

# First and by itself: with whom a file is kept too is seen as it stands once nobody else is attaching it.
_LOCK_CONTENTS = """
SELECT FROM orders_filecontent
WHERE file_id IN (SELECT a.file_id FROM orders_attachment AS a WHERE a.order_id = ANY(%(orders)s::uuid[]))
ORDER BY file_id FOR UPDATE
"""

_CONTENTS = """
DELETE FROM orders_filecontent AS c
WHERE c.file_id IN (SELECT a.file_id FROM orders_attachment AS a WHERE a.order_id = ANY(%(orders)s::uuid[]))
  AND NOT EXISTS (SELECT FROM orders_attachment AS a
                  WHERE a.file_id = c.file_id AND a.order_id <> ALL(%(orders)s::uuid[]))
"""

_STALE = """
NOT EXISTS (SELECT FROM orders_attachment AS a WHERE a.file_id = c.file_id
            AND (a.added_at >= %(before)s::timestamptz OR a.order_id = ANY(%(kept)s::uuid[])))
"""

_LOCK_OLD = f"""
SELECT c.file_id FROM orders_file AS f JOIN orders_filecontent AS c ON c.file_id = f.id
WHERE f.company_id = %(company)s::smallint AND f.added_at < %(before)s::timestamptz AND {_STALE}
ORDER BY c.file_id LIMIT %(limit)s::int FOR UPDATE OF c
"""

_DELETE_OLD = f"""
WITH gone AS (DELETE FROM orders_filecontent AS c WHERE c.file_id = ANY(%(files)s::uuid[]) AND {_STALE} RETURNING 1)
SELECT count(*)::int FROM gone
"""

_NAMES = """
UPDATE orders_attachment
SET name = %(mask)s::text, ended_because = CASE WHEN ended_because = '' THEN '' ELSE %(mask)s::text END
WHERE order_id = ANY(%(orders)s::uuid[])
"""

_DRAFTS = """
UPDATE orders_draft AS d SET customer = '', body = d.body || '{"customer": null, "postal_code": ""}'
FROM unnest(%(companies)s::smallint[], %(codes)s::text[]) AS c(company, code)
WHERE d.company_id = c.company AND d.customer = c.code AND d.state <> 'draft'
"""

# A customer who is forgotten can't be found on a list any more: the listing ends, and names nobody.
_LISTINGS = """
UPDATE orders_listing AS t SET entry = 'customer:' || t.id, plain = 'customer:' || t.id,
       ended_at = COALESCE(t.ended_at, %(at)s::timestamptz),
       ended_by = CASE WHEN t.ended_at IS NULL THEN %(by)s::text ELSE t.ended_by END
FROM unnest(%(companies)s::smallint[], %(entries)s::text[]) AS c(company, entry)
WHERE t.company_id = c.company AND t.plain = c.entry
"""
