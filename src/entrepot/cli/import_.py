"""`entrepot import online-retail FILE`: a retailer's year through the commands of any other order.

`entrepot import olist DIR`: a marketplace's orders, each with what was promised and what came of it.

`entrepot import orders FILE`: the orders of a spreadsheet, tried out first or placed.

`entrepot import statement FILE`: what a channel states of its orders or stock, against what is here.

`entrepot import edi FILE`: what a supplier sends as X12: ship notices (856).

`entrepot import places FILE`: where postal codes lie, so that sourcing knows distances.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from entrepot import Problem
from entrepot.cli import documents, rates, statements
from entrepot.cli.session import add_database_option, company_of, opened, say
from entrepot.kernel import money

if TYPE_CHECKING:
    from entrepot.channels.spreadsheet import importer


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
    olist = formats.add_parser("olist", help="a folder of CSV in the columns of the Olist e-commerce data")
    olist.add_argument("folder", type=Path)
    olist.add_argument("--report", choices=("text", "json"), default="text")
    add_database_option(olist)
    olist.set_defaults(run=run_olist)
    _add_orders_to(formats)
    statements.add_to(formats)
    documents.add_to(formats)
    rates.add_to(formats)
    places = formats.add_parser(
        "places", help="where postal codes lie: CSV, or a tab-separated postal file of GeoNames"
    )
    places.add_argument("file", type=Path)
    add_database_option(places)
    places.set_defaults(run=run_places)


def _add_orders_to(formats: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    orders = formats.add_parser("orders", help="CSV or XLSX with a row for each line of an order")
    orders.add_argument("file", type=Path)
    orders.add_argument(
        "--channel", required=True, metavar="CODE", help="the channel that the orders come by"
    )
    orders.add_argument(
        "--company", metavar="CODE", help="the company of the channel, where there are several"
    )
    orders.add_argument(
        "--mapping",
        default="default",
        metavar="NAME",
        help="the remembered mapping of columns (default: default)",
    )
    orders.add_argument(
        "--map", action="append", default=[], metavar="FIELD=COLUMN", help="a column of the file; remembered"
    )
    orders.add_argument(
        "--sheet", metavar="NAME", help="of a workbook; remembered. '': the first that can hold orders"
    )
    orders.add_argument(
        "--dry-run", action="store_true", help="say what would become of every row, and write nothing"
    )
    orders.add_argument("--errors", type=Path, metavar="FILE", help="write what is wrong as CSV")
    orders.add_argument("--report", choices=("text", "json"), default="text")
    add_database_option(orders)
    orders.set_defaults(run=run_orders)


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


def run_olist(arguments: argparse.Namespace) -> int:
    if not arguments.folder.is_dir():
        raise Problem(f"There is no folder {arguments.folder}.")
    began = time.perf_counter()
    with opened(arguments.database):
        from entrepot.channels.olist import contract, importer
        from entrepot.channels.olist.told import told

        imported = importer.run(arguments.folder)
        report = told(company=imported.company, source=imported.channel, currency=contract.CURRENCY)
    figures = report.as_json(seconds=time.perf_counter() - began, peak_rss_mb=_peak_rss_mb())
    if arguments.report == "json":
        say(json.dumps(figures, indent=2))
    else:
        for name, value in figures.items():
            if isinstance(value, int | float | str):
                text = f"{value:,}" if isinstance(value, int) else str(value)
                say(f"{name.replace('_', ' '):<40}{text:>16}")
        for one in figures["payment_differences"]:
            say(f"  payment hold {one['order']}: {one['paid']} paid of {one['total']}, {one['difference']}")
        for one in figures["time_anomalies"]:
            say(f"  {one['what']} {one['order']}: {one['came']}, {one['after']}")
    return 0


def run_places(arguments: argparse.Namespace) -> int:
    """Register the places of a file. Ends with 1 where a row could not be read; the others are in."""
    if not arguments.file.is_file():
        raise Problem(f"There is no file {arguments.file}.")
    with opened(arguments.database):
        from entrepot.kernel.cause import Actor, Cause
        from entrepot.kernel.command import whole
        from entrepot.network import places
        from entrepot.network.commands.register import register_places

        with arguments.file.open(encoding="utf-8-sig", newline="") as lines:
            sheet = places.read(lines)
        cause = Cause(
            Actor("import:places", everything=True), datetime.now(UTC), f"import of {arguments.file.name}"
        )
        for start in range(0, len(sheet.places), PLACES_AT_ONCE):
            whole(register_places(cause, requests=sheet.places[start : start + PLACES_AT_ONCE]))
    for fault in sheet.faults:
        say(f"row {fault.row}: {fault.problem}")
    countries = len({one.country for one in sheet.places})
    say(f"{len(sheet.places)} places of {countries} countries stand, {len(sheet.faults)} rows left out")
    return 1 if sheet.faults else 0


PLACES_AT_ONCE = 5000


def run_orders(arguments: argparse.Namespace) -> int:
    """Place the orders of a file. Ends with 1 where something is wrong with any of them."""
    if not arguments.file.is_file():
        raise Problem(f"There is no file {arguments.file}.")
    with opened(arguments.database):
        from entrepot.channels.spreadsheet import write
        from entrepot.kernel.errors import Refused

        try:
            report = _import_orders(arguments)
        except Refused as refused:
            raise Problem(refused.message) from refused
        if arguments.errors:
            arguments.errors.write_text(write.errors_csv(report.wrong), encoding="utf-8", newline="")
    if arguments.report == "json":
        say(json.dumps(report.as_json(), indent=2))
    else:
        _print_orders(report)
    return 1 if report.wrong else 0


def _import_orders(arguments: argparse.Namespace) -> importer.Report:
    from entrepot.channels import queries as channels
    from entrepot.channels.commands.save_mapping import SaveMapping, save_mapping
    from entrepot.channels.spreadsheet import importer, parse, read
    from entrepot.kernel.cause import Actor, Cause
    from entrepot.kernel.command import whole
    from entrepot.kernel.errors import Invalid, one_of
    from entrepot.network import queries as network

    company, _ = company_of(arguments.company)
    known = network.channels(company=company)
    channel = known.get(arguments.channel)
    if channel is None:
        raise Invalid(field="channel", expected=one_of(known), found=arguments.channel)
    columns, usual = channels.mapping(company=company, channel=channel.code, name=arguments.mapping)
    wanted = usual if arguments.sheet is None else arguments.sheet
    sheet = read.read(arguments.file.read_bytes(), wanted=arguments.sheet or "", usual=wanted)
    given = dict(one.partition("=")[::2] for one in arguments.map)
    wrong = parse.misfit_given(given, sheet.header)
    if wrong is not None:
        raise Invalid(field="--map", expected=wrong.expected, found=wrong.column)
    mapping = parse.propose(sheet.header, columns | given)
    cause = Cause(
        Actor("import:orders", everything=True), datetime.now(UTC), f"import of {arguments.file.name}"
    )
    if (given or wanted != usual) and not arguments.dry_run:
        kept = tuple((mapping | parse.lost(mapping, columns, sheet.header)).items())
        saved = SaveMapping(company, channel.code, kept, arguments.mapping, wanted)
        whole(save_mapping(cause, requests=[saved]))
    return importer.run(
        cause, company=company, channel=channel.code, currency=channel.currency, sheet=sheet, mapping=mapping,
        remembered=columns, usual=wanted, tries=arguments.dry_run,
    )  # fmt: skip


def _print_orders(report: importer.Report) -> None:
    would = "would be " if report.tried else ""
    say(f"{report.rows} rows, {report.orders} orders")
    say(f"{report.placed} {would}placed, {report.held} of them held; {report.duplicates} had come before")
    for currency, minor in report.totals().items():
        say(f"worth {money.text(minor, currency)} {currency}")
    if report.unread:
        say(f"nothing is read from: {', '.join(report.unread)} (name their fields with --map FIELD=COLUMN)")
    if report.lost:
        lacks = ", ".join(f"{name} ({column})" for name, column in report.lost.items())
        say(f"columns that are remembered are not in this file, their fields stay empty: {lacks}")
    if report.lost_sheet:
        say(f"the sheet {report.lost_sheet}, which is remembered, is not in this file, or holds nothing")
    if report.other_sheets:
        others = ", ".join(report.other_sheets)
        say(f"read is the sheet {report.sheet} alone, not: {others} (choose another with --sheet NAME)")
    if report.repeated:
        some = ", ".join(map(str, report.repeated[:20]))
        say(f"{len(report.repeated)} rows say the same as an earlier row of their order: {some}")
    for held in report.outcomes if report.tried else ():
        for why in held.reasons:
            say(f"row {held.row}, order {held.order}: would be held, {why}")
    for one in report.wrong:
        name = f", order {one.order}" if one.order else ""
        say(f"row {one.row}, {one.column}{name}: expected {one.expected}, found {one.found}")
    if report.refused:
        say(f"{report.refused} orders {would}left out: mend their rows and import the file again")


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
