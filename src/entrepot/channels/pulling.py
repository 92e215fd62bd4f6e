"""Statements that are asked for: of which channels, from where, and what to do where none comes."""

from __future__ import annotations

import json
from datetime import timedelta

from django.conf import settings

from entrepot.channels.commands.asking import MISSING, ROLE
from entrepot.channels.commands.comparing import TakeChannelStatement
from entrepot.channels.commands.take_statements import ChannelStatementTaken, take_statements
from entrepot.channels.rules import Reconciling
from entrepot.channels.shopify import parse
from entrepot.channels.shopify.client import Client
from entrepot.channels.statements.stated import UnreadableError
from entrepot.kernel import policies
from entrepot.kernel.cause import Cause
from entrepot.kernel.errors import Refused, Said, Unavailable
from entrepot.network import queries as network
from entrepot.network.queries import Channel
from entrepot.parties import queries as parties
from entrepot.work.commands.open_items import OpenItem, open_items


def shops() -> dict[str, Client]:
    """The shops that this installation may ask, by `company/channel` or the channel's code alone."""
    known = json.loads(settings.SHOPIFY_SHOPS or "{}")
    return {name: Client(one["url"], one["token"]) for name, one in known.items()}


def shop_of(company: str, channel: str) -> Client | None:
    """The shop of a channel. A channel's code alone names one only while a single company has such a channel: else
    one company's orders would be compared with another's. A code alone costs a statement for each company, and one."""
    known = shops()
    return known.get(f"{company}/{channel}") or (
        known[channel] if channel in known and _companies_with(channel) == 1 else None
    )


def _companies_with(channel: str) -> int:
    return sum(channel in network.channels(company=one.id) for one in parties.companies())


def pull(cause: Cause, company: int, channel: Channel, shop: Client) -> ChannelStatementTaken | Refused:
    """A shop's statement of the last days (`back_days`), taken. Where none comes, that is work, and Unavailable; where
    it is refused, that is the same work."""
    days = policies.of_company(company, Reconciling, cause.at)[1].back_days
    since = cause.at - timedelta(days=days)
    try:
        stated = parse.orders(shop.orders(since, cause.at))
    except (Unavailable, UnreadableError) as error:
        _ask(cause, company, channel, str(error))
        raise Unavailable(str(error)) from error
    name = f"last {days} days"
    (answer,) = take_statements(cause, requests=[TakeChannelStatement(
        company, channel.code, "orders", parse.SOURCE, name, since, cause.at, tuple(stated),
    )])  # fmt: skip
    if isinstance(answer, Refused):
        _ask(cause, company, channel, answer.message)
    return answer


def _ask(cause: Cause, company: int, channel: Channel, why: str) -> None:
    open_items(cause, requests=[OpenItem(
        company, MISSING, "channel", channel.id, Said("{0} gave no statement: {1}", channel.code, why), ROLE,
        {"channel": channel.code}, priority=40,
    )])  # fmt: skip
