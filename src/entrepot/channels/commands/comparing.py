"""Statements of channels against what we hold: loaded for all at once, compared one by one. Inside a command."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.channels import ours, rules
from entrepot.channels.ours import Held, Period
from entrepot.channels.rules import Found, OurStock, Reconciling
from entrepot.channels.statements.stated import StatedOrder, StatedStock
from entrepot.kernel import ids
from entrepot.kernel.cause import Cause


@dataclass(frozen=True, slots=True)
class TakeChannelStatement:
    """What a channel says of the orders placed from `since` until before `until`, or of the stock that it shows.

    `name` is the file or the call that it came by; `said_at` is when the channel said it, without it now.
    """

    company: int
    channel: str
    kind: str
    source: str
    name: str
    since: datetime
    until: datetime
    orders: tuple[StatedOrder, ...] = ()
    stock: tuple[StatedStock, ...] = ()
    said_at: datetime | None = None
    key: str | None = None


class Channel(NamedTuple):
    id: UUID
    code: str
    currency: str


class Compared(NamedTuple):
    """A statement with what came of it; `covered`: names that it says something of, or we have of its period;
    `young`: kind and name of what is not to be told yet, and not over either."""

    id: UUID
    request: TakeChannelStatement
    channel: Channel
    found: list[Found]
    subjects: Mapping[str, UUID]
    covered: set[str]
    held: int
    sums: tuple[int, int]
    young: frozenset[tuple[str, str]] = frozenset()


def compare(
    cause: Cause,
    requests: Sequence[TakeChannelStatement],
    channels: Mapping[tuple[int, str], Channel],
    by: Mapping[int, tuple[int, Reconciling]],
) -> list[Compared]:
    periods = [
        Period(channels[one.company, one.channel].id, one.since, one.until)
        for one in requests
        if one.kind == "orders"
    ]
    named = [
        (channels[one.company, one.channel].id, name)
        for one in requests
        for order in one.orders
        for name in (order.name, order.also)
        if name
    ]
    skus = [(channels[one.company, one.channel].id, stated.sku) for one in requests for stated in one.stock]
    held = ours.orders(periods, named) if periods else {}
    shown = ours.stock(skus) if skus else {}
    compared = []
    for one in requests:
        channel, policy = channels[one.company, one.channel], by[one.company][1]
        if one.kind == "orders":
            compared.append(_orders(cause, one, channel, held.get(channel.id, []), policy))
        else:
            compared.append(_stock(one, channel, dict(_by_code(shown.get(channel.id, [])))))
    return compared


def _orders(
    cause: Cause, one: TakeChannelStatement, channel: Channel, held: Sequence[Held], policy: Reconciling
) -> Compared:
    own = _own(one, held)
    found = rules.compare_orders(
        one.orders, [each.order for each in own], policy,
        since=one.since, until=one.until, at=one.said_at or cause.at,
    )  # fmt: skip
    covered = {name for order in one.orders for name in (order.name, order.also)}
    sums = (
        sum(order.total_minor or 0 for order in one.orders if order.currency == channel.currency),
        sum(each.order.total_minor for each in own if each.order.currency == channel.currency),
    )
    return Compared(
        ids.uuid7(), one, channel, [each for each in found if not each.is_young],
        {each.order.name: each.id for each in own}, covered | {each.order.name for each in own}, len(own), sums,
        frozenset((each.kind, each.name) for each in found if each.is_young),
    )  # fmt: skip


def _own(one: TakeChannelStatement, held: Sequence[Held]) -> list[Held]:
    """Of all that was loaded of the channel, what this statement is about."""
    names = {name for order in one.orders for name in (order.name, order.also)}
    return [
        each for each in held if each.order.name in names or one.since <= each.order.placed_at < one.until
    ]


def _by_code(rows: Iterable[tuple[UUID, OurStock]]) -> Iterable[tuple[str, tuple[UUID, OurStock]]]:
    return ((figure.sku, (sku, figure)) for sku, figure in rows)


def _stock(
    one: TakeChannelStatement, channel: Channel, shown: Mapping[str, tuple[UUID, OurStock]]
) -> Compared:
    own = [shown[stated.sku][1] for stated in one.stock if stated.sku in shown]
    return Compared(
        ids.uuid7(), one, channel, rules.compare_stock(one.stock, own), {code: sku for code, (sku, _) in shown.items()},
        {stated.sku for stated in one.stock}, len(own),
        (sum(stated.quantity for stated in one.stock), sum(figure.quantity for figure in own)),
    )  # fmt: skip
