"""Policies for programs: looked at, and put in force for a channel."""

from __future__ import annotations

import pytest

from tests.http.test_api import an_order, is_problem

pytestmark = pytest.mark.django_db

POLICIES, ORDERS = "/api/v1/policies", "/api/v1/orders"
KIND = "orders.validation"
FROM = {"in_force_from": "2026-01-01T00:00:00Z"}


def test_every_rule_of_a_channel_is_switched_by_a_program(shop, program):
    lead = program("lead")
    large = {"customer": "C-NEW", "payment": None}
    large["lines"] = [{"sku": "LAMP-OAK", "quantity": 9, "unit_price": "89.00"}]

    def switched(number: int, **body: object) -> dict:
        made = lead.post(
            POLICIES,
            FROM | {"kind": KIND, "scope": "web", "body": body, "note": "as tried"},
            again=f"p{number}",
        )
        assert made.status_code == 201, made.content
        assert made.json() == {"kind": KIND, "scope": "web", "version": number}
        sent = an_order(f"PA-{number}", **large | {"customer": f"C-NEW-{number}"})
        return lead.post(ORDERS, sent, again=f"o{number}").json()

    assert "fraud review" in switched(1, newcomer="enforce", payment="off")["holds"]
    warned = switched(2, newcomer="warn", payment="off")
    assert ("fraud review" in warned["holds"], [one["rule"] for one in warned["warnings"]]) == (
        False,
        ["newcomer"],
    )
    off = switched(3, payment="off")
    assert "fraud review" not in off["holds"] and off["warnings"] == []

    rows = [one for one in lead.get(f"{POLICIES}?kind={KIND}").json() if one["scope"] == "web"]
    assert [(one["version"], one["is_in_force"]) for one in rows] == [(3, True), (2, False), (1, False)]
    assert (rows[0]["author"], rows[0]["note"], rows[0]["body"]["payment"]) == ("lead", "as tried", "off")
    assert rows[0]["body"]["address"] == "enforce", "what was left out is as by default"


def test_what_does_not_fit_is_refused_and_so_is_who_may_not(shop, program):
    lead = program("lead")
    wrong = FROM | {"kind": KIND, "body": {"newcomer": "sometimes"}}
    assert is_problem(lead.post(POLICIES, wrong, again="1"), 422, "kernel.invalid")
    assert is_problem(
        lead.post(POLICIES, FROM | {"kind": "none", "body": {}}, again="2"), 422, "kernel.invalid"
    )
    unknown = FROM | {"kind": KIND, "body": {"new_comer": "warn"}}
    assert is_problem(lead.post(POLICIES, unknown, again="3"), 422, "kernel.invalid")
    assert (
        lead.post(POLICIES, FROM | {"kind": KIND, "body": {"age_signal": "\x00"}}, again="4").status_code
        == 422
    )
    right = FROM | {"kind": KIND, "body": {"newcomer": "warn"}}
    assert program("service").post(POLICIES, right, again="5").status_code == 403
    one = lead.post(POLICIES, right, again="6").json()
    assert lead.post(POLICIES, right, again="6").json() == one
