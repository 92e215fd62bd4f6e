"""Builders for tests that sell: a company, a channel, a few SKUs, and orders with defaults."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

from entrepot.catalog.commands.register import RegisterSku, register_skus
from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.command import command
from entrepot.ledger.commands.open_books import OpenBooks, open_books
from entrepot.network.commands.register import (
    RegisterBin,
    RegisterChannel,
    RegisterNode,
    register_bins,
    register_channels,
    register_nodes,
)
from entrepot.orders import queries
from entrepot.orders.commands import progress
from entrepot.orders.commands.place import OrderLine, Placed, PlaceOrder, place
from entrepot.parties.commands.register import RegisterCompany, register_companies
from entrepot.stock.commands.allocate import Allocate, allocate
from entrepot.stock.commands.receive import Receive, receive

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CAUSE = Cause(Actor("worker", everything=True), NOW)
COMPANY = 1


def a_seller(*codes: str, channels: tuple[str, ...] = ("shop",)) -> None:
    """A company with open books, storefronts, and the SKUs MUG, PEN, TIN or those named."""
    register_companies(CAUSE, requests=[RegisterCompany(COMPANY, "house", "The House", "GBP", "GB")])
    open_books(CAUSE, requests=[OpenBooks(COMPANY)])
    register_channels(CAUSE, requests=[RegisterChannel(COMPANY, code, code, "GBP") for code in channels])
    skus = [RegisterSku(COMPANY, code, code.title(), weight_g=200) for code in codes or ("MUG", "PEN", "TIN")]
    register_skus(CAUSE, requests=skus)


def a_line(sku: str = "MUG", quantity: int = 1, price: str = "10.00", **changes: Any) -> OrderLine:
    return OrderLine(sku, quantity, Decimal(price), **changes)


def an_order(external_id: str = "E1", *lines: OrderLine, **changes: Any) -> PlaceOrder:
    one = PlaceOrder(COMPANY, "shop", external_id, lines or (a_line(),), "GBP", country="GB")
    return replace(one, **changes)


def placed(*requests: PlaceOrder) -> list[Placed]:
    """Orders placed, none refused."""
    answers = place(CAUSE, requests=requests or [an_order()])
    assert all(isinstance(one, Placed) for one in answers), answers
    return answers


def rows(table: str) -> int:
    return sql.run(f"SELECT count(*) FROM {table}")[0][0]


def moved(
    order: Placed, source: str, target: str, quantities: dict[str, int] | None = None
) -> dict[Any, progress.Step]:
    """Units of an order moved on, all that are at `source` or those named, as rooms above would, step by step."""
    lines = queries.order(order.order).lines
    way = _way(source, target)
    requests = [
        progress.Progress(line.id, order.order, before, after, quantity)
        for line in lines
        if (quantity := quantities.get(line.sku_code, 0) if quantities else getattr(line, source))
        for before, after in pairwise(way)
    ]
    return move_on(*requests)


def _way(source: str, target: str) -> list[str]:
    """The shortest way of a unit from place to place, past `perform`, which is for services."""
    ways = [[source]]
    for way in ways:
        if way[-1] == target:
            return way
        steps = progress.STEPS - {("open", "delivered")}
        ways += [[*way, after] for before, after in sorted(steps) if before == way[-1] and after not in way]
    raise LookupError(f"no unit gets from {source} to {target}")


def move_on(*requests: progress.Progress) -> dict[Any, progress.Step]:
    """These units moved on, in a command as a room above would give it."""
    return _as_a_room_above(CAUSE, requests=[_Moves(requests)])[0]


def allocated(order: Placed, quantities: dict[str, int]) -> None:
    """Units of an order promised at a node that has just received them."""
    view = queries.order(order.order)
    assert view is not None
    (node,) = register_nodes(CAUSE, requests=[RegisterNode(COMPANY, "N1", "Node", "GB")])
    (shelf,) = register_bins(CAUSE, requests=[RegisterBin(COMPANY, node.id, "A-01", "pick")])
    channel = sql.run("SELECT channel_id FROM orders_order WHERE id = %(id)s::uuid", {"id": order.order})[0][
        0
    ]
    lines = {line.sku_code: line for line in view.lines}
    receive(
        CAUSE,
        requests=[
            Receive(
                COMPANY,
                lines[sku].sku_id,
                node.id,
                shelf.id,
                quantity,
                quantity * 300,
                "receipt",
                ids.uuid7(),
            )
            for sku, quantity in quantities.items()
        ],
    )
    requests = [
        Allocate(
            COMPANY, order.order, lines[sku].id, lines[sku].sku_id, node.id, channel, quantity, 5, None, NOW
        )
        for sku, quantity in quantities.items()
    ]
    allocate(CAUSE, requests=requests)
    moved(order, "open", "allocated", quantities)


@dataclass(frozen=True, slots=True)
class _Moves:
    requests: tuple[progress.Progress, ...]
    key: str | None = None


@command("test.move_on")
def _as_a_room_above(cause: Cause, /, *, requests: Sequence[_Moves]) -> list[dict[Any, progress.Step]]:
    (moves,) = requests
    progress.lock(one.order for one in moves.requests)
    return [progress.progress(cause, requests=moves.requests)]
