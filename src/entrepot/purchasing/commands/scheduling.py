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


def set_on_notices(lines: Sequence[UUID], notices: Sequence[UUID]) -> None:
    """Lines of which all that is to come is on its way give up their schedules: they come with these notices, which
    keep what they stand in the place of. 1 statement."""
    sql.run(_ON_NOTICES, {"lines": list(lines), "notices": list(notices)})


def give_schedules_back(cause: Cause, notices: Sequence[UUID]) -> None:
    """What stood before notices that bring nothing more is expected again, where nothing was said of it since. Called
    with the orders locked. 1 statement; 3 more where a schedule stands again."""
    back = [Coming(*row) for row in sql.run(_GIVE_BACK, {"notices": list(notices)})]
    if back:
        expect_lines(cause, back)


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

# A notice after the first that brings a whole line stands in the place of the same schedule.
_ON_NOTICES = """
WITH before AS (
    SELECT l.id, COALESCE(l.scheduled, (
        SELECT x.instead_of FROM purchasing_noticeline AS x
        JOIN purchasing_notice AS n ON n.id = x.notice_id AND n.state = 'expected'
        WHERE x.line_id = l.id AND x.quantity > x.received AND x.instead_of IS NOT NULL LIMIT 1)) AS scheduled
    FROM purchasing_orderline AS l WHERE l.id = ANY(%(lines)s::uuid[])
), gone AS (
    UPDATE purchasing_orderline SET scheduled = NULL WHERE id = ANY(%(lines)s::uuid[])
)
UPDATE purchasing_noticeline AS x SET instead_of = before.scheduled
FROM before WHERE before.scheduled IS NOT NULL AND x.line_id = before.id AND x.notice_id = ANY(%(notices)s::uuid[])
"""

_GIVE_BACK = """
UPDATE purchasing_orderline AS l SET scheduled = one.instead_of
FROM (SELECT DISTINCT line_id, instead_of FROM purchasing_noticeline
      WHERE notice_id = ANY(%(notices)s::uuid[]) AND instead_of IS NOT NULL) AS one
JOIN purchasing_orderline AS line ON line.id = one.line_id
JOIN purchasing_order AS o ON o.id = line.order_id AND o.state IN ('open', 'part_received')
WHERE l.id = line.id AND line.scheduled IS NULL AND line.confirmed IS NOT NULL
  AND LEAST(line.quantity - line.short, line.confirmed) > line.received
  AND NOT EXISTS (SELECT FROM purchasing_confirmation AS c WHERE c.line_id = line.id AND c.id > one.instead_of)
  AND NOT EXISTS (SELECT FROM purchasing_noticeline AS x
                  JOIN purchasing_notice AS n ON n.id = x.notice_id AND n.state = 'expected'
                  WHERE x.line_id = line.id AND x.quantity > x.received AND x.instead_of = one.instead_of
                    AND n.id <> ALL(%(notices)s::uuid[]))
RETURNING o.company_id::int, o.id, o.node_id, l.id, l.sku_id, l.received,
          LEAST(l.quantity - l.short, l.confirmed) - l.received
"""
