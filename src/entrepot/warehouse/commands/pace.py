"""Send what waits at nodes to the floor by itself, as pickers and packing stations have time for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import NotFound, Refused, Said, WrongState
from entrepot.warehouse import waves
from entrepot.warehouse.commands.propose_wave import Facts, ProposeWave, WaveProposed, propose
from entrepot.warehouse.commands.waves import ReleaseWave, WaveReleased, release_wave
from entrepot.warehouse.errors import NothingForAWave
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects

ITEM = "node stands still"


@dataclass(frozen=True, slots=True)
class PaceNode:
    """A node whose policy `warehouse.waves` lets work go to the floor by itself, with a look ahead."""

    node: UUID
    key: str | None = None


@dataclass(frozen=True, slots=True)
class NodePaced:
    """The wave that went, and its orders; None and 0 where there was no time for any more, or nothing waits.

    `stands` is why nothing goes though orders wait and the floor is not full of work that goes on: '' where all is as
    it should be.
    """

    node: UUID
    wave: UUID | None
    orders: int
    stands: str = ""


class _Node(NamedTuple):
    id: UUID
    company: int
    code: str


@command("warehouse.pace")
def pace(cause: Cause, /, *, requests: Sequence[PaceNode]) -> list[NodePaced | Refused]:
    """Of each node the most urgent orders that its policy names are on the floor, no more than there is time for before
    their cut-offs, or in the minutes that it looks ahead. A node that stands still is a work item with the reason,
    until it does no more; so is each order whose units stand in no bin that is picked from.

    Locks: as `warehouse.propose_wave`, then as `warehouse.release_wave`, then the items. Refuses: NotFound; WrongState
    (the node streams, or waits for somebody's waves). Again: by key; without one what there is time for by then.
    5 statements, and those of `warehouse.propose_wave`; those of `warehouse.release_wave` where something goes, 1 more
    where nothing goes though orders wait, and 1 with work items.
    """
    nodes = {row[0]: _Node(*row) for row in sql.run(_NODES, {"nodes": [one.node for one in requests]})}
    in_force = policies.InForce([node.company for node in nodes.values()], [waves.Waves], cause.at)
    refusals: dict[int, Refused] = {}
    asked: dict[int, ProposeWave] = {}
    for place, one in enumerate(requests):
        if one.node not in nodes:
            refusals[place] = NotFound(what="node", which=one.node)
            continue
        node = nodes[one.node]
        _, policy = in_force.of(node.company, waves.Waves, node.code)
        if policy.mode != "paced":
            refusals[place] = WrongState(
                subject=Said("node {0}", node.code), found=policy.mode, event="pace", expected="paced"
            )
        else:
            asked[place] = _wanted(one.node, waves.paced(policy), policy.ahead_minutes)
    proposed, facts = propose(cause, list(asked.values()))
    offered = dict(zip(asked, proposed, strict=True))
    going = {place: one.wave for place, one in offered.items() if isinstance(one, WaveProposed)}
    released = release_wave(cause, requests=[ReleaseWave(wave) for wave in going.values()])
    went = {
        place: NodePaced(requests[place].node, one.wave, one.orders)
        for place, one in zip(going, released, strict=True)
        if isinstance(one, WaveReleased)
    }
    stood = _standing(cause, nodes, facts, asked, offered, {one.node for one in went.values() if one.orders})
    _tell(cause, [nodes[node] for node in stood], stood, facts)
    return [
        refusals.get(place) or went.get(place) or NodePaced(one.node, None, 0, stood[one.node])
        for place, one in enumerate(requests)
    ]


def _standing(
    cause: Cause,
    nodes: Mapping[UUID, _Node],
    facts: Facts,
    asked: Mapping[int, ProposeWave],
    offered: Mapping[int, WaveProposed | Refused],
    moving: Collection[UUID],
) -> dict[UUID, str]:
    """Of each node that is paced, why it stands still; '' where it does not."""
    stood = {one.node: "" for one in asked.values()}
    left = {place: one for place, one in offered.items() if isinstance(one, Refused)}
    empty = {asked[place].node for place, one in left.items() if isinstance(one, NothingForAWave)} - set(
        moving
    )
    resting = _resting(cause, facts, [node for node in sorted(empty) if facts.others[node]])
    for place, one in left.items():
        node = asked[place].node
        if not isinstance(one, NothingForAWave):
            # A zone or carrier that the policy names and the node does not have.
            stood[node] = one.message
        elif node in empty:
            stood[node] = facts.stands_still(asked[place], resting)
    return stood


def _resting(cause: Cause, facts: Facts, nodes: Sequence[UUID]) -> set[UUID]:
    """Nodes whose floor has had work for longer than `waves.RESTS_AFTER`, all of it in their shifts, and of which
    nothing was done in that time."""
    since = cause.at - waves.RESTS_AFTER
    if not nodes:
        return set()
    at_work = [
        node for node in nodes if facts.at_work(node, since, cause.at) >= waves.RESTS_AFTER.total_seconds()
    ]
    return {node for (node,) in sql.run(_RESTING, {"nodes": at_work, "since": since})}


def _tell(cause: Cause, paced: Sequence[_Node], stood: Mapping[UUID, str], facts: Facts) -> None:
    """Work items for what stands still, and none for what goes on."""
    told = [
        OpenItem(
            node.company, ITEM, "node", node.id, f"{node.code}: {stood[node.id]}", "warehouse supervisor",
            {"others_wait": facts.others.get(node.id, {})}, 80, due_in_hours=1,
        )
        for node in paced
        if stood[node.id]
    ]  # fmt: skip
    open_items(cause, requests=[*told, *facts.not_pickable([node.id for node in paced])])
    goes_on = [
        ResolveSubject(node.company, ITEM, node.id, "goes on", "work goes to the floor again")
        for node in paced
        if not stood[node.id]
    ]
    if goes_on:
        resolve_subjects(cause, requests=goes_on)


def _wanted(node: UUID, asked: waves.Asked, ahead_minutes: int) -> ProposeWave:
    return ProposeWave(
        node, asked.due_before, asked.services, asked.zones, asked.priority_min, asked.value_min_minor,
        asked.lines_max, carriers=asked.carriers, ahead_minutes=ahead_minutes,
    )  # fmt: skip


_NODES = "SELECT id, company_id::int, code FROM network_node WHERE id = ANY(%(nodes)s::uuid[])"

_RESTING = """
SELECT q.node_id FROM (
    SELECT f.node_id, min(f.released_at) AS since
    FROM kernel_ready AS r JOIN warehouse_fulfillment AS f ON f.id = r.subject
    WHERE r.queue IN ('pick', 'pack') AND f.node_id = ANY(%(nodes)s::uuid[]) GROUP BY 1) AS q
WHERE q.since < %(since)s::timestamptz
  AND NOT EXISTS (SELECT FROM kernel_event AS e JOIN warehouse_fulfillment AS f ON f.id = e.subject_id
                  WHERE e.recorded_at >= %(since)s::timestamptz AND e.subject_kind = 'fulfillment'
                    AND e.state_after IN ('picking', 'picked', 'packed') AND f.node_id = q.node_id)
"""
