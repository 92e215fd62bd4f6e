"""returns.open_departures, leave_departures, settle_departures, withdraw_departures, add_papers, watch_departures"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from entrepot.access.errors import DutiesApart
from entrepot.kernel.errors import Invalid, NotFound, RequestReused, WrongState
from entrepot.returns import departure_queries, errors, recovery_queries
from entrepot.returns.commands.add_papers import AddPaper, PaperAdded, add_papers
from entrepot.returns.commands.leave_departures import DepartureLeft, LeaveDeparture, leave_departures
from entrepot.returns.commands.open_departures import DepartureOpened, OpenDeparture, open_departures
from entrepot.returns.commands.settle_departures import OVERDUE, SettleDeparture, settle_departures
from entrepot.returns.commands.watch_departures import WatchDepartures, watch_departures
from entrepot.returns.commands.withdraw_departures import (
    DepartureWithdrawn,
    WithdrawDeparture,
    withdraw_departures,
)
from entrepot.stock.commands.change_status import ChangeStatus, change_status
from entrepot.stock.errors import NotThere
from entrepot.work import queries as work
from tests.back import APPROVES, INSPECTS
from tests.floor import COMPANY, NOW, SYSTEM, Floor, balance, units
from tests.onward import JOBBER, UNKNOWN, a_vendor, disposed, lines, opened
from tests.sizes import SIZES
from tests.walk import a_house

pytestmark = pytest.mark.django_db

PDF = b"%PDF-1.7\nsigned\n%%EOF\n"


@pytest.fixture
def house(db: None) -> Floor:
    house = a_house()
    house.stock(0, 2_000)
    return house


def one(which: UUID) -> departure_queries.DepartureRow:
    found = departure_queries.departure(COMPANY, which)
    assert found
    return found


def test_a_vendor_return_from_gathering_to_its_credit(house: Floor):
    """Three units that cost 100 each: 250 are agreed, 200 come in two notes, and 50 are lost."""
    first, second = disposed(house, "return_to_vendor", 2, 3)
    assert [(row.units, row.kind) for row in departure_queries.waiting(COMPANY)] == [
        (2, "return_to_vendor"), (3, "return_to_vendor"),
    ]  # fmt: skip
    vendor = a_vendor(house, 0)
    answer = opened("vendor_return", (first, 2), (second, 1), supplier=vendor, expected_minor=250)
    assert answer.number == f"VR-{NOW.year}-000001"
    assert [row.units for row in departure_queries.waiting(COMPANY)] == [2]
    assert units(house.skus[0], "vendor_return") == 5
    stock, payable = balance(1200), balance(2000)

    left = leave_departures(INSPECTS, requests=[LeaveDeparture(answer.departure, reference=" RA 7 ")])

    due = NOW.date() + timedelta(days=30)
    assert left == [DepartureLeft(answer.departure, 300, 250, due)]
    assert units(house.skus[0], "vendor_return") == 2
    assert (balance(1200), balance(1195), lines(answer.departure)) == (
        stock - 300, 250, {1195: 250, 1200: -300, 5320: 50},
    )  # fmt: skip
    (row,) = recovery_queries.owed(COMPANY, NOW + timedelta(days=40))
    assert (row.kind, row.whom, row.owed_minor, row.age_days, row.overdue) == (
        "vendor_return", "v Ltd", 250, 40, True,
    )  # fmt: skip

    later = replace(SYSTEM, at=NOW + timedelta(days=31))
    for _ in range(2):
        assert watch_departures(later, requests=[WatchDepartures(COMPANY)])[0].overdue == 1
    (item,) = work.items(COMPANY, kind=OVERDUE)
    assert (item.subject, item.role) == (answer.departure, "controller")

    note = SettleDeparture(answer.departure, 120, "CN 1", final=False)
    last = SettleDeparture(answer.departure, 80, "CN 2", "one came back broken")
    partly, wholly = settle_departures(APPROVES, requests=[note, last])

    assert (partly.state, partly.credited_minor, partly.difference_minor) == ("gone", 120, 0)
    assert (wholly.state, wholly.credited_minor, wholly.difference_minor) == ("settled", 200, -50)
    assert (balance(1195), balance(2000)) == (0, payable + 200)
    assert lines(answer.departure) == {1200: -300, 2000: 200, 5320: 100}
    assert work.items(COMPANY, kind=OVERDUE) == []
    assert one(answer.departure).written_off_minor == 50
    assert recovery_queries.owed(COMPANY, NOW) == []


def test_a_vendor_owes_the_value_where_nothing_else_is_said_and_may_refuse_it(house: Floor):
    (which,) = disposed(house, "return_to_vendor", 2)
    answer = opened("vendor_return", (which, 2), supplier=a_vendor(house, 0))
    (left,) = leave_departures(INSPECTS, requests=[LeaveDeparture(answer.departure)])
    assert (left.value_minor, left.owed_minor) == (200, 200)

    nothing = SettleDeparture(answer.departure, 0, note="he says they were ours to keep")
    assert settle_departures(APPROVES, requests=[nothing])[0].difference_minor == -200
    assert lines(answer.departure) == {1200: -200, 5320: 200}


def test_a_lot_is_sold_with_a_gain_and_paid(house: Floor):
    first, second = disposed(house, "liquidate", 2, 1)
    answer = opened("liquidation", (first, 2), (second, 1), expected_minor=100)
    assert answer.number == f"LOT-{NOW.year}-000001"
    day = NOW.date() + timedelta(days=3)

    (left,) = leave_departures(INSPECTS, requests=[LeaveDeparture(answer.departure, 360, day)])

    assert (left.value_minor, left.owed_minor, left.due_on) == (300, 360, day)
    assert lines(answer.departure) == {1196: 360, 1200: -300, 5350: -60}
    (total,) = recovery_queries.sums(COMPANY, NOW + timedelta(days=4))
    assert (total.kind, total.count, total.owed_minor, total.overdue_minor) == ("liquidation", 1, 360, 360)
    receivable = balance(1150)

    (done,) = settle_departures(APPROVES, requests=[SettleDeparture(answer.departure, reference="INV 9")])

    assert (done.state, done.credited_minor, done.difference_minor) == ("settled", 360, 0)
    assert (balance(1196), balance(1150)) == (0, receivable + 360)


@pytest.mark.parametrize(
    ("kind", "disposition", "account"), [("donation", "donate", 5410), ("disposal", "dispose", 5320)]
)
def test_a_certificate_tells_of_what_was_written_off(house: Floor, kind: str, disposition: str, account: int):
    first, second = disposed(house, disposition, 3, 1)
    assert balance(account) == 400, "it is written off when it leaves, with its disposition"
    answers = [
        opened(kind, (first, 1)),
        opened(kind, (first, 2), (second, 1)),
    ]
    left = leave_departures(INSPECTS, requests=[LeaveDeparture(a.departure) for a in answers])
    assert [(a.value_minor, a.owed_minor) for a in left] == [(100, 0), (300, 0)]
    assert balance(account) == 400

    which = answers[0].departure
    added = add_papers(APPROVES, requests=[AddPaper(which, PDF), AddPaper(which, PDF)])
    assert [type(a) for a in added] == [PaperAdded, PaperAdded]
    (paper,) = departure_queries.papers(which)
    assert departure_queries.paper(COMPANY, paper.id) == ("pdf", PDF)
    assert departure_queries.paper(COMPANY + 1, paper.id) is None
    (done,) = settle_departures(APPROVES, requests=[SettleDeparture(which, reference="cert. 12")])
    assert (done.state, one(which).reference) == ("settled", "cert. 12")


def test_what_can_not_be_gathered(house: Floor):
    (lot,) = disposed(house, "liquidate", 2)
    (gift,) = disposed(house, "donate", 1)
    (back,) = disposed(house, "return_to_vendor", 1)
    vendor, other = a_vendor(house, 0), a_vendor(house, 1, code="w")

    def asks(kind: str, *items: tuple[UUID, int], **facts: object) -> OpenDeparture:
        return OpenDeparture(COMPANY, kind, tuple(items), **facts)  # type: ignore[arg-type]

    answers = open_departures(INSPECTS, requests=[
        asks("liquidation", (UNKNOWN, 1), buyer=JOBBER),
        asks("liquidation", buyer=JOBBER),
        asks("gift", (lot, 1), receiver="J"),
        asks("donation", (lot, 1), receiver="J"),
        asks("liquidation", (lot, 3), buyer=JOBBER),
        asks("liquidation", (lot, 1), receiver="J"),
        asks("liquidation", (lot, 1), buyer=JOBBER, expected_minor=-1),
        asks("liquidation", (lot, 1), buyer=replace(JOBBER, customer=" ")),
        asks("liquidation", (lot, 1), buyer=replace(JOBBER, name="")),
        asks("liquidation", (lot, 1), buyer=replace(JOBBER, country="Britain")),
        asks("liquidation", (lot, 1), buyer=JOBBER, receiver="J"),
        asks("donation", (gift, 1), buyer=JOBBER, receiver="J"),
        asks("vendor_return", (back, 1)),
        asks("vendor_return", (back, 1), supplier=UNKNOWN),
        asks("vendor_return", (back, 1), supplier=other),
        asks("vendor_return", (back, 1), supplier=vendor),
        asks("vendor_return", (back, 1), supplier=vendor),
    ])  # fmt: skip

    assert [type(answer) for answer in answers] == [
        NotFound, Invalid, Invalid, Invalid, errors.MoreThanWaits, errors.NoReceiver, Invalid, Invalid,
        Invalid, Invalid, Invalid, Invalid, errors.NoReceiver, NotFound, errors.NotOfVendor, DepartureOpened,
        errors.MoreThanWaits,
    ]  # fmt: skip
    assert len(departure_queries.departures(COMPANY)) == 1


def test_what_can_not_leave_or_be_settled(house: Floor):
    lot, gift = disposed(house, "liquidate", 2), disposed(house, "donate", 1)
    priced = opened("liquidation", (lot[0], 1))
    given = opened("donation", (gift[0], 1))
    early = NOW.date() - timedelta(days=1)

    answers = leave_departures(INSPECTS, requests=[
        LeaveDeparture(UNKNOWN), LeaveDeparture(priced.departure), LeaveDeparture(priced.departure, -1),
        LeaveDeparture(priced.departure, 10, early), LeaveDeparture(given.departure, 10),
        LeaveDeparture(priced.departure, 10), LeaveDeparture(priced.departure, 10),
    ])  # fmt: skip
    assert [type(answer) for answer in answers] == [
        NotFound, Invalid, Invalid, Invalid, Invalid, DepartureLeft, WrongState,
    ]  # fmt: skip

    answers = settle_departures(APPROVES, requests=[
        SettleDeparture(UNKNOWN, reference="x"), SettleDeparture(given.departure, reference="x"),
        SettleDeparture(priced.departure), SettleDeparture(priced.departure, -1, "x"),
        SettleDeparture(priced.departure, 10, "x", final=False), SettleDeparture(priced.departure, 9, "x"),
    ])  # fmt: skip
    assert [type(answer) for answer in answers] == [
        NotFound, WrongState, Invalid, Invalid, Invalid, errors.ReasonNeeded,
    ]  # fmt: skip
    (same,) = settle_departures(INSPECTS, requests=[SettleDeparture(priced.departure, reference="x")])
    assert isinstance(same, DutiesApart), "whoever let them leave does not say what was given"
    assert (one(priced.departure).state, one(priced.departure).credited_minor) == ("gone", 0)


def test_what_somebody_moved_meanwhile_does_not_leave(house: Floor):
    (lot,) = disposed(house, "liquidate", 2)
    answer = opened("liquidation", (lot, 2), expected_minor=10)
    at = house.at(kind="quarantine", status="liquidation")
    moved = ChangeStatus(COMPANY, at.sku, at.node, at.bin, 1, at.status, "damaged", "it fell")
    change_status(SYSTEM, requests=[moved])

    assert isinstance(leave_departures(INSPECTS, requests=[LeaveDeparture(answer.departure)])[0], NotThere)
    assert one(answer.departure).state == "open"


def test_withdrawn_units_may_be_gathered_anew_and_no_number_is_used_twice(house: Floor):
    (lot,) = disposed(house, "liquidate", 2)
    answer = opened("liquidation", (lot, 2))
    which = answer.departure
    answers = withdraw_departures(INSPECTS, requests=[
        WithdrawDeparture(UNKNOWN, "x"), WithdrawDeparture(which, " "), WithdrawDeparture(which, "too little was bid"),
        WithdrawDeparture(which, "again"),
    ])  # fmt: skip
    assert [type(a) for a in answers] == [NotFound, errors.ReasonNeeded, DepartureWithdrawn, WrongState]
    assert opened("liquidation", (lot, 2)).number == f"LOT-{NOW.year}-000002"


def test_files_that_are_none(house: Floor):
    (lot,) = disposed(house, "liquidate", 1)
    which = opened("liquidation", (lot, 1)).departure
    answers = add_papers(
        INSPECTS,
        requests=[
            AddPaper(UNKNOWN, PDF), AddPaper(which, b"<html>"),
            *(AddPaper(which, PDF.replace(b"signed", bytes([65 + i]))) for i in range(13)),
        ],
    )  # fmt: skip
    assert [type(a) for a in answers] == [NotFound, Invalid, *[PaperAdded] * 12, errors.TooManyPapers]


def test_the_same_keys_give_the_same_answers(house: Floor):
    (lot,) = disposed(house, "liquidate", 2)
    ask = OpenDeparture(COMPANY, "liquidation", ((lot, 1),), buyer=JOBBER, expected_minor=10, key="a")
    (first,), (again,) = (open_departures(INSPECTS, requests=[ask]) for _ in range(2))
    assert first == again
    other = open_departures(INSPECTS, requests=[replace(ask, expected_minor=11)])
    assert isinstance(other[0], RequestReused)
    which = first.departure
    steps = (
        (leave_departures, INSPECTS, LeaveDeparture(which, key="b")),
        (add_papers, INSPECTS, AddPaper(which, PDF, key="c")),
        (settle_departures, APPROVES, SettleDeparture(which, reference="x", key="d")),
        (watch_departures, SYSTEM, WatchDepartures(COMPANY, key="f")),
    )
    for command, cause, request in steps:
        assert command(cause, requests=[request]) == command(cause, requests=[request])
    assert len(departure_queries.departures(COMPANY)) == 1
    drop = opened("liquidation", (lot, 1)).departure
    gone = WithdrawDeparture(drop, "no", key="e")
    assert withdraw_departures(INSPECTS, requests=[gone]) == withdraw_departures(INSPECTS, requests=[gone])


@pytest.mark.counts(
    "returns.add_papers", "returns.leave_departures", "returns.open_departures", "returns.settle_departures",
    "returns.watch_departures", "returns.withdraw_departures",
)  # fmt: skip
def test_statements_are_equal_at_1_10_and_many(house: Floor, statements):
    vendor = a_vendor(house, 0)
    late = replace(SYSTEM, at=NOW + timedelta(days=99))
    counts = []
    for size in (1, *SIZES):  # the first one makes the buckets that the others find
        found = disposed(house, "return_to_vendor", *[1] * size)
        asks = [
            OpenDeparture(COMPANY, "vendor_return", ((one, 1),), vendor, expected_minor=90) for one in found
        ]
        with statements() as ran:
            drop = open_departures(INSPECTS, requests=asks)
            withdraw_departures(INSPECTS, requests=[WithdrawDeparture(a.departure, "no") for a in drop])
            made = open_departures(INSPECTS, requests=asks)
            leave_departures(INSPECTS, requests=[LeaveDeparture(a.departure) for a in made])
            add_papers(INSPECTS, requests=[AddPaper(a.departure, PDF) for a in made])
            watched = watch_departures(late, requests=[WatchDepartures(COMPANY)] * size)
            done = settle_departures(
                APPROVES, requests=[SettleDeparture(a.departure, 80, "x", "broken") for a in made]
            )
        assert [a.difference_minor for a in done] == [-10] * size
        assert watched[0].overdue == size
        counts.append(len([text for text in ran.texts if "SAVEPOINT" not in text]))
    assert counts[1:] == [counts[1]] * 3
