"""What a supplier is to send to a customer as a paper, written when it is mailed: the customer's address stands in it
and is kept nowhere."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

import msgspec
from django.core.mail import EmailMessage
from django.utils.translation import gettext

from entrepot.kernel import money, policies
from entrepot.kernel.cause import Cause
from entrepot.kernel.delivery import Claimed
from entrepot.orders import queries as orders
from entrepot.parties import queries as parties
from entrepot.parties.queries import Address
from entrepot.purchasing import drop_ship_queries as queries
from entrepot.purchasing.commands.tell_suppliers import NoteDropShipSending, Posted, note_drop_ship_sendings
from entrepot.purchasing.drop_ship import CALLED_OFF, kept_back
from entrepot.purchasing.drop_ship_queries import Paper, PaperLine, SendingRow
from entrepot.settlement.invoicing import Seller
from entrepot.web import format as fmt
from entrepot.web import papers
from entrepot.web.order_paper import handed_over, in_language, tried
from entrepot.web.report_mail import host

PERHAPS_SENT = (
    "it may have reached him: whoever sent it heard no answer; ask him, and send it again if it did not"
)
NO_ADDRESS = "the order has no address of its customer, or it was erased"


class Told(NamedTuple):
    """All that stands on the paper; what is called off names nobody."""

    order: Paper
    sending: SendingRow
    buyer: Seller
    address: Address | None
    gift_message: str

    @property
    def is_off(self) -> bool:
        return self.sending.purpose == CALLED_OFF

    @property
    def title(self) -> str:
        return gettext("Drop-ship order called off") if self.is_off else gettext("Drop-ship order")


def send(cause: Cause, message: Claimed) -> None:
    """Send one mail, and note what became of it, as `order_paper.send` does. What is over meanwhile is not asked for
    any more; whose customer was erased goes nowhere. Of what may have reached him a person decides: whoever reads two
    mails sends goods twice."""
    found = queries.sending(msgspec.json.decode(message.body, type=Posted).sending)
    if found is None or found.state != "waiting":
        return
    order = queries.paper(found.drop_ship, found.purpose)
    if kept_back(found.purpose, order.state):
        note_drop_ship_sendings(cause, requests=[NoteDropShipSending(found.id, "superseded")])
        return
    error = PERHAPS_SENT if message.is_again else tried(message, lambda: _mailed(cause, order, found))
    noted = NoteDropShipSending(found.id, "failed" if error else "sent", error)
    note_drop_ship_sendings(cause, requests=[noted])


def _mailed(cause: Cause, order: Paper, sending: SendingRow) -> str:
    _, buyer = policies.of_company(order.company, Seller, cause.at)
    is_off = sending.purpose == CALLED_OFF
    address = parties.address(order.address) if order.address and not is_off else None
    if not is_off and address is None:
        return NO_ADDRESS
    gift = "" if is_off else orders.gift_message(order.order)
    return handed_over(mail(Told(order, sending, buyer, address, gift)))


def mail(told: Told) -> EmailMessage:
    """The mail with its paper. The same sending makes the same mail, by its id; it says that one order is meant,
    however often it comes."""
    with in_language(told.sending.language):
        number = told.order.number
        text = gettext(
            "Attached is our order %(number)s. Please send the goods to our customer yourself, and tell us when they"
            " have left. Should it reach you twice, it is one and the same order: please send it once."
        )
        if told.is_off:
            text = gettext(
                "Our order %(number)s, which is attached, is called off. Please send nothing of it. Should it never"
                " have reached you, there is nothing to do."
            )
        body = "\n\n".join((text % {"number": number}, told.order.company_name))
        subject = " · ".join((f"{told.title} {number}", told.order.company_name))
        written = EmailMessage(
            " ".join(subject.split()), body, to=[told.sending.address],
            headers={"Message-ID": f"<drop-ship.{told.sending.id}@{host()}>"},
        )  # fmt: skip
        written.attach(f"{number}.pdf", _pdf(told), "application/pdf")
        return written


def _pdf(told: Told) -> bytes:
    """On A4: who asks whom, where it goes, by which service, its lines with what they cost, and what goes with them."""
    order = told.order
    paper = papers.Paper(about=(order.company_name, order.number))
    paper.head(order.company_name, told.title, order.number)
    town = " ".join(filter(None, (told.buyer.postal_code, told.buyer.city)))
    paper.say(
        ", ".join(filter(None, (told.buyer.line1, town, fmt.country(order.company_country)))), 8, 4, grey=True
    )
    paper.ln(4)
    facts = [
        (gettext("Number"), order.number), (gettext("Customer's order"), order.order_number),
        (gettext("Ordered on"), fmt.day(order.ordered_at.date())), (gettext("Send by"), fmt.day(order.due_on)),
        (gettext("Service"), order.service),
    ]  # fmt: skip
    paper.beside([order.supplier_name], [one for one in facts if one[1]], gettext("To"))
    if told.is_off:
        paper.say(gettext("This is called off. Please send nothing of it."), 10, 6, bold=True)
    else:
        phone = told.address.phone if told.address else ""
        reach = [(gettext("Phone, for the carrier"), phone)] if phone else []
        paper.beside(papers.postal_lines(told.address), reach, gettext("Send to our customer"))
    _rows(paper, order)
    _notes(paper, told)
    return bytes(paper.output())


def _rows(paper: papers.Paper, order: Paper) -> None:
    heads = [
        "", gettext("What"), gettext("Units"), gettext("Price"),
        gettext("Net %(currency)s") % {"currency": order.currency},
    ]  # fmt: skip
    rows = [
        [
            str(one.number), _named(one), fmt.number(one.units), fmt.price(one.unit_cost, order.currency),
            fmt.amount(_net(one, order.currency), order.currency),
        ]
        for one in order.lines
    ]  # fmt: skip
    paper.rows([8, 98, 16, 24, 28], 2, heads, rows)
    paper.ln(3)
    title = gettext("Total %(currency)s") % {"currency": order.currency}
    whole = sum(_net(one, order.currency) for one in order.lines)
    paper.sums([], (title, fmt.amount(whole, order.currency)))


def _net(one: PaperLine, currency: str) -> int:
    return money.extend(one.units, Decimal(one.unit_cost), currency)


def _named(one: PaperLine) -> str:
    return "\n".join(filter(None, (one.name, one.code, one.barcode)))


def _notes(paper: papers.Paper, told: Told) -> None:
    """What goes into the parcel, and what doesn't."""
    if told.is_off:
        return
    paper.ln(5)
    said: Sequence[str] = (
        gettext("Please put no prices into the parcel, and our customer's order number on the packing slip."),
        told.sending.note,
        gettext("Please put our number on your notice of dispatch and your invoice."),
    )
    for text in filter(None, said):
        paper.say(text, 9)
    if told.gift_message:
        paper.ln(3)
        paper.say(gettext("Gift message, for the parcel"), 9, bold=True)
        paper.say(told.gift_message, 11)
