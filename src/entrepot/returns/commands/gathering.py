"""Units of dispositions under lock, so that none is in two documents, and numbers without a gap."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from entrepot.kernel import policies, sql
from entrepot.kernel.cause import Cause
from entrepot.returns import onward
from entrepot.returns.onward import Onward, Waits
from entrepot.returns.repairing import HIS


class Number(NamedTuple):
    year: int
    sequence: int
    text: str


def lock_waiting(dispositions: Collection[UUID]) -> dict[UUID, Waits]:
    """Dispositions with what of their units is gathered already, locked in id order. 1 statement."""
    return {row[0]: Waits(*row) for row in sql.run(_LOCK, {"ids": sorted(set(dispositions))})}


def take(units: Mapping[UUID, int]) -> None:
    """Count units of locked dispositions as gathered; below zero as free again. 1 statement."""
    sql.run(_TAKE, sql.columns(("ids", "units"), sorted(units.items())))


def take_whole(made: Iterable[tuple[UUID, int]]) -> None:
    """Count all units of dispositions that were just made as gathered. 1 statement."""
    rows = [(which, units, units) for which, units in made]
    sql.write("returns_gathered", ("disposition_id", "quantity", "units"), rows)


def draw(cause: Cause, wanted: Sequence[tuple[int, str]]) -> list[Number]:
    """The next number of each (company, kind), in order. The series are locked until the end. 2 statements."""
    year = cause.at.year
    pairs = sorted(set(wanted))
    last: dict[tuple[int, str], int] = {
        (company, kind): reached
        for company, kind, reached in sql.run(
            _LOCK_SERIES, {**sql.columns(("companies", "kinds"), pairs), "year": year}
        )
    }
    numbers = []
    for company, kind in wanted:
        last[company, kind] += 1
        reached = last[company, kind]
        numbers.append(Number(year, reached, onward.number(kind, year, reached)))
    rows = [(company, kind, reached) for (company, kind), reached in last.items()]
    sql.run(_REACHED, {**sql.columns(("companies", "kinds", "reached"), rows), "year": year})
    return numbers


def in_force(cause: Cause, companies: Iterable[int]) -> dict[int, Onward]:
    """Each company's policy. 1 statement."""
    found = policies.of_companies(companies, Onward, cause.at)
    return {company: policy for company, (_, policy) in found.items()}


def counted(wanted: Iterable[tuple[UUID, int]]) -> dict[UUID, int]:
    """Units by disposition."""
    counts: dict[UUID, int] = defaultdict(int)
    for which, units in wanted:
        counts[which] += units
    return dict(counts)


# A row that is there is locked as well as one that is made: whoever comes second waits here, and sees what was written.
_LOCK = f"""
WITH locked AS (
    INSERT INTO returns_gathered (disposition_id, quantity)
    SELECT id, quantity FROM returns_disposition WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id
    ON CONFLICT (disposition_id) DO UPDATE SET units = returns_gathered.units
    RETURNING disposition_id, units)
SELECT d.id, r.company_id::int, d.disposition, d.quantity, locked.units, c.sku_id, c.node_id, d.bin_id, c.lot, c.serial,
       p.currency::text, r.asked, COALESCE(l.refunded > l.missing AND NOT {HIS}, FALSE)
FROM locked JOIN returns_disposition AS d ON d.id = locked.disposition_id
JOIN returns_line AS l ON l.id = d.return_line_id
JOIN returns_return AS r ON r.id = d.return_id
JOIN parties_company AS p ON p.id = r.company_id
JOIN returns_inspection AS i ON i.id = d.inspection_id
JOIN returns_receipt AS c ON c.id = i.receipt_id
"""

_TAKE = """
UPDATE returns_gathered AS g SET units = g.units + d.units
FROM unnest(%(ids)s::uuid[], %(units)s::int[]) AS d(id, units) WHERE g.disposition_id = d.id
"""

_LOCK_SERIES = """
INSERT INTO returns_onwardseries (company_id, kind, year)
SELECT d.company, d.kind, %(year)s::smallint
FROM unnest(%(companies)s::smallint[], %(kinds)s::text[]) AS d(company, kind) ORDER BY 1, 2
ON CONFLICT (company_id, kind, year) DO UPDATE SET last = returns_onwardseries.last
RETURNING company_id::int, kind, last
"""

_REACHED = """
UPDATE returns_onwardseries AS s SET last = d.reached
FROM unnest(%(companies)s::smallint[], %(kinds)s::text[], %(reached)s::int[]) AS d(company, kind, reached)
WHERE s.company_id = d.company AND s.kind = d.kind AND s.year = %(year)s::smallint
"""
