"""Set up nodes, zones, bins, channels, who serves whom, and when nodes ship."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from entrepot.catalog.register import Register, Standing, put, sieve, tell
from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, offer
from entrepot.kernel.errors import NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.network import rules
from entrepot.network.rules import (
    RegisterBin,
    RegisterChannel,
    RegisterLayout,
    RegisterNode,
    RegisterPlace,
    RegisterZone,
    ServeChannel,
    SetCutOff,
    SetHoliday,
)

__all__ = [
    "CutOffSet", "HolidaySet", "LaidOut", "PlaceRegistered", "RegisterBin", "RegisterChannel", "RegisterLayout",
    "RegisterNode", "RegisterPlace", "RegisterZone", "Registered", "ServeChannel", "Served", "SetCutOff", "SetHoliday",
    "register_bins", "register_channels", "register_layouts", "register_nodes", "register_places", "register_zones",
    "serve_channels", "set_cut_offs", "set_holidays",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Registered:
    id: UUID
    code: str


@dataclass(frozen=True, slots=True)
class Served:
    channel: UUID
    node: UUID


@dataclass(frozen=True, slots=True)
class CutOffSet:
    node: UUID


@dataclass(frozen=True, slots=True)
class HolidaySet:
    node: UUID
    day: date


@dataclass(frozen=True, slots=True)
class LaidOut:
    node: UUID


@dataclass(frozen=True, slots=True)
class PlaceRegistered:
    country: str
    postal_start: str


@command("network.register_nodes")
def register_nodes(cause: Cause, /, *, requests: Sequence[RegisterNode]) -> list[Registered | Refused]:
    """Nodes by company and code, new or changed to stand as given.

    Locks: the nodes that exist, in the order of company and code.
    Refuses: Invalid (a field that is not as it must be).
    Again: what stands already is left alone, with or without a key. 2 statements.
    """
    refused, fit = sieve(requests, map(rules.misfit_node, requests))
    names = {place: (one.company, one.code) for place, one in fit}

    standing = put(_NODES, ((names[place], _rest(_NODES, one)) for place, one in fit))

    tell(cause, _NODES, {name: name[0] for name in standing}, standing)
    _show_anew(cause, (one.id for one in standing.values() if "active" in one.changed))
    return _answers(requests, refused, names, standing)


@command("network.register_zones")
def register_zones(cause: Cause, /, *, requests: Sequence[RegisterZone]) -> list[Registered | Refused]:
    """Zones by node and code, new or changed to stand as given.

    Locks: the zones that exist, in the order of node and code.
    Refuses: Invalid; NotFound (the node).
    Again: what stands already is left alone, with or without a key. 3 statements.
    """
    known = _companies(nodes=(one.node for one in requests))
    refused, fit = sieve(
        requests, [rules.misfit_zone(one) or _missing("node", one.node, known) for one in requests]
    )
    names = {place: (one.node, one.code) for place, one in fit}

    standing = put(_ZONES, ((names[place], (one.kind,)) for place, one in fit))

    tell(cause, _ZONES, {name: known[name[0]] for name in standing}, standing)
    return _answers(requests, refused, names, standing)


@command("network.register_bins")
def register_bins(cause: Cause, /, *, requests: Sequence[RegisterBin]) -> list[Registered | Refused]:
    """Bins by node and code, new or changed to stand as given. A bin may move to another zone of its node.

    Locks: the bins that exist, in the order of node and code.
    Refuses: Invalid; NotFound (the node of that company; the zone of that node); BinOut (blocked or retired).
    Again: what stands already is left alone, with or without a key. 5 statements.
    """
    known = _companies(nodes=(one.node for one in requests))
    node_of: dict[UUID, UUID] = dict(
        sql.run(_ZONE_NODES, {"zones": list({one.zone for one in requests if one.zone})})
    )  # type: ignore[arg-type]
    named = sql.columns(("nodes", "codes"), [(one.node, one.code) for one in requests])
    kinds = {(node, code): kind for node, code, kind in sql.run(_KINDS, named)}
    refused, fit = sieve(
        requests,
        [
            rules.misfit_bin(one)
            or _astray(one, known, node_of)
            or rules.bin_out(one.code, kinds.get((one.node, one.code), ""))
            for one in requests
        ],
    )
    names = {place: (one.node, one.code) for place, one in fit}

    rows = (
        (names[place], (one.company, one.zone, one.kind, one.pick_sequence, one.x, one.y))
        for place, one in fit
    )
    standing = put(_BINS, rows)

    tell(cause, _BINS, {name: known[name[0]] for name in standing}, standing)
    return _answers(requests, refused, names, standing)


@command("network.register_layouts")
def register_layouts(cause: Cause, /, *, requests: Sequence[RegisterLayout]) -> list[LaidOut | Refused]:
    """Where the aisles of nodes are, new or changed to stand as given. Of two for a node the later stands.

    Routes that are planned already keep their way.
    Locks: the layouts that exist, in the order of nodes. Refuses: Invalid; NotFound (the node).
    Again: what stands already is left alone, with or without a key. 3 statements, 2 where nothing changes.
    """
    known = _companies(nodes=(one.node for one in requests))
    refused, fit = sieve(
        requests, [rules.misfit_layout(one) or _missing("node", one.node, known) for one in requests]
    )
    wanted = {one.node: _plan(one) for _, one in fit}
    found = {node: tuple(plan) for node, *plan in sql.run(_LAYOUTS, {"nodes": list(wanted)})}
    changed = {node: plan for node, plan in wanted.items() if found.get(node) != plan}
    if changed:
        rows = [dict(zip(_LAYOUT, (str(node), *plan), strict=True)) for node, plan in sorted(changed.items())]
        sql.change(_LAY_OUT, {"rows": json.dumps(rows)})
    _tell_changed(cause, "node", "layout", set(changed), known)
    return [refused.get(place) or LaidOut(one.node) for place, one in enumerate(requests)]


def _plan(one: RegisterLayout) -> tuple[Any, ...]:
    return list(one.aisles), list(one.cross_aisles), one.depot_x, one.depot_y, one.unit_mm


@command("network.register_channels")
def register_channels(cause: Cause, /, *, requests: Sequence[RegisterChannel]) -> list[Registered | Refused]:
    """Channels by company and code, new or changed to stand as given.

    Locks: the channels that exist, in the order of company and code.
    Refuses: Invalid (a field that is not as it must be).
    Again: what stands already is left alone, with or without a key. 2 statements.
    """
    refused, fit = sieve(requests, map(rules.misfit_channel, requests))
    names = {place: (one.company, one.code) for place, one in fit}

    standing = put(_CHANNELS, ((names[place], _rest(_CHANNELS, one)) for place, one in fit))

    tell(cause, _CHANNELS, {name: name[0] for name in standing}, standing)
    _show_anew(cause, (one.id for one in standing.values() if {"kind", *_SHOWN}.intersection(one.changed)))
    return _answers(requests, refused, names, standing)


@command("network.serve_channels")
def serve_channels(cause: Cause, /, *, requests: Sequence[ServeChannel]) -> list[Served | Refused]:
    """Nodes serve channels of their own company, or do so no more. Of two requests for a pair in one list the later
    stands.

    Locks: who serves whom already, in the order of channel and node.
    Refuses: Invalid; NotFound (the channel; a node of its company).
    Again: what stands already is left alone, with or without a key. 4 statements.
    """
    known = _companies((one.node for one in requests), (one.channel for one in requests))
    refused, fit = sieve(
        requests,
        [
            rules.misfit_service(one)
            or _missing("channel", one.channel, known)
            or _missing("node", one.node, known, known.get(one.channel))
            for one in requests
        ],
    )

    wanted = {(one.channel, one.node): one for _, one in fit}
    standing = put(_SERVING, ((pair, (one.priority,)) for pair, one in wanted.items() if one.serves))
    no_more = sorted(pair for pair, one in wanted.items() if not one.serves)
    freed = sql.run(_SERVES_NO_MORE, sql.columns(("channels", "nodes"), no_more)) if no_more else ()

    changed = {channel for channel, _ in _changed(standing)} | {channel for (channel,) in freed}
    _tell_changed(cause, "channel", "nodes", changed, known)
    _show_anew(cause, changed)
    return [refused.get(place) or Served(one.channel, one.node) for place, one in enumerate(requests)]


@command("network.set_cut_offs")
def set_cut_offs(cause: Cause, /, *, requests: Sequence[SetCutOff]) -> list[CutOffSet | Refused]:
    """Cut-offs by node and weekday, to stand as given. Of two for one day in one list the later stands. What the floor
    of a node has is due anew.

    Locks: the cut-offs that exist, in the order of node and weekday.
    Refuses: Invalid; NotFound (the node).
    Again: what stands already is left alone, with or without a key. 4 statements; 1 more where something changes.
    """
    known = _companies(nodes=(one.node for one in requests))
    refused, fit = sieve(
        requests, [rules.misfit_cut_off(one) or _missing("node", one.node, known) for one in requests]
    )
    wanted = {(one.node, one.weekday): one.at for _, one in fit}

    standing = put(_CUT_OFFS, ((name, (at,)) for name, at in wanted.items() if at is not None))
    free = [name for name, at in wanted.items() if at is None]
    freed = [node for (node,) in sql.run(_FREE, sql.columns(("nodes", "weekdays"), free))] if free else []

    changed = {node for node, _ in _changed(standing)} | set(freed)
    _tell_changed(cause, "node", "cut-offs", changed, known)
    offer("redate", [(node, 0, cause.at) for node in sorted(changed)])
    return [refused.get(place) or CutOffSet(one.node) for place, one in enumerate(requests)]


@command("network.set_holidays")
def set_holidays(cause: Cause, /, *, requests: Sequence[SetHoliday]) -> list[HolidaySet | Refused]:
    """Days on which nodes are closed, to stand as given. Of two for one day in one list the later stands.

    What is planned and promised already stays; what is asked from now on passes the day by. By when what the floor has
    must leave for its promise is reckoned anew.
    Locks: the holidays that exist, in the order of node and day.
    Refuses: Invalid; NotFound (the node).
    Again: what stands already is left alone, with or without a key. 4 statements; 1 more where something changes.
    """
    known = _companies(nodes=(one.node for one in requests))
    refused, fit = sieve(
        requests, [rules.misfit_holiday(one) or _missing("node", one.node, known) for one in requests]
    )
    wanted = {(one.node, one.day): one.name and one.name.strip() for _, one in fit}

    standing = put(_CLOSED, ((name, (called,)) for name, called in wanted.items() if called is not None))
    free = [name for name, called in wanted.items() if called is None]
    freed = [node for (node,) in sql.run(_WORKS, sql.columns(("nodes", "days"), free))] if free else []

    changed = {node for node, _ in _changed(standing)} | set(freed)
    _tell_changed(cause, "node", "holidays", changed, known)
    offer("redate", [(node, 0, cause.at) for node in sorted(changed)])
    return [refused.get(place) or HolidaySet(one.node, one.day) for place, one in enumerate(requests)]


@command("network.register_places")
def register_places(cause: Cause, /, *, requests: Sequence[RegisterPlace]) -> list[PlaceRegistered | Refused]:
    """Where addresses lie, by country and beginning of the postal code, new or changed to stand as given.

    Geography is nobody's own: it belongs to no company, and no event tells of it.
    Locks: the places that exist, in the order of country and beginning.
    Refuses: Invalid (a field that is not as it must be).
    Again: what stands already is left alone, with or without a key. 2 statements.
    """
    refused, fit = sieve(requests, map(rules.misfit_place, requests))
    put(_PLACES, (((one.country, one.postal_start), (one.latitude, one.longitude)) for _, one in fit))
    return [
        refused.get(place) or PlaceRegistered(one.country, one.postal_start)
        for place, one in enumerate(requests)
    ]


def _companies(nodes: Iterable[UUID] = (), channels: Iterable[UUID] = ()) -> dict[UUID, int]:
    """The company of each node and channel that exists. One statement."""
    wanted = {"nodes": list(set(nodes)), "channels": list(set(channels))}
    return dict(sql.run(_COMPANIES, wanted))  # type: ignore[arg-type]


def _missing(what: str, which: UUID, known: dict[UUID, int], company: int | None = None) -> Refused | None:
    """The refusal where something does not exist, or not in the company that is asked for."""
    if which in known and company in (None, known[which]):
        return None
    return NotFound(what=what, which=which)


def _astray(one: RegisterBin, known: dict[UUID, int], node_of: dict[UUID, UUID]) -> Refused | None:
    """Why a bin can't be where it shall be."""
    if one.zone is not None and node_of.get(one.zone) != one.node:
        return _missing("node", one.node, known, one.company) or NotFound(what="zone", which=one.zone)
    return _missing("node", one.node, known, one.company)


def _rest(register: Register, request: object) -> tuple[Any, ...]:
    return tuple(getattr(request, name) for name in register.rest)


def _answers(
    requests: Sequence[Any], refused: dict[int, Refused], names: dict[int, tuple[Any, ...]],
    standing: dict[tuple[Any, ...], Standing],
) -> list[Registered | Refused]:  # fmt: skip
    return [
        refused.get(place) or Registered(standing[names[place]].id, one.code)
        for place, one in enumerate(requests)
    ]


def _changed(standing: dict[tuple[Any, ...], Standing]) -> list[tuple[Any, ...]]:
    return [name for name, one in standing.items() if one.new or one.changed]


def _tell_changed(cause: Cause, kind: str, what: str, subjects: set[UUID], known: dict[UUID, int]) -> None:
    """An event for each subject to which something that it has, but that is not its own row, has changed."""
    announce(
        cause,
        (
            Event(kind, subject, known[subject], "registered", "registered", payload={"changed": [what]})
            for subject in sorted(subjects)
        ),
    )


_SHOWN = ("active", "buffer", "threshold", "shown_at_most")
"""What a channel is shown of stock depends on these."""


def _show_anew(cause: Cause, places: Iterable[UUID]) -> None:
    """Channels and nodes of which all figures may be others now, for stock to publish."""
    offer("republish", [(place, 5, cause.at) for place in sorted(places)])


_NODES = Register(
    "network_node",
    ("company_id", "code"),
    ("name", "kind", "country", "postal_code", "latitude", "longitude", "priority", "active", "time_zone"),
    kind="node",
)
_ZONES = Register("network_zone", ("node_id", "code"), ("kind",), kind="zone")
_BINS = Register(
    "network_bin",
    ("node_id", "code"),
    ("company_id", "zone_id", "kind", "pick_sequence", "x", "y"),
    kind="bin",
)
_CHANNELS = Register(
    "network_channel",
    ("company_id", "code"),
    ("name", "kind", "currency", "priority", "buffer", "active", "threshold", "shown_at_most"),
    kind="channel",
)
_SERVING = Register("network_channelnode", ("channel_id", "node_id"), ("priority",), keyed=False)
_PLACES = Register("network_place", ("country", "postal_start"), ("latitude", "longitude"), keyed=False)
_CUT_OFFS = Register("network_cutoff", ("node_id", "weekday"), ("at",), keyed=False)
_CLOSED = Register("network_holiday", ("node_id", "day"), ("name",), keyed=False)

_LAYOUT = ("node_id", "aisles", "cross_aisles", "depot_x", "depot_y", "unit_mm")

_LAYOUTS = """
SELECT node_id, aisles, cross_aisles, depot_x, depot_y, unit_mm FROM network_layout
WHERE node_id = ANY(%(nodes)s::uuid[]) ORDER BY node_id FOR UPDATE
"""

_LAY_OUT = """
INSERT INTO network_layout (node_id, aisles, cross_aisles, depot_x, depot_y, unit_mm)
SELECT * FROM json_to_recordset(%(rows)s::json) AS d(
    node_id uuid, aisles int[], cross_aisles int[], depot_x int, depot_y int, unit_mm int)
ON CONFLICT (node_id) DO UPDATE SET aisles = excluded.aisles, cross_aisles = excluded.cross_aisles,
    depot_x = excluded.depot_x, depot_y = excluded.depot_y, unit_mm = excluded.unit_mm
"""

_COMPANIES = """
SELECT id, company_id::int FROM network_node WHERE id = ANY(%(nodes)s::uuid[])
UNION ALL SELECT id, company_id::int FROM network_channel WHERE id = ANY(%(channels)s::uuid[])
"""

_ZONE_NODES = "SELECT id, node_id FROM network_zone WHERE id = ANY(%(zones)s::uuid[])"

_KINDS = """
SELECT b.node_id, b.code, b.kind FROM unnest(%(nodes)s::uuid[], %(codes)s::text[]) AS d(node, code)
JOIN network_bin AS b ON b.node_id = d.node AND b.code = d.code
"""

_SERVES_NO_MORE = """
DELETE FROM network_channelnode WHERE (channel_id, node_id) IN (
    SELECT * FROM unnest(%(channels)s::uuid[], %(nodes)s::uuid[]))
RETURNING channel_id
"""

_FREE = """
DELETE FROM network_cutoff WHERE (node_id, weekday) IN (
    SELECT * FROM unnest(%(nodes)s::uuid[], %(weekdays)s::smallint[]))
RETURNING node_id
"""

_WORKS = """
DELETE FROM network_holiday WHERE (node_id, day) IN (SELECT * FROM unnest(%(nodes)s::uuid[], %(days)s::date[]))
RETURNING node_id
"""
