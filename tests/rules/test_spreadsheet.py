"""Files of orders: how they are read, what is proposed, what is wrong with them"""

from __future__ import annotations

import io
import re
import time as clock
import zipfile
from datetime import date, datetime
from decimal import Decimal

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.channels.spreadsheet import contract, parse, read
from entrepot.kernel.errors import Invalid

HEADER = ("Order no", "SKU", "Qty", "Price", "Tax")
MAPPING = {"order": "Order no", "sku": "SKU", "quantity": "Qty", "unit_price": "Price", "tax": "Tax"}


def parsed(*rows: tuple[str, ...], mapping=MAPPING, header=HEADER) -> parse.Parsed:
    return parse.parse(header, list(enumerate(rows, 2)), mapping, "GBP")


def workbook(*rows: tuple[object, ...]) -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(out)
    return out.getvalue()


@pytest.mark.parametrize("delimiter", list(contract.DELIMITERS))
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_csv_of_every_kind_is_read(delimiter, encoding):
    text = delimiter.join(("Order no", "Größe")) + "\r\n\r\n" + delimiter.join(("1", "weiß")) + "\r\n"

    sheet = read.read(text.encode(encoding))

    assert sheet == read.Sheet(("Order no", "Größe"), ((3, ("1", "weiß")),))


def test_a_workbook_is_read_as_its_values():
    sheet = read.read(
        workbook(("Order no", "Qty", "Price"), (1001, 2.0, 9.99), (None, None, None), ("=1+1", 1, 1))
    )

    assert sheet.rows[0] == (2, ("1001", "2", "9.99"))
    assert sheet.rows[1:] == ((4, (contract.UNCOMPUTED, "1", "1")),)


def test_what_is_no_file_of_orders_is_refused():
    for data in (b"", b"a,b\n", b"PK\x03\x04 no archive", b"a\0b\nc"):
        with pytest.raises(Invalid):
            read.read(data)


def test_a_workbook_that_unpacks_to_too_much_is_refused(monkeypatch):
    monkeypatch.setattr(contract, "UNPACKED_MAX", 1000)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "0" * 2000)
    with pytest.raises(Invalid, match="invalid"):
        read.read(out.getvalue())


def test_columns_are_proposed_by_their_names_and_as_they_were_remembered():
    header = ("Bestellnummer", "Artikel", "Menge", "Einzelpreis", "Land", "Own")

    assert parse.propose(header) == {
        "order": "Bestellnummer", "sku": "Artikel", "quantity": "Menge", "unit_price": "Einzelpreis",
        "country": "Land",
    }  # fmt: skip
    assert parse.propose(header, {"campaign": "Own", "sku": "gone"})["campaign"] == "Own"
    olist = ("order_id", "product_id", "price", "freight_value")
    assert parse.propose(olist) == {
        "order": "order_id", "sku": "product_id", "unit_price": "price", "shipping": "freight_value",
    }  # fmt: skip
    assert parse.propose(("Name", "Street"))["recipient"] == "Name", "beside a street, a name is a person's"
    assert parse.propose(("Name", "Street", "Recipient"))["description"] == "Name"
    assert parse.propose(("Name", "SKU"))["description"] == "Name"


def test_what_holds_no_field_is_told_with_what_there_is():
    wrong = parse.misfit_mapping({}, ("Belegnr", "Ware"))
    assert wrong is not None
    assert wrong.found == "the columns Belegnr, Ware"
    header = ("Order", "SKU", "Qty", "Price", "Street")
    found = parse.parse(header, [(2, ("A", "MUG", "1", "-3", "1 High St"))], parse.propose(header), "GBP")
    assert [(one.column, one.expected, one.found) for one in found.wrong] == [
        ("Price", "an amount of 0 or more", "-3"),
        ("recipient", "a value, as the address has others", "no column of the file that holds it"),
    ]


def test_rows_of_an_order_are_its_lines_and_what_they_agree_on_is_its_head():
    found = parsed(
        ("A", "MUG", "2", "10.00", "1.50"), ("B", "PEN", "1", "5", ""), ("A", "PEN", "1", "1,005.25", "")
    )

    assert found.wrong == []
    assert [(one.name, len(one.rows), one.head.get("tax", 0)) for one in found.orders] == [
        ("A", 2, 150),
        ("B", 1, 0),
    ]
    assert found.orders[0].rows[1].values["unit_price"] == Decimal("1005.25")


def test_every_fault_of_every_row_is_told_and_only_its_order_is_left_out():
    found = parsed(
        ("A", "MUG", "two", "10.00", ""),
        ("A", "", "1", "-3", ""),
        ("B", "MUG", "1", "1.00", "2.00"),
        ("B", "PEN", "1", "1.00", "3.00"),
        ("C", "MUG", "1", "1.00", "0.001"),
        ("D", "MUG", "1", "1.00", ""),
    )

    assert [(one.row, one.column, one.found) for one in found.wrong] == [
        (2, "Qty", "two"),
        (3, "SKU", "nothing"),
        (3, "Price", "-3"),
        (5, "Tax", "3.00"),
        (6, "Tax", "0.001"),
    ]
    assert [one.name for one in found.orders] == ["D"]
    assert found.found == 4


@pytest.mark.parametrize(
    ("mapping", "column"),
    [
        ({"order": "Order no", "sku": "SKU", "quantity": "Qty"}, "unit_price"),
        (MAPPING | {"colour": "Tax"}, "colour"),
        (MAPPING | {"tax": "VAT"}, "VAT"),
        (MAPPING | {"tax": "Price"}, "Price"),
    ],
)
def test_a_mapping_that_cannot_be_is_the_one_thing_wrong(mapping, column):
    found = parsed(("A", "MUG", "1", "1", ""), mapping=mapping)
    assert [one.column for one in found.wrong] == [column]
    assert found.orders == []


@pytest.mark.parametrize(
    ("text", "comma", "value"),
    [
        ("1.234,50", True, "1234.50"), ("1,234.50", False, "1234.50"), ("€ 9,99", True, "9.99"), ("12", True, "12"),
        ("1,2,3", False, None), ("1.5.0", False, None), ("abc", False, None), ("1,50", False, None), ("", False, None),
    ],
)  # fmt: skip
def test_amounts_are_read_as_they_are_written(text, comma, value):
    assert parse.decimal(text, comma=comma) == (None if value is None else Decimal(value))


@given(st.integers(0, 10**9), st.booleans())
def test_an_amount_that_is_written_is_read_again(minor, comma):
    text = f"{minor // 100:,}.{minor % 100:02}"
    if comma:
        text = text.translate(str.maketrans(",.", ".,"))
    assert parse.decimal(text, comma=comma) == Decimal(minor) / 100


@given(st.lists(st.tuples(*[st.text(max_size=8)] * 5), max_size=8))
def test_every_row_is_an_order_s_or_has_a_fault(rows):
    found = parsed(*rows)
    fine = {row.number for one in found.orders for row in one.rows}
    of_faulty = {one.order for one in found.wrong}
    assert all(number in fine or row[0] in of_faulty for number, row in enumerate(rows, 2))
    assert not fine & {one.row for one in found.wrong}


def test_times_are_read_in_the_usual_ways_and_nothing_else():
    assert parse.moment("2026-03-31").isoformat() == "2026-03-31T00:00:00+00:00"
    assert parse.moment("31.03.2026 14:30").hour == 14
    assert parse.moment("2026-03-31T10:00:00+02:00").utcoffset().total_seconds() == 7200
    assert parse.moment("soon") is parse.moment("1970-01-01") is None


@pytest.mark.parametrize(
    ("written", "time"),
    [
        ("2026-03-31", ""), ("31.03.2026", ""), ("31/03/2026", ""), ("46112", ""), ("2026-03-31T00:00:00", ""),
        ("2026-03-31 14:30", " 14:30"), ("2026-03-31T00:00:00Z", " 00:00"),
    ],
)  # fmt: skip
def test_what_is_promised_for_a_day_is_a_day_and_no_moment(written, time):
    header, mapping = (*HEADER, "By"), MAPPING | {"promise_at": "By", "ordered_at": "Tax"}
    row = ("A", "MUG", "1", "2.5", "2026-03-31", written)
    (one,) = parsed(row, header=header, mapping={k: v for k, v in mapping.items() if k != "tax"}).orders
    assert one.head["promise_at"].strftime("%Y-%m-%d %H:%M" if time else "%Y-%m-%d") == f"2026-03-31{time}"
    assert isinstance(one.head["promise_at"], datetime) == bool(time)
    assert one.head["ordered_at"].strftime("%H:%M") == "00:00"


# ---- files as people have them


def test_text_that_a_spreadsheet_calls_unicode_is_read():
    text = "Order no\tSKU\tQty\tPrice\r\n1\tGröße\t2\t3\r\n"
    for encoding in ("utf-16", "utf-16-le", "utf-16-be"):
        mark = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}.get(encoding, b"")
        assert read.read(mark + text.encode(encoding)).rows == ((2, ("1", "Größe", "2", "3")),)


def test_titles_may_stand_above_the_header():
    sheet = read.read(
        workbook(("Orders of March",), (), ("Printed", "2026-03-31"), HEADER[:4], ("A", "MUG", 1, 2.5))
    )
    assert (sheet.header, sheet.rows) == (HEADER[:4], ((5, ("A", "MUG", "1", "2.5")),))


@pytest.mark.parametrize("delimiter", list(contract.DELIMITERS))
@pytest.mark.parametrize("title", ["Orders of March", "Orders, March, 2026, Leeds; printed | by Ann"])
def test_titles_may_stand_above_the_header_of_a_csv_file(title, delimiter):
    lines = (
        title,
        "",
        delimiter.join(HEADER[:4]),
        delimiter.join(("A", "MUG", "1", '"a, b, c, d, e; f; g; h; i"')),
    )

    sheet = read.read("\r\n".join(lines).encode())

    if delimiter not in title:
        assert (sheet.header, sheet.rows[0][1][:3]) == (HEADER[:4], ("A", "MUG", "1"))


def test_commas_in_the_words_of_rows_part_no_cells():
    text = "order;sku;qty;price\nA;Mug, red, big, round, new;1;2\nB;Mug, red, big, round, new;1;2\n"
    assert read.read(text.encode()).header == ("order", "sku", "qty", "price")


def marks_of(inside: bytes) -> read._Marks:
    return read._marks(io.BytesIO(inside))


@pytest.mark.parametrize(
    "piece",
    [b"<!-- <c <c ", b'<c r="A1" ', b'<c r="A1"> ', b'<c r="A1"><f/>' + b" " * 50, b"<x:c "],
)
def test_no_part_of_a_workbook_takes_longer_than_it_is_long(piece):
    """Twice as much takes about twice as long: all of it is read within the time of the test, not within hours."""
    started = clock.process_time()
    marks_of(piece * (400_000 // len(piece)))
    marks_of(b'<c r="A1"><f/>' + b" " * 400_000)
    assert clock.process_time() - started < 10


def test_a_merged_range_reaches_no_further_than_there_are_rows():
    merged = marks_of(b'<mergeCell ref="A2:A999999999999"/>').merged
    rows = [(2, ("A", "x")), (3, ("", "y")), (7, ("", "z"))]
    assert merged == [(2, 999999999999, 0)]
    assert read._merged(rows, merged) == {(3, 0): "A", (7, 0): "A"}
    assert read._merged(rows, [(2, 3, 0), (2, 999999999999, 0)]) == {(3, 0): "A", (7, 0): "A"}


def test_a_format_that_reaches_to_the_last_column_makes_no_columns():
    book, out = openpyxl.Workbook(), io.BytesIO()
    for row in (HEADER[:4], ("A", "MUG", 1, 2.5)):
        book.active.append(row)
    book.active["XFD1"].fill = book.active["XFD9"].fill = openpyxl.styles.PatternFill("solid", "FFFF00")
    book.save(out)
    assert read.read(out.getvalue()).header == HEADER[:4]


def test_what_is_merged_with_the_cell_above_says_the_same_of_its_order():
    book, out = openpyxl.Workbook(), io.BytesIO()
    header = (*HEADER, "Line discount")
    for row in (
        header,
        ("A", "MUG", 1, 2.5, 1, 0.5),
        (None, "PEN", 1, 2.5),
        ("B", "PEN", 1, 2.5),
        (None, "MUG", 1, 1),
    ):
        book.active.append(row)
    for cells in ("A2:A3", "E2:E3", "F2:F3", "A4:A5", "C4:C5"):
        book.active.merge_cells(cells)
    book.save(out)
    sheet = read.read(out.getvalue())
    found = parse.parse(sheet.header, sheet.rows, parse.propose(sheet.header), "GBP", sheet.merged)
    (one,) = found.orders
    assert (one.name, [row.number for row in one.rows], one.head["tax"]) == ("A", [2, 3], 100)
    assert [row.values.get("line_discount") for row in one.rows] == [50, None], "given once"
    assert [(fault.row, fault.column, fault.order) for fault in found.wrong] == [(5, "Qty", "B")]


def test_a_formula_without_a_value_is_told_and_not_taken_for_an_empty_cell():
    rows = [
        HEADER,
        ("A", "MUG", 1, 2.5, "=D2*0.2"),
        ("B", "MUG", 1, 2.5, "#REF!"),
        ("C", "MUG", 1, 2.5, None),
    ]
    sheet = read.read(workbook(*rows))
    found = parse.parse(sheet.header, sheet.rows, MAPPING, "GBP")
    assert [(one.row, one.column, one.found) for one in found.wrong] == [
        (2, "Tax", "#NOT COMPUTED!"), (3, "Tax", "#REF!"),
    ]  # fmt: skip
    assert [one.name for one in found.orders] == ["C"]


def test_a_formula_that_gave_a_value_or_an_empty_text_is_that_value():
    plain = workbook(HEADER, ("A", "MUG", 1, "=1+1", '=IF(1,"")'))
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(plain)) as had, zipfile.ZipFile(out, "w") as made:
        for name in had.namelist():
            text = had.read(name)
            if name.endswith("sheet1.xml"):
                text = re.sub(rb"(<f>1\+1</f>)<v ?/>|(<f>1\+1</f>)<v></v>", rb"\1\2<v>2</v>", text)
                text = text.replace(b'<c r="E2"', b'<c r="E2" t="str"')
            made.writestr(name, text)
    assert read.read(out.getvalue()).rows == ((2, ("A", "MUG", "1", "2")),)


@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_a_workbook_of_which_a_part_is_missing_is_refused(part):
    whole = workbook(HEADER, *((n, "MUG", 1, 2.5, n / 7) for n in range(2_000)))
    with pytest.raises(Invalid):
        read.read(whole[: int(len(whole) * part)])
    middle = bytearray(whole)
    middle[len(whole) // 3 : len(whole) // 3 + 200] = bytes(200)
    with pytest.raises(Invalid):
        read.read(bytes(middle))


def test_a_number_that_a_spreadsheet_has_shortened_names_no_order():
    found = parsed(
        ("4,51234E+12", "MUG", "1", "1.00", ""),
        ("A", "4.5e+12", "1", "1.00", ""),
        ("A1E5", "E5", "1", "1", ""),
    )
    assert [(one.row, one.column) for one in found.wrong] == [(2, "Order no"), (3, "SKU")]
    assert [one.name for one in found.orders] == ["A1E5"]


DATED = ("Order", "SKU", "Qty", "Price", "Date")


def dated(*days: str) -> list[str]:
    rows = [(n, (f"A{n}", "MUG", "1", "1", day)) for n, day in enumerate(days, 2)]
    found = parse.parse(DATED, rows, parse.propose(DATED), "GBP")
    told = {one.name: f"{one.head['ordered_at']:%m-%d %H:%M}" for one in found.orders}
    return [told.get(f"A{n}", "wrong") for n in range(2, len(days) + 2)]


def test_days_come_first_unless_the_column_can_be_read_in_the_other_way_alone():
    assert dated("03/04/2026", "05/06/2026") == ["04-03 00:00", "06-05 00:00"]
    assert dated("03/04/2026", "12/31/2026 14:30") == ["03-04 00:00", "12-31 14:30"]
    assert dated("03/04/2026", "31/12/2026", "12/31/2026") == ["04-03 00:00", "12-31 00:00", "wrong"]


def test_a_day_may_come_by_its_number():
    assert dated("46112", "46112.5", "12", "99999") == ["03-31 00:00", "03-31 12:00", "wrong", "wrong"]


def test_rows_that_say_the_same_twice_are_told_and_are_lines_all_the_same():
    row = ("A", "MUG", "2", "10.00", "")
    found = parsed(row, ("A", "MUG", "3", "10.00", ""), row, ("B", *row[1:]), row)
    assert (list(found.repeated), len(found.orders[0].rows), found.wrong) == ([4, 6], 4, [])


def book_of(**sheets: list[tuple[object, ...]]) -> openpyxl.Workbook:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    return book


def saved(book: openpyxl.Workbook) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


ROWS = [HEADER, ("1", "MUG", 1, 10, 0)]


def test_the_first_sheet_that_can_hold_orders_is_read_and_the_others_are_told():
    book = book_of(
        Cover=[("Orders of March",), ("by Ada",)], Old=ROWS, March=ROWS, April=ROWS, Notes=[("x", "y")]
    )
    book["Old"].sheet_state = "hidden"

    sheet = read.read(saved(book))

    assert (sheet.name, sheet.others, sheet.header) == ("March", ("April",), HEADER)
    alone = read.read(saved(book_of(Cover=[("nothing",), ("here",)])))
    assert (alone.name, alone.others) == ("Cover", ()), "what is wrong with it is told of the first"


def test_a_sheet_is_chosen_by_its_name_or_as_usual():
    other = [HEADER, ("2", "PEN", 1, 10, 0)]
    book = book_of(March=ROWS, April=other, Empty=[("x",)], **{f"S{n}": ROWS for n in range(20)}, Last=other)
    data = saved(book)

    for name in ("April", " april ", "Last"):
        chosen = read.read(data, wanted=name)
        assert (chosen.name.lower(), chosen.rows[0][1][0]) == (name.strip().lower(), "2")
        assert "March" in chosen.others and chosen.name not in chosen.others
        assert read.read(data, usual=name) == chosen
    assert read.read(data, wanted="March", usual="April").name == "March"
    for usual in ("May", "Empty"):
        assert read.read(data, usual=usual).name == "March"
    assert (read.lost_sheet("March", "May"), read.lost_sheet("March", "march")) == ("May", "")

    with pytest.raises(Invalid) as refused:
        read.read(saved(book_of(March=ROWS, April=other)), wanted="May")
    assert refused.value.message == "sheet: expected one of March, April, found May."
    with pytest.raises(Invalid, match="only workbooks have sheets"):
        read.read(b"Order,SKU\n1,MUG\n", wanted="March")
    assert read.read(b"Order,SKU\n1,MUG\n", usual="March").name == ""


def test_a_small_table_on_a_cover_is_not_taken_for_the_orders():
    book = book_of(Cover=[("From", "To", "By", "On"), ("1", "31", "Ada", "2nd")], March=ROWS)

    sheet = read.read(saved(book))

    assert (sheet.name, sheet.others) == ("March", ("Cover",))


def without_sense(data: bytes, sheet: int) -> bytes:
    """A workbook of which a sheet breaks off."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as whole, zipfile.ZipFile(out, "w") as broken:
        for name in whole.namelist():
            content = whole.read(name)
            broken.writestr(name, content[:-40] if name.endswith(f"sheet{sheet}.xml") else content)
    return out.getvalue()


def test_a_broken_sheet_is_no_reason_to_refuse_what_another_holds():
    book = saved(book_of(Notes=[("x",)], March=ROWS))

    assert read.read(without_sense(book, 1)).name == "March"
    with pytest.raises(Invalid, match="broken"):
        read.read(without_sense(saved(book_of(March=ROWS)), 1))


def test_a_cell_in_the_last_column_of_many_rows_takes_no_time():
    far = [(*ROWS[0],), *(("1", "MUG", 1, 10, 0) for _ in range(1_500))]
    book = book_of(A=far, B=far, C=far)
    for sheet in book:
        for row in range(2, 1_500):
            sheet.cell(row, 16_384, "x")
    heard: list[int] = []

    since = clock.process_time()
    sheet = read.read(saved_far := saved(book), heard.append)
    took = clock.process_time() - since

    assert (len(sheet.rows), sheet.others, {len(cells) for _, cells in sheet.rows}) == (
        1_500,
        ("B", "C"),
        {5},
    )
    assert heard == [0, 0, 0, 1_000]
    since = clock.process_time()
    for one in openpyxl.load_workbook(io.BytesIO(saved_far), read_only=True):
        one.reset_dimensions()
        for _ in one.iter_rows(max_col=contract.COLUMNS_MAX):
            pass
    assert took < 3 * (clock.process_time() - since)


def test_so_many_sheets_are_looked_at_and_no_more():
    heard: list[int] = []
    book = book_of(**{f"Notes {i}": [("w", "x", "y", "z"), ("1", "2", "3", "4")] for i in range(30)})
    assert len(read.read(saved(book), heard.append).others) + 1 == len(heard) == 20


SHOWN = ("00000", "[$-407]00000", "00000_-", "00000;-00000", "[Red]00000_);(00000)")


@pytest.mark.parametrize("shown", SHOWN)
def test_postal_codes_are_read_with_the_zeros_that_their_format_shows_and_names_are_not(shown):
    """An order that is imported again is the same order, and a SKU the one that it was."""
    book = book_of(
        Orders=[(*HEADER, "PLZ"), (1, 7, 2, 10.5, 0, 1067), (2, 7, 1, 10, 0, "D-1"), (3, 7, 1, 1, 0, 123456)]
    )
    for column in "ABF":
        for row in (2, 3, 4):
            book["Orders"][f"{column}{row}"].number_format = shown

    sheet = read.read(saved(book))

    mapping = parse.propose(sheet.header)
    found = parse.parse(sheet.header, sheet.rows, mapping, "EUR", sheet.merged, sheet.padded)
    assert not found.wrong
    assert [one.name for one in found.orders] == ["1", "2", "3"]
    assert [row.values["sku"] for one in found.orders for row in one.rows] == ["7"] * 3
    assert [one.head["postal_code"] for one in found.orders] == ["01067", "D-1", "123456"]


def test_a_merged_postal_code_keeps_its_zeros():
    book = book_of(Orders=[(*HEADER, "PLZ"), (1, "MUG", 2, 10, 0, 1067), (1, "PEN", 1, 10, 0, None)])
    book["Orders"]["F2"].number_format = "00000"
    book["Orders"].merge_cells("F2:F3")

    sheet = read.read(saved(book))

    found = parse.parse(
        sheet.header, sheet.rows, parse.propose(sheet.header), "EUR", sheet.merged, sheet.padded
    )
    assert [row.values["postal_code"] for row in found.orders[0].rows] == ["01067"] * 2


@pytest.mark.parametrize("shown", ["0", "0.00", "#,##0", "General", "00-000", "0000E+0", '"A"00'])
def test_other_formats_fill_nothing_up(shown):
    assert read._zeros(shown) == 0


@given(st.integers(0, 10**8), st.integers(1, 50))
def test_what_a_formula_gave_is_the_number_that_is_shown(minor, factor):
    """Multiplied as spreadsheets do, in binary; 15 digits are shown."""
    text = read._text(minor / 100 * factor / factor)
    assert parse.decimal(text, comma=False) == Decimal(minor) / 100


def test_columns_that_are_remembered_and_missing_are_told():
    remembered = {**MAPPING, "customer": "Debtor", "tax": "Levy"}
    mapping = parse.propose(HEADER, remembered)
    assert parse.lost(mapping, remembered, HEADER) == {"customer": "Debtor"}, "the tax was found by its name"
    assert parse.lost({}, MAPPING, HEADER) == {}, "who chose none knows"
    wrong = parse.misfit_given({"custmer": "Debtor"})
    assert wrong and wrong.column == "custmer"


CHARGES = (
    "Order no",
    "SKU",
    "Qty",
    "Price",
    "Kind",
    "Bill name",
    "Bill city",
    "Bill country",
    "Billing street",
)
MAPPED = parse.propose(CHARGES)


def charged(*rows: tuple[str, ...]) -> parse.Parsed:
    return parse.parse(CHARGES, list(enumerate(rows, 2)), MAPPED, "GBP")


def test_a_charge_needs_no_sku_and_an_allowance_is_below_nothing():
    found = charged(
        ("1", "MUG", "1", "10.00", "", "", "", "", ""), ("1", "", "1", "4.50", "Shipping", "", "", "", ""),
        ("1", "", "1", "-2.00", "discount", "", "", "", ""),
    )  # fmt: skip
    assert not found.wrong
    (order,) = found.orders
    assert [(row.values.get("kind"), row.values["unit_price"]) for row in order.rows] == [
        (None, Decimal("10.00")), ("shipping", Decimal("4.50")), ("discount", Decimal("-2.00")),
    ]  # fmt: skip


def test_what_is_no_charge_needs_a_sku_and_a_price_from_nothing_on():
    found = charged(
        ("1", "", "1", "10.00", "goods", "", "", "", ""), ("2", "MUG", "1", "-1.00", "", "", "", "", ""),
        ("3", "", "1", "1.00", "ransom", "", "", "", ""),
    )  # fmt: skip
    assert not found.orders
    assert [(one.row, one.column) for one in found.wrong] == [
        (2, "SKU"),
        (3, "Price"),
        (4, "SKU"),
        (4, "Kind"),
    ]


def test_who_is_billed_is_whole_or_not_there():
    found = charged(("1", "MUG", "1", "10.00", "", "Ada", "Paris", "fr", ""))
    assert [(one.column, one.expected) for one in found.wrong] == [
        ("Billing street", "a value, as the address has others")
    ]
    (order,) = charged(("1", "MUG", "1", "10.00", "", "Ada", "Paris", "fr", "1 Rue")).orders
    assert order.head["bill_country"] == "FR"
    wrong, *_ = charged(("1", "MUG", "1", "10.00", "", "Ada", "Paris", "France", "1 Rue")).wrong
    assert wrong.column == "Bill country"


def test_the_days_on_which_an_order_may_leave_are_read_from_their_usual_columns():
    more = ("Requested Ship Date", "Ship-By", "Cancel After", "Min fill %")
    found = dict(zip(("ship_not_before", "ship_by", "cancel_after", "min_fill_percent"), more, strict=True))
    rows = (("A", "MUG", "1", "9.99", "2026-03-27", "29.03.2026", "2026-04-02 00:00", "90%"),
            ("B", "MUG", "1", "9.99", "soon", "", "", "101"))  # fmt: skip
    names = ("order", "sku", "quantity", "unit_price")
    header = ("Order", "SKU", "Qty", "Price", *more)
    read = parse.parse(
        header, list(enumerate(rows, 2)), dict(zip(names, header, strict=False)) | found, "GBP"
    )

    (one,) = [order for order in read.orders if order.name == "A"]
    assert {name: one.head[name] for name in found} == {
        "ship_not_before": date(2026, 3, 27), "ship_by": date(2026, 3, 29), "cancel_after": date(2026, 4, 2),
        "min_fill_percent": 90,
    }  # fmt: skip
    assert {(one.row, one.column) for one in read.wrong} == {(3, "Requested Ship Date"), (3, "Min fill %")}


def test_what_is_sold_as_not_to_come_back_is_read_line_by_line():
    header = ("Order", "SKU", "Qty", "Price", "Final sale")
    names = ("order", "sku", "quantity", "unit_price", "final_sale")
    rows = [("A", "MUG", "1", "9.99", said) for said in ("Yes", "no", "", "TRUE", "perhaps")]
    read = parse.parse(header, list(enumerate(rows, 2)), dict(zip(names, header, strict=True)), "GBP")
    assert [(one.row, one.column, one.expected) for one in read.wrong] == [(6, "Final sale", "yes or no")]
    read = parse.parse(header, list(enumerate(rows[:4], 2)), dict(zip(names, header, strict=True)), "GBP")
    (order,) = read.orders
    assert [row.values.get("final_sale", False) for row in order.rows] == [True, False, False, True]
