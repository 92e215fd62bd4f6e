"""What is expected to arrive, so that a backorder can be promised a date."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command, offer
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
    expected_on: date | None  # None keeps the date that the line has
    key: str | None = None


class Expected(NamedTuple):
    quantity: int


@command("stock.expect")
def expect(cause: Cause, /, *, requests: Sequence[Expect]) -> list[Expected | Refused]:
    """State what is still expected, line by line, and offer the SKUs, so that who waits for them gets a new date.

    Again: states the same. 2 statements at most.
    """
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
    offer("peg", [(r.sku, 5, cause.at) for r in latest.values()])
    return [Expected(max(0, r.quantity)) for r in requests]


def expect_no_more(cause: Cause, documents: Sequence[UUID]) -> None:
    """Nothing more comes of these documents. Called inside the command that cancelled them. 1 statement."""
    if documents:
        gone = sql.run(_NO_MORE, {"ids": list(documents)})
        offer("peg", [(sku, 5, cause.at) for (sku,) in gone])


_NO_MORE = "DELETE FROM stock_supply WHERE document_id = ANY(%(ids)s::uuid[]) RETURNING sku_id"

_EXPECT = """
INSERT INTO stock_supply (line_id, company_id, sku_id, node_id, document_kind, document_id, quantity, expected_on)
SELECT d.line, d.company, d.sku, d.node, d.kind, d.document, d.units,
       COALESCE(d.expected_on, (SELECT s.expected_on FROM stock_supply AS s WHERE s.line_id = d.line))
FROM unnest(%(lines)s::uuid[], %(companies)s::smallint[], %(skus)s::uuid[], %(nodes)s::uuid[],
            %(kinds)s::text[], %(documents)s::uuid[], %(units)s::int[], %(dates)s::date[])
     AS d(line, company, sku, node, kind, document, units, expected_on)
ON CONFLICT (line_id) DO UPDATE SET quantity = excluded.quantity, expected_on = excluded.expected_on
"""
