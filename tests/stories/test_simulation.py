"""Small trading days."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.db import transaction

from entrepot.access.commands.sync_roles import SyncRoles, sync_roles
from entrepot.insight import summary
from entrepot.kernel import sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.returns.rules import DISPOSITIONS
from entrepot.simulation import demo, recorded, retailer, whatif
from entrepot.sourcing.rules import Profile

pytestmark = pytest.mark.django_db


@pytest.fixture
def roles() -> None:
    sync_roles(Cause(Actor("system:setup", everything=True), datetime.now(UTC)), requests=[SyncRoles()])


def test_a_day_goes_through_the_whole_house_and_tells_a_manager_about_it(roles: None) -> None:
    out = StringIO()

    demo.run(serve=True, orders=120, out=out)

    statuses = {one.status: one.orders for one in summary.orders_by_status(retailer.COMPANY)}
    assert sum(statuses.values()) == 120
    assert statuses["shipped"] + statuses["delivered"] > 60
    assert sum(line.balance_minor for line in summary.trial_balance(retailer.COMPANY)) == 0
    text = out.getvalue()
    titles = ("Orders", "Stock", "Returns", "Returned units", "Refunds", "Trial balance, GBP", "Work")
    for title in (*titles, "Enter as lead, password"):
        assert title in text
    assert sum(one.units for one in summary.dispositions(retailer.COMPANY)) > 0
    assert User.objects.filter(groups__name="operations lead").count() == 1
    sent = sql.run("SELECT count(*) FROM orders_line WHERE kit_number > 0 AND shipped + delivered = quantity")
    assert sent > [(0,)], "kits are sold"


def test_the_day_shows_every_disposition_and_refunds_on_both_sides_of_the_limit(roles: None) -> None:
    out = StringIO()

    demo.run(serve=False, orders=200, out=out)

    shown = {one.disposition for one in summary.dispositions(retailer.COMPANY) if one.units}
    assert shown == set(DISPOSITIONS)
    deciders = sql.run("SELECT decided_by, count(*) FROM returns_refund WHERE state = 'paid' GROUP BY 1")
    assert len(deciders) > 1, "some are paid at once, others after somebody agreed"
    for name in DISPOSITIONS:
        assert name.replace("_", " ") in out.getvalue()


def test_the_same_seed_plays_the_same_day(roles: None) -> None:
    told = [_told(), _told()]

    assert told[0] == told[1]
    assert "Trial balance" in told[0]


def _told() -> str:
    """What a day tells, and then undone; without numbers that go on counting and the time it took."""
    out = StringIO()
    with transaction.atomic():
        demo.run(serve=False, orders=60, out=out)
        transaction.set_rollback(True)
    return re.sub(r"[A-Z]{2}-\d+|played in \d+ s", "…", out.getvalue())


@pytest.mark.slow
def test_the_day_is_replayed_as_it_was_and_then_without_its_first_node(roles: None) -> None:
    demo.run(serve=False, orders=150, out=StringIO())
    first, last = recorded.first_and_last(retailer.COMPANY) or (None, None)
    assert first and last
    since = first.replace(hour=0, minute=0)
    draft = Profile(excluded_nodes=("LDN",), split_minor=300)

    report = whatif.tried(retailer.COMPANY, draft, "", since, since + timedelta(days=1), last)

    assert isinstance(report, whatif.Report)
    found = report.found
    assert found.trust.share > 0.97
    assert found.trust.orders > 130
    before, after = ({load.node: load.orders for load in side.nodes} for side in (found.before, found.after))
    assert before["LDN"] > before["MAN"] > after["LDN"] == 0
    assert after["MAN"] > before["MAN"]
    assert all("LDN is excluded" in one.why for one in found.changed if "LDN" in one.before)
    assert found.before.figures.cost["split"] == 300 * (
        found.before.figures.shipments - found.before.figures.shipped
    )


def test_a_second_run_plays_nothing_again(roles: None) -> None:
    demo.run(serve=False, orders=40, out=StringIO())
    before = sql.run("SELECT count(*), max(seq) FROM kernel_event")
    out = StringIO()

    demo.run(serve=False, orders=40, out=out)

    assert sql.run("SELECT count(*), max(seq) FROM kernel_event") == before
    assert "Set up and played" not in out.getvalue()
