"""The audit trail: the page, the API, and what verification says of rows that were changed behind the house's back."""

from __future__ import annotations

import io
import json

import pytest

from entrepot.access.commands.keep_people import (
    RolesSet,
    SetCompanies,
    SetRoles,
    set_companies,
    set_roles,
)
from entrepot.insight import audit
from entrepot.kernel import seal, sql
from entrepot.orders import queries as orders
from tests.shop import COMPANY, the_system

pytestmark = pytest.mark.django_db


def test_who_sees_all_companies_sees_what_became_of_peoples_roles(shop, console, program):
    system = the_system(shop.now)
    (given,) = set_roles(system, requests=[SetRoles("service", ("customer service", "picker"))])
    assert isinstance(given, RolesSet), given
    reader, caller = console("auditor"), program("auditor")
    page, asked = "/books/audit/?command=access.set_roles", "/api/v1/audit?command=access.set_roles"
    assert "access.set_roles" in reader.get(page).content.decode()
    assert [one["command"] for one in caller.get(asked).json()] == ["access.set_roles"]
    set_companies(system, requests=[SetCompanies("auditor", (COMPANY,))])
    assert "Nothing fits" in reader.get(page).content.decode()
    assert caller.get(asked).json() == []


def test_people_and_programs_find_who_did_what_and_take_the_heads_away(shop, console, program):
    order = orders.order(shop.one("cancelled"))
    seal.seal(the_system(shop.now))
    page = console("auditor").get(f"/books/audit/?subject={order.number}").content.decode()
    assert "orders.place" in page and "orders.cancel" in page
    assert "Nothing fits" in console("auditor").get("/books/audit/?actor=nobody+of+ours").content.decode()

    api = program("auditor")
    found = api.get(f"/api/v1/audit?subject={order.id}&kind=order").json()
    assert found[-1]["command"] == "orders.place" and "cancelled" in [one["after"] for one in found]
    assert all(one["subject"] == str(order.id) and one["is_sealed"] for one in found)
    assert [one["seq"] for one in api.get(f"/api/v1/audit?before={found[0]['seq']}&limit=1").json()] == [
        found[0]["seq"] - 1
    ]
    heads = api.get("/api/v1/audit/heads").json()
    assert {one["chain"] for one in heads} == {
        "kernel_event",
        "kernel_imprint",
        "ledger_line",
        "sourcing_decision",
        "stock_move",
    }
    file = console("auditor").get("/books/audit/heads/").content.decode()
    assert [json.loads(line)["digest"] for line in file.splitlines()] == [one["digest"] for one in heads]
    assert seal.written_anew(audit.read_heads(file)) == []
    with pytest.raises(ValueError, match="no head"):
        audit.read_heads('{"chain": 1, "sealed_at": "2026-11-23"}')
    out = io.StringIO()
    audit.write_heads(out)
    assert out.getvalue() == file
    assert sql.run("SELECT count(*) FROM kernel_rowseal") == [(4,)]
