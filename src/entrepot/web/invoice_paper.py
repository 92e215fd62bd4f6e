"""An invoice or credit note as a paper."""

from __future__ import annotations

from decimal import Decimal

from django.utils.translation import gettext

from entrepot.kernel import money
from entrepot.settlement.invoicing import INVOICE, Line, Seller
from entrepot.settlement.ubl import REASONS, Paper, Party
from entrepot.web import format as fmt
from entrepot.web import papers


def pdf(told: Paper) -> bytes:
    """As PDF on A4, in the language of the buyer's country: seller, buyer, lines, tax by rate, sums."""
    with papers.for_country(told.buyer.country):
        return _pdf(told)


def _pdf(told: Paper) -> bytes:
    paper = papers.Paper(about=(told.seller.name, *_numbers(told.seller), told.number))
    title = gettext("Invoice") if told.kind == INVOICE else gettext("Credit note")
    paper.head(told.seller.name, title, told.number)
    paper.say(", ".join(_address(told.seller)), 8, 4, grey=True)
    paper.ln(4)
    facts = [
        (gettext("Number"), told.number), (gettext("Issued"), fmt.day(told.issued_on)),
        (gettext("Supplied"), fmt.day(told.supplied_on)),
        (gettext("Lot") if told.lot_due_on else gettext("Order"), told.order),
        (gettext("Corrects"), ", ".join(told.corrects)), (gettext("Due"), _due(told)),
    ]  # fmt: skip
    paper.beside(
        [told.buyer.name, *_address(told.buyer), *_numbers(told.buyer)],
        [one for one in facts if one[1]],
        gettext("Bill to"),
    )
    _lines(paper, told)
    paper.ln(3)
    _sums(paper, told)
    paper.ln(5)
    for category in sorted({group.category for group in told.groups} & set(REASONS)):
        paper.say(gettext(REASONS[category][1]), 9)
    paper.say(_terms(told), 9)
    return bytes(paper.output())


def _due(told: Paper) -> str:
    return fmt.day(told.lot_due_on) if told.lot_due_on and told.kind == INVOICE else ""


def _terms(told: Paper) -> str:
    """How it is paid: terms of an invoice say nothing of what is given back."""
    if told.kind != INVOICE:
        return gettext("This amount is given back to you.")
    if told.terms == Seller().terms:  # nobody has written any
        return gettext("Paid as agreed with the order.")
    return told.terms


def _address(one: Party) -> list[str]:
    town = " ".join(filter(None, (one.postal_code, one.city, one.region)))
    return [text for text in (one.line1, one.line2, town, fmt.country(one.country)) if text]


def _numbers(one: Party) -> list[str]:
    """Under which a party pays its tax and stands in the register."""
    tax = gettext("VAT %(number)s") % {"number": one.tax_number} if one.tax_number else ""
    register = gettext("Register %(number)s") % {"number": one.registration} if one.registration else ""
    return [text for text in (tax, register) if text]


def _lines(paper: papers.Paper, told: Paper) -> None:
    """Without the columns in which nothing stands."""
    discounts, shippings = any(one.discount for one in told.lines), any(one.shipping for one in told.lines)
    columns = [
        (8, "", True), (60, gettext("What"), True), (12, gettext("Units"), True), (20, gettext("Price"), True),
        (20, gettext("Discount"), discounts), (20, gettext("Shipping"), shippings), (14, gettext("Tax"), True),
        (24, gettext("Net %(currency)s") % {"currency": told.currency}, True),
    ]  # fmt: skip
    kept = [place for place, (_, _, is_there) in enumerate(columns) if is_there]
    rows = [
        [cells[place] for place in kept] for cells in (_cells(told, *one) for one in enumerate(told.lines, 1))
    ]
    paper.rows([columns[place][0] for place in kept], 2, [columns[place][1] for place in kept], rows)


def _cells(told: Paper, number: int, line: Line) -> tuple[str, ...]:
    what = "\n".join(filter(None, (line.description or line.sku, line.sku if line.description else "")))
    return (
        str(number), what, str(line.quantity), _price(line.gross, line.quantity, told.currency),
        fmt.amount(line.discount, told.currency), fmt.amount(line.shipping, told.currency),
        _percent(line.rate), fmt.amount(line.net, told.currency),
    )  # fmt: skip


def _percent(rate: Decimal) -> str:
    return f"{fmt.number((rate * 100).normalize())} %"


def _price(gross: int, quantity: int, currency: str) -> str:
    """Of a unit; rounded where the amount of the line does not divide: the amounts bind."""
    return fmt.amount(money.round_half_away(Decimal(gross) / quantity), currency)


def _sums(paper: papers.Paper, told: Paper) -> None:
    """The net of each rate and its tax, and what they make."""
    rows = []
    for group in told.groups:
        rate = {"rate": _percent(group.rate)}
        rows += [
            (gettext("Net at %(rate)s") % rate, fmt.amount(group.net, told.currency)),
            (gettext("Tax %(rate)s") % rate, fmt.amount(group.tax, told.currency)),
        ]
    whole = gettext("Total %(currency)s") % {"currency": told.currency}
    paper.sums(rows, (whole, fmt.amount(told.net + told.tax, told.currency)))
    if told.paid:
        paper.beneath(gettext("Paid"), fmt.amount(told.paid, told.currency))
        paper.beneath(gettext("To be paid"), fmt.amount(told.payable, told.currency))
    if told.at_home:
        currency, tax = told.at_home
        own = gettext("Tax in %(currency)s") % {"currency": currency}
        paper.beneath(own, fmt.amount(tax, currency))
