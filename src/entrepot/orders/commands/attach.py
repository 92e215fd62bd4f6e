"""Keep files with an order: agreements, letters, pictures; and take them back, with a trace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import ids, pictures, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused, WrongState
from entrepot.kernel.events import Event
from entrepot.orders import errors, noting


@dataclass(frozen=True, slots=True)
class AttachFile:
    """A PDF or picture to be kept with an order. `name` is what its sender calls it."""

    order: UUID
    content: bytes
    name: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class FileAttached:
    order: UUID
    attachment: UUID
    digest: str


@dataclass(frozen=True, slots=True)
class WithdrawFile:
    """A file that is not kept with its order any more, and why."""

    attachment: UUID
    reason: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class FileWithdrawn:
    order: UUID
    attachment: UUID


class _Order(NamedTuple):
    """`there`: its attachments that count, by digest."""

    company: int
    there: dict[str, UUID]


class _Attached(NamedTuple):
    id: UUID
    company: int
    order: UUID
    is_ended: bool


class _New(NamedTuple):
    id: UUID
    company: int
    order: UUID
    file: pictures.File
    name: str


class _Sent(NamedTuple):
    """A file that was sent. `again`: attachments that keep it already, by the name that it is given now."""

    file: pictures.File
    content: bytes
    again: dict[UUID, str]


_All = dict[tuple[int, str], _Sent]
"""By company and digest."""


@command("orders.attach_files")
def attach_files(cause: Cause, /, *, requests: Sequence[AttachFile]) -> list[FileAttached | Refused]:
    """Files with the orders that they are about, told by their bytes; equal bytes are kept once for a company.

    Locks: the orders in id order, then the contents in the order of their files' ids. Refuses: NotFound; Invalid (no
    PDF, JPEG, PNG or WebP, too large); orders.too_many_files. Again: a file that is there already stays there once, and
    has its bytes again if they were erased. 7 statements.
    """
    wanted = {"orders": sorted({one.order for one in requests})}
    found = {which: _Order(company, {}) for which, company in sql.run(_LOCK, wanted)}
    # After the lock: what others kept meanwhile is seen.
    for order, digest, attachment in sql.run(_THERE, wanted):
        found[order].there[digest] = attachment
    new: list[_New] = []
    sent: _All = {}
    answers = [_decide(one, found.get(one.order), new, sent) for one in requests]
    if sent:
        _keep(cause, new, sent)
    announce(cause, [
        Event("order", one.order, one.company, "", "", payload={"file": one.file.digest, "attachment": one.id})
        for one in new
    ])  # fmt: skip
    return answers


@command("orders.withdraw_files")
def withdraw_files(cause: Cause, /, *, requests: Sequence[WithdrawFile]) -> list[FileWithdrawn | Refused]:
    """Files that count no more; they stay to be seen, with who took them back and why.

    Locks: the attachments in id order. Refuses: NotFound; Invalid (no reason; a file twice); WrongState (withdrawn
    already). Again: by key. 2 statements.
    """
    which = sorted({one.attachment for one in requests})
    found = {row[0]: _Attached(*row) for row in sql.run(_LOCK_ATTACHED, {"ids": which})}
    answers: list[FileWithdrawn | Refused] = []
    ended, happened, seen = [], [], set()
    for one in requests:
        was = found.get(one.attachment)
        refused = _not_to_withdraw(one, was, one.attachment in seen)
        seen.add(one.attachment)
        if refused is not None or was is None:
            answers.append(refused or NotFound(what="file", which=str(one.attachment)))
            continue
        ended.append((was.id, one.reason.strip()))
        happened.append(Event("order", was.order, was.company, "", "", payload={"attachment": was.id}))
        answers.append(FileWithdrawn(was.order, was.id))
    if ended:
        params = sql.columns(("ids", "reasons"), ended) | {"by": cause.actor.name, "at": cause.at}
        sql.change(_END, params)
    announce(cause, happened)
    return answers


def _decide(one: AttachFile, order: _Order | None, new: list[_New], sent: _All) -> FileAttached | Refused:
    """What becomes of a file; those that are there from now on are added to `sent`, and to `new` unless they were."""
    if order is None:
        return NotFound(what="order", which=str(one.order))
    file = pictures.read_paper(one.content)
    if isinstance(file, Refused):
        return file
    is_new, name = file.digest not in order.there, noting.name_of(one.name)
    if is_new and len(order.there) >= noting.FILES_MAX:
        return errors.TooManyFiles(most=noting.FILES_MAX)
    which = order.there.setdefault(file.digest, ids.uuid7())
    told = sent.setdefault((order.company, file.digest), _Sent(file, file.content, {}))
    if is_new:
        new.append(_New(which, order.company, one.order, file, name))
    else:
        told.again.setdefault(which, name)
    return FileAttached(one.order, which, file.digest)


def _keep(cause: Cause, new: Sequence[_New], sent: _All) -> None:
    """Files, their bytes, and with which orders they are kept. 5 statements."""
    said = {"by": cause.actor.name, "at": cause.at}
    files = [(ids.uuid7(), *name, sent[name].file.kind, len(sent[name].content)) for name in sorted(sent)]
    sql.run(_FILES, sql.columns(("ids", "companies", "digests", "kinds", "sizes"), files) | said)
    kept: dict[tuple[int, str], UUID] = {
        (company, digest): key
        for company, digest, key in sql.run(_KEPT, sql.columns(("companies", "digests"), sorted(sent)))
    }
    contents = sorted((kept[name], one.content) for name, one in sent.items())
    written = {
        file for file, is_new in sql.run(_CONTENTS, sql.columns(("files", "contents"), contents)) if is_new
    }
    if rows := [
        (one.id, one.company, one.order, kept[one.company, one.file.digest], one.name) for one in new
    ]:
        sql.run(_ATTACH, sql.columns(("ids", "companies", "orders", "files", "names"), rows) | said)
    attached = {one.id for one in new}
    if anew := [
        (which, called)
        for name, one in sent.items() if kept[name] in written
        for which, called in one.again.items() if which not in attached
    ]:  # fmt: skip
        sql.run(_ANEW, sql.columns(("ids", "names"), anew) | said)


def _not_to_withdraw(one: WithdrawFile, was: _Attached | None, is_again: bool) -> Refused | None:  # noqa: FBT001
    if was is None:
        return NotFound(what="file", which=str(one.attachment))
    if is_again:
        return Invalid(field="attachment", expected="each once in a call", found=str(one.attachment))
    if refused := noting.misfit_reason(one.reason):
        return refused
    if was.is_ended:
        return WrongState(subject="file", found="withdrawn", event="withdraw", expected="kept with its order")
    return None


_LOCK = """
SELECT id, company_id::int FROM orders_order WHERE id = ANY(%(orders)s::uuid[]) ORDER BY id FOR UPDATE
"""

_THERE = """
SELECT a.order_id, f.digest, a.id FROM orders_attachment AS a JOIN orders_file AS f ON f.id = a.file_id
WHERE a.order_id = ANY(%(orders)s::uuid[]) AND a.ended_at IS NULL
"""

_FILES = """
INSERT INTO orders_file (id, company_id, digest, kind, size, added_by, added_at)
SELECT d.id, d.company, d.digest, d.kind, d.size, %(by)s::text, %(at)s::timestamptz
FROM unnest(%(ids)s::uuid[], %(companies)s::smallint[], %(digests)s::text[], %(kinds)s::text[], %(sizes)s::int[])
     AS d(id, company, digest, kind, size)
ORDER BY d.company, d.digest
ON CONFLICT (company_id, digest) DO NOTHING
"""

_KEPT = """
SELECT f.company_id::int, f.digest, f.id
FROM unnest(%(companies)s::smallint[], %(digests)s::text[]) AS d(company, digest)
JOIN orders_file AS f ON f.company_id = d.company AND f.digest = d.digest
"""

# What is there is locked by the update that changes nothing: an erasure of another order that deletes it is waited for,
# and one that comes later sees that the file is kept with this order too.
_CONTENTS = """
INSERT INTO orders_filecontent AS c (file_id, content)
SELECT file, content FROM unnest(%(files)s::uuid[], %(contents)s::bytea[]) AS d(file, content) ORDER BY file
ON CONFLICT (file_id) DO UPDATE SET content = c.content
RETURNING c.file_id, c.xmax = 0
"""

# Its bytes had been erased, and its name with them: it is told, and grows old, as it came now.
_ANEW = """
UPDATE orders_attachment AS a SET name = d.name, added_by = %(by)s::text, added_at = %(at)s::timestamptz
FROM unnest(%(ids)s::uuid[], %(names)s::text[]) AS d(id, name) WHERE a.id = d.id
"""

_ATTACH = """
INSERT INTO orders_attachment (id, company_id, order_id, file_id, name, added_by, added_at)
SELECT d.id, d.company, d.order_id, d.file, d.name, %(by)s::text, %(at)s::timestamptz
FROM unnest(%(ids)s::uuid[], %(companies)s::smallint[], %(orders)s::uuid[], %(files)s::uuid[], %(names)s::text[])
     AS d(id, company, order_id, file, name)
"""

_LOCK_ATTACHED = """
SELECT id, company_id::int, order_id, ended_at IS NOT NULL FROM orders_attachment
WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE
"""

_END = """
UPDATE orders_attachment AS a SET ended_at = %(at)s::timestamptz, ended_by = %(by)s::text, ended_because = d.reason
FROM unnest(%(ids)s::uuid[], %(reasons)s::text[]) AS d(id, reason) WHERE a.id = d.id
"""
