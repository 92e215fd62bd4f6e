"""purchasing.decide_orders, and what the policy `purchasing.approval` keeps from suppliers until then"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import transaction

from entrepot.access.errors import DutiesApart
from entrepot.channels.commands.send_orders import SendOrderDocument, send_order_documents
from entrepot.insight.waiting import counted
from entrepot.kernel import sql
from entrepot.kernel.command import whole
from entrepot.kernel.errors import Invalid, NotFound, WrongState
from entrepot.kernel.ids import uuid7
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.ledger.commands.record_rates import RecordRate, record_rates
from entrepot.purchasing import queries
from entrepot.purchasing.commands.cancel import CancelOrder, OrderCancelled, cancel
from entrepot.purchasing.commands.change import ChangeOrder, OrderChanged, change
from entrepot.purchasing.commands.decide_orders import DecideOrder, OrderDecided, decide_orders
from entrepot.purchasing.commands.order import GoodsOrdered, OrderGoods, order
from entrepot.purchasing.commands.receive import GoodsReceived, ReceiveOrder, receive
from entrepot.purchasing.commands.send_orders import SendOrder, send_orders
from entrepot.purchasing.errors import NeedsApproval, WaitsForApproval
from tests.retailer import BUYER, CLERK, NOW, Retailer, a_retailer
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(db: None) -> Retailer:
    house = a_retailer(skus=3)
    limit(house, 10_000)
    return house


def limit(house: Retailer, minor: int | None, minutes: int = 60) -> None:
    body = {"alone_up_to_minor": minor}
    at = NOW - timedelta(minutes=minutes)
    whole(set_policy(CLERK, requests=[SetPolicy(house.company, "purchasing.approval", body, at)]))


def bought(
    house: Retailer, quantity: int, cost: str = "10", supplier: UUID | None = None, key: str = ""
) -> GoodsOrdered:
    asked = OrderGoods(
        house.company, supplier or house.supplier, house.node, "", ((house.skus[0], quantity, Decimal(cost)),),
        key=key or None,
    )  # fmt: skip
    (made,) = order(BUYER, requests=[asked])
    assert isinstance(made, GoodsOrdered)
    return made


def supply() -> int:
    return int(sql.run("SELECT COALESCE(sum(quantity), 0) FROM stock_supply")[0][0])


def items() -> list[tuple[str, str]]:
    return sql.run("SELECT state, role FROM work_item WHERE type = 'purchase order to approve' ORDER BY id")


def decide(which: UUID, approve: bool = True, note: str = "", who: Any = CLERK) -> Any:
    return decide_orders(who, requests=[DecideOrder(which, approve, note)])[0]


def test_up_to_the_limit_one_person_orders(house: Retailer) -> None:
    made = bought(house, 10)

    assert (made.state, supply(), items()) == ("open", 10, [])
    assert isinstance(receive(CLERK, requests=[ReceiveOrder(made.order)])[0], GoodsReceived)


def test_without_a_policy_nothing_waits(db: None) -> None:
    house = a_retailer(skus=1)

    assert bought(house, 1_000_000).state == "open"


def test_beyond_it_nothing_is_expected_sent_or_received_until_another_person_approves(
    house: Retailer,
) -> None:
    made = bought(house, 11)

    assert (made.state, supply()) == ("waiting", 0)
    assert [state for state, _ in items()] == ["open"]
    told = counted(["purchases to approve"], company=house.company, person="dan", roles=(), now=NOW)
    assert told == {"purchases to approve": 1}
    assert isinstance(receive(CLERK, requests=[ReceiveOrder(made.order)])[0], WrongState)
    assert isinstance(
        change(BUYER, requests=[ChangeOrder(made.order, (), ((house.skus[1], 1, Decimal(1)),))])[0],
        WrongState,
    )
    assert isinstance(decide(made.order, who=BUYER), DutiesApart)

    assert decide(made.order) == OrderDecided(made.order, "open")

    assert supply() == 11
    assert [state for state, _ in items()] == ["done"]
    found = queries.order(made.order)
    assert found is not None
    assert (found.state, found.approved_by, found.home_minor, found.alone_minor) == (
        "open",
        "dan",
        11_000,
        10_000,
    )
    assert isinstance(decide(made.order), WrongState)
    assert isinstance(receive(CLERK, requests=[ReceiveOrder(made.order)])[0], GoodsReceived)


def test_it_goes_to_its_supplier_by_no_way(house: Retailer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("entrepot.access.queries.sends_mail", lambda: True)
    body = {"own_id": "HOUSE", "their_id": "MUGS"}
    whole(
        set_policy(
            CLERK,
            requests=[SetPolicy(house.company, "channels.x12", body, NOW - timedelta(days=1), scope="s1")],
        )
    )
    made = bought(house, 11)

    (mail,) = send_orders(BUYER, requests=[SendOrder(made.order, "sales@example.com")])
    (document,) = send_order_documents(BUYER, requests=[SendOrderDocument(made.order)])

    assert isinstance(mail, WaitsForApproval)
    assert isinstance(document, WaitsForApproval)


def test_declined_with_a_note_it_is_cancelled(house: Retailer) -> None:
    made = bought(house, 11)

    assert isinstance(decide(made.order, approve=False, note=" "), Invalid)
    assert decide(made.order, approve=False, note="wait for June") == OrderDecided(made.order, "cancelled")
    assert supply() == 0
    assert [state for state, _ in items()] == ["done"]
    assert isinstance(decide(uuid7()), NotFound)


def test_whoever_ordered_may_decline_or_cancel_it_themselves(house: Retailer) -> None:
    first, second = bought(house, 11), bought(house, 12)

    assert decide(first.order, approve=False, note="a mistake", who=BUYER) == OrderDecided(
        first.order, "cancelled"
    )
    assert cancel(BUYER, requests=[CancelOrder(second.order, "a mistake")]) == [OrderCancelled(second.order)]
    assert [state for state, _ in items()] == ["done", "done"]


def test_another_currency_counts_at_the_rate_of_the_day_and_waits_without_one(house: Retailer) -> None:
    assert bought(house, 1, supplier=house.foreign_supplier).state == "waiting"
    whole(record_rates(CLERK, requests=[RecordRate(house.company, "EUR", NOW.date(), Decimal("0.5"))]))

    assert bought(house, 20, supplier=house.foreign_supplier).state == "open"
    assert bought(house, 21, supplier=house.foreign_supplier).state == "waiting"


def test_what_becomes_no_more_may_change_whatever_its_currency_is_worth_by_now(house: Retailer) -> None:
    rates = [
        RecordRate(house.company, "EUR", NOW.date() + timedelta(days=n), Decimal(rate))
        for n, rate in ((0, "0.5"), (1, "0.6"))
    ]
    whole(record_rates(CLERK, requests=rates))
    made = bought(house, 20, supplier=house.foreign_supplier)
    (line,) = queries.lines(made.order)
    later = replace(BUYER, at=NOW + timedelta(days=1))
    (less,) = change(later, requests=[ChangeOrder(made.order, ((line.id, 19),))])
    assert isinstance(less, OrderChanged), less
    (more,) = change(later, requests=[ChangeOrder(made.order, ((line.id, 20),))])
    assert isinstance(more, NeedsApproval), more
    (one,) = [one for one in queries.orders(house.company) if one.id == made.order]
    assert one.home_minor == 10_000, "as it was ordered: nobody has approved more"


def test_no_change_takes_an_order_beyond_the_limit_or_what_was_approved(house: Retailer) -> None:
    small, large = bought(house, 10), bought(house, 20)
    decide(large.order)
    (line,), (more,) = queries.lines(small.order), queries.lines(large.order)

    def changed(which: UUID, *lines: Any, added: tuple[Any, ...] = ()) -> object:
        return change(BUYER, requests=[ChangeOrder(which, lines, added)])[0]

    assert isinstance(changed(small.order, (line.id, 11)), NeedsApproval)
    assert isinstance(changed(small.order, (line.id, None, Decimal(11))), NeedsApproval)
    assert isinstance(changed(small.order, added=((house.skus[1], 1, Decimal("0.01")),)), NeedsApproval)
    assert isinstance(changed(large.order, (more.id, 21)), NeedsApproval)
    assert isinstance(
        changed(small.order, (line.id, 9), added=((house.skus[1], 1, Decimal(10)),)), OrderChanged
    )
    assert isinstance(changed(large.order, (more.id, 15)), OrderChanged)
    assert [one.home_minor for one in queries.orders(house.company)] == [15_000, 10_000]


def test_one_order_is_decided_once_in_a_batch_and_again_by_key(house: Retailer) -> None:
    made = bought(house, 11)
    one = DecideOrder(made.order, True, key="K")

    first, second = decide_orders(CLERK, requests=[one, DecideOrder(made.order, False, "no")])

    assert first == OrderDecided(made.order, "open")
    assert isinstance(second, WrongState)
    assert decide_orders(CLERK, requests=[one]) == [first]
    assert supply() == 11


@pytest.mark.parametrize("person", ["bea", "nobody"])
def test_the_database_lets_nobody_open_one_without_the_duty(house: Retailer, person: str) -> None:
    made = bought(house, 11)

    with pytest.raises(psycopg.errors.CheckViolation) as told, transaction.atomic():
        sql.run(
            "UPDATE purchasing_order SET state = 'open', approved_by = %(who)s WHERE id = %(id)s RETURNING 1",
            {"who": person, "id": made.order},
        )
    assert told.value.diag.constraint_name == "purchasing_duty_to_approve_taken"


@pytest.mark.counts("purchasing.decide_orders")
def test_statements_do_not_grow_with_the_batch(house: Retailer, statements: Callable[[], Any]) -> None:
    counts = []
    for size in SIZES:
        waits = [bought(house, 11, key=f"{size}-{i}").order for i in range(size)]
        with statements() as ran:
            whole(decide_orders(CLERK, requests=[DecideOrder(which, True) for which in waits]))
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert counts == [counts[0]] * len(SIZES), counts
