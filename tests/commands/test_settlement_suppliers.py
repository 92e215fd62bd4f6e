"""settlement.take_supplier_invoices, settlement.decide_supplier_lines, settlement.match_arrivals"""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import psycopg
import pytest
from django.db import transaction

from entrepot.access.errors import DutiesApart
from entrepot.access.queries import duties_of
from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import Invalid, NotFound, WrongState
from entrepot.purchasing import queries as purchasing
from entrepot.purchasing.commands.order import OrderGoods, order
from entrepot.purchasing.commands.receive import ReceiveOrder, receive
from entrepot.purchasing.rules import ReceivedLine
from entrepot.settlement import bank_queries, errors, supplier_queries
from entrepot.settlement.commands.decide_supplier_lines import (
    ArrivalsMatched,
    DecideSupplierLine,
    MatchArrivals,
    SupplierLineDecided,
    decide_supplier_lines,
    match_arrivals,
)
from entrepot.settlement.commands.take_supplier_invoices import (
    SupplierInvoiceTaken,
    TakeSupplierInvoice,
    take_supplier_invoices,
)
from entrepot.settlement.supplier_invoices import Invoiced
from entrepot.work import queries as work
from tests.retailer import BUYER, CLERK, NOW, Retailer, a_retailer
from tests.sizes import SIZES
from tests.together import all_at_once

BOOKS, OTHER = (Cause(Actor(name, everything=True), NOW) for name in ("cleo", "carl"))


@pytest.fixture
def house(db) -> Retailer:
    return a_retailer(skus=3)


def bought(house: Retailer, *lines: tuple[int, str]) -> str:
    """The number of an order of (quantity, unit cost), one SKU after another."""
    asked = tuple((sku, units, Decimal(cost)) for sku, (units, cost) in zip(house.skus, lines, strict=False))
    (made,) = order(BUYER, requests=[OrderGoods(house.company, house.supplier, house.node, "", asked)])
    return made.number


def came(house: Retailer, number: str, *units: int) -> None:
    """So many units of the order's lines in turn."""
    which = sql.run("SELECT id FROM purchasing_order WHERE number = %(number)s", {"number": number})[0][0]
    lines = purchasing.lines(which)
    counted = tuple(ReceivedLine(line.id, n) for line, n in zip(lines, units, strict=False) if n)
    receive(CLERK, requests=[ReceiveOrder(which, counted, house.receiving)])


def bill(name: str, *lines: Invoiced, tax: int = 0, **changes) -> TakeSupplierInvoice:
    facts = {"total_minor": sum(line.amount_minor for line in lines) + tax} | changes
    return TakeSupplierInvoice(1, "s1", name, "GBP", lines=lines, tax_minor=tax, **facts)


def take(*invoices: TakeSupplierInvoice, cause: Cause = BOOKS) -> list:
    return take_supplier_invoices(cause, requests=invoices)


def balance(account: int) -> int:
    statement = (
        "SELECT COALESCE(sum(functional_minor), 0)::bigint FROM ledger_line WHERE account = %(account)s::int"
    )
    return sql.run(statement, {"account": account})[0][0]


def balances(*accounts: int) -> tuple[int, ...]:
    return tuple(map(balance, accounts))


def of_invoice(which: UUID) -> list[tuple]:
    return [
        (one.state, one.units, one.expected_minor, one.difference_minor)
        for one in supplier_queries.lines(1, which)
    ]


def test_what_came_at_its_price_leaves_goods_not_invoiced(house: Retailer):
    number = bought(house, (10, "4.00"), (3, "0.333333"))
    came(house, number, 10, 3)
    assert balances(2050, 2000) == (-4_100, 0)
    (taken,) = take(bill("F-1", Invoiced(number, 1, 10, 4_000), Invoiced(number, 2, 3, 100), tax=820))
    assert isinstance(taken, SupplierInvoiceTaken)
    assert (taken.state, taken.lines, taken.in_question, taken.fresh) == ("settled", 2, 0, True)
    assert balances(2050, 1240, 2000, 1175, 5600) == (0, 820, -4_920, 0, 0)
    assert supplier_queries.unbilled(1) == []
    assert work.of_subject(taken.invoice) == []
    (owed,) = [one for one in bank_queries.expected(1) if one.kind == "supplier_invoice"]
    assert (owed.number, owed.amount_minor) == (taken.number, -4_920)


def test_a_price_beyond_the_tolerance_and_goods_that_did_not_come_are_in_question(house: Retailer):
    number = bought(house, (10, "4.00"), (5, "2.00"), (2, "1.00"))
    came(house, number, 10, 3)
    (taken,) = take(
        bill("F-1", Invoiced(number, 1, 10, 4_500), Invoiced(number, 2, 5, 1_000), Invoiced("PO-9", 1, 1, 70))
    )
    assert (taken.state, taken.in_question, taken.question_minor) == ("open", 3, 500 + 400 + 70)
    assert balances(2050, 2000, 1175, 5600) == (0, -5_570, 970, 0)
    assert of_invoice(taken.invoice) == [
        ("differs", 10, 4_000, 500), ("differs", 3, 600, 400), ("unmatched", 0, 0, 70),
    ]  # fmt: skip
    (item,) = work.of_subject(taken.invoice)
    assert (item.type, item.role) == ("supplier invoice to check", "controller")
    assert "expected £40.00" in item.reason or "expected 40.00" in item.reason


def test_within_tolerance_it_is_price_variance_and_a_unit_is_billed_once(house: Retailer):
    number = bought(house, (10, "4.00"))
    came(house, number, 10)
    (first,) = take(bill("F-1", Invoiced(number, 1, 10, 4_040)))
    (second,) = take(bill("F-2", Invoiced(number, 1, 10, 4_000)))
    assert (first.state, second.state, second.question_minor) == ("settled", "open", 4_000)
    assert balances(2050, 5600, 1175) == (0, 40, 4_000)
    assert (
        supplier_queries.lines(1, second.invoice)[0].why
        == "10 billed, 0 of them came and were not billed before"
    )


def test_an_invoice_is_taken_once_and_not_otherwise(house: Retailer):
    number = bought(house, (10, "4.00"))
    came(house, number, 10)
    line = Invoiced(number, 1, 10, 4_000)
    first, again, other, wrong, stranger, foreign = take(
        bill("F-1", line), bill("F-1", line), bill("F-1", Invoiced(number, 1, 10, 4_001)),
        bill("F-2", line, total_minor=1), TakeSupplierInvoice(1, "nobody", "F-3", "GBP", 4_000, (line,)),
        TakeSupplierInvoice(1, "s1", "F-4", "EUR", 4_000, (line,)),
    )  # fmt: skip
    assert (first.fresh, again.fresh, first.invoice) == (True, False, again.invoice)
    assert isinstance(other, errors.SupplierInvoiceTakenOtherwise)
    assert isinstance(wrong, errors.SupplierInvoiceDoesNotAddUp)
    assert isinstance(stranger, NotFound)
    assert isinstance(foreign, Invalid)
    assert take(bill("F-1", line))[0].fresh is False
    assert balance(2000) == -4_000


def test_lines_in_question_are_accepted_disputed_and_credited(house: Retailer):
    number = bought(house, (10, "4.00"), (10, "1.00"))
    came(house, number, 10, 10)
    (taken,) = take(
        bill(
            "F-1", Invoiced(number, 1, 10, 4_500), Invoiced(number, 2, 10, 1_900), Invoiced("PO-9", 1, 1, 70)
        )
    )
    which = taken.invoice
    accepted, disputed, late, unknown, silent, odd, more = decide_supplier_lines(
        BOOKS,
        requests=[
            DecideSupplierLine(which, 1, "accept", "the new price list"),
            DecideSupplierLine(which, 2, "dispute", "twice the price"),
            DecideSupplierLine(which, 1, "accept", "again"), DecideSupplierLine(which, 9, "accept", "?"),
            DecideSupplierLine(which, 3, "accept"), DecideSupplierLine(which, 3, "forget", "?"),
            DecideSupplierLine(which, 3, "credit", credited_minor=71),
        ],
    )  # fmt: skip
    assert accepted == SupplierLineDecided(which, 1, "accepted", "open")
    assert disputed == SupplierLineDecided(which, 2, "disputed", "open")
    assert isinstance(late, WrongState)
    assert isinstance(unknown, NotFound)
    assert [type(one) for one in (silent, odd, more)] == [Invalid] * 3
    assert balances(1175, 5600) == (970, 500)
    credit = [
        DecideSupplierLine(which, 3, "credit"),
        DecideSupplierLine(which, 2, "credit", credited_minor=800),
    ]
    assert [one.invoice_state for one in decide_supplier_lines(BOOKS, requests=credit)] == [
        "settled",
        "settled",
    ]
    assert balances(1175, 5600, 2000) == (0, 600, -6_470 + 70 + 800)
    assert work.of_subject(which)[0].state == "done"


def test_whoever_ordered_received_or_took_it_does_not_accept_it(house: Retailer):
    number = bought(house, (10, "4.00"))
    came(house, number, 10)
    (taken,) = take(bill("F-1", Invoiced(number, 1, 10, 9_000)))
    accept = [DecideSupplierLine(taken.invoice, 1, "accept", "it is right")]
    a_penny = [DecideSupplierLine(taken.invoice, 1, "credit", credited_minor=1)]
    for who in (BUYER, CLERK, BOOKS):
        for wanted in (accept, a_penny):
            (answer,) = decide_supplier_lines(who, requests=wanted)
            assert isinstance(answer, DutiesApart), who
        with pytest.raises(psycopg.IntegrityError, match="must have taken the duty"), transaction.atomic():
            sql.run(
                "UPDATE settlement_supplierline SET state = 'accepted', decided_by = %(who)s::text RETURNING 1",
                {"who": who.actor.name},
            )
    assert [one.side for one in duties_of(taken.invoice)] == ["enter"], "who is refused has done nothing"
    assert balance(1175) == 5_000
    (answer,) = decide_supplier_lines(OTHER, requests=accept)
    assert answer == SupplierLineDecided(taken.invoice, 1, "accepted", "settled")


def test_goods_that_come_after_their_bill_settle_it(house: Retailer):
    number = bought(house, (10, "4.00"))
    (taken,) = take(bill("F-1", Invoiced(number, 1, 10, 4_020)))
    assert balances(2050, 1175) == (0, 4_020)
    came(house, number, 4)
    assert supplier_queries.waiting_for_goods() == [taken.invoice]
    nothing = UUID(int=7)
    some, strange = match_arrivals(BOOKS, requests=[MatchArrivals(taken.invoice), MatchArrivals(nothing)])
    assert some == ArrivalsMatched(taken.invoice, 4, "open")
    assert isinstance(strange, NotFound)
    assert balances(2050, 1175, 5600) == (0, 2_420, 0)
    came(house, number, 6)
    assert match_arrivals(BOOKS, requests=[MatchArrivals(taken.invoice)]) == [
        ArrivalsMatched(taken.invoice, 6, "settled")
    ]
    assert balances(2050, 1175, 5600) == (0, 0, 20)
    assert work.of_subject(taken.invoice)[0].state == "done"
    assert match_arrivals(BOOKS, requests=[MatchArrivals(taken.invoice)])[0].units == 0
    assert supplier_queries.waiting_for_goods() == []


def test_what_came_and_is_not_billed_says_why_the_account_is_not_zero(house: Retailer):
    number = bought(house, (10, "4.00"), (2, "1.00"))
    came(house, number, 10, 2)
    take(bill("F-1", Invoiced(number, 1, 7, 2_800)))
    told = [
        (one.order_number, one.line, one.received, one.billed, one.amount_minor)
        for one in supplier_queries.unbilled(1)
    ]
    assert told == [(number, 1, 10, 7, 1_200), (number, 2, 2, 0, 200)]
    assert -balance(2050) == sum(one.amount_minor for one in supplier_queries.unbilled(1))


@pytest.mark.counts(
    "settlement.take_supplier_invoices", "settlement.decide_supplier_lines", "settlement.match_arrivals"
)
def test_statements_do_not_grow_with_the_batch(house: Retailer, statements):
    for size in SIZES:
        number = bought(house, (size, "4.00"))
        with statements():
            taken = take(*[bill(f"F-{size}-{i}", Invoiced(number, 1, 1, 900)) for i in range(size)])
        came(house, number, size - size // 2)
        with statements():
            match_arrivals(BOOKS, requests=[MatchArrivals(one.invoice) for one in taken])
            decide_supplier_lines(
                OTHER, requests=[DecideSupplierLine(one.invoice, 1, "accept", "so be it") for one in taken]
            )


@pytest.mark.usefixtures("committed_db")
def test_two_invoices_at_once_bill_no_unit_twice():
    house = a_retailer(skus=1)
    number = bought(house, (10, "4.00"))
    came(house, number, 10)
    batches = [[bill(f"F-{i}", Invoiced(number, 1, 6, 2_400))] for i in range(4)]
    answers = all_at_once(take_supplier_invoices, BOOKS, *batches)
    assert sorted(one.state for one in answers) == ["open", "open", "open", "settled"]
    assert balances(2050, 1175) == (0, 4 * 2_400 - 4_000)
    which = next(one.invoice for one in answers if one.state == "open")
    decide = [[DecideSupplierLine(which, 1, "accept", "fine", key=str(ids.uuid7()))] for _ in range(2)]
    decided = all_at_once(decide_supplier_lines, OTHER, *decide)
    assert sorted(type(one).__name__ for one in decided) == ["SupplierLineDecided", "WrongState"]
