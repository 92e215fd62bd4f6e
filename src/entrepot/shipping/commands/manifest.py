"""Close the manifests of a day: what a carrier collects at a node."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
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
    """`left_out`: the shipments of which labels wait for the next one, as it is not certain that they are bought."""

    manifest: UUID
    number: str
    labels: int
    weight_g: int
    left_out: tuple[str, ...] = ()


class _Unsure(NamedTuple):
    """What became so far of asking for a label that is not certain yet."""

    shipment: str
    source: str
    state: str


@command("shipping.close_manifests")
def close_manifests(cause: Cause, /, *, requests: Sequence[CloseManifest]) -> list[ManifestClosed | Refused]:
    """All labels that were printed for a carrier at a node and wait, on one manifest. What is printed later goes on the
    next one; so does what is being bought still, and what is in doubt: its carrier may not know it. Adapters of which
    some were bought are told.

    Locks: the labels in id order; of two who close the same, the second finds nothing left.
    Refuses: shipping.nothing_to_manifest; where nothing else waits shipping.label_in_doubt and
    shipping.label_not_answered. Again: by key. 7 statements, 1 more where an adapter is told.
    """
    wanted = dict.fromkeys((one.company, one.node, one.carrier) for one in requests)
    waiting: dict[tuple[int, UUID, str], list[tuple[UUID, int]]] = defaultdict(list)
    columns = sql.columns(("companies", "nodes", "carriers"), list(wanted))
    left_out: dict[tuple[int, UUID, str], list[_Unsure]] = defaultdict(list)
    locked = sql.run(_LOCK, columns)
    unsure = {
        label: _Unsure(*one) for label, *one in sql.run(_UNSURE, {"labels": [row[0] for row in locked]})
    }
    for label, company, node, carrier, weight in locked:
        if label in unsure:
            left_out[company, node, carrier].append(unsure[label])
        else:
            waiting[company, node, carrier].append((label, weight))

    numbers = iter(ids.numbers("MF", len(waiting)))
    answers: list[ManifestClosed | Refused] = []
    manifests, listed = [], []
    for request in requests:
        which = (request.company, request.node, request.carrier)
        labels = waiting.pop(which, [])
        if not labels:
            answers.append(_nothing(request, left_out[which]))
            continue
        later = tuple(sorted({one.shipment for one in left_out[which]}))
        weight_g = sum(weight for _, weight in labels)
        closed = ManifestClosed(ids.uuid7(), next(numbers), len(labels), weight_g, later)
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


def _nothing(request: CloseManifest, left_out: Sequence[_Unsure]) -> Refused:
    """Why there is nothing for a manifest; what a person has to look into goes first."""
    if not left_out:
        return errors.NothingToManifest(carrier=request.carrier or "our own means")
    one = next((one for one in left_out if one.state == "in doubt"), left_out[0])
    refused = errors.LabelInDoubt if one.state == "in doubt" else errors.LabelNotAnswered
    return refused(shipment=one.shipment, source=one.source)


_MANIFEST = (
    "id", "number", "company_id", "node_id", "carrier", "labels", "weight_g", "closed_at", "closed_by",
)  # fmt: skip

_LOCK = """
SELECT l.id, l.company_id::int, l.node_id, l.carrier, l.weight_g
FROM shipping_label AS l
JOIN unnest(%(companies)s::smallint[], %(nodes)s::uuid[], %(carriers)s::text[]) AS d(company, node, carrier)
  ON (l.company_id, l.node_id, l.carrier) = (d.company, d.node, d.carrier)
WHERE l.state = 'printed' ORDER BY l.id FOR UPDATE OF l
"""

# After the lock: whoever asks for a label locks it, and what he has left while we waited for it is seen here.
_UNSURE = """
SELECT p.label_id, h.number, p.source, p.state
FROM shipping_purchase AS p JOIN shipping_shipment AS h ON h.id = p.shipment_id
WHERE p.label_id = ANY(%(labels)s::uuid[]) AND p.state IN ('asked', 'in doubt') ORDER BY p.label_id
"""

_LIST = """
UPDATE shipping_label AS l SET state = 'manifested', manifest_id = d.manifest
FROM unnest(%(labels)s::uuid[], %(manifests)s::uuid[]) AS d(label, manifest) WHERE l.id = d.label
"""
