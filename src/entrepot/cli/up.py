"""`entrepot up`: the whole house under one supervisor."""

from __future__ import annotations

import argparse

from entrepot import supervisor
from entrepot.cli.session import add_database_option, opened


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "up", help="run database (if embedded), web, worker, jobs and relay until Ctrl-C"
    )
    add_serving_options(parser)
    add_database_option(parser)
    parser.set_defaults(run=run)


def add_serving_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="web processes (default: 2)")


def run(arguments: argparse.Namespace) -> int:
    with opened(arguments.database) as server:
        return supervisor.serve(arguments.host, arguments.port, workers=arguments.workers, server=server)
