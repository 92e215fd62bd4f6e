"""Receive goods by what a scanner reads of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from entrepot.catalog import barcodes
from entrepot.catalog import queries as catalog
from entrepot.catalog.barcodes import Scan
from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import command
from entrepot.kernel.errors import Invalid, Refused, Said
from entrepot.purchasing import errors
from entrepot.purchasing.commands.noticed import PackageLine, packages
from entrepot.purchasing.commands.receive import GoodsReceived, ReceivedLine, ReceiveOrder, receive
from entrepot.purchasing.queries import NEXT_DAY
from entrepot.work.commands.open_items import OpenItem, open_items


class FoundOn(NamedTuple):
    """Units of a SKU that stood on a package in fact, where its notice says otherwise."""

    sku_code: str
    units: int
    lot: str = ""


@dataclass(frozen=True, slots=True)
class ReceiveScan:
    """One scan at a node's dock: of the order named, or of the one that expects the goods first.

    What the barcode says counts, and that of a case or a pallet is so many units; what is given beside it (lot, expiry,
    serial, quantity) fills what it leaves open.
    Without either, a scan is one unit. `serials` are those of several units that were scanned one by one. Of a package
    (SSCC) all that was announced has come, but for what is `found` otherwise, each (SKU code, units[, lot]); of one
    kind of goods alone, `quantity` says it. Of a pallet with cartons (SSCC) all that have not come have come now.
    """

    company: int
    node: UUID
    text: str
    order: UUID | None = None
    quantity: int | None = None
    lot: str = ""
    expires_on: date | None = None
    serial: str = ""
    damaged: bool = False
    note: str = ""
    bin: UUID | None = None
    occurred_at: datetime | None = None
    key: str | None = None
    serials: tuple[str, ...] = ()
    found: tuple[FoundOn | tuple[Any, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class ScanReceived:
    """What the scan was, the receipt that it became, and how much of it is still to come of the order.

    Of a package (`sscc`) that holds several SKUs the codes of all stand in `sku_code`, and the quantity is of all. It
    stands on a plate of that number now; `differs` says what of it came otherwise than announced. Where it was a
    pallet, so many `cartons` came on it.
    """

    receipt: UUID
    number: str
    order: UUID
    order_number: str
    order_state: str
    sku: UUID
    sku_code: str
    quantity: int
    lot: str
    expires_on: date | None
    serials: tuple[str, ...]
    held: int
    to_come: int
    sscc: str = ""
    differs: str = ""
    cartons: int = 0


class _Wanted(NamedTuple):
    """A scan that can be received: the request for it, and what its answer says besides."""

    place: int
    request: ReceiveOrder
    order_number: str
    sku: UUID
    sku_code: str
    to_come: int
    sscc: str = ""
    differs: str = ""
    cartons: int = 0


class _Line(NamedTuple):
    """A line of an open order that a SKU may be received on; or (`is_late`) one that is over, since the policy gave up
    the little that lacked, which may come after all."""

    node: UUID
    sku: UUID
    order: UUID
    order_number: str
    id: UUID
    to_come: int
    is_late: bool


@command("purchasing.receive_scans")
def receive_scans(cause: Cause, /, *, requests: Sequence[ReceiveScan]) -> list[ScanReceived | Refused]:
    """A receipt for each scan, as `purchasing.receive` makes it. The number of a package (SSCC) receives all that its
    notice says is in it, as a plate of stock; what differs from the notice is work for a buyer. A carton stands on the
    pallet that it was announced on, and that pallet's number receives all its cartons that have not come.

    A barcode that nobody knows is refused, changes no stock, and is work for whoever keeps the catalog; so are goods
    that nobody ordered, for a buyer.
    Locks: as `purchasing.receive`. Refuses: catalog.unreadable_barcode; purchasing.unknown_barcode;
    purchasing.several_skus; purchasing.not_ordered; purchasing.package_received; purchasing.not_on_package;
    purchasing.pallet_received; purchasing.pallet_of_several; purchasing.elsewhere_expected; and as
    `purchasing.receive`.
    Again: by key. 2 statements and those of `purchasing.receive`, for each company; 1 more where a package was
    scanned, and 1 where a barcode is unknown, goods are not ordered or a package differs.
    """
    read = [barcodes.read(one.text, (one.occurred_at or cause.at).date()) for one in requests]
    skus = _skus(requests, read)
    lines = _lines(requests, skus)
    announced = packages(
        {
            scan.sscc: one.company
            for one, scan in zip(requests, read, strict=True)
            if isinstance(scan, Scan) and scan.sscc
        }
    )

    answers: list[ScanReceived | Refused | None] = [None] * len(requests)
    wanted: list[_Wanted] = []
    for i, (one, scan) in enumerate(zip(requests, read, strict=True)):
        if isinstance(scan, Scan) and scan.sscc and scan.sscc in announced:
            found = _package(i, one, scan.sscc, announced)
        else:
            found = scan if isinstance(scan, Refused) else _unit(i, one, scan, skus[i], lines)
        if isinstance(found, Refused):
            answers[i] = found
        else:
            wanted.append(found)
    _ask_whose(cause, [(requests[i], one) for i, one in enumerate(answers) if isinstance(one, Refused)])
    received = receive(cause, requests=[one.request for one in wanted])
    for taken, answer in zip(wanted, received, strict=True):
        answers[taken.place] = answer if isinstance(answer, Refused) else _answer(taken, answer)
    _tell_differences(cause, requests, answers)
    return [one for one in answers if one is not None]


def _package(
    place: int, one: ReceiveScan, sscc: str, announced: dict[str, list[PackageLine]]
) -> _Wanted | Refused:
    """All that was announced of a package and has not come. What is taken is not there for the next scan of it. Once it
    was received by its number, the same label read again by mistake must not book what was missing: who brings the rest
    says how much it is. So it is with a carton of a pallet: what it lacked is not booked by the pallet's label."""
    lines = [line for line in announced[sscc] if line.to_come and line.node == one.node]
    if not lines:
        if all(line.node != one.node for line in announced[sscc]):
            return errors.ElsewhereExpected(sscc=sscc, notice=announced[sscc][0].notice)
        return errors.PackageReceived(sscc=sscc, notice=announced[sscc][0].notice, left=Said("nothing"))
    is_pallet = any(line.pallet == sscc for line in lines)
    if is_pallet and (refused := _misfit_pallet(one, sscc, lines)):
        return refused
    # Of a carton that came, the lines of which nothing came as well.
    begun = {line.sscc for line in announced[sscc] if line.came_by_number}
    waiting = [line for line in lines if line.sscc not in begun] if is_pallet else lines
    came = not is_pallet and any(line.came_by_number for line in announced[sscc])
    if one.quantity is None and not one.found and (came or not waiting):
        left = ", ".join(f"{line.to_come} {line.sku_code} {line.lot}".strip() for line in lines)
        refusal = errors.PalletReceived if is_pallet else errors.PackageReceived
        return refusal(sscc=sscc, notice=lines[0].notice, left=left)
    lines = waiting
    units = _found_on(one, sscc, lines)
    if isinstance(units, Refused):
        return units
    status = "damaged" if one.damaged else "sellable"
    counted = tuple(
        ReceivedLine(
            line.line, count, line.lot, line.expires_on, status, one.note,
            tuple(line.serials) if count == line.quantity else (), line.sscc, line.pallet,
        )
        for line, count in zip(lines, units, strict=True)
        if count
    )  # fmt: skip
    codes = ", ".join(dict.fromkeys(line.sku_code for line in lines))
    differs = "; ".join(
        f"{count} of {line.to_come} {line.sku_code}" + (f", lot {line.lot}" if line.lot else "")
        for line, count in zip(lines, units, strict=True)
        if count != line.to_come
    )
    for line, count in zip(lines, units, strict=True):
        line.received, line.came_by_number = min(line.quantity, line.received + count), True
    cartons = len({line.sscc for line in lines if line.pallet == sscc})
    request = ReceiveOrder(lines[0].order, counted, one.bin, one.occurred_at)
    return _Wanted(place, request, lines[0].order_number, lines[0].sku, codes, 0, sscc, differs, cartons)


def _misfit_pallet(one: ReceiveScan, sscc: str, lines: Sequence[PackageLine]) -> Refused | None:
    """Why the cartons of a pallet are not received together."""
    if one.quantity is not None or one.found:
        cartons = ", ".join(sorted({line.sscc for line in lines}))
        expected = (
            "nothing for a pallet with cartons: say it of the carton that differs, then scan the pallet"
        )
        return Invalid(field="found" if one.found else "quantity", expected=expected, found=cartons)
    orders = sorted({line.order_number for line in lines})
    return errors.PalletOfSeveral(sscc=sscc, orders=", ".join(orders)) if len(orders) > 1 else None


def _found_on(one: ReceiveScan, sscc: str, lines: Sequence[PackageLine]) -> list[int] | Refused:
    """The units that came of each line of a package."""
    units = [line.to_come for line in lines]
    if one.quantity is not None and not one.found:
        if len(lines) > 1:
            expected = "the units of each SKU that differs (found): several stand on it"
            return Invalid(field="quantity", expected=expected, found=one.quantity)
        units[0] = one.quantity
    for found in (FoundOn(*said) for said in one.found):
        fitting = [
            i
            for i, line in enumerate(lines)
            if line.sku_code == found.sku_code and found.lot in ("", line.lot)
        ]
        if len(fitting) != 1:
            announced = ", ".join(f"{line.sku_code} {line.lot}".strip() for line in lines)
            return errors.NotOnPackage(sku=found.sku_code, sscc=sscc, announced=announced)
        units[fitting[0]] = found.units
    if min(units) < 0 or not any(units):
        return Invalid(field="found", expected="units, 0 or more, and some in all", found=min(units))
    return units


def _unit(
    place: int,
    one: ReceiveScan,
    scan: Scan,
    skus: Sequence[catalog.Sku],
    lines: Mapping[tuple[UUID, UUID], list[_Line]],
) -> _Wanted | Refused:
    """Units of an article, on the line that expects them first."""
    if one.found and skus:
        return Invalid(
            field="found", expected="nothing: this is no package, say its quantity", found=skus[0].code
        )
    line = _line(one, scan, skus, lines)
    if isinstance(line, Refused):
        return line
    units = _units(one, scan, skus[0])
    left = max(0, line.to_come - units)
    return _Wanted(place, _order(one, scan, line, units), line.order_number, line.sku, skus[0].code, left)


def _skus(requests: Sequence[ReceiveScan], read: Sequence[Scan | Refused]) -> list[list[catalog.Sku]]:
    """For each scan the SKUs that it may be of. 1 statement for each company."""
    found: list[list[catalog.Sku]] = [[] for _ in requests]
    by_company: dict[int, list[tuple[int, Scan]]] = defaultdict(list)
    for i, (one, scan) in enumerate(zip(requests, read, strict=True)):
        if isinstance(scan, Scan):
            by_company[one.company].append((i, scan))
    for company, scans in by_company.items():
        skus = catalog.by_scan(company=company, scans=[scan for _, scan in scans])
        for (i, _), of_scan in zip(scans, skus, strict=True):
            found[i] = of_scan
    return found


def _lines(
    requests: Sequence[ReceiveScan], skus: Sequence[Sequence[catalog.Sku]]
) -> dict[tuple[UUID, UUID], list[_Line]]:
    """Lines of open orders, and of orders named, by (node, SKU), those expected first before others. 1 statement."""
    pairs = {(one.node, sku.id) for one, found in zip(requests, skus, strict=True) for sku in found}
    lines: dict[tuple[UUID, UUID], list[_Line]] = defaultdict(list)
    orders = list({one.order for one in requests if one.order})
    for row in sql.run(_LINES, {**sql.columns(("nodes", "skus"), sorted(pairs)), "orders": orders}):
        lines[row[0], row[1]].append(_Line(*row))
    return lines


def _line(
    one: ReceiveScan,
    scan: Scan,
    skus: Sequence[catalog.Sku],
    lines: Mapping[tuple[UUID, UUID], list[_Line]],
) -> _Line | Refused:
    """The line that a scan is received on: the first that expects as many, else the last, which refuses the rest.
    Where none expects any, what comes late.

    What is taken is taken off it, so that the next scan of the batch sees what is left.
    """
    if not skus:
        doubt = "" if scan.sound else Said(" (its check digit does not fit: it may be misread)")
        return errors.UnknownBarcode(text=scan.sscc or scan.text, doubt=doubt)
    if len(skus) > 1:
        return errors.SeveralSkus(text=scan.text, skus=", ".join(sku.code for sku in skus))
    found = lines.get((one.node, skus[0].id), [])
    fitting = [i for i, line in enumerate(found) if one.order in (None, line.order)]
    if not fitting:
        what = Said("that order") if one.order else Said("any open order for this node")
        return errors.NotOrdered(sku=skus[0].code, order=what)
    units = _units(one, scan, skus[0])
    fitting = [i for i in fitting if not found[i].is_late] or fitting
    place = next((i for i in fitting if found[i].to_come >= units), fitting[-1])
    line = found[place]
    found[place] = line._replace(to_come=max(0, line.to_come - units))
    return line


def _units(one: ReceiveScan, scan: Scan, sku: catalog.Sku) -> int:
    """Units that came: of a case or a pallet that was scanned, all that stand in it."""
    if one.serials:
        return len(one.serials)
    if scan.serial or one.serial:
        return 1
    return sku.scanned_units * (scan.quantity or (1 if one.quantity is None else one.quantity))


def _order(one: ReceiveScan, scan: Scan, line: _Line, units: int) -> ReceiveOrder:
    serial = scan.serial or one.serial
    counted = ReceivedLine(
        line.id, units, scan.lot or one.lot, scan.expires_on or one.expires_on,
        "damaged" if one.damaged else "sellable", one.note, one.serials or ((serial,) if serial else ()),
    )  # fmt: skip
    return ReceiveOrder(line.order, (counted,), one.bin, one.occurred_at)


def _answer(taken: _Wanted, answer: GoodsReceived) -> ScanReceived:
    counted = [ReceivedLine(*line) for line in taken.request.lines or ()]
    first = counted[0]
    return ScanReceived(
        answer.receipt, answer.number, taken.request.order, taken.order_number, answer.state, taken.sku,
        taken.sku_code, sum(line.quantity for line in counted), first.lot, first.expires_on,
        tuple(serial for line in counted for serial in line.serials), answer.held, taken.to_come, taken.sscc,
        taken.differs, taken.cartons,
    )  # fmt: skip


def _ask_whose(cause: Cause, refused: Sequence[tuple[ReceiveScan, Refused]]) -> None:
    """Work for whoever keeps the catalog where a barcode that nobody knows stands on goods that have come, and for a
    buyer where nobody ordered them."""
    roles = {
        errors.UnknownBarcode: ("unknown barcode", "inventory manager"),
        errors.NotOrdered: ("not ordered", "inventory manager"),
    }
    open_items(
        cause,
        requests=[
            OpenItem(
                one.company, kind, "node", one.node, refusal.message, role, {"barcode": one.text},
                dedupe=f"{one.node}/{refusal.facts.get('sku', one.text)}",
            )
            for one, refusal in refused
            if type(refusal) in roles
            for kind, role in [roles[type(refusal)]]
        ],
    )  # fmt: skip


def _tell_differences(
    cause: Cause, requests: Sequence[ReceiveScan], answers: Sequence[ScanReceived | Refused | None]
) -> None:
    """Work for a buyer where a package was not as its notice said."""
    open_items(
        cause,
        requests=[
            OpenItem(
                one.company, "package differs", "purchase_order", answer.order,
                Said(
                    "{0}: of package {1} came {2}",
                    answer.order_number, answer.sscc, answer.differs,
                ), "inventory manager",
                {"sscc": answer.sscc, "receipt": str(answer.receipt)}, dedupe=f"{answer.order}/{answer.sscc}",
            )
            for one, answer in zip(requests, answers, strict=True)
            if isinstance(answer, ScanReceived) and answer.differs
        ],
    )  # fmt: skip


_LINES = f"""
SELECT bought.node_id, line.sku_id, bought.id, bought.number, line.id,
       GREATEST(0, line.quantity - line.received - CASE WHEN let_go THEN 0 ELSE line.short END), let_go
FROM (SELECT line.id
      FROM unnest(%(nodes)s::uuid[], %(skus)s::uuid[]) AS asked(node, sku)
      JOIN purchasing_orderline AS line ON line.sku_id = asked.sku AND line.quantity > line.received + line.short
      JOIN purchasing_order AS bought ON bought.id = line.order_id AND bought.node_id = asked.node
      WHERE bought.state IN ('open', 'part_received')
      UNION SELECT line.id
      FROM unnest(%(nodes)s::uuid[], %(skus)s::uuid[]) AS asked(node, sku)
      JOIN purchasing_orderline AS line ON line.sku_id = asked.sku AND line.short > 0 AND line.given_up_by = ''
                                       AND line.quantity > line.received
      JOIN purchasing_order AS bought ON bought.id = line.order_id AND bought.node_id = asked.node
      WHERE bought.state IN ('open', 'part_received', 'received')
      UNION SELECT id FROM purchasing_orderline WHERE order_id = ANY(%(orders)s::uuid[])) AS found
JOIN purchasing_orderline AS line ON line.id = found.id
JOIN purchasing_order AS bought ON bought.id = line.order_id
CROSS JOIN LATERAL (SELECT line.short > 0 AND line.given_up_by = '' AND line.quantity > line.received) AS k(let_go)
{NEXT_DAY}
ORDER BY let_go, supply.expected_on NULLS LAST, bought.ordered_at, bought.id, line.number
"""
