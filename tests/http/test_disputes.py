"""Disputes on pages and for programs."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from entrepot.kernel import ids, relay, sql
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.orders.commands.place import PaymentGiven
from entrepot.payments import dispute_queries
from entrepot.payments.commands.disputes import OpenDispute, open_disputes
from entrepot.payments.tasks import DESTINATIONS
from entrepot.web.tasks import DESTINATIONS as PAPERS
from entrepot.web.views import disputes
from tests.asking import a_browser, a_program, walked
from tests.back import HOME, sold
from tests.floor import COMPANY, NOW, SYSTEM, Floor
from tests.http.test_api import is_problem
from tests.http.test_returns_pages import said, text_of
from tests.shop import a_person, everybody
from tests.walk import a_house

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 20)
    everybody()
    return house


def relayed() -> None:
    relay.relay_once(DESTINATIONS | PAPERS, at=timezone.now() + timedelta(hours=1))


def disputed(house: Floor, *amounts: int) -> list[UUID]:
    sold(house, 1, (0, 2), payment=PaymentGiven("fake", "card", 11_998, NOW), address=HOME)
    relayed()
    ((payment,),) = sql.run("SELECT id FROM payments_payment")
    due = NOW + timedelta(days=7)
    told = [OpenDispute(payment, f"dp_{i}", one, "fraudulent", due) for i, one in enumerate(amounts)]
    return [one.dispute for one in open_disputes(SYSTEM, requests=told)]  # type: ignore[union-attr]


def test_a_dispute_is_contested_by_a_form_and_its_paper_shown_to_those_who_may_see_people(
    house: Floor,
) -> None:
    (which,) = disputed(house, 500)
    books, auditor = map(a_browser, ("books", "auditor"))
    address = f"/books/disputes/{which}/"
    listed = text_of(auditor.get("/books/disputes/"))
    assert "dp_0" in listed
    assert "to answer" in listed
    page = text_of(auditor.get(address))
    assert "A controller answers it." in page
    assert "Goods went to the address that the customer is billed at." in page
    assert "missing" in page
    assert auditor.get(f"{address}evidence.pdf").status_code == 404
    assert books.get(f"{address}evidence.pdf").content.startswith(b"%PDF-")
    assert auditor.post(f"{address}contest/", {"note": ""}).status_code in (302, 403)
    assert dispute_queries.answers(which) == []

    done = books.post(f"{address}contest/", {"note": "He wears it."})
    assert (done["Location"], said(done)[-1]) == (address, "The evidence is on its way.")
    assert "on its way to the provider" in text_of(books.get(address))
    relayed()
    page = text_of(books.get(address))
    assert "The bank looks at the evidence." in page
    assert "He wears it." in page
    assert books.get(f"/books/disputes/{ids.uuid7()}/").status_code == 404


def test_a_loss_is_proposed_turned_down_and_accepted_by_another(house: Floor) -> None:
    (which,) = disputed(house, 600)
    limit = {"accept_alone_up_to_minor": 100}
    set_policy(SYSTEM, requests=[SetPolicy(COMPANY, "payments.disputes", limit, NOW - timedelta(days=1))])
    a_person("second", "controller")
    books, second = map(a_browser, ("books", "second"))
    address = f"/books/disputes/{which}/"
    assert "Propose to accept it" in text_of(books.get(address))
    proposed = books.post(f"{address}accept/", {"reason": "It never arrived."})
    assert said(proposed)[-1] == "It is proposed: somebody else accepts it."
    assert "somebody else accepts it" in text_of(books.get(address))
    assert "It never arrived." in text_of(second.get(address))
    assert said(second.post(f"{address}withdraw/"))[-1] == "It is not accepted."
    books.post(f"{address}accept/", {"reason": "It never arrived."})
    assert said(second.post(f"{address}accept/", {"reason": "I agree."}))[-1] == "It is accepted."
    relayed()
    page = text_of(books.get(address))
    assert "It is in the books as a loss." in page
    assert "accepted by second" in page


def test_programs_list_contest_and_accept_disputes(house: Floor) -> None:
    one, other = disputed(house, 500, 400)
    program = a_program(a_person("program", "controller"))
    listed = program.get("/api/v1/disputes?state=needs_response&limit=1").json()
    assert ([row["id"] for row in listed["items"]], listed["next"]) == ([str(other)], str(other))
    whole = program.get(f"/api/v1/disputes/{one}").json()
    assert whole["dispute"]["external_id"] == "dp_0"
    assert {"name": "address", "holds": True} in [
        {key: point[key] for key in ("name", "holds")} for point in whole["points"]
    ]
    answer = program.post("/api/v1/disputes/contest", {"dispute": str(one), "note": "He wears it."}).json()
    assert answer["state"] == "waiting"
    assert (
        program.post("/api/v1/disputes/contest", {"dispute": str(one), "note": "He wears it."}).json()
        == answer
    )
    taken = program.post("/api/v1/disputes/accept", {"dispute": str(other), "reason": "Fine."}, "two").json()
    assert taken["state"] == "waiting"
    none = program.post("/api/v1/disputes/withdraw", {"dispute": str(other)}, "three")
    is_problem(none, 409, "payments.nothing_proposed")
    is_problem(program.get(f"/api/v1/disputes/{ids.uuid7()}"), 404, "kernel.not_found")


def test_open_disputes_are_read_to_their_end_by_their_last_days(house: Floor, monkeypatch) -> None:
    monkeypatch.setattr(disputes, "SHOWN", 1)
    first, second, third = disputed(house, 500, 400, 100)
    sql.run("UPDATE payments_dispute SET due_at = NULL WHERE id = %(id)s RETURNING 1", {"id": first})
    sql.run("UPDATE payments_dispute SET state = 'under_review' WHERE id = %(id)s RETURNING 1", {"id": third})
    titles = walked(a_browser("books"), "/books/disputes/")
    assert [[title.split()[0] for title in page] for page in titles] == [["dp_1"], ["dp_0"], ["dp_2"]]
    assert second != first
    odd = a_browser("books").get("/books/disputes/", {"after": "0~x~y"}).content.decode()
    assert "dp_1" in odd, "an address that nobody wrote shows the first"
