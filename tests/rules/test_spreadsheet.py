"""Files of orders: how they are read, what is proposed, what is wrong with them"""

from __future__ import annotations

import io
import zipfile
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
    assert sheet.rows[1:] == ((4, ("", "1", "1")),)  # nobody has computed the formula yet


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
