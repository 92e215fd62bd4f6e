"""orders.place: demand, campaign and promotions, and what is told by them"""

from __future__ import annotations

from datetime import timedelta

import pytest

from entrepot.insight import campaigns
from entrepot.kernel import sql
from entrepot.ledger.chart import plays
from entrepot.orders import errors, queries
from entrepot.orders.commands.place import PromotionGiven, place
from tests.selling import CAUSE, COMPANY, NOW, a_line, a_seller, an_order, placed, rows
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def seller(db):
    a_seller()


def test_campaign_and_promotions_are_kept_with_the_order_and_the_line():
    line = a_line("MUG", 2, "10.00", discount_minor=3_00, promotions=(PromotionGiven("MUG15", 3_00),))
    request = an_order("E1", a_line("PEN"), line, discount_minor=1_00, campaign="spring",
                       promotions=(PromotionGiven("HELLO", 1_00),))  # fmt: skip

    (answer,) = placed(request)

    order = queries.order(answer.order)
    assert order.campaign == "spring"
    assert [(one.code, one.amount_minor, one.line) for one in order.promotions] == [
        ("HELLO", 1_00, None),
        ("MUG15", 3_00, 2),
    ]


@pytest.mark.parametrize(
    ("demand", "policy"),
    [("sale", "partial_backorder"), ("wholesale", "line_complete"), ("replenishment", "partial_cancel")],
)
def test_each_kind_of_demand_has_its_policy_unless_the_order_says_otherwise(demand, policy):
    own, other = placed(an_order("E1", demand=demand), an_order("E2", demand=demand, policy="ship_complete"))
    assert queries.order(own.order).policy == policy
    assert queries.order(other.order).policy == "ship_complete"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"demand": "gift"}, "demand"),
        ({"promotions": (PromotionGiven("HELLO", 1),)}, "promotions"),
        ({"promotions": (PromotionGiven("", 0),)}, "promotion"),
        ({"promotions": (PromotionGiven("HELLO", -1),)}, "promotion amount"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(changes, field):
    (answer,) = place(CAUSE, requests=[an_order("E1", **changes)])

    assert isinstance(answer, errors.Unplaceable)
    assert answer.facts["field"] == field
    assert rows("orders_order") == rows("orders_promotion") == 0


def test_an_order_counts_for_its_campaign_and_each_of_its_promotions():
    two = (PromotionGiven("A", 1_00), PromotionGiven("B", 50))
    placed(
        an_order("E1", a_line("MUG", 3), discount_minor=2_00, campaign="spring", promotions=two),
        an_order("E2", campaign="spring"),
        an_order("E3"),
    )
    since, until = NOW - timedelta(days=1), NOW + timedelta(days=1)

    (spring,) = campaigns.campaigns(COMPANY, since=since, until=until)
    by_code = {one.name: one for one in campaigns.promotions(COMPANY, since=since, until=until)}

    assert (spring.name, spring.orders, spring.units, spring.given_minor) == ("spring", 2, 4, 2_00)
    assert {name: one.given_minor for name, one in by_code.items()} == {"A": 1_00, "B": 50}
    assert campaigns.campaigns(COMPANY, since=until, until=until) == []


def test_what_orders_of_a_campaign_brought_is_looked_up_by_their_documents():
    """The ledger of a year has millions of lines: a plan that reads them for each order takes minutes."""
    params = {"company": COMPANY, "since": NOW - timedelta(days=1), "until": NOW}
    sql.run("SET LOCAL enable_seqscan = off")
    for chosen in (campaigns._CAMPAIGNS, campaigns._PROMOTIONS):
        plan = "\n".join(
            row
            for (row,) in sql.run(
                "EXPLAIN " + campaigns._TOLD.format(chosen=chosen, cost_of_goods=plays("e", 5000)), params
            )
        )
        assert "ledger_line_of_document" in plan, plan
        assert "Seq Scan on ledger_line" not in plan, plan


def test_promotions_cost_one_statement_however_many(statements):
    counts = []
    for batch in SIZES:
        wanted = [
            an_order(f"{batch}-{i}", discount_minor=1, promotions=(PromotionGiven("A", 1),))
            for i in range(batch)
        ]
        with statements() as ran:
            placed(*wanted)
        counts.append(sum("orders_promotion" in text for text in ran.texts))
    assert counts == [1, 1, 1]
