"""`entrepot import online-retail FILE`: a retailer's year through the commands of any other order."""

from __future__ import annotations

import argparse
from pathlib import Path

from entrepot import Problem
from entrepot.cli.session import add_database_option, opened


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
        help="receive all of the coming week's demand, or 95 %% of it",
    )
    online_retail.add_argument("--report", choices=("text", "json"), default="text")
    add_database_option(online_retail)
    online_retail.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    if not arguments.file.is_file():
        raise Problem(f"There is no file {arguments.file}.")
    with opened(arguments.database):
        from entrepot.channels.online_retail import importer

        importer.run(arguments.file, stock=arguments.stock, report=arguments.report)
    return 0
