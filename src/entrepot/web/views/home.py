"""The flow board: what stands where, what is late, what waits for somebody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from entrepot.insight import pace, pages, questions, summary
from entrepot.orders.rules import ENDED
from entrepot.web import format as fmt
from entrepot.web import homes
from entrepot.web.edge import Request, console, page
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

PULSE_HOURS = 24


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
    company, now = request.reader.company.id, fmt.reading().now
    stages = questions.flow(company, now)
    lanes = [
        (name, [stages.get(status) or pages.Stage(status, 0, 0, now) for status in statuses])
        for name, statuses in LANES
    ]
    pulses = questions.pulse(company, now, PULSE_HOURS)
    most = max([1, *(one.placed for one in pulses), *(one.shipped for one in pulses)])
    standing = {status: stage.orders for status, stage in stages.items()}
    found = pace.paces(standing, questions.passed(company, now, PULSE_HOURS), PULSE_HOURS)
    slow = pace.bottleneck(standing, found, [one for _, statuses in LANES[:2] for one in statuses])
    reader = request.reader
    name, tiles = dashboard.own(reader)
    context = {
        "for_you": homes.told(
            homes.home_of(reader.roles, everything=reader.actor.everything),
            company=company,
            person=reader.name,
            roles=reader.roles,
            now=now,
        ),
        "tiles": dashboard.shown(tiles),
        "board": name,
        "lanes": lanes,
        "paces": found,
        "bottleneck": slow,
        "alive": sum(stage.orders for stage in stages.values() if stage.status not in ENDED),
        "late": sum(stage.late for stage in stages.values()),
        "held": sum(stage.orders for stage in lanes[0][1]),
        "late_orders": questions.late_orders(company, now),
        "work": work.open_by_type(company, now),
        "stock": summary.stock_by_status(company),
        "queues": pages.queues(),
        "bars": [
            Bar(i * 10, one.placed / most * 60, one.shipped / most * 60, one) for i, one in enumerate(pulses)
        ],
        "placed": sum(one.placed for one in pulses),
        "shipped": sum(one.shipped for one in pulses),
    }
    return page(request, "web/home.html", context, area="home")
