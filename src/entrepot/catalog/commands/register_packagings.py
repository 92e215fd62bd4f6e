"""Register the cases and pallets of SKUs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from entrepot.catalog import packagings
from entrepot.catalog.commands.bearers import Barcode, Bearer, lock_bearers, spelled
from entrepot.catalog.packagings import RegisterPackaging
from entrepot.catalog.register import Register, put
from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import NotFound, Refused
from entrepot.kernel.events import Event

__all__ = ["PackagingRegistered", "RegisterPackaging", "register_packagings"]


@dataclass(frozen=True, slots=True)
class PackagingRegistered:
    sku: UUID
    kind: str


@command("catalog.register_packagings")
def register_packagings(
    cause: Cause, /, *, requests: Sequence[RegisterPackaging]
) -> list[PackagingRegistered | Refused]:
    """Cases and pallets by SKU and kind, new or changed to stand as given. What was planned before goes on as it was.

    Locks: the barcodes of each company, the SKUs in the order of company and code, then their packagings.
    Refuses: NotFound (the SKU); Invalid (a pallet not of whole cases; a barcode that is misread, or stands on something
    else, in whatever spelling). Again: what stands already is left alone, with or without a key. 4 statements; 2 more
    where barcodes are given, and 1 where one ends.
    """
    bears = lock_bearers(name for one in requests for name in spelled(one.company, one.barcode))
    names = {(one.company, one.sku) for one in requests}
    skus = {
        (company, code): sku
        for sku, company, code in sql.run(_LOCK, sql.columns(("companies", "codes"), sorted(names)))
    }
    facts = _Facts(skus, bears)
    wanted: dict[tuple[UUID, str], tuple[int, int, str]] = {}
    answers: list[PackagingRegistered | Refused] = []
    for one in requests:
        sku = skus.get((one.company, one.sku))
        refused = facts.misfit(sku, one) if sku else NotFound(what="SKU", which=one.sku)
        if refused or sku is None:
            answers.append(refused or NotFound(what="SKU", which=one.sku))
            continue
        facts.take(sku, one)
        wanted[sku, one.kind] = (one.company, one.units, one.barcode)
        answers.append(PackagingRegistered(sku, one.kind))

    ended = [name for name, (_, units, _) in wanted.items() if not units]
    gone = sql.run(_END, sql.columns(("skus", "kinds"), ended)) if ended else []
    standing = put(_PACKAGINGS, ((name, rest) for name, rest in wanted.items() if rest[1]))
    changed = {name[0] for name, row in standing.items() if row.new or row.changed} | {row[0] for row in gone}
    companies = {sku: company for (sku, _), (company, _, _) in wanted.items()}
    announce(
        cause,
        [
            Event("sku", sku, companies[sku], "registered", "registered", payload={"changed": ["packagings"]})
            for sku in sorted(changed)
        ],
    )
    return answers


class _Facts:
    """What stands of the SKUs, kept up to date while requests are decided one after the other."""

    def __init__(self, skus: dict[tuple[int, str], UUID], bears: dict[Barcode, set[Bearer]]) -> None:
        self.units: dict[UUID, dict[str, int]] = defaultdict(dict)
        for sku, kind, units in sql.run(_STANDING, {"skus": list(skus.values())}):
            self.units[sku][kind] = units
        self.bears = bears

    def misfit(self, sku: UUID, one: RegisterPackaging) -> Refused | None:
        names = spelled(one.company, one.barcode)
        others = {bearer for name in names for bearer in self.bears.get(name, ())} - {(sku, one.kind)}
        taken = (one.barcode,) if others else ()
        return packagings.misfit(one, self.units[sku], taken)

    def take(self, sku: UUID, one: RegisterPackaging) -> None:
        self.units[sku][one.kind] = one.units
        if one.barcode and one.units:
            self.bears[one.company, one.barcode] = {(sku, one.kind)}


_PACKAGINGS = Register(
    "catalog_packaging", ("sku_id", "kind"), ("company_id", "units", "barcode"), kind="sku", keyed=False
)

_LOCK = """
SELECT s.id, s.company_id::int, s.code
FROM unnest(%(companies)s::smallint[], %(codes)s::text[]) AS d(company, code)
JOIN catalog_sku AS s ON s.company_id = d.company AND s.code = d.code
ORDER BY s.company_id, s.code FOR UPDATE OF s
"""

_STANDING = "SELECT sku_id, kind, units FROM catalog_packaging WHERE sku_id = ANY(%(skus)s::uuid[])"

_END = """
DELETE FROM catalog_packaging AS p USING unnest(%(skus)s::uuid[], %(kinds)s::text[]) AS d(sku, kind)
WHERE p.sku_id = d.sku AND p.kind = d.kind RETURNING p.sku_id
"""
