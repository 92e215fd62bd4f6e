"""Totes that pass from zone to zone: whose turn it is, and where each goes next."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable
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
WHERE s.list_id = l.id AND l.picker = '' AND NOT EXISTS (
    SELECT FROM warehouse_liststop AS bs JOIN warehouse_picktask AS b ON b.id = bs.task_id
    WHERE bs.list_id = l.id AND b.state IN ('done', 'short'))
"""
"""Of a list `l` with a leg: the lists `e` of the same order that are not done and come before it; none where somebody
walks it or something of it is done, for there its tote is."""

IN_TURN = f"(l.leg = 0 OR NOT EXISTS (SELECT {EARLIER}))"
"""Of a list `l`: whether its tote is there."""

TOTES = """CASE WHEN l.leg > 0 THEN COALESCE((SELECT string_agg(DISTINCT c.code, ', ') FROM warehouse_liststop AS s
           JOIN warehouse_picktask AS t ON t.id = s.task_id
           JOIN warehouse_tote AS c ON c.fulfillment_id = t.fulfillment_id WHERE s.list_id = l.id), '') ELSE '' END"""
"""Of a list `l`: the totes of its order, where they pass; '' elsewhere."""


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
    """The lists that have to be done before each of these, the next to be done first. 1 statement, none for no
    list."""
    found: dict[UUID, list[Before]] = {}
    for key, *before, _leg in sql.run(_WAITS_FOR, {"ids": list(lists)}) if lists else ():
        found.setdefault(key, []).append(Before(*before))
    return found


def hindered(number: str, before: Iterable[Before], done_with: Container[UUID] = ()) -> Refused | None:
    """Why a list can't be walked yet, given with what is `before` it; what is `done_with` it hinders it not."""
    hindering = next((one for one in before if one.id not in done_with), None)
    if hindering is None:
        return None
    return errors.ToteElsewhere(list=number, zone=hindering.zone or "–", before=hindering.number)


def next_of(pick_list: UUID) -> Next | None:
    """Where the tote of a list goes, now or when it is done; None where nothing is left to be picked, or no tote
    passes. 1 statement."""
    return _next(_NEXT_OF, {"list": pick_list})


def taken_up(*, company: int, node: UUID, tote: str) -> Next | None:
    """The list that a tote has come for; None where it holds nothing that passes. 1 statement."""
    return _next(_TAKEN_UP, {"company": company, "node": node, "tote": tote.upper()})


def _next(statement: str, params: dict[str, object]) -> Next | None:
    for _leg, *row in sql.run(statement, params):
        return Next(*row)
    return None


class Standing(NamedTuple):
    """What a tote holds: a fulfillment by its number, and how far that is."""

    number: str
    state: str


def standing(*, company: int, node: UUID, tote: str) -> Standing | None:
    """The fulfillment whose units stand in a tote; None where it is free or unknown. 1 statement."""
    rows = sql.run(_STANDING, {"company": company, "node": node, "tote": tote.upper()})
    return Standing(*rows[0]) if rows else None


def place_for(one: Next, at: datetime) -> str:
    """The place of the conveyor for the zone where a tote goes; '' where there is none. 1 statement."""
    in_force = policies.in_force(one.company, waves.Waves, at)
    return waves.place_of(policies.of_scope(in_force, one.node_code, waves.Waves()), one.zone)


# What was cancelled stands in its tote until somebody puts it away.
_STANDING = """
SELECT f.number, f.state FROM warehouse_tote AS t JOIN warehouse_fulfillment AS f ON f.id = t.fulfillment_id
WHERE t.node_id = %(node)s::uuid AND t.code = %(tote)s::text AND f.company_id = %(company)s::smallint
  AND f.state IN ('released', 'picking', 'picked', 'cancelled')
"""

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

_FIRST = "ORDER BY e.leg, e.id LIMIT 1"

_NEXT_OF = f"""{
    _LEFT.format(
        of="SELECT DISTINCT t.fulfillment_id AS id FROM warehouse_liststop AS s"
        " JOIN warehouse_picktask AS t ON t.id = s.task_id WHERE s.list_id = %(list)s::uuid"
    )
} {_FIRST}"""

_TAKEN_UP = f"""{
    _LEFT.format(
        of="SELECT x.fulfillment_id AS id FROM warehouse_tote AS x"
        " WHERE x.node_id = %(node)s::uuid AND x.code = %(tote)s::text"
    )
} WHERE e.company_id = %(company)s::smallint {_FIRST}"""
