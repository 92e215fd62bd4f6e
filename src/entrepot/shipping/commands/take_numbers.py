"""Whose parcel a carrier's number stands on: one shipment's, until the carrier may have given it anew."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.errors import Refused
from entrepot.shipping import errors

AGAIN_DAYS = 120
"""Carriers give a number again after months, the earliest after about four: until then it is one parcel's."""


class Numbered(NamedTuple):
    """A carrier's number on a parcel of a shipment."""

    company: int
    carrier: str
    tracking: str
    shipment: UUID


def take_numbers(cause: Cause, wanted: Sequence[Numbered], *, sold: bool = False) -> dict[Numbered, str]:
    """The numbers stand on these shipments from now on; of those that are another's, by which shipment they are borne.

    Of two who want the same, the database lets the first have it. `sold`: the carrier itself said so just now.
    1 statement, 1 more where some are another's.
    """
    first: dict[tuple[int, str, str], Numbered] = {}
    for one in wanted:
        first.setdefault(one[:3], one)
    if not first:
        return {}
    columns = sql.columns(Numbered._fields, sorted(first.values()))
    params = columns | {"at": cause.at, "days": AGAIN_DAYS, "sold": sold}
    taken = {tuple(row) for row in sql.run(_TAKE, params)}
    others = [one for one in wanted if one[:3] not in taken or first[one[:3]].shipment != one.shipment]
    if not others:
        return {}
    keys = sorted({one[:3] for one in others})
    names = {row[:3]: row[3] for row in map(tuple, sql.run(_BORNE, sql.columns(Numbered._fields[:3], keys)))}
    return {one: names.get(one[:3], "") for one in others}


def in_use(one: Numbered, holder: str) -> Refused:
    """The refusal of a number that stands on another parcel."""
    return errors.TrackingInUse(
        tracking=one.tracking, carrier=one.carrier or "our own means", holder=holder or "another shipment"
    )


def leave_numbers(wanted: Collection[Numbered]) -> None:
    """Numbers that were taken for what is refused all the same: they stand on these shipments no more. 1 statement,
    none for no numbers."""
    if wanted:
        sql.run(_LEAVE, sql.columns(Numbered._fields, sorted(wanted)))


def free_numbers(labels: Collection[UUID]) -> None:
    """The numbers of labels that are void may stand on other parcels. 1 statement."""
    sql.run(_FREE, {"labels": list(labels)})


_TAKE = """
INSERT INTO shipping_number (company_id, carrier, tracking, shipment_id, given_at)
SELECT d.*, %(at)s::timestamptz
FROM unnest(%(company)s::smallint[], %(carrier)s::text[], %(tracking)s::text[], %(shipment)s::uuid[]) AS d
ON CONFLICT (company_id, carrier, tracking) DO UPDATE
SET shipment_id = excluded.shipment_id, given_at = excluded.given_at
WHERE %(sold)s::bool OR shipping_number.shipment_id = excluded.shipment_id
   OR shipping_number.given_at < excluded.given_at - make_interval(days => %(days)s::int)
RETURNING company_id::int, carrier, tracking
"""

_BORNE = """
SELECT n.company_id::int, n.carrier, n.tracking, COALESCE(h.number, c.number, '')
FROM unnest(%(company)s::smallint[], %(carrier)s::text[], %(tracking)s::text[]) AS d(company, carrier, tracking)
JOIN shipping_number AS n ON (n.company_id, n.carrier, n.tracking) = (d.company, d.carrier, d.tracking)
LEFT JOIN shipping_shipment AS h ON h.id = n.shipment_id
LEFT JOIN shipping_consignment AS c ON c.id = n.shipment_id
"""

_LEAVE = """
DELETE FROM shipping_number AS n
USING unnest(%(company)s::smallint[], %(carrier)s::text[], %(tracking)s::text[], %(shipment)s::uuid[])
  AS d(company, carrier, tracking, shipment)
WHERE (n.company_id, n.carrier, n.tracking, n.shipment_id) = (d.company, d.carrier, d.tracking, d.shipment)
"""

_FREE = """
DELETE FROM shipping_number AS n USING shipping_label AS l
WHERE l.id = ANY(%(labels)s::uuid[])
  AND (n.company_id, n.carrier, n.tracking, n.shipment_id) = (l.company_id, l.carrier, l.tracking, l.shipment_id)
"""
