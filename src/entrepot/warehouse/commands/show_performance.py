"""Note who looks at how named people get on: that is personal, and whoever may see it answers for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import NotFound, Refused, RequestInFlight
from entrepot.kernel.events import Event
from entrepot.network.queries import Node
from entrepot.network.rules import local_day


@dataclass(frozen=True, slots=True)
class ShowPerformance:
    """Somebody wants to see the people of a node, by name, with what they do."""

    company: int
    node: UUID
    key: str | None = None


@dataclass(frozen=True, slots=True)
class PerformanceShown:
    """The day of the node that is shown."""

    node: UUID
    day: date


@command("warehouse.show_performance")
def show_performance(
    cause: Cause, /, *, requests: Sequence[ShowPerformance]
) -> list[PerformanceShown | Refused]:
    """An event of the node that says who looked; nothing else is changed, and no figure is kept.

    Locks: none. Refuses: NotFound. Again: by key; without one each look is noted. 1 statement.
    """
    zones = {
        (company, node): zone
        for company, node, zone in sql.run(_NODES, {"nodes": sorted({one.node for one in requests})})
    }
    answers: list[PerformanceShown | Refused] = [
        PerformanceShown(one.node, local_day(cause.at, zones[one.company, one.node]))
        if (one.company, one.node) in zones
        else NotFound(what="node", which=str(one.node))
        for one in requests
    ]
    announce(cause, [
        Event("node", one.node, one.company, payload={"shown": "performance", "day": answer.day})
        for one, answer in zip(requests, answers, strict=True)
        if isinstance(answer, PerformanceShown)
    ])  # fmt: skip
    return answers


def note_look(cause: Cause, company: int, node: Node) -> None:
    """Note who looks, once for a person, node and day of it: a page that renews itself says nothing new by that.
    Raises what is refused."""
    key = f"performance/{cause.actor.name}/{node.id}/{local_day(cause.at, node.time_zone):%F}"
    (answer,) = show_performance(cause, requests=[ShowPerformance(company, node.id, key)])
    if isinstance(answer, Refused) and not isinstance(
        answer, RequestInFlight
    ):  # another tab notes it just now
        raise answer


_NODES = "SELECT company_id::int, id, time_zone FROM network_node WHERE id = ANY(%(nodes)s::uuid[])"
