"""The house that is measured: a server of its own with the settings that are shipped, and a template database of it.

One company, two nodes in two countries, 200 SKUs with stock in pick faces and reserve bins, 500 customers, one channel.
All of it is set up by commands. A round begins with a fresh copy of the template.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg

TEMPLATE, DATABASE = "bench_template", "bench"
COMPANY, SKUS, CUSTOMERS, PICK_BINS = 1, 200, 500, 20
COUNTRIES = ("GB", "DE")  # one node each
AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
PRICES_MINOR = [199 + 137 * sku % 4801 for sku in range(SKUS)]


def sku_code(sku: int) -> str:
    return f"SKU-{sku:03}"


def customer_code(customer: int) -> str:
    return f"C-{customer:04}"


@contextlib.contextmanager
def opened(*, is_empty: bool = False, kept: Path | None = None, server: str = "") -> Iterator[None]:
    """A server in a temporary home, with the template set up, or an empty house; nothing of it stays, unless it is
    `kept` in a folder. Or somebody else's `server`, by its address: there both databases stay."""
    home = kept or Path(tempfile.mkdtemp(prefix="entrepot-bench-"))
    home.chmod(0o711)  # root's server runs as another user, who must pass through
    for name in ("DATABASE_URL", "ENTREPOT_DB_ROLE", "ENTREPOT_POSTGRES", "ENTREPOT_DEBUG"):
        os.environ.pop(name, None)
    if server:
        os.environ["DATABASE_URL"] = server
    os.environ |= {
        "ENTREPOT_HOME": str(home),
        "ENTREPOT_DATABASE": TEMPLATE,
        "ENTREPOT_SECRET_KEY": "for the benchmark only",
        "DJANGO_SETTINGS_MODULE": "entrepot.settings",
    }
    from entrepot import postgres
    from entrepot.cli import session

    try:
        with session.opened():
            if is_empty:
                yield
                return
            _furnish()
            disconnect()
            with psycopg.connect(postgres.server_dsn(TEMPLATE), autocommit=True) as connection:
                connection.execute("VACUUM (FREEZE, ANALYZE)")
            os.environ["ENTREPOT_DATABASE"] = DATABASE
            yield
            disconnect()
    finally:
        if not kept:
            shutil.rmtree(home, ignore_errors=True)


def fresh(template: str = TEMPLATE) -> None:
    """The database as it was set up, or as another template, for this process's commands and for `connect`."""
    from entrepot import postgres
    from entrepot.cli import session

    disconnect()
    postgres.recreate_database(DATABASE, template)
    session.lower_role()


def connect() -> psycopg.Connection:
    """A connection with the rights that the commands have, which takes scripts of many statements in one round trip."""
    from entrepot import postgres

    dsn = postgres.server_dsn(DATABASE)
    return psycopg.connect(
        dsn,
        autocommit=True,
        options=f"-c role={postgres.APP_ROLE}",
        cursor_factory=psycopg.ClientCursor,
    )


def api_key() -> str:
    """A key of somebody who may do everything."""
    from django.contrib.auth.models import User

    from entrepot.access import keys
    from entrepot.access.commands.issue_key import IssueKey, issue_key
    from entrepot.kernel.cause import Actor, Cause

    person, raw = User.objects.create_superuser("bench"), keys.fresh()
    cause = Cause(Actor("system:bench", everything=True), AT, "a benchmark")
    issue_key(cause, requests=[IssueKey("bench", person.pk, raw)])
    return raw


def disconnect() -> None:
    from django.db import connections

    connections.close_all()


def _furnish() -> None:
    from entrepot.carriage.commands.register import RegisterService, register_services
    from entrepot.catalog.commands.register import RegisterSku, register_skus
    from entrepot.kernel import ids
    from entrepot.kernel.cause import Actor, Cause
    from entrepot.ledger.commands.open_books import OpenBooks, open_books
    from entrepot.network.commands import register as network
    from entrepot.parties.commands.register import (
        RegisterCompany,
        RegisterCustomer,
        register_companies,
        register_customers,
    )
    from entrepot.stock.commands.receive import Receive, receive

    cause = Cause(Actor("system:bench", everything=True), AT, "the benchmark's house")
    register_companies(
        cause, requests=[RegisterCompany(COMPANY, "B", "Bench Goods Ltd", "GBP", COUNTRIES[0])]
    )
    open_books(cause, requests=[OpenBooks(COMPANY)])
    nodes = network.register_nodes(
        cause,
        requests=[
            network.RegisterNode(COMPANY, f"N{i}", f"Node {i}", country, priority=i)
            for i, country in enumerate(COUNTRIES, 1)
        ],
    )
    kinds = [
        *((f"P{i:02}", "pick", i) for i in range(PICK_BINS)),
        *((f"R{i:02}", "reserve", 100 + i) for i in range(PICK_BINS)),
        ("STAGE", "staging", 900),
        ("Q", "quarantine", 910),
    ]
    wanted = [
        network.RegisterBin(COMPANY, node.id, code, kind, pick_sequence=place)
        for node in nodes
        for code, kind, place in kinds
    ]
    bins = {
        (one.node, one.code): made.id
        for one, made in zip(wanted, network.register_bins(cause, requests=wanted), strict=True)
    }
    (channel,) = network.register_channels(
        cause, requests=[network.RegisterChannel(COMPANY, "shop", "Shop", "GBP")]
    )
    network.serve_channels(cause, requests=[network.ServeChannel(channel.id, node.id) for node in nodes])
    register_customers(
        cause, requests=[RegisterCustomer(COMPANY, customer_code(i)) for i in range(CUSTOMERS)]
    )
    skus = register_skus(
        cause,
        requests=[
            RegisterSku(
                COMPANY, sku_code(i), f"Thing {i}", weight_g=100 + i, length_mm=120, width_mm=80, height_mm=40
            )
            for i in range(SKUS)
        ],
    )
    zones = tuple((a, b, "inland" if a == b else "abroad") for a in COUNTRIES for b in COUNTRIES)
    rates = tuple(
        (zone, up_to, base + 2 * up_to // 10)
        for zone, base in (("inland", 200), ("abroad", 600))
        for up_to in (500, 1_000, 2_000, 5_000, 30_000)
    )
    register_services(
        cause,
        requests=[
            RegisterService(
                COMPANY,
                "Post",
                code,
                code.title(),
                days,
                30_000,
                "GBP",
                zones,
                tuple((zone, up_to, price + more) for zone, up_to, price in rates),
            )
            for code, days, more in (("slow", 4, 0), ("fast", 1, 500))
        ],
    )
    # The pick face holds some of it, so that picks of later batches go on to reserve.
    receive(
        cause,
        requests=[
            Receive(
                COMPANY,
                sku.id,
                node.id,
                bins[node.id, f"{kind}{i % PICK_BINS:02}"],
                units,
                units * (PRICES_MINOR[i] // 2) + i % 7,
                "goods receipt",
                ids.uuid7(),
            )
            for node in nodes
            for i, sku in enumerate(skus)
            for kind, units in (("P", 100), ("R", 900))
        ],
    )
