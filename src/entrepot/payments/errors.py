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


class ExceedsCaptured(Refused):
    """More would be refunded than was captured and is not refunded yet."""

    code = "payments.exceeds_captured"
    says = "{wanted} were to be refunded on order {order}, {left} of what was captured are left. Refund at most that."
