"""Files of exchange rates, as people and the European Central Bank write them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.ledger.rate_files import MOST, FileRate, read

DAY = date(2026, 11, 23)
XML = """<?xml version="1.0" encoding="UTF-8"?>
<gesmes:Envelope xmlns:gesmes="urn:gesmes" xmlns="urn:eurofxref">
  <gesmes:subject>Reference rates</gesmes:subject>
  <Cube><Cube time='2026-11-23'><Cube currency='USD' rate='1.25'/><Cube currency='GBP' rate='0.8'/></Cube>
  <Cube time='2026-11-20'><Cube currency='USD' rate='1.20'/><Cube currency='GBP' rate='0.9'/></Cube></Cube>
</gesmes:Envelope>
"""


def test_one_a_row_is_in_the_companys_currency():
    found = read("\ufeffdate,currency,rate\n2026-11-23,USD,0.79\n2026-11-23,EUR,0.853\n", "GBP")
    assert found.rows == [FileRate(DAY, "USD", Decimal("0.79")), FileRate(DAY, "EUR", Decimal("0.853"))]
    assert found.faults == []


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("23.11.2026,USD,1", "date"), ("2026-02-30,USD,1", "date"), ("2026-11-23,usd,1", "currency"),
        ("2026-11-23,GBP,1", "currency"), ("2026-11-23,USD,0", "rate"), ("2026-11-23,USD,1e3", "rate"),
        ("2026-11-23,USD,-1", "rate"), ("2026-11-23,USD,0.1234567891", "rate"), ("2026-11-23,USD,", "rate"),
        ("2026-11-23,EUR,2", "expected each rate once"),
    ],
)  # fmt: skip
def test_a_row_that_can_not_be_read_says_what_was_expected(row: str, column: str):
    found = read(f"date,currency,rate\n2026-11-23,EUR,1\n{row}\n", "GBP")
    (fault,) = found.faults
    assert fault.row == 3
    assert fault.problem.startswith(column)


def test_what_the_bank_publishes_is_converted_by_its_own_rate_of_the_day():
    pounds = read(XML, "GBP")
    assert pounds.faults == []
    assert pounds.rows[:2] == [FileRate(DAY, "EUR", Decimal("0.8")), FileRate(DAY, "USD", Decimal("0.64"))]
    assert pounds.rows[3] == FileRate(date(2026, 11, 20), "USD", Decimal("0.75"))
    euros = read(XML, "EUR")
    assert euros.rows[:2] == [FileRate(DAY, "GBP", Decimal("1.25")), FileRate(DAY, "USD", Decimal("0.8"))]
    table = "Date, USD, GBP, BGN, \n23 November 2026, 1.25, 0.8, N/A, \n2026-11-20,1.20,0.9,,\n\n"
    assert read(table, "GBP") == pounds


@pytest.mark.parametrize(
    "text",
    [
        "", "<a", "<a/>", "date,rate\n2026-11-23,1\n", "Date,USD\n2026-11-23,1.2\n", "Date,GBP\n2026-11-23,x\n",
        "Date,GBP\nsoon,0.8\n", "Date,GBP\n2026-11-23,0.8\n2026-11-23,0.8\n", "Date,GBP\n",
        XML.replace("<gesmes:Envelope", "<!DOCTYPE a [<!ENTITY b 'c'>]><gesmes:Envelope", 1),
    ],
)  # fmt: skip
def test_what_is_no_file_of_rates_is_a_fault(text: str):
    found = read(text, "GBP")
    assert found.faults or not found.rows
    assert text == "date,currency,rate" or found.faults


def test_a_file_has_so_many_rates_at_most():
    rows = [f"{DAY + timedelta(days=i)},0.8,1.25" for i in range(MOST // 2 + 1)]
    found = read("\n".join(["Date,GBP,USD", *rows]), "GBP")
    assert len(found.rows) <= MOST
    assert "fewer days" in found.faults[-1].problem


@given(
    st.dictionaries(
        st.sampled_from(["USD", "GBP", "SEK", "JPY"]), st.decimals("0.001", "9999", places=4), min_size=1
    )
)
def test_a_rate_and_its_way_back_make_one(told: dict[str, Decimal]):
    text = f"Date,{','.join(told)}\n2026-11-23,{','.join(map(str, told.values()))}\n"
    for home, own in told.items():
        there = {one.currency: one.rate for one in read(text, home).rows}
        for currency in told.keys() - {home}:
            if currency in there:
                exact = own / told[currency]
                assert abs(there[currency] - exact) <= Decimal("5e-10")
