"""Rates: what each service would cost, for programs and on the packing page."""

from __future__ import annotations

import pytest

from entrepot.kernel import ids
from entrepot.warehouse import queries
from tests.http.test_api import is_problem

pytestmark = pytest.mark.django_db
SERVICE = {
    "carrier": "Moorland", "code": "MOOR", "name": "Moorland van", "transit_days": 1, "max_weight_g": 30_000,
    "currency": "GBP", "zones": [{"origin": "GB", "destination": "GB", "zone": "all"}],
    "rates": [{"zone": "all", "max_weight_g": 30_000, "price_minor": 200}],
    "surcharges": [{"kind": "fuel", "per_10k": 1_500}, {"kind": "residential", "amount_minor": 40}],
}  # fmt: skip


def test_a_service_is_registered_and_shows_its_surcharges_before_and_after_it_is_taken(
    shop, console, program
):
    api = program("lead")
    assert api.post("/api/v1/services", SERVICE).status_code == 200
    refused = api.post(
        "/api/v1/services", {**SERVICE, "surcharges": [{"kind": "remote", "amount_minor": 1}]}, again="2"
    )
    assert is_problem(refused, 422, "kernel.invalid")

    (waits,) = queries.of_order(shop.one("packed"))
    (told,) = api.get(f"/api/v1/rates?fulfillment={waits.id}").json()
    first = told["candidates"][0]
    assert (first["service"], first["label_minor"], first["surcharges"]) == (
        "MOOR", 200, [["residential", 40], ["fuel", 36]],
    )  # fmt: skip
    assert first["total_minor"] == 276 + first["late_minor"]
    assert (first["zone"], first["lane"]) == ("all", ["GB", "GB"])
    near = {"origin": "GB", "destination": "GB", "zone": "all", "transit_days": 2}
    wrong = {**near, "destination_postal_code": "LS-1"}
    assert is_problem(api.post("/api/v1/services", {**SERVICE, "zones": [wrong]}, again="4"), 422, "http.422")
    twice = api.post("/api/v1/services", {**SERVICE, "zones": [near, near]}, again="5")
    assert is_problem(twice, 422, "kernel.invalid")
    assert api.post("/api/v1/services", {**SERVICE, "zones": [near]}, again="6").status_code == 200
    (told,) = api.get(f"/api/v1/rates?fulfillment={waits.id}").json()
    assert {one["service"]: one["days"] for one in told["candidates"]}["MOOR"] == 2
    assert is_problem(api.get(f"/api/v1/rates?fulfillment={ids.uuid7()}"), 404, "kernel.not_found")

    page = console("supervisor")
    assert "not carry it" not in page.get(f"/packing/{waits.id}/").content.decode()
    heavy = {**SERVICE, "code": "FEATHER", "max_weight_g": 1}
    assert api.post("/api/v1/services", heavy, again="3").status_code == 200
    shown = page.get(f"/packing/{waits.id}/").content.decode()
    assert "<li>FEATHER carries up to 1 g, charged for " in shown
    (told,) = api.get(f"/api/v1/rates?fulfillment={waits.id}").json()
    assert told["barred"][0][:3] == ["FEATHER", "too_heavy", 1]
    assert "runner-up" in page.get(f"/packing/{waits.id}/").content.decode()
    page.post(f"/packing/{waits.id}/ship/", {"tracking": ""})
    after = page.get(f"/packing/{waits.id}/").content.decode()
    assert "Why this service" in after
    assert "MOOR" in after
