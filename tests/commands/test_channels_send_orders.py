"""channels.send_order_documents, note_order_documents: purchase orders as X12 documents, posted or taken as files"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from entrepot.channels import queries, tasks
from entrepot.channels.commands.send_orders import (
    NoteOrderDocument,
    OrderDocumentMade,
    OrderDocumentNoted,
    SendOrderDocument,
    note_order_documents,
    send_order_documents,
)
from entrepot.channels.errors import NoX12Partner
from entrepot.channels.x12.envelope import read
from entrepot.channels.x12.purchase_order import Partner
from entrepot.kernel import relay, sql
from entrepot.kernel.delivery import RETRY_AFTER
from entrepot.kernel.errors import Invalid, NotFound, Refused, WrongState
from entrepot.kernel.ids import uuid7
from entrepot.kernel.policies import PolicySet, SetPolicy, set_policy
from entrepot.purchasing.commands.cancel import CancelOrder, cancel
from entrepot.purchasing.commands.close_rest import CloseRest, close_rest
from entrepot.purchasing.commands.order import OrderGoods, order
from entrepot.purchasing.commands.receive import ReceivedLine, ReceiveOrder, receive
from tests.receiver import Receiver, receiving
from tests.retailer import BUYER, CLERK, NOW, Retailer, a_retailer
from tests.sizes import MANY, SIZES

pytestmark = pytest.mark.django_db


@pytest.fixture
def house() -> Retailer:
    return a_retailer(skus=2)


def partner(scope: str = "s1", **facts: object) -> None:
    body = Partner("HOUSE", "ZZ", "MUGS", "ZZ", **facts)  # type: ignore[arg-type]
    (answer,) = set_policy(
        BUYER, requests=[SetPolicy(1, "channels.x12", body, NOW - timedelta(hours=1), scope)]
    )
    assert isinstance(answer, PolicySet)


def bought(house: Retailer, many: int = 1) -> list[UUID]:
    lines = ((house.skus[0], 10, Decimal("2.5")), (house.skus[1], 4, Decimal(9)))
    goods = [OrderGoods(house.company, house.supplier, house.node, "", lines)] * many
    return [one.order for one in order(BUYER, requests=goods)]


def made(*orders: UUID) -> list[OrderDocumentMade | Refused]:
    return send_order_documents(BUYER, requests=[SendOrderDocument(one) for one in orders])


def said(content: str) -> tuple[str, list[str]]:
    """What a document is for, and the units of its lines."""
    ((_, one),) = read(content).sets()
    return one.segments[0].at(1), [each.at(2) for each in one.segments if each.name == "PO1"]


def test_an_order_is_a_file_then_one_in_its_place_then_its_cancellation(house):
    partner()
    (which,) = bought(house)
    (first,) = made(which)
    assert isinstance(first, OrderDocumentMade)
    assert (first.purpose, first.state) == ("00", "file")
    assert said(first.content) == ("00", ["10", "4"])
    assert read(first.content).control == f"000{first.number.removeprefix('ED-')}"

    ((line,),) = sql.run("SELECT id FROM purchasing_orderline WHERE number = 2")
    close_rest(BUYER, requests=[CloseRest(which, "enough", (line,))])
    (again,) = made(which)
    assert said(again.content) == ("05", ["10"])

    cancel(BUYER, requests=[CancelOrder(which, "late")])
    (over,) = made(which)
    assert said(over.content) == ("01", ["10", "4"])
    assert [(one.purpose, one.state) for one in queries.order_documents(which)] == [
        ("01", "file"), ("05", "file"), ("00", "file"),
    ]  # fmt: skip
    assert sql.run("SELECT count(*)::int FROM kernel_delivery") == [(0,)]


def test_whoever_has_no_numbers_for_the_envelope_is_sent_nothing(house):
    (which,) = bought(house)
    assert [type(one) for one in made(uuid7(), which)] == [NotFound, NoX12Partner]
    partner(scope="s2")
    assert [type(one) for one in made(which)] == [NoX12Partner]
    partner(scope="")
    assert [type(one) for one in made(which, which)] == [OrderDocumentMade] * 2
    assert [one.purpose for one in queries.order_documents(which)] == ["05", "00"]


def test_an_order_of_which_nothing_is_asked_any_more_makes_no_document(house):
    partner()
    (which,) = bought(house)
    sql.change("UPDATE purchasing_orderline SET short = quantity, given_up_by = 'bea'", {})
    assert [type(one) for one in made(which)] == [Invalid]
    sql.change("UPDATE purchasing_orderline SET short = 0, given_up_by = ''", {})


@pytest.fixture
def there(settings) -> Receiver:
    settings.WEBHOOKS_LOCAL = True
    with receiving() as receiver:
        yield receiver


def sent(minutes: float = 1) -> int:
    return relay.relay_once(tasks.DESTINATIONS, at=NOW + timedelta(minutes=minutes))


def test_a_document_is_posted_as_it_is_kept_and_noted(house, there):
    partner(url=there.url)
    (which,) = bought(house)
    (one,) = made(which)
    assert isinstance(one, OrderDocumentMade) and one.state == "waiting"
    assert sent() == 1
    (got,) = there.got
    path, _, body = got.body.partition(" ")
    assert (path, body, got.headers["content-type"]) == ("/hook?shop=1", one.content, "application/edi-x12")
    (kept,) = queries.order_documents(which)
    assert (kept.state, kept.error) == ("sent", "")
    assert sent() == 0


def test_one_that_its_address_does_not_take_is_tried_again_and_given_up_as_work(house, there):
    partner(url=there.url)
    there.status = 503
    (which,) = bought(house)
    made(which)
    assert sent() == 0
    ((state, attempts, error),) = sql.run("SELECT state, attempts, last_error FROM kernel_delivery")
    assert (state, attempts, error) == ("waiting", 1, "HTTP 503")
    assert queries.order_documents(which)[0].state == "waiting"
    sql.change(
        "UPDATE kernel_delivery SET attempts = %(n)s, next_try_at = created_at", {"n": len(RETRY_AFTER)}
    )
    sent()
    (kept,) = queries.order_documents(which)
    assert (kept.state, kept.error) == ("failed", "HTTP 503")
    assert sql.run("SELECT type FROM work_item WHERE state = 'open'") == [("order not sent",)]


def test_what_became_of_a_document_is_noted_once(house):
    partner(url="https://edi.example/orders")
    (which,) = bought(house)
    (one,) = made(which)
    assert isinstance(one, OrderDocumentMade)
    asked = [NoteOrderDocument(one.document), NoteOrderDocument(uuid7())]
    noted, unknown = note_order_documents(BUYER, requests=asked)
    assert noted == OrderDocumentNoted(one.document, "sent") and isinstance(unknown, NotFound)
    assert isinstance(note_order_documents(BUYER, requests=asked[:1])[0], NotFound)


def test_a_key_makes_one_document(house):
    partner()
    wanted = [SendOrderDocument(one, key="k") for one in bought(house)]
    assert send_order_documents(BUYER, requests=wanted) == send_order_documents(BUYER, requests=wanted)
    assert sql.run("SELECT count(*)::int FROM channels_orderdocument") == [(1,)]


def test_an_order_that_came_in_part_is_told_whole_and_one_that_came_not_again(house):
    partner()
    (which,) = bought(house)
    line = sql.run("SELECT id FROM purchasing_orderline WHERE number = 1")[0][0]
    receive(CLERK, requests=[ReceiveOrder(which, (ReceivedLine(line, 6),))])
    (one,) = made(which)
    assert isinstance(one, OrderDocumentMade) and said(one.content) == ("00", ["10", "4"])
    second = sql.run("SELECT id FROM purchasing_orderline WHERE number = 2")[0][0]
    close_rest(BUYER, requests=[CloseRest(which, "enough", (second,))])
    (again,) = made(which)
    assert isinstance(again, OrderDocumentMade) and said(again.content) == ("05", ["10"])
    receive(CLERK, requests=[ReceiveOrder(which)])
    (refused,) = made(which)
    assert isinstance(refused, WrongState) and refused.facts["found"] == "received"


def test_an_order_that_its_supplier_never_had_is_not_cancelled_by_a_document(house):
    partner(url="https://edi.example/orders")
    (which, given_up) = bought(house, 2)
    (one,) = made(given_up)
    note_order_documents(BUYER, requests=[NoteOrderDocument(one.document, "HTTP 503")])
    (again,) = made(given_up)
    assert isinstance(again, OrderDocumentMade) and again.purpose == "00"
    note_order_documents(BUYER, requests=[NoteOrderDocument(again.document, "HTTP 503")])
    cancel(BUYER, requests=[CancelOrder(which, "late"), CancelOrder(given_up, "late")])
    assert [type(each) for each in made(which, given_up)] == [Invalid, Invalid]


def purposes(there: Receiver) -> list[str]:
    return [said(got.body.partition(" ")[2])[0] for got in there.got]


def test_documents_of_an_order_go_one_after_the_other_and_none_after_its_own_end(house, there):
    partner(url=there.url)
    there.status = 503
    (which,) = bought(house)
    made(which)
    assert sent() == 0
    made(which, which)
    cancel(BUYER, requests=[CancelOrder(which, "late")])
    made(which)
    assert [(one.purpose, one.state) for one in queries.order_documents(which)] == [
        ("01", "waiting"), ("05", "superseded"), ("05", "superseded"), ("00", "waiting"),
    ]  # fmt: skip
    there.status = 200
    there.got.clear()
    for minutes in range(1, 9):
        sent(minutes)
    assert purposes(there) == ["00", "01"]
    assert [one.state for one in queries.order_documents(which)] == [
        "sent",
        "superseded",
        "superseded",
        "sent",
    ]


def give_up_the_first(house: Retailer, there: Receiver, *, is_cancelled: bool) -> UUID:
    """An order whose first document is given up while another waits behind it."""
    partner(url=there.url)
    there.status = 503
    (which,) = bought(house)
    made(which)
    assert sent() == 0
    if is_cancelled:
        cancel(BUYER, requests=[CancelOrder(which, "late")])
    made(which)
    sql.change(
        "UPDATE kernel_delivery SET attempts = %(n)s, next_try_at = created_at WHERE attempts > 0",
        {"n": len(RETRY_AFTER)},
    )
    sent()
    there.status = 200
    there.got.clear()
    for minutes in range(2, 6):
        sent(minutes)
    return which


def test_nothing_goes_out_in_the_place_of_what_was_given_up(house, there):
    which = give_up_the_first(house, there, is_cancelled=False)
    assert there.got == []
    found = [(one.purpose, one.state, one.error) for one in queries.order_documents(which)]
    assert found == [("05", "failed", "HTTP 503"), ("00", "failed", "HTTP 503")]
    assert sql.run("SELECT type FROM work_item WHERE state = 'open'") == [("order not sent",)]
    made(which)
    sent(7)
    assert purposes(there) == ["00"]


def test_an_order_of_which_nothing_arrived_is_not_cancelled_with_its_supplier(house, there):
    which = give_up_the_first(house, there, is_cancelled=True)
    assert there.got == []
    found = [(one.purpose, one.state) for one in queries.order_documents(which)]
    assert found == [("01", "superseded"), ("00", "failed")]


def test_one_that_was_taken_while_another_came_says_so(house):
    partner(url="https://edi.example/orders")
    (which,) = bought(house)
    _, posted, _ = made(which, which, which)
    assert isinstance(posted, OrderDocumentMade)
    (noted,) = note_order_documents(BUYER, requests=[NoteOrderDocument(posted.document)])
    assert noted == OrderDocumentNoted(posted.document, "sent")


@pytest.mark.counts("channels.send_order_documents", "channels.note_order_documents")
def test_statements_do_not_grow_with_the_batch(statements, house):
    partner(url="https://edi.example/orders")
    counts: dict[int, list[int]] = {}
    for many in SIZES:
        orders = bought(house, many)
        with statements() as ran:
            documents = made(*orders)
        counts[many] = [len(ran.texts)]
        assert all(isinstance(one, OrderDocumentMade) for one in documents)
        wanted = [NoteOrderDocument(one.document) for one in documents if isinstance(one, OrderDocumentMade)]
        with statements() as ran:
            note_order_documents(BUYER, requests=wanted)
        counts[many] += [len(ran.texts)]
    assert counts[1] == counts[10] == counts[MANY], counts
