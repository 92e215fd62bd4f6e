"""Codes that somebody could not scan become work for whoever keeps the catalog, who attaches them to their SKU."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from entrepot.catalog import aliases, barcodes
from entrepot.catalog import queries as catalog
from entrepot.catalog.commands.keep_aliases import AddAlias, AliasAdded, decide, write
from entrepot.kernel import pictures, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import announce, command
from entrepot.kernel.errors import Invalid, NotFound, Refused, Said, WrongState
from entrepot.kernel.events import Event
from entrepot.work import queries as work
from entrepot.work.commands.open_items import ItemOpened
from entrepot.work.commands.report_scans import ReportScan, report_scans
from entrepot.work.commands.resolve import ResolveItem, resolve
from entrepot.work.scanning import FINDS

ATTACHED = "catalog"
"""The root cause of an item that ends by attaching its code."""
WRONG = FINDS[aliases.FIND_WRONG]
ABOUT = (FINDS[aliases.FIND_UNKNOWN], WRONG)
PHOTOS_MAX = 3
"""Pictures of one report: whoever keeps the catalog wants to see the label, not an album."""


@dataclass(frozen=True, slots=True)
class ReportBarcode:
    """A code that was scanned at a node and is unknown, or stands on the wrong goods: where (`place`), and which SKU
    was `expected` there, as far as either is known."""

    company: int
    node: UUID
    scanned: str
    flow: str
    place: str = ""
    expected: str = ""
    photo: bytes | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class AttachBarcode:
    """The code that a work item is about belongs to a SKU, named by its code."""

    item: UUID
    sku: str
    note: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True)
class BarcodeAttached:
    item: UUID
    sku: UUID
    barcode: str


@command("catalog.report_barcodes")
def report_barcodes(cause: Cause, /, *, requests: Sequence[ReportBarcode]) -> list[ItemOpened | Refused]:
    """A work item for each code, one at a time for the same code at a node, with its pictures. Stock stays as it is.

    Locks: as `work.open`. Refuses: Invalid (what no scanner reads; a photo that is none); catalog.barcode_is_right.
    Again: the item that stands. 2 statements; 1 for each company more, and 1 more where there are photos.
    """
    named = _named(requests, cause)
    photos = [pictures.read(one.photo) if one.photo else None for one in requests]
    decided = [
        _decide(one, named[one.company, one.scanned], photo)
        for one, photo in zip(requests, photos, strict=True)
    ]
    opened = iter(report_scans(cause, requests=[one for one in decided if isinstance(one, ReportScan)]))
    answers = [one if isinstance(one, Refused) else next(opened) for one in decided]
    _keep_photos(cause, [
        (answer.item, photo.digest, photo.kind, photo.content)
        for one, photo, answer in zip(requests, photos, answers, strict=True)
        if one.photo and isinstance(photo, pictures.Picture) and isinstance(answer, ItemOpened)
    ])  # fmt: skip
    return answers


def _named(requests: Sequence[ReportBarcode], cause: Cause) -> dict[tuple[int, str], list[str]]:
    """The codes of the SKUs that each scan names. 1 statement for each company."""
    found: dict[tuple[int, str], list[str]] = {}
    for company in sorted({one.company for one in requests}):
        texts = sorted({one.scanned for one in requests if one.company == company})
        skus = catalog.by_scan(company=company, scans=[scan_of(text, cause.at.date()) for text in texts])
        found |= {(company, text): [sku.code for sku in one] for text, one in zip(texts, skus, strict=True)}
    return found


def scan_of(text: str, today: date) -> barcodes.Scan:
    """What a text names, as the handheld looks it up; what can't be read names nothing but itself."""
    return barcodes.looked_up(text, barcodes.read(text, today))


def _decide(
    one: ReportBarcode, named: Sequence[str], photo: pictures.Picture | Refused | None
) -> ReportScan | Refused:
    if not one.scanned.strip() or one.scanned.startswith("=") or len(one.scanned) > barcodes.LONGEST:
        expected = Said("1 to {0} signs that a scanner read", barcodes.LONGEST)
        return Invalid(field="scanned", expected=expected, found=one.scanned[:20] or "nothing")
    if isinstance(photo, Refused):
        return photo
    find = aliases.find_of(named, one.expected)
    if find is None:
        return aliases.NotReportable(barcode=one.scanned, expected=one.expected)
    if find == aliases.FIND_UNKNOWN:
        reason = Said("No SKU has the barcode {0}", one.scanned)
    else:
        reason = Said("{0} is the barcode of {1}, and stands on other goods", one.scanned, ", ".join(named))
    return ReportScan(one.company, one.node, find, one.scanned, one.flow, reason, one.place, one.expected)


def _keep_photos(cause: Cause, rows: Sequence[tuple[UUID, str, str, bytes]]) -> None:
    if rows:
        names = ("items", "digests", "kinds", "contents")
        sql.run(
            _PHOTOS, sql.columns(names, rows) | {"most": PHOTOS_MAX, "who": cause.actor.name, "at": cause.at}
        )


@command("catalog.attach_barcodes")
def attach_barcodes(cause: Cause, /, *, requests: Sequence[AttachBarcode]) -> list[BarcodeAttached | Refused]:
    """The code of each item is a further barcode of the SKU from now on, and the item is resolved.

    Locks: the barcodes of each company, then the items in the order of their ids.
    Refuses: NotFound (item, SKU); WrongState (done already); catalog.no_barcode_asked; Invalid; catalog.barcode_taken;
    work.of_another_role. Again: by key. 9 statements.
    """
    items = {one.id: one for one in work.these([one.item for one in requests])}
    judged = [_judge(one, items, cause) for one in requests]
    decided = iter(decide([one for one in judged if isinstance(one, AddAlias)]))
    aliased = [one if isinstance(one, Refused) else next(decided) for one in judged]
    closing = [
        ResolveItem(one.item, ATTACHED, one.note)
        for one, answer in zip(requests, aliased, strict=True)
        if isinstance(answer, AliasAdded)
    ]
    closed = iter(resolve(cause, requests=closing))
    answers: list[BarcodeAttached | Refused] = []
    kept: list[tuple[int, AliasAdded]] = []
    for one, alias in zip(requests, aliased, strict=True):
        if isinstance(alias, Refused):
            answers.append(alias)
        elif isinstance(ended := next(closed), Refused):
            answers.append(ended)
        else:
            kept.append((items[one.item].company, alias))
            answers.append(BarcodeAttached(one.item, alias.sku, alias.barcode))
    write(cause, kept)
    done = [one for one in answers if isinstance(one, BarcodeAttached)]
    announce(cause, [
        Event("work_item", one.item, items[one.item].company, "done", "done",
              payload={"sku": one.sku, "barcode": one.barcode})
        for one in done
    ])  # fmt: skip
    return answers


def _judge(one: AttachBarcode, items: Mapping[UUID, work.Item], cause: Cause) -> AddAlias | Refused:
    item = items.get(one.item)
    if item is None:
        return NotFound(what="work item", which=str(one.item))
    if item.type not in ABOUT:
        return aliases.NoBarcodeAsked(item=str(one.item), type=item.type)
    if item.state == "done":
        return WrongState(
            subject=f"item {one.item}", found="done", event="attach", expected="open or claimed"
        )
    # Of a barcode that tells a lot, too, it is the article's number that stands for the SKU.
    scanned = str(item.facts.get("barcode", ""))
    said = barcodes.read(scanned, cause.at.date())
    article = said.barcodes[0] if isinstance(said, barcodes.Scan) and said.barcodes else scanned
    return AddAlias(item.company, one.sku, article)


# The first pictures stay: later ones of the same code show the same label.
_PHOTOS = """
INSERT INTO catalog_barcodephoto (item_id, digest, kind, content, added_by, added_at)
SELECT item, digest, kind, content, %(who)s::text, %(at)s::timestamptz
FROM (SELECT d.*, row_number() OVER (PARTITION BY d.item ORDER BY d.digest)
             + (SELECT count(*) FROM catalog_barcodephoto AS p WHERE p.item_id = d.item) AS place
      FROM (SELECT DISTINCT ON (item, digest) *
            FROM unnest(%(items)s::uuid[], %(digests)s::text[], %(kinds)s::text[], %(contents)s::bytea[])
                 AS d(item, digest, kind, content) ORDER BY item, digest) AS d) AS d
WHERE place <= %(most)s
ON CONFLICT (item_id, digest) DO NOTHING
"""
