"""Credits of an Online Retail file become returns of the sales that they belong to."""

from __future__ import annotations

import gzip
import re
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from entrepot.channels.commands import import_invoices, take_back
from entrepot.channels.online_retail import importer
from entrepot.insight import beancount, verify
from entrepot.kernel import sql
from entrepot.payments.commands.disputes import DisputeOpened, OpenDispute, open_disputes
from tests.floor import SYSTEM
from tests.leavings import Committed
from tests.partners.test_online_retail import HEADER, YEAR, figures, real

SALES = """600001,22633,HAND WARMER,5,2010-12-01 09:00:00,2.00,17850,United Kingdom
600001,85123A,WHITE HEART,3,2010-12-01 09:00:00,2.55,17850,United Kingdom
600002,22633,HAND WARMER,4,2010-12-02 09:00:00,1.90,17850,United Kingdom
600003,22633,HAND WARMER,9,2010-12-02 10:00:00,2.00,13000,United Kingdom
"""
CREDITS = """C600010,22633,HAND WARMER,-2,2010-12-09 09:00:00,2.00,17850,United Kingdom
C600011,22633,HAND WARMER,-6,2010-12-10 09:00:00,1.90,17850,United Kingdom
C600012,22633,HAND WARMER,-3,2010-12-10 10:00:00,2.00,17850,United Kingdom
C600012,POST,POSTAGE,-1,2010-12-10 10:00:00,3.50,17850,United Kingdom
C600013,85123A,WHITE HEART,-1,2010-12-10 11:00:00,9.99,,United Kingdom
"""


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str, str], Path]:
    def write(rows: str, name: str = "orders.csv") -> Path:
        path = tmp_path / name
        path.write_text(HEADER + rows)
        return path

    return write


def returned() -> list[tuple[object, ...]]:
    """Each line of a return: credit, invoice of the sale, units, how it was found, and what became of it."""
    return sql.run(
        "SELECT r.external_id, o.external_id, l.quantity, l.found_by, l.disposed, l.refunded, r.state"
        " FROM returns_line AS l JOIN returns_return AS r ON r.id = l.return_id"
        " JOIN orders_order AS o ON o.id = r.order_id"
        " ORDER BY r.external_id, l.found_by, o.external_id"
    )


def credits_() -> list[tuple[object, ...]]:
    return sql.run("SELECT external_id, total_minor::int, state FROM orders_credit ORDER BY 1")


def test_a_credit_finds_its_sale_by_price_and_else_the_latest(committed_db: None, file) -> None:
    importer.run(file(SALES + CREDITS))

    assert returned() == [
        ("C600010", "600001", 2, "exact", 2, 2, "closed"),
        # Six at 1.90: four were sold at that price; two more come off the other sale, at another price.
        ("C600011", "600002", 4, "exact", 4, 4, "closed"),
        ("C600011", "600001", 2, "latest", 2, 2, "closed"),
        # Of three, one is left that was sold.
        ("C600012", "600001", 1, "exact", 1, 1, "closed"),
    ]
    found = figures()
    assert (found["returns_matched_exact"], found["returns_matched_latest"]) == (3, 1)
    assert found["price_adjustments"] == "0.20", "two were sold at 2.00 and credited at 1.90"
    assert found["cancelled_value"] == "-34.89"
    assert found["units_returned"] == 2 + 6 + 3 + 1
    assert credits_() == [("C600012", 7_50, "unmatched"), ("C600013", 9_99, "unmatched")]
    assert found["credits_without_sale"] == 2
    assert verify.discrepancies() == []


def test_a_credit_of_what_left_with_a_serial_number_needs_none(committed_db: None, file) -> None:
    importer.run(file("600001,22633,HAND WARMER,1,2010-12-01 09:00:00,2.00,17850,United Kingdom\n"))
    sql.run("UPDATE catalog_sku SET serial_policy = 'at_ship' WHERE code = '22633'")
    sql.run(
        "UPDATE stock_bucket SET serial = 'S-1' WHERE id IN"
        " (SELECT from_bucket FROM stock_move WHERE to_place = 'customer')"
    )

    credit = "C600010,22633,HAND WARMER,-1,2010-12-09 09:00:00,2.00,17850,United Kingdom\n"
    importer.run(file(credit, "credits.csv"))

    assert returned() == [("C600010", "600001", 1, "exact", 1, 1, "closed")]


def test_three_actors_share_the_duties(committed_db: None, file) -> None:
    dear = SALES.replace(",2.00,17850", ",99.00,17850")
    importer.run(file(dear + "C600010,22633,HAND WARMER,-2,2010-12-09 09:00:00,99.00,17850,United Kingdom\n"))

    (row,) = sql.run(
        "SELECT r.requested_by, c.received_by, f.decided_by, f.state FROM returns_return AS r"
        " JOIN returns_receipt AS c ON c.return_id = r.id JOIN returns_refund AS f ON f.return_id = r.id"
    )
    assert row == ("import:returns-desk", "import:returns-dock", "import:controller", "paid")


def test_goods_come_back_to_the_node_of_their_shelf_as_good_as_their_row_says(
    committed_db: None, file
) -> None:
    importer.run(
        file(
            "600001,22633,HAND WARMER,5,2010-12-01 09:00:00,2.00,17850,United Kingdom\n"
            "600001,22086,PAPER CHAIN,3,2010-12-01 09:00:00,2.55,17850,United Kingdom\n"
            "C600010,22633,HAND WARMER,-2,2010-12-09 09:00:00,2.00,17850,United Kingdom\n"
            "C600010,22086,PAPER CHAIN wet and damaged,-1,2010-12-09 09:00:00,2.55,17850,United Kingdom\n"
        )
    )

    assert sql.run(
        "SELECT r.external_id, n.code, b.code, i.grade, d.disposition, to_char(d.decided_at, 'YYYY-MM-DD HH24:MI')"
        " FROM returns_return AS r JOIN network_node AS n ON n.id = r.node_id"
        " JOIN returns_receipt AS c ON c.return_id = r.id JOIN network_bin AS b ON b.id = c.bin_id"
        " JOIN returns_inspection AS i ON i.receipt_id = c.id JOIN returns_disposition AS d ON d.inspection_id = i.id"
        " ORDER BY r.external_id"
    ) == [
        ("C600010", "middle", "QUARANTINE", "A", "restock", "2010-12-09 09:00"),
        ("C600010/2", "north", "QUARANTINE", "D", "dispose", "2010-12-09 09:00"),
    ]
    shelves = sql.run(
        "SELECT s.code, n.code, b.quantity FROM stock_bucket AS b JOIN catalog_sku AS s ON s.id = b.sku_id"
        " JOIN network_bin AS n ON n.id = b.bin_id WHERE b.quantity > 0"
    )
    assert shelves == [("22633", "SHELF", 2)]
    assert figures()["cancelled_value"] == "-6.55"


def test_what_exceeds_what_was_captured_is_a_credit_without_a_sale(committed_db: None, file) -> None:
    importer.run(
        file(
            "600001,22633,HAND WARMER,2,2010-12-01 09:00:00,2.00,17850,United Kingdom\n"
            "C600010,22633,HAND WARMER,-1,2010-12-02 09:00:00,3.50,17850,United Kingdom\n"
            "C600011,22633,HAND WARMER,-1,2010-12-09 09:00:00,2.00,17850,United Kingdom\n"
        )
    )

    assert [(credit, units) for credit, _, units, *_ in returned()] == [("C600010", 1), ("C600011", 1)]
    assert sql.run("SELECT total_minor::int, adjustment_minor::int FROM returns_refund ORDER BY number") == [
        (3_50, 1_50),
        (50, -1_50),
    ]
    assert credits_() == [("C600011", 1_50, "unmatched")]
    found = figures()
    assert (found["cancelled_value"], found["price_adjustments"]) == ("-5.50", "0.00")
    assert found["work_items"] == 1


def test_a_credit_of_a_disputed_sale_waits_for_a_person_and_the_others_go_on(
    committed_db: None, file
) -> None:
    importer.run(file(SALES))
    ((tender, captured),) = sql.run(
        "SELECT p.id, p.captured_minor FROM payments_payment AS p JOIN orders_order AS o ON o.id = p.order_id"
        " WHERE o.external_id = '600001'"
    )
    (opened,) = open_disputes(
        SYSTEM, requests=[OpenDispute(tender, "dp_1", captured - 4_00, withdrawn=False)]
    )
    assert isinstance(opened, DisputeOpened)

    importer.run(file(SALES + CREDITS))

    assert returned() == [
        ("C600010", "600001", 2, "exact", 2, 2, "closed"),
        ("C600011", "600002", 4, "exact", 4, 4, "closed"),
        ("C600011", "600001", 2, "latest", 2, 0, "disposed"),
        ("C600012", "600001", 1, "exact", 1, 0, "disposed"),
    ]
    assert credits_() == [("C600012", 7_50, "unmatched"), ("C600013", 9_99, "unmatched")], (
        "nothing is given up"
    )
    items = sql.run(
        "SELECT r.external_id, w.role, w.facts->>'amount_minor', w.reason FROM work_item AS w"
        " JOIN returns_return AS r ON r.id = w.subject_id WHERE w.type = %(type)s ORDER BY 1",
        {"type": take_back.NOT_REFUNDED},
    )
    assert [row[:3] for row in items] == [("C600011", "controller", "380"), ("C600012", "controller", "200")]
    assert all("A bank disputes 13.65 GBP" in row[3] for row in items)
    assert verify.discrepancies() == []


MONEY = ("rows", "gross_sales", "cancelled_value", "net_by_month", "returns_matched_exact", "returns_matched_latest",
         "price_adjustments", "units_shipped", "units_returned")  # fmt: skip


@pytest.mark.parametrize(
    "places",
    [(1, 4, 7), pytest.param((2, 3, 5, 6, 8), marks=pytest.mark.slow)],
    ids=["within an invoice, between both kinds, within a credit", "everywhere else"],
)
def test_a_return_in_a_second_file_finds_its_sale_in_the_first_wherever_it_is_cut(
    committed_db: None, committed: Committed, file, places: tuple[int, ...]
) -> None:
    importer.run(file(SALES + CREDITS))
    whole, lines, no_sale = figures(), returned(), credits_()
    cut = (SALES + CREDITS).splitlines(keepends=True)

    for place in places:
        committed.clean()
        first, second = file("".join(cut[:place]), "first.csv"), file("".join(cut[place:]), "second.csv")
        importer.run(first)
        importer.run(second)

        again = figures()
        assert {name: again[name] for name in MONEY} == {name: whole[name] for name in MONEY}, place
        if place not in (1, 7):  # within an invoice
            assert (returned(), credits_()) == (lines, no_sale)
        for one in (second, first, file(SALES + CREDITS)):
            importer.run(one)
            assert figures() == again, f"cut at {place}, {one.name} changed something"


def test_another_version_of_an_invoice_is_set_aside(committed_db: None, file) -> None:
    importer.run(file(SALES))
    before = figures()
    changed = file(SALES.replace("HAND WARMER,5", "HAND WARMER,6"), "changed.csv")

    for _ in range(2):
        importer.run(changed)

        after = figures()
        assert after["gross_sales"] == before["gross_sales"]
        assert (after["rows_set_aside"], after["work_items"]) == (1, 1)


@real
@pytest.mark.slow
@pytest.mark.parametrize("stock", ["ample", "tight"])
def test_two_real_files_cut_within_a_week_are_as_good_as_one(
    committed_db: None, committed: Committed, tmp_path: Path, stock: str
) -> None:
    with gzip.open(YEAR, "rt", encoding="utf-8", newline="") as lines:
        rows = [line for line, _ in zip(lines, range(12_001), strict=False)]
    first, second, both = (tmp_path / name for name in ("first.csv", "second.csv", "both.csv"))
    first.write_text("".join(rows[:7_778]))
    second.write_text("".join(rows[:1] + rows[7_778:]))
    both.write_text("".join(rows))
    importer.run(first, stock=stock)
    of_first = figures()
    importer.run(second, stock=stock)
    cut, matched = figures(), by_credit()

    committed.clean()
    importer.run(both, stock=stock)
    whole = figures()
    for name in ("rows", "gross_sales", "cancelled_value", "net_all_rows", "net_by_month", "units_shipped"):
        assert cut[name] == whole[name]
    assert whole["returns_matched_exact"] > of_first["returns_matched_exact"] > 0
    if stock == "ample":  # when what waits is sent, and so what can come back, depends on the weeks of a file
        assert {name: cut[name] for name in MONEY} == {name: whole[name] for name in MONEY}
        assert by_credit() == matched


def by_credit() -> list[tuple[object, ...]]:
    """What came back of which sale by each credit, and what it was refunded with, whatever it is called."""
    return sql.run(
        "SELECT r.external_id, o.external_id, l.found_by, l.quantity, s.code FROM returns_line AS l"
        " JOIN returns_return AS r ON r.id = l.return_id JOIN orders_order AS o ON o.id = r.order_id"
        " JOIN catalog_sku AS s ON s.id = l.sku_id ORDER BY 1, 2, 3, 4, 5"
    )


def test_statements_do_not_grow_with_the_credits_of_a_batch(
    committed_db: None, file, statements, monkeypatch
) -> None:
    ran_of: list[int] = []
    real_take_back = import_invoices.take_back

    def counting(*args: object) -> None:
        with statements() as ran:
            real_take_back(*args)
        ran_of.append(len(ran))

    monkeypatch.setattr(import_invoices, "take_back", counting)
    sold = "".join(
        f"{600_000 + i},22633,HAND WARMER,7,2010-12-01 09:00:00,60.00,17850,United Kingdom\n"
        f"{600_000 + i},22086,PAPER CHAIN,5,2010-12-01 09:00:00,2.00,17850,United Kingdom\n"
        for i in range(40)
    )
    # A batch of each week: two nodes, both sides of the limit, another price, and a charge that has no sale.
    back = "".join(
        f"C{number},22633,HAND WARMER,-2,2010-12-{day} 09:00:00,60.00,17850,United Kingdom\n"
        f"C{number},22086,PAPER CHAIN,-1,2010-12-{day} 09:00:00,1.90,17850,United Kingdom\n"
        f"C{number},M,Manual,-1,2010-12-{day} 09:00:00,1.00,17850,United Kingdom\n"
        for count, day in ((1, "06"), (1, "13"), (10, "20"), (100, "27"))
        for number in range(int(day) * 1_000, int(day) * 1_000 + count)
    )

    importer.run(file(sold + back))

    first, *later = ran_of
    assert len(later) == 3
    assert len(set(later)) == 1, ran_of
    assert first <= later[0] + 2, "what is the same for all batches of a run is asked for once"
    assert figures()["returns_matched_exact"] >= 1 + 1 + 10 + 100


def test_the_search_for_sales_uses_the_indexes_of_customers_and_orders(committed_db: None, file) -> None:
    importer.run(file(SALES))
    params = {"companies": [1], "customers": ["17850"], "skus": ["22633"]}
    with transaction.atomic():
        sql.run("SET LOCAL enable_seqscan = off")
        plan = "\n".join(row[0] for row in sql.run(f"EXPLAIN {take_back._SALES}", params))
    assert "Seq Scan" not in plan


def test_an_independent_sum_of_the_export_equals_the_report(committed_db: None, file) -> None:
    importer.run(file(SALES + CREDITS))
    assert sums_of_the_export() == amounts(figures())


def amounts(report: dict[str, Any]) -> dict[str, object]:
    """Every amount of a report."""
    return {name: value for name, value in report.items() if isinstance(value, (str, dict))}


def sums_of_the_export() -> dict[str, object]:
    """The report's amounts, from the export as plain text, by what each posting's `kind` says; nothing of the house is
    asked. Every transaction must balance."""
    out = StringIO()
    beancount.export(out)
    by_kind: dict[str, Decimal] = defaultdict(Decimal)
    by_month: dict[str, Decimal] = defaultdict(Decimal)
    month, amount, balance = "", Decimal(), Decimal()
    for line in out.getvalue().splitlines():
        if found := re.match(r"(\d{4}-\d{2})-\d{2} \*", line):
            month = found[1]
            assert not balance
        elif found := re.match(r"  [A-Z]\S+  (-?[\d.]+) GBP$", line):
            amount = Decimal(found[1])
            balance += amount
        elif (found := re.match(r'    kind: "([^"]+)"', line)) and re.match(
            r"(sale|credit|return)\.|bad_debt$", found[1]
        ):
            by_kind[found[1]] -= amount
            by_month[month] -= amount
    assert not balance

    def of(*prefixes: str) -> str:
        found = (amount for kind, amount in by_kind.items() if kind.startswith(prefixes))
        return f"{sum(found, Decimal()):.2f}"

    return {
        "gross_sales": of("sale."),
        "cancelled_value": of("credit.", "return."),
        "price_adjustments": of("return.adjustment"),
        "net_all_rows": of(""),
        "net_by_month": {name: f"{amount:.2f}" for name, amount in sorted(by_month.items())},
    }
