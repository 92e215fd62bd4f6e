"""What the first page tells each role: what waits, what is late, what goes wrong, and the figures that matter."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from entrepot.insight import waiting

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


class Line(NamedTuple):
    """What a signal is called, and the page where it is dealt with."""

    title: _StrPromise
    url: str
    query: str = ""


OWN = "own"
"""What stands for each of the reader's roles in the address of the list of work."""

LINES = {
    "mine": Line(_("Work that you took"), "work", "?view=mine"),
    "untaken": Line(_("Work for your role that nobody took"), "work", "?view=untaken&role={role}"),
    "unowned": Line(_("Work that nobody took"), "work", "?view=untaken"),
    "all overdue": Line(_("Overdue work of everybody"), "work", "?view=overdue"),
    "overdue": Line(_("Overdue work of your role"), "work", "?view=overdue&role={role}"),
    "cases": Line(_("Cases of customers"), "work", "?kind=cases"),
    "to pick": Line(_("Fulfillments to pick"), "floor"),
    "to pack": Line(_("Fulfillments to pack"), "packings"),
    "to ship": Line(_("Packed, not handed over"), "packings"),
    "pick late": Line(_("Not picked, cut-off passed"), "floor"),
    "pack late": Line(_("Not packed, cut-off passed"), "packings"),
    "held": Line(_("Orders that are held"), "orders", "?status=held"),
    "backorders": Line(_("Order lines that wait for stock"), "backorders"),
    "labels": Line(_("Labels on no manifest yet"), "manifests"),
    "labels refused": Line(_("Packed, without a label that their carrier sold"), "packings"),
    "not collected": Line(_("Packages that their carrier left behind"), "manifests"),
    "replenishments": Line(_("Pick faces to fill"), "replenishment"),
    "counts": Line(_("Counts to do"), "counts"),
    "counts to decide": Line(_("Differences of counts to decide"), "counts"),
    "corrections": Line(_("Corrections of stock to approve"), "adjustments"),
    "purchases to approve": Line(_("Purchase orders to approve"), "purchase-orders", "?state=waiting"),
    "reorders": Line(_("Reorder proposals"), "reorders"),
    "checks": Line(_("Goods that wait for a quality check"), "quality"),
    "supplier claims": Line(_("Claims to suppliers without an answer"), "quality"),
    "returns to answer": Line(_("Returns to answer"), "returns", "?state=requested"),
    "returns to inspect": Line(_("Returns here that are not done with"), "station"),
    "refunds to approve": Line(_("Refunds to approve"), "refunds"),
    "refunds failed": Line(_("Refunds that failed"), "returns", "?refund=failed"),
    "claims": Line(_("Claims to carriers without an answer"), "claims"),
    "credits": Line(_("Credits to approve"), "refunds"),
    "disputes": Line(_("Disputes to answer"), "disputes", "?state=needs_response"),
    "disputes late": Line(_("Disputes whose time ends within three days"), "disputes"),  # they stand first
    "bank lines": Line(_("Lines of the bank to explain"), "bank"),
    "payouts": Line(_("Payouts to explain"), "payouts"),
    "carrier invoices": Line(_("Invoices of carriers to decide"), "carriers"),
    "supplier invoices": Line(_("Invoices of suppliers to decide"), "supplier-invoices"),
    "write-offs": Line(_("Write-offs to approve"), "clearing"),
    "journal entries": Line(_("Journal entries to approve"), "entries", "?state=waiting"),
    "months": Line(_("Months that are over and not closed"), "closing"),
    "policy drafts": Line(_("Drafts of policies, not in force"), "policies"),
    "roleless": Line(_("People without a role"), "people"),
    "no factor": Line(_("Administrators without a second factor"), "people"),
    "webhooks": Line(_("Webhooks given up"), "webhooks"),
    "inbox": Line(_("Messages that could not be taken in"), "messages", "?side=in"),
    "dead letters": Line(_("Messages given up"), "messages", "?state=dead"),
    "mails": Line(_("Reports by mail that were not sent"), "report-mails"),
    "channel differences": Line(_("Differences with channels"), "channel-differences"),
    "undelivered": Line(_("Messages on their way out"), "messages", "?state=waiting"),
    "served by the house": Line(_("Steps that the house has to take itself"), "home"),
}


@dataclass(frozen=True, slots=True)
class Home:
    """The signals of a role by what they say, its key figures, and the parts of the page that it works by."""

    waits: tuple[str, ...]
    late: tuple[str, ...]
    wrong: tuple[str, ...]
    figures: tuple[str, ...]
    parts: tuple[str, ...] = ()


FLOW, CUT_OFFS, FEEDS = "flow", "cut-offs", "feeds"
"""The board of where orders stand, the backlog of nodes against their cut-offs, and what comes in and goes out."""

LATE = ("overdue",)
HOMES = {
    "operations lead": Home(
        ("mine", "untaken", "held", "returns to answer"), ("overdue", "pick late", "pack late", "not collected"),
        ("backorders", "dead letters", "claims"), ("shipped on time", "order cycle time", "held orders"),
        (FLOW,),
    ),
    "warehouse supervisor": Home(
        ("to pick", "to pack", "to ship", "replenishments", "counts", "untaken"),
        ("pick late", "pack late", "not collected", "overdue"),
        ("labels", "labels refused", "checks", "counts to decide"),
        ("shipped on time", "pick accuracy", "record accuracy"), (CUT_OFFS, FLOW),
    ),
    "picker": Home(("to pick", "replenishments", "counts"), ("pick late",), (), ("pick accuracy",)),
    "packer": Home(
        ("to pack", "to ship"), ("pack late", "not collected"), ("labels", "labels refused"), ("shipped on time",)
    ),
    "customer service": Home(
        ("mine", "cases", "untaken", "returns to answer"), LATE, ("held", "backorders", "claims"),
        ("time to resolve", "resolved in time", "delivered on time"), (FLOW,),
    ),
    "returns inspector": Home(
        ("returns to inspect", "mine", "untaken"), LATE, ("refunds failed",), ("return times", "return rate"),
    ),
    "inventory manager": Home(
        ("reorders", "counts to decide", "corrections", "checks", "untaken"), LATE, ("backorders", "supplier claims"),
        ("fill rate", "record accuracy", "oversold lines"), (FLOW,),
    ),
    "controller": Home(
        (
            "refunds to approve", "credits", "write-offs", "journal entries", "disputes", "untaken",
            "counts to decide", "corrections", "purchases to approve",
        ),
        ("overdue", "disputes late", "months"),
        ("payouts", "bank lines", "supplier invoices", "carrier invoices", "refunds failed", "claims"),
        ("cleared in time", "cash to cash", "return rate"),
    ),
    "integration engineer": Home(
        ("untaken", "served by the house", "undelivered"), LATE,
        ("dead letters", "inbox", "webhooks", "mails", "channel differences", "refunds failed"),
        ("oversold lines", "cancelled units"), (FEEDS,),
    ),
    "auditor": Home(
        (
            "refunds to approve", "credits", "write-offs", "journal entries", "counts to decide", "corrections",
            "purchases to approve",
        ),
        ("all overdue", "months"),
        ("refunds failed", "payouts", "bank lines", "no factor", "dead letters"),
        ("cleared in time", "record accuracy", "perfect order"), (FLOW,),
    ),
    "administrator": Home(
        ("mine", "unowned", "roleless", "policy drafts", "served by the house"),
        ("all overdue", "pick late", "pack late", "months"),
        ("dead letters", "inbox", "webhooks", "mails", "no factor", "refunds failed", "channel differences"),
        ("perfect order", "order cycle time", "resolved in time"), (FLOW,),
    ),
}  # fmt: skip

ADMINISTRATOR = "administrator"
"""Whose home it is that may do everything; no role has this name."""

BY_SCAN = {
    "to pick": ("scan-pick", {"picker"}),
    "pick late": ("scan-pick", {"picker"}),
    "to pack": ("scan-pack", {"packer", "picker"}),
    "replenishments": ("scan-replenish", {"picker"}),
    "counts": ("scan-count", {"picker"}),
}
"""Signals that are dealt with at a scan screen, by people who have these roles and no other."""

FIGURES_MAX = 3


class Told(NamedTuple):
    """A line of a home page."""

    title: _StrPromise
    url: str
    size: int


class ForYou(NamedTuple):
    waits: list[Told]
    late: list[Told]
    wrong: list[Told]


def home_of(roles: Sequence[str], *, everything: bool = False) -> Home:
    """The homes of a person's roles as one, with the administrator's of who may do `everything`; of nobody's role, the
    operations lead's.

    Each signal stands once: what is late for one role and only wrong for another stands under what is late.
    """
    names = [*roles, ADMINISTRATOR] if everything else roles
    homes = [HOMES[name] for name in names if name in HOMES] or [HOMES["operations lead"]]
    late = _each_once(one.late for one in homes)
    waits = _each_once((one.waits for one in homes), late)
    return Home(
        waits, late, _each_once((one.wrong for one in homes), (*late, *waits)),
        _each_once(one.figures for one in homes)[:FIGURES_MAX], _each_once(one.parts for one in homes),
    )  # fmt: skip


def _each_once(lists: Iterable[tuple[str, ...]], told: Collection[str] = ()) -> tuple[str, ...]:
    return tuple(one for one in dict.fromkeys(chain.from_iterable(lists)) if one not in told)


def told(
    home: Home,
    *,
    company: int,
    person: str,
    roles: Sequence[str],
    now: datetime,
    nodes: Sequence[str] = (),
    channel: str = "",
) -> ForYou:
    """The home's lines with their counts; at some nodes and of a channel, where that can be told. One statement."""
    sides = (home.waits, home.late, home.wrong)
    signals = [name for side in sides for name in side]
    counts = waiting.counted(
        signals, company=company, person=person, roles=roles, now=now, nodes=nodes, channel=channel
    )
    told = ([_told(name, counts[name], roles) for name in side] for side in sides)
    return ForYou(
        *(sorted(side, key=lambda one: not one.size) for side in told)
    )  # what is nothing stands last


def _told(name: str, count: int, roles: Sequence[str]) -> Told:
    line = LINES[name]
    if name in BY_SCAN and roles and set(roles) <= BY_SCAN[name][1]:
        return Told(line.title, reverse(BY_SCAN[name][0]), count)
    query = line.query.format(role=roles[0] if len(roles) == 1 else OWN)
    return Told(line.title, reverse(line.url) + query.replace(" ", "+"), count)
