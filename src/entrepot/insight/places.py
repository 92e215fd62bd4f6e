"""Where documents are: whose they are, and at which node. What people call by a code is looked for there."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql


class Where(NamedTuple):
    company: int
    node: UUID | None


_OF = {
    "order": "SELECT id, company_id::int, NULL::uuid FROM orders_order",
    "purchase order": "SELECT id, company_id::int, node_id FROM purchasing_order",
    "quality check": "SELECT id, company_id::int, node_id FROM purchasing_check",
    "return": "SELECT id, company_id::int, node_id FROM returns_return",
    "disposition": """SELECT one.id, r.company_id::int, c.node_id
        FROM returns_disposition AS one JOIN returns_return AS r ON r.id = one.return_id
        JOIN returns_inspection AS i ON i.id = one.inspection_id JOIN returns_receipt AS c ON c.id = i.receipt_id""",
    "inspection": """SELECT one.id, r.company_id::int, r.node_id
FROM returns_inspection AS one JOIN returns_receipt AS r ON r.id = one.receipt_id""",
    "work order": "SELECT id, company_id::int, node_id FROM returns_workorder",
}


def places(kind: str, ids: Collection[UUID]) -> dict[UUID, Where]:
    """Where documents of a kind are; those that don't exist are absent. 1 statement; none for none."""
    if not ids:
        return {}
    one = "one." if " AS one " in _OF[kind] else ""
    rows = sql.run(f"{_OF[kind]} WHERE {one}id = ANY(%(ids)s::uuid[])", {"ids": list(set(ids))})
    return {which: Where(company, node) for which, company, node in rows}
