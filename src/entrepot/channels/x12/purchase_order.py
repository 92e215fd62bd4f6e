"""A purchase order as an X12 document (850) for its supplier. Pure."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from entrepot.channels.x12.contract import NEW
from entrepot.channels.x12.render import COMPONENT, END, SEPARATOR, Elements, written
from entrepot.kernel.shapes import shape

KIND, GROUP = "850", "PO"
ID_MAX = 15
NOTE_MAX = 264
STAND_ALONE, DIRECT = "SA", "DS"
"""What an order is (BEG02): goods for a node, or goods that the supplier sends to the customer himself."""
LATIN = str.maketrans({
    "ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D",
    "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "ı": "i",
})  # fmt: skip
"""Letters that are no others with a sign, as people write them without."""
BARCODE_OF = {12: "UP", 13: "EN", 14: "UK"}
"""What a barcode is called, by its digits."""


@shape("channels.x12")
@dataclass(frozen=True, slots=True)
class Partner:
    """How orders go to a supplier as X12 documents. The scope is the supplier's code; without one it is for others."""

    own_id: str = ""
    """Our number in the envelope (ISA06); '' where no documents are sent."""
    own_qualifier: str = "ZZ"
    """What our number is (ISA05): ZZ agreed, 01 D-U-N-S, 14 GLN."""
    their_id: str = ""
    """The supplier's number (ISA08)."""
    their_qualifier: str = "ZZ"
    """What his number is (ISA07)."""
    url: str = ""
    """Where documents are posted; '' where they are taken as files."""
    is_test: bool = False
    """Documents are marked as a trial (ISA15 T)."""

    def __post_init__(self) -> None:
        for name in ("own_id", "their_id"):
            if not re.fullmatch(rf"[A-Za-z0-9 .\-]{{0,{ID_MAX}}}", getattr(self, name)):
                raise ValueError(
                    f"{name}: expected at most {ID_MAX} letters, digits, blanks, dots and dashes"
                )
        for name in ("own_qualifier", "their_qualifier"):
            if not re.fullmatch(r"[A-Z0-9]{2}", getattr(self, name)):
                raise ValueError(f"{name}: expected two letters or digits, such as ZZ")
        if bool(self.own_id) != bool(self.their_id):
            raise ValueError("own_id and their_id: expected both or none")
        if self.url and not re.fullmatch(r"https?://[^\s/]+(/\S*)?", self.url):
            raise ValueError("url: expected an address such as https://edi.example/orders")


@dataclass(frozen=True, slots=True)
class WantedLine:
    """A line as the supplier is to read it."""

    number: int
    code: str
    barcode: str
    name: str
    units: int
    unit_cost: Decimal
    wanted_on: date | None


@dataclass(frozen=True, slots=True)
class ShipTo:
    """Whom a supplier sends goods to himself: personal data, which is kept nowhere else."""

    name: str
    line1: str
    line2: str
    city: str
    region: str
    postal_code: str
    country: str
    phone: str


@dataclass(frozen=True, slots=True)
class WantedOrder:
    """An order as the supplier is to read it; `postal_code` and `country` are of the node that it goes to."""

    number: str
    external_ref: str
    ordered_on: date
    currency: str
    buyer: str
    supplier: str
    supplier_code: str
    node: str
    node_code: str
    postal_code: str
    country: str
    lines: tuple[WantedLine, ...]
    type: str = STAND_ALONE
    customer: ShipTo | None = None
    """Whom the supplier sends it to himself, instead of to a node."""
    service: str = ""
    notes: tuple[str, ...] = ()
    """What goes into the parcel in words."""


def purchase_order(one: WantedOrder, partner: Partner, control: str, at: datetime, purpose: str = NEW) -> str:
    """The document, in an interchange of its own under a control number."""
    return written(
        (partner.own_qualifier, partner.own_id), (partner.their_qualifier, partner.their_id), control, at,
        [(GROUP, control, [(KIND, "0001", _segments(one, purpose))])], is_test=partner.is_test,
    )  # fmt: skip


def _segments(one: WantedOrder, purpose: str) -> list[Elements]:
    found: list[Elements] = [
        ("BEG", purpose, one.type, one.number, "", f"{one.ordered_on:%Y%m%d}"),
        ("CUR", "BY", one.currency),
    ]
    if one.external_ref:
        found.append(("REF", "CR", plain(one.external_ref, 30)))
    if one.service:
        found.append(("TD5", "", "", "", "", plain(one.service, 35)))
    for note in filter(None, (plain(note, NOTE_MAX) for note in one.notes)):
        found += [("N9", "L1", "GIFT MESSAGE"), ("MSG", note)]
    found += [
        ("N1", "BY", plain(one.buyer, 60)),
        ("N1", "SU", plain(one.supplier, 60), "92", plain(one.supplier_code, 80)),
    ]
    if one.customer:
        found += _to_customer(one.customer)
    elif one.node_code:
        found.append(("N1", "ST", plain(one.node, 60), "92", plain(one.node_code, 80)))
    place = _short(("N4", "", "", plain(one.postal_code, 15), one.country))
    found += [place] if len(place) > 1 else []
    for line in one.lines:
        found += _line(line)
    units = sum(line.units for line in one.lines)
    return [*found, ("CTT", str(len(one.lines)), str(units))]


def _to_customer(to: ShipTo) -> list[Elements]:
    street = [plain(one, 55) for one in (to.line1, to.line2) if plain(one, 55)]
    found: list[Elements] = [("N1", "ST", plain(to.name, 60)), *([("N3", *street)] if street else [])]
    # Of other countries N402 has no two letters; the region stands as location (N406) then.
    region = plain(to.region, 30)
    is_code = len(region) == 2
    place = (
        "N4", plain(to.city, 30), region if is_code else "", plain(to.postal_code, 15), plain(to.country, 3),
        *(("SP", region) if region and not is_code else ()),
    )  # fmt: skip
    found.append(_short(place))
    if phone := plain(to.phone, 80):
        found.append(("PER", "DC", "", "TE", phone))
    return [one for one in found if len(one) > 1]


def _line(line: WantedLine) -> list[Elements]:
    barcode = (BARCODE_OF[len(line.barcode)], line.barcode) if len(line.barcode) in BARCODE_OF else ()
    found: list[Elements] = [
        ("PO1", str(line.number), str(line.units), "EA", _price(line.unit_cost), "PE", "BP", plain(line.code, 48),
         *barcode)
    ]  # fmt: skip
    if line.name:
        found.append(("PID", "F", "", "", "", plain(line.name, 80)))
    if line.wanted_on:
        found.append(("DTM", "002", f"{line.wanted_on:%Y%m%d}"))
    return found


def _price(cost: Decimal) -> str:
    """A price without zeros behind its point."""
    text = f"{cost:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _short(elements: Elements) -> Elements:
    """A segment without what is empty at its end."""
    kept = list(elements)
    while kept and not kept[-1]:
        kept.pop()
    return kept


def plain(text: str, most: int) -> str:
    """Text as every partner can read it: in ASCII, without signs that separate, and no longer than it may be."""
    flat = _flat(text)
    for sign in (SEPARATOR, COMPONENT, END):
        flat = flat.replace(sign, " ")
    return " ".join(flat.split())[:most].rstrip()


def survives(text: str) -> bool:
    """Whether all letters and digits of a text have a form that every partner can read."""
    return all(_flat(sign) for sign in text if sign.isalnum())


def _flat(text: str) -> str:
    return unicodedata.normalize("NFKD", text.translate(LATIN)).encode("ascii", "ignore").decode()
