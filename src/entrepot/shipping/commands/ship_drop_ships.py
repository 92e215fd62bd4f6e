"""A supplier gives notice that he has sent goods to the customer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from entrepot.access.rules import apart
from entrepot.carriage.rules import Choice
from entrepot.carriage.tracking import Verdict, read
from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import NotFound, Refused, Said, WrongState
from entrepot.ledger import queries as ledger
from entrepot.ledger.commands.as_of import at_closed
from entrepot.orders.rules import Frozen
from entrepot.purchasing import drop_ship
from entrepot.purchasing.commands.dispatch import Sent, dispatch, duty, step
from entrepot.purchasing.commands.lock_drop_ships import DropShip, lock_drop_ships
from entrepot.purchasing.drop_ship import Line, Units
from entrepot.purchasing.states import COMING
from entrepot.shipping import rules
from entrepot.shipping.commands.ship import Leaving, book, judged, known_as, misread
from entrepot.shipping.consigning import carriage_of
from entrepot.shipping.shopping import Shopped
from entrepot.stock.commands.pass_through import PassedThrough, pass_through


@dataclass(frozen=True, slots=True)
class ShipDropShip:
    """What a supplier has sent of a drop-ship order: all that was to come, or (number of the line, units) of it.

    `tracking` is the carrier's number, `parcels` those of its parcels where there are several, all of them, checked as
    for shipments of our own; without, ours serves. Beside a good `tracking` a parcel's that has no form of the
    carrier's is left out, as the supplier's own id of a package. `or_now`: the house hears of it later: where the month
    of `occurred_at` is closed, it is shipped at the moment of recording.
    """

    drop_ship: UUID
    carrier: str = ""
    tracking: str = ""
    lines: tuple[Units, ...] | None = None
    occurred_at: datetime | None = None
    key: str | None = None
    or_now: bool = False
    parcels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DropShipShipped:
    """The shipment, what the customer owes for it, what the supplier gets for it, and the state of the drop-ship order
    now. `doubt` is as in `shipping.ship`, or the first number of a parcel that was left out, and why."""

    drop_ship: UUID
    shipment: UUID
    number: str
    amount_minor: int
    cost_minor: int
    state: str
    doubt: str = ""


_NOTHING_CHOSEN = Shopped(Choice(None, False, ()), (), "supplier")
"""Who carries it is the supplier's to choose, and in his price."""


@command("shipping.ship_drop_ships")
def ship_drop_ships(cause: Cause, /, *, requests: Sequence[ShipDropShip]) -> list[DropShipShipped | Refused]:
    """Shipments by suppliers: one move from the supplier to the customer at what was agreed, owed as goods not yet
    invoiced; revenue, payment, services and the message to the channel as `shipping.ship` has them.

    What is on hold is taken note of all the same: it has left.
    Locks: the sales orders in id order, the drop-ship orders, the payments, the balances.
    Refuses: NotFound (drop-ship order, line); WrongState (nothing is to come); Invalid; purchasing.more_than_asked;
    shipping.tracking_misread; access.duties_apart (the actor ordered it); ledger.month_closed.
    Again: by key. About 30 statements for any number.
    """
    found = lock_drop_ships([one.drop_ship for one in requests])
    facts = _Facts(found.values())
    numbers = iter(ids.numbers("SH", len(requests)))

    answers: list[DropShipShipped | Refused] = []
    leaving: list[Leaving] = []
    sent: list[Sent] = []
    moves: list[PassedThrough] = []
    for request in requests:
        one = found.get(request.drop_ship)
        at = _moment(cause, request, one, facts)
        told = _decide(cause, request, one, at, facts)
        if one is None or isinstance(told, Refused):
            answers.append(told if isinstance(told, Refused) else NotFound(what="drop-ship order", which=""))
            continue
        number, before = next(numbers), one.state
        tracking, parcels, doubt = _borne(request, number)
        shipment = Leaving(
            ids.uuid7(), number, one, at, tracking, doubt,
            carriage_of(_NOTHING_CHOSEN, one.currency, request.carrier.strip()), facts.take(told), parcels,
        )  # fmt: skip
        costs = [(line, units, line.send(units, one.cost_currency)) for line, units in told]
        step(one)
        leaving.append(shipment)
        sent.append(Sent(one, before, at))
        moves += [
            PassedThrough(one.company, line.sku, units, cost, shipment.id, line.line, at)
            for line, units, cost in costs
        ]
        amount = sum(frozen.total for *_, frozen in shipment.worth)
        cost = sum(cost for *_, cost in costs)
        answers.append(DropShipShipped(one.id, shipment.id, number, amount, cost, one.state, shipment.doubt))

    if leaving:
        dispatch(cause, sent)
        book(cause, leaving, "with_supplier", lambda: pass_through(cause, moves))
    return answers


def _borne(request: ShipDropShip, ours: str) -> tuple[str, tuple[str, ...], str]:
    """The number that the shipment bears, those of its parcels, and the doubt about the first that is odd. Where the
    whole has none, or one that is certainly none of the carrier's, its first parcel's stands for it."""
    parcels, doubt = _parcels(request)
    verdict = judged(request.tracking, request.carrier)
    if parcels and (verdict is None or (verdict.problem and verdict.certain)):
        return parcels[0], parcels, (verdict.problem if verdict else "") or doubt
    whole, doubted = known_as(request.tracking, verdict, ours)
    return whole, parcels or ((whole,) if verdict else ()), doubted or doubt


def _parcels(request: ShipDropShip) -> tuple[tuple[str, ...], str]:
    """The numbers of the parcels as carriers write them, each once, and the doubt about the first that is odd. What no
    carrier's numbers look like, where the carrier's are known, is left out: a carton's own id."""
    numbers: dict[str, None] = {}
    doubts: list[str] = []
    for given in request.parcels:
        verdict = judged(given, request.carrier)
        number, odd = known_as(given, verdict, "")
        is_left_out = bool(verdict and odd and verdict.certain and not read(given).forms)
        if number and not is_left_out:
            numbers[number] = None
        if odd:
            doubts.append(Said("{0} is left out: {1}", number, odd) if is_left_out else odd)
    return tuple(numbers), next(iter(doubts), "")


class _Facts:
    """What the decisions need to know about a batch of drop-ship orders. 2 statements."""

    def __init__(self, found: Iterable[DropShip]) -> None:
        found = list(found)
        lines = list({line.line for one in found for line in one.lines.values()})
        self._frozen = {row[0]: row[1:] for row in sql.run(_FROZEN, {"lines": lines})}
        self._closed = ledger.closed_months(sorted({one.company for one in found}))
        self._gone: dict[UUID, int] = defaultdict(int)

    def closed(self, company: int, at: datetime) -> Refused | None:
        """Why nothing leaves in the month of a moment."""
        return at_closed(company, at, self._closed)

    def take(self, told: Sequence[tuple[Line, int]]) -> tuple[tuple[UUID, UUID, int, Frozen], ...]:
        """Units of each line that leave now, with what they bear, behind those that left before."""
        leaving = []
        for line, units in told:
            quantity, gone, *amounts = self._frozen[line.line]
            gone += self._gone[line.line]
            self._gone[line.line] += units
            leaving.append((line.line, line.sku, units, rules.worth(Frozen(*amounts), quantity, gone, units)))
        return tuple(leaving)


def _moment(cause: Cause, request: ShipDropShip, one: DropShip | None, facts: _Facts) -> datetime:
    at = request.occurred_at or cause.at
    return cause.at if request.or_now and one and facts.closed(one.company, at) else at


def _decide(
    cause: Cause, request: ShipDropShip, one: DropShip | None, at: datetime, facts: _Facts
) -> list[tuple[Line, int]] | Refused:
    if one is None:
        return NotFound(what="drop-ship order", which=str(request.drop_ship))
    if one.state not in COMING:
        return WrongState(
            subject="drop-ship order", found=one.state, event="ship", expected=" or ".join(COMING)
        )
    if one.ordered_by == cause.actor.name:
        return apart(duty(cause, one))
    if closed := facts.closed(one.company, at):
        return closed
    if wrong := _misread(request):
        return misread(wrong, one.number, request.carrier)
    return drop_ship.told(one.number, one.lines, request.lines)


def _misread(request: ShipDropShip) -> Verdict | None:
    """What is wrong with the first number for which the notice is refused."""
    found = [judged(one, request.carrier) for one in (request.tracking, *request.parcels)]
    some_is_good = any(one and not one.problem for one in found)
    return next(
        (
            one
            for one in found
            if one and one.problem and one.certain and (one.is_misread or not some_is_good)
        ),
        None,
    )


_FROZEN = """
SELECT id, quantity, shipped + delivered, gross_minor, discount_minor, shipping_minor, tax_minor FROM orders_line
WHERE id = ANY(%(lines)s::uuid[])
"""
