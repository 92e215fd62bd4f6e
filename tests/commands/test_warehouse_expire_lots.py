"""warehouse.expire_lots, and how long stock has been lying"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.catalog.commands.register import RegisterSku, register_skus
from entrepot.kernel import ids, policies, sql
from entrepot.kernel.errors import NotFound
from entrepot.stock import ageing
from entrepot.stock.commands.receive import Receive, receive
from entrepot.stock.expiry import Expiry
from entrepot.stock.rules import by_age, layers, shares
from entrepot.warehouse.commands.expire_lots import ExpireLots, LotsExpired, expire_lots
from entrepot.work import queries as work
from tests.floor import COMPANY, NOW, SYSTEM, Floor
from tests.sizes import SIZES
from tests.walk import a_house, allocated, placed, queued, released

TODAY = NOW.date()


@pytest.fixture
def house(db: None) -> Floor:
    """A house with a SKU that expires, number 3."""
    house = a_house()
    wanted = RegisterSku(COMPANY, "MILK", "Milk", lot_policy="lot_expiry")
    (sku,) = register_skus(SYSTEM, requests=[wanted])
    house.skus.append(sku.id)
    house.codes.append("MILK")
    policy()
    return house


def policy(**facts: object) -> None:
    body = Expiry(**{"warn_days": 0, **facts})  # type: ignore[arg-type]
    policies.set_policy(SYSTEM, requests=[policies.SetPolicy(COMPANY, "warehouse.expiry", body, NOW)])


def came(
    house: Floor, lot: str, day: date | None, quantity: int = 10, sku: int = 3, days_ago: int = 0
) -> None:
    at = NOW - timedelta(days=days_ago)
    request = Receive(
        COMPANY, house.skus[sku], house.nodes[0], house.bin(), quantity, quantity * 100, "test", ids.uuid7(), lot=lot,
        expires_on=day, occurred_at=at,
    )  # fmt: skip
    receive(SYSTEM, requests=[request])


def expired(**facts: object) -> LotsExpired:
    (answer,) = expire_lots(replace(SYSTEM, **facts), requests=[ExpireLots(COMPANY)])  # type: ignore[arg-type]
    assert isinstance(answer, LotsExpired), answer
    return answer


def by_status() -> dict[tuple[str, str], int]:
    rows = sql.run("SELECT lot, status, quantity FROM stock_bucket WHERE quantity > 0")
    return {(lot, status): units for lot, status, units in rows}


def test_a_lot_is_sellable_on_its_last_day_and_not_after_it(house: Floor):
    came(house, "L1", TODAY - timedelta(days=1), 4)
    came(house, "L2", TODAY, 6)
    came(house, "L3", None, 2)
    assert expired() == LotsExpired(COMPANY, 4, 0, 0)
    assert by_status() == {("L1", "non_sellable"): 4, ("L2", "sellable"): 6, ("L3", "sellable"): 2}
    assert expired() == LotsExpired(COMPANY, 0, 0, 0)
    assert expired(at=NOW + timedelta(days=1)).units == 6


def test_a_policy_keeps_days_to_the_customer_and_says_what_goods_become(house: Floor):
    policy(days_left=5, becomes="liquidation")
    came(house, "L1", TODAY + timedelta(days=4), 4)
    came(house, "L2", TODAY + timedelta(days=5), 6)
    assert expired().units == 4
    assert by_status() == {("L1", "liquidation"): 4, ("L2", "sellable"): 6}


def test_promises_that_break_are_sourced_again(house: Floor):
    came(house, "L1", TODAY, 5)
    (order,) = placed(house, 1, (3, 4))
    allocated(order)
    expired(at=NOW + timedelta(days=1))
    assert sql.run("SELECT open, allocated FROM orders_line") == [(4, 0)]
    assert queued("allocate") == [order]


def test_what_is_being_picked_stays_with_a_work_item(house: Floor):
    came(house, "L1", TODAY, 5)
    released(*placed(house, 1, (3, 4)))
    assert expired(at=NOW + timedelta(days=1)) == LotsExpired(COMPANY, 1, 4, 0)
    (item,) = work.items(company=COMPANY)
    assert (item.type, item.reason.split(",")[0]) == ("expired and picked", "4 units of MILK")


def test_somebody_is_told_of_a_lot_some_days_before_and_once(house: Floor):
    policy(warn_days=10)
    for lot, days in (("L1", 9), ("L2", 10)):
        came(house, lot, TODAY + timedelta(days=days))
    assert expired().warned == 1
    assert expired().warned == 1
    (item,) = work.items(company=COMPANY)
    assert "Lot L1 of MILK at N1 expires on" in item.reason
    assert by_status()[("L1", "sellable")] == 10


def test_a_company_that_is_not_there(house: Floor):
    assert expire_lots(SYSTEM, requests=[ExpireLots(77)]) == [NotFound(what="company", which=77)]


@pytest.mark.counts("warehouse.expire_lots")
def test_statements_do_not_grow_with_lots(house: Floor, statements):
    found = []
    for number in SIZES:
        for one in range(min(number, 30)):
            came(house, f"L{number}-{one}", TODAY - timedelta(days=1), 1)
        with statements() as ran:
            expire_lots(SYSTEM, requests=[ExpireLots(COMPANY)] * number)
        found.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert len(set(found)) == 1


# ---- age


def test_stock_is_as_old_as_the_receipts_that_it_is_left_of(house: Floor):
    came(house, "", None, 10, sku=0, days_ago=200)
    came(house, "", None, 10, sku=0, days_ago=40)
    came(house, "", None, 10, sku=0, days_ago=3)
    released(*placed(house, 1, (0, 4)))
    came(house, "", None, 5, sku=1)

    old, new = ageing.aged(company=COMPANY, at=NOW)

    assert (old.sku_code, old.units, old.days, old.spans) == (house.codes[0], 30, 200, (10, 10, 0, 0, 10, 0))
    assert (new.units, new.days, new.value_minor) == (5, 0, 500)
    spans = ageing.spans([old, new])
    assert [(one.from_days, one.to_days, one.skus, one.units, one.value_minor) for one in spans if one.units] == [
        (0, 30, 2, 15, 1500), (30, 60, 1, 10, 1000), (180, 365, 1, 10, 1000),
    ]  # fmt: skip


def test_what_expires_is_listed_the_first_day_first(house: Floor):
    came(house, "L2", TODAY + timedelta(days=9), 3)
    came(house, "L1", TODAY + timedelta(days=2), 4)
    found = ageing.expiring(company=COMPANY, until=TODAY + timedelta(days=9))
    assert [(one.lot, one.units, one.value_minor) for one in found] == [("L1", 4, 400), ("L2", 3, 300)]
    assert ageing.expiring(company=COMPANY, until=TODAY) == []


def test_the_last_that_came_is_there_still():
    assert layers(7, [(10, 5), (2, 4), (30, 9)]) == [(2, 4), (10, 3)]
    assert layers(7, [(3, 5)]) == [(3, 5), (3, 2)], "what no receipt tells is as old as the first"
    assert layers(7, []) == [(0, 7)]


@given(st.integers(1, 50), st.lists(st.tuples(st.integers(0, 400), st.integers(1, 20)), max_size=6))
def test_layers_and_spans_are_all_of_the_stock(units, receipts):
    found = layers(units, receipts)
    assert sum(one for _, one in found) == units
    assert sum(by_age(found, (30, 90))) == units
    assert by_age([(29, 1), (30, 2), (90, 4)], (30, 90)) == [1, 2, 4]


@given(st.integers(0, 10**6), st.lists(st.integers(0, 50), min_size=1, max_size=6).filter(any))
def test_shares_are_the_value_again(value, parts):
    found = shares(value, parts)
    assert sum(found) == value
    assert all(not share for share, part in zip(found, parts, strict=True) if not part)
