"""A purchase order as a paper for its supplier, and on its way to him by mail."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from smtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException
from typing import NamedTuple
from uuid import UUID

import msgspec
import structlog
from babel import Locale
from django.core.mail import EmailMessage, get_connection
from django.db import transaction
from django.utils.translation import gettext, override

from entrepot.access import queries as access
from entrepot.catalog import queries as catalog
from entrepot.catalog.queries import Sku
from entrepot.kernel import money, policies
from entrepot.kernel.cause import Cause
from entrepot.kernel.delivery import Claimed, is_last
from entrepot.kernel.errors import Away, Unavailable, Unheard
from entrepot.kernel.sql import DATABASE_AWAY
from entrepot.network import queries as network
from entrepot.network.queries import Node
from entrepot.parties import queries as parties
from entrepot.parties.queries import Company
from entrepot.purchasing import queries
from entrepot.purchasing.commands.send_orders import NoteSending, Posted, note_sendings
from entrepot.purchasing.queries import Line, Order, Sending
from entrepot.settlement.invoicing import Seller
from entrepot.web import format as fmt
from entrepot.web import papers
from entrepot.web.report_mail import host

log = structlog.get_logger("entrepot.web")

FOR_GOOD = 500
"""From this code on a mail server says no for good, and the same mail need not be tried again."""


class Bought(NamedTuple):
    """All that stands on the paper."""

    order: Order
    lines: Sequence[Line]
    company: Company
    buyer: Seller
    node: Node
    goods: Mapping[UUID, Sku]

    @property
    def is_cancelled(self) -> bool:
        return self.order.state == "cancelled"

    @property
    def title(self) -> str:
        if self.order.state == "waiting":
            return gettext("Purchase order, not approved yet")
        return gettext("Cancelled purchase order") if self.is_cancelled else gettext("Purchase order")

    @property
    def asked(self) -> list[tuple[Line, int]]:
        """What the supplier is to send in all, or was; not what was given up of it."""
        units = [(one, one.quantity if self.is_cancelled else one.quantity - one.short) for one in self.lines]
        return [(one, count) for one, count in units if count > 0]


def bought(order: Order, at: datetime) -> Bought:
    """What is on the paper of an order. 5 statements."""
    lines = queries.lines(order.id)
    company = next(one for one in parties.companies() if one.id == order.company)
    node = next(one for one in network.nodes(company=order.company) if one.id == order.node)
    goods = catalog.skus_by_id({one.sku for one in lines})
    _, buyer = policies.of_company(order.company, Seller, at)
    return Bought(order, lines, company, buyer, node, goods)


@contextmanager
def in_language(language: str) -> Iterator[None]:
    """Within this block texts, days and amounts are as they are read in a language."""
    locale = Locale("en", "GB") if language == "en" else Locale.parse(language)
    with override(language), fmt.read_by(fmt.Reading(locale=locale)):
        yield


def pdf(told: Bought, language: str) -> bytes:
    """As PDF on A4: who orders, of whom, where it goes, its lines with their days and prices, and the sum."""
    with in_language(language):
        return _pdf(told)


def _pdf(told: Bought) -> bytes:
    order, buyer = told.order, told.buyer
    registered = gettext("VAT %(number)s") % {"number": buyer.tax_number} if buyer.tax_number else ""
    paper = papers.Paper(about=tuple(filter(None, (told.company.name, registered, order.number))))
    paper.head(told.company.name, told.title, order.number)
    town = " ".join(filter(None, (buyer.postal_code, buyer.city)))
    paper.say(
        ", ".join(filter(None, (buyer.line1, town, fmt.country(told.company.country)))), 8, 4, grey=True
    )
    paper.ln(4)
    ordered = order.ordered_at.astimezone(fmt.zone_of(told.node.time_zone)).date()
    facts = [
        (gettext("Number"), order.number), (gettext("Reference"), order.external_ref),
        (gettext("Ordered on"), fmt.day(ordered)), (gettext("Deliver to"), _place(told.node)),
    ]  # fmt: skip
    paper.beside([order.supplier_name], [one for one in facts if one[1]], gettext("To"))
    if told.is_cancelled:
        paper.say(gettext("This order is cancelled. Please send nothing more of it."), 10, 6, bold=True)
    _rows(paper, told)
    paper.ln(3)
    whole = sum(_net(one, units, order.currency) for one, units in told.asked)
    title = gettext("Total %(currency)s") % {"currency": order.currency}
    paper.sums([], (title, fmt.amount(whole, order.currency)))
    paper.ln(5)
    paper.say(gettext("Please put our number on your delivery note and your invoice."), 9)
    return bytes(paper.output())


def _place(node: Node) -> str:
    return "\n".join(filter(None, (node.name or node.code, node.postal_code, fmt.country(node.country))))


def _net(line: Line, units: int, currency: str) -> int:
    return money.extend(units, Decimal(line.unit_cost), currency)


def _rows(paper: papers.Paper, told: Bought) -> None:
    currency = told.order.currency
    heads = [
        "", gettext("What"), gettext("Wanted on"), gettext("Units"), gettext("Price"),
        gettext("Net %(currency)s") % {"currency": currency},
    ]  # fmt: skip
    rows = [
        [
            str(one.number), _named(told.goods.get(one.sku), one.sku_code),
            fmt.day(one.wanted_on) if one.wanted_on else "", fmt.number(units), fmt.price(one.unit_cost, currency),
            fmt.amount(_net(one, units, currency), currency),
        ]
        for one, units in told.asked
    ]  # fmt: skip
    paper.rows([8, 70, 28, 16, 24, 28], 3, heads, rows)


def _named(sku: Sku | None, code: str) -> str:
    """What goods are called, their code, and the barcode that stands on them."""
    return "\n".join(filter(None, (sku.name if sku else "", code, sku.barcode if sku else "")))


# ---- by mail


def mail(told: Bought, sending: Sending) -> EmailMessage:
    """The mail with its paper, in the language of the sending. The same sending makes the same mail, by its id."""
    with in_language(sending.language):
        number = told.order.number
        text = gettext(
            "Attached is our purchase order %(number)s. Please confirm it, with your delivery days."
        )
        if told.is_cancelled:
            text = gettext("Our purchase order %(number)s, which is attached, is cancelled.")
        body = "\n\n".join(filter(None, (text % {"number": number}, sending.note, told.company.name)))
        subject = " · ".join((f"{told.title} {number}", told.company.name))
        written = EmailMessage(
            " ".join(subject.split()), body, to=[sending.address],
            headers={"Message-ID": f"<order.{sending.id}@{host()}>"},
        )  # fmt: skip
        written.attach(f"{number}.pdf", _pdf(told), "application/pdf")
        return written


def send(cause: Cause, message: Claimed) -> None:
    """Send one mail, and note what became of it. Where the mail server is away, or breaks off, it is tried again: at
    worst it comes twice, under one id. What fails at the last try, by whosever fault, is not sent."""
    which = msgspec.json.decode(message.body, type=Posted).sending
    sending = queries.sending(which)
    order = queries.order(sending.order) if sending else None
    if sending is None or order is None or sending.state != "waiting":
        return
    error = tried(message, lambda: handed_over(mail(bought(order, cause.at), sending)))
    note_sendings(cause, requests=[NoteSending(which, error)])


def tried(message: Claimed, mailed: Callable[[], str]) -> str:
    """What `mailed` says: '' where the mail server took it, why not where it never will. What fails otherwise is tried
    again, but for the last try."""
    try:
        with transaction.atomic():
            return mailed()
    except DATABASE_AWAY:
        raise
    except Exception as failure:
        if not is_last(message):
            raise
        log.warning("a mail to a supplier is given up", subject=str(message.subject), exc_info=True)
        return (
            str(failure) if isinstance(failure, Unavailable) else f"a fault of ours: {type(failure).__name__}"
        )


def handed_over(written: EmailMessage) -> str:
    """'' where the mail server took a mail; why not, where it never will."""
    if not access.sends_mail():
        raise Away("no mail server is set (ENTREPOT_MAIL_HOST)")
    connection = get_connection()
    try:
        connection.open()
    except (OSError, SMTPException) as error:
        raise Away(f"the mail server can't be reached: {error}") from error
    try:
        connection.send_messages([written])
    except (SMTPResponseException, SMTPRecipientsRefused) as error:
        codes = [error.smtp_code] if isinstance(error, SMTPResponseException) else _codes(error)
        if min(codes, default=0) < FOR_GOOD:
            raise Unavailable(f"the mail server says not now: {codes}") from error
        return f"{min(codes)}"
    except (OSError, SMTPException) as error:
        raise Unheard(f"the mail server broke off: {type(error).__name__}") from error
    finally:
        connection.close()
    return ""


def _codes(error: SMTPRecipientsRefused) -> list[int]:
    return [code for code, _ in error.recipients.values()]
