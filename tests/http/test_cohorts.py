"""Expected returns: the page with what-if and plot, its file, and the API."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from entrepot.kernel import policies
from entrepot.returns import cohort_queries
from entrepot.returns.rules import Policy
from tests.http.test_packing import said
from tests.shop import COMPANY, the_system

pytestmark = pytest.mark.django_db


def test_a_controller_tries_a_rate_and_measures_by_the_policy(shop, console, program):
    page = console("books")
    address = "/books/expected-returns/"
    assert "Nothing to post" in page.get(address).content.decode()
    tried = page.get(f"{address}?percent=12.5").content.decode()
    assert "Tried at 12.50 %" in tried
    assert "What would be posted" in tried
    assert "Measure now" not in tried
    assert "Write a percentage" in page.get(f"{address}?percent=lots").content.decode()

    system = the_system(timezone.now() - timedelta(days=1))
    policy = policies.SetPolicy(COMPANY, "returns", Policy(expected_percent=Decimal(10)), system.at)
    policies.set_policy(system, requests=[policy])
    assert "Measure now" in page.get(address).content.decode()
    machine = program("books")
    before = machine.get("/api/v1/expected-returns").json()
    assert before["liability_minor"] > 0
    assert before["booked_liability_minor"] == 0
    assert said(page.post(f"{address}measure/", {})) == ["What is expected to come back is measured."]
    after = machine.get("/api/v1/expected-returns").json()
    assert after["booked_liability_minor"] == after["liability_minor"] == before["liability_minor"]
    shown = page.get(address).content.decode()
    assert "Nothing to post" in shown
    assert "Refund liability by month of sale" in shown
    assert "liability_minor" in page.get(f"{address}?format=csv").content.decode()

    measured = machine.get("/api/v1/expected-returns/measured").json()
    assert sum(one["liability_minor"] for one in measured) == after["liability_minor"]
    assert len(measured) == len(cohort_queries.measures(COMPANY))
    again = machine.post("/api/v1/expected-returns/measured", {})
    assert again.json()["changed_minor"] == 0
    assert "Measure now" not in console("auditor").get(address).content.decode()
