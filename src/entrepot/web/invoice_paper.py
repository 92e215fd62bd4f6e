"""An invoice or credit note as a paper."""

from __future__ import annotations

from decimal import Decimal

from entrepot.kernel import money
from entrepot.settlement import invoicing
from entrepot.settlement.invoicing import INVOICE
from entrepot.settlement.ubl import REASONS, Paper, Party
from entrepot.web import papers
from entrepot.web.papers import HEAD


def pdf(told: Paper) -> bytes:
    """As PDF on A4: seller, buyer, lines, tax by rate, sums."""
    paper = papers.Paper()
    paper.say(told.seller.name, 14, 8)
    for line in _address(told.seller):
        paper.say(line, 8, 4)
    paper.ln(6)
    for line in (told.buyer.name, *_address(told.buyer)):
        paper.say(line)
    paper.ln(6)
    paper.say(f"{'Invoice' if told.kind == INVOICE else 'Credit note'} {told.number}", 14, 8)
    paper.say(f"Issued {told.issued_on:%d %b %Y}, supplied {told.supplied_on:%d %b %Y}", 9)
    if told.order:
        paper.say(f"Order {told.order}", 9)
    if told.corrects:
        paper.say(f"Corrects {', '.join(told.corrects)}", 9)
    paper.ln(4)
    _lines(paper, told)
    paper.ln(4)
    _sums(paper, told)
    paper.ln(4)
    for category in sorted({group.category for group in told.groups} & set(REASONS)):
        paper.say(REASONS[category][1], 9)
    paper.say(told.terms, 9)
    return bytes(paper.output())


def _address(one: Party) -> list[str]:
    town = " ".join(filter(None, (one.postal_code, one.city, one.region)))
    tax = f"VAT {one.tax_number}" if one.tax_number else ""
    register = f"Register {one.registration}" if one.registration else ""
    return [text for text in (one.line1, one.line2, town, one.country, tax, register) if text]


def _lines(paper: papers.Paper, told: Paper) -> None:
    heads = ("", "What", "Units", "Price", "Discount", "Shipping", "Tax", f"Net {told.currency}")
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
        "Total",
        *(money.text(one, told.currency) for one in (told.net, told.tax, told.net + told.tax)),
    )
    _table(paper, (30, 25, 25, 25), 1, (("Tax", "Net", "Tax", f"Total {told.currency}"), *rows, total))


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
