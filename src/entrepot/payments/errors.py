"""What payments refuse."""

from __future__ import annotations

from entrepot.kernel.errors import Refused


class UnknownProvider(Refused):
    """No adapter is installed for the provider."""

    code = "payments.unknown_provider"
    kind = "invalid"
    says = "There is no payment provider {provider}. Known are: {known}."


class NotAPayment(Refused):
    """The amount makes no sense."""

    code = "payments.not_a_payment"
    kind = "invalid"
    says = "{field}: expected {expected}, found {found}."


class NotAMessage(Refused):
    """Nobody can read what a provider sent."""

    code = "payments.not_a_message"
    kind = "invalid"
    says = "{field}: expected {expected}, found {found}."


class KnownOtherwise(Refused):
    """The provider's name for a dispute stands for another one already."""

    code = "payments.known_otherwise"
    says = (
        "Dispute {external_id} is known with {field} {expected}, not {found}."
        " Ask the provider which one is right; a second chargeback has a name of its own."
    )


class ExceedsCaptured(Refused):
    """More would be refunded than was captured and is not refunded yet."""

    code = "payments.exceeds_captured"
    says = "{wanted} were to be refunded on order {order}, {left} of what was captured are left. Refund at most that."


class ExceedsAuthorized(Refused):
    """A capture that failed is asked for again, and no longer fits into the authorization."""

    code = "payments.exceeds_authorized"
    says = (
        "{wanted} were to be captured of payment {payment}, {left} of what was authorized are left."
        " Capture at most that, with payments.capture."
    )


class NoCard(Refused):
    """Nothing can be held: the order was paid on account, with store credit, or not at all."""

    code = "payments.no_card"
    says = "Order {order} has no captured payment by card in {currency} that an amount could be held on."


class UnderDispute(Refused):
    """What would be refunded is disputed, and a bank takes it or has taken it: the customer would get it twice."""

    code = "payments.under_dispute"
    says = (
        "{wanted} were to be refunded on order {order}. A bank disputes {disputed} of what was captured, so {left} are"
        " left. Answer the dispute first: accepting it gives the customer his money."
    )


class AnsweredBefore(Refused):
    """One answer at a time: the provider has not said yet what became of the last, or a second person has not."""

    code = "payments.answered_before"
    says = "Dispute {external_id} has an answer that is {found}. Wait for it, or withdraw it."


class NothingProposed(Refused):
    code = "payments.nothing_proposed"
    says = "Nobody proposed to accept dispute {external_id}, so there is nothing to withdraw."
