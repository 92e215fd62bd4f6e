"""What is expected to arrive, so that a backorder can be promised a date."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused


class Expect(NamedTuple):
    """What is still to come of one line of a purchase or transfer; 0 when nothing more will."""

    company: int
    line: UUID
    sku: UUID
    node: UUID
    document_kind: str
    document: UUID
    quantity: int
    expected_on: date
    key: str | None = None


class Expected(NamedTuple):
    quantity: int


@command("stock.expect")
def expect(cause: Cause, /, *, requests: Sequence[Expect]) -> list[Expected | Refused]:
    """State what is still expected, line by line. Again: states the same. 2 statements at most."""
    latest = {r.line: r for r in requests}
    rows = [
        (r.line, r.company, r.sku, r.node, r.document_kind, r.document, r.quantity, r.expected_on)
        for r in latest.values()
        if r.quantity > 0
    ]
    over = [r.line for r in latest.values() if r.quantity <= 0]
    if rows:
        names = ("lines", "companies", "skus", "nodes", "kinds", "documents", "units", "dates")
        sql.run(_EXPECT, sql.columns(names, rows))
    if over:
        sql.run("DELETE FROM stock_supply WHERE line_id = ANY(%(lines)s::uuid[])", {"lines": over})
    return [Expected(max(0, r.quantity)) for r in requests]


def expect_no_more(documents: Sequence[UUID]) -> None:
    """Nothing more comes of these documents. Called inside the command that cancelled them. 1 statement."""
    if documents:
        sql.run("DELETE FROM stock_supply WHERE document_id = ANY(%(ids)s::uuid[])", {"ids": list(documents)})


_EXPECT = """
INSERT INTO stock_supply (line_id, company_id, sku_id, node_id, document_kind, document_id, quantity, expected_on)
SELECT * FROM unnest(%(lines)s::uuid[], %(companies)s::smallint[], %(skus)s::uuid[], %(nodes)s::uuid[],
                     %(kinds)s::text[], %(documents)s::uuid[], %(units)s::int[], %(dates)s::date[])
ON CONFLICT (line_id) DO UPDATE SET quantity = excluded.quantity, expected_on = excluded.expected_on
"""
