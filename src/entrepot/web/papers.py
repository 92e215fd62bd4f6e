"""Papers to print: what goes into a parcel and onto it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import barcode
from barcode.codex import Code128
from fpdf import FPDF
from fpdf.enums import XPos, YPos
from fpdf.fonts import FontFace

from entrepot.parties.queries import Address

FONTS = Path(barcode.__file__).parent / "fonts"
MARGIN = 15
HEAD = FontFace(fill_color=(233, 230, 222))


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


class Paper(FPDF):
    """A4 with a font that has more than Latin letters: names come from everywhere."""

    def __init__(self, size: str | tuple[float, float] = "A4") -> None:
        super().__init__(format=size)
        self.add_font("text", "", FONTS / "DejaVuSansMono.ttf")
        self.set_auto_page_break(True, MARGIN)
        self.set_margins(MARGIN, MARGIN)
        self.add_page()

    def say(self, text: str, size: float = 10, height: float = 5) -> None:
        """A line of text, wrapped at the margin."""
        self.set_font("text", size=size)
        self.multi_cell(0, height, text, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def bars(self, text: str, x: float, y: float, width: float, height: float) -> None:
        """A barcode (Code 128) of so many millimetres."""
        modules = Code128(text).build()[0]
        step = width / len(modules)
        self.set_fill_color(0)
        run = 0
        for i, module in enumerate(modules + "0"):
            if module == "1":
                run += 1
            elif run:
                self.rect(x + (i - run) * step, y, run * step, height, style="F")
                run = 0


def postal_lines(address: Address | None) -> list[str]:
    """An address as it stands on a parcel."""
    if address is None:
        return []
    town = f"{address.postal_code} {address.city}" + (f", {address.region}" if address.region else "")
    return [
        line for line in (address.name, address.line1, address.line2, town, address.country) if line.strip()
    ]


def packing_slip(slip: Slip) -> bytes:
    """A packing slip as PDF."""
    paper = Paper()
    paper.say(slip.company, 14, 8)
    paper.say(f"Packing slip {slip.number}", 12, 7)
    paper.say(f"Order {slip.order}" + (f", yours {slip.channel_order}" if slip.channel_order else ""))
    paper.bars(slip.number, 140, MARGIN, 55, 12)
    paper.ln(4)
    for line in postal_lines(slip.address):
        paper.say(line)
    for number, carton, lines in slip.packages:
        paper.ln(4)
        paper.say(f"Package {number}, carton {carton}" if number else "Contents", 11, 7)
        paper.set_font("text", size=9)
        with paper.table(
            col_widths=(28, 62, 10), text_align=("LEFT", "LEFT", "RIGHT"), headings_style=HEAD
        ) as table:
            for cells in (("SKU", "What", "Units"), *((one.sku, one.name, str(one.units)) for one in lines)):
                row = table.row()
                for cell in cells:
                    row.cell(cell)
    return bytes(paper.output())
