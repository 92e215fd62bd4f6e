"""X12: the envelope, the ship notice in it, its acknowledgement, and the lines that it speaks of."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.channels.x12 import goods, parse, render
from entrepot.channels.x12.documents import documents as notices
from entrepot.channels.x12.envelope import X12Error, read
from entrepot.channels.x12.goods import Wanted
from entrepot.channels.x12.parse import Item
from tests import x12

SAMPLES = Path(__file__).parents[3] / "shared" / "data" / "edi" / "x12"
AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def sample(name: str) -> str:
    path = SAMPLES / name
    if not path.is_file():
        pytest.skip(f"the sample {name} is not on this machine")
    return path.read_bytes().decode("utf-8-sig")


def refused(text: str) -> X12Error:
    with pytest.raises(X12Error) as found:
        notices(text)
    return found.value


# ---- documents of others


def test_notices_of_a_distributor_with_pipes_and_line_ends():
    found, said = notices(sample("coedition_856-sample.edi"))
    assert (found.sender, found.control, found.is_test) == (("01", "043109560"), "000046808", True)
    assert [one.reference for _, one in said] == ["002869975", "002869994", "002870006"]
    first = said[0][1]
    assert (first.expected_on, first.carrier) == (date(2013, 4, 1), "UPSM")
    assert first.tracking == "9274896900088944777116"
    (item,) = first.items
    assert (item.order, item.quantity, item.unit, item.barcodes) == ("1572098", 1, "EA", ("883929303526",))


def test_a_notice_with_wrong_counts_dates_and_packages_is_refused_fault_by_fault_and_read_when_mended():
    text = sample("edifabric_ShipNotice.txt")
    assert str(refused(text)) == "segment 47 (GE01): expected 1, the number of sets, found 2"
    text = text.replace("GE*2*", "GE*1*")
    assert refused(text).name == "MAN02"
    text = text.replace("00000010012345614785", "00376104250021234569")
    text = text.replace("00000010012378945698", "00376104250021234576")
    assert str(refused(text)) == "segment 12 (DTM02): expected a day as CCYYMMDD, found 200"
    _, ((_, said),) = notices(text.replace("DTM*011*200~", "DTM*011*20051015~"))
    assert [(one.order, one.sscc, one.quantity) for one in said.items] == [
        ("9988776655", "376104250021234569", 4), ("9988776655", "376104250021234569", 9),
        ("2288115555", "376104250021234576", 4), ("2288115555", "376104250021234576", 9),
    ]  # fmt: skip
    assert (said.carrier, said.tracking) == ("JBHT", "082131")


WRONG = {
    "coedition_850-sample.edi": "ST01",
    "coedition_997-sample.edi": "GE02",
    "edifabric_CorruptIsa.txt": "ISA",
    "edifabric_MixedTransactionsNoEnvelopes.txt": "ISA",
    "edifabric_PurchaseOrderMultiLine.txt": "SE01",
    "edinet_204-MGCTLYST-SAMPLE.EDI": "SE01",
    "edinet_x12.850.edi": "IEA02",
    "edinet_x12.214.edi": "ISA08",
    "edinet_x12.850a.edi": "ISA08",
    "found_940_wilsons.edi": "ST01",
}


@pytest.mark.parametrize(("name", "where"), WRONG.items())
def test_what_is_no_sound_ship_notice_is_refused_where_it_is_wrong(name, where):
    assert refused(sample(name)).name == where


def test_the_acknowledgement_of_another_house_is_read():
    found = read(sample("edifabric_997.txt"))
    assert [one.kind for _, one in found.sets()] == ["997"]


# ---- the tree


def packed(*inside: x12.Level) -> list[tuple[str, str]]:
    """Package and pallet of each item of a notice."""
    _, ((_, said),) = notices(x12.document(x12.notice("N1", *inside)))
    return [(one.sscc, one.pallet) for one in said.items]


def test_a_carton_keeps_its_pallet_and_goods_without_one_are_in_the_pallet_where_it_is_of_one_order():
    pallet, first, second = "376104250021234569", "376104250021234576", "376104250021234583"
    cartons = [x12.package(one, x12.item("A", 2)) for one in (first, second)]
    assert packed(x12.order("PO-1", x12.pallet(pallet, *cartons, x12.item("B", 1)))) == [
        (first, pallet),
        (second, pallet),
        (pallet, ""),
    ]
    # A pallet above two orders is of none of them, and its loose goods are in no package.
    orders = [x12.order(name, x12.package(sscc, x12.item("A", 1)), x12.item("B", 1))
              for name, sscc in (("PO-1", first), ("PO-2", second))]  # fmt: skip
    assert packed(x12.pallet(pallet, *orders)) == [(first, pallet), ("", ""), (second, pallet), ("", "")]
    # A carton alone on what bears the same number stands on nothing.
    assert packed(x12.order("PO-1", x12.pallet(first, x12.package(first, x12.item("A", 1))))) == [(first, "")]


def test_of_pallets_in_one_another_goods_stand_on_the_innermost():
    outer, inner, carton = "376104250021234569", "376104250021234576", "376104250021234583"
    nested = x12.pallet(inner, x12.package(carton, x12.item("A", 2)), x12.item("B", 1))
    assert packed(x12.pallet(outer, x12.order("PO-1", nested))) == [(carton, inner), (inner, "")]


def test_lot_expiry_and_serials_of_items_in_a_package_on_a_pallet():
    text = x12.document(
        x12.notice(
            "N1", x12.order("PO-1", x12.pallet("376104250021234569", x12.package(
                "376104250021234576", x12.item("A", 2, lot="L1", expires_on="20270101", serials=("S1", "S2"))
            )))
        )
    )  # fmt: skip
    _, ((_, said),) = notices(text)
    (item,) = said.items
    assert (item.pallet, item.sscc) == ("376104250021234569", "376104250021234576")
    assert (item.lot, item.expires_on) == ("L1", date(2027, 1, 1))
    assert item.serials == ("S1", "S2")


FAULTS = {
    "BSN*00*": ("BSN**", "BSN01"),
    "SN1**2*EA": ("SN1**2.5*EA", "SN102"),
    "SN1**2*": ("SN1**0*", "SN102"),
    "PRF*PO-1": ("PRF*", "PRF01"),
    "LIN**BP*A": ("LIN**XX*A", "LIN02"),
    "HL*2*1*O": ("HL*2*9*O", "HL02"),
    "HL*2*1*": ("HL*1*1*", "HL01"),
    "HL*3*2*P": ("HL*3*2*Q", "HL03"),
    "MAN*GM*00376104250021234576": ("MAN*GM*00376104250021234577", "MAN02"),
    "CTT*4*2": ("CTT*4*3", "CTT02"),
    "CTT*4*": ("CTT*9*", "CTT01"),
    "HL*1**S": ("HL*1**O", "HL02"),
}


@pytest.mark.parametrize("was", FAULTS)
def test_what_a_notice_says_wrong_is_named_by_its_segment_and_element(was):
    becomes, where = FAULTS[was]
    text = plain()
    assert was in text
    assert refused(text.replace(was, becomes)).name == where


def plain() -> str:
    packed = x12.package("376104250021234576", x12.item("A", 2))
    return x12.document(x12.notice("N1", x12.order("PO-1", packed)))


@given(st.integers(min_value=0, max_value=2000))
def test_any_document_that_is_cut_off_is_refused(length):
    text = plain().rstrip("\n")
    refused(text[: min(length, len(text) - 1)])


@given(st.integers(1, 10_000), st.sampled_from(["SE*", "GE*", "IEA*"]))
def test_any_wrong_count_is_refused(count, name):
    text = plain()
    start = text.index(f"~\n{name}") + 2 + len(name)
    right = text[start : text.index("*", start)]
    changed = text[:start] + str(count) + text[start + len(right) :]
    if str(count) == right:
        notices(changed)
    else:
        assert refused(changed).name == f"{name[:-1]}01"


@given(st.data())
def test_without_any_one_segment_a_document_is_refused(data):
    lines = plain().splitlines(keepends=True)
    del lines[data.draw(st.integers(0, len(lines) - 1))]
    refused("".join(lines))


# ---- what we write

NAMES = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=1, max_size=15)


@given(NAMES, NAMES, st.integers(0, 999_999_999), st.lists(st.lists(st.booleans(), min_size=1, max_size=4),
                                                            min_size=1, max_size=3))  # fmt: skip
def test_an_acknowledgement_reads_back_and_says_of_each_set_whether_it_was_taken(
    sender, receiver, number, taken
):
    groups = [
        ("SH", str(place), [("856", f"{each:04}", [("BSN", "00")]) for each in range(len(of))])
        for place, of in enumerate(taken, 1)
    ]
    came = read(render.written(("ZZ", sender), ("01", receiver), str(number), AT, groups))
    refused_sets = {
        (str(place), f"{each:04}"): "no"
        for place, of in enumerate(taken, 1)
        for each, accepted in enumerate(of)
        if not accepted
    }
    back = read(render.acknowledgement(came, refused_sets, AT))
    assert (back.sender, back.receiver, back.control) == (came.receiver, came.sender, came.control)
    assert len(back.groups[0].sets) == len(taken)
    for told, of in zip(back.groups[0].sets, taken, strict=True):
        assert [one.at(1) == "A" for one in told.segments if one.name == "AK5"] == of
        end = told.segments[-1]
        assert end.elements[1:] == (str(len(of)), str(len(of)), str(sum(of)))
        assert end.at(1) == ("A" if all(of) else "P" if any(of) else "R")


# ---- our order lines


def wanted(number: int, code: str, to_come: int, barcode: str = "", cases=()) -> Wanted:
    return Wanted(UUID(int=1), UUID(int=2), number, UUID(int=100 + number), code, barcode, to_come, cases)


def test_goods_are_found_by_code_barcode_and_case_and_of_two_lines_the_one_that_waits():
    orders = {"PO-1": [
        wanted(1, "A", 5, "4006381333931"), wanted(2, "A", 50, "4006381333931"),
        wanted(3, "B", 48, "", (("14006381333938", 24),)),
    ]}  # fmt: skip
    found = goods.lines(
        [
            Item(9, "PO-1", 5, "EA", barcodes=("4006381333931",)),
            Item(10, "PO-1", 5, "EA", codes=("A",)),
            Item(11, "PO-1", 2, "CA", barcodes=("14006381333938",)),
            Item(12, "PO-1", 1, "EA", vendor="B"),
        ],
        orders,
    )
    assert [(one.line.int - 100, one.quantity) for one in found] == [(1, 5), (2, 5), (3, 48), (3, 1)]


@pytest.mark.parametrize(
    ("item", "where"),
    [
        (Item(9, "PO-9", 1, "EA", codes=("A",)), "PRF01"),
        (Item(9, "PO-1", 1, "EA", codes=("Z",)), "LIN"),
        (Item(9, "PO-1", 1, "CA", codes=("A",)), "SN103"),
    ],
)
def test_an_order_goods_or_a_unit_that_we_do_not_know_is_refused(item, where):
    with pytest.raises(X12Error) as found:
        goods.lines([item], {"PO-1": [wanted(1, "A", 5)]})
    assert (found.value.segment, found.value.name) == (9, where)


def test_an_item_in_no_order_is_refused():
    assert parse.INSIDE["I"] == "SOTP"
    text = x12.document(x12.notice("N1", x12.item("A", 1)))
    assert refused(text).name == "HL02"


# ---- what a notice is for


def said(purpose: str, *inside: x12.Level) -> parse.ShipNotice:
    _, ((_, one),) = notices(x12.document(x12.notice("N1", *inside, purpose=purpose)))
    return one


def test_a_replacement_says_its_goods_and_a_cancellation_only_of_which_orders_it_is():
    replaced = said("05", x12.order("PO-1", x12.item("A", 2)))
    assert (replaced.purpose, replaced.orders, len(replaced.items), replaced.misfit()) == (
        "05",
        ("PO-1",),
        1,
        None,
    )
    cancelled = said("01", x12.order("PO-1"), x12.order("PO-2"))
    assert (cancelled.purpose, cancelled.orders, cancelled.items) == ("01", ("PO-1", "PO-2"), ())
    assert cancelled.misfit() is None


@given(st.integers(0, 99).map("{:02}".format))
def test_only_what_says_a_notice_as_a_whole_is_acted_upon(purpose):
    one = said(purpose, x12.order("PO-1", x12.item("A", 2)))
    wrong = one.misfit()
    assert (wrong is None) == (purpose in ("00", "01", "05"))
    if wrong:
        assert (wrong.name, wrong.found) == ("BSN01", "04 (changed in part)" if purpose == "04" else purpose)


def test_a_cancellation_that_names_no_order_could_be_of_anybody():
    wrong = said("01").misfit()
    assert wrong is not None
    assert wrong.name == "PRF01"
