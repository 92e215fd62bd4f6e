"""Profit to the shipped unit, told of a month in which goods were sold, came back, and were paid for."""

from __future__ import annotations

from datetime import date

import pytest

from entrepot.catalog.commands.register_packagings import PackagingRegistered, register_packagings
from entrepot.catalog.packagings import RegisterPackaging
from entrepot.insight import margins, profit
from entrepot.insight.profit import Asked, Handling
from entrepot.kernel import policies, sql
from entrepot.orders.commands.place import PaymentGiven
from entrepot.returns.commands.refund import Refund, refund
from entrepot.settlement.carriers import Billed
from entrepot.settlement.commands.take_carrier_invoices import TakeCarrierInvoice, take_carrier_invoices
from entrepot.shipping import queries as shipping
from entrepot.warehouse.waves import Waves
from tests.back import ASKS, asked, back, sold
from tests.floor import COMPANY, NOW, SYSTEM, Floor, balance
from tests.stories.test_settlement import pays_out, the_provider_answers, told_so_far
from tests.walk import a_house

pytestmark = pytest.mark.django_db

MONTH = Asked(date(2026, 11, 1), date(2026, 12, 1))


@pytest.fixture
def house(db: None) -> Floor:
    """Three parcels of one unit at 9.99 and two of another; one of them brought back one unit of each, one of which is
    thrown away; the provider and the carrier have sent their bills."""
    house = a_house()
    house.stock(0, 50, cost=50 * 210)
    house.stock(1, 50, cost=50 * 333)
    orders = sold(
        house, 3, (0, 1), (1, 2), payment=PaymentGiven("fake", "card", 3_398, NOW), shipping_minor=401
    )
    the_provider_answers()
    one = asked(orders[0], 1, 1, reason="damaged_in_transit")
    back(one, 1, 1, grade="D", disposition="dispose")
    refund(ASKS, requests=[Refund(one.return_id)])
    the_provider_answers()
    pays_out("po_1", told_so_far())
    parcels = [
        shipping.shipment(which).tracking
        for (which,) in sql.run("SELECT id FROM shipping_shipment ORDER BY id")
    ]
    billed = tuple(Billed(number, 303 if place else 300) for place, number in enumerate(parcels))
    take_carrier_invoices(SYSTEM, requests=[
        TakeCarrierInvoice(COMPANY, "Post", "F-1", "GBP", sum(one.amount_minor for one in billed), billed)
    ])  # fmt: skip
    return house


def told(side: str, asked: Asked = MONTH) -> dict[str, profit.Profit]:
    return {one.name: one for one in profit.profit(COMPANY, asked, side, NOW).groups()}


def test_the_sums_are_those_of_the_books(house: Floor):
    (tied,) = profit.ties(COMPANY, MONTH, profit.profit(COMPANY, MONTH, "sku", NOW))
    types = sql.run("SELECT code FROM ledger_account WHERE type IN ('income', 'expense')")
    books = -sum(balance(account) for (account,) in types)
    assert tied == profit.Tied(date(2026, 11, 1), books, books)
    assert books

    for side in profit.SIDES:
        assert margins.total(told(side).values()).amounts == margins.total(told("month").values()).amounts, (
            side
        )


def test_each_component_is_what_the_goods_it_belongs_to_bear(house: Floor):
    one, other = (told("sku")[code] for code in house.codes[:2])
    assert (one.units, one.returned, other.units, other.returned) == (3, 1, 6, 1)
    assert (one.amounts["goods"], other.amounts["goods"]) == (3 * 999, 6 * 999)
    assert one.amounts["shipping"] + other.amounts["shipping"] == 3 * 401
    assert (one.amounts["cost"], other.amounts["cost"]) == (-3 * 210, -6 * 333)
    assert (one.amounts["cost taken back"], other.amounts["cost taken back"]) == (210, 333)
    assert (one.amounts["losses on returns"], other.amounts["losses on returns"]) == (-210, -333)
    # By weight a third of each parcel, and of what two of them cost more.
    assert (one.amounts["freight"], other.amounts["freight"]) == (-3 * 100 - 2, -3 * 200 - 4)
    fees = -sum(amount for (amount,) in sql.run("SELECT fee_minor FROM settlement_payout"))
    assert one.amounts["fees"] + other.amounts["fees"] == fees
    assert "labor" not in one.amounts


def test_reasons_tell_what_took_the_margin(house: Floor):
    reasons = told("reason")
    assert set(reasons) == {"", "damaged_in_transit"}
    damaged = reasons["damaged_in_transit"]
    assert damaged.returned == 2
    assert damaged.amounts["refunds"] == -2 * 999 - shipping_given_back()
    assert damaged.sum_of("cost taken back", "losses on returns") == 0
    assert told("sku", MONTH._replace(reason="damaged_in_transit"))[house.codes[0]].amounts["refunds"] < 0


def shipping_given_back() -> int:
    return int(sql.run("SELECT sum(shipping_minor) FROM returns_refund")[0][0])


def test_a_line_is_told_by_its_units(house: Floor):
    found = profit.lines(COMPANY, MONTH, NOW, 100)
    assert len(found) == 6
    assert found == sorted(found, key=lambda one: (one.profit.profit_minor, one.profit.name))
    for one in found:
        units = one.units()
        assert len(units) == one.quantity
        assert {name: sum(unit[name] for unit in units) for name in one.profit.amounts} == one.profit.amounts
    assert {one.channel for one in found} == {"shop"}
    assert profit.lines(COMPANY, MONTH._replace(sku=house.codes[0]), NOW, 2)[0].sku_code == house.codes[0]


def test_labor_and_cartons_are_beside_the_books(house: Floor):
    before = margins.total(told("month").values())
    kept = policies.SetPolicy(COMPANY, "insight.profit", Handling(labor_minor_per_hour=3_600), NOW)
    policies.set_policy(SYSTEM, requests=[kept])
    after = margins.total(told("month").values())
    # A penny a second: 90 of packing, and for each line and unit of picking.
    assert after.amounts["labor"] < -3 * 90
    assert after.booked_minor == before.booked_minor
    assert after.profit_minor == before.profit_minor + after.amounts["labor"]
    assert margins.total(told("line").values()).amounts == after.amounts


def test_what_may_still_come_back_is_at_risk_by_what_came_back(house: Floor):
    sums = told("sku")
    # Of nine units two came back, of which nothing was recovered.
    assert all(sums[code].at_risk_minor > 0 for code in house.codes[:2])
    assert (
        margins.total(profit.profit(COMPANY, MONTH, "sku", NOW.replace(year=2027)).groups()).at_risk_minor
        == 0
    )


def test_other_months_and_companies_have_nothing(house: Floor):
    assert profit.profit(COMPANY, Asked(date(2026, 10, 1), date(2026, 11, 1)), "sku", NOW).groups() == []
    assert profit.profit(2, MONTH, "sku", NOW).groups() == []


def test_a_case_from_reserve_is_picked_as_one_piece(db: None):
    """As labor counts: sixteen units of the pick face are as many pieces, of reserve a case of twelve and four."""
    house = a_house()
    kept = policies.SetPolicy(COMPANY, "insight.profit", Handling(labor_minor_per_hour=3_600), NOW)
    policies.set_policy(SYSTEM, requests=[kept])
    for sku, kind in enumerate(("pick", "reserve")):
        case = RegisterPackaging(COMPANY, house.codes[sku], "case", 12)
        assert [type(one) for one in register_packagings(SYSTEM, requests=[case])] == [PackagingRegistered]
        house.stock(sku, 50, kind=kind)
        sold(house, 1, (sku, 16))
    face, reserve = (-told("sku")[code].amounts["labor"] for code in house.codes[:2])
    assert face - reserve == (16 - 5) * Waves().seconds_per_unit
