"""Name the SKUs that goods of second grade are sold as."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.catalog import queries as catalog
from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused, one_of
from entrepot.kernel.events import Event
from entrepot.returns.regrading import GRADED


@dataclass(frozen=True, slots=True)
class GradeSku:
    """What goods of a SKU are sold as when they come back in a grade, by codes; '' for nothing any more."""

    company: int
    sku: str
    grade: str
    into: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class SkuGraded:
    sku: UUID
    grade: str
    into: UUID | None


@command("returns.grade_skus")
def grade_skus(cause: Cause, /, *, requests: Sequence[GradeSku]) -> list[SkuGraded | Refused]:
    """SKUs of second grade named, or not any more. What stands there already is sent on by `returns.redispose`.

    Locks: what is named for the SKUs, in key order. Refuses: NotFound; Invalid (grade; the same SKU; a kit).
    Again: by key; what stands already changes nothing. 7 statements at most.
    """
    found = {
        (company, code): sku
        for sku, company, code in sql.run(
            _SKUS,
            sql.columns(
                ("companies", "codes"),
                sorted({(one.company, c) for one in requests for c in (one.sku, one.into)}),
            ),
        )
    }
    kits = set(catalog.kits_among(set(found.values())))
    before: dict[tuple[UUID, str], UUID] = {
        (sku, grade): into for sku, grade, into in sql.run(_LOCK, {"skus": list(found.values())})
    }
    after = dict[tuple[UUID, str], UUID | None](before)
    companies = {sku: company for (company, _), sku in found.items()}
    answers: list[SkuGraded | Refused] = []
    for one in requests:
        refused = _misfit(one, found, kits)
        if refused:
            answers.append(refused)
            continue
        sku, into = found[one.company, one.sku], found.get((one.company, one.into)) if one.into else None
        after[sku, one.grade] = into
        answers.append(SkuGraded(sku, one.grade, into))
    changed = {key: into for key, into in after.items() if into != before.get(key)}
    _write(cause, changed, before, companies)
    return answers


def _misfit(one: GradeSku, found: dict[tuple[int, str], UUID], kits: set[UUID]) -> Refused | None:
    if one.grade not in GRADED:
        return Invalid(field="grade", expected=one_of(GRADED), found=one.grade)
    for code in filter(None, (one.sku, one.into)):
        if (one.company, code) not in found:
            return NotFound(what="SKU", which=code)
        if found[one.company, code] in kits:
            return Invalid(field="sku", expected="a SKU that has stock", found="a kit")
    if not one.sku:
        return NotFound(what="SKU", which=one.sku)
    if one.sku == one.into:
        return Invalid(field="into", expected="another SKU", found=one.into)
    return None


def _write(
    cause: Cause,
    changed: dict[tuple[UUID, str], UUID | None],
    before: dict[tuple[UUID, str], UUID],
    companies: dict[UUID, int],
) -> None:
    gone = sorted(key for key, into in changed.items() if into is None)
    if gone:
        sql.run(_DELETE, sql.columns(("skus", "grades"), gone))
    rows = sorted((sku, grade, companies[sku], into) for (sku, grade), into in changed.items() if into)
    if rows:
        names = ("skus", "grades", "companies", "into")
        sql.run(_SAVE, {**sql.columns(names, rows), "who": cause.actor.name, "at": cause.at})
    announce(cause, [
        Event("sku", sku, companies[sku], "registered", "registered", payload={
            "grade": grade, "sold_as": into, "sold_as_before": before.get((sku, grade)),
        })
        for (sku, grade), into in changed.items()
    ])  # fmt: skip


_SKUS = """
SELECT s.id, s.company_id::int, s.code
FROM unnest(%(companies)s::smallint[], %(codes)s::text[]) AS d(company, code)
JOIN catalog_sku AS s ON s.company_id = d.company AND s.code = d.code
"""

_LOCK = """
SELECT sku_id, grade, into_id FROM returns_secondgrade
WHERE sku_id = ANY(%(skus)s::uuid[]) ORDER BY sku_id, grade FOR UPDATE
"""

_DELETE = """
DELETE FROM returns_secondgrade AS s USING unnest(%(skus)s::uuid[], %(grades)s::text[]) AS d(sku, grade)
WHERE s.sku_id = d.sku AND s.grade = d.grade
"""

_SAVE = """
INSERT INTO returns_secondgrade (sku_id, grade, company_id, into_id, named_by, named_at)
SELECT d.sku, d.grade, d.company, d.into_sku, %(who)s::text, %(at)s::timestamptz
FROM unnest(%(skus)s::uuid[], %(grades)s::text[], %(companies)s::smallint[], %(into)s::uuid[])
     AS d(sku, grade, company, into_sku) ORDER BY 1, 2
ON CONFLICT (sku_id, grade) DO UPDATE
SET into_id = excluded.into_id, named_by = excluded.named_by, named_at = excluded.named_at
"""
