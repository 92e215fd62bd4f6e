"""The way back in short words, for tests: a house whose orders were sent and paid, and each step of their return."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from entrepot.kernel import policies, sql
from entrepot.kernel.cause import Cause
from entrepot.orders.commands.place import AddressGiven, PaymentGiven
from entrepot.orders.rules import GOODS
from entrepot.returns.admission import Admission
from entrepot.returns.commands.authorize import Authorize, Authorized, Item, authorize
from entrepot.returns.commands.dispose import Dispose, Disposed, dispose
from entrepot.returns.commands.inspect import Inspect, Inspected, inspect
from entrepot.returns.commands.receive import Receive, Received, receive
from entrepot.returns.rules import Policy
from tests.floor import COMPANY, NOW, SYSTEM, Floor, someone
from tests.walk import a_house, placed, shipped

ASKS, RECEIVES, INSPECTS, APPROVES = (someone(name) for name in ("ann", "rob", "ivy", "carl"))
"""Three people whose duties are apart, and an inspector."""


ARRIVED = NOW + timedelta(days=4)
"""When what was sent `NOW` is expected to have arrived, where no carrier told: the service takes four days."""

HOME = AddressGiven("Ada Byron", "1 High Street", "Leeds", email="ada@example.com")
STANDING = 1_030


def a_house_that_sold() -> Floor:
    """A house with orders sent, for tests that take a thousand of them and a few."""
    house = a_house()
    house.stock(0, 2 * STANDING + 2_000)
    house.sold = sold(house, STANDING, (0, 2), address=HOME)
    return house


def sold(house: Floor, count: int, *lines: tuple[int, int], **facts: object) -> list[UUID]:
    """Orders alike that were sent and captured on account."""
    if lines == ((0, 2),) and not facts and len(house.sold) >= count:
        given, house.sold = house.sold[:count], house.sold[count:]
        return given
    amount = sum(quantity for _, quantity in lines) * 999 + 10_000
    facts.setdefault("payment", PaymentGiven("account", "an account", amount, NOW))
    orders = placed(house, count, *lines, **facts)
    shipped(*orders)
    return orders


def sent(house: Floor, count: int) -> list[UUID]:
    """The shipments of so many orders, one each."""
    orders = sold(house, count, (0, 2))
    shipments = dict(
        sql.run(
            "SELECT order_id, id FROM shipping_shipment WHERE order_id = ANY(%(ids)s::uuid[])",
            {"ids": orders},
        )
    )
    return [shipments[order] for order in orders]


def trackings(shipments: Sequence[UUID]) -> list[str]:
    """Their tracking numbers, in order."""
    statement = "SELECT id, tracking FROM shipping_shipment WHERE id = ANY(%(ids)s::uuid[])"
    numbers = dict(sql.run(statement, {"ids": list(shipments)}))
    return [numbers[one] for one in shipments]


def lines_of(order: UUID) -> list[UUID]:
    """The order's lines of goods, in order."""
    statement = "SELECT id FROM orders_line WHERE order_id = %(order)s AND kind = %(kind)s ORDER BY number"
    return [line for (line,) in sql.run(statement, {"order": order, "kind": GOODS})]


def asked(order: UUID, *units: int, **facts: Any) -> Authorized:
    """A return of so many units of the order's lines in turn; 0 leaves a line out."""
    return asked_all([order], *units, **facts)[0]


def asked_all(
    orders: Sequence[UUID], *units: int, reason: str = "changed_mind", cause: Cause = ASKS, **facts: Any
) -> list[Authorized]:
    """As `asked`, of many orders at once."""
    lines: dict[UUID, list[UUID]] = {order: [] for order in orders}
    statement = "SELECT order_id, id FROM orders_line WHERE order_id = ANY(%(orders)s) AND kind = %(kind)s"
    for order, line in sql.run(f"{statement} ORDER BY number", {"orders": list(orders), "kind": GOODS}):
        lines[order].append(line)
    requests = [
        Authorize(
            order,
            tuple(Item(line, n, reason) for line, n in zip(of_order, units, strict=False) if n),
            **facts,
        )
        for order, of_order in lines.items()
    ]
    return _all(Authorized, authorize(cause, requests=requests))


def came(one: Authorized, *units: int, cause: Cause = RECEIVES) -> list[Received]:
    """Receipts of so many units of the return's lines in turn; all that is expected without."""
    if not units:
        return came_all([one], cause=cause)
    wanted = [Receive(one.return_id, line, n) for line, n in zip(one.lines, units, strict=False) if n]
    return _all(Received, receive(cause, requests=wanted))


def came_all(returns: Sequence[Authorized], cause: Cause = RECEIVES) -> list[Received]:
    """Receipts of all that is expected of returns."""
    statement = "SELECT return_id, id, quantity - received FROM returns_line WHERE return_id = ANY(%(ids)s)"
    rows = sql.run(f"{statement} ORDER BY id", {"ids": [one.return_id for one in returns]})
    return _all(Received, receive(cause, requests=[Receive(*row) for row in rows if row[2]]))


def found(
    receipts: Sequence[Received], grade: str = "A", cause: Cause = INSPECTS
) -> list[tuple[Inspected, int]]:
    """Inspections of whole receipts, with their units."""
    quantities = dict(
        sql.run(
            "SELECT id, quantity FROM returns_receipt WHERE id = ANY(%(ids)s)",
            {"ids": [r.receipt for r in receipts]},
        )
    )
    wanted = [Inspect(one.receipt, quantities[one.receipt], grade) for one in receipts]
    answers = _all(Inspected, inspect(cause, requests=wanted))
    return [(answer, one.quantity) for answer, one in zip(answers, wanted, strict=True)]


def put(inspections: Iterable[tuple[Inspected, int]], disposition: str = "", cause: Cause = INSPECTS) -> None:
    """Dispositions of whole inspections: the one proposed, or another."""
    reason = "as I see it" if disposition else ""
    requests = [Dispose(one.inspection, n, disposition, reason=reason) for one, n in inspections]
    _all(Disposed, dispose(cause, requests=requests))


def back(one: Authorized, *units: int, grade: str = "A", disposition: str = "") -> None:
    """Receive, inspect and dispose."""
    put(found(came(one, *units), grade), disposition)


def policy(**facts: Any) -> None:
    """Set the policy of returns."""
    body = replace(Policy(), **facts)
    kept = policies.SetPolicy(COMPANY, "returns", body, NOW - timedelta(days=1))
    policies.set_policy(SYSTEM, requests=[kept])


def no_consumers(*tiers: str) -> None:
    """Customers of these tiers, and of none, buy for their business: no law gives them more than the policies do."""
    kept = policies.SetPolicy(
        COMPANY, "returns.authorization", Admission(business_tiers=("", *tiers)), NOW - timedelta(days=1)
    )
    policies.set_policy(SYSTEM, requests=[kept])


def _all(kind: type, answers: Iterable[object]) -> list:
    answers = list(answers)
    assert all(isinstance(answer, kind) for answer in answers), answers
    return answers
