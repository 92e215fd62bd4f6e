"""Serial numbers that are noted when units are packed, and that they came back."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias
from uuid import UUID

from entrepot.kernel import sql
from entrepot.kernel.errors import Invalid, Refused
from entrepot.warehouse import errors, packing
from entrepot.warehouse.commands.lock import Fulfillment
from entrepot.warehouse.packing import Contents
from entrepot.warehouse.rules import SERIAL_MAX
from entrepot.work.errors import ScanSerialTwice

Said = Sequence[tuple[UUID, str]]
"""Serial numbers of units, each with the order line of its unit."""


class Noting:
    """What a batch that is packed says of serial numbers: what can't be, and what is kept of it.

    SKUs whose serial numbers are noted are locked, so that two stations never send the same unit. 2 statements where
    there are any; none otherwise.
    """

    def __init__(self, said: Iterable[Said], inside: Mapping[UUID, Sequence[Contents]]) -> None:
        self._taken: set[tuple[UUID, str]] = set()
        self._elsewhere: dict[tuple[UUID, str], Refused] = {}
        noted = [each for units in inside.values() for each in units if each.to_note is not None]
        if not noted:
            return
        sql.run(_LOCK, {"skus": list({each.sku for each in noted})})
        skus = {each.line: each.sku for each in noted}
        units = {(skus[line], serial.strip()) for one in said for line, serial in one if line in skus}
        self._elsewhere = packing.elsewhere(units)

    def refusal(self, said: Said, one: Fulfillment, inside: Sequence[Contents]) -> Refused | None:
        """Why units can't go out under the serial numbers said; those that can are taken."""
        counts = Counter(line for line, _ in said)
        kinds = {each.line: each for each in inside}
        odd = next((line for line in counts if line not in kinds), None)
        if odd:
            return Invalid(field="serials", expected="lines of this fulfillment", found=str(odd))
        long = next((serial for _, serial in said if not 0 < len(serial.strip()) <= SERIAL_MAX), None)
        if long is not None:
            return Invalid(field="serials", expected="1 to 100 characters", found=long)
        for each in inside:
            if counts[each.line] != (each.to_note or 0):
                return errors.SerialsNeeded(
                    sku=each.item.kind, fulfillment=one.number, wanted=each.to_note or 0, found=counts[each.line]
                )  # fmt: skip
        units = [(kinds[line], serial.strip()) for line, serial in said]
        mine: set[tuple[UUID, str]] = set()
        for each, serial in units:
            unit = (each.sku, serial)
            if unit in mine or unit in self._taken:
                return ScanSerialTwice(scanned=serial)
            mine.add(unit)
            if unit in self._elsewhere:
                return self._elsewhere[unit]
        self._taken |= mine
        return None


def note(packed: Iterable[tuple[Fulfillment, Said, Sequence[Contents]]]) -> None:
    """Keep the serial numbers of what was packed, also those that were known from the bin. Of these none twice: what
    nobody read stops no parcel. No statement where none is to be noted; 2 otherwise, 1 more where some were known."""
    packed = list(packed)
    noting = [one.id for one, _, inside in packed if any(each.to_note is not None for each in inside)]
    if not noting:
        return
    known: dict[UUID, list[tuple[UUID, str]]] = defaultdict(list)
    for fulfillment, line, serial in sql.run(_KNOWN, {"ids": noting}):
        known[fulfillment].append((line, serial))
    read: list[_Row] = []
    from_bins: list[_Row] = []
    for one, said, inside in packed:
        skus = {each.line: each.sku for each in inside if each.to_note is not None}
        for rows, units in ((read, said), (from_bins, known[one.id])):
            rows += [
                (one.id, line, one.company, skus[line], serial.strip())
                for line, serial in units
                if line in skus
            ]
    sql.write("warehouse_packedserial", _PACKED_SERIAL, read)
    if from_bins:
        sql.run(
            _NOTE_KNOWN, sql.columns(("fulfillments", "lines", "companies", "skus", "serials"), from_bins)
        )


def came_back(units: Iterable[tuple[UUID, UUID, str]]) -> None:
    """Units (the order that they were sent by, SKU, serial number) stand here again, and may be sent once more. What
    another order sent stays out, whatever was typed. 1 statement; none where no serial number is said."""
    rows = sorted({(order, sku, serial) for order, sku, serial in units if serial})
    if rows:
        sql.run(_BACK, sql.columns(("orders", "skus", "serials"), rows))


def went_out(units: Iterable[tuple[UUID, UUID, str]]) -> None:
    """Units (the order that they were sent by, SKU, serial number) that came back are their customer's again: of those
    orders the last one that sent each. 1 statement; none where no serial number is said."""
    rows = sorted({(order, sku, serial) for order, sku, serial in units if serial})
    if rows:
        sql.run(_OUT, sql.columns(("orders", "skus", "serials"), rows))


_Row: TypeAlias = tuple[UUID, UUID, int, UUID, str]

_PACKED_SERIAL = ("fulfillment_id", "line_id", "company_id", "sku_id", "serial")

_LOCK = """
SELECT count(pg_advisory_xact_lock(hashtextextended('warehouse.serials ' || sku, 0)))
FROM (SELECT sku FROM unnest(%(skus)s::uuid[]) AS k(sku) ORDER BY sku) AS locked
"""

_KNOWN = """
SELECT fulfillment_id, line_id, serial FROM warehouse_picktask
WHERE fulfillment_id = ANY(%(ids)s::uuid[]) AND picked > 0 AND serial <> '' ORDER BY 1, 2, 3
"""

_NOTE_KNOWN = """
INSERT INTO warehouse_packedserial (fulfillment_id, line_id, company_id, sku_id, serial)
SELECT * FROM unnest(%(fulfillments)s::uuid[], %(lines)s::uuid[], %(companies)s::smallint[], %(skus)s::uuid[],
                     %(serials)s::text[])
ON CONFLICT DO NOTHING
"""

_BACK = """
UPDATE warehouse_packedserial AS p SET back = TRUE
FROM unnest(%(orders)s::uuid[], %(skus)s::uuid[], %(serials)s::text[]) AS k(by, sku, serial)
JOIN warehouse_fulfillment AS f ON f.order_id = k.by
WHERE p.fulfillment_id = f.id AND p.sku_id = k.sku AND p.serial = k.serial AND NOT p.back
"""

# A number goes out once: where it is out already, whatever was typed, it stays where it is.
_OUT = """
UPDATE warehouse_packedserial AS p SET back = FALSE
FROM (
    SELECT DISTINCT ON (k.sku, k.serial) b.fulfillment_id, b.line_id, b.sku_id, b.serial
    FROM unnest(%(orders)s::uuid[], %(skus)s::uuid[], %(serials)s::text[]) AS k(by, sku, serial)
    JOIN warehouse_fulfillment AS f ON f.order_id = k.by
    JOIN warehouse_packedserial AS b ON b.fulfillment_id = f.id AND b.sku_id = k.sku AND b.serial = k.serial
    WHERE b.back AND NOT EXISTS (SELECT FROM warehouse_packedserial AS o
                                 WHERE o.sku_id = k.sku AND o.serial = k.serial AND NOT o.back)
    ORDER BY k.sku, k.serial, b.fulfillment_id DESC) AS d
WHERE p.fulfillment_id = d.fulfillment_id AND p.line_id = d.line_id AND p.sku_id = d.sku_id AND p.serial = d.serial
"""
