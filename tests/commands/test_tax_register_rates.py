"""tax.register_rates"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from entrepot.kernel import sql
from entrepot.kernel.errors import Invalid
from entrepot.tax import queries
from entrepot.tax.commands.register import RateRegistered, RegisterRate, register_rates
from entrepot.tax.rules import Rate
from tests.registers import COMPANY, answers_its_key, counts, done, refuses, stands_when_repeated
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db

DAY = date(2011, 1, 4)
STANDARD = RegisterRate(COMPANY, "GB", Decimal("0.2"), DAY)
BOOKS = replace(STANDARD, category="books", rate=Decimal(0))
CALIFORNIA = replace(STANDARD, country="US", region="CA", rate=Decimal("0.0725"))
TABLES = ("tax_jurisdiction", "tax_rate")


def test_rates_stand_with_their_jurisdictions():
    answers = done(register_rates, STANDARD, BOOKS, CALIFORNIA)
    assert answers == [RateRegistered("GB"), RateRegistered("GB"), RateRegistered("US-CA")]
    assert queries.rates(company=COMPANY) == [
        Rate("GB", "", "", DAY, Decimal("0.2")),
        Rate("GB", "", "books", DAY, Decimal(0)),
        Rate("US", "CA", "", DAY, Decimal("0.0725")),
    ]
    assert queries.rates(company=2) == []


def test_a_later_rate_stands_beside_the_earlier_and_a_corrected_one_in_its_place():
    done(register_rates, STANDARD, replace(STANDARD, rate=Decimal("0.25"), valid_from=date(2027, 1, 1)))
    done(register_rates, replace(STANDARD, rate=Decimal("0.175")))
    assert [rate.rate for rate in queries.rates(company=COMPANY)] == [Decimal("0.175"), Decimal("0.25")]
    told = sql.run(
        "SELECT payload->'rates'->0->>2 FROM kernel_event WHERE subject_kind = 'jurisdiction' ORDER BY seq"
    )
    assert told == [("0.2",), ("0.175",)]


@pytest.mark.parametrize(
    "change",
    [
        {"rate": Decimal("-0.01")}, {"rate": Decimal(1)}, {"rate": Decimal("NaN")}, {"rate": Decimal("0.1234567")},
        {"country": "gb"}, {"country": ""}, {"region": " CA"},
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(change):
    refuses(register_rates, replace(STANDARD, **change), Invalid, CALIFORNIA, *TABLES)


def test_registering_again_changes_nothing():
    stands_when_repeated(register_rates, [STANDARD, BOOKS, CALIFORNIA], *TABLES)


def test_a_key_gets_its_answer_again():
    answers_its_key(register_rates, STANDARD, BOOKS, *TABLES)


@pytest.mark.counts("tax.register_rates")
def test_statements_do_not_grow_with_the_batch(statements):
    batches = [
        [replace(STANDARD, region=f"{n}-{i % 50}", valid_from=DAY + timedelta(i)) for i in range(n)]
        for n in SIZES
    ]
    assert counts(statements, register_rates, batches) == [5, 5, 5]
