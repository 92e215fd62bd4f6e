"""ledger.set_up_companies: a company by its code, with a number and books of its own."""

from __future__ import annotations

import pytest

from entrepot.kernel import sql
from entrepot.kernel.errors import Invalid
from entrepot.ledger import rules
from entrepot.ledger.commands.set_up_companies import SetUpCompany, set_up_companies
from entrepot.parties import queries as parties
from entrepot.parties.commands.register import CompanyRegistered, RegisterCompany, register_companies
from tests.floor import SYSTEM
from tests.sizes import SIZES
from tests.together import at_once

HEARTH = SetUpCompany("hearth", "Hearth & Home Ltd", "GBP", "GB")
HERD = SetUpCompany("herd", "Herd und Heim GmbH", "EUR", "DE")


def accounts(company: int) -> int:
    return sql.run("SELECT count(*) FROM ledger_account WHERE company_id = %(c)s", {"c": company})[0][0]


def test_each_gets_the_next_number_and_its_books(db):
    register_companies(SYSTEM, requests=[RegisterCompany(7, "old", "Old & Co", "GBP", "GB")])
    answers = set_up_companies(SYSTEM, requests=[HEARTH, HERD])
    assert answers == [CompanyRegistered(8), CompanyRegistered(9)]
    assert [(one.id, one.code, one.currency) for one in parties.companies()][1:] == [
        (8, "hearth", "GBP"), (9, "herd", "EUR"),
    ]  # fmt: skip
    assert accounts(8) == accounts(9) == len(rules.CHART)


def test_one_that_is_there_is_changed_and_keeps_its_number_and_currency(db):
    (made,) = set_up_companies(SYSTEM, requests=[HEARTH])
    events = sql.run("SELECT count(*) FROM kernel_event")
    assert set_up_companies(SYSTEM, requests=[HEARTH]) == [made]
    assert sql.run("SELECT count(*) FROM kernel_event") == events, "what stands already is left alone"
    renamed, refused = set_up_companies(
        SYSTEM,
        requests=[
            SetUpCompany("hearth", "Hearth Ltd", "GBP", "IE"),
            SetUpCompany("hearth", "H", "EUR", "GB"),
        ],
    )
    assert renamed == made and isinstance(refused, Invalid) and refused.facts["field"] == "currency"
    assert [(one.name, one.country) for one in parties.companies()] == [("Hearth Ltd", "IE")]


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (SetUpCompany("", "Name", "GBP", "GB"), "code"),
        (SetUpCompany("x", " ", "GBP", "GB"), "name"),
        (SetUpCompany("x", "Name", "QQQ", "GB"), "currency"),
        (SetUpCompany("x", "Name", "GBP", "gb"), "country"),
    ],
)
def test_what_does_not_fit_is_refused_and_its_neighbor_stands(db, wanted, field):
    refused, made = set_up_companies(SYSTEM, requests=[wanted, HERD])
    assert isinstance(refused, Invalid) and refused.facts["field"] == field
    assert isinstance(made, CompanyRegistered)
    assert [one.code for one in parties.companies()] == ["herd"]


@pytest.mark.counts("ledger.set_up_companies")
def test_the_statements_do_not_grow(db, statements):
    with statements():
        for many in SIZES:
            wanted = [SetUpCompany(f"{many}-{n}", "Name", "GBP", "GB") for n in range(many)]
            assert len(set_up_companies(SYSTEM, requests=wanted)) == many


def test_two_at_once_get_numbers_of_their_own(committed_db):
    def made(n: int) -> CompanyRegistered:
        (answer,) = set_up_companies(SYSTEM, requests=[SetUpCompany(f"c{n}", "Name", "GBP", "GB")])
        assert isinstance(answer, CompanyRegistered)
        return answer

    answers = at_once([lambda n=n: made(n) for n in range(6)])
    assert sorted(one.id for one in answers) == [1, 2, 3, 4, 5, 6]
