"""Totes that pass from zone to zone: whose turn it is, and where each goes next."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import policies, sql
from entrepot.kernel.errors import Refused
from entrepot.warehouse import errors, waves

EARLIER = """
FROM warehouse_liststop AS s JOIN warehouse_picktask AS t ON t.id = s.task_id
JOIN warehouse_picktask AS o ON o.fulfillment_id = t.fulfillment_id AND o.state = 'open'
JOIN warehouse_liststop AS os ON os.task_id = o.id
JOIN warehouse_picklist AS e ON e.id = os.list_id AND e.leg > 0 AND (e.leg, e.id) < (l.leg, l.id)
WHERE s.list_id = l.id
"""
"""Of a list `l` with a leg: the lists `e` of the same order that are not done and come before it. A list that was made
for what came up short has its own legs, and its place among the others by them."""

IN_TURN = f"(l.leg = 0 OR NOT EXISTS (SELECT {EARLIER}))"
"""Of a list `l`: whether its tote is there."""


class Before(NamedTuple):
    """A list that has to be done before another, and its zone."""

    id: UUID
    number: str
    zone: str


class Next(NamedTuple):
    """Where a tote goes: the list that is its next, the zone of that, and the totes of its order."""

    list: UUID
    number: str
    zone: str
    node_code: str
    company: int
    totes: str


def waits_for(lists: Collection[UUID]) -> dict[UUID, list[Before]]:
    """The lists that have to be done before each of these, the next to be done first. 1 statement."""
    found: dict[UUID, list[Before]] = {}
    for key, *before, _leg in sql.run(_WAITS_FOR, {"ids": list(lists)}):
        found.setdefault(key, []).append(Before(*before))
    return found


def not_in_turn(
    legs: Mapping[UUID, tuple[str, int]], done_with: Collection[UUID] = ()
) -> dict[UUID, Refused]:
    """Why lists, given with their numbers and legs, can't be walked yet; what is `done_with` them hinders none. 1
    statement, none where no tote passes."""
    passing = [key for key, (_, leg) in legs.items() if leg]
    found = waits_for(passing) if passing else {}
    refused: dict[UUID, Refused] = {}
    for key, before in found.items():
        hindering = next((one for one in before if one.id not in done_with), None)
        if hindering:
            refused[key] = errors.ToteElsewhere(
                list=legs[key][0], zone=hindering.zone or "–", before=hindering.number
            )
    return refused


def next_of(pick_list: UUID) -> Next | None:
    """Where the tote of a list goes, now or when it is done; None where nothing is left to be picked, or no tote
    passes. 1 statement."""
    rows = sql.run(_NEXT_OF, {"list": pick_list})
    return Next(*rows[0]) if rows else None


def taken_up(*, company: int, node: UUID, tote: str) -> Next | None:
    """The list that a tote has come for; None where it holds nothing that passes. 1 statement."""
    rows = sql.run(_TAKEN_UP, {"company": company, "node": node, "tote": tote.upper()})
    return Next(*rows[0]) if rows else None


def place_for(one: Next, at: datetime) -> str:
    """The place of the conveyor for the zone where a tote goes; '' where there is none. 1 statement."""
    in_force = policies.in_force(one.company, waves.Waves, at)
    return waves.place_of(policies.of_scope(in_force, one.node_code, waves.Waves()), one.zone)


_WAITS_FOR = f"""
SELECT DISTINCT l.id, e.id, e.number, e.zone, e.leg
FROM warehouse_picklist AS l CROSS JOIN LATERAL (SELECT e.* {EARLIER}) AS e
WHERE l.id = ANY(%(ids)s::uuid[]) AND l.leg > 0 ORDER BY l.id, e.leg, e.id
"""

_LEFT = """
SELECT DISTINCT e.leg, e.id, e.number, e.zone, n.code, e.company_id::int,
       COALESCE((SELECT string_agg(c.code, ', ' ORDER BY c.code) FROM warehouse_tote AS c
                 WHERE c.fulfillment_id = f.id), '')
FROM ({of}) AS f
JOIN warehouse_picktask AS o ON o.fulfillment_id = f.id AND o.state = 'open'
JOIN warehouse_liststop AS os ON os.task_id = o.id
JOIN warehouse_picklist AS e ON e.id = os.list_id AND e.leg > 0
JOIN network_node AS n ON n.id = e.node_id
"""

_NEXT_OF = f"""
SELECT id, number, zone, code, company_id, coalesce FROM ({
    _LEFT.format(
        of="SELECT DISTINCT t.fulfillment_id AS id FROM warehouse_liststop AS s"
        " JOIN warehouse_picktask AS t ON t.id = s.task_id WHERE s.list_id = %(list)s::uuid"
    )
}) AS e ORDER BY leg, id LIMIT 1
"""

_TAKEN_UP = f"""
SELECT id, number, zone, code, company_id, coalesce FROM ({
    _LEFT.format(
        of="SELECT x.fulfillment_id AS id FROM warehouse_tote AS x"
        " WHERE x.node_id = %(node)s::uuid AND x.code = %(tote)s::text"
    )
}) AS e WHERE company_id = %(company)s ORDER BY leg, id LIMIT 1
"""
