"""channels.take_documents: ship notices of X12 interchanges"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from entrepot.channels import tasks
from entrepot.channels.commands.send_orders import SendOrderDocument, send_order_documents
from entrepot.channels.commands.take_documents import (
    DocumentTaken,
    RetakeDocument,
    TakeDocument,
    retake_documents,
    take_documents,
)
from entrepot.channels.errors import ControlNumberUsed, InterchangeDropped, X12Unreadable
from entrepot.channels.x12.contract import CONTENT_MAX
from entrepot.channels.x12.envelope import read, text_of
from entrepot.channels.x12.purchase_order import Partner
from entrepot.kernel import sql, worker
from entrepot.kernel.errors import Invalid, NotFound
from entrepot.kernel.messages import (
    DropMessage,
    Erased,
    MessageNow,
    ReplayMessage,
    drop_messages,
    replay_messages,
)
from entrepot.kernel.policies import SetPolicy, set_policy
from entrepot.purchasing.commands.close_rest import CloseRest, close_rest
from entrepot.purchasing.commands.order import OrderGoods, order
from entrepot.purchasing.commands.receive import ReceivedLine, ReceiveOrder, receive
from entrepot.purchasing.commands.receive_scans import ReceiveScan, ScanReceived, receive_scans
from entrepot.work.commands.watch_dead_letters import WatchDeadLetters, watch_dead_letters
from tests import x12
from tests.retailer import BUYER, CLERK, NOW, Retailer, a_retailer
from tests.sizes import SIZES

pytestmark = pytest.mark.django_db
SSCC = "376104250021234569"
SAMPLE = Path(__file__).parents[3] / "shared" / "data" / "edi" / "x12" / "coedition_856-sample.edi"


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


def notices() -> list[tuple[str, str, int]]:
    """The supplier's numbers, states and units of notices, the oldest first."""
    return sql.run(
        "SELECT external_ref, state, sum(quantity)::int FROM purchasing_notice AS n"
        " JOIN purchasing_noticeline AS l ON l.notice_id = n.id GROUP BY n.id, 1, 2 ORDER BY n.id"
    )


def replay(house: Retailer, content: str | None = None, **changes: str) -> None:
    """The one message that stands, sent on its way again at the desk and taken by the worker."""
    ((message,),) = sql.run("SELECT id::text FROM kernel_inbox WHERE state = 'set_aside'")
    (answer,) = replay_messages(
        BUYER, requests=[ReplayMessage(house.company, "in", message, "mended", content, **changes)]
    )
    assert isinstance(answer, MessageNow), answer
    assert worker.serve_once({"inbox.x12": tasks.serve_documents}) == 1


def error() -> str:
    ((said,),) = sql.run("SELECT last_error FROM kernel_inbox")
    return said


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
    for many in SIZES:
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


def test_statements_of_answers_do_not_grow_with_the_batch(statements, house):
    counts = []
    for many in SIZES:
        numbers, code = bought(house, many)
        item = x12.answered("1", 10, ("IA", 6, "20260301"), ("IA", 4, "20260302"), code=code)
        texts = [
            x12.answers(x12.answer(number, "AC", item), control=f"{many}{place}")
            for place, number in enumerate(numbers)
        ]
        with statements() as ran:
            take(house, *texts)
        counts.append(len(ran.texts))
    assert len(set(counts)) == 1, counts


# ---- answers to orders


def test_an_answer_confirms_its_order_by_day_once_and_is_acknowledged(house):
    (number,), code = bought(house)
    item = x12.answered("1", 10, ("IA", 6, "20260305"), ("IA", 4, "20260306"), code=code, price="1.25")
    text = x12.answers(x12.answer(number, "AC", item, reference="AB-77"))
    (taken,) = take(house, text)
    (one,) = taken.notices
    assert (one.reference, one.number, one.packages, one.units, one.problem) == ("AB-77", number, 0, 10, "")
    assert "AK1*PR*9~" in taken.acknowledgement and "AK5*A~" in taken.acknowledgement
    assert sql.run("SELECT quantity, expected_on::text FROM stock_supply ORDER BY 2") == [
        (6, "2026-03-05"), (4, "2026-03-06"),
    ]  # fmt: skip
    assert sql.run("SELECT reference, quantity FROM purchasing_confirmation") == [("AB-77", 10)]
    ((reason,),) = sql.run("SELECT reason FROM work_item WHERE type = 'confirmed otherwise'")
    assert "1.25 a unit instead of 1" in reason

    (again,) = take(house, text)
    assert (again.is_fresh, again.notices[0].number, again.notices[0].is_fresh) == (False, number, False)
    assert sql.run("SELECT count(*)::int FROM purchasing_confirmation") == [(1,)]


def test_an_answer_to_an_order_that_came_in_part_is_read_as_it_was_asked(house):
    body = Partner("HOUSE", "ZZ", "MUGS", "ZZ")
    set_policy(BUYER, requests=[SetPolicy(1, "channels.x12", body, NOW - timedelta(hours=1), "s1")])
    lines = tuple((sku, 10, Decimal(1)) for sku in house.skus[:2])
    (made,) = order(BUYER, requests=[OrderGoods(house.company, house.supplier, house.node, "", lines)])
    first, second = (line for (line,) in sql.run("SELECT id FROM purchasing_orderline ORDER BY number"))
    arrived = (ReceivedLine(first, 3), ReceivedLine(second, 2))
    receive(CLERK, requests=[ReceiveOrder(made.order, arrived)])
    close_rest(BUYER, requests=[CloseRest(made.order, "enough", (second,))])

    (asked,) = send_order_documents(BUYER, requests=[SendOrderDocument(made.order)])
    ((_, one),) = read(asked.content).sets()
    items = [(each.at(1), int(each.at(2))) for each in one.segments if each.name == "PO1"]
    assert items == [("1", 10), ("2", 2)]
    accepted = [x12.answered(line, units, ("IA", units, "")) for line, units in items]
    (taken,) = take(house, x12.answers(x12.answer(made.number, "AC", *accepted)))
    assert taken.refused == 0
    assert sql.run("SELECT received, short, confirmed FROM purchasing_orderline ORDER BY number") == [
        (3, 0, 10), (2, 8, 2),
    ]  # fmt: skip
    assert sql.run("SELECT sum(quantity)::int FROM stock_supply WHERE quantity > 0") == [(7,)]
    told = sql.run("SELECT reason FROM work_item WHERE type = 'confirmed otherwise'")
    assert not [reason for (reason,) in told if " of " in reason]


def test_what_is_put_off_without_a_day_stays_expected_and_is_told(house):
    (number,), code = bought(house)
    before = sql.run("SELECT quantity, expected_on FROM stock_supply")
    item = x12.answered("1", 10, ("DR", 10, ""), code=code)
    (taken,) = take(house, x12.answers(x12.answer(number, "AC", item)))
    assert taken.refused == 0 and "AK5*A~" in taken.acknowledgement
    assert sql.run("SELECT quantity, expected_on FROM stock_supply") == before
    assert sql.run("SELECT confirmed FROM purchasing_orderline") == [(None,)]
    ((reason,),) = sql.run("SELECT reason FROM work_item WHERE type = 'confirmed otherwise'")
    assert "line 1: 10 units on another day, which is not said" in reason


def test_answers_and_notices_come_in_one_batch_and_what_is_of_no_order_is_refused_alone(house):
    (number,), code = bought(house)
    texts = [
        x12.answers(x12.answer("NONE", "AT"), x12.answer(number, "AT"), control="1"),
        x12.document(x12.notice("N1", x12.order(number, x12.item(code, 10))), control="2"),
    ]
    first, second = take(house, *texts)
    assert [bool(one.problem) for one in first.notices] == [True, False]
    assert "found NONE" in first.notices[0].problem and "AK9*P*2*2*1~" in first.acknowledgement
    assert second.refused == 0
    assert sql.run("SELECT confirmed FROM purchasing_orderline") == [(10,)]

    bought(house, ref="NONE")
    (again,) = take(house, texts[0])
    assert again.refused == 0 and items() == []


def test_an_order_that_is_over_is_not_confirmed(house):
    (number,), _ = bought(house)
    receive(CLERK, requests=[ReceiveOrder(sql.run("SELECT id FROM purchasing_order")[0][0])])
    (taken,) = take(house, x12.answers(x12.answer(number, "AT")))
    assert taken.refused == 1 and "received" in taken.notices[0].problem


# ---- again from the desk


def test_what_was_set_aside_is_replayed_once_its_order_is_there_and_takes_nothing_twice(house):
    (number,), code = bought(house)
    take(house, x12.document(
        x12.notice("N1", x12.order(number, x12.item(code, 4))),
        x12.notice("N2", x12.order("LATER", x12.item(code, 3))),
    ))  # fmt: skip
    replay(house)
    assert "found LATER" in error()
    bought(house, ref="LATER")
    replay(house)
    assert notices() == [("N1", "expected", 4), ("N2", "expected", 3)]
    assert [state for _, state in messages()] == ["done"]
    assert items() == []


def test_what_was_set_aside_is_mended_at_the_desk(house):
    (number,), code = bought(house)
    text = x12.document(x12.notice("N1", x12.order("TYPO", x12.item(code, 4))))
    take(house, text)
    replay(house, replaces="TYPO", by=number)
    assert notices() == [("N1", "expected", 4)]
    (again,) = take(house, text)
    assert isinstance(again, ControlNumberUsed)


def test_what_is_mended_to_no_sound_interchange_or_to_another_one_stays_aside_with_work(house):
    (number,), code = bought(house)
    text = x12.document(x12.notice("N1", x12.order("TYPO", x12.item(code, 4))))
    take(house, text)
    replay(house, text.replace("TYPO", number)[:-20])
    assert error().startswith("Segment ")
    other = x12.document(x12.notice("N1", x12.order(number, x12.item(code, 4))), control="2")
    replay(house, other)
    assert "sender and control number" in error()
    assert notices() == []
    assert items() == ["ship notice refused"]
    replay(house, text.replace("TYPO", number))
    assert notices() == [("N1", "expected", 4)]
    assert items() == []


def test_what_is_dropped_has_no_effect_however_often_it_comes_and_is_no_work(house):
    _, code = bought(house)
    text = x12.document(x12.notice("N1", x12.order("LATER", x12.item(code, 4))))
    (taken,) = take(house, text)
    drop_messages(
        BUYER, requests=[DropMessage(house.company, "in", str(taken.message), "a mistake of theirs")]
    )
    bought(house, ref="LATER")
    assert take(house, text) == [InterchangeDropped(control="000000001", sender="MUGS")]
    assert notices() == []
    watch_dead_letters(BUYER, requests=[WatchDeadLetters(house.company)])
    assert items() == []


def test_only_what_waits_is_taken_again_and_what_was_erased_is_not(house):
    _, code = bought(house)
    (taken,) = take(house, x12.document(x12.notice("N1", x12.order("NONE", x12.item(code, 4)))))
    wanted = [RetakeDocument(taken.message)]
    assert [type(one) for one in retake_documents(BUYER, requests=wanted)] == [NotFound]
    sql.run("UPDATE kernel_inbox SET state = 'received', payload = '{}'")
    assert [type(one) for one in retake_documents(BUYER, requests=wanted)] == [Erased]


# ---- cancelled, replaced, changed


def test_a_replacement_stands_in_the_place_of_what_was_said_before(house):
    (number,), code = bought(house)
    take(house, x12.document(x12.notice("N1", x12.order(number, x12.package(SSCC, x12.item(code, 10))))))
    text = x12.document(
        x12.notice("N1", x12.order(number, x12.package(SSCC, x12.item(code, 7))), purpose="05"), control="2"
    )
    (taken,) = take(house, text)
    assert (taken.refused, taken.notices[0].is_fresh) == (0, True)
    assert notices() == [("N1", "replaced", 10), ("N1", "expected", 7)]
    (again,) = take(house, text)
    assert (again.refused, again.notices[0].number, again.notices[0].is_fresh) == (
        0, taken.notices[0].number, False,
    )  # fmt: skip
    (scanned,) = receive_scans(CLERK, requests=[ReceiveScan(house.company, house.node, SSCC)])
    assert isinstance(scanned, ScanReceived)
    assert notices() == [("N1", "replaced", 10), ("N1", "received", 7)]


def test_a_replacement_of_what_never_came_is_the_first_and_an_older_one_changes_nothing(house):
    (number,), code = bought(house)
    two = bought(house)[0][0]
    older = x12.document(
        x12.notice("N1", x12.order(number, x12.item(code, 2)), purpose="05"),
        x12.notice("N9", x12.order(two, x12.item("UNKNOWN", 2))),
    )
    take(house, older)
    assert notices() == [("N1", "expected", 2)]
    later = x12.document(x12.notice("N1", x12.order(number, x12.item(code, 3)), purpose="05"), control="2")
    take(house, later)
    replay(house)
    assert notices() == [("N1", "replaced", 2), ("N1", "expected", 3)]


def test_a_cancelled_notice_is_closed_and_stays_so(house):
    (number,), code = bought(house)
    take(house, x12.document(x12.notice("N1", x12.order(number, x12.item(code, 4)))))
    for control in "23":
        (taken,) = take(
            house, x12.document(x12.notice("N1", x12.order(number), purpose="01"), control=control)
        )
        assert (taken.refused, bool(taken.notices[0].number)) == (0, True)
    assert notices() == [("N1", "closed", 4)]
    ((reason,),) = sql.run("SELECT reason FROM kernel_event WHERE state_after = 'closed'")
    assert reason == "cancelled by the supplier"


@pytest.mark.parametrize("purpose", ["01", "05"])
def test_a_notice_of_which_some_came_is_not_taken_back(house, purpose):
    (number,), code = bought(house)
    take(house, x12.document(x12.notice("N1", x12.order(number, x12.item(code, 4)))))
    ((order_id, line),) = sql.run("SELECT order_id, id FROM purchasing_orderline")
    receive(CLERK, requests=[ReceiveOrder(order_id, ((line, 1),))])
    text = x12.document(x12.notice("N1", x12.order(number, x12.item(code, 4)), purpose=purpose), control="2")
    (taken,) = take(house, text)
    assert "1 units came already" in taken.notices[0].problem
    assert notices() == [("N1", "expected", 4)]
    assert items() == ["ship notice refused"]


REFUSED = {
    "04": "expected 00 (new), 01 (cancelled) or 05 (replaced, said anew as a whole), found 04 (changed in part)",
    "06": "found 06",
    "01": "(BSN02): expected the number of a notice that we have, found N1",
}


@pytest.mark.parametrize("purpose", REFUSED)
def test_what_can_not_be_done_safely_is_refused_alone_and_can_be_mended(house, purpose):
    (number,), code = bought(house)
    (taken,) = take(house, x12.document(
        x12.notice("N1", x12.order(number, x12.item(code, 4)), purpose=purpose),
        x12.notice("N2", x12.order(number, x12.item(code, 5))),
    ))  # fmt: skip
    assert REFUSED[purpose] in taken.notices[0].problem
    assert "AK9*P*2*2*1~" in taken.acknowledgement
    assert notices() == [("N2", "expected", 5)]
    replay(house, replaces=f"BSN*{purpose}*", by="BSN*05*")
    assert notices() == [("N2", "expected", 5), ("N1", "expected", 4)]


# ---- again, and how many


def test_the_same_key_is_answered_as_before(house):
    (number,), code = bought(house)
    text = x12.document(x12.notice("N1", x12.order(number, x12.item(code, 4))))
    asked = [TakeDocument(house.company, text, key="k1")]
    first = take_documents(BUYER, requests=asked)
    assert take_documents(BUYER, requests=asked) == first
    assert first[0].is_fresh
    waiting = sql.run("UPDATE kernel_inbox SET state = 'received' RETURNING id")
    again = [RetakeDocument(waiting[0][0], key="k2")]
    assert retake_documents(BUYER, requests=again) == retake_documents(BUYER, requests=again)


@pytest.mark.counts("channels.retake_documents")
def test_statements_of_taking_again_do_not_grow_with_the_batch(statements, house):
    counts = []
    for many in SIZES:
        numbers, code = bought(house, many)
        texts = [
            x12.document(
                x12.notice(f"N{number}", x12.order(number, x12.item(code, 4))),
                x12.notice(f"C{number}", x12.order(number), purpose="01"),
                control=f"{many}{place}",
            )
            for place, number in enumerate(numbers)
        ]
        kept = take(house, *texts)
        sql.run("UPDATE kernel_inbox SET state = 'received' WHERE state = 'set_aside'")
        with statements() as ran:
            retake_documents(BUYER, requests=[RetakeDocument(one.message) for one in kept])
        sql.run("UPDATE kernel_inbox SET state = 'dropped'")
        counts.append(len(ran.texts))
    assert len(set(counts)) == 1, counts


# ---- as others write them


def test_the_notices_of_a_distributor_are_replayed_once_his_orders_are_there(house):
    """Pipes, line ends, and goods by their barcodes, as a distributor of films writes them."""
    if not SAMPLE.is_file():
        pytest.skip(f"the sample {SAMPLE.name} is not on this machine")
    (taken,) = take(house, text_of(SAMPLE.read_bytes()))
    assert [one.reference for one in taken.notices] == ["002869975", "002869994", "002870006"]
    assert taken.refused == 3
    barcodes = {"883929303526": house.skus[0], "730865530380": house.skus[1]}
    for barcode, sku in barcodes.items():
        sql.run(
            "UPDATE catalog_sku SET barcode = %(barcode)s WHERE id = %(id)s", {"barcode": barcode, "id": sku}
        )
    for ref, barcode in (("1572098", 0), ("1572114", 1), ("1572130", 1)):
        lines = ((house.skus[barcode], 1, Decimal(1)),)
        order(BUYER, requests=[OrderGoods(house.company, house.supplier, house.node, ref, lines)])
    replay(house)
    assert notices() == [(one, "expected", 1) for one in ("002869975", "002869994", "002870006")]
    assert items() == []
