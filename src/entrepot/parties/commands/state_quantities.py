"""A supplier says how many units he has of what he offers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Invalid, NotFound, Refused


@dataclass(frozen=True, slots=True)
class StateQuantity:
    """Units that a supplier has of a SKU; None where he does not say any more."""

    supplier: UUID
    sku: UUID
    available: int | None
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class QuantityStated:
    supplier: UUID
    sku: UUID


@command("parties.state_quantities")
def state_quantities(cause: Cause, /, *, requests: Sequence[StateQuantity]) -> list[QuantityStated | Refused]:
    """What suppliers have, as they said it. Units that are passed to a supplier afterwards count against it.

    No event: suppliers send thousands of lines a day, and the last word is the one that counts.
    Locks: the offers, in the order of their ids. Refuses: NotFound (no offer of that supplier for that SKU); Invalid.
    Again: by key. 2 statements.
    """
    names = sorted({(one.supplier, one.sku) for one in requests})
    known = {row[:2]: row[2] for row in sql.run(_LOCK, sql.columns(("suppliers", "skus"), names))}
    answers: list[QuantityStated | Refused] = []
    stated: dict[UUID, tuple[int | None, datetime | None]] = {}
    for one in requests:
        offer = known.get((one.supplier, one.sku))
        if offer is None:
            answers.append(NotFound(what="offer of the supplier", which=str(one.sku)))
        elif one.available is not None and one.available < 0:
            answers.append(Invalid(field="available", expected="units, or nothing", found=one.available))
        else:
            at = None if one.available is None else one.occurred_at or cause.at
            stated[offer] = (one.available, at)
            answers.append(QuantityStated(one.supplier, one.sku))
    rows = [(offer, *said) for offer, said in stated.items()]
    sql.run(_STATE, sql.columns(("ids", "units", "times"), rows))
    return answers


_LOCK = """
SELECT f.supplier_id, f.sku_id, f.id FROM unnest(%(suppliers)s::uuid[], %(skus)s::uuid[]) AS d(supplier, sku)
JOIN parties_offer AS f ON f.supplier_id = d.supplier AND f.sku_id = d.sku ORDER BY f.id FOR UPDATE OF f
"""

_STATE = """
UPDATE parties_offer AS f SET available = d.units, stated_at = d.at
FROM unnest(%(ids)s::uuid[], %(units)s::int[], %(times)s::timestamptz[]) AS d(id, units, at) WHERE f.id = d.id
"""
