"""What a carrier's charge belongs to, and its invoice as CSV."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from entrepot.kernel.ids import uuid7
from entrepot.settlement import carrier_csv, errors
from entrepot.settlement.carriers import WEIGHED_AGAIN, Billed, CarrierTolerance, Due, match, misfit, split

TOLERANCE = CarrierTolerance()


def a_due(charges: dict[str, int] | None = None, weight: int = 900, **changes) -> Due:
    return Due(uuid7(), uuid7(), charges or {"freight": 600, "fuel": 60}, weight, False, "GBP")._replace(
        **changes
    )


def matched(*lines: Billed, due: Due | None = None, charged=()):
    dues = {"T1": due or a_due()}
    return [
        (one.state, one.expected, one.difference, one.why)
        for one in match(lines, dues, set(charged), "GBP", TOLERANCE)
    ]


def test_what_is_within_tolerance_matches_and_the_rest_says_why():
    due = a_due()
    assert matched(Billed("T1", 660), due=due) == [("matched", 660, 0, "")]
    assert matched(Billed("T1", 640, "freight"), Billed("T1", 60, "fuel"), due=due) == [
        ("matched", 600, 40, ""), ("matched", 60, 0, ""),
    ]  # fmt: skip
    assert matched(Billed("T1", 651, "freight"), due=due) == [("differs", 600, 51, "expected 6.00 GBP")]
    assert matched(Billed("T1", 549, "freight"), due=due) == [("differs", 600, -51, "expected 6.00 GBP")]
    assert matched(Billed("T1", 900, "freight", 1_400), due=due) == [
        ("differs", 600, 300, f"{WEIGHED_AGAIN} 1400 g, 900 g by our scale; expected 6.00 GBP")
    ]
    assert matched(Billed("T1", 90, "residential"), due=due)[0][3] == "a surcharge that was not expected"
    assert matched(Billed("T9", 90), due=due) == [("unmatched", 0, 90, "no parcel of ours has this number")]
    assert matched(Billed("t 1", 660), due=due)[0][:2] == ("matched", 660), "as carriers print it"
    assert matched(Billed("T1", 90), due=a_due(voided=True))[0][3] == "its label was voided"
    assert matched(Billed("T1", 90), due=a_due(currency="EUR"))[0][3] == "it was accrued in EUR"


def test_a_credit_is_in_question_below_zero_and_releases_nothing():
    told = "a credit of the carrier: accept it, once the charge that it is for is accepted as well"
    assert matched(Billed("T1", -150, "freight"), Billed("T1", 660), Billed("T9", -5)) == [
        ("differs", 0, -150, told), ("matched", 660, 0, ""), ("unmatched", 0, -5, told),
    ]  # fmt: skip


def test_a_charge_counts_once_in_an_invoice_and_before_it():
    due = a_due()
    assert [one[3] for one in matched(Billed("T1", 660), Billed("T1", 660), Billed("T1", 60, "fuel"), due=due)] == [
        "", "charged before", "charged before",
    ]  # fmt: skip
    assert matched(Billed("T1", 660), due=due, charged=[(due.unit, "fuel")])[0][3] == "charged before"
    assert matched(Billed("T1", 60, "fuel"), due=due, charged=[(due.unit, "freight")])[0][3] == ""
    assert matched(Billed("T1", 660), due=due, charged=[(due.shipment, "total")])[0][3] == "charged before"


@given(
    st.lists(
        st.builds(Billed, st.sampled_from(["T1", "T2"]), st.integers(-500, 2_000),
                  st.sampled_from(["total", "freight", "fuel", "other"])), max_size=8,
    )
)  # fmt: skip
def test_whatever_is_billed_an_accrual_is_released_once_and_every_penny_has_its_place(lines):
    dues = {"T1": a_due(), "T2": a_due({"freight": 300})}
    found = match(lines, dues, set(), "GBP", TOLERANCE)
    assert [one.line for one in found] == lines
    assert all(one.line.amount_minor == one.expected + one.difference for one in found)
    for due in dues.values():
        assert sum(one.expected for one in found if one.unit == due.unit) <= sum(due.charges.values())


@given(st.integers(0, 10**6), st.lists(st.integers(0, 40_000), min_size=1, max_size=5))
def test_packages_bear_what_their_shipment_costs(cost, weights):
    parts = split(cost + 70, [("fuel", 70)], weights)
    assert sum(sum(part.values()) for part in parts) == cost + 70
    assert sum(part["fuel"] for part in parts) == 70


def test_packages_bear_what_each_was_priced_or_bought_at_where_that_is_known():
    priced = [(300, []), (670, [("fuel", 70)])]
    assert split(970, [("fuel", 70)], [5, 900], priced) == [{"freight": 300}, {"freight": 600, "fuel": 70}]
    assert split(971, [], [0, 0], priced) == [{"freight": 486}, {"freight": 485}], (
        "it was priced otherwise since"
    )
    assert split(900, [], [1, 5_000], (), [300, 600]) == [{"freight": 300}, {"freight": 600}]
    assert split(900, [], [0, 0], (), [300, 0]) == [{"freight": 450}, {"freight": 450}], "one was not bought"
    assert split(900, [], [0, 0], (), [400, 200]) == [{"freight": 450}, {"freight": 450}], "accrued otherwise"


def test_an_invoice_that_does_not_add_up_is_not_taken():
    assert misfit("I1", [Billed("T1", 5)], 5, "GBP") is None
    assert isinstance(misfit("I1", [Billed("T1", 5)], 6, "GBP"), errors.InvoiceDoesNotAddUp)
    assert misfit("I1", [Billed("T1", 5), Billed("T1", -2)], 3, "GBP") is None
    for wrong in (
        Billed(" ", 5),
        Billed("T1", -(10**12) - 1),
        Billed("T1", 5, ""),
        Billed("T1", 5, weight_g=-1),
    ):
        assert isinstance(misfit("I1", [wrong], 5, "GBP"), errors.NotACharge)
    assert isinstance(misfit("I1", [], 0, "GBP"), errors.NotACharge)


def test_a_file_is_read_by_the_names_that_carriers_use_or_by_those_given():
    told = "Tracking Number;Net Amount;Charge Description;Billed Weight\n"
    told += "T1;6.00;Transportation;900\nT1;0.60;Fuel Surcharge;\n;;;\n"
    sheet = carrier_csv.read(told, "GBP")
    assert (sheet.faults, sheet.total_minor) == ((), 660)
    assert sheet.lines == (Billed("T1", 600, "freight", 900), Billed("T1", 60, "fuel"))
    named = carrier_csv.read("no,sum\nT2,7\n", "JPY", {"tracking": "no", "amount": "sum"})
    assert named.lines == (Billed("T2", 7),)


def test_amounts_are_read_as_carriers_write_them_and_none_that_could_be_another():
    told = "tracking;amount\nT1;3,45\nT2;1.250,00\nT3;-0,60\n"
    assert [one.amount_minor for one in carrier_csv.read(told, "EUR").lines] == [345, 125_000, -60]
    faults = carrier_csv.read("tracking;amount\nT1;1.250\nT2;1,250\n", "EUR").faults
    assert [(one.line, one.column) for one in faults] == [(2, "amount"), (3, "amount")]
    assert all("which could be 1250 or 1 and a part" in one.message for one in faults), faults


def test_every_fault_of_a_file_is_told_by_line_and_column():
    told = "tracking,amount,weight\n,1.00,5\nT1,1.0051,5\nT2,1e20,5\nT3,x,5\nT4,1,heavy\nT5,NaN,1\n"
    faults = carrier_csv.read(told, "GBP").faults
    assert [(one.line, one.column) for one in faults] == [
        (2, "tracking"), (3, "amount"), (4, "amount"), (5, "amount"), (6, "weight"), (7, "amount"),
    ]  # fmt: skip
    assert faults[1].message == "expected an amount in GBP, such as 7.42, or -7.42 for a credit, found 1.0051"
    (missing,) = carrier_csv.read("a,b\n1,2\n", "GBP", {"amount": "b"}).faults
    assert missing.message == "no such column; the file has a, b"
    assert carrier_csv.read("", "GBP").faults
    assert carrier_csv.read("tracking,amount\n", "GBP").faults[0].message == "no line with a charge"
