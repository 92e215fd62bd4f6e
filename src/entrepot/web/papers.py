"""Papers to print: what goes into a parcel and onto it, and what goes along with many."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import segno
from babel import Locale, UnknownLocaleError
from barcode.codex import Code128, Gs1_128
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, override
from fpdf import FPDF
from fpdf.enums import TextDirection, XPos, YPos
from fpdf.fonts import FontFace
from fpdf.line_break import Fragment

from entrepot import languages
from entrepot.parties import queries as parties
from entrepot.parties.queries import Address
from entrepot.returns import label_queries
from entrepot.shipping.customs import Customs
from entrepot.shipping.queries import LabelRow
from entrepot.stock.plate_queries import PlateGoods, PlateRow
from entrepot.web import format as fmt
from entrepot.web import letters

MARGIN = 18
WIDTH = 210 - 2 * MARGIN
"""Of what stands on A4, in millimetres."""
GREY = 110
"""Of what only names what stands beside it."""
HEAD = FontFace(emphasis="B", size_pt=8)
PAD = (1.1, 1, 1.1, 1)
HAND_LINES = 5
"""Of a gift message that has letters which no font has: whoever packs writes it."""


LABEL_MM = (101.6, 152.4)
"""Four by six inches, as label printers take them."""
SMALLEST = 7
"""Points of letters that can still be read on a label."""
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
    """A sheet with letters of every alphabet: names come from everywhere. `about` stands at its foot."""

    def __init__(
        self, size: str | tuple[float, float] = "A4", margin: float = MARGIN, about: Sequence[str] = ()
    ) -> None:
        super().__init__(format=size)
        self.add_font("text", "", letters.TEXT)
        self.add_font("text", "B", letters.BOLD)
        self._fall_back_on(letters.needed(""))
        self.about = about
        self.set_line_width(0.15)
        self.set_auto_page_break(True, margin)
        self.set_margins(margin, margin)
        self.add_page()

    def _fall_back_on(self, names: Iterable[str]) -> None:
        """Ask these fonts as well for letters that the font of texts has none of."""
        for name in names:
            self.add_font(name, "", letters.further()[name].path)
        known = [name for name in letters.further() if name in self.fonts]
        self.set_fallback_fonts(known, exact_match=False)
        self._known = {letter for name in ("text", *known) for letter in self.fonts[name].cmap}  # type: ignore[union-attr]

    def normalize_text(self, text: str) -> str:
        """Every text on its way to the paper: with the fonts that it needs, a sign for what none of them has, and its
        letters joined and in their order where they are written from right to left."""
        if missing := [name for name in letters.needed(text) if name not in self.fonts]:
            self._fall_back_on(missing)
        self.set_text_shaping(letters.is_shaped(text))
        return "".join(
            one if ord(one) in self._known or not one.isprintable() else letters.NO_LETTER
            for one in letters.shown(text)
        )

    def _preload_bidirectional_text(self, text: str, markdown: bool) -> Sequence[Fragment]:  # noqa: FBT001  as fpdf calls it
        """A line as it stands from the left: fpdf leaves the parts of Arabic around a number where they are read."""
        if not self.text_shaping or letters.begins_leftward(text):
            return super()._preload_bidirectional_text(text, markdown)
        found: list[Fragment] = []
        self.text_shaping["paragraph_direction"] = TextDirection.LTR
        for run in letters.runs(text):
            way = TextDirection.RTL if run.is_leftward else TextDirection.LTR
            self.text_shaping["fragment_direction"] = way
            found.extend(self._preload_font_styles(run.text, markdown))
        return found

    def footer(self) -> None:
        """On each page what it is part of, so that a loose sheet finds its way back."""
        if not self.about:
            return
        self.set_y(-MARGIN + 5)
        self.set_font("text", size=8)
        self.set_text_color(GREY)
        self.cell(WIDTH / 2, 4, " · ".join(self.about))
        page = gettext("Page %(n)s of %(all)s") % {"n": self.page_no(), "all": self.str_alias_nb_pages}
        self.cell(WIDTH / 2, 4, page, align="R")
        self.set_text_color(0)

    def say(
        self, text: str, size: float = 10, height: float = 5, *, bold: bool = False, grey: bool = False
    ) -> None:
        """A line of text, wrapped at the margin."""
        self.set_font("text", "B" if bold else "", size)
        self.set_text_color(GREY if grey else 0)
        self.multi_cell(0, height, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.set_text_color(0)

    def fitted(self, text: str, size: float, height: float, *, bold: bool = False) -> None:
        """A line of text that is one line, however long: smaller where it has to be, and cut at the smallest size."""
        self.set_font("text", "B" if bold else "", size)
        while size > SMALLEST and self.get_string_width(text) > self.epw - 2:
            size -= 1
            self.set_font_size(size)
        while text and self.get_string_width(text) > self.epw - 2:
            text = text[:-1]
        self.cell(0, height, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def head(self, company: str, title: str, number: str = "") -> None:
        """Who writes, and what it is; its number in bars at the right, for a scanner."""
        self.bars(number, MARGIN + WIDTH - 66, MARGIN, 66, 13)
        self.say(company, 11, 6, grey=True)
        self.say(title, 20, 10, bold=True)
        self.ln(2)

    def beside(self, lines: Sequence[str], facts: Sequence[tuple[str, str]], heading: str = "") -> None:
        """Lines of text at the left, and at the right facts under their names; goes on below the longer."""
        top = self.get_y()
        if heading:
            self.say(heading, 8, 4.2, grey=True)
        for line in lines:
            self.set_font("text", size=11)
            self.multi_cell(WIDTH * 0.55, 5.4, line, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        left, name, value = self.get_y(), WIDTH * 0.16, WIDTH * 0.26
        self.set_y(top)
        for what, text in facts:
            self.set_x(MARGIN + WIDTH - name - value)
            self.set_font("text", size=9)
            self.set_text_color(GREY)
            self.cell(name, 5, what)
            self.set_text_color(0)
            self.multi_cell(value, 5, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.set_y(max(left, self.get_y()))
        self.ln(5)

    def rows(
        self, widths: Sequence[float], texts: int, heads: Sequence[str], rows: Iterable[Sequence[str]]
    ) -> None:
        """A table whose first `texts` columns are text and the others numbers; its heads stand on each page."""
        self.set_font("text", size=9.5)
        align = tuple("LEFT" if place < texts else "RIGHT" for place in range(len(widths)))
        with self.table(
            col_widths=tuple(widths), text_align=align, headings_style=HEAD, line_height=4.6, padding=PAD,
            borders_layout="HORIZONTAL_LINES",
        ) as table:  # fmt: skip
            for cells in (heads, *rows):
                row = table.row()
                for cell in cells:
                    row.cell(cell)

    def sums(self, rows: Sequence[tuple[str, str]], whole: tuple[str, str]) -> None:
        """Amounts at the right under one another, and the one that they make in bold."""
        for what, amount in rows:
            self._sum(what, amount, 10, bold=False)
        y, left = self.get_y() + 0.6, MARGIN + WIDTH * 0.55
        self.line(left, y, MARGIN + WIDTH, y)
        self.set_y(y + 0.8)
        self._sum(*whole, 12, bold=True)

    def beneath(self, what: str, amount: str) -> None:
        """An amount beneath sums, which is in none of them."""
        self._sum(what, amount, 9, bold=False)

    def _sum(self, what: str, amount: str, size: float, *, bold: bool) -> None:
        self.set_x(MARGIN + WIDTH * 0.55)
        self.set_font("text", "B" if bold else "", size)
        self.cell(WIDTH * 0.25, size * 0.55, what)
        self.cell(WIDTH * 0.2, size * 0.55, amount, align="R", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def lines_to_write_on(self, count: int) -> None:
        """Empty lines for what somebody writes by hand."""
        for _ in range(count):
            self.ln(11)
            self.line(MARGIN, self.get_y(), MARGIN + WIDTH, self.get_y())

    def by_hand(self, text: str) -> None:
        """Where somebody writes by hand, with room above it."""
        self.ln(12)
        self.say(text)

    def bars(self, text: str, x: float, y: float, width: float, height: float) -> None:
        """A barcode (Code 128) of so many millimetres; none of what it has no bars for."""
        if text and text.isascii() and text.isprintable():
            self._draw(Code128(text).build()[0], x, y, width, height)

    def gs1_bars(self, elements: str, x: float, y: float, width: float, height: float) -> None:
        """A barcode of GS1 elements (GS1-128) of so many millimetres."""
        self._draw(gs1_modules(elements), x, y, width, height)

    def square(self, text: str, x: float, y: float, side: float) -> None:
        """A code for phones and scanners (QR) of so many millimetres."""
        rows = tuple(_scan_code(text).matrix)
        step = side / len(rows)
        self.set_fill_color(0)
        for down, row in enumerate(rows):
            for across, module in enumerate(row):
                if module:
                    self.rect(x + across * step, y + down * step, step, step, style="F")

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


def scan_code(text: str) -> SafeString:
    """A code for phones and scanners (QR, never Micro QR: few read that) as it stands in a page."""
    return mark_safe(_scan_code(text).svg_inline(omitsize=True, border=2))  # noqa: S308  drawn by segno


def _scan_code(text: str) -> segno.QRCode:
    return segno.make(text, error="m", micro=False)


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


TYPES = {"pdf": "application/pdf", "zpl": "text/plain; charset=utf-8"}


def to_print(content: bytes | str, name: str) -> HttpResponse:
    """A paper (.pdf) or what a label printer takes (.zpl), shown by the browser and kept under its name."""
    response = HttpResponse(content, content_type=TYPES[name.rpartition(".")[2]])
    response["Content-Disposition"] = f'inline; filename="{name}"'
    return response


@contextmanager
def for_country(country: str) -> Iterator[None]:
    """Within this block texts, days and amounts are as they are read there; English where we have no such texts."""
    language = languages.of_country(country)
    try:
        locale = Locale.parse(f"{language}_{country}")
    except (UnknownLocaleError, ValueError):
        locale = Locale("en", "GB") if language == "en" else Locale(language)
    with override(language), fmt.read_by(fmt.Reading(locale=locale)):
        yield


def packing_slip(slip: Slip) -> bytes:
    """A packing slip as PDF, in the language of where it goes."""
    with for_country(slip.address.country if slip.address else ""):
        return _packing_slip(slip)


def _packing_slip(slip: Slip) -> bytes:
    paper = Paper(about=(slip.company, slip.number))
    paper.head(slip.company, gettext("Packing slip"), slip.number)
    facts = [(gettext("Number"), slip.number), (gettext("Order"), slip.order)]
    if slip.channel_order:
        facts.append((gettext("Yours"), slip.channel_order))
    paper.beside(postal_lines(slip.address), facts, gettext("Sent to"))
    for number, carton, lines in slip.packages:
        told = {"number": number, "carton": carton}
        if number:
            paper.say(gettext("Package %(number)s, carton %(carton)s") % told, 12, 7, bold=True)
        _contents(paper, lines)
        paper.ln(4)
    if slip.gift_message:
        paper.ln(4)
        paper.say(gettext("A message for you"), 9, 5, grey=True)
        if letters.missing(slip.gift_message):
            paper.lines_to_write_on(HAND_LINES)
        else:
            paper.say(slip.gift_message, 14, 7)
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
    paper = Paper(about=(slip.company, slip.number))
    paper.head(slip.company, gettext("Return slip"), slip.number)
    paper.beside(
        slip.send_to,
        [(gettext("Number"), slip.number), (gettext("Order"), slip.order)],
        gettext("Send to"),
    )
    paper.say(gettext("Lay this sheet into the parcel."), 9, 6, grey=True)
    _contents(paper, slip.lines)
    return bytes(paper.output())


def _contents(paper: Paper, lines: Sequence[SlipLine]) -> None:
    heads = (gettext("SKU"), gettext("What"), gettext("Units"))
    paper.rows((28, 62, 10), 2, heads, ((one.sku, one.name, str(one.units)) for one in lines))


def commercial_invoice(told: Customs, seller: str, consignee: Sequence[str], on: str) -> bytes:
    """What customs are told of a parcel, as PDF: goods with value, weight and tariff number. In English, which
    customs of every country read."""
    with for_country(""):
        return _commercial_invoice(told, seller, consignee, on)


def _commercial_invoice(told: Customs, seller: str, consignee: Sequence[str], on: str) -> bytes:
    sender = told.sender
    paper = Paper(about=(seller, told.fulfillment))
    paper.head(seller, "Commercial invoice", told.fulfillment)
    facts = [
        ("Number", told.fulfillment), ("Order", told.order), ("Date", on), ("Packages", str(told.packages)),
        ("Gross weight", f"{told.weight_g / 1000:.2f} kg"), ("Carrier", told.carrier or "own means"),
        ("Tracking", told.tracking), ("Terms", sender.terms), ("Origin", sender.goods_origin or "not stated"),
    ]  # fmt: skip
    paper.beside(consignee or [told.destination], [one for one in facts if one[1]], "Consignee")
    town = f"{told.node_postal_code} {sender.city}".strip()
    eori = f"EORI {sender.eori}" if sender.eori else ""
    from_lines = [sender.name or seller, sender.line1, sender.line2, town, told.origin, eori]
    paper.say("Sender", 8, 4.2, grey=True)
    paper.say(", ".join(filter(None, from_lines)))
    paper.ln(3)
    rows = (
        (one.sku, one.name, one.hs_code or "-", str(one.units), f"{one.weight_g / 1000:.2f}",
         fmt.amount(one.value_minor, told.currency))
        for one in told.lines
    )  # fmt: skip
    heads = ("SKU", "Description", "Tariff no.", "Units", "Net kg", f"Value {told.currency}")
    paper.rows((20, 40, 16, 8, 10, 16), 3, heads, rows)
    paper.ln(3)
    goods, carriage = (fmt.amount(one, told.currency) for one in (told.value_minor, told.shipping_minor))
    whole = fmt.amount(told.value_minor + told.shipping_minor, told.currency)
    paper.sums([("Goods", goods), ("Carriage", carriage)], (f"In all {told.currency}", whole))
    paper.ln(6)
    paper.say("I declare that this invoice is true and correct.")
    paper.by_hand("Name and signature: ______________________")
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
            paper.say(line, 8, 3.4)
        paper.line(5, 22, width - 5, 22)
        paper.set_y(25)
        for place, line in enumerate(postal_lines(label.address)):
            paper.fitted(line, 14, 6.2, bold=not place)
        paper.line(5, 72, width - 5, 72)
        paper.set_y(74)
        paper.fitted(_service(label), 18, 9, bold=True)
        paper.say(f"{label.package}   {label.order}   {label.weight_g / 1000:.2f} kg", 9, 5)
        paper.bars(label.tracking, 8, 95, width - 16, 35)
        paper.set_y(132)
        paper.set_font("text", "B", 14)
        paper.cell(0, 7, label.tracking, align="C")
    return bytes(paper.output())


class ReturnLabel(NamedTuple):
    """What stands on a parcel that comes back. `number` is the return's."""

    sender: Sequence[str]
    send_to: Sequence[str]
    carrier: str
    service: str
    tracking: str
    number: str
    weight_g: int


def return_label_pdf(label: ReturnLabel) -> bytes:
    """A label for a parcel that comes back as PDF, of a label's size: its number in bars, and as a code for a phone."""
    width = LABEL_MM[0]
    paper = Paper(LABEL_MM, 5)
    for line in label.sender:
        paper.say(line, 8, 3.4)
    paper.line(5, 25, width - 5, 25)
    paper.set_y(27)
    for place, line in enumerate(label.send_to):
        paper.say(line, 13, 5.8, bold=not place)
    paper.line(5, 66, width - 5, 66)
    paper.set_y(68)
    paper.fitted(f"{label.carrier} {label.service}".strip(), 16, 8, bold=True)
    weight = gettext("Return %(number)s") % {"number": label.number}
    paper.say(f"{weight}   {label.weight_g / 1000:.2f} kg", 9, 5)
    paper.square(label.tracking, 5, 84, 24)
    paper.bars(label.tracking, 33, 86, width - 39, 20)
    paper.set_y(112)
    paper.set_font("text", "B", 14)
    paper.cell(0, 7, label.tracking, align="C", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    paper.ln(3)
    paper.say(
        gettext("Stick it on the parcel so that no bar is bent, and cover older labels."), 9, 4, grey=True
    )
    return bytes(paper.output())


def of_carrier(picture: str, name: str) -> HttpResponseBase:
    """A label as its carrier sold it: where it stands, or what is kept of it (`data:`)."""
    kept = _kept(picture)
    if kept is None:
        return redirect(picture)
    kind, body = kept
    response = HttpResponse(b64decode(body), content_type=kind)
    response["Content-Disposition"] = f'inline; filename="{name}"'
    return response


def kept_as(picture: str, kinds: Collection[str]) -> bytes | None:
    """What is kept of a carrier's label, where it is of one of some content types; None where it is not kept here."""
    kept = _kept(picture)
    return b64decode(kept[1]) if kept and kept[0].lower() in kinds else None


def _kept(picture: str) -> tuple[str, str] | None:
    """The content type and the body of a label that is kept here; None where it stands elsewhere."""
    kind, mark, body = picture.removeprefix("data:").partition(";base64,")
    return (kind, body) if picture.startswith("data:") and mark else None


KINDS = {
    "pdf": ("application/pdf",),
    "zpl": ("application/zpl", "text/plain", "x-application/zpl", "application/x-zpl", "text/zpl"),
}
"""How sources call a paper, and what a label printer takes, by what is asked for."""


def return_label(found: label_queries.LabelRow, send_to: Sequence[str]) -> ReturnLabel:
    """A return's label with the customer's address out of the vault: for those only who may see it."""
    address = parties.address(found.address) if found.address else None
    more = len(found.returns) - 1
    numbers = f"{found.number} + {more}" if more else found.number
    return ReturnLabel(
        postal_lines(address) or [found.country], send_to, found.carrier, found.service, found.tracking, numbers,
        found.weight_g,
    )  # fmt: skip


def label_zpl(label: Label) -> str:
    """A label in the language of Zebra's printers, at 203 dpi."""
    lines = []
    y = 40
    for text in label.sender:
        lines.append(_zpl_line(40, y, 24, 24, text))
        y += 28
    y = 200
    for text in postal_lines(label.address):
        lines.append(_zpl_line(40, y, 44, 40, text))
        y += 52
    facts = f"{label.package}  {label.order}  {label.weight_g / 1000:.2f} kg"
    lines += [
        "^FO40,580^GB730,3,3^FS",
        _zpl_line(40, 610, 50, 46, _service(label)),
        f"^FO40,680^A0N,28,28^FH^FD{_zpl_text(facts)}^FS",
        f"^FO40,760^BY2^BCN,260,Y,N,N,A^FH^FD{_zpl_text(label.tracking)}^FS",
    ]
    return _zpl(lines)


def _zpl(fields: Sequence[str]) -> str:
    """Fields as one label of the label's size."""
    width, height = (round(side * DOTS_PER_MM) for side in LABEL_MM)
    return "\n".join(["^XA", "^CI28", f"^PW{width}", f"^LL{height}", *fields, "^XZ", ""])


def _zpl_line(x: int, y: int, height: int, width: int, text: str) -> str:
    """A line of text in the printer's own font; drawn as a picture where it has letters that no printer has."""
    if letters.needs_dots(text):
        return f"^FO{x},{y}{_zpl_picture(text, height)}^FS"
    return f"^FO{x},{y}^A0N,{height},{_zpl_width(text, width, x)}^FH^FD{_zpl_text(text)}^FS"


def _zpl_width(text: str, width: int, x: int) -> int:
    """How wide letters may be so that the line ends before the edge: a printer cuts off what is longer. Font 0 takes
    some six tenths of its width for a letter."""
    room = round(LABEL_MM[0] * DOTS_PER_MM) - 2 * x
    return max(1, min(width, int(room / (0.6 * max(1, len(text))))))


def _zpl_picture(text: str, height: int) -> str:
    """A line of text as dots, no wider than the label."""
    picture = letters.dots(text, height, room=round(LABEL_MM[0] * DOTS_PER_MM) - 80)
    dots = bytes(one ^ 0xFF for one in picture.tobytes())  # black is 1 to a printer
    across = -(-picture.width // 8)
    left = picture.width % 8
    if left:  # what fills the last byte of a row is white
        mask = 0xFF << (8 - left) & 0xFF
        dots = bytes(one & mask if (i + 1) % across == 0 else one for i, one in enumerate(dots))
    return f"^GFA,{len(dots)},{len(dots)},{across},{dots.hex().upper()}"


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
    lines = [f"^FO40,40^A0N,30,28^FH^FD{_zpl_text(label.made)}^FS"]
    for i, text in enumerate(label.lines):
        lines.append(_zpl_line(40, 100 + 56 * i, 42, 38, text))
    lines += [
        "^FO40,660^GB730,3,3^FS",
        f"^FO90,710^BY4^BCN,320,N,N,N^FD>;>800{label.number}^FS",
        f"^FO150,1060^A0N,44,40^FD{label.shown}^FS",
    ]
    return _zpl(lines)


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
    paper = Paper(about=(told.company, told.number))
    paper.head(told.company, gettext("Manifest"), told.number)
    facts = [
        (gettext("Number"), told.number), (gettext("Closed"), told.closed),
        (gettext("Packages"), str(len(told.labels))), (gettext("Weight"), f"{told.weight_g / 1000:.2f} kg"),
    ]  # fmt: skip
    carrier = told.carrier or gettext("own means")
    paper.beside([carrier, gettext("from %(node)s") % {"node": told.node}], facts, gettext("Carrier"))
    heads = (gettext("Tracking"), gettext("Package"), gettext("Grams"))
    paper.rows((60, 25, 15), 2, heads, ((tracking, parcel, str(g)) for tracking, parcel, g in told.labels))
    line = "______________________"
    paper.by_hand(gettext("Collected by: %(line)s on: %(line)s") % {"line": line})
    return bytes(paper.output())
