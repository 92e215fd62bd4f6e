"""A draft or quote as a paper for whoever asked for a price."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, time, tzinfo
from typing import NamedTuple

from django.utils.translation import gettext

from entrepot.catalog import queries as catalog
from entrepot.catalog.queries import Sku
from entrepot.kernel import money, policies, wire
from entrepot.network import queries as network
from entrepot.orders import quoting
from entrepot.orders.commands.draft import total_of
from entrepot.orders.commands.place import AddressGiven, OrderLine, PlaceOrder
from entrepot.orders.queries import DraftRow
from entrepot.parties import queries as parties
from entrepot.parties.queries import Address, Company
from entrepot.settlement.invoicing import Seller
from entrepot.tax.rules import Expected
from entrepot.web import format as fmt
from entrepot.web import papers
from entrepot.web.reasons import reason

LAST_MINUTE = time(23, 59)


class Quote(NamedTuple):
    """All that stands on the paper."""

    draft: DraftRow
    order: PlaceOrder
    company: Company
    seller: Seller
    buyer: Address | None  # None as well for those who may not see the vault
    goods: Mapping[str, Sku]
    due: Expected | None  # the tax by the rates in force
    zone: tzinfo  # where it is written


def whole(found: DraftRow) -> PlaceOrder:
    """A draft as it stands, with whom it is for out of the vault. 1 statement, where they are there."""
    return _for(_buyer_of(found), wire.load(found.body, PlaceOrder))


def _for(buyer: Address | None, order: PlaceOrder) -> PlaceOrder:
    if buyer is None:
        return order
    address = AddressGiven.of(buyer) if buyer.line1 else None
    return replace(order, address=address, tax_number=buyer.tax_number)


def _buyer_of(found: DraftRow) -> Address | None:
    return parties.address(found.address_id) if found.address_id else None


def quote_of(found: DraftRow, *, with_buyer: bool, zone: tzinfo, at: datetime) -> Quote:
    """What is on the paper of a draft. 8 statements."""
    buyer = _buyer_of(found)
    order = _for(buyer, wire.load(found.body, PlaceOrder))
    goods = _goods(found, order)
    sellers = policies.in_force(found.company, Seller, at)
    company = next(one for one in parties.companies() if one.id == found.company)
    seller = policies.of_scope(sellers, found.channel, Seller())
    due = tax_due(found, order, goods)
    return Quote(found, order, company, seller, buyer if with_buyer else None, goods, due, zone)


def tax_due(found: DraftRow, order: PlaceOrder, goods: Mapping[str, Sku] | None = None) -> Expected:
    """The tax that a draft should have borne when it was saved. 6 statements."""
    channel = network.channels(company=found.company).get(found.channel)
    known = _goods(found, order) if goods is None else goods
    return quoting.tax_due(order, known, channel.kind if channel else "", found.saved_at)


def _goods(found: DraftRow, order: PlaceOrder) -> dict[str, Sku]:
    return catalog.skus(company=found.company, codes={line.sku for line in order.lines})


def pdf(told: Quote) -> bytes:
    """As PDF on A4, in the language of where it goes: who sells, who asked, lines, tax, until when it is valid."""
    with papers.for_country(told.order.country):
        return _pdf(told)


def _pdf(told: Quote) -> bytes:
    number = told.draft.number
    seller = told.seller
    registered = gettext("VAT %(number)s") % {"number": seller.tax_number} if seller.tax_number else ""
    paper = papers.Paper(about=tuple(filter(None, (told.company.name, registered, number))))
    paper.head(told.company.name, gettext("Quote") if told.draft.valid_until else gettext("Draft"), number)
    town = " ".join(filter(None, (seller.postal_code, seller.city)))
    lines = (seller.line1, town, fmt.country(told.company.country))
    paper.say(", ".join(filter(None, lines)), 8, 4, grey=True)
    paper.ln(4)
    facts = [
        (gettext("Number"), number), (gettext("Written"), fmt.day(told.draft.saved_at.astimezone(told.zone).date())),
        (gettext("Valid until"), _until(told)), (gettext("Customer"), told.order.customer or ""),
    ]  # fmt: skip
    paper.beside(_buyer(told), [one for one in facts if one[1]], gettext("For"))
    _rows(paper, told)
    paper.ln(3)
    _sums(paper, told)
    paper.ln(5)
    for sentence in _terms(told):
        paper.say(sentence, 9)
    return bytes(paper.output())


def _until(told: Quote) -> str:
    """The last day; where it does not last that whole day, the time and its zone as well."""
    if told.draft.valid_until is None:
        return ""
    until = told.draft.valid_until.astimezone(told.zone)
    day = fmt.day(until.date())
    return day if until.time() >= LAST_MINUTE else f"{day}, {until:%H:%M} {until.tzname()}"


def _buyer(told: Quote) -> list[str]:
    found = told.buyer
    if found is None:
        return [fmt.country(told.order.country)] if told.order.country else []
    *named, _ = papers.postal_lines(found) if found.line1 else [""]
    named.append(fmt.country(found.country))
    number = gettext("VAT %(number)s") % {"number": found.tax_number} if found.tax_number else ""
    return [one for one in (*named, number) if one]


def _rows(paper: papers.Paper, told: Quote) -> None:
    """Without the column of discounts where nothing stands in it."""
    currency, lines = told.order.currency, told.order.lines
    discounts = any(one.discount_minor for one in lines)
    columns = [
        (8, "", True), (70, gettext("What"), True), (14, gettext("Units"), True), (24, gettext("Price"), True),
        (22, gettext("Discount"), discounts), (26, gettext("Net %(currency)s") % {"currency": currency}, True),
    ]  # fmt: skip
    kept = [place for place, (_, _, is_there) in enumerate(columns) if is_there]
    rows: Sequence[Sequence[str]] = [
        [cells[place] for place in kept] for cells in (_cells(told, *one) for one in enumerate(lines, 1))
    ]
    paper.rows([columns[place][0] for place in kept], 2, [columns[place][1] for place in kept], rows)


def _cells(told: Quote, number: int, line: OrderLine) -> tuple[str, ...]:
    currency = told.order.currency
    sku = told.goods.get(line.sku)
    name = line.description or (sku.name if sku else "")
    what = "\n".join(filter(None, (name or line.sku, line.sku if name else "")))
    gross = money.extend(line.quantity, line.unit_price, currency)
    return (
        str(number), what, fmt.number(line.quantity), fmt.price(line.unit_price, currency),
        fmt.amount(-line.discount_minor, currency) if line.discount_minor else "",
        fmt.amount(gross - line.discount_minor, currency),
    )  # fmt: skip


def _sums(paper: papers.Paper, told: Quote) -> None:
    order, currency = told.order, told.order.currency
    goods = sum(
        money.extend(one.quantity, one.unit_price, currency) - one.discount_minor for one in order.lines
    )
    rows = [(gettext("Goods"), goods)]
    rows += [(gettext("Discount"), -order.discount_minor)] if order.discount_minor else []
    rows += [(gettext("Shipping"), order.shipping_minor), (gettext("Tax"), order.tax_minor)]
    whole_ = gettext("Total %(currency)s") % {"currency": currency}
    paper.sums(
        [(name, fmt.amount(amount, currency)) for name, amount in rows],
        (whole_, fmt.amount(total_of(order), currency)),
    )


def _terms(told: Quote) -> list[str]:
    """How its tax was worked out, until when its prices hold, and what the house writes below."""
    told_of = []
    if told.due is not None and told.due.is_known and told.due.tax_minor == told.order.tax_minor:
        told_of.append(gettext("Tax: %(why)s.") % {"why": reason(told.due.reason)})
    if told.draft.valid_until is None:
        told_of.append(gettext("This is no offer yet: no day is set until which its prices hold."))
    else:
        told_of.append(
            gettext("These prices hold until %(day)s. Goods are not set aside before you order.")
            % {"day": _until(told)}
        )
    return [*told_of, *filter(None, [told.seller.quote_terms])]
