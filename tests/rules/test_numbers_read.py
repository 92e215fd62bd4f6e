"""Numbers as people write them in forms."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from entrepot.web import format as fmt
from entrepot.web.buying import price_in
from entrepot.web.edge import MINOR_MAX, decimal_in, minor_in


@pytest.fixture(autouse=True)
def reader():
    with fmt.read_by(fmt.Reading(fmt.locale_of("de"), UTC, datetime(2026, 3, 9, tzinfo=UTC))):
        yield


@pytest.mark.parametrize(
    ("text", "found", "minor"),
    [
        ("9,95", Decimal("9.95"), 9_95), ("1.234,5", Decimal("1234.5"), 1_234_50), (" -3 ", Decimal(-3), -3_00),
        ("0", Decimal(0), 0), ("3,125", Decimal("3.125"), None), (str(MINOR_MAX), Decimal(MINOR_MAX), None),
        (str(MINOR_MAX // 100), Decimal(MINOR_MAX // 100), MINOR_MAX),
    ],
)  # fmt: skip
def test_a_number_is_read_as_the_reader_writes_it(text, found, minor):
    assert decimal_in(text) == found
    assert minor_in(text, "EUR") == minor


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "much",
        "9.95",
        "NaN",
        "sNaN",
        "-NaN",
        "Infinity",
        "-Infinity",
        "inf",
        "1.0e400",
        "9e999999999",
    ],
)
def test_what_is_no_number_to_people_is_none(text):
    assert decimal_in(text) is None
    assert minor_in(text, "EUR") is None
    assert price_in(text) == -1


def test_what_has_too_many_digits_is_no_amount():
    assert minor_in("9e999999", "EUR") is None
    assert price_in("9e999999") == price_in("1.000.000.000") == -1
    assert price_in("999.999.999") == 999_999_999
