"""The same interchange brought by two programs while a person replays it: each of its notices is taken once."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from entrepot.channels.commands.send_orders import SendOrderDocument, send_order_documents
from entrepot.channels.commands.take_documents import (
    DocumentTaken,
    RetakeDocument,
    TakeDocument,
    retake_documents,
    take_documents,
)
from entrepot.channels.x12.purchase_order import Partner
from entrepot.insight import verify
from entrepot.kernel import sql
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.purchasing.commands.order import OrderGoods, order
from entrepot.purchasing.commands.receive import ReceiveOrder, receive
from tests import x12
from tests.retailer import BUYER, CLERK, NOW, Retailer, a_retailer
from tests.together import all_at_once, at_once

pytestmark = pytest.mark.usefixtures("committed_db")


def bought(house: Retailer, many: int, ref: str = "") -> tuple[list[str], str]:
    goods = [OrderGoods(house.company, house.supplier, house.node, ref and f"{ref}{place}",
                        ((house.skus[0], 10, Decimal(1)),)) for place in range(many)]  # fmt: skip
    numbers = [one.number for one in order(BUYER, requests=goods)]
    ((code,),) = sql.run("SELECT code FROM catalog_sku WHERE id = %(id)s", {"id": house.skus[0]})
    return numbers, code


def states() -> list[tuple[str, str]]:
    return sql.run("SELECT state, last_error FROM kernel_inbox GROUP BY 1, 2")


def test_documents_that_come_from_all_sides_at_once_are_taken_once():
    house = a_retailer(skus=1)
    numbers, code = bought(house, 10)
    wanted = [
        TakeDocument(
            house.company,
            x12.document(x12.notice(f"N{one}", x12.order(one, x12.item(code, 4))), control=str(place)),
        )
        for place, one in enumerate(numbers)
    ]
    answers = all_at_once(take_documents, BUYER, *([wanted, wanted[::-1]] * 4))
    assert all(isinstance(one, DocumentTaken) and one.refused == 0 for one in answers)
    assert sum(one.is_fresh for one in answers) == 10
    assert sum(one.notices[0].is_fresh for one in answers) == 10
    assert sql.run("SELECT count(*) FROM purchasing_notice") == [(10,)]
    assert states() == [("done", "")]
    assert verify.discrepancies() == []


def test_a_replay_and_the_same_document_brought_again_take_the_rest_once():
    house = a_retailer(skus=1)
    numbers, code = bought(house, 5)
    wanted = [
        TakeDocument(
            house.company,
            x12.document(
                x12.notice(f"N{one}", x12.order(one, x12.item(code, 4))),
                x12.notice(f"L{one}", x12.order(f"LATER{place}", x12.item(code, 3))),
                control=str(place),
            ),
        )
        for place, one in enumerate(numbers)
    ]
    kept = take_documents(BUYER, requests=wanted)
    assert all(one.refused == 1 for one in kept)
    bought(house, 5, ref="LATER")
    sql.run("UPDATE kernel_inbox SET state = 'received'")
    again = [RetakeDocument(one.message) for one in kept]
    jobs = [
        lambda: take_documents(BUYER, requests=wanted),
        lambda: retake_documents(BUYER, requests=again),
        lambda: take_documents(BUYER, requests=wanted[::-1]),
        lambda: retake_documents(BUYER, requests=again[::-1]),
    ]
    at_once(jobs)
    assert sql.run("SELECT count(*), count(DISTINCT external_ref) FROM purchasing_notice") == [(10, 10)]
    assert states() == [("done", "")]
    assert sql.run("SELECT count(*) FROM work_item WHERE state <> 'done'") == [(0,)]


def test_a_notice_is_replaced_or_received_but_not_both():
    house = a_retailer(skus=1)
    numbers, code = bought(house, 6)
    orders = dict(sql.run("SELECT number, id FROM purchasing_order"))

    def document(purpose: str, control: int) -> list[TakeDocument]:
        return [
            TakeDocument(
                house.company,
                x12.document(
                    x12.notice(f"N{one}", x12.order(one, x12.item(code, 10)), purpose=purpose),
                    control=f"{control}{place}",
                ),
            )
            for place, one in enumerate(numbers)
        ]

    take_documents(BUYER, requests=document("00", 1))
    at_once([
        lambda: take_documents(BUYER, requests=document("05", 2)),
        lambda: receive(CLERK, requests=[ReceiveOrder(orders[one]) for one in numbers[::-1]]),
        lambda: take_documents(BUYER, requests=document("05", 3)[::-1]),
    ])  # fmt: skip
    rows = sql.run(
        "SELECT n.state, sum(l.received)::int FROM purchasing_notice AS n"
        " JOIN purchasing_noticeline AS l ON l.notice_id = n.id GROUP BY n.id, 1"
    )
    stand = {row for row in rows if row[0] != "replaced"}
    assert stand <= {("expected", 0), ("received", 10)}
    assert {received for state, received in rows if state == "replaced"} <= {0}
    assert sum(row[0] != "replaced" for row in rows) == 6
    assert verify.discrepancies() == []


def test_of_documents_of_an_order_one_is_the_first_however_many_make_them():
    house = a_retailer(skus=1)
    body = Partner("HOUSE", "ZZ", "MUGS", "ZZ")
    set_policy(BUYER, requests=[SetPolicy(1, "channels.x12", body, NOW - timedelta(hours=1))])
    goods = OrderGoods(house.company, house.supplier, house.node, "", ((house.skus[0], 5, Decimal(1)),))
    orders = [one.order for one in order(BUYER, requests=[goods] * 3)]
    wanted = [SendOrderDocument(one) for one in orders]
    all_at_once(send_order_documents, BUYER, *([wanted, wanted[::-1]] * 3))
    found = sql.run(
        "SELECT order_id, purpose, count(*)::int FROM channels_orderdocument GROUP BY 1, 2 ORDER BY 1, 2"
    )
    assert sorted((purpose, count) for _, purpose, count in found) == [("00", 1)] * 3 + [("05", 5)] * 3
