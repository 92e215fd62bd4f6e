"""ledger.write_down"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from entrepot.kernel import ids, sql
from entrepot.kernel.errors import Invalid, NotFound, Refused, RequestReused
from entrepot.ledger import queries
from entrepot.ledger.commands.choose_costing import ChooseCosting, choose_costing
from entrepot.ledger.commands.close_month import CloseMonth, close_month
from entrepot.ledger.commands.write_down import WriteDown, WrittenDown, write_down
from entrepot.ledger.errors import MonthClosed
from entrepot.stock.commands.adjust import Adjust, adjust
from tests.floor import COMPANY, NOW, SYSTEM, Floor, a_floor, balance
from tests.sizes import MANY

pytestmark = pytest.mark.django_db


@pytest.fixture
def floor(db: None) -> Floor:
    """Ten units of a SKU at 100 each, and ten of another."""
    floor = a_floor()
    for sku in (0, 1):
        floor.stock(sku, 10)
    return floor


def brings(floor: Floor, unit: str, sku: int = 0, **facts: Any) -> WriteDown:
    wanted = {"reason": "last season's color"} | facts
    return WriteDown(COMPANY, floor.skus[sku], floor.nodes[0], Decimal(unit), **wanted)


def worth(floor: Floor, unit: str) -> WrittenDown:
    (answer,) = write_down(SYSTEM, requests=[brings(floor, unit)])
    assert isinstance(answer, WrittenDown), answer
    return answer


def lost(floor: Floor, quantity: int) -> None:
    wanted = Adjust(COMPANY, floor.skus[0], floor.nodes[0], floor.bin(), -quantity, "loss")
    adjust(SYSTEM, requests=[wanted])


def test_stock_is_worth_what_it_brings_and_never_more_than_it_cost(floor: Floor):
    """invariant_8"""
    assert worth(floor, "72.55") == WrittenDown(-274, 726, 274)
    assert (balance(1200), balance(5330)) == (1726, 274)
    assert worth(floor, "80") == WrittenDown(74, 800, 200)
    assert worth(floor, "80") == WrittenDown(0, 800, 200)
    assert worth(floor, "130") == WrittenDown(200, 1000, 0)
    assert (balance(1200), balance(5330)) == (2000, 0)
    rows = queries.write_downs(company=COMPANY)
    assert [(one.before_minor, one.after_minor, one.written_minor) for one in rows] == [
        (800, 1000, 0), (726, 800, 200), (1000, 726, 274),
    ]  # fmt: skip
    assert queries.write_downs(company=COMPANY, after=rows[0].id, limit=1) == rows[1:2]


def test_what_leaves_takes_its_part_of_the_write_down_along(floor: Floor):
    worth(floor, "60")
    lost(floor, 4)
    assert balance(5100) == 240
    (standing,) = queries.below_cost(company=COMPANY)
    assert (standing.quantity, standing.value_minor, standing.written_minor) == (6, 360, 240)
    floor.stock(0, 4)  # at 100 each: they bear none of it
    assert worth(floor, "100") == WrittenDown(240, 1000, 0)
    worth(floor, "0")
    lost(floor, 10)
    assert queries.below_cost(company=COMPANY) == []


def test_by_layers_each_is_looked_at_by_itself(floor: Floor):
    choose_costing(SYSTEM, requests=[ChooseCosting(COMPANY, "fifo", "as the auditor asks", revalue=True)])
    floor.stock(0, 10, cost=2_000)
    # The first ten cost 100 each, the others 200.
    assert worth(floor, "150") == WrittenDown(-500, 2500, 500)
    assert [one.value_minor for one in queries.layers(company=COMPANY, sku=floor.skus[0])] == [1000, 1500]
    lost(floor, 15)
    assert worth(floor, "500") == WrittenDown(250, 1000, 0)
    worth(floor, "10")
    choose_costing(SYSTEM, requests=[ChooseCosting(COMPANY, "average", "simpler", revalue=True)])
    assert worth(floor, "500") == WrittenDown(950, 1000, 0)


def test_refusals_leave_everything_as_it_was(floor: Floor):
    answers = write_down(SYSTEM, requests=[
        brings(floor, "-1"), brings(floor, "NaN"), brings(floor, "50", reason=" "), brings(floor, "50", sku=2),
        brings(floor, "50", sku=1),
    ])  # fmt: skip
    assert [type(one) for one in answers] == [Invalid, Invalid, Invalid, NotFound, WrittenDown]
    assert (balance(1200), balance(5330)) == (1500, 500)


def test_a_key_gets_its_answer_again_and_none_for_other_content(floor: Floor):
    first = write_down(SYSTEM, requests=[brings(floor, "50", key="k")])
    assert write_down(SYSTEM, requests=[brings(floor, "50", key="k")]) == first
    assert write_down(SYSTEM, requests=[brings(floor, "40", key="k")]) == [
        RequestReused(key="k", command="ledger.write_down")
    ]
    assert balance(5330) == 500


def test_it_is_posted_to_a_day_of_the_month_that_is_being_closed_until_it_is(floor: Floor):
    """The month's end is looked at in the days after it: what it shows belongs into it."""
    last = date(2026, 10, 31)
    (answer,) = write_down(SYSTEM, requests=[brings(floor, "70", on=last)])
    assert answer == WrittenDown(-300, 700, 300)
    told = sql.run("SELECT DISTINCT month, occurred_at FROM ledger_line WHERE document_kind = 'writedown'")
    assert told == [(date(2026, 10, 1), datetime(2026, 10, 31, 23, 59, 59, 999999, UTC))]
    ((happened, recorded),) = sql.run(
        "SELECT occurred_at, recorded_at FROM kernel_event WHERE subject_kind = 'writedown'"
    )
    assert (happened.date(), recorded) == (last, NOW)
    (row,) = queries.write_downs(company=COMPANY)
    assert row.decided_at == NOW, "who decided it when stays as it was"
    (closed,) = close_month(SYSTEM, requests=[CloseMonth(COMPANY, last.replace(day=1))])
    assert not isinstance(closed, Refused), closed
    late, today, tomorrow = write_down(SYSTEM, requests=[
        brings(floor, "60", on=last), brings(floor, "60", on=NOW.date()),
        brings(floor, "50", on=NOW.date() + timedelta(days=1)),
    ])  # fmt: skip
    assert late == MonthClosed(company=COMPANY, month="2026-10")
    assert isinstance(today, WrittenDown)
    assert isinstance(tomorrow, Invalid) and tomorrow.facts["field"] == "on"
    assert balance(5330) == 400


def test_nothing_is_rewritten(floor: Floor):
    before = sql.run("SELECT id, value_minor FROM stock_move ORDER BY id")
    worth(floor, "50")
    assert sql.run("SELECT id, value_minor FROM stock_move ORDER BY id") == before


@pytest.mark.counts("ledger.write_down")
def test_statements_do_not_grow_with_the_batch(db: None, statements):
    floor = a_floor(skus=MANY + 11)
    quantities = [(sku, floor.nodes[0]) for sku in floor.skus]
    sql.run(
        "INSERT INTO ledger_valuation (company_id, sku_id, node_id, pool, quantity, value_minor)"
        " SELECT 1, sku, node, 'stock', 10, 0 FROM unnest(%(skus)s::uuid[], %(nodes)s::uuid[]) AS d(sku, node)",
        sql.columns(("skus", "nodes"), quantities),
    )
    counts = []
    for some in (floor.skus[:1], floor.skus[1:11], floor.skus[11:]):
        with statements() as ran:
            write_down(SYSTEM, requests=[
                WriteDown(COMPANY, sku, floor.nodes[0], Decimal(0), "none is sold", key=str(ids.uuid7()))
                for sku in some
            ])  # fmt: skip
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert len(set(counts)) == 1
    sql.run("DELETE FROM ledger_valuation")
