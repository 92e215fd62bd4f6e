"""What a payment provider refused: seen where it is looked for, and asked for again until it is paid."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from entrepot.kernel import ids, relay, sql
from entrepot.orders.commands.place import PaymentGiven
from entrepot.payments import attempt_queries, queries
from entrepot.payments.commands.refund import Refund, refund
from entrepot.payments.providers import fake
from entrepot.payments.tasks import DESTINATIONS
from entrepot.work import queries as work
from tests.asking import a_browser, a_program
from tests.back import sold
from tests.floor import COMPANY, NOW, SYSTEM
from tests.http.test_returns_pages import said, text_of
from tests.shop import everybody
from tests.walk import a_house

pytestmark = pytest.mark.django_db


def asked() -> None:
    """The relay asks the provider for what waits."""
    relay.relay_once(DESTINATIONS, at=datetime.now(UTC) + timedelta(hours=1))


class Declines:
    """The recorded provider while it declines refunds, as one does whose account is empty."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_open = False
        ask = fake.client.ask

        def answer(one: Any) -> Any:
            found = ask(one)
            return (
                found
                if self.is_open or one.kind != "refund"
                else found._replace(ok=False, error="balance too low")
            )

        monkeypatch.setattr(fake.client, "ask", answer)


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Declines:
    return Declines(monkeypatch)


@pytest.fixture
def orders(db: None, provider: Declines) -> list[UUID]:
    """Two orders that were paid by card, and whose refunds failed."""
    house = a_house()
    house.stock(0, 50)
    found = sold(house, 2, (0, 2), payment=PaymentGiven("fake", "card", 11_998, NOW))
    asked()
    refund(SYSTEM, requests=[Refund(order, 600) for order in found])
    asked()
    return found


@pytest.fixture
def people(orders: list[UUID]) -> dict[str, Any]:
    return everybody()


def item_of(order: UUID) -> work.Item:
    return next(one for one in work.of_subject(order) if one.type == "payment refund failed")


def given_back(order: UUID) -> int:
    return sum(one.refunded_minor for one in queries.of_order(order))


def test_a_refund_that_was_declined_is_asked_for_again_on_its_work_item_and_paid(orders, people, provider):
    browser, item = a_browser(people["books"]), item_of(orders[0])
    shown = browser.get(f"/work/{item.id}/")
    assert "Refund of £6.00 has not gone through" in text_of(shown) and "balance too low" in text_of(shown)
    (attempt,) = re.findall(r'name="attempt" value="([^"]+)"', shown.content.decode())

    closing = {"item": str(item.id), "action": "resolve", "root_cause": "payment provider"}
    refused = said(browser.post("/work/act/", closing, follow=True))
    assert "the money has not gone through" in refused[0], "nobody closes it without a word"
    assert item_of(orders[0]).state != "done"

    provider.is_open = True
    form = {"attempt": attempt, "next": f"/work/{item.id}/"}
    assert said(browser.post("/books/failed-payments/retry/", form, follow=True)) == [
        "The provider is asked again for 1 payment."
    ]
    assert item_of(orders[0]).state == "done", "it closed by itself"
    asked()
    assert [given_back(one) for one in orders] == [600, 0]
    assert "has not gone through" not in text_of(browser.get(f"/orders/{orders[0]}/"))
    assert "Ask the provider again" in text_of(browser.get(f"/orders/{orders[1]}/"))


def test_who_settled_it_otherwise_says_how_and_closes_it(orders, people):
    browser, item = a_browser(people["books"]), item_of(orders[0])
    closing = {
        "item": str(item.id),
        "action": "resolve",
        "root_cause": "payment provider",
        "note": "by bank transfer",
    }
    browser.post("/work/act/", closing)
    assert item_of(orders[0]).state == "done"


def test_all_that_failed_is_listed_and_asked_for_at_once(orders, people, provider):
    browser = a_browser(people["books"])
    shown = browser.get("/books/failed-payments/")
    assert "2 refund" in text_of(shown) and "£12.00" in text_of(shown)
    assert "No payment failed" in text_of(browser.get("/books/failed-payments/?kind=capture"))
    which = re.findall(r'name="attempt" value="([^"]+)"', shown.content.decode())
    assert len(which) == 2
    provider.is_open = True
    browser.post("/books/failed-payments/retry/?kind=refund", {"all": "test"})
    asked()
    assert [given_back(one) for one in orders] == [600, 600]
    assert "No payment failed" in text_of(browser.get("/books/failed-payments/"))
    reading = a_browser(people["auditor"]).get("/books/failed-payments/")
    assert 'name="attempt"' not in reading.content.decode()


def test_what_fails_again_waits_again_under_an_item_of_its_own(orders, people):
    browser = a_browser(people["books"])
    (row, _) = attempt_queries.failed(COMPANY)
    browser.post("/books/failed-payments/retry/", {"attempt": str(row.id)})
    asked()
    again = attempt_queries.failed_of([row.subject])
    assert [one.amount_minor for one in again] == [600] and again[0].id != row.id
    assert [one.state for one in work.of_subject(row.subject) if one.type == "payment refund failed"] == [
        "done",
        "open",
    ]


def test_programs_list_and_ask_again_one_or_many(orders, people, provider):
    program = a_program(people["books"])
    items = program.get("/api/v1/payments/failed").json()["items"]
    assert {UUID(one["subject"]) for one in items} == set(orders)
    assert {(one["kind"], one["amount_minor"], one["error"]) for one in items} == {
        ("refund", 600, "balance too low")
    }
    assert program.get("/api/v1/payments/failed?kind=void").json()["items"] == []
    page = program.get("/api/v1/payments/failed?limit=1").json()
    assert program.get(f"/api/v1/payments/failed?after={page['next']}").json()["items"] == items[1:]

    provider.is_open = True
    wanted = [{"attempt": items[0]["id"]}, {"attempt": items[0]["id"]}, {"attempt": str(ids.uuid7())}]
    one, twice, unknown = program.post("/api/v1/payments/retry", wanted).json()
    assert UUID(one["attempt"]) and (twice["code"], unknown["code"]) == (
        "kernel.wrong_state",
        "kernel.not_found",
    )
    assert program.post("/api/v1/payments/retry", wanted).json()[0] == one, (
        "the same key gets the same answer"
    )
    alone = program.post("/api/v1/payments/retry", {"attempt": items[1]["id"]}, again="another")
    assert alone.status_code == 200 and UUID(alone.json()["attempt"])
    asked()
    assert [given_back(one) for one in orders] == [600, 600]
    refused = a_program(people["auditor"]).post("/api/v1/payments/retry", {"attempt": items[1]["id"]})
    assert refused.status_code == 403


def test_a_closing_without_a_word_is_refused_to_programs_as_well(orders, people):
    program, item = a_program(people["books"]), item_of(orders[0])
    body = {"item": str(item.id), "root_cause": "payment provider"}
    refused = program.post("/api/v1/work/resolve", body)
    assert (refused.status_code, refused.json()["code"]) == (422, "kernel.invalid")
    assert program.post("/api/v1/work/resolve", {**body, "note": "in cash"}, again="two").status_code == 200


def test_the_queries_need_one_statement_each(orders, statements):
    with statements() as ran:
        attempt_queries.failed(COMPANY)
        attempt_queries.failed_of(orders)
        attempt_queries.failed_sums(COMPANY)
    assert len(ran) == 3
    assert attempt_queries.failed_of([]) == []
    assert sql.run("SELECT count(*) FROM payments_attempt WHERE state = 'failed'") == [(2,)]
