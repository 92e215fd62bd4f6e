"""Papers: labels for printers, and PDFs of any name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from uuid import UUID

import pytest
from barcode.charsets.code128 import CODES
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fpdf.line_break import Fragment
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from entrepot.parties.queries import Address
from entrepot.settlement.invoicing import CREDIT_NOTE, INVOICE, Line, Seller
from entrepot.settlement.ubl import Paper, Party
from entrepot.stock.plate_queries import PlateGoods, PlateRow
from entrepot.stock.plating import sscc
from entrepot.web import invoice_paper, letters, papers

NOW = datetime(2026, 11, 29, 9, tzinfo=UTC)
WHERE = Address(
    UUID(int=1), "Zoë Łącka", "1 ^Hill~ Street_", "", "Sibiu", "", "550001", "RO", "z@example.com", "", "", "", None,
)  # fmt: skip
LABEL = papers.Label(("Hearth & Home",), WHERE, "UPS", "Ground", "1Z5R89390357567127", "PK-1", "SO-1", 1250)


def test_a_label_for_a_printer_has_the_number_as_a_barcode():
    zpl = papers.label_zpl(LABEL)
    assert zpl.startswith("^XA\n^CI28\n")
    assert zpl.endswith("^XZ\n")
    assert "^BCN,260,Y,N,N,A^FH^FD1Z5R89390357567127^FS" in zpl
    assert "Zoë Łącka" in zpl
    assert "z@example.com" not in zpl


def test_nothing_in_an_address_commands_the_printer():
    assert "1 _5EHill_7E Street_5F" in papers.label_zpl(LABEL)


@given(st.text(max_size=40))
def test_whatever_a_name_is_the_printer_gets_whole_fields(name: str):
    zpl = papers.label_zpl(LABEL._replace(address=replace(WHERE, name=name), tracking=name))
    assert zpl.count("^FD") + zpl.count("^GFA") == zpl.count("^FS") - 1  # the rule has no text
    assert zpl.count("^XA") == zpl.count("^XZ") == 1


def test_papers_are_made_of_any_name_and_number():
    for tracking in ("1Z5R89390357567127", "номер 7", "x" * 64, ""):
        pdf = papers.label_pdf([LABEL._replace(tracking=tracking), LABEL])
        assert pdf.startswith(b"%PDF")
    assert papers.label_pdf([LABEL._replace(address=None)]).startswith(b"%PDF")
    slip = papers.Slip(
        "House", "SO-1", "X", "FF-1", WHERE, [("PK-1", "C1", [papers.SlipLine("A", "Чай", 2)])]
    )
    assert papers.packing_slip(slip).startswith(b"%PDF")
    many = [(f"T{i}", f"PK-{i}", 10) for i in range(300)]
    told = papers.ManifestPaper("MF-1", "House", "London", "UPS", "today", 3000, many)
    assert papers.manifest_pdf(told).startswith(b"%PDF")


MUG = Line("MUG", "Stoneware mug", 4, 28_844, 0, 499, 5_769, "S", Decimal("0.19"))
SHOP = Party("Hearth & Home Ltd", "GB", "Unit 4, Kiln Lane", city="Leeds", tax_number="GB123456789")


@pytest.fixture
def written(monkeypatch) -> list[str]:
    """What is put on papers, as texts in their order."""
    texts: list[str] = []
    for name in ("cell", "multi_cell"):
        put = getattr(papers.Paper, name)

        def keep(self, *values, put=put, **options):
            texts.extend(one for one in values if isinstance(one, str))
            return put(self, *values, **options)

        monkeypatch.setattr(papers.Paper, name, keep)
    rows = papers.Paper.rows

    def keep_rows(self, widths, count, heads, found):
        found = [list(one) for one in found]
        texts.extend([*heads, *(cell for one in found for cell in one)])
        return rows(self, widths, count, heads, found)

    monkeypatch.setattr(papers.Paper, "rows", keep_rows)
    return texts


def an_invoice(kind: str, country: str, *lines: Line, terms: str = Seller().terms) -> Paper:
    buyer = Party("Ada", country, "Hauptstr. 88", city="Berlin")
    days = date(2026, 11, 28), date(2026, 11, 27)
    return Paper(kind, "INV-1", *days, "EUR", "SO-1", (), SHOP, buyer, terms, lines or (MUG,))


def test_an_invoice_is_written_as_its_buyer_reads(written):
    assert invoice_paper.pdf(an_invoice(INVOICE, "DE")).startswith(b"%PDF")
    assert {"Rechnung", "28.11.2026", "Deutschland", "72,11", "293,43", "57,69", "351,12", "19 %"} <= set(
        written
    )
    assert "Stoneware mug\nMUG" in written
    assert "Rabatt" not in written, "a column in which nothing stands"

    written.clear()
    invoice_paper.pdf(an_invoice(INVOICE, "GB"))
    assert {"Invoice", "28 Nov 2026", "United Kingdom", "351.12", "Discount"} - set(written) == {"Discount"}


def test_the_sums_of_an_invoice_are_told_by_rate(written):
    half = Line("TEA", "", 1, 1_000, 100, 0, 50, "S", Decimal("0.055"))
    invoice_paper.pdf(an_invoice(INVOICE, "IE", MUG, half))
    assert {"Net at 19 %", "293.43", "Net at 5.5 %", "9.00", "Tax 5.5 %", "0.50", "360.62", "TEA"} <= set(
        written
    )
    assert "Discount" in written


def test_what_is_given_back_has_no_terms_of_payment(written):
    invoice_paper.pdf(an_invoice(CREDIT_NOTE, "GB", terms="30 days net"))
    assert {"Credit note", "This amount is given back to you."} <= set(written)
    assert "30 days net" not in written
    written.clear()
    invoice_paper.pdf(an_invoice(INVOICE, "GB", terms="30 days net"))
    assert "30 days net" in written


def test_a_loose_sheet_says_what_it_is_part_of(written):
    many = [(f"T{i}", f"PK-{i}", 10) for i in range(100)]
    papers.manifest_pdf(papers.ManifestPaper("MF-1", "House", "London", "UPS", "today", 3000, many))
    assert written.count("House · MF-1") == sum(one.startswith("Page ") for one in written) >= 3


def symbols(modules: str) -> list[int]:
    """The values of a Code 128's signs, without its stop."""
    return [CODES.index(modules[at : at + 11]) for at in range(0, len(modules) - 13, 11)]


@given(st.from_regex(r"[0-9]{4,12}", fullmatch=True), st.integers(0, 9), st.integers(1, 10**9))
def test_a_plates_bars_are_a_gs1_128_with_its_number(prefix: str, extension: int, serial: int):
    number = sscc(prefix, extension, serial)
    start, first, *pairs, check = symbols(papers.gs1_modules(f"00{number}"))
    assert (start, first) == (105, 102), "code C, and the sign that makes it GS1-128"
    assert "".join(f"{pair:02d}" for pair in pairs) == f"00{number}"
    assert check == (start + sum(i * one for i, one in enumerate([first, *pairs], 1))) % 103


def test_a_plates_label_says_what_is_on_it_and_of_much_how_much():
    row = PlateRow(
        UUID(int=1), "376104250021234569", UUID(int=2), "LDN", UUID(int=3), "R-01", "reserve", 99, 10, ["PEN"], "ann",
        NOW, NOW, None, "", 0,
    )  # fmt: skip
    goods = [
        PlateGoods(
            row.id,
            UUID(int=i),
            UUID(int=i),
            f"PEN-{i}^",
            "Pen",
            "L1" if i else "",
            "",
            "sellable",
            None,
            i + 1,
        )
        for i in range(10)
    ]
    label = papers.plate_label(row, goods)
    assert label.lines[:2] == ["1 x PEN-0^", "2 x PEN-1^  lot L1"] and label.lines[-1] == "and 2 more"
    zpl = papers.plate_zpl(label)
    assert "^FD>;>800376104250021234569^FS" in zpl and "(00) 376104250021234569" in zpl
    assert "PEN-0_5E" in zpl and zpl.count("^FD") == zpl.count("^FS") - 1
    assert papers.plate_pdf(label).startswith(b"%PDF")


JAPAN = replace(
    WHERE, name="山田太郎", line1="丸の内1-2-3", city="東京都", postal_code="100-0005", country="JP"
)


@pytest.mark.parametrize("text", ["山田太郎", "서울특별시", "中华人民共和国", "ﾃｽﾄ", "臺北市"])
def test_letters_of_the_east_stand_on_papers(text: str):
    paper = papers.Paper()
    assert "east" not in paper.fonts, "it is large, and read where it is needed"
    assert paper.normalize_text(text) == text
    paper.say(text)
    paper.say(text, bold=True)
    assert all(ord(one) in paper.fonts["east"].cmap for one in text)
    assert b"NotoSansCJK" in paper.output()


def test_a_label_is_made_for_who_lives_in_the_east():
    plain = papers.label_pdf([LABEL])
    eastern = papers.label_pdf([LABEL._replace(address=JAPAN), LABEL])
    assert b"NotoSansCJK" in eastern and b"NotoSansCJK" not in plain
    assert len(eastern) < 200_000, "only the letters that stand on it"


@pytest.fixture(scope="module")
def paper() -> Iterator[papers.Paper]:
    found = papers.Paper()
    yield found
    found.output()  # lets go of the fonts


@given(st.text(max_size=60))
def test_a_letter_that_no_font_has_is_seen_to_be_missing(paper: papers.Paper, text: str):
    shown = paper.normalize_text(text)
    assert len(shown) == len(text)
    for had, has in zip(text, shown, strict=True):
        assert has == had or (has == letters.NO_LETTER and ord(had) not in paper._known)


def test_latin_letters_need_no_sign(paper: papers.Paper):
    assert paper.normalize_text("Zoë Łącka, Ελλάδα\nЖ 1\t€") == "Zoë Łącka, Ελλάδα\nЖ 1\t€"
    assert paper.normalize_text("नम") == letters.NO_LETTER * 2


def test_a_printer_gets_letters_that_it_has_not_as_a_picture():
    zpl = papers.label_zpl(LABEL._replace(address=JAPAN))
    assert "山田" not in zpl and "^FDJP^FS" in zpl
    fields = re.findall(r"\^FO40,\d+\^GFA,(\d+),(\d+),(\d+),([0-9A-F]+)\^FS", zpl)
    assert len(fields) == 3, "name, street and town"
    for whole, again, across, dots in fields:
        assert whole == again and len(dots) == 2 * int(whole) and int(whole) == 44 * int(across)
        assert int(across) * 8 <= papers.LABEL_MM[0] * papers.DOTS_PER_MM
        black = sum(int(dots[at : at + 2], 16).bit_count() for at in range(0, len(dots), 2))
        assert 0.02 < black / (int(whole) * 8) < 0.5, "letters, and not their ground"


LONG = LABEL._replace(
    carrier="Harbour Freight", service="Economy, four days to the door and signed for",
    address=replace(WHERE, name="Wilhelmina Featherstonehaugh-Cholmondeley of the Old Rectory"),
)  # fmt: skip


def test_a_long_line_of_a_label_ends_before_its_edge():
    """A printer cuts off what is longer, and a second line would stand on the next one."""
    for x, width, text in re.findall(r"\^FO(\d+),\d+\^A0N,\d+,(\d+)\^FH\^FD(.*)\^FS", papers.label_zpl(LONG)):
        assert int(x) + 0.6 * int(width) * len(text) <= 813, text
    assert "^A0N,50,46^FH^FDUPS Ground^FS" in papers.label_zpl(LABEL), "what is short is as large as it was"


def test_a_long_name_of_a_service_is_one_line(monkeypatch: pytest.MonkeyPatch):
    """So that it does not push what stands below it under the bars."""
    below: list[float] = []
    bars = papers.Paper.bars
    monkeypatch.setattr(
        papers.Paper, "bars", lambda self, *facts: (below.append(self.get_y()), bars(self, *facts))
    )
    for label in (LABEL, LONG, LONG._replace(service="signed for " * 20)):
        assert papers.label_pdf([label]).startswith(b"%PDF")
    assert below == [below[0]] * 3
    assert below[0] <= 95


# ---- letters that are written from right to left


STREET = "Flat 4, شارع 15 مايو (Corniche)"


def test_a_number_within_arabic_stands_between_the_words_around_it():
    assert [(one.text.strip(), one.is_leftward) for one in letters.runs(STREET)] == [
        ("Flat 4,", False), ("مايو", True), ("15", False), ("شارع", True), ("(Corniche)", False),
    ]  # fmt: skip
    assert [one.text.strip() for one in letters.runs("רחוב הרצל 15, דירה 3")] == [
        "3", ", דירה", "15", "רחוב הרצל",
    ]  # fmt: skip


@given(st.text(max_size=30))
def test_a_line_keeps_each_letter_whatever_its_order(text: str):
    assert sorted("".join(one.text for one in letters.runs(text))) == sorted(text)


@given(st.text("abc 123.,()", max_size=30))
def test_a_line_from_left_to_right_stands_as_it_is_read(text: str):
    assert letters.runs(text) == ([letters.Run(text, is_leftward=False)] if text else [])
    assert not letters.begins_leftward(text)


@pytest.fixture
def put_down(monkeypatch) -> list[tuple[float, float, str]]:
    """What is drawn with its letters joined: from above, then from the left."""
    found: list[tuple[float, float, str]] = []
    draw = Fragment.render_with_text_shaping

    def keep(self, pos_x, pos_y, h, word_spacing):
        found.append((round(pos_y, 2), pos_x, self.string.strip()))
        return draw(self, pos_x, pos_y, h, word_spacing)

    monkeypatch.setattr(Fragment, "render_with_text_shaping", keep)
    return found


@pytest.mark.parametrize(
    ("line", "from_left"),
    [
        (STREET, ["Flat 4,", "مايو", "15", "شارع", "(Corniche)"]),
        ("שרה כהן (Ltd) 12", ["12", ")", "Ltd", "(", "כהן", "שרה"]),
    ],
)
def test_a_paper_has_such_lines_in_their_order(put_down, line, from_left):
    papers.label_pdf([LABEL._replace(address=replace(WHERE, line1=line))])
    drawn = [text for _, _, text in sorted(put_down) if text]
    assert [word for text in drawn for word in text.split()] == [
        word for text in from_left for word in text.split()
    ]


def test_every_letter_of_an_address_is_on_the_paper():
    paper = papers.Paper()
    for text in ("محمد علي الشريف", "דוד בן-גוריון", "山田 太郎", "Łącka", "Чай"):
        assert paper.normalize_text(text) == text
    assert paper.normalize_text("ऄ") == letters.NO_LETTER


def test_such_lines_are_drawn_for_a_printer_that_has_no_such_letters():
    zpl = papers.label_zpl(LABEL._replace(address=replace(WHERE, name="محمد علي", line1="רחוב הרצל 15")))
    assert zpl.count("^GFA") == 2
    assert "Sibiu" in zpl


def test_dots_have_the_first_letter_at_the_right_and_letters_joined():
    both, first = (letters.dots(one, 44, 700) for one in ("אב", "א"))
    at_right = both.crop((both.width - first.width, 0, both.width, 44))
    assert differing(at_right, first) < differing(both.crop((0, 0, first.width, 44)), first) / 2
    assert (columns("עע"), columns("عع")) == (2, 1), "Hebrew stands letter by letter, Arabic is joined"
    assert letters.dots("ע" * 900, 44, 700).size == (700, 44), "no wider than there is room"


def differing(one: Image.Image, other: Image.Image) -> int:
    """Dots that are black in one picture alone."""
    return sum(a != b for a, b in zip(one.get_flattened_data(), other.get_flattened_data(), strict=True))


def columns(text: str) -> int:
    """How many parts a drawn line has that a blank column keeps apart."""
    picture = letters.dots(text, 44, 700)
    inked = [picture.crop((x, 0, x + 1, 44)).getextrema()[0] == 0 for x in range(picture.width)]
    return sum(now and not before for before, now in pairwise([False, *inked]))


def a_font(folder: Path, letters_of_it: str) -> Path:
    """A font that has a box for each of some letters."""
    pen = TTGlyphPen(None)
    for place, corner in enumerate(((100, 0), (100, 700), (500, 700), (500, 0))):
        (pen.lineTo if place else pen.moveTo)(corner)
    pen.closePath()
    names = [f"letter{ord(one):x}" for one in letters_of_it]
    made = FontBuilder(1000, isTTF=True)
    made.setupGlyphOrder([".notdef", *names])
    made.setupCharacterMap({ord(one): name for one, name in zip(letters_of_it, names, strict=True)})
    made.setupGlyf(dict.fromkeys([".notdef", *names], pen.glyph()))
    made.setupHorizontalMetrics(dict.fromkeys([".notdef", *names], (600, 100)))
    made.setupHorizontalHeader(ascent=800, descent=-200)
    made.setupNameTable({"familyName": "Own", "styleName": "Regular", "psName": "Own-Regular"})
    made.setupOS2()
    made.setupPost()
    folder.mkdir(exist_ok=True)
    path = folder / "own.ttf"
    made.save(path)
    return path


def test_letters_that_no_paper_has_are_told_each_once():
    assert letters.missing("Zoë, Ελλάδα, Чай, محمد, דוד, 山田\n") == []
    assert letters.missing("नमन สุข 🎂🎂") == [*"नम", *"สุข", "🎂"]
    assert letters.missing("a\u200db\ufe0f") == [], "what says how letters look is no letter"


def test_a_gift_message_that_no_paper_can_say_has_lines_to_be_written_on(monkeypatch):
    said: list[str] = []
    monkeypatch.setattr(papers.Paper, "say", lambda _self, text, *_, **__: said.append(text))
    for message, is_said in (("สุข", False), ("Ж\ufe0f", True)):
        papers.packing_slip(papers.Slip("Hearth", "SO-1", "", "FL-1", None, [], gift_message=message))
        assert (message in said) == is_said


def test_what_joins_letters_or_parts_them_is_printed_where_letters_are_joined():
    paper = papers.Paper()
    persian = "می\u200cخواهم"
    assert paper.normalize_text(persian + "\ufe0f") == persian
    assert paper.normalize_text("a\u200db\ufe0fc") == "abc", "no letter of ours for them"


def test_what_parts_letters_is_no_blank_among_dots():
    def width(text: str) -> int:
        return letters.dots(text, 40, 600).width

    assert width("می\u200cخواهم") < width("می خواهم")
    assert letters.dots("می\u200cخواهم", 40, 600).tobytes() != letters.dots("میخواهم", 40, 600).tobytes()
    assert letters.dots("Zo\u200dë", 40, 600).tobytes() == letters.dots("Zoë", 40, 600).tobytes()


def test_a_font_of_the_machine_has_letters_that_ours_have_not(settings, tmp_path: Path):
    settings.FONTS = [a_font(tmp_path, "नमa")]
    assert letters.missing("नमन") == []
    assert letters.missing("नมa") == ["ม"]
    assert letters.needed("plain") == letters.needed("")
    paper = papers.Paper()
    assert paper.normalize_text("नम") == "नम"
    assert b"Own" in papers.packing_slip(
        papers.Slip("Hearth", "SO-1", "", "FL-1", None, [], gift_message="नमन")
    )
    assert letters.needs_dots("नम") and not letters.needs_dots("Zoë")


def test_two_fonts_with_files_of_one_name_are_two(settings, tmp_path: Path):
    settings.FONTS = [a_font(tmp_path / "a", "न"), a_font(tmp_path / "b", "ม")]
    assert letters.missing("นมन") == ["น"]
    assert papers.Paper().normalize_text("नม") == "नม"


def test_a_font_that_is_gone_or_is_none_leaves_papers_as_they_are(settings, tmp_path: Path):
    good, no_font, odd = a_font(tmp_path, "न"), tmp_path / "text.ttf", tmp_path / "own.woff"
    no_font.write_text("no font")
    odd.write_bytes(good.read_bytes())
    settings.FONTS = [no_font, tmp_path / "gone.ttf", odd, tmp_path, good]
    assert letters.missing("नม") == ["ม"]
    assert [bool(letters.fault(path)) for path in settings.FONTS] == [True, True, True, True, False]
    assert papers.packing_slip(papers.Slip("Hearth", "SO-1", "", "FL-1", None, [], gift_message="न"))
    good.unlink()
    assert letters.missing("न") == ["न"], "it was taken away while we run"
    assert papers.Paper().normalize_text("न") == letters.NO_LETTER
