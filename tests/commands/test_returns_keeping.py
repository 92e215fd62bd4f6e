"""returns.authorize: customers keep what is not worth its way back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from entrepot.carriage.commands.register import RegisterService, register_services
from entrepot.carriage.rules import Zone
from entrepot.kernel import policies
from entrepot.returns import asked_queries, errors, queries
from entrepot.returns.admission import Admission, Rule
from entrepot.returns.commands.authorize import Authorize, Authorized, Item, authorize, consider
from entrepot.returns.keeping import Keeping, Sum
from entrepot.returns.recovery import Recovery, Way
from entrepot.returns.tasks import serve_decide_refund
from tests.back import ASKS, lines_of, sold
from tests.floor import COMPANY, NOW, SYSTEM, Floor
from tests.sizes import SIZES
from tests.walk import a_house, queued

pytestmark = pytest.mark.django_db

WORN = Rule("worn shoes", reasons=("remorse",), keep_when_cheaper=True)
SELLS = Recovery(("B", "C"), {"second_grade": Way({"B": 70, "C": 10}, of="price")})


@pytest.fixture
def house(db: None) -> Floor:
    """Labels are 3.00 for a kilogram."""
    house = a_house()
    house.stock(0, 4_000)
    house.stock(1, 50)
    return house


def says(*rules: Rule, recovery: Recovery = SELLS) -> None:
    bodies = {
        "returns.authorization": Admission(rules), "returns.recovery": recovery,
        "returns.keeping": Keeping(receiving_minor=50, inspection_minor=80, restock_minor=20, fraud_percent=1),
    }  # fmt: skip
    answers = policies.set_policy(SYSTEM, requests=[
        policies.SetPolicy(COMPANY, kind, body, NOW - timedelta(days=1)) for kind, body in bodies.items()
    ])  # fmt: skip
    assert all(isinstance(one, policies.PolicySet) for one in answers), answers


def wants(order: UUID, asked: str = "keep", condition: str = "used", **facts: Any) -> Authorize:
    return Authorize(
        order, (Item(lines_of(order)[0], 1, "changed_mind", condition=condition),), asked, **facts
    )


def test_what_is_not_worth_its_way_back_is_kept_and_paid(house: Floor):
    says(WORN)
    (order,) = sold(house, 1, (0, 2))
    (answer,) = authorize(ASKS, requests=[wants(order)])
    assert isinstance(answer, Authorized)
    assert answer.terms[0].outcomes == ("refund", "exchange", "store_credit", "keep")
    (kept,) = asked_queries.terms_of(answer.return_id).values()
    found = Sum(**kept.kept)
    assert tuple(found)[1:] == (300, 50, 80, 20, 10), "label, receiving, inspection, restocking, fraud"
    assert found.recovery_minor < found.costs_minor == 460
    assert "worn shoes" in kept.reasons
    assert queued("decide_refund") == [answer.return_id]
    serve_decide_refund(SYSTEM, [answer.return_id])
    done = queries.return_(answer.return_id)
    assert done
    assert (done.state, done.received, done.refunded) == ("closed", 0, 1)


def test_what_is_worth_it_comes_back_and_its_sum_is_kept_too(house: Floor):
    says(WORN)
    (order,) = sold(house, 1, (0, 2))
    no, yes = authorize(ASKS, requests=[
        wants(order, condition="opened"), wants(order, "refund", condition="opened")
    ])  # fmt: skip
    assert isinstance(no, errors.NotOffered)
    assert isinstance(yes, Authorized)
    (kept,) = asked_queries.terms_of(yes.return_id).values()
    assert not Sum(**kept.kept).keeps


@pytest.mark.parametrize("at_once", [True, False])
def test_who_asks_for_one_unit_after_another_keeps_no_more_than_who_asks_for_all(house: Floor, at_once: bool):
    """Each unit brings 3.00, and costs 1.60 beside its part of the label."""
    says(WORN, recovery=Recovery(("C",), {"second_grade": Way({"C": 30}, of="price")}))
    (order,) = sold(house, 1, (0, 4))
    requests = [wants(order, key=str(place)) for place in range(4)]
    if at_once:
        answers = authorize(ASKS, requests=requests)
    else:
        answers = [authorize(ASKS, requests=[one])[0] for one in requests]
    assert [isinstance(one, Authorized) for one in answers] == [True, True, False, False]


def test_what_can_come_with_other_goods_of_its_order_needs_no_label(house: Floor):
    says(WORN, recovery=Recovery(("C",), {"second_grade": Way({"C": 30}, of="price")}))
    (order,) = sold(house, 1, (0, 4))
    assert isinstance(authorize(ASKS, requests=[wants(order, "refund")])[0], Authorized)
    (no,) = authorize(ASKS, requests=[wants(order)])
    assert isinstance(no, errors.NotOffered)


def test_a_line_that_no_rule_weighs_brings_the_others_with_it(house: Floor):
    says(Rule("only these", skus=("SKU-000",), keep_when_cheaper=True))
    (order,) = sold(house, 1, (0, 1), (1, 1))
    items = tuple(Item(line, 1, "changed_mind", condition="used") for line in lines_of(order))
    assert isinstance(authorize(ASKS, requests=[Authorize(order, items, "keep")])[0], errors.NotOffered)
    (alone,) = authorize(ASKS, requests=[Authorize(order, items[:1], "keep")])
    assert isinstance(alone, Authorized)


def test_where_nobody_knows_what_it_brings_it_is_not_kept(house: Floor):
    says(WORN, recovery=Recovery())
    (order,) = sold(house, 1, (0, 1))
    (no,) = consider(ASKS, [wants(order)])
    assert isinstance(no, errors.NotOffered)
    (usual,) = authorize(ASKS, requests=[wants(order, "refund")])
    assert isinstance(usual, Authorized)
    (kept,) = asked_queries.terms_of(usual.return_id).values()
    assert kept.kept == {}


def test_a_label_costs_what_it_does_from_where_the_goods_are(house: Floor):
    says(WORN)
    zones = (("GB", "GB", "inland"), Zone("GB", "GB", "remote", "SW", ""))
    rates = (("inland", 30_000, 300), ("remote", 30_000, 800))
    register_services(SYSTEM, requests=[
        RegisterService(COMPANY, "Post", "slow", "Slow", 4, 30_000, "GBP", zones, rates)
    ])  # fmt: skip
    (order,) = sold(house, 1, (0, 2))
    (answer,) = authorize(ASKS, requests=[wants(order)])
    assert isinstance(answer, Authorized)
    (kept,) = asked_queries.terms_of(answer.return_id).values()
    assert kept.kept["label_minor"] == 800


def test_a_key_gets_its_answer_again(house: Floor):
    says(WORN)
    (order,) = sold(house, 1, (0, 2))
    first = authorize(ASKS, requests=[wants(order, key="k")])
    assert authorize(ASKS, requests=[wants(order, key="k")]) == first


def test_weighing_takes_the_same_statements_for_many(house: Floor, statements: Any):
    says(WORN)
    counts = []
    for size in SIZES:
        requests = [wants(order, key=str(order)) for order in sold(house, size, (0, 2))]
        with statements() as ran:
            answers = authorize(ASKS, requests=requests)
        assert all(isinstance(one, Authorized) for one in answers)
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert len(set(counts)) == 1
