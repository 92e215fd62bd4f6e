"""What stock expects of order lines: each on its day, or on the days of its schedule. Part of what moves them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.purchasing.confirming import Share, still_to_come
from entrepot.stock.commands.expect import Expect, expect


class Coming(NamedTuple):
    """Units of an order line that are still expected, beside those that were received."""

    company: int
    order: UUID
    node: UUID
    line: UUID
    sku: UUID
    received: int
    units: int
    expected_on: date | None = None
    """None: as it is expected already. A line with a schedule comes by that, whatever this says."""


def expect_lines(cause: Cause, coming: Sequence[Coming]) -> None:
    """State what is to come of lines, by the days of the schedule that they have now. What an earlier schedule had
    expected is expected no more. 1 statement and those of `stock.expect`."""
    parts: dict[UUID, list[tuple[UUID, Share, bool]]] = defaultdict(list)
    for line, which, units, day, stands in sql.run(_PARTS, {"lines": [one.line for one in coming]}):
        parts[line].append((which, Share(units, day), stands))
    expect(cause, requests=[request for one in coming for request in _requests(one, parts[one.line])])


def _requests(one: Coming, parts: Sequence[tuple[UUID, Share, bool]]) -> list[Expect]:
    """What a line is expected with: under its own id, or under those of its schedule lines; nothing under others."""
    stands = [(which, share) for which, share, is_now in parts if is_now]
    found = [_expect(one, which, 0, None) for which, _, is_now in parts if not is_now]
    if not stands:
        return [_expect(one, one.line, one.units, one.expected_on), *found]
    rest = still_to_come([share for _, share in stands], one.received, one.units)
    return [
        _expect(one, one.line, 0, None),
        *found,
        *(
            _expect(one, which, units, share.expected_on)
            for (which, share), units in zip(stands, rest, strict=True)
        ),
    ]


def _expect(one: Coming, which: UUID, units: int, day: date | None) -> Expect:
    return Expect(one.company, which, one.sku, one.node, "purchase_order", one.order, units, day)


_PARTS = """
SELECT s.line_id, s.id, s.quantity, s.expected_on, s.confirmation_id IS NOT DISTINCT FROM l.scheduled
FROM purchasing_scheduleline AS s JOIN purchasing_orderline AS l ON l.id = s.line_id
WHERE s.line_id = ANY(%(lines)s::uuid[]) ORDER BY s.line_id, s.expected_on
"""
