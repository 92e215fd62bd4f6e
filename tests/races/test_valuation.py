"""Costs are borne once, and the method of valuation changes between moves, never in the middle of one."""

from __future__ import annotations

from decimal import Decimal

from entrepot.ledger import queries
from entrepot.ledger.commands.choose_costing import ChooseCosting, choose_costing
from entrepot.ledger.commands.write_down import WriteDown, write_down
from entrepot.purchasing.commands.land_costs import land_costs
from tests.commands.test_purchasing_land_costs import arrived, balances, bill, lost
from tests.retailer import CLERK, a_retailer
from tests.together import at_once


def test_a_bill_is_borne_once_while_stock_moves_and_its_method_changes(committed_db: None) -> None:
    house = a_retailer(skus=1)
    receipt = arrived(house, (10, "1.00"))

    chosen = ChooseCosting(house.company, "fifo", "why", revalue=True)
    answers = at_once([
        *[lambda: land_costs(CLERK, requests=[bill(house, 90, receipt)])[0]] * 3,
        *[lambda: choose_costing(CLERK, requests=[chosen])[0]] * 2,
        *[lambda: lost(house, 1)] * 3,
    ])  # fmt: skip

    assert sorted(one.fresh for one in answers[:3]) == [False, False, True]
    assert sorted(one.fresh for one in answers[3:5]) == [False, True]
    sums = balances(house)
    assert (sums[2000], sums.get(1200, 0) + sums.get(5000, 0)) == (-90, 90)
    assert sum(one.quantity for one in queries.layers(company=house.company)) == 7
    assert queries.discrepancies() == []


def test_stock_is_written_down_once_while_it_moves(committed_db: None) -> None:
    house = a_retailer(skus=1)
    arrived(house, (10, "1.00"))
    request = WriteDown(house.company, house.skus[0], house.node, Decimal(60), "out of fashion")
    answers = at_once([
        *[lambda: write_down(CLERK, requests=[request])[0]] * 3,
        *[lambda: lost(house, 1)] * 3,
    ])  # fmt: skip
    assert sum(one.change_minor < 0 for one in answers[:3]) == 1
    (standing,) = queries.below_cost(company=house.company)
    assert (standing.quantity, standing.value_minor, standing.written_minor) == (7, 420, 280)
    assert queries.discrepancies() == []
