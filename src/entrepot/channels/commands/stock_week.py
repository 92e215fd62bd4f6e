"""Buy and receive a week's stock, and serve what waited for it, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from entrepot.channels.commands.import_invoices import Shop, walk
from entrepot.channels.online_retail import contract
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.command import command, whole
from entrepot.kernel.errors import Refused
from entrepot.purchasing import queries as purchasing
from entrepot.purchasing.commands.order import OrderGoods, order
from entrepot.purchasing.commands.receive import ReceiveOrder, receive
from entrepot.sourcing.commands.serve_backorders import serve_backorders

BUYER, CLERK = "system:import-buyer", "system:import-receiver"
"""Who orders and who receives: one person may not do both on the same order."""


@dataclass(frozen=True, slots=True)
class StockWeek:
    """What a week will need, by SKU code, and what each SKU costs; `percent` of it comes at once."""

    shop: Shop
    supplier: UUID
    name: str
    at: datetime
    demand: tuple[tuple[str, int], ...]
    costs: dict[str, Decimal]
    percent: int = 100
    earlier: str = ""
    """The name of an earlier week of which the rest comes now."""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class WeekStocked:
    """Purchase orders made now; none where the week was stocked before."""

    orders: int
    units: int
    served: int


@command("channels.stock_week")
def stock_week(cause: Cause, /, *, requests: Sequence[StockWeek]) -> list[WeekStocked | Refused]:
    """A purchase order for each node, received at once, whole or in part; backorders that it serves go out.

    Again: a week that was stocked before is passed over, by the reference of its orders. Statements: those of the
    commands that it calls, for each week.
    """
    return [_stock(cause, request) for request in requests]


def _stock(cause: Cause, week: StockWeek) -> WeekStocked:
    shop = week.shop
    wanted = _by_node(week)
    refs = {node: _ref(week.name, number) for number, node in enumerate(shop.nodes)}
    known = purchasing.by_external_ref(shop.company, list(refs.values()))
    if known or not wanted:
        return WeekStocked(0, 0, 0)
    buyer, clerk = _as(cause, BUYER), _as(cause, CLERK)
    requests = [
        OrderGoods(shop.company, week.supplier, node, refs[node], lines, week.at)
        for node, lines in wanted.items()
    ]
    ordered = whole(order(buyer, requests=requests))
    arriving = [
        _arriving(made.order, shop.bins[node], week) for made, node in zip(ordered, wanted, strict=True)
    ]
    rest = [one for one in _rest_of(week) if one]
    received = whole(receive(clerk, requests=[*(one for one in arriving if one), *rest]))
    waiting = serve_backorders(cause, [shop.skus[code] for code in shop.skus])
    walk(cause, waiting, dict.fromkeys(waiting, week.at))
    return WeekStocked(len(ordered), sum(one.quantity for one in received), len(waiting))


def _by_node(week: StockWeek) -> dict[UUID, tuple[tuple[UUID, int, Decimal], ...]]:
    lines: dict[UUID, list[tuple[UUID, int, Decimal]]] = {}
    for code, quantity in week.demand:
        lines.setdefault(week.shop.node_of(code), []).append(
            (week.shop.skus[code], quantity, week.costs[code])
        )
    return {node: tuple(found) for node, found in lines.items()}


def _arriving(made: UUID, bin_id: UUID, week: StockWeek) -> ReceiveOrder | None:
    if week.percent == 100:
        return ReceiveOrder(made, None, bin_id, week.at)
    lines = tuple((line.id, line.quantity * week.percent // 100) for line in purchasing.lines(made))
    some = tuple(line for line in lines if line[1])
    return ReceiveOrder(made, some, bin_id, week.at) if some else None


def _rest_of(week: StockWeek) -> list[ReceiveOrder | None]:
    """What an earlier week's orders still owe."""
    if not week.earlier:
        return []
    refs = {_ref(week.earlier, number): node for number, node in enumerate(week.shop.nodes)}
    found = purchasing.by_external_ref(week.shop.company, list(refs))
    return [
        ReceiveOrder(made, None, week.shop.bins[refs[ref]], week.at)
        for ref, (made, state) in sorted(found.items())
        if state in ("open", "part_received")
    ]


def _ref(name: str, number: int) -> str:
    return f"{contract.SOURCE}:{name}:{number + 1}"


def _as(cause: Cause, name: str) -> Cause:
    return replace(cause, actor=Actor(name, everything=True))
