"""A house for tests of the walk: one company, two nodes with bins, two channels, SKUs; made by commands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from entrepot.catalog.commands.register import RegisterSku, register_skus
from entrepot.catalog.commands.register_kits import Component, RegisterKit, register_kits
from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.ledger.commands.open_books import OpenBooks, open_books
from entrepot.network.commands import register as network
from entrepot.orders.commands.place import OrderLine, Placed, PlaceOrder, place
from entrepot.parties.commands.register import RegisterCompany, register_companies
from entrepot.stock.commands.allocate import Allocate
from entrepot.stock.commands.move import At
from entrepot.stock.commands.receive import Receive, receive

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
SYSTEM = Cause(Actor("system:test", everything=True), NOW, "a test")
COMPANY = 1


def someone(name: str) -> Cause:
    """A cause of another person who may do everything."""
    return Cause(Actor(name, everything=True), NOW, "a test")


@dataclass
class Floor:
    """Ids of what was set up: `nodes` in order of priority, bins by (node, kind)."""

    nodes: list[UUID]
    bins: dict[tuple[UUID, str], UUID]
    channels: dict[str, UUID]
    skus: list[UUID]
    codes: list[str]
    placed: int = field(default=0)
    sold: list[UUID] = field(default_factory=list)
    """Orders of two of the first SKU that were sent and paid, and that nobody has taken yet: `back.sold` gives them."""
    prices: dict[int, Decimal] = field(default_factory=dict)
    """Of SKUs that are not sold at 9.99."""

    def at(
        self, sku: int = 0, node: int = 0, kind: str = "pick", status: str = "sellable", lot: str = ""
    ) -> At:
        where = self.nodes[node]
        return At(self.skus[sku], where, self.bins[where, kind], COMPANY, status, lot)

    def bin(self, node: int = 0, kind: str = "pick") -> UUID:
        return self.bins[self.nodes[node], kind]

    def stock(
        self, sku: int = 0, quantity: int = 10, node: int = 0, cost: int | None = None, kind: str = "pick"
    ) -> None:
        """Receive units; `cost` of all of them, 100 a unit without."""
        self.stock_all([sku], quantity, node, cost, kind)

    def stock_all(
        self, skus: Sequence[int], quantity: int, node: int = 0, cost: int | None = None, kind: str = "pick"
    ) -> None:
        """As `stock`, of many SKUs at once."""
        where = self.nodes[node]
        requests = [
            Receive(
                COMPANY, self.skus[sku], where, self.bins[where, kind], quantity,
                quantity * 100 if cost is None else cost, "test receipt", ids.uuid7(),
            )
            for sku in skus
        ]  # fmt: skip
        receive(SYSTEM, requests=requests)

    def kit(self, code: str, *components: tuple[int, int], price: str | None = None) -> int:
        """A kit of (sku number, units) components; the number of its SKU."""
        sku = RegisterSku(COMPANY, code, f"Kit {code}", list_price=None if price is None else Decimal(price))
        (made,) = register_skus(SYSTEM, requests=[sku])
        parts = tuple(Component(self.codes[number], units) for number, units in components)
        (kit,) = register_kits(SYSTEM, requests=[RegisterKit(COMPANY, code, parts)])
        self.skus.append(made.id)  # type: ignore[union-attr]
        self.codes.append(kit.code)  # type: ignore[union-attr]
        return len(self.codes) - 1

    def wants(
        self, quantity: int = 1, sku: int = 0, node: int = 0, channel: str = "shop", priority: int = 5
    ) -> Allocate:
        """A promise of units to some order line."""
        return Allocate(
            COMPANY, ids.uuid7(), ids.uuid7(), self.skus[sku], self.nodes[node], self.channels[channel], quantity,
            priority, None, NOW,
        )  # fmt: skip

    def order(self, *lines: tuple[int, int], **facts: Any) -> Placed:
        """Place an order of (sku number, quantity) lines at 9.99 each, or at their own price."""
        (answer,) = self.orders(1, *lines, **facts)
        return answer

    def orders(self, count: int, *lines: tuple[int, int], channel: str = "shop", policy: str = "partial_backorder",
               **facts: Any) -> list[Placed]:  # fmt: skip
        """As many orders alike, by one command."""
        wanted = tuple(
            OrderLine(self.codes[sku], quantity, self.prices.get(sku, Decimal("9.99")))
            for sku, quantity in lines
        )
        first, self.placed = self.placed + 1, self.placed + count
        to = {"country": "GB", "postal_code": "SW1A 1AA"}
        requests = [
            PlaceOrder(
                company=COMPANY, channel=channel, external_id=f"T-{first + i}", currency="GBP", policy=policy,
                lines=wanted, **(to | facts),
            )
            for i in range(count)
        ]  # fmt: skip
        answers = place(SYSTEM, requests=requests)
        assert all(isinstance(answer, Placed) for answer in answers), answers
        return answers  # type: ignore[return-value]


def a_floor(skus: int = 3, channels: Sequence[str] = ("shop", "market")) -> Floor:
    """An empty house: nothing is in stock yet."""
    register_companies(SYSTEM, requests=[RegisterCompany(COMPANY, "test", "Test Ltd", "GBP", "GB")])
    open_books(SYSTEM, requests=[OpenBooks(COMPANY)])
    found = network.register_nodes(
        SYSTEM,
        requests=[network.RegisterNode(COMPANY, f"N{i}", f"Node {i}", "GB", priority=i) for i in (1, 2)],
    )
    nodes = [node.id for node in found]  # type: ignore[union-attr]
    kinds = ("pick", "reserve", "receiving", "staging", "packing", "quarantine")
    wanted = [
        network.RegisterBin(COMPANY, node, kind.upper(), kind, pick_sequence=i)
        for node in nodes
        for i, kind in enumerate(kinds)
    ]
    made = network.register_bins(SYSTEM, requests=wanted)
    bins = {(one.node, one.kind): bin_.id for one, bin_ in zip(wanted, made, strict=True)}  # type: ignore[union-attr]
    registered = network.register_channels(
        SYSTEM, requests=[network.RegisterChannel(COMPANY, code, code.title(), "GBP") for code in channels]
    )
    by_code = {channel.code: channel.id for channel in registered}  # type: ignore[union-attr]
    serve = [network.ServeChannel(channel, node) for channel in by_code.values() for node in nodes]
    network.serve_channels(SYSTEM, requests=serve)
    sql.run("DELETE FROM kernel_ready WHERE queue = 'republish'")  # there is nothing to show yet
    codes = [f"SKU-{i:03}" for i in range(skus)]
    things = register_skus(
        SYSTEM,
        requests=[
            RegisterSku(
                COMPANY, code, f"Thing {code}", weight_g=250, length_mm=100, width_mm=100, height_mm=50
            )
            for code in codes
        ],
    )
    return Floor(nodes, bins, by_code, [sku.id for sku in things], codes)  # type: ignore[union-attr]


def units(sku: UUID, status: str = "sellable") -> int:
    """Units of a SKU in all buckets of a status."""
    rows = sql.run(
        "SELECT COALESCE(sum(quantity), 0)::int FROM stock_bucket WHERE sku_id = %(sku)s AND status = %(status)s",
        {"sku": sku, "status": status},
    )
    return rows[0][0]


def balance(account: int) -> int:
    """An account's balance in pence, debit positive."""
    rows = sql.run(
        "SELECT COALESCE(sum(functional_minor), 0)::bigint FROM ledger_balance WHERE account = %(account)s",
        {"account": account},
    )
    return rows[0][0]
