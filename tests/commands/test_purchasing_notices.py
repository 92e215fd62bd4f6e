"""purchasing.confirm, take_notices, close_notices, and packages received by their SSCC"""

from __future__ import annotations

from dataclasses import astuple, replace
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from entrepot.kernel import policies, sql
from entrepot.kernel.errors import Invalid, NotFound, Refused, WrongState
from entrepot.kernel.ids import uuid7
from entrepot.purchasing import dock, queries
from entrepot.purchasing.commands.cancel import CancelOrder, cancel
from entrepot.purchasing.commands.change import ChangeOrder, change
from entrepot.purchasing.commands.close_rest import CloseRest, close_rest
from entrepot.purchasing.commands.confirm import ConfirmOrder, OrderConfirmed, confirm
from entrepot.purchasing.commands.decide_checks import DecideCheck, decide_checks
from entrepot.purchasing.commands.order import OrderGoods, order
from entrepot.purchasing.commands.receive import ReceiveOrder, receive
from entrepot.purchasing.commands.receive_scans import ReceiveScan, ScanReceived, receive_scans
from entrepot.purchasing.commands.reschedule import RescheduleOrder, reschedule
from entrepot.purchasing.commands.take_notices import (
    CloseNotice,
    NoticeClosed,
    NoticeTaken,
    TakeNotice,
    close_notices,
    take_notices,
)
from entrepot.purchasing.commands.watch_arrivals import WatchArrivals, watch_arrivals
from entrepot.purchasing.errors import (
    ElsewhereExpected,
    NoticeBegun,
    NoticedBefore,
    NoticeOvertaken,
    NotOnPackage,
    PackageReceived,
    PalletOfSeveral,
    PalletReceived,
    UnknownBarcode,
)
from entrepot.purchasing.receiving import Plan, Quality
from entrepot.stock import plate_queries
from entrepot.stock.plating import sscc
from entrepot.warehouse.commands.move_plates import MovePlate, move_plates
from tests.plates import holds
from tests.retailer import BUYER, CLERK, NOW, Retailer, a_retailer
from tests.sizes import MANY, SIZES

pytestmark = pytest.mark.django_db

DAY = NOW.date() + timedelta(days=7)  # the suppliers of the tests take a week
SSCC, OTHER = "376104250021234569", "376104250021234576"


@pytest.fixture
def house() -> Retailer:
    return a_retailer(skus=2)


def ordered(house: Retailer, *quantities: int) -> UUID:
    skus = [house.skus[0], house.perishable]
    lines = tuple((sku, units, Decimal(1)) for sku, units in zip(skus, quantities or (10, 6), strict=False))
    (answer,) = order(BUYER, requests=[OrderGoods(house.company, house.supplier, house.node, "", lines)])
    return answer.order


def expected() -> list[tuple]:
    return sql.run("SELECT quantity, expected_on FROM stock_supply ORDER BY quantity DESC")


def items() -> list[tuple[str, str]]:
    return sql.run("SELECT type, reason FROM work_item WHERE state = 'open' ORDER BY type")


# ---- confirmations


def test_supply_follows_what_the_supplier_confirms_and_a_difference_is_work(house):
    one = ordered(house)
    first, second = queries.lines(one)
    later = DAY + timedelta(days=3)

    same, other = confirm(
        BUYER,
        requests=[
            ConfirmOrder(one, ((second.id, 6, DAY),), "AB-1"),
            ConfirmOrder(one, ((first.id, 8, later),), "AB-2"),
        ],
    )

    assert same == OrderConfirmed(one, 1, ())
    assert other.differences == (f"line 1: 8 of 10 units, on {later} instead of {DAY}",)
    assert expected() == [(8, later), (6, DAY)]
    assert [kind for kind, _ in items()] == ["confirmed otherwise"]
    line = queries.lines(one)[0]
    assert (line.wanted_on, line.confirmed, line.confirmed_on, line.to_come) == (DAY, 8, later, 10)

    receive(CLERK, requests=[ReceiveOrder(one, ((first.id, 5),))])
    assert expected() == [(6, DAY), (3, later)]


def test_invariant_12_a_confirmation_of_nothing_is_not_expected_and_what_makes_no_sense_is_refused(house):
    one, ended = ordered(house), ordered(house)
    line = queries.lines(one)[0].id
    cancel(BUYER, requests=[CancelOrder(ended, "late")])
    answers = confirm(
        BUYER,
        requests=[
            ConfirmOrder(uuid7(), ((line, 1, DAY),)),
            ConfirmOrder(ended, ((queries.lines(ended)[0].id, 1, DAY),)),
            ConfirmOrder(one, ()),
            ConfirmOrder(one, ((line, 0, DAY),)),
        ],
    )
    assert [type(one) for one in answers] == [NotFound, WrongState, Invalid, OrderConfirmed]
    assert expected() == [(6, DAY)]


def parts(line: UUID, *shares: tuple[int, int]) -> tuple:
    """What is confirmed of a line: units by days after DAY."""
    return tuple((line, units, DAY + timedelta(days=days)) for units, days in shares)


def test_a_line_comes_in_parts_each_on_its_day_and_what_comes_eats_the_earliest(house):
    one = ordered(house, 100)
    (line,) = queries.lines(one)
    monday, friday = DAY - timedelta(days=4), DAY
    (told,) = confirm(BUYER, requests=[ConfirmOrder(one, parts(line.id, (40, 0), (60, -4)), "AB-1")])

    assert told == OrderConfirmed(one, 1, ())
    assert expected() == [(60, monday), (40, friday)]
    found = queries.lines(one)[0]
    assert (found.confirmed, found.confirmed_on, found.expected_on) == (100, friday, monday)
    assert [tuple(part)[1:] for part in map(astuple, queries.schedules(one)[line.id])] == [
        (60, monday, 60),
        (40, friday, 40),
    ]

    receive(CLERK, requests=[ReceiveOrder(one, ((line.id, 70),))])
    assert expected() == [(30, friday)]
    assert [part.to_come for part in queries.schedules(one)[line.id]] == [0, 30]

    close_rest(BUYER, requests=[CloseRest(one, "enough")])
    assert expected() == []
    assert queries.order(one).state == "received"


def test_parts_that_slip_are_told_and_a_late_part_is_overdue_by_itself(house):
    one = ordered(house, 100)
    (line,) = queries.lines(one)
    confirm(BUYER, requests=[ConfirmOrder(one, parts(line.id, (60, -4), (40, -2)))])
    assert items() == []
    (told,) = confirm(BUYER, requests=[ConfirmOrder(one, parts(line.id, (60, -4), (40, -1)))])

    slip = f"line 1: 40 units on {DAY - timedelta(days=1)}, {DAY - timedelta(days=2)} was confirmed before"
    assert told == OrderConfirmed(one, 1, (), (slip,))
    ((kind, reason),) = items()
    assert kind == "confirmed otherwise" and slip in reason

    later = replace(BUYER, at=NOW.replace(year=DAY.year, month=DAY.month, day=DAY.day) - timedelta(days=3))
    assert later.at.date() == DAY - timedelta(days=3)
    (watched,) = watch_arrivals(later, requests=[WatchArrivals(house.company)])
    assert watched.late == 1
    assert any("60 units were expected by" in reason for kind, reason in items() if "overdue" in kind)


def test_what_stands_on_other_days_gives_up_the_schedule(house):
    one = ordered(house, 100)
    (line,) = queries.lines(one)
    split = ConfirmOrder(one, parts(line.id, (60, 0), (40, 5)))

    confirm(BUYER, requests=[split])
    reschedule(BUYER, requests=[RescheduleOrder(one, DAY + timedelta(days=2))])
    assert expected() == [(100, DAY + timedelta(days=2))]

    confirm(BUYER, requests=[split])
    assert expected() == [(60, DAY), (40, DAY + timedelta(days=5))]
    confirm(BUYER, requests=[ConfirmOrder(one, parts(line.id, (30, 0), (30, 1), (20, 2)))])
    assert expected() == [(30, DAY), (30, DAY + timedelta(days=1)), (20, DAY + timedelta(days=2))]
    confirm(BUYER, requests=[ConfirmOrder(one, parts(line.id, (100, 3)))])
    assert expected() == [(100, DAY + timedelta(days=3))]

    confirm(BUYER, requests=[split])
    change(BUYER, requests=[ChangeOrder(one, ((line.id, 90),))])
    assert expected() == [(90, DAY)]
    confirm(BUYER, requests=[ConfirmOrder(one, parts(line.id, (50, 0), (40, 5)))])
    take_notices(BUYER, requests=[TakeNotice(1, "DN-9", DAY + timedelta(days=1), ((one, line.id, 50),))])
    assert expected() == [(50, DAY), (40, DAY + timedelta(days=5))]
    take_notices(BUYER, requests=[TakeNotice(1, "DN-10", DAY + timedelta(days=1), ((one, line.id, 90),))])
    assert expected() == [(90, DAY + timedelta(days=1))]
    assert queries.schedules(one) == {}

    confirm(BUYER, requests=[ConfirmOrder(one, parts(line.id, (50, 0), (40, 5)))])
    cancel(BUYER, requests=[CancelOrder(one, "not needed")])
    assert expected() == []


def test_a_schedule_stands_again_when_the_notice_in_its_place_brings_nothing_more(house):
    one = ordered(house, 100)
    (line,) = queries.lines(one)
    split = [(60, DAY), (40, DAY + timedelta(days=5))]
    confirm(BUYER, requests=[ConfirmOrder(one, parts(line.id, (60, 0), (40, 5)))])
    whole = TakeNotice(1, "DN-1", DAY + timedelta(days=1), ((one, line.id, 100),))
    (first, second) = take_notices(BUYER, requests=[whole, replace(whole, external_ref="DN-2")])
    assert expected() == [(100, DAY + timedelta(days=1))]

    close_notices(BUYER, requests=[CloseNotice(first.notice, "sent twice")])
    assert expected() == [(100, DAY + timedelta(days=1))]  # the other still brings all of it
    close_notices(BUYER, requests=[CloseNotice(second.notice, "never left")])
    assert expected() == split
    assert len(queries.schedules(one)[line.id]) == 2

    take_notices(BUYER, requests=[replace(whole, external_ref="DN-3")])
    less = replace(whole, external_ref="DN-3", lines=((one, line.id, 70),), replaces=True)
    take_notices(BUYER, requests=[less])
    assert expected() == split


def test_what_was_said_since_a_notice_counts_when_it_is_closed(house):
    one = ordered(house, 100)
    (line,) = queries.lines(one)
    whole = TakeNotice(1, "DN-1", DAY + timedelta(days=1), ((one, line.id, 100),))

    def noticed_over_a_schedule(name: str) -> CloseNotice:
        confirm(BUYER, requests=[ConfirmOrder(one, parts(line.id, (60, 0), (40, 5)))])
        (taken,) = take_notices(BUYER, requests=[replace(whole, external_ref=name)])
        return CloseNotice(taken.notice, "never left")

    closing = noticed_over_a_schedule("DN-1")
    reschedule(BUYER, requests=[RescheduleOrder(one, DAY + timedelta(days=9))])
    close_notices(BUYER, requests=[closing])
    assert expected() == [(100, DAY + timedelta(days=9))]

    closing = noticed_over_a_schedule("DN-2")
    confirm(BUYER, requests=[ConfirmOrder(one, parts(line.id, (100, 3)))])
    close_notices(BUYER, requests=[closing])
    assert expected() == [(100, DAY + timedelta(days=3))]

    closing = noticed_over_a_schedule("DN-3")
    change(BUYER, requests=[ChangeOrder(one, ((line.id, 90),))])
    close_notices(BUYER, requests=[closing])
    assert [units for units, _ in expected()] == [90]

    closing = noticed_over_a_schedule("DN-4")
    receive(CLERK, requests=[ReceiveOrder(one, ((line.id, 70),))])
    close_notices(BUYER, requests=[closing])
    assert expected() == [(20, DAY + timedelta(days=5))]


def test_a_batch_that_says_a_line_twice_counts_the_last_and_tells_its_slip(house):
    one = ordered(house, 10)
    (line,) = queries.lines(one)
    first, last = confirm(
        BUYER,
        requests=[
            ConfirmOrder(one, parts(line.id, (6, -5), (4, -4))),
            ConfirmOrder(one, parts(line.id, (5, -5), (5, -3))),
        ],
    )
    assert (first.slips, len(last.slips)) == ((), 2)
    assert {day for _, day in expected()} == {DAY - timedelta(days=5), DAY - timedelta(days=3)}
    assert sql.run("SELECT count(*)::int FROM purchasing_confirmation") == [(2,)]


# ---- notices


def noticed(house: Retailer, one: UUID, **changes) -> TakeNotice:
    mug, cake = (line.id for line in queries.lines(one))
    lines = (
        (one, mug, 10, SSCC, "", None, ()),
        (one, cake, 4, SSCC, "L1", DAY + timedelta(days=90)),
        (one, cake, 2, OTHER, "L2", DAY + timedelta(days=90)),
    )
    return replace(TakeNotice(house.company, "DN-1", DAY + timedelta(days=1), lines), **changes)


def scan(house: Retailer, text: str, **said) -> ReceiveScan:
    return ReceiveScan(house.company, house.node, text, **said)


def test_a_notice_dates_the_rest_of_a_line_and_its_packages_are_received_by_one_scan_each(house):
    one = ordered(house)
    (taken,) = take_notices(BUYER, requests=[noticed(house, one)])
    assert isinstance(taken, NoticeTaken), taken
    assert (taken.packages, taken.units, taken.beyond) == (2, 16, ())
    assert expected() == [(10, DAY + timedelta(days=1)), (6, DAY + timedelta(days=1))]

    first, again, second = receive_scans(
        CLERK, requests=[scan(house, f"]C100{SSCC}"), scan(house, SSCC), scan(house, OTHER)]
    )

    assert isinstance(first, ScanReceived), first
    assert (first.sscc, first.quantity, first.sku_code) == (SSCC, 14, "10000, CAKE")
    assert again == PackageReceived(sscc=SSCC, notice=taken.number, left="nothing")
    assert (second.quantity, second.lot, second.order_state) == (2, "L2", "received")
    stood = sql.run("SELECT lot, quantity FROM stock_bucket ORDER BY lot")
    assert stood == [("", 10), ("L1", 4), ("L2", 2)]
    (found,) = dock.notices(house.company, state="received")
    assert (found.number, found.units, found.received) == (taken.number, 16, 16)
    assert receive_scans(CLERK, requests=[scan(house, SSCC)]) == [again]


def test_units_that_are_scanned_one_by_one_are_counted_off_their_notice(house):
    one = ordered(house)
    (taken,) = take_notices(BUYER, requests=[noticed(house, one)])
    mug = queries.lines(one)[0].id
    receive(CLERK, requests=[ReceiveOrder(one, ((mug, 9),))])
    assert [line.received for line in dock.notice_lines(taken.notice)] == [9, 0, 0]

    (rest,) = receive_scans(CLERK, requests=[scan(house, SSCC)])
    assert rest.quantity == 1 + 4


def test_a_package_becomes_a_plate_with_what_came_on_it_and_what_differs_is_work(house):
    one = ordered(house)
    take_notices(BUYER, requests=[noticed(house, one)])
    wrong, none, vague, first, second = receive_scans(
        CLERK,
        requests=[
            scan(house, SSCC, found=(("20000", 1),)),
            scan(house, SSCC, found=(("10000", 0), ("CAKE", 0))),
            scan(house, SSCC, quantity=5),
            scan(house, SSCC, found=(("CAKE", 3, "L1"),)),
            scan(house, OTHER, quantity=2),
        ],
    )
    assert isinstance(wrong, NotOnPackage) and isinstance(none, Invalid) and isinstance(vague, Invalid)
    assert (first.quantity, first.differs) == (13, "3 of 4 CAKE, lot L1")
    assert (second.quantity, second.differs) == (2, "")
    assert holds(SSCC) == {("10000", "", "sellable"): 10, ("CAKE", "L1", "sellable"): 3}
    assert holds(OTHER) == {("CAKE", "L2", "sellable"): 2}
    assert items() == [("package differs", f"{first.order_number}: of package {SSCC} came {first.differs}")]
    (again,) = receive_scans(CLERK, requests=[scan(house, SSCC)])
    assert isinstance(again, PackageReceived) and again.facts["left"] == "1 CAKE L1"
    assert sum(holds(SSCC).values()) == 13, "the same label again brings nothing"
    (late,) = receive_scans(CLERK, requests=[scan(house, SSCC, quantity=1)])
    assert (late.quantity, late.differs) == (1, "") and sum(holds(SSCC).values()) == 14


def test_each_package_that_differs_is_told_and_what_is_missing_is_not_booked_by_the_next_scan(house):
    one = ordered(house)
    take_notices(BUYER, requests=[noticed(house, one)])
    first, again, second = receive_scans(
        CLERK,
        requests=[
            scan(house, SSCC, found=(("CAKE", 3, "L1"),)),
            scan(house, SSCC),
            scan(house, OTHER, quantity=1),
        ],
    )
    assert isinstance(again, PackageReceived) and again.facts["left"] == "1 CAKE L1"
    assert (first.quantity, second.quantity) == (13, 1)
    assert [kind for kind, _ in items()] == ["package differs"] * 2
    assert {reason.split()[3] for _, reason in items()} == {SSCC, OTHER}


def test_what_was_found_is_of_a_package_and_nothing_is_booked_of_another_scan(house):
    ordered(house)
    (refused,) = receive_scans(CLERK, requests=[scan(house, "10000", found=(("10000", 3),))])
    assert isinstance(refused, Invalid) and refused.facts["field"] == "found"
    assert sql.run("SELECT FROM stock_bucket") == []


def test_what_comes_late_of_a_plate_that_was_put_away_stands_loose(house):
    one = ordered(house)
    take_notices(BUYER, requests=[noticed(house, one)])
    receive_scans(CLERK, requests=[scan(house, SSCC, found=(("10000", 9),))])
    plate = plate_queries.plate_named(company=house.company, text=SSCC)
    other = sql.run(
        "SELECT id FROM network_bin WHERE node_id = %(n)s AND id <> %(b)s", {"n": house.node, "b": plate.bin}
    )
    (away,) = move_plates(CLERK, requests=[MovePlate(plate.id, other[0][0])])
    assert away.units == 13
    (late,) = receive_scans(CLERK, requests=[scan(house, SSCC, quantity=1)])
    assert late.quantity == 1 and sum(holds(SSCC).values()) == 13


def test_goods_of_a_plate_that_wait_for_a_check_stay_on_it_when_they_pass(house):
    plan = Quality((Plan(sku="10000", sample_percent=20),))
    policies.set_policy(BUYER, requests=[policies.SetPolicy(house.company, "purchasing.quality", plan, NOW)])
    one = ordered(house)
    take_notices(BUYER, requests=[noticed(house, one)])
    (first,) = receive_scans(CLERK, requests=[scan(house, SSCC)])
    assert first.held == 10
    assert holds(SSCC)["10000", "", "pending_inspection"] == 10
    (check,) = dock.checks(house.company)
    decide_checks(CLERK, requests=[DecideCheck(check.id, 0)])
    assert holds(SSCC) == {("10000", "", "sellable"): 10, ("CAKE", "L1", "sellable"): 4}


# ---- cartons on pallets


PALLET = "376104250021234590"


def palletized(house: Retailer, one: UUID, ref: str = "DN-1", pallet: str = PALLET) -> TakeNotice:
    lines = tuple(line if len(line) == 8 else (*line, ()) for line in map(tuple, noticed(house, one).lines))
    lines = tuple((*(line[:6]), (), pallet) for line in lines)
    return noticed(house, one, external_ref=ref, lines=lines)


def cartons(pallet: str = PALLET) -> list[str]:
    return [
        number
        for (number,) in sql.run(
            "SELECT c.number FROM stock_plate AS c JOIN stock_plate AS p ON p.id = c.on_plate_id"
            " WHERE p.number = %(pallet)s ORDER BY 1",
            {"pallet": pallet},
        )
    ]


def test_the_number_of_a_pallet_receives_its_cartons_each_as_a_plate_that_stands_on_it(house):
    one = ordered(house)
    (taken,) = take_notices(BUYER, requests=[palletized(house, one)])
    assert (taken.packages, dock.notices(house.company)[0].pallets) == (2, 1)
    first, again, carton = receive_scans(
        CLERK, requests=[scan(house, f"00{PALLET}"), scan(house, PALLET), scan(house, SSCC)]
    )
    assert isinstance(first, ScanReceived), first
    assert (first.sscc, first.cartons, first.quantity, first.order_state) == (PALLET, 2, 16, "received")
    assert again == PackageReceived(sscc=PALLET, notice=taken.number, left="nothing")
    assert carton == PackageReceived(sscc=SSCC, notice=taken.number, left="nothing")
    assert cartons() == [SSCC, OTHER]
    assert holds(SSCC) == {("10000", "", "sellable"): 10, ("CAKE", "L1", "sellable"): 4}
    assert sum(holds(PALLET).values()) == 16
    events = sql.run(
        "SELECT (payload->>'units')::int, reason FROM kernel_event WHERE subject_kind = 'plate' ORDER BY 1"
    )
    assert events == [(2, PALLET), (14, PALLET), (16, "")]


def test_cartons_are_put_on_their_pallet_one_by_one_and_its_number_brings_those_that_are_left(house):
    one = ordered(house)
    take_notices(BUYER, requests=[palletized(house, one)])
    said, first = receive_scans(
        CLERK, requests=[scan(house, PALLET, quantity=3), scan(house, SSCC, found=(("CAKE", 3, "L1"),))]
    )
    assert isinstance(said, Invalid) and said.facts["field"] == "quantity"
    assert (first.quantity, cartons()) == (13, [SSCC])
    rest, again = receive_scans(CLERK, requests=[scan(house, PALLET), scan(house, PALLET)])
    assert (rest.quantity, rest.cartons, rest.differs) == (2, 1, ""), "what a carton lacked is not booked"
    assert isinstance(again, PalletReceived) and again.facts["left"] == "1 CAKE L1"
    assert cartons() == [SSCC, OTHER]
    assert sum(holds(PALLET).values()) == 15
    (late,) = receive_scans(CLERK, requests=[scan(house, SSCC, quantity=1)])
    assert late.quantity == 1 and sum(holds(PALLET).values()) == 16


@pytest.mark.parametrize("is_one_call", [True, False])
def test_the_number_of_a_pallet_does_not_bring_what_a_carton_lacked_wholly(house, is_one_call):
    one = ordered(house)
    take_notices(BUYER, requests=[palletized(house, one)])
    scans = [scan(house, SSCC, found=(("CAKE", 0, "L1"),)), scan(house, PALLET), scan(house, PALLET)]
    if is_one_call:
        first, rest, again = receive_scans(CLERK, requests=scans)
    else:
        first, rest, again = (receive_scans(CLERK, requests=[each])[0] for each in scans)
    assert (first.quantity, first.differs) == (10, "0 of 4 CAKE, lot L1")
    assert (rest.quantity, rest.cartons) == (2, 1), "what a carton lacked is not booked"
    assert isinstance(again, PalletReceived) and again.facts["left"] == "4 CAKE L1"
    assert holds(SSCC) == {("10000", "", "sellable"): 10}
    (late,) = receive_scans(CLERK, requests=[scan(house, SSCC, quantity=4)])
    assert late.quantity == 4 and sum(holds(PALLET).values()) == 16


def test_a_carton_that_comes_when_its_pallet_was_put_away_stands_by_itself_and_what_left_its_pallet_stays_off(
    house,
):
    one = ordered(house)
    take_notices(BUYER, requests=[palletized(house, one)])
    receive_scans(CLERK, requests=[scan(house, SSCC, found=(("CAKE", 3, "L1"),))])
    plate = plate_queries.plate_named(company=house.company, text=PALLET)
    carton = plate_queries.plate_named(company=house.company, text=SSCC)
    ((other,),) = sql.run(
        "SELECT id FROM network_bin WHERE node_id = %(n)s AND id <> %(b)s LIMIT 1",
        {"n": house.node, "b": carton.bin},
    )
    (away,) = move_plates(CLERK, requests=[MovePlate(plate.id, other)])
    assert away.units == 13
    receive_scans(CLERK, requests=[scan(house, OTHER)])
    assert cartons() == [SSCC] and holds(OTHER) == {("CAKE", "L2", "sellable"): 2}
    # Taken back to the dock by itself, it has left its pallet: what comes late of it does not put it there again.
    move_plates(CLERK, requests=[MovePlate(carton.id, carton.bin)])
    receive_scans(CLERK, requests=[scan(house, SSCC, quantity=1)])
    assert cartons() == [] and sum(holds(SSCC).values()) == 14


def test_a_pallet_of_several_orders_is_received_carton_by_carton(house):
    first, second = ordered(house), ordered(house)
    third = sscc("7610425", 3, 77)
    take_notices(BUYER, requests=[palletized(house, first)])
    line = queries.lines(second)[0].id
    one = TakeNotice(house.company, "DN-2", DAY, ((second, line, 10, third, "", None, (), PALLET),))
    take_notices(BUYER, requests=[one])
    (whole,) = receive_scans(CLERK, requests=[scan(house, PALLET)])
    numbers = [number for (number,) in sql.run("SELECT number FROM purchasing_order ORDER BY number")]
    assert whole == PalletOfSeveral(sscc=PALLET, orders=", ".join(numbers))
    assert sql.run("SELECT FROM stock_bucket") == []
    receive_scans(CLERK, requests=[scan(house, SSCC), scan(house, OTHER), scan(house, third)])
    assert cartons() == sorted([SSCC, OTHER, third])


def test_a_package_nobody_announced_or_for_another_node_is_told_apart(house):
    one = ordered(house)
    take_notices(BUYER, requests=[noticed(house, one)])
    elsewhere = replace(scan(house, SSCC), node=uuid7())
    unknown, other = receive_scans(CLERK, requests=[scan(house, "376104250021234583"), elsewhere])
    assert isinstance(unknown, UnknownBarcode)
    assert isinstance(other, ElsewhereExpected)
    assert sql.run("SELECT FROM stock_bucket") == []


def test_more_than_is_to_come_is_work_before_it_stands_at_the_dock(house):
    one = ordered(house, 8, 6)
    (taken,) = take_notices(BUYER, requests=[noticed(house, one)])
    ((number,),) = sql.run("SELECT number FROM purchasing_order")
    assert taken.beyond == (f"line 1 of {number}: 10 of 8 to come",)
    assert [kind for kind, _ in items()] == ["announced beyond the order"]


def test_what_makes_no_sense_is_no_notice_and_a_number_is_taken_once(house):
    one, ended = ordered(house), ordered(house)
    cancel(BUYER, requests=[CancelOrder(ended, "late")])
    good = noticed(house, one)
    line = queries.lines(one)[0].id
    answers = take_notices(
        BUYER,
        requests=[
            replace(good, external_ref=""),
            replace(good, lines=((uuid7(), line, 1),)),
            replace(good, lines=((one, uuid7(), 1),)),
            replace(good, lines=((ended, queries.lines(ended)[0].id, 1),)),
            good,
            good,
        ],
    )
    assert [type(one) for one in answers] == [
        Invalid,
        NotFound,
        NotFound,
        WrongState,
        NoticeTaken,
        NoticedBefore,
    ]
    assert len(dock.notices(house.company)) == 1


def test_a_notice_is_replaced_only_where_nothing_came_it_stands_and_the_new_one_is_later(house):
    one, other = ordered(house), ordered(house)
    (old,) = take_notices(BUYER, requests=[noticed(house, one)])
    again = replace(noticed(house, other), replaces=True)
    early = replace(again, occurred_at=NOW - timedelta(days=1))
    answers = take_notices(BUYER, requests=[early, again, again])
    assert [type(answer) for answer in answers] == [NoticeOvertaken, NoticeTaken, NoticedBefore]
    states = dict(sql.run("SELECT number, state FROM purchasing_notice"))
    assert states == {old.number: "replaced", answers[1].number: "expected"}
    (told,) = sql.run("SELECT payload->>'by' FROM kernel_event WHERE state_after = 'replaced'")
    assert told == (answers[1].number,)
    receive_scans(CLERK, requests=[scan(house, SSCC)])
    begun = take_notices(BUYER, requests=[again])
    assert begun == [NoticeBegun(number=answers[1].number, received=14)]
    assert close_notices(BUYER, requests=[CloseNotice(answers[1].notice, "x", whole=True)]) == begun
    close_notices(BUYER, requests=[CloseNotice(answers[1].notice, "lost")])
    assert [type(answer) for answer in take_notices(BUYER, requests=[again])] == [NoticeBegun]


def test_a_notice_that_was_closed_or_never_came_is_not_replaced(house):
    one = ordered(house)
    first = replace(noticed(house, one), replaces=True)
    (taken,) = take_notices(BUYER, requests=[first])
    assert isinstance(taken, NoticeTaken)
    close_notices(BUYER, requests=[CloseNotice(taken.notice, "nothing came")])
    assert [type(answer) for answer in take_notices(BUYER, requests=[first])] == [WrongState]


def test_a_notice_is_closed_with_what_came(house):
    one = ordered(house)
    (taken,) = take_notices(BUYER, requests=[noticed(house, one)])
    receive_scans(CLERK, requests=[scan(house, SSCC)])
    answers = close_notices(
        BUYER,
        requests=[
            CloseNotice(uuid7(), "x"),
            CloseNotice(taken.notice, ""),
            CloseNotice(taken.notice, "the second box is missing"),
            CloseNotice(taken.notice, "again"),
        ],
    )
    assert [type(one) for one in answers] == [NotFound, Invalid, NoticeClosed, WrongState]
    assert answers[2].missing == 2
    assert queries.order(one).state == "part_received"


def test_keys_get_their_answer_again(house):
    one = ordered(house)
    wanted = noticed(house, one, key="n")
    said = ConfirmOrder(one, ((queries.lines(one)[0].id, 10, DAY),), key="c")
    assert take_notices(BUYER, requests=[wanted]) == take_notices(BUYER, requests=[wanted])
    assert confirm(BUYER, requests=[said]) == confirm(BUYER, requests=[said])
    assert sql.run("SELECT count(*) FROM purchasing_confirmation")[0][0] == 1


def count(statements, command, requests) -> int:
    with statements() as ran:
        answers = command(BUYER, requests=requests)
    assert not any(isinstance(one, Refused) for one in answers)
    return len([text for text in ran.texts if "SAVEPOINT" not in text])


def test_packages_take_as_many_statements_for_many_as_for_one(statements, house):
    counts, serial = [], 0
    for many in (1, 10, 100):
        goods = OrderGoods(1, house.supplier, house.node, "", ((house.skus[0], 5, Decimal(1)),))
        orders = [answer.order for answer in order(BUYER, requests=[goods] * many)]
        lines = queries.lines_of(orders)
        numbers = [sscc("7610425", 4, serial + i) for i in range(many)]
        serial += many
        notices = [
            TakeNotice(1, f"P{one}", DAY, ((one, lines[one][0].id, 5, number),))
            for one, number in zip(orders, numbers, strict=True)
        ]
        take_notices(BUYER, requests=notices)
        with statements() as ran:
            answers = receive_scans(CLERK, requests=[scan(house, number, quantity=4) for number in numbers])
        assert all(isinstance(one, ScanReceived) and one.differs for one in answers)
        counts.append(len(ran.texts))
    assert len(set(counts[1:])) == 1 and counts[0] in (counts[1], counts[1] + 3), (
        counts
    )  # the first makes its bucket


@pytest.mark.counts("purchasing.confirm", "purchasing.take_notices", "purchasing.close_notices")
def test_statements_do_not_grow_with_the_batch(statements, house):
    counts: dict[int, list[int]] = {}
    for many in SIZES:
        goods = OrderGoods(1, house.supplier, house.node, "", ((house.skus[0], 5, Decimal(1)),))
        orders = [answer.order for answer in order(BUYER, requests=[goods] * many)]
        lines = queries.lines_of(orders)
        said = [ConfirmOrder(one, ((lines[one][0].id, 4, DAY),)) for one in orders]
        counts[many] = [count(statements, confirm, said)]
        split = [ConfirmOrder(one, parts(lines[one][0].id, (2, 0), (2, 1))) for one in orders]
        counts[many] += [count(statements, confirm, split)]
        notices = [TakeNotice(1, f"N{one}", DAY, ((one, lines[one][0].id, 9),)) for one in orders]
        counts[many] += [count(statements, take_notices, notices)]
        closing = [CloseNotice(one.id, "x") for one in dock.notices(1, limit=many)]
        counts[many] += [count(statements, close_notices, closing)]
    assert counts[1] == counts[10] == counts[MANY], counts
