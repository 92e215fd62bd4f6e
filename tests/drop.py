"""A floor whose suppliers send to customers themselves; made by commands."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from entrepot.kernel import policies, sql
from entrepot.kernel.command import whole
from entrepot.orders import queries
from entrepot.parties.commands.register import (
    RegisterOffer,
    RegisterSupplier,
    register_offers,
    register_suppliers,
)
from entrepot.purchasing.commands.drop_ship import DropShipOrder, drop_ship
from entrepot.sourcing.commands.allocate import AllocateOrder, allocate
from entrepot.sourcing.rules import DropShip, Profile
from tests.floor import COMPANY, NOW, SYSTEM, Floor, someone

NOTICES = someone("ann of the supplier's desk")


def a_supplier(
    floor: Floor, code: str = "ACME", skus: tuple[int, ...] = (0,), cost: str = "4.105", fewest: int = 1
) -> UUID:
    """A supplier who offers SKUs, three days after he is asked."""
    (made,) = whole(
        register_suppliers(SYSTEM, requests=[RegisterSupplier(COMPANY, code, f"{code} Ltd", "GBP", 3)])
    )
    offers = [RegisterOffer(made.id, floor.skus[sku], Decimal(cost), fewest, 3) for sku in skus]
    whole(register_offers(SYSTEM, requests=offers))
    return made.id


def profile(*asked: DropShip, **facts: object) -> None:
    """The profile that names suppliers, in force."""
    body = Profile(drop_ship=asked or (DropShip("ACME"),), **facts)  # type: ignore[arg-type]
    policies.set_policy(SYSTEM, requests=[policies.SetPolicy(COMPANY, "sourcing.profile", body, NOW)])


def passed_on(floor: Floor, *lines: tuple[int, int], **facts: object) -> UUID:
    """An order that sourcing has decided on."""
    order = floor.order(*lines, **facts).order  # type: ignore[arg-type]
    whole(allocate(SYSTEM, requests=[AllocateOrder(order)]))
    return order


def asked(order: UUID) -> UUID:
    """The drop-ship order of an order, made now."""
    (answer,) = whole(drop_ship(SYSTEM, requests=[DropShipOrder(order)]))
    return answer.made[0][0]


def places(order: UUID) -> list[dict[str, int]]:
    """Where the units of each line stand."""
    found = queries.order(order)
    assert found
    return [line.places for line in found.lines]


def balance(account: int) -> int:
    return sql.run(
        "SELECT COALESCE(sum(functional_minor), 0)::bigint FROM ledger_line WHERE account = %(account)s::int",
        {"account": account},
    )[0][0]
