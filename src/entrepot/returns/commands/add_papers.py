"""Files about goods that left, as the certificate of whoever took or destroyed them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.kernel import ids, pictures, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.returns.errors import TooManyPapers

PAPERS_MAX = 12


@dataclass(frozen=True, slots=True)
class AddPaper:
    """A PDF or picture about a departure."""

    departure: UUID
    content: bytes
    key: str | None = None


@dataclass(frozen=True, slots=True)
class PaperAdded:
    departure: UUID
    digest: str


@command("returns.add_papers")
def add_papers(cause: Cause, /, *, requests: Sequence[AddPaper]) -> list[PaperAdded | Refused]:
    """Files with the departures they are about, told by their bytes and kept by their digest.

    Locks: the departures in id order. Refuses: NotFound; Invalid (no PDF, JPEG, PNG or WebP, too large);
    returns.too_many_papers. Again: a file that is there already stays there once. 4 statements.
    """
    wanted = {"ids": [one.departure for one in requests]}
    found: dict[UUID, tuple[int, set[str]]] = {
        which: (company, set()) for which, company in sql.run(_LOCK, wanted)
    }
    # After the lock: what others kept meanwhile is seen.
    for which, digest in sql.run(_THERE, wanted):
        found[which][1].add(digest)
    answers: list[PaperAdded | Refused] = []
    rows = []
    for request in requests:
        if request.departure not in found:
            answers.append(NotFound(what="departure", which=str(request.departure)))
            continue
        company, there = found[request.departure]
        file = pictures.read_paper(request.content)
        if isinstance(file, Refused):
            answers.append(file)
        elif file.digest not in there and len(there) >= PAPERS_MAX:
            answers.append(TooManyPapers(most=PAPERS_MAX))
        else:
            if file.digest not in there:
                there.add(file.digest)
                rows.append((ids.uuid7(), company, request, file))
            answers.append(PaperAdded(request.departure, file.digest))
    if rows:
        sql.run(_KEEP, {
            **sql.columns(
                ("ids", "companies", "departures", "digests", "kinds", "contents"),
                [
                    (new, company, one.departure, f.digest, f.kind, f.content)
                    for new, company, one, f in rows
                ],
            ),
            "who": cause.actor.name, "at": cause.at,
        })  # fmt: skip
        announce(cause, [
            Event("departure", one.departure, company, "", "", None, {"paper": f.digest})
            for _, company, one, f in rows
        ])  # fmt: skip
    return answers


_LOCK = """
SELECT id, company_id::int FROM returns_departure WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE
"""

_THERE = "SELECT departure_id, digest FROM returns_paper WHERE departure_id = ANY(%(ids)s::uuid[])"

_KEEP = """
INSERT INTO returns_paper (id, company_id, departure_id, digest, kind, content, added_by, added_at)
SELECT d.id, d.company, d.departure, d.digest, d.kind, d.content, %(who)s, %(at)s::timestamptz
FROM unnest(%(ids)s::uuid[], %(companies)s::smallint[], %(departures)s::uuid[], %(digests)s::text[], %(kinds)s::text[],
            %(contents)s::bytea[]) AS d(id, company, departure, digest, kind, content)
"""
