"""The way back of goods, told as it happens."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import psycopg
import pytest
from django.db import transaction

from entrepot.access.errors import DutiesApart
from entrepot.kernel import sql
from entrepot.ledger import queries as ledger
from entrepot.orders import queries as orders
from entrepot.orders.commands.place import PaymentGiven
from entrepot.returns import errors, queries
from entrepot.returns.commands.approve import Approve, Decided, approve
from entrepot.returns.commands.close import Close, Closed, close
from entrepot.returns.commands.estimate import Estimate, estimate
from entrepot.returns.commands.receive import Receive, receive
from entrepot.returns.commands.refund import Refund, Refunded, refund
from entrepot.work import queries as work
from tests.back import (
    APPROVES,
    ASKS,
    RECEIVES,
    asked,
    back,
    came,
    found,
    policy,
    put,
    sold,
)
from tests.floor import COMPANY, NOW, SYSTEM, Floor, balance, units
from tests.walk import a_house, queued

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 50, cost=5_003)
    house.stock(1, 50)
    return house


def kinds() -> dict[str, int]:
    return {kind: amount for kind, amount in ledger.sums_by_kind(company=COMPANY).items() if amount}


def refunded(return_id: UUID, **facts: object) -> Refunded:
    (answer,) = refund(ASKS, requests=[Refund(return_id, **facts)])  # type: ignore[arg-type]
    assert isinstance(answer, Refunded), answer
    return answer


def test_a_unit_comes_back_is_found_as_new_and_is_sold_again(house: Floor):
    (order,) = sold(house, 1, (0, 3))
    cost_of_sales, stock_value = balance(5000), balance(1200)

    one = asked(order, 2, reason="changed_mind")
    assert orders.order(order).returns == "requested"

    # It comes: it is ours again at the cost it left with, but nobody can buy it, and nothing is refunded.
    receipts = came(one)
    assert units(house.skus[0], "pending_inspection") == 2
    assert units(house.skus[0]) == 47
    value = sum(one.cost_minor for one in receipts)
    assert (cost_of_sales - balance(5000), balance(1200) - stock_value) == (value, value) == (200, 200)
    assert not kinds().get("return.goods")

    # An inspector finds it as new; the policy proposes the shelf.
    inspections = found(receipts, "A")
    assert [one.proposed for one, _ in inspections] == ["restock"]
    put(inspections)
    assert units(house.skus[0]) == 49
    assert queued("decide_refund") == [one.return_id]

    # What he paid is given back, and that ends it.
    answer = refunded(one.return_id)
    assert (answer.state, answer.total_minor) == ("paid", 1998)
    assert kinds()["return.goods"] == -1998
    assert (balance(2300), balance(4100)) == (0, 1998)
    assert queries.return_(one.return_id).state == "closed"
    assert orders.order(order).returns == "returned"
    assert queries.discrepancies() == []


def test_receiving_never_refunds_and_refunding_never_restocks(house: Floor):
    policy(refund_at="authorized")
    (order,) = sold(house, 1, (0, 2))

    one = asked(order, 2)
    answer = refunded(one.return_id)

    assert answer.state == "paid"
    assert units(house.skus[0], "pending_inspection") == 0
    assert queries.return_(one.return_id).state == "authorized", "the goods have not come"
    back(one, grade="D")
    assert units(house.skus[0], "pending_inspection") == 0
    assert queries.return_(one.return_id).state == "closed"
    assert balance(5320) == 200, "what was disposed of is lost at the cost it came back with"


@pytest.mark.parametrize(
    ("disposition", "status", "loss"),
    [
        ("restock", "sellable", 0),
        ("second_grade", "second_grade", 0),
        ("refurbish", "refurbish", 0),
        ("return_to_vendor", "vendor_return", 0),
        ("liquidate", "liquidation", 0),
        ("quarantine", "quarantined", 0),
        ("donate", None, 5410),
        ("dispose", None, 5320),
    ],
)
def test_every_disposition_has_its_move(house: Floor, disposition: str, status: str | None, loss: int):
    (order,) = sold(house, 1, (1, 1))
    before = units(house.skus[1], status) if status else 0

    back(asked(order, 1), disposition=disposition)

    if status:
        assert units(house.skus[1], status) == before + 1
    else:
        assert balance(loss) == 100
        assert units(house.skus[1]) == 49
    assert units(house.skus[1], "pending_inspection") == 0


def test_above_the_limit_another_person_agrees(house: Floor):
    policy(approve_above_minor=1_500)
    (order,) = sold(house, 1, (0, 2))
    one = asked(order, 2)
    back(one)

    answer = refunded(one.return_id)
    assert answer.state == "waiting"
    assert not kinds().get("return.goods")
    (item,) = work.items(COMPANY, roles=["controller"])
    assert item.type == "refund to approve"

    # Neither who asked for it nor who received it may agree.
    for person in (ASKS, RECEIVES):
        (refused,) = approve(person, requests=[Approve(answer.refund)])
        assert isinstance(refused, DutiesApart)
    (decided,) = approve(APPROVES, requests=[Approve(answer.refund)])
    assert decided == Decided(answer.refund, "paid")
    assert kinds()["return.goods"] == -1998
    assert queries.return_(one.return_id).state == "closed"
    assert not work.items(COMPANY, roles=["controller"])


def test_a_rejected_refund_can_be_asked_for_again(house: Floor):
    policy(approve_above_minor=500)
    (order,) = sold(house, 1, (0, 2))
    one = asked(order, 2)
    back(one)
    first = refunded(one.return_id)

    (decided,) = approve(APPROVES, requests=[Approve(first.refund, agree=False, reason="worn")])
    assert decided == Decided(first.refund, "rejected")
    again = refunded(one.return_id, lines=((one.lines[0], 1),))

    assert (again.state, again.total_minor) == ("waiting", 999)


def test_whoever_asked_does_not_receive(house: Floor):
    (order,) = sold(house, 1, (0, 1))
    one = asked(order, 1)

    (refused,) = receive(ASKS, requests=[Receive(one.return_id, one.lines[0], 1)])

    assert isinstance(refused, DutiesApart)
    assert units(house.skus[0], "pending_inspection") == 0


def test_more_than_was_sold_does_not_come_back(house: Floor):
    (order,) = sold(house, 1, (0, 2))
    asked(order, 1)

    with pytest.raises(AssertionError, match="MoreThanSold"):
        asked(order, 2)
    one = asked(order, 1)
    (refused,) = receive(RECEIVES, requests=[Receive(one.return_id, one.lines[0], 2)])
    assert isinstance(refused, errors.MoreThanAuthorized)


def test_shipping_goes_back_where_the_house_is_at_fault_or_all_came_back(house: Floor):
    (order,) = sold(
        house, 1, (0, 1), (1, 2), shipping_minor=450, tax_minor=333, discount_minor=100,
        payment=PaymentGiven("account", "an account", 3680, NOW),
    )  # fmt: skip
    total = orders.order(order).total_minor

    mine = asked(order, 1, reason="changed_mind")
    back(mine)
    first = refunded(mine.return_id)
    theirs = asked(order, 0, 1, reason="defective")
    back(theirs)
    second = refunded(theirs.return_id)
    rest = asked(order, 0, 1, reason="changed_mind")
    back(rest)
    third = refunded(rest.return_id)

    shipping = [queries.refund(one.refund).shipping_minor for one in (first, second, third)]
    assert shipping[0] == 0
    assert shipping[1] == 150
    assert sum(shipping) == 450
    assert first.total_minor + second.total_minor + third.total_minor == total


def test_what_never_comes_is_given_up(house: Floor):
    (order,) = sold(house, 1, (0, 3))
    one = asked(order, 3)
    back(one, 1)
    refunded(one.return_id)

    (answer,) = close(ASKS, requests=[Close(one.return_id, "the parcel held one")])

    assert answer == Closed(one.return_id, "closed")
    assert asked(order, 2).state == "authorized", "the others may be asked for again"


def test_what_is_expected_back_moves_contra_accounts_alone(house: Floor):
    sold(house, 10, (1, 1))
    (unchanged,) = estimate(SYSTEM, requests=[Estimate(COMPANY)])
    assert (unchanged.liability_minor, unchanged.changed_minor) == (0, 0)

    policy(expected_percent=Decimal(10))
    (answer,) = estimate(SYSTEM, requests=[Estimate(COMPANY)])

    assert (answer.liability_minor, answer.asset_minor) == (999, 100)
    assert (balance(2310), balance(4110), balance(1220), balance(5010)) == (-999, 999, 100, -100)
    assert balance(4000) == -9990, "revenue is posted gross"
    (again,) = estimate(SYSTEM, requests=[Estimate(COMPANY)])
    assert again.changed_minor == 0


def test_the_database_holds_people_to_their_duties(house: Floor):
    """By SQL as the application's role: a receipt by whoever has not taken the duty, or took another."""
    (order,) = sold(house, 1, (0, 1))
    one = asked(order, 1)
    (line,) = one.lines
    insert = """
        INSERT INTO returns_receipt (id, return_id, return_line_id, company_id, sku_id, node_id, bin_id, quantity,
                                     cost_minor, received_by, received_at)
        VALUES (gen_random_uuid(), %(return)s, %(line)s, 1, %(sku)s, %(node)s, %(bin)s, 1, 0, %(person)s, now())"""
    params = {
        "return": one.return_id,
        "line": line,
        "sku": house.skus[0],
        "node": house.nodes[0],
        "bin": house.bin(),
    }
    for person in ("ann", "nobody"):
        with pytest.raises(psycopg.IntegrityError, match="duty"), transaction.atomic():
            sql.run(insert, params | {"person": person})
    with pytest.raises(psycopg.IntegrityError, match="access_duty_apart"), transaction.atomic():
        sql.run(
            "INSERT INTO access_duty (document, pair, side, person, taken_at)"
            " VALUES (%(id)s, 'request×receive×approve', 'receive', 'ann', now())",
            {"id": one.return_id},
        )


def test_whoever_computed_a_refund_does_not_agree_to_it(house: Floor):
    policy(approve_above_minor=100)
    (order,) = sold(house, 1, (0, 2))
    one = asked(order, 1)
    back(one)
    (waiting,) = refund(APPROVES, requests=[Refund(one.return_id, None, 500, "for the trouble")])

    (refused,) = approve(APPROVES, requests=[Approve(waiting.refund)])

    assert isinstance(refused, DutiesApart)
