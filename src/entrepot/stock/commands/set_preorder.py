"""SKUs that are sold before they may leave: from which day they ship, and how many may be sold until then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command, offer
from entrepot.kernel.errors import NotFound, Refused
from entrepot.kernel.events import Event
from entrepot.stock import errors
from entrepot.stock.commands.mark import mark_changed


@dataclass(frozen=True, slots=True)
class SetPreorder:
    """A SKU ships from a day on; until then channels are shown at most `units_max` of what will come (0: all of it).

    Without a day it ships at once.
    """

    company: int
    sku: UUID
    ships_on: date | None
    units_max: int = 0
    key: str | None = None


@dataclass(frozen=True, slots=True)
class PreorderSet:
    sku: UUID
    ships_on: date | None


@command("stock.set_preorder")
def set_preorder(cause: Cause, /, *, requests: Sequence[SetPreorder]) -> list[PreorderSet | Refused]:
    """Set the day from which SKUs ship. Who waits for them gets a new date, who was promised some is told of it, and
    what was promised of them and may leave now is offered for release.

    Locks: the preorders in key order.
    Refuses: NotFound (no such SKU in the company); NotPlaceable (a limit below zero; a kit). Again: sets the same.
    6 statements at most.
    """
    known = {
        (company, sku): is_kit
        for company, sku, is_kit in sql.run(_KNOWN, {"skus": [r.sku for r in requests]})
    }
    answers: list[PreorderSet | Refused] = []
    wanted: dict[UUID, SetPreorder] = {}
    for r in requests:
        if (r.company, r.sku) not in known:
            answers.append(NotFound(what="SKU", which=str(r.sku)))
        elif known[r.company, r.sku] and r.ships_on:
            expected = "a SKU with stock of its own: a kit ships when its components do"
            answers.append(errors.NotPlaceable(field="sku", expected=expected, found="a kit"))
        elif r.units_max < 0:
            answers.append(
                errors.NotPlaceable(field="units_max", expected="no negative number", found=r.units_max)
            )
        else:
            wanted[r.sku] = r
            answers.append(PreorderSet(r.sku, r.ships_on))
    rows = [(r.sku, r.company, r.ships_on, r.units_max if r.ships_on else 0) for r in wanted.values()]
    if rows:
        days = sql.columns(("skus", "companies", "days", "limits"), rows)
        sql.run(_SET, days | {"today": cause.at.date(), "at": cause.at})
        mark_changed(list(wanted))
        offer("peg", [(sku, 5, cause.at) for sku in wanted])
        may_leave = {"skus": list(wanted), "today": cause.at.date()}
        offer("release", [(order, priority, due) for order, priority, due in sql.run(_MAY_LEAVE, may_leave)])
    announce(
        cause,
        [
            Event(
                "sku", r.sku, r.company, payload={"ships_on": r.ships_on, "units_max": r.units_max},
                reason=f"Ships from {r.ships_on}" if r.ships_on else "Ships at once",
            )
            for r in wanted.values()
        ],
    )  # fmt: skip
    return answers


def were_told(days: Sequence[tuple[UUID, date | None]]) -> None:
    """Note that those who are promised SKUs know the days from which they ship; one that was moved again since is still
    to be told. Called inside a command. 1 statement, none for nothing.

    Locks: the preorders that nobody else has, in key order. It waits for none: whoever moves one may wait for what its
    caller has. What is left out is told once more, which is no news to those who know.
    """
    if days:
        sql.change(_TOLD, sql.columns(("skus", "days"), days))


_KNOWN = """
SELECT company_id::int, id, EXISTS (SELECT FROM catalog_component AS m WHERE m.kit_id = s.id) FROM catalog_sku AS s
WHERE id = ANY(%(skus)s::uuid[])
"""

# What was never sold ahead needs no row to ship at once.
_SET = """
INSERT INTO stock_preorder AS y (sku_id, company_id, ships_on, units_max, moved_from, moved_at)
SELECT d.*, ARRAY[%(today)s::date], ARRAY[%(at)s::timestamptz]
FROM unnest(%(skus)s::uuid[], %(companies)s::smallint[], %(days)s::date[], %(limits)s::int[])
    AS d(sku, company, day, units)
WHERE d.day IS NOT NULL OR EXISTS (SELECT FROM stock_preorder AS p WHERE p.sku_id = d.sku)
ORDER BY d.sku
ON CONFLICT (sku_id) DO UPDATE SET ships_on = excluded.ships_on, units_max = excluded.units_max,
    moved_from = CASE WHEN excluded.ships_on IS DISTINCT FROM y.ships_on
                      THEN y.moved_from || COALESCE(y.ships_on, %(today)s::date) ELSE y.moved_from END,
    moved_at = CASE WHEN excluded.ships_on IS DISTINCT FROM y.ships_on THEN y.moved_at || excluded.moved_at
                    ELSE y.moved_at END
"""

_TOLD = """
WITH known AS MATERIALIZED (
    SELECT y.sku_id, y.ships_on FROM stock_preorder AS y
    JOIN unnest(%(skus)s::uuid[], %(days)s::date[]) AS d(sku, day) ON d.sku = y.sku_id
    WHERE y.ships_on IS NOT DISTINCT FROM d.day ORDER BY y.sku_id FOR UPDATE OF y SKIP LOCKED
), ended AS (
    DELETE FROM stock_preorder AS y USING known WHERE y.sku_id = known.sku_id AND known.ships_on IS NULL
)
UPDATE stock_preorder AS y SET moved_from = NULL, moved_at = NULL FROM known
WHERE y.sku_id = known.sku_id AND known.ships_on IS NOT NULL
"""

_MAY_LEAVE = """
SELECT DISTINCT ON (a.order_id) a.order_id, a.priority::int, COALESCE(a.promise_at, a.ordered_at)
FROM stock_allocation AS a
WHERE a.sku_id = ANY(%(skus)s::uuid[]) AND a.quantity > a.released
  AND NOT EXISTS (SELECT FROM stock_preorder AS p WHERE p.sku_id = a.sku_id AND p.ships_on > %(today)s::date)
ORDER BY a.order_id, a.priority DESC
"""
