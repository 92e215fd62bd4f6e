"""orders.credit"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import psycopg
import pytest
from django.db import transaction

from entrepot.access.errors import DutiesApart
from entrepot.kernel import ids, sql
from entrepot.kernel.cause import Actor
from entrepot.kernel.errors import Invalid, NotFound, WrongState
from entrepot.orders import errors, queries
from entrepot.orders.commands.approve_credits import ApproveCredit, CreditDecided, approve_credits
from entrepot.orders.commands.credit import Credited, CreditItem, CreditWithoutSale, credit
from entrepot.work import queries as work
from tests.selling import CAUSE, COMPANY, NOW, a_seller, rows
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db

SECOND = replace(CAUSE, actor=Actor("a second person", everything=True))


@pytest.fixture(autouse=True)
def seller(db):
    a_seller()


def an_item(sku="MUG", quantity=1, price="10.00", kind="goods") -> CreditItem:
    return CreditItem(kind, sku, quantity, Decimal(price))


def a_credit(external_id="C1", *lines: CreditItem, **changes) -> CreditWithoutSale:
    return CreditWithoutSale(
        COMPANY, changes.pop("channel", "shop"), external_id, lines or (an_item(),), "GBP", **changes
    )


def test_a_credit_is_written_and_posted_when_a_second_person_agrees():
    request = a_credit(
        "C1",
        an_item("MUG", 2, "4.125"),
        an_item("GONE", 1, "1.00"),
        an_item("D", 1, "2.50", "discount"),
        customer="C9",
    )

    (answer,) = credit(CAUSE, requests=[request])

    assert (answer.number[:3], answer.total_minor) == ("CN-", 11_75)
    (row,) = queries.credits(COMPANY, state="waiting")
    assert (row.id, row.external_id, row.customer, row.state, row.credited_at) == (
        answer.credit,
        "C1",
        "C9",
        "waiting",
        NOW,
    )
    lines = sql.run(
        "SELECT kind, sku_code, sku_id IS NULL, quantity, amount_minor FROM orders_creditline ORDER BY number"
    )
    assert lines == [
        ("goods", "MUG", False, 2, 8_25),
        ("goods", "GONE", True, 1, 1_00),
        ("discount", "D", True, 1, 2_50),
    ]
    assert rows("ledger_line") == 0
    assert approve_credits(SECOND, requests=[ApproveCredit(answer.credit)]) == [
        CreditDecided(answer.credit, "unmatched")
    ]
    booked = sql.run(
        "SELECT kind, sum(amount_minor)::int FROM ledger_line WHERE document_id = %(id)s::uuid GROUP BY 1 ORDER BY 1",
        {"id": answer.credit},
    )
    assert booked == [("credit.discount", 2_50), ("credit.goods", 9_25), ("settlement", -11_75)]
    (item,) = work.of_subject(answer.credit)
    assert (item.type, item.role, item.facts["total_minor"]) == ("unmatched credit", "controller", 11_75)
    assert [moment.after for moment in queries.timeline(answer.credit)] == ["waiting", "unmatched"]


def test_invariant_1_a_credit_of_a_channel_is_given_once_whatever_the_key():
    (first,) = credit(CAUSE, requests=[a_credit(key="k1")])
    assert credit(CAUSE, requests=[a_credit(key="k1")]) == [first]
    again, same, other = credit(CAUSE, requests=[a_credit(key="k2"), a_credit("C2"), a_credit("C2")])
    assert again == errors.DuplicateCredit(
        external_id="C1", channel="shop", credit=str(first.credit), number=first.number
    )
    assert isinstance(same, Credited)
    assert isinstance(other, errors.DuplicateCredit)
    assert (rows("orders_credit"), rows("work_item")) == (2, 2)


@pytest.mark.parametrize(
    ("request_", "refusal"),
    [
        (a_credit(channel="nowhere"), NotFound),
        (a_credit("C1", an_item(kind="gift")), errors.UnfitCredit),
        (a_credit("C1", an_item(quantity=0)), errors.UnfitCredit),
        (CreditWithoutSale(COMPANY, "shop", "C1", (), "GBP"), errors.UnfitCredit),
    ],
)
def test_what_can_not_be_a_credit_is_refused_and_nothing_is_written(request_, refusal):
    (answer,) = credit(CAUSE, requests=[request_])
    assert type(answer) is refusal
    assert (rows("orders_credit"), rows("orders_creditline"), rows("ledger_line"), rows("work_item")) == (
        0,
        0,
        0,
        0,
    )


def test_what_the_ledger_refuses_is_refused_and_waits_on():
    (answer,) = credit(CAUSE, requests=[CreditWithoutSale(COMPANY, "shop", "C1", (an_item(),), "XXX")])

    (refused,) = approve_credits(SECOND, requests=[ApproveCredit(answer.credit)])

    assert refused.code.startswith("ledger.")
    assert [row.id for row in queries.credits(COMPANY, state="waiting")] == [answer.credit]
    assert rows("ledger_line") == 0


def test_whoever_entered_a_credit_does_not_approve_it():
    (answer,) = credit(CAUSE, requests=[a_credit()])

    (refused,) = approve_credits(CAUSE, requests=[ApproveCredit(answer.credit)])

    assert isinstance(refused, DutiesApart)
    with pytest.raises(psycopg.IntegrityError, match="duty"), transaction.atomic():
        sql.run(
            "UPDATE orders_credit SET state = 'unmatched', decided_by = 'system:test', decided_at = now()"
        )


def test_a_credit_is_rejected_for_a_reason_and_its_item_closed():
    (answer,) = credit(CAUSE, requests=[a_credit()])

    (silent,) = approve_credits(SECOND, requests=[ApproveCredit(answer.credit, agree=False)])
    (decided,) = approve_credits(
        SECOND, requests=[ApproveCredit(answer.credit, agree=False, reason="never came")]
    )
    (again, unknown) = approve_credits(
        SECOND, requests=[ApproveCredit(answer.credit), ApproveCredit(ids.uuid7())]
    )

    assert isinstance(silent, Invalid)
    assert decided.state == "rejected"
    assert isinstance(again, WrongState)
    assert isinstance(unknown, NotFound)
    assert rows("ledger_line") == 0
    (item,) = work.of_subject(answer.credit)
    assert item.state == "done"


def test_an_approval_repeated_with_its_key_is_answered_and_posted_once():
    (answer,) = credit(CAUSE, requests=[a_credit()])

    first = approve_credits(SECOND, requests=[ApproveCredit(answer.credit, key="a")])

    assert approve_credits(SECOND, requests=[ApproveCredit(answer.credit, key="a")]) == first
    assert rows("ledger_line") == 2


@pytest.mark.counts("orders.credit")
@pytest.mark.parametrize("count", SIZES)
def test_statements_do_not_grow_with_the_batch(statements, count):
    with statements() as ran:
        credit(CAUSE, requests=[a_credit(f"C{i}", key=str(i)) for i in range(count)])
    texts = [text for text in ran.texts if "SAVEPOINT" not in text]
    # keys, facts, duties (2), numbers, credits, lines, items, events, remember keys
    assert len(texts) == 10, ran


@pytest.mark.counts("orders.approve_credits")
@pytest.mark.parametrize("count", SIZES)
def test_statements_of_approvals_do_not_grow_with_the_batch(statements, count):
    entered = credit(CAUSE, requests=[a_credit(f"C{i}") for i in range(count)])

    with statements() as ran:
        approve_credits(SECOND, requests=[ApproveCredit(one.credit) for one in entered])

    texts = [text for text in ran.texts if "SAVEPOINT" not in text]
    # of credits, amounts, posting (5), duties (2), states, events
    assert len(texts) == 11, ran
