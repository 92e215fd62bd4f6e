"""Set up nodes, zones, bins, channels, and who serves whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time
from uuid import UUID

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Refused
from entrepot.kernel.events import Event


@dataclass(frozen=True, slots=True)
class RegisterNode:
    """A node by its code; lower priority numbers are preferred."""

    company: int
    code: str
    name: str
    country: str
    kind: str = "warehouse"
    postal_code: str = ""
    latitude: float | None = None
    longitude: float | None = None
    priority: int = 1
    active: bool = True
    time_zone: str = "UTC"
    key: str | None = None


@dataclass(frozen=True, slots=True)
class RegisterZone:
    node: UUID
    code: str
    kind: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class RegisterBin:
    """A bin by its code within the node; kind is pick, reserve, receiving, staging, packing or quarantine."""

    company: int
    node: UUID
    code: str
    kind: str
    zone: UUID | None = None
    pick_sequence: int = 0
    x: int = 0
    y: int = 0
    key: str | None = None


@dataclass(frozen=True, slots=True)
class RegisterChannel:
    """A channel by its code; higher priority orders are served first."""

    company: int
    code: str
    name: str
    currency: str
    kind: str = "storefront"
    priority: int = 5
    buffer: int = 0
    active: bool = True
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ServeChannel:
    """A node serves a channel from now on."""

    channel: UUID
    node: UUID
    priority: int = 0
    key: str | None = None


@dataclass(frozen=True, slots=True)
class SetCutOff:
    node: UUID
    weekday: int
    at: time
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Registered:
    id: UUID
    code: str


@command("network.register_nodes")
def register_nodes(cause: Cause, /, *, requests: Sequence[RegisterNode]) -> list[Registered | Refused]:
    """Nodes with their ids. Again: registers the same. 1 statement."""
    rows = [
        (ids.uuid7(), r.company, r.code, r.name, r.kind, r.country, r.postal_code, r.latitude, r.longitude, r.priority,
         r.active, r.time_zone)  # fmt: skip
        for r in requests
    ]
    written = sql.upsert("network_node", ("company_id", "code"), _NODE, rows)
    found = {(company, code): node for node, company, code in written}
    announce(cause, [Event("node", node, company, payload={"code": code}) for (company, code), node in found.items()])
    return [Registered(found[r.company, r.code], r.code) for r in requests]


@command("network.register_zones")
def register_zones(cause: Cause, /, *, requests: Sequence[RegisterZone]) -> list[Registered | Refused]:
    """Zones with their ids. Again: registers the same. 1 statement."""
    rows = [(ids.uuid7(), r.node, r.code, r.kind) for r in requests]
    found = {(node, code): zone for zone, node, code in sql.upsert("network_zone", ("node_id", "code"), _ZONE, rows)}
    return [Registered(found[r.node, r.code], r.code) for r in requests]


@command("network.register_bins")
def register_bins(cause: Cause, /, *, requests: Sequence[RegisterBin]) -> list[Registered | Refused]:
    """Bins with their ids. Again: registers the same. 1 statement."""
    rows = [
        (ids.uuid7(), r.company, r.node, r.zone, r.code, r.kind, r.pick_sequence, r.x, r.y) for r in requests
    ]
    found = {(node, code): bin_ for bin_, node, code in sql.upsert("network_bin", ("node_id", "code"), _BIN, rows)}
    return [Registered(found[r.node, r.code], r.code) for r in requests]


@command("network.register_channels")
def register_channels(cause: Cause, /, *, requests: Sequence[RegisterChannel]) -> list[Registered | Refused]:
    """Channels with their ids. Again: registers the same. 1 statement."""
    rows = [
        (ids.uuid7(), r.company, r.code, r.name, r.kind, r.currency, r.priority, r.buffer, r.active) for r in requests
    ]
    written = sql.upsert("network_channel", ("company_id", "code"), _CHANNEL, rows)
    found = {(company, code): channel for channel, company, code in written}
    announce(cause, [Event("channel", one, company, payload={"code": code}) for (company, code), one in found.items()])
    return [Registered(found[r.company, r.code], r.code) for r in requests]


@dataclass(frozen=True, slots=True)
class Served:
    channel: UUID
    node: UUID


@command("network.serve_channels")
def serve_channels(cause: Cause, /, *, requests: Sequence[ServeChannel]) -> list[Served | Refused]:
    """Nodes serve channels. Again: the same. 1 statement."""
    rows = [(r.channel, r.node, r.priority) for r in requests]
    sql.upsert("network_channelnode", ("channel_id", "node_id"), ("channel_id", "node_id", "priority"), rows)
    return [Served(r.channel, r.node) for r in requests]


@dataclass(frozen=True, slots=True)
class CutOffSet:
    node: UUID


@command("network.set_cut_offs")
def set_cut_offs(cause: Cause, /, *, requests: Sequence[SetCutOff]) -> list[CutOffSet | Refused]:
    """Cut-off times by node and weekday. Again: the same. 1 statement."""
    rows = [(r.node, r.weekday, r.at) for r in requests]
    sql.upsert("network_cutoff", ("node_id", "weekday"), ("node_id", "weekday", "at"), rows)
    return [CutOffSet(r.node) for r in requests]


_NODE = (
    "id", "company_id", "code", "name", "kind", "country", "postal_code", "latitude", "longitude", "priority",
    "active", "time_zone",
)  # fmt: skip
_ZONE = ("id", "node_id", "code", "kind")
_BIN = ("id", "company_id", "node_id", "zone_id", "code", "kind", "pick_sequence", "x", "y")
_CHANNEL = ("id", "company_id", "code", "name", "kind", "currency", "priority", "buffer", "active")
