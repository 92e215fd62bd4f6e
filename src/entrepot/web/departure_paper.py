"""Papers of goods that leave by their disposition: what goes with them, and what tells of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from entrepot.kernel import money
from entrepot.returns.departure_queries import DepartureRow, ItemRow
from entrepot.web import papers
from entrepot.web.papers import HEAD

TITLES = {
    "vendor_return": _("Return to vendor"),
    "liquidation": _("Liquidation lot"),
    "donation": _("Certificate of donation"),
    "disposal": _("Certificate of disposal"),
}
TO = {
    "vendor_return": _("To the vendor"),
    "liquidation": _("To the buyer"),
    "donation": _("To the receiver"),
    "disposal": _("To the disposer"),
}
SAYS = {
    "vendor_return": _("Please send a credit note that names this number."),
    "liquidation": _("The goods are sold as they are, as one lot."),
    "donation": _("These goods were given away and taken off the books at the value above."),
    "disposal": _("These goods were destroyed and taken off the books at the value above."),
}


def pdf(told: DepartureRow, items: Sequence[ItemRow], company: str) -> bytes:
    """As PDF on A4: its number in bars, who gets the goods, what they are, what is expected for them."""
    paper = papers.Paper()
    paper.say(company, 14, 8)
    paper.say(f"{TITLES[told.kind]} {told.number}", 12, 7)
    paper.bars(told.number, 125, papers.MARGIN, 70, 14)
    paper.ln(4)
    paper.say(f"{TO[told.kind]}: {told.receiver}")
    facts = {"day": _day(told.left_at or told.opened_at), "node": told.node}
    paper.say(
        (gettext("Left %(day)s from %(node)s") if told.left_at else gettext("Gathered %(day)s from %(node)s"))
        % facts
    )
    if told.reference:
        paper.say(gettext("Your reference: %(number)s") % {"number": told.reference})
    paper.ln(4)
    _lines(paper, told, items)
    paper.ln(4)
    paper.say(ngettext("%(n)s unit in all", "%(n)s units in all", told.units) % {"n": told.units})
    for text in _sums(told):
        paper.say(text)
    paper.ln(4)
    paper.say(str(SAYS[told.kind]), 9)
    paper.ln(8)
    paper.say(gettext("Received by: %(line)s on: %(line)s") % {"line": "______________________"})
    return bytes(paper.output())


def _sums(told: DepartureRow) -> list[str]:
    """What the paper says of money: to those outside never what goods were worth in the books."""
    if told.kind in ("donation", "disposal"):
        value = gettext("Value in the books: %(amount)s") % {"amount": _money(told.value_minor, told)}
        return [value] if told.left_at else []
    amount = told.owed_minor if told.left_at else told.expected_minor
    if amount is None:
        return []
    what = gettext("Credit expected") if told.kind == "vendor_return" else gettext("Price of the lot")
    sums = [f"{what}: {_money(amount, told)}"]
    return [*sums, gettext("Due %(day)s") % {"day": _day(told.due_on)}] if told.due_on else sums


def _day(when: date) -> str:
    return date_format(when, "j M Y")


def _money(minor: int, told: DepartureRow) -> str:
    return f"{money.text(minor, told.currency)} {told.currency}"


def _lines(paper: papers.Paper, told: DepartureRow, items: Sequence[ItemRow]) -> None:
    paper.set_font("text", size=8)
    last = gettext("Why") if told.kind == "vendor_return" else gettext("Grade")
    heads = (gettext("SKU"), gettext("What"), gettext("Lot or serial number"), last, gettext("Units"))
    with paper.table(
        col_widths=(26, 46, 24, 24, 10), text_align=("LEFT", "LEFT", "LEFT", "LEFT", "RIGHT"), headings_style=HEAD
    ) as table:  # fmt: skip
        for cells in (heads, *(_cells(told, one) for one in items)):
            row = table.row()
            for cell in cells:
                row.cell(cell)


def _cells(told: DepartureRow, one: ItemRow) -> tuple[str, ...]:
    why = (
        one.note or gettext("Grade %(grade)s") % {"grade": one.grade}
        if told.kind == "vendor_return"
        else one.grade
    )
    return one.sku_code, one.name, one.serial or one.lot or "-", why, str(one.quantity)
