"""Forget what customers showed of their returns, and the labels that they were sent for them: with the person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused


@dataclass(frozen=True, slots=True)
class ForgetPhotos:
    """What customers showed of the returns of a company's orders, and the labels that bear their names."""

    company: int
    orders: tuple[UUID, ...]
    key: str | None = None


@dataclass(frozen=True, slots=True)
class PhotosForgotten:
    """How many pictures are gone, of all orders of the company together."""

    company: int
    photos: int


@command("returns.forget_photos")
def forget_photos(cause: Cause, /, *, requests: Sequence[ForgetPhotos]) -> list[PhotosForgotten | Refused]:
    """The bytes of pictures gone for good; that there were some, when, and their digests stand. A picture that somebody
    else showed as well, or an inspector took, stays. Of labels only the pictures go.

    No event: whoever asks for it leaves one. Refuses nothing. Again: finds none. 2 statements.
    """
    orders = sorted({order for one in requests for order in one.orders})
    gone = Counter(company for (company,) in sql.run(_FORGET, {"orders": orders}))
    sql.run(_BLANK, {"orders": orders})
    return [PhotosForgotten(one.company, gone[one.company]) for one in requests]


_FORGET = """
DELETE FROM returns_photocontent AS c USING returns_photo AS p
WHERE p.id = c.photo_id
  AND c.photo_id IN (SELECT s.photo_id FROM returns_returnphoto AS s JOIN returns_return AS r ON r.id = s.return_id
                     WHERE r.order_id = ANY(%(orders)s::uuid[]))
  AND NOT EXISTS (SELECT FROM returns_returnphoto AS s JOIN returns_return AS r ON r.id = s.return_id
                  WHERE s.photo_id = c.photo_id AND r.order_id <> ALL(%(orders)s::uuid[]))
  AND NOT EXISTS (SELECT FROM returns_inspectionphoto AS s WHERE s.photo_id = c.photo_id)
RETURNING p.company_id::int
"""

_BLANK = """
UPDATE returns_label AS l SET label_url = ''
FROM returns_labelreturn AS m JOIN returns_return AS r ON r.id = m.return_id
WHERE m.label_id = l.id AND r.order_id = ANY(%(orders)s::uuid[]) AND l.label_url <> ''
"""
