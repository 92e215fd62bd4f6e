"""channels.take_documents: ship notices of X12 interchanges"""

from __future__ import annotations

from decimal import Decimal

import pytest

from entrepot.channels.commands.take_documents import DocumentTaken, TakeDocument, take_documents
from entrepot.channels.errors import ControlNumberUsed, X12Unreadable
from entrepot.channels.x12.contract import CONTENT_MAX
from entrepot.kernel import sql
from entrepot.kernel.errors import Invalid
from entrepot.purchasing.commands.order import OrderGoods, order
from entrepot.purchasing.commands.receive_scans import ReceiveScan, ScanReceived, receive_scans
from tests import x12
from tests.retailer import BUYER, CLERK, Retailer, a_retailer

pytestmark = pytest.mark.django_db
SSCC = "376104250021234569"


@pytest.fixture
def house() -> Retailer:
    return a_retailer(skus=2)


def bought(house: Retailer, many: int = 1, ref: str = "") -> tuple[list[str], str]:
    """Numbers of orders of ten units each, and the code of their SKU."""
    goods = [
        OrderGoods(house.company, house.supplier, house.node, ref, ((house.skus[0], 10, Decimal(1)),))
    ] * many
    answers = order(BUYER, requests=goods)
    ((code,),) = sql.run("SELECT code FROM catalog_sku WHERE id = %(id)s", {"id": house.skus[0]})
    return [one.number for one in answers], code


def take(house: Retailer, *texts: str):
    return take_documents(BUYER, requests=[TakeDocument(house.company, text) for text in texts])


def messages() -> list[tuple[str, str]]:
    return sql.run("SELECT external_id, state FROM kernel_inbox ORDER BY external_id")


def items() -> list[str]:
    return [one for (one,) in sql.run("SELECT type FROM work_item WHERE state = 'open'")]


def test_a_notice_of_a_document_is_expected_and_its_package_received_by_one_scan(house):
    (number,), code = bought(house)
    text = x12.document(x12.notice("N1", x12.order(number, x12.package(SSCC, x12.item(code, 10)))))
    (taken,) = take(house, text)
    assert isinstance(taken, DocumentTaken)
    (one,) = taken.notices
    assert (one.reference, one.packages, one.units, one.problem) == ("N1", 1, 10, "")
    assert one.number.startswith("AN-")
    assert "AK5*A~" in taken.acknowledgement
    assert [state for _, state in messages()] == ["done"]
    (scanned,) = receive_scans(CLERK, requests=[ReceiveScan(house.company, house.node, SSCC)])
    assert isinstance(scanned, ScanReceived)
    assert sql.run("SELECT state FROM purchasing_notice") == [("received",)]

    (again,) = take(house, text)
    assert (again.is_fresh, again.refused, again.notices[0].number) == (False, 0, one.number)


def test_a_notice_of_an_unknown_order_is_refused_alone_and_taken_once_the_order_is_there(house):
    (number,), code = bought(house)
    text = x12.document(
        x12.notice("N1", x12.order(number, x12.item(code, 4))),
        x12.notice("N2", x12.order("LATER", x12.item(code, 3))),
    )
    (taken,) = take(house, text)
    assert [bool(one.problem) for one in taken.notices] == [False, True]
    assert "found LATER" in taken.notices[1].problem
    assert "AK9*P*2*2*1~" in taken.acknowledgement
    assert [state for _, state in messages()] == ["set_aside"]
    assert items() == ["ship notice refused"]

    bought(house, ref="LATER")
    (again,) = take(house, text)
    assert [(one.is_fresh, one.problem) for one in again.notices] == [(False, ""), (True, "")]
    assert [state for _, state in messages()] == ["done"]
    assert items() == []


def test_what_is_cut_off_too_long_or_uses_a_number_twice_is_refused(house):
    (number,), code = bought(house)
    text = x12.document(x12.notice("N1", x12.order(number, x12.item(code, 4))))
    other = x12.document(x12.notice("N2", x12.order(number, x12.item(code, 4))))
    answers = take(house, text[:-20], " " * (CONTENT_MAX + 1), text, text, other)
    kinds = [X12Unreadable, Invalid, DocumentTaken, DocumentTaken, ControlNumberUsed]
    assert [type(one) for one in answers] == kinds
    assert sql.run("SELECT count(*) FROM purchasing_notice") == [(1,)]


@pytest.mark.counts("channels.take_documents")
def test_statements_do_not_grow_with_the_batch(statements, house):
    counts = []
    for many in (1, 10, 1000):
        numbers, code = bought(house, many)
        texts = [
            x12.document(
                x12.notice(f"N{number}", x12.order(number, x12.item(code, 4))), control=f"{many}{place}"
            )
            for place, number in enumerate(numbers)
        ]
        with statements() as ran:
            take(house, *texts)
        counts.append(len(ran.texts))
    assert len(set(counts)) == 1, counts
