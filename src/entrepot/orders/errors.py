"""What orders refuse."""

from __future__ import annotations

from entrepot.kernel.errors import Refused


class Duplicate(Refused):
    code = "orders.duplicate"
    says = "Order {external_id} of channel {channel} was placed already, as {number}."


class DuplicateCredit(Refused):
    code = "orders.duplicate_credit"
    says = "Credit {external_id} of channel {channel} was given already, as {number}."


class Unplaceable(Refused):
    code = "orders.unplaceable"
    kind = "invalid"
    says = "Order {external_id} can't be placed: {field} must be {expected}, found {found}."


class UnfitDraft(Refused):
    """`draft` is its number, or words for one that has none yet."""

    code = "orders.unfit_draft"
    kind = "invalid"
    says = "{draft} can't be saved: {field} must be {expected}, found {found}."


class UnfitCredit(Refused):
    code = "orders.unfit_credit"
    kind = "invalid"
    says = "Credit {external_id} can't be given: {field} must be {expected}, found {found}."


class QuoteExpired(Refused):
    """The quote was valid until a time that is over."""

    code = "orders.quote_expired"
    says = "Quote {number} was valid until {expired}. Save it with a later date if its prices still hold, and place it."


class PaymentKnown(Refused):
    """The same payment of the provider stands with the order already."""

    code = "orders.payment_known"
    says = "Payment {reference} of {provider} was taken for order {order} already. Send each payment once."


class HoldOfAnotherRole(Refused):
    """The hold is decided about by a role that somebody does not have, and nobody gave it to them."""

    code = "orders.hold_of_another_role"
    kind = "forbidden"
    says = (
        "The {type} is decided about by the {role}. Ask one of them, or have its work item assigned to you."
    )


class TooLate(Refused):
    code = "orders.too_late"
    says = (
        "Order {order}: some of that is released to the warehouse, with a supplier, or gone already (units: {late})."
        " Ask the warehouse to confirm the cancellation, call them off at the supplier, or take a return."
    )


class EditTooLate(Refused):
    """A change of an order that has come too far for it."""

    code = "orders.edit_too_late"
    says = "Order {order}: its {edit} can't be changed any more, as {why}. {instead}"


class PriceOverridden(Refused):
    """A price that is neither the line's nor the catalog's, from somebody who may not give one."""

    code = "orders.price_overridden"
    kind = "forbidden"
    says = "The price of {sku} is {usual}, found {found}. Leave it out, or ask somebody who may give sourcing.reprice."


class NotToSplit(Refused):
    """More units than the house still has to promise or to release."""

    code = "orders.not_to_split"
    says = (
        "Order {order}: {found} units of the line can still go to another order, {expected} were asked for."
        " What the warehouse has, has left or is cancelled stays; cancel units and place another order instead."
    )


class NothingStays(Refused):
    code = "orders.nothing_stays"
    kind = "invalid"
    says = "Order {order}: all of its goods would go. Leave at least one unit, or change the order itself."


class MoneyTaken(Refused):
    """What was captured can't be taken apart."""

    code = "orders.money_taken"
    says = (
        "Order {order}: {taken} is captured already, and what stays costs {stays}."
        " Ship it in parts instead, or cancel the units and place another order."
    )


class NotMergeable(Refused):
    """An order that has come too far to become part of another."""

    code = "orders.not_mergeable"
    says = "Order {order} can't be merged, as {why}. Let both ship by themselves."


class NotAlike(Refused):
    code = "orders.not_alike"
    kind = "invalid"
    says = (
        "Order {order} and order {into} have not the same {what}. Change one of them first, or let both ship by"
        " themselves."
    )


class AlreadyShipped(Refused):
    code = "orders.already_shipped"
    says = (
        "Order {order}: some of it has left the house (units: {units}). Authorize a return instead;"
        " what is still here can be cancelled line by line."
    )


class MoreThanThereIs(Refused):
    code = "orders.more_than_there_is"
    kind = "invalid"
    says = "Line {line} has {found} units that could still be cancelled, {expected} were asked for."


class StillUnknown(Refused):
    code = "orders.still_unknown"
    says = "The catalog still has no SKU {skus} that could be sent. Register it (a kit is expanded when an order is"
    says += " placed, not later), or cancel the lines, then release the hold."


class AlreadyListed(Refused):
    """What is to be blocked or trusted is so already, or the other way."""

    code = "orders.already_listed"
    says = "{entry} is {side} since {since}, by {by}. Take that back first."


class TooManyFiles(Refused):
    code = "orders.too_many_files"
    says = "An order has {most} files at most. Withdraw one that is not needed, then add this one."
