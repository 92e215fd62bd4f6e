"""Duties whose first side the event log tells: refused in words, and by the table itself whoever writes to it."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import psycopg
import pytest
from django.db import transaction

from entrepot.access import queries as access
from entrepot.access.commands.take_duty import Duty, take_duty
from entrepot.access.errors import DutiesApart
from entrepot.access.rules import FIRST_BY, PAIRS
from entrepot.kernel import events, ids, sql
from entrepot.kernel.cause import Cause
from entrepot.kernel.command import commands, whole
from entrepot.kernel.errors import Invalid
from entrepot.kernel.events import Event
from entrepot.kernel.forget import notes_about
from entrepot.orders.commands import edit  # noqa: F401  it is one of the commands
from entrepot.returns.commands.approve import Approve, Decided, approve
from entrepot.returns.commands.refund import Refund, refund
from entrepot.returns.commands.settle import Settle, Settled, settle
from entrepot.settlement import bank_queries
from entrepot.settlement.bank import BankLine
from entrepot.settlement.carriers import Billed
from entrepot.settlement.commands.decide_bank_lines import BankLineDecided, DecideBankLine
from entrepot.settlement.commands.split_bank_lines import SplitBankLine, split_bank_lines
from entrepot.stock.commands.adjust import Adjust, DecideAdjustment, adjust, approve_adjustment
from tests.back import APPROVES, ASKS, asked, back, policy, sold
from tests.commands.test_returns_settle import answered, by_card
from tests.commands.test_settlement_bank import DAY, OTHER, a_statement, decide, take
from tests.commands.test_settlement_carriers import an_invoice, numbers
from tests.commands.test_settlement_carriers import take as take_invoices
from tests.floor import COMPANY, SYSTEM, Floor, someone, units
from tests.walk import a_house

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 100, cost=100_000_000)
    return house


def did(cause: Cause, command: str, kind: str, document: UUID) -> None:
    """The log says that somebody gave a command about a document."""
    events.write(cause, {command: [Event(kind, document, COMPANY)]})


def refuses(constraint: str, statement: str, **params: object) -> None:
    with pytest.raises(psycopg.errors.CheckViolation) as told, transaction.atomic():
        sql.run(statement + " RETURNING 1", params)
    assert told.value.diag.constraint_name == constraint


def test_pairs_that_the_log_tells_are_pairs_of_commands_that_there_are() -> None:
    assert set(FIRST_BY) <= set(PAIRS)
    assert {name for names in FIRST_BY.values() for name in names} <= set(commands)
    assert access.first_by("ada", "sell×credit", []) == set()


@pytest.mark.parametrize("command", FIRST_BY["sell×credit"])
def test_whoever_placed_or_changed_an_order_does_not_approve_its_refund(house: Floor, command: str) -> None:
    policy(approve_above_minor=0)
    (order,) = sold(house, 1, (0, 1))
    one = asked(order, 1)
    back(one)
    (waits,) = refund(ASKS, requests=[Refund(one.return_id)])
    did(APPROVES, command, "order", order)

    (refused,) = approve(APPROVES, requests=[Approve(waits.refund)])
    assert isinstance(refused, DutiesApart)
    assert (refused.facts["pair"], refused.facts["side"]) == ("sell×credit", "credit")

    person = APPROVES.actor.name
    taken = Duty(one.return_id, "request×receive×approve", "approve", person)
    whole(take_duty(APPROVES, requests=[taken]))  # nothing else would keep them from it
    refuses(
        "returns_credit_by_another",
        "UPDATE returns_refund SET state = 'approved', decided_by = %(person)s WHERE id = %(id)s",
        person=person,
        id=waits.refund,
    )
    (answer,) = approve(someone("dora"), requests=[Approve(waits.refund)])
    assert answer == Decided(waits.refund, "paid")
    refuses(  # nor is another's decision made theirs
        "returns_credit_by_another",
        "UPDATE returns_refund SET decided_by = %(person)s WHERE id = %(id)s",
        person=person,
        id=waits.refund,
    )


def test_whoever_sold_may_still_reject(house: Floor) -> None:
    policy(approve_above_minor=0)
    (order,) = sold(house, 1, (0, 1))
    one = asked(order, 1)
    back(one)
    (waits,) = refund(ASKS, requests=[Refund(one.return_id)])
    did(APPROVES, "orders.place", "order", order)
    (answer,) = approve(APPROVES, requests=[Approve(waits.refund, agree=False, reason="worn")])
    assert answer == Decided(waits.refund, "rejected")


def test_a_refund_is_settled_and_masked_whatever_its_approver_did_to_the_order_since(house: Floor) -> None:
    policy(approve_above_minor=0)
    (order,) = by_card(house)
    one = asked(order, 1)
    back(one)
    (waits,) = refund(ASKS, requests=[Refund(one.return_id)])
    (approved,) = approve(APPROVES, requests=[Approve(waits.refund, reason="Ada Byron rang")])
    assert approved == Decided(waits.refund, "approved")
    did(APPROVES, "orders.edit", "order", order)
    answered("refund")

    assert settle(SYSTEM, requests=[Settle(order)]) == [Settled(order, 1)]
    assert notes_about([(0, COMPANY, "Ada Byron")]).masked[0] >= 1


def test_whoever_keeps_an_item_does_not_approve_a_correction_of_its_stock(house: Floor) -> None:
    keeper, sku = someone("kim"), house.skus[0]
    did(keeper, "catalog.register_skus", "sku", sku)
    loss = Adjust(COMPANY, sku, house.nodes[0], house.bin(), -3, "lost")
    waits, lost = adjust(someone("clerk"), requests=[loss, replace(loss, key="another")])
    assert waits.state == "waiting"

    (refused,) = approve_adjustment(keeper, requests=[DecideAdjustment(waits.adjustment, approve=True)])
    assert isinstance(refused, DutiesApart)
    assert (refused.facts["document"], units(sku)) == (waits.number, 100)

    whole(take_duty(keeper, requests=[Duty(waits.adjustment, "adjust×approve", "approve", "kim")]))
    refuses(
        "stock_correct_by_another",
        "UPDATE stock_adjustment SET state = 'posted', decided_by = 'kim', decided_at = now() WHERE id = %(id)s",
        id=waits.adjustment,
    )
    other = someone("lena")
    (posted,) = approve_adjustment(other, requests=[DecideAdjustment(lost.adjustment, approve=True)])
    did(other, "catalog.register_skus", "sku", sku)
    ((note,),) = sql.run(
        "UPDATE stock_adjustment SET note = '[erased]' WHERE id = %(id)s RETURNING note",
        {"id": lost.adjustment},
    )
    assert (posted.state, note) == ("posted", "[erased]"), "it was theirs before they kept the item"
    (rejected,) = approve_adjustment(keeper, requests=[DecideAdjustment(waits.adjustment, approve=False)])
    assert rejected.state == "rejected"


def test_whoever_entered_an_invoice_does_not_say_what_paid_it(house: Floor) -> None:
    (number,) = numbers(house)
    (invoice,) = take_invoices(an_invoice("F-1", Billed(number, 300)))
    (taken,) = take(a_statement("S1", BankLine(DAY, -300, "", "who knows")))
    assert taken.waiting == 1
    wanted = DecideBankLine(taken.statement, 1, known=invoice.invoice)

    (refused,) = decide(wanted)
    assert isinstance(refused, DutiesApart)
    assert (refused.facts["document"], refused.facts["side"]) == (invoice.number, "pay")
    refuses(
        "settlement_pay_by_another",
        "UPDATE settlement_bankstatementline SET state = 'matched', known_kind = 'carrier_invoice',"
        " known_id = %(known)s, decided_by = %(person)s WHERE statement_id = %(id)s",
        known=invoice.invoice,
        person=SYSTEM.actor.name,
        id=taken.statement,
    )
    (answer,) = decide(wanted, cause=OTHER)
    assert answer == BankLineDecided(taken.statement, 1, "matched", "matched")
    ask = {"id": invoice.invoice, "person": OTHER.actor.name, "statement": taken.statement}
    sql.run("UPDATE settlement_carrierinvoice SET taken_by = %(person)s WHERE id = %(id)s RETURNING 1", ask)
    masked = "UPDATE settlement_bankstatementline SET text = '[erased]' WHERE statement_id = %(statement)s"
    assert sql.run(f"{masked} RETURNING text", ask) == [("[erased]",)]


def test_whoever_entered_an_open_invoice_does_not_book_its_amount_as_a_debt_paid(house: Floor) -> None:
    (number,) = numbers(house)
    (invoice,) = take_invoices(an_invoice("F-1", Billed(number, 300)))
    (taken,) = take(a_statement("S1", BankLine(DAY, -300), BankLine(DAY, -299)))
    debt = DecideBankLine(taken.statement, 1, purpose="payable", reason="a carrier")
    other = DecideBankLine(taken.statement, 2, purpose="payable", reason="a landlord")

    refused, booked = decide(debt, other)

    assert isinstance(refused, DutiesApart) and refused.facts["document"] == invoice.number
    assert booked.state == "booked", "nothing is open over that much"
    by_hand = (
        "UPDATE settlement_bankstatementline SET state = 'booked', purpose = 'payable', decided_by = %(person)s,"
        " alone_minor = 1000 WHERE statement_id = %(id)s AND number = 1"
    )
    refuses("settlement_pay_by_another", by_hand, person=SYSTEM.actor.name, id=taken.statement)
    (answer,) = decide(debt, cause=OTHER)
    assert answer == BankLineDecided(taken.statement, 1, "booked", "matched")


def test_whoever_entered_an_open_invoice_does_not_book_it_in_parts(house: Floor) -> None:
    """A line over its amount, and parts of another that make it."""
    (number,) = numbers(house)
    (invoice,) = take_invoices(an_invoice("F-1", Billed(number, 1_000)))
    (taken,) = take(a_statement("S1", BankLine(DAY, -1_000), BankLine(DAY, -1_200)))
    which = taken.statement
    split_bank_lines(
        SYSTEM, requests=[SplitBankLine(which, 1, (-999, -1)), SplitBankLine(which, 2, (-600, -400, -200))]
    )
    parts = {one.amount_minor: one.number for one in bank_queries.lines(COMPANY, which)}

    def debt(amount: int) -> DecideBankLine:
        return DecideBankLine(which, parts[amount], purpose="payable", reason="a carrier")

    def refuses_by_hand(amount: int) -> None:
        by_hand = (
            "UPDATE settlement_bankstatementline SET state = 'booked', purpose = 'payable', decided_by = %(person)s,"
            " alone_minor = 5000 WHERE statement_id = %(id)s AND number = %(number)s"
        )
        person = SYSTEM.actor.name
        refuses("settlement_pay_by_another", by_hand, person=person, id=which, number=parts[amount])

    for refused in (*decide(debt(-999), debt(-1)), *decide(debt(-600), debt(-400))):
        assert isinstance(refused, DutiesApart) and refused.facts["document"] == invoice.number
    refuses_by_hand(-999)
    silent, first = decide(replace(debt(-400), reason=""), debt(-600))
    assert isinstance(silent, Invalid) and first.state == "booked", "what is refused is not of the sum"
    (second,) = decide(debt(-400))
    assert isinstance(second, DutiesApart)
    refuses_by_hand(-400)
    assert decide(debt(-200))[0].state == "booked"
    assert decide(debt(-400))[0].state == "booked", "1,200 is of another invoice"


def test_whoever_registered_a_supplier_does_not_say_what_paid_him(house: Floor) -> None:
    supplier, invoice = ids.uuid7(), ids.uuid7()
    sql.run(
        "INSERT INTO settlement_supplierinvoice (id, number, company_id, supplier_id, external_id, currency, tax_minor,"
        " total_minor, state, invoiced_at, taken_by) VALUES (%(id)s, 'SI-1', 1, %(supplier)s, 'X', 'GBP', 0, 300,"
        " 'settled', now(), 'eve')",
        {"id": invoice, "supplier": supplier},
    )
    did(OTHER, "parties.register_suppliers", "supplier", supplier)
    (taken,) = take(a_statement("S1", BankLine(DAY, -300, "", "who knows")))

    wanted = DecideBankLine(taken.statement, 1, known=invoice)
    debt = replace(wanted, known=None, purpose="payable", reason="a supplier")
    for refused in decide(wanted, debt, cause=OTHER):
        assert isinstance(refused, DutiesApart) and refused.facts["document"] == "SI-1"
    refuses(
        "settlement_pay_by_another",
        "UPDATE settlement_bankstatementline SET state = 'matched', known_kind = 'supplier_invoice',"
        " known_id = %(known)s, decided_by = %(person)s WHERE statement_id = %(id)s",
        known=invoice,
        person=OTHER.actor.name,
        id=taken.statement,
    )
    refuses(
        "settlement_pay_by_another",
        "UPDATE settlement_bankstatementline SET state = 'booked', purpose = 'payable', decided_by = %(person)s,"
        " alone_minor = 1000 WHERE statement_id = %(id)s",
        person=OTHER.actor.name,
        id=taken.statement,
    )
    sql.run("DELETE FROM settlement_supplierinvoice")
