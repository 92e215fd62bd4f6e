"""Ship packed fulfillments: with whom, out of stock, into the books, paid, told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.carriage import tracking
from entrepot.kernel import delivery, ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, whole
from entrepot.kernel.errors import NotFound, Refused, Said
from entrepot.kernel.events import Event
from entrepot.ledger import queries as ledger
from entrepot.ledger.commands.as_of import at_closed
from entrepot.ledger.commands.post import Posting, post
from entrepot.orders import queries as orders
from entrepot.orders.commands.progress import Progress, progress
from entrepot.orders.rules import GOODS, Frozen
from entrepot.purchasing.commands.lock_drop_ships import DropShip
from entrepot.shipping import errors, rules
from entrepot.shipping.choosing import Choosing, not_carried
from entrepot.shipping.commands.consign import Consigned, Ended, consign, end_consignments, leave_without
from entrepot.shipping.commands.perform import capture_all, performed
from entrepot.shipping.commands.take_numbers import Numbered, in_use, take_numbers
from entrepot.shipping.consigning import Carriage, Consignment, carriage_of, consigned, not_asked
from entrepot.shipping.shopping import Shopped
from entrepot.stock.commands.fulfill import Shipped, ship_units
from entrepot.warehouse.commands.hand_over import hand_over
from entrepot.warehouse.commands.lock import Fulfillment, lock_fulfillments
from entrepot.warehouse.packing import Expiring
from entrepot.warehouse.states import STEPS


@dataclass(frozen=True, slots=True)
class ShipFulfillment:
    """A packed fulfillment that the carrier takes. `tracking` is the carrier's number; without, ours serves.

    The number must be one of the carrier's, where its forms are known, with the right check digit. It goes with the
    `service` of a code where one is named; with one that breaks a promise which another would keep, for a `reason`.
    Where that service sells labels, they are bought before it leaves, unless there is a number: somebody has the label
    then; or it goes `on_paper`, as `shipping.ship_on_paper` has it go, and what left before the house knew of it. With
    `buys` false nothing is asked for: what lacks a label stays.
    """

    fulfillment: UUID
    tracking: str = ""
    occurred_at: datetime | None = None
    key: str | None = None
    service: str = ""
    reason: str = ""
    on_paper: bool = False
    buys: bool = True


@dataclass(frozen=True, slots=True)
class FulfillmentShipped:
    """The shipment, the service chosen and its cost, and what the customer owes for what left. `state`: shipped, or
    labeling: its labels are asked for, and it leaves by itself when they are bought. `unasked` is why none could be
    asked for: then it waits, and is asked for when it is shipped again; '' where they are.

    `doubt` is what is odd about the tracking number of a carrier whose forms nobody knows; '' where nothing is.
    """

    fulfillment: UUID
    shipment: UUID
    number: str
    service: str
    cost_minor: int
    amount_minor: int
    doubt: str = ""
    state: str = "shipped"
    unasked: str = ""

    @property
    def fresh(self) -> bool:
        """It has left, and does not wait for its labels."""
        return self.state == "shipped"


class _Staged(NamedTuple):
    """Units of one pick task in staging, with the frozen amounts of their order line."""

    fulfillment: UUID
    line: UUID
    allocation: UUID
    sku: UUID
    lot: str
    serial: str
    units: int
    quantity: int
    gone: int
    gross: int
    discount: int
    shipping: int
    tax: int
    noted: list[str]
    """Serial numbers of its line that were read when it was packed."""
    consignment: UUID | None
    """What was begun to buy its labels."""


class _Ready(NamedTuple):
    """A fulfillment that may leave, unless its number is another's; or whose labels are bought `first`."""

    shipment: UUID
    of: Fulfillment
    at: datetime
    carriage: Carriage
    verdict: tracking.Verdict | None
    said: str
    begun: Consignment | None
    first: bool
    void: tuple[UUID, ...]
    """Labels that were made for its packages and that it leaves without, beside those of packages that were opened."""

    @property
    def numbered(self) -> Numbered | None:
        """The carrier's number that was read from its label."""
        if self.verdict is None:
            return None
        name, _ = known_as(self.said, self.verdict, "")
        return Numbered(self.of.company, self.carriage.carrier, name, self.shipment)

    @property
    def labels(self) -> tuple[str, ...]:
        """The numbers that were bought for its packages."""
        closed = self.begun.packages if self.begun else ()
        return tuple(
            one.tracking for one in closed if one.purchase == "bought" and one.label not in self.void
        )


class Leaving(NamedTuple):
    """A shipment that will be written, of a fulfillment, or of a drop-ship order."""

    id: UUID
    number: str
    of: Fulfillment | DropShip
    at: datetime
    tracking: str
    doubt: str
    carriage: Carriage
    worth: tuple[tuple[UUID, UUID, int, Frozen], ...]  # line, sku, units, amounts
    parcels: tuple[str, ...] = ()  # the numbers of those that a supplier names
    reason: str = ""  # why it goes with the service that was named
    labels: tuple[str, ...] = ()  # numbers that were bought for its packages, and the one given beside

    @property
    def origin(self) -> str:
        """What it is a shipment of."""
        return "fulfillment" if isinstance(self.of, Fulfillment) else "drop_ship"


@command("shipping.ship")
def ship(cause: Cause, /, *, requests: Sequence[ShipFulfillment]) -> list[FulfillmentShipped | Refused]:
    """Shipments: units out of stock at their cost, revenue by source kind from the frozen amounts, carriage accrued,
    payment captured, the channel told. Services of an order are performed with its first shipment.

    Where the service sells labels nothing of that is done before they are bought: they are asked for, and what is
    bought whole leaves by `shipping.ship_labeled`, or when this is called again.

    Locks: the orders with their fulfillments, the awaited labels of these in id order, the payments, then as
    `stock.ship_units`, the balances.
    Refuses: NotFound; WrongState; shipping.on_hold; shipping.no_service; shipping.late_by_choice;
    warehouse.lot_expired; warehouse.past_cancel_after; shipping.tracking_misread; shipping.tracking_in_use;
    shipping.labels_awaited; shipping.not_its_label; shipping.label_in_doubt; shipping.label_not_answered;
    ledger.month_closed.
    Again: by key. About 40 statements for any number; about 10 more where labels are bought, or others were begun.
    """
    found = lock_fulfillments([one.fulfillment for one in requests])
    facts = _Facts(found.values(), cause.at)

    decided: list[_Ready | Refused] = []
    ready: dict[UUID, _Ready] = {}
    for request in requests:
        answer = _decide(cause, request, found.get(request.fulfillment), facts, ready)
        if isinstance(answer, _Ready):
            ready[request.fulfillment] = answer
        decided.append(answer)
    held = take_numbers(cause, [one.numbered for one in ready.values() if one.numbered])

    answers: list[FulfillmentShipped | Refused] = []
    leaving: list[Leaving] = []
    first: list[Consigned] = []
    settled: list[_Ready] = []
    numbers = iter(ids.numbers("SH", len(found)))
    for request, answer in zip(requests, decided, strict=True):
        if isinstance(answer, Refused):
            answers.append(answer)
            continue
        if answer.numbered in held:
            answers.append(in_use(answer.numbered, held[answer.numbered]))
            continue
        settled.append(answer)
        number = answer.begun.number if answer.begun else next(numbers)
        why = request.reason.strip() or (answer.begun.reason if answer.begun else "")
        if answer.first:
            state = answer.begun.state if answer.begun else ""
            first.append(Consigned(answer.shipment, number, answer.of, answer.carriage, state, why))
            answers.append(_asked(first[-1]))
            continue
        name, doubt = known_as(request.tracking, answer.verdict, next(iter(answer.labels), number))
        leaving.append(Leaving(
            answer.shipment, number, answer.of, answer.at, name, doubt, answer.carriage, facts.take(answer.of.id),
            reason=why, labels=(*answer.labels, name) if answer.labels and answer.verdict else answer.labels,
        ))  # fmt: skip
        answers.append(_answer(leaving[-1]))
    leave_without(
        cause, [label for one in settled for label in one.void],
        [label for one in settled if one.begun for label in one.begun.opened],
    )  # fmt: skip
    if leaving:
        _write(cause, leaving, facts)
        end_consignments(cause, [
            Ended(one.begun.id, one.of.company, one.of.id) for one in settled if one.begun and not one.first
        ])  # fmt: skip
    unasked = consign(cause, first)
    return [
        replace(one, unasked=unasked[one.fulfillment].message)
        if isinstance(one, FulfillmentShipped) and one.fulfillment in unasked
        else one
        for one in answers
    ]


def _asked(one: Consigned) -> FulfillmentShipped:
    carriage = one.carriage
    return FulfillmentShipped(
        one.of.id, one.id, one.number, carriage.code, carriage.cost_minor, 0, state="labeling"
    )


# ---- load


class _Facts:
    """What the decisions need to know about a batch of fulfillments."""

    def __init__(self, found: Iterable[Fulfillment], at: datetime) -> None:
        found = list(found)
        params = {"ids": [one.id for one in found]}
        self.staged: dict[UUID, list[_Staged]] = {}
        for row in sql.run(_STAGED, params):
            self.staged.setdefault(row[0], []).append(_Staged(*row))
        self.begun = consigned([
            fulfillment for fulfillment, staged in self.staged.items() if staged[0].consignment
        ])  # fmt: skip
        self.choosing = Choosing(params["ids"], at)
        self._carriages: dict[tuple[int, str], Carriage] = {}  # alike choices are one object
        self.expiring = Expiring.of(params["ids"])
        self.closed = ledger.closed_months(sorted({one.company for one in found}))
        held = [one.order for one in found if one.held_by]
        self.blocked = orders.blocked(held, "ship") if held else set()
        self._gone: dict[UUID, int] = {}

    def carriage(self, shopped: Shopped, one: Fulfillment) -> Carriage:
        """A choice as it is stored."""
        key = (id(shopped), one.currency)
        if key not in self._carriages:
            self._carriages[key] = carriage_of(shopped, one.currency)
        return self._carriages[key]

    def take(self, fulfillment: UUID) -> tuple[tuple[UUID, UUID, int, Frozen], ...]:
        """Units of each line that leave now, with what they bear; units leave in order, whichever shipment has them."""
        by_line: dict[UUID, list[Any]] = {}
        for staged in self.staged[fulfillment]:
            if staged.line in by_line:
                by_line[staged.line][1] += staged.units
            else:
                by_line[staged.line] = [staged, staged.units]
        leaving = []
        for line, (staged, units) in by_line.items():
            gone = self._gone.get(line, staged.gone)
            self._gone[line] = gone + units
            frozen = Frozen(staged.gross, staged.discount, staged.shipping, staged.tax)
            leaving.append((line, staged.sku, units, rules.worth(frozen, staged.quantity, gone, units)))
        return tuple(leaving)


# ---- decide


def _decide(
    cause: Cause,
    request: ShipFulfillment,
    one: Fulfillment | None,
    facts: _Facts,
    ready: Mapping[UUID, _Ready],
) -> _Ready | Refused:
    if one is None:
        return NotFound(what="fulfillment", which=str(request.fulfillment))
    at = request.occurred_at or cause.at
    refused = _refusal(one, at, facts, ready)
    if refused:
        return refused
    begun = facts.begun.get(one.id)
    # What was begun goes on, unless another service is named by now, or its packages are others.
    goes_on = begun and begun.stands and request.service in ("", begun.carriage.code)
    if begun and goes_on:
        carriage = begun.bought_for()
    else:
        shopped = _choose(request, one, at, facts)
        if isinstance(shopped, Refused):
            return shopped
        carriage = facts.carriage(shopped, one)
    verdict = judged(request.tracking, carriage.carrier)
    if verdict and begun and goes_on and begun.bears(verdict.number):
        verdict = None  # Whoever scans a label that was bought says no more than that it is there.
    if verdict and verdict.problem and verdict.certain:
        return misread(verdict, one.number, carriage.carrier)
    answer = _Ready(
        begun.id if begun else ids.uuid7(), one, at, carriage, verdict, request.tracking, begun, first=False, void=()
    )  # fmt: skip
    return _labeled(request, answer, goes_on=bool(goes_on))


def _refusal(one: Fulfillment, at: datetime, facts: _Facts, ready: Mapping[UUID, _Ready]) -> Refused | None:
    """Why a fulfillment may not leave, whatever takes it."""
    before = ready.get(one.id)
    if before and before.first:
        return errors.LabelsAwaited(
            fulfillment=one.number, service=before.carriage.code, missing=Said("they are asked for just now")
        )
    step = STEPS["ship"]["shipped" if before else one.state]
    if isinstance(step, Refused):
        return step
    gone_off = facts.expiring.refusal(one.id, at)
    if gone_off:
        return gone_off
    if one.order in facts.blocked:
        return errors.OnHold(order=one.order_number, hold=one.held_by)
    past = one.past_cancel_after(at)
    if past:
        return past
    return at_closed(one.company, at, facts.closed)


def _labeled(request: ShipFulfillment, one: _Ready, *, goes_on: bool) -> _Ready | Refused:
    """With its labels bought, or to be bought first. Those that it leaves without are void: of a service that goes on
    what is bought stays."""
    begun = one.begun
    closed = begun.packages if begun else ()
    bought = begun.purchases if begun and goes_on else []
    is_sold, by_hand = bool(one.carriage.live), one.verdict is not None
    if begun and by_hand and rules.all_bought(bought):
        return begun.surplus(one.of.number, one.said)
    step = rules.first_step(bought, is_sold=is_sold, otherwise=by_hand or request.on_paper)
    if step == "wait":
        assert begun is not None, "something was asked for"
        return begun.missing(one.of.number)
    if step == "leave":
        kept = {each.label for each in closed if goes_on and each.purchase == "bought"}
        void = tuple(each.label for each in closed if each.label and each.label not in kept)
        return one._replace(void=void)
    if not request.buys:
        return begun.missing(one.of.number) if begun else not_asked(one.of.number, one.carriage.code)
    unsure = begun.unsure(anew=not goes_on) if begun else None
    void = () if goes_on else tuple(each.label for each in closed if each.label)
    return unsure or one._replace(first=True, void=void)


def _choose(request: ShipFulfillment, one: Fulfillment, at: datetime, facts: _Facts) -> Shopped | Refused:
    """The service that takes it: the one that is named, if it may."""
    shopped = facts.choosing.choose(one.id, at, request.service)
    if not request.service and not facts.choosing.services[one.company]:
        return shopped
    refused = not_carried(shopped, request.service, one.number)
    if refused or not request.service or not shopped.choice.late or request.reason.strip():
        return refused or shopped
    if facts.choosing.choose(one.id, at).choice.late:
        return shopped
    return errors.LateByChoice(fulfillment=one.number, service=request.service)


def judged(number: str, carrier: str) -> tracking.Verdict | None:
    """What there is to say of the number that somebody gave for a carrier; None where nobody gave one."""
    return tracking.judge(number, carrier) if number.strip() else None


def misread(verdict: tracking.Verdict, of: str, carrier: str) -> Refused:
    """The refusal of a number that is certainly none of the carrier's."""
    return errors.TrackingMisread(
        tracking=verdict.number, fulfillment=of, carrier=carrier, problem=verdict.problem
    )


def known_as(number: str, verdict: tracking.Verdict | None, ours: str) -> tuple[str, str]:
    """The number that the shipment bears, as carriers write it where it is one of theirs, and the doubt about it."""
    if verdict is None:
        return ours, ""
    return (number.strip() if verdict.problem else verdict.number), verdict.problem


def _answer(one: Leaving) -> FulfillmentShipped:
    amount = sum(frozen.total for *_, frozen in one.worth)
    return FulfillmentShipped(
        one.of.id, one.id, one.number, one.carriage.code, one.carriage.cost_minor, amount, one.doubt
    )


# ---- write


def _write(cause: Cause, leaving: Sequence[Leaving], facts: _Facts) -> None:
    def leave() -> None:
        ended = {one.of.id: (one.of, one.at) for one in leaving if isinstance(one.of, Fulfillment)}
        hand_over(cause, ended)
        ship_units(cause, _units(leaving, facts))

    book(cause, leaving, "packed", leave)


def book(cause: Cause, leaving: Sequence[Leaving], place: str, leave: Callable[[], None]) -> None:
    """The one way in which a shipment is written: with its services, payment, message and postings.

    Its units stood in `place`; `leave` takes them out of stock, or through. The orders are locked.
    """
    times = {one.of.order: one.at for one in leaving}
    services = performed(orders.services(list(times)), times)
    sql.write("shipping_shipment", _SHIPMENT, _shipments(leaving))
    sql.write("shipping_shipmentline", _SHIPMENT_LINE, [
        (one.id, line, one.of.order, sku, units, *frozen)
        for one in leaving
        for line, sku, units, frozen in one.worth
    ])  # fmt: skip
    sql.write("shipping_parcel", _PARCEL, [
        (one.id, number, one.of.company, place)
        for one in leaving
        for place, number in enumerate(one.parcels, 1)
    ])  # fmt: skip
    owed: dict[UUID, int] = defaultdict(int, services.owed)
    for one in leaving:
        owed[one.of.order] += sum(frozen.total for *_, frozen in one.worth)
    currencies = services.currencies | {one.of.order: one.of.currency for one in leaving}
    capture_all(cause, owed, currencies, times)
    steps = [
        Progress(line, one.of.order, place, "shipped", units)
        for one in leaving
        for line, _, units, _ in one.worth
    ]
    progress(cause, requests=steps + services.steps, times=times)
    delivery.send(cause, [_message(one) for one in leaving if one.of.channel_kind != "import"])
    # Last, since other orders wait for the stock that this locks.
    leave()
    whole(post(cause, requests=[*_postings(leaving), *services.postings]))
    announce(cause, [
        Event("shipment", one.id, one.of.company, "", "shipped", one.at,
              {"order": one.of.order, one.origin: one.of.id}, one.reason)
        for one in leaving
    ])  # fmt: skip


def _shipments(leaving: Sequence[Leaving]) -> list[tuple[Any, ...]]:
    rows = []
    for one in leaving:
        order, carriage = one.of, one.carriage
        source = (order.id, order.node, None) if isinstance(order, Fulfillment) else (None, None, order.id)
        rows.append((
            one.id, one.number, order.company, order.order, *source, carriage.carrier, carriage.service, one.tracking,
            carriage.zone, carriage.cost_minor, carriage.currency, order.promise_at, one.at, "shipped",
            carriage.reasons,
        ))  # fmt: skip
    return rows


def _units(leaving: Sequence[Leaving], facts: _Facts) -> list[Shipped]:
    rows = []
    for one in leaving:
        fulfillment = one.of
        assert isinstance(fulfillment, Fulfillment), "only these stand in staging"
        company, node, bin_id, at = fulfillment.company, fulfillment.node, fulfillment.staging_bin, one.at
        assert bin_id is not None, "set when it was picked"
        rows += [
            Shipped(
                company, s.sku, node, bin_id, s.lot, s.serial, s.allocation, units, one.id, s.line, at, noted
            )
            for s, units, noted in _by_serial(facts.staged[fulfillment.id])
        ]
    return rows


def _by_serial(staged: Sequence[_Staged]) -> Iterator[tuple[_Staged, int, str]]:
    """Units as they leave, one for each serial number that was noted."""
    known = {(s.line, s.serial) for s in staged}
    left = {s.line: [serial for serial in s.noted if (s.line, serial) not in known] for s in staged}
    for s in staged:
        mine = [] if s.serial else left[s.line][: s.units]
        del left[s.line][: len(mine)]
        for serial in mine:
            yield s, 1, serial
        if s.units > len(mine):
            yield s, s.units - len(mine), ""


def _postings(leaving: Sequence[Leaving]) -> list[Posting]:
    postings = []
    for one in leaving:
        company, at, carriage = one.of.company, one.at, one.carriage
        amounts = rules.amounts_of_sale([(GOODS, frozen) for *_, frozen in one.worth])
        if amounts:
            postings.append(Posting(company, "sale", "shipment", one.id, one.of.currency, amounts, at))
        if carriage.cost_minor:
            due = (("carriage", carriage.cost_minor),)
            postings.append(
                Posting(company, "shipping.accrued", "shipment", one.id, carriage.currency, due, at)
            )
    return postings


def _message(one: Leaving) -> delivery.Message:
    order = one.of
    body = {
        "order": order.external_id, "shipment": one.number, "carrier": one.carriage.carrier,
        "tracking": one.tracking, "numbers": one.parcels or one.labels or (one.tracking,), "shipped_at": one.at,
        "lines": [{"line": line, "quantity": units} for line, _, units, _ in one.worth],
    }  # fmt: skip
    return delivery.Message(
        f"channels:{order.channel_code}", "order.shipped", order.order, order.company, body
    )


_SHIPMENT = (
    "id", "number", "company_id", "order_id", "fulfillment_id", "node_id", "drop_ship_id", "carrier", "service_id",
    "tracking", "zone", "cost_minor", "currency", "promised_at", "shipped_at", "state", "reasons",
)  # fmt: skip
_SHIPMENT_LINE = (
    "shipment_id", "line_id", "order_id", "sku_id", "quantity", "goods_minor", "discount_minor", "shipping_minor",
    "tax_minor",
)  # fmt: skip
_PARCEL = ("shipment_id", "tracking", "company_id", "place")

_STAGED = """
SELECT t.fulfillment_id, t.line_id, t.allocation_id, t.sku_id, t.lot, t.serial, t.picked, l.quantity,
       l.shipped + l.delivered, l.gross_minor, l.discount_minor, l.shipping_minor, l.tax_minor,
       ARRAY(SELECT n.serial FROM warehouse_packedserial AS n
             WHERE n.fulfillment_id = t.fulfillment_id AND n.line_id = t.line_id ORDER BY n.serial), c.id
FROM warehouse_picktask AS t JOIN orders_line AS l ON l.id = t.line_id
LEFT JOIN shipping_consignment AS c ON c.fulfillment_id = t.fulfillment_id
WHERE t.fulfillment_id = ANY(%(ids)s::uuid[]) AND t.picked > 0 ORDER BY t.fulfillment_id, l.number, t.sequence
"""
