"""What bins are kept for, and how often SKUs are picked: what put-away suggestions are made of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from entrepot.catalog.register import Register, put, tell
from entrepot.kernel import policies, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.warehouse import putaway
from entrepot.warehouse.putaway import PutAwayPolicy


@dataclass(frozen=True, slots=True)
class SetSlot:
    """What a bin is kept for: one SKU, a velocity class (A, B, C), or neither; its volume, 0 for no limit."""

    bin: UUID
    sku: UUID | None = None
    velocity: str = ""
    volume_ml: int = 0
    key: str | None = None


@dataclass(frozen=True, slots=True)
class SlotSet:
    bin: UUID


@command("warehouse.set_slots")
def set_slots(cause: Cause, /, *, requests: Sequence[SetSlot]) -> list[SlotSet | Refused]:
    """Bins, kept as given. What stands in them stays.

    Locks: the slots that exist, in the order of bins.
    Refuses: NotFound (bin; SKU of its company); Invalid (class, volume). Again: what stands is left alone.
    4 statements.
    """
    bins = {
        bin_id: (company, node)
        for bin_id, company, node in sql.run(_BINS, {"ids": [r.bin for r in requests]})
    }
    skus = dict(sql.run(_SKUS, {"ids": [r.sku for r in requests if r.sku]}))
    answers: list[SlotSet | Refused] = []
    rows = []
    for r in requests:
        refusal = putaway.misfit_slot(r.velocity, r.volume_ml)
        if r.bin not in bins:
            refusal = NotFound(what="bin", which=str(r.bin))
        elif r.sku and skus.get(r.sku) != bins[r.bin][0]:
            refusal = NotFound(what="SKU", which=str(r.sku))
        answers.append(refusal or SlotSet(r.bin))
        if refusal is None:
            rows.append(((r.bin,), (*bins[r.bin], r.sku, r.velocity, r.volume_ml)))
    standing = put(_SLOTS, rows) if rows else {}
    named = {natural: replace(one, id=natural[0]) for natural, one in standing.items()}
    tell(cause, _SLOTS, {natural: bins[natural[0]][0] for natural in named}, named)
    return answers


@dataclass(frozen=True, slots=True)
class ClassifySkus:
    """The SKUs of a node are told apart by how often they are picked there."""

    node: UUID
    key: str | None = None


@dataclass(frozen=True, slots=True)
class SkusClassified:
    """How many SKUs are in each class."""

    node: UUID
    a: int
    b: int
    c: int


@command("warehouse.classify_skus")
def classify_skus(cause: Cause, /, *, requests: Sequence[ClassifySkus]) -> list[SkusClassified | Refused]:
    """The velocity class of every SKU that was picked at the nodes in the days of the policy.

    Locks: the classes of the nodes. Refuses: NotFound (node). Again: classifies anew. 6 statements.
    """
    nodes = sorted({one.node for one in requests})
    companies = dict(sql.run(_NODES, {"ids": nodes}))
    in_force = policies.of_companies(companies.values(), PutAwayPolicy, cause.at)
    since = {
        node: cause.at - timedelta(days=in_force[company][1].days) for node, company in companies.items()
    }
    sql.run("SELECT pg_advisory_xact_lock(hashtextextended('warehouse.velocity', 0))")
    picks: dict[UUID, dict[UUID, int]] = defaultdict(dict)
    for node, sku, count in sql.run(_PICKS, sql.columns(("nodes", "since"), list(since.items()))):
        picks[node][sku] = count

    found = {node: putaway.classes(picks[node], in_force[company][1]) for node, company in companies.items()}
    rows = [
        (sku, node, companies[node], picks[node][sku], velocity, cause.at)
        for node, of_skus in found.items()
        for sku, velocity in of_skus.items()
    ]
    sql.run("DELETE FROM warehouse_velocity WHERE node_id = ANY(%(nodes)s::uuid[])", {"nodes": nodes})
    sql.write("warehouse_velocity", _VELOCITY, rows)
    announce(
        cause,
        [Event("node", node, companies[node], payload={"classified": len(found[node])}) for node in found],
    )
    return [
        SkusClassified(one.node, *(list(found[one.node].values()).count(name) for name in putaway.CLASSES))
        if one.node in found
        else NotFound(what="node", which=str(one.node))
        for one in requests
    ]


_SLOTS = Register(
    "warehouse_slot",
    ("bin_id",),
    ("company_id", "node_id", "sku_id", "velocity", "volume_ml"),
    kind="bin",
    keyed=False,
)

_VELOCITY = ("sku_id", "node_id", "company_id", "picks", "velocity", "counted_at")

_BINS = "SELECT id, company_id::int, node_id FROM network_bin WHERE id = ANY(%(ids)s::uuid[])"

_SKUS = "SELECT id, company_id::int FROM catalog_sku WHERE id = ANY(%(ids)s::uuid[])"

_NODES = "SELECT id, company_id::int FROM network_node WHERE id = ANY(%(ids)s::uuid[])"

_PICKS = """
SELECT f.node_id, t.sku_id, count(*)::int
FROM unnest(%(nodes)s::uuid[], %(since)s::timestamptz[]) AS asked(node, since)
JOIN warehouse_fulfillment AS f ON f.node_id = asked.node AND f.released_at >= asked.since
JOIN warehouse_picktask AS t ON t.fulfillment_id = f.id AND t.picked > 0
GROUP BY 1, 2
"""
