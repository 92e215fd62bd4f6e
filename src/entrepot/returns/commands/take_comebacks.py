"""What was sent again comes back after all: it is ours, and in stock by what it looks like. Nobody is paid back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import ids, money, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, Refused, Said, one_of
from entrepot.kernel.events import Event
from entrepot.returns import comeback_queries, comebacks, errors
from entrepot.returns.comeback_queries import SentAgain
from entrepot.returns.comebacks import Came, Left, Misfit
from entrepot.returns.commands.announce import tracking_of
from entrepot.returns.commands.decide_strays import DecideStray, decide_strays
from entrepot.returns.commands.left import Costs, lock_sent
from entrepot.returns.commands.opened import note_opened
from entrepot.returns.commands.receive_parcels import skus_of
from entrepot.shipping.commands.watch import Found, came_back
from entrepot.stock.commands.take_back import TakenBack, take_back
from entrepot.warehouse.commands import serials
from entrepot.work.commands.open_items import OpenItem, open_items

BOTH = "given twice"
"""Type of the work item about a customer who has the goods again, and was paid back for them as well."""

NEITHER = "given neither goods nor money"
"""Type of the work item about a shipment that came back, while the order that was to send it again is cancelled."""

ADDRESS = "sent again to the same address"
"""Type of the work item about a second parcel that has not left, while the first one came back."""

PART = "sent again in part"
"""Type of the work item about a shipment that was sent again in part, and of which something comes back."""


@dataclass(frozen=True, slots=True)
class ComebackUnits:
    """Units alike in the parcel, by the code or barcode of their SKU, and what they look like
    (`comebacks.CONDITIONS`)."""

    said: str
    quantity: int
    condition: str
    lot: str = ""
    serial: str = ""


@dataclass(frozen=True, slots=True)
class TakeComeback:
    """A parcel that was sent again and came back: `tracking` is the number on it, or that of the shipment. `bin` is
    where the units are put: by default what can be sold goes to the node's dock, and the rest to its bin for goods
    that wait for somebody to look."""

    company: int
    node: UUID
    tracking: str
    content: tuple[ComebackUnits, ...]
    bin: UUID | None = None
    occurred_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ComebackTaken:
    """Units that are back, and those of the shipment that are still out. `again` is the order by which the goods were
    sent again, `again_state` its status, and `twice` what its customer has twice, if anything: goods, money."""

    shipment: UUID
    number: str
    units: int
    out: int
    again: str
    again_state: str
    twice: str


class _Taken(NamedTuple):
    """Units that will be written."""

    id: UUID
    of: SentAgain
    left: Left
    units: int
    condition: str
    node: UUID
    bin: UUID
    cost: int
    at: datetime


@command("returns.take_comebacks")
def take_comebacks(cause: Cause, /, *, requests: Sequence[TakeComeback]) -> list[ComebackTaken | Refused]:
    """Units of shipments that were sent again are in stock again, at the cost they had left with: sellable, damaged, or
    set apart to be looked at. What was asked about them at the dock is answered, claims for their loss end, and who
    has goods and money, or neither, is work for customer service.

    Locks: the orders in id order with those whose goods they sent again, then as `stock.take_back`.
    Refuses: Invalid (content); returns.not_sent_again; returns.comes_with_return; returns.not_out; returns.no_bin.
    Again: by key; no unit comes back twice. 34 statements at most.
    """
    numbers = [(one.company, tracking_of(one.tracking)) for one in requests]
    found = comeback_queries.sent_again(numbers)
    lock_sent([one.order for one in found.values()])
    found = _anew(found)
    known = _Known(requests, found)
    answers: list[ComebackTaken | Refused] = []
    taken: list[_Taken] = []
    for request, number in zip(requests, numbers, strict=True):
        decided = _decide(cause, request, number, known)
        if isinstance(decided, Refused):
            answers.append(decided)
            continue
        taken += decided
        answers.append(_answer(decided, known))
    if taken:
        _write(cause, taken, answers)
        came = [n for n, one in zip(numbers, answers, strict=True) if isinstance(one, ComebackTaken)]
        note_opened(cause, [(company, tracking, None) for company, tracking in came])
    return answers


def _anew(found: dict[tuple[int, str], SentAgain]) -> dict[tuple[int, str], SentAgain]:
    """As it is now that the orders are locked, without what another shipment bears the number of since."""
    again = comeback_queries.sent_again(found)
    return {number: one for number, one in again.items() if one.shipment == found[number].shipment}


class _Known:
    """What a batch is decided by; what is out changes as it is."""

    def __init__(self, requests: Sequence[TakeComeback], found: dict[tuple[int, str], SentAgain]) -> None:
        self.found = found
        shipments = {one.shipment: one for one in found.values()}
        self.left = comeback_queries.out(shipments)
        self.second = comeback_queries.second(shipments)
        self.expected = comeback_queries.expected(shipments)
        self.costs = Costs(
            {one.order for one in shipments.values()},
            {unit.line for units in self.left.values() for unit in units},
        )
        said = {(one.company, unit.said.strip()) for one in requests for unit in one.content}
        self.skus = skus_of(said)
        self.bins: dict[tuple[int, UUID, str], UUID] = {}
        self.nodes: dict[UUID, tuple[int, UUID]] = {}
        for company, node, bin_id, kind in sql.run(_BINS, {"nodes": list({one.node for one in requests})}):
            self.nodes[bin_id] = (company, node)
            self.bins.setdefault((company, node, kind), bin_id)

    def bin(self, request: TakeComeback, status: str) -> UUID | Refused:
        kinds = ("receiving", "quarantine") if status == "sellable" else ("quarantine", "receiving")
        where = (request.company, request.node)
        bin_id = request.bin or next(
            (self.bins[(*where, kind)] for kind in kinds if (*where, kind) in self.bins), None
        )
        if bin_id is None or self.nodes.get(bin_id) != where:
            named = f" {request.bin}" if request.bin else ""
            return errors.NoBin(node=str(request.node), kind="quarantine or receiving", bin=named)
        return bin_id


# ---- decide


def _decide(
    cause: Cause, request: TakeComeback, number: tuple[int, str], known: _Known
) -> list[_Taken] | Refused:
    one = known.found.get(number)
    if one is None:
        return errors.NotSentAgain(number=request.tracking.strip() or "-")
    refused = _misfit(request)
    if refused:
        return refused
    if one.shipment in known.expected:
        return errors.ComesWithReturn(number=known.expected[one.shipment], shipment=one.number)
    came = [
        Came(known.skus.get((request.company, unit.said.strip())), unit.quantity, unit.lot.strip(), unit.serial.strip())
        for unit in request.content
    ]  # fmt: skip
    left = known.left[one.shipment]
    parts = comebacks.sort_in(left, came)
    if isinstance(parts, Misfit):
        return _not_out(one, request.content[parts.place], parts)
    units: dict[UUID, int] = defaultdict(int)
    for part in parts:
        units[part.of.sku] += part.units
        if one.in_part and units[part.of.sku] > (most := known.second.get((one.shipment, part.of.sku), 0)):
            there = (part.of._replace(units=most, lot="", serial=""),) if most > 0 else ()
            return _not_out(one, request.content[part.place], Misfit(part.place, "part", there))
    bins = [known.bin(request, comebacks.CONDITIONS[unit.condition]) for unit in request.content]
    for bin_id in bins:
        if isinstance(bin_id, Refused):
            return bin_id
    known.left[one.shipment] = _less(left, parts)
    for sku, n in units.items():
        known.second[one.shipment, sku] = known.second.get((one.shipment, sku), 0) - n
    at = request.occurred_at or cause.at
    return [
        _Taken(
            ids.uuid7(), one, part.of, part.units, request.content[part.place].condition, request.node,
            bins[part.place], known.costs.take(part.of.line, part.units), at,  # type: ignore[arg-type]
        )
        for part in parts
    ]  # fmt: skip


def _misfit(request: TakeComeback) -> Refused | None:
    if not request.content:
        return Invalid(field="content", expected="what was in the parcel", found="nothing")
    for one in request.content:
        if one.condition not in comebacks.CONDITIONS:
            return Invalid(
                field="condition", expected=one_of(comebacks.CONDITIONS), found=one.condition or "nothing"
            )
        if not one.said.strip() or one.quantity < 1 or (one.serial and one.quantity != 1):
            return Invalid(
                field="content",
                expected="a SKU, and 1 or more units, 1 with a serial number",
                found=Said("{0} of {1}", one.quantity, one.said or "nothing"),
            )
    return None


def _not_out(one: SentAgain, unit: ComebackUnits, misfit: Misfit) -> Refused:
    named = " ".join(part for part in (unit.lot.strip(), unit.serial.strip()) if part)
    there = ", ".join(
        " ".join(filter(None, (f"{x.units} × {x.code}", x.lot, x.serial))) for x in misfit.there
    )
    return errors.NotOut(
        shipment=one.number, found=f"{unit.quantity} × {unit.said.strip()} {named}".strip(), out=there or "-",
        what=errors.NOT_OUT[misfit.why],
    )  # fmt: skip


def _less(left: Sequence[Left], parts: Sequence[comebacks.Part]) -> list[Left]:
    gone: dict[Left, int] = {}
    for part in parts:
        gone[part.of] = gone.get(part.of, 0) + part.units
    return [one._replace(units=one.units - gone.get(one, 0)) for one in left if one.units > gone.get(one, 0)]


def _answer(taken: Sequence[_Taken], known: _Known) -> ComebackTaken:
    one = taken[0].of
    out = sum(unit.units for unit in known.left[one.shipment])
    units = sum(part.units for part in taken)
    given = one.given._replace(back=one.given.back + units if one.in_part else one.given.sent - out)
    return ComebackTaken(
        one.shipment, one.number, units, out, one.again_number, one.again_state, comebacks.twice(given)
    )


# ---- write


def _write(cause: Cause, taken: Sequence[_Taken], answers: Sequence[ComebackTaken | Refused]) -> None:
    who = cause.actor.name
    sql.write("returns_comeback", _COMEBACK, [
        (
            one.id, one.of.company, one.of.shipment, one.of.order, one.left.line, one.left.sku, one.node, one.bin,
            one.left.lot, one.left.serial, one.units, one.condition, one.cost, who, one.at,
        )
        for one in taken
    ])  # fmt: skip
    serials.came_back((one.of.order, one.left.sku, one.left.serial) for one in taken)
    take_back(cause, [
        TakenBack(one.of.company, one.left.sku, one.node, one.bin, comebacks.CONDITIONS[one.condition], one.left.lot,
                  one.left.serial, one.units, one.cost, "shipment", one.of.shipment, one.left.line, one.at)
        for one in taken
    ])  # fmt: skip
    announce(cause, [
        Event("shipment", one.of.shipment, one.of.company, "", "came back", one.at, {"units": one.units},
              one.condition)
        for one in taken
    ])  # fmt: skip
    shipments = {one.of.shipment: one.of for one in taken}
    told = {one.shipment: one for one in answers if isinstance(one, ComebackTaken)}
    here = {
        key: Found(one.company, one.number, one.priority)
        for key, one in shipments.items()
        if not told[key].out
    }
    if here:
        came_back(cause, here)
    _answer_strays(cause, taken)
    items = [item for key, one in shipments.items() for item in _work(one, told[key])]
    if items:
        open_items(cause, requests=items)


def _answer_strays(cause: Cause, taken: Sequence[_Taken]) -> None:
    """What was set aside with the question what it is, is known now: as much of it as came back. Of what is more than
    that the question stands."""
    back: dict[tuple[UUID, UUID], int] = defaultdict(int)
    for one in taken:
        back[one.of.shipment, one.left.sku] += one.units
    known: list[tuple[UUID, UUID]] = []
    for stray, shipment, sku, units in sql.run(_STRAYS, {"ids": list({one.of.shipment for one in taken})}):
        if units <= back[shipment, sku]:
            back[shipment, sku] -= units
            known.append((stray, shipment))
    if known:
        numbers = {one.of.shipment: one.of.number for one in taken}
        decide_strays(cause, requests=[
            DecideStray(stray, "kept", reason=Said("what {0} sent came back", numbers[shipment]))
            for stray, shipment in known
        ])  # fmt: skip


def _work(one: SentAgain, told: ComebackTaken) -> list[OpenItem]:
    asked = [found] if (found := _asked(one, told)) else []
    if one.in_part:
        asked.append((PART, in_part(one.number, one.again_number), 8))
    facts = {"order": one.again_number}
    return [
        OpenItem(
            one.company, kind, "shipment", one.shipment, said, "customer service", facts, one.priority,
            due_in_hours=hours,
        )
        for kind, said, hours in asked
    ]  # fmt: skip


def in_part(shipment: str, order: str) -> Said:
    """What to see to where something comes back of a shipment that was sent again in part."""
    return Said(
        "Something of {0} comes back, which was sent again in part with order {1}. What was sent again is ours, and"
        " nobody is paid back for it; of anything else its customer has neither goods nor money: give it back, or send"
        " it too.",
        shipment, order,
    )  # fmt: skip


def _asked(one: SentAgain, told: ComebackTaken) -> tuple[str, Said, int | None] | None:
    """What customer service has to see to, if anything: the type of its work, what it is, and within how many hours."""
    if told.twice == "money":
        return BOTH, Said(
            "{0} came back: {1} has its goods again with order {2}, and {3} of order {4} as well. Agree which of both"
            " it keeps.",
            one.number, one.customer or one.order_number, one.again_number,
            money.told(one.paid_back_minor, one.currency), one.order_number,
        ), None  # fmt: skip
    if one.again_state == "cancelled" and one.paid_back < told.units + one.back:
        return NEITHER, Said(
            "{0} came back, and order {1}, by which its goods were to be sent again, is cancelled: {2} has neither"
            " them nor the money of order {3}. Give it back, or send them again.",
            one.number, one.again_number, one.customer or one.order_number, one.order_number,
        ), None  # fmt: skip
    if one.waits:
        return ADDRESS, Said(
            "{0} came back, and order {1}, by which its goods are sent again, has not left: make sure of the address"
            " first.",
            one.number, one.again_number,
        ), 8  # fmt: skip
    return None


_COMEBACK = (
    "id", "company_id", "shipment_id", "order_id", "line_id", "sku_id", "node_id", "bin_id", "lot", "serial",
    "quantity", "condition", "cost_minor", "received_by", "received_at",
)  # fmt: skip

_BINS = """
SELECT company_id::int, node_id, id, kind FROM network_bin
WHERE node_id = ANY(%(nodes)s::uuid[]) AND kind NOT IN ('blocked', 'retired') ORDER BY pick_sequence, id
"""

# By the number of the shipment or of one of its packages, and only such goods as it sent.
_STRAYS = """
SELECT DISTINCT ON (t.id) t.id, h.id, t.sku_id, t.quantity
FROM shipping_shipment AS h
JOIN returns_stray AS t ON t.company_id = h.company_id AND t.state = 'open' AND t.tracking <> ''
 AND (t.tracking IN (h.tracking, h.number)
      OR t.tracking IN (SELECT tracking FROM shipping_label WHERE shipment_id = h.id
                        UNION SELECT tracking FROM shipping_parcel WHERE shipment_id = h.id))
JOIN shipping_shipmentline AS l ON l.shipment_id = h.id AND l.sku_id = t.sku_id
WHERE h.id = ANY(%(ids)s::uuid[]) ORDER BY t.id, h.id
"""
