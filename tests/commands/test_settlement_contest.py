"""settlement.contest_disputes, and the way of an answer to its provider"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from entrepot.kernel import ids, relay, sql
from entrepot.kernel.errors import NotFound
from entrepot.orders.commands.place import PaymentGiven
from entrepot.payments import dispute_queries
from entrepot.payments.commands.answer_disputes import Answered
from entrepot.payments.commands.disputes import OpenDispute, open_disputes
from entrepot.payments.commands.refund import Refund, refund
from entrepot.payments.providers import fake
from entrepot.payments.tasks import DESTINATIONS
from entrepot.settlement import evidence_queries
from entrepot.settlement.commands.contest_disputes import ContestDispute, contest_disputes
from entrepot.shipping.commands.deliver import Delivered, deliver
from entrepot.web import dispute_paper
from entrepot.web.tasks import DESTINATIONS as PAPERS
from tests.back import HOME, sold
from tests.floor import COMPANY, NOW, SYSTEM, Floor, a_floor
from tests.sizes import MANY
from tests.walk import a_house

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 100)
    return house


def paid(house: Floor, back: int = 0, **facts: Any) -> UUID:
    """The payment of an order that was paid by card and delivered, and refunded in part."""
    (order,) = sold(
        house, 1, (0, 2), payment=PaymentGiven("fake", "card", 11_998, NOW), address=HOME, **facts
    )
    relayed()
    for (shipment,) in sql.run("SELECT id FROM shipping_shipment WHERE delivered_at IS NULL"):
        deliver(SYSTEM, requests=[Delivered(shipment, NOW + timedelta(days=2))])
    if back:
        refund(SYSTEM, requests=[Refund(order, back)])
        relayed()
    ((payment,),) = sql.run("SELECT id FROM payments_payment WHERE order_id = %(order)s", {"order": order})
    return payment


def disputed(house: Floor, reason: str = "product not received", back: int = 0, name: str = "dp_1") -> UUID:
    """Such an order, disputed."""
    payment = paid(house, back)
    (one,) = open_disputes(SYSTEM, requests=[
        OpenDispute(payment, name, 1_500, reason, NOW + timedelta(days=7))
    ])  # fmt: skip
    return one.dispute  # type: ignore[union-attr]


def relayed() -> None:
    relay.relay_once(DESTINATIONS | PAPERS, at=NOW + timedelta(hours=1))


def state(dispute: UUID) -> str:
    found = dispute_queries.dispute(COMPANY, dispute)
    assert found
    return found.state


def test_evidence_is_frozen_without_its_customer_and_sent_with_him(house: Floor):
    dispute = disputed(house, back=400)
    (answer,) = contest_disputes(SYSTEM, requests=[ContestDispute(dispute, "The neighbor signed.", "k")])
    assert isinstance(answer, Answered)
    ((body,),) = sql.run("SELECT body::text FROM kernel_delivery WHERE topic = 'dispute.submit'")
    (kept,) = dispute_queries.answers(dispute)
    assert "Ada" not in body + str(kept)
    assert kept.fields["uncategorized_text"].startswith("The neighbor signed.\nRefunded: 4.00 GBP")
    assert "shipping_date" in kept.fields

    fake.client.told.clear()
    relayed()
    (told,) = fake.client.told
    assert (told.answer, told.external_id) == (answer.answer, "dp_1")
    assert told.fields["customer_name"] == HOME.name
    assert (
        told.fields["shipping_address"]
        == told.fields["billing_address"]
        == "1 High Street, SW1A 1AA Leeds, GB"
    )
    assert told.paper.startswith(b"%PDF-")
    assert state(dispute) == "under_review"
    assert contest_disputes(SYSTEM, requests=[ContestDispute(dispute, "The neighbor signed.", "k")]) == [
        answer
    ]


def test_the_same_evidence_is_the_same_paper_whenever_it_is_sent(house: Floor):
    dispute = disputed(house)
    known = evidence_queries.known([dispute], NOW)[dispute]
    assert known.facts.address_match is True
    fields = {"uncategorized_text": "It arrived."}
    assert dispute_paper.pdf(dispute_paper.of(known, fields, NOW)) == dispute_paper.pdf(
        dispute_paper.of(known, fields, NOW)
    )


def test_of_a_dispute_over_several_orders_all_are_proven(house: Floor):
    days = [NOW - timedelta(days=days) for days in (30, 20, 10)]
    _, part, named = (paid(house, back=100, customer="C-1", occurred_at=day) for day in days)
    (one,) = open_disputes(SYSTEM, requests=[OpenDispute(named, "dp_1", 3_000, others=(part,))])
    ((number, shipment), (own, own_shipment)) = sql.run(
        "SELECT o.number, s.number FROM payments_payment AS p JOIN orders_order AS o ON o.id = p.order_id"
        " JOIN shipping_shipment AS s ON s.order_id = o.id WHERE p.id = ANY(%(ids)s::uuid[]) ORDER BY p.id",
        {"ids": [part, named]},
    )
    facts = evidence_queries.known([one.dispute], NOW)[one.dispute].facts  # type: ignore[union-attr]
    assert (facts.order, facts.captured_minor, facts.placed_at) == (f"{number}, {own}", 2 * 1_998, days[2])
    assert [(one.number, bool(one.delivered_at)) for one in facts.sent] == [
        (shipment, True),
        (own_shipment, True),
    ]
    assert [one.units for one in facts.items] == [2, 2]
    assert [one.amount_minor for one in facts.given_back] == [100, 100]
    assert facts.earlier == [days[0]], "what the bank disputes here proves nothing"


def test_what_a_bank_does_not_take_any_more_leaves_the_dispute_open(house: Floor):
    dispute = disputed(house, name="declined_1")
    contest_disputes(SYSTEM, requests=[ContestDispute(dispute)])
    relayed()
    assert state(dispute) == "needs_response"
    (answer,) = dispute_queries.answers(dispute)
    assert (answer.state, answer.error) == ("failed", "the bank does not listen any more")


@pytest.mark.counts("settlement.contest_disputes")
def test_statements_do_not_grow_with_the_batch(house: Floor, statements):
    first = disputed(house)
    ((payment,),) = sql.run("SELECT payment_id FROM payments_dispute WHERE id = %(id)s", {"id": first})
    many = open_disputes(
        SYSTEM, requests=[OpenDispute(payment, f"dp_x{i}", 1, inquiry=True) for i in range(MANY + 11)]
    )
    counts = []
    for some in (many[:1], many[1:11], many[11:]):
        with statements() as ran:
            answers = contest_disputes(SYSTEM, requests=[ContestDispute(one.dispute) for one in some])  # type: ignore[union-attr]
        assert all(isinstance(one, Answered) for one in answers)
        counts.append(len(ran))
    assert counts[0] == counts[1] == counts[2]


def test_a_dispute_that_is_not_there_is_refused(db: None):
    a_floor(skus=0, channels=())
    unknown = ids.uuid7()
    assert contest_disputes(SYSTEM, requests=[ContestDispute(unknown)]) == [
        NotFound(what="dispute of an order", which=str(unknown))
    ]
