"""The contract of the console's pages about returns: what they show, what they refuse and why, what forms keep."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.messages import get_messages

from entrepot.kernel import sql
from tests.asking import a_browser
from tests.back import lines_of, sold
from tests.floor import Floor
from tests.shop import everybody
from tests.walk import a_house


def said(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 50)
    everybody()
    return house


def test_whoever_asked_does_not_receive(house: Floor) -> None:
    (order,) = sold(house, 1, (0, 2))
    browser = a_browser("root")
    line = lines_of(order)[0]
    asked_for = browser.post(f"/orders/{order}/return/", {f"units-{line}": "1", "reason": "poor_fit"})
    ((return_id, return_line),) = sql.run("SELECT return_id, id FROM returns_line")
    assert asked_for["Location"] == f"/returns/{return_id}/"

    refused = browser.post(f"/returns/{return_id}/receive/", {f"units-{return_line}": "1"})

    assert "did the other part of request×receive×approve" in said(refused)[-1]
    assert sql.run("SELECT count(*)::int FROM returns_receipt") == [(0,)]
