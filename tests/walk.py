"""The walk in short words, for tests of warehouse and shipping: a floor with carriage, each step for many orders."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from entrepot.carriage.commands.register import RegisterService, register_services
from entrepot.kernel import sql, worker
from entrepot.kernel.cause import Cause
from entrepot.orders.commands.place import OrderLine, Placed, PlaceOrder, place
from entrepot.shipping.commands.ship import FulfillmentShipped, ShipFulfillment, ship
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from entrepot.warehouse.commands.pack import FulfillmentPacked, PackFulfillment, pack
from entrepot.warehouse.commands.pick import FulfillmentPicked, PickFulfillment, pick
from entrepot.warehouse.commands.release import OrderReleased, ReleaseOrder, release
from tests.floor import COMPANY, SYSTEM, Floor, a_floor


def a_house(skus: int = 3) -> Floor:
    """A floor with two services: `slow` in 4 days from 300, `fast` the next day from 900 pence, both inland."""
    floor = a_floor(skus)
    register_services(
        SYSTEM,
        requests=[
            RegisterService(
                COMPANY, "Post", code, code.title(), days, 30_000, "GBP", (("GB", "GB", "inland"),),
                (("inland", 1_000, price), ("inland", 30_000, 2 * price)),
            )
            for code, days, price in (("slow", 4, 300), ("fast", 1, 900))
        ],
    )  # fmt: skip
    return floor


def placed(house: Floor, count: int, *lines: tuple[int, int], **facts: object) -> list[UUID]:
    """Orders alike, of (sku number, quantity) lines at 9.99 each."""
    first, house.placed = house.placed + 1, house.placed + count
    wanted = tuple(OrderLine(house.codes[sku], quantity, Decimal("9.99")) for sku, quantity in lines)
    answers = place(
        SYSTEM,
        requests=[
            PlaceOrder(
                COMPANY,
                "shop",
                f"T-{first + i}",
                wanted,
                "GBP",
                country="GB",
                postal_code="SW1A 1AA",
                **facts,
            )
            for i in range(count)
        ],  # type: ignore[arg-type]
    )
    return [one.order for one in _all(Placed, answers)]


def allocated(*orders: UUID, cause: Cause = SYSTEM) -> None:
    allocate(cause, requests=[AllocateOrder(order) for order in orders])


def released(*orders: UUID, at: datetime | None = None, cause: Cause = SYSTEM) -> list[UUID]:
    """Allocate and release; the fulfillments in the order of their orders."""
    allocated(*orders, cause=cause)
    answers = release(cause, requests=[ReleaseOrder(order, at) for order in orders])
    assert all(isinstance(answer, OrderReleased) for answer in answers), answers
    return [one for answer in answers for one in answer.fulfillments]


def picked(*orders: UUID, cause: Cause = SYSTEM) -> list[UUID]:
    fulfillments = released(*orders, cause=cause)
    _all(FulfillmentPicked, pick(cause, requests=[PickFulfillment(one) for one in fulfillments]))
    return fulfillments


def packed(*orders: UUID, cause: Cause = SYSTEM) -> list[UUID]:
    fulfillments = picked(*orders, cause=cause)
    _all(FulfillmentPacked, pack(cause, requests=[PackFulfillment(one) for one in fulfillments]))
    return fulfillments


def shipped(*orders: UUID, cause: Cause = SYSTEM) -> list[UUID]:
    """All the way; the shipments, with labels of our own where a service sells some."""
    wanted = [ShipFulfillment(one, on_paper=True) for one in packed(*orders, cause=cause)]
    answers = ship(cause, requests=wanted)
    return [answer.shipment for answer in _all(FulfillmentShipped, answers)]


def _all(kind: type, answers: Iterable[object]) -> list:
    found = list(answers)
    assert all(isinstance(answer, kind) for answer in found), found
    return found


def freed_is_offered() -> None:
    """What the worker does where units were freed: publish what changed, and ask again about who waits."""
    worker.sweep_once({"publish": worker.sweeps()["publish"]})
    worker.serve_once({"serve": worker.queues()["serve"]})


def queued(queue: str) -> list[UUID]:
    """Subjects that wait in a queue, the most urgent first."""
    statement = "SELECT subject FROM kernel_ready WHERE queue = %(queue)s::text ORDER BY priority DESC, due_at, subject"
    return [subject for (subject,) in sql.run(statement, {"queue": queue})]
