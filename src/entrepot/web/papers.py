"""Papers to print: what goes into a parcel and onto it, and what goes along with many."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import barcode
from barcode.codex import Code128, Gs1_128
from django.utils.translation import gettext, override
from fpdf import FPDF
from fpdf.enums import XPos, YPos
from fpdf.fonts import FontFace

from entrepot import languages
from entrepot.kernel import money
from entrepot.parties import queries as parties
from entrepot.parties.queries import Address
from entrepot.shipping.customs import Customs
from entrepot.shipping.queries import LabelRow
from entrepot.stock.plate_queries import PlateGoods, PlateRow

FONTS = Path(barcode.__file__).parent / "fonts"
MARGIN = 15
HEAD = FontFace(fill_color=(233, 230, 222))


LABEL_MM = (101.6, 152.4)
"""Four by six inches, as label printers take them."""
DOTS_PER_MM = 8
"""Of a label printer of 203 dpi."""


class SlipLine(NamedTuple):
    sku: str
    name: str
    units: int


class Slip(NamedTuple):
    """What a packing slip says: no prices, since the parcel may be a gift."""

    company: str
    order: str
    channel_order: str
    number: str
    address: Address | None
    packages: Sequence[tuple[str, str, Sequence[SlipLine]]]  # number, carton, contents
    gift_message: str = ""


class Paper(FPDF):
    """A4 with a font that has more than Latin letters: names come from everywhere."""

    def __init__(self, size: str | tuple[float, float] = "A4", margin: float = MARGIN) -> None:
        super().__init__(format=size)
        self.add_font("text", "", FONTS / "DejaVuSansMono.ttf")
        self.set_auto_page_break(True, margin)
        self.set_margins(margin, margin)
        self.add_page()

    def say(self, text: str, size: float = 10, height: float = 5) -> None:
        """A line of text, wrapped at the margin."""
        self.set_font("text", size=size)
        self.multi_cell(0, height, text, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def bars(self, text: str, x: float, y: float, width: float, height: float) -> None:
        """A barcode (Code 128) of so many millimetres; none of what it has no bars for."""
        if text and text.isascii() and text.isprintable():
            self._draw(Code128(text).build()[0], x, y, width, height)

    def gs1_bars(self, elements: str, x: float, y: float, width: float, height: float) -> None:
        """A barcode of GS1 elements (GS1-128) of so many millimetres."""
        self._draw(gs1_modules(elements), x, y, width, height)

    def _draw(self, modules: str, x: float, y: float, width: float, height: float) -> None:
        step = width / len(modules)
        self.set_fill_color(0)
        run = 0
        for i, module in enumerate(modules + "0"):
            if module == "1":
                run += 1
            elif run:
                self.rect(x + (i - run) * step, y, run * step, height, style="F")
                run = 0


def gs1_modules(elements: str) -> str:
    """The bars of GS1 elements, 1 for black: scanners tell them from others by the sign that they begin with."""
    return str(Gs1_128(elements).build()[0])


def postal_lines(address: Address | None) -> list[str]:
    """An address as it stands on a parcel."""
    if address is None:
        return []
    town = f"{address.postal_code} {address.city}" + (f", {address.region}" if address.region else "")
    return [
        line for line in (address.name, address.line1, address.line2, town, address.country) if line.strip()
    ]


def packing_slip(slip: Slip) -> bytes:
    """A packing slip as PDF, in the language of where it goes."""
    with override(languages.of_country(slip.address.country if slip.address else "")):
        return _packing_slip(slip)


def _packing_slip(slip: Slip) -> bytes:
    paper = Paper()
    paper.say(slip.company, 14, 8)
    paper.say(gettext("Packing slip %(number)s") % {"number": slip.number}, 12, 7)
    facts = {"number": slip.order, "theirs": slip.channel_order}
    paper.say(
        (gettext("Order %(number)s, yours %(theirs)s") if slip.channel_order else gettext("Order %(number)s"))
        % facts
    )
    paper.bars(slip.number, 140, MARGIN, 55, 12)
    paper.ln(4)
    for line in postal_lines(slip.address):
        paper.say(line)
    for number, carton, lines in slip.packages:
        paper.ln(4)
        facts = {"number": number, "carton": carton}
        paper.say(
            gettext("Package %(number)s, carton %(carton)s") % facts if number else gettext("Contents"), 11, 7
        )
        _contents(paper, lines)
    if slip.gift_message:
        paper.ln(8)
        paper.say(gettext("A message for you"), 11, 7)
        paper.say(slip.gift_message, 12, 7)
    return bytes(paper.output())


class ReturnSlip(NamedTuple):
    """What lies in a parcel that comes back, so that the dock knows it at once."""

    company: str
    number: str
    order: str
    send_to: Sequence[str]
    lines: Sequence[SlipLine]


def return_slip(slip: ReturnSlip) -> bytes:
    """A return slip as PDF: its number in bars, where it goes, what is in it. No name and no price."""
    paper = Paper()
    paper.say(slip.company, 14, 8)
    paper.say(gettext("Return %(number)s") % {"number": slip.number}, 12, 7)
    paper.say(gettext("Order %(number)s") % {"number": slip.order})
    paper.bars(slip.number, 125, MARGIN, 70, 18)
    paper.ln(6)
    for line in slip.send_to:
        paper.say(line)
    paper.ln(4)
    _contents(paper, slip.lines)
    return bytes(paper.output())


def _contents(paper: Paper, lines: Sequence[SlipLine]) -> None:
    paper.set_font("text", size=9)
    with paper.table(
        col_widths=(28, 62, 10), text_align=("LEFT", "LEFT", "RIGHT"), headings_style=HEAD
    ) as table:
        heads = (gettext("SKU"), gettext("What"), gettext("Units"))
        for cells in (heads, *((one.sku, one.name, str(one.units)) for one in lines)):
            row = table.row()
            for cell in cells:
                row.cell(cell)


def commercial_invoice(told: Customs, seller: str, consignee: Sequence[str], on: str) -> bytes:
    """What customs are told of a parcel, as PDF: goods with value, weight and tariff number."""
    paper = Paper()
    paper.say("Commercial invoice", 14, 8)
    paper.say(f"{told.fulfillment}, order {told.order}, {on}")
    paper.bars(told.fulfillment, 140, MARGIN, 55, 12)
    paper.ln(4)
    sender, town = told.sender, f"{told.node_postal_code} {told.sender.city}".strip()
    from_lines = [sender.name or seller, sender.line1, sender.line2, town, told.origin]
    paper.say(
        "Sender: " + ", ".join(filter(None, from_lines)) + (f" (EORI {sender.eori})" if sender.eori else "")
    )
    paper.say("Consignee: " + ", ".join(consignee or [told.destination]))
    paper.say(
        f"{told.packages} packages, {told.weight_g / 1000:.2f} kg gross, {told.carrier or 'own means'} {told.tracking}"
    )
    paper.say(
        f"Terms: {sender.terms}. Country of origin of the goods: {sender.goods_origin or 'not stated'}."
    )
    paper.ln(4)
    paper.set_font("text", size=8)
    heads = ("SKU", "Description", "Tariff no.", "Units", "Net kg", f"Value {told.currency}")
    rows = [
        (one.sku, one.name, one.hs_code or "-", str(one.units), f"{one.weight_g / 1000:.2f}",
         money.text(one.value_minor, told.currency))
        for one in told.lines
    ]  # fmt: skip
    with paper.table(
        col_widths=(20, 40, 16, 8, 10, 16), text_align=("LEFT", "LEFT", "LEFT", "RIGHT", "RIGHT", "RIGHT"),
        headings_style=HEAD,
    ) as table:  # fmt: skip
        for cells in (heads, *rows):
            row = table.row()
            for cell in cells:
                row.cell(cell)
    paper.ln(4)
    total = told.value_minor + told.shipping_minor
    sums = (told.value_minor, told.shipping_minor, total)
    goods, carriage, whole = (money.text(amount, told.currency) for amount in sums)
    paper.say(f"Goods {goods}, carriage {carriage}, in all {whole} {told.currency}")
    paper.ln(8)
    paper.say("I declare that this invoice is true and correct.")
    paper.say("Name and signature: ______________________")
    return bytes(paper.output())


# ---- labels


class Label(NamedTuple):
    """What stands on a parcel."""

    sender: Sequence[str]
    address: Address | None
    carrier: str
    service: str
    tracking: str
    package: str
    order: str
    weight_g: int


def labels_of(rows: Sequence[LabelRow], company: str) -> list[Label]:
    """The labels of a shipment with the address out of the vault: for those only who may see it."""
    address = parties.address(rows[0].address) if rows and rows[0].address else None
    return [
        Label(
            (company, one.node_name, f"{one.node_postal_code} {one.node_country}".strip()), address, one.carrier,
            one.service, one.tracking, one.package_number, one.order_number, one.weight_g,
        )
        for one in rows
    ]  # fmt: skip


def _service(label: Label) -> str:
    return f"{label.carrier} {label.service}".strip() or "Own means"


def label_pdf(labels: Sequence[Label]) -> bytes:
    """Labels as PDF, one on each page of the label's size."""
    width = LABEL_MM[0]
    paper = Paper(LABEL_MM, 5)
    for i, label in enumerate(labels):
        if i:
            paper.add_page()
        for line in label.sender:
            paper.say(line, 7, 3.2)
        paper.line(5, 22, width - 5, 22)
        paper.set_y(25)
        for line in postal_lines(label.address):
            paper.say(line, 12, 6)
        paper.line(5, 72, width - 5, 72)
        paper.set_y(75)
        paper.say(_service(label), 14, 7)
        paper.say(f"{label.package}   {label.order}   {label.weight_g / 1000:.2f} kg", 8, 5)
        paper.bars(label.tracking, 8, 95, width - 16, 35)
        paper.set_y(133)
        paper.set_font("text", size=12)
        paper.cell(0, 6, label.tracking, align="C")
    return bytes(paper.output())


def label_zpl(label: Label) -> str:
    """A label in the language of Zebra's printers, at 203 dpi."""
    lines = [
        "^XA",
        "^CI28",
        f"^PW{round(LABEL_MM[0] * DOTS_PER_MM)}",
        f"^LL{round(LABEL_MM[1] * DOTS_PER_MM)}",
    ]
    y = 40
    for text in label.sender:
        lines.append(f"^FO40,{y}^A0N,24,24^FH^FD{_zpl_text(text)}^FS")
        y += 28
    y = 200
    for text in postal_lines(label.address):
        lines.append(f"^FO40,{y}^A0N,44,40^FH^FD{_zpl_text(text)}^FS")
        y += 52
    facts = f"{label.package}  {label.order}  {label.weight_g / 1000:.2f} kg"
    lines += [
        "^FO40,580^GB730,3,3^FS",
        f"^FO40,610^A0N,50,46^FH^FD{_zpl_text(_service(label))}^FS",
        f"^FO40,680^A0N,28,28^FH^FD{_zpl_text(facts)}^FS",
        f"^FO40,760^BY2^BCN,260,Y,N,N,A^FH^FD{_zpl_text(label.tracking)}^FS",
        "^XZ",
    ]
    return "\n".join(lines) + "\n"


def _zpl_text(text: str) -> str:
    """Text in which nothing is a command: what has a meaning to the printer is written by its code."""
    return "".join(f"_{ord(one):02X}" if one in "^~_\\" or ord(one) < 32 else one for one in text)


# ---- plates


class PlateLabel(NamedTuple):
    """What stands on a plate: its number in bars, where it was made, and what is on it."""

    number: str
    made: str
    lines: Sequence[str]

    @property
    def shown(self) -> str:
        """The number as GS1 has it read."""
        return f"(00) {self.number}"


PLATE_LINES = 8
"""Goods that a plate's label names; of more it says how many."""


def plate_label(plate: PlateRow, goods: Sequence[PlateGoods]) -> PlateLabel:
    """The label of a plate with what stands on it now."""
    lines = [
        f"{one.units} x {one.sku_code}" + (f"  {gettext('lot')} {one.lot}" if one.lot else "")
        for one in goods[:PLATE_LINES]
    ]
    if len(goods) > PLATE_LINES:
        lines.append(gettext("and %(n)s more") % {"n": len(goods) - PLATE_LINES})
    return PlateLabel(plate.number, " ".join(filter(None, (plate.node_code, plate.bin_code))), lines)


def plate_pdf(label: PlateLabel) -> bytes:
    """A plate's label as PDF, of the size of a label printer: GS1-128 with the number of the logistic unit (00)."""
    width = LABEL_MM[0]
    paper = Paper(LABEL_MM, 5)
    paper.say(label.made, 9, 5)
    paper.ln(2)
    for line in label.lines:
        paper.say(line, 11, 6)
    paper.line(5, 82, width - 5, 82)
    paper.gs1_bars(f"00{label.number}", 8, 88, width - 16, 40)
    paper.set_y(131)
    paper.set_font("text", size=13)
    paper.cell(0, 6, label.shown, align="C")
    return bytes(paper.output())


def plate_zpl(label: PlateLabel) -> str:
    """A plate's label in the language of Zebra's printers, at 203 dpi; `>;>8` begins a GS1-128 of digits."""
    lines = [
        "^XA",
        "^CI28",
        f"^PW{round(LABEL_MM[0] * DOTS_PER_MM)}",
        f"^LL{round(LABEL_MM[1] * DOTS_PER_MM)}",
        f"^FO40,40^A0N,30,28^FH^FD{_zpl_text(label.made)}^FS",
    ]
    for i, text in enumerate(label.lines):
        lines.append(f"^FO40,{100 + 56 * i}^A0N,42,38^FH^FD{_zpl_text(text)}^FS")
    lines += [
        "^FO40,660^GB730,3,3^FS",
        f"^FO90,710^BY4^BCN,320,N,N,N^FD>;>800{label.number}^FS",
        f"^FO150,1060^A0N,44,40^FD{label.shown}^FS",
        "^XZ",
    ]
    return "\n".join(lines) + "\n"


# ---- manifests


class ManifestPaper(NamedTuple):
    number: str
    company: str
    node: str
    carrier: str
    closed: str
    weight_g: int
    labels: Sequence[tuple[str, str, int]]  # tracking, package, grams


def manifest_pdf(told: ManifestPaper) -> bytes:
    """What a carrier signs when it collects."""
    paper = Paper()
    paper.say(told.company, 14, 8)
    paper.say(gettext("Manifest %(number)s") % {"number": told.number}, 12, 7)
    paper.bars(told.number, 140, MARGIN, 55, 12)
    paper.say(f"{told.carrier or 'Own means'}, from {told.node}, closed {told.closed}")
    paper.say(f"{len(told.labels)} packages, {told.weight_g / 1000:.2f} kg")
    paper.ln(4)
    paper.set_font("text", size=9)
    with paper.table(
        col_widths=(60, 25, 15), text_align=("LEFT", "LEFT", "RIGHT"), headings_style=HEAD
    ) as table:
        for cells in (
            (gettext("Tracking"), gettext("Package"), gettext("Grams")),
            *((a, b, str(c)) for a, b, c in told.labels),
        ):
            row = table.row()
            for cell in cells:
                row.cell(cell)
    paper.ln(10)
    line = "______________________"
    paper.say(gettext("Collected by: %(line)s on: %(line)s") % {"line": line})
    return bytes(paper.output())
