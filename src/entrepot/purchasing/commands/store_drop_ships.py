"""Write drop-ship orders as they stand after a decision. Called inside the commands that have locked them."""

from __future__ import annotations

from collections.abc import Sequence

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.purchasing.commands.lock_drop_ships import DropShip
from entrepot.purchasing.states import COMING
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects

OVERDUE = "drop-ship overdue"
"""The type of the work item where a supplier has not sent in time."""
NOT_TOLD = "drop-ship not sent to the supplier"
"""The type of the work item where a supplier was not told, since nobody took the message or nobody knew whom to send
it."""


def store(cause: Cause, changed: Sequence[DropShip]) -> None:
    """States and counts of lines; nobody is asked any more about what is over, nor to reach a supplier who has
    answered. 4 statements at most."""
    lines = [
        (line.id, line.shipped, line.refused, line.called_off)
        for one in changed
        for line in one.lines.values()
    ]
    sql.run(_LINES, sql.columns(("ids", "shipped", "refused", "called_off"), lines))
    sql.run(_STATES, sql.columns(("ids", "states"), [(one.id, one.state) for one in changed]))
    over = [
        ResolveSubject(one.company, OVERDUE, one.id, one.state) for one in changed if one.state not in COMING
    ]
    answered = [
        ResolveSubject(one.company, NOT_TOLD, one.id, one.state) for one in changed if one.state != "asked"
    ]
    if answered:
        resolve_subjects(cause, requests=[*over, *answered])


_LINES = """
UPDATE purchasing_dropshipline AS l SET shipped = d.shipped, refused = d.refused, called_off = d.called_off
FROM unnest(%(ids)s::uuid[], %(shipped)s::int[], %(refused)s::int[], %(called_off)s::int[])
     AS d(id, shipped, refused, called_off) WHERE l.id = d.id
"""

_STATES = """
UPDATE purchasing_dropship AS p SET state = d.state
FROM unnest(%(ids)s::uuid[], %(states)s::text[]) AS d(id, state) WHERE p.id = d.id
"""
