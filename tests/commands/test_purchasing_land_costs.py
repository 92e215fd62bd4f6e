"""purchasing.land_costs"""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import pytest

from entrepot.kernel import sql
from entrepot.kernel.command import whole
from entrepot.kernel.errors import Invalid, NotFound
from entrepot.kernel.ids import uuid7
from entrepot.ledger.commands.choose_costing import ChooseCosting, choose_costing
from entrepot.purchasing import errors, landing_queries, queries
from entrepot.purchasing.commands.land_costs import CostLanded, LandCost, land_costs
from entrepot.purchasing.commands.order import OrderGoods, order
from entrepot.purchasing.commands.receive import ReceiveOrder, receive
from entrepot.stock.commands.adjust import Adjust, adjust
from tests.retailer import BUYER, CLERK, Retailer, a_retailer
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db


@pytest.fixture
def house() -> Retailer:
    return a_retailer(skus=3)


def arrived(house: Retailer, *lines: tuple[int, str]) -> UUID:
    """A receipt of (quantity, unit cost) for one SKU after another."""
    asked = tuple(
        (sku, quantity, Decimal(cost)) for sku, (quantity, cost) in zip(house.skus, lines, strict=False)
    )
    (bought,) = order(BUYER, requests=[OrderGoods(house.company, house.supplier, house.node, "", asked)])
    return receive(CLERK, requests=[ReceiveOrder(bought.order)])[0].receipt


def bill(house: Retailer, amount: int, *receipts: UUID, name: str = "F-1", **changes: object) -> LandCost:
    facts = {"kind": "freight", "payee": "Forwarder", "basis": "value"} | changes
    return LandCost(house.company, external_id=name, amount_minor=amount, receipts=receipts, **facts)  # type: ignore[arg-type]


def lost(house: Retailer, quantity: int, sku: int = 0) -> None:
    adjust(BUYER, requests=[
        Adjust(house.company, house.skus[sku], house.node, house.receiving, -quantity, "loss")
    ])  # fmt: skip


def balances(house: Retailer) -> dict[int, int]:
    statement = (
        "SELECT account, sum(functional_minor)::bigint FROM ledger_line WHERE company_id = %(company)s"
        " AND document_kind = 'landed_cost' GROUP BY 1"
    )
    return dict(sql.run(statement, {"company": house.company}))


def test_what_is_there_is_worth_more_and_what_is_gone_cost_more(house: Retailer) -> None:
    receipt = arrived(house, (10, "3.00"), (10, "1.00"))
    lost(house, 4)

    (landed,) = land_costs(CLERK, requests=[bill(house, 1_001, receipt)])

    # 7.51 for 10 units of which 6 are there (4.51), and 2.50.
    assert isinstance(landed, CostLanded)
    assert (landed.stock_minor, landed.gone_minor, landed.lines, landed.fresh) == (701, 300, 2, True)
    assert balances(house) == {1200: 701, 5000: 300, 2000: -1_001}
    (told,) = landing_queries.costs(house.company)
    assert (told.number, told.amount_minor, told.stock_minor) == (landed.number, 1_001, 701)
    parts = landing_queries.parts(house.company, landed.cost)
    assert [(one.quantity, one.on_hand, one.stock_minor) for one in parts] == [(10, 6, 451), (10, 10, 250)]
    lost(house, 6)  # and leave with it
    assert sql.run("SELECT value_minor FROM ledger_valuation ORDER BY value_minor") == [(0,), (1_250,)]


def test_by_layers_it_goes_to_what_is_left_of_the_receipt(house: Retailer) -> None:
    choose_costing(CLERK, requests=[ChooseCosting(house.company, "fifo", "why")])
    first, second = arrived(house, (10, "1.00")), arrived(house, (10, "2.00"))
    lost(house, 12)

    early, late = land_costs(CLERK, requests=[bill(house, 100, first), bill(house, 100, second, name="F-2")])

    assert (early.stock_minor, early.gone_minor) == (0, 100)
    assert (late.stock_minor, late.gone_minor) == (80, 20)
    assert sql.run("SELECT quantity, value_minor FROM ledger_layer WHERE quantity > 0") == [(8, 1_680)]


def test_a_credit_takes_no_more_than_stock_is_worth(house: Retailer) -> None:
    receipt = arrived(house, (3, "1.00"))

    (credit,) = land_costs(CLERK, requests=[bill(house, -500, receipt)])

    assert (credit.stock_minor, credit.gone_minor) == (-300, -200)
    assert balances(house) == {1200: -300, 5000: -200, 2000: 500}


def test_a_bill_is_taken_once(house: Retailer) -> None:
    receipt = arrived(house, (3, "1.00"))
    one = bill(house, 90, receipt)

    first, again = land_costs(CLERK, requests=[one, bill(house, 90, receipt)])
    (later,), (other,) = (land_costs(CLERK, requests=[bill(house, amount, receipt)]) for amount in (90, 91))

    assert (first.cost, first.stock_minor, first.fresh) == (again.cost, again.stock_minor, True)
    assert (later.cost, later.stock_minor, again.fresh, later.fresh) == (first.cost, 90, False, False)
    assert isinstance(other, errors.LandedOtherwise)
    assert balances(house) == {1200: 90, 2000: -90}
    keyed = bill(house, 7, receipt, name="F-3", key="K")
    assert land_costs(CLERK, requests=[keyed]) == land_costs(CLERK, requests=[keyed])


def test_what_is_refused_changes_nothing(house: Retailer) -> None:
    receipt = arrived(house, (3, "1.00"))

    answers = land_costs(CLERK, requests=[
        bill(house, 90, uuid7()), bill(house, 90), bill(house, 0, receipt), bill(house, 9, receipt, basis="color"),
    ])  # fmt: skip

    assert [type(one) for one in answers] == [NotFound, NotFound, Invalid, Invalid]
    assert balances(house) == {}


@pytest.mark.counts("purchasing.land_costs")
def test_statements_do_not_grow_with_the_batch(house: Retailer, statements) -> None:
    receipt = arrived(house, (10, "3.00"), (10, "1.00"))
    counts = []
    for size in SIZES:
        with statements() as ran:
            land_costs(CLERK, requests=[bill(house, 5, receipt, name=f"{size}-{i}") for i in range(size)])
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert counts == [counts[0]] * 3, counts
    assert counts[0] == 15  # the last writes the events


def _valued_wrongly() -> list[str]:
    return [one for one in queries.discrepancies() if "valued at" in one]


def _shift(amount: int, **by: object) -> None:
    """Value that goes from one SKU to another: no sum of the company is off by it."""
    for sign, which in zip((-1, 1), ("less", "more"), strict=True):
        sql.run(
            "UPDATE ledger_valuation SET value_minor = value_minor + %(amount)s WHERE sku_id = %(sku)s RETURNING 1",
            {"amount": sign * amount, "sku": by[which]},
        )


def test_value_that_was_shifted_between_two_skus_is_named_of_both(house: Retailer) -> None:
    receipt = arrived(house, (10, "3.00"), (10, "1.00"))
    lost(house, 4)
    whole(land_costs(CLERK, requests=[bill(house, 1_001, receipt)]))
    assert _valued_wrongly() == []

    _shift(500, less=house.skus[0], more=house.skus[1])

    told = _valued_wrongly()
    assert [one.split(": ")[1] for one in told] == [
        "valued at 1751, its moves, landed costs and write-downs make 2251.",
        "valued at 1750, its moves, landed costs and write-downs make 1250.",
    ]
    assert all("stock of company" in one for one in told)
    _shift(500, less=house.skus[1], more=house.skus[0])
    assert _valued_wrongly() == []


def test_by_layers_it_is_named_wherever_they_stand(house: Retailer) -> None:
    choose_costing(CLERK, requests=[ChooseCosting(house.company, "fifo", "why")])
    receipt = arrived(house, (10, "3.00"), (10, "1.00"))
    whole(land_costs(CLERK, requests=[bill(house, 1_000, receipt)]))
    assert _valued_wrongly() == []

    _shift(500, less=house.skus[0], more=house.skus[1])

    assert ["at all nodes, stock and transit" in one for one in _valued_wrongly()] == [True, True]
    _shift(500, less=house.skus[1], more=house.skus[0])
