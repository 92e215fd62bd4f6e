"""Pictures that a customer sends with a return."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import NotFound, Refused, WrongState
from entrepot.kernel.events import Event
from entrepot.returns import errors, photos
from entrepot.returns.commands.add_photos import PhotoAdded, keep_pictures

OPEN = ("requested", "authorized")
"""States of a return in which its customer may still show what is wrong."""


@dataclass(frozen=True, slots=True)
class AddReturnPhoto:
    """A picture of what comes back, as its customer sees it."""

    return_id: UUID
    content: bytes
    key: str | None = None


class _Return(NamedTuple):
    id: UUID
    company: int
    state: str
    digests: list[str]


@command("returns.add_return_photos")
def add_return_photos(cause: Cause, /, *, requests: Sequence[AddReturnPhoto]) -> list[PhotoAdded | Refused]:
    """Pictures with the returns they belong to, at most six of each. Equal bytes are kept once for a company.

    Locks: the returns in id order. Refuses: NotFound; WrongState (the goods have come, or nothing will);
    Invalid (no JPEG, PNG or WebP, too large); returns.too_many_photos. Again: a picture that is there already stays
    there once. 6 statements.
    """
    wanted = sorted({one.return_id for one in requests})
    found = {row[0]: _Return(*row) for row in sql.run(_LOCK, {"returns": wanted})}
    there = {one.id: set(one.digests) for one in found.values()}
    decided = [_decide(one, found.get(one.return_id), there) for one in requests]

    new = [
        (found[request.return_id].company, picture)
        for request, picture in zip(requests, decided, strict=True)
        if isinstance(picture, photos.Picture)
    ]
    kept = keep_pictures(cause, new) if new else {}
    answers: list[PhotoAdded | Refused] = [
        one
        if isinstance(one, Refused)
        else PhotoAdded(kept[found[request.return_id].company, one.digest], one.digest)
        for request, one in zip(requests, decided, strict=True)
    ]
    if new:
        _write(cause, requests, answers, found)
    return answers


def _decide(
    request: AddReturnPhoto, found: _Return | None, there: dict[UUID, set[str]]
) -> photos.Picture | Refused:
    if found is None:
        return NotFound(what="return", which=str(request.return_id))
    if found.state not in OPEN:
        return WrongState(
            subject="return", found=found.state, event="photos of its customer", expected=" or ".join(OPEN)
        )
    picture = photos.read(request.content)
    if isinstance(picture, Refused):
        return picture
    digests = there[found.id]
    if picture.digest not in digests and len(digests) >= photos.OF_CUSTOMER_MAX:
        return errors.TooManyPhotos(most=photos.OF_CUSTOMER_MAX)
    digests.add(picture.digest)
    return picture


def _write(
    cause: Cause,
    requests: Sequence[AddReturnPhoto],
    answers: Sequence[PhotoAdded | Refused],
    found: dict[UUID, _Return],
) -> None:
    shown = {
        (request.return_id, answer.photo)
        for request, answer in zip(requests, answers, strict=True)
        if isinstance(answer, PhotoAdded)
    }
    params = sql.columns(("returns", "photos"), sorted(shown))
    sql.run(_SHOW, params | {"who": cause.actor.name, "at": cause.at})
    counts = Counter(one for one, _ in shown)
    announce(cause, [
        Event("return", one, found[one].company, "", "", None, {"photos": n, "of": "customer"})
        for one, n in counts.items()
    ])  # fmt: skip


_LOCK = """
SELECT r.id, r.company_id::int, r.state,
       ARRAY(SELECT p.digest FROM returns_returnphoto AS s JOIN returns_photo AS p ON p.id = s.photo_id
             WHERE s.return_id = r.id)
FROM returns_return AS r WHERE r.id = ANY(%(returns)s::uuid[]) ORDER BY r.id FOR UPDATE OF r
"""

_SHOW = """
INSERT INTO returns_returnphoto (return_id, photo_id, added_by, added_at)
SELECT d.return_id, d.photo, %(who)s, %(at)s::timestamptz
FROM unnest(%(returns)s::uuid[], %(photos)s::uuid[]) AS d(return_id, photo)
ON CONFLICT (return_id, photo_id) DO NOTHING
"""
