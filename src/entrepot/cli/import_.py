"""`entrepot import online-retail FILE`: a retailer's year through the commands of any other order."""

from __future__ import annotations

import argparse
import dataclasses
import json
import resource
import time
from pathlib import Path
from typing import Any

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
        help="receive all of the coming week's demand, or 95 %% of it",
    )
    online_retail.add_argument("--report", choices=("text", "json"), default="text")
    online_retail.add_argument("--currency", default="GBP", help="of the file's prices (default: GBP)")
    add_database_option(online_retail)
    online_retail.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    if not arguments.file.is_file():
        raise Problem(f"There is no file {arguments.file}.")
    began = time.perf_counter()
    with opened(arguments.database):
        from entrepot.channels.online_retail import importer
        from entrepot.insight.reports import import_report

        company = importer.run(arguments.file, stock=arguments.stock, currency=arguments.currency)
        figures = dataclasses.asdict(import_report(company))
    figures["seconds"] = round(time.perf_counter() - began, 1)
    figures["peak_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    say(json.dumps(figures, indent=2) if arguments.report == "json" else _text(figures))
    return 0


def _text(figures: dict[str, Any]) -> str:
    """The figures as lines, one for each."""
    width = max(map(len, figures))
    lines = [f"{name.replace('_', ' '):<{width}}  {_figure(figure)}" for name, figure in figures.items()]
    return "\n".join(lines)


def _figure(figure: Any) -> str:
    if isinstance(figure, dict):
        return ", ".join(f"{month} {amount}" for month, amount in figure.items()) or "none"
    return f"{figure:,}" if isinstance(figure, int) else str(figure)
