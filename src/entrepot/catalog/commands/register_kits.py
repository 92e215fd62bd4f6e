"""Register kits: SKUs that are sold as several others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.catalog import kits
from entrepot.catalog.kits import Component, Parts, RegisterKit
from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Refused
from entrepot.kernel.events import Event

__all__ = ["Component", "KitRegistered", "RegisterKit", "register_kits"]


@dataclass(frozen=True, slots=True)
class KitRegistered:
    id: UUID
    code: str


@command("catalog.register_kits")
def register_kits(cause: Cause, /, *, requests: Sequence[RegisterKit]) -> list[KitRegistered | Refused]:
    """SKUs with the components that they are sold as, new or changed. Orders that were placed keep what they had.

    Locks: the kits and their components, in the order of company and code.
    Refuses: NotFound (kit, component); Invalid (itself or a kit as component, a component of another kit, no units, a
    component twice). Again: what stands already is left alone, with or without a key. 4 statements, 2 where all stands.
    """
    names = {
        (one.company, code) for one in requests for code in (one.code, *(part.sku for part in one.components))
    }
    skus = {
        (company, code): sku
        for sku, company, code in sql.run(_LOCK, sql.columns(("companies", "codes"), sorted(names)))
    }
    before = _standing(list(skus.values()))

    after = dict(before)
    answers: list[KitRegistered | Refused] = []
    changed: dict[UUID, int] = {}
    for one in requests:
        parts = kits.made_of(one, skus, after)
        if isinstance(parts, Refused):
            answers.append(parts)
            continue
        kit = skus[one.company, one.code]
        after[kit] = parts
        changed[kit] = one.company
        answers.append(KitRegistered(kit, one.code))
    changed = {kit: company for kit, company in changed.items() if after[kit] != before.get(kit, ())}

    if changed:
        sql.run("DELETE FROM catalog_component WHERE kit_id = ANY(%(kits)s::uuid[])", {"kits": list(changed)})
        rows = [(kit, *part, number) for kit in changed for number, part in enumerate(after[kit], 1)]
        sql.write("catalog_component", ("kit_id", "sku_id", "units", "number"), rows)
    announce(cause, [_event(kit, company) for kit, company in changed.items()])
    return answers


def _standing(skus: Sequence[UUID]) -> dict[UUID, Parts]:
    """The kits among SKUs, and those that are made of one of them; of these what they are made of among them."""
    found: dict[UUID, Parts] = {}
    for kit, sku, units in sql.run(_STANDING, {"skus": skus}):
        found[kit] = (*found.get(kit, ()), (sku, units))
    return found


def _event(kit: UUID, company: int) -> Event:
    return Event("sku", kit, company, "registered", "registered", payload={"changed": ["components"]})


_LOCK = """
SELECT s.id, s.company_id::int, s.code
FROM unnest(%(companies)s::smallint[], %(codes)s::text[]) AS d(company, code)
JOIN catalog_sku AS s ON s.company_id = d.company AND s.code = d.code
ORDER BY s.company_id, s.code FOR UPDATE OF s
"""

_STANDING = """
SELECT kit_id, sku_id, units FROM catalog_component
WHERE kit_id = ANY(%(skus)s::uuid[]) OR sku_id = ANY(%(skus)s::uuid[]) ORDER BY kit_id, number
"""
