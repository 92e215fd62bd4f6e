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
    content: bytes


@command("orders.attach_files")
def attach_files(cause: Cause, /, *, requests: Sequence[AttachFile]) -> list[FileAttached | Refused]:
    """Files with the orders that they are about, told by their bytes; equal bytes are kept once for a company.

    Locks: the orders in id order. Refuses: NotFound; Invalid (no PDF, JPEG, PNG or WebP, too large);
    orders.too_many_files. Again: a file that is there already stays there once. 6 statements.
    """
    wanted = {"orders": sorted({one.order for one in requests})}
    found = {which: _Order(company, {}) for which, company in sql.run(_LOCK, wanted)}
    for order, digest, attachment in sql.run(
        _THERE, wanted
    ):  # after the lock: what others kept meanwhile is seen
        found[order].there[digest] = attachment
    new: list[_New] = []
    answers = [_decide(one, found.get(one.order), new) for one in requests]
    if new:
        _keep(cause, new)
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


def _decide(one: AttachFile, order: _Order | None, new: list[_New]) -> FileAttached | Refused:
    """What becomes of a file; those that are kept are added to `new`."""
    if order is None:
        return NotFound(what="order", which=str(one.order))
    file = pictures.read_paper(one.content)
    if isinstance(file, Refused):
        return file
    if file.digest not in order.there:
        if len(order.there) >= noting.FILES_MAX:
            return errors.TooManyFiles(most=noting.FILES_MAX)
        made = order.there[file.digest] = ids.uuid7()
        name = noting.name_of(one.name)
        new.append(_New(made, order.company, one.order, file, name, one.content[: file.length]))
    return FileAttached(one.order, order.there[file.digest], file.digest)


def _keep(cause: Cause, new: Sequence[_New]) -> None:
    """Files, their bytes, and with which orders they are kept. 4 statements."""
    once = {(one.company, one.file.digest): one for one in new}
    said = {"by": cause.actor.name, "at": cause.at}
    files = [(ids.uuid7(), *name, one.file.kind, len(one.content)) for name, one in sorted(once.items())]
    sql.run(_FILES, sql.columns(("ids", "companies", "digests", "kinds", "sizes"), files) | said)
    kept: dict[tuple[int, str], UUID] = {
        (company, digest): key
        for company, digest, key in sql.run(_KEPT, sql.columns(("companies", "digests"), sorted(once)))
    }
    contents = sorted((kept[name], one.content) for name, one in once.items())
    sql.run(_CONTENTS, sql.columns(("files", "contents"), contents))
    rows = [(one.id, one.company, one.order, kept[one.company, one.file.digest], one.name) for one in new]
    sql.run(_ATTACH, sql.columns(("ids", "companies", "orders", "files", "names"), rows) | said)


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

_CONTENTS = """
INSERT INTO orders_filecontent (file_id, content)
SELECT file, content FROM unnest(%(files)s::uuid[], %(contents)s::bytea[]) AS d(file, content)
ON CONFLICT (file_id) DO NOTHING
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
