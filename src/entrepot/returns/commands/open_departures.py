"""Units are gathered that leave together by their disposition: to a vendor, a liquidator, a charity, a disposer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, whole
from entrepot.kernel.errors import Invalid, NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.parties.commands.register import (
    RegisterAddress,
    RegisterCustomer,
    register_addresses,
    register_customers,
)
from entrepot.returns import errors, lots, onward
from entrepot.returns.commands.gathering import counted, draw, lock_waiting, take
from entrepot.returns.lots import Buyer
from entrepot.returns.onward import Waits


@dataclass(frozen=True, slots=True)
class OpenDeparture:
    """Units of dispositions, each with how many; of a kind of `onward.KINDS`. A vendor return goes to a `supplier`, a
    lot to a `buyer`, who is called by their code, all others to a `receiver` by name.
    `expected_minor` is what is expected for them; for a lot, its price without tax."""

    company: int
    kind: str
    items: tuple[tuple[UUID, int], ...]
    supplier: UUID | None = None
    receiver: str = ""
    expected_minor: int | None = None
    key: str | None = None
    buyer: Buyer | None = None


@dataclass(frozen=True, slots=True)
class DepartureOpened:
    departure: UUID
    number: str


class _Supplier(NamedTuple):
    company: int
    name: str
    sold: frozenset[UUID]  # SKUs


@command("returns.open_departures")
def open_departures(cause: Cause, /, *, requests: Sequence[OpenDeparture]) -> list[DepartureOpened | Refused]:
    """Departures with their numbers. The units stay where they are until `returns.leave_departures`; what was disposed
    of as a donation or for disposal has left already, and is told by its certificate.

    The buyer of a lot is registered as a customer, and put into the vault.

    Locks: the dispositions in id order, then the series of numbers; the buyers.
    Refuses: NotFound; Invalid (kind, quantity, units of several nodes or companies, an amount, the buyer);
    returns.more_than_waits; returns.not_of_vendor; returns.no_receiver. Again: by key. 8 statements; 5 more where lots
    are among them.
    """
    waits = lock_waiting([which for one in requests for which, _ in one.items])
    suppliers = _suppliers(requests, waits)
    answers: list[DepartureOpened | Refused] = []
    opened: list[tuple[UUID, OpenDeparture]] = []
    for request in requests:
        refused = _misfit(request, waits, suppliers)
        if refused:
            answers.append(refused)
            continue
        for which, units in request.items:
            waits[which] = waits[which]._replace(taken=waits[which].taken + units)
        opened.append((ids.uuid7(), request))
        answers.append(DepartureOpened(opened[-1][0], ""))
    if not opened:
        return answers
    numbers = _write(cause, opened, waits, suppliers)
    return [
        DepartureOpened(one.departure, numbers[one.departure]) if isinstance(one, DepartureOpened) else one
        for one in answers
    ]


def _suppliers(requests: Sequence[OpenDeparture], waits: Mapping[UUID, Waits]) -> dict[UUID, _Supplier]:
    """Suppliers that were named, each with those of the SKUs that he sells or sold. 1 statement."""
    params = {
        "ids": list({one.supplier for one in requests if one.supplier}),
        "skus": list({one.sku for one in waits.values()}),
    }
    return {
        which: _Supplier(company, name, frozenset(skus))
        for which, company, name, skus in sql.run(_SUPPLIERS, params)
    }


def _misfit(
    request: OpenDeparture, waits: Mapping[UUID, Waits], suppliers: Mapping[UUID, _Supplier]
) -> Refused | None:
    unknown = [which for which, _ in request.items if which not in waits]
    if unknown:
        return NotFound(what="disposition", which=str(unknown[0]))
    found = [waits[which] for which, _ in request.items]
    refused = onward.misfit_together(request.kind, request.company, found) or onward.misfit_units(
        request.items, waits
    )
    if refused:
        return refused
    if request.expected_minor is not None and request.expected_minor < 0:
        return Invalid(field="expected_minor", expected="0 or more", found="less")
    if request.kind == "liquidation":
        return _misfit_buyer(request)
    if request.buyer is not None:
        return Invalid(field="buyer", expected="none but of a liquidation", found="one")
    if request.kind != "vendor_return":
        if not request.receiver.strip():
            return errors.NoReceiver(kind=request.kind.replace("_", " "), expected="a receiver")
        return None
    vendor = suppliers.get(request.supplier) if request.supplier else None
    if request.supplier is None:
        return errors.NoReceiver(kind="vendor return", expected="a supplier")
    if vendor is None or vendor.company != request.company:
        return NotFound(what="supplier", which=str(request.supplier))
    foreign = [one.sku for one in found if one.sku not in vendor.sold]
    return errors.NotOfVendor(sku=str(foreign[0]), vendor=vendor.name) if foreign else None


def _misfit_buyer(request: OpenDeparture) -> Refused | None:
    if request.buyer is None:
        return errors.NoReceiver(kind=request.kind, expected="a buyer")
    if request.receiver.strip():
        return Invalid(field="receiver", expected="none beside the buyer", found="one")
    return lots.misfit_buyer(request.buyer)


def _write(
    cause: Cause,
    opened: Sequence[tuple[UUID, OpenDeparture]],
    waits: Mapping[UUID, Waits],
    suppliers: Mapping[UUID, _Supplier],
) -> dict[UUID, str]:
    take(counted(item for _, one in opened for item in one.items))
    numbers = draw(cause, [(one.company, one.kind) for _, one in opened])
    who = cause.actor.name
    buyers = _buyers(cause, opened)
    rows, items = [], []
    for (which, one), number in zip(opened, numbers, strict=True):
        first = waits[one.items[0][0]]
        supplier = one.supplier if one.kind == "vendor_return" else None
        receiver = suppliers[supplier].name if supplier else one.receiver.strip()
        customer, buyer = buyers.get(which, (None, None))
        rows.append((
            which, number.text, one.company, one.kind, number.year, number.sequence, first.node, supplier,
            receiver, customer, buyer, one.buyer.country if one.buyer else "", first.currency, "open",
            one.expected_minor, who, cause.at,
        ))  # fmt: skip
        for disposition, units in one.items:
            of = waits[disposition]
            items.append((which, disposition, of.sku, of.bin, of.lot, of.serial, units))
    sql.write("returns_departure", _DEPARTURE, rows)
    sql.write("returns_departureitem", _ITEM, items)
    announce(cause, [
        Event("departure", which, one.company, "", "open", None,
              {"kind": one.kind, "units": sum(units for _, units in one.items)})
        for which, one in opened
    ])  # fmt: skip
    return {which: number.text for (which, _), number in zip(opened, numbers, strict=True)}


def _buyers(cause: Cause, opened: Sequence[tuple[UUID, OpenDeparture]]) -> dict[UUID, tuple[UUID, UUID]]:
    """The customer and the address of each lot, by departure. 5 statements at most, where there are any."""
    found = [(which, one.company, one.buyer) for which, one in opened if one.buyer]
    if not found:
        return {}
    customers = _customers(cause, sorted({(company, one.customer.strip()) for _, company, one in found}))
    addresses = whole(register_addresses(cause, requests=[
        RegisterAddress(
            company, one.name.strip(), one.line1, one.line2, one.city, one.region, one.postal_code, one.country,
            one.email, tax_number=one.tax_number, customer=one.customer.strip(),
        )
        for _, company, one in found
    ]))  # fmt: skip
    return {
        which: (customers[company, one.customer.strip()], address.id)
        for (which, company, one), address in zip(found, addresses, strict=True)
    }


def _customers(cause: Cause, named: Sequence[tuple[int, str]]) -> dict[tuple[int, str], UUID]:
    """Customers by company and code. Only those who are new are registered: of the others more is known. 1 statement;
    1 more where some are new."""
    found: dict[tuple[int, str], UUID] = {
        (company, code): which
        for company, code, which in sql.run(_CUSTOMERS, sql.columns(("companies", "codes"), named))
    }
    fresh = [RegisterCustomer(*one) for one in named if one not in found]
    made = whole(register_customers(cause, requests=fresh)) if fresh else ()
    return found | {(one.company, one.code): each.id for one, each in zip(fresh, made, strict=True)}


_DEPARTURE = (
    "id", "number", "company_id", "kind", "year", "sequence", "node_id", "supplier_id", "receiver", "customer_id",
    "buyer_id", "buyer_country", "currency", "state", "expected_minor", "opened_by", "opened_at",
)  # fmt: skip

_ITEM = ("departure_id", "disposition_id", "sku_id", "bin_id", "lot", "serial", "quantity")

_CUSTOMERS = """
SELECT c.company_id::int, c.code, c.id FROM unnest(%(companies)s::smallint[], %(codes)s::text[]) AS d(company, code)
JOIN parties_customer AS c ON c.company_id = d.company AND c.code = d.code
"""

_SUPPLIERS = """
SELECT s.id, s.company_id::int, s.name, ARRAY(
    SELECT o.sku_id FROM parties_offer AS o WHERE o.supplier_id = s.id AND o.sku_id = ANY(%(skus)s::uuid[])
    UNION
    SELECT l.sku_id FROM purchasing_order AS p JOIN purchasing_orderline AS l ON l.order_id = p.id
    WHERE p.supplier_id = s.id AND l.sku_id = ANY(%(skus)s::uuid[]))
FROM parties_supplier AS s WHERE s.id = ANY(%(ids)s::uuid[])
"""
