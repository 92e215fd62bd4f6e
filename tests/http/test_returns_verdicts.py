"""Units that are not taken back: on pages, for programs, and for their customer."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from entrepot.kernel.command import whole
from entrepot.returns import queries
from entrepot.returns.commands.inspect import Inspect, inspect
from tests.asking import a_browser, a_program
from tests.back import INSPECTS, asked, came, sold
from tests.floor import Floor
from tests.http.test_api import is_problem
from tests.http.test_returns_pages import said, text_of
from tests.shop import everybody
from tests.walk import a_house

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 200)
    everybody()
    return house


def swapped(house: Floor) -> tuple[Any, Any]:
    one = asked(sold(house, 1, (0, 1))[0], 1)
    (receipt,) = came(one)
    return one, whole(inspect(INSPECTS, requests=[Inspect(receipt.receipt, 1, "B", ("serial_swap",))]))[
        0
    ].inspection


def test_units_are_refused_and_taken_back_on_the_page_of_their_return(house: Floor) -> None:
    one, inspection = swapped(house)
    service, lead = a_browser("service"), a_browser("lead")
    page = f"/returns/{one.return_id}/"
    assert "Nothing of it is refunded until somebody accepts or refuses it." in text_of(service.get(page))
    form = {
        "inspection": inspection,
        "reason": "swapped",
        "told": "It is another one.",
        "goods": "",
        "note": "n",
    }
    refused = service.post(f"{page}refuse/", form)
    assert said(refused)[-1:] == ["They are refused, and the customer is told."]
    told = text_of(lead.get(page))
    assert "Not taken back" in told and "The customer is told: It is another one." in told
    assert "the goods go back to the customer" in told
    assert "needs it to be not refused" in said(service.post(f"{page}refuse/", form))[-1]
    back = lead.post(f"{page}accept/", {"inspection": inspection, "note": "he showed us"})
    assert said(back)[-1:] == ["They are taken back."]
    assert "he showed us" in text_of(lead.get(page))


def test_programs_refuse_and_accept(house: Floor) -> None:
    one, inspection = swapped(house)
    service = a_program(User.objects.get(username="service"))
    body = {"inspection": str(inspection), "reason": "empty", "told": "The parcel held nothing."}
    answer = service.post("/api/v1/returns/refuse", body, again="1").json()
    assert answer == {"inspection": str(inspection), "outcome": "refused", "goods": "keep"}
    no = service.post("/api/v1/returns/accept", {"inspection": str(inspection), "note": "so"}, again="2")
    assert is_problem(no, 403, "kernel.not_permitted")
    found = service.get(f"/api/v1/returns/{one.return_id}").json()
    assert (found["lines"][0]["refused"], found["inspections"][0]["verdict"]) == (1, "refused")
    assert queries.whole(one.return_id).lines[0].refused == 1
