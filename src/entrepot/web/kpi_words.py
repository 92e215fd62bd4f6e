"""What key figures are called, and what they say, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    from entrepot.insight.kpis import Kpi


class Words(NamedTuple):
    """A key figure's title, its definition, and what its facts are one of."""

    title: _StrPromise
    says: _StrPromise
    facts: _StrPromise


KINDS = {
    "outcome": _("Outcome"),
    "carrier": _("Carrier"),
    "cause": _("Cause"),
    "hold": _("Hold"),
    "category": _("Category"),
    "class": _("Class"),
    "stage": _("Stage"),
    "item": _("Type of item"),
    "step": _("Task"),
    "disposition": _("Disposition"),
    "account": _("Account"),
    "part": _("Part"),
    "advice": _("Kind of advice"),
}

TOLD_APART = (
    _("perfect"), _("incomplete"), _("wrong goods"), _("sent again"), _("wrong papers"), _("another price"),
    _("heavier than labeled"), _("right papers"), _("return freight"), _("processing"),
    _("not arrived"), _("not held"), _("no class"),
    _("stock"), _("receivable"), _("payable"),
    _("asked to received"),
    _("received to inspected"),
    _("inspected to disposed"),
    _("asked to refunded"),
)  # fmt: skip
"""What facts are told apart by that no state or kind of the house is called: here for the catalogs of translations."""

WORDS = {
    "perfect order": Words(
        _("Perfect orders"),
        _(
            "Of the orders that arrived or were lost on their way, those with every unit that was ordered, by the "
            "moment promised, with nothing damaged, wrong or sent again, and with papers that were right: all of it at "
            "once, not the product of the shares. A unit that the customer cancelled counts against it; what was sent "
            "again at no charge is told with its first order."
        ),
        _("orders"),
    ),
    "order cycle time": Words(
        _("Order cycle time"),
        _("Hours from the order to the arrival of the last of it, orders for a later day included."),
        _("orders"),
    ),
    "net cycle time": Words(
        _("Net cycle time"),
        _(
            "Order cycle time less the hours in which a hold waited for a decision, the customer or a payment. "
            "Waiting for stock counts."
        ),
        _("orders"),
    ),
    "shipped complete": Words(
        _("Shipped complete"),
        _(
            "Of the orders whose last shipment left, those with every unit that was ordered, however many shipments "
            "that took. A unit that the customer cancelled counts against it."
        ),
        _("orders"),
    ),
    "shipped on time": Words(
        _("Shipped on time"),
        _("Of the shipments that left, those that did before the moment that the warehouse had to have them out."),
        _("shipments"),
    ),
    "delivered on time": Words(
        _("Delivered on time"),
        _(
            "Of the shipments that arrived with a promise, those that did by the moment promised with the "
            "carrier's service."
        ),
        _("shipments"),
    ),
    "delivered as promised": Words(
        _("Delivered as promised"),
        _(
            "Of the orders that arrived and had a promise of their own, those whose last shipment came by it, whatever "
            "the carrier's services had promised."
        ),
        _("orders"),
    ),
    "fill rate": Words(
        _("Fill rate"),
        _(
            "Of the units of orders placed, those that left stock with the first release of their order, short "
            "picks taken off. Orders that wait for their first release are not told of, but those of which stock had "
            "nothing are."
        ),
        _("orders"),
    ),
    "lines filled": Words(
        _("Lines filled"),
        _("Fill rate by line: those of which every unit left stock with the first release of their order."),
        _("lines"),
    ),
    "orders filled": Words(
        _("Orders filled"),
        _("Fill rate by order: those of which every unit left stock with their first release."),
        _("orders"),
    ),
    "split rate": Words(
        _("Split rate"),
        _("Shipments of an order beyond the first, by order that was sent."),
        _("orders"),
    ),
    "cancelled units": Words(
        _("Cancelled units"),
        _("Of the units of orders placed, those that were cancelled, by whomever."),
        _("orders"),
    ),
    "oversold lines": Words(
        _("Oversold lines"),
        _(
            "Of the lines of orders placed, those whose promise stock could not keep: damage, loss, a count or a "
            "short pick took it."
        ),
        _("lines"),
    ),
    "held orders": Words(
        _("Held orders"),
        _("Of the orders placed, those that any hold kept, told by their first."),
        _("orders"),
    ),
    "pick accuracy": Words(
        _("Pick accuracy"),
        _(
            "Of the lines that left, those of which nothing came back as the wrong thing or with a part missing. What "
            "was declined does not count; a line counts when the last of it left."
        ),
        _("lines"),
    ),
    "free of damage": Words(
        _("Free of damage"),
        _(
            "Of the lines that left, those of which nothing came back as damaged on its way or badly packed, and of "
            "whose shipments no carrier told of damage and no damage was claimed. A line counts when the last of it "
            "left."
        ),
        _("lines"),
    ),
    "documents correct": Words(
        _("Documents correct"),
        _(
            "Of the orders that arrived or were lost on their way, those whose papers said what was so: nothing was "
            "asked back for another price than agreed, and no parcel was found to weigh more than its label said."
        ),
        _("orders"),
    ),
    "record accuracy": Words(
        _("Record accuracy"),
        _("Of the records that were counted, those where as many units stood as the record said at that moment."),
        _("records"),
    ),
    "units off": Words(
        _("Units off the record"),
        _(
            "By unit on record, the units by which counts differed from it, more and less added up: 0.02 is two of a "
            "hundred."
        ),
        _("records"),
    ),
    "units more": Words(
        _("Units more or less"),
        _(
            "By unit on record, the units by which counts were above it, less those by which they were below: below 0 "
            "stock is lost."
        ),
        _("records"),
    ),
    "dock to stock": Words(
        _("Dock to stock"),
        _(
            "Hours from the arrival of goods until they are put away, told for each that was: of a bin, what came "
            "first goes first."
        ),
        _("put-aways"),
    ),
    "lines received": Words(
        _("Lines received an hour"),
        _("Lines that were received, by the hours that people took to receive and to put away."),
        _("tasks"),
    ),
    "orders packed": Words(
        _("Orders packed an hour"),
        _("Orders that were packed, by the hours that people took to pick and to pack."),
        _("tasks"),
    ),
    "return rate": Words(
        _("Return rate"),
        _(
            "Of the units that left in this time, those that came back or shall, whenever that was asked: by "
            "cohort, not by calendar. A line counts when the last of it left."
        ),
        _("lines"),
    ),
    "value returned": Words(
        _("Value returned"),
        _(
            "Return rate by value: of what the goods that left in this time were sold for, less discounts and in the "
            "company's currency, the part of the units that came back or shall."
        ),
        _("lines"),
    ),
    "return times": Words(
        _("Return times"),
        _(
            "Hours of each stage of a return, told in the time when the stage ended; of the whole way, from asked"
            " to refunded."
        ),
        _("steps"),
    ),
    "value kept": Words(
        _("Value kept"),
        _(
            "Of what refunds gave back, what stayed in the house: as store credit, or paid for a replacement. Told "
            "when the refund was decided."
        ),
        _("refunds"),
    ),
    "cost recovered": Words(
        _("Cost recovered"),
        _(
            "Of what goods that came back had cost, what stands in stock again, and what vendors and buyers owe for "
            "them or have given; 1 is all of it. Told when it was decided what is done with them."
        ),
        _("dispositions"),
    ),
    "net recovery": Words(
        _("Net recovery of returns"),
        _(
            "Cost recovered, less carriage of the labels that the goods came back with, as it was accrued, "
            "without what refunds kept for label and handling, and the work of a unit by the policy "
            "returns.recovery, by what goods that came back had cost; 1 is all of it. What stands in stock again "
            "counts at cost, second grade as it was written down, not at what it sells for. Told when it was "
            "decided what is done with the goods, carriage with the first."
        ),
        _("dispositions, labels and work"),
    ),
    "cleared in time": Words(
        _("Cleared in time"),
        _(
            "Of what was posted to clearing accounts, in the company's currency, what was matched within 4 days. "
            "Lines younger than that are not told of."
        ),
        _("lines"),
    ),
    "left to clear": Words(
        _("Left to clear"),
        _(
            "Of what was posted to clearing accounts, in the company's currency, what is matched with nothing to this "
            "moment, more than 4 days later."
        ),
        _("lines"),
    ),
    "cash to cash": Words(
        _("Cash to cash"),
        _(
            "Days from paying for goods until their price is in the bank: stock by the cost of sales, and what is "
            "owed to us by revenue, less what we owe to suppliers by the cost of sales; each as it stood at the "
            "ends of months."
        ),
        _("parts of months"),
    ),
    "time to resolve": Words(
        _("Time to resolve"),
        _("Hours from the opening of a work item to its end."),
        _("items"),
    ),
    "resolved in time": Words(
        _("Resolved in time"),
        _("Of the work items that ended and had a due time, those that ended before it."),
        _("items"),
    ),
    "advice accepted": Words(
        _("Advice accepted"),
        _("Of the suggestions that somebody decided on, those that were accepted."),
        _("suggestions"),
    ),
    "advice right": Words(
        _("Advice right"),
        _(
            "Of the suggestions of which it is known by now what came, those that were right: reasons that fit what "
            "an inspector found, people that were needed within the interval, work that was late in its old place. "
            "Nothing tells it of demand."
        ),
        _("suggestions"),
    ),
}  # fmt: skip
"""By the names of `insight.kpis.KPIS`."""

SOURCES = {
    "practice": _("usual in the field: 98 to 99 %"),
    "online": _("NRF and Appriss 2023, of online orders"),
    "Stripe": _("Stripe, of its own ledger"),
}
"""Who says what the best reach, where that is more than a name."""


def source(kpi: Kpi) -> str:
    """Who says what the best reach, in the language of the page."""
    return str(SOURCES.get(kpi.source, kpi.source))
