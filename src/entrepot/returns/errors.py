"""What returns refuse."""

from __future__ import annotations

from entrepot.kernel.errors import Refused, Said


class MoreThanSold(Refused):
    """More units than left and have not been announced to come back."""

    code = "returns.more_than_sold"
    says = (
        "{wanted} units of line {line} were to come back; {left} left the house and are not in a return yet."
        " Ask for at most {left}."
    )


class TooLate(Refused):
    code = "returns.too_late"
    says = "Order {order}: {since}; returns are taken for {window} days."


class NotAllowed(Refused):
    """A rule of the policy says no, and the law does not say otherwise."""

    code = "returns.not_allowed"
    says = "{sku} of order {order} can't come back: {why}."


class NotOffered(Refused):
    code = "returns.not_offered"
    says = "{asked} is not offered for {sku}; ask for one of: {offered}."


class SeveralNodes(Refused):
    code = "returns.several_nodes"
    says = "What of order {order} is to come back goes to several nodes: {nodes}. Ask for each alone, or name a node."


class MoreThanAuthorized(Refused):
    code = "returns.more_than_authorized"
    says = (
        "{found} units came on line {line} of return {number}, {left} are still expected."
        " Authorize the others first, so that nothing comes in without a sale."
    )


class MoreThanWaits(Refused):
    """An inspection of more units than were received, or a disposition of more than were inspected."""

    code = "returns.more_than_waits"
    says = "{wanted} units were to be {step}; {left} wait for it."


class NoBin(Refused):
    code = "returns.no_bin"
    says = "Node {node} has no {kind} bin{bin}. Name a bin of the node."


class InDoubt(Refused):
    """What was found of units speaks against taking them back."""

    code = "returns.in_doubt"
    says = (
        "Return {number}: of {units} units it was found that they may not be what left. Accept or refuse them first, on"
        " the page of the return."
    )


class NoSecondGrade(Refused):
    """Nobody said what goods of this grade are sold as."""

    code = "returns.no_second_grade"
    says = (
        "{sku} of grade {grade} is sold as no other SKU. Name one on the page of {sku}, or send the units another way:"
        " to a buyer, as a gift, or to be disposed of."
    )


class NotSecured(Refused):
    """Nothing is given for a return before its goods are there."""

    code = "returns.not_secured"
    says = "Nothing is held for return {number}: {why}. It is refunded and exchanged at the usual milestone."


class ReasonNeeded(Refused):
    code = "returns.reason_needed"
    kind = "invalid"
    says = "{step} needs a reason: {why}."


class NothingToRefund(Refused):
    code = "returns.nothing_to_refund"
    says = "Return {number} has no unit to refund: {refunded} refunded, {due} due once units are {milestone}."


class NotThatMuch(Refused):
    """More units, or more money, than may be refunded."""

    code = "returns.not_that_much"
    says = "Return {number}: {what} to refund, expected at most {left}, found {wanted}."


class UnderDispute(Refused):
    """There would be enough, but a bank disputes it: the customer would get it twice, or not at all."""

    code = "returns.under_dispute"
    says = (
        "Return {number}: {wanted} to refund. A bank disputes {disputed} of its payments and has not decided, so {left}"
        " are left. Refund it after the decision, or accept the dispute: that gives the customer his money."
    )


class NoCustomer(Refused):
    """Store credit is an account, and somebody's."""

    code = "returns.no_customer"
    says = "Order {order} names no customer whose store credit it could be. Refund it in money."


class NotExchangeable(Refused):
    code = "returns.not_exchangeable"
    says = "{sku} can't replace units of return {number}: {why}."


class TooMuchBack(Refused):
    """What is left of a replacement costs so much less than was agreed that another person has to look."""

    code = "returns.too_much_back"
    says = (
        "Exchange {number} would give {back} back, as part of its replacement was cancelled: above the limit another"
        " person agrees to that. Give the exchange up, and refund the goods."
    )


class NotDueYet(Refused):
    """A replacement is settled when what it is for has come that far."""

    code = "returns.not_due_yet"
    says = "Exchange {number} waits until {units} units are {milestone}; {reached} are."


class DuplicateReturn(Refused):
    code = "returns.duplicate"
    says = "The channel's return {external_id} of order {order} is return {number} already."


class PalletHere(Refused):
    code = "returns.pallet_here"
    says = "Pallet {number} is here already: count its parcels off, or give this one another number."


class NotDone(Refused):
    """A return that still has something to be done can't be closed."""

    code = "returns.not_done"
    says = "Return {number} can't be closed: {what}."


class AnswersMissing(Refused):
    """The checklist of the category has questions that were not answered."""

    code = "returns.answers_missing"
    kind = "invalid"
    says = "The checklist of these goods is not answered: {codes}. Answer it at the inspection station."


class SerialNeeded(Refused):
    code = "returns.serial_needed"
    kind = "invalid"
    says = "{left} units left with their serial number. Read the one on this unit, so that a swap is seen."


class TooManyPhotos(Refused):
    code = "returns.too_many_photos"
    says = "An inspection has {most} photos at most, and this one has them."


class NotOfVendor(Refused):
    """A vendor takes back what he sold."""

    code = "returns.not_of_vendor"
    says = "{sku} is neither offered by {vendor} nor was bought there. Return it to whoever sold it, or liquidate it."


class NoReceiver(Refused):
    code = "returns.no_receiver"
    kind = "invalid"
    says = "A {kind} needs {expected}. Name who gets the goods."


class TooManyPapers(Refused):
    code = "returns.too_many_papers"
    says = "A departure has {most} files at most, and this one has them."


class UnderReview(Refused):
    """A suspicion of fraud is not decided yet."""

    code = "returns.under_review"
    says = "Return {number} is under review for fraud: nothing of it is refunded until somebody has decided."


class FraudConfirmed(Refused):
    code = "returns.fraud_confirmed"
    says = (
        "Return {number} was confirmed as fraud: nothing of it is refunded."
        " Open the review again, or close it without a refund."
    )


class NotSuspicious(Refused):
    code = "returns.not_suspicious"
    says = "No rule found anything about return {number}: there is nothing to decide."


class ExchangeAgreed(Refused):
    """What is to be exchanged for units can't be refused."""

    code = "returns.exchange_agreed"
    says = (
        "{units} units of this line of return {number} are to be exchanged. Withdraw the exchange first, then refuse"
        " them."
    )


class LessWorth(Refused):
    """The law lets a customer give goods back: their lost value may be deducted, the rest is his."""

    code = "returns.less_worth"
    says = (
        "Return {number} is answered by law, and its units can't be refused because {reason}. Refund them less what"
        " they have lost of their worth, by an adjustment of the refund."
    )


class MustConform(Refused):
    """The law lets a customer claim that goods do not conform: what has nothing to do with that is no answer."""

    code = "returns.must_conform"
    says = (
        "Return {number} claims by law that goods do not conform, and they can't be refused because {reason}. Mend,"
        " exchange or refund them; or refuse what was damaged after its delivery, is not ours, or was swapped."
    )


class InspectedAlready(Refused):
    """One unit is not found twice in one return."""

    code = "returns.inspected_already"
    says = (
        "The unit with serial number {serial} of return {number} was inspected already. Read the number on this unit"
        " again; if it was read wrongly the first time, have the units of that inspection decided about."
    )


class RepairIsFree(Refused):
    """The law lets nobody ask for money to make goods conform."""

    code = "returns.repair_is_free"
    says = (
        "Return {number} claims by law that goods do not conform: their repair is free. Let the house pay for it; or"
        " refuse the units, if they were damaged after their delivery."
    )


class RepairsOpen(Refused):
    """Units are repaired for their customer: meanwhile nothing else becomes of them, and nothing else is agreed on for
    the others of their return."""

    code = "returns.repairs_open"
    says = (
        "{units} units of return {number} are in repair for their customer. Send them back first, or agree with him on"
        " the same thing instead for all of them."
    )


class NothingToSend(Refused):
    """No unit of the return waits to go back to its customer."""

    code = "returns.nothing_to_send"
    says = (
        "No units of return {number} wait to go back to their customer. Dispose of refused units as send back, or"
        " finish their repair, first."
    )


class NoParts(Refused):
    """Fewer units of a part are free at the node of the work than were used."""

    code = "returns.no_parts"
    says = (
        "{wanted} units of {sku} were used as parts, {free} are in stock there, promised to nobody."
        " Say where the parts came from, or receive them first."
    )


class NoLabel(Refused):
    """The terms of a return promise no label: its customer sends it as he likes."""

    code = "returns.no_label"
    says = (
        "Return {number} comes without a label of ours: its terms say so. Its customer sends it with a carrier of his"
        " choice."
    )


class NotInOneParcel(Refused):
    """A label is for one parcel, and these returns can't be in one."""

    code = "returns.not_in_one_parcel"
    says = "Returns {number} and {other} can't come in one parcel: {why}. Make a label for each."


class LabelInDoubt(Refused):
    """A label was asked for, and whether its carrier sold it nobody knows: another would be paid for as well."""

    code = "returns.label_in_doubt"
    says = (
        "A label of return {number} was asked for, and nobody knows whether it was bought. Look in the account with the"
        " carrier. If it is there, make the label with its tracking number; if it is not, ask again and say that it was"
        " not bought."
    )


class NotCarriedBack(Refused):
    """No service takes a return back from where its customer is."""

    code = "returns.not_carried_back"
    says = (
        "No service takes return {number} back from {origin} to {destination}: {why}. Register a zone and a rate for"
        " that way with a carrier."
    )


class NotSentAgain(Refused):
    """No shipment of that number was sent again."""

    code = "returns.not_sent_again"
    says = (
        "{number} is no shipment that was sent again. Scan the number on the parcel; what comes back otherwise is"
        " received as a return."
    )


class ComesWithReturn(Refused):
    """What a shipment sent is waited for in a return of it: it comes in by that, or by nothing."""

    code = "returns.comes_with_return"
    says = (
        "Return {number} waits for what {shipment} sent. Receive the parcel there, or close the return first."
    )


class NotOut(Refused):
    """A parcel that came back can't hold what its shipment did not send, or what is back already."""

    code = "returns.not_out"
    says = "{found} came, and of {shipment} these are out: {out}. {what}"


NOT_OUT = {
    "other": Said("It was not in this parcel: receive it as goods that nobody announced."),
    "more": Said("Receive what is more as goods that nobody announced."),
    "named": Said("Read the lot or serial number again: it is not one that left."),
    "part": Said("No more of it was sent again: receive the rest as goods that nobody announced."),
    "which": Said("Read the lot or serial number: it is not known which of them came."),
}
"""What is to be done, by why it is not out."""
