"""Goods that are to come back: by page, file and API."""

from __future__ import annotations

import pytest

from entrepot.returns.commands.close import Close, close
from tests.asking import a_browser, a_program
from tests.back import ASKS, asked, sold
from tests.http.test_returns_pages import text_of
from tests.shop import everybody
from tests.walk import a_house


@pytest.mark.django_db
def test_what_is_to_come_and_what_was_given_up_is_told(db: None) -> None:
    people = everybody()
    house = a_house()
    house.stock(0, 50)
    waits, gone = (asked(sold(house, 1, (0, 2))[0], 2) for _ in range(2))
    close(ASKS, requests=[Close(gone.return_id, "the customer keeps it")])
    service = a_browser("lead")
    told = text_of(service.get("/returns/to-come/"))
    assert waits.number in told
    assert "the customer keeps it" in text_of(service.get("/returns/to-come/?list=given-up"))
    assert len(service.get("/returns/to-come/?format=csv").content.decode().splitlines()) == 2
    assert len(service.get("/returns/to-come/?list=given-up&format=csv").content.decode().splitlines()) == 2
    assert "Open it again" in service.get(f"/returns/{gone.return_id}/").content.decode()

    program = a_program(people["lead"])
    assert [one["number"] for one in program.get("/api/v1/returns/to-come").json()] == [waits.number]
    assert [one["number"] for one in program.get("/api/v1/returns/given-up").json()] == [gone.number]
    service.post(f"/returns/{gone.return_id}/reopen/", {"reason": "he sends it after all"})
    assert {one["number"] for one in program.get("/api/v1/returns/to-come").json()} == {
        waits.number,
        gone.number,
    }
