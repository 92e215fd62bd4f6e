"""A bill of freight is a debt as others are: the bank says what paid it, and not whoever entered it."""

from __future__ import annotations

from datetime import date
from importlib import import_module

import psycopg
import pytest
from django.db import transaction

from entrepot.access.errors import DutiesApart
from entrepot.kernel import sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.errors import NotFound
from entrepot.purchasing.commands.land_costs import CostLanded, land_costs
from entrepot.settlement import bank_queries, queries
from entrepot.settlement.bank import BankLine, Statement
from entrepot.settlement.commands.decide_bank_lines import DecideBankLine, decide_bank_lines
from entrepot.settlement.commands.take_statements import StatementTaken, TakeStatement, take_statements
from tests.commands.test_purchasing_land_costs import arrived, bill
from tests.retailer import BUYER, CLERK, Retailer, a_retailer

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 25)


@pytest.fixture
def house(db: None) -> Retailer:
    return a_retailer(skus=3)


def landed(house: Retailer, amount: int = 1_000) -> CostLanded:
    (one,) = land_costs(CLERK, requests=[bill(house, amount, arrived(house, (10, "3.00")))])
    assert isinstance(one, CostLanded)
    return one


def taken(house: Retailer, *lines: BankLine) -> StatementTaken:
    ((currency,),) = sql.run(
        "SELECT currency::text FROM parties_company WHERE id = %(id)s", {"id": house.company}
    )
    statement = Statement("GB33", "S1", currency, None, None, lines)
    (one,) = take_statements(BUYER, requests=[TakeStatement(house.company, statement)])
    assert isinstance(one, StatementTaken)
    return one


def decide(cause: Cause, request: DecideBankLine) -> object:
    return decide_bank_lines(cause, requests=[request])[0]


def owed() -> int:
    ((found,),) = sql.run(
        "SELECT COALESCE(sum(functional_minor), 0)::int FROM ledger_line WHERE account = 2000"
    )
    return found


def by_hand(statement: object, changes: str) -> None:
    with pytest.raises(psycopg.errors.CheckViolation) as told, transaction.atomic():
        sql.run(
            f"UPDATE settlement_bankstatementline SET {changes}, decided_by = %(person)s"
            " WHERE statement_id = %(id)s RETURNING 1",
            {"id": statement, "person": CLERK.actor.name},
        )
    assert told.value.diag.constraint_name == "settlement_pay_by_another"


def test_a_line_that_names_it_pays_it(house: Retailer):
    one = landed(house)
    (expected,) = bank_queries.expected(house.company)
    assert (expected.kind, expected.id, expected.amount_minor) == ("landed_cost", one.cost, -1_000)
    assert owed() == -1_000

    assert taken(house, BankLine(DAY, -1_000, "", "freight F-1")).state == "matched"

    assert (owed(), bank_queries.expected(house.company)) == (0, [])
    assert not [*queries.discrepancies(), *bank_queries.discrepancies()]


def upgraded() -> None:
    sql.run(import_module("entrepot.settlement.migrations.0028_costs_landed_before").LANDED + " RETURNING 1")


def test_what_was_landed_before_the_bank_was_asked_is_booked_by_hand(house: Retailer):
    """Somebody had booked what paid it, of which nothing says so: a line that names it takes nothing down again, and
    whoever entered it may book another debt that is as much."""
    one = landed(house)
    upgraded()
    assert bank_queries.expected(house.company) == []
    statement = taken(house, BankLine(DAY, -1_000, "", "freight F-1"))
    assert statement.state == "open"
    assert isinstance(decide(BUYER, DecideBankLine(statement.statement, 1, known=one.cost)), NotFound)
    assert owed() == -1_000

    done = decide(CLERK, DecideBankLine(statement.statement, 1, purpose="payable", reason="the forwarder"))

    assert done.state == "booked"  # type: ignore[attr-defined]
    assert owed() == 0


def test_what_the_bank_has_paid_already_stays_paid(house: Retailer):
    landed(house)
    assert taken(house, BankLine(DAY, -1_000, "", "freight F-1")).state == "matched"
    upgraded()
    assert sql.run("SELECT count(*)::int FROM settlement_landedbefore") == [(0,)]


def test_whoever_entered_it_does_not_say_what_paid_it(house: Retailer):
    one = landed(house)
    which = taken(house, BankLine(DAY, -1_000, "", "who knows")).statement
    for wanted in (
        DecideBankLine(which, 1, known=one.cost),
        DecideBankLine(which, 1, purpose="payable", reason="the forwarder"),
    ):
        refused = decide(CLERK, wanted)
        assert isinstance(refused, DutiesApart)
        assert refused.facts["document"] == one.number
    by_hand(which, f"state = 'matched', known_kind = 'landed_cost', known_id = '{one.cost}'")
    by_hand(which, "state = 'booked', purpose = 'payable', alone_minor = 5000")
    assert owed() == -1_000

    done = decide(BUYER, DecideBankLine(which, 1, known=one.cost))

    assert done.state == "matched"  # type: ignore[attr-defined]
    assert owed() == 0
