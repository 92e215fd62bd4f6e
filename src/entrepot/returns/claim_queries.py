"""Claims to carriers because of a return, and the parcels of it that can be claimed for."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from entrepot.kernel import sql
from entrepot.shipping import queries as shipping
from entrepot.shipping.queries import ClaimRow


@dataclass(frozen=True, slots=True)
class ClaimableRow:
    """A parcel of a return: the one of a label in force, or one that went back to the customer (`sent_back`)."""

    subject_kind: str
    carrier: str
    tracking: str


def of_return(company: int, return_id: UUID) -> list[ClaimRow]:
    """The claims that were opened because of a return, the latest first. 2 statements; 1 where there are none."""
    ids = [one for (one,) in sql.run(_CLAIMS, {"id": return_id})]
    return shipping.claims(company, ids=ids, limit=len(ids)) if ids else []


def claimable(return_id: UUID) -> list[ClaimableRow]:
    """The parcels of a return whose carriers are ours to claim of. 1 statement."""
    return [ClaimableRow(*row) for row in sql.run(_CLAIMABLE, {"id": return_id})]


_CLAIMS = "SELECT claim_id FROM returns_claimed WHERE return_id = %(id)s::uuid ORDER BY claim_id"

_CLAIMABLE = """
SELECT 'return_label', l.carrier, l.tracking
FROM returns_labelreturn AS m JOIN returns_label AS l ON l.id = m.label_id AND l.state = 'made'
WHERE m.return_id = %(id)s::uuid
UNION
SELECT 'sent_back', carrier, tracking FROM returns_sentback WHERE return_id = %(id)s::uuid
ORDER BY 1, 3
"""
