"""Units that wait for what follows their disposition, for tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from uuid import UUID

from entrepot.kernel import ids, sql
from entrepot.kernel.command import whole
from entrepot.parties.commands.register import (
    RegisterOffer,
    RegisterSupplier,
    register_offers,
    register_suppliers,
)
from entrepot.returns.commands.dispose import Dispose, dispose
from entrepot.returns.commands.inspect import Inspect, inspect
from entrepot.returns.commands.open_departures import DepartureOpened, OpenDeparture, open_departures
from entrepot.returns.lots import Buyer
from tests.back import INSPECTS, asked_all, came_all, sold
from tests.floor import COMPANY, SYSTEM, Floor

JOBBER = Buyer(
    "JOB", "Jobber Ltd", "GB", "2 Quay", city="Hull", postal_code="HU1 1AA", tax_number="GB980780684"
)


def disposed(house: Floor, disposition: str, *units: int, sku: int = 0) -> list[UUID]:
    """Dispositions of so many units each: each unit cost 100. Up to 50 are out of one return, more are alike."""
    each = min(len(units), 50)
    orders = sold(house, len(units) // each, (sku, sum(units[:each])))
    receipts = came_all(asked_all(orders, sum(units[:each])))
    wanted = [
        Inspect(receipt.receipt, n, "C")
        for receipt, of in zip(receipts, batched(units, each), strict=True)
        for n in of
    ]
    found = whole(inspect(INSPECTS, requests=wanted))
    puts = [
        Dispose(one.inspection, n, disposition, reason="as I see it")
        for one, n in zip(found, units, strict=True)
    ]
    return [one.disposition_id for one in whole(dispose(INSPECTS, requests=puts))]


def a_vendor(house: Floor, *skus: int, code: str = "v") -> UUID:
    """A supplier of the SKUs."""
    (made,) = whole(
        register_suppliers(SYSTEM, requests=[RegisterSupplier(COMPANY, code, f"{code} Ltd", "GBP")])
    )
    whole(
        register_offers(
            SYSTEM, requests=[RegisterOffer(made.id, house.skus[sku], Decimal(1)) for sku in skus]
        )
    )
    return made.id


def opened(kind: str, *items: tuple[UUID, int], **facts: object) -> DepartureOpened:
    """A departure of them, to somebody."""
    if kind == "liquidation":
        facts.setdefault("buyer", JOBBER)
    elif kind != "vendor_return":
        facts.setdefault("receiver", "Somebody")
    request = OpenDeparture(COMPANY, kind, tuple(items), **facts)  # type: ignore[arg-type]
    (answer,) = open_departures(INSPECTS, requests=[request])
    assert isinstance(answer, DepartureOpened), answer
    return answer


def lines(document: UUID) -> dict[int, int]:
    """What a document moved on each account, debit positive; accounts that stand at zero are left out."""
    rows = sql.run(
        "SELECT account, sum(amount_minor)::bigint FROM ledger_line WHERE document_id = %(id)s GROUP BY 1 ORDER BY 1",
        {"id": document},
    )
    return {account: amount for account, amount in rows if amount}


UNKNOWN = ids.uuid7()


def batched(units: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(units), size):
        yield units[start : start + size]
