"""`entrepot demo`: a demo retailer in a database of its own, one trading day, then the console."""

from __future__ import annotations

import argparse
import os

from entrepot import supervisor
from entrepot.cli.session import opened
from entrepot.cli.up import add_serving_options

DATABASE = "entrepot_demo"


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("demo", help="set up a demo retailer, play one trading day, serve the console")
    add_serving_options(parser)
    parser.add_argument("--no-serve", action="store_true", help="end after the summary (also: DEMO_SERVE=0)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """The room plays the day and prints the summary and the login; serving is the supervisor's."""
    serves = not arguments.no_serve and os.environ.get("DEMO_SERVE", "1") != "0"
    with opened(DATABASE) as server:
        from entrepot.simulation import demo

        demo.run(serve=serves)
        if not serves:
            return 0
        return supervisor.serve(arguments.host, arguments.port, workers=arguments.workers, server=server)
