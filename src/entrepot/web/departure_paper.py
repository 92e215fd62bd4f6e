"""Papers of goods that leave by their disposition: what goes with them, and what tells of them."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from entrepot.returns.departure_queries import DepartureRow, ItemRow
from entrepot.web import format as fmt
from entrepot.web import papers

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
    paper = papers.Paper(about=(company, told.number))
    paper.head(company, str(TITLES[told.kind]), told.number)
    left = gettext("Left") if told.left_at else gettext("Gathered")
    facts = [
        (gettext("Number"), told.number), (left, fmt.day(told.left_at or told.opened_at)),
        (gettext("From"), told.node), (gettext("Your reference"), told.reference), *_sums(told),
    ]  # fmt: skip
    paper.beside([told.receiver], [one for one in facts if one[1]], str(TO[told.kind]))
    _lines(paper, told, items)
    paper.ln(3)
    paper.say(ngettext("%(n)s unit in all", "%(n)s units in all", told.units) % {"n": told.units}, bold=True)
    paper.ln(2)
    paper.say(str(SAYS[told.kind]))
    paper.by_hand(gettext("Received by: %(line)s on: %(line)s") % {"line": "______________________"})
    return bytes(paper.output())


def _sums(told: DepartureRow) -> list[tuple[str, str]]:
    """What the paper says of money: to those outside never what goods were worth in the books."""
    if told.kind in ("donation", "disposal"):
        return [(gettext("Value in the books"), _money(told.value_minor, told))] if told.left_at else []
    amount = told.owed_minor if told.left_at else told.expected_minor
    if amount is None:
        return []
    what = gettext("Credit expected") if told.kind == "vendor_return" else gettext("Price of the lot")
    if told.tax_minor:
        return [
            (what, _money(told.price_minor, told)), (gettext("Tax"), _money(told.tax_minor, told)),
            (gettext("Owed"), _money(amount, told)), (gettext("Due"), fmt.day(told.due_on) if told.due_on else ""),
        ]  # fmt: skip
    return [(what, _money(amount, told)), (gettext("Due"), fmt.day(told.due_on) if told.due_on else "")]


def _money(minor: int, told: DepartureRow) -> str:
    return f"{fmt.amount(minor, told.currency)} {told.currency}"


def _lines(paper: papers.Paper, told: DepartureRow, items: Sequence[ItemRow]) -> None:
    last = gettext("Why") if told.kind == "vendor_return" else gettext("Grade")
    heads = (gettext("SKU"), gettext("What"), gettext("Lot or serial number"), last, gettext("Units"))
    paper.rows((26, 46, 24, 24, 10), 4, heads, (_cells(told, one) for one in items))


def _cells(told: DepartureRow, one: ItemRow) -> tuple[str, ...]:
    why = (
        one.note or gettext("Grade %(grade)s") % {"grade": one.grade}
        if told.kind == "vendor_return"
        else one.grade
    )
    return one.sku_code, one.name, one.serial or one.lot or "-", why, str(one.quantity)
