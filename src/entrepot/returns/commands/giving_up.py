"""What does not come of returns is given up, and what of it comes after all belongs to them again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, offer
from entrepot.kernel.errors import Said
from entrepot.kernel.events import Event
from entrepot.returns import expiring
from entrepot.returns.claiming import QUEUE as CLAIMS
from entrepot.returns.commands.lock import Line, Return, give_back, store
from entrepot.returns.expiring import GivenUp
from entrepot.work.commands.open_items import OpenItem, open_items
from entrepot.work.commands.resolve import ResolveSubject, resolve_subjects

NEVER_CAME = "return never came"
INCOMPLETE = "return incomplete"


class Ending(NamedTuple):
    """A return whose goods are not waited for any more, and why."""

    of: Return
    reason: str
    by_clock: bool = False
    without_refund: bool = False


def give_up(cause: Cause, endings: Sequence[Ending]) -> None:
    """What has not come of locked returns is not waited for any more: what was refunded is missing, the rest may be
    asked for again. Whoever looks after customers is asked about goods that were paid back and secured by nothing.
    15 statements at most; 6 more where labels become void."""
    amounts: dict[UUID, GivenUp] = {}
    free: list[tuple[UUID, int]] = []  # but for what an earlier ending gave back
    for end in endings:
        missing = cancelled = 0
        for line in end.of.lines.values():
            before = line.cancelled
            gone = expiring.give_up(line.quantity, line.received, line.refunded, line.refused + line.repaired)
            if end.of.asked == "keep":
                gone = gone._replace(missing=0)
            line.missing, line.cancelled = gone
            free.append((line.line, line.cancelled - before))
            missing, cancelled = missing + gone.missing, cancelled + gone.cancelled
        end.of.without_refund = end.of.without_refund or end.without_refund
        amounts[end.of.id] = GivenUp(missing, cancelled)
    give_back(free)
    rows = [(end.of.id, end.of.company, end.reason, end.by_clock, *amounts[end.of.id]) for end in endings]
    columns = sql.columns(("ids", "companies", "reasons", "by_clock", "missing", "cancelled"), rows)
    sql.run(_GIVEN_UP, {**columns, "who": cause.actor.name, "at": cause.at})
    announce(cause, [
        Event("return", end.of.id, end.of.company, "", "", None,
              {"without_refund": end.without_refund, "missing": amounts[end.of.id].missing}, end.reason)
        for end in endings
    ])  # fmt: skip
    store(cause, [end.of for end in endings], {})
    resolve_subjects(cause, requests=[
        ResolveSubject(end.of.company, INCOMPLETE, end.of.id, "given up", end.reason) for end in endings
    ])  # fmt: skip
    # The carrier had what never came.
    offer(CLAIMS, [
        (end.of.id, 0, cause.at)
        for end in endings if end.by_clock and end.of.scanned and amounts[end.of.id].missing
    ])  # fmt: skip
    _ask(cause, [end for end in endings if end.by_clock and amounts[end.of.id].missing], amounts)


def _ask(cause: Cause, endings: Sequence[Ending], amounts: Mapping[UUID, GivenUp]) -> None:
    if not endings:
        return
    lost = {
        key: minor for key, minor in sql.run(_LOST, {"returns": [end.of.id for end in endings]}) if minor > 0
    }
    items = [
        OpenItem(
            company=one.company, type=NEVER_CAME, subject_kind="return", subject=one.id, role="customer service",
            reason=Said(
                "Return {0}: {1} units were refunded and never came. Ask the {2}.",
                one.number, amounts[one.id].missing,
                "carrier, who has told of the parcel" if one.scanned else "customer",
            ),
            facts={"return": one.id, "lost_minor": lost[one.id], "currency": one.currency},
        )
        for one, *_ in endings
        if one.id in lost
    ]  # fmt: skip
    if items:
        open_items(cause, requests=items)


# ---- what comes after all


@dataclass(slots=True)
class Late:
    """A closed return that goods may still come for; `left` are units of each order line that may be returned."""

    of: Return
    closed_at: datetime
    left: dict[UUID, int] = field(default_factory=lambda: defaultdict(int))

    def units(self, line: Line) -> int:
        """How many units of a line would belong to it."""
        return sum(expiring.come_late(line.quantity, line.missing, line.cancelled, self.left[line.line]))


def late(returns: Collection[Return]) -> dict[UUID, Late]:
    """Those of locked returns whose goods were given up, by whom whatever. 2 statements, none for no returns."""
    found = {one.id: one for one in returns}
    if not found:
        return {}
    ended = {key: Late(found[key], at) for key, at in sql.run(_ENDED, {"returns": list(found)})}
    lines = {line.line for one in ended.values() for line in one.of.lines.values()}
    left = dict(sql.run(_LEFT, {"lines": list(lines)})) if lines else {}
    for one in ended.values():
        one.left |= {line.line: left.get(line.line, 0) for line in one.of.lines.values()}
    return ended


def take_again(one: Late, line: Line, units: int) -> int:
    """Units of a line are waited for again; how many of them have to be authorized anew."""
    gone = expiring.come_late(units, line.missing, line.cancelled, one.left[line.line])
    line.missing -= gone.missing
    line.cancelled -= gone.cancelled
    one.left[line.line] -= gone.cancelled
    return gone.cancelled


def reopen(
    cause: Cause, reopened: Mapping[UUID, Late], anew: Mapping[UUID, int], reasons: Mapping[UUID, str]
) -> None:
    """Write returns whose lines take units again, with the units of each order line that are authorized anew.
    11 statements at most."""
    give_back((line, -units) for line, units in anew.items())
    sql.run(_REOPENED, {"ids": list(reopened), "at": cause.at})
    announce(cause, [
        Event("return", key, one.of.company, "", "", None, {"reopened": True}, reasons[key])
        for key, one in reopened.items()
    ])  # fmt: skip
    store(cause, [one.of for one in reopened.values()], {})
    resolve_subjects(cause, requests=[
        ResolveSubject(one.of.company, NEVER_CAME, key, "came late", reasons[key]) for key, one in reopened.items()
    ])  # fmt: skip


_GIVEN_UP = """
INSERT INTO returns_expiry AS e (return_id, company_id, closed_at, closed_by, by_clock, reason, missing, cancelled)
SELECT id, company, %(at)s::timestamptz, %(who)s, by_clock, reason, missing, cancelled
FROM unnest(%(ids)s::uuid[], %(companies)s::smallint[], %(reasons)s::text[], %(by_clock)s::bool[],
            %(missing)s::int[], %(cancelled)s::int[]) AS d(id, company, reason, by_clock, missing, cancelled)
ON CONFLICT (return_id) DO UPDATE
SET closed_at = excluded.closed_at, closed_by = excluded.closed_by, by_clock = excluded.by_clock,
    reason = excluded.reason, missing = excluded.missing, cancelled = excluded.cancelled, reopened_at = NULL
"""

# What of a refund is for units that did not come, less what was taken of the card for them.
LOST = """
SELECT l.return_id, l.missing, f.minor, COALESCE(h.minor, 0) AS taken, f.minor - COALESCE(h.minor, 0) AS lost
FROM (SELECT return_id, sum(missing)::int AS missing FROM returns_line
      WHERE return_id = ANY({returns}) AND missing > 0 GROUP BY 1) AS l
CROSS JOIN LATERAL (
    SELECT COALESCE(sum(round((p.goods_minor + p.tax_minor + p.shipping_minor)::numeric * x.missing / u.units)),
                    0)::bigint AS minor
    FROM returns_line AS x
    JOIN returns_refundline AS p ON p.return_line_id = x.id
    JOIN returns_refund AS r ON r.id = p.refund_id AND r.state <> 'rejected'
    CROSS JOIN LATERAL (
        SELECT sum(q.units) AS units FROM returns_refundline AS q
        JOIN returns_refund AS s ON s.id = q.refund_id AND s.state <> 'rejected' WHERE q.return_line_id = x.id) AS u
    WHERE x.return_id = l.return_id AND x.missing > 0) AS f
LEFT JOIN LATERAL (
    SELECT sum(taken_minor - returned_minor)::bigint AS minor FROM returns_hold WHERE return_id = l.return_id) AS h
  ON TRUE
"""

_LOST = "SELECT return_id, lost FROM (" + LOST.format(returns="%(returns)s::uuid[]") + ") AS x"

_ENDED = """
SELECT return_id, closed_at FROM returns_expiry
WHERE return_id = ANY(%(returns)s::uuid[]) AND closed_at IS NOT NULL
"""

_LEFT = "SELECT line_id, shipped - authorized FROM returns_sold WHERE line_id = ANY(%(lines)s::uuid[])"

_REOPENED = """
UPDATE returns_expiry SET reopened_at = %(at)s::timestamptz, reminded_at = NULL WHERE return_id = ANY(%(ids)s::uuid[])
"""
