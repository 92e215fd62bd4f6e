"""Pallets of returned parcels: by page, scanner and API."""

from __future__ import annotations

import pytest

from entrepot.returns import pallet_queries
from tests.asking import a_browser, a_program
from tests.floor import COMPANY, NOW
from tests.handheld import Handheld
from tests.http.test_returns_pages import text_of
from tests.shop import everybody
from tests.walk import a_house

pytestmark = pytest.mark.django_db


def test_a_pallet_is_taken_in_counted_with_a_scanner_and_told(db: None) -> None:
    people = everybody()
    house = a_house()
    door, program = a_browser("inspector"), a_program(people["inspector"])
    form = {"number": "LP 7", "node": str(house.nodes[0]), "carrier": "Post", "manifest": "A1\nB2"}
    page = text_of(door.post("/returns/pallets/receive/", form, follow=True))
    assert "0 of 2" in page
    (row,) = pallet_queries.pallets(COMPANY, NOW)
    assert "LP7" in text_of(door.get("/returns/pallets/"))

    hand = Handheld(door)
    door.post("/scan/node/", {"node": str(house.nodes[0])})
    assert "LP7" in hand.goes("/scan/pallets/")
    hand.scans("lp7")
    assert hand.at.endswith(f"/scan/pallets/{row.id}/")
    assert "In the manifest." in hand.scans("A1")
    assert "Not in the manifest" in hand.scans("X9")
    hand.scans("A1")
    assert "not counted yet" in hand.wrong
    assert "not on it: B2" in hand.scans("=counted")

    told = program.get(f"/api/v1/returns/pallets/{row.id}").json()
    assert (told["state"], told["seen"], told["extra"]) == ("counted", 2, 1)
    assert [one["tracking"] for one in told["packages"]] == ["B2", "A1", "X9"]
    assert "Not on it: B2" in text_of(door.get(f"/returns/pallets/{row.id}/"))
