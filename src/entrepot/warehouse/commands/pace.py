"""Send what waits at nodes to the floor by itself, as pickers and packing stations have time for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.kernel import policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import NotFound, Refused, Said, WrongState
from entrepot.warehouse import waves
from entrepot.warehouse.commands.propose_wave import ProposeWave, WaveProposed, propose_wave
from entrepot.warehouse.commands.stream import of_node
from entrepot.warehouse.commands.waves import ReleaseWave, WaveReleased, release_wave
from entrepot.warehouse.errors import NothingForAWave


@dataclass(frozen=True, slots=True)
class PaceNode:
    """A node whose policy `warehouse.waves` lets work go to the floor by itself, with a look ahead."""

    node: UUID
    key: str | None = None


@dataclass(frozen=True, slots=True)
class NodePaced:
    """The wave that went, and its orders; None and 0 where there was no time for any more, or nothing waits."""

    node: UUID
    wave: UUID | None
    orders: int


@command("warehouse.pace")
def pace(cause: Cause, /, *, requests: Sequence[PaceNode]) -> list[NodePaced | Refused]:
    """Of each node the most urgent orders that its policy names are on the floor, no more than there is time for before
    their cut-offs, or in the minutes that it looks ahead.

    Locks: as `warehouse.propose_wave`, then as `warehouse.release_wave`. Refuses: NotFound; WrongState (the node
    streams, or waits for somebody's waves); what `warehouse.propose_wave` refuses, but that nothing waits. Again: by
    key; without one what there is time for by then. 1 statement, and those of `warehouse.propose_wave`; those of
    `warehouse.release_wave` where something goes.
    """
    nodes = {row[0]: row[1:] for row in sql.run(_NODES, {"nodes": [one.node for one in requests]})}
    in_force = policies.in_force_of(sorted({company for company, _ in nodes.values()}), waves.Waves, cause.at)
    refusals: dict[int, Refused] = {}
    asked: dict[int, ProposeWave] = {}
    for place, one in enumerate(requests):
        if one.node not in nodes:
            refusals[place] = NotFound(what="node", which=one.node)
            continue
        company, code = nodes[one.node]
        _, policy = of_node(in_force.get(company, {}), code)
        if policy.mode != "paced":
            refusals[place] = WrongState(
                subject=Said("node {0}", code), found=policy.mode, event="pace", expected="paced"
            )
        else:
            asked[place] = _wanted(one.node, waves.paced(policy), policy.ahead_minutes)
    proposed = dict(zip(asked, propose_wave(cause, requests=list(asked.values())), strict=True))
    going = {place: one.wave for place, one in proposed.items() if isinstance(one, WaveProposed)}
    # A zone or carrier that the policy names and the node does not have would stop it without a word.
    refusals |= {
        place: one
        for place, one in proposed.items()
        if isinstance(one, Refused) and not isinstance(one, NothingForAWave)
    }
    released = release_wave(cause, requests=[ReleaseWave(wave) for wave in going.values()])
    went = {
        place: NodePaced(requests[place].node, one.wave, one.orders)
        for place, one in zip(going, released, strict=True)
        if isinstance(one, WaveReleased)
    }
    return [
        refusals.get(place) or went.get(place) or NodePaced(one.node, None, 0)
        for place, one in enumerate(requests)
    ]


def _wanted(node: UUID, asked: waves.Asked, ahead_minutes: int) -> ProposeWave:
    return ProposeWave(
        node, asked.due_before, asked.services, asked.zones, asked.priority_min, asked.value_min_minor,
        asked.lines_max, carriers=asked.carriers, ahead_minutes=ahead_minutes,
    )  # fmt: skip


_NODES = "SELECT id, company_id::int, code FROM network_node WHERE id = ANY(%(nodes)s::uuid[])"
