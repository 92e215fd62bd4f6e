"""The flow board: what stands where, what is late, what waits for somebody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from entrepot.insight import feeds, pace, pages, questions, summary
from entrepot.network import queries as network
from entrepot.orders.rules import ENDED
from entrepot.web import format as fmt
from entrepot.web import homes
from entrepot.web.edge import Request, clean, console, page
from entrepot.web.views import dashboard
from entrepot.work import queries as work

LANES: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (_("Held"), ("payment hold", "fraud review", "address hold", "tax hold", "inventory hold", "exception")),
    (
        _("On the way"),
        ("ready", "with supplier", "warehouse release", "picking", "picked", "packed", "partly shipped"),
    ),
    (_("Gone"), ("shipped", "delivered", "cancelled", "closed")),
)
"""Statuses from intake to the door, as the board shows them."""

ON_THE_WAY = tuple(status for _, statuses in LANES[:2] for status in statuses)
"""The statuses in which an order can wait."""

PULSE_HOURS = 24


class Narrowed(NamedTuple):
    """What the page is asked for: some nodes and a channel, by their codes; all of them where none is named."""

    nodes: tuple[str, ...] = ()
    channel: str = ""

    @property
    def query(self) -> str:
        """For the lists of orders behind the board, each part after a `&`."""
        parts = [("node", one) for one in self.nodes] + ([("channel", self.channel)] if self.channel else [])
        return f"&{urlencode(parts)}" if parts else ""


@dataclass(frozen=True, slots=True)
class Bar:
    """An hour of the chart, in units of its drawing."""

    x: float
    placed: float
    shipped: float
    pulse: pages.Pulse


@require_safe
@console
def home(request: Request) -> HttpResponse:
    company, now, reader = request.reader.company.id, fmt.reading().now, request.reader
    nodes, channels = network.nodes(company=company), network.channels(company=company)
    node = next((one.code for one in nodes if one.code == clean(request.GET.get("node"))), "")
    channel = channels.get(clean(request.GET.get("channel")))
    asked = Narrowed((node,) if node else (), channel.code if channel else "")
    name, tiles = dashboard.own(reader)
    theirs = homes.home_of(reader.roles, everything=reader.actor.everything)
    context = {
        "for_you": homes.told(
            theirs,
            company=company, person=reader.name, roles=reader.roles, now=now, nodes=asked.nodes,
            channel=asked.channel,
        ),
        "tiles": dashboard.shown(tiles),
        "board": name,
        "nodes": nodes,
        "channels": channels.values(),
        "node": node,
        "channel": asked.channel,
        "narrowing": asked.query,
        "parts": theirs.parts,
        **(_board(company, now, asked) if homes.FLOW in theirs.parts else {}),
    }  # fmt: skip
    if homes.CUT_OFFS in theirs.parts:
        context["cut_offs"] = [
            (one, step)
            for one in questions.outlooks(company, now)
            if not asked.nodes or one.node_code in asked.nodes
            for step in one.steps
            if step.orders
        ]
    if homes.FEEDS in theirs.parts:
        context |= {"feeds": feeds.feeds(company, now), "stuck": questions.standing(company, now)}
    return page(request, "web/home.html", context, area="home")


def _board(company: int, now: datetime, asked: Narrowed) -> dict[str, Any]:
    """Where orders stand and how fast they go, with what the house waits for."""
    stages = questions.flow(company, now, *asked)
    lanes = [
        (name, [stages.get(status) or pages.Stage(status, 0, 0) for status in statuses])
        for name, statuses in LANES
    ]
    pulses = questions.pulse(company, now, PULSE_HOURS, *asked)
    most = max([1, *(one.placed for one in pulses), *(one.shipped for one in pulses)])
    orders = {status: stage.orders for status, stage in stages.items()}
    found = pace.paces(orders, questions.passed(company, now, PULSE_HOURS, *asked), PULSE_HOURS)
    return {
        "lanes": lanes,
        "paces": found,
        "bottleneck": pace.bottleneck(standing(stages, now), found, ON_THE_WAY),
        "alive": sum(stage.orders for stage in stages.values() if stage.status not in ENDED),
        "late": sum(stage.late for stage in stages.values()),
        "held": sum(stage.orders for stage in lanes[0][1]),
        "late_orders": questions.late_orders(company, now, *asked),
        "work": work.open_by_type(company, now),
        "stock": summary.stock_by_status(company),
        "queues": pages.queues(),
        "bars": [
            Bar(i * 10, one.placed / most * 60, one.shipped / most * 60, one) for i, one in enumerate(pulses)
        ],
        "placed": sum(one.placed for one in pulses),
        "shipped": sum(one.shipped for one in pulses),
    }


def standing(stages: Mapping[str, pages.Stage], now: datetime) -> dict[str, pace.Standing]:
    """Orders that have not ended, by status, with how long half of them have stood there."""
    return {
        status: pace.Standing(stage.orders, now - stage.half_at)
        for status, stage in stages.items()
        if stage.half_at is not None
    }
