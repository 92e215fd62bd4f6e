"""purchasing.send_orders and purchasing.note_sendings"""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import pytest

from entrepot.access.errors import NoMailServer
from entrepot.kernel import forget, sql
from entrepot.kernel.cause import Actor, Cause
from entrepot.kernel.errors import Invalid, NotFound, NotPermitted
from entrepot.kernel.ids import uuid7
from entrepot.purchasing import queries
from entrepot.purchasing.commands.order import OrderGoods, order
from entrepot.purchasing.commands.send_orders import (
    NoteSending,
    OrderSending,
    SendingNoted,
    SendOrder,
    note_sendings,
    send_orders,
)
from tests.retailer import BUYER, NOW, Retailer, a_retailer
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db
TO = "orders@mugs.example"


@pytest.fixture
def house() -> Retailer:
    return a_retailer(skus=1)


def ordered(house: Retailer, count: int = 1) -> list[UUID]:
    lines = ((house.skus[0], 10, Decimal("1.25")),)
    asked = [OrderGoods(house.company, house.supplier, house.node, "", lines)] * count
    return [one.order for one in order(BUYER, requests=asked)]  # type: ignore[union-attr]


def test_an_order_waits_to_be_mailed_and_no_message_names_the_address(house: Retailer) -> None:
    (which,) = ordered(house)
    assert queries.written_to(house.supplier) == ("", "")
    (answer,) = send_orders(BUYER, requests=[SendOrder(which, TO, "de", "by Friday, please")])
    assert isinstance(answer, OrderSending)
    (one,) = queries.sendings(which)
    assert (one.id, one.address, one.language, one.note, one.state) == (
        answer.sending, TO, "de", "by Friday, please", "waiting",
    )  # fmt: skip
    assert queries.written_to(house.supplier) == (TO, "de")
    assert sql.run("SELECT destination, body::text LIKE '%%mugs%%' FROM kernel_delivery") == [
        ("suppliers.mail", False)
    ]
    (event,) = sql.run(
        "SELECT state_before, state_after, payload::text LIKE '%%mugs%%' FROM kernel_event"
        " WHERE command = 'purchasing.send_orders'"
    )
    assert event == ("open", "open", False)


def test_what_became_of_a_mail_is_noted_once_and_a_refused_one_is_work(house: Retailer) -> None:
    (which,) = ordered(house)
    sent, refused = send_orders(BUYER, requests=[SendOrder(which, TO), SendOrder(which, TO)])
    noting = [NoteSending(sent.sending), NoteSending(refused.sending, "550"), NoteSending(uuid7())]  # type: ignore[union-attr]
    answers = note_sendings(BUYER, requests=noting)
    assert answers[:2] == [SendingNoted(sent.sending, "sent"), SendingNoted(refused.sending, "failed")]  # type: ignore[union-attr]
    assert isinstance(answers[2], NotFound)
    assert [(one.state, one.error) for one in queries.sendings(which)] == [("failed", "550"), ("sent", "")]
    assert sql.run("SELECT type, role, subject_id FROM work_item") == [
        ("order not sent", "inventory manager", which)
    ]
    (again,) = note_sendings(BUYER, requests=noting[:1])
    assert isinstance(again, NotFound)


def test_whom_a_mail_names_is_forgotten_and_is_no_address_to_offer_again(house: Retailer) -> None:
    (which,) = ordered(house)
    send_orders(BUYER, requests=[SendOrder(which, "ada.lovelace@mugs.example", "de", "for Ada Lovelace")])
    words = [(0, house.company, "Ada Lovelace"), (0, house.company, "ada.lovelace@mugs.example")]
    assert forget.notes_about(words).masked[0] > 0
    (one,) = queries.sendings(which)
    assert "ada" not in (one.address + one.note).lower()
    assert queries.written_to(house.supplier) == ("", "")


def test_refusals_send_nothing(house: Retailer, settings) -> None:
    (which,) = ordered(house)
    cases = [
        (SendOrder(uuid7(), TO), NotFound), (SendOrder(which, "nobody"), Invalid),
        (SendOrder(which, "a@b.example, c@d.example"), Invalid),
        (SendOrder(which, "a@b.example\nBcc: x@y.example"), Invalid),
        (SendOrder(which, TO, "tlh"), Invalid),
    ]  # fmt: skip
    answers = send_orders(BUYER, requests=[one for one, _ in cases])
    assert [type(one) for one in answers] == [refusal for _, refusal in cases]
    (refused,) = send_orders(Cause(Actor("auditor"), NOW), requests=[SendOrder(which, TO)])
    assert isinstance(refused, NotPermitted)
    settings.EMAIL_BACKEND, settings.EMAIL_HOST = "django.core.mail.backends.smtp.EmailBackend", ""
    assert send_orders(BUYER, requests=[SendOrder(which, TO)]) == [NoMailServer()]
    assert sql.run("SELECT count(*) FROM kernel_delivery")[0][0] == len(queries.sendings(which)) == 0


def test_a_key_sends_once(house: Retailer) -> None:
    (which,) = ordered(house)
    wanted = SendOrder(which, TO, key="k")
    assert send_orders(BUYER, requests=[wanted]) == send_orders(BUYER, requests=[wanted])
    assert len(queries.sendings(which)) == 1


@pytest.mark.counts("purchasing.send_orders")
@pytest.mark.parametrize("count", SIZES)
def test_statements_do_not_grow_with_the_batch(statements, house: Retailer, count: int) -> None:
    asked = [SendOrder(which, TO) for which in ordered(house, count)]
    with statements() as ran:
        send_orders(BUYER, requests=asked)
    assert len([text for text in ran.texts if "SAVEPOINT" not in text]) == 4, ran


@pytest.mark.counts("purchasing.note_sendings")
@pytest.mark.parametrize("count", SIZES)
def test_statements_of_noting_do_not_grow_with_the_batch(statements, house: Retailer, count: int) -> None:
    sent = send_orders(BUYER, requests=[SendOrder(which, TO) for which in ordered(house, count)])
    with statements() as ran:
        note_sendings(BUYER, requests=[NoteSending(one.sending, "550") for one in sent])  # type: ignore[union-attr]
    assert len([text for text in ran.texts if "SAVEPOINT" not in text]) == 3, ran
