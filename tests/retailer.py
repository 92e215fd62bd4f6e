"""A small retailer for tests of single rooms: a company, suppliers, two nodes with bins, a few SKUs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from entrepot.catalog.commands.register import RegisterSku, register_skus
from entrepot.kernel.cause import Actor, Cause
from entrepot.ledger.commands.open_books import OpenBooks, open_books
from entrepot.network.commands.register import RegisterBin, RegisterNode, register_bins, register_nodes
from entrepot.parties.commands.register import (
    RegisterCompany,
    RegisterSupplier,
    register_companies,
    register_suppliers,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BUYER = Cause(Actor("bea", everything=True), NOW)
CLERK = Cause(Actor("dan", everything=True), NOW)


@dataclass(frozen=True, slots=True)
class Retailer:
    """What a test names: `elsewhere` is a bin of the other node."""

    company: int
    supplier: UUID
    foreign_supplier: UUID
    node: UUID
    receiving: UUID
    pick: UUID
    elsewhere: UUID
    skus: list[UUID]
    perishable: UUID


def a_retailer(skus: int = 3) -> Retailer:
    """A company with open books, two suppliers of whom one is foreign, two nodes, and SKUs, one kept by lot."""
    register_companies(BUYER, requests=[RegisterCompany(1, "house", "The House", "GBP", "GB")])
    open_books(BUYER, requests=[OpenBooks(1)])
    home, foreign = register_suppliers(
        BUYER,
        requests=[RegisterSupplier(1, "s1", "Mugs Ltd", "GBP"), RegisterSupplier(1, "s2", "Uhren AG", "EUR")],
    )
    node, other = register_nodes(
        BUYER,
        requests=[
            RegisterNode(1, "north", "North", "GB"),
            RegisterNode(1, "south", "South", "GB", priority=2),
        ],
    )
    receiving, pick, elsewhere = register_bins(
        BUYER,
        requests=[
            RegisterBin(1, node.id, "R1", "receiving", pick_sequence=9),
            RegisterBin(1, node.id, "P1", "pick", pick_sequence=1),
            RegisterBin(1, other.id, "R1", "receiving"),
        ],
    )
    *plain, perishable = register_skus(
        BUYER,
        requests=[
            *(RegisterSku(1, f"{10_000 + i}", f"Thing {i}") for i in range(skus)),
            RegisterSku(1, "CAKE", "Cake", lot_policy="lot_expiry"),
        ],
    )
    return Retailer(
        1, home.id, foreign.id, node.id, receiving.id, pick.id, elsewhere.id, [sku.id for sku in plain],
        perishable.id,
    )  # fmt: skip
