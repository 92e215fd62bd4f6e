"""Papers of goods that leave by their disposition: what goes with them, and what tells of them."""

from __future__ import annotations

from collections.abc import Sequence

from entrepot.kernel import money
from entrepot.returns.departure_queries import DepartureRow, ItemRow
from entrepot.web import papers
from entrepot.web.papers import HEAD

TITLES = {
    "vendor_return": "Return to vendor",
    "liquidation": "Liquidation lot",
    "donation": "Certificate of donation",
    "disposal": "Certificate of disposal",
}
TO = {
    "vendor_return": "To the vendor",
    "liquidation": "To the buyer",
    "donation": "To the receiver",
    "disposal": "To the disposer",
}
SAYS = {
    "vendor_return": "Please send a credit note that names this number.",
    "liquidation": "The goods are sold as they are, as one lot.",
    "donation": "These goods were given away and taken off the books at the value above.",
    "disposal": "These goods were destroyed and taken off the books at the value above.",
}


def pdf(told: DepartureRow, items: Sequence[ItemRow], company: str) -> bytes:
    """As PDF on A4: its number in bars, who gets the goods, what they are, what is expected for them."""
    paper = papers.Paper()
    paper.say(company, 14, 8)
    paper.say(f"{TITLES[told.kind]} {told.number}", 12, 7)
    paper.bars(told.number, 125, papers.MARGIN, 70, 14)
    paper.ln(4)
    paper.say(f"{TO[told.kind]}: {told.receiver}")
    day = told.left_at or told.opened_at
    paper.say(f"{'Left' if told.left_at else 'Gathered'} {day:%d %b %Y} from {told.node}")
    if told.reference:
        paper.say(f"Your reference: {told.reference}")
    paper.ln(4)
    _lines(paper, told, items)
    paper.ln(4)
    paper.say(f"{told.units} units in all")
    for text in _sums(told):
        paper.say(text)
    paper.ln(4)
    paper.say(SAYS[told.kind], 9)
    paper.ln(8)
    paper.say("Received by: ______________________   on: ______________________")
    return bytes(paper.output())


def _sums(told: DepartureRow) -> list[str]:
    """What the paper says of money: to those outside never what goods were worth in the books."""
    if told.kind in ("donation", "disposal"):
        return [f"Value in the books: {_money(told.value_minor, told)}"] if told.left_at else []
    amount = told.owed_minor if told.left_at else told.expected_minor
    if amount is None:
        return []
    what = "Credit expected" if told.kind == "vendor_return" else "Price of the lot"
    due = f", due {told.due_on:%d %b %Y}" if told.due_on else ""
    return [f"{what}: {_money(amount, told)}{due}"]


def _money(minor: int, told: DepartureRow) -> str:
    return f"{money.text(minor, told.currency)} {told.currency}"


def _lines(paper: papers.Paper, told: DepartureRow, items: Sequence[ItemRow]) -> None:
    paper.set_font("text", size=8)
    last = "Why" if told.kind == "vendor_return" else "Grade"
    with paper.table(
        col_widths=(26, 46, 24, 24, 10), text_align=("LEFT", "LEFT", "LEFT", "LEFT", "RIGHT"), headings_style=HEAD
    ) as table:  # fmt: skip
        for cells in (("SKU", "What", "Lot or serial", last, "Units"), *(_cells(told, one) for one in items)):
            row = table.row()
            for cell in cells:
                row.cell(cell)


def _cells(told: DepartureRow, one: ItemRow) -> tuple[str, ...]:
    why = one.note or f"grade {one.grade}" if told.kind == "vendor_return" else one.grade
    return one.sku_code, one.name, one.serial or one.lot or "-", why, str(one.quantity)
