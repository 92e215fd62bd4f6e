"""`entrepot import online-retail FILE`: a retailer's year through the commands of any other order."""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from pathlib import Path

from entrepot import Problem
from entrepot.cli.session import add_database_option, opened, say


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("import", help="bring in the orders of a file")
    formats = parser.add_subparsers(metavar="FORMAT", required=True)
    online_retail = formats.add_parser(
        "online-retail", help="CSV in the columns of the UCI Online Retail data"
    )
    online_retail.add_argument("file", type=Path)
    online_retail.add_argument(
        "--stock",
        choices=("ample", "tight"),
        default="ample",
        help="receive all of the coming week's demand, or 95 %% of it and the rest a week later",
    )
    online_retail.add_argument(
        "--currency", default="GBP", metavar="CODE", help="of the file's prices (default: GBP)"
    )
    online_retail.add_argument("--report", choices=("text", "json"), default="text")
    add_database_option(online_retail)
    online_retail.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    if not arguments.file.is_file():
        raise Problem(f"There is no file {arguments.file}.")
    if not (len(arguments.currency) == 3 and arguments.currency.isascii() and arguments.currency.isalpha()):
        raise Problem(f"{arguments.currency!r} is no currency: give its three letters (ISO 4217).")
    began = time.perf_counter()
    with opened(arguments.database):
        from entrepot.channels.online_retail import importer
        from entrepot.insight import reports

        imported = importer.run(arguments.file, stock=arguments.stock, currency=arguments.currency.upper())
        report = reports.of_import(company=imported.company, source=imported.channel)
    figures = report.as_json(seconds=time.perf_counter() - began, peak_rss_mb=_peak_rss_mb())
    if arguments.report == "json":
        say(json.dumps(figures, indent=2))
    else:
        _print(figures, report.currency)
    return 0


def _peak_rss_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


LABELS = {
    "rows": "rows of the file",
    "rows_set_aside": "rows set aside",
    "orders": "orders",
    "lines": "order lines",
    "shipments": "shipments",
    "units_shipped": "units shipped",
    "units_returned": "units returned",
    "returns_matched_exact": "returns at their price",
    "returns_matched_latest": "returns at another",
    "unmatched_credits": "credits without a sale",
    "work_items": "work items",
    "stock_moves": "stock moves",
    "gross_sales": "gross sales",
    "cancelled_value": "returns and credits",
    "price_adjustments": "of it, price adjusted",
    "net_all_rows": "net of all rows",
}


def _print(figures: dict[str, object], currency: str) -> None:
    for name, label in LABELS.items():
        value = figures[name]
        text = f"{value:,}" if isinstance(value, int) else f"{value} {currency}"
        say(f"{label:<24}{text:>20}")
    months = figures["net_by_month"]
    assert isinstance(months, dict)
    for month, amount in months.items():
        say(f"  net of {month:<15}{amount:>20} {currency}")
    say(f"in {figures['seconds']} s, with at most {figures['peak_rss_mb']} MB of memory")
