"""tax.register_exemptions"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from entrepot.kernel import sql
from entrepot.kernel.errors import Invalid, NotFound
from entrepot.parties.commands.register import RegisterCustomer, register_customers
from entrepot.tax.commands.exempt import RegisterExemption, register_exemptions
from tests.registers import (
    COMPANY,
    a_company,
    answers_its_key,
    counts,
    done,
    refuses,
    stands_when_repeated,
)
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db

SCHOOL = RegisterExemption(COMPANY, "C-1", "EX-1", date(2026, 1, 1), "GB")
CHURCH = replace(SCHOOL, customer="C-2", certificate="EX-2", country="")
TABLES = ("tax_exemption",)


@pytest.fixture(autouse=True)
def customers(db):
    a_company()
    done(register_customers, *(RegisterCustomer(COMPANY, f"C-{i}") for i in range(1, 1001)))


def test_an_exemption_stands_once_for_each_country_and_ends_by_its_last_day():
    done(register_exemptions, SCHOOL, CHURCH, replace(SCHOOL, country="DE", certificate="EX-3"))
    done(register_exemptions, replace(SCHOOL, valid_until=date(2026, 12, 31)))

    told = sql.run("SELECT country, certificate, valid_until FROM tax_exemption ORDER BY certificate")
    assert told == [("GB", "EX-1", date(2026, 12, 31)), ("", "EX-2", None), ("DE", "EX-3", None)]
    assert sql.run("SELECT count(*) FROM kernel_event WHERE subject_kind = 'exemption'") == [(4,)]


@pytest.mark.parametrize(
    "change",
    [{"certificate": ""}, {"country": "gb"}, {"valid_until": date(2025, 12, 31)}, {"certificate": " EX"}],
)
def test_what_makes_no_sense_is_refused(change):
    refuses(register_exemptions, replace(SCHOOL, **change), Invalid, CHURCH, *TABLES)


def test_a_customer_who_is_not_there_is_refused():
    refuses(register_exemptions, replace(SCHOOL, customer="C-0"), NotFound, CHURCH, *TABLES)


def test_registering_again_changes_nothing():
    stands_when_repeated(register_exemptions, [SCHOOL, CHURCH], *TABLES)


def test_a_key_gets_its_answer_again():
    answers_its_key(register_exemptions, SCHOOL, CHURCH, *TABLES)


@pytest.mark.counts("tax.register_exemptions")
def test_statements_do_not_grow_with_the_batch(statements):
    batches = [[replace(SCHOOL, customer=f"C-{i + 1}", certificate=f"{n}") for i in range(n)] for n in SIZES]
    assert counts(statements, register_exemptions, batches) == [4, 4, 4]
