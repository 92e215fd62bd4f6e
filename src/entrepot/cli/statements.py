"""`entrepot import statement`: what a channel states of its orders or its stock, against what we hold."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from entrepot import Problem
from entrepot.cli.session import add_database_option, company_of, opened, say

if TYPE_CHECKING:
    from entrepot.channels.commands.take_statements import ChannelStatementTaken


def add_to(formats: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = formats.add_parser(
        "statement", help="compare what a channel states of its orders or stock with what is here"
    )
    parser.add_argument("file", type=Path, nargs="?", help="without it, the channel's shop is asked")
    parser.add_argument("--channel", required=True, metavar="CODE")
    parser.add_argument(
        "--company", metavar="CODE", help="the company of the channel, where there are several"
    )
    parser.add_argument("--kind", choices=("orders", "stock"), default="orders")
    parser.add_argument(
        "--source", choices=("table", "shopify", "amazon"), default="table", help="how it is written"
    )
    parser.add_argument(
        "--since", type=_day, metavar="DAY", help="first day (UTC); without it, that of its first order"
    )
    parser.add_argument(
        "--until", type=_day, metavar="DAY", help="last day (UTC); without it, that of its last order"
    )
    parser.add_argument("--report", choices=("text", "json"), default="text")
    add_database_option(parser)
    parser.set_defaults(run=run)


def _day(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)


def run(arguments: argparse.Namespace) -> int:
    """Compare, and say what differs. Ends with 1 where something does."""
    if arguments.file is not None and not arguments.file.is_file():
        raise Problem(f"There is no file {arguments.file}.")
    with opened(arguments.database):
        from entrepot.channels import queries
        from entrepot.kernel.errors import Refused, Unavailable

        try:
            company, taken = _take(arguments)
        except Refused as refused:
            raise Problem(refused.message) from refused
        except Unavailable as error:
            raise Problem(f"No statement came: {error}.") from error
        rows = queries.differences(company, channel=arguments.channel, limit=taken.differing + 1)
        rows = [one for one in rows if one.statement == taken.number]
    if arguments.report == "json":
        say(json.dumps(_told(taken, rows), indent=2))
        return 1 if rows else 0
    say(
        f"{taken.number}: {taken.stated} there, {taken.held} here, {len(rows)} differ, {taken.agreed} agree again"
    )
    for one in rows:
        say(f"{one.kind} {one.name}: {one.theirs or '-'} there, {one.ours or '-'} here")
    return 1 if rows else 0


def _told(taken: ChannelStatementTaken, rows: list[Any]) -> dict[str, Any]:
    figures = {
        name: getattr(taken, name) for name in ("number", "stated", "held", "differing", "fresh", "agreed")
    }
    told = ("kind", "name", "theirs", "ours", "state", "mend")
    return figures | {"differences": [{name: getattr(one, name) for name in told} for one in rows]}


def _take(arguments: argparse.Namespace) -> tuple[int, ChannelStatementTaken]:
    from entrepot.channels import pulling
    from entrepot.channels.commands.comparing import TakeChannelStatement
    from entrepot.channels.commands.take_statements import take_statements
    from entrepot.channels.statements import files
    from entrepot.kernel.cause import Actor, Cause
    from entrepot.kernel.command import whole
    from entrepot.kernel.errors import NotFound, Refused
    from entrepot.network import queries as network

    company, code = company_of(arguments.company)
    channel = network.channels(company=company).get(arguments.channel)
    if channel is None:
        raise NotFound(what="channel", which=arguments.channel)
    cause = Cause(Actor("import:statement", everything=True), datetime.now(UTC), "a channel's statement")
    if arguments.file is None:
        shop = pulling.shop_of(code, channel.code)
        if shop is None:
            raise Problem(
                f"No shop is set up for {channel.code}: set ENTREPOT_SHOPIFY_SHOPS, or name a file."
            )
        answer = pulling.pull(cause, company, channel, shop)
        if isinstance(answer, Refused):
            raise answer
        return company, answer
    found = files.told(arguments.kind, arguments.source, arguments.file.read_bytes())
    first, last = found.period() or (cause.at - timedelta(seconds=1), cause.at)
    until = arguments.until + timedelta(days=1) if arguments.until else last
    wanted = TakeChannelStatement(
        company, channel.code, arguments.kind, arguments.source, arguments.file.name, arguments.since or first, until,
        found.orders, found.stock,
    )  # fmt: skip
    (taken,) = whole(take_statements(cause, requests=[wanted]))
    return company, taken
