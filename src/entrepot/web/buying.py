"""Lines of a purchase order, and what is on its way of it, as a form says them: row by row, or pasted, one a line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from django.contrib import messages
from django.utils.translation import gettext

from entrepot.catalog import queries as catalog
from entrepot.parties import queries as parties
from entrepot.purchasing import dock
from entrepot.purchasing.commands.receive_scans import FoundOn
from entrepot.purchasing.confirming import ConfirmedLine, NoticedLine
from entrepot.purchasing.queries import Line
from entrepot.purchasing.rules import OrderedLine
from entrepot.stock.plating import number_of
from entrepot.web.edge import Request, clean, day_in, decimal_in, int_in

ROWS = range(1, 13)
"""Lines that a form has rows for; more of them are pasted."""
PASTED_MAX = 2_000


def price_in(text: str | None) -> Decimal:
    """A unit price as the reader writes it; below zero, which is refused, where it is none."""
    found = decimal_in(text)
    return found if found is not None and abs(found) < 10**9 else Decimal(-1)


def lines_in(request: Request, supplier: UUID) -> list[OrderedLine] | None:
    """The lines that were filled in or pasted, at the supplier's offer where no cost is said; None where one of them
    can't be understood, which is said."""
    text = request.POST
    rows = [
        [clean(text.get(f"{name}-{row}")) for name in ("sku", "units", "cost")]
        for row in ROWS
        if clean(text.get(f"sku-{row}"))
    ]
    rows += pasted(text.get("pasted", ""))
    if len(rows) > PASTED_MAX:
        told = gettext("These are %(n)s lines; an order takes %(most)s at most.")
        messages.error(request, told % {"n": len(rows), "most": PASTED_MAX})
        return None
    skus = catalog.skus(company=request.reader.company.id, codes=[code for code, _, _ in rows])
    offers = parties.offers(skus=[sku.id for sku in skus.values()])
    offered = {one.sku: one.cost for one in offers if one.supplier == supplier}
    lines = []
    for code, said, cost in rows:
        sku, units = skus.get(code), int_in(said)
        if sku is None or not units:
            messages.error(
                request, gettext("%(sku)s: say a SKU of the catalog, and how many units.") % {"sku": code}
            )
            return None
        if not cost and sku.id not in offered:
            told = gettext("%(sku)s: this supplier has no offer for it. Say what a unit costs.")
            messages.error(request, told % {"sku": code})
            return None
        lines.append(OrderedLine(sku.id, units, price_in(cost) if cost else offered[sku.id]))
    return lines


def announced_in(request: Request, order: UUID, lines: Sequence[Line]) -> list[NoticedLine] | None:
    """Units of an order that a form says are on their way, a line of text for each package: SKU, units, and the numbers
    of the package and of its pallet, lot and expiry as far as they are known. Nothing said: all that is to come and was
    not announced before. None where a line can't be understood, which is said."""
    rows = pasted(request.POST.get("packages", ""), 6)
    if not rows:
        before = dock.announced(order)
        rest = [(one.id, one.to_come - before.get(one.id, 0)) for one in lines]
        return [NoticedLine(order, line, units) for line, units in rest if units > 0]
    left = {one.id: one.to_come for one in lines}
    found = []
    for sku, said, sscc, pallet, lot, expires in rows:
        units, day, named = int_in(said), day_in(expires), [one for one in lines if one.sku_code == sku]
        if not units or not named or (expires and day is None):
            told = gettext("%(line)s: say a SKU of the order, how many units, and a day as 2027-06-30.")
            messages.error(request, told % {"line": " ".join(filter(None, (sku, said, expires)))})
            return None
        which = next((one for one in named if left[one.id] >= units), named[-1])
        left[which.id] -= units
        found.append(NoticedLine(order, which.id, units, number_of(sscc), lot, day, (), number_of(pallet)))
    return found


def scheduled_in(request: Request, lines: Sequence[Line]) -> list[ConfirmedLine] | None:
    """What comes of lines in parts, as a form says it, a line of text for each part: SKU, units and day. None where one
    can't be understood, which is said."""
    found: list[ConfirmedLine] = []
    for sku, said, on in pasted(request.POST.get("parts", "")):
        units, day = int_in(said), day_in(on)
        named = [one for one in lines if one.sku_code == sku]
        if not units or not named or day is None:
            told = gettext("%(line)s: say a SKU of the order, how many units, and a day as 2027-06-30.")
            messages.error(request, told % {"line": " ".join(filter(None, (sku, said, on)))})
            return None
        before = {one.id: sum(part.quantity for part in found if part.line == one.id) for one in named}
        which = next((one for one in named if one.quantity - before[one.id] >= units), named[-1])
        found.append(ConfirmedLine(which.id, units, day))
    return found


def found_in(request: Request) -> list[FoundOn] | None:
    """What stood on a package in fact, a line for each SKU: its code, units and lot. None where a line can't be
    understood, which is said."""
    found = []
    for sku, said, lot in pasted(request.POST.get("found", "")):
        units = int_in(said)
        if units is None:
            told = gettext("%(line)s: say a SKU of the package, and how many units of it there are.")
            messages.error(request, told % {"line": " ".join(filter(None, (sku, said, lot)))})
            return None
        found.append(FoundOn(sku, units, lot))
    return found


def serials_in(text: str | None) -> tuple[str, ...]:
    """Serial numbers that were typed, one to a line, since blanks may stand in them; each once."""
    lines = (clean(line)[:100] for line in (text or "").splitlines())
    return tuple(dict.fromkeys(filter(None, lines)))


def pasted(text: str, width: int = 3) -> list[list[str]]:
    """What each line of a text says, such as SKU, units and cost, as a table of a spreadsheet or a mail gives it: with
    tabs or semicolons between, else with blanks. What is missing at the end is ''."""
    rows = []
    for line in text.splitlines():
        parts = re.split(r"\t|;", line) if re.search(r"\t|;", line) else line.split()
        found = [clean(part) for part in parts]
        if any(found):
            rows.append([*found, *[""] * width][:width])
    return rows
