"""returns.authorize by the policies of authorization and reasons: terms, lots and serials, nodes, what is kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from entrepot.kernel import policies, sql
from entrepot.kernel.errors import Invalid, NotFound
from entrepot.orders import queries as orders
from entrepot.orders.commands.place import PromotionGiven
from entrepot.returns import asked_queries, errors, queries
from entrepot.returns.admission import Admission, Rule
from entrepot.returns.commands.authorize import Authorize, Authorized, Item, authorize, consider
from entrepot.returns.reasons import Own, Reasons
from entrepot.returns.tasks import serve_decide_refund
from tests.back import ARRIVED, ASKS, asked, lines_of, policy, sold
from tests.floor import COMPANY, NOW, SYSTEM, Floor
from tests.walk import a_house, queued

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 50)
    return house


def admits(*rules: Rule, scope: str = "") -> None:
    """Set the policy of authorization."""
    wanted = policies.SetPolicy(
        COMPANY, "returns.authorization", Admission(rules), NOW - timedelta(days=1), scope=scope
    )
    (answer,) = policies.set_policy(SYSTEM, requests=[wanted])
    assert isinstance(answer, policies.PolicySet), answer


def wants(
    order: UUID, reason: str = "poor_fit", asked: str = "refund", days: int = 20, **facts: Any
) -> Authorize:
    item = Item(lines_of(order)[0], 1, reason, **facts)
    return Authorize(order, (item,), asked, occurred_at=ARRIVED + timedelta(days=days))


def test_the_terms_of_the_day_are_kept_with_the_line(house: Floor):
    policy(fee_percent=15)
    admits(
        Rule(
            "opened goods", conditions=("opened",), fee_percent=30, bonus_percent=5, node="N2", window_days=25
        )
    )
    (order,) = sold(house, 1, (0, 2))

    (answer,) = authorize(ASKS, requests=[wants(order, condition="opened")])

    assert isinstance(answer, Authorized)
    assert (answer.state, answer.reasons) == ("authorized", ("20 of 25 days", "opened goods"))
    assert answer.node == house.nodes[1]
    (told,) = answer.terms
    assert (told.fee_percent, told.bonus_percent, told.label) == (30, 5, False)
    (kept,) = asked_queries.terms_of(answer.return_id).values()
    assert (kept.condition, kept.fee_percent, kept.window_days, kept.days, kept.policy_version) == (
        "opened", 30, 25, 20, 1
    )  # fmt: skip
    assert kept.outcomes == ["refund", "exchange", "store_credit"]
    assert queries.return_(answer.return_id).node == "N2"


def test_a_rule_says_no_or_asks_a_person_or_offers_something_else(house: Floor):
    admits(
        Rule("final sale", promotions=("CLEARANCE",), answer="no"),
        Rule("worth a look", value_from_minor=900, reasons=("remorse",), answer="ask"),
        Rule("no money for fit", reasons=("fit",), outcomes=("exchange",)),
    )
    final, usual = (
        sold(house, 1, (0, 2), promotions=(PromotionGiven(code, 0),))[0] for code in ("CLEARANCE", "SPRING")
    )
    no, look, other, exchange = authorize(ASKS, requests=[
        wants(final), wants(usual, "changed_mind"), wants(usual), wants(usual, asked="exchange"),
    ])  # fmt: skip
    assert no == errors.NotAllowed(order=orders.order(final).number, sku="SKU-000", why="final sale")
    assert isinstance(look, Authorized)
    assert (look.state, look.reasons) == ("requested", ("20 of 30 days", "worth a look: a person decides"))
    assert other == errors.NotOffered(sku="SKU-000", asked="refund", offered="exchange")
    assert isinstance(exchange, Authorized)
    assert [one.left for one in queries.returnable(usual)] == [0]


def test_the_law_of_the_country_is_under_every_policy(house: Floor):
    admits(Rule("nothing comes back", answer="no"))
    (order,) = sold(house, 1, (0, 2))
    within, beyond = authorize(ASKS, requests=[wants(order, days=14), wants(order, days=15)])
    assert isinstance(within, Authorized)
    assert within.reasons[-1] == "UK Consumer Contracts Regulations 2013: 14 of 14 days"
    assert isinstance(beyond, errors.NotAllowed)


def test_a_channel_has_rules_of_its_own(house: Floor):
    admits(Rule("nothing", answer="no"))
    admits(Rule("all", window_days=99), scope="shop")
    (order,) = sold(house, 1, (0, 1))
    assert isinstance(authorize(ASKS, requests=[wants(order)])[0], Authorized)


def test_of_tracked_goods_only_what_left_comes_back(house: Floor):
    admits(Rule("regulated", tracked=True, must_match=True))
    (order,) = sold(house, 1, (0, 1))
    sql.run("UPDATE catalog_sku SET serial_policy = 'at_ship' WHERE id = %(sku)s", {"sku": house.skus[0]})
    sql.run(
        "UPDATE stock_bucket SET serial = 'S-1' WHERE id IN"
        " (SELECT from_bucket FROM stock_move WHERE to_place = 'customer')"
    )
    unnamed, other, it = authorize(
        ASKS, requests=[wants(order), wants(order, serial="S-2"), wants(order, serial="S-1")]
    )
    number = orders.order(order).number
    why = "name the lot or serial number that stands on it"
    assert unnamed == errors.NotAllowed(order=number, sku="SKU-000", why=why)
    assert other == errors.NotAllowed(order=number, sku="SKU-000", why="S-2 did not leave with this order")
    assert isinstance(it, Authorized)
    sql.run("UPDATE stock_bucket SET serial = ''")


def test_a_rule_that_names_no_node_and_a_condition_that_is_none(house: Floor):
    admits(Rule("elsewhere", node="N9"))
    (order,) = sold(house, 1, (0, 1))
    nowhere, wet = authorize(ASKS, requests=[wants(order), wants(order, condition="wet")])
    assert nowhere == NotFound(what="node of the policy returns.authorization", which="N9")
    assert wet == Invalid(field="condition", expected="one of unopened, opened, used, damaged", found="wet")


def test_own_reasons_and_those_of_others_are_known(house: Floor):
    body = Reasons(own={"heel_loose": Own("poor_quality", "has a loose heel")}, retired=("changed_mind",))
    policies.set_policy(SYSTEM, requests=[policies.SetPolicy(COMPANY, "returns.reasons", body, NOW)])
    (order,) = sold(house, 1, (0, 3))
    own, theirs, retired = authorize(
        ASKS,
        requests=[wants(order, one) for one in ("heel_loose", "amazon:NOT_AS_DESCRIBED", "changed_mind")],
    )
    assert [queries.whole(one.return_id).lines[0].reason for one in (own, theirs)] == [
        "poor_quality", "not_as_described",
    ]  # fmt: skip
    assert isinstance(retired, Invalid)
    rows = asked_queries.by_reason(COMPANY, NOW, ARRIVED + timedelta(days=30))
    assert [
        (row.group, row.reason, row.own_reason, row.says, row.units, row.goods_minor) for row in rows
    ] == [
        ("content", "not_as_described", "", "differs from its description", 1, 999),
        ("quality", "poor_quality", "heel_loose", "has a loose heel", 1, 999),
    ]
    assert [row.units for row in asked_queries.sent(COMPANY, NOW, NOW + timedelta(days=1))] == [3]
    offered = {one.code: one for one in asked_queries.reasons_offered(COMPANY, [""], NOW)}
    assert (offered["heel_loose"].group, offered["heel_loose"].amazon) == ("quality", "QUALITY_UNACCEPTABLE")
    assert "changed_mind" not in offered


def test_what_the_customer_keeps_is_refunded_without_coming_back(house: Floor):
    admits(Rule("not worth its way", value_below_minor=2_000, outcomes=("keep",)))
    (order,) = sold(house, 1, (0, 2))
    one = asked(order, 2, asked="keep")
    assert queued("decide_refund") == [one.return_id]
    serve_decide_refund(SYSTEM, [one.return_id])
    found = queries.return_(one.return_id)
    assert (found.state, found.received, found.refunded, found.refunded_minor) == ("closed", 0, 2, 1_998)


def test_what_would_be_answered_is_told_without_a_trace(house: Floor):
    admits(Rule("sale", outcomes=("exchange",), label=True))
    (order,) = sold(house, 1, (0, 1))
    no, yes = consider(ASKS, [wants(order), wants(order, asked="exchange")])
    assert no == errors.NotOffered(sku="SKU-000", asked="refund", offered="exchange")
    assert isinstance(yes, Authorized)
    assert (yes.number, yes.state, yes.terms[0].label) == ("", "authorized", True)
    assert queries.returns_page(COMPANY) == []
    assert queries.returnable(order)[0].left == 1
