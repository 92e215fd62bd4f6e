"""Suppliers who may send orders themselves, read once for a batch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from entrepot.kernel import sql
from entrepot.sourcing.drop_ship import Known, Passed, Supplier, suppliers_of
from entrepot.sourcing.facts import Facts, Order


class Suppliers:
    """The offers of those whom a profile in force names; nothing is read where none names any.

    What they said that they have is locked where a profile keeps to it, until the batch is written: as positions are;
    or only read, to think ahead (`lock`).
    """

    def __init__(
        self, orders: Collection[Order], skus: Collection[UUID], facts: Facts, *, lock: bool = True
    ) -> None:
        self._facts = facts
        named: dict[int, set[str]] = defaultdict(set)
        is_kept_to = False
        for order in orders:
            for one in facts.version(order).profile.drop_ship:
                named[order.company].add(one.supplier)
                is_kept_to = is_kept_to or one.stated_only
        self._known: dict[int, list[Known]] = defaultdict(list)
        rows = [(company, code) for company, codes in named.items() for code in codes]
        if not rows:
            return
        params = sql.columns(("companies", "codes"), sorted(rows)) | {"skus": sorted(skus)}
        if is_kept_to and lock:
            sql.run(_LOCK, params)
        for company, *known in sql.run(_KNOWN, params):
            self._known[company].append(Known(*known))

    def of(self, order: Order) -> list[Supplier]:
        """Whom an order may ask."""
        asked = self._facts.version(order).profile.drop_ship
        known = self._known.get(order.company)
        if not asked or not known:
            return []
        refused: Mapping[UUID, Collection[UUID] | None] = (
            self._facts.rejected(order) if order.was_rejected else {}
        )
        return suppliers_of(asked, order.country, known, refused)

    def took(self, company: int, passed: Sequence[Passed]) -> None:
        """What an order takes is not there for the next of the batch."""
        units: dict[tuple[UUID, UUID], int] = defaultdict(int)
        for one in passed:
            units[one.supplier, one.sku] += one.quantity
        if units:
            self._known[company] = [
                known
                if known.left is None
                else known._replace(left=known.left - units.get((known.supplier, known.sku), 0))
                for known in self._known[company]
            ]


_NAMED = """
FROM unnest(%(companies)s::smallint[], %(codes)s::text[]) AS d(company, code)
JOIN parties_supplier AS s ON s.company_id = d.company AND s.code = d.code
JOIN parties_company AS c ON c.id = s.company_id AND c.currency = s.currency
JOIN parties_offer AS f ON f.supplier_id = s.id AND f.sku_id = ANY(%(skus)s::uuid[])
"""

_LOCK = f"SELECT {_NAMED} ORDER BY f.id FOR UPDATE OF f"

# In a statement after the lock, so that what others have passed on meanwhile is seen.
_KNOWN = f"""
SELECT s.company_id::int, s.id, s.code, f.sku_id, k.code, k.category, f.minimum_quantity, f.lead_days,
       f.available - (SELECT COALESCE(sum(p.quantity), 0)::int FROM sourcing_dropship AS p
                      WHERE p.supplier_id = s.id AND p.sku_id = f.sku_id AND p.passed_at >= f.stated_at)
{_NAMED}
JOIN catalog_sku AS k ON k.id = f.sku_id
ORDER BY f.id
"""
