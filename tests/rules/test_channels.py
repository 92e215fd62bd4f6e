"""What an Online Retail file says, row by row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.channels.history import by_week
from entrepot.channels.online_retail import codes
from entrepot.channels.online_retail.again import compare, said
from entrepot.channels.online_retail.importer import (
    INVOICES_MAX,
    LINES_MAX,
    batches,
    demand,
    place_of,
)
from entrepot.channels.online_retail.parse import Book, Invoice, Row, UnknownHeader, parse
from entrepot.returns.rules import GRADES

COLUMNS = (
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
)
HEADER = ",".join(COLUMNS) + "\n"
GOOD = "536365,85123A,WHITE HEART,6,2010-12-01 08:26:00,2.55,17850,United Kingdom\n"


def read(*rows: str) -> Book:
    return parse([HEADER, *rows])


def reason(row: str) -> str:
    """Why a row is set aside; the row behind it must be taken all the same."""
    book = read(row, GOOD)
    assert [invoice.number for invoice in book.invoices if invoice.rows] == ["536365"]
    (one,) = book.set_aside
    assert one.line == 2
    return one.why


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("536366,85123A,X,many,2010-12-01 08:26:00,2.55,,France\n", "Quantity"),
        ("536366,85123A,X,1.5,2010-12-01 08:26:00,2.55,,France\n", "Quantity"),
        ("536366,85123A,X,1_000,2010-12-01 08:26:00,2.55,,France\n", "Quantity"),
        ("536366,85123A,X,,2010-12-01 08:26:00,2.55,,France\n", "Quantity"),
        ("536366,85123A,X,99999999999,2010-12-01 08:26:00,2.55,,France\n", "Quantity"),
        ("536366,85123A,X,0,2010-12-01 08:26:00,2.55,,France\n", "zero"),
        ("536366,85123A,X,1,2010-02-30 08:26:00,2.55,,France\n", "InvoiceDate"),
        ("536366,85123A,X,1,tomorrow,2.55,,France\n", "InvoiceDate"),
        ("536366,85123A,X,1,,2.55,,France\n", "InvoiceDate"),
        ("536366,85123A,X,1,2010-12-01 08:26:00,NaN,,France\n", "UnitPrice"),
        ('536366,85123A,X,1,2010-12-01 08:26:00,"2,55",,France\n', "UnitPrice"),
        ("536366,85123A,X,1,2010-12-01 08:26:00,2.5500001,,France\n", "UnitPrice"),
        ("536366,85123A,X,1,2010-12-01 08:26:00,-2.55,,France\n", "negative price"),
        ("536366,85123A,X,-1,2010-12-01 08:26:00,2.55,,France\n", "negative quantity"),
        ("536366,85123A,X,1,2010-12-01 08:26:00,2.55\n", "6 fields"),
        ("536366,85123A,X,1,2010-12-01 08:26:00,2.55,,France,more\n", "9 fields"),
        (",85123A,X,1,2010-12-01 08:26:00,2.55,,France\n", "no invoice number"),
        ("536366,,X,1,2010-12-01 08:26:00,2.55,,France\n", "no stock code"),
        ("536366,85123A,X\0,1,2010-12-01 08:26:00,2.55,,France\n", "NUL"),
        ('536366,85123A,"never closed,1,2010-12-01 08:26:00,2.55,,France\n', "1 fields"),
    ],
)
def test_a_broken_row_is_set_aside_and_the_rest_goes_on(row: str, says: str) -> None:
    assert says in reason(row)


def use(invoice: str, code: str, quantity: int, price: str) -> str:
    book = read(f"{invoice},{code},X,{quantity},2010-12-01 08:26:00,{price},,France\n")
    return book.invoices[0].rows[0].use


def test_what_a_row_is_for() -> None:
    assert use("1", "85123A", 6, "2.55") == "sale"
    assert use("1", "POST", 1, "18") == "sale"
    assert use("1", "85123A", -6, "0.0") == "write_off"
    assert use("1", "85123A", 6, "0.0") == "found"
    assert use("1", "DOT", 1, "0.0") == "note"
    assert use("C1", "85123A", -6, "2.55") == "credit"
    assert use("C1", "M", 1, "373.57") == "credit"
    assert use("A1", "B", 1, "-11062.06") == "bad_debt"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("85123A", "goods"), ("15056bl", "goods"), ("DCGS0076", "goods"), ("POST", "shipping"), ("DOT", "shipping"),
        ("C2", "shipping"), ("M", "manual"), ("m", "manual"), ("D", "discount"), ("S", "sample"), ("B", "bad_debt"),
        ("AMAZONFEE", "fee.marketplace"), ("BANK CHARGES", "fee.bank"), ("CRUK", "donation"), ("PADS", "packaging"),
        ("gift_0001_20", "voucher"), ("SOMETHING", "manual"), ("1234", "manual"),
    ],
)  # fmt: skip
def test_the_source_kind_of_a_code(code: str, kind: str) -> None:
    assert codes.kind_of(code) == kind


def test_countries_by_name() -> None:
    names = (
        "United Kingdom",
        "EIRE",
        "USA",
        "Channel Islands",
        "Unspecified",
        "European Community",
        "DE",
        "Nowhere",
    )
    assert [codes.country_of(name) for name in names] == ["GB", "IE", "US", "JE", "", "", "DE", ""]


def test_files_as_other_programs_write_them() -> None:
    book = parse(
        [
            "\ufeffCountry,Extra,InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID\r\n",
            'France,x,1,85123A,"LIGHT, ""BIG""\n',
            'AND RED",6.0,12/1/2010 8:26,2.55,17850.0\r\n',
            "\n",
        ]
    )

    (invoice,) = book.invoices
    assert (book.rows, book.set_aside) == (1, [])
    assert (invoice.customer, invoice.country, invoice.at) == (
        "17850",
        "France",
        datetime(2010, 12, 1, 8, 26, tzinfo=UTC),
    )
    assert invoice.rows[0].description == 'LIGHT, "BIG"\nAND RED'
    assert (invoice.rows[0].quantity, invoice.rows[0].price) == (6, Decimal("2.55"))


def test_a_time_with_a_zone_is_moved_to_utc() -> None:
    book = read("1,85123A,X,1,2011-07-01 00:30:00+01:00,2.55,,France\n")
    assert book.invoices[0].at == datetime(2011, 6, 30, 23, 30, tzinfo=UTC)


@pytest.mark.parametrize("header", ["", "\n", "InvoiceNo;StockCode\n", HEADER.replace("UnitPrice", "Price")])
def test_a_file_of_other_columns_is_refused(header: str) -> None:
    with pytest.raises(UnknownHeader):
        parse([header])


FIELD = st.text(st.characters(codec="utf-8", exclude_characters='\r\n\x85\u2028\u2029"'), max_size=12)


@given(st.lists(st.lists(FIELD, min_size=1, max_size=10).map(",".join), max_size=20))
def test_every_row_is_on_an_invoice_or_set_aside(rows: list[str]) -> None:
    """Invariant 3: whatever stands in the file, nothing is lost and nothing stops it."""
    book = read(*(f"{row}\n" for row in rows))

    filled = sum(bool(row.strip()) for row in rows)
    assert book.rows == filled == sum(len(one.rows) for one in book.invoices) + len(book.set_aside)


@given(st.lists(st.tuples(st.integers(0, 60 * 24 * 7 * 4), st.integers(1, 900)), max_size=60))
def test_batches_hold_each_invoice_once_in_its_order(sizes: list[tuple[int, int]]) -> None:
    row = Row(2, "sale", "goods", "22633", "", 2, Decimal(1), "")
    start = datetime(2010, 12, 1, tzinfo=UTC)
    invoices = [
        Invoice(str(i), "sale", start + timedelta(minutes=minute), "", "", [row] * rows)
        for i, (minute, rows) in enumerate(sorted(sizes))
    ]

    weeks = list(by_week(invoices))
    cut = [batch for _, week in weeks for batch in batches(week)]

    assert [invoice for batch in cut for invoice in batch] == invoices
    assert all(start <= invoice.at < start + timedelta(days=7) for start, week in weeks for invoice in week)
    assert all(len(batch) <= INVOICES_MAX for batch in cut)
    assert all(sum(len(one.rows) for one in batch) <= LINES_MAX or len(batch) == 1 for batch in cut)


def test_demand_is_what_is_sold_and_what_is_written_off() -> None:
    book = read(
        GOOD,
        "2,85123A,gone,-4,2010-12-01 09:00:00,0.0,,France\n",
        "3,85123A,found,9,2010-12-01 09:00:00,0.0,,France\n",
        "C4,85123A,back,-2,2010-12-01 09:00:00,2.55,,France\n",
        "5,POST,POSTAGE,3,2010-12-01 09:00:00,2.55,,France\n",
    )
    assert demand(book.invoices) == {"85123A": 10}


def test_a_sku_has_its_shelf_at_the_same_node_for_ever() -> None:
    assert [place_of(code) for code in ("85123A", "22633", "22086", "21730")] == [1, 1, 0, 0]
    assert {place_of(f"{code}") for code in range(22000, 22050)} == {0, 1, 2}


@pytest.mark.parametrize(
    ("description", "grade"),
    [
        ("WHITE METAL LANTERN", "A"), ("DOORKNOB CRACKED GLAZE BLUE", "A"), ("RUSTIC WOODEN CABINET", "A"), ("", "A"),
        ("damaged", "D"), ("wet/rusty", "D"), ("Water damage", "D"), ("LANTERN, smashed", "D"), ("faulty", "D"),
    ],
)  # fmt: skip
def test_goods_come_back_as_new_unless_their_row_says_otherwise(description: str, grade: str) -> None:
    assert codes.grade_of(description) == grade
    assert grade in GRADES


# ---- invoices that came before


def a_row(code: str, quantity: int = 1, price: str = "2.50", line: int = 2) -> Row:
    return Row(line, "sale", "goods", code, "", quantity, Decimal(price), "")


A, B, C = a_row("A"), a_row("B"), a_row("C")


def test_an_invoice_that_did_not_come_before_is_new() -> None:
    assert compare("7", [A, B], {}) == ("7", [A, B], True)


def test_rows_that_all_came_before_are_known_whatever_their_format_and_place() -> None:
    before = {"7": said([A, B])}
    assert compare("7", [a_row("B", price="2.5", line=9), A], before) == ("7", [], True)
    assert compare("7", [B], before) == ("7", [], True)
    assert compare("7", [C], before | {"7 part 2": said([C])}) == ("7 part 2", [], True)


def test_the_rest_of_an_invoice_is_a_part_by_its_own_name() -> None:
    assert compare("7", [C], {"7": said([A, B])}) == ("7 part 2", [C], True)
    assert compare("7", [A, B, C], {"7": said([A, B])}) == ("7 part 2", [C], True)
    again = a_row("A", line=3)
    assert compare("7", [A, again], {"7": said([A])}) == ("7 part 2", [again], True), (
        "duplicates are two rows"
    )
    assert compare("7", [A], {"7": said([B]), "7 part 2": said([C])}) == ("7 part 3", [A], True)


def test_another_version_of_an_invoice_is_for_a_person() -> None:
    changed = a_row("A", 5)
    assert compare("7", [changed, B], {"7": said([A, B])}) == ("7", [changed], False)


@given(st.lists(st.sampled_from("ABCDEFGH"), unique=True, min_size=1), st.data())
def test_an_invoice_cut_at_any_rows_is_taken_once(letters: str, data: st.DataObject) -> None:
    rows = [a_row(one) for one in letters]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=3)))
    parts: dict = {}
    for start, end in zip([0, *cuts], [*cuts, len(rows)], strict=True):
        if part := rows[start:end]:
            name, fresh, fits = compare("7", part, parts)
            assert (fresh, fits) == (part, True)
            assert name not in parts
            parts[name] = said(fresh)
            assert compare("7", part, parts) == (name, [], True)
    assert sum(parts.values(), said([])) == said(rows)
    assert compare("7", rows, parts).fresh == []
