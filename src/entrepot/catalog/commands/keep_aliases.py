"""Give SKUs further barcodes, and take them away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from entrepot.catalog import aliases
from entrepot.catalog.commands.bearers import ALIAS, lock_bearers, spelled
from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import NotFound, Refused
from entrepot.kernel.events import Event


@dataclass(frozen=True, slots=True)
class AddAlias:
    """A further barcode of a SKU, named by its code: scanners know the SKU by it from now on."""

    company: int
    sku: str
    barcode: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class AliasAdded:
    """`fresh`: scanners did not know the SKU by it before, in no spelling."""

    sku: UUID
    barcode: str
    fresh: bool = field(default=True, compare=False)


@dataclass(frozen=True, slots=True)
class DropAlias:
    """A further barcode that stands on nothing any more; where `sku` names one by its code, only if it is of that."""

    company: int
    barcode: str
    key: str | None = None
    sku: str = ""


@dataclass(frozen=True, slots=True)
class AliasDropped:
    sku: UUID
    barcode: str


@command("catalog.add_aliases")
def add_aliases(cause: Cause, /, *, requests: Sequence[AddAlias]) -> list[AliasAdded | Refused]:
    """Further barcodes of SKUs. A number stands for one SKU in all its spellings.

    Locks: the barcodes of each company. Refuses: NotFound (the SKU); Invalid (a barcode that can't be one);
    catalog.barcode_taken. Again: what stands already, as a further one or the SKU's own, is left alone, with or without
    a key. 5 statements.
    """
    answers = decide(requests)
    write(cause, [
        (one.company, answer) for one, answer in zip(requests, answers, strict=True) if isinstance(answer, AliasAdded)
    ])  # fmt: skip
    return answers


def decide(requests: Sequence[AddAlias]) -> list[AliasAdded | Refused]:
    """Which of these may stand, one after the other. Holds the barcodes to the end of the transaction. 4 statements."""
    places_of = {(one.company, one.barcode): spelled(one.company, one.barcode) for one in requests}
    bears = lock_bearers(place for places in places_of.values() for place in places)
    asked = {(one.company, one.sku) for one in requests}
    names = sorted(asked.union(*places_of.values()))
    known = {
        (company, code): sku
        for company, code, sku in sql.run(_KNOWN, sql.columns(("companies", "codes"), names))
    }
    codes = {sku: code for (_, code), sku in known.items()}
    bearing = {sku for bearers in bears.values() for sku, _ in bearers}
    codes |= dict(sql.run(_CODES, {"skus": list(bearing)}))  # type: ignore[arg-type]
    answers: list[AliasAdded | Refused] = []
    for one in requests:
        sku = known.get((one.company, one.sku))
        places = places_of[one.company, one.barcode]
        named = {bearer for place in places for bearer in bears[place]}
        named |= {(known[place], "") for place in places if place in known}
        others = {bearer for bearer, kind in named if bearer != sku or kind not in ("", ALIAS)}
        if refused := aliases.misfit(one.barcode):
            answers.append(refused)
        elif sku is None:
            answers.append(NotFound(what="SKU", which=one.sku))
        elif others:
            other = min(codes[other] for other in others)
            answers.append(aliases.BarcodeTaken(barcode=one.barcode, sku=one.sku, other=other))
        else:
            bears[one.company, one.barcode].add((sku, ALIAS))
            answers.append(AliasAdded(sku, one.barcode, not named))
    return answers


def write(cause: Cause, added: Sequence[tuple[int, AliasAdded]]) -> None:
    """Keep what was decided: what is new of it is told. 1 statement, none where nothing is."""
    rows = sorted({(company, one.barcode, one.sku) for company, one in added if one.fresh})
    if not rows:
        return
    new = sql.run(
        _ADD, sql.columns(("companies", "barcodes", "skus"), rows) | {"who": cause.actor.name, "at": cause.at}
    )
    announce(cause, _events(new, "added"))


@command("catalog.drop_aliases")
def drop_aliases(cause: Cause, /, *, requests: Sequence[DropAlias]) -> list[AliasDropped | Refused]:
    """Barcodes that no scanner knows a SKU by any more; its own barcode is changed with the SKU.

    Locks: the aliases. Refuses: NotFound (also one of another SKU than was named). Again: by key. 1 statement.
    """
    rows = sorted({(one.company, one.barcode, one.sku) for one in requests})
    gone = sql.run(_DROP, sql.columns(("companies", "barcodes", "codes"), rows))
    announce(cause, _events([row[:3] for row in gone], "dropped"))
    left = {(company, barcode): (sku, code) for sku, company, barcode, code in gone}
    answers: list[AliasDropped | Refused] = []
    for one in requests:
        sku, code = left.get((one.company, one.barcode), (None, ""))
        if sku is None or one.sku not in ("", code):
            answers.append(NotFound(what="alias", which=one.barcode))
        else:
            answers.append(AliasDropped(sku, one.barcode))
    return answers


def _events(rows: Sequence[tuple[UUID, int, str]], what: str) -> list[Event]:
    return [
        Event("sku", sku, company, "registered", "registered", payload={what: barcode})
        for sku, company, barcode in rows
    ]


_KNOWN = """
SELECT s.company_id::int, s.code, s.id FROM unnest(%(companies)s::smallint[], %(codes)s::text[]) AS d(company, code)
JOIN catalog_sku AS s ON s.company_id = d.company AND s.code = d.code
"""

_CODES = "SELECT id, code FROM catalog_sku WHERE id = ANY(%(skus)s::uuid[])"

_ADD = """
INSERT INTO catalog_alias (company_id, barcode, sku_id, added_by, added_at)
SELECT company, barcode, sku, %(who)s::text, %(at)s::timestamptz
FROM unnest(%(companies)s::smallint[], %(barcodes)s::text[], %(skus)s::uuid[]) AS d(company, barcode, sku)
ON CONFLICT (company_id, barcode) DO NOTHING RETURNING sku_id, company_id::int, barcode
"""

_DROP = """
DELETE FROM catalog_alias AS a
USING unnest(%(companies)s::smallint[], %(barcodes)s::text[], %(codes)s::text[]) AS d(company, barcode, code),
      catalog_sku AS s
WHERE a.company_id = d.company AND a.barcode = d.barcode AND s.id = a.sku_id AND d.code IN ('', s.code)
RETURNING a.sku_id, a.company_id::int, a.barcode, s.code
"""
