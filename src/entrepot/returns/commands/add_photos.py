"""Pictures of what an inspector found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.returns import errors, photos


@dataclass(frozen=True, slots=True)
class AddPhoto:
    """A picture of units of an inspection."""

    inspection: UUID
    content: bytes
    key: str | None = None


@dataclass(frozen=True, slots=True)
class PhotoAdded:
    photo: UUID
    digest: str


@command("returns.add_photos")
def add_photos(cause: Cause, /, *, requests: Sequence[AddPhoto]) -> list[PhotoAdded | Refused]:
    """Pictures with the inspections they show. Equal bytes are kept once for a company.

    Locks: the inspections in id order. Refuses: NotFound; Invalid (no JPEG, PNG or WebP, too large);
    returns.too_many_photos. Again: a picture that is there already stays there once. 6 statements.
    """
    wanted = sorted({one.inspection for one in requests})
    found = {row[0]: row[1:] for row in sql.run(_LOCK, {"inspections": wanted})}
    there: dict[UUID, set[str]] = {one: set(row[2]) for one, row in found.items()}
    answers: list[PhotoAdded | Refused] = []
    new: list[tuple[int, str, AddPhoto, photos.Picture]] = []
    for request in requests:
        picture = _decide(request, there.get(request.inspection))
        if isinstance(picture, Refused):
            answers.append(picture)
            continue
        there[request.inspection].add(picture.digest)
        company: int = found[request.inspection][1]
        new.append((company, picture.digest, request, picture))
        answers.append(PhotoAdded(UUID(int=0), picture.digest))
    if not new:
        return answers
    kept = _write(cause, new, {one: row[0] for one, row in found.items()})
    companies = {one: row[1] for one, row in found.items()}
    return [
        PhotoAdded(kept[companies[request.inspection], answer.digest], answer.digest)
        if isinstance(answer, PhotoAdded)
        else answer
        for request, answer in zip(requests, answers, strict=True)
    ]


def _decide(request: AddPhoto, there: set[str] | None) -> photos.Picture | Refused:
    if there is None:
        return NotFound(what="inspection", which=str(request.inspection))
    picture = photos.read(request.content)
    if not isinstance(picture, Refused) and picture.digest not in there and len(there) >= photos.PHOTOS_MAX:
        return errors.TooManyPhotos(most=photos.PHOTOS_MAX)
    return picture


def _write(
    cause: Cause, new: Sequence[tuple[int, str, AddPhoto, photos.Picture]], returns: dict[UUID, UUID]
) -> dict[tuple[int, str], UUID]:
    """The ids of the pictures by company and digest."""
    kept = keep_pictures(cause, [(company, picture) for company, _, _, picture in new])
    shown = list({(request.inspection, kept[company, digest]) for company, digest, request, _ in new})
    sql.run(
        _SHOW,
        {**sql.columns(("inspections", "photos"), shown), "who": cause.actor.name, "at": cause.at},
    )
    counts = Counter((request.inspection, company) for company, _, request, _ in new)
    announce(cause, [
        Event("return", returns[one], company, "", "", None, {"inspection": one, "photos": n})
        for (one, company), n in counts.items()
    ])  # fmt: skip
    return kept


def keep_pictures(cause: Cause, new: Sequence[tuple[int, photos.Picture]]) -> dict[tuple[int, str], UUID]:
    """The ids of pictures by company and digest, each kept once. 3 statements."""
    once = {(company, picture.digest): picture for company, picture in new}
    rows: list[tuple[Any, ...]] = [
        (ids.uuid7(), company, digest, picture.kind, picture.width, picture.height)
        for (company, digest), picture in once.items()
    ]
    names = ("ids", "companies", "digests", "kinds", "widths", "heights")
    sql.run(_KEEP, {**sql.columns(names, rows), "who": cause.actor.name, "at": cause.at})
    kept: dict[tuple[int, str], UUID] = {
        (company, digest): key
        for company, digest, key in sql.run(_KEPT, sql.columns(("companies", "digests"), list(once)))
    }
    contents = sorted((kept[name], picture.content) for name, picture in once.items())
    sql.run(_CONTENT, sql.columns(("photos", "contents"), contents))
    return kept


_LOCK = """
SELECT i.id, i.return_id, r.company_id::int,
       ARRAY(SELECT p.digest FROM returns_inspectionphoto AS s JOIN returns_photo AS p ON p.id = s.photo_id
             WHERE s.inspection_id = i.id)
FROM returns_inspection AS i JOIN returns_return AS r ON r.id = i.return_id
WHERE i.id = ANY(%(inspections)s::uuid[]) ORDER BY i.id FOR UPDATE OF i
"""

_KEEP = """
INSERT INTO returns_photo (id, company_id, digest, kind, width, height, added_by, added_at)
SELECT d.id, d.company, d.digest, d.kind, d.width, d.height, %(who)s, %(at)s::timestamptz
FROM unnest(%(ids)s::uuid[], %(companies)s::smallint[], %(digests)s::text[], %(kinds)s::text[], %(widths)s::int[],
            %(heights)s::int[]) AS d(id, company, digest, kind, width, height)
ORDER BY d.company, d.digest
ON CONFLICT (company_id, digest) DO NOTHING
"""

_CONTENT = """
INSERT INTO returns_photocontent (photo_id, content)
SELECT photo, content FROM unnest(%(photos)s::uuid[], %(contents)s::bytea[]) AS d(photo, content)
ON CONFLICT (photo_id) DO NOTHING
"""

_KEPT = """
SELECT p.company_id::int, p.digest, p.id
FROM unnest(%(companies)s::smallint[], %(digests)s::text[]) AS d(company, digest)
JOIN returns_photo AS p ON p.company_id = d.company AND p.digest = d.digest
"""

_SHOW = """
INSERT INTO returns_inspectionphoto (inspection_id, photo_id, added_by, added_at)
SELECT d.inspection, d.photo, %(who)s, %(at)s::timestamptz
FROM unnest(%(inspections)s::uuid[], %(photos)s::uuid[]) AS d(inspection, photo)
ON CONFLICT (inspection_id, photo_id) DO NOTHING
"""
