"""What the workshop says of units that stay their customer's, and what he owes for their repair. Called by the commands
of work orders, of repairs and of parcels to customers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, whole
from entrepot.kernel.errors import Said
from entrepot.kernel.events import Event
from entrepot.ledger.commands.post import Posting, post
from entrepot.returns import repairing
from entrepot.returns.repairing import Repairs
from entrepot.work.commands.open_items import OpenItem, open_items

FAILED = "repair failed"
"""The work of whoever agrees on something else with the customer."""


class RepairWorked(NamedTuple):
    """A work order of a repair, what came of it, and what its customer is told."""

    work_order: UUID
    became: str
    told: str
    at: datetime


class Charge(NamedTuple):
    """The price of a repair with the tax in it, in the currency of its order; below zero where it is owed no more, at
    the `rate` at which it was owed."""

    repair: UUID
    company: int
    currency: str
    price_minor: int
    tax_minor: int
    at: datetime
    rate: Decimal | None = None


def costs(cause: Cause, companies: Collection[int]) -> dict[int, Repairs]:
    """Each company's policy of repairs. 1 statement, none for none."""
    found = policies.of_companies(companies, Repairs, cause.at) if companies else {}
    return {company: policy for company, (_, policy) in found.items()}


def lock_repairs(work_orders: Collection[UUID]) -> None:
    """Repairs of locked work orders, locked before any stock is: a parcel takes both in that order. 1 statement, none
    for none."""
    if work_orders:
        sql.run(_LOCK, {"orders": list(work_orders)})


def tell_worked(cause: Cause, worked: Sequence[RepairWorked]) -> None:
    """Repairs that are done with, or failed: somebody agrees on something else with the customers of these. 8
    statements at most, none for none."""
    if not worked:
        return
    rows = sql.run(_WORKED, sql.columns(("orders", "states", "told", "times"), worked))
    announce(cause, [
        Event("repair", which, company, "agreed", state, at, {"return": return_id}, told)
        for which, company, return_id, _, state, told, at in rows
    ])  # fmt: skip
    failed = [row for row in rows if row[4] == "failed"]
    if failed:
        open_items(cause, requests=[
            OpenItem(
                company=company, type=FAILED, subject_kind="return", subject=return_id,
                reason=Said("Repair {0} failed. Agree with the customer what he gets instead.", number),
                role="customer service", facts={"return": return_id, "repair": which}, occurred_at=at,
                dedupe=str(which),
            )
            for which, company, return_id, number, _, _, at in failed
        ])  # fmt: skip


def charge(cause: Cause, charges: Sequence[Charge]) -> None:
    """What customers owe for repairs goes into the books. As `ledger.post`, no statement for none."""
    if charges:
        whole(post(cause, requests=[
            Posting(
                one.company, "repair.charged", "repair", one.repair, one.currency,
                repairing.charged(one.price_minor, one.tax_minor), one.at, rate=one.rate,
            )
            for one in charges
        ]))  # fmt: skip


_LOCK = """
SELECT FROM returns_repair WHERE work_order_id = ANY(%(orders)s::uuid[]) ORDER BY id FOR UPDATE
"""

_WORKED = """
UPDATE returns_repair AS r SET state = d.state, done_at = d.at,
       told = CASE d.told WHEN '' THEN r.told ELSE d.told END
FROM unnest(%(orders)s::uuid[], %(states)s::text[], %(told)s::text[], %(times)s::timestamptz[])
     AS d(work_order, state, told, at)
WHERE r.work_order_id = d.work_order
RETURNING r.id, r.company_id::int, r.return_id, r.number, r.state, r.told, d.at
"""
