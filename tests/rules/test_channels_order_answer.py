"""X12: the answer to an order (855), and the lines and days that it speaks of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.channels.x12 import goods
from entrepot.channels.x12.documents import documents
from entrepot.channels.x12.envelope import X12Error
from entrepot.channels.x12.goods import Answered, Wanted
from entrepot.channels.x12.order_answer import Dates, OrderAnswer
from entrepot.kernel.ids import uuid7
from tests import x12
from tests.rules.test_channels_x12 import sample

DAY, LATER = date(2026, 3, 9), date(2026, 3, 13)
TODAY = date(2026, 3, 2)
ORDER, SUPPLIER, FIRST, SECOND = (uuid7() for _ in range(4))


def wanted(*, is_drop_ship: bool = False, received: int = 0) -> list[Wanted]:
    cases = (("10400638133393", 6),)
    return [
        Wanted(ORDER, SUPPLIER, 1, FIRST, "MUG", "4006381333931", 100 - received, cases, is_drop_ship, received, DAY,
               Decimal("2.50"), "EUR"),
        Wanted(ORDER, SUPPLIER, 2, SECOND, "LAMP", "", 10, (), is_drop_ship, 0, DAY, Decimal(9), "EUR"),
    ]  # fmt: skip


def said(lines: x12.Lines) -> OrderAnswer:
    _, ((_, found),) = documents(x12.answers(lines))
    assert isinstance(found, OrderAnswer)
    return found


def told(lines: x12.Lines, orders: Sequence[Wanted] = ()) -> Answered:
    return goods.answered(said(lines), {"PO-1": list(orders) or wanted()}, TODAY)


def confirmed(found: Answered) -> list[tuple[int, int, date]]:
    return [(1 if one.line == FIRST else 2, one.quantity, one.expected_on) for one in found.lines]


def refused(lines: x12.Lines) -> X12Error:
    with pytest.raises(X12Error) as found:
        told(lines)
    return found.value


def test_the_answers_of_a_distributor_are_read():
    found, sets = documents(sample("coedition_855-sample.edi"))
    assert found.control == "000056536"
    kinds = [(one.order, one.rest, len(one.items)) for _, one in sets if isinstance(one, OrderAnswer)]
    assert kinds == [
        ("1712223", "accepted", 1), ("1712245", "accepted", 2), ("1712253", "accepted", 1), ("1712257", "refused", 0),
    ]  # fmt: skip
    first, backordered = sets[0][1], sets[2][1]
    assert isinstance(first, OrderAnswer) and isinstance(backordered, OrderAnswer)
    (item,) = first.items
    assert (item.named.barcodes, item.named.vendor, item.price) == (
        ("043396055179",),
        "COL D05517D",
        Decimal("8.2"),
    )
    # Its day (001) is the one after which the order is cancelled, and says nothing of when the goods come.
    assert [(part.pieces, part.dates, part.is_open) for part in item.parts] == [(1, Dates(), False)]
    assert [part.is_open for part in backordered.items[0].parts] == [True]


def test_a_line_comes_in_parts_by_its_acknowledgements_dates_or_schedule():
    parts = x12.answered("1", 100, ("IA", 60, "20260309"), ("DR", 40, "20260313"), code="MUG")
    expected = [(1, 60, DAY), (1, 40, LATER)]
    assert confirmed(told(x12.answer("PO-1", "AC", parts))) == expected

    by_dtm: x12.Lines = [
        ("PO1", "1", "100", "EA", "", "", "BP", "MUG"),
        ("ACK", "IA", "60", "EA"), ("DTM", "002", "20260310"), ("DTM", "067", "20260309"),
        ("ACK", "IA", "40", "EA"), ("DTM", "068", "20260313"),
    ]  # fmt: skip
    assert confirmed(told(x12.answer("PO-1", "AC", by_dtm))) == expected

    by_schedule: x12.Lines = [
        ("PO1", "1", "100", "EA", "", "", "BP", "MUG"), ("ACK", "IA", "100", "EA"),
        ("SCH", "60", "EA", "", "", "067", "20260309"), ("SCH", "40", "EA", "", "", "067", "20260313"),
    ]  # fmt: skip
    assert confirmed(told(x12.answer("PO-1", "AC", by_schedule))) == expected
    assert refused(x12.answer("PO-1", "AC", [*by_schedule, ("SCH", "1", "EA")])).name == "SCH01"


def test_what_is_not_named_is_as_the_answer_says_of_the_whole():
    mug = x12.answered("1", 100, ("IR", 100, ""), code="MUG")
    assert confirmed(told(x12.answer("PO-1", "AC", mug))) == [(1, 0, DAY)]
    assert confirmed(told(x12.answer("PO-1", "AE", mug))) == [(1, 0, DAY), (2, 10, DAY)]
    assert confirmed(told(x12.answer("PO-1", "AT"))) == [(1, 100, DAY), (2, 10, DAY)]
    assert confirmed(told(x12.answer("PO-1", "RJ"))) == [(1, 0, DAY), (2, 0, DAY)]
    assert confirmed(told(x12.answer("PO-1", "RJ"), wanted(received=30))) == [(1, 30, DAY), (2, 0, DAY)]


def test_cases_count_by_their_barcode_and_goods_by_the_number_of_the_line():
    case: x12.Lines = [("PO1", "", "10", "CA", "", "", "UK", "10400638133393"), ("ACK", "IA", "10", "CA")]
    assert confirmed(told(x12.answer("PO-1", "AC", case))) == [(1, 60, DAY)]
    numbered = x12.answered("2", 10, ("IA", 10, ""))
    assert confirmed(told(x12.answer("PO-1", "AC", numbered))) == [(2, 10, DAY)]


def test_units_of_an_acknowledgement_count_as_it_says():
    case: x12.Lines = [("PO1", "", "2", "CA", "", "", "UK", "10400638133393"), ("ACK", "IA", "12", "EA")]
    assert confirmed(told(x12.answer("PO-1", "AC", case))) == [(1, 12, DAY)]
    mixed: x12.Lines = [*case[:1], ("ACK", "IA", "2", "CA"), ("SCH", "6", "EA", "", "", "067", "20260313")]
    assert confirmed(told(x12.answer("PO-1", "AC", mixed))) == [(1, 6, DAY), (1, 6, LATER)]
    assert refused(x12.answer("PO-1", "AC", [*case[:1], ("ACK", "IA", "2", "PL")])).name == "ACK03"
    assert refused(x12.answer("PO-1", "AC", [*mixed[:2], ("SCH", "13", "EA")])).name == "SCH01"
    assert refused(x12.answer("PO-1", "AC", [*mixed[:2], ("SCH", "1", "DZ")])).name == "SCH02"


MUG = ("PO1", "1", "100", "EA", "", "", "BP", "MUG")


def test_what_a_schedule_leaves_over_comes_as_it_was_acknowledged():
    sixty = ("SCH", "60", "EA", "", "", "067", "20260313")
    some: x12.Lines = [MUG, ("ACK", "IA", "100", "EA"), sixty]
    assert confirmed(told(x12.answer("PO-1", "AC", some))) == [(1, 40, DAY), (1, 60, LATER)]
    of_item: x12.Lines = [MUG, ("DTM", "067", "20260320"), ("ACK", "IA", "100", "EA"), sixty]
    assert confirmed(told(x12.answer("PO-1", "AC", of_item))) == [(1, 60, LATER), (1, 40, date(2026, 3, 20))]
    later: x12.Lines = [MUG, ("ACK", "IA", "60", "EA", "067", "20260313"), ("ACK", "IB", "40", "EA"), sixty]
    assert confirmed(told(x12.answer("PO-1", "AC", later))) == [(1, 60, LATER)]
    known: x12.Lines = [*later[:3], ("SCH", "40", "EA", "", "", "067", "20260309")]
    assert confirmed(told(x12.answer("PO-1", "AC", known))) == [(1, 40, DAY), (1, 60, LATER)]


def test_a_day_that_is_said_late_is_never_read_as_on_time():
    rescheduled: x12.Lines = [MUG, ("ACK", "DR", "100", "EA")]
    open_ended = told(x12.answer("PO-1", "AC", rescheduled))
    assert confirmed(open_ended) == []
    assert open_ended.notes == ("line 1: 100 units on another day, which is not said",)
    in_part: x12.Lines = [MUG, ("ACK", "IA", "60", "EA"), ("ACK", "DR", "40", "EA")]
    found = told(x12.answer("PO-1", "AE", in_part))
    assert confirmed(found) == [(2, 10, DAY)]
    assert found.notes == ("line 1: 40 units on another day, which is not said",)
    # What was asked for is repeated, and says nothing of what comes later.
    echoed: x12.Lines = [MUG, ("DTM", "002", "20260309"), ("ACK", "DR", "100", "EA")]
    assert confirmed(told(x12.answer("PO-1", "AC", echoed))) == []
    for_a_customer = told(x12.answer("PO-1", "AC", rescheduled), wanted(is_drop_ship=True))
    assert (for_a_customer.refused, for_a_customer.due_on) == ((), DAY)
    of_item: x12.Lines = [MUG, ("DTM", "002", "20260313"), ("ACK", "IA", "100", "EA")]
    assert confirmed(told(x12.answer("PO-1", "AC", of_item))) == [(1, 100, LATER)]
    assert confirmed(told(x12.answer("PO-1", "AC", of_item[:2]))) == [(1, 100, LATER)]
    second: x12.Lines = [MUG, ("SCH", "100", "EA", "", "", "010", "20260309", "", "017", "20260313")]
    found = told(x12.answer("PO-1", "AC", second))
    assert (confirmed(found), found.notes) == ([(1, 100, LATER)], ())


@pytest.mark.parametrize(
    "lines",
    [
        [MUG, ("ACK", "IA", "100", "EA", "999", "20260401")],
        [MUG, ("ACK", "IA", "100", "EA"), ("DTM", "999", "20260401")],
        [MUG, ("DTM", "999", "20260401"), ("ACK", "IA", "100", "EA")],
        [MUG, ("SCH", "100", "EA", "", "", "999", "20260401")],
    ],
)
def test_a_day_of_a_kind_that_is_not_read_is_told(lines):
    found = told(x12.answer("PO-1", "AC", lines))
    assert confirmed(found) == [(1, 100, DAY)]
    assert found.notes == ("line 1: 100 units with a day of a kind that is not read (999)",)


def test_a_day_on_which_goods_leave_is_told_and_is_none_on_which_they_come():
    def leaving(day: str) -> x12.Lines:
        return x12.answer("PO-1", "AC", [MUG, ("ACK", "IA", "100", "EA", "068", day)])

    early = told(leaving("20260306"))
    assert confirmed(early) == [(1, 100, DAY)]
    assert early.notes == ("line 1: 100 units leave on 2026-03-06, and when they arrive is not said",)
    assert confirmed(told(leaving("20260313"))) == [(1, 100, LATER)]
    assert told(leaving("20260306"), wanted(is_drop_ship=True)).due_on == date(2026, 3, 6)


@pytest.mark.parametrize(
    ("price", "basis", "notes"),
    [
        ("2.50", "PE", ()),
        ("2.75", "EA", ("line 1: 2.75 a unit instead of 2.50",)),
        ("250", "HP", ()),
        ("275", "HP", ()),
    ],
)
def test_a_price_is_compared_where_it_is_for_one(price, basis, notes):
    lines: x12.Lines = [("PO1", "1", "100", "EA", price, basis, "BP", "MUG"), ("ACK", "IP", "100", "EA")]
    assert told(x12.answer("PO-1", "AC", lines)).notes == notes


@pytest.mark.parametrize(
    ("price", "basis", "notes"),
    [
        ("15", "", ()),
        ("16", "", ("line 1: 16 for 6 units instead of 15.00",)),
        ("2.5", "PE", ()),
        ("15", "PE", ()),
        ("2.5", "", ("line 1: 2.5 for 6 units instead of 15.00",)),
    ],
)
def test_a_price_of_a_case_is_compared_with_that_of_its_units(price, basis, notes):
    lines: x12.Lines = [
        ("PO1", "1", "10", "CA", price, basis, "UK", "10400638133393"),
        ("ACK", "IA", "10", "CA"),
    ]
    assert told(x12.answer("PO-1", "AC", lines)).notes == notes


def test_prices_in_another_currency_are_told_once_and_not_compared():
    items = [x12.answered(str(n), 1, ("IA", 1, ""), price="3.1") for n in (1, 2)]
    begin, *rest = x12.answer("PO-1", "AC", *items)
    assert told([begin, ("CUR", "SE", "USD"), *rest]).notes == ("prices in USD instead of EUR",)
    assert len(told([begin, ("CUR", "SE", "EUR"), *rest]).notes) == 2


def test_an_acknowledgement_without_units_has_what_the_others_leave_over():
    def of(*acks: tuple[str, ...]) -> x12.Lines:
        return x12.answer("PO-1", "AC", [MUG, *acks])

    assert confirmed(told(of(("ACK", "IA")))) == [(1, 100, DAY)]
    shared = of(("ACK", "IA", "", "", "067", "20260309"), ("ACK", "DR", "40", "EA", "067", "20260313"))
    assert confirmed(told(shared)) == [(1, 60, DAY), (1, 40, LATER)]
    assert confirmed(told(of(("ACK", "IR", "30", "EA"), ("ACK", "IA")))) == [(1, 70, DAY)]
    for acks in (
        [("ACK", "IA"), ("ACK", "IP")],
        [("ACK", "IA", "100", "EA"), ("ACK", "IP")],
    ):
        assert refused(of(*acks)).name == "ACK02"
    case = ("PO1", "", "2", "CA", "", "", "UK", "10400638133393")
    mixed: x12.Lines = [case, ("ACK", "IA", "6", "EA"), ("ACK", "DR")]
    assert refused(x12.answer("PO-1", "AC", mixed)).name == "ACK02"


def test_another_price_is_told_and_what_is_on_hold_or_later_is_not_counted_on():
    dear = x12.answered("1", 100, ("IP", 100, ""), code="MUG", price="2.75")
    assert told(x12.answer("PO-1", "AC", dear)).notes == ("line 1: 2.75 a unit instead of 2.50",)
    later = x12.answered("1", 100, ("BP", 60, "20260309"), ("IB", 40, ""), code="MUG")
    assert confirmed(told(x12.answer("PO-1", "AC", later))) == [(1, 60, DAY)]
    held = x12.answered("1", 100, ("IH", 100, ""), code="MUG")
    assert confirmed(told(x12.answer("PO-1", "AE", held))) == [(2, 10, DAY)]
    assert refused(x12.answer("PO-1", "AC", held)).name == "BAK02"


def test_of_a_drop_ship_order_what_is_not_sent_is_refused():
    mug = x12.answered("1", 100, ("IA", 60, "20260313"), ("ID", 40, ""), code="MUG")
    found = told(x12.answer("PO-1", "AE", mug), wanted(is_drop_ship=True))
    assert (found.refused, found.due_on, found.units) == (((1, 40),), LATER, 70)
    assert told(x12.answer("PO-1", "RJ"), wanted(is_drop_ship=True)).refused == ((1, 100), (2, 10))


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        (x12.answer("PO-2", "AT"), "BAK03"),
        (x12.answer("PO-1", "AH"), "BAK02"),
        (x12.answer("PO-1", "AC"), "BAK02"),
        (x12.answer("PO-1", "AT", purpose="01"), "BAK01"),
        (x12.answer("PO-1", "AC", x12.answered("1", 1, ("IS", 1, ""), code="MUG")), "ACK01"),
        (x12.answer("PO-1", "AC", x12.answered("1", 1, ("IA", 1, "2026"), code="MUG")), "ACK05"),
        (x12.answer("PO-1", "AC", x12.answered("1", 1, ("IA", 1, ""), code="JUG")), "PO1"),
        (x12.answer("PO-1", "AC", x12.answered("1", 1, ("IA", 1, ""), code="MUG", price="x")), "PO104"),
        (
            [*x12.answer("PO-1", "AC", x12.answered("1", 1, ("IA", 1, ""), code="MUG"))[:-1], ("CTT", "2")],
            "CTT01",
        ),
        ([("PO1", "1", "1", "EA")], "PO1"),
    ],
)
def test_what_makes_no_sense_is_refused_where_it_is_wrong(lines, name):
    assert refused(lines).name == name


@given(st.lists(st.tuples(st.integers(1, 99), st.integers(0, 20)), min_size=1, max_size=6))
def test_all_units_that_are_taken_are_confirmed_once_on_their_days(parts):
    shares = [("IA", units, f"{DAY + timedelta(days=days):%Y%m%d}") for units, days in parts]
    found = told(x12.answer("PO-1", "AC", x12.answered("1", 100, *shares, code="MUG")))
    assert found.units == sum(units for units, _ in parts)
    days = [one.expected_on for one in found.lines]
    assert days == sorted(set(days)) and set(days) == {DAY + timedelta(days=days) for _, days in parts}
