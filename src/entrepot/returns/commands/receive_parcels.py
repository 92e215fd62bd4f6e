"""A parcel of returned goods is opened: what was expected is received, and what was not becomes a question."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import ids, policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, whole
from entrepot.kernel.errors import Invalid, Refused, Said
from entrepot.kernel.events import Event
from entrepot.returns import arrivals, errors, expiring, states
from entrepot.returns.arrivals import Came, Expected, Part, Sorted
from entrepot.returns.comeback_queries import IN_PART
from entrepot.returns.commands.announce import tracking_of
from entrepot.returns.commands.giving_up import INCOMPLETE, Late, late, reopen, take_again
from entrepot.returns.commands.lock import Line, Return, lock_returns
from entrepot.returns.commands.opened import note_opened
from entrepot.returns.commands.receive import Receive, receive
from entrepot.returns.expiring import ExpiryPolicy
from entrepot.returns.parcel_queries import MEANT, meant_by
from entrepot.shipping.queries import BEARS
from entrepot.work.commands.open_items import OpenItem, open_items


@dataclass(frozen=True, slots=True)
class Content:
    """Units alike in a parcel: by the code or barcode of their SKU, or in words where nobody can tell. `weight_g` is of
    all of them; where they belong to several returns, each is given its part. `line` is the line of a return beside
    which they were counted: where that expects them, they are its own."""

    said: str
    quantity: int
    lot: str = ""
    serial: str = ""
    condition: str = ""
    weight_g: int | None = None
    line: UUID | None = None


@dataclass(frozen=True, slots=True)
class ReceiveParcel:
    """All that was in a parcel; nothing, where one came empty that was expected. `tracking` is the number on it, or on
    the slip in it: the carrier's, the return's or the order's; '' for one that has none. `bin` is where the units are
    put: by default the node's bin for goods that wait for inspection. `pallet` is the one that a parcel without a
    number came on."""

    company: int
    node: UUID
    content: tuple[Content, ...]
    tracking: str = ""
    bin: UUID | None = None
    occurred_at: datetime | None = None
    pallet: UUID | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ParcelReceived:
    """Units received of returns, units that nobody announced (`strays`), and units that were expected and are not in
    it. `returns` are those that something was received of."""

    received: int
    missing: int
    returns: tuple[UUID, ...]
    strays: tuple[UUID, ...]


class _Stray(NamedTuple):
    id: UUID
    request: ReceiveParcel
    bin: UUID
    sku: UUID | None
    content: Content
    units: int
    why: str


class _Known:
    """Returns that parcels were announced for, bins of nodes, and SKUs by what people call them."""

    def __init__(self, cause: Cause, requests: Sequence[ReceiveParcel]) -> None:
        announced = sql.run(_ANNOUNCED, meant_by((one.company, one.tracking) for one in requests))
        self.returns = lock_returns([row[2] for row in announced])
        self.of: dict[tuple[int, str], list[UUID]] = defaultdict(list)
        for company, tracking, return_id in announced:
            self.of[company, tracking].append(return_id)
        self.late = late(self.returns.values())
        rules = policies.of_companies((one.of.company for one in self.late.values()), ExpiryPolicy, cause.at)
        self.taken_late = {
            key
            for key, one in self.late.items()
            if expiring.takes_late(rules[one.of.company][1], one.closed_at, cause.at)
        }
        self.came: dict[UUID, int] = defaultdict(int)
        self.anew: dict[UUID, int] = defaultdict(int)
        self.reopened: dict[UUID, Late] = {}
        self.bins, self.nodes = bins_of(one.node for one in requests)
        said = {(one.company, content.said.strip()) for one in requests for content in one.content}
        self.skus = skus_of(said)
        numbers = {(one.company, tracking_of(one.tracking)) for one in requests if one.tracking.strip()}
        again = sql.run(_SENT_AGAIN, sql.columns(("companies", "trackings"), sorted(numbers)))
        self.sent_again = {(company, tracking): tuple(found) for company, tracking, *found in again}

    def expected(self, request: ReceiveParcel) -> list[Expected]:
        """What is still to come in a parcel to this node, and what was given up and comes late; counts change as it is
        received."""
        return [
            Expected(one.id, line.id, line.sku, units)
            for one in self._returns(request)
            if one.node == request.node
            for line in one.lines.values()
            if (units := self._units(one, line))
        ]

    def is_late(self, request: ReceiveParcel) -> bool:
        """Whether what is in a parcel was given up before it came."""
        return any(one.id in self.late for one in self._returns(request))

    def _returns(self, request: ReceiveParcel) -> list[Return]:
        return [self.returns[one] for one in self.of[request.company, tracking_of(request.tracking)]]

    def _units(self, one: Return, line: Line) -> int:
        if one.id in self.taken_late:
            return line.to_come - self.came[line.id] + self.late[one.id].units(line)
        return 0 if one.state in (*states.FINAL, "requested") else line.to_come - self.came[line.id]

    def take(self, part: Part) -> None:
        """Count units of a line as received; what was given up is waited for again."""
        one = self.returns[part.of.return_id]
        line = one.lines[part.of.line]
        if late_units := max(0, part.units + self.came[line.id] - line.to_come):
            self.reopened[one.id] = self.late[one.id]
            self.anew[line.line] += take_again(self.late[one.id], line, late_units)
        self.came[line.id] += part.units


def bins_of(nodes: Iterable[UUID]) -> tuple[dict[tuple[int, UUID], UUID], dict[UUID, tuple[int, UUID]]]:
    """By company and node, the bin that returned goods are put into; and whose each bin is. 1 statement."""
    usual: dict[tuple[int, UUID], UUID] = {}
    owners: dict[UUID, tuple[int, UUID]] = {}
    for company, node, bin_id, is_usual in sql.run(_BINS, {"nodes": list(set(nodes))}):
        owners[bin_id] = company, node
        if is_usual:
            usual.setdefault((company, node), bin_id)
    return usual, owners


def skus_of(said: Iterable[tuple[int, str]]) -> dict[tuple[int, str], UUID]:
    """SKUs by company and what people call them: a code, or a barcode. 1 statement."""
    columns = sql.columns(("companies", "said"), sorted(said))
    return {(company, text): sku for company, text, sku in sql.run(_SKUS, columns)}


@command("returns.receive_parcels")
def receive_parcels(cause: Cause, /, *, requests: Sequence[ReceiveParcel]) -> list[ParcelReceived | Refused]:
    """What parcels held: units of announced returns are received, the rest is set aside with a question to customer
    service, which is also asked where something is missing. Goods of a return that was closed without them open it
    again, or are strays, as the policy `returns.expiry` says. Strays are not ours: they are in no stock until it is
    known what they are.

    Whoever receives has neither asked for the returns nor approves their refunds.
    Locks: the orders in id order, then as `returns.receive`.
    Refuses: Invalid (content); returns.no_bin; access.duties_apart. Again: by key.
    64 statements at most.
    """
    known = _Known(cause, requests)
    answers: list[ParcelReceived | Refused] = []
    arrived: list[Receive] = []
    strays: list[_Stray] = []
    items: list[OpenItem] = []
    for request in requests:
        bin_id = _bin(request, known)
        sorted_out = bin_id if isinstance(bin_id, Refused) else _decide(cause, request, known)
        if isinstance(sorted_out, Refused):
            answers.append(sorted_out)
            continue
        assert isinstance(bin_id, UUID)
        own = [_stray(request, bin_id, known, *one) for one in sorted_out.strays]
        strays += own
        arrived += [_receive(request, bin_id, part) for part in sorted_out.parts]
        items += _questions(request, sorted_out, own, known)
        answers.append(_answer(sorted_out, own))
    if known.reopened:
        reopen(cause, known.reopened, known.anew, dict.fromkeys(known.reopened, "its goods came late"))
    whole(receive(cause, requests=arrived))
    if strays:
        _write(cause, strays)
    open_items(cause, requests=items)
    came = [one for one, answer in zip(requests, answers, strict=True) if isinstance(answer, ParcelReceived)]
    if came:
        note_opened(cause, [(one.company, tracking_of(one.tracking), one.pallet) for one in came])
    return answers


# ---- decide


def _bin(request: ReceiveParcel, known: _Known) -> UUID | Refused:
    owner = (request.company, request.node)
    bin_id = request.bin or known.bins.get(owner)
    if bin_id is None or known.nodes.get(bin_id) != owner:
        named = f" {request.bin}" if request.bin else ""
        return errors.NoBin(node=str(request.node), kind="quarantine or receiving", bin=named)
    return bin_id


def _decide(cause: Cause, request: ReceiveParcel, known: _Known) -> Sorted | Refused:
    if not request.content and not known.expected(request):
        return Invalid(field="content", expected="what was in the parcel", found="nothing")
    for one in request.content:
        if not one.said.strip() or one.quantity < 1 or (one.serial and one.quantity != 1):
            expected = "a SKU or words, and 1 or more units, 1 with a serial number"
            return Invalid(
                field="content",
                expected=expected,
                found=Said("{0} of {1}", one.quantity, one.said or "nothing"),
            )
    came = [
        Came(known.skus.get((request.company, one.said.strip())), one.quantity, one.line)
        for one in request.content
    ]
    found = arrivals.sort_out(known.expected(request), came)
    for part in found.parts:
        refused = known.returns[part.of.return_id].apart("receive", cause.actor.name)
        if refused:
            return refused
    for part in found.parts:
        known.take(part)
    return found._replace(
        missing=tuple(one for one in found.missing if one.return_id not in known.taken_late)
    )


def _stray(request: ReceiveParcel, bin_id: UUID, known: _Known, place: int, units: int, why: str) -> _Stray:
    content = request.content[place]
    sku = known.skus.get((request.company, content.said.strip()))
    if why == "unannounced" and known.is_late(request):
        why = "late"
    return _Stray(ids.uuid7(), request, bin_id, sku, content, units, why)


def _receive(request: ReceiveParcel, bin_id: UUID, part: Part) -> Receive:
    content = request.content[part.place]
    weight = None if content.weight_g is None else content.weight_g * part.units // content.quantity
    return Receive(
        part.of.return_id, part.of.line, part.units, bin_id, content.condition, content.lot, content.serial,
        request.occurred_at, weight,
    )  # fmt: skip


def _answer(found: Sorted, strays: Sequence[_Stray]) -> ParcelReceived:
    return ParcelReceived(
        sum(part.units for part in found.parts),
        sum(one.units for one in found.missing),
        tuple(dict.fromkeys(part.of.return_id for part in found.parts)),
        tuple(one.id for one in strays),
    )


WHY = {
    "unknown": Said("nobody can tell what it is"),
    "unannounced": Said("nothing was announced"),
    "more": Said("more came than was announced"),
    "other": Said("something else was announced"),
    "late": Said("its return is closed"),
}


def _why(why: str, again: tuple[str, str, bool] | None) -> str:
    """Why goods are strays, for whoever decides. What was sent again and comes back after all has no buyer: nobody
    asked for it, and nobody is paid back."""
    if again is None:
        return WHY[why]
    shipment, order, in_part = again
    if in_part:
        return Said(
            "something of {0}, which was sent again in part with order {1}. If it is what was sent again, it is ours,"
            " and nobody is paid back for it: open its number again under Parcels to put it back in stock. If not, its"
            " customer has neither goods nor money: give it back, or send it too",
            shipment, order,
        )  # fmt: skip
    return Said(
        "what {0} sent, which was sent again with order {1}: it is ours, and nobody is paid back for it. Open its"
        " number again under Parcels to put it back in stock",
        shipment, order,
    )  # fmt: skip


def _questions(
    request: ReceiveParcel, found: Sorted, strays: Iterable[_Stray], known: _Known
) -> Iterable[OpenItem]:
    """A work item for each stray, and for each return that something is missing of."""
    number = tracking_of(request.tracking)
    parcel = f"Parcel {number}" if number else "A parcel without a number"
    again = known.sent_again.get((request.company, number))
    for one in strays:
        yield OpenItem(
            company=request.company, type="goods nobody announced", subject_kind="stray", subject=one.id,
            reason=Said(
                "{0}: {1} of {2}, {3}.",
                parcel, one.units, one.content.said, _why(one.why, again),
            ), role="customer service",
            facts={"bin": one.bin, "units": one.units, "said": one.content.said}, occurred_at=request.occurred_at,
        )  # fmt: skip
    missing: dict[UUID, int] = defaultdict(int)
    for line in found.missing:
        missing[line.return_id] += line.units
    for return_id, units in missing.items():
        one_return: Return = known.returns[return_id]
        yield OpenItem(
            company=request.company, type=INCOMPLETE, subject_kind="return", subject=return_id,
            reason=Said(
                "{0}: {1} units of return {2} were announced and are not in it.",
                parcel, units, one_return.number,
            ),
            role="customer service", facts={"return": return_id, "units": units}, occurred_at=request.occurred_at,
        )  # fmt: skip


# ---- write


def _write(cause: Cause, strays: Sequence[_Stray]) -> None:
    sql.write("returns_stray", _STRAY, [
        (
            s.id, s.request.company, s.request.node, s.bin, tracking_of(s.request.tracking), s.sku,
            s.content.said.strip(), s.units, s.content.lot, s.content.serial, s.content.condition, s.why, "open", "",
            cause.actor.name, s.request.occurred_at or cause.at, "",
        )
        for s in strays
    ])  # fmt: skip
    announce(cause, [
        Event("stray", s.id, s.request.company, "", "open", s.request.occurred_at, {"units": s.units, "why": s.why})
        for s in strays
    ])  # fmt: skip


_STRAY = (
    "id", "company_id", "node_id", "bin_id", "tracking", "sku_id", "said", "quantity", "lot", "serial", "condition",
    "why", "state", "reason", "received_by", "received_at", "decided_by",
)  # fmt: skip

_ANNOUNCED = f"""
WITH {MEANT} SELECT DISTINCT company::int, tracking, return_id FROM meant ORDER BY return_id
"""

# What of these was sent again, by the number of the shipment or of one of its packages.
_SENT_AGAIN = f"""
SELECT d.company::int, d.number, h.number, x.number, {IN_PART}
FROM unnest(%(companies)s::smallint[], %(trackings)s::text[]) AS d(company, number)
JOIN LATERAL ({BEARS}) AS found ON TRUE
JOIN shipping_shipment AS h ON h.id = found.id
JOIN shipping_reshipment AS r ON r.shipment_id = h.id
JOIN orders_order AS x ON x.id = r.order_id AND x.status <> 'cancelled' ORDER BY h.id
"""

_BINS = """
SELECT company_id::int, node_id, id, kind IN ('quarantine', 'receiving') FROM network_bin
WHERE node_id = ANY(%(nodes)s::uuid[]) AND kind NOT IN ('blocked', 'retired')
ORDER BY kind <> 'quarantine', pick_sequence, id
"""

_SKUS = """
SELECT d.company::int, d.said, s.id
FROM unnest(%(companies)s::smallint[], %(said)s::text[]) AS d(company, said)
JOIN LATERAL (
    SELECT id FROM catalog_sku WHERE company_id = d.company AND code = d.said
    UNION ALL
    SELECT id FROM catalog_sku WHERE company_id = d.company AND barcode = d.said AND barcode <> '' LIMIT 1) AS s ON TRUE
"""
