"""Parcels that stood on a pallet are opened."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce
from entrepot.kernel.events import Event
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects

TO_OPEN = "pallet of returns to open"


def note_opened(cause: Cause, parcels: Sequence[tuple[int, str, UUID | None]]) -> None:
    """Parcels (company, number, pallet) that were received do not wait on a pallet any more: those with a number on
    whichever names it, those without on the pallet that is said. A pallet whose last one it was is done. 1 statement
    for parcels of no pallet, 7 at most. Locks: the pallets in id order."""
    columns = sql.columns(("companies", "trackings", "pallets"), list(parcels))
    touched = [pallet for (pallet,) in sql.run(_TOUCHED, columns)]
    if not touched:
        return
    sql.run(_OPEN, {**columns, "who": cause.actor.name, "at": cause.at})
    done = sql.run(_DONE, {"pallets": touched})
    announce(cause, [Event("pallet", key, company, "counted", "done") for key, company in done])
    finish(cause, done)  # type: ignore[arg-type]


def finish(cause: Cause, done: Sequence[tuple[UUID, int]]) -> None:
    """The work of pallets of which nothing waits any more is over."""
    if done:
        resolve_subjects(
            cause, requests=[ResolveSubject(company, TO_OPEN, key, "opened") for key, company in done]
        )


_TOUCHED = """
SELECT id FROM returns_pallet
WHERE state <> 'done' AND id IN (
    SELECT k.pallet_id FROM returns_palletpackage AS k
    JOIN unnest(%(companies)s::smallint[], %(trackings)s::text[], %(pallets)s::uuid[]) AS d(company, tracking, pallet)
      ON k.company_id = d.company AND k.tracking = d.tracking AND (d.tracking <> '' OR k.pallet_id = d.pallet)
    WHERE k.opened_at IS NULL)
ORDER BY id FOR UPDATE
"""

# Each parcel opens one package: that of its number, or the oldest without one.
_OPEN = """
WITH d AS (
    SELECT company, tracking, pallet, row_number() OVER (PARTITION BY company, tracking, pallet) AS place
    FROM unnest(%(companies)s::smallint[], %(trackings)s::text[], %(pallets)s::uuid[]) AS d(company, tracking, pallet)
), waiting AS (
    SELECT k.id, k.company_id, k.tracking, k.pallet_id,
           row_number() OVER (PARTITION BY k.company_id, k.tracking, k.pallet_id ORDER BY k.id) AS place
    FROM returns_palletpackage AS k
    WHERE k.opened_at IS NULL AND (k.company_id, k.tracking) IN (SELECT company, tracking FROM d)
      AND (k.tracking <> '' OR k.pallet_id IN (SELECT pallet FROM d) AND k.seen_at IS NOT NULL)
)
UPDATE returns_palletpackage AS k
SET opened_at = %(at)s::timestamptz, seen_at = COALESCE(k.seen_at, %(at)s::timestamptz),
    seen_by = CASE WHEN k.seen_by = '' THEN %(who)s ELSE k.seen_by END
FROM waiting AS w JOIN d ON d.company = w.company_id AND d.tracking = w.tracking
 AND (d.tracking <> '' OR d.pallet = w.pallet_id AND d.place = w.place)
WHERE k.id = w.id
"""

_DONE = """
UPDATE returns_pallet AS p SET state = 'done'
WHERE p.id = ANY(%(pallets)s::uuid[]) AND p.state = 'counted'
  AND NOT EXISTS (SELECT FROM returns_palletpackage AS k WHERE k.pallet_id = p.id AND k.seen_at IS NOT NULL
                  AND k.opened_at IS NULL)
RETURNING p.id, p.company_id::int
"""
