"""What a replay is made from, and what comes of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import NamedTuple
from uuid import UUID

from entrepot.carriage.rules import Service
from entrepot.sourcing import rules
from entrepot.sourcing.rules import Line, Node


class Asked(NamedTuple):
    """An order with the units of its lines that are to be sourced."""

    id: UUID
    number: str
    channel: UUID
    country: str
    postal_code: str
    policy: str
    priority: int
    promise_at: datetime | None
    placed_at: datetime
    service: str
    total_minor: int
    lines: tuple[Line, ...]


class Change(NamedTuple):
    """Sellable units that came to a node, or went below zero where they left it, other than to customers."""

    at: datetime
    sku: UUID
    node: UUID
    units: int


class Held(NamedTuple):
    """Units at a node that an order had been promised before the window, and that became free again in it."""

    order: UUID
    sku: UUID
    node: UUID
    units: int


class Week(NamedTuple):
    """When a node ships: its time zone, and the local cut-off of each weekday."""

    time_zone: str
    cut_offs: Mapping[int, time]


@dataclass(frozen=True, slots=True)
class House:
    """Who could serve whom, and at what price: as it stands today."""

    channels: Mapping[UUID, str]
    """Codes of channels."""
    nodes: Mapping[UUID, tuple[Node, ...]]
    """Nodes by channel."""
    places: Mapping[tuple[str, str], tuple[float, float]]
    """Latitude and longitude by country and postal code."""
    weeks: Mapping[UUID, Week]
    services: Sequence[Service]
    sizes: Mapping[UUID, tuple[int, int]]
    """Grams and cm³ of a unit, by SKU."""


@dataclass(frozen=True, slots=True)
class Record:
    """What the ledgers tell of a window. Nothing in it depends on a profile."""

    since: datetime
    until: datetime
    house: House
    free: Mapping[tuple[UUID, UUID], int]
    """Units that could be promised when the window began, by (sku, node); below zero where too few were there."""
    fences: Mapping[tuple[UUID, UUID], Mapping[UUID, int]]
    """What ring-fences have left, by (sku, node) and channel."""
    open_orders: Mapping[UUID, int]
    """Orders that waited at each node when the window began."""
    left: Sequence[tuple[datetime, UUID]]
    """When one of these left, and which node."""
    waiting: Sequence[Asked]
    """Orders that waited for stock when the window began, with the units that they waited for."""
    orders: Sequence[tuple[datetime, Asked]]
    """Orders with the moment of their first decision, in the order of the decisions."""
    changes: Sequence[Change]
    cancelled: Mapping[UUID, datetime]
    """When customers cancelled."""
    held: Sequence[Held]
    gone: Mapping[UUID, datetime]
    """When the last of an order left the house."""


@dataclass(slots=True)
class Share:
    """Units of a line that a node serves. `free` is what it could promise before, `open_orders` what waited there."""

    at: datetime
    node: Node
    line: Line
    units: int
    free: int
    open_orders: int


@dataclass(slots=True)
class Fate:
    """What became of an order."""

    order: Asked
    at: datetime
    shares: list[Share] = field(default_factory=list)
    waits: dict[UUID, int] = field(default_factory=dict)
    """Units that are still to be served, by line."""
    since: datetime | None = None
    """When it was last looked at in vain."""
    backlog: int = 0
    """Units that have waited since then."""
    backordered: int = 0
    """Units that ever waited."""
    unit_days: float = 0.0
    """Days waited, summed over units."""
    cancelled: int = 0
    """Units given up because no node had them."""
    withdrawn: int = 0
    """Units that the customer cancelled."""
    first: rules.Plan | None = None
    broken: Mapping[str, str] = field(default_factory=dict)
    """Which rule nodes broke when it was first decided."""
    km: Mapping[str, int] = field(default_factory=dict)

    @property
    def nodes(self) -> tuple[str, ...]:
        """Codes of the nodes that serve it."""
        return tuple(sorted({share.node.code for share in self.shares if share.units}))


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of the orders of the window, and of those that waited when it began.

    `unexplained` are units that the record lost and the replay had already sent: its stock had gone other ways.
    """

    orders: Sequence[Fate]
    waited: Sequence[Fate]
    unexplained: int
