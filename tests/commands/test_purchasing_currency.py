"""Orders in another currency than the company's: received at the rate of the day, billed at that of the invoice."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from entrepot.kernel import sql
from entrepot.ledger.commands.record_rates import RecordRate, record_rates
from entrepot.ledger.commands.revalue import Revalue, revalue
from entrepot.ledger.errors import NoRate
from entrepot.purchasing import queries
from entrepot.purchasing.commands.land_costs import LandCost, land_costs
from entrepot.purchasing.commands.order import OrderGoods, order
from entrepot.purchasing.commands.receive import GoodsReceived, ReceiveOrder, receive
from entrepot.settlement.commands.take_supplier_invoices import (
    SupplierInvoiceTaken,
    TakeSupplierInvoice,
    take_supplier_invoices,
)
from entrepot.settlement.supplier_invoices import Invoiced
from tests.retailer import BUYER, CLERK, NOW, Retailer, a_retailer
from tests.sizes import MANY, SIZES

pytestmark = pytest.mark.django_db
TODAY = NOW.date()


@pytest.fixture
def house() -> Retailer:
    return a_retailer(skus=2)


def rate(on: date, worth: str) -> None:
    record_rates(BUYER, requests=[RecordRate(1, "EUR", on, Decimal(worth))])


def bought(house: Retailer, *lines: tuple[int, str], many: int = 1) -> list[UUID]:
    wanted = tuple((house.skus[n], units, Decimal(cost)) for n, (units, cost) in enumerate(lines))
    goods = [OrderGoods(1, house.foreign_supplier, house.node, "", wanted)] * many
    return [one.order for one in order(BUYER, requests=goods)]


def received(which: UUID, at: datetime = NOW, **counted) -> GoodsReceived:
    (answer,) = receive(CLERK, requests=[ReceiveOrder(which, occurred_at=at, **counted)])
    assert isinstance(answer, GoodsReceived), answer
    return answer


def account(number: int) -> list[tuple[str, int, int]]:
    """What an account holds, debit above zero: by currency, in it and in the company's own."""
    return sql.run(
        "SELECT currency::text, sum(amount_minor)::bigint, sum(functional_minor)::bigint FROM ledger_line"
        " WHERE account = %(account)s GROUP BY 1"
        " HAVING sum(amount_minor) <> 0 OR sum(functional_minor) <> 0 ORDER BY 1",
        {"account": number},
    )


def test_goods_are_worth_the_rate_of_the_day_on_which_they_came(house):
    rate(TODAY - timedelta(days=9), "0.80")
    rate(TODAY, "0.85")
    which, later = bought(house, (10, "2.00"), (5, "1.00"), many=2)
    assert received(which, NOW - timedelta(days=2)).value_minor == 2500  # in euros
    assert account(2050) == [("EUR", -2500, -2000)]
    assert sum(worth for *_, worth in account(1200)) == 2000
    received(later)
    assert account(2050) == [("EUR", -5000, -4125)]
    assert sql.run("SELECT sum(value_minor)::int FROM ledger_valuation") == [(4125,)]
    assert [one.value_minor for one in queries.receipts(which)] == [2500]


def test_parts_of_a_receipt_are_worth_together_what_their_sum_is(house):
    rate(TODAY, "0.333333")
    (which,) = bought(house, (3, "0.01"), (7, "0.01"))
    first, second = queries.lines(which)
    for line, units in ((first, 1), (second, 3), (first, 2), (second, 4)):
        received(which, lines=((line.id, units),))
    assert [amount for _, amount, _ in account(2050)] == [-10]
    booked = -account(2050)[0][2]
    assert sql.run("SELECT sum(home_minor)::int FROM purchasing_receiptline") == [(booked,)]
    assert sql.run("SELECT sum(value_minor)::int FROM ledger_valuation") == [(booked,)]


def test_without_a_rate_goods_are_not_received(house):
    (which,) = bought(house, (1, "1.00"))
    (answer,) = receive(CLERK, requests=[ReceiveOrder(which)])
    assert answer == NoRate(company=1, currency="EUR", on_date=str(TODAY))
    assert sql.run("SELECT count(*)::int FROM purchasing_receipt") == [(0,)]
    rate(TODAY, "0.85")
    received(which)


def test_an_invoice_is_matched_in_the_currency_of_the_order_and_the_difference_of_rates_is_realized(house):
    rate(TODAY - timedelta(days=5), "0.80")
    rate(TODAY, "0.90")
    (which,) = bought(house, (100, "1.00"))
    received(which, NOW - timedelta(days=5))
    found = queries.order(which)
    assert found
    invoice = TakeSupplierInvoice(
        1, "s2", "R-1", "EUR", 10_000, (Invoiced(found.number, 1, 100, 10_000),), invoiced_at=NOW
    )
    (taken,) = take_supplier_invoices(CLERK, requests=[invoice])
    assert isinstance(taken, SupplierInvoiceTaken) and (taken.state, taken.in_question) == ("settled", 0)
    assert account(2000) == [("EUR", -10_000, -9000)]
    assert account(2050) == [("EUR", 0, 1000)]  # billed at a dearer rate than received

    revalue(BUYER, requests=[Revalue(1, TODAY)])
    assert account(2050) == []
    gains = sql.run(
        "SELECT sum(functional_minor)::bigint FROM ledger_line WHERE event = 'currency.revalued' AND account NOT IN"
        " (2000, 2050)"
    )
    assert gains == [(1000,)]
    assert sql.run("SELECT sum(value_minor)::int FROM ledger_valuation") == [(8000,)]


def test_a_landed_cost_is_spread_by_what_goods_are_worth_at_home(house):
    rate(TODAY, "0.50")
    (which,) = bought(house, (10, "2.00"))
    receipt = received(which)
    ours = (house.skus[1], 10, Decimal(1))
    (home,) = order(BUYER, requests=[OrderGoods(1, house.supplier, house.node, "", (ours,))])
    (second,) = receive(CLERK, requests=[ReceiveOrder(home.order)])
    bill = LandCost(1, "freight", "Ship Ltd", "F-1", 300, "value", (receipt.receipt, second.receipt))
    (landed,) = land_costs(BUYER, requests=[bill])
    assert (landed.stock_minor, landed.gone_minor) == (300, 0)
    assert sql.run("SELECT amount_minor FROM purchasing_landedpart") == [(150,), (150,)]


def test_statements_do_not_grow_with_the_batch(statements, house):
    rate(TODAY, "0.85")
    counts = []
    for many in SIZES:
        orders = bought(house, (3, "1.00"), many=many)
        with statements() as ran:
            answers = receive(CLERK, requests=[ReceiveOrder(one) for one in orders])
        assert all(isinstance(one, GoodsReceived) for one in answers)
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert counts[1] == counts[2] and counts[0] in (counts[1], counts[1] + 3), (MANY, counts)
