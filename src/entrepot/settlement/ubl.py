"""Invoices and credit notes as XML of EN 16931 in the syntax of UBL 2.1. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import accumulate, pairwise
from xml.etree import ElementTree as ET

from entrepot.kernel import money
from entrepot.parties import numbers
from entrepot.settlement import invoicing
from entrepot.settlement.invoicing import INVOICE, Group, Line

CUSTOMIZATION = "urn:cen.eu:en16931:2017"
CAC = "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
CBC = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"
ROOTS = {
    INVOICE: "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2",
    invoicing.CREDIT_NOTE: "urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2",
}
TYPES = {INVOICE: "380", invoicing.CREDIT_NOTE: "381"}
"""By UNTDID 1001."""
REASONS = {
    invoicing.EXPORT: ("VATEX-EU-G", "Export outside the EU"),
    invoicing.WITHIN_UNION: ("VATEX-EU-IC", "Intra-community supply"),
}
"""Why nothing is charged, by category: a code of the VATEX list and its text."""
CODES = {"GR": "EL", "IM": "GB", "MC": "FR"}
"""What VAT numbers begin with, where it is not the code of their country."""
NORTHERN_IRELAND = "XI"
EACH = "C62"
"""Pieces, by UN/ECE Recommendation 20."""
DIGITS_MAX = 2
"""Digits after the point that the norm takes (BR-DEC), whatever the currency has."""


@dataclass(frozen=True, slots=True)
class Party:
    """A seller or buyer, as rendered: a buyer's facts come out of the vault."""

    name: str
    country: str
    line1: str = ""
    line2: str = ""
    city: str = ""
    postal_code: str = ""
    region: str = ""
    tax_number: str = ""
    identifier: str = ""
    registration: str = ""


@dataclass(frozen=True, slots=True)
class Paper:
    """A document to be rendered."""

    kind: str
    number: str
    issued_on: date
    supplied_on: date
    currency: str
    order: str
    corrects: Sequence[str]
    seller: Party
    buyer: Party
    terms: str
    lines: Sequence[Line]
    lot_due_on: date | None = None  # by when a lot, whose number stands as order, is paid
    at_home: tuple[str, int] | None = None  # currency and tax of a seller who keeps books in another one
    paid: int = 0  # of an invoice's total, by the tenders of its order

    @property
    def groups(self) -> list[Group]:
        return invoicing.groups(self.lines)

    @property
    def net(self) -> int:
        return sum(line.net for line in self.lines)

    @property
    def tax(self) -> int:
        return sum(line.tax for line in self.lines)

    @property
    def payable(self) -> int:
        """What is left to be paid."""
        return self.net + self.tax - self.paid


def render(paper: Paper) -> bytes:
    """The XML of a document. Elements stand in the order of the schema: readers refuse another."""
    name = "Invoice" if paper.kind == INVOICE else "CreditNote"
    exact, paper = money.told(paper.net + paper.tax, paper.currency), _fitted(paper)
    # Prefixes by hand: those of the library are kept for the whole process, and threads write both kinds.
    root = ET.Element(name, {"xmlns": ROOTS[paper.kind], "xmlns:cac": CAC, "xmlns:cbc": CBC})
    _head(root, paper, name, exact)
    _party(root, "AccountingSupplierParty", paper.seller)
    _party(root, "AccountingCustomerParty", paper.buyer)
    delivery = _part(root, "Delivery")
    _say(delivery, "ActualDeliveryDate", paper.supplied_on.isoformat())
    where = _part(_part(_part(delivery, "DeliveryLocation"), "Address"), "Country")
    _say(where, "IdentificationCode", paper.buyer.country)
    if paper.terms:
        _say(_part(root, "PaymentTerms"), "Note", paper.terms)
    _tax(root, paper)
    _totals(root, paper)
    for number, line in enumerate(paper.lines, 1):
        _line(root, paper, name, number, line)
    text: bytes = ET.tostring(root, encoding="UTF-8", xml_declaration=True)
    return text


def _fitted(paper: Paper) -> Paper:
    """With no more digits than the norm takes: the price bears what rounding takes off a line, so that each sum is that
    of its parts and the total is rounded once."""
    home = paper.at_home
    if home:
        home = (home[0], money.nearest(home[1], _step(home[0])))
    step = _step(paper.currency)
    if step == 1:
        return replace(paper, at_home=home)
    parts = _together([*(one.net for one in paper.lines), *(one.tax for one in paper.lines)], step)
    count = len(paper.lines)
    lines = [
        _of(one, net, tax, step)
        for one, net, tax in zip(paper.lines, parts[:count], parts[count:], strict=True)
    ]
    fitted = replace(paper, at_home=home, lines=lines)
    # What was paid in full stays so: the step that rounding gives or takes is not asked for.
    return replace(fitted, paid=fitted.net + fitted.tax - money.nearest(paper.payable, step))


def _step(currency: str) -> int:
    return 10 ** max(0, money.exponent(currency) - DIGITS_MAX)


def _together(amounts: Iterable[int], step: int) -> list[int]:
    """Amounts in steps, each rounded with those before it: what is nothing stays nothing."""
    sums = [money.nearest(one, step) for one in accumulate(amounts, initial=0)]
    return [after - before for before, after in pairwise(sums)]


def _of(line: Line, net: int, tax: int, step: int) -> Line:
    discount, shipping = money.nearest(line.discount, step), money.nearest(line.shipping, step)
    if not line.gross:
        shipping = net + discount
    return line._replace(gross=net + discount - shipping, discount=discount, shipping=shipping, tax=tax)


def _part(parent: ET.Element, name: str) -> ET.Element:
    return ET.SubElement(parent, f"cac:{name}")


def _say(parent: ET.Element, name: str, text: str, **attributes: str) -> None:
    ET.SubElement(parent, f"cbc:{name}", attributes).text = _plain(text)


def _plain(text: str) -> str:
    """Without the characters that XML can't hold."""
    return "".join(one for one in text if one in "\t\n\r" or (one >= " " and one not in "\ufffe\uffff"))


def _amount(parent: ET.Element, name: str, minor: int, paper: Paper) -> None:
    _say(parent, name, _text(minor, paper.currency), currencyID=paper.currency)


def _text(minor: int, currency: str) -> str:
    return money.with_digits(minor, min(DIGITS_MAX, money.exponent(currency)))


def _head(root: ET.Element, paper: Paper, name: str, exact: str) -> None:
    _say(root, "CustomizationID", CUSTOMIZATION)
    _say(root, "ID", paper.number)
    _say(root, "IssueDate", paper.issued_on.isoformat())
    if paper.lot_due_on and paper.kind == INVOICE:
        _say(root, "DueDate", paper.lot_due_on.isoformat())
    _say(root, f"{name}TypeCode", TYPES[paper.kind])
    if _step(paper.currency) > 1:
        _say(
            root,
            "Note",
            f"Rounded to {DIGITS_MAX} decimals, as this format takes them. The exact total is {exact}.",
        )
    _say(root, "DocumentCurrencyCode", paper.currency)
    if paper.at_home:
        _say(root, "TaxCurrencyCode", paper.at_home[0])
    if paper.order:
        _say(_part(root, "OrderReference"), "ID", paper.order)
    for number in paper.corrects:
        _say(_part(_part(root, "BillingReference"), "InvoiceDocumentReference"), "ID", number)


def _party(root: ET.Element, role: str, one: Party) -> None:
    party = _part(_part(root, role), "Party")
    if one.identifier:
        _say(_part(party, "PartyIdentification"), "ID", one.identifier)
    address = _part(party, "PostalAddress")
    for name, text in (
        ("StreetName", one.line1), ("AdditionalStreetName", one.line2), ("CityName", one.city),
        ("PostalZone", one.postal_code), ("CountrySubentity", one.region),
    ):  # fmt: skip
        if text:
            _say(address, name, text)
    _say(_part(address, "Country"), "IdentificationCode", one.country)
    if one.tax_number:
        scheme = _part(party, "PartyTaxScheme")
        _say(scheme, "CompanyID", vat_number(one.tax_number, one.country))
        _say(_part(scheme, "TaxScheme"), "ID", "VAT")
    legal = _part(party, "PartyLegalEntity")
    _say(legal, "RegistrationName", one.name)
    if one.registration:
        _say(legal, "CompanyID", one.registration)


def vat_number(number: str, country: str) -> str:
    """A tax number as the norm wants it: without blanks, behind the code of its country, which Greece writes EL.
    Letters in front are a code only where they are that country's, or the whole is proved to be another member's
    number: French ones may begin with any."""
    compact = "".join(number.split()).upper()
    code = CODES.get(country, country)
    if compact.startswith((code, NORTHERN_IRELAND)) or numbers.check("", compact).is_proved:
        return compact
    return code + compact.removeprefix(country)


def _tax(root: ET.Element, paper: Paper) -> None:
    total = _part(root, "TaxTotal")
    _amount(total, "TaxAmount", paper.tax, paper)
    for group in paper.groups:
        part = _part(total, "TaxSubtotal")
        _amount(part, "TaxableAmount", group.net, paper)
        _amount(part, "TaxAmount", group.tax, paper)
        category = _category(part, "TaxCategory", group)
        if group.category in REASONS:
            code, why = REASONS[group.category]
            _say(category, "TaxExemptionReasonCode", code)
            _say(category, "TaxExemptionReason", why)
        _scheme(category)
    if paper.at_home:
        currency, tax = paper.at_home
        _say(_part(root, "TaxTotal"), "TaxAmount", _text(tax, currency), currencyID=currency)


def _category(parent: ET.Element, name: str, of: Group | Line) -> ET.Element:
    category = _part(parent, name)
    _say(category, "ID", of.category)
    _say(category, "Percent", invoicing.percent(of.rate))
    return category


def _scheme(category: ET.Element) -> None:
    _say(_part(category, "TaxScheme"), "ID", "VAT")


def _totals(root: ET.Element, paper: Paper) -> None:
    totals = _part(root, "LegalMonetaryTotal")
    _amount(totals, "LineExtensionAmount", paper.net, paper)
    _amount(totals, "TaxExclusiveAmount", paper.net, paper)
    _amount(totals, "TaxInclusiveAmount", paper.net + paper.tax, paper)
    if paper.paid:
        _amount(totals, "PrepaidAmount", paper.paid, paper)
    _amount(totals, "PayableAmount", paper.payable, paper)


def _line(root: ET.Element, paper: Paper, name: str, number: int, line: Line) -> None:
    part = _part(root, f"{name}Line")
    _say(part, "ID", str(number))
    # A price is never below zero: what takes away is of a quantity below zero.
    quantity = -line.quantity if line.gross < 0 else line.quantity
    quantity_name = "InvoicedQuantity" if name == "Invoice" else "CreditedQuantity"
    _say(part, quantity_name, str(quantity), unitCode=EACH)
    _amount(part, "LineExtensionAmount", line.net, paper)
    for amount, is_charge, why in ((line.discount, "false", "Discount"), (line.shipping, "true", "Shipping")):
        if amount:
            allowance = _part(part, "AllowanceCharge")
            charges = is_charge if amount > 0 else {"true": "false", "false": "true"}[is_charge]
            _say(allowance, "ChargeIndicator", charges)
            _say(allowance, "AllowanceChargeReason", why)
            _amount(allowance, "Amount", abs(amount), paper)
    item = _part(part, "Item")
    _say(item, "Name", line.description or line.sku or "Goods")
    if line.sku:
        _say(_part(item, "SellersItemIdentification"), "ID", line.sku)
    _scheme(_category(item, "ClassifiedTaxCategory", line))
    price = _part(part, "Price")
    _amount(price, "PriceAmount", abs(line.gross), paper)
    _say(price, "BaseQuantity", str(line.quantity), unitCode=EACH)
