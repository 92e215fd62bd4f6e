"""Set up until when carriers take what nodes have ready."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.carriage.rules import SetCarrierCutOff
from entrepot.catalog.register import Register, put, sieve
from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, offer
from entrepot.kernel.errors import NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.network.rules import SetCutOff, misfit_cut_off

__all__ = ["CarrierCutOffSet", "SetCarrierCutOff", "set_cut_offs"]


@dataclass(frozen=True, slots=True)
class CarrierCutOffSet:
    carrier: UUID
    node: UUID


@command("carriage.set_cut_offs")
def set_cut_offs(
    cause: Cause, /, *, requests: Sequence[SetCarrierCutOff]
) -> list[CarrierCutOffSet | Refused]:
    """Cut-offs by carrier, node and weekday, to stand as given. Of two for one day in one list the later stands.
    What the floor of a node has is due anew.

    Locks: the cut-offs that exist, in the order of carrier, node and weekday.
    Refuses: Invalid; NotFound (the carrier, or the node).
    Again: what stands already is left alone, with or without a key. 5 statements; 1 more where something changes.
    """
    companies = list({one.company for one in requests})
    carriers = {(company, code): carrier for carrier, company, code in sql.run(_CARRIERS, {"ids": companies})}
    nodes = {(company, node) for node, company in sql.run(_NODES, {"ids": [one.node for one in requests]})}
    refused, fit = sieve(requests, [_misfit(one, carriers, nodes) for one in requests])
    ids = {place: carriers[one.company, one.carrier] for place, one in fit}
    wanted = {(ids[place], one.node, one.weekday): one.at for place, one in fit}

    standing = put(_CUT_OFFS, ((name, (at,)) for name, at in wanted.items() if at is not None))
    free = [name for name, at in wanted.items() if at is None]
    freed = sql.run(_FREE, sql.columns(("carriers", "nodes", "weekdays"), free)) if free else []

    changed = [*(name for name, one in standing.items() if one.new or one.changed), *freed]
    offer("redate", [(node, 0, cause.at) for node in sorted({name[1] for name in changed})])
    company_of = {ids[place]: one.company for place, one in fit}
    announce(
        cause,
        [
            Event(
                "carrier", one, company_of[one], "registered", "registered", payload={"changed": ["cut-offs"]}
            )
            for one in sorted({name[0] for name in changed})
        ],
    )
    return [
        refused.get(place) or CarrierCutOffSet(ids[place], one.node) for place, one in enumerate(requests)
    ]


def _misfit(
    one: SetCarrierCutOff, carriers: dict[tuple[int, str], UUID], nodes: set[tuple[int, UUID]]
) -> Refused | None:
    if (one.company, one.carrier) not in carriers:
        return NotFound(what="carrier", which=one.carrier)
    if (one.company, one.node) not in nodes:
        return NotFound(what="node", which=str(one.node))
    return misfit_cut_off(SetCutOff(one.node, one.weekday, one.at))


_CUT_OFFS = Register("carriage_cutoff", ("carrier_id", "node_id", "weekday"), ("at",), keyed=False)

_CARRIERS = (
    "SELECT id, company_id::int, code FROM carriage_carrier WHERE company_id = ANY(%(ids)s::smallint[])"
)

_NODES = "SELECT id, company_id::int FROM network_node WHERE id = ANY(%(ids)s::uuid[])"

_FREE = """
DELETE FROM carriage_cutoff AS c
USING unnest(%(carriers)s::uuid[], %(nodes)s::uuid[], %(weekdays)s::smallint[]) AS d(carrier, node, weekday)
WHERE c.carrier_id = d.carrier AND c.node_id = d.node AND c.weekday = d.weekday RETURNING c.carrier_id, c.node_id
"""
