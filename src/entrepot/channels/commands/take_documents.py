"""Interchanges of suppliers, taken in: their ship notices become notices of what is on its way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.channels import errors
from entrepot.channels.commands.asking import ROLE
from entrepot.channels.x12 import goods, parse, render
from entrepot.channels.x12.contract import CONTENT_MAX, SOURCE
from entrepot.channels.x12.envelope import Interchange, X12Error
from entrepot.channels.x12.goods import Wanted
from entrepot.kernel import inbox, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, Refused, Said
from entrepot.kernel.events import Event
from entrepot.kernel.messages import EMPTIED
from entrepot.purchasing import dock
from entrepot.purchasing.commands.take_notices import NoticeTaken, TakeNotice, take_notices
from entrepot.purchasing.confirming import NoticedLine
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects

ITEM = "ship notice refused"


@dataclass(frozen=True, slots=True)
class TakeDocument:
    """An interchange of X12 as it came."""

    company: int
    content: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class NoticeOfDocument:
    """What became of a set: `number` is that of our notice, '' where it was refused; `is_fresh` where it was taken now;
    `problem` says why it was not."""

    control: str
    reference: str
    number: str
    is_fresh: bool
    packages: int
    units: int
    problem: str


@dataclass(frozen=True, slots=True)
class DocumentTaken:
    """The message of the inbox that keeps it, what became of each set, and the acknowledgement (997) for the sender."""

    message: UUID
    sender: str
    control: str
    is_fresh: bool
    refused: int
    notices: tuple[NoticeOfDocument, ...]
    acknowledgement: str


@dataclass(slots=True)
class _Notice:
    group: str
    said: parse.ShipNotice
    lines: list[NoticedLine] = field(default_factory=list)
    supplier: UUID | None = None
    number: str = ""
    is_fresh: bool = False
    problem: str = ""


@dataclass(slots=True)
class _Document:
    request: TakeDocument
    read: Interchange
    notices: list[_Notice]
    message: UUID | None = None
    is_fresh: bool = False

    @property
    def name(self) -> str:
        return f"{':'.join(self.read.sender)} {self.read.control}"

    @property
    def refused(self) -> list[_Notice]:
        return [one for one in self.notices if one.problem]


class _Kept(NamedTuple):
    message: UUID
    company: int
    name: str
    payload: str


@command("channels.take_documents")
def take_documents(cause: Cause, /, *, requests: Sequence[TakeDocument]) -> list[DocumentTaken | Refused]:
    """Interchanges of ship notices, each kept raw in the inbox once. Each notice is taken whole or not at all; while
    one is refused its interchange is set aside, with work, and the same one brought again takes the rest.

    Locks: the inbox's new rows, then as taking notices does. Refuses: Invalid (longer than a document may be);
    channels.x12_unreadable (nothing is kept of it); channels.control_number_used. Again: by key, and by sender and
    control number: the notices that were taken. 9 statements at most, and those of taking notices.
    """
    answers = [_read(one) for one in requests]
    documents = [one for one in answers if isinstance(one, _Document)]
    if not documents:
        return [one for one in answers if isinstance(one, Refused)]
    kept = _keep(cause, documents)
    changed = {id(one) for one in documents if _is_other(one, kept)}
    first: dict[UUID | None, _Document] = {}
    for one in documents:
        if id(one) not in changed:
            first.setdefault(one.message, one)
    documents = list(first.values())
    _find(documents)
    _take(cause, documents)
    _note(cause, documents)
    return [
        one if isinstance(one, Refused)
        else errors.ControlNumberUsed(control=one.read.control, sender=one.read.sender[1]) if id(one) in changed
        else _answer(cause, first[one.message])
        for one in answers
    ]  # fmt: skip


def _read(one: TakeDocument) -> _Document | Refused:
    if len(one.content) > CONTENT_MAX:
        return Invalid(field="content", expected=Said("at most {0}", CONTENT_MAX), found=len(one.content))
    try:
        read, notices = parse.notices(one.content)
    except X12Error as error:
        return errors.X12Unreadable(
            segment=error.segment, name=error.name, expected=error.expected, found=error.found
        )
    return _Document(one, read, [_Notice(group, said) for group, said in notices])


def _keep(cause: Cause, documents: Sequence[_Document]) -> dict[tuple[int, str], _Kept]:
    """The documents in the inbox, as they came first. 2 statements."""
    coming = [
        inbox.Incoming(one.request.company, SOURCE, one.name, "856", one.request.content) for one in documents
    ]
    new = set(inbox.receive(cause, coming, state="set_aside").values())
    names = [(one.request.company, one.name) for one in documents]
    rows = [
        _Kept(*row) for row in sql.run(_KEPT, sql.columns(("companies", "names"), names) | {"source": SOURCE})
    ]
    kept = {(row.company, row.name): row for row in rows}
    for one in documents:
        one.message = kept[one.request.company, one.name].message
        one.is_fresh = one.message in new
        new.discard(one.message)
    return kept


def _is_other(one: _Document, kept: Mapping[tuple[int, str], _Kept]) -> bool:
    return kept[one.request.company, one.name].payload not in (one.request.content, EMPTIED)


def _find(documents: Sequence[_Document]) -> None:
    """The order lines that notices speak of, and which of them are known already. 2 statements."""
    wanted = _wanted(documents)
    for one in documents:
        orders = wanted.get(one.request.company, {})
        for each in one.notices:
            try:
                each.lines = goods.lines(each.said.items, orders)
                each.supplier = orders[each.said.items[0].order][0].supplier
            except X12Error as error:
                each.problem = errors.X12Unreadable(
                    segment=error.segment, name=error.name, expected=error.expected, found=error.found
                ).message
    asked = {
        (each.supplier, each.said.reference) for one in documents for each in one.notices if each.supplier
    }
    known = dock.notice_numbers(asked) if asked else {}
    for one in documents:
        for each in one.notices:
            if each.supplier and not one.is_fresh:
                each.number = known.get((each.supplier, each.said.reference), "")


def _wanted(documents: Sequence[_Document]) -> dict[int, dict[str, list[Wanted]]]:
    """Lines of the orders by company and by what the notices call them: our number, or the other side's."""
    named = {
        (one.request.company, item.order)
        for one in documents
        for each in one.notices
        for item in each.said.items
    }
    found: dict[int, dict[str, list[Wanted]]] = {}
    for company, name, *row, barcodes, units in sql.run(
        _LINES, sql.columns(("companies", "names"), sorted(named))
    ):
        cases = tuple(zip(barcodes, units, strict=True))
        found.setdefault(company, {}).setdefault(name, []).append(Wanted(*(*row, cases)))
    return found


def _take(cause: Cause, documents: Sequence[_Document]) -> None:
    asked = [(one, each) for one in documents for each in one.notices if not each.problem and not each.number]
    answers = take_notices(
        cause,
        requests=[
            TakeNotice(
                one.request.company, each.said.reference, each.said.expected_on, tuple(each.lines),
                each.said.carrier, each.said.tracking,
            )
            for one, each in asked
        ],
    ) if asked else []  # fmt: skip
    for (_, each), answer in zip(asked, answers, strict=True):
        if isinstance(answer, NoticeTaken):
            each.number, each.is_fresh = answer.number, True
        else:
            each.problem = answer.message


def _note(cause: Cause, documents: Sequence[_Document]) -> None:
    """What became of the messages; what was refused is work, until it is taken."""
    whole = {one.message: one for one in documents if not one.refused}
    inbox.mark([which for which in whole if which], "done")
    wrong = [one for one in documents if one.refused]
    inbox.mark_each({one.message: one.refused[0].problem for one in wrong if one.message}, "set_aside")
    if wrong:
        open_items(cause, requests=[_item(one) for one in wrong])
    if again := [one for one in whole.values() if not one.is_fresh]:
        resolve_subjects(
            cause,
            requests=[
                ResolveSubject(
                    one.request.company, ITEM, one.message, "agreed", "all of it is taken", cause.at
                )
                for one in again
                if one.message
            ],
        )
    announce(
        cause,
        [
            Event(
                "message", one.message, one.request.company, "", "set_aside" if one.refused else "done", None,
                {"control": one.read.control, "notices": [each.number for each in one.notices if each.number]},
            )
            for one in documents
            if one.message
        ],
    )  # fmt: skip


def _item(one: _Document) -> OpenItem:
    assert one.message is not None
    told = [f"{each.said.reference}: {each.problem}" for each in one.refused]
    return OpenItem(
        company=one.request.company, type=ITEM, subject_kind="message", subject=one.message,
        reason=f"{len(told)} of {len(one.notices)} ship notices of {one.name} are refused. {told[0]}", role=ROLE,
        facts={"problems": told[:20]},
    )  # fmt: skip


def _answer(cause: Cause, one: _Document) -> DocumentTaken:
    assert one.message is not None
    notices = tuple(
        NoticeOfDocument(
            each.said.control, each.said.reference, each.number, each.is_fresh,
            len({line.sscc for line in each.lines if line.sscc}), sum(line.quantity for line in each.lines),
            each.problem,
        )
        for each in one.notices
    )  # fmt: skip
    refused: dict[tuple[str, str], Any] = {(each.group, each.said.control): each for each in one.refused}
    return DocumentTaken(
        one.message, one.read.sender[1].strip(), one.read.control, one.is_fresh, len(refused), notices,
        render.acknowledgement(one.read, refused, cause.at),
    )  # fmt: skip


_KEPT = """
SELECT DISTINCT m.id, m.company_id::int, m.external_id, m.payload
FROM unnest(%(companies)s::smallint[], %(names)s::text[]) AS d(company, name)
JOIN kernel_inbox AS m ON m.company_id = d.company AND m.source = %(source)s::text AND m.external_id = d.name
"""

# Our own number comes before a number that another order has elsewhere.
_LINES = """
SELECT d.company::int, d.name, o.id, o.supplier_id, l.number, l.id, s.code, s.barcode,
       GREATEST(l.quantity - l.received - l.short, 0), c.barcodes, c.units
FROM unnest(%(companies)s::smallint[], %(names)s::text[]) AS d(company, name)
CROSS JOIN LATERAL (
    SELECT id, supplier_id FROM (
        SELECT id, supplier_id, 1 AS place FROM purchasing_order WHERE number = d.name AND company_id = d.company
        UNION ALL
        SELECT id, supplier_id, 2 FROM purchasing_order
        WHERE company_id = d.company AND external_ref = d.name AND external_ref <> '') AS either
    ORDER BY place LIMIT 1) AS o
JOIN purchasing_orderline AS l ON l.order_id = o.id
JOIN catalog_sku AS s ON s.id = l.sku_id
CROSS JOIN LATERAL (
    SELECT COALESCE(array_agg(p.barcode ORDER BY p.barcode), '{}') AS barcodes,
           COALESCE(array_agg(p.units ORDER BY p.barcode), '{}') AS units
    FROM catalog_packaging AS p WHERE p.sku_id = s.id AND p.barcode <> '') AS c
ORDER BY d.company, d.name, l.number
"""
