"""What invoices say, and their XML: EN 16931 read back."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entrepot.settlement import invoicing, ubl
from entrepot.settlement.invoicing import CREDIT_NOTE, INVOICE, Detail, Line, Place, lines_of, rate_of

HOME = Place("GB", "GB")
TWENTY, FIVE = Decimal("0.2"), Decimal("0.05")
SPACES = {"cac": ubl.CAC, "cbc": ubl.CBC}

money_ = st.integers(0, 10**7)
details_ = st.lists(
    st.tuples(st.integers(1, 9), money_, money_, money_, money_).map(lambda of: Detail("A", "Thing", *of)), max_size=3
)  # fmt: skip
amounts_ = st.dictionaries(
    st.sampled_from(
        [
            "goods",
            "shipping",
            "discount",
            "fee",
            "fee_tax",
            "clawback",
            "clawback_tax",
            "exchanged",
            "tax",
            "manual",
        ]
    ),
    st.integers(-(10**7), 10**7),
)


def test_a_line_bears_the_rate_in_force_that_fits_and_else_what_its_amounts_make():
    assert rate_of(1000, 200, {TWENTY, FIVE}) == TWENTY
    assert rate_of(999, 50, {TWENTY, FIVE}) == FIVE
    assert rate_of(3, 1, {TWENTY, FIVE}) == TWENTY
    assert rate_of(1000, 77, {TWENTY, FIVE}) == Decimal("0.0770")
    assert rate_of(1000, 0, {TWENTY}) == 0


def test_units_of_a_shipment_are_lines_and_what_is_left_is_one_for_each_kind():
    lines = lines_of(
        [Detail("A", "Mug", 2, 2000, 200, 100, 380)],
        {"goods": 2000, "discount": -200, "shipping": 600, "tax": 480},
        {TWENTY},
        HOME,
    )

    assert [(one.description, one.net, one.tax, one.rate) for one in lines] == [
        ("Mug", 1900, 380, TWENTY),
        ("Shipping", 500, 100, TWENTY),
    ]
    assert invoicing.groups(lines) == [invoicing.Group("S", TWENTY, 2400, 480)]


def test_a_fee_reduces_a_credit_note():
    lines = lines_of(
        [Detail("A", "Mug", 1, 1000, tax=200)], {"goods": 1000, "tax": 200, "fee": -300}, {TWENTY}, HOME
    )
    assert [(one.description, one.net, one.tax, one.category) for one in lines] == [
        ("Mug", 1000, 200, "S"),
        ("Return fee", -300, 0, "Z"),
    ]


def test_tax_alone_is_told_as_its_goods_with_it_less_the_same_without():
    """BR-Z-09 wants no tax of what bears none, BR-CO-17 tax that is its rate of its base."""
    lines = lines_of([], {"tax": 200}, {TWENTY, FIVE}, HOME, billed=FIVE)
    assert [(one.description, one.net, one.tax, one.category, one.rate) for one in lines] == [
        ("Goods, as taxed", 4_000, 200, "S", FIVE),
        ("Goods, without tax", -4_000, 0, "Z", 0),
    ]
    (taxed, free) = lines_of([], {"tax": 7}, set(), HOME)
    assert (taxed.net, taxed.tax, taxed.rate, free.net, free.tax) == (7, 7, 1, -7, 0), "nobody knows the rate"


def test_tax_that_is_no_part_of_its_line_stands_beside_it():
    (mug, taxed, free) = lines_of(
        [Detail("A", "Mug", 1, 10, tax=200)], {"goods": 10, "tax": 200}, {TWENTY}, HOME
    )
    assert (mug.description, mug.net, mug.tax, mug.rate) == ("Mug", 10, 0, 0)
    assert (taxed.description, taxed.net, taxed.tax, taxed.rate) == ("Mug, as taxed", 1_000, 200, TWENTY)
    assert (free.net, free.tax) == (-1_000, 0)


def test_the_rate_of_most_of_the_tax_is_the_rate_that_was_billed():
    mug, book = Line("A", "Mug", 1, 1000, 0, 0, 200, "S", TWENTY), Line("B", "Book", 1, 9000, 0, 0, 0, "Z")
    assert invoicing.main_rate([mug, book]) == TWENTY
    assert invoicing.main_rate([book]) == 0


def test_the_tax_in_what_is_kept_is_tax_of_the_credit_note():
    lines = lines_of(
        [Detail("A", "Mug", 1, 1000, tax=200)],
        {"goods": 1000, "tax": 200, "fee": -250, "fee_tax": -50, "clawback": -100, "clawback_tax": -20},
        {TWENTY},
        HOME,
    )
    assert [(one.description, one.net, one.tax, one.category) for one in lines] == [
        ("Mug", 1000, 200, "S"),
        ("Return fee", -250, -50, "S"),
        ("Promotion lost", -100, -20, "S"),
    ]
    assert invoicing.groups(lines) == [invoicing.Group("S", TWENTY, 650, 130)]


def test_goods_that_are_exchanged_are_the_goods_that_came():
    lines = lines_of([Detail("A", "Mug", 1, 1000, tax=200)], {"exchanged": 1000, "tax": 200}, {TWENTY}, HOME)
    assert [(one.description, one.net, one.tax) for one in lines] == [("Mug", 1000, 200)]


@pytest.mark.parametrize(
    ("place", "category"),
    [
        (Place("GB", "GB"), "Z"), (Place("GB", "US"), "G"), (Place("DE", "FR", is_business=True), "K"),
        (Place("DE", "FR"), "Z"), (Place("DE", "CH", is_business=True), "G"), (Place("DE", ""), "Z"),
    ],
)  # fmt: skip
def test_what_bears_no_tax_says_why(place, category):
    assert invoicing.category_of(Decimal(0), place) == category
    assert invoicing.category_of(TWENTY, place) == "S"


@given(details_, amounts_)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_lines_make_what_was_posted_to_the_minor_unit(details, amounts):
    lines = lines_of(details, amounts, {TWENTY, FIVE}, HOME)

    assert sum(one.net for one in lines) == sum(
        amount for kind, amount in amounts.items() if kind not in invoicing.TAXES
    )
    assert sum(one.tax for one in lines) == sum(amounts.get(kind, 0) for kind in invoicing.TAXES)
    groups = invoicing.groups(lines)
    assert sum(one.net for one in groups) == sum(one.net for one in lines)
    assert sum(one.tax for one in groups) == sum(one.tax for one in lines)
    for one in lines:  # BR-S-05, BR-Z-05, BR-Z-09, BR-CO-17
        assert (0 < one.rate <= 1) if one.category == "S" else (one.rate == one.tax == 0)
        assert abs(one.net * one.rate - one.tax) <= max(Decimal("1.5"), abs(one.net) * Decimal("0.000001"))


# ---- XML


def a_paper(lines, kind=INVOICE, currency="EUR", **facts):
    seller = ubl.Party(
        "Hearth & Home Ltd", "DE", "1 High St", "", "Leeds", "LS1", "", "DE123456788", "hearth"
    )
    told = {
        "order": "SO1", "corrects": (), "seller": seller, "buyer": ubl.Party("Ada <Byron>", "FR"), "terms": "Paid.",
    }  # fmt: skip
    return ubl.Paper(
        kind,
        "INV-2026-000001",
        date(2026, 11, 28),
        date(2026, 11, 27),
        currency,
        lines=lines,
        **told | facts,
    )


def read(xml: bytes):
    root = ET.fromstring(xml)

    def amount(path: str, under: ET.Element | None = None) -> Decimal:
        return Decimal((under if under is not None else root).findtext(path, namespaces=SPACES) or "0")

    return root, amount


rates_ = st.sampled_from([Decimal(0), FIVE, TWENTY, Decimal("0.077")])


def _line(of) -> Line:
    quantity, gross, discount, shipping, rate = of
    tax = invoicing.money.round_half_away((gross - discount + shipping) * rate)
    return Line("A", "Thing", quantity, gross, discount, shipping, tax, "S" if rate else "Z", rate)


lines_ = st.lists(
    st.tuples(st.integers(1, 9), st.integers(-(10**6), 10**6), money_, money_, rates_).map(_line),
    min_size=1,
    max_size=4,
)


@given(lines_, st.sampled_from(["EUR", "JPY", "KWD"]))
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_the_sums_of_the_xml_follow_the_rules_of_en_16931(lines, currency):
    root, amount = read(ubl.render(a_paper(lines, currency=currency)))
    found = root.findall("cac:InvoiceLine", SPACES)

    nets = [amount("cbc:LineExtensionAmount", one) for one in found]
    assert amount("cac:LegalMonetaryTotal/cbc:LineExtensionAmount") == sum(nets)  # BR-CO-10
    without_tax = amount("cac:LegalMonetaryTotal/cbc:TaxExclusiveAmount")
    assert without_tax == sum(nets)  # BR-CO-13: no allowance or charge of the whole document
    parts = root.findall("cac:TaxTotal/cac:TaxSubtotal", SPACES)
    tax = amount("cac:TaxTotal/cbc:TaxAmount")
    assert tax == sum(amount("cbc:TaxAmount", one) for one in parts)  # BR-CO-14
    assert amount("cac:LegalMonetaryTotal/cbc:TaxInclusiveAmount") == without_tax + tax  # BR-CO-15
    assert amount("cac:LegalMonetaryTotal/cbc:PayableAmount") == without_tax + tax  # BR-CO-16
    assert sum(amount("cbc:TaxableAmount", one) for one in parts) == without_tax
    step = Decimal(1).scaleb(-min(2, invoicing.money.exponent(currency)))
    for one in parts:  # BR-S-08, BR-CO-17: lines were rounded one by one, each by half a unit at most
        rate = amount("cac:TaxCategory/cbc:Percent", one) / 100
        off = amount("cbc:TaxableAmount", one) * rate - amount("cbc:TaxAmount", one)
        assert abs(off) <= step * (len(lines) + 1)
    for one in found:  # the net of a line: quantity × price, less allowances, with charges
        price = amount("cac:Price/cbc:PriceAmount", one)
        assert price >= 0  # BR-27
        net = price * amount("cbc:InvoicedQuantity", one) / amount("cac:Price/cbc:BaseQuantity", one)
        for change in one.findall("cac:AllowanceCharge", SPACES):
            is_charge = change.findtext("cbc:ChargeIndicator", namespaces=SPACES) == "true"
            net += amount("cbc:Amount", change) * (1 if is_charge else -1)
        assert net == amount("cbc:LineExtensionAmount", one)


def test_amounts_have_no_more_digits_than_the_norm_takes_and_the_exact_total_is_said():
    lines = [
        Line("A", "Mug", 3, 10_004, 1_002, 0, 450, "S", FIVE),
        Line("B", "Mat", 1, 4, 0, 0, 0, "Z"),
        Line("", "Shipping", 1, 0, 0, 1_004, 0, "Z"),
    ]
    root, amount = read(ubl.render(a_paper(lines, currency="KWD", at_home=("BHD", 1_235))))
    told = [one.text or "" for one in root.iter() if one.get("currencyID")]
    assert all(len(text.partition(".")[2]) == 2 for text in told), told  # BR-DEC
    assert [one.text for one in root.iterfind("cac:InvoiceLine/cbc:LineExtensionAmount", SPACES)] == [
        "9.00", "0.01", "1.00",
    ]  # fmt: skip
    assert amount("cac:LegalMonetaryTotal/cbc:PayableAmount") == Decimal("10.46"), "10.460 of 10.460"
    assert "The exact total is 10.460 KWD." in (root.findtext("cbc:Note", namespaces=SPACES) or "")
    assert [one.text for one in root.iterfind("cac:TaxTotal/cbc:TaxAmount", SPACES)] == ["0.45", "1.24"]


@given(lines_, st.integers(0, 100), st.sampled_from(["EUR", "JPY", "KWD"]))
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_paid_is_not_asked_for_again(lines, percent, currency):
    total = sum(one.net + one.tax for one in lines)
    paper = a_paper(lines, currency=currency, paid=total * percent // 100)
    root, amount = read(ubl.render(paper))
    whole, paid, payable = (
        amount(f"cac:LegalMonetaryTotal/cbc:{name}")
        for name in ("TaxInclusiveAmount", "PrepaidAmount", "PayableAmount")
    )
    assert whole == paid + payable  # BR-CO-16
    assert (root.find("cac:LegalMonetaryTotal/cbc:PrepaidAmount", SPACES) is None) == (paid == 0)
    if percent == 100:
        assert payable == 0


@given(lines_)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_rounded_for_the_norm_is_off_by_half_a_step_in_all(lines):
    _, amount = read(ubl.render(a_paper(lines, currency="KWD")))
    exact = Decimal(sum(one.net + one.tax for one in lines)) / 1_000
    assert abs(amount("cac:LegalMonetaryTotal/cbc:PayableAmount") - exact) <= Decimal("0.005")


REQUIRED = {
    "BR-01": "cbc:CustomizationID", "BR-02": "cbc:ID", "BR-03": "cbc:IssueDate", "BR-05": "cbc:DocumentCurrencyCode",
    "BR-06": "cac:AccountingSupplierParty/cac:Party/cac:PartyLegalEntity/cbc:RegistrationName",
    "BR-07": "cac:AccountingCustomerParty/cac:Party/cac:PartyLegalEntity/cbc:RegistrationName",
    "BR-09": "cac:AccountingSupplierParty/cac:Party/cac:PostalAddress/cac:Country/cbc:IdentificationCode",
    "BR-11": "cac:AccountingCustomerParty/cac:Party/cac:PostalAddress/cac:Country/cbc:IdentificationCode",
    "BR-CO-25": "cac:PaymentTerms/cbc:Note",
    "BR-CO-26": "cac:AccountingSupplierParty/cac:Party/cac:PartyIdentification/cbc:ID",
    "BR-S-02": "cac:AccountingSupplierParty/cac:Party/cac:PartyTaxScheme/cbc:CompanyID",
}  # fmt: skip


@pytest.mark.parametrize("kind", [INVOICE, CREDIT_NOTE])
def test_what_the_norm_requires_is_there(kind):
    lines = [Line("A", "Mug", 2, 2000, 0, 0, 400, "S", TWENTY), Line("", "", 1, 500, 0, 0, 0, "K")]
    root, _ = read(ubl.render(a_paper(lines, kind, corrects=("INV-2026-000007",))))

    missing = [rule for rule, path in REQUIRED.items() if not root.findtext(path, namespaces=SPACES)]
    assert missing == []
    name = "Invoice" if kind == INVOICE else "CreditNote"
    assert root.tag == f"{{{ubl.ROOTS[kind]}}}{name}"
    assert root.findtext(f"cbc:{name}TypeCode", namespaces=SPACES) == ubl.TYPES[kind]
    assert len(root.findall(f"cac:{name}Line", SPACES)) == 2
    assert root.findtext("cac:BillingReference/cac:InvoiceDocumentReference/cbc:ID", namespaces=SPACES)
    codes = [one.text for one in root.iterfind(".//cbc:TaxExemptionReasonCode", SPACES)]
    assert codes == ["VATEX-EU-IC"]  # BR-IC-10


def test_tax_at_home_stands_beside_that_of_the_document():
    lines = [Line("A", "Mug", 1, 1000, 0, 0, 200, "S", TWENTY)]
    root, _ = read(ubl.render(a_paper(lines, currency="USD", at_home=("EUR", 172))))
    assert root.findtext("cbc:TaxCurrencyCode", namespaces=SPACES) == "EUR"
    assert [(one.get("currencyID"), one.text) for one in root.iterfind("cac:TaxTotal/cbc:TaxAmount", SPACES)] == [
        ("USD", "2.00"), ("EUR", "1.72"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("number", "country", "told"),
    [
        ("GB 123 4567 89", "GB", "GB123456789"),
        ("094259216", "GR", "EL094259216"),
        ("GR094259216", "GR", "EL094259216"),
        ("b12345678", "ES", "ESB12345678"),
        ("AB123456789", "FR", "FRAB123456789"),
        ("FR AB123456789", "FR", "FRAB123456789"),
        ("XI 123456789", "GB", "XI123456789"),
        ("DE136695976", "CH", "DE136695976"),
    ],
)
def test_tax_numbers_stand_behind_their_country(number, country, told):
    assert ubl.vat_number(number, country) == told


def test_text_of_people_is_text_in_the_xml():
    line = Line("A", 'Mug </Item> & "lid" \x07\ufffe', 1, 100, 0, 0, 0, "Z")
    root, _ = read(ubl.render(a_paper([line])))
    assert root.findtext(".//cac:Item/cbc:Name", namespaces=SPACES) == 'Mug </Item> & "lid" '
    assert root.findtext(REQUIRED["BR-07"], namespaces=SPACES) == "Ada <Byron>"
