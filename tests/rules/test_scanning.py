"""What scans do on the floor: every wrong one told apart, and what is right counted."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.kernel.errors import Refused
from entrepot.kernel.ids import uuid7
from entrepot.purchasing import docking
from entrepot.warehouse import carrying, checking, picking, sorting, tallying
from entrepot.warehouse.carrying import Carried, Load
from entrepot.warehouse.checking import Closed, Packed, Wanted
from entrepot.warehouse.errors import CartonUnknown
from entrepot.warehouse.picking import Bound, Picked, Stop
from entrepot.work import errors
from entrepot.work.scanning import (
    ALL,
    FEWER,
    YES,
    Alike,
    Item,
    Keep,
    Named,
    Plate,
    Scan,
    Tally,
    astray,
    check_item,
    counted,
    find_of,
)

TODAY = date(2026, 11, 28)
MUG, LAMP = (Named(UUID(int=i), code) for i, code in ((1, "MUG"), (2, "LAMP")))
HERE, THERE = (Named(UUID(int=i), code) for i, code in ((11, "A-01"), (12, "A-02")))
TASK, FULFILLMENT = UUID(int=21), UUID(int=22)


def mug(**facts) -> Scan:
    return Scan("5012345600001", (MUG,), **facts)


def item(quantity: int = 3, **facts) -> Item:
    return Item(MUG.id, MUG.code, quantity, **facts)


def stop(quantity: int = 3, slot: int = 0, tote: str = "", **facts) -> Stop:
    return Stop(TASK, FULFILLMENT, HERE, item(quantity, **facts), slot, tote)


A_BIN, ANOTHER_BIN = Scan("A-01", bin=HERE), Scan("A-02", bin=THERE)
A_LAMP, NOTHING = Scan("LAMP", (LAMP,)), Scan("http://example.com")


@pytest.mark.parametrize(
    ("wanted", "tally", "scan", "refusal"),
    [
        (item(), Tally(), NOTHING, errors.ScanUnknown),
        (item(), Tally(), A_LAMP, errors.ScanWrongItem),
        (item(), Tally(), ANOTHER_BIN, errors.ScanWrongBin),
        (item(), Tally(), A_BIN, errors.ScanDone),
        (item(lot="L-1"), Tally(), mug(lot="L-2"), errors.ScanWrongLot),
        (item(), Tally(), mug(expires_on=date(2026, 11, 27)), errors.ScanExpired),
        (item(expires_on=date(2026, 11, 27)), Tally(), mug(), errors.ScanExpired),
        (item(1, serial="S-1"), Tally(), mug(serial="S-2"), errors.ScanWrongSerial),
        (item(), Tally(1, ("S-1",)), mug(serial="S-1"), errors.ScanSerialTwice),
        (item(1, serial="S-1"), Tally(), mug(), errors.ScanUnread),
        (item(1, lot="L-1", serial="S-1"), Tally(), Scan("L-1"), errors.ScanUnknown),
        (item(1, lot="L-1", serial="S-1", mixed=True), Tally(), Scan("L-1"), errors.ScanUnknown),
        (item(1, lot="L-1", serial="S-1", mixed=True), Tally(), mug(), errors.ScanUnread),
        (item(lot="L-1"), Tally(), Scan("L-1"), errors.ScanUnknown),
        (item(lot="L-1", mixed=True), Tally(), Scan("L-1"), errors.ScanUnknown),
        (item(lot="L-1", mixed=True), Tally(read=(1, "")), mug(), errors.ScanUnread),
        (item(lot="L-1", mixed=True), Tally(read=(1, "")), Scan("L-2"), errors.ScanWrongLot),
        (item(lot="L-1", mixed=True), Tally(), mug(lot="L-2"), errors.ScanWrongLot),
        (item(), Tally(3), mug(), errors.ScanTooMany),
        (item(), Tally(), mug(units=4), errors.ScanTooMany),
        (item(), Tally(), Scan(ALL), errors.ScanOutOfTurn),
        (item(), Tally(3), Scan(ALL), errors.ScanDone),
    ],
)
def test_a_wrong_scan_is_told_apart(wanted, tally, scan, refusal):
    answer = check_item(wanted, tally, scan, TODAY, at="A-01")
    assert type(answer) is refusal
    assert "?" not in answer.message


@pytest.mark.parametrize(
    ("wanted", "tally", "scan", "token"),
    [
        (item(), Tally(), mug(), "item|1|"),
        (item(12), Tally(), mug(units=12), "item|12|"),
        (item(lot="L-1"), Tally(), mug(lot="L-1", expires_on=TODAY), "item|1|"),
        (item(), Tally(1, ("S-1",)), mug(serial="S-2"), "item|1|S-2"),
        (item(1, serial="S-1"), Tally(), Scan("S-1"), "item|1|S-1"),
        (item(lot="L-1", mixed=True), Tally(), mug(lot="L-1"), "item|1|"),
        (item(lot="L-1", mixed=True), Tally(), mug(), "read|1|"),
        (item(lot="L-1", mixed=True), Tally(read=(1, "")), Scan("L-1"), "item|1|"),
        (item(lot="L-1", mixed=True), Tally(read=(2, "")), Scan("l-1"), "item|2|"),
        (item(lot="L-1", mixed=True), Tally(read=(2, "")), Scan("=lot|L-1"), "item|2|"),
        (item(lot="A-01", mixed=True), Tally(read=(2, "")), A_BIN, "item|2|"),
        (item(lot="LAMP", mixed=True), Tally(read=(2, "")), A_LAMP, "item|2|"),
        (item(lot="L-1", mixed=True), Tally(), mug(serial="S-1"), "read|1|S-1"),
        (item(lot="L-1", mixed=True), Tally(read=(1, "S-1")), Scan("L-1"), "item|1|S-1"),
        (item(1, lot="L-1", serial="S-1", mixed=True), Tally(), mug(serial="S-1"), "item|1|S-1"),
        (item(1, lot="L-1", serial="S-1", mixed=True), Tally(), Scan("S-1"), "item|1|S-1"),
        (item(lot="L-1"), Tally(), mug(), "item|1|"),
        (item(), Tally(1), Scan(ALL), "item|2|"),
    ],
)
def test_what_is_right_is_counted(wanted, tally, scan, token):
    assert check_item(wanted, tally, scan, TODAY) == Keep(token)


def test_the_lot_is_said_of_each_unit_whose_barcode_was_read():
    one, tokens = stop(2, lot="L-1", mixed=True), ("bin",)
    lot = Scan("L-1")
    for scan, token in ((mug(), "read|1|"), (lot, "item|1|"), (mug(), "read|1|")):
        assert picking.scanned(one, tokens, scan, TODAY) == Keep(token)
        tokens = (*tokens, token)
        assert counted(tokens).units == tokens.count("item|1|")
    assert picking.scanned(one, tokens, lot, TODAY) == Picked(2)
    assert type(picking.scanned(one, tokens[:-1], lot, TODAY)) is errors.ScanUnknown, "of a unit nobody read"


def test_the_bin_of_a_stop_is_scanned_once():
    """Another bin is still a wrong one."""
    assert picking.ask(stop(2), ("bin",)).step == "item"
    assert type(picking.scanned(stop(2), ("bin",), A_BIN, TODAY)) is errors.ScanDone
    assert type(picking.scanned(stop(2), ("bin",), ANOTHER_BIN, TODAY)) is errors.ScanWrongBin
    assert picking.ask(stop(2, slot=1), ("bin",)).step == "bind"
    assert picking.ask(stop(2), (picking.HERE,)).step == "item"
    assert picking.scanned(stop(2), (picking.HERE,), A_BIN, TODAY) == Keep("bin"), "no fault of who does"
    assert type(picking.scanned(stop(2), (picking.HERE,), ANOTHER_BIN, TODAY)) is errors.ScanWrongBin
    assert type(picking.scanned(stop(2), (picking.HERE, "bin"), A_BIN, TODAY)) is errors.ScanDone


def test_an_item_that_is_complete_is_done_and_not_wrong():
    assert type(check_item(item(), Tally(), A_LAMP, TODAY, done={LAMP.id})) is errors.ScanDone
    assert type(picking.scanned(stop(), (), A_LAMP, TODAY, {LAMP.id})) is errors.ScanDone, (
        "at the next bin as well"
    )
    assert type(picking.scanned(stop(), (), A_LAMP, TODAY)) is errors.ScanOutOfTurn


SCANS = st.sampled_from([A_BIN, ANOTHER_BIN, mug(), mug(units=2), mug(serial="S-1"), mug(serial="S-2"), A_LAMP,
                         NOTHING, Scan(ALL), Scan(FEWER), Scan(YES), Scan("T-1")])  # fmt: skip


@given(st.lists(SCANS, max_size=25), st.integers(1, 5), st.sampled_from(["", "T-1"]))
def test_whatever_is_scanned_no_stop_has_too_many_and_no_serial_counts_twice(scans, quantity, tote):
    """What was refused changes nothing, so the walk goes on from where it was."""
    one, tokens = stop(quantity, 1 if tote else 0, tote), ()
    for scan in scans:
        answer = picking.scanned(one, tokens, scan, TODAY)
        if isinstance(answer, Keep):
            tokens = (*tokens, answer.token)
        elif isinstance(answer, Picked):
            before = counted(tokens).units
            assert 0 <= answer.units <= quantity
            assert "bin" in tokens
            assert answer.units == quantity or "fewer" in tokens
            assert answer.units in (before, quantity)
            break
        tally = counted(tokens)
        assert tally.units <= quantity
        assert len(set(tally.serials)) == len(tally.serials)


def test_a_stop_of_a_cart_with_places_begins_with_its_tote():
    assert picking.ask(stop(slot=2), ()).step == "bind"
    assert picking.scanned(stop(slot=2), (), Scan("t-7"), TODAY) == Bound("T-7")
    assert type(picking.scanned(stop(slot=2), (), mug(), TODAY)) is errors.ScanOutOfTurn


def test_a_stop_ends_in_its_tote():
    one, tokens = stop(1, 2, "T-7, T-8"), ("bin", "item|1|")
    assert picking.ask(one, tokens).step == "tote"
    assert picking.scanned(one, tokens, Scan("t-8"), TODAY) == Picked(1)
    assert type(picking.scanned(one, tokens, Scan("T-9"), TODAY)) is errors.ScanWrongTote
    assert type(picking.scanned(one, tokens, mug(), TODAY)) is errors.ScanTooMany


def test_fewer_is_said_twice():
    tokens = ("bin", "item|1|")
    assert picking.scanned(stop(), tokens, Scan(FEWER), TODAY) == Keep("fewer")
    tokens = (*tokens, "fewer")
    assert type(picking.scanned(stop(), tokens, mug(), TODAY)) is errors.ScanOutOfTurn
    assert picking.scanned(stop(), tokens, Scan(YES), TODAY) == Picked(1)
    assert picking.scanned(stop(slot=1, tote="T-1"), tokens, Scan(YES), TODAY) == Keep("sure")
    assert picking.scanned(stop(slot=1, tote="T-1"), (*tokens, "sure"), Scan("T-1"), TODAY) == Picked(1)


# ---- carrying


def test_a_load_is_checked_at_both_ends():
    load = Load(HERE, item(5), THERE)
    assert carrying.ask(load, ()) == ("bin", 0)
    assert type(carrying.scanned(load, (), ANOTHER_BIN, TODAY)) is errors.ScanWrongBin
    assert carrying.scanned(load, (), A_BIN, TODAY) == Keep("bin")
    assert type(carrying.scanned(load, ("bin",), A_LAMP, TODAY)) is errors.ScanWrongItem
    tokens = ("bin", "item|2|")
    assert carrying.ask(load, tokens) == ("target", 2)
    assert type(carrying.scanned(load, tokens, A_BIN, TODAY)) is errors.ScanWrongBin
    assert type(carrying.scanned(load, tokens, NOTHING, TODAY)) is errors.ScanUnknown
    assert carrying.scanned(load, tokens, ANOTHER_BIN, TODAY, "pick") == Carried(2, THERE)


def test_where_it_goes_is_open_but_not_to_any_kind_of_bin():
    load = Load(HERE, item(5), is_checked=True)
    tokens = ("item|5|",)
    assert type(carrying.scanned(load, tokens, ANOTHER_BIN, TODAY, "staging")) is errors.ScanWrongBin
    assert type(carrying.scanned(load, tokens, A_BIN, TODAY, "pick")) is errors.ScanWrongBin
    assert carrying.scanned(load, tokens, ANOTHER_BIN, TODAY, "reserve") == Carried(5, THERE)


def test_the_lot_of_a_load_is_read_where_several_stand_in_the_bin():
    load = Load(HERE, item(5, lot="L-1", mixed=True), THERE)
    read = ("bin", "read|1|")
    assert carrying.scanned(load, ("bin",), mug(), TODAY) == Keep("read|1|")
    assert carrying.ask(load, read) == ("lot", 0)
    for wrong in (ANOTHER_BIN, A_BIN, mug(), Scan(ALL)):
        assert isinstance(carrying.scanned(load, read, wrong, TODAY), Refused)
    assert type(carrying.scanned(load, read, mug(lot="L-2"), TODAY)) is errors.ScanWrongLot
    assert carrying.scanned(load, read, Scan("L-1"), TODAY) == Keep("item|1|")
    more = (*read, "item|1|", "read|1|")
    assert type(carrying.scanned(load, more, ANOTHER_BIN, TODAY)) is errors.ScanUnread, (
        "what is in the hand counts"
    )
    assert carrying.scanned(load, (*more, "item|1|"), ANOTHER_BIN, TODAY) == Carried(2, THERE)


def test_once_one_was_scanned_a_typed_number_says_how_many_there_are():
    load, one = Load(HERE, item(5), is_checked=True), ("item|1|",)
    assert type(carrying.scanned(load, (), Scan("4"), TODAY)) is errors.ScanUnknown
    assert carrying.scanned(load, one, Scan("4"), TODAY) == Keep("units|4")
    assert carrying.ask(load, (*one, "units|4")) == ("target", 4)
    assert carrying.ask(load, (*one, "units|4", "item|1|")) == ("target", 5)
    lotted = Load(HERE, item(5, lot="4"), is_checked=True)
    answer = carrying.scanned(lotted, ("item|1||4",), Scan("4"), TODAY)
    assert answer != Keep("units|4"), "the label of its lot, scanned twice"
    assert type(carrying.scanned(load, one, Scan("6"), TODAY)) is errors.ScanTooMany
    assert type(carrying.scanned(load, one, Scan("0"), TODAY)) is errors.ScanOutOfTurn
    assert type(carrying.scanned(load, ("item|1|S-1",), Scan("2"), TODAY)) is errors.ScanOutOfTurn
    assert carrying.scanned(load, one, Scan("4", bin=THERE), TODAY, "pick") == Carried(1, THERE), (
        "a bin's code"
    )


def test_of_fewer_units_than_a_face_wants_it_is_said_what_is_with_the_rest():
    load, tokens = Load(HERE, item(5), THERE, asks_rest=True), ("bin", "item|2|")
    assert carrying.scanned(load, tokens, ANOTHER_BIN, TODAY) == Keep(carrying.THERE)
    there = (*tokens, carrying.THERE)
    assert carrying.ask(load, there) == ("rest", 2)
    for wrong in (mug(), A_BIN, ANOTHER_BIN, Scan(ALL)):
        assert type(carrying.scanned(load, there, wrong, TODAY)) is errors.ScanOutOfTurn
    assert carrying.scanned(load, there, Scan(carrying.LATER), TODAY) == Carried(2, THERE, later=True)
    assert carrying.scanned(load, there, Scan(YES), TODAY) == Carried(2, THERE)
    assert carrying.scanned(load, ("bin", "item|5|"), ANOTHER_BIN, TODAY) == Carried(5, THERE)


# ---- checking and sorting

ORDER = (Wanted(MUG.id, "MUG", 2), Wanted(LAMP.id, "LAMP", 1, ("S-1",)))


def test_every_unit_is_checked_and_then_the_carton():
    unit, lamp = f"{MUG.id}|1|", f"{LAMP.id}|1|S-1"
    assert checking.scanned(ORDER, (), mug(), TODAY) == Keep(unit)
    assert checking.scanned(ORDER, (unit,), Scan(ALL), TODAY) == Keep(unit)
    assert type(checking.scanned(ORDER, (unit, unit), mug(), TODAY)) is errors.ScanTooMany
    assert type(checking.scanned(ORDER, (), A_LAMP, TODAY)) is errors.ScanUnread
    assert type(checking.scanned(ORDER, (), A_LAMP._replace(serial="S-2"), TODAY)) is errors.ScanWrongSerial
    assert checking.scanned(ORDER, (), Scan("S-1"), TODAY) == Keep(lamp)
    assert type(checking.scanned(ORDER, (lamp,), Scan("S-1"), TODAY)) is errors.ScanSerialTwice
    assert type(checking.scanned(ORDER, (), NOTHING, TODAY)) is errors.ScanUnknown
    assert type(checking.scanned(ORDER, (), A_BIN, TODAY)) is errors.ScanOutOfTurn
    done = (unit, lamp, unit)
    assert checking.open_units(ORDER, done) == []
    assert checking.scanned(ORDER, done, Scan(YES), TODAY) == Packed(None)
    assert checking.scanned(ORDER, done, Scan("box-m"), TODAY) == Packed("BOX-M")
    assert type(checking.scanned(ORDER, done, mug(), TODAY)) is errors.ScanTooMany


def test_packages_are_weighed_in_turn_and_one_weight_more_begins_anew():
    said = [f"weight|{grams}" for grams in (850, 300, 900)]
    found = [checking.in_turn(said[:n], 2) for n in range(4)]
    assert found == [([], 0), ([850], 1), ([850, 300], 0), ([900], 1)]
    assert checking.in_turn(said, 1).said == [900]
    assert checking.in_turn(said, 0) == ([], 0), "nothing is left for a package"
    assert checking.in_turn([*said, "close|C1", "weight|7"], 2).said == [7], (
        "what was closed before had its own"
    )


def test_a_package_that_was_off_is_weighed_again_by_itself():
    said = ("weight|850", "weight|300", "again|1", "weight|310", "weight|900")
    found = [checking.in_turn(said[:n], 2) for n in (3, 4, 5)]
    assert found == [([850, 300], 1), ([850, 310], 0), ([900], 1)]
    assert checking.tallies(said) == {}


def test_a_weight_is_no_reason_for_the_weight_before():
    """The scale types into the field that asks why: it was weighed again."""
    done = (f"{MUG.id}|1|", f"{MUG.id}|1|", f"{LAMP.id}|1|S-1", "weight|5000", "why|")
    assert checking.scanned(ORDER, done, Scan("1090 g"), TODAY) == Keep("weight|1090")
    assert checking.weighed((*done, "weight|1090")) == checking.Scale(1090)
    assert checking.scanned(ORDER, done, Scan("wet paper"), TODAY) == Keep("note|wet paper")


def test_a_lot_that_was_not_picked_is_not_packed():
    order = (Wanted(MUG.id, "MUG", 2, lots=("L-1", "L-2")),)
    assert type(checking.scanned(order, (), mug(lot="L-3"), TODAY)) is errors.ScanWrongLot
    assert isinstance(checking.scanned(order, (), mug(lot="L-2"), TODAY), Keep)
    assert isinstance(checking.scanned(order, (), mug(), TODAY), Keep)


def test_a_number_that_is_noted_is_read_after_the_barcode_or_with_it():
    order = (Wanted(MUG.id, "MUG", 3, ("K-1",), ("L-1",), to_note=2), Wanted(LAMP.id, "LAMP", 1))
    read = (f"read|{MUG.id}",)
    assert checking.scanned(order, (), mug(), TODAY) == Keep(read[0])
    assert type(checking.scanned(order, (), mug(lot="L-9"), TODAY)) is errors.ScanWrongLot
    assert type(checking.scanned(order, (), mug(expires_on=date(2020, 1, 1)), TODAY)) is errors.ScanExpired
    assert checking.scanned(order, (), mug(units=24), TODAY) == Keep(read[0]), "one at a time"
    first = Keep(f"{MUG.id}|1|N-1")
    assert checking.scanned(order, read, Scan("N-1"), TODAY) == first
    assert checking.scanned(order, read, Scan("(21)N-1", serial="N-1"), TODAY) == first
    assert checking.scanned(order, (), mug(serial="N-1"), TODAY) == first
    assert checking.scanned(order, (), Scan("K-1"), TODAY) == Keep(f"{MUG.id}|1|K-1"), "known from its bin"
    said = (*read, first.token)
    assert type(checking.scanned(order, (*said, *read), Scan("N-1"), TODAY)) is errors.ScanSerialTwice
    assert type(checking.scanned(order, (*said, *read), Scan("x" * 101), TODAY)) is errors.ScanUnknown
    assert type(checking.scanned(order, said, Scan(ALL), TODAY)) is errors.ScanOutOfTurn
    said = (*said, *read, f"{MUG.id}|1|N-2")
    assert type(checking.scanned(order, (*said, *read), Scan("N-3"), TODAY)) is errors.ScanWrongSerial
    said = (*said, f"{MUG.id}|1|K-1")
    assert type(checking.scanned(order, said, mug(), TODAY)) is errors.ScanTooMany
    assert checking.scanned(order, (*said, *read), A_LAMP, TODAY) == Keep(f"{LAMP.id}|1|"), "another is begun"
    one, other = uuid7(), uuid7()
    lines = [(one, MUG.id, 1), (other, MUG.id, 1)]
    assert checking.noted(order, said, lines) == [(one, "N-1"), (other, "N-2")]
    assert checking.new_serial(order, first) == (MUG.id, "N-1")
    assert all(
        checking.new_serial(order, Keep(token)) is None
        for token in (*read, f"{MUG.id}|1|K-1", f"{LAMP.id}|1|", "weight|850", "close|S")
    )


@pytest.mark.parametrize(
    ("typed", "grams"), [("850 g", 850), ("850g", 850), ("1.25 kg", 1250), ("1,25KG", 1250), ("0.0004 kg", 0)]
)
def test_a_weight_that_is_off_is_packed_with_why_it_is_right(typed, grams):
    done = (f"{MUG.id}|2|", f"{LAMP.id}|1|S-1")
    said = checking.scanned(ORDER, done, Scan(typed), TODAY)
    assert said == Keep(f"weight|{grams}")
    assert checking.open_units(ORDER, (*done, said.token)) == []
    if not grams:
        return
    assert checking.scanned(ORDER, (*done, said.token), Scan(YES), TODAY) == Packed(None, grams)
    why = checking.scanned(ORDER, (*done, said.token), Scan(checking.WHY), TODAY)
    asked = (*done, said.token, why.token)
    assert type(checking.scanned(ORDER, asked, Scan(YES), TODAY)) is errors.ScanOutOfTurn
    note = checking.scanned(ORDER, asked, Scan("a new lid"), TODAY)
    noted = (*asked, note.token)
    assert checking.scanned(ORDER, noted, Scan("box-m"), TODAY) == Packed("BOX-M", grams, "a new lid")
    again = checking.scanned(ORDER, noted, Scan("900 g"), TODAY)
    assert checking.weighed((*noted, again.token)) == checking.Scale(900), "the note was about another weight"


CARTONS = ("C1", "C2")


def test_a_carton_that_is_full_is_closed_and_the_rest_goes_into_another():
    unit, lamp = f"{MUG.id}|1|", f"{LAMP.id}|1|S-1"

    def scanned(tokens: tuple[str, ...], scan: Scan) -> object:
        return checking.scanned(ORDER, tokens, scan, TODAY, CARTONS)

    assert type(scanned((), Scan(checking.FULL))) is errors.ScanOutOfTurn, "nothing is in it"
    assert scanned((unit,), Scan(checking.FULL)) == Keep("full|")
    full = (unit, "full|")
    assert checking.asks_carton(full)
    for wrong in (mug(), Scan(ALL), Scan(YES), A_BIN, Scan(checking.FULL)):
        assert type(scanned(full, wrong)) is errors.ScanOutOfTurn
    assert type(scanned(full, Scan("huge"))) is CartonUnknown
    assert scanned(full, Scan("1.1 kg")) == Keep("weight|1100")
    assert scanned((*full, "weight|1100"), Scan("c1")) == Keep("close|C1")

    first = (*full, "weight|1100", "close|C1")
    assert not checking.asks_carton(first)
    assert type(scanned(first, Scan(checking.FULL))) is errors.ScanOutOfTurn, "the next one is empty"
    assert checking.open_units(ORDER, first) == [(ORDER[0], 1), (ORDER[1], 1)]
    assert type(scanned((*first, unit), mug())) is errors.ScanTooMany, "what is closed counts"

    done = (*first, unit, lamp)
    closed = (Closed("C1", {MUG.id: 1}, 1_100),)
    assert scanned(done, Scan("c2")) == Packed("C2", None, "", closed)
    assert scanned(done, Scan(YES)) == Packed(None, None, "", closed)
    assert scanned(done, Scan(checking.WHY)) == Keep("why|"), "the weight of the first may be off"
    assert checking.weighed((*done, "weight|300")) == checking.Scale(300)


@given(st.data())
def test_every_unit_is_in_one_carton_however_they_are_closed(data: st.DataObject):
    """Units of lines of the same SKU are shared out over cartons: none twice, none lost."""
    lines = [
        (UUID(int=100 + n), UUID(int=data.draw(st.integers(1, 3))), data.draw(st.integers(1, 5)))
        for n in range(data.draw(st.integers(1, 6)))
    ]
    left = Counter({sku: 0 for _, sku, _ in lines})
    for _, sku, units in lines:
        left[sku] += units
    cartons = []
    for _ in range(data.draw(st.integers(0, 4))):
        taken = {sku: data.draw(st.integers(0, units)) for sku, units in left.items()}
        left.subtract(taken)
        cartons.append(taken)

    found = checking.by_line(cartons, lines)

    assert len(found) == len(cartons) + 1
    in_all = Counter()
    for one in found:
        in_all.update(one)
    assert in_all == Counter({line: units for line, _, units in lines})
    sku_of = {line: sku for line, sku, _ in lines}
    for taken, one in zip(cartons, found, strict=False):
        by_sku = Counter()
        for line, units in one.items():
            by_sku[sku_of[line]] += units
        assert +by_sku == +Counter(taken)


def test_what_the_one_who_scans_can_not_settle_is_for_a_person():
    expired = check_item(item(), Tally(), mug(expires_on=date(2026, 11, 27)), TODAY)
    unknown = errors.ScanUnknown(scanned="x", wanted="y")
    assert find_of(expired, "5012345600001", of_goods=False) == "expired"
    assert find_of(unknown, "4006381333931", of_goods=True) == "unknown"
    assert find_of(unknown, "4006381333931", of_goods=False) is None
    assert find_of(unknown, "mug", of_goods=True) is None
    assert find_of(errors.ScanSerialTwice(scanned="S-1"), "5012345600001", of_goods=True) is None


@pytest.mark.parametrize(
    ("scan", "opens", "refusal"),
    [
        (A_BIN, ("bin",), errors.ScanWrongBin),
        (A_BIN, ("item", "name"), errors.ScanOutOfTurn),
        (A_LAMP, ("item",), errors.ScanWrongItem),
        (A_LAMP, ("bin",), errors.ScanOutOfTurn),
        (NOTHING, ("bin", "item"), errors.ScanUnknown),
        (Scan("pl-7"), ("name",), errors.ScanDone),
    ],
)
def test_what_opens_nothing_of_a_list_is_told_apart(scan, opens, refusal):
    assert type(astray(scan, "something of this list", opens, {"PL-7"})) is refusal


class Row:
    def __init__(self, number: int, sku: Named, tote: str = "") -> None:
        self.task, self.sku, self.sku_code, self.tote = UUID(int=number), sku.id, sku.code, tote


def test_what_lies_on_a_cart_goes_to_the_place_of_its_order():
    rows = [Row(1, MUG), Row(2, MUG, "W-2"), Row(3, LAMP)]
    chosen = sorting.scanned(rows, (), mug())
    assert chosen == Keep(f"stop|{rows[1].task}"), "an order that has a place comes first"
    tokens = (chosen.token,)
    assert type(sorting.scanned(rows, tokens, Scan("W-3"))) is errors.ScanWrongTote
    assert type(sorting.scanned(rows, tokens, mug())) is errors.ScanOutOfTurn
    assert sorting.scanned(rows, tokens, Scan("w-2")) == sorting.Sorted(rows[1].task, "W-2")
    assert isinstance(sorting.scanned(rows, (), NOTHING), Refused)
    assert sorting.scanned(rows, (f"stop|{rows[2].task}",), Scan("W-9")) == sorting.Sorted(
        rows[2].task, "W-9"
    )


# ---- counting


class Goods:
    def __init__(
        self, sku: Named, lot: str = "", serial: str = "", by_serial: bool = False, status: str = "sellable"
    ):
        self.sku, self.sku_code, self.lot, self.serial = sku.id, sku.code, lot, serial
        self.by_serial, self.status = by_serial, status


def tallied(goods, *scans: Scan, whole: bool = True):
    """All scans in turn; the last answer, and what was kept."""
    tokens: tuple[str, ...] = ()
    answer = None
    for scan in scans:
        answer = tallying.scanned(goods, whole, tokens, scan)
        if isinstance(answer, Keep):
            tokens = (*tokens, answer.token)
    return answer, tokens


def totals(reported) -> list[tuple[str, str, str, int]]:
    return [(pile.code, pile.lot, pile.serial, units) for pile, units in reported.units]


DONE = (Scan("=finished"), Scan(YES))


def test_each_pile_was_counted_with_its_last_scan():
    _, tokens = tallied([Goods(MUG), Goods(LAMP)], mug(), A_LAMP, Scan("2"), mug(), Scan("=finished"))
    kept = [
        tallying.marked(token, datetime(2026, 3, 2, 9, place, tzinfo=UTC))
        for place, token in enumerate(tokens)
    ]
    assert tallying.bare(kept) == tokens
    assert {pile.code: at.minute for pile, at in tallying.moments(kept).items()} == {"MUG": 3, "LAMP": 2}
    assert tallying.moments(tokens) == {}, "what was kept before moments were"


def test_a_count_is_what_was_scanned_and_zero_of_the_rest():
    answer, _ = tallied([Goods(MUG), Goods(LAMP)], mug(), mug(units=12), mug(), *DONE)
    assert totals(answer) == [("MUG", "", "", 14), ("LAMP", "", "", 0)]
    answer, _ = tallied([Goods(MUG)], mug(), Scan("37"), A_LAMP, Scan("2"), *DONE)
    assert totals(answer) == [("MUG", "", "", 37), ("LAMP", "", "", 2)], "also what nobody expected"


def test_a_count_tells_lots_and_serials_apart():
    goods = [Goods(MUG, "L1"), Goods(MUG, "L2"), Goods(LAMP, "", "S-1", by_serial=True)]
    assert type(tallied(goods, A_LAMP)[0]) is errors.ScanUnread, "which serial?"
    lamp = A_LAMP._replace(serial="S-2")
    assert type(tallied(goods, lamp, lamp)[0]) is errors.ScanSerialTwice
    assert type(tallied(goods, lamp, Scan("2"))[0]) is errors.ScanTooMany
    answer, _ = tallied(goods, mug(lot="L2"), lamp, Scan("S-1"), *DONE)
    assert totals(answer) == [
        ("MUG", "L2", "", 1),
        ("LAMP", "", "S-2", 1),
        ("LAMP", "", "S-1", 1),
        ("MUG", "L1", "", 0),
    ]


def test_the_lot_of_a_barcode_that_has_none_is_said_and_may_be_a_new_one():
    goods = [Goods(MUG, "L1"), Goods(MUG, "L2")]
    for wrong in (mug(), A_BIN, Scan("=finished"), Scan(tallying.NO_LOT)):
        assert type(tallied(goods, mug(), wrong)[0]) is errors.ScanUnread
    assert type(tallied(goods, mug(), A_LAMP._replace(lot="L2"))[0]) is errors.ScanUnread
    for said in (Scan("=lot|A-01"), A_BIN):
        answer, _ = tallied([Goods(MUG, "A-01"), Goods(MUG, "L2")], mug(), said, *DONE)
        assert totals(answer)[0] == ("MUG", "A-01", "", 1), "called as the bin is"
    answer, _ = tallied(goods, mug(), mug(lot="L2", units=12), *DONE)
    assert totals(answer) == [("MUG", "L2", "", 1), ("MUG", "L1", "", 0)], (
        "the case has a barcode with its lot"
    )
    answer, tokens = tallied(goods, mug(), Scan("l2"), Scan("7"), mug(units=3), Scan("L9"), *DONE)
    assert totals(answer) == [("MUG", "L2", "", 7), ("MUG", "L9", "", 3), ("MUG", "L1", "", 0)]
    assert tallying.read_last(tokens) is None
    answer, _ = tallied([Goods(MUG), Goods(MUG, "L1")], mug(), Scan(tallying.NO_LOT), *DONE)
    assert totals(answer) == [("MUG", "", "", 1), ("MUG", "L1", "", 0)]
    assert totals(tallied([Goods(MUG, "L1")], mug(), *DONE)[0]) == [("MUG", "L1", "", 1)], "there is only one"


def test_the_lot_of_what_nobody_expected_is_asked_for_where_it_is_kept_by_lot():
    kept = tallying.scanned([], True, (), mug(), None, {MUG.id})
    assert isinstance(kept, Keep) and tallying.read_last((kept.token,)).code == "MUG"
    assert tallying.read_last((tallying.scanned([], True, (), mug(), None).token,)) is None
    assert tallying.read_last((tallying.scanned([], True, (), mug(lot="L1"), None, {MUG.id}).token,)) is None


@pytest.mark.parametrize(
    ("scan", "refusal"),
    [
        (A_LAMP, errors.ScanWrongItem),
        (A_BIN, errors.ScanWrongBin),
        (NOTHING, errors.ScanUnknown),
        (Scan("12"), errors.ScanOutOfTurn),
    ],
)
def test_what_is_not_to_be_counted_is_told_apart(scan, refusal):
    assert type(tallied([Goods(MUG)], scan, whole=False)[0]) is refusal


def test_a_count_is_reported_at_the_second_tap():
    answer, tokens = tallied([Goods(MUG)], Scan("=finished"), mug())
    assert type(answer) is errors.ScanOutOfTurn
    assert tokens == ("finished",)


# ---- receiving


def docked(*scans: Scan, policy: str = "none", to_come: int = 24):
    """All scans in turn; the last answer, and what is in the hands after it."""
    tokens: tuple[str, ...] = ()
    answer = None
    for scan in scans:
        answer = docking.scanned(tokens, policy, to_come, scan, TODAY)
        if isinstance(answer, Keep):
            tokens = (*tokens, answer.token)
    return answer, docking.load(tokens)


SURE, DAMAGED = Scan(YES), Scan(docking.DAMAGED)


def test_what_is_in_the_hands_is_taken_in_with_lot_day_serials_and_damage():
    answer, _ = docked(mug(), mug(units=12), SURE)
    assert answer.load == docking.Load(MUG.id, "MUG", 13)
    answer, _ = docked(mug(), Scan("20"), DAMAGED, Scan("the handles are off"), SURE)
    assert answer.load == docking.Load(MUG.id, "MUG", 20, damaged=True, note="the handles are off")
    assert docked(mug(), Scan(ALL), SURE)[0].load.units == 24
    assert docked(mug(serial="S-1"), mug(serial="S-2"), SURE)[0].load.serials == ("S-1", "S-2")
    answer, _ = docked(A_LAMP, Scan("L2"), Scan("270731"), Scan("3"), SURE, policy="lot_expiry")
    assert answer.load == docking.Load(LAMP.id, "LAMP", 3, "L2", date(2027, 7, 31))


def test_the_next_goods_take_in_those_before():
    for scans in ((mug(), A_LAMP), (mug(lot="L1"), mug(lot="L2")), (mug(), mug(serial="S-1"))):
        answer, before = docked(*scans)
        assert (answer.load, docking.load([answer.then])) == (before, docked(scans[-1])[1])


@pytest.mark.parametrize(
    "scans", [(mug(expires_on=date(2026, 11, 27)),), (A_LAMP, Scan("L1"), Scan("261127"))]
)
def test_what_has_expired_goes_to_the_command_that_refuses_it_with_work_for_a_person(scans):
    answer, _ = docked(*scans, policy="lot_expiry" if len(scans) > 1 else "none")
    assert answer.load.expires_on == date(2026, 11, 27)
    assert not answer.then


@pytest.mark.parametrize(
    ("scans", "policy", "refusal"),
    [
        ((NOTHING,), "none", errors.ScanUnknown),
        ((A_BIN,), "none", errors.ScanOutOfTurn),
        ((Scan("7"),), "none", errors.ScanUnknown),
        ((mug(), Scan("0")), "none", errors.ScanOutOfTurn),
        ((mug(serial="S-1"), mug(serial="S-1")), "none", errors.ScanSerialTwice),
        ((mug(serial="S-1"), Scan("4")), "none", errors.ScanOutOfTurn),
        ((mug(), DAMAGED, SURE), "none", errors.ScanOutOfTurn),
        ((A_LAMP, mug()), "lot", errors.ScanOutOfTurn),
        ((A_LAMP, SURE), "lot", errors.ScanOutOfTurn),
        ((A_LAMP, Scan("L1"), Scan("261345")), "lot_expiry", errors.ScanOutOfTurn),
    ],
)
def test_what_can_not_have_come_is_told_apart(scans, policy, refusal):
    answer, after = docked(*scans, policy=policy)
    assert type(answer) is refusal
    assert after == docked(*scans[:-1], policy=policy)[1], "and changes nothing"


AT_THE_DOCK = st.sampled_from([mug(), mug(units=7), mug(serial="S-1"), mug(serial="S-2"), A_LAMP, Scan("L1"),
                               Scan("270630"), Scan(ALL), Scan("4"), DAMAGED, SURE])  # fmt: skip


@given(st.lists(AT_THE_DOCK, max_size=20), st.sampled_from(["none", "lot", "lot_expiry"]))
def test_whatever_is_scanned_a_load_has_its_lot_and_as_many_serials_as_units(scans, policy):
    answer, _ = docked(*scans, policy=policy)
    if isinstance(answer, docking.TakeIn):
        one = answer.load
        assert one.units > 0
        assert not one.serials or len(one.serials) == len(set(one.serials)) == one.units
        assert policy == "none" or one.lot
        assert not one.damaged or one.note


# ---- plates

PLATE_BIN = Named(uuid7(), "R-9")


def a_plate(*goods: Alike, at: Named | None = PLATE_BIN) -> Plate:
    return Plate(uuid7(), "376104250021234569", at, goods)


def test_a_plate_is_counted_whole_beside_loose_units_and_once():
    pens, ink = Alike(uuid7(), "PEN", 10), Alike(uuid7(), "INK", 4, "L1")
    plate, loose = a_plate(pens, ink), Scan("PEN", (Named(pens.sku, "PEN"),))
    tokens: list[str] = []
    for scan in (Scan(plate.number, plate=plate), loose, Scan("5")):
        found = tallying.scanned([], True, tokens, scan, PLATE_BIN)
        assert isinstance(found, Keep), found
        tokens.append(found.token)
    assert {(pile.code, pile.lot): units for pile, units in tallying.piles(tokens).items()} == {
        ("PEN", ""): 15, ("INK", "L1"): 4,
    }  # fmt: skip
    again = tallying.scanned([], True, tokens, Scan(plate.number, plate=plate), PLATE_BIN)
    elsewhere = tallying.scanned([], True, tokens, Scan("x", plate=a_plate(pens, at=None)), PLATE_BIN)
    assert isinstance(again, errors.ScanDone) and isinstance(elsewhere, errors.ScanWrongBin)
    reported = tallying.scanned([], True, [*tokens, tallying.FINISHED], Scan(YES), PLATE_BIN)
    assert isinstance(reported, tallying.Reported) and reported.plates == (plate.id,)
    assert isinstance(tallying.scanned([], True, tokens[:1], Scan("5"), PLATE_BIN), errors.ScanOutOfTurn)


def kept(*scans: Scan, goods: tuple = ()) -> list[str]:
    """What a count of the plate's bin keeps of scans."""
    tokens: list[str] = []
    for scan in scans:
        found = tallying.scanned(goods, True, tokens, scan, PLATE_BIN)
        assert isinstance(found, Keep), found
        tokens.append(found.token)
    return tokens


def test_units_of_a_plate_that_are_looked_for_are_counted_with_the_sellable_ones():
    pens = Alike(uuid7(), "PEN", 7)
    plate = a_plate(
        pens, pens._replace(units=3, status="researching"), pens._replace(units=2, status="damaged")
    )
    found = tallying.piles(kept(Scan(plate.number, plate=plate)))
    assert {pile.status: units for pile, units in found.items()} == {"sellable": 10, "damaged": 2}


def test_goods_on_a_plate_and_loose_ones_are_reported_once_with_the_day_on_their_label():
    cake = Alike(uuid7(), "CAKE", 4, "L1")
    plate, named = a_plate(cake), (Named(cake.sku, "CAKE"),)
    dated = Scan("CAKE", named, lot="L1", expires_on=date(2027, 1, 31))
    bare = Scan("CAKE", named, lot="L1")
    for scans in ((Scan("P", plate=plate), dated, bare), (bare, dated, Scan("P", plate=plate))):
        tokens = kept(*scans)
        reported = tallying.scanned([], True, [*tokens, tallying.FINISHED], Scan(YES), PLATE_BIN)
        ((pile, units),) = reported.units
        assert (pile.expires_on, units) == (date(2027, 1, 31), 6)
    assert tallying.last_pile(kept(dated, bare)) == pile, "as it stands among all that was counted"


def test_a_serial_that_was_scanned_before_its_plate_is_one_unit():
    lamp = Alike(uuid7(), "LAMP", 1, serial="S-1")
    single = Scan("LAMP", (Named(lamp.sku, "LAMP"),), serial="S-1")
    assert list(tallying.piles(kept(single, Scan("P", plate=a_plate(lamp)))).values()) == [1]


def test_a_plate_fills_a_pick_face_where_all_of_it_is_wanted():
    sku, face = uuid7(), Named(uuid7(), "A-1")
    load = carrying.Load(PLATE_BIN, Item(sku, "PEN", 20, "L1"), face)
    right = a_plate(Alike(sku, "PEN", 20, "L1"))

    def says(plate: Plate, *tokens: str) -> object:
        return carrying.scanned(load, ("bin", *tokens), Scan(plate.number, plate=plate), TODAY)

    taken = says(right)
    assert isinstance(taken, Keep)
    done = carrying.scanned(load, ("bin", taken.token), Scan("A-1", bin=face), TODAY)
    assert done == carrying.Carried(20, face, right.id)
    assert isinstance(says(right, taken.token), errors.ScanDone)
    assert isinstance(says(right, "item|1|"), errors.ScanOutOfTurn)
    assert isinstance(says(a_plate(Alike(sku, "PEN", 21, "L1"))), errors.ScanTooMany)
    assert isinstance(says(a_plate(Alike(sku, "PEN", 5, "L2"))), errors.ScanWrongLot)
    assert isinstance(
        says(a_plate(Alike(sku, "PEN", 5, "L1"), Alike(uuid7(), "INK", 1))), errors.ScanWrongItem
    )
    assert isinstance(says(a_plate(Alike(sku, "PEN", 5, "L1"), at=face)), errors.ScanWrongBin)
    anywhere = load._replace(target=None)
    found = carrying.scanned(anywhere, ("bin",), Scan(right.number, plate=right), TODAY)
    assert isinstance(found, errors.ScanOutOfTurn)


def test_the_bin_of_a_plate_is_another_one_of_a_kind_that_fits():
    plate = a_plate(Alike(uuid7(), "PEN", 3))
    shelf = Named(uuid7(), "A-1")

    def says(scan: Scan, kind: str = "pick") -> object:
        return carrying.plate_target(plate, carrying.SHELVES, scan, kind)

    assert says(Scan("A-1", bin=shelf)) == shelf
    assert isinstance(says(Scan("A-1", bin=shelf), "staging"), errors.ScanWrongBin)
    assert isinstance(says(Scan("R-9", bin=PLATE_BIN)), errors.ScanWrongBin)
    assert isinstance(says(Scan("PEN", (Named(plate.goods[0].sku, "PEN"),))), errors.ScanOutOfTurn)
    assert isinstance(says(Scan("?")), errors.ScanUnknown)
