"""Labels of returns that nobody will use: void, and their carriage taken out of the books."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, whole
from entrepot.kernel.events import Event
from entrepot.ledger.commands.post import Posting, post

ACCRUED = "shipping.accrued"
KIND = "return_label"


def void(cause: Cause, reasons: Mapping[UUID, str]) -> dict[UUID, UUID]:
    """Void the labels of locked returns, each for its reason: those voided, by return. One whose parcel a carrier has
    had in its hands stands: carriage is owed for it. 1 statement, 5 more where there were labels."""
    found = sql.run(_VOID, {"returns": list(reasons), "at": cause.at})
    if not found:
        return {}
    whole(post(cause, requests=[
        Posting(company, ACCRUED, KIND, key, currency, (("carriage", -cost),), cause.at)
        for key, company, _, cost, currency in found
    ]))  # fmt: skip
    announce(cause, [
        Event(KIND, key, company, "made", "voided", None, {"return": owner}, reasons[owner])
        for key, company, owner, *_ in found
    ])  # fmt: skip
    return {owner: key for key, _, owner, *_ in found}


_VOID = """
UPDATE returns_label AS l SET state = 'voided', voided_at = %(at)s::timestamptz
WHERE l.return_id = ANY(%(returns)s::uuid[]) AND l.state = 'made'
  AND NOT EXISTS (SELECT FROM returns_parcel AS p
                  WHERE p.return_id = l.return_id AND p.tracking = l.tracking AND p.scanned_at IS NOT NULL)
RETURNING l.id, l.company_id::int, l.return_id, l.cost_minor, l.currency::text
"""
