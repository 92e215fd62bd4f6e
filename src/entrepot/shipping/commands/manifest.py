"""Close the manifests of a day: what a carrier collects at a node."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Refused
from entrepot.kernel.events import Event
from entrepot.shipping import errors
from entrepot.shipping.commands.tell_manifests import tell


@dataclass(frozen=True, slots=True)
class CloseManifest:
    """The end of a carrier's day at a node."""

    company: int
    node: UUID
    carrier: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ManifestClosed:
    manifest: UUID
    number: str
    labels: int
    weight_g: int


@command("shipping.close_manifests")
def close_manifests(cause: Cause, /, *, requests: Sequence[CloseManifest]) -> list[ManifestClosed | Refused]:
    """All labels that were printed for a carrier at a node and wait, on one manifest. What is printed later goes on the
    next one. Adapters of which some were bought are told. None is closed with a label in doubt: no carrier knows it.

    Locks: the labels in id order; of two who close the same, the second finds nothing left.
    Refuses: shipping.nothing_to_manifest; shipping.label_in_doubt. Again: by key. 6 statements, 1 more where an
    adapter is told.
    """
    wanted = dict.fromkeys((one.company, one.node, one.carrier) for one in requests)
    waiting: dict[tuple[int, UUID, str], list[tuple[UUID, int]]] = defaultdict(list)
    columns = sql.columns(("companies", "nodes", "carriers"), list(wanted))
    in_doubt: dict[tuple[int, UUID, str], tuple[str, str]] = {}
    for label, company, node, carrier, weight, shipment, source in sql.run(_LOCK, columns):
        waiting[company, node, carrier].append((label, weight))
        if source:
            in_doubt[company, node, carrier] = (shipment, source)

    numbers = iter(ids.numbers("MF", len(waiting)))
    answers: list[ManifestClosed | Refused] = []
    manifests, listed = [], []
    for request in requests:
        which = (request.company, request.node, request.carrier)
        if which in in_doubt:
            shipment, source = in_doubt[which]
            answers.append(errors.LabelInDoubt(shipment=shipment, source=source))
            continue
        labels = waiting.pop(which, [])
        if not labels:
            answers.append(errors.NothingToManifest(carrier=request.carrier or "our own means"))
            continue
        closed = ManifestClosed(ids.uuid7(), next(numbers), len(labels), sum(weight for _, weight in labels))
        manifests.append((
            closed.manifest, closed.number, request.company, request.node, request.carrier, closed.labels,
            closed.weight_g, cause.at, cause.actor.name,
        ))  # fmt: skip
        listed += [(label, closed.manifest) for label, _ in labels]
        announce(cause, [Event("manifest", closed.manifest, request.company, "", "closed", cause.at)])
        answers.append(closed)
    if manifests:
        sql.write("shipping_manifest", _MANIFEST, manifests)
        sql.run(_LIST, sql.columns(("labels", "manifests"), listed))
        tell(cause, [one[0] for one in manifests])
    return answers


_MANIFEST = (
    "id", "number", "company_id", "node_id", "carrier", "labels", "weight_g", "closed_at", "closed_by",
)  # fmt: skip

_LOCK = """
SELECT l.id, l.company_id::int, l.node_id, l.carrier, l.weight_g, h.number, COALESCE(p.source, '')
FROM shipping_label AS l
JOIN shipping_shipment AS h ON h.id = l.shipment_id
LEFT JOIN shipping_purchase AS p ON p.label_id = l.id AND p.state = 'in doubt'
JOIN unnest(%(companies)s::smallint[], %(nodes)s::uuid[], %(carriers)s::text[]) AS d(company, node, carrier)
  ON (l.company_id, l.node_id, l.carrier) = (d.company, d.node, d.carrier)
WHERE l.state = 'printed' ORDER BY l.id FOR UPDATE OF l
"""

_LIST = """
UPDATE shipping_label AS l SET state = 'manifested', manifest_id = d.manifest
FROM unnest(%(labels)s::uuid[], %(manifests)s::uuid[]) AS d(label, manifest) WHERE l.id = d.label
"""
