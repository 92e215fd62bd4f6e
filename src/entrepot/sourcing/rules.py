"""Which node serves which line. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Profile:
    """How orders are sourced. A version of it is a policy of kind `sourcing.profile`."""

    nodes_per_order_max: int = 3
    """Shipments that one order may be split into."""
    same_country_first: bool = True
    """Whether a node in the country of the customer goes before one with a better priority elsewhere."""
    excluded_nodes: tuple[str, ...] = ()
    """Codes of nodes that serve no order for now."""
    default_lead_days: int = 7
    """Promise of a backorder whose SKU has no expected supply."""


class Node(NamedTuple):
    """A node that serves the order's channel; lower priority numbers go first."""

    id: UUID
    code: str
    country: str
    priority: int


class Line(NamedTuple):
    """Units of an order line that are still to be sourced."""

    id: UUID
    sku: UUID
    quantity: int


class Share(NamedTuple):
    """Units of a line that a node will serve."""

    line: UUID
    sku: UUID
    node: UUID
    quantity: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What each node serves, what is left over by line, and why."""

    shares: tuple[Share, ...]
    short: tuple[Line, ...]
    outcome: str
    why: str
    candidates: tuple[tuple[str, int], ...]
    """Nodes looked at, in order of preference, with the units that each could have served."""
    chosen: tuple[str, ...] = ()
    """Codes of the nodes that serve it where no single one serves all."""


def rank(nodes: Sequence[Node], country: str, profile: Profile) -> list[Node]:
    """Nodes in order of preference for a destination: country, then priority, then code."""
    open_nodes = [node for node in nodes if node.code not in profile.excluded_nodes]
    return sorted(
        open_nodes, key=lambda n: (profile.same_country_first and n.country != country, n.priority, n.code)
    )


Free = Mapping[tuple[UUID, UUID], int]
"""Units that the order's channel may promise, by (sku, node)."""


def plan_order(
    lines: Sequence[Line], nodes: Sequence[Node], free: Free, policy: str, profile: Profile
) -> Plan:
    """Serve an order from one node where one can serve all of it, from few nodes otherwise.

    `nodes` come in order of preference. `policy` says what may be left over: `ship_complete` allocates all or nothing,
    `line_complete` each line whole or not at all, `partial_backorder` and `partial_cancel` what there is.
    """
    wanted = _wanted(lines)
    candidates = tuple(
        (node.code, sum(min(units, free.get((sku, node.id), 0)) for sku, units in wanted.items()))
        for node in nodes
    )
    total = sum(wanted.values())
    for node, (_, units) in zip(nodes, candidates, strict=True):
        if units == total:
            shares = tuple(Share(line.id, line.sku, node.id, line.quantity) for line in lines)
            return Plan(
                shares, (), "allocated", f"{node.code} is the preferred node that has all of it", candidates
            )
    return _split(lines, nodes, free, policy, profile, candidates)


def _wanted(lines: Sequence[Line]) -> dict[UUID, int]:
    wanted: dict[UUID, int] = {}
    for line in lines:
        wanted[line.sku] = wanted.get(line.sku, 0) + line.quantity
    return wanted


def _split(
    lines: Sequence[Line],
    nodes: Sequence[Node],
    free: Free,
    policy: str,
    profile: Profile,
    candidates: tuple[tuple[str, int], ...],
) -> Plan:
    chosen = _fewest_nodes(lines, nodes, free, profile.nodes_per_order_max)
    left = {
        (sku, node.id): free.get((sku, node.id), 0) for node in chosen for sku in {line.sku for line in lines}
    }
    whole_lines = policy in ("line_complete", "ship_complete")
    shares: list[Share] = []
    short: list[Line] = []
    for line in lines:
        taken = _take(line, chosen, left, whole=whole_lines)
        missing = line.quantity - sum(share.quantity for share in taken)
        shares += taken
        if missing:
            short.append(Line(line.id, line.sku, missing))
    if policy == "ship_complete" and short:
        return Plan(
            (), tuple(lines), "backordered", "it ships complete and not all of it is free", candidates
        )
    served = tuple(node.code for node in chosen if any(share.node == node.id for share in shares))
    codes = " and ".join(served)
    if not shares:
        return Plan((), tuple(lines), "backordered", "no node has what a line needs", candidates)
    if short:
        return Plan(
            tuple(shares),
            tuple(short),
            "part backordered",
            f"only part of it is free, at {codes}",
            candidates,
            served,
        )
    why = f"no single node has all of it; together {codes} do"
    return Plan(tuple(shares), (), "split", why, candidates, served)


def _fewest_nodes(lines: Sequence[Line], nodes: Sequence[Node], free: Free, limit: int) -> list[Node]:
    """Greedy cover: the node that serves most of what is still open, the preferred one among equals, and again."""
    open_units = _wanted(lines)
    chosen: list[Node] = []
    while len(chosen) < limit and any(open_units.values()):
        rest = [node for node in nodes if node not in chosen]
        served = [sum(min(u, free.get((sku, node.id), 0)) for sku, u in open_units.items()) for node in rest]
        if not rest or not max(served):
            break
        best = rest[served.index(max(served))]
        chosen.append(best)
        open_units = {sku: max(0, units - free.get((sku, best.id), 0)) for sku, units in open_units.items()}
    return chosen


def _take(
    line: Line, nodes: Sequence[Node], left: dict[tuple[UUID, UUID], int], *, whole: bool
) -> list[Share]:
    if whole and sum(left[line.sku, node.id] for node in nodes) < line.quantity:
        return []
    shares = []
    wanted = line.quantity
    # One node for the whole line is tried first, so that a line is not torn apart needlessly.
    ordered = sorted(nodes, key=lambda node: left[line.sku, node.id] < wanted)
    for node in ordered:
        units = min(wanted, left[line.sku, node.id])
        if units:
            left[line.sku, node.id] -= units
            wanted -= units
            shares.append(Share(line.id, line.sku, node.id, units))
    return shares


# ---- why here


class Candidate(NamedTuple):
    """A node that was looked at, the units that it could have served, and what became of it.

    `verdict` is `chosen`, `runner_up` (the next one that could have served as much), `later` (it comes after the chosen
    one), `short` (it lacks units), or `excluded` (the profile rules it out).
    """

    node: str
    units: int
    lacks: int
    verdict: str


class Flip(NamedTuple):
    """The nearest change after which one node would have served the whole order: units more, or a place before."""

    node: str
    units: int
    before: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """What became of each node, and the nearest change that would have flipped the choice, if there is one."""

    candidates: tuple[Candidate, ...]
    flip: Flip | None


def explain(
    wanted: int, candidates: Sequence[tuple[str, int]], chosen: Sequence[str], excluded: Sequence[str] = ()
) -> Explanation:
    """Why an order was sourced so, from what its decision recorded: units wanted, what each node could have served.

    Nodes come in order of preference. `chosen` is empty where one node, the first that has all of it, serves it.
    """
    whole = [code for code, units in candidates if units == wanted]
    taken = list(chosen) or whole[:1]
    runner_up = whole[1] if len(whole) > 1 else None
    seen: list[Candidate] = []
    for code, units in candidates:
        verdict = "short"
        if code in taken:
            verdict = "chosen"
        elif code == runner_up:
            verdict = "runner_up"
        elif units == wanted:
            verdict = "later"
        seen.append(Candidate(code, units, wanted - units, verdict))
    ruled_out = [Candidate(code, 0, 0, "excluded") for code in excluded]
    return Explanation((*seen, *ruled_out), _nearest(seen, whole, runner_up))


def _nearest(seen: Sequence[Candidate], whole: Sequence[str], runner_up: str | None) -> Flip | None:
    """Fewest units that a node lacks, where it would then go first; else a place before the one that has all."""
    first = next((place for place, one in enumerate(seen) if one.node in whole), len(seen))
    better = min(seen[:first], key=lambda one: one.lacks, default=None)
    if better is not None:
        return Flip(better.node, better.lacks, "")
    return Flip(runner_up, 0, seen[first].node) if runner_up else None
