"""returns.authorize: by the policies of which day, from which delivery on, and from where each line is refunded."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from entrepot.kernel import policies, sql
from entrepot.kernel.cause import Cause
from entrepot.returns import asked_queries, errors, exchange_queries, queries
from entrepot.returns.admission import Admission, Rule
from entrepot.returns.commands.authorize import Authorize, Item, authorize
from entrepot.returns.commands.exchange import Exchange, Exchanged, exchange
from entrepot.returns.commands.refund import Refund, refund
from entrepot.returns.rules import Policy
from entrepot.returns.tasks import serve_decide_refund
from entrepot.shipping.commands.deliver import Delivered, ShipmentDelivered, deliver
from tests.back import APPROVES, ARRIVED, ASKS, asked, came, found, lines_of, policy, put, sold
from tests.floor import COMPANY, NOW, SYSTEM, Floor
from tests.walk import a_house, allocated, freed_is_offered, placed, queued, shipped

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 50)
    house.stock(1, 50)
    return house


def days(n: int) -> timedelta:
    return timedelta(days=n)


def at(cause: Cause, moment: datetime) -> Cause:
    return replace(cause, at=moment)


def says(body: Any, since: datetime, kind: str = "returns.authorization", scope: str = "") -> None:
    """A version of a policy from a moment on."""
    wanted = policies.SetPolicy(COMPANY, kind, body, since, scope=scope)
    (answer,) = policies.set_policy(at(SYSTEM, since), requests=[wanted])
    assert isinstance(answer, policies.PolicySet), answer


def wants(order: UUID, after: int, **facts: Any) -> Any:
    """What is answered so many days after it is expected to have arrived."""
    item = Item(lines_of(order)[0], 1, "changed_mind")
    (answer,) = authorize(at(ASKS, ARRIVED + days(after)), requests=[Authorize(order, (item,), **facts)])
    return answer


# ---- by the policies of which day


def test_who_bought_under_a_longer_window_keeps_it(house: Floor):
    says(Policy(window_days=60, late="decline"), NOW - days(1), "returns")
    (order,) = sold(house, 1, (0, 2))
    says(Policy(window_days=30, late="decline"), NOW + days(20), "returns")

    (line,) = wants(order, 40).terms
    (kept,) = asked_queries.terms_of(queries.returns_page(COMPANY)[0].id).values()
    assert (kept.window_days, kept.days) == (60, 40)
    assert kept.reasons == ["40 of 60 days", "as was said on the day of the order"]
    assert line.refund_at == kept.refund_at == "disposed"
    assert isinstance(wants(order, 61), errors.TooLate)


def test_what_was_said_later_holds_where_it_is_better(house: Floor):
    says(Policy(window_days=20, fee_percent=10), NOW - days(1), "returns")
    (order,) = sold(house, 1, (0, 2))
    says(Policy(window_days=60, fee_percent=0), NOW + days(5), "returns")
    answer = wants(order, 30)
    assert (answer.state, answer.reasons, answer.terms[0].fee_percent) == (
        "authorized",
        ("30 of 60 days",),
        0,
    )


@pytest.mark.parametrize(("how", "window"), [("sale", 60), ("request", 30), ("better", 60)])
def test_the_policy_says_of_which_day(house: Floor, how: str, window: int):
    says(Policy(window_days=60), NOW - days(1), "returns")
    says(Admission(version_of="request"), NOW - days(1))
    (order,) = sold(house, 1, (0, 1))
    says(Policy(window_days=30), NOW + days(1), "returns")
    says(Admission(version_of=how), NOW + days(1))  # type: ignore[arg-type]
    assert wants(order, 15).reasons[0] == f"15 of {window} days", "today's policy says how"


def test_the_day_of_the_sale_holds_even_where_it_was_stricter(house: Floor):
    says(Admission((Rule("final sale", answer="no"),), version_of="sale"), NOW - days(1))
    (order,) = sold(house, 1, (0, 1))
    says(Admission(version_of="sale"), NOW + days(1))
    assert isinstance(wants(order, 20), errors.NotAllowed)


def test_what_was_sold_before_there_was_a_policy_falls_under_today_s(house: Floor):
    (order,) = sold(house, 1, (0, 1))
    says(Admission((Rule("final sale", answer="no"),)), NOW + days(1))
    assert isinstance(wants(order, 20), errors.NotAllowed), "nobody had said anything else"


def test_defaults_that_nobody_said_at_the_sale_do_not_hold(house: Floor):
    says(Admission(), NOW - days(1))
    (order,) = sold(house, 1, (0, 2))
    says(Policy(window_days=10, late="decline"), NOW + days(5), "returns")
    assert isinstance(wants(order, 20), errors.TooLate)


def test_a_channel_had_a_version_of_its_own(house: Floor):
    says(Admission((Rule("all of it", answer="no"),)), NOW - days(2))
    says(Admission((Rule("the shop", window_days=90),)), NOW - days(1), scope="shop")
    (order,) = sold(house, 1, (0, 1))
    says(Admission((Rule("the shop", window_days=15),)), NOW + days(1), scope="shop")
    assert wants(order, 80).terms[0].fee_percent == 0


# ---- from which delivery on


def test_what_no_carrier_told_of_has_come_after_the_days_of_its_service(house: Floor):
    says(Admission((Rule("final sale", answer="no"),)), NOW - days(1))
    (order,) = sold(house, 1, (0, 2))
    assert wants(order, 14).reasons[-1] == "UK Consumer Contracts Regulations 2013: 14 of 14 days"
    assert isinstance(wants(order, 15), errors.NotAllowed)
    says(Admission((Rule("final sale", answer="no"),), untold="stands"), NOW + days(1))
    assert wants(order, 15).terms[0].withdraws, "nobody says that the days have begun"
    (shipment,) = [row[0] for row in sql.run("SELECT id FROM shipping_shipment", {})]
    (told,) = deliver(SYSTEM, requests=[Delivered(shipment, ARRIVED + days(3))])
    assert isinstance(told, ShipmentDelivered)


def test_what_left_by_no_service_has_come_after_the_days_that_the_policy_says(house: Floor):
    says(Admission((Rule("final sale", answer="no"),), transit_days=9), NOW - days(1))
    (order,) = sold(house, 1, (0, 2))
    sql.run("UPDATE shipping_shipment SET service_id = NULL", {})
    assert wants(order, 9 - 4 + 14).terms[0].withdraws
    assert isinstance(wants(order, 9 - 4 + 15), errors.NotAllowed)


def test_where_a_carrier_told_that_day_counts(house: Floor):
    says(Admission((Rule("final sale", answer="no"),)), NOW - days(1))
    (order,) = sold(house, 1, (0, 2))
    (shipment,) = [row[0] for row in sql.run("SELECT id FROM shipping_shipment", {})]
    deliver(SYSTEM, requests=[Delivered(shipment, NOW + days(1))])
    assert isinstance(wants(order, 14 - 2), errors.NotAllowed), "its carrier told of an earlier day"


def test_the_days_do_not_run_while_a_part_is_to_come_and_begin_with_the_last(house: Floor):
    says(Admission((Rule("final sale", answer="no"),)), NOW - days(1))
    (order,) = placed(house, 1, (0, 3), (2, 1))
    allocated(order)
    shipped(order)
    assert wants(order, 100).reasons[-1] == "UK Consumer Contracts Regulations 2013: 0 of 14 days"
    house.stock(2, 5)
    freed_is_offered()
    shipped(order, cause=at(SYSTEM, NOW + days(110)))
    assert wants(order, 110 + 14).terms[0].withdraws
    assert isinstance(wants(order, 110 + 15), errors.NotAllowed)


# ---- from where a line is refunded and replaced


def test_each_line_is_refunded_from_its_own_milestone(house: Floor):
    policy(refund_at="disposed")
    says(Admission((Rule("cheap at once", skus=("SKU-001",), refund_at="received"),)), NOW - days(1))
    (order,) = sold(house, 1, (0, 1), (1, 1))
    one = asked(order, 1, 1)
    assert [line.refund_at for line in one.terms] == ["disposed", "received"]

    receipts = came(one)
    assert queued("decide_refund") == [one.return_id]
    serve_decide_refund(SYSTEM, [one.return_id])
    assert [line.refunded for line in queries.whole(one.return_id).lines] == [0, 1]
    (nothing,) = refund(APPROVES, requests=[Refund(one.return_id)])
    assert isinstance(nothing, errors.NothingToRefund)
    assert nothing.facts["milestone"] == "disposed"
    put(found(receipts))
    serve_decide_refund(SYSTEM, [one.return_id])
    assert [line.refunded for line in queries.whole(one.return_id).lines] == [1, 1]


def test_what_was_told_stands_when_the_policy_changes(house: Floor):
    policy(refund_at="received")
    (order,) = sold(house, 1, (0, 1))
    one = asked(order, 1)
    policy(refund_at="disposed")
    came(one)
    assert queued("decide_refund") == [one.return_id]


def test_a_rule_refunds_at_once_what_others_wait_for(house: Floor):
    says(Admission((Rule("trusted", skus=("SKU-000",), refund_at="authorized"),)), NOW - days(1))
    (order,) = sold(house, 1, (0, 1), (1, 1))
    at_once, waits = asked(order, 1), asked(order, 0, 1)
    assert queued("decide_refund") == [at_once.return_id]
    assert waits.terms[0].refund_at == "disposed"


def test_a_replacement_is_sent_from_the_milestone_of_its_line(house: Floor):
    says(Admission((Rule("trusted", send_at="authorized"),)), NOW - days(1))
    (order,) = sold(house, 1, (0, 1))
    one = asked(order, 1, asked="exchange")
    (agreed,) = exchange(SYSTEM, requests=[Exchange(one.return_id, one.lines[0], 1, "SKU-000")])
    assert isinstance(agreed, Exchanged)
    assert [row.send_at for row in exchange_queries.of_return(one.return_id)] == ["authorized"]
    assert queued("exchange") == [one.return_id]


def test_the_value_may_be_that_of_all_that_comes_back(house: Floor):
    dear = Rule("dear together", value_from_minor=2_500, value_of="return", answer="ask")
    says(Admission((dear,)), NOW - days(1))
    few, many = sold(house, 2, (0, 2), (1, 1))
    late = ARRIVED + days(20)
    assert asked(few, 2, occurred_at=late).state == "authorized"
    assert asked(many, 2, 1, occurred_at=late).state == "requested"
