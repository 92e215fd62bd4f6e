"""What pages show beside a day's orders: an open portal, a draft, a saved view; by commands, for pictures and tests."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from django.utils import timezone

from entrepot.access.commands.save_view import SaveView, save_view
from entrepot.catalog import queries as catalog
from entrepot.channels.commands.keep_webhooks import AddWebhook, WebhookNow, add_webhooks
from entrepot.channels.commands.tell_webhooks import TryWebhook, try_webhooks
from entrepot.kernel import policies
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.drafts import DraftPolicy, draft_policy
from entrepot.network import queries as network
from entrepot.orders.commands.draft import SaveDraft, draft
from entrepot.orders.commands.place import OrderLine, PlaceOrder
from entrepot.parties import queries as parties
from entrepot.returns.portal_queries import Portal
from entrepot.sourcing.rules import Profile
from entrepot.warehouse import shelf_queries
from entrepot.warehouse.commands.build_plates import BuildPlate, PlateLine, build_plates
from entrepot.warehouse.plates import PlatePolicy


def furnish() -> None:
    """Add it to the first company of this database."""
    company, now = parties.companies()[0], timezone.now()
    system = Cause(Actor("admin", everything=True), now)
    portal = Portal(is_open=True, name=company.name, help="mailto:help@example.com")
    policies.set_policy(
        replace(system, at=now - timedelta(minutes=1)),
        requests=[policies.SetPolicy(company.id, "returns.portal", portal, now - timedelta(minutes=1))],
    )
    channel = next(iter(network.channels(company=company.id).values()))
    skus = list(catalog.skus(company=company.id).values())[:2]
    lines = tuple(OrderLine(one.code, 2, Decimal("24.50")) for one in skus)
    draft(
        system,
        requests=[SaveDraft(PlaceOrder(company.id, channel.code, "", lines, channel.currency, country="GB"))],
    )
    profile = Profile(split_minor=200, late_day_minor=100)
    draft_policy(
        system, requests=[DraftPolicy(company.id, "sourcing.profile", profile, note="Splits cost too much.")]
    )
    save_view(system, requests=[SaveView(company.id, "orders", "Late orders", "late=1")])
    _a_plate(system, company.id)
    _a_webhook(system, company.id)


def _a_plate(system: Cause, company: int) -> None:
    """A plate with some units of the first bin that has them loose, numbered by the company."""
    prefix = policies.SetPolicy(
        company, "warehouse.plates", PlatePolicy("7610425"), system.at - timedelta(minutes=1)
    )
    policies.set_policy(replace(system, at=system.at - timedelta(minutes=1)), requests=[prefix])
    nodes = [one.id for one in network.nodes(company=company)]
    bins = network.bins(nodes=nodes, kinds=("pick", "reserve"))
    found = next((here for one in bins for here in shelf_queries.in_bin(one.id) if here.quantity > 1), None)
    if found:
        line = PlateLine(found.sku, 2, found.lot, found.serial, found.status)
        build_plates(system, requests=[BuildPlate(company, found.bin, (line,))])


def _a_webhook(system: Cause, company: int) -> None:
    """A program that is told of shipments. Its address is kept for documentation, so nothing answers there."""
    secret = "whsec_" + base64.b64encode(bytes(32)).decode()
    events = ("order.shipped", "order.delivered", "return.received")
    wanted = AddWebhook(company, "Web shop", "https://shop.example.com/entrepot", events, secret)
    (added,) = add_webhooks(system, requests=[wanted])
    if isinstance(added, WebhookNow):
        try_webhooks(system, requests=[TryWebhook(company, added.webhook)])
