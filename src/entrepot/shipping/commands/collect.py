"""Nothing stalls in silence: labels whose carrier came and went without their packages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from entrepot.carriage import queries as carriage
from entrepot.kernel import policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Refused, Said
from entrepot.network import queries as network
from entrepot.shipping.collecting import Collecting, passed
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects

ITEM = "packages not collected"


@dataclass(frozen=True, slots=True)
class WatchCollections:
    """The labels of a company that wait for their carriers."""

    company: int
    key: str | None = None


@dataclass(frozen=True, slots=True)
class CollectionsWatched:
    """How many packages were left behind and wait still."""

    company: int
    missed: int


class _Waiting(NamedTuple):
    """Labels of a carrier at a node that wait."""

    company: int
    node: UUID
    node_code: str
    time_zone: str
    carrier: str


class _Missed(NamedTuple):
    """Packages of a carrier at a node that were left behind, since the first collection that they missed."""

    company: int
    node: UUID
    node_code: str
    time_zone: str
    carrier: str
    labels: int
    since: datetime

    @property
    def told(self) -> str:
        at = self.since.astimezone(ZoneInfo(self.time_zone))
        return Said(
            "{0} that wait for {1} since {2}",
            self.labels,
            self.carrier or "our own means",
            f"{at:%Y-%m-%d %H:%M}",
        )


@command("shipping.watch_collections")
def watch_collections(
    cause: Cause, /, *, requests: Sequence[WatchCollections]
) -> list[CollectionsWatched | Refused]:
    """Packages on no manifest whose carrier has collected without them are marked, and a work item for their node;
    where none is left, the item is closed. They go with the next collection, or are labeled anew.

    Locks: the labels it marks. Refuses nothing. Again: what is marked stays so, an item stands once. 10 statements.
    """
    companies = {"companies": sorted({one.company for one in requests})}
    groups = [_Waiting(*row) for row in sql.run(_WAITING, companies)]
    if groups:
        _mark(cause, companies["companies"], groups)
    missed = [_Missed(*row) for row in sql.run(_MISSED, companies)]
    by_node: dict[tuple[int, UUID], list[_Missed]] = defaultdict(list)
    for one in missed:
        by_node[one.company, one.node].append(one)
    open_items(cause, requests=[
        OpenItem(
            company, ITEM, "node", node,
            Said(
                "Left behind at {0}: {1}. Hand them over with the next manifest, or label them anew with who "
                "still comes today.",
                some[0].node_code, "; ".join(one.told for one in some),
            ),
            "warehouse supervisor", {"packages": sum(one.labels for one in some)}, priority=70, due_in_hours=4,
        )
        for (company, node), some in by_node.items()
    ])  # fmt: skip
    over = [
        ResolveSubject(company, ITEM, node, "went on", "they are on a manifest, or labeled anew")
        for company, node in sql.run(_OVER, {**companies, "type": ITEM})
    ]
    if over:
        resolve_subjects(cause, requests=over)
    return [
        CollectionsWatched(
            request.company, sum(one.labels for one in missed if one.company == request.company)
        )
        for request in requests
    ]


def _mark(cause: Cause, companies: Sequence[int], groups: Sequence[_Waiting]) -> None:
    nodes = {one.node for one in groups}
    calendars, own = network.calendars(nodes=nodes), carriage.cut_offs(nodes=nodes)
    terms = policies.of_companies(companies, Collecting, cause.at)
    rows = []
    for one in groups:
        at = passed(
            cause.at,
            one.time_zone,
            calendars[one.node],
            own[one.node].get(one.carrier),
            terms[one.company][1],
        )
        if at is not None:
            rows.append((one.company, one.node, one.carrier, at))
    sql.run(_MARK, sql.columns(("companies", "nodes", "carriers", "times"), rows))


_WAITING = """
SELECT DISTINCT l.company_id::int, l.node_id, n.code, n.time_zone, l.carrier
FROM shipping_label AS l JOIN network_node AS n ON n.id = l.node_id
WHERE l.company_id = ANY(%(companies)s::smallint[]) AND l.state = 'printed' AND l.missed_at IS NULL
ORDER BY 1, 2, 5
"""

_MARK = """
WITH due AS (
    SELECT l.id, d.at FROM shipping_label AS l
    JOIN unnest(%(companies)s::smallint[], %(nodes)s::uuid[], %(carriers)s::text[], %(times)s::timestamptz[])
      AS d(company, node, carrier, at)
      ON (l.company_id, l.node_id, l.carrier) = (d.company, d.node, d.carrier) AND l.printed_at <= d.at
    WHERE l.state = 'printed' AND l.missed_at IS NULL ORDER BY l.id FOR UPDATE OF l SKIP LOCKED)
UPDATE shipping_label AS l SET missed_at = due.at FROM due WHERE l.id = due.id
"""

_MISSED = """
SELECT l.company_id::int, l.node_id, n.code, n.time_zone, l.carrier, count(*)::int, min(l.missed_at)
FROM shipping_label AS l JOIN network_node AS n ON n.id = l.node_id
WHERE l.company_id = ANY(%(companies)s::smallint[]) AND l.state = 'printed' AND l.missed_at IS NOT NULL
GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 5
"""

# In one look at both: somebody else may have marked labels and opened their item since the last.
_OVER = """
SELECT w.company_id::int, w.subject_id FROM work_item AS w
WHERE w.company_id = ANY(%(companies)s::smallint[]) AND w.type = %(type)s AND w.state <> 'done'
  AND NOT EXISTS (SELECT FROM shipping_label AS l
                  WHERE l.company_id = w.company_id AND l.node_id = w.subject_id AND l.state = 'printed'
                    AND l.missed_at IS NOT NULL)
"""
