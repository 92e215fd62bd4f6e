"""Sets of interchanges that stand in the inbox: each ship notice taken, replaced or cancelled, and each answer to an
order, whole or not at all. Inside a command."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from entrepot.channels.commands import answering
from entrepot.channels.commands.answering import AnsweredSet
from entrepot.channels.commands.asking import ROLE
from entrepot.channels.commands.document_sets import DocumentSet, unreadable
from entrepot.channels.commands.sent_notices import SentNotice, take_sent
from entrepot.channels.x12 import goods, parse, render
from entrepot.channels.x12.contract import CANCELLED, CARRIERS, CONTENT_MAX, REPLACED
from entrepot.channels.x12.documents import documents
from entrepot.channels.x12.envelope import Interchange, X12Error
from entrepot.channels.x12.goods import ToCustomer, Wanted
from entrepot.channels.x12.order_answer import OrderAnswer
from entrepot.kernel import inbox, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce
from entrepot.kernel.errors import Invalid, Refused, Said
from entrepot.kernel.events import Event
from entrepot.purchasing import dock
from entrepot.purchasing.commands.take_notices import (
    CloseNotice,
    NoticeTaken,
    TakeNotice,
    close_notices,
    take_notices,
)
from entrepot.purchasing.confirming import NoticedLine
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects

ITEM = "ship notice refused"
UNKEPT = UUID(int=0)
WHY_CLOSED = "cancelled by the supplier"


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
class Noticed(DocumentSet):
    """A ship notice while it is dealt with: of goods that come, or that go `to_customer`."""

    said: parse.ShipNotice
    lines: list[NoticedLine] = field(default_factory=list)
    to_customer: ToCustomer | None = None
    supplier: UUID | None = None

    @property
    def packages(self) -> int:
        return len({line.sscc for line in self.lines if line.sscc})

    @property
    def units(self) -> int:
        sent = self.to_customer.sent if self.to_customer else ()
        return sum(line.quantity for line in self.lines) + sum(units for _, units in sent)


@dataclass(slots=True)
class Document:
    """An interchange, with the message that keeps it."""

    company: int
    content: str
    read: Interchange
    notices: list[Noticed]
    answers: list[AnsweredSet]
    message: UUID = UNKEPT
    received_at: datetime | None = None
    is_fresh: bool = False
    is_done: bool = False

    @property
    def name(self) -> str:
        return f"{':'.join(self.read.sender)} {self.read.control}"

    @property
    def sets(self) -> list[Noticed | AnsweredSet]:
        return [*self.notices, *self.answers]

    @property
    def refused(self) -> list[Noticed | AnsweredSet]:
        return [one for one in self.sets if one.problem]


def read(company: int, content: str) -> Document | Refused:
    """An interchange of ship notices and answers to orders, or why it is none. Pure."""
    if len(content) > CONTENT_MAX:
        return Invalid(field="content", expected=Said("at most {0}", CONTENT_MAX), found=len(content))
    if "\x00" in content:
        return Invalid(field="content", expected="text", found="NUL")
    try:
        found, sets = documents(content)
    except X12Error as error:
        return unreadable(error)
    notices = [Noticed(group, said) for group, said in sets if isinstance(said, parse.ShipNotice)]
    answers = [AnsweredSet(group, said) for group, said in sets if isinstance(said, OrderAnswer)]
    return Document(company, content, found, notices, answers)


def take(cause: Cause, documents: Sequence[Document]) -> None:
    """Take what of documents was not taken before, and note it on their messages; what is refused is work. 9 statements
    at most, and those of taking and of closing notices, of what went to customers, and of confirming and refusing
    orders."""
    _recall([one for one in documents if not one.is_fresh])
    _find(cause, documents)
    _send(cause, documents)
    _take(cause, documents)
    _cancel(cause, documents)
    answering.take(
        cause, [(one.received_at, each) for one in documents for each in one.answers if each.waits]
    )
    _note(cause, [one for one in documents if not one.is_done])


def answer(cause: Cause, one: Document) -> DocumentTaken:
    notices = tuple(
        NoticeOfDocument(
            each.said.control, each.said.reference, each.number, each.is_fresh, each.packages, each.units, each.problem,
        )
        for each in one.sets
    )  # fmt: skip
    refused: dict[tuple[str, str], Any] = {(each.group, each.said.control): each for each in one.refused}
    return DocumentTaken(
        one.message, one.read.sender[1].strip(), one.read.control, one.is_fresh, len(refused), notices,
        render.acknowledgement(one.read, refused, cause.at),
    )  # fmt: skip


def set_aside(cause: Cause, unread: Sequence[tuple[int, UUID, str]]) -> None:
    """Messages (company, message, why) of which nothing can be read are asked about again. 3 statements, where there
    are some."""
    if unread:
        inbox.mark_each({message: problem for _, message, problem in unread}, "set_aside")
        open_items(
            cause,
            requests=[_item(company, message, problem, [problem]) for company, message, problem in unread],
        )


def _recall(documents: Sequence[Document]) -> None:
    """The numbers of sets that were taken before, as the events of their messages tell. 1 statement."""
    taken: dict[UUID, dict[str, str]] = {}
    wanted = [one.message for one in documents]
    for message, sets in sql.run(_TAKEN, {"messages": wanted}) if wanted else ():
        taken.setdefault(message, {}).update(sets)
    for one in documents:
        for each in one.sets:
            each.number = taken.get(one.message, {}).get(each.name, "")


def _find(cause: Cause, documents: Sequence[Document]) -> None:
    """The order lines that notices and answers speak of, and whose notices they are. 1 statement."""
    wanted = _wanted(documents)
    for one in documents:
        orders = wanted.get(one.company, {})
        for each in one.notices:
            try:
                if (misfit := each.said.misfit()) and not each.number:
                    raise misfit
                each.to_customer = None if each.number else goods.to_customer(each.said, orders)
                if each.to_customer is None:
                    each.lines = goods.lines(each.said.items, orders)
                each.supplier = _supplier(each.said, orders)
            except X12Error as error:
                each.misread(error)
        for answer in one.answers:
            answering.find(answer, orders, (one.received_at or cause.at).date())


def _supplier(said: parse.ShipNotice, orders: dict[str, list[Wanted]]) -> UUID | None:
    for name in said.orders:
        if name not in orders:
            raise X12Error(said.segment, "PRF01", "the number of a purchase order of ours", name)
    return orders[said.orders[0]][0].supplier if said.orders else None


def _wanted(documents: Sequence[Document]) -> dict[int, dict[str, list[Wanted]]]:
    """Lines of the orders by company and by what the notices call them: our number, or the other side's."""
    named = {(one.company, order) for one in documents for each in one.notices for order in each.said.orders}
    named |= {(one.company, each.said.order) for one in documents for each in one.answers}
    found: dict[int, dict[str, list[Wanted]]] = {}
    for company, name, *row, barcodes, units, is_drop_ship, received, wanted_on, cost, currency in sql.run(
        _LINES, sql.columns(("companies", "names"), sorted(named))
    ):
        cases = tuple(zip(barcodes, units, strict=True))
        found.setdefault(company, {}).setdefault(name, []).append(
            Wanted(*(*row, cases, is_drop_ship, received, wanted_on, cost, currency))
        )
    return found


def _send(cause: Cause, documents: Sequence[Document]) -> None:
    """What suppliers say has left for customers."""
    asked = [
        (each, SentNotice(
            one.company, each.supplier, each.said.reference, each.said.orders[0], each.to_customer,
            CARRIERS.get(each.said.carrier, each.said.carrier), each.said.tracking, each.said.parcels,
            one.received_at,
        ))
        for one in documents
        for each in one.notices
        if each.waits and each.to_customer and each.supplier
    ]  # fmt: skip
    answers = take_sent(cause, [notice for _, notice in asked]) if asked else []
    for (each, _), told in zip(asked, answers, strict=True):
        if isinstance(told, Refused):
            each.refuse(told)
        else:
            each.take(told)


def _take(cause: Cause, documents: Sequence[Document]) -> None:
    asked = [
        (one, each)
        for one in documents
        for each in one.notices
        if each.waits and each.said.purpose != CANCELLED
    ]
    answers = take_notices(
        cause,
        requests=[
            TakeNotice(
                one.company, each.said.reference, each.said.expected_on, tuple(each.lines), each.said.carrier,
                each.said.tracking, occurred_at=one.received_at, replaces=each.said.purpose == REPLACED,
            )
            for one, each in asked
        ],
    ) if asked else []  # fmt: skip
    for (_, each), told in zip(asked, answers, strict=True):
        if isinstance(told, NoticeTaken):
            each.take(told.number)
        else:
            each.refuse(told)


def _cancel(cause: Cause, documents: Sequence[Document]) -> None:
    """Notices that their suppliers cancel, closed. One that is closed already stays so. 1 statement, and those of
    closing, where some are."""
    asked = [
        (one, each)
        for one in documents
        for each in one.notices
        if each.waits and each.said.purpose == CANCELLED
    ]
    if not asked:
        return
    standing = dock.standing_notices(
        {(each.supplier, each.said.reference) for _, each in asked if each.supplier}
    )
    closing: dict[UUID, tuple[Document, list[Noticed]]] = {}
    for one, each in asked:
        found = standing.get((each.supplier, each.said.reference)) if each.supplier else None
        if found is None:
            wrong = each.said.fault(2, "the number of a notice that we have", each.said.reference)
            each.refuse(unreadable(wrong))
        elif found.state == "closed":
            each.number = found.number
        else:
            closing.setdefault(found.id, (one, []))[1].append(each)
            each.number = found.number
    answers = close_notices(
        cause,
        requests=[
            CloseNotice(which, WHY_CLOSED, whole=True, occurred_at=one.received_at)
            for which, (one, _) in closing.items()
        ],
    )
    for (_, sets), told in zip(closing.values(), answers, strict=True):
        for each in sets:
            if isinstance(told, Refused):
                each.refuse(told)
            else:
                each.is_fresh = True


def _note(cause: Cause, documents: Sequence[Document]) -> None:
    """What became of the messages; what was refused is work, until it is taken."""
    whole = [one for one in documents if not one.refused]
    wrong = [one for one in documents if one.refused]
    inbox.mark([one.message for one in whole], "done")
    inbox.mark_each({one.message: one.refused[0].problem for one in wrong}, "set_aside")
    if wrong:
        open_items(cause, requests=[_refused(one) for one in wrong])
    if again := [one for one in whole if not one.is_fresh]:
        resolve_subjects(
            cause,
            requests=[
                ResolveSubject(one.company, ITEM, one.message, "agreed", "all of it is taken", cause.at)
                for one in again
            ],
        )
    announce(
        cause,
        [
            Event(
                "message", one.message, one.company, "", "set_aside" if one.refused else "done", None,
                {
                    "control": one.read.control, "notices": [each.number for each in one.sets if each.number],
                    "sets": {each.name: each.number for each in one.sets if each.number},
                },
            )
            for one in documents
        ],
    )  # fmt: skip


def _refused(one: Document) -> OpenItem:
    told = [f"{each.said.reference}: {each.problem}" for each in one.refused]
    reason = Said("{0} of {1} documents of {2} are refused. {3}", len(told), len(one.sets), one.name, told[0])
    return _item(one.company, one.message, reason, told)


def _item(company: int, message: UUID, reason: str, problems: Sequence[str]) -> OpenItem:
    return OpenItem(
        company=company, type=ITEM, subject_kind="message", subject=message, reason=reason, role=ROLE,
        facts={"problems": list(problems[:20])},
    )  # fmt: skip


_TAKEN = """
SELECT subject_id, payload->'sets' FROM kernel_event
WHERE subject_id = ANY(%(messages)s::uuid[]) AND subject_kind = 'message' AND payload ? 'sets' ORDER BY seq
"""

# Our own number comes before a number that another order has elsewhere. The orders are found first and kept: joined as
# one, where the tables are thought to be small, each was looked for again for every line that there is.
_LINES = """
WITH o AS MATERIALIZED (
    SELECT d.company, d.name, found.id, found.supplier_id, found.currency, found.due_on
    FROM unnest(%(companies)s::smallint[], %(names)s::text[]) AS d(company, name)
    CROSS JOIN LATERAL (
        SELECT id, supplier_id, currency, due_on FROM (
            SELECT id, supplier_id, currency, NULL::date AS due_on, 1 AS place FROM purchasing_order
            WHERE number = d.name AND company_id = d.company
            UNION ALL
            SELECT id, supplier_id, currency, due_on, 2 FROM purchasing_dropship
            WHERE number = d.name AND company_id = d.company
            UNION ALL
            SELECT id, supplier_id, currency, NULL, 3 FROM purchasing_order
            WHERE company_id = d.company AND external_ref = d.name AND external_ref <> '') AS either
        ORDER BY place LIMIT 1) AS found
), l AS (
    SELECT order_id, number, id, sku_id, GREATEST(quantity - received - short, 0) AS to_come, FALSE AS is_drop_ship,
           received, wanted_on, unit_cost
    FROM purchasing_orderline WHERE order_id IN (SELECT id FROM o)
    UNION ALL
    SELECT drop_ship_id, number, id, sku_id, quantity - shipped - refused - called_off, TRUE, 0, NULL, 0
    FROM purchasing_dropshipline WHERE drop_ship_id IN (SELECT id FROM o)
)
SELECT o.company::int, o.name, o.id, o.supplier_id, l.number, l.id, s.code, s.barcode, l.to_come,
       c.barcodes, c.units, l.is_drop_ship, l.received, COALESCE(l.wanted_on, o.due_on), l.unit_cost, o.currency
FROM o
JOIN l ON l.order_id = o.id
JOIN catalog_sku AS s ON s.id = l.sku_id
CROSS JOIN LATERAL (
    SELECT COALESCE(array_agg(p.barcode ORDER BY p.barcode), '{}') AS barcodes,
           COALESCE(array_agg(p.units ORDER BY p.barcode), '{}') AS units
    FROM catalog_packaging AS p WHERE p.sku_id = s.id AND p.barcode <> '') AS c
ORDER BY o.company, o.name, l.number
"""
