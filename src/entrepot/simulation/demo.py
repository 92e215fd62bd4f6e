"""The demo: a retailer, one trading day, and a summary that a manager understands."""

from __future__ import annotations

import secrets
import sys
import time
from datetime import datetime, timedelta
from random import Random
from typing import TextIO

from django.contrib.auth.models import Group, User
from django.utils import timezone

from entrepot import postgres
from entrepot.access.queries import actor_of
from entrepot.insight import summary
from entrepot.kernel import seal
from entrepot.kernel.cause import Actor, Cause
from entrepot.parties import queries as parties
from entrepot.progress import Progress
from entrepot.simulation import retailer
from entrepot.simulation.day import Day, play

SEED = 1706
ORDERS = 1_000
PEOPLE = {
    "lead": "operations lead", "supervisor": "warehouse supervisor", "picker": "picker", "packer": "packer",
    "service": "customer service", "inspector": "returns inspector", "inventory": "inventory manager",
    "controller": "controller", "engineer": "integration engineer", "auditor": "auditor",
}  # fmt: skip
"""Everybody's name is what they do."""


def run(*, serve: bool, orders: int = ORDERS, out: TextIO | None = None) -> None:
    """Set up and play the day, once for a database; print the summary, and the login where the console is served."""
    out = out or sys.stdout
    began = time.perf_counter()
    played = None
    if not parties.companies():
        _play(orders)
        played = time.perf_counter() - began
    _print_summary(out, played)
    if serve:
        out.write(f"\nThe console is at the address below. Enter as lead, password {_password()}\n")
        out.write(f"Others, with the same password: {', '.join(PEOPLE)}.\n\n")
        out.flush()


def _play(orders: int) -> None:
    now = timezone.now()
    begins = datetime.combine((now - timedelta(days=1)).date(), datetime.min.time(), now.tzinfo)
    system = Cause(Actor("system:demo", everything=True), begins, "opening")
    people = _people()
    house = retailer.set_up(
        system,
        Cause(people["inventory"], begins, "opening stock"),
        Cause(people["supervisor"], begins, "opening stock"),
        SEED,
    )
    with Progress("Playing one trading day", total=orders, unit="orders") as bar:
        play(Day(house, people, begins, Random(SEED)), orders, bar.advance)
    seal.seal(Cause(Actor("system:seal", everything=True), timezone.now()))


def _people() -> dict[str, Actor]:
    """One person for each role; their passwords are one, made for this installation."""
    groups = {group.name: group for group in Group.objects.all()}
    actors = {}
    for name, role in PEOPLE.items():
        person = User.objects.create_user(name, f"{name}@example.com", _password())
        person.groups.set([groups[role]])
        actors[name] = actor_of(person)
    return actors


def _password() -> str:
    """Made once and kept beside the data, readable by its owner alone."""
    file = postgres.make_home() / "demo_password"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(9))
    return file.read_text()


# ---- the summary


def _print_summary(out: TextIO, seconds: float | None) -> None:
    company = retailer.COMPANY
    _table(
        out,
        "Orders",
        ("status", "orders", "value"),
        [
            (one.status, f"{one.orders:,}", _money(one.total_minor))
            for one in summary.orders_by_status(company)
        ],
    )
    _table(
        out,
        "Stock",
        ("status", "units", "SKUs", "committed to picks"),
        [
            (one.status, f"{one.units:,}", f"{one.skus:,}", f"{one.committed:,}")
            for one in summary.stock_by_status(company)
        ],
    )
    _print_returns(out, company)
    _print_settlement(out, company)
    balance = summary.trial_balance(company)
    rows = [
        (f"{one.account} {one.name}", _money(max(0, one.balance_minor)), _money(max(0, -one.balance_minor)))
        for one in balance
    ]
    debits = sum(max(0, one.balance_minor) for one in balance)
    credits_ = sum(max(0, -one.balance_minor) for one in balance)
    _table(
        out,
        "Trial balance, GBP",
        ("account", "debit", "credit"),
        [*rows, ("total", _money(debits), _money(credits_))],
    )
    items = summary.work_by_type(company, timezone.now())
    _table(
        out,
        "Work",
        ("type", "open", "overdue", "done"),
        [(one.type, f"{one.open:,}", f"{one.overdue:,}", f"{one.done:,}") for one in items],
    )
    if seconds is not None:
        out.write(f"\nSet up and played in {seconds:.0f} s.\n")
    out.flush()


def _print_returns(out: TextIO, company: int) -> None:
    _table(
        out,
        "Returns",
        ("state", "returns", "units"),
        [(one.state, f"{one.returns:,}", f"{one.units:,}") for one in summary.returns_by_state(company)],
    )
    _table(
        out,
        "Returned units",
        ("disposition", "units", "returns"),
        [
            (one.disposition.replace("_", " "), f"{one.units:,}", f"{one.returns:,}")
            for one in summary.dispositions(company)
        ],
    )
    _table(
        out,
        "Refunds",
        ("state", "limit", "refunds", "value"),
        [
            (one.state, "above" if one.needed_approval else "within", f"{one.refunds:,}", _money(one.total_minor))
            for one in summary.refunds(company)
        ],
    )  # fmt: skip


def _print_settlement(out: TextIO, company: int) -> None:
    _table(
        out,
        "Payouts",
        ("payout", "of", "lines", "to explain", "fees", "to the bank"),
        [
            (
                one.number, one.provider, f"{one.lines:,}", f"{one.open_lines:,}", _money(one.fee_minor),
                _money(one.net_minor),
            )
            for one in summary.payouts(company)
        ],
    )  # fmt: skip
    _table(
        out,
        "Not paid out yet",
        ("by", "charges", "refunds", "disputes", "value"),
        [
            (one.provider, f"{one.charges:,}", f"{one.refunds:,}", f"{one.disputes:,}", _money(one.amount_minor))
            for one in summary.clearing(company)
        ],
    )  # fmt: skip


def _table(out: TextIO, title: str, head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    out.write(f"\n{title}\n")
    for row in [head, *rows]:
        cells = [
            row[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
        ]
        out.write(f"  {'   '.join(cells)}\n")


def _money(minor: int) -> str:
    return f"{minor / 100:,.2f}" if minor else ""
