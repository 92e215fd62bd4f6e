"""An import that is killed and run again ends with the same report and the same tables, ids and recording times left
out; and the real year, whole, against the facts that were computed apart from this project."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import os
import random
import re
import subprocess
import sys
import time
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.apps import apps

from entrepot import postgres
from tests.leavings import Committed
from tests.partners.test_returns import amounts, sums_of_the_export

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
WEEKS, INVOICES_A_WEEK = 5, 90
REPOSITORY = Path(__file__).parents[2]

RECORDING = {
    "recorded_at", "received_at", "sealed_at", "taken_at", "at", "in_force_from", "created_at", "asked_at",
    "settled_at",
}  # fmt: skip
"""Columns that say when a row was written, not when something happened."""
AS_WRITTEN = {
    ("kernel_event", "occurred_at"): "NULLIF(occurred_at, recorded_at)",
    ("work_item", "opened_at"): "CASE WHEN type <> 'row set aside' THEN opened_at END",
    ("work_item", "ranked_at"): "CASE WHEN type <> 'row set aside' THEN ranked_at END",
    ("work_item", "due_at"): "CASE WHEN type <> 'row set aside' THEN due_at END",
    (
        "kernel_ready",
        "due_at",
    ): "CASE WHEN queue NOT IN ('peg', 'republish', 'count', 'invoice') THEN due_at END",
    ("warehouse_counttask", "due_at"): "NULL",
    ("warehouse_counttask", "created_at"): "NULL",
    ("catalog_listprice", "since"): "NULL",
}
"""Times that are those of writing for some rows: a row that can't be read has no time of its own, and supply is told
when it is recorded."""
HANDED_OUT = {"id", "seq", "number", "slot", "tracking", "correlation", "dedupe", "sealed"}
"""Columns whose values are made or numbered in passing; a run that was undone leaves gaps in numbers."""
BY_PROCESS = {"kernel_seal", "kernel_rowseal", "kernel_imprint", "ledger_balance", "parties_person"}
"""Links are cut, balances slotted and keys drawn by who wrote them, and an imprint is of a row with its keys; that they
agree is what `verify` proves."""
NUMBERS = re.compile(
    r"\b(?:SO|CN|PO|GR|FF|SH|PK|ADJ|TR|RMA|RF)-\d+\b|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
)


def a_history(seed: int) -> str:
    """Weeks of sales, charges, credits, losses, finds and slips of the pen."""
    chance = random.Random(seed)
    skus = [
        (f"{22000 + i}", f"THING {i}", chance.choice((chance.randint(30, 1999), 9_900))) for i in range(20)
    ]
    rows = []
    at = datetime(2011, 3, 1, 8, 0, tzinfo=UTC)
    for n in range(WEEKS * INVOICES_A_WEEK):
        at += timedelta(minutes=7 * 24 * 60 // INVOICES_A_WEEK)
        number, customer = 600_000 + n, chance.choice(("", f"{17000 + n % 7}"))
        kind = chance.choices(("sale", "charge", "credit", "loss", "find", "slip"), (84, 3, 5, 4, 3, 1))[0]
        for code, name, price in chance.sample(
            skus, chance.randint(1, 5) if kind in ("sale", "credit") else 1
        ):
            facts: tuple[Any, ...] = {
                "sale": (number, code, name, chance.randint(1, 24), price / 100),
                "charge": (number, "POST", "POSTAGE", 1, 18.5),
                "credit": (
                    f"C{number}", code, chance.choice((name, name, "damaged")), -chance.randint(1, 30),
                    chance.choice((price, price, price - 5)) / 100,
                ),
                "loss": (number, code, "damaged", -chance.randint(1, 9), 0.0),
                "find": (number, code, "found", chance.randint(1, 9), 0.0),
                "slip": (number, code, name, "several", price / 100),
            }[kind]  # fmt: skip
            invoice, sku, text, quantity, unit = facts
            rows.append(
                f"{invoice},{sku},{text},{quantity},{at:%Y-%m-%d %H:%M:%S},{unit},{customer},France\n"
            )
    return HEADER + "".join(rows)


def start(file: Path, stock: str) -> subprocess.Popen[str]:
    environment = dict(os.environ)
    environment.pop("ENTREPOT_DB_ROLE", None)  # it migrates and grants before it lowers its own rights
    return subprocess.Popen(
        [sys.executable, "-m", "entrepot", "import", "online-retail", str(file), "--stock", stock, "--report", "json"],
        env=environment, cwd=REPOSITORY, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def finish(process: subprocess.Popen[str], seconds: float = 100) -> dict[str, Any]:
    out, errors = process.communicate(timeout=seconds)
    assert process.returncode == 0, errors[-3000:]
    report: dict[str, Any] = json.loads(out)
    return {name: value for name, value in report.items() if name not in ("seconds", "peak_rss_mb")}


def messages() -> int:
    with psycopg.connect(postgres.server_dsn()) as connection:
        found = connection.execute("SELECT count(*) FROM kernel_inbox WHERE state = 'done'").fetchone()
        assert found is not None
        return int(found[0])


def kill_after(process: subprocess.Popen[str], invoices: int) -> None:
    """kill -9 as soon as that many invoices are committed."""
    deadline = time.monotonic() + 60
    while messages() < invoices:
        assert process.poll() is None, "the import ended before it could be killed"
        assert time.monotonic() < deadline, "the import does not get on"
        time.sleep(0.005)
    process.kill()
    process.communicate()


def digests() -> dict[str, str]:
    """A digest of each table of the house, whatever the order of its rows."""
    found = {}
    with psycopg.connect(postgres.server_dsn()) as connection:
        for model in apps.get_models():
            table = model._meta.db_table
            if not model.__module__.startswith("entrepot.") or table in BY_PROCESS:
                continue
            names = [
                AS_WRITTEN.get((table, field.column), field.column)
                for field in model._meta.concrete_fields
                if field.column not in RECORDING | HANDED_OUT and field.get_internal_type() != "UUIDField"
            ]
            rows = connection.execute(f"SELECT ROW({', '.join(names)})::text FROM {table}").fetchall()
            lines = sorted(NUMBERS.sub("#", row[0]) for row in rows)
            found[table] = f"{len(lines)} {hashlib.sha256(chr(10).join(lines).encode()).hexdigest()[:12]}"
    return found


@pytest.mark.slow
@pytest.mark.parametrize("stock", ["ample", "tight"])
def test_killed_three_times_and_run_again_it_ends_the_same(
    committed_db: None, committed: Committed, tmp_path: Path, stock: str
) -> None:
    from entrepot.insight import verify

    file = tmp_path / "history.csv"
    file.write_text(a_history(5))
    whole = finish(start(file, stock))
    untouched = digests()
    assert whole["rows_set_aside"] > 0
    assert whole["work_items"] > whole["unmatched_credits"] > 0
    assert whole["returns_matched_exact"] > whole["returns_matched_latest"] > 0
    assert whole["price_adjustments"] != "0.00"
    assert sums_of_the_export() == amounts(whole)

    assert finish(start(file, stock)) == whole
    assert digests() == untouched, "a second run changed something"

    committed.clean()
    for invoices in (1, INVOICES_A_WEEK + 20, 3 * INVOICES_A_WEEK):
        kill_after(start(file, stock), invoices)
    assert 0 < messages() < WEEKS * INVOICES_A_WEEK * 0.99

    assert finish(start(file, stock)) == whole
    assert digests() == untouched
    assert verify.discrepancies() == []


SHARED = REPOSITORY.parent / "shared" / "data"
YEAR = SHARED / "transactions" / "online_retail_2010-12_2011-08.csv.gz"


def facts() -> dict[str, Any]:
    """What the manifest says of the file."""
    text = (SHARED / "MANIFEST.md").read_text().partition("### online_retail_shared")[2].partition("###")[0]
    return {name: json.loads(value) for name, value in re.findall(r"- \*\*(.+?)\*\*: `(.+)`", text)}


@pytest.mark.slow
@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.skipif(not YEAR.exists(), reason="the shared data folder is not beside the repository")
def test_the_whole_year_agrees_with_the_manifest_to_the_penny(committed_db: None) -> None:
    from entrepot.insight import verify

    known = facts()

    report = finish(start(YEAR, "ample"), seconds=800)

    assert report["rows"] == known["rows"]
    assert report["rows_set_aside"] == 0
    assert report["orders"] == sum(known["orders_per_month(sale invoices)"].values())
    assert report["gross_sales"] == f"{known['gross_sales_all_lines(q>0,p>0,not C,not A)']:.2f}"
    assert report["cancelled_value"] == f"{known['cancelled_value_all_C_lines']:.2f}"
    assert report["net_all_rows"] == f"{known['sum_qty_x_price_all_rows']:.2f}"
    assert report["net_by_month"] == {month: f"{net:.2f}" for month, net in known["net_by_month"].items()}
    by_hand = matched_by_hand()
    assert report["returns_matched_exact"] == by_hand["exact"] > 0.8 * by_hand["goods_lines_with_customer"]
    assert report["returns_matched_latest"] == by_hand["latest"]
    assert report["units_returned"] == by_hand["units"]
    assert report["price_adjustments"] == f"{by_hand['other_price']:.2f}"
    assert report["credits_without_sale"] == report["unmatched_credits"] == by_hand["credits_without_sale"]
    assert sums_of_the_export() == amounts(report)
    assert verify.discrepancies() == []

    before = digests()
    assert finish(start(YEAR, "ample"), seconds=800) == report
    assert digests() == before, "a second run changed something"


def matched_by_hand() -> dict[str, Any]:
    """Which sales the file's credits belong to, found without the house: row by row, in the order of time."""
    invoices: dict[str, list[dict[str, str]]] = defaultdict(list)
    with gzip.open(YEAR, "rt", encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            invoices[row["InvoiceNo"]].append(row)
    found: dict[str, Any] = defaultdict(int)
    sales: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for rows in sorted(invoices.values(), key=lambda rows: rows[0]["InvoiceDate"]):
        is_credit, without_sale = rows[0]["InvoiceNo"].startswith("C"), False
        for row in rows if rows[0]["InvoiceNo"][0] != "A" else ():
            units, price, customer = int(row["Quantity"]), Decimal(row["UnitPrice"]), rows[0]["CustomerID"]
            is_goods = re.match(r"\d{5}|DCGS", row["StockCode"])
            mine = sales[customer, row["StockCode"]]
            if is_goods and customer and units > 0 and price > 0:
                mine.append([price, units])
            if not is_credit:
                continue
            left = -units
            if is_goods:
                found["units"] += left
                found["goods_lines_with_customer"] += bool(customer)
            for how in ("exact", "latest") if is_goods else ():
                for sale in reversed(mine):
                    taken = min(left, sale[1])
                    if taken and (sale[0] == price) == (how == "exact"):
                        left, sale[1] = left - taken, sale[1] - taken
                        found[how] += 1
                        found["other_price"] += taken * (sale[0] - price)
            without_sale = without_sale or left > 0
        found["credits_without_sale"] += without_sale
    return found
