"""An invoice or credit note as a paper."""

from __future__ import annotations

from decimal import Decimal

from django.utils.formats import date_format
from django.utils.translation import gettext, override

from entrepot import languages
from entrepot.kernel import money
from entrepot.settlement import invoicing
from entrepot.settlement.invoicing import INVOICE
from entrepot.settlement.ubl import REASONS, Paper, Party
from entrepot.web import papers
from entrepot.web.papers import HEAD


def pdf(told: Paper) -> bytes:
    """As PDF on A4, in the language of the buyer's country: seller, buyer, lines, tax by rate, sums."""
    with override(languages.of_country(told.buyer.country)):
        return _pdf(told)


def _pdf(told: Paper) -> bytes:
    paper = papers.Paper()
    paper.say(told.seller.name, 14, 8)
    for line in _address(told.seller):
        paper.say(line, 8, 4)
    paper.ln(6)
    for line in (told.buyer.name, *_address(told.buyer)):
        paper.say(line)
    paper.ln(6)
    title = gettext("Invoice %(number)s") if told.kind == INVOICE else gettext("Credit note %(number)s")
    paper.say(title % {"number": told.number}, 14, 8)
    days = {
        "issued": date_format(told.issued_on, "j M Y"),
        "supplied": date_format(told.supplied_on, "j M Y"),
    }
    paper.say(gettext("Issued %(issued)s, supplied %(supplied)s") % days, 9)
    if told.order:
        paper.say(gettext("Order %(number)s") % {"number": told.order}, 9)
    if told.corrects:
        paper.say(gettext("Corrects %(numbers)s") % {"numbers": ", ".join(told.corrects)}, 9)
    paper.ln(4)
    _lines(paper, told)
    paper.ln(4)
    _sums(paper, told)
    paper.ln(4)
    for category in sorted({group.category for group in told.groups} & set(REASONS)):
        paper.say(gettext(REASONS[category][1]), 9)
    paper.say(told.terms, 9)
    return bytes(paper.output())


def _address(one: Party) -> list[str]:
    town = " ".join(filter(None, (one.postal_code, one.city, one.region)))
    tax = gettext("VAT %(number)s") % {"number": one.tax_number} if one.tax_number else ""
    register = gettext("Register %(number)s") % {"number": one.registration} if one.registration else ""
    return [text for text in (one.line1, one.line2, town, one.country, tax, register) if text]


def _lines(paper: papers.Paper, told: Paper) -> None:
    net = gettext("Net %(currency)s") % {"currency": told.currency}
    amounts = (gettext("Price"), gettext("Discount"), gettext("Shipping"), gettext("Tax"), net)
    heads = ("", gettext("What"), gettext("Units"), *amounts)
    rows = [
        (
            str(number), f"{line.sku} {line.description}".strip(), str(line.quantity),
            _price(line.gross, line.quantity, told.currency), money.text(line.discount, told.currency),
            money.text(line.shipping, told.currency), f"{invoicing.percent(line.rate)} %",
            money.text(line.net, told.currency),
        )
        for number, line in enumerate(told.lines, 1)
    ]  # fmt: skip
    _table(paper, (6, 46, 10, 18, 18, 18, 12, 20), 2, (heads, *rows))


def _price(gross: int, quantity: int, currency: str) -> str:
    """Of a unit; rounded where the amount of the line does not divide: the amounts bind."""
    return money.text(money.round_half_away(Decimal(gross) / quantity), currency)


def _sums(paper: papers.Paper, told: Paper) -> None:
    rows = [
        (f"{invoicing.percent(group.rate)} % ({group.category})", money.text(group.net, told.currency),
         money.text(group.tax, told.currency), money.text(group.net + group.tax, told.currency))
        for group in told.groups
    ]  # fmt: skip
    total = (
        gettext("Total"),
        *(money.text(one, told.currency) for one in (told.net, told.tax, told.net + told.tax)),
    )
    whole = gettext("Total %(currency)s") % {"currency": told.currency}
    heads = (gettext("Tax"), gettext("Net"), gettext("Tax"), whole)
    _table(paper, (30, 25, 25, 25), 1, (heads, *rows, total))


def _table(
    paper: papers.Paper, widths: tuple[int, ...], texts: int, rows: tuple[tuple[str, ...], ...]
) -> None:
    """A table whose first `texts` columns are text, and the others numbers."""
    paper.set_font("text", size=8)
    align = tuple("LEFT" if place < texts else "RIGHT" for place in range(len(widths)))
    with paper.table(col_widths=widths, text_align=align, headings_style=HEAD) as table:
        for cells in rows:
            row = table.row()
            for cell in cells:
                row.cell(cell)
