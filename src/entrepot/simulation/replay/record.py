"""What a replay is made from, and what comes of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import NamedTuple
from uuid import UUID

from entrepot.carriage.rules import Service
from entrepot.network.rules import Calendar
from entrepot.sourcing import rules
from entrepot.sourcing.goods import Goods
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
    currency: str
    tier: str
    said_of_substitutes: str
    lines: tuple[Line, ...]
    cancel_after: date | None = None
    """What has not left by then may not leave."""
    min_fill_percent: int = 0
    """The part of it of which less is not sent."""
    ordered: int = 0
    """Units of all its goods, those of before the window too."""


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


class Promised(NamedTuple):
    """Units that an order of before the window had been promised when it began, and when they left; None: not yet."""

    order: UUID
    sku: UUID
    node: UUID
    units: int
    left_at: datetime | None


class Rejection(NamedTuple):
    """A node gave back what it was to serve of a line. `line` is the one that was ordered, `sku` what was to be sent;
    `cleared_at` is when somebody let the node be asked again."""

    at: datetime
    order: UUID
    line: UUID
    sku: UUID
    node: UUID
    quantity: int
    cleared_at: datetime | None


class Preorder(NamedTuple):
    """From a moment on a SKU ships on a day, or at once without one; until then this many are sold at most, 0: all."""

    at: datetime
    sku: UUID
    code: str
    ships_on: date | None
    units_max: int


class Paid(NamedTuple):
    """What a line of so many units costs the customer, before and as discount."""

    gross_minor: int
    discount_minor: int
    quantity: int

    def net_minor(self, units: int) -> int:
        return (self.gross_minor - self.discount_minor) * units // self.quantity


class Week(NamedTuple):
    """When a node ships: its calendar, and the local cut-offs of the carriers that have their own there."""

    calendar: Calendar
    carriers: Mapping[str, Mapping[int, time]] = {}


NO_WEEK = Week(Calendar())


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
    company: int = 0
    goods: Sequence[tuple[datetime, Goods]] = ()
    """What is known of SKUs, with the sets of substitutes that were in force from each moment on."""
    paid: Mapping[UUID, Paid] = field(default_factory=dict)
    """By line, where a profile asks for margins."""


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
    promised: Sequence[Promised]
    waiting: Sequence[Asked]
    """Orders that waited for stock when the window began, with the units that they waited for."""
    orders: Sequence[tuple[datetime, Asked]]
    """Orders with the moment at which they were to be decided first, in the order of the decisions."""
    changes: Sequence[Change]
    cancelled: Mapping[UUID, datetime]
    """When customers cancelled."""
    held: Sequence[Held]
    gone: Mapping[UUID, Sequence[tuple[datetime, UUID]]]
    """When orders left, and from which node, in the order of time."""
    rejections: Sequence[Rejection] = ()
    """Of any time, as far as their orders are here."""
    preorders: Sequence[Preorder] = ()
    """In the order of time."""
    let_go: Mapping[UUID, datetime] = field(default_factory=dict)
    """When somebody let orders go that were sold ahead past a limit."""


@dataclass(slots=True)
class Share:
    """Units of a line that a node serves. `free` is what it could promise before, `open_orders` and `open_units` what
    waited there; `leaves` is when they go, as far as the record knows."""

    at: datetime
    node: Node
    line: Line
    units: int
    free: int
    open_orders: int
    open_units: int = 0
    priority: int = 0
    leaves: datetime | None = None

    def has_left(self, at: datetime) -> bool:
        return self.leaves is not None and self.leaves <= at


@dataclass(slots=True)
class Fate:
    """What became of an order."""

    order: Asked
    at: datetime
    shares: list[Share] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    """Its lines, and those that are sent instead."""
    instead: dict[UUID, UUID] = field(default_factory=dict)
    """By line that is sent instead, the one that was ordered."""
    waits: dict[UUID, int] = field(default_factory=dict)
    """Units that are still to be served, by line."""
    fresh: dict[UUID, int] = field(default_factory=dict)
    """Of these, units that no decision has left waiting yet, or that are to be decided again."""
    past: Sequence[rules.Past] = ()
    """By which limits of selling ahead it is held."""
    was_held: bool = False
    rejected: dict[UUID, list[tuple[UUID, datetime]]] = field(default_factory=dict)
    """By line, the nodes that gave it back, and when."""
    paid: dict[UUID, Paid] = field(default_factory=dict)
    """What is paid for lines that are sent instead."""
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
    def wanted(self) -> list[Line]:
        """Its lines with the units that are still to be served."""
        waits = self.waits
        return [line._replace(quantity=waits[line.id]) for line in self.lines if waits.get(line.id)]

    @property
    def nodes(self) -> tuple[str, ...]:
        """Codes of the nodes that serve it."""
        return tuple(sorted({share.node.code for share in self.shares if share.units}))


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of the orders of the window, and of those that waited when it began.

    `unexplained` are units that the record lost and the replay had already sent: its stock had gone other ways.
    `gap` is the part of the cost of what was planned together that better plans could have saved at most; None where
    nothing was.
    """

    orders: Sequence[Fate]
    waited: Sequence[Fate]
    unexplained: int
    gap: float | None = None
